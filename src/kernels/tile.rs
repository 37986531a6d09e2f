//! How matrices lie in memory: tiles of 64 x 64, each contiguous.
//!
//! A tile's side is a word of state bits, so that one word of a row of states says which of a
//! tile's rows to add. Sixteen kilobytes stay in a core's first cache, and no stride is a power of
//! two that would throw a whole column into a few cache sets.

use crate::bits::WORD;

/// Columns of a panel, rows and columns of a tile, units of a word.
pub const SIDE: usize = WORD;

/// 64 consecutive columns of one row.
pub type Row<T> = [T; SIDE];

/// A 64 x 64 piece of a matrix, row after row.
pub type Tile<T> = [Row<T>; SIDE];

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
