//! What the two phases contribute to the gradient, side by side: which visible units are on, and
//! p(h | v).

use super::positive_phase::PositivePhase;
use crate::bits::BitPanels;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::kernels::transpose;
use crate::reals::RealRows;
use rayon::prelude::*;

/// The sufficient statistics of both phases: a row for each example, then one for each chain.
///
/// p(h | v) of a chain is counted negative, so that a sum over all rows is ⟨·⟩_data − ⟨·⟩_model
/// where there are as many chains as examples.
#[derive(Clone, Debug)]
pub struct Statistics {
    n_visible: usize,
    n_hidden: usize,
    n_data: usize,
    n_chains: usize,
    /// Rows that there is room for, in each phase: multiples of 64.
    capacities: (usize, usize),
    /// The bits of v by unit, (V, rows): which rows each visible unit is on in.
    by_unit: BitPanels,
    /// The numbers of v by unit, (V, N): of the examples, if those are real.
    reals_by_unit: RealRows,
    is_real: bool,
    /// p(h | v), (hidden panels, rows), in 16 binary places, chains negative.
    pub(super) mean_hidden: Aligned<Row<i32>>,
}

impl Statistics {
    /// Room for those of examples (N, V) and chains (C, V) and H hidden units.
    pub fn new(data: &BitPanels, chains: &BitPanels, n_hidden: usize) -> Self {
        let capacities = (data.row_capacity(), chains.row_capacity());
        let capacity = capacities.0 + capacities.1;
        Self {
            n_visible: data.n_columns(),
            n_hidden,
            n_data: data.n_rows(),
            n_chains: chains.n_rows(),
            capacities,
            by_unit: BitPanels::zeros(data.n_columns(), capacity),
            reals_by_unit: RealRows::new(0),
            is_real: false,
            mean_hidden: aligned([0; SIDE], n_hidden.div_ceil(SIDE) * capacity),
        }
    }

    /// Takes over the states v of the examples and of the chains.
    pub fn set_visible(&mut self, positive: &PositivePhase, chains: &BitPanels) {
        let data = positive.visible();
        (self.n_data, self.n_chains) = (data.n_rows(), chains.n_rows());
        self.is_real = positive.reals().is_some();
        if let Some(reals) = positive.reals() {
            reals.turn_into(&mut self.reals_by_unit);
        }
        let height = self.by_unit.row_capacity();
        let n_data_panels = self.capacities.0 / SIDE;
        let panels = self.by_unit.words_mut().par_chunks_mut(height).enumerate();
        panels.with_min_len(4).for_each(|(panel, words)| {
            if panel < n_data_panels {
                transpose::bits_of_rows(data, panel, words);
            } else {
                transpose::bits_of_rows(chains, panel - n_data_panels, words);
            }
        });
    }

    /// N: examples of this update.
    pub fn n_data(&self) -> usize {
        self.n_data
    }

    /// C.
    pub fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// H.
    pub fn n_hidden(&self) -> usize {
        self.n_hidden
    }

    /// Rows that there is room for, of examples and of chains: multiples of 64.
    pub fn capacities(&self) -> (usize, usize) {
        self.capacities
    }

    /// The numbers of v by unit, (V, N), if the examples are real; their bits are then 0.
    pub fn reals_by_unit(&self) -> Option<&RealRows> {
        self.is_real.then_some(&self.reals_by_unit)
    }

    /// The bits of v by unit, (V, rows).
    pub fn by_unit(&self) -> &BitPanels {
        &self.by_unit
    }

    /// p(h | v) of one panel of hidden units in 16 binary places, a row for each of the capacity:
    /// of the examples, and, negative, of the chains.
    pub fn mean_panel(&self, panel: usize) -> &[Row<i32>] {
        let capacity = self.capacities.0 + self.capacities.1;
        &self.mean_hidden[panel * capacity..][..capacity]
    }

    /// Σₙ vₙᵢ over the examples, and −Σ over the chains, of one panel of visible units.
    pub fn count_visible(&self, panel: usize) -> [Row<i32>; 2] {
        let n_data_panels = self.capacities.0 / SIDE;
        let mut counts = [[0; SIDE]; 2];
        for block in 0..self.by_unit.n_panels() {
            let words = &self.by_unit.panel(block)[panel * SIDE..][..SIDE];
            let (counts, sign) =
                if block < n_data_panels { (&mut counts[0], 1) } else { (&mut counts[1], -1) };
            let units = counts.iter_mut().zip(words);
            units.for_each(|(count, rows)| *count += sign * rows.count_ones() as i32);
        }
        counts
    }

    /// Σₙ vₙᵢ over the examples of one panel of visible units, if they are real: f32 sums in the order
    /// of the examples.
    pub fn sum_reals(&self, panel: usize) -> Option<Row<f32>> {
        let by_unit = self.reals_by_unit()?;
        let units = panel * SIDE..((panel + 1) * SIDE).min(self.n_visible);
        let mut sums = [0.0; SIDE];
        for (sum, unit) in sums.iter_mut().zip(units) {
            by_unit.row(unit).values.iter().for_each(|value| *sum += value);
        }
        Some(sums)
    }

    /// Σₙ p̃ₙⱼ over the examples and, negative, over the chains, of one panel of hidden units.
    pub fn sum_hidden(&self, panel: usize) -> [Row<i32>; 2] {
        let sum = |rows: &[Row<i32>]| {
            let mut sums = [0i32; SIDE];
            for means in rows {
                sums.iter_mut().zip(means).for_each(|(sum, mean)| *sum = sum.wrapping_add(*mean));
            }
            sums
        };
        let (data, chains) = self.mean_panel(panel).split_at(self.capacities.0);
        [sum(&data[..self.n_data]), sum(&chains[..self.n_chains])]
    }
}
