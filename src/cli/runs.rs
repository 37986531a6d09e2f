//! `harmonium runs`.

use super::output::print;
use crate::error::{Error, Result};
use crate::run::{self, Summary};
use clap::Args;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Runs {
    /// The folder that contains the runs' folders
    #[arg(default_value = "runs")]
    folder: PathBuf,
    /// Print JSON, one line per run, with all settings and the last metrics
    #[arg(long)]
    json: bool,
}

/// Settings that say little in a table.
const NOT_SHOWN: [&str; 6] =
    ["sha256", "test_sha256", "init_sha256", "test_data", "replanned", "checkpoint_every"];

impl Runs {
    pub fn run(self) -> Result<()> {
        if !self.folder.is_dir() {
            let rule =
                "is not a folder; give the folder of the runs: `harmonium runs FOLDER`".to_string();
            return Err(Error::Unsuitable { path: self.folder, rule });
        }
        let (runs, unreadable) = run::list(&self.folder)?;
        for error in unreadable {
            drop(writeln!(std::io::stderr(), "note: {error}"));
        }
        if self.json {
            return runs.iter().try_for_each(|run| print(json_of(run)));
        }
        let mut differing = run::differing(&runs);
        differing.retain(|name| !NOT_SHOWN.contains(&&name[..]));
        let header = [
            "run",
            "state",
            "epoch",
            "time",
            "log-likelihood / independent units",
            "data",
            "pseudo / independent units",
            "settings",
        ];
        let mut rows = vec![header.map(str::to_string)];
        rows.extend(runs.iter().map(|run| row(run, &differing.iter().collect::<Vec<_>>())));
        let width = |column: usize| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths: [usize; 8] = std::array::from_fn(width);
        for row in &rows {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
            print(cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

fn json_of(run: &Summary) -> Value {
    let Summary { folder, state, file, place, failure, evaluation, .. } = run;
    json!({
        "run": folder.display().to_string(),
        "state": state,
        "command": file.command,
        "place": place,
        "settings": run.settings(),
        "metrics": run.last(),
        "metrics_data_role": file.settings.data.watched_by().role(),
        "evaluation": evaluation,
        "failure": failure,
    })
}

fn row(run: &Summary, differing: &[&String]) -> [String; 8] {
    let Summary { folder, state, place, .. } = run;
    let last = run.last();
    let number = |value: f64| format!("{value:.2}");
    // Each value is followed by the value of independent units.
    let beside = |figure: Option<String>, independent: Option<f64>| match (figure, independent) {
        (None, _) => "–".to_string(),
        (Some(figure), None) => figure,
        (Some(figure), Some(independent)) => format!("{figure} / {independent:.2}"),
    };
    let likelihood = run.likelihood();
    let report = likelihood.map(|known| known.report);
    let figure = report.and_then(|report| {
        let figure = number(report.log_likelihood?);
        Some(if report.is_doubtful() { format!("{figure} (doubtful)") } else { figure })
    });
    let epoch = last.as_ref().map_or(0, |record| record.epoch as u64);
    let n_epochs = run.n_epochs().map_or("?".to_string(), |n| n.to_string());
    let seconds = place.as_ref().map(|place| place.seconds);
    let seconds = seconds.into_iter().chain(last.as_ref().map(|record| record.seconds));
    let settings = run.settings();
    let text = |name: &&String| match &settings[*name] {
        Value::String(text) => format!("{name}={text}"),
        value => format!("{name}={value}"),
    };
    [
        folder.display().to_string(),
        state.to_string(),
        format!("{}/{n_epochs}", epoch.max(place.as_ref().map_or(0, |place| place.epoch))),
        format!("{:.0} s", seconds.fold(0.0, f64::max)),
        beside(figure, report.and_then(|report| report.log_likelihood_independent)),
        likelihood.map_or("–", |known| known.role).to_string(),
        beside(
            last.and_then(|record| record.pseudo_likelihood).map(number),
            last.and_then(|record| record.pseudo_likelihood_independent),
        ),
        differing.iter().map(text).collect::<Vec<_>>().join(" "),
    ]
}
