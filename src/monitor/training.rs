//! Training on data in memory, with monitors.

use super::{EpochRecord, Monitor, Pace, Probe, WeightChange};
use crate::error::Result;
use crate::gibbs::FixedModel;
use crate::setting::is_on_series;
use crate::train::Trainer;
use crate::watch::Watch;
use std::time::Instant;

/// The largest number of epochs that are all recorded; longer runs record every nth epoch.
pub const MOST_RECORDS: u64 = 1000;

/// Whether monitors hear of the progress after this update, 20 times an epoch.
pub fn is_reported(trainer: &Trainer) -> bool {
    trainer.updates().is_multiple_of((trainer.updates_per_epoch() / 20).max(1))
}

impl Trainer {
    /// Whether a run records the epoch that has just ended: each one, but in a run of more than 1,000 epochs
    /// every nth one, those on the series 1, 2, 4, 5, 8, 11, 16, … (powers of √2), and the last.
    pub fn is_recorded(&self) -> bool {
        let recorded_every = self.n_epochs().div_ceil(MOST_RECORDS);
        let epoch = self.n_epochs_begun();
        epoch.is_multiple_of(recorded_every) || is_on_series(epoch) || self.is_done()
    }

    /// Trains to the end of the run, or until a monitor [asks to stop](Monitor::asks_to_stop). After each
    /// [recorded](Self::is_recorded) epoch the monitors get its record and the model. `run::train` does the same in a
    /// folder, with data from files.
    ///
    /// ```
    /// use harmonium::dataset::{Binarization, Dataset, Examples};
    /// use harmonium::gibbs::FixedModel;
    /// use harmonium::monitor::{EpochRecord, Monitor};
    /// use harmonium::{BitMatrix, Result, TrainConfig, Trainer};
    ///
    /// /// Remembers the norms of the weights.
    /// #[derive(Default)]
    /// struct Norms(Vec<f64>);
    ///
    /// impl Monitor for Norms {
    ///     fn after_epoch(&mut self, _: &Trainer, _: FixedModel<'_>, record: &EpochRecord) -> Result<()> {
    ///         self.0.extend(record.weight_norm);
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
    /// let examples = Examples::new(Dataset::from_bits("bars", bars), Binarization::Stochastic);
    /// let config = TrainConfig { hidden: Some(3), epochs: Some(2), ..TrainConfig::default() };
    /// let mut norms = Norms::default();
    /// Trainer::new(config, examples)?.run(&mut [&mut norms])?;
    /// assert_eq!(norms.0.len(), 2);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`update`](Self::update), and errors of the monitors.
    pub fn run(&mut self, monitors: &mut [&mut dyn Monitor]) -> Result<()> {
        let probe = Probe::new(self.examples(), None, self.config());
        let (mut change, clock) = (WeightChange::new(self), Instant::now());
        let seconds = || clock.elapsed().as_secs_f64();
        for monitor in monitors.iter_mut() {
            monitor.begin(self, &[])?;
        }
        let mut pace = Pace::since(self, seconds());
        while !self.is_done() {
            change.before_update(self);
            self.update()?;
            if is_reported(self) {
                let rate = pace.samples_per_second(self, seconds());
                monitors.iter_mut().for_each(|monitor| monitor.after_updates(self, rate));
            }
            if !self.is_at_end_of_epoch() {
                continue;
            }
            if self.is_recorded() {
                let (rbm, weights) = (self.model(), self.fixed_weights());
                let model = FixedModel { rbm: &rbm, weights: &weights };
                let samples_per_second = pace.samples_per_second(self, seconds());
                let mut record = probe.record(self, &change);
                probe.score(self, &mut record, model, Watch::default())?;
                let record = EpochRecord { samples_per_second, seconds: seconds(), ..record };
                for monitor in monitors.iter_mut() {
                    monitor.after_epoch(self, model, &record)?;
                }
                if monitors.iter().any(|monitor| monitor.asks_to_stop()) {
                    break;
                }
            }
            pace = Pace::since(self, seconds());
        }
        monitors.iter_mut().try_for_each(|monitor| monitor.finish(self))
    }
}
