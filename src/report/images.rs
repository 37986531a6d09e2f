//! The pictures of a report: filters, samples, reconstructions, activities.

use super::material::Snapshot;
use crate::pictures::{self, Grey};
use crate::state::Number;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};
use ndarray::{Array2, ArrayView2, Axis};

/// The largest number of samples in a picture.
pub const MOST_SAMPLES: usize = 40;

/// The order of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The largest norm comes first.
    Norm,
    /// The most active hidden unit comes first.
    Activity,
}

/// A PNG inside the page, with a text for readers who cannot see it.
pub fn embedded(png: &[u8], text: &str) -> Markup {
    html! { img src=(address(png)) alt=(text); }
}

/// A PNG as an address of its own.
pub fn address(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

/// The weights of the hidden units of a snapshot as images; `None` if the data are not images.
pub fn filters(snapshot: &Snapshot, order: Order) -> Option<Vec<u8>> {
    let weights = matrix::<f32>(snapshot, "filters")?;
    let activity = snapshot.arrays.get::<f64>("hidden_activity", &[snapshot.n_hidden()?]).ok()?;
    let rank = |unit: usize| match order {
        Order::Norm => weights.row(unit).iter().map(|w| f64::from(w * w)).sum(),
        Order::Activity => activity.get(unit).copied().unwrap_or(0.0),
    };
    let mut units: Vec<usize> = (0..weights.nrows()).collect();
    units.sort_by(|&a, &b| rank(b).total_cmp(&rank(a)));
    let shown = weights.select(Axis(0), &units);
    let limit = pictures::limit(shown.view());
    Some(pictures::grid(shown.view(), snapshot.image_shape?, Grey::Signed { limit }))
}

/// p(v | h) of the chains of a snapshot; `None` if the data are not images.
pub fn samples(snapshot: &Snapshot) -> Option<Vec<u8>> {
    let samples = probabilities(snapshot, "samples").filter(|samples| !samples.is_empty())?;
    let few = samples.slice(ndarray::s![..samples.nrows().min(MOST_SAMPLES), ..]);
    Some(pictures::grid(few, snapshot.image_shape?, Grey::Unit))
}

/// Examples, each above its reconstruction; `None` if the data are not images.
pub fn reconstructions(snapshot: &Snapshot) -> Option<Vec<u8>> {
    let examples = probabilities(snapshot, "examples")?;
    let means = probabilities(snapshot, "reconstructions")?;
    let rows: Vec<ArrayView2<'_, f32>> = examples
        .axis_chunks_iter(Axis(0), ACROSS)
        .zip(means.axis_chunks_iter(Axis(0), ACROSS))
        // A last row that is not full is left out, unless it is the only one.
        .enumerate()
        .filter(|(at, (examples, _))| *at == 0 || examples.nrows() == ACROSS)
        .map(|(_, pair)| pair)
        .flat_map(|(examples, means)| [examples, means])
        .collect();
    let across = rows.first()?.nrows();
    let images = ndarray::concatenate(Axis(0), &rows).ok()?;
    Some(pictures::grid_of(images.view(), snapshot.image_shape?, Grey::Unit, across))
}

/// The number of examples in a row of [`reconstructions`].
const ACROSS: usize = 10;

/// p(h | v): a row for each example, a column for each hidden unit. Dead units are black columns;
/// saturated units are white columns.
pub fn hidden_means(snapshot: &Snapshot) -> Option<Vec<u8>> {
    let means = probabilities(snapshot, "hidden_means")?;
    Some(pictures::matrix(means.view(), Grey::Unit))
}

/// Probabilities, saved as levels from 0 to 255.
fn probabilities(snapshot: &Snapshot, name: &str) -> Option<Array2<f32>> {
    Some(matrix::<u8>(snapshot, name)?.mapv(|level| f32::from(level) / 255.0))
}

/// An array of a snapshot with at least one row and column.
fn matrix<T: Number>(snapshot: &Snapshot, name: &str) -> Option<Array2<T>> {
    let (_, array) = snapshot.arrays.arrays().find(|(other, _)| *other == name)?;
    let [rows, columns] = array.shape[..] else { return None };
    let values = snapshot.arrays.get(name, &[rows, columns]).ok()?.to_vec();
    Array2::from_shape_vec((rows, columns), values).ok().filter(|matrix| !matrix.is_empty())
}

impl Snapshot {
    /// H.
    fn n_hidden(&self) -> Option<usize> {
        self.arrays.n_rows("hidden_activity").ok()
    }
}
