//! `metrics.jsonl`: each line is a record, as a JSON object.

use super::{EpochRecord, Monitor, Writer};
use crate::error::{Error, Result};
use crate::gibbs::FixedModel;
use crate::train::Trainer;
use std::path::{Path, PathBuf};

/// The file, and the thread that writes it.
#[derive(Debug)]
pub struct MetricsFile<'a> {
    /// The path of the file.
    pub path: PathBuf,
    /// The thread that writes the file.
    pub writer: &'a Writer,
}

impl Monitor for MetricsFile<'_> {
    /// Rewrites the file, without records that were made after the checkpoint.
    fn begin(&mut self, _trainer: &Trainer, past: &[EpochRecord]) -> Result<()> {
        self.writer.write(self.path.clone(), lines(past))
    }

    fn after_epoch(
        &mut self,
        _trainer: &Trainer,
        _: FixedModel<'_>,
        record: &EpochRecord,
    ) -> Result<()> {
        self.writer.append(self.path.clone(), lines(std::slice::from_ref(record)))
    }
}

/// Records as lines of JSON.
pub fn lines(records: &[EpochRecord]) -> String {
    let line = |record| serde_json::to_string(record).expect("plain numbers") + "\n";
    records.iter().map(line).collect()
}

/// The records in lines of JSON. A last line without its end is left out, because its writer was
/// stopped.
///
/// # Errors
/// The number of a line that is not a record, and the cause.
pub fn parse(lines: &str) -> Result<Vec<EpochRecord>, String> {
    let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
    let record = |(at, line)| {
        serde_json::from_str(line)
            .map_err(|cause| format!("line {} is not a record: {cause}", at + 1))
    };
    whole.lines().enumerate().map(record).collect()
}

/// The records in a file.
///
/// # Errors
/// [`Error::Io`]; [`Error::Unsuitable`] for a line that is not a record.
pub fn read(path: &Path) -> Result<Vec<EpochRecord>> {
    let text = std::fs::read_to_string(path).map_err(Error::reading(path))?;
    parse(&text).map_err(|rule| Error::Unsuitable { path: path.into(), rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_its_end_is_left_out_and_a_broken_line_is_an_error() {
        let records = [1, 2].map(|epoch| EpochRecord { epoch, ..EpochRecord::default() });
        let text = lines(&records);
        assert_eq!(parse(&text).unwrap(), records);
        assert_eq!(parse(&text[..text.len() - 1]).unwrap(), records[..1]);
        assert_eq!(parse(&text[..9]).unwrap(), []);
        let broken = text.replacen("\"epoch\":1", "\"epoch\":x", 1);
        assert!(parse(&broken).unwrap_err().starts_with("line 1 is not a record: "));
    }
}
