//! Parameters before the first update.

use super::Rbm;
use crate::error::Result;
use crate::memory::{self, Need};
use crate::rng::{Purpose, key};
use crate::units::Units;
use ndarray::{Array1, Array2};
use ndarray_rand::RandomExt as _;
use ndarray_rand::rand::Rng;
use ndarray_rand::rand_distr::Distribution;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng as _;

/// Standard deviation of the initial weights (Hinton, 2012, A practical guide to training
/// restricted Boltzmann machines, section 8).
pub const WEIGHT_DEVIATION: f64 = 0.01;

/// The normal distribution by Box and Muller, with the functions of the `libm` crate, as functions of
/// the platform may differ in the last place.
struct Normal {
    deviation: f64,
}

impl Distribution<f32> for Normal {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f32 {
        // 53 random bits. The first number is in (0, 1], so its logarithm is finite.
        let unit = 1.0 / (1u64 << 53) as f64;
        let radius = ((rng.next_u64() >> 11) + 1) as f64 * unit;
        let turn = (rng.next_u64() >> 11) as f64 * unit;
        let length = (-2.0 * libm::log(radius)).sqrt();
        (self.deviation * length * libm::cos(std::f64::consts::TAU * turn)) as f32
    }
}

impl Rbm {
    /// The model of bits with which training starts. Its weights are drawn from N(0, 0.01²), its hidden
    /// bias is 0, and its visible bias gives each unit, without weights, its rate in the data: the
    /// [`laplace_rates`](Units::laplace_rates) of `mean` (V), the mean of `n_examples`.
    ///
    /// # Errors
    /// As [`Rbm::new`], if a layer is empty; [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn initial(
        n_hidden: usize,
        mean: &Array1<f64>,
        n_examples: usize,
        seed: u64,
    ) -> Result<Self> {
        Self::initial_of_sites(Units::bits(mean.len()), n_hidden, mean, n_examples, seed)
    }

    /// [`initial`](Self::initial) for visible sites, which need not be bits.
    ///
    /// # Errors
    /// As [`initial`](Self::initial).
    pub fn initial_of_sites(
        units: Units,
        n_hidden: usize,
        mean: &Array1<f64>,
        n_examples: usize,
        seed: u64,
    ) -> Result<Self> {
        Self::initial_at(&units.laplace_rates(mean, n_examples), units, n_hidden, seed)
    }

    /// [`initial_of_sites`](Self::initial_of_sites) at these rates (V), each above 0 and below 1.
    pub(crate) fn initial_at(
        rates: &Array1<f64>,
        units: Units,
        n_hidden: usize,
        seed: u64,
    ) -> Result<Self> {
        let n_visible = rates.len();
        let need = Need::new(Self::bytes(n_visible, n_hidden), &["hidden"]);
        memory::check(|| format!("a model of {n_visible} x {n_hidden} units"), &[need])?;
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(key(seed, Purpose::InitialWeights, 0));
        let normal = Normal { deviation: WEIGHT_DEVIATION };
        let weights = Array2::random_using((n_visible, n_hidden), normal, &mut rng);
        let visible_bias = units.log_odds(rates);
        Self::of_sites(units, weights, visible_bias, Array1::zeros(n_hidden))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_normal_with_a_deviation_of_a_hundredth() {
        let rbm = Rbm::initial(500, &Array1::from_elem(784, 0.25), 1000, 3).unwrap();
        let n = rbm.weights().len() as f64;
        let moment = |power: i32| {
            let scaled = rbm.weights().iter().map(|&w| (f64::from(w) / 0.01).powi(power));
            scaled.sum::<f64>() / n
        };
        // Five standard deviations of the moments of n standard normal numbers.
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
