//! The settings of an evaluation.

use super::AnnealingSchedule;
use super::exact::n_enumerated;
use crate::error::{Error, Remedy, Result};
use crate::gibbs::check_sweeps;
use crate::model::Rbm;
use crate::setting::{by_name, check};
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
    /// By parallel tempering: chains that swap states along the path of annealing.
    Pt,
    /// By parallel trajectory tempering: chains that swap states with those of models that training passed through.
    Ptt,
}

by_name!(Method, "method", {
    Auto = "auto",
    Exact = "exact",
    Ais = "ais",
    Pt = "pt",
    Ptt = "ptt",
});

/// The largest smaller layer that [`Method::Auto`] enumerates, in units.
pub const EXACT_BY_ITSELF: usize = 20;

/// The largest number of chains of each side of AIS.
pub const MAX_CHAINS: usize = 1_000_000;

/// How a log-likelihood is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluationConfig {
    /// How log Z is found.
    pub method: Method,
    /// Chains of each side of AIS, or of each rung of a ladder, 2 to 1,000,000; usual: 100 to 500.
    pub n_chains: usize,
    /// The inverse temperatures of AIS.
    pub schedule: AnnealingSchedule,
    /// Sweeps that bring the chains of reverse AIS into the model's distribution before they are annealed back, at most
    /// 1,000,000,000; usual: 1,000 to 100,000. [`Method::Pt`] and [`Method::Ptt`] measure as many sweeps after them,
    /// and sweep on if that does not suffice.
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

/// The methods without which settings of annealing, or of chains at all, have no effect.
const ANNEALING: [Remedy; 1] = [Remedy::with("method", "ais")];
const PATH: [Remedy; 2] = [Remedy::with("method", "ais"), Remedy::with("method", "pt")];

impl EvaluationConfig {
    /// Whether log Z of this model is enumerated.
    pub(super) fn is_exact(&self, rbm: &Rbm) -> bool {
        match self.method {
            Method::Auto => n_enumerated(rbm.visible_units(), rbm.n_hidden()) <= EXACT_BY_ITSELF,
            Method::Exact => true,
            Method::Ais | Method::Pt | Method::Ptt => false,
        }
    }

    /// Checks all settings but the schedule, which [`AnnealingSchedule::betas`] checks.
    pub(super) fn validate(&self) -> Result<()> {
        let Self { n_chains, burn_in, .. } = *self;
        check("n_chains", n_chains, (2..=MAX_CHAINS).contains(&n_chains), || {
            format!("at least 2 and at most {MAX_CHAINS}")
        })?;
        check_sweeps("burn_in", burn_in)
    }

    /// Refuses settings that have no effect with the method. A default is always allowed.
    ///
    /// # Errors
    /// [`Error::NoEffect`] for the first such setting.
    pub fn check_effect(&self) -> Result<()> {
        let default = Self::default();
        let has_chains = self.method != Method::Exact;
        if self.n_chains != default.n_chains {
            refuse_unless(has_chains, "n_chains", self.n_chains, &PATH)?;
        }
        if self.burn_in != default.burn_in {
            refuse_unless(has_chains, "burn_in", self.burn_in, &PATH)?;
        }
        if self.schedule != default.schedule {
            let is_read = self.may_anneal() || self.raise > 0;
            refuse_unless(is_read, "schedule", self.schedule, &ANNEALING)?;
        }
        Ok(())
    }

    /// Whether log Z may be found by AIS.
    pub fn may_anneal(&self) -> bool {
        matches!(self.method, Method::Auto | Method::Ais)
    }

    /// Refuses a setting that only reverse annealing reads, with other methods.
    ///
    /// # Errors
    /// [`Error::NoEffect`].
    pub fn check_anneals(&self, setting: &'static str, value: impl ToString) -> Result<()> {
        refuse_unless(self.may_anneal(), setting, value, &ANNEALING)
    }

    /// Refuses a setting of the path from the base, which RAISE takes, too, with methods that have none.
    ///
    /// # Errors
    /// [`Error::NoEffect`].
    pub fn check_has_path(&self, setting: &'static str, value: impl ToString) -> Result<()> {
        let has_path = self.may_anneal() || self.method == Method::Pt || self.raise > 0;
        refuse_unless(has_path, setting, value, &PATH)
    }
}

fn refuse_unless(
    has_effect: bool,
    setting: &'static str,
    value: impl ToString,
    needs: &'static [Remedy],
) -> Result<()> {
    if has_effect {
        return Ok(());
    }
    Err(Error::NoEffect { setting, value: value.to_string(), needs })
}
