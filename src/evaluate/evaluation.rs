//! The log-likelihood of a set of examples, its method and its uncertainty.

use super::evidence::gather;
use super::free_energy::mean_free_energy;
use super::raise::raise;
use super::{EXACT_BY_ITSELF, Estimate, EvaluationConfig, Evidence, Exact, Method, Score, Verdict};
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::gibbs::{FixedModel, Path};
use crate::watch::Watch;
use ndarray::Array1;

/// Chains of RAISE for each example.
const RAISE_CHAINS: usize = 4;

/// A log-likelihood and its uncertainty.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// The mean of F(v) over the examples, in nats.
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
    /// What AIS gathered; `None` if log Z is exact.
    pub evidence: Option<Evidence>,
    /// RAISE on some of the examples, if requested.
    pub raise: Option<Score>,
    /// Whether to believe the log-likelihood.
    pub verdict: Verdict,
}

/// Where both sides of AIS start.
#[derive(Clone, Copy, Debug)]
pub struct Starts<'a> {
    /// Rates of the base distribution (V), each above 0 and below 1.
    pub base_rates: &'a Array1<f64>,
    /// States (any number, V) near the model's distribution, such as the chains of its training.
    /// `None`: scouts find states.
    pub model_states: Option<&'a BitMatrix>,
}

impl Evaluation {
    /// Evaluates the rows of `visible` (N, V).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if a setting is out of its range, or the
    /// layers have too many units to enumerate; [`Error::Interrupted`](crate::Error::Interrupted); and as
    /// [`Path::new`].
    ///
    /// # Panics
    /// If rows are not V wide.
    pub fn new(
        model: FixedModel<'_>,
        visible: &BitMatrix,
        starts: Starts<'_>,
        config: &EvaluationConfig,
        watch: Watch<'_>,
    ) -> Result<Self> {
        config.validate()?;
        let FixedModel { rbm, weights } = model;
        let smaller = rbm.n_visible().min(rbm.n_hidden());
        let is_exact = match config.method {
            Method::Auto => smaller <= EXACT_BY_ITSELF,
            Method::Exact => true,
            Method::Ais => false,
        };
        let seed = config.seed;
        let exact =
            if is_exact { Some(Exact::watched(rbm, weights.isa(), watch)?.log_z()) } else { None };
        let (mut evidence, mut bounds) = (None, None);
        if !is_exact || config.raise > 0 {
            let path = Path::new(model, starts.base_rates)?;
            let betas = config.schedule.betas(&path, seed, watch)?;
            if !is_exact {
                let states = starts.model_states;
                evidence = Some(gather(&path, &betas, states, config, watch)?);
            }
            if config.raise > 0 {
                let some = visible.spread(config.raise.min(visible.n_rows()));
                bounds = Some(raise(&path, &betas, &some, RAISE_CHAINS, seed, watch)?);
            }
        }
        let (estimate, log_z, (log_z_low, log_z_high), verdict) = match (exact, &evidence) {
            (None, Some(evidence)) => {
                let verdict = Verdict::of(evidence);
                let (estimate, log_z, interval) = Estimate::of(evidence, &verdict);
                (estimate, log_z, interval, verdict)
            }
            (Some(log_z), None) => (Estimate::Enumeration, log_z, (log_z, log_z), Verdict::Exact),
            _ => unreachable!("one of the two methods finds log Z"),
        };
        // log p(v) = −F(v) − log Z.
        let free_energy = mean_free_energy(rbm, visible, weights.isa(), watch)?;
        Ok(Self {
            free_energy,
            log_likelihood: Score { mean: -free_energy.mean - log_z, ..free_energy },
            log_z,
            estimate,
            log_z_low,
            log_z_high,
            evidence,
            raise: bounds.as_deref().map(Score::of),
            verdict,
        })
    }

    /// The mean log-likelihood at the upper and the lower end of log Z's interval: (low, high).
    pub fn log_likelihood_interval(&self) -> (f64, f64) {
        let numerator = self.log_likelihood.mean + self.log_z;
        (numerator - self.log_z_high, numerator - self.log_z_low)
    }

    /// The effective sample size of forward AIS; `None` if log Z is exact.
    pub fn ess(&self) -> Option<f64> {
        self.evidence.as_ref().map(|evidence| evidence.sides.forward.weights.ess)
    }
}
