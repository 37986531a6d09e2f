//! The gradient: ⟨vᵢhⱼ⟩_data − ⟨vᵢhⱼ⟩_model for W, ⟨vᵢ⟩ and ⟨hⱼ⟩ likewise for the biases. It is plain or
//! centred, with or without a target for the hidden activity.
//!
//! The gradient of the weights is not stored. Each tile takes its own difference of sums and subtracts
//! a few products xᵢ yⱼ, which are computed here.

use super::centering::{BiasGradients, Centering};
use super::config::TrainConfig;
use super::statistics::Statistics;
use super::tile_sums::{self, Place};
use crate::error::Result;
use crate::kernels::Isa;
use crate::kernels::ascent::{Difference, ExtraRows, RankOne, TileGradient};
use crate::kernels::sigmoid::MEAN_ONE;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::ranks::Ranks;
use crate::state::State;
use crate::states::States;
use rayon::prelude::*;
use std::ops::Range;

/// The least number of rows of 64 means whose sums are worth a thread: they take some microseconds.
const FEW_ROWS: usize = 1024;

/// A matrix xᵢ yⱼ that is subtracted from the gradient of the weights: x (V) and y (H), in panels.
#[derive(Clone, Debug)]
struct Term {
    rows: Aligned<Row<f32>>,
    columns: Aligned<Row<f32>>,
}

/// The gradient of one update, and the running means over earlier ones.
#[derive(Clone, Debug)]
pub struct Gradient {
    isa: Isa,
    of_weights: Difference,
    /// Σ vᵢ (V) and Σ p̃ⱼ (H) over the data and, negative, over the chains, in panels.
    sums: Sums,
    /// ∇b (V), in panels.
    visible_bias: Aligned<Row<f32>>,
    /// ∇c (H), in panels.
    hidden_bias: Aligned<Row<f32>>,
    corrections: Option<Corrections>,
    /// The gradient of the weights of the label by the sums that stand apart, (hidden panels, K).
    label_rows: Vec<Row<f32>>,
}

/// Sums of both layers over the data and, negative, over the chains.
#[derive(Clone, Debug)]
struct Sums {
    visible: Vec<VisibleSums>,
    hidden: Vec<[Row<i64>; 2]>,
}

/// Σ vᵢ of a panel.
#[derive(Clone, Debug)]
struct VisibleSums {
    data: States<Row<i64>, Row<f32>>,
    /// The sum over the chains, negative.
    chains: Row<i64>,
}

/// The corrections of the plain gradient, and their buffers.
#[derive(Clone, Debug)]
struct Corrections {
    centering: Option<Centering>,
    /// Target p of the hidden activity, and its cost; cost 0 turns it off.
    sparsity: (f64, f64),
    /// ν, the weight of this update in the running means.
    rate: f64,
    /// Running mean of p(hⱼ | v) over the data (H); none before the first update.
    activity: Option<Vec<f64>>,
    /// f, then ∇b (V); g, then ∇c (H); padded to whole panels.
    biases: (Vec<f64>, Vec<f64>),
    /// ⟨vᵢ⟩ of this mini-batch (V).
    mean_visible: Vec<f64>,
    terms: Vec<Term>,
}

impl Gradient {
    /// The memory of a gradient by these settings, for this visible layer and statistics of
    /// `row_capacity` rows.
    pub fn bytes(config: &TrainConfig, visible: &Layout, row_capacity: usize) -> Bytes {
        let n_hidden = config.n_hidden();
        let of_visible = Bytes::of::<VisibleSums>(&[]) + Bytes::of::<Row<f32>>(&[]);
        let of_hidden = Bytes::of::<[Row<i64>; 2]>(&[]) + Bytes::of::<Row<f32>>(&[]);
        let plain = of_visible * visible.n_panels() + of_hidden * n_hidden.div_ceil(SIDE);
        let centering = Centering::bytes(visible, n_hidden, row_capacity);
        plain + if config.centering { centering } else { Bytes(0) }
    }

    /// A gradient by these settings, for statistics of `row_capacity` rows; `mean` (places) is the mean of
    /// the data.
    pub fn new(config: &TrainConfig, isa: Isa, mean: &[f64], row_capacity: usize) -> Self {
        let panels = |n: usize| aligned([0.0; SIDE], n.div_ceil(SIDE));
        let (visible_bias, hidden_bias) = (panels(mean.len()), panels(config.n_hidden()));
        let n_terms = 2 * usize::from(config.centering) + usize::from(config.sparsity_cost > 0.0);
        let term = Term { rows: visible_bias.clone(), columns: hidden_bias.clone() };
        let corrections = (n_terms > 0).then(|| Corrections {
            centering: config
                .centering
                .then(|| Centering::new(isa, mean, config.n_hidden(), row_capacity)),
            sparsity: (config.sparsity_target, config.sparsity_cost),
            rate: config.offset_rate,
            activity: None,
            biases: (vec![0.0; visible_bias.len() * SIDE], vec![0.0; hidden_bias.len() * SIDE]),
            mean_visible: vec![0.0; visible_bias.len() * SIDE],
            terms: vec![term; n_terms],
        });
        let sums = Sums {
            visible: vec![
                VisibleSums { data: States::Bits([0; SIDE]), chains: [0; SIDE] };
                visible_bias.len()
            ],
            hidden: vec![[[0; SIDE]; 2]; hidden_bias.len()],
        };
        let of_weights = Difference::Joint(0.0);
        let label_rows = Vec::new();
        Self { isa, of_weights, sums, visible_bias, hidden_bias, corrections, label_rows }
    }

    /// Makes room for statistics of `row_capacity` rows.
    pub fn set_row_capacity(&mut self, row_capacity: usize) {
        if let Some(centering) = self.corrections.as_mut().and_then(|all| all.centering.as_mut()) {
            centering.set_row_capacity(row_capacity);
        }
    }

    /// Saves the running means of the hidden units (H), if there are any.
    pub fn save(&self, state: &mut State, n_hidden: usize) {
        if let Some(activity) = self.corrections.as_ref().and_then(|all| all.activity.as_ref()) {
            state.put("hidden_activity", &[n_hidden], activity[..n_hidden].to_vec());
        }
    }

    /// Restores what [`save`](Self::save) saved under the same settings.
    ///
    /// # Errors
    /// As [`State::get`].
    pub fn restore(&mut self, state: &State, n_hidden: usize) -> Result<()> {
        if let Some(corrections) =
            self.corrections.as_mut().filter(|_| state.has("hidden_activity"))
        {
            let means = state.get("hidden_activity", &[n_hidden])?;
            let mut activity = vec![0.0; corrections.biases.1.len()];
            activity[..n_hidden].copy_from_slice(means);
            corrections.activity = Some(activity);
        }
        Ok(())
    }

    /// Computes the gradient from these statistics. Each of the ranks sums over its hidden panels, then all have both
    /// biases.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn take(&mut self, statistics: &Statistics, ranks: &Ranks) -> Result<()> {
        let (n_data, n_chains) = (statistics.n_data(), statistics.n_chains());
        let of_counts = statistics.difference_of_counts();
        let of_means = statistics.difference_of_means();
        self.of_weights = match statistics.data() {
            States::Bits(_) => of_means,
            States::Reals(_) => of_means.apart(),
        };
        let Self { isa, sums, visible_bias, hidden_bias, corrections, .. } = self;
        let isa = *isa;
        for (panel, (bias, sums)) in visible_bias.iter_mut().zip(&mut sums.visible).enumerate() {
            let (data, chains) = (statistics.sum_data(panel), statistics.sum_chains(panel));
            *bias = match &data {
                States::Bits(data) => of_counts.row(data, &chains),
                States::Reals(data) => of_counts.apart().row_of_reals(data, &chains),
            };
            *sums = VisibleSums { data, chains };
        }
        self.label_rows.clear();
        if let Some(labels) = statistics.labels() {
            let [of_data, _] = statistics.divisors();
            for (place, of_bias) in labels.places.clone().zip(&labels.of_biases) {
                visible_bias.as_flattened_mut()[place] += (of_bias / of_data) as f32;
            }
            let scale = (1.0 / of_data) as f32;
            let rows = labels.panels.iter().flat_map(|panel| &panel.of_classes);
            self.label_rows.extend(rows.map(|row| row.map(|x| x * scale)));
        }
        let (few, n_panels) = ((FEW_ROWS / (n_data + n_chains)).max(1), hidden_bias.len());
        let own = ranks.own(n_panels);
        let hidden = sums.hidden[own.clone()].par_iter_mut().enumerate().with_min_len(few);
        hidden.for_each(|(at, sums)| *sums = statistics.sum_hidden(isa, own.start + at));
        ranks.share(&mut [&mut sums.hidden], n_panels, |rank| ranks.part(rank, n_panels))?;
        for (bias, [data, chains]) in hidden_bias.iter_mut().zip(&sums.hidden) {
            *bias = of_means.row(data, chains);
        }
        match corrections {
            Some(corrections) => {
                corrections.apply(statistics, sums, [visible_bias, hidden_bias], ranks)
            }
            None => Ok(()),
        }
    }

    /// ∇b of a panel of visible units.
    pub fn visible_bias(&self, panel: usize) -> &Row<f32> {
        &self.visible_bias[panel]
    }

    /// ∇c of a panel of hidden units.
    pub fn hidden_bias(&self, panel: usize) -> &Row<f32> {
        &self.hidden_bias[panel]
    }

    /// Calls `use_gradient` with the gradient of each of some tiles of a panel of hidden units.
    pub fn with_tiles(
        &self,
        statistics: &Statistics,
        panel: usize,
        tiles: Range<usize>,
        mut use_gradient: impl FnMut(usize, TileGradient<'_>),
    ) {
        let place = Place { panel, tiles };
        let is_joint = matches!(self.of_weights, Difference::Joint(_));
        tile_sums::with_sums(self.isa, statistics, &place, is_joint, |data, model| {
            let of_label = statistics.labels().map(|labels| {
                let n = labels.places.len();
                (labels.places.start, &self.label_rows[panel * n..][..n])
            });
            let all_terms = self.corrections.as_ref().map_or(&[][..], |other| &other.terms);
            for (at, tile) in place.tiles.clone().enumerate() {
                let mut terms = [RankOne { rows: &[0.0; SIDE], columns: &[0.0; SIDE] }; 3];
                for (term, Term { rows, columns }) in terms.iter_mut().zip(all_terms) {
                    *term = RankOne { rows: &rows[tile], columns: &columns[panel] };
                }
                use_gradient(
                    at,
                    TileGradient {
                        difference: self.of_weights,
                        data: data.tile(at),
                        model: model.map(|model| model.tile(at)),
                        rows: of_label
                            .and_then(|(first, rows)| ExtraRows::in_tile(tile, first, rows)),
                        terms: &terms[..all_terms.len()],
                    },
                );
            }
        });
    }
}

impl Corrections {
    fn apply(
        &mut self,
        statistics: &Statistics,
        sums: &Sums,
        [visible_bias, hidden_bias]: [&mut [Row<f32>]; 2],
        ranks: &Ranks,
    ) -> Result<()> {
        let (f, g) = &mut self.biases;
        let [of_data, of_chains] = statistics.divisors();
        let [mass, mass_of_chains] = statistics.masses();
        let (shares, labels) = (statistics.shares(), statistics.labels());
        let one = f64::from(MEAN_ONE);
        let (activity, rate) = match &mut self.activity {
            // An update counts in proportion to the weights of its examples.
            Some(activity) => (activity, (self.rate * mass).min(1.0)),
            // The first update starts the running means at its own.
            none => (none.insert(vec![0.0; g.len()]), 1.0),
        };
        // fᵢ = ⟨vᵢ⟩_data − ⟨vᵢ⟩_model; sums over the chains are negative.
        for (panel, VisibleSums { data, chains }) in sums.visible.iter().enumerate() {
            let data = match data {
                States::Bits(sums) => sums.map(|sum| sum as f64),
                States::Reals(sums) => sums.map(f64::from),
            };
            for j in 0..SIDE {
                let mean = data[j] / of_data;
                self.mean_visible[panel * SIDE + j] = mean;
                f[panel * SIDE + j] = shares.phase * (mean + chains[j] as f64 / of_chains);
            }
        }
        if let Some(labels) = labels {
            for (class, place) in labels.places.clone().enumerate() {
                self.mean_visible[place] = labels.shares[class] / of_data;
                f[place] += labels.of_biases[class] / of_data;
            }
        }
        // gⱼ = ⟨hⱼ⟩_data − ⟨hⱼ⟩_model, and the running mean qⱼ ← qⱼ + ν (⟨hⱼ⟩_data − ⟨1⟩_data qⱼ).
        for (panel, [data, model]) in sums.hidden.iter().enumerate() {
            for j in 0..SIDE {
                let of_model = shares.phase * (model[j] as f64 / (of_chains * one));
                let mean = shares.data_means * (data[j] as f64 / (of_data * one));
                g[panel * SIDE + j] = mean + of_model;
                // With the label apart, p̃ of the data are r.
                let mean =
                    labels.map_or(mean, |labels| f64::from(labels.panels[panel].mean[j]) / of_data);
                let running = &mut activity[panel * SIDE + j];
                *running += rate * (mean / mass - *running);
            }
        }

        let mut terms = self.terms.iter_mut();
        let mut subtract = |x: &dyn Fn(usize) -> f64, y: &dyn Fn(usize) -> f64| {
            let Term { rows, columns } = terms.next().expect("a term for each correction");
            fill(rows, x);
            fill(columns, y);
        };
        if let Some(centering) = &mut self.centering {
            // ∇Wᵢⱼ = Dᵢⱼ − μᵢ gⱼ − fᵢ λⱼ, with λ = q.
            centering.set_hidden(activity);
            // With weights e = ⟨1⟩_data − ⟨1⟩_model is 0 only on average. Of the rows' products with v − μ
            // and h − λ there remain ∇Wᵢⱼ = Dᵢⱼ − μᵢ gⱼ − (fᵢ − μᵢ e) λⱼ.
            let excess = shares.phase * (mass - mass_of_chains);
            f.iter_mut().enumerate().for_each(|(i, f)| *f -= centering.visible(i) * excess);
            subtract(&|i| centering.visible(i), &|j| g[j]);
            subtract(&|i| f[i], &|j| centering.hidden(j));
            let biases = BiasGradients { visible: f, hidden: g };
            centering.center_biases(statistics, biases, ranks)?;
        }
        let (target, cost) = self.sparsity;
        if cost > 0.0 {
            // sⱼ = cost · (p − qⱼ) is added to the gradient of each hidden unit's input. So D gains
            // ⟨vᵢ⟩ sⱼ and g gains r sⱼ with r = ⟨1⟩, which is 1 without weights. In the centred formulas
            // these become
            //   ∇Wᵢⱼ += (⟨vᵢ⟩ − r μᵢ) sⱼ,  ∇bᵢ −= (⟨vᵢ⟩ − r μᵢ)(s·λ),  ∇cⱼ += sⱼ (r − (⟨v⟩ − r μ)·μ).
            let n_hidden = statistics.n_hidden();
            let push = |j: usize| if j < n_hidden { cost * (target - activity[j]) } else { 0.0 };
            let mu = |i: usize| self.centering.as_ref().map_or(0.0, |offsets| offsets.visible(i));
            let lambda =
                |j: usize| self.centering.as_ref().map_or(0.0, |offsets| offsets.hidden(j));
            let mean = &self.mean_visible;
            let centred = |i: usize| mean[i] - mass * mu(i);
            let s_lambda: f64 = (0..n_hidden).map(|j| push(j) * lambda(j)).sum();
            let mean_mu: f64 = (0..mean.len()).map(|i| centred(i) * mu(i)).sum();
            subtract(&|i| centred(i), &|j| -push(j));
            f.iter_mut().enumerate().for_each(|(i, f)| *f -= centred(i) * s_lambda);
            g.iter_mut().enumerate().for_each(|(j, g)| *g += push(j) * (mass - mean_mu));
        }
        fill(visible_bias, &|i| f[i]);
        fill(hidden_bias, &|j| g[j]);
        Ok(())
    }
}

/// Fills panels with the values of units 0, 1, ….
fn fill(rows: &mut [Row<f32>], value: &dyn Fn(usize) -> f64) {
    for (at, to) in rows.as_flattened_mut().iter_mut().enumerate() {
        *to = value(at) as f32;
    }
}
