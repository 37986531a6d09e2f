//! Training by the gradient of the log-likelihood, whose negative phase comes from contrastive
//! divergence, persistent chains or parallel tempering ([`Algorithm`]).
//!
//! ```text
//!  batch ─────► positive_phase: v ─┐
//!                                  ├─► mean_hidden: p(h|v) ──► statistics ──► gradient ──► step
//!  chains ────► negative_phase: v ─┘        and the next h                   (centering)     │
//!     ▲                                                                                      │
//!     └──────────────────────── parameters: W, b, c, W̃, W̃ᵀ ◄─────────────────── optimizer ◄──┘
//!                                       └──► average
//! ```
//!
//! All of this is an [`Ascent`], which changes the parameters once for each mini-batch. A [`Trainer`]
//! gives it those of its data, in the order of each epoch; an [`OnlineTrainer`] those that come from
//! outside.

pub mod schedule;

pub mod parameters;

pub mod averaging;

pub mod config;

pub mod outset;

pub mod positive_phase;

pub mod statistics;

pub mod negative_phase;

pub mod mean_hidden;

pub mod centering;

pub mod gradient;

pub mod range;

pub mod step;

pub mod optimizer;

pub mod timetable;

pub mod average;

pub mod ascent;

pub mod restore;

pub mod trainer;

pub mod online;

pub use ascent::Ascent;
pub use averaging::Averaging;
pub use config::{Algorithm, ChainStart, TEMPERED_BY_ITSELF, TrainConfig, UpdateRule};
pub use online::OnlineTrainer;
pub use positive_phase::Batch;
pub use schedule::Schedule;
pub use trainer::Trainer;
