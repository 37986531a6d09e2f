//! The best epoch so far by a score, and the number of scores since the last progress.

/// The best score so far. A higher score is better.
///
/// ```
/// use harmonium::monitor::BestScore;
/// let mut best = BestScore::new(0.5);
/// assert!(best.observe(-20.0, 1));
/// assert!(best.observe(-19.8, 2));
/// assert_eq!(best.epoch(), Some(2));
/// // Better, but not by more than 0.5.
/// assert_eq!(best.n_since(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct BestScore {
    tolerance: f64,
    score: f64,
    epoch: Option<usize>,
    n_since: usize,
}

impl BestScore {
    /// Starts before the first score. A score that is above the best by at most `tolerance` becomes the
    /// best, but is not progress.
    pub fn new(tolerance: f64) -> Self {
        Self { tolerance, score: f64::NEG_INFINITY, epoch: None, n_since: 0 }
    }

    /// Takes in the score of an epoch, and returns whether it is the best so far. NaN never is.
    pub fn observe(&mut self, score: f64, epoch: usize) -> bool {
        self.n_since = if score > self.score + self.tolerance { 0 } else { self.n_since + 1 };
        let is_best = score > self.score;
        if is_best {
            (self.score, self.epoch) = (score, Some(epoch));
        }
        is_best
    }

    /// The epoch of the best score; `None` before the first.
    pub fn epoch(&self) -> Option<usize> {
        self.epoch
    }

    /// The number of scores since the last progress.
    pub fn n_since(&self) -> usize {
        self.n_since
    }

    /// Resets [`n_since`](Self::n_since) to 0.
    pub fn forgive(&mut self) {
        self.n_since = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_the_largest_and_progress_is_more_than_the_tolerance() {
        let mut best = BestScore::new(0.5);
        for (epoch, (score, is_best, n_since)) in [
            (f64::NAN, false, 1),
            (1.0, true, 0),
            (1.4, true, 1),
            (1.8, true, 2),
            (1.8, false, 3),
            (2.4, true, 0),
            (f64::NAN, false, 1),
            (0.0, false, 2),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(best.observe(score, epoch), is_best, "epoch {epoch}");
            assert_eq!(best.n_since(), n_since, "epoch {epoch}");
        }
        assert_eq!(best.epoch(), Some(5));
        best.forgive();
        assert_eq!((best.n_since(), best.epoch()), (0, Some(5)));
    }
}
