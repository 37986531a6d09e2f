//! Whether samples can be told from data by their nearest neighbours, and whether they repeat the training data.
//!
//! The *nearest-neighbour adversarial accuracy* of data and samples (Yale, Dash, Dutta, Guyon, Pavao and Bennett,
//! Generation and evaluation of privacy preserving synthetic health data, Neurocomputing 416, 2020) is the share of
//! rows whose nearest other row is of their own set:
//!
//! ```text
//! truth   = share of data rows with d(nearest sample) > d(nearest other data row)
//! samples = share of samples   with d(nearest data row) > d(nearest other sample)
//! ```
//!
//! and the mean of both, where a tie counts 1/2, but 0 at distance 0: a copy is no evidence for either set. It is
//! about 1/2 for samples of the law of the data, near 1 for samples that lie elsewhere, and 0 for copies of the data.
//! `truth` alone near 1 says that samples miss parts of the data, `samples` alone that they lie where no data are.
//!
//! The *privacy loss* is the accuracy on held-out examples less that on the training examples: about 0, or above it
//! by as much as the samples are nearer to examples that the model has seen.
//!
//! The distance of two rows is the number of sites in which they differ. It is an integer, so that the result is
//! exact, whatever the order.

use crate::bits::{BitMatrix, BitPanels};
use crate::dataset::one_hot;
use crate::error::Result;
use crate::kernels::Isa;
use crate::kernels::agreement::nearest;
use crate::memory::{self, Need};
use crate::setting::check;
use crate::units::Units;
use crate::watch::Watch;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The number of rows in a piece of work.
const ROWS: usize = 64;

/// The adversarial accuracy of samples of a model and its data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdversarialAccuracy {
    /// The number of rows of each set.
    pub n_rows: usize,
    /// The share of data rows whose nearest other row is a data row.
    pub truth: f64,
    /// The share of samples whose nearest other row is a sample.
    pub samples: f64,
    /// The mean of both.
    pub mean: f64,
    /// Its standard error, as if rows were independent.
    pub standard_error: f64,
}

impl AdversarialAccuracy {
    /// Compares examples (N, V) and samples (S, V) of a layer of these units. As many rows of either are compared:
    /// the larger set is thinned evenly, as the nearest of more rows is nearer. The work grows with N².
    ///
    /// ```
    /// use harmonium::evaluate::two_sample::AdversarialAccuracy;
    /// use harmonium::Isa;
    /// use harmonium::units::Units;
    /// use harmonium::{BitMatrix, Watch};
    /// let rows = BitMatrix::from_fn(8, 3, |n, i| n >> i & 1 == 1);
    /// let of = |samples| {
    ///     AdversarialAccuracy::of(&Units::bits(3), &rows, samples, Isa::fastest(), Watch::default())
    /// };
    /// // Copies have distance 0, and the next row is farther.
    /// assert_eq!(of(&rows)?.mean, 0.0);
    /// // All samples are alike: none is nearer to the data.
    /// let zeros = BitMatrix::zeros(8, 3);
    /// assert_eq!(of(&zeros)?.samples, 0.0);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for fewer than two rows of either;
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory); [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If rows are not V wide.
    pub fn of(
        units: &Units,
        examples: &BitMatrix,
        samples: &BitMatrix,
        isa: Isa,
        watch: Watch<'_>,
    ) -> Result<Self> {
        let n = examples.n_rows().min(samples.n_rows());
        check("the number of rows to compare", n, n >= 2, || "at least 2".to_string())?;
        // Two units a site, or one where all are bits.
        let n_columns = if units.are_bits() { units.n_units() } else { 2 * units.n_units() };
        let needs = [(); 2].map(|()| Need::new(BitPanels::bytes(n, n_columns), &["samples"]));
        memory::check(|| format!("a comparison of {n} examples with {n} samples"), &needs)?;
        let [examples, samples] = [examples, samples].map(|rows| {
            assert_eq!(rows.n_columns(), units.n_units(), "width of the rows");
            let rows = rows.spread(n);
            match units.are_bits() {
                true => BitPanels::from_matrix(&rows),
                false => BitPanels::from_matrix(&one_hot(&rows, units)),
            }
        });
        let count = watch.counter("nearest neighbours", 2 * n as u64);
        let share = |own: &BitPanels, others: &BitPanels| -> Result<f64> {
            let halves = (0..n).into_par_iter().step_by(ROWS).map(|first| -> Result<u64> {
                let rows = first..(first + ROWS).min(n);
                let [mut to_own, mut to_others] = [(); 2].map(|()| vec![0; rows.len()]);
                nearest(isa, own, rows.clone(), None, &mut to_own);
                nearest(isa, own, rows.clone(), Some(others), &mut to_others);
                count(rows.len())?;
                Ok(to_own.into_iter().zip(to_others).map(|(own, other)| halves(own, other)).sum())
            });
            let halves = halves.try_reduce(|| 0, |a: u64, b| Ok(a + b))?;
            Ok(halves as f64 / (2 * n) as f64)
        };
        let (truth, samples) = (share(&examples, &samples)?, share(&samples, &examples)?);
        let variance = |share: f64| share * (1.0 - share) / n as f64;
        Ok(Self {
            n_rows: n,
            truth,
            samples,
            mean: (truth + samples) / 2.0,
            standard_error: (variance(truth) + variance(samples)).sqrt() / 2.0,
        })
    }
}

/// What a row adds, in halves: 2 if the nearest row of its own set is nearer than that of the other set.
fn halves(own: u64, other: u64) -> u64 {
    match other.cmp(&own) {
        Ordering::Greater => 2,
        Ordering::Equal if own > 0 => 1,
        _ => 0,
    }
}

/// Samples of a model against its data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TwoSample {
    /// Against the examples that are scored.
    pub accuracy: AdversarialAccuracy,
    /// Against the training examples, if these are others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_training: Option<AdversarialAccuracy>,
    /// The first accuracy less the second one: how much more the samples resemble the training examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_loss: Option<f64>,
}

impl TwoSample {
    /// Compares samples (S, V) of a model with these visible units with examples (N, V), and with training examples
    /// (M, V), if these are others. As many rows of each are compared.
    ///
    /// # Errors
    /// As [`AdversarialAccuracy::of`].
    ///
    /// # Panics
    /// If rows are not V wide.
    pub fn of(
        units: &Units,
        samples: &BitMatrix,
        examples: &BitMatrix,
        training: Option<&BitMatrix>,
        isa: Isa,
        watch: Watch<'_>,
    ) -> Result<Self> {
        let n = training.map_or(samples.n_rows(), |rows| rows.n_rows().min(samples.n_rows()));
        let samples = samples.spread(n.min(examples.n_rows()));
        let of = |rows: &BitMatrix| AdversarialAccuracy::of(units, rows, &samples, isa, watch);
        let (accuracy, accuracy_training) = (of(examples)?, training.map(of).transpose()?);
        let privacy_loss = accuracy_training.map(|training| accuracy.mean - training.mean);
        Ok(Self { accuracy, accuracy_training, privacy_loss })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::rng::{Purpose, Stream};
    use std::sync::atomic::AtomicBool;

    fn compare(units: &Units, examples: &BitMatrix, samples: &BitMatrix) -> AdversarialAccuracy {
        let of =
            |isa| AdversarialAccuracy::of(units, examples, samples, isa, Watch::default()).unwrap();
        let found = of(Isa::fastest());
        assert!(Isa::available().into_iter().all(|isa| of(isa) == found));
        found
    }

    /// Rows of bits, the first column first.
    fn rows<const N: usize>(texts: [&str; N]) -> BitMatrix {
        BitMatrix::from_fn(N, texts[0].len(), |n, i| texts[n].as_bytes()[i] == b'1')
    }

    #[test]
    fn four_rows_are_scored_by_hand() {
        let examples = rows(["0000", "0001", "1111", "0000"]);
        let samples = rows(["0000", "0011", "1110", "1100"]);
        // Nearest example and nearest sample of each example: (0, 0), (1, 1), (3, 1), (0, 0).
        // A tie at 0 counts 0, at 1 a half, and 3 > 1 nothing.
        // Nearest sample and nearest example of each sample: (2, 0), (2, 1), (1, 1), (1, 2).
        let found = compare(&Units::bits(4), &examples, &samples);
        assert_eq!((found.truth, found.samples), (0.5 / 4.0, 1.5 / 4.0));
        assert_eq!((found.mean, found.n_rows), (0.25, 4));
    }

    #[test]
    fn a_site_that_differs_counts_once_whatever_its_values() {
        // A site of three values and a bit.
        let units = Units::of_sites([3, 1]).unwrap();
        let examples = rows(["1000", "1001"]);
        let samples = rows(["0100", "0101"]);
        // An example is one site away from the other and from a sample: ties. So are samples.
        let found = compare(&units, &examples, &samples);
        assert_eq!((found.truth, found.samples), (0.5, 0.5));
    }

    #[test]
    fn copies_have_none_and_halves_of_a_set_about_one_half() {
        // Of 2^40 states no two rows are alike.
        let mut stream = Stream::new(5, Purpose::Sample, 0);
        let mut half = || u64::from(stream.below(1 << 20));
        let words = (0..1000).map(|_| half() << 20 | half()).collect();
        let all = BitMatrix::from_words(1000, 40, words).unwrap();
        let units = Units::bits(40);
        let [one, other] = [all.rows(0..500), all.rows(500..1000)];
        assert_eq!(compare(&units, &one, &one).mean, 0.0);
        let found = compare(&units, &one, &other);
        // Four standard errors.
        assert!((found.mean - 0.5).abs() < 4.0 * found.standard_error, "{found:?}");
        // A set of one state is told from it, and a copied half is half a copy.
        let constant = BitMatrix::zeros(500, 40);
        assert!(compare(&units, &one, &constant).truth > 0.99);
        let mixed = BitMatrix::concatenate(&[one.rows(0..250), other.rows(0..250)]);
        let leaking = compare(&units, &one, &mixed).mean;
        assert!((leaking - 0.25).abs() < 0.1, "{leaking}");
        // The samples repeat half of `one`, and none of 300 other examples.
        let held_out = all.rows(700..1000);
        let scores =
            TwoSample::of(&units, &mixed, &held_out, Some(&one), Isa::fastest(), Watch::default())
                .unwrap();
        assert_eq!((scores.accuracy.n_rows, scores.accuracy_training.unwrap().n_rows), (300, 300));
        let loss = scores.privacy_loss.unwrap();
        assert!((loss - 0.25).abs() < 0.1, "{scores:?}");
    }

    #[test]
    fn the_larger_set_is_thinned_and_single_rows_are_refused() {
        let rows = BitMatrix::from_fn(64, 7, |n, i| (n * n) >> i & 1 == 1);
        let units = Units::bits(7);
        assert_eq!(
            compare(&units, &rows.spread(20), &rows),
            compare(&units, &rows, &rows.spread(20))
        );
        let of = |n: usize, watch| {
            AdversarialAccuracy::of(&units, &rows, &rows.rows(0..n), Isa::fastest(), watch)
        };
        assert_eq!(
            of(1, Watch::default()).unwrap_err().to_string(),
            "the number of rows to compare is 1, but must be at least 2"
        );
        let stop = AtomicBool::new(true);
        assert!(matches!(of(64, Watch::until(&stop)), Err(Error::Interrupted)));
    }
}
