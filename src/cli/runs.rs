//! `harmonium runs`.

use super::output::{print, print_path, print_text, stdout_width};
use crate::error::{Error, Result};
use crate::monitor::terminal::note;
use crate::monitor::{LogFormat, Metric};
use crate::run::{self, BestRun, Condition, Key, Summary};
use crate::setting::check;
use crate::sweep::last_score;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Runs {
    /// The folder that contains the runs' folders, or a sweep
    #[arg(default_value = "runs")]
    folder: PathBuf,
    /// List only runs for which this holds, such as `hidden=500`, `log_likelihood>-100` or
    /// `state!=done`; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    filter: Vec<Condition>,
    /// Sort by a setting, a key of metrics.jsonl, `run` or `state`; runs without a value come last
    /// [default: run]
    #[arg(long, value_name = "KEY")]
    sort: Option<Key>,
    /// Sort from the largest to the smallest
    #[arg(short, long)]
    reverse: bool,
    /// Print only the folder of the best run by log_likelihood, pseudo_likelihood, free_energy_gap or
    /// reconstruction_error, as in `harmonium sample $(harmonium runs --best log_likelihood)`
    #[arg(long, value_name = "METRIC", conflicts_with_all = ["sort", "reverse"])]
    best: Option<Metric>,
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
        let (mut runs, unreadable) = run::list(&self.folder)?;
        for error in unreadable {
            note(LogFormat::Text, &error.to_string());
        }
        runs.retain(|run| self.filter.iter().all(|condition| condition.holds(run)));
        if let Some(metric) = self.best {
            return self.print_best(&runs, metric);
        }
        let by_name = || "run".parse().expect("a key");
        if self.sort.is_some() || self.reverse {
            run::sort(&mut runs, &self.sort.clone().unwrap_or_else(by_name), self.reverse);
        }
        if self.json {
            return runs.iter().try_for_each(|run| print(json_of(run)));
        }
        let mut differing = run::differing(&runs);
        differing.retain(|name| !NOT_SHOWN.contains(&&name[..]));
        let mut rows = vec![HEADER.map(str::to_string)];
        rows.extend(runs.iter().map(|run| self.row(run, &differing.iter().collect::<Vec<_>>())));
        print_text(&table(&rows, stdout_width()), 4)
    }

    /// Prints the folder of the best run, or its JSON.
    fn print_best(&self, runs: &[Summary], metric: Metric) -> Result<()> {
        check("best", metric, metric != Metric::FreeEnergyGap, || {
            "a score of a model, such as log_likelihood or pseudo_likelihood_test: the gap is smallest before anything is \
             learned"
                .to_string()
        })?;
        let Some(BestRun { run, notes }) = run::best(runs, metric) else {
            let remedy = match metric {
                Metric::LogLikelihood => "; `harmonium evaluate RUN` estimates it",
                _ => "",
            };
            let rule =
                format!("holds no run with a {metric} that is known and not doubtful{remedy}");
            return Err(Error::Unsuitable { path: self.folder.clone(), rule });
        };
        for text in &notes {
            note(LogFormat::Text, text);
        }
        match self.json {
            true => print(json_of(run)),
            false => print_path(from_here(&run.folder).as_deref().unwrap_or(&run.folder)),
        }
    }

    fn row(&self, run: &Summary, differing: &[&String]) -> [String; 8] {
        let Summary { folder, state, place, .. } = run;
        let of_model = run.of_model();
        let last = run.last();
        let number = |value: f64| format!("{value:.2}");
        // Each value is followed by the value of independent units.
        let beside = |figure: Option<String>, independent: Option<f64>| match (figure, independent)
        {
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
        let score = last_score(folder).map(|score| format!("score={score:.3}"));
        let text = |name: &&String| match &settings[*name] {
            Value::String(text) => format!("{name}={text}"),
            value => format!("{name}={value}"),
        };
        [
            shown(folder, &self.folder).display().to_string(),
            state.to_string(),
            format!("{}/{n_epochs}", epoch.max(place.as_ref().map_or(0, |place| place.epoch))),
            format!("{:.0} s", seconds.fold(0.0, f64::max)),
            beside(figure, report.and_then(|report| report.log_likelihood_independent)),
            likelihood.map_or("–", |known| known.role).to_string(),
            beside(
                of_model.and_then(|record| record.pseudo_likelihood).map(number),
                of_model.and_then(|record| record.pseudo_likelihood_independent),
            ),
            score.into_iter().chain(differing.iter().map(text)).collect::<Vec<_>>().join(" "),
        ]
    }
}

/// The columns of the table.
const HEADER: [&str; 8] = [
    "run",
    "state",
    "epoch",
    "time",
    "log-likelihood / independent units",
    "data",
    "pseudo / independent units",
    "settings",
];

/// The columns without which a narrow terminal gets the table: first the least important.
const DISPENSABLE: [&str; 3] = ["time", "pseudo / independent units", "data"];

/// The rows in columns. Where the columns before the settings are wider than the terminal, the least
/// important are left out.
fn table(rows: &[[String; 8]], terminal: Option<usize>) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    let mut columns: Vec<usize> = (0..HEADER.len()).collect();
    for name in DISPENSABLE {
        let (_settings, others) = columns.split_last().expect("columns");
        let needed: usize = others.iter().map(|&column| widths[column] + 2).sum();
        if terminal.is_none_or(|terminal| needed <= terminal) {
            break;
        }
        columns.retain(|&column| HEADER[column] != name);
    }
    let line = |row: &[String; 8]| {
        let cells = columns.iter().map(|&column| format!("{:<1$}", row[column], widths[column]));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The path of a folder in or below the working folder, relative to it.
fn from_here(folder: &Path) -> Option<PathBuf> {
    let (here, folder) = (std::env::current_dir().ok()?, std::path::absolute(folder).ok()?);
    let path = folder.strip_prefix(here).ok()?;
    Some(if path.as_os_str().is_empty() { ".".into() } else { path.into() })
}

/// The path of a run in the table: from the working folder, or else from the folder that is listed.
fn shown(run: &Path, listed: &Path) -> PathBuf {
    from_here(run).unwrap_or_else(|| match run.strip_prefix(listed) {
        Ok(name) if !name.as_os_str().is_empty() => name.to_path_buf(),
        _ => run.to_path_buf(),
    })
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
        "score": last_score(folder),
        "failure": failure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_the_important_columns() {
        let run = ["runs/a", "done", "9/9", "12 s", "-86.64 / -206.89", "test", "-70.00", "seed=1"];
        let rows = [HEADER.map(str::to_string), run.map(str::to_string)];
        let whole = table(&rows, None);
        assert_eq!(table(&rows, Some(200)), whole);
        assert!(whole.starts_with("run     state  epoch  time  log-likelihood / indep"), "{whole}");
        let narrow = table(&rows, Some(80));
        let last = narrow.lines().last().unwrap();
        assert!(!narrow.contains("pseudo") && !narrow.contains("12 s"), "{narrow}");
        assert!(last.contains("test  seed=1") && last.chars().count() <= 80, "{last}");
        let narrower = table(&rows, Some(60));
        assert!(!narrower.contains("test") && narrower.contains("-86.64"), "{narrower}");
    }
}
