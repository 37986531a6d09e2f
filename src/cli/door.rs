//! The spelling of settings in the messages of the command line.

use super::Cli;
use super::flags::flag_name;
use crate::error::{Error, Remedy};
use clap::CommandFactory as _;

/// The message for an error of the command with this name. Remedies are spelled as flags of the command
/// or, if it has no such flag, of `harmonium train`.
pub fn message(error: &Error, command: Option<&str>) -> String {
    error.message(&|remedy| spell(remedy, command.unwrap_or("train")))
}

fn spell(Remedy { setting, value }: Remedy, command: &str) -> String {
    let value = match value {
        None | Some("true") => String::new(),
        Some(value) => format!(" {value}"),
    };
    let flag = format!("--{}{value}", flag_name(setting));
    let cli = Cli::command();
    let command = cli.find_subcommand(command).expect("the name of a command");
    let argument = command.get_arguments().find(|argument| argument.get_id() == setting);
    match argument.filter(|argument| !argument.is_hide_set()) {
        None => format!("`harmonium train {flag}`"),
        Some(argument) if argument.is_positional() => {
            let names = argument.get_value_names().unwrap_or_default();
            format!("the argument <{}>", names.join(" "))
        }
        Some(_) => flag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_a_flag_of_the_command_or_of_train() {
        let grey_levels = Remedy::with("grey_levels", "N");
        for (command, remedy, text) in [
            ("train", grey_levels, "--grey-levels N"),
            ("evaluate", grey_levels, "`harmonium train --grey-levels N`"),
            ("resume", grey_levels, "`harmonium train --grey-levels N`"),
            ("train", Remedy::with("spins", "true"), "--spins"),
            ("resume", Remedy::of("test_data"), "--test-data"),
            ("evaluate", Remedy::of("data"), "--data"),
            ("transform", Remedy::of("data"), "the argument <mnist|PATH>"),
        ] {
            assert_eq!(spell(remedy, command), text, "{command}");
        }
    }
}
