//! The base that chains are annealed from: independent units at the rates of the training data.
//!
//! log Z is a property of the model. So is its base: it comes from the model's own training, never
//! from the examples that happen to be scored.

use crate::gibbs::smoothed_rates;
use crate::model::{Rbm, sigmoid};
use ndarray::Array1;

/// Rates of the base distribution, and where they come from.
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    /// (V), each above 0 and below 1.
    pub rates: Array1<f64>,
    /// In words.
    pub origin: String,
}

impl Base {
    /// The smoothed mean (V) of data.
    pub fn of_mean(mean: &Array1<f64>, origin: impl Into<String>) -> Self {
        Self { rates: smoothed_rates(mean), origin: origin.into() }
    }

    /// Of a model that says what the mean of its training data was, that; else σ(b), smoothed likewise.
    pub fn of_model(rbm: &Rbm, data_mean: Option<&Array1<f32>>) -> Self {
        match data_mean {
            Some(mean) => Self::of_mean(
                &mean.mapv(f64::from),
                "mean of the training data, from the model file",
            ),
            None => {
                let rates = rbm.visible_bias().mapv(|bias| sigmoid(f64::from(bias)));
                Self::of_mean(&rates, "σ(b), as the model does not say what it was trained on")
            }
        }
    }

    /// Every unit on as often as off.
    pub fn uniform(n_visible: usize) -> Self {
        Self { rates: Array1::from_elem(n_visible, 0.5), origin: "uniform".to_string() }
    }
}
