//! The logarithm of a mean of weights, from their logarithms, and its uncertainty.

use std::collections::BTreeMap;

/// log Σ exp(x) without overflow, summed in the given order.
pub(super) fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + libm::log(terms.iter().map(|&x| libm::exp(x - largest)).sum::<f64>())
}

/// The effective number of weights, from their logarithms: (Σw)² / Σw².
pub(super) fn effective_number(log_weights: &[f64]) -> f64 {
    let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut squares) = (0.0, 0.0);
    for &log_weight in log_weights {
        let weight = libm::exp(log_weight - largest);
        sum += weight;
        squares += weight * weight;
    }
    sum * sum / squares
}

/// The logarithm of the mean of independent weights w.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogMean {
    /// log mean w.
    pub log_mean: f64,
    /// Its standard error: the relative standard error of mean w.
    pub standard_error: f64,
    /// var(log w).
    pub variance: f64,
    /// The number of weights, or of their families.
    pub n: usize,
    /// Effective sample size (Σw)² / Σw², from 1 to the number of weights: the number of equal
    /// weights that carry the same information (Kong, 1992).
    pub ess: f64,
}

impl LogMean {
    /// The mean of at least two independent weights.
    pub fn of(log_weights: &[f64]) -> Self {
        Self::of_families(log_weights, &(0..log_weights.len()).collect::<Vec<_>>())
    }

    /// The mean of at least two weights. Weights of one family (N, a number for each weight) are not
    /// independent, because their chains started at the same state.
    ///
    /// With m the mean of w and S the sum of (w/m − 1)/N over a family, the squared standard error is
    /// G/(G − 1) Σ S² over the G families. It is infinite if all weights are of one family.
    pub fn of_families(log_weights: &[f64], families: &[usize]) -> Self {
        assert_eq!(log_weights.len(), families.len(), "a family for each weight");
        let n = log_weights.len() as f64;
        let log_sum = log_sum_exp(log_weights);
        let shares = || log_weights.iter().map(|&x| libm::exp(x - log_sum));
        let mut sums = BTreeMap::new();
        for (share, family) in shares().zip(families) {
            *sums.entry(family).or_insert(0.0) += share - 1.0 / n;
        }
        let n_families = sums.len() as f64;
        let of_families: f64 = sums.values().map(|sum| sum * sum).sum();
        let mean = log_weights.iter().sum::<f64>() / n;
        let deviations: f64 = log_weights.iter().map(|&x| (x - mean) * (x - mean)).sum();
        let standard_error = match sums.len() {
            1 => f64::INFINITY,
            _ => (of_families * n_families / (n_families - 1.0)).sqrt(),
        };
        Self {
            log_mean: log_sum - libm::log(n),
            standard_error,
            n: sums.len(),
            variance: deviations / (n - 1.0),
            ess: 1.0 / shares().map(|share| share * share).sum::<f64>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_means_match_the_means_of_the_weights() {
        let log_weights = [1.0, 2.0, 4.0, 1000.0 - 1000.0];
        let weights = log_weights.map(f64::exp);
        let mean = weights.iter().sum::<f64>() / 4.0;
        let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / 3.0;
        let found = LogMean::of(&log_weights);
        assert!((found.log_mean - mean.ln()).abs() < 1e-12);
        assert!((found.standard_error - (variance / 4.0).sqrt() / mean).abs() < 1e-12);
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        assert!((found.ess - weights.iter().sum::<f64>().powi(2) / squares).abs() < 1e-9);
        assert!((effective_number(&log_weights) - found.ess).abs() < 1e-9);
        assert_eq!(log_sum_exp(&[1000.0, f64::NEG_INFINITY]), 1000.0);
    }

    /// Each weight occurs twice, which adds no information.
    #[test]
    fn a_family_counts_once() {
        let once = [1.0, 2.0, 4.0, 0.0];
        let twice: Vec<f64> = once.iter().chain(&once).copied().collect();
        let families = [0, 1, 2, 3, 0, 1, 2, 3];
        let (one, two) = (LogMean::of(&once), LogMean::of_families(&twice, &families));
        assert!((one.standard_error - two.standard_error).abs() < 1e-12, "{one:?} {two:?}");
        assert!((one.log_mean - two.log_mean).abs() < 1e-12);
        assert!(LogMean::of(&twice).standard_error < 0.7 * one.standard_error);
        assert_eq!(LogMean::of_families(&once, &[5; 4]).standard_error, f64::INFINITY);
    }
}
