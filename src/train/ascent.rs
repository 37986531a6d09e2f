//! The ascent on the log-likelihood: update after update, each with its mini-batch.

use super::average::Average;
use super::completion::Completion;
use super::config::{Algorithm, TrainConfig};
use super::gradient::Gradient;
use super::label_phase::LabelPhase;
use super::mean_hidden::mean_hidden;
use super::negative_phase::NegativePhase;
use super::optimizer::Optimizer;
use super::outset::Outset;
use super::parameters::Parameters;
use super::positive_phase::{Batch, PositivePhase};
use super::range::Range;
use super::row_weights::RowWeights;
use super::statistics::Statistics;
use super::timetable::Timetable;
use crate::bits::BitMatrix;
use crate::dataset::Examples;
use crate::error::{Error, Result};
use crate::gibbs::{Chains, FixedWeights, Tempering, Trajectory};
use crate::kernels::tile::SIDE;
use crate::kernels::tiled::Padded;
use crate::kernels::{Isa, sampling};
use crate::layout::Layout;
use crate::memory::{self, Bytes, Need};
use crate::model::{Rbm, TiledParameters};
use crate::ranks::Ranks;
use crate::rng::{Purpose, Stream};
use crate::setting::Section as _;
use crate::threads::as_a_worker;
use crate::units::Units;
use crate::watch::Watch;

/// The work from which on an update can be interrupted, in products of a state and a weight: some tens of
/// milliseconds. A shorter update is over before anybody waits for it, and saves no chains.
const LONG: f64 = (1_u64 << 30) as f64;

/// The parameters, the chains and everything else that an update needs besides its mini-batch.
#[derive(Clone, Debug)]
pub struct Ascent {
    timetable: Timetable,
    pub(super) parameters: Parameters,
    pub(super) optimizer: Optimizer,
    pub(super) average: Option<Average>,
    pub(super) positive: PositivePhase,
    /// With `missing = marginal`, the chains of the examples that lack values, if any does.
    pub(super) completion: Option<Completion>,
    pub(super) negative: NegativePhase,
    /// The labels, if they stand apart.
    pub(super) labels: Option<LabelPhase>,
    pub(super) statistics: Statistics,
    /// The shifts of the dither in the statistics of this update (H).
    shifts: Padded<u32>,
    pub(super) gradient: Gradient,
    pub(super) range: Range,
    /// Updates done.
    pub(super) updates: u64,
}

impl Ascent {
    /// The memory of an ascent by these settings, which must be [for the data](TrainConfig::for_data), on
    /// mini-batches of `n_rows` examples of this layer; with it the model at its start.
    pub fn needs(config: &TrainConfig, n_rows: usize, visible: impl Into<Layout>) -> [Need; 4] {
        let visible = &visible.into();
        let (n_hidden, n_chains) = (config.n_hidden(), config.n_chains());
        let model = Rbm::bytes(visible.n_units(), n_hidden)
            + Parameters::bytes(visible, n_hidden)
            + Optimizer::bytes(config, visible)
            + Average::bytes(config, visible);
        let statistics = |n: usize| Statistics::bytes(n, visible, n_hidden);
        let batch = PositivePhase::bytes(n_rows, visible)
            + statistics(n_rows)
            + Gradient::bytes(config, visible, n_rows.saturating_add(n_chains));
        let chains = NegativePhase::bytes(config, visible) + statistics(n_chains);
        // With CD, and usually without, their number follows from the size of a mini-batch.
        let of_chains: &[_] = match n_chains == config.batch_size {
            true => &["batch_size", "hidden"],
            false => &["chains", "hidden"],
        };
        let replicas = NegativePhase::bytes_of_replicas(config, visible);
        [
            // A narrower layer is padded to this width.
            Need::new(model, if n_hidden > SIDE { &["hidden"] } else { &[] }),
            Need::new(batch, &["batch_size", "hidden"]),
            Need::new(chains, of_chains),
            Need::new(
                replicas,
                match config.algorithm {
                    Algorithm::Ptt => &["chains", "hidden"],
                    _ => &["temperatures", "chains"],
                },
            ),
        ]
    }

    /// Checks that there is memory for an ascent by these settings, as [`needs`](Self::needs) says,
    /// and for what is held with it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] if there is not.
    pub(crate) fn check_memory(
        config: &TrainConfig,
        n_rows: usize,
        visible: &Layout,
        others: &[Need],
    ) -> Result<()> {
        let needs = [&Self::needs(config, n_rows, visible)[..], others].concat();
        let (n_visible, n_hidden, n_chains) =
            (visible.n_units(), config.n_hidden(), config.n_chains());
        let what = || format!("training {n_visible} x {n_hidden} units with {n_chains} chains");
        memory::check(what, &needs)
    }

    /// The memory of the [`state`](Self::state) of an ascent by these settings, for this visible layer.
    pub fn bytes_of_state(config: &TrainConfig, visible: &Layout) -> Bytes {
        let (n_hidden, n_chains) = (config.n_hidden(), config.n_chains());
        let (n_levels, of_models) = match config.algorithm {
            Algorithm::Pt => (config.temperatures, Bytes(0)),
            Algorithm::Ptt => {
                let n = Trajectory::MOST_RUNGS;
                let of_model = Bytes::of::<i16>(&[visible.n_units(), n_hidden]);
                (n, of_model * n + Rbm::bytes(visible.n_units(), n_hidden))
            }
            Algorithm::Auto | Algorithm::Cd | Algorithm::Pcd => (1, Bytes(0)),
        };
        let of_level = BitMatrix::bytes(n_chains, visible.n_units())
            + BitMatrix::bytes(n_chains, n_hidden)
            + Bytes::of::<Stream>(&[n_chains]);
        Rbm::bytes(visible.n_units(), n_hidden)
            + Optimizer::bytes(config, visible)
            + Average::bytes(config, visible)
            + of_level * n_levels
            + of_models
    }

    /// An ascent that starts from the parameters of a model.
    ///
    /// # Errors
    /// [`Error::NoEffect`] or [`Error::InvalidSetting`] if a setting has no effect, `hidden` is not H or
    /// the weights are out of the range of training.
    pub(super) fn start(
        timetable: Timetable,
        outset: &Outset,
        rbm: &Rbm,
        isa: Isa,
    ) -> Result<Self> {
        // Only here: settings of earlier versions, from which a run is restored, may hold such ones.
        timetable.config.check_effect()?;
        if timetable.config.n_hidden() != rbm.n_hidden() {
            return Err(Error::InvalidSetting {
                setting: "hidden",
                value: timetable.config.n_hidden().to_string(),
                rule: format!("{}, as in the model", rbm.n_hidden()),
            });
        }
        let range = Range::of(rbm, outset.scale(rbm.n_hidden()))?;
        let ascent = Self::within(timetable, outset, rbm, range, isa)?;
        ascent.negative.check_start(ascent.parameters.fixed())?;
        Ok(ascent)
    }

    /// As [`start`](Self::start), with the range of the parameters. There is room for one example.
    pub(super) fn within(
        timetable: Timetable,
        outset: &Outset,
        rbm: &Rbm,
        range: Range,
        isa: Isa,
    ) -> Result<Self> {
        let (config, visible_units) = (&timetable.config, rbm.visible_units());
        config.check_rows(1, rbm.n_visible())?;
        let parameters = Parameters::new(rbm, range.format(), isa);
        let negative = NegativePhase::start(config, outset, &parameters);
        let statistics = Statistics::new(1, &negative.chains().visible, config.n_hidden());
        let capacities = statistics.capacities();
        let mean = visible_units.in_panels(&outset.mean.to_vec());
        Ok(Self {
            gradient: Gradient::new(config, isa, mean.as_flattened(), capacities.0 + capacities.1),
            statistics,
            shifts: Padded::new(config.n_hidden()),
            optimizer: Optimizer::new(config, &parameters),
            average: Average::new(&timetable, &parameters),
            positive: PositivePhase::new(isa, 1, visible_units.layout()),
            completion: outset
                .completion
                .as_ref()
                .map(|drawn| Completion::new(drawn.clone(), parameters.fixed(), 1)),
            negative,
            labels: LabelPhase::of(config, outset)?,
            range,
            updates: 0,
            parameters,
            timetable,
        })
    }

    /// Makes room for mini-batches of `n` examples.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if sums over `n` rows might overflow; [`Error::OutOfMemory`].
    pub(super) fn make_room(&mut self, n: usize) -> Result<()> {
        if n <= self.positive.capacity() {
            return Ok(());
        }
        let weights = self.parameters.fixed();
        self.config().check_rows(n, weights.n_visible())?;
        let [_, of_batch, ..] = Self::needs(self.config(), n, weights.visible_units.layout());
        let of_labels =
            self.labels.as_ref().map(|labels| labels.need_of_room(n, weights.n_hidden()));
        let needs: Vec<Need> = of_labels.into_iter().chain([of_batch]).collect();
        memory::check(|| format!("a mini-batch of {n} examples"), &needs)?;
        if let Some(labels) = &mut self.labels {
            labels.make_room(n, weights.n_hidden());
        }
        self.positive = PositivePhase::new(weights.isa, n, weights.visible_units.layout());
        if let Some(completion) = &mut self.completion {
            completion.make_room(weights, n);
        }
        self.statistics = Statistics::new(n, &self.negative.chains.visible, weights.n_hidden());
        let (data, chains) = self.statistics.capacities();
        self.gradient.set_row_capacity(data + chains);
        Ok(())
    }

    /// Updates the parameters once, with a mini-batch and `gibbs_steps` sweeps of the chains. Calls
    /// `after_stage` after each of the four stages.
    ///
    /// # Errors
    /// [`Error::Interrupted`], which leaves the ascent as it was before the update. (The last stage, which
    /// moves the parameters, is never interrupted.) [`Error::Diverged`] if the parameters left the range
    /// of fixed point. The ascent must not be used after that: [`current`](Self::current) may panic.
    pub(crate) fn update(
        &mut self,
        batch: Batch<'_>,
        watch: Watch<'_>,
        mut after_stage: impl FnMut() + Send,
    ) -> Result<()> {
        as_a_worker(|| {
            // Ranks stop between two updates, where they can agree.
            let is_alone = !self.parameters.ranks().are_several();
            if is_alone {
                watch.check()?;
            }
            let is_watched = is_alone && self.is_long(batch.rows.len());
            let before = is_watched.then(|| self.negative.saved());
            let watch = if before.is_some() { watch } else { Watch::default() };
            self.clamp(batch);
            after_stage();
            let sampled = self.sweep(watch).and_then(|()| {
                after_stage();
                self.mean_hidden(watch)
            });
            if let Err(error) = sampled {
                if let Some(before) = before {
                    self.negative.go_back(&self.parameters.fixed, before);
                }
                return Err(error);
            }
            after_stage();
            let done = self.ascend();
            after_stage();
            done
        })
    }

    /// Splits the updates from now on among ranks, each of which must hold the same ascent.
    pub(super) fn spread(&mut self, ranks: Ranks) {
        self.parameters.fixed.ranks = ranks;
    }

    /// The ranks that share the updates.
    pub fn ranks(&self) -> &Ranks {
        self.parameters.ranks()
    }

    /// Gives every rank the weights of the others, and what their rule and average remember of them. All ranks must
    /// call it at the same update.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    pub(super) fn gather(&mut self) -> Result<()> {
        let Self { parameters, optimizer, average, negative, .. } = self;
        parameters.gather()?;
        negative.gather(parameters)?;
        optimizer.gather(parameters.ranks())?;
        average.as_mut().map_or(Ok(()), |average| average.gather(parameters.ranks()))
    }

    /// Whether the next update, with `n_data` examples, takes so long that somebody may wait for it.
    fn is_long(&self, n_data: usize) -> bool {
        let weights = self.parameters.fixed();
        let replicas = self.tempering().map_or(0, Tempering::n_replicas)
            + self.trajectory().map_or(0, Trajectory::n_rungs)
            + 1;
        let n_chains = self.config().n_chains().max(self.chains().n_chains()) * replicas;
        let gibbs_steps = self.timetable.gibbs_steps(self.updates) as f64;
        let of_data = if self.completion.is_some() { 1.0 + gibbs_steps } else { 1.0 };
        let sweeps = n_data as f64 * of_data + n_chains as f64 * gibbs_steps;
        sweeps * weights.n_visible() as f64 * weights.n_hidden() as f64 >= LONG
    }

    /// Clamps the visible units of the positive phase to the mini-batch, and weighs its examples.
    pub(super) fn clamp(&mut self, batch: Batch<'_>) {
        let TrainConfig { algorithm, objective, seed, .. } = self.timetable.config;
        // Chains that start at the examples stand for them in the other phase.
        self.statistics.set_weights(RowWeights::of(
            batch,
            algorithm == Algorithm::Cd && objective.needs_chains(),
        ));
        if let Some(labels) = &mut self.labels {
            labels.take_labels(batch);
        }
        let n_classes = self.labels.as_ref().map_or(0, LabelPhase::n_classes);
        let n_visible = self.parameters.fixed.n_visible();
        self.positive.clamp(batch, n_visible - n_classes, seed);
        if let Some(completion) = &mut self.completion {
            completion.visit(batch, &self.positive, seed);
        }
    }

    /// Completes the examples, and sweeps the chains of the negative phase up to the last draw of h.
    fn sweep(&mut self, watch: Watch<'_>) -> Result<()> {
        let gibbs_steps = self.timetable.gibbs_steps(self.updates);
        if let Some(completion) = &mut self.completion {
            completion.sweep(&self.parameters, &mut self.positive, gibbs_steps, watch)?;
        }
        self.negative.sweep(&self.parameters, &self.positive, gibbs_steps, watch)
    }

    /// Computes p(h | v) of both phases and draws the next h of the chains.
    pub(super) fn mean_hidden(&mut self, watch: Watch<'_>) -> Result<()> {
        let TrainConfig { chain_reset, seed, .. } = self.timetable.config;
        let Self { parameters, positive, negative, labels, statistics, shifts, .. } = self;
        let mut stream = Stream::new(seed, Purpose::Dither, self.updates);
        sampling::fill(parameters.fixed.isa, &mut stream, parameters.fixed.n_hidden(), shifts);
        if let Some(labels) = labels {
            labels.take(parameters, positive, statistics, shifts, watch)?;
        }
        mean_hidden(parameters, positive, negative, statistics, shifts, watch)?;
        if chain_reset > 0.0 {
            let stream = Stream::new(seed, Purpose::ChainReset, self.updates);
            let Self { parameters, negative, statistics, .. } = self;
            negative.reset(&parameters.fixed, statistics, chain_reset, stream)?;
        }
        Ok(())
    }

    /// Takes the gradient, the difference of both phases' statistics, and one step along it.
    pub(super) fn ascend(&mut self) -> Result<()> {
        let step = self.timetable.step(self.updates);
        if let Some(completion) = &mut self.completion {
            completion.keep();
        }
        self.gradient.take(&self.statistics, self.parameters.ranks())?;
        let Self { optimizer, parameters, gradient, statistics, .. } = self;
        let reach = optimizer.update(parameters, gradient, statistics, step, self.updates)?;
        self.updates += 1;
        if let Some(average) = &mut self.average {
            average.observe(&self.parameters, self.updates);
        }
        let weights = self.parameters.fixed();
        // Measuring the range costs a pass over W, so it waits until a sum might overflow.
        let is_safe = self.range.is_safe_after(reach, weights.n_visible().max(weights.n_hidden()));
        if !is_safe || self.timetable.is_end_of_epoch(self.updates) {
            self.parameters.gather()?;
            let epoch = self.timetable.n_epochs_begun(self.updates) as usize;
            self.range.check(&mut self.parameters, epoch, self.updates)?;
        }
        self.negative.follow(&self.parameters, self.updates, self.timetable.config.swap_rate)
    }

    /// Follows another plan from the next update on.
    pub(super) fn replan(&mut self, timetable: Timetable) {
        if let Some(average) = &mut self.average {
            average.replan(&timetable, self.updates);
        }
        self.timetable = timetable;
    }

    /// The settings, completed [for the data](TrainConfig::for_data).
    pub fn config(&self) -> &TrainConfig {
        &self.timetable.config
    }

    /// The plan of the run.
    pub fn timetable(&self) -> &Timetable {
        &self.timetable
    }

    /// Updates done.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Whether all updates of the run are done.
    pub fn is_done(&self) -> bool {
        self.updates >= self.timetable.total_updates
    }

    /// The model as it is now.
    pub fn current(&self) -> Rbm {
        self.parameters.to_rbm()
    }

    /// The average of the parameters; none if the settings ask for none, or before it begins.
    pub fn average(&self) -> Option<Rbm> {
        Some(self.average.as_ref()?.means()?.to_rbm())
    }

    /// The model that the run gives: the average if there is one, else the model as it is now.
    pub fn model(&self) -> Rbm {
        self.shown().to_rbm()
    }

    /// [`model`](Self::model) in fixed point, as fine as its norm allows, for evaluations.
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

    /// The chains; with CD, one per example of the last mini-batch.
    pub fn chains(&self) -> &Chains {
        self.negative.chains()
    }

    /// The replicas of parallel tempering, if there are any.
    pub fn tempering(&self) -> Option<&Tempering> {
        self.negative.tempering()
    }

    /// The replicas of parallel trajectory tempering, if there are any.
    pub fn trajectory(&self) -> Option<&Trajectory> {
        self.negative.trajectory()
    }

    /// The fraction of the chains' visible bits that the last sweep changed.
    pub fn flip_rate(&self) -> f64 {
        self.negative.flip_rate(&self.positive)
    }
}

/// Refuses data that do not have these units.
pub(super) fn check_units(examples: &Examples, expected: &Units) -> Result<()> {
    let (what, found) = (examples.name().to_string(), examples.n_visible());
    if found != expected.n_units() {
        let expected = expected.n_units();
        return Err(Error::WidthMismatch { what, found, other: "the model", expected });
    }
    check_sites(&what, &examples.units(), expected)
}

/// Refuses other sites of the data `what` than those of the model.
pub(super) fn check_sites(what: &str, found: &Units, expected: &Units) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let rule = "has other sites than the model, but they must have the same numbers of values, in the same order";
    Err(Error::Unsuitable { path: what.into(), rule: rule.into() })
}
