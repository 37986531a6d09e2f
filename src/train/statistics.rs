//! What a phase contributes to the gradient: which units are on, and p(h | v).

use crate::bits::BitPanels;
use crate::kernels::tile::{Row, SIDE};
use crate::kernels::transpose;

/// The sufficient statistics of one phase, a row for each example or chain.
#[derive(Clone, Debug)]
pub struct Statistics {
    n_rows: usize,
    row_capacity: usize,
    /// The bits of v by unit, (V, rows): which rows each visible unit is on in.
    by_unit: BitPanels,
    /// p(h | v), (hidden panels, row capacity), in 16 binary places.
    pub(super) mean_hidden: Vec<Row<i32>>,
}

impl Statistics {
    /// Room for those of states (rows, V) like `visible`.
    pub fn new(visible: &BitPanels, n_hidden: usize) -> Self {
        let row_capacity = visible.row_capacity();
        Self {
            n_rows: visible.n_rows(),
            row_capacity,
            by_unit: BitPanels::zeros(visible.n_columns(), row_capacity),
            mean_hidden: vec![[0; SIDE]; n_hidden.div_ceil(SIDE) * row_capacity],
        }
    }

    /// Takes over the states v.
    pub fn set_visible(&mut self, visible: &BitPanels) {
        self.n_rows = visible.n_rows();
        transpose::bits(visible, &mut self.by_unit);
    }

    /// Rows that count at present.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Rows that there is room for: a multiple of 64.
    pub fn row_capacity(&self) -> usize {
        self.row_capacity
    }

    /// The bits of v by unit, (V, rows).
    pub fn by_unit(&self) -> &BitPanels {
        &self.by_unit
    }

    /// p(h | v) of one panel of hidden units in 16 binary places, a row for each of the capacity.
    pub fn mean_panel(&self, panel: usize) -> &[Row<i32>] {
        &self.mean_hidden[panel * self.row_capacity..][..self.row_capacity]
    }

    /// Σₙ vₙᵢ: how many rows a visible unit is on in.
    pub fn count_visible(&self, unit: usize) -> i32 {
        let words = (0..self.by_unit.n_panels()).map(|panel| self.by_unit.panel(panel)[unit]);
        words.map(u64::count_ones).sum::<u32>() as i32
    }

    /// Σₙ p̃ₙⱼ of one panel of hidden units.
    pub fn sum_hidden(&self, panel: usize) -> Row<i32> {
        let mut sums = [0i32; SIDE];
        for means in &self.mean_panel(panel)[..self.n_rows] {
            sums.iter_mut().zip(means).for_each(|(sum, mean)| *sum = sum.wrapping_add(*mean));
        }
        sums
    }
}
