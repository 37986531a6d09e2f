//! The states from which reverse AIS starts.

use super::ais::{ModelChains, forward};
use super::log_mean::log_sum_exp;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::gibbs::{Chains, Path, gather_rows};
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;

/// States in, or near, the model's distribution. States of one family are copies of the same one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelStates {
    /// v (C, V).
    pub visible: BitMatrix,
    /// The family of each state (C).
    pub families: Vec<usize>,
}

impl ModelStates {
    /// Takes `n_chains` states, spread evenly over the rows of `given` (any number, V).
    pub fn given(given: &BitMatrix, n_chains: usize) -> Self {
        let n_rows = given.n_rows();
        let families = (0..n_chains).map(|chain| chain * n_rows / n_chains).collect();
        Self { visible: given.spread(n_chains), families }
    }

    /// Anneals `n_chains` *scouts* along each of the paths to one model, and picks `n_chains` of their
    /// ends. Scouts serve no other purpose: a reverse side that started where the forward side ended
    /// would agree with it by construction.
    ///
    /// The chance of an end is proportional to its weight times Z of its base, so that several bases
    /// share in the right proportion (sampling-importance resampling: Rubin, 1987; systematic:
    /// Kitagawa, 1996, appendix).
    pub fn scouted(
        paths: &[(&Path<'_>, &[f64])],
        n_chains: usize,
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Self> {
        let (mut log_weights, mut ends) = (Vec::new(), Vec::new());
        for (base, (path, betas)) in paths.iter().enumerate() {
            let first = (base * n_chains) as u64;
            let indices = first..first + n_chains as u64;
            let streams = indices.map(|index| Stream::new(seed, Purpose::Scout, index)).collect();
            let (of_path, ends_of_path) = forward(path, betas, streams, "scouts", watch)?;
            log_weights.extend(of_path.iter().map(|x| x + path.log_z_of_base()));
            ends.push(ends_of_path);
        }
        let ends = BitMatrix::concatenate(&ends);
        let word = Stream::new(seed, Purpose::ScoutChoice, 0).step()[0];
        let families = choose(&log_weights, n_chains, f64::from(word) / 2f64.powi(32));
        let rows: Vec<_> = families.iter().map(|&row| ends.rows(row..row + 1)).collect();
        Ok(Self { visible: BitMatrix::concatenate(&rows), families })
    }

    /// Starts chains at these states, a stream for each, and makes `burn_in` sweeps.
    pub fn led_to_model(
        &self,
        path: &Path<'_>,
        burn_in: usize,
        streams: Vec<Stream>,
        watch: Watch<'_>,
    ) -> Result<ModelChains> {
        if burn_in == 0 {
            return Ok(ModelChains { visible: self.visible.clone(), streams });
        }
        let (weights, n, mut streams) = (path.weights(), self.visible.n_rows(), streams);
        let ranks = &weights.ranks_of_chains;
        let own = ranks.own(n);
        let rows = self.visible.rows(own.clone());
        let mut chains = Chains::from_visible(weights, &rows, streams[own.clone()].to_vec());
        for sweep in 1..=burn_in {
            chains.sweep_watched(weights, watch)?;
            watch.report("burn-in", sweep as u64, burn_in as u64)?;
        }
        // Each rank goes on with the streams of its own chains.
        streams[own].clone_from_slice(chains.streams());
        let visible = gather_rows(ranks, chains.visible(), n, weights.n_visible())?;
        Ok(ModelChains { visible, streams })
    }
}

/// `n` indices, rising. Each occurs as often as its share of the weights times n, rounded up or down:
/// the k-th is where the cumulative weight passes (k + `offset`)/n of the total.
fn choose(log_weights: &[f64], n: usize, offset: f64) -> Vec<usize> {
    let log_sum = log_sum_exp(log_weights);
    let (mut at, mut passed) = (0, libm::exp(log_weights[0] - log_sum));
    let mut chosen = Vec::with_capacity(n);
    for k in 0..n {
        let target = (k as f64 + offset) / n as f64;
        while passed <= target && at + 1 < log_weights.len() {
            at += 1;
            passed += libm::exp(log_weights[at] - log_sum);
        }
        chosen.push(at);
    }
    chosen
}
