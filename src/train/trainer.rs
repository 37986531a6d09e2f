//! The training loop: update after update, epoch after epoch.

use super::averaging::Average;
use super::centering;
use super::config::{Algorithm, ChainStart, TrainConfig};
use super::gradient::Gradient;
use super::mean_hidden::mean_hidden;
use super::negative_phase::{NegativePhase, Start};
use super::optimizer::{Optimizer, Sgd};
use super::parameters::Parameters;
use super::positive_phase::PositivePhase;
use super::schedule::{sweeps, warm_up};
use super::statistics::Statistics;
use crate::bits::BitMatrix;
use crate::dataset::Examples;
use crate::error::{Error, Result};
use crate::fixed::Scale;
use crate::gibbs::{Chains, Tempering, draw_independent, smoothed_rates};
use crate::kernels::Isa;
use crate::kernels::tile::Tile;
use crate::model::{Rbm, sigmoid};
use crate::rng::{Purpose, Stream, shuffle};
use crate::setting::check;
use std::sync::Arc;

/// A run of training: parameters, chains and the place in the data.
///
/// ```
/// use harmonium::dataset::{Binarization, Dataset, Examples};
/// use harmonium::{BitMatrix, TrainConfig, Trainer};
/// let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
/// let examples = Examples::new(Dataset::from_bits("bars", bars), Binarization::Stochastic);
/// let config = TrainConfig { hidden: 3, epochs: 2, batch_size: 2, ..TrainConfig::default() };
/// let mut trainer = Trainer::new(config, examples)?;
/// while !trainer.is_done() {
///     trainer.update()?;
/// }
/// assert_eq!(trainer.updates(), 4);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trainer {
    config: TrainConfig,
    examples: Arc<Examples>,
    parameters: Parameters,
    optimizer: Optimizer,
    average: Option<Average>,
    positive: PositivePhase,
    negative: NegativePhase,
    statistics: Statistics,
    gradient: Gradient,
    /// The order of the examples in this epoch.
    order: Vec<u32>,
    /// Updates done.
    updates: u64,
    /// Updates after which the parameters are next checked against the range of fixed point.
    next_check: u64,
    /// The weights before the last update of the epoch.
    previous_weights: Vec<Tile<f32>>,
}

impl Trainer {
    /// A run from fresh parameters.
    ///
    /// # Errors
    /// As [`TrainConfig::validate`], and [`Isa::from_environment`].
    pub fn new(config: TrainConfig, examples: impl Into<Arc<Examples>>) -> Result<Self> {
        let examples = examples.into();
        config.validate(examples.n_examples())?;
        let mean = examples.mean();
        let rbm = Rbm::initial(config.hidden, &mean, examples.n_examples(), config.seed)?;
        Self::from_model(config, examples, &rbm)
    }

    /// A run that goes on from the parameters of a model, with new chains.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::WidthMismatch`] if the examples are not V wide,
    /// [`Error::InvalidSetting`] if `hidden` is not H or the weights are out of the range of
    /// training.
    pub fn from_model(
        config: TrainConfig,
        examples: impl Into<Arc<Examples>>,
        rbm: &Rbm,
    ) -> Result<Self> {
        Self::with_isa(config, examples.into(), rbm, Isa::from_environment()?)
    }

    /// [`from_model`](Self::from_model) on a given instruction set; the bits are the same on each.
    ///
    /// # Errors
    /// As [`from_model`](Self::from_model).
    pub fn with_isa(
        config: TrainConfig,
        examples: Arc<Examples>,
        rbm: &Rbm,
        isa: Isa,
    ) -> Result<Self> {
        config.validate(examples.n_examples())?;
        if examples.n_visible() != rbm.n_visible() {
            return Err(Error::WidthMismatch {
                what: examples.name().to_string(),
                found: examples.n_visible(),
                other: "the model",
                expected: rbm.n_visible(),
            });
        }
        if config.hidden != rbm.n_hidden() {
            return Err(Error::InvalidSetting {
                setting: "hidden",
                value: config.hidden.to_string(),
                rule: format!("{}, as the model has it", rbm.n_hidden()),
            });
        }
        let (norm, limit) = (rbm.norm(), Scale::TRAINING.limit());
        if norm > limit {
            return Err(Error::InvalidSetting {
                setting: "the largest sum of |weights| and |bias| of a unit of the model",
                value: norm.to_string(),
                rule: format!("at most {limit}, to be trained in fixed point"),
            });
        }
        let n_units = rbm.n_visible().max(rbm.n_hidden());
        let most = centering::MAX_SUM / n_units;
        let n_rows = config.batch_size.max(config.n_chains());
        check("batch_size or chains", n_rows, !config.centering || n_rows <= most, || {
            format!("at most {most} with centering and a layer of {n_units} units")
        })?;
        let parameters = Parameters::new(rbm, isa);
        let mut order = vec![0; examples.n_examples()];
        shuffle(&mut order, &mut Stream::new(config.seed, Purpose::DataOrder, 0));
        let chains = start_chains(&config, &examples, &parameters, &order);
        let positive = PositivePhase::new(isa, config.batch_size, rbm.n_visible());
        let start = match config.algorithm {
            Algorithm::Cd => Start::Batch,
            Algorithm::Pcd => Start::Persistent,
            Algorithm::Pt => {
                let ladder =
                    (&smoothed_rates(&examples.mean()), config.temperatures, config.swap_rate);
                let image = parameters.image();
                Start::Tempered(Box::new(Tempering::new(
                    image,
                    &chains.visible(),
                    ladder,
                    config.seed,
                )))
            }
        };
        let negative = NegativePhase::new(chains, start);
        let statistics =
            Statistics::new(positive.visible(), &negative.chains().visible, rbm.n_hidden());
        let capacities = statistics.capacities();
        let updates_per_epoch = config.updates_per_epoch(examples.n_examples());
        let total_updates = updates_per_epoch.saturating_mul(config.epochs as u64);
        let mut trainer = Self {
            gradient: Gradient::new(&config, isa, &examples.mean(), capacities.0 + capacities.1),
            statistics,
            optimizer: Optimizer::new(&config, rbm.n_visible()),
            average: Average::new(config.averaging, &parameters, updates_per_epoch, total_updates),
            positive,
            negative,
            previous_weights: parameters.weights.clone(),
            config,
            examples,
            parameters,
            order,
            updates: 0,
            next_check: 0,
        };
        trainer.check_range()?;
        Ok(trainer)
    }

    /// Changes the parameters once: the next mini-batch against the chains, moved
    /// `gibbs_steps` sweeps.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the parameters left the range of fixed point. The trainer is of no
    /// use after that: [`rbm`](Self::rbm) may panic.
    ///
    /// # Panics
    /// If the run [is done](Self::is_done).
    pub fn update(&mut self) -> Result<()> {
        self.clamp();
        self.sweep();
        self.mean_hidden();
        self.ascend()
    }

    /// The first of the four stages of an update, which are to be called in their order: the
    /// visible units of the positive phase are clamped to the next mini-batch.
    ///
    /// # Panics
    /// If the run [is done](Self::is_done).
    pub(crate) fn clamp(&mut self) {
        assert!(!self.is_done(), "all updates of the run are done");
        let epoch = self.epoch();
        if self.is_first_of_epoch() {
            shuffle(
                &mut self.order,
                &mut Stream::new(self.config.seed, Purpose::DataOrder, epoch as u64),
            );
        }
        let batch = self.order.chunks(self.config.batch_size).nth(self.batch()).expect("a batch");
        self.positive.clamp(&self.examples, batch, self.config.seed, epoch);
    }

    /// The second stage: the chains of the negative phase are swept, up to the last draw of h.
    pub(crate) fn sweep(&mut self) {
        let TrainConfig { gibbs_steps: first, gibbs_steps_last, .. } = self.config;
        let last = gibbs_steps_last.unwrap_or(first);
        let gibbs_steps = sweeps(first, last, self.updates, self.total_updates());
        self.negative.sweep(&self.parameters.image, &self.positive, gibbs_steps);
    }

    /// The third stage: p(h | v) of both phases, and the next h of the chains.
    pub(crate) fn mean_hidden(&mut self) {
        let image = &self.parameters.image;
        mean_hidden(image, &self.positive, &mut self.negative, &mut self.statistics);
        let TrainConfig { chain_reset, seed, .. } = self.config;
        if chain_reset > 0.0 {
            let stream = Stream::new(seed, Purpose::ChainReset, self.updates);
            self.negative.reset(&self.statistics, chain_reset, stream);
        }
    }

    /// The fourth stage: the statistics of both phases, and one step up their difference.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub(crate) fn ascend(&mut self) -> Result<()> {
        if self.is_last_of_epoch() {
            self.previous_weights.clone_from(&self.parameters.weights);
        }
        let step = self.step();
        self.gradient.take(&self.statistics);
        let gradient = (&self.gradient, &self.statistics);
        self.optimizer.update(&mut self.parameters, gradient, step, self.updates);
        self.updates += 1;
        if let Some(average) = &mut self.average {
            average.observe(&self.parameters, self.updates);
        }
        if self.updates >= self.next_check || self.is_first_of_epoch() {
            self.check_range()?;
        }
        Ok(())
    }

    /// The rule's numbers for the next update.
    fn step(&self) -> Sgd {
        let TrainConfig { schedule, learning_rate, weight_decay, .. } = self.config;
        let rate = schedule.rate(learning_rate, self.updates, self.total_updates());
        let warm_up_updates = self.config.warm_up * self.updates_per_epoch() as f64;
        let rate = rate * warm_up(self.updates, warm_up_updates);
        Sgd { rate: rate as f32, decay: weight_decay as f32 }
    }

    /// Checks the parameters against half of the range of fixed point, and plans the next check:
    /// before the updates in between could bridge the other half.
    fn check_range(&mut self) -> Result<()> {
        let limit = Scale::TRAINING.limit();
        let norm = self.parameters.norm();
        if norm.is_nan() || norm > limit {
            return Err(Error::Diverged {
                epoch: (self.updates.saturating_sub(1) / self.updates_per_epoch() + 1) as usize,
                update: self.updates,
                norm,
                limit,
            });
        }
        let TrainConfig { learning_rate, weight_decay, .. } = self.config;
        // The norm is a sum of n weights and a bias: none of them moves further in an update than
        // the rule takes it along its largest gradient, weight decay included.
        let n = self.examples.n_visible().max(self.config.hidden) as f64;
        let (of_weights, of_biases) = self.gradient.bounds();
        let gradient = n * of_weights + of_biases + weight_decay * 2.0 * limit;
        let growth = learning_rate * self.optimizer.largest_step(gradient);
        let safe = ((2.0 * limit - 1.0 - norm) / growth).floor();
        self.next_check = self.updates.saturating_add((safe as u64).max(1));
        Ok(())
    }

    /// Whether the next update is the first of an epoch.
    pub fn is_first_of_epoch(&self) -> bool {
        self.updates.is_multiple_of(self.updates_per_epoch())
    }

    fn is_last_of_epoch(&self) -> bool {
        (self.updates + 1).is_multiple_of(self.updates_per_epoch())
    }

    /// Which mini-batch of the epoch is next, from 0.
    fn batch(&self) -> usize {
        (self.updates % self.updates_per_epoch()) as usize
    }

    /// Epochs done.
    pub fn epoch(&self) -> usize {
        (self.updates / self.updates_per_epoch()) as usize
    }

    /// Updates of an epoch.
    pub fn updates_per_epoch(&self) -> u64 {
        self.config.updates_per_epoch(self.examples.n_examples())
    }

    /// Updates done.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Updates of the whole run.
    pub fn total_updates(&self) -> u64 {
        self.updates_per_epoch().saturating_mul(self.config.epochs as u64)
    }

    /// Whether all updates of the run are done.
    pub fn is_done(&self) -> bool {
        self.updates >= self.total_updates()
    }

    /// The settings.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// The training data.
    pub fn examples(&self) -> &Examples {
        &self.examples
    }

    /// The machine as it is now.
    pub fn rbm(&self) -> Rbm {
        self.parameters.to_rbm()
    }

    /// The average of the parameters; none where the settings ask for none, or where it has not
    /// begun.
    pub fn average(&self) -> Option<Rbm> {
        self.average.as_ref()?.to_rbm(&self.parameters)
    }

    /// What the run has to show for itself: the average, or where there is none the machine as it
    /// is now.
    pub fn model(&self) -> Rbm {
        self.average().unwrap_or_else(|| self.rbm())
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The persistent chains.
    pub fn chains(&self) -> &Chains {
        self.negative.chains()
    }

    /// The replicas of parallel tempering, if there are any.
    pub fn tempering(&self) -> Option<&Tempering> {
        self.negative.tempering()
    }

    /// Share of the visible bits of the chains that the last sweep changed.
    pub fn flip_rate(&self) -> f64 {
        self.negative.flip_rate()
    }

    /// √ΣW², and the norm of the last update's change of W at the end of an epoch.
    pub fn weight_norms(&self) -> (f64, f64) {
        self.parameters.weight_norms(&self.previous_weights)
    }
}

/// Chains at their start: v by the settings, then h from p(h | v).
fn start_chains(
    config: &TrainConfig,
    examples: &Examples,
    parameters: &Parameters,
    order: &[u32],
) -> Chains {
    let image = parameters.image();
    let mut visible = BitMatrix::zeros(config.n_chains(), image.n_visible());
    let mut streams: Vec<_> = (0..config.n_chains())
        .map(|chain| Stream::new(config.seed, Purpose::Chain, chain as u64))
        .collect();
    match config.chain_start {
        ChainStart::Data => {
            for chain in 0..config.n_chains() {
                let example = order[chain % order.len()];
                let stream = || Stream::new(config.seed, Purpose::Binarize, u64::from(example));
                let row = visible.row_mut(chain);
                examples.write_bits(image.isa, example as usize, stream, row);
            }
        }
        ChainStart::Bias => {
            let biases = &parameters.visible_bias.as_flattened()[..image.n_visible()];
            let rates: Vec<f64> = biases.iter().map(|&bias| sigmoid(f64::from(bias))).collect();
            visible = draw_independent(&rates, &mut streams);
        }
    }
    Chains::from_visible(image, &visible, streams)
}
