//! Settings that decide bits: every one of them, and no other.

use super::schedule::Schedule;
use crate::dataset::Binarization;
use crate::error::{Error, Result};
use crate::rng::MAX_SEED;
use serde::{Deserialize, Serialize};

/// The most examples of a mini-batch, and the most chains: their sums of 16-bit means fit an i32.
pub const MAX_ROWS: usize = 32_767;

/// The most epochs: with any data, their updates are counted in 64 bits.
const MAX_EPOCHS: usize = 1 << 40;

/// The most hidden units.
pub const MAX_HIDDEN: usize = 100_000;

/// Where persistent chains start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChainStart {
    /// At training examples: those that come first in the order of the first epoch.
    Data,
    /// At independent pixels drawn from the visible bias, v ~ σ(b).
    Bias,
}

impl std::str::FromStr for ChainStart {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "data" => Ok(Self::Data),
            "bias" => Ok(Self::Bias),
            _ => Err(Error::InvalidSetting {
                setting: "chain_start",
                value: text.to_string(),
                rule: "`data` or `bias`".to_string(),
            }),
        }
    }
}

impl std::fmt::Display for ChainStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Data => "data",
            Self::Bias => "bias",
        })
    }
}

/// The settings of a training run. Two runs with equal settings on equal data end in equal bits.
///
/// ```
/// use harmonium::TrainConfig;
/// let config = TrainConfig { hidden: 256, epochs: 5, ..TrainConfig::default() };
/// config.validate(60_000)?;
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Hidden units H, 1 to 100,000; usual: 16 to 2,000.
    pub hidden: usize,
    /// Passes over the training data, at least 1; usual: 10 to 500.
    pub epochs: usize,
    /// Examples of a mini-batch N, 1 to 32,767 and not more than there are; usual: 20 to 500.
    pub batch_size: usize,
    /// Persistent chains C, 1 to 32,767; none: as many as `batch_size`.
    pub chains: Option<usize>,
    /// Sweeps of every chain in an update (k of PCD-k), at least 1; usual: 1 to 25.
    pub gibbs_steps: usize,
    /// Step ε along the gradient in the first update, above 0; usual: 0.01 to 0.2.
    pub learning_rate: f64,
    /// How the learning rate goes on from there.
    pub schedule: Schedule,
    /// Share μ of the last step that is added to the next, at least 0 and below 1; usual: 0, or
    /// 0.5 to 0.9.
    pub momentum: f64,
    /// Share λ of each weight (not of the biases) that is taken off its gradient (L2), at least
    /// 0; usual: 0 to 0.001.
    pub weight_decay: f64,
    /// How intensities become bits. Data that are only 0 and 1 are taken as they are.
    pub binarize: Binarization,
    /// Where the chains start.
    pub chain_start: ChainStart,
    /// Where every random number comes from, 0 to 2^63 − 1.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            hidden: 500,
            epochs: 20,
            batch_size: 128,
            chains: None,
            gibbs_steps: 1,
            learning_rate: 0.1,
            schedule: Schedule::Linear,
            momentum: 0.0,
            weight_decay: 0.0,
            binarize: Binarization::Stochastic,
            chain_start: ChainStart::Data,
            seed: 0,
        }
    }
}

impl TrainConfig {
    /// C: the number of persistent chains.
    pub fn n_chains(&self) -> usize {
        self.chains.unwrap_or(self.batch_size)
    }

    /// Updates of an epoch over `n_examples`: the last may have fewer examples.
    pub fn updates_per_epoch(&self, n_examples: usize) -> u64 {
        n_examples.div_ceil(self.batch_size) as u64
    }

    /// Checks every setting, and the batch size against the number of training examples.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for the first that is out of its range.
    pub fn validate(&self, n_examples: usize) -> Result<()> {
        let rows = 1..=MAX_ROWS;
        let rows_rule = || format!("from 1 to {MAX_ROWS}");
        let (rate, momentum, decay) = (self.learning_rate, self.momentum, self.weight_decay);
        let (hidden, epochs) = (1..=MAX_HIDDEN, 1..=MAX_EPOCHS);
        check("hidden", self.hidden, hidden.contains(&self.hidden), || {
            format!("at least 1 and at most {MAX_HIDDEN}")
        })?;
        check("epochs", self.epochs, epochs.contains(&self.epochs), || {
            format!("at least 1 and at most {MAX_EPOCHS}")
        })?;
        check("batch_size", self.batch_size, rows.contains(&self.batch_size), rows_rule)?;
        check("batch_size", self.batch_size, self.batch_size <= n_examples, || {
            format!("at most the number of training examples, {n_examples}")
        })?;
        check("chains", self.n_chains(), rows.contains(&self.n_chains()), rows_rule)?;
        check("gibbs_steps", self.gibbs_steps, self.gibbs_steps >= 1, || "at least 1".into())?;
        check("learning_rate", rate, rate > 0.0 && rate <= 1e6, || {
            "above 0 and at most 1000000".into()
        })?;
        check("momentum", momentum, (0.0..1.0).contains(&momentum), || {
            "at least 0 and below 1".into()
        })?;
        check("weight_decay", decay, (0.0..=1e6).contains(&decay), || {
            "at least 0 and at most 1000000".into()
        })?;
        self.binarize.validate()?;
        check("seed", self.seed, self.seed <= MAX_SEED, || format!("at most {MAX_SEED}"))
    }
}

fn check(
    setting: &'static str,
    value: impl ToString,
    is_valid: bool,
    rule: impl FnOnce() -> String,
) -> Result<()> {
    if is_valid {
        return Ok(());
    }
    Err(Error::InvalidSetting { setting, value: value.to_string(), rule: rule() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_on_mnist() {
        TrainConfig::default().validate(60_000).unwrap();
    }

    #[test]
    fn each_setting_out_of_range_is_named() {
        let default = TrainConfig::default;
        for (config, message) in [
            (TrainConfig { hidden: 0, ..default() }, "hidden is 0, but must be at least 1"),
            (TrainConfig { epochs: 0, ..default() }, "epochs is 0, but must be at least 1"),
            (TrainConfig { batch_size: 0, ..default() }, "batch_size is 0, but must be from 1 to"),
            (
                TrainConfig { batch_size: 32_768, ..default() },
                "batch_size is 32768, but must be from 1 to 32767",
            ),
            (
                TrainConfig { batch_size: 1001, ..default() },
                "batch_size is 1001, but must be at most the number of training examples, 1000",
            ),
            (TrainConfig { chains: Some(0), ..default() }, "chains is 0, but must be from 1"),
            (TrainConfig { gibbs_steps: 0, ..default() }, "gibbs_steps is 0, but must"),
            (
                TrainConfig { learning_rate: -1.0, ..default() },
                "learning_rate is -1, but must be above 0",
            ),
            (TrainConfig { learning_rate: f64::NAN, ..default() }, "learning_rate is NaN, but"),
            (TrainConfig { learning_rate: f64::INFINITY, ..default() }, "learning_rate is inf"),
            (TrainConfig { momentum: 1.0, ..default() }, "momentum is 1, but must be at least 0"),
            (TrainConfig { weight_decay: -0.1, ..default() }, "weight_decay is -0.1, but must"),
            (TrainConfig { seed: u64::MAX, ..default() }, "seed is 18446744073709551615, but"),
        ] {
            let error = config.validate(1000).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}\ndoes not start with: {message}");
        }
    }
}
