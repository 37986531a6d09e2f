//! Files that are whole or not there: written under another name, then renamed.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes a file so that, whatever happens meanwhile, `path` holds all of `contents` or what it
/// held before.
///
/// # Errors
/// [`Error::Io`] that names `path`; no temporary file is left behind.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    });
    written.map_err(|cause| {
        // It may never have been made: the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        Error::Io { path: PathBuf::from(path), action: "write", cause }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        let error = write(&taken, b"text").unwrap_err().to_string();
        assert!(error.contains("taken: cannot write"), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"a longer text").unwrap();
        write(&path, b"short").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }
}
