//! The scores of a record that a run can be judged by.

use super::{BestScore, EpochRecord};
use crate::setting::by_name;
use serde::{Deserialize, Serialize};

/// A score, by the name of its key in `metrics.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Metric {
    /// Mean log p(v) of held-out data, in epochs in which it is evaluated.
    LogLikelihood,
    /// Mean log p(v) of held-out data by the log Z that is estimated along training.
    LogLikelihoodOnline,
    /// Σᵢ ln p(vᵢ | the rest) of training data.
    PseudoLikelihood,
    /// The same of held-out data.
    PseudoLikelihoodTest,
    /// Mean F(v) of held-out data less mean F(v) of training data: less is better, but an untrained
    /// model has the least. It shows when overfitting begins, not how good a model is.
    FreeEnergyGap,
    /// Mean squared error of a step to the hidden units and back, of training data: less is better.
    ReconstructionError,
    /// The same of held-out data: less is better.
    ReconstructionErrorTest,
    /// Share of held-out examples whose most likely class is not their label: less is better.
    ErrorTest,
    /// Mean −ln p(label | v) of held-out examples: less is better.
    LogLossTest,
    /// Mean −ln p of a value of held-out data given the others of its example, where examples lack values and these are
    /// absent: less is better.
    LogLossValuesTest,
    /// Root mean squared error of the expected numbers of these values: less is better.
    RmseTest,
}

by_name!(Metric, "metric", {
    LogLikelihood = "log_likelihood",
    LogLikelihoodOnline = "log_likelihood_online",
    PseudoLikelihood = "pseudo_likelihood",
    PseudoLikelihoodTest = "pseudo_likelihood_test",
    FreeEnergyGap = "free_energy_gap",
    ReconstructionError = "reconstruction_error",
    ReconstructionErrorTest = "reconstruction_error_test",
    ErrorTest = "error_test",
    LogLossTest = "log_loss_test",
    LogLossValuesTest = "log_loss_values_test",
    RmseTest = "rmse_test",
});

impl Metric {
    /// Its value in a record, if it was measured.
    pub fn of(self, record: &EpochRecord) -> Option<f64> {
        match self {
            Self::LogLikelihood => record.likelihood.log_likelihood,
            Self::LogLikelihoodOnline => record.log_likelihood_online,
            Self::PseudoLikelihood => record.pseudo_likelihood,
            Self::PseudoLikelihoodTest => record.pseudo_likelihood_test,
            Self::FreeEnergyGap => record.free_energy_gap,
            Self::ReconstructionError => record.reconstruction_error,
            Self::ReconstructionErrorTest => record.reconstruction_error_test,
            Self::ErrorTest => record.error_test,
            Self::LogLossTest => record.log_loss_test,
            Self::LogLossValuesTest => record.log_loss_values_test,
            Self::RmseTest => record.rmse_test,
        }
    }

    /// Its value in a record, if it was measured, with a sign that makes more better.
    pub fn score(self, record: &EpochRecord) -> Option<f64> {
        self.of(record).map(|value| self.signed(value))
    }

    /// The same figure of held-out data, if this one is of training data.
    pub fn held_out(self) -> Option<Self> {
        match self {
            Self::PseudoLikelihood => Some(Self::PseudoLikelihoodTest),
            Self::ReconstructionError => Some(Self::ReconstructionErrorTest),
            _ => None,
        }
    }

    /// A value with a sign that makes more better.
    pub fn signed(self, value: f64) -> f64 {
        match self {
            Self::LogLikelihood
            | Self::LogLikelihoodOnline
            | Self::PseudoLikelihood
            | Self::PseudoLikelihoodTest => value,
            Self::FreeEnergyGap
            | Self::ReconstructionError
            | Self::ReconstructionErrorTest
            | Self::ErrorTest
            | Self::LogLossTest
            | Self::LogLossValuesTest
            | Self::RmseTest => -value,
        }
    }
}

/// The best record so far by a metric, and the number of measurements since the last progress.
#[derive(Clone, Debug)]
pub struct Best {
    metric: Metric,
    score: BestScore,
}

impl Best {
    /// Starts before the first record.
    pub fn new(metric: Metric) -> Self {
        Self { metric, score: BestScore::new(0.0) }
    }

    /// Takes in a record, and returns whether it is the best so far. A record without the metric does
    /// not count.
    pub fn observe(&mut self, record: &EpochRecord) -> bool {
        let score = self.metric.score(record);
        score.is_some_and(|score| self.score.observe(score, record.epoch))
    }

    /// The epoch of the best record; `None` before the first.
    pub fn epoch(&self) -> Option<usize> {
        self.score.epoch()
    }

    /// Resets the count of measurements since the last progress.
    pub fn forgive(&mut self) {
        self.score.forgive();
    }

    /// Whether the metric has not improved in the last `patience` measurements.
    pub fn has_stalled(&self, patience: usize) -> bool {
        self.score.n_since() >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::LikelihoodReport;

    fn record(value: Option<f64>) -> EpochRecord {
        let likelihood = LikelihoodReport { log_likelihood: value, ..LikelihoodReport::default() };
        EpochRecord { likelihood, free_energy_gap: value, ..EpochRecord::default() }
    }

    #[test]
    fn the_best_is_the_largest_likelihood_and_the_least_gap() {
        let values = [Some(1.0), None, Some(3.0), Some(3.0), Some(2.0), None];
        for (metric, expected, n_since) in [
            (Metric::LogLikelihood, [true, false, true, false, false, false], 2),
            (Metric::FreeEnergyGap, [true, false, false, false, false, false], 3),
        ] {
            let mut best = Best::new(metric);
            assert_eq!(values.map(|value| best.observe(&record(value))), expected, "{metric}");
            assert!(best.has_stalled(n_since) && !best.has_stalled(n_since + 1), "{metric}");
        }
    }
}
