//! The model that a command is given, and the data it looks at; what has to be known of them goes to
//! stderr.

use crate::dataset::Dataset;
use crate::error::Result;
use crate::model::Provenance;
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::run::{ChosenData, DataChoice, model_of, title};
use std::path::{Path, PathBuf};

/// The file of a model that is named by itself or by the folder of its run. A note says so if it is not
/// the newest of the run.
pub fn model_path(path: &Path) -> PathBuf {
    if !path.is_dir() {
        return path.to_path_buf();
    }
    let (file, passed) = model_of(path);
    for error in &passed {
        note(LogFormat::Text, &error.to_string());
    }
    if !passed.is_empty() {
        note(LogFormat::Text, &format!("the model is that of {}", file.display()));
    }
    file
}

/// The examples that a command looks at.
pub fn read_data(
    choice: DataChoice<'_>,
    model: &Path,
    provenance: &Provenance,
) -> Result<ChosenData> {
    let chosen = choice.read(model, provenance)?;
    // Who names data knows what they are.
    if let Some(warning) = chosen.warning.filter(|_| !chosen.is_given) {
        note(LogFormat::Text, warning);
    }
    say_inferred(&chosen.dataset);
    Ok(chosen)
}

/// Says for what integers were taken, if nobody had declared it.
pub fn say_inferred(dataset: &Dataset) {
    if let Some(inferred) = dataset.inferred() {
        note(LogFormat::Text, &inferred);
    }
}

/// Says which data a run was looked at with, where the result does not.
pub fn say_data(chosen: &ChosenData) {
    if !chosen.is_given {
        let data = title(chosen.role(), chosen.dataset.name());
        note(LogFormat::Text, &format!("the examples are {data}"));
    }
}
