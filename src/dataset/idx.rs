//! IDX, the format of MNIST. A file has two zeros, a type, the number of dimensions, the dimensions
//! (u32), then the numbers with the last index running fastest, all big endian. Unsigned bytes are grey
//! levels of 255.

use super::Encoding;
use super::holes::Holes;
use super::stored_array::{Number, StoredArray};
use crate::error::{Error, Result};
use std::path::Path;

/// The first bytes of a file in this format.
pub(super) const MAGIC: &[u8] = &[0, 0];

/// Reads the header of an unpacked file.
///
/// # Errors
/// [`Error::Malformed`] if the type is unknown or the file ends within the header.
pub(super) fn parse<'a>(path: &'a Path, bytes: &'a [u8]) -> Result<StoredArray<'a>> {
    let malformed = |offset: usize, expected: &str, found: String| {
        let (path, offset, expected) = (path.into(), offset as u64, expected.into());
        Error::Malformed { path, offset, expected, found }
    };
    let &[_, _, code, n_dimensions, ref rest @ ..] = bytes else {
        let expected = "a type and a number of dimensions";
        return Err(malformed(bytes.len(), expected, "the end of the file".into()));
    };
    let number = match code {
        0x08 => Number::Unsigned(1),
        0x09 => Number::Signed(1),
        0x0B => Number::Signed(2),
        0x0C => Number::Signed(4),
        0x0D => Number::Float(4),
        0x0E => Number::Float(8),
        _ => {
            let expected = "an IDX type: 08, 09, 0b, 0c, 0d or 0e";
            return Err(malformed(2, expected, format!("{code:02x}")));
        }
    };
    let length = 4 * usize::from(n_dimensions);
    let Some(dimensions) = rest.get(..length) else {
        let expected = format!("{n_dimensions} dimensions of 4 bytes each");
        return Err(malformed(4, &expected, format!("only {} bytes", rest.len())));
    };
    let side = |&bytes: &[u8; 4]| u32::from_be_bytes(bytes) as usize;
    let shape = dimensions.as_chunks().0.iter().map(side).collect();
    let (offset, is_big_endian, is_column_major) = (4 + length, true, false);
    let encoding = match number {
        Number::Unsigned(1) => Encoding::GreyLevels(255),
        _ => Encoding::Undeclared,
    };
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
    use ndarray::array;

    fn file(code: u8, shape: &[u32], data: &[u8]) -> Vec<u8> {
        let sides = shape.iter().flat_map(|side| side.to_be_bytes());
        [0, 0, code, shape.len() as u8]
            .into_iter()
            .chain(sides)
            .chain(data.iter().copied())
            .collect()
    }

    fn read_as(bytes: &[u8], encoding: Encoding) -> Result<(Values, Option<(usize, usize)>)> {
        let dataset = parse(Path::new("some.idx"), bytes)?.examples(encoding)?;
        Ok((dataset.values, dataset.image_shape))
    }

    fn read(bytes: &[u8]) -> Result<(Values, Option<(usize, usize)>)> {
        read_as(bytes, Encoding::Undeclared)
    }

    fn error(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn every_type_reads_as_it_was_written() {
        let greys = (Values::Bytes(array![[0, 1, 2], [50, 100, 127]].into()), None);
        let levels = [0_u8, 1, 2, 50, 100, 127];
        let bytes_of_16: Vec<_> = levels.iter().flat_map(|&x| i16::from(x).to_be_bytes()).collect();
        let bytes_of_32: Vec<_> = levels.iter().flat_map(|&x| i32::from(x).to_be_bytes()).collect();
        assert_eq!(read(&file(0x08, &[2, 3], &levels)).unwrap(), greys);
        // The format does not give the meaning of other integers.
        for (code, bytes) in [(0x09, &levels[..]), (0x0B, &bytes_of_16), (0x0C, &bytes_of_32)] {
            let bytes = file(code, &[2, 3], bytes);
            assert_eq!(read_as(&bytes, Encoding::GreyLevels(255)).unwrap(), greys);
            assert!(
                error(&bytes).contains("example 0, unit 2 is 2, but must be 0 or 1, or a grey")
            );
        }

        let reals = (Values::Reals(RealRows::from(array![[0.0, 0.25], [0.1, 1.0]].view())), None);
        let numbers = [0.0_f32, 0.25, 0.1, 1.0];
        let singles: Vec<_> = numbers.iter().flat_map(|x| x.to_be_bytes()).collect();
        let doubles: Vec<_> =
            [0.0, 0.25, 0.1, 1.0_f64].iter().flat_map(|x| x.to_be_bytes()).collect();
        assert_eq!(read(&file(0x0D, &[2, 2], &singles)).unwrap(), reals);
        assert_eq!(read(&file(0x0E, &[2, 2], &doubles)).unwrap(), reals);
    }

    #[test]
    fn three_dimensions_are_images_and_more_are_laid_end_to_end() {
        let levels: Vec<u8> = (0..24).collect();
        let (values, image_shape) = read(&file(8, &[4, 3, 2], &levels)).unwrap();
        assert_eq!((values.shape(), image_shape), ((4, 6), Some((3, 2))));
        let (values, image_shape) = read(&file(8, &[2, 3, 2, 2], &levels)).unwrap();
        assert_eq!((values.shape(), image_shape), ((2, 12), None));
        assert_eq!(values.intensity(1, 5), 17.0 / 255.0);
    }

    #[test]
    fn each_error_says_where_and_what() {
        for (bytes, message) in [
            (
                vec![0, 0, 8],
                "some.idx: byte 3: expected a type and a number of dimensions, found the end of \
                 the file",
            ),
            (
                file(0x0A, &[1, 1], &[0]),
                "some.idx: byte 2: expected an IDX type: 08, 09, 0b, 0c, 0d or 0e, found 0a",
            ),
            (
                vec![0, 0, 8, 3, 0, 0],
                "some.idx: byte 4: expected 3 dimensions of 4 bytes each, found only 2 bytes",
            ),
            (
                file(8, &[2, 3], &[7; 5]),
                "some.idx: byte 12: expected 6 bytes of data, for the shape [2, 3], found only 5",
            ),
            (
                file(8, &[2, 3], &[7; 9]),
                "some.idx: byte 12: expected 6 bytes of data, for the shape [2, 3], found 9, 3 \
                 too many",
            ),
            (
                file(8, &[u32::MAX, u32::MAX], &[7; 9]),
                "some.idx: byte 12: expected 18446744065119617025 bytes of data, for the shape \
                 [4294967295, 4294967295], found only 9",
            ),
            (
                file(8, &[u32::MAX, u32::MAX, 2], &[7; 9]),
                "some.idx: byte 16: expected data of a size that a file can have, found a header \
                 with the shape [4294967295, 4294967295, 2]",
            ),
            (
                file(8, &[3], &[7; 3]),
                "some.idx: holds labels or another vector, of shape [3], but examples have the \
                 shape [examples, units] or [examples, rows, columns]",
            ),
            (file(8, &[0, 784], &[]), "some.idx: holds no examples: its shape is [0, 784]"),
            (file(8, &[2, 0], &[]), "some.idx: holds no examples: its shape is [2, 0]"),
            (
                file(0x0B, &[1, 2], &[0, 255, 1, 0]),
                "some.idx: example 0, unit 1 is 256, but must be 0 or 1, or a grey level from 0 to 255 \
                 with the largest above 127; turn others into bits by a \
                 threshold, such as x > 0 in NumPy, or if these are grey levels up to N, declare them by \
                 grey_levels = N",
            ),
            (
                file(9, &[2, 2], &[1, 1, 0xFF, 1]),
                "some.idx: example 1, unit 0 is -1, but must be 0 or 1; if these are spins, declare them by spins = true",
            ),
            (
                file(0x0D, &[1, 1], &f32::INFINITY.to_be_bytes()),
                "some.idx: example 0, unit 0 is inf, but must be from 0 to 1; \
                 divide grey levels by their maximum, or give them as integers",
            ),
            (
                // The number is checked before it is rounded to f32, which gives 1.
                file(0x0E, &[1, 1], &1.000_000_001_f64.to_be_bytes()),
                "some.idx: example 0, unit 0 is 1.000000001, but must be from 0 to 1; \
                 divide grey levels by their maximum, or give them as integers",
            ),
        ] {
            assert_eq!(error(&bytes), message);
        }
    }

    #[test]
    fn bytes_are_grey_levels_unless_another_encoding_is_declared() {
        let encoding = |levels: [u8; 2], declared| {
            let file = file(8, &[1, 2], &levels);
            let dataset = parse(Path::new("some.idx"), &file)?.examples(declared)?;
            assert_eq!(dataset.inferred(), None);
            Ok::<_, Error>(dataset.encoding())
        };
        use Encoding::{GreyLevels, Spins, Undeclared};
        assert_eq!(encoding([0, 3], Undeclared).unwrap(), GreyLevels(255));
        assert_eq!(encoding([0, 3], GreyLevels(3)).unwrap(), GreyLevels(3));
        assert!(encoding([0, 3], Spins).is_err() && encoding([0, 3], GreyLevels(2)).is_err());
        // Bits imply no encoding for other data.
        assert_eq!(encoding([0, 1], Undeclared).unwrap(), Undeclared);
        assert_eq!(encoding([0, 1], Spins).unwrap(), Spins);
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        let whole = file(0x0D, &[2, 1, 1], &[0; 8]);
        assert!((2..whole.len()).all(|length| read(&whole[..length]).is_err()));
    }
}
