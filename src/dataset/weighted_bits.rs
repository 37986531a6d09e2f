//! Rows of bits, the weights of their examples and what they lack, on which scores are taken.

use super::example_weights::n_effective;
use crate::bits::BitMatrix;
use std::ops::Range;

/// Rows of bits (N, V), each with the weight of its example.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightedBits {
    bits: BitMatrix,
    weights: Option<Vec<f64>>,
    are_shares: bool,
    missing: Option<BitMatrix>,
}

/// [`WeightedBits`], or a matrix of bits whose rows count alike, borrowed. Scores take either.
#[derive(Clone, Copy, Debug)]
pub struct WeightedRows<'a> {
    /// The bits (N, V).
    pub bits: &'a BitMatrix,
    /// The weights (N), all above 0; none if all are equal.
    pub weights: Option<&'a [f64]>,
    /// Whether the weights are [shares](super::ExampleWeights::are_shares).
    pub are_shares: bool,
    /// Where units have no value (N, V), if any has none. The bits are off there.
    pub missing: Option<&'a BitMatrix>,
}

impl WeightedBits {
    /// Bits (N, V) and weights (N), if these differ.
    ///
    /// # Panics
    /// If there is not one weight a row.
    pub(crate) fn new(bits: BitMatrix, weights: Option<Vec<f64>>) -> Self {
        assert!(weights.iter().all(|all| all.len() == bits.n_rows()), "a weight for each row");
        Self { bits, weights, are_shares: false, missing: None }
    }

    /// The same rows, whose weights are [shares](super::ExampleWeights::are_shares) or not.
    pub(crate) fn of_shares(self, are_shares: bool) -> Self {
        Self { are_shares, ..self }
    }

    /// The same rows without values where `missing` (N, V) is on, if there is such a mask.
    pub(crate) fn lacking(self, missing: Option<BitMatrix>) -> Self {
        Self { missing: missing.filter(|missing| missing.count_ones() > 0), ..self }
    }

    /// The bits (N, V).
    pub fn bits(&self) -> &BitMatrix {
        &self.bits
    }

    /// The weights (N), if they differ.
    pub fn weights(&self) -> Option<&[f64]> {
        self.weights.as_deref()
    }

    /// Where units have no value (N, V), if any has none.
    pub fn missing(&self) -> Option<&BitMatrix> {
        self.missing.as_ref()
    }

    /// Whether a mean over these rows can be compared with one over training examples: not if those have weights, other
    /// than shares, and these count alike.
    pub(crate) fn compares_with(&self, training: &Self) -> bool {
        training.weights.is_none() || training.are_shares || self.weights.is_some()
    }

    /// A copy of some rows.
    ///
    /// # Panics
    /// If the range passes the last row.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let weights = self.weights.as_ref().map(|all| all[rows.clone()].to_vec());
        let missing = self.missing.as_ref().map(|missing| missing.rows(rows.clone()));
        Self::new(self.bits.rows(rows), weights).of_shares(self.are_shares).lacking(missing)
    }
}

impl WeightedRows<'_> {
    /// `n` rows, spread evenly, as [`BitMatrix::spread`].
    pub fn spread(self, n: usize) -> WeightedBits {
        let n_rows = self.bits.n_rows();
        let weights = self.weights.map(|all| (0..n).map(|at| all[at * n_rows / n]).collect());
        let missing = self.missing.map(|missing| missing.spread(n));
        WeightedBits::new(self.bits.spread(n), weights).of_shares(self.are_shares).lacking(missing)
    }

    /// The number of examples that the rows are worth: as
    /// [`ExampleWeights::n_effective`](super::ExampleWeights::n_effective).
    pub fn n_effective(&self) -> f64 {
        match self.weights {
            None => self.bits.n_rows() as f64,
            Some(weights) if self.are_shares => weights.iter().sum(),
            Some(weights) => n_effective(weights),
        }
    }
}

impl<'a> From<&'a BitMatrix> for WeightedRows<'a> {
    fn from(bits: &'a BitMatrix) -> Self {
        Self { bits, weights: None, are_shares: false, missing: None }
    }
}

impl<'a> From<&'a WeightedBits> for WeightedRows<'a> {
    fn from(rows: &'a WeightedBits) -> Self {
        let WeightedBits { bits, are_shares, .. } = rows;
        Self { bits, weights: rows.weights(), are_shares: *are_shares, missing: rows.missing() }
    }
}
