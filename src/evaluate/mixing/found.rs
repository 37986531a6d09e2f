//! What a mixing check finds, as it leaves the library.

use super::moments::MomentFits;
use super::samples::ClusterShares;
use serde::{Deserialize, Serialize};

/// The modes of the examples, and how a model and its chains visit them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Mixing {
    /// What looks wrong; empty if nothing does.
    pub warnings: Vec<MixingWarning>,
    /// The shares of the clusters among the examples, falling.
    pub examples: ClusterShares,
    /// The model's; none if it is not enumerated and annealing gave no samples to rely on.
    pub model: Option<ClusterShares>,
    /// What the model's samples are, in words.
    pub model_samples: Option<String>,
    /// Those of Gibbs chains that started at independent units.
    pub from_random: ClusterShares,
    /// Those of Gibbs chains that started at examples.
    pub from_examples: ClusterShares,
    /// The number of examples that were compared, spread evenly.
    pub n_examples: usize,
    /// The share of their values that were missing, and are drawn from the model given the others.
    pub missing_share: f64,
    /// Chains of each start.
    pub n_chains: usize,
    /// Sweeps of each chain.
    pub n_sweeps: usize,
    /// The leading components of the examples.
    pub components: Vec<ComponentMixing>,
    /// The integrated autocorrelation time of F(v) in sweeps, of chains that started at examples; none if it is longer
    /// than the run.
    pub free_energy_time: Option<f64>,
    /// The independent samples that the sweeps of these chains are worth, by the slowest of components and F(v); none
    /// if its time is longer than the run.
    pub n_independent: Option<f64>,
    /// Moments of the model's samples against those of the examples.
    pub moments: Option<MomentFits>,
}

/// A principal component of the examples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ComponentMixing {
    /// The variance along it, as a share of that of all units.
    pub variance_share: f64,
    /// The integrated autocorrelation time in sweeps, of chains that started at examples; none if it is longer than the
    /// run.
    pub autocorrelation_time: Option<f64>,
    /// The largest difference of the cumulative distributions of examples and samples of the model (Kolmogorov,
    /// Smirnov), 0 to 1.
    pub distance: Option<f64>,
    /// The mean of such a distance where both are drawn alike.
    pub noise: Option<f64>,
}

/// Something that looks wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MixingWarning {
    /// Its name for programs: `wrong_masses`, `spurious_modes` or `chains_do_not_mix`.
    pub name: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}
