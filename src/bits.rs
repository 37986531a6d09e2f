//! Rows of packed 0/1: states of visible and hidden units, and binary data.

use crate::error::{Error, Result};
use crate::layout::{Layout, SIDE};
use crate::mapped::Numbers;
use crate::memory::Bytes;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};
use std::ops::Range;

/// Units in one word of a [`BitMatrix`].
pub const WORD: usize = SIDE;

/// A matrix of 0 and 1, eight to a byte: unit `j` of a row is bit `j % 64` of word `j / 64`.
///
/// Bits past the last column are always 0, so that whole words may be compared and counted.
///
/// ```
/// let mut states = harmonium::BitMatrix::zeros(2, 70);
/// states.set(1, 69, true);
/// assert!(states.get(1, 69));
/// assert_eq!(states.count_ones(), 1);
/// ```
///
/// Arrays of 0 and 1, of any type of numbers or of `bool`, are converted:
///
/// ```
/// use harmonium::BitMatrix;
/// use ndarray::array;
/// let states = BitMatrix::try_from(array![[0, 1, 1], [1, 0, 0]].view())?;
/// assert!(states.get(0, 2) && !states.get(1, 2));
/// assert!(BitMatrix::try_from(array![[0.0, 0.5]].view()).is_err());
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitMatrix {
    n_rows: usize,
    n_columns: usize,
    words_per_row: usize,
    words: Numbers<u64>,
}

impl BitMatrix {
    /// The memory of a matrix (n_rows, n_columns).
    pub fn bytes(n_rows: usize, n_columns: usize) -> Bytes {
        Bytes::of::<u64>(&[n_rows, n_columns.div_ceil(WORD)])
    }

    /// A matrix of zeros, (n_rows, n_columns).
    pub fn zeros(n_rows: usize, n_columns: usize) -> Self {
        let words_per_row = n_columns.div_ceil(WORD);
        Self { n_rows, n_columns, words_per_row, words: vec![0; n_rows * words_per_row].into() }
    }

    /// A matrix of ones, (n_rows, n_columns).
    pub fn ones(n_rows: usize, n_columns: usize) -> Self {
        let mut matrix = Self::zeros(n_rows, n_columns);
        matrix.words_mut().fill(u64::MAX);
        if !n_columns.is_multiple_of(WORD) {
            let last = u64::MAX >> (WORD - n_columns % WORD);
            matrix.words.to_mut().chunks_exact_mut(matrix.words_per_row).for_each(|row| {
                row[n_columns / WORD] = last;
            });
        }
        matrix
    }

    /// The matrix whose unit (row, column) is `is_on(row, column)`.
    pub fn from_fn(
        n_rows: usize,
        n_columns: usize,
        mut is_on: impl FnMut(usize, usize) -> bool,
    ) -> Self {
        let mut matrix = Self::zeros(n_rows, n_columns);
        for row in 0..n_rows {
            for column in 0..n_columns {
                if is_on(row, column) {
                    matrix.set(row, column, true);
                }
            }
        }
        matrix
    }

    /// The matrix whose unit (row, column) is `bit(row, column)`, or `None` if one of them is neither on nor off.
    pub(crate) fn try_from_fn(
        n_rows: usize,
        n_columns: usize,
        bit: impl Fn(usize, usize) -> Option<bool>,
    ) -> Option<Self> {
        let mut matrix = Self::zeros(n_rows, n_columns);
        for row in 0..n_rows {
            let words = matrix.row_mut(row);
            for column in 0..n_columns {
                words[column / WORD] |= u64::from(bit(row, column)?) << (column % WORD);
            }
        }
        Some(matrix)
    }

    /// The matrix (n_rows, n_columns) of these rows of bytes, or `None` if one of them is neither 0 nor 1.
    ///
    /// # Panics
    /// If there are more rows.
    pub(crate) fn of_bytes<'b>(
        (n_rows, n_columns): (usize, usize),
        rows: impl Iterator<Item = &'b [u8]>,
    ) -> Option<Self> {
        let mut matrix = Self::zeros(n_rows, n_columns);
        for (row, bytes) in rows.enumerate() {
            for (word, bytes) in matrix.row_mut(row).iter_mut().zip(bytes.chunks(WORD)) {
                *word = packed(bytes)?;
            }
        }
        Some(matrix)
    }

    /// The matrix of these words, ⌈n_columns/64⌉ a row, or `None` if bits past the last column are
    /// set.
    ///
    /// # Panics
    /// If the number of words is wrong.
    pub fn from_words(n_rows: usize, n_columns: usize, words: Vec<u64>) -> Option<Self> {
        Self::of_words(n_rows, n_columns, words.into())
    }

    /// [`from_words`](Self::from_words), held or in a file.
    pub(crate) fn of_words(n_rows: usize, n_columns: usize, words: Numbers<u64>) -> Option<Self> {
        let words_per_row = n_columns.div_ceil(WORD);
        assert_eq!(words.len(), n_rows * words_per_row, "words of a matrix");
        let past = |row: &[u64]| {
            !n_columns.is_multiple_of(WORD) && row[words_per_row - 1] >> (n_columns % WORD) != 0
        };
        let is_whole = words_per_row == 0 || !words.chunks_exact(words_per_row).any(past);
        is_whole.then_some(Self { n_rows, n_columns, words_per_row, words })
    }

    /// Number of rows: examples or chains.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns: units.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// All words, row after row.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// All words, row after row. The caller must keep the bits past the last column 0.
    pub fn words_mut(&mut self) -> &mut [u64] {
        self.words.to_mut()
    }

    /// The words of one row.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.words_per_row..(row + 1) * self.words_per_row]
    }

    /// The words of one row. The caller must keep the bits past the last column 0.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_mut(&mut self, row: usize) -> &mut [u64] {
        &mut self.words.to_mut()[row * self.words_per_row..(row + 1) * self.words_per_row]
    }

    /// Whether unit (row, column) is on.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn get(&self, row: usize, column: usize) -> bool {
        assert!(column < self.n_columns, "column {column} of {}", self.n_columns);
        self.row(row)[column / WORD] >> (column % WORD) & 1 == 1
    }

    /// Switches unit (row, column) on or off.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn set(&mut self, row: usize, column: usize, is_on: bool) {
        assert!(column < self.n_columns, "column {column} of {}", self.n_columns);
        let word = &mut self.row_mut(row)[column / WORD];
        *word = *word & !(1 << (column % WORD)) | u64::from(is_on) << (column % WORD);
    }

    /// Number of units that are on, in all rows.
    pub fn count_ones(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// A copy of some rows.
    ///
    /// # Panics
    /// If the range passes the last row.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let words = &self.words[rows.start * self.words_per_row..rows.end * self.words_per_row];
        Self { n_rows: rows.len(), words: words.to_vec().into(), ..*self }
    }

    /// The first `n` rows, in the same memory.
    ///
    /// # Panics
    /// If there are fewer.
    pub(crate) fn first_rows(self, n: usize) -> Self {
        assert!(n <= self.n_rows, "{n} rows of {}", self.n_rows);
        let words = self.words.truncated(n * self.words_per_row);
        Self { n_rows: n, words, ..self }
    }

    /// The first `n` columns.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn first_columns(&self, n: usize) -> Self {
        assert!(n <= self.n_columns, "{n} columns of {}", self.n_columns);
        Self::from_fn(self.n_rows, n, |row, column| self.get(row, column))
    }

    /// The same rows with `n` columns, the last of them off.
    ///
    /// # Panics
    /// If there are more.
    pub fn wider(&self, n: usize) -> Self {
        assert!(n >= self.n_columns, "{} columns in {n}", self.n_columns);
        Self::from_fn(self.n_rows, n, |row, column| {
            column < self.n_columns && self.get(row, column)
        })
    }

    /// A copy of the rows of these numbers, in this order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn chosen(&self, rows: &[usize]) -> Self {
        let words = rows.iter().flat_map(|&row| self.row(row).iter().copied());
        Self { n_rows: rows.len(), words: words.collect::<Vec<_>>().into(), ..*self }
    }

    /// The units that are on here and not in `other`, a matrix of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn without(mut self, other: &Self) -> Self {
        let shape = |matrix: &Self| (matrix.n_rows, matrix.n_columns);
        assert_eq!(shape(&self), shape(other), "shapes");
        self.words
            .to_mut()
            .iter_mut()
            .zip(other.words.iter())
            .for_each(|(word, other)| *word &= !other);
        self
    }

    /// The units that are on here or in `other`, a matrix of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub(crate) fn with(mut self, other: &Self) -> Self {
        let shape = |matrix: &Self| (matrix.n_rows, matrix.n_columns);
        assert_eq!(shape(&self), shape(other), "shapes");
        self.words
            .to_mut()
            .iter_mut()
            .zip(other.words.iter())
            .for_each(|(word, other)| *word |= other);
        self
    }

    /// SHA-256 in hexadecimal of the bits as bytes 0 and 1, row after row, like
    /// `sha256(array.astype("uint8").tobytes())` of the same array in numpy.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for row in 0..self.n_rows {
            let bytes: Vec<u8> =
                (0..self.n_columns).map(|column| u8::from(self.get(row, column))).collect();
            hash.update(&bytes);
        }
        hexadecimal(&hash.finalize())
    }

    /// `n` rows spread evenly over the matrix, in order. If `n` exceeds the number of rows, some
    /// repeat.
    ///
    /// # Panics
    /// If the matrix has no rows.
    pub fn spread(&self, n: usize) -> Self {
        let rows = (0..n).flat_map(|at| self.row(at * self.n_rows / n).iter().copied());
        Self { n_rows: n, words: rows.collect::<Vec<_>>().into(), ..*self }
    }

    /// The first `n` rows in order, beginning again after the last.
    ///
    /// # Panics
    /// If the matrix has no rows, and `n` is not 0.
    pub fn cycled(&self, n: usize) -> Self {
        let rows = (0..n).flat_map(|at| self.row(at % self.n_rows).iter().copied());
        Self { n_rows: n, words: rows.collect::<Vec<_>>().into(), ..*self }
    }

    /// An array (n_rows, n_columns) with `number(is_on)` for each unit.
    pub fn to_array<T>(&self, number: impl Fn(bool) -> T) -> Array2<T> {
        let shape = (self.n_rows, self.n_columns);
        Array2::from_shape_fn(shape, |(row, column)| number(self.get(row, column)))
    }

    /// The rows of all matrices, one below the other.
    ///
    /// # Panics
    /// If `parts` is empty or the widths differ.
    pub fn concatenate(parts: &[Self]) -> Self {
        Self::stacked(&parts.iter().collect::<Vec<_>>())
    }

    /// [`concatenate`](Self::concatenate), of matrices that stand anywhere.
    pub(crate) fn stacked(parts: &[&Self]) -> Self {
        assert!(parts.iter().all(|part| part.n_columns == parts[0].n_columns), "widths differ");
        let n_rows = parts.iter().map(|part| part.n_rows).sum();
        let words = parts.iter().map(|part| &part.words[..]).collect::<Vec<_>>().concat();
        Self { n_rows, words: words.into(), ..*parts[0] }
    }
}

impl<T: Copy + Into<f64>> TryFrom<ArrayView2<'_, T>> for BitMatrix {
    type Error = Error;

    /// # Errors
    /// [`Error::BadValue`] for the first number that is neither 0 nor 1.
    fn try_from(numbers: ArrayView2<'_, T>) -> Result<Self> {
        let mut matrix = Self::zeros(numbers.nrows(), numbers.ncols());
        for ((example, unit), number) in numbers.indexed_iter() {
            match (*number).into() {
                0.0 => {}
                1.0 => matrix.set(example, unit, true),
                value => {
                    let (data, rule) = ("array of bits".to_string(), "0 or 1".to_string());
                    return Err(Error::BadValue { data, example, unit, value, rule, remedy: None });
                }
            }
        }
        Ok(matrix)
    }
}

/// A [`BitMatrix`] laid out for the kernels: panel after panel of 64 places, with one word a row in
/// each panel. The [`Layout`] says where the unit of each column stands.
///
/// Threads can then draw different panels of a layer in parallel. The number of rows is rounded up
/// to a multiple of 64, so that the matrix can be transposed in squares. The rows past the last are
/// all 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitPanels {
    n_rows: usize,
    layout: Layout,
    row_capacity: usize,
    words: Vec<u64>,
}

impl BitPanels {
    /// The memory of a matrix (n_rows, columns).
    pub fn bytes(n_rows: usize, columns: impl Into<Layout>) -> Bytes {
        Bytes::of::<u64>(&[n_rows.div_ceil(WORD), WORD, columns.into().n_panels()])
    }

    /// A matrix of zeros, (n_rows, columns).
    pub fn zeros(n_rows: usize, columns: impl Into<Layout>) -> Self {
        let layout = columns.into();
        let row_capacity = n_rows.next_multiple_of(WORD);
        let words = vec![0; row_capacity * layout.n_panels()];
        Self { n_rows, layout, row_capacity, words }
    }

    /// The bits of a matrix in the layout whose panels are full.
    pub fn from_matrix(matrix: &BitMatrix) -> Self {
        Self::in_layout(matrix, matrix.n_columns())
    }

    /// The bits of a matrix in a layout of its columns.
    ///
    /// # Panics
    /// If the numbers of columns differ.
    pub fn in_layout(matrix: &BitMatrix, columns: impl Into<Layout>) -> Self {
        let mut panels = Self::zeros(matrix.n_rows(), columns);
        assert_eq!(panels.n_columns(), matrix.n_columns(), "columns of a layout");
        for row in 0..matrix.n_rows() {
            panels.set_row(row, matrix.row(row));
        }
        panels
    }

    /// The bits as a [`BitMatrix`].
    pub fn to_matrix(&self) -> BitMatrix {
        let mut matrix = BitMatrix::zeros(self.n_rows, self.n_columns());
        for row in 0..self.n_rows {
            self.layout.pack(self.row(row), matrix.row_mut(row));
        }
        matrix
    }

    /// Number of rows: examples or chains.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Number of columns: units.
    pub fn n_columns(&self) -> usize {
        self.layout.n_units()
    }

    /// The places of the columns.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Number of panels of 64 places.
    pub fn n_panels(&self) -> usize {
        self.layout.n_panels()
    }

    /// Words of one panel: the number of rows, rounded up to a multiple of 64.
    pub fn row_capacity(&self) -> usize {
        self.row_capacity
    }

    /// The words of one panel, one a row, including those past the last row.
    pub fn panel(&self, panel: usize) -> &[u64] {
        &self.words[panel * self.row_capacity..(panel + 1) * self.row_capacity]
    }

    /// The panels. The caller must keep rows and units past the last 0.
    pub fn panels_mut(&mut self) -> impl Iterator<Item = &mut [u64]> {
        self.words.chunks_exact_mut(self.row_capacity)
    }

    /// All words, one panel after the other. The caller must keep rows and units past the last 0.
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// [`panels_mut`](Self::panels_mut) for several threads.
    pub fn par_panels_mut(&mut self) -> impl IndexedParallelIterator<Item = &mut [u64]> {
        self.words.par_chunks_exact_mut(self.row_capacity)
    }

    /// Some of the panels, in blocks of `height` rows, one panel after the other, for several threads. The
    /// caller must keep units past the last 0.
    ///
    /// # Panics
    /// If `height` does not divide the [row capacity](Self::row_capacity), or there are no such panels.
    pub fn par_blocks_mut(
        &mut self,
        panels: Range<usize>,
        height: usize,
    ) -> impl IndexedParallelIterator<Item = Block<'_>> {
        assert!(self.row_capacity.is_multiple_of(height), "blocks of {height} rows");
        let (n_rows, n_blocks) = (self.n_rows, self.row_capacity / height);
        let words =
            &mut self.words[panels.start * self.row_capacity..panels.end * self.row_capacity];
        words.par_chunks_exact_mut(height).enumerate().map(move |(at, words)| {
            let (panel, first) = (panels.start + at / n_blocks, at % n_blocks * height);
            let n = n_rows.saturating_sub(first).min(height);
            Block { panel, first, words: &mut words[..n] }
        })
    }

    /// The words of one row, one a panel.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = u64> + '_ {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        self.words[row..].iter().step_by(self.row_capacity).copied()
    }

    /// Number of units that are on, in all rows.
    pub fn count_ones(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// The places that are on in one row, in increasing order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn active(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        active_of(self.row(row))
    }

    /// Whether unit (row, column) is on.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn get(&self, row: usize, column: usize) -> bool {
        let (at, bit) = self.word_and_bit(row, column);
        self.words[at] >> bit & 1 == 1
    }

    /// Switches unit (row, column) on or off.
    ///
    /// # Panics
    /// If there is no such unit.
    pub fn set(&mut self, row: usize, column: usize, is_on: bool) {
        let (at, bit) = self.word_and_bit(row, column);
        let word = &mut self.words[at];
        *word = *word & !(1 << bit) | u64::from(is_on) << bit;
    }

    /// Switches the unit at a place on.
    ///
    /// # Panics
    /// If the row or place does not exist.
    pub fn switch_on(&mut self, row: usize, place: usize) {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        self.words[place / WORD * self.row_capacity + row] |= 1 << (place % WORD);
    }

    /// The index of the word of a unit, and its bit there.
    fn word_and_bit(&self, row: usize, column: usize) -> (usize, usize) {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        let place = self.layout.place(column);
        (place / WORD * self.row_capacity + row, place % WORD)
    }

    /// Copies the bits of a matrix of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn copy_from(&mut self, other: &Self) {
        assert_eq!((self.n_rows, &self.layout), (other.n_rows, &other.layout), "shapes");
        self.words.copy_from_slice(&other.words);
    }

    /// Switches off the units that are on in a matrix of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn switch_off(&mut self, units: &Self) {
        assert_eq!((self.n_rows, &self.layout), (units.n_rows, &units.layout), "shapes");
        self.words.iter_mut().zip(&units.words).for_each(|(word, units)| *word &= !units);
    }

    /// Keeps the units that are on in `mask`, and takes the others from `others`, all of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn take_others(&mut self, mask: &Self, others: &Self) {
        for other in [mask, others] {
            assert_eq!((self.n_rows, &self.layout), (other.n_rows, &other.layout), "shapes");
        }
        for ((word, mask), other) in self.words.iter_mut().zip(&mask.words).zip(&others.words) {
            *word = *word & mask | other & !mask;
        }
    }

    /// Writes one row from its words, laid out as [`BitMatrix::row`] returns them.
    pub fn set_row(&mut self, row: usize, words: &[u64]) {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        let (panels, capacity) = (self.layout.words_of_panels(words), self.row_capacity);
        panels.enumerate().for_each(|(panel, word)| self.words[panel * capacity + row] = word);
    }

    /// Swaps one row with the same row of a matrix of the same shape.
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn swap_row(&mut self, other: &mut Self, row: usize) {
        assert_eq!((self.n_rows, &self.layout), (other.n_rows, &other.layout), "shapes");
        let capacity = self.row_capacity;
        let words = self.words[row..].iter_mut().step_by(capacity);
        words.zip(other.words[row..].iter_mut().step_by(capacity)).for_each(|(a, b)| {
            std::mem::swap(a, b);
        });
    }

    /// Changes the number of rows. Removed rows are set to 0.
    ///
    /// # Panics
    /// If `n_rows` exceeds the [row capacity](Self::row_capacity).
    pub fn set_n_rows(&mut self, n_rows: usize) {
        assert!(n_rows <= self.row_capacity, "{n_rows} rows of {}", self.row_capacity);
        for panel in self.words.chunks_exact_mut(self.row_capacity) {
            panel[n_rows..].fill(0);
        }
        self.n_rows = n_rows;
    }
}

/// Some rows of a panel of a [`BitPanels`].
pub struct Block<'a> {
    /// The panel.
    pub panel: usize,
    /// The first row.
    pub first: usize,
    /// A word for each row of the block, up to the last row of the matrix.
    pub words: &'a mut [u64],
}

/// Up to 64 bytes of 0 and 1 in a word, or `None` if there are others.
fn packed(bytes: &[u8]) -> Option<u64> {
    let (eights, rest) = bytes.as_chunks::<8>();
    let (mut word, mut all) = (0, 0);
    for (at, eight) in eights.iter().enumerate() {
        let eight = u64::from_le_bytes(*eight);
        all |= eight;
        // The product has byte i, 0 or 1, at bit 56 + i, and nothing is carried there.
        word |= (eight.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * at);
    }
    for (at, &byte) in rest.iter().enumerate() {
        all |= u64::from(byte);
        word |= u64::from(byte & 1) << (8 * eights.len() + at);
    }
    (all & !0x0101_0101_0101_0101 == 0).then_some(word)
}

/// Bytes in hexadecimal, two lower-case digits each.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The units that are on in a row of words, in increasing order.
pub fn active(words: &[u64]) -> impl Iterator<Item = usize> + '_ {
    active_of(words.iter().copied())
}

fn active_of(words: impl Iterator<Item = u64>) -> impl Iterator<Item = usize> {
    words.enumerate().flat_map(|(at, word)| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| rest.trailing_zeros() as usize)?;
            rest &= rest - 1;
            Some(at * WORD + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_reads_back_as_it_was_set() {
        for n_columns in [1, 63, 64, 65, 130] {
            let is_on = |row: usize, column: usize| (row * 7 + column * column).is_multiple_of(3);
            let matrix = BitMatrix::from_fn(3, n_columns, is_on);
            for row in 0..3 {
                let on: Vec<_> = (0..n_columns).filter(|&column| is_on(row, column)).collect();
                assert_eq!(active(matrix.row(row)).collect::<Vec<_>>(), on);
                assert!((0..n_columns).all(|column| matrix.get(row, column) == is_on(row, column)));
            }
            assert_eq!(matrix.rows(1..3).row(0), matrix.row(1));
            assert_eq!(matrix.clone().first_rows(2), matrix.rows(0..2));
            assert_eq!(matrix.spread(2).row(1), matrix.row(1));
            assert_eq!(matrix.spread(6).row(5), matrix.row(2));
            assert_eq!(matrix.cycled(3), matrix);
            assert_eq!(matrix.cycled(5).row(4), matrix.row(1));
            assert_eq!(matrix.to_array(|on| on)[[2, 0]], matrix.get(2, 0));
            let parts = [matrix.rows(0..1), matrix.rows(1..3)];
            assert_eq!(BitMatrix::concatenate(&parts), matrix);
        }
    }

    #[test]
    fn bytes_of_0_and_1_are_packed_and_others_are_not() {
        for n_columns in [1, 7, 8, 63, 64, 65, 130] {
            let is_on = |row: usize, column: usize| (row * 7 + column * column) % 5 < 2;
            let matrix = BitMatrix::from_fn(3, n_columns, is_on);
            let bytes = matrix.to_array(u8::from).into_raw_vec_and_offset().0;
            let of_bytes =
                |bytes: &[u8]| BitMatrix::of_bytes((3, n_columns), bytes.chunks(n_columns));
            assert_eq!(of_bytes(&bytes), Some(matrix.clone()));
            let bit = |row, column| Some(is_on(row, column));
            assert_eq!(BitMatrix::try_from_fn(3, n_columns, bit), Some(matrix));
            for at in 0..bytes.len() {
                for other in [2, 128, 255] {
                    let mut bytes = bytes.clone();
                    bytes[at] = other;
                    assert_eq!(of_bytes(&bytes), None, "{other} at {at}");
                }
                let bit = |row, column| (row * n_columns + column != at).then_some(true);
                assert_eq!(BitMatrix::try_from_fn(3, n_columns, bit), None, "{at}");
            }
        }
    }

    #[test]
    fn both_layouts_hold_the_same_bits() {
        for (n_rows, n_columns) in [(1, 1), (64, 64), (65, 130), (37, 70)] {
            let matrix =
                BitMatrix::from_fn(n_rows, n_columns, |row, column| (row ^ (column * 5)) % 7 < 3);
            let mut panels = BitPanels::from_matrix(&matrix);
            assert_eq!(panels.to_matrix(), matrix);
            panels.set_n_rows(n_rows / 2);
            assert_eq!(panels.to_matrix(), matrix.rows(0..n_rows / 2));
            assert!(
                (0..panels.n_panels()).all(|p| panels.panel(p)[n_rows / 2..]
                    == vec![0; panels.row_capacity() - n_rows / 2])
            );
        }
    }

    #[test]
    fn panels_and_matrix_hold_the_same_units() {
        for (n_rows, n_columns) in [(1, 1), (64, 64), (65, 130), (37, 70)] {
            let matrix =
                BitMatrix::from_fn(n_rows, n_columns, |row, column| (row ^ (column * 5)) % 7 < 3);
            let mut panels = BitPanels::zeros(n_rows, n_columns);
            for row in 0..n_rows {
                for column in 0..n_columns {
                    panels.set(row, column, !matrix.get(row, column));
                    panels.set(row, column, matrix.get(row, column));
                    assert_eq!(panels.get(row, column), matrix.get(row, column));
                }
                assert!(panels.row(row).eq(matrix.row(row).iter().copied()));
                assert!(panels.active(row).eq(active(matrix.row(row))));
            }
            assert_eq!(panels, BitPanels::from_matrix(&matrix));
        }
    }

    #[test]
    fn blocks_cover_every_row_of_every_panel_once() {
        for (n_rows, height) in [(130, 64), (130, 32), (130, 8), (64, 64), (3, 16)] {
            let mut panels = BitPanels::zeros(n_rows, 130);
            let (n_panels, capacity) = (panels.n_panels(), panels.row_capacity());
            let blocks = panels.par_blocks_mut(0..3, height);
            assert_eq!(blocks.len(), n_panels * capacity / height);
            blocks.for_each(|Block { panel, first, words }| {
                for (row, word) in words.iter_mut().enumerate() {
                    *word += (1000 * panel + first + row) as u64;
                }
            });
            for (panel, words) in panels.panels_mut().enumerate() {
                let expected = (0..n_rows).map(|row| (1000 * panel + row) as u64);
                assert!(words[..n_rows].iter().copied().eq(expected));
                assert!(words[n_rows..].iter().all(|&word| word == 0));
            }
        }
    }

    /// `printf '\0\1\1\0' | sha256sum` prints the same.
    #[test]
    fn the_fingerprint_hashes_bytes_of_0_and_1() {
        let matrix = BitMatrix::from_fn(2, 2, |row, column| row != column);
        let expected = "d5e2d2ac07b741be58f6b9e50ede5fdcf16f3e8053ecef9350e7744b0d8bd90c";
        assert_eq!(matrix.sha256(), expected);
    }

    #[test]
    fn switching_a_unit_off_leaves_the_others() {
        let mut matrix = BitMatrix::from_fn(1, 70, |_, _| true);
        matrix.set(0, 65, false);
        assert_eq!(matrix.count_ones(), 69);
        assert!(!matrix.get(0, 65));
    }
}
