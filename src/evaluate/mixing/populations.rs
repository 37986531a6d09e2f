//! Data and models of known modes, for tests.

use crate::bits::BitMatrix;
use crate::model::Rbm;
use crate::rng::{Purpose, Stream};
use ndarray::{Array1, Array2};

/// The log-odds of a unit whose block is on, or off with the other sign: a rate of 0.9.
const LOG_ODDS: f32 = 2.2;

/// The next number between 0 and 1.
fn uniform(stream: &mut Stream) -> f64 {
    (f64::from(stream.step()[0]) + 0.5) / 2f64.powi(32)
}

/// Populations of independent units: each of some blocks of units is on with its chance, and then all of its units have
/// rates of 0.9, else of 0.1. So n blocks have 2ⁿ populations. Population k has block j on where bit j of k is 1.
pub struct Populations {
    pub n_units: usize,
    /// The chance of each block.
    pub chances: Vec<f64>,
}

impl Populations {
    pub fn new(n_units: usize, chances: &[f64]) -> Self {
        Self { n_units, chances: chances.to_vec() }
    }

    fn block(&self, unit: usize) -> usize {
        unit % self.chances.len()
    }

    /// Draws rows (n, V), and the population of each.
    pub fn draw(&self, n: usize, seed: u64) -> (BitMatrix, Vec<usize>) {
        let rate = f64::from(1.0 / (1.0 + (-LOG_ODDS).exp()));
        let mut bits = BitMatrix::zeros(n, self.n_units);
        let mut of_row = Vec::new();
        for row in 0..n {
            let mut stream = Stream::new(seed, Purpose::Binarize, row as u64);
            let on: Vec<_> = self.chances.iter().map(|p| uniform(&mut stream) < *p).collect();
            for unit in 0..self.n_units {
                let is_likely = uniform(&mut stream) < rate;
                bits.set(row, unit, is_likely == on[self.block(unit)]);
            }
            of_row.push((0..on.len()).map(|k| usize::from(on[k]) << k).sum());
        }
        (bits, of_row)
    }

    /// The model of which these are the populations: a hidden unit for each block.
    pub fn model(&self) -> Rbm {
        let (n_units, n_hidden) = (self.n_units, self.chances.len());
        let is_joined = |i: usize, j: usize| self.block(i) == j;
        let weights = Array2::from_shape_fn((n_units, n_hidden), |(i, j)| {
            if is_joined(i, j) { 2.0 * LOG_ODDS } else { 0.0 }
        });
        // Σ softplus over the units of a block is greater by LOG_ODDS a unit if it is on.
        let hidden = Array1::from_shape_fn(n_hidden, |j| {
            let n = (0..n_units).filter(|&i| is_joined(i, j)).count() as f32;
            (self.chances[j] / (1.0 - self.chances[j])).ln() as f32 - n * LOG_ODDS
        });
        Rbm::new(weights, Array1::from_elem(n_units, -LOG_ODDS), hidden).unwrap()
    }
}
