//! `harmonium resume`.

use super::flags::{Given, flag_name};
use super::session::{self, SessionFlags};
use super::sweep;
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::run::{self, Changes, DataConfig, SETTINGS, SettingsFile};
use crate::setting::{Section as _, invalid};
use crate::sweep::is_sweep;
use crate::train::TrainConfig;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Resume {
    /// The folder of the run, or of a sweep
    run: PathBuf,
    #[command(flatten)]
    fixed: Fixed,
    #[command(flatten)]
    session: SessionFlags,
}

/// The flags of all settings. Only the number of epochs and the places of the data can change.
#[derive(Debug)]
struct Fixed {
    data: Given<DataConfig>,
    train: Given<TrainConfig>,
}

/// What may change, with its help.
const CHANGEABLE: [(&str, &str); 8] = [
    ("epochs", "Change the total number of epochs, including those done"),
    ("data", "The new place of the training data's file"),
    ("test_data", "The new place of the test data's file"),
    ("labels", "The new place of the file of labels"),
    ("test_labels", "The new place of the file of the labels of the test data"),
    ("weights", "The new place of the file of weights"),
    ("missing_mask", "The new place of the mask of missing values"),
    ("test_missing_mask", "The new place of the mask of missing values of the test data"),
];

/// The help of a setting that may change.
fn change(name: &str) -> Option<&'static str> {
    CHANGEABLE.iter().find(|(changeable, _)| *changeable == name).map(|(_, help)| *help)
}

impl Resume {
    pub fn run(self, isa: Isa, words: &[OsString]) -> Result<u8> {
        let data = self.fixed.data.over(&DataConfig::default());
        let epochs = self.fixed.train.over(&TrainConfig::default()).epochs;
        let changes = Changes {
            epochs,
            data: self.fixed.data.has("data").then_some(data.data),
            test_data: data.test_data,
            labels: data.labels,
            test_labels: data.test_labels,
            weights: data.weights,
            missing_mask: data.missing_mask,
            test_missing_mask: data.test_missing_mask,
        };
        if is_sweep(&self.run) {
            let given = self.fixed.data.settings().keys().chain(self.fixed.train.settings().keys());
            if let Some(name) = given.into_iter().next() {
                let rule = "has a sweep, whose settings stay as they are; begin another with `harmonium sweep`";
                let rule = format!("{rule} (--{} was given)", flag_name(name));
                return Err(Error::Unsuitable { path: self.run, rule });
            }
            return sweep::resume(&self.run, &self.session.of_sweep()?, isa, words);
        }
        self.session.on_ranks("resume", isa, words, |session| {
            self.fixed.check(&self.run)?;
            let terminal = self.session.terminal();
            session::work(&self.session, &session.interrupt, terminal, |monitors| {
                run::resume(&self.run, &changes, &session, monitors)
            })
        })
    }
}

impl Fixed {
    /// Refuses settings that differ from those of the run.
    fn check(&self, folder: &std::path::Path) -> Result<()> {
        let given: Vec<_> = self.data.settings().iter().chain(self.train.settings()).collect();
        if given.iter().all(|(key, _)| change(key).is_some()) {
            return Ok(());
        }
        let settings = SettingsFile::read(&folder.join(SETTINGS))?.settings;
        let (mut all, train) = (settings.data.fields(), settings.train.fields());
        all.extend(train);
        let rows = DataConfig::TABLE.iter().chain(TrainConfig::TABLE);
        for setting in rows.filter(|setting| change(setting.name).is_none()) {
            let given = given.iter().find(|(key, _)| *key == setting.name);
            let own = &all[setting.name];
            if let Some((_, value)) = given.filter(|(_, value)| *value != own) {
                let rule = format!(
                    "{own}, as in this run; start a new run with `harmonium train --config {} --{} …`",
                    run::quoted(folder.as_os_str()),
                    flag_name(setting.name)
                );
                return Err(invalid(setting.name, value, rule));
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
        let flags = Given::<DataConfig>::augment_args(Command::new("settings"));
        let flags = Given::<TrainConfig>::augment_args(flags);
        command.args(flags.get_arguments().map(|flag| {
            let flag = flag.clone();
            match change(flag.get_id().as_str()) {
                Some(help) => flag.help(help),
                None => flag.hide(true),
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}
