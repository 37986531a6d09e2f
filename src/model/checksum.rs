//! A checksum inside a file: over all of its bytes, its own place taken as zeros.

use crate::bits::hexadecimal;
use sha2::{Digest as _, Sha256};

/// What stands for the checksum until it is filled in: as many characters as it has.
pub(crate) const PLACE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What stands before it, inside the text of a safetensors file's metadata.
const BEFORE: &[u8] = br#"\"checksum\":\""#;

/// Fills the checksum in.
///
/// # Panics
/// If there is no place for it.
pub(crate) fn fill_in(bytes: &mut [u8]) {
    let at = position(bytes).expect("a place for the checksum");
    let sum = checksum(bytes, at);
    bytes[at..at + PLACE.len()].copy_from_slice(sum.as_bytes());
}

/// Whether there is one: files of the first versions have none.
pub(crate) fn is_in(bytes: &[u8]) -> bool {
    position(bytes).is_some()
}

/// Checks that every byte is as it was when the checksum was filled in.
///
/// # Errors
/// What is wrong.
pub(crate) fn verify(bytes: &[u8]) -> Result<(), String> {
    let at = position(bytes).ok_or("is damaged, or was never whole: it has no checksum")?;
    if checksum(bytes, at).as_bytes() == &bytes[at..at + PLACE.len()] {
        Ok(())
    } else {
        Err("is damaged: its checksum is not that of its contents".to_string())
    }
}

/// Where the checksum begins, if it is all there.
fn position(bytes: &[u8]) -> Option<usize> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let header = &rest[..rest.len().min(usize::try_from(u64::from_le_bytes(*length)).ok()?)];
    let found = header.windows(BEFORE.len()).position(|part| part == BEFORE)?;
    let at = length.len() + found + BEFORE.len();
    (at + PLACE.len() <= bytes.len()).then_some(at)
}

/// SHA-256 in hexadecimal of all bytes, those of the checksum at `at` taken as zeros.
fn checksum(bytes: &[u8], at: usize) -> String {
    let mut hash = Sha256::new();
    hash.update(&bytes[..at]);
    hash.update(PLACE);
    hash.update(&bytes[at + PLACE.len()..]);
    hexadecimal(&hash.finalize())
}
