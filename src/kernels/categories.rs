//! Means and draws of sites of several units, of which exactly one is on: with the input I of each unit,
//! p(unit a is on) = e^Iₐ / Σ_b e^I_b.
//!
//! ```text
//!  16 rows ──► to_columns ──► a lane for each row: max, e^x, sums ──► to_rows ──► shares
//!                                                                       shares ──► draw ──► bits
//! ```
//!
//! A vector holds one unit in 16 rows. All that a site needs (the largest input, the sum of the shares,
//! the first sum above a number) is then found with operations between whole vectors, whatever its
//! number of units and wherever it begins; within a row it would take operations across each vector.
//!
//! A *span* is one panel with its sites side by side, some of them bits, or the panels of one large site.
//! Rows of a span are in panels: with n rows, row r of panel p is number p·n + r. The units of no site are
//! padding.

use super::isa::{Isa, dispatch};
use super::sigmoid::{ONE, threshold, two_to_the};
use super::tile::{Aligned, Row, SIDE, aligned};
use super::transpose::{Columns, LANES, to_columns, to_rows};
use std::cell::RefCell;
use std::ops::Range;

/// The largest number of units of a site. The sum of their shares is below 2^32.
pub const MOST_UNITS: usize = 255;

/// The panels that a site of [`MOST_UNITS`] needs.
const MOST_PANELS: usize = MOST_UNITS.div_ceil(SIDE);

/// The place of a site in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site {
    /// The place of its first unit.
    pub first: usize,
    /// Number of its units: 1 for a bit, from 2 to [`MOST_UNITS`] for a category.
    pub n_units: usize,
}

impl Site {
    /// The places of its units.
    #[inline(always)]
    pub fn places(self) -> Range<usize> {
        self.first..self.first + self.n_units
    }
}

/// Number of panels of the span of these sites.
fn n_panels(sites: &[Site]) -> usize {
    let n_panels = sites.last().map_or(0, |last| last.places().end).div_ceil(SIDE);
    assert!((1..=MOST_PANELS).contains(&n_panels), "a span of {n_panels} panels");
    n_panels
}

/// Turns the inputs x of a span into shares, in place. Those of a unit of a category are
/// `round(e^(I − max) · 2^24)` with I = `factor` · x + offset and the largest input of the site; those of a
/// bit are its threshold ([`thresholds`](super::sigmoid::thresholds)). Offsets, if any, are a row a panel.
/// Padding keeps its values.
///
/// The error of e^(I − max) is below 2 units of 2^-24.
///
/// # Panics
/// If a site is outside the span, or the rows are not the same number for each panel.
pub fn shares(
    isa: Isa,
    sites: &[Site],
    inputs: &mut [Row<i32>],
    factor: f32,
    offsets: Option<&[Row<f32>]>,
) {
    let n_panels = n_panels(sites);
    let offsets = offsets.map(<[Row<f32>]>::as_flattened);
    for_columns(n_panels, inputs.len(), |block, columns| {
        for (panel, columns) in columns.iter_mut().enumerate() {
            load(isa, &inputs[block.of_panel(panel)], columns);
        }
        shares_of_columns(isa, sites, columns.as_flattened_mut(), factor, offsets);
        for (panel, columns) in columns.iter().enumerate() {
            store(isa, columns, &mut inputs[block.of_panel(panel)]);
        }
    });
}

/// Draws the sites of a span from their shares: one word for each row and panel, with bits for the units
/// that are on. Row r draws its k-th site with `words[r · stride + k]`: a bit as
/// [`sampling::draw`](super::sampling::draw) does; of a category the first unit a with Sₐ > u, where Sₐ is
/// the sum of the shares up to a, and u = ⌊word · S / 2^32⌋ with the sum S of all. Padding is off.
///
/// # Panics
/// If the numbers of shares and bits differ, or there are too few words, or as [`shares`].
pub fn draw(
    isa: Isa,
    sites: &[Site],
    shares: &[Row<i32>],
    words: &[u32],
    stride: usize,
    bits: &mut [u64],
) {
    assert_eq!(shares.len(), bits.len(), "a share for each unit");
    let n_panels = n_panels(sites);
    for_columns(n_panels, shares.len(), |block, columns| {
        for (panel, columns) in columns.iter_mut().enumerate() {
            load(isa, &shares[block.of_panel(panel)], columns);
        }
        let words = Words { words: &words[block.first * stride..], stride, n_rows: block.len };
        let mut drawn = [[0; LANES]; MOST_PANELS];
        draw_columns(isa, sites, columns.as_flattened_mut(), words, &mut drawn[..n_panels]);
        for (panel, drawn) in drawn[..n_panels].iter().enumerate() {
            bits[block.of_panel(panel)].copy_from_slice(&drawn[..block.len]);
        }
    });
}

dispatch! {
    /// Writes the means that belong to the shares of a span: share / Σ of the site's shares, or the
    /// probability of a bit. Padding keeps its values.
    ///
    /// # Panics
    /// If the numbers of means and shares differ, or as [`shares`].
    pub fn means(isa, sites: &[Site], shares: &[Row<i32>], means: &mut [Row<f32>]) = means_body
}

#[inline(always)]
fn means_body(sites: &[Site], shares: &[Row<i32>], means: &mut [Row<f32>]) {
    assert_eq!(shares.len(), means.len(), "a mean for each share");
    let n_panels = n_panels(sites);
    let n_rows = rows_of(n_panels, shares.len());
    let pieces = |site: Site, row: usize| {
        let Range { start, end } = site.places();
        (start / SIDE..end.div_ceil(SIDE)).map(move |panel| {
            let before = panel * SIDE;
            let columns = start.saturating_sub(before)..(end - before).min(SIDE);
            (panel * n_rows + row, columns)
        })
    };
    for row in 0..n_rows {
        for &site in sites {
            let total: u32 = if site.n_units == 1 {
                ONE as u32
            } else {
                let of_piece = |(at, columns): (usize, Range<usize>)| shares[at][columns].iter();
                pieces(site, row).flat_map(of_piece).map(|&share| share as u32).sum()
            };
            for (at, columns) in pieces(site, row) {
                let units = means[at][columns.clone()].iter_mut().zip(&shares[at][columns]);
                units.for_each(|(mean, &share)| *mean = share as f32 / total as f32);
            }
        }
    }
}

/// Number of rows of a span of which all panels together have `len`.
fn rows_of(n_panels: usize, len: usize) -> usize {
    assert!(len.is_multiple_of(n_panels), "{len} rows in {n_panels} panels");
    len / n_panels
}

/// At most 16 consecutive rows of a span.
struct Block {
    first: usize,
    len: usize,
    n_rows: usize,
}

impl Block {
    /// The numbers of its rows in a panel.
    fn of_panel(&self, panel: usize) -> Range<usize> {
        let first = panel * self.n_rows + self.first;
        first..first + self.len
    }
}

/// Calls `use_columns` for each block of a span, with columns to work in, whose values are arbitrary.
fn for_columns(n_panels: usize, len: usize, mut use_columns: impl FnMut(Block, &mut [Columns])) {
    thread_local! {
        // Kept, because to clear columns would take a tenth of the time of all.
        static COLUMNS: RefCell<Aligned<Columns>> =
            RefCell::new(aligned([[0; LANES]; SIDE], MOST_PANELS));
    }
    let n_rows = rows_of(n_panels, len);
    COLUMNS.with_borrow_mut(|columns| {
        for first in (0..n_rows).step_by(LANES) {
            let block = Block { first, len: LANES.min(n_rows - first), n_rows };
            use_columns(block, &mut columns[..n_panels]);
        }
    });
}

/// Writes the columns of up to 16 rows. Lanes without a row get 0.
fn load(isa: Isa, rows: &[Row<i32>], columns: &mut Columns) {
    match rows.try_into() {
        Ok(rows) => to_columns(isa, rows, columns),
        Err(_) => {
            let mut padded = [[0; SIDE]; LANES];
            padded[..rows.len()].copy_from_slice(rows);
            to_columns(isa, &padded, columns);
        }
    }
}

/// Writes up to 16 rows of these columns.
fn store(isa: Isa, columns: &Columns, rows: &mut [Row<i32>]) {
    match rows.try_into() {
        Ok(rows) => to_rows(isa, columns, rows),
        Err(_) => {
            let mut padded = [[0; SIDE]; LANES];
            to_rows(isa, columns, &mut padded);
            rows.copy_from_slice(&padded[..rows.len()]);
        }
    }
}

dispatch! {
    fn shares_of_columns(isa, sites: &[Site], columns: &mut [[i32; LANES]], factor: f32,
        offsets: Option<&[f32]>) = shares_of_columns_body
}

#[inline(always)]
fn shares_of_columns_body(
    sites: &[Site],
    columns: &mut [[i32; LANES]],
    factor: f32,
    offsets: Option<&[f32]>,
) {
    for site in sites {
        let places = site.places();
        let columns = &mut columns[places.clone()];
        // To add 0 changes no threshold and no difference.
        let offset = |unit: usize| offsets.map_or(0.0, |offsets| offsets[places.start + unit]);
        if let [column] = columns {
            let offset = offset(0);
            for sum in column {
                *sum = threshold(*sum as f32 * factor + offset);
            }
            continue;
        }
        let mut largest = [f32::MIN; LANES];
        for (unit, column) in columns.iter_mut().enumerate() {
            let offset = offset(unit);
            for lane in 0..LANES {
                let x = column[lane] as f32 * factor + offset;
                largest[lane] = if x > largest[lane] { x } else { largest[lane] };
                column[lane] = x.to_bits() as i32;
            }
        }
        for column in columns {
            for lane in 0..LANES {
                column[lane] = share(f32::from_bits(column[lane] as u32) - largest[lane]);
            }
        }
    }
}

/// `round(e^x · 2^24)` for x ≤ 0, by + and × in one fixed order.
#[inline(always)]
fn share(x: f32) -> i32 {
    /// The number before 1/2. With 1/2, odd numbers above 2^23 would become even.
    const BELOW_HALF: f32 = 0.499_999_97;
    // The comparison is false for NaN, which becomes -30; e^-30 · 2^24 is less than 1/2.
    let x = if x > -30.0 { x } else { -30.0 };
    let x = if x < 0.0 { x } else { 0.0 };
    let share = two_to_the(x * std::f32::consts::LOG2_E) * ONE as f32;
    // SAFETY: x is from -30 to 0, so share is from 0 to little more than 2^24 and fits in an i32.
    unsafe { (share + BELOW_HALF).to_int_unchecked() }
}

/// The random words of some rows.
#[derive(Clone, Copy)]
struct Words<'a> {
    words: &'a [u32],
    stride: usize,
    n_rows: usize,
}

impl Words<'_> {
    /// The words of the k-th site. Lanes without a row get 0.
    #[inline(always)]
    fn of_site(self, k: usize) -> [u32; LANES] {
        let mut words = [0; LANES];
        for (row, word) in words[..self.n_rows].iter_mut().enumerate() {
            *word = self.words[row * self.stride + k];
        }
        words
    }
}

dispatch! {
    fn draw_columns(isa, sites: &[Site], columns: &mut [[i32; LANES]], words: Words<'_>,
        drawn: &mut [[u64; LANES]]) = draw_columns_body
}

#[inline(always)]
fn draw_columns_body(
    sites: &[Site],
    columns: &mut [[i32; LANES]],
    words: Words<'_>,
    drawn: &mut [[u64; LANES]],
) {
    for (k, site) in sites.iter().enumerate() {
        let words = words.of_site(k);
        let columns = &mut columns[site.places()];
        if let [column] = columns {
            let drawn = &mut drawn[site.first / SIDE];
            for lane in 0..LANES {
                let is_on = ((words[lane] >> 8) as i32) < column[lane];
                drawn[lane] |= u64::from(is_on) << (site.first % SIDE);
            }
            continue;
        }
        let sums = accumulate(columns, |share, _| share);
        let mut u = [0; LANES];
        for lane in 0..LANES {
            u[lane] = ((u64::from(words[lane]) * u64::from(sums[lane] as u32)) >> 32) as u32;
        }
        // Sums rise, so the first above u comes after all that are not. The last is always above.
        let (_, all_but_last) = columns.split_last_mut().expect("a category has units");
        let before = accumulate(all_but_last, |sum, lane| i32::from(sum as u32 <= u[lane]));
        for (panel, drawn) in drawn.iter_mut().enumerate() {
            for lane in 0..LANES {
                let place = (site.first as u32).wrapping_add(before[lane] as u32);
                let in_panel = place.wrapping_sub((panel * SIDE) as u32);
                drawn[lane] |= 1_u64.checked_shl(in_panel).unwrap_or(0);
            }
        }
    }
}

/// Replaces each column by the sums of `term` over itself and all before, modulo 2^32, and returns the
/// last.
///
/// Sums that were only returned would be rearranged by the compiler, which then gathers each lane of several
/// columns. That takes some four times as long.
#[inline(always)]
fn accumulate(columns: &mut [[i32; LANES]], term: impl Fn(i32, usize) -> i32) -> [i32; LANES] {
    let mut sums = [0_i32; LANES];
    for column in columns {
        for lane in 0..LANES {
            sums[lane] = sums[lane].wrapping_add(term(column[lane], lane));
            column[lane] = sums[lane];
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::{naive, sampling, sigmoid};
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// Sites side by side from place 0 on.
    fn span(sizes: &[usize]) -> Vec<Site> {
        let mut first = 0;
        let site = |&n_units: &usize| {
            let site = Site { first, n_units };
            first += n_units;
            site
        };
        sizes.iter().map(site).collect()
    }

    /// Spans of every kind: bits alone, sites of 2, 3, 21, 64, 65, 70 and 255 units, and mixed ones.
    fn spans() -> Vec<Vec<Site>> {
        let mut apart = span(&[1, 20, 1]);
        apart[1].first += 3;
        apart[2].first += 7;
        vec![
            span(&[1; 64]),
            span(&[2; 32]),
            span(&[3; 21]),
            span(&[21; 3]),
            span(&[64]),
            span(&[65]),
            span(&[70]),
            span(&[128]),
            span(&[255]),
            span(&[1, 3, 21, 1, 1, 2, 20, 7, 1]),
            span(&[1, 2]),
            apart,
        ]
    }

    /// Random inputs, at a factor of 2^-20, of up to 2^`places` in magnitude.
    fn inputs(n: usize, places: u32, stream: &mut Stream) -> Vec<Row<i32>> {
        let mut rows = vec![[0; SIDE]; n];
        for x in rows.as_flattened_mut().as_chunks_mut::<16>().0 {
            *x = stream.step().map(|word| word as i32 >> (11 - places));
        }
        rows
    }

    const FACTOR: f32 = 1.0 / (1 << 20) as f32;

    /// Where the units of a site stand in row `row` of `n_rows`: a row in panels and a column each.
    fn units(site: Site, row: usize, n_rows: usize) -> impl Iterator<Item = (usize, usize)> {
        site.places().map(move |place| (place / SIDE * n_rows + row, place % SIDE))
    }

    #[test]
    fn shares_are_exponentials_within_two_units() {
        let mut stream = Stream::new(7, Purpose::Sample, 0);
        for sites in spans() {
            let n_panels = n_panels(&sites);
            for (n_rows, places) in [(1, 2), (2, 0), (16, 3), (16, 6), (17, 4), (40, 10)] {
                let inputs = inputs(n_rows * n_panels, places, &mut stream);
                let offsets: Vec<Row<f32>> =
                    (0..n_panels).map(|p| std::array::from_fn(|j| (p + j) as f32 * 0.1)).collect();
                for offsets in [None, Some(&offsets[..])] {
                    let mut found = inputs.clone();
                    shares(Isa::BASELINE, &sites, &mut found, FACTOR, offsets);
                    for row in 0..n_rows {
                        for &site in &sites {
                            let x = units(site, row, n_rows).map(|(at, column)| {
                                let offset = offsets.map_or(0.0, |rows| rows[at / n_rows][column]);
                                f64::from(inputs[at][column] as f32 * FACTOR + offset)
                            });
                            let x: Vec<f64> = x.collect();
                            let largest = x.iter().copied().fold(f64::MIN, f64::max);
                            for ((at, column), x) in units(site, row, n_rows).zip(x) {
                                let exact = if site.n_units == 1 {
                                    crate::units::sigmoid(x) * f64::from(ONE) - 0.5
                                } else {
                                    libm::exp(x - largest) * f64::from(ONE)
                                };
                                let share = f64::from(found[at][column]);
                                assert!((share - exact).abs() < 2.5, "{sites:?}: {share} {exact}");
                                assert!(
                                    x < largest || site.n_units == 1 || found[at][column] == ONE
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn exponentials_are_rounded_and_vanish_far_below() {
        let mut worst = 0.0_f64;
        for step in 0..2_000_000 {
            let x = step as f32 * -1e-5;
            let exact = libm::exp(f64::from(x)) * f64::from(ONE);
            let error = f64::from(share(x)) - exact;
            worst = worst.max(error.abs());
        }
        assert!(worst < 2.0, "{worst} units of 2^-24");
        // Small shares are right to half a unit, and not cut off: ln 2^-24 = -16.64.
        assert_eq!([-17.34, -17.32, -16.64].map(share), [0, 1, 1]);
        assert_eq!([0.0, -0.0, 1.0, 1e30].map(share), [ONE; 4]);
        assert_eq!([-30.0, -1e30, f32::NEG_INFINITY, f32::NAN].map(share), [0; 4]);
    }

    /// Bits of any span are those of the kernels for bits alone, and padding is untouched.
    #[test]
    fn bits_have_their_thresholds_and_draws() {
        let mut stream = Stream::new(7, Purpose::Sample, 1);
        let (n_rows, sites) = (19, span(&[1; 50]));
        let inputs = inputs(n_rows, 3, &mut stream);
        let words: Vec<Row<u32>> =
            inputs.iter().map(|row| row.map(|x| (x as u32).wrapping_mul(2_654_435_761))).collect();
        let offsets: Row<f32> = std::array::from_fn(|j| j as f32 * 0.1 - 3.0);
        for offsets in [None, Some(&offsets)] {
            let mut expected = inputs.clone();
            match offsets {
                None => sigmoid::thresholds(Isa::BASELINE, &mut expected, FACTOR),
                Some(offsets) => {
                    sigmoid::offset_thresholds(Isa::BASELINE, &mut expected, FACTOR, offsets);
                }
            }
            for (expected, inputs) in expected.iter_mut().zip(&inputs) {
                expected[50..].copy_from_slice(&inputs[50..]);
            }
            let mut found = inputs.clone();
            shares(Isa::BASELINE, &sites, &mut found, FACTOR, offsets.map(std::slice::from_ref));
            assert_eq!(found, expected);
            let (mut drawn, mut expected) = (vec![7; n_rows], vec![0; n_rows]);
            draw(Isa::BASELINE, &sites, &found, words.as_flattened(), SIDE, &mut drawn);
            sampling::draw(Isa::BASELINE, &found, &words, 1, (1 << 50) - 1, &mut expected);
            assert_eq!(drawn, expected);
        }
    }

    #[test]
    fn draws_equal_the_naive_ones() {
        let mut stream = Stream::new(7, Purpose::Sample, 2);
        for sites in spans() {
            let n_panels = n_panels(&sites);
            for (n_rows, places) in [(1, 0), (15, 2), (16, 2), (33, 5), (48, 9)] {
                let mut found = inputs(n_rows * n_panels, places, &mut stream);
                shares(Isa::BASELINE, &sites, &mut found, FACTOR, None);
                let stride = sites.len() + 5;
                let mut words: Vec<u32> = (0..n_rows * stride).map(|_| stream.step()[0]).collect();
                words[0] = u32::MAX;
                words[stride * (n_rows - 1)] = 0;
                let mut bits = vec![7; n_rows * n_panels];
                draw(Isa::BASELINE, &sites, &found, &words, stride, &mut bits);
                for row in 0..n_rows {
                    let mut expected = vec![0; n_panels];
                    for (k, &site) in sites.iter().enumerate() {
                        let word = words[row * stride + k];
                        let shares = units(site, row, n_rows).map(|(at, column)| found[at][column]);
                        let shares: Vec<i32> = shares.collect();
                        if site.n_units == 1 {
                            let bit = naive::draw(&shares, &[word]);
                            expected[site.first / SIDE] |= bit << (site.first % SIDE);
                        } else {
                            let place = site.first + naive::draw_category(&shares, word);
                            expected[place / SIDE] |= 1 << (place % SIDE);
                        }
                    }
                    let drawn: Vec<u64> = (0..n_panels).map(|p| bits[p * n_rows + row]).collect();
                    assert_eq!(drawn, expected, "{sites:?}, row {row} of {n_rows}");
                }
            }
        }
    }

    /// Over a grid of words, each unit is on as often as its mean says, to within one word.
    #[test]
    fn every_unit_is_on_as_often_as_its_mean_says() {
        const GRID: usize = 1 << 12;
        let mut stream = Stream::new(7, Purpose::Sample, 3);
        let words: Vec<u32> = (0..GRID as u32).map(|word| word << 20).collect();
        for sites in spans() {
            let n_panels = n_panels(&sites);
            let mut of_one = inputs(n_panels, 2, &mut stream);
            shares(Isa::BASELINE, &sites, &mut of_one, FACTOR, None);
            let mut found = vec![[0.5; SIDE]; n_panels];
            means(Isa::BASELINE, &sites, &of_one, &mut found);
            let all: Vec<_> =
                of_one.iter().flat_map(|&row| std::iter::repeat_n(row, GRID)).collect();
            // All sites of a row use the same word.
            let words: Vec<u32> = words.iter().flat_map(|&word| vec![word; sites.len()]).collect();
            let mut bits = vec![0; n_panels * GRID];
            draw(Isa::BASELINE, &sites, &all, &words, sites.len(), &mut bits);
            for place in 0..n_panels * SIDE {
                let (panel, column) = (place / SIDE, place % SIDE);
                let bits = &bits[panel * GRID..][..GRID];
                let on = bits.iter().filter(|&word| word >> column & 1 == 1).count();
                let mean = found[panel][column];
                if sites.iter().any(|site| site.places().contains(&place)) {
                    assert!((on as f32 - mean * GRID as f32).abs() <= 1.001, "{on}, mean {mean}");
                } else {
                    assert_eq!((on, mean), (0, 0.5), "padding");
                }
            }
            for &site in sites.iter().filter(|site| site.n_units > 1) {
                let sum: f32 = units(site, 0, 1).map(|(at, column)| found[at][column]).sum();
                // Each of up to 255 terms and sums is rounded by at most 2^-24.
                assert!((sum - 1.0).abs() < 510.0 / ONE as f32, "{sum}");
            }
        }
    }

    #[test]
    fn two_units_are_a_bit_of_the_difference_of_their_inputs() {
        let mut rows: Vec<Row<i32>> = Vec::new();
        for at in 0..100 {
            let x = (at - 50) * (1 << 18);
            rows.push(std::array::from_fn(|j| if j == 0 { 77_777 } else { 77_777 + x }));
        }
        let mut bits: Vec<Row<i32>> = rows.iter().map(|row| row.map(|x| x - row[0])).collect();
        sigmoid::thresholds(Isa::BASELINE, &mut bits, FACTOR);
        let sites = span(&[2]);
        shares(Isa::BASELINE, &sites, &mut rows, FACTOR, None);
        let mut found = vec![[0.0; SIDE]; rows.len()];
        means(Isa::BASELINE, &sites, &rows, &mut found);
        for (found, bits) in found.iter().zip(&bits) {
            let expected = bits[1] as f32 / ONE as f32;
            assert!((found[1] - expected).abs() < 4.0 / ONE as f32, "{} {expected}", found[1]);
        }
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let mut stream = Stream::new(7, Purpose::Sample, 4);
        for sites in spans() {
            let n_panels = n_panels(&sites);
            for (n_rows, places) in [(1, 2), (16, 3), (50, 5)] {
                let inputs = inputs(n_rows * n_panels, places, &mut stream);
                let offsets = vec![std::array::from_fn(|j| j as f32 * 0.05); n_panels];
                let words: Vec<u32> = (0..n_rows * sites.len()).map(|_| stream.step()[3]).collect();
                let of = |isa| {
                    let mut found = inputs.clone();
                    shares(isa, &sites, &mut found, FACTOR, Some(&offsets));
                    let mut bits = vec![0; n_rows * n_panels];
                    draw(isa, &sites, &found, &words, sites.len(), &mut bits);
                    let mut of_units = vec![[0.0; SIDE]; n_rows * n_panels];
                    means(isa, &sites, &found, &mut of_units);
                    (found, bits, of_units)
                };
                let expected = of(Isa::BASELINE);
                for isa in Isa::available() {
                    assert!(of(isa) == expected, "{}: {sites:?}", isa.name());
                }
            }
        }
    }

    #[test]
    fn no_rows_are_no_work() {
        let sites = span(&[70]);
        shares(Isa::BASELINE, &sites, &mut [], FACTOR, None);
        draw(Isa::BASELINE, &sites, &[], &[], 1, &mut []);
        means(Isa::BASELINE, &sites, &[], &mut []);
    }

    /// A hash of the shares of a fixed grid. Another polynomial, another order of operations or a
    /// compiler that fuses operations would change it.
    #[test]
    fn shares_equal_the_recorded_ones() {
        let hash = (0..4000).fold(0u64, |hash, step| {
            let value = share(step as f32 / -200.0) as u64;
            (hash ^ value).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(5)
        });
        assert_eq!(hash, 0x40a0_fb26_326b_0a0a, "{hash:#x}");
    }
}
