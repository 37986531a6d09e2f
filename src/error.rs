//! Everything that can go wrong for a user, with one variant for each rule.

use std::fmt;
use std::path::{Path, PathBuf};

/// A result whose error is [`enum@Error`] by default.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A setting that would solve a problem, with a value if one is known. It is data, as the command
/// line, Python and settings files spell it differently (`--grey-levels N`, `grey_levels=N`,
/// `grey_levels = N`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The setting, by the name of its field.
    pub setting: &'static str,
    /// Its value or a placeholder such as N; `None` if any value will do.
    pub value: Option<&'static str>,
}

impl Remedy {
    /// A setting with any value.
    pub const fn of(setting: &'static str) -> Self {
        Self { setting, value: None }
    }

    /// A setting with a value.
    pub const fn with(setting: &'static str, value: &'static str) -> Self {
        Self { setting, value: Some(value) }
    }
}

/// A way to use missing values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingWay {
    /// The setting.
    pub setting: Remedy,
    /// What it does, after `which`.
    pub meaning: &'static str,
}

/// A setting as a key of a settings file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its section.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// Spelt as in a settings file.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{} = {value}", self.setting),
            None => f.write_str(self.setting),
        }
    }
}

/// What went wrong: the place, the value, the rule and, if known, the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What failed: "open", "read", "write", "create".
        action: &'static str,
        /// The error of the operating system.
        cause: std::io::Error,
    },

    /// A file breaks the rules of its format.
    Malformed {
        /// The file.
        path: PathBuf,
        /// The byte offset in the (unpacked) file.
        offset: u64,
        /// What the format requires there.
        expected: String,
        /// What is there.
        found: String,
    },

    /// A file is whole, but cannot be used here.
    Unsuitable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do about it.
        rule: String,
    },

    /// The file of another program does not say which of its arrays are what.
    UnknownArrays {
        /// The file.
        path: PathBuf,
        /// What is not known, and the arrays.
        rule: String,
        /// The settings that tell.
        remedies: &'static [Remedy],
    },

    /// A model or checkpoint has changed since it was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What shows the damage.
        rule: String,
    },

    /// The folder of a run is no longer where it was when the work on it began.
    Replaced {
        /// Where it was.
        path: PathBuf,
    },

    /// An example has an invalid value.
    BadValue {
        /// The data set.
        data: String,
        /// The index of the example, from 0.
        example: usize,
        /// The index of the visible unit, from 0.
        unit: usize,
        /// The value.
        value: f64,
        /// The rule.
        rule: String,
        /// The setting that would make the value valid.
        remedy: Option<Remedy>,
    },

    /// The weights of examples break a rule, or do not fit the examples.
    BadWeights {
        /// The name of the weights: of their file, or of an argument.
        weights: String,
        /// What is wrong, and what the rule is.
        rule: String,
    },

    /// Data do not have the columns, categories or letters that they must have.
    BadCategory {
        /// The data set.
        data: String,
        /// The place, what is wrong there, and the rule.
        rule: String,
        /// The setting that would make the data valid.
        remedy: Option<Remedy>,
    },

    /// Data have missing values, which cannot be used as they are.
    MissingValues {
        /// The data set.
        data: String,
        /// The place of the first, and what is there.
        first: String,
        /// How many values are missing.
        n: u64,
        /// What cannot use them, before a verb.
        user: &'static str,
        /// The settings by which it can.
        ways: &'static [MissingWay],
    },

    /// Two widths that must be equal differ.
    WidthMismatch {
        /// The name of the thing that does not fit.
        what: String,
        /// Its width.
        found: usize,
        /// What it must fit.
        other: &'static str,
        /// The width it must have.
        expected: usize,
    },

    /// A model is not in the folder of a run, so its data are unknown.
    NoData {
        /// The model.
        path: PathBuf,
    },

    /// The data of a run have moved or changed.
    Elsewhere {
        /// Their old path.
        path: PathBuf,
        /// What is there now.
        rule: String,
        /// The setting that gives their new path.
        remedy: Remedy,
    },

    /// A setting is out of its range.
    InvalidSetting {
        /// The setting, by the name of its field.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The rule.
        rule: String,
    },

    /// A setting has a value of another kind than it takes.
    WrongKind {
        /// The setting, by the name of its field.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The kind that it takes.
        kind: &'static str,
    },

    /// A setting has no effect under the other settings.
    NoEffect {
        /// The setting, by the name of its field.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The settings any one of which would give it an effect.
        needs: &'static [Remedy],
    },

    /// There is no setting of this name.
    UnknownSetting {
        /// The name.
        name: String,
        /// The setting that it may mean.
        meant: Option<&'static str>,
    },

    /// A settings file is not TOML, or has a value or a section that it cannot have.
    BadSettings {
        /// The file.
        path: PathBuf,
        /// The line or the section, and what is wrong there.
        rule: String,
    },

    /// A settings file has a key that is not a setting of its section.
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The section; `None` above the first.
        section: Option<&'static str>,
        /// The key.
        key: String,
        /// The setting that it may mean.
        meant: Option<Key>,
    },

    /// A saved state does not fit the trainer that is to resume from it.
    BadState {
        /// The array.
        array: String,
        /// What is wrong with it.
        rule: String,
    },

    /// Some work needs more memory than this process may have.
    OutOfMemory {
        /// The work, such as "training 784 x 500 units".
        what: String,
        /// The memory that it needs, such as "40.3 GB".
        needed: String,
        /// The limit, in words.
        rule: String,
        /// The settings to lower, if any would help.
        lower: Vec<Remedy>,
    },

    /// A part of the caller's own, such as a monitor, failed; made by [`Error::other`].
    Other {
        /// What failed.
        what: String,
        /// Why.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The caller's [`Watch`](crate::Watch) stopped the computation.
    Interrupted,

    /// The ranks of a run cannot go on together.
    Ranks {
        /// What happened.
        what: String,
    },

    /// The parameters left the range in which they can be trained.
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// Updates done since the start of the training.
        update: u64,
        /// What is too large, followed by a verb.
        what: &'static str,
        /// Its size, NaN if it is not finite.
        found: f64,
        /// The bound.
        limit: f64,
    },
}

impl Error {
    /// The error of a part of the caller's own: what failed, and why.
    ///
    /// ```
    /// use harmonium::Error;
    /// let cause = "12,5".parse::<f64>().unwrap_err();
    /// let error = Error::other("the file of targets", cause);
    /// assert_eq!(error.to_string(), "the file of targets: invalid float literal");
    /// assert!(matches!(error, Error::Other { cause, .. } if cause.is::<std::num::ParseFloatError>()));
    /// ```
    pub fn other(
        what: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Other { what: what.into(), cause: cause.into() }
    }

    /// What becomes of the cause for which a file or folder cannot be read.
    pub(crate) fn reading(path: &Path) -> impl Fn(std::io::Error) -> Self + Copy {
        move |cause| Self::Io { path: path.into(), action: "read", cause }
    }

    /// The message, with each remedy written by `spell`.
    pub fn message(&self, spell: &dyn Fn(Remedy) -> String) -> String {
        match self {
            Self::Io { path, action, cause } => {
                format!("{}: cannot {action}: {cause}", path.display())
            }
            Self::Malformed { path, offset, expected, found } => {
                format!("{}: byte {offset}: expected {expected}, found {found}", path.display())
            }
            Self::Unsuitable { path, rule }
            | Self::Damaged { path, rule }
            | Self::BadSettings { path, rule } => format!("{}: {rule}", path.display()),
            Self::UnknownArrays { path, rule, remedies } => {
                let remedies: Vec<_> = remedies.iter().map(|remedy| spell(*remedy)).collect();
                format!("{}: {rule}; give {}", path.display(), remedies.join(", "))
            }
            Self::BadWeights { weights, rule } => format!("{weights}: {rule}"),
            Self::Replaced { path } => format!(
                "{}: was moved, removed or replaced while this process worked on the run in it, so nothing more \
                 is written there; continue the run with `harmonium resume` in its new place",
                path.display()
            ),
            Self::BadValue { data, example, unit, value, rule, remedy } => {
                let remedy =
                    remedy.map_or(String::new(), |remedy| format!(" by {}", spell(remedy)));
                format!(
                    "{data}: example {example}, unit {unit} is {value}, but must be {rule}{remedy}"
                )
            }
            Self::BadCategory { data, rule, remedy } => {
                let remedy =
                    remedy.map_or(String::new(), |remedy| format!(" by {}", spell(remedy)));
                format!("{data}: {rule}{remedy}")
            }
            Self::MissingValues { data, first, n, user, ways } => {
                let others = match n - 1 {
                    0 => String::new(),
                    1 => " (1 other value is missing)".into(),
                    n => format!(" ({n} other values are missing)"),
                };
                let ways: Vec<_> = ways
                    .iter()
                    .map(|way| format!("{}, which {}", spell(way.setting), way.meaning))
                    .collect();
                let ways = match ways[..] {
                    [] => String::new(),
                    _ => format!("use {}; or ", ways.join(", or ")),
                };
                format!(
                    "{data}: {first}{others}, but {user} needs all values; {ways}remove examples with missing \
                     values, or fill them"
                )
            }
            Self::WidthMismatch { what, found, other, expected } => {
                format!("{what} has {found} visible units an example, but {other} has {expected}")
            }
            Self::NoData { path } => format!(
                "{}: is not in the folder of a run, so its data are unknown; give some with {}",
                path.display(),
                spell(Remedy::of("data"))
            ),
            Self::Elsewhere { path, rule, remedy } => {
                format!(
                    "{}: {rule}; give the path of that file with {}",
                    path.display(),
                    spell(*remedy)
                )
            }
            Self::InvalidSetting { .. } | Self::WrongKind { .. } | Self::NoEffect { .. } => {
                let Broken { setting, value, rule } = self.broken(spell).expect("of a setting");
                format!("{setting} is {value}, but must be {rule}")
            }
            Self::UnknownSetting { name, meant } => match meant {
                Some(meant) => format!("{name} is not known; did you mean {meant}?"),
                None => format!("{name} is not a setting"),
            },
            Self::UnknownKey { path, section, key, meant } => {
                let place = section.map_or(String::new(), |section| format!("[{section}] "));
                let rule = match meant {
                    None => "is not a setting of a run".to_string(),
                    Some(Key { section: other, name }) if name == key => {
                        format!("belongs into [{other}]")
                    }
                    Some(Key { section: other, name }) if Some(*other) == *section => {
                        format!("is not known; did you mean {name}?")
                    }
                    Some(Key { section: other, name }) => {
                        format!("is not known; did you mean {name}, which belongs into [{other}]?")
                    }
                };
                format!("{}: {place}{key} {rule}", path.display())
            }
            Self::BadState { array, rule } => {
                format!("array `{array}` of the saved state {rule}")
            }
            Self::OutOfMemory { what, needed, rule, lower } => {
                let lower: Vec<_> = lower.iter().map(|remedy| spell(*remedy)).collect();
                let lower = match lower[..] {
                    [] => String::new(),
                    _ => format!("; lower {}", lower.join(" or ")),
                };
                format!("{what} needs {needed} of memory, but {rule}{lower}")
            }
            Self::Other { what, cause } => format!("{what}: {cause}"),
            Self::Interrupted => "interrupted".to_string(),
            Self::Ranks { what } => what.clone(),
            Self::Diverged { epoch, update, what, found, limit } => format!(
                "diverged in epoch {epoch}, at update {update}: {what} {found:.4e}, but must stay \
                 below {limit}; try a smaller {}",
                spell(Remedy::of("learning_rate"))
            ),
        }
    }

    /// Whether the fault lies in the command, the call or the settings file, and not in data, files or
    /// the course of the training. The program then ends with the exit code 2, else with 1.
    pub fn is_misuse(&self) -> bool {
        match self {
            Self::InvalidSetting { .. }
            | Self::WrongKind { .. }
            | Self::NoEffect { .. }
            | Self::UnknownSetting { .. }
            | Self::BadSettings { .. }
            | Self::UnknownKey { .. }
            | Self::NoData { .. } => true,
            Self::Io { .. }
            | Self::Malformed { .. }
            | Self::Unsuitable { .. }
            | Self::UnknownArrays { .. }
            | Self::Damaged { .. }
            | Self::BadValue { .. }
            | Self::BadWeights { .. }
            | Self::BadCategory { .. }
            | Self::MissingValues { .. }
            | Self::WidthMismatch { .. }
            | Self::Elsewhere { .. }
            | Self::BadState { .. }
            | Self::Replaced { .. }
            | Self::OutOfMemory { .. }
            | Self::Other { .. }
            | Self::Interrupted
            | Self::Ranks { .. }
            | Self::Diverged { .. } => false,
        }
    }

    /// The same error, with this name of the data, if it is about categories.
    pub(crate) fn in_data(self, name: &str) -> Self {
        match self {
            Self::BadCategory { rule, remedy, .. } => {
                Self::BadCategory { data: name.to_string(), rule, remedy }
            }
            other => other,
        }
    }

    /// The setting, its value and the rule that it breaks, if the error is about a setting.
    pub fn broken(&self, spell: &dyn Fn(Remedy) -> String) -> Option<Broken<'_>> {
        let (setting, value, rule) = match self {
            Self::InvalidSetting { setting, value, rule } => (setting, value, rule.clone()),
            Self::WrongKind { setting, value, kind } => (setting, value, kind.to_string()),
            Self::NoEffect { setting, value, needs } => {
                let needs: Vec<_> = needs.iter().map(|remedy| spell(*remedy)).collect();
                (setting, value, format!("left out without {}", needs.join(" or ")))
            }
            _ => return None,
        };
        Some(Broken { setting, value, rule })
    }
}

/// A setting that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken<'a> {
    /// The setting, by the name of its field.
    pub setting: &'static str,
    /// Its value.
    pub value: &'a str,
    /// The rule.
    pub rule: String,
}

/// The message, with remedies spelt as in a settings file.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(&|remedy| remedy.to_string()))
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_spelt_as_the_caller_asks() {
        const NEEDS: &[Remedy] = &[Remedy::with("algorithm", "pt"), Remedy::of("centering")];
        let value = "0.3".to_string();
        let error = Error::NoEffect { setting: "swap_rate", value, needs: NEEDS };
        let start = "swap_rate is 0.3, but must be left out without";
        assert_eq!(error.to_string(), format!("{start} algorithm = pt or centering"));
        let shout = |remedy: Remedy| remedy.setting.to_uppercase();
        assert_eq!(error.message(&shout), format!("{start} ALGORITHM or CENTERING"));
        let Broken { setting, value, rule } = error.broken(&shout).unwrap();
        assert_eq!((setting, value, &rule[..20]), ("swap_rate", "0.3", "left out without ALG"));
        let io = Error::NoData { path: "a".into() };
        assert!(io.broken(&shout).is_none() && io.message(&shout).ends_with("give some with DATA"));
    }
}
