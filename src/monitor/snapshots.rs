//! Snapshots of a run: filters, samples and histograms, at epochs that lie ever further apart.

use super::probe::SUBSET;
use super::{EpochRecord, Monitor, Writer};
use crate::bits::BitMatrix;
use crate::dataset::{Columns, Examples, WeightedBits};
use crate::error::Result;
use crate::evaluate::HiddenActivity;
use crate::evaluate::reconstruction::reconstruct_given;
use crate::evaluate::site_moments::{self, SiteMoments};
use crate::evaluate::spectrum;
use crate::gibbs::{Chains, FixedModel};
use crate::model::Rbm;
use crate::setting::is_on_series;
use crate::state::State;
use crate::train::Trainer;
use crate::watch::Watch;
use crate::whole_file;
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// The most filters, and the most samples, of a snapshot.
pub const MOST: usize = 100;

/// The most examples that are reconstructed.
const MOST_RECONSTRUCTIONS: usize = 50;

/// The most hidden units whose means are saved.
const MOST_UNITS: usize = 1000;

/// The most chains over which the moments of sites are taken, as many as examples.
const MOST_CHAINS: usize = SUBSET;

/// Bins of a histogram.
const BINS: usize = 64;

const PREFIX: &str = "epoch-";
const SUFFIX: &str = ".safetensors";

/// The epochs of the snapshots in a folder, rising.
pub fn epochs(folder: &Path) -> Vec<u64> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let epoch = |name: &str| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok();
    let mut epochs: Vec<u64> =
        entries.filter_map(|entry| epoch(entry.file_name().to_str()?)).collect();
    epochs.sort_unstable();
    epochs
}

/// The file of a snapshot in a folder.
pub fn file(folder: &Path, epoch: u64) -> PathBuf {
    folder.join(format!("{PREFIX}{epoch:06}{SUFFIX}"))
}

/// Snapshots of a run, each in a file such as `epoch-000004.safetensors`.
///
/// | tensor | shape | |
/// | --- | --- | --- |
/// | `filters` | (n, V) f32 | the weights of the hidden units with the largest norm, in their order |
/// | `filter_units` | (n) u64 | the numbers of these units; snapshots without it have the first ones |
/// | `singular_values` | (m) f64 | the largest 16 of W in the zero-sum gauge, falling |
/// | `samples` | (n, V) u8 | p(v \| h) of the first chains, 255 for 1 |
/// | `examples`, `reconstructions` | (n, V) u8 | training examples, and p(v \| h) with h drawn from them |
/// | `hidden_means` | (n, H) u8 | p(h \| v) of training examples, 255 for 1; up to 1,000 units |
/// | `hidden_activity` | (H) f64 | mean p(h \| v) over a subset of the training data |
/// | `frequencies` | (2, V) f64 | ⟨v⟩ over the subset, and over p(v \| h) of the chains |
/// | `pairs` | (n, 2) u64 | units of two sites: all pairs, or 10,000 of them |
/// | `correlations` | (2, n) f64 | ⟨vᵢ vₖ⟩ − ⟨vᵢ⟩⟨vₖ⟩ of these pairs, likewise |
/// | `moment_rows` | (2) u64 | the number of examples and of chains of these moments |
/// | `weights.counts`, `.range` | (64) u64, (2) f64 | histogram of W between its least and largest |
/// | `visible_bias.…`, `hidden_bias.…` | likewise | histograms of b and c |
///
/// Moments are taken for layers with categorical sites alone, and where the chains are samples of the model.
/// The metadata name the columns of such data.
#[derive(Debug)]
pub struct Snapshots<'a> {
    folder: PathBuf,
    writer: &'a Writer,
    training: WeightedBits,
}

impl<'a> Snapshots<'a> {
    /// Snapshots in a folder, with activities over the rows of `training` (N, V).
    pub fn new(folder: PathBuf, writer: &'a Writer, training: WeightedBits) -> Self {
        Self { folder, writer, training }
    }

    /// Takes a snapshot of a trainer whose model is not at hand.
    fn take_now(&self, trainer: &Trainer) -> Result<()> {
        let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
        self.take(trainer, FixedModel { rbm: &rbm, weights: &weights })
    }

    fn take(&self, trainer: &Trainer, model: FixedModel<'_>) -> Result<()> {
        let mut state = snapshot(model, trainer.chains(), &self.training, trainer.config().seed)?;
        let are_samples = trainer.config().algorithm.chains_are_samples();
        // Examples that lack values would be compared with whole samples.
        let are_whole = self.training.missing().is_none();
        if are_samples && are_whole && !model.rbm.visible_units().are_bits() {
            let hidden = trainer.chains().hidden();
            let hidden = hidden.rows(0..hidden.n_rows().min(MOST_CHAINS));
            put_moments(model, &self.training, &hidden, trainer.config().seed, &mut state)?;
        }
        let path = file(&self.folder, trainer.n_epochs_begun());
        let metadata = serde_json::json!({
            "updates": trainer.updates(),
            "image_shape": trainer.examples().image_shape(),
            "columns": columns_of(trainer.examples()),
        });
        self.writer.write(path, state.to_safetensors("harmonium", metadata.to_string()))
    }
}

impl Monitor for Snapshots<'_> {
    fn begin(&mut self, trainer: &Trainer, _past: &[EpochRecord]) -> Result<()> {
        // Snapshots that were taken after the checkpoint are removed.
        for epoch in epochs(&self.folder).into_iter().filter(|n| *n > trainer.n_epochs_begun()) {
            whole_file::remove(&file(&self.folder, epoch))?;
        }
        if trainer.updates() == 0 { self.take_now(trainer) } else { Ok(()) }
    }

    fn after_epoch(
        &mut self,
        trainer: &Trainer,
        model: FixedModel<'_>,
        _record: &EpochRecord,
    ) -> Result<()> {
        if is_on_series(trainer.n_epochs_begun()) { self.take(trainer, model) } else { Ok(()) }
    }

    fn finish(&mut self, trainer: &Trainer) -> Result<()> {
        self.take_now(trainer)
    }
}

fn snapshot(
    model: FixedModel<'_>,
    chains: &Chains,
    training: &WeightedBits,
    seed: u64,
) -> Result<State> {
    let FixedModel { rbm, weights } = model;
    let mut state = State::default();
    let (n_visible, n_hidden) = rbm.weights().dim();
    let n_filters = n_hidden.min(MOST);
    let units = strongest(rbm, n_filters);
    let columns = units.iter().map(|&unit| rbm.weights().column(unit));
    let filters = columns.flat_map(|column| column.to_vec()).collect();
    state.put("filters", &[n_filters, n_visible], filters);
    let units = units.into_iter().map(|unit| unit as u64).collect();
    state.put("filter_units", &[n_filters], units);
    let values = spectrum::leading(rbm);
    state.put("singular_values", &[values.len()], values);
    let hidden = chains.hidden();
    let hidden = hidden.rows(0..hidden.n_rows().min(MOST));
    let samples = weights.visible_given_hidden().means(&hidden)?;
    state.put("samples", &[hidden.n_rows(), n_visible], levels(samples));

    let bits = training.bits();
    let few = training.rows(0..bits.n_rows().min(MOST_RECONSTRUCTIONS));
    let shape = [few.bits().n_rows(), n_visible];
    let examples = few.bits().to_array(|is_on| f32::from(u8::from(is_on)));
    state.put("examples", &shape, levels(examples));
    let reconstructions = reconstruct_given(model, &few, seed, Watch::default())?;
    state.put("reconstructions", &shape, levels(reconstructions));

    let batch = bits.rows(0..bits.n_rows().min(MOST));
    let n_shown = n_hidden.min(MOST_UNITS);
    let means = weights.hidden_given_visible().means(&batch)?;
    let means = means.slice_move(ndarray::s![.., ..n_shown]);
    state.put("hidden_means", &[batch.n_rows(), n_shown], levels(means));
    let activity = HiddenActivity::new(weights, training, Watch::default())?.of_units;
    state.put("hidden_activity", &[n_hidden], activity.to_vec());
    put_histogram("weights", rbm.weights().iter(), &mut state);
    put_histogram("visible_bias", rbm.visible_bias().iter(), &mut state);
    put_histogram("hidden_bias", rbm.hidden_bias().iter(), &mut state);
    Ok(state)
}

/// The `n` hidden units whose weights, less their mean over each categorical site, have the largest norm, in the order
/// of their numbers.
fn strongest(rbm: &Rbm, n: usize) -> Vec<usize> {
    let mut squares = vec![0.0; rbm.n_hidden()];
    for site in rbm.visible_units().sites() {
        let size = site.len() as f64;
        let (mut sums, mut own) = (vec![0.0; squares.len()], vec![0.0; squares.len()]);
        for row in site.map(|unit| rbm.weights().row(unit)) {
            for ((sum, square), &w) in sums.iter_mut().zip(&mut own).zip(row) {
                *sum += f64::from(w);
                *square += f64::from(w) * f64::from(w);
            }
        }
        let is_bit = size < 2.0;
        for ((total, sum), square) in squares.iter_mut().zip(sums).zip(own) {
            *total += if is_bit { square } else { square - sum * sum / size };
        }
    }
    let mut units: Vec<usize> = (0..squares.len()).collect();
    units.sort_by(|&one, &other| squares[other].total_cmp(&squares[one]));
    units.truncate(n);
    units.sort_unstable();
    units
}

/// The columns of the data, and that of their label.
fn columns_of(examples: &Examples) -> Option<Columns> {
    let columns = examples.columns()?;
    Some(match examples.labels() {
        None => columns.clone(),
        Some(labels) => columns.and_label(labels.classes()),
    })
}

/// Puts the moments of sites over examples and over chains with the states `hidden` (C, H).
fn put_moments(
    model: FixedModel<'_>,
    training: &WeightedBits,
    hidden: &BitMatrix,
    seed: u64,
    state: &mut State,
) -> Result<()> {
    let units = model.rbm.visible_units();
    let pairs = site_moments::pairs(units, seed);
    let examples = training.bits().to_array(|is_on| f32::from(u8::from(is_on)));
    let of_data = SiteMoments::of(examples.view(), training.weights(), &pairs);
    drop(examples);
    let means = model.weights.visible_given_hidden().means(hidden)?;
    let of_samples = SiteMoments::of(means.view(), None, &pairs);
    let [data, samples] = [of_data, of_samples];
    let frequencies = [data.frequencies, samples.frequencies].concat();
    state.put("frequencies", &[2, units.n_units()], frequencies);
    let correlations = [data.correlations, samples.correlations].concat();
    state.put("correlations", &[2, pairs.len()], correlations);
    let columns = pairs.iter().flat_map(|pair| [pair.first as u64, pair.second as u64]);
    state.put("pairs", &[pairs.len(), 2], columns.collect());
    let n_rows = [training.bits().n_rows() as u64, hidden.n_rows() as u64];
    state.put("moment_rows", &[2], n_rows.to_vec());
    Ok(())
}

/// Probabilities as levels from 0 to 255.
fn levels(chances: Array2<f32>) -> Vec<u8> {
    chances.iter().map(|p| (p * 255.0).round() as u8).collect()
}

/// Puts the counts of values in bins of equal width, from the least value to the largest.
fn put_histogram<'a>(name: &str, values: impl Iterator<Item = &'a f32> + Clone, state: &mut State) {
    let values = values.map(|&x| f64::from(x));
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    // If all values are equal, the bins lie around that value.
    let (least, largest) =
        if largest > least { (least, largest) } else { (least - 0.5, largest + 0.5) };
    let mut counts = vec![0_u64; BINS];
    for value in values {
        let share = (value - least) / (largest - least);
        counts[((share * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    state.put(format!("{name}.counts"), &[BINS], counts);
    state.put(format!("{name}.range"), &[2], vec![least, largest]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Units;
    use ndarray::{Array1, array};

    /// What all values of a site share does not count.
    #[test]
    fn the_strongest_units_are_those_of_the_largest_norm_wherever_they_stand() {
        let weights = array![[9.0, 0.0, 1.0, 0.0], [9.0, 2.0, -1.0, 0.1], [0.0, 0.0, 0.0, 3.0]];
        let of = |units| {
            let rbm = Rbm::of_sites(units, weights.clone(), Array1::zeros(3), Array1::zeros(4));
            strongest(&rbm.unwrap(), 2)
        };
        assert_eq!(of(Units::bits(3)), [0, 3]);
        // Less the means, their norms are 0, 1.41, 1.41 and 3.
        assert_eq!(of(Units::of_sites([2, 1]).unwrap()), [1, 3]);
    }

    #[test]
    fn a_histogram_counts_every_value_in_its_bin() {
        let mut state = State::default();
        put_histogram("x", [0.0, 64.0, 1.5, 63.5, 1.25].iter(), &mut state);
        put_histogram("same", [2.0; 7].iter(), &mut state);
        let counts: &[u64] = state.get("x.counts", &[BINS]).unwrap();
        assert_eq!((counts[0], counts[1], counts[BINS - 1]), (1, 2, 2));
        assert_eq!(state.get::<f64>("x.range", &[2]).unwrap(), [0.0, 64.0]);
        assert_eq!(state.get::<u64>("same.counts", &[BINS]).unwrap().iter().sum::<u64>(), 7);
    }
}
