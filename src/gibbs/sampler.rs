//! The ways to draw samples of a model.

use super::chains::check_sweeps;
use super::{Chains, FixedWeights, ReplicaExchange};
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::setting::by_name;
use crate::watch::Watch;

/// How the chains move that give samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SamplingMethod {
    /// By sweeps of separate chains.
    #[default]
    Gibbs,
    /// By parallel tempering: they swap states with chains at inverse temperatures below 1.
    Pt,
    /// By parallel trajectory tempering: they swap states with chains of models that training passed through.
    Ptt,
}

by_name!(SamplingMethod, "method", { Gibbs = "gibbs", Pt = "pt", Ptt = "ptt" });

/// Chains whose states become samples of a model.
#[derive(Clone, Debug)]
pub enum Sampler<'a> {
    /// Separate Gibbs chains.
    Gibbs {
        /// The chains.
        chains: Chains,
        /// The model.
        weights: &'a FixedWeights,
    },
    /// Chains that swap states with those of a ladder.
    Exchange(ReplicaExchange<'a>),
}

impl Sampler<'_> {
    /// Does `sweeps` sweeps of every chain.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for more than 10⁹;
    /// [`Error::Interrupted`](crate::Error::Interrupted), after which the chains are of no use.
    pub fn sweep(&mut self, sweeps: usize, watch: Watch<'_>) -> Result<()> {
        check_sweeps("sweeps", sweeps)?;
        for done in 0..sweeps as u64 {
            match self {
                Self::Gibbs { chains, weights } => chains.sweep_watched(weights, watch)?,
                Self::Exchange(exchange) => exchange.sweep(watch)?,
            }
            watch.report("sampling", done + 1, sweeps as u64)?;
        }
        Ok(())
    }

    /// The visible states (C, V).
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn visible(&self) -> Result<BitMatrix> {
        match self {
            Self::Gibbs { chains, .. } => Ok(chains.visible()),
            Self::Exchange(exchange) => exchange.visible(),
        }
    }

    /// The hidden states (C, H).
    ///
    /// # Errors
    /// As [`visible`](Self::visible).
    pub fn hidden(&self) -> Result<BitMatrix> {
        match self {
            Self::Gibbs { chains, .. } => Ok(chains.hidden()),
            Self::Exchange(exchange) => exchange.hidden(),
        }
    }
}
