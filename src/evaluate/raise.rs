//! RAISE, the reverse annealed importance sampling estimator (Burda, Grosse and Salakhutdinov,
//! 2015): a stochastic lower bound on the log-likelihood of the *annealing model*. A sample of this
//! model is the v of a chain that was drawn from the base and annealed to the RBM.
//!
//! Its expectation is at most the log-likelihood of the annealing model. It also bounds the
//! log-likelihood of the RBM, on average over samples of the RBM, because no other distribution gives
//! these a higher mean. On real data it is usually low, but may be high.

use super::log_mean::log_sum_exp;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::gibbs::{AnnealedChains, Path};
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;

/// The bound of every row of `visible` (N, V), in nats, from `n_chains` chains an
/// example; more chains make it tighter.
///
/// Each chain starts at v, makes a sweep at β = 1 and is annealed back to the base. Its log-weight is
/// x, and log p(v) ≥ log p*(v) − log Z_base + log mean eˣ: the transitions of the two directions
/// cancel in the ratio, except for the p* of the states that they join.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
///
/// # Panics
/// If the rows are not V wide, or `n_chains` is 0.
pub fn raise(
    path: &Path<'_>,
    betas: &[f64],
    visible: &BitMatrix,
    n_chains: usize,
    seed: u64,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    assert!(n_chains > 0, "no chains");
    let start = visible.spread(visible.n_rows() * n_chains);
    let streams: Vec<_> =
        (0..start.n_rows() as u64).map(|index| Stream::new(seed, Purpose::Raise, index)).collect();
    let mut chains = AnnealedChains::new(path, 1.0, &start, &streams);
    let count = watch.counter("RAISE", (start.n_rows() * betas.len()) as u64);
    // The sweep at β = 1 is the last of the annealing model, so it is the first here.
    let falling: Vec<f64> = betas.iter().rev().copied().collect();
    chains.advance(&falling, &count)?;
    chains.weigh(0.0);
    // p* is taken with W in fixed point, because the chains move by it.
    let model = path.rounded();
    let log_weights = chains.log_weights()?;
    let of_example = |(example, log_weights): (usize, &[f64])| {
        let log_mean = log_sum_exp(log_weights) - libm::log(n_chains as f64);
        -model.free_energy(visible.row(example)) - path.log_z_of_base() + log_mean
    };
    Ok(log_weights.chunks(n_chains).enumerate().map(of_example).collect())
}
