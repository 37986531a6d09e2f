//! The learning rate, update by update.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// How the learning rate goes on from its first value ε.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// ε throughout.
    Constant,
    /// ε·(1 − u/U) in update u (from 0) of U: down to almost 0 in the last.
    Linear,
}

impl Schedule {
    /// The rate of update `update` (from 0) of `total`, for a first rate of `first`.
    pub fn rate(self, first: f64, update: u64, total: u64) -> f64 {
        match self {
            Self::Constant => first,
            Self::Linear => first * (1.0 - update as f64 / total as f64),
        }
    }
}

impl std::str::FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "constant" => Ok(Self::Constant),
            "linear" => Ok(Self::Linear),
            _ => Err(Error::InvalidSetting {
                setting: "schedule",
                value: text.to_string(),
                rule: "`constant` or `linear`".to_string(),
            }),
        }
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Linear => "linear",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_falls_evenly_from_the_first_rate_to_the_last_update() {
        let rates: Vec<_> = (0..4).map(|update| Schedule::Linear.rate(0.4, update, 4)).collect();
        for (rate, expected) in rates.iter().zip([0.4, 0.3, 0.2, 0.1]) {
            assert!((rate - expected).abs() < 1e-15, "{rates:?}");
        }
        assert_eq!(Schedule::Constant.rate(0.4, 3, 4), 0.4);
    }

    #[test]
    fn names_are_those_of_the_settings_file() {
        for name in ["constant", "linear"] {
            let schedule: Schedule = name.parse().unwrap();
            assert_eq!(schedule.to_string(), name);
            assert_eq!(serde_json::to_value(schedule).unwrap(), name);
        }
        assert!("step".parse::<Schedule>().is_err());
    }
}
