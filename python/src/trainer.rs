//! The trainer.

use crate::arrays::{bits, dataset_with_missing, transposed, warn, warn_as};
use crate::columns::{Letters, declared, in_order_of, marked, of_columns, recorded, unit_names};
use crate::errors::{DivergedError, to_py};
use crate::isa;
use crate::json::{from_json, to_json};
use crate::labels;
use crate::pool::{interruptible, without_lock};
use crate::ranks::ranks;
use crate::rbm::{Origin, Rbm, history};
use crate::sparse::check_lacks;
use harmonium::dataset::{Binarization, Categories, Classes, Encoding, Examples, RunningMean};
use harmonium::evaluate::number_means;
use harmonium::gibbs::FixedModel;
use harmonium::memory::{self, Bytes, Need};
use harmonium::model::check_data_mean;
use harmonium::monitor::{EpochRecord, Pace, Probe, WeightChange};
use harmonium::report::Notebook;
use harmonium::run::{DataConfig, RunConfig};
use harmonium::setting::{self, Kind, Section, Setting, nearest};
use harmonium::state::State;
use harmonium::train::{Ascent, DataOutline, Missing, OnlineTrainer};
use harmonium::units::Units;
use harmonium::{Error, TrainConfig};
use ndarray::Array1;
use numpy::{Element, IntoPyArray as _, PyArray1, PyArray2, PyReadonlyArray1};
use pyo3::exceptions::{PyRuntimeWarning, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Instant;

/// The key of a pickled trainer's settings.
const KEY: &str = "harmonium";

/// The settings of training and their defaults, as `train` and `Trainer` take them.
///
/// None leaves a setting to the data: as many hidden units as visible ones, but at least 16 and at most
/// 500; at least 20 epochs and 5,000 updates; as many chains as a mini-batch has examples, but at least
/// 128. A mini-batch has at most all examples. `Trainer.settings` has the numbers.
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

/// What pickle keeps: the settings as JSON, the mean of the data at the start, the state, the mean of
/// the examples so far, and what values mean (`grey_levels`, `spins`, `columns`, `classes`).
type Pickled<'py> = (
    String,
    Vec<f32>,
    Bound<'py, PyBytes>,
    Option<Seen>,
    Option<u32>,
    bool,
    Option<Bound<'py, PyAny>>,
    Option<Bound<'py, PyAny>>,
    Option<f64>,
);

/// A running mean as pickle keeps it.
#[derive(FromPyObject, IntoPyObject)]
#[pyo3(from_item_all)]
struct Seen {
    mean: Vec<f64>,
    n_examples: usize,
}

/// The running mean that pickle kept.
fn running_mean(seen: &Bound<'_, PyAny>) -> PyResult<RunningMean> {
    let Seen { mean, n_examples } = seen.extract().map_err(|cause| {
        PyValueError::new_err(format!("seen must have `mean` and `n_examples` ({cause})"))
    })?;
    Ok(RunningMean { mean, n_examples })
}

/// Settings as JSON.
fn text(config: &TrainConfig) -> String {
    Value::Object(config.fields()).to_string()
}

/// The table of the settings of training: the name, type, default and meaning of each.
#[pyfunction]
pub fn setting_table(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    from_json(py, &Value::Array(rows_of::<TrainConfig>()).to_string())
}

/// The table of the other settings of a run in a folder.
#[pyfunction]
pub fn run_setting_table(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let rows = [rows_of::<DataConfig>(), rows_of::<RunConfig>()].concat();
    from_json(py, &Value::Array(rows).to_string())
}

/// The rows of the settings that users give.
fn rows_of<S: Section>() -> Vec<Value> {
    let spell = |name: &str| format!("`{name}`");
    let default = S::default().fields();
    let given = S::TABLE.iter().filter(|setting| setting.kind != Kind::Record);
    let row = |setting: &Setting| {
        let kind = match setting.kind {
            Kind::Whole => "int",
            Kind::Real => "float",
            Kind::Switch => "bool",
            Kind::Shape => "tuple[int, int]",
            Kind::Names => "list[str]",
            Kind::Text | Kind::Record => "str",
        };
        json!({
            "name": setting.name,
            "type": kind,
            "default": default[setting.name],
            "unset": setting.unset.map(|_| setting.default_text(&Value::Null, &spell)),
            "sentence": setting.sentence(&spell),
            "range": setting.range.to_string(),
            "usual": setting.usual,
        })
    };
    given.map(row).collect()
}

/// A training run, driven by hand.
///
/// Parameters
/// ----------
/// data : array-like or sparse matrix of shape (n_examples, n_visible)
///     0 and 1, floating-point intensities from 0 to 1, grey levels (see `grey_levels`) or spins.
/// weights : ndarray of float64 of shape (n_examples,), optional
///     How much each example counts, at least 0; see `train`.
/// labels : array-like of shape (n_examples,), optional
///     The class of each example, None or NaN if it is unknown; see `train`.
/// classes : list, optional
///     All labels; None: those of the data.
/// initial : Rbm, optional
///     Parameters to start from.
/// held_out : array-like or sparse matrix, or a tuple of these, their labels and their weights, optional
///     Data on which metrics are measured as well, under names that end in `_test`; see `train`.
/// as_numbers : bool
///     Whether any finite floating-point numbers are taken, as they are.
/// grey_levels : int from 1 to 65,535, or None
///     Integers k are grey levels: intensities k / grey_levels. None: integers from 0 to 255 are grey
///     levels of 255 if the largest is above 127, with a warning; any others but 0 and 1 are refused.
/// spins : bool
///     -1 and 1 mean 0 and 1.
/// categories : "auto", int or dict, optional
///     Each column is a bit or a category; see `train`. A dict is `Rbm.columns` of another model.
/// ignore : list of str
///     The columns that are left out, by name or number from 1.
/// alphabet : str, optional
///     The letters of sequences; see `train`.
/// unknown_letters : "refuse", "gap", "missing" or "drop", optional
///     What is done with other letters; see `train`.
/// missing_value : float, optional
///     The number that stands for a missing value; see `train`.
/// threads : int, or None for all cores
///     The result does not depend on it.
/// comm : mpi4py.MPI.Comm, optional
///     The processes that share the work; see `train`. `run` is then a call of all of them.
/// **settings
///     The settings of training, by the names of the command line; see `train`.
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
    driver: Driver,
    /// Wall time of training, in seconds.
    seconds: f64,
    /// The mean of the examples so far; None after a pickle of an earlier version, which lacks it.
    seen: Option<RunningMean>,
    /// What integers mean in the data.
    encoding: Encoding,
    /// Whether the parameters left their range. They are then of no use.
    has_diverged: bool,
}

/// Where mini-batches come from.
enum Driver {
    /// Data of the trainer's own.
    Own(Box<Own>),
    /// The calls of `update_on`.
    Online(Box<Online>),
}

/// A trainer without data of its own, and what it knows of them.
struct Online {
    trainer: OnlineTrainer,
    outline: DataOutline,
    /// The classes of the labels, if it learns them.
    classes: Option<Arc<Classes>>,
}

/// A trainer with data of its own, and what its metrics need.
struct Own {
    trainer: harmonium::Trainer,
    held_out: Option<Examples>,
    /// The examples of the metrics, chosen at first use.
    probe: Option<Probe>,
    change: WeightChange,
    /// The moment of the last record.
    recorded: Pace,
    /// The records so far.
    history: Arc<Vec<EpochRecord>>,
    /// How many examples have a value of each column, as models record it.
    n_given: Option<Arc<Vec<usize>>>,
    /// The names of the units, as models record them.
    unit_names: Option<Arc<Vec<String>>>,
}

impl Trainer {
    fn of(driver: Driver, seen: Option<RunningMean>, encoding: Encoding) -> Self {
        Self { driver, seconds: 0.0, seen, encoding, has_diverged: false }
    }

    /// Parameters, chains and the progress of the run.
    fn ascent(&self) -> &Ascent {
        match &self.driver {
            Driver::Own(own) => own.trainer.ascent(),
            Driver::Online(online) => online.trainer.ascent(),
        }
    }

    /// The mean of the examples so far (V), if it is known.
    fn mean_seen(&self) -> Option<Array1<f32>> {
        self.seen.as_ref().and_then(RunningMean::to_f32)
    }

    /// A trained model, with the encoding and the mean of its data.
    fn trained(&self, rbm: harmonium::Rbm) -> Rbm {
        let (image_shape, history, n_given, unit_names) = match &self.driver {
            Driver::Own(own) => {
                let image_shape = own.trainer.examples().image_shape();
                (image_shape, own.history.clone(), own.n_given.clone(), own.unit_names.clone())
            }
            Driver::Online(..) => (None, Arc::default(), None, None),
        };
        let n_examples = self.n_effective();
        let (encoding, data_mean) = (self.encoding.clone(), self.mean_seen());
        let missing = self.ascent().config().missing;
        let classes = self.classes();
        Rbm::of(
            rbm,
            Origin {
                encoding,
                data_mean,
                image_shape,
                missing,
                classes,
                n_given,
                n_examples,
                unit_names,
                history,
            },
        )
    }

    fn classes(&self) -> Option<Arc<Classes>> {
        match &self.driver {
            Driver::Own(own) => own.trainer.examples().labels().map(|all| all.classes().clone()),
            Driver::Online(online) => online.classes.clone(),
        }
    }

    fn check_usable(&self) -> PyResult<()> {
        if self.has_diverged {
            return Err(DivergedError::new_err(
                "this trainer has diverged and its parameters are of no use; start a new one with a \
                 smaller learning_rate",
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
            let weights = self.ascent().parameters().fixed();
            let n_rows = weights.n_visible() + self.ascent().chains().n_chains();
            let need = Need::new(Bytes::of::<T>(&[n_rows, weights.n_hidden()]), &[]);
            memory::check(|| "the arrays of the trainer".to_string(), &[need])?;
            let rbm = self.ascent().model();
            let states = self.ascent().chains().hidden().to_array(|is_on| number(is_on.into()));
            let bias = |values: &Array1<f32>| values.mapv(&number);
            let (hidden_bias, visible_bias) = (bias(rbm.hidden_bias()), bias(rbm.visible_bias()));
            Ok((transposed(rbm.weights().view(), &number), hidden_bias, visible_bias, states))
        })?;
        Ok(vec![
            weights.into_pyarray(py).into_any(),
            hidden_bias.into_pyarray(py).into_any(),
            visible_bias.into_pyarray(py).into_any(),
            states.into_pyarray(py).into_any(),
        ])
    }
}

/// The settings that were given, by name.
pub fn given(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Map<String, Value>> {
    settings.map_or_else(|| Ok(Map::new()), |settings| parse(&to_json(settings)?))
}

/// Settings from JSON.
fn parse(settings: &str) -> PyResult<Map<String, Value>> {
    serde_json::from_str(settings)
        .map_err(|cause| PyValueError::new_err(format!("settings: {cause}")))
}

/// The keywords of `harmonium.train` that are not settings.
const OF_TRAIN: [&str; 17] = [
    "weights",
    "labels",
    "classes",
    "initial",
    "held_out",
    "grey_levels",
    "spins",
    "categories",
    "ignore",
    "alphabet",
    "unknown_letters",
    "missing_value",
    "callback",
    "progress",
    "live",
    "threads",
    "comm",
];

/// The keywords of `Trainer` that are not settings.
const OF_TRAINER: [&str; 15] = [
    "weights",
    "labels",
    "classes",
    "initial",
    "held_out",
    "as_numbers",
    "grey_levels",
    "spins",
    "categories",
    "ignore",
    "alphabet",
    "unknown_letters",
    "missing_value",
    "threads",
    "comm",
];

/// The keywords of `Trainer.online` that are not settings.
const OF_ONLINE: [&str; 12] = [
    "weights",
    "labels",
    "classes",
    "initial",
    "hidden_states",
    "grey_levels",
    "spins",
    "categories",
    "alphabet",
    "unknown_letters",
    "missing_value",
    "threads",
];

/// Refuses what neither `harmonium.train` nor the trainer that it starts takes.
#[pyfunction]
pub fn check_keywords(names: Vec<String>) -> PyResult<()> {
    let is_other = |name: &String| !OF_TRAINER.contains(&&name[..]);
    let unknown = names.into_iter().filter(is_other).find_map(|name| TrainConfig::row(&name).err());
    unknown.map_or(Ok(()), |error| Err(refusal(error, &OF_TRAIN)))
}

/// "; did you mean …?" for a keyword that is not among these, or nothing if none is near.
#[pyfunction]
pub fn did_you_mean(name: &str, among: Vec<String>) -> String {
    setting::did_you_mean(name, among.iter().map(String::as_str))
}

/// The settings that were given; `keywords` are those of the call that are not settings.
fn config(given: &Map<String, Value>, keywords: &[&'static str]) -> PyResult<TrainConfig> {
    TrainConfig::read(given).map_err(|error| refusal(error, keywords))
}

/// The exception for an error in the settings of training.
fn refusal(error: Error, keywords: &[&'static str]) -> PyErr {
    let of_runs = [names::<DataConfig>(), names::<RunConfig>()].concat();
    match &error {
        Error::UnknownSetting { name, .. } if of_runs.contains(&&name[..]) => PyTypeError::new_err(
            format!("{name} is a setting of runs in folders: give it to harmonium.runs.train"),
        ),
        _ => to_py(or_meant(error, [&names::<TrainConfig>(), keywords].concat())),
    }
}

/// The names of the settings that users give.
pub fn names<S: Section>() -> Vec<&'static str> {
    let given = S::TABLE.iter().filter(|setting| setting.kind != Kind::Record);
    given.map(|setting| setting.name).collect()
}

/// The parameters of the estimators and of scikit-learn, and what they are called here.
const OF_ESTIMATORS: [(&str, &str); 11] = [
    ("n_components", "hidden"),
    ("n_hidden", "hidden"),
    ("random_state", "seed"),
    ("n_iter", "epochs"),
    ("max_iter", "epochs"),
    ("n_epochs", "epochs"),
    ("n_jobs", "threads"),
    ("n_gibbs_steps", "gibbs_steps"),
    ("n_chains", "chains"),
    ("binarization", "binarize"),
    ("sample_weight", "weights"),
];

/// An error, in which a name that is not known means one of these.
pub fn or_meant(error: Error, known: impl IntoIterator<Item = &'static str>) -> Error {
    match error {
        Error::UnknownSetting { name, .. } => {
            let known: Vec<_> = known.into_iter().collect();
            let theirs = OF_ESTIMATORS.into_iter().find(|(theirs, _)| *theirs == name);
            let theirs = theirs.map(|(_, ours)| ours).filter(|ours| known.contains(ours));
            let meant = theirs.or_else(|| nearest(&name, known));
            Error::UnknownSetting { name, meant }
        }
        error => error,
    }
}

/// Data, and what is given with them.
struct Given<'a, 'py> {
    data: &'a Bound<'py, PyAny>,
    labels: Option<&'a Bound<'py, PyAny>>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
}

/// How data become examples.
struct Reading {
    binarize: Binarization,
    /// What integers mean.
    encoding: Encoding,
    /// Whether floating-point numbers may lie outside 0 to 1.
    as_numbers: bool,
    /// What a value is that is missing.
    missing: Option<Missing>,
    /// The classes of labels, once they are known.
    classes: Option<Arc<Classes>>,
    /// The names of the units of a frame, by which others are read.
    unit_names: Option<Arc<Vec<String>>>,
    threads: Option<usize>,
}

impl Reading {
    /// Any numbers of units without names.
    fn new(
        binarize: Binarization,
        encoding: Encoding,
        missing: Option<Missing>,
        classes: Option<Arc<Classes>>,
        threads: Option<usize>,
    ) -> Self {
        Self { binarize, encoding, as_numbers: true, missing, classes, unit_names: None, threads }
    }

    /// Reads data as examples. Integers and labels mean the same in all data that are read later.
    fn examples(&mut self, given: Given<'_, '_>) -> PyResult<Examples> {
        let Given { data, labels: of_examples, weights } = given;
        let data = &in_order_of(data, self.unit_names.as_ref().map(|names| &names[..]))?;
        let (encoding, threads) = (self.encoding.clone(), self.threads);
        let mut dataset = dataset_with_missing(data, encoding, threads, self.missing.is_some())?;
        check_lacks(data, &dataset, self.missing)?;
        if matches!(
            self.encoding.of_values(),
            Encoding::Categories { categories: Categories::Auto, .. }
        ) {
            warn(data.py(), dataset.scale_note())?;
        }
        let found = dataset.encoding();
        warn(data.py(), dataset.marks_note().filter(|_| self.encoding.columns().is_none()))?;
        if let Some(of_examples) = of_examples {
            let labels = labels::labels(of_examples, self.classes.clone())?;
            self.classes = Some(labels.classes().clone());
            dataset = dataset.labelled(labels).map_err(to_py)?;
        }
        if let Some(weights) = weights {
            let weights: Vec<_> = weights.as_array().to_vec();
            dataset = dataset.weighted("weights", &weights).map_err(to_py)?;
        }
        let (dataset, empty) = dataset.with_values().map_err(to_py)?;
        warn(data.py(), empty)?;
        if !self.as_numbers {
            dataset.check_intensities().map_err(to_py)?;
        }
        // The estimators have names of their own.
        if found.columns().is_none() && self.unit_names.is_none() && !self.as_numbers {
            self.unit_names = unit_names(data)?.map(Arc::new);
        }
        self.encoding = match found.columns() {
            Some(_) => found,
            None => self.encoding.clone().or(found),
        };
        Ok(Examples::new(dataset, self.binarize))
    }
}

/// Held-out data, and their labels and weights if they are given as a tuple of a table and vectors.
struct HeldOut<'py> {
    data: Bound<'py, PyAny>,
    labels: Option<Bound<'py, PyAny>>,
    weights: Option<PyReadonlyArray1<'py, f64>>,
}

impl<'py> HeldOut<'py> {
    fn of(given: &Bound<'py, PyAny>, has_labels: bool) -> PyResult<Self> {
        let alone = || Self { data: given.clone(), labels: None, weights: None };
        let Ok(parts) = given.cast::<PyTuple>() else { return Ok(alone()) };
        let n_axes = |part: &Bound<'py, PyAny>| {
            let axes = part
                .getattr("ndim")
                .or_else(|_| part.py().import("numpy")?.call_method1("ndim", (part,)));
            axes?.extract::<usize>()
        };
        let mut parts = parts.iter();
        let (Some(data), mut vectors) = (parts.next(), parts.collect::<Vec<_>>()) else {
            return Ok(alone());
        };
        let are_vectors = vectors.iter().map(|part| Ok(n_axes(part)? == 1));
        let are_vectors = are_vectors.collect::<PyResult<Vec<_>>>()?.iter().all(|is_one| *is_one);
        let most = 1 + usize::from(has_labels);
        let sequences = given.py().import("harmonium._columns")?.getattr("sequences")?;
        let are_rows = n_axes(&data)? >= 2 || !sequences.call1((&data,))?.is_none();
        if !are_vectors || !(1..=most).contains(&vectors.len()) || !are_rows {
            return Ok(alone());
        }
        let labels = has_labels.then(|| vectors.remove(0));
        let one_each = given.py().import("harmonium._weights")?.getattr("one_each")?;
        let weights = vectors
            .pop()
            .map(|weights| one_each.call1((weights, "weights of held_out"))?.extract());
        Ok(Self { data, labels, weights: weights.transpose()? })
    }

    fn given(self: &HeldOut<'py>) -> Given<'_, 'py> {
        let Self { data, labels, weights } = self;
        Given { data, labels: labels.as_ref(), weights: weights.clone() }
    }
}

#[pymethods]
impl Trainer {
    #[new]
    #[pyo3(signature = (data, *, weights = None, labels = None, classes = None, initial = None,
        held_out = None, as_numbers = false, grey_levels = None, spins = false, categories = None, ignore = None, alphabet = None,
        unknown_letters = None, missing_value = None, threads = None, comm = None,
        **settings))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn new(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        labels: Option<&Bound<'_, PyAny>>,
        classes: Option<&Bound<'_, PyAny>>,
        initial: Option<&Rbm>,
        held_out: Option<&Bound<'_, PyAny>>,
        as_numbers: bool,
        grey_levels: Option<u32>,
        spins: bool,
        categories: Option<&Bound<'_, PyAny>>,
        ignore: Option<Vec<String>>,
        alphabet: Option<String>,
        unknown_letters: Option<String>,
        missing_value: Option<f64>,
        threads: Option<usize>,
        comm: Option<&Bound<'_, PyAny>>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let given = given(settings)?;
        let config = config(&given, &OF_TRAINER)?;
        let (binarize, missing) = (config.binarize, config.missing);
        let letters = Letters { alphabet, unknown_letters };
        let ignore = ignore.unwrap_or_default();
        let encoding = declared(grey_levels, spins, categories, ignore, letters)?;
        let encoding = marked(encoding, missing_value)?;
        let classes = known_classes(classes, labels)?;
        let reading = Reading::new(binarize, encoding, missing, classes, threads);
        let mut reading = Reading { as_numbers, ..reading };
        let data = reading.examples(Given { data, labels, weights })?;
        let held_out = held_out.map(|given| {
            let held_out = HeldOut::of(given, labels.is_some())?;
            if labels.is_some() && held_out.labels.is_none() {
                let message = "held_out has no labels, but the data have: give (data, labels)";
                return Err(PyValueError::new_err(message));
            }
            reading.examples(held_out.given())
        });
        let held_out = held_out.transpose()?;
        if let Some(held_out) = &held_out
            && held_out.n_visible() != data.n_visible()
        {
            return Err(PyValueError::new_err(format!(
                "held_out has {} columns, but must have {}, as the data do",
                held_out.n_visible(),
                data.n_visible()
            )));
        }
        // The default is for data of any size.
        let cut = config.cut_batch(data.n_examples());
        if let Some(note) = cut.filter(|_| given.contains_key("batch_size")) {
            warn_as::<PyRuntimeWarning>(py, &note)?;
        }
        let initial = initial.map(|rbm| rbm.rbm.clone());
        let ranks = ranks(comm)?;
        let (trainer, seen) = without_lock(py, threads, || {
            let initial = initial.as_deref();
            let trainer = harmonium::Trainer::with_isa(config, data.into(), initial, isa()?);
            let trainer = ranks.all(trainer)?.spread_alike(ranks)?;
            let mut seen = RunningMean::nothing(trainer.examples().n_visible());
            seen.add(trainer.examples());
            Ok((trainer, seen))
        })?;
        let (change, recorded) = (WeightChange::new(&trainer), Pace::since(&trainer, 0.0));
        let n_given = number_means::n_given(trainer.examples()).map(Arc::new);
        let history = Arc::default();
        let (probe, unit_names) = (None, reading.unit_names);
        let own = Own { trainer, held_out, probe, change, recorded, history, n_given, unit_names };
        Ok(Self::of(Driver::Own(Box::new(own)), Some(seen), reading.encoding))
    }

    /// A trainer that gets its examples through `update_on`, and starts at the mean of `data`.
    ///
    /// With labels, `classes` are all that any chunk has; None: those of the first. With categories, which are a
    /// number of states or the columns of a model, all chunks have these.
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
    #[pyo3(signature = (data, *, weights = None, labels = None, classes = None, initial = None,
        hidden_states = None, grey_levels = None, spins = false, categories = None, alphabet = None,
        unknown_letters = None, missing_value = None, threads = None, **settings))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn online(
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        labels: Option<&Bound<'_, PyAny>>,
        classes: Option<&Bound<'_, PyAny>>,
        initial: Option<&Rbm>,
        hidden_states: Option<&Bound<'_, PyAny>>,
        grey_levels: Option<u32>,
        spins: bool,
        categories: Option<&Bound<'_, PyAny>>,
        alphabet: Option<String>,
        unknown_letters: Option<String>,
        missing_value: Option<f64>,
        threads: Option<usize>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let config = config(&given(settings)?, &OF_ONLINE)?;
        if categories.is_some_and(|categories| categories.eq("auto").unwrap_or(false)) {
            return Err(PyValueError::new_err(
                "categories is \"auto\", but for training in chunks must be a range, a number of states, or columns as \
                 a model has them: a chunk may lack some values",
            ));
        }
        let letters = Letters { alphabet, unknown_letters };
        let encoding = declared(grey_levels, spins, categories, Vec::new(), letters)?;
        let encoding = marked(encoding, missing_value)?;
        let classes = known_classes(classes, labels)?;
        let (binarize, missing) = (config.binarize, config.missing);
        let mut reading = Reading::new(binarize, encoding, missing, classes, threads);
        let data = reading.examples(Given { data, labels, weights })?;
        let initial = initial.map(|rbm| rbm.rbm.clone());
        let hidden_states =
            hidden_states.map(|states| bits(states, "hidden_states", threads)).transpose()?;
        let classes = reading.classes;
        let online = without_lock(py, threads, || {
            let outline = DataOutline::of(&data);
            let rbm = match initial {
                Some(rbm) => rbm,
                None => {
                    let (units, mean, seed) = (outline.units.clone(), data.mean(), config.seed);
                    let n_hidden = config.for_data(data.n_examples(), mean.len()).n_hidden();
                    let n_examples = data.n_effective().round() as usize;
                    harmonium::Rbm::initial_of_sites(units, n_hidden, &mean, n_examples, seed)?
                        .into()
                }
            };
            let mut trainer = OnlineTrainer::new(config, &outline, &rbm, isa()?)?;
            if let Some(states) = &hidden_states {
                trainer.set_hidden(states)?;
            }
            Ok(Online { trainer, outline, classes })
        })?;
        let seen = Some(RunningMean::nothing(online.outline.mean.len()));
        Ok(Self::of(Driver::Online(online.into()), seen, reading.encoding))
    }

    /// Trains to update number `until`, or to the end. Ctrl-C stops it within a second, however long an
    /// update takes, and keeps what was learned in the updates before.
    #[pyo3(signature = (until = None, *, threads = None))]
    fn run(&mut self, py: Python<'_>, until: Option<u64>, threads: Option<usize>) -> PyResult<()> {
        self.check_usable()?;
        let Driver::Own(own) = &mut self.driver else {
            return Err(PyValueError::new_err(
                "this trainer has no data of its own to run on; call update_on(data)",
            ));
        };
        let Own { trainer, change, .. } = &mut **own;
        let until = until.unwrap_or(u64::MAX).min(trainer.total_updates());
        let start = Instant::now();
        let done = interruptible(py, threads, |watch| {
            while trainer.updates() < until {
                change.before_update(trainer);
                trainer.update_watched(watch)?;
            }
            if trainer.is_at_end_of_epoch() { Ok(()) } else { trainer.gather() }
        });
        self.seconds += start.elapsed().as_secs_f64();
        done.inspect_err(|error| self.has_diverged = error.is_instance_of::<DivergedError>(py))
    }

    /// Does one update, with all of the data as the mini-batch. Weights count within it.
    #[pyo3(signature = (data, *, weights = None, labels = None, threads = None))]
    fn update_on(
        &mut self,
        py: Python<'_>,
        data: &Bound<'_, PyAny>,
        weights: Option<PyReadonlyArray1<'_, f64>>,
        labels: Option<&Bound<'_, PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<()> {
        self.check_usable()?;
        let Driver::Online(online) = &mut self.driver else {
            return Err(PyValueError::new_err(
                "this trainer has data of its own; call run(), or start with Trainer.online",
            ));
        };
        let Online { trainer, classes, .. } = &mut **online;
        if trainer.ascent().is_done() {
            return Err(PyValueError::new_err(format!(
                "all {} updates are done; for more, raise `updates` or `epochs`",
                trainer.ascent().updates()
            )));
        }
        let (binarize, encoding) = (trainer.ascent().config().binarize, self.encoding.clone());
        let (missing, classes) = (None, classes.clone());
        let mut reading = Reading::new(binarize, encoding, missing, classes, threads);
        let data = reading.examples(Given { data, labels, weights })?;
        self.encoding = reading.encoding;
        let (seen, updates) = (&mut self.seen, trainer.ascent().updates());
        let done = interruptible(py, threads, |watch| {
            trainer.update_on_watched(&data, watch)?;
            seen.iter_mut().for_each(|seen| seen.add(&data));
            Ok(())
        });
        // Refused data and Ctrl-C leave the trainer as it was.
        self.has_diverged = done.is_err() && trainer.ascent().updates() > updates;
        done
    }

    /// A trainer that continues from here under other settings, with the same data mean and seed.
    #[pyo3(signature = (*, threads = None, **settings))]
    fn with_settings(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        self.check_usable()?;
        let Driver::Online(online) = &self.driver else {
            return Err(PyValueError::new_err(
                "a trainer with data of its own cannot change its settings",
            ));
        };
        let given = given(settings)?;
        let config = config(&given, &["threads"])?;
        let Online { trainer, outline, classes } = &**online;
        let ascent = trainer.ascent();
        let config = TrainConfig { seed: ascent.config().seed, ..config };
        let trainer = without_lock(py, threads, || {
            let trainer = OnlineTrainer::restore(config, outline, &ascent.state(), isa()?)?;
            trainer.ascent().config().check_effect()?;
            Ok(trainer)
        })?;
        let online = Online { trainer, outline: outline.clone(), classes: classes.clone() };
        let driver = Driver::Online(online.into());
        Ok(Self::of(driver, self.seen.clone(), self.encoding.clone()))
    }

    /// Weights (hidden, visible), hidden bias, visible bias, and hidden states of the chains, as arrays
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

    /// The metrics that the command line writes after an epoch, a dict. They are measured on a fixed
    /// subset of the data, as bits, and those that end in `_test` on one of `held_out`; `history` keeps them.
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
        let Driver::Own(own) = &mut self.driver else {
            return Err(PyValueError::new_err("a trainer without data of its own has no metrics"));
        };
        let Own { trainer, held_out, probe, change, recorded, history, .. } = &mut **own;
        let probe = probe.get_or_insert_with(|| {
            Probe::new(trainer.examples(), held_out.as_ref(), trainer.config())
        });
        let (pace, seconds) = (*recorded, self.seconds);
        let record = interruptible(py, threads, |watch| {
            let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
            let model = FixedModel { rbm: &rbm, weights: &weights };
            let mut record = probe.record(trainer, change);
            record.samples_per_second = pace.samples_per_second(trainer, seconds);
            record.seconds = seconds;
            probe.score(trainer, &mut record, model, watch)?;
            Ok(record)
        })?;
        *recorded = Pace::since(trainer, seconds);
        let metrics = from_json(py, &serde_json::to_string(&record).expect("plain data"));
        Arc::make_mut(history).push(record);
        metrics
    }

    /// What a notebook shows of this trainer: a line, and HTML with curves of `history` and, of images, samples; None
    /// if it has no data of its own. `note` is a remark, such as why training has stopped.
    #[pyo3(signature = (note = None, *, threads = None))]
    fn picture(
        &self,
        py: Python<'_>,
        note: Option<&str>,
        threads: Option<usize>,
    ) -> PyResult<Option<(String, String)>> {
        let Driver::Own(own) = &self.driver else { return Ok(None) };
        let Own { trainer, history, .. } = &**own;
        let samples = || {
            let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
            Notebook::samples(trainer, FixedModel { rbm: &rbm, weights: &weights })
        };
        // Those of parameters that left their range mean nothing.
        let samples =
            (!self.has_diverged).then(|| without_lock(py, threads, samples)).transpose()?;
        let samples = samples.flatten();
        let n_epochs = trainer.n_epochs();
        let view = Notebook { n_epochs, records: history, samples: samples.as_deref(), note };
        Ok(Some((view.line(), view.html())))
    }

    /// The trainer as notebooks show it.
    fn _repr_html_(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.picture(py, None, None)?.map(|(_, html)| html))
    }

    /// Whether this is true for any rank. All must ask.
    fn any_rank(&self, py: Python<'_>, is_true: bool) -> PyResult<bool> {
        match &self.driver {
            Driver::Own(own) => {
                let ranks = own.trainer.ranks();
                py.detach(|| ranks.largest(is_true.into())).map(|n| n > 0).map_err(to_py)
            }
            Driver::Online(..) => Ok(is_true),
        }
    }

    /// All metrics so far, a list of dicts. The models of this trainer have them, too.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.driver {
            Driver::Own(own) => history(py, &own.history),
            Driver::Online(..) => history(py, &[]),
        }
    }

    /// Whether a run records the epoch that has just ended: each one, but in a run of more than 1,000
    /// epochs every nth one, those on the series 1, 2, 4, 5, 8, 11, 16, … (powers of √2), and the last.
    #[getter]
    fn is_recorded(&self) -> bool {
        match &self.driver {
            Driver::Own(own) => own.trainer.is_recorded(),
            Driver::Online(..) => false,
        }
    }

    /// The settings, a dict. A setting that was left to the data has its number.
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, &text(self.ascent().config()))
    }

    /// The current model.
    #[getter]
    fn rbm(&self) -> PyResult<Rbm> {
        self.check_usable()?;
        Ok(self.trained(self.ascent().current()))
    }

    /// The model with the averaged parameters, or without averaging the current model.
    #[getter]
    fn model(&self) -> PyResult<Rbm> {
        self.check_usable()?;
        Ok(self.trained(self.ascent().model()))
    }

    /// Mean of the training examples, shape (n_visible,), float32. An online trainer has the mean of the
    /// examples so far, or None.
    #[getter]
    fn data_mean<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f32>>> {
        self.mean_seen().map(|mean| mean.into_pyarray(py))
    }

    /// How many examples have a value of each column: see `Rbm.n_given`.
    #[getter]
    fn n_given(&self) -> Option<Vec<usize>> {
        match &self.driver {
            Driver::Own(own) => own.n_given.as_deref().cloned(),
            Driver::Online(..) => None,
        }
    }

    /// The hidden states of the chains, shape (chains, hidden), bool.
    #[getter]
    fn hidden_states<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<bool>> {
        self.ascent().chains().hidden().to_array(|is_on| is_on).into_pyarray(py)
    }

    /// Number of updates done.
    #[getter]
    fn updates(&self) -> u64 {
        self.ascent().updates()
    }

    /// Wall time of training in seconds.
    #[getter]
    fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Number of updates of the whole run.
    #[getter]
    fn total_updates(&self) -> u64 {
        self.ascent().timetable().total_updates
    }

    /// Number of epochs of the whole run; the last may be cut short.
    #[getter]
    fn n_epochs(&self) -> u64 {
        self.ascent().timetable().n_epochs()
    }

    /// Number of updates of an epoch.
    #[getter]
    fn updates_per_epoch(&self) -> u64 {
        self.ascent().timetable().updates_per_epoch
    }

    /// Number of training examples. An online trainer has the number so far, or None.
    #[getter]
    fn n_examples(&self) -> Option<usize> {
        match &self.driver {
            Driver::Own(own) => Some(own.trainer.examples().n_examples()),
            Driver::Online(..) => self.seen.as_ref().map(|seen| seen.n_examples),
        }
    }

    /// The number of training examples that count alike, as `Rbm.n_examples`.
    #[getter(_n_effective)]
    fn n_effective(&self) -> Option<usize> {
        match &self.driver {
            Driver::Own(own) => {
                let examples = own.trainer.examples();
                let n_effective = examples.weights().map(|all| all.n_effective().round() as usize);
                let n_examples = n_effective.unwrap_or(examples.n_examples());
                examples.missing().is_none().then_some(n_examples)
            }
            Driver::Online(..) => self.n_examples().filter(|&n| n > 0),
        }
    }

    /// What pickle keeps of an online trainer.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Pickled<'py>)> {
        let (py, this) = (slf.py(), slf.try_borrow()?);
        this.check_usable()?;
        let Driver::Online(online) = &this.driver else {
            return Err(PyTypeError::new_err(
                "a trainer with data of its own cannot be pickled; pickle its model",
            ));
        };
        let Online { trainer, outline, classes } = &**online;
        let settings = text(trainer.ascent().config());
        let state = trainer.ascent().state().to_safetensors(KEY, settings.clone());
        let restore = slf.get_type().getattr("restore")?;
        let state = PyBytes::new(py, &state);
        let (grey_levels, spins) = (this.encoding.grey_levels(), this.encoding.is_spins());
        let mark = this.encoding.missing_value();
        let seen =
            this.seen.clone().map(|RunningMean { mean, n_examples }| Seen { mean, n_examples });
        let mean = outline.mean.clone();
        let columns = this.encoding.columns().map(|columns| recorded(py, columns)).transpose()?;
        let classes = classes.as_ref().map(|all| labels::recorded(py, all)).transpose()?;
        Ok((restore, (settings, mean, state, seen, grey_levels, spins, columns, classes, mark)))
    }

    /// The trainer that was pickled; pickle calls this.
    #[staticmethod]
    #[pyo3(signature = (settings, mean, state, seen = None, grey_levels = None, spins = false,
        columns = None, classes = None, missing_value = None))]
    #[allow(clippy::too_many_arguments, reason = "what pickle keeps")]
    fn restore(
        py: Python<'_>,
        settings: &str,
        mean: Vec<f32>,
        state: &[u8],
        seen: Option<&Bound<'_, PyAny>>,
        grey_levels: Option<u32>,
        spins: bool,
        columns: Option<&Bound<'_, PyDict>>,
        classes: Option<&Bound<'_, PyAny>>,
        missing_value: Option<f64>,
    ) -> PyResult<Self> {
        let encoding = match columns {
            Some(columns) => of_columns(columns)?,
            None => Encoding::declared(grey_levels, spins).map_err(to_py)?,
        };
        let encoding = marked(encoding, missing_value)?;
        let classes = classes.map(labels::classes).transpose()?;
        let outline = outline(mean, &encoding, classes.as_deref())?;
        let config = TrainConfig::read(&parse(settings)?).map_err(to_py)?;
        let (state, _) = State::from_safetensors(KEY, state)
            .map_err(|cause| PyValueError::new_err(format!("state: {cause}")))?;
        if !OnlineTrainer::is_of_this_version(&state) {
            let text = "a trainer that an earlier version of harmonium pickled goes on with other draws and \
                         another rounding: it will not learn what it would have learned there, bit for bit";
            warn_as::<PyRuntimeWarning>(py, text)?;
        }
        let trainer =
            without_lock(py, None, || OnlineTrainer::restore(config, &outline, &state, isa()?))?;
        let seen = seen.map(running_mean).transpose()?;
        if let Some(seen) = &seen {
            let means = seen.mean.iter().map(|&x| x as f32).collect();
            check_data_mean(&means, outline.mean.len())
                .map_err(|cause| PyValueError::new_err(format!("seen: {cause}")))?;
        }
        let online = Online { trainer, outline, classes };
        Ok(Self::of(Driver::Online(online.into()), seen, encoding))
    }
}

/// The classes that a call lists, which need labels.
fn known_classes(
    classes: Option<&Bound<'_, PyAny>>,
    labels: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Arc<Classes>>> {
    if classes.is_some() && labels.is_none() {
        let message = "classes are given, but have no effect without labels";
        return Err(PyValueError::new_err(message));
    }
    classes.map(labels::classes).transpose()
}

/// The outline of data with this mean, whose sites are those of the encoding and of the label.
fn outline(
    mean: Vec<f32>,
    encoding: &Encoding,
    classes: Option<&Classes>,
) -> PyResult<DataOutline> {
    let n_classes = classes.map(Classes::n);
    let of_data = match encoding.columns() {
        Some(columns) => columns.sites(),
        None => vec![1; mean.len().saturating_sub(n_classes.unwrap_or(0))],
    };
    let units = Units::of_sites(of_data.into_iter().chain(n_classes)).map_err(to_py)?;
    Ok(DataOutline { mean, units, has_labels: n_classes.is_some() })
}
