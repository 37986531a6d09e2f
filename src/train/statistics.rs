//! The statistics of both phases: the visible states and p(h | v).

use super::label_sums::LabelSums;
use super::row_weights::RowWeights;
use crate::bits::{BitPanels, active};
use crate::kernels::ascent::Difference;
use crate::kernels::sigmoid::MEAN_ONE;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::kernels::{Isa, moments, transpose};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::reals::RealRows;
use crate::states::States;
use rayon::prelude::*;

/// By how much sums count in the gradient.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    /// Sums of v, and all sums over the chains.
    pub phase: f64,
    /// Sums of p̃ over the data.
    pub data_means: f64,
}

/// The sufficient statistics of both phases: a row for each example, then one for each chain.
///
/// p(h | v) of the chains is negative, so that with N = C a sum over all rows is N times
/// ⟨·⟩_data − ⟨·⟩_model.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// The places of the visible units.
    n_places: usize,
    n_hidden: usize,
    n_data: usize,
    n_chains: usize,
    /// The most rows of each phase, data and chains: multiples of 64.
    capacities: (usize, usize),
    /// v of the examples by unit, (places, N): for each visible unit the examples in which it is on, or its
    /// numbers.
    data: States<BitPanels, RealRows>,
    /// v of the chains by unit, (places, C): for each visible unit the chains in which it is on.
    chains: BitPanels,
    /// The weights of the examples; none if they are equal.
    weights: Option<RowWeights>,
    /// Sums with the label apart; none if its units are among the others.
    labels: Option<LabelSums>,
    /// p̃, which is p(h | v) from 0 to 255, (hidden panels, rows); negative for chains.
    pub(super) mean_hidden: Aligned<Row<i16>>,
}

impl Statistics {
    /// The memory of one phase of `n_rows` examples or chains of a model (V, H).
    pub fn bytes(n_rows: usize, visible: &Layout, n_hidden: usize) -> Bytes {
        BitPanels::bytes(visible.n_places(), n_rows)
            + Bytes::of::<Row<i16>>(&[n_hidden.div_ceil(SIDE), n_rows.div_ceil(SIDE), SIDE])
    }

    /// Statistics with room for `n_data` examples, chains (C, V) and H hidden units.
    pub fn new(n_data: usize, chains: &BitPanels, n_hidden: usize) -> Self {
        let n_places = chains.layout().n_places();
        let capacities = (n_data.next_multiple_of(SIDE), chains.row_capacity());
        let capacity = capacities.0 + capacities.1;
        Self {
            n_places,
            n_hidden,
            n_data,
            n_chains: chains.n_rows(),
            capacities,
            data: States::Bits(BitPanels::zeros(n_places, capacities.0)),
            chains: BitPanels::zeros(n_places, capacities.1),
            weights: None,
            labels: None,
            mean_hidden: aligned([0; SIDE], n_hidden.div_ceil(SIDE) * capacity),
        }
    }

    /// Copies the states v of the examples and of the chains.
    pub fn set_visible(&mut self, data: States<&BitPanels, &RealRows>, chains: &BitPanels) {
        let (n_places, n_data) = (self.n_places, self.capacities.0);
        match data {
            States::Bits(rows) => {
                self.n_data = rows.n_rows();
                transpose(rows, self.data.bits_or_new(|| BitPanels::zeros(n_places, n_data)));
            }
            States::Reals(rows) => {
                self.n_data = rows.n_rows();
                rows.transpose_into(self.data.reals_or_new(|| RealRows::new(0)));
            }
        }
        self.n_chains = chains.n_rows();
        transpose(chains, &mut self.chains);
    }

    /// Sets the weights of the examples of this update.
    pub fn set_weights(&mut self, weights: Option<RowWeights>) {
        self.weights = weights;
    }

    /// The sums of this update with the label apart, to be written. The p̃ of the examples are then r.
    pub fn label_sums_or_new(&mut self, new: impl FnOnce() -> LabelSums) -> &mut LabelSums {
        self.labels.get_or_insert_with(new)
    }

    /// The sums with the label apart, if it stands apart.
    pub fn labels(&self) -> Option<&LabelSums> {
        self.labels.as_ref()
    }

    /// By how much sums of v over the data, of p̃ over the data, and over the chains count: g, g + d and g of
    /// [`LabelSums`]; 1 unless the label stands apart.
    pub fn shares(&self) -> Shares {
        let labels = self.labels.as_ref();
        let phase = labels.map_or(1.0, |labels| labels.parts.generative);
        Shares { phase, data_means: labels.map_or(1.0, LabelSums::largest) }
    }

    /// The weights of the examples of this update, if they differ.
    pub fn weights(&self) -> Option<&RowWeights> {
        self.weights.as_ref()
    }

    /// The weights of the examples and of the chains, if they differ.
    pub fn weights_of_phases(&self) -> [Option<&RowWeights>; 2] {
        let weights = self.weights();
        [weights, weights.filter(|weights| weights.weigh_chains())]
    }

    /// The divisors that turn sums over the data and over the chains into means: N and C, unless there are
    /// weights.
    pub fn divisors(&self) -> [f64; 2] {
        let [data, chains] = self.weights_of_phases();
        [(data, self.n_data), (chains, self.n_chains.max(1))]
            .map(|(weights, n)| weights.map_or(n as f64, RowWeights::divisor))
    }

    /// ⟨1⟩ of the data and of the chains: 1, unless there are weights.
    pub fn masses(&self) -> [f64; 2] {
        let mass = |weights: Option<&RowWeights>| weights.map_or(1.0, |w| w.total() / w.divisor());
        self.weights_of_phases().map(mass)
    }

    /// The factors of sums over v.
    pub fn difference_of_counts(&self) -> Difference {
        self.difference(1, self.shares().phase)
    }

    /// The factors of sums over p̃.
    pub fn difference_of_means(&self) -> Difference {
        self.difference(MEAN_ONE.into(), self.shares().data_means)
    }

    /// The factors of sums over integers, in units of `1/one`, where those over the data count by `of_data`.
    /// They are joint if each chain counts as much as each example, or as its own.
    fn difference(&self, one: i32, of_data: f64) -> Difference {
        let [data, chains] = self.divisors();
        if self.labels.is_some() {
            return Difference::separate(data / of_data, chains / self.shares().phase, one);
        }
        let are_alike = match self.weights() {
            None => self.n_data == self.n_chains,
            Some(weights) => weights.weigh_chains(),
        };
        if are_alike {
            Difference::joint(data, one)
        } else {
            Difference::separate(data, chains, one)
        }
    }

    /// N, the number of examples of this update.
    pub fn n_data(&self) -> usize {
        self.n_data
    }

    /// C, the number of chains.
    pub fn n_chains(&self) -> usize {
        self.n_chains
    }

    /// H.
    pub fn n_hidden(&self) -> usize {
        self.n_hidden
    }

    /// The most examples and the most chains that fit: multiples of 64.
    pub fn capacities(&self) -> (usize, usize) {
        self.capacities
    }

    /// v of the examples by unit, (places, N).
    pub fn data(&self) -> States<&BitPanels, &RealRows> {
        self.data.as_ref()
    }

    /// v of the chains by unit, (places, C).
    pub fn chains(&self) -> &BitPanels {
        &self.chains
    }

    /// p̃ of one panel of hidden units: a row for each example that fits, then a row, negative, for each
    /// chain that fits.
    pub fn mean_panel(&self, panel: usize) -> &[Row<i16>] {
        let capacity = self.capacities.0 + self.capacities.1;
        &self.mean_hidden[panel * capacity..][..capacity]
    }

    /// Σₙ vₙᵢ over the examples, each times its weight, for one panel of visible units. Numbers are summed
    /// in f32 in the order of the examples.
    pub fn sum_data(&self, panel: usize) -> States<Row<i64>, Row<f32>> {
        match self.data() {
            States::Bits(by_unit) => States::Bits(count(by_unit, panel, self.weights())),
            States::Reals(by_unit) => {
                let units = panel * SIDE..((panel + 1) * SIDE).min(by_unit.n_rows());
                let mut sums = [0.0; SIDE];
                for (sum, unit) in sums.iter_mut().zip(units) {
                    match self.weights() {
                        None => by_unit.row(unit).values.iter().for_each(|value| *sum += value),
                        Some(weights) => by_unit
                            .row(unit)
                            .iter()
                            .for_each(|(n, value)| *sum += value * weights.rows()[n] as f32),
                    }
                }
                States::Reals(sums)
            }
        }
    }

    /// −Σₙ vₙᵢ over the chains, for one panel of visible units.
    pub fn sum_chains(&self, panel: usize) -> Row<i64> {
        let [_, weights] = self.weights_of_phases();
        count(&self.chains, panel, weights).map(|n| -n)
    }

    /// Σₙ p̃ₙⱼ over the examples and, negative, over the chains, for one panel of hidden units.
    pub fn sum_hidden(&self, isa: Isa, panel: usize) -> [Row<i64>; 2] {
        let (data, chains) = self.mean_panel(panel).split_at(self.capacities.0);
        let [of_data, of_chains] = self.weights_of_phases();
        [(&data[..self.n_data], of_data), (&chains[..self.n_chains], of_chains)].map(
            |(rows, weights)| match weights {
                None => moments::sum(isa, rows).map(i64::from),
                Some(weights) => moments::weighted_sum(isa, rows, weights.rows()),
            },
        )
    }
}

/// Transposes states (N, V) into rows by unit (places, N).
fn transpose(rows: &BitPanels, by_unit: &mut BitPanels) {
    let panels = by_unit.par_panels_mut().enumerate();
    panels.with_min_len(4).for_each(|(panel, words)| transpose::bits_of_rows(rows, panel, words));
}

/// The number of rows in which each unit of a panel is on, or the sum of their weights.
fn count(by_unit: &BitPanels, panel: usize, weights: Option<&RowWeights>) -> Row<i64> {
    let mut counts = [0; SIDE];
    for block in 0..by_unit.n_panels() {
        let words = &by_unit.panel(block)[panel * SIDE..][..SIDE];
        let units = counts.iter_mut().zip(words);
        match weights {
            None => units.for_each(|(count, rows)| *count += i64::from(rows.count_ones())),
            Some(weights) => {
                let weights = &weights.rows()[(block * SIDE).min(weights.rows().len())..];
                units.for_each(|(count, rows)| {
                    *count += active(&[*rows]).map(|row| weights[row]).sum::<i64>();
                });
            }
        }
    }
    counts
}
