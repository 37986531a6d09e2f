//! The setting for the average of the parameters that a run ends with.

use crate::error::{Error, Result};
use crate::setting::{by_text, did_you_mean, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The average that a run ends with. As text: `none`, `exponential:EPOCHS` or `tail:SHARE`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Averaging {
    /// No average: the last parameters.
    None,
    /// Weights that fall e-fold over this number of epochs, above 0; usual: 2 to 20.
    Exponential(f64),
    /// Equal weights over this last share of the run, above 0 and at most 1; usual: 0.1 to 0.5.
    Tail(f64),
}

impl FromStr for Averaging {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |prefix: &str| text.strip_prefix(prefix)?.parse().ok();
        let averaging = match text {
            "none" => Some(Self::None),
            _ => number("exponential:")
                .map(Self::Exponential)
                .or_else(|| number("tail:").map(Self::Tail)),
        };
        let averaging = averaging.filter(|averaging| match *averaging {
            Self::None => true,
            Self::Exponential(epochs) => epochs > 0.0 && epochs <= 1e9,
            Self::Tail(share) => share > 0.0 && share <= 1.0,
        });
        averaging.ok_or_else(|| {
            let rule = "`none`, `exponential:EPOCHS` with a number above 0, or `tail:SHARE` with a \
                        share above 0 and at most 1";
            let meant = did_you_mean(text, ["none", "exponential:EPOCHS", "tail:SHARE"]);
            invalid("averaging", text, format!("{rule}{meant}"))
        })
    }
}

impl fmt::Display for Averaging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Exponential(epochs) => write!(f, "exponential:{epochs}"),
            Self::Tail(share) => write!(f, "tail:{share}"),
        }
    }
}

by_text!(Averaging);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_and_other_text_is_refused() {
        for text in ["none", "exponential:5", "exponential:0.5", "tail:0.25", "tail:1"] {
            let averaging: Averaging = text.parse().unwrap();
            assert_eq!(averaging.to_string(), text);
            assert_eq!(serde_json::to_value(averaging).unwrap(), text);
            assert_eq!(serde_json::from_value::<Averaging>(text.into()).unwrap(), averaging);
        }
        for text in ["tail:0", "tail:1.1", "exponential:-1", "exponential:NaN", "tail:", "mean"] {
            let error = text.parse::<Averaging>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("averaging is {text}, but must be `none`")),
                "{error}"
            );
        }
    }
}
