//! The common part of the commands that work on a run.

use super::job::{self, RankFlags};
use super::output::print_path;
use crate::error::{Error, Result};
use crate::gibbs::FixedModel;
use crate::kernels::Isa;
use crate::monitor::{EpochRecord, LogFormat, Monitor, Terminal, terminal};
use crate::report::{self, Live};
use crate::run::{
    self, End, Interrupt, Interval, Outcome, SETTINGS, Session, quoted, resume_command,
};
use crate::setting::check;
use crate::sweep;
use crate::threads;
use crate::train::Trainer;
use clap::Args;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct SessionFlags {
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Stop after this time, or number of epochs or updates, counted from the start of this command;
    /// `harmonium resume` continues from there
    #[arg(long, value_name = "INTERVAL")]
    stop_after: Option<Interval>,
    /// Show the report during training in a browser on this computer, at this port [default port: 8090]
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true,
        default_missing_value = "8090")]
    live: Option<u16>,
    /// Do not write a report at the end
    #[arg(long)]
    no_report: bool,
    /// Do not show progress
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    ranks: RankFlags,
    /// The format of progress: `text`, or `json` (one object per line)
    #[arg(long, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,
}

impl SessionFlags {
    /// Works on a run on all ranks of the job: `lead` on the first, which has the folder, while the others follow.
    ///
    /// # Errors
    /// Those of `lead`, and of the launch.
    pub fn on_ranks(
        &self,
        command: &str,
        isa: Isa,
        words: &[OsString],
        lead: impl FnOnce(Session) -> Result<u8>,
    ) -> Result<u8> {
        job::on_ranks(&self.ranks, command, |ranks| match ranks.rank() {
            0 => lead(Session { ranks, ..self.shared().session(isa, words)? }),
            _ => run::follow(&Session { ranks, ..self.shared().session(isa, words)? }).map(|()| 0),
        })
    }

    /// These flags for a sweep.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for those that a sweep does not have.
    pub fn of_sweep(&self) -> Result<SweepFlags> {
        let rule = || "left out: this is a sweep".to_string();
        self.live.iter().try_for_each(|port| check("live", port, false, rule))?;
        Ok(self.shared())
    }

    /// The flags that a sweep has, too.
    fn shared(&self) -> SweepFlags {
        let Self { threads, stop_after, no_report, quiet, log_format, ranks, .. } = *self;
        SweepFlags { threads, stop_after, no_report, quiet, ranks, log_format }
    }

    pub fn terminal(&self) -> Terminal {
        Terminal::new(self.log_format, self.quiet)
    }

    /// The server of the live page, if the flags ask for it.
    fn live(&self, terminal: &mut Terminal) -> Result<Option<Live>> {
        let live = self.live.map(Live::new).transpose()?;
        if let Some(live) = &live {
            terminal.note(&format!("see the run at {}", live.url()));
        }
        Ok(live)
    }
}

/// How a command works on a sweep.
#[derive(Debug, Args)]
pub struct SweepFlags {
    /// Threads of all runs together [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Stop after this time, such as 30m, counted from the start of this command; `harmonium resume` continues
    /// from there
    #[arg(long, value_name = "TIME")]
    pub stop_after: Option<Interval>,
    /// Do not write a report at the end
    #[arg(long)]
    pub no_report: bool,
    /// Do not show progress
    #[arg(long)]
    pub quiet: bool,
    #[command(flatten)]
    pub ranks: RankFlags,
    /// The format of progress: `text`, or `json` (one object per line)
    #[arg(long, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

impl SweepFlags {
    /// Works on a sweep on all ranks of the job: `lead` on the first, while the others train the runs that they are
    /// dealt.
    ///
    /// # Errors
    /// Those of `lead`, and of the launch.
    pub fn on_ranks(
        &self,
        command: &str,
        isa: Isa,
        words: &[OsString],
        lead: impl FnOnce(Session) -> Result<u8>,
    ) -> Result<u8> {
        job::on_ranks(&self.ranks, command, |ranks| {
            let session = Session { ranks, ..self.session(isa, words)? };
            match session.ranks.rank() {
                0 => lead(session),
                _ => sweep::follow(&session).map(|()| 0),
            }
        })
    }

    /// A session of the command with these words on the instruction set `isa`, which takes signals.
    ///
    /// # Errors
    /// As [`Interrupt::on_signals`].
    pub fn session(&self, isa: Isa, words: &[OsString]) -> Result<Session> {
        let format = self.log_format;
        Ok(Session {
            threads: self.threads,
            isa,
            stop_after: self.stop_after,
            command: Some(command(words)),
            interrupt: Interrupt::on_signals(move |text| terminal::note(format, text))?,
            ..Session::default()
        })
    }
}

/// The command line as typed, as a shell reads it.
fn command(words: &[OsString]) -> String {
    let words = words.iter().map(|word| quoted(word));
    ["harmonium".to_string()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Writes the report, unless `--no-report` is given. A failure is only a note, as the run itself has
/// ended.
fn write_report(write: impl FnOnce() -> Result<()>, flags: &SessionFlags, terminal: &mut Terminal) {
    if flags.no_report {
        return;
    }
    if let Err(error) = write() {
        terminal.note(&format!("the report could not be written: {error}"));
    }
}

/// Remembers the folder of a run, so that a run that fails also has its report.
#[derive(Debug, Default)]
struct Begun(Option<PathBuf>);

impl Monitor for Begun {
    fn open(&mut self, folder: &Path) -> Result<()> {
        self.0 = Some(folder.to_path_buf());
        Ok(())
    }

    fn after_epoch(&mut self, _: &Trainer, _: FixedModel<'_>, _: &EpochRecord) -> Result<()> {
        Ok(())
    }
}

/// Works on a run with the monitors that the flags ask for, and reports how it ended. `interrupt` is that
/// of the session.
pub fn work(
    flags: &SessionFlags,
    interrupt: &Interrupt,
    mut terminal: Terminal,
    work: impl FnOnce(&mut [&mut dyn Monitor]) -> Result<Outcome>,
) -> Result<u8> {
    if let Some(crowd) = threads::crowd(flags.threads) {
        terminal.note(&crowd);
    }
    let mut live = flags.live(&mut terminal)?;
    let mut begun = Begun::default();
    let outcome = {
        let mut monitors: Vec<&mut dyn Monitor> = vec![&mut terminal, &mut begun];
        monitors.extend(live.as_mut().map(|live| live as &mut dyn Monitor));
        work(&mut monitors)
    };
    if let Some(live) = &mut live {
        live.end(how_it_ended(&outcome));
    }
    match (outcome, begun.0) {
        (Ok(outcome), _) => end(outcome, flags, &mut terminal),
        // The signal came before the run had a folder.
        (Err(Error::Interrupted), None) if let Some(signal) = interrupt.signal() => {
            terminal.note("interrupted before the first update; nothing is written");
            Ok(exit_code(signal))
        }
        (Err(error), folder) => {
            // If the folder is gone, or another is in its place, the error already says so.
            let is_there = |folder: &PathBuf| {
                !matches!(error, Error::Replaced { .. }) && folder.join(SETTINGS).exists()
            };
            if let Some(folder) = folder.filter(is_there) {
                write_report(|| report::write_to_folder(&folder), flags, &mut terminal);
            }
            Err(error)
        }
    }
}

/// How a run ended, in a word or two for those who watch it.
fn how_it_ended(outcome: &Result<Outcome>) -> &'static str {
    match outcome.as_ref().map(|outcome| &outcome.end) {
        Ok(End::Done) => "finished",
        Ok(End::StoppedEarly) => "stopped early, as it no longer got better,",
        Ok(End::Stopped) => "stopped, to be resumed,",
        Ok(End::Interrupted(_)) => "interrupted",
        Err(_) => "failed",
    }
}

/// Writes the report, then prints the folder to stdout; a note says how to continue.
fn end(outcome: Outcome, flags: &SessionFlags, terminal: &mut Terminal) -> Result<u8> {
    let Outcome { folder, end, updates, released } = outcome;
    terminal.close();
    write_report(|| report::write_to_own(&released), flags, terminal);
    let after = format!("after update {updates}; continue with: {}", resume_command(&folder));
    match end {
        End::Done => {}
        End::StoppedEarly => {
            terminal.note(&format!("stopped early, after update {updates}"));
            // A run may have waited on the plateau before it learns.
            if let Ok(Some(text)) = report::nothing_learned(&folder) {
                terminal.note(&text);
            }
        }
        End::Stopped => terminal.note(&format!("stopped {after}")),
        End::Interrupted(signal) => {
            terminal.note(&format!("interrupted {after}"));
            return Ok(exit_code(signal));
        }
    }
    print_path(&folder)?;
    Ok(0)
}

/// The exit code of a program that a signal stopped.
pub fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(1)
}
