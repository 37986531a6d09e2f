//! How often each unit is on.

use crate::bits::{BitMatrix, active};
use crate::kernels::tile::SIDE;
use crate::kernels::transpose::square_of_bits;
use ndarray::Array1;

/// The number of rows in which each unit is on (units). Squares of 64 rows and units are transposed, so that a row of
/// one is 64 states of a unit: several times as fast as going through the units that are on.
pub(super) fn n_on(bits: &BitMatrix) -> Array1<u64> {
    let n_words = bits.n_columns().div_ceil(SIDE);
    let mut sums = vec![0; n_words * SIDE];
    for rows in bits.words().chunks(SIDE * n_words.max(1)) {
        for (word, sums) in sums.chunks_exact_mut(SIDE).enumerate() {
            let mut square = [0; SIDE];
            for (place, row) in square.iter_mut().zip(rows.chunks_exact(n_words)) {
                *place = row[word];
            }
            square_of_bits(&mut square);
            for (sum, states) in sums.iter_mut().zip(&square) {
                *sum += u64::from(states.count_ones());
            }
        }
    }
    sums.truncate(bits.n_columns());
    sums.into()
}

/// The sum of the weights of the rows in which each unit is on (units).
pub(super) fn weight_on(bits: &BitMatrix, weights: &[u32]) -> Array1<u64> {
    let mut sums = Array1::zeros(bits.n_columns());
    for (row, &weight) in weights.iter().enumerate() {
        active(bits.row(row)).for_each(|unit| sums[unit] += u64::from(weight));
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_as_often_as_they_are_on() {
        for n_rows in [1, 63, 64, 65, 200] {
            for n_columns in [1, 64, 70, 130] {
                let bits = BitMatrix::from_fn(n_rows, n_columns, |n, i| (n * n + 3 * i) % 7 < 3);
                let expected = weight_on(&bits, &vec![1; n_rows]);
                assert_eq!(n_on(&bits), expected, "{n_rows} x {n_columns}");
                let of = |i| (0..n_rows).filter(|&n| bits.get(n, i)).count() as u64;
                assert!((0..n_columns).all(|i| expected[i] == of(i)));
            }
        }
    }
}
