//! What a mixing check says in words, and when.

use super::found::{Mixing, MixingWarning};
use super::samples::ClusterShares;

/// The least ratio of two shares that is a finding. A trainer that stops early, or a small evaluation, leaves shares
/// that are off by a third; a mode that was lost is off by far more than twice.
pub const LEAST_RATIO: f64 = 2.0;

/// By how many standard errors two shares differ at least. With ten clusters and three comparisons, four are exceeded
/// by chance in one of 500 evaluations.
pub const LEAST_ERRORS: f64 = 4.0;

/// The least share of samples where no example lies that is a finding. Of the examples themselves a thousandth lies so
/// far from the others; the samples of good models of 500 examples up to a twentieth.
pub const LEAST_OUTSIDE: f64 = 0.1;

/// The samples that are compared, in words.
struct Compared<'a> {
    reference: &'a ClusterShares,
    other: &'a ClusterShares,
}

impl Compared<'_> {
    /// The clusters, from 0, whose share is too small (of `other` against the reference), or also too large.
    fn wrong(&self, or_too_large: bool) -> Vec<usize> {
        let Self { reference, other } = self;
        let is_wrong = |&k: &usize| {
            let (right, found) = (reference.clusters[k], other.clusters[k]);
            let errors = reference.deviations(right, found, other);
            let is_small = found * LEAST_RATIO < right && errors <= -LEAST_ERRORS;
            let is_large = found > right * LEAST_RATIO && errors >= LEAST_ERRORS;
            is_small || (or_too_large && is_large)
        };
        (0..reference.clusters.len()).filter(is_wrong).collect()
    }

    /// Whether far more of `other` than of the reference lies where no example does.
    fn is_outside(&self) -> bool {
        let Self { reference, other } = self;
        other.outside - reference.outside >= LEAST_OUTSIDE
            && reference.deviations(reference.outside, other.outside, other) >= LEAST_ERRORS
    }
}

impl Mixing {
    /// The findings, if any.
    pub(super) fn judged(&self) -> Vec<MixingWarning> {
        let mut warnings = Vec::new();
        let mut warn = |name: &str, what: String, remedy: &str| {
            let (name, remedy) = (name.to_string(), remedy.to_string());
            warnings.push(MixingWarning { name, what, remedy });
        };
        let train = [TRAIN, if self.missing_share == 0.0 { LIST } else { "" }].concat();
        if let Some(model) = &self.model {
            let compared = Compared { reference: &self.examples, other: model };
            let is_outside = compared.is_outside();
            if is_outside {
                let share = percent(model.outside);
                warn(
                    "spurious_modes",
                    format!("{share} of the model's mass lies where no example does"),
                    &train,
                );
            }
            let wrong = compared.wrong(true);
            // Mass outside is missing inside. That is said once.
            let is_said = is_outside && model.outside > 0.5;
            if !is_said && !wrong.is_empty() {
                let each = |&k: &usize| {
                    let (examples, model) = (self.examples.clusters[k], model.clusters[k]);
                    format!("cluster {} ({examples:.2} of the examples) {model:.2}", k + 1)
                };
                let all = listed(&wrong.iter().map(each).collect::<Vec<_>>());
                warn("wrong_masses", format!("the model gives {all} of its mass"), &train);
            }
        }
        let sweeps = self.n_sweeps;
        // Samples of the model say where chains should be; without them, chains from another start.
        let reference = self.model.as_ref().unwrap_or(&self.from_examples);
        let compared = Compared { reference, other: &self.from_random };
        let missed = compared.wrong(false);
        if !missed.is_empty() {
            let each = |&k: &usize| {
                let (right, found) = (reference.clusters[k], self.from_random.clusters[k]);
                format!(
                    "cluster {} ({found:.2} of them, and {right:.2} of {})",
                    k + 1,
                    self.reference()
                )
            };
            let all = listed(&missed.iter().map(each).collect::<Vec<_>>());
            warn(
                "chains_do_not_mix",
                format!("Gibbs chains that start at random do not find {all} in {sweeps} sweeps"),
                SAMPLE,
            );
        } else if compared.is_outside() {
            let share = percent(self.from_random.outside);
            warn(
                "chains_do_not_mix",
                format!(
                    "after {sweeps} sweeps, {share} of the Gibbs chains that start at random are still where no \
                     example lies"
                ),
                SAMPLE,
            );
        }
        warnings
    }

    /// What the chains from random starts are compared with, in words.
    fn reference(&self) -> &'static str {
        if self.model.is_some() { "the model" } else { "those that start at examples" }
    }
}

const TRAIN: &str = "train with --preset clusters, whose chains pass between modes; if they do already, train for \
                     longer";
/// Where no value is missing; which cluster an example is in is not known otherwise.
const LIST: &str = " (evaluate --clusters FILE lists the examples of each cluster)";
const SAMPLE: &str = "sample with --method pt; this says nothing against the model";

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// `a`, `a and b`, `a, b and c`.
fn listed(texts: &[String]) -> String {
    match texts {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}
