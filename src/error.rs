//! Everything that can go wrong for a user, one variant a rule.

use std::fmt;
use std::path::PathBuf;

/// A result whose error is, unless said otherwise, [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A setting that would help, and the value that it is to have, if that is known: data, as each door
/// spells settings in its own way (`--grey-levels N`, `grey_levels=N`, `grey_levels = N`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The setting, by the name of its field.
    pub setting: &'static str,
    /// Its value, or a word for one, such as N; none: whatever it takes.
    pub value: Option<&'static str>,
}

impl Remedy {
    /// A setting, whatever its value.
    pub const fn of(setting: &'static str) -> Self {
        Self { setting, value: None }
    }

    /// A setting with a value.
    pub const fn with(setting: &'static str, value: &'static str) -> Self {
        Self { setting, value: Some(value) }
    }
}

/// As in a settings file.
impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value {
            Some(value) => write!(f, "{} = {value}", self.setting),
            None => f.write_str(self.setting),
        }
    }
}

/// What went wrong: the place, the value, the rule and, where there is one, the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "open", "read", "write", "create".
        action: &'static str,
        /// What the operating system answered.
        cause: std::io::Error,
    },

    /// A file is not what its format says.
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in the (unpacked) file.
        offset: u64,
        /// What the format asks for there.
        expected: String,
        /// What stands there.
        found: String,
    },

    /// A file is whole, but its contents are of no use here.
    Unsuitable {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do about it.
        rule: String,
    },

    /// A checkpoint is not as it was written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// How that was found out.
        rule: String,
    },

    /// An example holds a value that is no intensity.
    BadValue {
        /// The data set.
        data: String,
        /// Which example, from 0.
        example: usize,
        /// Which visible unit, from 0.
        unit: usize,
        /// The value found.
        value: f64,
        /// The rule.
        rule: String,
        /// What may say that the value is right, after all.
        remedy: Option<Remedy>,
    },

    /// Two things that must have the same width have not.
    WidthMismatch {
        /// The newcomer.
        what: String,
        /// Its width.
        found: usize,
        /// What it has to fit.
        other: &'static str,
        /// The width it must have.
        expected: usize,
    },

    /// A model lies in the folder of no run whose data could be taken.
    NoData {
        /// The model.
        path: PathBuf,
    },

    /// The data of a run are not where they were, or another file is there.
    Elsewhere {
        /// Where they were.
        path: PathBuf,
        /// What was found there.
        rule: String,
        /// What says where they are now.
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

    /// A setting was given that has no effect under the others.
    NoEffect {
        /// The setting, by the name of its field.
        setting: &'static str,
        /// Its value.
        value: String,
        /// Any of these gives it an effect.
        needs: &'static [Remedy],
    },

    /// There is no setting of this name.
    UnknownSetting {
        /// The name.
        name: String,
        /// The most similar name that there is.
        nearest: &'static str,
    },

    /// A saved state does not fit the trainer that it is to go on in.
    BadState {
        /// The array.
        array: String,
        /// What is wrong with it.
        rule: String,
    },

    /// The parameters left the range in which they can be trained.
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// Updates done since the start of the training.
        update: u64,
        /// What is too large, with its verb.
        what: &'static str,
        /// How large it is; NaN if not finite.
        found: f64,
        /// The bound.
        limit: f64,
    },
}

impl Error {
    /// The message, with remedies as `spell` spells them.
    pub fn told(&self, spell: &dyn Fn(Remedy) -> String) -> String {
        match self {
            Self::Io { path, action, cause } => {
                format!("{}: cannot {action}: {cause}", path.display())
            }
            Self::Malformed { path, offset, expected, found } => {
                format!("{}: byte {offset}: expected {expected}, found {found}", path.display())
            }
            Self::Unsuitable { path, rule } | Self::Damaged { path, rule } => {
                format!("{}: {rule}", path.display())
            }
            Self::BadValue { data, example, unit, value, rule, remedy } => {
                let remedy =
                    remedy.map_or(String::new(), |remedy| format!(" by {}", spell(remedy)));
                format!(
                    "{data}: example {example}, unit {unit} is {value}, but must be {rule}{remedy}"
                )
            }
            Self::WidthMismatch { what, found, other, expected } => {
                format!("{what} has {found} visible units an example, but {other} has {expected}")
            }
            Self::NoData { path } => format!(
                "{}: lies in no run's folder, so its data are not known; give some by {}",
                path.display(),
                spell(Remedy::of("data"))
            ),
            Self::Elsewhere { path, rule, remedy } => {
                format!("{}: {rule}; say where that file is by {}", path.display(), spell(*remedy))
            }
            Self::InvalidSetting { .. } | Self::WrongKind { .. } | Self::NoEffect { .. } => {
                let Broken { setting, value, rule } = self.broken(spell).expect("of a setting");
                format!("{setting} is {value}, but must be {rule}")
            }
            Self::UnknownSetting { name, nearest } => {
                format!("{name} is not known; the nearest known setting is {nearest}")
            }
            Self::BadState { array, rule } => {
                format!("the state to go on from, array `{array}`, {rule}")
            }
            Self::Diverged { epoch, update, what, found, limit } => format!(
                "diverged in epoch {epoch}, at update {update}: {what} {found:.4e}, but must stay \
                 below {limit}; try a smaller {}",
                spell(Remedy::of("learning_rate"))
            ),
        }
    }

    /// The setting, its value and the rule that it breaks, if that is what went wrong.
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

/// With remedies as in a settings file.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(&|remedy| remedy.to_string()))
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_spelt_as_its_door_spells_settings() {
        const NEEDS: &[Remedy] = &[Remedy::with("algorithm", "pt"), Remedy::of("centering")];
        let value = "0.3".to_string();
        let error = Error::NoEffect { setting: "swap_rate", value, needs: NEEDS };
        let start = "swap_rate is 0.3, but must be left out without";
        assert_eq!(error.to_string(), format!("{start} algorithm = pt or centering"));
        let shout = |remedy: Remedy| remedy.setting.to_uppercase();
        assert_eq!(error.told(&shout), format!("{start} ALGORITHM or CENTERING"));
        let Broken { setting, value, rule } = error.broken(&shout).unwrap();
        assert_eq!((setting, value, &rule[..20]), ("swap_rate", "0.3", "left out without ALG"));
        let io = Error::NoData { path: "a".into() };
        assert!(io.broken(&shout).is_none() && io.told(&shout).ends_with("give some by DATA"));
    }
}
