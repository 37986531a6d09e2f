//! The model.

use crate::arrays::{bits, dataset, rows, states, visible_bits};
use crate::errors::to_py;
use crate::isa;
use crate::json::{from_json, to_json};
use crate::pool::{Place, interruptible, without_lock};
use harmonium::BitMatrix;
use harmonium::dataset::{Binarization, Encoding, Examples};
use harmonium::evaluate::evaluation::Starts;
use harmonium::evaluate::free_energy::free_energies;
use harmonium::evaluate::pseudo_likelihood::{pseudo_likelihoods, pseudo_likelihoods_of_units};
use harmonium::evaluate::reconstruction::reconstruct;
use harmonium::evaluate::report::Origins;
use harmonium::evaluate::{Base, Evaluation, EvaluationConfig, EvaluationReport, Independent};
use harmonium::gibbs::{Chains, FixedModel, FixedWeights, RealConditional, check_sweeps};
use harmonium::model::{ModelFile, Provenance, TiledParameters, check_data_mean};
use harmonium::reals::RealRows;
use harmonium::rng::{Purpose, Stream};
use ndarray::{Array1, Array2};
use numpy::{AllowTypeChange, IntoPyArray as _, PyArray1, PyArray2, PyArrayLike1, PyArrayLike2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::path::PathBuf;
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
    data_mean: Option<Array1<f32>>,
    /// What integers mean, as in the training data.
    encoding: Encoding,
    /// Computed at first use.
    fixed: OnceLock<Arc<FixedWeights>>,
    /// Computed at first use.
    tiled: OnceLock<TiledParameters<f32>>,
}

impl PartialEq for Rbm {
    fn eq(&self, other: &Self) -> bool {
        self.rbm == other.rbm
    }
}

impl From<harmonium::Rbm> for Rbm {
    fn from(rbm: harmonium::Rbm) -> Self {
        Self::of(rbm, Encoding::Undeclared, None)
    }
}

impl Rbm {
    /// A model with the encoding and the mean of its training data.
    pub fn of(rbm: harmonium::Rbm, encoding: Encoding, data_mean: Option<Array1<f32>>) -> Self {
        Self {
            rbm: Arc::new(rbm),
            data_mean,
            encoding,
            fixed: OnceLock::new(),
            tiled: OnceLock::new(),
        }
    }

    fn from_file(ModelFile { rbm, provenance, data_mean }: ModelFile) -> PyResult<Self> {
        Ok(Self::of(rbm, Encoding::recorded(&provenance.data).map_err(to_py)?, data_mean))
    }

    /// The base of annealing, from the given data or else from the training data.
    fn base(&self, data: Option<&Bound<'_, PyAny>>, threads: Option<usize>) -> PyResult<Base> {
        let Some(data) = data else {
            return Ok(Base::of_model(&self.rbm, self.data_mean.as_ref()));
        };
        if let Ok(name) = data.cast::<PyString>() {
            if name.to_cow()? == "uniform" {
                return Ok(Base::uniform(self.rbm.visible_units()));
            }
            let message = format!("base_data is {name}, but must be rows or \"uniform\"");
            return Err(PyValueError::new_err(message));
        }
        let data = dataset(data, self.encoding, threads)?;
        data.check_intensities().map_err(to_py)?;
        check_width("base_data", data.n_visible(), self.rbm.n_visible(), "visible")?;
        let mean = Examples::new(data, Binarization::Stochastic).mean();
        Ok(Base::of_mean(self.rbm.visible_units(), &mean, "mean of base_data"))
    }

    /// Independent units at the rates of the `n_examples` training examples; None without `n_examples`.
    fn independent(&self, n_examples: Option<usize>) -> PyResult<Option<Independent>> {
        match (n_examples, &self.data_mean) {
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

    /// The states from which chains start, at least one.
    fn start(&self, start: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<BitMatrix> {
        let start = visible_bits(start, "start", self.encoding, threads)?;
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

    /// Where a call on `n_rows` rows computes.
    fn place(&self, n_rows: usize, threads: Option<usize>) -> Place {
        Place::of(n_rows.saturating_mul(self.n_visible() * self.n_hidden()), threads)
    }

    fn model(&self) -> harmonium::Result<FixedModel<'_>> {
        Ok(FixedModel { rbm: &self.rbm, weights: self.fixed()? })
    }
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
    weights: &FixedWeights,
    chains: &mut Chains,
    gibbs_steps: usize,
    place: impl Into<Place>,
) -> PyResult<()> {
    check_sweeps("gibbs_steps", gibbs_steps).map_err(to_py)?;
    interruptible(py, place, |watch| {
        (0..gibbs_steps).try_for_each(|_| chains.sweep_watched(weights, watch))
    })
}

#[pymethods]
impl Rbm {
    #[new]
    #[pyo3(signature = (weights, visible_bias, hidden_bias, data_mean = None, *,
        grey_levels = None, spins = false))]
    fn new(
        weights: PyArrayLike2<'_, f32, AllowTypeChange>,
        visible_bias: PyArrayLike1<'_, f32, AllowTypeChange>,
        hidden_bias: PyArrayLike1<'_, f32, AllowTypeChange>,
        data_mean: Option<PyArrayLike1<'_, f32, AllowTypeChange>>,
        grey_levels: Option<u32>,
        spins: bool,
    ) -> PyResult<Self> {
        let encoding = Encoding::declared(grey_levels, spins).map_err(to_py)?;
        let rbm = harmonium::Rbm::new(
            weights.as_array().to_owned(),
            visible_bias.as_array().to_owned(),
            hidden_bias.as_array().to_owned(),
        )
        .map_err(to_py)?;
        let data_mean = data_mean.map(|mean| mean.as_array().to_owned());
        if let Some(mean) = &data_mean {
            check_data_mean(mean, rbm.n_visible()).map_err(to_py)?;
        }
        Ok(Self::of(rbm, encoding, data_mean))
    }

    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Parts<'py>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("grey_levels", self.grey_levels())?;
        keywords.set_item("spins", self.spins())?;
        let parts =
            (self.weights(py), self.visible_bias(py), self.hidden_bias(py), self.data_mean(py));
        Ok((parts, keywords))
    }

    fn __repr__(&self) -> String {
        format!("Rbm(n_visible={}, n_hidden={})", self.n_visible(), self.n_hidden())
    }

    /// W, shape (n_visible, n_hidden), float32.
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<f32>> {
        self.rbm.weights().clone().into_pyarray(py)
    }

    /// b, shape (n_visible,), float32.
    #[getter]
    fn visible_bias<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.rbm.visible_bias().clone().into_pyarray(py)
    }

    /// c, shape (n_hidden,), float32.
    #[getter]
    fn hidden_bias<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        self.rbm.hidden_bias().clone().into_pyarray(py)
    }

    /// Mean of the training examples, shape (n_visible,), float32; None if it is not known.
    #[getter]
    fn data_mean<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<f32>>> {
        self.data_mean.clone().map(|mean| mean.into_pyarray(py))
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
        self.encoding.grey_levels()
    }

    /// Whether -1 and 1 mean 0 and 1, in samples too.
    #[getter]
    fn spins(&self) -> bool {
        self.encoding.is_spins()
    }

    /// Fingerprint of the parameters, as `harmonium inspect` prints it.
    fn sha256(&self) -> String {
        self.rbm.sha256()
    }

    /// p(hⱼ = 1 | v) for rows v, shape (n, n_hidden).
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
        let (py, visible) = (visible.py(), rows(visible, self.encoding, threads)?);
        let place = self.place(visible.n_rows(), threads);
        match dtype {
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

    /// p(vᵢ = 1 | h) for rows h of 0 and 1, shape (n, n_visible), float32.
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> rbm = Rbm([[2.0], [-1.0]], [0.0, 0.0], [0.0])
    /// >>> [round(float(p), 4) for p in rbm.mean_visible([[1]])[0]]
    /// [0.8808, 0.2689]
    #[pyo3(signature = (hidden, *, threads = None))]
    fn mean_visible<'py>(
        &self,
        hidden: &Bound<'py, PyAny>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let (py, hidden) = (hidden.py(), bits(hidden, "hidden", threads)?);
        check_width("hidden", hidden.n_columns(), self.n_hidden(), "hidden")?;
        if hidden.n_rows() == 0 {
            return Ok(Array2::zeros((0, self.n_visible())).into_pyarray(py));
        }
        let means =
            without_lock(py, threads, || self.fixed()?.visible_given_hidden().means(&hidden))?;
        Ok(means.into_pyarray(py))
    }

    /// Free energy F(v) = -b·v - Σⱼ softplus(cⱼ + Σᵢ vᵢ Wᵢⱼ) of each row, shape (n,), float64.
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
        let (py, visible) = (visible.py(), rows(visible, self.encoding, threads)?);
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
        let (py, visible) = (visible.py(), rows(visible, self.encoding, threads)?);
        let place = self.place(visible.n_rows(), threads);
        if let Some(units) = &units {
            let n_visible = self.n_visible();
            if units.len() != visible.n_rows() || units.iter().any(|&unit| unit >= n_visible) {
                return Err(PyValueError::new_err(format!(
                    "units must hold a unit below {n_visible} for each of the {} rows",
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
        let (py, visible) = (visible.py(), rows(visible, self.encoding, threads)?);
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
        let (py, visible) = (visible.py(), rows(visible, self.encoding, threads)?);
        let place = self.place(visible.n_rows(), threads);
        check_width("visible", visible.n_columns(), self.n_visible(), "visible")?;
        if visible.n_rows() == 0 {
            return Ok(states(py, &BitMatrix::zeros(0, self.n_visible()), self.encoding));
        }
        let (weights, mut chains) = without_lock(py, place, || {
            let weights = self.fixed()?;
            let streams = Stream::first(visible.n_rows(), seed, Purpose::Sample);
            let means = self.means(&visible)?;
            let chains = Chains::from_means(weights, &visible.rounded(), means.view(), streams);
            Ok((weights, chains))
        })?;
        let place = self.place(visible.n_rows().saturating_mul(gibbs_steps), threads);
        sweep(py, weights, &mut chains, gibbs_steps, place)?;
        Ok(states(py, &chains.visible(), self.encoding))
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
    /// seed : int, 0 or more
    /// threads : int, or None for all cores
    ///
    /// Examples
    /// --------
    /// >>> from harmonium import Rbm
    /// >>> Rbm([[0.0]], [50.0], [0.0]).sample(2, gibbs_steps=1).tolist()
    /// [[True], [True]]
    #[pyo3(signature = (number = 100, *, gibbs_steps = 1000, start = None, seed = 0,
        threads = None))]
    fn sample<'py>(
        &self,
        py: Python<'py>,
        number: usize,
        gibbs_steps: usize,
        start: Option<&Bound<'py, PyAny>>,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let start = start.map(|start| self.start(start, threads)).transpose()?;
        if number == 0 {
            return Ok(states(py, &BitMatrix::zeros(0, self.n_visible()), self.encoding));
        }
        let (weights, mut chains) = without_lock(py, threads, || {
            let model = self.model()?;
            let chains = Chains::for_samples(model, number, start.as_ref(), seed);
            Ok((model.weights, chains))
        })?;
        sweep(py, weights, &mut chains, gibbs_steps, threads)?;
        Ok(states(py, &chains.visible(), self.encoding))
    }

    /// Mean log-likelihood of rows, with its uncertainty.
    ///
    /// The partition function is summed exactly if the smaller layer has at most 20 units. If not,
    /// annealed importance sampling estimates it from both sides, and `verdict` says whether to believe
    /// the estimate. Intensities from 0 to 1 and grey levels become random bits, the same for the same
    /// seed. Other numbers are refused.
    ///
    /// Parameters
    /// ----------
    /// visible : array-like or sparse matrix of shape (n, n_visible)
    /// method : {"auto", "exact", "ais"}
    /// chains : int, 2 or more; default 200
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
    ///     independent units.
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
    #[pyo3(signature = (visible, *, method = "auto", chains = None, schedule = None,
        burn_in = None, base_data = None, start = None, n_examples = None, seed = 0,
        threads = None))]
    #[allow(clippy::too_many_arguments, reason = "Python's keywords")]
    fn log_likelihood<'py>(
        &self,
        visible: &Bound<'py, PyAny>,
        method: &str,
        chains: Option<usize>,
        schedule: Option<&str>,
        burn_in: Option<usize>,
        base_data: Option<&Bound<'py, PyAny>>,
        start: Option<&Bound<'py, PyAny>>,
        n_examples: Option<usize>,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let default = EvaluationConfig::default();
        let schedule = schedule.map(str::parse).transpose().map_err(to_py)?;
        let config = EvaluationConfig {
            method: method.parse().map_err(to_py)?,
            n_chains: chains.unwrap_or(default.n_chains),
            schedule: schedule.unwrap_or(default.schedule),
            burn_in: burn_in.unwrap_or(default.burn_in),
            seed,
            ..default
        };
        config.check_effect().map_err(to_py)?;
        let (py, dataset) = (visible.py(), dataset(visible, self.encoding, threads)?);
        dataset.check_intensities().map_err(to_py)?;
        check_width("visible", dataset.n_visible(), self.n_visible(), "visible")?;
        let base = self.base(base_data, threads)?;
        let start = start.map(|start| self.start(start, threads)).transpose()?;
        let independent = self.independent(n_examples)?;
        let weights = without_lock(py, threads, || self.fixed().cloned())?;
        let (rbm, rates, own) = (self.rbm.clone(), base.rates, config.clone());
        let (evaluation, independent) = interruptible(py, threads, move |watch| {
            let examples = Examples::new(dataset, Binarization::Stochastic);
            let bits = examples.fixed_bits(seed, 0..examples.n_examples());
            let model = FixedModel { rbm: &rbm, weights: &weights };
            let starts = Starts { base_rates: &rates, model_states: start.as_ref() };
            let independent = independent.map(|units| units.log_likelihood(&bits));
            Ok((Evaluation::new(model, &bits, starts, &own, watch)?, independent))
        })?;
        let origins = Origins { base: base.origin, model_states: "the rows of start".to_string() };
        let report = EvaluationReport::new(&evaluation, independent, &config, origins);
        let class = py.import("harmonium._log_likelihood")?.getattr("LogLikelihood")?;
        class.call_method1("_of", (from_json(py, &report.to_json())?,))
    }

    /// Writes the model as the command line does: safetensors, with its settings, whole or not at all.
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
    fn save(&self, path: PathBuf, settings: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let settings = settings.map(to_json).transpose()?.unwrap_or_else(|| "{}".to_string());
        let settings = serde_json::from_str(&settings)
            .map_err(|cause| PyValueError::new_err(format!("settings: {cause}")))?;
        let provenance =
            Provenance { settings, data: self.encoding.facts(), ..Provenance::default() };
        let (rbm, data_mean) = ((*self.rbm).clone(), self.data_mean.clone());
        ModelFile { rbm, provenance, data_mean }.write(&path).map_err(to_py)
    }

    /// Reads a model file of the command line or of `save`.
    #[staticmethod]
    fn load(path: PathBuf) -> PyResult<Self> {
        Self::from_file(ModelFile::read(&path).map_err(to_py)?)
    }

    /// Reads a model and the settings that it was trained with.
    #[staticmethod]
    fn load_with_settings(py: Python<'_>, path: PathBuf) -> PyResult<(Self, Bound<'_, PyAny>)> {
        let file = ModelFile::read(&path).map_err(to_py)?;
        let settings = serde_json::Value::Object(file.provenance.settings.clone()).to_string();
        Ok((Self::from_file(file)?, from_json(py, &settings)?))
    }

    /// The model that training starts from, for data with this mean: normal weights of standard
    /// deviation 0.01, hidden bias 0, visible bias at the log-odds of the mean.
    #[staticmethod]
    fn initial(
        hidden: usize,
        mean: PyArrayLike1<'_, f64, AllowTypeChange>,
        n_examples: usize,
        seed: u64,
    ) -> PyResult<Self> {
        let mean: Array1<f64> = mean.as_array().to_owned();
        let rbm = harmonium::Rbm::initial(hidden, &mean, n_examples, seed).map_err(to_py)?;
        Ok(Self::from(rbm))
    }
}

/// W, b, c and the mean of the data.
type Parts<'py> = (
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray1<f32>>,
    Bound<'py, PyArray1<f32>>,
    Option<Bound<'py, PyArray1<f32>>>,
);
