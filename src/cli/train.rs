//! `harmonium train`.

use super::session::{self, SessionFlags};
use super::settings::SettingsFlags;
use crate::error::Result;
use crate::kernels::Isa;
use crate::monitor::Monitor;
use crate::run::{self, Session};
use crate::setting::invalid;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct Train {
    #[command(flatten)]
    settings: SettingsFlags,

    /// Folder for the results [default: a folder in runs/ named after data, sizes and time]
    #[arg(long, value_name = "FOLDER", help_heading = "Session")]
    out: Option<PathBuf>,
    /// Train for about this time, such as 10m: the speed of the first seconds fixes the number of
    /// updates
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Session",
        conflicts_with_all = ["epochs", "updates"])]
    time_budget: Option<Duration>,
    #[command(flatten, next_help_heading = "Session")]
    session: SessionFlags,
}

impl Train {
    pub fn run(self, isa: Isa, words: &[OsString]) -> Result<u8> {
        self.session.on_ranks("train", isa, words, |session| self.lead(session))
    }

    fn lead(&self, session: Session) -> Result<u8> {
        let mut terminal = self.session.terminal();
        let (mut base, note) = self.settings.base()?;
        note.iter().for_each(|note| terminal.note(note));
        if self.time_budget.is_some() {
            base.without_length();
        }
        let settings = self.settings.over(base)?;
        let session = Session { out: self.out.clone(), time_budget: self.time_budget, ..session };
        session::work(&self.session, &session.interrupt, terminal, |monitors| {
            run::train(settings, &session, monitors)
        })
    }
}

/// A time such as `10m`.
fn time(text: &str) -> Result<Duration> {
    run::parse_time(text)
        .ok_or_else(|| invalid("time_budget", text, "above 0, such as 30s, 10m or 2h"))
}
