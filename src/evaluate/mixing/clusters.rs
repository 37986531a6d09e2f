//! Clusters of examples: the modes that a sampler has to visit.
//!
//! Examples are cut into cells (k-means from farthest-first seeds, in the space of their [components](Components)).
//! Cells between which there is no valley belong to one cluster. Among 1 to [`MOST_CELLS`] cells, the number is taken
//! that gives the most clusters; with no clear structure that is one.

use super::components::{Components, normalised};
use crate::dataset::WeightedBits;
use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

/// The most cells.
pub const MOST_CELLS: usize = 10;

/// Rounds of k-means.
const ROUNDS: usize = 30;

/// The deepest point between two clusters, as a share of the lower of their peaks. The populations of
/// [`components`](super::components) in high dimension have 0, an Ising model of 8 x 8 at its critical temperature
/// 0.04, digits 0 and 1 of MNIST 0.03; the ten digits together, whose shapes are a continuum, 0.3 to 0.5 where
/// they have a dip at all.
const DEEPEST: f64 = 0.2;

/// How many standard deviations the lower peak lies above the valley, by the numbers of rows in both.
const LEAST_DEVIATIONS: f64 = 2.5;

/// The fewest rows, and their least share, of a cell that can be a cluster. Smaller ones belong to the nearest.
const LEAST_CELL: (usize, f64) = (10, 0.01);

/// Points between two cells at which rows are counted.
const PLACES: usize = 40;

/// The neighbour whose distance tells whether a row lies where examples do.
const NEIGHBOUR: usize = 3;

/// The share of examples whose distance to that neighbour is shorter than the reach of the examples.
const WITHIN: f64 = 0.999;

/// Clusters of examples, and where examples lie at all.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// The middles of the cells (cells, components).
    centres: Array2<f64>,
    /// The cluster of each cell.
    cluster_of: Vec<usize>,
    /// The examples (N, components).
    pub examples: Array2<f64>,
    /// The square of the largest distance to the [`NEIGHBOUR`]th example at which a row lies where examples do.
    reach: f64,
    /// The shares of the examples, falling.
    pub shares: Vec<f64>,
}

impl Clusters {
    /// The clusters of rows, in the order of their shares, by their components.
    pub fn of(rows: &WeightedBits, components: &Components) -> Self {
        let (points, shares) = (components.project(rows.bits()), normalised(rows));
        let cut = |n: usize| {
            let cells = Cells::of(&points, &shares, n);
            let (cluster_of, n) = cells.joined(&points, components);
            (cells, cluster_of, n)
        };
        let cuts = (1..=MOST_CELLS).map(cut);
        let most = cuts.reduce(|best, next| if next.2 > best.2 { next } else { best });
        let (Cells { centres, cell_of }, cluster_of, n) = most.expect("at least one cell");
        let mut sizes = vec![0.0; n];
        cell_of.iter().zip(&shares).for_each(|(&cell, share)| sizes[cluster_of[cell]] += share);
        let mut order: Vec<_> = (0..n).collect();
        order.sort_by(|&one, &other| sizes[other].total_cmp(&sizes[one]));
        let rank = |cluster| order.iter().position(|&at| at == cluster).expect("a permutation");
        let cluster_of = cluster_of.into_iter().map(rank).collect();
        let mut distances: Vec<_> = (0..points.nrows())
            .into_par_iter()
            .map(|row| distance_to_neighbour(&points, points.row(row), NEIGHBOUR + 1))
            .collect();
        distances.sort_by(f64::total_cmp);
        let within = (WITHIN * distances.len() as f64) as usize;
        // Sums that differ in their last bit are equal.
        let reach = distances[within.min(distances.len() - 1)] * (1.0 + 1e-9) + 1e-12;
        let shares = order.iter().map(|&cluster| sizes[cluster]).collect();
        Self { centres, cluster_of, examples: points, reach, shares }
    }

    /// The number of clusters.
    pub fn n(&self) -> usize {
        self.shares.len()
    }

    /// The cluster of each point (N, components), from 0; none if it lies where no example does.
    pub fn of_points(&self, points: &Array2<f64>) -> Vec<Option<usize>> {
        let of_point = |row: usize| {
            let point = points.row(row);
            let distance = distance_to_neighbour(&self.examples, point, NEIGHBOUR);
            (distance <= self.reach).then(|| self.cluster_of[nearest(&self.centres, point)])
        };
        (0..points.nrows()).into_par_iter().map(of_point).collect()
    }
}

fn square_distance(one: ArrayView1<'_, f64>, other: ArrayView1<'_, f64>) -> f64 {
    one.iter().zip(other).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// The square of the distance to the `k`-th nearest row, counted from 1, or to the last one.
fn distance_to_neighbour(rows: &Array2<f64>, point: ArrayView1<'_, f64>, k: usize) -> f64 {
    let mut nearest = vec![f64::INFINITY; k];
    for row in rows.rows() {
        let distance = square_distance(row, point);
        if distance < nearest[k - 1] {
            let at = nearest.partition_point(|other| *other <= distance);
            nearest[at..].rotate_right(1);
            nearest[at] = distance;
        }
    }
    nearest.into_iter().rfind(|distance| distance.is_finite()).unwrap_or(0.0)
}

/// The nearest row; the first of those that are as near.
fn nearest(rows: &Array2<f64>, point: ArrayView1<'_, f64>) -> usize {
    let distances = rows.rows().into_iter().map(|row| square_distance(row, point)).enumerate();
    distances.min_by(|(_, one), (_, other)| one.total_cmp(other)).expect("a row").0
}

/// Points cut into cells.
struct Cells {
    /// (cells, components)
    centres: Array2<f64>,
    /// The cell of each point.
    cell_of: Vec<usize>,
}

impl Cells {
    /// Cuts points of these shares into `n` cells.
    fn of(points: &Array2<f64>, shares: &[f64], n: usize) -> Self {
        let mut centres = Array2::zeros((n, points.ncols()));
        let mut distances: Vec<f64> = points.rows().into_iter().map(|row| row.dot(&row)).collect();
        for mut centre in centres.rows_mut() {
            let far = distances.iter().enumerate();
            let far = far.fold((0, -1.0), |best, (at, &d)| if d > best.1 { (at, d) } else { best });
            centre.assign(&points.row(far.0));
            for (distance, point) in distances.iter_mut().zip(points.rows()) {
                *distance = distance.min(square_distance(point, centre.view()));
            }
        }
        let mut cell_of = Vec::new();
        for _ in 0..ROUNDS {
            let rows = (0..points.nrows()).into_par_iter();
            let now: Vec<_> = rows.map(|row| nearest(&centres, points.row(row))).collect();
            if now == cell_of {
                break;
            }
            cell_of = now;
            let mut sums = Array2::<f64>::zeros(centres.dim());
            let mut totals = vec![0.0; n];
            for ((&cell, point), &share) in cell_of.iter().zip(points.rows()).zip(shares) {
                totals[cell] += share;
                sums.row_mut(cell).scaled_add(share, &point);
            }
            // An empty cell stays where it was.
            for (cell, total) in totals.into_iter().enumerate().filter(|(_, total)| *total > 0.0) {
                centres.row_mut(cell).assign(&sums.row(cell).mapv(|sum| sum / total));
            }
        }
        Self { centres, cell_of }
    }

    /// The cluster of each cell, and the number of clusters.
    fn joined(&self, points: &Array2<f64>, components: &Components) -> (Vec<usize>, usize) {
        let n = self.centres.nrows();
        let mut rows = vec![Vec::new(); n];
        self.cell_of.iter().enumerate().for_each(|(row, &cell)| rows[cell].push(row));
        let least = (LEAST_CELL.1 * points.nrows() as f64).max(LEAST_CELL.0 as f64);
        let is_large = |cell: usize| rows[cell].len() as f64 >= least;
        let mut cluster_of: Vec<usize> = (0..n).collect();
        let mut join = |one: usize, other: usize| {
            let (from, to) = (cluster_of[one], cluster_of[other]);
            cluster_of.iter_mut().filter(|at| **at == from).for_each(|at| *at = to);
        };
        let large: Vec<_> = (0..n).filter(|&cell| is_large(cell)).collect();
        for (at, &one) in large.iter().enumerate() {
            for &other in &large[..at] {
                let line =
                    Line::between(self.centres.row(other), self.centres.row(one), components);
                let sides = [other, one].map(|cell| line.places(points, &rows[cell]));
                if !line.has_valley(&sides) {
                    join(one, other);
                }
            }
        }
        for small in (0..n).filter(|&cell| !is_large(cell)) {
            let distance =
                |&cell: &usize| square_distance(self.centres.row(cell), self.centres.row(small));
            let near = large
                .iter()
                .copied()
                .min_by(|one, other| distance(one).total_cmp(&distance(other)));
            join(small, near.unwrap_or(0));
        }
        let mut names = cluster_of.clone();
        names.sort_unstable();
        names.dedup();
        let name = |cluster| names.binary_search(&cluster).expect("a name");
        (cluster_of.into_iter().map(name).collect(), names.len())
    }
}

/// The line from the middle of one cell to that of another.
struct Line {
    from: Vec<f64>,
    /// Of length 1.
    along: Vec<f64>,
    length: f64,
    /// The most that one unit moves a row along it. What is narrower is no valley: a sweep passes over it.
    step: f64,
}

impl Line {
    fn between(
        from: ArrayView1<'_, f64>,
        to: ArrayView1<'_, f64>,
        components: &Components,
    ) -> Self {
        let length = square_distance(from, to).sqrt();
        let along: Vec<_> = to.iter().zip(from).map(|(to, from)| (to - from) / length).collect();
        let step = components.largest_step(&along);
        Self { from: from.to_vec(), along, length, step }
    }

    /// The places of some rows on the line.
    fn places(&self, points: &Array2<f64>, rows: &[usize]) -> Vec<f64> {
        let place = |&row: &usize| {
            let terms = points.row(row).into_iter().zip(&self.from).zip(&self.along);
            terms.map(|((x, from), along)| (x - from) * along).sum()
        };
        rows.iter().map(place).collect()
    }

    /// Whether there are far fewer rows somewhere between the two middles than to both sides of it.
    fn has_valley(&self, sides: &[Vec<f64>; 2]) -> bool {
        if self.length <= 2.0 * self.step {
            return false;
        }
        let [one, other] = sides.each_ref().map(|side| deviation(side));
        let half = (0.7 * one.min(other)).max(self.step);
        let counts: Vec<f64> = (0..=PLACES)
            .map(|at| {
                let middle = self.length * at as f64 / PLACES as f64;
                let all = sides.iter().flatten();
                all.filter(|place| (**place - middle).abs() <= half).count() as f64
            })
            .collect();
        let valley = (0..=PLACES).min_by(|&one, &other| counts[one].total_cmp(&counts[other]));
        let valley = valley.expect("places");
        let highest = |counts: &[f64]| counts.iter().copied().fold(0.0, f64::max);
        let peak = highest(&counts[..=valley]).min(highest(&counts[valley..]));
        let depth = counts[valley];
        depth <= DEEPEST * peak && peak - depth >= LEAST_DEVIATIONS * (peak + depth).sqrt()
    }
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::populations::Populations;
    use super::*;
    use crate::bits::BitMatrix;
    use crate::rng::{Purpose, Stream};

    fn clusters(bits: BitMatrix) -> (Components, Clusters) {
        let rows = WeightedBits::new(bits, None);
        let components = Components::common(&rows).unwrap();
        let clusters = Clusters::of(&rows, &components);
        (components, clusters)
    }

    #[test]
    fn populations_are_clusters_and_what_lies_between_them_is_outside() {
        let (bits, of_row) = Populations::new(200, &[0.4, 0.3]).draw(1500, 1);
        let (components, found) = clusters(bits.clone());
        assert_eq!(found.n(), 4);
        // Shares of 0.42, 0.28, 0.18 and 0.12.
        let of_rows = found.of_points(&components.project(&bits));
        let expected = |row: usize| Some(of_row[row]);
        assert!((0..1500).filter(|&row| of_rows[row] != expected(row)).count() < 15);
        let share = of_row.iter().filter(|of| **of == 0).count() as f64 / 1500.0;
        assert!((found.shares[0] - share).abs() < 1e-12);
        // Units that are fair coins lie in the middle of all clusters.
        let coins: Vec<_> =
            Stream::first(100, 9, Purpose::Sample).iter_mut().map(Stream::step).collect();
        let coins = BitMatrix::from_fn(100, 200, |n, i| coins[n][i / 32] >> (i % 32) & 1 == 1);
        let outside = found.of_points(&components.project(&coins));
        assert!(outside.iter().all(Option::is_none), "{outside:?}");
    }

    #[test]
    fn one_population_is_one_cluster() {
        for (n, seed) in [(200, 1), (500, 2), (2000, 3)] {
            let bits = Populations::new(100, &[1.0]).draw(n, seed).0;
            assert_eq!(clusters(bits).1.n(), 1, "{n}");
        }
    }

    /// All 16 states of four units, and two states that one unit tells apart.
    #[test]
    fn a_step_of_one_unit_is_no_valley() {
        let (_, found) = clusters(BitMatrix::from_fn(1600, 4, |n, i| (n / 7) >> i & 1 == 1));
        assert_eq!(found.n(), 1);
        let (_, found) = clusters(BitMatrix::from_fn(1000, 5, |n, i| i > 0 || n % 3 == 0));
        assert_eq!(found.n(), 1);
        // Ten units that agree are two clusters.
        let (_, found) = clusters(BitMatrix::from_fn(1000, 10, |n, _| n % 10 < 4));
        assert!(found.n() == 2 && (found.shares[0] - 0.6).abs() < 1e-12);
    }
}
