//! `harmonium resume`.

use super::flags::{DataFlags, Given, TrainFlags};
use super::session::{self, SessionFlags};
use crate::error::{Error, Result};
use crate::run::{self, Changes, DataConfig, SETTINGS, SettingsFile};
use crate::setting::fields;
use crate::train::TrainConfig;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Resume {
    /// The folder of the run
    run: PathBuf,
    #[command(flatten)]
    fixed: Fixed,
    #[command(flatten)]
    session: SessionFlags,
}

/// Flags of settings: of them all only the number of epochs can change, and where the data are.
#[derive(Debug)]
struct Fixed {
    data: Given<DataFlags>,
    train: Given<TrainFlags>,
}

const CHANGEABLE: [&str; 3] = ["epochs", "data", "test_data"];

impl Resume {
    pub fn run(self) -> Result<ExitCode> {
        self.fixed.check(&self.run)?;
        let data: DataConfig = self.fixed.data.over(&DataConfig::default());
        let epochs = self.fixed.train.over(&TrainConfig::default()).epochs;
        let changes = Changes {
            epochs,
            data: self.fixed.data.has("data").then_some(data.data),
            test_data: data.test_data,
        };
        let terminal = self.session.terminal();
        let session = self.session.session()?;
        session::run(&self.session, terminal, |monitors| {
            run::resume(&self.run, &changes, &session, monitors)
        })
    }
}

impl Fixed {
    /// Refuses settings that are not those of the run.
    fn check(&self, folder: &std::path::Path) -> Result<()> {
        let path = folder.join(SETTINGS);
        let given: Vec<_> = self.data.settings().iter().chain(self.train.settings()).collect();
        if given.iter().all(|(key, _)| CHANGEABLE.contains(&&key[..])) {
            return Ok(());
        }
        let settings = SettingsFile::read(&path)?.settings;
        let (mut all, train) = (fields(&settings.data), fields(&settings.train));
        all.extend(train);
        for (key, value) in given {
            if !CHANGEABLE.contains(&&key[..]) && all[key] != *value {
                let rule = format!(
                    "{key} is {} in this run and cannot become {value} while it goes on; train anew \
                     by `harmonium train --config {} --{} …`",
                    all[key],
                    folder.display(),
                    key.replace('_', "-")
                );
                return Err(Error::Unsuitable { path, rule });
            }
        }
        Ok(())
    }
}

impl FromArgMatches for Fixed {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let (data, train) = (Given::from_arg_matches(matches)?, Given::from_arg_matches(matches)?);
        Ok(Self { data, train })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.data.update_from_arg_matches(matches)?;
        self.train.update_from_arg_matches(matches)
    }
}

impl Args for Fixed {
    fn augment_args(command: Command) -> Command {
        let flags = Given::<DataFlags>::augment_args(Command::new("settings"));
        let flags = Given::<TrainFlags>::augment_args(flags);
        command.args(flags.get_arguments().map(|flag| {
            let flag = flag.clone();
            match flag.get_id().as_str() {
                "epochs" => {
                    let help = "Plan the rest of the run for so many epochs in all";
                    flag.help(help).hide_default_value(true)
                }
                "data" => flag.help("Where the file of the training data is now"),
                "test_data" => flag.help("Where the file of the test data is now"),
                _ => flag.hide(true),
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
