//! Sums of means, and of their products with integers, for the gradients of biases and of offsets.

use super::isa::dispatch;
use super::tile::Row;

dispatch! {
    /// Returns `sums[j] = Σₙ rows[n][j]`, exactly for up to 2^16 rows.
    pub fn sum(isa, rows: &[Row<i16>]) -> Row<i32> = sum_body
}

#[inline(always)]
fn sum_body(rows: &[Row<i16>]) -> Row<i32> {
    let mut sums = [0; super::tile::SIDE];
    for row in rows {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum += i32::from(x);
        }
    }
    sums
}

dispatch! {
    /// Computes `dots[n] = Σⱼ rows[n][j] · columns[j]`, exactly up to 2^63.
    ///
    /// # Panics
    /// If the numbers of dots and rows differ.
    pub fn dots(isa, rows: &[Row<i16>], columns: &Row<i32>, dots: &mut [i64]) = dots_body
}

#[inline(always)]
fn dots_body(rows: &[Row<i16>], columns: &Row<i32>, dots: &mut [i64]) {
    assert_eq!(rows.len(), dots.len(), "a dot for each row");
    for (row, dot) in rows.iter().zip(dots) {
        *dot = row.iter().zip(columns).map(|(&x, &y)| i64::from(x) * i64::from(y)).sum();
    }
}

dispatch! {
    /// Returns `sums[j] = Σₙ rows[n][j] · weights[n]`, exactly up to 2^63.
    ///
    /// # Panics
    /// If the numbers of weights and rows differ.
    pub fn weighted_sum(isa, rows: &[Row<i16>], weights: &[i64]) -> Row<i64> = weighted_sum_body
}

#[inline(always)]
fn weighted_sum_body(rows: &[Row<i16>], weights: &[i64]) -> Row<i64> {
    assert_eq!(rows.len(), weights.len(), "a weight for each row");
    let mut sums = [0; super::tile::SIDE];
    for (row, &weight) in rows.iter().zip(weights) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum += i64::from(x) * weight;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;

    #[test]
    fn products_are_exact_on_every_instruction_set() {
        let rows: Vec<Row<i16>> =
            (0..5).map(|n| std::array::from_fn(|j| 16_000 * (n - 2) + j as i16)).collect();
        let columns: Row<i32> = std::array::from_fn(|j| 65_536 - j as i32);
        let weights = [1 << 40, -3, 0, 7, 1 << 35];
        for isa in Isa::available() {
            let mut found = [0; 5];
            dots(isa, &rows, &columns, &mut found);
            let sums = weighted_sum(isa, &rows, &weights);
            let plain: Row<i32> =
                std::array::from_fn(|j| rows.iter().map(|row| i32::from(row[j])).sum());
            assert_eq!(sum(isa, &rows), plain, "{}", isa.name());
            for n in 0..5 {
                let exact = (0..64).map(|j| i128::from(rows[n][j]) * i128::from(columns[j])).sum();
                assert_eq!(i128::from(found[n]), exact, "{}", isa.name());
            }
            for j in 0..64 {
                let exact = (0..5).map(|n| i128::from(rows[n][j]) * i128::from(weights[n])).sum();
                assert_eq!(i128::from(sums[j]), exact, "{}", isa.name());
            }
        }
    }
}
