//! The command line of harmonium; see `harmonium --help`.

use clap::{CommandFactory as _, FromArgMatches as _};
use harmonium::Error;
use harmonium::cli::{Cli, message};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            let message = message(&error, matches.subcommand_name());
            // If nothing reads the output, the exit code alone reports the error.
            let _ = writeln!(std::io::stderr(), "error: {message}");
            match error {
                // As for a wrong command line, the fault is in what the user gave or left out.
                Error::NoData { .. } | Error::Damaged { .. } => ExitCode::from(2),
                // Ctrl-C came before the run had a folder; 128 + SIGINT, as shells report it.
                Error::Interrupted => ExitCode::from(130),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
