//! Averages of the parameters over updates (Polyak and Juditsky, 1992): what a run ends with is
//! then less noisy than its last update.

use super::parameters::Parameters;
use crate::error::{Error, Result};
use crate::kernels::tile::{Row, Tile};
use crate::model::Rbm;
use crate::setting::{by_text, invalid};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which average a run ends with; as text `none`, `exponential:EPOCHS` or `tail:SHARE`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Averaging {
    /// None: the last parameters.
    None,
    /// Weights that fall by e over so many epochs, above 0; usual: 2 to 20.
    Exponential(f64),
    /// Equal weights over this last share of the run, above 0 and at most 1; usual: 0.1 to 0.5.
    Tail(f64),
}

impl FromStr for Averaging {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |prefix: &str, most: f64| {
            let number = text.strip_prefix(prefix)?.parse().ok();
            number.filter(|&number: &f64| number > 0.0 && number <= most)
        };
        if text == "none" {
            return Ok(Self::None);
        }
        number("exponential:", 1e9)
            .map(Self::Exponential)
            .or_else(|| number("tail:", 1.0).map(Self::Tail))
            .ok_or_else(|| {
                let rule = "`none`, `exponential:EPOCHS` with a number above 0, or `tail:SHARE` \
                            with a share above 0 and at most 1";
                invalid("averaging", text, rule)
            })
    }
}

impl fmt::Display for Averaging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Exponential(epochs) => write!(f, "exponential:{epochs}"),
            Self::Tail(share) => write!(f, "tail:{share}"),
        }
    }
}

by_text!(Averaging);

/// Samples of the parameters within the memory of an exponential average. More would cost time, and
/// say little: parameters of neighbouring updates are nearly the same.
const SAMPLES: f64 = 64.0;

/// Samples of a tail, at most.
const TAIL_SAMPLES: u64 = 1024;

/// A running average of the parameters.
#[derive(Clone, Debug)]
pub struct Average {
    /// The first update after which parameters are taken in, and from one to the next.
    first: u64,
    every: u64,
    /// The least share of what is taken in; before, all samples weigh the same.
    least_share: f64,
    n_samples: u64,
    weights: Vec<Tile<f32>>,
    visible_bias: Vec<Row<f32>>,
    hidden_bias: Vec<Row<f32>>,
}

impl Average {
    /// Of these parameters in a run of so many updates; none if the settings ask for none.
    pub fn new(
        averaging: Averaging,
        parameters: &Parameters,
        updates_per_epoch: u64,
        total_updates: u64,
    ) -> Option<Self> {
        let (first, every, least_share) = match averaging {
            Averaging::None => return None,
            Averaging::Exponential(epochs) => {
                let memory = epochs * updates_per_epoch as f64;
                let every = (memory / SAMPLES).max(1.0).floor();
                (every as u64, every as u64, -libm::expm1(-every / memory))
            }
            Averaging::Tail(share) => {
                let length = ((share * total_updates as f64).round() as u64).max(1);
                (total_updates.saturating_sub(length) + 1, length.div_ceil(TAIL_SAMPLES), 0.0)
            }
        };
        let Parameters { weights, visible_bias, hidden_bias, .. } = parameters.clone();
        Some(Self { first, every, least_share, n_samples: 0, weights, visible_bias, hidden_bias })
    }

    /// Takes in the parameters after update `update` (from 1), if it is their turn.
    pub fn observe(&mut self, parameters: &Parameters, update: u64) {
        if update < self.first || !(update - self.first).is_multiple_of(self.every) {
            return;
        }
        self.n_samples += 1;
        let share = self.least_share.max(1.0 / self.n_samples as f64) as f32;
        let approach = |mean: &mut f32, &value: &f32| *mean += share * (value - *mean);
        let tiles = self.weights.par_iter_mut().zip(&parameters.weights).with_min_len(8);
        tiles.for_each(|(means, values)| {
            let (means, values) = (means.as_flattened_mut(), values.as_flattened());
            means.iter_mut().zip(values).for_each(|(mean, value)| approach(mean, value));
        });
        for (means, values) in [
            (&mut self.visible_bias, &parameters.visible_bias),
            (&mut self.hidden_bias, &parameters.hidden_bias),
        ] {
            let pairs = means.as_flattened_mut().iter_mut().zip(values.as_flattened());
            pairs.for_each(|(mean, value)| approach(mean, value));
        }
    }

    /// The average as a machine; none before the first parameters were taken in.
    pub fn to_rbm(&self, parameters: &Parameters) -> Option<Rbm> {
        let Self { weights, visible_bias, hidden_bias, .. } = self;
        (self.n_samples > 0).then(|| parameters.rbm_of(weights, visible_bias, hidden_bias))
    }
}
