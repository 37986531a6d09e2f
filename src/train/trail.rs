//! The course of the parameters, smooth enough for the rungs of a ladder.
//!
//! The parameters of single updates jump about their course, by so much at a usual learning rate that a few updates
//! would make a rung. So rungs are means over the latest eighth of the updates, or so: after u updates
//!
//! ```text
//! m ← m + (1 − (u′/u)⁸) (θ − m)
//! ```
//!
//! where u′ is the last u at which this was done. It is done after each update up to 128, each second one up to 256,
//! and so on. Whether m is to be a rung is looked at each time up to 128, where models move fast, and every fourth time
//! from there on. A ladder thus depends on nothing but the run.

use crate::error::Result;
use crate::gibbs::FixedWeights;
use crate::kernels::Isa;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::{Rbm, TiledParameters};
use crate::ranks::Ranks;
use crate::state::State;
use ndarray::{Array1, Array2};

/// Updates in which the mean is looked at each time.
const FAST: u64 = 128;

/// A running mean of the parameters.
#[derive(Clone, Debug)]
pub(crate) struct Trail {
    mean: TiledParameters<f32>,
    /// The updates after which it was last renewed.
    renewed: u64,
}

impl Trail {
    /// The memory of the mean of models (V, H).
    pub fn bytes(visible: &Layout, n_hidden: usize) -> Bytes {
        TiledParameters::<f32>::bytes(visible, n_hidden)
    }

    /// Begins at the parameters before the first update.
    pub fn new(parameters: &TiledParameters<f32>) -> Self {
        Self { mean: parameters.clone(), renewed: 0 }
    }

    /// Follows the parameters after `updates` updates. Returns whether the mean may become a rung now.
    pub fn follow(&mut self, parameters: &TiledParameters<f32>, updates: u64) -> bool {
        if !is_one_of(updates, 6) {
            return false;
        }
        let share = 1.0 - libm::pow(self.renewed as f64 / updates as f64, 8.0);
        let towards = |mean: &mut f32, x: &f32| *mean += share as f32 * (x - *mean);
        self.mean.zip(parameters, towards);
        self.renewed = updates;
        updates <= FAST || is_one_of(updates, 4)
    }

    /// The mean as weights that move chains.
    pub fn weights(&self, isa: Isa) -> FixedWeights {
        FixedWeights::narrow(&self.mean, isa)
    }

    /// Gives every rank the mean of the others.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn gather(&mut self, ranks: &Ranks) -> Result<()> {
        self.mean.gather(ranks)
    }

    /// Puts the mean under names that begin with `prefix`.
    pub fn save(&self, prefix: &str, state: &mut State) {
        self.mean.save(prefix, state);
        state.put(format!("{prefix}renewed"), &[1], vec![self.renewed]);
    }

    /// Continues from a mean of such models that was [saved](Self::save).
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(&mut self, prefix: &str, state: &State) -> Result<()> {
        self.mean = self.mean.restored(prefix, state)?;
        self.renewed = state.get_one(&format!("{prefix}renewed"))?;
        Ok(())
    }
}

/// Whether a number of updates is one of about 2ᵏ between powers of two.
fn is_one_of(updates: u64, k: u32) -> bool {
    updates > 0 && updates.is_multiple_of(1 << updates.ilog2().saturating_sub(k))
}

/// The first rung of a ladder: a model without weights, with the visible biases at the start of a run.
pub(crate) fn without_weights(start: &Rbm, isa: Isa) -> FixedWeights {
    let weights = Array2::zeros((start.n_visible(), start.n_hidden()));
    let bias = start.visible_bias().clone();
    let hidden_bias = Array1::zeros(start.n_hidden());
    let rbm = Rbm::of_sites(start.visible_units().clone(), weights, bias, hidden_bias);
    FixedWeights::of_training(&rbm.expect("finite parameters"), isa)
}
