//! The examples on which a model is evaluated: data that the user gives, or else the data of its run.

use super::config::DataConfig;
use super::data::Part;
use super::files::{CHECKPOINTS, LAST_MODEL, MODEL, SETTINGS};
use super::settings::SettingsFile;
use crate::dataset::{
    Beside, Classes, DataBeside, Dataset, Encoding, LackedColumns, Source, Split, UnknownLetters,
};
use crate::error::{Error, Result};
use crate::model::Provenance;
use crate::setting::invalid;
use crate::train::Missing;
use std::path::{Path, PathBuf};

/// The data that the user asks for.
#[derive(Clone, Copy, Debug)]
pub struct DataChoice<'a> {
    /// The data by name or path; by default the data of the model's run.
    pub data: Option<&'a Source>,
    /// The part of the data; by default the part that judges the run, or `usual` for given data.
    pub split: Option<Part>,
    /// The part of given data that is read if `split` is not set.
    pub usual: Part,
    /// What belongs to the rows of given data, besides what the model says.
    pub beside: Beside<'a>,
    /// How given data are read, where that differs from training.
    pub reading: OtherReading,
}

/// How data are read that differ from those of training; as there, where nothing is set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OtherReading {
    /// The number that stands for a missing value.
    pub missing_value: Option<f64>,
    /// What is done with letters outside the alphabet of the model.
    pub unknown_letters: Option<UnknownLetters>,
}

impl OtherReading {
    /// The encoding of data that training would read by `recorded`.
    fn of(self, recorded: Encoding) -> Result<Encoding> {
        let encoding = match self.unknown_letters {
            Some(unknown_letters) => recorded.with_unknown_letters(unknown_letters)?,
            None => recorded,
        };
        Ok(match self.missing_value {
            Some(x) => encoding.marked(Some(x)),
            None => encoding,
        })
    }
}

/// Examples, and their role in the run of the model.
#[derive(Clone, Debug)]
pub struct ChosenData {
    /// The examples, inverted if the training data were.
    pub dataset: Dataset,
    /// Their part of the run's data; `None` for other data.
    pub part: Option<Part>,
    /// Whether the user gave them by name or path.
    pub is_given: bool,
    /// Whether they are the part that judges the run.
    pub is_default: bool,
    /// A warning for the reader of results on them.
    pub warning: Option<&'static str>,
    /// Notes for the user: on the column of weights, and on examples without a value, which are left out.
    pub notes: Vec<String>,
    /// A note for the user of means over given data that count alike, though those of training had weights.
    pub weights_note: Option<String>,
}

impl ChosenData {
    /// Their role in one word, for programs: `test`, `validation`, `training` or `given`.
    pub fn role(&self) -> &'static str {
        self.part.map_or("given", Part::role)
    }
}

/// Data that the user gives, and notes on them, as in [`ChosenData`].
pub(crate) struct GivenData {
    pub dataset: Dataset,
    pub notes: Vec<String>,
    pub weights_note: Option<String>,
}

/// The warning for results on the training data.
const NOT_HELD_OUT: &str = "the run has no held-out data, so these are its training data: results on them \
                            are better than on other data";

/// The data settings of a model's run. `model` is the run's folder, its model or one of its checkpoints;
/// otherwise the result is `None`.
///
/// # Errors
/// As [`SettingsFile::read`].
pub fn data_of(model: &Path) -> Result<Option<DataConfig>> {
    let Some(path) = folder_of(model).map(|folder| folder.join(SETTINGS)) else { return Ok(None) };
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(SettingsFile::read(&path)?.settings.data))
}

/// The folder of the run to which a path belongs, if it is a folder, a model or a checkpoint.
pub(super) fn folder_of(model: &Path) -> Option<PathBuf> {
    if model.is_dir() {
        return Some(model.to_path_buf());
    }
    // An absolute path has a parent even if the relative one has none.
    let path = std::path::absolute(model).ok()?;
    let (name, folder) = (path.file_name()?, path.parent()?);
    if name == MODEL || name == LAST_MODEL {
        return Some(folder.to_path_buf());
    }
    (folder.file_name()? == CHECKPOINTS).then(|| folder.parent().map(Path::to_path_buf))?
}

impl DataChoice<'_> {
    /// Reads the examples for a model. `model` is its path or the path of its run.
    ///
    /// # Errors
    /// [`Error::NoData`] if no data are given and the model belongs to no run;
    /// [`Error::InvalidSetting`] if there is no such part; otherwise errors of reading the file, which
    /// must be the file that the run had.
    pub fn read(&self, model: &Path, provenance: &Provenance) -> Result<ChosenData> {
        let Some(source) = self.data else { return self.read_own(model, provenance) };
        let part = self.split.unwrap_or(self.usual);
        let GivenData { dataset, notes, weights_note } =
            part.read_beside(source, provenance, self.beside, self.reading)?;
        // The given file is recognized by its SHA-256: it may have moved since the run.
        let config = data_of(model)?;
        let is_whole =
            self.split != Some(Part::Validation) && self.reading == OtherReading::default();
        let part = config.as_ref().filter(|_| is_whole).and_then(|config| config.part_of(&dataset));
        let is_default = part.is_some() && part == config.as_ref().map(DataConfig::judged_by);
        let warning = (is_default && part == Some(Part::Train)).then_some(NOT_HELD_OUT);
        Ok(ChosenData { dataset, part, is_given: true, is_default, warning, notes, weights_note })
    }

    /// Reads the examples of the run of a model.
    fn read_own(&self, model: &Path, provenance: &Provenance) -> Result<ChosenData> {
        let config = data_of(model)?.ok_or_else(|| Error::NoData { path: model.to_path_buf() })?;
        let default = config.judged_by();
        let part = self.split.unwrap_or(default);
        let (dataset, empty) = config.read_part(part, &provenance.data)?.ok_or_else(|| {
            let what = match part {
                Part::Test => "has no test_data",
                _ => "was trained without validation",
            };
            invalid("split", part, format!("another: the run {what}; its default is {default}"))
        })?;
        let is_default = part == default;
        let warning = (self.split.is_none() && part == Part::Train).then_some(NOT_HELD_OUT);
        let part = Some(part);
        let (notes, weights_note) = (empty.into_iter().collect(), None);
        let is_given = false;
        Ok(ChosenData { dataset, part, is_given, is_default, warning, notes, weights_note })
    }
}

impl Part {
    /// The role of this part of a run's data: `training`, `test` or `validation`.
    pub fn role(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
            Self::Validation => "validation",
        }
    }

    /// Reads given data: this part of MNIST, or else the validation examples or all examples of a file.
    /// Integers are read as in training, and intensities are inverted if the training data were. A column that held
    /// the weights of training holds theirs.
    ///
    /// # Errors
    /// As [`Source::read`]; [`Error::InvalidSetting`] for validation examples if the model was trained
    /// without validation or on other data.
    pub fn read(self, source: &Source, provenance: &Provenance) -> Result<Dataset> {
        let beside = Beside { weighs_as_training: true, ..Beside::default() };
        Ok(self.read_beside(source, provenance, beside, OtherReading::default())?.dataset)
    }

    /// As [`read`](Self::read), with what belongs to the rows of the data, and notes on them. A table may lack columns
    /// of a model that was trained with a rule for missing values.
    pub(crate) fn read_beside(
        self,
        source: &Source,
        provenance: &Provenance,
        beside: Beside<'_>,
        reading: OtherReading,
    ) -> Result<GivenData> {
        let fact = |name| provenance.data.get(name);
        let split = if self == Part::Test { Split::Test } else { Split::Train };
        let encoding = reading.of(Encoding::recorded(&provenance.data)?)?;
        let classes = Classes::recorded(&provenance.data)?;
        let lacked_columns = match Missing::recorded(&provenance.settings)? {
            Some(_) => LackedColumns::Missing,
            None => LackedColumns::RefuseAsWhole,
        };
        let beside = Beside { lacked_columns, ..beside };
        let beside = beside.for_model(&provenance.data, classes.as_ref());
        let found = source.read_beside(split, encoding, beside)?;
        let weights = found.weights.as_ref();
        let note = weights.and_then(|found| found.column_note(&source.to_string(), "weights"));
        let of_names = fact("id_column").and_then(|column| column.as_str());
        let has_header = found.dataset.unit_names().is_some()
            || found.dataset.columns().is_some_and(|columns| columns.header().is_some());
        let lacks_names = has_header && beside.id.is_none() && found.dataset.titles().is_none();
        let names_note = of_names.filter(|_| lacks_names).map(|column| {
            format!("{source}: has no column \"{column}\" of names of rows, as training had; --id names another")
        });
        let mut notes: Vec<_> = note.into_iter().chain(names_note).collect();
        let weights_note = match (&found.unused_weights, weights) {
            (_, Some(_)) => None,
            (Some(name), None) => Some(format!(
                "{source}: the column \"{name}\", which held the weights in training, is passed over: all rows count alike"
            )),
            (None, None) => fact("n_effective")
                .map(|_| format!("{source}: all rows count alike; those of training had weights")),
        };
        let is_inverted = fact("inverted").is_some_and(|inverted| inverted == true);
        let dataset = if is_inverted { found.dataset.inverted() } else { found.dataset };
        let mut dataset = DataBeside { dataset, ..found }.joined()?;
        if self != Part::Validation {
            return Ok(GivenData { dataset, notes, weights_note });
        }
        let number = |name| fact(name).and_then(|n| n.as_u64()).map(|n| n as usize);
        // As in training.
        let (with_values, empty) = dataset.with_values()?;
        (dataset, notes) = (with_values, notes.into_iter().chain(empty).collect());
        let n_examples = dataset.n_examples();
        let validation = number("validation").filter(|&n| n > 0 && n < n_examples);
        let Some(validation) = validation else {
            let rule = "train or test: the model was trained without validation";
            return Err(invalid("split", self, rule));
        };
        if let Some(limit) = number("limit") {
            dataset = dataset.first(limit)?;
        }
        let other = fact("sha256").and_then(|sum| sum.as_str()) != dataset.sha256();
        if other || number("n_examples") != Some(dataset.n_examples() - validation) {
            let rule = format!(
                "train or test with {}: the model was trained on other data",
                dataset.name()
            );
            return Err(invalid("split", self, rule));
        }
        let dataset = dataset.split_validation(validation)?.1;
        Ok(GivenData { dataset, notes, weights_note })
    }
}
