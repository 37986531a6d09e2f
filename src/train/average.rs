//! Averages of the parameters over updates (Polyak and Juditsky, 1992, Acceleration of stochastic
//! approximation by averaging): what a run ends with is then less noisy than its last update.

use super::averaging::Averaging;
use super::config::TrainConfig;
use super::parameters::Parameters;
use crate::kernels::tile::{Row, Tile};
use crate::model::Rbm;
use rayon::prelude::*;

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
    /// Of these parameters in a run with these settings on so many examples; none if the settings
    /// ask for none.
    pub fn new(config: &TrainConfig, parameters: &Parameters, n_examples: usize) -> Option<Self> {
        let total_updates = config.total_updates(n_examples);
        let (first, every, least_share) = match config.averaging {
            Averaging::None => return None,
            Averaging::Exponential(epochs) => {
                let memory = epochs * config.updates_per_epoch(n_examples) as f64;
                // Of a run that is shorter, as many samples all the same.
                let every = (memory.min(total_updates as f64) / SAMPLES).max(1.0).floor();
                (every as u64, every as u64, -libm::expm1(-every / memory))
            }
            Averaging::Tail(share) => {
                let length = ((share * total_updates as f64).round() as u64).max(1);
                (total_updates.saturating_sub(length) + 1, length.div_ceil(TAIL_SAMPLES), 0.0)
            }
        };
        Some(Self {
            first,
            every,
            least_share,
            n_samples: 0,
            weights: parameters.weights.clone(),
            visible_bias: parameters.visible_bias.clone(),
            hidden_bias: parameters.hidden_bias.clone(),
        })
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
