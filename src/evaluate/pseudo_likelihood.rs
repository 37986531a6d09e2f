//! The pseudo-likelihood Σᵢ ln p(vᵢ | the other units) (Besag, 1975): exact over all units, or estimated
//! from one unit of each example.
//!
//! With v' = v except that vᵢ' = 1 − vᵢ, p(vᵢ | the rest) = e^−F(v) / (e^−F(v) + e^−F(v')). As in
//! scikit-learn's `BernoulliRBM.score_samples`, this holds for real numbers, too. A flip changes the input x
//! of a hidden unit by ±Wᵢⱼ, and −F by ±bᵢ + Σⱼ softplus(xⱼ ± Wᵢⱼ) − softplus(xⱼ). So a unit costs H
//! operations, whatever the size of the weights. For many examples, the exponentials of the weights are
//! taken once for 256 of them ([`flips`](crate::kernels::flips)).

use super::Score;
use crate::bits::BitMatrix;
use crate::dataset::WeightedRows;
use crate::error::Result;
use crate::kernels::Isa;
use crate::kernels::flips::{
    FLIPS, MAX_WEIGHT, Odds, exponentials, log_products, padded, run_length,
};
use crate::memory::Bytes;
use crate::model::Rbm;
use crate::reals::{RealRow, RealRows};
use crate::rng::{Purpose, Stream};
use crate::states::VisibleStates;
use crate::units::Units;
use crate::watch::Watch;
use rayon::prelude::*;
use std::ops::Range;

/// The number of rows whose flips are computed together: they share the exponentials of the weights.
const ROWS: usize = 256;

/// The number of rows from which on it pays to take all exponentials first.
const MANY: usize = 8;

/// The mean over the rows of `visible` (N, V) of Σᵢ ln p(vᵢ | the rest), in nats an example. If an example lacks
/// values, the sum and the rest are over what it has, in the model without the sites that it lacks.
///
/// # Errors
/// As [`pseudo_likelihoods`].
pub fn pseudo_likelihood<'a>(
    rbm: &Rbm,
    visible: impl Into<WeightedRows<'a>>,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Score> {
    let WeightedRows { bits, weights, missing } = visible.into();
    rbm.check_given(bits, missing)?;
    Ok(Score::weighted(&sums_over_sites(rbm, bits.into(), missing, isa, watch)?, weights))
}

/// The proxy that scikit-learn's `BernoulliRBM.score_samples` computes: V ln p(vᵢ | the rest) of
/// one unit of each example, drawn by (seed, example). It has the mean of [`pseudo_likelihood`], and far
/// more noise.
///
/// # Errors
/// As [`pseudo_likelihoods`].
pub fn stochastic_pseudo_likelihood<'a>(
    rbm: &Rbm,
    visible: impl Into<WeightedRows<'a>>,
    seed: u64,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Score> {
    let WeightedRows { bits, weights, .. } = visible.into();
    let n_sites = u32::try_from(rbm.visible_units().n_sites()).expect("fewer than 2^32 units");
    let unit_of = |n| {
        let mut stream = Stream::new(seed, Purpose::PseudoLikelihoodUnit, n as u64);
        stream.below(n_sites) as usize
    };
    let units: Vec<_> = (0..bits.n_rows()).map(unit_of).collect();
    let scores = pseudo_likelihoods_of_units(rbm, bits, &units, isa, watch)?;
    Ok(Score::weighted(&scores, weights))
}

/// The memory of [`pseudo_likelihoods`] of N rows under a model (V, H): inputs and odds of the hidden units,
/// values and rises of the visible ones.
pub(crate) fn bytes(n_rows: usize, n_visible: usize, n_hidden: usize) -> Bytes {
    let n = n_rows.min(ROWS);
    Bytes::of::<[f64; 3]>(&[n, n_hidden]) + Bytes::of::<[f64; 2]>(&[n, n_visible])
}

/// Σᵢ ln p(vᵢ | the rest) of every row of `visible` (N, V), in nats.
///
/// # Errors
/// As [`Rbm::mean_hidden`]; [`Error::Interrupted`](crate::Error::Interrupted).
pub fn pseudo_likelihoods<'a>(
    rbm: &Rbm,
    visible: impl Into<VisibleStates<'a>>,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    let visible = visible.into();
    rbm.check_visible(visible)?;
    sums_over_sites(rbm, visible, None, isa, watch)
}

/// Σᵢ ln p(vᵢ | the rest) of every row, over the sites that are not on in `missing` (N, V).
fn sums_over_sites(
    rbm: &Rbm,
    visible: VisibleStates<'_>,
    missing: Option<&BitMatrix>,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    let units = rbm.visible_units();
    let mut scores = Vec::with_capacity(visible.n_rows());
    for first in (0..visible.n_rows()).step_by(ROWS) {
        let rows = visible.numbers_of(first..visible.n_rows().min(first + ROWS));
        let rises = rises(rbm, &rows, isa, watch)?;
        let score = |n| {
            let of_row: Vec<f64> = rises.iter().skip(n).step_by(rows.n_rows()).copied().collect();
            let Some(missing) = missing else { return units.log_conditionals(isa, &of_row) };
            let given = units.sites().filter(|site| !missing.get(first + n, site.start));
            given.map(|site| Units::log_conditional(&of_row[site])).sum()
        };
        scores.par_extend((0..rows.n_rows()).into_par_iter().map(score));
    }
    Ok(scores)
}

/// S ln p(vᵢ | the rest) of one of the S sites (for bits, units) of every row of `visible` (N, V), which `units` (N)
/// names. scikit-learn computes this for units that it draws.
///
/// # Errors
/// As [`pseudo_likelihoods`].
///
/// # Panics
/// If `units` does not have a site below S for each row.
pub fn pseudo_likelihoods_of_units<'a>(
    rbm: &Rbm,
    visible: impl Into<VisibleStates<'a>>,
    units: &[usize],
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    let visible = visible.into();
    rbm.check_visible(visible)?;
    assert_eq!(units.len(), visible.n_rows(), "a unit for each row");
    let of_row = |(n, &unit): (usize, &usize)| {
        watch.check()?;
        let row = visible.numbers_of(n..n + 1);
        let inputs = rbm.hidden_inputs_of_reals(isa, &row);
        let flipped = Flipped::new(rbm, isa, row.row(0), &inputs);
        let units = rbm.visible_units();
        let site = units.sites().nth(unit).expect("a site of the model");
        let mut buffer = Vec::new();
        let rises: Vec<f64> = match site.len() {
            1 => vec![flipped.rise(site.start, &mut buffer)],
            _ => site.clone().map(|unit| flipped.rise_of_value(&site, unit, &mut buffer)).collect(),
        };
        Ok(units.n_sites() as f64 * Units::log_conditional(&rises))
    };
    units.par_iter().enumerate().map(of_row).collect()
}

/// The rise of −F when unit i of row n flips, or when its categorical site takes this value: (V, N).
fn rises(rbm: &Rbm, rows: &RealRows, isa: Isa, watch: Watch<'_>) -> Result<Vec<f64>> {
    let n_rows = rows.n_rows();
    let inputs = rbm.hidden_inputs_of_reals(isa, rows);
    let flipped = inputs.par_chunks_exact(rbm.n_hidden()).enumerate();
    let flipped = flipped.map(|(n, inputs)| Flipped::new(rbm, isa, rows.row(n), inputs));
    let flipped: Vec<_> = flipped.collect();
    let largest = rbm.weights().iter().fold(0.0, |largest: f32, w| largest.max(w.abs()));
    let odds: Option<Vec<_>> = (n_rows >= MANY && largest <= MAX_WEIGHT)
        .then(|| flipped.par_iter().map(Flipped::odds).collect());
    let (width, run) = (padded(rbm.n_hidden()), run_length(largest));
    let mut rises = vec![0.0; rbm.n_visible() * n_rows];
    if !rbm.visible_units().are_bits() {
        let (mut rest, mut of_sites) = (&mut rises[..], Vec::new());
        for site in rbm.visible_units().sites() {
            let (of_site, after) = rest.split_at_mut(site.len() * n_rows);
            of_sites.push((site, of_site));
            rest = after;
        }
        of_sites.into_par_iter().try_for_each(|(site, rises)| {
            watch.check()?;
            let mut buffer = Vec::new();
            for (unit, rises) in site.clone().zip(rises.chunks_exact_mut(n_rows)) {
                for (flipped, rise) in flipped.iter().zip(rises) {
                    *rise = match site.len() {
                        1 => flipped.rise(unit, &mut buffer),
                        _ => flipped.rise_of_value(&site, unit, &mut buffer),
                    };
                }
            }
            Ok(())
        })?;
        return Ok(rises);
    }
    let groups = rises.par_chunks_mut(FLIPS * n_rows).enumerate();
    groups.try_for_each(|(group, rises)| {
        watch.check()?;
        let units = group * FLIPS..rbm.n_visible().min((group + 1) * FLIPS);
        let mut buffer = Vec::new();
        let Some(odds) = &odds else {
            for (unit, rises) in units.zip(rises.chunks_exact_mut(n_rows)) {
                for (flipped, rise) in flipped.iter().zip(rises) {
                    watch.check()?;
                    *rise = flipped.rise(unit, &mut buffer);
                }
            }
            return Ok(());
        };
        let (mut rising, mut falling) = (vec![1.0; FLIPS * width], vec![1.0; FLIPS * width]);
        for (at, unit) in units.clone().enumerate() {
            let weights = rbm.weights().row(unit);
            let weights = weights.as_slice().expect("standard layout");
            let place = at * width..(at + 1) * width;
            exponentials(isa, weights, &mut rising[place.clone()], &mut falling[place]);
        }
        for (n, (flipped, [on, off])) in flipped.iter().zip(odds).enumerate() {
            let factors = std::array::from_fn(|at| {
                let is_on = units.clone().nth(at).is_some_and(|unit| flipped.values[unit] == 1.0);
                &(if is_on { &falling } else { &rising })[at * width..(at + 1) * width]
            });
            let logs = log_products(isa, Odds { on, off }, factors, run);
            for (at, unit) in units.clone().enumerate() {
                rises[at * n_rows + n] = match flipped.values[unit] {
                    0.0 | 1.0 => flipped.rise_of_bias(unit) + logs[at],
                    // A number changes its inputs by more or less than W.
                    _ => flipped.rise(unit, &mut buffer),
                };
            }
        }
        Ok(())
    })?;
    Ok(rises)
}

/// A row whose units are to be flipped.
struct Flipped<'a> {
    rbm: &'a Rbm,
    isa: Isa,
    /// v (V).
    values: Vec<f32>,
    /// The inputs of the hidden units (H), in double precision.
    inputs: &'a [f64],
    cumulant: f64,
}

impl<'a> Flipped<'a> {
    fn new(rbm: &'a Rbm, isa: Isa, v: RealRow<'_>, inputs: &'a [f64]) -> Self {
        let mut values = vec![0.0; rbm.n_visible()];
        v.iter().for_each(|(unit, value)| values[unit] = value);
        let cumulant = rbm.hidden_units().cumulant_by(isa, inputs);
        Self { rbm, isa, values, inputs, cumulant }
    }

    /// p(hⱼ = 1 | v) and p(hⱼ = 0 | v), padded with 0 and 1.
    fn odds(&self) -> [Vec<f64>; 2] {
        [(1.0, 0.0), (-1.0, 1.0)].map(|(sign, filling)| {
            let mut means: Vec<f64> = self.inputs.iter().map(|x| sign * x).collect();
            self.rbm.hidden_units().means_by(self.isa, &mut means);
            means.resize(padded(means.len()), filling);
            means
        })
    }

    /// The change of unit `i`.
    fn change(&self, i: usize) -> f64 {
        1.0 - 2.0 * f64::from(self.values[i])
    }

    fn rise_of_bias(&self, i: usize) -> f64 {
        self.change(i) * f64::from(self.rbm.visible_bias()[i])
    }

    /// The rise of −F if a categorical site takes the value of unit `i` instead of its own, 0 if it has none;
    /// `inputs` is a buffer.
    fn rise_of_value(&self, site: &Range<usize>, i: usize, inputs: &mut Vec<f64>) -> f64 {
        let is_on = |unit: &usize| self.values[*unit] == 1.0;
        let Some(own) = site.clone().find(is_on).filter(|&own| own != i) else { return 0.0 };
        inputs.clear();
        let (to, from) = (self.rbm.weights().row(i), self.rbm.weights().row(own));
        let changes = to.iter().zip(from).map(|(&to, &from)| f64::from(to) - f64::from(from));
        inputs.extend(self.inputs.iter().zip(changes).map(|(x, change)| x + change));
        let cumulant = self.rbm.hidden_units().cumulant_by(self.isa, inputs);
        let bias = |unit: usize| f64::from(self.rbm.visible_bias()[unit]);
        bias(i) - bias(own) + cumulant - self.cumulant
    }

    /// The rise of −F if unit `i` changes from v to 1 − v; `inputs` is a buffer.
    fn rise(&self, i: usize, inputs: &mut Vec<f64>) -> f64 {
        let change = self.change(i);
        inputs.clear();
        let pairs = self.inputs.iter().zip(self.rbm.weights().row(i));
        inputs.extend(pairs.map(|(x, &w)| x + change * f64::from(w)));
        let cumulant = self.rbm.hidden_units().cumulant_by(self.isa, inputs);
        self.rise_of_bias(i) + cumulant - self.cumulant
    }
}

#[cfg(test)]
mod tests {
    use super::super::free_energy::free_energies;
    use super::*;
    use crate::bits::BitMatrix;
    use crate::units::softplus;
    use ndarray::{Array1, Array2};
    use std::sync::atomic::AtomicBool;

    fn model(strength: f32) -> Rbm {
        let value = |at: usize| strength * ((at % 19) as f32 / 9.0 - 1.0);
        Rbm::new(
            Array2::from_shape_fn((70, 37), |(i, j)| value(i * 7 + j * 3)),
            Array1::from_shape_fn(70, value),
            Array1::from_shape_fn(37, |j| value(j * 5)),
        )
        .unwrap()
    }

    fn scores(rbm: &Rbm, visible: &BitMatrix, isa: Isa) -> Vec<f64> {
        pseudo_likelihoods(rbm, visible, isa, Watch::default()).unwrap()
    }

    fn mean(rbm: &Rbm, visible: &BitMatrix) -> Score {
        Score::of(&scores(rbm, visible, Isa::fastest()))
    }

    /// Σᵢ ln p(vᵢ | the rest) by its definition, from the free energy with each unit flipped.
    fn by_free_energies(rbm: &Rbm, v: &[u64]) -> f64 {
        let here = rbm.free_energy(v);
        let term = |i: usize| {
            let mut flipped = v.to_vec();
            flipped[i / 64] ^= 1 << (i % 64);
            -softplus(here - rbm.free_energy(&flipped))
        };
        (0..rbm.n_visible()).map(term).sum()
    }

    /// The norms of these models go far beyond 709, where e^norm overflows. Few rows take another way than
    /// many. Beyond a weight of 700, there is only that way.
    #[test]
    fn flips_give_what_free_energies_do_at_every_norm_and_number_of_rows() {
        for strength in [0.1, 1.0, 8.0, 60.0, 650.0, 1e4] {
            let rbm = model(strength);
            for n in [4, 9, 300] {
                let visible = BitMatrix::from_fn(n, 70, |n, i| (i * i + 3 * n) % 4 == 0);
                let found = scores(&rbm, &visible, Isa::fastest());
                for (row, found) in found.iter().enumerate() {
                    let expected = by_free_energies(&rbm, visible.row(row));
                    assert!(
                        (found / expected - 1.0).abs() < 1e-9,
                        "{strength}: {found} {expected}"
                    );
                }
                for isa in Isa::available() {
                    assert_eq!(scores(&rbm, &visible, isa), found, "{}", isa.name());
                }
            }
        }
    }

    #[test]
    fn scores_do_not_depend_on_the_number_of_threads() {
        let (rbm, visible) = (model(1.0), BitMatrix::from_fn(300, 70, |n, i| (n + i * i) % 3 == 0));
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| scores(&rbm, &visible, Isa::fastest()))
        };
        let one = on(1);
        assert!([2, 3, 8].into_iter().all(|threads| on(threads) == one));
    }

    #[test]
    fn a_watch_stops_it() {
        let (stop, visible) = (AtomicBool::new(true), BitMatrix::zeros(20, 70));
        let watch = Watch::until(&stop);
        let stopped = pseudo_likelihoods(&model(1.0), &visible, Isa::fastest(), watch);
        assert!(matches!(stopped, Err(crate::Error::Interrupted)));
    }

    #[test]
    fn real_numbers_are_scored_by_the_free_energies_of_their_flips() {
        let value = |n: usize, i: usize| [0.0, 0.0, 1.0, 0.25, -0.5, 1.5][(n * 5 + i * i) % 6];
        let numbers = Array2::from_shape_fn((9, 70), |(n, i)| value(n, i));
        let (rows, nobody) = (RealRows::from(numbers.view()), Watch::default());
        for strength in [0.1, 1.0, 8.0] {
            let rbm = model(strength);
            let here = free_energies(&rbm, &rows, Isa::fastest(), Watch::default()).unwrap();
            let mut expected = [0.0; 9];
            for i in 0..70 {
                let mut flipped = numbers.clone();
                flipped.column_mut(i).mapv_inplace(|v| 1.0 - v);
                let flipped = RealRows::from(flipped.view());
                let there =
                    free_energies(&rbm, &flipped, Isa::fastest(), Watch::default()).unwrap();
                let terms: Vec<_> = (0..9).map(|n| -softplus(here[n] - there[n])).collect();
                let one = pseudo_likelihoods_of_units(&rbm, &rows, &[i; 9], Isa::fastest(), nobody)
                    .unwrap();
                for n in 0..9 {
                    expected[n] += terms[n];
                    let bound = 1e-9 * terms[n].abs().max(1e-3);
                    assert!((one[n] / 70.0 - terms[n]).abs() < bound, "{strength}");
                }
            }
            let scores = |rows: &RealRows| {
                pseudo_likelihoods(&rbm, rows, Isa::fastest(), Watch::default()).unwrap()
            };
            let found = scores(&rows);
            for (x, y) in found.iter().zip(expected) {
                assert!((x / y - 1.0).abs() < 1e-9, "{strength}: {x} {y}");
            }
            let few = RealRows::from(numbers.slice(ndarray::s![..2, ..]));
            for (x, y) in scores(&few).iter().zip(&found) {
                assert!((x / y - 1.0).abs() < 1e-12, "{strength}: {x} {y}");
            }
        }
        let bits = BitMatrix::from_fn(4, 70, |n, i| (i * i + 3 * n) % 4 == 0);
        let (rbm, rows) = (model(1.0), RealRows::from(&bits));
        let found = pseudo_likelihoods(&rbm, &rows, Isa::fastest(), Watch::default()).unwrap();
        assert_eq!(found, scores(&rbm, &bits, Isa::fastest()));
    }

    #[test]
    fn independent_units_have_their_likelihood_as_pseudo_likelihood() {
        let rbm =
            Rbm::new(Array2::zeros((3, 2)), Array1::from(vec![0.5, -1.0, 2.0]), Array1::zeros(2));
        let found = mean(&rbm.unwrap(), &BitMatrix::from_fn(1, 3, |_, i| i != 1));
        let expected = -softplus(-0.5) - softplus(-1.0) - softplus(-2.0);
        assert!((found.mean - expected).abs() < 1e-12);
    }

    #[test]
    fn one_unit_of_each_example_has_the_exact_mean() {
        let rbm = model(1.0);
        let one = BitMatrix::from_fn(1, 70, |_, i| i % 4 == 0);
        let exact = mean(&rbm, &one).mean;
        let found = stochastic_pseudo_likelihood(
            &rbm,
            &one.spread(20_000),
            3,
            Isa::fastest(),
            Watch::default(),
        );
        let found = found.unwrap();
        assert!((found.mean - exact).abs() < 4.0 * found.standard_error, "{found:?} {exact}");
    }
}
