//! The same model in spins ±1 instead of bits, in both layers.

use super::Rbm;
use crate::error::Result;
use crate::setting::check;
use ndarray::{Array1, Array2, Axis};

/// A model of spins σ, τ of −1 and 1: E(σ, τ) = −a·σ − d·τ − σᵀJ τ.
///
/// With v = (1 + σ)/2 and h = (1 + τ)/2 it is a model of bits with
///
/// ```text
/// W = 4J        b_i = 2 (a_i − Σ_j J_ij)        c_j = 2 (d_j − Σ_i J_ij)
/// ln Z of the spins = ln Z of the bits − Σ_i a_i − Σ_j d_j + Σ_ij J_ij
/// ```
///
/// A model of bits becomes one of spins without rounding but that of sums in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Spins {
    /// J (V, H).
    pub couplings: Array2<f64>,
    /// a (V).
    pub visible_field: Array1<f64>,
    /// d (H).
    pub hidden_field: Array1<f64>,
}

impl Spins {
    /// ln Z of the spins less that of the bits.
    pub fn log_z_shift(&self) -> f64 {
        self.couplings.sum() - self.visible_field.sum() - self.hidden_field.sum()
    }
}

impl Rbm {
    /// The same model in spins.
    ///
    /// ```
    /// use harmonium::Rbm;
    /// use ndarray::array;
    /// let rbm = Rbm::new(array![[4.0], [-2.0]], array![-2.0, 1.0], array![3.0])?;
    /// let spins = rbm.to_spins()?;
    /// assert_eq!(spins.couplings, array![[1.0], [-0.5]]);
    /// assert_eq!((spins.visible_field.to_vec(), spins.hidden_field.to_vec()), (vec![0.0, 0.0], vec![2.0]));
    /// assert_eq!(Rbm::from_spins(&spins)?, rbm);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for a model with categorical sites.
    pub fn to_spins(&self) -> Result<Spins> {
        let n_most = self.visible_units.sites().map(|site| site.len()).max().unwrap_or(1);
        check("the number of units of a visible site", n_most, n_most == 1, || {
            "1, which is a spin".to_string()
        })?;
        let couplings = self.weights.mapv(|weight| f64::from(weight) / 4.0);
        let field =
            |bias: &Array1<f32>, sums: Array1<f64>| bias.mapv(|x| f64::from(x) / 2.0) + sums;
        let visible_field = field(&self.visible_bias, couplings.sum_axis(Axis(1)));
        let hidden_field = field(&self.hidden_bias, couplings.sum_axis(Axis(0)));
        Ok(Spins { couplings, visible_field, hidden_field })
    }

    /// The model of bits that is this one of spins, rounded to f32.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_spins(spins: &Spins) -> Result<Self> {
        let Spins { couplings, visible_field, hidden_field } = spins;
        let bias = |name, field: &Array1<f64>, sums: Array1<f64>| {
            check(name, field.len(), field.len() == sums.len(), || {
                let (n_visible, n_hidden) = couplings.dim();
                format!("{}, as couplings have the shape ({n_visible}, {n_hidden})", sums.len())
            })?;
            Ok((field - &sums).mapv(|x| (2.0 * x) as f32))
        };
        let visible_bias =
            bias("length of visible_field", visible_field, couplings.sum_axis(Axis(1)))?;
        let hidden_bias =
            bias("length of hidden_field", hidden_field, couplings.sum_axis(Axis(0)))?;
        Self::new(couplings.mapv(|coupling| (4.0 * coupling) as f32), visible_bias, hidden_bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn model() -> Rbm {
        Rbm::new(
            array![[0.7, -1.1], [2.3, 0.25], [-0.9, 1.5]],
            array![0.1, -0.2, 0.3],
            array![-0.4, 0.6],
        )
        .unwrap()
    }

    /// −E of spins, by its definition.
    fn exponent(spins: &Spins, v: u64, h: u64) -> f64 {
        let spin = |word: u64, at: usize| if word >> at & 1 == 1 { 1.0 } else { -1.0 };
        let mut sum = 0.0;
        for i in 0..3 {
            sum += spins.visible_field[i] * spin(v, i);
            for j in 0..2 {
                sum += spins.couplings[[i, j]] * spin(v, i) * spin(h, j);
            }
        }
        sum + (0..2).map(|j| spins.hidden_field[j] * spin(h, j)).sum::<f64>()
    }

    #[test]
    fn spins_have_the_energies_of_bits_and_log_z_differs_by_the_shift() {
        let (rbm, spins) = (model(), model().to_spins().unwrap());
        let states = || (0..8_u64).flat_map(|v| (0..4_u64).map(move |h| (v, h)));
        for (v, h) in states() {
            let expected = -rbm.energy(&[v], &[h]) + spins.log_z_shift();
            assert!((exponent(&spins, v, h) - expected).abs() < 1e-12, "{v} {h}");
        }
        let of_spins: f64 = states().map(|(v, h)| exponent(&spins, v, h).exp()).sum();
        let of_bits: f64 = states().map(|(v, h)| (-rbm.energy(&[v], &[h])).exp()).sum();
        assert!((of_spins.ln() - of_bits.ln() - spins.log_z_shift()).abs() < 1e-12);
    }

    #[test]
    fn bits_come_back_from_spins_and_other_shapes_are_refused() {
        let spins = model().to_spins().unwrap();
        assert_eq!(Rbm::from_spins(&spins).unwrap(), model());
        let short = Spins { hidden_field: array![0.0], ..spins };
        assert_eq!(
            Rbm::from_spins(&short).unwrap_err().to_string(),
            "length of hidden_field is 1, but must be 2, as couplings have the shape (3, 2)"
        );
    }
}
