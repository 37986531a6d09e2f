//! How strongly pairs of sites are coupled.

use super::{Couplings, Gauge};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use std::ops::Range;

/// Two sites and their score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SitePair {
    /// The first site, from 0.
    pub first: usize,
    /// The second site, behind the first.
    pub second: usize,
    /// See [`Couplings::scores`].
    pub score: f64,
}

impl Couplings {
    /// The Frobenius norm of the couplings between the values of two sites (sites, sites), 0 on the diagonal: the root
    /// of Σ J² over the values of both, but for those of [`left_out`](Self::left_out). A bit has two values, with
    /// couplings −J and J, or in the gauge of a lattice gas 0 and J.
    pub fn norms(&self) -> Array2<f64> {
        let sites: Vec<_> = self.units.sites().collect();
        let counted = |site: &Range<usize>| -> Vec<usize> {
            site.clone().filter(|unit| self.left_out.binary_search(unit).is_err()).collect()
        };
        let units: Vec<Vec<usize>> = sites.iter().map(counted).collect();
        let n_alike = |site: usize| match (sites[site].len(), self.gauge) {
            (1, Gauge::ZeroSum | Gauge::Ising) => 2.0,
            _ => 1.0,
        };
        Array2::from_shape_fn((sites.len(), sites.len()), |(a, b)| {
            let of_unit = |&unit: &usize| {
                let row = self.pairs.row(unit);
                units[b].iter().map(move |&other| row[other] * row[other])
            };
            let squares = units[a].iter().flat_map(of_unit).sum::<f64>();
            (n_alike(a) * n_alike(b) * squares).sqrt()
        })
    }

    /// How strongly two sites are coupled (sites, sites): J if all sites are bits, else the norms of their couplings
    /// after the [average-product correction](average_product_corrected). 0 on the diagonal.
    pub fn scores(&self) -> Array2<f64> {
        match self.units.are_bits() {
            true => self.pairs.clone(),
            false => average_product_corrected(self.norms().view()),
        }
    }

    /// All pairs of sites: first those with the largest scores, of bits by magnitude.
    pub fn strongest(&self) -> Vec<SitePair> {
        let scores = self.scores();
        let pairs = scores.indexed_iter().filter(|((first, second), _)| first < second);
        let mut pairs: Vec<SitePair> =
            pairs.map(|((first, second), &score)| SitePair { first, second, score }).collect();
        let size = |score: f64| if self.units.are_bits() { score.abs() } else { score };
        pairs.sort_by(|a, b| size(b.score).total_cmp(&size(a.score)));
        pairs
    }
}

/// Scores S of pairs of sites (sites, sites), symmetric, less what their sites have in common with all others:
/// S_ab − S_a S_b / S, with the means S_a over the other sites and S over all pairs (average-product correction;
/// Dunn, Wahl and Gloor, 2008). The diagonal is not read, and 0 in the result.
///
/// ```
/// use harmonium::evaluate::couplings::average_product_corrected;
/// use ndarray::array;
/// let scores = array![[0.0, 4.0, 2.0], [4.0, 0.0, 0.0], [2.0, 0.0, 0.0]];
/// // The means of the sites are 3, 2 and 1, that of all pairs is 2.
/// let expected = array![[0.0, 1.0, 0.5], [1.0, 0.0, -1.0], [0.5, -1.0, 0.0]];
/// assert_eq!(average_product_corrected(scores.view()), expected);
/// ```
///
/// # Panics
/// If the scores are not square.
pub fn average_product_corrected(scores: ArrayView2<'_, f64>) -> Array2<f64> {
    let n = scores.nrows();
    assert_eq!(scores.dim(), (n, n), "pairs of sites");
    let sum_of = |(at, row): (usize, ArrayView1<'_, f64>)| {
        row.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, score)| score).sum()
    };
    let sums: Vec<f64> = scores.axis_iter(Axis(0)).enumerate().map(sum_of).collect();
    let total: f64 = sums.iter().sum();
    // S_a S_b / S of means, where each of the n sites has n − 1 others.
    let factor = if total == 0.0 { 0.0 } else { n as f64 / ((n - 1) as f64 * total) };
    Array2::from_shape_fn((n, n), |(a, b)| match a == b {
        true => 0.0,
        false => scores[[a, b]] - sums[a] * sums[b] * factor,
    })
}

#[cfg(test)]
mod tests {
    use super::super::CouplingsConfig;
    use super::*;
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use crate::units::Units;
    use crate::watch::Watch;
    use ndarray::{array, concatenate};

    fn couplings(rbm: &Rbm) -> Couplings {
        let config = CouplingsConfig::default();
        Couplings::of(rbm, config, Isa::fastest(), Watch::default()).unwrap()
    }

    #[test]
    fn a_bit_is_a_category_of_two_values() {
        let (w, b) =
            (array![[0.75_f32, -1.5], [2.0, 0.5], [-1.0, 1.0]], array![0.25_f32, -0.5, 0.0]);
        let c = array![0.5_f32, -1.0];
        let bits = couplings(&Rbm::new(w.clone(), b.clone(), c.clone()).unwrap());
        // The first bit as a site of two values.
        let off = (array![[0.0_f32, 0.0]], array![0.0_f32]);
        let w = concatenate![Axis(0), off.0, w];
        let b = concatenate![Axis(0), off.1, b];
        let units = Units::of_sites([2, 1, 1]).unwrap();
        let sites = couplings(&Rbm::of_sites(units, w, b, c).unwrap());
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        for (one, two) in bits.norms().iter().zip(&sites.norms()) {
            near(*one, *two);
        }
        for bit in 0..3 {
            near(bits.fields[bit], sites.fields[bit + 1]);
            near(bits.pairs[[0, bit]], sites.pairs[[1, bit + 1]] * f64::from(u8::from(bit > 0)));
        }
        near(sites.pairs[[0, 2]], -sites.pairs[[1, 2]]);
        near(bits.norms()[[0, 1]], 2.0 * bits.pairs[[0, 1]].abs());
    }

    #[test]
    fn the_strongest_pairs_come_first_by_magnitude() {
        let mut found = couplings(
            &Rbm::new(array![[0.0_f32], [0.0], [0.0]], array![0.0, 0.0, 0.0], array![0.0]).unwrap(),
        );
        found.pairs = array![[0.0, 0.5, -2.0], [0.5, 0.0, 1.0], [-2.0, 1.0, 0.0]];
        let order: Vec<_> =
            found.strongest().iter().map(|pair| (pair.first, pair.second)).collect();
        assert_eq!(order, [(0, 2), (1, 2), (0, 1)]);
        assert_eq!(found.strongest()[0].score, -2.0);
    }
}
