//! What a flip of one unit does to the cumulants of the other layer, for several units at once.
//!
//! If the flip changes the input x of a unit by w, its cumulant changes by
//!
//! ```text
//! softplus(x + w) − softplus(x) = ln(σ(−x) + σ(x) e^w)
//! ```
//!
//! σ and e^w are each needed for many flips. What is left is a product over the units, which costs one
//! logarithm. Both terms are positive, so nothing cancels. Each factor lies between e^−|w| and e^|w|; the
//! exponents of the products are set aside before they can leave the range of f64.

use super::isa::dispatch;
use super::softplus::{LANES, exp_of_minus};

/// Number of flips that share the reading of σ.
pub const FLIPS: usize = 4;

/// The largest |w|: e^w and e^−w are normal numbers.
pub const MAX_WEIGHT: f32 = 700.0;

/// The padded number of units: σ and e^w are stored in whole vectors.
pub fn padded(n_units: usize) -> usize {
    n_units.next_multiple_of(LANES)
}

dispatch! {
    /// Writes e^w and e^−w for weights up to [`MAX_WEIGHT`], within some units of the last place, and 1
    /// for padding.
    ///
    /// # Panics
    /// If there are fewer places than weights.
    pub fn exponentials(isa, weights: &[f32], rising: &mut [f64], falling: &mut [f64])
        = exponentials_body
}

#[inline(always)]
fn exponentials_body(weights: &[f32], rising: &mut [f64], falling: &mut [f64]) {
    /// Beyond this magnitude, [`exp_of_minus`] is not accurate.
    const FAR: f64 = 40.0;
    for (&weight, (rising, falling)) in weights.iter().zip(rising.iter_mut().zip(&mut *falling)) {
        let weight = f64::from(weight);
        let small = exp_of_minus(weight.abs());
        let large = 1.0 / small;
        *rising = if weight < 0.0 { small } else { large };
        *falling = if weight < 0.0 { large } else { small };
    }
    for (&weight, (rising, falling)) in weights.iter().zip(rising.iter_mut().zip(&mut *falling)) {
        let weight = f64::from(weight);
        if weight.abs() > FAR {
            (*rising, *falling) = (libm::exp(weight), libm::exp(-weight));
        }
    }
    rising[weights.len()..].fill(1.0);
    falling[weights.len()..].fill(1.0);
}

/// σ(x) and σ(−x) of a layer's units, padded with 0 and 1.
#[derive(Clone, Copy, Debug)]
pub struct Odds<'a> {
    /// σ(x).
    pub on: &'a [f64],
    /// σ(−x).
    pub off: &'a [f64],
}

/// The number of factors between e^−`largest` and e^`largest` that can be multiplied before their exponent
/// must be set aside.
pub fn run_length(largest: f32) -> usize {
    // The first factor of a run multiplies a number from 1 to 2.
    ((MAX_WEIGHT / largest.max(1.0)) as usize).max(1)
}

dispatch! {
    /// Returns ln Πⱼ (offⱼ + onⱼ · factorⱼ) for each of some rows of factors. `run` is the
    /// [`run_length`] of their weights.
    ///
    /// # Panics
    /// If a row is shorter than the odds.
    pub fn log_products(isa, odds: Odds<'_>, factors: [&[f64]; FLIPS], run: usize) -> [f64; FLIPS]
        = log_products_body
}

#[inline(always)]
fn log_products_body(odds: Odds<'_>, factors: [&[f64]; FLIPS], run: usize) -> [f64; FLIPS] {
    let (on, off) = (odds.on.as_chunks::<LANES>().0, odds.off.as_chunks::<LANES>().0);
    let n = on.len();
    let off = &off[..n];
    let factors = factors.map(|factors| &factors.as_chunks::<LANES>().0[..n]);
    let (mut products, mut exponents) = ([[1.0; LANES]; FLIPS], [[0_i64; LANES]; FLIPS]);
    let mut first = 0;
    while first < n {
        let end = n.min(first + run);
        for at in first..end {
            for flip in 0..FLIPS {
                for lane in 0..LANES {
                    products[flip][lane] *= off[at][lane] + on[at][lane] * factors[flip][at][lane];
                }
            }
        }
        for flip in 0..FLIPS {
            for lane in 0..LANES {
                let (mantissa, exponent) = split(products[flip][lane]);
                products[flip][lane] = mantissa;
                exponents[flip][lane] += exponent;
            }
        }
        first = end;
    }
    std::array::from_fn(|flip| {
        let exponent: i64 = exponents[flip].iter().sum();
        let mantissa: f64 = products[flip].iter().product();
        exponent as f64 * std::f64::consts::LN_2 + libm::log(mantissa)
    })
}

/// A positive normal number as a mantissa from 1 to 2 and an exponent of 2.
#[inline(always)]
fn split(x: f64) -> (f64, i64) {
    const MANTISSA: u64 = (1 << 52) - 1;
    const ZERO: u64 = 1023;
    let bits = x.to_bits();
    (f64::from_bits(bits & MANTISSA | ZERO << 52), (bits >> 52) as i64 - ZERO as i64)
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;
    use crate::units::{sigmoid, softplus};

    #[test]
    fn exponentials_are_accurate_and_padded() {
        let weights: Vec<f32> = (-700..=700).map(|w| w as f32).chain([0.0, 1e-8, -0.3]).collect();
        let width = padded(weights.len());
        for isa in Isa::available() {
            let (mut rising, mut falling) = (vec![7.0; width], vec![7.0; width]);
            exponentials(isa, &weights, &mut rising, &mut falling);
            for (at, &w) in weights.iter().enumerate() {
                let (up, down) = (libm::exp(f64::from(w)), libm::exp(f64::from(-w)));
                let bound = 1e-15 + 2.5e-16 * f64::from(w.abs());
                assert!((rising[at] / up - 1.0).abs() < bound, "{}: {w}", isa.name());
                assert!((falling[at] / down - 1.0).abs() < bound, "{}: {w}", isa.name());
            }
            assert!(
                rising[weights.len()..].iter().chain(&falling[weights.len()..]).all(|&x| x == 1.0)
            );
        }
    }

    /// Inputs and weights range from tiny to as large as they may be.
    #[test]
    fn logarithms_of_products_are_differences_of_softplus_at_every_size() {
        let value = |at: usize| ((at * 7919 + 13) % 1009) as f64 / 504.5 - 1.0;
        for n in [1, 7, 8, 9, 64, 500, 1003] {
            for (input, weight) in [(1.0, 0.01), (30.0, 3.0), (700.0, 40.0), (700.0, 699.0)] {
                let inputs: Vec<f64> = (0..n).map(|j| input * value(j)).collect();
                let rows: [Vec<f32>; FLIPS] = std::array::from_fn(|flip| {
                    (0..n).map(|j| (weight * value(3 * j + flip + 1)) as f32).collect()
                });
                let width = padded(n);
                let odds = |sign: f64, filling: f64| {
                    let mut odds: Vec<f64> = inputs.iter().map(|x| sigmoid(sign * x)).collect();
                    odds.resize(width, filling);
                    odds
                };
                let (on, off) = (odds(1.0, 0.0), odds(-1.0, 1.0));
                let factors = |isa, row: &[f32]| {
                    let (mut rising, mut falling) = (vec![0.0; width], vec![0.0; width]);
                    exponentials(isa, row, &mut rising, &mut falling);
                    rising
                };
                let of = |isa| {
                    let factors = rows.each_ref().map(|row| factors(isa, row));
                    let factors = factors.each_ref().map(|factors| &factors[..]);
                    let odds = Odds { on: &on, off: &off };
                    log_products(isa, odds, factors, run_length(weight as f32))
                };
                let found = of(Isa::BASELINE);
                for (row, found) in rows.iter().zip(found) {
                    let pairs = inputs.iter().zip(row);
                    let terms = pairs.map(|(x, &w)| softplus(x + f64::from(w)) - softplus(*x));
                    let (sum, size) =
                        terms.fold((0.0, 1.0), |(sum, size), x| (sum + x, size + x.abs()));
                    // The naive differences cancel where inputs are large.
                    let bound = 1e-13 * size + n as f64 * 1e-16 * input;
                    assert!((found - sum).abs() < bound, "{n} {input} {weight}: {found} {sum}");
                }
                for isa in Isa::available() {
                    assert_eq!(of(isa), found, "{}", isa.name());
                }
            }
        }
    }
}
