//! Bernoulli draws: a unit is on if the top 24 bits of its random word are below its threshold.

use super::isa::dispatch;
use super::tile::{Row, SIDE};
use crate::reals::RealRow;
use crate::rng::{STEP, Stream};

dispatch! {
    /// Draws 64 units a row: bit `j` of `bits[n]` is on if `words[n · stride][j] >> 8` is below
    /// `thresholds[n][j]` and bit `j` of `mask` is on.
    ///
    /// # Panics
    /// If the numbers of thresholds and bits differ, or there are too few words.
    pub fn draw(isa, thresholds: &[Row<i32>], words: &[Row<u32>], stride: usize, mask: u64,
        bits: &mut [u64]) = draw_body
}

#[inline(always)]
fn draw_body(
    thresholds: &[Row<i32>],
    words: &[Row<u32>],
    stride: usize,
    mask: u64,
    bits: &mut [u64],
) {
    assert_eq!(thresholds.len(), bits.len(), "a threshold for each unit");
    for (n, (thresholds, bits)) in thresholds.iter().zip(bits).enumerate() {
        *bits = draw_row(thresholds, &words[n * stride]) & mask;
    }
}

/// The 64 draws of one row.
#[inline(always)]
pub fn draw_row(thresholds: &Row<i32>, words: &Row<u32>) -> u64 {
    // One byte for each unit first, which the compiler vectorises well.
    let mut is_on = [0u8; SIDE];
    for j in 0..SIDE {
        is_on[j] = u8::from(((words[j] >> 8) as i32) < thresholds[j]);
    }
    pack(&is_on)
}

/// Packs 64 bytes of value 0 or 1 into one word, the first to the lowest bit.
#[inline(always)]
fn pack(is_on: &[u8; SIDE]) -> u64 {
    let mut word = 0;
    for (byte, eight) in is_on.as_chunks::<8>().0.iter().enumerate() {
        // The multiplication collects the lowest bits of eight bytes in the top byte.
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word |= gathered << (8 * byte);
    }
    word
}

dispatch! {
    /// Writes the random words of `n_units` consecutive units, 64 a row: ⌈n_units / 16⌉ steps of the
    /// stream. Words past the last step keep their values.
    pub fn fill(isa, stream: &mut Stream, n_units: usize, rows: &mut [Row<u32>]) = fill_body
}

#[inline(always)]
fn fill_body(stream: &mut Stream, n_units: usize, rows: &mut [Row<u32>]) {
    let steps = rows.as_flattened_mut().as_chunks_mut::<STEP>().0;
    for words in &mut steps[..n_units.div_ceil(STEP)] {
        *words = stream.step();
    }
}

dispatch! {
    /// Writes so many random words to each row: ⌈words / 16⌉ steps of the stream a row.
    pub fn fill_rows(isa, stream: &mut Stream, n_words: &[usize], rows: &mut [Row<u32>])
        = fill_rows_body
}

#[inline(always)]
fn fill_rows_body(stream: &mut Stream, n_words: &[usize], rows: &mut [Row<u32>]) {
    for (n, row) in n_words.iter().zip(rows) {
        for words in &mut row.as_chunks_mut::<STEP>().0[..n.div_ceil(STEP)] {
            *words = stream.step();
        }
    }
}

/// Number of panels whose random words are made at a time.
const PANELS: usize = 4;

/// The probability of a grey level x, times 2^24: x·2^24/255, rounded, so that 0 is never on and 255
/// always. As 2^24 = 65,793 · 255 + 1, the quotient is 65,793·x + x/255, which needs no table and no
/// division.
#[inline(always)]
fn grey_threshold(x: u8) -> i32 {
    65_793 * i32::from(x) + i32::from(x >> 7)
}

/// The probability of an intensity x, times 2^24: x·2^24, with halves rounded up. A unit with x below
/// 0 is never on, above 1 always.
#[inline(always)]
fn real_threshold(x: f32) -> i32 {
    // The f64 sum is exact, except for an x so small that the sum rounds to 0.5.
    (f64::from(x) * f64::from(1 << 24) + 0.5) as i32
}

/// Asks the CPU to load these bytes, which will be needed soon. Examples are taken in random order, so that the
/// CPU does not foresee the next one.
pub fn prefetch(bytes: &[u8]) {
    /// Bytes of a line of the cache.
    const LINE: usize = 64;
    for line in bytes.chunks(LINE) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: every x86-64 CPU has the instruction, which changes nothing but the cache.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = line;
    }
}

/// Draws a row of units whose grey levels are their probabilities: ⌈units / 16⌉ steps of the stream.
///
/// # Panics
/// If `row` does not have one word for each 64 units.
pub fn draw_grey_levels(isa: super::Isa, levels: &[u8], mut stream: Stream, row: &mut [u64]) {
    assert_eq!(row.len(), levels.len().div_ceil(SIDE), "a word for each 64 units");
    let mut words = [[0; SIDE]; PANELS];
    for (levels, bits) in levels.chunks(PANELS * SIDE).zip(row.chunks_mut(PANELS)) {
        // A separate function: next to the comparisons the compiler does not vectorise the stream.
        fill(isa, &mut stream, levels.len(), &mut words);
        compare_grey_levels(isa, levels, &words, bits);
    }
}

dispatch! {
    /// Sets bit j if the top 24 bits of word j are below the threshold of level j.
    fn compare_grey_levels(isa, levels: &[u8], words: &[Row<u32>], bits: &mut [u64])
        = compare_grey_levels_body
}

#[inline(always)]
fn compare_grey_levels_body(levels: &[u8], words: &[Row<u32>], bits: &mut [u64]) {
    let (whole, rest) = levels.as_chunks::<SIDE>();
    for ((levels, words), bits) in whole.iter().zip(words).zip(&mut *bits) {
        *bits = draw_row(&levels.map(grey_threshold), words);
    }
    if !rest.is_empty() {
        // Units past the last keep the threshold 0, so they are never on.
        let mut thresholds = [0; SIDE];
        for (threshold, &x) in thresholds.iter_mut().zip(rest) {
            *threshold = grey_threshold(x);
        }
        bits[whole.len()] = draw_row(&thresholds, &words[whole.len()]);
    }
}

/// Draws a row of `n_units` units, like [`draw_grey_levels`], from the intensities that are not 0.
///
/// # Panics
/// If `row` does not have one word for each 64 units.
pub fn draw_intensities(
    isa: super::Isa,
    intensities: RealRow<'_>,
    n_units: usize,
    mut stream: Stream,
    row: &mut [u64],
) {
    assert_eq!(row.len(), n_units.div_ceil(SIDE), "a word for each 64 units");
    let mut words = [[0; SIDE]; PANELS];
    let mut entries = intensities.iter().peekable();
    for (at, bits) in row.chunks_mut(PANELS).enumerate() {
        bits.fill(0);
        let first = at * PANELS * SIDE;
        fill(isa, &mut stream, (n_units - first).min(PANELS * SIDE), &mut words);
        while let Some((unit, x)) = entries.next_if(|&(unit, _)| unit < first + PANELS * SIDE) {
            let (word, bit) = ((unit - first) / SIDE, unit % SIDE);
            let is_on = ((words[word][bit] >> 8) as i32) < real_threshold(x);
            bits[word] |= u64::from(is_on) << bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Isa, naive};
    use super::*;
    use crate::reals::RealRows;
    use crate::rng::Purpose;

    #[test]
    fn draws_equal_the_naive_ones() {
        let mut stream = Stream::new(5, Purpose::Sample, 0);
        for isa in Isa::available() {
            for shift in 0..26 {
                let mut words = [[0; SIDE]; 3];
                fill(isa, &mut stream, 3 * SIDE, &mut words);
                let mut thresholds = words.map(|row| row.map(|word| (word >> 8) as i32));
                // Near equality, where the comparison decides.
                for (j, threshold) in thresholds.iter_mut().flatten().enumerate() {
                    *threshold += (j as i32 % 3 - 1) * (1 << shift >> 1);
                }
                let mut bits = [0; 3];
                draw(isa, &thresholds, &words, 1, u64::MAX, &mut bits);
                for n in 0..3 {
                    assert_eq!(bits[n], naive::draw(&thresholds[n], &words[n]));
                }
                draw(isa, &thresholds, &words, 1, 0xFF, &mut bits);
                assert!(bits.iter().all(|&word| word < 256));
            }
        }
    }

    #[test]
    fn words_come_in_the_order_of_the_stream() {
        for isa in Isa::available() {
            for n_units in [1, 16, 17, 64, 65, 100] {
                let mut stream = Stream::new(5, Purpose::Sample, 1);
                let mut reference = stream.clone();
                let mut rows = [[0; SIDE]; 2];
                fill(isa, &mut stream, n_units, &mut rows);
                for words in rows.as_flattened()[..n_units].chunks(STEP) {
                    assert_eq!(words, &reference.step()[..words.len()]);
                }
                assert_eq!(stream, reference, "{n_units} units take whole steps");
            }
        }
    }

    #[test]
    fn thresholds_of_intensities_are_rounded_products() {
        for x in 0..=255_u8 {
            let product = f64::from(x) * f64::from(1 << 24) / 255.0;
            assert_eq!(f64::from(grey_threshold(x)), product.round(), "{x}");
        }
        let halves = (0..100).map(|k| (k as f32 + 0.5) / (1 << 24) as f32);
        for x in halves.chain([0.0, 1e-30, 0.1, 0.999_999_94, 1.0]) {
            let product = f64::from(x) * f64::from(1 << 24);
            assert_eq!(f64::from(real_threshold(x)), product.round(), "{x}");
        }
        assert!(real_threshold(-0.25) < 0 && real_threshold(1.5) >= 1 << 24);
        assert!(real_threshold(-1e30) < 0 && real_threshold(1e30) >= 1 << 24);
    }

    #[test]
    fn every_instruction_set_draws_intensities_alike() {
        for n_units in [1_usize, 15, 64, 65, 100, 784] {
            let bytes: Vec<u8> = (0..n_units).map(|i| (i * 37) as u8).collect();
            let mut reals = RealRows::new(n_units);
            reals.push(bytes.iter().map(|&x| f32::from(x) / 255.0));
            let row = |isa, reals_too: bool| {
                let mut row = vec![0; n_units.div_ceil(SIDE)];
                let stream = Stream::new(5, Purpose::Binarize, 1);
                if reals_too {
                    draw_intensities(isa, reals.row(0), n_units, stream, &mut row);
                } else {
                    draw_grey_levels(isa, &bytes, stream, &mut row);
                }
                row
            };
            for isa in Isa::available() {
                assert_eq!(row(isa, false), row(Isa::BASELINE, false), "{}", isa.name());
                assert_eq!(row(isa, true), row(Isa::BASELINE, true), "{}", isa.name());
            }
        }
    }
}
