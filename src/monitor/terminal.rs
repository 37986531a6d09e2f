//! Progress on stderr: a bar on a terminal, a line for each record elsewhere, JSON for programs.

use super::{EpochRecord, Monitor};
use crate::dataset::ExampleWeights;
use crate::error::Result;
use crate::gibbs::FixedModel;
use crate::setting::by_name;
use crate::train::Trainer;
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

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
    screen: Screen,
}

/// Lines on stderr, above a bar if there is one.
#[derive(Debug, Default)]
pub struct Screen {
    bar: Option<ProgressBar>,
}

impl Screen {
    /// Lines above this bar.
    pub fn new(bar: Option<ProgressBar>) -> Self {
        Self { bar }
    }

    /// The bar.
    pub fn bar(&self) -> Option<&ProgressBar> {
        self.bar.as_ref()
    }

    /// Removes the bar, so that other output begins on a line of its own.
    pub fn close(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Writes a line.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // If the reader has closed the pipe (`| head`), the work goes on.
            None => drop(writeln!(std::io::stderr(), "{line}")),
        }
    }
}

impl Terminal {
    /// Shows progress in a format; only notes if `quiet`.
    pub fn new(format: LogFormat, quiet: bool) -> Self {
        Self { format, quiet, screen: Screen::default() }
    }

    /// Removes the bar, so that other output begins on a line of its own.
    pub fn close(&mut self) {
        self.screen.close();
    }
}

impl Monitor for Terminal {
    fn begin(&mut self, trainer: &Trainer, _past: &[EpochRecord]) -> Result<()> {
        let examples = trainer.examples();
        if !self.quiet && examples.weights().is_some() {
            let (n, n_effective) = (examples.n_examples(), examples.n_effective());
            let are_shares = examples.weights().is_some_and(ExampleWeights::are_shares);
            let means = match are_shares {
                true => "M_eff, the sum of their weights",
                false => "N_eff",
            };
            self.note(&format!(
                "{n} training examples with weights are worth {n_effective:.1} of equal weight ({means})"
            ));
        }
        let has_bar = self.format == LogFormat::Text && !self.quiet && !trainer.is_done();
        self.screen = Screen::new((has_bar && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template(
                "{prefix} {wide_bar:.cyan/dim} {percent:>3} %, {eta} left  {msg}",
            );
            let bar = ProgressBar::new(trainer.total_updates());
            bar.set_style(style.expect("a valid template").progress_chars("━━─"));
            bar.set_prefix(epoch(trainer));
            bar.set_position(trainer.updates());
            bar.reset_eta();
            bar
        }));
        Ok(())
    }

    fn note(&mut self, text: &str) {
        self.screen.say(&note_line(self.format, text));
    }

    fn after_updates(&mut self, trainer: &Trainer, samples_per_second: f64) {
        if let Some(bar) = self.screen.bar() {
            bar.set_length(trainer.total_updates());
            bar.set_prefix(epoch(trainer));
            let is_narrow = width().is_some_and(|width| width < NARROW);
            let pace = format!("{samples_per_second:.0} samples/s");
            bar.set_message(if is_narrow { String::new() } else { pace });
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
                LogFormat::Text => self.screen.say(&line(record, trainer.n_epochs(), width())),
                LogFormat::Json => {
                    self.screen.say(&serde_json::to_string(record).expect("plain numbers"));
                }
            }
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.close();
    }
}

/// The epoch in which a trainer is.
fn epoch(trainer: &Trainer) -> String {
    let epoch = (trainer.updates() / trainer.updates_per_epoch() + 1).min(trainer.n_epochs());
    format!("epoch {epoch}/{}", trainer.n_epochs())
}

/// Whether this program leaves notes to another.
static IS_SILENT: AtomicBool = AtomicBool::new(false);

#[cfg_attr(not(feature = "mpi"), allow(dead_code, reason = "a process that is alone has no other"))]
/// Leaves notes to another program from now on, as ranks above 0 leave them to rank 0.
pub fn silence() {
    IS_SILENT.store(true, Ordering::Relaxed);
}

/// Writes a note to stderr, from anywhere in the program.
pub fn note(format: LogFormat, text: &str) {
    if IS_SILENT.load(Ordering::Relaxed) {
        return;
    }
    drop(writeln!(std::io::stderr(), "{}", note_line(format, text)));
}

/// A note as it is written.
pub fn note_line(format: LogFormat, text: &str) -> String {
    match format {
        LogFormat::Text => format!("note: {text}"),
        LogFormat::Json => serde_json::json!({ "note": text }).to_string(),
    }
}

/// The terminal, in columns, from which on the bar also shows the pace.
const NARROW: usize = 60;

/// The width of the terminal in columns; `None` if stderr is not a terminal.
fn width() -> Option<usize> {
    console::Term::stderr().size_checked().map(|(_, columns)| columns.into())
}

/// A record in one line. Where the line would be wider than `width`, it lacks its least important figures.
pub fn line(record: &EpochRecord, epochs: u64, width: Option<usize>) -> String {
    let number = |value: Option<f64>, digits: usize| {
        value.map_or("–".to_string(), |value| format!("{value:.digits$}"))
    };
    let of_both = |name: &str, training: Option<f64>, held_out: Option<f64>, digits: usize| {
        let rest =
            held_out.map_or(String::new(), |_| format!(", held out {}", number(held_out, digits)));
        format!("{name} {}{rest}", number(training, digits))
    };
    let percent = number(record.mean_hidden_activity.map(|share| 100.0 * share), 1);
    let likelihood = &record.likelihood;
    let judged = likelihood.log_likelihood.zip(likelihood.verdict.as_ref());
    let independent = likelihood.log_likelihood_independent.filter(|_| judged.is_some());
    let online = record.log_likelihood_online.map(|value| {
        let error = record.log_z_error.map_or(String::new(), |error| format!(" ± {error:.2}"));
        format!("log-likelihood {value:.2}{error} (online)")
    });
    let epoch_digits = epochs.to_string().len();
    // With labels, scores that do not apply are left out.
    let has_labels = record.error_train.is_some();
    let applies = |value: Option<f64>| value.is_some() || !has_labels;
    let pseudo_likelihood = applies(record.pseudo_likelihood).then(|| {
        of_both("pseudo-likelihood", record.pseudo_likelihood, record.pseudo_likelihood_test, 2)
    });
    let error = |share: Option<f64>| number(share.map(|share| 100.0 * share), 2);
    let errors = has_labels.then(|| match record.error_test {
        None => format!("error {} %", error(record.error_train)),
        held_out => {
            format!("error {} %, held out {} %", error(record.error_train), error(held_out))
        }
    });
    let reconstruction = applies(record.reconstruction_error).then(|| {
        of_both("reconstruction", record.reconstruction_error, record.reconstruction_error_test, 4)
    });
    let gap = applies(record.free_energy_gap)
        .then(|| format!("free-energy gap {}", number(record.free_energy_gap, 2)));
    let values = record.log_loss_values_test.map(|loss| {
        let rmse = record.rmse_test.map_or(String::new(), |rmse| format!(", RMSE {rmse:.4}"));
        format!("held-out values: log-loss {loss:.4}{rmse}")
    });
    // In the order of the line, with the rank of their importance.
    let figures = [
        (0, Some(format!("epoch {:>epoch_digits$}/{epochs}", record.epoch))),
        (3, Some(format!("{:>7.0} samples/s", record.samples_per_second))),
        (2, errors),
        (2, pseudo_likelihood),
        (2, values),
        (5, reconstruction),
        (4, gap),
        (6, Some(format!("active {percent} %"))),
        (1, judged.map(|(value, verdict)| format!("log-likelihood {value:.2} ({verdict})"))),
        (2, online),
        (7, independent.map(|value| format!("independent units {value:.2}"))),
    ];
    let up_to = |rank: usize| {
        let shown = figures.iter().filter(|(own, _)| *own <= rank);
        shown.filter_map(|(_, figure)| figure.as_deref()).collect::<Vec<_>>().join("  ")
    };
    let fits = |line: &String| width.is_none_or(|width| line.chars().count() <= width);
    (0..figures.len()).rev().map(up_to).find(fits).unwrap_or_else(|| up_to(0))
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
            line(&record, 10, None),
            "epoch  3/10    12346 samples/s  pseudo-likelihood -71.23  reconstruction –  \
             free-energy gap –  active – %"
        );
        let held_out = EpochRecord { pseudo_likelihood_test: Some(-80.5), ..record.clone() };
        assert!(line(&held_out, 10, None).contains("pseudo-likelihood -71.23, held out -80.50  "));
        let followed = EpochRecord {
            log_likelihood_online: Some(-91.0),
            log_z_error: Some(0.125),
            ..record.clone()
        };
        assert!(line(&followed, 10, None).ends_with("– %  log-likelihood -91.00 ± 0.12 (online)"));
        let likelihood = LikelihoodReport {
            log_likelihood: Some(-90.126),
            verdict: Some("exact".to_string()),
            ..LikelihoodReport::default()
        };
        let record = EpochRecord { likelihood: likelihood.clone(), ..record };
        assert!(line(&record, 10, None).ends_with("– %  log-likelihood -90.13 (exact)"));
        let likelihood =
            LikelihoodReport { log_likelihood_independent: Some(-206.3), ..likelihood };
        let record = EpochRecord { likelihood, ..record };
        let end = "– %  log-likelihood -90.13 (exact)  independent units -206.30";
        assert!(line(&record, 10, None).ends_with(end));
    }

    #[test]
    fn a_narrow_line_lacks_the_least_important_figures() {
        let likelihood = LikelihoodReport {
            log_likelihood: Some(-90.126),
            verdict: Some("believable".to_string()),
            log_likelihood_independent: Some(-206.3),
            ..LikelihoodReport::default()
        };
        let record = EpochRecord {
            epoch: 3,
            samples_per_second: 177_605.0,
            pseudo_likelihood: Some(-71.234),
            likelihood,
            ..EpochRecord::default()
        };
        let at = |width| line(&record, 1300, Some(width));
        assert_eq!(at(300), line(&record, 1300, None));
        let wide = "epoch    3/1300  pseudo-likelihood -71.23  log-likelihood -90.13 (believable)";
        assert_eq!(at(80), wide);
        assert_eq!(at(60), "epoch    3/1300  log-likelihood -90.13 (believable)");
        assert_eq!(at(10), "epoch    3/1300");
        for width in 15..200 {
            assert!(at(width).chars().count() <= width, "{width}: {}", at(width));
        }
    }
}
