//! The log-likelihood itself, by enumeration of the smaller layer.

use super::Score;
use crate::bits::{BitMatrix, active};
use crate::error::{Error, Result};
use crate::model::{Rbm, softplus};
use ndarray::{Array1, Array2};
use rayon::prelude::*;

/// The most units of the smaller layer: 2^28 states take about a minute for each 30 units of the
/// other layer.
pub const MAX_UNITS: usize = 28;

/// A machine in double precision whose log Z is known.
#[derive(Clone, Debug)]
pub struct Exact {
    weights: Array2<f64>,
    visible_bias: Array1<f64>,
    hidden_bias: Array1<f64>,
    log_z: f64,
}

impl Exact {
    /// Sums over all states of the smaller layer.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if that has more than [`MAX_UNITS`] units.
    pub fn new(rbm: &Rbm) -> Result<Self> {
        Self::from_arrays(
            rbm.weights().mapv(f64::from),
            rbm.visible_bias().mapv(f64::from),
            rbm.hidden_bias().mapv(f64::from),
        )
    }

    /// The same for W (V, H), b (V) and c (H) in double precision.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Panics
    /// If the shapes do not fit.
    pub fn from_arrays(
        weights: Array2<f64>,
        visible_bias: Array1<f64>,
        hidden_bias: Array1<f64>,
    ) -> Result<Self> {
        let (n_visible, n_hidden) = weights.dim();
        assert_eq!((visible_bias.len(), hidden_bias.len()), (n_visible, n_hidden), "shapes");
        let n_units = n_visible.min(n_hidden);
        if n_units > MAX_UNITS {
            return Err(Error::InvalidSetting {
                setting: "units of the smaller layer",
                value: n_units.to_string(),
                rule: format!("at most {MAX_UNITS}, to be enumerated"),
            });
        }
        let log_z = if n_visible <= n_hidden {
            log_sum(&weights, &visible_bias, &hidden_bias)
        } else {
            log_sum(&weights.t().as_standard_layout().into_owned(), &hidden_bias, &visible_bias)
        };
        Ok(Self { weights, visible_bias, hidden_bias, log_z })
    }

    /// log Z.
    pub fn log_z(&self) -> f64 {
        self.log_z
    }

    /// log p(v) = −F(v) − log Z, in nats, of a state as words of bits.
    pub fn log_probability(&self, v: &[u64]) -> f64 {
        let mut inputs = self.hidden_bias.clone();
        let mut visible = 0.0;
        for i in active(v) {
            visible += self.visible_bias[i];
            inputs += &self.weights.row(i);
        }
        visible + inputs.iter().map(|&x| softplus(x)).sum::<f64>() - self.log_z
    }

    /// The mean of log p(v) over the rows of `visible` (N, V), in nats an example.
    pub fn log_likelihood(&self, visible: &BitMatrix) -> Score {
        let rows = (0..visible.n_rows()).into_par_iter();
        Score::of(&rows.map(|n| self.log_probability(visible.row(n))).collect::<Vec<_>>())
    }
}

/// States that are summed as one piece, walked in Gray-code order from a fresh start, so that the
/// rounding of increments does not build up.
const PIECE: u64 = 1 << 10;

/// log Σ over all states s of exp(bias·s + Σⱼ softplus(other_biasⱼ + Σᵢ sᵢ Wᵢⱼ)), where the rows of
/// `weights` are the units of s.
fn log_sum(weights: &Array2<f64>, bias: &Array1<f64>, other_bias: &Array1<f64>) -> f64 {
    let n_states = 1u64 << bias.len();
    let pieces = (0..n_states.div_ceil(PIECE)).into_par_iter();
    let log_sums: Vec<f64> = pieces
        .map(|piece| {
            let codes = piece * PIECE..((piece + 1) * PIECE).min(n_states);
            let first = gray(codes.start);
            let mut inputs = other_bias.clone();
            let mut linear = 0.0;
            for i in active(&[first]) {
                linear += bias[i];
                inputs += &weights.row(i);
            }
            let mut terms = Vec::with_capacity(PIECE as usize);
            for code in codes.clone() {
                if code > codes.start {
                    let i = code.trailing_zeros() as usize;
                    if gray(code) >> i & 1 == 1 {
                        linear += bias[i];
                        inputs += &weights.row(i);
                    } else {
                        linear -= bias[i];
                        inputs -= &weights.row(i);
                    }
                }
                terms.push(linear + inputs.iter().map(|&x| softplus(x)).sum::<f64>());
            }
            log_sum_exp(&terms)
        })
        .collect();
    log_sum_exp(&log_sums)
}

/// The `code`-th word of Gray's code: neighbours differ in bit `code.trailing_zeros()`.
fn gray(code: u64) -> u64 {
    code ^ code >> 1
}

/// log Σ exp(x), without overflow, in the order given.
pub(crate) fn log_sum_exp(terms: &[f64]) -> f64 {
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + libm::log(terms.iter().map(|&x| libm::exp(x - largest)).sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn zero_weights_give_the_closed_form() {
        let (b, c) = (array![0.3, -1.0, 2.5], array![0.1, 4.0, -0.5, 0.0]);
        let exact = Exact::from_arrays(Array2::zeros((3, 4)), b.clone(), c.clone()).unwrap();
        let expected: f64 = b.iter().chain(&c).map(|&x| softplus(x)).sum();
        assert!((exact.log_z() / expected - 1.0).abs() < 1e-12);
    }

    #[test]
    fn either_layer_gives_the_same_sum() {
        let weights =
            Array2::from_shape_fn((11, 13), |(i, j)| ((i * 31 + j * 17) % 23) as f64 / 6.0 - 2.0);
        let b = Array1::from_shape_fn(11, |i| (i % 5) as f64 - 2.0);
        let c = Array1::from_shape_fn(13, |j| (j % 7) as f64 / 2.0 - 1.0);
        let by_visible = log_sum(&weights, &b, &c);
        let by_hidden = log_sum(&weights.t().as_standard_layout().into_owned(), &c, &b);
        assert!((by_visible - by_hidden).abs() < 1e-10, "{by_visible} {by_hidden}");
    }

    #[test]
    fn probabilities_add_up_to_one() {
        let weights = array![[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25]];
        let exact = Exact::from_arrays(weights, array![0.1, 0.2, -0.3], array![-0.5, 0.5]).unwrap();
        let sum: f64 = (0..8).map(|v| exact.log_probability(&[v]).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn too_many_units_are_refused() {
        let (b, c) = (Array1::zeros(29), Array1::zeros(30));
        let error = Exact::from_arrays(Array2::zeros((29, 30)), b, c).unwrap_err().to_string();
        assert!(error.contains("smaller layer is 29, but must be at most 28"), "{error}");
    }
}
