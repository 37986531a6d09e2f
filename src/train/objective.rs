//! What training maximises on data with labels.

use crate::error::{Error, Result};
use crate::setting::{by_text, did_you_mean, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What training maximises, per example (Larochelle, Mandel, Pascanu and Bengio, 2012, Learning algorithms
/// for the classification restricted Boltzmann machine, equations 3, 5 and 9). As text: `generative`,
/// `discriminative` or `hybrid:ALPHA`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Objective {
    /// ln p(v), on data with labels ln p(v, y).
    Generative,
    /// ln p(y | v), whose gradient has a closed form: there are no chains.
    Discriminative,
    /// ln p(y | v) + α ln p(v, y).
    Hybrid(f64),
}

impl Objective {
    /// How much ln p(v, y) and ln p(y | v) count.
    pub fn parts(self) -> Parts {
        match self {
            Self::Generative => Parts { generative: 1.0, discriminative: 0.0 },
            Self::Discriminative => Parts { generative: 0.0, discriminative: 1.0 },
            Self::Hybrid(alpha) => Parts { generative: alpha, discriminative: 1.0 },
        }
    }

    /// Whether chains sample the model for a negative phase.
    pub fn needs_chains(self) -> bool {
        self != Self::Discriminative
    }
}

/// How much the two parts of an [`Objective`] count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parts {
    /// Of ln p(v, y).
    pub generative: f64,
    /// Of ln p(y | v).
    pub discriminative: f64,
}

impl FromStr for Objective {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "generative" => Ok(Self::Generative),
            "discriminative" => Ok(Self::Discriminative),
            _ => {
                let alpha = text.strip_prefix("hybrid:").and_then(|number| number.parse().ok());
                let alpha = alpha.filter(|alpha: &f64| *alpha > 0.0 && *alpha <= 1e6);
                alpha.map(Self::Hybrid).ok_or_else(|| {
                    let rule = "`generative`, `discriminative` or `hybrid:ALPHA`, with ALPHA above 0 and at most 1e6";
                    let meant =
                        did_you_mean(text, ["generative", "discriminative", "hybrid:ALPHA"]);
                    invalid("objective", text, format!("{rule}{meant}"))
                })
            }
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Generative => f.write_str("generative"),
            Self::Discriminative => f.write_str("discriminative"),
            Self::Hybrid(alpha) => write!(f, "hybrid:{alpha}"),
        }
    }
}

by_text!(Objective);
