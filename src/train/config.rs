//! The settings of training: exactly those on which the bits of a run depend.

use super::averaging::Averaging;
use super::objective::Objective;
use super::schedule::Schedule;
use crate::dataset::Binarization;
use crate::error::{Remedy, Result};
use crate::rng::SEEDS;
use crate::setting::{Section as _, above, at_least, at_most, below, by_name, check, settings};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The largest mini-batch and the most chains: sums of this many means fit an i32.
pub const MAX_ROWS: usize = 32_767;

/// The most Gibbs sweeps in an update.
const MAX_SWEEPS: u64 = 1_000_000;

/// With centering, the most rows times units of a layer: the 64-bit sums do not overflow.
const MAX_SUM: usize = 1 << 30;

/// The most visible units that [`Algorithm::Auto`] trains by parallel tempering.
pub const TEMPERED_BY_ITSELF: usize = 20;

/// The default number of hidden units is the number of visible ones within these bounds. With far more
/// hidden units, each learns the same, and all together they learn too fast.
const USUAL_HIDDEN: (usize, usize) = (16, 500);

/// The default number of epochs, raised until they make this many updates.
const USUAL_EPOCHS: usize = 20;
const LEAST_UPDATES: u64 = 5000;

/// The least default number of chains: fewer make the negative phase noisy.
const LEAST_CHAINS: usize = 128;

/// The largest window: the most examples that data can have.
const LARGEST_WINDOW: u64 = u32::MAX as u64;

/// The most hidden units.
pub const MAX_HIDDEN: usize = 100_000;

/// How the negative phase samples the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Algorithm {
    /// [`Pt`](Self::Pt) up to [`TEMPERED_BY_ITSELF`] visible units, where it costs little and data often
    /// have modes far apart; [`Pcd`](Self::Pcd) for more.
    Auto,
    /// Contrastive divergence, CD-k: the chains restart at the mini-batch in every update
    /// (Hinton, 2002, Training products of experts by minimizing contrastive divergence).
    Cd,
    /// Persistent contrastive divergence, PCD-k: the chains persist across updates (Tieleman,
    /// 2008, Training restricted Boltzmann machines using approximations to the likelihood
    /// gradient).
    Pcd,
    /// PCD-k with parallel tempering: every chain swaps states with replicas at other inverse
    /// temperatures (Desjardins, Courville, Bengio, Vincent and Delalleau, 2010, Parallel tempering for
    /// training of restricted Boltzmann machines).
    Pt,
    /// PCD-k with parallel trajectory tempering: every chain swaps states with replicas at models that the training
    /// passed through (Béreux, Decelle, Furtlehner, Rosset and Seoane, 2025, Fast training and sampling of restricted
    /// Boltzmann machines).
    Ptt,
}

impl Algorithm {
    /// Whether its chains sample the model because they persist across updates. The chains of CD stay
    /// near the last mini-batch.
    pub fn chains_are_samples(self) -> bool {
        self != Self::Cd
    }
}

by_name!(Algorithm, "algorithm", { Auto = "auto", Cd = "cd", Pcd = "pcd", Pt = "pt", Ptt = "ptt" });

/// What training makes of a site without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Missing {
    /// The site is no part of that example's model, in both phases: each example has a model of its own, of the sites
    /// that it has, all with the same parameters (Salakhutdinov, Mnih and Hinton, 2007, Restricted Boltzmann
    /// machines for collaborative filtering). Which sites have values need not be chance.
    Absent,
    /// The site has a value that is not known: the positive phase sums over the values of such sites, which chains of
    /// each example draw given the others. Right if the values are missing at random.
    Marginal,
}

impl Missing {
    /// The one in the training settings of a model, if they have one.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if their text is not one.
    pub fn recorded(settings: &Map<String, Value>) -> Result<Option<Self>> {
        settings.get("missing").and_then(Value::as_str).map(str::parse).transpose()
    }
}

by_name!(Missing, "missing", { Absent = "absent", Marginal = "marginal" });

/// Where persistent chains start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum ChainStart {
    /// At the first training examples of the first epoch.
    Data,
    /// At independent bits drawn from the visible bias, v ~ σ(b).
    Bias,
}

by_name!(ChainStart, "chain_start", { Data = "data", Bias = "bias" });

/// How the parameters move along the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum UpdateRule {
    /// A step along the gradient, with [`TrainConfig::momentum`] if it is above 0.
    Sgd,
    /// Steps scaled by the gradient's running moments (Kingma and Ba, 2015, Adam: a method for
    /// stochastic optimization).
    Adam,
}

by_name!(UpdateRule, "optimizer", { Sgd = "sgd", Adam = "adam" });

settings! {
    /// The settings of a training run. Runs with equal settings and data give equal bits.
    ///
    /// ```
    /// use harmonium::TrainConfig;
    /// let config = TrainConfig { hidden: Some(256), epochs: Some(5), ..TrainConfig::default() };
    /// config.validate()?;
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    pub struct TrainConfig in "train" {
        /// What is maximised: `generative` (ln p(v), on data with labels ln p(v, y)), `discriminative`
        /// (ln p(y | v), which needs no chains) or `hybrid:ALPHA` (ln p(y | v) + ALPHA ln p(v, y)).
        objective: Objective = Objective::Generative, { placeholder("NAME") }
        /// Number of hidden units, H.
        hidden: Option<usize> = None, {
            whole(1..=MAX_HIDDEN as u64), usual("16 to 2,000"),
            unset("the number of visible units, but at least 16 and at most 500; with a model to start from, its number")
        }
        /// Passes over the training data.
        epochs: Option<usize> = None, {
            // On any data, the updates of these epochs fit 64 bits.
            whole(1..=1 << 40), usual("10 to 500"),
            unset("20, or more to make 5,000 updates")
        }
        /// Number of updates, in place of *epochs*.
        updates: Option<u64> = None, {
            // The largest integer of a settings file.
            whole(1..=i64::MAX as u64), unset("all updates of the epochs"),
            instead_of("epochs")
        }
        /// Number of examples in a mini-batch, N; smaller data sets are one mini-batch.
        batch_size: usize = 96, { whole(1..=MAX_ROWS as u64), usual("20 to 500") }
        /// How the negative phase samples the model: `cd` (chains restart at the mini-batch in every
        /// update), `pcd` (chains persist across updates), `pt` (persistent chains with parallel
        /// tempering), `ptt` (with parallel trajectory tempering, along the models of the training) or
        /// `auto` (`pt` up to 20 visible units, `pcd` for more).
        algorithm: Algorithm = Algorithm::Auto, {}
        /// What a site without a value is: `absent` (no part of that example's model; trained by `cd`) or
        /// `marginal` (unknown, and summed out; for values that are missing at random).
        missing: Option<Missing> = None, { unset("examples without missing values only") }
        /// Number of chains, C.
        chains: Option<usize> = None, {
            whole(1..=MAX_ROWS as u64),
            unset("the batch size, but at least 128; with `cd` always the batch size")
        }
        /// Gibbs sweeps of each chain per update: the k of CD-k and PCD-k.
        gibbs_steps: usize = 1, { whole(1..=MAX_SWEEPS), usual("1 to 25") }
        /// Gibbs sweeps in the last updates; from *gibbs_steps* on, the number changes step by step.
        gibbs_steps_last: Option<usize> = None, { whole(1..=MAX_SWEEPS), unset("*gibbs_steps*") }
        /// Fraction of the chains that restart at the mini-batch after each update.
        chain_reset: f64 = 0.0, { placeholder("SHARE"), real(at_least(0.0), at_most(1.0)), usual("0, or 0.001 to 0.05") }
        /// Number of temperatures of `pt`, including the model's own.
        temperatures: usize = 10, { whole(2..=1000), usual("5 to 50"), needs(&[TEMPERING]) }
        /// Target swap rate between neighbouring temperatures, to which `pt` adapts them. `ptt` keeps a model of the
        /// training when its estimated rate of swaps with the one that was kept last falls below it.
        swap_rate: f64 = 0.4, {
            placeholder("RATE"),
            real(above(0.0), below(1.0)), usual("0.2 to 0.6"), needs(&[TEMPERING, TRAJECTORY])
        }
        /// Initial learning rate ε.
        learning_rate: f64 = 0.2, { placeholder("RATE"), real(above(0.0), at_most(1e6)), usual("0.01 to 0.2") }
        /// How the learning rate changes: `constant`, `linear` (down to zero), `cosine` (down to zero) or
        /// `inverse:B` (ε B/(B + u) in update u).
        schedule: Schedule = Schedule::Cosine, {}
        /// Number of epochs over which the learning rate rises linearly at the start.
        warm_up: f64 = 0.0, { placeholder("EPOCHS"), real(at_least(0.0), at_most(1e6)), usual("0 to 5") }
        /// Update rule: `sgd` or `adam`.
        optimizer: UpdateRule = UpdateRule::Sgd, {}
        /// Momentum μ of `sgd`: the fraction of the last step that is added to the next.
        momentum: f64 = 0.0, { placeholder("SHARE"), real(at_least(0.0), below(1.0)), usual("0, or 0.5 to 0.9") }
        /// Decay rate β₁ of Adam's mean of the gradient.
        adam_beta1: f64 = 0.9, { placeholder("RATE"), real(at_least(0.0), below(1.0)), needs(&[ADAM]) }
        /// Decay rate β₂ of Adam's mean of the squared gradient.
        adam_beta2: f64 = 0.999, { placeholder("RATE"), real(at_least(0.0), below(1.0)), needs(&[ADAM]) }
        /// Small number that Adam adds to the square root of the mean squared gradient.
        adam_epsilon: f64 = 1e-8, { real(at_least(1e-30), at_most(1e6)), needs(&[ADAM]) }
        /// Weight decay λ (L2): λ times each weight is subtracted from its gradient; biases do not decay.
        weight_decay: f64 = 0.0, { real(at_least(0.0), at_most(1e6)), usual("0 to 0.001") }
        /// Centre the gradient by the mean of the data and the running mean of p(h | v).
        centering: bool = true, {}
        /// Weight ν of each update in the running means of p(h | v), which *centering* and
        /// *sparsity_cost* use.
        offset_rate: f64 = 0.01, {
            placeholder("RATE"),
            real(above(0.0), at_most(1.0)), usual("0.01 to 0.1"),
            needs(&[Remedy::of("centering"), Remedy::of("sparsity_cost")])
        }
        /// Target p of the mean activity of each hidden unit.
        sparsity_target: f64 = 0.1, {
            placeholder("SHARE"),
            real(above(0.0), below(1.0)), usual("0.01 to 0.1"), needs(&[Remedy::of("sparsity_cost")])
        }
        /// Strength of the pull to *sparsity_target*: this times p − q is added to the gradient of a
        /// hidden unit's input, where q is the unit's running mean; 0 turns it off (Hinton, 2012, A
        /// practical guide to training restricted Boltzmann machines, section 11).
        sparsity_cost: f64 = 0.0, {
            real(at_least(0.0), at_most(1e6)), usual("0, or 0.001 to 0.1")
        }
        /// Average of the parameters that the run ends with: `none` (the last parameters),
        /// `exponential:EPOCHS` (weights fall e-fold over this many epochs) or `tail:SHARE` (the mean over
        /// the last share of the run).
        averaging: Averaging = Averaging::Tail(0.1), {}
        /// How intensities become bits: `stochastic` (drawn anew at each visit), `threshold:T` (1 above
        /// T) or `none` (intensities are used as they are); data of only 0 and 1 stay as they are.
        binarize: Binarization = Binarization::Stochastic, {}
        /// Shuffle the examples anew in each epoch.
        shuffle: bool = true, {}
        /// Shuffle within windows of N examples: blocks of N/32 neighbours come in random order, and the examples of
        /// each window are mixed. For packed data that do not fit in memory, above all on spinning disks and network
        /// file systems: the whole shuffle reads each example from another place.
        shuffle_window: Option<usize> = None, {
            whole(1..=LARGEST_WINDOW), unset("all examples"), needs(&[Remedy::of("shuffle")])
        }
        /// Where the chains start: `data` (training examples) or `bias` (independent bits drawn from σ(b)).
        chain_start: ChainStart = ChainStart::Data, {}
        /// Seed of all random numbers.
        seed: u64 = 0, { whole(SEEDS) }
    }
}

/// The settings without which the settings of parallel tempering, or of Adam, have no effect.
const TEMPERING: Remedy = Remedy::with("algorithm", "pt");
const TRAJECTORY: Remedy = Remedy::with("algorithm", "ptt");
const ADAM: Remedy = Remedy::with("optimizer", "adam");

impl TrainConfig {
    /// Plain PCD-1, as in other programs and in the benchmarks: 500 hidden units, mini-batches of 128,
    /// 128 chains, a constant learning rate of 0.1, without centering or averaging.
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

    /// A note for the user if a mini-batch of this size has all `n_examples`, as there are no more.
    pub fn cut_batch(&self, n_examples: usize) -> Option<String> {
        let batch_size = self.batch_size;
        (batch_size > n_examples).then(|| {
            format!("each mini-batch has all {n_examples} training examples, as batch_size is {batch_size}")
        })
    }

    /// A note for the user if the gradient is not centred although the settings say so.
    pub fn uncentred(&self) -> Option<String> {
        (self.centering && self.missing == Some(Missing::Absent)).then(|| {
            "the gradient is not centred, as with missing = absent each example has means of its own".to_string()
        })
    }

    /// These settings for a data set: unset ones become numbers, and a mini-batch has at most
    /// `n_examples`. The smaller mini-batch does not change the number of chains.
    pub fn for_data(&self, n_examples: usize, n_visible: usize) -> Self {
        let is_cd = self.is_cd();
        let epochs = self.updates.is_none().then(|| self.usual_epochs(n_examples));
        Self {
            hidden: self.hidden.or(Some(n_visible.clamp(USUAL_HIDDEN.0, USUAL_HIDDEN.1))),
            epochs: self.epochs.or(epochs),
            batch_size: self.batch_size.min(n_examples),
            algorithm: match self.algorithm {
                _ if is_cd => Algorithm::Cd,
                Algorithm::Auto if n_visible <= TEMPERED_BY_ITSELF => Algorithm::Pt,
                Algorithm::Auto => Algorithm::Pcd,
                named => named,
            },
            chains: match is_cd {
                // It has one chain per example of the mini-batch, which may be smaller now.
                true => self.chains.filter(|n| *n != self.batch_size),
                false => Some(self.n_chains()),
            },
            centering: self.centering && self.missing != Some(Missing::Absent),
            ..self.clone()
        }
    }

    /// H.
    ///
    /// # Panics
    /// If the settings are not yet [for a data set](Self::for_data) and leave H unset.
    pub fn n_hidden(&self) -> usize {
        self.hidden.expect("settings for the data")
    }

    /// C, the number of chains; with CD, for a full mini-batch.
    pub fn n_chains(&self) -> usize {
        let usual = if self.is_cd() { self.batch_size } else { self.batch_size.max(LEAST_CHAINS) };
        self.chains.unwrap_or(usual)
    }

    /// Whether the chains start at the mini-batch, by choice or for want of another way.
    fn is_cd(&self) -> bool {
        match self.algorithm {
            Algorithm::Auto => {
                self.missing == Some(Missing::Absent) || !self.objective.needs_chains()
            }
            named => named == Algorithm::Cd,
        }
    }

    /// The number of states that an update multiplies with W, or as outer products, for the fewest sweeps of the
    /// run: each example for p(h | v), each chain at each temperature twice a sweep, and both for the statistics.
    pub(crate) fn n_products(&self) -> usize {
        let n_levels = match self.algorithm {
            Algorithm::Pt => self.temperatures,
            // There is one rung at least.
            Algorithm::Ptt => 2,
            Algorithm::Auto | Algorithm::Cd | Algorithm::Pcd => 1,
        };
        let sweeps = self.gibbs_steps.min(self.gibbs_steps_last.unwrap_or(self.gibbs_steps));
        let n_chains = self.n_chains();
        2 * self.batch_size + n_chains + 2 * sweeps * n_levels * n_chains
    }

    /// Updates of an epoch over `n_examples`; the last mini-batch may be smaller.
    pub fn updates_per_epoch(&self, n_examples: usize) -> u64 {
        n_examples.div_ceil(self.batch_size.max(1)) as u64
    }

    /// The default number of epochs.
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

    /// Checks that, with centering, sums over `n_rows` examples and over the chains cannot overflow.
    pub(super) fn check_rows(&self, n_rows: usize, n_visible: usize) -> Result<()> {
        let n_units = n_visible.max(self.n_hidden());
        let most = MAX_SUM / n_units;
        let n_rows = n_rows.max(self.n_chains());
        check("batch_size or chains", n_rows, !self.centering || n_rows <= most, || {
            format!("at most {most} with centering and a layer of {n_units} units")
        })
    }

    /// Checks every setting. Unset ones are checked once they are [for a data set](Self::for_data).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for the first that breaks a rule.
    pub fn validate(&self) -> Result<()> {
        self.check_ranges()?;
        // The table holds rules of single settings; these concern two.
        let Self { batch_size, chain_reset, momentum, .. } = *self;
        let (is_cd, n_chains) = (self.is_cd(), self.n_chains());
        check("algorithm", self.algorithm, is_cd || self.missing != Some(Missing::Absent), || {
            "cd (or auto, which is then cd) with missing = absent: each example has a model of its own, whose \
             chains start at it"
                .to_string()
        })?;
        check("algorithm", self.algorithm, is_cd || self.objective.needs_chains(), || {
            "auto with the objective discriminative, which needs no chains".to_string()
        })?;
        check("chains", n_chains, !is_cd || n_chains == batch_size, || {
            format!("left out with `cd`, which has a chain for each of the {batch_size} examples")
        })?;
        check("chain_reset", chain_reset, !is_cd || chain_reset == 0.0, || {
            "0 with `cd`, whose chains all restart in every update".to_string()
        })?;
        let is_adam = self.optimizer == UpdateRule::Adam;
        check("momentum", momentum, !is_adam || momentum == 0.0, || {
            "0 with `adam`, which uses adam_beta1 instead".to_string()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
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
    fn unset_settings_become_numbers_for_a_data_set() {
        let of = |config: &TrainConfig, n_examples, n_visible| {
            let TrainConfig { hidden, epochs, batch_size, chains, algorithm, .. } =
                config.for_data(n_examples, n_visible);
            let algorithm = algorithm.to_string();
            (hidden.unwrap(), epochs, batch_size, chains, algorithm)
        };
        let default = TrainConfig::default();
        assert_eq!(of(&default, 60_000, 784), (500, Some(20), 96, Some(128), "pcd".to_string()));
        // A table of four columns: enough updates and few hidden units.
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
