//! A machine in fixed point.

use super::Conditional;
use super::words::Layer;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::fixed::Scale;
use crate::kernels::tile::{Aligned, Row, SIDE, Tile, aligned};
use crate::kernels::{Isa, transpose};
use crate::model::Rbm;
use crate::units::Units;
use ndarray::Array2;

/// The parameters of a machine as integers, W in both orders: what inputs are summed from.
///
/// Both layers are filled up to whole panels of 64 units; the parameters of the units that do not
/// exist are 0, and their bits are never on.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    pub(crate) isa: Isa,
    pub(crate) scale: Scale,
    pub(crate) visible_units: Units,
    pub(crate) hidden_units: Units,
    /// W̃: the tiles of hidden panel 0 from top to bottom, then those of panel 1, …
    pub(crate) weights: Aligned<Tile<i32>>,
    /// The same tiles in the same order, each transposed.
    pub(crate) transposed: Aligned<Tile<i32>>,
    pub(crate) visible_bias: Aligned<Row<i32>>,
    pub(crate) hidden_bias: Aligned<Row<i32>>,
}

impl Image {
    /// The image of a machine, in the finest scale that its norm allows (2^-20 in training).
    ///
    /// # Errors
    /// By [`Isa::from_environment`].
    pub fn new(rbm: &Rbm) -> Result<Self> {
        Ok(Self::with_scale(rbm, Scale::fitting(rbm.norm()), Isa::from_environment()?))
    }

    /// The image in a given scale.
    pub(crate) fn with_scale(rbm: &Rbm, scale: Scale, isa: Isa) -> Self {
        let (visible_units, hidden_units) = (rbm.visible_units(), rbm.hidden_units());
        let (visible_panels, hidden_panels) = (visible_units.n_panels(), hidden_units.n_panels());
        let n_tiles = visible_panels * hidden_panels;
        let bias = |values: &[f32]| -> Aligned<Row<i32>> {
            let mut rows = aligned([0; SIDE], values.len().div_ceil(SIDE));
            for (rounded, &value) in rows.as_flattened_mut().iter_mut().zip(values) {
                *rounded = scale.round(value);
            }
            rows
        };
        let mut image = Self {
            isa,
            scale,
            visible_units: visible_units.clone(),
            hidden_units: hidden_units.clone(),
            weights: aligned([[0; SIDE]; SIDE], n_tiles),
            transposed: aligned([[0; SIDE]; SIDE], n_tiles),
            visible_bias: bias(rbm.visible_bias().as_slice().expect("standard layout")),
            hidden_bias: bias(rbm.hidden_bias().as_slice().expect("standard layout")),
        };
        for ((i, j), &weight) in rbm.weights().indexed_iter() {
            let tile = j / SIDE * visible_panels + i / SIDE;
            image.weights[tile][i % SIDE][j % SIDE] = scale.round(weight);
        }
        for (from, to) in image.weights.iter().zip(image.transposed.iter_mut()) {
            transpose::tile(isa, from, to);
        }
        image
    }

    /// V.
    pub fn n_visible(&self) -> usize {
        self.visible_units.n_units()
    }

    /// H.
    pub fn n_hidden(&self) -> usize {
        self.hidden_units.n_units()
    }

    /// p(h | v).
    pub fn hidden_given_visible(&self) -> Conditional<'_> {
        Conditional {
            layer: Layer::Hidden,
            isa: self.isa,
            factor: self.scale.resolution(),
            offsets: None,
            tiles: &self.weights,
            strides: (self.visible_bias.len(), 1),
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
            factor: self.scale.resolution(),
            offsets: None,
            tiles: &self.transposed,
            strides: (1, self.visible_bias.len()),
            bias: &self.visible_bias,
            units: &self.visible_units,
            given: &self.hidden_units,
        }
    }

    /// The machine whose parameters are these integers, exactly: rounding an f32 to a multiple of
    /// a power of two leaves an f32.
    pub fn rounded(&self) -> Rbm {
        let resolution = self.scale.resolution();
        let visible_panels = self.visible_bias.len();
        let weight = |(i, j): (usize, usize)| {
            let tile = &self.weights[j / SIDE * visible_panels + i / SIDE];
            tile[i % SIDE][j % SIDE] as f32 * resolution
        };
        let bias = |rows: &[Row<i32>], n| {
            let values = rows.as_flattened()[..n].iter();
            values.map(|&value| value as f32 * resolution).collect()
        };
        Rbm::new(
            Array2::from_shape_fn((self.n_visible(), self.n_hidden()), weight),
            bias(&self.visible_bias, self.n_visible()),
            bias(&self.hidden_bias, self.n_hidden()),
        )
        .expect("parameters of a machine, rounded")
    }

    /// Whether the transposed tiles are those of W̃, integer for integer.
    pub fn is_consistent(&self) -> bool {
        let mut turned = [[0; SIDE]; SIDE];
        self.weights.iter().zip(self.transposed.iter()).all(|(tile, transposed)| {
            transpose::tile(self.isa, tile, &mut turned);
            turned == *transposed
        })
    }
}

impl Rbm {
    /// p(vᵢ = 1 | h) for every row h of `hidden` (N, H): (N, V), 24 binary places.
    ///
    /// # Errors
    /// As [`Image::new`], and [`crate::Error::WidthMismatch`] if the rows are not H wide.
    pub fn mean_visible(&self, hidden: &BitMatrix) -> Result<Array2<f32>> {
        Image::new(self)?.visible_given_hidden().means(hidden)
    }
}
