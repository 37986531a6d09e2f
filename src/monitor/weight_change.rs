//! How far the last update of an epoch moved the weights.

use crate::kernels::tiled::Tiled;
use crate::train::Trainer;

/// The weights before the last update of an epoch.
///
/// ```
/// use harmonium::dataset::{Binarization, Dataset, Examples};
/// use harmonium::{BitMatrix, TrainConfig, Trainer, monitor::WeightChange};
/// let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
/// let examples = Examples::new(Dataset::from_bits("bars", bars), Binarization::Stochastic);
/// let config = TrainConfig { epochs: Some(1), batch_size: 2, ..TrainConfig::default() };
/// let mut trainer = Trainer::new(config, examples)?;
/// let mut change = WeightChange::new(&trainer);
/// while !trainer.is_done() {
///     change.before_update(&trainer);
///     trainer.update()?;
/// }
/// let (weight_norm, update_norm) = change.norms(&trainer);
/// assert!(update_norm > 0.0 && update_norm < weight_norm);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WeightChange {
    before: Tiled<f32>,
}

impl WeightChange {
    /// Keeps the present weights of a trainer.
    pub fn new(trainer: &Trainer) -> Self {
        Self { before: trainer.parameters().weights().clone() }
    }

    /// Keeps the weights if the next update is the last of an epoch. Call it before each update.
    pub fn before_update(&mut self, trainer: &Trainer) {
        if trainer.is_last_of_epoch() {
            self.before.zip(trainer.parameters().weights(), |before, &now| *before = now);
        }
    }

    /// √ΣW², and √ΣΔW² of the last update of the epoch.
    pub fn norms(&self, trainer: &Trainer) -> (f64, f64) {
        trainer.parameters().weight_norms(&self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Dataset, Examples};
    use crate::kernels::Isa;
    use crate::train::TrainConfig;
    use std::sync::Arc;

    /// Two epochs of 5 updates and one of 2.
    #[test]
    fn the_change_is_by_the_last_update_wherever_a_run_was_stopped() {
        let bits = BitMatrix::from_fn(101, 37, |n, i| (n * n + 3 * n * i + i * i) % 7 < 3);
        let data = Dataset::from_bits("odd", bits);
        let examples = Arc::new(Examples::new(data, Binarization::Stochastic));
        let config = TrainConfig { updates: Some(12), batch_size: 24, ..TrainConfig::default() };
        let mut trainer = Trainer::new(config.clone(), examples.clone()).unwrap();
        let mut change = WeightChange::new(&trainer);
        let mut ends = Vec::new();
        while !trainer.is_done() {
            let before = trainer.current();
            let state = trainer.state();
            let mut resumed =
                Trainer::restore(config.clone(), examples.clone(), &state, Isa::BASELINE).unwrap();
            let mut change_since = WeightChange::new(&resumed);
            for (trainer, change) in
                [(&mut trainer, &mut change), (&mut resumed, &mut change_since)]
            {
                change.before_update(trainer);
                trainer.update().unwrap();
            }
            if trainer.is_at_end_of_epoch() {
                let moved = (trainer.current().weights() - before.weights()).mapv(f64::from);
                let (_, found) = change.norms(&trainer);
                assert!((found - moved.mapv(|x| x * x).sum().sqrt()).abs() < 1e-9);
                assert_eq!(change_since.norms(&resumed), change.norms(&trainer));
                ends.push(trainer.updates());
            }
        }
        assert_eq!(ends, [5, 10, 12]);
    }
}
