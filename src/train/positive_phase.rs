//! The positive phase, for ⟨·⟩_data: v is clamped to the data. p(h | v) has a closed form, so no h is
//! drawn. The data are bits or, with `binarize = none`, real numbers. Units without a value are off; with
//! `missing = marginal` a [`Completion`](super::completion::Completion) then draws them.

use crate::bits::{BitMatrix, BitPanels, WORD};
use crate::dataset::Examples;
use crate::kernels::Isa;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::reals::RealRows;
use crate::rng::{Purpose, Stream};
use crate::states::States;
use rayon::prelude::*;

/// The examples of one update.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The data set.
    pub examples: &'a Examples,
    /// The numbers of the examples in it (N).
    pub rows: &'a [u32],
    /// If bits are drawn, example n draws from the stream `first_address` + n.
    pub first_address: u64,
}

/// The least number of examples that are worth a thread: 16 take some microseconds.
const FEW_EXAMPLES: usize = 16;

/// The number of examples after which a prefetched one is drawn.
const AHEAD: usize = 2;

/// The visible states of a mini-batch.
#[derive(Clone, Debug)]
pub struct PositivePhase {
    isa: Isa,
    /// A buffer for the drawn bits.
    rows: BitMatrix,
    visible: States<BitPanels, RealRows>,
    /// On where a unit has no value, if any example of the data set lacks one.
    missing: Option<BitPanels>,
}

impl PositivePhase {
    /// The memory of a positive phase of at most `capacity` examples of bits. Those of numbers take more.
    pub fn bytes(capacity: usize, n_visible: usize) -> Bytes {
        BitMatrix::bytes(capacity, n_visible) + BitPanels::bytes(capacity, n_visible)
    }

    /// A positive phase of at most `capacity` examples.
    pub fn new(isa: Isa, capacity: usize, visible: &Layout) -> Self {
        let rows = BitMatrix::zeros(capacity, visible.n_units());
        let visible = States::Bits(BitPanels::zeros(capacity, visible));
        Self { isa, rows, visible, missing: None }
    }

    /// Clamps v to the examples of a mini-batch, as numbers or as bits.
    pub fn clamp(&mut self, batch: Batch<'_>, seed: u64) {
        let Batch { examples, rows: batch, first_address } = batch;
        let Self { isa, rows, visible, missing } = self;
        if let Some(reals) = examples.reals() {
            let visible = visible.reals_or_new(|| RealRows::new(rows.n_columns()));
            visible.clear();
            batch.iter().for_each(|&example| visible.push_row(reals.row(example as usize)));
            return;
        }
        let visible = visible.bits_or_new(|| BitPanels::zeros(rows.n_rows(), rows.n_columns()));
        let words_of_row = rows.n_columns().div_ceil(WORD);
        let drawn = rows.words_mut().par_chunks_mut(words_of_row);
        drawn.zip(batch).enumerate().with_min_len(FEW_EXAMPLES).for_each(|(n, (row, &example))| {
            if let Some(&later) = batch.get(n + AHEAD) {
                examples.prefetch(later as usize);
            }
            let address = first_address + u64::from(example);
            let stream = || Stream::new(seed, Purpose::Binarize, address);
            examples.write_bits(*isa, example as usize, stream, row);
        });
        visible.set_n_rows(batch.len());
        for row in 0..batch.len() {
            visible.set_row(row, rows.row(row));
        }
        let Some(mask) = examples.missing() else { return *missing = None };
        let missing = missing
            .get_or_insert_with(|| BitPanels::zeros(rows.n_rows(), visible.layout().clone()));
        missing.set_n_rows(batch.len());
        for (row, &example) in batch.iter().enumerate() {
            missing.set_row(row, mask.row(example as usize));
        }
    }

    /// The largest mini-batch that fits.
    pub fn capacity(&self) -> usize {
        self.rows.n_rows()
    }

    /// The bits of the mini-batch as the data set has them: units without a value are off.
    pub(super) fn rows(&self) -> &BitMatrix {
        &self.rows
    }

    /// Clamps some rows to the rows of `states` instead, which are in the same layout.
    ///
    /// # Panics
    /// If v is not bits.
    pub(super) fn set_rows(&mut self, rows: &[usize], states: &BitPanels) {
        let States::Bits(visible) = &mut self.visible else { panic!("numbers lack no values") };
        for (panel, words) in visible.panels_mut().enumerate() {
            rows.iter().zip(states.panel(panel)).for_each(|(&row, &state)| words[row] = state);
        }
    }

    /// On where a unit has no value (N, V), if any example of the data set lacks one.
    pub fn missing(&self) -> Option<&BitPanels> {
        self.missing.as_ref()
    }

    /// v (N, V).
    pub fn visible(&self) -> States<&BitPanels, &RealRows> {
        self.visible.as_ref()
    }
}
