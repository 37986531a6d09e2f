//! The model: its parameters, energies and file.

pub(crate) mod checksum;

mod file;

mod initial;

mod gauge;

mod spins;

mod tiled_parameters;

pub(crate) use file::{DATA_MEAN, KEY as METADATA_KEY, Metadata};
pub use file::{FORMAT_VERSION, ModelFile, Provenance, check_data_mean};
pub use spins::Spins;
pub use tiled_parameters::TiledParameters;

use crate::bits::{active, hexadecimal};
use crate::error::{Error, Result};
use crate::memory::Bytes;
use crate::setting::check;
use crate::state::State;
use crate::units::Units;
use ndarray::{Array, Array1, Array2, Dimension};
use sha2::{Digest as _, Sha256};

/// A restricted Boltzmann machine of binary units: W (V, H), b (V), c (H), all finite.
///
/// ```
/// use harmonium::Rbm;
/// use ndarray::{array, Array1};
/// let rbm = Rbm::new(array![[0.5_f32], [-1.0]], Array1::zeros(2), array![0.25])?;
/// // v = (1, 0): F = −softplus(0.25 + 0.5)
/// assert!((rbm.free_energy(&[0b01]) + (1.0 + 0.75_f64.exp()).ln()).abs() < 1e-12);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rbm {
    visible_units: Units,
    hidden_units: Units,
    weights: Array2<f32>,
    visible_bias: Array1<f32>,
    hidden_bias: Array1<f32>,
}

impl Rbm {
    /// The memory of a model (V, H).
    pub fn bytes(n_visible: usize, n_hidden: usize) -> Bytes {
        Bytes::of::<f32>(&[n_visible, n_hidden])
            + Bytes::of::<f32>(&[n_visible])
            + Bytes::of::<f32>(&[n_hidden])
    }

    /// A model of bits with the given W (V, H), b (V) and c (H).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if the shapes do not fit, a layer is empty or a value is not
    /// finite.
    pub fn new(
        weights: Array2<f32>,
        visible_bias: Array1<f32>,
        hidden_bias: Array1<f32>,
    ) -> Result<Self> {
        let (n_visible, n_hidden) = weights.dim();
        let layers = [Units::bits(n_visible), Units::bits(n_hidden)];
        Self::of_units(layers, weights, visible_bias, hidden_bias)
    }

    /// A model of visible sites, which need not be bits, and hidden bits, with the given W (V, H), b (V) and c
    /// (H).
    ///
    /// ```
    /// use harmonium::Rbm;
    /// use harmonium::units::Units;
    /// use ndarray::{Array1, Array2};
    /// // A site of three values and a bit.
    /// let units = Units::of_sites([3, 1])?;
    /// let rbm = Rbm::of_sites(units, Array2::zeros((4, 2)), Array1::zeros(4), Array1::zeros(2))?;
    /// assert_eq!(rbm.visible_units().n_sites(), 2);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_sites(
        visible_units: Units,
        weights: Array2<f32>,
        visible_bias: Array1<f32>,
        hidden_bias: Array1<f32>,
    ) -> Result<Self> {
        let (n_visible, n_hidden) = weights.dim();
        check(
            "the number of units of all sites",
            visible_units.n_units(),
            visible_units.n_units() == n_visible,
            || format!("{n_visible}, the rows of weights"),
        )?;
        let layers = [visible_units, Units::bits(n_hidden)];
        Self::of_units(layers, weights, visible_bias, hidden_bias)
    }

    /// A model of these visible and hidden units, whose numbers must match the shape of W.
    fn of_units(
        [visible_units, hidden_units]: [Units; 2],
        weights: Array2<f32>,
        visible_bias: Array1<f32>,
        hidden_bias: Array1<f32>,
    ) -> Result<Self> {
        let (n_visible, n_hidden) = weights.dim();
        let invalid = |setting, value, rule: &str| {
            Err(Error::InvalidSetting { setting, value, rule: rule.to_string() })
        };
        if n_visible == 0 || n_hidden == 0 {
            let value = format!("({n_visible}, {n_hidden})");
            return invalid("shape of weights", value, "at least one visible and one hidden unit");
        }
        for (setting, found, expected) in [
            ("length of visible_bias", visible_bias.len(), n_visible),
            ("length of hidden_bias", hidden_bias.len(), n_hidden),
        ] {
            if found != expected {
                let rule =
                    format!("{expected}, as weights have the shape ({n_visible}, {n_hidden})");
                return invalid(setting, found.to_string(), &rule);
            }
        }
        let parts = [
            ("a value of weights", weights.iter().find(|x| !x.is_finite())),
            ("a value of visible_bias", visible_bias.iter().find(|x| !x.is_finite())),
            ("a value of hidden_bias", hidden_bias.iter().find(|x| !x.is_finite())),
        ];
        for (setting, not_finite) in parts {
            if let Some(value) = not_finite {
                return invalid(setting, value.to_string(), "finite");
            }
        }
        let [visible_bias, hidden_bias] = [visible_bias, hidden_bias].map(in_standard_layout);
        let weights = in_standard_layout(weights);
        Ok(Self { visible_units, hidden_units, weights, visible_bias, hidden_bias })
    }

    /// Number of visible units, V.
    pub fn n_visible(&self) -> usize {
        self.weights.nrows()
    }

    /// Number of hidden units, H.
    pub fn n_hidden(&self) -> usize {
        self.weights.ncols()
    }

    /// The units of the visible layer.
    pub fn visible_units(&self) -> &Units {
        &self.visible_units
    }

    /// The units of the hidden layer.
    pub fn hidden_units(&self) -> &Units {
        &self.hidden_units
    }

    /// W (V, H), in standard layout.
    pub fn weights(&self) -> &Array2<f32> {
        &self.weights
    }

    /// b (V).
    pub fn visible_bias(&self) -> &Array1<f32> {
        &self.visible_bias
    }

    /// c (H).
    pub fn hidden_bias(&self) -> &Array1<f32> {
        &self.hidden_bias
    }

    /// The model with its layers exchanged.
    pub fn transposed(&self) -> Self {
        Self {
            visible_units: self.hidden_units.clone(),
            hidden_units: self.visible_units.clone(),
            weights: self.weights.t().as_standard_layout().into_owned(),
            visible_bias: self.hidden_bias.clone(),
            hidden_bias: self.visible_bias.clone(),
        }
    }

    /// Puts W, b and c under names that begin with `prefix`.
    pub fn save(&self, prefix: &str, state: &mut State) {
        let (n_visible, n_hidden) = self.weights.dim();
        let weights = self.weights.iter().copied().collect();
        state.put(format!("{prefix}weights"), &[n_visible, n_hidden], weights);
        state.put(format!("{prefix}visible_bias"), &[n_visible], self.visible_bias.to_vec());
        state.put(format!("{prefix}hidden_bias"), &[n_hidden], self.hidden_bias.to_vec());
    }

    /// Reads a model of these layers that was [saved](Self::save).
    ///
    /// # Errors
    /// As [`State::get`] and [`new`](Self::new).
    pub fn restore(prefix: &str, state: &State, [visible, hidden]: [&Units; 2]) -> Result<Self> {
        let (n_visible, n_hidden) = (visible.n_units(), hidden.n_units());
        let weights = state.get(&format!("{prefix}weights"), &[n_visible, n_hidden])?.to_vec();
        let bias = |name: &str, n: usize| {
            Ok(Array1::from(state.get(&format!("{prefix}{name}"), &[n])?.to_vec()))
        };
        Self::of_units(
            [visible.clone(), hidden.clone()],
            Array2::from_shape_vec((n_visible, n_hidden), weights).expect("as checked"),
            bias("visible_bias", n_visible)?,
            bias("hidden_bias", n_hidden)?,
        )
    }

    /// The energy E(v, h) = −b·v − c·h − vᵀW h of states as words of bits.
    pub fn energy(&self, v: &[u64], h: &[u64]) -> f64 {
        let visible: f64 = active(v).map(|i| f64::from(self.visible_bias[i])).sum();
        let inputs = self.hidden_inputs(v);
        -visible - active(h).map(|j| inputs[j]).sum::<f64>()
    }

    /// The free energy F(v) = −log Σₕ exp(−E(v, h)) = −b·v − Σⱼ softplus(cⱼ + Σᵢ vᵢ Wᵢⱼ) of a state
    /// as words of bits; those beyond V must be 0.
    ///
    /// # Panics
    /// If a bit beyond V is on.
    pub fn free_energy(&self, v: &[u64]) -> f64 {
        let visible: f64 = active(v).map(|i| f64::from(self.visible_bias[i])).sum();
        -visible - self.hidden_units.cumulant(self.hidden_inputs(v))
    }

    /// The inputs cⱼ + Σᵢ vᵢ Wᵢⱼ in double precision (H).
    pub fn hidden_inputs(&self, v: &[u64]) -> Array1<f64> {
        let mut inputs = self.hidden_bias.mapv(f64::from);
        for i in active(v) {
            inputs.zip_mut_with(&self.weights.row(i), |input, &w| *input += f64::from(w));
        }
        inputs
    }

    /// The largest Σ|weights| + |bias| of a unit, visible or hidden.
    pub fn norm(&self) -> f64 {
        let rows = self.weights.outer_iter().map(|row| row.into_iter().copied());
        largest_norm(rows, self.visible_bias.iter(), self.hidden_bias.iter())
    }

    /// The fingerprint of the parameters: SHA-256, in hexadecimal, of the little-endian f32 bytes
    /// of weights (row after row), visible bias and hidden bias.
    pub fn sha256(&self) -> String {
        let mut hasher = Sha256::new();
        let parts =
            [self.weights.as_slice(), self.visible_bias.as_slice(), self.hidden_bias.as_slice()];
        for part in parts {
            let values = part.expect("standard layout");
            hasher.update(values.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
        }
        hexadecimal(&hasher.finalize())
    }
}

/// The array in standard layout. It is copied only if it has another.
fn in_standard_layout<D: Dimension>(array: Array<f32, D>) -> Array<f32, D> {
    if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() }
}

/// The largest Σ|weights| + |bias| of a unit, from the rows of W, b and c.
fn largest_norm<'a, Row: Iterator<Item = f32>>(
    rows: impl Iterator<Item = Row>,
    visible_bias: impl IntoIterator<Item = &'a f32>,
    hidden_bias: impl IntoIterator<Item = &'a f32>,
) -> f64 {
    let magnitude = |x: f32| f64::from(x.abs());
    let hidden_bias: Vec<f64> = hidden_bias.into_iter().map(|&bias| magnitude(bias)).collect();
    let mut of_hidden = vec![0.0; hidden_bias.len()];
    let mut largest = 0.0_f64;
    for (row, &bias) in rows.zip(visible_bias) {
        let mut of_visible = 0.0;
        for (weight, sum) in row.map(magnitude).zip(&mut of_hidden) {
            of_visible += weight;
            *sum += weight;
        }
        largest = largest.max(of_visible + magnitude(bias));
    }
    of_hidden.iter().zip(hidden_bias).map(|(sum, bias)| sum + bias).fold(largest, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn small() -> Rbm {
        Rbm::new(
            array![[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]],
            array![0.1, -0.2, 0.3],
            array![-0.4, 0.6],
        )
        .unwrap()
    }

    #[test]
    fn energy_is_its_definition() {
        let rbm = small();
        for v in 0..8_u64 {
            for h in 0..4_u64 {
                let mut expected = 0.0;
                for i in 0..3 {
                    for j in 0..2 {
                        let on = (v >> i & 1) * (h >> j & 1);
                        expected -= on as f64 * f64::from(rbm.weights[[i, j]]);
                    }
                    expected -= (v >> i & 1) as f64 * f64::from(rbm.visible_bias[i]);
                }
                for j in 0..2 {
                    expected -= (h >> j & 1) as f64 * f64::from(rbm.hidden_bias[j]);
                }
                assert!((rbm.energy(&[v], &[h]) - expected).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn free_energy_sums_out_the_hidden_units() {
        let rbm = small();
        for v in 0..8_u64 {
            let sum: f64 = (0..4_u64).map(|h| (-rbm.energy(&[v], &[h])).exp()).sum();
            assert!((rbm.free_energy(&[v]) + sum.ln()).abs() < 1e-12);
        }
    }

    #[test]
    fn invalid_parameters_are_refused() {
        let bias = array![0.0_f32, 0.0];
        for (weights, message) in [
            (array![[1.0_f32], [f32::NAN]], "a value of weights is NaN, but must be finite"),
            (Array2::zeros((3, 1)), "length of visible_bias is 2, but must be 3"),
            (Array2::zeros((2, 0)), "shape of weights is (2, 0), but must be at least one"),
            (Array2::zeros((2, 2)), "length of hidden_bias is 1, but must be 2"),
        ] {
            let error = Rbm::new(weights, bias.clone(), array![0.0]).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn the_norm_belongs_to_the_heaviest_unit() {
        assert!((small().norm() - (0.5 + 2.0 + 0.75 + 0.4)).abs() < 1e-6);
    }

    /// `printf` of the 12 little-endian bytes, piped to `sha256sum`, prints the same.
    #[test]
    fn the_fingerprint_hashes_the_bytes_of_the_parameters() {
        let rbm = Rbm::new(array![[1.0]], array![0.5], array![-2.0]).unwrap();
        assert_eq!(
            rbm.sha256(),
            hexadecimal(&Sha256::digest([0, 0, 0x80, 0x3f, 0, 0, 0, 0x3f, 0, 0, 0, 0xc0]))
        );
    }
}
