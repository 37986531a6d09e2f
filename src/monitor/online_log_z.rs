//! log Z while a run trains: the chains of [`TrajectoryAis`] follow its trainer.
//!
//! ```text
//!  parameters after each update ──► running mean, every K updates ──► step of the chains
//!                                        │                                │ copies, at a record
//!                                        └────► on to the model ──────────┴──► log Z
//! ```
//!
//! Mini-batches shake the parameters. At the usual learning rates each update changes F by several nats, back and
//! forth (784-500 on MNIST at a rate of 0.2: 12 nats in 8 updates, 0.4 in their running mean), and chains that follow
//! all of that lose their weights. So they follow a running mean; on its way E\[w\] is a ratio of normalisers, too. At
//! a record, copies of the chains go on from the mean to the model in a few steps along a line.

use super::EpochRecord;
use crate::error::Result;
use crate::evaluate::report::finite;
use crate::evaluate::{TrajectoryAis, TrajectoryEstimate, exact};
use crate::gibbs::{FixedModel, FixedWeights};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::{Rbm, TiledParameters};
use crate::setting::check;
use crate::state::State;
use crate::train::{Missing, TrainConfig, Trainer};
use crate::watch::Watch;

/// How many updates the running mean is behind. The noise in its steps is smaller than in those of the parameters by
/// this number over that of the updates between two steps.
const BEHIND: f64 = 256.0;

/// Steps from the running mean to the model, at a record.
const STEPS_TO_MODEL: usize = 16;

/// The most that the chains may cost, as a share of training.
const MOST_COST: f64 = 0.1;

/// What a step costs for each state that is multiplied with W, in products of training: a thread has few states, which
/// share little.
const PRODUCT: f64 = 3.0;

/// What a value of softplus in double precision costs, in products of a state and a weight; and σ with a draw, which
/// follows each sum of training.
const SOFTPLUS: f64 = 400.0;
const SIGMA: f64 = 100.0;

/// What the running mean and the images of W cost, in states that are multiplied with W.
const IMAGE: f64 = 384.0;

/// The estimate is not to be believed once the weights of one step, or all since the start, leave less than this share
/// of the chains effective. (784-500 on MNIST with the defaults of `train` comes there within the first epochs. Taken
/// as independent, the chains that were left gave a log Z that was 10.6 nats too low after 20 epochs, with an error of
/// 1.7.)
const LEAST: f64 = 0.1;

/// Chains that follow a trainer and estimate log Z of its model. The trainer does not know of them, so they never
/// change its bits.
///
/// ```
/// use harmonium::dataset::{Binarization, Dataset, Examples};
/// use harmonium::evaluate::Exact;
/// use harmonium::gibbs::FixedModel;
/// use harmonium::monitor::OnlineLogZ;
/// use harmonium::{BitMatrix, TrainConfig, Trainer, Watch};
/// let bars = BitMatrix::from_fn(4, 8, |example, pixel| pixel / 2 == example);
/// let examples = Examples::new(Dataset::from_bits("bars", bars), Binarization::Stochastic);
/// let config = TrainConfig { hidden: Some(4), updates: Some(300), learning_rate: 0.05, ..TrainConfig::default() };
/// let mut trainer = Trainer::new(config, examples)?;
/// let mut log_z = OnlineLogZ::new(&trainer, 500, None)?;
/// while !trainer.is_done() {
///     trainer.update()?;
///     log_z.after_update(&trainer);
/// }
/// let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
/// let found = log_z.estimate(FixedModel { rbm: &rbm, weights: &weights }, Watch::default())?;
/// assert!((found.log_z - Exact::new(&rbm)?.log_z()).abs() < 4.0 * found.standard_error, "{found:?}");
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OnlineLogZ {
    ais: TrajectoryAis,
    /// The running mean of the parameters, which the chains follow.
    mean: TiledParameters<f32>,
    every: u64,
}

impl OnlineLogZ {
    /// The memory of `n_chains` chains that follow a model (V, H), and of the images of its running mean.
    pub fn bytes(n_chains: usize, visible: &Layout, n_hidden: usize) -> Bytes {
        TrajectoryAis::bytes(n_chains, visible, n_hidden)
            + TiledParameters::<f32>::bytes(visible, n_hidden)
            + FixedWeights::bytes::<i16>(visible, n_hidden)
    }

    /// `n_chains` chains, at least 2, for a trainer before its first update whose weights are new. They step every
    /// `every` updates, or as often as costs less than a tenth of training.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if the model has no one Z, or trains no p(v).
    ///
    /// # Panics
    /// If the trainer has done updates, or there are fewer than two chains.
    pub fn new(trainer: &Trainer, n_chains: usize, every: Option<u64>) -> Result<Self> {
        Self::check(n_chains, trainer.config())?;
        assert_eq!(trainer.updates(), 0, "the chains follow the model from its start");
        let (seed, mean) = (trainer.config().seed, trainer.parameters().exact().clone());
        let weights = FixedWeights::narrow(&mean, trainer.parameters().fixed().isa());
        let ais = TrajectoryAis::from_independent(&trainer.current(), &weights, n_chains, seed);
        Ok(Self { ais, mean, every: steps_every(trainer, n_chains, every) })
    }

    /// [`new`](Self::new) for a trainer that starts from the parameters of a model, whose log Z is enumerated.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::InvalidSetting`](crate::Error::InvalidSetting) if it has too many units for
    /// that; [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn from_model(
        trainer: &Trainer,
        n_chains: usize,
        every: Option<u64>,
        watch: Watch<'_>,
    ) -> Result<Self> {
        Self::check(n_chains, trainer.config())?;
        assert_eq!(trainer.updates(), 0, "the chains follow the model from its start");
        let (rbm, seed) = (trainer.current(), trainer.config().seed);
        Self::check_model(n_chains, &rbm)?;
        let mean = trainer.parameters().exact().clone();
        let weights = FixedWeights::narrow(&mean, trainer.parameters().fixed().isa());
        let ais = TrajectoryAis::from_exact(&rbm, &weights, n_chains, seed, watch)?;
        Ok(Self { ais, mean, every: steps_every(trainer, n_chains, every) })
    }

    /// Refuses settings of training under which there is no one Z to estimate.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting).
    pub(crate) fn check(n_chains: usize, config: &TrainConfig) -> Result<()> {
        check("online_log_z", n_chains, config.missing != Some(Missing::Absent), || {
            "left out with missing = absent: each example then has a model of its own, with a Z of its own"
                .to_string()
        })?;
        check("online_log_z", n_chains, config.objective.needs_chains(), || {
            "left out with the objective discriminative, which trains no p(v)".to_string()
        })
    }

    /// Refuses a model to start from whose log Z cannot be enumerated.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting).
    pub(crate) fn check_model(n_chains: usize, rbm: &Rbm) -> Result<()> {
        let n_units = exact::n_enumerated(rbm.visible_units(), rbm.n_hidden());
        check("online_log_z", n_chains, n_units <= exact::MAX_UNITS, || {
            format!(
                "left out with init: log Z must be known exactly where the chains start, and of this model {n_units} \
                 units would have to be enumerated, where at most {} can be",
                exact::MAX_UNITS
            )
        })
    }

    /// Updates from one step to the next.
    pub fn every(&self) -> u64 {
        self.every
    }

    /// Follows the trainer. Call it after each update.
    pub fn after_update(&mut self, trainer: &Trainer) {
        if trainer.updates().is_multiple_of(self.every) {
            let parameters = trainer.parameters();
            let share = (self.every as f64 / BEHIND).min(1.0) as f32;
            self.mean.zip(parameters.exact(), |mean, now| *mean += share * (now - *mean));
            self.ais.step(&FixedWeights::narrow(&self.mean, parameters.fixed().isa()));
        }
    }

    /// log Z of the [model](Trainer::model) of the trainer as it is now.
    ///
    /// # Errors
    /// As [`TrajectoryAis::estimate`].
    pub fn estimate(&self, model: FixedModel<'_>, watch: Watch<'_>) -> Result<TrajectoryEstimate> {
        self.at_model(model, watch)?.estimate(model, watch)
    }

    /// Copies of the chains that have gone on to a model.
    fn at_model(&self, model: FixedModel<'_>, watch: Watch<'_>) -> Result<TrajectoryAis> {
        let FixedModel { rbm, weights } = model;
        let (mut ais, mut between) = (self.ais.clone(), self.mean.clone());
        let model = TiledParameters::from(rbm);
        for left in (1..=STEPS_TO_MODEL).rev() {
            watch.check()?;
            // The last step leads to the model itself.
            let share = 1.0 / left as f32;
            between
                .zip(&model, |x, &end| *x = if left == 1 { end } else { *x + share * (end - *x) });
            ais.step(&FixedWeights::narrow(&between, weights.isa()));
        }
        Ok(ais)
    }

    /// Puts the estimate into a record that has the free energy of the held-out data, if there are any. If the
    /// weights have collapsed, the record has their effective numbers alone.
    ///
    /// # Errors
    /// As [`TrajectoryAis::estimate`]. The record is then as it was.
    pub fn score(
        &self,
        record: &mut EpochRecord,
        model: FixedModel<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let ais = self.at_model(model, watch)?;
        let TrajectoryEstimate { log_z, standard_error, ess, .. } = ais.estimate(model, watch)?;
        record.log_z_ess = finite(ess);
        record.log_z_step_ess = finite(ais.least_of_a_step());
        if collapse(record, ais.n_chains()).is_none() {
            record.log_z_online = finite(log_z);
            record.log_z_error = finite(standard_error);
            record.log_likelihood_online = record.free_energy_test.and_then(|f| finite(-f - log_z));
        }
        Ok(())
    }

    /// Everything on which the next steps depend, apart from settings.
    pub fn state(&self) -> State {
        let mut state = self.ais.state();
        self.mean.save(MEAN, &mut state);
        state
    }

    /// Chains that go on from their [`state`](Self::state), for a trainer that is as it was then.
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(
        trainer: &Trainer,
        n_chains: usize,
        every: Option<u64>,
        state: &State,
    ) -> Result<Self> {
        let (parameters, seed) = (trainer.parameters(), trainer.config().seed);
        Ok(Self {
            ais: TrajectoryAis::restore(parameters.fixed(), n_chains, seed, state)?,
            mean: parameters.exact().restored(MEAN, state)?,
            every: steps_every(trainer, n_chains, every),
        })
    }
}

/// The beginning of the names of the running mean.
const MEAN: &str = "online_log_z.mean.";

/// The updates between two steps: as given, or as usual.
fn steps_every(trainer: &Trainer, n_chains: usize, given: Option<u64>) -> u64 {
    let n_visible = trainer.examples().n_visible();
    given.unwrap_or_else(|| usual_every(trainer.config(), n_visible, n_chains))
}

/// The least number of updates between two steps at which `n_chains` chains cost less than [`MOST_COST`] of training by
/// these settings. A step multiplies each state with W three times and takes F twice.
fn usual_every(config: &TrainConfig, n_visible: usize, n_chains: usize) -> u64 {
    let of_values = |cost: f64| cost / n_visible as f64;
    let of_step = n_chains as f64 * (3.0 * PRODUCT + 2.0 * of_values(SOFTPLUS)) + IMAGE;
    let of_update = config.n_products() as f64 * (1.0 + of_values(SIGMA));
    (of_step / (MOST_COST * of_update)).floor() as u64 + 1
}

/// Why the estimate of a record is not to be believed, if its weights have collapsed: the figure and its bound.
pub(crate) fn collapse(record: &EpochRecord, n_chains: usize) -> Option<String> {
    let bound = LEAST * n_chains as f64;
    let judged = |what: &str, ess: f64| {
        format!("{what} only {ess:.1} of its {n_chains} chains effective; bound {bound:.0}")
    };
    let of_step = record.log_z_step_ess.filter(|ess| *ess < bound);
    let of_all = record.log_z_ess.filter(|ess| *ess < bound);
    let of_step = of_step.map(|ess| judged("the weights of one step leave", ess));
    of_step.or_else(|| of_all.map(|ess| judged("the weights since the start leave", ess)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Algorithm;

    #[test]
    fn steps_are_as_frequent_as_their_cost_allows() {
        let of = |config: TrainConfig, n_visible| {
            usual_every(&config.for_data(60_000, n_visible), n_visible, 100)
        };
        let default = TrainConfig::default;
        assert_eq!(of(default(), 784), 22);
        // An update with more sweeps, or more examples, takes longer.
        assert_eq!(of(TrainConfig { gibbs_steps: 25, ..default() }, 784), 2);
        assert_eq!(of(TrainConfig { batch_size: 512, ..default() }, 784), 5);
        assert_eq!(of(TrainConfig { algorithm: Algorithm::Pt, ..default() }, 784), 5);
        assert_eq!(
            of(TrainConfig { gibbs_steps: 25, gibbs_steps_last: Some(1), ..default() }, 784),
            22
        );
        // With few inputs, softplus and σ cost more than sums.
        assert_eq!(of(TrainConfig { algorithm: Algorithm::Pcd, ..default() }, 12), 15);
    }

    #[test]
    fn a_collapse_is_one_of_a_step_or_of_all_weights() {
        let record = |ess: f64, of_step: f64| EpochRecord {
            log_z_ess: Some(ess),
            log_z_step_ess: Some(of_step),
            ..EpochRecord::default()
        };
        assert_eq!(collapse(&record(40.0, 70.0), 100), None);
        assert_eq!(collapse(&EpochRecord::default(), 100), None);
        let of_step =
            "the weights of one step leave only 9.5 of its 100 chains effective; bound 10";
        assert_eq!(collapse(&record(40.0, 9.5), 100).as_deref(), Some(of_step));
        let of_all =
            "the weights since the start leave only 9.9 of its 100 chains effective; bound 10";
        assert_eq!(collapse(&record(9.9, 70.0), 100).as_deref(), Some(of_all));
    }
}
