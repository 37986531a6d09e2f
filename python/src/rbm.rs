//! The model.

use crate::arrays::{
    aligned, bits, dataset, dataset_with_missing, doubles, floats, one_each, rows, states,
    visible_bits, warn,
};
use crate::columns::{
    check_rows_for_model, in_order_of, marked, of_columns, own_order, recorded, texts,
};
use crate::entries::Entries;
use crate::errors::to_py;
use crate::isa;
use crate::json::{from_json, to_json};
use crate::labels::{self, labelled};
use crate::lacking::{self, Rows, rows_or_lacking, summed_out};
use crate::pool::{Place, interruptible, without_lock};
use crate::sparse::check_lacks;
use harmonium::dataset::{
    Binarization, Classes, Columns, Dataset, Encoding, Examples, UNIT_NAMES, WeightedRows,
    recorded_unit_names,
};
use harmonium::evaluate::classifier::Classifier;
use harmonium::evaluate::couplings::{Couplings, CouplingsConfig, Gaps};
use harmonium::evaluate::free_energy::free_energies;
use harmonium::evaluate::imputation::most_likely;
use harmonium::evaluate::number_means;
use harmonium::evaluate::pseudo_likelihood::{pseudo_likelihoods, pseudo_likelihoods_of_units};
use harmonium::evaluate::reconstruction::reconstruct;
use harmonium::evaluate::{
    Base, EvaluationConfig, EvaluationReport, Evaluator, Imputation, Independent, Method,
    NumberMeans, Observed, tempered_ladder,
};
use harmonium::gibbs::{
    self, Chains, ConditionalMean, Doubt, FixedModel, FixedWeights, Inpainting, RealConditional,
    ReplicaExchange, Sampler, SamplingMethod, check_sweeps,
};
use harmonium::model::{ModelFile, Provenance, Spins, TiledParameters, check_data_mean};
use harmonium::monitor::EpochRecord;
use harmonium::pictures;
use harmonium::reals::RealRows;
use harmonium::rng::{Purpose, Stream};
use harmonium::run::Summary;
use harmonium::train::Missing;
use harmonium::units::Units;
use harmonium::{BitMatrix, Watch};
use ndarray::{Array1, Array2, Axis};
use numpy::{AllowTypeChange, IntoPyArray as _, PyArray1, PyArray2, PyArrayLike1};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyString};
use serde_json::{Map, Value, json};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A restricted Boltzmann machine with binary units: W, b and c in float32.
///
/// Its energy is E(v, h) = -b·v - c·h - vᵀW h. Rows v may be an array of any type and order, or a
/// sparse matrix. 0 and 1 are bits. Other floating-point numbers enter the formulas as they are. Other
/// integers mean what they meant in the training data: grey levels (`grey_levels`) or spins (`spins`).
/// If neither is known, integers from 0 to 255 are grey levels of 255 where the largest is above 127,
/// with a warning; any others are refused. Two models are equal if their parameters are.
///
/// Parameters
/// ----------
/// weights : array-like of shape (n_visible, n_hidden)
/// visible_bias : array-like of shape (n_visible,)
/// hidden_bias : array-like of shape (n_hidden,)
/// data_mean : array-like of shape (n_visible,), optional
///     The mean of the training examples. It is not a parameter: `==` and `sha256` ignore it.
/// grey_levels : int from 1 to 65,535, or None
///     Integers k are grey levels: intensities k / grey_levels.
/// spins : bool
///     -1 and 1 mean 0 and 1, in samples too.
/// image_shape : (rows, columns), optional
///     The shape of an example, if it is an image.
/// columns : dict or list, optional
///     The visible sites, if they are not all bits: `columns` of another model, or a list with the states of
///     each site: a list of their names, the number q of states 0 to q - 1, or 1 for a bit. A site of q states
///     has q visible units, one of which is on. Rows are then of values, (n, sites), and so are samples.
/// history : list of dict, optional
///     The metrics of its training, as another model's `history` has them.
/// classes : list, optional
///     The labels that the last visible site may have, if it is a label: its K units come after those of the
///     data. Rows of data are then without their labels, and so are samples.
/// n_given : list of int, optional
///     How many training examples have a value of each column, if the columns stand for numbers and some lack some;
///     see `predict_ratings`.
/// n_examples : int, optional
///     The number of training examples.
/// unit_names : list of str, optional
///     The names of the units, if they are columns of a frame: frames are then read by them.
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> from harmonium import Rbm
/// >>> rbm = Rbm(np.zeros((3, 2)), np.zeros(3), np.zeros(2))
/// >>> rbm
/// Rbm(n_visible=3, n_hidden=2)
/// >>> rbm.mean_hidden([[0, 1, 1]])
/// array([[0.5, 0.5]], dtype=float32)
#[pyclass(module = "harmonium", frozen, eq)]
pub struct Rbm {
    pub rbm: Arc<harmonium::Rbm>,
    origin: Origin,
    /// The forms that calculations read, and the arrays that users see, each made at first use.
    fixed: OnceLock<Arc<FixedWeights>>,
    tiled: OnceLock<TiledParameters<f32>>,
    arrays: PyOnceLock<Arrays>,
}

/// What is known of a model besides its parameters.
#[derive(Clone, Default)]
pub struct Origin {
    /// What integers mean, as in the training data.
    pub encoding: Encoding,
    /// The mean of the training examples (V).
    pub data_mean: Option<Array1<f32>>,
    /// Rows and columns of an example, if it is an image.
    pub image_shape: Option<(usize, usize)>,
    /// What a value is that the training examples lacked.
    pub missing: Option<Missing>,
    /// The classes of the last site, if it is a label.
    pub classes: Option<Arc<Classes>>,
    /// How many training examples have a value of each column, if the columns are numbers and some lack some.
    pub n_given: Option<Arc<Vec<usize>>>,
    /// The number of training examples, of those that count alike if they had weights; None if some lacked
    /// values, or it is not known.
    pub n_examples: Option<usize>,
    /// The names of the units of the data, if they are columns of a frame or a table with a header.
    pub unit_names: Option<Arc<Vec<String>>>,
    /// The records of its training.
    pub history: Arc<Vec<EpochRecord>>,
}

/// The parameters as arrays that cannot be written.
struct Arrays {
    weights: Py<PyArray2<f32>>,
    visible_bias: Py<PyArray1<f32>>,
    hidden_bias: Py<PyArray1<f32>>,
    data_mean: Option<Py<PyArray1<f32>>>,
}

impl PartialEq for Rbm {
    fn eq(&self, other: &Self) -> bool {
        self.rbm == other.rbm
    }
}

impl From<harmonium::Rbm> for Rbm {
    fn from(rbm: harmonium::Rbm) -> Self {
        Self::of(rbm, Origin::default())
    }
}

impl Rbm {
    /// A model with what else is known of it.
    pub fn of(rbm: harmonium::Rbm, origin: Origin) -> Self {
        let (fixed, tiled, arrays) = (OnceLock::new(), OnceLock::new(), PyOnceLock::new());
        Self { rbm: Arc::new(rbm), origin, fixed, tiled, arrays }
    }

    fn from_file(file: ModelFile, history: Vec<EpochRecord>) -> PyResult<Self> {
        let ModelFile { rbm, provenance, data_mean } = file;
        let mut encoding = Encoding::recorded(&provenance.data).map_err(to_py)?;
        let classes = Classes::recorded(&provenance.data).map_err(to_py)?;
        // The states of sites that have no names are numbers.
        if let (Some(sites), None) = (rbm.visible_units().sizes(), encoding.columns()) {
            let sites = &sites[..sites.len() - usize::from(classes.is_some())];
            if sites.iter().any(|&size| size > 1) {
                encoding = Encoding::Columns(Columns::of_sites(sites).into());
            }
        }
        let missing = Missing::recorded(&provenance.settings).map_err(to_py)?;
        let (image_shape, history) = (provenance.image_shape, history.into());
        let n_given = provenance.data.get(number_means::N_GIVEN);
        let n_given = n_given.and_then(|value| serde_json::from_value(value.clone()).ok());
        // A file of other hands may have them for other columns.
        let n_columns = encoding.columns().map_or(0, |columns| columns.n_columns());
        let n_given = n_given.filter(|all: &Vec<usize>| all.len() == n_columns).map(Arc::new);
        let fact = |name| provenance.data.get(name).and_then(Value::as_f64);
        let n_examples = fact("n_effective").or(fact("n_examples")).map(|n| n.round() as usize);
        // Where values are missing, each site has values in a number of examples of its own.
        let n_examples = n_examples.filter(|_| fact("n_missing").is_none());
        let n_features = rbm.n_visible() - classes.as_ref().map_or(0, |classes| classes.n());
        let unit_names = recorded_unit_names(&provenance.data);
        let unit_names = unit_names.filter(|names| names.len() == n_features);
        let origin = Origin {
            encoding,
            data_mean,
            image_shape,
            missing,
            classes,
            n_given,
            n_examples,
            unit_names: unit_names.map(Arc::new),
            history,
        };
        Ok(Self::of(rbm, origin))
    }

    /// Reads a file, or the folder of a run, with its settings.
    fn read(path: &Path) -> PyResult<(Self, Map<String, Value>)> {
        let file = ModelFile::load(path).map_err(to_py)?;
        let run = if path.is_dir() { Summary::of(path).map_err(to_py)? } else { None };
        let settings = file.provenance.settings.clone();
        Ok((Self::from_file(file, run.map_or_else(Vec::new, |run| run.records))?, settings))
    }

    /// The arrays that users see.
    fn arrays(&self, py: Python<'_>) -> PyResult<&Arrays> {
        self.arrays.get_or_try_init(py, || {
            let vector = |values: &Array1<f32>| {
                let array = values.clone().into_pyarray(py);
                lock(&array)?;
                Ok::<_, PyErr>(array.unbind())
            };
            let weights = self.rbm.weights().clone().into_pyarray(py);
            lock(&weights)?;
            Ok(Arrays {
                weights: weights.unbind(),
                visible_bias: vector(self.rbm.visible_bias())?,
                hidden_bias: vector(self.rbm.hidden_bias())?,
                data_mean: self.origin.data_mean.as_ref().map(vector).transpose()?,
            })
        })
    }

    fn encoding(&self) -> Encoding {
        self.origin.encoding.clone()
    }

    /// What is known of the model besides its parameters.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// V, without the units of a label.
    fn n_features(&self) -> usize {
        self.n_visible() - self.origin.classes.as_ref().map_or(0, |classes| classes.n())
    }

    fn classifier(&self) -> PyResult<Classifier<'_>> {
        if self.origin.classes.is_none() {
            let message = "the model has no classes: train it with labels, or give it `classes`";
            return Err(PyValueError::new_err(message));
        }
        Classifier::new(&self.rbm).map_err(to_py)
    }

    /// Refuses a model with labels, for a method of all visible units.
    fn check_no_label(&self, method: &str) -> PyResult<()> {
        if self.origin.classes.is_none() {
            return Ok(());
        }
        Err(PyValueError::new_err(format!(
            "{method} is of all visible units, but rows for a model with classes are without their label; \
             predict_log_proba, mean_hidden, sample and log_likelihood take such rows"
        )))
    }

    /// The base of annealing, from the given data or else from the training data.
    fn base(
        &self,
        method: Method,
        data: Option<&Bound<'_, PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<Base> {
        let Some(data) = data else {
            return Ok(Base::of_method(method, &self.rbm, self.origin.data_mean.as_ref()));
        };
        if let Ok(name) = data.cast::<PyString>() {
            if name.to_cow()? == "uniform" {
                return Ok(Base::uniform(self.rbm.visible_units()));
            }
            let message = format!("base_data is {name}, but must be rows or \"uniform\"");
            return Err(PyValueError::new_err(message));
        }
        self.check_no_label("base_data")?;
        let data = dataset(data, self.encoding(), threads)?;
        data.check_intensities().map_err(to_py)?;
        check_width("base_data", data.n_visible(), self.rbm.n_visible(), "visible")?;
        let mean = Examples::new(data, Binarization::Stochastic).mean();
        Ok(Base::of_mean(self.rbm.visible_units(), &mean, "mean of base_data"))
    }

    /// Samples by parallel tempering.
    fn tempered(
        &self,
        py: Python<'_>,
        number: usize,
        gibbs_steps: usize,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<BitMatrix> {
        if number == 0 {
            return Ok(BitMatrix::zeros(0, self.n_features()));
        }
        let base = Base::for_samples(&self.rbm, self.origin.data_mean.as_ref());
        let (visible, doubt) = interruptible(py, threads, |watch| {
            let path = gibbs::Path::new(self.model()?, &base.rates)?;
            let rungs = tempered_ladder(&path, seed, watch)?;
            let mut sampler = Sampler::Exchange(ReplicaExchange::new(rungs, number, seed, watch)?);
            sampler.sweep(gibbs_steps, watch)?;
            let Sampler::Exchange(exchange) = sampler else { unreachable!("as it was made") };
            let passage = exchange.passage()?;
            let doubt = passage.doubt().map(|Doubt { reason, is_torn, .. }| {
                let remedy = match is_torn {
                    true => "two rungs hardly ever swap, so train with algorithm pt",
                    false => "raise gibbs_steps",
                };
                format!("{passage}; {reason}: {remedy}")
            });
            Ok((exchange.visible()?, doubt))
        })?;
        warn(py, doubt)?;
        Ok(visible.first_columns(self.n_features()))
    }

    /// Independent units at the rates of the `n_examples` training examples, by default those that the model
    /// knows of; None if it knows none.
    fn independent(&self, n_examples: Option<usize>) -> PyResult<Option<Independent>> {
        let known = self.origin.n_examples.filter(|_| self.origin.data_mean.is_some());
        match (n_examples.or(known), &self.origin.data_mean) {
            (None, _) => Ok(None),
            (Some(n), Some(mean)) => {
                let units = self.rbm.visible_units();
                Ok(Some(Independent::of_mean(units, &mean.mapv(f64::from), n)))
            }
            (Some(n), None) => Err(PyValueError::new_err(format!(
                "n_examples is {n}, but must be None: the model has no data_mean"
            ))),
        }
    }

    /// Rows of which some units are given, and the mask of those (1, V). A function of `_given` makes both of
    /// what the user gives.
    fn given(
        &self,
        parts: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<(BitMatrix, BitMatrix)> {
        let (rows, mask): (Bound<'_, PyAny>, Bound<'_, PyAny>) = parts.extract()?;
        let rows = visible_bits(&rows, "visible", self.encoding(), threads)?;
        let mask = bits(&mask, "clamped", threads)?;
        if self.encoding().columns().is_none() {
            return Ok((rows, mask));
        }
        // A column is given with all its units.
        let sites = self.rbm.visible_units().sites().enumerate().take(mask.n_columns());
        let sites: Vec<_> = sites.flat_map(|(site, units)| units.map(move |_| site)).collect();
        Ok((rows, BitMatrix::from_fn(1, sites.len(), |_, unit| mask.get(0, sites[unit]))))
    }

    /// A row of which some units are given, and the mask of those (1, V).
    fn clamped<'py>(
        &self,
        py: Python<'py>,
        clamp: Option<&Bound<'py, PyAny>>,
        label: Option<&Bound<'py, PyAny>>,
        threads: Option<usize>,
    ) -> PyResult<(BitMatrix, BitMatrix)> {
        let nothing = PyDict::new(py).into_any();
        let clamp = clamp.unwrap_or(&nothing);
        let module = py.import("harmonium._given")?;
        let parts = match self.columns(py)? {
            Some(columns) => module.call_method1("row_of_columns", (clamp, columns))?,
            None => module.call_method1("row", (clamp, self.n_features(), self.spins()))?,
        };
        let (row, mask) = self.given(&parts, threads)?;
        let (mut row, mut mask) = (row.wider(self.n_visible()), mask.wider(self.n_visible()));
        if let Some(label) = label {
            let state = labels::state(label, self.origin.classes.as_ref())?;
            row.set(0, self.n_features() + state, true);
            (self.n_features()..self.n_visible()).for_each(|unit| mask.set(0, unit, true));
        }
        Ok((row, mask))
    }

    /// The states from which chains start, at least one.
    fn start(&self, start: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<BitMatrix> {
        self.check_no_label("start")?;
        let start = visible_bits(start, "start", self.encoding(), threads)?;
        check_width("start", start.n_columns(), self.rbm.n_visible(), "visible")?;
        if start.n_rows() == 0 {
            return Err(PyValueError::new_err("start has no rows, but must have at least one"));
        }
        Ok(start)
    }

    fn fixed(&self) -> harmonium::Result<&Arc<FixedWeights>> {
        if let Some(weights) = self.fixed.get() {
            return Ok(weights);
        }
        // Computed outside the lock: a worker that waits may run another call that needs the weights.
        let weights = FixedWeights::of(&self.rbm, isa()?).into();
        Ok(self.fixed.get_or_init(|| weights))
    }

    /// p(h | v) for rows of numbers, in single precision.
    fn means(&self, visible: &RealRows) -> harmonium::Result<Array2<f32>> {
        let tiled = match self.tiled.get() {
            Some(tiled) => tiled,
            None => {
                // As in `fixed`.
                let tiled = TiledParameters::from(&*self.rbm);
                self.tiled.get_or_init(|| tiled)
            }
        };
        RealConditional::new(isa()?, tiled).means(visible)
    }

    /// A frame in the order of the units, if these have names; other data as they are.
    fn in_order<'py>(&self, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        in_order_of(data, self.origin.unit_names.as_ref().map(|names| &names[..]))
    }

    /// The names of the columns of data for the model, if they have any.
    fn names(&self, data: &Dataset) -> Option<Vec<String>> {
        let columns = data.columns();
        let of_columns =
            columns.map(|all| (0..all.n_columns()).map(|at| all.name(at).into_owned()).collect());
        of_columns.or_else(|| self.origin.unit_names.as_ref().map(|names| names.to_vec()))
    }

    /// Where a call on `n_rows` rows computes.
    fn place(&self, n_rows: usize, threads: Option<usize>) -> Place {
        Place::of(n_rows.saturating_mul(self.n_visible() * self.n_hidden()), threads)
    }

    fn log_probabilities(
        &self,
        visible: &Bound<'_, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Array2<f64>> {
        let classifier = self.classifier()?;
        let (py, missing) = (visible.py(), self.origin.missing);
        let visible = match rows_or_lacking(visible, self.encoding(), missing, threads)? {
            Rows::Whole(visible) => visible,
            Rows::Lacking(data) => {
                check_width("visible", data.n_visible(), self.n_features(), "visible")?;
                let visible = summed_out(*data)?;
                let (found, n_annealed) = interruptible(py, threads, |watch| {
                    classifier.log_probabilities_given(&visible, 0, isa()?, watch)
                })?;
                say_annealed(py, n_annealed)?;
                return Ok(found);
            }
        };
        check_width("visible", visible.n_columns(), self.n_features(), "visible")?;
        let place = self.place(visible.n_rows(), threads);
        interruptible(py, place, |watch| classifier.log_probabilities(&visible, isa()?, watch))
    }

    fn model(&self) -> harmonium::Result<FixedModel<'_>> {
        Ok(FixedModel { rbm: &self.rbm, weights: self.fixed()? })
    }

    /// What a missing value is: as the caller says, else as in training.
    fn rule(&self, given: Option<&str>) -> PyResult<Missing> {
        let given = given.map(str::parse).transpose().map_err(to_py)?;
        Ok(given.or(self.origin.missing).unwrap_or(Missing::Marginal))
    }

    /// p(v = 1 | what each example has) of its units (N, V), of missing ones at least where `asked` (N, V) is on.
    fn probabilities(
        &self,
        py: Python<'_>,
        data: &Dataset,
        asked: &BitMatrix,
        filling: Filling,
    ) -> PyResult<Array2<f64>> {
        let Filling { rule, sweeps, seed, threads } = filling;
        let weights = without_lock(py, threads, || self.fixed())?;
        let model = FixedModel { rbm: &self.rbm, weights };
        interruptible(py, threads, |watch| {
            let examples = Examples::new(data.clone(), Binarization::Stochastic);
            let bits = examples.fixed_bits(seed, 0..examples.n_examples());
            let imputation = Imputation { model, missing: rule, sweeps, seed };
            imputation.probabilities_where(asked, &bits, &data.lacking(), watch)
        })
    }

    /// The numbers of the data, with their expected values where they are missing and asked for. Those that the
    /// model cannot know are means, with a warning.
    fn expected(
        &self,
        py: Python<'_>,
        data: &Dataset,
        asked: &BitMatrix,
        filling: Filling,
    ) -> PyResult<Array2<f64>> {
        let is_absent = filling.rule == Missing::Absent;
        let probabilities = self.probabilities(py, data, asked, filling)?;
        let mut numbers = data.expected(probabilities.view()).map_err(to_py)?;
        let Origin { data_mean, n_given, .. } = &self.origin;
        if let (true, Some(columns), Some(mean), Some(n_given)) =
            (is_absent, data.columns(), data_mean, n_given)
            && let Some(means) = NumberMeans::new(columns, &mean.mapv(f64::from), n_given)
        {
            let n = means.replace_unknown(data, asked, &mut numbers);
            warn(py, (n > 0).then(|| NumberMeans::note(n)))?;
        }
        Ok(numbers)
    }
}

/// Columns in the order of the caller's frame, if it is another.
fn in_order(numbers: Array2<f64>, order: Option<Vec<usize>>) -> Array2<f64> {
    match order {
        Some(order) => numbers.select(Axis(1), &order),
        None => numbers,
    }
}

/// Warns of rows of which what they lack is summed out by annealing.
fn say_annealed(py: Python<'_>, n_annealed: usize) -> PyResult<()> {
    let text = (n_annealed > 0)
        .then(|| format!("what {n_annealed} rows lack is summed out by annealing, an estimate"));
    warn(py, text)
}

/// How values that are missing are predicted.
#[derive(Clone, Copy)]
struct Filling {
    rule: Missing,
    sweeps: usize,
    seed: u64,
    threads: Option<usize>,
}

/// The filters of a model of images as a PNG, at most `number`.
#[pyfunction]
pub fn filters_png<'py>(
    py: Python<'py>,
    rbm: &Bound<'py, Rbm>,
    number: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let Rbm { rbm, origin, .. } = rbm.get();
    let shape =
        origin.image_shape.ok_or(PyValueError::new_err("the model is not one of images"))?;
    Ok(PyBytes::new(py, &pictures::filters(rbm, shape, number)))
}

/// Records as dictionaries.
pub fn history<'py>(py: Python<'py>, records: &[EpochRecord]) -> PyResult<Bound<'py, PyAny>> {
    from_json(py, &serde_json::to_string(records).expect("plain data"))
}

/// Records from dictionaries.
fn records(history: &Bound<'_, PyAny>) -> PyResult<Vec<EpochRecord>> {
    let text: String = history.py().import("json")?.call_method1("dumps", (history,))?.extract()?;
    serde_json::from_str(&text).map_err(|cause| {
        PyValueError::new_err(format!(
            "history must hold metrics as `Trainer.history` has them ({cause})"
        ))
    })
}

/// Refuses states that are not as wide as their layer.
fn check_width(what: &str, found: usize, expected: usize, layer: &str) -> PyResult<()> {
    if found == expected {
        return Ok(());
    }
    let message = format!("{what} is {found} wide, but the model has {expected} {layer} units");
    Err(PyValueError::new_err(message))
}

/// Sweeps chains `gibbs_steps` times. Ctrl-C stops it.
fn sweep(
    py: Python<'_>,
    gibbs_steps: usize,
    place: impl Into<Place>,
    mut sweep: impl FnMut(Watch<'_>) -> harmonium::Result<()> + Send,
) -> PyResult<()> {
    check_sweeps("gibbs_steps", gibbs_steps).map_err(to_py)?;
    interruptible(py, place, move |watch| (0..gibbs_steps).try_for_each(|_| sweep(watch)))
}

/// Makes an array read-only: a write raises an error, and is not lost in a copy.
fn lock(array: &Bound<'_, PyAny>) -> PyResult<()> {
    array.getattr("flags")?.setattr("writeable", false)
}

#[pymethods]
impl Rbm {
    #[new]
    #[pyo3(signature = (weights, visible_bias, hidden_bias, data_mean = None, *,
        grey_levels = None, spins = false, image_shape = None, missing = None, columns = None,
        history = None, classes = None, n_given = None, n_examples = None, missing_value = None,
        unit_names = None))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn new(
        #[pyo3(from_py_with = floats)] weights: Array2<f32>,
        #[pyo3(from_py_with = floats)] visible_bias: Array1<f32>,
        #[pyo3(from_py_with = floats)] hidden_bias: Array1<f32>,
        data_mean: Option<&Bound<'_, PyAny>>,
        grey_levels: Option<u32>,
        spins: bool,
        image_shape: Option<(usize, usize)>,
        missing: Option<&str>,
        columns: Option<&Bound<'_, PyAny>>,
        history: Option<&Bound<'_, PyAny>>,
        classes: Option<&Bound<'_, PyAny>>,
        n_given: Option<Vec<usize>>,
        n_examples: Option<usize>,
        missing_value: Option<f64>,
        unit_names: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let classes = classes.map(labels::classes).transpose()?;
        let missing = missing.map(str::parse).transpose().map_err(to_py)?;
        let columns = columns.map(|columns| {
            let module = columns.py().import("harmonium._columns")?;
            Ok::<_, PyErr>(module.call_method1("of_sites", (columns,))?.cast_into::<PyDict>()?)
        });
        let encoding = match columns.transpose()? {
            Some(columns) => of_columns(&columns)?,
            None => Encoding::declared(grey_levels, spins).map_err(to_py)?,
        };
        let encoding = marked(encoding, missing_value)?;
        let n_classes = classes.as_ref().map(|classes| classes.n());
        let n_features = weights.nrows().saturating_sub(n_classes.unwrap_or(0));
        let rbm = match encoding.columns() {
            None if n_classes.is_none() => harmonium::Rbm::new(weights, visible_bias, hidden_bias),
            columns => {
                let sizes = match columns {
                    Some(columns) => columns.sites(),
                    None => vec![1; n_features],
                };
                let units = Units::of_sites(sizes.into_iter().chain(n_classes)).map_err(to_py)?;
                harmonium::Rbm::of_sites(units, weights, visible_bias, hidden_bias)
            }
        };
        let rbm = rbm.map_err(to_py)?;
        let data_mean = data_mean.map(floats).transpose()?;
        if let Some(mean) = &data_mean {
            check_data_mean(mean, rbm.n_visible()).map_err(to_py)?;
        }
        if let Some((rows, columns)) = image_shape
            && rows.checked_mul(columns) != Some(n_features)
        {
            return Err(PyValueError::new_err(format!(
                "image_shape is {rows} x {columns}, but must have {n_features} pixels, one for each visible unit"
            )));
        }
        if let Some(n_given) = &n_given {
            let n_columns = encoding.columns().map_or(0, |columns| columns.n_columns());
            check_width("n_given", n_given.len(), n_columns, "columns of")?;
        }
        let n_given = n_given.map(Arc::new);
        if let Some(names) = &unit_names {
            check_width("unit_names", names.len(), n_features, "visible")?;
        }
        let history = history.map(records).transpose()?.unwrap_or_default().into();
        let origin = Origin {
            encoding,
            data_mean,
            image_shape,
            missing,
            classes,
            n_given,
            n_examples,
            unit_names: unit_names.map(Arc::new),
            history,
        };
        Ok(Self::of(rbm, origin))
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Parts<'py>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("grey_levels", self.grey_levels())?;
        keywords.set_item("spins", self.spins())?;
        keywords.set_item("image_shape", self.image_shape())?;
        keywords.set_item("missing", self.missing())?;
        if let Some(columns) = self.encoding().columns() {
            keywords.set_item("columns", recorded(py, columns)?)?;
        }
        if !self.origin.history.is_empty() {
            keywords.set_item("history", self.history(py)?)?;
        }
        if let Some(classes) = &self.origin.classes {
            keywords.set_item("classes", labels::recorded(py, classes)?)?;
        }
        if let Some(n_given) = &self.origin.n_given {
            keywords.set_item("n_given", &**n_given)?;
        }
        if let Some(n_examples) = self.origin.n_examples {
            keywords.set_item("n_examples", n_examples)?;
        }
        if let Some(missing_value) = self.missing_value() {
            keywords.set_item("missing_value", missing_value)?;
        }
        if let Some(names) = &self.origin.unit_names {
            keywords.set_item("unit_names", &**names)?;
        }
        let parts =
            (self.weights(py)?, self.visible_bias(py)?, self.hidden_bias(py)?, self.data_mean(py)?);
        Ok((parts, keywords))
    }

    fn __repr__(&self) -> String {
        format!("Rbm(n_visible={}, n_hidden={})", self.n_visible(), self.n_hidden())
    }

    /// The model as notebooks show it.
    fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("harmonium._html")?.call_method1("of_rbm", (slf,))
    }

    /// W, shape (n_visible, n_hidden), float32, read-only.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        Ok(self.arrays(py)?.weights.bind(py).clone())
    }

    /// b, shape (n_visible,), float32, read-only.
    #[getter]
    fn visible_bias<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        Ok(self.arrays(py)?.visible_bias.bind(py).clone())
    }

    /// c, shape (n_hidden,), float32, read-only.
    #[getter]
    fn hidden_bias<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f32>>> {
        Ok(self.arrays(py)?.hidden_bias.bind(py).clone())
    }

    /// Mean of the training examples, shape (n_visible,), float32, read-only; None if it is not known.
    #[getter]
    fn data_mean<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f32>>>> {
        Ok(self.arrays(py)?.data_mean.as_ref().map(|mean| mean.bind(py).clone()))
    }

    /// Rows and columns of an example, if it is an image, or None.
    #[getter]
    fn image_shape(&self) -> Option<(usize, usize)> {
        self.origin.image_shape
    }

    /// What a value is that the training examples lacked: "absent", "marginal" or None.
    #[getter]
    fn missing(&self) -> Option<String> {
        self.origin.missing.map(|missing| missing.to_string())
    }

    /// The number that stands for a missing value in data for the model, or None.
    #[getter]
    fn missing_value(&self) -> Option<f64> {
        self.origin.encoding.missing_value()
    }

    /// The metrics of the training, a list with a dict for each recorded epoch (see `Trainer.metrics`).
    /// It is empty for a model from a file; the folder of a run has them.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        history(py, &self.origin.history)
    }

    /// The number of training examples (of those that count alike, if they had weights), or None if it is not
    /// known or some examples lacked values.
    #[getter]
    fn n_examples(&self) -> Option<usize> {
        self.origin.n_examples
    }

    /// Number of visible units.
    #[getter]
    fn n_visible(&self) -> usize {
        self.rbm.n_visible()
    }

    /// Number of hidden units.
    #[getter]
    fn n_hidden(&self) -> usize {
        self.rbm.n_hidden()
    }

    /// The highest grey level, if integers are grey levels, or None.
    #[getter]
    fn grey_levels(&self) -> Option<u32> {
        self.encoding().grey_levels()
    }

    /// Whether -1 and 1 mean 0 and 1, in samples too.
    #[getter]
    fn spins(&self) -> bool {
        self.encoding().is_spins()
    }

    /// The columns of the data, each a bit or a category with the names of its states, a dict as in model files;
    /// None for a model of bits or numbers.
    #[getter]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.encoding().columns().map(|columns| recorded(py, columns)).transpose()
    }

    /// The labels that the model predicts, a list by state: numbers or booleans, if all are, else texts. None for a
    /// model that was trained without labels.
    #[getter]
    fn classes<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let classes = self.origin.classes.as_ref();
        classes.map(|classes| labels::own_values(py, classes)).transpose()
    }

    /// How many training examples have a value of each column, if the columns stand for numbers and some lack some.
    #[getter]
    fn n_given(&self) -> Option<Vec<usize>> {
        self.origin.n_given.as_deref().cloned()
    }

    /// The number of visible units of each site, a list: 1 for a bit, else the number of states.
    #[getter]
    fn sites(&self) -> Vec<usize> {
        self.rbm.visible_units().sites().map(|units| units.len()).collect()
    }

    /// Fingerprint of the parameters, as `harmonium inspect` prints it.
    fn sha256(&self) -> String {
        self.rbm.sha256()
    }

    /// ln p(y | v) of each class y for rows v, shape (n, n_classes), float64, by a model with `classes`.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> rbm = Rbm([[20.0], [0.0], [20.0]], [0.0] * 3, [-25.0], classes=["off", "on"])
    /// >>> rbm.classes, rbm.predict_log_proba([[1]]).round(2).tolist()
    /// (['off', 'on'], [[-14.99, -0.0]])
    #[pyo3(signature = (visible, *, threads = None))]
    fn predict_log_proba<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let visible = &self.in_order(visible)?;
        Ok(self.log_probabilities(visible, threads)?.into_pyarray(visible.py()))
    }

    /// p(y | v) of each class y for rows v, shape (n, n_classes), float64, by a model with `classes`.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> rbm = Rbm([[20.0], [0.0], [20.0]], [0.0] * 3, [-25.0], classes=["off", "on"])
    /// >>> rbm.predict_proba([[0], [1]]).round(2).tolist()
    /// [[0.5, 0.5], [0.0, 1.0]]
    #[pyo3(signature = (visible, *, threads = None))]
    fn predict_proba<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let visible = &self.in_order(visible)?;
        let p = self.log_probabilities(visible, threads)?.mapv_into(f64::exp);
        Ok(p.into_pyarray(visible.py()))
    }

    /// p(hⱼ = 1 | v) for rows v, shape (n, n_hidden). By a model with `classes`, the label is summed out.
    ///
    /// Parameters
    /// ----------
    /// visible : array-like or sparse matrix of shape (n, n_visible)
    /// dtype : {"float32", "float64"}
    ///     The precision of the sums and of the result; float32 has 24 binary places.
    /// threads : int, or None for all cores
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> rbm = Rbm([[2.0], [-1.0]], [0.0, 0.0], [0.0])
    /// >>> rbm.mean_hidden([[1, 0], [0.5, 1]], dtype="float64").round(4).tolist()
    /// [[0.8808], [0.5]]
    #[pyo3(signature = (visible, *, dtype = "float32", threads = None))]
    fn mean_hidden<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        dtype: &str,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let visible = &self.in_order(visible)?;
        let (py, missing) = (visible.py(), self.origin.missing);
        let visible = match rows_or_lacking(visible, self.encoding(), missing, threads)? {
            Rows::Whole(visible) => visible,
            Rows::Lacking(data) => {
                let what =
                    "p(h | v) (Rbm.impute fills them; free_energy and predict_proba sum them out)";
                return Err(lacking::refuse(&data, what));
            }
        };
        let place = self.place(visible.n_rows(), threads);
        match dtype {
            "float32" | "float64" if self.origin.classes.is_some() => {
                let classifier = self.classifier()?;
                check_width("visible", visible.n_columns(), self.n_features(), "visible")?;
                let means = interruptible(py, place, |watch| {
                    classifier.mean_hidden(&visible, isa()?, watch)
                })?;
                Ok(match dtype {
                    "float32" => means.into_pyarray(py).into_any(),
                    _ => means.mapv(f64::from).into_pyarray(py).into_any(),
                })
            }
            "float32" => {
                let means = without_lock(py, place, || self.means(&visible))?;
                Ok(means.into_pyarray(py).into_any())
            }
            "float64" => {
                let means = without_lock(py, place, || {
                    self.rbm.mean_hidden_f64(isa()?, (&visible).into())
                })?;
                Ok(means.into_pyarray(py).into_any())
            }
            _ => {
                let message = format!("dtype is {dtype}, but must be float32 or float64");
                Err(PyTypeError::new_err(message))
            }
        }
    }

    /// p(vᵢ = 1 | h) for rows h of 0 and 1, or of probabilities, shape (n, n_visible), float32.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> rbm = Rbm([[2.0], [-1.0]], [0.0, 0.0], [0.0])
    /// >>> [round(float(p), 4) for p in rbm.mean_visible([[1]])[0]]
    /// [0.8808, 0.2689]
    /// >>> [round(float(p), 4) for p in rbm.mean_visible(rbm.mean_hidden([[1, 0]]))[0]]
    /// [0.8534, 0.293]
    #[pyo3(signature = (hidden, *, threads = None))]
    fn mean_visible<'py>(
        &self,
        hidden: &Bound<'py, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (py, hidden) = (hidden.py(), rows(hidden, Encoding::Undeclared, threads)?);
        check_width("hidden", hidden.n_columns(), self.n_hidden(), "hidden")?;
        if hidden.rows().any(|row| row.values.iter().any(|x| !(0.0..=1.0).contains(x))) {
            let message = "hidden has values outside 0 to 1, but must hold bits or probabilities";
            return Err(PyValueError::new_err(message));
        }
        if hidden.n_rows() == 0 {
            return Ok(Array2::zeros((0, self.n_visible())).into_pyarray(py));
        }
        let means = without_lock(py, threads, || match hidden.to_bits() {
            Some(bits) => self.fixed()?.visible_given_hidden().means(&bits),
            None => self.rbm.transposed().mean_hidden_on(isa()?, (&hidden).into()),
        })?;
        Ok(means.into_pyarray(py))
    }

    /// p(vᵢ = 1 | the given units) for rows v of which some units are given, shape (n, n_visible), float64.
    ///
    /// If at most 12 units are free, or the model has at most 16 hidden units, it is exact: a sum over all their states.
    /// Else it is an average over `gibbs_steps` sweeps of a chain for each row, of which the first quarter is left out.
    ///
    /// Parameters
    /// ----------
    /// visible : array-like of 0 and 1, or of spins, of shape (n, n_visible)
    ///     Values of units that are not given do not count, and may be NaN.
    /// clamped : array-like of bool of shape (n_visible,) or of an image, or of numbers of units
    ///     The given units. For a model of columns, the given columns, also by name.
    /// gibbs_steps : int
    /// seed : int, 0 or more
    /// threads : int, or None for all cores
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> agreeing = Rbm([[20.0], [20.0]], [-10.0, -10.0], [-20.0])
    /// >>> agreeing.conditional_mean([[1, 0], [0, 0]], clamped=[True, False]).round(3).tolist()
    /// [[1.0, 1.0], [0.0, 0.0]]
    #[pyo3(signature = (visible, clamped, *, gibbs_steps = 1000, seed = 0, threads = None))]
    fn conditional_mean<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        clamped: &Bound<'py, PyAny>,
        gibbs_steps: usize,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let visible = &self.in_order(visible)?;
        self.check_no_label("conditional_mean")?;
        let py = visible.py();
        let given = py.import("harmonium._given")?;
        let parts = match self.columns(py)? {
            Some(columns) => given.call_method1("rows_of_columns", (visible, clamped, columns))?,
            None => {
                given.call_method1("rows", (visible, clamped, self.n_visible(), self.spins()))?
            }
        };
        let (visible, mask) = self.given(&parts, threads)?;
        let weights = without_lock(py, threads, || self.fixed())?;
        let model = FixedModel { rbm: &self.rbm, weights };
        let means = ConditionalMean { model, given: &mask, sweeps: gibbs_steps, seed };
        let means = interruptible(py, threads, |watch| means.of(&visible, watch))?;
        Ok(means.into_pyarray(py))
    }

    /// The rows with predictions in place of values that are missing: NaN, or masked. Shape (n, n_visible),
    /// float64, in the terms of the data; the columns of a frame stay in its order.
    ///
    /// With `missing="absent"`, p(v_q = 1 | the given values) is a closed form for each missing value by itself;
    /// with "marginal" the other missing values are summed out, exactly if a row lacks at most 12 units (a category has one
    /// for each value) or the model has at most 16 hidden units, else over a chain of `gibbs_steps` sweeps.
    ///
    /// Parameters
    /// ----------
    /// visible : array-like of shape (n, n_visible)
    ///     0 and 1, spins, grey levels or intensities, some of them NaN or masked. A frame for a model of columns with
    ///     names may lack some, which count as missing, with a warning; the result then has all, in the order of the model.
    /// expected : bool
    ///     Whether a value is filled with its mean, not with its most likely value.
    /// missing : "absent", "marginal" or None
    ///     What a missing value is; None: as in training, or else "marginal".
    /// gibbs_steps : int
    /// seed : int, 0 or more
    /// threads : int, or None for all cores
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> from harmonium import Rbm
    /// >>> agreeing = Rbm([[20.0], [20.0]], [-10.0, -10.0], [-20.0])
    /// >>> agreeing.impute([[1, np.nan], [np.nan, 0]]).tolist()
    /// [[1.0, 1.0], [0.0, 0.0]]
    #[pyo3(signature = (visible, *, expected = false, missing = None, gibbs_steps = 1000, seed = 0,
        threads = None))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn impute<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        expected: bool,
        missing: Option<&str>,
        gibbs_steps: usize,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let given = visible;
        let visible = &self.in_order(visible)?;
        self.check_no_label("impute")?;
        let py = visible.py();
        let data = dataset_with_missing(visible, self.encoding(), threads, true)?;
        check_rows_for_model(&data, &self.encoding())?;
        check_width("visible", data.n_visible(), self.n_visible(), "visible")?;
        let (rule, sweeps) = (self.rule(missing)?, gibbs_steps);
        check_lacks(visible, &data, Some(rule))?;
        let filling = Filling { rule, sweeps, seed, threads };
        let found = match expected {
            true => self.expected(py, &data, &data.lacking(), filling)?,
            false => {
                let means = self.probabilities(py, &data, &data.lacking(), filling)?;
                data.filled(&most_likely(&data.units(), &means)).numbers()
            }
        };
        let order = self.names(&data).map(|names| own_order(given, &names)).transpose()?.flatten();
        Ok(in_order(found, order).into_pyarray(py))
    }

    /// The expected number Σ number · p(number) of each value that rows of ratings lack, float64.
    ///
    /// What `impute(expected=True)` does, for a model whose columns stand for numbers: with `missing="absent"`, p of a
    /// value given the others of its row is a closed form. What such a model cannot know is predicted by means, with
    /// a warning: a value of a column that the training data lack, and each value of a row that has none. It is
    /// μ + d + r, with μ the mean of all training values, d how far the column is from it, and r how far the row is
    /// from μ + d, each a sum of n deviations divided by n + 5, within the numbers of the column.
    ///
    /// Parameters
    /// ----------
    /// visible : array-like or sparse matrix of shape (n, columns)
    ///     Rows of which some values are NaN or masked, as in training; what a sparse matrix does not store is
    ///     missing, if 0 is no value of the columns. A frame may lack columns, which count as missing, with a warning.
    /// entries : (rows, columns), two array-likes of whole numbers from 0, or None
    ///     The values that are predicted, as `numpy.nonzero` gives places; those that the rows have do not count.
    ///     None: those that the rows lack.
    /// missing : "absent", "marginal" or None
    ///     What a missing value is; None: as in training, or else "marginal".
    /// gibbs_steps : int
    ///     As in `impute`.
    /// seed : int, 0 or more
    /// threads : int, or None for all cores
    ///
    /// Returns
    /// -------
    /// ndarray of shape (n, columns): the rows, with predictions in place of what they lack, the columns in the order
    /// of a frame that has them all, else in that of the model; or with `entries` of shape (number of entries,)
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> import harmonium
    /// >>> ratings = np.array([[5, 5, np.nan], [5, 5, 4], [1, 1, 2], [1, np.nan, 2]] * 25)
    /// >>> settings = dict(missing="absent", hidden=4, epochs=200, batch_size=20)
    /// >>> rbm = harmonium.train(ratings, categories=(1, 5), **settings)
    /// >>> rbm.predict_ratings(ratings)[[0, 3]].round().tolist()
    /// [[5.0, 5.0, 4.0], [1.0, 1.0, 2.0]]
    /// >>> rbm.predict_ratings(ratings, entries=([1, 2], [0, 0])).round().tolist()
    /// [5.0, 1.0]
    #[pyo3(signature = (visible, *, entries = None, missing = None, gibbs_steps = 1000, seed = 0,
        threads = None))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn predict_ratings<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        entries: Option<&Bound<'py, PyAny>>,
        missing: Option<&str>,
        gibbs_steps: usize,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let given = visible;
        let visible = &self.in_order(visible)?;
        self.check_no_label("predict_ratings")?;
        let py = visible.py();
        if self.encoding().columns().and_then(number_means::numbers).is_none() {
            return Err(PyValueError::new_err(
                "predict_ratings takes a model whose columns all stand for numbers, one of them for more than two: \
                 train it with categories; `impute` fills other values",
            ));
        }
        let data = dataset_with_missing(visible, self.encoding(), threads, true)?;
        check_rows_for_model(&data, &self.encoding())?;
        check_width("visible", data.n_visible(), self.n_visible(), "visible")?;
        let (rule, sweeps) = (self.rule(missing)?, gibbs_steps);
        check_lacks(visible, &data, Some(rule))?;
        let filling = Filling { rule, sweeps, seed, threads };
        let order = self.names(&data).map(|names| own_order(given, &names)).transpose()?.flatten();
        let Some(entries) = entries else {
            let found = self.expected(py, &data, &data.lacking(), filling)?;
            return Ok(in_order(found, order).into_pyarray(py).into_any());
        };
        if let Some(lacked) = data.lacked_columns() {
            return Err(PyValueError::new_err(format!(
                "entries counts the columns of {}, but {lacked}; give all, or leave out entries",
                data.name()
            )));
        }
        let entries = Entries::of(entries, &data, order.as_deref())?;
        if entries.are_none() {
            return Ok(Array1::<f64>::zeros(0).into_pyarray(py).into_any());
        }
        let (data, asked) = entries.hidden_in(&data).map_err(to_py)?;
        let numbers = self.expected(py, &data, &asked, filling)?;
        Ok(entries.pick(&numbers).into_pyarray(py).into_any())
    }

    /// Free energy F(v) = -b·v - Σⱼ softplus(cⱼ + Σᵢ vᵢ Wᵢⱼ) of each row, shape (n,), float64. By a model of
    /// `missing="marginal"` what a row lacks (NaN, or masked) is summed out, so that -F(v) - ln Z is ln p of what it has:
    /// exactly, or else by annealing, which errs high on average.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> Rbm([[0.0]], [1.5], [0.0]).free_energy([[0], [1]]).round(4).tolist()
    /// [-0.6931, -2.1931]
    #[pyo3(signature = (visible, *, threads = None))]
    fn free_energy<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let visible = &self.in_order(visible)?;
        self.check_no_label("free_energy")?;
        let (py, missing) = (visible.py(), self.origin.missing);
        // Rows of a model in which sites are absent have no common scale.
        let missing = missing.filter(|missing| *missing == Missing::Marginal);
        let visible = match rows_or_lacking(visible, self.encoding(), missing, threads)? {
            Rows::Whole(visible) => visible,
            Rows::Lacking(data) => {
                check_width("visible", data.n_visible(), self.n_visible(), "visible")?;
                let visible = summed_out(*data)?;
                let found = interruptible(py, threads, |watch| {
                    Observed::of(&self.rbm, &visible, usize::MAX, 0, isa()?, watch)
                })?;
                say_annealed(py, found.n_annealed)?;
                return Ok(found.free_energies.into_pyarray(py));
            }
        };
        let place = self.place(visible.n_rows(), threads);
        let energies =
            interruptible(py, place, |watch| free_energies(&self.rbm, &visible, isa()?, watch))?;
        Ok(energies.into_pyarray(py))
    }

    /// Pseudo-likelihood Σᵢ ln p(vᵢ | the rest) of each row, shape (n,), float64. `units` (n) names one
    /// unit i for each row: the result is then n_visible ln p(vᵢ | the rest).
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> Rbm([[0.0], [0.0]], [0.0, 0.0], [0.0]).pseudo_likelihood([[0, 1]]).round(4).tolist()
    /// [-1.3863]
    #[pyo3(signature = (visible, *, units = None, threads = None))]
    fn pseudo_likelihood<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        units: Option<Vec<usize>>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let visible = &self.in_order(visible)?;
        self.check_no_label("pseudo_likelihood")?;
        let (py, visible) = (visible.py(), rows(visible, self.encoding(), threads)?);
        let place = self.place(visible.n_rows(), threads);
        if let Some(units) = &units {
            let n_sites = self.rbm.visible_units().n_sites();
            if units.len() != visible.n_rows() || units.iter().any(|&unit| unit >= n_sites) {
                return Err(PyValueError::new_err(format!(
                    "units must hold a unit below {n_sites} for each of the {} rows",
                    visible.n_rows()
                )));
            }
        }
        let scores = interruptible(py, place, |watch| match &units {
            None => pseudo_likelihoods(&self.rbm, &visible, isa()?, watch),
            Some(units) => pseudo_likelihoods_of_units(&self.rbm, &visible, units, isa()?, watch),
        })?;
        Ok(scores.into_pyarray(py))
    }

    /// p(v'ᵢ = 1 | h), with h drawn from p(h | v), for rows v, shape (n, n_visible), float32.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> copying = Rbm([[40.0]], [-20.0], [-20.0])
    /// >>> copying.reconstruct([[0], [1]]).round(4).tolist()
    /// [[0.0], [1.0]]
    #[pyo3(signature = (visible, *, seed = 0, threads = None))]
    fn reconstruct<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let visible = &self.in_order(visible)?;
        self.check_no_label("reconstruct")?;
        let (py, visible) = (visible.py(), rows(visible, self.encoding(), threads)?);
        let place = self.place(visible.n_rows(), threads);
        check_width("visible", visible.n_columns(), self.n_visible(), "visible")?;
        if visible.n_rows() == 0 {
            return Ok(Array2::zeros((0, self.n_visible())).into_pyarray(py));
        }
        let means = without_lock(py, place, || reconstruct(self.model()?, &visible, seed))?;
        Ok(means.into_pyarray(py))
    }

    /// Visible states after `gibbs_steps` sweeps from rows v, shape (n, n_visible): bool, or int8 if the
    /// model has spins.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> copying = Rbm([[40.0]], [-20.0], [-20.0])
    /// >>> copying.gibbs([[0], [1]], gibbs_steps=10).tolist()
    /// [[False], [True]]
    #[pyo3(signature = (visible, *, gibbs_steps = 1, seed = 0, threads = None))]
    fn gibbs<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        gibbs_steps: usize,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let visible = &self.in_order(visible)?;
        self.check_no_label("gibbs")?;
        let (py, visible) = (visible.py(), rows(visible, self.encoding(), threads)?);
        let place = self.place(visible.n_rows(), threads);
        check_width("visible", visible.n_columns(), self.n_visible(), "visible")?;
        if visible.n_rows() == 0 {
            return Ok(states(py, &BitMatrix::zeros(0, self.n_visible()), self.encoding()));
        }
        let (weights, mut chains) = without_lock(py, place, || {
            let weights = self.fixed()?;
            Chains::check_memory(weights, visible.n_rows(), &[])?;
            let streams = Stream::first(visible.n_rows(), seed, Purpose::Sample);
            let means = self.means(&visible)?;
            let chains = Chains::from_means(weights, &visible.rounded(), means.view(), streams);
            Ok((weights, chains))
        })?;
        let place = self.place(visible.n_rows().saturating_mul(gibbs_steps), threads);
        sweep(py, gibbs_steps, place, |watch| chains.sweep_watched(weights, watch))?;
        Ok(states(py, &chains.visible(), self.encoding()))
    }

    /// Samples of the model: visible states of chains after `gibbs_steps` sweeps, shape
    /// (number, n_visible): bool, or int8 if the model has spins. `harmonium sample` gives the same
    /// samples for the same seed.
    ///
    /// Parameters
    /// ----------
    /// number : int
    /// gibbs_steps : int
    /// start : array-like of 0 and 1, or of spins, of shape (n, n_visible), or None
    ///     Chains start from these rows in turn; None: from units drawn by the visible bias alone.
    /// clamp : dict, array-like of shape (n_visible,) or of an image, or None
    ///     Units that keep a value: the value by the number of the unit, or an array with NaN for the units
    ///     that are free. The others are drawn given these. It excludes `start`. For a model of columns, values
    ///     of columns, also by name.
    /// label : one of `classes`, optional
    ///     The samples are of p(v | label). It excludes `start`.
    /// method : "gibbs" or "pt"
    ///     How the chains move: each by itself, or by parallel tempering, for a model with several modes. It excludes
    ///     `start`, `clamp` and `label`. A warning tells if their shares are not to be
    ///     trusted yet.
    /// as_texts : bool
    ///     Whether samples of a model of columns are texts: sequences, shape (number,), or the names of the values,
    ///     shape (number, columns). Else they are numbers, of a letter its place in the alphabet.
    /// seed : int, 0 or more
    /// threads : int, or None for all cores
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> Rbm([[0.0]], [50.0], [0.0]).sample(2, gibbs_steps=1).tolist()
    /// [[True], [True]]
    /// >>> agreeing = Rbm([[20.0], [20.0]], [-10.0, -10.0], [-20.0])
    /// >>> agreeing.sample(2, gibbs_steps=10, clamp={0: 1}).tolist()
    /// [[True, True], [True, True]]
    #[pyo3(signature = (number = 100, *, gibbs_steps = 1000, start = None, clamp = None, label = None,
        method = "gibbs", as_texts = false, seed = 0, threads = None))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn sample<'py>(
        &self,
        py: Python<'py>,
        number: usize,
        gibbs_steps: usize,
        start: Option<&Bound<'py, PyAny>>,
        clamp: Option<&Bound<'py, PyAny>>,
        label: Option<&Bound<'py, PyAny>>,
        method: &str,
        as_texts: bool,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let encoding = self.encoding();
        let samples = |bits: &BitMatrix| match as_texts {
            true => texts(py, encoding.columns(), bits),
            false => Ok(states(py, bits, encoding.clone())),
        };
        let method: SamplingMethod = method.parse().map_err(to_py)?;
        let is_given = start.is_some() || clamp.is_some() || label.is_some();
        match method {
            SamplingMethod::Gibbs => {}
            SamplingMethod::Pt if is_given => {
                let message = "method is pt, but must be gibbs with start, clamp and label";
                return Err(PyValueError::new_err(message));
            }
            SamplingMethod::Pt => {
                return samples(&self.tempered(py, number, gibbs_steps, seed, threads)?);
            }
            _ => {
                let message = format!(
                    "method is {method}, but must be gibbs or pt: the ladder of a run is in its folder \
                     (harmonium sample RUN --method {method})"
                );
                return Err(PyValueError::new_err(message));
            }
        }
        if start.is_some() && (clamp.is_some() || label.is_some()) {
            let message = "start is given, but must be left out with clamp and label: free units start at random";
            return Err(PyValueError::new_err(message));
        }
        let start = start.map(|start| self.start(start, threads)).transpose()?;
        if number == 0 {
            return samples(&BitMatrix::zeros(0, self.n_features()));
        }
        if clamp.is_some() || label.is_some() {
            let (row, mask) = self.clamped(py, clamp, label, threads)?;
            let (weights, mut chains) = without_lock(py, threads, || {
                let weights = self.fixed()?;
                Chains::check_memory(weights, number, &["number"])?;
                let examples = row.cycled(number);
                let streams = Stream::first(number, seed, Purpose::Inpainting);
                Ok((weights, Inpainting::new(weights, &examples, &mask, streams)?))
            })?;
            sweep(py, gibbs_steps, threads, |watch| chains.sweep_watched(weights, watch))?;
            let visible = chains.visible().first_columns(self.n_features());
            return samples(&visible);
        }
        let (weights, mut chains) = without_lock(py, threads, || {
            let model = self.model()?;
            let chains = Chains::for_samples(model, number, start.as_ref(), seed)?;
            Ok((model.weights, chains))
        })?;
        sweep(py, gibbs_steps, threads, |watch| chains.sweep_watched(weights, watch))?;
        let visible = chains.visible().first_columns(self.n_features());
        samples(&visible)
    }

    /// Mean log-likelihood of rows, with its uncertainty.
    ///
    /// The partition function is summed exactly if the smaller layer has at most 20 units. If not,
    /// annealed importance sampling estimates it from both sides, and `verdict` says whether to believe
    /// the estimate. Intensities from 0 to 1 and grey levels become random bits, the same for the same
    /// seed. Other numbers are refused. Of rows that lack values (NaN, or masked) it is ln p of what they
    /// have: what they lack is summed out, exactly or else by annealing, whatever log Z is by; `observed`
    /// of the result says for how many.
    ///
    /// Parameters
    /// ----------
    /// visible : array-like or sparse matrix of shape (n, n_visible)
    /// labels : array-like of shape (n,), for a model with `classes`
    ///     The score is then that of ln p(v, label).
    /// weights : array-like of shape (n,), or None
    ///     How much each row counts, a finite number of at least 0; a row of weight 0 is left out.
    /// method : {"auto", "exact", "ais", "pt"}
    /// n_chains : int, 2 or more; default 200
    /// schedule : str, such as "adaptive", "adaptive:20000" or "linear:10000"
    /// burn_in : int; default 1000
    ///     Sweeps that bring chains to the distribution of the model.
    /// base_data : array-like of shape (n, n_visible), "uniform", or None
    ///     The base of annealing has the mean of these data; None: `data_mean`, or else σ(b). The mean
    ///     of `visible` is never used: log Z is a property of the model.
    /// start : array-like of 0 and 1, or of spins, of shape (n, n_visible), or None
    ///     Reverse annealing starts from these states, such as samples of a tempered run; None: from
    ///     the ends of forward runs made for it.
    /// n_examples : int, or None
    ///     The number of training examples. With `data_mean` it gives `independent`, the score of
    ///     independent units. None: `Rbm.n_examples`.
    /// seed : int, 0 or more
    /// threads : int, or None for all cores
    ///
    /// Returns
    /// -------
    /// LogLikelihood
    ///
    /// Examples
    /// --------
    /// >>> import numpy as np
    /// >>> from harmonium import Rbm
    /// >>> fair = Rbm(np.zeros((2, 3)), np.zeros(2), np.zeros(3))
    /// >>> score = fair.log_likelihood([[0, 1], [1, 1]])
    /// >>> round(score.mean, 4), score.verdict  # two fair coins: -2 ln 2
    /// (-1.3863, 'exact')
    #[pyo3(signature = (visible, *, labels = None, weights = None, method = "auto", n_chains = None, schedule = None,
        burn_in = None, base_data = None, start = None, n_examples = None, seed = 0,
        threads = None))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn log_likelihood<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        labels: Option<&Bound<'py, PyAny>>,
        weights: Option<&Bound<'py, PyAny>>,
        method: &str,
        n_chains: Option<usize>,
        schedule: Option<&str>,
        burn_in: Option<usize>,
        base_data: Option<&Bound<'py, PyAny>>,
        start: Option<&Bound<'py, PyAny>>,
        n_examples: Option<usize>,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let visible = &self.in_order(visible)?;
        let default = EvaluationConfig::default();
        let schedule = schedule.map(str::parse).transpose().map_err(to_py)?;
        let config = EvaluationConfig {
            method: method.parse().map_err(to_py)?,
            n_chains: n_chains.unwrap_or(default.n_chains),
            schedule: schedule.unwrap_or(default.schedule),
            burn_in: burn_in.unwrap_or(default.burn_in),
            seed,
            ..default
        };
        config.check_effect().map_err(to_py)?;
        if start.is_some() {
            config.check_anneals("start", "given").map_err(to_py)?;
        }
        if base_data.is_some() {
            config.check_has_path("base_data", "given").map_err(to_py)?;
        }
        let py = visible.py();
        let dataset = dataset_with_missing(visible, self.encoding(), threads, true)?;
        check_lacks(visible, &dataset, self.origin.missing)?;
        let dataset = labelled(dataset, labels, self.origin.classes.as_ref())?;
        dataset.check_intensities().map_err(to_py)?;
        check_width("visible", dataset.n_visible(), self.n_visible(), "visible")?;
        let n_rows = dataset.n_examples();
        let weights = weights.map(|given| one_each(given, "weights", n_rows));
        let dataset = match weights.transpose()? {
            Some(weights) => dataset.weighted("weights", &weights).map_err(to_py)?,
            None => dataset,
        };
        // Of a label alone p is known, of nothing it is 1.
        let (dataset, empty) = match labels {
            None => dataset.with_values().map_err(to_py)?,
            Some(_) => (dataset, None),
        };
        warn(py, empty)?;
        if self.origin.missing == Some(Missing::Absent) {
            dataset
                .refuse_missing("the log-likelihood of a model of missing = absent, whose examples have no common log Z,")
                .map_err(to_py)?;
        }
        let base = self.base(config.method, base_data, threads)?;
        let start = start.map(|start| self.start(start, threads)).transpose()?;
        let independent = self.independent(n_examples)?;
        let weights = without_lock(py, threads, || self.fixed().cloned())?;
        let rbm = self.rbm.clone();
        let (evaluation, independent) = interruptible(py, threads, move |watch| {
            let examples = Examples::new(dataset, Binarization::Stochastic);
            let bits = examples.weighted_bits(seed, 0..examples.n_examples());
            let model = FixedModel { rbm: &rbm, weights: &weights };
            let mut evaluator = Evaluator::new(model).config(config).base(base).watch(watch);
            if let Some(start) = &start {
                evaluator = evaluator.model_states(start, "the rows of start");
            }
            let evaluation = evaluator.evaluate(&bits)?;
            // On the examples that the model was scored on.
            let n_scored = evaluation.free_energy.n_examples;
            let some = (n_scored < bits.bits().n_rows())
                .then(|| WeightedRows::from(&bits).spread(n_scored));
            let independent =
                independent.map(|units| units.log_likelihood(some.as_ref().unwrap_or(&bits)));
            Ok((evaluation, independent))
        })?;
        let report = EvaluationReport::new(&evaluation, independent);
        let class = py.import("harmonium._log_likelihood")?.getattr("LogLikelihood")?;
        class.call_method1("_of", (from_json(py, &report.to_json())?,))
    }

    /// Writes the model, whole or not at all, in place of a file that exists. The ending of the name is the
    /// format: `.safetensors`, with its settings, as the command line does; `.npz`; `.h5` or `.hdf5`, which
    /// needs h5py (see `harmonium.io`). A name without an ending is of a safetensors file. No file holds
    /// `history`.
    ///
    /// Examples
    /// --------
    /// >>> import os, tempfile
    /// >>> import numpy as np
    /// >>> from harmonium import Rbm
    /// >>> rbm = Rbm(np.eye(2), np.zeros(2), np.zeros(2))
    /// >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    /// >>> rbm.save(path, settings={"epochs": 3})
    /// >>> Rbm.load(path) == rbm, Rbm.load_with_settings(path)[1]
    /// (True, {'epochs': 3})
    #[pyo3(signature = (path, *, settings = None))]
    fn save(
        slf: &Bound<'_, Self>,
        path: PathBuf,
        settings: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<()> {
        let this = slf.get();
        match Kind::by_name(&path)? {
            Kind::Safetensors => {}
            _ if settings.is_some() => {
                return Err(PyValueError::new_err(format!(
                    "{}: settings are given, but only a .safetensors file holds settings: leave them out",
                    path.display()
                )));
            }
            _ => {
                let io = slf.py().import("harmonium.io")?;
                return io.call_method1("_save", (path, slf)).map(drop);
            }
        }
        let settings = settings.map(to_json).transpose()?.unwrap_or_else(|| "{}".to_string());
        let mut settings: Map<String, Value> = serde_json::from_str(&settings)
            .map_err(|cause| PyValueError::new_err(format!("settings: {cause}")))?;
        let Origin {
            encoding,
            data_mean,
            image_shape,
            missing,
            classes,
            n_given,
            n_examples,
            unit_names,
            ..
        } = this.origin.clone();
        if let Some(missing) = missing {
            settings.entry("missing").or_insert_with(|| missing.to_string().into());
        }
        let mut data = encoding.facts();
        if let Some(classes) = classes {
            data.insert("labels".to_string(), json!(*classes));
        }
        if let Some(n_given) = n_given {
            data.insert(number_means::N_GIVEN.to_string(), json!(*n_given));
        }
        if let Some(n_examples) = n_examples {
            data.insert("n_examples".to_string(), json!(n_examples));
        }
        if let Some(unit_names) = unit_names {
            data.insert(UNIT_NAMES.to_string(), json!(*unit_names));
        }
        let provenance = Provenance { settings, data, image_shape, ..Provenance::default() };
        ModelFile { rbm: (*this.rbm).clone(), provenance, data_mean }.write(&path).map_err(to_py)
    }

    /// Reads a model: a file of the command line or of `save`, a checkpoint, the folder of a run (if the run
    /// is not done, its newest checkpoint), or a .npz or HDF5 file (see `harmonium.io`).
    #[staticmethod]
    fn load<'py>(py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyAny>> {
        match Kind::by_content(&path) {
            Kind::Safetensors => Ok(Bound::new(py, Self::read(&path)?.0)?.into_any()),
            kind => {
                let is_npz = kind == Kind::Npz;
                py.import("harmonium.io")?.call_method1("_load", (path, is_npz))
            }
        }
    }

    /// Reads a model of `load` and the settings that it was trained with, which .npz and HDF5 files do not
    /// hold.
    #[staticmethod]
    fn load_with_settings(py: Python<'_>, path: PathBuf) -> PyResult<(Self, Bound<'_, PyAny>)> {
        let kind = match Kind::by_content(&path) {
            Kind::Safetensors => None,
            Kind::Npz => Some("a .npz file"),
            Kind::Hdf5 => Some("an HDF5 file"),
        };
        if let Some(kind) = kind.filter(|_| path.exists()) {
            return Err(PyValueError::new_err(format!(
                "{}: it is {kind}, which holds no settings, but must be a safetensors file, a checkpoint or \
                 a run; `Rbm.load` reads the model alone",
                path.display()
            )));
        }
        let (rbm, settings) = Self::read(&path)?;
        Ok((rbm, from_json(py, &Value::Object(settings).to_string())?))
    }

    /// The same model in the zero-sum gauge: at each categorical site the visible bias, and each column of the
    /// weights, sum to 0 over the states. Bits stay as they are. p(v, h) does not change; log Z falls by the
    /// sum over these sites of the mean of their bias.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> rbm = Rbm([[1.0], [2.0], [6.0]], [0.0, 1.0, 2.0], [0.5], columns=[3])
    /// >>> gauged = rbm.zero_sum_gauge()
    /// >>> gauged.weights.ravel().tolist(), gauged.hidden_bias.tolist()
    /// ([-2.0, -1.0, 3.0], [3.5])
    fn zero_sum_gauge(&self) -> Self {
        Self::of(self.rbm.zero_sum_gauge(), self.origin.clone())
    }

    /// The same model of spins -1 and 1 in both layers, E(σ, τ) = -a·σ - d·τ - σᵀJ τ.
    ///
    /// Returns
    /// -------
    /// Spins
    ///     `couplings` J, `visible_field` a, `hidden_field` d as float64, and `log_z_shift`: ln Z of the spins
    ///     less that of the bits. J is a quarter of the weights.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> spins = Rbm([[4.0], [-2.0]], [-2.0, 1.0], [3.0], spins=True).to_spins()
    /// >>> spins.couplings.tolist(), spins.hidden_field.tolist()
    /// ([[1.0], [-0.5]], [2.0])
    /// >>> Rbm.from_spins(*spins[:3]).visible_bias.tolist()
    /// [-2.0, 1.0]
    fn to_spins<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let spins = self.rbm.to_spins().map_err(to_py)?;
        let shift = spins.log_z_shift();
        let couplings = spins.couplings.into_pyarray(py);
        let fields = [spins.visible_field, spins.hidden_field];
        let [visible, hidden] = fields.map(|field| field.into_pyarray(py));
        let class = py.import("harmonium._spins")?.getattr("Spins")?;
        class.call1((couplings, visible, hidden, shift))
    }

    /// The model of these couplings (visible, hidden) and fields of spins, as one of bits whose data are spins.
    #[staticmethod]
    fn from_spins(
        #[pyo3(from_py_with = doubles)] couplings: Array2<f64>,
        #[pyo3(from_py_with = doubles)] visible_field: Array1<f64>,
        #[pyo3(from_py_with = doubles)] hidden_field: Array1<f64>,
    ) -> PyResult<Self> {
        let spins = Spins { couplings, visible_field, hidden_field };
        let rbm = harmonium::Rbm::from_spins(&spins).map_err(to_py)?;
        Ok(Self::of(rbm, Origin { encoding: Encoding::Spins, ..Origin::default() }))
    }

    /// Effective couplings: ln p(v) = const + Σ h x + Σ J x x + …, over the visible units alone.
    ///
    /// Parameters
    /// ----------
    /// gauge : str
    ///     What x is. `"ising"`: spins -1 and 1, for a model of bits. `"lattice-gas"`: its bits, 0 and 1.
    ///     `"zero-sum"` is `"ising"` for bits; at a site of several values it sums to 0 over them.
    /// triples : bool
    ///     Also those of three units. The work grows with the cube of `n_visible`.
    /// gaps : str
    ///     What `scores` do with the gap `-`, where `columns` says that the data are sequences which have it.
    ///     `"leave-out"`: its couplings count for nothing, as in programs for contacts (Ekeberg, Hartonen and Aurell,
    ///     2014). `"count"`: it is a letter as any other. `pairs` keep it, and are in the gauge of all letters.
    /// threads : int, optional
    ///
    /// Returns
    /// -------
    /// Couplings
    ///     `fields`, `pairs`, `triples` (or None) and `scores` of pairs of sites, float64. They are exact, and do
    ///     not depend on the number of threads. The units of a label are the last.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> rbm = Rbm([[4.0], [-2.0]], [-2.0, 1.0], [-1.0])
    /// >>> rbm.couplings().pairs.round(4).tolist()
    /// [[0.0, -0.3677], [-0.3677, 0.0]]
    /// >>> rbm.couplings("lattice-gas").pairs.round(4).tolist()
    /// [[0.0, -1.4707], [-1.4707, 0.0]]
    #[pyo3(signature = (gauge = "zero-sum", *, triples = false, gaps = "leave-out", threads = None))]
    fn couplings<'py>(
        &self,
        py: Python<'py>,
        gauge: &str,
        triples: bool,
        gaps: &str,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let gaps: Gaps = gaps.parse().map_err(to_py)?;
        let config = CouplingsConfig { gauge: gauge.parse().map_err(to_py)?, triples };
        let (found, scores) = interruptible(py, threads, |watch| {
            let found = Couplings::of(&self.rbm, config, isa()?, watch)?;
            let found = found.with_gaps(gaps, self.encoding().columns());
            let scores = found.scores();
            Ok((found, scores))
        })?;
        let triples = found.triples.map(|triples| triples.into_pyarray(py));
        let [pairs, scores] = [found.pairs, scores].map(|pairs| pairs.into_pyarray(py));
        let class = py.import("harmonium._couplings")?.getattr("Couplings")?;
        class.call1((found.fields.into_pyarray(py), pairs, triples, scores))
    }

    /// Draws filters, the columns of `weights` as images, with matplotlib.
    ///
    /// Parameters
    /// ----------
    /// number : int
    ///     The most filters that are shown: those of the largest norm.
    /// image_shape : (rows, columns), optional
    ///     The shape of an image, if the model does not know it.
    /// ax : matplotlib.axes.Axes, optional
    ///
    /// Returns
    /// -------
    /// matplotlib.axes.Axes
    #[pyo3(signature = (number = 100, *, image_shape = None, ax = None))]
    fn plot_filters<'py>(
        slf: &Bound<'py, Self>,
        number: usize,
        image_shape: Option<(usize, usize)>,
        ax: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let plots = slf.py().import("harmonium._plots")?;
        plots.call_method1("filters", (slf, number, image_shape, ax))
    }

    /// Draws samples as images, with matplotlib: p(v | h) after `gibbs_steps` sweeps.
    ///
    /// Parameters
    /// ----------
    /// number : int
    /// gibbs_steps : int
    /// seed : int, 0 or more
    /// image_shape : (rows, columns), optional
    ///     The shape of an image, if the model does not know it.
    /// ax : matplotlib.axes.Axes, optional
    ///
    /// Returns
    /// -------
    /// matplotlib.axes.Axes
    #[pyo3(signature = (number = 100, *, gibbs_steps = 1000, seed = 0, image_shape = None, ax = None))]
    fn plot_samples<'py>(
        slf: &Bound<'py, Self>,
        number: usize,
        gibbs_steps: usize,
        seed: u64,
        image_shape: Option<(usize, usize)>,
        ax: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let plots = slf.py().import("harmonium._plots")?;
        plots.call_method1("samples", (slf, number, gibbs_steps, seed, image_shape, ax))
    }

    /// Draws metrics of the training over its epochs, with matplotlib.
    ///
    /// Parameters
    /// ----------
    /// metrics : list of str, optional
    ///     Names of metrics in `history`; None: the pseudo-likelihood, and the log-likelihood if it was
    ///     evaluated.
    /// ax : matplotlib.axes.Axes, optional
    ///
    /// Returns
    /// -------
    /// matplotlib.axes.Axes
    #[pyo3(signature = (metrics = None, *, ax = None))]
    fn plot_history<'py>(
        slf: &Bound<'py, Self>,
        metrics: Option<&Bound<'py, PyAny>>,
        ax: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("harmonium._plots")?.call_method1("history", (slf, metrics, ax))
    }

    /// The model that training starts from, for data with this mean: normal weights of standard
    /// deviation 0.01, hidden bias 0, visible bias at the log-odds of the mean.
    #[staticmethod]
    fn initial(
        hidden: usize,
        mean: &Bound<'_, PyAny>,
        n_examples: usize,
        seed: u64,
    ) -> PyResult<Self> {
        let mean = aligned(mean)?;
        let mean: PyArrayLike1<'_, f64, AllowTypeChange> = mean.extract()?;
        let mean: Array1<f64> = mean.as_array().to_owned();
        let rbm = harmonium::Rbm::initial(hidden, &mean, n_examples, seed).map_err(to_py)?;
        Ok(Self::from(rbm))
    }
}

/// The format of a model file.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// This library's: a file, or the folder of a run.
    Safetensors,
    Npz,
    Hdf5,
}

impl Kind {
    /// The format in which a file is written.
    fn by_name(path: &Path) -> PyResult<Self> {
        match path.extension().and_then(OsStr::to_str) {
            None | Some("safetensors") => Ok(Self::Safetensors),
            Some("npz") => Ok(Self::Npz),
            Some("h5" | "hdf5") => Ok(Self::Hdf5),
            Some(ending) => Err(PyValueError::new_err(format!(
                "{}: the name ends in .{ending}, but must end in .safetensors, .npz, .h5 or .hdf5",
                path.display()
            ))),
        }
    }

    /// The format in which a file is read: what its first bytes say, or else its name.
    fn by_content(path: &Path) -> Self {
        if path.is_dir() {
            return Self::Safetensors;
        }
        let mut first = [0; 4];
        let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
        match read.map(|()| &first) {
            Ok(b"PK\x03\x04") => Self::Npz,
            Ok(b"\x89HDF") => Self::Hdf5,
            _ => Self::by_name(path).unwrap_or(Self::Safetensors),
        }
    }
}

/// W, b, c and the mean of the data.
type Parts<'py> = (
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray1<f32>>,
    Bound<'py, PyArray1<f32>>,
    Option<Bound<'py, PyArray1<f32>>>,
);
