//! Rows of real numbers without their zeros: data that are not turned into bits.

use crate::bits::BitMatrix;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::mapped::Numbers;
use crate::memory::Bytes;
use ndarray::ArrayView2;
use std::ops::Range;

/// The nonzero numbers of one row, by increasing unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RealRow<'a> {
    /// Their units.
    pub units: &'a [u32],
    /// Their numbers, one a unit.
    pub values: &'a [f32],
}

impl<'a> RealRow<'a> {
    /// The units and their numbers.
    pub fn iter(self) -> impl Iterator<Item = (usize, f32)> + 'a {
        self.units.iter().zip(self.values).map(|(&unit, &value)| (unit as usize, value))
    }

    /// The units whose number, rounded to 0 or 1, is 1.
    pub fn rounded(self) -> impl Iterator<Item = usize> + 'a {
        self.iter().filter(|&(_, value)| value >= 0.5).map(|(unit, _)| unit)
    }

    /// The number of one unit: 0 if it has no entry.
    pub fn value(self, unit: usize) -> f32 {
        let found = self.units.binary_search_by_key(&unit, |&unit| unit as usize);
        found.map_or(0.0, |at| self.values[at])
    }
}

/// A matrix of real numbers that stores only the nonzero ones, row after row.
///
/// ```
/// use harmonium::reals::RealRows;
/// let mut rows = RealRows::new(3);
/// rows.push([0.0, 0.5, 1.0]);
/// assert_eq!(rows.row(0).units, [1, 2]);
/// assert_eq!(rows.row(0).value(1), 0.5);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RealRows {
    n_columns: usize,
    /// Where each row begins, and where the last one ends.
    starts: Numbers<u64>,
    units: Numbers<u32>,
    values: Numbers<f32>,
}

impl RealRows {
    /// The memory of a matrix of `n_rows` rows with `n_entries` nonzero numbers.
    pub fn bytes(n_rows: usize, n_entries: usize) -> Bytes {
        Bytes::of::<usize>(&[n_rows]) + Bytes::of::<[u32; 2]>(&[n_entries])
    }

    /// A matrix without rows, of `n_columns` columns.
    ///
    /// # Panics
    /// If `n_columns` is 2^32 or more.
    pub fn new(n_columns: usize) -> Self {
        Self::with_capacity(n_columns, 0, 0)
    }

    /// As [`new`](Self::new), with room for `n_rows` rows of `n_entries` nonzero numbers in all.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn with_capacity(n_columns: usize, n_rows: usize, n_entries: usize) -> Self {
        assert!(u32::try_from(n_columns).is_ok(), "{n_columns} columns");
        let mut starts = Vec::with_capacity(n_rows + 1);
        starts.push(0);
        let (units, values) = (Vec::with_capacity(n_entries), Vec::with_capacity(n_entries));
        Self { n_columns, starts: starts.into(), units: units.into(), values: values.into() }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// Number of columns: units.
    pub fn n_columns(&self) -> usize {
        self.n_columns
    }

    /// Number of entries: numbers that are not 0.
    pub fn n_entries(&self) -> usize {
        self.units.len()
    }

    /// Returns one row.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> RealRow<'_> {
        let range = self.starts[row] as usize..self.starts[row + 1] as usize;
        RealRow { units: &self.units[range.clone()], values: &self.values[range] }
    }

    /// All rows in order.
    pub fn rows(&self) -> impl Iterator<Item = RealRow<'_>> {
        (0..self.n_rows()).map(|row| self.row(row))
    }

    /// A copy of some rows.
    ///
    /// # Panics
    /// If the range passes the last row.
    pub fn rows_of(&self, rows: Range<usize>) -> Self {
        let mut copy = Self::new(self.n_columns);
        rows.for_each(|row| copy.push_row(self.row(row)));
        copy
    }

    /// Removes all rows and keeps the allocated memory.
    pub fn clear(&mut self) {
        self.starts.to_mut().truncate(1);
        self.units.to_mut().clear();
        self.values.to_mut().clear();
    }

    /// Adds a row, one number for each unit.
    ///
    /// # Panics
    /// If the number of values is not the number of columns.
    pub fn push(&mut self, numbers: impl IntoIterator<Item = f32>) {
        let (units, values) = (self.units.to_mut(), self.values.to_mut());
        let mut n = 0;
        for (unit, value) in numbers.into_iter().enumerate() {
            if value != 0.0 {
                units.push(unit as u32);
                values.push(value);
            }
            n += 1;
        }
        assert_eq!(n, self.n_columns, "numbers of a row");
        self.end_row();
    }

    /// Adds a row from its units, in increasing order, and their numbers. Zeros are dropped.
    ///
    /// # Panics
    /// If the units do not increase or pass the last column.
    pub fn push_entries(&mut self, entries: impl IntoIterator<Item = (usize, f32)>) {
        let (units, values) = (self.units.to_mut(), self.values.to_mut());
        let mut least = 0;
        for (unit, value) in entries {
            assert!((least..self.n_columns).contains(&unit), "unit {unit} of {}", self.n_columns);
            least = unit + 1;
            if value != 0.0 {
                units.push(unit as u32);
                values.push(value);
            }
        }
        self.end_row();
    }

    /// Reads a sparse matrix in compressed rows (CSR): row n has the entries `starts[n]` to
    /// `starts[n + 1]`. Returns `None` if the units of a row do not increase or pass the last column,
    /// if `starts` decreases or passes the last entry, or for 2^32 columns or more.
    pub fn from_csr(
        n_columns: usize,
        starts: &[i64],
        units: &[i64],
        values: &[f32],
    ) -> Option<Self> {
        u32::try_from(n_columns).ok()?;
        let n_entries = units.len().min(values.len());
        let mut rows = Self::new(n_columns);
        for ends in starts.windows(2) {
            let [start, end] = [usize::try_from(ends[0]).ok()?, usize::try_from(ends[1]).ok()?];
            if start > end || end > n_entries {
                return None;
            }
            let units = &units[start..end];
            let do_rise = units.windows(2).all(|pair| pair[0] < pair[1]);
            let are_inside = units.iter().all(|unit| (0..n_columns as i64).contains(unit));
            if !(do_rise && are_inside) {
                return None;
            }
            let entries = units.iter().zip(&values[start..end]);
            rows.push_entries(entries.map(|(&unit, &value)| (unit as usize, value)));
        }
        Some(rows)
    }

    /// Where each row begins and the last one ends, and the units and the numbers of all entries.
    pub(crate) fn parts(&self) -> (&[u64], &[u32], &[f32]) {
        (&self.starts, &self.units, &self.values)
    }

    /// The matrix of these [parts](Self::parts), held or in a file; `None` if they are not those of a matrix of
    /// finite numbers.
    pub(crate) fn of_parts(
        n_columns: usize,
        starts: Numbers<u64>,
        units: Numbers<u32>,
        values: Numbers<f32>,
    ) -> Option<Self> {
        u32::try_from(n_columns).ok()?;
        let n_entries = units.len();
        let do_rise = starts.windows(2).all(|ends| ends[0] <= ends[1]);
        let are_whole = starts.first() == Some(&0) && starts.last() == Some(&(n_entries as u64));
        if !(do_rise && are_whole && values.len() == n_entries) {
            return None;
        }
        let are_numbers = values.iter().all(|&x| x.is_finite() && x != 0.0);
        let rows = Self { n_columns, starts, units, values };
        let do_fit = rows.rows().all(|row| {
            row.units.windows(2).all(|pair| pair[0] < pair[1])
                && row.units.last().is_none_or(|&last| (last as usize) < n_columns)
        });
        (are_numbers && do_fit).then_some(rows)
    }

    /// Refuses NaN and infinity. The error names the numbers `data`.
    ///
    /// # Errors
    /// [`Error::BadValue`] for the first such number.
    pub fn check_finite(&self, data: &str) -> Result<()> {
        let Some(at) = self.values.iter().position(|value| !value.is_finite()) else {
            return Ok(());
        };
        Err(Error::BadValue {
            data: data.to_string(),
            example: self.starts.partition_point(|&start| start <= at as u64) - 1,
            unit: self.units[at] as usize,
            value: f64::from(self.values[at]),
            rule: "finite, also as a float32".to_string(),
            remedy: None,
        })
    }

    /// Adds a row of another matrix.
    pub fn push_row(&mut self, row: RealRow<'_>) {
        self.units.to_mut().extend_from_slice(row.units);
        self.values.to_mut().extend_from_slice(row.values);
        self.end_row();
    }

    /// Notes that the last row ends after the last entry.
    fn end_row(&mut self) {
        let n_entries = self.units.len() as u64;
        self.starts.to_mut().push(n_entries);
    }

    /// Adds all rows of another matrix.
    ///
    /// # Panics
    /// If the widths differ.
    pub fn append(&mut self, other: &Self) {
        assert_eq!(self.n_columns, other.n_columns, "widths differ");
        let first = self.units.len() as u64;
        self.starts.to_mut().extend(other.starts[1..].iter().map(|start| first + start));
        self.units.to_mut().extend_from_slice(&other.units);
        self.values.to_mut().extend_from_slice(&other.values);
    }

    /// The rows with each column at its place in a layout: (rows, places).
    pub fn in_places(&self, layout: &Layout) -> Self {
        let mut placed = Self::with_capacity(layout.n_places(), self.n_rows(), self.n_entries());
        for row in self.rows() {
            placed.push_entries(row.iter().map(|(column, x)| (layout.place(column), x)));
        }
        placed
    }

    /// The first `n` columns.
    pub fn first_columns(&self, n: usize) -> Self {
        let mut first = Self::with_capacity(n, self.n_rows(), self.n_entries());
        for row in self.rows() {
            first.push_entries(row.iter().filter(|(column, _)| *column < n));
        }
        first
    }

    /// Writes the transpose to `transposed`, reusing its memory.
    pub fn transpose_into(&self, transposed: &mut Self) {
        transposed.n_columns = self.n_rows();
        let (starts, units) = (transposed.starts.to_mut(), transposed.units.to_mut());
        let values = transposed.values.to_mut();
        starts.clear();
        starts.resize(self.n_columns + 2, 0);
        units.resize(self.units.len(), 0);
        values.resize(self.values.len(), 0.0);
        // Counts go two places on. After the running sum, starts[c + 1] is where column c begins;
        // filling the column moves it to where the column ends, which is its final value.
        self.units.iter().for_each(|&unit| starts[unit as usize + 2] += 1);
        for column in 2..starts.len() {
            starts[column] += starts[column - 1];
        }
        for (n, row) in self.rows().enumerate() {
            for (unit, value) in row.iter() {
                let at = &mut starts[unit + 1];
                units[*at as usize] = n as u32;
                values[*at as usize] = value;
                *at += 1;
            }
        }
        starts.pop();
    }

    /// A matrix with `number(x)` in place of each x that is not 0. Zeros stay 0.
    pub fn mapped(&self, number: impl Fn(f32) -> f32) -> Self {
        let mut mapped = Self::new(self.n_columns);
        for row in self.rows() {
            mapped.push_entries(row.iter().map(|(unit, value)| (unit, number(value))));
        }
        mapped
    }

    /// The numbers rounded to 0 or 1.
    pub fn rounded(&self) -> BitMatrix {
        let mut bits = BitMatrix::zeros(self.n_rows(), self.n_columns);
        for (n, row) in self.rows().enumerate() {
            row.rounded().for_each(|unit| bits.set(n, unit, true));
        }
        bits
    }

    /// Whether any number is 0.
    pub fn has_zeros(&self) -> bool {
        self.values.len() < self.n_rows() * self.n_columns
    }

    /// Whether all numbers are 0 or 1.
    pub fn are_bits(&self) -> bool {
        self.values.iter().all(|&value| value == 1.0)
    }

    /// The bits, if all numbers are 0 or 1.
    pub fn to_bits(&self) -> Option<BitMatrix> {
        self.are_bits().then(|| self.rounded())
    }
}

impl From<&BitMatrix> for RealRows {
    /// The bits as numbers 0 and 1.
    fn from(bits: &BitMatrix) -> Self {
        let mut rows = Self::new(bits.n_columns());
        for n in 0..bits.n_rows() {
            rows.push_entries(crate::bits::active(bits.row(n)).map(|unit| (unit, 1.0)));
        }
        rows
    }
}

impl From<ArrayView2<'_, f32>> for RealRows {
    fn from(numbers: ArrayView2<'_, f32>) -> Self {
        let mut rows = Self::new(numbers.ncols());
        numbers.outer_iter().for_each(|row| rows.push(row.iter().copied()));
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(n_rows: usize, n_columns: usize) -> RealRows {
        let mut rows = RealRows::new(n_columns);
        for n in 0..n_rows {
            rows.push((0..n_columns).map(|i| ((n * 7 + i * i) % 5) as f32 * 0.25));
        }
        rows
    }

    #[test]
    fn zeros_are_left_out_and_read_back() {
        let rows = rows(4, 9);
        for n in 0..4 {
            assert!(rows.row(n).values.iter().all(|&value| value != 0.0));
            for i in 0..9 {
                assert_eq!(rows.row(n).value(i), ((n * 7 + i * i) % 5) as f32 * 0.25);
            }
        }
        let mut other = RealRows::new(9);
        other.push_entries(rows.row(0).iter().chain([(8, 0.0)].into_iter().filter(|_| false)));
        other.push_row(rows.row(1));
        let mut rest = RealRows::new(9);
        (2..4).for_each(|n| rest.push_row(rows.row(n)));
        other.append(&rest);
        assert_eq!(other, rows);
    }

    #[test]
    fn malformed_sparse_rows_are_refused() {
        let csr =
            |starts: &[i64], units: &[i64]| RealRows::from_csr(3, starts, units, &[0.5, 0.0, 2.0]);
        let rows = csr(&[0, 2, 2, 3], &[0, 2, 1]).unwrap();
        assert_eq!((rows.n_rows(), rows.row(0).units, rows.row(1).units), (3, &[0][..], &[][..]));
        assert_eq!(rows.row(2).value(1), 2.0);
        for (starts, units) in [
            (&[0, 4][..], &[0, 1, 2][..]),
            (&[0, 3], &[0, 1, 3]),
            (&[0, 3], &[0, 1]),
            (&[0, 2], &[1, 1, 2]),
            (&[0, 2], &[2, 1, 2]),
            (&[-1, 2], &[0, 1, 2]),
            (&[0, 2, 1], &[0, 1, 2]),
            (&[0, 1], &[-1, 1, 2]),
        ] {
            assert_eq!(csr(starts, units), None, "{starts:?} {units:?}");
        }
        assert_eq!(RealRows::from_csr(1 << 32, &[0], &[], &[]), None);
    }

    #[test]
    fn the_first_number_that_is_not_finite_is_named() {
        let mut rows = rows(3, 4);
        rows.check_finite("X").unwrap();
        rows.push([0.0; 4]);
        // NaN is the first entry of its row and follows an empty row.
        rows.push([0.0, 0.0, f32::NAN, f32::INFINITY]);
        let error = rows.check_finite("X").unwrap_err().to_string();
        assert!(error.contains("example 4") && error.contains("unit 2"), "{error}");
    }

    #[test]
    fn transposing_twice_gives_the_matrix_back() {
        for (n_rows, n_columns) in [(1, 1), (5, 3), (3, 70), (130, 2)] {
            let rows = rows(n_rows, n_columns);
            // The old contents of the target do not matter.
            let (mut transposed, mut back) = (self::rows(3, 5), self::rows(9, 1));
            rows.transpose_into(&mut transposed);
            assert_eq!((transposed.n_rows(), transposed.n_columns()), (n_columns, n_rows));
            for n in 0..n_rows {
                for i in 0..n_columns {
                    assert_eq!(transposed.row(i).value(n), rows.row(n).value(i));
                }
            }
            transposed.transpose_into(&mut back);
            assert_eq!(back, rows);
        }
    }

    #[test]
    fn mapping_keeps_zeros_and_places() {
        let rows = rows(4, 9);
        let mapped = rows.mapped(|x| x - 0.25);
        assert!(
            rows.has_zeros() && !RealRows::from(ndarray::array![[1.0, -1.0]].view()).has_zeros()
        );
        for (n, i) in (0..4).flat_map(|n| (0..9).map(move |i| (n, i))) {
            let x = rows.row(n).value(i);
            assert_eq!(mapped.row(n).value(i), if x == 0.0 { 0.0 } else { x - 0.25 });
        }
        assert!(mapped.rows().all(|row| row.values.iter().all(|&x| x != 0.0)));
    }

    #[test]
    fn only_zeros_and_ones_are_bits() {
        let bits = BitMatrix::from_fn(3, 70, |n, i| (n + i) % 3 == 0);
        assert_eq!(RealRows::from(&bits).to_bits(), Some(bits));
        assert_eq!(rows(2, 4).to_bits(), None);
        let halves = RealRows::from(ndarray::array![[-3.0, 0.49, 0.5, 7.0]].view());
        assert_eq!(halves.rounded(), BitMatrix::from_fn(1, 4, |_, i| i >= 2));
    }
}
