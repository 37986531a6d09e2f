//! The rungs of parallel tempering for a given model.

use super::AnnealingSchedule;
use crate::error::Result;
use crate::gibbs::{Path, Rung, temperatures};
use crate::watch::Watch;

/// The rate at which neighbours should swap. (Rates of 0.2 to 0.4 give the most round trips in a given time: Kone and
/// Kofke, 2005.)
const SWAP_RATE: f64 = 0.35;

/// Steps of annealing among which the temperatures are chosen.
const STEPS: usize = 3000;

/// Rungs from the base of a path to its model, whose neighbours swap at an estimated rate of 0.35. Pilot runs draw
/// from `seed`.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub fn tempered_ladder<'a>(
    path: &'a Path<'_>,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Vec<Rung<'a>>> {
    let betas = AnnealingSchedule::AdaptiveSteps(STEPS).betas(path, seed, watch)?;
    let betas = temperatures(path, &betas, SWAP_RATE, seed, watch)?;
    Ok(betas.into_iter().map(|beta| Rung::on_path(path, beta)).collect())
}
