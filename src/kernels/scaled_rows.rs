//! Sums of rows, each times a number: what [`rows`](super::rows) does for bits, for real states.
//!
//! Floating-point sums depend on their order. Each output is therefore one sum in the order of the
//! rows, skipping zeros; it multiplies, then adds (rustc never fuses the two). 64 outputs are computed
//! side by side. Neither this nor a split of the states changes the order.

use super::isa::dispatch;
use super::tile::{Row, SIDE};
use crate::reals::{RealRow, RealRows};

/// A number that can be summed.
pub trait Addend: Copy + Send + Sync {
    /// The number as an f32, exactly.
    fn to_f32(self) -> f32;
}

impl Addend for f32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

impl Addend for i16 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self.into()
    }
}

/// For magnitudes up to 2^24.
impl Addend for i32 {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        self as f32
    }
}

dispatch! {
    /// Adds `sums[n][j] += Σᵢ vₙᵢ · rows[i][j]` for the states v from `first` on, in f32.
    ///
    /// # Panics
    /// If there are more sums than states, or a unit of a state has no row.
    pub fn add_scaled_rows<; T: Addend>(isa, rows: &[Row<T>], states: &RealRows, first: usize,
        sums: &mut [Row<f32>]) = add_scaled_rows_body
}

#[inline(always)]
fn add_scaled_rows_body<T: Addend>(
    rows: &[Row<T>],
    states: &RealRows,
    first: usize,
    sums: &mut [Row<f32>],
) {
    for (at, sum) in sums.iter_mut().enumerate() {
        let mut total = *sum;
        let RealRow { units, values } = states.row(first + at);
        for (&unit, &value) in units.iter().zip(values) {
            let row = &rows[unit as usize];
            for j in 0..SIDE {
                total[j] += value * row[j].to_f32();
            }
        }
        *sum = total;
    }
}

dispatch! {
    /// Adds `sums[n][j] += Σᵢ vₙᵢ · matrix[i][j]` for the states v from `first` on and a row-major matrix
    /// (any, `width`), in f64. `sums` is (states, `width`).
    ///
    /// # Panics
    /// If there are more sums than states, or a unit of a state has no row.
    pub fn add_scaled_rows_f64(isa, matrix: &[f32], width: usize, states: &RealRows, first: usize,
        sums: &mut [f64]) = add_scaled_rows_f64_body
}

#[inline(always)]
fn add_scaled_rows_f64_body(
    matrix: &[f32],
    width: usize,
    states: &RealRows,
    first: usize,
    sums: &mut [f64],
) {
    // All states read 64 columns before the next 64, which therefore stay in cache.
    for from in (0..width).step_by(SIDE) {
        let columns = from..width.min(from + SIDE);
        for (at, sums) in sums.chunks_exact_mut(width).enumerate() {
            let (state, sums) = (states.row(first + at), &mut sums[columns.clone()]);
            if let Ok(sums) = <&mut Row<f64>>::try_from(&mut *sums) {
                let mut total = *sums;
                for (unit, value) in state.iter() {
                    let row: &[f32] = &matrix[unit * width + from..][..SIDE];
                    let row: &Row<f32> = row.try_into().expect("64 columns");
                    for j in 0..SIDE {
                        total[j] += f64::from(value) * f64::from(row[j]);
                    }
                }
                *sums = total;
                continue;
            }
            for (unit, value) in state.iter() {
                let row = &matrix[unit * width..][columns.clone()];
                for (sum, &x) in sums.iter_mut().zip(row) {
                    *sum += f64::from(value) * f64::from(x);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Isa, naive};
    use super::*;

    fn states(n_rows: usize, n_columns: usize) -> RealRows {
        let mut rows = RealRows::new(n_columns);
        for n in 0..n_rows {
            let value = |i: usize| ((n * 37 + i * 101) % 17) as f32 / 16.0 - 0.25;
            rows.push(
                (0..n_columns).map(|i| if (n + i * i).is_multiple_of(3) { value(i) } else { 0.0 }),
            );
        }
        rows
    }

    fn value(at: usize) -> f32 {
        ((at * 7919 + 13) % 1009) as f32 / 97.0 - 5.0
    }

    #[test]
    fn sums_equal_the_naive_ones_bit_for_bit() {
        for n_rows in [1, 63, 64, 65, 130] {
            let rows: Vec<Row<f32>> =
                (0..n_rows).map(|i| std::array::from_fn(|j| value(i * SIDE + j))).collect();
            let states = states(9, n_rows);
            let numbers: Vec<Vec<f32>> =
                (0..9).map(|n| (0..n_rows).map(|i| states.row(n).value(i)).collect()).collect();
            let mut expected = vec![vec![0.25; SIDE]; 7];
            naive::add_scaled_rows(&rows, &numbers[2..], &mut expected);
            let whole = rows.iter().map(|row| row.map(|x| (x * 97.0).round() as i16));
            let whole: Vec<_> = whole.collect();
            let as_floats: Vec<_> = whole.iter().map(|row| row.map(f32::from)).collect();
            let mut expected_of_whole = vec![vec![0.0; SIDE]; 9];
            naive::add_scaled_rows(&as_floats, &numbers, &mut expected_of_whole);
            for isa in Isa::available() {
                let mut sums = [[0.25; SIDE]; 7];
                add_scaled_rows(isa, &rows, &states, 2, &mut sums);
                assert!(sums.iter().zip(&expected).all(|(x, y)| x[..] == y[..]), "{}", isa.name());
                let mut sums = [[0.0; SIDE]; 9];
                add_scaled_rows(isa, &whole, &states, 0, &mut sums);
                assert!(sums.iter().zip(&expected_of_whole).all(|(x, y)| x[..] == y[..]));
            }
        }
    }

    #[test]
    fn sums_in_double_precision_are_in_order() {
        for width in [1, 7, 63, 64, 65, 200] {
            let matrix: Vec<f32> = (0..20 * width).map(value).collect();
            let states = states(3, 20);
            for isa in Isa::available() {
                let mut sums = vec![0.5; 2 * width];
                add_scaled_rows_f64(isa, &matrix, width, &states, 1, &mut sums);
                for (at, &sum) in sums.iter().enumerate() {
                    let (n, j) = (1 + at / width, at % width);
                    let mut expected = 0.5;
                    for (i, v) in states.row(n).iter() {
                        expected += f64::from(v) * f64::from(matrix[i * width + j]);
                    }
                    assert_eq!(sum, expected, "{} {width}", isa.name());
                }
            }
        }
    }
}
