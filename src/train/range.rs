//! Checks that the parameters stay in the fixed-point range, in which inputs of units are exact.

use super::parameters::{Extent, Parameters};
use crate::error::{Error, Result};
use crate::fixed::{Format, Scale};
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

/// The format of the weights, and upper bounds of the parameters: as measured, plus all moves since then.
/// If the scale of 32-bit weights is wider than [`Scale::TRAINING`] by a factor, the limits are higher by
/// that factor.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The scale of weights that do not fit in 16 bits.
    wide: Scale,
    format: Format,
    extent: Extent,
}

impl Range {
    /// The range of a model from which training starts.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if it is too large for training.
    pub fn of(rbm: &Rbm, wide: Scale) -> Result<Self> {
        let most = |most: f64, x: &f32| most.max(f64::from(x.abs()));
        let largest_weight = rbm.weights().iter().fold(0.0, most);
        let biases = rbm.visible_bias().iter().chain(rbm.hidden_bias());
        let (norm, largest) = (rbm.norm(), biases.fold(largest_weight, most));
        let widening = wide.widening();
        let rule = |limit: f64| move || format!("at most {limit} for training in fixed point");
        let sum = "the largest sum of |weights| and |bias| of a unit of the model";
        check(sum, norm, norm <= widening * LIMIT, rule(widening * LIMIT))?;
        let most = widening * LARGEST;
        check("the largest parameter of the model", largest, largest <= most, rule(most))?;
        let extent = Extent { norm, largest_weight, largest };
        Ok(Self { wide, format: Format::fitting(largest_weight, wide), extent })
    }

    /// The format of the weights.
    pub fn format(self) -> Format {
        self.format
    }

    /// Saves the format and the bounds.
    pub fn save(&self, state: &mut State) {
        let Extent { norm, largest_weight, largest } = self.extent;
        state.put("range", &[3], vec![norm, largest_weight, largest]);
        self.format.save("format", state);
    }

    /// Restores what [`save`](Self::save) saved. The bounds grow between two checks, and so decide when
    /// the next check is due.
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(state: &State, wide: Scale) -> Result<Self> {
        let [norm, largest_weight, largest] = *state.get("range", &[3])? else {
            unreachable!("three numbers")
        };
        let extent = Extent { norm, largest_weight, largest };
        Ok(Self { wide, format: Format::restore("format", state)?, extent })
    }

    /// Adds the largest moves of an update to the bounds, where a unit has at most `n_weights` weights.
    /// Returns whether all weights fit in their format and no sum can overflow.
    pub fn is_safe_after(&mut self, [weights, biases]: [Reach; 2], n_weights: usize) -> bool {
        const ROUNDING: f64 = 1.0 + 1e-6;
        let (weights, biases) = (f64::from(weights.distance()), f64::from(biases.distance()));
        let Extent { norm, largest_weight, largest } = &mut self.extent;
        *norm += ROUNDING * (n_weights as f64 * weights + biases);
        *largest_weight += ROUNDING * weights;
        *largest += ROUNDING * weights.max(biases);
        // This is false for NaN, which stays in all bounds.
        let widening = self.wide.widening();
        *norm < widening * OVERFLOW
            && *largest < widening * LARGEST
            && *largest_weight < self.format.largest_weight()
    }

    /// Measures the parameters after update `update`, in epoch `epoch` (from 1), and sets the format that
    /// fits them.
    ///
    /// # Errors
    /// [`Error::Diverged`] if they are too large.
    pub fn check(&mut self, parameters: &mut Parameters, epoch: usize, update: u64) -> Result<()> {
        self.extent = parameters.extent();
        let widening = self.wide.widening();
        for (what, found, limit) in [
            ("the largest parameter is", self.extent.largest, widening * LARGEST),
            ("the sum of |weights| and |bias| of one unit is", self.extent.norm, widening * LIMIT),
        ] {
            if found.is_nan() || found > limit {
                return Err(Error::Diverged { epoch, update, what, found, limit });
            }
        }
        self.format = Format::fitting(self.extent.largest_weight, self.wide);
        parameters.set_format(self.format);
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
        let mut wide = Range { wide: Scale::for_numbers(2.0), ..self::range(100.0).unwrap() };
        // The limit is four times as high.
        let n_safe = (0..1000).take_while(|_| wide.is_safe_after(step, 9)).count();
        assert_eq!(n_safe, 520);
        // Weights of 11 have 11 places, up to 16.
        let mut narrow = self::range(11.0).unwrap();
        let n_safe = (0..1000).take_while(|_| narrow.is_safe_after(step, 9)).count();
        assert_eq!(n_safe, 4);
        let mut range = self::range(100.0).unwrap();
        assert!(!range.is_safe_after([Reach::of(0.0, f32::NAN), Reach::default()], 9));
        assert!(!range.is_safe_after([Reach::default(); 2], 9));
    }
}
