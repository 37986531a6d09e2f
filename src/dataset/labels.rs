//! Labels: the class of each example. They are one more categorical site, the last of the visible layer.

use super::alphabet::MAX_STATES;
use super::categories::listed;
use super::column_apart::ColumnApart;
#[cfg(feature = "cli")]
use super::columns::recorded_unit_names;
use super::columns::{Column, ColumnKind, Columns, Form};
use super::distinct::{Distinct, Lookup};
#[cfg(feature = "cli")]
use super::encoding::Encoding;
use super::file::{self, Format, Unpacked};
use super::text::{Cell, FirstRow, Text, quoted};
use crate::error::{Error, Result};
use crate::setting::invalid;
#[cfg(feature = "cli")]
use crate::units::Units;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::Arc;

/// The classes of labels: the values of the label site, by state.
///
/// A model that was trained on labels keeps them, and the labels of other data are read by them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Column", into = "Column")]
pub struct Classes(Columns);

impl Classes {
    /// The classes of a column of labels.
    ///
    /// # Errors
    /// [`Error::BadCategory`] unless there are 2 to 255 different names.
    pub fn new(column: &str, names: Vec<String>) -> Result<Self> {
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if !(2..=MAX_STATES).contains(&names.len()) || sorted.len() < names.len() {
            let rule = format!(
                "labels must be of 2 to {MAX_STATES} different classes, but {}",
                match &names[..] {
                    [] => "no example has one".to_string(),
                    names => format!("these are {}", listed(names)),
                }
            );
            return Err(Error::BadCategory { data: column.to_string(), rule, remedy: None });
        }
        let kind = ColumnKind::Category(names);
        Ok(Self(Columns::table(vec![Column { name: column.to_string(), kind }])))
    }

    /// The classes that a model records in its facts, if it has any.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if they are not as training writes them.
    pub fn recorded(facts: &Map<String, Value>) -> Result<Option<Arc<Self>>> {
        let Some(value) = facts.get("labels").filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let classes = serde_json::from_value(value.clone()).map_err(|cause| {
            invalid("labels", value, format!("classes as training writes them ({cause})"))
        });
        classes.map(Arc::new).map(Some)
    }

    /// The state of a class.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if there is no class of this name.
    pub fn state(&self, name: &str) -> Result<usize> {
        let names = self.names();
        let number = |name: &str| super::columns::finite(name);
        // A class that is a number may be written otherwise: 3 as 3.0.
        let is_same = |other: &&str| number(name).is_some() && number(other) == number(name);
        let at = names.iter().position(|other| *other == name);
        let at = at.or_else(|| names.iter().position(is_same));
        at.ok_or_else(|| invalid("label", name, format!("one of {}", listed(&names))))
    }

    /// K, the number of classes, 2 to 255.
    pub fn n(&self) -> usize {
        self.0.n_units()
    }

    /// The name of the column of labels, or `label`.
    pub fn column(&self) -> String {
        self.0.name(0).into_owned()
    }

    /// As [`column`](Self::column), without a copy.
    pub(super) fn column_name(&self) -> &str {
        let Form::Table(columns) = &self.0.0 else { unreachable!("the column of the classes") };
        &columns[0].name
    }

    /// The names of the classes, by state (K).
    pub fn names(&self) -> Vec<&str> {
        self.0.states(0)
    }
}

impl From<Classes> for Column {
    fn from(classes: Classes) -> Self {
        let names = classes.names().into_iter().map(String::from).collect();
        Self { name: classes.column(), kind: ColumnKind::Category(names) }
    }
}

impl TryFrom<Column> for Classes {
    type Error = Error;

    fn try_from(column: Column) -> Result<Self> {
        Self::new(&column.name, column.states().to_vec())
    }
}

/// The labels of examples, some of which may be unknown.
///
/// ```
/// use harmonium::dataset::Labels;
/// let labels = Labels::of_names("species", &["cat", "dog", "", "cat"], None)?;
/// assert_eq!(labels.classes().names(), ["cat", "dog"]);
/// assert_eq!(labels.of_examples(), [Some(0), Some(1), None, Some(0)]);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    classes: Arc<Classes>,
    /// (N)
    of_examples: Vec<Option<u8>>,
}

impl Labels {
    /// The labels of examples by the names of their classes; an empty name, or one of those that stand for
    /// a missing value in tables (`NA`, `?`), is an unknown label. `classes` are those of a model; without,
    /// they are the names, in the order of numbers if all are numbers, else of the alphabet. `column` is
    /// the name of the labels in messages.
    ///
    /// # Errors
    /// [`Error::BadCategory`] unless there are 2 to 255 classes, or for a label that is not one of
    /// `classes`.
    pub fn of_names<T: AsRef<str>>(
        column: &str,
        names: &[T],
        classes: Option<Arc<Classes>>,
    ) -> Result<Self> {
        Self::of(column, names, classes, |example, name, rule| {
            let rule = format!("example {example} has the label \"{name}\", but must have {rule}");
            Error::BadCategory { data: column.to_string(), rule, remedy: None }
        })
    }

    /// The labels in a column of a table, as [`of_names`](Self::of_names) takes them.
    ///
    /// # Errors
    /// As [`of_names`](Self::of_names), with the line and the column.
    pub(super) fn of_column(column: &ColumnApart, classes: Option<Arc<Classes>>) -> Result<Self> {
        let ColumnApart { data, name, cells, .. } = column;
        let rule = |rule| format!("{rule}; leave it empty if it is unknown");
        let refused = |example, _: &str, other: String| column.refused(example, &rule(other));
        let place = format!("{data}: {}", column.label());
        Self::of(name, cells, classes, refused).map_err(|error| match error {
            // That of the classes as a whole.
            Error::BadCategory { ref data, .. } if *data == *name => error.in_data(&place),
            error => error,
        })
    }

    /// As [`of_names`](Self::of_names). `refused` is the error for the label of an example, with its rule.
    fn of<T: AsRef<str>>(
        column: &str,
        names: &[T],
        classes: Option<Arc<Classes>>,
        refused: impl Fn(usize, &str, String) -> Error,
    ) -> Result<Self> {
        let is_known =
            |name: &str| matches!(name, "-" | ".") || Cell::of(name.as_bytes()) != Cell::Missing;
        let known = || names.iter().map(|name| name.as_ref().trim()).filter(|name| is_known(name));
        let classes = match classes {
            Some(classes) => classes,
            None => {
                let mut distinct = Distinct::Texts(Vec::new());
                known().for_each(|name| distinct.note_text(name));
                Arc::new(Classes::new(column, distinct.names())?)
            }
        };
        let lookup = Lookup::of(&classes.0, 0);
        let of_name = |(example, name): (usize, &str)| {
            if !is_known(name) {
                return Ok(None);
            }
            let number = super::columns::finite(name);
            lookup.of_text(name, number).map(Some).ok_or_else(|| {
                let names = listed(&classes.names());
                let rule = format!("one of {names}: the training data have no others");
                refused(example, name, rule)
            })
        };
        let names = names.iter().map(|name| name.as_ref().trim()).enumerate();
        let of_examples = names.map(of_name).collect::<Result<_>>()?;
        Ok(Self { classes, of_examples })
    }

    /// Labels of `n` examples that are not known.
    pub(super) fn unknown(classes: Arc<Classes>, n: usize) -> Self {
        Self { classes, of_examples: vec![None; n] }
    }

    /// The labels of examples by the states of their classes.
    ///
    /// # Panics
    /// If a state is not below the number of classes.
    pub fn of_states(classes: Classes, of_examples: Vec<Option<u8>>) -> Self {
        let are_valid = of_examples.iter().flatten().all(|&state| usize::from(state) < classes.n());
        assert!(are_valid, "a state of {} classes", classes.n());
        Self { classes: Arc::new(classes), of_examples }
    }

    /// Reads a file with one label for each example: a column of names or numbers as text, .npy, .npz or
    /// IDX.
    ///
    /// # Errors
    /// As [`Dataset::read`](super::Dataset::read) and [`of_names`](Self::of_names);
    /// [`Error::Unsuitable`] if the labels are not in one row or column.
    pub fn read(path: &Path, classes: Option<Arc<Classes>>) -> Result<(Self, String)> {
        let name = path.display().to_string();
        let Unpacked { bytes, sha256, .. } = Unpacked::read(path)?;
        let labels = match Format::of(&bytes) {
            Some(Format::Table) => {
                let (names, lines) = names_of_text(path, &bytes)?;
                Self::of(LABEL, &names, classes, |example, label, rule| {
                    let found = quoted(label.as_bytes());
                    let rule = format!("line {} is {found}, but must be {rule}", lines[example]);
                    Error::BadCategory { data: name.clone(), rule, remedy: None }
                })
            }
            _ => {
                let numbers = file::array(path, &bytes)?.vector()?;
                let names: Vec<_> = numbers.into_iter().map(name_of_number).collect();
                Self::of_names(LABEL, &names, classes)
            }
        };
        Ok((labels.map_err(|error| error.in_data(&name))?, sha256))
    }

    /// The classes.
    pub fn classes(&self) -> &Arc<Classes> {
        &self.classes
    }

    /// The state of the label of each example (N), if it is known.
    pub fn of_examples(&self) -> &[Option<u8>] {
        &self.of_examples
    }

    /// The labels of some of the examples.
    pub(super) fn part(&self, examples: impl Iterator<Item = usize>) -> Self {
        let of_examples = examples.map(|example| self.of_examples[example]).collect();
        Self { classes: self.classes.clone(), of_examples }
    }

    /// Checks that there is a label, known or not, for each example of the data `data`.
    pub(super) fn check_number(&self, data: &str, n_examples: usize) -> Result<()> {
        let found = self.of_examples.len();
        if found == n_examples {
            return Ok(());
        }
        let rule = format!("one for each of the {n_examples} examples of {data}");
        Err(invalid("the number of labels", found, rule))
    }
}

impl Columns {
    /// The columns of the visible sites of a model, that of its label included, from the facts that its file records
    /// on its training data. Sites without names have their numbers.
    ///
    /// # Errors
    /// As [`Encoding::recorded`] and [`Classes::recorded`].
    #[cfg(feature = "cli")]
    pub(crate) fn recorded(facts: &Map<String, Value>, units: &Units) -> Result<Self> {
        let sizes: Vec<usize> = units.sites().map(|site| site.len()).collect();
        let classes = Classes::recorded(facts)?.filter(|_| sizes.len() > 1);
        let n_features = sizes.len() - usize::from(classes.is_some());
        let named = Encoding::recorded(facts)?.columns().cloned();
        let of_units = || Self::units_recorded(facts, false);
        let features =
            named.or_else(of_units).unwrap_or_else(|| Self::of_sites(&sizes[..n_features]));
        let columns = match classes {
            Some(classes) => features.and_label(&classes),
            None => features,
        };
        // A file of other hands may name columns of another shape.
        Ok(if columns.sites() == sizes { columns } else { Self::of_sites(&sizes) })
    }

    /// The columns of bits, or of spins, whose names a model file records, if it does.
    #[cfg(feature = "cli")]
    pub(crate) fn units_recorded(facts: &Map<String, Value>, are_spins: bool) -> Option<Self> {
        Some(Self::of_units(recorded_unit_names(facts)?, are_spins))
    }

    /// These columns and that of the label, the last. Sites of sequences are then columns with the names
    /// `site1`, `site2`, ….
    pub fn and_label(&self, classes: &Classes) -> Self {
        let is_array = matches!(self.0, Form::Array { .. });
        let sizes = self.sites();
        let of_column = |column: usize| Column {
            name: match self.alphabet() {
                Some(_) => format!("site{}", column + 1),
                None => self.name(column).into_owned(),
            },
            kind: match (&self.states(column)[..], sizes[column]) {
                ([off, on], 1) => ColumnKind::Bit([off.to_string(), on.to_string()]),
                (names, _) => {
                    ColumnKind::Category(names.iter().map(|name| name.to_string()).collect())
                }
            },
        };
        let mut columns: Vec<_> = (0..self.n_columns()).map(of_column).collect();
        columns.push(classes.clone().into());
        Self(match is_array {
            true => Form::Array { width: columns.len(), columns },
            false => Form::Table(columns),
        })
    }
}

/// The name of a class that a number stands for; NaN is no label.
fn name_of_number(x: f64) -> String {
    if x.is_nan() { String::new() } else { (x + 0.0).to_string() }
}

/// The cells of a text of one column, or of one row, without a header, and the line of each.
fn names_of_text(path: &Path, bytes: &[u8]) -> Result<(Vec<String>, Vec<usize>)> {
    let text = Text::of_texts(bytes);
    text.check_utf8(path)?;
    let (mut names, mut rows, mut longest, mut n_rows) = (Vec::new(), Vec::new(), 0, 0);
    text.each_row(|row| {
        let is_header = n_rows == 0
            && row.cells.len() == 1
            && matches!(FirstRow::of(&row.cells), FirstRow::Names)
            && CLASS_NAMES.contains(&&*String::from_utf8_lossy(row.cells[0]).to_lowercase());
        n_rows += 1;
        if !is_header {
            longest = longest.max(row.cells.len());
            rows.extend(row.cells.iter().map(|_| row.from));
            names.extend(row.cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()));
        }
        Ok(())
    })?;
    if longest > 1 && n_rows > 1 {
        let rule = format!("has rows of {longest} cells, but labels are one for each example");
        return Err(Error::Unsuitable { path: path.into(), rule });
    }
    Ok((names, text.lines(&rows)))
}

/// The name of labels that have none.
const LABEL: &str = "label";

/// First lines of files of labels that are taken as a header.
const CLASS_NAMES: [&str; 5] = ["class", "label", "labels", "target", "y"];
