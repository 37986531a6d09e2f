//! A model for the tests of this folder.

use crate::model::Rbm;
use ndarray::{Array1, Array2};

/// A model (V, H) with pseudo-random parameters from -1 to 1.
pub fn model(n_visible: usize, n_hidden: usize) -> Rbm {
    let value = |at: usize| ((at * 2_654_435_761) % 8192) as f32 / 4096.0 - 1.0;
    Rbm::new(
        Array2::from_shape_fn((n_visible, n_hidden), |(i, j)| value(i * 971 + j * 37)),
        Array1::from_shape_fn(n_visible, |i| value(i + 77)),
        Array1::from_shape_fn(n_hidden, |j| value(3 * j + 5)),
    )
    .unwrap()
}
