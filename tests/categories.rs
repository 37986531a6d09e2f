//! Data of categories are read as columns, and other data by the columns of the first.

use harmonium::dataset::{Alphabet, Categories, Dataset, Encoding, UnknownLetters};
use ndarray::{Array2, array};
use ndarray_npy::WriteNpyExt as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn categories(categories: Categories, ignore: &[&str]) -> Encoding {
    Encoding::Categories {
        categories,
        ignore: ignore.iter().map(|name| name.to_string()).collect(),
    }
}

fn file(folder: &Path, name: &str, contents: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, contents).unwrap();
    path
}

fn npy(folder: &Path, name: &str, array: &Array2<i16>) -> PathBuf {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).unwrap();
    file(folder, name, &bytes)
}

/// The names of the values of each example.
fn rows(dataset: &Dataset) -> Vec<Vec<String>> {
    let (n, n_units) = (dataset.n_examples(), dataset.n_visible());
    let is_on = |example, unit| dataset.intensity(example, unit) == 1.0;
    let bits = harmonium::BitMatrix::from_fn(n, n_units, is_on);
    let rows = dataset.columns().expect("columns").rows(&bits);
    rows.map(|row| row.into_iter().map(str::to_string).collect()).collect()
}

/// The encoding of other data for a model that was trained on these.
fn of_model(dataset: &Dataset) -> Encoding {
    Encoding::recorded(&dataset.encoding().facts()).unwrap()
}

#[test]
fn arrays_and_tables_of_one_content_have_the_same_states() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = array![[0, 3, 20], [1, 5, 10], [1, 4, 20]];
    let array = npy(folder.path(), "a.npy", &numbers);
    let text = file(folder.path(), "a.csv", b"x,y,z\n0,3,20\n1,5,10\n1,4,20\n");
    let auto = || categories(Categories::Auto, &[]);
    let [array, text] = [array, text].map(|path| Dataset::read_as(&path, auto()).unwrap());
    assert_eq!(array.columns().unwrap().sites(), [1, 3, 2]);
    assert_eq!((array.n_visible(), rows(&array)), (6, rows(&text)));
    assert_eq!(text.columns().unwrap().header().unwrap(), ["x", "y", "z"]);

    // Other data for the model of one are read in either form.
    let other = npy(folder.path(), "b.npy", &array![[1, 4, 10]]);
    let other_text = file(folder.path(), "b.csv", b"z,x,y\n10,1,4\n");
    for model in [&array, &text] {
        let read = Dataset::read_as(&other, of_model(model)).unwrap();
        assert_eq!(rows(&read), [["1", "4", "10"]]);
    }
    let read = Dataset::read_as(&other_text, of_model(&text)).unwrap();
    assert_eq!(rows(&read), [["1", "4", "10"]]);

    let unseen = npy(folder.path(), "c.npy", &array![[1, 4, 10], [1, 9, 10]]);
    let error = Dataset::read_as(&unseen, of_model(&array)).unwrap_err().to_string();
    let message =
        "example 1, column 2 is 9, but must be one of 3, 4, 5: the training data of the model";
    assert!(error.contains(message), "{error}");
}

#[test]
fn arrays_in_memory_are_read_as_those_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let numbers = array![[0, 2], [1, 0], [2, 1]];
    let path = npy(folder.path(), "a.npy", &numbers);
    for declared in [Categories::Auto, Categories::Count(5)] {
        let file = Dataset::read_as(&path, categories(declared, &[])).unwrap();
        let bytes = numbers.mapv(|x| x as u8);
        let reals = harmonium::reals::RealRows::from(numbers.mapv(f32::from).view());
        let bytes = Dataset::from_bytes_as("a", bytes, categories(declared, &[])).unwrap();
        let reals = Dataset::from_numbers_as("a", reals, categories(declared, &[])).unwrap();
        assert_eq!((rows(&bytes), rows(&reals)), (rows(&file), rows(&file)));
        assert_eq!(bytes.columns(), file.columns());
        assert_eq!(reals.columns(), file.columns());
    }
}

#[test]
fn fractions_keep_the_names_that_their_types_give_them() {
    let folder = tempfile::tempdir().unwrap();
    let ratings = array![[0.5_f32, 1.0], [4.1, 3.5], [0.5, 3.5]];
    let mut bytes = Vec::new();
    ratings.write_npy(&mut bytes).unwrap();
    let path = file(folder.path(), "ratings.npy", &bytes);
    let dataset = Dataset::read_as(&path, categories(Categories::Auto, &[])).unwrap();
    assert_eq!(rows(&dataset), [["0.5", "1"], ["4.1", "3.5"], ["0.5", "3.5"]]);
    let text = file(folder.path(), "ratings.csv", b"0.50,3.5\n4.1,1.0\n");
    assert_eq!(
        rows(&Dataset::read_as(&text, of_model(&dataset)).unwrap()),
        [["0.5", "3.5"], ["4.1", "1"]]
    );
}

#[test]
fn sequences_are_known_by_their_contents_gzipped_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let text = b">a\nACGT\n>b\nA-GG\n";
    let plain = file(folder.path(), "x.txt", text);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    let packed = file(folder.path(), "x.fasta.gz", &encoder.finish().unwrap());
    let [plain, packed] = [plain, packed].map(|path| Dataset::read(&path).unwrap());
    assert_eq!(plain.columns(), packed.columns());
    assert_eq!(rows(&packed), [["A", "C", "G", "T"], ["A", "-", "G", "G"]]);
    assert_eq!((packed.n_visible(), packed.columns().unwrap().alphabet()), (20, Some("-ACGT")));
    assert!(packed.inferred().unwrap().ends_with(
        "x.fasta.gz: the sequences are taken as 4 sites of the 5 letters -ACGT; the setting alphabet \
         overrides this"
    ));
    // A table of letters is read by the sites of the model.
    let table = file(folder.path(), "x.csv", b"s1,s2,s3,s4\nA,C,-,-\n");
    let read = Dataset::read_as(&table, of_model(&packed)).unwrap();
    assert_eq!(rows(&read), [["A", "C", "-", "-"]]);
    // And so are the numbers of the letters.
    let numbers = npy(folder.path(), "x.npy", &array![[1, 2, 0, 0]]);
    assert_eq!(rows(&Dataset::read_as(&numbers, of_model(&packed)).unwrap()), rows(&read));
}

#[test]
fn settings_for_other_data_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let table = file(folder.path(), "x.csv", b"0,1\n1,0\n");
    let letters = |alphabet, unknown_letters| Encoding::Letters { alphabet, unknown_letters };
    for (encoding, message) in [
        (
            letters(Some(Alphabet::Dna), UnknownLetters::Refuse),
            "alphabet is dna, but must be left out for data other than sequences in FASTA",
        ),
        (
            letters(None, UnknownLetters::Gap),
            "unknown_letters is gap, but must be left out for data other than sequences in FASTA",
        ),
    ] {
        assert_eq!(Dataset::read_as(&table, encoding).unwrap_err().to_string(), message);
    }
    let stockholm = file(folder.path(), "x.sto", b"# STOCKHOLM 1.0\na ACGT\n//\n");
    let error = Dataset::read(&stockholm).unwrap_err().to_string();
    assert!(
        error.contains("is an alignment in Stockholm format, which cannot be read; convert it by")
    );
}

#[test]
fn parts_of_data_keep_the_columns_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = npy(folder.path(), "a.npy", &array![[3], [4], [5], [6]]);
    let all = Dataset::read_as(&path, categories(Categories::Auto, &[])).unwrap();
    let columns = all.columns().cloned();
    let (training, validation) = all.split_validation(1).unwrap();
    assert_eq!(
        (training.columns().cloned(), validation.columns().cloned()),
        (columns.clone(), columns)
    );
    assert_eq!(rows(&validation), [["6"]]);
}
