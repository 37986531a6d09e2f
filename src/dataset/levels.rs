//! Grey levels: bytes in memory or in a file.

use crate::mapped::Numbers;
use ndarray::{Array2, ArrayView2};

/// Grey levels (examples, units), row after row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Levels {
    n_examples: usize,
    n_units: usize,
    bytes: Numbers<u8>,
}

impl Levels {
    /// The levels in these bytes.
    ///
    /// # Panics
    /// If there are more or fewer.
    pub fn new((n_examples, n_units): (usize, usize), bytes: Numbers<u8>) -> Self {
        assert_eq!(bytes.len(), n_examples * n_units, "bytes of ({n_examples}, {n_units})");
        Self { n_examples, n_units, bytes }
    }

    /// (examples, units).
    pub fn shape(&self) -> (usize, usize) {
        (self.n_examples, self.n_units)
    }

    /// All levels, row after row.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All levels as an array.
    pub fn view(&self) -> ArrayView2<'_, u8> {
        ArrayView2::from_shape(self.shape(), &self.bytes).expect("a checked shape")
    }

    /// The levels of one example.
    ///
    /// # Panics
    /// If there is no such example.
    #[inline(always)]
    pub fn row(&self, example: usize) -> &[u8] {
        &self.bytes[example * self.n_units..(example + 1) * self.n_units]
    }

    /// The levels of the first `n` examples, in the same memory.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn first(self, n: usize) -> Self {
        Self { n_examples: n, bytes: self.bytes.truncated(n * self.n_units), ..self }
    }

    /// The levels as an array of this process.
    pub fn into_array(mut self) -> Array2<u8> {
        let bytes = std::mem::take(self.bytes.to_mut());
        Array2::from_shape_vec((self.n_examples, self.n_units), bytes).expect("a checked shape")
    }
}

impl From<Array2<u8>> for Levels {
    fn from(levels: Array2<u8>) -> Self {
        let shape = levels.dim();
        let levels = match levels.is_standard_layout() {
            true => levels,
            false => levels.as_standard_layout().into_owned(),
        };
        let (mut bytes, first) = levels.into_raw_vec_and_offset();
        bytes.drain(..first.unwrap_or(0));
        bytes.truncate(shape.0 * shape.1);
        Self::new(shape, bytes.into())
    }
}
