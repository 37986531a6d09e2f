//! The command line of harmonium; see `harmonium --help`.

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match harmonium::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
