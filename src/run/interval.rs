//! A stretch of a run: a time, or a number of epochs or updates.

use crate::error::{Error, Result};
use crate::setting::{by_text, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A stretch of a run, longer than 0; as text `30s`, `5m`, `2h`, `2epochs` or `500updates`.
///
/// ```
/// use harmonium::run::Interval;
/// use std::time::Duration;
/// assert_eq!("1.5m".parse::<Interval>()?, Interval::Time(Duration::from_secs(90)));
/// assert_eq!("1epoch".parse::<Interval>()?.to_string(), "1epochs");
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Interval {
    /// Wall time.
    Time(Duration),
    /// Epochs.
    Epochs(u64),
    /// Updates.
    Updates(u64),
}

impl Interval {
    /// Whether the interval has passed since a moment `elapsed` and `updates` ago.
    pub fn has_passed(self, elapsed: Duration, updates: u64, updates_per_epoch: u64) -> bool {
        match self {
            Self::Time(time) => elapsed >= time,
            Self::Epochs(n) => updates >= n.saturating_mul(updates_per_epoch),
            Self::Updates(n) => updates >= n,
        }
    }

    /// Whether something that recurs at this interval is due after update `updates` of a run, if it
    /// last happened `elapsed` ago.
    pub fn is_due(self, elapsed: Duration, updates: u64, updates_per_epoch: u64) -> bool {
        match self {
            Self::Time(time) => elapsed >= time,
            Self::Epochs(n) => updates.is_multiple_of(n.saturating_mul(updates_per_epoch)),
            Self::Updates(n) => updates.is_multiple_of(n),
        }
    }
}

/// The longest time in seconds: about 30 years.
const LONGEST: f64 = 1e9;

/// A time as text: `30s`, `5m` or `2h`.
pub fn parse_time(text: &str) -> Option<Duration> {
    let unit = [("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (number, seconds) =
        unit.iter().find_map(|(name, seconds)| Some((text.strip_suffix(name)?, seconds)))?;
    let seconds = number.trim_end().parse::<f64>().ok()? * seconds;
    let time = Duration::try_from_secs_f64(seconds).ok()?;
    (!time.is_zero() && seconds <= LONGEST).then_some(time)
}

impl FromStr for Interval {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let count = |names: [&str; 2]| {
            let number = names.iter().find_map(|name| text.strip_suffix(name))?.trim_end();
            number.parse().ok().filter(|&n: &u64| n > 0)
        };
        let interval = count(["epochs", "epoch"])
            .map(Self::Epochs)
            .or_else(|| count(["updates", "update"]).map(Self::Updates))
            .or_else(|| parse_time(text).map(Self::Time));
        interval.ok_or_else(|| {
            let rule = "a number above 0 with its unit, such as 30s, 5m, 2h, 2epochs or 500updates";
            invalid("interval", text, rule)
        })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Epochs(n) => write!(f, "{n}epochs"),
            Self::Updates(n) => write!(f, "{n}updates"),
            Self::Time(time) => {
                let (seconds, is_whole) = (time.as_secs(), time.subsec_nanos() == 0);
                match seconds {
                    _ if is_whole && seconds.is_multiple_of(3600) => {
                        write!(f, "{}h", seconds / 3600)
                    }
                    _ if is_whole && seconds.is_multiple_of(60) => write!(f, "{}m", seconds / 60),
                    _ => write!(f, "{}s", time.as_secs_f64()),
                }
            }
        }
    }
}

by_text!(Interval);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_other_text_is_refused() {
        for text in ["30s", "5m", "2h", "0.5s", "90s", "2epochs", "500updates"] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(interval.to_string().parse::<Interval>().unwrap(), interval);
            if text != "90s" {
                assert_eq!(interval.to_string(), text);
            }
        }
        for text in ["", "5", "0s", "-1s", "NaNs", "infs", "1e300h", "0epochs", "1.5updates", "m"] {
            let error = text.parse::<Interval>().unwrap_err().to_string();
            assert!(error.contains("but must be a number above 0 with its unit"), "{error}");
        }
    }

    #[test]
    fn intervals_pass_and_recur() {
        let seconds = Duration::from_secs;
        let passed = |text: &str| {
            let interval: Interval = text.parse().unwrap();
            (0..20).find(|&n| interval.has_passed(seconds(n), n, 4))
        };
        assert_eq!(["3s", "2epochs", "5updates"].map(passed), [Some(3), Some(8), Some(5)]);
        let due = |text: &str| -> Vec<u64> {
            let interval: Interval = text.parse().unwrap();
            (1..=16).filter(|&n| interval.is_due(seconds(0), n, 4)).collect()
        };
        assert_eq!(due("2epochs"), [8, 16]);
        assert_eq!(due("5updates"), [5, 10, 15]);
        assert!(due("1s").is_empty());
    }
}
