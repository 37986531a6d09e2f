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
    npz(&parameters(rbm, written))
}

/// The three arrays of a model by name, as .npy files.
pub(super) fn parameters<'a>(rbm: &Rbm, written: &'a Written) -> [(&'a str, Vec<u8>); 3] {
    parameters::arrays(rbm, written).map(|array| {
        let values = ArrayD::from_shape_vec(array.shape, array.values);
        (array.name, npy(&values.expect("as many values as the shape")))
    })
}

/// The bytes of an .npy file of texts, in the form of NumPy's `<U`: 4 bytes a character, filled up with zeros.
pub(super) fn texts(texts: &[&str]) -> Vec<u8> {
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let header =
        format!("{{'descr': '<U{width}', 'fortran_order': False, 'shape': ({},), }}", texts.len());
    // The numbers begin at a multiple of 64 bytes, after a line feed.
    let length = (BEFORE_HEADER + header.len() + 1).next_multiple_of(64) - BEFORE_HEADER;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(length).expect("a short header").to_le_bytes());
    bytes.extend(format!("{header:<0$}\n", length - 1).as_bytes());
    for text in texts {
        let filled = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
        bytes.extend(filled.flat_map(u32::to_le_bytes));
    }
    bytes
}

/// The bytes of an .npy file before its header: the magic, the version and the length.
const BEFORE_HEADER: usize = 10;

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
