//! The first expectation of the gradient: the data are clamped, and p(h | v) is known in closed
//! form, so no h is drawn. Data are bits or, where they are not made bits, real numbers.

use crate::bits::{BitMatrix, BitPanels};
use crate::dataset::Examples;
use crate::gibbs::least_rows;
use crate::kernels::Isa;
use crate::reals::RealRows;
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;

/// The examples of a mini-batch.
#[derive(Clone, Debug)]
pub struct PositivePhase {
    isa: Isa,
    rows: BitMatrix,
    pub(super) visible: BitPanels,
    reals: RealRows,
    is_real: bool,
}

impl PositivePhase {
    /// A phase of at most `batch_size` examples.
    pub fn new(isa: Isa, batch_size: usize, n_visible: usize) -> Self {
        let rows = BitMatrix::zeros(batch_size, n_visible);
        let (visible, reals) = (BitPanels::zeros(batch_size, n_visible), RealRows::new(n_visible));
        Self { isa, visible, rows, reals, is_real: false }
    }

    /// Clamps v to examples `batch`: to their numbers, or to the bits at stream `first_address` +
    /// example.
    pub fn clamp(&mut self, examples: &Examples, batch: &[u32], seed: u64, first_address: u64) {
        self.is_real = examples.reals().is_some();
        if let Some(reals) = examples.reals() {
            self.reals.clear();
            batch.iter().for_each(|&example| self.reals.push_row(reals.row(example as usize)));
            // No bit is on: what counts bits counts none.
            self.visible.set_n_rows(0);
            self.visible.set_n_rows(batch.len());
            return;
        }
        let rows = self.rows.words_mut().par_chunks_mut(self.visible.n_panels());
        // A fixed row is only copied; a drawn one is worth another thread.
        let least = if examples.is_fixed() { 512 } else { least_rows(batch.len(), 16) };
        rows.zip(batch).with_min_len(least).for_each(|(row, &example)| {
            let address = first_address + u64::from(example);
            let stream = || Stream::new(seed, Purpose::Binarize, address);
            examples.write_bits(self.isa, example as usize, stream, row);
        });
        self.visible.set_n_rows(batch.len());
        for row in 0..batch.len() {
            self.visible.set_row(row, self.rows.row(row));
        }
    }

    /// The most examples that there is room for.
    pub fn capacity(&self) -> usize {
        self.rows.n_rows()
    }

    /// v (N, V), if it is real.
    pub fn reals(&self) -> Option<&RealRows> {
        self.is_real.then_some(&self.reals)
    }

    /// v (N, V); all 0 if it is real.
    pub fn visible(&self) -> &BitPanels {
        &self.visible
    }
}
