//! What the commands have in common that work on a run.

use super::print;
use crate::error::Result;
use crate::monitor::{LogFormat, Monitor as _, Terminal, terminal};
use crate::report::{self, Live};
use crate::run::{End, Interrupt, Interval, Outcome, Session, resume_command};
use clap::Args;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct SessionFlags {
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long)]
    threads: Option<usize>,
    /// Stop after so much time, so many epochs or updates of this command, with a checkpoint from
    /// which `harmonium resume` goes on
    #[arg(long, value_name = "INTERVAL")]
    stop_after: Option<Interval>,
    /// While training, show the report in a browser on this machine, at this port [default of the
    /// port: 8090]
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "8090")]
    live: Option<u16>,
    /// Write no report at the end
    #[arg(long)]
    no_report: bool,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
    /// How progress is written: `text`, or `json` (an object a line)
    #[arg(long, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

impl SessionFlags {
    pub fn terminal(&self) -> Terminal {
        Terminal::new(self.log_format, self.quiet)
    }

    /// The server of the live view, if it was asked for.
    pub fn live(&self, terminal: &mut Terminal) -> Result<Option<Live>> {
        let live = self.live.map(Live::new).transpose()?;
        if let Some(live) = &live {
            terminal.note(&format!("see the run at {}", live.url()));
        }
        Ok(live)
    }

    /// A session that Ctrl-C stops.
    pub fn session(&self) -> Result<Session> {
        let format = self.log_format;
        Ok(Session {
            threads: self.threads,
            stop_after: self.stop_after,
            command: Some(command()),
            interrupt: Interrupt::on_signals(move |text| terminal::note(format, text))?,
            ..Session::default()
        })
    }
}

/// The command line as it was typed, words with blanks in quotes.
fn command() -> String {
    let words = std::env::args_os().skip(1).map(|word| {
        let word = word.to_string_lossy().into_owned();
        let is_plain =
            !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || "'\"".contains(c));
        if is_plain { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
    });
    ["harmonium".to_string()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Tells how a session ended: the folder on stdout, how to go on in a note. Unless it was
/// interrupted, the report is written first.
pub fn end(outcome: Outcome, flags: &SessionFlags, terminal: &mut Terminal) -> Result<ExitCode> {
    let Outcome { folder, end, updates } = outcome;
    if !flags.no_report && !matches!(end, End::Interrupted(_)) {
        report::write_to_folder(&folder)?;
    }
    let go_on = format!("after update {updates}; go on with: {}", resume_command(&folder));
    match end {
        End::Done => {}
        End::StoppedEarly => terminal.note(&format!("stopped early, after update {updates}")),
        End::Stopped => terminal.note(&format!("stopped {go_on}")),
        End::Interrupted(signal) => {
            terminal.note(&format!("interrupted {go_on}"));
            return Ok(ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)));
        }
    }
    print(folder.display())?;
    Ok(ExitCode::SUCCESS)
}
