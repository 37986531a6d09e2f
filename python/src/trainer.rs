//! The trainer.

use crate::arrays::{bits, booleans, dataset, turned};
use crate::errors::{DivergedError, to_py};
use crate::json::{from_json, to_json};
use crate::pool::{SLICE, without_lock};
use crate::rbm::Rbm;
use harmonium::TrainConfig;
use harmonium::dataset::{Binarization, Encoding, Examples};
use harmonium::monitor::Probe;
use harmonium::setting::fields;
use harmonium::state::State;
use ndarray::{Array1, Array2};
use numpy::{Element, IntoPyArray as _, PyArray1, PyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde_json::{Map, Value};
use std::time::Instant;

/// The key of a pickled trainer's settings.
const KEY: &str = "harmonium";

/// The settings of training with their defaults: those that `train` and `Trainer` take.
///
/// What is None there is left to the data: as many hidden units as visible ones, but at least 16 and at
/// most 500; 20 epochs, or as many as make 5,000 updates; as many chains as a mini-batch has examples, but
/// at least 128. A mini-batch has at most all examples. `Trainer.settings` has the numbers.
///
/// Examples
/// --------
/// >>> import harmonium
/// >>> settings = harmonium.default_settings()
/// >>> settings["learning_rate"], settings["schedule"], settings["hidden"]
/// (0.2, 'cosine', None)
#[pyfunction]
pub fn default_settings(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    from_json(py, &text(&TrainConfig::default()))
}

/// What pickle keeps: settings as JSON, the mean that it started at, the state, the examples it saw, and
/// what integers stand for.
type Pickled<'py> = (String, Vec<f32>, Bound<'py, PyBytes>, Option<Seen>, Option<u32>, bool);

/// The mean of the examples that a trainer has seen (V), and their number.
#[derive(Clone, FromPyObject, IntoPyObject)]
#[pyo3(from_item_all)]
struct Seen {
    mean: Vec<f64>,
    n_examples: usize,
}

impl Seen {
    fn nothing(n_visible: usize) -> Self {
        Self { mean: vec![0.0; n_visible], n_examples: 0 }
    }

    /// The mean, if there is any.
    fn mean(&self) -> Option<Array1<f32>> {
        (self.n_examples > 0).then(|| self.mean.iter().map(|&x| x as f32).collect())
    }

    fn add(&mut self, examples: &Examples) {
        self.n_examples += examples.n_examples();
        let share = examples.n_examples() as f64 / self.n_examples as f64;
        for (mean, x) in self.mean.iter_mut().zip(examples.mean()) {
            *mean += share * (x - *mean);
        }
    }
}

/// Settings as JSON.
fn text(config: &TrainConfig) -> String {
    Value::Object(fields(config)).to_string()
}

/// A run of training, to be led by hand.
///
/// Parameters
/// ----------
/// data : array-like or sparse matrix of shape (n_examples, n_visible)
///     0 and 1, floating-point intensities from 0 to 1, or integers of which it is declared, or
///     cannot be mistaken, what they stand for: see `grey_levels`.
/// initial : Rbm, optional
///     Parameters to start from.
/// held_out : array-like or sparse matrix, optional
///     Data that metrics are also taken of.
/// as_numbers : bool
///     Take any finite floating-point numbers, as they are.
/// grey_levels : int from 1 to 65,535, or None
///     Integers k are grey levels: intensities k / grey_levels. None: integers from 0 to 255 of which
///     some are above 127 are grey levels of 255, with a warning; any others but 0 and 1 are refused.
/// spins : bool
///     -1 and 1 stand for 0 and 1.
/// threads : int, or None for all cores
///     The result does not depend on it.
/// **settings
///     The settings of training, by the names that the command line has; see `default_settings`.
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> from harmonium import Trainer
/// >>> bars = np.array([[0, 0], [1, 1]] * 10)
/// >>> trainer = Trainer(bars, hidden=4, epochs=3, batch_size=5)
/// >>> trainer.run(until=2 * trainer.updates_per_epoch)
/// >>> trainer.updates, trainer.total_updates
/// (8, 12)
/// >>> trainer.run()
/// >>> trainer.model
/// Rbm(n_visible=2, n_hidden=4)
#[pyclass(module = "harmonium")]
pub struct Trainer {
    trainer: harmonium::Trainer,
    /// What metrics look at: made when they are first asked for.
    probe: Option<Probe>,
    held_out: Option<Examples>,
    /// Wall time of training, in seconds, and what it was at the last record: of updates, too.
    seconds: f64,
    recorded: (f64, u64),
    /// The mean of the data that it started at, of a run that gets its examples from outside.
    mean: Option<Vec<f32>>,
    /// None of one that was pickled before they were kept: what it learned from is not known.
    seen: Option<Seen>,
    outside: Option<(usize, usize, f64)>,
    /// What integers stand for in the data.
    encoding: Encoding,
    /// Parameters beyond their range are of no use.
    has_diverged: bool,
}

impl Trainer {
    fn of(
        trainer: harmonium::Trainer,
        (mean, seen): (Option<Vec<f32>>, Option<Seen>),
        outside: Option<(usize, usize, f64)>,
        encoding: Encoding,
    ) -> Self {
        let recorded = (0.0, trainer.updates());
        let (probe, held_out) = (None, None);
        let (seconds, has_diverged) = (0.0, false);
        Self {
            trainer,
            probe,
            held_out,
            seconds,
            recorded,
            mean,
            seen,
            outside,
            encoding,
            has_diverged,
        }
    }

    /// The mean of the examples so far (V), if it is known.
    fn mean_seen(&self) -> Option<Array1<f32>> {
        self.seen.as_ref().and_then(Seen::mean)
    }

    /// A machine that it trained.
    fn trained(&self, rbm: harmonium::Rbm) -> Rbm {
        Rbm::of(rbm, self.encoding, self.mean_seen())
    }

    fn check_usable(&self) -> PyResult<()> {
        if self.has_diverged {
            return Err(DivergedError::new_err(
                "this trainer has diverged: its parameters are of no use; begin anew with a smaller \
                 learning_rate",
            ));
        }
        Ok(())
    }

    fn arrays_of<'py, T: Element + Copy + Default + Send + Sync>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        number: impl Fn(f32) -> T + Sync + Send,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (weights, hidden_bias, visible_bias, states) = without_lock(py, threads, || {
            let rbm = self.trainer.model();
            let hidden = self.trainer.chains().hidden();
            let shape = (hidden.n_rows(), hidden.n_columns());
            let states = Array2::from_shape_fn(shape, |(n, j)| number(hidden.get(n, j).into()));
            let bias = |values: &Array1<f32>| values.mapv(&number);
            let (hidden_bias, visible_bias) = (bias(rbm.hidden_bias()), bias(rbm.visible_bias()));
            Ok((turned(rbm.weights().view(), &number), hidden_bias, visible_bias, states))
        })?;
        Ok(vec![
            weights.into_pyarray(py).into_any(),
            hidden_bias.into_pyarray(py).into_any(),
            visible_bias.into_pyarray(py).into_any(),
            states.into_pyarray(py).into_any(),
        ])
    }
}

fn config(settings: Option<&Bound<'_, PyDict>>) -> PyResult<TrainConfig> {
    settings.map_or_else(|| Ok(TrainConfig::default()), |settings| parse(&to_json(settings)?))
}

fn parse(settings: &str) -> PyResult<TrainConfig> {
    serde_json::from_str(settings).map_err(|cause| {
        // One after the other: the message does not say whose value it is.
        let all: Map<String, Value> = serde_json::from_str(settings).unwrap_or_default();
        let alone = |(name, value): (String, Value)| {
            let one = Value::Object(Map::from_iter([(name.clone(), value)]));
            serde_json::from_value::<TrainConfig>(one).err().map(|cause| (name, cause.to_string()))
        };
        match all.into_iter().find_map(alone) {
            Some((_, cause)) if cause.starts_with("unknown field") => PyTypeError::new_err(cause),
            Some((name, cause)) if cause.starts_with("invalid type") => {
                PyTypeError::new_err(format!("{name}: {cause}"))
            }
            Some((name, cause)) if cause.starts_with("invalid value") => {
                PyValueError::new_err(format!("{name}: {cause}"))
            }
            Some((_, cause)) => PyValueError::new_err(cause),
            None => PyValueError::new_err(cause.to_string()),
        }
    })
}

/// How data become examples.
struct Reading {
    binarize: Binarization,
    /// What integers stand for.
    encoding: Encoding,
    /// Whether floating-point numbers need not be intensities.
    as_numbers: bool,
    threads: Option<usize>,
}

impl Reading {
    /// Data as examples; what integers stood for in them stands for all that are read after.
    fn examples(&mut self, data: &Bound<'_, PyAny>) -> PyResult<Examples> {
        let dataset = dataset(data, self.encoding, self.threads)?;
        if !self.as_numbers {
            dataset.check_intensities().map_err(to_py)?;
        }
        self.encoding = self.encoding.or(dataset.encoding());
        Ok(Examples::new(dataset, self.binarize))
    }
}

#[pymethods]
impl Trainer {
    #[new]
    #[pyo3(signature = (data, *, initial = None, held_out = None, as_numbers = false,
        grey_levels = None, spins = false, threads = None, **settings))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn new(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        initial: Option<&Rbm>,
        held_out: Option<&Bound<'_, PyAny>>,
        as_numbers: bool,
        grey_levels: Option<u32>,
        spins: bool,
        threads: Option<usize>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let config = config(settings)?;
        let binarize = config.binarize;
        let encoding = Encoding::declared(grey_levels, spins).map_err(to_py)?;
        let mut reading = Reading { binarize, encoding, as_numbers, threads };
        let data = reading.examples(data)?;
        let held_out = held_out.map(|data| reading.examples(data)).transpose()?;
        if let Some(held_out) = &held_out
            && held_out.n_visible() != data.n_visible()
        {
            return Err(PyValueError::new_err(format!(
                "held_out has {} columns, but must have {}, as the data have",
                held_out.n_visible(),
                data.n_visible()
            )));
        }
        let initial = initial.map(|rbm| rbm.rbm.clone());
        let outside = data.first_outside();
        let (trainer, seen) = without_lock(py, threads, || {
            let mut seen = Seen::nothing(data.n_visible());
            seen.add(&data);
            let trainer = match initial {
                None => harmonium::Trainer::new(config, data),
                Some(rbm) => harmonium::Trainer::from_model(config, data, &rbm),
            };
            Ok((trainer?, seen))
        })?;
        let of = Self::of(trainer, (None, Some(seen)), outside, reading.encoding);
        Ok(Self { held_out, ..of })
    }

    /// A trainer that gets its examples by `update_on`, and starts at the mean of these.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> from harmonium import Trainer
    /// >>> chunk = np.array([[0.0, 0.25], [1.0, 0.75]])
    /// >>> trainer = Trainer.online(chunk, hidden=4, chains=10, binarize="none", epochs=1000)
    /// >>> trainer.update_on(chunk)
    /// >>> trainer.updates
    /// 1
    #[staticmethod]
    #[pyo3(signature = (data, *, initial = None, hidden_states = None, grey_levels = None,
        spins = false, threads = None, **settings))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn online(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        initial: Option<&Rbm>,
        hidden_states: Option<&Bound<'_, PyAny>>,
        grey_levels: Option<u32>,
        spins: bool,
        threads: Option<usize>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let config = config(settings)?;
        let encoding = Encoding::declared(grey_levels, spins).map_err(to_py)?;
        let binarize = config.binarize;
        let mut reading = Reading { binarize, encoding, as_numbers: true, threads };
        let data = reading.examples(data)?;
        let initial = initial.map(|rbm| rbm.rbm.clone());
        let (hidden_states, outside) = (
            hidden_states.map(|states| bits(states, "hidden_states", threads)).transpose()?,
            data.first_outside(),
        );
        if let Some(states) = &hidden_states {
            let n_hidden = config.hidden.unwrap_or(states.n_columns());
            let expected = (config.n_chains(), n_hidden);
            if (states.n_rows(), states.n_columns()) != expected {
                return Err(PyValueError::new_err(format!(
                    "hidden_states have the shape ({}, {}), but must have {expected:?}",
                    states.n_rows(),
                    states.n_columns()
                )));
            }
        }
        let (trainer, mean) = without_lock(py, threads, || {
            let mean = data.mean();
            let narrow: Vec<f32> = mean.iter().map(|&x| x as f32).collect();
            let rbm = match initial {
                Some(rbm) => rbm,
                None => {
                    let n_examples = data.n_examples();
                    let n_hidden = config.for_data(n_examples, mean.len()).n_hidden();
                    harmonium::Rbm::initial(n_hidden, &mean, n_examples, config.seed)?.into()
                }
            };
            let mut trainer = harmonium::Trainer::online(config, &narrow, &rbm)?;
            if let Some(states) = &hidden_states {
                trainer.set_hidden(states);
            }
            Ok((trainer, narrow))
        })?;
        let seen = Some(Seen::nothing(mean.len()));
        Ok(Self::of(trainer, (Some(mean), seen), outside, reading.encoding))
    }

    /// Trains up to so many updates in all, or to the end. Ctrl-C is heard; what was learned stays.
    #[pyo3(signature = (until = None, *, threads = None))]
    fn run(&mut self, py: Python<'_>, until: Option<u64>, threads: Option<usize>) -> PyResult<()> {
        self.check_usable()?;
        if self.mean.is_some() {
            return Err(PyValueError::new_err(
                "this trainer has no data of its own to run on; call update_on(data)",
            ));
        }
        let trainer = &mut self.trainer;
        let until = until.unwrap_or(u64::MAX).min(trainer.total_updates());
        while trainer.updates() < until {
            let slice = without_lock(py, threads, || {
                let start = Instant::now();
                while trainer.updates() < until && start.elapsed() < SLICE {
                    trainer.update()?;
                }
                Ok(start.elapsed().as_secs_f64())
            });
            let diverges = |error: &PyErr| error.is_instance_of::<DivergedError>(py);
            self.seconds += slice.inspect_err(|error| self.has_diverged = diverges(error))?;
            py.check_signals()?;
        }
        Ok(())
    }

    /// Changes the parameters once: one update, of which all of the data are the mini-batch.
    #[pyo3(signature = (data, *, threads = None))]
    fn update_on(
        &mut self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<()> {
        self.check_usable()?;
        if self.mean.is_none() {
            return Err(PyValueError::new_err(
                "this trainer has data of its own; call run(), or begin by Trainer.online",
            ));
        }
        if self.trainer.is_done() {
            return Err(PyValueError::new_err(format!(
                "all {} updates are done; give `updates` or `epochs` for more",
                self.trainer.updates()
            )));
        }
        let (binarize, encoding) = (self.trainer.config().binarize, self.encoding);
        let mut reading = Reading { binarize, encoding, as_numbers: true, threads };
        let data = reading.examples(data)?;
        self.encoding = reading.encoding;
        let Self { trainer, seen, .. } = self;
        let updates = trainer.updates();
        let done = without_lock(py, threads, || {
            trainer.update_on(&data)?;
            seen.iter_mut().for_each(|seen| seen.add(&data));
            Ok(())
        });
        // Data that it refuses leave it as it was.
        self.has_diverged = done.is_err() && self.trainer.updates() > updates;
        done
    }

    /// One that goes on from here under other settings, with the same data mean and seed.
    #[pyo3(signature = (*, threads = None, **settings))]
    fn with_settings(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        self.check_usable()?;
        let Some(mean) = &self.mean else {
            return Err(PyValueError::new_err("a trainer with data of its own keeps its settings"));
        };
        let config = TrainConfig { seed: self.trainer.config().seed, ..config(settings)? };
        let trainer = without_lock(py, threads, || {
            harmonium::Trainer::restore_online(config, mean, &self.trainer.state())
        })?;
        let mean = (Some(mean.clone()), self.seen.clone());
        Ok(Self::of(trainer, mean, None, self.encoding))
    }

    /// Weights (hidden, visible), hidden and visible biases and hidden states of the chains, as arrays
    /// of `float32` or `float64`.
    #[pyo3(signature = (dtype, *, threads = None))]
    fn arrays<'py>(
        &self,
        py: Python<'py>,
        dtype: &str,
        threads: Option<usize>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.check_usable()?;
        match dtype {
            "float32" => self.arrays_of(py, threads, |x| x),
            "float64" => self.arrays_of(py, threads, f64::from),
            _ => Err(PyTypeError::new_err(format!(
                "dtype is {dtype}, but must be float32 or float64"
            ))),
        }
    }

    /// What the metrics file of the command line has of an epoch, a dict: of a fixed subset of the
    /// data, as bits.
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> from harmonium import Trainer
    /// >>> trainer = Trainer(np.eye(4), hidden=2, epochs=1, batch_size=2)
    /// >>> trainer.run()
    /// >>> metrics = trainer.metrics()
    /// >>> metrics["epoch"], metrics["pseudo_likelihood"] < 0
    /// (1, True)
    #[pyo3(signature = (*, threads = None))]
    fn metrics<'py>(
        &mut self,
        py: Python<'py>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.check_usable()?;
        if self.mean.is_some() {
            return Err(PyValueError::new_err("a trainer without data of its own has no metrics"));
        }
        let Self { trainer, probe, held_out, .. } = self;
        let probe = probe.get_or_insert_with(|| {
            Probe::new(trainer.examples(), held_out.as_ref(), trainer.config().seed)
        });
        let ((seconds, updates), self_seconds) = (self.recorded, self.seconds);
        let n_examples = (trainer.updates() - updates) as f64
            * trainer.examples().n_examples() as f64
            / trainer.updates_per_epoch() as f64;
        let samples_per_second = n_examples / (self_seconds - seconds).max(1e-9);
        let record =
            without_lock(py, threads, || probe.measure(trainer, samples_per_second, self_seconds))?;
        self.recorded = (self.seconds, self.trainer.updates());
        from_json(py, &serde_json::to_string(&record).expect("plain data"))
    }

    /// The settings, a dict; what they left to the data is a number.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, &text(self.trainer.config()))
    }

    /// The first number of the data outside 0 to 1: (example, unit, number), or None.
    #[getter]
    fn first_outside(&self) -> Option<(usize, usize, f64)> {
        self.outside
    }

    /// The machine as it is now.
    #[getter]
    fn rbm(&self) -> PyResult<Rbm> {
        self.check_usable()?;
        Ok(self.trained(self.trainer.rbm()))
    }

    /// The average of the parameters, or where there is none the machine as it is.
    #[getter]
    fn model(&self) -> PyResult<Rbm> {
        self.check_usable()?;
        Ok(self.trained(self.trainer.model()))
    }

    /// Mean of the examples that it trains on, shape (n_visible,), float32; where they come from
    /// outside, of those so far, or None.
    #[getter]
    fn data_mean<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f32>>> {
        self.mean_seen().map(|mean| mean.into_pyarray(py))
    }

    /// The hidden states of the chains, shape (chains, hidden), bool.
    #[getter]
    fn hidden_states<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<bool>> {
        booleans(&self.trainer.chains().hidden()).into_pyarray(py)
    }

    /// Updates done.
    #[getter]
    fn updates(&self) -> u64 {
        self.trainer.updates()
    }

    /// Updates of the whole run.
    #[getter]
    fn total_updates(&self) -> u64 {
        self.trainer.total_updates()
    }

    /// Updates of an epoch.
    #[getter]
    fn updates_per_epoch(&self) -> u64 {
        self.trainer.updates_per_epoch()
    }

    /// Number of training examples.
    #[getter]
    fn n_examples(&self) -> usize {
        self.trainer.examples().n_examples()
    }

    /// What pickle keeps of a run that gets its examples from outside.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Pickled<'py>)> {
        let (py, this) = (slf.py(), slf.try_borrow()?);
        this.check_usable()?;
        let Some(mean) = &this.mean else {
            return Err(PyTypeError::new_err(
                "a trainer with data of its own cannot be pickled; pickle its model",
            ));
        };
        let settings = text(this.trainer.config());
        let state = this.trainer.state().to_safetensors(KEY, settings.clone());
        let restore = slf.get_type().getattr("restore")?;
        let state = PyBytes::new(py, &state);
        let (grey_levels, spins) = (this.encoding.grey_levels(), this.encoding.is_spins());
        let seen = this.seen.clone();
        Ok((restore, (settings, mean.clone(), state, seen, grey_levels, spins)))
    }

    /// What pickle calls.
    #[staticmethod]
    #[pyo3(signature = (settings, mean, state, seen = None, grey_levels = None, spins = false))]
    fn restore(
        py: Python<'_>,
        settings: &str,
        mean: Vec<f32>,
        state: &[u8],
        seen: Option<Seen>,
        grey_levels: Option<u32>,
        spins: bool,
    ) -> PyResult<Self> {
        let encoding = Encoding::declared(grey_levels, spins).map_err(to_py)?;
        let config = parse(settings)?;
        let (state, _) = State::from_safetensors(KEY, state).map_err(PyValueError::new_err)?;
        let trainer =
            without_lock(py, None, || harmonium::Trainer::restore_online(config, &mean, &state))?;
        Ok(Self::of(trainer, (Some(mean), seen), None, encoding))
    }
}
