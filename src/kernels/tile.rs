//! How matrices lie in memory: tiles of 64 x 64, each contiguous.
//!
//! A tile's side is a word of state bits, so that one word of a row of states says which of a
//! tile's rows to add. Sixteen kilobytes stay in a core's first cache, and no stride is a power of
//! two that would throw a whole column into a few cache sets.

use crate::bits::WORD;
use aligned_vec::{AVec, ConstAlign};

/// Columns of a panel, rows and columns of a tile, units of a word.
pub const SIDE: usize = WORD;

/// 64 consecutive columns of one row.
pub type Row<T> = [T; SIDE];

/// A 64 x 64 piece of a matrix, row after row.
pub type Tile<T> = [Row<T>; SIDE];

/// A vector of rows or tiles that begins on a cache line, and so does each of them: loads of whole
/// lines, which those of AVX-512 are, then never touch two.
pub type Aligned<T> = AVec<T, ConstAlign<64>>;

/// So many times the same.
pub fn aligned<T: Copy>(value: T, n: usize) -> Aligned<T> {
    let mut all = Aligned::new(0);
    all.resize(n, value);
    all
}

/// A matrix (rows, columns), row after row, in tiles: those of columns 0 to 63 from top to bottom,
/// then those of the next 64 columns, …, filled up with `T::default()`.
///
/// # Panics
/// If the matrix has not as many values.
pub fn to_tiles<T: Copy + Default>(
    matrix: &[T],
    (rows, columns): (usize, usize),
) -> Aligned<Tile<T>> {
    assert_eq!(matrix.len(), rows * columns, "values of a matrix");
    let tiles_below = rows.div_ceil(SIDE);
    let mut tiles = aligned([[T::default(); SIDE]; SIDE], tiles_below * columns.div_ceil(SIDE));
    for (i, row) in matrix.chunks(columns.max(1)).enumerate() {
        for (panel, values) in row.chunks(SIDE).enumerate() {
            let tile = &mut tiles[panel * tiles_below + i / SIDE];
            tile[i % SIDE][..values.len()].copy_from_slice(values);
        }
    }
    tiles
}

/// The matrix (rows, columns), row after row, that lies in tiles as [`to_tiles`] makes them.
pub fn from_tiles<T: Copy>(tiles: &[Tile<T>], (rows, columns): (usize, usize)) -> Vec<T> {
    let tiles_below = rows.div_ceil(SIDE);
    let mut matrix = Vec::with_capacity(rows * columns);
    for i in 0..rows {
        for (panel, first) in (0..columns).step_by(SIDE).enumerate() {
            let row = &tiles[panel * tiles_below + i / SIDE][i % SIDE];
            matrix.extend_from_slice(&row[..SIDE.min(columns - first)]);
        }
    }
    matrix
}

/// A vector in rows of 64, filled up with `T::default()`.
pub fn to_rows<T: Copy + Default>(vector: &[T]) -> Aligned<Row<T>> {
    let mut rows = aligned([T::default(); SIDE], vector.len().div_ceil(SIDE));
    rows.as_flattened_mut()[..vector.len()].copy_from_slice(vector);
    rows
}

/// 64 columns of a matrix, all rows: every `stride`-th tile, the first being that of rows 0 to 63.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    tiles: &'a [Tile<i32>],
    stride: usize,
}

impl<'a> Panel<'a> {
    /// The panel of tiles 0, `stride`, 2·`stride`, …
    pub fn new(tiles: &'a [Tile<i32>], stride: usize) -> Self {
        Self { tiles, stride }
    }

    /// Its tiles, downwards.
    #[inline(always)]
    pub fn tiles(self) -> impl Iterator<Item = &'a Tile<i32>> {
        self.tiles.iter().step_by(self.stride)
    }

    /// Its tile of rows 64·`at` to 64·`at` + 63.
    #[inline(always)]
    pub fn tile(self, at: usize) -> &'a Tile<i32> {
        &self.tiles[at * self.stride]
    }

    /// Number of its tiles.
    pub fn n_tiles(self) -> usize {
        self.tiles.len().div_ceil(self.stride)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_comes_back_from_its_tiles() {
        for (rows, columns) in [(1, 1), (64, 64), (65, 130), (3, 200), (200, 3)] {
            let matrix: Vec<u32> = (0..(rows * columns) as u32).collect();
            let tiles = to_tiles(&matrix, (rows, columns));
            assert_eq!(from_tiles(&tiles, (rows, columns)), matrix);
            let (i, j) = (rows - 1, columns - 1);
            let tile = &tiles[j / SIDE * rows.div_ceil(SIDE) + i / SIDE];
            assert_eq!(tile[i % SIDE][j % SIDE], matrix[i * columns + j]);
        }
    }
}
