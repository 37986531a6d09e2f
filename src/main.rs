//! The command line of harmonium; see `harmonium --help`.

use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match harmonium::cli::Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            // With nobody to tell it to, the exit code is left.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            // What is missing on the command line is wrong usage, as clap has it.
            let is_usage = matches!(error, harmonium::Error::NoData { .. });
            if is_usage { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
