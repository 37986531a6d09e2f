//! Offsets of the centred gradient (Melchior, Fischer and Wiskott, 2016, How to center deep
//! Boltzmann machines), and the centred gradients of the biases.
//!
//! The centred gradient of W is ⟨(vᵢ − μᵢ)(hⱼ − λⱼ)⟩_data − ⟨(vᵢ − μᵢ)(hⱼ − λⱼ)⟩_model; the biases have
//! the gradients ⟨v⟩_data − ⟨v⟩_model − ∇W λ and ⟨h⟩_data − ⟨h⟩_model − ∇Wᵀ μ (section 3). Let D, f and
//! g be the plain differences of ⟨vᵢhⱼ⟩, ⟨vᵢ⟩ and ⟨hⱼ⟩. Then
//!
//! ```text
//! ∇Wᵢⱼ = Dᵢⱼ − μᵢ gⱼ − fᵢ λⱼ
//! ∇bᵢ  = fᵢ (1 + λ·λ) + μᵢ (g·λ) − Aᵢ,   A = ⟨v a⟩_data − ⟨v a⟩_model,   aₙ = Σⱼ p̃ₙⱼ λ̃ⱼ
//! ∇cⱼ  = gⱼ (1 + μ·μ) + λⱼ (f·μ) − Bⱼ,   B = ⟨h m⟩_data − ⟨h m⟩_model,   mₙ = Σ_{i on} μ̃ᵢ
//! ```
//!
//! A tilde marks integers: μ̃ = 2¹⁶ μ, λ̃ = 2¹⁶ λ, and p̃ is 255 p(h | v), dithered. So a, m and
//! the sums in A and B are exact; their units are divided out at the end. No pass over W is needed.
//! With weights, a and m of a row are multiplied by its weight.
//!
//! Flipping units in the data does not change the trajectory of the centred gradient, and its first
//! updates need not learn the mean of the data.

use super::row_weights::RowWeights;
use super::statistics::Statistics;
use crate::error::Result;
use crate::kernels::sigmoid::MEAN_ONE;
use crate::kernels::tile::SIDE;
use crate::kernels::{Isa, moments};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::ranks::{Ranks, of_panels};
use crate::states::States;
use rayon::prelude::*;
use std::ops::Range;

/// The offset 1 in 16 binary places.
const ONE: f64 = (1 << 16) as f64;

/// The number of rows with weights whose sums p̃ₙⱼ mₙ fit an i64 with up to 2²⁰ visible units.
const EXACT_ROWS: usize = 8;

/// μ, λ and the sums that they need.
#[derive(Clone, Debug)]
pub struct Centering {
    isa: Isa,
    /// μ̃ (places), the mean of the data; 0 for padding.
    visible: Vec<i32>,
    /// λ̃ (H), padded likewise.
    hidden: Vec<i32>,
    /// aₙ of each hidden panel (panels, rows); then the first row becomes the sum over panels.
    a: Vec<i64>,
    /// mₙ (rows).
    m: Vec<i64>,
    /// Σₙ vₙᵢ aₙ over the data and over the chains (V); the latter is negative, because p̃ is.
    a_visible: Vec<[i128; 2]>,
    /// Σₙ p̃ₙⱼ mₙ over the data and, negative, over the chains (H).
    m_hidden: Vec<[i128; 2]>,
    /// The sums over real data: f64 sums in the order of units, or of examples.
    of_reals: Moments,
    /// The parts of A (V) and of B (H) of the units of a label that stands apart.
    of_label: (Vec<f64>, Vec<f64>),
}

/// Sums over real data.
#[derive(Clone, Debug)]
struct Moments {
    /// Σᵢ vₙᵢ μ̃ᵢ (rows).
    m: Vec<f64>,
    /// Σₙ vₙᵢ aₙ (V).
    a_visible: Vec<f64>,
    /// Σₙ p̃ₙⱼ mₙ (H).
    m_hidden: Vec<f64>,
}

/// The gradients of both biases.
pub struct BiasGradients<'a> {
    /// f before, ∇b after centering (V).
    pub visible: &'a mut [f64],
    /// g before, ∇c after centering (H).
    pub hidden: &'a mut [f64],
}

impl Centering {
    /// The memory of offsets for a model (V, H) and statistics of `row_capacity` rows.
    pub fn bytes(visible: &Layout, n_hidden: usize, row_capacity: usize) -> Bytes {
        let of_panel =
            Bytes::of::<i32>(&[]) + Bytes::of::<[i128; 2]>(&[]) + Bytes::of::<[f64; 2]>(&[]);
        let n_panels = n_hidden.div_ceil(SIDE);
        (of_panel * SIDE) * visible.n_panels()
            + (of_panel * SIDE) * n_panels
            + Bytes::of::<i64>(&[n_panels, row_capacity])
            + Bytes::of::<[i64; 2]>(&[row_capacity])
    }

    /// Offsets at the mean of the data (places), 0 to 1, for statistics of `row_capacity` rows.
    pub fn new(isa: Isa, mean: &[f64], n_hidden: usize, row_capacity: usize) -> Self {
        let hidden_panels = n_hidden.div_ceil(SIDE);
        let visible: Vec<i32> = mean.iter().map(|&mean| to_fixed(mean)).collect();
        let of_reals = Moments {
            m: vec![0.0; row_capacity],
            a_visible: vec![0.0; visible.len()],
            m_hidden: vec![0.0; hidden_panels * SIDE],
        };
        Self {
            isa,
            of_reals,
            of_label: (vec![0.0; visible.len()], vec![0.0; hidden_panels * SIDE]),
            a_visible: vec![[0; 2]; visible.len()],
            visible,
            hidden: vec![0; hidden_panels * SIDE],
            a: vec![0; hidden_panels * row_capacity],
            m: vec![0; row_capacity],
            m_hidden: vec![[0; 2]; hidden_panels * SIDE],
        }
    }

    /// Makes room for statistics of `row_capacity` rows.
    pub fn set_row_capacity(&mut self, row_capacity: usize) {
        self.a.resize(self.hidden.len() / SIDE * row_capacity, 0);
        self.m.resize(row_capacity, 0);
        self.of_reals.m.resize(row_capacity, 0.0);
    }

    /// Sets λ to the running means of the hidden units (H).
    pub fn set_hidden(&mut self, means: &[f64]) {
        self.hidden.iter_mut().zip(means).for_each(|(offset, &mean)| *offset = to_fixed(mean));
    }

    /// μᵢ.
    pub fn visible(&self, unit: usize) -> f64 {
        f64::from(self.visible[unit]) / ONE
    }

    /// λⱼ.
    pub fn hidden(&self, unit: usize) -> f64 {
        f64::from(self.hidden[unit]) / ONE
    }

    /// Turns f and g into the centred gradients of the biases. Each of the ranks sums over its hidden panels.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn center_biases(
        &mut self,
        statistics: &Statistics,
        biases: BiasGradients<'_>,
        ranks: &Ranks,
    ) -> Result<()> {
        let capacity = self.m.len();
        let (n_data, n_chains) = (statistics.n_data(), statistics.n_chains());
        let first_chain = statistics.capacities().0;
        let (of_data, of_chains) = (0..n_data, first_chain..first_chain + n_chains);
        // ⟨·⟩_data − ⟨·⟩_model from sums over both phases.
        let [divisor, divisor_of_chains] = statistics.divisors();
        let shares = statistics.shares();
        let means = |[data, chains]: [i128; 2], reals: f64, one: f64| {
            // Data are bits or reals, so one of the two sums over the data is 0.
            let data = data as f64 + reals;
            shares.data_means * (data / (divisor * one))
                + shares.phase * (chains as f64 / (divisor_of_chains * one))
        };
        let both = |values: &[i64]| {
            let sum =
                |rows: &Range<usize>| values[rows.clone()].iter().copied().map(i128::from).sum();
            [&of_data, &of_chains].map(sum)
        };
        // Without weights all rows may be summed at once.
        let n_at_once = if statistics.weights().is_some() { EXACT_ROWS } else { capacity };

        let n_data_blocks = first_chain / SIDE;
        // The bits of 64 rows by unit; real data have none, `of_reals` sums them.
        let bits_of = |block: usize| match statistics.data() {
            _ if block >= n_data_blocks => statistics.chains().panel(block - n_data_blocks),
            States::Bits(by_unit) => by_unit.panel(block),
            States::Reals(_) => &[],
        };

        let Self { isa, visible, hidden, a, m, a_visible, m_hidden, of_reals, of_label } = self;
        let isa = *isa;
        let hidden_panels = hidden.as_chunks::<SIDE>().0;
        let n_panels = hidden_panels.len();
        let own = ranks.own(n_panels);
        rayon::join(
            || {
                // aₙ = Σⱼ p̃ₙⱼ λ̃ⱼ
                let panels = a.par_chunks_exact_mut(capacity).zip(hidden_panels).enumerate();
                panels.for_each(|(panel, (a, offsets))| {
                    if !own.contains(&panel) {
                        return a.fill(0);
                    }
                    moments::dots(isa, statistics.mean_panel(panel), offsets, a);
                });
            },
            || {
                // mₙ = Σ_{i on} μ̃ᵢ
                m.par_chunks_exact_mut(SIDE).enumerate().for_each(|(block, m)| {
                    m.fill(0);
                    let units = bits_of(block).iter().zip(&*visible);
                    units.for_each(|(&rows, &offset)| add_to_active(rows, offset.into(), m));
                });
            },
        );
        let (a, of_other_panels) = a.split_at_mut(capacity);
        for other in of_other_panels.chunks_exact(capacity) {
            a.iter_mut().zip(other).for_each(|(sum, x)| *sum += x);
        }
        ranks.sum(a)?;
        for (rows, weights) in
            [&of_data, &of_chains].into_iter().zip(statistics.weights_of_phases())
        {
            let weights = weights.map_or(&[][..], RowWeights::rows);
            for values in [&mut *a, &mut *m] {
                values[rows.clone()].iter_mut().zip(weights).for_each(|(x, weight)| *x *= weight);
            }
        }
        let (a, m) = (&*a, &*m);
        rayon::join(
            || {
                // Σₙ vₙᵢ aₙ, of which A is the difference of means.
                let units = a_visible.par_iter_mut().enumerate().with_min_len(2 * SIDE);
                units.for_each(|(unit, sums)| {
                    *sums = [0; 2];
                    for block in 0..capacity / SIDE {
                        let is_chain = usize::from(block * SIDE >= first_chain);
                        if let Some(rows) = bits_of(block).get(unit) {
                            sums[is_chain] += i128::from(sum_of_active(*rows, &a[block * SIDE..]));
                        }
                    }
                });
            },
            || {
                // Σₙ p̃ₙⱼ mₙ, of which B is the difference of means.
                let panels = of_panels(m_hidden, n_panels, &own).par_chunks_exact_mut(SIDE);
                panels.enumerate().for_each(|(at, sums)| {
                    let means = statistics.mean_panel(own.start + at);
                    for (phase, rows) in [&of_data, &of_chains].into_iter().enumerate() {
                        let (means, m) = (&means[rows.clone()], &m[rows.clone()]);
                        sums.iter_mut().for_each(|sum| sum[phase] = 0);
                        for (means, m) in means.chunks(n_at_once).zip(m.chunks(n_at_once)) {
                            let of_panel = moments::weighted_sum(isa, means, m);
                            let sums = sums.iter_mut().zip(of_panel);
                            sums.for_each(|(sum, x)| sum[phase] += i128::from(x));
                        }
                    }
                });
            },
        );

        of_reals.take(statistics, visible, a, own);
        ranks.share(&mut [m_hidden], n_panels, |rank| ranks.part(rank, n_panels))?;
        if let States::Reals(_) = statistics.data() {
            let m_hidden = &mut of_reals.m_hidden;
            ranks.share(&mut [m_hidden], n_panels, |rank| ranks.part(rank, n_panels))?;
        }
        let sum_of_m: f64 = of_reals.m[of_data.clone()].iter().sum();

        let square = |offsets: &[i32]| {
            let sum: i64 = offsets.iter().map(|&x| i64::from(x) * i64::from(x)).sum();
            sum as f64 / (ONE * ONE)
        };
        // g·λ is the difference of the means of aₙ, f·μ of mₙ, whose sum over the chains is positive.
        let one = f64::from(MEAN_ONE) * ONE;
        let g_lambda = means(both(a), 0.0, one);
        let [m_data, m_chains] = both(m);
        let (lambda_square, mu_square) = (square(hidden), square(visible));
        // With f − μ e in place of f, as ∇c needs it: see the gradient of W.
        let [mass, mass_of_chains] = statistics.masses();
        let excess = shares.phase * (mass - mass_of_chains);
        let offset = |offsets: &[i32], at: usize| f64::from(offsets[at]) / ONE;
        let (g_lambda, f_mu) = match statistics.labels() {
            None => {
                (g_lambda, means([m_data, -m_chains], sum_of_m, ONE) - excess * (1.0 + mu_square))
            }
            // The units of the label are not among those of mₙ.
            Some(_) => {
                let dot = |gradient: &[f64], offsets: &[i32]| -> f64 {
                    gradient.iter().enumerate().map(|(at, x)| x * offset(offsets, at)).sum()
                };
                (dot(biases.hidden, hidden), dot(biases.visible, visible) - excess)
            }
        };
        let (a_label, b_label) = of_label;
        if let Some(labels) = statistics.labels() {
            b_label.fill(0.0);
            for (class, place) in labels.places.clone().enumerate() {
                let rows = (0..labels.panels.len()).flat_map(|panel| labels.of_class(panel, class));
                a_label[place] = 0.0;
                for (j, x) in rows.map(|&x| f64::from(x) / divisor).enumerate() {
                    a_label[place] += x * offset(hidden, j);
                    b_label[j] += x * offset(visible, place);
                }
            }
        }
        for (i, f) in biases.visible.iter_mut().enumerate() {
            // ∇bᵢ = fᵢ (1 + λ·λ) + μᵢ (g·λ) − Aᵢ
            let mu = f64::from(visible[i]) / ONE;
            *f = *f * (1.0 + lambda_square) + mu * g_lambda
                - means(a_visible[i], of_reals.a_visible[i], one)
                - a_label[i];
        }
        for (j, g) in biases.hidden.iter_mut().enumerate() {
            // ∇cⱼ = gⱼ (1 + μ·μ) + λⱼ (f·μ) − Bⱼ
            let lambda = f64::from(hidden[j]) / ONE;
            *g = *g * (1.0 + mu_square) + lambda * f_mu
                - means(m_hidden[j], of_reals.m_hidden[j], one)
                - b_label[j];
        }
        Ok(())
    }
}

impl Moments {
    /// Takes the sums for these statistics, offsets μ̃ and sums aₙ; they are 0 if the data are bits.
    /// Those of hidden units are of the panels `own`.
    fn take(&mut self, statistics: &Statistics, offsets: &[i32], a: &[i64], own: Range<usize>) {
        let Self { m, a_visible, m_hidden } = self;
        for sums in [&mut *m, a_visible, m_hidden] {
            sums.fill(0.0);
        }
        let States::Reals(by_unit) = statistics.data() else { return };
        for (unit, row) in by_unit.rows().enumerate() {
            row.iter().for_each(|(n, v)| m[n] += f64::from(v) * f64::from(offsets[unit]));
        }
        let weights = statistics.weights().map_or(&[][..], RowWeights::rows);
        m.iter_mut().zip(weights).for_each(|(m, &weight)| *m *= weight as f64);
        let m = &*m;
        rayon::join(
            || {
                let units = a_visible[..by_unit.n_rows()].par_iter_mut().enumerate();
                units.with_min_len(2 * SIDE).for_each(|(unit, sum)| {
                    let terms = by_unit.row(unit).iter().map(|(n, v)| f64::from(v) * a[n] as f64);
                    *sum = terms.sum();
                });
            },
            || {
                let own_sums = &mut m_hidden[own.start * SIDE..own.end * SIDE];
                own_sums.par_chunks_exact_mut(SIDE).enumerate().for_each(|(at, sums)| {
                    let rows = statistics.mean_panel(own.start + at)[..statistics.n_data()].iter();
                    for (means, &m) in rows.zip(m) {
                        let units = sums.iter_mut().zip(means);
                        units.for_each(|(sum, &mean)| *sum += f64::from(mean) * m);
                    }
                });
            },
        );
    }
}

/// A mean in 16 binary places, clamped to 0 to 1.
fn to_fixed(mean: f64) -> i32 {
    (mean.clamp(0.0, 1.0) * ONE).round_ties_even() as i32
}

/// Adds `addend` to the values of the rows that are on.
fn add_to_active(mut rows: u64, addend: i64, values: &mut [i64]) {
    while rows != 0 {
        values[rows.trailing_zeros() as usize % SIDE] += addend;
        rows &= rows - 1;
    }
}

/// The sum of the values of the rows that are on.
fn sum_of_active(mut rows: u64, values: &[i64]) -> i64 {
    let mut sum = 0;
    while rows != 0 {
        sum += values[rows.trailing_zeros() as usize % SIDE];
        rows &= rows - 1;
    }
    sum
}
