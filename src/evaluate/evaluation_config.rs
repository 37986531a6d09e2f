//! The settings of an evaluation.

use super::AnnealingSchedule;
use crate::error::{Error, Result};
use crate::model::Rbm;
use crate::setting::by_name;
use serde::{Deserialize, Serialize};

/// How log Z is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
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

/// The largest smaller layer that [`Method::Auto`] enumerates, in units.
pub const EXACT_BY_ITSELF: usize = 20;

/// The largest number of chains of each side of AIS.
pub const MAX_CHAINS: usize = 1_000_000;

/// How a log-likelihood is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationConfig {
    /// How log Z is found.
    pub method: Method,
    /// Chains of each side of AIS, 2 to 1,000,000; usual: 100 to 500.
    pub n_chains: usize,
    /// The inverse temperatures of AIS.
    pub schedule: AnnealingSchedule,
    /// Sweeps that bring the chains of reverse AIS into the model's distribution before they are
    /// annealed back; usual: 1,000 to 100,000.
    pub burn_in: usize,
    /// Examples, spread evenly, on which RAISE is computed; usual: 0 or 100.
    pub raise: usize,
    /// The seed of all random numbers.
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

impl EvaluationConfig {
    /// Whether log Z of this model is enumerated.
    pub(super) fn is_exact(&self, rbm: &Rbm) -> bool {
        match self.method {
            Method::Auto => rbm.n_visible().min(rbm.n_hidden()) <= EXACT_BY_ITSELF,
            Method::Exact => true,
            Method::Ais => false,
        }
    }

    /// Checks all settings but the schedule, which [`AnnealingSchedule::betas`] checks.
    pub(super) fn validate(&self) -> Result<()> {
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
