//! The best score of a run so far.

use pyo3::prelude::*;

/// The best score so far; higher is better.
///
/// Parameters
/// ----------
/// tolerance : float
///     A score must exceed the best one by more than this to count as progress.
///
/// Examples
/// --------
/// >>> from harmonium._harmonium import BestScore
/// >>> best = BestScore(tolerance=0.5)
/// >>> best.observe(-20.0, epoch=1), best.observe(-19.8, epoch=2)
/// (True, True)
/// >>> best.epoch, best.n_since
/// (2, 1)
#[pyclass(module = "harmonium")]
pub struct BestScore(harmonium::monitor::BestScore);

#[pymethods]
impl BestScore {
    #[new]
    fn new(tolerance: f64) -> Self {
        Self(harmonium::monitor::BestScore::new(tolerance))
    }

    /// Records the score of an epoch; returns whether it is the best so far.
    fn observe(&mut self, score: f64, epoch: usize) -> bool {
        self.0.observe(score, epoch)
    }

    /// The epoch of the best score, or None.
    #[getter]
    fn epoch(&self) -> Option<usize> {
        self.0.epoch()
    }

    /// Number of scores since the last progress.
    #[getter]
    fn n_since(&self) -> usize {
        self.0.n_since()
    }
}
