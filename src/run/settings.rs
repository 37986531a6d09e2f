//! All settings of a run, and their file: `config.toml`.
//!
//! ```toml
//! [data]                 # DataConfig: what the run starts from
//! data = "mnist"
//!
//! [train]                # TrainConfig: what decides the parameters
//! hidden = 256
//! learning_rate = 0.05
//!
//! [run]                  # RunConfig: what the run does besides training
//! checkpoint_every = "1m"
//! ```
//!
//! A setting that is left out has its default. The file that a run writes has all settings.

use super::config::{DataConfig, RunConfig};
use crate::error::{Error, Key, Result};
use crate::rng::STREAM_VERSION;
use crate::setting::{Section, Setting, did_you_mean, nearest};
use crate::train::TrainConfig;
use crate::whole_file;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;

/// All settings of a run. Runs with equal `data` and `train` have equal parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What the run starts from.
    pub data: DataConfig,
    /// What decides its parameters.
    pub train: TrainConfig,
    /// What it does besides training.
    pub run: RunConfig,
}

/// The contents of a settings file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsFile {
    /// The settings.
    pub settings: Settings,
    /// The stream version of the run that wrote the file; `None` if it is written by hand.
    pub stream_version: Option<u32>,
    /// The command that made the run.
    pub command: Option<String>,
}

/// Settings of each section that are given, by name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    pub data: &'a Map<String, Value>,
    pub train: &'a Map<String, Value>,
    pub run: &'a Map<String, Value>,
}

/// The file as the program writes it.
#[derive(Serialize)]
struct File<'a> {
    harmonium: &'a str,
    stream_version: u32,
    command: Option<&'a str>,
    #[serde(flatten)]
    settings: &'a Settings,
}

/// The keys above the first section.
#[derive(Deserialize)]
struct Header {
    stream_version: Option<u32>,
    command: Option<String>,
}

/// The sections and their settings.
pub(super) const SECTIONS: [(&str, &[Setting]); 3] = [
    (DataConfig::NAME, DataConfig::TABLE),
    (TrainConfig::NAME, TrainConfig::TABLE),
    (RunConfig::NAME, RunConfig::TABLE),
];

/// The section of a setting, and its row.
pub(crate) fn section_of(name: &str) -> Option<(&'static str, &'static Setting)> {
    SECTIONS.iter().find_map(|(section, table)| {
        Some((*section, table.iter().find(|setting| setting.name == name)?))
    })
}

/// The names of all settings, each after that of its section.
pub(crate) fn setting_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |(section, table): &(&'static str, &'static [Setting])| {
        let section = *section;
        table.iter().map(move |setting| (section, setting.name))
    };
    SECTIONS.iter().flat_map(of)
}

impl Settings {
    /// The settings as TOML; settings without a value become comments.
    pub fn to_toml(&self, command: Option<&str>) -> String {
        format!(
            "# The settings of a run. `harmonium train --config` with this file trains it again, to \
             the bit.\n{}",
            self.tables(command)
        )
    }

    /// The sections of a settings file, below what made it.
    pub(crate) fn tables(&self, command: Option<&str>) -> String {
        let file = File {
            harmonium: env!("CARGO_PKG_VERSION"),
            stream_version: STREAM_VERSION,
            command,
            settings: self,
        };
        let mut text = toml::to_string(&file).expect("settings that a settings file holds");
        for (name, fields) in [
            (DataConfig::NAME, self.data.fields()),
            (TrainConfig::NAME, self.train.fields()),
            (RunConfig::NAME, self.run.fields()),
        ] {
            let unset = fields.iter().filter(|(_, value)| value.is_null());
            let unset: String = unset.map(|(key, _)| format!("# {key} is not set\n")).collect();
            let section = format!("\n[{name}]\n");
            text = text.replacen(&section, &(section.clone() + &unset), 1);
        }
        text
    }

    /// These settings with given ones of each section in place of their own, as `Section::overridden`.
    pub(crate) fn overridden(mut self, given: Given<'_>) -> Self {
        let Given { data, train, run } = given;
        if train.contains_key("epochs") || train.contains_key("updates") {
            self.without_length();
        }
        let mut trained = self.train.overridden(train);
        if !trained.algorithm.chains_are_samples() && !train.contains_key("chains") {
            // The number of chains that was there is for persistent chains.
            trained.chains = None;
        }
        Self { data: self.data.overridden(data), train: trained, run: self.run.overridden(run) }
    }

    /// Leaves the length of the run to others: only one of `epochs` and `updates` may give it.
    pub(crate) fn without_length(&mut self) {
        (self.train.epochs, self.train.updates) = (None, None);
        self.run.replanned.clear();
    }

    /// The first difference from other settings that changes the model, or what follows it from the first
    /// update on: (name, value here, value there). Paths may differ, as the SHA-256 of their files is compared.
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let of_run = |settings: &Self| {
            let mut fields = settings.run.fields();
            fields.retain(|key, _| {
                matches!(&key[..], "keep" | "online_log_z" | "online_log_z_every")
            });
            fields
        };
        let sections = [
            (self.train.fields(), other.train.fields()),
            (self.data.fields(), other.data.fields()),
            (of_run(self), of_run(other)),
        ];
        let here_has =
            |name: &str| self.data.fields().remove(name).filter(|value| !value.is_null());
        sections.into_iter().find_map(|(here, there)| {
            here.into_iter().find_map(|(key, value)| {
                let other = &there[&key];
                let is_path = match &key[..] {
                    "data" | "test_data" | "missing_mask" | "test_missing_mask" | "init" => true,
                    // A column has no SHA-256.
                    "labels" | "test_labels" | "weights" => {
                        here_has(&format!("{key}_sha256")).is_some()
                    }
                    _ => false,
                };
                let differs = *other != value && !is_path;
                differs.then(|| (key, value.to_string(), other.to_string()))
            })
        })
    }
}

impl Settings {
    /// Reads settings of all sections by name; missing ones keep their defaults.
    ///
    /// # Errors
    /// As [`Section::read`].
    pub fn read(some: &Map<String, Value>) -> Result<Self> {
        let mut sections = SECTIONS.map(|_| Map::new());
        for (name, value) in some {
            let has = |(_, table): &(&str, &[Setting])| table.iter().any(|row| row.name == name);
            match SECTIONS.iter().position(has) {
                Some(at) => sections[at].insert(name.clone(), value.clone()),
                None => return Err(TrainConfig::row(name).expect_err("in no section")),
            };
        }
        let [data, train, run] = &sections;
        Ok(Self {
            data: DataConfig::read(data)?,
            train: TrainConfig::read(train)?,
            run: RunConfig::read(run)?,
        })
    }
}

impl SettingsFile {
    /// Reads a file. Data that lay in the folder `data` beside it are found there if both have moved.
    ///
    /// # Errors
    /// [`Error::Io`], or as [`parse`](Self::parse).
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(Error::reading(path))?;
        let mut file = Self::parse(path, &text)?;
        path.parent().into_iter().for_each(|folder| file.settings.data.look_in(folder));
        Ok(file)
    }

    /// Reads the text of a file; `path` is its name in messages.
    ///
    /// # Errors
    /// [`Error::UnknownKey`]; [`Error::BadSettings`] for text that is not TOML, or a value of the wrong
    /// kind.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong = |rule: String| Error::BadSettings { path: path.into(), rule };
        let mut file = Self::of_keys(path, keys_of(text).map_err(wrong)?)?;
        let train = &mut file.settings.train;
        if file.stream_version.is_some()
            && train.algorithm.chains_are_samples()
            && train.chains.is_none()
        {
            // Runs record their number of chains. Earlier versions did not where it was the default
            // of that time, the number of examples in a mini-batch.
            train.chains = Some(train.batch_size);
        }
        Ok(file)
    }

    /// Reads the text of a file that also has a section of this name, whose keys it returns. No run has written it:
    /// settings that are not set are left to the data.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn parse_with(
        path: &Path,
        text: &str,
        section: &str,
    ) -> Result<(Self, Map<String, Value>)> {
        let wrong = |rule: String| Error::BadSettings { path: path.into(), rule };
        let mut keys = keys_of(text).map_err(wrong)?;
        let own = take_section(&mut keys, section).map_err(wrong)?;
        Ok((Self::of_keys(path, keys)?, own))
    }

    fn of_keys(path: &Path, mut keys: Map<String, Value>) -> Result<Self> {
        let wrong = |rule: String| Error::BadSettings { path: path.into(), rule };
        let mut section = |name: &str| take_section(&mut keys, name).map_err(wrong);
        let settings = Settings {
            data: read_section(path, &section("data")?)?,
            train: read_section(path, &section("train")?)?,
            run: read_section(path, &section("run")?)?,
        };
        if let Some((name, _)) = keys.iter().find(|(_, value)| value.is_object()) {
            let meant = did_you_mean(name, SECTIONS.map(|(section, _)| section));
            let rule = format!(
                "[{name}] is not a section; the sections are [data], [train] and [run]{meant}"
            );
            return Err(wrong(rule));
        }
        if let Some(key) =
            keys.keys().find(|key| !["harmonium", "stream_version", "command"].contains(&&key[..]))
        {
            return Err(unknown(path, None, key));
        }
        let header: Header = serde_json::from_value(keys.into())
            .map_err(|cause| wrong(format!("above the first section: {cause}")))?;
        let Header { stream_version, command, .. } = header;
        Ok(Self { settings, stream_version, command })
    }
}

impl Settings {
    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path, command: Option<&str>) -> Result<()> {
        whole_file::write(path, self.to_toml(command).as_bytes())
    }
}

/// The keys of a file.
fn keys_of(text: &str) -> Result<Map<String, Value>, String> {
    let table: toml::Table = toml::from_str(text).map_err(|cause| syntax(text, &cause))?;
    match serde_json::to_value(table) {
        Ok(Value::Object(keys)) => Ok(keys),
        _ => unreachable!("a table is an object"),
    }
}

/// Takes the keys of a section out of those of its file.
fn take_section(keys: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, String> {
    match keys.remove(name) {
        None => Ok(Map::new()),
        Some(Value::Object(section)) => Ok(section),
        Some(other) => Err(format!("`{name}` is {other}, but must be a section [{name}]")),
    }
}

/// Reads a section; keys may be missing.
fn read_section<T: Section>(path: &Path, keys: &Map<String, Value>) -> Result<T> {
    T::read(keys).map_err(|error| match error {
        Error::UnknownSetting { name, .. } => unknown(path, Some(T::NAME), &name),
        error => Error::BadSettings { path: path.into(), rule: format!("[{}] {error}", T::NAME) },
    })
}

/// The message for a syntax error, in one line.
fn syntax(text: &str, cause: &toml::de::Error) -> String {
    let start = cause.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
    format!("line {line}: {}", cause.message().replace('\n', "; "))
}

/// The error for a key that its section does not have.
fn unknown(path: &Path, section: Option<&'static str>, key: &str) -> Error {
    let names = |table: &'static [Setting]| table.iter().map(|setting| setting.name);
    let of = |table| nearest(key, names(table));
    // The own section comes first, unless another has the very key.
    let own = SECTIONS.iter().find(|(name, _)| Some(*name) == section);
    let other = nearest(key, SECTIONS.iter().flat_map(|(_, table)| names(table)));
    let meant = other.filter(|other| *other == key).or(own.and_then(|(_, table)| of(table)));
    let meant = meant.or(other).and_then(|name| {
        let (section, _) = SECTIONS.iter().find(|(_, table)| names(table).any(|n| n == name))?;
        Some(Key { section, name })
    });
    Error::UnknownKey { path: path.into(), section, key: key.to_string(), meant }
}

#[cfg(test)]
mod tests {
    use super::super::config::{Keep, Replan};
    use super::*;
    use crate::dataset::Source;
    use crate::monitor::Metric;
    use crate::train::Averaging;

    fn parse(text: &str) -> Result<SettingsFile, String> {
        SettingsFile::parse(Path::new("file.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn all_settings_round_trip() {
        let mut settings = Settings::default();
        settings.data.data = Source::Path("/some where/a \"b\".npy".into());
        settings.data.image_shape = Some((3, 4));
        settings.train.averaging = Averaging::Tail(0.25);
        settings.train.learning_rate = 0.1 + 0.2;
        settings.train.adam_epsilon = 1e-8;
        settings.train.chains = Some(7);
        settings.train.seed = i64::MAX as u64;
        settings.run.keep = Keep::Best(Metric::FreeEnergyGap);
        settings.run.replanned =
            vec![Replan { update: 5, epochs: 9 }, Replan { update: 8, epochs: 12 }];
        // As runs write them: with a number of chains.
        let mut default = Settings::default();
        default.train = default.train.for_data(1000, 30);
        for settings in [settings, default] {
            let text = settings.to_toml(Some("harmonium train --hidden 5"));
            let read = parse(&text).unwrap();
            assert_eq!(read.settings, settings, "{text}");
            assert_eq!(read.stream_version, Some(STREAM_VERSION));
            assert_eq!(read.command.unwrap(), "harmonium train --hidden 5");
        }
    }

    /// Earlier versions did not write the default, the number of examples in a mini-batch.
    #[test]
    fn runs_of_earlier_versions_keep_their_number_of_chains() {
        let chains = |text: &str| parse(text).unwrap().settings.train.chains;
        let of_a_run = "stream_version = 1\n[train]\nbatch_size = 20\n";
        assert_eq!(chains(of_a_run), Some(20));
        assert_eq!(chains(&format!("{of_a_run}chains = 7")), Some(7));
        assert_eq!(chains(&format!("{of_a_run}algorithm = \"cd\"")), None);
        assert_eq!(chains("[train]\nbatch_size = 20\n"), None);
    }

    #[test]
    fn names_of_settings_are_unique_across_sections() {
        let names = SECTIONS.iter().flat_map(|(_, table)| table.iter().map(|row| row.name));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[test]
    fn every_setting_is_in_the_file() {
        let text = Settings::default().to_toml(None);
        let default = Settings::default();
        for fields in [default.data.fields(), default.train.fields(), default.run.fields()] {
            for key in fields.keys().filter(|key| *key != "replanned") {
                let found = text.lines().any(|line| {
                    line.starts_with(&format!("{key} = ")) || line == format!("# {key} is not set")
                });
                assert!(found, "{key} is not in\n{text}");
            }
        }
    }

    #[test]
    fn missing_settings_have_their_defaults() {
        let settings = parse("[train]\nhidden = 7\nlearning_rate = 1\n").unwrap().settings;
        let expected =
            TrainConfig { hidden: Some(7), learning_rate: 1.0, ..TrainConfig::default() };
        assert_eq!(settings, Settings { train: expected, ..Settings::default() });
        assert_eq!(parse("").unwrap(), SettingsFile::default());
    }

    #[test]
    fn each_mistake_has_its_message() {
        for (text, message) in [
            (
                "[train]\nlerning_rate = 1",
                "[train] lerning_rate is not known; did you mean learning_rate?",
            ),
            ("hidden = 5", "file.toml: hidden belongs into [train]"),
            ("[data]\nepochs = 5", "[data] epochs belongs into [train]"),
            (
                "[data]\ncheckpoint_evry = \"5m\"",
                "[data] checkpoint_evry is not known; did you mean checkpoint_every, which belongs \
                 into [run]?",
            ),
            ("[data]\nimage = 5", "[data] image is not known; did you mean image_shape?"),
            ("[run]\nthreads = 5", "[run] threads is not a setting of a run"),
            ("[run]\nno_report = true", "[run] no_report is not a setting of a run"),
            (
                "[trian]\nhidden = 5",
                "[trian] is not a section; the sections are [data], [train] and [run]; did you mean \
                 train?",
            ),
            ("train = 5", "`train` is 5, but must be a section [train]"),
            ("[train]\nhidden = \"5\"", "[train] hidden is \"5\", but must be a whole number"),
            ("[train]\nhidden = -5", "[train] hidden is -5, but must be at least 0"),
            ("[train]\nschedule = \"step\"", "schedule is step, but must be `constant`"),
            (
                "[run]\ncheckpoint_every = \"5\"",
                "interval is 5, but must be a number above 0 with its unit",
            ),
            ("[train]\nhidden = ", "file.toml: line 2: "),
            ("[train]\nhidden = 5\nhidden = 6", "duplicate key"),
            ("stream_version = \"a\"", "above the first section: invalid type"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with("file.toml: "), "{error}");
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
        }
    }

    #[test]
    fn only_settings_that_change_the_model_make_a_difference() {
        let one = Settings::default();
        let mut other = one.clone();
        other.run.evaluate_every = 3;
        other.data.data = Source::Shifter;
        assert_eq!(one.difference(&other), None);
        other.train.batch_size = 64;
        let expected = ("batch_size", "96", "64");
        let (key, here, there) = one.difference(&other).unwrap();
        assert_eq!((&key[..], &here[..], &there[..]), expected);
        other = one.clone();
        other.data.sha256 = Some("ab".to_string());
        assert_eq!(one.difference(&other).unwrap().0, "sha256");
    }
}
