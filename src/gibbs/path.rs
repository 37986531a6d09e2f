//! The path from independent pixels to a model, along which chains are annealed.

use super::{Conditional, FixedModel, FixedWeights};
use crate::bits::{BitMatrix, BitPanels};
use crate::error::{Error, Result};
use crate::fixed::Scale;
use crate::kernels::tile::{Aligned, Row, SIDE, aligned};
use crate::model::Rbm;
use crate::rng::Stream;
use ndarray::Array1;
use rayon::prelude::*;

/// A path of distributions from the *base*, independent pixels of log-odds a, to a model:
///
/// ```text
/// p_β(v, h) ∝ exp((1 − β) a·v + β (b·v + c·h + vᵀW h)),   0 ≤ β ≤ 1
/// ```
///
/// β is an inverse temperature. (In Salakhutdinov and Murray, 2008, the base has its own hidden units.
/// Here it shares those of the model, without weights and biases.)
#[derive(Clone, Debug)]
pub struct Path<'a> {
    model: FixedModel<'a>,
    /// a, in panels.
    base: Aligned<Row<f32>>,
    /// b̃ − a, in panels, where b̃ is the visible bias in fixed point.
    slope: Aligned<Row<f64>>,
}

impl<'a> Path<'a> {
    /// The path from pixels of the given rates (V), each above 0 and below 1.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for a rate out of range; [`Error::WidthMismatch`] if there are not V
    /// rates.
    pub fn new(model: FixedModel<'a>, rates: &Array1<f64>) -> Result<Self> {
        let FixedModel { rbm, weights } = model;
        if rates.len() != rbm.n_visible() {
            return Err(Error::WidthMismatch {
                what: "the base distribution".to_string(),
                found: rates.len(),
                other: "the model",
                expected: rbm.n_visible(),
            });
        }
        if let Some(rate) = rates.iter().find(|&&rate| !(rate > 0.0 && rate < 1.0)) {
            return Err(Error::InvalidSetting {
                setting: "a rate of the base distribution",
                value: rate.to_string(),
                rule: "above 0 and below 1".to_string(),
            });
        }
        let units = rbm.visible_units();
        let base = units.in_panels(&units.log_odds(rates).to_vec());
        let mut slope = aligned([0.0; SIDE], units.n_panels());
        let resolution = f64::from(weights.scale.resolution());
        let biases = weights.visible_bias.as_flattened().iter().zip(base.as_flattened());
        for (slope, (&b, &a)) in slope.as_flattened_mut().iter_mut().zip(biases) {
            *slope = f64::from(b) * resolution - f64::from(a);
        }
        Ok(Self { model, base, slope })
    }

    /// The model at the end of the path with its parameters rounded, whose distribution the chains
    /// sample at β = 1.
    pub fn rounded(&self) -> Rbm {
        self.weights().rounded()
    }

    /// The parameters that move the chains at β = 1.
    pub fn weights(&self) -> &FixedWeights {
        self.model.weights
    }

    /// The model at the end of the path.
    pub fn model(&self) -> FixedModel<'a> {
        self.model
    }

    /// log Z of the base: the cumulant of the visible units at a (Σᵢ softplus(aᵢ) for bits) + H ln 2.
    pub fn log_z_of_base(&self) -> f64 {
        let visible = self.model.rbm.visible_units().cumulant(self.log_odds());
        visible + self.weights().n_hidden() as f64 * std::f64::consts::LN_2
    }

    /// Draws v from the base, one row for each stream.
    pub fn draw_base(&self, streams: &mut [Stream]) -> BitMatrix {
        self.model.rbm.visible_units().draw_independent(self.log_odds(), streams)
    }

    /// a (V).
    fn log_odds(&self) -> impl Iterator<Item = f64> {
        self.model.rbm.visible_units().in_columns(&self.base).into_iter().map(f64::from)
    }

    /// log p*(v) of the model minus log p*(v) of its [rounded](Self::rounded) form, at which the path
    /// ends, for every row of `visible` (C, V). Adding it corrects a log-weight for the rounding.
    pub fn beyond_fixed_point(&self, visible: &BitMatrix) -> Vec<f64> {
        let rounded = self.rounded();
        let rows = (0..visible.n_rows()).into_par_iter().map(|row| visible.row(row));
        rows.map(|v| rounded.free_energy(v) - self.model.rbm.free_energy(v)).collect()
    }

    /// The visible term of d(log p*_β)/dβ for a row of states: (b̃ − a)·v.
    pub(super) fn visible_slope(&self, states: &BitPanels, row: usize) -> f64 {
        states.active(row).map(|i| self.slope.as_flattened()[i]).sum()
    }

    /// The distribution at β.
    pub(super) fn at(&self, beta: f64) -> Tempered {
        let mut tempered = Tempered::new(self.weights());
        tempered.set(self.weights().scale, &self.base, beta);
        tempered
    }
}

/// The part of a distribution on a path that does not depend on the model: β and the base.
#[derive(Clone, Debug)]
pub(super) struct Tempered {
    factor: f32,
    offsets: Aligned<Row<f32>>,
}

impl Tempered {
    /// A distribution to be [set](Self::set), for models with this number of visible units.
    pub fn new(weights: &FixedWeights) -> Self {
        let n_panels = weights.visible_units.n_panels();
        Self { factor: 0.0, offsets: aligned([0.0; SIDE], n_panels) }
    }

    /// Sets β and the log-odds `base` of the pixels, in panels, for models in the given scale.
    pub fn set(&mut self, scale: Scale, base: &[Row<f32>], beta: f64) {
        let offsets = self.offsets.as_flattened_mut().iter_mut();
        for (offset, &a) in offsets.zip(base.as_flattened()) {
            *offset = ((1.0 - beta) * f64::from(a)) as f32;
        }
        self.factor = (beta * f64::from(scale.resolution())) as f32;
    }

    /// p_β(h | v) = σ(β (c + vW)).
    pub fn hidden_given_visible<'a>(&'a self, weights: &'a FixedWeights) -> Conditional<'a> {
        Conditional { factor: self.factor, ..weights.hidden_given_visible() }
    }

    /// p_β(v | h) = σ(β (b + Wh) + (1 − β) a).
    pub fn visible_given_hidden<'a>(&'a self, weights: &'a FixedWeights) -> Conditional<'a> {
        let conditional = weights.visible_given_hidden();
        Conditional { factor: self.factor, offsets: Some(&self.offsets), ..conditional }
    }
}
