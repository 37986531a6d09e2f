//! What a report compares of data and of samples: how often a site has each value, and how pairs of sites go
//! together.

use crate::rng::{Purpose, Stream};
use crate::units::Units;
#[cfg(feature = "cli")]
use ndarray::ArrayView2;

/// The most pairs of units that are compared.
pub const MOST_PAIRS: usize = 10_000;

/// Units of two sites, the first before the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    pub first: usize,
    pub second: usize,
}

/// All pairs of units of different sites in order, or [`MOST_PAIRS`] that are drawn from them by the seed.
pub fn pairs(units: &Units, seed: u64) -> Vec<Pair> {
    let ends: Vec<usize> = units.sites().flat_map(|site| vec![site.end; site.len()]).collect();
    let n_pairs: usize = ends.iter().map(|end| units.n_units() - end).sum();
    if n_pairs <= MOST_PAIRS {
        let of =
            |first: usize| (ends[first]..units.n_units()).map(move |second| Pair { first, second });
        return (0..units.n_units()).flat_map(of).collect();
    }
    let mut stream = Stream::new(seed, Purpose::MonitorSubset, 1);
    let n_units = u32::try_from(units.n_units()).expect("fewer than 2^32 units");
    let draws = std::iter::repeat_with(|| {
        let [one, other] = [(); 2].map(|()| stream.below(n_units) as usize);
        Pair { first: one.min(other), second: one.max(other) }
    });
    draws.filter(|pair| pair.second >= ends[pair.first]).take(MOST_PAIRS).collect()
}

/// Means over rows.
#[cfg(feature = "cli")]
#[derive(Clone, Debug, PartialEq)]
pub struct SiteMoments {
    /// ⟨vᵢ⟩ (V).
    pub frequencies: Vec<f64>,
    /// The connected correlation ⟨vᵢ vₖ⟩ − ⟨vᵢ⟩⟨vₖ⟩ of each pair.
    pub correlations: Vec<f64>,
}

#[cfg(feature = "cli")]
impl SiteMoments {
    /// The moments of states, or of means p(v | h), under which sites are independent (N, V). Rows have these
    /// weights, or count alike.
    pub fn of(rows: ArrayView2<'_, f32>, weights: Option<&[f64]>, pairs: &[Pair]) -> Self {
        let weight = |n: usize| weights.map_or(1.0, |weights| weights[n]);
        let total: f64 = (0..rows.nrows()).map(weight).sum();
        let mean = |value: &dyn Fn(usize) -> f32| {
            let terms = (0..rows.nrows()).map(|n| weight(n) * f64::from(value(n)));
            terms.sum::<f64>() / total
        };
        let frequency = |unit: usize| mean(&|n| rows[[n, unit]]);
        let frequencies: Vec<f64> = (0..rows.ncols()).map(frequency).collect();
        let correlation = |&Pair { first, second }: &Pair| {
            let both = mean(&|n| rows[[n, first]] * rows[[n, second]]);
            both - frequencies[first] * frequencies[second]
        };
        let correlations = pairs.iter().map(correlation).collect();
        Self { frequencies, correlations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn few_pairs_are_all_and_many_are_drawn_from_all_of_them() {
        let units = Units::of_sites([2, 1, 3]).unwrap();
        let all = pairs(&units, 0).into_iter().map(|pair| [pair.first, pair.second]);
        let expected = [
            [0, 2],
            [0, 3],
            [0, 4],
            [0, 5],
            [1, 2],
            [1, 3],
            [1, 4],
            [1, 5],
            [2, 3],
            [2, 4],
            [2, 5],
        ];
        assert_eq!(Vec::from_iter(all), expected);

        let units = Units::of_sites([7; 40]).unwrap();
        let found = pairs(&units, 0);
        assert_eq!(found.len(), MOST_PAIRS);
        assert!(
            found.iter().all(|pair| pair.first < pair.second && pair.first / 7 != pair.second / 7)
        );
        // Of 38,220 pairs, 10,000 draws with replacement meet 38,220 (1 − e^(−0.2616)) = 8,800, ± 50.
        let n_different = found.iter().collect::<BTreeSet<_>>().len();
        assert!((8_600..9_000).contains(&n_different), "{n_different}");
        assert_ne!(found, pairs(&units, 1));
    }

    #[cfg(feature = "cli")]
    #[test]
    fn a_row_of_weight_two_counts_as_two_rows() {
        use ndarray::{array, s};
        let rows = array![[1.0, 0.0, 1.0], [0.0, 1.0, 0.5], [0.0, 1.0, 0.5], [1.0, 0.0, 0.0]];
        let pairs = [Pair { first: 0, second: 2 }, Pair { first: 1, second: 2 }];
        let found = SiteMoments::of(rows.view(), None, &pairs);
        assert_eq!(found.frequencies, [0.5, 0.5, 0.5]);
        // ⟨v₀v₂⟩ = 1/4, ⟨v₁v₂⟩ = 1/4.
        assert_eq!(found.correlations, [0.0, 0.0]);
        let weighted = SiteMoments::of(rows.slice(s![1.., ..]), Some(&[0.5, 0.5, 2.0]), &pairs);
        let repeated = array![[0.0, 1.0, 0.5], [0.0, 1.0, 0.5]];
        let one = array![[1.0, 0.0, 0.0]];
        let views = [repeated.view(), one.view(), one.view(), one.view(), one.view()];
        let repeated = ndarray::concatenate(ndarray::Axis(0), &views).unwrap();
        assert_eq!(weighted, SiteMoments::of(repeated.view(), None, &pairs));
    }
}
