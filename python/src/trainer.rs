//! The trainer.

use crate::arrays::{bits, booleans, dataset};
use crate::errors::to_py;
use crate::json::{from_json, to_json};
use crate::pool::{SLICE, without_lock};
use crate::rbm::Rbm;
use harmonium::TrainConfig;
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::error::Error;
use harmonium::monitor::Probe;
use harmonium::run::fields;
use harmonium::state::State;
use numpy::{IntoPyArray as _, PyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde_json::Value;
use std::time::Instant;

/// The key of a pickled trainer's settings.
const KEY: &str = "harmonium";

/// The settings of training with their defaults: those that `train` and `Trainer` take.
///
/// Examples
/// --------
/// >>> import harmonium
/// >>> harmonium.default_settings()["learning_rate"]
/// 0.1
#[pyfunction]
pub fn default_settings(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    from_json(py, &text(&TrainConfig::default()))
}

/// What pickle keeps: settings as JSON, the mean of the data, the state.
type Pickled<'py> = (String, Vec<f32>, Bound<'py, PyBytes>);

/// Settings as JSON.
fn text(config: &TrainConfig) -> String {
    Value::Object(fields(config)).to_string()
}

/// A run of training, to be led by hand.
///
/// Parameters
/// ----------
/// data : array-like or sparse matrix of shape (n_examples, n_visible)
///     Intensities from 0 to 1, booleans, or bytes: grey levels from 0 to 255 unless all are 0 and 1.
/// initial : Rbm, optional
///     Parameters to start from.
/// held_out : array-like or sparse matrix, optional
///     Data that metrics are also taken of.
/// as_numbers : bool
///     Take any finite numbers, as they are; bytes are then no grey levels.
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
    probe: Option<Probe>,
    /// Wall time of training, in seconds, and what it was at the last record: of updates, too.
    seconds: f64,
    recorded: (f64, u64),
    /// The mean of the data, of a run that gets its examples from outside.
    mean: Option<Vec<f32>>,
    outside: Option<(usize, usize, f64)>,
}

impl Trainer {
    fn of(
        trainer: harmonium::Trainer,
        probe: Option<Probe>,
        mean: Option<Vec<f32>>,
        outside: Option<(usize, usize, f64)>,
    ) -> Self {
        let recorded = (0.0, trainer.updates());
        Self { trainer, probe, seconds: 0.0, recorded, mean, outside }
    }
}

fn config(settings: Option<&Bound<'_, PyDict>>) -> PyResult<TrainConfig> {
    settings.map_or_else(|| Ok(TrainConfig::default()), |settings| parse(&to_json(settings)?))
}

fn parse(settings: &str) -> PyResult<TrainConfig> {
    serde_json::from_str(settings).map_err(|cause| {
        let cause = cause.to_string();
        // Without the place in the JSON, which nobody wrote.
        let cause = cause.split(" at line ").next().expect("a first part");
        if cause.starts_with("unknown field") || cause.starts_with("invalid type") {
            return PyTypeError::new_err(cause.to_string());
        }
        PyValueError::new_err(cause.to_string())
    })
}

/// Data as examples. Numbers must be intensities unless they are taken `as_numbers`, in which case
/// bytes are no grey levels.
fn examples(
    data: &Bound<'_, PyAny>,
    binarize: Binarization,
    as_numbers: bool,
) -> PyResult<Examples> {
    let dataset: Dataset = dataset(data, !as_numbers)?;
    if !as_numbers && !dataset.is_binary() {
        check_intensities(&dataset).map_err(to_py)?;
    }
    Ok(Examples::new(dataset, binarize))
}

/// Refuses what is no intensity.
fn check_intensities(dataset: &Dataset) -> harmonium::Result<()> {
    let Some((example, unit, value)) = dataset.first_outside() else { return Ok(()) };
    let rule = "from 0 to 1; divide grey levels up to 255 by 255";
    Err(Error::BadValue { data: dataset.name().to_string(), example, unit, value, rule })
}

#[pymethods]
impl Trainer {
    #[new]
    #[pyo3(signature = (data, *, initial = None, held_out = None, as_numbers = false,
        threads = None, **settings))]
    fn new(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        initial: Option<&Rbm>,
        held_out: Option<&Bound<'_, PyAny>>,
        as_numbers: bool,
        threads: Option<usize>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let config = config(settings)?;
        let data = examples(data, config.binarize, as_numbers)?;
        let held_out =
            held_out.map(|data| examples(data, config.binarize, as_numbers)).transpose()?;
        let initial = initial.map(|rbm| rbm.rbm.clone());
        let outside = data.first_outside();
        let (trainer, probe) = without_lock(py, threads, || {
            let probe = Probe::new(&data, held_out.as_ref(), config.seed);
            let trainer = match initial {
                None => harmonium::Trainer::new(config, data)?,
                Some(rbm) => harmonium::Trainer::from_model(config, data, &rbm)?,
            };
            Ok((trainer, probe))
        })?;
        Ok(Self::of(trainer, Some(probe), None, outside))
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
    #[pyo3(signature = (data, *, initial = None, hidden_states = None, threads = None,
        **settings))]
    fn online(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        initial: Option<&Rbm>,
        hidden_states: Option<&Bound<'_, PyAny>>,
        threads: Option<usize>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let config = config(settings)?;
        let data = examples(data, config.binarize, true)?;
        let initial = initial.map(|rbm| rbm.rbm.clone());
        let (hidden_states, outside) = (hidden_states.map(bits).transpose()?, data.first_outside());
        if let Some(states) = &hidden_states {
            let expected = (config.n_chains(), config.hidden);
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
                    harmonium::Rbm::initial(config.hidden, &mean, n_examples, config.seed)?.into()
                }
            };
            let mut trainer = harmonium::Trainer::online(config, &narrow, &rbm)?;
            if let Some(states) = &hidden_states {
                trainer.set_hidden(states);
            }
            Ok((trainer, narrow))
        })?;
        Ok(Self::of(trainer, None, Some(mean), outside))
    }

    /// Trains up to so many updates in all, or to the end. Ctrl-C is heard; what was learned stays.
    #[pyo3(signature = (until = None, *, threads = None))]
    fn run(&mut self, py: Python<'_>, until: Option<u64>, threads: Option<usize>) -> PyResult<()> {
        let trainer = &mut self.trainer;
        let until = until.unwrap_or(u64::MAX).min(trainer.total_updates());
        while trainer.updates() < until {
            self.seconds += without_lock(py, threads, || {
                let start = Instant::now();
                while trainer.updates() < until && start.elapsed() < SLICE {
                    trainer.update()?;
                }
                Ok(start.elapsed().as_secs_f64())
            })?;
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
        let data = examples(data, self.trainer.config().binarize, true)?;
        without_lock(py, threads, || self.trainer.update_on(&data))
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
        let (Some(probe), trainer) = (&self.probe, &self.trainer) else {
            return Err(PyValueError::new_err("a trainer without data of its own has no metrics"));
        };
        let (seconds, updates) = self.recorded;
        let n_examples = (trainer.updates() - updates) as f64
            * trainer.examples().n_examples() as f64
            / trainer.updates_per_epoch() as f64;
        let samples_per_second = n_examples / (self.seconds - seconds).max(1e-9);
        let record =
            without_lock(py, threads, || probe.measure(trainer, samples_per_second, self.seconds))?;
        self.recorded = (self.seconds, self.trainer.updates());
        from_json(py, &serde_json::to_string(&record).expect("plain data"))
    }

    /// The settings, a dict.
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
    fn rbm(&self) -> Rbm {
        self.trainer.rbm().into()
    }

    /// The average of the parameters, or where there is none the machine as it is.
    #[getter]
    fn model(&self) -> Rbm {
        self.trainer.model().into()
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
        let (py, this) = (slf.py(), slf.borrow());
        let Some(mean) = &this.mean else {
            return Err(PyTypeError::new_err(
                "a trainer with data of its own cannot be pickled; pickle its model",
            ));
        };
        let settings = text(this.trainer.config());
        let state = this.trainer.state().to_safetensors(KEY, settings.clone());
        let restore = slf.get_type().getattr("restore")?;
        Ok((restore, (settings, mean.clone(), PyBytes::new(py, &state))))
    }

    /// What pickle calls.
    #[staticmethod]
    fn restore(settings: &str, mean: Vec<f32>, state: &[u8]) -> PyResult<Self> {
        let config = parse(settings)?;
        let (state, _) = State::from_safetensors(KEY, state).map_err(PyValueError::new_err)?;
        let trainer = harmonium::Trainer::restore_online(config, &mean, &state).map_err(to_py)?;
        Ok(Self::of(trainer, None, Some(mean), None))
    }
}
