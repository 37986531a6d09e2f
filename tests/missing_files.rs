//! Missing values in files, and what the commands make of them.

#![cfg(feature = "cli")]

use harmonium::dataset::{Alphabet, Categories, Dataset, Encoding, MissingMask, UnknownLetters};
use ndarray::{Array2, array};

mod folder;

use folder::{Folder, SHORT};

const AUTO: Encoding = Encoding::Categories { categories: Categories::Auto, ignore: Vec::new() };

/// The missing units of each row, and the values of all units, as they are read.
fn contents(dataset: &Dataset) -> (Array2<u8>, Array2<f64>) {
    let shape = (dataset.n_examples(), dataset.n_visible());
    let missing =
        dataset.missing().map_or(Array2::zeros(shape), |missing| missing.to_array(u8::from));
    (missing, Array2::from_shape_fn(shape, |(n, unit)| dataset.intensity(n, unit)))
}

#[test]
fn nan_in_an_array_is_a_missing_value() {
    let folder = Folder::new();
    let nan = f64::NAN;
    let missing = array![[0, 1], [0, 0], [1, 0]];
    let read = |name: &str, encoding| Dataset::read_as(folder.path(name), encoding).unwrap();
    for (name, array, encoding, values) in [
        (
            "bits",
            array![[0.0, nan], [1.0, 1.0], [nan, 0.0]],
            Encoding::Undeclared,
            [0.0, 1.0, 1.0, 0.0],
        ),
        (
            "spins",
            array![[-1.0, nan], [1.0, 1.0], [nan, -1.0]],
            Encoding::Spins,
            [0.0, 1.0, 1.0, 0.0],
        ),
        (
            "greys",
            array![[0.5, nan], [1.0, 0.25], [nan, 0.0]],
            Encoding::Undeclared,
            [0.5, 1.0, 0.25, 0.0],
        ),
    ] {
        folder.write_npy(name, array.view());
        folder.write_npy("f4", array.mapv(|x| x as f32).view());
        let text: String =
            array.outer_iter().map(|row| format!("{},{}\n", row[0], row[1])).collect();
        folder.write("text", text.as_bytes());
        for form in [name, "f4", "text"] {
            let dataset = read(form, encoding.clone());
            let [a, b, c, d] = values;
            let expected = array![[a, 0.0], [b, c], [0.0, d]];
            assert_eq!(contents(&dataset), (missing.clone(), expected), "{name} as {form}");
            assert_eq!(dataset.n_missing(), 2, "{name} as {form}");
        }
    }
    let categories = array![[3.0, nan], [5.0, 1.0], [nan, 2.0], [7.0, 2.0]];
    folder.write_npy("categories", categories.view());
    let dataset = read("categories", AUTO);
    let (missing, values) = contents(&dataset);
    assert_eq!(missing, array![[0, 0, 0, 1, 1], [0; 5], [1, 1, 1, 0, 0], [0; 5]]);
    assert_eq!(values.row(0).to_vec(), [1.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(dataset.first_missing().unwrap(), "example 0, column 2 has no value");
}

#[test]
fn a_mask_hides_values_whatever_they_are() {
    let folder = Folder::new();
    // -9 is no grey level, and no category that training should know.
    folder.write_npy("a.npy", array![[0_i32, -9, 1], [1, 1, 0], [-9, 0, 1], [0, 1, 1]].view());
    let text = "a,b,c\n0,-9,1\n1,1,0\n-9,0,1\n0,1,1\n";
    folder.write("a.csv", text.as_bytes());
    let hidden: Array2<bool> =
        array![[false, true, false], [false; 3], [true, false, false], [false; 3]];
    folder.write_npy("m.npy", hidden.view());
    folder.write("m.csv", b"a,b,c\n0,1,0\n0,0,0\n1,0,0\n0,0,0\n");
    for mask in ["m.npy", "m.csv"] {
        let mask = MissingMask::read(&folder.path(mask)).unwrap();
        for (data, encoding) in [
            ("a.npy", Encoding::Undeclared),
            ("a.csv", Encoding::Undeclared),
            ("a.npy", AUTO),
            ("a.csv", AUTO),
        ] {
            let dataset = Dataset::read_masked(folder.path(data), encoding, Some(&mask)).unwrap();
            let (missing, values) = contents(&dataset);
            assert_eq!(missing, array![[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]], "{data}");
            assert_eq!(values, array![[0., 0., 1.], [1., 1., 0.], [0., 0., 1.], [0., 1., 1.]]);
        }
    }
    // Declared grey levels stay levels if a mask hides all of them that are above 1.
    folder.write_npy("levels.npy", array![[0_u8, 200], [1, 0], [0, 4]].view());
    folder.write("levels.csv", b"0,200\n1,0\n0,4\n");
    folder.write("bright.csv", b"0,1\n0,0\n0,1\n");
    let mask = MissingMask::read(&folder.path("bright.csv")).unwrap();
    for (data, n) in [("levels.npy", 255), ("levels.csv", 255), ("levels.csv", 4)] {
        let levels = Encoding::GreyLevels(n);
        let dataset = Dataset::read_masked(folder.path(data), levels, Some(&mask)).unwrap();
        let level = f64::from(n);
        assert!((dataset.intensity(1, 0) * level - 1.0).abs() < 1e-6, "{data} {n}");
        let on = harmonium::BitMatrix::from_fn(3, 2, |_, _| true);
        assert_eq!(dataset.filled(&on).numbers(), array![[0., level], [1., 0.], [0., level]]);
        let expected = dataset.expected(Array2::from_elem((3, 2), 0.5).view()).unwrap();
        assert_eq!(expected, array![[0., level / 2.], [1., 0.], [0., level / 2.]]);
    }
    let plain = Dataset::read_masked(folder.path("levels.npy"), Encoding::Undeclared, Some(&mask));
    assert_eq!(plain.unwrap().intensity(1, 0), 1.0, "what is hidden decides nothing by itself");

    folder.write("x.fasta", b">a\nACGT\n>b\nTTTT\n>c\nXXAA\n");
    folder.write("m.txt", b"0 0 1 0\n0 0 0 0\n0 1 0 0\n");
    let mask = MissingMask::read(&folder.path("m.txt")).unwrap();
    let letters = Encoding::Letters {
        alphabet: Some(Alphabet::Dna),
        unknown_letters: UnknownLetters::Missing,
    };
    let dataset = Dataset::read_masked(folder.path("x.fasta"), letters, Some(&mask)).unwrap();
    let is_missing = |(row, site)| u8::from(dataset.missing().unwrap().get(row, 4 * site));
    let sites = Array2::from_shape_fn((3, 4), is_missing);
    assert_eq!(sites, array![[0, 0, 1, 0], [0; 4], [1, 1, 0, 0]]);
}

/// A table of people with holes.
fn people() -> Folder {
    let folder = Folder::new();
    let colours = ["red", "blue", "green"];
    let rows = (0..60).map(|n| {
        let colour = if n % 7 == 3 { "" } else { colours[n % 3] };
        let smokes = if n % 5 == 2 { "NA".into() } else { (n % 2).to_string() };
        format!("{colour},{smokes},{},{}\n", 1 + n % 4, n % 3 + 1)
    });
    let text = "colour,smokes,rating,w\n".to_string() + &rows.collect::<String>();
    folder.write("people.csv", text.as_bytes());
    folder
}

#[test]
fn a_run_without_the_setting_names_the_first_hole_and_both_ways() {
    let folder = people();
    let line = "train --data people.csv --categories auto --hidden 4 --epochs 2 --quiet";
    folder.fail(
        &format!("{line} --out run"),
        "people.csv: line 4, column 2 (\"smokes\") is \"NA\" (20 other values are missing), but training needs \
         all values; use --missing absent, which leaves such a site out of the model of its example, as suits \
         ratings, or --missing marginal, which sums over the values that it may have, as suits values that are \
         missing at random; or remove examples with missing values, or fill them",
    );
    folder.write("x.csv", b"0,1\n1,\n1,0\n");
    folder.fail(
        &format!("train --data x.csv {SHORT} --out run"),
        "x.csv: line 2, column 2 is empty, but training needs all values; use --missing absent",
    );
    // Without holes in the first examples, there is nothing to refuse.
    folder.succeed_with_notes(&format!("{line} --ignore colour,rating --limit 2 --out run"));
}

#[test]
fn each_bad_mask_is_refused() {
    let folder = people();
    let line =
        format!("train --data people.csv --categories auto --missing-mask m.csv {SHORT} --out run");
    for (text, message) in [
        (
            "0,1\n".repeat(60),
            "m.csv: has the shape (60, 2), but must mark the 60 examples of people.csv in 4 columns: (60, 4)",
        ),
        (
            "0,0,0,0\n".repeat(59) + "0,2,0,0\n",
            "m.csv: example 59, column 2 is 2, but must be 0, or 1 where a value is missing",
        ),
        (
            "0,0,0,0\n".repeat(59) + "0,,0,0\n",
            "m.csv: line 60, column 2 is empty, but must be 0, or 1 where",
        ),
        (
            "0,0,0,0\n".repeat(59) + "0,x,0,0\n",
            "m.csv: line 60, column 2 is \"x\", but must be a number",
        ),
        ("1,1,1,1\n".repeat(60), "people.csv: has no column with two different values: column 1"),
    ] {
        folder.write("m.csv", text.as_bytes());
        folder.fail(&line, message);
    }
    folder.fail(&line.replace("m.csv", "none.npy"), "none.npy: cannot read");
}

/// Rows of three bits that agree, the last of which many rows lack.
fn agreeing() -> Folder {
    let folder = Folder::new();
    let rows = (0..200).map(|n| {
        let bit = n / 3 % 2;
        let last = if n % 4 == 1 { String::new() } else { bit.to_string() };
        format!("{bit},{bit},{last}\n")
    });
    folder.write("agreeing.csv", ("a,b,c\n".to_string() + &rows.collect::<String>()).as_bytes());
    folder
}

const AGREEING: &str =
    "train --data agreeing.csv --hidden 4 --epochs 200 --batch-size 20 --learning-rate 0.3 --quiet";

#[test]
fn holes_are_filled_with_what_the_model_expects() {
    let folder = agreeing();
    for (missing, form) in [("absent", "csv"), ("marginal", "tsv"), ("marginal", "npy")] {
        folder
            .succeed_with_notes(&format!("{AGREEING} --missing {missing} --out {missing}-{form}"));
        let line = format!("predict {missing}-{form} --fill --out filled.{form} --overwrite");
        let said = folder.succeed_with_notes(&line);
        assert_eq!(said.trim(), format!("filled.{form}"));
        let filled = Dataset::read(folder.path(&format!("filled.{form}"))).unwrap();
        assert_eq!((filled.n_examples(), filled.n_missing()), (200, 0));
        for n in 0..200 {
            let expected = (n / 3 % 2) as f64;
            assert!((0..3).all(|unit| filled.intensity(n, unit) == expected), "{missing}, row {n}");
        }
    }
    // Means of numbers, and the probabilities themselves.
    folder.succeed_with_notes(
        "predict absent-csv agreeing.csv --fill --expected --probabilities p.npy --out e.npy --limit 20",
    );
    let means = Dataset::read(folder.path("e.npy")).unwrap();
    let p = Dataset::read(folder.path("p.npy")).unwrap();
    for n in 0..20 {
        let (mean, bit) = (means.intensity(n, 2), (n / 3 % 2) as f64);
        assert!((mean - bit).abs() < 0.2 && (n % 4 != 1 || mean != bit), "row {n}: {mean}");
        assert!((mean - p.intensity(n, 2)).abs() < 1e-6);
    }
    // A mask asks for what is known.
    folder.write("m.csv", "0,0,1\n".repeat(200).as_bytes());
    folder.write("whole.csv", folder.read("filled.tsv").as_slice());
    folder.succeed_with_notes(
        "predict absent-csv whole.csv --missing-mask m.csv --fill --out again.csv",
    );
    let again = Dataset::read(folder.path("again.csv")).unwrap();
    assert!((0..200).all(|n| again.intensity(n, 2) == (n / 3 % 2) as f64));

    folder.fail(
        "predict absent-csv agreeing.csv",
        "was trained without labels, so that there is nothing to predict; train with --labels, or give --fill",
    );
    folder.fail("predict absent-csv --fill --out again.csv", "again.csv: exists already");
    folder.fail(
        "predict absent-csv agreeing.csv --fill --out x.fasta",
        "does not hold sequences; give a .csv",
    );
    folder.refuse("predict absent-csv --fill --out x.png", 2, "must end in .npy, .npz, .csv");
}

/// Up to 16 hidden units are summed out; of more, what lacks many values is an average over chains, and that is said.
#[test]
fn what_is_filled_by_chains_is_said() {
    let folder = Folder::new();
    let cell =
        |n: usize, unit: usize| if n < 3 && unit > 4 { "" } else { ["0", "1"][(n + unit) % 2] };
    let row = |n| (0..20).map(|unit| cell(n, unit)).collect::<Vec<_>>().join(",") + "\n";
    folder.write("bits.csv", (0..30).map(row).collect::<String>().as_bytes());
    for (hidden, is_said) in [(16, false), (17, true)] {
        folder.succeed_with_notes(&format!(
            "train --data bits.csv --missing marginal --hidden {hidden} --epochs 2 --quiet --out of-{hidden}"
        ));
        let (code, _, said) =
            folder.run(&format!("predict of-{hidden} bits.csv --fill --out {hidden}.csv"));
        assert_eq!(code, Some(0), "{said}");
        let note = "what 3 of 30 examples lack is averaged over chains of 1000 sweeps";
        assert_eq!(said.contains(note), is_said, "{said}");
    }
}

/// A model cannot know a film that nobody has rated, nor somebody who has rated none.
#[test]
fn ratings_that_the_model_cannot_know_are_predicted_by_means() {
    let folder = Folder::new();
    let stars = |n: usize, film: usize| match (film, n % 2) {
        (0, odd) => 4.0 - 2.0 * odd as f64,
        (1, 0) => 0.0,
        _ => f64::NAN,
    };
    let stars = Array2::from_shape_fn((60, 3), |(n, film)| stars(n, film));
    folder.write_npy("stars", stars.view());
    let train = "train --data stars --categories 5 --missing absent --hidden 4 --epochs 5 --quiet";
    folder.succeed_with_notes(&format!("{train} --out run"));
    let nan = f64::NAN;
    folder.write_npy("new", array![[nan, nan, nan], [4.0, 0.0, nan], [2.0, nan, 1.0]].view());
    let (code, _, notes) = folder.run("predict run new --fill --expected --out e.csv");
    assert_eq!(code, Some(0), "{notes}");
    let note = "new: 4 predictions are not of the model but by means";
    assert!(notes.contains(note), "{notes}");
    let text = String::from_utf8(folder.read("e.csv")).unwrap();
    let rows: Vec<Vec<f64>> = text
        .lines()
        .filter_map(|line| line.split(',').map(|cell| cell.parse().ok()).collect())
        .collect();
    // 60 ratings of 3 on average, and 30 of 0.
    let (mu, of_first, of_second) = (2.0, 60.0 / 65.0, -60.0 / 35.0);
    let of_third = mu + (4.0 - mu - of_first + 0.0 - mu - of_second) / 7.0;
    let rows = &rows[rows.len() - 3..];
    for (found, expected) in rows[0].iter().zip([mu + of_first, mu + of_second, mu]) {
        assert!((found - expected).abs() < 1e-6, "{text}");
    }
    assert!((rows[1][2] - of_third).abs() < 1e-6, "{text}");
    // The model says what it knows.
    assert!((rows[2][1] - (mu + of_second)).abs() > 1e-3 && rows[2][2] == 1.0, "{text}");
    // From an example all of whose values a mask hides nothing can be learned.
    folder.write("m.csv", ("1,1,1\n".to_string() + &"0,0,0\n".repeat(59)).as_bytes());
    let (_, _, notes) = folder.run(&format!("{train} --missing-mask m.csv --out less"));
    assert!(notes.contains("stars: example 0 has no value at all and is left out"), "{notes}");
    let data = &folder.facts("less")["data"];
    assert_eq!(data["n_examples"], 59);
    folder.succeed("evaluate less");
}

#[test]
fn filled_tables_keep_their_names_and_given_cells() {
    let folder = people();
    let line = "train --data people.csv --categories auto --hidden 4 --epochs 5 --quiet";
    folder.succeed_with_notes(&format!("{line} --missing marginal --out run"));
    folder.succeed_with_notes("predict run people.csv --fill");
    let text = |name: &str| String::from_utf8(folder.read(name)).unwrap();
    let (before, after) = (text("people.csv"), text("filled.csv"));
    assert_eq!(before.lines().count(), after.lines().count());
    for (before, after) in before.lines().zip(after.lines()) {
        let states = [&["red", "blue", "green"][..], &["0", "1"]];
        for (column, (before, after)) in before.split(',').zip(after.split(',')).enumerate() {
            match before {
                "" | "NA" => assert!(states[column].contains(&after), "{after}"),
                given => assert_eq!(given, after),
            }
        }
    }
    folder.fail(
        "predict run people.csv --fill --expected --out x.csv",
        "column \"colour\" holds names, which have no mean; ask for the most likely values",
    );
    folder.fail(
        "transform run people.csv",
        "but p(h | v) (`harmonium predict --fill` completes them) needs all values",
    );

    folder.write("x.fasta", b">a\nACGT\n>b\nACGT\n>c of a kind\nNCGT\n>d\nTTTN\n>e\nTTTT\n");
    let line = "train --data x.fasta --unknown-letters missing --hidden 3 --epochs 300 --quiet";
    folder.succeed_with_notes(&format!("{line} --missing absent --out letters"));
    folder.succeed_with_notes("predict letters --fill --out filled.fasta");
    let letters: Vec<_> = text("filled.fasta").lines().map(String::from).collect();
    assert_eq!(letters[4..6], [">c of a kind", "ACGT"]);
    assert_eq!(letters[7], "TTTT");
    // A site that is absent is one that is off.
    folder.succeed_with_notes("transform letters --out features.npy");
}

#[test]
fn a_run_with_holes_resumes_to_the_same_bits() {
    let folder = people();
    folder.write("m.csv", "0,0,1,0\n0,0,0,0\n".repeat(30).as_bytes());
    for missing in ["absent", "marginal"] {
        let line = format!(
            "train --data people.csv --categories auto --missing {missing} --missing-mask m.csv --hidden 5 \
             --epochs 4 --batch-size 10 --validation 12 --quiet"
        );
        folder.succeed_with_notes(&format!("{line} --out whole-{missing}"));
        folder.succeed_with_notes(&format!("{line} --out parts-{missing} --stop-after 7updates"));
        std::fs::rename(folder.path("m.csv"), folder.path("n.csv")).unwrap();
        let parts = format!("resume parts-{missing} --quiet");
        folder.fail(&parts, "m.csv: cannot read: No such file or directory (os error 2); give the path of that file with --missing-mask");
        folder.succeed_with_notes(&format!("{parts} --missing-mask n.csv"));
        std::fs::rename(folder.path("n.csv"), folder.path("m.csv")).unwrap();
        let (whole, parts) = (format!("whole-{missing}"), format!("parts-{missing}"));
        assert_eq!(folder.fingerprint(&whole), folder.fingerprint(&parts), "{missing}");
        let facts = folder.facts(&whole);
        assert_eq!(facts["data"]["n_missing"], 41, "{missing}");
        assert_eq!(facts["settings"]["missing"], missing);
    }
}

#[test]
fn the_holes_of_a_run_are_counted_once() {
    let folder = people();
    let line = "train --data people.csv --categories auto --missing marginal --hidden 4 --epochs 2";
    let (code, _, said) = folder.run(&format!("{line} --out run"));
    assert_eq!(code, Some(0), "{said}");
    let note = "people.csv: 21 of 240 values are missing (8.75 %), in 19 of 60 examples and 2 of 4 columns";
    assert_eq!(said.matches(note).count(), 1, "{said}");
}

#[test]
fn test_data_may_have_a_mask_of_their_own() {
    let folder = people();
    folder.write("m.csv", "0,0,1,0\n0,0,0,0\n".repeat(30).as_bytes());
    let line = "train --data people.csv --categories auto --missing absent --test-data people.csv \
                --test-missing-mask m.csv --hidden 4 --epochs 3 --stop-after 1epochs --out run";
    let (code, _, said) = folder.run(line);
    assert_eq!(code, Some(0), "{said}");
    let note = |n| format!("people.csv: {n} of 240 values are missing");
    assert!(said.contains(&note(21)) && said.contains(&note(51)), "{said}");
    folder.write("m.csv", "0,0,0,1\n0,0,0,0\n".repeat(30).as_bytes());
    folder.fail("resume run", "m.csv: has the SHA-256 ");
    std::fs::remove_file(folder.path("m.csv")).unwrap();
    folder.fail("resume run", "give the path of that file with --test-missing-mask");
    folder.write("n.csv", "0,0,1,0\n0,0,0,0\n".repeat(30).as_bytes());
    let remedy = "the path of that file with `harmonium resume RUN --test-missing-mask PATH`";
    folder.refuse("predict run --fill", 1, remedy);
    folder.succeed_with_notes("resume run --test-missing-mask n.csv");
    folder.succeed_with_notes("predict run --fill");
    folder.misuse(
        "train --data people.csv --categories auto --missing absent --test-missing-mask n.csv --out x",
        "test_missing_mask is n.csv, but must be left out without --test-data",
    );
}
