//! `harmonium sweep`.

use super::flags::Given;
use super::output::print_text;
use super::session::{SweepFlags, exit_code};
use super::settings::{SettingsFlags, other_version};
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::monitor::LogFormat;
use crate::monitor::terminal::{Screen, note_line};
use crate::report;
use crate::run::{End, Session, quoted, resume_command};
use crate::sweep::{
    self, News, Progress, SweepConfig, SweepFile, SweepOutcome, run_name, value_text,
};
use crate::threads;
use clap::{Args, ValueHint};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Sweep {
    /// A study: a settings file with a section [sweep]; flags override it
    #[arg(value_name = "STUDY.toml", value_hint = ValueHint::FilePath, conflicts_with_all = ["preset", "config"])]
    study: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Sweep")]
    sweep: Given<SweepConfig>,
    #[command(flatten)]
    settings: SettingsFlags,
    /// Folder for the sweep [default: a folder in runs/ named after data and time]
    #[arg(long, value_name = "FOLDER", help_heading = "Session")]
    out: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Session")]
    session: SweepFlags,
}

impl Sweep {
    pub fn run(self, isa: Isa, words: &[OsString]) -> Result<u8> {
        self.session.on_ranks("sweep", isa, words, |session| {
            let mut show = Show::new(&self.session);
            let (base, note, config) = match &self.study {
                Some(path) => {
                    let SweepFile { runs, sweep } = SweepFile::read(path)?;
                    let note = other_version(path, &runs);
                    (runs.settings, note, sweep)
                }
                None => {
                    let (base, note) = self.settings.base()?;
                    (base, note, SweepConfig::default())
                }
            };
            note.into_iter().for_each(|note| show.hear(News::Note(note)));
            let (settings, config) = (self.settings.over(base)?, self.sweep.over(&config));
            let session = Session { out: self.out.clone(), ..session };
            let found = sweep::sweep(&settings, &config, &session, &mut |news| show.hear(news));
            end(found, &self.session, &session, show)
        })
    }
}

/// Goes on with the sweep in a folder.
pub fn resume(folder: &Path, flags: &SweepFlags, isa: Isa, words: &[OsString]) -> Result<u8> {
    flags.on_ranks("resume", isa, words, |session| {
        let mut show = Show::new(flags);
        let found = sweep::resume(folder, &session, &mut |news| show.hear(news));
        end(found, flags, &session, show)
    })
}

/// Writes the report, then prints the table to stdout; a note says how to continue.
fn end(
    found: Result<SweepOutcome>,
    flags: &SweepFlags,
    session: &Session,
    mut show: Show,
) -> Result<u8> {
    let found = match (found, session.interrupt.signal()) {
        (Err(Error::Interrupted), Some(signal)) => {
            show.screen.close();
            show.hear(News::Note("interrupted before the first run".to_string()));
            return Ok(exit_code(signal));
        }
        (found, _) => found?,
    };
    show.screen.close();
    if !flags.no_report
        && let Err(error) = report::write_to_folder(&found.folder)
    {
        show.hear(News::Note(format!("the report could not be written: {error}")));
    }
    let Progress { n_done, n_runs, .. } = show.last;
    let after = format!(
        "with {n_done} of {n_runs} runs done; continue with: {}",
        resume_command(&found.folder)
    );
    match found.end {
        End::Interrupted(signal) => {
            show.hear(News::Note(format!("interrupted {after}")));
            return Ok(exit_code(signal));
        }
        End::Stopped => show.hear(News::Note(format!("stopped {after}"))),
        _ => {}
    }
    let mut text = found.table.to_string();
    for row in &found.table.rows {
        if let (Some(failure), Some(run)) = (&row.failure, row.runs.first()) {
            text += &format!("\n{}: {failure}", run_name(*run));
        }
    }
    text += &format!("\nfolder  {}", found.folder.display());
    if let Some(best) = found.best_run() {
        text +=
            &format!("\nrepeat the best  harmonium train --config {}", quoted(best.as_os_str()));
    }
    print_text(&text, 4)?;
    Ok(0)
}

/// The progress of a sweep in one line on stderr, or a line for each run that is scored if it is no terminal.
struct Show {
    format: LogFormat,
    is_quiet: bool,
    screen: Screen,
    last: Progress,
}

/// The steps of the bar.
const STEPS: u64 = 1000;

impl Show {
    fn new(flags: &SweepFlags) -> Self {
        let (format, is_quiet) = (flags.log_format, flags.quiet);
        let has_bar = format == LogFormat::Text && !is_quiet && std::io::stderr().is_terminal();
        let bar = has_bar.then(|| {
            let style = ProgressStyle::with_template(
                "{wide_bar:.cyan/dim} {percent:>3} %, {eta} left  {msg}",
            );
            let bar = ProgressBar::new(STEPS);
            bar.set_style(style.expect("a valid template").progress_chars("━━─"));
            bar
        });
        let screen = Screen::new(bar);
        let mut show = Self { format, is_quiet, screen, last: Progress::default() };
        if let Some(crowd) = threads::crowd(flags.threads) {
            show.hear(News::Note(crowd));
        }
        show
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Note(text) => self.screen.say(&note_line(self.format, &text)),
            News::Progress(progress) => self.show(progress),
            News::Scored { number, values, score, progress } => {
                self.show(progress);
                if !self.is_quiet && self.screen.bar().is_none() {
                    self.screen.say(&line(self.format, number, &values, score, progress));
                }
            }
        }
    }

    fn show(&mut self, progress: Progress) {
        self.last = progress;
        if let Some(bar) = self.screen.bar() {
            bar.set_message(place(progress));
            bar.set_position((progress.share * STEPS as f64) as u64);
        }
    }
}

fn place(Progress { n_done, n_runs, best, .. }: Progress) -> String {
    let best = best.map_or(String::new(), |best| format!(", best {best:.3}"));
    format!("{n_done} of {n_runs} runs done{best}")
}

/// A run that has been scored, in one line.
fn line(
    format: LogFormat,
    number: usize,
    values: &Map<String, Value>,
    score: Option<f64>,
    progress: Progress,
) -> String {
    if format == LogFormat::Json {
        let Progress { n_done, n_runs, best, .. } = progress;
        let (run, n) = (run_name(number), n_runs);
        return json!({
            "run": run, "values": values, "score": score, "runs_done": n_done, "runs": n, "best": best
        })
        .to_string();
    }
    let values = values.iter().map(|(name, value)| format!("{name}={}", value_text(value)));
    let values = values.collect::<Vec<_>>().join(" ");
    let score = score.map_or("no score".to_string(), |score| format!("score {score:.3}"));
    format!("run {}  {score}  {values}  ({})", run_name(number), place(progress))
}
