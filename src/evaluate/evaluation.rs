//! The log-likelihood of a set of examples, its method and its uncertainty.

use super::evidence::{self, Ends, gather};
use super::exchange_evidence::exchange;
use super::free_energy::mean_free_energy;
use super::mean_field;
use super::mixing::{Check, EVALUATION, Mixing, ModelSamples, unchecked};
use super::observed::MOST_ANNEALED;
use super::raise::raise;
use super::{
    Base, Estimate, EvaluationConfig, Evidence, Exact, ExchangeEvidence, Method, Observed, Score,
    Verdict,
};
use crate::bits::BitMatrix;
use crate::dataset::WeightedRows;
use crate::error::Result;
use crate::gibbs::{AnnealedChains, FixedModel, FixedWeights, Path};
use crate::kernels::Isa;
use crate::memory::{self, Bytes, Need};
use crate::model::Rbm;
use crate::setting::check;
use crate::watch::Watch;

/// Chains of RAISE for each example.
const RAISE_CHAINS: usize = 4;

/// A log-likelihood and its uncertainty.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// How it was made.
    pub config: EvaluationConfig,
    /// Where the base of annealing comes from, in words.
    pub base: String,
    /// Where the states come from that were given for the reverse side, in words; empty if none were.
    pub model_states: String,
    /// The free energies of examples that lack values, if any does.
    pub observed: Option<Observed>,
    /// The mean of F(v) over the examples, in nats. What examples lack is summed out ([`Observed`]).
    pub free_energy: Score,
    /// The mean of log p(v) over the examples, in nats, with [`log_z`](Self::log_z). Its standard
    /// error takes log Z as known.
    pub log_likelihood: Score,
    /// log Z: exact, or the estimate that the evidence supports.
    pub log_z: f64,
    /// The estimate of log Z that is quoted.
    pub estimate: Estimate,
    /// The lower end of log Z's interval, [`Evidence::interval`].
    pub log_z_low: f64,
    /// The upper end of log Z's interval.
    pub log_z_high: f64,
    /// What AIS gathered, if log Z is by AIS.
    pub evidence: Option<Evidence>,
    /// What replica exchange gathered, if log Z is by `pt` or `ptt`.
    pub exchange: Option<ExchangeEvidence>,
    /// RAISE on some of the examples, if requested.
    pub raise: Option<Score>,
    /// Whether to believe the log-likelihood.
    pub verdict: Verdict,
    /// Whether the model and its chains visit the modes of the examples; none if this was not asked, or cannot be
    /// said.
    pub mixing: Option<Mixing>,
    /// Why that was not looked at, if it is as too many values are missing.
    pub mixing_unchecked: Option<String>,
}

/// An evaluation to be made: a model, and what is known about it.
///
/// ```
/// use harmonium::evaluate::{Base, EvaluationConfig, Evaluator, Method};
/// use harmonium::gibbs::{FixedModel, FixedWeights};
/// use harmonium::Isa;
/// use harmonium::{BitMatrix, Rbm};
/// use ndarray::{Array1, Array2};
/// let fair = Rbm::new(Array2::zeros((2, 3)), Array1::zeros(2), Array1::zeros(3))?;
/// let weights = FixedWeights::of(&fair, Isa::fastest());
/// let found = Evaluator::new(FixedModel { rbm: &fair, weights: &weights })
///     .config(EvaluationConfig { method: Method::Ais, n_chains: 100, ..EvaluationConfig::default() })
///     .base(Base::uniform(fair.visible_units()))
///     .evaluate(&BitMatrix::zeros(10, 2))?;
/// assert!((found.log_likelihood.mean + 2.0 * 2.0_f64.ln()).abs() < 1e-6);
/// let (low, high) = found.log_likelihood_interval();
/// assert!(low < high);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone)]
pub struct Evaluator<'a> {
    model: FixedModel<'a>,
    config: EvaluationConfig,
    base: Base,
    model_states: Option<GivenStates<'a>>,
    ladder: Option<&'a [FixedWeights]>,
    checks_mixing: bool,
    scores_all: bool,
    watch: Watch<'a>,
}

/// How log Z was found, and what was.
struct Found {
    estimate: Estimate,
    log_z: f64,
    interval: (f64, f64),
    verdict: Verdict,
    evidence: Option<Evidence>,
    exchange: Option<ExchangeEvidence>,
    /// Samples of the model that do not depend on how its plain chains mix, if there are any to rely on.
    samples: Option<ModelSamples>,
}

impl Evaluation {
    /// The memory of each stage of an evaluation of `n_examples` under a model. Only one stage needs its
    /// memory at a time.
    pub fn needs(rbm: &Rbm, n_examples: usize, config: &EvaluationConfig) -> [Need; 4] {
        let (n_visible, n_hidden) = (rbm.n_visible(), rbm.n_hidden());
        let visible = rbm.visible_units().layout();
        let (in_double, chains) = match config.is_exact(rbm) {
            true => (Exact::bytes(n_visible, n_hidden), Bytes(0)),
            false => (
                mean_field::bytes(n_visible, n_hidden),
                evidence::bytes(config.n_chains, visible, n_hidden),
            ),
        };
        let n_of_raise = config.raise.min(n_examples).saturating_mul(RAISE_CHAINS);
        let of_raise = AnnealedChains::bytes(n_of_raise, visible, n_hidden);
        [
            Need::new(in_double, &[]),
            Need::new(chains, &["n_chains"]),
            Need::new(of_raise, &["raise"]),
            Need::new(Check::bytes(n_examples, visible, n_hidden), &[]),
        ]
    }
}

/// States near the model's distribution, and their origin in words.
#[derive(Clone)]
struct GivenStates<'a> {
    /// (any number, V)
    visible: &'a BitMatrix,
    origin: String,
}

impl<'a> Evaluator<'a> {
    /// Evaluates `model` with the default settings. Annealing starts from independent units of rates σ(b),
    /// and scouts find the states from which it goes back.
    pub fn new(model: FixedModel<'a>) -> Self {
        Self {
            model,
            config: EvaluationConfig::default(),
            base: Base::of_model(model.rbm, None),
            model_states: None,
            ladder: None,
            checks_mixing: true,
            scores_all: false,
            watch: Watch::default(),
        }
    }

    /// Sets the method and its budget.
    pub fn config(self, config: EvaluationConfig) -> Self {
        Self { config, ..self }
    }

    /// Sets the base of annealing.
    pub fn base(self, base: Base) -> Self {
        Self { base, ..self }
    }

    /// Sets states (any number, V) near the model's distribution, such as the chains of its training,
    /// from which annealing goes back; `origin` names them in the report.
    pub fn model_states(self, visible: &'a BitMatrix, origin: impl Into<String>) -> Self {
        Self { model_states: Some(GivenStates { visible, origin: origin.into() }), ..self }
    }

    /// Sets the models that training passed through, as they move chains, for [`Method::Ptt`]. The first has no
    /// weights.
    pub fn ladder(self, ladder: &'a [FixedWeights]) -> Self {
        Self { ladder: Some(ladder), ..self }
    }

    /// Leaves out the check of [mixing](Mixing).
    pub fn without_mixing(self) -> Self {
        Self { checks_mixing: false, ..self }
    }

    /// Scores all examples, even where the sums over what they lack have to be annealed, which takes some hundredths of
    /// a second each. By default 200 of them are scored then.
    pub fn scoring_all(self) -> Self {
        Self { scores_all: true, ..self }
    }

    /// Sets the watch, which hears of the progress and can stop the evaluation.
    pub fn watch(self, watch: Watch<'a>) -> Self {
        Self { watch, ..self }
    }

    /// Evaluates the rows of `visible` (N, V), with weights or without.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if a setting is out of its range, there are no rows or
    /// model states without rows, or the layers have too many units to enumerate;
    /// [`Error::WidthMismatch`](crate::Error::WidthMismatch) if rows or states are not V wide;
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory); [`Error::Interrupted`](crate::Error::Interrupted); and as
    /// [`Path::new`].
    pub fn evaluate<'b>(&self, visible: impl Into<WeightedRows<'b>>) -> Result<Evaluation> {
        let rows = visible.into();
        let visible = rows.bits;
        let Self { ref config, ref base, watch, .. } = *self;
        config.validate()?;
        let FixedModel { rbm, weights } = self.model;
        rbm.check_given(visible, rows.missing)?;
        check("visible", visible.n_rows(), visible.n_rows() > 0, || "at least one row".into())?;
        check("raise", config.raise, rows.missing.is_none() || config.raise == 0, || {
            "0 for examples that lack values".into()
        })?;
        if let Some(GivenStates { visible, .. }) = &self.model_states {
            rbm.check_visible((*visible).into())?;
            check("model_states", visible.n_rows(), visible.n_rows() > 0, || {
                "at least one row".into()
            })?;
        }
        let is_exact = config.is_exact(rbm);
        let (n_visible, n_hidden) = (rbm.n_visible(), rbm.n_hidden());
        let what = || format!("an evaluation of a model of {n_visible} x {n_hidden} units");
        for stage in Evaluation::needs(rbm, visible.n_rows(), config) {
            memory::check(what, &[stage])?;
        }
        let seed = config.seed;
        let path = Path::new(self.model, &base.rates)?;
        // Pilot runs of the schedule cost much, and both AIS and RAISE take it.
        let is_annealed = config.raise > 0 || (!is_exact && config.may_anneal());
        let betas = match is_annealed {
            true => config.schedule.betas(&path, seed, watch)?,
            false => Vec::new(),
        };
        let found = match is_exact {
            true => self.exact()?,
            false => self.estimated(&path, &betas)?,
        };
        let mut bounds = None;
        if config.raise > 0 {
            let some = rows.spread(config.raise.min(visible.n_rows()));
            let found = raise(&path, &betas, some.bits(), RAISE_CHAINS, seed, watch)?;
            bounds = Some(Score::of_rows(&found, &some));
        }
        let Found { log_z, .. } = found;
        // log p(v) = −F(v) − log Z.
        let most = if self.scores_all { usize::MAX } else { MOST_ANNEALED };
        let observed =
            rows.missing.map(|_| Observed::of(rbm, rows, most, seed, weights.isa(), watch));
        let observed = observed.transpose()?;
        let free_energy = match &observed {
            Some(observed) => observed.free_energy,
            None => mean_free_energy(rbm, rows, weights.isa(), watch)?,
        };
        let check =
            Check { model: self.model, rates: &base.rates, extent: EVALUATION, seed, watch };
        let mixing = self.checks_mixing.then(|| check.run(rows, found.samples.as_ref()));
        let given = self.model_states.as_ref();
        Ok(Evaluation {
            config: config.clone(),
            base: base.origin.clone(),
            model_states: given.map_or_else(String::new, |states| states.origin.clone()),
            observed,
            free_energy,
            log_likelihood: Score { mean: -free_energy.mean - log_z, ..free_energy },
            log_z,
            estimate: found.estimate,
            log_z_low: found.interval.0,
            log_z_high: found.interval.1,
            evidence: found.evidence,
            exchange: found.exchange,
            raise: bounds,
            verdict: found.verdict,
            mixing: mixing.transpose()?.flatten(),
            mixing_unchecked: if self.checks_mixing { unchecked(rows) } else { None },
        })
    }

    /// log Z by enumeration.
    fn exact(&self) -> Result<Found> {
        let FixedModel { rbm, weights } = self.model;
        let exact = Exact::watched(rbm, weights.isa(), self.watch)?;
        let log_z = exact.log_z();
        let samples =
            self.checks_mixing.then(|| ModelSamples::exact(&exact, self.config.seed, self.watch));
        Ok(Found {
            estimate: Estimate::Enumeration,
            log_z,
            interval: (log_z, log_z),
            verdict: Verdict::Exact,
            evidence: None,
            exchange: None,
            samples: samples.transpose()?,
        })
    }

    /// log Z by chains; by AIS with a step for each of `betas`.
    fn estimated(&self, path: &Path<'_>, betas: &[f64]) -> Result<Found> {
        let Self { ref config, watch, .. } = *self;
        match config.method {
            Method::Pt | Method::Ptt => {
                let passed = self.ladder.unwrap_or_default();
                let passed = (config.method == Method::Ptt).then_some(passed);
                let (found, ends) = exchange(path, passed, config, watch)?;
                Ok(Found::by_exchange(found, ends))
            }
            Method::Auto | Method::Exact | Method::Ais => {
                let states = self.model_states.as_ref().map(|states| states.visible);
                let (evidence, ends) = gather(path, betas, states, config, watch)?;
                Ok(Found::by_ais(evidence, ends))
            }
        }
    }
}

impl Found {
    fn by_ais(evidence: Evidence, ends: Ends) -> Self {
        let verdict = Verdict::of(&evidence);
        let (estimate, log_z, interval) = Estimate::of(&evidence, &verdict);
        // Where modes may be unseen, or few weights count, ends accuse a model without evidence.
        let samples = (verdict == Verdict::Believable)
            .then(|| ModelSamples::annealed(ends.visible, &ends.log_weights));
        let evidence = Some(evidence);
        Self { estimate, log_z, interval, verdict, evidence, exchange: None, samples }
    }

    fn by_exchange(found: ExchangeEvidence, ends: BitMatrix) -> Self {
        let verdict = Verdict::of_exchange(&found);
        let samples = (verdict == Verdict::Believable)
            .then(|| ModelSamples::equal(ends, "states at the top of the ladder"));
        Self {
            estimate: Estimate::Ladder,
            log_z: found.log_z.log_z,
            interval: found.interval(),
            verdict,
            evidence: None,
            exchange: Some(found),
            samples,
        }
    }
}

impl Evaluation {
    /// The mean log-likelihood at the upper and the lower end of log Z's interval: (low, high). It is wider by 2.576
    /// [standard errors](Observed::annealing_error) to both sides if sums over what examples lack are annealed.
    pub fn log_likelihood_interval(&self) -> (f64, f64) {
        let numerator = self.log_likelihood.mean + self.log_z;
        let error = self.observed.as_ref().map_or(0.0, |observed| 2.576 * observed.annealing_error);
        (numerator - self.log_z_high - error, numerator - self.log_z_low + error)
    }

    /// The effective sample size of forward AIS, if log Z is by AIS.
    pub fn ess(&self) -> Option<f64> {
        self.evidence.as_ref().map(|evidence| evidence.sides.forward.weights.ess)
    }
}

impl Rbm {
    /// The mean log-likelihood of the rows of `visible` (N, V), with its interval and a verdict on whether
    /// to believe it: exact if the smaller layer has at most
    /// [`EXACT_BY_ITSELF`](super::EXACT_BY_ITSELF) units, else by annealing with this budget. An
    /// [`Evaluator`] takes more: the base of annealing, chains of the training, and a watch.
    ///
    /// ```
    /// use harmonium::{BitMatrix, Rbm, evaluate::EvaluationConfig};
    /// use ndarray::{Array1, Array2};
    /// let fair = Rbm::new(Array2::zeros((2, 3)), Array1::zeros(2), Array1::zeros(3))?;
    /// let found = fair.log_likelihood(&BitMatrix::zeros(10, 2), EvaluationConfig::default())?;
    /// assert!((found.log_likelihood.mean + 2.0 * 2.0_f64.ln()).abs() < 1e-12);
    /// println!("{found}");
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    pub fn log_likelihood(
        &self,
        visible: &BitMatrix,
        budget: EvaluationConfig,
    ) -> Result<Evaluation> {
        let weights = FixedWeights::of(self, Isa::fastest());
        let model = FixedModel { rbm: self, weights: &weights };
        Evaluator::new(model).config(budget).evaluate(visible)
    }
}
