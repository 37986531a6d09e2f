//! The settings of a run besides those of its training.

use super::interrupt::Interrupt;
use super::interval::Interval;
use crate::dataset::{
    Alphabet, Beside, Categories, ColumnSource, Encoding, Examples, MAX_GREY_LEVEL, Source,
    UnknownLetters,
};
use crate::error::{Error, Remedy, Result};
use crate::evaluate::number_means::numbers;
use crate::evaluate::{MAX_CHAINS, Method};
use crate::kernels::Isa;
use crate::monitor::Metric;
use crate::ranks::Ranks;
use crate::setting::{
    Kind, Range, Section as _, Value, above, at_most, below, by_text, check, invalid, settings,
};
use crate::train::{Missing, TrainConfig};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// What examples that lack values have instead of a common log Z.
const OF_ABSENT: &str = "data that lack no values: with missing = absent each example has a Z of its own, and log_loss_values_test, \
     pseudo_likelihood_test and, for numbers, rmse_test judge the model";

/// The largest count that a settings file may hold.
const LARGEST: u64 = 1 << 40;

settings! {
    /// What a run starts from: the examples and, optionally, a model.
    pub struct DataConfig in "data" {
        /// Training data: `mnist`, a file (IDX, .npy, .npz, text, FASTA, PNG or packed), a pattern of such files in a
        /// folder (`'part-*.npy'`, in the order of their numbers; not PNG), a folder of PNGs, `-` for standard input,
        /// `bars-and-stripes:SIDE`, `shifter` or `populations:SEED`.
        data: Source = Source::Mnist, { placeholder("NAME|PATH") }
        /// The SHA-256 that the training data's file must have; any if not set.
        sha256: Option<String> = None, { recorded() }
        /// The integers of *data* and *test_data* are grey levels from 0 to this maximum, such as 16,
        /// 100 or 255: k means the intensity k divided by the maximum.
        grey_levels: Option<u32> = None, {
            // A run records the inferred value here.
            whole(1..=MAX_GREY_LEVEL as u64),
            unset("as the files say; 255 where the largest is from 128 to 255; else only 0 and 1")
        }
        /// *data* and *test_data* are spins: -1 means 0, and 1 means 1. Samples are written as spins, too.
        spins: bool = false, {}
        /// The columns of *data* are categories. Their states are found in each (`auto`; columns of 0 and 1 are
        /// bits), or are in all columns the numbers of a range, both ends included (`1..5`; with steps
        /// `0.5..5:0.5`), or the whole numbers from 0 up to this number, itself excluded. Ratings want a range:
        /// with `auto` a column knows only the ratings that training has of it. FASTA needs no such setting.
        categories: Option<Categories> = None, { placeholder("auto|FIRST..LAST|N"), unset("units are bits") }
        /// Columns of a table to leave out: names in the header, or of *categories* numbers from 1 if there is none.
        ignore: Vec<String> = Vec::new(), { unset("none") }
        /// The column of *data*, a table with a header, that names its examples. It is no site; results for single rows
        /// carry it.
        id: Option<String> = None, { placeholder("COLUMN"), unset("none") }
        /// The letters of sequences in FASTA: `protein`, `dna`, `rna`, each with the gap `-` if a sequence has
        /// one, or the letters themselves in their order.
        alphabet: Option<Alphabet> = None, {
            placeholder("protein|dna|rna|LETTERS"), unset("as the letters suggest"), instead_of("categories")
        }
        /// What is done with letters outside the alphabet: `refuse` the data, take each as a `gap`, take each
        /// as a value that is `missing`, or `drop` the sequences that have any.
        unknown_letters: UnknownLetters = UnknownLetters::Refuse, {
            placeholder("refuse|gap|missing|drop"), instead_of("categories")
        }
        /// The number that stands for a value that is missing in *data* and *test_data*, such as -9 or 0, besides empty
        /// cells and NaN. Columns of labels and weights keep it.
        missing_value: Option<f64> = None, { unset("none") }
        /// Values of *data* that are missing, *validation* examples included, besides those that it marks
        /// itself (NaN, empty fields): a file of the same shape that is 1 where a value is missing and 0
        /// elsewhere (.npy, .npz or text). A column of a category is one value, as is a site of a sequence; columns
        /// of labels and weights are columns, too.
        missing_mask: Option<PathBuf> = None, { placeholder("PATH"), unset("none") }
        /// The SHA-256 that the file of this mask must have; any if not set.
        missing_mask_sha256: Option<String> = None, { recorded() }
        /// Replace every intensity x of *data* and *test_data* by 1 − x.
        invert: bool = false, {}
        /// Use only the first N training examples; *validation* examples are taken from these N.
        limit: Option<usize> = None, { unset("all") }
        /// Set the last N training examples aside as validation data.
        validation: usize = 0, {}
        /// Test data; records use them unless *validation* sets examples aside.
        test_data: Option<Source> = None, {
            placeholder("mnist|PATH"), unset("the test images if *data* is mnist")
        }
        /// The SHA-256 that the test data's file must have; any if not set.
        test_sha256: Option<String> = None, { recorded() }
        /// Values of the test data that are missing, as *missing_mask* says it of *data*.
        test_missing_mask: Option<PathBuf> = None, {
            placeholder("PATH"), unset("none"), needs(&[Remedy::of("test_data")])
        }
        /// The SHA-256 that the file of this mask must have; any if not set.
        test_missing_mask_sha256: Option<String> = None, { recorded() }
        /// Weights of the training examples, *validation* examples included: a file of one number of at
        /// least 0 for each (.npy, .npz or text), or the name of a column of *data*, a table or packed, which is
        /// then no site. An example of weight 2 counts as two; one of weight 0 is left out.
        weights: Option<ColumnSource> = None, { placeholder("PATH|COLUMN"), unset("all equal") }
        /// The SHA-256 that the file of weights must have; any if not set.
        weights_sha256: Option<String> = None, { recorded() }
        /// Weigh each training example by 1 / the number of examples, itself included, that agree with it in
        /// at least this share of the sites that have a value in both.
        reweight: Option<f64> = None, {
            placeholder("SHARE"), real(above(0.0), at_most(1.0)), usual("0.8"), unset("no"),
            instead_of("weights")
        }
        /// Labels of the training data, one class for each example: the name of a column of a table or of packed data,
        /// a file (.npy, .npz, IDX or text), or `mnist` for its digits. The model then knows p(v, label).
        labels: Option<ColumnSource> = None, { placeholder("COLUMN|FILE|mnist"), unset("none") }
        /// The SHA-256 that the file of labels must have; any if not set.
        labels_sha256: Option<String> = None, { recorded() }
        /// The labels of *test_data*: a file, or the name of a column of it.
        test_labels: Option<ColumnSource> = None, {
            placeholder("COLUMN|FILE"), unset("the column of *labels*, if there is one"), needs(&[Remedy::of("labels")])
        }
        /// The SHA-256 that the file of these labels must have; any if not set.
        test_labels_sha256: Option<String> = None, { recorded() }
        /// Rows and columns of the images, if the data file does not give them.
        image_shape: Option<(usize, usize)> = None, { placeholder("28x28"), unset("as in the data file") }
        /// Start from the parameters of this model.
        init: Option<PathBuf> = None, { placeholder("MODEL"), unset("new parameters") }
        /// The SHA-256 that these parameters must have, as `harmonium inspect` shows it; any if not set.
        init_sha256: Option<String> = None, { recorded() }
    }
}

impl DataConfig {
    /// The columns of the training data that are neither sites nor labels nor weights.
    pub(crate) fn beside(&self) -> Beside<'_> {
        // An encoding of columns leaves out its own.
        let ignored = if self.categories.is_some() { &[][..] } else { &self.ignore[..] };
        Beside { id: self.id.as_deref(), ignored, ..Beside::default() }
    }

    /// The declared meaning of integers, texts and letters.
    ///
    /// # Errors
    /// As [`Encoding::declared`]; [`Error::InvalidSetting`] if categories or letters are declared as well.
    pub fn encoding(&self) -> Result<Encoding> {
        let (ignore, unknown_letters) = (self.ignore.clone(), self.unknown_letters);
        let are_letters = self.alphabet.is_some() || unknown_letters != UnknownLetters::default();
        let of_columns = match self.categories {
            Some(categories) => Encoding::Categories { categories, ignore },
            None if are_letters => {
                Encoding::Letters { alphabet: self.alphabet.clone(), unknown_letters }
            }
            None => {
                let declared = Encoding::declared(self.grey_levels, self.spins)?;
                return Ok(declared.marked(self.missing_value));
            }
        };
        for (setting, value) in [
            ("grey_levels", self.grey_levels.map(|n| n.to_string())),
            ("spins", self.spins.then(|| "true".to_string())),
        ] {
            if let Some(value) = value {
                return Err(invalid(setting, value, "left out for categories and sequences"));
            }
        }
        Ok(of_columns.marked(self.missing_value))
    }
}

settings! {
    /// What a run does besides training. These settings do not change how parameters move; they decide
    /// which parameters are kept, when training ends, and how long it is planned.
    pub struct RunConfig in "run" {
        /// Evaluate the log-likelihood of the held-out data (or of the training data, if nothing is held
        /// out) every N epochs, and at the end.
        evaluate_every: usize = 0, { whole(0..=LARGEST), placeholder("EPOCHS"), unset("never") }
        /// The method for log Z in these evaluations: `auto`, `exact`, or `ais` or `pt` with a small budget.
        evaluate: Method = Method::Auto, { needs(&[Remedy::of("evaluate_every")]) }
        /// Estimate log Z in every epoch with this many chains, which follow the model from the first update
        /// on (annealed importance sampling along training), and the log-likelihood of held-out data with it.
        online_log_z: Option<usize> = None, {
            whole(2..=MAX_CHAINS as u64), placeholder("CHAINS"), usual("100 to 1,000"), unset("no")
        }
        /// Updates from one step of these chains to the next.
        online_log_z_every: Option<u64> = None, {
            whole(1..=LARGEST), placeholder("UPDATES"),
            unset("as few as cost less than a tenth of training"),
            needs(&[Remedy::of("online_log_z")])
        }
        /// The parameters that become the model: `last`, or `best:METRIC`, where METRIC is log_likelihood,
        /// log_likelihood_online, pseudo_likelihood_test, reconstruction_error_test, with labels error_test or
        /// log_loss_test, where values are absent log_loss_values_test or, of numbers, rmse_test. Without held-out data
        /// pseudo_likelihood and reconstruction_error judge by training examples.
        keep: Keep = Keep::Last, {}
        /// Stop when this metric has not improved for *patience* measurements.
        early_stop: Option<Metric> = None, { placeholder("METRIC"), unset("never") }
        /// The number of measurements without improvement after which *early_stop* stops.
        patience: usize = 10, {
            whole(1..=LARGEST), usual("3 to 20"), needs(&[Remedy::of("early_stop")])
        }
        /// Time, epochs or updates from one checkpoint to the next: 30s, 5m, 2epochs, 500updates. Where it is a
        /// time, there are some before: after 10, 20, 40, … seconds.
        checkpoint_every: Interval = Interval::Time(Duration::from_secs(300)), {
            placeholder("INTERVAL")
        }
        /// The number of newest checkpoints that are kept.
        keep_checkpoints: usize = 2, { whole(1..=LARGEST) }
        /// Also write and keep checkpoints after updates 1, 2, 4, 5, 8, 11, 16, … (powers of √2).
        keep_series: bool = false, {}
        /// Keep a model in `ladder/` whenever its estimated rate of swaps with the one that was kept last falls
        /// below this rate: the rungs of parallel trajectory tempering (`harmonium sample --method ptt`).
        ladder: Option<f64> = None, {
            placeholder("RATE"), real(above(0.0), below(1.0)), usual("0.25"), unset("no")
        }
        /// Also write the metrics to an event file for TensorBoard.
        tensorboard: bool = false, {}
        /// Changes of the number of epochs during the run.
        replanned: Vec<Replan> = Vec::new(), { recorded() }
    }
}

/// Only runs write this value; it has no text form.
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

/// A change of the number of epochs, from an update on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replan {
    /// Updates done at the change.
    pub update: u64,
    /// Epochs of the whole run, including those already done.
    pub epochs: usize,
}

impl fmt::Display for Replan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} epochs from update {} on", self.epochs, self.update)
    }
}

/// Which parameters become the model of a run; as text `last` or `best:METRIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Keep {
    /// The last parameters.
    Last,
    /// The parameters of the recorded epoch with the best value of this metric.
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
    /// Checks every setting, for a run with these settings of training and these data.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for the first setting that is out of its range or cannot be met.
    pub fn validate(
        &self,
        train: &TrainConfig,
        training: &Examples,
        held_out: Option<&Examples>,
    ) -> Result<()> {
        self.check_ranges()?;
        let has_labels = held_out
            .is_some_and(|examples| examples.labels().is_some() && examples.n_labelled() > 0);
        // What [`Probe`](crate::monitor::Probe) and the evaluations leave out.
        let has_density = train.objective.needs_chains();
        let lack =
            training.missing().or(held_out.and_then(|examples| examples.missing())).is_some();
        let is_absent = train.missing == Some(Missing::Absent);
        let is_scored = !lack || is_absent;
        if let Some(rate) = self.ladder {
            check("ladder", rate, has_density && !(lack && is_absent), || {
                "left out where there is no ln p(v): with the objective discriminative, or missing = absent".into()
            })?;
        }
        let has_numbers = training.columns().and_then(numbers).is_some();
        for (setting, metric) in self.judges() {
            let (is_measured, remedy) = match metric {
                Metric::LogLikelihood | Metric::LogLikelihoodOnline | Metric::FreeEnergyGap
                    if lack && is_absent =>
                {
                    (false, OF_ABSENT)
                }
                Metric::ErrorTest | Metric::LogLossTest if !has_labels => {
                    (false, "labels and held-out data, such as validation")
                }
                Metric::ErrorTest | Metric::LogLossTest => (is_scored, "data that lack no values"),
                _ if !has_density => (false, "an objective with ln p(v)"),
                Metric::LogLikelihood if self.evaluate_every == 0 => {
                    (false, "evaluate_every above 0")
                }
                Metric::LogLikelihood => (true, ""),
                Metric::LogLikelihoodOnline if self.online_log_z.is_none() => {
                    (false, "online_log_z")
                }
                Metric::LogLikelihoodOnline if held_out.is_none() => {
                    (false, "held-out data, such as validation")
                }
                Metric::LogLikelihoodOnline => (!lack, "data that lack no values"),
                Metric::LogLossValuesTest | Metric::RmseTest if !(lack && is_absent) => {
                    (false, "missing = absent, with data that lack values")
                }
                Metric::RmseTest if !has_numbers => {
                    (false, "columns of numbers, of which one has three values or more")
                }
                Metric::PseudoLikelihoodTest
                | Metric::ReconstructionErrorTest
                | Metric::LogLossValuesTest
                | Metric::RmseTest
                | Metric::FreeEnergyGap
                    if held_out.is_none() =>
                {
                    (false, "held-out data, such as validation")
                }
                Metric::FreeEnergyGap => (!lack, "data that lack no values"),
                Metric::LogLossValuesTest | Metric::RmseTest => (true, ""),
                Metric::PseudoLikelihood
                | Metric::PseudoLikelihoodTest
                | Metric::ReconstructionError
                | Metric::ReconstructionErrorTest => (is_scored, "data that lack no values"),
            };
            check(setting, metric, is_measured, || format!("another metric, or have {remedy}"))?;
        }
        Ok(())
    }

    /// The settings that judge the model by a metric, with their metrics.
    fn judges(&self) -> impl Iterator<Item = (&'static str, Metric)> {
        let kept = match self.keep {
            Keep::Last => None,
            Keep::Best(metric) => Some(("keep", metric)),
        };
        kept.into_iter().chain(self.early_stop.map(|metric| ("early_stop", metric)))
    }

    /// Refuses metrics by which no new run can be judged: those of training examples where others are held out, which a
    /// model that learns by heart does best, and evaluations of examples whose values are absent, and the free-energy
    /// gap, which an untrained one does. Returns a note if only training examples can judge. Runs of earlier versions
    /// go on as they began.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`].
    pub fn check_judges(&self, has_held_out: bool, are_absent: bool) -> Result<Option<String>> {
        check(
            "evaluate_every",
            self.evaluate_every,
            self.evaluate_every == 0 || !are_absent,
            || {
                "left out with missing = absent, where each example has a log Z of its own; with held-out data, such as \
             validation, every record has log_loss_values_test"
                .to_string()
            },
        )?;
        let mut note = None;
        for (setting, metric) in self.judges() {
            let told = |metric: Metric| match setting {
                "keep" => format!("best:{metric}"),
                _ => metric.to_string(),
            };
            let is_gap = metric == Metric::FreeEnergyGap;
            check(setting, told(metric), !is_gap, || {
                let [likelihood, pseudo] =
                    [Metric::LogLikelihood, Metric::PseudoLikelihoodTest].map(told);
                format!(
                    "{likelihood} (with evaluate_every) or {pseudo}: the gap is smallest before anything is learned"
                )
            })?;
            let Some(better) = metric.held_out() else { continue };
            check(setting, told(metric), !has_held_out, || {
                format!(
                    "{}: {metric} is measured on training examples, and others are held out",
                    told(better)
                )
            })?;
            note = Some(format!(
                "{setting} judges by {metric} of training examples, which also improves where the model learns them by \
                 heart; with held-out data, such as validation, {better} is known"
            ));
        }
        Ok(note)
    }
}

/// How one command works on a run. None of this is a setting of the run.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// The number of threads, at least 1; by default one for each core of the computer.
    pub threads: Option<usize>,
    /// The instruction set; the result does not depend on it.
    pub isa: Isa,
    /// The folder of a new run; by default one in `runs/`, named after data, sizes and time.
    pub out: Option<PathBuf>,
    /// When to stop, counted from the start of the session; by default at the end of the run.
    pub stop_after: Option<Interval>,
    /// The time that a new run may take. The speed of the first seconds then fixes `updates`.
    pub time_budget: Option<Duration>,
    /// The command line, for the settings file.
    pub command: Option<String>,
    /// The request to stop from outside.
    pub interrupt: Interrupt,
    /// The ranks that work on the run. This one leads; the others [`follow`](super::follow).
    pub ranks: Ranks,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// All updates are done.
    Done,
    /// The watched metric did not improve: the run is over.
    StoppedEarly,
    /// The session reached its `stop_after`.
    Stopped,
    /// This signal, or a request like it, stopped the session.
    Interrupted(i32),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Learning by heart improves the training rows for ever, and no learning has the smallest gap.
    #[test]
    fn what_training_rows_or_the_gap_say_judges_no_run_with_held_out_examples() {
        let checked = |keep: &str, early_stop: Option<Metric>, has_held_out| {
            let keep = keep.parse().unwrap();
            let config = RunConfig { keep, early_stop, ..RunConfig::default() };
            config.check_judges(has_held_out, false).map_err(|error| error.to_string())
        };
        assert_eq!(checked("last", None, true), Ok(None));
        assert_eq!(checked("best:pseudo_likelihood_test", None, true), Ok(None));
        assert_eq!(checked("last", Some(Metric::ReconstructionErrorTest), true), Ok(None));
        let rule = "pseudo_likelihood_test: pseudo_likelihood is measured on training examples, and others are held out";
        let error = checked("last", Some(Metric::PseudoLikelihood), true).unwrap_err();
        assert_eq!(error, format!("early_stop is pseudo_likelihood, but must be {rule}"));
        let error = checked("best:pseudo_likelihood", None, true).unwrap_err();
        assert_eq!(error, format!("keep is best:pseudo_likelihood, but must be best:{rule}"));
        let note = checked("last", Some(Metric::PseudoLikelihood), false).unwrap().unwrap();
        assert!(note.starts_with("early_stop judges by pseudo_likelihood of training examples"));
        let evaluated = RunConfig { evaluate_every: 5, ..RunConfig::default() };
        assert!(evaluated.check_judges(true, false).unwrap().is_none());
        let error = evaluated.check_judges(true, true).unwrap_err().to_string();
        assert!(
            error.starts_with("evaluate_every is 5, but must be left out with missing"),
            "{error}"
        );
        for has_held_out in [false, true] {
            let error = checked("best:free_energy_gap", None, has_held_out).unwrap_err();
            assert!(error.ends_with("the gap is smallest before anything is learned"), "{error}");
        }
    }
}
