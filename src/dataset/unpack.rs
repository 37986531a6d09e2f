//! Unpacking: the one place where packed data grow.

use crate::error::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];

/// Unpacks a gzipped file; the bytes of other files stay as they are.
///
/// # Errors
/// As [`read_packed`].
pub(super) fn unpack<'a>(path: &Path, stored: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    if !stored.starts_with(GZIP_MAGIC) {
        return Ok(stored.into());
    }
    Ok(read_packed(path, "gzip", MultiGzDecoder::new(stored))?.into())
}

/// Reads packed data to their end.
///
/// # Errors
/// [`Error::Malformed`] with the byte of the unpacked data at which unpacking failed.
pub(super) fn read_packed(path: &Path, kind: &str, mut packed: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match packed.read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(cause) => Err(Error::Malformed {
            path: path.into(),
            offset: bytes.len() as u64,
            expected: format!("whole {kind} data"),
            found: cause.to_string(),
        }),
    }
}
