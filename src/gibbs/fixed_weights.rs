//! A model in fixed point.

use super::Conditional;
use super::weights::{Matrix, Orders, Weights};
use super::words::Layer;
use crate::error::Result;
use crate::fixed::{Fixed, Format, Scale};
use crate::kernels::Isa;
use crate::kernels::tile::Tile;
use crate::kernels::tiled::{Padded, Tiled};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::{Rbm, TiledParameters};
use crate::ranks::Ranks;
use crate::state::{State, bad};
use crate::states::{States, VisibleStates};
use crate::units::Units;
use ndarray::{Array1, Array2};

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
    /// The ranks that draw a layer together, each its own panels.
    pub(crate) ranks: Ranks,
    /// The ranks that move chains of an evaluation together, each its own chains.
    pub(crate) ranks_of_chains: Ranks,
    pub(crate) scale: Scale,
    pub(crate) visible_units: Units,
    pub(crate) hidden_units: Units,
    /// b̃ (V).
    pub(crate) visible_bias: Padded<i32>,
    /// c̃ (H).
    pub(crate) hidden_bias: Padded<i32>,
    pub(crate) weights: Weights,
}

impl FixedWeights {
    /// The memory of a model (V, H) with weights of T.
    pub fn bytes<T: Fixed>(visible: impl Into<Layout>, n_hidden: usize) -> Bytes {
        let visible = visible.into();
        Tiled::<T>::bytes(&visible, n_hidden)
            + Tiled::<T>::bytes(n_hidden, &visible)
            + Padded::<i32>::bytes(visible)
            + Padded::<i32>::bytes(n_hidden)
    }

    /// Rounds parameters at the finest scale of 32 bits that their norm allows (2^-20 up to a norm of
    /// 1024). Kernels that read the result use the instruction set `isa`.
    pub fn fitting(parameters: &TiledParameters<f32>, isa: Isa) -> Self {
        Self::new(parameters, Format::Wide(Scale::fitting(parameters.norm())), isa)
    }

    /// [`fitting`](Self::fitting) for the parameters of a model.
    pub fn of(rbm: &Rbm, isa: Isa) -> Self {
        Self::fitting(&TiledParameters::from(rbm), isa)
    }

    /// The parameters of a model as the chains of training read them.
    pub fn of_training(rbm: &Rbm, isa: Isa) -> Self {
        let largest = rbm.weights().iter().fold(0.0, |most: f32, x| most.max(x.abs()));
        let format = Format::fitting(largest.into(), Scale::TRAINING);
        Self::new(&TiledParameters::from(rbm), format, isa)
    }

    /// Rounds parameters to 16 bits, as for the chains of training, or [`fitting`](Self::fitting) if these are too
    /// few.
    pub(crate) fn narrow(parameters: &TiledParameters<f32>, isa: Isa) -> Self {
        // Magnitudes sort as their bits do.
        let magnitudes =
            |tile: &Tile<f32>| tile.as_flattened().iter().map(|x| x.abs().to_bits()).max();
        let largest = parameters.weights.tiles().iter().filter_map(magnitudes).max().unwrap_or(0);
        match Format::fitting(f32::from_bits(largest).into(), Scale::TRAINING) {
            Format::Wide(_) => Self::fitting(parameters, isa),
            narrow => Self::new(parameters, narrow, isa),
        }
    }

    /// Rounds parameters in a given format.
    pub(crate) fn new(parameters: &TiledParameters<f32>, format: Format, isa: Isa) -> Self {
        let scale = format.scale();
        let weights = match format {
            Format::Narrow(_) => Weights::Narrow(Orders::new(&parameters.weights, scale, isa)),
            Format::Wide(_) => Weights::Wide(Orders::new(&parameters.weights, scale, isa)),
        };
        Self {
            isa,
            ranks: Ranks::default(),
            ranks_of_chains: Ranks::default(),
            scale,
            visible_units: parameters.visible_units.clone(),
            hidden_units: parameters.hidden_units.clone(),
            visible_bias: parameters.visible_bias.map(|x| scale.round(x)),
            hidden_bias: parameters.hidden_bias.map(|x| scale.round(x)),
            weights,
        }
    }

    /// The same model, along which ranks anneal chains together: each has the whole model, moves its own chains, and
    /// gets the weights and states of the others. All ranks must make the same evaluation.
    pub fn among(self, ranks: Ranks) -> Self {
        Self { ranks_of_chains: ranks, ..self }
    }

    /// The format of the weights. (Biases always have 32 bits.)
    pub(crate) fn format(&self) -> Format {
        match self.weights {
            Weights::Narrow(_) => Format::Narrow(self.scale),
            Weights::Wide(_) => Format::Wide(self.scale),
        }
    }

    /// Number of visible units, V.
    pub fn n_visible(&self) -> usize {
        self.visible_units.n_units()
    }

    /// Number of hidden units, H.
    pub fn n_hidden(&self) -> usize {
        self.hidden_units.n_units()
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
            ranks: &self.ranks,
            factor: self.scale.resolution(),
            offsets: None,
            weights: match &self.weights {
                Weights::Narrow(weights) => Matrix::Narrow(&weights.by_visible),
                Weights::Wide(weights) => Matrix::Wide(&weights.by_visible),
            },
            bias: &self.hidden_bias,
            units: &self.hidden_units,
            given: &self.visible_units,
        }
    }

    /// p(v | h).
    pub fn visible_given_hidden(&self) -> Conditional<'_> {
        Conditional {
            layer: Layer::Visible,
            isa: self.isa,
            ranks: &self.ranks,
            factor: self.scale.resolution(),
            offsets: None,
            weights: match &self.weights {
                Weights::Narrow(weights) => Matrix::Narrow(&weights.by_hidden),
                Weights::Wide(weights) => Matrix::Wide(&weights.by_hidden),
            },
            bias: &self.visible_bias,
            units: &self.visible_units,
            given: &self.hidden_units,
        }
    }

    /// The model with exactly these parameters. (An f32 rounded to a multiple of a power of two is
    /// again an f32.)
    pub fn rounded(&self) -> Rbm {
        let real = |x: i32| x as f32 * self.scale.resolution();
        let parameters = TiledParameters {
            visible_units: self.visible_units.clone(),
            hidden_units: self.hidden_units.clone(),
            weights: match &self.weights {
                Weights::Narrow(weights) => weights.by_visible.map(|x| real(x.into())),
                Weights::Wide(weights) => weights.by_visible.map(real),
            },
            visible_bias: self.visible_bias.map(real),
            hidden_bias: self.hidden_bias.map(real),
        };
        parameters.to_rbm()
    }

    /// Puts the parameters under names that begin with `prefix`, for [`restored`](Self::restored):
    ///
    /// | array | shape | |
    /// | --- | --- | --- |
    /// | `weights` | (V, H, 2) u8 | W in units of `resolution`, 16 bits, the low byte first; or (V, H) f32 |
    /// | `resolution` | (1) f32 | the value of the integer 1 in `weights` |
    /// | `visible_bias`, `hidden_bias` | (V), (H) f32 | b and c |
    pub(crate) fn save(&self, prefix: &str, state: &mut State) {
        let rbm = self.rounded();
        let (n_visible, n_hidden) = (rbm.n_visible(), rbm.n_hidden());
        let resolution = self.scale.resolution();
        let name = format!("{prefix}weights");
        match &self.weights {
            Weights::Narrow(_) => {
                let places = rbm.weights().iter().map(|w| (w / resolution) as i16);
                let bytes = places.flat_map(i16::to_le_bytes).collect();
                state.put::<u8>(name, &[n_visible, n_hidden, 2], bytes);
            }
            Weights::Wide(_) => {
                let weights = rbm.weights().iter().copied().collect();
                state.put::<f32>(name, &[n_visible, n_hidden], weights);
            }
        }
        state.put(format!("{prefix}resolution"), &[1], vec![resolution]);
        state.put(format!("{prefix}visible_bias"), &[n_visible], rbm.visible_bias().to_vec());
        state.put(format!("{prefix}hidden_bias"), &[n_hidden], rbm.hidden_bias().to_vec());
    }

    /// The parameters of a model of these units that were [saved](Self::save).
    ///
    /// # Errors
    /// [`Error::BadState`](crate::Error::BadState) for other units, or parameters that are not finite.
    pub(crate) fn restored(
        prefix: &str,
        state: &State,
        [visible, hidden]: [&Units; 2],
        isa: Isa,
    ) -> Result<Self> {
        let (n_visible, n_hidden) = (visible.n_units(), hidden.n_units());
        let name = |name: &str| format!("{prefix}{name}");
        let resolution: f32 = state.get_one(&name("resolution"))?;
        let scale = Scale::of_resolution(resolution);
        let scale = scale.ok_or_else(|| bad(&name("resolution"), "is not that of a format"))?;
        let (weights, format) = match state.get::<u8>(&name("weights"), &[n_visible, n_hidden, 2]) {
            Ok(bytes) => {
                let pairs = bytes.as_chunks::<2>().0.iter();
                let real = |&pair: &[u8; 2]| f32::from(i16::from_le_bytes(pair)) * resolution;
                (pairs.map(real).collect(), Format::Narrow(scale))
            }
            Err(_) => {
                let weights = state.get::<f32>(&name("weights"), &[n_visible, n_hidden])?;
                (weights.to_vec(), Format::Wide(scale))
            }
        };
        let weights = Array2::from_shape_vec((n_visible, n_hidden), weights).expect("V H weights");
        let bias =
            |of: &str, n: usize| Ok(Array1::from(state.get::<f32>(&name(of), &[n])?.to_vec()));
        let (b, c) = (bias("visible_bias", n_visible)?, bias("hidden_bias", n_hidden)?);
        let rbm = Rbm::of_sites(visible.clone(), weights, b, c)?;
        Ok(Self::new(&TiledParameters::from(&rbm), format, isa))
    }

    /// Whether W̃ᵀ is the transpose of W̃, integer for integer.
    pub fn is_consistent(&self) -> bool {
        match &self.weights {
            Weights::Narrow(weights) => weights.is_consistent(self.isa),
            Weights::Wide(weights) => weights.is_consistent(self.isa),
        }
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
        let exact = TiledParameters::from(&rbm);
        for is_narrow in [false, true] {
            let narrow = Format::fitting(1.0, Scale::TRAINING);
            let of = |isa| match is_narrow {
                true => FixedWeights::new(&exact, narrow, isa),
                false => FixedWeights::of(&rbm, isa),
            };
            let scale = if is_narrow { narrow.scale() } else { Scale::TRAINING };
            let expected = of(Isa::BASELINE);
            assert_eq!(expected.scale, scale);
            let (rounded, resolution) = (expected.rounded(), f64::from(scale.resolution()));
            for (found, &weight) in rounded.weights().iter().zip(rbm.weights()) {
                let exact = (f64::from(weight) / resolution).round_ties_even() * resolution;
                assert_eq!(f64::from(*found), exact);
            }
            assert!(expected.is_consistent());
            for isa in Isa::available() {
                let found = of(isa);
                assert_eq!(
                    FixedWeights { isa: Isa::BASELINE, ..found },
                    expected,
                    "{}",
                    isa.name()
                );
            }
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
