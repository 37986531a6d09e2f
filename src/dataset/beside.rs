//! What belongs to the rows of data: labels, weights, and where values are missing.

use super::column_source::ColumnSource;
use super::columns::UNIT_NAMES;
use super::{Classes, Dataset, Labels, LackedColumns, MissingMask};
use crate::error::Result;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Where that is found which belongs to the rows of data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The labels. `mnist` is the digits of MNIST.
    pub labels: Option<&'a ColumnSource>,
    /// The classes of a model, by which labels are read. Without `labels` the labels are those that the data have
    /// themselves, if they were in training: those of `labels_column`, or the digits of MNIST. Others are unknown.
    pub classes: Option<&'a Arc<Classes>>,
    /// The column that held the labels of a model's training data. Data for the model may have it: it is no site.
    pub labels_column: Option<&'a str>,
    /// The weights.
    pub weights: Option<&'a ColumnSource>,
    /// The column that held the weights of a model's training data. Data for the model may have it: it is no site.
    pub weights_column: Option<&'a str>,
    /// Whether data without `weights` are weighed by `weights_column`, if they have it. (Where each row has a result of
    /// its own, a row of weight 0 must not be left out.)
    pub weighs_as_training: bool,
    /// The column of the names of the examples, which become [titles](Dataset::titles).
    pub id: Option<&'a str>,
    /// The column that held these names in a model's training data. Data for the model may have it: it is no site.
    pub id_column: Option<&'a str>,
    /// The columns of a table of units that are left out. (An [encoding](super::Encoding) of columns names its own.)
    pub ignored: &'a [String],
    /// The columns of a model's training data that were left out. Data for the model may have them.
    pub ignored_columns: &'a [Value],
    /// Where the data have no values, whatever is stored there: one mark for each column of the data, those of
    /// labels and weights included.
    pub mask: Option<&'a MissingMask>,
    /// The names of the units of a model whose training data are a table of bits or numbers with a header: the columns
    /// of another table with a header are found by them.
    pub unit_names: Option<&'a [Value]>,
    /// What is done where a table for a model lacks columns of it.
    pub lacked_columns: LackedColumns,
}

/// The fact of a model file that names the column of labels; null if they were in a file.
const LABELS_COLUMN: &str = "labels_column";

/// The fact of a model file that names the column of weights.
const WEIGHTS_COLUMN: &str = "weights_column";

/// The fact of a model file that names the column of the names of examples.
const ID_COLUMN: &str = "id_column";

/// The fact of a model file that names the columns of units that are left out.
const IGNORED_COLUMNS: &str = "ignored_columns";

/// The column of the labels of MNIST.
pub(super) const DIGIT: &str = "digit";

impl<'a> Beside<'a> {
    /// The facts for a model file on where the labels and the weights of its training data were found, which
    /// [`for_model`](Self::for_model) reads.
    pub fn facts<L, W>(
        labels: Option<&Found<L>>,
        weights: Option<&Found<W>>,
    ) -> Map<String, Value> {
        let mut facts = Map::new();
        if let Some(labels) = labels {
            let column = match &labels.source {
                ColumnSource::Column(name) => Some(&name[..]),
                ColumnSource::File(_) if labels.sha256.is_some() => None,
                // The digits of MNIST are as one of its columns.
                ColumnSource::File(_) => Some(DIGIT),
            };
            facts.insert(LABELS_COLUMN.into(), column.into());
        }
        if let Some(Found { source: ColumnSource::Column(name), .. }) = weights {
            facts.insert(WEIGHTS_COLUMN.into(), Value::from(&name[..]));
        }
        facts
    }

    /// The fact for a model file on the names of the units of its training data, which [`for_model`](Self::for_model)
    /// reads.
    pub fn unit_names_fact(data: &Dataset) -> Option<(String, Value)> {
        Some((UNIT_NAMES.into(), data.unit_names()?.into()))
    }

    /// The facts for a model file on the other columns of its training data that are no sites.
    pub fn facts_of_others(self) -> Map<String, Value> {
        let mut facts = Map::new();
        if let Some(id) = self.id {
            facts.insert(ID_COLUMN.into(), id.into());
        }
        if !self.ignored.is_empty() {
            facts.insert(IGNORED_COLUMNS.into(), self.ignored.into());
        }
        facts
    }

    /// The same, in data for a model of these classes that records these facts of its training data.
    pub fn for_model(
        self,
        facts: &'a Map<String, Value>,
        classes: Option<&'a Arc<Classes>>,
    ) -> Self {
        let fact = |name| facts.get(name).and_then(Value::as_str);
        // Earlier versions did not record it.
        let of_classes = || classes.filter(|_| !facts.contains_key(LABELS_COLUMN));
        let labels_column =
            fact(LABELS_COLUMN).or_else(|| of_classes().map(|classes| classes.column_name()));
        let (weights_column, id_column) = (fact(WEIGHTS_COLUMN), fact(ID_COLUMN));
        let ignored = facts.get(IGNORED_COLUMNS).and_then(Value::as_array);
        let ignored_columns = ignored.map_or(&[][..], |names| &names[..]);
        let unit_names = facts.get(UNIT_NAMES).and_then(Value::as_array).map(Vec::as_slice);
        let columns = Self { labels_column, weights_column, id_column, ignored_columns, ..self };
        Self { classes, unit_names, ..columns }
    }
}

/// Labels or weights, and where they were found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T> {
    /// The labels or weights, one for each example.
    pub values: T,
    /// The file or the column.
    pub source: ColumnSource,
    /// The SHA-256 of the file, as [`Dataset::sha256`].
    pub sha256: Option<String>,
}

/// Examples as they are stored, and what belongs to them.
#[derive(Clone, Debug, PartialEq)]
pub struct DataBeside {
    /// The examples, without labels and weights.
    pub dataset: Dataset,
    /// Their labels.
    pub labels: Option<Found<Labels>>,
    /// Their weights.
    pub weights: Option<Found<Vec<f64>>>,
    /// The column of weights of training, if these data have it, but are not weighed by it.
    pub unused_weights: Option<String>,
}

impl<T> Found<T> {
    /// A note for the user on the column that was found, if it was one: it holds `what`.
    pub fn column_note(&self, data: &str, what: &str) -> Option<String> {
        match &self.source {
            ColumnSource::Column(name) => {
                Some(format!("{data}: the column \"{name}\" holds the {what}"))
            }
            ColumnSource::File(_) => None,
        }
    }
}

impl DataBeside {
    /// The examples with their labels and weights.
    ///
    /// # Errors
    /// As [`Dataset::labelled`] and [`Dataset::weighted`].
    pub fn joined(self) -> Result<Dataset> {
        let dataset = match self.labels {
            Some(labels) => self.dataset.labelled(labels.values)?,
            None => self.dataset,
        };
        match self.weights {
            Some(Found { values, source, .. }) => dataset.weighted(&source.to_string(), &values),
            None => Ok(dataset),
        }
    }
}
