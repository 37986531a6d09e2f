//! Files that are whole or not there: written under another name, then renamed.
//!
//! That holds for a program that is killed at any instant, and on file systems that keep to POSIX for
//! a machine that loses power: the file is synced before it is renamed, its folder after.

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
        fs::rename(&temporary, path)?;
        sync_folder(path)
    });
    written.map_err(|cause| {
        // It may never have been made: the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        Error::Io { path: PathBuf::from(path), action: "write", cause }
    })
}

/// Makes sure that the name of a file is on the disk. Some systems cannot sync a folder; there it is
/// not done.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match File::open(folder.unwrap_or(Path::new("."))) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}

/// Appends to a file, made if need be: all of `contents` or, if that fails, nothing. A program that is
/// killed meanwhile may leave a part.
///
/// # Errors
/// [`Error::Io`] that names `path`.
pub fn append(path: &Path, contents: &[u8]) -> Result<()> {
    let appended = || -> std::io::Result<()> {
        let mut file = File::options().append(true).create(true).open(path)?;
        let length = file.metadata()?.len();
        file.write_all(contents).inspect_err(|_| drop(file.set_len(length)))
    };
    appended().map_err(|cause| Error::Io { path: path.into(), action: "write", cause })
}

/// Removes a file, if it is there.
///
/// # Errors
/// [`Error::Io`] that names `path`.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.into(), action: "remove", cause })
        }
        _ => Ok(()),
    }
}

/// Takes away what [`write()`] leaves in a folder when its program is killed meanwhile. A folder that
/// is not there has nothing left.
///
/// # Errors
/// [`Error::Io`] that names the file.
pub fn remove_leftovers(folder: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") {
            remove(&path)?;
        }
    }
    Ok(())
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
    fn leftovers_are_taken_away_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".file.17.tmp", "file", "other.tmp", ".lock"] {
            fs::write(folder.path().join(name), "text").unwrap();
        }
        remove_leftovers(folder.path()).unwrap();
        assert!(!folder.path().join(".file.17.tmp").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        remove_leftovers(&folder.path().join("nothing")).unwrap();
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
