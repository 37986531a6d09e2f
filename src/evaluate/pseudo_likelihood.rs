//! The pseudo-likelihood Σᵢ ln p(vᵢ | the other units) (Besag, 1975): exact over all units, or estimated
//! from one unit of each example.
//!
//! With v' = v except that vᵢ' = 1 − vᵢ, p(vᵢ | the rest) = e^−F(v) / (e^−F(v) + e^−F(v')). As in
//! scikit-learn's `BernoulliRBM.score_samples`, this holds for real numbers, too. A flip changes the input x
//! of a hidden unit by ±Wᵢⱼ, and −F by ±bᵢ + Σⱼ softplus(xⱼ ± Wᵢⱼ) − softplus(xⱼ). So a unit costs H
//! operations, whatever the size of the weights. For many examples, the exponentials of the weights are
//! taken once for 256 of them ([`flips`](crate::kernels::flips)). A categorical site of q values has q − 1
//! other states: p(its value | the rest) = 1 / Σₐ e^(rise of −F with value a), of which each costs as a flip.

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
use crate::ranks::Ranks;
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
    pseudo_likelihood_among(&Ranks::default(), rbm, visible, isa, watch)
}

/// [`pseudo_likelihood`] by ranks, which all make this call: each scores its own rows.
///
/// # Errors
/// As [`pseudo_likelihoods`]; [`Error::Ranks`](crate::Error::Ranks).
pub fn pseudo_likelihood_among<'a>(
    ranks: &Ranks,
    rbm: &Rbm,
    visible: impl Into<WeightedRows<'a>>,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Score> {
    let rows = visible.into();
    let WeightedRows { bits, missing, .. } = rows;
    rbm.check_given(bits, missing)?;
    let n = bits.n_rows();
    let own = ranks.own(n);
    let mut scores = vec![0.0; n];
    scores[own.clone()].copy_from_slice(&sums_over_sites(
        rbm,
        bits.into(),
        own,
        missing,
        isa,
        watch,
    )?);
    ranks.meet()?;
    ranks.share(&mut [&mut scores], n, |rank| ranks.part(rank, n))?;
    Ok(Score::of_rows(&scores, rows))
}

/// Σᵢ ln p(vᵢ | the rest) of every row of `visible` (N, V), of which [`pseudo_likelihood`] is the mean.
///
/// # Errors
/// As [`pseudo_likelihoods`].
pub(crate) fn pseudo_likelihoods_given(
    rbm: &Rbm,
    WeightedRows { bits, missing, .. }: WeightedRows<'_>,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    rbm.check_given(bits, missing)?;
    sums_over_sites(rbm, bits.into(), 0..bits.n_rows(), missing, isa, watch)
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
    let rows = visible.into();
    let bits = rows.bits;
    let n_sites = u32::try_from(rbm.visible_units().n_sites()).expect("fewer than 2^32 units");
    let unit_of = |n| {
        let mut stream = Stream::new(seed, Purpose::PseudoLikelihoodUnit, n as u64);
        stream.below(n_sites) as usize
    };
    let units: Vec<_> = (0..bits.n_rows()).map(unit_of).collect();
    let scores = pseudo_likelihoods_of_units(rbm, bits, &units, isa, watch)?;
    Ok(Score::of_rows(&scores, rows))
}

/// The memory of [`pseudo_likelihoods`] of N rows under a model of these layers (V, H): inputs and odds of the
/// hidden units, values and rises of the visible ones, and for each thread the exponentials of a site.
pub(crate) fn bytes(n_rows: usize, visible: &Units, n_hidden: usize) -> Bytes {
    let n = n_rows.min(ROWS);
    let most = visible.sites().map(|site| site.len()).max().unwrap_or(0).max(FLIPS);
    Bytes::of::<[f64; 3]>(&[n, n_hidden])
        + Bytes::of::<[f64; 2]>(&[n, visible.n_units()])
        + Bytes::of::<[f64; 2]>(&[rayon::current_num_threads(), most, n_hidden])
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
    sums_over_sites(rbm, visible, 0..visible.n_rows(), None, isa, watch)
}

/// Σᵢ ln p(vᵢ | the rest) of some rows, over the sites that are not on in `missing` (N, V).
fn sums_over_sites(
    rbm: &Rbm,
    visible: VisibleStates<'_>,
    of: Range<usize>,
    missing: Option<&BitMatrix>,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    let units = rbm.visible_units();
    let mut scores = Vec::with_capacity(of.len());
    for first in of.clone().step_by(ROWS) {
        let rows = visible.numbers_of(first..of.end.min(first + ROWS));
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
    let inputs = rbm.hidden_inputs_of_reals(isa, rows);
    let flipped = inputs.par_chunks_exact(rbm.n_hidden()).enumerate();
    let flipped = flipped.map(|(n, inputs)| Flipped::new(rbm, isa, rows.row(n), inputs));
    let flipped: Vec<_> = flipped.collect();
    let shared = Shared::new(rbm, isa, &flipped);
    let n_rows = rows.n_rows();
    let mut rises = vec![0.0; rbm.n_visible() * n_rows];
    let (mut rest, mut of_groups) = (&mut rises[..], Vec::new());
    for group in groups(rbm.visible_units()) {
        let (of_group, after) = rest.split_at_mut(group.columns().len() * n_rows);
        of_groups.push((group, of_group));
        rest = after;
    }
    of_groups.into_par_iter().try_for_each(|(group, rises)| {
        watch.check()?;
        match (&shared, group) {
            (Some(shared), Group::Bits(units)) => shared.flip(units, rises),
            (Some(shared), Group::Category(site)) => shared.change(site, rises),
            (None, group) => {
                let mut buffer = Vec::new();
                for (unit, rises) in group.columns().zip(rises.chunks_exact_mut(n_rows)) {
                    for (flipped, rise) in flipped.iter().zip(rises) {
                        watch.check()?;
                        *rise = match &group {
                            Group::Bits(_) => flipped.rise(unit, &mut buffer),
                            Group::Category(site) => flipped.rise_of_value(site, unit, &mut buffer),
                        };
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok(rises)
}

/// Columns whose rises are computed together.
enum Group {
    /// Neighbours, at most [`FLIPS`].
    Bits(Range<usize>),
    /// A site.
    Category(Range<usize>),
}

impl Group {
    fn columns(&self) -> Range<usize> {
        let (Self::Bits(columns) | Self::Category(columns)) = self;
        columns.clone()
    }
}

fn groups(units: &Units) -> Vec<Group> {
    let mut groups = Vec::new();
    for site in units.sites() {
        match groups.last_mut() {
            _ if site.len() > 1 => groups.push(Group::Category(site)),
            Some(Group::Bits(bits)) if bits.len() < FLIPS => bits.end = site.end,
            _ => groups.push(Group::Bits(site)),
        }
    }
    groups
}

/// What the flips of many rows share.
struct Shared<'a> {
    rbm: &'a Rbm,
    isa: Isa,
    rows: &'a [Flipped<'a>],
    /// Those of each row.
    odds: Vec<[Vec<f64>; 2]>,
    /// The [`run_length`] of the factors.
    run: usize,
}

impl<'a> Shared<'a> {
    /// `None` if there are few rows, or if an input may change by more than an exponential can say.
    fn new(rbm: &'a Rbm, isa: Isa, rows: &'a [Flipped<'a>]) -> Option<Self> {
        let largest = rbm.weights().iter().fold(0.0, |largest: f32, w| largest.max(w.abs()));
        // A site that changes its value takes one weight away and adds another.
        let largest = if rbm.visible_units().are_bits() { largest } else { 2.0 * largest };
        (rows.len() >= MANY && largest <= MAX_WEIGHT).then(|| {
            let odds = rows.par_iter().map(Flipped::odds).collect();
            Self { rbm, isa, rows, odds, run: run_length(largest) }
        })
    }

    /// Writes the rises when these bits flip: (bits, N).
    fn flip(&self, units: Range<usize>, rises: &mut [f64]) {
        let [rising, falling] = self.exponentials(units.clone());
        let mut buffer = Vec::new();
        for (n, (row, [on, off])) in self.rows.iter().zip(&self.odds).enumerate() {
            let factors = std::array::from_fn(|at| {
                let at = at.min(units.len() - 1);
                let is_on = row.values[units.start + at] == 1.0;
                self.of_unit(if is_on { &falling } else { &rising }, at)
            });
            let logs = log_products(self.isa, Odds { on, off }, factors, self.run);
            for (at, (unit, log)) in units.clone().zip(logs).enumerate() {
                rises[at * self.rows.len() + n] = match row.values[unit] {
                    0.0 | 1.0 => row.rise_of_bias(unit) + log,
                    // A number changes its inputs by more or less than W.
                    _ => row.rise(unit, &mut buffer),
                };
            }
        }
    }

    /// Writes the rises when a site takes each of its q values: (q, N). The value s that it has is taken away
    /// once, σ(x) e^−W_s; value a then has the factors σ(−x) + σ(x) e^−W_s e^W_a.
    fn change(&self, site: Range<usize>, rises: &mut [f64]) {
        let [rising, falling] = self.exponentials(site.clone());
        let mut without = vec![0.0; padded(self.rbm.n_hidden())];
        for (n, (row, [on, off])) in self.rows.iter().zip(&self.odds).enumerate() {
            let Some(own) = row.value_of(&site) else {
                // A site without a value has no term.
                (0..site.len()).for_each(|at| rises[at * self.rows.len() + n] = 0.0);
                continue;
            };
            let pairs = on.iter().zip(self.of_unit(&falling, own - site.start));
            without.iter_mut().zip(pairs).for_each(|(to, (on, falling))| *to = on * falling);
            for first in site.clone().step_by(FLIPS) {
                let factors = std::array::from_fn(|at| {
                    self.of_unit(&rising, (first + at).min(site.end - 1) - site.start)
                });
                let odds = Odds { on: &without, off };
                let logs = log_products(self.isa, odds, factors, self.run);
                for (unit, log) in (first..site.end).zip(logs) {
                    let rise = row.rise_of_bias_of_value(own, unit) + log;
                    let at = (unit - site.start) * self.rows.len() + n;
                    rises[at] = if unit == own { 0.0 } else { rise };
                }
            }
        }
    }

    /// e^W and e^−W of these units, in rows that are padded with 1.
    fn exponentials(&self, units: Range<usize>) -> [Vec<f64>; 2] {
        let width = padded(self.rbm.n_hidden());
        let [mut rising, mut falling] = [(); 2].map(|()| vec![1.0; units.len() * width]);
        let rows = rising.chunks_exact_mut(width).zip(falling.chunks_exact_mut(width));
        for (unit, (rising, falling)) in units.zip(rows) {
            let weights = self.rbm.weights().row(unit);
            let weights = weights.as_slice().expect("standard layout");
            exponentials(self.isa, weights, rising, falling);
        }
        [rising, falling]
    }

    /// The row of one unit in what [`exponentials`](Self::exponentials) gave.
    fn of_unit<'b>(&self, exponentials: &'b [f64], at: usize) -> &'b [f64] {
        let width = padded(self.rbm.n_hidden());
        &exponentials[at * width..(at + 1) * width]
    }
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

    /// The unit of a categorical site that is on, if the site has a value.
    fn value_of(&self, site: &Range<usize>) -> Option<usize> {
        let is_on = |unit: &usize| self.values[*unit] == 1.0;
        site.clone().find(is_on)
    }

    fn rise_of_bias_of_value(&self, own: usize, other: usize) -> f64 {
        let bias = |unit: usize| f64::from(self.rbm.visible_bias()[unit]);
        bias(other) - bias(own)
    }

    /// The rise of −F if a categorical site takes the value of unit `i` instead of its own, 0 if it has none;
    /// `inputs` is a buffer.
    fn rise_of_value(&self, site: &Range<usize>, i: usize, inputs: &mut Vec<f64>) -> f64 {
        let Some(own) = self.value_of(site).filter(|&own| own != i) else { return 0.0 };
        inputs.clear();
        let (to, from) = (self.rbm.weights().row(i), self.rbm.weights().row(own));
        let changes = to.iter().zip(from).map(|(&to, &from)| f64::from(to) - f64::from(from));
        inputs.extend(self.inputs.iter().zip(changes).map(|(x, change)| x + change));
        let cumulant = self.rbm.hidden_units().cumulant_by(self.isa, inputs);
        self.rise_of_bias_of_value(own, i) + cumulant - self.cumulant
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

    /// Sites of these sizes, bits among them, under the weights of [`model`].
    const SITES: [usize; 9] = [3, 1, 1, 21, 1, 2, 33, 7, 1];

    fn model_of_sites(strength: f32) -> Rbm {
        let bits = model(strength);
        let units = Units::of_sites(SITES).unwrap();
        let biases = [bits.visible_bias(), bits.hidden_bias()].map(Clone::clone);
        let [visible, hidden] = biases;
        Rbm::of_sites(units, bits.weights().clone(), visible, hidden).unwrap()
    }

    fn states_of_sites(n_rows: usize) -> BitMatrix {
        let units = Units::of_sites(SITES).unwrap();
        let mut states = BitMatrix::zeros(n_rows, 70);
        for n in 0..n_rows {
            for (at, site) in units.sites().enumerate() {
                let value = (n * 5 + at * at + n / 3) % site.len().max(2);
                match site.len() {
                    1 => states.set(n, site.start, value == 1),
                    _ => states.set(n, site.start + value, true),
                }
            }
        }
        states
    }

    /// Beyond a weight of 350 there is only the slow way, as a site takes one weight away and adds another.
    #[test]
    fn changes_of_sites_give_what_free_energies_do_at_every_norm_and_number_of_rows() {
        for strength in [0.1, 1.0, 8.0, 60.0, 349.0, 650.0] {
            let rbm = model_of_sites(strength);
            let states = states_of_sites(20);
            let found = scores(&rbm, &states, Isa::fastest());
            for (n, found) in found.iter().enumerate() {
                let here = rbm.free_energy(states.row(n));
                let rise = |site: &Range<usize>, unit: usize| {
                    let mut changed = states.rows(n..n + 1);
                    let was_on = changed.get(0, unit);
                    site.clone().for_each(|other| changed.set(0, other, other == unit));
                    changed.set(0, unit, site.len() > 1 || !was_on);
                    here - rbm.free_energy(changed.row(0))
                };
                let of_site = |site: Range<usize>| {
                    let rises: Vec<f64> = site.clone().map(|unit| rise(&site, unit)).collect();
                    Units::log_conditional(&rises)
                };
                let expected: f64 = rbm.visible_units().sites().map(of_site).sum();
                let bound = 1e-9 * expected.abs().max(1.0);
                assert!((found - expected).abs() < bound, "{strength}: {found} {expected}");
            }
            let few = scores(&rbm, &states_of_sites(MANY - 1), Isa::fastest());
            for (few, many) in few.iter().zip(&found) {
                assert!((few - many).abs() < 1e-10 * many.abs(), "{strength}: {few} {many}");
            }
            for isa in Isa::available() {
                assert_eq!(scores(&rbm, &states, isa), found, "{}", isa.name());
            }
        }
    }

    #[test]
    fn scores_do_not_depend_on_the_number_of_threads() {
        let bits = BitMatrix::from_fn(300, 70, |n, i| (n + i * i) % 3 == 0);
        for (rbm, visible) in [(model(1.0), bits), (model_of_sites(1.0), states_of_sites(300))] {
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| scores(&rbm, &visible, Isa::fastest()))
            };
            let one = on(1);
            assert!([2, 3, 8].into_iter().all(|threads| on(threads) == one));
        }
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
