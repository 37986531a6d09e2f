//! The parts of a layer: *sites*, each of which takes one value.
//!
//! ```text
//!  Rbm, Examples ──► Units ──► the columns of each panel ──► gibbs
//!                      │
//!                      └─────► mean, draw, cumulant, start ──► gibbs, train, evaluate
//!                                          │
//!                               bit: formulas and kernels
//! ```
//!
//! A *unit* is off or on. It is a column of the data, and a row or a column of W. A site has one or more
//! units:
//!
//! | kind | values | units |
//! | --- | --- | --- |
//! | [`bit`] | off, on | 1 |
//!
//! One file for each kind of site has all that differs between kinds: the *mean* of its units, given
//! their inputs; the *draw* of its value; its *cumulant*, the logarithm of the sum of e^input over its
//! values; and its *start*, the biases at which a site without weights has given rates. All other code
//! uses [`Units`], for a whole layer or one panel.

pub mod bit;

#[allow(dead_code, unused_imports, reason = "layers have only bits so far")]
mod category;

pub use bit::{sigmoid, softplus};

use crate::bits::BitMatrix;
use crate::kernels::Isa;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::rng::Stream;
use ndarray::Array1;
use std::ops::Range;

/// The sites of a layer and the places of their units.
///
/// Units are in panels of 64, in the order of the data's columns. All units of a site of up to 64 units
/// are in one panel. The rest of a panel is padding: units that are always off and have weights 0.
///
/// ```
/// let units = harmonium::units::Units::bits(70);
/// assert_eq!((units.n_panels(), units.columns(1), units.mask(1)), (2, 64..70, 0b111111));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    n_bits: usize,
}

impl Units {
    /// A layer of `n` bits.
    pub fn bits(n: usize) -> Self {
        Self { n_bits: n }
    }

    /// A layer of `n` units of the kind that a model file names, or `None` if the kind is unknown.
    pub(crate) fn of_kind(kind: &str, n: usize) -> Option<Self> {
        (kind == bit::NAME).then(|| Self::bits(n))
    }

    /// The name of the kind in a model file.
    pub(crate) fn kind(&self) -> &'static str {
        bit::NAME
    }

    /// Number of sites.
    pub fn n_sites(&self) -> usize {
        self.n_bits
    }

    /// Number of units without padding: V or H.
    pub fn n_units(&self) -> usize {
        self.n_bits
    }

    /// Number of panels of 64 units.
    pub fn n_panels(&self) -> usize {
        self.n_bits.div_ceil(SIDE)
    }

    /// The columns of the data in a panel, from its first unit on.
    ///
    /// # Panics
    /// If there is no such panel.
    pub fn columns(&self, panel: usize) -> Range<usize> {
        assert!(panel < self.n_panels(), "panel {panel} of {}", self.n_panels());
        panel * SIDE..self.n_bits.min((panel + 1) * SIDE)
    }

    /// A word with a bit for each unit of a panel, without padding.
    ///
    /// # Panics
    /// As [`columns`](Self::columns).
    pub fn mask(&self, panel: usize) -> u64 {
        u64::MAX >> (SIDE - self.columns(panel).len())
    }

    /// Puts values in the order of columns, one for each unit, into panels. Padding gets the default.
    ///
    /// # Panics
    /// If there are fewer values than units.
    pub(crate) fn in_panels<T: Copy + Default>(&self, values: &[T]) -> Aligned<Row<T>> {
        let mut rows = aligned([T::default(); SIDE], self.n_panels());
        for (panel, row) in rows.iter_mut().enumerate() {
            let columns = self.columns(panel);
            row[..columns.len()].copy_from_slice(&values[columns]);
        }
        rows
    }

    /// Puts values in panels, one for each unit, into the order of columns.
    ///
    /// # Panics
    /// If there are fewer panels than the layer has.
    pub(crate) fn in_columns<T: Copy>(&self, rows: &[Row<T>]) -> Vec<T> {
        let panels = (0..self.n_panels()).map(|panel| &rows[panel][..self.columns(panel).len()]);
        panels.flatten().copied().collect()
    }
}

/// Operations in double precision, for a whole layer.
impl Units {
    /// The mean of each unit, given the inputs.
    pub fn means(&self, inputs: impl IntoIterator<Item = f64>) -> Vec<f64> {
        inputs.into_iter().map(sigmoid).collect()
    }

    /// Turns inputs into means, in place. It uses a kernel, which is faster than
    /// [`means`](Self::means) and has errors of a few units of the last place.
    pub(crate) fn means_by(&self, isa: Isa, inputs: &mut [f64]) {
        bit::sigmoids(isa, inputs);
    }

    /// The sum of the cumulants of all sites, given the inputs of the units.
    pub fn cumulant(&self, inputs: impl IntoIterator<Item = f64>) -> f64 {
        inputs.into_iter().map(softplus).sum()
    }

    /// [`cumulant`](Self::cumulant) by a kernel, which is faster and adds in another order.
    pub(crate) fn cumulant_by(&self, isa: Isa, inputs: &[f64]) -> f64 {
        bit::sum(isa, inputs)
    }

    /// The terms of the units in the entropy of independent sites, given their means.
    pub(crate) fn entropies(&self, means: &[f64]) -> Vec<f64> {
        means.iter().map(|&mean| bit::entropy(mean)).collect()
    }

    /// ln p of the value of a site given all other sites, if −F rises by `rise` when the site takes its
    /// other value.
    pub(crate) fn log_conditional(&self, rise: f64) -> f64 {
        bit::log_conditional(rise)
    }

    /// The sum of [`log_conditional`](Self::log_conditional) over all sites, given the rise of −F by
    /// each, by a kernel.
    pub(crate) fn log_conditionals(&self, isa: Isa, rises: &[f64]) -> f64 {
        -bit::sum(isa, rises)
    }

    /// The terms of each unit, off and on, in the log-likelihood of independent sites of these rates.
    pub(crate) fn log_probabilities(&self, rates: &Array1<f64>) -> Vec<[f64; 2]> {
        rates.iter().map(|&rate| bit::log_probabilities(rate)).collect()
    }

    /// The rates of sites with this mean over `n_examples`, by Laplace's rule: see
    /// [`bit::laplace_rate`].
    pub fn laplace_rates(&self, mean: &Array1<f64>, n_examples: usize) -> Array1<f64> {
        mean.mapv(|mean| bit::laplace_rate(mean, n_examples))
    }

    /// The rates of the base of annealing for data with this mean: see [`bit::smoothed_rate`].
    pub fn smoothed_rates(&self, mean: &Array1<f64>) -> Array1<f64> {
        mean.mapv(bit::smoothed_rate)
    }

    /// The rates at which every value of a site is equally likely.
    pub fn uniform_rates(&self) -> Array1<f64> {
        Array1::from_elem(self.n_bits, bit::UNIFORM)
    }

    /// The biases at which sites without weights have these rates, each above 0 and below 1: see
    /// [`bit::log_odds`].
    pub fn log_odds(&self, rates: &Array1<f64>) -> Array1<f32> {
        rates.mapv(bit::log_odds)
    }

    /// Draws a row from each stream for a layer with these biases and no weights.
    pub fn draw_independent(
        &self,
        biases: impl IntoIterator<Item = f64>,
        streams: &mut [Stream],
    ) -> BitMatrix {
        bit::draw_independent(&self.means(biases), streams)
    }
}

/// Operations in fixed point, for one panel.
impl Units {
    /// Turns the inputs x of a panel into thresholds, in place: 2^24 times the means at
    /// `factor` · x + `offsets`.
    pub(crate) fn to_thresholds(
        &self,
        isa: Isa,
        inputs: &mut [Row<i32>],
        factor: f32,
        offsets: Option<&Row<f32>>,
    ) {
        match offsets {
            None => bit::thresholds(isa, inputs, factor),
            Some(offsets) => bit::offset_thresholds(isa, inputs, factor, offsets),
        }
    }

    /// Draws a panel from its thresholds. Row n uses the words `words[n · stride]`.
    pub(crate) fn draw(
        &self,
        isa: Isa,
        panel: usize,
        thresholds: &[Row<i32>],
        words: &[Row<u32>],
        stride: usize,
        bits: &mut [u64],
    ) {
        bit::draw(isa, thresholds, words, stride, self.mask(panel), bits);
    }

    /// Writes the means that belong to the thresholds of a panel to its columns of `means` (rows,
    /// units).
    pub(crate) fn write_means(&self, panel: usize, thresholds: &[Row<i32>], means: &mut [f32]) {
        let columns = self.columns(panel);
        for (means, thresholds) in means.chunks_exact_mut(self.n_bits).zip(thresholds) {
            let units = means[columns.clone()].iter_mut().zip(thresholds);
            units.for_each(|(mean, &threshold)| *mean = bit::mean_of(threshold));
        }
    }

    /// Writes, for every row of inputs x of a panel, the change of the sum of cumulants when the inputs
    /// change from `from` · x to `to` · x. Padding adds nothing.
    pub(crate) fn cumulant_differences(
        &self,
        isa: Isa,
        inputs: &[Row<i32>],
        from: f64,
        to: f64,
        differences: &mut [f64],
    ) {
        bit::differences(isa, inputs, from, to, differences);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_hold_all_columns_in_order_and_mask_the_rest() {
        for (n, n_panels, last_mask) in [
            (1, 1, 0b1),
            (63, 1, u64::MAX >> 1),
            (64, 1, u64::MAX),
            (65, 2, 0b1),
            (784, 13, 0xffff),
        ] {
            let units = Units::bits(n);
            assert_eq!((units.n_sites(), units.n_units(), units.n_panels()), (n, n, n_panels));
            let columns: Vec<usize> =
                (0..n_panels).flat_map(|panel| units.columns(panel)).collect();
            assert_eq!(columns, Vec::from_iter(0..n), "{n} bits");
            for panel in 0..n_panels {
                let mask = if panel + 1 == n_panels { last_mask } else { u64::MAX };
                assert_eq!(units.mask(panel), mask, "{n} bits, panel {panel}");
                assert_eq!(mask.count_ones() as usize, units.columns(panel).len());
            }
            let values: Vec<usize> = (0..n).map(|column| column + 1000).collect();
            let rows = units.in_panels(&values);
            assert_eq!(units.in_columns(&rows), values);
            for (at, &value) in rows.as_flattened().iter().enumerate() {
                assert_eq!(value, if at < n { at + 1000 } else { 0 }, "{n} bits, unit {at}");
            }
        }
    }

    #[test]
    fn means_of_a_panel_go_to_its_columns() {
        let units = Units::bits(66);
        let mut means = vec![0.0; 2 * 66];
        for panel in 0..2 {
            let row = |n| -> Row<i32> { std::array::from_fn(|j| (n * 64 + j as i32) << 14) };
            units.write_means(panel, &[row(1), row(2)], &mut means);
        }
        for (at, mean) in means.into_iter().enumerate() {
            let (row, column) = (at / 66 + 1, at % 66);
            let threshold = (row * 64 + column % 64) << 14;
            assert_eq!(mean, threshold as f32 / (1 << 24) as f32, "row {row}, column {column}");
        }
    }

    #[test]
    fn kinds_are_found_by_their_names() {
        let bits = Units::bits(70);
        assert_eq!(Units::of_kind(bits.kind(), 70), Some(bits));
        assert_eq!(Units::of_kind("gaussian", 70), None);
    }
}
