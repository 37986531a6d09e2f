//! Settings that decide bits: every one of them, and no other.

use super::averaging::Averaging;
use super::schedule::Schedule;
use crate::dataset::Binarization;
use crate::error::Result;
use crate::rng::MAX_SEED;
use crate::setting::{by_name, check};
use serde::{Deserialize, Serialize};

/// The most examples of a mini-batch, and the most chains: their sums of 16-bit means fit an i32.
pub const MAX_ROWS: usize = 32_767;

/// The most epochs: with any data, their updates are counted in 64 bits.
const MAX_EPOCHS: usize = 1 << 40;

/// The most updates: as many as a settings file can say.
const MAX_UPDATES: u64 = i64::MAX as u64;

/// The most sweeps of an update.
const MAX_SWEEPS: usize = 1_000_000;

/// The most inverse temperatures.
const MAX_TEMPERATURES: usize = 1000;

/// The most rows times units of a layer with centering: the sums of 64 bits then hold.
const MAX_SUM: usize = 1 << 30;

/// The most visible units of a machine that [`Algorithm::Auto`] trains by parallel tempering.
pub const TEMPERED_BY_ITSELF: usize = 20;

/// The hidden units of a run that does not say how many: as many as visible ones within these bounds. With
/// far more than there are visible ones, each of them learns the same, and all together too fast.
const USUAL_HIDDEN: (usize, usize) = (16, 500);

/// The epochs of a run that does not say how many, and the updates that they make at least.
const USUAL_EPOCHS: usize = 20;
const LEAST_UPDATES: u64 = 5000;

/// The chains of a run that does not say how many, at least: fewer make the negative phase noisy.
const LEAST_CHAINS: usize = 128;

/// The most hidden units.
pub const MAX_HIDDEN: usize = 100_000;

/// Where the samples of the model come from that make the negative phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Algorithm {
    /// [`Pt`](Self::Pt) up to [`TEMPERED_BY_ITSELF`] visible units, where it costs next to nothing and data
    /// often have modes far apart, else [`Pcd`](Self::Pcd).
    Auto,
    /// Contrastive divergence, CD-k: chains that start anew at the mini-batch in every update
    /// (Hinton, 2002, Training products of experts by minimizing contrastive divergence).
    Cd,
    /// Persistent contrastive divergence, PCD-k: chains that go on from update to update (Tieleman,
    /// 2008, Training restricted Boltzmann machines using approximations to the likelihood
    /// gradient).
    Pcd,
    /// PCD-k with parallel tempering: every chain has replicas at other inverse temperatures, which
    /// it changes places with (Desjardins, Courville, Bengio, Vincent and Delalleau, 2010, Parallel
    /// tempering for training of restricted Boltzmann machines).
    Pt,
}

by_name!(Algorithm, "algorithm", { Auto = "auto", Cd = "cd", Pcd = "pcd", Pt = "pt" });

/// Where persistent chains start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum ChainStart {
    /// At training examples: those that come first in the order of the first epoch.
    Data,
    /// At independent pixels drawn from the visible bias, v ~ σ(b).
    Bias,
}

by_name!(ChainStart, "chain_start", { Data = "data", Bias = "bias" });

/// How the parameters move along the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum UpdateRule {
    /// A step along the gradient, with [`TrainConfig::momentum`] if that is above 0.
    Sgd,
    /// Steps scaled by the gradient's running moments (Kingma and Ba, 2015, Adam: a method for
    /// stochastic optimization).
    Adam,
}

by_name!(UpdateRule, "optimizer", { Sgd = "sgd", Adam = "adam" });

/// The settings of a training run. Two runs with equal settings on equal data end in equal bits.
///
/// ```
/// use harmonium::TrainConfig;
/// let config = TrainConfig { hidden: Some(256), epochs: Some(5), ..TrainConfig::default() };
/// config.validate()?;
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainConfig {
    /// Hidden units H, 1 to 100,000; usual: 16 to 2,000; none: as many as visible ones, but at least 16
    /// and at most 500.
    pub hidden: Option<usize>,
    /// Passes over the training data, at least 1; usual: 10 to 500; none: 20, or as many as make 5,000
    /// updates.
    pub epochs: Option<usize>,
    /// Updates of the run in place of `epochs`, at least 1; none: those of the epochs.
    pub updates: Option<u64>,
    /// Examples of a mini-batch N, 1 to 32,767; usual: 20 to 500; where there are fewer, all of them.
    pub batch_size: usize,
    /// Where the samples of the model come from.
    pub algorithm: Algorithm,
    /// Chains C, 1 to 32,767; none: as many as `batch_size`, but at least 128. CD always has as many as a
    /// mini-batch has examples.
    pub chains: Option<usize>,
    /// Sweeps of every chain in an update (k of PCD-k), at least 1; usual: 1 to 25.
    pub gibbs_steps: usize,
    /// Sweeps of the last updates, to which the number goes step by step, at least 1; none:
    /// `gibbs_steps` throughout.
    pub gibbs_steps_last: Option<usize>,
    /// Share of the chains that start anew at examples of the mini-batch after each update, 0 to 1;
    /// usual: 0, or 0.001 to 0.05.
    pub chain_reset: f64,
    /// Inverse temperatures of parallel tempering, that of the model included, 2 to 1,000; usual:
    /// 5 to 50.
    pub temperatures: usize,
    /// Rate at which neighbouring temperatures are to change places, above 0 and below 1: the
    /// distances between them adapt to it; usual: 0.2 to 0.6.
    pub swap_rate: f64,
    /// Step ε along the gradient in the first update, above 0; usual: 0.01 to 0.2.
    pub learning_rate: f64,
    /// How the learning rate goes on from there.
    pub schedule: Schedule,
    /// Epochs over which the learning rate rises evenly to that of the schedule, at least 0; usual:
    /// 0 to 5.
    pub warm_up: f64,
    /// The update rule.
    pub optimizer: UpdateRule,
    /// Share μ of the last step that is added to the next, at least 0 and below 1; usual: 0, or
    /// 0.5 to 0.9. SGD only.
    pub momentum: f64,
    /// Decay β₁ of Adam's mean of the gradient, at least 0 and below 1; usual: 0.9.
    pub adam_beta1: f64,
    /// Decay β₂ of Adam's mean of the squared gradient, at least 0 and below 1; usual: 0.999.
    pub adam_beta2: f64,
    /// What is added to the root of that, ε of Adam, at least 1e-30; usual: 1e-8.
    pub adam_epsilon: f64,
    /// Share λ of each weight (not of the biases) that is taken off its gradient (L2), at least
    /// 0; usual: 0 to 0.001.
    pub weight_decay: f64,
    /// Whether the gradient is centred; its offsets are the mean of the data and the running mean
    /// of p(h | v).
    pub centering: bool,
    /// Share ν of an update in the running mean of p(h | v), above 0 and at most 1; usual: 0.01 to
    /// 0.1.
    pub offset_rate: f64,
    /// Mean activity p that the hidden units are pushed to, above 0 and below 1; usual: 0.01 to 0.1.
    pub sparsity_target: f64,
    /// Strength of that push: so many times p − q is added to the gradient of a unit's input, q
    /// being its running mean (Hinton, 2012, A practical guide to training restricted Boltzmann
    /// machines, section 11), 0 (none) or more; usual: 0, or 0.001 to 0.1.
    pub sparsity_cost: f64,
    /// The average of the parameters that the run ends with.
    pub averaging: Averaging,
    /// How intensities become bits, if they do. Data that are only 0 and 1 are taken as they are.
    pub binarize: Binarization,
    /// Whether each epoch takes the examples in an order of its own, else in that of the data.
    pub shuffle: bool,
    /// Where the chains start.
    pub chain_start: ChainStart,
    /// Where every random number comes from, 0 to 2^63 − 1.
    pub seed: u64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            hidden: None,
            epochs: None,
            updates: None,
            batch_size: 96,
            algorithm: Algorithm::Auto,
            chains: None,
            gibbs_steps: 1,
            gibbs_steps_last: None,
            chain_reset: 0.0,
            temperatures: 10,
            swap_rate: 0.4,
            learning_rate: 0.2,
            schedule: Schedule::Cosine,
            warm_up: 0.0,
            optimizer: UpdateRule::Sgd,
            momentum: 0.0,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_epsilon: 1e-8,
            weight_decay: 0.0,
            centering: true,
            offset_rate: 0.01,
            sparsity_target: 0.1,
            sparsity_cost: 0.0,
            averaging: Averaging::Tail(0.1),
            binarize: Binarization::Stochastic,
            shuffle: true,
            chain_start: ChainStart::Data,
            seed: 0,
        }
    }
}

impl TrainConfig {
    /// Plain PCD-1, as other programs have it and benchmarks measure it: 500 hidden units, batches of 128
    /// and as many chains, a constant rate of 0.1, not centred, no average.
    pub fn plain() -> Self {
        Self {
            hidden: Some(500),
            batch_size: 128,
            algorithm: Algorithm::Pcd,
            learning_rate: 0.1,
            schedule: Schedule::Constant,
            centering: false,
            averaging: Averaging::None,
            ..Self::default()
        }
    }

    /// These settings for so many examples of V units: what they leave to the data becomes a number, and a
    /// mini-batch has at most all examples. The chains stay as many as without that.
    pub fn for_data(&self, n_examples: usize, n_visible: usize) -> Self {
        let is_cd = self.algorithm == Algorithm::Cd;
        let epochs = self.updates.is_none().then(|| self.usual_epochs(n_examples));
        Self {
            hidden: self.hidden.or(Some(n_visible.clamp(USUAL_HIDDEN.0, USUAL_HIDDEN.1))),
            epochs: self.epochs.or(epochs),
            batch_size: self.batch_size.min(n_examples),
            algorithm: match self.algorithm {
                Algorithm::Auto if n_visible <= TEMPERED_BY_ITSELF => Algorithm::Pt,
                Algorithm::Auto => Algorithm::Pcd,
                named => named,
            },
            chains: match is_cd {
                // It has as many as the mini-batch, which may be smaller now.
                true => self.chains.filter(|n| *n != self.batch_size),
                false => Some(self.n_chains()),
            },
            ..self.clone()
        }
    }

    /// H.
    ///
    /// # Panics
    /// If the settings [leave it to the data](Self::for_data).
    pub fn n_hidden(&self) -> usize {
        self.hidden.expect("settings for the data")
    }

    /// C: the number of chains; with CD, of a full mini-batch.
    pub fn n_chains(&self) -> usize {
        match self.algorithm {
            Algorithm::Cd => self.chains.unwrap_or(self.batch_size),
            Algorithm::Auto | Algorithm::Pcd | Algorithm::Pt => {
                self.chains.unwrap_or(self.batch_size.max(LEAST_CHAINS))
            }
        }
    }

    /// Updates of an epoch over `n_examples`: the last may have fewer examples.
    pub fn updates_per_epoch(&self, n_examples: usize) -> u64 {
        n_examples.div_ceil(self.batch_size.max(1)) as u64
    }

    /// Epochs that are enough, if nobody says how many.
    fn usual_epochs(&self, n_examples: usize) -> usize {
        let per_epoch = self.updates_per_epoch(n_examples).max(1);
        (LEAST_UPDATES.div_ceil(per_epoch) as usize).max(USUAL_EPOCHS)
    }

    /// Updates of the whole run over `n_examples`.
    pub fn total_updates(&self, n_examples: usize) -> u64 {
        let epochs = self.epochs.unwrap_or_else(|| self.usual_epochs(n_examples)) as u64;
        self.updates.unwrap_or(self.updates_per_epoch(n_examples).saturating_mul(epochs))
    }

    /// Epochs of the whole run over `n_examples`; the last may be cut short.
    pub fn n_epochs(&self, n_examples: usize) -> u64 {
        self.total_updates(n_examples).div_ceil(self.updates_per_epoch(n_examples))
    }

    /// Checks that with centering the sums over so many examples, or over the chains, hold.
    pub(super) fn check_rows(&self, n_rows: usize, n_visible: usize) -> Result<()> {
        let n_units = n_visible.max(self.n_hidden());
        let most = MAX_SUM / n_units;
        let n_rows = n_rows.max(self.n_chains());
        check("batch_size or chains", n_rows, !self.centering || n_rows <= most, || {
            format!("at most {most} with centering and a layer of {n_units} units")
        })
    }

    /// Checks every setting; what they leave to the data is checked [for the data](Self::for_data).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for the first that is out of its
    /// range.
    pub fn validate(&self) -> Result<()> {
        let batch_size = self.batch_size;
        count("hidden", self.hidden.unwrap_or(1), 1, MAX_HIDDEN)?;
        count("epochs", self.epochs.unwrap_or(1), 1, MAX_EPOCHS)?;
        let updates = self.updates.unwrap_or(1);
        check("updates", updates, (1..=MAX_UPDATES).contains(&updates), || {
            format!("at least 1 and at most {MAX_UPDATES}")
        })?;
        count("batch_size", batch_size, 1, MAX_ROWS)?;
        count("chains", self.n_chains(), 1, MAX_ROWS)?;
        count("gibbs_steps", self.gibbs_steps, 1, MAX_SWEEPS)?;
        count("gibbs_steps_last", self.gibbs_steps_last.unwrap_or(1), 1, MAX_SWEEPS)?;
        count("temperatures", self.temperatures, 2, MAX_TEMPERATURES)?;
        let is_cd = self.algorithm == Algorithm::Cd;
        check("chains", self.n_chains(), !is_cd || self.n_chains() == batch_size, || {
            format!("left out with `cd`, which has a chain for each of the {batch_size} examples")
        })?;
        check("chain_reset", self.chain_reset, !is_cd || self.chain_reset == 0.0, || {
            "0 with `cd`, whose chains all start anew".to_string()
        })?;
        let is_adam = self.optimizer == UpdateRule::Adam;
        check("momentum", self.momentum, !is_adam || self.momentum == 0.0, || {
            "0 with `adam`, which has adam_beta1 in its place".to_string()
        })?;

        let real = |setting, value: f64, is_valid: bool, rule: &str| {
            check(setting, value, is_valid, || rule.to_string())
        };
        let (at_least_0, above_0) = (0.0..=1e6, |x: f64| x > 0.0 && x <= 1e6);
        let open = |x: f64| x > 0.0 && x < 1.0;
        // As f32, which they become.
        let is_decay = |x: f64| x >= 0.0 && (x as f32) < 1.0;
        let (of_open, of_decay) = ("above 0 and below 1", "at least 0 and below 1");
        let (of_above_0, of_at_least_0) =
            ("above 0 and at most 1000000", "at least 0 and at most 1000000");
        let of_epsilon = "at least 1e-30 and at most 1000000";
        for (setting, value, is_valid, rule) in [
            ("learning_rate", self.learning_rate, above_0(self.learning_rate), of_above_0),
            ("warm_up", self.warm_up, at_least_0.contains(&self.warm_up), of_at_least_0),
            ("momentum", self.momentum, is_decay(self.momentum), of_decay),
            ("adam_beta1", self.adam_beta1, is_decay(self.adam_beta1), of_decay),
            ("adam_beta2", self.adam_beta2, is_decay(self.adam_beta2), of_decay),
            (
                "adam_epsilon",
                self.adam_epsilon,
                (1e-30..=1e6).contains(&self.adam_epsilon),
                of_epsilon,
            ),
            (
                "weight_decay",
                self.weight_decay,
                at_least_0.contains(&self.weight_decay),
                of_at_least_0,
            ),
            (
                "chain_reset",
                self.chain_reset,
                (0.0..=1.0).contains(&self.chain_reset),
                "at least 0 and at most 1",
            ),
            ("swap_rate", self.swap_rate, open(self.swap_rate), of_open),
            (
                "offset_rate",
                self.offset_rate,
                self.offset_rate > 0.0 && self.offset_rate <= 1.0,
                "above 0 and at most 1",
            ),
            ("sparsity_target", self.sparsity_target, open(self.sparsity_target), of_open),
            (
                "sparsity_cost",
                self.sparsity_cost,
                at_least_0.contains(&self.sparsity_cost),
                of_at_least_0,
            ),
        ] {
            real(setting, value, is_valid, rule)?;
        }
        self.schedule.validate()?;
        self.averaging.validate()?;
        self.binarize.validate()?;
        check("seed", self.seed, self.seed <= MAX_SEED, || format!("at most {MAX_SEED}"))
    }
}

/// Checks a whole number.
fn count(setting: &'static str, value: usize, least: usize, most: usize) -> Result<()> {
    check(setting, value, (least..=most).contains(&value), || {
        format!("at least {least} and at most {most}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_on_mnist() {
        TrainConfig::default().validate().unwrap();
    }

    #[test]
    fn each_setting_out_of_range_is_named() {
        let default = TrainConfig::default;
        for (config, message) in [
            (TrainConfig { hidden: Some(0), ..default() }, "hidden is 0, but must be at least 1"),
            (TrainConfig { epochs: Some(0), ..default() }, "epochs is 0, but must be at least 1"),
            (TrainConfig { updates: Some(0), ..default() }, "updates is 0, but must be at least 1"),
            (TrainConfig { batch_size: 0, ..default() }, "batch_size is 0, but must be at least 1"),
            (
                TrainConfig { batch_size: 32_768, ..default() },
                "batch_size is 32768, but must be at least 1 and at most 32767",
            ),
            (TrainConfig { chains: Some(0), ..default() }, "chains is 0, but must be at least 1"),
            (TrainConfig { gibbs_steps: 0, ..default() }, "gibbs_steps is 0, but must"),
            (
                TrainConfig { learning_rate: -1.0, ..default() },
                "learning_rate is -1, but must be above 0",
            ),
            (TrainConfig { learning_rate: f64::NAN, ..default() }, "learning_rate is NaN, but"),
            (TrainConfig { learning_rate: f64::INFINITY, ..default() }, "learning_rate is inf"),
            (
                TrainConfig { algorithm: Algorithm::Cd, chains: Some(5), ..default() },
                "chains is 5, but must be left out with `cd`",
            ),
            (
                TrainConfig { algorithm: Algorithm::Cd, chain_reset: 0.1, ..default() },
                "chain_reset is 0.1, but must be 0 with `cd`",
            ),
            (
                TrainConfig { optimizer: UpdateRule::Adam, momentum: 0.5, ..default() },
                "momentum is 0.5, but must be 0 with `adam`",
            ),
            (TrainConfig { temperatures: 1, ..default() }, "temperatures is 1, but must be at"),
            (TrainConfig { swap_rate: 1.0, ..default() }, "swap_rate is 1, but must be above 0"),
            (TrainConfig { chain_reset: 1.5, ..default() }, "chain_reset is 1.5, but must be at"),
            (TrainConfig { gibbs_steps_last: Some(0), ..default() }, "gibbs_steps_last is 0, but"),
            (TrainConfig { warm_up: -1.0, ..default() }, "warm_up is -1, but must be at least 0"),
            (TrainConfig { adam_beta1: 1.0, ..default() }, "adam_beta1 is 1, but must be at least"),
            (TrainConfig { adam_beta2: -0.1, ..default() }, "adam_beta2 is -0.1, but must be at"),
            (TrainConfig { adam_epsilon: 0.0, ..default() }, "adam_epsilon is 0, but must be at"),
            (TrainConfig { offset_rate: 0.0, ..default() }, "offset_rate is 0, but must be above"),
            (TrainConfig { sparsity_target: 1.0, ..default() }, "sparsity_target is 1, but must"),
            (TrainConfig { sparsity_cost: -1.0, ..default() }, "sparsity_cost is -1, but must be"),
            (TrainConfig { momentum: 1.0, ..default() }, "momentum is 1, but must be at least 0"),
            (TrainConfig { weight_decay: -0.1, ..default() }, "weight_decay is -0.1, but must"),
            (TrainConfig { seed: u64::MAX, ..default() }, "seed is 18446744073709551615, but"),
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}\ndoes not start with: {message}");
        }
    }

    #[test]
    fn what_is_left_to_the_data_becomes_a_number() {
        let of = |config: &TrainConfig, n_examples, n_visible| {
            let TrainConfig { hidden, epochs, batch_size, chains, algorithm, .. } =
                config.for_data(n_examples, n_visible);
            let algorithm = algorithm.to_string();
            (hidden.unwrap(), epochs, batch_size, chains, algorithm)
        };
        let default = TrainConfig::default();
        assert_eq!(of(&default, 60_000, 784), (500, Some(20), 96, Some(128), "pcd".to_string()));
        // Four columns of a stranger's table: enough updates, and as few hidden units as that.
        assert_eq!(of(&default, 50, 4), (16, Some(5000), 50, Some(128), "pt".to_string()));
        assert_eq!(of(&default, 1000, 36), (36, Some(455), 96, Some(128), "pcd".to_string()));
        let large = TrainConfig { batch_size: 512, hidden: Some(7), ..default.clone() };
        assert_eq!(of(&large, 300, 36), (7, Some(5000), 300, Some(512), "pcd".to_string()));
        let cd = TrainConfig { algorithm: Algorithm::Cd, updates: Some(9), ..default.clone() };
        assert_eq!(of(&cd, 50, 36), (36, None, 50, None, "cd".to_string()));
        assert_eq!(cd.for_data(50, 36).n_chains(), 50);
        let once = default.for_data(50, 4);
        assert_eq!(once.for_data(50, 4), once);
        assert_eq!(once.total_updates(50), default.total_updates(50));
    }
}
