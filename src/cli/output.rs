//! The output of results: standard output, and arrays in files.

use crate::error::{Error, Result};
use ndarray::{Array, Dimension};
use ndarray_npy::{WritableElement, WriteNpyExt as _};
use std::fmt::Display;
use std::io::Write as _;
use std::path::PathBuf;

/// Prints a result. A reader that closes the pipe early (`| head`) is not an error.
pub fn print(result: impl Display) -> Result<()> {
    match writeln!(std::io::stdout(), "{result}") {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Io { path: PathBuf::from("standard output"), action: "write", cause })
        }
        _ => Ok(()),
    }
}

/// The bytes of an .npy file.
pub fn npy<T: WritableElement, D: Dimension>(array: &Array<T, D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).expect("writing to memory does not fail");
    bytes
}
