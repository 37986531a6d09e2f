//! log Z by annealed importance sampling, from both sides.
//!
//! | estimate | its expectation | on condition that |
//! | --- | --- | --- |
//! | forward (Neal, 2001; Salakhutdinov and Murray, 2008) | at most log Z: mean w is unbiased, and the logarithm of an unbiased mean is too small on average (Jensen) | none |
//! | reverse | at least log Z, for the same reason | its chains start in the model's distribution |
//! | Bennett's (1976) | on no side; the least variance of all that use both sets of weights | the same |
//!
//! So forward and reverse are a bracket *in expectation*. A single run may fall outside by its
//! standard error, and a mode of the model that neither side visits is seen by none of the three.

use super::progress::counter;
use super::{LogMean, Progress};
use crate::bits::BitMatrix;
use crate::gibbs::{AnnealedChains, Path};
use crate::rng::{Purpose, Stream};

/// The most that forward and reverse AIS may differ by, in nats.
pub const MOST_APART: f64 = 0.5;

/// The least effective sample size of forward AIS, and its least share of the chains.
///
/// That of the reverse side is reported, but not judged: a small one makes reverse AIS too high on
/// average, and so the two sides differ.
pub const LEAST_ESS: (f64, f64) = (50.0, 0.1);

/// The most combined standard errors by which reverse AIS may lie below forward AIS. In expectation it
/// lies above, if its chains start in the model's distribution; so these did not.
pub const MOST_BELOW: f64 = 3.0;

/// An estimate of log Z.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogZ {
    /// log Z, in nats.
    pub log_z: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// The lower end of its 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl LogZ {
    fn new(log_z: f64, standard_error: f64, deviations: f64) -> Self {
        let reach = deviations * standard_error;
        Self { log_z, standard_error, low: log_z - reach, high: log_z + reach }
    }
}

/// log Z from one side.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Side {
    /// The estimate.
    pub log_z: LogZ,
    /// What the weights are like: their variance, their effective sample size.
    pub weights: LogMean,
}

/// log Z from both sides and from their combination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ais {
    /// From the base to the model.
    pub forward: Side,
    /// From the model to the base.
    pub reverse: Side,
    /// Both together.
    pub bennett: LogZ,
    /// Chains of each side.
    pub n_chains: usize,
    /// Steps of each chain.
    pub n_steps: usize,
}

impl Ais {
    /// Anneals as many chains forward as there are chains in the model's distribution to anneal
    /// back: `model` (C, V) with the streams that they go on with. `betas` are the inverse
    /// temperatures after each step, rising to 1; forward chains draw from `seed`.
    ///
    /// # Panics
    /// If there are fewer than two chains, or not a stream for each.
    pub fn new(
        path: &Path<'_>,
        betas: &[f64],
        (model, streams): (&BitMatrix, &[Stream]),
        seed: u64,
        progress: Progress<'_>,
    ) -> Self {
        let n_chains = model.n_rows();
        let own = (0..n_chains as u64)
            .map(|chain| Stream::new(seed, Purpose::ForwardAnnealing, chain))
            .collect();
        let (forward, _) = forward(path, betas, own, ("annealing", progress));
        let reverse = reverse(path, betas, (model, streams), progress);
        let families: Vec<_> = (0..n_chains).collect();
        Self::of_weights(path.log_z_of_base(), &forward, (&reverse, &families), betas.len())
    }

    /// From the log-weights of both sides, those of the reverse one with their families: chains
    /// that started at one state.
    pub(super) fn of_weights(
        log_z_of_base: f64,
        forward: &[f64],
        (reverse, families): (&[f64], &[usize]),
        n_steps: usize,
    ) -> Self {
        let (ratio, standard_error) = bennett(forward, reverse);
        let deviations = student(forward.len() + reverse.len() - 2, NORMAL_95);
        Self {
            forward: Side::new(log_z_of_base, 1.0, LogMean::of(forward)),
            reverse: Side::new(log_z_of_base, -1.0, LogMean::of_families(reverse, families)),
            bennett: LogZ::new(log_z_of_base + ratio, standard_error, deviations),
            n_chains: forward.len(),
            n_steps,
        }
    }
}

impl Ais {
    /// How far the reverse side lies above the forward one, in nats.
    pub fn gap(&self) -> f64 {
        self.reverse.log_z.log_z - self.forward.log_z.log_z
    }

    /// Whether the sides differ by more than [`MOST_APART`].
    pub fn is_apart(&self) -> bool {
        self.gap().abs() > MOST_APART || self.gap().is_nan()
    }

    /// Whether the forward side has less than [`LEAST_ESS`].
    pub fn is_short(&self) -> bool {
        let least = LEAST_ESS.0.max(LEAST_ESS.1 * self.n_chains as f64);
        let ess = self.forward.weights.ess;
        ess < least || ess.is_nan()
    }

    /// Whether the reverse side lies below the forward one by more than [`MOST_BELOW`] allows.
    pub fn is_below(&self) -> bool {
        let errors = [&self.forward, &self.reverse].map(|side| side.log_z.standard_error);
        self.gap() < -MOST_BELOW * errors[0].hypot(errors[1])
    }

    /// Whether there is no need of more: neither rule is broken.
    pub fn is_enough(&self) -> bool {
        !self.is_short() && !self.is_apart() && !self.is_below()
    }
}

impl Side {
    /// From log-weights whose mean is that of Z over the base's (`sign` 1) or of its inverse (-1).
    fn new(log_z_of_base: f64, sign: f64, weights: LogMean) -> Self {
        let deviations = student(weights.n - 1, NORMAL_95);
        let log_z = log_z_of_base + sign * weights.log_mean;
        Self { log_z: LogZ::new(log_z, weights.standard_error, deviations), weights }
    }

    /// The 99 % interval.
    pub fn interval_99(&self) -> (f64, f64) {
        let LogZ { log_z, standard_error, .. } = self.log_z;
        let reach = student(self.weights.n - 1, NORMAL_99) * standard_error;
        (log_z - reach, log_z + reach)
    }

    /// From the log-weights of chains that went from the base of a path to its machine.
    pub(super) fn forward(path: &Path<'_>, log_weights: &[f64]) -> Self {
        Self::new(path.log_z_of_base(), 1.0, LogMean::of(log_weights))
    }
}

/// Leads chains, one for each stream, from the base to the model: their log-weights, the mean of
/// whose w is Z over that of the base, and the states v in which they end.
///
/// # Panics
/// If there are fewer than two chains.
pub(super) fn forward(
    path: &Path<'_>,
    betas: &[f64],
    mut streams: Vec<Stream>,
    (what, progress): (&'static str, Progress<'_>),
) -> (Vec<f64>, BitMatrix) {
    let n_chains = streams.len();
    assert!(n_chains >= 2, "no variance of {n_chains} chains");
    let start = path.draw_base(&mut streams);
    let mut chains = AnnealedChains::new(path, 0.0, &start, &streams);
    let Some((last, before)) = betas.split_last() else { return (chains.log_weights(), start) };
    chains.advance(before, &counter(what, (n_chains * before.len()) as u64, progress));
    chains.weigh(*last);
    let ends = chains.visible();
    let beyond = path.beyond_fixed_point(&ends);
    (chains.log_weights().iter().zip(beyond).map(|(x, beyond)| x + beyond).collect(), ends)
}

/// Log-weights of chains that go from the model to the base: the mean of w is Z of the base over
/// that of the model.
pub(super) fn reverse(
    path: &Path<'_>,
    betas: &[f64],
    (model, streams): (&BitMatrix, &[Stream]),
    progress: Progress<'_>,
) -> Vec<f64> {
    let mut chains = AnnealedChains::new(path, 1.0, model, streams);
    let beyond = path.beyond_fixed_point(model);
    let Some((_, before)) = betas.split_last() else { return chains.log_weights() };
    let falling: Vec<f64> = before.iter().rev().copied().collect();
    let total = (model.n_rows() * falling.len()) as u64;
    chains.advance(&falling, &counter("annealing back", total, progress));
    chains.weigh(0.0);
    chains.log_weights().iter().zip(beyond).map(|(x, beyond)| x - beyond).collect()
}

/// The logarithm of the ratio of normalisers, model over base, by Bennett's acceptance ratio, and
/// its standard error (Shirts, Bair, Hooker and Pande, 2003).
///
/// By Crooks' relation a log-weight x that comes from either side came from the forward one with
/// the chance σ(x − r + log(n_F/n_R)), where a reverse log-weight counts with the other sign; r is
/// the maximum of that likelihood.
fn bennett(forward: &[f64], reverse: &[f64]) -> (f64, f64) {
    let (n_forward, n_reverse) = (forward.len() as f64, reverse.len() as f64);
    let offset = libm::log(n_forward / n_reverse);
    let log_ratios: Vec<f64> = forward.iter().copied().chain(reverse.iter().map(|x| -x)).collect();
    let came_forward =
        |r: f64| log_ratios.iter().map(move |x| crate::units::sigmoid(x - r + offset));
    // The expected number of forward ones falls as r rises: halve the interval that holds the root.
    let fold = |f: fn(f64, f64) -> f64, start| log_ratios.iter().copied().fold(start, f);
    let mut low = fold(f64::min, f64::INFINITY) - offset.abs() - 1.0;
    let mut high = fold(f64::max, f64::NEG_INFINITY) + offset.abs() + 1.0;
    low -= libm::log(n_forward + n_reverse);
    high += libm::log(n_forward + n_reverse);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if came_forward(middle).sum::<f64>() > n_forward { low = middle } else { high = middle }
    }
    let ratio = f64::midpoint(low, high);
    let overlap: f64 = came_forward(ratio).map(|p| p * (1.0 - p)).sum();
    let variance = 1.0 / overlap - 1.0 / n_forward - 1.0 / n_reverse;
    (ratio, variance.max(0.0).sqrt())
}

/// Deviations on either side that hold 95 % and 99 % of the normal distribution.
const NORMAL_95: f64 = 1.959_964;
const NORMAL_99: f64 = 2.575_829;

/// The deviations on either side that hold as much of Student's distribution as `normal` ones hold of
/// the normal one: of 95 % within 0.3 % of the quantile from 8 degrees of freedom on, of 99 % within 2 %
/// (Cornish and Fisher's expansion).
fn student(degrees: usize, normal: f64) -> f64 {
    let (z, n) = (normal, degrees as f64);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / n + second / (n * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The likelihood of the origins has its root where the expected number of forward ones is
    /// their number; with one weight on each side it lies in the middle.
    #[test]
    fn bennetts_ratio_solves_its_equation() {
        assert!((bennett(&[3.0], &[-5.0]).0 - 4.0).abs() < 1e-12);
        let forward = [1.0, 2.5, 0.3, 1.7, 2.0];
        let reverse = [-2.0, -1.0, -3.5];
        let (ratio, standard_error) = bennett(&forward, &reverse);
        let sigmoid = crate::units::sigmoid;
        let offset = (5.0_f64 / 3.0).ln();
        let left: f64 = forward.iter().map(|x| sigmoid(-(x - ratio + offset))).sum();
        let right: f64 = reverse.iter().map(|x| sigmoid(-x - ratio + offset)).sum();
        assert!((left - right).abs() < 1e-9, "{left} {right}");
        assert!(standard_error > 0.1 && standard_error < 1.0, "{standard_error}");
    }

    /// Equal weights on both sides leave no doubt.
    #[test]
    fn weights_that_agree_have_no_error() {
        let reverse = (&[-2.0; 7][..], &[0, 1, 2, 3, 4, 5, 6][..]);
        let ais = Ais::of_weights(10.0, &[2.0; 7], reverse, 1);
        for z in [ais.forward.log_z, ais.reverse.log_z] {
            assert!((z.log_z - 12.0).abs() < 1e-12 && z.standard_error < 1e-6, "{z:?}");
        }
        assert!((ais.bennett.log_z - 12.0).abs() < 1e-9 && ais.bennett.standard_error < 1e-6);
        assert!((ais.forward.weights.ess - 7.0).abs() < 1e-9);
    }

    /// Quantiles of tables of Student's distribution.
    #[test]
    fn intervals_of_few_chains_are_wider() {
        for (degrees, of_95, of_99) in
            [(8, 2.306, 3.355), (9, 2.262, 3.250), (49, 2.0096, 2.680), (99, 1.9842, 2.626)]
        {
            let found = [student(degrees, NORMAL_95), student(degrees, NORMAL_99)];
            assert!((found[0] / of_95 - 1.0).abs() < 3e-3, "{degrees}: {found:?}");
            assert!((found[1] / of_99 - 1.0).abs() < 2e-2, "{degrees}: {found:?}");
        }
    }
}
