//! How far samples lie from data along a component.

use ndarray::ArrayView1;

/// The mean distance of two sets that are drawn alike, times √(1/n + 1/m): that of Kolmogorov's distribution,
/// √(π/2) ln 2.
const OF_NOISE: f64 = 0.8687;

/// Rows along a component, with their shares, and the number of equal rows that are worth as much.
pub struct Places<'a> {
    /// (N)
    pub along: ArrayView1<'a, f64>,
    /// (N), with the sum 1.
    pub shares: &'a [f64],
    pub n_effective: f64,
}

/// The largest difference of the cumulative distributions of two sets (Kolmogorov, Smirnov), 0 to 1, and its mean over
/// sets of these sizes that are drawn alike.
pub fn distance(one: &Places<'_>, other: &Places<'_>) -> (f64, f64) {
    let signed = |places: &Places<'_>, sign: f64| -> Vec<(f64, f64)> {
        places.along.iter().zip(places.shares).map(|(x, share)| (*x, sign * share)).collect()
    };
    let mut all = signed(one, 1.0);
    all.extend(signed(other, -1.0));
    all.sort_by(|(x, _), (y, _)| x.total_cmp(y));
    let (mut difference, mut largest) = (0.0_f64, 0.0_f64);
    for alike in all.chunk_by(|(x, _), (y, _)| x == y) {
        difference += alike.iter().map(|(_, share)| share).sum::<f64>();
        largest = largest.max(difference.abs());
    }
    let noise = OF_NOISE * (one.n_effective.recip() + other.n_effective.recip()).sqrt();
    (largest, noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_that_of_the_cumulative_distributions() {
        let places = |along: &'static [f64], shares: &'static [f64]| Places {
            along: along.into(),
            shares,
            n_effective: 100.0,
        };
        let one = places(&[0.0, 1.0, 2.0, 3.0], &[0.25; 4]);
        assert_eq!(distance(&one, &places(&[3.0, 1.0, 2.0, 0.0], &[0.25; 4])).0, 0.0);
        assert_eq!(distance(&one, &places(&[1.0, 3.0], &[0.5; 2])).0, 0.25);
        assert_eq!(distance(&one, &places(&[5.0], &[1.0])).0, 1.0);
        let (found, noise) = distance(&one, &places(&[0.0, 3.0], &[0.25, 0.75]));
        assert_eq!(found, 0.5);
        assert!((noise - 0.1229).abs() < 1e-4);
    }
}
