//! Ratings: tables of numbers of one scale, of which most cells are empty.

mod folder;

use folder::Folder;
use ndarray::{Array, Array1, Array2, Dimension, s};
use ndarray_npy::{ReadNpyExt as _, ReadableElement};

/// 40 people's stars of four films. Nobody gave the second film one or two stars in the first 39 rows.
const N: usize = 40;

fn stars(n: usize, film: usize) -> Option<usize> {
    let likes = n % 2;
    match film {
        _ if (n + 3 * film).is_multiple_of(7) => None,
        0 => Some(1 + 4 * likes),
        1 => Some(3 + (n + likes) % 3),
        2 => Some(5 - 4 * likes + (n % 4) / 3 * likes),
        _ => Some(1 + n % 5),
    }
}

fn row(of: impl Fn(usize) -> Option<usize>) -> String {
    let cells = (0..4).map(|film| of(film).map_or(String::new(), |stars| stars.to_string()));
    cells.collect::<Vec<_>>().join(",") + "\n"
}

const HEADER: &str = "Alien,Heat,Up,Brazil\n";

/// A folder with `ratings.csv`.
fn folder() -> Folder {
    let folder = Folder::new();
    let rows: String = (0..N).map(|n| row(|film| stars(n, film))).collect();
    folder.write("ratings.csv", (HEADER.to_string() + &rows).as_bytes());
    folder
}

/// The rows of numbers of a table with a header.
fn numbers(text: &[u8]) -> Vec<Vec<f64>> {
    let text = String::from_utf8(text.to_vec()).unwrap();
    let row = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect();
    text.lines().skip(1).map(row).collect()
}

const TRAIN: &str =
    "train --data ratings.csv --missing absent --hidden 4 --epochs 20 --batch-size 10 --quiet";

#[test]
fn a_range_gives_every_column_all_stars() {
    let folder = folder();
    let (code, _, notes) =
        folder.run(&format!("{TRAIN} --categories auto --out auto").replace(" --quiet", ""));
    assert_eq!(code, Some(0), "{notes}");
    let note = "ratings.csv: 3 of 4 columns lack numbers that others have, as column \"Alien\" lacks 2: these are \
                never predicted there";
    assert!(notes.contains(note) && notes.contains("categories = 1..5"), "{notes}");
    folder.write("new.csv", (HEADER.to_string() + "5,1,,\n").as_bytes());
    folder.fail(
        "predict auto new.csv --fill",
        "new.csv: line 2, column 2 (\"Heat\") is \"1\", but must be one of 3, 4, 5: the training data of the model \
         have no others; if all columns share one scale, as ratings do, train with its range by `harmonium train \
         --categories FIRST..LAST`",
    );
    folder.fail(
        &format!("{TRAIN} --categories 5 --out none"),
        "but must be one of 0, 1, 2, 3, 4, as declared by categories; if a row is a user, an item and a rating, `harmonium \
         pivot` or pandas' pivot makes a table; if the scale is another, declare its range by --categories FIRST..LAST",
    );
    folder.refuse(
        &format!("{TRAIN} --categories 5..1 --out none"),
        2,
        "categories is 5..1, but must be a range such as 1..5, or with a step 0.5..5:0.5, of 2 to 255 numbers",
    );

    let (code, _, notes) =
        folder.run(&format!("{TRAIN} --categories 1..5 --out run").replace(" --quiet", ""));
    assert_eq!(code, Some(0), "{notes}");
    assert!(!notes.contains("lack numbers"), "{notes}");
    let facts = folder.facts("run");
    assert_eq!(facts["n_visible"], 20);
    let settings = String::from_utf8(folder.read("run/config.toml")).unwrap();
    assert!(settings.contains("categories = \"1..5\""), "{settings}");
    folder.succeed("predict run new.csv --fill --expected --out filled.csv");
    let filled = &numbers(&folder.read("filled.csv"))[0];
    assert_eq!(filled[..2], [5.0, 1.0]);
    assert!(filled[2..].iter().all(|x| (1.0..=5.0).contains(x)), "{filled:?}");
    // A settings file may have the range as text or as its ends.
    for (out, range) in [("text", "\"1..5\""), ("ends", "[1, 5]")] {
        folder.write(
            "s.toml",
            format!("[data]\ndata = \"ratings.csv\"\ncategories = {range}\n").as_bytes(),
        );
        let train = TRAIN.replace(" --data ratings.csv", "");
        folder.succeed_with_notes(&format!("{train} --config s.toml --out {out}"));
        assert_eq!(folder.fingerprint(out), folder.fingerprint("run"), "{range}");
    }
    folder.succeed_with_notes("pack ratings.csv --categories 1..5 --out packed");
    folder.succeed_with_notes(
        &format!("{TRAIN} --categories 1..5 --out packs").replace("ratings.csv", "packed"),
    );
    assert_eq!(folder.fingerprint("packs"), folder.fingerprint("run"));
}

#[test]
fn ratings_are_filled_with_expected_numbers_and_probabilities_are_named() {
    let folder = folder();
    folder.succeed_with_notes(&format!("{TRAIN} --categories 1..5 --out run"));
    let (code, _, notes) = folder.run("predict run --fill --probabilities p.csv --out filled.csv");
    assert_eq!(code, Some(0), "{notes}");
    assert!(
        notes.contains("filled with expected numbers; --most-likely fills with values"),
        "{notes}"
    );
    folder.succeed_with_notes("predict run --fill --expected --out expected.csv");
    assert!(folder.read("filled.csv") == folder.read("expected.csv"));
    folder.succeed_with_notes("predict run --fill --most-likely --out likely.csv");
    folder.refuse(
        "predict run --fill --most-likely --expected --out x.csv",
        2,
        "cannot be used with",
    );
    let text = String::from_utf8(folder.read("p.csv")).unwrap();
    let header: Vec<_> = text.lines().next().unwrap().split(',').collect();
    assert_eq!(header[..6], ["Alien=1", "Alien=2", "Alien=3", "Alien=4", "Alien=5", "Heat=1"]);
    let [p, filled, likely] =
        ["p.csv", "filled.csv", "likely.csv"].map(|name| numbers(&folder.read(name)));
    for (n, film) in (0..N).flat_map(|n| (0..4).map(move |film| (n, film))) {
        let p = &p[n][5 * film..5 * film + 5];
        let expected: f64 = (1..).zip(p).map(|(stars, p)| f64::from(stars) * p).sum();
        assert!((filled[n][film] - expected).abs() < 1e-6, "person {n}, film {film}");
        let most = p.iter().fold(0.0_f64, |most, &p| most.max(p));
        assert_eq!(p[likely[n][film] as usize - 1], most, "person {n}, film {film}");
    }
}

/// The numbers of the .npy file with this place in an archive, whose members are stored as they are.
fn member<T: ReadableElement, D: Dimension>(archive: &[u8], place: usize, n: usize) -> Array<T, D> {
    let mut starts = archive.windows(6).enumerate().filter(|(_, magic)| magic == b"\x93NUMPY");
    let file = &archive[starts.nth(place).unwrap().0..];
    let header = usize::from(u16::from_le_bytes([file[8], file[9]]));
    Array::read_npy(&file[..10 + header + n * size_of::<T>()]).unwrap()
}

/// Predictions of an array from the exported arrays alone, as the guide does in NumPy.
#[test]
fn the_exported_arrays_predict_what_the_program_does() {
    let folder = folder();
    folder.succeed_with_notes(&format!("{TRAIN} --categories 1..5 --learning-rate 0.5 --out run"));
    folder.succeed("export run --out model.npz");
    let archive = folder.read("model.npz");
    let weights: Array2<f32> = member(&archive, 0, 80);
    let [b, c] =
        [(1, 20), (2, 4)].map(|(place, n)| member::<f32, _>(&archive, place, n).mapv(f64::from));
    let (weights, b, c): (_, Array1<f64>, Array1<f64>) = (weights.mapv(f64::from), b, c);
    let site: Array1<i64> = member(&archive, 3, 20);
    let number: Array1<f64> = member(&archive, 4, 20);
    assert_eq!((site.len(), site[4], site[5], number[4], number[5]), (20, 0, 1, 5.0, 1.0));
    let new = [[5.0, f64::NAN, 1.0, f64::NAN], [f64::NAN, 3.0, f64::NAN, 2.0]];
    let rows = new
        .map(|row| row.map(|x| if x.is_nan() { String::new() } else { x.to_string() }).join(","));
    folder.write("new.csv", format!("{HEADER}{}\n{}\n", rows[0], rows[1]).as_bytes());
    folder.succeed_with_notes("predict run new.csv --fill --out new.npy");
    let found = Array2::<f64>::read_npy(&folder.read("new.npy")[..]).unwrap();
    for (n, row) in new.iter().enumerate() {
        let v: Array1<f64> =
            (0..20).map(|u| f64::from(u8::from(row[site[u] as usize] == number[u]))).collect();
        let x = &c + &v.dot(&weights);
        let softplus = |x: f64| libm::log1p(libm::exp(-x.abs())) + x.max(0.0);
        let u: Array1<f64> =
            (0..20).map(|u| b[u] + (&x + &weights.row(u)).mapv(softplus).sum()).collect();
        for (film, given) in row.iter().enumerate() {
            let own = s![5 * film..5 * film + 5];
            let p =
                u.slice(own).mapv(|x| libm::exp(x - u.slice(own).fold(f64::MIN, |a, &b| a.max(b))));
            let mean = (&p * &number.slice(own)).sum() / p.sum();
            let expected = if given.is_nan() { mean } else { *given };
            let error = found[[n, film]] - expected;
            assert!(error.abs() < 1e-12, "person {n}, film {film}: {error:e}");
        }
    }
}

/// What people are known to have rated, and what they have rated besides: the first two of them nothing that is known.
#[test]
fn held_out_cells_are_scored_from_the_known_ones() {
    let folder = folder();
    folder.succeed_with_notes(&format!("{TRAIN} --categories 1..5 --learning-rate 0.5 --out run"));
    let is_held = |n: usize, film: usize| (n + film).is_multiple_of(3);
    let table = |is_in: &dyn Fn(usize, usize) -> bool| {
        let rows = (0..N).map(|n| row(|film| stars(n, film).filter(|_| is_in(n, film))));
        HEADER.to_string() + &rows.collect::<String>()
    };
    folder.write("known.csv", table(&|n, film| n > 1 && !is_held(n, film)).as_bytes());
    // Cells that are known, too, are not scored.
    folder.write("truth.csv", table(&|n, film| is_held(n, film) || n > 20).as_bytes());
    let found = folder.succeed_with_notes("evaluate run --data known.csv --truth truth.csv --json");
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(
        (&found["truth"], &found["binarization"]),
        (&"truth.csv".into(), &"one for each value of a column".into())
    );

    folder.succeed_with_notes("predict run known.csv --fill --out filled.npy");
    let filled = Array2::<f64>::read_npy(&folder.read("filled.npy")[..]).unwrap();
    let cells: Vec<_> = (0..N)
        .flat_map(|n| (0..4).map(move |film| (n, film)))
        .filter(|&(n, film)| is_held(n, film) && stars(n, film).is_some())
        .collect();
    let number = |(n, film): (usize, usize)| stars(n, film).unwrap() as f64;
    let n_cells = cells.len() as f64;
    let errors: Vec<f64> =
        cells.iter().map(|&cell| filled[[cell.0, cell.1]] - number(cell)).collect();
    let mean_square = errors.iter().map(|x| x * x).sum::<f64>() / n_cells;
    let scatter = |n: usize| {
        let own = cells.iter().zip(&errors).filter(|((m, _), _)| *m == n);
        own.map(|(_, error)| error * error - mean_square).sum::<f64>().powi(2)
    };
    let error_of_mean = (0..N).map(scatter).sum::<f64>().sqrt() / n_cells;
    let of_column = |film: usize| {
        let all: Vec<_> = (0..N).filter_map(|n| stars(n, film)).collect();
        all.iter().sum::<usize>() as f64 / all.len() as f64
    };
    let by_column =
        cells.iter().map(|&cell| (of_column(cell.1) - number(cell)).powi(2)).sum::<f64>();
    let given = &found["given_others"];
    for (name, found, expected) in [
        ("values", &found["n_values"], n_cells),
        ("RMSE", &given["rmse"], mean_square.sqrt()),
        ("its error", &given["rmse_standard_error"], error_of_mean / (2.0 * mean_square.sqrt())),
        ("MAE", &given["mae"], errors.iter().map(|x| x.abs()).sum::<f64>() / n_cells),
        ("by the column", &found["numbers"]["column_mean"], (by_column / n_cells).sqrt()),
    ] {
        let found = found.as_f64().unwrap();
        assert!((found - expected).abs() < 1e-6, "{name}: {found} {expected}");
    }
    let text = folder.succeed_with_notes("evaluate run --data known.csv --truth truth.csv");
    for part in [
        " values of truth.csv, from what the examples have",
        "\nMAE  ",
        " ± ",
        "bits: one for each value of a column",
    ] {
        assert!(text.contains(part), "{text}");
    }
    folder.misuse(
        "evaluate run --data ratings.csv --truth known.csv",
        "predict is 0, but must be at least 1",
    );
    folder.write("short.csv", (HEADER.to_string() + "1,2,3,4\n").as_bytes());
    let rule = "short.csv: has another number of rows than --data: 1, not 40";
    folder.fail("evaluate run --data known.csv --truth short.csv", rule);
    folder.misuse(
        "evaluate run --data short.csv --truth known.csv",
        "truth is known.csv, but must be left out but for",
    );
}

/// Rows in another order, of other people too, under a header of numbers.
#[test]
fn held_out_cells_are_found_by_the_names_of_their_rows() {
    let folder = folder();
    let table = |people: &mut dyn Iterator<Item = usize>, is_in: &dyn Fn(usize, usize) -> bool| {
        let person =
            |n: usize| format!("p{n},{}", row(|film| stars(n, film).filter(|_| is_in(n, film))));
        "person,10,17,30,1984\n".to_string() + &people.map(person).collect::<String>()
    };
    let is_held = |n: usize, film: usize| (n + film).is_multiple_of(3);
    folder.write("all.csv", table(&mut (0..N), &|_, _| true).as_bytes());
    folder.write("known.csv", table(&mut (0..N), &|n, film| !is_held(n, film)).as_bytes());
    folder.write("held.csv", table(&mut (0..N), &is_held).as_bytes());
    folder.write(
        "mixed.csv",
        table(&mut (5..N + 2).rev(), &|n, film| is_held(n, film) || n == 7).as_bytes(),
    );
    folder.write("few.csv", table(&mut (5..N), &is_held).as_bytes());
    let train = TRAIN.replace("ratings.csv", "all.csv");
    folder.succeed_with_notes(&format!("{train} --categories 1..5 --id person --out run"));
    let scores = |truth: &str| {
        let found = folder.run(&format!("evaluate run --data known.csv --truth {truth} --json"));
        let (code, stdout, notes) = found;
        assert_eq!(code, Some(0), "{notes}");
        let found: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        ((found["n_values"].clone(), found["given_others"].clone()), notes)
    };
    let (few, notes) = scores("few.csv");
    assert!(!notes.contains("do not count") && !notes.contains("left out"), "{notes}");
    let (mixed, notes) = scores("mixed.csv");
    assert_eq!(mixed, few);
    assert_ne!(scores("held.csv").0, few);
    assert!(notes.contains("mixed.csv: 2 rows that --data lacks are left out"), "{notes}");
    let n_twice = (0..4).filter(|&film| stars(7, film).is_some() && !is_held(7, film)).count();
    assert!(
        notes.contains(&format!("{n_twice} values that --data has, too, do not count")),
        "{notes}"
    );
    folder.write("twice.csv", table(&mut [3, 3].into_iter(), &is_held).as_bytes());
    let rule = "twice.csv: has two rows of the name \"p3\"";
    folder.fail("evaluate run --data known.csv --truth twice.csv", rule);
    let rule = "--data: has two rows of the name \"p3\"";
    folder.fail("evaluate run --data twice.csv --truth held.csv", rule);
    let (_, notes) = scores("mixed.csv --limit 9");
    assert!(!notes.contains("left out"), "{notes}");
    // The names may be given for the data at hand.
    let unnamed = train.replace("all.csv", "ratings.csv");
    folder.succeed_with_notes(&format!("{unnamed} --categories 1..5 --out unnamed"));
    let given = |name: &str| {
        let of_films = String::from_utf8(folder.read(name)).unwrap();
        let (_, rows) = of_films.split_once('\n').unwrap();
        folder.write(name, format!("person,{HEADER}{rows}").as_bytes());
    };
    ["known.csv", "mixed.csv"].into_iter().for_each(given);
    let line = "evaluate unnamed --data known.csv --truth mixed.csv --id person --json";
    let found: serde_json::Value = serde_json::from_str(&folder.run(line).1).unwrap();
    assert_eq!(found["n_values"], few.0);
    folder.misuse(
        "evaluate unnamed --data known.csv --id person --clusters c.csv",
        "clusters is c.csv, but must be left out for examples that lack values",
    );
}

#[test]
fn the_best_columns_are_those_of_the_highest_expected_numbers() {
    let folder = folder();
    folder.succeed_with_notes(&format!("{TRAIN} --categories 1..5 --learning-rate 0.5 --out run"));
    folder.write("new.csv", (HEADER.to_string() + "5,,,\n,2,1,4\n1,2,3,4\n").as_bytes());
    folder.succeed_with_notes("predict run new.csv --fill --out new.npy");
    folder.succeed_with_notes("predict run new.csv --top 2 --out top.csv");
    let filled = Array2::<f64>::read_npy(&folder.read("new.npy")[..]).unwrap();
    let text = String::from_utf8(folder.read("top.csv")).unwrap();
    let films: Vec<_> = HEADER.trim().split(',').collect();
    let mut best: Vec<_> = (1..4).map(|film| (0, film)).collect();
    best.sort_by(|&a, &b| filled[b].total_cmp(&filled[a]));
    best.truncate(2);
    let lines = best
        .into_iter()
        .chain([(1, 0)])
        .map(|(n, film)| format!("{n},{},{}\n", films[film], filled[(n, film)]));
    assert_eq!(text, "example,column,score\n".to_string() + &lines.collect::<String>());
    folder.misuse("predict run new.csv --top 0 --out x.csv", "top is 0, but must be at least 1");
    folder.misuse(
        "predict run new.csv --top 2 --out top.npy",
        "top.npy, but must be a .csv or .tsv file with top",
    );
    folder.refuse("predict run new.csv --top 2 --fill", 2, "cannot be used with");
}

#[test]
fn a_row_for_each_rating_is_told_from_a_table_and_becomes_one() {
    let folder = folder();
    let rating =
        |(n, film): (usize, usize)| stars(n, film).map(|stars| format!("{n},{film},{stars}\n"));
    let cells = (0..N).flat_map(|n| (0..4).map(move |film| (n, film)));
    let long: String = cells.filter_map(rating).collect();
    folder.write("long.csv", ("user,item,rating\n".to_string() + &long).as_bytes());
    folder.fail(
        "train --data long.csv --categories 1..5 --missing absent --out none",
        "long.csv: line 2, column 1 (\"user\") is \"0\", but must be one of 1, 2, 3, 4, 5, as declared by categories; if a \
         row is a user, an item and a rating, `harmonium pivot` or pandas' pivot makes a table; if the scale is",
    );
    let many: String = (0..300).map(|n| format!("u{n},i{},{}\n", n % 9, n % 5)).collect();
    folder.write("many.csv", ("user,item,rating\n".to_string() + &many).as_bytes());
    folder.fail(
        "train --data many.csv --categories auto --missing absent --out none",
        "but must be a bit or a category; if a row is a user, an item and a rating, `harmonium pivot` or pandas' \
         pivot makes a table; leave it out by --ignore NAME",
    );
    let (code, _, notes) = folder.run("pivot long.csv --out wide.csv");
    assert_eq!(code, Some(0), "{notes}");
    assert!(notes.contains("40 examples of 4 columns; train on them with --id user"), "{notes}");
    assert!(notes.contains("names such as item:0, as a header of numbers would pass"), "{notes}");
    folder.succeed_with_notes(&format!("{TRAIN} --categories 1..5 --out run"));
    let train = TRAIN.replace("ratings.csv", "wide.csv");
    folder.succeed_with_notes(&format!("{train} --categories 1..5 --id user --out wide"));
    assert_eq!(folder.fingerprint("wide"), folder.fingerprint("run"));
    folder.succeed_with_notes("predict wide wide.csv --top 1 --out top.csv");
    let text = String::from_utf8(folder.read("top.csv")).unwrap();
    // The names of films that are numbers have that of their column before them, so that they are a header.
    assert!(
        text.lines().skip(1).all(|line| line.split(',').nth(1).unwrap().starts_with("item:")),
        "{text}"
    );
    folder.refuse("pivot long.csv --out wide.csv", 1, "exists already");
    // What `--fill` writes by default are expected numbers.
    folder.succeed_with_notes("predict wide wide.csv --fill --out filled.csv");
    folder.fail(
        "evaluate wide --data filled.csv",
        "numbers between them are expected ones if `harmonium predict --fill`",
    );
    folder.succeed_with_notes("predict wide wide.csv --fill --most-likely --out likely.csv");
    folder.succeed_with_notes("evaluate wide --data likely.csv");
    // In another encoding two films could become one.
    folder.write("latin.csv", b"user,item,rating\nAnn,M\xfcll,4\nBob,M\xf6ll,1\n");
    let remedy = "latin.csv: line 2 is no text in UTF-8; save the file as UTF-8";
    folder.fail("pivot latin.csv --out x.csv", remedy);
    folder.fail("train --data latin.csv --categories auto --out none", remedy);
    folder.fail(
        "train --data wide.csv --labels latin.csv --categories 1..5 --id user --out none",
        remedy,
    );
    folder.misuse(
        "pivot long.csv --columns user,item --out x.csv",
        "columns is user,item, but must be three names",
    );
    folder.fail(
        "pivot long.csv --out x.npy",
        "x.npy: is no table; the name must end in .csv or .tsv",
    );
}

/// Two people without a rating are left out of training, and of the run's own data; given data keep them.
#[test]
fn filled_tables_have_the_names_of_their_rows_and_say_which_rows_are_left_out() {
    let folder = folder();
    let person = |n: usize| {
        let rates = n != 5 && n != 8;
        format!("p{n},{}", row(|film| stars(n, film).filter(|_| rates)))
    };
    let table = format!("person,{HEADER}{}", (0..N).map(person).collect::<String>());
    folder.write("people.csv", table.as_bytes());
    let train = TRAIN.replace("ratings.csv", "people.csv");
    folder.succeed_with_notes(&format!("{train} --categories 1..5 --id person --out run"));
    let fill = "--fill --most-likely --probabilities";
    let (code, _, notes) =
        folder.run(&format!("predict run --split train {fill} p.csv --out own.csv"));
    let note = "people.csv: 2 of 40 examples have no value at all and are left out: 5, 8\n";
    assert!(code == Some(0) && notes.matches(note).count() == 1, "{notes}");
    let (code, _, notes) =
        folder.run(&format!("predict run people.csv {fill} q.csv --out given.csv"));
    assert!(code == Some(0) && !notes.contains("left out"), "{notes}");
    let names = |file: &str| {
        let text = String::from_utf8(folder.read(file)).unwrap();
        text.lines().map(|line| line.split(',').next().unwrap().to_string()).collect::<Vec<_>>()
    };
    let all: Vec<_> =
        ["person".into()].into_iter().chain((0..N).map(|n| format!("p{n}"))).collect();
    let kept: Vec<_> = all.iter().filter(|name| *name != "p5" && *name != "p8").cloned().collect();
    assert_eq!([names("own.csv"), names("p.csv")], [kept.clone(), kept.clone()]);
    assert_eq!([names("given.csv"), names("q.csv")], [all.clone(), all]);
    assert!(
        String::from_utf8(folder.read("p.csv")).unwrap().starts_with("person,Alien=1,Alien=2,")
    );
    // The file fits the next command.
    folder.succeed_with_notes("predict run own.csv --id person --fill --out again.csv");
    assert_eq!(names("again.csv"), kept);
}

#[test]
fn a_table_may_lack_the_films_that_its_people_have_not_rated() {
    let folder = folder();
    folder.succeed_with_notes(&format!("{TRAIN} --categories 1..5 --out run"));
    folder.write("all.csv", (HEADER.to_string() + "5,,,\n4,,2,\n,,1,\n").as_bytes());
    folder.write("few.csv", b"Up,Alien\n,5\n2,4\n1,\n");
    let note = "few.csv: the table lacks 2 of 4 columns, which count as missing: Heat, Brazil";
    for line in ["transform run DATA --out", "predict run DATA --fill --out"] {
        let [few, all] = ["few", "all"].map(|name| {
            let (code, _, notes) = folder.run(
                &format!("{line} {name}.npy --overwrite").replace("DATA", &format!("{name}.csv")),
            );
            assert!(code == Some(0), "{notes}");
            assert_eq!(notes.matches(note).count(), usize::from(name == "few"), "{notes}");
            folder.read(&format!("{name}.npy"))
        });
        assert!(few == all, "{line}");
    }
    let scores = ["few", "all"].map(|name| {
        let found = folder.run(&format!("evaluate run --data {name}.csv --json")).1;
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        (found["n_values"].clone(), found["given_others"].clone())
    });
    assert!(scores[0].0 == 4 && scores[0] == scores[1], "{scores:?}");

    folder.write("other.csv", b"Up,Aline,age\n2,5,30\n");
    folder.fail(
        "predict run other.csv --fill",
        "other.csv: Aline, age are columns that the model does not know, while 3 of its columns are lacking: Alien, Heat, \
         Brazil; correct the names, or leave out what is no column of the model by --ignore NAME",
    );
    folder.succeed_with_notes("predict run other.csv --fill --ignore Aline,age --out other.npy");
    folder.write("none.csv", b"Aline,age\n5,30\n");
    folder.fail(
        "predict run none.csv --fill",
        "none.csv: has none of the 4 columns of the model, Alien, Heat, Up, Brazil; its columns are Aline, age",
    );
    folder.write("unnamed.csv", b"2,5\n,1\n");
    folder
        .fail("predict run unnamed.csv --fill", "unnamed.csv: has 2 columns, but the model has 4");
}

/// Rows are found by their names as soon as one of both files has them.
#[test]
fn held_out_cells_are_not_paired_by_place_where_a_column_of_names_is_lacking() {
    let folder = Folder::new();
    let names = ["ann", "bob", "cyd", "dan", "eve", "fay"];
    let row = |n: usize, known: bool| {
        let cell = |film: usize| {
            if (film == n % 3) == known {
                String::new()
            } else {
                (1 + (n * film + n) % 5).to_string()
            }
        };
        (0..3).map(cell).collect::<Vec<_>>().join(",")
    };
    let table = |column: &str, order: &[usize], known: bool| {
        let rows: Vec<_> =
            order.iter().map(|&n| format!("{},{}", names[n % 6], row(n, known))).collect();
        format!("{column},x,y,z\n{}\n", rows.join("\n"))
    };
    let all: Vec<usize> = (0..6).collect();
    folder.write("t.csv", table("user", &all, true).as_bytes());
    folder.write("held.csv", table("user", &[5, 3, 1, 0, 2, 4], false).as_bytes());
    folder.write("renamed.csv", table("name", &[5, 3, 1, 0, 2, 4], false).as_bytes());
    folder.succeed_with_notes(
        "train --data t.csv --id user --categories 1..5 --missing absent --hidden 2 --epochs 2 --quiet --out run",
    );
    folder.succeed_with_notes("evaluate run --data t.csv --truth held.csv");
    folder.fail(
        "evaluate run --data t.csv --truth renamed.csv",
        "renamed.csv: has no column \"user\" of names of rows, by which the rows of both are found",
    );
    let (_, _, said) = folder.run("predict run renamed.csv --fill --out filled.csv");
    assert!(
        said.contains(
            "has no column \"user\" of names of rows, as training had; --id names another"
        ),
        "{said}"
    );
}
