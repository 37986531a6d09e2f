//! Chains that one thread moves by itself: a part of those that are annealed or that follow a model.

use super::words::Words;
use super::{Conditional, FixedWeights};
use crate::bits::{BitMatrix, BitPanels};
use crate::kernels::Isa;
use crate::kernels::rows::Target;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::rng::Stream;

/// The smallest number of chains worth a thread.
const LEAST: usize = 8;

/// The largest number of chains that make a step before the next look at the watch.
const MOST: usize = 4096;

/// Some chains. They are independent of all others, so the division of chains into pieces changes no result.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub visible: BitPanels,
    pub hidden: BitPanels,
    pub streams: Vec<Stream>,
    words: Words,
    /// The inputs of one panel, then its thresholds.
    sums: Aligned<Row<i32>>,
}

impl Piece {
    /// The memory of C chains of a model (V, H) in pieces.
    pub fn bytes(n_chains: usize, visible: &Layout, n_hidden: usize) -> Bytes {
        BitPanels::bytes(n_chains, visible)
            + BitPanels::bytes(n_chains, n_hidden)
            + Words::bytes(n_chains, visible, n_hidden)
            + (Bytes::of::<Stream>(&[]) + Bytes::of::<Row<i32>>(&[])) * n_chains
    }

    /// Chains with v at the rows of `visible` (C, V), in pieces for all threads.
    ///
    /// # Panics
    /// If the numbers of streams and rows differ, or the rows are not V wide.
    pub fn split(weights: &FixedWeights, visible: &BitMatrix, streams: &[Stream]) -> Vec<Self> {
        let FixedWeights { visible_units, hidden_units, .. } = weights;
        assert_eq!(visible.n_columns(), visible_units.n_units(), "width of the states");
        assert_eq!(visible.n_rows(), streams.len(), "a stream for each chain");
        let size = streams.len().div_ceil(rayon::current_num_threads()).clamp(LEAST, MOST);
        let pieces = streams.chunks(size).enumerate().map(|(at, streams)| {
            let (first, n) = (at * size, streams.len());
            let rows = visible.rows(first..first + n);
            Self {
                visible: BitPanels::in_layout(&rows, visible_units.layout()),
                hidden: BitPanels::zeros(n, hidden_units.layout()),
                streams: streams.to_vec(),
                words: Words::new(n, visible_units, hidden_units),
                sums: aligned([0; SIDE], n),
            }
        });
        pieces.collect()
    }

    /// Number of chains.
    pub fn n_chains(&self) -> usize {
        self.streams.len()
    }

    /// Makes the random words of the next sweep.
    pub fn draw_words(&mut self, isa: Isa) {
        self.words.fill_sweep(isa, &mut self.streams);
    }

    /// Calls `see` with the inputs of every panel of h, a row for each chain, and draws h from them if `draws`.
    pub fn hidden_inputs(
        &mut self,
        conditional: Conditional<'_>,
        draws: bool,
        mut see: impl FnMut(&[Row<i32>]),
    ) {
        let Self { visible, hidden, words, sums, .. } = self;
        for (panel, bits) in hidden.panels_mut().enumerate() {
            let states = &*visible;
            conditional.inputs(panel, &mut [Target { states, first_panel: 0, first: 0, sums }]);
            see(sums);
            if draws {
                conditional.to_thresholds(panel, sums);
                conditional.draw_panel(panel, sums, words, 0, &mut bits[..sums.len()]);
            }
        }
    }

    /// Draws v given h.
    pub fn draw_visible(&mut self, conditional: Conditional<'_>) {
        let Self { visible, hidden, words, sums, .. } = self;
        if let Some(spans) = conditional.units.spans() {
            let n = visible.n_rows();
            let mut panels: Vec<_> = visible.panels_mut().map(|bits| &mut bits[..n]).collect();
            for span in spans {
                let panels = &mut panels[span.panels.clone()];
                conditional.draw_span(span, hidden, 0, words, panels, None);
            }
            return;
        }
        for (panel, bits) in visible.panels_mut().enumerate() {
            let states = &*hidden;
            conditional.thresholds(panel, &mut [Target { states, first_panel: 0, first: 0, sums }]);
            conditional.draw_panel(panel, sums, words, 0, &mut bits[..sums.len()]);
        }
    }
}
