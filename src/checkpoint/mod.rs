//! Checkpoints: the whole state of a trainer as a file, from which a stopped or killed run continues.
//!
//! The file is a model file (`model.safetensors`) with more tensors, so a reader of models reads a
//! checkpoint as the model in it. Its one metadata key has a part `checkpoint` with the place in the
//! run, the run's settings and a checksum over all bytes of the file. The checksum's own characters
//! count as `0`.

mod newest;

#[cfg(feature = "cli")]
pub(crate) use newest::model_of;
#[cfg(feature = "cli")]
pub(crate) use newest::{CHECKPOINTS, MODEL, Search, list, name, newest, search, updates_of};
#[cfg(feature = "cli")]
pub(crate) use newest::{RUNS, SWEEP, TABLE, refuse_sweep};

use crate::bits::{BitMatrix, BitPanels};
use crate::error::{Error, Result};
use crate::evaluate::trajectory_ais;
use crate::model::{DATA_MEAN, METADATA_KEY, Metadata, Provenance, Rbm, checksum};
use crate::state::{State, bad};
use crate::units::Units;
use ndarray::Array1;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The folder of the models that training passed through, and the beginning of their names in a checkpoint.
pub(crate) const LADDER: &str = "ladder";

/// The tensor of the records, as bytes.
const RECORDS: &str = "records";
/// The prefix of the tensors of the best parameters.
const BEST: &str = "best.";
/// The largest header that is read, in bytes.
const LARGEST_HEADER: u64 = 1 << 26;

/// A run after one of its updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The state of the trainer.
    pub state: State,
    /// The state of the chains that estimate log Z along training; empty if there are none.
    pub log_z: State,
    /// The state of the ladder of models that the run keeps; empty if it keeps none.
    pub ladder: State,
    /// The visible units of the model.
    pub visible_units: Units,
    /// The provenance, as in the model file.
    pub provenance: Provenance,
    /// The place in the run.
    pub place: Place,
    /// The text of the run's settings file.
    pub settings_file: String,
    /// The records so far, as lines of JSON.
    pub records: String,
    /// The record of the epoch that ends here as a line of JSON, if its scores are still missing: the run
    /// was interrupted while it was measured.
    pub unscored: Option<String>,
    /// The parameters of the best epoch, if the run keeps them.
    pub best: Option<Rbm>,
    /// The mean of the training examples (V), as in the model file.
    pub data_mean: Option<Array1<f32>>,
}

/// A place in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Place {
    /// Epochs done or begun.
    pub epoch: u64,
    /// Epochs of the whole run, as planned.
    pub n_epochs: u64,
    /// Updates done.
    pub updates: u64,
    /// Updates of the whole run, as planned.
    pub total_updates: u64,
    /// Wall time of training so far, summed over all sessions, in seconds.
    pub seconds: f64,
    /// Whether the run is finished.
    pub is_done: bool,
}

/// The part of the metadata that models do not have.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    checksum: String,
    place: Place,
    settings_file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unscored: Option<String>,
}

impl Checkpoint {
    /// The bytes of the file.
    pub fn into_bytes(self) -> Vec<u8> {
        let Self { state, log_z, ladder, visible_units: visible, provenance, place, .. } = self;
        let mut arrays = state.with(log_z).with(ladder);
        let Self { settings_file, records, unscored, best, data_mean, .. } = self;
        let hidden = Units::bits(arrays.n_rows("hidden_bias").expect("the state of a trainer"));
        arrays.put(RECORDS, &[records.len()], records.into_bytes());
        if let Some(best) = best {
            best.save(BEST, &mut arrays);
        }
        if let Some(mean) = data_mean {
            arrays.put(DATA_MEAN, &[mean.len()], mean.to_vec());
        }
        let part = Part { checksum: checksum::PLACE.to_string(), place, settings_file, unscored };
        let metadata = Metadata {
            checkpoint: Some(serde_json::to_value(part).expect("plain data")),
            ..Metadata::new([&visible, &hidden], provenance)
        };
        let mut bytes = arrays.to_safetensors(METADATA_KEY, metadata.to_text());
        checksum::fill_in(&mut bytes);
        bytes
    }

    /// Reads a checkpoint. Every byte must be as it was written.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] if a byte has changed; [`Error::Unsuitable`] if the file is
    /// intact, but this version of the program cannot use it.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::reading(path))?;
        checksum::verify(&bytes).map_err(|rule| Error::Damaged { path: path.into(), rule })?;
        Self::parse(&bytes).map_err(|rule| Error::Unsuitable { path: path.into(), rule })
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (arrays, text) = State::from_safetensors(METADATA_KEY, bytes)?;
        let (provenance, part, [visible, hidden]) = parse(&text)?;
        let (best, arrays) = arrays.split(BEST);
        let (records, arrays) = arrays.split(RECORDS);
        let (mean, arrays) = arrays.split(DATA_MEAN);
        let (log_z, arrays) = arrays.split(trajectory_ais::NAME);
        let (ladder, state) = arrays.split(LADDER);
        let records = || -> Result<String> {
            let bytes = records.get(RECORDS, &[records.n_rows(RECORDS)?])?.to_vec();
            String::from_utf8(bytes).map_err(|_| bad(RECORDS, "is not UTF-8 text"))
        };
        let records = records().map_err(|cause| cause.to_string())?;
        let best = (best.arrays().next().is_some())
            .then(|| Rbm::restore(BEST, &best, [&visible, &hidden]))
            .transpose()
            .map_err(|cause| cause.to_string())?;
        let data_mean = (mean.has(DATA_MEAN))
            .then(|| Ok(Array1::from(mean.get(DATA_MEAN, &[visible.n_units()])?.to_vec())))
            .transpose()
            .map_err(|cause: Error| cause.to_string())?;
        let Part { place, settings_file, unscored, .. } = part;
        let visible_units = visible;
        Ok(Self {
            state,
            log_z,
            ladder,
            visible_units,
            provenance,
            place,
            settings_file,
            records,
            unscored,
            best,
            data_mean,
        })
    }

    /// The visible states of the chains (C, V).
    ///
    /// # Errors
    /// [`Error::BadState`] if they are not those of `visible` units.
    pub fn chains(&self, visible: &Units) -> Result<BitMatrix> {
        const NAME: &str = "chains.visible";
        let mut chains = BitPanels::zeros(self.state.n_rows(NAME)?, visible.layout());
        self.state.restore_bits(NAME, &mut chains)?;
        Ok(chains.to_matrix())
    }

    /// Reads the place in the run alone, without the tensors and without verifying the checksum.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Unsuitable`] if the header cannot be read.
    pub fn read_place(path: &Path) -> Result<Place> {
        let header = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(path)?;
            let mut length = [0; 8];
            file.read_exact(&mut length)?;
            let mut header = Vec::new();
            file.take(u64::from_le_bytes(length).min(LARGEST_HEADER)).read_to_end(&mut header)?;
            Ok(header)
        };
        let header = header().map_err(Error::reading(path))?;
        let place = || -> Result<Place, String> {
            let header: serde_json::Value =
                serde_json::from_slice(&header).map_err(|cause| cause.to_string())?;
            let text = header["__metadata__"][METADATA_KEY].as_str().unwrap_or_default();
            Ok(parse(text)?.1.place)
        };
        place().map_err(|rule| Error::Unsuitable { path: path.into(), rule })
    }
}

/// Parses the value of the metadata key.
fn parse(text: &str) -> Result<(Provenance, Part, [Units; 2]), String> {
    let metadata = Metadata::parse(text)?;
    let units = metadata.units()?;
    let part = metadata.checkpoint.ok_or("is a model, not a checkpoint")?;
    let part = serde_json::from_value(part).map_err(|cause| format!("metadata: {cause}"))?;
    Ok((metadata.provenance, part, units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Binarization, Dataset, Examples};
    use crate::model::ModelFile;
    use crate::train::{Averaging, TrainConfig, Trainer, UpdateRule};

    fn trainer() -> Trainer {
        let bits = BitMatrix::from_fn(30, 9, |n, i| (n * n + 3 * i) % 5 < 2);
        let examples = Examples::new(Dataset::from_bits("few", bits), Binarization::Stochastic);
        let config = TrainConfig {
            hidden: Some(5),
            batch_size: 10,
            chains: Some(10),
            optimizer: UpdateRule::Adam,
            averaging: Averaging::Exponential(2.0),
            ..TrainConfig::plain()
        };
        let mut trainer = Trainer::new(config, examples).unwrap();
        (0..7).for_each(|_| trainer.update().unwrap());
        trainer
    }

    fn checkpoint() -> Checkpoint {
        let trainer = trainer();
        Checkpoint {
            state: trainer.state(),
            log_z: State::default(),
            ladder: State::default(),
            visible_units: Units::bits(9),
            provenance: Provenance::default(),
            place: Place {
                epoch: 3,
                n_epochs: 20,
                updates: 7,
                total_updates: 60,
                seconds: 1.5,
                is_done: false,
            },
            settings_file: "[train]\nhidden = 5 # \\\"checksum\\\":\\\"\n".to_string(),
            records: "{\"epoch\":1}\n{\"epoch\":2}\n".to_string(),
            unscored: Some("{\"epoch\":3}\n".to_string()),
            best: Some(trainer.current()),
            data_mean: Some(trainer.examples().mean().mapv(|x| x as f32)),
        }
    }

    #[test]
    fn a_checkpoint_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        std::fs::write(&path, checkpoint().into_bytes()).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint());
        assert_eq!(Checkpoint::read_place(&path).unwrap(), checkpoint().place);
        assert_eq!(checkpoint().into_bytes(), checkpoint().into_bytes());
        let without = Checkpoint { best: None, data_mean: None, unscored: None, ..checkpoint() };
        let without = Checkpoint { records: String::new(), ..without };
        std::fs::write(&path, without.clone().into_bytes()).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), without);
    }

    #[test]
    fn a_checkpoint_is_also_a_model_with_the_averaged_parameters() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        std::fs::write(&path, checkpoint().into_bytes()).unwrap();
        let model = ModelFile::read(&path).unwrap();
        assert_eq!(model.rbm, trainer().model());
        assert_ne!(model.rbm, trainer().current());
        assert_eq!(model.data_mean, checkpoint().data_mean);
        model.write(&path).unwrap();
        let error = Checkpoint::read(&path).unwrap_err().to_string();
        assert!(error.contains("is a model, not a checkpoint"), "{error}");
    }

    #[test]
    fn a_truncated_file_is_detected_at_every_length() {
        let whole = checkpoint().into_bytes();
        for length in 0..whole.len() {
            let error = checksum::verify(&whole[..length]).unwrap_err();
            assert!(error.contains("damaged"), "{length} of {}: {error}", whole.len());
        }
        let longer = [&whole[..], b"\0"].concat();
        assert!(checksum::verify(&longer).unwrap_err().contains("damaged"));
    }

    #[test]
    fn every_flipped_bit_is_detected() {
        let mut bytes = checkpoint().into_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let error = checksum::verify(&bytes).unwrap_err();
                assert!(error.contains("damaged"), "byte {at}, bit {bit}: {error}");
                bytes[at] ^= 1 << bit;
            }
        }
        assert!(checksum::verify(&bytes).is_ok());
        assert!(Checkpoint::parse(&bytes).is_ok());
    }

    #[test]
    fn an_intact_file_of_another_version_is_not_called_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let mut bytes = checkpoint().into_bytes();
        let (from, to) = (br#"format_version\":1"#, br#"format_version\":2"#);
        let at = bytes.windows(from.len()).position(|part| part == from).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to);
        let before = br#"checksum\":\""#;
        let at =
            bytes.windows(before.len()).position(|part| part == before).unwrap() + before.len();
        bytes[at..at + checksum::PLACE.len()].copy_from_slice(checksum::PLACE.as_bytes());
        checksum::fill_in(&mut bytes);
        std::fs::write(&path, bytes).unwrap();
        let error = Checkpoint::read(&path).unwrap_err();
        assert!(matches!(error, Error::Unsuitable { .. }), "{error}");
        assert!(error.to_string().contains("format version is 2, but this program reads 1"));
    }

    #[test]
    fn the_place_of_a_damaged_file_is_an_error_not_a_panic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let whole = checkpoint().into_bytes();
        for length in (0..1000).chain([whole.len() - 1]) {
            std::fs::write(&path, &whole[..length]).unwrap();
            // The header may be intact.
            let _ = Checkpoint::read_place(&path);
        }
        std::fs::write(&path, [0xFF; 100]).unwrap();
        assert!(Checkpoint::read_place(&path).is_err());
    }
}
