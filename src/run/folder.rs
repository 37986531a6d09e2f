//! The folder of a run, and the lock that lets one process at a time work on it.

use super::checkpoints;
use super::config::Session;
use super::files::{CHECKPOINTS, LOCK, METRICS, MODEL, SETTINGS, SNAPSHOTS};
use crate::error::{Error, Result};
use crate::whole_file;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The number of attempts to take the lock.
const LOCK_ATTEMPTS: usize = 10;

/// The pause between attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The folder of a run on which this process works.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The system releases the lock when the process ends, even by a crash.
    _lock: File,
}

impl Folder {
    /// Creates the folder of a new run: `session.out`, or a new folder in `runs/` named after `name`
    /// and the time.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if it already holds a run; [`Error::Io`] if no file can be created in it.
    pub fn create(session: &Session, name: &str) -> Result<Self> {
        let Some(path) = &session.out else { return create_in_runs(name) };
        let holds = |file: &str| match file {
            CHECKPOINTS => checkpoints::has_any(&path.join(CHECKPOINTS)),
            file => path.join(file).exists(),
        };
        for file in [SETTINGS, MODEL, METRICS, CHECKPOINTS] {
            if holds(file) {
                let rule = format!(
                    "already holds a run ({file}); continue it with `{}`, or choose another folder \
                     with --out",
                    resume_command(path)
                );
                return Err(Error::Unsuitable { path: path.clone(), rule });
            }
        }
        fs::create_dir_all(path).map_err(|cause| cannot_create_files(path, cause))?;
        Self::lock(path.clone())
    }

    /// Opens the folder of a run that is to be continued.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if it holds no run, or another process works on it; [`Error::Io`] if no
    /// file can be created in it.
    pub fn open(path: &Path) -> Result<Self> {
        if !path.join(SETTINGS).exists() && !checkpoints::has_any(&path.join(CHECKPOINTS)) {
            let rule = match (path.is_dir(), path.join(LOCK).exists()) {
                (_, true) => "holds a run that never started; run `harmonium train` again",
                (true, _) => "does not hold a run; `harmonium runs` lists the runs",
                (false, _) => "is not a folder; `harmonium runs` lists the runs",
            };
            return Err(Error::Unsuitable { path: path.into(), rule: rule.to_string() });
        }
        let folder = Self::lock(path.to_path_buf())?;
        for part in [path.to_path_buf(), folder.join(CHECKPOINTS), folder.join(SNAPSHOTS)] {
            whole_file::remove_leftovers(&part)?;
        }
        Ok(folder)
    }

    /// Locks the folder and creates its subfolders. A folder that is not writable fails here, before
    /// training starts.
    fn lock(path: PathBuf) -> Result<Self> {
        let lock = File::options().create(true).append(true).open(path.join(LOCK));
        let lock = lock.map_err(|cause| cannot_create_files(&path, cause))?;
        // `harmonium runs` holds the lock for a moment to see whether it is free.
        let is_taken = || matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
        let is_free = (0..LOCK_ATTEMPTS).any(|attempt| {
            std::thread::sleep(if attempt == 0 { Duration::ZERO } else { LOCK_PAUSE });
            !is_taken()
        });
        // Some file systems have no locks; there, two processes on one run go unnoticed.
        if !is_free {
            let rule = "another process works on this run; wait for it, or stop it".to_string();
            return Err(Error::Unsuitable { path, rule });
        }
        for part in [CHECKPOINTS, SNAPSHOTS] {
            let part = path.join(part);
            fs::create_dir_all(&part).map_err(|cause| cannot_create_files(&part, cause))?;
        }
        Ok(Self { path, _lock: lock })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of the file `name` in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// Whether a process works on the run in a folder.
pub fn is_locked(path: &Path) -> bool {
    let lock = File::open(path.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The command that continues the run in a folder.
pub fn resume_command(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || "/._-+".contains(c));
    let path = if path.starts_with('-') { format!("./{path}") } else { path };
    let path = if is_plain { path } else { format!("'{}'", path.replace('\'', r"'\''")) };
    format!("harmonium resume {path}")
}

fn cannot_create_files(path: &Path, cause: std::io::Error) -> Error {
    Error::Io { path: path.into(), action: "create files in", cause }
}

/// A new folder in `runs/`. Runs that start in the same second also get a number.
fn create_in_runs(name: &str) -> Result<Folder> {
    let runs = Path::new("runs");
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    let cannot_create =
        |path: &Path, cause| Error::Io { path: path.into(), action: "create", cause };
    fs::create_dir_all(runs).map_err(|cause| cannot_create(runs, cause))?;
    for attempt in 1.. {
        let folder = match attempt {
            1 => runs.join(format!("{name}-{now}")),
            _ => runs.join(format!("{name}-{now}-{attempt}")),
        };
        match fs::create_dir(&folder) {
            Ok(()) => return Folder::lock(folder),
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(cannot_create(&folder, cause)),
        }
    }
    unreachable!("the numbers do not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_locked_while_a_process_works_on_it() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let session = Session { out: Some(path.clone()), ..Session::default() };
        let folder = Folder::create(&session, "name").unwrap();
        fs::write(folder.join(SETTINGS), "").unwrap();
        assert!(is_locked(&path));
        let error = Folder::open(&path).unwrap_err().to_string();
        assert!(error.contains("another process works on this run"), "{error}");
        drop(folder);
        assert!(!is_locked(&path));
        let error = Folder::create(&session, "name").unwrap_err().to_string();
        assert!(error.contains("already holds a run (config.toml); continue it with"), "{error}");
        Folder::open(&path).unwrap();
    }

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        assert_eq!(resume_command(Path::new("runs/a-1.5")), "harmonium resume runs/a-1.5");
        assert_eq!(resume_command(Path::new("it's")), r"harmonium resume 'it'\''s'");
    }
}
