//! Reading files of examples: their bytes, not their names, decide the format.

use super::category_table::{self, Hidden};
use super::column_apart::{ColumnApart, ColumnsApart, Wanted};
use super::file_bytes::FileBytes;
use super::holes::MissingMask;
use super::lacked_columns::LackedColumns;
use super::lined::{Files, Lined};
use super::packed::PackedColumn;
use super::picture::Picture;
use super::stored_array::StoredArray;
use super::table::{Named, Table};
use super::text::Text;
use super::unpack::unpack;
use super::{Dataset, Encoding, fasta, foreign, idx, npy, npz, packed, picture};
use crate::bits::hexadecimal;
use crate::error::{Error, Remedy, Result};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The format of an unpacked file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Packed,
    Npy,
    Idx,
    Png,
    Table,
    Fasta,
}

impl Format {
    /// The format of these bytes, if examples can be read from it.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(packed::MAGIC) {
            Some(Self::Packed)
        } else if bytes.starts_with(npy::MAGIC) {
            Some(Self::Npy)
        } else if bytes.starts_with(picture::MAGIC) {
            Some(Self::Png)
        } else if bytes.starts_with(idx::MAGIC) {
            Some(Self::Idx)
        } else if foreign::kind(bytes).is_none() && foreign::is_text(bytes) {
            Some(if fasta::is_fasta(bytes) { Self::Fasta } else { Self::Table })
        } else {
            None
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Packed => "packed data",
            Self::Npy => ".npy",
            Self::Idx => "IDX",
            Self::Png => "PNG",
            Self::Table => "text",
            Self::Fasta => "FASTA",
        })
    }
}

/// The unpacked bytes of a file, or of an array in an .npz.
pub(super) struct Unpacked {
    pub bytes: FileBytes,
    /// The SHA-256 of the file as it is stored; for an array in an .npz, that of its .npy, and for packed data
    /// that of what was packed.
    pub sha256: String,
    /// The files of a text, if they are several.
    pub files: Files,
}

impl Unpacked {
    /// Reads a file, or for `FILE.npz:NAME` an array in it.
    ///
    /// # Errors
    /// [`Error::Io`], and as [`Unpacked::of`].
    pub fn read(path: &Path) -> Result<Self> {
        let is_plain = |bytes: &[u8]| {
            matches!(Format::of(bytes), Some(Format::Npy | Format::Idx | Format::Packed))
        };
        let read = |file: &Path| match File::open(file) {
            Ok(stream) => FileBytes::of(path, stream, is_plain),
            Err(cause) => Err(Error::reading(path)(cause)),
        };
        // A file whose own name has a colon comes first.
        match npz::split(path).filter(|_| !path.exists()) {
            Some((file, name)) => Self::of(path, read(&file)?, Some(&name)),
            None => Self::of(path, read(path)?, None),
        }
    }

    /// Reads a stream to its end.
    ///
    /// # Errors
    /// [`Error::Io`], and as [`Unpacked::of`].
    pub fn read_from(path: &Path, stream: impl Read) -> Result<Self> {
        Self::of(path, FileBytes::read(path, stream)?, None)
    }

    /// Unpacks the bytes of a file; `array` is the name of an array in it, if one is chosen.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they cannot be unpacked; [`Error::Unsuitable`] if the file has no such
    /// array, or several and none is chosen.
    pub fn of(path: &Path, stored: FileBytes, array: Option<&str>) -> Result<Self> {
        let bytes = unpack(path, &stored)?;
        let sha256 = |bytes: &[u8]| hexadecimal(&Sha256::digest(bytes));
        if npz::is_zip(&bytes) {
            let bytes = npz::array(path, &bytes, array)?;
            let (sha256, bytes) = (sha256(&bytes), FileBytes::Read(bytes));
            return Ok(Self { sha256, bytes, files: Files::default() });
        }
        if array.is_some() {
            let rule = "names an array, but the file is not an .npz archive".to_string();
            return Err(Error::Unsuitable { path: path.into(), rule });
        }
        let sha256 = match Format::of(&bytes) {
            Some(Format::Packed) => packed::verified(path, &bytes)?,
            _ => sha256(&stored),
        };
        let unpacked = match bytes {
            Cow::Owned(bytes) => Some(FileBytes::Read(bytes)),
            Cow::Borrowed(_) => None,
        };
        Ok(Self { bytes: unpacked.unwrap_or(stored), sha256, files: Files::default() })
    }
}

/// How examples are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading<'a> {
    pub encoding: Encoding,
    /// Where they have no values, whatever is stored there.
    pub mask: Option<&'a MissingMask>,
    /// The columns of a table that are read apart.
    pub apart: &'a [Wanted],
    /// What is done where a table lacks columns of the model whose columns the encoding has.
    pub lacked: LackedColumns,
    /// The names of the units of the model, if they have any.
    pub unit_names: Option<&'a [String]>,
    /// Whether the grey levels of a large file stay in it, and are no memory of the process. Only for commands that do
    /// nothing but read: the file may change. A run could compare its size and time at each epoch, but a change through
    /// another map is not in these before it is written back, and one that shortens the file ends the process. So a run
    /// copies the levels, unless they are packed, into a file that is replaced and never changed.
    pub in_place: bool,
}

/// The examples in a file, and the columns that are read apart, if they are there.
///
/// # Errors
/// As [`Dataset::read_masked`] and [`ColumnsApart::of`].
pub(super) fn examples(
    path: &Path,
    file: Unpacked,
    reading: Reading<'_>,
) -> Result<(Dataset, Vec<Option<ColumnApart>>)> {
    let Reading { encoding, mask, apart: wanted, lacked, unit_names, in_place } = reading;
    let bytes = &file.bytes;
    let text = Lined { bytes, files: &file.files };
    let format = Format::of(bytes);
    let apart = match format {
        Some(Format::Table) => {
            let table = Text::of_texts(text);
            table.check_utf8(path)?;
            ColumnsApart::of(path, &table, wanted)?
        }
        Some(Format::Packed) => ColumnsApart::default(),
        _ => Wanted::refuse_any(wanted, path).map(|()| ColumnsApart::default())?,
    };
    let (dataset, apart) = match format {
        // Its errors give the line of a value.
        Some(Format::Table) => match encoding.origin()? {
            Some(origin) => {
                let hidden = Hidden { mask, mark: encoding.missing_value(), lacked };
                category_table::read(path, text, origin, hidden, apart)?
            }
            None => {
                let categories = Some(Remedy::with("categories", "auto"));
                let named = unit_names.map(|names| Named { names, lacked });
                let table = Table::parse(path, text, categories, apart, named)?.hidden_by(mask)?;
                (table.examples(encoding)?, table.apart())
            }
        },
        Some(Format::Fasta) => (fasta::read(path, text, &encoding, mask)?, Vec::new()),
        Some(Format::Packed) => {
            let (dataset, columns) = packed::read(path, bytes, encoding, mask, unit_names)?;
            (dataset, PackedColumn::wanted(&columns, wanted, path)?)
        }
        _ => {
            let array = array(path, bytes)?.hidden_by(mask)?;
            let stays = in_place && matches!(format, Some(Format::Npy | Format::Idx));
            let array = StoredArray { file: stays.then_some(bytes), ..array };
            (array.examples(encoding)?, Vec::new())
        }
    };
    Ok((Dataset { sha256: Some(file.sha256), ..dataset }, apart))
}

/// The array in the bytes of an unpacked file.
///
/// # Errors
/// [`Error::Malformed`] if the file is damaged or of an unknown format; [`Error::Unsuitable`] if it is of
/// a format that cannot be read, or does not hold an array of real numbers.
pub(super) fn array<'a>(path: &'a Path, bytes: &'a [u8]) -> Result<StoredArray<'a>> {
    match Format::of(bytes) {
        Some(Format::Npy) => npy::parse(path, bytes),
        Some(Format::Idx) => idx::parse(path, bytes),
        Some(Format::Png) => Ok(Picture::read(path, bytes)?.into_array(path)),
        Some(Format::Table) => {
            Ok(Table::parse(path, bytes, None, ColumnsApart::default(), None)?.array)
        }
        Some(Format::Packed) => {
            let rule = "holds packed data, but must hold an array of numbers".to_string();
            Err(Error::Unsuitable { path: path.into(), rule })
        }
        Some(Format::Fasta) => {
            let rule = "holds sequences, but must hold an array of numbers".to_string();
            Err(Error::Unsuitable { path: path.into(), rule })
        }
        None => Err(foreign::refusal(path, bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ndarray::array;
    use std::io::Write as _;

    const IDX: &[u8] = &[0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30];

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn digits(stored: &[u8]) -> Result<Dataset> {
        let path = Path::new("digits");
        let file = Unpacked::of(path, FileBytes::Read(stored.to_vec()), None)?;
        Ok(Dataset { sha256: None, ..examples(path, file, Reading::default())?.0 })
    }

    fn error(stored: &[u8]) -> String {
        digits(stored).unwrap_err().to_string()
    }

    #[test]
    fn a_gzipped_file_reads_as_the_file() {
        let expected =
            Dataset::from_bytes_as("digits", array![[10, 20, 30]], Encoding::GreyLevels(255))
                .unwrap();
        assert_eq!(digits(IDX).unwrap(), expected);
        assert_eq!(digits(&gzipped(IDX)).unwrap(), expected);
        let in_two_members = [gzipped(&IDX[..9]), gzipped(&IDX[9..])].concat();
        assert_eq!(digits(&in_two_members).unwrap(), expected);
    }

    #[test]
    fn an_unknown_start_is_shown_with_what_can_be_read() {
        assert_eq!(
            error(b"\x07\x01PNG, no digits"),
            "digits: byte 0: expected data in a format that can be read (IDX, .npy, .npz, tables \
             as text (commas, semicolons, tabs or blanks), FASTA and PNG, each gzipped or not, \
             folders of PNG images, and packed data), found 07 01 50 4e 47 2c"
        );
        assert!(error(b"").ends_with("found an empty file"));
        assert!(error(&gzipped(b"")).ends_with("found an empty file"));
    }

    #[test]
    fn a_damaged_gzip_is_an_error() {
        let whole = gzipped(IDX);
        for length in 2..whole.len() {
            let error = error(&whole[..length]);
            assert!(error.contains("expected whole gzip data, found"), "{length}: {error}");
        }
        assert_eq!(
            error(&whole[..whole.len() - 8]),
            "digits: byte 15: expected whole gzip data, found unexpected end of file"
        );
        let mut flipped = whole.clone();
        let crc = flipped.len() - 8;
        flipped[crc] ^= 1;
        assert_eq!(
            error(&flipped),
            "digits: byte 15: expected whole gzip data, found corrupt gzip stream does not have a \
             matching checksum"
        );
        assert!(error(&[&whole[..], b"more"].concat()).contains("expected whole gzip data"));
    }
}
