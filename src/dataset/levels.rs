//! Grey levels: bytes in memory or in files.

use crate::mapped::Numbers;
use ndarray::{Array2, ArrayView2, CowArray, Ix2};

/// Grey levels (examples, units), row after row.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    n_examples: usize,
    n_units: usize,
    /// Those of the file or files in which they are, at least one.
    parts: Vec<Numbers<u8>>,
    /// The first example of each part.
    starts: Vec<usize>,
}

impl Levels {
    /// The levels in these bytes.
    ///
    /// # Panics
    /// If there are more or fewer.
    pub fn new((n_examples, n_units): (usize, usize), bytes: Numbers<u8>) -> Self {
        assert_eq!(bytes.len(), n_examples * n_units, "bytes of ({n_examples}, {n_units})");
        Self { n_examples, n_units, parts: vec![bytes], starts: vec![0] }
    }

    /// The levels of all of these, one below the other, where they are.
    ///
    /// # Panics
    /// If there are none, or they have several numbers of units.
    pub fn stacked(all: Vec<Self>) -> Self {
        let n_units = all[0].n_units;
        let mut stacked = Self { n_examples: 0, n_units, parts: Vec::new(), starts: Vec::new() };
        for Self { n_examples, n_units, parts, starts } in all {
            assert_eq!(n_units, stacked.n_units, "units");
            stacked.starts.extend(starts.iter().map(|start| stacked.n_examples + start));
            stacked.parts.extend(parts);
            stacked.n_examples += n_examples;
        }
        stacked
    }

    /// (examples, units).
    pub fn shape(&self) -> (usize, usize) {
        (self.n_examples, self.n_units)
    }

    /// All levels, row after row, in pieces of whole rows.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.parts.iter().map(|part| &part[..])
    }

    /// All levels as an array. Those of several files are copied.
    pub fn view(&self) -> CowArray<'_, u8, Ix2> {
        match &self.parts[..] {
            [part] => ArrayView2::from_shape(self.shape(), part).expect("a checked shape").into(),
            parts => {
                let bytes = parts.iter().flat_map(|part| part.iter().copied()).collect();
                Array2::from_shape_vec(self.shape(), bytes).expect("a checked shape").into()
            }
        }
    }

    /// The levels of one example.
    ///
    /// # Panics
    /// If there is no such example.
    #[inline(always)]
    pub fn row(&self, example: usize) -> &[u8] {
        let (part, row) = match &self.parts[..] {
            [part] => (part, example),
            parts => {
                let at = self.starts.partition_point(|&start| start <= example) - 1;
                (&parts[at], example - self.starts[at])
            }
        };
        &part[row * self.n_units..(row + 1) * self.n_units]
    }

    /// All examples in order.
    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.parts().flat_map(|part| part.chunks_exact(self.n_units.max(1)))
    }

    /// The levels of the first `n` examples, in the same memory.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn first(mut self, n: usize) -> Self {
        assert!(n <= self.n_examples, "{n} of {} examples", self.n_examples);
        let n_parts = self.starts.partition_point(|&start| start < n).max(1);
        self.parts.truncate(n_parts);
        self.starts.truncate(n_parts);
        let last = self.parts.pop().expect("at least one part");
        let n_left = (n - self.starts[n_parts - 1]) * self.n_units;
        let n_left = n_left.min(last.len());
        self.parts.push(last.truncated(n_left));
        Self { n_examples: n, ..self }
    }

    /// The levels as an array of this process.
    pub fn into_array(mut self) -> Array2<u8> {
        match &mut self.parts[..] {
            [part] => {
                let bytes = std::mem::take(part.to_mut());
                Array2::from_shape_vec((self.n_examples, self.n_units), bytes)
                    .expect("a checked shape")
            }
            _ => self.view().into_owned(),
        }
    }
}

/// The levels count, not where they are.
impl PartialEq for Levels {
    fn eq(&self, other: &Self) -> bool {
        self.shape() == other.shape() && self.rows().eq(other.rows())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_in_several_pieces_are_those_in_one() {
        let piece = |rows: std::ops::Range<usize>| {
            Levels::from(Array2::from_shape_fn((rows.len(), 3), |(n, i)| {
                (10 * (rows.start + n) + i) as u8
            }))
        };
        let (whole, apart) =
            (piece(0..9), Levels::stacked(vec![piece(0..2), piece(2..3), piece(3..9)]));
        assert_eq!(apart, whole);
        assert!((0..9).all(|n| apart.row(n) == whole.row(n)));
        assert_eq!(
            (apart.view(), apart.clone().into_array()),
            (whole.view(), whole.clone().into_array())
        );
        for n in 0..=9 {
            assert_eq!(apart.clone().first(n), piece(0..n), "{n}");
        }
        assert_ne!(apart, Levels::stacked(vec![piece(0..8), piece(0..1)]));
    }
}
