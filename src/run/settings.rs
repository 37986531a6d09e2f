//! All settings of a run, and their file: `config.toml`.
//!
//! ```toml
//! [data]                 # DataConfig: what the run starts from
//! data = "mnist"
//!
//! [train]                # TrainConfig: what decides the bits
//! hidden = 256
//! learning_rate = 0.05
//!
//! [run]                  # RunConfig: what is done besides
//! checkpoint_every = "1m"
//! ```
//!
//! A setting that is left out has its default. The file that a run writes has all of them.

use super::config::{DataConfig, RunConfig};
use crate::error::{Error, Result};
use crate::rng::STREAM_VERSION;
use crate::setting::fields;
use crate::train::{Algorithm, TrainConfig};
use crate::whole_file;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;

/// All settings of a run: with equal ones of `data` and `train`, its parameters are equal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// What it starts from.
    pub data: DataConfig,
    /// What decides the bits.
    pub train: TrainConfig,
    /// What is done besides.
    pub run: RunConfig,
}

/// The settings and what their file says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsFile {
    /// The settings.
    pub settings: Settings,
    /// The contract between seeds and numbers of the run that wrote the file; none if it is written
    /// by hand.
    pub stream_version: Option<u32>,
    /// The command that made the run.
    pub command: Option<String>,
}

/// The file as it is written.
#[derive(Serialize)]
struct File<'a> {
    harmonium: &'a str,
    stream_version: u32,
    command: Option<&'a str>,
    #[serde(flatten)]
    settings: &'a Settings,
}

/// The keys above the first section, as they are read.
#[derive(Deserialize)]
struct Header {
    stream_version: Option<u32>,
    command: Option<String>,
}

/// Names that belong to a command, not to a run.
const OF_COMMANDS: [&str; 8] =
    ["threads", "out", "quiet", "log_format", "stop_after", "time_budget", "preset", "config"];

impl Settings {
    /// The settings as a file, with what is not set as a comment.
    pub fn to_toml(&self, command: Option<&str>) -> String {
        let file = File {
            harmonium: env!("CARGO_PKG_VERSION"),
            stream_version: STREAM_VERSION,
            command,
            settings: self,
        };
        let mut text = toml::to_string(&file).expect("settings that a settings file holds");
        for (name, fields) in [
            ("data", fields(&self.data)),
            ("train", fields(&self.train)),
            ("run", fields(&self.run)),
        ] {
            let unset = fields.iter().filter(|(_, value)| value.is_null());
            let unset: String = unset.map(|(key, _)| format!("# {key} is not set\n")).collect();
            let section = format!("\n[{name}]\n");
            text = text.replacen(&section, &(section.clone() + &unset), 1);
        }
        format!(
            "# The settings of a run. `harmonium train --config` with this file trains it again, to \
             the bit.\n{text}"
        )
    }

    /// The first setting of what decides bits, or which parameters are kept, in which these differ
    /// from others: (its name, its value here, its value there). Paths may differ: their files have
    /// fingerprints.
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let keep = |settings: &Self| {
            Map::from_iter([("keep".to_string(), settings.run.keep.to_string().into())])
        };
        let sections = [
            (fields(&self.train), fields(&other.train)),
            (fields(&self.data), fields(&other.data)),
            (keep(self), keep(other)),
        ];
        sections.into_iter().find_map(|(here, there)| {
            here.into_iter().find_map(|(key, value)| {
                let other = &there[&key];
                let is_path = matches!(&key[..], "data" | "test_data" | "init");
                let differs = *other != value && !is_path;
                differs.then(|| (key, value.to_string(), other.to_string()))
            })
        })
    }
}

impl SettingsFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`], or as [`parse`](Self::parse).
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| Error::Io {
            path: path.into(),
            action: "read",
            cause,
        })?;
        Self::parse(path, &text)
    }

    /// Reads the text of a file, which messages call `path`.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for text that is no TOML, a key that is not known, with the nearest that
    /// is, or a value of the wrong kind.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        let wrong = |rule: String| Error::Unsuitable { path: path.into(), rule };
        let table: toml::Table =
            toml::from_str(text).map_err(|cause| wrong(syntax(text, &cause)))?;
        let Ok(Value::Object(mut keys)) = serde_json::to_value(table) else {
            unreachable!("a table is an object")
        };
        let mut section = |name: &str| match keys.remove(name) {
            None => Ok(Map::new()),
            Some(Value::Object(section)) => Ok(section),
            Some(other) => {
                Err(wrong(format!("`{name}` is {other}, but must be a section [{name}]")))
            }
        };
        let mut settings = Settings {
            data: read_section("data", section("data")?).map_err(wrong)?,
            train: read_section("train", section("train")?).map_err(wrong)?,
            run: read_section("run", section("run")?).map_err(wrong)?,
        };
        if let Some((name, _)) = keys.iter().find(|(_, value)| value.is_object()) {
            let rule = format!("[{name}] is no section; there are [data], [train] and [run]");
            return Err(wrong(rule));
        }
        if let Some(key) =
            keys.keys().find(|key| !["harmonium", "stream_version", "command"].contains(&&key[..]))
        {
            return Err(wrong(unknown(None, key)));
        }
        let header: Header = serde_json::from_value(keys.into())
            .map_err(|cause| wrong(format!("above the first section: {cause}")))?;
        let Header { stream_version, command, .. } = header;
        let train = &mut settings.train;
        if stream_version.is_some() && train.algorithm != Algorithm::Cd && train.chains.is_none() {
            // Runs record how many chains they have. Those of before did not where there were as many
            // as examples in a mini-batch, the default then.
            train.chains = Some(train.batch_size);
        }
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

/// A section with some of its keys; each is read alone first, so that a message can name it.
fn read_section<T>(name: &str, section: Map<String, Value>) -> Result<T, String>
where
    T: Serialize + DeserializeOwned + Default,
{
    let known = fields(&T::default());
    for (key, value) in &section {
        if !known.contains_key(key) {
            return Err(unknown(Some(name), key));
        }
        let alone = Map::from_iter([(key.clone(), value.clone())]);
        serde_json::from_value::<T>(alone.into())
            .map_err(|cause| format!("[{name}] {key} = {value}: {cause}"))?;
    }
    serde_json::from_value(section.into()).map_err(|cause| format!("[{name}]: {cause}"))
}

/// A mistake in the text itself, in one line.
fn syntax(text: &str, cause: &toml::de::Error) -> String {
    let start = cause.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
    format!("line {line}: {}", cause.message().replace('\n', "; "))
}

/// What to say of a key that is not known where it stands.
fn unknown(section: Option<&str>, key: &str) -> String {
    let place = section.map_or(String::new(), |name| format!("[{name}] "));
    if OF_COMMANDS.contains(&key) {
        let flag = key.replace('_', "-");
        return format!("{place}{key} is no setting of a run; give it as a flag, --{flag}");
    }
    let default = Settings::default();
    let sections = [
        ("data", fields(&default.data)),
        ("train", fields(&default.train)),
        ("run", fields(&default.run)),
    ];
    let all = sections.iter().flat_map(|(name, fields)| fields.keys().map(move |key| (name, key)));
    let (name, nearest) = all
        .max_by(|(_, a), (_, b)| {
            let likeness = |other: &str| strsim::normalized_damerau_levenshtein(key, other);
            likeness(a).total_cmp(&likeness(b))
        })
        .expect("there are settings");
    match section {
        Some(section) if section == *name => {
            format!("{place}{key} is not known; the nearest known key is {nearest}")
        }
        _ => format!(
            "{place}{key} is not known here; the nearest known key is {nearest} of [{name}]"
        ),
    }
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
    fn all_settings_read_back_as_they_were_written() {
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

    /// The default was as many as a mini-batch has examples, and was not written.
    #[test]
    fn runs_of_before_have_as_many_chains_as_they_had() {
        let chains = |text: &str| parse(text).unwrap().settings.train.chains;
        let of_a_run = "stream_version = 1\n[train]\nbatch_size = 20\n";
        assert_eq!(chains(of_a_run), Some(20));
        assert_eq!(chains(&format!("{of_a_run}chains = 7")), Some(7));
        assert_eq!(chains(&format!("{of_a_run}algorithm = \"cd\"")), None);
        assert_eq!(chains("[train]\nbatch_size = 20\n"), None);
    }

    #[test]
    fn every_setting_stands_in_the_file() {
        let text = Settings::default().to_toml(None);
        let default = Settings::default();
        for fields in [fields(&default.data), fields(&default.train), fields(&default.run)] {
            for key in fields.keys().filter(|key| *key != "replanned") {
                let found = text.lines().any(|line| {
                    line.starts_with(&format!("{key} = ")) || line == format!("# {key} is not set")
                });
                assert!(found, "{key} is not in\n{text}");
            }
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let settings = parse("[train]\nhidden = 7\nlearning_rate = 1\n").unwrap().settings;
        let expected =
            TrainConfig { hidden: Some(7), learning_rate: 1.0, ..TrainConfig::default() };
        assert_eq!(settings, Settings { train: expected, ..Settings::default() });
        assert_eq!(parse("").unwrap(), SettingsFile::default());
    }

    #[test]
    fn each_mistake_is_named() {
        for (text, message) in [
            (
                "[train]\nlerning_rate = 1",
                "[train] lerning_rate is not known; the nearest known key is learning_rate",
            ),
            ("hidden = 5", "hidden is not known here; the nearest known key is hidden of [train]"),
            (
                "[data]\ncheckpoint_evry = \"5m\"",
                "[data] checkpoint_evry is not known here; the nearest known key is \
                 checkpoint_every of [run]",
            ),
            (
                "[run]\nthreads = 5",
                "[run] threads is no setting of a run; give it as a flag, --threads",
            ),
            ("[trian]\nhidden = 5", "[trian] is no section; there are [data], [train] and [run]"),
            ("train = 5", "`train` is 5, but must be a section [train]"),
            ("[train]\nhidden = \"5\"", "[train] hidden = \"5\": invalid type: string"),
            ("[train]\nhidden = -5", "[train] hidden = -5: invalid value"),
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
    fn only_what_decides_bits_makes_a_difference() {
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
