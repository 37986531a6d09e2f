//! The folder of a run, and the lock that lets one process at a time work on it.

use super::checkpoints;
use super::config::Session;
use super::files::{CHECKPOINTS, LOCK, METRICS, MODEL, SETTINGS, SNAPSHOTS};
use super::shell::resume_command;
use crate::error::{Error, Result};
use crate::whole_file;
use same_file::Handle;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The number of attempts to take the lock.
const LOCK_ATTEMPTS: usize = 10;

/// The pause between attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The folder of a run on which this process works. Clones share its lock.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// The system releases the lock when the process ends, even by a crash.
    lock: Arc<Handle>,
}

impl Folder {
    /// Creates the folder of a new run: `session.out`, or a new folder in `runs/` named after `name`
    /// and the time.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if it already holds a run, or another process works on it; [`Error::Io`] if
    /// no file can be created in it.
    pub fn create(session: &Session, name: &str) -> Result<Self> {
        let Some(path) = &session.out else { return create_in_runs(name)?.create_parts() };
        check_holds_no_run(path)?;
        fs::create_dir_all(path).map_err(|cause| cannot_create_files(path, cause))?;
        let folder = Self::lock(path.clone())?;
        // Until it was locked, another process may have made a run here.
        check_holds_no_run(path)?;
        folder.create_parts()
    }

    /// Creates the folder of several runs, `out` or a new folder in `runs/` as [`create`](Self::create) names it,
    /// unless `check` refuses what is there.
    ///
    /// # Errors
    /// As [`create`](Self::create), and the error of `check`.
    pub fn create_for_runs(
        out: Option<&Path>,
        name: &str,
        check: impl Fn(&Path) -> Result<()>,
    ) -> Result<Self> {
        let Some(path) = out else { return create_in_runs(name) };
        let check = || check_holds_no_run(path).and_then(|()| check(path));
        check()?;
        fs::create_dir_all(path).map_err(|cause| cannot_create_files(path, cause))?;
        let folder = Self::lock(path.to_path_buf())?;
        check()?;
        Ok(folder)
    }

    /// Opens the folder of several runs.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_for_runs(path: &Path) -> Result<Self> {
        let folder = Self::lock(path.to_path_buf())?;
        whole_file::remove_leftovers(path)?;
        Ok(folder)
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
        folder.create_parts()
    }

    /// Locks the folder. A folder that is not writable fails here, before training starts.
    fn lock(path: PathBuf) -> Result<Self> {
        let lock = File::options().create(true).append(true).open(path.join(LOCK));
        let lock = lock.and_then(Handle::from_file);
        let lock = Arc::new(lock.map_err(|cause| cannot_create_files(&path, cause))?);
        // `harmonium runs` holds the lock for a moment to see whether it is free.
        let is_taken = || matches!(lock.as_file().try_lock(), Err(TryLockError::WouldBlock));
        let is_free = (0..LOCK_ATTEMPTS).any(|attempt| {
            std::thread::sleep(if attempt == 0 { Duration::ZERO } else { LOCK_PAUSE });
            !is_taken()
        });
        // Some file systems have no locks; there, two processes on one run go unnoticed.
        if !is_free {
            let rule = "another process works on this run; wait for it, or stop it".to_string();
            return Err(Error::Unsuitable { path, rule });
        }
        let folder = Self { path, lock };
        folder.check()?;
        Ok(folder)
    }

    /// Creates the subfolders.
    fn create_parts(self) -> Result<Self> {
        for part in [CHECKPOINTS, SNAPSHOTS] {
            let part = self.join(part);
            fs::create_dir_all(&part).map_err(|cause| cannot_create_files(&part, cause))?;
        }
        Ok(self)
    }

    /// Checks that the path still leads to the folder that this process has locked.
    ///
    /// # Errors
    /// [`Error::Replaced`] if the folder was moved or removed, or another one is in its place;
    /// [`Error::Io`] if that cannot be found out.
    pub fn check(&self) -> Result<()> {
        let path = self.join(LOCK);
        match Handle::from_path(&path) {
            Ok(lock) if lock == *self.lock => Ok(()),
            Err(cause) if cause.kind() != ErrorKind::NotFound => {
                Err(Error::Io { path, action: "open", cause })
            }
            _ => Err(Error::Replaced { path: self.path.clone() }),
        }
    }

    /// Lets others work on the run. [`check`](Self::check) still tells whether the path leads to this folder.
    pub fn release(&self) {
        // Without locks there is nothing to release.
        drop(self.lock.as_file().unlock());
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

/// The file that shows that a folder holds a run; `None` if it holds none.
pub fn held_run(path: &Path) -> Option<&'static str> {
    let holds = |file: &str| match file {
        CHECKPOINTS => checkpoints::has_any(&path.join(CHECKPOINTS)),
        file => path.join(file).exists(),
    };
    [SETTINGS, MODEL, METRICS, CHECKPOINTS].into_iter().find(|file| holds(file))
}

/// Refuses a folder that holds a run.
fn check_holds_no_run(path: &Path) -> Result<()> {
    match held_run(path) {
        None => Ok(()),
        Some(file) => {
            let rule = format!(
                "already holds a run ({file}); continue it with `{}`, or choose another folder with \
                 --out",
                resume_command(path)
            );
            Err(Error::Unsuitable { path: path.into(), rule })
        }
    }
}

fn cannot_create_files(path: &Path, cause: std::io::Error) -> Error {
    Error::Io { path: path.into(), action: "create files in", cause }
}

/// A new folder in `runs/`. Runs that start in the same second also get a number.
fn create_in_runs(name: &str) -> Result<Folder> {
    let runs = Path::new("runs");
    let now = stamp(SystemTime::now());
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
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(cannot_create(&folder, cause)),
        }
    }
    unreachable!("the numbers do not end")
}

/// A time for the name of a run: 20260131-235959. A clock that stands where the calendar of `jiff` has no
/// date (beyond the year 9999) gives its seconds since 1970.
fn stamp(now: SystemTime) -> String {
    jiff::Timestamp::try_from(now).map_or_else(
        |_| now.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()).to_string(),
        |now| now.strftime("%Y%m%d-%H%M%S").to_string(),
    )
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

    /// Every thread ends its run at once, so that the next may take the lock.
    #[test]
    fn only_one_of_many_processes_begins_a_run() {
        for _ in 0..20 {
            let parent = tempfile::tempdir().unwrap();
            let path = parent.path().join("run");
            let session = Session { out: Some(path), ..Session::default() };
            let begin = || match Folder::create(&session, "name") {
                Ok(folder) => fs::write(folder.join(SETTINGS), "").is_ok(),
                Err(error) => {
                    let error = error.to_string();
                    let is_known = error.contains("already holds a run")
                        || error.contains("another process works on this run");
                    assert!(is_known, "{error}");
                    false
                }
            };
            let n_winners = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..16).map(|_| scope.spawn(begin)).collect();
                threads
                    .into_iter()
                    .filter_map(|thread| thread.join().unwrap().then_some(()))
                    .count()
            });
            assert_eq!(n_winners, 1);
        }
    }

    #[test]
    fn a_folder_that_was_moved_or_replaced_is_noticed() {
        let parent = tempfile::tempdir().unwrap();
        let [path, elsewhere] = ["run", "elsewhere"].map(|name| parent.path().join(name));
        let session = Session { out: Some(path.clone()), ..Session::default() };
        let folder = Folder::create(&session, "name").unwrap();
        folder.check().unwrap();
        fs::rename(&path, &elsewhere).unwrap();
        let error = folder.check().unwrap_err().to_string();
        assert!(error.contains("run: was moved, removed or replaced"), "{error}");
        let other = Folder::create(&session, "name").unwrap();
        assert!(other.check().is_ok() && folder.check().is_err());
        other.release();
        assert!(!is_locked(&path) && other.check().is_ok());
        fs::rename(&path, parent.path().join("away")).unwrap();
        assert!(other.check().is_err());
    }

    #[test]
    fn a_clock_may_stand_anywhere() {
        let seconds = Duration::from_secs;
        for (now, expected) in [
            (UNIX_EPOCH, "19700101-000000"),
            (UNIX_EPOCH - seconds(1), "19691231-235959"),
            (UNIX_EPOCH + seconds(1_800_000_000), "20270115-080000"),
            (UNIX_EPOCH + seconds(400_000_000_000), "400000000000"),
            (UNIX_EPOCH - seconds(400_000_000_000), "0"),
        ] {
            assert_eq!(stamp(now), expected);
        }
    }
}
