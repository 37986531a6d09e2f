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
