//! `harmonium metrics`.

use super::output::{Output, Overwrite};
use crate::error::Result;
use crate::monitor::metrics_file;
use crate::run::METRICS;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use serde_json::{Map, Value};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Metrics {
    /// The folders of runs, or their `metrics.jsonl`; with several, the first column names the run
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Write to this file, .csv or .tsv, or to standard output
    #[arg(long, default_value = "-", value_name = "FILE|-",
        value_parser = PathBufValueParser::new().try_map(Output::table))]
    out: Output,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Metrics {
    pub fn run(self) -> Result<()> {
        self.out.check(&self.overwrite)?;
        let mut rows = Vec::new();
        for run in &self.runs {
            let path = if run.is_dir() { run.join(METRICS) } else { run.clone() };
            for record in &metrics_file::read(&path)? {
                let mut row = record.fields();
                if self.runs.len() > 1 {
                    row.insert("run".to_string(), run.display().to_string().into());
                }
                rows.push(row);
            }
        }
        self.out.write(&table(&rows, &self.out))
    }
}

/// Records as a table: a column for each key, a row for each record. Lists are numbers with blanks
/// between.
fn table(rows: &[Map<String, Value>], out: &Output) -> Vec<u8> {
    let mut keys = Vec::new();
    for key in rows.iter().flat_map(Map::keys) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    // The run, epoch, updates and seconds come first.
    keys.sort_by_key(|key| match &key[..] {
        "run" => 0,
        "epoch" | "updates" | "seconds" => 1,
        _ => 2,
    });
    let mut table = out.table_writer();
    let mut write = |cells: &mut dyn Iterator<Item = String>| {
        table.write_record(cells).expect("writing to memory does not fail");
    };
    write(&mut keys.iter().map(|key| key.to_string()));
    for row in rows {
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
