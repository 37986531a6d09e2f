//! A mean over examples, and its uncertainty.

use crate::dataset::{WeightedRows, n_effective};

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
        Self::weighted(figures, None)
    }

    /// The mean m = Σ w f / Σ w of `figures` f with `weights` w above 0; without weights all count alike.
    ///
    /// Its standard error s/√(N_eff − 1) has s² = Σ w (f − m)² / Σ w and [N_eff](n_effective) in place of n:
    /// with equal weights it is that of a mean of n figures.
    ///
    /// ```
    /// use harmonium::evaluate::Score;
    /// let score = Score::weighted(&[1.0, 5.0, 9.0], Some(&[1.0, 2.0, 1.0]));
    /// assert_eq!(score.mean, 5.0);
    /// // s² = 8 and N_eff = 16/6.
    /// assert!((score.standard_error - (8.0_f64 / (16.0 / 6.0 - 1.0)).sqrt()).abs() < 1e-12);
    /// ```
    ///
    /// # Panics
    /// If there is not one weight a figure.
    pub fn weighted(figures: &[f64], weights: Option<&[f64]>) -> Self {
        Self::worth(figures, weights, weights.map_or(figures.len() as f64, n_effective))
    }

    /// The mean of `figures`, one for each row, with the weights of the rows and the number of examples that
    /// [these are worth](WeightedRows::n_effective).
    ///
    /// # Panics
    /// If there is not one figure a row.
    pub fn of_rows<'a>(figures: &[f64], rows: impl Into<WeightedRows<'a>>) -> Self {
        let rows = rows.into();
        Self::worth(figures, rows.weights, rows.n_effective())
    }

    /// The weighted mean of figures that are worth `n` of equal weight. For n at most 1 the standard error is NaN.
    fn worth(figures: &[f64], weights: Option<&[f64]>, n: f64) -> Self {
        assert!(weights.is_none_or(|all| all.len() == figures.len()), "a weight for each figure");
        let weighted =
            || figures.iter().enumerate().map(|(n, f)| (weights.map_or(1.0, |all| all[n]), f));
        let total = weights.map_or(figures.len() as f64, |all| all.iter().sum());
        let mean = weighted().map(|(w, f)| w * f).sum::<f64>() / total;
        let squares: f64 = weighted().map(|(w, f)| w * (f - mean).powi(2)).sum();
        let standard_error = match n > 1.0 {
            true => (squares / (n - 1.0) / total).sqrt(),
            false => f64::NAN,
        };
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

    #[test]
    fn equal_weights_change_no_score_and_whole_ones_repeat_figures() {
        let figures = [1.0, 3.5, 5.0, 7.0];
        assert_eq!(Score::weighted(&figures, Some(&[1.0; 4])), Score::of(&figures));
        let weighted = Score::weighted(&figures, Some(&[1.0, 2.0, 1.0, 3.0]));
        let repeated = Score::of(&[1.0, 3.5, 3.5, 5.0, 7.0, 7.0, 7.0]);
        assert!((weighted.mean - repeated.mean).abs() < 1e-15);
        // Repeated examples are no new ones.
        assert!(weighted.standard_error > repeated.standard_error);
    }
}
