//! Parallel trajectory tempering in training: chains at models that the training passed through swap their states with
//! the chains of the current model (Béreux, Decelle, Furtlehner, Rosset and Seoane, 2025).
//!
//! ```text
//!   current model    its chains, which give the negative phase   v ──────► swap ──► h ──► v ──► …
//!                                                                          ▲ ▼
//!   rung R           replicas                                    v ──────► swap ──► h ──► v ──► …
//!   …                                                                      ▲ ▼
//!   rung 0           no weights: each sweep draws v anew         v ──────► swap
//! ```
//!
//! Rungs are frozen: swaps leave their distributions as they are, exactly. That of the current model moves with every
//! update, as in PCD. A new rung is [kept](Trajectory::keep) on top, with copies of the chains of the current model as
//! its replicas. Once there are 39, the rung goes whose two neighbours it joins with the largest product of swap rates.
//!
//! A swap is decided after v is drawn. Log-masses are integers, so that no split of their sums changes a swap. A random
//! stream stays with its rung.

use super::pair::{Beside, Place};
use super::rung::reweighted_swap_rate;
use super::{Chains, FixedWeights, Rung};
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::kernels::Isa;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::rng::{Purpose, STEP, Stream};
use crate::state::{State, bad};
use crate::units::Units;
use crate::watch::Watch;
use rayon::prelude::*;

/// Weight of the latest swaps in the running mean of the swap rates.
const RATE_MEMORY: f64 = 0.01;

/// Replicas of C chains at models that training passed through.
#[derive(Clone, Debug)]
pub struct Trajectory {
    seed: u64,
    /// From the model without weights on.
    models: Vec<FixedWeights>,
    levels: Vec<Level>,
    /// What the chains of the current model know of those of the last rung.
    top: Beside,
    /// Of each level, the last of which is the current model, and of each chain, whether its state has been at rung 0
    /// since it last was at the current model.
    is_new: Vec<Vec<u8>>,
    /// States that came from rung 0 to the current model.
    n_arrivals: u64,
    /// Models kept so far.
    n_kept: u64,
    n_sweeps: u64,
}

/// The replicas at a model.
#[derive(Clone, Debug)]
struct Level {
    chains: Chains,
    beside: Beside,
    /// The running rate of swaps with the level above, NaN before the first.
    swap_rate: f64,
}

impl Trajectory {
    /// The most rungs, with the current model.
    pub const MOST_RUNGS: usize = 40;

    /// The memory of the replicas of C chains of a model (V, H) at as many rungs as there may be.
    pub fn bytes(n_chains: usize, visible: impl Into<Layout>, n_hidden: usize) -> Bytes {
        let visible = visible.into();
        let of_level = Chains::bytes(n_chains, &visible, n_hidden)
            + Beside::bytes(n_chains, n_hidden)
            + Bytes::of::<u8>(&[n_chains])
            + FixedWeights::bytes::<i16>(visible, n_hidden);
        of_level * Self::MOST_RUNGS
    }

    /// Replicas of `chains` at the model `base`, which has no weights.
    pub fn new(base: FixedWeights, chains: &Chains, seed: u64) -> Self {
        let n_chains = chains.n_chains();
        let resolution = f64::from(base.scale.resolution());
        let units = &base.visible_units;
        let biases = units.in_columns(&base.visible_bias).into_iter();
        let mut streams = streams(seed, 0, n_chains);
        let start =
            units.draw_independent(biases.map(|bias| resolution * f64::from(bias)), &mut streams);
        let level = Level::new(&base, &start, streams);
        Self {
            seed,
            top: Beside::of(chains),
            models: vec![base],
            levels: vec![level],
            is_new: vec![vec![1; n_chains], vec![0; n_chains]],
            n_arrivals: 0,
            n_kept: 1,
            n_sweeps: 0,
        }
    }

    /// The estimated rate at which states of the last rung would swap with those of another model, from its replicas
    /// alone.
    pub(crate) fn swap_rate_with(&self, other: &FixedWeights) -> f64 {
        let (Some(last), Some(level)) = (self.models.last(), self.levels.last()) else {
            unreachable!("rung 0 stays")
        };
        let masses = |weights: &FixedWeights| {
            let masses =
                Rung::of_model(weights).log_masses(&level.chains.visible, Watch::default());
            masses.expect("nobody interrupts it")
        };
        let rises = masses(other).into_iter().zip(masses(last)).map(|(there, here)| there - here);
        reweighted_swap_rate(&rises.collect::<Vec<_>>())
    }

    /// Keeps a model as the last rung. Its replicas begin at the states of `chains`, those of the current model.
    pub(crate) fn keep(&mut self, model: FixedWeights, chains: &Chains) {
        let streams = streams(self.seed, self.n_kept, chains.n_chains());
        self.levels.push(Level::new(&model, &chains.visible(), streams));
        self.models.push(model);
        self.is_new.insert(self.levels.len() - 1, vec![0; chains.n_chains()]);
        self.n_kept += 1;
        // The rates of the last rung are those of its predecessor no longer.
        let n = self.levels.len();
        self.levels[n - 2].swap_rate = f64::NAN;
        if n < Self::MOST_RUNGS {
            return;
        }
        let joined = |at: &usize| {
            let product = self.levels[at - 1].swap_rate * self.levels[*at].swap_rate;
            if product.is_nan() { 0.0 } else { product }
        };
        let rungs = 1..n - 1;
        let removed = rungs.max_by(|a, b| joined(a).total_cmp(&joined(b))).expect("many rungs");
        self.models.remove(removed);
        self.levels.remove(removed);
        self.is_new.remove(removed);
        self.levels[removed - 1].swap_rate = f64::NAN;
    }

    /// Does a sweep of all replicas, with swaps after v is drawn, but only the first half of a sweep of `chains`, v
    /// given h. The caller does the second half, h given v.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted), [`Error::Ranks`](crate::Error::Ranks). The replicas and
    /// chains are then of no use.
    pub fn half_sweep(
        &mut self,
        weights: &FixedWeights,
        chains: &mut Chains,
        watch: Watch<'_>,
    ) -> Result<()> {
        let Self { models, levels, top, .. } = self;
        models.iter_mut().for_each(|model| model.ranks = weights.ranks.clone());
        let rungs: Vec<_> = models.iter().chain([weights]).map(Rung::of_model).collect();
        let own = levels.iter_mut().map(|level| (&mut level.chains, &mut level.beside));
        let places = rungs.iter().zip(own.chain([(chains, top)]));
        let mut places: Vec<_> =
            places.map(|(rung, (chains, beside))| Place { rung, chains, beside }).collect();
        places.par_iter_mut().try_for_each(|place| {
            place.chains.draw_own_visible(place.rung.visible_given_hidden(), watch)
        })?;
        let several = weights.ranks.are_several();
        if several {
            let states = places.iter_mut().map(|place| place.chains.visible.words_mut());
            weights.visible_given_hidden().share(&mut states.collect::<Vec<_>>())?;
        }
        let first = (self.n_sweeps % 2) as usize;
        // Rung 0 may be alone, and the current model, of which the caller draws h.
        let (alone, paired) = places.split_at_mut(first);
        alone.iter_mut().try_for_each(|place| {
            place.chains.draw_own_hidden(place.rung.hidden_given_visible(), watch)
        })?;
        paired.par_chunks_exact_mut(2).try_for_each(|pair| {
            let [lower, upper] = pair else { unreachable!("two rungs") };
            lower.weigh_and_draw(upper, watch)
        })?;
        if several {
            let states = places.iter_mut().flat_map(|Place { chains, beside, .. }| {
                [chains.hidden.words_mut(), beside.hidden.words_mut()]
            });
            weights.hidden_given_visible().share(&mut states.collect::<Vec<_>>())?;
            for place in places[first..].chunks_exact_mut(2).flatten() {
                for masses in &mut place.beside.masses {
                    weights.ranks.sum(masses)?;
                }
            }
        }
        let mut stream = Stream::new(self.seed, Purpose::TrajectorySwap, self.n_sweeps);
        let mut rates = Vec::new();
        for (at, pair) in places[first..].chunks_exact_mut(2).enumerate() {
            let [lower, upper] = pair else { unreachable!("two rungs") };
            let lower_level = first + 2 * at;
            let [lower_new, upper_new] = &mut self.is_new[lower_level..lower_level + 2] else {
                unreachable!("two rungs")
            };
            let (n_chains, mut words, mut n_swapped) = (lower_new.len(), [0; STEP], 0);
            for chain in 0..n_chains {
                if chain % STEP == 0 {
                    words = stream.step();
                }
                if lower.swap(upper, chain, words[chain % STEP]) {
                    n_swapped += 1;
                    std::mem::swap(&mut lower_new[chain], &mut upper_new[chain]);
                }
            }
            rates.push((lower_level, f64::from(n_swapped) / n_chains as f64));
        }
        for (at, rate) in rates {
            let before = &mut levels[at].swap_rate;
            *before = if before.is_nan() { rate } else { *before + RATE_MEMORY * (rate - *before) };
        }
        self.n_sweeps += 1;
        self.is_new[0].fill(1);
        let at_top = self.is_new.last_mut().expect("the current model");
        self.n_arrivals += at_top.iter().map(|&is_new| u64::from(is_new)).sum::<u64>();
        at_top.fill(0);
        Ok(())
    }

    /// The number of rungs, without the current model.
    pub fn n_rungs(&self) -> usize {
        self.levels.len()
    }

    /// The rate of swaps of each rung with the next, from the model without weights to the current one, in the last few
    /// hundred sweeps; NaN before the first swap.
    pub fn swap_rates(&self) -> Vec<f64> {
        self.levels.iter().map(|level| level.swap_rate).collect()
    }

    /// How many states have come from the model without weights to each chain of the current model so far, on average.
    pub fn round_trips(&self) -> f64 {
        self.n_arrivals as f64 / self.is_new[0].len() as f64
    }

    /// Puts the whole state under names that begin with `trajectory`.
    pub(crate) fn save(&self, state: &mut State) {
        for (at, model) in self.models.iter().enumerate() {
            model.save(&format!("{}.", name(at)), state);
        }
        self.save_chains(state);
    }

    /// [`save`](Self::save) without the models, which a sweep does not change.
    pub(crate) fn save_chains(&self, state: &mut State) {
        for (at, level) in self.levels.iter().enumerate() {
            level.chains.save(&name(at), state);
        }
        state.put("trajectory.swap_rates", &[self.levels.len()], self.swap_rates());
        let shape = [self.is_new.len(), self.is_new[0].len()];
        state.put("trajectory.is_new", &shape, self.is_new.concat());
        state.put("trajectory.counts", &[3], vec![self.n_arrivals, self.n_kept, self.n_sweeps]);
    }

    /// Continues from a [saved](Self::save) state of as many chains of the same units.
    pub(crate) fn restore(&mut self, state: &State, isa: Isa) -> Result<()> {
        const RATES: &str = "trajectory.swap_rates";
        let n_levels = state.n_rows(RATES)?;
        if !(1..Self::MOST_RUNGS).contains(&n_levels) {
            return Err(bad(RATES, format!("has {n_levels} rungs")));
        }
        let [visible, hidden]: [Units; 2] =
            [self.models[0].visible_units.clone(), self.models[0].hidden_units.clone()];
        let first = self.levels[0].clone();
        let model =
            |at| FixedWeights::restored(&format!("{}.", name(at)), state, [&visible, &hidden], isa);
        self.models = (0..n_levels).map(model).collect::<Result<_>>()?;
        self.levels = vec![first; n_levels];
        self.restore_chains(state)
    }

    /// Continues from what [`save_chains`](Self::save_chains) saved, at the same models.
    pub(crate) fn restore_chains(&mut self, state: &State) -> Result<()> {
        let (n_levels, n_chains) = (self.levels.len(), self.is_new[0].len());
        let rates: &[f64] = state.get("trajectory.swap_rates", &[n_levels])?;
        for (at, level) in self.levels.iter_mut().enumerate() {
            level.chains.restore(&name(at), state)?;
            level.swap_rate = rates[at];
        }
        let is_new: &[u8] = state.get("trajectory.is_new", &[n_levels + 1, n_chains])?;
        self.is_new = is_new.chunks(n_chains).map(<[u8]>::to_vec).collect();
        let counts: &[u64] = state.get("trajectory.counts", &[3])?;
        [self.n_arrivals, self.n_kept, self.n_sweeps] = [counts[0], counts[1], counts[2]];
        Ok(())
    }
}

impl Level {
    fn new(weights: &FixedWeights, visible: &BitMatrix, streams: Vec<Stream>) -> Self {
        let chains = Chains::from_visible(weights, visible, streams);
        Self { beside: Beside::of(&chains), chains, swap_rate: f64::NAN }
    }
}

/// The streams of the replicas at a model.
fn streams(seed: u64, number: u64, n_chains: usize) -> Vec<Stream> {
    let address = |chain: u64| number * n_chains as u64 + chain;
    (0..n_chains as u64)
        .map(|chain| Stream::new(seed, Purpose::TrajectoryChain, address(chain)))
        .collect()
}

fn name(at: usize) -> String {
    format!("trajectory.rung_{at:03}")
}

#[cfg(test)]
mod tests {
    use super::super::test_model::{distribution, fits, model, two_modes, words};
    use super::*;
    use crate::model::Rbm;
    use ndarray::Array1;

    /// The chains of a model and a trajectory of models whose weights are parts of its own.
    fn begun(
        whole: &Rbm,
        parts: &[f32],
        n_chains: usize,
        isa: Isa,
    ) -> (FixedWeights, Chains, Trajectory) {
        let part = |share: f32| {
            let of = |x: &Array1<f32>| x.mapv(|x| share * x);
            let (b, c) = (of(whole.visible_bias()), of(whole.hidden_bias()));
            let rbm = Rbm::new(whole.weights().mapv(|w| share * w), b, c).unwrap();
            FixedWeights::of_training(&rbm, isa)
        };
        let weights = part(1.0);
        let start = BitMatrix::zeros(n_chains, whole.n_visible());
        let streams = Stream::first(n_chains, 3, Purpose::Chain);
        let chains = Chains::from_visible(&weights, &start, streams);
        let mut trajectory = Trajectory::new(part(0.0), &chains, 3);
        parts.iter().for_each(|&share| trajectory.keep(part(share), &chains));
        (weights, chains, trajectory)
    }

    fn sweep(weights: &FixedWeights, chains: &mut Chains, trajectory: &mut Trajectory) {
        trajectory.half_sweep(weights, chains, Watch::default()).unwrap();
        chains.draw_hidden(weights.hidden_given_visible(), Watch::default()).unwrap();
    }

    /// All states but those of rung 0 start at all off. Every rung reaches its distribution, which a wrong probability
    /// of swaps would not leave alone.
    #[test]
    fn every_rung_and_the_current_model_reach_their_distributions() {
        let rbm = two_modes();
        let parts = [0.3, 0.6, 0.8];
        let (weights, mut chains, mut trajectory) = begun(&rbm, &parts, 5000, Isa::fastest());
        for _ in 0..200 {
            sweep(&weights, &mut chains, &mut trajectory);
        }
        let words = words(rbm.visible_units());
        let check = |weights: &FixedWeights, states: &BitMatrix| {
            let expected = distribution(&weights.rounded(), &words, &[0.0; 6], 1.0);
            fits(states, &words, &expected).unwrap();
        };
        for (model, level) in trajectory.models.iter().zip(&trajectory.levels) {
            check(model, &level.chains.visible());
        }
        check(&weights, &chains.visible());
        assert!(trajectory.round_trips() > 5.0, "{}", trajectory.round_trips());
        // The estimate from the states of one rung agrees with the swaps that are made.
        let (found, rates) = (trajectory.swap_rate_with(&weights), trajectory.swap_rates());
        assert!((found - rates[3]).abs() < 0.05, "{found} {rates:?}");
    }

    #[test]
    fn equal_models_always_swap() {
        let rbm = model(70, 130);
        let (weights, mut chains, mut trajectory) = begun(&rbm, &[1.0, 1.0], 9, Isa::fastest());
        for _ in 0..12 {
            sweep(&weights, &mut chains, &mut trajectory);
        }
        assert_eq!(trajectory.swap_rates()[1..], [1.0; 2]);
        assert_eq!(trajectory.swap_rate_with(&weights), 1.0);
    }

    /// The rung goes whose neighbours are joined best; all else goes on.
    #[test]
    fn a_long_ladder_loses_a_rung_that_it_can_spare() {
        let rbm = model(20, 10);
        let parts: Vec<_> = (1..Trajectory::MOST_RUNGS - 1).map(|at| at as f32 / 60.0).collect();
        let (weights, mut chains, mut trajectory) = begun(&rbm, &parts, 9, Isa::fastest());
        assert_eq!(trajectory.n_rungs(), Trajectory::MOST_RUNGS - 1);
        sweep(&weights, &mut chains, &mut trajectory);
        trajectory.levels.iter_mut().for_each(|level| level.swap_rate = 0.3);
        trajectory.levels[7].swap_rate = 0.9;
        trajectory.levels[8].swap_rate = 0.8;
        let spared = trajectory.models[8].clone();
        trajectory.keep(weights.clone(), &chains);
        assert_eq!(trajectory.n_rungs(), Trajectory::MOST_RUNGS - 1);
        assert!(!trajectory.models.contains(&spared) && trajectory.models.contains(&weights));
        sweep(&weights, &mut chains, &mut trajectory);
        assert_eq!(trajectory.is_new.len(), Trajectory::MOST_RUNGS);
    }

    #[test]
    fn threads_instruction_sets_and_a_restart_do_not_change_states() {
        let rbm = model(70, 130);
        let run = |isa, threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (weights, mut chains, mut trajectory) = begun(&rbm, &[0.4, 0.7], 300, isa);
                (0..3).for_each(|_| sweep(&weights, &mut chains, &mut trajectory));
                let mut state = State::default();
                trajectory.save(&mut state);
                let (_, _, mut trajectory) = begun(&rbm, &[], 300, isa);
                trajectory.restore(&state, isa).unwrap();
                (0..2).for_each(|_| sweep(&weights, &mut chains, &mut trajectory));
                let mut state = State::default();
                trajectory.save(&mut state);
                chains.save("chains", &mut state);
                state
            })
        };
        let expected = run(Isa::BASELINE, 1);
        for isa in Isa::available() {
            assert_eq!(run(isa, 3).difference(&expected), None, "{}", isa.name());
        }
    }
}
