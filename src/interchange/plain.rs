//! Safetensors files without the metadata of this program: tensors by name.

use super::names::Written;
use super::parameters;
use crate::dataset::NamedArray;
use crate::error::{Error, Result};
use crate::model::{ModelFile, Rbm};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::path::Path;

/// All tensors of a file, sorted by name.
///
/// # Errors
/// [`Error::Unsuitable`] if it is not a safetensors file, or a model of this program.
pub(super) fn arrays(path: &Path, bytes: &[u8]) -> Result<Vec<NamedArray>> {
    let unsuitable = |rule| Error::Unsuitable { path: path.into(), rule };
    let tensors = SafeTensors::deserialize(bytes).map_err(|cause| {
        unsuitable(format!("is neither a whole safetensors file ({cause}) nor a .npz archive"))
    })?;
    if ModelFile::is_ours(bytes) {
        let rule = "is a model or a checkpoint of this program, which every command reads as it is";
        return Err(unsuitable(rule.to_string()));
    }
    let mut arrays: Vec<_> =
        tensors.tensors().into_iter().map(|(name, view)| array(name, &view)).collect();
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arrays)
}

fn array(name: String, view: &TensorView<'_>) -> NamedArray {
    let data = view.data();
    let (kind, values): (_, Option<Vec<f64>>) = match view.dtype() {
        Dtype::F16 => (
            "float16".to_string(),
            Some(data.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f64()).collect()),
        ),
        Dtype::BF16 => (
            "bfloat16".to_string(),
            Some(data.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f64()).collect()),
        ),
        Dtype::F32 => (
            "float32".to_string(),
            Some(data.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b).into()).collect()),
        ),
        Dtype::F64 => (
            "float64".to_string(),
            Some(data.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect()),
        ),
        other => (format!("{other:?}").to_lowercase(), None),
    };
    NamedArray { name, kind, shape: view.shape().to_vec(), values }
}

/// The bytes of a file with the three tensors of a model.
pub(super) fn encode(rbm: &Rbm, written: &Written) -> Vec<u8> {
    let arrays = parameters::arrays(rbm, written).map(|array| {
        let bytes: Vec<u8> = array.values.iter().flat_map(|x| x.to_le_bytes()).collect();
        (array.name, array.shape, bytes)
    });
    let views = arrays.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes);
        (*name, view.expect("as many bytes as the shape needs"))
    });
    safetensors::serialize(views, None).expect("whole tensors")
}
