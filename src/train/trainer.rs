//! The training loop: update after update, epoch after epoch.

use super::average::Average;
use super::config::TrainConfig;
use super::gradient::Gradient;
use super::mean_hidden::mean_hidden;
use super::negative_phase::NegativePhase;
use super::optimizer::{Optimizer, Sgd};
use super::parameters::Parameters;
use super::positive_phase::PositivePhase;
use super::range::Range;
use super::schedule::{sweeps, warm_up};
use super::statistics::Statistics;
use crate::dataset::Examples;
use crate::error::{Error, Result};
use crate::fixed::Scale;
use crate::gibbs::{Chains, FixedWeights, Tempering};
use crate::kernels::Isa;
use crate::kernels::tiled::Tiled;
use crate::model::{Rbm, TiledParameters};
use crate::rng::{Purpose, Stream, shuffle};
use std::sync::Arc;

/// A run of training: parameters, chains and the place in the data.
///
/// ```
/// use harmonium::dataset::{Binarization, Dataset, Examples};
/// use harmonium::{BitMatrix, TrainConfig, Trainer};
/// let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
/// let examples = Examples::new(Dataset::from_bits("bars", bars), Binarization::Stochastic);
/// let config = TrainConfig { hidden: Some(3), epochs: Some(2), batch_size: 2, ..TrainConfig::default() };
/// let mut trainer = Trainer::new(config, examples)?;
/// while !trainer.is_done() {
///     trainer.update()?;
/// }
/// assert_eq!(trainer.updates(), 4);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Trainer {
    pub(super) config: TrainConfig,
    pub(super) examples: Arc<Examples>,
    pub(super) parameters: Parameters,
    pub(super) optimizer: Optimizer,
    pub(super) average: Option<Average>,
    pub(super) positive: PositivePhase,
    pub(super) negative: NegativePhase,
    pub(super) statistics: Statistics,
    pub(super) gradient: Gradient,
    /// The order of the examples in this epoch.
    pub(super) order: Vec<u32>,
    /// Updates done.
    pub(super) updates: u64,
    pub(super) range: Range,
    /// The weights before the last update of the epoch.
    pub(super) previous_weights: Tiled<f32>,
}

/// The fixed point of a run.
pub(super) fn scale(examples: &Examples, n_hidden: usize) -> Scale {
    Scale::for_training(examples.largest(), examples.n_visible().max(n_hidden))
}

impl Trainer {
    /// A run from fresh parameters.
    ///
    /// # Errors
    /// As [`TrainConfig::validate`].
    pub fn new(config: TrainConfig, examples: impl Into<Arc<Examples>>) -> Result<Self> {
        Self::with_isa(config, examples.into(), None, Isa::fastest())
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
        Self::with_isa(config, examples.into(), Some(rbm), Isa::fastest())
    }

    /// A run from the parameters of a model, or from fresh ones, on a given instruction set; the bits
    /// are the same on each.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`from_model`](Self::from_model).
    pub fn with_isa(
        config: TrainConfig,
        examples: Arc<Examples>,
        model: Option<&Rbm>,
        isa: Isa,
    ) -> Result<Self> {
        config.validate()?;
        let Some(rbm) = model else {
            let config = config.for_data(examples.n_examples(), examples.n_visible());
            let mean = examples.mean();
            let rbm = Rbm::initial(config.n_hidden(), &mean, examples.n_examples(), config.seed)?;
            return Self::with_isa(config, examples, Some(&rbm), isa);
        };
        let config = TrainConfig { hidden: config.hidden.or(Some(rbm.n_hidden())), ..config };
        let config = config.for_data(examples.n_examples(), examples.n_visible());
        if examples.n_visible() != rbm.n_visible() {
            return Err(Error::WidthMismatch {
                what: examples.name().to_string(),
                found: examples.n_visible(),
                other: "the model",
                expected: rbm.n_visible(),
            });
        }
        if config.n_hidden() != rbm.n_hidden() {
            return Err(Error::InvalidSetting {
                setting: "hidden",
                value: config.n_hidden().to_string(),
                rule: format!("{}, as the model has it", rbm.n_hidden()),
            });
        }
        let range = Range::of(rbm, scale(&examples, rbm.n_hidden()))?;
        Self::start(config, examples, rbm, isa, range)
    }

    /// At the first update.
    pub(super) fn start(
        config: TrainConfig,
        examples: Arc<Examples>,
        rbm: &Rbm,
        isa: Isa,
        range: Range,
    ) -> Result<Self> {
        config.check_rows(config.batch_size, rbm.n_visible())?;
        let parameters = Parameters::new(rbm, range.scale(), isa);
        let mut order = (0..examples.n_examples() as u32).collect::<Vec<_>>();
        if config.shuffle {
            shuffle(&mut order, &mut Stream::new(config.seed, Purpose::DataOrder, 0));
        }
        let positive = PositivePhase::new(isa, config.batch_size, rbm.n_visible());
        let negative = NegativePhase::start(&config, &examples, &parameters, &order);
        let statistics =
            Statistics::new(positive.visible(), &negative.chains().visible, rbm.n_hidden());
        let capacities = statistics.capacities();
        Ok(Self {
            gradient: Gradient::new(&config, isa, &examples.mean(), capacities.0 + capacities.1),
            statistics,
            optimizer: Optimizer::new(&config, rbm.n_visible()),
            average: Average::new(&config, &parameters, examples.n_examples()),
            positive,
            negative,
            previous_weights: parameters.exact.weights.clone(),
            config,
            examples,
            parameters,
            order,
            updates: 0,
            range,
        })
    }

    /// Puts the examples in the order of this epoch.
    pub(super) fn shuffle(&mut self) {
        if self.config.shuffle {
            let stream = Stream::new(self.config.seed, Purpose::DataOrder, self.epoch() as u64);
            shuffle(&mut self.order, &mut { stream });
        }
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
            self.shuffle();
        }
        let batch = self.order.chunks(self.config.batch_size).nth(self.batch()).expect("a batch");
        let first_address = (epoch * self.examples.n_examples()) as u64;
        self.positive.clamp(&self.examples, batch, self.config.seed, first_address);
    }

    /// The second stage: the chains of the negative phase are swept, up to the last draw of h.
    pub(crate) fn sweep(&mut self) {
        let TrainConfig { gibbs_steps: first, gibbs_steps_last, .. } = self.config;
        let last = gibbs_steps_last.unwrap_or(first);
        let gibbs_steps = sweeps(first, last, self.updates, self.total_updates());
        self.negative.sweep(&self.parameters, &self.positive, gibbs_steps);
    }

    /// The third stage: p(h | v) of both phases, and the next h of the chains.
    pub(crate) fn mean_hidden(&mut self) {
        mean_hidden(&self.parameters, &self.positive, &mut self.negative, &mut self.statistics);
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
        if (self.updates + 1).is_multiple_of(self.updates_per_epoch())
            || self.updates + 1 == self.total_updates()
        {
            self.previous_weights.zip(&self.parameters.exact.weights, |before, &now| *before = now);
        }
        let step = self.step();
        self.gradient.take(&self.statistics);
        let gradient = (&self.gradient, &self.statistics);
        let reach = self.optimizer.update(&mut self.parameters, gradient, step, self.updates);
        self.updates += 1;
        if let Some(average) = &mut self.average {
            average.observe(&self.parameters, self.updates);
        }
        let n_weights = self.examples.n_visible().max(self.config.n_hidden());
        if self.range.is_safe_after(reach, n_weights) && !self.is_at_end_of_epoch() {
            return Ok(());
        }
        let epoch = ((self.updates - 1) / self.updates_per_epoch() + 1) as usize;
        self.range.check(&mut self.parameters, epoch, self.updates)
    }

    /// The rule's numbers for the next update.
    fn step(&self) -> Sgd {
        let TrainConfig { schedule, learning_rate, weight_decay, .. } = self.config;
        let rate = schedule.rate(learning_rate, self.updates, self.total_updates());
        let warm_up_updates = self.config.warm_up * self.updates_per_epoch() as f64;
        let rate = rate * warm_up(self.updates, warm_up_updates);
        Sgd { rate: rate as f32, decay: weight_decay as f32 }
    }

    /// Whether the next update is the first of an epoch.
    pub fn is_first_of_epoch(&self) -> bool {
        self.updates.is_multiple_of(self.updates_per_epoch())
    }

    /// Whether the last update was that of an epoch, or of the run.
    pub fn is_at_end_of_epoch(&self) -> bool {
        self.is_first_of_epoch() || self.is_done()
    }

    /// Which mini-batch of the epoch is next, from 0.
    fn batch(&self) -> usize {
        (self.updates % self.updates_per_epoch()) as usize
    }

    /// Epochs done.
    pub fn epoch(&self) -> usize {
        (self.updates / self.updates_per_epoch()) as usize
    }

    /// Epochs done or begun.
    pub fn n_epochs_begun(&self) -> u64 {
        self.updates.div_ceil(self.updates_per_epoch())
    }

    /// Epochs of the whole run; the last may be cut short.
    pub fn n_epochs(&self) -> u64 {
        self.config.n_epochs(self.examples.n_examples())
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
        self.config.total_updates(self.examples.n_examples())
    }

    /// Whether all updates of the run are done.
    pub fn is_done(&self) -> bool {
        self.updates >= self.total_updates()
    }

    /// The settings [for the data](TrainConfig::for_data).
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
        Some(self.average.as_ref()?.means()?.to_rbm())
    }

    /// What the run has to show for itself: the average, or where there is none the machine as it
    /// is now.
    pub fn model(&self) -> Rbm {
        self.shown().to_rbm()
    }

    /// [`model`](Self::model) in fixed point, as fine as its norm allows: what evaluations read.
    pub fn fixed_weights(&self) -> FixedWeights {
        FixedWeights::fitting(self.shown(), self.parameters.fixed.isa)
    }

    /// The parameters of [`model`](Self::model).
    fn shown(&self) -> &TiledParameters<f32> {
        let average = self.average.as_ref().and_then(Average::means);
        average.unwrap_or(&self.parameters.exact)
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The chains: with CD as many as the last mini-batch had examples.
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

#[cfg(test)]
mod tests {
    use super::super::averaging::Averaging;
    use super::super::config::Algorithm;
    use super::super::schedule::Schedule;
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Dataset};
    use ndarray::{Array1, Array2};

    const V: usize = 6;
    const H: usize = 4;

    /// Examples, of which the pixels in `flipped` are turned around.
    fn trainer(flipped: u64, rbm: &Rbm, config: TrainConfig) -> Trainer {
        let on = |n: usize, i: usize| (n * n + 3 * i * n + i) % 5 < 2;
        let bits = BitMatrix::from_fn(20, V, |n, i| on(n, i) != (flipped >> i & 1 == 1));
        let examples = Examples::new(Dataset::from_bits("few", bits), Binarization::Stochastic);
        let config = TrainConfig { hidden: Some(H), batch_size: 20, ..config };
        Trainer::from_model(config, examples, rbm).unwrap()
    }

    fn machine() -> Rbm {
        let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 16.0 - 0.875;
        Rbm::new(
            Array2::from_shape_fn((V, H), |(i, j)| value(i * H + j)),
            Array1::from_shape_fn(V, |i| value(i + 100)),
            Array1::from_shape_fn(H, |j| value(j + 200)),
        )
        .unwrap()
    }

    /// The machine that gives to flipped states what `rbm` gives to the others.
    fn flip(rbm: &Rbm, flipped: u64) -> Rbm {
        let (mut weights, mut visible) = (rbm.weights().clone(), rbm.visible_bias().clone());
        let mut hidden = rbm.hidden_bias().clone();
        for i in (0..V).filter(|i| flipped >> i & 1 == 1) {
            hidden += &weights.row(i);
            weights.row_mut(i).mapv_inplace(|w| -w);
            visible[i] = -visible[i];
        }
        Rbm::new(weights, visible, hidden).unwrap()
    }

    /// An update whose chains are in the model's distribution as it is: all states, each as often
    /// as its probability says, of 8,000.
    fn enumerated_update(trainer: &mut Trainer) {
        const ROWS: f64 = 8000.0;
        let rbm = trainer.rbm();
        let p: Vec<f64> = (0..1u64 << V).map(|v| (-rbm.free_energy(&[v])).exp()).collect();
        let z: f64 = p.iter().sum();
        let rows: Vec<u64> = (0..1u64 << V)
            .flat_map(|v| {
                let n = (p[v as usize] / z * ROWS).round() as usize;
                std::iter::repeat_n(v, n)
            })
            .collect();
        let states = BitMatrix::from_fn(rows.len(), V, |n, i| rows[n] >> i & 1 == 1);
        let visible = &mut trainer.negative.chains.visible;
        visible.set_n_rows(rows.len());
        for row in 0..rows.len() {
            visible.set_row(row, states.row(row));
        }
        trainer.clamp();
        trainer.mean_hidden();
        trainer.ascend().unwrap();
    }

    /// The largest difference of two machines' parameters.
    fn distance(one: &Rbm, other: &Rbm) -> f32 {
        let pairs = one.weights().iter().zip(other.weights());
        let pairs = pairs.chain(one.visible_bias().iter().zip(other.visible_bias()));
        let pairs = pairs.chain(one.hidden_bias().iter().zip(other.hidden_bias()));
        pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
    }

    /// Melchior, Fischer and Wiskott (2016), section 4.1: the centred gradient does not know which
    /// pixels are flipped. The plain one does.
    #[test]
    fn training_on_flipped_data_is_flipped_training() {
        const FLIPPED: u64 = 0b01_1010;
        for (centering, momentum) in [(true, 0.0), (true, 0.5), (false, 0.0)] {
            let config = TrainConfig {
                centering,
                momentum,
                epochs: Some(100),
                chains: Some(8100),
                learning_rate: 0.1,
                schedule: Schedule::Constant,
                ..TrainConfig::default()
            };
            let mut plain = trainer(0, &machine(), config.clone());
            let mut flipped = trainer(FLIPPED, &flip(&machine(), FLIPPED), config);
            for _ in 0..50 {
                enumerated_update(&mut plain);
                enumerated_update(&mut flipped);
            }
            let apart = distance(&flip(&plain.rbm(), FLIPPED), &flipped.rbm());
            assert!(distance(&plain.rbm(), &machine()) > 0.2, "they have moved");
            // Rounding of means to 2^-16 in 50 steps of 0.1, and of states to 1 in 8,000 at worst.
            if centering {
                assert!(apart < 1e-3, "momentum {momentum}: {apart}");
            } else {
                assert!(apart > 0.05, "flipped pixels make no difference: {apart}");
            }
        }
    }

    #[test]
    fn averages_are_those_of_the_parameters_after_each_update() {
        for averaging in [Averaging::Exponential(8.0), Averaging::Tail(0.25), Averaging::Tail(1.0)]
        {
            let config = TrainConfig {
                averaging,
                epochs: Some(40),
                schedule: Schedule::Constant,
                ..TrainConfig::default()
            };
            let mut trainer = trainer(0, &machine(), config);
            let mut history = Vec::new();
            while !trainer.is_done() {
                trainer.update().unwrap();
                history.push(f64::from(trainer.rbm().weights()[[3, 2]]));
            }
            let expected = match averaging {
                // An update an epoch: with shares max(1/n, 1 − e^(−1/8)).
                Averaging::Exponential(epochs) => {
                    let mut mean = 0.0;
                    for (n, x) in history.iter().enumerate() {
                        let share = (1.0 - (-1.0_f64 / epochs).exp()).max(1.0 / (n + 1) as f64);
                        mean += share * (x - mean);
                    }
                    mean
                }
                Averaging::Tail(share) => {
                    let tail = &history[40 - (40.0 * share) as usize..];
                    tail.iter().sum::<f64>() / tail.len() as f64
                }
                Averaging::None => unreachable!(),
            };
            let found = f64::from(trainer.average().unwrap().weights()[[3, 2]]);
            assert!((found - expected).abs() < 1e-5, "{averaging}: {found}, not {expected}");
            assert!((found - history[39]).abs() > 1e-3, "an average that is no average");
            assert_eq!(trainer.model(), trainer.average().unwrap());
        }
    }

    #[test]
    fn chains_start_anew_at_the_share_that_was_asked_for() {
        for (share, least, most) in [(0.0, 0, 0), (0.25, 870, 1130), (1.0, 4000, 4000)] {
            let rbm = Rbm::new(Array2::zeros((V, H)), Array1::zeros(V), Array1::zeros(H));
            let config = TrainConfig { chains: Some(4000), ..TrainConfig::default() };
            let mut trainer = trainer(0, &rbm.unwrap(), config);
            trainer.clamp();
            trainer.sweep();
            trainer.mean_hidden();
            // Means of 1 in the data: a chain that starts anew has all units on.
            trainer.statistics.mean_hidden.iter_mut().for_each(|row| row.fill(1 << 16));
            trainer.negative.chains.hidden.panels_mut().for_each(|panel| panel.fill(0));
            let stream = Stream::new(5, Purpose::ChainReset, 0);
            trainer.negative.reset(&trainer.statistics, share, stream);
            let hidden = trainer.chains().hidden();
            let n = (0..4000).filter(|&chain| hidden.row(chain)[0] == 0b1111).count();
            let untouched = (0..4000).filter(|&chain| hidden.row(chain)[0] == 0).count();
            assert_eq!(n + untouched, 4000);
            assert!((least..=most).contains(&n), "{n} of 4000 at {share}");
        }
    }

    /// With one sweep of contrastive divergence every chain begins at its own example: a machine
    /// without couplings between bits forgets it, one that copies them keeps it.
    #[test]
    fn contrastive_divergence_starts_at_the_batch() {
        let copying = Rbm::new(
            Array2::from_shape_fn((V, V), |(i, j)| if i == j { 40.0 } else { 0.0 }),
            Array1::from_elem(V, -20.0),
            Array1::from_elem(V, -20.0),
        );
        let bits = BitMatrix::from_fn(50, V, |n, i| (n * n + 3 * i * n + i) % 5 < 2);
        let examples = Examples::new(Dataset::from_bits("few", bits), Binarization::Stochastic);
        let config = TrainConfig {
            hidden: Some(V),
            batch_size: 20,
            algorithm: Algorithm::Cd,
            gibbs_steps: 3,
            learning_rate: 1e-6,
            ..TrainConfig::default()
        };
        let mut trainer = Trainer::from_model(config, examples, &copying.unwrap()).unwrap();
        // Batches of 20, 20 and 10, twice.
        for _ in 0..6 {
            trainer.update().unwrap();
            let data = trainer.positive.visible().to_matrix();
            assert_eq!(trainer.chains().visible(), data);
            assert_eq!(trainer.flip_rate(), 0.0);
        }
    }
}
