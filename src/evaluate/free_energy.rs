//! Mean free energies: those of examples held out rise above those of the training data when the
//! machine begins to overfit (Hinton, 2012, section 6).

use super::Score;
use crate::bits::BitMatrix;
use crate::model::Rbm;
use rayon::prelude::*;

/// The mean of F(v) over the rows of `visible` (N, V), in nats.
pub fn mean_free_energy(rbm: &Rbm, visible: &BitMatrix) -> Score {
    let rows = (0..visible.n_rows()).into_par_iter();
    Score::of(&rows.map(|n| rbm.free_energy(visible.row(n))).collect::<Vec<_>>())
}

/// The mean of F(v) over the rows of `visible` less that over the rows of `other`, in nats, and its
/// standard error, the two sets taken as independent.
pub fn free_energy_gap(rbm: &Rbm, visible: &BitMatrix, other: &BitMatrix) -> (f64, f64) {
    let (one, other) = (mean_free_energy(rbm, visible), mean_free_energy(rbm, other));
    (one.mean - other.mean, one.standard_error.hypot(other.standard_error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    #[test]
    fn the_gap_of_independent_pixels_is_that_of_their_biases() {
        let bias = Array1::from(vec![1.0, -2.0]);
        let rbm = Rbm::new(Array2::zeros((2, 3)), bias, Array1::zeros(3)).unwrap();
        let set = |unit: usize| BitMatrix::from_fn(4, 2, |_, i| i == unit);
        assert_eq!(free_energy_gap(&rbm, &set(1), &set(0)), (3.0, 0.0));
    }
}
