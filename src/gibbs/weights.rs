//! The weights in fixed point, in both orders.

use crate::error::Result;
use crate::fixed::{Fixed, Scale};
use crate::kernels::Isa;
use crate::kernels::rows::{Target, add_active_rows};
use crate::kernels::tile::Row;
use crate::kernels::tiled::Tiled;
use crate::kernels::transpose::Entry;
use crate::ranks::Ranks;
use crate::units::Units;
use bytemuck::Pod;
use std::ops::Range;

/// W̃ and W̃ᵀ as integers of one width.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Orders<T> {
    /// W̃ (V, H).
    pub by_visible: Tiled<T>,
    /// W̃ᵀ (H, V), with its tiles in the order of those of W̃.
    pub by_hidden: Tiled<T>,
}

impl<T: Fixed + Entry + Pod> Orders<T> {
    pub fn new(weights: &Tiled<f32>, scale: Scale, isa: Isa) -> Self {
        let by_visible = weights.map(|x| T::round(scale, x));
        Self { by_hidden: by_visible.transposed(isa), by_visible }
    }

    /// Gives every rank W̃ᵀ of its visible panels, from those whose hidden panels they are.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn exchange(&mut self, ranks: &Ranks, [visible, hidden]: [&Units; 2]) -> Result<()> {
        let n_visible = visible.n_panels();
        let tiles = |hidden: Range<usize>, visible: Range<usize>| {
            hidden.map(move |panel| {
                panel * n_visible + visible.start..panel * n_visible + visible.end
            })
        };
        let [own_visible, own_hidden] =
            [visible, hidden].map(|units| units.panels_of(ranks, ranks.rank()));
        let to = |rank| tiles(own_hidden.clone(), visible.panels_of(ranks, rank));
        let from = |rank| tiles(hidden.panels_of(ranks, rank), own_visible.clone());
        ranks.exchange(self.by_hidden.tiles_mut(), to, from)
    }

    pub fn is_consistent(&self, isa: Isa) -> bool {
        self.by_hidden == self.by_visible.transposed(isa)
    }
}

/// The weights in fixed point, 16 bits wide in training, 32 wherever that is too narrow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Weights {
    /// In 16 bits.
    Narrow(Orders<i16>),
    /// In 32 bits.
    Wide(Orders<i32>),
}

/// One of the two orders of the weights.
#[derive(Clone, Copy, Debug)]
pub(super) enum Matrix<'a> {
    /// In 16 bits.
    Narrow(&'a Tiled<i16>),
    /// In 32 bits.
    Wide(&'a Tiled<i32>),
}

impl Matrix<'_> {
    /// Writes to the sums of every state `start` and the weights of one panel whose units are on in that
    /// state.
    pub fn sum_active_rows(
        self,
        isa: Isa,
        panel: usize,
        start: &Row<i32>,
        targets: &mut [Target<'_>],
    ) {
        match self {
            Self::Narrow(all) => add_active_rows(isa, all.panel(panel), Some(start), targets),
            Self::Wide(all) => add_active_rows(isa, all.panel(panel), Some(start), targets),
        }
    }
}
