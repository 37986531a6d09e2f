//! The first expectation of the gradient: the data are clamped, and p(h | v) is known in closed
//! form, so no h is drawn.

use super::statistics::Statistics;
use crate::bits::{BitMatrix, BitPanels};
use crate::dataset::Examples;
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;

/// The examples of a mini-batch.
#[derive(Clone, Debug)]
pub struct PositivePhase {
    rows: BitMatrix,
    pub(super) visible: BitPanels,
    pub(super) statistics: Statistics,
}

impl PositivePhase {
    /// A phase of at most `batch_size` examples.
    pub fn new(batch_size: usize, n_visible: usize, n_hidden: usize) -> Self {
        let visible = BitPanels::zeros(batch_size, n_visible);
        Self {
            rows: BitMatrix::zeros(batch_size, n_visible),
            statistics: Statistics::new(&visible, n_hidden),
            visible,
        }
    }

    /// Clamps v to the bits that examples `batch` have in epoch `epoch` (from 0).
    pub fn clamp(&mut self, examples: &Examples, batch: &[u32], seed: u64, epoch: usize) {
        let first_address = (epoch * examples.n_examples()) as u64;
        let rows = self.rows.words_mut().par_chunks_mut(self.visible.n_panels());
        rows.zip(batch).with_min_len(16).for_each(|(row, &example)| {
            let address = first_address + u64::from(example);
            let stream = || Stream::new(seed, Purpose::Binarize, address);
            examples.write_bits(example as usize, stream, row);
        });
        self.visible.set_n_rows(batch.len());
        for row in 0..batch.len() {
            self.visible.set_row(row, self.rows.row(row));
        }
        self.statistics.set_visible(&self.visible);
    }

    /// The statistics of the batch.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }
}
