//! The trainer: update after update, epoch after epoch, on a data set.

use super::ascent::{Ascent, check_units};
use super::completion::Completion;
use super::config::{Missing, TrainConfig};
use super::label_phase::LabelPhase;
use super::order::order;
use super::outset::{LabelSite, Outset};
use super::parameters::Parameters;
use super::positive_phase::Batch;
use super::timetable::Timetable;
use super::together::Together;
use crate::dataset::{Binarization, Examples};
use crate::error::{MissingWay, Remedy, Result};
use crate::gibbs::{Chains, FixedWeights, Tempering, Trajectory};
use crate::kernels::Isa;
use crate::memory::Need;
use crate::model::Rbm;
use crate::setting::{Section as _, check};
use crate::state::State;
use crate::watch::Watch;
use std::sync::Arc;

/// A training run: an ascent on the mini-batches of a data set.
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
    pub(super) ascent: Ascent,
    examples: Arc<Examples>,
    /// The order of the examples in this epoch.
    order: Vec<u32>,
    /// How ranks come to make the same calls, if there are several.
    pub(super) together: Together,
    /// Whether each has all weights after each update.
    pub(super) is_kept_whole: bool,
}

impl Trainer {
    /// A run from fresh parameters.
    ///
    /// # Errors
    /// As [`TrainConfig::validate`]; [`Error::NoEffect`](crate::Error::NoEffect) for a setting that has no
    /// effect beside the others; [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the run needs more
    /// memory than there is.
    pub fn new(config: TrainConfig, examples: impl Into<Arc<Examples>>) -> Result<Self> {
        Self::with_isa(config, examples.into(), None, Isa::fastest())
    }

    /// A run that starts from the parameters of a model, with new chains.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::WidthMismatch`](crate::Error::WidthMismatch) if the examples
    /// do not have V units, [`Error::InvalidSetting`](crate::Error::InvalidSetting) if `hidden` is not H
    /// or the weights are out of the range of training.
    pub fn from_model(
        config: TrainConfig,
        examples: impl Into<Arc<Examples>>,
        rbm: &Rbm,
    ) -> Result<Self> {
        Self::with_isa(config, examples.into(), Some(rbm), Isa::fastest())
    }

    /// A run from the parameters of a model, or from fresh ones, on a given instruction set. All
    /// instruction sets give the same bits.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`from_model`](Self::from_model).
    pub fn with_isa(
        config: TrainConfig,
        examples: Arc<Examples>,
        model: Option<&Rbm>,
        isa: Isa,
    ) -> Result<Self> {
        let timetable = Self::planned(config, &examples, model)?;
        let TrainConfig { seed, .. } = timetable.config;
        let initial = match model {
            Some(_) => None,
            None => {
                let (rates, units) = (examples.rates(), examples.units());
                Some(Rbm::initial_at(&rates, units, timetable.config.n_hidden(), seed)?)
            }
        };
        let rbm = model.or(initial.as_ref()).expect("one of both");
        let outset = Outset::of_examples(&timetable.config, &examples, isa);
        Self::of(Ascent::start(timetable, &outset, rbm, isa)?, examples)
    }

    /// The plan of a run as [`with_isa`](Self::with_isa) begins it. Nothing of the size of the model is made.
    ///
    /// # Errors
    /// As [`with_isa`](Self::with_isa), but for weights of the model that are out of the range of training.
    pub(crate) fn planned(
        config: TrainConfig,
        examples: &Examples,
        model: Option<&Rbm>,
    ) -> Result<Timetable> {
        config.validate()?;
        let hidden = config.hidden.or(model.map(Rbm::n_hidden));
        let timetable = timetable(TrainConfig { hidden, ..config }, examples)?;
        let config = &timetable.config;
        check_memory(config, examples)?;
        if let Some(model) = model {
            check_units(examples, model.visible_units())?;
        }
        config.check_effect()?;
        config.check_rows(config.batch_size, examples.n_visible())?;
        let completes = config.missing == Some(Missing::Marginal) && examples.missing().is_some();
        LabelPhase::label(config, LabelSite::of(examples), completes)?;
        Ok(timetable)
    }

    /// A run that continues from the [`state`](Self::state) of one with the same settings and examples,
    /// to the same bits on every instruction set.
    ///
    /// # Errors
    /// [`Error::BadState`](crate::Error::BadState) if the state does not come from such a run, and as
    /// [`new`](Self::new).
    pub fn restore(
        config: TrainConfig,
        examples: impl Into<Arc<Examples>>,
        state: &State,
        isa: Isa,
    ) -> Result<Self> {
        let examples = examples.into();
        let timetable = timetable(config, &examples)?;
        check_memory(&timetable.config, &examples)?;
        let outset = Outset::of_examples(&timetable.config, &examples, isa);
        Self::of(Ascent::restore(timetable, &outset, state, isa)?, examples)
    }

    /// The trainer of an ascent on these examples.
    fn of(mut ascent: Ascent, examples: Arc<Examples>) -> Result<Self> {
        ascent.make_room(ascent.config().batch_size)?;
        let order = (0..examples.n_examples() as u32).collect();
        let together = Together::default();
        let mut trainer = Self { ascent, examples, order, together, is_kept_whole: false };
        trainer.shuffle();
        Ok(trainer)
    }

    /// Everything on which the next updates depend, apart from settings and examples.
    pub fn state(&self) -> State {
        self.ascent.state()
    }

    /// Puts the examples in the order of this epoch.
    fn shuffle(&mut self) {
        order(self.ascent.config(), self.epoch() as u64, &mut self.order);
    }

    /// Updates the parameters once, with the next mini-batch and `gibbs_steps` sweeps of the chains.
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::Error::Diverged) if the parameters left the range of fixed point.
    /// The trainer must not be used after that: [`current`](Self::current) may panic.
    ///
    /// # Panics
    /// If the run [is done](Self::is_done).
    pub fn update(&mut self) -> Result<()> {
        self.update_watched(Watch::default())
    }

    /// [`update`](Self::update) under a watch, which can stop an update however long it takes. (Only its
    /// last stage, which moves the parameters, always runs to its end.)
    ///
    /// ```
    /// use harmonium::dataset::{Binarization, Dataset, Examples};
    /// use harmonium::{BitMatrix, Error, TrainConfig, Trainer, Watch};
    /// use std::sync::atomic::AtomicBool;
    /// let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
    /// let examples = Examples::new(Dataset::from_bits("bars", bars), Binarization::Stochastic);
    /// let mut trainer = Trainer::new(TrainConfig::default(), examples)?;
    /// let stop = AtomicBool::new(true);
    /// assert!(matches!(trainer.update_watched(Watch::until(&stop)), Err(Error::Interrupted)));
    /// assert_eq!(trainer.updates(), 0);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`update`](Self::update); [`Error::Interrupted`](crate::Error::Interrupted), which leaves the
    /// trainer as it was before this update.
    ///
    /// # Panics
    /// As [`update`](Self::update).
    pub fn update_watched(&mut self, watch: Watch<'_>) -> Result<()> {
        self.update_in_stages(watch, || ())
    }

    /// As [`update_watched`](Self::update_watched), but calls `after_stage` after each of the four stages.
    pub(crate) fn update_in_stages(
        &mut self,
        watch: Watch<'_>,
        after_stage: impl FnMut() + Send,
    ) -> Result<()> {
        assert!(!self.is_done(), "all updates of the run are done");
        self.before_update(watch)?;
        if self.is_first_of_epoch() {
            self.shuffle();
        }
        let Self { ascent, examples, order, .. } = self;
        ascent.update(next_batch(ascent, examples, order), watch, after_stage)?;
        self.after_update()
    }

    /// The settings with which the run would last `epochs` epochs in all.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if it has done more updates already.
    pub fn plan(&self, epochs: usize) -> Result<TrainConfig> {
        let config = TrainConfig { epochs: Some(epochs), updates: None, ..self.config().clone() };
        config.validate()?;
        let total_updates = config.total_updates(self.examples.n_examples());
        check("epochs", epochs, total_updates >= self.updates(), || {
            format!("at least {}, the number of epochs done or begun", self.n_epochs_begun())
        })?;
        Ok(config)
    }

    /// Changes the length of the run to `epochs` epochs in all. The schedule, the sweeps and the tail of
    /// an average follow the new plan from the next update on.
    ///
    /// # Errors
    /// As [`plan`](Self::plan).
    pub fn replan(&mut self, epochs: usize) -> Result<()> {
        self.plan(epochs)?;
        self.ask_to_replan(epochs)?;
        self.follow_plan(epochs)
    }

    /// [`replan`](Self::replan) of this rank.
    pub(super) fn follow_plan(&mut self, epochs: usize) -> Result<()> {
        self.ascent.replan(Timetable::new(self.plan(epochs)?, self.updates_per_epoch()));
        Ok(())
    }

    /// Whether the next update is the first of an epoch.
    pub fn is_first_of_epoch(&self) -> bool {
        self.updates().is_multiple_of(self.updates_per_epoch())
    }

    /// Whether the next update is the last of an epoch, or of the run.
    pub fn is_last_of_epoch(&self) -> bool {
        self.ascent.timetable().is_end_of_epoch(self.updates() + 1)
    }

    /// Whether the last update done was the last of an epoch, or of the run.
    pub fn is_at_end_of_epoch(&self) -> bool {
        self.ascent.timetable().is_end_of_epoch(self.updates())
    }

    /// Epochs done.
    pub fn epoch(&self) -> usize {
        self.ascent.timetable().epoch(self.updates()) as usize
    }

    /// Epochs done or begun.
    pub fn n_epochs_begun(&self) -> u64 {
        self.ascent.timetable().n_epochs_begun(self.updates())
    }

    /// Epochs of the whole run; the last may be cut short.
    pub fn n_epochs(&self) -> u64 {
        self.ascent.timetable().n_epochs()
    }

    /// Updates of an epoch.
    pub fn updates_per_epoch(&self) -> u64 {
        self.ascent.timetable().updates_per_epoch
    }

    /// Updates done.
    pub fn updates(&self) -> u64 {
        self.ascent.updates()
    }

    /// Updates of the whole run.
    pub fn total_updates(&self) -> u64 {
        self.ascent.timetable().total_updates
    }

    /// Whether all updates of the run are done.
    pub fn is_done(&self) -> bool {
        self.ascent.is_done()
    }

    /// The settings, completed [for the data](TrainConfig::for_data).
    pub fn config(&self) -> &TrainConfig {
        self.ascent.config()
    }

    /// The training data.
    pub fn examples(&self) -> &Examples {
        &self.examples
    }

    /// The parameters, the chains and the place in the run.
    pub fn ascent(&self) -> &Ascent {
        &self.ascent
    }

    /// The model as it is now.
    pub fn current(&self) -> Rbm {
        self.ascent.current()
    }

    /// The average of the parameters; none if the settings ask for none, or before it begins.
    pub fn average(&self) -> Option<Rbm> {
        self.ascent.average()
    }

    /// The model that the run gives: the average if there is one, else the model as it is now.
    pub fn model(&self) -> Rbm {
        self.ascent.model()
    }

    /// [`model`](Self::model) in fixed point, as fine as its norm allows, for evaluations.
    pub fn fixed_weights(&self) -> FixedWeights {
        self.ascent.fixed_weights()
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> &Parameters {
        self.ascent.parameters()
    }

    /// The chains; with CD, one per example of the last mini-batch.
    pub fn chains(&self) -> &Chains {
        self.ascent.chains()
    }

    /// The replicas of parallel tempering, if there are any.
    pub fn tempering(&self) -> Option<&Tempering> {
        self.ascent.tempering()
    }

    /// The replicas of parallel trajectory tempering, if there are any.
    pub fn trajectory(&self) -> Option<&Trajectory> {
        self.ascent.trajectory()
    }

    /// The fraction of the chains' visible bits that the last sweep changed.
    pub fn flip_rate(&self) -> f64 {
        self.ascent.flip_rate()
    }
}

/// The ways to train on missing values.
const MISSING: [MissingWay; 2] = [
    MissingWay {
        setting: Remedy::with("missing", "absent"),
        meaning: "leaves such a site out of the model of its example, as suits ratings",
    },
    MissingWay {
        setting: Remedy::with("missing", "marginal"),
        meaning: "sums over the values that it may have, as suits values that are missing at random",
    },
];

/// The plan of a run on these examples.
fn timetable(config: TrainConfig, examples: &Examples) -> Result<Timetable> {
    config.validate()?;
    config.check_missing(examples)?;
    let n_examples = examples.n_examples();
    let config = config.for_data(n_examples, examples.n_visible());
    let updates_per_epoch = config.updates_per_epoch(n_examples);
    Ok(Timetable::new(config, updates_per_epoch))
}

impl TrainConfig {
    /// Refuses missing values of training or held-out examples that the settings do not allow.
    ///
    /// # Errors
    /// [`Error::MissingValues`](crate::Error::MissingValues),
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting).
    pub(crate) fn check_missing(&self, examples: &Examples) -> Result<()> {
        examples.check_have_values()?;
        if self.missing.is_none() {
            return examples.refuse_missing("training", &MISSING);
        }
        let has_missing = examples.missing().is_some();
        check("binarize", Binarization::None, !(has_missing && examples.reals().is_some()), || {
            "stochastic or a threshold for data with missing values: only sites of bits or categories may lack one"
                .to_string()
        })
    }
}

/// Checks that there is memory for a run on these examples, with them.
fn check_memory(config: &TrainConfig, examples: &Examples) -> Result<()> {
    let others = [
        Need::held(examples.bytes(), &[]),
        Completion::need(config, examples),
        LabelPhase::need(config, examples),
    ];
    Ascent::check_memory(config, config.batch_size, examples.units().layout(), &others)
}

/// The next mini-batch of this epoch.
fn next_batch<'a>(ascent: &Ascent, examples: &'a Examples, order: &'a [u32]) -> Batch<'a> {
    let (updates, timetable) = (ascent.updates(), ascent.timetable());
    let at = (updates % timetable.updates_per_epoch) as usize;
    let rows = order.chunks(ascent.config().batch_size).nth(at).expect("a mini-batch");
    let first_address = timetable.epoch(updates) * examples.n_examples() as u64;
    Batch { examples, rows, first_address }
}

#[cfg(test)]
mod tests {
    use super::super::averaging::Averaging;
    use super::super::config::Algorithm;
    use super::super::parameters::Parameters;
    use super::super::schedule::Schedule;
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Dataset};
    use crate::gibbs::FixedWeights;
    use crate::kernels::sigmoid::MEAN_ONE;
    use crate::rng::{Purpose, Stream};
    use crate::states::States;
    use ndarray::{Array1, Array2};

    const V: usize = 6;
    const H: usize = 4;

    /// A trainer on examples in which the units in `flipped` are flipped.
    fn trainer(flipped: u64, rbm: &Rbm, config: TrainConfig) -> Trainer {
        let on = |n: usize, i: usize| (n * n + 3 * i * n + i) % 5 < 2;
        let bits = BitMatrix::from_fn(20, V, |n, i| on(n, i) != (flipped >> i & 1 == 1));
        let examples = Examples::new(Dataset::from_bits("few", bits), Binarization::Stochastic);
        let config = TrainConfig { hidden: Some(H), batch_size: 20, ..config };
        Trainer::from_model(config, examples, rbm).unwrap()
    }

    fn model() -> Rbm {
        let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 16.0 - 0.875;
        Rbm::new(
            Array2::from_shape_fn((V, H), |(i, j)| value(i * H + j)),
            Array1::from_shape_fn(V, |i| value(i + 100)),
            Array1::from_shape_fn(H, |j| value(j + 200)),
        )
        .unwrap()
    }

    /// The model that gives flipped states the probabilities that `rbm` gives the others.
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

    /// Does an update whose 8,000 chains hold every state in proportion to its probability.
    fn enumerated_update(trainer: &mut Trainer) {
        const ROWS: f64 = 8000.0;
        let rbm = trainer.current();
        let p: Vec<f64> = (0..1u64 << V).map(|v| (-rbm.free_energy(&[v])).exp()).collect();
        let z: f64 = p.iter().sum();
        let rows: Vec<u64> = (0..1u64 << V)
            .flat_map(|v| {
                let n = (p[v as usize] / z * ROWS).round() as usize;
                std::iter::repeat_n(v, n)
            })
            .collect();
        let states = BitMatrix::from_fn(rows.len(), V, |n, i| rows[n] >> i & 1 == 1);
        let batch = next_batch(&trainer.ascent, &trainer.examples, &trainer.order);
        let ascent = &mut trainer.ascent;
        let visible = &mut ascent.negative.chains.visible;
        visible.set_n_rows(rows.len());
        for row in 0..rows.len() {
            visible.set_row(row, states.row(row));
        }
        ascent.clamp(batch);
        ascent.mean_hidden(Watch::default()).unwrap();
        ascent.ascend().unwrap();
    }

    /// The largest difference between the parameters of two models.
    fn distance(one: &Rbm, other: &Rbm) -> f32 {
        let pairs = one.weights().iter().zip(other.weights());
        let pairs = pairs.chain(one.visible_bias().iter().zip(other.visible_bias()));
        let pairs = pairs.chain(one.hidden_bias().iter().zip(other.hidden_bias()));
        pairs.map(|(x, y)| (x - y).abs()).fold(0.0, f32::max)
    }

    /// Flipping units does not change the centred gradient (Melchior, Fischer and Wiskott, 2016,
    /// section 4.1), but it does change the plain one.
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
            let mut plain = trainer(0, &model(), config.clone());
            let mut flipped = trainer(FLIPPED, &flip(&model(), FLIPPED), config);
            for _ in 0..50 {
                enumerated_update(&mut plain);
                enumerated_update(&mut flipped);
            }
            let apart = distance(&flip(&plain.current(), FLIPPED), &flipped.current());
            assert!(distance(&plain.current(), &model()) > 0.2, "the parameters have hardly moved");
            // In 50 steps of 0.1, means are rounded to 2^-16 and states to 1 in 8,000.
            if centering {
                assert!(apart < 1e-3, "momentum {momentum}: {apart}");
            } else {
                assert!(apart > 0.05, "flipped pixels make no difference: {apart}");
            }
        }
    }

    /// The step of a full batch is the derivative of Σ w ln p / Σ w by finite differences.
    #[test]
    fn a_step_on_weighted_examples_climbs_their_weighted_log_likelihood() {
        const RATE: f32 = 1e-3;
        let rbm = model();
        let bits = BitMatrix::from_fn(20, V, |n, i| (n * n + 3 * i * n + i) % 5 < 2);
        let weights: Vec<_> = (0..20).map(|n| 0.05 + (n * n % 7) as f64).collect();
        let config = TrainConfig {
            hidden: Some(H),
            batch_size: 20,
            centering: false,
            chains: Some(8100),
            learning_rate: RATE.into(),
            schedule: Schedule::Constant,
            ..TrainConfig::default()
        };
        let step = |weights: &[f64]| {
            let data = Dataset::from_bits("few", bits.clone()).weighted("w", weights).unwrap();
            let examples = Examples::new(data, Binarization::Stochastic);
            let mut trainer = Trainer::from_model(config.clone(), examples, &rbm).unwrap();
            enumerated_update(&mut trainer);
            let after = trainer.current();
            let step = (after.weights() - rbm.weights()).into_iter();
            let step = step.chain(after.visible_bias() - rbm.visible_bias());
            step.chain(after.hidden_bias() - rbm.hidden_bias()).map(|x| x / RATE)
        };
        let likelihood = |at: usize, by: f32| {
            let mut w = rbm.weights().clone();
            let (mut b, mut c) = (rbm.visible_bias().clone(), rbm.hidden_bias().clone());
            match at {
                _ if at < V * H => w[[at / H, at % H]] += by,
                _ if at < V * H + V => b[at - V * H] += by,
                _ => c[at - V * H - V] += by,
            }
            let moved = Rbm::new(w, b, c).unwrap();
            let z: f64 = (0..1u64 << V).map(|v| (-moved.free_energy(&[v])).exp()).sum();
            let log_p = |n| -moved.free_energy(bits.row(n)) - z.ln();
            let sum: f64 = weights.iter().enumerate().map(|(n, w)| w * log_p(n)).sum();
            sum / weights.iter().sum::<f64>()
        };
        let (mut furthest, mut difference) = (0.0_f64, 0.0_f64);
        for (at, (step, plain)) in step(&weights).zip(step(&[1.0; 20])).enumerate() {
            const BY: f32 = 1.0 / 128.0;
            let expected = (likelihood(at, BY) - likelihood(at, -BY)) / f64::from(2.0 * BY);
            furthest = furthest.max((f64::from(step) - expected).abs());
            difference = difference.max((f64::from(plain) - expected).abs());
        }
        // p̃ is rounded to 1/255 in 20 rows, states to 1 in 8,000.
        assert!(furthest < 0.004, "{furthest}");
        assert!(difference > 0.05, "the weights make no difference");
    }

    #[test]
    fn averages_run_over_the_parameters_after_each_update() {
        for averaging in [Averaging::Exponential(8.0), Averaging::Tail(0.25), Averaging::Tail(1.0)]
        {
            let config = TrainConfig {
                averaging,
                epochs: Some(40),
                schedule: Schedule::Constant,
                ..TrainConfig::default()
            };
            let mut trainer = trainer(0, &model(), config);
            let mut history = Vec::new();
            while !trainer.is_done() {
                trainer.update().unwrap();
                history.push(f64::from(trainer.current().weights()[[3, 2]]));
            }
            let expected = match averaging {
                // One update per epoch; the weights of new samples are max(1/n, 1 − e^(−1/8)).
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
            assert!((found - history[39]).abs() > 1e-3, "the average equals the last value");
            assert_eq!(trainer.model(), trainer.average().unwrap());
        }
    }

    /// Weights grow from one format to the next, in the middle of an epoch too. The chains always read the
    /// present weights, in a format that holds them, and a restored trainer goes on with the same.
    #[test]
    fn the_format_follows_the_weights() {
        let rbm = model();
        let rbm = Rbm::new(
            rbm.weights().mapv(|w| 13.0 * w),
            rbm.visible_bias().clone(),
            rbm.hidden_bias().clone(),
        );
        let config = TrainConfig {
            algorithm: Algorithm::Pt,
            temperatures: 3,
            epochs: Some(40),
            chains: Some(30),
            learning_rate: 6.0,
            schedule: Schedule::Constant,
            ..TrainConfig::plain()
        };
        let mut trainer = trainer(0, &rbm.unwrap(), config);
        let mut formats = Vec::new();
        while !trainer.is_done() {
            trainer.update().unwrap();
            let Parameters { exact, fixed, .. } = &trainer.ascent.parameters;
            let format = fixed.format();
            assert_eq!(*fixed, FixedWeights::new(exact, format, fixed.isa));
            let largest =
                exact.weights.to_matrix().into_iter().fold(0.0, |a: f32, w| a.max(w.abs()));
            assert!(f64::from(largest) < format.largest_weight(), "{largest}, {format:?}");
            if formats.last() != Some(&format) {
                formats.push(format);
            }
            let (settings, examples) = (trainer.config().clone(), trainer.examples().clone());
            let mut other =
                Trainer::restore(settings, examples, &trainer.state(), Isa::BASELINE).unwrap();
            assert_eq!(other.ascent.parameters.fixed.format(), format);
            if !trainer.is_done() {
                let mut one = trainer.clone();
                one.update().unwrap();
                other.update().unwrap();
                assert_eq!(one.state().difference(&other.state()), None);
            }
        }
        let widths: Vec<_> =
            formats.iter().map(|format| format.largest_weight().log2().round()).collect();
        assert!(widths.contains(&4.0) && widths.len() >= 3, "{formats:?}");
    }

    #[test]
    fn the_given_share_of_chains_restarts() {
        for (share, least, most) in [(0.0, 0, 0), (0.25, 870, 1130), (1.0, 4000, 4000)] {
            let rbm = Rbm::new(Array2::zeros((V, H)), Array1::zeros(V), Array1::zeros(H));
            let config = TrainConfig { chains: Some(4000), ..TrainConfig::default() };
            let mut trainer = trainer(0, &rbm.unwrap(), config);
            trainer.update().unwrap();
            let Ascent { statistics, negative, parameters, .. } = &mut trainer.ascent;
            // All means of the data are 1, so a chain that restarts has all units on.
            statistics.mean_hidden.iter_mut().for_each(|row| row.fill(MEAN_ONE));
            negative.chains.hidden.panels_mut().for_each(|panel| panel.fill(0));
            let stream = Stream::new(5, Purpose::ChainReset, 0);
            negative.reset(parameters.fixed(), statistics, share, stream).unwrap();
            let hidden = trainer.chains().hidden();
            let n = (0..4000).filter(|&chain| hidden.row(chain)[0] == 0b1111).count();
            let untouched = (0..4000).filter(|&chain| hidden.row(chain)[0] == 0).count();
            assert_eq!(n + untouched, 4000);
            assert!((least..=most).contains(&n), "{n} of 4000 at {share}");
        }
    }

    /// Every chain of contrastive divergence starts at its own example. A model that copies bits keeps it.
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
            let States::Bits(data) = trainer.ascent.positive.visible() else { panic!("numbers") };
            assert_eq!(trainer.chains().visible(), data.to_matrix());
            assert_eq!(trainer.flip_rate(), 0.0);
        }
    }
}
