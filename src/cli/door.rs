//! The spelling of settings in the messages of the command line.

use super::Cli;
use super::flags::flag_name;
use crate::error::{Error, Remedy};
use clap::CommandFactory as _;

/// The message for an error of the command with this name. Remedies are spelled as flags of the command
/// or, if it has no such flag, of `harmonium train`.
pub fn message(error: &Error, command: Option<&str>) -> String {
    if let Error::UnknownKey { path, section, key, meant } = error
        && meant.is_none_or(|meant| meant.name != key)
        && let Some(flag) = flag_of_a_command(key)
    {
        let (path, key) = (path.clone(), key.clone());
        let error = Error::UnknownKey { path, section: *section, key, meant: None };
        return format!("{error}; give it as the flag in {flag}");
    }
    error.message(&|remedy| spell(remedy, command.unwrap_or("train")))
}

/// The first command that has a flag for this key, and the flag.
fn flag_of_a_command(key: &str) -> Option<String> {
    let cli = Cli::command();
    let is_flag = |arg: &clap::Arg| arg.get_id() == key && arg.get_long().is_some();
    let command = cli.get_subcommands().find(|command| command.get_arguments().any(is_flag))?;
    Some(format!("`harmonium {} --{}`", command.get_name(), flag_name(key)))
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
    use crate::error::Key;

    #[test]
    fn a_remedy_is_a_flag_of_the_command_or_of_train() {
        let grey_levels = Remedy::with("grey_levels", "N");
        for (command, remedy, text) in [
            ("train", grey_levels, "--grey-levels N"),
            ("evaluate", grey_levels, "`harmonium train --grey-levels N`"),
            ("resume", grey_levels, "`harmonium train --grey-levels N`"),
            ("train", Remedy::with("spins", "true"), "--spins"),
            ("train", Remedy::with("ignore", "NAME"), "--ignore NAME"),
            ("train", Remedy::with("unknown_letters", "gap|drop"), "--unknown-letters gap|drop"),
            ("resume", Remedy::of("test_data"), "--test-data"),
            ("evaluate", Remedy::of("data"), "--data"),
            ("transform", Remedy::of("data"), "the argument <mnist|PATH>"),
        ] {
            assert_eq!(spell(remedy, command), text, "{command}");
        }
    }

    #[test]
    fn a_key_that_is_a_flag_of_a_command_is_told_as_such() {
        let of = |key: &str, meant| {
            let (path, key) = ("a.toml".into(), key.to_string());
            message(&Error::UnknownKey { path, section: Some("run"), key, meant }, Some("train"))
        };
        let told = "a.toml: [run] no_report is not a setting of a run; give it as the flag in \
                    `harmonium train --no-report`";
        assert_eq!(of("no_report", None), told);
        let invert = Key { section: "data", name: "invert" };
        assert_eq!(of("no_report", Some(invert)), told);
        assert!(of("n_chains", None).ends_with("in `harmonium evaluate --n-chains`"));
        assert_eq!(of("invert", Some(invert)), "a.toml: [run] invert belongs into [data]");
        assert_eq!(of("nonsense", None), "a.toml: [run] nonsense is not a setting of a run");
    }
}
