//! p(y | v): the class of examples by a model whose last site is a label.
//!
//! ```text
//! p(y | v) ∝ exp(d_y + Σⱼ softplus(cⱼ + U_yj + Σᵢ vᵢ Wᵢⱼ))
//! ```
//!
//! (Larochelle, Mandel, Pascanu and Bengio, 2012, Learning algorithms for the classification restricted
//! Boltzmann machine, equation 2): exact, as b·v and Z cancel.

use super::Score;
use super::observed::class_log_probabilities;
use crate::dataset::WeightedRows;
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::memory::{self, Bytes, Need};
use crate::model::Rbm;
use crate::setting::check;
use crate::states::VisibleStates;
use crate::units::{category, sigmoid};
use crate::watch::Watch;
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use std::fmt;
use std::ops::Range;

/// The number of rows in a piece of work.
const ROWS: usize = 64;

/// A model whose last site is a label.
///
/// ```
/// use harmonium::evaluate::Classifier;
/// use harmonium::Isa;
/// use harmonium::units::Units;
/// use harmonium::{BitMatrix, Rbm, Watch};
/// use ndarray::{Array1, arr2};
///
/// // One pixel, a label of two classes, and a hidden unit that ties the second class to the pixel.
/// let sites = Units::of_sites([1, 2])?;
/// let weights = arr2(&[[20.0], [0.0], [20.0]]);
/// let rbm = Rbm::of_sites(sites, weights, Array1::zeros(3), Array1::from_elem(1, -25.0))?;
/// let pixel = BitMatrix::from_fn(1, 1, |_, _| true);
/// let log_p = Classifier::new(&rbm)?.log_probabilities(&pixel, Isa::fastest(), Watch::default())?;
/// assert!(log_p[[0, 1]] > -1e-6);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Classifier<'a> {
    rbm: &'a Rbm,
    /// The units of the label.
    label: Range<usize>,
}

impl<'a> Classifier<'a> {
    /// The classifier of a model.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if the last site is a bit, or there is no other.
    pub fn new(rbm: &'a Rbm) -> Result<Self> {
        let label = rbm.visible_units().sites().last().unwrap_or(0..0);
        check("the number of values of the last site", label.len(), label.len() > 1, || {
            "at least 2, as that of a label".to_string()
        })?;
        check("the number of units besides the label", label.start, label.start > 0, || {
            "at least 1".to_string()
        })?;
        Ok(Self { rbm, label })
    }

    /// V − K, the number of units of v.
    pub fn n_features(&self) -> usize {
        self.label.start
    }

    /// K, the number of classes.
    pub fn n_classes(&self) -> usize {
        self.label.len()
    }

    /// ln p(y | v) of each class for every row v of `features`: (N, K), in nats. Rows are V − K units wide, or
    /// V, of which those of the label are not looked at.
    ///
    /// # Errors
    /// [`Error::WidthMismatch`] for rows of another width; [`Error::OutOfMemory`];
    /// [`Error::Interrupted`].
    pub fn log_probabilities<'b>(
        &self,
        features: impl Into<VisibleStates<'b>>,
        isa: Isa,
        watch: Watch<'_>,
    ) -> Result<Array2<f64>> {
        let mut scores = self.log_weights(features, isa, watch)?;
        for mut row in scores.axis_iter_mut(Axis(0)) {
            let all = category::log_sum_exp(row.as_slice().expect("standard layout"));
            row -= all;
        }
        Ok(scores)
    }

    /// ln p(y | what a row has) of each class (N, K), in nats, for rows (N, V) or (N, V − K) that may lack values,
    /// which are summed out for each class as in [`Observed`](super::Observed): exactly, or by annealing, whose number
    /// of rows is the second result. The streams of `seed` anneal.
    ///
    /// # Errors
    /// As [`log_probabilities`](Self::log_probabilities).
    pub fn log_probabilities_given<'b>(
        &self,
        rows: impl Into<WeightedRows<'b>>,
        seed: u64,
        isa: Isa,
        watch: Watch<'_>,
    ) -> Result<(Array2<f64>, usize)> {
        let WeightedRows { bits, missing, .. } = rows.into();
        match missing {
            None => Ok((self.log_probabilities(bits, isa, watch)?, 0)),
            Some(missing) => class_log_probabilities(
                self.rbm,
                bits,
                missing,
                self.label.clone(),
                seed,
                isa,
                watch,
            ),
        }
    }

    /// p(h | v) for every row v of `features`, with the label summed out: Σ_y p(y | v) p(h | v, y), (N, H).
    ///
    /// # Errors
    /// As [`log_probabilities`](Self::log_probabilities).
    pub fn mean_hidden<'b>(
        &self,
        features: impl Into<VisibleStates<'b>>,
        isa: Isa,
        watch: Watch<'_>,
    ) -> Result<Array2<f32>> {
        let features = features.into();
        let p = self.log_probabilities(features, isa, watch)?;
        let (n_hidden, k) = (self.rbm.n_hidden(), self.n_classes());
        let need = Need::new(Bytes::of::<f32>(&[features.n_rows(), n_hidden]), &[]);
        memory::check(|| format!("{} rows of {n_hidden} features", features.n_rows()), &[need])?;
        let mut means = Array2::zeros((features.n_rows(), n_hidden));
        let rows = means.as_slice_mut().expect("standard layout");
        rows.par_chunks_mut(ROWS * n_hidden).enumerate().try_for_each(|(piece, means)| {
            let first = piece * ROWS;
            let rows = features.numbers_of(first..first + means.len() / n_hidden);
            let inputs =
                self.rbm.hidden_inputs_of_reals(isa, &rows.first_columns(self.label.start));
            let rows = inputs.chunks_exact(n_hidden).zip(means.chunks_exact_mut(n_hidden));
            for (row, (inputs, means)) in rows.enumerate() {
                watch.check()?;
                for class in 0..k {
                    let share = libm::exp(p[[first + row, class]]);
                    let weights = self.rbm.weights().row(self.label.start + class);
                    for ((mean, x), weight) in means.iter_mut().zip(inputs).zip(weights) {
                        *mean += (share * sigmoid(x + f64::from(*weight))) as f32;
                    }
                }
            }
            Ok(())
        })?;
        Ok(means)
    }

    /// −F(v, y) of each class, without b·v: ln p(y | v) and a number that is the same for all classes.
    fn log_weights<'b>(
        &self,
        features: impl Into<VisibleStates<'b>>,
        isa: Isa,
        watch: Watch<'_>,
    ) -> Result<Array2<f64>> {
        let features = features.into();
        let (n_hidden, k) = (self.rbm.n_hidden(), self.n_classes());
        let (found, expected) = (features.n_columns(), self.n_features());
        if found != expected && found != self.rbm.n_visible() {
            let what = "the examples without their labels".to_string();
            return Err(Error::WidthMismatch { what, found, other: "the model", expected });
        }
        let need = Need::new(Bytes::of::<f64>(&[features.n_rows(), k]), &[]);
        memory::check(|| format!("{} rows of {k} probabilities", features.n_rows()), &[need])?;
        let rows_of_classes = self.label.clone().map(|unit| {
            let weights = self.rbm.weights().row(unit).mapv(f64::from).to_vec();
            (f64::from(self.rbm.visible_bias()[unit]), weights)
        });
        let classes: Vec<_> = rows_of_classes.collect();
        let mut scores = Array2::zeros((features.n_rows(), k));
        let rows = scores.as_slice_mut().expect("standard layout");
        rows.par_chunks_mut(ROWS * k).enumerate().try_for_each(|(piece, scores)| {
            let first = piece * ROWS;
            let rows = features.numbers_of(first..first + scores.len() / k);
            let rows = rows.first_columns(expected);
            let inputs = self.rbm.hidden_inputs_of_reals(isa, &rows);
            let mut sums = vec![0.0; n_hidden];
            for (inputs, scores) in inputs.chunks_exact(n_hidden).zip(scores.chunks_exact_mut(k)) {
                watch.check()?;
                for ((bias, weights), score) in classes.iter().zip(scores) {
                    let terms = inputs.iter().zip(weights).map(|(x, weight)| x + weight);
                    sums.iter_mut().zip(terms).for_each(|(sum, x)| *sum = x);
                    *score = bias + self.rbm.hidden_units().cumulant_by(isa, &sums);
                }
            }
            Ok(())
        })?;
        Ok(scores)
    }
}

/// How well the classes of examples were predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScore {
    /// The share of examples whose most likely class is another, 0 to 1.
    pub error: Score,
    /// The mean of −ln p(y | v), in nats.
    pub log_loss: Score,
}

impl ClassScore {
    /// The score of ln p(y | v) (N, K) on examples with these labels and weights; examples without a label
    /// are left out. None if no example has one.
    ///
    /// # Panics
    /// If the numbers of rows, labels and weights differ.
    pub fn of(
        log_probabilities: &Array2<f64>,
        labels: &[Option<u8>],
        weights: Option<&[f64]>,
    ) -> Option<Self> {
        assert_eq!(log_probabilities.nrows(), labels.len(), "a label, or none, for each row");
        let known =
            labels.iter().enumerate().filter_map(|(n, label)| Some((n, usize::from((*label)?))));
        let known: Vec<_> = known.collect();
        if known.is_empty() {
            return None;
        }
        let weights: Option<Vec<f64>> =
            weights.map(|all| known.iter().map(|&(n, _)| all[n]).collect());
        let weights = weights.as_deref();
        let wrong = known.iter().map(|&(n, label)| {
            let row = log_probabilities.row(n);
            f64::from(u8::from(most_likely(row.iter().copied()) != label))
        });
        let losses = known.iter().map(|&(n, label)| -log_probabilities[[n, label]]);
        Some(Self {
            error: Score::weighted(&wrong.collect::<Vec<_>>(), weights),
            log_loss: Score::weighted(&losses.collect::<Vec<_>>(), weights),
        })
    }
}

impl fmt::Display for ClassScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { error, log_loss } = self;
        let (n, percent) = (error.n_examples, |share: f64| 100.0 * share);
        // Examples that are all alike do not scatter, which says nothing of how far their share is from the truth.
        let scatter = match error.mean {
            0.0 => format!("none of {n}"),
            1.0 => format!("all of {n}"),
            _ => format!("± {:.2} over {n}", percent(error.standard_error)),
        };
        let Score { mean: loss, standard_error: error_of_loss, .. } = log_loss;
        write!(
            f,
            "error {:.2} % ({scatter}), log-loss {loss:.4} nats (± {error_of_loss:.4})",
            percent(error.mean)
        )
    }
}

/// The first class of the largest probability.
pub fn most_likely(probabilities: impl IntoIterator<Item = f64>) -> usize {
    let first_or_larger = |best: (usize, f64), p: (usize, f64)| if p.1 > best.1 { p } else { best };
    let all = probabilities.into_iter().enumerate();
    all.reduce(first_or_larger).map_or(0, |(class, _)| class)
}
