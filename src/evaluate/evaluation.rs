//! The log-likelihood of a set of examples, how it was found and how far to trust it.

use super::ais::{Ais, model_chains};
use super::annealing_schedule::MAX_STEPS;
use super::free_energy::mean_free_energy;
use super::raise::raise;
use super::{AnnealingSchedule, Exact, Progress, Score};
use crate::bits::BitMatrix;
use crate::error::{Error, Result};
use crate::gibbs::Path;
use crate::model::Rbm;
use crate::setting::by_name;
use ndarray::Array1;
use serde::{Deserialize, Serialize};
use std::fmt;

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
            burn_in: 5000,
            raise: 0,
            seed: 0,
        }
    }
}

/// Chains of RAISE for each example.
const RAISE_CHAINS: usize = 4;

/// The most that forward and reverse AIS may differ by, in nats.
pub const MOST_APART: f64 = 0.5;

/// The least effective sample size of forward AIS, and its least share of the chains.
///
/// That of the reverse side is reported, but not judged: a small one makes reverse AIS too high on
/// average, and so the two sides differ. (Chains that did not start in the model's distribution can
/// hide that, as they make it too low.)
pub const LEAST_ESS: (f64, f64) = (50.0, 0.1);

/// Whether to believe a log-likelihood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Found by enumeration.
    Exact,
    /// Forward and reverse AIS differ by at most [`MOST_APART`], and the effective sample size of
    /// the forward side is at least [`LEAST_ESS`]. A mode that neither side visits stays invisible.
    Believable,
    /// One of these rules is broken.
    Doubtful {
        /// Which, with the numbers.
        reasons: Vec<String>,
        /// What to raise or to change.
        remedies: Vec<String>,
    },
}

impl Verdict {
    /// `exact`, `believable` or `doubtful`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Believable => "believable",
            Self::Doubtful { .. } => "doubtful",
        }
    }

    fn of(ais: &Ais, burn_in: usize) -> Self {
        let (mut reasons, mut remedies) = (Vec::new(), Vec::new());
        let n_chains = ais.n_chains;
        let (least, share) = LEAST_ESS;
        if (n_chains as f64) < 2.0 * least {
            remedies.push(format!("raise n_chains ({n_chains}) to {} or more", 4.0 * least));
        }
        let gap = ais.reverse.log_z.log_z - ais.forward.log_z.log_z;
        if gap < -MOST_APART {
            remedies.push(format!(
                "raise burn_in ({burn_in}): the chains to anneal back are not yet in the model's \
                 distribution"
            ));
        }
        let ess = ais.forward.weights.ess;
        if !(ess >= least && ess >= share * n_chains as f64) {
            reasons.push(format!(
                "the effective sample size of forward AIS is {ess:.1} of {n_chains} chains, but \
                 must be at least {least} and {} % of them",
                100.0 * share
            ));
        }
        // A comparison that is false for NaN.
        let is_near = gap.abs() <= MOST_APART;
        if !is_near {
            reasons.push(format!(
                "reverse AIS less forward AIS is {gap:+.2} nats, but must be within {MOST_APART}"
            ));
        }
        if reasons.is_empty() {
            return Self::Believable;
        }
        // var(log w) falls as one over the steps; what is asked for is at least a doubling.
        let variance = ais.forward.weights.variance.max(ais.reverse.weights.variance).max(2.0);
        let n_steps = (ais.n_steps as f64 * variance / 1000.0).ceil() * 1000.0;
        let n_steps = n_steps.min(MAX_STEPS as f64);
        remedies.push(format!("take more steps (schedule adaptive:{n_steps})"));
        Self::Doubtful { reasons, remedies }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Believable => f.write_str(
                "believable: both sides agree and the effective sample size suffices (a mode that \
                 neither side visits would not show)",
            ),
            Self::Doubtful { reasons, remedies } => write!(
                f,
                "doubtful, do not rely on it: {}; to remedy it, {}",
                reasons.join("; "),
                remedies.join(", or ")
            ),
        }
    }
}

/// A log-likelihood with what is known of its uncertainty.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The mean of F(v) over the examples, in nats.
    pub free_energy: Score,
    /// The mean of log p(v) over the examples, in nats, by the best estimate of log Z; its
    /// standard error is that over examples, log Z taken as known.
    pub log_likelihood: Score,
    /// The best estimate of log Z: exact, or Bennett's.
    pub log_z: f64,
    /// The lower end of log Z's interval: by AIS the lowest end of the three estimates' 95 %
    /// intervals.
    pub log_z_low: f64,
    /// The upper end of log Z's interval.
    pub log_z_high: f64,
    /// Both sides of AIS; none where log Z is exact.
    pub ais: Option<Ais>,
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
    /// States (any number, V) from which the burn-in leads to the model's distribution.
    pub model_states: &'a BitMatrix,
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
        let EvaluationConfig { n_chains, burn_in, seed, .. } = *config;
        let exact =
            if is_exact { Some(Exact::with_progress(rbm, progress)?.log_z()) } else { None };
        let (mut ais, mut bounds) = (None, None);
        if !is_exact || config.raise > 0 {
            let path = Path::new(rbm, starts.base_rates)?;
            let betas = config.schedule.betas(&path, seed, progress)?;
            if !is_exact {
                let start = starts.model_states;
                let (model, streams) =
                    model_chains(&path, start, n_chains, burn_in, seed, progress);
                ais = Some(Ais::new(&path, &betas, (&model, &streams), seed, progress));
            }
            if config.raise > 0 {
                let some = visible.spread(config.raise.min(visible.n_rows()));
                bounds = Some(raise(&path, &betas, &some, RAISE_CHAINS, seed, progress));
            }
        }
        let (log_z, (log_z_low, log_z_high), verdict) = match (exact, &ais) {
            (None, Some(ais)) => (ais.bennett.log_z, ais.interval(), Verdict::of(ais, burn_in)),
            (Some(log_z), None) => (log_z, (log_z, log_z), Verdict::Exact),
            _ => unreachable!("one of the two methods"),
        };
        let free_energy = mean_free_energy(rbm, visible);
        Ok(Self {
            free_energy,
            log_likelihood: Score { mean: -free_energy.mean - log_z, ..free_energy },
            log_z,
            log_z_low,
            log_z_high,
            ais,
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
        self.ais.as_ref().map(|ais| ais.forward.weights.ess)
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
