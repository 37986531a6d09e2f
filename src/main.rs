//! The command line of harmonium; see `harmonium --help`.

use clap::Parser as _;
use harmonium::Error;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match harmonium::cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            // With nobody to tell it to, the exit code is left.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            // What was given, or not given, is at fault, as where the command line is wrong.
            let is_usage = matches!(error, Error::NoData { .. } | Error::Damaged { .. });
            if is_usage { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
