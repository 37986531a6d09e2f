//! `harmonium metrics`.

use super::output::{Overwrite, print};
use crate::error::{Error, Result};
use crate::monitor::metrics_file;
use crate::run::METRICS;
use crate::whole_file;
use clap::Args;
use serde_json::{Map, Value};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Metrics {
    /// The folders of runs, or their `metrics.jsonl`; with several, the first column names the run
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// Write to this file [default: print]
    #[arg(long, value_name = "FILE.csv")]
    out: Option<PathBuf>,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Metrics {
    pub fn run(self) -> Result<()> {
        let file = |run: &PathBuf| if run.is_dir() { run.join(METRICS) } else { run.clone() };
        if let Some(out) = &self.out {
            let is_same = |path: &PathBuf| same_file::is_same_file(out, path).unwrap_or(false);
            if let Some(path) = self.runs.iter().map(file).find(is_same) {
                let rule = "is an input of this command; give another --out".to_string();
                return Err(Error::Unsuitable { path, rule });
            }
            self.overwrite.check(out)?;
        }
        let mut rows = Vec::new();
        for run in &self.runs {
            for record in &metrics_file::read(&file(run))? {
                let mut row = record.fields();
                if self.runs.len() > 1 {
                    row.insert("run".to_string(), run.display().to_string().into());
                }
                rows.push(row);
            }
        }
        let table = csv(&rows);
        match &self.out {
            Some(path) => whole_file::write(path, &table),
            None => print(String::from_utf8_lossy(&table).trim_end()),
        }
    }
}

/// Records as CSV: a column for each key, a row for each record. Lists are numbers with blanks
/// between.
fn csv(rows: &[Map<String, Value>]) -> Vec<u8> {
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
    let mut table = csv::Writer::from_writer(Vec::new());
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
