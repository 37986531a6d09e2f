//! The hot loops, on plain slices: sums over active rows, σ, softplus, Bernoulli draws, transposes.
//!
//! ```text
//!   bits of one layer ──► rows ──► inputs (i32) ──► sigmoid ──► thresholds ──► draw ──► bits
//!                          ▲                                        │
//!           tiles of weights (i16 or i32)                           └──► means (i16) ──► rows ──► statistics
//! ```
//!
//! [`rows::add_active_rows`] computes all sums over bits: v → h, h → v and the statistics. [`scaled_rows`] does the
//! same for real-valued data, [`weighing`] prepares rows of weighted examples. Inputs of sites of several units go to
//! [`categories`] instead of `sigmoid` and `draw`. [`classes`] sums labels out. Every kernel is one plain body,
//! compiled for each instruction set. On each it gives the same integers as the few lines of `naive.rs`.
//!
//! # What an update costs
//!
//! The costs are in *rows*: additions of 64 integers. d and e are the shares of visible and hidden
//! units that are on; g(d) is the share of groups of four that are not all off (23 % at d = 13 % on
//! MNIST, 64 % at e = 23 %). Filling the table of a tile costs about 660 rows. A state of which any unit is on
//! costs some 11 rows more, whichever kernel adds its rows: its sums are read and written.
//!
//! | sum | rows by gathering | rows by tables |
//! | --- | --- | --- |
//! | v → h, examples and chains together | (N + C) V d H/64 | ((N + C) V g(d)/4 + 4 V) H/64 |
//! | h → v, k times | C H e V/64 | (C H g(e)/4 + 4 H) V/64 |
//! | v → h of the k − 1 sweeps before the last | C V d H/64 | (C V g(d)/4 + 4 V) H/64 |
//! | statistics | (N + C) V d H/64 | ((N + C) V g(d)/4 + 4 (N + C)) H/64 |
//!
//! An update also draws kC(V + H) + C H random words (and N V for grey levels), computes
//! N H + kC(V + H) values of σ, and moves V H weights. `benches/README.md` has the measured shares.
//!
//! *Memory.* W in 32 bits, W̃ and W̃ᵀ in 16 take 8 V H bytes: 3.1 MB at 784-500, more than a core's L2
//! cache. An update reads W̃ and W̃ᵀ k times each and W once, and writes all three: (4k + 12) V H bytes,
//! 6.3 MB for k = 1. Above the L3 cache (32 MB: V H = 4.2 million) they come from memory: 103 MB an update
//! at 3136-2048. In the sums one tile (8 KB) and its table (34 KB) stay in or near the L1 cache while all
//! states are read; lookups take 128 bytes.
//!
//! *Threads.* The sums have enough pieces of work for 64 threads (they are split more finely only if there are
//! more threads than panels); what takes microseconds is not split so far:
//!
//! | stage, 784-500 | piece of work | batch 128 | batch 1,024 |
//! | --- | --- | --- | --- |
//! | data, drawn or copied | 16 examples | 8 | 64 |
//! | random words | 8 chains | 16 | 128 |
//! | h → v | 64 visible units, and an eighth of the chains to all | 13 to 104 | 13 to 104 |
//! | v → h | 64 hidden units, and an eighth of the rows to all | 8 to 64 | 8 to 64 |
//! | statistics and update | 64 hidden units, and 64 to V visible ones | 8 to 104 | 8 to 104 |
//!
//! One thread puts the bits of the data in panels, transposes state bits (of fewer than 512 rows) and updates
//! the visible biases.
#![allow(unsafe_code)]

pub mod isa;

pub mod tile;

#[cfg(test)]
mod naive;

pub mod rows;

pub mod scaled_rows;

pub mod sigmoid;

pub mod softplus;

pub mod flips;

pub mod sampling;

pub mod transpose;

pub mod categories;

pub mod classes;

pub mod tiled;

pub mod moments;

pub mod weighing;

pub mod agreement;

pub mod ascent;

pub use isa::Isa;
