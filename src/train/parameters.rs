//! The parameters during training: W, b, c in f32 and in fixed point.

use crate::bits::BitPanels;
use crate::error::Result;
use crate::fixed::Format;
use crate::gibbs::{FixedWeights, RealConditional};
use crate::kernels::Isa;
use crate::kernels::tile::{Row, SIDE, Tile};
use crate::kernels::tiled::{Padded, Tiled};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::{Rbm, TiledParameters};
use crate::ranks::Ranks;
use crate::reals::RealRows;
use crate::states::States;
use rayon::prelude::*;

/// The size of the parameters; NaN throughout if any parameter is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extent {
    /// The largest Σ|weights| + |bias| of a visible or hidden unit.
    pub norm: f64,
    /// The largest magnitude of a weight.
    pub largest_weight: f64,
    /// The largest magnitude of a parameter.
    pub largest: f64,
}

/// W (V, H), b (V), c (H), and their fixed-point values for the chains.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// In f32.
    pub(super) exact: TiledParameters<f32>,
    /// Rounded to fixed point, W in both orders; every update changes both.
    pub(super) fixed: FixedWeights,
    /// A buffer of [`extent`](Self::extent): Σ|weights| of each visible unit in each
    /// hidden panel.
    row_norms: Vec<Padded<f64>>,
    /// Whether this rank has all weights as they are now.
    pub(super) is_whole: bool,
}

impl Parameters {
    /// The memory of the parameters of a model (V, H).
    pub fn bytes(visible: &Layout, n_hidden: usize) -> Bytes {
        TiledParameters::<f32>::bytes(visible, n_hidden)
            + FixedWeights::bytes::<i16>(visible, n_hidden)
            + Padded::<f64>::bytes(visible) * n_hidden.div_ceil(SIDE)
    }

    /// The parameters of a model, with weights in this format.
    pub fn new(rbm: &Rbm, format: Format, isa: Isa) -> Self {
        let exact = TiledParameters::from(rbm);
        let fixed = FixedWeights::new(&exact, format, isa);
        let of_panel = Padded::new(rbm.visible_units().layout());
        let row_norms = vec![of_panel; exact.weights.n_panels()];
        Self { exact, fixed, row_norms, is_whole: true }
    }

    /// The ranks that hold them together. Each has its hidden panels of W and W̃, its visible panels of W̃ᵀ, and
    /// all biases; what it has of others is of the last [`gather`](Self::gather).
    pub(super) fn ranks(&self) -> &Ranks {
        &self.fixed.ranks
    }

    /// Gives every rank the weights of the others, unless all have them since the last update.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub(super) fn gather(&mut self) -> Result<()> {
        if !self.is_whole {
            self.exact.gather(&self.fixed.ranks)?;
            self.is_whole = true;
        }
        Ok(())
    }

    /// The model as it is now.
    pub fn to_rbm(&self) -> Rbm {
        self.exact.to_rbm()
    }

    /// The parameters in f32.
    pub(crate) fn exact(&self) -> &TiledParameters<f32> {
        &self.exact
    }

    /// W in tiles.
    pub fn weights(&self) -> &Tiled<f32> {
        &self.exact.weights
    }

    /// The fixed-point weights that the chains use.
    pub fn fixed(&self) -> &FixedWeights {
        &self.fixed
    }

    /// p(h | v) of real-valued v.
    pub fn hidden_given_reals(&self) -> RealConditional<'_> {
        RealConditional::new(self.fixed.isa, &self.exact)
    }

    /// Writes cⱼ + Σᵢ vᵢ Wᵢⱼ of a panel of hidden units for the states (N, places) from `first` on: of bits by W̃,
    /// of numbers by W.
    pub(super) fn hidden_inputs(
        &self,
        panel: usize,
        states: States<&BitPanels, &RealRows>,
        first: usize,
        inputs: &mut [Row<f32>],
    ) {
        match states {
            States::Bits(bits) => {
                self.fixed.hidden_given_visible().real_inputs(panel, bits, first, inputs);
            }
            States::Reals(rows) => self.hidden_given_reals().inputs(panel, rows, first, inputs),
        }
    }

    /// Rounds the weights anew if this is not their format.
    pub fn set_format(&mut self, format: Format) {
        if self.fixed.format() != format {
            let ranks = std::mem::take(&mut self.fixed.ranks);
            self.fixed = FixedWeights::new(&self.exact, format, self.fixed.isa);
            self.fixed.ranks = ranks;
        }
    }

    /// Measures the parameters.
    pub fn extent(&mut self) -> Extent {
        let Self {
            exact: TiledParameters { weights, visible_bias, hidden_bias, .. },
            row_norms,
            ..
        } = self;
        let panels = (weights.par_lines(), row_norms.par_iter_mut(), hidden_bias.par_iter());
        let of_hidden = panels.into_par_iter().map(|(tiles, row_norms, bias)| {
            let mut columns = bias.map(|bias| f64::from(bias.abs()));
            let of_bias = columns.into_iter().fold(0.0, largest);
            let mut largest_of_columns = [0.0; SIDE];
            for (tile, row_norms) in tiles.iter().zip(row_norms.iter_mut()) {
                for (row, row_norm) in tile.iter().zip(row_norms) {
                    let magnitudes = row.map(|weight| f64::from(weight.abs()));
                    columns.iter_mut().zip(magnitudes).for_each(|(sum, x)| *sum += x);
                    let pairs = largest_of_columns.iter_mut().zip(magnitudes);
                    pairs.for_each(|(most, x)| *most = if x > *most { x } else { *most });
                    // The compiler turns eight sums side by side into vectors.
                    let mut sums = [0.0; 8];
                    for eight in magnitudes.as_chunks::<8>().0 {
                        sums.iter_mut().zip(eight).for_each(|(sum, x)| *sum += x);
                    }
                    *row_norm = sums.iter().sum();
                }
            }
            let most = |columns: Row<f64>| columns.into_iter().fold(0.0, largest);
            [most(columns), most(largest_of_columns), of_bias]
        });
        // A maximum is the same in any order.
        let all = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|at| largest(a[at], b[at]));
        let [mut norm, largest_weight, mut most] = of_hidden.reduce(|| [0.0; 3], all);
        for (place, bias) in visible_bias.as_flattened().iter().enumerate() {
            let sum: f64 = row_norms.iter().map(|of_panel| of_panel.as_flattened()[place]).sum();
            norm = largest(norm, sum + f64::from(bias.abs()));
            most = largest(most, f64::from(bias.abs()));
        }
        // A NaN weight makes its sums NaN.
        match norm.is_nan() {
            true => Extent { norm, largest_weight: norm, largest: norm },
            false => Extent { norm, largest_weight, largest: largest(most, largest_weight) },
        }
    }

    /// √ΣW², and √Σ(W − `before`)², where `before` holds earlier weights.
    pub fn weight_norms(&self, before: &Tiled<f32>) -> (f64, f64) {
        let squares = |tile: &Tile<f32>, other: &Tile<f32>| {
            let pairs = tile.as_flattened().iter().zip(other.as_flattened());
            pairs.map(|(&x, &y)| f64::from(x - y) * f64::from(x - y)).sum::<f64>()
        };
        let zero = [[0.0; SIDE]; SIDE];
        let tiles = self.exact.weights.tiles();
        let norm: f64 = tiles.iter().map(|tile| squares(tile, &zero)).sum();
        let pairs = tiles.iter().zip(before.tiles());
        let change: f64 = pairs.map(|(tile, other)| squares(tile, other)).sum();
        (norm.sqrt(), change.sqrt())
    }
}

/// The larger of two numbers; NaN if either is NaN.
fn largest(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::Scale;
    use ndarray::{Array1, Array2};

    fn model() -> Rbm {
        let value = |at: usize| (at % 17) as f32 / 8.0 - 1.0;
        Rbm::new(
            Array2::from_shape_fn((70, 130), |(i, j)| value(i * 5 + j)),
            Array1::from_shape_fn(70, value),
            Array1::from_shape_fn(130, |j| value(j * 3)),
        )
        .unwrap()
    }

    fn parameters() -> Parameters {
        Parameters::new(&model(), Format::fitting(1.0, Scale::TRAINING), Isa::BASELINE)
    }

    #[test]
    fn a_model_reads_back_from_its_parameters() {
        assert_eq!(parameters().to_rbm(), model());
        assert!(parameters().fixed().is_consistent());
    }

    #[test]
    fn the_extent_is_that_of_the_model() {
        let mut parameters = parameters();
        let Extent { norm, largest_weight, largest } = parameters.extent();
        assert!((norm - model().norm()).abs() < 1e-9);
        assert_eq!((largest_weight, largest), (1.0, 1.0));
        parameters.exact.weights.tiles_mut()[3][5][1] = f32::NAN;
        let Extent { norm, largest_weight, largest } = parameters.extent();
        assert!(norm.is_nan() && largest_weight.is_nan() && largest.is_nan());
        parameters.exact.weights.tiles_mut()[3][5][1] = 5000.0;
        let Extent { norm, largest_weight, largest } = parameters.extent();
        assert!(norm > 5000.0 && largest_weight == 5000.0 && largest == 5000.0);
        parameters.exact.visible_bias[1][2] = -6000.0;
        let Extent { largest_weight, largest, .. } = parameters.extent();
        assert_eq!((largest_weight, largest), (5000.0, 6000.0));
    }

    #[test]
    fn weights_are_rounded_anew_in_another_format() {
        let mut parameters = parameters();
        for format in [Format::fitting(50.0, Scale::TRAINING), Format::Wide(Scale::TRAINING)] {
            parameters.set_format(format);
            assert_eq!(parameters.fixed().format(), format);
            assert_eq!(
                parameters.fixed(),
                Parameters::new(&model(), format, Isa::BASELINE).fixed()
            );
        }
    }

    #[test]
    fn norms_of_weights_and_their_change_follow_the_definition() {
        let parameters = parameters();
        let mut before = parameters.exact.weights.clone();
        before.tiles_mut()[0][1][2] += 3.0;
        before.tiles_mut()[5][0][1] -= 4.0;
        let (norm, change) = parameters.weight_norms(&before);
        let expected = model().weights().iter().map(|&w| f64::from(w * w)).sum::<f64>().sqrt();
        assert!((norm - expected).abs() < 1e-9 && (change - 5.0).abs() < 1e-6);
    }
}
