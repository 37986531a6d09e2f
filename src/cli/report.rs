//! `harmonium report`.

use super::output::{Overwrite, print_path};
use crate::error::Result;
use crate::report;
use crate::run::REPORT;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Report {
    /// The folder of a run or of a sweep, or the folders of several runs, whose curves share the same charts
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// The file for the page [default: report.html, of one folder in that folder]
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Write each curve and picture of the runs, and the scores of a sweep, to this folder, too, as an SVG and a PDF as
    /// wide as a column of a paper, or as its sites need
    #[arg(long, value_name = "FOLDER")]
    figures: Option<PathBuf>,
    /// Give the figures a log axis of epochs; the page has a switch for it
    #[arg(long, requires = "figures")]
    log_epochs: bool,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Report {
    pub fn run(self) -> Result<()> {
        if let Some(folder) = &self.figures {
            let check = |path: &std::path::Path| self.overwrite.check(path);
            for path in report::write_figures(&self.runs, folder, self.log_epochs, &check)? {
                print_path(&path)?;
            }
        }
        let out = match (&self.runs[..], self.out) {
            ([run], None) => {
                report::write_to_folder(run)?;
                run.join(REPORT)
            }
            (runs, out) => {
                let out = out.unwrap_or_else(|| REPORT.into());
                report::check(runs, &out)?;
                self.overwrite.check(&out)?;
                report::write(runs, &out)?;
                out
            }
        };
        print_path(&out)
    }
}
