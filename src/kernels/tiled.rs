//! Matrices in tiles, and vectors in rows of the same width. Only this module knows the order of
//! tiles in memory.
//!
//! ```text
//!            panel 0      panel 1           in memory: 0 1 2, the tiles of panel 0 from top to
//!  rows 0–63     0            3             bottom, then 3 4 5, those of panel 1, …
//!  64–127        1            4             (a *line* is a contiguous run of tiles: 0 1 2)
//!  128–191       2            5
//! ```
//!
//! A [transposed](Tiled::transposed) matrix keeps the order of tiles and transposes each, so that a
//! tile and its transpose have the same index. Its lines are its rows of tiles.

use super::isa::Isa;
use super::tile::{Aligned, Panel, Row, SIDE, Tile, aligned};
use super::transpose::Entry;
use crate::error::Result;
use crate::memory::Bytes;
use crate::state::{Number, State};
use rayon::prelude::*;
use std::ops::{Deref, DerefMut};

/// The smallest number of tiles worth a thread.
const LEAST_TILES: usize = 8;

/// A matrix (rows, columns) in tiles of 64 rows and `WIDTH` columns, padded with `T::default()`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiled<T, const WIDTH: usize = SIDE> {
    n_rows: usize,
    n_columns: usize,
    /// Whether the lines are rows of tiles instead of panels.
    is_transposed: bool,
    tiles: Aligned<Tile<T, WIDTH>>,
}

impl<T: Copy + Default + Send + Sync, const WIDTH: usize> Tiled<T, WIDTH> {
    /// The memory of a matrix (n_rows, n_columns).
    pub fn bytes(n_rows: usize, n_columns: usize) -> Bytes {
        Bytes::of::<Tile<T, WIDTH>>(&[n_rows.div_ceil(SIDE), n_columns.div_ceil(WIDTH)])
    }

    /// A matrix of `T::default()`.
    pub fn new(n_rows: usize, n_columns: usize) -> Self {
        let n_tiles = n_rows.div_ceil(SIDE) * n_columns.div_ceil(WIDTH);
        let tiles = aligned([[T::default(); WIDTH]; SIDE], n_tiles);
        Self { n_rows, n_columns, is_transposed: false, tiles }
    }

    /// The matrix (n_rows, n_columns) of these values, row after row.
    ///
    /// # Panics
    /// If the number of values is wrong.
    pub fn from_matrix(values: &[T], n_rows: usize, n_columns: usize) -> Self {
        assert_eq!(values.len(), n_rows * n_columns, "values of a matrix");
        let mut matrix = Self::new(n_rows, n_columns);
        for (i, row) in values.chunks(n_columns.max(1)).enumerate() {
            for (panel, values) in row.chunks(WIDTH).enumerate() {
                let place = matrix.place(i / SIDE, panel);
                matrix.tiles[place][i % SIDE][..values.len()].copy_from_slice(values);
            }
        }
        matrix
    }

    /// The values, row after row.
    pub fn to_matrix(&self) -> Vec<T> {
        (0..self.n_rows).flat_map(|row| self.row(row)).collect()
    }

    /// The values of one row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = T> + '_ {
        let pieces =
            (0..self.n_panels()).map(move |panel| &self.tile(row / SIDE, panel)[row % SIDE]);
        pieces.flatten().take(self.n_columns).copied()
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Number of panels of `WIDTH` columns.
    pub fn n_panels(&self) -> usize {
        self.n_columns.div_ceil(WIDTH)
    }

    /// Number of tiles in a panel.
    pub fn n_tiles_below(&self) -> usize {
        self.n_rows.div_ceil(SIDE)
    }

    /// The distances, in tiles, from a panel to the next and from a tile to the one below it.
    fn strides(&self) -> [usize; 2] {
        if self.is_transposed { [1, self.n_panels()] } else { [self.n_tiles_below(), 1] }
    }

    /// The index of the tile `at` tiles below the top of a panel.
    fn place(&self, at: usize, panel: usize) -> usize {
        let [to_next_panel, to_tile_below] = self.strides();
        panel * to_next_panel + at * to_tile_below
    }

    /// The tile `at` tiles below the top of a panel.
    pub fn tile(&self, at: usize, panel: usize) -> &Tile<T, WIDTH> {
        &self.tiles[self.place(at, panel)]
    }

    /// A panel: `WIDTH` columns, all rows.
    #[inline(always)]
    pub fn panel(&self, panel: usize) -> Panel<'_, T, WIDTH> {
        let [_, to_tile_below] = self.strides();
        let (first, last) = (self.place(0, panel), self.place(self.n_tiles_below() - 1, panel));
        Panel::new(&self.tiles[first..=last], to_tile_below)
    }

    /// Number of tiles in a line.
    fn line_length(&self) -> usize {
        let length = if self.is_transposed { self.n_panels() } else { self.n_tiles_below() };
        length.max(1)
    }

    /// The lines: the panels of this matrix or, if it is transposed, of the original.
    pub fn par_lines(&self) -> impl IndexedParallelIterator<Item = &[Tile<T, WIDTH>]> {
        self.tiles.par_chunks_exact(self.line_length())
    }

    /// The lines, mutable.
    pub fn par_lines_mut(&mut self) -> impl IndexedParallelIterator<Item = &mut [Tile<T, WIDTH>]> {
        let length = self.line_length();
        self.tiles.par_chunks_exact_mut(length)
    }

    /// All tiles, in memory order.
    pub fn tiles(&self) -> &[Tile<T, WIDTH>] {
        &self.tiles
    }

    /// All tiles, mutable.
    pub fn tiles_mut(&mut self) -> &mut [Tile<T, WIDTH>] {
        &mut self.tiles
    }

    /// Calls `change` with every value and its counterpart in another matrix, in parallel, including
    /// the padding.
    ///
    /// # Panics
    /// If the shapes or the orders of tiles differ.
    pub fn zip<U: Copy + Default + Send + Sync>(
        &mut self,
        other: &Tiled<U, WIDTH>,
        change: impl Fn(&mut T, &U) + Sync,
    ) {
        let layout = (other.n_rows, other.n_columns, other.is_transposed);
        assert_eq!((self.n_rows, self.n_columns, self.is_transposed), layout, "layout of a matrix");
        let tiles = self.tiles.par_iter_mut().zip(other.tiles.par_iter()).with_min_len(LEAST_TILES);
        tiles.for_each(|(to, from)| {
            let pairs = to.as_flattened_mut().iter_mut().zip(from.as_flattened());
            pairs.for_each(|(to, from)| change(to, from));
        });
    }

    /// The matrix of `number(x)` in the same layout, computed in parallel. `number` should turn
    /// `T::default()` into `U::default()`.
    pub fn map<U: Copy + Default + Send + Sync>(
        &self,
        number: impl Fn(T) -> U + Sync,
    ) -> Tiled<U, WIDTH> {
        let (n_rows, n_columns) = (self.n_rows, self.n_columns);
        let mut mapped =
            Tiled { is_transposed: self.is_transposed, ..Tiled::new(n_rows, n_columns) };
        mapped.zip(self, |to, &from| *to = number(from));
        mapped
    }

    /// Puts the matrix (rows, columns) under a name.
    pub fn save(&self, name: impl Into<String>, state: &mut State)
    where
        T: Number,
    {
        state.put(name, &[self.n_rows, self.n_columns], self.to_matrix());
    }

    /// Reads a matrix (n_rows, n_columns) that was [saved](Self::save).
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(name: &str, state: &State, n_rows: usize, n_columns: usize) -> Result<Self>
    where
        T: Number,
    {
        Ok(Self::from_matrix(state.get(name, &[n_rows, n_columns])?, n_rows, n_columns))
    }
}

impl<T: Entry + Copy + Default + Send + Sync> Tiled<T> {
    /// The transpose (columns, rows), with the tiles in the same order, each transposed.
    pub fn transposed(&self, isa: Isa) -> Self {
        let mut transposed = Self {
            n_rows: self.n_columns,
            n_columns: self.n_rows,
            is_transposed: !self.is_transposed,
            tiles: self.tiles.clone(),
        };
        let tiles = transposed.tiles.par_iter_mut().zip(self.tiles.par_iter());
        let tiles = tiles.with_min_len(LEAST_TILES);
        tiles.for_each(|(to, from)| T::transpose(isa, from, to));
        transposed
    }
}

/// A vector in rows of `WIDTH`, one for each panel, padded with `T::default()`. It derefs to the
/// rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Padded<T, const WIDTH: usize = SIDE> {
    n: usize,
    rows: Aligned<Row<T, WIDTH>>,
}

impl<T: Copy + Default, const WIDTH: usize> Padded<T, WIDTH> {
    /// The memory of a vector of `n` values.
    pub fn bytes(n: usize) -> Bytes {
        Bytes::of::<Row<T, WIDTH>>(&[n.div_ceil(WIDTH)])
    }

    /// A vector of `n` times `T::default()`.
    pub fn new(n: usize) -> Self {
        Self { n, rows: aligned([T::default(); WIDTH], n.div_ceil(WIDTH)) }
    }

    /// The vector of these values.
    pub fn from_vector(values: &[T]) -> Self {
        let mut vector = Self::new(values.len());
        vector.as_flattened_mut()[..values.len()].copy_from_slice(values);
        vector
    }

    /// The values, without the padding.
    pub fn values(&self) -> &[T] {
        &self.as_flattened()[..self.n]
    }

    /// Number of values.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Calls `change` with every value and its counterpart in another vector, including the padding.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn zip<U: Copy + Default>(
        &mut self,
        other: &Padded<U, WIDTH>,
        change: impl Fn(&mut T, &U),
    ) {
        assert_eq!(self.n, other.n, "length of a vector");
        let pairs = self.as_flattened_mut().iter_mut().zip(other.as_flattened());
        pairs.for_each(|(to, from)| change(to, from));
    }

    /// The vector of `number(x)`. `number` should turn `T::default()` into `U::default()`.
    pub fn map<U: Copy + Default>(&self, number: impl Fn(T) -> U) -> Padded<U, WIDTH> {
        let mut mapped = Padded::new(self.n);
        mapped.zip(self, |to, &from| *to = number(from));
        mapped
    }

    /// Puts the vector under a name.
    pub fn save(&self, name: impl Into<String>, state: &mut State)
    where
        T: Number,
    {
        state.put(name, &[self.n], self.values().to_vec());
    }

    /// Reads a vector of length `n` that was [saved](Self::save).
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(name: &str, state: &State, n: usize) -> Result<Self>
    where
        T: Number,
    {
        Ok(Self::from_vector(state.get(name, &[n])?))
    }
}

impl<T, const WIDTH: usize> Deref for Padded<T, WIDTH> {
    type Target = [Row<T, WIDTH>];

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

impl<T, const WIDTH: usize> DerefMut for Padded<T, WIDTH> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [(usize, usize); 5] = [(1, 1), (64, 64), (65, 130), (3, 200), (200, 3)];

    fn values(n_rows: usize, n_columns: usize) -> Vec<u64> {
        (1..=(n_rows * n_columns) as u64).collect()
    }

    /// Checks a matrix and a vector with panels of one width.
    fn check<const WIDTH: usize>(n_rows: usize, n_columns: usize) {
        let matrix = values(n_rows, n_columns);
        let tiled = Tiled::<u64, WIDTH>::from_matrix(&matrix, n_rows, n_columns);
        assert_eq!(tiled.to_matrix(), matrix);
        for (place, value) in matrix.iter().enumerate() {
            let (i, j) = (place / n_columns, place % n_columns);
            assert_eq!(tiled.tile(i / SIDE, j / WIDTH)[i % SIDE][j % WIDTH], *value);
            assert_eq!(tiled.panel(j / WIDTH).tile(i / SIDE)[i % SIDE][j % WIDTH], *value);
            assert_eq!(tiled.panel(j / WIDTH).rows()[i][j % WIDTH], *value);
        }
        let sum: u64 = tiled.tiles().as_flattened().as_flattened().iter().sum();
        assert_eq!(sum, matrix.iter().sum::<u64>(), "the padding is 0");

        let mut state = State::default();
        tiled.save("matrix", &mut state);
        assert_eq!(Tiled::restore("matrix", &state, n_rows, n_columns).unwrap(), tiled);
        let mut sum = tiled.map(|x| 2.0 * x as f64);
        sum.zip(&tiled, |to, &from| *to += from as f64);
        assert_eq!(sum, tiled.map(|x| 3.0 * x as f64));

        let vector = Padded::<u64, WIDTH>::from_vector(&matrix);
        assert_eq!((vector.values(), vector.n()), (&matrix[..], matrix.len()));
        assert_eq!(vector.len(), matrix.len().div_ceil(WIDTH));
        vector.save("vector", &mut state);
        assert_eq!(Padded::restore("vector", &state, matrix.len()).unwrap(), vector);
    }

    #[test]
    fn a_matrix_comes_back_from_its_tiles() {
        for (n_rows, n_columns) in SHAPES {
            check::<SIDE>(n_rows, n_columns);
            check::<{ 2 * SIDE }>(n_rows, n_columns);
        }
    }

    #[test]
    fn a_transposed_matrix_keeps_the_order_of_its_tiles() {
        for (n_rows, n_columns) in SHAPES {
            let matrix: Vec<i32> = values(n_rows, n_columns).iter().map(|&x| x as i32).collect();
            let tiled = Tiled::<i32>::from_matrix(&matrix, n_rows, n_columns);
            for isa in Isa::available() {
                let transposed = tiled.transposed(isa);
                assert_eq!((transposed.n_rows(), transposed.n_columns()), (n_columns, n_rows));
                for (place, value) in matrix.iter().enumerate() {
                    let (i, j) = (place / n_columns, place % n_columns);
                    assert_eq!(
                        transposed.panel(i / SIDE).tile(j / SIDE)[j % SIDE][i % SIDE],
                        *value
                    );
                }
                for (tile, other) in tiled.tiles().iter().zip(transposed.tiles()) {
                    assert!((0..SIDE).all(|i| (0..SIDE).all(|j| tile[i][j] == other[j][i])));
                }
                assert_eq!(tiled.par_lines().count(), tiled.n_panels());
                assert_eq!(transposed.par_lines().count(), tiled.n_panels());
                assert_eq!(transposed.transposed(isa), tiled);
            }
        }
    }
}
