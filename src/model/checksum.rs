//! A checksum inside a file, over all bytes of the file, with the checksum itself as zeros.

use crate::bits::hexadecimal;
use sha2::{Digest as _, Sha256};

/// The placeholder for the checksum, with the same length.
pub(crate) const PLACE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The text before the checksum in the metadata of a safetensors file.
const BEFORE: &[u8] = br#"\"checksum\":\""#;

/// Replaces the placeholder by the checksum.
///
/// # Panics
/// If there is no placeholder.
pub(crate) fn fill_in(bytes: &mut [u8]) {
    let at = position(bytes).expect("a place for the checksum");
    let sum = checksum(bytes, at);
    bytes[at..at + PLACE.len()].copy_from_slice(sum.as_bytes());
}

/// Whether the file has a checksum. Files of the first versions have none.
pub(crate) fn is_in(bytes: &[u8]) -> bool {
    position(bytes).is_some()
}

/// Checks that no byte has changed since [`fill_in`].
///
/// # Errors
/// A message if the checksum is missing or wrong.
pub(crate) fn verify(bytes: &[u8]) -> Result<(), String> {
    let at = position(bytes).ok_or("is damaged or incomplete: it has no checksum")?;
    if checksum(bytes, at).as_bytes() == &bytes[at..at + PLACE.len()] {
        Ok(())
    } else {
        Err("is damaged: its checksum does not match its contents".to_string())
    }
}

/// The position of the checksum, if the file has a complete one.
fn position(bytes: &[u8]) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let header = &rest[..rest.len().min(usize::try_from(u64::from_le_bytes(*length)).ok()?)];
    let found = header.windows(BEFORE.len()).position(|part| part == BEFORE)?;
    let at = length.len() + found + BEFORE.len();
    (at + PLACE.len() <= bytes.len()).then_some(at)
}

/// SHA-256 in hexadecimal of all bytes, with the checksum at `at` as zeros.
fn checksum(bytes: &[u8], at: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(&bytes[..at]);
    hash.update(PLACE);
    hash.update(&bytes[at + PLACE.len()..]);
    hexadecimal(&hash.finalize())
}
