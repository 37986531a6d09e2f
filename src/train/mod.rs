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

pub mod schedule;

pub mod parameters;

pub mod averaging;

pub mod config;

pub mod positive_phase;

pub mod statistics;

pub mod negative_phase;

pub mod mean_hidden;

pub mod centering;

pub mod gradient;

pub mod range;

pub mod update;

pub mod optimizer;

pub mod average;

pub mod trainer;

pub mod online;

pub mod restore;

pub use averaging::Averaging;
pub use config::{Algorithm, ChainStart, TEMPERED_BY_ITSELF, TrainConfig, UpdateRule};
pub use schedule::Schedule;
pub use trainer::Trainer;
