//! Whether the parameters are in the range of fixed point, in which inputs are exact.

use super::parameters::Parameters;
use crate::error::{Error, Result};
use crate::fixed::Scale;
use crate::kernels::ascent::Reach;
use crate::model::Rbm;
use crate::setting::check;
use crate::state::State;

/// The largest parameter: beyond it, rounding to fixed point is not right.
const LARGEST: f64 = 1024.0;

/// The largest Σ|weights| + |bias| of a unit; machines of few hidden units need more than 1,000.
const LIMIT: f64 = 1536.0;

/// The least sum that might not fit an i32 in fixed point.
const OVERFLOW: f64 = 2047.0;

/// What the parameters are at most: as measured, and moved since then. In a format of a wider range
/// than that of training, the limits are as much higher.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    scale: Scale,
    /// The largest Σ|weights| + |bias| of a unit.
    norm: f64,
    /// The largest parameter.
    largest: f64,
}

impl Range {
    /// That of a model from which training is to start.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if it is too large for training.
    pub fn of(rbm: &Rbm, scale: Scale) -> Result<Self> {
        let wide = scale.widening();
        let parameters = rbm.weights().iter().chain(rbm.visible_bias()).chain(rbm.hidden_bias());
        let largest = parameters.map(|x| f64::from(x.abs())).fold(0.0, f64::max);
        let norm = rbm.norm();
        let rule = |limit: f64| move || format!("at most {limit}, to be trained in fixed point");
        let sum = "the largest sum of |weights| and |bias| of a unit of the model";
        check(sum, norm, norm <= wide * LIMIT, rule(wide * LIMIT))?;
        let most = wide * LARGEST;
        check("the largest parameter of the model", largest, largest <= most, rule(most))?;
        Ok(Self { scale, norm, largest })
    }

    /// The format whose range it is.
    pub fn scale(self) -> Scale {
        self.scale
    }

    /// Puts both bounds under a name.
    pub fn save(&self, state: &mut State) {
        state.put("range", &[2], vec![self.norm, self.largest]);
    }

    /// Takes back what [`save`](Self::save) put: bounds that grow between two checks, and so decide
    /// when the next one is.
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(state: &State, scale: Scale) -> Result<Self> {
        let [norm, largest] = *state.get("range", &[2])? else { unreachable!("two numbers") };
        Ok(Self { scale, norm, largest })
    }

    /// Takes account of an update in which weights and biases were moved so far at most; tells
    /// whether all sums are still sure to fit. A unit has at most `n_weights` weights.
    pub fn is_safe_after(&mut self, [weights, biases]: [Reach; 2], n_weights: usize) -> bool {
        const ROUNDING: f64 = 1.0 + 1e-6;
        let (weights, biases) = (f64::from(weights.distance()), f64::from(biases.distance()));
        self.norm += ROUNDING * (n_weights as f64 * weights + biases);
        self.largest += ROUNDING * weights.max(biases);
        // False for NaN, which either sum keeps.
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
            ("the weights and bias of one unit add up to", self.norm, wide * LIMIT),
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
    fn sums_and_parameters_have_limits_of_their_own() {
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
    fn steps_add_up_until_a_sum_might_not_fit() {
        let step = [Reach::of(0.0, 1.0), Reach::of(2.0, -3.0)];
        let mut range = range(100.0).unwrap();
        // 900 + 14 n is below 2047 up to n = 81.
        let n_safe = (0..1000).take_while(|_| range.is_safe_after(step, 9)).count();
        assert_eq!(n_safe, 81);
        let mut wide = Range { scale: Scale::for_numbers(2.0), ..self::range(100.0).unwrap() };
        // Up to four times as much.
        let n_safe = (0..1000).take_while(|_| wide.is_safe_after(step, 9)).count();
        assert_eq!(n_safe, 520);
        let mut range = self::range(100.0).unwrap();
        assert!(!range.is_safe_after([Reach::of(0.0, f32::NAN), Reach::default()], 9));
        assert!(!range.is_safe_after([Reach::default(); 2], 9));
    }
}
