//! Σₙ vₙᵢ p̃ₙⱼ over the examples and over the chains, for some tiles of a panel of W.

use super::row_weights::RowWeights;
use super::statistics::Statistics;
use crate::bits::BitPanels;
use crate::kernels::Isa;
use crate::kernels::ascent::PhaseSums;
use crate::kernels::rows::{Addend, Target, add_active_rows};
use crate::kernels::scaled_rows::add_scaled_rows;
use crate::kernels::tile::{Aligned, Panel, SIDE, Tile};
use crate::kernels::weighing::{add_sums, weigh};
use crate::reals::RealRows;
use crate::states::States;
use std::cell::RefCell;
use std::ops::Range;

/// Some tiles of a panel of hidden units.
#[derive(Clone, Debug)]
pub struct Place {
    /// The panel.
    pub panel: usize,
    /// The tiles: panels of visible units.
    pub tiles: Range<usize>,
}

/// Sums for some tiles, over one phase or both.
#[derive(Clone, Copy, Debug)]
pub enum Sums<'a> {
    /// Integers, of bits.
    Whole(&'a [Tile<i32>]),
    /// Integers that may not fit an i32, of bits with weights.
    Long(&'a [Tile<f64>]),
    /// Sums of real numbers.
    Real(&'a [Tile<f32>]),
}

impl<'a> Sums<'a> {
    /// The sums of one tile.
    pub fn tile(self, at: usize) -> PhaseSums<'a> {
        match self {
            Self::Whole(sums) => PhaseSums::Whole(&sums[at]),
            Self::Long(sums) => PhaseSums::Long(&sums[at]),
            Self::Real(sums) => PhaseSums::Real(&sums[at]),
        }
    }
}

/// Calls `use_sums` with the sums over the data and the negative sums over the chains. If `is_joint`, the
/// first are over both, as p̃ of the chains is negative.
pub fn with_sums(
    isa: Isa,
    statistics: &Statistics,
    place: &Place,
    is_joint: bool,
    use_sums: impl FnOnce(Sums<'_>, Option<Sums<'_>>),
) {
    thread_local! {
        /// Each worker's sums of one panel: of both phases together, or of each phase.
        static BUFFERS: RefCell<[Buffers; 2]> = RefCell::new([Buffers::new(), Buffers::new()]);
    }
    let (rows, _) = statistics.mean_panel(place.panel).as_chunks::<SIDE>();
    let (of_data, of_chains) = rows.split_at(statistics.capacities().0 / SIDE);
    let weights = statistics.weights();
    let data = Phase { isa, place, means: of_data, weights };
    let weights = weights.filter(|weights| weights.weigh_chains());
    let chains = Phase { means: of_chains, weights, ..data };
    BUFFERS.with_borrow_mut(|[of_data, of_model]| {
        match statistics.data() {
            States::Bits(by_unit) => of_data.sum(data, by_unit),
            States::Reals(by_unit) => of_data.sum_reals(data, by_unit),
        }
        if is_joint {
            // One sum over all rows.
            of_data.add(chains, statistics.chains(), None);
            use_sums(of_data.sums(), None);
        } else {
            // Each phase has its own sum and divisor.
            of_model.sum(chains, statistics.chains());
            use_sums(of_data.sums(), Some(of_model.sums()));
        }
    });
}

/// The means p̃ of one phase, in blocks of 64 rows, and their weights.
#[derive(Clone, Copy)]
struct Phase<'a> {
    isa: Isa,
    place: &'a Place,
    means: &'a [Tile<i16>],
    weights: Option<&'a RowWeights>,
}

impl Phase<'_> {
    /// Adds the rows of `blocks`, which `rows` holds, to the sums of the units that are on.
    fn add_rows<T: Addend>(
        self,
        rows: &[Tile<T>],
        blocks: Range<usize>,
        states: &BitPanels,
        start: Option<&[i32; SIDE]>,
        sums: &mut [Tile<i32>],
    ) {
        let (first, sums) = (self.place.tiles.start * SIDE, sums.as_flattened_mut());
        let target = Target { states, first_panel: blocks.start, first, sums };
        add_active_rows(self.isa, Panel::new(&rows[blocks], 1), start, &mut [target]);
    }
}

/// A worker's sums, and what they are made from, allocated once.
struct Buffers {
    kind: Kind,
    whole: Aligned<Tile<i32>>,
    long: Aligned<Tile<f64>>,
    reals: Aligned<Tile<f32>>,
    /// w̃ₙ p̃ₙⱼ.
    products: Aligned<Tile<i32>>,
    n_tiles: usize,
}

/// Which of the sums were taken last.
enum Kind {
    Whole,
    Long,
    Real,
}

impl Buffers {
    fn new() -> Self {
        Self {
            kind: Kind::Whole,
            whole: Aligned::new(0),
            long: Aligned::new(0),
            reals: Aligned::new(0),
            products: Aligned::new(0),
            n_tiles: 0,
        }
    }

    /// The sums that were taken last.
    fn sums(&self) -> Sums<'_> {
        match self.kind {
            Kind::Whole => Sums::Whole(&self.whole[..self.n_tiles]),
            Kind::Long => Sums::Long(&self.long[..self.n_tiles]),
            Kind::Real => Sums::Real(&self.reals[..self.n_tiles]),
        }
    }

    /// Sums over the states of a phase by unit (V, N or C).
    fn sum(&mut self, phase: Phase<'_>, states: &BitPanels) {
        self.n_tiles = phase.place.tiles.len();
        if self.whole.len() < self.n_tiles {
            self.whole.resize(self.n_tiles, [[0; SIDE]; SIDE]);
        }
        self.kind = Kind::Whole;
        if phase.weights.is_some_and(|weights| weights.runs().len() > 1) {
            self.kind = Kind::Long;
            self.long.clear();
            self.long.resize(self.n_tiles, [[0.0; SIDE]; SIDE]);
        }
        self.add(phase, states, Some(&[0; SIDE]));
    }

    /// Adds sums to those that were taken. Whole sums begin with `start`, if there is one.
    fn add(&mut self, phase: Phase<'_>, states: &BitPanels, start: Option<&[i32; SIDE]>) {
        let Some(weights) = phase.weights else {
            let sums = &mut self.whole[..self.n_tiles];
            return phase.add_rows(phase.means, 0..phase.means.len(), states, start, sums);
        };
        self.weigh(phase, weights);
        let Self { whole, long, products, .. } = self;
        let sums = &mut whole[..self.n_tiles];
        if let [run] = weights.runs() {
            return phase.add_rows(products, run.clone(), states, start, sums);
        }
        for run in weights.runs() {
            phase.add_rows(products, run.clone(), states, Some(&[0; SIDE]), sums);
            add_sums(phase.isa, sums.as_flattened(), long.as_flattened_mut());
        }
    }

    /// Sums over real data by unit (V, N), in f32 in the order of the examples. A product w̃ p̃ is exact in
    /// f32, too.
    fn sum_reals(&mut self, phase: Phase<'_>, by_unit: &RealRows) {
        self.n_tiles = phase.place.tiles.len();
        self.kind = Kind::Real;
        self.reals.clear();
        self.reals.resize(self.n_tiles, [[0.0; SIDE]; SIDE]);
        let first = phase.place.tiles.start * SIDE;
        if let Some(weights) = phase.weights {
            self.weigh(phase, weights);
        }
        let sums = self.reals.as_flattened_mut();
        // Padding units have no rows.
        let n_units = (by_unit.n_rows() - first).min(sums.len());
        let sums = &mut sums[..n_units];
        match phase.weights {
            None => add_scaled_rows(phase.isa, phase.means.as_flattened(), by_unit, first, sums),
            Some(_) => {
                add_scaled_rows(phase.isa, self.products.as_flattened(), by_unit, first, sums)
            }
        }
    }

    /// Computes w̃ₙ p̃ₙⱼ.
    fn weigh(&mut self, phase: Phase<'_>, weights: &RowWeights) {
        let n_rows = weights.rows().len();
        if self.products.len() * SIDE < n_rows {
            self.products.resize(n_rows.div_ceil(SIDE), [[0; SIDE]; SIDE]);
        }
        let means = &phase.means.as_flattened()[..n_rows];
        weigh(phase.isa, means, weights.rows(), &mut self.products.as_flattened_mut()[..n_rows]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::TrainConfig;
    use super::super::gradient::Gradient;
    use super::super::positive_phase::Batch;
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Dataset, Examples};
    use crate::ranks::Ranks;
    use crate::units::Units;
    use ndarray::Array1;

    const V: usize = 70;
    const H: usize = 67;
    const C: usize = 9;

    fn is_on(n: usize, i: usize) -> bool {
        (n * n + 3 * n * i + i * i) % 7 < 3
    }

    /// p̃ of an example.
    fn mean(n: usize, j: usize) -> i16 {
        ((n * 37 + j * j * 11 + n * j) % 256) as i16
    }

    /// The statistics of rows of examples, whose p̃ is that of their number, beside C chains. With
    /// contrastive divergence, chain n has the bits of the row before.
    fn statistics(examples: &Examples, rows: &[u32], is_cd: bool) -> Statistics {
        let n_chains = if is_cd { rows.len() } else { C };
        let chains = BitMatrix::from_fn(n_chains, V, |n, i| is_on(n + 5, i));
        let chains = BitPanels::from_matrix(&chains);
        let mut statistics = Statistics::new(rows.len(), &chains, H);
        let of_rows = |rows: &[u32]| {
            let bits = examples.fixed_bits(0, rows.iter().map(|&n| n as usize));
            BitPanels::from_matrix(&bits)
        };
        statistics.set_visible(States::Bits(&of_rows(rows)), &chains);
        let batch = Batch { examples, rows, first_address: 0 };
        statistics.set_weights(RowWeights::of(batch, is_cd));
        let first_chain = statistics.capacities().0;
        let capacity = first_chain + statistics.capacities().1;
        for (panel, means) in statistics.mean_hidden.chunks_exact_mut(capacity).enumerate() {
            for j in (0..SIDE).filter(|j| panel * SIDE + j < H) {
                for (at, &n) in rows.iter().enumerate() {
                    means[at][j] = mean(n as usize, panel * SIDE + j);
                }
                for chain in 0..n_chains {
                    means[first_chain + chain][j] = -mean(chain + 50, panel * SIDE + j);
                }
            }
        }
        statistics
    }

    /// `n` examples, with these weights.
    fn examples(n: usize, weights: &[f64]) -> Examples {
        let bits = Dataset::from_bits("some", BitMatrix::from_fn(n, V, is_on));
        Examples::new(bits.weighted("w", weights).unwrap(), Binarization::Stochastic)
    }

    fn all_rows(n: usize) -> Vec<u32> {
        (0..n as u32).collect()
    }

    fn gradient(config: &TrainConfig, isa: Isa, capacity: usize) -> Gradient {
        let mean = Array1::from_shape_fn(V, |i| (i % 8) as f64 / 8.0);
        let mean = Units::bits(mean.len()).in_panels(&mean.to_vec());
        Gradient::new(config, isa, mean.as_flattened(), capacity)
    }

    fn config(centering: bool) -> TrainConfig {
        TrainConfig { hidden: Some(H), centering, ..TrainConfig::default() }
    }

    /// The gradients of W (V, H), b (V) and c (H).
    fn taken(gradient: &mut Gradient, statistics: &Statistics) -> [Vec<f64>; 3] {
        gradient.take(statistics, &Ranks::default()).unwrap();
        let mut of_weights = vec![0.0; V * H];
        for panel in 0..H.div_ceil(SIDE) {
            gradient.with_tiles(statistics, panel, 0..V.div_ceil(SIDE), |tile, gradient| {
                for i in (0..SIDE).filter(|i| tile * SIDE + i < V) {
                    for (j, x) in gradient.row(i).into_iter().enumerate() {
                        if panel * SIDE + j < H {
                            of_weights[(tile * SIDE + i) * H + panel * SIDE + j] = x.into();
                        }
                    }
                }
            });
        }
        let biases = |n: usize, of: &dyn Fn(usize) -> f32| (0..n).map(|at| of(at).into()).collect();
        let visible = biases(V, &|i| gradient.visible_bias(i / SIDE)[i % SIDE]);
        let hidden = biases(H, &|j| gradient.hidden_bias(j / SIDE)[j % SIDE]);
        [of_weights, visible, hidden]
    }

    #[test]
    fn whole_weights_are_repeated_rows_to_the_bit() {
        for (n, most) in [(5, 3), (64, 4), (200, 9)] {
            let weights: Vec<_> = (0..n).map(|n| (1 + n * n % most) as f64).collect();
            let once = examples(n, &weights);
            let repeated: Vec<_> = all_rows(n)
                .into_iter()
                .flat_map(|row| std::iter::repeat_n(row, weights[row as usize] as usize))
                .collect();
            let equal = examples(n, &vec![1.0; n]);
            for (isa, centering) in
                Isa::available().into_iter().flat_map(|isa| [(isa, true), (isa, false)])
            {
                let found = |examples, rows: &[u32]| {
                    let statistics = statistics(examples, rows, false);
                    let (data, chains) = statistics.capacities();
                    taken(&mut gradient(&config(centering), isa, data + chains), &statistics)
                };
                assert!(
                    found(&once, &all_rows(n)) == found(&equal, &repeated),
                    "{n} {}",
                    isa.name()
                );
            }
        }
    }

    /// Sums that do not fit 32 bits, beside those of the definition.
    #[test]
    fn sums_of_any_weights_are_exact() {
        let n = 300;
        let weights: Vec<_> = (0..n).map(|n| 1.0 / (1 + n * 7 % 3) as f64).collect();
        let examples = examples(n, &weights);
        let whole = examples.weights().unwrap().whole();
        for (is_cd, isa) in Isa::available().into_iter().flat_map(|isa| [(false, isa), (true, isa)])
        {
            let statistics = statistics(&examples, &all_rows(n), is_cd);
            assert!(statistics.weights().unwrap().runs().len() > 1, "the sums fit");
            let weight = |n: usize| i64::from(whole[n]);
            let of_data = |i, j| -> i64 {
                (0..n).filter(|&n| is_on(n, i)).map(|n| weight(n) * i64::from(mean(n, j))).sum()
            };
            let of_chains = |i, j| -> i64 {
                let chains = 0..if is_cd { n } else { C };
                let weight = |chain| if is_cd { weight(chain) } else { 1 };
                let on = chains.filter(|&chain| is_on(chain + 5, i));
                -on.map(|chain| weight(chain) * i64::from(mean(chain + 50, j))).sum::<i64>()
            };
            let place = Place { panel: 1, tiles: 1..2 };
            with_sums(isa, &statistics, &place, is_cd, |data, model| {
                let Sums::Long(data) = data else { panic!("short sums") };
                for (i, j) in [(64, 64), (69, 66), (66, 65)] {
                    let at = data[0][i - 64][j - 64] as i64;
                    match model {
                        None => assert_eq!(at, of_data(i, j) + of_chains(i, j)),
                        Some(Sums::Whole(model)) => {
                            assert_eq!(at, of_data(i, j));
                            assert_eq!(i64::from(model[0][i - 64][j - 64]), of_chains(i, j));
                        }
                        Some(_) => panic!("chains without weights"),
                    }
                }
            });
        }
    }

    /// The gradient of a mini-batch is that of the definition, with products of v − μ and h − λ if it is
    /// centred. Its mean over the mini-batches of an epoch is the gradient over all data.
    #[test]
    fn the_gradient_of_mini_batches_is_unbiased() {
        let n = 96;
        let weights: Vec<_> = (0..n).map(|n| 0.01 + (n * 13 % 17) as f64).collect();
        let examples = examples(n, &weights);
        let whole = examples.weights().unwrap().whole();
        let mean_weight = f64::from(whole.iter().sum::<u32>()) / n as f64;
        for is_cd in [false, true] {
            for centering in [false, true] {
                let config = TrainConfig { offset_rate: 1e-12, ..config(centering) };
                let of_all = statistics(&examples, &all_rows(n), is_cd);
                let (data, chains) = of_all.capacities();
                let mut gradient = gradient(&config, Isa::fastest(), data + chains);
                let expected = taken(&mut gradient, &of_all);
                // The first update has set λ, which stays as it is.
                let offset = |rows: &dyn Fn(usize) -> f64| {
                    let sum: f64 = (0..n).map(|n| f64::from(whole[n]) * rows(n)).sum();
                    if centering {
                        (sum / (mean_weight * n as f64) * 65536.0).round() / 65536.0
                    } else {
                        0.0
                    }
                };
                let lambda: Vec<_> =
                    (0..H).map(|j| offset(&|n| f64::from(mean(n, j)) / 255.0)).collect();
                let mu: Vec<_> =
                    (0..V).map(|i| if centering { (i % 8) as f64 / 8.0 } else { 0.0 }).collect();
                let mut means = expected.each_ref().map(|all| vec![0.0; all.len()]);
                for rows in all_rows(n).chunks(32) {
                    let of_rows = statistics(&examples, rows, is_cd);
                    let (data, chains) = of_rows.capacities();
                    gradient.set_row_capacity(data + chains);
                    let found = taken(&mut gradient, &of_rows);
                    for (means, found) in means.iter_mut().zip(&found) {
                        means.iter_mut().zip(found).for_each(|(mean, x)| *mean += x / 3.0);
                    }
                    // The share of each row, negative for chains, with its v − μ and h − λ.
                    let row = |share: f64, state: usize, h: usize| {
                        let v: Vec<_> =
                            (0..V).map(|i| f64::from(u8::from(is_on(state, i))) - mu[i]).collect();
                        let h: Vec<_> =
                            (0..H).map(|j| f64::from(mean(h, j)) / 255.0 - lambda[j]).collect();
                        (share, v, h)
                    };
                    let share = |n: u32| f64::from(whole[n as usize]) / (32.0 * mean_weight);
                    let data = rows.iter().map(|&n| row(share(n), n as usize, n as usize));
                    let chains = (0..if is_cd { 32 } else { C }).map(|chain| {
                        let share = if is_cd { share(rows[chain]) } else { 1.0 / C as f64 };
                        row(-share, chain + 5, chain + 50)
                    });
                    let all: Vec<_> = data.chain(chains).collect();
                    let close = |x: f64, y: f64| {
                        assert!((x - y).abs() < 1e-4, "{x}, not {y}: cd {is_cd}, {centering}");
                    };
                    let of_weight =
                        |i, j| all.iter().map(|(share, v, h)| share * v[i] * h[j]).sum::<f64>();
                    for (i, j) in [(0, 0), (69, 66), (13, 40), (65, 3)] {
                        close(found[0][i * H + j], of_weight(i, j));
                        let others: f64 = (0..H).map(|j| of_weight(i, j) * lambda[j]).sum();
                        let own: f64 = all.iter().map(|(share, v, _)| share * v[i]).sum();
                        close(found[1][i], own - others);
                        let others: f64 = (0..V).map(|i| of_weight(i, j) * mu[i]).sum();
                        let own: f64 = all.iter().map(|(share, _, h)| share * h[j]).sum();
                        close(found[2][j], own - others);
                    }
                }
                if !is_cd {
                    for (found, expected) in means.iter().zip(&expected) {
                        for (x, y) in found.iter().zip(expected) {
                            assert!((x - y).abs() < 1e-4, "{x}, not {y}: centred {centering}");
                        }
                    }
                }
            }
        }
    }
}
