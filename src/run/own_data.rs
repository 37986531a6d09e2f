//! The examples that a model is looked at with: those that are given, or else the data of its run.

use super::config::DataConfig;
use super::data::Part;
use super::files::{CHECKPOINTS, LAST_MODEL, MODEL, SETTINGS};
use super::settings::SettingsFile;
use crate::dataset::{Dataset, Encoding, Source, Split};
use crate::error::{Error, Result};
use crate::model::Provenance;
use crate::setting::invalid;
use std::path::{Path, PathBuf};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct DataChoice<'a> {
    /// Data by name or path; none: those of the model's run.
    pub data: Option<&'a Source>,
    /// Which part of them; none: what the run is judged by, of other data `usual`.
    pub split: Option<Part>,
    /// The images of MNIST that are taken where MNIST is given and no part is named.
    pub usual: Part,
}

/// Examples, and what they are to the run of the model.
#[derive(Clone, Debug)]
pub struct ChosenData {
    /// The examples, turned around if those of training were.
    pub dataset: Dataset,
    /// Which part of the run's data they are; none: they are others, which were given.
    pub part: Option<Part>,
    /// Whether they were asked for by name or path.
    pub is_given: bool,
    /// Whether they are what the run is judged by.
    pub is_default: bool,
    /// What whoever reads a figure on them has to know.
    pub warning: Option<&'static str>,
}

impl ChosenData {
    /// What they are, in a word for programs: `test`, `validation`, `training` or `given`.
    pub fn role(&self) -> &'static str {
        self.part.map_or("given", Part::role)
    }
}

/// What has to be known of figures on the training data.
const NOT_HELD_OUT: &str = "the run has no held-out data, so these are its training data: figures on them \
                            are better than on others";

/// What data of this role are called beside their name: `the run's test data, t.npy`.
pub fn title(role: &str, name: &str) -> String {
    match role {
        "given" => name.to_string(),
        role => format!("the run's {role} data, {name}"),
    }
}

/// The settings of the data of the run to which a model belongs: one in the folder of the run, its
/// model or a checkpoint. None if there is no such run.
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

/// The folder of the run to which a path belongs, if it is that of a run's file.
pub(super) fn folder_of(model: &Path) -> Option<PathBuf> {
    if model.is_dir() {
        return Some(model.to_path_buf());
    }
    // Relative paths have parents, too.
    let path = std::path::absolute(model).ok()?;
    let (name, folder) = (path.file_name()?, path.parent()?);
    if name == MODEL || name == LAST_MODEL {
        return Some(folder.to_path_buf());
    }
    (folder.file_name()? == CHECKPOINTS).then(|| folder.parent().map(Path::to_path_buf))?
}

impl DataChoice<'_> {
    /// Reads the examples for a model, which is named by its path, or that of its run, and comes from
    /// `provenance`.
    ///
    /// # Errors
    /// [`Error::NoData`] where none are given and the model belongs to no run;
    /// [`Error::InvalidSetting`] if there is no such part; else whatever is wrong with the file, which
    /// must be the one that the run had.
    pub fn read(&self, model: &Path, provenance: &Provenance) -> Result<ChosenData> {
        let Some(source) = self.data else { return self.read_own(model) };
        let dataset = self.split.unwrap_or(self.usual).read(source, provenance)?;
        // What the run had itself may have moved since.
        let config = data_of(model)?;
        let is_whole = self.split != Some(Part::Validation);
        let part = config.as_ref().filter(|_| is_whole).and_then(|config| config.part_of(&dataset));
        let is_default = part.is_some() && part == config.as_ref().map(DataConfig::judged_by);
        let warning = (is_default && part == Some(Part::Train)).then_some(NOT_HELD_OUT);
        Ok(ChosenData { dataset, part, is_given: true, is_default, warning })
    }

    /// Reads the examples of the run of a model.
    fn read_own(&self, model: &Path) -> Result<ChosenData> {
        let config = data_of(model)?.ok_or_else(|| Error::NoData { path: model.to_path_buf() })?;
        let default = config.judged_by();
        let part = self.split.unwrap_or(default);
        let dataset = config.read_part(part, "data")?.ok_or_else(|| {
            let what = match part {
                Part::Test => "has no test_data",
                _ => "was trained without validation",
            };
            invalid("split", part, format!("another: the run {what}, so it is judged by {default}"))
        })?;
        let is_default = part == default;
        let warning = (self.split.is_none() && part == Part::Train).then_some(NOT_HELD_OUT);
        Ok(ChosenData { dataset, part: Some(part), is_given: false, is_default, warning })
    }
}

impl Part {
    /// `train`, `test` or `validation` as an adjective: `training`, `test`, `validation`.
    pub fn role(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
            Self::Validation => "validation",
        }
    }

    /// Reads data that are given (of MNIST the images of this part, of others the validation examples
    /// or all), integers as those of training were read, and turns them around if those of the model's training were.
    ///
    /// # Errors
    /// As [`Source::read`]; [`Error::InvalidSetting`] for validation examples of other data than the
    /// model was trained on, or without any.
    pub fn read(self, source: &Source, provenance: &Provenance) -> Result<Dataset> {
        let fact = |name| provenance.data.get(name);
        let split = if self == Part::Test { Split::Test } else { Split::Train };
        let mut dataset = source.read_split(split, Encoding::recorded(&provenance.data)?)?;
        if fact("inverted").is_some_and(|inverted| inverted == true) {
            dataset = dataset.inverted();
        }
        if self != Part::Validation {
            return Ok(dataset);
        }
        let number = |name| fact(name).and_then(|n| n.as_u64()).map(|n| n as usize);
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
        Ok(dataset.split_validation(validation)?.1)
    }
}
