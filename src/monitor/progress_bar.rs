//! A progress bar on stderr for work that takes longer than a second.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// The time before the bar appears.
const PATIENCE: Duration = Duration::from_secs(1);

/// A progress bar that appears after a second, if stderr is a terminal.
#[derive(Debug)]
pub struct ProgressBar {
    start: Instant,
    bar: Option<indicatif::ProgressBar>,
}

impl ProgressBar {
    /// Starts the clock.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = indicatif::ProgressStyle::with_template(
                "{msg} {wide_bar:.cyan/dim} {percent:>3} %, {eta} left",
            );
            let bar = indicatif::ProgressBar::hidden();
            bar.set_style(style.expect("a valid template").progress_chars("━━─"));
            bar
        });
        Self { start: Instant::now(), bar }
    }

    /// Shows the name of a stage, the amount done and the total.
    pub fn show(&self, stage: &'static str, done: u64, total: u64) {
        let Some(bar) = &self.bar else { return };
        if self.start.elapsed() < PATIENCE {
            return;
        }
        if bar.is_hidden() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        if bar.message() != stage {
            bar.set_message(stage);
            bar.set_length(total);
            bar.set_position(done);
            bar.reset_eta();
        } else {
            bar.set_position(done);
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Default for ProgressBar {
    fn default() -> Self {
        Self::new()
    }
}
