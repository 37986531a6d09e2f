//! An array in a file: the place and the format of its numbers.

use super::categories::{Mark, encode_numbers};
use super::encoding::decimal;
use super::file_bytes::FileBytes;
use super::holes::{Holes, MissingMask};
use super::levels::Levels;
use super::values::{Values, check, check_intensities};
use super::{Dataset, Encoding};
use crate::bits::BitMatrix;
use crate::error::{Error, Result};
use crate::memory::{self, Bytes, Need};
use crate::reals::RealRows;
use half::f16;
use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// The format of a number, with its size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// One byte, 0 or 1.
    Bool,
    /// 1, 2, 4 or 8 bytes.
    Unsigned(usize),
    /// 1, 2, 4 or 8 bytes, two's complement.
    Signed(usize),
    /// 2, 4 or 8 bytes, IEEE 754.
    Float(usize),
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Bool => return f.write_str("booleans"),
            Self::Unsigned(_) => "whole numbers without a sign",
            Self::Signed(_) => "whole numbers",
            Self::Float(_) => "floating-point numbers",
        };
        write!(f, "{kind} of {} bits", 8 * self.size())
    }
}

impl Number {
    fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Unsigned(size) | Self::Signed(size) | Self::Float(size) => size,
        }
    }

    /// Reads the number in `bytes`, rounded to f64.
    fn read(self, bytes: &[u8], is_big_endian: bool) -> f64 {
        let join = |word, byte: &u8| word << 8 | u64::from(*byte);
        let word = match is_big_endian {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        };
        match self {
            Self::Bool | Self::Unsigned(_) => word as f64,
            Self::Signed(size) => {
                let unused = 64 - 8 * size;
                ((word << unused) as i64 >> unused) as f64
            }
            Self::Float(2) => f16::from_bits(word as u16).to_f64(),
            Self::Float(4) => f64::from(f32::from_bits(word as u32)),
            Self::Float(_) => f64::from_bits(word),
        }
    }
}

/// The header of a file, and its bytes; or those of several files, whose examples follow each other.
pub(super) struct StoredArray<'a> {
    pub path: &'a Path,
    /// The data in messages: the file, or all files.
    pub name: &'a Path,
    /// The whole file, unpacked.
    pub bytes: Cow<'a, [u8]>,
    /// The file, if grey levels are to stay in it.
    pub file: Option<&'a FileBytes>,
    /// The byte at which the numbers start.
    pub offset: usize,
    pub number: Number,
    pub is_big_endian: bool,
    /// Whether the first index, not the last, runs fastest.
    pub is_column_major: bool,
    pub shape: Vec<usize>,
    /// The encoding of integers that the file format gives.
    pub encoding: Encoding,
    /// The cells (examples, numbers of an example) without a value, besides those that are NaN.
    pub holes: Holes,
    /// The arrays whose examples follow, which have the same numbers and the same units.
    pub more: Vec<StoredArray<'a>>,
}

/// The examples of one file.
struct Part<'a> {
    /// The number of the first.
    first: usize,
    /// Their bytes.
    data: &'a [u8],
    is_big_endian: bool,
    /// In the file, the next example is so many numbers further.
    stride: usize,
    /// How many numbers after unit 0 each unit is, unless they are in order.
    places: Option<Vec<usize>>,
}

impl StoredArray<'_> {
    /// The size of the whole file by its header.
    pub fn claimed(&self) -> Bytes {
        Bytes(self.offset as u64) + Bytes::of::<u8>(&self.shape) * self.number.size()
    }

    /// The same array without the numbers that a mask hides.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if the mask has another shape; [`Error::Malformed`] as
    /// [`examples`](Self::examples).
    pub fn hidden_by(mut self, mask: Option<&MissingMask>) -> Result<Self> {
        if mask.is_some() {
            let name = self.name.display().to_string();
            let hidden = Holes::hidden_by(mask, &name, self.checked_shape()?)?;
            self.holes = self.holes.and(hidden);
        }
        Ok(self)
    }

    /// Reads the examples, with integers in the encoding `declared`, or else the encoding of the file
    /// format. Three dimensions are (examples, rows, columns). All dimensions but the first are laid end
    /// to end, the last running fastest.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the number of bytes does not fit the shape, [`Error::Unsuitable`] if the
    /// shape is not a shape of examples, and [`Error::BadValue`].
    pub fn examples(&self, declared: Encoding) -> Result<Dataset> {
        let (mark, declared) = (declared.missing_value(), declared.marked(None));
        let dataset = self.rows(&declared, mark).map_err(|error| self.in_file(error))?;
        // Bits in a format for grey levels do not imply that other integers are grey levels.
        let are_bits = dataset.is_binary() && dataset.columns().is_none();
        let encoding = if are_bits { declared } else { dataset.encoding };
        let image_shape = match self.shape[..] {
            [_, rows, columns] => Some((rows, columns)),
            _ => None,
        };
        Ok(Dataset { image_shape, encoding: encoding.marked(mark), ..dataset })
    }

    /// Reads the numbers of an array that is one row or column.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the number of bytes does not fit the shape; [`Error::Unsuitable`] for another
    /// array.
    pub fn vector(&self) -> Result<Vec<f64>> {
        if self.shape.iter().filter(|&&side| side != 1).count() > 1 {
            let rule =
                format!("has the shape {:?}, but must be one number for each example", self.shape);
            return Err(Error::Unsuitable { path: self.path.into(), rule });
        }
        if let Some(found) = self.holes.first() {
            let rule = format!("{found}, but a weight must be a number");
            return Err(Error::Unsuitable { path: self.path.into(), rule });
        }
        self.numbers()
    }

    /// Reads all numbers, the last index running fastest.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the number of bytes does not fit the shape.
    pub fn numbers(&self) -> Result<Vec<f64>> {
        let (data, size) = (&self.bytes[self.offset..], self.number.size());
        let length = self.shape.iter().try_fold(size, |n, &side| n.checked_mul(side));
        if length != Some(data.len()) {
            let length = length.map_or("too many".to_string(), |length| length.to_string());
            return Err(Error::Malformed {
                path: self.path.into(),
                offset: self.offset as u64,
                expected: format!("{length} bytes of data, for the shape {:?}", self.shape),
                found: data.len().to_string(),
            });
        }
        let read = |bytes| self.number.read(bytes, self.is_big_endian);
        let stored: Vec<_> = data.chunks(size).map(read).collect();
        if !self.is_column_major {
            return Ok(stored);
        }
        let array = ArrayD::from_shape_vec(IxDyn(&self.shape).f(), stored);
        Ok(array.expect("as many numbers as the shape").iter().copied().collect())
    }

    /// Reads the examples, each in a row, integers in the encoding `declared` or that of the file format. Numbers that
    /// are `mark` have no value.
    fn rows(&self, declared: &Encoding, mark: Option<f64>) -> Result<Dataset> {
        let encoding = declared.clone().or(self.encoding.clone());
        let (n_examples, n_units) = self.checked_shape()?;
        let name = self.name.display().to_string();
        let origin = encoding.origin()?;
        let has_room = |bytes| {
            let what = || format!("{name}: {n_examples} examples of {n_units} units");
            memory::check(what, &[Need::new(bytes, &[])])
        };
        let (parts, size) = (self.parts(n_units), self.number.size());
        let stored = |example: usize, unit: usize| {
            let part = match &parts[..] {
                [part] => part,
                parts => &parts[parts.partition_point(|part| part.first <= example) - 1],
            };
            let place = part.places.as_ref().map_or(unit, |places| places[unit]);
            let at = ((example - part.first) * part.stride + place) * size;
            self.number.read(&part.data[at..at + size], part.is_big_endian)
        };
        let shown = |example, unit| match self.number {
            Number::Float(2 | 4) => decimal(stored(example, unit) as f32),
            _ => stored(example, unit),
        };
        let marks = mark.filter(|_| origin.is_none());
        let marked = marks.map(|mark| Holes::of_marks((n_examples, n_units), shown, mark));
        let own_holes = &marked.map_or_else(
            || Cow::Borrowed(&self.holes),
            |marked| Cow::Owned(self.holes.clone().and(marked)),
        );
        let are_in_order = parts.iter().all(|part| part.places.is_none());
        let rows = || parts.iter().flat_map(|part| part.data.chunks_exact(n_units * size));
        let shape = (n_examples, n_units);
        if origin.is_none() && own_holes.are_none() {
            has_room(BitMatrix::bytes(n_examples, n_units))?;
            let bits = match size == 1 && are_in_order {
                true => BitMatrix::of_bytes(shape, rows()),
                false => bits_of(shape, 0.0, stored),
            };
            let spins = || encoding.is_spins().then(|| bits_of(shape, -1.0, stored))?;
            if let Some(bits) = bits.or_else(spins) {
                return Ok(Dataset::from_bits(name, bits).with_encoding(encoding));
            }
            if self.number == Number::Unsigned(1) && are_in_order {
                let levels = match self.levels_in_place(n_units) {
                    Some(levels) => levels,
                    None => {
                        has_room(Bytes::of::<u8>(&[n_examples, n_units]))?;
                        let mut bytes = Vec::with_capacity(n_examples * n_units);
                        parts.iter().for_each(|part| bytes.extend_from_slice(part.data));
                        Levels::new(shape, bytes.into())
                    }
                };
                return Dataset::from_levels_as(name, levels, encoding);
            }
        }
        if let Some(origin) = origin {
            let number = |example, column| match own_holes.has(example, column) {
                true => f64::NAN,
                false => shown(example, column),
            };
            let found = encode_numbers(&name, shape, origin, Mark::of(mark), number)?;
            return found.dataset(name);
        }
        let is_float = matches!(self.number, Number::Float(_));
        let holes = match is_float {
            true => Holes::clone(own_holes).and(Holes::of_numbers(shape, stored)),
            false => Holes::clone(own_holes),
        };
        let number = holes.filled(shape, encoding.is_spins(), stored);
        let cells = (0..n_examples).flat_map(|n| (0..n_units).map(move |unit| number(n, unit)));
        let are_intensities = is_float && !encoding.reads_reals(cells);
        if self.number == Number::Bool {
            check(&name, shape, "0 or 1, as in a boolean array", |x| x == 0.0 || x == 1.0, number)?;
        } else if are_intensities {
            // The numbers are checked before rounding, which could make them intensities.
            check_intensities(&name, shape, number)?;
        }
        let numbers = |example| (0..n_units).map(move |unit| number(example, unit) as f32);
        let n_entries = |example| numbers(example).filter(|&x| x != 0.0).count();
        let n_entries = (0..n_examples).map(n_entries).sum();
        has_room(RealRows::bytes(n_examples, n_entries))?;
        let mut rows = RealRows::with_capacity(n_units, n_examples, n_entries);
        (0..n_examples).for_each(|example| rows.push(numbers(example)));
        if are_intensities {
            let values = Values::from_numbers(rows);
            let dataset = Dataset { encoding, ..Dataset::from_values(name, values) };
            return holes.missing_from(dataset);
        }
        // An array of grey levels holds no bits if a mask hides all of them that are above 1.
        let is_bright =
            |n: u32, (example, unit)| (2.0..=f64::from(n)).contains(&stored(example, unit));
        let dataset = match declared.grey_levels() {
            Some(n) if rows.are_bits() && holes.cells().any(|cell| is_bright(n, cell)) => {
                let intensities = rows.mapped(|x| (f64::from(x) / f64::from(n)) as f32);
                let values = Values::of_levels(intensities, n);
                Dataset::from_values(name, values).with_encoding(encoding)
            }
            _ => Dataset::from_numbers_as(name, rows, encoding)?,
        };
        holes.missing_from(dataset)
    }

    /// This array and those that follow.
    fn all(&self) -> impl Iterator<Item = &Self> {
        [self].into_iter().chain(&self.more)
    }

    /// The parts of these arrays of checked shapes.
    fn parts(&self, n_units: usize) -> Vec<Part<'_>> {
        let (mut parts, mut first) = (Vec::new(), 0);
        for array in self.all() {
            let n_examples = array.shape[0];
            let (stride, places) = match array.is_column_major {
                false => (n_units, None),
                true => {
                    let order = IxDyn(&array.shape[1..]).f();
                    let places = ArrayD::from_shape_vec(order, (0..n_units).collect());
                    let places = places.expect("a checked shape");
                    (1, Some(places.iter().map(|place: &usize| place * n_examples).collect()))
                }
            };
            let (data, is_big_endian) = (&array.bytes[array.offset..], array.is_big_endian);
            parts.push(Part { first, data, is_big_endian, stride, places });
            first += n_examples;
        }
        parts
    }

    /// The grey levels where they are, if they are to stay there.
    fn levels_in_place(&self, n_units: usize) -> Option<Levels> {
        let of = |array: &Self| {
            let bytes = array.file?.numbers(array.offset..array.bytes.len());
            Some(Levels::new((array.shape[0], n_units), bytes))
        };
        Some(Levels::stacked(self.all().map(of).collect::<Option<_>>()?))
    }

    /// An error about a value of several files, as one of the file that has it.
    fn in_file(&self, error: Error) -> Error {
        let Error::BadValue { data, mut example, unit, value, rule, remedy } = error else {
            return error;
        };
        let mut data = data;
        if !self.more.is_empty() {
            let of_example = self.all().find(|array| {
                let is_there = example < array.shape[0];
                example -= if is_there { 0 } else { array.shape[0] };
                is_there
            });
            data = of_example.expect("an example of the data").path.display().to_string();
        }
        Error::BadValue { data, example, unit, value, rule, remedy }
    }

    /// The shape (examples, units) of all examples. It is checked against the number of bytes before any
    /// allocation.
    fn checked_shape(&self) -> Result<(usize, usize)> {
        let (mut n_examples, n_units) = self.checked_shape_of_one()?;
        for array in &self.more {
            n_examples += array.checked_shape_of_one()?.0;
        }
        Ok((n_examples, n_units))
    }

    /// [`checked_shape`](Self::checked_shape), of the examples of the first file.
    fn checked_shape_of_one(&self) -> Result<(usize, usize)> {
        let shape = &self.shape;
        let unsuitable = |rule| Err(Error::Unsuitable { path: self.path.into(), rule });
        let malformed = |expected, found| {
            let (path, offset) = (self.path.into(), self.offset as u64);
            Err(Error::Malformed { path, offset, expected, found })
        };
        if shape.len() < 2 {
            return unsuitable(format!(
                "holds labels or another vector, of shape {shape:?}, but examples have the shape \
                 [examples, units] or [examples, rows, columns]"
            ));
        }
        if shape.contains(&0) {
            return unsuitable(format!("holds no examples: its shape is {shape:?}"));
        }
        let length = shape.iter().try_fold(self.number.size(), |n, &side| n.checked_mul(side));
        let Some(length) = length else {
            let expected = "data of a size that a file can have".into();
            return malformed(expected, format!("a header with the shape {shape:?}"));
        };
        let expected = || format!("{length} bytes of data, for the shape {shape:?}");
        match self.bytes.len() - self.offset {
            found if found < length => malformed(expected(), format!("only {found}")),
            found if found > length => {
                malformed(expected(), format!("{found}, {} too many", found - length))
            }
            _ => Ok((shape[0], shape[1..].iter().product())),
        }
    }
}

/// The bits of examples of this shape, if all numbers are 1 and `off`. They are packed from where they stand, so that
/// nothing but the bits takes memory.
fn bits_of(
    (n_examples, n_units): (usize, usize),
    off: f64,
    stored: impl Fn(usize, usize) -> f64,
) -> Option<BitMatrix> {
    BitMatrix::try_from_fn(n_examples, n_units, |example, unit| {
        let number = stored(example, unit);
        (number == 1.0 || number == off).then_some(number == 1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_as_it_was_written() {
        for (number, little, value) in [
            (Number::Bool, vec![1], 1.0),
            (Number::Unsigned(1), vec![200], 200.0),
            (Number::Unsigned(2), 60_000_u16.to_le_bytes().to_vec(), 60_000.0),
            (Number::Unsigned(4), 4_000_000_000_u32.to_le_bytes().to_vec(), 4e9),
            (Number::Unsigned(8), u64::MAX.to_le_bytes().to_vec(), u64::MAX as f64),
            (Number::Signed(1), vec![0x80], -128.0),
            (Number::Signed(2), (-300_i16).to_le_bytes().to_vec(), -300.0),
            (Number::Signed(4), (-70_000_i32).to_le_bytes().to_vec(), -70_000.0),
            (Number::Signed(8), (-5_000_000_000_i64).to_le_bytes().to_vec(), -5e9),
            (Number::Float(2), vec![0x66, 0x2E], 0.0999755859375),
            (Number::Float(2), vec![0x01, 0x80], -f64::from_bits(0x3E70_0000_0000_0000)),
            (Number::Float(4), 0.1_f32.to_le_bytes().to_vec(), f64::from(0.1_f32)),
            (Number::Float(8), 0.1_f64.to_le_bytes().to_vec(), 0.1),
        ] {
            let big: Vec<_> = little.iter().rev().copied().collect();
            assert_eq!(number.read(&little, false), value, "{number:?}");
            assert_eq!(number.read(&big, true), value, "{number:?}, big endian");
        }
    }
}
