//! How intensities become bits.

use crate::error::{Error, Result};
use crate::setting::{by_text, did_you_mean, invalid};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;

/// How an intensity from 0 to 1 becomes a bit. As text: `stochastic`, `threshold:0.5` or `none`.
///
/// ```
/// use harmonium::dataset::Binarization;
/// assert_eq!("threshold:0.5".parse::<Binarization>()?, Binarization::Threshold(0.5));
/// assert_eq!(Binarization::Stochastic.to_string(), "stochastic");
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Binarization {
    /// The bit is on if the intensity is above a threshold, at least 0 and below 1; usual: 0.5.
    Threshold(f64),
    /// The bit is on with a probability equal to the intensity, drawn anew at each visit.
    Stochastic,
    /// No bits: the positive phase uses the intensity itself as vᵢ, as if it were the mean of many bits.
    /// Chains, and scores that need bits, draw them stochastically.
    None,
}

impl Binarization {
    /// The binarization in the training settings of a model; stochastic if they have none.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if their text is not a binarization.
    pub fn recorded(settings: &Map<String, Value>) -> Result<Self> {
        let text = settings.get("binarize").and_then(Value::as_str);
        text.map_or(Ok(Self::Stochastic), str::parse)
    }

    /// A way that makes bits: this one, or stochastic bits in place of intensities as they are.
    pub fn of_bits(self) -> Self {
        if self == Self::None { Self::Stochastic } else { self }
    }
}

fn unknown_binarization(text: &str) -> Error {
    let meant = did_you_mean(text, ["stochastic", "none", "threshold:T"]);
    let rule = "stochastic, none or threshold:T, with T at least 0 and below 1";
    invalid("binarize", text, format!("{rule}{meant}"))
}

impl fmt::Display for Binarization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Threshold(threshold) => write!(f, "threshold:{threshold}"),
            Self::Stochastic => f.write_str("stochastic"),
            Self::None => f.write_str("none"),
        }
    }
}

impl FromStr for Binarization {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "stochastic" => return Ok(Self::Stochastic),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let threshold = text.strip_prefix("threshold:").and_then(|number| number.parse().ok());
        let threshold = threshold.filter(|threshold| (0.0..1.0).contains(threshold));
        threshold.map(Self::Threshold).ok_or_else(|| unknown_binarization(text))
    }
}

by_text!(Binarization);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        for text in ["stochastic", "none", "threshold:0.5", "threshold:0", "threshold:0.1"] {
            let binarization: Binarization = text.parse().unwrap();
            assert_eq!(binarization.to_string(), text);
            let json = serde_json::to_string(&binarization).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Binarization>(&json).unwrap(), binarization);
        }
    }

    #[test]
    fn other_text_is_an_error() {
        for text in ["threshold:1", "threshold:-0.1", "threshold:NaN", "threshold:", "Stochastic"] {
            let message = format!(
                "binarize is {text}, but must be stochastic, none or threshold:T, with T at least \
                 0 and below 1"
            );
            let found = text.parse::<Binarization>().unwrap_err().to_string();
            let meant = if text == "Stochastic" { "; did you mean stochastic?" } else { "" };
            assert_eq!(found, message + meant);
            let error = serde_json::from_str::<Binarization>(&format!("\"{text}\"")).unwrap_err();
            assert_eq!(error.to_string(), found);
        }
    }
}
