//! Moments of units over samples against those over data: of single units, pairs and triples.

use super::components::transposed;
use crate::bits::{BitMatrix, active};
use crate::evaluate::site_moments::{Pair, pairs};
use crate::rng::{Purpose, Stream};
use crate::units::Units;
use serde::{Deserialize, Serialize};

/// The number of triples that are compared.
const TRIPLES: usize = 2000;

/// The line through moments of one set against those of another, by least squares, and Pearson's coefficient. Both are
/// 1 if the sets agree; none if a set does not vary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MomentFit {
    /// The slope of the model's samples against the examples.
    pub slope: Option<f64>,
    /// Their correlation coefficient.
    pub correlation: Option<f64>,
    /// The slope of one half of the examples against the other: what noise leaves of 1.
    pub slope_of_halves: Option<f64>,
    /// The correlation coefficient of the halves.
    pub correlation_of_halves: Option<f64>,
}

/// Moments of the model's samples against those of the examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MomentFits {
    /// ⟨vᵢ⟩.
    pub units: MomentFit,
    /// The connected ⟨vᵢ vₖ⟩ of pairs of units of different sites, at most 10,000.
    pub pairs: MomentFit,
    /// The connected ⟨vᵢ vₖ vₗ⟩ of 2,000 triples.
    pub triples: MomentFit,
}

/// Rows whose moments are taken.
pub struct MomentRows<'a> {
    /// (N, V)
    pub visible: &'a BitMatrix,
    /// (N), with the sum 1.
    pub shares: &'a [f64],
}

/// Compares samples with data, and two halves of the data with each other. The units and pairs are those of a seed.
pub fn moment_fits(
    units: &Units,
    seed: u64,
    data: MomentRows<'_>,
    halves: [MomentRows<'_>; 2],
    samples: MomentRows<'_>,
) -> MomentFits {
    let (pairs, triples) = (pairs(units, seed), triples(units, seed));
    let of = |rows: MomentRows<'_>| Moments::of(&rows, &pairs, &triples);
    let ([data, samples], [one, other]) = ([data, samples].map(of), halves.map(of));
    let fit = |moments: fn(&Moments) -> &Vec<f64>| {
        let [(slope, correlation), (slope_of_halves, correlation_of_halves)] =
            [[&data, &samples], [&one, &other]].map(|[x, y]| line(moments(x), moments(y)));
        MomentFit { slope, correlation, slope_of_halves, correlation_of_halves }
    };
    MomentFits {
        units: fit(|moments| &moments.units),
        pairs: fit(|moments| &moments.pairs),
        triples: fit(|moments| &moments.triples),
    }
}

/// The slope of y against x, and their correlation coefficient.
fn line(x: &[f64], y: &[f64]) -> (Option<f64>, Option<f64>) {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (of_x, of_y) = (mean(x), mean(y));
    let [mut xx, mut xy, mut yy] = [0.0; 3];
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x - of_x, y - of_y);
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    (finite(xy / xx), finite(xy / (xx * yy).sqrt()))
}

/// Units of three different sites, drawn from all by the seed; none if there are fewer sites.
fn triples(units: &Units, seed: u64) -> Vec<[usize; 3]> {
    if units.n_sites() < 3 {
        return Vec::new();
    }
    let site_of: Vec<_> =
        units.sites().enumerate().flat_map(|(site, columns)| columns.map(move |_| site)).collect();
    let mut stream = Stream::new(seed, Purpose::MixingTriples, 0);
    let n_units = u32::try_from(units.n_units()).expect("fewer than 2^32 units");
    let draws = std::iter::repeat_with(|| [(); 3].map(|()| stream.below(n_units) as usize));
    let differ = |units: &[usize; 3]| {
        let [i, k, l] = units.map(|unit| site_of[unit]);
        i != k && k != l && i != l
    };
    draws.filter(differ).take(TRIPLES).collect()
}

/// Means, and connected means of products.
struct Moments {
    units: Vec<f64>,
    pairs: Vec<f64>,
    triples: Vec<f64>,
}

impl Moments {
    fn of(rows: &MomentRows<'_>, pairs: &[Pair], triples: &[[usize; 3]]) -> Self {
        let columns = transposed(rows.visible);
        let mean = |units: &[usize]| -> f64 {
            let all = |word: usize| units.iter().fold(!0, |all, &i| all & columns.row(i)[word]);
            let words: Vec<_> = (0..columns.row(0).len()).map(all).collect();
            active(&words).map(|row| rows.shares[row]).sum()
        };
        let units: Vec<_> = (0..rows.visible.n_columns()).map(|i| mean(&[i])).collect();
        let pair = |i: usize, k: usize| mean(&[i, k]) - units[i] * units[k];
        let triple = |&[i, k, l]: &[usize; 3]| {
            let of_pairs = units[i] * pair(k, l) + units[k] * pair(i, l) + units[l] * pair(i, k);
            mean(&[i, k, l]) - of_pairs - units[i] * units[k] * units[l]
        };
        Self {
            pairs: pairs.iter().map(|pair_of| pair(pair_of.first, pair_of.second)).collect(),
            triples: triples.iter().map(triple).collect(),
            units,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connected_moments_are_means_of_products_of_deviations() {
        let visible = BitMatrix::from_fn(90, 4, |n, i| ((n * 7919) >> (i / 2) & 3) < 2 + i % 2);
        let shares: Vec<_> = (0..90).map(|n| (1 + n % 3) as f64 / 180.0).collect();
        let rows = MomentRows { visible: &visible, shares: &shares };
        let found = Moments::of(&rows, &[Pair { first: 1, second: 3 }], &[[2, 0, 3]]);
        let mean = |units: &[usize]| -> f64 {
            let product = |n: usize| {
                let deviation = |&i: &usize| f64::from(visible.get(n, i)) - found.units[i];
                units.iter().map(deviation).product::<f64>()
            };
            (0..90).map(|n| shares[n] * product(n)).sum()
        };
        assert!(mean(&[1]).abs() < 1e-12);
        assert!((found.pairs[0] - mean(&[1, 3])).abs() < 1e-12);
        assert!((found.triples[0] - mean(&[2, 0, 3])).abs() < 1e-12);
        assert!(found.triples[0].abs() > 1e-3, "a moment that tells nothing");
    }

    #[test]
    fn triples_are_of_different_sites() {
        let units = Units::of_sites([3, 1, 2, 4]).unwrap();
        let site = |unit: usize| units.sites().position(|site| site.contains(&unit));
        let found = triples(&units, 1);
        assert_eq!(found.len(), TRIPLES);
        for [i, k, l] in found.into_iter().map(|triple| triple.map(site)) {
            assert!(i != k && k != l && i != l);
        }
        assert!(triples(&Units::of_sites([3, 4]).unwrap(), 1).is_empty());
        assert_eq!(line(&[0.0, 1.0, 2.0], &[1.0, 3.0, 5.0]), (Some(2.0), Some(1.0)));
        assert_eq!(line(&[], &[]), (None, None));
    }
}
