//! The distribution of one layer given the other.

use super::split::block_rows;
use super::weights::Matrix;
use super::words::{Layer, Words};
use crate::bits::{BitMatrix, BitPanels, Block, active};
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::kernels::rows::Target;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::kernels::tiled::Padded;
use crate::memory::{self, Bytes, Need};
use crate::ranks::{Ranks, of_panels};
use crate::units::{Span, Units};
use crate::watch::Watch;
use bytemuck::Pod;
use ndarray::Array2;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// The number of rows that become thresholds, draws and means before the next, while they are in the L1
/// cache.
pub(crate) const FEW_ROWS: usize = 16;

/// The sums of [`Conditional::draw_and_weigh`].
pub(super) struct Weighed<'a> {
    /// A number to subtract from the input of each unit, in panels.
    pub base: &'a [Row<i32>],
    /// The sums (panels, row capacity).
    pub energies: &'a mut [i64],
}

/// p(one layer | the other layer): independent sites, each with an input from the other layer.
#[derive(Clone, Copy, Debug)]
pub struct Conditional<'a> {
    pub(super) layer: Layer,
    pub(super) isa: Isa,
    /// Those who draw the layer together.
    pub(super) ranks: &'a Ranks,
    /// The value of the integer 1 in an input.
    pub(super) factor: f32,
    /// Numbers to add to the inputs, in panels, if any.
    pub(super) offsets: Option<&'a [Row<f32>]>,
    /// W̃ or W̃ᵀ: (units of the given layer, units of this layer).
    pub(super) weights: Matrix<'a>,
    pub(super) bias: &'a Padded<i32>,
    pub(super) units: &'a Units,
    pub(super) given: &'a Units,
}

impl Conditional<'_> {
    /// Number of panels of 64 units in this layer.
    pub fn n_panels(self) -> usize {
        self.bias.len()
    }

    /// The panels that this rank draws.
    pub(crate) fn own_panels(self) -> Range<usize> {
        self.units.panels_of(self.ranks, self.ranks.rank())
    }

    /// Gives every rank what the others have drawn. The arrays have a piece for each panel.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    pub(crate) fn share<T: Pod>(self, arrays: &mut [&mut [T]]) -> Result<()> {
        self.ranks.share(arrays, self.n_panels(), |rank| self.units.panels_of(self.ranks, rank))
    }

    /// A word with a bit for each unit of a panel, without padding.
    pub fn mask(self, panel: usize) -> u64 {
        self.units.mask(panel)
    }

    /// Writes the inputs of one panel, bias + Σ of the weights of units that are on, to the sums of
    /// every target.
    pub fn inputs(self, panel: usize, targets: &mut [Target<'_>]) {
        self.weights.sum_active_rows(self.isa, panel, &self.bias[panel], targets);
    }

    /// Writes the inputs of one panel as numbers, for the states of `given` from `first` on.
    pub(crate) fn real_inputs(
        self,
        panel: usize,
        given: &BitPanels,
        first: usize,
        inputs: &mut [Row<f32>],
    ) {
        with_sums(inputs.len(), |sums| {
            self.inputs(panel, &mut [Target { states: given, first_panel: 0, first, sums }]);
            for (inputs, sums) in inputs.iter_mut().zip(sums) {
                *inputs = sums.map(|sum| sum as f32 * self.factor);
            }
            if let Some(offsets) = self.offsets {
                for row in inputs {
                    row.iter_mut().zip(&offsets[panel]).for_each(|(x, offset)| *x += offset);
                }
            }
        });
    }

    /// Writes p(unit on | state) of one panel, as thresholds (`p · 2^24`), to the sums of every target.
    pub fn thresholds(self, panel: usize, targets: &mut [Target<'_>]) {
        self.inputs(panel, targets);
        for target in targets {
            self.to_thresholds(panel, target.sums);
        }
    }

    /// Turns the inputs of one panel into thresholds, in place.
    pub(crate) fn to_thresholds(self, panel: usize, sums: &mut [Row<i32>]) {
        let offsets = self.offsets.map(|offsets| &offsets[panel]);
        self.units.to_thresholds(self.isa, sums, self.factor, offsets);
    }

    /// Draws the panels of this rank for every row of `given`.
    ///
    /// # Errors
    /// [`Error::Interrupted`]; some rows are then not drawn.
    pub(super) fn draw(
        self,
        given: &BitPanels,
        words: &Words,
        drawn: &mut BitPanels,
        watch: Watch<'_>,
    ) -> Result<()> {
        if let Some(spans) = self.units.spans() {
            return self.draw_spans(spans, given, words, drawn, None, watch);
        }
        let own = self.own_panels();
        let block = block_rows(given.row_capacity(), own.len());
        drawn.par_blocks_mut(own, block).try_for_each(|Block { panel, first, words: bits }| {
            watch.check()?;
            with_sums(bits.len(), |sums| {
                let target = Target { states: given, first_panel: 0, first, sums: &mut *sums };
                self.inputs(panel, &mut [target]);
                let rows = sums.chunks_mut(FEW_ROWS).zip(bits.chunks_mut(FEW_ROWS)).enumerate();
                for (at, (sums, bits)) in rows {
                    self.to_thresholds(panel, sums);
                    self.draw_panel(panel, sums, words, first + at * FEW_ROWS, bits);
                }
            });
            Ok(())
        })
    }

    /// [`draw`](Self::draw) that also sums the inputs of the units that it switches on.
    pub(super) fn draw_and_weigh(
        self,
        given: &BitPanels,
        words: &Words,
        drawn: &mut BitPanels,
        weighed: Weighed<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        if let Some(spans) = self.units.spans() {
            return self.draw_spans(spans, given, words, drawn, Some(weighed), watch);
        }
        let own = self.own_panels();
        let block = block_rows(given.row_capacity(), own.len());
        let energies = of_panels(weighed.energies, self.n_panels(), &own);
        let blocks = drawn.par_blocks_mut(own, block).zip(energies.par_chunks_mut(block));
        blocks.try_for_each(|(Block { panel, first, words: bits }, energies)| {
            watch.check()?;
            with_sums(bits.len(), |sums| {
                let target = Target { states: given, first_panel: 0, first, sums: &mut *sums };
                self.inputs(panel, &mut [target]);
                for (row, sums) in sums.iter_mut().enumerate() {
                    let (inputs, sums) = (*sums, std::array::from_mut(sums));
                    self.to_thresholds(panel, sums);
                    let bits = &mut bits[row..=row];
                    self.draw_panel(panel, sums, words, first + row, bits);
                    let base = &weighed.base[panel];
                    let on = active(bits).map(|j| i64::from(inputs[j]) - i64::from(base[j]));
                    energies[row] = on.sum();
                }
            });
            Ok(())
        })
    }

    /// [`draw`](Self::draw) or [`draw_and_weigh`](Self::draw_and_weigh) for sites that are not all bits.
    fn draw_spans(
        self,
        spans: &[Span],
        given: &BitPanels,
        words: &Words,
        drawn: &mut BitPanels,
        weighed: Option<Weighed<'_>>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let own = self.own_panels();
        let is_own = |span: &&Span| own.contains(&span.panels.start);
        let height = block_rows(given.row_capacity(), spans.iter().filter(is_own).count());
        let n_blocks = given.row_capacity() / height;
        let (base, energies) = weighed.map(|Weighed { base, energies }| (base, energies)).unzip();
        let energies = energies.into_iter().flat_map(|all| all.chunks_mut(height)).map(Some);
        let mut energies: Vec<_> = energies.collect();
        let mut blocks: Vec<_> =
            drawn.par_blocks_mut(0..self.n_panels(), height).map(Some).collect();
        let own_spans = spans.iter().filter(is_own);
        let pieces = own_spans.flat_map(|span| (0..n_blocks).map(move |at| (span, at)));
        let pieces = pieces.map(|(span, at)| {
            let first_block = span.panels.start * n_blocks + at;
            let mut of_span =
                |panel: usize| blocks[panel * n_blocks + at].take().expect("a new block");
            let blocks: Vec<Block<'_>> = span.panels.clone().map(&mut of_span).collect();
            (span, blocks, energies.get_mut(first_block).and_then(Option::take))
        });
        pieces.collect::<Vec<_>>().into_par_iter().try_for_each(|(span, blocks, energies)| {
            watch.check()?;
            let first = blocks[0].first;
            let mut panels: Vec<_> = blocks.into_iter().map(|block| block.words).collect();
            let weighed = base.zip(energies).map(|(base, energies)| Weighed { base, energies });
            self.draw_span(span, given, first, words, &mut panels, weighed);
            Ok(())
        })
    }

    /// Draws the panels of a span for the rows of `given` from `first` on, a word for each row and panel.
    pub(super) fn draw_span(
        self,
        span: &Span,
        given: &BitPanels,
        first: usize,
        words: &Words,
        panels: &mut [&mut [u64]],
        weighed: Option<Weighed<'_>>,
    ) {
        let n = panels[0].len();
        if n == 0 {
            return;
        }
        with_sums(n * panels.len(), |sums| {
            for (panel, sums) in span.panels.clone().zip(sums.chunks_mut(n)) {
                self.inputs(panel, &mut [Target { states: given, first_panel: 0, first, sums }]);
            }
            let inputs = weighed.is_some().then(|| sums.to_vec());
            Units::to_shares(self.isa, span, sums, self.factor, self.offsets);
            let words_of_span = words.of_panel(self.layer, span.panels.start, first);
            let draw = |bits: &mut [u64]| {
                Units::draw_span(self.isa, span, sums, words_of_span, words.stride(), bits);
            };
            if let [panel] = panels {
                draw(panel);
            } else {
                let mut drawn = vec![0; sums.len()];
                draw(&mut drawn);
                panels
                    .iter_mut()
                    .zip(drawn.chunks(n))
                    .for_each(|(to, bits)| to.copy_from_slice(bits));
            }
            let Some((Weighed { base, energies }, inputs)) = weighed.zip(inputs) else { return };
            energies[..n].fill(0);
            let of_panels = inputs.chunks(n).zip(&*panels).zip(&base[span.panels.clone()]);
            for ((inputs, drawn), base) in of_panels {
                for ((energy, inputs), bits) in energies.iter_mut().zip(inputs).zip(drawn.iter()) {
                    let on = active(std::slice::from_ref(bits));
                    *energy += on.map(|j| i64::from(inputs[j]) - i64::from(base[j])).sum::<i64>();
                }
            }
        });
    }

    /// Draws one panel from one row of thresholds for each chain, with the words of the chains from
    /// `first` on.
    pub(crate) fn draw_panel(
        self,
        panel: usize,
        thresholds: &[Row<i32>],
        words: &Words,
        first: usize,
        bits: &mut [u64],
    ) {
        if !bits.is_empty() {
            let words_of_panel = words.of_panel(self.layer, panel, first);
            let stride = words.stride();
            self.units.draw(self.isa, panel, thresholds, words_of_panel, stride, bits);
        }
    }

    /// p(unit on | state) for every row of `given`: (rows, units).
    ///
    /// # Errors
    /// [`Error::WidthMismatch`] if the rows are not as wide as the given layer; [`Error::OutOfMemory`].
    pub fn means(self, given: &BitMatrix) -> Result<Array2<f32>> {
        self.means_watched(given, Watch::default())
    }

    /// [`means`](Self::means) under a watch.
    ///
    /// # Errors
    /// As [`means`](Self::means), and [`Error::Interrupted`].
    pub fn means_watched(self, given: &BitMatrix, watch: Watch<'_>) -> Result<Array2<f32>> {
        if given.n_columns() != self.given.n_units() {
            return Err(Error::WidthMismatch {
                what: "the given layer".to_string(),
                found: given.n_columns(),
                other: "the model",
                expected: self.given.n_units(),
            });
        }
        /// Number of examples at a time: enough to share tables, few enough to stay in cache.
        const BLOCK: usize = 256;
        let n_units = self.units.n_units();
        check_means::<f32>(given.n_rows(), n_units)?;
        let mut means = Array2::zeros((given.n_rows(), n_units));
        let rows = means.as_slice_mut().expect("standard layout");
        rows.par_chunks_mut(BLOCK * n_units).enumerate().try_for_each(|(block, means)| {
            let n = means.len() / n_units;
            let rows = given.rows(block * BLOCK..block * BLOCK + n);
            let states = BitPanels::in_layout(&rows, self.given.layout());
            if let Some(spans) = self.units.spans() {
                return spans.iter().try_for_each(|span| {
                    watch.check()?;
                    self.write_means_of_span(span, &states, means);
                    Ok(())
                });
            }
            let mut sums = aligned([0; SIDE], n);
            for panel in 0..self.n_panels() {
                watch.check()?;
                self.thresholds(
                    panel,
                    &mut [Target { states: &states, first_panel: 0, first: 0, sums: &mut sums }],
                );
                self.units.write_means(panel, &sums, means);
            }
            Ok(())
        })?;
        Ok(means)
    }

    /// Writes the means of a span for all of these states to its columns of `means` (rows, units).
    fn write_means_of_span(self, span: &Span, states: &BitPanels, means: &mut [f32]) {
        let n = states.n_rows();
        with_sums(n * span.panels.len(), |sums| {
            for (panel, sums) in span.panels.clone().zip(sums.chunks_mut(n)) {
                self.inputs(panel, &mut [Target { states, first_panel: 0, first: 0, sums }]);
            }
            Units::to_shares(self.isa, span, sums, self.factor, self.offsets);
            self.units.write_means_of_span(self.isa, span, sums, means);
        });
    }
}

/// Calls `use_sums` with a buffer of the worker for `n` rows of sums, whose values are arbitrary.
pub(crate) fn with_sums<R>(n: usize, use_sums: impl FnOnce(&mut [Row<i32>]) -> R) -> R {
    thread_local! {
        static SUMS: RefCell<Aligned<Row<i32>>> = RefCell::new(Aligned::new(0));
    }
    SUMS.with_borrow_mut(|sums| {
        if sums.len() < n {
            sums.resize(n, [0; SIDE]);
        }
        use_sums(&mut sums[..n])
    })
}

/// Checks that there is memory for the means (N, units) of a layer.
pub(super) fn check_means<T>(n_rows: usize, n_units: usize) -> Result<()> {
    let need = Need::new(Bytes::of::<T>(&[n_rows, n_units]), &[]);
    memory::check(|| format!("an array of {n_rows} rows of {n_units} means"), &[need])
}

#[cfg(test)]
mod tests {
    use super::super::FixedWeights;
    use super::super::test_model::model;
    use super::*;
    use crate::model::Rbm;
    use crate::reals::RealRows;

    /// Compares inputs with double precision. Rounding changes each of V weights and the bias by at
    /// most half of 2^-20.
    #[test]
    fn inputs_are_within_rounding_of_double_precision() {
        for n_visible in (1..=70).step_by(3) {
            for n_hidden in [1, 19, 63, 64, 65, 70] {
                let rbm = model(n_visible, n_hidden);
                let weights = FixedWeights::of(&rbm, Isa::fastest());
                let states = BitMatrix::from_fn(3, n_visible, |n, i| (i * i + n) % 3 == 0);
                let panels = BitPanels::from_matrix(&states);
                let conditional = weights.hidden_given_visible();
                let bound = (n_visible as f64 + 2.0) * 0.5 / f64::from(1 << 20);
                for panel in 0..conditional.n_panels() {
                    let mut sums = [[0; SIDE]; 3];
                    conditional.inputs(
                        panel,
                        &mut [Target {
                            states: &panels,
                            first_panel: 0,
                            first: 0,
                            sums: &mut sums,
                        }],
                    );
                    for (n, sums) in sums.iter().enumerate() {
                        let exact = rbm.hidden_inputs(states.row(n));
                        for j in panel * SIDE..n_hidden.min((panel + 1) * SIDE) {
                            let found = f64::from(sums[j % SIDE]) / f64::from(1 << 20);
                            assert!((found - exact[j]).abs() <= bound, "{found} {}", exact[j]);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn means_equal_sigma_of_inputs_in_both_directions() {
        let rbm = model(70, 19);
        let visible = BitMatrix::from_fn(300, 70, |n, i| (i * 7 + n * n) % 5 < 2);
        let means = rbm.mean_hidden(&visible).unwrap();
        for n in [0, 1, 255, 256, 299] {
            let exact = rbm.hidden_inputs(visible.row(n)).mapv(crate::units::sigmoid);
            assert!(exact.iter().zip(means.row(n)).all(|(x, &y)| (x - f64::from(y)).abs() < 2e-5));
        }
        let turned = Rbm::new(
            rbm.weights().t().to_owned(),
            rbm.hidden_bias().clone(),
            rbm.visible_bias().clone(),
        );
        let hidden = BitMatrix::from_fn(5, 19, |n, j| (j + n) % 3 == 0);
        assert_eq!(
            rbm.mean_visible(&hidden).unwrap(),
            turned.unwrap().mean_hidden(&hidden).unwrap()
        );
        let numbers = RealRows::from(&hidden);
        let pairs = rbm.mean_visible(&numbers).unwrap() - rbm.mean_visible(&hidden).unwrap();
        assert!(pairs.iter().all(|error| error.abs() < 2e-5));
        let error = rbm.mean_hidden(&hidden).unwrap_err().to_string();
        assert!(error.contains("19 visible units") && error.contains("70"), "{error}");
    }
}
