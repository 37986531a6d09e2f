//! Weights of examples, from a file of their own or from a column of the data.

use super::file::{self, Format, Unpacked};
use super::source::absolute;
use super::{Source, category_table};
use crate::error::{Error, Result};
use crate::setting::{by_text, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The text before the name of a column.
const COLUMN: &str = "column:";

/// Where the weights of examples are. As text: the path of a file, or `column:NAME`. A text without `column:`
/// is a path if there is such a file, else the name of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum WeightsSource {
    /// A file with one number for each example.
    File(PathBuf),
    /// The column of this name in the data, which are a table with a header.
    Column(String),
}

/// Weights, as they are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundWeights {
    /// One for each example.
    pub weights: Vec<f64>,
    /// Where they were found.
    pub source: WeightsSource,
    /// The SHA-256 of their own file, as [`Dataset::sha256`](super::Dataset::sha256).
    pub sha256: Option<String>,
}

impl WeightsSource {
    /// Reads the weights of the examples of `data`: a file of .npy, .npz, IDX or a column of text, or a
    /// column of `data`.
    ///
    /// # Errors
    /// As [`Dataset::read`](super::Dataset::read); [`Error::Unsuitable`] if the numbers of a file are not in
    /// one row or column; [`Error::BadCategory`] for a cell of the column that is no number;
    /// [`Error::InvalidSetting`] if there is no such file and no such column.
    pub fn read(&self, data: &Source) -> Result<FoundWeights> {
        let found = |weights, source, sha256| Ok(FoundWeights { weights, source, sha256 });
        let (path, name) = match self {
            Self::Column(name) => (None, name.clone()),
            Self::File(path) => (Some(path), path.to_string_lossy().into_owned()),
        };
        if let Some(path) = path.filter(|path| path.exists()) {
            let Unpacked { bytes, sha256 } = Unpacked::read(path)?;
            let weights = file::array(path, &bytes)?.vector()?;
            return found(weights, self.clone(), Some(sha256));
        }
        match (column(data, &name)?, path) {
            (Some(weights), _) => found(weights, Self::Column(name), None),
            // The error says that there is no such file, or names an array of an .npz that exists.
            (None, Some(path)) => {
                let Unpacked { bytes, sha256 } = Unpacked::read(path)?;
                found(file::array(path, &bytes)?.vector()?, self.clone(), Some(sha256))
            }
            (None, None) => {
                Err(invalid("weights", self, "a file, or a column of a table with a header"))
            }
        }
    }

    /// The same source with an absolute path.
    pub fn absolute(&self) -> Self {
        match self {
            Self::File(path) => Self::File(absolute(path)),
            Self::Column(name) => Self::Column(name.clone()),
        }
    }
}

/// The numbers of a column of a table; `None` if there is no such column.
fn column(data: &Source, name: &str) -> Result<Option<Vec<f64>>> {
    let Source::Path(path) = data else { return Ok(None) };
    if path.is_dir() {
        return Ok(None);
    }
    let Unpacked { bytes, .. } = Unpacked::read(path)?;
    match Format::of(&bytes) {
        Some(Format::Table) => category_table::numbers_of(path, &bytes, name),
        _ => Ok(None),
    }
}

impl FromStr for WeightsSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.strip_prefix(COLUMN) {
            Some(name) => Self::Column(name.to_string()),
            None => Self::File(text.into()),
        })
    }
}

impl fmt::Display for WeightsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Column(name) => write!(f, "{COLUMN}{name}"),
        }
    }
}

by_text!(WeightsSource);

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Dimension, array};
    use ndarray_npy::WriteNpyExt as _;
    use std::fs::{self, File};
    use std::path::Path;

    #[test]
    fn numbers_are_read_from_arrays_and_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let source = WeightsSource::File(path.clone());
        let read = || source.read(&Source::Mnist).map(|w| w.weights).map_err(|e| e.to_string());
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
        fs::write(&path, "1\n0\n1\n").unwrap();
        assert_eq!(read(), Ok(vec![1.0, 0.0, 1.0]));
        write(&path, array![[0.5, 1.0], [1.0, 2.0]]);
        assert!(
            read().unwrap_err().contains("has the shape [2, 2], but must be one number for each")
        );
        fs::write(&path, "a\nx\n").unwrap();
        assert!(read().unwrap_err().contains("line 2, column 1 is \"x\", but must be a number"));
        fs::write(&path, "a\n1\nNA\n").unwrap();
        let error = read().unwrap_err();
        assert!(
            error.contains("line 3, column 1 is \"NA\", but a weight must be a number"),
            "{error}"
        );
    }

    #[test]
    fn a_name_is_a_file_or_else_a_column_of_the_data() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("t.csv");
        fs::write(&data, "a,count\nx,2\n\"y\",0.5\n").unwrap();
        let data = Source::Path(data);
        let read = |text: &str| text.parse::<WeightsSource>().unwrap().read(&data);
        let found = read("count").unwrap();
        assert_eq!(
            (found.weights, found.source.to_string()),
            (vec![2.0, 0.5], "column:count".into())
        );
        assert_eq!(found.sha256, None);
        assert_eq!(read("column:count").unwrap().weights, [2.0, 0.5]);
        let file = folder.path().join("count");
        fs::write(&file, "1\n3\n").unwrap();
        assert_eq!(read(file.to_str().unwrap()).unwrap().weights, [1.0, 3.0]);
        for (text, message) in [
            (
                "a",
                "t.csv: line 2, column 1 (\"a\") is \"x\", but must be a number: it holds weights",
            ),
            ("none", "none: cannot read"),
            (
                "column:none",
                "weights is column:none, but must be a file, or a column of a table with",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
