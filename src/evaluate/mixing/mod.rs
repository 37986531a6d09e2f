//! Whether a model gives the modes of its data the right mass, and whether plain chains reach them.
//!
//! Both can fail, and neither shows in other scores. Training by chains that do not pass between modes gives models
//! that spread their mass over the modes at random, while the chains themselves, each in the mode where it began, show
//! the data's own shares. And a right model with distant modes cannot be sampled by plain chains.
//!
//! ```text
//!  examples ──► components ──► clusters ──┬──────────────────────► shares of the examples
//!                                         ├── samples of the model ──► its shares
//!                                         ├── courses from random ──► shares ├─────► verdict
//!                                         └── courses from examples ─► shares, autocorrelation
//! ```
//!
//! Samples of the model are exact draws where it is enumerated, else the ends of forward annealing with their weights,
//! if its verdict is `believable`.

mod autocorrelation;

mod components;

mod clusters;

#[cfg(test)]
mod populations;

mod samples;

mod courses;

mod distances;

mod moments;

mod found;

mod verdict;

mod check;

pub use check::clusters_of;
pub(crate) use check::{Check, EVALUATION, unchecked};
pub(crate) use courses::Extent;
pub use found::{ComponentMixing, Mixing, MixingWarning};
pub use moments::{MomentFit, MomentFits};
pub use samples::ClusterShares;
pub(crate) use samples::ModelSamples;
pub use verdict::{LEAST_ERRORS, LEAST_OUTSIDE, LEAST_RATIO};
