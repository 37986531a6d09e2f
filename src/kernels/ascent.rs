//! The update of a tile: sums to gradients, one step up along them, and the fixed-point images of
//! the new weights, while the tile is in cache.

use super::isa::dispatch;
use super::tile::{Row, SIDE, Tile};
use super::transpose::tile_body as transpose;
use crate::fixed::Scale;

/// An update rule: how a parameter moves along its gradient. The rule is a type, so that each has
/// its own compiled loop, without a branch a weight.
pub trait Rule: Copy + Send + Sync {
    /// What the rule remembers of each parameter; zero (`default`) before the first update.
    type State: Copy + Default + Send + Sync;

    /// The parameter after the update.
    fn step(self, parameter: f32, gradient: f32, state: &mut Self::State) -> f32;
}

/// How the integer sums of both phases become a gradient.
#[derive(Clone, Copy, Debug)]
pub enum Difference {
    /// As many rows in both phases: the difference of the sums, times this.
    Joint(f32),
    /// Each sum times its own factor: data, chains.
    Separate(f32, f32),
}

impl Difference {
    /// For sums over `n_data` examples and `n_chains` chains of values worth `1/one` each.
    pub fn new(n_data: usize, n_chains: usize, one: i32) -> Self {
        let scale = |rows: usize| (1.0 / (f64::from(one) * rows as f64)) as f32;
        if n_data == n_chains {
            Self::Joint(scale(n_data))
        } else {
            Self::Separate(scale(n_data), scale(n_chains))
        }
    }

    /// ⟨·⟩_data − ⟨·⟩_model of one parameter.
    #[inline(always)]
    pub fn gradient(self, data: i32, model: i32) -> f32 {
        match self {
            Self::Joint(scale) => data.wrapping_sub(model) as f32 * scale,
            Self::Separate(of_data, of_model) => data as f32 * of_data - model as f32 * of_model,
        }
    }
}

/// One tile of the weights and what goes with it.
pub struct TileParts<'a, S> {
    /// W.
    pub weights: &'a mut Tile<f32>,
    /// What the rule remembers of each weight.
    pub state: &'a mut Tile<S>,
    /// W̃.
    pub image: &'a mut Tile<i32>,
    /// W̃ᵀ.
    pub transposed: &'a mut Tile<i32>,
}

/// The sums Σₙ vₙᵢ p̃ₙⱼ of a tile, a row for each visible unit, and what they are worth.
pub struct Sums<'a> {
    /// Over the examples.
    pub data: &'a [Row<i32>],
    /// Over the chains.
    pub model: &'a [Row<i32>],
    /// How both become a gradient.
    pub difference: Difference,
}

dispatch! {
    /// Moves a tile of weights one step along its gradient and refreshes both of its images.
    ///
    /// # Panics
    /// If there are not 64 rows of sums.
    pub fn ascend_tile<; R: Rule>(isa, rule: R, scale: Scale, sums: Sums<'_>,
        tile: TileParts<'_, R::State>) = ascend_tile_body
}

#[inline(always)]
fn ascend_tile_body<R: Rule>(rule: R, scale: Scale, sums: Sums<'_>, tile: TileParts<'_, R::State>) {
    let Sums { data, model, difference } = sums;
    assert!(data.len() == SIDE && model.len() == SIDE, "a row of sums for each row of weights");
    for i in 0..SIDE {
        for j in 0..SIDE {
            let gradient = difference.gradient(data[i][j], model[i][j]);
            let weight = rule.step(tile.weights[i][j], gradient, &mut tile.state[i][j]);
            tile.weights[i][j] = weight;
            tile.image[i][j] = scale.round(weight);
        }
    }
    transpose(tile.image, tile.transposed);
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;

    #[derive(Clone, Copy)]
    struct Half;

    impl Rule for Half {
        type State = f32;

        fn step(self, parameter: f32, gradient: f32, state: &mut f32) -> f32 {
            *state += gradient;
            parameter + 0.5 * gradient
        }
    }

    #[test]
    fn a_step_refreshes_weights_state_and_both_images_on_every_instruction_set() {
        let data: Vec<Row<i32>> =
            (0..64).map(|i| std::array::from_fn(|j| (i * 64 + j as i32) << 12)).collect();
        let model = vec![[1 << 16; SIDE]; SIDE];
        for isa in Isa::available() {
            for difference in [Difference::new(8, 8, 1 << 16), Difference::new(8, 4, 1 << 16)] {
                let (mut weights, mut state) = ([[0.25; SIDE]; SIDE], [[0.0; SIDE]; SIDE]);
                let (mut image, mut transposed) = ([[7; SIDE]; SIDE], [[7; SIDE]; SIDE]);
                ascend_tile(
                    isa,
                    Half,
                    Scale::TRAINING,
                    Sums { data: &data, model: &model, difference },
                    TileParts {
                        weights: &mut weights,
                        state: &mut state,
                        image: &mut image,
                        transposed: &mut transposed,
                    },
                );
                let chains = if matches!(difference, Difference::Joint(_)) { 8.0 } else { 4.0 };
                for i in 0..SIDE {
                    for j in 0..SIDE {
                        let gradient = (i * 64 + j) as f32 / 16.0 / 8.0 - 1.0 / chains;
                        assert_eq!(weights[i][j], 0.25 + 0.5 * gradient);
                        assert_eq!(state[i][j], gradient);
                        assert_eq!(image[i][j], Scale::TRAINING.round(weights[i][j]));
                        assert_eq!(image[i][j], transposed[j][i]);
                    }
                }
            }
        }
    }
}
