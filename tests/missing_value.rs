//! One number stands for missing values, at every door by which data come.

use harmonium::BitMatrix;
use harmonium::dataset::{Categories, Coded, Columns, Dataset, Encoding};
use harmonium::reals::RealRows;
use ndarray::{Array2, array};
use ndarray_npy::WriteNpyExt as _;

#[cfg(feature = "cli")]
mod folder;
#[cfg(feature = "cli")]
use folder::{Folder, SHORT};

const AUTO: Encoding = Encoding::Categories { categories: Categories::Auto, ignore: Vec::new() };

fn text(text: &str, encoding: Encoding) -> Dataset {
    Dataset::read_from("t", text.as_bytes(), encoding).unwrap()
}

fn npy<T: ndarray_npy::WritableElement>(rows: Array2<T>, encoding: Encoding) -> Dataset {
    let mut bytes = Vec::new();
    rows.write_npy(&mut bytes).unwrap();
    Dataset::read_from("a", &bytes[..], encoding).unwrap()
}

fn numbers(rows: Array2<f32>, encoding: Encoding) -> Dataset {
    Dataset::from_numbers_as("n", RealRows::from(rows.view()), encoding).unwrap()
}

fn mask(dataset: &Dataset) -> Array2<u8> {
    dataset.missing().map_or(Array2::zeros((0, 0)), |missing| missing.to_array(u8::from))
}

#[test]
fn bits_and_grey_levels_lose_the_number() {
    let nine = |encoding: Encoding| encoding.marked(Some(-9.0));
    for found in [
        text("0 -9\n1 0\n", nine(Encoding::Undeclared)),
        text("a,b\n0,-9.0\n1,\n", nine(Encoding::Undeclared)),
        npy(array![[0_i8, -9], [1, 0]], nine(Encoding::Undeclared)),
        npy(array![[0.0_f32, -9.0], [1.0, f32::NAN]], nine(Encoding::Undeclared)),
        numbers(array![[0.0, -9.0], [1.0, 0.0]], nine(Encoding::Undeclared)),
        text("-1 -9\n1 -1\n", nine(Encoding::Spins)),
    ] {
        assert!(found.is_binary() && mask(&found)[[0, 1]] == 1, "{found:?}");
        assert_eq!(found.bits().unwrap().to_array(u8::from), array![[0, 0], [1, 0]]);
        assert_eq!(found.encoding().missing_value(), Some(-9.0));
    }
    let zero = Encoding::GreyLevels(4).marked(Some(0.0));
    for found in [
        text("0 2\n4 1\n", zero.clone()),
        npy(array![[0_u8, 2], [4, 1]], zero.clone()),
        Dataset::from_bytes_as("b", array![[0_u8, 2], [4, 1]], zero.clone()).unwrap(),
    ] {
        assert_eq!((mask(&found), found.intensity(0, 1)), (array![[1, 0], [0, 0]], 0.5));
        assert_eq!(found.encoding(), zero);
    }
    // A fraction is the number that its text shows, whatever its precision.
    let tenth = npy(array![[0.1_f32, 0.5]], Encoding::Undeclared.marked(Some(0.1)));
    assert_eq!(mask(&tenth), array![[1, 0]]);
    let floats = RealRows::from(array![[2.5_f32, 0.0], [-9.0, 1.0]].view());
    let found = Dataset::from_numbers_marked("f", floats, -9.0).unwrap();
    assert_eq!((mask(&found), found.intensity(0, 0)), (array![[0, 0], [1, 0]], 2.5));
}

#[test]
fn no_state_of_a_column_is_the_number() {
    let zero = AUTO.marked(Some(0.0));
    let coded = Coded {
        names: None,
        values: vec![vec!["0".into(), "1".into(), "2.0".into()], vec!["3".into(), "5".into()]],
        codes: array![[1, 0], [0, 1], [2, 1]],
    };
    let of_text = text("1 3\n0 5\n2 5\n", zero.clone());
    for found in [
        of_text.clone(),
        npy(array![[1_i64, 3], [0, 5], [2, 5]], zero.clone()),
        npy(array![[1.0_f64, 3.0], [0.0, 5.0], [2.0, 5.0]], zero.clone()),
        numbers(array![[1.0, 3.0], [0.0, 5.0], [2.0, 5.0]], zero.clone()),
        coded.dataset("c", &zero).unwrap(),
    ] {
        assert_eq!(found.columns().unwrap().states(1), ["3", "5"]);
        assert_eq!(found.n_missing(), 1);
        assert_eq!(found.bits(), of_text.bits());
        assert_eq!(mask(&found).row(1).to_vec(), [1, 1, 0, 0]);
        // Other data for the model lack the same number.
        let recorded = Encoding::recorded(&found.encoding().facts()).unwrap();
        assert_eq!(text("0 5\n", recorded).n_missing(), 1);
    }
}

/// A number counts the states of texts, as samples do: state 0 is there.
#[test]
fn the_number_of_a_state_with_a_name_is_a_value() {
    let named = text("a,b\nred,0\nblue,4\ngreen,5\n", AUTO.marked(Some(0.0)));
    let columns: &Columns = named.columns().unwrap();
    assert_eq!((named.n_missing(), columns.states(1)), (1, vec!["4", "5"]));
    let again = numbers(array![[0.0, 4.0], [2.0, 0.0]], named.encoding());
    assert_eq!(mask(&again).row(0).to_vec(), [0; 5]);
    assert_eq!(again.n_missing(), 1);
}

#[test]
fn packed_data_keep_the_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("d.packed");
    let nine = Encoding::Undeclared.marked(Some(-9.0));
    let data = text("0 -9\n1 0\n", nine.clone());
    data.pack(&path).unwrap();
    for encoding in [nine, Encoding::Undeclared] {
        let found = Dataset::read_as(&path, encoding).unwrap();
        assert_eq!((found.missing(), found.encoding()), (data.missing(), data.encoding()));
    }
    let zero = Encoding::Undeclared.marked(Some(0.0));
    let error = Dataset::read_as(&path, zero).unwrap_err().to_string();
    assert!(error.contains("other values were missing then; pack the source again"), "{error}");
    // Bits that lack nothing hold no -9, which a model may ask for.
    text("0 1\n1 0\n", Encoding::Undeclared).pack(&path).unwrap();
    let nine = Encoding::Undeclared.marked(Some(-9.0));
    let found = Dataset::read_as(&path, nine.clone()).unwrap();
    assert!(found.missing().is_none() && found.encoding() == nine);
    let one = Encoding::Undeclared.marked(Some(1.0));
    let error = Dataset::read_as(&path, one).unwrap_err().to_string();
    assert!(error.contains("pack the source again with missing_value = 1"), "{error}");
}

#[test]
fn where_no_number_can_be_missing_it_is_refused() {
    let nine = || Encoding::Undeclared.marked(Some(-9.0));
    let error = Dataset::read_from("s", &b">a\nACGT\n"[..], nine()).unwrap_err().to_string();
    assert!(error.contains("missing_value declares a number of a table; leave it out"), "{error}");
    let shifter = harmonium::dataset::Source::Shifter;
    let error = shifter.read_split(Default::default(), nine()).unwrap_err().to_string();
    assert!(error.starts_with("missing_value is -9, but must be left out"), "{error}");
}

#[test]
fn states_that_look_like_missing_values_are_noted() {
    let note = |rows: &str| text(rows, AUTO).marks_note();
    let found = note("a,b,c\n0,-9,x\n1,2,y\n2,0,x\n-1,1,x\n").unwrap();
    assert!(found.starts_with("t: column a has a state -1, and 1 other column does; "), "{found}");
    assert!(found.ends_with("name it by missing_value = -1"), "{found}");
    let found = note("colour,b\nred,1\nblue,-99\n-99,2\nred,0\n").unwrap();
    assert!(
        found.starts_with("t: column colour has a state -99, and 1 other column does; "),
        "{found}"
    );
    assert_eq!(note("colour,b\nred,1\nblue,1\n-5,2\nred,0\n"), None, "a name like others");
    assert_eq!(note("-1 0\n0 1\n1 0\n"), None, "three values of their own");
    assert_eq!(note("-9 0\n1 1\n-9 0\n"), None, "two states");
    let bits = Dataset::from_bits("b", BitMatrix::zeros(1, 1));
    assert!(
        bits.none_missing_note().unwrap().ends_with("such as 0 or -9, name it by missing_value")
    );
    assert_eq!(text("0 NA\n", Encoding::Undeclared).none_missing_note(), None);
}

#[test]
fn the_error_for_a_usual_mark_names_the_setting() {
    for rows in ["0 1\n-99 1\n", "0.0 0.5\n-99.0 1.0\n"] {
        let error = Dataset::read_from("t", rows.as_bytes(), Encoding::Undeclared).unwrap_err();
        let error = error.to_string();
        let rule = "from 0 to 1; if this number stands for a missing value, name it by missing_value = -99";
        assert!(error.ends_with(rule), "{error}");
    }
}

/// The commands read data as training did, and other data as their flags say.
#[cfg(feature = "cli")]
#[test]
fn commands_know_the_number_and_take_another() {
    let folder = Folder::new();
    folder.write("train", b"0 1 1\n1 -9 0\n0 1 1\n1 0 -9\n");
    let line =
        format!("train --data train --missing-value -9 --missing marginal {SHORT} --out run");
    folder.succeed(&line);
    folder.write("other", b"0 1 2\n1 2 0\n");
    folder.fail("evaluate run --data other", "is 2, but must be");
    let summed = folder.succeed("evaluate run --data other --missing-value 2");
    assert!(summed.contains("what they lack is summed out"), "{summed}");
    assert!(folder.succeed("evaluate run").contains("what they lack is summed out"));
    folder.succeed("predict run train --fill --out filled.csv");
    let filled = String::from_utf8(folder.read("filled.csv")).unwrap();
    assert!(!filled.contains("-9") && filled.lines().count() == 4, "{filled}");
}

/// A model of whole sequences scores one with a gap, or leaves it out.
#[cfg(feature = "cli")]
#[test]
fn a_model_of_whole_sequences_reads_others() {
    let folder = Folder::new();
    folder.write("train", b">a\nACAC\n>b\nGTGT\n>c\nACAC\n>d\nGTGA\n");
    folder.succeed(&format!("train --data train {SHORT} --out run"));
    let json: serde_json::Value =
        serde_json::from_str(&folder.succeed("evaluate run --json")).unwrap();
    let [of_site, of_all] =
        ["log_likelihood_per_site", "log_likelihood"].map(|key| json[key].as_f64());
    assert_eq!((of_site.unwrap() * 4.0, &json["n_sites"]), (of_all.unwrap(), &4.into()));
    assert!(folder.succeed("evaluate run").contains("nats a site, of 4 sites"));
    folder.write("other", b">e\nACAC\n>f\nA-XC\n");
    folder.fail("evaluate run --data other", "by --unknown-letters gap|missing|drop");
    let scores = |way: &str| {
        let flags = format!("--unknown-letters {way} --log-probabilities p.csv --overwrite");
        folder.succeed(&format!("evaluate run --data other {flags}"));
        let text = String::from_utf8(folder.read("p.csv")).unwrap();
        text.lines().skip(1).map(str::to_string).collect::<Vec<_>>()
    };
    assert!(scores("missing")[1].starts_with("f,-"));
    assert_eq!(scores("drop")[1], "f,");
    folder.succeed("transform run other --unknown-letters drop --out h.csv");
    let features = String::from_utf8(folder.read("h.csv")).unwrap();
    assert!(features.lines().nth(2).unwrap().starts_with("f,NaN,NaN"), "{features}");
    folder.fail("evaluate run --data other --unknown-letters gap", "has no gap for them");
    folder.write("table", b"0 1\n1 0\n");
    folder.succeed(&format!("train --data table {SHORT} --out bits"));
    folder.misuse(
        "transform bits table --unknown-letters drop",
        "model was not trained on sequences",
    );
}
