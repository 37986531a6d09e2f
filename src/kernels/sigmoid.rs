//! σ from one polynomial, with the same bits on every CPU.

use super::isa::dispatch;
use super::tile::Row;

/// The threshold of probability 1: the threshold of p is `p · 2^24`.
pub const ONE: i32 = 1 << 24;

dispatch! {
    /// Turns inputs into thresholds, in place: `⌊σ(factor · input) · 2^24⌋`, from 0 to 2^24.
    ///
    /// The error of σ is below 2 units of 2^-24.
    pub fn thresholds(isa, rows: &mut [Row<i32>], factor: f32) = thresholds_body
}

#[inline(always)]
fn thresholds_body(rows: &mut [Row<i32>], factor: f32) {
    for row in rows {
        for value in row {
            *value = threshold(*value as f32 * factor);
        }
    }
}

dispatch! {
    /// [`thresholds`] of `factor · input + offset`, with an offset for each column.
    pub fn offset_thresholds(isa, rows: &mut [Row<i32>], factor: f32, offsets: &Row<f32>)
        = offset_thresholds_body
}

#[inline(always)]
fn offset_thresholds_body(rows: &mut [Row<i32>], factor: f32, offsets: &Row<f32>) {
    for row in rows {
        for (value, offset) in row.iter_mut().zip(offsets) {
            *value = threshold(*value as f32 * factor + offset);
        }
    }
}

dispatch! {
    /// The thresholds of inputs in f32.
    ///
    /// # Panics
    /// If the numbers of thresholds and inputs differ.
    pub fn thresholds_of_reals(isa, inputs: &[Row<f32>], thresholds: &mut [Row<i32>])
        = thresholds_of_reals_body
}

#[inline(always)]
fn thresholds_of_reals_body(inputs: &[Row<f32>], thresholds: &mut [Row<i32>]) {
    assert_eq!(inputs.len(), thresholds.len(), "a threshold for each input");
    for (inputs, thresholds) in inputs.iter().zip(thresholds) {
        for (x, to) in inputs.iter().zip(thresholds) {
            *to = threshold(*x);
        }
    }
}

/// `⌊σ(x) · 2^24⌋` by +, ×, ÷ in one fixed order: σ(x) = 1 / (1 + 2^t) with t = −x·log₂e.
#[inline(always)]
pub(super) fn threshold(x: f32) -> i32 {
    // The comparison is false for NaN, which becomes -30.
    let x = if x > -30.0 { x } else { -30.0 };
    let x = if x < 30.0 { x } else { 30.0 };
    let sigma = 1.0 / (1.0 + two_to_the(x * -std::f32::consts::LOG2_E));
    // SAFETY: x is from -30 to 30, so 0 ≤ sigma ≤ 1, and the product fits in an i32.
    unsafe { (sigma * ONE as f32).to_int_unchecked() }
}

/// 2^t for t from -126 to 127, by + and × in one fixed order. With t = k + f, k an integer and |f| ≤ 1/2,
/// it is 2^k · 2^f, where a polynomial of degree 6 gives 2^f.
#[inline(always)]
pub(super) fn two_to_the(t: f32) -> f32 {
    /// The minimax polynomial of 2^f on [-1/2, 1/2] that is 1 at 0 (Remez). Its relative error is
    /// at most 2.6e-9.
    const COEFFICIENTS: [f32; 7] = [
        1.0,
        0.693_147_24,
        0.240_226_52,
        0.055_503_104,
        0.009_617_693,
        0.001_340_664_3,
        0.000_155_946_78,
    ];
    // 1.5·2^23: adding it rounds an f32 to an integer, which the low bits then hold.
    const TO_LOW_BITS: f32 = 12_582_912.0;
    let shifted = t + TO_LOW_BITS;
    let f = t - (shifted - TO_LOW_BITS);
    let [c0, c1, c2, c3, c4, c5, c6] = COEFFICIENTS;
    let power = (((((c6 * f + c5) * f + c4) * f + c3) * f + c2) * f + c1) * f + c0;
    let k = (shifted.to_bits() as i32).wrapping_sub(TO_LOW_BITS.to_bits() as i32);
    let two_to_k = f32::from_bits((k.wrapping_add(127) as u32) << 23);
    power * two_to_k
}

/// The mean of probability 1 in the statistics. 64 means add up to less than 2^15.
pub const MEAN_ONE: i16 = 255;

/// The step from the dither of one row to the next: 2^32 divided by the golden ratio. The dithers of any
/// number of consecutive rows are spread evenly (Kuipers and Niederreiter, 1974, chapter 2, section 3).
pub(super) const DITHER_STEP: u32 = 0x9E37_79B9;

dispatch! {
    /// Writes the means of rows of thresholds, from row `first` on, times `sign` (1 or -1):
    /// `⌊255 p + d⌋`, where p is the probability and d, the *dither*, goes from 0 to 1. In row n it is the
    /// fractional part of `shifts[j]`/2^32 + n/φ, in 24 binary places. Over all shifts the mean of
    /// p̃ is therefore exactly 255 p.
    ///
    /// # Panics
    /// If the numbers of means and thresholds differ.
    pub fn means(isa, thresholds: &[Row<i32>], first: usize, shifts: &Row<u32>, sign: i16,
        means: &mut [Row<i16>]) = means_body
}

#[inline(always)]
fn means_body(
    thresholds: &[Row<i32>],
    first: usize,
    shifts: &Row<u32>,
    sign: i16,
    means: &mut [Row<i16>],
) {
    assert_eq!(thresholds.len(), means.len(), "a mean for each threshold");
    for (n, (thresholds, means)) in thresholds.iter().zip(means).enumerate() {
        let of_row = ((first + n) as u32).wrapping_mul(DITHER_STEP);
        for ((mean, &threshold), shift) in means.iter_mut().zip(thresholds).zip(shifts) {
            *mean = sign * mean_of(threshold, shift.wrapping_add(of_row) >> 8);
        }
    }
}

/// `⌊(255 · threshold + dither) / 2^24⌋`, from 0 to 255, for a dither below 2^24. The sum is below 2^32.
#[inline(always)]
fn mean_of(threshold: i32, dither: u32) -> i16 {
    let threshold = threshold as u32;
    (((threshold << 8) - threshold + dither) >> 24) as i16
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::super::sampling;
    use super::super::tile::SIDE;
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::units::sigmoid;

    #[test]
    fn the_error_of_sigma_is_below_two_units() {
        let mut worst = 0.0_f64;
        for step in -3_500_000..3_500_000 {
            let x = step as f32 * 1e-5;
            let exact = sigmoid(f64::from(x)) * f64::from(ONE);
            // The threshold is rounded down, on average by half a unit.
            let error = f64::from(threshold(x)) + 0.5 - exact;
            worst = worst.max(error.abs());
        }
        assert!(worst < 2.5, "{worst} units of 2^-24");
    }

    #[test]
    fn sigma_saturates_at_both_ends() {
        assert_eq!(threshold(-1e30), 0);
        assert_eq!(threshold(1e30), ONE);
        assert_eq!(threshold(0.0), ONE / 2);
        assert_eq!(threshold(f32::NAN), 0);
        for dither in [0, (1 << 24) - 1] {
            assert_eq!((mean_of(0, dither), mean_of(ONE, dither)), (0, MEAN_ONE));
        }
    }

    /// The mean of p̃ over the shifts is 255 p, for one row as for ten, and for p far below a step. With ten
    /// rows, the mean of the rows also scatters less.
    #[test]
    fn means_are_right_on_average_for_any_number_of_rows() {
        const SHIFTS: usize = 4000;
        for p in [0.0, 1e-5, 3e-4, 0.02, 0.5, 0.9, 0.9999, 1.0] {
            let threshold = (p * f64::from(ONE)) as i32;
            let exact = 255.0 * f64::from(threshold) / f64::from(ONE);
            let spread = |n_rows: usize| {
                let (mut sum, mut squares) = (0.0, 0.0);
                for at in 0..SHIFTS {
                    let mut stream = Stream::new(3, Purpose::Dither, at as u64);
                    let mut shifts = [[0; SIDE]];
                    sampling::fill(Isa::BASELINE, &mut stream, SIDE, &mut shifts);
                    let mut found = vec![[0; SIDE]; n_rows];
                    let thresholds = vec![[threshold; SIDE]; n_rows];
                    means(Isa::BASELINE, &thresholds, 0, &shifts[0], -1, &mut found);
                    for j in 0..SIDE {
                        let of_unit: f64 = found.iter().map(|row| -f64::from(row[j])).sum();
                        let error = of_unit / n_rows as f64 - exact;
                        sum += error;
                        squares += error * error;
                    }
                }
                let n = (SHIFTS * SIDE) as f64;
                let deviation = (squares / n).sqrt();
                // Six standard errors, and the last bits of the sums.
                assert!((sum / n).abs() <= 6.0 * deviation / n.sqrt() + 1e-9, "{p}, {n_rows}");
                deviation
            };
            let (one, ten) = (spread(1), spread(10));
            // Rows with dithers of their own would have a ratio of 0.316, rows with the same one of 1.
            assert!(ten <= 0.34 * one, "{p}: {ten}, {one} with one row");
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_thresholds() {
        let inputs: Vec<Row<i32>> = (0..500)
            .map(|row| std::array::from_fn(|j| (row * 64 + j as i32 - 16_000) * 9973))
            .collect();
        let mut expected = inputs.clone();
        let factor = 1.0 / (1 << 20) as f32;
        thresholds(Isa::BASELINE, &mut expected, factor);
        let offsets = std::array::from_fn(|j| j as f32 / 16.0 - 2.0);
        let mut expected_with_offsets = inputs.clone();
        offset_thresholds(Isa::BASELINE, &mut expected_with_offsets, factor, &offsets);
        for isa in Isa::available() {
            let mut found = inputs.clone();
            thresholds(isa, &mut found, factor);
            assert!(found == expected, "{}", isa.name());
            let mut found = inputs.clone();
            offset_thresholds(isa, &mut found, factor, &offsets);
            assert!(found == expected_with_offsets, "{}", isa.name());
        }
    }

    #[test]
    fn reals_have_the_thresholds_of_equal_integers() {
        let inputs: Vec<Row<i32>> =
            (0..50).map(|row| std::array::from_fn(|j| (row * 64 + j as i32 - 1600) * 99)).collect();
        let factor = 1.0 / (1 << 12) as f32;
        let reals: Vec<_> = inputs.iter().map(|row| row.map(|x| x as f32 * factor)).collect();
        let mut expected = inputs.clone();
        thresholds(Isa::BASELINE, &mut expected, factor);
        for isa in Isa::available() {
            let mut found = vec![[7; 64]; 50];
            thresholds_of_reals(isa, &reals, &mut found);
            assert!(found == expected, "{}", isa.name());
        }
    }

    #[test]
    fn offsets_are_added_column_by_column() {
        let inputs: Row<i32> = std::array::from_fn(|j| j as i32 * 100 - 3000);
        let mut rows = [inputs];
        let offsets = std::array::from_fn(|j| j as f32 / 16.0 - 2.0);
        offset_thresholds(Isa::BASELINE, &mut rows, 0.001, &offsets);
        for j in 0..64 {
            let x = f64::from(inputs[j]) * 0.001 + f64::from(offsets[j]);
            let exact = sigmoid(x) * f64::from(ONE);
            // x itself is rounded in f32, by 3e-7 at most, and σ is no steeper than 1/4.
            assert!((f64::from(rows[0][j]) + 0.5 - exact).abs() < 2.5 + 2.0, "{j}");
        }
    }

    /// A hash of the thresholds of a fixed grid. Another polynomial, another order of operations or a
    /// compiler that fuses operations would change it.
    #[test]
    fn sigma_equals_the_recorded_one() {
        let hash = (-2000..2000).fold(0u64, |hash, step| {
            let value = threshold(step as f32 / 128.0) as u64;
            (hash ^ value).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(5)
        });
        assert_eq!(hash, 0xcf3d_25c4_8293_15bf, "{hash:#x}");
    }
}
