//! A saved state: named arrays, which make up a checkpoint.
//!
//! An object puts each of its arrays under a name and restores it from there. Names and shapes do
//! not depend on the layout in memory. The file format is safetensors.

use crate::bits::{BitMatrix, BitPanels, WORD, hexadecimal};
use crate::error::{Error, Result};
use crate::rng::{LANES, Stream};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The numbers of an array in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Parameters, and the state of update rules.
    F32(Vec<f32>),
    /// Running means, rates and bounds.
    F64(Vec<f64>),
    /// Counts, rows of packed bits, states of random streams.
    U64(Vec<u64>),
    /// Grey levels, text.
    U8(Vec<u8>),
}

/// Numbers and their shape.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// The lengths of its sides. Their product is the number of values.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: Values,
}

/// Arrays with names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State(BTreeMap<String, NamedArray>);

/// A type of number that arrays can hold.
pub trait Number: Copy {
    /// The values of an array of these numbers.
    fn wrap(numbers: Vec<Self>) -> Values;
    /// The numbers of an array, if they have this type.
    fn unwrap(values: &Values) -> Option<&[Self]>;
}

macro_rules! number {
    ($type:ty, $variant:ident) => {
        impl Number for $type {
            fn wrap(numbers: Vec<Self>) -> Values {
                Values::$variant(numbers)
            }

            fn unwrap(values: &Values) -> Option<&[Self]> {
                match values {
                    Values::$variant(numbers) => Some(numbers),
                    _ => None,
                }
            }
        }
    };
}

number!(f32, F32);
number!(f64, F64);
number!(u64, U64);
number!(u8, U8);

impl State {
    /// Puts an array under a name.
    ///
    /// # Panics
    /// If the name is taken, or the number of values does not fit the shape.
    pub fn put<T: Number>(&mut self, name: impl Into<String>, shape: &[usize], numbers: Vec<T>) {
        let name = name.into();
        assert_eq!(numbers.len(), shape.iter().product::<usize>(), "{name} of shape {shape:?}");
        let array = NamedArray { shape: shape.to_vec(), values: T::wrap(numbers) };
        assert!(self.0.insert(name, array).is_none(), "a name that is taken");
    }

    /// The numbers under a name.
    ///
    /// # Errors
    /// [`Error::BadState`] if the array is missing, or has another type or shape.
    pub fn get<T: Number>(&self, name: &str, shape: &[usize]) -> Result<&[T]> {
        let array = self.0.get(name).ok_or_else(|| bad(name, "is missing"))?;
        if array.shape != shape {
            let rule = format!("has the shape {:?}, but must have {shape:?}", array.shape);
            return Err(bad(name, rule));
        }
        T::unwrap(&array.values).ok_or_else(|| bad(name, "has numbers of another type"))
    }

    /// The single number under a name.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_one<T: Number>(&self, name: &str) -> Result<T> {
        Ok(self.get(name, &[1])?[0])
    }

    /// Puts rows of bits under a name: (rows, ⌈columns/64⌉) words.
    pub fn put_bits(&mut self, name: impl Into<String>, bits: &BitPanels) {
        let matrix = bits.to_matrix();
        self.put(name, &[bits.n_rows(), bits.n_columns().div_ceil(WORD)], matrix.words().to_vec());
    }

    /// Writes the rows of bits under a name to `bits`, and sets its number of rows to theirs.
    ///
    /// # Errors
    /// [`Error::BadState`] if the rows do not fit in `bits` or have another width, and as
    /// [`get`](Self::get).
    pub fn restore_bits(&self, name: &str, bits: &mut BitPanels) -> Result<()> {
        let n_rows = self.n_rows(name)?;
        if n_rows > bits.row_capacity() {
            return Err(bad(
                name,
                format!("has {n_rows} rows, but must have at most {}", bits.row_capacity()),
            ));
        }
        let words = self.get(name, &[n_rows, bits.n_columns().div_ceil(WORD)])?;
        let matrix = BitMatrix::from_words(n_rows, bits.n_columns(), words.to_vec())
            .ok_or_else(|| bad(name, "has bits past its last column"))?;
        bits.set_n_rows(n_rows);
        for row in 0..n_rows {
            bits.set_row(row, matrix.row(row));
        }
        Ok(())
    }

    /// Puts the states of random streams under a name: (streams, 4, lanes).
    pub fn put_streams(&mut self, name: impl Into<String>, streams: &[Stream]) {
        let words: Vec<u64> =
            streams.iter().flat_map(|stream| stream.state().as_flattened()).copied().collect();
        self.put(name, &[streams.len(), 4, LANES], words);
    }

    /// Sets random streams to the states under a name.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn restore_streams(&self, name: &str, streams: &mut [Stream]) -> Result<()> {
        let words: &[u64] = self.get(name, &[streams.len(), 4, LANES])?;
        let states = words.as_chunks::<LANES>().0.as_chunks::<4>().0;
        streams.iter_mut().zip(states).for_each(|(stream, state)| {
            *stream = Stream::from_state(*state);
        });
        Ok(())
    }

    /// Whether there is an array of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The arrays, sorted by name.
    pub fn arrays(&self) -> impl Iterator<Item = (&str, &NamedArray)> {
        self.0.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// The length of the first side of an array.
    ///
    /// # Errors
    /// [`Error::BadState`] if the array is missing or has no sides.
    pub fn n_rows(&self, name: &str) -> Result<usize> {
        let array = self.0.get(name).ok_or_else(|| bad(name, "is missing"))?;
        array.shape.first().copied().ok_or_else(|| bad(name, "has no sides"))
    }

    /// These arrays and those of another state.
    ///
    /// # Panics
    /// If a name is in both.
    pub fn with(mut self, other: Self) -> Self {
        for (name, array) in other.0 {
            assert!(self.0.insert(name, array).is_none(), "a name that is taken");
        }
        self
    }

    /// Splits off the arrays whose names begin with `prefix`: (these arrays, the others).
    pub fn split(self, prefix: &str) -> (Self, Self) {
        let (found, others) = self.0.into_iter().partition(|(name, _)| name.starts_with(prefix));
        (Self(found), Self(others))
    }

    /// The bytes of a safetensors file with the arrays and one metadata key.
    pub fn to_safetensors(&self, key: &str, metadata: String) -> Vec<u8> {
        let data: Vec<_> = self
            .arrays()
            .map(|(name, array)| {
                (name, array.values.dtype(), &array.shape, array.values.to_bytes())
            })
            .collect();
        let views = data.iter().map(|(name, dtype, shape, data)| {
            let view = TensorView::new(*dtype, shape.to_vec(), data);
            (*name, view.expect("as many bytes as the shape needs"))
        });
        let metadata = [(key.to_string(), metadata)].into_iter().collect();
        safetensors::serialize(views, Some(metadata)).expect("whole tensors")
    }

    /// Reads the arrays and the metadata of `key` that [`to_safetensors`](Self::to_safetensors)
    /// wrote. The metadata are empty if the key is missing.
    ///
    /// # Errors
    /// A message if the bytes are no safetensors file or hold another type of number.
    pub fn from_safetensors(key: &str, bytes: &[u8]) -> Result<(Self, String), String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|cause| cause.to_string())?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|cause| cause.to_string())?;
        let metadata = header.metadata().as_ref().and_then(|metadata| metadata.get(key).cloned());
        let mut arrays = BTreeMap::new();
        for (name, view) in tensors.tensors() {
            let values = Values::from_bytes(view.dtype(), view.data())
                .ok_or_else(|| format!("tensor `{name}` has the type {:?}", view.dtype()))?;
            arrays.insert(name, NamedArray { shape: view.shape().to_vec(), values });
        }
        Ok((Self(arrays), metadata.unwrap_or_default()))
    }

    /// The name of the first array that differs between two states in any bit.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let bytes = |state: &Self, name: &String| {
            state.0.get(name).map(|array| (array.shape.clone(), array.values.to_bytes()))
        };
        let names: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        names.into_iter().find(|name| bytes(self, name) != bytes(other, name)).cloned()
    }

    /// The length of a side of an array, if it exists.
    pub fn side(&self, name: &str, side: usize) -> Option<usize> {
        self.0.get(name)?.shape.get(side).copied()
    }

    /// SHA-256 in hexadecimal of all names, shapes and numbers.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for (name, NamedArray { shape, values }) in self.arrays() {
            hash.update(format!("{name}{shape:?}"));
            hash.update(values.to_bytes());
        }
        hexadecimal(&hash.finalize())
    }
}

impl Values {
    /// The numbers as little-endian bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::F32(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::F64(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::U64(numbers) => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            Self::U8(numbers) => numbers.clone(),
        }
    }

    fn dtype(&self) -> Dtype {
        match self {
            Self::F32(_) => Dtype::F32,
            Self::F64(_) => Dtype::F64,
            Self::U64(_) => Dtype::U64,
            Self::U8(_) => Dtype::U8,
        }
    }

    fn from_bytes(dtype: Dtype, data: &[u8]) -> Option<Self> {
        Some(match dtype {
            Dtype::F32 => {
                Self::F32(data.as_chunks().0.iter().map(|x| f32::from_le_bytes(*x)).collect())
            }
            Dtype::F64 => {
                Self::F64(data.as_chunks().0.iter().map(|x| f64::from_le_bytes(*x)).collect())
            }
            Dtype::U64 => {
                Self::U64(data.as_chunks().0.iter().map(|x| u64::from_le_bytes(*x)).collect())
            }
            Dtype::U8 => Self::U8(data.to_vec()),
            _ => return None,
        })
    }
}

/// An [`Error::BadState`] for the array `name`.
pub fn bad(name: &str, rule: impl Into<String>) -> Error {
    Error::BadState { array: name.to_string(), rule: rule.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    #[test]
    fn arrays_read_back_and_mismatches_are_refused() {
        let mut state = State::default();
        state.put("numbers", &[2, 3], vec![1.5_f32; 6]);
        state.put("count", &[1], vec![7_u64]);
        assert_eq!(state.get::<f32>("numbers", &[2, 3]).unwrap(), [1.5; 6]);
        assert_eq!(state.get_one::<u64>("count").unwrap(), 7);
        for (error, message) in [
            (
                state.get::<f32>("number", &[2, 3]).unwrap_err(),
                "`number` of the saved state is missing",
            ),
            (
                state.get::<f32>("numbers", &[3, 2]).unwrap_err(),
                "`numbers` of the saved state has the shape [2, 3], but must have [3, 2]",
            ),
            (state.get::<f64>("numbers", &[2, 3]).unwrap_err(), "has numbers of another type"),
        ] {
            assert!(error.to_string().contains(message), "{error}");
        }
    }

    #[test]
    fn bits_and_streams_come_back() {
        let matrix = BitMatrix::from_fn(5, 70, |n, i| (n * n + i) % 3 == 0);
        let mut streams: Vec<_> = (0..3).map(|n| Stream::new(1, Purpose::Chain, n)).collect();
        streams[1].step();
        let mut state = State::default();
        state.put_bits("bits", &BitPanels::from_matrix(&matrix));
        state.put_streams("streams", &streams);
        let mut bits = BitPanels::zeros(9, 70);
        state.restore_bits("bits", &mut bits).unwrap();
        assert_eq!(bits.to_matrix(), matrix);
        let mut others = vec![Stream::new(9, Purpose::Sample, 0); 3];
        state.restore_streams("streams", &mut others).unwrap();
        assert_eq!(others, streams);
        assert!(state.restore_streams("streams", &mut others[..2]).is_err());
        assert!(state.restore_bits("bits", &mut BitPanels::zeros(9, 69)).is_err(), "bits past 69");
    }

    #[test]
    fn a_file_holds_every_kind_of_number() {
        let mut state = State::default();
        state.put("a.f32", &[2, 1], vec![1.5_f32, -0.0]);
        state.put("a.f64", &[1], vec![f64::NAN]);
        state.put("b.u64", &[3], vec![u64::MAX, 0, 1]);
        state.put("c.u8", &[0], Vec::<u8>::new());
        let bytes = state.to_safetensors("key", "text".to_string());
        let (read, metadata) = State::from_safetensors("key", &bytes).unwrap();
        assert_eq!((read.sha256(), &metadata[..]), (state.sha256(), "text"));
        let (found, others) = read.split("a.");
        assert!(found.has("a.f64") && !found.has("b.u64") && others.has("c.u8"));
    }

    #[test]
    fn the_fingerprint_sees_names_and_numbers() {
        let state = |name: &str, number: f64| {
            let mut state = State::default();
            state.put(name, &[1], vec![number]);
            state.sha256()
        };
        assert_eq!(state("a", 1.0), state("a", 1.0));
        assert_ne!(state("a", 1.0), state("b", 1.0));
        assert_ne!(state("a", 1.0), state("a", 1.0 + f64::EPSILON));
    }
}
