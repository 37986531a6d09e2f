//! Training by persistent contrastive divergence (PCD; Tieleman, 2008, Training restricted
//! Boltzmann machines using approximations to the likelihood gradient).
//!
//! ```text
//!  examples ──► positive_phase: v ─┐
//!                                  ├─► mean_hidden: p(h|v) ──► statistics ──► update
//!  chains ────► negative_phase: v ─┘        and the next h                      │
//!     ▲                                                                         │
//!     └──────────────────────── parameters: W, b, c, W̃, W̃ᵀ ◄────────────────────┘
//! ```

pub mod schedule;

pub mod parameters;

pub mod averaging;

pub mod config;

pub mod statistics;

pub mod positive_phase;

pub mod negative_phase;

pub mod mean_hidden;

pub mod centering;

pub mod gradient;

pub mod update;

pub mod optimizer;

pub mod trainer;

pub use averaging::Averaging;
pub use config::{Algorithm, ChainStart, TrainConfig, UpdateRule};
pub use schedule::Schedule;
pub use trainer::Trainer;
