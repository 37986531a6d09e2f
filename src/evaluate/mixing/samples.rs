//! Samples of a model, and the shares of the clusters among them.

use super::clusters::Clusters;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::evaluate::Exact;
use crate::evaluate::log_mean::{effective_number, log_sum_exp};
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Draws from a model that is enumerated. More cost more than the enumeration, where layers are small.
pub const DRAWS: usize = 1000;

/// Samples of a model that do not depend on how its chains mix.
#[derive(Clone, Debug)]
pub struct ModelSamples {
    /// (S, V)
    pub visible: BitMatrix,
    /// Their shares of the mass, with the sum 1 (S).
    pub shares: Vec<f64>,
    /// The number of draws that are worth as much.
    pub n_effective: f64,
    /// What they are, in words.
    pub origin: &'static str,
}

impl ModelSamples {
    /// Draws from an enumerated model.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn exact(model: &Exact, seed: u64, watch: Watch<'_>) -> Result<Self> {
        let mut streams = Stream::first(DRAWS, seed, Purpose::MixingDraw);
        let visible = model.draw(&mut streams, watch)?;
        Ok(Self::equal(visible, "exact draws"))
    }

    /// Samples that count alike.
    pub fn equal(visible: BitMatrix, origin: &'static str) -> Self {
        let n = visible.n_rows() as f64;
        let shares = vec![1.0 / n; visible.n_rows()];
        Self { visible, shares, n_effective: n, origin }
    }

    /// The ends (C, V) of chains that were annealed to the model, and their log-weights (C).
    pub fn annealed(visible: BitMatrix, log_weights: &[f64]) -> Self {
        let log_sum = log_sum_exp(log_weights);
        Self {
            visible,
            shares: log_weights.iter().map(|x| libm::exp(x - log_sum)).collect(),
            n_effective: effective_number(log_weights),
            origin: "ends of annealing, weighted",
        }
    }
}

/// The shares of the clusters among some rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterShares {
    /// The share of each cluster, in the order of their shares of the examples.
    pub clusters: Vec<f64>,
    /// The share that lies where no example does.
    pub outside: f64,
    /// The number of independent rows of equal weight that are worth as much. A share p has the standard error
    /// √(p (1 − p) / n).
    pub n_effective: f64,
}

impl ClusterShares {
    /// Of points (N, components) with these shares of the mass (N).
    pub(super) fn of(
        clusters: &Clusters,
        points: &Array2<f64>,
        shares: &[f64],
        n_effective: f64,
    ) -> Self {
        let mut found = Self { clusters: vec![0.0; clusters.n()], outside: 0.0, n_effective };
        for (cluster, share) in clusters.of_points(points).into_iter().zip(shares) {
            *cluster.map_or(&mut found.outside, |at| &mut found.clusters[at]) += share;
        }
        found
    }

    /// By how many standard errors the share `other` among rows of `of_other` lies above the share `own` of these,
    /// if both sets of rows have the same true share.
    pub(super) fn deviations(&self, own: f64, other: f64, of_other: &Self) -> f64 {
        let (n, m) = (self.n_effective, of_other.n_effective);
        let pooled = (n * own + m * other) / (n + m);
        let variance = pooled * (1.0 - pooled) * (n.recip() + m.recip());
        // Shares of 0 or 1 on both sides do not differ.
        if variance > 0.0 { (other - own) / variance.sqrt() } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_judged_by_both_numbers() {
        let of = |n_effective| ClusterShares { n_effective, ..ClusterShares::default() };
        // p = 0.15, √(0.15 · 0.85 · (1/100 + 1/100)) = 0.0505.
        let found = of(100.0).deviations(0.1, 0.2, &of(100.0));
        assert!((found - 1.980).abs() < 1e-3, "{found}");
        assert!(of(100.0).deviations(0.1, 0.2, &of(1e9)) > found);
        assert_eq!(of(100.0).deviations(0.0, 0.0, &of(100.0)), 0.0);
    }
}
