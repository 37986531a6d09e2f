//! The scores of a record that a run can be judged by.

use super::EpochRecord;
use crate::setting::by_name;
use serde::{Deserialize, Serialize};

/// A score, by the name of its key in `metrics.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Metric {
    /// Mean log p(v) of held-out data; in the epochs in which it is evaluated.
    LogLikelihood,
    /// Σᵢ ln p(vᵢ | the rest) of training data.
    PseudoLikelihood,
    /// F(v) of held-out data less that of training data: less is better, but least of all is it
    /// where nothing has been learned. It tells when overfitting begins, not how good a model is.
    FreeEnergyGap,
    /// Mean squared error of a step to the hidden units and back: less is better.
    ReconstructionError,
}

by_name!(Metric, "metric", {
    LogLikelihood = "log_likelihood",
    PseudoLikelihood = "pseudo_likelihood",
    FreeEnergyGap = "free_energy_gap",
    ReconstructionError = "reconstruction_error",
});

impl Metric {
    /// Its value in a record, if it was measured.
    pub fn of(self, record: &EpochRecord) -> Option<f64> {
        match self {
            Self::LogLikelihood => record.log_likelihood,
            Self::PseudoLikelihood => record.pseudo_likelihood,
            Self::FreeEnergyGap => record.free_energy_gap,
            Self::ReconstructionError => record.reconstruction_error,
        }
    }

    /// Whether a value is better than another.
    pub fn is_better(self, value: f64, other: f64) -> bool {
        match self {
            Self::LogLikelihood | Self::PseudoLikelihood => value > other,
            Self::FreeEnergyGap | Self::ReconstructionError => value < other,
        }
    }
}

/// The best value of a metric so far, and how long ago it was.
#[derive(Clone, Debug)]
pub struct Best {
    metric: Metric,
    value: Option<f64>,
    epoch: usize,
    n_since: usize,
}

impl Best {
    /// Before the first record.
    pub fn new(metric: Metric) -> Self {
        Self { metric, value: None, epoch: 0, n_since: 0 }
    }

    /// Takes in a record; tells whether it is the best so far. One in which the metric was not
    /// measured does not count.
    pub fn observe(&mut self, record: &EpochRecord) -> bool {
        let Some(value) = self.metric.of(record) else { return false };
        let is_best = self.value.is_none_or(|best| self.metric.is_better(value, best));
        if is_best {
            (self.value, self.epoch, self.n_since) = (Some(value), record.epoch, 0);
        } else {
            self.n_since += 1;
        }
        is_best
    }

    /// The epoch of the best record; none before the first.
    pub fn epoch(&self) -> Option<usize> {
        self.value.map(|_| self.epoch)
    }

    /// Begins to count anew.
    pub fn forgive(&mut self) {
        self.n_since = 0;
    }

    /// Measurements since the best.
    pub fn n_since(&self) -> usize {
        self.n_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(value: Option<f64>) -> EpochRecord {
        EpochRecord { log_likelihood: value, free_energy_gap: value, ..EpochRecord::default() }
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
            assert_eq!(best.n_since(), n_since);
        }
    }
}
