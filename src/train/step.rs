//! One step up the gradient, ⟨vᵢhⱼ⟩_data − ⟨vᵢhⱼ⟩_model.
//!
//! A panel of hidden units owns its weights: it sums its own statistics over both phases and at
//! once moves its weights and refreshes both images. There is no gradient of the whole matrix, and
//! no sum across threads to put in order.

use super::gradient::Gradient;
use super::parameters::Parameters;
use super::statistics::Statistics;
use crate::error::Result;
use crate::fixed::Scale;
use crate::gibbs::{Image, tiles_of_a_piece};
use crate::kernels::ascent::{Reach, Rule, TileParts, ascend_tile};
use crate::kernels::tile::{Aligned, Row, SIDE, Tile, aligned, from_tiles, to_tiles};
use crate::state::State;
use rayon::prelude::*;

/// What a rule remembers of every parameter, in the layout of [`Parameters`].
#[derive(Clone, Debug, PartialEq)]
pub struct Memory<S> {
    weights: Aligned<Tile<S>>,
    visible_bias: Aligned<Row<S>>,
    hidden_bias: Aligned<Row<S>>,
}

impl<S: Copy + Default> Memory<S> {
    /// Nothing yet.
    pub fn new(n_visible: usize, n_hidden: usize) -> Self {
        let (visible_panels, hidden_panels) = (n_visible.div_ceil(SIDE), n_hidden.div_ceil(SIDE));
        Self {
            weights: aligned([[S::default(); SIDE]; SIDE], visible_panels * hidden_panels),
            visible_bias: aligned([S::default(); SIDE], visible_panels),
            hidden_bias: aligned([S::default(); SIDE], hidden_panels),
        }
    }
}

impl<S: Copy + Default> Memory<S> {
    /// Puts one number of what is remembered of each parameter under names that begin with `name`:
    /// of the weights (V, H), the visible biases (V), the hidden biases (H).
    pub fn save(
        &self,
        name: &str,
        state: &mut State,
        (n_visible, n_hidden): (usize, usize),
        number: impl Fn(&S) -> f32,
    ) {
        let weights = from_tiles(&self.weights, (n_visible, n_hidden));
        let numbers = weights.iter().map(&number).collect();
        state.put(format!("{name}.weights"), &[n_visible, n_hidden], numbers);
        for (layer, rows, n) in [
            ("visible_bias", &self.visible_bias, n_visible),
            ("hidden_bias", &self.hidden_bias, n_hidden),
        ] {
            let numbers = rows.as_flattened()[..n].iter().map(&number).collect();
            state.put(format!("{name}.{layer}"), &[n], numbers);
        }
    }

    /// Takes back what [`save`](Self::save) put.
    ///
    /// # Errors
    /// As [`State::take`].
    pub fn restore(
        &mut self,
        name: &str,
        state: &State,
        (n_visible, n_hidden): (usize, usize),
        set: impl Fn(&mut S, f32),
    ) -> Result<()> {
        let numbers = state.take(&format!("{name}.weights"), &[n_visible, n_hidden])?;
        let tiles = to_tiles::<f32>(numbers, (n_visible, n_hidden));
        let pairs = self.weights.as_flattened_mut().as_flattened_mut().iter_mut();
        pairs.zip(tiles.as_flattened().as_flattened()).for_each(|(to, &from)| set(to, from));
        for (layer, rows, n) in [
            ("visible_bias", &mut self.visible_bias, n_visible),
            ("hidden_bias", &mut self.hidden_bias, n_hidden),
        ] {
            let numbers: &[f32] = state.take(&format!("{name}.{layer}"), &[n])?;
            let pairs = rows.as_flattened_mut().iter_mut().zip(numbers);
            pairs.for_each(|(to, &from)| set(to, from));
        }
        Ok(())
    }
}

/// Moves all parameters by the rules for weights and for biases; returns how far weights and biases
/// were moved at most.
pub fn ascend<R: Rule>(
    parameters: &mut Parameters,
    memory: &mut Memory<R::State>,
    (gradient, statistics): (&Gradient, &Statistics),
    (weight_rule, bias_rule): (R, R),
) -> [Reach; 2] {
    let Parameters { weights, visible_bias, hidden_bias, image, .. } = parameters;
    let Image { isa, scale, transposed, visible_bias: visible_image, .. } = image;
    let (isa, scale) = (*isa, *scale);
    let tiles_below = visible_bias.len();
    let piece = tiles_of_a_piece(tiles_below, hidden_bias.len());

    let move_visible_biases = || {
        let biases = visible_bias
            .iter_mut()
            .zip(memory.visible_bias.iter_mut())
            .zip(visible_image.iter_mut());
        let reaches = biases.enumerate().map(|(panel, ((bias, state), image))| {
            ascend_bias(bias_rule, scale, gradient.visible_bias(panel), (bias, state, image))
        });
        reaches.max().unwrap_or_default()
    };
    let panels = (weights.par_chunks_mut(tiles_below))
        .zip(memory.weights.par_chunks_mut(tiles_below))
        .zip(image.weights.par_chunks_mut(tiles_below))
        .zip(transposed.par_chunks_mut(tiles_below));
    let hidden = (hidden_bias.par_iter_mut())
        .zip(memory.hidden_bias.par_iter_mut())
        .zip(image.hidden_bias.par_iter_mut());
    let move_panel = |(panel, (tiles, biases)): (usize, PanelParts<'_, R::State>)| {
        let (((weights, state), image), transposed) = tiles;
        let ((bias, bias_state), bias_image) = biases;
        let bias_parts = (bias, bias_state, bias_image);
        let of_bias = ascend_bias(bias_rule, scale, gradient.hidden_bias(panel), bias_parts);
        let pieces = (weights.par_chunks_mut(piece))
            .zip(state.par_chunks_mut(piece))
            .zip(image.par_chunks_mut(piece))
            .zip(transposed.par_chunks_mut(piece));
        let of_pieces = pieces.enumerate().map(|(at, (((weights, state), image), transposed))| {
            let mut reach = Reach::default();
            let tiles = at * piece..at * piece + weights.len();
            gradient.with_tiles(statistics, panel, tiles, |at, gradient| {
                let (weights, state) = (&mut weights[at], &mut state[at]);
                let (image, transposed) = (&mut image[at], &mut transposed[at]);
                let tile = TileParts { weights, state, image, transposed };
                reach = reach.max(ascend_tile(isa, weight_rule, scale, gradient, tile));
            });
            reach
        });
        [of_pieces.max().unwrap_or_default(), of_bias]
    };
    let move_panels = || {
        let reaches = panels.zip(hidden).enumerate().map(move_panel);
        reaches.reduce(Default::default, |[a, b], [c, d]| [a.max(c), b.max(d)])
    };
    let ([of_weights, of_hidden], of_visible) = rayon::join(move_panels, move_visible_biases);
    [of_weights, of_hidden.max(of_visible)]
}

/// A panel's weights, rule's memory, W̃ and W̃ᵀ, and the same of its biases.
type PanelParts<'a, S> = (
    (((&'a mut [Tile<f32>], &'a mut [Tile<S>]), &'a mut [Tile<i32>]), &'a mut [Tile<i32>]),
    ((&'a mut Row<f32>, &'a mut Row<S>), &'a mut Row<i32>),
);

/// Moves a panel of biases and refreshes their image; returns how far at most.
fn ascend_bias<R: Rule>(
    rule: R,
    scale: Scale,
    gradient: &Row<f32>,
    (bias, state, image): (&mut Row<f32>, &mut Row<R::State>, &mut Row<i32>),
) -> Reach {
    let mut reach = Reach::default();
    for (j, &gradient) in gradient.iter().enumerate() {
        let before = bias[j];
        bias[j] = rule.step(before, gradient, &mut state[j]);
        image[j] = scale.round(bias[j]);
        reach = reach.max(Reach::of(before, bias[j]));
    }
    reach
}
