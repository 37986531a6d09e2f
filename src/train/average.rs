//! Averages of the parameters over updates (Polyak and Juditsky, 1992, Acceleration of stochastic
//! approximation by averaging): what a run ends with is then less noisy than its last update.

use super::averaging::Averaging;
use super::parameters::Parameters;
use super::timetable::Timetable;
use crate::error::Result;
use crate::kernels::tile::{Aligned, Row, Tile, from_tiles, to_rows, to_tiles};
use crate::model::Rbm;
use crate::state::State;
use rayon::prelude::*;

/// Samples of the parameters within the memory of an exponential average. More would cost time, and
/// say little: parameters of neighbouring updates are nearly the same.
const SAMPLES: f64 = 64.0;

/// Samples of a tail, at most.
const TAIL_SAMPLES: u64 = 1024;

/// Which updates count, and how much.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// The first update after which parameters are taken in, and from one to the next.
    first: u64,
    every: u64,
    /// The least share of what is taken in; before, all samples weigh the same.
    least_share: f64,
}

impl Plan {
    fn new(timetable: &Timetable) -> Option<Self> {
        let total_updates = timetable.total_updates;
        let (first, every, least_share) = match timetable.config.averaging {
            Averaging::None => return None,
            Averaging::Exponential(epochs) => {
                let memory = epochs * timetable.updates_per_epoch as f64;
                // Of a run that is shorter, as many samples all the same.
                let every = (memory.min(total_updates as f64) / SAMPLES).max(1.0).floor();
                (every as u64, every as u64, -libm::expm1(-every / memory))
            }
            Averaging::Tail(share) => {
                let length = ((share * total_updates as f64).round() as u64).max(1);
                (total_updates.saturating_sub(length) + 1, length.div_ceil(TAIL_SAMPLES), 0.0)
            }
        };
        Some(Self { first, every, least_share })
    }
}

/// A running average of the parameters.
#[derive(Clone, Debug)]
pub struct Average {
    plan: Plan,
    n_samples: u64,
    weights: Aligned<Tile<f32>>,
    visible_bias: Aligned<Row<f32>>,
    hidden_bias: Aligned<Row<f32>>,
}

impl Average {
    /// Of these parameters in a run; none if its settings ask for none.
    pub fn new(timetable: &Timetable, parameters: &Parameters) -> Option<Self> {
        Some(Self {
            plan: Plan::new(timetable)?,
            n_samples: 0,
            weights: parameters.weights.clone(),
            visible_bias: parameters.visible_bias.clone(),
            hidden_bias: parameters.hidden_bias.clone(),
        })
    }

    /// Takes in the parameters after update `update` (from 1), if it is their turn.
    pub fn observe(&mut self, parameters: &Parameters, update: u64) {
        let Plan { first, every, least_share } = self.plan;
        if update < first || !(update - first).is_multiple_of(every) {
            return;
        }
        self.n_samples += 1;
        let share = least_share.max(1.0 / self.n_samples as f64) as f32;
        let approach = |mean: &mut f32, &value: &f32| {
            // The first sample is taken as it is, whatever was there before.
            *mean = if share == 1.0 { value } else { *mean + share * (value - *mean) };
        };
        let tiles = self.weights.par_iter_mut().zip(parameters.weights.par_iter()).with_min_len(8);
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

    /// Goes on under another plan from update `update` on. An average that under it has not begun yet
    /// forgets what it has taken in.
    pub fn replan(&mut self, timetable: &Timetable, update: u64) {
        self.plan = Plan::new(timetable).expect("a run that has an average");
        if update < self.plan.first {
            self.n_samples = 0;
        }
    }

    /// Puts the average under names that begin with `average`, once it has begun.
    pub fn save(&self, state: &mut State, (n_visible, n_hidden): (usize, usize)) {
        if self.n_samples == 0 {
            return;
        }
        let weights = from_tiles(&self.weights, (n_visible, n_hidden));
        state.put("average.weights", &[n_visible, n_hidden], weights);
        let bias = |rows: &[Row<f32>], n: usize| rows.as_flattened()[..n].to_vec();
        state.put("average.visible_bias", &[n_visible], bias(&self.visible_bias, n_visible));
        state.put("average.hidden_bias", &[n_hidden], bias(&self.hidden_bias, n_hidden));
        state.put("average.n_samples", &[1], vec![self.n_samples]);
    }

    /// Takes back what [`save`](Self::save) put under the same settings.
    ///
    /// # Errors
    /// As [`State::take`].
    pub fn restore(&mut self, state: &State, (n_visible, n_hidden): (usize, usize)) -> Result<()> {
        if !state.has("average.n_samples") {
            return Ok(());
        }
        let weights = state.take("average.weights", &[n_visible, n_hidden])?;
        self.weights = to_tiles(weights, (n_visible, n_hidden));
        self.visible_bias = to_rows(state.take("average.visible_bias", &[n_visible])?);
        self.hidden_bias = to_rows(state.take("average.hidden_bias", &[n_hidden])?);
        self.n_samples = state.take_one("average.n_samples")?;
        Ok(())
    }

    /// The average as a machine; none before the first parameters were taken in.
    pub fn to_rbm(&self, parameters: &Parameters) -> Option<Rbm> {
        let Self { weights, visible_bias, hidden_bias, .. } = self;
        (self.n_samples > 0).then(|| parameters.rbm_of(weights, visible_bias, hidden_bias))
    }
}
