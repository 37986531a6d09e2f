//! Matrices in tiles, and vectors in rows of the same width, in the [`Layout`]s of their units. Only this
//! module knows the order of tiles in memory.
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
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::state::{Number, State};
use rayon::prelude::*;
use std::ops::{Deref, DerefMut};

/// The smallest number of tiles worth a thread.
const LEAST_TILES: usize = 8;

/// A matrix (rows, columns) in tiles of 64 rows and 64 columns, padded with `T::default()`.
#[derive(Clone, Debug, PartialEq)]
pub struct Tiled<T> {
    rows: Layout,
    columns: Layout,
    /// Whether the lines are rows of tiles instead of panels.
    is_transposed: bool,
    tiles: Aligned<Tile<T>>,
}

impl<T: Copy + Default + Send + Sync> Tiled<T> {
    /// The memory of a matrix (rows, columns).
    pub fn bytes(rows: impl Into<Layout>, columns: impl Into<Layout>) -> Bytes {
        Bytes::of::<Tile<T>>(&[rows.into().n_panels(), columns.into().n_panels()])
    }

    /// A matrix of `T::default()`.
    pub fn new(rows: impl Into<Layout>, columns: impl Into<Layout>) -> Self {
        let (rows, columns) = (rows.into(), columns.into());
        let tiles = aligned([[T::default(); SIDE]; SIDE], rows.n_panels() * columns.n_panels());
        Self { rows, columns, is_transposed: false, tiles }
    }

    /// The matrix (rows, columns) of these values, row after row.
    ///
    /// # Panics
    /// If the number of values is wrong.
    pub fn from_matrix(values: &[T], rows: impl Into<Layout>, columns: impl Into<Layout>) -> Self {
        let mut matrix = Self::new(rows, columns);
        let (n_rows, n_columns) = (matrix.n_rows(), matrix.n_columns());
        assert_eq!(values.len(), n_rows * n_columns, "values of a matrix");
        for (at, rows) in matrix.rows.clone().panels().enumerate() {
            for (i, row) in rows.enumerate() {
                for (panel, columns) in matrix.columns.clone().panels().enumerate() {
                    let place = matrix.place(at, panel);
                    let values = &values[row * n_columns..][columns];
                    matrix.tiles[place][i][..values.len()].copy_from_slice(values);
                }
            }
        }
        matrix
    }

    /// The values, row after row.
    pub fn to_matrix(&self) -> Vec<T> {
        (0..self.n_rows()).flat_map(|row| self.row(row)).collect()
    }

    /// The values of one row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = T> + '_ {
        let place = self.rows.place(row);
        let pieces = self.columns.panels().enumerate().map(move |(panel, columns)| {
            &self.tile(place / SIDE, panel)[place % SIDE][..columns.len()]
        });
        pieces.flatten().copied()
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.rows.n_units()
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.columns.n_units()
    }

    /// Number of panels of 64 columns.
    pub fn n_panels(&self) -> usize {
        self.columns.n_panels()
    }

    /// Number of tiles in a panel.
    pub fn n_tiles_below(&self) -> usize {
        self.rows.n_panels()
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
    pub fn tile(&self, at: usize, panel: usize) -> &Tile<T> {
        &self.tiles[self.place(at, panel)]
    }

    /// A panel: 64 columns, all rows.
    #[inline(always)]
    pub fn panel(&self, panel: usize) -> Panel<'_, T> {
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
    pub fn par_lines(&self) -> impl IndexedParallelIterator<Item = &[Tile<T>]> {
        self.tiles.par_chunks_exact(self.line_length())
    }

    /// The lines, mutable.
    pub fn par_lines_mut(&mut self) -> impl IndexedParallelIterator<Item = &mut [Tile<T>]> {
        let length = self.line_length();
        self.tiles.par_chunks_exact_mut(length)
    }

    /// All tiles, in memory order.
    pub fn tiles(&self) -> &[Tile<T>] {
        &self.tiles
    }

    /// All tiles, mutable.
    pub fn tiles_mut(&mut self) -> &mut [Tile<T>] {
        &mut self.tiles
    }

    /// Calls `change` with every value and its counterpart in another matrix, in parallel, including
    /// the padding.
    ///
    /// # Panics
    /// If the shapes or the orders of tiles differ.
    pub fn zip<U: Copy + Default + Send + Sync>(
        &mut self,
        other: &Tiled<U>,
        change: impl Fn(&mut T, &U) + Sync,
    ) {
        let layout = (&other.rows, &other.columns, other.is_transposed);
        assert_eq!((&self.rows, &self.columns, self.is_transposed), layout, "layout of a matrix");
        let tiles = self.tiles.par_iter_mut().zip(other.tiles.par_iter()).with_min_len(LEAST_TILES);
        tiles.for_each(|(to, from)| {
            let pairs = to.as_flattened_mut().iter_mut().zip(from.as_flattened());
            pairs.for_each(|(to, from)| change(to, from));
        });
    }

    /// The matrix of `number(x)` in the same layout, computed in parallel. `number` should turn
    /// `T::default()` into `U::default()`.
    pub fn map<U: Copy + Default + Send + Sync>(&self, number: impl Fn(T) -> U + Sync) -> Tiled<U> {
        let mut mapped =
            Tiled { is_transposed: self.is_transposed, ..Tiled::new(&self.rows, &self.columns) };
        mapped.zip(self, |to, &from| *to = number(from));
        mapped
    }

    /// Puts the matrix (rows, columns) under a name.
    pub fn save(&self, name: impl Into<String>, state: &mut State)
    where
        T: Number,
    {
        state.put(name, &[self.n_rows(), self.n_columns()], self.to_matrix());
    }

    /// Reads a matrix (rows, columns) that was [saved](Self::save).
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(
        name: &str,
        state: &State,
        rows: impl Into<Layout>,
        columns: impl Into<Layout>,
    ) -> Result<Self>
    where
        T: Number,
    {
        let (rows, columns) = (rows.into(), columns.into());
        let values = state.get(name, &[rows.n_units(), columns.n_units()])?;
        Ok(Self::from_matrix(values, rows, columns))
    }
}

impl<T: Entry + Copy + Default + Send + Sync> Tiled<T> {
    /// The transpose (columns, rows), with the tiles in the same order, each transposed.
    pub fn transposed(&self, isa: Isa) -> Self {
        let mut transposed = Self {
            rows: self.columns.clone(),
            columns: self.rows.clone(),
            is_transposed: !self.is_transposed,
            tiles: self.tiles.clone(),
        };
        let tiles = transposed.tiles.par_iter_mut().zip(self.tiles.par_iter());
        let tiles = tiles.with_min_len(LEAST_TILES);
        tiles.for_each(|(to, from)| T::transpose(isa, from, to));
        transposed
    }
}

/// A vector in rows of 64, one for each panel, padded with `T::default()`. It derefs to the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Padded<T> {
    layout: Layout,
    rows: Aligned<Row<T>>,
}

impl<T: Copy + Default> Padded<T> {
    /// The memory of a vector.
    pub fn bytes(layout: impl Into<Layout>) -> Bytes {
        Bytes::of::<Row<T>>(&[layout.into().n_panels()])
    }

    /// A vector of `T::default()`.
    pub fn new(layout: impl Into<Layout>) -> Self {
        let layout = layout.into();
        Self { rows: aligned([T::default(); SIDE], layout.n_panels()), layout }
    }

    /// The vector of these values.
    ///
    /// # Panics
    /// If the number of values is wrong.
    pub fn from_vector(values: &[T], layout: impl Into<Layout>) -> Self {
        let mut vector = Self::new(layout);
        assert_eq!(values.len(), vector.n(), "values of a vector");
        for (row, columns) in vector.rows.iter_mut().zip(vector.layout.panels()) {
            row[..columns.len()].copy_from_slice(&values[columns]);
        }
        vector
    }

    /// The values, without the padding.
    pub fn values(&self) -> Vec<T> {
        let rows = self.rows.iter().zip(self.layout.panels());
        rows.flat_map(|(row, columns)| &row[..columns.len()]).copied().collect()
    }

    /// Number of values.
    pub fn n(&self) -> usize {
        self.layout.n_units()
    }

    /// Calls `change` with every value and its counterpart in another vector, including the padding.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn zip<U: Copy + Default>(&mut self, other: &Padded<U>, change: impl Fn(&mut T, &U)) {
        assert_eq!(self.layout, other.layout, "layout of a vector");
        let pairs = self.as_flattened_mut().iter_mut().zip(other.as_flattened());
        pairs.for_each(|(to, from)| change(to, from));
    }

    /// The vector of `number(x)`. `number` should turn `T::default()` into `U::default()`.
    pub fn map<U: Copy + Default>(&self, number: impl Fn(T) -> U) -> Padded<U> {
        let mut mapped = Padded::new(&self.layout);
        mapped.zip(self, |to, &from| *to = number(from));
        mapped
    }

    /// Puts the vector under a name.
    pub fn save(&self, name: impl Into<String>, state: &mut State)
    where
        T: Number,
    {
        state.put(name, &[self.n()], self.values());
    }

    /// Reads a vector that was [saved](Self::save).
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(name: &str, state: &State, layout: impl Into<Layout>) -> Result<Self>
    where
        T: Number,
    {
        let layout = layout.into();
        Ok(Self::from_vector(state.get(name, &[layout.n_units()])?, layout))
    }
}

impl<T> Deref for Padded<T> {
    type Target = [Row<T>];

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

impl<T> DerefMut for Padded<T> {
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

    /// Checks a matrix and a vector in these layouts.
    fn check(rows: &Layout, columns: &Layout) {
        let (n_rows, n_columns) = (rows.n_units(), columns.n_units());
        let matrix = values(n_rows, n_columns);
        let tiled = Tiled::from_matrix(&matrix, rows, columns);
        assert_eq!(tiled.to_matrix(), matrix);
        for (at, value) in matrix.iter().enumerate() {
            let (i, j) = (rows.place(at / n_columns), columns.place(at % n_columns));
            assert_eq!(tiled.tile(i / SIDE, j / SIDE)[i % SIDE][j % SIDE], *value);
            assert_eq!(tiled.panel(j / SIDE).tile(i / SIDE)[i % SIDE][j % SIDE], *value);
            assert_eq!(tiled.panel(j / SIDE).rows()[i][j % SIDE], *value);
        }
        let sum: u64 = tiled.tiles().as_flattened().as_flattened().iter().sum();
        assert_eq!(sum, matrix.iter().sum::<u64>(), "the padding is 0");

        let mut state = State::default();
        tiled.save("matrix", &mut state);
        assert_eq!(Tiled::restore("matrix", &state, rows, columns).unwrap(), tiled);
        let mut sum = tiled.map(|x| 2.0 * x as f64);
        sum.zip(&tiled, |to, &from| *to += from as f64);
        assert_eq!(sum, tiled.map(|x| 3.0 * x as f64));

        let vector = Padded::from_vector(&matrix[..n_columns], columns);
        assert_eq!((&vector.values()[..], vector.n()), (&matrix[..n_columns], n_columns));
        assert_eq!(vector.len(), columns.n_panels());
        vector.save("vector", &mut state);
        assert_eq!(Padded::restore("vector", &state, columns).unwrap(), vector);
    }

    #[test]
    fn a_matrix_comes_back_from_its_tiles() {
        for (n_rows, n_columns) in SHAPES {
            check(&n_rows.into(), &n_columns.into());
        }
        let sites = [Layout::of_groups([21; 7]), Layout::of_groups([3, 70, 1, 64, 2])];
        for layout in &sites {
            check(layout, &70.into());
            check(&70.into(), layout);
        }
    }

    #[test]
    fn a_transposed_matrix_keeps_the_order_of_its_tiles() {
        for (n_rows, n_columns) in SHAPES {
            let matrix: Vec<i32> = values(n_rows, n_columns).iter().map(|&x| x as i32).collect();
            let tiled = Tiled::from_matrix(&matrix, n_rows, n_columns);
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
