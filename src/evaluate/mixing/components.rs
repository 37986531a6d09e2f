//! The leading principal components of examples, by subspace iteration on their bits.
//!
//! The covariance C = Σ w (v − m)(v − m)ᵀ is never built. A step takes a block of directions Q (V, B) to C Q by two
//! sums over active bits: the rows on Q, then the columns on the result.

use crate::bits::{BitMatrix, active};
use crate::dataset::{WeightedBits, WeightedRows};
use crate::evaluate::eigen;
use crate::rng::{Purpose, Stream};
use ndarray::{Array2, Zip};
use rayon::prelude::*;

/// The most components.
pub const MOST_COMPONENTS: usize = 8;

/// Directions that are iterated. Those beyond [`MOST_COMPONENTS`] speed up the last of them.
pub const BLOCK: usize = 12;

/// Steps of the iteration. A component whose variance is 1.5 times that of direction [`BLOCK`] is found up to
/// 1.5⁻²⁰ = 3e-4; one that stands out less is no component that [`Components::common`] keeps.
const STEPS: usize = 20;

/// The least variance of a component over one half of the examples, as a share of that over the other half, from
/// which it was found. A direction of noise has 0.2 to 0.5, where examples are as few as units.
const LEAST_COMMON: f64 = 0.5;

/// Directions along which examples vary most.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    /// A row for each unit, orthonormal columns (V, components).
    vectors: Array2<f64>,
    /// Where the mean of the examples lies (components).
    centre: Vec<f64>,
    /// The variances of the examples along them, falling (components).
    pub variances: Vec<f64>,
    /// The sum of the variances of all units.
    pub total_variance: f64,
}

impl Components {
    /// The leading components that both halves of the examples have in common: at least 1, at most
    /// [`MOST_COMPONENTS`]. None if nothing varies.
    pub fn common(rows: &WeightedBits) -> Option<Self> {
        let [even, odd] = halves(rows);
        let of_half = Self::leading((&even).into());
        let found = of_half.project(odd.bits());
        let shares = normalised(&odd);
        let is_common = |&component: &usize| {
            let column = found.column(component);
            let mean: f64 = column.iter().zip(&shares).map(|(x, share)| share * x).sum();
            let squares = column.iter().zip(&shares).map(|(x, share)| share * (x - mean).powi(2));
            squares.sum::<f64>() >= LEAST_COMMON * of_half.variances[component]
        };
        let n = (0..of_half.variances.len()).take_while(is_common).count();
        let all = Self::leading(rows.into());
        let n = n.max(1).min(all.variances.len());
        (n > 0).then(|| all.first(n))
    }

    /// The leading components of rows, at most [`MOST_COMPONENTS`]; those without variance are left out.
    pub fn leading(rows: WeightedRows<'_>) -> Self {
        let (bits, n_units) = (rows.bits, rows.bits.n_columns());
        let shares =
            normalised(&WeightedBits::new(bits.clone(), rows.weights.map(<[f64]>::to_vec)));
        let shares = Array2::from_shape_vec((bits.n_rows(), 1), shares).expect("a share a row");
        let columns = transposed(bits);
        let mean = sums(&columns, &shares);
        let total_variance = mean.iter().map(|m| m * (1.0 - m)).sum();
        let centred = |vectors: &Array2<f64>| {
            let centre = mean.t().dot_in_order(vectors);
            sums(bits, vectors) - centre
        };
        let mut vectors = start(n_units, BLOCK.min(n_units));
        eigen::orthonormalise(&mut vectors);
        for _ in 0..STEPS {
            vectors = sums(&columns, &(centred(&vectors) * &shares));
            eigen::orthonormalise(&mut vectors);
        }
        let found = centred(&vectors);
        let (variances, turn) = eigen::symmetric(found.t().dot_in_order(&(&found * &shares)));
        let vectors = vectors.dot_in_order(&turn);
        // The rest of a rounding is no variance. The least that a row can give is about 1 / rows.
        let least = 1e-9 * f64::max(total_variance, 1e-3);
        let n = variances.iter().take(MOST_COMPONENTS).filter(|x| **x > least).count();
        let centre = mean.t().dot_in_order(&vectors).into_iter().collect();
        Self { vectors, centre, variances, total_variance }.first(n)
    }

    fn first(self, n: usize) -> Self {
        let vectors =
            self.vectors.slice_move(ndarray::s![.., ..n]).as_standard_layout().into_owned();
        let [centre, variances] =
            [self.centre, self.variances].map(|all| all.into_iter().take(n).collect());
        Self { vectors, centre, variances, ..self }
    }

    /// The number of components.
    pub fn n(&self) -> usize {
        self.variances.len()
    }

    /// Rows of bits (N, V) as points (N, components), about the mean of the examples.
    pub fn project(&self, bits: &BitMatrix) -> Array2<f64> {
        sums(bits, &self.vectors) - Array2::from_shape_fn((1, self.n()), |(_, k)| self.centre[k])
    }

    /// The most that one unit moves a point along a direction (components) of length 1.
    pub fn largest_step(&self, direction: &[f64]) -> f64 {
        let along = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter().zip(direction).map(|(x, along)| x * along).sum::<f64>().abs()
        };
        self.vectors.rows().into_iter().map(along).fold(0.0, f64::max)
    }
}

/// A product of matrices whose sums are in the order of the rows.
trait DotInOrder {
    fn dot_in_order(&self, other: &Array2<f64>) -> Array2<f64>;
}

impl<S: ndarray::Data<Elem = f64>> DotInOrder for ndarray::ArrayBase<S, ndarray::Ix2> {
    fn dot_in_order(&self, other: &Array2<f64>) -> Array2<f64> {
        let mut product = Array2::zeros((self.nrows(), other.ncols()));
        for (row, mut sums) in self.rows().into_iter().zip(product.rows_mut()) {
            for (factor, terms) in row.iter().zip(other.rows()) {
                Zip::from(&mut sums).and(terms).for_each(|sum, term| *sum += factor * term);
            }
        }
        product
    }
}

/// The sums of the rows of `terms` (units, B) over the active bits of each row (N, units): (N, B).
fn sums(bits: &BitMatrix, terms: &Array2<f64>) -> Array2<f64> {
    let n = terms.ncols();
    if n == 0 {
        return Array2::zeros((bits.n_rows(), 0));
    }
    let terms = terms.as_standard_layout();
    let terms = terms.as_slice().expect("standard layout");
    let mut sums = vec![0.0; bits.n_rows() * n];
    sums.par_chunks_exact_mut(n).enumerate().for_each(|(row, sums)| {
        for unit in active(bits.row(row)) {
            let terms = &terms[unit * n..][..n];
            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
    });
    Array2::from_shape_vec((bits.n_rows(), n), sums).expect("a row of sums for each row")
}

/// A row for each column of `bits`.
pub fn transposed(bits: &BitMatrix) -> BitMatrix {
    let mut columns = BitMatrix::zeros(bits.n_columns(), bits.n_rows());
    for row in 0..bits.n_rows() {
        active(bits.row(row)).for_each(|unit| columns.set(unit, row, true));
    }
    columns
}

/// The weights of rows, with the sum 1.
pub fn normalised(rows: &WeightedBits) -> Vec<f64> {
    let n = rows.bits().n_rows();
    match rows.weights() {
        None => vec![1.0 / n as f64; n],
        Some(weights) => {
            let total: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / total).collect()
        }
    }
}

/// The rows of even and of odd numbers.
pub fn halves(rows: &WeightedBits) -> [WeightedBits; 2] {
    [0, 1].map(|first| {
        let chosen: Vec<_> = (first..rows.bits().n_rows()).step_by(2).collect();
        let weights = rows.weights().map(|all| chosen.iter().map(|&row| all[row]).collect());
        WeightedBits::new(rows.bits().chosen(&chosen), weights)
    })
}

/// Directions that favour no unit.
fn start(n_units: usize, n: usize) -> Array2<f64> {
    let mut vectors = Array2::zeros((n_units, n));
    for (unit, mut row) in vectors.rows_mut().into_iter().enumerate() {
        let words = Stream::new(0, Purpose::MixingDirections, unit as u64).step();
        row.iter_mut().zip(words).for_each(|(x, word)| *x = f64::from(word) - 2f64.powi(31));
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of 30 units that agree and one of 12, among 80 fair coins.
    fn blocks(n: usize) -> BitMatrix {
        let mut bits = BitMatrix::zeros(n, 80);
        for row in 0..n {
            let words = Stream::new(1, Purpose::Sample, row as u64).step();
            let coin = |unit: usize| words[unit / 32] >> (unit % 32) & 1 == 1;
            for unit in 0..80 {
                let source = if unit < 30 {
                    0
                } else if unit < 42 {
                    41
                } else {
                    unit
                };
                bits.set(row, unit, coin(source));
            }
        }
        bits
    }

    #[test]
    fn components_of_a_known_covariance_are_found() {
        let bits = blocks(4000);
        let found = Components::common(&WeightedBits::new(bits.clone(), None)).unwrap();
        // n units that agree have the variance n/4 along (1, …, 1)/√n; a coin has 1/4.
        assert!((found.variances[0] - 7.5).abs() < 0.05, "{:?}", found.variances);
        assert!((found.variances[1] - 3.0).abs() < 0.05, "{:?}", found.variances);
        for unit in 0..80 {
            let expected = if unit < 30 { 30f64.sqrt().recip() } else { 0.0 };
            assert!((found.vectors[[unit, 0]].abs() - expected).abs() < 0.03, "{unit}");
        }
        let points = found.project(&bits);
        let mean = points.column(0).sum() / 4000.0;
        let variance = points.column(0).mapv(|x| (x - mean).powi(2)).sum() / 4000.0;
        assert!(mean.abs() < 1e-9 && (variance / found.variances[0] - 1.0).abs() < 1e-9);
        assert!((found.total_variance - 20.0).abs() < 0.1);
        assert!((found.largest_step(&[1.0, 0.0]) - 30f64.sqrt().recip()).abs() < 0.01);
    }

    #[test]
    fn a_row_of_weight_two_counts_as_two_rows() {
        let bits = blocks(60);
        let twice: Vec<_> = (0..60).chain(0..20).collect();
        let weights = (0..60).map(|row| if row < 20 { 2.0 } else { 1.0 }).collect();
        let weighted =
            Components::leading((&WeightedBits::new(bits.clone(), Some(weights))).into());
        let repeated = Components::leading((&bits.chosen(&twice)).into());
        for (one, other) in weighted.variances.iter().zip(&repeated.variances) {
            assert!((one / other - 1.0).abs() < 1e-9, "{one} {other}");
        }
    }

    /// In noise, halves have no component in common; one is kept, as there has to be one.
    #[test]
    fn noise_has_one_component_and_constants_none() {
        let coins = blocks(200);
        let mut noise = BitMatrix::zeros(200, 38);
        (0..200).for_each(|row| (0..38).for_each(|i| noise.set(row, i, coins.get(row, 42 + i))));
        let n = |bits| Components::common(&WeightedBits::new(bits, None)).map(|found| found.n());
        assert!(n(noise).unwrap() <= 3);
        assert_eq!(n(BitMatrix::ones(200, 5)), None);
        // Two units that agree have one direction.
        assert_eq!(n(BitMatrix::from_fn(200, 2, |row, _| row % 4 < 2)), Some(1));
    }
}
