//! Checks that the parameters stay in the fixed-point range, in which inputs of units are exact.

use super::parameters::Parameters;
use crate::error::{Error, Result};
use crate::fixed::Scale;
use crate::kernels::ascent::Reach;
use crate::model::Rbm;
use crate::setting::check;
use crate::state::State;

/// The largest parameter that is rounded to fixed point correctly.
const LARGEST: f64 = 1024.0;

/// The largest Σ|weights| + |bias| of a unit; models with few hidden units need more than 1,000.
const LIMIT: f64 = 1536.0;

/// The least sum that might overflow an i32 in fixed point.
const OVERFLOW: f64 = 2047.0;

/// Upper bounds of the parameters: as measured, plus all moves since then. In a fixed-point format that
/// is wider than [`Scale::TRAINING`] by a factor, the limits are higher by that factor.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    scale: Scale,
    /// The largest Σ|weights| + |bias| of a unit.
    norm: f64,
    /// The largest parameter.
    largest: f64,
}

impl Range {
    /// The range of a model from which training starts.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if it is too large for training.
    pub fn of(rbm: &Rbm, scale: Scale) -> Result<Self> {
        let wide = scale.widening();
        let parameters = rbm.weights().iter().chain(rbm.visible_bias()).chain(rbm.hidden_bias());
        let largest = parameters.map(|x| f64::from(x.abs())).fold(0.0, f64::max);
        let norm = rbm.norm();
        let rule = |limit: f64| move || format!("at most {limit} for training in fixed point");
        let sum = "the largest sum of |weights| and |bias| of a unit of the model";
        check(sum, norm, norm <= wide * LIMIT, rule(wide * LIMIT))?;
        let most = wide * LARGEST;
        check("the largest parameter of the model", largest, largest <= most, rule(most))?;
        Ok(Self { scale, norm, largest })
    }

    /// The fixed-point format.
    pub fn scale(self) -> Scale {
        self.scale
    }

    /// Saves both bounds.
    pub fn save(&self, state: &mut State) {
        state.put("range", &[2], vec![self.norm, self.largest]);
    }

    /// Restores what [`save`](Self::save) saved. The bounds grow between two checks, and so decide when
    /// the next check is due.
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(state: &State, scale: Scale) -> Result<Self> {
        let [norm, largest] = *state.get("range", &[2])? else { unreachable!("two numbers") };
        Ok(Self { scale, norm, largest })
    }

    /// Adds the largest moves of an update to the bounds, where a unit has at most `n_weights` weights.
    /// Returns whether no sum can overflow.
    pub fn is_safe_after(&mut self, [weights, biases]: [Reach; 2], n_weights: usize) -> bool {
        const ROUNDING: f64 = 1.0 + 1e-6;
        let (weights, biases) = (f64::from(weights.distance()), f64::from(biases.distance()));
        self.norm += ROUNDING * (n_weights as f64 * weights + biases);
        self.largest += ROUNDING * weights.max(biases);
        // This is false for NaN, which stays in both bounds.
        let wide = self.scale.widening();
        self.norm < wide * OVERFLOW && self.largest < wide * LARGEST
    }

    /// Measures the parameters after update `update`, in epoch `epoch` (from 1).
    ///
    /// # Errors
    /// [`Error::Diverged`] if they are too large.
    pub fn check(&mut self, parameters: &mut Parameters, epoch: usize, update: u64) -> Result<()> {
        (self.norm, self.largest) = parameters.norm_and_largest();
        let wide = self.scale.widening();
        for (what, found, limit) in [
            ("the largest parameter is", self.largest, wide * LARGEST),
            ("the sum of |weights| and |bias| of one unit is", self.norm, wide * LIMIT),
        ] {
            if found.is_nan() || found > limit {
                return Err(Error::Diverged { epoch, update, what, found, limit });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    fn range(weight: f32) -> Result<Range> {
        let weights = Array2::from_elem((9, 4), weight);
        let rbm = Rbm::new(weights, Array1::zeros(9), Array1::zeros(4)).unwrap();
        Range::of(&rbm, Scale::TRAINING)
    }

    #[test]
    fn sums_and_parameters_have_separate_limits() {
        assert!(range(170.0).is_ok());
        let error = range(171.0).unwrap_err().to_string();
        assert!(error.contains("is 1539, but must be at most 1536"), "{error}");
        let biases = Array1::from_elem(9, 1025.0);
        let heavy = Rbm::new(Array2::zeros((9, 4)), biases, Array1::zeros(4)).unwrap();
        let error = Range::of(&heavy, Scale::TRAINING).unwrap_err().to_string();
        assert!(error.contains("parameter of the model is 1025, but must be at most 1024"));
        assert!(Range::of(&heavy, Scale::for_numbers(2.0)).is_ok());
    }

    #[test]
    fn moves_add_up_until_a_sum_might_overflow() {
        let step = [Reach::of(0.0, 1.0), Reach::of(2.0, -3.0)];
        let mut range = range(100.0).unwrap();
        // 900 + 14 n is below 2047 up to n = 81.
        let n_safe = (0..1000).take_while(|_| range.is_safe_after(step, 9)).count();
        assert_eq!(n_safe, 81);
        let mut wide = Range { scale: Scale::for_numbers(2.0), ..self::range(100.0).unwrap() };
        // The limit is four times as high.
        let n_safe = (0..1000).take_while(|_| wide.is_safe_after(step, 9)).count();
        assert_eq!(n_safe, 520);
        let mut range = self::range(100.0).unwrap();
        assert!(!range.is_safe_after([Reach::of(0.0, f32::NAN), Reach::default()], 9));
        assert!(!range.is_safe_after([Reach::default(); 2], 9));
    }
}
