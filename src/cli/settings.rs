//! The flags of [`TrainConfig`]: those that were given, which go over a preset or the defaults.

use crate::dataset::Binarization;
use crate::setting::check;
use crate::train::{Algorithm, Averaging, ChainStart, Schedule, TrainConfig, UpdateRule};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use serde::Serialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// The defaults that `--help` shows.
static DEFAULT: LazyLock<TrainConfig> = LazyLock::new(TrainConfig::default);

/// A flag for each field of [`TrainConfig`].
#[derive(Debug, Args, Serialize)]
struct Settings {
    /// Hidden units (of --init: as many as that model has)
    #[arg(long, default_value_t = DEFAULT.hidden)]
    hidden: usize,
    /// Passes over the training data
    #[arg(long, default_value_t = DEFAULT.epochs)]
    epochs: usize,
    /// Examples of a mini-batch
    #[arg(long, default_value_t = DEFAULT.batch_size)]
    batch_size: usize,
    /// Where samples of the model come from: `cd` (chains start at the data in every update), `pcd`
    /// (they go on) or `pt` (they change places with others at higher temperatures)
    #[arg(long, default_value_t = DEFAULT.algorithm)]
    algorithm: Algorithm,
    /// Chains [default: the batch size]
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
    /// How intensities become bits: `stochastic`, drawn anew at each visit, or `threshold:T`
    #[arg(long, default_value_t = DEFAULT.binarize)]
    binarize: Binarization,
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

/// The settings that were given as flags, by name.
#[derive(Clone, Debug)]
pub struct Given(Map<String, Value>);

impl Given {
    /// Whether this one was given.
    pub fn has(&self, setting: &str) -> bool {
        self.0.contains_key(setting)
    }

    /// `base` with the given settings in place of its own.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for one that would have no effect.
    pub fn over(self, base: &TrainConfig) -> crate::error::Result<TrainConfig> {
        let Ok(Value::Object(mut settings)) = serde_json::to_value(base) else {
            unreachable!("settings are a plain struct")
        };
        settings.extend(self.0.clone());
        let config: TrainConfig =
            serde_json::from_value(settings.into()).expect("a flag has the type of its setting");

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
            if let Some(value) = self.0.get(setting) {
                check(setting, value, has_effect, || format!("left out without {partner}"))?;
            }
        }
        Ok(config)
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let settings = serde_json::to_value(Settings::from_arg_matches(matches)?);
        let Ok(Value::Object(mut settings)) = settings else {
            unreachable!("settings are a plain struct")
        };
        settings.retain(|name, _| matches.value_source(name) == Some(ValueSource::CommandLine));
        Ok(Self(settings))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.extend(Self::from_arg_matches(matches)?.0);
        Ok(())
    }
}

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        Settings::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Settings::augment_args_for_update(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        given: Given,
    }

    fn given(line: &str) -> Given {
        Line::parse_from(format!("train {line}").split_whitespace()).given
    }

    #[test]
    fn only_what_was_given_goes_over_the_base() {
        let base = TrainConfig { hidden: 7, epochs: 9, centering: true, ..TrainConfig::default() };
        assert_eq!(given("").over(&base).unwrap(), base);
        let expected =
            TrainConfig { epochs: 20, chains: Some(5), centering: false, ..base.clone() };
        // 20 is the default, and given all the same.
        let found = given("--epochs 20 --chains 5 --centering false").over(&base);
        assert_eq!(found.unwrap(), expected);
        assert!(given("--centering").over(&TrainConfig::default()).unwrap().centering);
    }

    #[test]
    fn every_setting_has_its_flag() {
        let Ok(Value::Object(fields)) = serde_json::to_value(TrainConfig::default()) else {
            panic!()
        };
        let command = Settings::augment_args(Command::new("train"));
        let flags: Vec<_> = command.get_arguments().map(|arg| arg.get_id().to_string()).collect();
        for name in fields.keys() {
            assert!(flags.contains(name), "{name} has no flag");
        }
        assert_eq!(flags.len(), fields.len(), "{flags:?}");
    }
}
