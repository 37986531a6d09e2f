//! The model, the data and the threads of a command; notes on them go to stderr.

use crate::checkpoint::{MODEL, model_of};
use crate::dataset::{Beside, Dataset, UnknownLetters};
use crate::error::Result;
use crate::evaluate::report::title;
use crate::model::{Provenance, Rbm};
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::run::{ChosenData, DataChoice, OtherReading};
use crate::setting::Value as _;
use crate::threads;
use clap::Args;
use std::path::{Path, PathBuf};

/// The file of a model. `path` is the file or the folder of its run. A note appears if the run is not done, or newer
/// checkpoints of it are damaged.
///
/// # Errors
/// [`Error::Unsuitable`](crate::Error::Unsuitable) for the folder of a sweep.
pub fn model_path(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let (file, passed) = model_of(path)?;
    for error in &passed {
        note(LogFormat::Text, &error.to_string());
    }
    if !passed.is_empty() {
        note(LogFormat::Text, &format!("the model is taken from {}", file.display()));
    } else if file != path.join(MODEL) {
        let (run, file) = (path.display(), file.display());
        let text = format!(
            "{run}: the run is not done; the model is that of {file}, its last state, whatever `keep` says (`harmonium \
             resume` goes on)"
        );
        note(LogFormat::Text, &text);
    }
    Ok(file)
}

/// Runs `work` with this number of threads, with a note if they are too many for the computer.
pub fn in_pool<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    if let Some(crowd) = threads::crowd(threads) {
        note(LogFormat::Text, &crowd);
    }
    threads::in_pool(threads, work)
}

/// How given data are read, where that differs from training.
#[derive(Clone, Debug, Args)]
pub struct ReadingFlags {
    /// The column of the given table that names its rows; results for single rows carry it [default: as in training, if
    /// there is one]
    #[arg(long, value_name = "COLUMN", requires = "data")]
    pub id: Option<String>,
    /// Columns of the given table that are left out, besides those that training left out
    #[arg(long, value_name = "NAME,…", requires = "data", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// The number that stands for a missing value in the given data, such as -9 or 0 [default: as in training]
    #[arg(long, value_name = "X", requires = "data", allow_negative_numbers = true, value_parser = finite)]
    missing_value: Option<f64>,
    /// What is done with letters of the given sequences that the model does not know: `refuse`, `gap`, `missing` (each
    /// is summed out) or `drop` (the sequence has no result) [default: as in training]
    #[arg(long, value_name = "refuse|gap|missing|drop", requires = "data")]
    unknown_letters: Option<UnknownLetters>,
}

impl ReadingFlags {
    /// The columns of the given table that are no sites, as the flags name them.
    pub fn beside(&self) -> Beside<'_> {
        Beside { id: self.id.as_deref(), ignored: &self.ignore, ..Beside::default() }
    }

    pub fn reading(&self) -> OtherReading {
        let Self { missing_value, unknown_letters, .. } = *self;
        OtherReading { missing_value, unknown_letters }
    }
}

/// A finite number.
fn finite(text: &str) -> Result<f64> {
    f64::parse("missing_value", text)
}

/// Reads the examples of a command, with notes on them.
pub fn read_data(
    choice: DataChoice<'_>,
    model: &Path,
    provenance: &Provenance,
) -> Result<ChosenData> {
    let chosen = choice.read(model, provenance)?;
    // A user who names the data knows what they are.
    if let Some(warning) = chosen.warning.filter(|_| !chosen.is_given) {
        note(LogFormat::Text, warning);
    }
    chosen.notes.iter().for_each(|text| note(LogFormat::Text, text));
    say_inferred(&chosen.dataset);
    Ok(chosen)
}

/// The first `limit` examples, or all. Their width must fit the model.
pub fn limited(dataset: Dataset, limit: Option<usize>, model: &Rbm) -> Result<Dataset> {
    dataset.check_width(model.n_visible(), "the model")?;
    match limit {
        Some(limit) => dataset.first(limit),
        None => Ok(dataset),
    }
}

/// Writes a note if the meaning of integers was inferred.
pub fn say_inferred(dataset: &Dataset) {
    if let Some(inferred) = dataset.inferred() {
        note(LogFormat::Text, &inferred);
    }
}

/// Writes a note on the data of a run, where the result does not name them.
pub fn say_data(chosen: &ChosenData) {
    if !chosen.is_given {
        let data = title(chosen.role(), chosen.dataset.name());
        note(LogFormat::Text, &format!("the examples are {data}"));
    }
}
