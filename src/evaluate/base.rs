//! The base that chains are annealed from: independent units at the rates of the training data.
//!
//! log Z is a property of the model. So is its base: it comes from the model's own training, never
//! from the examples that happen to be scored.

use super::Method;
use crate::model::Rbm;
use crate::units::Units;
use ndarray::Array1;

/// Rates of the base distribution, and their origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    /// The rates (V), each above 0 and below 1.
    pub rates: Array1<f64>,
    /// Where the rates come from, in words.
    pub origin: String,
}

impl Base {
    /// The base at the smoothed mean (V) of data.
    pub fn of_mean(units: &Units, mean: &Array1<f64>, origin: impl Into<String>) -> Self {
        Self { rates: units.smoothed_rates(mean), origin: origin.into() }
    }

    /// The base at the mean of the training data if the model file has it, else at σ(b); both smoothed.
    pub fn of_model(rbm: &Rbm, data_mean: Option<&Array1<f32>>) -> Self {
        let units = rbm.visible_units();
        match data_mean {
            Some(mean) => Self::of_mean(
                units,
                &mean.mapv(f64::from),
                "mean of the training data, from the model file",
            ),
            None => {
                let rates = units.means(rbm.visible_bias().iter().map(|&bias| f64::from(bias)));
                Self::of_mean(
                    units,
                    &rates.into(),
                    "σ(b), as the model does not say what it was trained on",
                )
            }
        }
    }

    /// The base of a method for log Z: [`for_samples`](Self::for_samples) with [`Method::Pt`], else
    /// [`of_model`](Self::of_model).
    pub fn of_method(method: Method, rbm: &Rbm, data_mean: Option<&Array1<f32>>) -> Self {
        match method {
            Method::Pt => Self::for_samples(rbm, data_mean),
            _ => Self::of_model(rbm, data_mean),
        }
    }

    /// [`of_model`](Self::of_model) for chains that swap states along the path; [`uniform`](Self::uniform) where the
    /// model does not know the mean of its data, as σ(b) may be the means of one mode alone.
    pub fn for_samples(rbm: &Rbm, data_mean: Option<&Array1<f32>>) -> Self {
        match data_mean {
            Some(_) => Self::of_model(rbm, data_mean),
            None => Self::uniform(rbm.visible_units()),
        }
    }

    /// The base in which every value of a site is equally likely.
    pub fn uniform(units: &Units) -> Self {
        Self { rates: units.uniform_rates(), origin: "uniform".to_string() }
    }
}
