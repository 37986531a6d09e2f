//! Reading data with what belongs to their rows: columns of a table, or files of their own.

use super::Dataset;
#[cfg(feature = "mnist")]
use super::beside::DIGIT;
use super::beside::{Beside, DataBeside, Found};
use super::column_apart::{ColumnApart, Otherwise, Wanted};
use super::column_source::ColumnSource;
use super::columns::texts;
use super::example_weights::{WEIGHT, is_weight};
use super::file::{self, Reading, Unpacked};
use super::text::Cell;
use super::{Classes, Encoding, Labels, Source, Split};
use crate::error::Result;
use std::sync::Arc;

impl Source {
    /// Reads the data, integers by `encoding`, and what belongs to their rows. Columns of labels or weights are not
    /// among those of the examples. For MNIST the images are those of one split.
    ///
    /// ```
    /// use harmonium::dataset::{Beside, ColumnSource, Encoding, Source, Split};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("pixels.csv");
    /// std::fs::write(&path, "left,kind,right,count\n0,bar,0,3\n1,?,0,1\n1,dot,1,1\n").unwrap();
    /// let [kind, count] = ["kind", "count"].map(|name| ColumnSource::Column(name.into()));
    /// let beside = Beside { labels: Some(&kind), weights: Some(&count), ..Beside::default() };
    /// let found = Source::Path(path).read_beside(Split::Train, Encoding::Undeclared, beside)?;
    /// assert_eq!(found.dataset.n_visible(), 2);
    /// assert_eq!(found.labels.unwrap().values.of_examples(), [Some(0), None, Some(1)]);
    /// assert_eq!(found.weights.unwrap().values, [3.0, 1.0, 1.0]);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Source::read_split`] and [`Labels::read`]; [`Error::Io`](crate::Error::Io) for labels or weights of
    /// which there is neither a file nor a column; [`Error::Unsuitable`](crate::Error::Unsuitable) if a column is
    /// not there, or the numbers of a file are not in one row or column;
    /// [`Error::BadCategory`](crate::Error::BadCategory) for a cell that is no label or no weight.
    pub fn read_beside(
        &self,
        split: Split,
        encoding: Encoding,
        beside: Beside<'_>,
    ) -> Result<DataBeside> {
        self.read_all_by(split, Reading { encoding, ..Reading::default() }, beside)
    }

    /// [`read_beside`](Self::read_beside), but the grey levels of a large file stay in it. For programs that do nothing
    /// but read, such as packing: a file that is shortened meanwhile ends the process.
    ///
    /// # Errors
    /// As [`read_beside`](Self::read_beside).
    pub fn read_in_place(
        &self,
        split: Split,
        encoding: Encoding,
        beside: Beside<'_>,
    ) -> Result<DataBeside> {
        let reading = Reading { encoding, in_place: true, ..Reading::default() };
        self.read_all_by(split, reading, beside)
    }

    /// Reads the data, and what belongs to their rows. What is read apart and the mask are those of `beside`.
    fn read_all_by(
        &self,
        split: Split,
        reading: Reading<'_>,
        beside: Beside<'_>,
    ) -> Result<DataBeside> {
        let Beside { labels, classes, labels_column, weights, weights_column, mask, .. } = beside;
        let weighs_as_training = beside.weighs_as_training && weights.is_none();
        let Beside { id, id_column, ignored, ignored_columns, lacked_columns: lacked, .. } = beside;
        #[cfg(feature = "mnist")]
        let digits = self.digits(split, labels, classes)?;
        #[cfg(not(feature = "mnist"))]
        let digits = None;
        let mut found_labels = match labels {
            Some(source) if digits.is_none() => labels_in_file(source, classes)?,
            _ => digits,
        };
        let mut found_weights = weights.map(weights_in_file).transpose()?.flatten();
        let optional =
            |role, name: &str| Wanted { name: name.into(), role, otherwise: Otherwise::Optional };
        let of_labels = match (labels, classes) {
            _ if found_labels.is_some() => None,
            (Some(source), _) => Some(wanted("labels", source)),
            (None, Some(_)) => labels_column.map(|name| optional("labels", name)),
            (None, None) => None,
        };
        let of_weights = weights.filter(|_| found_weights.is_none());
        let of_weights = of_weights.map(|source| wanted("weights", source)).or_else(|| {
            let column = weights_column.filter(|_| weighs_as_training);
            column.map(|name| optional("weights", name))
        });
        let (has_labels, has_weights) = (of_labels.is_some(), of_weights.is_some());
        let mut wanted: Vec<_> = of_labels.into_iter().chain(of_weights).collect();
        let must =
            |role, name: &str| Wanted { name: name.into(), role, otherwise: Otherwise::NoColumn };
        let of_id = id.map(|name| must("names of examples", name));
        let of_id = of_id.or(id_column.map(|name| optional("names of examples", name)));
        let has_id = of_id.is_some();
        wanted.extend(of_id);
        for name in ignored {
            if wanted.iter().all(|w| w.name != *name) {
                wanted.push(must("values to ignore", name));
            }
        }
        for name in ignored_columns.iter().filter_map(serde_json::Value::as_str) {
            if wanted.iter().all(|w| w.name != name) {
                wanted.push(optional("values to ignore", name));
            }
        }
        // A column that training read apart is no site, even if others are given in its place.
        let of_training = [
            ("labels", labels_column),
            ("weights", weights_column),
            ("names of examples", id_column),
        ];
        for (role, column) in of_training {
            let passed_over = column.filter(|name| wanted.iter().all(|w| w.name != *name));
            wanted.extend(passed_over.map(|name| optional(role, name)));
        }
        let names = beside.unit_names.map(texts);
        let unit_names = names.as_deref();
        let reading = Reading { mask, apart: &wanted, lacked, unit_names, ..reading };
        let (dataset, columns) = self.read_by(split, reading)?;
        let mut columns = columns.into_iter();
        if has_labels && let Some(column) = columns.next().flatten() {
            let values = Labels::of_column(&column, classes.cloned())?;
            let source = ColumnSource::Column(column.name);
            found_labels = Some(Found { values, source, sha256: None });
        }
        if let (None, Some(classes)) = (&found_labels, classes) {
            let values = Labels::unknown(classes.clone(), dataset.n_examples());
            let source = ColumnSource::Column(classes.column());
            found_labels = Some(Found { values, source, sha256: None });
        }
        if has_weights && let Some(column) = columns.next().flatten() {
            let (values, source) = (weights_in(&column)?, ColumnSource::Column(column.name));
            found_weights = Some(Found { values, source, sha256: None });
        }
        let id = if has_id { columns.next().flatten() } else { None };
        let is_weights = |column: &ColumnApart| Some(&column.name[..]) == weights_column;
        let unused = columns.flatten().find(|column| found_weights.is_none() && is_weights(column));
        let dataset = match id {
            Some(ColumnApart { name, cells, .. }) => {
                Dataset { titles: Some(cells), titles_column: Some(name), ..dataset }
            }
            None => dataset,
        };
        Ok(DataBeside {
            dataset,
            labels: found_labels,
            weights: found_weights,
            unused_weights: unused.map(|column| column.name),
        })
    }

    /// The labels of MNIST, if they are asked for by name, or the classes of a model are its digits.
    #[cfg(feature = "mnist")]
    fn digits(
        &self,
        split: Split,
        labels: Option<&ColumnSource>,
        classes: Option<&Arc<Classes>>,
    ) -> Result<Option<Found<Labels>>> {
        let source = ColumnSource::File("mnist".into());
        let are_digits = match labels {
            Some(labels) => *labels == source,
            None => classes.is_some_and(|classes| classes.column_name() == DIGIT),
        };
        if *self != Self::Mnist || !are_digits {
            return Ok(None);
        }
        let names: Vec<_> = Dataset::mnist_labels(split).iter().map(u8::to_string).collect();
        let values = Labels::of_names(DIGIT, &names, classes.cloned())?;
        Ok(Some(Found { values, source, sha256: None }))
    }
}

/// The labels in a file; `None` if there is no such file.
fn labels_in_file(
    source: &ColumnSource,
    classes: Option<&Arc<Classes>>,
) -> Result<Option<Found<Labels>>> {
    let Some(path) = source.file() else { return Ok(None) };
    let (values, sha256) = Labels::read(path, classes.cloned())?;
    Ok(Some(Found { values, source: source.clone(), sha256: Some(sha256) }))
}

/// The column of labels or weights in which they are if they are in no file.
fn wanted(role: &'static str, source: &ColumnSource) -> Wanted {
    let otherwise = match source {
        ColumnSource::File(_) => Otherwise::NoFile,
        ColumnSource::Column(_) => Otherwise::NoColumn,
    };
    Wanted { name: source.column().into_owned(), role, otherwise }
}

/// The weights in a file of .npy, .npz, IDX or a column of text; `None` if there is no such file.
fn weights_in_file(source: &ColumnSource) -> Result<Option<Found<Vec<f64>>>> {
    let Some(path) = source.file() else { return Ok(None) };
    let Unpacked { bytes, sha256, .. } = Unpacked::read(path)?;
    let values = file::array(path, &bytes)?.vector()?;
    Ok(Some(Found { values, source: source.clone(), sha256: Some(sha256) }))
}

/// The weights in a column of a table.
fn weights_in(column: &ColumnApart) -> Result<Vec<f64>> {
    let weight = |(example, cell): (usize, &String)| match Cell::of(cell.as_bytes()) {
        Cell::Number(weight) if is_weight(weight) => Ok(weight),
        _ => {
            let rule = format!("{WEIGHT}: it is a weight; a row of weight 0 is left out");
            Err(column.refused(example, &rule))
        }
    };
    column.cells.iter().enumerate().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::super::MissingMask;
    use super::*;
    use ndarray::{Array, Dimension, array};
    use ndarray_npy::WriteNpyExt as _;
    use serde_json::{Map, Value};
    use std::fs::{self, File};
    use std::path::Path;

    /// A table of people of whom some have a kind, and its other files.
    fn table() -> (tempfile::TempDir, Source) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        fs::write(&path, "a,kind,count,b\n# all\n1,x,2,0\n\n0,\"?\",0.5,1\n1,y,0,1\n").unwrap();
        (folder, Source::Path(path))
    }

    fn read(
        data: &Source,
        encoding: Encoding,
        labels: Option<&str>,
        weights: Option<&str>,
    ) -> Result<DataBeside, String> {
        let [labels, weights] = [labels, weights].map(|text| text.map(|t| t.parse().unwrap()));
        let beside =
            Beside { labels: labels.as_ref(), weights: weights.as_ref(), ..Beside::default() };
        data.read_beside(Split::Train, encoding, beside).map_err(|error| error.to_string())
    }

    const AUTO: Encoding =
        Encoding::Categories { categories: crate::dataset::Categories::Auto, ignore: Vec::new() };

    #[test]
    fn numbers_and_categories_may_have_columns_apart() {
        let (_folder, data) = table();
        for encoding in [Encoding::Undeclared, AUTO] {
            let found = read(&data, encoding.clone(), Some("kind"), Some("column:count")).unwrap();
            assert_eq!(
                found.dataset.bits().unwrap().to_array(u8::from),
                array![[1, 0], [0, 1], [1, 1]]
            );
            let labels = found.labels.clone().unwrap();
            assert_eq!(labels.values.of_examples(), [Some(0), None, Some(1)]);
            assert_eq!(labels.source.to_string(), "column:kind");
            let weights = found.weights.clone().unwrap();
            assert_eq!(weights.values, [2.0, 0.5, 0.0]);
            let dataset = found.joined().unwrap();
            assert_eq!((dataset.n_examples(), dataset.n_visible()), (2, 4), "one has no weight");
            if let Some(columns) = dataset.columns() {
                assert_eq!(columns.header().unwrap(), ["a", "b"]);
            }
        }
        let two = Encoding::Categories {
            categories: crate::dataset::Categories::Count(2),
            ignore: vec!["a".into(), "count".into()],
        };
        let found = read(&data, two, Some("kind"), Some("count")).unwrap();
        assert_eq!(found.dataset.columns().unwrap().header().unwrap(), ["b"]);
    }

    #[test]
    fn messages_count_columns_and_lines_as_the_file_has_them() {
        let (folder, data) = table();
        let path = folder.path().join("t.csv");
        let error = |text: &str, encoding: Encoding| {
            fs::write(&path, text).unwrap();
            let error = read(&data, encoding, Some("kind"), Some("w")).unwrap_err();
            error.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&error).to_string()
        };
        let cases = [
            ("w,kind,a,b\n\n1,x,0,?\n1,y,1,z\n", "line 4, column 4 is \"z\", but must be a number"),
            (
                "kind,a,w,b\n1,0,2,7\n",
                "line 2, column 4: example 0, unit 1 is 7, but must be 0 or 1",
            ),
            ("kind,a,w,b\n1,0,2\n", "line 2 has 3 cells, but line 1 has 4 cells"),
            ("kind,label,w\nx,7,1\n", "line 1, column 2 is \"label\": it holds classes"),
            (
                "kind,a,w\nx,1,1\nx,0,1\n",
                "column 1 (\"kind\"): labels must be of 2 to 255 different classes",
            ),
            (
                "kind,a,w\n#\nx,1,1\ny,0,-1\n",
                "line 4, column 3 (\"w\") is \"-1\", but must be a finite number of at least 0: it is a weight",
            ),
            (
                "kind,a,w\nx,1,1\ny,0,NA\n",
                "line 3, column 3 (\"w\") is \"NA\", but must be a finite number",
            ),
            (",a,kind,w\nx,1,y,1\n", "line 1, column 1 is empty: below it are names of the rows"),
        ];
        for (text, message) in cases {
            let error = error(text, Encoding::Undeclared);
            assert!(error.starts_with(message), "{error}\ndoes not say: {message}");
        }
        for (text, message) in [
            (
                "kind,w,c\nx,1,red\ny,1,red\n",
                "has no column with two different values: column 3 (\"c\") holds only the value red",
            ),
            ("kind,w,c\nx,1,red\ny,1\n", "line 3 has 2 cells, but line 1 has 3 cells"),
        ] {
            let error = error(text, AUTO);
            assert!(error.starts_with(message), "{error}\ndoes not say: {message}");
        }
        fs::write(&path, "kind,w,a,b\nx,1,0,1\ny,1,,0\nx,1,1,1\n").unwrap();
        for encoding in [Encoding::Undeclared, AUTO] {
            let found = read(&data, encoding, Some("kind"), Some("w")).unwrap().dataset;
            assert!(found.first_missing().unwrap().starts_with("line 3, column 3 "), "{found:?}");
        }
    }

    #[test]
    fn the_column_of_weights_in_training_is_no_unit_of_other_data() {
        let (folder, data) = table();
        let read_by = |weights: Option<&ColumnSource>, weighs_as_training| {
            let weights_column = Some("count");
            let beside =
                Beside { weights, weights_column, weighs_as_training, ..Beside::default() };
            let found = data.read_beside(Split::Train, Encoding::Undeclared, beside).unwrap();
            let is_unused = found.unused_weights.as_deref() == Some("count");
            let weights = found.weights.map(|weights| weights.values);
            assert!(!is_unused || weights.is_none(), "{weights:?}");
            (found.dataset.n_visible(), weights, is_unused)
        };
        let read = |weights| {
            let (n_visible, weights, _) = read_by(weights, false);
            (n_visible, weights)
        };
        let path = folder.path().join("t.csv");
        fs::write(&path, "a,count,b\n1,2,0\n0,x,1\n").unwrap();
        assert_eq!(read(None), (2, None));
        fs::write(&path, "a,count,b\n1,2,0\n0,3,1\n").unwrap();
        let count = ColumnSource::Column("count".into());
        assert_eq!(read(Some(&count)), (2, Some(vec![2.0, 3.0])));
        assert_eq!(read_by(None, true), (2, Some(vec![2.0, 3.0]), false));
        assert_eq!(read_by(None, false), (2, None, true), "passed over, which is said");
        let b = ColumnSource::Column("b".into());
        assert_eq!(read_by(Some(&b), true), (1, Some(vec![0.0, 1.0]), false));
        fs::write(&path, "a,b\n1,0\n0,1\n").unwrap();
        assert_eq!(read(None), (2, None));
        assert_eq!(read_by(None, true), (2, None, false));
    }

    #[test]
    fn labels_of_a_model_are_read_by_its_classes_or_unknown() {
        let (folder, data) = table();
        let names = ["y", "x", "z"].map(String::from).to_vec();
        let classes = Arc::new(Classes::new("kind", names).unwrap());
        let read = |labels: Option<&ColumnSource>| {
            let labels_column = Some("kind");
            let beside =
                Beside { labels, classes: Some(&classes), labels_column, ..Beside::default() };
            let found = data.read_beside(Split::Train, AUTO, beside);
            found.map(|found| {
                (found.dataset.n_visible(), found.labels.unwrap().values.of_examples().to_vec())
            })
        };
        assert_eq!(read(None).unwrap(), (5, vec![Some(1), None, Some(0)]));
        let path = folder.path().join("t.csv");
        fs::write(&path, "a,sort\n0,x\n1,z\n").unwrap();
        let sort = ColumnSource::Column("sort".into());
        assert_eq!(read(Some(&sort)).unwrap(), (1, vec![Some(1), Some(2)]));
        let beside = Beside { labels: Some(&sort), classes: Some(&classes), ..Beside::default() };
        let found = data.read_beside(Split::Train, AUTO, beside).unwrap().labels.unwrap();
        assert_eq!(found.source, sort, "where they are, not where those of training were");
        fs::write(&path, "a,b\n0,1\n1,1\n1,0\n").unwrap();
        assert_eq!(read(None).unwrap(), (2, vec![None; 3]));
        fs::write(&path, "a,kind\n0,x\n\n1,u\n").unwrap();
        assert_eq!(
            read(None).unwrap_err().to_string(),
            format!(
                "{}: line 4, column 2 (\"kind\") is \"u\", but must be one of y, x, z: the training data have \
                 no others; leave it empty if it is unknown",
                path.display()
            )
        );
        let file = folder.path().join("labels.txt");
        fs::write(&file, "label\n\nx\nu\n").unwrap();
        assert_eq!(
            read(Some(&ColumnSource::File(file.clone()))).unwrap_err().to_string(),
            format!(
                "{}: line 4 is \"u\", but must be one of y, x, z: the training data have no others",
                file.display()
            )
        );
    }

    /// A model of labels in a file may have a site of the name that such labels have.
    #[test]
    fn labels_are_looked_for_where_training_had_them() {
        let (folder, data) = table();
        let path = folder.path().join("t.csv");
        let names = ["x", "y"].map(String::from).to_vec();
        let classes = Arc::new(Classes::new("label", names).unwrap());
        let file: ColumnSource = folder.path().join("y.txt").to_str().unwrap().parse().unwrap();
        let column = ColumnSource::Column("label".into());
        let found = |source: &ColumnSource, sha256: Option<&str>| Found {
            values: (),
            source: source.clone(),
            sha256: sha256.map(String::from),
        };
        let none = None::<&Found<()>>;
        let of_file = Beside::facts(Some(&found(&file, Some("ab"))), none);
        let of_column = Beside::facts(Some(&found(&column, None)), none);
        let read = |facts: &Map<String, Value>, labels: Option<&ColumnSource>| {
            let beside = Beside { labels, ..Beside::default() }.for_model(facts, Some(&classes));
            let found = data.read_beside(Split::Train, Encoding::Undeclared, beside).unwrap();
            let labels = found.labels.unwrap().values;
            (found.dataset.n_visible(), labels.of_examples().to_vec())
        };
        fs::write(&path, "a,label\n0,1\n1,0\n").unwrap();
        assert_eq!(read(&of_file, None), (2, vec![None; 2]), "a site");
        fs::write(folder.path().join("y.txt"), "x\nx\n").unwrap();
        // Earlier versions recorded no place.
        for facts in [of_column, Map::new()] {
            fs::write(&path, "a,label\n0,x\n1,y\n").unwrap();
            assert_eq!(read(&facts, None), (1, vec![Some(0), Some(1)]));
            assert_eq!(read(&facts, Some(&file)), (1, vec![Some(0); 2]), "passed over");
            fs::write(&path, "a,label,kind\n0,?,y\n1,q,x\n").unwrap();
            let kind = ColumnSource::Column("kind".into());
            assert_eq!(read(&facts, Some(&kind)), (1, vec![Some(1), Some(0)]), "passed over");
        }
    }

    #[test]
    fn a_site_of_a_model_cannot_be_read_apart() {
        let (folder, data) = table();
        let path = folder.path().join("t.csv");
        let read = |text: &str, encoding: &Encoding, labels: Option<&str>| {
            fs::write(&path, text).unwrap();
            let labels = labels.map(|name| ColumnSource::Column(name.into()));
            let beside = Beside { labels: labels.as_ref(), ..Beside::default() };
            data.read_beside(Split::Train, encoding.clone(), beside)
        };
        let named = "a,b,kind\nx,u,p\ny,v,q\nx,w,p\n";
        let model = read(named, &AUTO, None).unwrap().dataset.encoding();
        let error = read(named, &model, Some("kind")).unwrap_err().to_string();
        assert!(
            error.ends_with(
                "t.csv: column 3 (\"kind\") is read apart, as labels, weights and names are, but the model needs it as a \
                 site; take another"
            ),
            "{error}"
        );
        // Without names the order decides, and only sites count.
        let model = read("1,u\n2,v\n1,w\n", &AUTO, None).unwrap().dataset.encoding();
        let whole = read("1,u\n2,v\n1,w\n", &model, None).unwrap().dataset;
        let found = read("kind,a,b\np,1,u\nq,2,v\np,1,w\n", &model, Some("kind")).unwrap();
        assert_eq!(found.dataset.bits(), whole.bits());
        let error = read("kind,a\nu,1\nv,2\n", &model, Some("kind")).unwrap_err().to_string();
        assert!(error.ends_with("t.csv: has 1 column, but the model has 2"), "{error}");
    }

    #[cfg(feature = "mnist")]
    #[test]
    fn digits_are_the_labels_of_mnist_for_a_model_of_digits() {
        let labels = |column: &str| {
            let names: Vec<_> = (0..10).map(|digit| digit.to_string()).collect();
            let classes = Arc::new(Classes::new(column, names).unwrap());
            let facts = Map::new();
            let beside = Beside::default().for_model(&facts, Some(&classes));
            let data = Source::Mnist.read_beside(Split::Test, Encoding::Undeclared, beside);
            data.unwrap().labels.unwrap().values.of_examples()[0]
        };
        assert_eq!((labels("digit"), labels("cluster")), (Some(7), None));
    }

    #[test]
    fn a_mask_marks_columns_of_the_file() {
        let (folder, data) = table();
        let path = folder.path().join("t.csv");
        fs::write(&path, "kind,w,a,b\nx,1,9,1\ny,2,1,0\nz,1,0,1\n").unwrap();
        let cells = crate::BitMatrix::from_fn(3, 4, |n, at| (n, at) == (0, 2) || (n, at) == (1, 0));
        let mask = MissingMask { name: "m".into(), cells, sha256: String::new() };
        let [kind, w] = ["kind", "w"].map(|name| ColumnSource::Column(name.into()));
        for encoding in [Encoding::Undeclared, AUTO] {
            let (labels, weights) = (Some(&kind), Some(&w));
            let beside = Beside { labels, weights, mask: Some(&mask), ..Beside::default() };
            let found = data.read_beside(Split::Train, encoding, beside).unwrap();
            let missing = found.dataset.missing().unwrap().to_array(u8::from);
            assert_eq!(missing, array![[1, 0], [0, 0], [0, 0]]);
            let first = found.dataset.first_missing().unwrap();
            assert!(first.contains(", column 3 "), "as the file counts: {first}");
            assert_eq!(found.labels.unwrap().values.of_examples(), [Some(0), None, Some(1)]);
        }
    }

    #[test]
    fn weights_are_read_from_files_of_their_own() {
        let (folder, data) = table();
        let path = folder.path().join("w");
        let name = path.to_str().unwrap();
        let read =
            || read(&data, AUTO, Some("kind"), Some(name)).map(|w| w.weights.unwrap().values);
        fn write<D: Dimension>(path: &Path, array: Array<f64, D>) {
            array.write_npy(File::create(path).unwrap()).unwrap();
        }
        write(&path, array![0.1, 1e9, -3.0]);
        assert_eq!(read(), Ok(vec![0.1, 1e9, -3.0]));
        write(&path, array![[0.5], [f64::INFINITY]]);
        assert_eq!(read(), Ok(vec![0.5, f64::INFINITY]));
        for text in ["0.5\n2\n1\n", "weight\n0.5\n2\n1\n", "# w\n0.5,2,1\n"] {
            fs::write(&path, text).unwrap();
            assert_eq!(read(), Ok(vec![0.5, 2.0, 1.0]), "{text}");
        }
        for (text, message) in [
            ("0 1\n1 0\n", "has the shape [2, 2], but must be one number for each"),
            ("a\nx\n", "line 2, column 1 is \"x\", but must be a number"),
            ("a\n1\nNA\n", "line 3, column 1 is \"NA\", but a weight must be a number"),
        ] {
            fs::write(&path, text).unwrap();
            assert!(read().unwrap_err().contains(message), "{text}");
        }
    }

    #[test]
    fn a_name_is_a_file_or_else_a_column_of_the_data() {
        let (folder, data) = table();
        let file = folder.path().join("count");
        fs::write(&file, "1\n3\n2\n").unwrap();
        let found = read(&data, AUTO, Some("kind"), file.to_str()).unwrap().weights.unwrap();
        assert_eq!((&found.values[..], found.sha256.is_some()), (&[1.0, 3.0, 2.0][..], true));
        let error = read(&data, AUTO, Some("kind"), Some("none")).unwrap_err();
        assert!(
            error.starts_with("none: cannot read: there is no such file, and no such column: ")
                && error.ends_with("t.csv has the columns a, kind, count, b"),
            "{error}"
        );
        let error = read(&data, AUTO, Some("column:none"), None).unwrap_err();
        assert!(error.ends_with("b, but must have a column \"none\" of labels"), "{error}");
        let error = read(&Source::Shifter, AUTO, None, Some("column:w")).unwrap_err();
        assert!(
            error.ends_with("with a header, but must have a column \"w\" of weights"),
            "{error}"
        );
        let error = read(&Source::Shifter, Encoding::Undeclared, None, Some("w")).unwrap_err();
        assert!(error.ends_with("no such column: shifter is no table with a header"), "{error}");
    }
}
