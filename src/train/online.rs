//! Training on mini-batches from the caller.

use super::ascent::{Ascent, check_sites, check_units};
use super::config::{MAX_ROWS, TrainConfig};
use super::outset::{DataOutline, Outset};
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

/// A run that holds no data but their [outline](DataOutline). The caller gives each update its examples by
/// [`update_on`](Self::update_on).
///
/// ```
/// use harmonium::dataset::{Binarization, Dataset, Examples};
/// use harmonium::Isa;
/// use harmonium::train::{DataOutline, OnlineTrainer};
/// use harmonium::{BitMatrix, Rbm, TrainConfig};
/// let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
/// let bars = Examples::new(Dataset::from_bits("bars", bars), Binarization::None);
/// let config = TrainConfig { hidden: Some(3), epochs: Some(100), ..TrainConfig::default() };
/// let rbm = Rbm::initial(3, &bars.mean(), 4, config.seed)?;
/// let mut trainer = OnlineTrainer::new(config, &DataOutline::of(&bars), &rbm, Isa::fastest())?;
/// trainer.update_on(&bars)?;
/// assert_eq!(trainer.ascent().updates(), 1);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OnlineTrainer {
    ascent: Ascent,
    has_labels: bool,
}

/// The plan of such a run, which treats its data as infinite.
fn timetable(config: TrainConfig, n_visible: usize, n_hidden: usize) -> Result<Timetable> {
    config.validate()?;
    let starts_anywhere = !config.objective.needs_chains() || config.algorithm.chains_are_samples();
    check("algorithm", config.algorithm, starts_anywhere, || {
        "pcd or pt for training in chunks: chains of cd start at examples".to_string()
    })?;
    if let Some(missing) = config.missing {
        check("missing", missing, false, || "left out for training in chunks".to_string())?;
    }
    let epochs = config.epochs.or(config.updates.is_none().then_some(USUAL_EPOCHS));
    let config = TrainConfig { hidden: config.hidden.or(Some(n_hidden)), epochs, ..config };
    Ok(Timetable::new(config.for_data(usize::MAX, n_visible), UPDATES_OF_AN_EPOCH as u64))
}

/// Refuses a mean of the data that is not V wide or not finite, and a label of one class.
fn check_outline(data: &DataOutline, n_visible: usize) -> Result<()> {
    check_data_mean(&data.mean.iter().copied().collect(), n_visible)?;
    let n_units = data.units.n_units();
    check("the number of units of the data", n_units, n_units == n_visible, || {
        format!("{n_visible}, as in the model")
    })?;
    let is_label = data.units.sites().last().is_some_and(|last| last.len() > 1);
    check("the last site of the data", "a bit", !data.has_labels || is_label, || {
        "a category, as it is a label".to_string()
    })
}

impl OnlineTrainer {
    /// A run from the parameters of a model. An epoch has 100 updates.
    ///
    /// # Errors
    /// As [`Trainer::from_model`](super::Trainer::from_model); [`Error::InvalidSetting`](crate::Error::InvalidSetting)
    /// for contrastive divergence.
    pub fn new(config: TrainConfig, data: &DataOutline, rbm: &Rbm, isa: Isa) -> Result<Self> {
        let timetable = timetable(config, rbm.n_visible(), rbm.n_hidden())?;
        Ascent::check_memory(&timetable.config, 1, rbm.visible_units().layout(), &[])?;
        check_outline(data, rbm.n_visible())?;
        check_sites("the data", &data.units, rbm.visible_units())?;
        let outset = Outset::of_outline(&timetable.config, data, UPDATES_OF_AN_EPOCH, isa);
        let has_labels = data.has_labels;
        Ok(Self { ascent: Ascent::start(timetable, &outset, rbm, isa)?, has_labels })
    }

    /// A run that continues from the [`state`](Ascent::state) of another with the same settings and outline.
    ///
    /// # Errors
    /// As [`Trainer::restore`](super::Trainer::restore); [`Error::InvalidSetting`](crate::Error::InvalidSetting)
    /// for a mean that is not V wide or not finite.
    pub fn restore(
        config: TrainConfig,
        data: &DataOutline,
        state: &State,
        isa: Isa,
    ) -> Result<Self> {
        check_outline(data, state.n_rows("visible_bias")?)?;
        let timetable = timetable(config, data.mean.len(), state.n_rows("hidden_bias")?)?;
        Ascent::check_memory(&timetable.config, 1, data.units.layout(), &[])?;
        let outset = Outset::of_outline(&timetable.config, data, UPDATES_OF_AN_EPOCH, isa);
        let has_labels = data.has_labels;
        if Self::is_of_this_version(state) {
            return Ok(Self {
                ascent: Ascent::restore(timetable, &outset, state, isa)?,
                has_labels,
            });
        }
        let (_, mut state) = state.clone().split("range");
        let hidden = Units::bits(timetable.config.n_hidden());
        let rbm = Rbm::restore("", &state, [&outset.units, &hidden])?;
        Range::of(&rbm, outset.scale(hidden.n_units()))?.save(&mut state);
        Ok(Self { ascent: Ascent::restore(timetable, &outset, &state, isa)?, has_labels })
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
        if hidden.n_rows() > 0 {
            chains.hidden.copy_from(&BitPanels::from_matrix(hidden));
        }
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
        // What is missing also shows in the units, but less clearly.
        self.check_whole(examples)?;
        check_units(examples, &self.ascent.parameters().exact.visible_units)?;
        self.ascent.make_room(n_rows)?;
        let rows: Vec<u32> = (0..n_rows as u32).collect();
        let first_address = self.ascent.updates() << 32;
        self.ascent.update(Batch { examples, rows: &rows, first_address }, watch, || ())
    }

    /// Refuses examples that lack a value or a label, or that have labels which the run does not learn.
    fn check_whole(&self, examples: &Examples) -> Result<()> {
        let rule = match examples.labels() {
            _ if examples.missing().is_some() => {
                "has missing values; give all examples in one call to train on such data"
            }
            _ if examples.n_labelled() < examples.n_examples() => {
                "has examples without a label; give all examples in one call to train on such data"
            }
            None if self.has_labels => "has no labels, but the run learns them; give them",
            Some(_) if !self.has_labels => {
                "has labels, but the run began without; leave them out, or start with labels"
            }
            _ => return Ok(()),
        };
        Err(Error::Unsuitable { path: examples.name().into(), rule: rule.into() })
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
    use crate::dataset::{Binarization, Classes, Dataset, Labels};
    use crate::reals::RealRows;
    use crate::states::States;
    use crate::train::{Algorithm, Averaging, Objective, Schedule, Trainer};
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

    fn online(config: &TrainConfig) -> (DataOutline, OnlineTrainer) {
        let mean = DataOutline::of_bits(vec![0.25; 90]);
        let rbm = Rbm::initial(70, &Array1::from_elem(90, 0.25), 10, 0).unwrap();
        let trainer = OnlineTrainer::new(config.clone(), &mean, &rbm, Isa::fastest()).unwrap();
        (mean, trainer)
    }

    #[test]
    fn a_mean_or_hidden_states_that_do_not_fit_are_refused() {
        let (mean, mut trainer) = online(&config());
        let state = trainer.ascent().state();
        let restored = |mean: &[f32]| {
            let outline = DataOutline::of_bits(mean.to_vec());
            OnlineTrainer::restore(config(), &outline, &state, Isa::fastest()).map(|_| ())
        };
        let mean = &mean.mean[..];
        let nan = [vec![f32::NAN], mean[1..].to_vec()].concat();
        for (mean, message) in [
            (&nan[..], "a value of data_mean is NaN, but must be finite"),
            (&[], "length of data_mean is 0, but must be 90, the number of visible units"),
            (&mean[1..], "length of data_mean is 89, but must be 90, the number of visible units"),
        ] {
            assert_eq!(restored(mean).unwrap_err().to_string(), message);
        }
        restored(mean).unwrap();
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
        let (mean, mut trainer) = online(&centred);
        for (n, is_real) in [(10, false), (10, true), (3, false), (100, true), (100, false)] {
            let before = trainer.ascent().current();
            trainer.update_on(&if is_real { chunk(n, 0) } else { bits(n) }).unwrap();
            assert_ne!(trainer.ascent().current(), before);
        }
        // Earlier mini-batches make no difference.
        let state = trainer.ascent().state();
        let mut fresh =
            OnlineTrainer::restore(centred.clone(), &mean, &state, Isa::BASELINE).unwrap();
        trainer.update_on(&bits(7)).unwrap();
        fresh.update_on(&bits(7)).unwrap();
        assert_eq!(trainer.ascent().current(), fresh.ascent().current());
        // One takes bits before the numbers, the other takes numbers at once.
        let state = trainer.ascent().state();
        let mut fresh =
            OnlineTrainer::restore(centred.clone(), &mean, &state, Isa::BASELINE).unwrap();
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
        let mean = DataOutline::of_bits(vec![20.0; 90]);
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
        let (mean, mut trainer) = online(&config());
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
        let error =
            OnlineTrainer::new(cd, &mean, &trainer.ascent().current(), Isa::fastest()).unwrap_err();
        assert!(error.to_string().starts_with("algorithm is cd, but must be pcd or pt"), "{error}");
    }

    /// Examples of a category of three values, three bits, and a label of three classes that goes with them.
    fn labelled(n: usize, first: usize, label: impl Fn(usize) -> Option<u8>) -> Examples {
        let is_on = |n: usize, unit: usize| match unit {
            0..3 => n % 3 == unit,
            _ => (n * n + unit * n) % 5 < 2,
        };
        let bits = BitMatrix::from_fn(n, 6, |n, unit| is_on(first + n, unit));
        let sites = Units::of_sites([3, 1, 1, 1]).unwrap();
        let names = ["a", "b", "c"].map(String::from).to_vec();
        let labels = (0..n).map(|n| label(first + n)).collect();
        let labels = Labels::of_states(Classes::new("y", names).unwrap(), labels);
        let data = Dataset::from_sites("few", sites, bits).unwrap().labelled(labels).unwrap();
        Examples::new(data, Binarization::Stochastic)
    }

    fn of_labels(objective: Objective) -> TrainConfig {
        let chains = objective.needs_chains().then_some(20);
        TrainConfig {
            hidden: Some(70),
            batch_size: 60,
            shuffle: false,
            chains,
            objective,
            algorithm: if chains.is_some() { Algorithm::Pcd } else { Algorithm::Auto },
            ..config()
        }
    }

    const OBJECTIVES: [Objective; 3] =
        [Objective::Generative, Objective::Discriminative, Objective::Hybrid(0.3)];

    /// Of the same mini-batches, and chains with the same h, a run in chunks learns what a run on all data does.
    #[test]
    fn chunks_of_labelled_sites_teach_what_the_whole_data_do() {
        let all = labelled(120, 0, |n| Some((n * n % 3) as u8));
        for objective in OBJECTIVES {
            let mut trainer = Trainer::new(of_labels(objective), all.clone()).unwrap();
            let start = trainer.current();
            let outline = DataOutline::of(&all);
            let config = of_labels(objective);
            let mut online = OnlineTrainer::new(config, &outline, &start, Isa::fastest()).unwrap();
            online.set_hidden(&trainer.chains().hidden()).unwrap();
            for update in 0..6 {
                trainer.update().unwrap();
                let chunk = labelled(60, update % 2 * 60, |n| Some((n * n % 3) as u8));
                online.update_on(&chunk).unwrap();
            }
            assert_eq!(online.ascent().current(), trainer.current(), "{objective}");
            assert_ne!(online.ascent().current(), start);
        }
    }

    #[test]
    fn a_restored_run_on_labels_goes_on_to_the_same_bits() {
        let chunk = |n, first| labelled(n, first, |n| Some((n % 3) as u8));
        let outline = DataOutline::of(&chunk(30, 0));
        for objective in OBJECTIVES {
            let rbm = Rbm::initial_at(&chunk(30, 0).rates(), outline.units.clone(), 70, 0).unwrap();
            let config = of_labels(objective);
            let new = || OnlineTrainer::new(config.clone(), &outline, &rbm, Isa::fastest());
            let (mut whole, mut parts) = (new().unwrap(), new().unwrap());
            for (at, n) in [10, 200, 1, 64, 65].into_iter().enumerate() {
                whole.update_on(&chunk(n, at)).unwrap();
                parts.update_on(&chunk(n, at)).unwrap();
                let state = parts.ascent().state();
                parts = OnlineTrainer::restore(config.clone(), &outline, &state, Isa::BASELINE)
                    .unwrap();
            }
            assert_eq!(whole.ascent().current(), parts.ascent().current(), "{objective}");
        }
    }

    /// The chains start at one value of each site, in proportion to the mean.
    #[test]
    fn chains_of_sites_start_at_states_drawn_from_the_mean() {
        // Far from even: a value of each category has four examples of five, a bit is on in nine of ten.
        let value = |n: usize| [0, 1, 2][usize::from(n % 20 > 15) + usize::from(n % 20 > 18)];
        let bits = BitMatrix::from_fn(120, 6, |n, unit| match unit {
            0..3 => value(n) == unit,
            _ => (n + unit) % 10 > 0,
        });
        let names = ["a", "b", "c"].map(String::from).to_vec();
        let labels = (0..120).map(|n| Some(2 - value(n) as u8)).collect();
        let labels = Labels::of_states(Classes::new("y", names).unwrap(), labels);
        let sites = Units::of_sites([3, 1, 1, 1]).unwrap();
        let data = Dataset::from_sites("uneven", sites, bits).unwrap().labelled(labels).unwrap();
        let config = TrainConfig { chains: Some(3000), ..of_labels(Objective::Generative) };
        let outline = DataOutline::of(&Examples::new(data, Binarization::None));
        let outset = Outset::of_outline(&config, &outline, UPDATES_OF_AN_EPOCH, Isa::fastest());
        let chains = outset.chains.unwrap();
        outline.units.check_states("chains", &chains).unwrap();
        let means = Examples::new(Dataset::from_bits("chains", chains), Binarization::None).mean();
        for (found, &expected) in means.iter().zip(&outline.mean) {
            // The 100 draws in turn, with Laplace's rule: three standard errors of 0.05.
            assert!((found - f64::from(expected)).abs() < 0.16, "{means} {:?}", outline.mean);
        }
    }

    #[test]
    fn examples_without_their_labels_are_refused() {
        let all = labelled(30, 0, |n| Some((n % 3) as u8));
        let outline = DataOutline::of(&all);
        let rbm = Rbm::initial_at(&all.rates(), outline.units.clone(), 70, 0).unwrap();
        let start = |outline: &DataOutline| {
            let config = of_labels(Objective::Generative);
            OnlineTrainer::new(config, outline, &rbm, Isa::fastest())
        };
        let mut trainer = start(&outline).unwrap();
        let some = labelled(30, 0, |n| (n > 3).then_some(0));
        let error = trainer.update_on(&some).unwrap_err().to_string();
        assert!(error.starts_with("few: has examples without a label"), "{error}");
        let sites = Dataset::from_sites("sites", outline.units.clone(), all.fixed_bits(0, 0..30));
        let plain = Examples::new(sites.unwrap(), Binarization::None);
        let error = trainer.update_on(&plain).unwrap_err().to_string();
        assert!(error.starts_with("sites: has no labels"), "{error}");
        // That they are fewer units follows from it.
        let features = Dataset::from_bits("features", BitMatrix::zeros(1, 6));
        let error = trainer.update_on(&Examples::new(features, Binarization::None)).unwrap_err();
        assert!(error.to_string().starts_with("features: has no labels"), "{error}");
        let error = start(&DataOutline::of(&plain)).unwrap().update_on(&all).unwrap_err();
        assert!(error.to_string().starts_with("few: has labels, but the run began"), "{error}");
        let bits = DataOutline::of_bits(outline.mean.clone());
        let error = start(&bits).unwrap_err().to_string();
        assert!(error.starts_with("the data: has other sites than the model, but they"), "{error}");
        let error = start(&DataOutline { has_labels: true, ..bits }).unwrap_err().to_string();
        assert!(error.starts_with("the last site of the data is a bit"), "{error}");
        let discriminative = of_labels(Objective::Discriminative);
        let unlabelled = DataOutline { has_labels: false, ..outline };
        let error = OnlineTrainer::new(discriminative, &unlabelled, &rbm, Isa::fastest());
        let error = error.unwrap_err().to_string();
        assert!(error.contains("generative, as the examples have no labels"), "{error}");
    }
}
