//! softplus(x) = ln(1 + e^x) and its slope σ in double precision: sums for free energies, and
//! differences between inverse temperatures for the weights of annealing.
//!
//! softplus(x) = max(x, 0) + ln(1 + e^−|x|). The second terms of many units need only one logarithm,
//! of the product of the factors 1 + e^−|x|. Each factor is between 1 and 2, so 512 of them are at
//! most 2^512. A unit thus costs one polynomial, and no x overflows.

use super::isa::dispatch;
use super::tile::Row;

/// Number of products that are computed side by side.
pub(super) const LANES: usize = 8;

/// Largest number of factors in a product.
const MOST: usize = 512;

dispatch! {
    /// Returns Σ softplus(x), in an order that does not depend on the instruction set.
    pub fn sum(isa, values: &[f64]) -> f64 = sum_body
}

#[inline(always)]
fn sum_body(values: &[f64]) -> f64 {
    let mut sum = 0.0;
    for values in values.chunks(MOST) {
        let (mut positive, mut products) = ([0.0; LANES], [1.0; LANES]);
        let (whole, rest) = values.as_chunks::<LANES>();
        for values in whole {
            for lane in 0..LANES {
                positive[lane] += if values[lane] > 0.0 { values[lane] } else { 0.0 };
                products[lane] *= 1.0 + exp_of_minus(values[lane].abs());
            }
        }
        for (lane, &x) in rest.iter().enumerate() {
            positive[lane] += if x > 0.0 { x } else { 0.0 };
            products[lane] *= 1.0 + exp_of_minus(x.abs());
        }
        sum += positive.iter().sum::<f64>() + libm::log(products.iter().product());
    }
    sum
}

dispatch! {
    /// Writes Σⱼ softplus(to · xⱼ) − softplus(from · xⱼ) for every row of integers x. If `from` and
    /// `to` are two inverse temperatures times the resolution, this is the change of −F due to 64
    /// hidden units. Columns of 0 add nothing.
    ///
    /// To avoid cancellation, (to − from) multiplies the exact sum Σ max(x, 0), and the rest is the
    /// logarithm of a ratio of products.
    ///
    /// # Panics
    /// If the numbers of differences and rows differ.
    pub fn differences(isa, rows: &[Row<i32>], from: f64, to: f64, differences: &mut [f64])
        = differences_body
}

#[inline(always)]
fn differences_body(rows: &[Row<i32>], from: f64, to: f64, differences: &mut [f64]) {
    assert_eq!(rows.len(), differences.len(), "a difference for each row");
    for (row, difference) in rows.iter().zip(differences) {
        let (mut before, mut after) = ([1.0; LANES], [1.0; LANES]);
        for x in row.as_chunks::<LANES>().0 {
            for lane in 0..LANES {
                let magnitude = f64::from(x[lane]).abs();
                before[lane] *= 1.0 + exp_of_minus(from * magnitude);
                after[lane] *= 1.0 + exp_of_minus(to * magnitude);
            }
        }
        let positive: i64 = row.iter().map(|&x| i64::from(x.max(0))).sum();
        let ratio = after.iter().product::<f64>() / before.iter().product::<f64>();
        *difference = (to - from) * positive as f64 + libm::log(ratio);
    }
}

dispatch! {
    /// Replaces every x by σ(x) = 1 / (1 + e^−x), within a few units of the last place.
    pub fn sigmoids(isa, values: &mut [f64]) = sigmoids_body
}

#[inline(always)]
fn sigmoids_body(values: &mut [f64]) {
    /// Below this x, [`exp_of_minus`] is not accurate.
    const FAR: f64 = -40.0;
    for values in values.chunks_mut(MOST) {
        let mut inputs = [0.0; MOST];
        let inputs = &mut inputs[..values.len()];
        inputs.copy_from_slice(values);
        for (value, &x) in values.iter_mut().zip(&*inputs) {
            let tail = exp_of_minus(x.abs());
            *value = (if x < 0.0 { tail } else { 1.0 }) / (1.0 + tail);
        }
        for (value, &x) in values.iter_mut().zip(&*inputs).filter(|(_, x)| **x < FAR) {
            // 1 + e^−x = e^−x in double precision here.
            *value = 1.0 / libm::exp(-x);
        }
    }
}

/// e^−x for x ≥ 0, within 3 units of the last place while it is above 1e-15. From x = 45 on, where
/// 1 + e^−x rounds to 1, the result is some number below 1e-19.
///
/// With t = −x·log₂e = k + f, k an integer and |f| ≤ 1/2, e^−x = 2^k · e^(f·ln 2). The second factor
/// is the series of e^r up to r^12, whose error is at most 2e-16.
#[inline(always)]
pub(super) fn exp_of_minus(x: f64) -> f64 {
    // 1.5·2^52: adding it rounds an f64 to an integer, which the low bits then hold.
    const TO_LOW_BITS: f64 = 6_755_399_441_055_744.0;
    let x = if x < 45.0 { x } else { 45.0 };
    let t = x * -std::f64::consts::LOG2_E;
    let shifted = t + TO_LOW_BITS;
    let r = (t - (shifted - TO_LOW_BITS)) * std::f64::consts::LN_2;
    let mut power = 1.0 / 479_001_600.0;
    for coefficient in [
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        power = power * r + coefficient;
    }
    // The low 11 bits of the sum are k + 1023, the exponent.
    power * f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52)
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;
    use crate::units::{sigmoid, softplus};

    #[test]
    fn the_error_of_the_exponential_is_the_rounding_of_its_argument() {
        for step in 0..4_000_000 {
            let x = f64::from(step) * 1e-5;
            let exact = libm::exp(-x);
            // The product with log₂e, about 1.44 x, is rounded by half a unit of the last place.
            let bound = 1e-15 + 2e-16 * x;
            assert!((exp_of_minus(x) / exact - 1.0).abs() < bound, "{x}");
        }
        assert!(exp_of_minus(45.0) < 1e-19 && exp_of_minus(1e300) < 1e-19);
        assert_eq!(exp_of_minus(0.0), 1.0);
    }

    #[test]
    fn sums_equal_the_naive_ones_at_every_length() {
        for n in (0..70).chain([511, 512, 513, 1100]) {
            for strength in [0.01, 3.0, 1e4] {
                let value = |at: usize| strength * ((at * 7919 % 1000) as f64 / 500.0 - 1.0);
                let values: Vec<f64> = (0..n).map(value).collect();
                let expected: f64 = values.iter().map(|&x| softplus(x)).sum();
                let found = sum(Isa::BASELINE, &values);
                assert!((found - expected).abs() <= 1e-13 * expected.abs(), "{n}: {found}");
                for isa in Isa::available() {
                    assert_eq!(sum(isa, &values).to_bits(), found.to_bits(), "{}", isa.name());
                }
            }
        }
    }

    #[test]
    fn sigmoids_are_accurate_to_a_few_units_of_the_last_place() {
        let inputs: Vec<f64> = (-8000..4000).map(|step| f64::from(step) * 0.1).collect();
        for isa in Isa::available() {
            let mut found = inputs.clone();
            sigmoids(isa, &mut found);
            for (&x, &found) in inputs.iter().zip(&found) {
                let exact = sigmoid(x);
                let bound = if x < -40.0 { 0.0 } else { 2e-14 };
                assert!((found - exact).abs() <= bound * exact, "{}: {x} {found}", isa.name());
            }
        }
    }

    #[test]
    fn differences_equal_the_naive_ones() {
        let resolution = 1.0 / f64::from(1 << 20);
        let rows: Vec<Row<i32>> = (0..40)
            .map(|row| std::array::from_fn(|j| (row * 64 + j as i32 - 1300) * (row + 1) * 20_011))
            .collect();
        for (from, to) in [(0.0, 1.0), (0.3, 0.300_01), (1.0, 0.999), (0.7, 0.0)] {
            let (from, to) = (from * resolution, to * resolution);
            let mut expected = vec![0.0; rows.len()];
            differences(Isa::BASELINE, &rows, from, to, &mut expected);
            for (row, found) in rows.iter().zip(&expected) {
                let change = |&x: &i32| softplus(to * f64::from(x)) - softplus(from * f64::from(x));
                let naive: f64 = row.iter().map(change).sum();
                // The naive sum cancels: its terms are as large as 64 · 4,000.
                assert!((found - naive).abs() < 1e-9, "{found} {naive}");
            }
            for isa in Isa::available() {
                let mut found = vec![0.0; rows.len()];
                differences(isa, &rows, from, to, &mut found);
                assert_eq!(found, expected, "{}", isa.name());
            }
        }
        let mut nothing = [1.0];
        differences(Isa::BASELINE, &[[0; 64]], 0.0, resolution, &mut nothing);
        assert_eq!(nothing, [0.0]);
    }
}
