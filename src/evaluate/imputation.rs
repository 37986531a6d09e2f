//! What examples lack, predicted from what they have.
//!
//! With [`Missing::Absent`] a site without a value is no part of the example's model, so each is predicted by the
//! model with that one site more, in closed form (Salakhutdinov, Mnih and Hinton, 2007):
//!
//! ```text
//! p(v_q = a | v) ∝ exp(b_qa + Σⱼ softplus(xⱼ + W_qa,j)),   xⱼ = cⱼ + Σᵢ vᵢ Wᵢⱼ over the units that it has
//! ```
//!
//! where a bit that is off adds neither b nor W. All sites of an example share x.
//!
//! With [`Missing::Marginal`] the other missing sites are summed out ([`ConditionalMean`]): exactly if they or the hidden
//! units are few, else over a chain.

use crate::bits::BitMatrix;
use crate::error::Result;
use crate::gibbs::{ConditionalMean, FixedModel};
use crate::kernels::Isa;
use crate::memory::{self, Bytes, Need};
use crate::model::Rbm;
use crate::train::Missing;
use crate::units::{Units, softmax};
use crate::watch::Watch;
use ndarray::{Array2, Axis};
use rayon::prelude::*;
use std::ops::Range;

/// A way to predict what examples lack.
///
/// ```
/// use harmonium::evaluate::Imputation;
/// use harmonium::gibbs::{FixedModel, FixedWeights};
/// use harmonium::Isa;
/// use harmonium::train::Missing;
/// use harmonium::{BitMatrix, Rbm, Watch};
/// use ndarray::{arr1, arr2};
/// // Two films that the same people like: both are tied to the one hidden unit.
/// let rbm = Rbm::new(arr2(&[[8.0], [8.0]]), arr1(&[-4.0, -4.0]), arr1(&[-8.0]))?;
/// let weights = FixedWeights::of(&rbm, Isa::fastest());
/// let model = FixedModel { rbm: &rbm, weights: &weights };
/// let likes = BitMatrix::from_fn(2, 2, |n, film| n == 1 && film == 0);
/// let missing = BitMatrix::from_fn(2, 2, |_, film| film == 1);
/// let imputation = Imputation { model, missing: Missing::Absent, sweeps: 0, seed: 0 };
/// let p = imputation.probabilities(&likes, &missing, Watch::default())?;
/// assert!(p[[0, 1]] < 0.5 && p[[1, 1]] > 0.9);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Imputation<'a> {
    /// The model.
    pub model: FixedModel<'a>,
    /// What a site without a value is.
    pub missing: Missing,
    /// Sweeps of each chain, for [`Missing::Marginal`].
    pub sweeps: usize,
    /// The seed of their random numbers.
    pub seed: u64,
}

impl Imputation<'_> {
    /// The probability of each unit to be on, given what its example has (N, V): the units of examples `visible`
    /// (N, V) where `missing` (N, V) is on. The others have their values, 0 or 1.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for a mask that marks some units of a site, or more
    /// than 10⁹ sweeps; [`Error::OutOfMemory`](crate::Error::OutOfMemory);
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If the examples or the mask are not V wide, or their numbers of rows differ.
    pub fn probabilities(
        self,
        visible: &BitMatrix,
        missing: &BitMatrix,
        watch: Watch<'_>,
    ) -> Result<Array2<f64>> {
        self.probabilities_where(missing, visible, missing, watch)
    }

    /// [`probabilities`](Self::probabilities), but with [`Missing::Absent`] only of the missing sites whose units are
    /// on in `asked` (N, V); those of the others are 0.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    ///
    /// # Panics
    /// As [`probabilities`](Self::probabilities).
    pub fn probabilities_where(
        self,
        asked: &BitMatrix,
        visible: &BitMatrix,
        missing: &BitMatrix,
        watch: Watch<'_>,
    ) -> Result<Array2<f64>> {
        let rbm = self.model.rbm;
        let shape = |matrix: &BitMatrix| (matrix.n_rows(), matrix.n_columns());
        assert_eq!(shape(visible), (missing.n_rows(), rbm.n_visible()), "shape of the examples");
        assert_eq!(shape(visible), shape(missing), "shape of the mask");
        assert_eq!(shape(visible), shape(asked), "shape of what is asked");
        rbm.visible_units().check_mask(missing)?;
        let (n_rows, n_visible) = shape(visible);
        let given = visible.clone().without(missing);
        match self.missing {
            Missing::Marginal => {
                let marks = BitMatrix::ones(n_rows, n_visible).without(missing);
                let Self { model, sweeps, seed, .. } = self;
                ConditionalMean { model, given: &marks, sweeps, seed }.of(&given, watch)
            }
            Missing::Absent => {
                let need = Need::new(Bytes::of::<f64>(&[n_rows, n_visible]), &["limit"]);
                memory::check(
                    || format!("probabilities of {n_rows} x {n_visible} units"),
                    &[need],
                )?;
                let mut means = given.to_array(|is_on| f64::from(u8::from(is_on)));
                let rows = means.axis_iter_mut(Axis(0)).into_par_iter().enumerate();
                rows.try_for_each(|(n, mut row)| {
                    watch.check()?;
                    let row = row.as_slice_mut().expect("standard layout");
                    let mut conditional =
                        SiteGivenOthers::new(rbm, self.model.weights.isa(), given.row(n));
                    let is_lacking = |unit: usize| missing.get(n, unit) && asked.get(n, unit);
                    let lacking = rbm.visible_units().sites().filter(|site| is_lacking(site.start));
                    lacking.for_each(|site| conditional.write(site.clone(), None, &mut row[site]));
                    Ok(())
                })?;
                Ok(means)
            }
        }
    }

    /// The number of examples whose probabilities are averages over chains, where the units on in `missing` (N, V) are
    /// lacking. The others are exact.
    pub fn n_averaged(self, missing: &BitMatrix) -> usize {
        let given = &BitMatrix::ones(missing.n_rows(), missing.n_columns()).without(missing);
        let Self { model, sweeps, seed, .. } = self;
        match self.missing {
            Missing::Absent => 0,
            Missing::Marginal => {
                ConditionalMean { model, given, sweeps, seed }.n_averaged(missing.n_rows())
            }
        }
    }

    /// The examples (N, V) with the most likely value of each site that they lack, where several are the first.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    ///
    /// # Panics
    /// As [`probabilities`](Self::probabilities).
    pub fn completed(
        self,
        visible: &BitMatrix,
        missing: &BitMatrix,
        watch: Watch<'_>,
    ) -> Result<BitMatrix> {
        let means = self.probabilities(visible, missing, watch)?;
        Ok(most_likely(self.model.rbm.visible_units(), &means))
    }
}

/// The most likely value of each site (N, V), given the probabilities of its units (N, V); where several are, the
/// first. A bit is on above ½.
///
/// # Panics
/// If the probabilities are not V wide.
pub fn most_likely(units: &Units, probabilities: &Array2<f64>) -> BitMatrix {
    assert_eq!(probabilities.ncols(), units.n_units(), "width of the probabilities");
    let mut states = BitMatrix::zeros(probabilities.nrows(), units.n_units());
    for (n, row) in probabilities.outer_iter().enumerate() {
        for site in units.sites() {
            let likeliest =
                site.clone().reduce(|best, unit| if row[unit] > row[best] { unit } else { best });
            let unit = likeliest.expect("a site has units");
            states.set(n, unit, site.len() > 1 || row[unit] > 0.5);
        }
    }
    states
}

/// p(one site | others) in closed form, for one example.
pub(super) struct SiteGivenOthers<'a> {
    rbm: &'a Rbm,
    isa: Isa,
    /// x of what the example has (H).
    inputs: Vec<f64>,
    /// x with the site.
    buffer: Vec<f64>,
}

impl<'a> SiteGivenOthers<'a> {
    /// The example has the units that are on in v (V).
    pub fn new(rbm: &'a Rbm, isa: Isa, v: &[u64]) -> Self {
        Self { rbm, isa, inputs: rbm.hidden_inputs(v).to_vec(), buffer: Vec::new() }
    }

    /// Writes the probabilities of the units of a site, given the others that the example has. `own` is the unit
    /// of the site that is on in the example, if any is.
    pub fn write(&mut self, site: Range<usize>, own: Option<usize>, probabilities: &mut [f64]) {
        for (unit, to) in site.clone().zip(&mut *probabilities) {
            *to = f64::from(self.rbm.visible_bias()[unit]) + self.cumulant(Some(unit), own);
        }
        match probabilities {
            [bit] => *bit = crate::units::sigmoid(*bit - self.cumulant(None, own)),
            category => softmax(category),
        }
    }

    /// Σⱼ softplus(xⱼ) with a unit more and another one less.
    fn cumulant(&mut self, more: Option<usize>, less: Option<usize>) -> f64 {
        self.buffer.clone_from(&self.inputs);
        for (unit, sign) in [(more, 1.0), (less, -1.0)] {
            let Some(unit) = unit.filter(|_| more != less) else { continue };
            let weights = self.rbm.weights().row(unit);
            self.buffer.iter_mut().zip(weights).for_each(|(x, &w)| *x += sign * f64::from(w));
        }
        self.rbm.hidden_units().cumulant_by(self.isa, &self.buffer)
    }
}
