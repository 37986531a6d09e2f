//! The random words of a sweep, made for all chains at once.

use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::kernels::{Isa, sampling};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::rng::Stream;
use crate::units::Units;
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

/// A random word for each site of each chain: (chains, panels of visible, then of hidden units).
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// The words of each panel, visible, then hidden.
    n_words: Vec<usize>,
    /// The number of visible panels.
    n_visible: usize,
    rows: Aligned<Row<u32>>,
}

impl Words {
    /// The memory of the words of `n_chains` chains of these layers.
    pub fn bytes(n_chains: usize, visible: impl Into<Layout>, hidden: impl Into<Layout>) -> Bytes {
        let n_panels = visible.into().n_panels() + hidden.into().n_panels();
        Bytes::of::<Row<u32>>(&[n_chains, n_panels])
    }

    /// Words for `n_chains` chains, not yet drawn.
    pub fn new(n_chains: usize, visible: &Units, hidden: &Units) -> Self {
        let n_words = [visible.n_words(), hidden.n_words()].concat();
        let rows = aligned([0; SIDE], n_chains * n_words.len());
        Self { n_words, n_visible: visible.n_panels(), rows }
    }

    /// Draws the words of the next sweep: for each panel of v, then of h, ⌈sites/16⌉ steps of each chain's
    /// stream.
    pub fn fill_sweep(&mut self, isa: Isa, streams: &mut [Stream]) {
        self.fill(isa, streams, 0);
    }

    /// Draws words for h only, for the start of a chain.
    pub fn fill_hidden(&mut self, isa: Isa, streams: &mut [Stream]) {
        self.fill(isa, streams, self.n_visible);
    }

    /// Draws the words of the panels from `first` on.
    fn fill(&mut self, isa: Isa, streams: &mut [Stream], first: usize) {
        let Self { n_words, rows, .. } = self;
        let chains = streams.par_iter_mut().zip(rows.par_chunks_mut(n_words.len()));
        chains.with_min_len(FEW_CHAINS).for_each(|(stream, rows)| {
            sampling::fill_rows(isa, stream, &n_words[first..], &mut rows[first..]);
        });
    }

    /// The words of one panel of a layer from chain `first` on: every [`stride`](Self::stride)-th
    /// row.
    pub fn of_panel(&self, layer: Layer, panel: usize, first: usize) -> &[Row<u32>] {
        let before = match layer {
            Layer::Visible => 0,
            Layer::Hidden => self.n_visible,
        };
        &self.rows[first * self.stride() + before + panel..]
    }

    /// Number of rows for each chain.
    pub fn stride(&self) -> usize {
        self.n_words.len()
    }
}
