//! The score by which runs of a page are sorted, and the data it speaks of.

use super::material::Material;
use crate::run::Summary;

/// What runs are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    LogLikelihood,
    PseudoLikelihood,
}

impl Score {
    pub fn name(self) -> &'static str {
        match self {
            Self::LogLikelihood => "log-likelihood",
            Self::PseudoLikelihood => "pseudo-likelihood",
        }
    }

    /// The score of a run; `None` if it is not known, or not to be believed.
    pub fn of(self, run: &Material) -> Option<f64> {
        let score = match self {
            Self::LogLikelihood => {
                let known = run.summary.likelihood()?.report;
                known.log_likelihood.filter(|_| !known.is_doubtful())
            }
            Self::PseudoLikelihood => run.summary.of_model()?.pseudo_likelihood,
        };
        score.filter(|score| score.is_finite())
    }
}

/// The log-likelihood if a run has one that is believed, else the pseudo-likelihood; `None` if no run has a score.
pub fn score(runs: &[Material]) -> Option<Score> {
    let is_known = |score: &Score| runs.iter().any(|run| score.of(run).is_some());
    [Score::LogLikelihood, Score::PseudoLikelihood].into_iter().find(is_known)
}

/// Sorts runs from the best score to the worst; those without one come last, and equal ones stay in their order.
pub fn sort(runs: &mut [Material]) {
    if let Some(score) = score(runs) {
        let rank = |run: &Material| score.of(run).unwrap_or(f64::NEG_INFINITY);
        runs.sort_by(|one, other| rank(other).total_cmp(&rank(one)));
    }
}

/// The data of a run's log-likelihood: `1000 validation examples`.
pub fn data_of(run: &Material) -> String {
    let Summary { evaluation, file, .. } = &run.summary;
    let subject = evaluation.as_ref().and_then(|found| {
        found.likelihood.log_likelihood?;
        found.subject.as_ref()
    });
    if let Some(subject) = subject {
        return format!("{} {} examples", subject.n_examples, subject.data_role);
    }
    let data = &file.settings.data;
    let role = data.watched_by().role();
    match run.summary.likelihood() {
        None => "–".to_string(),
        Some(_) if role == "validation" => format!("{} {role} examples", data.validation),
        Some(_) => format!("{role} examples"),
    }
}
