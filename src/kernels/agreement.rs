//! How rows of bits agree: how many are nearly equal to each row, and how far the nearest one is.

use super::isa::dispatch;
use super::tile::SIDE;
use crate::bits::BitPanels;
use std::ops::Range;

dispatch! {
    /// Writes to `counts[n]` how many rows of `states`, itself included, differ from row `rows.start + n` in
    /// at most `most` bits.
    ///
    /// # Panics
    /// If there is not one count for each row of the range, or the range passes the last row.
    pub fn count_near(isa, states: &BitPanels, rows: Range<usize>, most: u64, counts: &mut [u32])
        = count_near_body
}

#[inline(always)]
fn count_near_body(states: &BitPanels, rows: Range<usize>, most: u64, counts: &mut [u32]) {
    assert!(rows.end <= states.n_rows() && rows.len() == counts.len(), "a count for each row");
    counts.fill(0);
    // 64 of the others stay in cache while all rows are compared with them.
    for first in (0..states.n_rows()).step_by(SIDE) {
        for (row, count) in rows.clone().zip(&mut *counts) {
            let distances = distances(states, row, states, first);
            // The last block has rows that are no states.
            let n = (states.n_rows() - first).min(SIDE);
            let near: u64 = distances[..n].iter().map(|&d| u64::from(d <= most)).sum();
            *count += near as u32;
        }
    }
}

dispatch! {
    /// Writes to `counts[n]` how many rows of `states` share at least `least[g]` bits that are on with row
    /// `rows.start + n`, itself included, where g is the number of bits of `given` that are on in both rows.
    ///
    /// # Panics
    /// If there is not one count for each row of the range, the range passes the last row, `given` has another number
    /// of rows, or `least` has no number for so many bits.
    pub fn count_agreeing(isa, states: &BitPanels, given: &BitPanels, rows: Range<usize>, least: &[u64], counts: &mut [u32])
        = count_agreeing_body
}

#[inline(always)]
fn count_agreeing_body(
    states: &BitPanels,
    given: &BitPanels,
    rows: Range<usize>,
    least: &[u64],
    counts: &mut [u32],
) {
    assert!(rows.end <= states.n_rows() && rows.len() == counts.len(), "a count for each row");
    assert_eq!(given.n_rows(), states.n_rows(), "what is given in each row");
    counts.fill(0);
    for first in (0..states.n_rows()).step_by(SIDE) {
        for (row, count) in rows.clone().zip(&mut *counts) {
            let equal = shared(states, row, first);
            let in_both = shared(given, row, first);
            let n = (states.n_rows() - first).min(SIDE);
            let agree =
                |(&equal, &in_both): (&u64, &u64)| u32::from(equal >= least[in_both as usize]);
            *count += equal[..n].iter().zip(&in_both[..n]).map(agree).sum::<u32>();
        }
    }
}

dispatch! {
    /// Writes to `nearest[n]` in how many bits row `rows.start + n` of `states` differs from the row of `others`
    /// that is nearest to it, or without `others` from the nearest other row of `states`. It is `u64::MAX` if
    /// there is none.
    ///
    /// # Panics
    /// If there is not one number for each row of the range, the range passes the last row, or the widths differ.
    pub fn nearest(isa, states: &BitPanels, rows: Range<usize>, others: Option<&BitPanels>, nearest: &mut [u64])
        = nearest_body
}

#[inline(always)]
fn nearest_body(
    states: &BitPanels,
    rows: Range<usize>,
    others: Option<&BitPanels>,
    nearest: &mut [u64],
) {
    assert!(rows.end <= states.n_rows() && rows.len() == nearest.len(), "a number for each row");
    let among = others.unwrap_or(states);
    assert_eq!(among.n_columns(), states.n_columns(), "width of the others");
    nearest.fill(u64::MAX);
    for first in (0..among.n_rows()).step_by(SIDE) {
        for (row, nearest) in rows.clone().zip(&mut *nearest) {
            let mut distances = distances(states, row, among, first);
            if others.is_none() && (first..first + SIDE).contains(&row) {
                distances[row - first] = u64::MAX;
            }
            let n = (among.n_rows() - first).min(SIDE);
            *nearest = distances[..n].iter().copied().fold(*nearest, u64::min);
        }
    }
}

/// In how many bits a row of `states` differs from each of the 64 rows of `others` from `first` on.
#[inline(always)]
fn distances(states: &BitPanels, row: usize, others: &BitPanels, first: usize) -> [u64; SIDE] {
    counts(states, row, others, first, |word, other| word ^ other)
}

/// How many bits are on both in a row and in each of the 64 rows from `first` on.
#[inline(always)]
fn shared(rows: &BitPanels, row: usize, first: usize) -> [u64; SIDE] {
    counts(rows, row, rows, first, |word, other| word & other)
}

/// How many bits are on in what `of` makes of a row and each of the 64 rows of `others` from `first` on.
#[inline(always)]
fn counts(
    states: &BitPanels,
    row: usize,
    others: &BitPanels,
    first: usize,
    of: impl Fn(u64, u64) -> u64,
) -> [u64; SIDE] {
    let mut counts = [0; SIDE];
    for panel in 0..states.n_panels() {
        let word = states.panel(panel)[row];
        let others: &[u64; SIDE] =
            others.panel(panel)[first..].first_chunk().expect("whole blocks");
        for (count, other) in counts.iter_mut().zip(others) {
            *count += u64::from(of(word, *other).count_ones());
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;
    use crate::bits::BitMatrix;

    #[test]
    fn counts_are_those_of_the_definition_on_every_instruction_set() {
        for (n, v) in [(1, 3), (63, 64), (65, 65), (200, 130)] {
            let bits = BitMatrix::from_fn(n, v, |n, i| (n % 7 * 13 + i * i + n / 50 * i) % 5 < 2);
            let states = BitPanels::from_matrix(&bits);
            let distance =
                |a: usize, b: usize| (0..v).filter(|&i| bits.get(a, i) != bits.get(b, i)).count();
            for most in [0, 5, v / 3, v] {
                let near = |a| (0..n).filter(|&b| distance(a, b) <= most).count() as u32;
                let expected: Vec<_> = (n / 3..n).map(near).collect();
                for isa in Isa::available() {
                    let mut counts = vec![9; expected.len()];
                    count_near(isa, &states, n / 3..n, most as u64, &mut counts);
                    assert_eq!(counts, expected, "{n} {v} {most} {}", isa.name());
                }
            }
        }
    }

    #[test]
    fn rows_agree_where_both_are_given_on_every_instruction_set() {
        for (n, v) in [(1, 3), (65, 65), (150, 130)] {
            let states = BitMatrix::from_fn(n, v, |n, i| (n % 7 * 13 + i * i + n / 50 * i) % 5 < 2);
            let given = BitMatrix::from_fn(n, v, |n, i| (n * 3 + i * n) % 4 > 0);
            let both = |bits: &BitMatrix, a: usize, b: usize| {
                (0..v).filter(|&i| bits.get(a, i) && bits.get(b, i)).count() as u64
            };
            let least: Vec<_> =
                (0..=v as u64).map(|g| if g == 0 { u64::MAX } else { g / 3 }).collect();
            let agree = |a, b| both(&states, a, b) >= least[both(&given, a, b) as usize];
            let expected: Vec<_> =
                (n / 3..n).map(|a| (0..n).filter(|&b| agree(a, b)).count() as u32).collect();
            let [states, given] = [&states, &given].map(BitPanels::from_matrix);
            for isa in Isa::available() {
                let mut counts = vec![9; expected.len()];
                count_agreeing(isa, &states, &given, n / 3..n, &least, &mut counts);
                assert_eq!(counts, expected, "{n} {v} {}", isa.name());
            }
        }
    }

    #[test]
    fn the_nearest_is_that_of_the_definition_on_every_instruction_set() {
        let bits = |n, v, from: usize| {
            BitMatrix::from_fn(n, v, |n, i| (n * n % 61 * 7 + i * i * (from + n % 3)) % 5 < 2)
        };
        for (n, m, v) in [(1, 1, 3), (63, 70, 64), (65, 1, 65), (130, 200, 130)] {
            let (rows, others) = (bits(n, v, 1), bits(m, v, 2));
            let distance = |a: usize, of: &BitMatrix, b: usize| {
                (0..v).filter(|&i| rows.get(a, i) != of.get(b, i)).count() as u64
            };
            let [states, among] = [&rows, &others].map(BitPanels::from_matrix);
            let least = |a, of, all: &mut dyn Iterator<Item = usize>| {
                all.map(|b| distance(a, of, b)).min().unwrap_or(u64::MAX)
            };
            let to_others: Vec<_> = (n / 3..n).map(|a| least(a, &others, &mut (0..m))).collect();
            let to_rest = (n / 3..n).map(|a| least(a, &rows, &mut (0..n).filter(|&b| b != a)));
            let to_rest: Vec<_> = to_rest.collect();
            for isa in Isa::available() {
                let mut found = vec![9; to_rest.len()];
                nearest(isa, &states, n / 3..n, Some(&among), &mut found);
                assert_eq!(found, to_others, "{n} {m} {v} {}", isa.name());
                nearest(isa, &states, n / 3..n, None, &mut found);
                assert_eq!(found, to_rest, "{n} {v} {}", isa.name());
            }
        }
    }
}
