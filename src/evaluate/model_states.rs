//! Where chains start that are annealed from the model back to the base.

use super::Progress;
use super::ais::forward;
use super::log_mean::log_sum_exp;
use crate::bits::BitMatrix;
use crate::gibbs::{Chains, Path};
use crate::rng::{Purpose, Stream};

/// States in, or near, the model's distribution, and for each the family of those that come from the
/// same one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ModelStates {
    /// (C, V).
    pub visible: BitMatrix,
    /// (C).
    pub families: Vec<usize>,
}

impl ModelStates {
    /// `n_chains` states spread evenly over the rows of `given` (any number, V).
    pub fn given(given: &BitMatrix, n_chains: usize) -> Self {
        let n_rows = given.n_rows();
        let families = (0..n_chains).map(|chain| chain * n_rows / n_chains).collect();
        Self { visible: given.spread(n_chains), families }
    }

    /// `n_chains` states among the ends of as many *scouts* on each of some paths to one machine:
    /// chains that were annealed for nothing else, as a reverse side that starts where the forward
    /// one ended would agree with it by construction. An end is taken with a chance in proportion
    /// to its weight times Z of its base (sampling-importance resampling: Rubin, 1987; systematically:
    /// Kitagawa, 1996, appendix), so that those of different bases share in the right proportion.
    pub fn scouted(
        paths: &[(&Path<'_>, &[f64])],
        n_chains: usize,
        seed: u64,
        progress: Progress<'_>,
    ) -> Self {
        let (mut log_weights, mut ends) = (Vec::new(), Vec::new());
        for (base, (path, betas)) in paths.iter().enumerate() {
            let first = (base * n_chains) as u64;
            let indices = first..first + n_chains as u64;
            let streams = indices.map(|index| Stream::new(seed, Purpose::Scout, index)).collect();
            let (of_path, ends_of_path) = forward(path, betas, streams, ("scouts", progress));
            log_weights.extend(of_path.iter().map(|x| x + path.log_z_of_base()));
            ends.push(ends_of_path);
        }
        let ends = BitMatrix::concatenate(&ends);
        let word = Stream::new(seed, Purpose::ScoutChoice, 0).step()[0];
        let families = choose(&log_weights, n_chains, f64::from(word) / 2f64.powi(32));
        let rows: Vec<_> = families.iter().map(|&row| ends.rows(row..row + 1)).collect();
        Self { visible: BitMatrix::concatenate(&rows), families }
    }

    /// Chains that started at these states and made `burn_in` sweeps, with the streams from `first`
    /// on: v (C, V) and the streams to go on with.
    pub fn led_to_model(
        &self,
        path: &Path<'_>,
        burn_in: usize,
        (seed, first): (u64, u64),
        progress: Progress<'_>,
    ) -> (BitMatrix, Vec<Stream>) {
        let indices = first..first + self.families.len() as u64;
        let streams: Vec<_> =
            indices.map(|index| Stream::new(seed, Purpose::ReverseAnnealing, index)).collect();
        if burn_in == 0 {
            return (self.visible.clone(), streams);
        }
        let weights = path.weights();
        let mut chains = Chains::from_visible(weights, &self.visible, streams);
        for sweep in 1..=burn_in {
            chains.sweep(weights);
            progress("burn-in", sweep as u64, burn_in as u64);
        }
        (chains.visible(), chains.streams().to_vec())
    }
}

/// `n` indices, rising, each as often as its share of the weights times n, rounded up or down: those
/// at which the cumulative weight passes (k + `offset`)/n of the whole.
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
