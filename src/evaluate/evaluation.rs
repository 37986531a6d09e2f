//! The log-likelihood of a set of examples, how it was found and how far to trust it.

use super::evidence::gather;
use super::free_energy::mean_free_energy;
use super::raise::raise;
use super::{AnnealingSchedule, Estimate, Evidence, Exact, Progress, Score, Verdict};
use crate::bits::BitMatrix;
use crate::error::{Error, Result};
use crate::gibbs::Path;
use crate::model::Rbm;
use crate::setting::by_name;
use ndarray::Array1;
use serde::{Deserialize, Serialize};

/// How log Z is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Method {
    /// Exactly if the smaller layer has at most [`EXACT_BY_ITSELF`] units, else by AIS.
    #[default]
    Auto,
    /// By enumeration of the smaller layer.
    Exact,
    /// By annealed importance sampling from both sides.
    Ais,
}

by_name!(Method, "method", { Auto = "auto", Exact = "exact", Ais = "ais" });

/// The most units of the smaller layer that [`Method::Auto`] enumerates.
pub const EXACT_BY_ITSELF: usize = 20;

/// The most chains of a side.
pub const MAX_CHAINS: usize = 1_000_000;

/// The settings of an evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationConfig {
    /// How log Z is found.
    pub method: Method,
    /// Chains of each side of AIS, 2 to 1,000,000; usual: 100 to 500.
    pub n_chains: usize,
    /// The inverse temperatures.
    pub schedule: AnnealingSchedule,
    /// Sweeps by which chains come from where they start into the model's distribution, before
    /// they are annealed back; usual: 1,000 to 100,000.
    pub burn_in: usize,
    /// Examples, spread evenly, on which RAISE is computed; usual: 0 or 100.
    pub raise: usize,
    /// Where every random number comes from.
    pub seed: u64,
}

impl Default for EvaluationConfig {
    fn default() -> Self {
        Self {
            method: Method::Auto,
            n_chains: 200,
            schedule: AnnealingSchedule::Adaptive,
            burn_in: 1000,
            raise: 0,
            seed: 0,
        }
    }
}

/// Chains of RAISE for each example.
const RAISE_CHAINS: usize = 4;

/// A log-likelihood with what is known of its uncertainty.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean of F(v) over the examples, in nats.
    pub free_energy: Score,
    /// The mean of log p(v) over the examples, in nats, by the best estimate of log Z; its
    /// standard error is that over examples, log Z taken as known.
    pub log_likelihood: Score,
    /// log Z: exact, or the estimate that the evidence supports.
    pub log_z: f64,
    /// Which that is.
    pub estimate: Estimate,
    /// The lower end of log Z's interval, [`Evidence::interval`].
    pub log_z_low: f64,
    /// The upper end of log Z's interval.
    pub log_z_high: f64,
    /// What AIS gathered; none where log Z is exact.
    pub evidence: Option<Evidence>,
    /// RAISE on some of the examples, if asked for.
    pub raise: Option<Score>,
    /// Whether to believe it.
    pub verdict: Verdict,
}

/// Where AIS starts, on both sides.
#[derive(Clone, Copy, Debug)]
pub struct Starts<'a> {
    /// Rates of the base distribution (V), each above 0 and below 1.
    pub base_rates: &'a Array1<f64>,
    /// States (any number, V) of chains that are near the model's distribution, such as those of its
    /// training; none: those that scouts find.
    pub model_states: Option<&'a BitMatrix>,
}

impl Evaluation {
    /// Evaluates the rows of `visible` (N, V).
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for a setting out of its range or too many units to enumerate,
    /// and as [`Path::new`].
    ///
    /// # Panics
    /// If rows are not V wide.
    pub fn new(
        rbm: &Rbm,
        visible: &BitMatrix,
        starts: Starts<'_>,
        config: &EvaluationConfig,
        progress: Progress<'_>,
    ) -> Result<Self> {
        config.validate()?;
        let smaller = rbm.n_visible().min(rbm.n_hidden());
        let is_exact = match config.method {
            Method::Auto => smaller <= EXACT_BY_ITSELF,
            Method::Exact => true,
            Method::Ais => false,
        };
        let seed = config.seed;
        let exact =
            if is_exact { Some(Exact::with_progress(rbm, progress)?.log_z()) } else { None };
        let (mut evidence, mut bounds) = (None, None);
        if !is_exact || config.raise > 0 {
            let path = Path::new(rbm, starts.base_rates)?;
            let betas = config.schedule.betas(&path, seed, progress)?;
            if !is_exact {
                let states = starts.model_states;
                evidence = Some(gather((rbm, &path), &betas, states, config, progress)?);
            }
            if config.raise > 0 {
                let some = visible.spread(config.raise.min(visible.n_rows()));
                bounds = Some(raise(&path, &betas, &some, RAISE_CHAINS, seed, progress));
            }
        }
        let (estimate, log_z, (log_z_low, log_z_high), verdict) = match (exact, &evidence) {
            (None, Some(evidence)) => {
                let verdict = Verdict::of(evidence);
                let (estimate, log_z) = Estimate::of(evidence, &verdict);
                (estimate, log_z, evidence.interval_around(estimate), verdict)
            }
            (Some(log_z), None) => (Estimate::Enumeration, log_z, (log_z, log_z), Verdict::Exact),
            _ => unreachable!("one of the two methods"),
        };
        let free_energy = mean_free_energy(rbm, visible);
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

    /// The mean log-likelihood at the upper and at the lower end of log Z's interval: (low, high).
    pub fn log_likelihood_interval(&self) -> (f64, f64) {
        let numerator = self.log_likelihood.mean + self.log_z;
        (numerator - self.log_z_high, numerator - self.log_z_low)
    }

    /// The effective sample size of forward AIS; none where log Z is exact.
    pub fn ess(&self) -> Option<f64> {
        self.evidence.as_ref().map(|evidence| evidence.sides.forward.weights.ess)
    }
}

impl EvaluationConfig {
    /// Checks what [`AnnealingSchedule::betas`] does not.
    fn validate(&self) -> Result<()> {
        if (2..=MAX_CHAINS).contains(&self.n_chains) {
            return Ok(());
        }
        Err(Error::InvalidSetting {
            setting: "n_chains",
            value: self.n_chains.to_string(),
            rule: format!("at least 2 and at most {MAX_CHAINS}"),
        })
    }
}
