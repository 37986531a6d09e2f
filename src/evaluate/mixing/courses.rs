//! Gibbs chains from two starts, and what they remember.

use super::autocorrelation::integrated_time;
use super::components::{Components, normalised};
use crate::bits::BitMatrix;
use crate::dataset::WeightedBits;
use crate::error::Result;
use crate::evaluate::free_energy::free_energies;
use crate::gibbs::{Chains, FixedModel};
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;
use ndarray::{Array1, Array2, Axis};

/// How many chains, and how many sweeps each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Chains of each start.
    pub n_chains: usize,
    /// Sweeps of each chain.
    pub n_sweeps: usize,
}

/// The chains whose free energy is followed; it costs as much as half a sweep in double precision.
const FOLLOWED: usize = 32;

/// The memory of chains, in sweeps; none where it is longer than the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Of the place along each component.
    pub components: Vec<Option<f64>>,
    /// Of F(v).
    pub free_energy: Option<f64>,
}

/// Chains that start at independent units of these rates: their last states (C, V).
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub fn from_random(
    model: FixedModel<'_>,
    rates: &Array1<f64>,
    extent: Extent,
    seed: u64,
    watch: Watch<'_>,
) -> Result<BitMatrix> {
    let mut streams = Stream::first(extent.n_chains, seed, Purpose::MixingFromRandom);
    let units = model.rbm.visible_units();
    let log_odds = units.log_odds(rates).mapv(f64::from);
    let start = units.draw_independent(log_odds, &mut streams);
    let mut chains = Chains::from_visible(model.weights, &start, streams);
    for sweep in 1..=extent.n_sweeps {
        chains.sweep_watched(model.weights, watch)?;
        watch.report("mixing", sweep as u64, 2 * extent.n_sweeps as u64)?;
    }
    Ok(chains.visible())
}

/// Chains that start at examples: their last states (C, V), and their memory.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub fn from_examples(
    model: FixedModel<'_>,
    rows: &WeightedBits,
    components: &Components,
    extent: Extent,
    seed: u64,
    watch: Watch<'_>,
) -> Result<(BitMatrix, Memory)> {
    let FixedModel { rbm, weights } = model;
    let Extent { n_chains, n_sweeps } = extent;
    let streams = Stream::first(n_chains, seed, Purpose::MixingFromExamples);
    let start = rows.bits().chosen(&in_proportion(&normalised(rows), n_chains));
    let mut chains = Chains::from_visible(weights, &start, streams);
    let mut places = vec![Array2::zeros((n_sweeps, n_chains)); components.n()];
    let mut energies = Array2::zeros((n_sweeps, n_chains.min(FOLLOWED)));
    for sweep in 0..n_sweeps {
        chains.sweep_watched(weights, watch)?;
        let visible = chains.visible();
        let points = components.project(&visible);
        for (column, places) in points.axis_iter(Axis(1)).zip(&mut places) {
            places.row_mut(sweep).assign(&column);
        }
        let some = visible.rows(0..energies.ncols());
        let found = free_energies(rbm, &some, weights.isa(), watch)?;
        energies.row_mut(sweep).assign(&Array1::from(found));
        watch.report("mixing", (n_sweeps + sweep + 1) as u64, 2 * n_sweeps as u64)?;
    }
    let memory = Memory {
        components: places.iter().map(integrated_time).collect(),
        free_energy: integrated_time(&energies),
    };
    Ok((chains.visible(), memory))
}

/// `n` rows, each as often as its share says, in an order that mixes near and far ones: the first chains are not all
/// of the first rows.
fn in_proportion(shares: &[f64], n: usize) -> Vec<usize> {
    let (mut at, mut passed) = (0, shares[0]);
    let rising: Vec<_> = (0..n)
        .map(|k| {
            let target = (k as f64 + 0.5) / n as f64;
            while passed <= target && at + 1 < shares.len() {
                at += 1;
                passed += shares[at];
            }
            at
        })
        .collect();
    let stride = (0..n).find(|stride| stride * FOLLOWED >= n).unwrap_or(1).max(1);
    (0..stride).flat_map(|first| rising[first..].iter().step_by(stride).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_start_as_many_chains_as_their_weights_say() {
        let chosen = in_proportion(&[0.25, 0.5, 0.0, 0.25], 64);
        let n = |row| chosen.iter().filter(|at| **at == row).count();
        assert_eq!([0, 1, 2, 3].map(n), [16, 32, 0, 16]);
        // The first half has of all of them.
        let n = |row| chosen[..32].iter().filter(|at| **at == row).count();
        assert_eq!([0, 1, 2, 3].map(n), [8, 16, 0, 8]);
    }
}
