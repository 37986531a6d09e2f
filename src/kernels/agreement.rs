//! How many rows of bits are nearly equal to each row.

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
            let mut distances = [0_u64; SIDE];
            for panel in 0..states.n_panels() {
                let panel = states.panel(panel);
                let word = panel[row];
                let others: &[u64; SIDE] = panel[first..].first_chunk().expect("whole blocks");
                for (distance, other) in distances.iter_mut().zip(others) {
                    *distance += u64::from((word ^ other).count_ones());
                }
            }
            // The last block has rows that are no states.
            let n = (states.n_rows() - first).min(SIDE);
            let near: u64 = distances[..n].iter().map(|&d| u64::from(d <= most)).sum();
            *count += near as u32;
        }
    }
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
}
