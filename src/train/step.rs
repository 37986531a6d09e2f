//! One step along the gradient, ⟨vᵢhⱼ⟩_data − ⟨vᵢhⱼ⟩_model.
//!
//! Each panel of hidden units sums its own statistics over both phases, then moves its weights and
//! refreshes W̃ and W̃ᵀ. The gradient of the whole matrix is never stored, and no sums are combined
//! across threads, so their order cannot change the bits.

use super::gradient::Gradient;
use super::parameters::Parameters;
use super::statistics::Statistics;
use crate::error::Result;
use crate::fixed::{Fixed, Scale};
use crate::gibbs::{FixedWeights, Orders, Weights, tiles_of_a_piece};
use crate::kernels::Isa;
use crate::kernels::ascent::{Reach, Rule, TileParts, ascend_tile};
use crate::kernels::tile::Row;
use crate::kernels::tiled::Padded;
use crate::kernels::transpose::Entry;
use crate::model::TiledParameters;
use crate::ranks::Ranks;
use bytemuck::Pod;
use rayon::prelude::*;

/// The update rules of weights and of biases.
#[derive(Clone, Copy, Debug)]
pub struct Rules<R> {
    /// The rule of W.
    pub weights: R,
    /// The rule of b and c.
    pub biases: R,
}

/// Moves all parameters by the update rules, whose memory of each parameter is `memory`. Returns the
/// largest moves of a weight and of a bias. Each rank moves the weights of its panels of hidden units, and all
/// biases.
///
/// # Errors
/// [`Error::Ranks`](crate::Error::Ranks).
pub fn ascend<R: Rule>(
    parameters: &mut Parameters,
    memory: &mut TiledParameters<R::State>,
    gradient: &Gradient,
    statistics: &Statistics,
    rules: Rules<R>,
) -> Result<[Reach; 2]> {
    parameters.is_whole = !parameters.ranks().are_several();
    let Parameters { exact, fixed, .. } = parameters;
    let FixedWeights { isa, ranks, scale, visible_bias, hidden_bias, weights, .. } = fixed;
    let fixed = FixedParts { isa: *isa, ranks, scale: *scale, visible_bias, hidden_bias };
    match weights {
        Weights::Narrow(weights) => {
            ascend_in(exact, memory, fixed, weights, gradient, statistics, rules)
        }
        Weights::Wide(weights) => {
            ascend_in(exact, memory, fixed, weights, gradient, statistics, rules)
        }
    }
}

/// The fixed-point biases, and the format of all.
struct FixedParts<'a> {
    isa: Isa,
    ranks: &'a Ranks,
    scale: Scale,
    visible_bias: &'a mut Padded<i32>,
    hidden_bias: &'a mut Padded<i32>,
}

/// [`ascend`] for fixed-point weights of one width.
fn ascend_in<R: Rule, T: Fixed + Entry + Pod>(
    exact: &mut TiledParameters<f32>,
    memory: &mut TiledParameters<R::State>,
    fixed: FixedParts<'_>,
    fixed_weights: &mut Orders<T>,
    gradient: &Gradient,
    statistics: &Statistics,
    rules: Rules<R>,
) -> Result<[Reach; 2]> {
    let FixedParts { isa, ranks, scale, .. } = fixed;
    let own = exact.hidden_units.panels_of(ranks, ranks.rank());
    let piece = tiles_of_a_piece(exact.weights.n_tiles_below(), own.len());

    let visible = (
        exact.visible_bias.par_iter_mut(),
        memory.visible_bias.par_iter_mut(),
        fixed.visible_bias.par_iter_mut(),
    );
    let move_visible_biases = || {
        let panels = visible.into_par_iter().enumerate();
        let reaches = panels.map(|(panel, (bias, state, fixed))| {
            let parts = BiasParts { bias, state, fixed };
            ascend_bias(rules.biases, scale, gradient.visible_bias(panel), parts)
        });
        reaches.max().unwrap_or_default()
    };
    let weights = (
        exact.weights.par_lines_mut(),
        memory.weights.par_lines_mut(),
        fixed_weights.by_visible.par_lines_mut(),
        fixed_weights.by_hidden.par_lines_mut(),
    );
    let hidden = (
        exact.hidden_bias.par_iter_mut(),
        memory.hidden_bias.par_iter_mut(),
        fixed.hidden_bias.par_iter_mut(),
    );
    let move_panels = || {
        let panels = weights.into_par_iter().zip(hidden).enumerate();
        let reaches = panels.map(|(panel, ((weights, state, fixed, transposed), bias_parts))| {
            let (bias, bias_state, bias_fixed) = bias_parts;
            let parts = BiasParts { bias, state: bias_state, fixed: bias_fixed };
            let of_bias = ascend_bias(rules.biases, scale, gradient.hidden_bias(panel), parts);
            if !own.contains(&panel) {
                return [Reach::default(), of_bias];
            }
            let pieces = (
                weights.par_chunks_mut(piece),
                state.par_chunks_mut(piece),
                fixed.par_chunks_mut(piece),
                transposed.par_chunks_mut(piece),
            );
            let pieces = pieces.into_par_iter().enumerate();
            let of_pieces = pieces.map(|(at, (weights, state, fixed, transposed))| {
                let mut reach = Reach::default();
                let tiles = at * piece..at * piece + weights.len();
                gradient.with_tiles(statistics, panel, tiles, |at, gradient| {
                    let (weights, state) = (&mut weights[at], &mut state[at]);
                    let tile = TileParts {
                        weights,
                        state,
                        fixed: &mut fixed[at],
                        transposed: &mut transposed[at],
                    };
                    reach = reach.max(ascend_tile(isa, rules.weights, scale, gradient, tile));
                });
                reach
            });
            [of_pieces.max().unwrap_or_default(), of_bias]
        });
        reaches.reduce(Default::default, |[a, b], [c, d]| [a.max(c), b.max(d)])
    };
    let ([of_weights, of_hidden], of_visible) = rayon::join(move_panels, move_visible_biases);
    fixed_weights.exchange(ranks, [&exact.visible_units, &exact.hidden_units])?;
    Ok([of_weights.of_all(ranks)?, of_hidden.max(of_visible)])
}

/// A panel of biases, their memory and their fixed-point values.
struct BiasParts<'a, S> {
    bias: &'a mut Row<f32>,
    /// The memory of the rule.
    state: &'a mut Row<S>,
    /// The same biases in fixed point.
    fixed: &'a mut Row<i32>,
}

/// Moves a panel of biases and rounds them. Returns the largest move.
fn ascend_bias<R: Rule>(
    rule: R,
    scale: Scale,
    gradient: &Row<f32>,
    BiasParts { bias, state, fixed }: BiasParts<'_, R::State>,
) -> Reach {
    let mut reach = Reach::default();
    for (j, &gradient) in gradient.iter().enumerate() {
        let before = bias[j];
        bias[j] = rule.step(before, gradient, &mut state[j]);
        fixed[j] = scale.round(bias[j]);
        reach = reach.max(Reach::of(before, bias[j]));
    }
    reach
}
