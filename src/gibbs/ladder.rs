//! The choice of the rungs of a ladder.

use super::rung::swap_rate;
use super::{AnnealedChains, Path, Rung};
use crate::bits::{BitMatrix, BitPanels};
use crate::error::Result;
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;

/// Chains of the run that measures swap rates.
const CHAINS: usize = 64;

/// States of a rung.
struct Place<'a> {
    beta: f64,
    rung: Rung<'a>,
    states: BitPanels,
}

/// The inverse temperatures of a ladder from the base of a path to its model, 0 to 1. They are some of `betas`, which
/// rise to 1, as far from each other as an estimated rate of swaps between neighbours of `rate` allows, above 0 and
/// below 1. The estimate is from states of chains that are annealed along `betas` and draw from `seed`.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub fn temperatures(
    path: &Path<'_>,
    betas: &[f64],
    rate: f64,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    let mut streams = Stream::first(CHAINS, seed, Purpose::LadderPilot);
    let start = path.draw_base(&mut streams);
    let mut chains = AnnealedChains::new(path, 0.0, &start, &streams);
    let mut betas = betas.to_vec();
    betas.dedup();
    let count = watch.counter("choosing the temperatures", (CHAINS * betas.len()) as u64);
    let mut ladder = vec![0.0];
    let mut kept = Place::new(path, 0.0, &start);
    let mut before: Option<Place<'_>> = None;
    for beta in betas {
        chains.advance(&[beta], &count)?;
        let here = Place::new(path, beta, &chains.visible()?);
        if kept.swap_rate(&here, watch)? < rate
            && let Some(last) = before.take()
        {
            ladder.push(last.beta);
            kept = last;
        }
        before = Some(here);
    }
    ladder.push(1.0);
    Ok(ladder)
}

impl<'a> Place<'a> {
    fn new(path: &'a Path<'_>, beta: f64, states: &BitMatrix) -> Self {
        let layout = path.weights().visible_units.layout();
        Self { beta, rung: Rung::on_path(path, beta), states: BitPanels::in_layout(states, layout) }
    }

    /// The estimated rate of swaps with another place.
    fn swap_rate(&self, other: &Self, watch: Watch<'_>) -> Result<f64> {
        let [own, at_other] = self.rung.log_masses_beside(&other.rung, &self.states, watch)?;
        let [back, others] = self.rung.log_masses_beside(&other.rung, &other.states, watch)?;
        let rises = |from: &[i64], to: &[i64]| -> Vec<i64> {
            from.iter().zip(to).map(|(from, to)| to - from).collect()
        };
        Ok(swap_rate(&rises(&own, &at_other), &rises(&back, &others)))
    }
}
