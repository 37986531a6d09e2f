//! Schedules of the learning rate and of the number of sweeps.

use crate::error::{Error, Result};
use crate::setting::{by_text, did_you_mean, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the learning rate changes from its first value ε. As text: `constant`, `linear`, `cosine` or
/// `inverse:B`.
///
/// ```
/// use harmonium::train::Schedule;
/// let schedule: Schedule = "inverse:2000".parse()?;
/// assert_eq!(schedule.rate(0.005, 2000, 100_000), 0.0025);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Schedule {
    /// ε throughout.
    Constant,
    /// ε·(1 − u/U) in update u (from 0) of U, which falls to almost 0 in the last.
    Linear,
    /// ε·(1 + cos(π u/U))/2, which changes slowly at both ends.
    Cosine,
    /// ε·B/(B + u) with B above 0 (Salakhutdinov and Hinton, 2012, use a/(B + u) with a = εB = 10 and
    /// B = 2000).
    Inverse(f64),
}

impl Schedule {
    /// The learning rate of update `update` (from 0) of `total`, if the first is `first`.
    pub fn rate(self, first: f64, update: u64, total: u64) -> f64 {
        let share = update as f64 / total as f64;
        match self {
            Self::Constant => first,
            Self::Linear => first * (1.0 - share),
            Self::Cosine => first * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * share)),
            Self::Inverse(half) => first * half / (half + update as f64),
        }
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "constant" => Ok(Self::Constant),
            "linear" => Ok(Self::Linear),
            "cosine" => Ok(Self::Cosine),
            _ => {
                let half = text.strip_prefix("inverse:").and_then(|number| number.parse().ok());
                let half = half.filter(|half: &f64| *half > 0.0 && half.is_finite());
                half.map(Self::Inverse).ok_or_else(|| {
                    let rule = "`constant`, `linear`, `cosine` or `inverse:B`, with B above 0";
                    let meant = did_you_mean(text, ["constant", "linear", "cosine", "inverse:B"]);
                    invalid("schedule", text, format!("{rule}{meant}"))
                })
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant => f.write_str("constant"),
            Self::Linear => f.write_str("linear"),
            Self::Cosine => f.write_str("cosine"),
            Self::Inverse(half) => write!(f, "inverse:{half}"),
        }
    }
}

by_text!(Schedule);

/// The factor of the learning rate in update `update` (from 0): it rises linearly to 1 over the first
/// `warm_up` updates.
pub fn warm_up(update: u64, warm_up: f64) -> f64 {
    if warm_up > 0.0 { ((update as f64 + 1.0) / warm_up).min(1.0) } else { 1.0 }
}

/// The sweeps of update `update` (from 0) of `total`. The number goes from `first` to `last`, and each
/// number holds for equally many updates.
pub fn sweeps(first: usize, last: usize, update: u64, total: u64) -> usize {
    let steps = first.abs_diff(last) as u128 + 1;
    let done = (u128::from(update) * steps / u128::from(total.max(1))).min(steps - 1) as usize;
    if last >= first { first + done } else { first - done }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_rate_falls_evenly_until_the_last_update() {
        let rates: Vec<_> = (0..4).map(|update| Schedule::Linear.rate(0.4, update, 4)).collect();
        for (rate, expected) in rates.iter().zip([0.4, 0.3, 0.2, 0.1]) {
            assert!((rate - expected).abs() < 1e-15, "{rates:?}");
        }
        assert_eq!(Schedule::Constant.rate(0.4, 3, 4), 0.4);
    }

    #[test]
    fn the_other_schedules_follow_their_formulas() {
        for (update, share) in [(0, 1.0), (1, 0.853_553_390_593), (2, 0.5), (3, 0.146_446_609_407)]
        {
            assert!((Schedule::Cosine.rate(0.4, update, 4) - 0.4 * share).abs() < 1e-12);
        }
        // The published schedule is 10/(2000 + t).
        for update in [0, 1, 2000, 300_000] {
            let published = 10.0 / (2000.0 + update as f64);
            let rate = Schedule::Inverse(2000.0).rate(0.005, update, 300_000);
            assert!((rate - published).abs() < 1e-15);
        }
    }

    #[test]
    fn warm_up_rises_linearly_and_sweeps_step_by_step() {
        let shares: Vec<_> = (0..6).map(|update| warm_up(update, 4.0)).collect();
        assert_eq!(shares, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]);
        assert_eq!(warm_up(0, 0.0), 1.0);
        let of =
            |first, last| (0..8).map(|update| sweeps(first, last, update, 8)).collect::<Vec<_>>();
        assert_eq!(of(1, 4), [1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(of(3, 2), [3, 3, 3, 3, 2, 2, 2, 2]);
        assert_eq!(of(5, 5), [5; 8]);
    }

    #[test]
    fn names_read_back_and_others_are_refused() {
        for name in ["constant", "linear", "cosine", "inverse:2000", "inverse:0.5"] {
            let schedule: Schedule = name.parse().unwrap();
            assert_eq!(schedule.to_string(), name);
            assert_eq!(serde_json::to_value(schedule).unwrap(), name);
            assert_eq!(serde_json::from_value::<Schedule>(name.into()).unwrap(), schedule);
        }
        for name in ["step", "inverse:", "inverse:0", "inverse:-1", "inverse:inf", "inverse:NaN"] {
            let error = name.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("schedule is {name}, but must be `constant`")));
        }
    }
}
