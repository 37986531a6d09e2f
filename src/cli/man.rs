//! `harmonium man`.

use super::help::{self, ENVIRONMENT, EXIT_CODES};
use super::output::{Overwrite, print};
use crate::error::{Error, Result};
use crate::setting::{did_you_mean, invalid};
use crate::whole_file;
use clap::{Args, Command};
use clap_mangen::Man as Page;
use clap_mangen::roff::{Roff, bold, roman};
use std::io::Write;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Man {
    /// The command whose page is printed [default: the program as a whole]
    command: Option<String>,
    /// Write the pages of the program and of all commands to this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    out: Option<PathBuf>,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Man {
    pub fn run(self) -> Result<()> {
        let mut program = help::command().disable_help_subcommand(true);
        program.build();
        if let Some(folder) = &self.out {
            let failed = |cause| Error::Io { path: folder.clone(), action: "create", cause };
            std::fs::create_dir_all(folder).map_err(failed)?;
            let commands = std::iter::once(&program).chain(program.get_subcommands());
            let pages: Vec<_> = commands
                .map(|command| {
                    let page = Page::new(command.clone());
                    (folder.join(page.get_filename()), bytes(&page, command))
                })
                .collect();
            pages.iter().try_for_each(|(path, _)| self.overwrite.check(path))?;
            for (path, page) in pages {
                whole_file::write(&path, &page)?;
            }
            return print(folder.display());
        }
        let command = match &self.command {
            None => &program,
            Some(name) => program.find_subcommand(name).ok_or_else(|| {
                let names: Vec<_> = program.get_subcommands().map(Command::get_name).collect();
                let meant = did_you_mean(name, names.iter().copied());
                invalid("command", name, format!("one of {}{meant}", names.join(", ")))
            })?,
        };
        let page = bytes(&Page::new(command.clone()), command);
        print(String::from_utf8_lossy(&page).trim_end())
    }
}

/// The text of a page, for `man`.
fn bytes(page: &Page, command: &Command) -> Vec<u8> {
    type Section = fn(&Page, &mut dyn Write) -> std::io::Result<()>;
    let sections: [Section; 5] = [
        Page::render_title,
        Page::render_name_section,
        Page::render_synopsis_section,
        Page::render_description_section,
        Page::render_options_section,
    ];
    let of_program: Option<Section> =
        command.has_subcommands().then_some(Page::render_subcommands_section);
    let mut text = Vec::new();
    for section in sections.into_iter().chain(of_program) {
        section(page, &mut text).expect("writing to memory does not fail");
    }
    let mut rest = Roff::new();
    if let Some(examples) = command.get_after_long_help().or(command.get_after_help())
        && let Some(examples) = examples.to_string().strip_prefix("Examples:\n")
    {
        rest.control("SH", ["EXAMPLES"]);
        for line in examples.lines() {
            match line.starts_with("      ") {
                false => drop(rest.control("TP", []).text([bold(line.trim())])),
                true => drop(rest.text([roman(line.trim())])),
            }
        }
    }
    for (heading, rows) in [("EXIT STATUS", &EXIT_CODES[..]), ("ENVIRONMENT", &ENVIRONMENT)] {
        rest.control("SH", [heading]);
        for (name, meaning) in rows {
            rest.control("TP", []).text([bold(*name)]).text([roman(*meaning)]);
        }
    }
    rest.to_writer(&mut text).expect("writing to memory does not fail");
    text
}
