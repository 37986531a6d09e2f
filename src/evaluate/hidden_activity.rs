//! How often the hidden units are on.

use crate::dataset::WeightedRows;
use crate::error::Result;
use crate::gibbs::FixedWeights;
use crate::watch::Watch;
use ndarray::Array1;

/// A unit whose mean activity is below this is dead.
pub const DEAD: f64 = 0.001;

/// A unit whose mean activity is above this is saturated.
pub const SATURATED: f64 = 0.999;

/// Mean activities of the hidden units over examples.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HiddenActivity {
    /// The mean of p(hⱼ = 1 | v) of each unit (H).
    pub of_units: Array1<f64>,
}

impl HiddenActivity {
    /// Averages over the rows of `visible` (N, V).
    ///
    /// # Errors
    /// [`Error::WidthMismatch`](crate::Error::WidthMismatch) if the rows are not V wide;
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn new<'a>(
        weights: &FixedWeights,
        visible: impl Into<WeightedRows<'a>>,
        watch: Watch<'_>,
    ) -> Result<Self> {
        /// Rows at a time: the means of all rows may take more memory than the model.
        const BLOCK: usize = 256;
        let WeightedRows { bits, weights: of_rows, .. } = visible.into();
        let n_rows = bits.n_rows();
        let mut sums = Array1::zeros(weights.n_hidden());
        for first in (0..n_rows).step_by(BLOCK) {
            let block = bits.rows(first..(first + BLOCK).min(n_rows));
            let means = weights.hidden_given_visible().means_watched(&block, watch)?;
            for (n, row) in means.outer_iter().enumerate() {
                let weight = of_rows.map_or(1.0, |all| all[first + n]);
                sums.zip_mut_with(&row, |sum, &mean| *sum += weight * f64::from(mean));
            }
        }
        Ok(Self { of_units: sums / of_rows.map_or(n_rows as f64, |all| all.iter().sum()) })
    }

    /// The mean over the units, 0 to 1.
    pub fn mean(&self) -> f64 {
        self.of_units.sum() / self.of_units.len() as f64
    }

    /// The share of units below [`DEAD`].
    pub fn dead(&self) -> f64 {
        self.share(|activity| activity < DEAD)
    }

    /// The share of units above [`SATURATED`].
    pub fn saturated(&self) -> f64 {
        self.share(|activity| activity > SATURATED)
    }

    fn share(&self, is_counted: impl Fn(f64) -> bool) -> f64 {
        let n = self.of_units.iter().filter(|&&activity| is_counted(activity)).count();
        n as f64 / self.of_units.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use ndarray::{Array2, array};

    #[test]
    fn dead_and_saturated_units_are_counted() {
        let rbm = Rbm::new(Array2::zeros((3, 4)), array![0., 0., 0.], array![-9., 0., 9., 30.]);
        let weights = FixedWeights::of(&rbm.unwrap(), Isa::fastest());
        let activity =
            HiddenActivity::new(&weights, &BitMatrix::zeros(5, 3), Watch::default()).unwrap();
        assert_eq!((activity.dead(), activity.saturated()), (0.25, 0.5));
        assert!((activity.mean() - (0.5 + 1.0 + 1.0) / 4.0).abs() < 1e-3);
    }
}
