//! The arrays of a .npz archive that are no examples: the parameters of a model.

use super::npy;
use super::npz::arrays;
use super::stored_array::Number;
use crate::error::Result;
use std::path::Path;

/// An array by its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NamedArray {
    /// Its name in the file.
    pub name: String,
    /// The type of its elements, such as `float64`.
    pub kind: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, the last index running fastest; `None` if they are not floating-point numbers.
    pub values: Option<Vec<f64>>,
}

/// All arrays of a .npz archive, in its order.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) if the archive or an array of numbers is damaged;
/// [`Error::Unsuitable`](crate::Error::Unsuitable) for a compression that is not NumPy's.
pub(crate) fn npz_arrays(path: &Path, bytes: &[u8]) -> Result<Vec<NamedArray>> {
    let read = |(name, bytes): (String, Vec<u8>)| {
        // Texts and objects are no parameters.
        let Ok(array) = npy::parse(path, &bytes) else {
            let kind = "no numbers".to_string();
            return Ok(NamedArray { name, kind, shape: Vec::new(), values: None });
        };
        let (kind, values) = match array.number {
            Number::Float(size) => (format!("float{}", 8 * size), Some(array.numbers()?)),
            Number::Signed(size) => (format!("int{}", 8 * size), None),
            Number::Unsigned(size) => (format!("uint{}", 8 * size), None),
            Number::Bool => ("bool".to_string(), None),
        };
        Ok(NamedArray { name, kind, shape: array.shape, values })
    };
    arrays(path, bytes)?.into_iter().map(read).collect()
}
