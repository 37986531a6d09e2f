//! Replica exchange: chains of several distributions, a *ladder*, swap their states.
//!
//! ```text
//!   rung T, the model   v ──────► swap ──► h ──► v ──► …
//!                                 ▲ ▼
//!   rung T − 1          v ──────► swap ──► h ──► v ──► …
//!                                 ▲ ▼
//!   …
//!   rung 0, the base    v: independent units
//! ```
//!
//! With the points of a [`Path`](super::Path) as rungs this is parallel tempering (Hukushima and Nemoto, 1996). With
//! the models of a training it is parallel trajectory tempering (Béreux, Decelle, Furtlehner, Rosset and
//! Seoane, 2025): these stay near each other where, along a path of temperatures, the distribution may jump.
//!
//! Two neighbours, t and t + 1, swap their states with probability
//!
//! ```text
//! min(1, exp{[F_t(v_t) − F_t(v_t+1)] + [F_t+1(v_t+1) − F_t+1(v_t)]})
//! ```
//!
//! Every sweep tries every second pair, the next one the others. Unlike the replicas of training
//! ([`Tempering`](super::Tempering), [`Trajectory`](super::Trajectory)), the rungs stay where they are, and each keeps
//! its distribution exactly.
//!
//! A state that has been at the base has forgotten all else. *Round trips*, from the base to the model and back, count
//! how often this happens.

use super::annealing::gather_rows;
use super::pair::{Beside, Place};
use super::{Chains, Passage, Rung};
use crate::bits::{BitMatrix, WORD, active};
use crate::error::Result;
use crate::memory::{self, Bytes, Need};
use crate::ranks::Ranks;
use crate::rng::{Purpose, STEP, Stream};
use crate::threads::as_a_worker;
use crate::watch::Watch;
use bytemuck::{Pod, Zeroable};
use rayon::prelude::*;

/// Sweeps of the chains of a rung before those of the next start at their states.
const CLIMB: usize = 10;

/// Chains at each rung of a ladder, which swap their states.
#[derive(Clone, Debug)]
pub struct ReplicaExchange<'a> {
    /// From the base to the model.
    levels: Vec<Level<'a>>,
    /// Swaps of level t with level t + 1.
    swaps: Vec<Swaps>,
    journeys: Vec<Journeys>,
    /// Visible states at the model after the last two numbers of sweeps that are powers of two.
    past: Vec<(u64, BitMatrix)>,
    /// The ranks among which the chains are split, with their states at all rungs.
    ranks: Ranks,
    /// C, of all ranks.
    n_chains: usize,
    seed: u64,
    n_sweeps: u64,
}

/// The chains of a rung.
#[derive(Clone, Debug)]
struct Level<'a> {
    rung: Rung<'a>,
    chains: Chains,
    beside: Beside,
}

/// The swaps of two neighbours.
#[derive(Clone, Copy, Debug, Default)]
struct Swaps {
    tried: i64,
    done: i64,
}

/// The journeys of the states of one chain of each rung.
#[derive(Clone, Debug)]
struct Journeys {
    /// The traveller at each level.
    travellers: Vec<usize>,
    /// Of each traveller the end of the ladder that it saw last.
    last: Vec<Option<End>>,
    /// Of each traveller the number of round trips.
    n_round_trips: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Base,
    Model,
}

/// The log-mass at the upper rung less that at the lower, in nats, of the states of two neighbours.
#[derive(Clone, Debug, PartialEq)]
pub struct Rises {
    /// The lower of the two rungs.
    pub lower: usize,
    /// Of the states of the lower rung (C).
    pub from_lower: Vec<f64>,
    /// Of the states of the upper rung (C).
    pub from_upper: Vec<f64>,
}

impl<'a> ReplicaExchange<'a> {
    /// Checks that there is memory for `n` chains at each of `rungs`. `settings` decide `n`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if there is not.
    pub fn check_memory(
        rungs: &[Rung<'_>],
        n: usize,
        settings: &'static [&'static str],
    ) -> Result<()> {
        let Some(first) = rungs.first() else { return Ok(()) };
        let n = ranks(rungs).own(n).len();
        let (n_visible, n_hidden) = shape(first);
        let of_level = Chains::bytes(n, first.weights().visible_units.layout(), n_hidden)
            + Beside::bytes(n, n_hidden)
            + Bytes::of::<[i64; 4]>(&[n]);
        let what =
            || format!("{} rungs of {n} chains of {n_visible} x {n_hidden} units", rungs.len());
        memory::check(what, &[Need::new(of_level * rungs.len(), settings)])
    }

    /// `n` chains at each of `rungs`, from the base to the model. The states of the base are drawn; those of each
    /// other rung start at the states of the one below and move by ten sweeps. The chains of a rung draw from streams
    /// of their own.
    ///
    /// ```
    /// use harmonium::gibbs::{FixedModel, FixedWeights, Path, ReplicaExchange, Rung};
    /// use harmonium::Isa;
    /// use harmonium::{Rbm, Watch};
    /// use ndarray::{arr1, arr2};
    /// // All on or all off: plain chains hardly ever pass from one to the other.
    /// let rbm = Rbm::new(arr2(&[[12.0], [12.0]]), arr1(&[-6.0, -6.0]), arr1(&[-12.0]))?;
    /// let weights = FixedWeights::of(&rbm, Isa::fastest());
    /// let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &arr1(&[0.5, 0.5]))?;
    /// let rungs = (0..=4).map(|at| Rung::on_path(&path, f64::from(at) / 4.0)).collect();
    /// let watch = Watch::default();
    /// let mut chains = ReplicaExchange::new(rungs, 100, 0, watch)?;
    /// for _ in 0..50 {
    ///     chains.sweep(watch)?;
    /// }
    /// let n_on = chains.visible()?.count_ones();
    /// assert!((50..150).contains(&n_on) && chains.passage()?.round_trips > 1.0);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory); [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If there are fewer than two rungs, or they differ in their numbers of units.
    pub fn new(rungs: Vec<Rung<'a>>, n: usize, seed: u64, watch: Watch<'_>) -> Result<Self> {
        assert!(rungs.len() >= 2, "a ladder of {} rungs", rungs.len());
        Self::check_memory(&rungs, n, &["number"])?;
        let (n_visible, n_hidden) = shape(&rungs[0]);
        let (n_levels, n_chains) = (rungs.len(), n);
        let ranks = ranks(&rungs).clone();
        let own = ranks.own(n);
        let mut levels = Vec::<Level<'a>>::with_capacity(n_levels);
        let count = watch.counter("climbing the ladder", n_levels as u64);
        for rung in rungs {
            let weights = rung.weights();
            assert_eq!(shape(&rung), (n_visible, n_hidden), "units of the rungs");
            let index = |chain: usize| (levels.len() * n + chain) as u64;
            let streams = own
                .clone()
                .map(|chain| Stream::new(seed, Purpose::Replica, index(chain)))
                .collect();
            let start = match levels.last() {
                Some(below) => below.chains.visible(),
                None => BitMatrix::zeros(own.len(), n_visible),
            };
            let mut chains = Chains::from_visible(weights, &start, streams);
            // At the base v is drawn afresh, whatever h is.
            for _ in 0..CLIMB {
                chains.draw_visible(rung.visible_given_hidden(), watch)?;
                chains.draw_hidden(rung.hidden_given_visible(), watch)?;
            }
            levels.push(Level { rung, beside: Beside::of(&chains), chains });
            count(1)?;
        }
        Ok(Self {
            swaps: vec![Swaps::default(); n_levels - 1],
            journeys: vec![Journeys::new(n_levels); own.len()],
            past: Vec::new(),
            levels,
            ranks,
            n_chains,
            seed,
            n_sweeps: 0,
        })
    }

    /// Does a sweep of all chains, with swaps after v is drawn.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted). The chains are then of no use.
    pub fn sweep(&mut self, watch: Watch<'_>) -> Result<()> {
        as_a_worker(|| {
            self.levels.par_iter_mut().try_for_each(|level| {
                level.chains.draw_visible(level.rung.visible_given_hidden(), watch)
            })?;
            self.draw_hidden(watch)?;
            self.swap();
            Ok(())
        })?;
        if self.n_sweeps.is_power_of_two() {
            self.past.drain(..self.past.len().saturating_sub(1));
            self.past.push((self.n_sweeps, self.top().chains.visible()));
        }
        Ok(())
    }

    /// The lower levels of the pairs of the sweep `n_sweeps`.
    fn pairs(&self, n_sweeps: u64) -> impl Iterator<Item = usize> + use<> {
        ((n_sweeps % 2) as usize..self.swaps.len()).step_by(2)
    }

    /// Draws h at each level; at pairs that may swap given the states of the neighbour, too, with the log-masses of
    /// both.
    fn draw_hidden(&mut self, watch: Watch<'_>) -> Result<()> {
        let first = (self.n_sweeps % 2) as usize;
        let (alone, paired) = self.levels.split_at_mut(first);
        let (paired, last) = paired.split_at_mut(paired.len() / 2 * 2);
        alone.iter_mut().chain(last).try_for_each(|level| {
            level.chains.draw_hidden(level.rung.hidden_given_visible(), watch)
        })?;
        paired.par_chunks_exact_mut(2).try_for_each(|pair| {
            let [lower, upper] = pair else { unreachable!("two levels") };
            lower.place().weigh_and_draw(&mut upper.place(), watch)
        })
    }

    /// Tries to swap every second pair of neighbours, chain by chain.
    fn swap(&mut self) {
        let Self { seed, n_sweeps, .. } = *self;
        let own = self.ranks.own(self.n_chains);
        for at in self.pairs(n_sweeps) {
            let address = n_sweeps * self.swaps.len() as u64 + at as u64;
            let mut stream = Stream::new(seed, Purpose::ReplicaSwap, address);
            let [lower, upper] = &mut self.levels[at..at + 2] else { unreachable!("two levels") };
            let (mut lower, mut upper) = (lower.place(), upper.place());
            let mut words = [0; STEP];
            // The words of the chains of other ranks are passed over.
            (0..own.start.div_ceil(STEP)).for_each(|_| words = stream.step());
            for (chain, number) in own.clone().enumerate() {
                if number % STEP == 0 {
                    words = stream.step();
                }
                self.swaps[at].tried += 1;
                if lower.swap(&mut upper, chain, words[number % STEP]) {
                    self.swaps[at].done += 1;
                    self.journeys[chain].travellers.swap(at, at + 1);
                }
            }
        }
        self.journeys.iter_mut().for_each(Journeys::look_around);
        self.n_sweeps += 1;
    }

    /// The visible states at the model (C, V).
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn visible(&self) -> Result<BitMatrix> {
        let own = self.top().chains.visible();
        gather_rows(&self.ranks, own, self.n_chains, self.top().rung.weights().n_visible())
    }

    /// The hidden states at the model (C, H).
    ///
    /// # Errors
    /// As [`visible`](Self::visible).
    pub fn hidden(&self) -> Result<BitMatrix> {
        let own = self.top().chains.hidden();
        gather_rows(&self.ranks, own, self.n_chains, self.top().rung.weights().n_hidden())
    }

    /// Numbers of all chains (C), of which each rank has those of its own.
    ///
    /// # Errors
    /// As [`visible`](Self::visible).
    ///
    /// # Panics
    /// If there are not as many numbers as own chains.
    pub fn gather<T: Pod + Zeroable>(&self, own: &[T]) -> Result<Vec<T>> {
        let (ranks, n) = (&self.ranks, self.n_chains);
        let mut all = vec![T::zeroed(); n];
        all[ranks.own(n)].copy_from_slice(own);
        ranks.meet()?;
        ranks.share(&mut [&mut all], n, |rank| ranks.part(rank, n))?;
        Ok(all)
    }

    fn top(&self) -> &Level<'a> {
        self.levels.last().expect("at least two rungs")
    }

    /// The number of chains of each rung, C.
    pub fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// The number of chains of each rung that this rank moves.
    pub fn n_own(&self) -> usize {
        self.journeys.len()
    }

    /// The number of sweeps since the start.
    pub fn n_sweeps(&self) -> u64 {
        self.n_sweeps
    }

    /// The number of rungs, with the base and the model.
    pub fn n_rungs(&self) -> usize {
        self.levels.len()
    }

    /// How well the states have moved.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn passage(&self) -> Result<Passage> {
        let mut swaps: Vec<i64> =
            self.swaps.iter().flat_map(|swaps| [swaps.tried, swaps.done]).collect();
        let n_trips: i64 = self.journeys.iter().flat_map(|all| &all.n_round_trips).sum();
        swaps.push(n_trips);
        let mut changes = self.changes();
        self.ranks.meet()?;
        self.ranks.sum(&mut swaps)?;
        self.ranks.sum(changes.as_flattened_mut())?;
        let n_trips = swaps.pop().unwrap_or_default();
        let of_unit =
            |&[on, off]: &[i64; 2]| (on - off).abs() as f64 / ((on + off).max(1) as f64).sqrt();
        Ok(Passage {
            swap_rates: swaps.chunks(2).map(|swaps| swaps[1] as f64 / swaps[0] as f64).collect(),
            round_trips: n_trips as f64 / (self.n_chains * self.levels.len()) as f64,
            drift: changes.iter().map(of_unit).fold(0.0, f64::max),
        })
    }

    /// Of each unit the number of chains in which it has been switched on and off since some sweep in the second
    /// quarter of all; none before the second sweep.
    fn changes(&self) -> Vec<[i64; 2]> {
        let now = self.top().chains.visible();
        let mut changes = vec![[0; 2]; now.n_columns()];
        let past = self.past.iter().rfind(|(sweep, _)| 2 * sweep <= self.n_sweeps);
        let Some((_, before)) = past else { return changes };
        for row in 0..now.n_rows() {
            for (at, (before, now)) in before.row(row).iter().zip(now.row(row)).enumerate() {
                let unit = |bit: usize| at * WORD + bit;
                active(&[now & !before]).for_each(|bit| changes[unit(bit)][0] += 1);
                active(&[before & !now]).for_each(|bit| changes[unit(bit)][1] += 1);
            }
        }
        changes
    }

    /// What the last sweep learned of the pairs that it tried to swap, before it did: of the chains of this rank.
    pub fn rises(&self) -> Vec<Rises> {
        let Some(last) = self.n_sweeps.checked_sub(1) else { return Vec::new() };
        let of_pair = |lower: usize| {
            let rise = |level: usize, [from, to]: [usize; 2]| -> Vec<f64> {
                let masses = &self.levels[level].beside.masses;
                let pairs = masses[from].iter().zip(&masses[to]);
                pairs.map(|(from, to)| (to - from) as f64 / super::UNITS_A_NAT).collect()
            };
            Rises { lower, from_lower: rise(lower, [0, 1]), from_upper: rise(lower + 1, [1, 0]) }
        };
        self.pairs(last).map(of_pair).collect()
    }
}

/// The ranks among which the chains of a ladder are split: those of the evaluation of its model.
fn ranks<'a>(rungs: &'a [Rung<'_>]) -> &'a Ranks {
    &rungs[rungs.len() - 1].weights().ranks_of_chains
}

/// V and H.
fn shape(rung: &Rung<'_>) -> (usize, usize) {
    (rung.weights().n_visible(), rung.weights().n_hidden())
}

impl Level<'_> {
    fn place(&mut self) -> Place<'_> {
        let Self { rung, chains, beside } = self;
        Place { rung, chains, beside }
    }
}

impl Journeys {
    fn new(n_levels: usize) -> Self {
        Self {
            travellers: (0..n_levels).collect(),
            last: vec![None; n_levels],
            n_round_trips: vec![0; n_levels],
        }
    }

    /// Notes who is at an end of the ladder.
    fn look_around(&mut self) {
        let Self { travellers, last, n_round_trips } = self;
        let (base, model) = (travellers[0], travellers[travellers.len() - 1]);
        if last[base].replace(End::Base) == Some(End::Model) {
            n_round_trips[base] += 1;
        }
        // Who has not been at the base has not begun a trip.
        if last[model].is_some() {
            last[model] = Some(End::Model);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::{
        distribution, fits, model, two_modes, two_modes_of_sites, words,
    };
    use super::super::{FixedModel, FixedWeights, MOST_DRIFT, Path, swap_rate};
    use super::*;
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use ndarray::Array1;

    /// The distribution of a model, over its states in order.
    fn exact(rbm: &Rbm, words: &[u64]) -> Vec<f64> {
        distribution(rbm, words, &vec![0.0; rbm.n_visible()], 1.0)
    }

    /// All states start at all off, or at the first values. Every rung reaches its distribution, which a wrong
    /// probability of swaps would not leave alone.
    #[test]
    fn every_rung_of_temperatures_reaches_its_distribution() {
        const CHAINS: usize = 5000;
        for rbm in [two_modes(), two_modes_of_sites()] {
            let rates = rbm.visible_units().uniform_rates();
            let weights = FixedWeights::of(&rbm, Isa::fastest());
            let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &rates).unwrap();
            let betas = [0.0, 0.2, 0.5, 0.75, 1.0];
            let rungs = betas.iter().map(|&beta| Rung::on_path(&path, beta)).collect();
            let watch = Watch::default();
            let mut exchange = ReplicaExchange::new(rungs, CHAINS, 3, watch).unwrap();
            for _ in 0..200 {
                exchange.sweep(watch).unwrap();
            }
            let words = words(rbm.visible_units());
            let base = rbm.visible_units().log_odds(&rates).to_vec();
            for (beta, level) in betas.into_iter().zip(&exchange.levels) {
                let expected = distribution(&rbm, &words, &base, beta);
                fits(&level.chains.visible(), &words, &expected).unwrap();
            }
            let passage = exchange.passage().unwrap();
            assert!(passage.round_trips > 1.0, "{passage:?}");
            assert!(passage.drift < MOST_DRIFT, "{passage:?}");
            assert!(passage.swap_rates.iter().all(|rate| *rate > 0.1));
        }
    }

    /// A ladder of models, as training passes through them.
    #[test]
    fn every_rung_of_models_reaches_its_distribution() {
        const CHAINS: usize = 5000;
        let whole = two_modes();
        let part = |share: f32| {
            let of = |x: &Array1<f32>| x.mapv(|x| share * x);
            let (b, c) = (of(whole.visible_bias()), of(whole.hidden_bias()));
            Rbm::new(whole.weights().mapv(|w| share * w), b, c).unwrap()
        };
        let models = [0.0, 0.3, 0.6, 0.8, 1.0].map(part);
        let weights = models.each_ref().map(|rbm| FixedWeights::of_training(rbm, Isa::fastest()));
        let rungs = weights.iter().map(Rung::of_model).collect();
        let watch = Watch::default();
        let mut exchange = ReplicaExchange::new(rungs, CHAINS, 3, watch).unwrap();
        for _ in 0..200 {
            exchange.sweep(watch).unwrap();
        }
        let words = words(whole.visible_units());
        for (weights, level) in weights.iter().zip(&exchange.levels) {
            fits(&level.chains.visible(), &words, &exact(&weights.rounded(), &words)).unwrap();
        }
        // What pairs learn agrees with what their swaps do.
        for Rises { lower, from_lower, from_upper } in exchange.rises() {
            let units = |rises: &[f64]| -> Vec<i64> {
                rises.iter().map(|rise| (rise * super::super::UNITS_A_NAT) as i64).collect()
            };
            let expected = swap_rate(&units(&from_lower), &units(&from_upper));
            let found = exchange.passage().unwrap().swap_rates[lower];
            assert!((found - expected).abs() < 0.03, "{lower}: {found} {expected}");
        }
    }

    /// Most chains begin in one mode, and after some sweeps more of them than should are there.
    #[test]
    fn shares_that_still_change_are_a_doubt() {
        let rbm = two_modes();
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let path =
            Path::new(FixedModel { rbm: &rbm, weights: &weights }, &Array1::from_elem(6, 0.01));
        let path = path.unwrap();
        let rungs = [0.0, 0.3, 0.6, 1.0].map(|beta| Rung::on_path(&path, beta)).to_vec();
        let watch = Watch::default();
        let mut exchange = ReplicaExchange::new(rungs, 5000, 3, watch).unwrap();
        let mut sweep_to = |n: u64| {
            while exchange.n_sweeps < n {
                exchange.sweep(watch).unwrap();
            }
            exchange.passage().unwrap()
        };
        let early = sweep_to(10);
        let (trips, doubt) = (early.round_trips, early.doubt().unwrap());
        assert!(trips < 10.0 && doubt.reason.starts_with("too few round trips"), "{trips}");
        assert!(!doubt.is_torn);
        let late = sweep_to(100);
        assert!(late.round_trips > 10.0 && late.drift > 4.5, "{late:?}");
        assert!(late.doubt().unwrap().reason.contains("still change"));
    }

    #[test]
    fn equal_models_always_swap() {
        let rbm = model(70, 130);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let rungs = vec![Rung::of_model(&weights); 4];
        let watch = Watch::default();
        let mut exchange = ReplicaExchange::new(rungs, 9, 3, watch).unwrap();
        for _ in 0..12 {
            exchange.sweep(watch).unwrap();
        }
        let passage = exchange.passage().unwrap();
        assert_eq!(passage.swap_rates, [1.0; 3]);
        // Up in 3 sweeps, one at the top, and down again.
        assert!(passage.round_trips >= 0.5, "{passage:?}");
    }

    #[test]
    fn threads_and_instruction_sets_do_not_change_states() {
        let rbm = model(70, 130);
        let run = |isa, threads| {
            let weights = FixedWeights::of(&rbm, isa);
            let rates = Array1::from_elem(70, 0.4);
            let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &rates).unwrap();
            let rungs = [0.0, 0.4, 0.7, 1.0].map(|beta| Rung::on_path(&path, beta)).to_vec();
            let watch = Watch::default();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut exchange = ReplicaExchange::new(rungs, 300, 3, watch).unwrap();
                for _ in 0..5 {
                    exchange.sweep(watch).unwrap();
                }
                let states = [exchange.visible().unwrap(), exchange.hidden().unwrap()];
                (states, exchange.passage().unwrap(), exchange.rises())
            })
        };
        let expected = run(Isa::BASELINE, 1);
        for isa in Isa::available() {
            assert_eq!(run(isa, 3), expected, "{}", isa.name());
        }
    }
}
