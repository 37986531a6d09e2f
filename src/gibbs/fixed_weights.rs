//! A model in fixed point.

use super::Conditional;
use super::words::Layer;
use crate::error::Result;
use crate::fixed::Scale;
use crate::kernels::Isa;
use crate::kernels::tiled::Tiled;
use crate::memory::Bytes;
use crate::model::{Rbm, TiledParameters};
use crate::states::{States, VisibleStates};
use ndarray::Array2;

/// The parameters of a model in fixed point, with W̃ and W̃ᵀ: inputs are sums of these integers.
///
/// Both layers are padded to whole panels of 64 units. The parameters of the padding are 0, and its
/// bits are never on.
///
/// (If an instruction set needs its own layout of the weights, such as bytes for a matrix unit, the
/// layout belongs here: `new` would create it, and training update it tile by tile with
/// W̃ and W̃ᵀ.)
#[derive(Clone, Debug, PartialEq)]
pub struct FixedWeights {
    pub(crate) isa: Isa,
    pub(crate) scale: Scale,
    /// W̃, b̃ and c̃.
    pub(crate) parameters: TiledParameters<i32>,
    /// W̃ᵀ (H, V), with its tiles in the order of those of W̃.
    pub(crate) transposed: Tiled<i32>,
}

impl FixedWeights {
    /// The memory of a model (V, H) in fixed point.
    pub fn bytes(n_visible: usize, n_hidden: usize) -> Bytes {
        TiledParameters::<i32>::bytes(n_visible, n_hidden)
            + Tiled::<i32>::bytes(n_hidden, n_visible)
    }

    /// Rounds parameters at the finest scale that their norm allows (2^-20 in training). Kernels that
    /// read the result use the instruction set `isa`.
    pub fn fitting(parameters: &TiledParameters<f32>, isa: Isa) -> Self {
        Self::new(parameters, Scale::fitting(parameters.norm()), isa)
    }

    /// [`fitting`](Self::fitting) for the parameters of a model.
    pub fn of(rbm: &Rbm, isa: Isa) -> Self {
        Self::fitting(&TiledParameters::from(rbm), isa)
    }

    /// Rounds parameters at a given scale.
    pub(crate) fn new(parameters: &TiledParameters<f32>, scale: Scale, isa: Isa) -> Self {
        let parameters = parameters.map(|x| scale.round(x));
        let transposed = parameters.weights.transposed(isa);
        Self { isa, scale, parameters, transposed }
    }

    /// Number of visible units, V.
    pub fn n_visible(&self) -> usize {
        self.parameters.n_visible()
    }

    /// Number of hidden units, H.
    pub fn n_hidden(&self) -> usize {
        self.parameters.n_hidden()
    }

    /// The instruction set of kernels that read these weights.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// p(h | v).
    pub fn hidden_given_visible(&self) -> Conditional<'_> {
        Conditional {
            layer: Layer::Hidden,
            isa: self.isa,
            factor: self.scale.resolution(),
            offsets: None,
            weights: &self.parameters.weights,
            bias: &self.parameters.hidden_bias,
            units: &self.parameters.hidden_units,
            given: &self.parameters.visible_units,
        }
    }

    /// p(v | h).
    pub fn visible_given_hidden(&self) -> Conditional<'_> {
        Conditional {
            layer: Layer::Visible,
            isa: self.isa,
            factor: self.scale.resolution(),
            offsets: None,
            weights: &self.transposed,
            bias: &self.parameters.visible_bias,
            units: &self.parameters.visible_units,
            given: &self.parameters.hidden_units,
        }
    }

    /// The model with exactly these parameters. (An f32 rounded to a multiple of a power of two is
    /// again an f32.)
    pub fn rounded(&self) -> Rbm {
        let resolution = self.scale.resolution();
        self.parameters.map(|x| x as f32 * resolution).to_rbm()
    }

    /// Whether W̃ᵀ is the transpose of W̃, integer for integer.
    pub fn is_consistent(&self) -> bool {
        self.transposed == self.parameters.weights.transposed(self.isa)
    }
}

/// A model together with its fixed-point form, for evaluations. [`FixedWeights::of`] makes the
/// fixed-point form, once for all evaluations of a model.
#[derive(Clone, Copy, Debug)]
pub struct FixedModel<'a> {
    /// The model.
    pub rbm: &'a Rbm,
    /// Its fixed-point form.
    pub weights: &'a FixedWeights,
}

impl Rbm {
    /// p(vᵢ = 1 | h) for every row h of `hidden` (N, H), bits or numbers such as probabilities: (N, V), 24
    /// binary places. For several calls, it is faster to make the [`FixedWeights`] once.
    ///
    /// # Errors
    /// [`crate::Error::WidthMismatch`] if the rows are not H wide.
    pub fn mean_visible<'a>(&self, hidden: impl Into<VisibleStates<'a>>) -> Result<Array2<f32>> {
        match hidden.into() {
            States::Bits(bits) => {
                FixedWeights::of(self, Isa::fastest()).visible_given_hidden().means(bits)
            }
            States::Reals(numbers) => self.transposed().mean_hidden(numbers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::model;
    use super::*;
    use ndarray::Zip;

    #[test]
    fn parameters_are_rounded_in_both_orders_on_every_instruction_set() {
        let rbm = model(70, 130);
        let expected = FixedWeights::of(&rbm, Isa::BASELINE);
        assert_eq!(expected.scale, Scale::TRAINING);
        for ((i, j), &weight) in rbm.weights().indexed_iter() {
            let rounded = Scale::TRAINING.round(weight);
            assert_eq!(expected.parameters.weights.tile(i / 64, j / 64)[i % 64][j % 64], rounded);
            assert_eq!(expected.transposed.tile(j / 64, i / 64)[j % 64][i % 64], rounded);
        }
        for isa in Isa::available() {
            let found = FixedWeights::of(&rbm, isa);
            assert_eq!(found.parameters, expected.parameters, "{}", isa.name());
            assert_eq!(found.transposed, expected.transposed, "{}", isa.name());
            assert!(found.is_consistent());
        }
    }

    #[test]
    fn heavy_models_have_a_coarser_scale() {
        let rbm = model(70, 130);
        let heavy = rbm.weights().mapv(|w| 100.0 * w);
        let rbm = Rbm::new(heavy, rbm.visible_bias().clone(), rbm.hidden_bias().clone()).unwrap();
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        assert_eq!(weights.scale, Scale::fitting(rbm.norm()));
        assert_ne!(weights.scale, Scale::TRAINING);
        let half = weights.scale.resolution() / 2.0;
        Zip::from(weights.rounded().weights()).and(rbm.weights()).for_each(|rounded, weight| {
            assert!((rounded - weight).abs() <= half);
        });
    }
}
