//! The means of some visible units, given the others.

use super::chains::check_sweeps;
use super::conditional::check_means;
use super::over_hidden::{self, Known, MOST_HIDDEN};
use super::{Chains, FixedModel, FixedWeights, Inpainting};
use crate::bits::{BitMatrix, active};
use crate::error::Result;
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;
use ndarray::{Array2, ArrayViewMut1, Axis};
use rayon::prelude::*;
use std::ops::Range;

/// The most free units whose states are enumerated.
const MOST_ENUMERATED: usize = 12;

/// The share of a chain's sweeps that lead it to its distribution and are not averaged, as 1 / share.
const LEAD: usize = 4;

/// p(vᵢ = 1 | the given units): the sum over all states of the free units if there are at most 12, else over those of the
/// hidden units if there are at most 16, else an average over a chain for each example.
///
/// ```
/// use harmonium::{BitMatrix, Rbm};
/// use ndarray::{arr1, arr2};
/// // Two pixels that agree: both are tied to the one hidden unit.
/// let rbm = Rbm::new(arr2(&[[20.0], [20.0]]), arr1(&[-10.0, -10.0]), arr1(&[-20.0]))?;
/// let examples = BitMatrix::from_fn(2, 2, |n, _| n == 1); // 00 and 11
/// let left = BitMatrix::from_fn(1, 2, |_, i| i == 0);
/// let means = rbm.conditional_mean(&examples, &left, 1000, 0)?;
/// assert!(means[[0, 1]] < 0.01 && means[[1, 1]] > 0.99);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConditionalMean<'a> {
    /// The model.
    pub model: FixedModel<'a>,
    /// The units that are given, (1, V) for all rows or one row for each, (N, V).
    pub given: &'a BitMatrix,
    /// Sweeps of each chain. The first quarter leads it to its distribution; p(v | h) is averaged over the
    /// others.
    pub sweeps: usize,
    /// The seed of all random numbers.
    pub seed: u64,
}

impl ConditionalMean<'_> {
    /// The means (N, V) for the rows of `visible` (N, V). Given units have their values, 0 or 1.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for more than 10⁹ sweeps, or a mask that marks
    /// some units of a site; [`Error::OutOfMemory`](crate::Error::OutOfMemory);
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If rows or the mask are not V wide, or the mask has neither one row nor N.
    pub fn of(self, visible: &BitMatrix, watch: Watch<'_>) -> Result<Array2<f64>> {
        let n_visible = self.model.rbm.n_visible();
        assert_eq!(visible.n_columns(), n_visible, "width of the examples");
        assert_eq!(self.given.n_columns(), n_visible, "width of the mask");
        assert!([1, visible.n_rows()].contains(&self.given.n_rows()), "rows of the mask");
        check_sweeps("sweeps", self.sweeps)?;
        self.model.rbm.visible_units().check_mask(self.given)?;
        // The sums of the means, and the means of one sweep.
        check_means::<[f32; 3]>(visible.n_rows(), n_visible)?;
        let mut means = visible.to_array(|is_on| f64::from(u8::from(is_on)));
        let rows = means.axis_iter_mut(Axis(0)).into_par_iter().enumerate();
        rows.try_for_each(|(n, row)| {
            if self.n_free(n) <= MOST_ENUMERATED {
                self.enumerate(visible.row(n), &self.free(n), row);
            }
            watch.check()
        })?;
        let others: Vec<usize> =
            (0..visible.n_rows()).filter(|&n| self.n_free(n) > MOST_ENUMERATED).collect();
        if !others.is_empty() && self.model.rbm.n_hidden() <= MOST_HIDDEN {
            self.sum_over_hidden(visible, &others, &mut means, watch)?;
        } else if !others.is_empty() {
            let averaged = self.averaged(visible, &others, watch)?;
            for (&n, row) in others.iter().zip(averaged.outer_iter()) {
                means.row_mut(n).assign(&row);
            }
        }
        Ok(means)
    }

    /// The number of `n_rows` rows whose means are averages over chains, which are not exact.
    pub fn n_averaged(self, n_rows: usize) -> usize {
        let is_averaged = |n: &usize| self.n_free(*n) > MOST_ENUMERATED;
        let is_exact = self.model.rbm.n_hidden() <= MOST_HIDDEN;
        if is_exact { 0 } else { (0..n_rows).filter(is_averaged).count() }
    }

    /// The row of the mask for row n.
    fn given(self, n: usize) -> usize {
        if self.given.n_rows() == 1 { 0 } else { n }
    }

    fn n_free(self, n: usize) -> usize {
        self.given.n_columns() - active(self.given.row(self.given(n))).count()
    }

    fn free(self, n: usize) -> Vec<usize> {
        let given = self.given(n);
        (0..self.given.n_columns()).filter(|&i| !self.given.get(given, i)).collect()
    }

    /// Writes the means of the free units of some rows into those of all (N, V), as sums over the hidden units.
    fn sum_over_hidden(
        self,
        visible: &BitMatrix,
        rows: &[usize],
        means: &mut Array2<f64>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let rbm = self.model.rbm;
        let inputs_of = |&n: &usize| {
            let mut v = visible.row(n).to_vec();
            self.free(n).into_iter().for_each(|i| v[i / 64] &= !(1 << (i % 64)));
            rbm.hidden_inputs(&v).to_vec()
        };
        let lacking_of = |&n: &usize| -> Vec<Range<usize>> {
            let given = self.given.row(self.given(n));
            let is_free =
                |site: &Range<usize>| given[site.start / 64] >> (site.start % 64) & 1 == 0;
            rbm.visible_units().sites().filter(is_free).collect()
        };
        let inputs: Vec<Vec<f64>> = rows.par_iter().map(inputs_of).collect();
        let lacking: Vec<_> = rows.iter().map(lacking_of).collect();
        let known = inputs.iter().zip(&lacking).map(|(inputs, lacking)| Known { inputs, lacking });
        let found = over_hidden::means(rbm, &known.collect::<Vec<_>>(), watch)?;
        for ((&n, lacking), found) in rows.iter().zip(&lacking).zip(found) {
            let units = lacking.iter().flat_map(Clone::clone);
            units.zip(found).for_each(|(unit, mean)| means[[n, unit]] = mean);
        }
        Ok(())
    }

    /// The means of some rows (some, V), over chains whose streams have the numbers of the rows.
    fn averaged(
        self,
        visible: &BitMatrix,
        rows: &[usize],
        watch: Watch<'_>,
    ) -> Result<Array2<f64>> {
        let weights = self.model.weights;
        Chains::check_memory(weights, rows.len(), &[])?;
        let stream = |&n: &usize| Stream::new(self.seed, Purpose::Inpainting, n as u64);
        let streams = rows.iter().map(stream).collect();
        let given: Vec<usize> = rows.iter().map(|&n| self.given(n)).collect();
        let (visible, given) = (visible.chosen(rows), self.given.chosen(&given));
        let mut chains = Inpainting::new(weights, &visible, &given, streams)?;
        let (lead, n_sweeps) = (self.sweeps / LEAD, self.sweeps.max(1));
        let mut sum = Array2::zeros((visible.n_rows(), visible.n_columns()));
        for sweep in 0..n_sweeps {
            chains.sweep_watched(weights, watch)?;
            if sweep >= lead {
                sum.zip_mut_with(&chains.mean_visible(weights), |sum, &p| *sum += f64::from(p));
            }
            watch.report("chains", sweep as u64 + 1, n_sweeps as u64)?;
        }
        Ok(sum / (n_sweeps - lead) as f64)
    }

    /// Writes the means of the free units given the others of v. One unit changes from a state to the next
    /// (Gray code).
    fn enumerate(self, v: &[u64], free: &[usize], mut means: ArrayViewMut1<'_, f64>) {
        let (rbm, isa) = (self.model.rbm, self.model.weights.isa());
        let mut v = v.to_vec();
        free.iter().for_each(|&i| v[i / 64] &= !(1 << (i % 64)));
        let mut inputs = rbm.hidden_inputs(&v).to_vec();
        // −F(v), less what all states share.
        let (mut of_bias, mut state) = (0.0, 0_u32);
        let mut logs = vec![0.0; 1 << free.len()];
        logs[0] = rbm.hidden_units().cumulant_by(isa, &inputs);
        for step in 1..logs.len() as u32 {
            let unit = step.trailing_zeros();
            state ^= 1 << unit;
            let sign = if state >> unit & 1 == 1 { 1.0 } else { -1.0 };
            let i = free[unit as usize];
            of_bias += sign * f64::from(rbm.visible_bias()[i]);
            let weights = rbm.weights().row(i);
            inputs.iter_mut().zip(weights).for_each(|(x, &w)| *x += sign * f64::from(w));
            logs[state as usize] = of_bias + rbm.hidden_units().cumulant_by(isa, &inputs);
        }
        // The units of a categorical site stand side by side; states with another number on do not exist.
        let mut next = 0;
        while let Some(&first) = free.get(next) {
            let size = rbm.visible_units().size_at(first);
            if size > 1 {
                let units = (u32::MAX >> (u32::BITS as usize - size)) << next;
                let states = logs.iter_mut().zip(0_u32..);
                states.filter(|(_, state)| (state & units).count_ones() != 1).for_each(
                    |(log, _)| {
                        *log = f64::NEG_INFINITY;
                    },
                );
            }
            next += size;
        }
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let masses: Vec<f64> = logs.iter().map(|log| libm::exp(log - largest)).collect();
        let total: f64 = masses.iter().sum();
        for (unit, &i) in free.iter().enumerate() {
            let on = masses.iter().enumerate().filter(|(state, _)| state >> unit & 1 == 1);
            means[i] = on.map(|(_, mass)| mass).sum::<f64>() / total;
        }
    }
}

impl Rbm {
    /// p(vᵢ = 1 | the given units) for each row of `visible` (N, V), where `given`, (1, V) or (N, V), marks the
    /// given units: see [`ConditionalMean`].
    ///
    /// # Errors
    /// [`crate::Error::WidthMismatch`] if the rows are not V wide; else as
    /// [`ConditionalMean::of`].
    ///
    /// # Panics
    /// If the mask does not have one row of V units, or N of them.
    pub fn conditional_mean(
        &self,
        visible: &BitMatrix,
        given: &BitMatrix,
        sweeps: usize,
        seed: u64,
    ) -> Result<Array2<f64>> {
        self.check_visible(visible.into())?;
        let weights = FixedWeights::of(self, Isa::fastest());
        let model = FixedModel { rbm: self, weights: &weights };
        ConditionalMean { model, given, sweeps, seed }.of(visible, Watch::default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::model;
    use super::*;

    /// Enumerates all states of all units.
    fn naive(rbm: &Rbm, v: u64, given: u64) -> Vec<f64> {
        let n = rbm.n_visible();
        let states = (0..1_u64 << n).filter(|state| (state ^ v) & given == 0);
        let masses: Vec<_> = states.map(|v| (v, (-rbm.free_energy(&[v])).exp())).collect();
        let total: f64 = masses.iter().map(|(_, mass)| mass).sum();
        let mean =
            |i| masses.iter().filter(|(v, _)| v >> i & 1 == 1).map(|(_, mass)| mass).sum::<f64>();
        (0..n).map(|i| mean(i) / total).collect()
    }

    #[test]
    fn few_free_units_are_enumerated() {
        let rbm = model(9, 70);
        for mask in [0, 0b1, 0b1_1010_0110, 0b1_1111_1111_u64] {
            let given = BitMatrix::from_fn(1, 9, |_, i| mask >> i & 1 == 1);
            let visible = BitMatrix::from_fn(5, 9, |n, i| (n * n + i * n + i) % 3 == 0);
            let means = rbm.conditional_mean(&visible, &given, 0, 0).unwrap();
            for n in 0..5 {
                let expected = naive(&rbm, visible.row(n)[0], mask);
                for i in 0..9 {
                    let (found, expected) = (means[[n, i]], expected[i]);
                    assert!(
                        (found - expected).abs() < 1e-12,
                        "{mask:b} {n} {i} {found} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn few_hidden_units_are_enumerated() {
        let rbm = model(15, 6);
        let given = BitMatrix::from_fn(3, 15, |n, i| i < 2 || i == 3 + n);
        let visible = BitMatrix::from_fn(3, 15, |n, i| (n + i) % 2 == 0);
        let means = rbm.conditional_mean(&visible, &given, 0, 0).unwrap();
        for n in 0..3 {
            let expected = naive(&rbm, visible.row(n)[0], given.row(n)[0]);
            for i in 0..15 {
                assert!((means[[n, i]] - expected[i]).abs() < 1e-9, "{n} {i}: {means}");
            }
        }
    }

    /// The chains of 400 equal examples are independent, so that the scatter of their means is the error of
    /// the mean. 4.9 standard errors are exceeded with probability below 1e-6.
    #[test]
    fn chains_have_the_means_of_the_enumeration() {
        const CHAINS: usize = 400;
        let rbm = model(15, MOST_HIDDEN + 1);
        let given = BitMatrix::from_fn(1, 15, |_, i| i < 2);
        let visible = BitMatrix::from_fn(CHAINS, 15, |_, i| i == 0);
        let means = rbm.conditional_mean(&visible, &given, 40, 3).unwrap();
        let expected = naive(&rbm, 0b1, 0b11);
        for (i, column) in means.axis_iter(Axis(1)).enumerate() {
            let error = column.std(1.0) / (CHAINS as f64).sqrt();
            let (found, expected) = (column.mean().unwrap(), expected[i]);
            assert!((found - expected).abs() <= 4.9 * error + 1e-6, "{i}: {found} {expected}");
        }
    }

    #[test]
    fn a_mean_does_not_depend_on_the_other_examples() {
        let rbm = model(70, 19);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let given = BitMatrix::from_fn(1, 70, |_, i| i % 2 == 0);
        let visible = BitMatrix::from_fn(9, 70, |n, i| (n + i) % 3 == 0);
        let means = ConditionalMean { model, given: &given, sweeps: 12, seed: 4 };
        let mean_of = |rows| means.of(&visible.rows(rows), Watch::default()).unwrap();
        let (all, first) = (mean_of(0..9), mean_of(0..5));
        assert_eq!(all.slice(ndarray::s![..5, ..]), first);
    }
}
