//! Files that are either whole or absent: they are written under another name, then renamed.
//!
//! This holds if the program is killed at any instant and, on POSIX file systems, if the computer
//! loses power: the file is synced before the renaming, its folder after.
//!
//! A path may lead elsewhere than to a file of its own:
//!
//! | the path is | then |
//! | --- | --- |
//! | a symbolic link | the file to which it leads is replaced; the link stays |
//! | a device, a pipe, or an open file such as `/dev/stdout` or `/dev/fd/3` | the contents are written to it directly |
//! | a file without permission to write | it is refused |
//! | one of several names of a file (hard links) | this name gets the new file; the others keep the old contents |
//!
//! A file that is replaced keeps its mode and, where the system allows it, its owner.

use crate::error::{Error, Result};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The largest number of symbolic links that are followed.
const MOST_LINKS: usize = 40;

/// Writes a file so that `path` always holds either all of `contents` or its old contents.
///
/// # Errors
/// [`Error::Io`] with `path`. No temporary file is left behind.
pub fn write(path: &Path, contents: &[u8]) -> Result<()> {
    write_if(path, contents, || Ok(()))
}

/// Writes a file as [`write()`] does, unless `check` fails, which is called at the last moment: the
/// contents are on the disk, and only the name is missing.
///
/// # Errors
/// As [`write()`], and the error of `check`.
pub fn write_if(path: &Path, contents: &[u8], check: impl FnOnce() -> Result<()>) -> Result<()> {
    write_checked(path, |file| file.write_all(contents), check)
}

/// Writes a file as [`write()`] does, piece by piece: `contents` writes what need not be in memory at once.
///
/// # Errors
/// As [`write()`].
pub fn write_by(
    path: &Path,
    contents: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
) -> Result<()> {
    write_checked(path, contents, || Ok(()))
}

fn write_checked(
    path: &Path,
    contents: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    check: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let failed = |cause| Error::Io { path: path.into(), action: "write", cause };
    match Target::of(path) {
        Target::Stream => {
            check()?;
            let stream = File::options().append(true).open(path);
            stream.and_then(|mut stream| contents(&mut stream)).map_err(failed)
        }
        Target::File(path) => {
            let draft = Draft::write(&path, |file| contents(file)).map_err(failed)?;
            check()?;
            draft.publish(&path).map_err(failed)
        }
    }
}

/// The file whose contents [`write()`] would replace: it exists and is not empty.
pub fn replaced_by(path: &Path) -> Option<Metadata> {
    match Target::of(path) {
        Target::Stream => None,
        Target::File(path) => fs::metadata(path).ok().filter(|file| file.len() > 0),
    }
}

/// Whether [`write()`] would write to an open file, a device or a pipe, and not to a file of its own.
pub fn is_stream(path: &Path) -> bool {
    matches!(Target::of(path), Target::Stream)
}

/// Where a path leads.
enum Target {
    /// To a file that is, or will be, at this path, which is no symbolic link.
    File(PathBuf),
    /// To something that takes bytes as they come.
    Stream,
}

impl Target {
    fn of(path: &Path) -> Self {
        let mut path = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            if is_open_file(&path) {
                return Self::Stream;
            }
            match fs::read_link(&path) {
                Ok(link) => path = folder_of(&path).join(link),
                Err(_) => break,
            }
        }
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() && !found.is_dir() => Self::Stream,
            _ => Self::File(path),
        }
    }
}

/// Whether a path names an open file of a process, such as `/dev/fd/3`. On Linux these are symbolic
/// links, but only the open file, not the file of that name, may be written: a shell has redirected it.
fn is_open_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    cfg!(unix)
        && name.iter().all(u8::is_ascii_digit)
        && folder_of(path).canonicalize().is_ok_and(|folder| {
            folder.ends_with("fd") && (folder.starts_with("/proc") || folder.starts_with("/dev"))
        })
}

/// The folder that contains a file.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file under a temporary name, which is removed unless it gets its own name.
struct Draft {
    temporary: PathBuf,
    is_published: bool,
}

impl Draft {
    /// Writes the file that is to have the name `path`, with what `contents` writes.
    fn write(path: &Path, contents: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<Self> {
        let old = match File::options().append(true).open(path) {
            Ok(old) => Some(old.metadata()?),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(cause),
        };
        let (temporary, mut file) = create_beside(path, old.as_ref())?;
        let draft = Self { temporary, is_published: false };
        contents(&mut file)?;
        if let Some(old) = &old {
            keep_owner_and_mode(&file, old)?;
        }
        file.sync_all()?;
        Ok(draft)
    }

    /// Gives it its name.
    fn publish(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.temporary, path)?;
        self.is_published = true;
        sync_folder(folder_of(path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Once it has its own name, the temporary name may be that of the file of another thread.
        if !self.is_published {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Creates a temporary file in the folder of `path`, which nobody can read who cannot read the old file.
/// Its name is short, as that of `path` may have the largest length.
fn create_beside(path: &Path, old: Option<&Metadata>) -> io::Result<(PathBuf, File)> {
    let mut options = File::options();
    options.write(true).create_new(true);
    restrict(&mut options, old);
    let process = std::process::id();
    for n in 0_u64.. {
        let temporary = folder_of(path).join(format!(".harmonium-{process}-{n}.tmp"));
        match options.open(&temporary) {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (temporary, file)),
        }
    }
    unreachable!("the numbers do not end")
}

#[cfg(unix)]
fn restrict(options: &mut OpenOptions, old: Option<&Metadata>) {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
    if let Some(old) = old {
        options.mode(old.mode() & 0o777);
    }
}

#[cfg(not(unix))]
fn restrict(_: &mut OpenOptions, _: Option<&Metadata>) {}

#[cfg(unix)]
fn keep_owner_and_mode(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // Only root may give a file away; the mode is kept in any case.
        let _ = fchown(file, Some(old.uid()), Some(old.gid()));
    }
    file.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn keep_owner_and_mode(file: &File, old: &Metadata) -> io::Result<()> {
    file.set_permissions(old.permissions())
}

/// Syncs a folder, so that the names in it are on the disk. Systems that cannot sync a folder skip this.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder) {
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
    let appended = || -> io::Result<()> {
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
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
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
    fn a_check_that_fails_at_the_last_moment_leaves_the_old_contents() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"old").unwrap();
        let check = || {
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "too early");
            Err(Error::Replaced { path: "run".into() })
        };
        let error = write_if(&path, b"new", check).unwrap_err();
        assert!(matches!(error, Error::Replaced { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        // The first is of an earlier version.
        for name in [".file.17.tmp", ".harmonium-17-0.tmp", "file", "other.tmp", ".lock"] {
            fs::write(folder.path().join(name), "text").unwrap();
        }
        remove_leftovers(folder.path()).unwrap();
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.collect();
        names.sort();
        assert_eq!(names, [".lock", "file", "other.tmp"]);
        remove_leftovers(&folder.path().join("nothing")).unwrap();
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"a longer text").unwrap();
        write(&path, b"short").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// Two programs in containers may have the same process number.
    #[test]
    fn the_temporary_file_of_another_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join(format!(".harmonium-{}-0.tmp", std::process::id()));
        fs::write(&other, "other").unwrap();
        write(&folder.path().join("file"), b"text").unwrap();
        assert_eq!(fs::read(other).unwrap(), b"other");
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

        #[test]
        fn a_symbolic_link_is_followed_and_stays() {
            let folder = tempfile::tempdir().unwrap();
            let [inner, link, chain] =
                ["inner", "link", "chain"].map(|name| folder.path().join(name));
            fs::create_dir(&inner).unwrap();
            symlink("inner/file", &link).unwrap();
            symlink(&link, &chain).unwrap();
            // It is first a link to nothing.
            for (path, text) in [(&link, "first"), (&chain, "second")] {
                write(path, text.as_bytes()).unwrap();
                assert!(path.is_symlink());
                assert_eq!(fs::read_to_string(inner.join("file")).unwrap(), text);
            }
            assert_eq!(fs::read_dir(&inner).unwrap().count(), 1);
            symlink("ring", folder.path().join("ring")).unwrap();
            let error = write(&folder.path().join("ring"), b"text").unwrap_err().to_string();
            assert!(error.contains("ring: cannot write"), "{error}");
        }

        #[test]
        fn a_device_is_written_to_and_stays() {
            for name in ["null", "full"] {
                let device = Path::new("/dev").join(name);
                if !device.exists() {
                    continue;
                }
                let before = fs::metadata(&device).unwrap().ino();
                // Nothing fits on a full device.
                assert_eq!(write(&device, b"text").is_ok(), name == "null");
                assert!(is_stream(&device) && replaced_by(&device).is_none());
                assert_eq!(fs::metadata(&device).unwrap().ino(), before);
            }
        }

        #[test]
        fn a_pipe_takes_the_contents_and_stays() {
            let folder = tempfile::tempdir().unwrap();
            let pipe = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            let reader = std::thread::spawn({
                let pipe = pipe.clone();
                move || fs::read(pipe).unwrap()
            });
            write(&pipe, b"text").unwrap();
            assert_eq!(reader.join().unwrap(), b"text");
            assert!(!fs::metadata(pipe).unwrap().is_file());
        }

        /// A shell has redirected it to a file; that file is not replaced.
        #[cfg(target_os = "linux")]
        #[test]
        fn an_open_file_is_written_to() {
            use std::os::fd::AsRawFd as _;
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            fs::write(&path, "before ").unwrap();
            let open = File::options().append(true).open(&path).unwrap();
            for alias in ["/dev/fd", "/proc/self/fd"] {
                write(&Path::new(alias).join(open.as_raw_fd().to_string()), b"text ").unwrap();
            }
            assert_eq!(open.metadata().unwrap().ino(), fs::metadata(&path).unwrap().ino());
            assert_eq!(fs::read(&path).unwrap(), b"before text text ");
        }

        #[test]
        fn the_mode_of_a_file_is_kept_and_a_protected_file_is_refused() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            for mode in [0o600, 0o666, 0o751] {
                fs::write(&path, "text").unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                write(&path, b"other").unwrap();
                assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, mode);
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
            // Nothing is protected from root.
            let is_protected = File::options().append(true).open(&path).is_err();
            assert_eq!(write(&path, b"new").is_err(), is_protected);
            let expected: &[u8] = if is_protected { b"other" } else { b"new" };
            assert_eq!(fs::read(&path).unwrap(), expected);
        }

        #[test]
        fn the_other_names_of_a_file_keep_its_old_contents() {
            let folder = tempfile::tempdir().unwrap();
            let [path, other] = ["file", "other"].map(|name| folder.path().join(name));
            fs::write(&path, "old").unwrap();
            fs::hard_link(&path, &other).unwrap();
            write(&path, b"new").unwrap();
            assert_eq!(
                (fs::read(path).unwrap(), fs::read(other).unwrap()),
                (b"new".into(), b"old".into())
            );
        }

        #[cfg(target_os = "linux")]
        #[test]
        fn a_name_may_be_of_any_bytes_and_of_the_largest_length() {
            use std::os::unix::ffi::OsStrExt as _;
            let folder = tempfile::tempdir().unwrap();
            for name in [&[b'n'; 255][..], &[0xff; 255], b"\xff.npy"] {
                let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
                write(&path, b"text").unwrap();
                assert_eq!(fs::read(path).unwrap(), b"text");
            }
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        }
    }
}
