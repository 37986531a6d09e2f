//! The hot loops, on plain slices: sums over active rows, σ, Bernoulli draws, transposes.
//!
//! ```text
//!   bits of one layer ──► rows ──► inputs (i32) ──► sigmoid ──► thresholds ──► draw ──► bits
//!                          ▲                            │
//!                 tiles of weights                      └──► mean (16 bits) ──► rows ──► statistics
//! ```
//!
//! [`rows::add_active_rows`] is the one sum of the project: it serves v → h, h → v and the
//! statistics. Every kernel is one plain body, compiled for each instruction set, and gives on
//! each the same integers as [`naive`].
#![allow(unsafe_code)]

pub mod isa;

pub mod tile;

pub mod naive;

pub mod rows;

pub mod sigmoid;

pub mod sampling;

pub mod transpose;

pub mod ascent;

pub use isa::Isa;
