//! Files that are either whole or absent: they are written under another name, then renamed.
//!
//! This holds if the program is killed at any instant and, on POSIX file systems, if the computer
//! loses power: the file is synced before the renaming, its folder after.

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes a file so that `path` always holds either all of `contents` or its old contents.
///
/// # Errors
/// [`Error::Io`] with `path`. No temporary file is left behind.
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
        // The temporary file may not exist. The first error is the one to report.
        let _ = fs::remove_file(&temporary);
        Error::Io { path: PathBuf::from(path), action: "write", cause }
    })
}

/// Syncs the folder of a file, so that its name is on the disk. Systems that cannot sync a folder
/// skip this.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    match File::open(folder.unwrap_or(Path::new("."))) {
        Ok(folder) if cfg!(unix) => folder.sync_all(),
        _ => Ok(()),
    }
}

/// Appends `contents` to a file, which is created if it does not exist. An error leaves the file
/// as it was. A program killed during the call may leave a part of `contents`.
///
/// # Errors
/// [`Error::Io`] with `path`.
pub fn append(path: &Path, contents: &[u8]) -> Result<()> {
    let appended = || -> std::io::Result<()> {
        let mut file = File::options().append(true).create(true).open(path)?;
        let length = file.metadata()?.len();
        file.write_all(contents).inspect_err(|_| drop(file.set_len(length)))
    };
    appended().map_err(|cause| Error::Io { path: path.into(), action: "write", cause })
}

/// Removes a file if it exists.
///
/// # Errors
/// [`Error::Io`] with `path`.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { path: path.into(), action: "remove", cause })
        }
        _ => Ok(()),
    }
}

/// Removes the temporary files that a killed [`write()`] has left in a folder. The folder need not
/// exist.
///
/// # Errors
/// [`Error::Io`] with the path of the file.
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
    fn leftovers_are_removed_and_nothing_else() {
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
