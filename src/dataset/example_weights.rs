//! Weights of examples: how much each counts in the means over the data.

use crate::error::{Error, Result};

/// The weight 1 of the heaviest example, where weights are rounded to integers.
const ONE: f64 = (1 << 16) as f64;

/// The weights w of examples, all above 0 and not all equal. The mean of f over the data is Σ w f / Σ w.
///
/// Scores use the weights as they are. Training sums integers w̃, so that its sums are exact: weights that
/// are whole numbers of at most 2¹⁶ are taken as they are, which counts an example as w equal ones; others
/// are divided by the largest, and rounded to multiples of 2⁻¹⁶, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct ExampleWeights {
    /// w (N).
    values: Vec<f64>,
    /// w̃ (N), from 1 to 2¹⁶.
    whole: Vec<u32>,
    /// Whether they are shares: an example of weight 1/n is one of n that are nearly equal.
    are_shares: bool,
}

impl ExampleWeights {
    /// These weights, each finite and above 0; none if all are equal, for then they make no difference.
    pub(super) fn of(values: Vec<f64>) -> Option<Self> {
        debug_assert!(values.iter().all(|w| w.is_finite() && *w > 0.0), "weights above 0");
        if values.windows(2).all(|pair| pair[0] == pair[1]) {
            return None;
        }
        let largest = values.iter().copied().fold(0.0, f64::max);
        let are_whole = largest <= ONE && values.iter().all(|w| w.fract() == 0.0);
        let whole = |&w: &f64| if are_whole { w } else { (w / largest * ONE).round().max(1.0) };
        let whole = values.iter().map(|w| whole(w) as u32).collect();
        Some(Self { whole, values, are_shares: false })
    }

    /// The shares 1/n of examples, each of which is one of n that are nearly equal; none if all are 1.
    pub(super) fn shares(values: Vec<f64>) -> Option<Self> {
        if values.iter().all(|&w| w == 1.0) {
            return None;
        }
        let weights = Self::of(values.clone());
        let whole = weights.map_or_else(|| vec![1; values.len()], |weights| weights.whole);
        Some(Self { values, whole, are_shares: true })
    }

    /// The weights of some of the examples; none if these are all equal.
    pub(super) fn part(&self, examples: impl Iterator<Item = usize>) -> Option<Self> {
        let values = examples.map(|example| self.values[example]).collect();
        if self.are_shares { Self::shares(values) } else { Self::of(values) }
    }

    /// Whether they are shares, as [`Dataset::reweighted`](super::Dataset::reweighted) gives them: an example of weight
    /// 1/n is one of n that are nearly equal.
    pub fn are_shares(&self) -> bool {
        self.are_shares
    }

    /// w (N), above 0.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// w̃ (N), in proportion to w, from 1 to 2¹⁶.
    pub fn whole(&self) -> &[u32] {
        &self.whole
    }

    /// Σ w̃.
    pub fn total(&self) -> u64 {
        self.whole.iter().copied().map(u64::from).sum()
    }

    /// N_eff, the number of examples that are worth as much: [`n_effective`] of these weights; of shares their sum,
    /// M_eff of Morcos et al. (2011), the number of groups of nearly equal examples.
    pub fn n_effective(&self) -> f64 {
        if self.are_shares { self.values.iter().sum() } else { n_effective(&self.values) }
    }
}

/// (Σ w)² / Σ w², from 1 to N: the number of examples of equal weight whose mean is as certain (Kish,
/// 1965).
pub fn n_effective(weights: &[f64]) -> f64 {
    let [mut sum, mut squares] = [0.0; 2];
    for w in weights {
        sum += w;
        squares += w * w;
    }
    sum * sum / squares
}

/// The rule for a weight.
pub(super) const WEIGHT: &str = "a finite number of at least 0";

/// Whether a number keeps that rule.
pub(super) fn is_weight(w: f64) -> bool {
    w.is_finite() && w >= 0.0
}

/// Refuses weights that do not fit `n_examples` examples of `data`. `name` is that of the weights.
///
/// # Errors
/// [`Error::BadWeights`].
pub(super) fn check(name: &str, weights: &[f64], data: &str, n_examples: usize) -> Result<()> {
    let bad = |rule| Err(Error::BadWeights { weights: name.to_string(), rule });
    if weights.len() != n_examples {
        let n = weights.len();
        let number = if n == 1 { "1 weight".to_string() } else { format!("{n} weights") };
        return bad(format!(
            "holds {number}, but must hold one for each of the {n_examples} examples of {data}"
        ));
    }
    if let Some(at) = weights.iter().position(|&w| !is_weight(w)) {
        let w = weights[at];
        return bad(format!("the weight of example {at} is {w}, but must be {WEIGHT}"));
    }
    if weights.iter().all(|&w| w == 0.0) {
        return bad(format!(
            "all weights are zero, but at least one must be above 0, for an example of {data}"
        ));
    }
    let square = |w: f64| w * w;
    // The square of the sum is finite, too.
    let largest = weights.iter().copied().fold(0.0, f64::max);
    if !square(largest * n_examples as f64).is_finite() || square(largest) < f64::MIN_POSITIVE {
        return bad(format!(
            "the largest weight is {largest:e}, but must be from 1e-150 to 1e140; multiply all by one number"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_weights_stay_and_others_are_rounded() {
        let whole = |values: &[f64]| ExampleWeights::of(values.to_vec()).map(|w| w.whole);
        assert_eq!(whole(&[3.0, 1.0, 2.0]), Some(vec![3, 1, 2]));
        assert_eq!(whole(&[0.5, 1.0, 1e-9]), Some(vec![1 << 15, 1 << 16, 1]));
        assert_eq!(whole(&[100_000.0, 50_000.0]), Some(vec![1 << 16, 1 << 15]));
        assert_eq!(whole(&[0.7; 5]), None);
    }

    #[test]
    fn the_effective_number_is_that_of_equal_weights() {
        assert_eq!(n_effective(&[0.25; 8]), 8.0);
        assert_eq!(n_effective(&[1.0, 1.0, 1.0, 3.0]), 3.0);
        assert!((n_effective(&[1.0, 1e-9]) - 1.0).abs() < 1e-6);
    }

    /// The size of a mean weight does not count, but shares say how many examples they divide.
    #[test]
    fn shares_are_worth_their_sum() {
        let halves = ExampleWeights::shares(vec![0.5; 8]).unwrap();
        assert_eq!((halves.n_effective(), halves.whole()), (4.0, &[1; 8][..]));
        assert_eq!(halves.part(0..2).unwrap().n_effective(), 1.0);
        assert_eq!(ExampleWeights::shares(vec![0.5, 0.5, 1.0]).unwrap().n_effective(), 2.0);
        assert_eq!(ExampleWeights::shares(vec![1.0; 3]), None);
    }

    #[test]
    fn each_bad_weight_is_named() {
        for (weights, message) in [
            (
                &[1.0, -2.0, 1.0][..],
                "w: the weight of example 1 is -2, but must be a finite number of at least 0",
            ),
            (
                &[1.0, 1.0, f64::NAN],
                "w: the weight of example 2 is NaN, but must be a finite number of at least 0",
            ),
            (
                &[f64::INFINITY, 1.0, 1.0],
                "w: the weight of example 0 is inf, but must be a finite number of at least 0",
            ),
            (&[0.0, 0.0, -0.0], "w: all weights are zero, but at least one must be above 0"),
            (&[1.0], "w: holds 1 weight, but must hold one for each of the 3 examples of d"),
            (&[1e200, 1.0, 1.0], "w: the largest weight is 1e200, but must be from"),
            (&[1e-200, 0.0, 0.0], "w: the largest weight is 1e-200"),
        ] {
            let error = check("w", weights, "d", 3).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        check("w", &[0.0, 1e-3, 7.0], "d", 3).unwrap();
    }
}
