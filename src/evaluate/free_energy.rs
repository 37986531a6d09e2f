//! Mean free energies: those of examples held out rise above those of the training data when the
//! machine begins to overfit (Hinton, 2012, section 6).

use super::Score;
use crate::bits::BitMatrix;
use crate::model::Rbm;
use rayon::prelude::*;

/// F(v) of every row of `visible` (N, V), in nats.
pub fn free_energies(rbm: &Rbm, visible: &BitMatrix) -> Vec<f64> {
    (0..visible.n_rows()).into_par_iter().map(|n| rbm.free_energy(visible.row(n))).collect()
}

/// The mean of F(v) over the rows of `visible` (N, V), in nats.
pub fn mean_free_energy(rbm: &Rbm, visible: &BitMatrix) -> Score {
    Score::of(&free_energies(rbm, visible))
}

/// How far one mean free energy lies above another, in nats, and the standard error of that, the
/// two sets of examples taken as independent.
pub fn free_energy_gap(one: &Score, other: &Score) -> (f64, f64) {
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
        let mean = |unit| mean_free_energy(&rbm, &set(unit));
        assert_eq!(free_energy_gap(&mean(1), &mean(0)), (3.0, 0.0));
    }
}
