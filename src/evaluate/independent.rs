//! The log-likelihood of independent units, which a model has to beat.

use super::Score;
use crate::bits::{BitMatrix, active};
use crate::dataset::{Examples, WeightedRows};
use crate::units::Units;
use ndarray::Array1;

/// Independent units, each on at its own rate pᵢ: a model without hidden units. Its pseudo-likelihood
/// equals its log-likelihood, because no unit depends on the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Independent {
    /// ln(1 − pᵢ), for units of categories 0 (V).
    when_off: Vec<f64>,
    /// Σᵢ ln(1 − pᵢ): ln p of all units off.
    all_off: f64,
    /// ln pᵢ − ln(1 − pᵢ), which unit i adds if it is on (V).
    when_on: Vec<f64>,
    /// pᵢ (V).
    rates: Array1<f64>,
}

impl Independent {
    /// Units at given rates (V), each above 0 and below 1.
    pub fn new(units: &Units, rates: Array1<f64>) -> Self {
        let chances = units.log_probabilities(&rates);
        let when_off: Vec<f64> = chances.iter().map(|[off, _]| *off).collect();
        let all_off = when_off.iter().sum();
        let when_on = chances.iter().map(|[off, on]| on - off).collect();
        Self { when_off, all_off, when_on, rates }
    }

    /// Units at the rates of training data, by Laplace's rule. With weights the number of examples is
    /// [N_eff](Examples::n_effective).
    pub fn of(training: &Examples) -> Self {
        Self::new(&training.units(), training.rates())
    }

    /// Units at the rates of `n_examples` examples with this mean (V), by Laplace's rule ([`Units::laplace_rates`]).
    pub fn of_mean(units: &Units, mean: &Array1<f64>, n_examples: usize) -> Self {
        Self::new(units, units.laplace_rates(mean, n_examples))
    }

    /// The rates (V).
    pub fn rates(&self) -> &Array1<f64> {
        &self.rates
    }

    /// The mean over the rows of `visible` (N, V) of Σᵢ vᵢ ln pᵢ + (1 − vᵢ) ln(1 − pᵢ), in nats an example. Units that
    /// an example lacks add nothing.
    ///
    /// # Panics
    /// If rows are not V wide.
    pub fn log_likelihood<'a>(&self, visible: impl Into<WeightedRows<'a>>) -> Score {
        let visible = visible.into();
        Score::of_rows(&self.log_likelihoods(visible), visible)
    }

    /// The terms of this mean, one for each row.
    pub(crate) fn log_likelihoods(&self, visible: WeightedRows<'_>) -> Vec<f64> {
        let WeightedRows { bits, missing, .. } = visible;
        assert_eq!(bits.n_columns(), self.when_on.len(), "visible units");
        let of_row = |n| {
            let lacks = |missing: &BitMatrix| {
                active(missing.row(n)).map(|unit| self.when_off[unit]).sum::<f64>()
            };
            let of_on = active(bits.row(n)).map(|unit| self.when_on[unit]).sum::<f64>();
            self.all_off + of_on - missing.map_or(0.0, lacks)
        };
        (0..bits.n_rows()).map(of_row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Dataset};
    use crate::evaluate::Exact;
    use crate::evaluate::pseudo_likelihood::pseudo_likelihood;
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use crate::watch::Watch;

    /// Five rows of three units. The last unit is always off.
    fn bits() -> BitMatrix {
        BitMatrix::from_fn(5, 3, |n, i| i < 2 && (n + i) % (i + 2) == 0)
    }

    #[test]
    fn an_initial_model_without_its_weights_has_the_same_likelihood() {
        let mean = ndarray::array![0.6, 0.2, 0.0];
        let bias = Rbm::initial(2, &mean, 5, 3).unwrap().visible_bias().clone();
        let rbm = Rbm::new(ndarray::Array2::zeros((3, 2)), bias, Array1::zeros(2)).unwrap();
        let training = Examples::new(Dataset::from_bits("few", bits()), Binarization::Stochastic);
        let score = Independent::of(&training).log_likelihood(&bits());
        let exact = Exact::new(&rbm).unwrap().log_likelihood(&bits());
        assert!((score.mean - exact.mean).abs() < 1e-6, "{score:?} {exact:?}");
        assert!((score.standard_error - exact.standard_error).abs() < 1e-6);
        let pseudo = pseudo_likelihood(&rbm, &bits(), Isa::fastest(), Watch::default()).unwrap();
        assert!((score.mean - pseudo.mean).abs() < 1e-6);
    }

    #[test]
    fn fair_coins_cost_ln_2_each() {
        let rates = Array1::from_elem(3, 0.5);
        let score = Independent::new(&Units::bits(3), rates).log_likelihood(&bits());
        assert!((score.mean + 3.0 * std::f64::consts::LN_2).abs() < 1e-12);
    }
}
