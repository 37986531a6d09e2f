//! The two conditionals of the machine, and chains that alternate between them: the one sampler
//! of the crate.
//!
//! ```text
//!                    W̃ (tiles)                       W̃ᵀ (tiles)
//!  v ──► cⱼ + Σ_{i on} W̃ᵢⱼ ──► σ ──► draw h ──► bᵢ + Σ_{j on} W̃ᵢⱼ ──► σ ──► draw v ──► …
//! ```
//!
//! Chains may also be led along a [`Path`] from independent pixels to the machine: the same
//! conditionals at an inverse temperature β. On the same path lie the replicas of parallel tempering
//! ([`Tempering`]), which let chains of the machine pass from one mode to another. Samples are the last
//! states of chains of their own ([`Chains::for_samples`]). With some pixels held at given values, chains
//! complete images ([`Inpainting`]). Given real-valued v, p(h | v) is a
//! [`RealConditional`].

#[cfg(test)]
mod test_model;

mod split;

mod words;

mod conditional;

mod fixed_weights;

mod real;

mod chains;

mod samples;

mod inpainting;

mod path;

mod annealing;

mod tempering;

pub use annealing::AnnealedChains;
pub use chains::Chains;
pub use conditional::Conditional;
pub use fixed_weights::{FixedModel, FixedWeights};
pub use inpainting::Inpainting;
pub use path::Path;
pub use real::RealConditional;
pub(crate) use split::{block_rows, least_rows, tiles_of_a_piece};
pub use tempering::{Ladder, Tempering};
