//! The hidden layer given real-valued visible units, such as grey levels.
//!
//! Inputs are then not sums of integers. Each is one f32 sum in the order of the units, bias first (see
//! [`scaled_rows`](crate::kernels::scaled_rows)), so it still has the same bits on every computer.

use super::FixedWeights;
use super::conditional::check_means;
use crate::bits::BitMatrix;
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::kernels::scaled_rows::{add_scaled_rows, add_scaled_rows_f64};
use crate::kernels::sigmoid;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::model::{Rbm, TiledParameters};
use crate::reals::RealRows;
use crate::states::{States, VisibleStates};
use ndarray::Array2;
use rayon::prelude::*;
use std::cell::RefCell;

/// p(h | v) for real-valued v, with W and c in f32.
#[derive(Clone, Copy, Debug)]
pub struct RealConditional<'a> {
    pub(crate) isa: Isa,
    pub(crate) parameters: &'a TiledParameters<f32>,
}

impl<'a> RealConditional<'a> {
    /// The conditional of these parameters on an instruction set.
    pub fn new(isa: Isa, parameters: &'a TiledParameters<f32>) -> Self {
        Self { isa, parameters }
    }

    /// Writes p(hⱼ = 1 | v) of one panel as thresholds (`p · 2^24`), for the states from `first` on.
    pub fn thresholds(
        self,
        panel: usize,
        states: &RealRows,
        first: usize,
        thresholds: &mut [Row<i32>],
    ) {
        thread_local! {
            /// The inputs of one panel, for each worker.
            static INPUTS: RefCell<Aligned<Row<f32>>> = RefCell::new(Aligned::new(0));
        }
        let TiledParameters { weights, hidden_bias, .. } = self.parameters;
        let rows = weights.panel(panel).rows();
        INPUTS.with_borrow_mut(|inputs| {
            inputs.clear();
            inputs.resize(thresholds.len(), hidden_bias[panel]);
            add_scaled_rows(self.isa, rows, states, first, inputs);
            sigmoid::thresholds_of_reals(self.isa, inputs, thresholds);
        });
    }

    /// p(hⱼ = 1 | v) for every row of `visible` (N, V): (N, H), 24 binary places.
    ///
    /// # Errors
    /// [`Error::WidthMismatch`] if the rows are not V wide.
    pub fn means(self, visible: &RealRows) -> Result<Array2<f32>> {
        check_width(visible.n_columns(), self.parameters.n_visible())?;
        let n_hidden = self.parameters.n_hidden();
        let mut means = Array2::zeros((visible.n_rows(), n_hidden));
        let rows = means.as_slice_mut().expect("standard layout");
        rows.par_chunks_mut(BLOCK * n_hidden).enumerate().for_each(|(block, means)| {
            let mut thresholds = aligned([0; SIDE], means.len() / n_hidden);
            for panel in 0..self.parameters.hidden_bias.len() {
                self.thresholds(panel, visible, block * BLOCK, &mut thresholds);
                self.parameters.hidden_units.write_means(panel, &thresholds, means);
            }
        });
        Ok(means)
    }
}

/// Number of examples in a piece of work.
const BLOCK: usize = 64;

/// The number of rows whose inputs are computed together: they read the weights from cache.
const PIECE: usize = 16;

impl Rbm {
    /// p(hⱼ = 1 | v) for every row v of `visible` (N, V): (N, H), 24 binary places, as in the positive
    /// phase of training.
    ///
    /// # Errors
    /// [`Error::WidthMismatch`] if the rows are not V wide; [`Error::OutOfMemory`].
    pub fn mean_hidden<'a>(&self, visible: impl Into<VisibleStates<'a>>) -> Result<Array2<f32>> {
        self.mean_hidden_on(Isa::fastest(), visible.into())
    }

    /// [`mean_hidden`](Self::mean_hidden) on a given instruction set.
    ///
    /// # Errors
    /// As [`mean_hidden`](Self::mean_hidden).
    pub fn mean_hidden_on(&self, isa: Isa, visible: VisibleStates<'_>) -> Result<Array2<f32>> {
        self.check_visible(visible)?;
        check_means::<f32>(visible.n_rows(), self.n_hidden())?;
        match visible {
            States::Bits(bits) => FixedWeights::of(self, isa).hidden_given_visible().means(bits),
            States::Reals(rows) => {
                RealConditional::new(isa, &TiledParameters::from(self)).means(rows)
            }
        }
    }

    /// p(hⱼ = 1 | v) for every row v of `visible` (N, V): (N, H), in double precision.
    ///
    /// # Errors
    /// As [`mean_hidden`](Self::mean_hidden).
    pub fn mean_hidden_f64(&self, isa: Isa, visible: VisibleStates<'_>) -> Result<Array2<f64>> {
        self.check_visible(visible)?;
        check_means::<f64>(visible.n_rows(), self.n_hidden())?;
        let mut means = Array2::zeros((visible.n_rows(), self.n_hidden()));
        let rows = means.as_slice_mut().expect("standard layout");
        rows.par_chunks_mut(PIECE * self.n_hidden()).enumerate().for_each(|(piece, inputs)| {
            let first = piece * PIECE;
            let rows = visible.numbers_of(first..first + inputs.len() / self.n_hidden());
            self.write_hidden_inputs(isa, &rows, 0, inputs);
            self.hidden_units().means_by(isa, inputs);
        });
        Ok(means)
    }

    /// The inputs cⱼ + Σᵢ vᵢ Wᵢⱼ for rows of numbers, in double precision (N·H).
    pub(crate) fn hidden_inputs_of_reals(&self, isa: Isa, visible: &RealRows) -> Vec<f64> {
        let mut inputs = vec![0.0; visible.n_rows() * self.n_hidden()];
        let pieces = inputs.par_chunks_mut(PIECE * self.n_hidden()).enumerate();
        pieces.for_each(|(at, inputs)| self.write_hidden_inputs(isa, visible, at * PIECE, inputs));
        inputs
    }

    /// Writes the inputs for the rows from `first` on (N, H).
    fn write_hidden_inputs(&self, isa: Isa, visible: &RealRows, first: usize, inputs: &mut [f64]) {
        for inputs in inputs.chunks_exact_mut(self.n_hidden()) {
            inputs.iter_mut().zip(self.hidden_bias()).for_each(|(x, &bias)| *x = f64::from(bias));
        }
        let weights = self.weights().as_slice().expect("standard layout");
        add_scaled_rows_f64(isa, weights, self.n_hidden(), visible, first, inputs);
    }

    /// [`check_visible`](Self::check_visible) for bits (N, V) that lack what is on in `missing` (N, V).
    pub(crate) fn check_given(
        &self,
        visible: &BitMatrix,
        missing: Option<&BitMatrix>,
    ) -> Result<()> {
        check_width(visible.n_columns(), self.n_visible())?;
        self.visible_units().check_given("the given layer", visible, missing)
    }

    /// Refuses rows that are not V wide, and bits that are not states of the visible sites.
    pub(crate) fn check_visible(&self, visible: VisibleStates<'_>) -> Result<()> {
        check_width(visible.n_columns(), self.n_visible())?;
        match visible {
            States::Bits(states) => self.visible_units().check_states("the given layer", states),
            States::Reals(_) => Ok(()),
        }
    }
}

fn check_width(found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let what = "the given layer".to_string();
    Err(Error::WidthMismatch { what, found, other: "the model", expected })
}

#[cfg(test)]
mod tests {
    use super::super::Chains;
    use super::super::test_model::model;
    use super::*;
    use crate::bits::BitMatrix;
    use crate::rng::{Purpose, Stream};
    use crate::units::sigmoid;

    fn numbers(n_rows: usize, n_columns: usize) -> RealRows {
        let value = |n: usize, i: usize| ((n * 31 + i * i * 7) % 11) as f32 / 8.0 - 0.25;
        RealRows::from(Array2::from_shape_fn((n_rows, n_columns), |(n, i)| value(n, i)).view())
    }

    #[test]
    fn means_equal_sigma_of_inputs_in_both_precisions() {
        for (n_visible, n_hidden) in [(70, 19), (5, 130), (130, 64)] {
            let rbm = model(n_visible, n_hidden);
            let visible = numbers(70, n_visible);
            let single = rbm.mean_hidden(&visible).unwrap();
            let double = rbm.mean_hidden_f64(Isa::fastest(), (&visible).into()).unwrap();
            for (n, row) in visible.rows().enumerate() {
                for j in 0..n_hidden {
                    let mut x = f64::from(rbm.hidden_bias()[j]);
                    for (i, v) in row.iter() {
                        x += f64::from(v) * f64::from(rbm.weights()[[i, j]]);
                    }
                    let exact = sigmoid(x);
                    assert!((double[[n, j]] / exact - 1.0).abs() < 1e-14, "{x}");
                    // An input is of order 10, so its f32 sum has an error of some units of 2^-20.
                    assert!((f64::from(single[[n, j]]) - exact).abs() < 2e-6, "{x}");
                }
            }
        }
        let bits = BitMatrix::from_fn(5, 70, |n, i| (n * i + i) % 3 == 0);
        let (rbm, numbers_of_bits) = (model(70, 19), RealRows::from(&bits));
        assert_eq!(
            rbm.mean_hidden_f64(Isa::fastest(), (&bits).into()).unwrap(),
            rbm.mean_hidden_f64(Isa::fastest(), (&numbers_of_bits).into()).unwrap()
        );
        let error = model(3, 2).mean_hidden(&numbers(1, 4)).unwrap_err().to_string();
        assert!(error.contains("4 visible units") && error.contains("3"), "{error}");
    }

    #[test]
    fn chains_start_at_numbers_as_they_start_at_bits() {
        let rbm = model(70, 90);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let bits = BitMatrix::from_fn(70, 70, |n, i| (n * i + i) % 3 == 0);
        let streams = || (0..70).map(|n| Stream::new(1, Purpose::Sample, n)).collect();
        let expected = Chains::from_visible(&weights, &bits, streams());
        let numbers = RealRows::from(&bits);
        let means = rbm.mean_hidden(&numbers).unwrap();
        let found = Chains::from_means(&weights, &numbers.rounded(), means.view(), streams());
        assert_eq!(found.visible(), expected.visible());
        // A draw between the thresholds from integers and from f32 may differ.
        let pairs =
            found.hidden().words().to_vec().into_iter().zip(expected.hidden().words().to_vec());
        let apart: u32 = pairs.map(|(x, y)| (x ^ y).count_ones()).sum();
        assert!(apart <= 2, "{apart} bits");
        assert_eq!(found.streams(), expected.streams());
    }
}
