//! Couplings that sum to 0 over the values of each of their sites: for bits, those of spins.
//!
//! The coupling of some sites is a mean of −F over all values of the other sites, each as likely as any other, taken
//! as a difference in the sites' own values. A hidden unit adds softplus(x) to −F, where x = c + Σᵢ wᵢ is a sum over
//! sites, and wᵢ is the weight of the value that site i has (0 for a bit that is off). softplus(x) − x/2 is a sum of
//! waves, in which sites are factors:
//!
//! ```text
//! softplus(x) = x/2 − ∫ dk e^{ikx} / (2k sinh πk)             (k from −∞ to ∞, up to a constant)
//! mean e^{ikx} = e^{ikc} Πᵢ χᵢ(k),                            χᵢ(k) = mean e^{ikw} over the values of site i
//! J_ut = −Σⱼ ∫ dk e^{ikc} δ_u(k) δ_t(k) Π_{other sites} χᵢ(k) / (2k sinh πk),          δ_u = e^{ikw_u} − χ
//! ```
//!
//! and likewise for one site or three. For bits χ = e^{ikw/2} cos(kw/2) and δ = i e^{ikw/2} sin(kw/2), and this is
//! the expansion of −F in products of spins.
//!
//! The paper takes the sum over the other sites to be normal, which replaces Πχᵢ by e^{ikm − k²σ²/2} with its mean
//! and variance. The product costs the same and leaves nothing out.
//!
//! The integral is a sum over k = (n + ½)κ. Its error is what −F would have of x one or more periods 2π/κ away, of
//! alternating sign: nothing, as softplus(x) − x/2 is a straight line there ([`FLAT`]). Waves above [`HIGHEST`] are
//! smaller than rounding.

use super::Couplings;
use crate::error::Result;
use crate::model::Rbm;
use crate::setting::check;
use crate::watch::Watch;
use ndarray::{ArrayViewMut1, Axis};
use num_complex::Complex64;
use rayon::prelude::*;
use std::f64::consts::{PI, TAU};
use std::ops::Range;

/// The magnitude of x from which softplus(x) − x/2 is |x|/2 up to e^−40.
const FLAT: f64 = 40.0;

/// The largest k: 1 / sinh πk is then 9e-17.
const HIGHEST: f64 = 12.0;

/// Waves whose factors are below this are left out.
const SMALLEST: f64 = 1e-19;

/// x is at most so many times √(Σ range²) from its mean, with the range of the weights of each site, but for a share
/// of 2e^(−2 · 4.5²) = 5e-18 of the values of the sites (Hoeffding).
const BOUND: f64 = 4.5;

/// The widest range of x that is taken.
const WIDEST: f64 = 1e5;

/// The hidden units whose waves are in memory at a time.
const BLOCK: usize = 8;

/// The waves of sums that are added at a time.
const LANES: usize = 4;

/// Writes the couplings of units in rising order.
pub fn fill(rbm: &Rbm, couplings: &mut Couplings, watch: Watch<'_>) -> Result<()> {
    let sites: Vec<Range<usize>> = rbm.visible_units().sites().collect();
    let site_of: Vec<usize> =
        sites.iter().enumerate().flat_map(|(at, site)| vec![at; site.len()]).collect();
    let Couplings { fields, pairs, triples, .. } = couplings;
    let biases: Vec<f64> = rbm.visible_bias().iter().map(|&b| f64::from(b)).collect();
    add_linear(&sites, &biases, 1.0, fields.view_mut());
    let n_hidden = rbm.n_hidden();
    let count = watch.counter("hidden units", n_hidden as u64);
    for block in (0..n_hidden).step_by(BLOCK).map(|at| at..(at + BLOCK).min(n_hidden)) {
        let waves = block.clone().into_par_iter().map(|hidden| Waves::of(rbm, &sites, hidden));
        let waves = waves.collect::<Result<Vec<_>>>()?;
        for (hidden, waves) in block.clone().zip(&waves) {
            let weights: Vec<f64> =
                rbm.weights().column(hidden).iter().map(|&w| f64::from(w)).collect();
            add_linear(&sites, &weights, 0.5, fields.view_mut());
            waves.add(&mut waves.start.clone(), 0, fields.view_mut());
        }
        pairs.axis_iter_mut(Axis(0)).into_par_iter().enumerate().try_for_each(
            |(unit, mut row)| {
                watch.check()?;
                for waves in &waves {
                    waves.add(
                        &mut waves.opening(site_of[unit], unit),
                        site_of[unit] + 1,
                        row.view_mut(),
                    );
                }
                Ok(())
            },
        )?;
        if let Some(triples) = triples.as_mut() {
            triples.axis_iter_mut(Axis(0)).into_par_iter().enumerate().try_for_each(
                |(unit, mut slab)| {
                    for waves in &waves {
                        watch.check()?;
                        let mut factors = waves.opening(site_of[unit], unit);
                        for (at, site) in sites.iter().enumerate().skip(site_of[unit] + 1) {
                            for second in site.clone() {
                                let mut of_two = product(&factors, waves.deviation(second));
                                waves.add(&mut of_two, at + 1, slab.row_mut(second));
                            }
                            multiply(&mut factors, waves.mean(at));
                        }
                    }
                    Ok(())
                },
            )?;
        }
        count(block.len())?;
    }
    Ok(())
}

/// Adds `factor` times the part of fields (V) that is linear in the values (V) of units: x of a bit is ±1, so half
/// its value; of a category, its values less their mean.
fn add_linear(
    sites: &[Range<usize>],
    values: &[f64],
    factor: f64,
    mut fields: ArrayViewMut1<'_, f64>,
) {
    for site in sites {
        let mean = mean(&values[site.clone()]);
        for unit in site.clone() {
            fields[unit] += factor * (values[unit] - mean);
        }
    }
}

/// The mean over the values of a site, given those of its units. A bit that is off has 0.
fn mean(of_units: &[f64]) -> f64 {
    of_units.iter().sum::<f64>() / of_units.len().max(2) as f64
}

/// The waves of one hidden unit, by their numbers k (K).
struct Waves<'a> {
    sites: &'a [Range<usize>],
    /// −κ e^{ikc} / (k sinh πk), 0 behind the last k (K).
    start: Vec<Complex64>,
    /// χ (sites, K).
    means: Vec<Complex64>,
    /// δ (V, K).
    deviations: Vec<Complex64>,
    /// The product of the start and χ of all sites before (sites, K).
    before: Vec<Complex64>,
    /// The product of δ of a unit and χ of all sites behind its own (V, K).
    closing: Vec<Complex64>,
}

impl<'a> Waves<'a> {
    fn of(rbm: &Rbm, sites: &'a [Range<usize>], hidden: usize) -> Result<Self> {
        let weights: Vec<f64> =
            rbm.weights().column(hidden).iter().map(|&w| f64::from(w)).collect();
        let bias = f64::from(rbm.hidden_bias()[hidden]);
        let range = reach(sites, &weights, bias) + FLAT;
        check("the range of the inputs of a hidden unit", range as f32, range < WIDEST, || {
            format!("below {WIDEST}; hidden unit {hidden} has weights beyond all measure")
        })?;
        let spacing = TAU / range;
        let numbers = (0..).map(|n| (f64::from(n) + 0.5) * spacing).take_while(|k| *k < HIGHEST);
        let mut columns: Vec<Column> = numbers
            .map(|k| {
                let start = wave(k * bias) * (-spacing / (k * libm::sinh(PI * k)));
                Column::of(sites, &weights, start, k)
            })
            .filter(|column| column.bound() > SMALLEST)
            .collect();
        while columns.is_empty() || !columns.len().is_multiple_of(LANES) {
            columns.push(Column::of(sites, &weights, Complex64::ZERO, 0.0));
        }
        let rows = |n: usize, value: &dyn Fn(&Column, usize) -> Complex64| -> Vec<Complex64> {
            (0..n).flat_map(|row| columns.iter().map(move |column| value(column, row))).collect()
        };
        let mut waves = Self {
            sites,
            start: rows(1, &|column, _| column.start),
            means: rows(sites.len(), &|column, site| column.means[site]),
            deviations: rows(weights.len(), &|column, unit| column.deviations[unit]),
            before: Vec::new(),
            closing: Vec::new(),
        };
        let mut before = waves.start.clone();
        for site in 0..sites.len() {
            waves.before.extend_from_slice(&before);
            multiply(&mut before, waves.mean(site));
        }
        waves.closing = waves.deviations.clone();
        let mut behind = vec![Complex64::ONE; columns.len()];
        for (at, site) in sites.iter().enumerate().rev() {
            for closing in
                waves.closing.chunks_exact_mut(columns.len()).skip(site.start).take(site.len())
            {
                multiply(closing, &behind);
            }
            multiply(&mut behind, waves.mean(at));
        }
        Ok(waves)
    }

    /// A row (K) of an array.
    fn row<'b>(&self, array: &'b [Complex64], at: usize) -> &'b [Complex64] {
        &array[at * self.start.len()..][..self.start.len()]
    }

    /// χ of a site (K).
    fn mean(&self, site: usize) -> &[Complex64] {
        self.row(&self.means, site)
    }

    /// δ of a unit (K).
    fn deviation(&self, unit: usize) -> &[Complex64] {
        self.row(&self.deviations, unit)
    }

    /// The product of the start, δ of a unit of a site and χ of all sites before (K).
    fn opening(&self, site: usize, unit: usize) -> Vec<Complex64> {
        product(self.row(&self.before, site), self.deviation(unit))
    }

    /// Adds to the couplings (V) of some units with one more, which is of the site `first` or behind it. `factors`
    /// (K) is the product over all sites before.
    fn add(&self, factors: &mut [Complex64], first: usize, mut to: ArrayViewMut1<'_, f64>) {
        for (at, site) in self.sites.iter().enumerate().skip(first) {
            for unit in site.clone() {
                to[unit] += real_sum(factors, self.row(&self.closing, unit));
            }
            multiply(factors, self.mean(at));
        }
    }
}

/// The factors of one wave.
struct Column {
    start: Complex64,
    /// (sites)
    means: Vec<Complex64>,
    /// (V)
    deviations: Vec<Complex64>,
}

impl Column {
    fn of(sites: &[Range<usize>], weights: &[f64], start: Complex64, k: f64) -> Self {
        let mut column = Self { start, means: Vec::new(), deviations: Vec::new() };
        for site in sites {
            let waves: Vec<Complex64> = weights[site.clone()].iter().map(|w| wave(k * w)).collect();
            let off = if site.len() == 1 { Complex64::ONE } else { Complex64::ZERO };
            let mean = waves.iter().fold(off, |sum, wave| sum + wave) / site.len().max(2) as f64;
            column.means.push(mean);
            column.deviations.extend(waves.iter().map(|wave| wave - mean));
        }
        column
    }

    /// The largest magnitude of the product of all factors but those of any three sites.
    fn bound(&self) -> f64 {
        let mut factors: Vec<f64> = self.means.iter().map(|mean| mean.norm_sqr()).collect();
        factors.sort_by(f64::total_cmp);
        (self.start.norm_sqr() * factors.iter().skip(3).product::<f64>()).sqrt()
    }
}

/// e^{ix}, with the same bits on every computer.
fn wave(x: f64) -> Complex64 {
    let (sin, cos) = libm::sincos(x);
    Complex64::new(cos, sin)
}

/// How far x lies from 0 at most, but for values of the sites that count for nothing.
fn reach(sites: &[Range<usize>], weights: &[f64], bias: f64) -> f64 {
    let (mut centre, mut sum, mut squares, mut widest) = (bias, 0.0, 0.0, 0.0_f64);
    for site in sites {
        let weights = &weights[site.clone()];
        let off = if site.len() == 1 { 0.0 } else { weights[0] };
        let low = weights.iter().copied().fold(off, f64::min);
        let high = weights.iter().copied().fold(off, f64::max);
        centre += mean(weights);
        sum += high - low;
        squares += (high - low) * (high - low);
        widest = widest.max(high - low);
    }
    // Up to three sites have the values that are asked for.
    centre.abs() + sum.min(BOUND * squares.sqrt() + 3.0 * widest)
}

/// Multiplies each factor.
fn multiply(factors: &mut [Complex64], by: &[Complex64]) {
    factors.iter_mut().zip(by).for_each(|(factor, by)| *factor *= by);
}

/// Factor by factor.
fn product(one: &[Complex64], other: &[Complex64]) -> Vec<Complex64> {
    one.iter().zip(other).map(|(one, other)| one * other).collect()
}

/// The real part of Σ over k, in a fixed order. Waves k and −k add up to twice that of one.
fn real_sum(one: &[Complex64], other: &[Complex64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (one, other) = (one.as_chunks::<LANES>().0, other.as_chunks::<LANES>().0);
    for (one, other) in one.iter().zip(other) {
        for lane in 0..LANES {
            sums[lane] += one[lane].re * other[lane].re - one[lane].im * other[lane].im;
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3])
}
