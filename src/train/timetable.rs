//! The plan of a run: the number of its updates, and the learning rate and sweeps of each.

use super::config::TrainConfig;
use super::optimizer::Sgd;
use super::schedule::{sweeps, warm_up};

/// The settings of a run, completed [for its data](TrainConfig::for_data), and its numbers of updates.
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
    /// The plan of a run with `updates_per_epoch` updates in each epoch.
    ///
    /// # Panics
    /// If the settings give neither epochs nor updates.
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

    /// The sweeps of every chain in update `updates` (from 0).
    pub fn gibbs_steps(&self, updates: u64) -> usize {
        let TrainConfig { gibbs_steps: first, gibbs_steps_last, .. } = self.config;
        sweeps(first, gibbs_steps_last.unwrap_or(first), updates, self.total_updates)
    }

    /// The learning rate and weight decay of update `updates` (from 0).
    pub fn step(&self, updates: u64) -> Sgd {
        let TrainConfig { schedule, learning_rate, weight_decay, .. } = self.config;
        let rate = schedule.rate(learning_rate, updates, self.total_updates);
        let warm_up_updates = self.config.warm_up * self.updates_per_epoch as f64;
        let rate = rate * warm_up(updates, warm_up_updates);
        Sgd { rate: rate as f32, decay: weight_decay as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_begin_and_end_by_the_plan() {
        let config = TrainConfig { epochs: Some(3), ..TrainConfig::default() };
        let whole = Timetable::new(config.clone(), 5);
        let cut = Timetable::new(TrainConfig { updates: Some(12), ..config }, 5);
        assert_eq!((whole.total_updates, cut.total_updates), (15, 12));
        assert_eq!((whole.n_epochs(), cut.n_epochs()), (3, 3));
        let ends = |plan: &Timetable| -> Vec<u64> {
            (1..=plan.total_updates).filter(|&updates| plan.is_end_of_epoch(updates)).collect()
        };
        assert_eq!((ends(&whole), ends(&cut)), (vec![5, 10, 15], vec![5, 10, 12]));
        assert_eq!([0, 1, 5, 6].map(|updates| whole.n_epochs_begun(updates)), [0, 1, 1, 2]);
        assert_eq!([0, 1, 5, 6].map(|updates| whole.epoch(updates)), [0, 0, 1, 1]);
    }

    #[test]
    fn sweeps_and_rate_go_from_the_first_update_to_the_last() {
        let config = TrainConfig {
            epochs: Some(20),
            gibbs_steps: 1,
            gibbs_steps_last: Some(4),
            learning_rate: 0.2,
            warm_up: 2.0,
            weight_decay: 0.5,
            ..TrainConfig::default()
        };
        let plan = Timetable::new(config, 5);
        assert_eq!((plan.gibbs_steps(0), plan.gibbs_steps(99)), (1, 4));
        // The rate rises during the warm-up and falls afterwards.
        let rate = |updates| plan.step(updates).rate;
        assert!(rate(0) < 0.05 && rate(12) > 0.15 && rate(99) < 0.01);
        assert_eq!(plan.step(7).decay, 0.5);
    }
}
