//! The records of a run, and where records and snapshots go.
//!
//! ```text
//!  Trainer ──► Probe, Likelihood ──► EpochRecord ──┬──► Terminal (progress on stderr)
//!     │    └──► OnlineLogZ ─────────────┘          ├──► MetricsFile ──┐
//!     │         (after each update)                ├──► TensorBoard ──┼─► Writer (a thread) ──► files
//!     └────────────────────────────────────────────┴──► Snapshots ────┘
//! ```

pub(crate) mod record;

pub(crate) mod weight_change;

pub(crate) mod pace;

pub(crate) mod mixing;

pub(crate) mod probe;

pub(crate) mod likelihood;

pub(crate) mod online_log_z;

pub(crate) mod training;

#[cfg(feature = "cli")]
pub(crate) mod writer;

pub(crate) mod best;

pub(crate) mod metric;

#[cfg(feature = "cli")]
pub(crate) mod metrics_file;

#[cfg(feature = "cli")]
pub(crate) mod tensorboard;

#[cfg(feature = "cli")]
pub(crate) mod snapshots;

#[cfg(feature = "cli")]
pub(crate) mod terminal;

#[cfg(feature = "cli")]
pub(crate) mod progress_bar;

pub use best::BestScore;
pub use likelihood::Likelihood;
pub use metric::{Best, Metric};
pub use online_log_z::OnlineLogZ;
pub use pace::Pace;
pub use probe::Probe;
pub use record::EpochRecord;
#[cfg(feature = "cli")]
pub use terminal::{LogFormat, Terminal};
pub use weight_change::WeightChange;
#[cfg(feature = "cli")]
pub(crate) use writer::Writer;

use crate::error::Result;
use crate::gibbs::FixedModel;
use crate::train::Trainer;
use std::path::Path;

/// A receiver of a run's records. [`Trainer::run`] takes those of a program for data in memory;
/// `run::train` adds them to the monitors of a run in a folder.
///
/// ```
/// use harmonium::gibbs::FixedModel;
/// use harmonium::monitor::{EpochRecord, Monitor};
/// use harmonium::{Result, Trainer};
///
/// /// Remembers the norms of the weights.
/// struct Norms(Vec<f64>);
///
/// impl Monitor for Norms {
///     fn after_epoch(
///         &mut self,
///         _trainer: &Trainer,
///         _model: FixedModel<'_>,
///         record: &EpochRecord,
///     ) -> Result<()> {
///         self.0.extend(record.weight_norm);
///         Ok(())
///     }
/// }
/// ```
pub trait Monitor: Send {
    /// Called first with the folder of the run, if it has one.
    ///
    /// # Errors
    /// Any error that keeps the monitor from its work; it ends the run.
    fn open(&mut self, _folder: &Path) -> Result<()> {
        Ok(())
    }

    /// Called when training begins, or goes on after the records of earlier sessions.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn begin(&mut self, _trainer: &Trainer, _past: &[EpochRecord]) -> Result<()> {
        Ok(())
    }

    /// Called with a message for people who watch the run, which no record holds.
    fn note(&mut self, _text: &str) {}

    /// Called after some updates.
    fn after_updates(&mut self, _trainer: &Trainer, _samples_per_second: f64) {}

    /// Called after each recorded epoch, with the [model](Trainer::model) that the trainer then has. A
    /// run of more than 1,000 epochs does not record every one.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn after_epoch(
        &mut self,
        trainer: &Trainer,
        model: FixedModel<'_>,
        record: &EpochRecord,
    ) -> Result<()>;

    /// Whether the run shall end; asked after [`after_epoch`](Self::after_epoch). [`Trainer::run`] then returns as at
    /// the end of the plan. A run in a folder pauses, as if its `run::Interrupt` was raised, and can be resumed.
    ///
    /// ```
    /// use harmonium::dataset::{Binarization, Dataset, Examples};
    /// use harmonium::evaluate::pseudo_likelihood::pseudo_likelihood;
    /// use harmonium::gibbs::FixedModel;
    /// use harmonium::monitor::{EpochRecord, Monitor};
    /// use harmonium::{BitMatrix, Isa, Rbm, Result, TrainConfig, Trainer, Watch};
    ///
    /// /// Keeps the model that is best on held-out examples, and gives up after ten epochs without a better one.
    /// struct EarlyStop {
    ///     held_out: BitMatrix,
    ///     best: Option<(f64, Rbm)>,
    ///     worse: usize,
    /// }
    ///
    /// impl Monitor for EarlyStop {
    ///     fn after_epoch(&mut self, _: &Trainer, model: FixedModel<'_>, _: &EpochRecord) -> Result<()> {
    ///         let score = pseudo_likelihood(model.rbm, &self.held_out, Isa::fastest(), Watch::default())?;
    ///         if self.best.as_ref().is_none_or(|(best, _)| score.mean > *best) {
    ///             (self.best, self.worse) = (Some((score.mean, model.rbm.clone())), 0);
    ///         } else {
    ///             self.worse += 1;
    ///         }
    ///         Ok(())
    ///     }
    ///
    ///     fn asks_to_stop(&self) -> bool {
    ///         self.worse == 10
    ///     }
    /// }
    ///
    /// // Random bits: there is nothing to learn but by heart.
    /// let bits = |from: usize| BitMatrix::from_fn(20, 30, |n, i| ((from + n) * 37 + i * 101) % 89 % 2 == 0);
    /// let examples = Examples::new(Dataset::from_bits("noise", bits(0)), Binarization::Stochastic);
    /// let config = TrainConfig { hidden: Some(20), epochs: Some(5000), batch_size: 5, ..TrainConfig::default() };
    /// let mut stop = EarlyStop { held_out: bits(20), best: None, worse: 0 };
    /// let mut trainer = Trainer::new(config, examples)?;
    /// trainer.run(&mut [&mut stop])?;
    /// assert!(stop.best.is_some() && trainer.epoch() < 5000);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    fn asks_to_stop(&self) -> bool {
        false
    }

    /// Called at the end of the run.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    fn finish(&mut self, _trainer: &Trainer) -> Result<()> {
        Ok(())
    }
}
