//! The two conditional distributions of a model, and Gibbs chains that alternate between them. This is
//! the only sampler of the crate.
//!
//! ```text
//!                    W̃ (tiles)                       W̃ᵀ (tiles)
//!  v ──► cⱼ + Σ_{i on} W̃ᵢⱼ ──► σ ──► draw h ──► bᵢ + Σ_{j on} W̃ᵢⱼ ──► σ ──► draw v ──► …
//! ```
//!
//! [`AnnealedChains`] move along a [`Path`] from independent pixels to the model, with the same conditionals at an
//! inverse temperature β. The replicas of parallel tempering ([`Tempering`]) are on the same path and help the chains
//! to pass from one mode to another; those of a [`Trajectory`] are at models that training passed through. Samples are
//! the last states of separate chains ([`Chains::for_samples`]), or of chains that swap states with those of a fixed
//! ladder of distributions ([`ReplicaExchange`]). With some pixels fixed, chains complete images ([`Inpainting`]), or
//! give the means of the others ([`ConditionalMean`]). For real-valued v, [`RealConditional`] gives p(h | v).
//! [`FollowingChains`] follow a model while its parameters change.

#[cfg(test)]
mod test_model;

mod split;

mod words;

mod weights;

mod conditional;

mod fixed_weights;

mod real;

mod chains;

mod samples;

mod inpainting;

pub(crate) mod over_hidden;

mod conditional_mean;

mod passage;
mod path;

mod piece;

mod annealing;

mod following;

mod tempering;

mod rung;

mod ladder;

mod pair;

mod exchange;

mod trajectory;

mod sampler;

pub use annealing::AnnealedChains;
pub(crate) use annealing::gather_rows;
pub use chains::{Chains, MAX_SWEEPS, check_sweeps};
pub use conditional::Conditional;
pub(crate) use conditional::{FEW_ROWS, with_sums};
pub use conditional_mean::ConditionalMean;
pub use exchange::{ReplicaExchange, Rises};
pub use fixed_weights::{FixedModel, FixedWeights};
pub use following::FollowingChains;
pub use inpainting::Inpainting;
pub use ladder::temperatures;
pub use passage::{Doubt, LEAST_SWAP_RATE, MOST_DRIFT, Passage};
pub use path::Path;
pub use real::RealConditional;
pub use rung::{Rung, UNITS_A_NAT, reweighted_swap_rate, swap_rate};
pub use sampler::{Sampler, SamplingMethod};
pub(crate) use split::{block_rows, tiles_of_a_piece};
pub use tempering::{Ladder, Tempering};
pub use trajectory::Trajectory;
pub(crate) use weights::{Orders, Weights};
