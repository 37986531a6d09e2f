//! A mean over examples, and its uncertainty.

/// The mean of a figure over examples.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Score {
    /// The mean; NaN if there are no examples.
    pub mean: f64,
    /// Its standard error: the standard deviation of the figures over √n, which is how much another
    /// draw of examples from the same source would move the mean. NaN for fewer than two examples.
    pub standard_error: f64,
    /// The number of examples, n.
    pub n_examples: usize,
}

impl Score {
    /// The mean of `figures`, one for each example.
    pub fn of(figures: &[f64]) -> Self {
        let n = figures.len() as f64;
        let mean = figures.iter().sum::<f64>() / n;
        let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
        let standard_error = (squares / (n - 1.0) / n).sqrt();
        Self { mean, standard_error, n_examples: figures.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_error_is_the_deviation_over_the_root_of_n() {
        let score = Score::of(&[1.0, 3.0, 5.0, 7.0]);
        assert_eq!(score.mean, 4.0);
        assert!((score.standard_error - (20.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-15);
        assert!(Score::of(&[1.0]).standard_error.is_nan());
    }
}
