//! Whether chains lie where the data do, by the means of the units over both.

use crate::bits::{BitMatrix, active};
use ndarray::Array1;

/// How far the means of the units over the chains `visible` (C, V) lie from the rates pᵢ of the data (V):
/// the square root of the mean over units of
///
/// ```text
/// (⟨vᵢ⟩ − pᵢ)² / (pᵢ (1 − pᵢ) / C + 1 / C²)
/// ```
///
/// The first term of the denominator is the variance of a mean over C draws, so that draws of the data give
/// about 1. With the second term, a unit that is on in one chain and never in the data counts for at most 1.
/// The result is at most about √C.
///
/// # Panics
/// If rows are not V wide.
pub fn chain_moment_gap(visible: &BitMatrix, rates: &Array1<f64>) -> f64 {
    assert_eq!(visible.n_columns(), rates.len(), "visible units");
    let n = visible.n_rows() as f64;
    let mut sums = vec![0_u32; rates.len()];
    for row in 0..visible.n_rows() {
        active(visible.row(row)).for_each(|unit| sums[unit] += 1);
    }
    let squares = sums
        .iter()
        .zip(rates)
        .map(|(&sum, p)| (f64::from(sum) / n - p).powi(2) / (p * (1.0 - p) / n + 1.0 / (n * n)));
    (squares.sum::<f64>() / rates.len() as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};
    use crate::units::Units;

    #[test]
    fn draws_of_the_data_give_one_and_chains_elsewhere_more() {
        let rates = Array1::from_shape_fn(500, |i| (i as f64 + 0.5) / 500.0);
        let draws = |rates: &Array1<f64>| {
            let mut streams: Vec<_> =
                (0..100).map(|n| Stream::new(3, Purpose::Sample, n)).collect();
            let units = Units::bits(500);
            let biases = units.log_odds(rates).mapv(f64::from);
            units.draw_independent(biases, &mut streams)
        };
        // The mean of 500 independent squares has a standard deviation of √(2/500) = 0.06.
        let gap = chain_moment_gap(&draws(&rates), &rates);
        assert!((gap * gap - 1.0).abs() < 0.25, "{gap}");
        // 0.15 is three standard deviations of a fair coin's mean over 100 draws.
        let moved = rates.mapv(|p| (p + 0.15).min(1.0));
        assert!(chain_moment_gap(&draws(&moved), &rates) > 3.0);
    }

    #[test]
    fn a_unit_that_is_on_in_one_chain_alone_counts_for_at_most_one() {
        let visible = BitMatrix::from_fn(128, 1, |n, _| n == 7);
        assert!(chain_moment_gap(&visible, &Array1::from_elem(1, 1e-9)) <= 1.0);
    }
}
