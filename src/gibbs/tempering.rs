//! Parallel tempering: replicas of the chains at inverse temperatures below 1 exchange their states with
//! the chains of the model (Desjardins, Courville, Bengio, Vincent and Delalleau, 2010).
//!
//! ```text
//!   β₀ = 1     chains of the model     v ──────► swap ──► h ──► v ──► …
//!                                                 ▲ ▼
//!   β₁         replicas                v ──────► swap ──► h ──► v ──► …
//!                                                 ▲ ▼
//!   …          towards independent pixels
//! ```
//!
//! The path is the one of annealing ([`super::Path`]): log p_β(v, h) = a·v + β U(v, h) − log Z_β, where
//! U = (b − a)·v + c·h + vᵀWh is a sum of integers. Two neighbours are swapped with probability
//! min(1, exp((β − β')(U' − U))). This is decided after v is drawn, when all its inputs are known.
//! Only v has to be swapped, as h is drawn from it next. A random stream stays with its temperature.
//!
//! The distances between temperatures keep adapting to a target rate of swaps. The swaps therefore
//! leave the distributions invariant only in the limit of constant distances. Training comes close to
//! it, as the parameters change slowly.

use super::path::Tempered;
use super::{Chains, FixedWeights};
use crate::bits::{BitMatrix, BitPanels};
use crate::error::Result;
use crate::fixed::Scale;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::kernels::tiled::Padded;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::rng::{Purpose, STEP, Stream};
use crate::state::State;
use crate::watch::Watch;
use ndarray::Array1;
use rayon::prelude::*;

/// Rate of adaptation: the logarithm of a distance changes by this factor times the excess of the swap
/// rate over its target.
const ADAPTATION: f64 = 0.05;

/// Weight of the latest swaps in the running mean of the swap rates.
const RATE_MEMORY: f64 = 0.01;

/// The temperatures of a [`Tempering`].
#[derive(Clone, Copy, Debug)]
pub struct Ladder<'a> {
    /// The rates (V) of the independent pixels at β = 0.
    pub rates: &'a Array1<f64>,
    /// Number of temperatures, including β = 1.
    pub n_temperatures: usize,
    /// The rate of swaps between neighbours to which the distances adapt.
    pub swap_rate: f64,
}

/// Replicas of C chains at inverse temperatures below 1.
#[derive(Clone, Debug)]
pub struct Tempering {
    seed: u64,
    /// a in panels.
    log_odds: Aligned<Row<f32>>,
    /// The scale of the weights.
    scale: Scale,
    /// a in panels, rounded to multiples of the resolution of the weights.
    base: Aligned<Row<f32>>,
    /// `base` as integers.
    fixed_base: Aligned<Row<i32>>,
    target_rate: f64,
    adaptation: f64,
    /// β₁ > β₂ > …: βₖ is 1 minus the sum of the first k distances.
    levels: Vec<Level>,
    /// The terms of U from each panel, for the chains of the model.
    energies: Vec<i64>,
    /// Number of sweeps done, which gives the address of the next swaps and the pairs to swap.
    n_sweeps: u64,
}

#[derive(Clone, Debug)]
struct Level {
    /// The distance from the β above.
    distance: f64,
    /// The rate of swaps with the level above, NaN before the first swap.
    swap_rate: f64,
    beta: f64,
    tempered: Tempered,
    chains: Chains,
    /// The terms of U from each panel.
    energies: Vec<i64>,
}

impl Tempering {
    /// The memory of the replicas of C chains of a model (V, H), at `n_temperatures` less the highest β.
    pub fn bytes(
        n_temperatures: usize,
        n_chains: usize,
        visible: impl Into<Layout>,
        n_hidden: usize,
    ) -> Bytes {
        let visible = visible.into();
        // The energies of a chain take as much as its visible states, 64 bits a panel.
        let of_level = Chains::bytes(n_chains, &visible, n_hidden)
            + BitPanels::bytes(n_chains, &visible)
            + Padded::<f32>::bytes(visible);
        of_level * n_temperatures.saturating_sub(1)
    }

    /// Replicas of chains at the temperatures of `ladder` below β = 1, which start at the visible states
    /// `visible` (C, V).
    ///
    /// # Panics
    /// If there is only one temperature, or the widths differ.
    pub fn new(
        weights: &FixedWeights,
        visible: &BitMatrix,
        Ladder { rates, n_temperatures, swap_rate }: Ladder<'_>,
        seed: u64,
    ) -> Self {
        assert!(n_temperatures >= 2, "no replica");
        assert_eq!(rates.len(), weights.n_visible(), "a rate for each pixel");
        let units = &weights.visible_units;
        let log_odds = units.in_panels(&units.log_odds(rates).to_vec());
        let n_chains = visible.n_rows();
        let levels = (1..n_temperatures).map(|level| {
            let index = |chain: usize| (level * n_chains + chain) as u64;
            let streams = (0..n_chains)
                .map(|chain| Stream::new(seed, Purpose::TemperedChain, index(chain)))
                .collect();
            let chains = Chains::from_visible(weights, visible, streams);
            Level {
                distance: 1.0 / (n_temperatures - 1) as f64,
                swap_rate: f64::NAN,
                beta: 0.0,
                tempered: Tempered::new(weights),
                energies: vec![0; chains.visible.n_panels() * chains.visible.row_capacity()],
                chains,
            }
        });
        let mut tempering = Self {
            seed,
            scale: weights.scale,
            base: log_odds.clone(),
            fixed_base: aligned([0; SIDE], log_odds.len()),
            log_odds,
            target_rate: swap_rate,
            adaptation: ADAPTATION,
            levels: levels.collect(),
            energies: Vec::new(),
            n_sweeps: 0,
        };
        tempering.energies = tempering.levels[0].energies.clone();
        tempering.set_scale(weights.scale);
        tempering.set_temperatures(weights);
        tempering
    }

    /// Rounds the base to a scale, in which U of the base and of the model are integers of the same unit.
    fn set_scale(&mut self, scale: Scale) {
        self.scale = scale;
        let base = self.base.as_flattened_mut().iter_mut().zip(self.fixed_base.as_flattened_mut());
        for ((base, fixed), &log_odds) in base.zip(self.log_odds.as_flattened()) {
            *fixed = scale.round(log_odds);
            *base = *fixed as f32 * scale.resolution();
        }
        for level in &mut self.levels {
            level.tempered.set(scale, &self.base, level.beta);
        }
    }

    /// Puts the whole state under names that begin with `tempering`.
    pub(crate) fn save(&self, state: &mut State) {
        let mut of_levels = |name: &str, number: fn(&Level) -> f64| {
            let numbers = self.levels.iter().map(number).collect();
            state.put(format!("tempering.{name}"), &[self.levels.len()], numbers);
        };
        of_levels("distances", |level| level.distance);
        of_levels("swap_rates", |level| level.swap_rate);
        of_levels("betas", |level| level.beta);
        state.put("tempering.n_sweeps", &[1], vec![self.n_sweeps]);
        for (at, level) in self.levels.iter().enumerate() {
            level.chains.save(&level_name(at), state);
        }
    }

    /// Continues from the saved state of the same number of replicas with the same base.
    pub(crate) fn restore(&mut self, weights: &FixedWeights, state: &State) -> Result<()> {
        let of_levels = |name: &str| {
            let numbers: &[f64] = state.get(&format!("tempering.{name}"), &[self.levels.len()])?;
            Ok(numbers)
        };
        let (distances, betas) = (of_levels("distances")?, of_levels("betas")?);
        let swap_rates = of_levels("swap_rates")?;
        for (at, level) in self.levels.iter_mut().enumerate() {
            level.chains.restore(&level_name(at), state)?;
            level.swap_rate = swap_rates[at];
            level.distance = distances[at];
            // Computing β from the distances again could change its last bit.
            level.beta = betas[at];
        }
        self.set_scale(weights.scale);
        self.n_sweeps = state.get_one("tempering.n_sweeps")?;
        Ok(())
    }

    /// The number of replicas of each chain, at as many temperatures below β = 1.
    pub(crate) fn n_replicas(&self) -> usize {
        self.levels.len()
    }

    /// The inverse temperatures below 1, in decreasing order.
    pub fn betas(&self) -> Vec<f64> {
        self.levels.iter().map(|level| level.beta).collect()
    }

    /// The rate of swaps of each level with the one above in the last few hundred sweeps, NaN before the
    /// first swap.
    pub fn swap_rates(&self) -> Vec<f64> {
        self.levels.iter().map(|level| level.swap_rate).collect()
    }

    /// Does a sweep of all replicas, with swaps after v is drawn, but only the first half of a sweep of
    /// `chains`, v given h. The caller does the second half, h given v.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted). The replicas and chains are then of no use.
    pub fn half_sweep(
        &mut self,
        weights: &FixedWeights,
        chains: &mut Chains,
        watch: Watch<'_>,
    ) -> Result<()> {
        if self.scale != weights.scale {
            self.set_scale(weights.scale);
        }
        let Self { levels, energies, fixed_base, .. } = self;
        let (of_model, of_replicas) = rayon::join(
            || {
                let conditional = weights.visible_given_hidden();
                chains.draw_own_visible_and_weigh(conditional, fixed_base, energies, watch)
            },
            || {
                levels.par_iter_mut().try_for_each(|level| {
                    let conditional = level.tempered.visible_given_hidden(weights);
                    let (base, energies) = (&*fixed_base, &mut level.energies);
                    level.chains.draw_own_visible_and_weigh(conditional, base, energies, watch)
                })
            },
        );
        of_model.and(of_replicas)?;
        if weights.ranks.are_several() {
            let visible = weights.visible_given_hidden();
            let states = levels.iter_mut().map(|level| level.chains.visible.words_mut());
            visible.share(&mut states.chain([chains.visible.words_mut()]).collect::<Vec<_>>())?;
            let sums = levels.iter_mut().map(|level| &mut level.energies[..]);
            visible.share(&mut sums.chain([&mut energies[..]]).collect::<Vec<_>>())?;
        }
        self.swap(weights, chains);
        self.levels.par_iter_mut().try_for_each(|level| {
            let Level { chains, tempered, .. } = level;
            chains.draw_own_hidden(tempered.hidden_given_visible(weights), watch)
        })?;
        if weights.ranks.are_several() {
            let states = self.levels.iter_mut().map(|level| level.chains.hidden.words_mut());
            weights.hidden_given_visible().share(&mut states.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    /// Swaps every second pair of neighbours, chain by chain. The other pairs follow in the next sweep.
    fn swap(&mut self, weights: &FixedWeights, chains: &mut Chains) {
        let resolution = f64::from(weights.scale.resolution());
        let n_chains = chains.n_chains();
        let mut stream = Stream::new(self.seed, Purpose::TemperatureSwap, self.n_sweeps);
        let first = (self.n_sweeps % 2) as usize;
        self.n_sweeps += 1;
        for at in (first..self.levels.len()).step_by(2) {
            let (above, below) = self.levels.split_at_mut(at);
            let level = &mut below[0];
            let (beta, upper, upper_energies) = match above.last_mut() {
                Some(above) => (above.beta, &mut above.chains, &above.energies),
                None => (1.0, &mut *chains, &self.energies),
            };
            let mut n_swapped = 0;
            let mut words = [0; STEP];
            for chain in 0..n_chains {
                if chain % STEP == 0 {
                    words = stream.step();
                }
                let [energy, other] = [(&*upper, upper_energies), (&level.chains, &level.energies)]
                    .map(|(chains, energies)| energy(weights, chains, energies, chain));
                // Swap with probability min(1, exp((β − β')(U' − U))).
                let log_ratio = (beta - level.beta) * ((other - energy) as f64 * resolution);
                let uniform = f64::from(words[chain % STEP]) / (1u64 << 32) as f64;
                if log_ratio >= 0.0 || uniform < libm::exp(log_ratio) {
                    upper.visible.swap_row(&mut level.chains.visible, chain);
                    n_swapped += 1;
                }
            }
            // The distance d to the level above adapts: ln d += adaptation · (rate − target).
            let rate = f64::from(n_swapped) / n_chains as f64;
            let memory = if level.swap_rate.is_nan() { 1.0 } else { RATE_MEMORY };
            let before = if level.swap_rate.is_nan() { 0.0 } else { level.swap_rate };
            level.swap_rate = before + memory * (rate - before);
            level.distance *= libm::exp(self.adaptation * (rate - self.target_rate));
        }
        self.set_temperatures(weights);
    }

    /// Sets every β from its distance to the one above. If the sum of the distances exceeds 1, all are
    /// divided by it, so that the last level is at the base.
    fn set_temperatures(&mut self, weights: &FixedWeights) {
        let total: f64 = self.levels.iter().map(|level| level.distance).sum();
        let mut beta = 1.0;
        for level in &mut self.levels {
            level.distance /= total.max(1.0);
            beta = f64::max(beta - level.distance, 0.0);
            level.beta = beta;
            level.tempered.set(weights.scale, &self.base, beta);
        }
    }
}

fn level_name(at: usize) -> String {
    format!("tempering.level_{:03}", at + 1)
}

/// U of one chain: the terms of the panels of v, plus c·h.
fn energy(weights: &FixedWeights, chains: &Chains, energies: &[i64], chain: usize) -> i64 {
    let capacity = chains.visible.row_capacity();
    let of_visible: i64 = energies[chain..].iter().step_by(capacity).sum();
    let bias = weights.hidden_bias.as_flattened();
    let of_hidden = chains.hidden.active(chain).map(|j| i64::from(bias[j]));
    of_visible + of_hidden.sum::<i64>()
}

#[cfg(test)]
mod tests {
    use super::super::test_model::{
        SITES, distribution, fits, model, two_modes, two_modes_of_sites, words,
    };
    use super::*;
    use crate::bits::active;
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use crate::units::Units;

    fn ladder(rates: &Array1<f64>, n_temperatures: usize, swap_rate: f64) -> Ladder<'_> {
        Ladder { rates, n_temperatures, swap_rate }
    }

    /// The energies that decide swaps, compared with double precision.
    #[test]
    fn energies_equal_u_in_double_precision() {
        let rbm = model(70, 130);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let rates = Array1::from_shape_fn(70, |i| 0.1 + 0.01 * i as f64);
        let visible = BitMatrix::from_fn(5, 70, |n, i| (i * i + 3 * n) % 5 < 2);
        let streams = (0..5).map(|n| Stream::new(1, Purpose::Chain, n)).collect();
        let mut chains = Chains::from_visible(&weights, &visible, streams);
        let tempering = Tempering::new(&weights, &visible, ladder(&rates, 3, 0.4), 1);
        let mut energies = tempering.energies.clone();
        let hidden = chains.hidden();
        let conditional = weights.visible_given_hidden();
        let base = &tempering.fixed_base;
        chains
            .draw_own_visible_and_weigh(conditional, base, &mut energies, Watch::default())
            .unwrap();
        let visible = chains.visible();
        for n in 0..5 {
            let mut exact = 0.0;
            for i in active(visible.row(n)) {
                let log_odds = (rates[i] / (1.0 - rates[i])).ln();
                exact += f64::from(rbm.visible_bias()[i]) - log_odds;
                exact +=
                    active(hidden.row(n)).map(|j| f64::from(rbm.weights()[[i, j]])).sum::<f64>();
            }
            exact += active(hidden.row(n)).map(|j| f64::from(rbm.hidden_bias()[j])).sum::<f64>();
            let found = energy(&weights, &chains, &energies, n) as f64 / f64::from(1 << 20);
            // Each of at most 70 · 131 parameters is rounded by half of 2^-20.
            assert!((found - exact).abs() < 70.0 * 133.0 * 0.5e-6, "{found} {exact}");
        }
    }

    /// All chains start in one mode. After 200 sweeps every temperature has reached its distribution.
    /// Without swaps the chains of the model are far from theirs.
    #[test]
    fn every_temperature_reaches_its_distribution() {
        let of_value = |site: std::ops::Range<usize>| {
            let n = site.len() as f64;
            (0..site.len()).map(move |a| if n == 1.0 { 0.3 } else { (2 * a + 1) as f64 / (n * n) })
        };
        let of_sites = Units::of_sites(SITES).unwrap().sites().flat_map(of_value).collect();
        reaches_its_distribution(&two_modes(), &Array1::from_elem(6, 0.4));
        reaches_its_distribution(&two_modes_of_sites(), &of_sites);
    }

    fn reaches_its_distribution(rbm: &Rbm, rates: &Array1<f64>) {
        const CHAINS: usize = 5000;
        let weights = FixedWeights::of(rbm, Isa::fastest());
        let words = words(rbm.visible_units());
        // The first state is all off, or has the first value of each site.
        let start = BitMatrix::from_fn(CHAINS, rates.len(), |_, i| words[0] >> i & 1 == 1);
        let chains = |purpose| {
            let streams = (0..CHAINS as u64).map(|n| Stream::new(3, purpose, n)).collect();
            Chains::from_visible(&weights, &start, streams)
        };
        let mut tempering = Tempering::new(&weights, &start, ladder(rates, 4, 0.4), 3);
        tempering.adaptation = 0.0;
        let (mut tempered, mut alone) = (chains(Purpose::Chain), chains(Purpose::Sample));
        for _ in 0..200 {
            tempering.half_sweep(&weights, &mut tempered, Watch::default()).unwrap();
            tempered.draw_hidden(weights.hidden_given_visible(), Watch::default()).unwrap();
            alone.sweep(&weights);
        }
        let base = tempering.base.as_flattened();
        let check = |beta: f64, states: &BitMatrix| {
            fits(states, &words, &distribution(rbm, &words, base, beta))
        };
        for level in &tempering.levels {
            check(level.beta, &level.chains.visible()).unwrap();
        }
        check(1.0, &tempered.visible()).unwrap();
        check(1.0, &alone.visible()).expect_err("plain chains pass between these modes");
    }

    /// With enough temperatures the swap rates reach the target.
    #[test]
    fn distances_adapt_to_the_rate() {
        let rbm = model(70, 130);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let rates = Array1::from_elem(70, 0.4);
        let start = BitMatrix::from_fn(200, 70, |n, i| (i * i + 3 * n) % 5 < 2);
        let streams = (0..200).map(|n| Stream::new(3, Purpose::Chain, n)).collect();
        let mut chains = Chains::from_visible(&weights, &start, streams);
        let mut tempering = Tempering::new(&weights, &start, ladder(&rates, 5, 0.5), 3);
        assert!(tempering.betas().last().unwrap().abs() < 1e-12, "the ladder begins at the base");
        for _ in 0..1000 {
            tempering.half_sweep(&weights, &mut chains, Watch::default()).unwrap();
            chains.draw_hidden(weights.hidden_given_visible(), Watch::default()).unwrap();
        }
        for rate in tempering.swap_rates() {
            assert!((rate - 0.5).abs() < 0.05, "{:?}", tempering.swap_rates());
        }
        let betas = tempering.betas();
        assert!(betas.is_sorted_by(|a, b| a > b) && betas[0] < 1.0 && betas[3] > 0.0, "{betas:?}");
    }
}
