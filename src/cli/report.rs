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
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Report {
    pub fn run(self) -> Result<()> {
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
