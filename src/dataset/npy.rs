//! NumPy's .npy. A file has a Python dictionary with the type, the order and the shape, then the numbers.

use super::Encoding;
use super::holes::Holes;
use super::stored_array::{Number, StoredArray};
use crate::error::{Error, Result};
use serde::Deserialize;
use serde_json::Value;
use std::path::Path;

/// The first bytes of a file in this format.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The dictionary.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// The type of the elements: a string such as `<f4`, or a list of named ones.
    descr: Value,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads the dictionary. It differs from JSON in its quotes, parentheses, capitals and trailing commas.
    fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|cause| cause.to_string())?;
        let mut json: String = text.split_ascii_whitespace().collect();
        for (python, in_json) in [
            ("'", "\""),
            ("(", "["),
            (")", "]"),
            (",]", "]"),
            (",}", "}"),
            ("True", "true"),
            ("False", "false"),
        ] {
            json = json.replace(python, in_json);
        }
        serde_json::from_str(&json).map_err(|cause| cause.to_string())
    }
}

/// Reads the header of an unpacked file.
///
/// # Errors
/// [`Error::Malformed`] if the header is damaged, [`Error::Unsuitable`] if the elements are not real
/// numbers.
pub(super) fn parse<'a>(path: &'a Path, bytes: &'a [u8]) -> Result<StoredArray<'a>> {
    let malformed = |offset: usize, found: String| {
        let (path, offset, expected) = (path.into(), offset as u64, "a .npy header".into());
        Error::Malformed { path, offset, expected, found }
    };
    // Version 1 gives the length of the dictionary in two bytes, 2 and 3 in four.
    let version = bytes.get(MAGIC.len());
    let text_start = MAGIC.len() + 2 + if version == Some(&1) { 2 } else { 4 };
    let Some(prefix) = bytes.get(..text_start) else {
        return Err(malformed(bytes.len(), "the end of the file".into()));
    };
    let digits = prefix[MAGIC.len() + 2..].iter().rev();
    let length = digits.fold(0, |length, &byte| length << 8 | usize::from(byte));
    let offset = text_start + length;
    let Some(text) = bytes.get(text_start..offset) else {
        let found = format!("only {} of its {length} bytes", bytes.len() - text_start);
        return Err(malformed(text_start, found));
    };
    if !matches!(version, Some(1..=3)) {
        let found = format!("one with version {}", prefix[MAGIC.len()]);
        return Err(malformed(MAGIC.len(), found));
    }
    let header = Header::parse(text)
        .map_err(|cause| malformed(text_start, format!("one that cannot be read ({cause})")))?;

    let described = header.descr.as_str().unwrap_or_default();
    let (order, number) = described.split_at_checked(1).unwrap_or_default();
    let number = match number {
        "b1" => Number::Bool,
        "u1" => Number::Unsigned(1),
        "u2" => Number::Unsigned(2),
        "u4" => Number::Unsigned(4),
        "u8" => Number::Unsigned(8),
        "i1" => Number::Signed(1),
        "i2" => Number::Signed(2),
        "i4" => Number::Signed(4),
        "i8" => Number::Signed(8),
        "f2" => Number::Float(2),
        "f4" => Number::Float(4),
        "f8" => Number::Float(8),
        _ => {
            let found = header.descr;
            let rule = format!("holds elements of type {found}; save them as uint8 or float32");
            return Err(Error::Unsuitable { path: path.into(), rule });
        }
    };
    let (is_big_endian, is_column_major) = (order == ">", header.fortran_order);
    let (shape, encoding) = (header.shape, Encoding::Undeclared);
    let bytes = bytes.into();
    let holes = Holes::default();
    Ok(StoredArray {
        path,
        bytes,
        name: path,
        file: None,
        more: Vec::new(),
        offset,
        number,
        is_big_endian,
        is_column_major,
        shape,
        encoding,
        holes,
    })
}

#[cfg(test)]
mod tests {
    use super::super::values::Values;
    use super::*;
    use crate::reals::RealRows;
    use ndarray::{Array3, Array4, ShapeBuilder as _, array};
    use ndarray_npy::WriteNpyExt;

    fn read_as(bytes: &[u8], encoding: Encoding) -> Result<(Values, Option<(usize, usize)>)> {
        let dataset = parse(Path::new("some.npy"), bytes)?.examples(encoding)?;
        Ok((dataset.values, dataset.image_shape))
    }

    fn read(bytes: &[u8]) -> Result<(Values, Option<(usize, usize)>)> {
        read_as(bytes, Encoding::Undeclared)
    }

    fn written(array: &impl WriteNpyExt) -> Vec<u8> {
        let mut bytes = Vec::new();
        array.write_npy(&mut bytes).unwrap();
        bytes
    }

    fn file(dictionary: &str, data: &[u8]) -> Vec<u8> {
        let length = (dictionary.len() as u16 + 1).to_le_bytes();
        [MAGIC, &[1, 0], &length, dictionary.as_bytes(), b"\n", data].concat()
    }

    #[test]
    fn every_type_reads_as_it_was_written() {
        let levels = array![[0_u8, 1, 2], [50, 100, 128]];
        let (greys, intensities) = (
            (Values::Bytes(levels.clone().into()), None),
            (Values::Reals(RealRows::from(levels.mapv(|x| f32::from(x) / 128.0).view())), None),
        );
        for bytes in [
            written(&levels),
            written(&levels.mapv(u16::from)),
            written(&levels.mapv(i16::from)),
            written(&levels.mapv(u32::from)),
            written(&levels.mapv(i32::from)),
            written(&levels.mapv(u64::from)),
            written(&levels.mapv(i64::from)),
        ] {
            assert_eq!(read(&bytes).unwrap(), greys);
            assert_eq!(read_as(&bytes, Encoding::GreyLevels(255)).unwrap(), greys);
            assert_eq!(read_as(&bytes, Encoding::GreyLevels(128)).unwrap(), intensities);
        }
        let few = levels.mapv(|x| x.min(127));
        let small = Values::Bytes(few.clone().into());
        for bytes in [written(&few), written(&few.mapv(|x| x as i8)), written(&few.mapv(u64::from))]
        {
            assert!(
                read(&bytes).unwrap_err().to_string().contains("unit 2 is 2, but must be 0 or 1,")
            );
            assert_eq!(read_as(&bytes, Encoding::GreyLevels(255)).unwrap().0, small);
        }
        let spins = array![[-1_i8, 1], [1, 1]];
        let bits = Values::from_bytes(array![[0, 1], [1, 1]]);
        for bytes in [written(&spins), written(&spins.mapv(f64::from))] {
            assert_eq!(read_as(&bytes, Encoding::Spins).unwrap().0, bits);
        }
        let reals = (Values::Reals(RealRows::from(array![[0.0, 0.25], [0.1, 1.0]].view())), None);
        assert_eq!(read(&written(&array![[0.0_f32, 0.25], [0.1, 1.0]])).unwrap(), reals);
        assert_eq!(read(&written(&array![[0.0_f64, 0.25], [0.1, 1.0]])).unwrap(), reals);
        let bits = Values::from_bytes(array![[1, 0]]);
        assert_eq!(read(&written(&array![[true, false]])).unwrap(), (bits, None));
    }

    #[test]
    fn big_endian_reads_too() {
        let data = [0.5_f32, 0.25].map(f32::to_be_bytes).concat();
        let bytes = file("{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2)}", &data);
        assert_eq!(
            read(&bytes).unwrap().0,
            Values::Reals(RealRows::from(array![[0.5, 0.25]].view()))
        );
    }

    #[test]
    fn column_major_reads_as_row_major() {
        let images = Array3::from_shape_fn((2, 3, 4), |(n, i, j)| (n * 12 + i * 4 + j + 110) as u8);
        let mut columns = Array3::zeros((2, 3, 4).f());
        columns.assign(&images);
        let bytes = written(&columns);
        assert!(bytes.windows(21).any(|part| part == b"'fortran_order': True"));
        assert_eq!(read(&bytes).unwrap(), read(&written(&images)).unwrap());
        assert_eq!(read(&bytes).unwrap().1, Some((3, 4)));

        let reals = Array4::from_shape_fn((2, 3, 2, 2), |(n, i, j, k)| {
            (n * 12 + i * 4 + j * 2 + k) as f32 / 24.0
        });
        let mut columns = Array4::zeros((2, 3, 2, 2).f());
        columns.assign(&reals);
        assert_eq!(read(&written(&columns)).unwrap(), read(&written(&reals)).unwrap());
    }

    #[test]
    fn each_error_says_where_and_what() {
        let good = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}";
        let of_type =
            |descr| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (2, 3)}}");
        let of_shape =
            |shape| format!("{{'descr': '<f8', 'fortran_order': True, 'shape': {shape}}}");
        for (bytes, message) in [
            (MAGIC.to_vec(), "some.npy: byte 6: expected a .npy header, found the end of the file"),
            (
                file(good, &[])[..30].to_vec(),
                "some.npy: byte 10: expected a .npy header, found only 20 of its 58 bytes",
            ),
            (
                [MAGIC, &[2, 0, 255, 255, 255, 255, b'{']].concat(),
                "some.npy: byte 12: expected a .npy header, found only 1 of its 4294967295 bytes",
            ),
            (
                [MAGIC, &[9, 0, 0, 0, 0, 0, 0]].concat(),
                "some.npy: byte 6: expected a .npy header, found one with version 9",
            ),
            (
                file(&"(".repeat(60_000), &[]),
                "some.npy: byte 10: expected a .npy header, found one that cannot be read (recursion \
                 limit exceeded at line 1 column 128)",
            ),
            (
                file(good, &[7; 5]),
                "some.npy: byte 68: expected 6 bytes of data, for the shape [2, 3], found only 5",
            ),
            (
                file(good, &[7; 7]),
                "some.npy: byte 68: expected 6 bytes of data, for the shape [2, 3], found 7, 1 \
                 too many",
            ),
            (
                file(&of_type("'<c16'"), &[]),
                "some.npy: holds elements of type \"<c16\"; save them as uint8 or float32",
            ),
            (
                file(&of_type("[('a', '<f4'), ('b', '<f4')]"), &[]),
                "some.npy: holds elements of type [[\"a\",\"<f4\"],[\"b\",\"<f4\"]]; save them as uint8 \
                 or float32",
            ),
            (
                file(&of_shape("(5,)"), &[0; 40]),
                "some.npy: holds labels or another vector, of shape [5], but examples have the \
                 shape [examples, units] or [examples, rows, columns]",
            ),
            (file(&of_shape("(0, 5)"), &[]), "some.npy: holds no examples: its shape is [0, 5]"),
            (
                file(&of_shape("(4611686018427387904, 2)"), &[0; 8]),
                "some.npy: byte 85: expected data of a size that a file can have, found a header \
                 with the shape [4611686018427387904, 2]",
            ),
            (
                written(&array![[0.5_f32, 0.5], [0.5, 17.0]].reversed_axes()),
                "some.npy: example 1, unit 1 is 17, but must be from 0 to 1; \
                 divide grey levels by their maximum, or give them as integers",
            ),
            (
                written(&array![[1_i64, -1], [1, 1]]),
                "some.npy: example 0, unit 1 is -1, but must be 0 or 1; if these are spins, declare them by spins = true",
            ),
            (
                written(&array![[1.0_f64, 1.0], [1.0, -1.0]]),
                "some.npy: example 1, unit 1 is -1, but must be 0 or 1; if these are spins, declare them by spins = true",
            ),
            (
                file("{'descr': '|b1', 'fortran_order': False, 'shape': (1, 2)}", &[1, 2]),
                "some.npy: example 0, unit 1 is 2, but must be 0 or 1, as in a boolean array",
            ),
            (
                written(&array![[u64::MAX]]),
                "some.npy: example 0, unit 0 is 18446744073709552000, but must be 0 or 1, or a grey \
                 level from 0 to 255 with the largest above 127; turn others into bits by a \
                 threshold, such as x > 0 in NumPy, or if these are grey levels up to N, declare them by \
                 grey_levels = N",
            ),
        ] {
            assert_eq!(read(&bytes).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn odd_headers_are_errors_not_panics() {
        let dictionaries = ["".into(), "{}".into(), "-".repeat(60_000), "9".repeat(60_000)];
        let keys = ["'descr': '|u1'", "'fortran_order': 1", "'shape': (-1, 2)", "'shape': 7"];
        for dictionary in dictionaries.into_iter().chain(keys.map(|key| format!("{{{key}}}"))) {
            let error = read(&file(&dictionary, &[])).unwrap_err().to_string();
            assert!(error.starts_with("some.npy: byte 10: expected a .npy header"), "{error}");
        }
        let whole = written(&array![[1_u8, 2], [3, 4]]);
        assert!((6..whole.len()).all(|length| read(&whole[..length]).is_err()));
    }
}
