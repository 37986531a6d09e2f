//! Training on mini-batches from the caller.

use super::ascent::{Ascent, check_units};
use super::config::{MAX_ROWS, TrainConfig};
use super::outset::Outset;
use super::positive_phase::Batch;
use super::range::Range;
use super::timetable::Timetable;
use crate::bits::{BitMatrix, BitPanels};
use crate::dataset::Examples;
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::model::{Rbm, check_data_mean};
use crate::setting::check;
use crate::state::State;
use crate::units::Units;
use crate::watch::Watch;

/// The updates in an epoch of such a run. Averages count in epochs, and the range is checked at the end
/// of each. The chains start at this many draws from the mean of the data, in turn.
pub const UPDATES_OF_AN_EPOCH: usize = 100;

/// The default number of epochs: 5,000 updates.
const USUAL_EPOCHS: usize = 50;

/// A run that holds no data but their mean (V), from which chains, offsets and temperatures start. The
/// caller gives each update its examples by [`update_on`](Self::update_on).
///
/// ```
/// use harmonium::dataset::{Binarization, Dataset, Examples};
/// use harmonium::kernels::Isa;
/// use harmonium::train::OnlineTrainer;
/// use harmonium::{BitMatrix, Rbm, TrainConfig};
/// let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
/// let bars = Examples::new(Dataset::from_bits("bars", bars), Binarization::None);
/// let config = TrainConfig { hidden: Some(3), epochs: Some(100), ..TrainConfig::default() };
/// let rbm = Rbm::initial(3, &bars.mean(), 4, config.seed)?;
/// let mut trainer = OnlineTrainer::new(config, &[0.5, 0.5], &rbm, Isa::fastest())?;
/// trainer.update_on(&bars)?;
/// assert_eq!(trainer.ascent().updates(), 1);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OnlineTrainer {
    ascent: Ascent,
}

/// The plan of such a run, which treats its data as infinite.
fn timetable(config: TrainConfig, n_visible: usize, n_hidden: usize) -> Result<Timetable> {
    config.validate()?;
    check("algorithm", config.algorithm, config.algorithm.chains_are_samples(), || {
        "pcd or pt for training in chunks: chains of cd start at examples".to_string()
    })?;
    if let Some(missing) = config.missing {
        check("missing", missing, false, || "left out for training in chunks".to_string())?;
    }
    let epochs = config.epochs.or(config.updates.is_none().then_some(USUAL_EPOCHS));
    let config = TrainConfig { hidden: config.hidden.or(Some(n_hidden)), epochs, ..config };
    Ok(Timetable::new(config.for_data(usize::MAX, n_visible), UPDATES_OF_AN_EPOCH as u64))
}

/// Refuses a mean of the data that is not V wide or not finite.
fn check_mean(mean: &[f32], n_visible: usize) -> Result<()> {
    check_data_mean(&mean.iter().copied().collect(), n_visible)
}

impl OnlineTrainer {
    /// A run from the parameters of a model. An epoch has 100 updates.
    ///
    /// # Errors
    /// As [`Trainer::from_model`](super::Trainer::from_model); [`Error::InvalidSetting`](crate::Error::InvalidSetting) for
    /// contrastive divergence.
    pub fn new(config: TrainConfig, mean: &[f32], rbm: &Rbm, isa: Isa) -> Result<Self> {
        let timetable = timetable(config, rbm.n_visible(), rbm.n_hidden())?;
        Ascent::check_memory(&timetable.config, 1, rbm.n_visible(), &[])?;
        check_mean(mean, rbm.n_visible())?;
        check("visible units", "sites of several values", rbm.visible_units().are_bits(), || {
            "bits or numbers for training in chunks".to_string()
        })?;
        let outset = Outset::of_mean(&timetable.config, mean, UPDATES_OF_AN_EPOCH, isa);
        Ok(Self { ascent: Ascent::start(timetable, &outset, rbm, isa)? })
    }

    /// A run that continues from the [`state`](Ascent::state) of another with the same settings and mean.
    ///
    /// # Errors
    /// As [`Trainer::restore`](super::Trainer::restore); [`Error::InvalidSetting`](crate::Error::InvalidSetting)
    /// for a mean that is not V wide or not finite.
    pub fn restore(config: TrainConfig, mean: &[f32], state: &State, isa: Isa) -> Result<Self> {
        check_mean(mean, state.n_rows("visible_bias")?)?;
        let timetable = timetable(config, mean.len(), state.n_rows("hidden_bias")?)?;
        Ascent::check_memory(&timetable.config, 1, mean.len(), &[])?;
        let outset = Outset::of_mean(&timetable.config, mean, UPDATES_OF_AN_EPOCH, isa);
        if Self::is_of_this_version(state) {
            return Ok(Self { ascent: Ascent::restore(timetable, &outset, state, isa)? });
        }
        let (_, mut state) = state.clone().split("range");
        let hidden = Units::bits(timetable.config.n_hidden());
        let rbm = Rbm::restore("", &state, [&outset.units, &hidden])?;
        Range::of(&rbm, outset.scale(hidden.n_units()))?.save(&mut state);
        Ok(Self { ascent: Ascent::restore(timetable, &outset, &state, isa)? })
    }

    /// Whether a trainer that is [restored](Self::restore) from this state goes on to the bits that it would
    /// have had. One of stream version 1 goes on with other draws and another rounding: its state has no
    /// format of weights.
    pub fn is_of_this_version(state: &State) -> bool {
        state.has("format")
    }

    /// Sets the hidden states of the chains (C, H).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for another shape.
    pub fn set_hidden(&mut self, hidden: &BitMatrix) -> Result<()> {
        let chains = &mut self.ascent.negative.chains;
        let shape = (hidden.n_rows(), hidden.n_columns());
        let expected = (chains.n_chains(), chains.hidden.n_columns());
        check("the shape of hidden_states", format!("{shape:?}"), shape == expected, || {
            format!("{expected:?}: (chains, hidden)")
        })?;
        chains.hidden.copy_from(&BitPanels::from_matrix(hidden));
        Ok(())
    }

    /// Updates the parameters once. All of `examples`, 1 to 32,767, are the mini-batch. Stochastic bits of
    /// example n have the address 2³² · update + n.
    ///
    /// # Errors
    /// As [`Trainer::update`](super::Trainer::update); [`Error::WidthMismatch`](crate::Error::WidthMismatch) and
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if the width is not V or there are too many examples.
    ///
    /// # Panics
    /// If the run [is done](Ascent::is_done).
    pub fn update_on(&mut self, examples: &Examples) -> Result<()> {
        self.update_on_watched(examples, Watch::default())
    }

    /// [`update_on`](Self::update_on) under a watch, as
    /// [`Trainer::update_watched`](super::Trainer::update_watched).
    ///
    /// # Errors
    /// As [`update_on`](Self::update_on); [`Error::Interrupted`](crate::Error::Interrupted), which leaves the
    /// trainer as it was before this update.
    ///
    /// # Panics
    /// If the run [is done](Ascent::is_done).
    pub fn update_on_watched(&mut self, examples: &Examples, watch: Watch<'_>) -> Result<()> {
        assert!(!self.ascent.is_done(), "all updates of the run are done");
        let n_rows = examples.n_examples();
        let setting = "the number of examples of an update";
        check(setting, n_rows, n_rows <= MAX_ROWS, || format!("at most {MAX_ROWS}"))?;
        check_units(examples, &self.ascent.parameters().exact.visible_units)?;
        if examples.missing().is_some() {
            let rule = "has missing values; give all examples in one call to train on such data";
            return Err(Error::Unsuitable { path: examples.name().into(), rule: rule.into() });
        }
        self.ascent.make_room(n_rows)?;
        let rows: Vec<u32> = (0..n_rows as u32).collect();
        let first_address = self.ascent.updates() << 32;
        self.ascent.update(Batch { examples, rows: &rows, first_address }, watch, || ())
    }

    /// The parameters, the chains and the place in the run.
    pub fn ascent(&self) -> &Ascent {
        &self.ascent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Dataset};
    use crate::reals::RealRows;
    use crate::states::States;
    use crate::train::{Algorithm, Averaging, Schedule};
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
        Examples::new(Dataset::from_intensities("chunk", rows).unwrap(), Binarization::None)
    }

    fn online(config: &TrainConfig) -> (Vec<f32>, OnlineTrainer) {
        let mean = vec![0.25; 90];
        let rbm = Rbm::initial(70, &Array1::from_elem(90, 0.25), 10, 0).unwrap();
        let trainer = OnlineTrainer::new(config.clone(), &mean, &rbm, Isa::fastest()).unwrap();
        (mean, trainer)
    }

    #[test]
    fn a_mean_or_hidden_states_that_do_not_fit_are_refused() {
        let (mean, mut trainer) = online(&config());
        let state = trainer.ascent().state();
        let restored = |mean: &[f32]| {
            OnlineTrainer::restore(config(), mean, &state, Isa::fastest()).map(|_| ())
        };
        let nan = [vec![f32::NAN], mean[1..].to_vec()].concat();
        for (mean, message) in [
            (&nan[..], "a value of data_mean is NaN, but must be finite"),
            (&[], "length of data_mean is 0, but must be 90, the number of visible units"),
            (&mean[1..], "length of data_mean is 89, but must be 90, the number of visible units"),
        ] {
            assert_eq!(restored(mean).unwrap_err().to_string(), message);
        }
        restored(&mean).unwrap();
        let message =
            "the shape of hidden_states is (20, 7), but must be (20, 70): (chains, hidden)";
        let refused = trainer.set_hidden(&BitMatrix::zeros(20, 7)).unwrap_err();
        assert_eq!(refused.to_string(), message);
        trainer.set_hidden(&BitMatrix::zeros(20, 70)).unwrap();
        assert_eq!(trainer.ascent().chains().hidden(), BitMatrix::zeros(20, 70));
    }

    #[test]
    fn settings_stay_as_given_and_a_restored_run_keeps_them() {
        let (mean, trainer) = online(&TrainConfig { batch_size: 77, epochs: None, ..config() });
        let found = trainer.ascent().config();
        assert_eq!((found.batch_size, found.epochs, found.chains), (77, Some(50), Some(20)));
        assert_eq!(trainer.ascent().timetable().total_updates, 5000);
        let again =
            OnlineTrainer::restore(found.clone(), &mean, &trainer.ascent().state(), Isa::BASELINE);
        assert_eq!(again.unwrap().ascent().config(), found);
    }

    /// 10 examples, and the same 10 twice, have the same mean gradient, but for the rounding of p̃.
    #[test]
    fn an_update_divides_by_the_number_of_its_examples() {
        let doubled =
            Array2::from_shape_fn((20, 90), |(n, i)| ((n % 10 * 7 + i * i) % 5) as f32 / 4.0);
        let doubled = Dataset::from_intensities("doubled", doubled).unwrap();
        let (mut one, mut two) = (online(&config()).1, online(&config()).1);
        one.update_on(&chunk(10, 0)).unwrap();
        two.update_on(&Examples::new(doubled, Binarization::None)).unwrap();
        let weights = |trainer: &OnlineTrainer| trainer.ascent().current().weights().clone();
        let start = weights(&online(&config()).1);
        let distance = |a: &Array2<f32>, b: &Array2<f32>| (a - b).mapv(f32::abs).sum();
        let (moved, apart) =
            (distance(&weights(&one), &start), distance(&weights(&one), &weights(&two)));
        assert!(moved > 1.0 && apart < 0.1 * moved, "{moved}, {apart}");
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
            let before = trainer.ascent().current();
            trainer.update_on(&if is_real { chunk(n, 0) } else { bits(n) }).unwrap();
            assert_ne!(trainer.ascent().current(), before);
        }
        // Earlier mini-batches make no difference.
        let state = trainer.ascent().state();
        let mut fresh =
            OnlineTrainer::restore(centred.clone(), &[0.25; 90], &state, Isa::BASELINE).unwrap();
        trainer.update_on(&bits(7)).unwrap();
        fresh.update_on(&bits(7)).unwrap();
        assert_eq!(trainer.ascent().current(), fresh.ascent().current());
        // One takes bits before the numbers, the other takes numbers at once.
        let state = trainer.ascent().state();
        let mut fresh =
            OnlineTrainer::restore(centred.clone(), &[0.25; 90], &state, Isa::BASELINE).unwrap();
        trainer.update_on(&chunk(7, 0)).unwrap();
        fresh.update_on(&chunk(7, 0)).unwrap();
        assert_eq!(trainer.ascent().current(), fresh.ascent().current());
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
            parts = OnlineTrainer::restore(
                config.clone(),
                &mean,
                &parts.ascent().state(),
                Isa::BASELINE,
            )
            .unwrap();
        }
        assert_eq!(whole.ascent().current(), parts.ascent().current());
        assert_eq!(whole.ascent().average(), parts.ascent().average());
        assert_eq!(whole.ascent().chains().hidden(), parts.ascent().chains().hidden());
    }

    #[test]
    fn stochastic_bits_are_drawn_anew_in_every_update() {
        let half = Dataset::from_intensities("half", Array2::from_elem((50, 90), 0.5)).unwrap();
        let half = Examples::new(half, Binarization::Stochastic);
        let (_, mut trainer) = online(&config());
        let mut seen = Vec::new();
        for _ in 0..3 {
            trainer.update_on(&half).unwrap();
            let States::Bits(bits) = trainer.ascent.positive.visible() else { panic!("numbers") };
            seen.push(bits.to_matrix());
        }
        assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
    }

    /// A mean above 1 widens the range; a restored run has the same range.
    #[test]
    fn a_restored_run_has_the_range_of_its_data() {
        let large = |n: usize| {
            let rows = Array2::from_shape_fn((n, 90), |(n, i)| ((n + i) % 3) as f32 * 20.0);
            Examples::new(
                Dataset::from_numbers("large", RealRows::from(rows.view())),
                Binarization::None,
            )
        };
        let mean = vec![20.0; 90];
        let rbm = Rbm::initial(70, &Array1::from_elem(90, 0.25), 10, 0).unwrap();
        let mut whole = OnlineTrainer::new(config(), &mean, &rbm, Isa::fastest()).unwrap();
        let mut parts = whole.clone();
        for _ in 0..30 {
            whole.update_on(&large(10)).unwrap();
            parts.update_on(&large(10)).unwrap();
            parts = OnlineTrainer::restore(config(), &mean, &parts.ascent().state(), Isa::BASELINE)
                .unwrap();
        }
        assert!(
            whole.ascent().current().norm() > 2048.0,
            "{}: too small to leave the usual range",
            whole.ascent().current().norm()
        );
        assert_eq!(whole.ascent().current(), parts.ascent().current());
        assert_eq!(whole.ascent().chains().hidden(), parts.ascent().chains().hidden());
    }

    #[test]
    fn unsuitable_examples_are_refused() {
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
        let error = OnlineTrainer::new(cd, &[0.5; 90], &trainer.ascent().current(), Isa::fastest())
            .unwrap_err();
        assert!(error.to_string().starts_with("algorithm is cd, but must be pcd or pt"), "{error}");
    }
}
