//! The command line of harmonium; see `harmonium --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(harmonium::cli::main(std::env::args_os()))
}
