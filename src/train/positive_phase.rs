//! The first expectation of the gradient: the data are clamped, and p(h | v) is known in closed
//! form, so no h is drawn.

use crate::bits::{BitMatrix, BitPanels};
use crate::dataset::Examples;
use crate::gibbs::least_rows;
use crate::kernels::Isa;
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;

/// The examples of a mini-batch.
#[derive(Clone, Debug)]
pub struct PositivePhase {
    isa: Isa,
    rows: BitMatrix,
    pub(super) visible: BitPanels,
}

impl PositivePhase {
    /// A phase of at most `batch_size` examples.
    pub fn new(isa: Isa, batch_size: usize, n_visible: usize) -> Self {
        let rows = BitMatrix::zeros(batch_size, n_visible);
        Self { isa, visible: BitPanels::zeros(batch_size, n_visible), rows }
    }

    /// Clamps v to the bits that examples `batch` have in epoch `epoch` (from 0).
    pub fn clamp(&mut self, examples: &Examples, batch: &[u32], seed: u64, epoch: usize) {
        let first_address = (epoch * examples.n_examples()) as u64;
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

    /// v (N, V).
    pub fn visible(&self) -> &BitPanels {
        &self.visible
    }
}
