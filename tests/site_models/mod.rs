//! Models of sites for tests, with parameters that have no pattern.

use harmonium::Rbm;
use harmonium::units::Units;
use ndarray::{Array1, Array2};

/// Numbers from -1 to 1 without a pattern.
pub fn number(at: usize) -> f32 {
    ((at * 2_654_435_761 % 1009) as f32 / 504.0) - 1.0
}

/// A model of sites with these numbers of units, with weights from -`strength` to `strength`.
pub fn model(sites: &[usize], n_hidden: usize, strength: f32) -> Rbm {
    let units = Units::of_sites(sites.iter().copied()).unwrap();
    let n = units.n_units();
    let weights = Array2::from_shape_fn((n, n_hidden), |(i, j)| strength * number(7 * i + 131 * j));
    let bias = |n, from| Array1::from_shape_fn(n, |i| 0.5 * number(from + 3 * i));
    Rbm::of_sites(units, weights, bias(n, 11), bias(n_hidden, 500)).unwrap()
}
