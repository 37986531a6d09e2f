//! What a run tells: a record an epoch, and where records and pictures go.
//!
//! ```text
//!  Trainer ──► Probe, Likelihood ──► EpochRecord ──┬──► Terminal (progress on stderr)
//!                                                  └──► MetricsFile ──► Writer (a thread) ──► metrics.jsonl
//! ```

pub mod record;

pub mod probe;

pub mod likelihood;

pub mod writer;

pub mod metrics_file;

pub mod terminal;

pub mod progress_bar;

pub mod pictures;

pub use likelihood::Likelihood;
pub use probe::Probe;
pub use record::EpochRecord;
pub use writer::Writer;

use crate::error::Result;
use crate::train::Trainer;

/// Somewhere that a run's records go.
pub trait Monitor {
    /// A number of updates are done.
    fn after_updates(&mut self, _trainer: &Trainer, _samples_per_second: f64) {}

    /// An epoch is done.
    ///
    /// # Errors
    /// Whatever keeps the record from being kept; it ends the run.
    fn after_epoch(&mut self, trainer: &Trainer, record: &EpochRecord) -> Result<()>;
}
