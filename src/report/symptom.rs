//! What a rule of the health check finds.

use super::advice::Advice;
use crate::monitor::EpochRecord;

/// The result of a rule.
pub struct Symptom {
    /// Its name for programs; two rules may share it.
    pub name: &'static str,
    /// What is wrong.
    pub what: String,
    /// The value and its bound.
    pub judged: String,
    /// Changes that may help.
    pub advice: &'static [Advice],
}

/// During the first updates the weights are near their start, and their changes mean little.
const EARLY: u64 = 300;

/// From this share of its plan on, a run is near its end and is judged by its result.
pub const AT_END: f64 = 0.9;

/// Whether the weights are still near their start.
pub fn is_early(last: &EpochRecord) -> bool {
    last.updates < EARLY
}

/// A share for people.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
