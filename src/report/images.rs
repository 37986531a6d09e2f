//! The pictures of a report: filters, samples, reconstructions, activities.

use super::material::Snapshot;
use crate::dataset::Columns;
use crate::pictures::{self, Grey};
use crate::rng::{Purpose, STEP, Stream};
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
    let units = snapshot.filter_units();
    let rank = |at: usize| match order {
        Order::Norm => weights.row(at).iter().map(|w| f64::from(w * w)).sum(),
        Order::Activity => activity.get(units[at]).copied().unwrap_or(0.0),
    };
    let mut places: Vec<usize> = (0..weights.nrows()).collect();
    places.sort_by(|&a, &b| rank(b).total_cmp(&rank(a)));
    let shown = weights.select(Axis(0), &places);
    let limit = pictures::limit(shown.view());
    Some(pictures::grid(shown.view(), snapshot.image_shape?, Grey::Signed { limit }))
}

/// Samples of the chains of a snapshot: v, drawn from p(v | h) of each chain, and that p(v | h) itself.
pub struct Samples {
    pub drawn: Vec<u8>,
    pub means: Vec<u8>,
}

/// The samples of a snapshot of a run with this seed; `None` if the data are not images of bits.
pub fn samples(snapshot: &Snapshot, seed: u64) -> Option<Samples> {
    if snapshot.columns.as_ref().is_some_and(Columns::has_categories) {
        return None;
    }
    let means = probabilities(snapshot, "samples").filter(|samples| !samples.is_empty())?;
    let means = means.slice(ndarray::s![..means.nrows().min(MOST_SAMPLES), ..]);
    let shape = snapshot.image_shape?;
    let grid = |images: ArrayView2<'_, f32>| pictures::grid(images, shape, Grey::Unit);
    Some(Samples { drawn: grid(drawn(means, seed).view()), means: grid(means) })
}

/// Bits that are on with these probabilities (C, V).
fn drawn(means: ArrayView2<'_, f32>, seed: u64) -> Array2<f32> {
    let mut bits = means.to_owned();
    for (chain, mut row) in bits.rows_mut().into_iter().enumerate() {
        let mut stream = Stream::new(seed, Purpose::ReportSample, chain as u64);
        for mut units in row.axis_chunks_iter_mut(Axis(0), STEP) {
            for (bit, word) in units.iter_mut().zip(stream.step()) {
                let is_on = f64::from(word) < f64::from(*bit) * 2f64.powi(32);
                *bit = f32::from(u8::from(is_on));
            }
        }
    }
    bits
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

/// W as a picture, and what it shows.
pub struct WeightMap {
    pub png: Vec<u8>,
    /// The number of hidden units, each a row, and of units of the examples, each a column.
    pub shape: (usize, usize),
    /// The magnitude that is black or white.
    pub limit: f32,
}

/// W of data that are no images: a row for each hidden unit, the largest norm first, and a column for each visible
/// unit, less the mean over each categorical site; `None` if the data are images.
pub fn weight_map(snapshot: &Snapshot) -> Option<WeightMap> {
    if snapshot.image_shape.is_some() {
        return None;
    }
    let mut weights = matrix::<f32>(snapshot, "filters")?;
    let mut first = 0;
    for size in snapshot.columns.iter().flat_map(|columns| columns.sites()) {
        if size > 1 {
            for mut row in weights.slice_mut(ndarray::s![.., first..first + size]).rows_mut() {
                let mean = row.iter().map(|&w| f64::from(w)).sum::<f64>() / size as f64;
                row.mapv_inplace(|w| (f64::from(w) - mean) as f32);
            }
        }
        first += size;
    }
    let norm = |row: usize| weights.row(row).iter().map(|w| f64::from(w * w)).sum::<f64>();
    let mut rows: Vec<usize> = (0..weights.nrows()).collect();
    rows.sort_by(|&a, &b| norm(b).total_cmp(&norm(a)));
    let shown = weights.select(Axis(0), &rows);
    let shown = shown.slice(ndarray::s![.., ..shown.ncols().min(MOST_COLUMNS)]);
    let limit = pictures::limit(shown.as_standard_layout().view());
    let png = pictures::matrix(shown, Grey::Signed { limit });
    Some(WeightMap { png, shape: shown.dim(), limit })
}

/// The most units of examples in a picture of W.
const MOST_COLUMNS: usize = 4_000;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_bits_follow_their_probabilities_and_are_the_same_again() {
        let chances = [0.0, 0.25, 0.5, 1.0];
        let means = Array2::from_shape_fn((400, 40), |(_, unit)| chances[unit % 4]);
        let bits = drawn(means.view(), 3);
        assert_eq!(bits, drawn(means.view(), 3));
        assert_ne!(bits, drawn(means.view(), 4));
        assert!(bits.iter().all(|bit| [0.0, 1.0].contains(bit)));
        for (first, chance) in chances.into_iter().enumerate() {
            let column = bits.slice(ndarray::s![.., first..;4]);
            let mean = column.mean().unwrap();
            // Four standard errors of 4,000 bits.
            assert!(
                (mean - chance).abs() <= 0.032 * chance.min(1.0 - chance).sqrt(),
                "{chance}: {mean}"
            );
        }
        // Rows and places are drawn apart.
        assert_ne!(bits.row(0), bits.row(1));
        assert_ne!(bits.slice(ndarray::s![.., 2]), bits.slice(ndarray::s![.., 18]));
    }
}
