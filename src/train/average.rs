//! Averages of the parameters over updates (Polyak and Juditsky, 1992, Acceleration of stochastic
//! approximation by averaging), which are less noisy than the parameters after the last update.

use super::averaging::Averaging;
use super::config::TrainConfig;
use super::parameters::Parameters;
use super::timetable::Timetable;
use crate::error::Result;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::TiledParameters;
use crate::ranks::Ranks;
use crate::state::State;

/// Samples of the parameters within the memory of an exponential average. More samples would cost time
/// and add little: parameters of neighbouring updates are nearly the same.
const SAMPLES: f64 = 64.0;

/// The most samples of a tail.
const TAIL_SAMPLES: u64 = 1024;

/// The plan of an average: which updates count, and how much.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// The first update that is sampled.
    first: u64,
    /// The updates from one sample to the next.
    every: u64,
    /// The least weight of a new sample; until 1/n falls below it, all n samples weigh the same.
    least_share: f64,
}

impl Plan {
    fn new(timetable: &Timetable) -> Option<Self> {
        let total_updates = timetable.total_updates;
        let (first, every, least_share) = match timetable.config.averaging {
            Averaging::None => return None,
            Averaging::Exponential(epochs) => {
                let memory = epochs * timetable.updates_per_epoch as f64;
                // A run shorter than the memory gets just as many samples.
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
    means: TiledParameters<f32>,
}

impl Average {
    /// The memory of the average that these settings ask for, for this visible layer.
    pub fn bytes(config: &TrainConfig, visible: &Layout) -> Bytes {
        match config.averaging {
            Averaging::None => Bytes(0),
            Averaging::Exponential(_) | Averaging::Tail(_) => {
                TiledParameters::<f32>::bytes(visible, config.n_hidden())
            }
        }
    }

    /// The average of a run's parameters; none if its settings ask for none.
    pub fn new(timetable: &Timetable, parameters: &Parameters) -> Option<Self> {
        Some(Self { plan: Plan::new(timetable)?, n_samples: 0, means: parameters.exact.clone() })
    }

    /// Samples the parameters after update `update` (from 1), if the plan says so.
    pub fn observe(&mut self, parameters: &Parameters, update: u64) {
        let Plan { first, every, least_share } = self.plan;
        if update < first || !(update - first).is_multiple_of(every) {
            return;
        }
        self.n_samples += 1;
        let share = least_share.max(1.0 / self.n_samples as f64) as f32;
        self.means.zip(&parameters.exact, |mean, &value| {
            // mean ← mean + share (θ − mean); the first sample replaces the mean.
            *mean = if share == 1.0 { value } else { *mean + share * (value - *mean) };
        });
    }

    /// Gives every rank the means of the weights of the others.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn gather(&mut self, ranks: &Ranks) -> Result<()> {
        self.means.gather(ranks)
    }

    /// Follows another plan from update `update` on. If the average begins later under that plan, it
    /// forgets its samples.
    pub fn replan(&mut self, timetable: &Timetable, update: u64) {
        self.plan = Plan::new(timetable).expect("a run with an average");
        if update < self.plan.first {
            self.n_samples = 0;
        }
    }

    /// Saves the average, once it has begun, under names that begin with `average`.
    pub fn save(&self, state: &mut State) {
        if let Some(means) = self.means() {
            means.save("average.", state);
            state.put("average.n_samples", &[1], vec![self.n_samples]);
        }
    }

    /// Restores what [`save`](Self::save) saved under the same settings.
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(&mut self, state: &State) -> Result<()> {
        if state.has("average.n_samples") {
            self.means = self.means.restored("average.", state)?;
            self.n_samples = state.get_one("average.n_samples")?;
        }
        Ok(())
    }

    /// The average; none before the first sample.
    pub fn means(&self) -> Option<&TiledParameters<f32>> {
        (self.n_samples > 0).then_some(&self.means)
    }
}
