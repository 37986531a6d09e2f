//! `metrics.jsonl`: one JSON object a line, a record each.

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
    pub writer: &'a Writer,
}

impl Monitor for MetricsFile<'_> {
    /// Writes the file anew, so that records of what was done after the checkpoint are gone.
    fn begin(&mut self, _trainer: &Trainer, past: &[EpochRecord]) -> Result<()> {
        self.writer.write(self.path.clone(), lines(past))
    }

    fn after_epoch(&mut self, _trainer: &Trainer, record: &EpochRecord) -> Result<()> {
        self.writer.append(self.path.clone(), lines(std::slice::from_ref(record)))
    }
}

/// Records as lines of JSON.
pub fn lines(records: &[EpochRecord]) -> String {
    let line = |record| serde_json::to_string(record).expect("plain numbers") + "\n";
    records.iter().map(line).collect()
}

/// The records of lines of JSON, up to the first that is none: the last may have been cut short.
pub fn parse(lines: &str) -> Vec<EpochRecord> {
    lines.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}
