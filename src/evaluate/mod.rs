//! How good a machine is: scores of examples under it, each with its uncertainty.
//!
//! Everything here is computed in double precision, in a fixed order, with the same bits on any
//! number of threads.

mod score;

pub mod exact;

pub mod free_energy;

pub mod hidden_activity;

pub mod pseudo_likelihood;

pub mod reconstruction;

pub use exact::Exact;
pub use hidden_activity::HiddenActivity;
pub use score::Score;
