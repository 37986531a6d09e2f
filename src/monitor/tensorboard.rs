//! Event files for TensorBoard: the numbers of each record as scalars over updates.
//!
//! An event file is a sequence of records. Each has its length (u64), the checksum of the length, a
//! message `Event` and the checksum of the message. Checksums are CRC-32C, masked as in TensorFlow's
//! `lib/io/record_writer`. All numbers are little-endian.

use super::{EpochRecord, Monitor, Writer};
use crate::error::Result;
use crate::gibbs::FixedModel;
use crate::train::Trainer;
use crate::whole_file;
use prost::Message;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The fields of TensorFlow's `Event` (`core/util/event.proto`) that are used here.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `Summary` (`core/framework/summary.proto`).
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

/// `Summary.Value`, of a scalar.
#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// The start and the end of the names of event files, around the time at which they were made.
/// TensorBoard reads files with `tfevents` in their names.
const PREFIX: &str = "events.out.tfevents.";
const SUFFIX: &str = ".harmonium";

/// The event file of a run. Each session makes a new one, because a reader may have the old one open.
#[derive(Debug)]
pub struct TensorBoard<'a> {
    folder: PathBuf,
    writer: &'a Writer,
    path: PathBuf,
    /// When training began, in seconds since 1970. After interruptions, it is when training would have
    /// begun without them.
    start: f64,
}

impl<'a> TensorBoard<'a> {
    /// The event file in a folder.
    pub fn new(folder: &Path, writer: &'a Writer) -> Self {
        Self { folder: folder.to_path_buf(), writer, path: PathBuf::new(), start: 0.0 }
    }

    fn remove_earlier(&self) -> Result<()> {
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
                whole_file::remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

impl Monitor for TensorBoard<'_> {
    /// Writes the records so far.
    fn begin(&mut self, _trainer: &Trainer, past: &[EpochRecord]) -> Result<()> {
        self.remove_earlier()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.path = self.folder.join(format!("{PREFIX}{now:.6}{SUFFIX}"));
        self.start = now - past.last().map_or(0.0, |record| record.seconds);
        let version = Event {
            wall_time: self.start,
            file_version: Some("brain.Event:2".to_string()),
            ..Event::default()
        };
        let events = past.iter().map(|record| event(self.start, record));
        let bytes: Vec<u8> = [version].into_iter().chain(events).flat_map(|e| framed(&e)).collect();
        self.writer.write(self.path.clone(), bytes)
    }

    fn after_epoch(
        &mut self,
        _trainer: &Trainer,
        _: FixedModel<'_>,
        record: &EpochRecord,
    ) -> Result<()> {
        self.writer.append(self.path.clone(), framed(&event(self.start, record)))
    }
}

/// The numbers of a record, without those that were not measured.
fn event(start: f64, record: &EpochRecord) -> Event {
    let mut value = Vec::new();
    let mut add = |tag: String, number: &Value| {
        if let Some(number) = number.as_f64() {
            value.push(Scalar { tag, simple_value: Some(number as f32) });
        }
    };
    for (name, field) in record.fields() {
        match &field {
            _ if name == "updates" => {}
            Value::Array(numbers) => {
                numbers.iter().enumerate().for_each(|(at, x)| add(format!("{name}/{}", at + 1), x));
            }
            _ => add(name, &field),
        }
    }
    Event {
        wall_time: start + record.seconds,
        step: i64::try_from(record.updates).expect("the number of updates fits an i64"),
        file_version: None,
        summary: Some(Summary { value }),
    }
}

/// A message with its length and both checksums.
fn framed(event: &Event) -> Vec<u8> {
    let message = event.encode_to_vec();
    let length = (message.len() as u64).to_le_bytes();
    let masked = |bytes: &[u8]| {
        let sum = crc32c::crc32c(bytes);
        sum.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
    };
    [&length[..], &masked(&length), &message, &masked(&message)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first record of every event file, as TensorFlow's own writer makes it, except for the time.
    #[test]
    fn a_record_has_its_frame() {
        let event = Event { file_version: Some("brain.Event:2".to_string()), ..Event::default() };
        let bytes = framed(&event);
        assert_eq!(bytes[..8], 15_u64.to_le_bytes());
        assert_eq!(&bytes[12..27], b"\x1a\x0dbrain.Event:2");
        assert_eq!(bytes.len(), 8 + 4 + 15 + 4);
    }

    #[test]
    fn measured_figures_become_scalars_by_name() {
        let record = EpochRecord {
            epoch: 3,
            updates: 30,
            seconds: 2.0,
            weight_norm: Some(1.5),
            swap_rates: Some(vec![Some(0.25), None]),
            ..EpochRecord::default()
        };
        let event = event(100.0, &record);
        assert_eq!((event.step, event.wall_time), (30, 102.0));
        let summary = event.summary.unwrap();
        let value = |tag: &str| {
            summary.value.iter().find(|scalar| scalar.tag == tag).and_then(|s| s.simple_value)
        };
        assert_eq!([value("epoch"), value("weight_norm")], [Some(3.0), Some(1.5)]);
        assert_eq!([value("swap_rates/1"), value("swap_rates/2")], [Some(0.25), None]);
        assert_eq!([value("log_z"), value("updates")], [None, None]);
    }
}
