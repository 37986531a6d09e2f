//! Values as text, spelt the same on the command line, in files and in messages.

use crate::error::{Error, Result};

/// The error for a setting whose value breaks a rule.
pub fn invalid(setting: &'static str, value: impl ToString, rule: impl Into<String>) -> Error {
    Error::InvalidSetting { setting, value: value.to_string(), rule: rule.into() }
}

/// Checks a rule of a setting.
///
/// # Errors
/// [`Error::InvalidSetting`] unless it `is_valid`.
pub fn check(
    setting: &'static str,
    value: impl ToString,
    is_valid: bool,
    rule: impl FnOnce() -> String,
) -> Result<()> {
    if is_valid { Ok(()) } else { Err(invalid(setting, value, rule())) }
}

/// Whether a number is one of 1, 2, 4, 5, 8, 11, 16, 22, 32, …: the powers of √2, rounded down. Snapshots
/// and checkpoints that cover a whole run are taken at these epochs and updates.
pub fn is_on_series(n: u64) -> bool {
    let square = |n: u64| u128::from(n) * u128::from(n);
    n > 0 && square(n).next_power_of_two() < square(n + 1)
}

/// Lets serde read and write a type as the text of its `Display` and `FromStr`: the type says
/// `#[serde(into = "String", try_from = "String")]`.
macro_rules! by_text {
    ($type:ty) => {
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = $crate::error::Error;

            fn try_from(text: String) -> $crate::error::Result<Self> {
                text.parse()
            }
        }

        impl $crate::setting::Value for $type {
            const KIND: $crate::setting::Kind = $crate::setting::Kind::Text;

            fn parse(_: &'static str, text: &str) -> $crate::error::Result<Self> {
                text.parse()
            }

            /// A value that is built in Rust may be out of range: its text then does not parse.
            fn check(
                &self,
                _: &'static str,
                _: &$crate::setting::Range,
            ) -> $crate::error::Result<()> {
                self.to_string().parse::<Self>().map(drop)
            }
        }
    };
}

/// Names the variants of an enum for `Display`, `FromStr` and serde.
macro_rules! by_name {
    ($type:ty, $setting:literal, { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant => $name),+ })
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::error::Error;

            fn from_str(text: &str) -> $crate::error::Result<Self> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => {
                        let names = [$(concat!("`", $name, "`")),+];
                        let (last, others) = names.split_last().expect("variants");
                        let meant = $crate::setting::did_you_mean(text, [$($name),+]);
                        let rule = format!("{} or {last}{meant}", others.join(", "));
                        Err($crate::setting::invalid($setting, text, rule))
                    }
                }
            }
        }

        $crate::setting::by_text!($type);
    };
}

pub(crate) use {by_name, by_text};

#[cfg(test)]
mod tests {
    use super::is_on_series;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(into = "String", try_from = "String")]
    enum Colour {
        Red,
        DarkBlue,
    }

    by_name!(Colour, "colour", { Red = "red", DarkBlue = "dark-blue" });

    #[test]
    fn the_series_holds_the_powers_of_the_root_of_two() {
        let found: Vec<u64> = (0..100).filter(|&n| is_on_series(n)).collect();
        assert_eq!(found, [1, 2, 4, 5, 8, 11, 16, 22, 32, 45, 64, 90]);
    }

    #[test]
    fn names_read_back_and_others_are_refused() {
        for (colour, name) in [(Colour::Red, "red"), (Colour::DarkBlue, "dark-blue")] {
            assert_eq!(name.parse::<Colour>().unwrap(), colour);
            assert_eq!(serde_json::to_value(&colour).unwrap(), name);
            assert_eq!(serde_json::from_value::<Colour>(name.into()).unwrap(), colour);
        }
        let error = "blue".parse::<Colour>().unwrap_err().to_string();
        assert_eq!(
            error,
            "colour is blue, but must be `red` or `dark-blue`; did you mean dark-blue?"
        );
    }
}
