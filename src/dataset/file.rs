//! Reading a file of examples: its first bytes, not its name, decide the format.

use super::{Dataset, Encoding, idx, npy};
use crate::error::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read as _;
use std::path::Path;

const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];

/// Reads the examples in the bytes `stored` of a file.
///
/// # Errors
/// As [`Dataset::read_as`].
pub(super) fn decode(path: &Path, stored: &[u8], encoding: Encoding) -> Result<Dataset> {
    let bytes = &unpack(path, stored)?;
    if bytes.starts_with(npy::MAGIC) {
        return npy::parse(path, bytes)?.examples(encoding);
    }
    if bytes.starts_with(idx::MAGIC) {
        return idx::parse(path, bytes)?.examples(encoding);
    }
    let expected = "the start of an IDX file (00 00) or a .npy file (93 4e 55 4d 50 59)".into();
    Err(Error::Malformed { path: path.into(), offset: 0, expected, found: start_of(bytes) })
}

/// The first bytes of a file, for messages.
pub(super) fn start_of(bytes: &[u8]) -> String {
    let start: Vec<_> = bytes.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    if start.is_empty() { "an empty file".into() } else { start.join(" ") }
}

/// Unpacks a gzipped file; the bytes of other files stay as they are.
///
/// # Errors
/// [`Error::Malformed`] with the byte of the unpacked file at which unpacking failed.
pub(super) fn unpack<'a>(path: &Path, stored: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    if !stored.starts_with(GZIP_MAGIC) {
        return Ok(stored.into());
    }
    let mut bytes = Vec::new();
    match MultiGzDecoder::new(stored).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes.into()),
        Err(cause) => Err(Error::Malformed {
            path: path.into(),
            offset: bytes.len() as u64,
            expected: "whole gzip data".into(),
            found: cause.to_string(),
        }),
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
        decode(Path::new("digits"), stored, Encoding::Undeclared)
    }

    fn error(stored: &[u8]) -> String {
        digits(stored).unwrap_err().to_string()
    }

    #[test]
    fn a_gzipped_file_reads_as_the_file() {
        let expected = Dataset::from_bytes("digits", array![[10, 20, 30]]);
        assert_eq!(digits(IDX).unwrap(), expected);
        assert_eq!(digits(&gzipped(IDX)).unwrap(), expected);
        let in_two_members = [gzipped(&IDX[..9]), gzipped(&IDX[9..])].concat();
        assert_eq!(digits(&in_two_members).unwrap(), expected);
    }

    #[test]
    fn an_unknown_start_is_shown() {
        assert_eq!(
            error(b"PNG, no digits"),
            "digits: byte 0: expected the start of an IDX file (00 00) or a .npy file \
             (93 4e 55 4d 50 59), found 50 4e 47 2c 20 6e"
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
