//! Means times the weights of their rows, and exact sums of them.
//!
//! A mean p̃ has 8 bits and a weight w̃ at most 17, so that a product has 24, and [`rows`](super::rows) sums
//! those of 64 rows in 32 bits. Such sums are added up as f64, which holds integers up to 2⁵³ exactly.
//! Splitting the weights into two bytes, for sums of 16 bits, would need every row twice.

use super::isa::dispatch;
use super::tile::{Row, SIDE};

dispatch! {
    /// Computes `products[n][j] = weights[n] · rows[n][j]`.
    ///
    /// # Panics
    /// If the numbers of rows, weights and products differ.
    pub fn weigh(isa, rows: &[Row<i16>], weights: &[i64], products: &mut [Row<i32>]) = weigh_body
}

#[inline(always)]
fn weigh_body(rows: &[Row<i16>], weights: &[i64], products: &mut [Row<i32>]) {
    assert!(rows.len() == weights.len() && rows.len() == products.len(), "a weight for each row");
    for ((row, &weight), products) in rows.iter().zip(weights).zip(products) {
        let weight = weight as i32;
        for j in 0..SIDE {
            products[j] = weight * i32::from(row[j]);
        }
    }
}

dispatch! {
    /// Adds `totals[i][j] += sums[i][j]`, exactly while the totals stay below 2^53.
    ///
    /// # Panics
    /// If the numbers of rows differ.
    pub fn add_sums(isa, sums: &[Row<i32>], totals: &mut [Row<f64>]) = add_sums_body
}

#[inline(always)]
fn add_sums_body(sums: &[Row<i32>], totals: &mut [Row<f64>]) {
    assert_eq!(sums.len(), totals.len(), "a total for each row of sums");
    for (sums, totals) in sums.iter().zip(totals) {
        for j in 0..SIDE {
            totals[j] += f64::from(sums[j]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;

    #[test]
    fn products_and_totals_are_exact_on_every_instruction_set() {
        for n in 0..5 {
            let rows: Vec<Row<i16>> = (0..n)
                .map(|n| std::array::from_fn(|j| (j as i16 * 4 - n) * (1 - 2 * (n % 2))))
                .collect();
            let weights: Vec<i64> = (0..n).map(|n| [1 << 16, 1, 40_503][n as usize % 3]).collect();
            for isa in Isa::available() {
                let mut products = vec![[7; SIDE]; n as usize];
                weigh(isa, &rows, &weights, &mut products);
                let mut totals = vec![[(1_u64 << 52) as f64; SIDE]; n as usize];
                add_sums(isa, &products, &mut totals);
                for (at, (row, &weight)) in rows.iter().zip(&weights).enumerate() {
                    for (j, &x) in row.iter().enumerate() {
                        let product = i64::from(x) * weight;
                        assert_eq!(i64::from(products[at][j]), product, "{}", isa.name());
                        assert_eq!(totals[at][j] as i64, (1 << 52) + product, "{}", isa.name());
                    }
                }
            }
        }
    }
}
