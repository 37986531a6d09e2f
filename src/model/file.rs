//! `model.safetensors`: the parameters, the mean of the training data and one metadata key. Equal
//! models give equal files.

use super::{Rbm, checksum};
use crate::error::{Error, Result};
use crate::rng::STREAM_VERSION;
use crate::setting::{check, invalid};
use crate::state::State;
use crate::units::{Units, bit, category};
use crate::whole_file;
use ndarray::{Array1, Array2};
use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Version of the file layout.
pub const FORMAT_VERSION: u32 = 1;

/// The metadata key.
pub(crate) const KEY: &str = "harmonium";

/// The name of the tensor with the mean of the training examples.
pub(crate) const DATA_MEAN: &str = "data_mean";

/// Where a model comes from. It contains no times, paths or numbers of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of the crate that wrote the file.
    pub crate_version: String,
    /// A description of the training examples.
    pub data: serde_json::Map<String, serde_json::Value>,
    /// Rows and columns of the images, if the data are images.
    pub image_shape: Option<(usize, usize)>,
    /// The settings that determine the parameters.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// The [`STREAM_VERSION`] of the training.
    pub stream_version: u32,
    /// The epoch of the parameters, if they are the best of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_epoch: Option<u64>,
}

impl Default for Provenance {
    fn default() -> Self {
        Self {
            crate_version: env!("CARGO_PKG_VERSION").to_string(),
            data: serde_json::Map::new(),
            image_shape: None,
            settings: serde_json::Map::new(),
            stream_version: STREAM_VERSION,
            best_epoch: None,
        }
    }
}

/// The contents of the metadata key.
#[derive(Serialize, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) format_version: u32,
    pub(crate) n_hidden: usize,
    pub(crate) n_visible: usize,
    #[serde(flatten)]
    pub(crate) provenance: Provenance,
    /// The kind of the units of each layer.
    #[serde(default = "bits")]
    pub(crate) visible_unit: String,
    #[serde(default = "bits")]
    pub(crate) hidden_unit: String,
    /// The number of units of each visible site, if they are not all bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) visible_sites: Option<Vec<usize>>,
    /// The checksum over all bytes of the file of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<String>,
    /// The fingerprint of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parameters_sha256: Option<String>,
    /// The contents of a checkpoint apart from its model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint: Option<serde_json::Value>,
}

/// The kind of all units in files of the first versions.
fn bits() -> String {
    bit::NAME.to_string()
}

impl Metadata {
    /// The metadata that models and checkpoints with these visible and hidden units share.
    pub(crate) fn new([visible, hidden]: [&Units; 2], provenance: Provenance) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            n_hidden: hidden.n_units(),
            n_visible: visible.n_units(),
            provenance,
            visible_unit: kind(visible).to_string(),
            hidden_unit: kind(hidden).to_string(),
            visible_sites: visible.sizes().map(<[usize]>::to_vec),
            checksum: None,
            parameters_sha256: None,
            checkpoint: None,
        }
    }

    /// The metadata as text, sorted by key.
    pub(crate) fn to_text(&self) -> String {
        // The objects of a `Value` are sorted.
        serde_json::to_value(self).expect("plain data").to_string()
    }

    /// Parses the text.
    ///
    /// # Errors
    /// A message for another format version, an unknown kind of unit, or an unknown key, which may
    /// change the meaning of the model.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let cannot = |cause| format!("metadata key `{KEY}`: {cause}");
        let unknown = |what: String| {
            let version = env!("CARGO_PKG_VERSION");
            format!(
                "metadata key `{KEY}`: {what}, which this version of harmonium ({version}) does not \
                 know; use the newer one that wrote it"
            )
        };
        let Version { format_version } = serde_json::from_str(text).map_err(cannot)?;
        if format_version != FORMAT_VERSION {
            return Err(format!(
                "format version is {format_version}, but this program reads {FORMAT_VERSION}; use \
                 the version of harmonium that wrote it"
            ));
        }
        let all: serde_json::Map<_, _> = serde_json::from_str(text).map_err(cannot)?;
        let metadata: Self = serde_json::from_str(text).map_err(cannot)?;
        // A key that is not written back was not understood.
        let known = serde_json::to_value(&metadata).expect("plain data");
        if let Some(key) = all.keys().find(|key| known.get(key).is_none()) {
            return Err(unknown(format!("has the key `{key}`")));
        }
        metadata.units().map_err(unknown)?;
        Ok(metadata)
    }

    /// The visible and the hidden units.
    ///
    /// # Errors
    /// A message with the unknown kind of unit.
    pub(crate) fn units(&self) -> Result<[Units; 2], String> {
        let unknown = |key: &str, kind: &str| Err(format!("`{key}` is `{kind}`, a kind of unit"));
        let visible = match (&self.visible_unit[..], &self.visible_sites) {
            (bit::NAME, None) => Units::bits(self.n_visible),
            (category::NAME, Some(sizes)) => match Units::of_sites(sizes.iter().copied()) {
                Ok(units) if units.n_units() == self.n_visible => units,
                _ => return Err(format!("`visible_sites` of {} units", self.n_visible)),
            },
            (kind, _) => return unknown("visible_unit", kind),
        };
        match &self.hidden_unit[..] {
            bit::NAME => Ok([visible, Units::bits(self.n_hidden)]),
            kind => unknown("hidden_unit", kind),
        }
    }
}

/// The kind of the units of a layer.
fn kind(units: &Units) -> &'static str {
    if units.are_bits() { bit::NAME } else { category::NAME }
}

/// The version alone, which is read first, as another format may have other fields.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// The contents of a model file: a model with its provenance.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFile {
    /// The model.
    pub rbm: Rbm,
    /// Where it comes from.
    pub provenance: Provenance,
    /// The mean (V) of the training examples as training saw them, or `None` if it is unknown. It is
    /// not a parameter, so fingerprints do not include it.
    pub data_mean: Option<Array1<f32>>,
}

/// Refuses a vector that is not the mean of examples of `n_visible` units.
///
/// # Errors
/// [`Error::InvalidSetting`] for another length, or a value that is not finite.
pub fn check_data_mean(data_mean: &Array1<f32>, n_visible: usize) -> Result<()> {
    check("length of data_mean", data_mean.len(), data_mean.len() == n_visible, || {
        format!("{n_visible}, the number of visible units")
    })?;
    match data_mean.iter().find(|x| !x.is_finite()) {
        Some(value) => Err(invalid("a value of data_mean", value, "finite")),
        None => Ok(()),
    }
}

impl Rbm {
    /// Writes the model as a file, without where it comes from: see [`ModelFile::write`].
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let provenance = Provenance::default();
        ModelFile { rbm: self.clone(), provenance, data_mean: None }.write(path.as_ref())
    }
}

impl ModelFile {
    /// Writes the file with `weights` (V, H), `visible_bias` (V), `hidden_bias` (H) and `data_mean` (V)
    /// as f32. An error leaves no incomplete file.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        whole_file::write(path, &self.to_bytes())
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { rbm, provenance, data_mean } = self;
        let mut arrays = State::default();
        rbm.save("", &mut arrays);
        if let Some(mean) = data_mean {
            arrays.put(DATA_MEAN, &[mean.len()], mean.to_vec());
        }
        let metadata = Metadata {
            checksum: Some(checksum::PLACE.to_string()),
            parameters_sha256: Some(rbm.sha256()),
            ..Metadata::new([rbm.visible_units(), rbm.hidden_units()], provenance.clone())
        };
        let mut bytes = arrays.to_safetensors(KEY, metadata.to_text());
        checksum::fill_in(&mut bytes);
        bytes
    }

    /// Reads a model that [`write`](Self::write) wrote, or the model of a checkpoint: the average of
    /// the parameters if averaging has begun. A checksum verifies every byte, except in files of the
    /// first versions: see [`is_verified`](Self::is_verified).
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] if a byte has changed; [`Error::Unsuitable`] if the file is not
    /// a safetensors file or not a model of this program, contains things that this version does not
    /// know, wrong types or shapes, or values that are not finite.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_file(path, &read(path)?)
    }

    /// Whether a file with these bytes says that it is of this program.
    #[cfg(feature = "cli")]
    pub(crate) fn is_ours(bytes: &[u8]) -> bool {
        let header = SafeTensors::read_metadata(bytes).map(|(_, header)| header.metadata().clone());
        header.is_ok_and(|metadata| metadata.is_some_and(|metadata| metadata.contains_key(KEY)))
    }

    fn from_file(path: &Path, bytes: &[u8]) -> Result<Self> {
        let (path, model) = (path.to_path_buf(), Self::from_bytes(bytes));
        if checksum::is_in(bytes)
            && let Err(damage) = checksum::verify(bytes)
        {
            // The detail helps if the file was changed by hand.
            let detail = model.err().map(|cause| format!(" ({cause})")).unwrap_or_default();
            let rule = format!(
                "{damage}{detail}; copy it again, or write it again with `harmonium resume` of its run"
            );
            return Err(Error::Damaged { path, rule });
        }
        model.map_err(|rule| Error::Unsuitable { path, rule })
    }

    /// Whether the file of a model that could be [read](Self::read) has a checksum, which has then been
    /// verified. Files of the first versions have none.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn is_verified(path: &Path) -> Result<bool> {
        Ok(checksum::is_in(&read(path)?))
    }

    /// Reads the bytes of a file without verifying the checksum.
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let not_safetensors = |cause| {
            let remedy = match bytes.starts_with(b"PK\x03\x04") {
                true => "; `harmonium import` makes a model of the arrays of a .npz file",
                false => "",
            };
            format!(
                "is not a whole safetensors file ({cause}); give a model.safetensors or the folder of \
                 a run{remedy}"
            )
        };
        let tensors = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let text =
            header.metadata().as_ref().and_then(|metadata| metadata.get(KEY)).ok_or(format!(
                "has no metadata key `{KEY}`, so it is not a model of this program; `harmonium import` makes \
                 one of another program's tensors (in Python: harmonium.import_model)"
            ))?;
        let metadata = Metadata::parse(text)?;
        let units = metadata.units()?;
        let Metadata { n_hidden, n_visible, provenance, parameters_sha256, .. } = metadata;
        let is_checkpoint = metadata.checkpoint.is_some();
        if (is_checkpoint || metadata.checksum.is_some()) && !checksum::is_in(bytes) {
            return Err("is damaged: its checksum is missing".to_string());
        }
        // The last site of a model with labels is the label.
        let label = units[0].sites().last().filter(|_| provenance.data.contains_key("labels"));
        let n_pixels = n_visible - label.map_or(0, |label| label.len());
        if let Some((rows, columns)) = provenance.image_shape
            && rows.checked_mul(columns) != Some(n_pixels)
        {
            return Err(format!(
                "metadata key `{KEY}`: images of {rows} x {columns} do not have {n_pixels} pixels"
            ));
        }
        // For a checkpoint, the parameters that its run would save if it ended now.
        let has_average = is_checkpoint && tensors.tensor("average.weights").is_ok();
        let prefix = if has_average { "average." } else { "" };
        let tensor = |name, shape: &[usize]| tensor(&tensors, &format!("{prefix}{name}"), shape);
        let weights = tensor("weights", &[n_visible, n_hidden])?;
        let weights = Array2::from_shape_vec((n_visible, n_hidden), weights).expect("as checked");
        let visible_bias = tensor("visible_bias", &[n_visible])?;
        let hidden_bias = tensor("hidden_bias", &[n_hidden])?;
        let (b, c) = (Array1::from(visible_bias), Array1::from(hidden_bias));
        let rbm = Rbm::of_units(units, weights, b, c).map_err(|cause| cause.to_string())?;
        if let Some(expected) = parameters_sha256.filter(|expected| *expected != rbm.sha256()) {
            return Err(format!(
                "`parameters_sha256` is {expected}, but its parameters have {}: they have been \
                 changed",
                rbm.sha256()
            ));
        }
        let data_mean = match tensors.tensor(DATA_MEAN) {
            Ok(_) => Some(Array1::from(self::tensor(&tensors, DATA_MEAN, &[n_visible])?)),
            Err(_) => None,
        };
        if let Some(mean) = &data_mean {
            check_data_mean(mean, n_visible).map_err(|cause| cause.to_string())?;
        }
        const TENSORS: [&str; 4] = ["weights", "visible_bias", "hidden_bias", DATA_MEAN];
        let unknown = tensors.names().into_iter().find(|name| !TENSORS.contains(name));
        if let (false, Some(name)) = (is_checkpoint, unknown) {
            return Err(format!(
                "has the tensor `{name}`, which this version of harmonium ({}) does not know; use the \
                 newer one that wrote it",
                env!("CARGO_PKG_VERSION")
            ));
        }
        Ok(Self { rbm, provenance, data_mean })
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(Error::reading(path))
}

/// The values of a tensor of type f32 with the given shape.
fn tensor(tensors: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, String> {
    let view = tensors.tensor(name).map_err(|_| format!("has no tensor `{name}`"))?;
    if view.dtype() != Dtype::F32 {
        return Err(format!("tensor `{name}` has the type {:?}, but must have F32", view.dtype()));
    }
    if view.shape() != shape {
        return Err(format!(
            "tensor `{name}` has the shape {:?}, but must have {shape:?}",
            view.shape()
        ));
    }
    Ok(view.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn model() -> ModelFile {
        let rbm = Rbm::new(
            array![[1.5, -2.0, 0.0], [0.25, 3.0, -0.125]],
            array![0.5, -0.5],
            array![1.0, 2.0, 3.0],
        );
        let settings = serde_json::from_str(r#"{"seed": 3, "hidden": 3}"#).unwrap();
        let provenance = Provenance { image_shape: Some((1, 2)), settings, ..Default::default() };
        ModelFile { rbm: rbm.unwrap(), provenance, data_mean: Some(array![0.25, 0.75]) }
    }

    /// The bytes of the model's file with one part of the header replaced by one of the same length.
    fn edited(from: &str, to: &str) -> Vec<u8> {
        assert_eq!(from.len(), to.len());
        let mut bytes = model().to_bytes();
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    }

    /// The bytes of a file with the tensors of the model and the given metadata.
    fn with_metadata(metadata: &serde_json::Value) -> Vec<u8> {
        let mut arrays = State::default();
        model().rbm.save("", &mut arrays);
        arrays.to_safetensors(KEY, metadata.to_string())
    }

    /// The metadata that the first versions wrote.
    fn first_metadata() -> serde_json::Value {
        serde_json::json!({
            "crate_version": "0.1.0", "data": {}, "format_version": 1, "image_shape": [1, 2],
            "n_hidden": 3, "n_visible": 2, "settings": {"seed": 3, "hidden": 3},
            "stream_version": 1
        })
    }

    fn read(bytes: &[u8]) -> Result<ModelFile> {
        ModelFile::from_file(Path::new("model.safetensors"), bytes)
    }

    #[test]
    fn a_model_reads_back_as_it_was_written_and_equal_models_are_equal_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        model().write(&path).unwrap();
        assert_eq!(ModelFile::read(&path).unwrap(), model());
        assert_eq!(std::fs::read(&path).unwrap(), model().to_bytes());
        let without = ModelFile { data_mean: None, ..model() };
        without.write(&path).unwrap();
        assert_eq!(ModelFile::read(&path).unwrap(), without);
    }

    #[test]
    fn the_mean_of_the_data_has_one_finite_number_for_each_visible_unit() {
        for (mean, message) in [
            (array![0.5], "tensor `data_mean` has the shape [1], but must have [2]"),
            (array![0.5, f32::NAN], "a value of data_mean is NaN, but must be finite"),
        ] {
            let bytes = ModelFile { data_mean: Some(mean), ..model() }.to_bytes();
            let error = ModelFile::from_bytes(&bytes).unwrap_err();
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
        }
    }

    #[test]
    fn each_flaw_of_a_file_has_its_own_message() {
        let mut not_finite = model().to_bytes();
        let last = not_finite.len() - 4;
        not_finite[last..].copy_from_slice(&f32::INFINITY.to_le_bytes());
        for (bytes, message) in [
            (b"no model".to_vec(), "is not a whole safetensors file"),
            (model().to_bytes()[..last].to_vec(), "is not a whole safetensors file"),
            (edited("harmonium", "harmonica"), "has no metadata key `harmonium`"),
            (
                edited(r#"format_version\":1"#, r#"format_version\":2"#),
                "format version is 2, but this program reads 1",
            ),
            (edited(r#"format_version"#, r#"format_uersion"#), "missing field `format_version`"),
            (edited(r#""visible_bias""#, r#""visible_boas""#), "has no tensor `visible_bias`"),
            (
                edited(r#"image_shape\":[1,2]"#, r#"image_shape\":[3,2]"#),
                "images of 3 x 2 do not have 2 pixels",
            ),
            (
                edited(r#"[2,3]"#, r#"[3,2]"#),
                "tensor `weights` has the shape [3, 2], but must have [2, 3]",
            ),
            (
                edited(r#"hidden_bias":{"dtype":"F32""#, r#"hidden_bias":{"dtype":"I32""#),
                "tensor `hidden_bias` has the type I32, but must have F32",
            ),
            (
                edited(r#"visible_unit\":\"bernoulli"#, r#"visible_unit\":\"gaussian "#),
                "`visible_unit` is `gaussian `, a kind of unit, which this version",
            ),
            (
                edited(r#"hidden_unit\":\"bernoulli"#, r#"hidden_unit\":\"softmax  "#),
                "`hidden_unit` is `softmax  `, a kind of unit, which this version",
            ),
            (
                edited(r#"checksum\":"#, r#"chacksum\":"#),
                "has the key `chacksum`, which this version",
            ),
            (not_finite, "is inf, but must be finite"),
        ] {
            let error = ModelFile::from_bytes(&bytes).unwrap_err();
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
        }
    }

    #[test]
    fn every_flipped_bit_is_detected() {
        let mut bytes = model().to_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                bytes[at] ^= 1 << bit;
                let read = read(&bytes);
                assert!(read.is_err(), "byte {at}, bit {bit}: {read:?}");
                bytes[at] ^= 1 << bit;
            }
        }
        assert_eq!(read(&bytes).unwrap(), model());
    }

    #[test]
    fn damaged_and_unsuitable_files_have_different_errors() {
        let mut bytes = model().to_bytes();
        *bytes.last_mut().unwrap() ^= 1;
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        let message = "model.safetensors: is damaged: its checksum does not match its contents \
                       (`parameters_sha256` is ";
        assert!(error.to_string().starts_with(message), "{error}");
        // A change by hand is explained.
        let by_hand = edited(r#"visible_unit\":\"bernoulli"#, r#"visible_unit\":\"gaussian "#);
        let error = read(&by_hand).unwrap_err().to_string();
        assert!(error.contains("contents (metadata key `harmonium`: `visible_unit` is"), "{error}");
        let error = read(b"no model").unwrap_err();
        assert!(matches!(error, Error::Unsuitable { .. }), "{error}");
    }

    #[test]
    fn files_of_the_first_versions_are_read_without_verification() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, with_metadata(&first_metadata())).unwrap();
        let provenance = Provenance {
            crate_version: "0.1.0".to_string(),
            stream_version: 1,
            ..model().provenance
        };
        let expected = ModelFile { data_mean: None, provenance, ..model() };
        assert_eq!(ModelFile::read(&path).unwrap(), expected);
        assert!(!ModelFile::is_verified(&path).unwrap());
        expected.write(&path).unwrap();
        assert_eq!(ModelFile::read(&path).unwrap(), expected);
        assert!(ModelFile::is_verified(&path).unwrap());
    }

    #[test]
    fn unknown_parts_are_refused_by_name() {
        let refuse = |key: &str, value: &str, message: &str| {
            let mut metadata = first_metadata();
            metadata[key] = value.into();
            let error = read(&with_metadata(&metadata)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
            assert!(matches!(read(&with_metadata(&metadata)), Err(Error::Unsuitable { .. })));
        };
        let version = env!("CARGO_PKG_VERSION");
        for (key, value) in [("visible_unit", "gaussian"), ("hidden_unit", "relu")] {
            refuse(
                key,
                value,
                &format!(
                    "metadata key `harmonium`: `{key}` is `{value}`, a kind of unit, which this \
                     version of harmonium ({version}) does not know; use the newer one that wrote it"
                ),
            );
        }
        refuse("temperature", "2", "has the key `temperature`, which this version of harmonium");
        let other = "`parameters_sha256` is 0123, but its parameters have ";
        refuse("parameters_sha256", "0123", other);
        let mut arrays = State::default();
        model().rbm.save("", &mut arrays);
        arrays.put("mask", &[2], vec![0.0_f32, 1.0]);
        let error = read(&arrays.to_safetensors(KEY, first_metadata().to_string())).unwrap_err();
        let message = "has the tensor `mask`, which this version of harmonium";
        assert!(error.to_string().contains(message), "{error}");
    }
}
