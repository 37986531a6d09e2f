//! The flags that give the settings of runs: a preset or a file, and single settings that go over it.

use super::flags::Given;
use super::input::model_path;
use crate::dataset::UnknownLetters;
use crate::error::Result;
use crate::model::ModelFile;
use crate::preset::Preset;
use crate::rng::STREAM_VERSION;
use crate::run::{self, DataConfig, RunConfig, SETTINGS, Settings, SettingsFile};
use crate::train::TrainConfig;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Command};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct SettingsFlags {
    /// Good settings by name, such as `mnist-500` (`harmonium presets` lists them); other flags
    /// override them
    #[arg(long, value_name = "NAME", value_parser = PresetName, hide_possible_values = true,
        conflicts_with = "config", help_heading = None::<&'static str>)]
    preset: Option<String>,
    /// A settings file, or the folder of a run to train again with its `config.toml`; other flags
    /// override its settings
    #[arg(long, value_name = "FILE.toml", help_heading = None::<&'static str>)]
    config: Option<PathBuf>,

    #[command(flatten, next_help_heading = "Data")]
    data: Given<DataConfig>,
    #[command(flatten, next_help_heading = "Training")]
    train: Given<TrainConfig>,
    #[command(flatten, next_help_heading = "Run")]
    run: Given<RunConfig>,
}

/// Any text, as the error for other names is that of [`Preset::find`]; shells complete the names that are known.
#[derive(Clone)]
struct PresetName;

impl TypedValueParser for PresetName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        flag: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, flag, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let value = |preset: Preset| PossibleValue::new(preset.name).help(preset.purpose);
        Some(Box::new(Preset::all().into_iter().map(value)))
    }
}

/// A note for the user if a file was written by a version that draws other random numbers.
pub fn other_version(path: &Path, file: &SettingsFile) -> Option<String> {
    let version = file.stream_version.filter(|version| *version != STREAM_VERSION)?;
    Some(format!(
        "{} has stream version {version}, but this program has {STREAM_VERSION}: the run will not end in \
         the same bits",
        path.display()
    ))
}

impl SettingsFlags {
    /// The settings of the preset or the file, or the defaults; and a note on them.
    pub fn base(&self) -> Result<(Settings, Option<String>)> {
        let mut base = Settings::default();
        if let Some(name) = &self.preset {
            let preset = Preset::find(name)?;
            (base.data.data, base.train) = (preset.data, preset.config);
        }
        let Some(path) = &self.config else { return Ok((base, None)) };
        let path = if path.is_dir() { path.join(SETTINGS) } else { path.clone() };
        let file = SettingsFile::read(&path)?;
        let note = other_version(&path, &file);
        Ok((file.settings, note))
    }

    /// The settings of `base`, overridden by the flags.
    pub fn over(&self, mut base: Settings) -> Result<Settings> {
        if self.data.has("data") && base.data.sha256.is_some() {
            // The recorded encoding belongs to the run's own file, not to another.
            (base.data.grey_levels, base.data.spins) = (None, false);
            (base.data.categories, base.data.alphabet) = (None, None);
            (base.data.ignore, base.data.unknown_letters) = (Vec::new(), UnknownLetters::Refuse);
            (base.data.missing_value, base.data.id) = (None, None);
        }
        // Another file has another SHA-256.
        for (flag, sha256) in [
            ("data", &mut base.data.sha256),
            ("test_data", &mut base.data.test_sha256),
            ("missing_mask", &mut base.data.missing_mask_sha256),
            ("test_missing_mask", &mut base.data.test_missing_mask_sha256),
            ("weights", &mut base.data.weights_sha256),
            ("labels", &mut base.data.labels_sha256),
            ("test_labels", &mut base.data.test_labels_sha256),
            ("init", &mut base.data.init_sha256),
        ] {
            if self.data.has(flag) {
                *sha256 = None;
            }
        }
        let init = self.data.over(&base.data).init.as_deref().map(model_path).transpose()?;
        if self.data.has("init")
            && let Some(path) = &init
        {
            base.train.hidden = Some(ModelFile::read(path)?.rbm.n_hidden());
        }
        let given = run::Given {
            data: self.data.settings(),
            train: self.train.settings(),
            run: self.run.settings(),
        };
        let mut settings = base.overridden(given);
        settings.data.init = init;
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Source;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: SettingsFlags,
    }

    #[test]
    fn a_flag_overrides_the_length_of_the_run() {
        let mut base = Settings::default();
        (base.train.epochs, base.train.updates) = (Some(7), None);
        let length = |line: &str, base: &Settings| {
            let line = Line::parse_from(format!("train {line}").split_whitespace());
            let train = line.flags.over(base.clone()).unwrap().train;
            (train.epochs, train.updates)
        };
        assert_eq!(length("", &base), (Some(7), None));
        assert_eq!(length("--updates 5", &base), (None, Some(5)));
        (base.train.epochs, base.train.updates) = (None, Some(9));
        assert_eq!(length("--epochs 3", &base), (Some(3), None));
    }

    #[test]
    fn a_sha256_belongs_to_its_file() {
        let mut base = Settings::default();
        base.data.data = Source::Path("a.npy".into());
        base.data.sha256 = Some("ab".to_string());
        let sha256 = |line: &str| {
            let line = Line::parse_from(format!("train {line}").split_whitespace());
            line.flags.over(base.clone()).unwrap().data.sha256
        };
        assert_eq!(sha256("--hidden 5"), Some("ab".to_string()));
        assert_eq!(sha256("--data b.npy"), None);
    }
}
