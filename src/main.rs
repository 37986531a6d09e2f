//! The command line of harmonium; see `harmonium --help`.

use clap::{CommandFactory as _, FromArgMatches as _};
use harmonium::Error;
use harmonium::cli::{Cli, told};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            // With nobody to tell it to, the exit code is left.
            let told = told(&error, matches.subcommand_name());
            let _ = writeln!(std::io::stderr(), "error: {told}");
            // What was given, or not given, is at fault, as where the command line is wrong.
            let is_usage = matches!(error, Error::NoData { .. } | Error::Damaged { .. });
            if is_usage { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
