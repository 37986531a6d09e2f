//! NumPy's .npz archives.

use super::names::Written;
use super::parameters;
use crate::dataset::{NamedArray, npz_arrays};
use crate::error::Result;
use crate::model::Rbm;
use ndarray::{Array, ArrayD, Dimension};
use ndarray_npy::{WritableElement, WriteNpyExt as _};
use rawzip::{CompressionMethod, ZipArchiveWriter};
use std::io::Write as _;
use std::path::Path;

/// All arrays of an archive.
///
/// # Errors
/// As [`npz_arrays`].
pub(super) fn arrays(path: &Path, bytes: &[u8]) -> Result<Vec<NamedArray>> {
    npz_arrays(path, bytes)
}

/// The bytes of an archive with the three arrays of a model.
pub(super) fn encode(rbm: &Rbm, written: &Written) -> Vec<u8> {
    let arrays = parameters::arrays(rbm, written).map(|array| {
        let values = ArrayD::from_shape_vec(array.shape, array.values);
        (array.name, npy(&values.expect("as many values as the shape")))
    });
    npz(&arrays)
}

/// The bytes of an .npy file.
pub(crate) fn npy<T: WritableElement, D: Dimension>(array: &Array<T, D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).expect("writing to memory does not fail");
    bytes
}

/// An .npz archive of .npy files by name, stored as `numpy.savez` does.
pub(crate) fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let archive = || -> Result<_, rawzip::Error> {
        let mut archive = ZipArchiveWriter::new(Vec::new());
        for (name, npy) in arrays {
            let file = format!("{name}.npy");
            let file = archive.new_file(&file[..]).compression_method(CompressionMethod::STORE);
            let (mut entry, config) = file.start()?;
            let mut writer = config.wrap(&mut entry);
            writer.write_all(npy)?;
            let (_, descriptor) = writer.finish()?;
            entry.finish(descriptor)?;
        }
        archive.finish()
    };
    archive().expect("writing to memory does not fail")
}
