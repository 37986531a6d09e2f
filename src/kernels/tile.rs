//! The pieces that matrices lie in: tiles of 64 x 64, each contiguous. [`tiled`](super::tiled) says
//! in which order.
//!
//! A tile's side is a word of state bits, so that one word of a row of states says which of a
//! tile's rows to add. Sixteen kilobytes stay in a core's first cache, and no stride is a power of
//! two that would throw a whole column into a few cache sets.

use crate::bits::WORD;
use aligned_vec::{AVec, ConstAlign};

/// Columns of a panel, rows and columns of a tile, units of a word.
pub const SIDE: usize = WORD;

/// Consecutive columns of one row: 64, unless another width is given.
pub type Row<T, const WIDTH: usize = SIDE> = [T; WIDTH];

/// 64 rows of a panel, row after row: as many as a word of states selects from.
pub type Tile<T, const WIDTH: usize = SIDE> = [Row<T, WIDTH>; SIDE];

/// A vector of rows or tiles that begins on a cache line, and so does each of them: loads of whole
/// lines, which those of AVX-512 are, then never touch two.
pub type Aligned<T> = AVec<T, ConstAlign<64>>;

/// `n` copies of a value.
pub fn aligned<T: Copy>(value: T, n: usize) -> Aligned<T> {
    let mut all = Aligned::new(0);
    all.resize(n, value);
    all
}

/// Some columns of a matrix, all rows: every `stride`-th tile, the first being that of rows 0 to 63.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a, T = i32, const WIDTH: usize = SIDE> {
    tiles: &'a [Tile<T, WIDTH>],
    stride: usize,
}

impl<'a, T, const WIDTH: usize> Panel<'a, T, WIDTH> {
    /// The panel of tiles 0, `stride`, 2·`stride`, …
    pub fn new(tiles: &'a [Tile<T, WIDTH>], stride: usize) -> Self {
        Self { tiles, stride }
    }

    /// Its tiles, downwards.
    #[inline(always)]
    pub fn tiles(self) -> impl Iterator<Item = &'a Tile<T, WIDTH>> {
        self.tiles.iter().step_by(self.stride)
    }

    /// Its tile of rows 64·`at` to 64·`at` + 63.
    #[inline(always)]
    pub fn tile(self, at: usize) -> &'a Tile<T, WIDTH> {
        &self.tiles[at * self.stride]
    }

    /// Number of its tiles.
    pub fn n_tiles(self) -> usize {
        self.tiles.len().div_ceil(self.stride)
    }

    /// Its rows, where its tiles lie one after the other.
    ///
    /// # Panics
    /// If they do not.
    pub fn rows(self) -> &'a [Row<T, WIDTH>] {
        assert_eq!(self.stride, 1, "tiles of other panels lie between");
        self.tiles.as_flattened()
    }
}
