//! The update of a tile while it is in cache: gradients from sums, one step up along them, and the
//! new weights in fixed point, W̃ and W̃ᵀ.

use super::isa::dispatch;
use super::tile::{Row, SIDE, Tile};
use super::transpose::Entry;
use crate::error::Result;
use crate::fixed::{Fixed, Scale};
use crate::ranks::Ranks;

/// An update rule: how a parameter moves along its gradient. Each rule is a type, so that its loop
/// is compiled without a branch for each weight.
pub trait Rule: Copy + Send + Sync {
    /// The state that the rule keeps for each parameter; zero (`default`) before the first update.
    type State: Copy + Default + Send + Sync;

    /// The parameter after the update.
    fn step(self, parameter: f32, gradient: f32, state: &mut Self::State) -> f32;
}

/// How the integer sums of both phases become a gradient.
#[derive(Clone, Copy, Debug)]
pub enum Difference {
    /// Both phases have the same number of rows: the difference of the sums, times this factor.
    Joint(f32),
    /// Each sum has its own factor: data, chains.
    Separate(f32, f32),
}

impl Difference {
    /// The [separate](Self::Separate) factors of sums over the data and over the chains that the divisors
    /// turn into means, in units of `1/one`.
    pub fn separate(data: f64, chains: f64, one: i32) -> Self {
        let scale = |divisor: f64| (1.0 / (f64::from(one) * divisor)) as f32;
        Self::Separate(scale(data), scale(chains))
    }

    /// The [joint](Self::Joint) factor, if both phases have this divisor.
    pub fn joint(divisor: f64, one: i32) -> Self {
        Self::Joint((1.0 / (f64::from(one) * divisor)) as f32)
    }

    /// The same factors for sums that are apart.
    pub fn apart(self) -> Self {
        match self {
            Self::Joint(scale) => Self::Separate(scale, scale),
            separate => separate,
        }
    }

    /// ⟨·⟩_data − ⟨·⟩_model of 64 parameters, from their sums over the data and their negative sums
    /// over the model.
    pub fn row(self, data: &Row<i64>, model: &Row<i64>) -> Row<f32> {
        match self {
            // (Σ_data − Σ_model) / (N · one)
            Self::Joint(scale) => std::array::from_fn(|j| (data[j] + model[j]) as f32 * scale),
            // Σ_data / (N · one) − Σ_model / (C · one)
            Self::Separate(of_data, of_model) => {
                std::array::from_fn(|j| data[j] as f32 * of_data + model[j] as f32 * of_model)
            }
        }
    }

    /// [`row`](Self::row) for sums over real data, which cannot be joined with integers.
    ///
    /// # Panics
    /// If the sums are joint.
    pub fn row_of_reals(self, data: &Row<f32>, model: &Row<i64>) -> Row<f32> {
        let Self::Separate(of_data, of_model) = self else {
            panic!("sums of real numbers are not joined with those of integers");
        };
        std::array::from_fn(|j| data[j] * of_data + model[j] as f32 * of_model)
    }
}

/// A matrix xᵢ yⱼ that is subtracted from the gradient of a tile.
#[derive(Clone, Copy, Debug)]
pub struct RankOne<'a> {
    /// xᵢ.
    pub rows: &'a Row<f32>,
    /// yⱼ.
    pub columns: &'a Row<f32>,
}

/// Rows that are added to the gradient of a tile.
#[derive(Clone, Copy, Debug)]
pub struct ExtraRows<'a> {
    /// The row of the tile to which the first is added.
    pub first: usize,
    /// The rows.
    pub rows: &'a [Row<f32>],
}

impl<'a> ExtraRows<'a> {
    /// Those of a tile, of rows that are added to the places from `first` on.
    pub fn in_tile(tile: usize, first: usize, rows: &'a [Row<f32>]) -> Option<Self> {
        let places = tile * SIDE..(tile + 1) * SIDE;
        let from = first.clamp(places.start, places.end);
        let to = (first + rows.len()).clamp(places.start, places.end);
        (from < to)
            .then(|| Self { first: from - places.start, rows: &rows[from - first..to - first] })
    }
}

/// Σₙ vₙᵢ p̃ₙⱼ over the rows of a phase, with a row for each visible unit.
#[derive(Clone, Copy, Debug)]
pub enum PhaseSums<'a> {
    /// Sums over bits.
    Whole(&'a Tile<i32>),
    /// Sums over weighted bits: integers, which may not fit an i32.
    Long(&'a Tile<f64>),
    /// Sums over real numbers.
    Real(&'a Tile<f32>),
}

impl PhaseSums<'_> {
    /// The sums of visible unit `i`, rounded to f32.
    #[inline(always)]
    fn row(self, i: usize) -> Row<f32> {
        match self {
            Self::Whole(sums) => std::array::from_fn(|j| sums[i][j] as f32),
            Self::Long(sums) => std::array::from_fn(|j| sums[i][j] as f32),
            Self::Real(sums) => sums[i],
        }
    }
}

/// The parts of the gradient of a tile.
#[derive(Clone, Copy, Debug)]
pub struct TileGradient<'a> {
    /// The factors of the sums.
    pub difference: Difference,
    /// The sums over the examples.
    pub data: PhaseSums<'a>,
    /// The negative sums over the chains; `None` if `data` includes them.
    pub model: Option<PhaseSums<'a>>,
    /// Rows to add, if any.
    pub rows: Option<ExtraRows<'a>>,
    /// Matrices to subtract, in this order.
    pub terms: &'a [RankOne<'a>],
}

impl TileGradient<'_> {
    /// The gradient of the weights of visible unit `i`.
    #[inline(always)]
    pub(crate) fn row(&self, i: usize) -> Row<f32> {
        let data = self.data.row(i);
        let mut gradient: Row<f32> = match (self.difference, self.model) {
            (Difference::Joint(scale), _) => data.map(|x| x * scale),
            (Difference::Separate(of_data, _), None) => data.map(|x| x * of_data),
            (Difference::Separate(of_data, of_model), Some(model)) => {
                let model = model.row(i);
                std::array::from_fn(|j| data[j] * of_data + model[j] * of_model)
            }
        };
        if let Some(row) = self.rows.and_then(|rows| rows.rows.get(i.wrapping_sub(rows.first))) {
            gradient.iter_mut().zip(row).for_each(|(gradient, x)| *gradient += x);
        }
        // The rank-one terms of centring, D − f λᵀ − μ gᵀ, and of sparsity.
        for term in self.terms {
            for (gradient, y) in gradient.iter_mut().zip(term.columns) {
                *gradient -= term.rows[i] * y;
            }
        }
        gradient
    }
}

/// One tile of the weights, with the arrays that change with it.
pub struct TileParts<'a, S, T> {
    /// W.
    pub weights: &'a mut Tile<f32>,
    /// The state of the rule for each weight.
    pub state: &'a mut Tile<S>,
    /// W̃.
    pub fixed: &'a mut Tile<T>,
    /// W̃ᵀ.
    pub transposed: &'a mut Tile<T>,
}

/// The largest distance that any parameter moved, NaN if any became NaN. It is stored as the bits
/// of its magnitude, which sort like the numbers, with NaN last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reach(u32);

impl Reach {
    /// The distance of one parameter.
    #[inline(always)]
    pub fn of(before: f32, after: f32) -> Self {
        Self((after - before).abs().to_bits())
    }

    /// The distance.
    pub fn distance(self) -> f32 {
        f32::from_bits(self.0)
    }

    /// The farthest reach of all ranks.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn of_all(self, ranks: &Ranks) -> Result<Self> {
        ranks.most(self.0).map(Self)
    }
}

/// Moves a tile of weights one step along its gradient and updates W̃ and W̃ᵀ. Returns the largest
/// distance that a weight moved.
pub fn ascend_tile<R: Rule, T: Fixed + Entry>(
    isa: super::Isa,
    rule: R,
    scale: Scale,
    gradient: TileGradient<'_>,
    tile: TileParts<'_, R::State, T>,
) -> Reach {
    let TileParts { weights, state, fixed, transposed } = tile;
    let reach = move_weights(isa, rule, scale, gradient, weights, state, fixed);
    T::transpose(isa, fixed, transposed);
    reach
}

dispatch! {
    /// Moves a tile of weights and rounds them.
    fn move_weights<; R: Rule, T: Fixed>(isa, rule: R, scale: Scale, gradient: TileGradient<'_>,
        weights: &mut Tile<f32>, state: &mut Tile<R::State>, fixed: &mut Tile<T>) -> Reach
        = move_weights_body
}

#[inline(always)]
fn move_weights_body<R: Rule, T: Fixed>(
    rule: R,
    scale: Scale,
    gradient: TileGradient<'_>,
    weights: &mut Tile<f32>,
    state: &mut Tile<R::State>,
    fixed: &mut Tile<T>,
) -> Reach {
    // One maximum for each column, so that the compiler vectorises the loop.
    let mut reaches = [Reach::default(); SIDE];
    for i in 0..SIDE {
        let gradient = gradient.row(i);
        for j in 0..SIDE {
            let before = weights[i][j];
            weights[i][j] = rule.step(before, gradient[j], &mut state[i][j]);
            fixed[i][j] = T::round(scale, weights[i][j]);
            reaches[j] = reaches[j].max(Reach::of(before, weights[i][j]));
        }
    }
    reaches.into_iter().fold(Reach::default(), Reach::max)
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
    fn a_step_updates_weights_state_and_both_orders_on_every_instruction_set() {
        let data: Tile<i32> =
            std::array::from_fn(|i| std::array::from_fn(|j| ((i * 64 + j) << 12) as i32));
        let model = [[-(1 << 16); SIDE]; SIDE];
        let joint = data.map(|row| row.map(|x| x - (1 << 16)));
        for isa in Isa::available() {
            let scale = |n: i32| 1.0 / (n << 16) as f32;
            let separate = Difference::Separate(scale(8), scale(4));
            let reals = data.map(|row| row.map(|x| x as f32));
            let long = data.map(|row| row.map(f64::from));
            for (difference, data, model, chains) in [
                (Difference::Joint(scale(8)), PhaseSums::Whole(&joint), None, 8.0),
                (separate, PhaseSums::Whole(&data), Some(PhaseSums::Whole(&model)), 4.0),
                (separate, PhaseSums::Long(&long), Some(PhaseSums::Whole(&model)), 4.0),
                (separate, PhaseSums::Real(&reals), Some(PhaseSums::Whole(&model)), 4.0),
            ] {
                let rows = std::array::from_fn(|i| i as f32);
                let columns = std::array::from_fn(|j| j as f32 / 4.0 - 3.0);
                let term = RankOne { rows: &rows, columns: &columns };
                let gradient =
                    TileGradient { difference, data, model, rows: None, terms: &[term, term] };
                let (mut weights, mut state) = ([[0.25; SIDE]; SIDE], [[0.0; SIDE]; SIDE]);
                let (mut fixed, mut transposed) = ([[7_i32; SIDE]; SIDE], [[7; SIDE]; SIDE]);
                let tile = TileParts {
                    weights: &mut weights,
                    state: &mut state,
                    fixed: &mut fixed,
                    transposed: &mut transposed,
                };
                let reach = ascend_tile(isa, Half, Scale::TRAINING, gradient, tile);
                let moved = |w: &f32| (w - 0.25).abs();
                let furthest = weights.as_flattened().iter().map(moved).fold(0.0, f32::max);
                assert_eq!(reach.distance(), furthest);
                for i in 0..SIDE {
                    for j in 0..SIDE {
                        let difference = (i * 64 + j) as f32 / 16.0 / 8.0 - 1.0 / chains;
                        let gradient = difference - 2.0 * (i as f32 * (j as f32 / 4.0 - 3.0));
                        assert_eq!(weights[i][j], 0.25 + 0.5 * gradient);
                        assert_eq!(state[i][j], gradient);
                        assert_eq!(fixed[i][j], Scale::TRAINING.round(weights[i][j]));
                        assert_eq!(fixed[i][j], transposed[j][i]);
                    }
                }
            }
        }
    }

    #[test]
    fn nan_is_the_furthest_of_all() {
        let far = [Reach::of(1.0, -3.0), Reach::of(0.0, f32::NAN), Reach::of(0.0, f32::INFINITY)];
        assert_eq!(far[0].distance(), 4.0);
        assert!(far.into_iter().max().unwrap().distance().is_nan());
    }
}
