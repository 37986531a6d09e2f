//! Packing: data and what belongs to their rows go into one file.

use super::beside::{DataBeside, Found};
use super::column_source::ColumnSource;
use super::columns::{Column, ColumnKind};
use super::packed::{self, PackedColumn};
use super::{Dataset, Labels, example_weights};
use crate::error::{Error, Result};
use std::path::Path;

/// The column of weights that were in no column.
const WEIGHT: &str = "weight";

impl Dataset {
    /// Writes these data to a file that every reader of data reads in place: bits, grey levels and numbers are
    /// then taken from the file, and are no memory of the process. It has the SHA-256 of the data that were read,
    /// and training on it gives the same bits.
    ///
    /// Labels and weights become columns of the file: labels that of their [classes](super::Classes::column), weights
    /// `weight`. As those of a table, they are read if they are [asked for](super::Source::read_beside).
    ///
    /// ```
    /// use harmonium::{BitMatrix, Dataset};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("bars.packed");
    /// let bars = Dataset::from_bits("bars", BitMatrix::from_fn(4, 2, |n, i| n >> i & 1 == 1));
    /// bars.pack(&path)?;
    /// assert_eq!(Dataset::read(&path)?.intensity(2, 1), 1.0);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Unsuitable`] if labels and weights would have columns of one name.
    pub fn pack(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let labels = self.labels().map(|labels| labelled(labels.classes().column(), labels));
        let weights = self.weights().map(|weights| PackedColumn::Weights {
            name: WEIGHT.to_string(),
            weights: weights.values().to_vec(),
        });
        let columns: Vec<_> = labels.into_iter().chain(weights).collect();
        match self.labels() {
            Some(_) => write(&self.clone().without_labels(), &columns, path),
            None => write(self, &columns, path),
        }
    }
}

impl DataBeside {
    /// Writes the examples and their labels and weights to a file, as [`Dataset::pack`]. Columns keep their names;
    /// labels of a file are in the column `label`, those of MNIST in `digit`, weights of a file in `weight`. Examples
    /// of weight 0 are kept.
    ///
    /// # Errors
    /// As [`Dataset::pack`]; [`Error::BadWeights`] or [`Error::InvalidSetting`] if weights or labels do not fit the
    /// examples.
    pub fn pack(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let Self { dataset, labels, weights, .. } = self;
        let mut columns = Vec::new();
        if let Some(Found { values, source, .. }) = labels {
            values.check_number(dataset.name(), dataset.n_examples())?;
            columns.push(labelled(name(source, &values.classes().column()), values));
        }
        if let Some(Found { values, source, .. }) = weights {
            let (all, n) = (source.to_string(), dataset.n_examples());
            example_weights::check(&all, values, dataset.name(), n)?;
            let (name, weights) = (name(source, WEIGHT), values.clone());
            columns.push(PackedColumn::Weights { name, weights });
        }
        write(dataset, &columns, path)
    }
}

/// The name of what was found in a column, or else another.
fn name(source: &ColumnSource, otherwise: &str) -> String {
    match source {
        ColumnSource::Column(name) => name.clone(),
        ColumnSource::File(_) => otherwise.to_string(),
    }
}

/// Labels as a column of this name.
fn labelled(name: String, labels: &Labels) -> PackedColumn {
    let names = labels.classes().names().into_iter().map(String::from).collect();
    let column = Column { name, kind: ColumnKind::Category(names) };
    PackedColumn::Labels { column, states: labels.of_examples().to_vec() }
}

fn write(data: &Dataset, columns: &[PackedColumn], path: &Path) -> Result<()> {
    if let [labels, weights] = columns
        && labels.name() == weights.name()
    {
        let rule = format!("has labels and weights in columns of one name, {}", labels.name());
        return Err(Error::Unsuitable { path: data.name().into(), rule });
    }
    packed::write(data, columns, path)
}

#[cfg(test)]
mod tests {
    use super::super::{Beside, Encoding, Source, Split};
    use super::*;
    use ndarray::array;

    fn read(path: &Path, labels: &str, weights: &str) -> Result<DataBeside> {
        let [labels, weights] = [labels, weights].map(|name| name.parse().unwrap());
        let beside = Beside { labels: Some(&labels), weights: Some(&weights), ..Beside::default() };
        Source::Path(path.into()).read_beside(Split::Train, Encoding::Undeclared, beside)
    }

    #[test]
    fn labels_and_weights_come_back_as_they_were_packed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packed");
        let pixels = array![[0_u8, 9], [200, 1], [0, 0], [7, 7]];
        let pixels = Dataset::from_bytes_as("pixels", pixels, Encoding::GreyLevels(255)).unwrap();
        let labels = Labels::of_names("animal", &["dog", "", "cat", "cow"], None).unwrap();
        let weights = [0.1, 1.0 / 3.0, 1e-9, 5.0];
        let whole =
            pixels.clone().labelled(labels.clone()).unwrap().weighted("w", &weights).unwrap();
        whole.pack(&path).unwrap();
        let found = read(&path, "animal", "weight").unwrap();
        assert_eq!(found.labels.as_ref().unwrap().values, labels);
        assert_eq!(found.weights.as_ref().unwrap().values, weights);
        let sha256 = found.dataset.sha256().map(String::from);
        let name = found.dataset.name().to_string();
        assert_eq!(found.joined().unwrap(), Dataset { name, sha256, ..whole });
        // They are read if they are asked for.
        assert_eq!(Dataset::read(&path).unwrap().values, pixels.values);
        let error = read(&path, "column:kind", "weight").unwrap_err().to_string();
        let expected = "has the columns animal, weight, but must have a column \"kind\" of labels";
        assert!(error.ends_with(expected), "{error}");
        pixels.pack(&path).unwrap();
        let error = read(&path, "column:animal", "weight").unwrap_err().to_string();
        assert!(
            error.contains("packed: is no table with a header, and has no labels or weights, but"),
            "{error}"
        );
    }

    /// A row of weight 0 is one of the data, though training leaves it out.
    #[test]
    fn all_rows_are_packed() {
        let folder = tempfile::tempdir().unwrap();
        let [table, path] = ["t.csv", "packed"].map(|name| folder.path().join(name));
        std::fs::write(&table, "a,w,k,b\n1,0,x,1\n0,2.5,y,1\n1,1,?,0\n").unwrap();
        let source = read(&table, "k", "w").unwrap();
        source.pack(&path).unwrap();
        let packed = read(&path, "k", "w").unwrap();
        assert_eq!(packed.dataset.n_examples(), 3);
        assert_eq!((&packed.labels, &packed.weights), (&source.labels, &source.weights));
        let twice = DataBeside {
            weights: source
                .weights
                .map(|w| Found { source: ColumnSource::Column("k".into()), ..w }),
            ..source
        };
        let error = twice.pack(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("t.csv: has labels and weights in columns of one name, k"),
            "{error}"
        );
    }
}
