//! Files of weights.

use super::file::{self, Unpacked};
use crate::error::Result;
use std::path::Path;

/// The contents of a file of weights.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightsFile {
    /// The weights, as they are stored.
    pub weights: Vec<f64>,
    /// The SHA-256 of the file, as [`Dataset::sha256`](super::Dataset::sha256).
    pub sha256: String,
}

impl WeightsFile {
    /// Reads a file with one number for each example: .npy, .npz, IDX or a column of text.
    ///
    /// # Errors
    /// As [`Dataset::read`](super::Dataset::read), [`Error::Unsuitable`](crate::Error::Unsuitable) if
    /// the numbers are not in one row or column.
    pub fn read(path: &Path) -> Result<Self> {
        let Unpacked { bytes, sha256 } = Unpacked::read(path)?;
        let weights = file::array(path, &bytes)?.vector()?;
        Ok(Self { weights, sha256 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Dimension, array};
    use ndarray_npy::WriteNpyExt as _;
    use std::fs::{self, File};

    #[test]
    fn numbers_are_read_from_arrays_and_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w");
        let read = || WeightsFile::read(&path).map(|file| file.weights).map_err(|e| e.to_string());
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
            read()
                .unwrap_err()
                .contains("has the shape [2, 2], but weights are one number for each")
        );
        fs::write(&path, "a\nx\n").unwrap();
        assert!(read().unwrap_err().contains("line 2, column 1 is \"x\", but must be a number"));
    }
}
