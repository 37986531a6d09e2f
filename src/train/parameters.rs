//! The parameters while they are trained: W, b, c in f32, and their image in fixed point.

use crate::fixed::Scale;
use crate::gibbs::{Image, RealConditional};
use crate::kernels::Isa;
use crate::kernels::tile::{Aligned, Row, SIDE, Tile, aligned, from_tiles, to_rows, to_tiles};
use crate::model::Rbm;
use ndarray::{Array1, Array2};
use rayon::prelude::*;

/// W (V, H) in tiles, b (V), c (H) and what the chains read of them.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// The tiles of hidden panel 0 from top to bottom, then those of panel 1, …
    pub(super) weights: Aligned<Tile<f32>>,
    /// b, filled up to whole panels with 0.
    pub(super) visible_bias: Aligned<Row<f32>>,
    /// c, filled up to whole panels with 0.
    pub(super) hidden_bias: Aligned<Row<f32>>,
    /// Rounded, in both orders; as current as the weights.
    pub(super) image: Image,
    /// Σ|weights| of each visible unit in each hidden panel: a buffer of [`norm`](Self::norm).
    row_norms: Aligned<Row<f64>>,
}

impl Parameters {
    /// Those of a machine, whose image has this format.
    pub fn new(rbm: &Rbm, scale: Scale, isa: Isa) -> Self {
        let weights: Vec<f32> = rbm.weights().iter().copied().collect();
        let weights = to_tiles(&weights, rbm.weights().dim());
        let bias = |values: &Array1<f32>| to_rows(&values.to_vec());
        Self {
            visible_bias: bias(rbm.visible_bias()),
            hidden_bias: bias(rbm.hidden_bias()),
            image: Image::with_scale(rbm, scale, isa),
            row_norms: aligned([0.0; SIDE], weights.len()),
            weights,
        }
    }

    /// The machine as it is now.
    pub fn to_rbm(&self) -> Rbm {
        self.rbm_of(&self.weights, &self.visible_bias, &self.hidden_bias)
    }

    /// A machine of these sizes, of parameters in this layout.
    pub(super) fn rbm_of(
        &self,
        weights: &[Tile<f32>],
        visible_bias: &[Row<f32>],
        hidden_bias: &[Row<f32>],
    ) -> Rbm {
        let (n_visible, n_hidden) = (self.image.n_visible(), self.image.n_hidden());
        let shape = (n_visible, n_hidden);
        let weights = Array2::from_shape_vec(shape, from_tiles(weights, shape));
        let weights = weights.expect("as many values");
        let bias = |rows: &[Row<f32>], n: usize| Array1::from(rows.as_flattened()[..n].to_vec());
        Rbm::new(weights, bias(visible_bias, n_visible), bias(hidden_bias, n_hidden))
            .expect("parameters are checked to be finite")
    }

    /// W in tiles: those of hidden panel 0 from top to bottom, then those of panel 1, …
    pub fn weights(&self) -> &[Tile<f32>] {
        &self.weights
    }

    /// The image that chains read.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// p(h | v) of real-valued v.
    pub fn hidden_given_reals(&self) -> RealConditional<'_> {
        RealConditional {
            isa: self.image.isa,
            weights: &self.weights,
            hidden_bias: &self.hidden_bias,
            n_hidden: self.image.n_hidden(),
        }
    }

    /// The largest Σ|weights| + |bias| of a unit, visible or hidden, and the largest magnitude of a
    /// parameter; NaN if any value is.
    pub fn norm_and_largest(&mut self) -> (f64, f64) {
        let visible_panels = self.visible_bias.len();
        let panels = self.weights.par_chunks_exact(visible_panels);
        let panels = panels.zip(self.row_norms.par_chunks_exact_mut(visible_panels));
        let of_hidden =
            panels.zip(self.hidden_bias.par_iter()).map(|((tiles, row_norms), bias)| {
                let mut columns = bias.map(|bias| f64::from(bias.abs()));
                let mut largest_of_columns = columns;
                for (tile, row_norms) in tiles.iter().zip(row_norms) {
                    for (row, row_norm) in tile.iter().zip(row_norms) {
                        let magnitudes = row.map(|weight| f64::from(weight.abs()));
                        columns.iter_mut().zip(magnitudes).for_each(|(sum, x)| *sum += x);
                        let pairs = largest_of_columns.iter_mut().zip(magnitudes);
                        pairs.for_each(|(most, x)| *most = if x > *most { x } else { *most });
                        // Eight sums side by side, which the compiler makes vectors of.
                        let mut sums = [0.0; 8];
                        for eight in magnitudes.as_chunks::<8>().0 {
                            sums.iter_mut().zip(eight).for_each(|(sum, x)| *sum += x);
                        }
                        *row_norm = sums.iter().sum();
                    }
                }
                let most = |columns: Row<f64>| columns.into_iter().fold(0.0, largest);
                (most(columns), most(largest_of_columns))
            });
        // A maximum is the same in any order.
        let both = |(a, b), (c, d)| (largest(a, c), largest(b, d));
        let (mut norm, mut most) = of_hidden.reduce(|| (0.0, 0.0), both);
        for (panel, bias) in self.visible_bias.iter().enumerate() {
            for (unit, bias) in bias.iter().enumerate() {
                let tiles = self.row_norms[panel..].iter().step_by(visible_panels);
                let sum: f64 = tiles.map(|row_norms| row_norms[unit]).sum();
                norm = largest(norm, sum + f64::from(bias.abs()));
                most = largest(most, f64::from(bias.abs()));
            }
        }
        // A weight that is NaN makes its sums so.
        (norm, if norm.is_nan() { norm } else { most })
    }

    /// √ΣW², and √Σ(W − `before`)² where `before` are the weights of an earlier time.
    pub fn weight_norms(&self, before: &[Tile<f32>]) -> (f64, f64) {
        let squares = |tile: &Tile<f32>, other: &Tile<f32>| {
            let pairs = tile.as_flattened().iter().zip(other.as_flattened());
            pairs.map(|(&x, &y)| f64::from(x - y) * f64::from(x - y)).sum::<f64>()
        };
        let zero = [[0.0; SIDE]; SIDE];
        let norm: f64 = self.weights.iter().map(|tile| squares(tile, &zero)).sum();
        let change: f64 =
            self.weights.iter().zip(before).map(|(tile, other)| squares(tile, other)).sum();
        (norm.sqrt(), change.sqrt())
    }
}

/// The larger of two numbers; NaN if either is.
fn largest(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Rbm {
        let value = |at: usize| (at % 17) as f32 / 8.0 - 1.0;
        Rbm::new(
            Array2::from_shape_fn((70, 130), |(i, j)| value(i * 5 + j)),
            Array1::from_shape_fn(70, value),
            Array1::from_shape_fn(130, |j| value(j * 3)),
        )
        .unwrap()
    }

    #[test]
    fn a_machine_goes_in_and_comes_out() {
        let parameters = Parameters::new(&machine(), Scale::TRAINING, Isa::BASELINE);
        assert_eq!(parameters.to_rbm(), machine());
        assert!(parameters.image().is_consistent());
    }

    #[test]
    fn the_norm_is_that_of_the_machine() {
        let mut parameters = Parameters::new(&machine(), Scale::TRAINING, Isa::BASELINE);
        let (norm, largest) = parameters.norm_and_largest();
        assert!((norm - machine().norm()).abs() < 1e-9);
        assert_eq!(largest, 1.0);
        parameters.weights[3][5][1] = f32::NAN;
        let (norm, largest) = parameters.norm_and_largest();
        assert!(norm.is_nan() && largest.is_nan());
        parameters.weights[3][5][1] = 5000.0;
        let (norm, largest) = parameters.norm_and_largest();
        assert!(norm > 5000.0 && largest == 5000.0);
        parameters.visible_bias[1][2] = -6000.0;
        assert_eq!(parameters.norm_and_largest().1, 6000.0);
    }

    #[test]
    fn norms_of_weights_and_of_their_change() {
        let parameters = Parameters::new(&machine(), Scale::TRAINING, Isa::BASELINE);
        let mut before = parameters.weights.clone();
        before[0][1][2] += 3.0;
        before[5][0][1] -= 4.0;
        let (norm, change) = parameters.weight_norms(&before);
        let expected = machine().weights().iter().map(|&w| f64::from(w * w)).sum::<f64>().sqrt();
        assert!((norm - expected).abs() < 1e-9 && (change - 5.0).abs() < 1e-6);
    }
}
