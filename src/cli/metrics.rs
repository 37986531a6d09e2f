//! `harmonium metrics`.

use super::output::print;
use crate::error::{Error, Result};
use crate::monitor::{EpochRecord, metrics_file};
use crate::run::METRICS;
use crate::whole_file;
use clap::Args;
use serde_json::{Map, Value};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Metrics {
    /// The folder of a run, or its `metrics.jsonl`
    run: PathBuf,
    /// Write to this file [default: print]
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
}

impl Metrics {
    pub fn run(self) -> Result<()> {
        let path = if self.run.is_dir() { self.run.join(METRICS) } else { self.run };
        let table = csv(&metrics_file::read(&path)?);
        let is_same = |out: &PathBuf| match (out.canonicalize(), path.canonicalize()) {
            (Ok(out), Ok(path)) => out == path,
            _ => false,
        };
        if self.out.as_ref().is_some_and(is_same) {
            let rule = "is the input of this command; give another --out".to_string();
            return Err(Error::Unsuitable { path, rule });
        }
        match &self.out {
            Some(path) => whole_file::write(path, &table),
            None => print(String::from_utf8_lossy(&table).trim_end()),
        }
    }
}

/// The records as CSV: a column for each key, a row for each record. Lists are numbers with blanks
/// between.
fn csv(records: &[EpochRecord]) -> Vec<u8> {
    let record = |record| match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("a record is a plain struct"),
    };
    let rows: Vec<Map<String, Value>> = records.iter().map(record).collect();
    let mut keys = Vec::new();
    for key in rows.iter().flat_map(Map::keys) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    // Epoch, updates and seconds come first.
    keys.sort_by_key(|key| !matches!(&key[..], "epoch" | "updates" | "seconds"));
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: &mut dyn Iterator<Item = String>| {
        table.write_record(cells).expect("writing to memory does not fail");
    };
    write(&mut keys.iter().map(|key| key.to_string()));
    for row in &rows {
        write(&mut keys.iter().map(|key| cell(row.get(*key).unwrap_or(&Value::Null))));
    }
    table.into_inner().expect("writing to memory does not fail")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(" "),
        value => value.to_string(),
    }
}
