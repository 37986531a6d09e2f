//! Training by the gradient of the log-likelihood, whose negative phase comes from contrastive
//! divergence, persistent chains or parallel tempering ([`Algorithm`]).
//!
//! ```text
//!  examples ──► positive_phase: v ─┐
//!                                  ├─► mean_hidden: p(h|v) ──► statistics ──► gradient ──► update
//!  chains ────► negative_phase: v ─┘        and the next h                   (centering)     │
//!     ▲                                                                                      │
//!     └──────────────────────── parameters: W, b, c, W̃, W̃ᵀ ◄─────────────────── optimizer ◄──┘
//!                                       └──► average
//! ```

pub(crate) mod schedule;

pub(crate) mod parameters;

pub(crate) mod averaging;

pub(crate) mod config;

pub(crate) mod positive_phase;

pub(crate) mod statistics;

pub(crate) mod negative_phase;

pub(crate) mod mean_hidden;

pub(crate) mod centering;

pub(crate) mod gradient;

pub(crate) mod range;

pub(crate) mod update;

pub(crate) mod optimizer;

pub(crate) mod average;

pub(crate) mod trainer;

pub(crate) mod online;

pub(crate) mod restore;

pub use averaging::Averaging;
pub use config::{Algorithm, ChainStart, TEMPERED_BY_ITSELF, TrainConfig, UpdateRule};
pub use schedule::Schedule;
pub use trainer::Trainer;
