//! log Z by annealed importance sampling, from both sides.
//!
//! | estimate | its expectation | if |
//! | --- | --- | --- |
//! | forward (Neal, 2001; Salakhutdinov and Murray, 2008) | at most log Z: mean w is unbiased, and the logarithm of an unbiased mean is too small on average (Jensen) | always |
//! | reverse | at least log Z, for the same reason | its chains start in the model's distribution |
//! | Bennett's (1976) | no bound, but the least variance of all estimates that use both sets of weights | the same |
//!
//! So forward and reverse AIS bracket log Z *in expectation*. A single run may fall outside by its
//! standard error, and no estimate sees a mode of the model that neither side visits.

use super::LogMean;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::gibbs::{AnnealedChains, Path};
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;

/// The largest difference of forward and reverse AIS that is believed, in nats.
pub const MOST_APART: f64 = 0.5;

/// The least effective sample size of forward AIS, and its least share of the chains.
///
/// Reverse AIS has no such rule: a small effective sample size makes it too high on average, and then
/// the two sides differ.
pub const LEAST_ESS: (f64, f64) = (50.0, 0.1);

/// The largest number of combined standard errors by which reverse AIS may lie below forward AIS. In
/// expectation it lies above, if its chains start in the model's distribution.
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
    pub(super) fn new(log_z: f64, standard_error: f64, deviations: f64) -> Self {
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
    /// The weights: their mean, variance and effective sample size.
    pub weights: LogMean,
}

/// Chains in the model's distribution, from which reverse AIS starts.
#[derive(Clone, Debug)]
pub struct ModelChains {
    /// v (C, V).
    pub visible: BitMatrix,
    /// The stream from which each chain draws (C).
    pub streams: Vec<Stream>,
}

/// log Z from both sides and from their combination.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ais {
    /// From the base to the model.
    pub forward: Side,
    /// From the model to the base.
    pub reverse: Side,
    /// From both sides, by Bennett's ratio.
    pub bennett: LogZ,
    /// Chains of each side.
    pub n_chains: usize,
    /// Steps of each chain.
    pub n_steps: usize,
}

impl Ais {
    /// Anneals the chains of `model` back to the base, and as many from the base forward, which draw
    /// from `seed`. `betas` are the inverse temperatures after each step, rising to 1.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If there are fewer than two chains, or not a stream for each.
    pub fn new(
        path: &Path<'_>,
        betas: &[f64],
        model: &ModelChains,
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Self> {
        let n_chains = model.visible.n_rows();
        let own = (0..n_chains as u64)
            .map(|chain| Stream::new(seed, Purpose::ForwardAnnealing, chain))
            .collect();
        let (forward, _) = forward(path, betas, own, "annealing", watch)?;
        let reverse = reverse(path, betas, model, watch)?;
        let families: Vec<_> = (0..n_chains).collect();
        Ok(Self::of_weights(path.log_z_of_base(), &forward, &reverse, &families, betas.len()))
    }

    /// Estimates log Z from the log-weights of both sides. Reverse chains of one family started at the
    /// same state.
    pub(super) fn of_weights(
        log_z_of_base: f64,
        forward: &[f64],
        reverse: &[f64],
        families: &[usize],
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

    /// Whether none of these three rules is broken, so that no second round is needed.
    pub fn is_enough(&self) -> bool {
        !self.is_short() && !self.is_apart() && !self.is_below()
    }
}

impl Side {
    /// From weights whose mean is Z over Z of the base (`sign` 1), or its inverse (`sign` −1).
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

    /// From the log-weights of chains that were annealed from the base of a path to its model.
    pub(super) fn forward(path: &Path<'_>, log_weights: &[f64]) -> Self {
        Self::new(path.log_z_of_base(), 1.0, LogMean::of(log_weights))
    }
}

/// Anneals chains, one for each stream, from the base to the model. Returns their log-weights, where
/// the mean of w is Z over Z of the base, and the states v in which they end (C, V).
///
/// # Panics
/// If there are fewer than two chains.
pub(super) fn forward(
    path: &Path<'_>,
    betas: &[f64],
    mut streams: Vec<Stream>,
    stage: &'static str,
    watch: Watch<'_>,
) -> Result<(Vec<f64>, BitMatrix)> {
    let n_chains = streams.len();
    assert!(n_chains >= 2, "no variance of {n_chains} chains");
    let start = path.draw_base(&mut streams);
    let mut chains = AnnealedChains::new(path, 0.0, &start, &streams);
    let Some((last, before)) = betas.split_last() else {
        return Ok((chains.log_weights()?, start));
    };
    chains.advance(before, &watch.counter(stage, (n_chains * before.len()) as u64))?;
    chains.weigh(*last);
    // The chains moved by W̃, but the weights are to lead to Z of W: add log p*(v) by W less that by W̃.
    let ends = chains.visible()?;
    let beyond = path.beyond_fixed_point(&ends);
    let log_weights =
        chains.log_weights()?.iter().zip(beyond).map(|(x, beyond)| x + beyond).collect();
    Ok((log_weights, ends))
}

/// Anneals chains from the model to the base. Returns their log-weights, where the mean of w is Z of
/// the base over Z of the model.
pub(super) fn reverse(
    path: &Path<'_>,
    betas: &[f64],
    model: &ModelChains,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    let ModelChains { visible, streams } = model;
    let mut chains = AnnealedChains::new(path, 1.0, visible, streams);
    // As in `forward`, but the correction comes at the start of the path and is subtracted.
    let beyond = path.beyond_fixed_point(visible);
    let Some((_, before)) = betas.split_last() else { return chains.log_weights() };
    let falling: Vec<f64> = before.iter().rev().copied().collect();
    let total = (visible.n_rows() * falling.len()) as u64;
    chains.advance(&falling, &watch.counter("annealing back", total))?;
    chains.weigh(0.0);
    Ok(chains.log_weights()?.iter().zip(beyond).map(|(x, beyond)| x - beyond).collect())
}

/// r = log(Z / Z of the base) by Bennett's acceptance ratio, and its standard error (Shirts, Bair,
/// Hooker and Pande, 2003).
///
/// Pool the log-weights x of both sides, with the signs of the reverse ones turned. By Crooks'
/// relation, x came from the forward side with the chance σ(x − r + log(n_F/n_R)); r maximises the
/// likelihood of the sides that the log-weights came from.
pub(super) fn bennett(forward: &[f64], reverse: &[f64]) -> (f64, f64) {
    let (n_forward, n_reverse) = (forward.len() as f64, reverse.len() as f64);
    let offset = libm::log(n_forward / n_reverse);
    let log_ratios: Vec<f64> = forward.iter().copied().chain(reverse.iter().map(|x| -x)).collect();
    let came_forward =
        |r: f64| log_ratios.iter().map(move |x| crate::units::sigmoid(x - r + offset));
    // At the maximum, Σ σ(x − r + offset) = n_F. The sum falls as r rises: halve the interval that
    // holds the root.
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

/// Standard deviations on either side that hold 95 % and 99 % of the normal distribution.
pub(super) const NORMAL_95: f64 = 1.959_964;
pub(super) const NORMAL_99: f64 = 2.575_829;

/// The quantile of Student's distribution that belongs to the quantile `normal` of the normal
/// distribution (Cornish and Fisher's expansion). From 8 degrees of freedom on, it errs by at most
/// 0.3 % at 95 % and 2 % at 99 %.
pub(super) fn student(degrees: usize, normal: f64) -> f64 {
    let (z, n) = (normal, degrees as f64);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / n + second / (n * n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected number of forward log-weights is their number. With one on each side, r lies in
    /// the middle.
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

    #[test]
    fn weights_that_agree_have_no_error() {
        let ais = Ais::of_weights(10.0, &[2.0; 7], &[-2.0; 7], &[0, 1, 2, 3, 4, 5, 6], 1);
        for z in [ais.forward.log_z, ais.reverse.log_z] {
            assert!((z.log_z - 12.0).abs() < 1e-12 && z.standard_error < 1e-6, "{z:?}");
        }
        assert!((ais.bennett.log_z - 12.0).abs() < 1e-9 && ais.bennett.standard_error < 1e-6);
        assert!((ais.forward.weights.ess - 7.0).abs() < 1e-9);
    }

    /// The expected quantiles come from tables of Student's distribution.
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
