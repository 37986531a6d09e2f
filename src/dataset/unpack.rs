//! Unpacking: the one place where packed data grow.

use super::{idx, npy};
use crate::error::{Error, Result};
use crate::memory::{self, Bytes, Need};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

/// Deflate packs at most 1,032 bytes into one.
pub(super) const MOST_PACKED: usize = 1032;

/// The shape of the data stands in their first bytes.
const LONGEST_HEADER: u64 = 1 << 16;

const GZIP_MAGIC: &[u8] = &[0x1F, 0x8B];

/// Unpacks a gzipped file; the bytes of other files stay as they are.
///
/// # Errors
/// As [`read_packed`].
pub(super) fn unpack<'a>(path: &Path, stored: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    if !stored.starts_with(GZIP_MAGIC) {
        return Ok(stored.into());
    }
    Ok(read_packed(path, "gzip", stored.len(), MultiGzDecoder::new(stored))?.into())
}

/// Reads data that are packed in `n_stored` bytes to their end.
///
/// # Errors
/// [`Error::Malformed`] with the byte of the unpacked data at which unpacking failed;
/// [`Error::OutOfMemory`].
pub(super) fn read_packed(
    path: &Path,
    kind: &str,
    n_stored: usize,
    mut packed: impl Read,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let what = || format!("unpacking {}", path.display());
    let mut read = packed.by_ref().take(LONGEST_HEADER).read_to_end(&mut bytes).map(drop);
    if read.is_ok() {
        // A header may claim anything; what the stored bytes cannot hold is found when they end.
        let claimed = claimed(path, &bytes)
            .filter(|&claimed| claimed <= Bytes(n_stored as u64) * MOST_PACKED);
        memory::check(what, &[Need::new(claimed.unwrap_or_default(), &[])])?;
        read = memory::read_to_end(what, packed, &mut bytes)?;
    }
    match read {
        Ok(()) => Ok(bytes),
        Err(cause) => Err(Error::Malformed {
            path: path.into(),
            offset: bytes.len() as u64,
            expected: format!("whole {kind} data"),
            found: cause.to_string(),
        }),
    }
}

/// The size of the unpacked data, if their header says so.
fn claimed(path: &Path, start: &[u8]) -> Option<Bytes> {
    let array = match start {
        _ if start.starts_with(npy::MAGIC) => npy::parse(path, start),
        _ if start.starts_with(idx::MAGIC) => idx::parse(path, start),
        _ => return None,
    };
    array.ok().map(|array| array.claimed())
}
