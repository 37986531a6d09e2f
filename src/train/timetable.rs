//! The plan of a run: how many updates it has, and the numbers of each.

use super::config::TrainConfig;
use super::optimizer::Sgd;
use super::schedule::{sweeps, warm_up};

/// The settings of a run [for its data](TrainConfig::for_data), and the updates that they make.
#[derive(Clone, Debug)]
pub struct Timetable {
    /// The settings.
    pub config: TrainConfig,
    /// Updates of an epoch.
    pub updates_per_epoch: u64,
    /// Updates of the whole run.
    pub total_updates: u64,
}

impl Timetable {
    /// Of a run whose epochs have so many updates.
    ///
    /// # Panics
    /// If the settings say neither epochs nor updates.
    pub fn new(config: TrainConfig, updates_per_epoch: u64) -> Self {
        let of_epochs = config.epochs.map(|n| updates_per_epoch.saturating_mul(n as u64));
        let total_updates = config.updates.or(of_epochs).expect("settings for the data");
        Self { config, updates_per_epoch, total_updates }
    }

    /// Epochs done after `updates` updates.
    pub fn epoch(&self, updates: u64) -> u64 {
        updates / self.updates_per_epoch
    }

    /// Epochs done or begun after `updates` updates.
    pub fn n_epochs_begun(&self, updates: u64) -> u64 {
        updates.div_ceil(self.updates_per_epoch)
    }

    /// Epochs of the whole run; the last may be cut short.
    pub fn n_epochs(&self) -> u64 {
        self.n_epochs_begun(self.total_updates)
    }

    /// Whether the last of `updates` updates is the last of an epoch, or of the run.
    pub fn is_end_of_epoch(&self, updates: u64) -> bool {
        updates.is_multiple_of(self.updates_per_epoch) || updates >= self.total_updates
    }

    /// Sweeps of every chain in the update after `updates` others.
    pub fn gibbs_steps(&self, updates: u64) -> usize {
        let TrainConfig { gibbs_steps: first, gibbs_steps_last, .. } = self.config;
        sweeps(first, gibbs_steps_last.unwrap_or(first), updates, self.total_updates)
    }

    /// The numbers of the update rule in the update after `updates` others.
    pub fn step(&self, updates: u64) -> Sgd {
        let TrainConfig { schedule, learning_rate, weight_decay, .. } = self.config;
        let rate = schedule.rate(learning_rate, updates, self.total_updates);
        let warm_up_updates = self.config.warm_up * self.updates_per_epoch as f64;
        let rate = rate * warm_up(updates, warm_up_updates);
        Sgd { rate: rate as f32, decay: weight_decay as f32 }
    }
}
