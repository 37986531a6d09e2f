//! The output of results: standard output, and arrays in files.

use crate::error::{Error, Result};
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::whole_file;
use clap::Args;
use ndarray::{Array, Dimension};
use ndarray_npy::{WritableElement, WriteNpyExt as _};
use std::fmt::Display;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Prints a result. A reader that closes the pipe early (`| head`) is not an error.
pub fn print(result: impl Display) -> Result<()> {
    print_line(result.to_string().as_bytes())
}

/// Prints a path as it is, even if it is not UTF-8, so that other commands find it.
pub fn print_path(path: &Path) -> Result<()> {
    print_line(path.as_os_str().as_encoded_bytes())
}

fn print_line(line: &[u8]) -> Result<()> {
    match std::io::stdout().write_all(&[line, b"\n"].concat()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Io { path: PathBuf::from("standard output"), action: "write", cause })
        }
        _ => Ok(()),
    }
}

/// The rule for all files that a command writes where the user says: a file that exists is not replaced
/// unless the user asks for it. Results that belong into the folder of a run are renewed there.
#[derive(Debug, Args)]
pub struct Overwrite {
    /// Replace the output file if it exists
    #[arg(long)]
    overwrite: bool,
}

impl Overwrite {
    /// Refuses, before the work begins, a file that would be replaced.
    ///
    /// # Errors
    /// [`Error::Unsuitable`].
    pub fn check(&self, path: &Path) -> Result<()> {
        let Some(old) = whole_file::replaced_by(path) else { return Ok(()) };
        if !self.overwrite {
            let rule =
                "exists already; give another path, or replace it with --overwrite".to_string();
            return Err(Error::Unsuitable { path: path.into(), rule });
        }
        if old.nlink() > 1 {
            let text = "has several names (hard links); the others keep the old contents";
            note(LogFormat::Text, &format!("{}: {text}", path.display()));
        }
        Ok(())
    }
}

/// The bytes of an .npy file.
pub fn npy<T: WritableElement, D: Dimension>(array: &Array<T, D>) -> Vec<u8> {
    let mut bytes = Vec::new();
    array.write_npy(&mut bytes).expect("writing to memory does not fail");
    bytes
}
