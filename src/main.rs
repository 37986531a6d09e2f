//! The command line of harmonium; see `harmonium --help`.

use clap::FromArgMatches as _;
use harmonium::cli::{Cli, command, message};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let matches = command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            let message = message(&error, matches.subcommand_name());
            // If nothing reads the output, the exit code alone reports the error.
            let _ = writeln!(std::io::stderr(), "error: {message}");
            // clap, too, ends a wrong command line with 2.
            if error.is_misuse() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
