//! Transposes of squares of bits and integers, 64 x 64, and of 16 rows of 64 integers.

use super::isa::{Isa, dispatch};
use super::tile::{Row, SIDE, Tile};
use crate::bits::BitPanels;

/// Transposes block `block` of 64 rows of states (rows, units): bit n of word i of `by_unit` says
/// whether unit i is on in row n of the block.
///
/// # Panics
/// If there is no such block, or `by_unit` does not have 64 words for each panel.
pub fn bits_of_rows(states: &BitPanels, block: usize, by_unit: &mut [u64]) {
    let (squares, _) = by_unit.as_chunks_mut::<SIDE>();
    assert_eq!(squares.len(), states.n_panels(), "a word for each unit");
    for (panel, square) in squares.iter_mut().enumerate() {
        square.copy_from_slice(&states.panel(panel)[block * SIDE..(block + 1) * SIDE]);
        square_of_bits(square);
    }
}

/// Transposes 64 words of 64 bits in place. Six passes swap blocks of half the size each time
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

/// The entries of tiles that can be transposed.
pub trait Entry: Copy {
    /// Writes the transpose of a tile.
    fn transpose(isa: Isa, from: &Tile<Self>, to: &mut Tile<Self>);
}

impl Entry for i32 {
    fn transpose(isa: Isa, from: &Tile<Self>, to: &mut Tile<Self>) {
        wide_tile(isa, from, to);
    }
}

impl Entry for i16 {
    fn transpose(isa: Isa, from: &Tile<Self>, to: &mut Tile<Self>) {
        narrow_tile(isa, from, to);
    }
}

dispatch! {
    fn wide_tile(isa, from: &Tile<i32>, to: &mut Tile<i32>)
        = tile_body, avx2 = tile_avx2, avx512 = tile_avx2
}

dispatch! {
    fn narrow_tile(isa, from: &Tile<i16>, to: &mut Tile<i16>)
        = tile_body, avx2 = narrow_tile_avx2, avx512 = narrow_tile_avx2
}

/// Number of rows that become columns at a time, one to each lane of a vector.
pub const LANES: usize = 16;

/// 16 rows by columns: the 16 values of a unit stand side by side.
pub type Columns = [[i32; LANES]; SIDE];

dispatch! {
    /// Writes the columns of 16 rows.
    pub fn to_columns(isa, rows: &[Row<i32>; LANES], columns: &mut Columns)
        = tile_body, avx2 = tile_avx2, avx512 = tile_avx2
}

dispatch! {
    /// Writes the 16 rows of these columns.
    pub fn to_rows(isa, columns: &Columns, rows: &mut [Row<i32>; LANES])
        = tile_body, avx2 = tile_avx2, avx512 = tile_avx2
}

#[inline(always)]
fn tile_body<T: Copy, const ROWS: usize, const COLUMNS: usize>(
    from: &[[T; COLUMNS]; ROWS],
    to: &mut [[T; ROWS]; COLUMNS],
) {
    for (i, row) in from.iter().enumerate() {
        for (j, &value) in row.iter().enumerate() {
            to[j][i] = value;
        }
    }
}

/// Transposes squares of 16 x 16 in registers.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn narrow_tile_avx2(from: &Tile<i16>, to: &mut Tile<i16>) {
    use std::arch::x86_64::*;
    const SQUARE: usize = 16;
    for top in (0..SIDE).step_by(SQUARE) {
        for left in (0..SIDE).step_by(SQUARE) {
            let row = |i: usize| {
                let sixteen: &[i16; SQUARE] =
                    from[top + i][left..left + SQUARE].try_into().expect("sixteen columns");
                // SAFETY: the reference is to sixteen i16.
                unsafe { _mm256_loadu_si256(sixteen.as_ptr().cast()) }
            };
            // Interleaves rows that are 8, 4, 2 and 1 apart: each step doubles the entries of a column that
            // stand together, within the halves of a register. Halves are exchanged last.
            let mut rows: [_; SQUARE] = std::array::from_fn(row);
            for _ in 0..3 {
                rows = std::array::from_fn(|at| {
                    let (pair, is_high) = (at / 2, at % 2 == 1);
                    let (a, b) = (rows[pair / 4 * 8 + pair % 4], rows[pair / 4 * 8 + pair % 4 + 4]);
                    if is_high { _mm256_unpackhi_epi16(a, b) } else { _mm256_unpacklo_epi16(a, b) }
                });
            }
            for at in 0..SQUARE {
                let (a, b) = (rows[at % 8], rows[at % 8 + 8]);
                let column = if at < 8 {
                    _mm256_permute2x128_si256::<0x20>(a, b)
                } else {
                    _mm256_permute2x128_si256::<0x31>(a, b)
                };
                let sixteen: &mut [i16; SQUARE] =
                    (&mut to[left + at][top..top + SQUARE]).try_into().expect("sixteen columns");
                // SAFETY: the reference is to sixteen i16.
                unsafe { _mm256_storeu_si256(sixteen.as_mut_ptr().cast(), column) }
            }
        }
    }
}

/// Transposes squares of 8 x 8 in registers. The compiler does not vectorise the plain loop, which
/// takes a third of the update of a tile.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tile_avx2<const ROWS: usize, const COLUMNS: usize>(
    from: &[[i32; COLUMNS]; ROWS],
    to: &mut [[i32; ROWS]; COLUMNS],
) {
    use std::arch::x86_64::*;
    const SQUARE: usize = 8;
    const { assert!(ROWS.is_multiple_of(SQUARE) && COLUMNS.is_multiple_of(SQUARE)) }
    for top in (0..ROWS).step_by(SQUARE) {
        for left in (0..COLUMNS).step_by(SQUARE) {
            let row = |i: usize| {
                let eight: &[i32; SQUARE] =
                    from[top + i][left..left + SQUARE].try_into().expect("eight columns");
                // SAFETY: the reference is to eight i32.
                unsafe { _mm256_loadu_ps(eight.as_ptr().cast()) }
            };
            // Interleaves neighbouring rows by one, then two, then four elements.
            let rows: [_; SQUARE] = std::array::from_fn(row);
            let ones: [_; SQUARE] = std::array::from_fn(|at| {
                let (a, b) = (rows[at / 2 * 2], rows[at / 2 * 2 + 1]);
                if at % 2 == 0 { _mm256_unpacklo_ps(a, b) } else { _mm256_unpackhi_ps(a, b) }
            });
            let twos: [_; SQUARE] = std::array::from_fn(|at| {
                let (a, b) = (ones[at / 4 * 4 + at % 4 / 2], ones[at / 4 * 4 + at % 4 / 2 + 2]);
                if at % 2 == 0 {
                    _mm256_shuffle_ps::<0x44>(a, b)
                } else {
                    _mm256_shuffle_ps::<0xEE>(a, b)
                }
            });
            for at in 0..SQUARE {
                let (a, b) = (twos[at % 4], twos[at % 4 + 4]);
                let column = if at < 4 {
                    _mm256_permute2f128_ps::<0x20>(a, b)
                } else {
                    _mm256_permute2f128_ps::<0x31>(a, b)
                };
                let eight: &mut [i32; SQUARE] =
                    (&mut to[left + at][top..top + SQUARE]).try_into().expect("eight columns");
                // SAFETY: the reference is to eight i32.
                unsafe { _mm256_storeu_ps(eight.as_mut_ptr().cast(), column) }
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
    fn transposed_bits_have_their_indices_exchanged() {
        for (n_rows, n_columns) in [(1, 1), (64, 64), (5, 130), (128, 37), (65, 65)] {
            let on = |row: usize, column: usize| (row * row + 3 * column) % 11 < 4;
            let from = BitPanels::from_matrix(&BitMatrix::from_fn(n_rows, n_columns, on));
            let mut to = BitPanels::zeros(n_columns, n_rows);
            for (block, words) in to.panels_mut().enumerate() {
                bits_of_rows(&from, block, words);
            }
            assert_eq!(to.to_matrix(), BitMatrix::from_fn(n_columns, n_rows, |i, n| on(n, i)));
        }
    }

    #[test]
    fn a_transposed_tile_has_its_indices_exchanged() {
        let from: Tile<i16> =
            std::array::from_fn(|i| std::array::from_fn(|j| (100 * i + j) as i16));
        let wide = from.map(|row| row.map(i32::from));
        for isa in Isa::available() {
            let mut to = [[0; SIDE]; SIDE];
            Entry::transpose(isa, &from, &mut to);
            assert!((0..SIDE).all(|i| (0..SIDE).all(|j| to[i][j] == from[j][i])), "{}", isa.name());
            let mut to = [[0; SIDE]; SIDE];
            Entry::transpose(isa, &wide, &mut to);
            assert!((0..SIDE).all(|i| (0..SIDE).all(|j| to[i][j] == wide[j][i])), "{}", isa.name());
        }
    }

    #[test]
    fn rows_become_columns_and_rows_again() {
        let rows: [Row<i32>; LANES] =
            std::array::from_fn(|n| std::array::from_fn(|j| (100 * n + j) as i32));
        for isa in Isa::available() {
            let mut columns = [[0; LANES]; SIDE];
            to_columns(isa, &rows, &mut columns);
            assert!((0..SIDE).all(|j| (0..LANES).all(|n| columns[j][n] == rows[n][j])));
            let mut again = [[0; SIDE]; LANES];
            to_rows(isa, &columns, &mut again);
            assert_eq!(again, rows, "{}", isa.name());
        }
    }
}
