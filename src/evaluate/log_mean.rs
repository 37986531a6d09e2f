//! The logarithm of a mean of weights that are known by their logarithms, and how far to trust it.

/// log Σ exp(x), without overflow, in the order given.
pub(super) fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + libm::log(terms.iter().map(|&x| libm::exp(x - largest)).sum::<f64>())
}

/// The logarithm of the mean of independent weights w.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogMean {
    /// log mean w.
    pub log_mean: f64,
    /// Its standard error: the relative standard error of mean w.
    pub standard_error: f64,
    /// var(log w).
    pub variance: f64,
    /// Effective sample size (Σw)² / Σw², 1 to the number of weights: how many equal weights
    /// would tell as much (Kong, 1992).
    pub ess: f64,
}

impl LogMean {
    /// Of at least two weights.
    pub fn of(log_weights: &[f64]) -> Self {
        let n = log_weights.len() as f64;
        let log_sum = log_sum_exp(log_weights);
        let squares: f64 = log_weights.iter().map(|&x| libm::exp(2.0 * (x - log_sum))).sum();
        let mean = log_weights.iter().sum::<f64>() / n;
        let deviations: f64 = log_weights.iter().map(|&x| (x - mean) * (x - mean)).sum();
        Self {
            log_mean: log_sum - libm::log(n),
            // The variance of w / mean w, n Σw² / (Σw)² − 1, over n − 1.
            standard_error: ((squares * n - 1.0).max(0.0) / (n - 1.0)).sqrt(),
            variance: deviations / (n - 1.0),
            ess: 1.0 / squares,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_means_are_those_of_the_weights() {
        let log_weights = [1.0, 2.0, 4.0, 1000.0 - 1000.0];
        let weights = log_weights.map(f64::exp);
        let mean = weights.iter().sum::<f64>() / 4.0;
        let variance = weights.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / 3.0;
        let found = LogMean::of(&log_weights);
        assert!((found.log_mean - mean.ln()).abs() < 1e-12);
        assert!((found.standard_error - (variance / 4.0).sqrt() / mean).abs() < 1e-12);
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        assert!((found.ess - weights.iter().sum::<f64>().powi(2) / squares).abs() < 1e-9);
        assert_eq!(log_sum_exp(&[1000.0, f64::NEG_INFINITY]), 1000.0);
    }
}
