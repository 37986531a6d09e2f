//! Tiles: contiguous pieces of matrices, 64 x 64. [`tiled`](super::tiled) defines their order.
//!
//! A tile has as many rows as a word of state bits, so one word selects the rows of a tile to add. A
//! tile of 16 KB stays in the L1 cache. Contiguous tiles also avoid strides of a power of two, with
//! which a column would occupy only a few cache sets.

use crate::bits::WORD;
use aligned_vec::{AVec, ConstAlign};

/// Number of columns of a panel, of rows and columns of a tile, and of units in a word.
pub const SIDE: usize = WORD;

/// Consecutive columns of one row, 64 by default.
pub type Row<T> = [T; SIDE];

/// 64 rows of a panel, one after the other.
pub type Tile<T> = [Row<T>; SIDE];

/// A vector of rows or tiles, each of which begins on a cache line, so that no AVX-512 load spans two
/// lines.
pub type Aligned<T> = AVec<T, ConstAlign<64>>;

/// A vector of `n` copies of a value.
pub fn aligned<T: Copy>(value: T, n: usize) -> Aligned<T> {
    let mut all = Aligned::new(0);
    all.resize(n, value);
    all
}

/// Some columns of a matrix, all rows: every `stride`-th tile, from rows 0 to 63 downwards.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a, T = i32> {
    tiles: &'a [Tile<T>],
    stride: usize,
}

impl<'a, T> Panel<'a, T> {
    /// The panel of tiles 0, `stride`, 2·`stride`, …
    pub fn new(tiles: &'a [Tile<T>], stride: usize) -> Self {
        Self { tiles, stride }
    }

    /// The tiles, from top to bottom.
    #[inline(always)]
    pub fn tiles(self) -> impl Iterator<Item = &'a Tile<T>> {
        self.tiles.iter().step_by(self.stride)
    }

    /// The tile of rows 64·`at` to 64·`at` + 63.
    #[inline(always)]
    pub fn tile(self, at: usize) -> &'a Tile<T> {
        &self.tiles[at * self.stride]
    }

    /// Number of tiles.
    pub fn n_tiles(self) -> usize {
        self.tiles.len().div_ceil(self.stride)
    }

    /// The rows of a panel whose tiles are contiguous.
    ///
    /// # Panics
    /// If the stride is not 1.
    pub fn rows(self) -> &'a [Row<T>] {
        assert_eq!(self.stride, 1, "tiles of a contiguous panel");
        self.tiles.as_flattened()
    }
}
