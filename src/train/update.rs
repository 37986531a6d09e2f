//! One step up the gradient, ⟨vᵢhⱼ⟩_data − ⟨vᵢhⱼ⟩_model.
//!
//! A panel of hidden units owns its weights: it sums its own statistics over both phases and at
//! once moves its weights and refreshes both images. There is no gradient of the whole matrix, and
//! no sum across threads to put in order.

use super::parameters::Parameters;
use super::statistics::Statistics;
use crate::fixed::Scale;
use crate::gibbs::{Image, tiles_of_a_piece};
use crate::kernels::Isa;
use crate::kernels::ascent::{Difference, Rule, Sums, TileParts, ascend_tile};
use crate::kernels::rows::{Target, add_active_rows};
use crate::kernels::sigmoid::MEAN_ONE;
use crate::kernels::tile::{Panel, Row, SIDE, Tile};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// What a rule remembers of every parameter, in the layout of [`Parameters`].
#[derive(Clone, Debug, PartialEq)]
pub struct Memory<S> {
    weights: Vec<Tile<S>>,
    visible_bias: Vec<Row<S>>,
    hidden_bias: Vec<Row<S>>,
}

impl<S: Copy + Default> Memory<S> {
    /// Nothing yet.
    pub fn new(n_visible: usize, n_hidden: usize) -> Self {
        let (visible_panels, hidden_panels) = (n_visible.div_ceil(SIDE), n_hidden.div_ceil(SIDE));
        Self {
            weights: vec![[[S::default(); SIDE]; SIDE]; visible_panels * hidden_panels],
            visible_bias: vec![[S::default(); SIDE]; visible_panels],
            hidden_bias: vec![[S::default(); SIDE]; hidden_panels],
        }
    }
}

/// Moves all parameters by the rules for weights and for biases.
pub fn ascend<R: Rule>(
    parameters: &mut Parameters,
    memory: &mut Memory<R::State>,
    statistics: &Statistics,
    (weight_rule, bias_rule): (R, R),
) {
    let gradient = Gradient::new(statistics);
    let Parameters { weights, visible_bias, hidden_bias, image, .. } = parameters;
    let Image { isa, scale, transposed, visible_bias: visible_image, .. } = image;
    let (isa, scale) = (*isa, *scale);
    let tiles_below = visible_bias.len();
    let piece = tiles_of_a_piece(tiles_below, hidden_bias.len());

    let move_visible_biases = || {
        let biases = visible_bias.iter_mut().zip(&mut memory.visible_bias).zip(visible_image);
        for (panel, ((bias, state), image)) in biases.enumerate() {
            ascend_bias(bias_rule, scale, gradient.visible_bias(panel), (bias, state, image));
        }
    };
    let panels = (weights.par_chunks_mut(tiles_below))
        .zip(memory.weights.par_chunks_mut(tiles_below))
        .zip(image.weights.par_chunks_mut(tiles_below))
        .zip(transposed.par_chunks_mut(tiles_below));
    let hidden =
        (hidden_bias.par_iter_mut()).zip(&mut memory.hidden_bias).zip(&mut image.hidden_bias);
    let move_panel = |(panel, (tiles, biases)): (usize, PanelParts<'_, R::State>)| {
        let (((weights, state), image), transposed) = tiles;
        let ((bias, bias_state), bias_image) = biases;
        let bias_parts = (bias, bias_state, bias_image);
        ascend_bias(bias_rule, scale, gradient.hidden_bias(panel), bias_parts);
        let pieces = (weights.par_chunks_mut(piece))
            .zip(state.par_chunks_mut(piece))
            .zip(image.par_chunks_mut(piece))
            .zip(transposed.par_chunks_mut(piece));
        pieces.enumerate().for_each(|(at, (((weights, state), image), transposed))| {
            gradient.with_sums(isa, panel, at * piece..at * piece + weights.len(), |sums| {
                let tiles = weights.iter_mut().zip(state).zip(image).zip(transposed);
                for (sums, (((weights, state), image), transposed)) in sums.zip(tiles) {
                    let tile = TileParts { weights, state, image, transposed };
                    ascend_tile(isa, weight_rule, scale, sums, tile);
                }
            });
        });
    };
    rayon::join(|| panels.zip(hidden).enumerate().for_each(move_panel), move_visible_biases);
}

/// A panel's weights, rule's memory, W̃ and W̃ᵀ, and the same of its biases.
type PanelParts<'a, S> = (
    (((&'a mut [Tile<f32>], &'a mut [Tile<S>]), &'a mut [Tile<i32>]), &'a mut [Tile<i32>]),
    ((&'a mut Row<f32>, &'a mut Row<S>), &'a mut Row<i32>),
);

/// Moves a panel of biases and refreshes their image.
fn ascend_bias<R: Rule>(
    rule: R,
    scale: Scale,
    gradient: Row<f32>,
    (bias, state, image): (&mut Row<f32>, &mut Row<R::State>, &mut Row<i32>),
) {
    for (j, gradient) in gradient.into_iter().enumerate() {
        bias[j] = rule.step(bias[j], gradient, &mut state[j]);
        image[j] = scale.round(bias[j]);
    }
}

thread_local! {
    /// Each worker's sums of one panel: of both phases together, or of each.
    static SUMS: RefCell<[Vec<Tile<i32>>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// The difference of the two phases, from their integer sums.
struct Gradient<'a> {
    statistics: &'a Statistics,
    of_means: Difference,
    of_counts: Difference,
}

impl<'a> Gradient<'a> {
    fn new(statistics: &'a Statistics) -> Self {
        let (n_data, n_chains) = (statistics.n_data(), statistics.n_chains());
        let difference = |one| Difference::new(n_data, n_chains, one);
        Self { statistics, of_means: difference(MEAN_ONE), of_counts: difference(1) }
    }

    /// ⟨vᵢ⟩_data − ⟨vᵢ⟩_model of a panel of visible units.
    fn visible_bias(&self, panel: usize) -> Row<f32> {
        std::array::from_fn(|j| {
            let unit = panel * SIDE + j;
            if unit >= self.statistics.n_visible() {
                return 0.0;
            }
            let (data, model) = self.statistics.count_visible(unit);
            self.of_counts.gradient(data, model)
        })
    }

    /// ⟨hⱼ⟩_data − ⟨hⱼ⟩_model of a panel of hidden units.
    fn hidden_bias(&self, panel: usize) -> Row<f32> {
        let (data, model) = self.statistics.sum_hidden(panel);
        std::array::from_fn(|j| self.of_means.gradient(data[j], model[j]))
    }

    /// Hands the sums Σₙ vₙᵢ p̃ₙⱼ of some tiles of a panel to `use_sums`, tile after tile.
    fn with_sums(
        &self,
        isa: Isa,
        panel: usize,
        tiles: Range<usize>,
        use_sums: impl FnOnce(&mut dyn Iterator<Item = Sums<'_>>),
    ) {
        let (rows, _) = self.statistics.mean_panel(panel).as_chunks::<SIDE>();
        let states = self.statistics.by_unit();
        let n_data_tiles = self.statistics.capacities().0 / SIDE;
        let sum = |rows: &[Tile<i32>], first_panel: usize, sums: &mut Vec<Tile<i32>>| {
            sums.clear();
            sums.resize(tiles.len(), [[0; SIDE]; SIDE]);
            let (first, sums) = (tiles.start * SIDE, sums.as_flattened_mut());
            let target = Target { states, first_panel, first, sums };
            add_active_rows(isa, Panel::new(rows, 1), &mut [target]);
        };
        SUMS.with_borrow_mut(|[both, model]| match self.of_means {
            Difference::Joint(scale) => {
                sum(rows, 0, both);
                use_sums(&mut both.iter().map(|sums| Sums::Joint(sums, scale)));
            }
            Difference::Separate(of_data, of_model) => {
                sum(&rows[..n_data_tiles], 0, both);
                sum(&rows[n_data_tiles..], n_data_tiles, model);
                let tiles = both.iter().zip(&*model);
                let separate = |(data, model)| Sums::Separate([data, model], [of_data, of_model]);
                use_sums(&mut tiles.map(separate));
            }
        });
    }
}
