//! One step up the gradient, ⟨vᵢhⱼ⟩_data − ⟨vᵢhⱼ⟩_model.
//!
//! A panel of hidden units owns its weights: it sums its own statistics over both phases and at
//! once moves its weights and refreshes both images. There is no gradient of the whole matrix, and
//! no sum across threads to put in order.

use super::parameters::Parameters;
use super::statistics::Statistics;
use crate::kernels::Isa;
use crate::kernels::ascent::{Difference, Rule, Sums, TileParts, ascend_tile};
use crate::kernels::rows::{Target, add_active_rows};
use crate::kernels::sigmoid::MEAN_ONE;
use crate::kernels::tile::{Panel, Row, SIDE, Tile};
use rayon::prelude::*;
use std::cell::RefCell;

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

thread_local! {
    /// Each worker's sums of one panel, for the data and for the model.
    static SUMS: RefCell<[Vec<Row<i32>>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Moves all parameters by the rules for weights and for biases.
pub fn ascend<R: Rule>(
    parameters: &mut Parameters,
    memory: &mut Memory<R::State>,
    positive: &Statistics,
    negative: &Statistics,
    (weight_rule, bias_rule): (R, R),
) {
    let gradient = Gradient::new(positive, negative);
    let Parameters { weights, visible_bias, hidden_bias, image, .. } = parameters;
    let scale = image.scale;

    for (panel, bias) in visible_bias.iter_mut().enumerate() {
        let gradients = gradient.visible_bias(panel);
        for (j, gradient) in gradients.into_iter().enumerate() {
            bias[j] = bias_rule.step(bias[j], gradient, &mut memory.visible_bias[panel][j]);
            image.visible_bias[panel][j] = scale.round(bias[j]);
        }
    }
    for (panel, bias) in hidden_bias.iter_mut().enumerate() {
        let gradients = gradient.hidden_bias(panel);
        for (j, gradient) in gradients.into_iter().enumerate() {
            bias[j] = bias_rule.step(bias[j], gradient, &mut memory.hidden_bias[panel][j]);
            image.hidden_bias[panel][j] = scale.round(bias[j]);
        }
    }

    let tiles_below = visible_bias.len();
    let piece = tiles_of_a_piece(tiles_below, hidden_bias.len());
    let isa = image.isa;
    let panels = weights
        .par_chunks_mut(tiles_below)
        .zip(memory.weights.par_chunks_mut(tiles_below))
        .zip(image.weights.par_chunks_mut(tiles_below))
        .zip(image.transposed.par_chunks_mut(tiles_below));
    panels.enumerate().for_each(|(panel, (((weights, state), image), transposed))| {
        let pieces = weights
            .par_chunks_mut(piece)
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
    });
}

/// How many of the tiles of a panel a piece of work has: all, so that they share tables, unless
/// that leaves threads without work.
fn tiles_of_a_piece(tiles_below: usize, n_panels: usize) -> usize {
    let pieces = rayon::current_num_threads().div_ceil(n_panels);
    tiles_below.div_ceil(pieces)
}

/// The difference of the two phases, from their integer sums.
struct Gradient<'a> {
    positive: &'a Statistics,
    negative: &'a Statistics,
    of_means: Difference,
    of_counts: Difference,
}

impl<'a> Gradient<'a> {
    fn new(positive: &'a Statistics, negative: &'a Statistics) -> Self {
        let difference = |one| Difference::new(positive.n_rows(), negative.n_rows(), one);
        Self { positive, negative, of_means: difference(MEAN_ONE), of_counts: difference(1) }
    }

    /// ⟨vᵢ⟩_data − ⟨vᵢ⟩_model of a panel of visible units.
    fn visible_bias(&self, panel: usize) -> Row<f32> {
        let n_visible = self.positive.by_unit().n_rows();
        std::array::from_fn(|j| {
            let unit = panel * SIDE + j;
            if unit >= n_visible {
                return 0.0;
            }
            let (data, model) =
                (self.positive.count_visible(unit), self.negative.count_visible(unit));
            self.of_counts.gradient(data, model)
        })
    }

    /// ⟨hⱼ⟩_data − ⟨hⱼ⟩_model of a panel of hidden units.
    fn hidden_bias(&self, panel: usize) -> Row<f32> {
        let (data, model) = (self.positive.sum_hidden(panel), self.negative.sum_hidden(panel));
        std::array::from_fn(|j| self.of_means.gradient(data[j], model[j]))
    }

    /// Hands the sums Σₙ vₙᵢ p̃ₙⱼ of some tiles of a panel to `use_sums`, tile after tile.
    fn with_sums(
        &self,
        isa: Isa,
        panel: usize,
        tiles: std::ops::Range<usize>,
        use_sums: impl FnOnce(&mut dyn Iterator<Item = Sums<'_>>),
    ) {
        SUMS.with_borrow_mut(|[data, model]| {
            for (sums, statistics) in [(&mut *data, self.positive), (&mut *model, self.negative)] {
                sums.clear();
                sums.resize(tiles.len() * SIDE, [0; SIDE]);
                let (rows, _) = statistics.mean_panel(panel).as_chunks::<SIDE>();
                let (states, first) = (statistics.by_unit(), tiles.start * SIDE);
                add_active_rows(isa, Panel::new(rows, 1), &mut [Target { states, first, sums }]);
            }
            let tiles = data.chunks_exact(SIDE).zip(model.chunks_exact(SIDE));
            let difference = self.of_means;
            use_sums(&mut tiles.map(|(data, model)| Sums { data, model, difference }));
        });
    }
}
