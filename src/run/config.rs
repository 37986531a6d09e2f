//! What belongs to a run beside the settings of its training.

use super::interrupt::Interrupt;
use super::interval::Interval;
use crate::dataset::{Encoding, Source};
use crate::error::{Error, Result};
use crate::evaluate::Method;
use crate::monitor::Metric;
use crate::setting::{by_text, check, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Large enough for a count, and small enough for a settings file.
const LARGEST: usize = 1 << 40;

/// What a run starts from: the examples and, it may be, a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// Training data.
    pub data: Source,
    /// SHA-256 that the file of the training data must have; none: any.
    pub sha256: Option<String>,
    /// What integers of these data and of those to report on are, if they are grey levels: the
    /// intensity of k is k / `grey_levels`, which is from 1 to 65,535; none: as the files say or, where
    /// the largest is from 128 to 255, 255. A run records here what it was.
    pub grey_levels: Option<u32>,
    /// Whether -1 and 1 stand for 0 and 1 in these data, in those to report on and in samples.
    pub spins: bool,
    /// Whether every intensity x becomes 1 − x, of these data and of those to report on.
    pub invert: bool,
    /// The first so many training examples are used, those set aside included; none: all.
    pub limit: Option<usize>,
    /// How many of the last training examples are set aside to be reported on; 0: none.
    pub validation: usize,
    /// Data to report on; none: the test images if `data` is MNIST.
    pub test_data: Option<Source>,
    /// SHA-256 that the file of those must have; none: any.
    pub test_sha256: Option<String>,
    /// Rows and columns of the images; none: as the data say.
    pub image_shape: Option<(usize, usize)>,
    /// A model whose parameters to start from.
    pub init: Option<PathBuf>,
    /// SHA-256 that those parameters must have, as `harmonium inspect` shows it; none: any.
    pub init_sha256: Option<String>,
}

impl DataConfig {
    /// What integers are declared to stand for.
    ///
    /// # Errors
    /// As [`Encoding::declared`].
    pub fn encoding(&self) -> Result<Encoding> {
        Encoding::declared(self.grey_levels, self.spins)
    }
}

/// What a run does beside training. It decides nothing of how parameters are moved, but which are
/// kept, where training ends, and for how long it is planned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunConfig {
    /// The log-likelihood is evaluated after every so many epochs, and at the end; 0: never.
    pub evaluate_every: usize,
    /// How log Z is found for it.
    pub evaluate: Method,
    /// Which parameters the model of the run is.
    pub keep: Keep,
    /// The score by which the run is stopped early; none: it is not.
    pub early_stop: Option<Metric>,
    /// After so many measurements without a better one, at least 1; usual: 3 to 20.
    pub patience: usize,
    /// From one checkpoint to the next.
    pub checkpoint_every: Interval,
    /// How many of the last checkpoints are kept, at least 1.
    pub keep_checkpoints: usize,
    /// Whether checkpoints are also written, and kept for good, at updates 1, 2, 4, 5, 8, 11, 16, …,
    /// the powers of √2.
    pub keep_series: bool,
    /// Whether the records also go to an event file for TensorBoard.
    pub tensorboard: bool,
    /// Changes of the number of epochs in the course of the run.
    pub replanned: Vec<Replan>,
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            evaluate_every: 0,
            evaluate: Method::Auto,
            keep: Keep::Last,
            early_stop: None,
            patience: 10,
            checkpoint_every: Interval::Time(Duration::from_secs(300)),
            keep_checkpoints: 2,
            keep_series: false,
            tensorboard: false,
            replanned: Vec::new(),
        }
    }
}

/// From an update on, a run is planned for another number of epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replan {
    /// Updates done by then.
    pub update: u64,
    /// Epochs of the run, those done included.
    pub epochs: usize,
}

impl fmt::Display for Replan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} epochs from update {} on", self.epochs, self.update)
    }
}

/// Which parameters the model of a run is; as text `last` or `best:METRIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Keep {
    /// Those of its end.
    Last,
    /// Those of the epoch in which a score was best, of the records so far.
    Best(Metric),
}

impl FromStr for Keep {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match (text, text.strip_prefix("best:").map(str::parse)) {
            ("last", _) => Ok(Self::Last),
            (_, Some(metric)) => metric.map(Self::Best),
            _ => Err(invalid("keep", text, "`last` or `best:METRIC`, such as best:log_likelihood")),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => f.write_str("last"),
            Self::Best(metric) => write!(f, "best:{metric}"),
        }
    }
}

by_text!(Keep);

impl RunConfig {
    /// Checks every setting; `has_held_out` tells whether there are data to report on.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for the first that is out of its range, or cannot be met.
    pub fn validate(&self, has_held_out: bool) -> Result<()> {
        for (setting, value, least) in [
            ("patience", self.patience, 1),
            ("keep_checkpoints", self.keep_checkpoints, 1),
            ("evaluate_every", self.evaluate_every, 0),
        ] {
            check(setting, value, (least..=LARGEST).contains(&value), || {
                format!("at least {least} and at most {LARGEST}")
            })?;
        }
        let kept = match self.keep {
            Keep::Last => None,
            Keep::Best(metric) => Some(("keep", metric)),
        };
        for (setting, metric) in kept.into_iter().chain(self.early_stop.map(|m| ("early_stop", m)))
        {
            let (is_measured, remedy) = match metric {
                Metric::LogLikelihood => (self.evaluate_every > 0, "evaluate_every above 0"),
                Metric::FreeEnergyGap => (has_held_out, "data to report on, such as validation"),
                Metric::PseudoLikelihood | Metric::ReconstructionError => (true, ""),
            };
            check(setting, metric, is_measured, || format!("another metric, or have {remedy}"))?;
        }
        let is_rising = self.replanned.is_sorted_by_key(|replan| replan.update);
        check("replanned", "in another order", is_rising, || "by rising updates".to_string())
    }
}

/// How one command works on a run; nothing here is a setting of the run.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Threads, at least 1; none: as many as the machine has.
    pub threads: Option<usize>,
    /// The folder of a new run; none: `runs/` and a name of data, sizes and time.
    pub out: Option<PathBuf>,
    /// Where to stop, counted from where the session starts; none: at the end of the run.
    pub stop_after: Option<Interval>,
    /// The time that a new run may take: it fixes `updates` by the speed of the first seconds; none:
    /// the settings say how long it is.
    pub time_budget: Option<Duration>,
    /// The command line, for the settings file.
    pub command: Option<String>,
    /// How it may be asked to stop from outside.
    pub interrupt: Interrupt,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// All updates are done.
    Done,
    /// The score that was watched got no better: the run is over.
    StoppedEarly,
    /// At the place where the session was to stop.
    Stopped,
    /// By a request from outside, as by this signal.
    Interrupted(i32),
}
