//! The speed of training.

use crate::train::Trainer;

/// The moment of a run from which its speed is measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    updates: u64,
    seconds: f64,
}

impl Pace {
    /// The present moment of a trainer, `seconds` after the start of the run.
    pub fn since(trainer: &Trainer, seconds: f64) -> Self {
        Self { updates: trainer.updates(), seconds }
    }

    /// Examples a second from that moment to the present, `seconds` after the start of the run.
    pub fn samples_per_second(self, trainer: &Trainer, seconds: f64) -> f64 {
        let updates = (trainer.updates() - self.updates) as f64;
        let epochs = updates / trainer.updates_per_epoch() as f64;
        // A coarse clock may not have moved.
        let seconds = (seconds - self.seconds).max(1e-9);
        epochs * trainer.examples().n_examples() as f64 / seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Dataset, Examples};
    use crate::train::TrainConfig;

    #[test]
    fn examples_are_counted_from_that_moment_on() {
        let bits = Dataset::from_bits("bits", BitMatrix::zeros(20, 4));
        let config = TrainConfig { batch_size: 5, epochs: Some(2), ..TrainConfig::default() };
        let examples = Examples::new(bits, Binarization::Stochastic);
        let mut trainer = Trainer::new(config, examples).unwrap();
        trainer.update().unwrap();
        let pace = Pace::since(&trainer, 10.0);
        (0..6).for_each(|_| trainer.update().unwrap());
        assert_eq!(pace.samples_per_second(&trainer, 12.0), 6.0 * 5.0 / 2.0);
        assert!(pace.samples_per_second(&trainer, 10.0).is_finite());
    }
}
