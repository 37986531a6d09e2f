//! Transposes of 64 x 64 squares, of bits and of integers.

use super::isa::dispatch;
use super::tile::{SIDE, Tile};
use crate::bits::BitPanels;

/// Transposes a matrix of states: (rows, units) becomes (units, rows).
///
/// # Panics
/// If `to` has no room for that.
pub fn bits(from: &BitPanels, to: &mut BitPanels) {
    assert!(to.n_rows() == from.n_columns(), "{} units to {} rows", from.n_columns(), to.n_rows());
    assert!(to.n_panels() == from.row_capacity() / SIDE, "the capacity of rows as panels");
    let height = to.row_capacity();
    for at in 0..from.n_panels() {
        for (block, square) in from.panel(at).as_chunks::<SIDE>().0.iter().enumerate() {
            let mut square = *square;
            square_of_bits(&mut square);
            to.words_mut()[block * height + at * SIDE..][..SIDE].copy_from_slice(&square);
        }
    }
}

/// Transposes 64 words of 64 bits in place, halving the blocks that change places six times
/// (Warren, Hacker's Delight, section 7-3).
pub fn square_of_bits(words: &mut [u64; SIDE]) {
    let mut half = SIDE / 2;
    let mut mask = u64::MAX >> half;
    while half != 0 {
        for start in (0..SIDE).step_by(2 * half) {
            for upper in start..start + half {
                let lower = upper + half;
                let moved = (words[upper] >> half ^ words[lower]) & mask;
                words[upper] ^= moved << half;
                words[lower] ^= moved;
            }
        }
        half /= 2;
        mask ^= mask << half;
    }
}

dispatch! {
    /// Writes the transpose of a tile.
    pub fn tile(isa, from: &Tile<i32>, to: &mut Tile<i32>) = tile_body
}

#[inline(always)]
pub(super) fn tile_body(from: &Tile<i32>, to: &mut Tile<i32>) {
    /// Side of the squares that are turned one by one: they stay in registers.
    const SQUARE: usize = 8;
    for top in (0..SIDE).step_by(SQUARE) {
        for left in (0..SIDE).step_by(SQUARE) {
            for i in 0..SQUARE {
                for j in 0..SQUARE {
                    to[left + i][top + j] = from[top + j][left + i];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;
    use crate::bits::BitMatrix;

    #[test]
    fn transposed_bits_are_the_bits_with_indices_exchanged() {
        for (n_rows, n_columns) in [(1, 1), (64, 64), (5, 130), (128, 37), (65, 65)] {
            let on = |row: usize, column: usize| (row * row + 3 * column) % 11 < 4;
            let from = BitPanels::from_matrix(&BitMatrix::from_fn(n_rows, n_columns, on));
            let mut to = BitPanels::zeros(n_columns, n_rows);
            bits(&from, &mut to);
            assert_eq!(to.to_matrix(), BitMatrix::from_fn(n_columns, n_rows, |i, n| on(n, i)));
        }
    }

    #[test]
    fn a_transposed_tile_has_its_indices_exchanged() {
        let from = std::array::from_fn(|i| std::array::from_fn(|j| (100 * i + j) as i32));
        for isa in Isa::available() {
            let mut to = [[0; SIDE]; SIDE];
            tile(isa, &from, &mut to);
            assert!((0..SIDE).all(|i| (0..SIDE).all(|j| to[i][j] == from[j][i])));
        }
    }
}
