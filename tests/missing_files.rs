//! Missing values in files, and what the commands make of them.

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
    let read = |name: &str, encoding| Dataset::read_as(&folder.path(name), encoding).unwrap();
    for (name, array, encoding, values) in [
        ("bits", array![[0.0, nan], [1.0, 1.0], [nan, 0.0]], Encoding::Undeclared, [0.0, 1.0, 1.0, 0.0]),
        ("spins", array![[-1.0, nan], [1.0, 1.0], [nan, -1.0]], Encoding::Spins, [0.0, 1.0, 1.0, 0.0]),
        ("greys", array![[0.5, nan], [1.0, 0.25], [nan, 0.0]], Encoding::Undeclared, [0.5, 1.0, 0.25, 0.0]),
    ] {
        folder.write_npy(name, array.view());
        folder.write_npy("f4", array.mapv(|x| x as f32).view());
        let text: String = array.outer_iter().map(|row| format!("{},{}\n", row[0], row[1])).collect();
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
        for (data, encoding) in
            [("a.npy", Encoding::Undeclared), ("a.csv", Encoding::Undeclared), ("a.npy", AUTO), ("a.csv", AUTO)]
        {
            let dataset =
                Dataset::read_masked(&folder.path(data), encoding, Some(&mask)).unwrap();
            let (missing, values) = contents(&dataset);
            assert_eq!(missing, array![[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]], "{data}");
            assert_eq!(values, array![[0., 0., 1.], [1., 1., 0.], [0., 0., 1.], [0., 1., 1.]]);
        }
    }
    folder.write("x.fasta", b">a\nACGT\n>b\nTTTT\n>c\nXXAA\n");
    folder.write("m.txt", b"0 0 1 0\n0 0 0 0\n0 1 0 0\n");
    let mask = MissingMask::read(&folder.path("m.txt")).unwrap();
    let letters = Encoding::Letters {
        alphabet: Some(Alphabet::Dna),
        unknown_letters: UnknownLetters::Missing,
    };
    let dataset = Dataset::read_masked(&folder.path("x.fasta"), letters, Some(&mask)).unwrap();
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
    let line = format!("train --data people.csv --categories auto --missing-mask m.csv {SHORT} --out run");
    for (text, message) in [
        ("0,1\n".repeat(60), "m.csv: has the shape (60, 2), but must mark the 60 examples of people.csv in 4 columns: (60, 4)"),
        ("0,0,0,0\n".repeat(59) + "0,2,0,0\n", "m.csv: example 59, column 2 is 2, but must be 0, or 1 where a value is missing"),
        ("0,0,0,0\n".repeat(59) + "0,,0,0\n", "m.csv: line 60, column 2 is empty, but must be 0, or 1 where"),
        ("0,0,0,0\n".repeat(59) + "0,x,0,0\n", "m.csv: line 60, column 2 is \"x\", but must be a number"),
        ("1,1,1,1\n".to_string() + &"0,0,0,0\n".repeat(59), "people.csv: example 0 has no value at all"),
    ] {
        folder.write("m.csv", text.as_bytes());
        folder.fail(&line, message);
    }
    folder.fail(&line.replace("m.csv", "none.npy"), "none.npy: cannot read");
}
