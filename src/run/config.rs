//! What belongs to a run beside the settings of its training.

use super::interrupt::Interrupt;
use super::interval::Interval;
use crate::dataset::{Encoding, MAX_GREY_LEVEL, Source};
use crate::error::{Error, Remedy, Result};
use crate::evaluate::Method;
use crate::kernels::Isa;
use crate::monitor::Metric;
use crate::setting::{Kind, Range, Section as _, Value, by_text, check, invalid, settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Large enough for a count, and small enough for a settings file.
const LARGEST: u64 = 1 << 40;

settings! {
    /// What a run starts from: the examples and, it may be, a model.
    pub struct DataConfig in "data" {
        /// Training data: `mnist`, an IDX or .npy file (plain or gzipped), `bars-and-stripes:SIDE` or
        /// `shifter`.
        data: Source = Source::Mnist, { placeholder("NAME|PATH") }
        /// SHA-256 that the file of the training data must have; none: any.
        sha256: Option<String> = None, { recorded() }
        /// The integers of the data, and of *test_data*, are grey levels from 0 to this maximum, such as
        /// 16, 100 or 255: k stands for the intensity k over this maximum.
        grey_levels: Option<u32> = None, {
            // A run records here what it was.
            whole(1..=MAX_GREY_LEVEL as u64),
            unset("as the files say; 255 where the largest is from 128 to 255; else only 0 and 1")
        }
        /// The data, and *test_data*, are spins: -1 and 1 stand for 0 and 1, in samples too.
        spins: bool = false, {}
        /// Turn every intensity x to 1 − x, also of *test_data*.
        invert: bool = false, {}
        /// Use only the first training examples, this many; those set aside are among them.
        limit: Option<usize> = None, { unset("all") }
        /// Set this many of the last training examples aside, to choose by.
        validation: usize = 0, {}
        /// Data to report on, unless *validation* sets some aside.
        test_data: Option<Source> = None, {
            placeholder("mnist|PATH"), unset("the test images if *data* is mnist")
        }
        /// SHA-256 that the file of those must have; none: any.
        test_sha256: Option<String> = None, { recorded() }
        /// Rows and columns of the images, if the data do not say.
        image_shape: Option<(usize, usize)> = None, { placeholder("28x28"), unset("as the data say") }
        /// Start from the parameters of this model.
        init: Option<PathBuf> = None, { placeholder("MODEL"), unset("new parameters") }
        /// SHA-256 that those parameters must have, as `harmonium inspect` shows it; none: any.
        init_sha256: Option<String> = None, { recorded() }
    }
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

settings! {
    /// What a run does beside training. It decides nothing of how parameters are moved, but which are
    /// kept, where training ends, and for how long it is planned.
    pub struct RunConfig in "run" {
        /// Evaluate the log-likelihood of held-out data (or of the training data, if there are none)
        /// each time that this many epochs are done, and at the end.
        evaluate_every: usize = 0, { whole(0..=LARGEST), placeholder("EPOCHS"), unset("never") }
        /// How log Z is found for that: `auto`, `exact` or, with a small budget, `ais`.
        evaluate: Method = Method::Auto, { needs(&[Remedy::of("evaluate_every")]) }
        /// Which parameters become the model: the `last`, or those of the `best:METRIC`, which is
        /// log_likelihood, pseudo_likelihood, free_energy_gap or reconstruction_error.
        keep: Keep = Keep::Last, {}
        /// Stop when this metric has not become better for *patience* measurements.
        early_stop: Option<Metric> = None, { placeholder("METRIC"), unset("never") }
        /// The measurements after which *early_stop* stops.
        patience: usize = 10, {
            whole(1..=LARGEST), usual("3 to 20"), needs(&[Remedy::of("early_stop")])
        }
        /// Time, epochs or updates from one checkpoint to the next: 30s, 5m, 2epochs, 500updates.
        checkpoint_every: Interval = Interval::Time(Duration::from_secs(300)), {
            placeholder("INTERVAL")
        }
        /// How many of the last checkpoints are kept.
        keep_checkpoints: usize = 2, { whole(1..=LARGEST) }
        /// Also write, and keep, checkpoints after updates 1, 2, 4, 5, 8, 11, 16, … (powers of √2).
        keep_series: bool = false, {}
        /// Also write the metrics to an event file for TensorBoard.
        tensorboard: bool = false, {}
        /// Changes of the number of epochs in the course of the run.
        replanned: Vec<Replan> = Vec::new(), { recorded() }
    }
}

/// Plans, which only runs write.
impl Value for Vec<Replan> {
    const KIND: Kind = Kind::Record;

    fn parse(name: &'static str, text: &str) -> Result<Self> {
        Err(Self::wrong_kind(name, text))
    }

    fn read(name: &'static str, json: &Json) -> Result<Self> {
        serde_json::from_value(json.clone()).map_err(|_| Self::wrong_kind(name, json))
    }

    fn check(&self, name: &'static str, _: &Range) -> Result<()> {
        let is_rising = self.is_sorted_by_key(|replan| replan.update);
        check(name, "in another order", is_rising, || "by rising updates".to_string())
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
        self.check_ranges()?;
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
        Ok(())
    }
}

/// How one command works on a run; nothing here is a setting of the run.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Threads, at least 1; none: as many as the machine has.
    pub threads: Option<usize>,
    /// The instruction set that it computes on; the result does not depend on it.
    pub isa: Isa,
    /// The folder of a new run; none: `runs/` and a name of data, sizes and time.
    pub out: Option<PathBuf>,
    /// Where to stop, counted from where the session starts; none: at the end of the run.
    pub stop_after: Option<Interval>,
    /// The time that a new run may take: it fixes `updates` by the speed of the first seconds; none:
    /// the settings say how long it is.
    pub time_budget: Option<Duration>,
    /// The command line, for the settings file.
    pub command: Option<String>,
    /// The settings that were given by hand, by name: each must have an effect.
    pub given: Map<String, Json>,
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
