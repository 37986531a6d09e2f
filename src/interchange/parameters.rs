//! Three arrays as the parameters of a model, and back.

use super::names::{Chosen, Written};
use super::naming::Layout;
use crate::dataset::NamedArray;
use crate::error::{Error, Remedy, Result};
use crate::model::Rbm;
use ndarray::{Array1, Array2};
use std::path::Path;

/// The setting that tells the axes of the weights.
const AXES: &[Remedy] = &[Remedy::with("layout", "vh|hv")];

/// A model that was read from a file of another program.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// The model.
    pub rbm: Rbm,
    /// Which arrays were taken for what, in a line.
    pub taken: String,
    /// What the file holds besides, and what was rounded: a line each.
    pub notes: Vec<String>,
}

/// The model whose parameters these arrays are.
///
/// # Errors
/// [`Error::UnknownArrays`] if the axes of the weights are not known; [`Error::Unsuitable`] for other shapes,
/// other types, or numbers that are not finite as f32.
pub(super) fn model(path: &Path, arrays: &[NamedArray], chosen: &Chosen<'_>) -> Result<Imported> {
    let unsuitable = |rule| Error::Unsuitable { path: path.into(), rule };
    let [visible_bias, hidden_bias] =
        [chosen.visible_bias, chosen.hidden_bias].map(|array| vector(array).map_err(unsuitable));
    let (visible_bias, hidden_bias) = (visible_bias?, hidden_bias?);
    let weights = numbers(chosen.weights).map_err(unsuitable)?;
    let (n_visible, n_hidden) = (visible_bias.len(), hidden_bias.len());
    let layout = layout(path, chosen, n_visible, n_hidden)?;
    let matrix = |shape| Array2::from_shape_vec(shape, weights).expect("a checked shape");
    let weights = match layout {
        Layout::Vh => matrix((n_visible, n_hidden)),
        Layout::Hv => matrix((n_hidden, n_visible)).reversed_axes().as_standard_layout().to_owned(),
    };
    let rbm = Rbm::new(weights, Array1::from(visible_bias), Array1::from(hidden_bias))
        .map_err(|cause| unsuitable(cause.to_string()))?;
    let taken = format!(
        "weights {} from `{}`, visible bias from `{}`, hidden bias from `{}`",
        layout.axes(),
        chosen.weights.name,
        chosen.visible_bias.name,
        chosen.hidden_bias.name
    );
    let names = |is_meant: &dyn Fn(&NamedArray) -> bool| {
        let names = arrays.iter().filter(|array| is_meant(array));
        names.map(|array| format!("`{}`", array.name)).collect::<Vec<_>>().join(", ")
    };
    let mut notes = Vec::new();
    let rounded = names(&|array| chosen.has(array) && is_rounded(array));
    if !rounded.is_empty() {
        notes.push(format!("{rounded}: rounded to float32"));
    }
    let others = names(&|array| !chosen.has(array));
    if !others.is_empty() {
        notes.push(format!("not read: {others}"));
    }
    Ok(Imported { rbm, taken, notes })
}

/// The axes of the weights: those that are known, or else those that fit the biases.
fn layout(path: &Path, chosen: &Chosen<'_>, n_visible: usize, n_hidden: usize) -> Result<Layout> {
    let NamedArray { name, shape, .. } = chosen.weights;
    let [visible, hidden] = [chosen.visible_bias, chosen.hidden_bias].map(|bias| &bias.name);
    let lengths = format!("`{visible}` has {n_visible} numbers and `{hidden}` {n_hidden}");
    let fits = |layout: &Layout| shape[..] == layout.shape(n_visible, n_hidden);
    let fitting: Vec<_> = [Layout::Vh, Layout::Hv].into_iter().filter(fits).collect();
    match (chosen.layout, &fitting[..]) {
        (Some(known), fitting) if fitting.contains(&known) => Ok(known),
        (None, [layout]) => Ok(*layout),
        (None, [_, _]) => {
            let path = path.into();
            let rule = format!(
                "`{name}` has the shape {shape:?}, which may be (visible, hidden) or (hidden, visible), as {lengths}"
            );
            Err(Error::UnknownArrays { path, rule, remedies: AXES })
        }
        (known, _) => {
            let known = known.map_or(vec![Layout::Vh, Layout::Hv], |known| vec![known]);
            let wanted = known.iter().map(|layout| {
                format!("{:?}, {}", layout.shape(n_visible, n_hidden), layout.axes())
            });
            let wanted = wanted.collect::<Vec<_>>().join(", or ");
            let reason = match shape.len() {
                3.. => {
                    "; more axes are those of a model of categories, but only models of bits are imported"
                }
                _ => "",
            };
            let rule = format!(
                "`{name}` has the shape {shape:?}, but must have {wanted}, as {lengths}{reason}"
            );
            Err(Error::Unsuitable { path: path.into(), rule })
        }
    }
}

/// The numbers of an array of which at most one side is not 1.
fn vector(array: &NamedArray) -> Result<Vec<f32>, String> {
    let NamedArray { name, shape, .. } = array;
    if shape.iter().filter(|&&side| side != 1).count() > 1 {
        return Err(format!("`{name}` has the shape {shape:?}, but a bias must have one axis"));
    }
    numbers(array)
}

/// The numbers of an array as f32.
fn numbers(array: &NamedArray) -> Result<Vec<f32>, String> {
    let NamedArray { name, kind, shape, values } = array;
    let Some(values) = values else {
        return Err(format!(
            "`{name}` has the type {kind}, but must have float16, bfloat16, float32 or float64"
        ));
    };
    let round = |(at, &value): (usize, &f64)| match value as f32 {
        rounded if rounded.is_finite() => Ok(rounded),
        _ => {
            let place = place(at, shape);
            Err(format!(
                "`{name}`: the value at {place:?} is {value}, but must be finite as float32"
            ))
        }
    };
    values.iter().enumerate().map(round).collect()
}

/// The index along each axis of the element `at`, the last axis running fastest.
fn place(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<_> = shape
        .iter()
        .rev()
        .map(|&side| {
            let index = at % side;
            at /= side;
            index
        })
        .collect();
    place.reverse();
    place
}

fn is_rounded(array: &NamedArray) -> bool {
    let values = array.values.as_deref().unwrap_or_default();
    values.iter().any(|&value| f64::from(value as f32) != value)
}

/// An array of a file that is written, its numbers in row-major order.
pub(super) struct Array<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// The three arrays of a model, in these names and axes.
pub(super) fn arrays<'a>(rbm: &Rbm, written: &'a Written) -> [Array<'a>; 3] {
    let weights = rbm.weights();
    let (shape, values) = match written.layout {
        Layout::Vh => (weights.shape().to_vec(), weights.iter().copied().collect()),
        Layout::Hv => (weights.t().shape().to_vec(), weights.t().iter().copied().collect()),
    };
    let bias = |name, values: &Array1<f32>| Array {
        name,
        shape: vec![values.len()],
        values: values.to_vec(),
    };
    [
        Array { name: &written.weights, shape, values },
        bias(&written.visible_bias, rbm.visible_bias()),
        bias(&written.hidden_bias, rbm.hidden_bias()),
    ]
}
