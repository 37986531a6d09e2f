//! The random words of a sweep, made for all chains at once.

use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::kernels::{Isa, sampling};
use crate::memory::Bytes;
use crate::rng::Stream;
use rayon::prelude::*;

/// The least number of chains whose words are worth a thread: those of 8 take some microseconds.
const FEW_CHAINS: usize = 8;

/// One of the two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// v.
    Visible,
    /// h.
    Hidden,
}

/// A random word for each unit of each chain: (chains, panels of visible, then of hidden units).
#[derive(Clone, Debug)]
pub(crate) struct Words {
    n_visible: usize,
    n_hidden: usize,
    rows: Aligned<Row<u32>>,
}

impl Words {
    /// The memory of the words of `n_chains` chains.
    pub fn bytes(n_chains: usize, n_visible: usize, n_hidden: usize) -> Bytes {
        let of_layer = |n: usize| Bytes::of::<Row<u32>>(&[n_chains, n.div_ceil(SIDE)]);
        of_layer(n_visible) + of_layer(n_hidden)
    }

    /// Words for `n_chains` chains, not yet drawn.
    pub fn new(n_chains: usize, n_visible: usize, n_hidden: usize) -> Self {
        let stride = n_visible.div_ceil(SIDE) + n_hidden.div_ceil(SIDE);
        Self { n_visible, n_hidden, rows: aligned([0; SIDE], n_chains * stride) }
    }

    /// Draws the words of the next sweep: ⌈V/16⌉ steps of each chain's stream for v, then ⌈H/16⌉ for h.
    pub fn fill_sweep(&mut self, isa: Isa, streams: &mut [Stream]) {
        let (n_visible, n_hidden, stride) = (self.n_visible, self.n_hidden, self.stride());
        let chains = streams.par_iter_mut().zip(self.rows.par_chunks_mut(stride));
        chains.with_min_len(FEW_CHAINS).for_each(|(stream, rows)| {
            let (visible, hidden) = rows.split_at_mut(n_visible.div_ceil(SIDE));
            sampling::fill(isa, stream, n_visible, visible);
            sampling::fill(isa, stream, n_hidden, hidden);
        });
    }

    /// Draws words for h only, for the start of a chain: ⌈H/16⌉ steps.
    pub fn fill_hidden(&mut self, isa: Isa, streams: &mut [Stream]) {
        let (n_hidden, stride) = (self.n_hidden, self.stride());
        let first = stride - n_hidden.div_ceil(SIDE);
        let chains = streams.par_iter_mut().zip(self.rows.par_chunks_mut(stride));
        chains.with_min_len(FEW_CHAINS).for_each(|(stream, rows)| {
            sampling::fill(isa, stream, n_hidden, &mut rows[first..]);
        });
    }

    /// The words of one panel of a layer from chain `first` on: every [`stride`](Self::stride)-th
    /// row.
    pub fn of_panel(&self, layer: Layer, panel: usize, first: usize) -> &[Row<u32>] {
        let before = match layer {
            Layer::Visible => 0,
            Layer::Hidden => self.n_visible.div_ceil(SIDE),
        };
        &self.rows[first * self.stride() + before + panel..]
    }

    /// Number of rows for each chain.
    pub fn stride(&self) -> usize {
        self.n_visible.div_ceil(SIDE) + self.n_hidden.div_ceil(SIDE)
    }
}
