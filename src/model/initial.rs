//! Parameters before the first update.

use super::Rbm;
use crate::error::Result;
use crate::rng::{Purpose, key};
use ndarray::{Array1, Array2};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{RngCore as _, SeedableRng as _};

/// Standard deviation of the initial weights (Hinton, 2012, A practical guide to training
/// restricted Boltzmann machines, section 8).
pub const WEIGHT_DEVIATION: f64 = 0.01;

/// An initial weight: normal, by Box and Muller, with the `libm` crate's functions, as those of the
/// platform may differ in the last place.
fn weight(rng: &mut Xoshiro256PlusPlus) -> f32 {
    // 53 random bits; the first number is in (0, 1], so that its logarithm is finite.
    let unit = 1.0 / (1u64 << 53) as f64;
    let radius = ((rng.next_u64() >> 11) + 1) as f64 * unit;
    let turn = (rng.next_u64() >> 11) as f64 * unit;
    let length = (-2.0 * libm::log(radius)).sqrt();
    (WEIGHT_DEVIATION * length * libm::cos(std::f64::consts::TAU * turn)) as f32
}

/// The rates of units (V) of which `n_examples` have this mean, by Laplace's rule: (n·mean + 1) / (n + 2)
/// is above 0 and below 1 for units that are always off, or on, too. A mean below 0 counts as 0, one
/// above 1 as 1.
pub fn laplace_rates(mean: &Array1<f64>, n_examples: usize) -> Array1<f64> {
    let n = n_examples as f64;
    mean.mapv(|mean| (n * mean.clamp(0.0, 1.0) + 1.0) / (n + 2.0))
}

impl Rbm {
    /// A machine to start training from: weights N(0, 0.01²), hidden bias 0, and the visible bias
    /// ln(p / (1 − p)) at which, without weights, each pixel is on as often as in the data: p are
    /// the [`laplace_rates`] of `mean` (V), the mean of `n_examples`.
    ///
    /// # Errors
    /// As [`Rbm::new`]: a layer is empty.
    pub fn initial(
        n_hidden: usize,
        mean: &Array1<f64>,
        n_examples: usize,
        seed: u64,
    ) -> Result<Self> {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(key(seed, Purpose::InitialWeights, 0));
        let weights = Array2::from_shape_simple_fn((mean.len(), n_hidden), || weight(&mut rng));
        let visible_bias =
            laplace_rates(mean, n_examples).mapv(|rate| libm::log(rate / (1.0 - rate)) as f32);
        Self::new(weights, visible_bias, Array1::zeros(n_hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_normal_with_a_hundredth_deviation() {
        let rbm = Rbm::initial(500, &Array1::from_elem(784, 0.25), 1000, 3).unwrap();
        let n = rbm.weights().len() as f64;
        let moment = |power: i32| {
            let scaled = rbm.weights().iter().map(|&w| (f64::from(w) / 0.01).powi(power));
            scaled.sum::<f64>() / n
        };
        // Deviations of the moments of n standard normal numbers, five of them allowed.
        assert!(moment(1).abs() < 5.0 / n.sqrt());
        assert!((moment(2) - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
        assert!((moment(4) - 3.0).abs() < 5.0 * (96.0 / n).sqrt());
        assert!(rbm.visible_bias().iter().all(|&b| (b - (0.25_f32 / 0.75).ln()).abs() < 0.01));
    }

    #[test]
    fn pixels_that_never_change_have_a_finite_bias() {
        let rbm = Rbm::initial(1, &Array1::from(vec![0.0, 1.0]), 998, 3).unwrap();
        assert!((rbm.visible_bias()[0] + 999_f32.ln()).abs() < 1e-5);
        assert!((rbm.visible_bias()[1] - 999_f32.ln()).abs() < 1e-5);
    }
}
