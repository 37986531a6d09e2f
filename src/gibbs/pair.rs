//! The chains of two neighbours on a ladder, which may swap their states.
//!
//! h is drawn twice for each chain: given its own v, and given that of the neighbour, from the inputs that the two F
//! need anyway. The swap chooses one.
//!
//! The states v of two neighbours, t and t + 1, are swapped with probability
//!
//! ```text
//! min(1, exp{[F_t(v_t) − F_t(v_t+1)] + [F_t+1(v_t+1) − F_t+1(v_t)]})
//! ```
//!
//! where h is summed out, so that swaps are more frequent than with energies of v and h.

use super::rung::{Drawing, swap_probability, weigh_and_draw};
use super::{Chains, Rung};
use crate::bits::BitPanels;
use crate::error::Result;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::watch::Watch;

/// What the chains of a rung know of those of a neighbour.
#[derive(Clone, Debug)]
pub(super) struct Beside {
    /// h given the states of the neighbour, drawn with the words of this rung (C, H).
    pub hidden: BitPanels,
    /// The log-masses of the own states before the last swap, here and at the neighbour.
    pub masses: [Vec<i64>; 2],
}

impl Beside {
    /// The memory of this for C chains.
    pub fn bytes(n_chains: usize, hidden: impl Into<Layout>) -> Bytes {
        BitPanels::bytes(n_chains, hidden) + Bytes::of::<[i64; 2]>(&[n_chains])
    }

    /// Nothing is known yet.
    pub fn of(chains: &Chains) -> Self {
        Self { hidden: chains.hidden.clone(), masses: [Vec::new(), Vec::new()] }
    }
}

/// The chains of a rung.
pub(super) struct Place<'a> {
    pub rung: &'a Rung<'a>,
    pub chains: &'a mut Chains,
    pub beside: &'a mut Beside,
}

impl Place<'_> {
    /// Draws h of this rung and the one above, each given its own states and those of the other, and weighs both
    /// states at both. Of several ranks each does the hidden panels of its own, and has only their part of the
    /// log-masses.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted). The chains are then of no use.
    pub fn weigh_and_draw(&mut self, above: &mut Self, watch: Watch<'_>) -> Result<()> {
        let (lower, upper) = (self, above);
        let [lower_words, upper_words] = [&lower.chains.words, &upper.chains.words];
        let drawing = |rung, words, hidden| Drawing { rung, words, hidden };
        lower.beside.masses = weigh_and_draw(
            [
                drawing(lower.rung, lower_words, &mut lower.chains.hidden),
                drawing(upper.rung, upper_words, &mut upper.beside.hidden),
            ],
            &lower.chains.visible,
            watch,
        )?;
        upper.beside.masses = weigh_and_draw(
            [
                drawing(upper.rung, upper_words, &mut upper.chains.hidden),
                drawing(lower.rung, lower_words, &mut lower.beside.hidden),
            ],
            &upper.chains.visible,
            watch,
        )?;
        Ok(())
    }

    /// Swaps the states of a chain with those at the rung above if the random `word` says so. Returns whether it did.
    pub fn swap(&mut self, above: &mut Self, chain: usize, word: u32) -> bool {
        let rise = |place: &Self| place.beside.masses[1][chain] - place.beside.masses[0][chain];
        let uniform = f64::from(word) / (1u64 << 32) as f64;
        let is_swapped = uniform < swap_probability(rise(self) + rise(above));
        if is_swapped {
            self.chains.visible.swap_row(&mut above.chains.visible, chain);
            for Place { chains, beside, .. } in [self, above] {
                chains.hidden.swap_row(&mut beside.hidden, chain);
            }
        }
        is_swapped
    }
}
