//! The command line: a thin coat over the library. Flags are the names of the settings they set.

mod flags;

mod session;

mod bench;
mod evaluate;
mod inspect;
mod metrics;
mod presets;
mod report;
mod resume;
mod runs;
mod sample;
mod train;
mod transform;

use crate::dataset::{Binarization, Dataset};
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::model::{Provenance, Rbm};
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::rng::MAX_SEED;
use crate::run::{ChosenData, DataChoice, model_of, title};
use crate::setting;
use clap::{Parser, Subcommand};
use ndarray::{Array, Dimension};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Trains restricted Boltzmann machines on every core of a CPU, to the same bits each time.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a machine, on MNIST unless told otherwise
    Train(Box<train::Train>),
    /// Go on with a run that was stopped, interrupted or killed, or make it longer
    Resume(Box<resume::Resume>),
    /// List runs, how it stands with them and in which settings they differ
    Runs(runs::Runs),
    /// Draw what a run has learned, or several runs side by side, as a page for a browser
    Report(report::Report),
    /// Print the metrics of a run as CSV
    Metrics(metrics::Metrics),
    /// List the presets of `train`
    Presets(presets::Presets),
    /// Estimate the log-likelihood of examples, and how far to trust it
    Evaluate(Box<evaluate::Evaluate>),
    /// Draw samples from a model, as a picture or an array
    Sample(sample::Sample),
    /// Write p(h | v) of data under a model: features for a classifier
    Transform(transform::Transform),
    /// Show what a model file holds
    Inspect(inspect::Inspect),
    /// Time the stages of an update on this machine
    Bench(bench::Bench),
}

impl Cli {
    /// Does what the command line asks for; the exit code is that of the program.
    ///
    /// # Errors
    /// Whatever went wrong, to be told to the user.
    pub fn run(self) -> Result<ExitCode> {
        // Chosen here, and handed down with the threads.
        let isa = Isa::from_environment;
        let done = match self.command {
            Command::Train(train) => return train.run(isa()?),
            Command::Resume(resume) => return resume.run(isa()?),
            Command::Runs(runs) => runs.run(),
            Command::Report(report) => report.run(),
            Command::Metrics(metrics) => metrics.run(),
            Command::Presets(presets) => presets.run(),
            Command::Evaluate(evaluate) => evaluate.run(isa()?),
            Command::Sample(sample) => sample.run(isa()?),
            Command::Transform(transform) => transform.run(isa()?),
            Command::Inspect(inspect) => inspect.run(),
            Command::Bench(bench) => bench.run(isa()?),
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// Prints a result. Whoever reads it may have heard enough (`| head`): that is no error.
fn print(result: impl std::fmt::Display) -> Result<()> {
    match writeln!(std::io::stdout(), "{result}") {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Io { path: PathBuf::from("standard output"), action: "write", cause })
        }
        _ => Ok(()),
    }
}

/// The file of a model that is named by itself or by the folder of its run, of which it is told if
/// it is not the newest.
fn model_path(path: &Path) -> PathBuf {
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

/// `28x28` as rows and columns.
fn parse_image_shape(text: &str) -> Result<(usize, usize), String> {
    let side = |part: &str| part.parse().ok().filter(|&n: &usize| n > 0);
    text.split_once('x')
        .and_then(|(rows, columns)| Some((side(rows)?, side(columns)?)))
        .ok_or_else(|| "must be ROWSxCOLUMNS, such as 28x28".to_string())
}

/// The examples that a command looks at; what has to be known of them goes to stderr.
fn read_data(choice: DataChoice<'_>, model: &Path, provenance: &Provenance) -> Result<ChosenData> {
    let chosen = choice.read(model, provenance)?;
    if let Some(warning) = chosen.warning {
        note(LogFormat::Text, warning);
    }
    say_inferred(&chosen.dataset);
    Ok(chosen)
}

/// Says for what integers were taken, if nobody had declared it.
fn say_inferred(dataset: &Dataset) {
    if let Some(inferred) = dataset.inferred() {
        note(LogFormat::Text, &inferred);
    }
}

/// Says which data a run was looked at with, where the result does not.
fn say_data(chosen: &ChosenData) {
    if chosen.part.is_some() {
        let data = title(chosen.role(), chosen.dataset.name());
        note(LogFormat::Text, &format!("the examples are {data}"));
    }
}

/// Refuses data that are not as wide as the model.
fn check_width(dataset: &Dataset, rbm: &Rbm) -> Result<()> {
    if dataset.n_visible() == rbm.n_visible() {
        return Ok(());
    }
    Err(Error::WidthMismatch {
        what: dataset.name().to_string(),
        found: dataset.n_visible(),
        other: "the model",
        expected: rbm.n_visible(),
    })
}

/// How intensities become bits: as asked for, or else as in the model's training.
fn binarization(asked: Option<Binarization>, provenance: &Provenance) -> Result<Binarization> {
    match (asked, provenance.settings.get("binarize").and_then(|text| text.as_str())) {
        (Some(binarization), _) => Ok(binarization),
        (None, Some(text)) => text.parse(),
        (None, None) => Ok(Binarization::Stochastic),
    }
}

/// Refuses a seed that no settings file could hold.
fn check_seed(seed: u64) -> Result<()> {
    setting::check("seed", seed, seed <= MAX_SEED, || format!("at most {MAX_SEED}"))
}

/// The bytes of an .npy file.
fn npy<T: ndarray_npy::WritableElement, D: Dimension>(array: &Array<T, D>) -> Vec<u8> {
    use ndarray_npy::WriteNpyExt as _;
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).expect("writing to memory does not fail");
    bytes
}
