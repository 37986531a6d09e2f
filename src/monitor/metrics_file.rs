//! `metrics.jsonl`: one JSON object a line, an epoch each.

use super::{EpochRecord, Monitor, Writer};
use crate::error::Result;
use crate::train::Trainer;
use std::path::PathBuf;

/// The file, and the thread that writes it.
#[derive(Debug)]
pub struct MetricsFile<'a> {
    /// Where it stands.
    pub path: PathBuf,
    /// Who writes it.
    pub writer: &'a mut Writer,
}

impl Monitor for MetricsFile<'_> {
    fn after_epoch(&mut self, _trainer: &Trainer, record: &EpochRecord) -> Result<()> {
        let line = serde_json::to_string(record).expect("plain numbers");
        self.writer.append(self.path.clone(), line)
    }
}
