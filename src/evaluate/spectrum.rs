//! The leading singular values of W, by Lanczos' method (Golub and Kahan, Calculating the singular values and
//! pseudo-inverse of a matrix, SIAM J. Numer. Anal. 2, 1965, section 2).
//!
//! W turns a vector over hidden units into one over visible units, and Wᵀ turns it back. From a vector x of length 1
//! that favours no unit, the steps α y = W x − β y' and β x = Wᵀ y − α x' build orthonormal vectors in whose terms W
//! has two diagonals, α and β. The largest singular values of that small matrix are soon those of W.
//!
//! W is taken in the zero-sum gauge ([`Rbm::zero_sum_gauge`]): what a site adds to all of its values leaves no trace.

use super::eigen;
use crate::model::Rbm;
use crate::rng::{Purpose, Stream};
use crate::units::Units;
use ndarray::{Array2, ArrayView1};

/// The most singular values.
pub const MOST: usize = 16;

/// The most steps. The largest value of a matrix without structure, such as W at its start, is then found to 1e-6, the
/// sixteenth up to 1 %; values that stand out to all digits.
const STEPS: usize = 64;

/// Sums of products are taken in so many parts, in which a compiler can use vector instructions.
const PARTS: usize = 16;

/// A vector that is this small beside W is one of rounding: all singular values are found.
const LEAST: f64 = 1e-10;

/// The largest singular values of W in the zero-sum gauge, falling: [`MOST`], or as many as the smaller layer has
/// units.
pub fn leading(rbm: &Rbm) -> Vec<f64> {
    let (weights, units) = (rbm.weights(), rbm.visible_units());
    let (n_visible, n_hidden) = weights.dim();
    let n = n_visible.min(n_hidden);
    let most = STEPS.min(n);
    let mut x = start(n_hidden);
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    let (mut diagonal, mut above) = (Vec::new(), Vec::new());
    for _ in 0..most {
        let mut y = product(weights, &x);
        to_zero_sum(units, &mut y);
        xs.push(x);
        let alpha = part_beyond(&ys, &mut y);
        diagonal.push(alpha);
        if alpha == 0.0 {
            break;
        }
        x = transposed_product(weights, &y);
        ys.push(y);
        let beta = part_beyond(&xs, &mut x);
        if beta <= LEAST * diagonal.iter().copied().fold(0.0, f64::max) {
            break;
        }
        above.push(beta);
    }
    // The square of the small matrix, which has one column more than rows.
    let m = diagonal.len();
    let entry = |row: usize, column: usize| match column.checked_sub(row) {
        Some(0) => diagonal.get(row).copied().unwrap_or(0.0),
        Some(1) => above.get(row).copied().unwrap_or(0.0),
        _ => 0.0,
    };
    let square = Array2::from_shape_fn((m, m), |(i, k)| {
        (0..=m).map(|column| entry(i, column) * entry(k, column)).sum::<f64>()
    });
    let (squares, _) = eigen::symmetric(square);
    let values = squares.into_iter().map(|square| square.max(0.0).sqrt());
    values.chain(std::iter::repeat(0.0)).take(MOST.min(n)).collect()
}

/// Takes off what the vectors `others` explain of a vector, and makes the rest one of length 1. Returns the length of
/// the rest, 0 if it is one of rounding.
fn part_beyond(others: &[Vec<f64>], vector: &mut [f64]) -> f64 {
    let before = dot(vector, vector).sqrt();
    for _ in 0..2 {
        for other in others {
            let along = dot(vector, other);
            vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
        }
    }
    let length = dot(vector, vector).sqrt();
    if length <= LEAST * before || length == 0.0 {
        return 0.0;
    }
    vector.iter_mut().for_each(|x| *x /= length);
    length
}

/// A vector of length 1 that favours no unit.
fn start(n: usize) -> Vec<f64> {
    let number = |unit: usize| {
        let word = Stream::new(0, Purpose::SpectrumStart, unit as u64).step()[0];
        f64::from(word) - 2f64.powi(31) + 0.5
    };
    let mut vector: Vec<f64> = (0..n).map(number).collect();
    part_beyond(&[], &mut vector);
    vector
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    in_parts(one.iter().copied(), other)
}

/// Σ one · other, in parts of every sixteenth term.
fn in_parts(one: impl Iterator<Item = f64>, other: &[f64]) -> f64 {
    let mut parts = [0.0; PARTS];
    for (at, (x, y)) in one.zip(other).enumerate() {
        parts[at % PARTS] += x * y;
    }
    parts.iter().sum()
}

/// W x (V).
fn product(weights: &Array2<f32>, x: &[f64]) -> Vec<f64> {
    let of_row = |row: ArrayView1<'_, f32>| in_parts(row.iter().map(|&w| f64::from(w)), x);
    weights.rows().into_iter().map(of_row).collect()
}

/// Wᵀ y (H).
fn transposed_product(weights: &Array2<f32>, y: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; weights.ncols()];
    for (row, factor) in weights.rows().into_iter().zip(y) {
        sums.iter_mut().zip(row).for_each(|(sum, &w)| *sum += factor * f64::from(w));
    }
    sums
}

/// Takes the mean over each categorical site off a vector over visible units.
fn to_zero_sum(units: &Units, vector: &mut [f64]) {
    for site in units.sites().filter(|site| site.len() > 1) {
        let values = &mut vector[site];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.iter_mut().for_each(|value| *value -= mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    fn rbm(units: Units, weights: Array2<f32>) -> Rbm {
        let (n_visible, n_hidden) = weights.dim();
        Rbm::of_sites(units, weights, Array1::zeros(n_visible), Array1::zeros(n_hidden)).unwrap()
    }

    fn noise(n_visible: usize, n_hidden: usize, size: f32) -> Array2<f32> {
        Array2::from_shape_fn((n_visible, n_hidden), |(i, j)| {
            let word = Stream::new(7, Purpose::Sample, (i * n_hidden + j) as u64).step()[0];
            size * (word as f32 / 2f32.powi(32) - 0.5)
        })
    }

    /// All singular values by the eigenvalues of WᵀW.
    fn by_definition(weights: &Array2<f32>) -> Vec<f64> {
        let n = weights.ncols();
        let weights = weights.mapv(f64::from);
        let square = Array2::from_shape_fn((n, n), |(i, k)| {
            weights.column(i).iter().zip(weights.column(k)).map(|(x, y)| x * y).sum::<f64>()
        });
        eigen::symmetric(square).0.into_iter().map(|square| square.max(0.0).sqrt()).collect()
    }

    #[test]
    fn the_values_are_those_of_the_definition_in_either_shape() {
        for (n_visible, n_hidden) in [(50, 20), (20, 50), (3, 1), (1, 4), (40, 40)] {
            let weights = noise(n_visible, n_hidden, 2.0);
            let found = leading(&rbm(Units::bits(n_visible), weights.clone()));
            let expected = by_definition(&weights);
            assert_eq!(found.len(), MOST.min(n_visible).min(n_hidden));
            for (found, expected) in found.iter().zip(&expected) {
                let error = (found - expected).abs();
                assert!(error < 1e-6 * expected, "{n_visible} x {n_hidden}: {found} {expected}");
            }
        }
    }

    /// Three patterns stand out of noise; a part that all values of a site share does not count.
    #[test]
    fn patterns_stand_out_and_a_shared_part_of_a_site_does_not() {
        let mut weights = noise(180, 90, 0.1);
        for k in 0..3 {
            for i in 0..60 {
                (0..30).for_each(|j| weights[[k * 60 + i, k * 30 + j]] += (3 - k) as f32);
            }
        }
        let exact = by_definition(&weights);
        let found = leading(&rbm(Units::bits(180), weights.clone()));
        for k in 0..3 {
            assert!((found[k] / exact[k] - 1.0).abs() < 1e-9, "{k}: {} {}", found[k], exact[k]);
        }
        // Of noise without structure the sixteenth is found to 1 %.
        assert!((3..MOST).all(|k| (found[k] / exact[k] - 1.0).abs() < 0.01), "{found:?} {exact:?}");
        let sites = Units::of_sites(vec![3; 60]).unwrap();
        let plain = leading(&rbm(sites.clone(), weights.clone()));
        for i in 0..180 {
            (0..90).for_each(|j| weights[[i, j]] += ((i / 3 + j) % 7) as f32);
        }
        let shifted = leading(&rbm(sites, weights));
        assert!(
            plain.iter().zip(&shifted).all(|(a, b)| (a - b).abs() < 1e-3),
            "{plain:?} {shifted:?}"
        );
    }

    #[test]
    fn weights_of_nothing_have_no_length() {
        let found = leading(&rbm(Units::bits(5), Array2::zeros((5, 3))));
        assert_eq!(found, [0.0; 3]);
        let mut one = Array2::zeros((5, 3));
        one[[2, 1]] = -4.0;
        let found = leading(&rbm(Units::bits(5), one));
        assert!(
            (found[0] - 4.0).abs() < 1e-12 && found[1..].iter().all(|x| *x < 1e-9),
            "{found:?}"
        );
    }
}
