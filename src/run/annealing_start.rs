//! What a run supplies for the start of annealing: the mean of its training data, and its chains.

use super::data::Part;
use super::files::CHECKPOINTS;
use super::own_data::{data_of, folder_of};
use crate::bits::BitMatrix;
use crate::checkpoint::{Checkpoint, search};
use crate::dataset::{Beside, Binarization, Classes, Encoding, Examples, Source, Split};
use crate::error::{Error, Result};
use crate::evaluate::Independent;
use crate::model::ModelFile;
use crate::units::Units;
use ndarray::Array1;
use serde_json::{Map, Value};
use std::path::Path;

/// The mean of the examples that a model was trained on.
#[derive(Clone, Debug)]
pub struct TrainingMean {
    /// ⟨vᵢ⟩ (V).
    pub mean: Array1<f64>,
    /// The rates of independent units with this mean (V), by [`Examples::rates`]; none if the file does not say
    /// enough and the data are not there.
    rates: Option<Array1<f64>>,
}

impl TrainingMean {
    /// Reads the mean from the model's file, or else computes it from the data of the run at `path`.
    /// Returns `None` if neither is available.
    ///
    /// # Errors
    /// As [`SettingsFile::read`](super::SettingsFile::read) and [`Binarization::recorded`].
    pub fn of(path: &Path, file: &ModelFile) -> Result<Option<Self>> {
        let ModelFile { rbm, provenance, data_mean } = file;
        let of_examples = || {
            let examples = training_examples(path, file)?;
            let fits = |examples: &Examples| examples.units() == *rbm.visible_units();
            let of = |all: Examples| Self { mean: all.mean(), rates: Some(all.rates()) };
            Ok(examples.filter(fits).map(of))
        };
        let Some(mean) = data_mean else { return of_examples() };
        let mean = mean.mapv(f64::from);
        let fact = |name| provenance.data.get(name).and_then(Value::as_f64);
        // Where values are missing, each site has values in a number of examples of its own.
        if fact("n_missing").is_some() {
            let rates = of_examples()?.and_then(|found| found.rates);
            return Ok(Some(Self { mean, rates }));
        }
        let n_examples = fact("n_effective").or(fact("n_examples"));
        let rates =
            n_examples.map(|n| rbm.visible_units().laplace_rates(&mean, n.round() as usize));
        Ok(Some(Self { mean, rates }))
    }

    /// Independent units of these rates; `None` if they are not known.
    pub fn independent(&self, units: &Units) -> Option<Independent> {
        Some(Independent::new(units, self.rates.clone()?))
    }
}

/// The training data of the run at `path`; `None` if there is no run, or its data have moved.
///
/// # Errors
/// As [`TrainingMean::of`].
pub fn training_examples(path: &Path, file: &ModelFile) -> Result<Option<Examples>> {
    let provenance = &file.provenance;
    let Some(config) = data_of(path)? else { return Ok(None) };
    let Ok(Some((training, _))) = config.read_part(Part::Train, &provenance.data) else {
        return Ok(None);
    };
    Ok(Some(Examples::new(training, Binarization::recorded(&provenance.settings)?)))
}

/// The visible states (C, V) of a checkpoint's chains. `model` is a checkpoint, or belongs to a run,
/// whose newest whole checkpoint is taken. `None` if there are no chains of these visible units.
pub fn chains_of(model: &Path, visible: &Units) -> Option<BitMatrix> {
    let checkpoint = match Checkpoint::read(model) {
        Ok(checkpoint) => checkpoint,
        Err(_) => search(&folder_of(model)?.join(CHECKPOINTS)).found?.1.ok()?,
    };
    checkpoint.chains(visible).ok()
}

/// The states (N, V) of a checkpoint's chains, or the states in data of bits or spins, for a model that records
/// these facts of its data.
///
/// # Errors
/// Errors of reading the file; [`Error::WidthMismatch`]; [`Error::Unsuitable`] for other values.
pub fn states_in(
    source: &Source,
    visible: &Units,
    facts: &Map<String, Value>,
) -> Result<BitMatrix> {
    if let Source::Path(path) = source
        && path.extension().is_some_and(|extension| extension == "safetensors")
    {
        return Checkpoint::read(path)?.chains(visible);
    }
    // States have all values.
    let encoding = Encoding::recorded(facts)?.marked(None);
    let classes = Classes::recorded(facts)?;
    // `harmonium sample` writes labels to the column of this name, wherever training had them.
    let column = classes.as_ref().map(|classes| classes.column());
    let beside = Beside::default().for_model(facts, classes.as_ref());
    let beside = Beside { labels_column: column.as_deref(), ..beside };
    let dataset = source.read_beside(Split::Test, encoding, beside)?.joined()?;
    let dataset = dataset.with_known_labels(None)?;
    dataset.check_width(visible.n_units(), "the model")?;
    dataset.refuse_missing("a chain that starts there")?;
    if !dataset.is_binary() {
        let rule = "holds values other than 0 and 1, which cannot be states of chains".to_string();
        return Err(Error::Unsuitable { path: dataset.name().into(), rule });
    }
    let n = dataset.n_examples();
    Ok(Examples::new(dataset, Binarization::Stochastic).fixed_bits(0, 0..n))
}
