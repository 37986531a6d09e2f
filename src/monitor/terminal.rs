//! Progress on stderr: a bar on a terminal, a line for each record elsewhere, JSON for programs.

use super::{EpochRecord, Monitor};
use crate::error::Result;
use crate::gibbs::FixedModel;
use crate::setting::by_name;
use crate::train::Trainer;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use std::io::{IsTerminal as _, Write as _};

/// How progress is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum LogFormat {
    /// Text for people.
    #[default]
    Text,
    /// One JSON object a line: records as in `metrics.jsonl`, and `{"note": …}`.
    Json,
}

by_name!(LogFormat, "log_format", { Text = "text", Json = "json" });

/// The progress of a run.
#[derive(Debug, Default)]
pub struct Terminal {
    format: LogFormat,
    quiet: bool,
    bar: Option<ProgressBar>,
}

impl Terminal {
    /// Shows progress in a format; only notes if `quiet`.
    pub fn new(format: LogFormat, quiet: bool) -> Self {
        Self { format, quiet, bar: None }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // If the reader has closed the pipe (`| head`), training goes on.
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }
}

impl Monitor for Terminal {
    fn begin(&mut self, trainer: &Trainer, _past: &[EpochRecord]) -> Result<()> {
        let has_bar = self.format == LogFormat::Text && !self.quiet && !trainer.is_done();
        self.bar = (has_bar && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template(
                "{prefix} {wide_bar:.cyan/dim} {percent:>3} %, {eta} left  {msg}",
            );
            let bar = ProgressBar::new(trainer.total_updates());
            bar.set_style(style.expect("a valid template").progress_chars("━━─"));
            bar.set_position(trainer.updates());
            bar.reset_eta();
            bar
        });
        Ok(())
    }

    fn note(&mut self, text: &str) {
        self.say(&note_line(self.format, text));
    }

    fn after_updates(&mut self, trainer: &Trainer, samples_per_second: f64) {
        if let Some(bar) = &self.bar {
            let epoch =
                (trainer.updates() / trainer.updates_per_epoch() + 1).min(trainer.n_epochs());
            bar.set_length(trainer.total_updates());
            bar.set_prefix(format!("epoch {epoch}/{}", trainer.n_epochs()));
            bar.set_message(format!("{samples_per_second:.0} samples/s"));
            bar.set_position(trainer.updates());
        }
    }

    fn after_epoch(
        &mut self,
        trainer: &Trainer,
        _: FixedModel<'_>,
        record: &EpochRecord,
    ) -> Result<()> {
        if !self.quiet {
            match self.format {
                LogFormat::Text => self.say(&line(record, trainer.n_epochs())),
                LogFormat::Json => {
                    self.say(&serde_json::to_string(record).expect("plain numbers"));
                }
            }
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Writes a note to stderr, from anywhere in the program.
pub fn note(format: LogFormat, text: &str) {
    drop(writeln!(std::io::stderr(), "{}", note_line(format, text)));
}

fn note_line(format: LogFormat, text: &str) -> String {
    match format {
        LogFormat::Text => format!("note: {text}"),
        LogFormat::Json => serde_json::json!({ "note": text }).to_string(),
    }
}

/// A record in one line.
fn line(record: &EpochRecord, epochs: u64) -> String {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("–".to_string(), |value| format!("{value:.digits$}"))
    };
    let likelihood = match (record.likelihood.log_likelihood, &record.likelihood.verdict) {
        (Some(likelihood), Some(verdict)) => {
            let independent = record.likelihood.log_likelihood_independent;
            let independent =
                independent.map_or(String::new(), |x| format!("; independent units {x:.2}"));
            format!("  log-likelihood {likelihood:.2} ({verdict}{independent})")
        }
        _ => String::new(),
    };
    format!(
        "epoch {:>width$}/{epochs}  {:>7.0} samples/s  pseudo-likelihood {}  reconstruction {}  \
         free-energy gap {}  active {} %{likelihood}",
        record.epoch,
        record.samples_per_second,
        number(record.pseudo_likelihood, 2),
        number(record.reconstruction_error, 4),
        number(record.free_energy_gap, 2),
        number(record.mean_hidden_activity.map(|share| 100.0 * share), 1),
        width = epochs.to_string().len(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::LikelihoodReport;

    #[test]
    fn a_line_shows_what_was_measured_and_a_dash_for_the_rest() {
        let record = EpochRecord {
            epoch: 3,
            samples_per_second: 12_345.6,
            pseudo_likelihood: Some(-71.234),
            ..EpochRecord::default()
        };
        assert_eq!(
            line(&record, 10),
            "epoch  3/10    12346 samples/s  pseudo-likelihood -71.23  reconstruction –  \
             free-energy gap –  active – %"
        );
        let likelihood = LikelihoodReport {
            log_likelihood: Some(-90.126),
            verdict: Some("exact".to_string()),
            ..LikelihoodReport::default()
        };
        let record = EpochRecord { likelihood: likelihood.clone(), ..record };
        assert!(line(&record, 10).ends_with("– %  log-likelihood -90.13 (exact)"));
        let likelihood =
            LikelihoodReport { log_likelihood_independent: Some(-206.3), ..likelihood };
        let record = EpochRecord { likelihood, ..record };
        let end = "– %  log-likelihood -90.13 (exact; independent units -206.30)";
        assert!(line(&record, 10).ends_with(end));
    }
}
