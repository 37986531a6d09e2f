//! `harmonium metrics`.

use super::output::Output;
use crate::error::Result;
use crate::monitor::{EpochRecord, metrics_file};
use crate::run::METRICS;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use serde_json::{Map, Value};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Metrics {
    /// The folder of a run, or its `metrics.jsonl`
    run: PathBuf,
    /// Write to this file, .csv or .tsv, or to standard output
    #[arg(long, default_value = "-", value_name = "FILE|-",
        value_parser = PathBufValueParser::new().try_map(Output::table))]
    out: Output,
}

impl Metrics {
    pub fn run(self) -> Result<()> {
        let path = if self.run.is_dir() { self.run.join(METRICS) } else { self.run };
        self.out.write(&table(&metrics_file::read(&path)?, &self.out))
    }
}

/// The records as a table: a column for each key, a row for each record. Lists are numbers with blanks
/// between.
fn table(records: &[EpochRecord], out: &Output) -> Vec<u8> {
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
    let mut table = out.table_writer();
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
