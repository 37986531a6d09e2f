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
            ExitCode::FAILURE
        }
    }
}
