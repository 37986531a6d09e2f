//! Training on examples that come from outside, a mini-batch at a time.

use super::config::{Algorithm, MAX_ROWS, TrainConfig};
use super::positive_phase::PositivePhase;
use super::statistics::Statistics;
use super::trainer::Trainer;
use crate::bits::{BitMatrix, BitPanels};
use crate::dataset::{Binarization, Dataset, Examples};
use crate::error::{Error, Result};
use crate::model::Rbm;
use crate::reals::RealRows;
use crate::setting::check;
use crate::state::State;

/// Updates that such a run calls an epoch: averages are counted in them, and the range is checked at
/// their ends.
pub const UPDATES_OF_AN_EPOCH: usize = 100;

/// The examples of a run that knows its data by their mean (V) alone.
fn mean_alone(mean: &[f32]) -> Examples {
    let mut rows = RealRows::new(mean.len());
    (0..UPDATES_OF_AN_EPOCH).for_each(|_| rows.push(mean.iter().copied()));
    Examples::new(Dataset::from_rows("the mean of the data", rows), Binarization::None)
}

/// The settings of such a run.
fn settings(config: TrainConfig, n_hidden: usize) -> Result<TrainConfig> {
    check("algorithm", config.algorithm, config.algorithm != Algorithm::Cd, || {
        "pcd or pt where examples come from outside: chains of cd start at examples".to_string()
    })?;
    let hidden = config.hidden.or(Some(n_hidden));
    Ok(TrainConfig { hidden, chains: Some(config.n_chains()), batch_size: 1, ..config })
}

impl Trainer {
    /// A run that has no data of its own but their mean (V), which chains, offsets and temperatures
    /// start from: every update gets its examples by [`update_on`](Self::update_on). An epoch is
    /// 100 updates.
    ///
    /// ```
    /// use harmonium::dataset::{Binarization, Dataset, Examples};
    /// use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
    /// let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
    /// let bars = Examples::new(Dataset::from_bits("bars", bars), Binarization::None);
    /// let config = TrainConfig { hidden: Some(3), epochs: Some(100), ..TrainConfig::default() };
    /// let rbm = Rbm::initial(3, &bars.mean(), 4, config.seed)?;
    /// let mut trainer = Trainer::online(config, &[0.5, 0.5], &rbm)?;
    /// trainer.update_on(&bars)?;
    /// assert_eq!(trainer.updates(), 1);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`from_model`](Self::from_model); [`Error::InvalidSetting`] for contrastive divergence.
    pub fn online(config: TrainConfig, mean: &[f32], rbm: &Rbm) -> Result<Self> {
        Self::from_model(settings(config, rbm.n_hidden())?, mean_alone(mean), rbm)
    }

    /// One that goes on from the [`state`](Self::state) of another with these settings and this
    /// mean.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    pub fn restore_online(config: TrainConfig, mean: &[f32], state: &State) -> Result<Self> {
        let n_hidden = state.n_rows("hidden_bias")?;
        Self::restore(settings(config, n_hidden)?, mean_alone(mean), state)
    }

    /// Puts the chains at these hidden states (C, H).
    ///
    /// # Panics
    /// If there are not C states, or they are not H wide.
    pub fn set_hidden(&mut self, hidden: &BitMatrix) {
        self.negative.chains.hidden.copy_from(&BitPanels::from_matrix(hidden));
    }

    /// Changes the parameters once: all of `examples` are the mini-batch, 1 to 32,767. Stochastic
    /// bits of example n have the address 2³² · update + n.
    ///
    /// # Errors
    /// As [`update`](Self::update); [`Error::WidthMismatch`] and [`Error::InvalidSetting`] if there
    /// are not V units or too many examples.
    ///
    /// # Panics
    /// If the run [is done](Self::is_done).
    pub fn update_on(&mut self, examples: &Examples) -> Result<()> {
        assert!(!self.is_done(), "all updates of the run are done");
        let n_rows = examples.n_examples();
        let setting = "the number of examples of an update";
        check(setting, n_rows, n_rows <= MAX_ROWS, || format!("at most {MAX_ROWS}"))?;
        if examples.n_visible() != self.examples.n_visible() {
            return Err(Error::WidthMismatch {
                what: examples.name().to_string(),
                found: examples.n_visible(),
                other: "the model",
                expected: self.examples.n_visible(),
            });
        }
        if n_rows > self.positive.capacity() {
            self.make_room(n_rows)?;
        }
        let batch: Vec<u32> = (0..n_rows as u32).collect();
        self.positive.clamp(examples, &batch, self.config.seed, self.updates << 32);
        self.sweep();
        self.mean_hidden();
        self.ascend()
    }

    /// Makes the buffers fit mini-batches of so many examples.
    fn make_room(&mut self, n_rows: usize) -> Result<()> {
        self.config.check_rows(n_rows, self.examples.n_visible())?;
        let isa = self.parameters.image().isa;
        self.positive = PositivePhase::new(isa, n_rows, self.examples.n_visible());
        let chains = &self.negative.chains.visible;
        self.statistics =
            Statistics::new(self.positive.visible(), chains, self.parameters.image().n_hidden());
        let (data, chains) = self.statistics.capacities();
        self.gradient.set_row_capacity(data + chains);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Averaging, Schedule};
    use ndarray::{Array1, Array2};

    fn config() -> TrainConfig {
        TrainConfig {
            hidden: Some(70),
            epochs: Some(40),
            chains: Some(20),
            schedule: Schedule::Constant,
            ..TrainConfig::default()
        }
    }

    fn chunk(n: usize, first: usize) -> Examples {
        let value = |n: usize, i: usize| ((n * 7 + i * i) % 5) as f32 / 4.0;
        let rows = Array2::from_shape_fn((n, 90), |(n, i)| value(first + n, i));
        Examples::new(Dataset::from_reals("chunk", rows).unwrap(), Binarization::None)
    }

    fn online(config: &TrainConfig) -> (Vec<f32>, Trainer) {
        let mean = vec![0.25; 90];
        let rbm = Rbm::initial(70, &Array1::from_elem(90, 0.25), 10, 0).unwrap();
        let trainer = Trainer::online(config.clone(), &mean, &rbm).unwrap();
        (mean, trainer)
    }

    /// Of 10 examples twice and of the 20 together once: the same mean gradient.
    #[test]
    fn an_update_divides_by_the_examples_that_it_was_given() {
        let doubled =
            Array2::from_shape_fn((20, 90), |(n, i)| ((n % 10 * 7 + i * i) % 5) as f32 / 4.0);
        let doubled = Dataset::from_reals("doubled", doubled).unwrap();
        let (mut one, mut two) = (online(&config()).1, online(&config()).1);
        one.update_on(&chunk(10, 0)).unwrap();
        two.update_on(&Examples::new(doubled, Binarization::None)).unwrap();
        let apart = (one.rbm().weights() - two.rbm().weights()).mapv(f32::abs);
        assert!(apart.iter().all(|&x| x < 1e-6));
        let moved = (one.rbm().weights() - online(&config()).1.rbm().weights()).mapv(f32::abs);
        assert!(moved.iter().any(|&x| x > 1e-3));
    }

    #[test]
    fn bits_and_numbers_may_take_turns() {
        let bits = |n: usize| {
            let bits = BitMatrix::from_fn(n, 90, |n, i| (n * n + i) % 3 == 0);
            Examples::new(Dataset::from_bits("bits", bits), Binarization::None)
        };
        let centred = TrainConfig { centering: true, ..config() };
        let (_, mut trainer) = online(&centred);
        for (n, is_real) in [(10, false), (10, true), (3, false), (100, true), (100, false)] {
            let before = trainer.rbm();
            trainer.update_on(&if is_real { chunk(n, 0) } else { bits(n) }).unwrap();
            assert_ne!(trainer.rbm(), before);
        }
        // What was clamped before makes no difference.
        let state = trainer.state();
        let mut fresh = Trainer::restore_online(centred.clone(), &[0.25; 90], &state).unwrap();
        trainer.update_on(&bits(7)).unwrap();
        fresh.update_on(&bits(7)).unwrap();
        assert_eq!(trainer.rbm(), fresh.rbm());
        // One has bits before the numbers, the other goes straight to them.
        let state = trainer.state();
        let mut fresh = Trainer::restore_online(centred.clone(), &[0.25; 90], &state).unwrap();
        trainer.update_on(&chunk(7, 0)).unwrap();
        fresh.update_on(&chunk(7, 0)).unwrap();
        assert_eq!(trainer.rbm(), fresh.rbm());
    }

    #[test]
    fn a_restored_run_goes_on_to_the_same_bits_whatever_the_sizes() {
        let config = TrainConfig {
            centering: true,
            momentum: 0.5,
            averaging: Averaging::Exponential(3.0),
            ..config()
        };
        let (mean, mut whole) = online(&config);
        let sizes = [10, 200, 1, 64, 65];
        let mut parts = whole.clone();
        for (at, &n) in sizes.iter().enumerate() {
            whole.update_on(&chunk(n, at)).unwrap();
            parts.update_on(&chunk(n, at)).unwrap();
            parts = Trainer::restore_online(config.clone(), &mean, &parts.state()).unwrap();
        }
        assert_eq!(whole.rbm(), parts.rbm());
        assert_eq!(whole.average(), parts.average());
        assert_eq!(whole.chains().hidden(), parts.chains().hidden());
    }

    #[test]
    fn stochastic_bits_are_drawn_anew_in_every_update() {
        let half = Dataset::from_reals("half", Array2::from_elem((50, 90), 0.5)).unwrap();
        let half = Examples::new(half, Binarization::Stochastic);
        let (_, mut trainer) = online(&config());
        let mut seen = Vec::new();
        for _ in 0..3 {
            trainer.update_on(&half).unwrap();
            seen.push(trainer.positive.visible().to_matrix());
        }
        assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
    }

    /// The mean of the data is beyond 1, so that the range is wider: a restored run has it as well.
    #[test]
    fn a_restored_run_has_the_range_of_its_data() {
        let large = |n: usize| {
            let rows = Array2::from_shape_fn((n, 90), |(n, i)| ((n + i) % 3) as f32 * 20.0);
            Examples::new(
                Dataset::from_rows("large", RealRows::from(rows.view())),
                Binarization::None,
            )
        };
        let mean = vec![20.0; 90];
        let rbm = Rbm::initial(70, &Array1::from_elem(90, 0.25), 10, 0).unwrap();
        let mut whole = Trainer::online(config(), &mean, &rbm).unwrap();
        let mut parts = whole.clone();
        for _ in 0..30 {
            whole.update_on(&large(10)).unwrap();
            parts.update_on(&large(10)).unwrap();
            parts = Trainer::restore_online(config(), &mean, &parts.state()).unwrap();
        }
        assert!(
            whole.rbm().norm() > 2048.0,
            "{}: too small for the usual range to end",
            whole.rbm().norm()
        );
        assert_eq!(whole.rbm(), parts.rbm());
        assert_eq!(whole.chains().hidden(), parts.chains().hidden());
    }

    #[test]
    fn what_cannot_be_trained_on_is_refused() {
        let (_, mut trainer) = online(&config());
        let wide = Dataset::from_bits("wide", BitMatrix::zeros(1, 91));
        let error = trainer.update_on(&Examples::new(wide, Binarization::None)).unwrap_err();
        assert!(error.to_string().contains("wide has 91 visible units"), "{error}");
        let many = Dataset::from_bits("many", BitMatrix::zeros(MAX_ROWS + 1, 90));
        let error = trainer.update_on(&Examples::new(many, Binarization::None)).unwrap_err();
        assert!(
            error.to_string().starts_with("the number of examples of an update is 32768, but must"),
            "{error}"
        );
        let cd = TrainConfig { algorithm: Algorithm::Cd, chains: None, ..config() };
        let error = Trainer::online(cd, &[0.5; 90], &trainer.rbm()).unwrap_err();
        assert!(error.to_string().starts_with("algorithm is cd, but must be pcd or pt"), "{error}");
    }
}
