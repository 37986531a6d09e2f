//! The flags of a run's settings, a section each: those that were given go over a settings file, a
//! preset or the defaults.

use super::parse_image_shape;
use crate::dataset::{Binarization, Source};
use crate::error::Result;
use crate::evaluate::Method;
use crate::monitor::Metric;
use crate::run::{Interval, Keep, RunConfig};
use crate::setting::{check, fields};
use crate::train::{Algorithm, Averaging, ChainStart, Schedule, TrainConfig, UpdateRule};
use clap::builder::{StringValueParser, TypedValueParser as _};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::LazyLock;

/// The defaults that `--help` shows.
static DEFAULT: LazyLock<TrainConfig> = LazyLock::new(TrainConfig::default);
static RUN_DEFAULT: LazyLock<RunConfig> = LazyLock::new(RunConfig::default);

/// A flag for each field of [`DataConfig`] but the fingerprints, which settings files have.
#[derive(Debug, Args, Serialize)]
pub struct DataFlags {
    /// Training data: `mnist`, an IDX or .npy file (plain or gzipped), `bars-and-stripes:SIDE` or
    /// `shifter` [default: mnist]
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<Source>,
    /// The integers of the data are grey levels from 0 to this maximum, such as 16, 100 or 255
    /// [default: as the files say, or 255 where the largest is from 128 to 255; other integers than 0
    /// and 1 are refused]
    #[arg(long, value_name = "N")]
    grey_levels: Option<u32>,
    /// The data are spins: -1 and 1 stand for 0 and 1, in samples too
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = false,
        hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    spins: bool,
    /// Turn every intensity x to 1 − x
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = false,
        hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    invert: bool,
    /// Use only the first so many training examples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Set the last so many training examples aside, to choose by
    #[arg(long, default_value_t = 0, value_name = "N")]
    validation: usize,
    /// Data to report on, unless --validation sets some aside [default: the test images if --data
    /// is mnist]
    #[arg(long, value_name = "mnist|PATH")]
    test_data: Option<Source>,
    /// Rows and columns of the images, if the data do not say
    #[arg(long, value_parser = parse_image_shape, value_name = "28x28")]
    image_shape: Option<(usize, usize)>,
    /// Start from the parameters of this model
    #[arg(long, value_name = "MODEL", value_parser = StringValueParser::new().map(PathBuf::from))]
    init: Option<PathBuf>,
}

/// A flag for each field of [`RunConfig`] but the history of its plans.
#[derive(Debug, Args, Serialize)]
pub struct RunFlags {
    /// Evaluate the log-likelihood of held-out data (or of the training data, if there are none)
    /// after every so many epochs, and at the end [default: never]
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "EPOCHS")]
    evaluate_every: usize,
    /// How log Z is found for that: `auto`, `exact` or, with a small budget, `ais`
    #[arg(long, default_value_t = RUN_DEFAULT.evaluate)]
    evaluate: Method,
    /// Which parameters become the model: the `last`, or those of the `best:METRIC`, which is
    /// log_likelihood, pseudo_likelihood, free_energy_gap or reconstruction_error
    #[arg(long, default_value_t = RUN_DEFAULT.keep)]
    keep: Keep,
    /// Stop when this metric has not become better for --patience measurements [default: never]
    #[arg(long, value_name = "METRIC")]
    early_stop: Option<Metric>,
    /// See --early-stop
    #[arg(long, default_value_t = RUN_DEFAULT.patience, value_name = "N")]
    patience: usize,
    /// Time, epochs or updates from one checkpoint to the next: 30s, 5m, 2epochs, 500updates
    #[arg(long, default_value_t = RUN_DEFAULT.checkpoint_every, value_name = "INTERVAL")]
    checkpoint_every: Interval,
    /// How many of the last checkpoints are kept
    #[arg(long, default_value_t = RUN_DEFAULT.keep_checkpoints, value_name = "N")]
    keep_checkpoints: usize,
    /// Also write, and keep, checkpoints after updates 1, 2, 4, 5, 8, 11, 16, … (powers of √2)
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = false,
        hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    keep_series: bool,
    /// Also write the metrics to an event file for TensorBoard
    #[arg(long, num_args = 0..=1, default_missing_value = "true", default_value_t = false,
        hide_default_value = true, hide_possible_values = true, action = clap::ArgAction::Set)]
    tensorboard: bool,
}

/// A flag for each field of [`TrainConfig`].
#[derive(Debug, Args, Serialize)]
pub struct TrainFlags {
    /// Hidden units [default: as many as visible ones, but at least 16 and at most 500; of --init: as many
    /// as that model has]
    #[arg(long, value_name = "N")]
    hidden: Option<usize>,
    /// Passes over the training data [default: 20, or as many as make 5,000 updates]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Updates to train for, in place of --epochs
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    updates: Option<u64>,
    /// Examples of a mini-batch; where there are fewer, all of them
    #[arg(long, default_value_t = DEFAULT.batch_size)]
    batch_size: usize,
    /// Where samples of the model come from: `cd` (chains start at the data in every update), `pcd`
    /// (they go on), `pt` (they change places with others at higher temperatures) or `auto` (`pt` up to
    /// 20 visible units, else `pcd`)
    #[arg(long, default_value_t = DEFAULT.algorithm)]
    algorithm: Algorithm,
    /// Chains [default: the batch size, but at least 128; of `cd` always the batch size]
    #[arg(long)]
    chains: Option<usize>,
    /// Sweeps of each chain in an update: the k of CD-k and PCD-k
    #[arg(long, default_value_t = DEFAULT.gibbs_steps)]
    gibbs_steps: usize,
    /// Sweeps of the last updates, up or down to which the number goes step by step [default:
    /// --gibbs-steps]
    #[arg(long)]
    gibbs_steps_last: Option<usize>,
    /// Share of the chains that start anew at the mini-batch after each update
    #[arg(long, default_value_t = DEFAULT.chain_reset, allow_negative_numbers = true,
        value_parser = finite)]
    chain_reset: f64,
    /// Temperatures of `pt`, that of the model included
    #[arg(long, default_value_t = DEFAULT.temperatures)]
    temperatures: usize,
    /// Rate of swaps that the temperatures of `pt` adapt to
    #[arg(long, default_value_t = DEFAULT.swap_rate, allow_negative_numbers = true,
        value_parser = finite)]
    swap_rate: f64,
    /// Learning rate that the schedule begins with
    #[arg(long, default_value_t = DEFAULT.learning_rate, allow_negative_numbers = true,
        value_parser = finite)]
    learning_rate: f64,
    /// How the learning rate goes on: `constant`, `linear` or `cosine` to zero, or `inverse:B` (as
    /// B/(B + updates))
    #[arg(long, default_value_t = DEFAULT.schedule)]
    schedule: Schedule,
    /// Epochs over which the learning rate first rises
    #[arg(long, default_value_t = DEFAULT.warm_up, allow_negative_numbers = true,
        value_parser = finite)]
    warm_up: f64,
    /// Update rule: `sgd` or `adam`
    #[arg(long, default_value_t = DEFAULT.optimizer)]
    optimizer: UpdateRule,
    /// Share of the last step that is added to the next
    #[arg(long, default_value_t = DEFAULT.momentum, allow_negative_numbers = true,
        value_parser = finite)]
    momentum: f64,
    /// Decay of Adam's mean of the gradient
    #[arg(long, default_value_t = DEFAULT.adam_beta1, allow_negative_numbers = true,
        value_parser = finite)]
    adam_beta1: f64,
    /// Decay of Adam's mean of the squared gradient
    #[arg(long, default_value_t = DEFAULT.adam_beta2, allow_negative_numbers = true,
        value_parser = finite)]
    adam_beta2: f64,
    /// What Adam adds to the root of that
    #[arg(long, default_value_t = DEFAULT.adam_epsilon, allow_negative_numbers = true,
        value_parser = finite)]
    adam_epsilon: f64,
    /// Share of each weight that is taken off its gradient (L2)
    #[arg(long, default_value_t = DEFAULT.weight_decay, allow_negative_numbers = true,
        value_parser = finite)]
    weight_decay: f64,
    /// Centre the gradient: `true` or `false`
    #[arg(long, default_value_t = DEFAULT.centering, num_args = 0..=1,
        default_missing_value = "true", action = clap::ArgAction::Set)]
    centering: bool,
    /// Share of an update in the running means of the hidden units, for --centering and --sparsity-cost
    #[arg(long, default_value_t = DEFAULT.offset_rate, allow_negative_numbers = true,
        value_parser = finite)]
    offset_rate: f64,
    /// Mean activity that the hidden units are pushed to
    #[arg(long, default_value_t = DEFAULT.sparsity_target, allow_negative_numbers = true,
        value_parser = finite)]
    sparsity_target: f64,
    /// Strength of that push; 0: none
    #[arg(long, default_value_t = DEFAULT.sparsity_cost, allow_negative_numbers = true,
        value_parser = finite)]
    sparsity_cost: f64,
    /// Average of the parameters to end with: `none`, `exponential:EPOCHS` or `tail:SHARE` of the run
    #[arg(long, default_value_t = DEFAULT.averaging)]
    averaging: Averaging,
    /// How intensities become bits: `stochastic`, drawn anew at each visit, `threshold:T`, or `none`:
    /// they are taken as they are
    #[arg(long, default_value_t = DEFAULT.binarize)]
    binarize: Binarization,
    /// Take the examples of each epoch in an order of its own: `true`, or `false`
    #[arg(long, default_value_t = DEFAULT.shuffle, num_args = 0..=1,
        default_missing_value = "true", action = clap::ArgAction::Set)]
    shuffle: bool,
    /// Where the chains start: `data`, or `bias` (independent pixels)
    #[arg(long, default_value_t = DEFAULT.chain_start)]
    chain_start: ChainStart,
    /// Where every random number comes from
    #[arg(long, default_value_t = DEFAULT.seed)]
    seed: u64,
}

/// A number that a settings file can hold.
fn finite(text: &str) -> Result<f64, String> {
    let number = text.parse().map_err(|cause| format!("{cause}"))?;
    if f64::is_finite(number) { Ok(number) } else { Err("must be a finite number".to_string()) }
}

/// The settings of a section that were given as flags, by name.
#[derive(Clone, Debug)]
pub struct Given<S> {
    given: Map<String, Value>,
    section: PhantomData<S>,
}

impl<S> Given<S> {
    /// Whether this one was given.
    pub fn has(&self, setting: &str) -> bool {
        self.given.contains_key(setting)
    }

    /// Those that were given, by name.
    pub fn settings(&self) -> &Map<String, Value> {
        &self.given
    }

    /// `base` with the given settings in place of its own.
    pub fn over<T: Serialize + DeserializeOwned>(&self, base: &T) -> T {
        let mut settings = fields(base);
        settings.extend(self.given.clone());
        serde_json::from_value(settings.into()).expect("a flag has the type of its setting")
    }
}

impl Given<TrainFlags> {
    /// Refuses flags that would have no effect under these settings.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for the first.
    pub fn check_effect(&self, config: &TrainConfig) -> Result<()> {
        let (is_pt, is_adam) =
            (config.algorithm == Algorithm::Pt, config.optimizer == UpdateRule::Adam);
        let is_sparse = config.sparsity_cost > 0.0;
        for (setting, has_effect, partner) in [
            ("temperatures", is_pt, "--algorithm pt"),
            ("swap_rate", is_pt, "--algorithm pt"),
            ("adam_beta1", is_adam, "--optimizer adam"),
            ("adam_beta2", is_adam, "--optimizer adam"),
            ("adam_epsilon", is_adam, "--optimizer adam"),
            ("offset_rate", config.centering || is_sparse, "--centering or --sparsity-cost"),
            ("sparsity_target", is_sparse, "--sparsity-cost"),
        ] {
            if let Some(value) = self.given.get(setting) {
                check(setting, value, has_effect, || format!("left out without {partner}"))?;
            }
        }
        Ok(())
    }
}

impl<S: FromArgMatches + Serialize> FromArgMatches for Given<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut given = fields(&S::from_arg_matches(matches)?);
        given.retain(|name, _| matches.value_source(name) == Some(ValueSource::CommandLine));
        Ok(Self { given, section: PhantomData })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.given.extend(Self::from_arg_matches(matches)?.given);
        Ok(())
    }
}

impl<S: Args + Serialize> Args for Given<S> {
    fn augment_args(command: Command) -> Command {
        S::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        S::augment_args_for_update(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::DataConfig;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        data: Given<DataFlags>,
        #[command(flatten)]
        train: Given<TrainFlags>,
        #[command(flatten)]
        run: Given<RunFlags>,
    }

    fn line(line: &str) -> Line {
        Line::parse_from(format!("train {line}").split_whitespace())
    }

    fn given(text: &str) -> Given<TrainFlags> {
        line(text).train
    }

    #[test]
    fn only_what_was_given_goes_over_the_base() {
        let base = TrainConfig {
            hidden: Some(7),
            epochs: Some(9),
            centering: true,
            ..TrainConfig::default()
        };
        assert_eq!(given("").over(&base), base);
        let expected =
            TrainConfig { epochs: Some(20), chains: Some(5), centering: false, ..base.clone() };
        // 20 is the default, and given all the same.
        let found = given("--epochs 20 --chains 5 --centering false").over(&base);
        assert_eq!(found, expected);
        assert!(given("--centering").over(&TrainConfig::default()).centering);
        let line = line("--keep best:log_likelihood --data a.npy --image-shape 3x4 --invert");
        let run = line.run.over(&RunConfig { patience: 7, ..RunConfig::default() });
        let keep = Keep::Best(Metric::LogLikelihood);
        assert_eq!(run, RunConfig { patience: 7, keep, ..RunConfig::default() });
        let data = line.data.over(&DataConfig { validation: 9, ..DataConfig::default() });
        let expected = DataConfig {
            data: Source::Path("a.npy".into()),
            image_shape: Some((3, 4)),
            invert: true,
            validation: 9,
            ..DataConfig::default()
        };
        assert_eq!(data, expected);
    }

    #[test]
    fn every_setting_has_its_flag() {
        let flags = |command: Command| -> Vec<String> {
            command.get_arguments().map(|arg| arg.get_id().to_string()).collect()
        };
        let command = || Command::new("train");
        for (flags, fields, without) in [
            (flags(TrainFlags::augment_args(command())), fields(&TrainConfig::default()), 0),
            // Fingerprints of three files, and the plans.
            (flags(DataFlags::augment_args(command())), fields(&DataConfig::default()), 3),
            (flags(RunFlags::augment_args(command())), fields(&RunConfig::default()), 1),
        ] {
            assert!(flags.iter().all(|flag| fields.contains_key(flag)), "{flags:?} {fields:?}");
            assert_eq!(flags.len() + without, fields.len(), "{flags:?} {fields:?}");
        }
    }
}
