//! The command line: a thin layer over the library. Each flag has the name of its setting.

mod output;

mod rows;

mod input;

mod flags;

mod naming;

mod help;

mod door;

mod job;

mod session;

mod settings;

mod bench;
mod completions;
mod couplings;
mod evaluate;

mod evaluate_values;

mod export;
mod import;
mod inspect;
mod man;
mod metrics;
mod pack;
mod pivot;
mod predict;

mod fill;

mod presets;
mod report;

mod sweep;

mod resume;
mod runs;
mod sample;
mod train;
mod transform;

use door::message;
use help::command;

use crate::error::{Error, Result};
use crate::kernels::Isa;
use clap::{FromArgMatches as _, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write as _;

/// Runs a command line, whose first word is the name of the program, and returns its exit code. A wrong
/// command line, `--help` and `--version` end the process.
pub fn main(words: impl IntoIterator<Item = OsString>) -> u8 {
    let words: Vec<_> = words.into_iter().collect();
    let matches = command().get_matches_from(&words);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    cli.run(&words[1..]).unwrap_or_else(|error| {
        let message = message(&error, matches.subcommand_name());
        // If nothing reads the output, the exit code alone reports the error.
        let _ = writeln!(std::io::stderr(), "error: {message}");
        exit_code(&error)
    })
}

/// The exit code for an error: clap, too, ends a wrong command line with 2.
fn exit_code(error: &Error) -> u8 {
    if error.is_misuse() { 2 } else { 1 }
}

/// Trains restricted Boltzmann machines on every core of a CPU, to the same bits each time.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model, by default on MNIST
    Train(Box<train::Train>),
    /// Continue a run that was stopped, interrupted or killed, or make it longer
    Resume(Box<resume::Resume>),
    /// Train runs that differ in some settings, side by side, and rank them
    Sweep(Box<sweep::Sweep>),
    /// List runs, their states, and the settings in which they differ
    Runs(runs::Runs),
    /// Write a report on a run, or on several side by side, as a page for a browser
    Report(report::Report),
    /// Print the metrics of a run as CSV
    Metrics(metrics::Metrics),
    /// List the presets of `train`
    Presets(presets::Presets),
    /// Estimate the log-likelihood of examples and judge the estimate
    Evaluate(Box<evaluate::Evaluate>),
    /// Draw samples from a model, as a picture or an array
    Sample(sample::Sample),
    /// Write p(h | v) of data under a model: features for a classifier
    Transform(transform::Transform),
    /// Predict the classes of examples, or fill the values that they lack
    Predict(predict::Predict),
    /// Write data to a file that is read in place, for data that are large or read often
    Pack(Box<pack::Pack>),
    /// Make a table with a row for each user of one with a row for each rating
    Pivot(pivot::Pivot),
    /// Show the contents of a model file
    Inspect(inspect::Inspect),
    /// Make a model of the weights and biases that another program wrote
    Import(import::Import),
    /// Write a model for other programs: arrays, or p(h | v) as an ONNX graph
    Export(export::Export),
    /// Compute the effective fields and couplings of the visible units, and print the strongest pairs
    Couplings(couplings::Couplings),
    /// Time the stages of an update on this computer
    Bench(bench::Bench),
    /// Print the completions of a shell
    Completions(completions::Completions),
    /// Print a man page
    Man(man::Man),
}

impl Cli {
    /// Runs the command, which the user gave in these words, and returns the exit code of the program.
    ///
    /// # Errors
    /// Any error of the command; [`message`] is its text for the user.
    fn run(self, words: &[OsString]) -> Result<u8> {
        // The instruction set is chosen here, once, and handed down.
        let isa = Isa::from_environment;
        let done = match self.command {
            Command::Train(train) => return train.run(isa()?, words),
            Command::Resume(resume) => return resume.run(isa()?, words),
            Command::Sweep(sweep) => return sweep.run(isa()?, words),
            Command::Runs(runs) => runs.run(),
            Command::Report(report) => report.run(),
            Command::Metrics(metrics) => metrics.run(),
            Command::Presets(presets) => presets.run(),
            Command::Evaluate(evaluate) => evaluate.run(isa()?),
            Command::Sample(sample) => sample.run(isa()?),
            Command::Transform(transform) => transform.run(isa()?),
            Command::Predict(predict) => predict.run(isa()?),
            Command::Pack(pack) => pack.run(),
            Command::Pivot(pivot) => pivot.run(),
            Command::Inspect(inspect) => inspect.run(),
            Command::Import(import) => import.run(),
            Command::Export(export) => export.run(),
            Command::Couplings(couplings) => couplings.run(isa()?),
            Command::Bench(bench) => bench.run(isa()?),
            Command::Completions(completions) => completions.run(),
            Command::Man(man) => man.run(),
        };
        done.map(|()| 0)
    }
}
