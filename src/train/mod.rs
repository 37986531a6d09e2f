//! Training by gradient ascent on the log-likelihood. The negative phase uses contrastive divergence,
//! persistent chains, or these with tempering ([`Algorithm`]).
//!
//! ```text
//!  batch ─────► positive_phase: v ─┐   (completion: what v lacks)
//!                                  ├─► mean_hidden: p(h|v) ──► statistics ──► gradient ──► step
//!  chains ────► negative_phase: v ─┘        and the next h                   (centering)     │
//!     ▲                                                                                      │
//!     └──────────────────────── parameters: W, b, c, W̃, W̃ᵀ ◄─────────────────── optimizer ◄──┘
//!                                       └──► average
//! ```
//!
//! An [`Ascent`] does all of this: it updates the parameters once for each mini-batch. A [`Trainer`]
//! takes the mini-batches from its data, in the order of each epoch; an [`OnlineTrainer`] gets them
//! from its caller.

pub(crate) mod schedule;

pub(crate) mod parameters;

pub(crate) mod averaging;

pub(crate) mod objective;

pub(crate) mod config;

pub(crate) mod positive_phase;

pub(crate) mod completion;

pub(crate) mod order;

pub(crate) mod outset;

pub(crate) mod row_weights;

pub(crate) mod label_sums;

pub(crate) mod statistics;

pub(crate) mod tile_sums;

pub(crate) mod trail;

pub(crate) mod negative_phase;

pub(crate) mod mean_hidden;

pub(crate) mod label_phase;

pub(crate) mod centering;

pub(crate) mod gradient;

pub(crate) mod range;

pub(crate) mod step;

pub(crate) mod optimizer;

pub(crate) mod timetable;

pub(crate) mod average;

pub(crate) mod ascent;

pub(crate) mod restore;

pub(crate) mod together;

pub(crate) mod trainer;

mod lead;

pub(crate) mod online;

pub use ascent::Ascent;
pub use averaging::Averaging;
pub use config::{Algorithm, ChainStart, Missing, TEMPERED_BY_ITSELF, TrainConfig, UpdateRule};
pub use objective::{Objective, Parts};
pub use online::OnlineTrainer;
pub use outset::DataOutline;
pub use positive_phase::Batch;
pub use schedule::Schedule;
#[cfg(feature = "cli")]
pub(crate) use trail::{Trail, without_weights};
pub use trainer::Trainer;
