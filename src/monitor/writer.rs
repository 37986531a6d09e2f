//! A thread that writes files, behind a bounded channel: training waits for the disk only if the channel
//! is full.

use crate::error::{Error, Result};
use crate::whole_file;
use crossbeam::channel::{Sender, bounded};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The most jobs that may wait; some hold a whole checkpoint.
const QUEUE: usize = 4;

type Job = Box<dyn FnOnce() -> Result<()> + Send>;

/// What must hold when a file is written.
type Check = Arc<dyn Fn() -> Result<()> + Send + Sync>;

/// The sending end of the thread.
pub struct Writer {
    check: Check,
    jobs: Sender<Job>,
    /// The error of the first job that failed, until it is returned. The thread drops all jobs after it.
    failure: Arc<Mutex<Option<Error>>>,
    thread: JoinHandle<()>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread. Before each job, and before a whole file gets its name, it calls `check`, whose
    /// error ends the writing as that of a job does.
    pub fn start(check: impl Fn() -> Result<()> + Send + Sync + 'static) -> Self {
        let check: Check = Arc::new(check);
        let (jobs, queue) = bounded::<Job>(QUEUE);
        let failure = Arc::new(Mutex::new(None));
        let (of_thread, before_jobs) = (failure.clone(), check.clone());
        let thread = std::thread::spawn(move || {
            let mut has_failed = false;
            for job in queue {
                if has_failed {
                    continue;
                }
                if let Err(error) = before_jobs().and_then(|()| job()) {
                    *of_thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    has_failed = true;
                }
            }
        });
        Self { check, jobs, failure, thread }
    }

    /// Runs a job after all that were sent before.
    ///
    /// # Errors
    /// The error of an earlier job.
    pub fn send(&self, job: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        taken(&self.failure)?;
        // Only a panic of the thread closes the channel, which `finish` reports.
        let _ = self.jobs.send(Box::new(job));
        Ok(())
    }

    /// Appends text to a file, creates the file if needed, and hands the text to the operating system.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn append(&self, path: PathBuf, contents: impl Into<Vec<u8>>) -> Result<()> {
        let contents = contents.into();
        self.send(move || whole_file::append(&path, &contents))
    }

    /// Writes a whole file: under a temporary name, then renamed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn write(&self, path: PathBuf, contents: impl Into<Vec<u8>>) -> Result<()> {
        let contents = contents.into();
        let check = self.check.clone();
        self.send(move || whole_file::write_if(&path, &contents, || check()))
    }

    /// Waits until all that was sent is written.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn flush(&self) -> Result<()> {
        let (done, is_done) = bounded(1);
        self.send(move || {
            let _ = done.send(());
            Ok(())
        })?;
        // After a failure the job is dropped, and its end of this channel with it.
        let _ = is_done.recv();
        taken(&self.failure)
    }

    /// Waits until all is written, and ends the thread.
    ///
    /// # Errors
    /// The error of the first job that failed, unless it was returned before.
    pub fn finish(self) -> Result<()> {
        let Self { jobs, failure, thread, .. } = self;
        drop(jobs);
        thread.join().expect("the writer thread does not panic");
        taken(&failure)
    }
}

/// Takes the error of the first job that failed, if there is one.
fn taken(failure: &Mutex<Option<Error>>) -> Result<()> {
    failure.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn lines_are_written_in_the_order_in_which_they_were_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let writer = Writer::start(|| Ok(()));
        for line in 0..200 {
            writer.append(path.clone(), format!("{line}\n")).unwrap();
        }
        writer.finish().unwrap();
        let expected: String = (0..200).map(|line| format!("{line}\n")).collect();
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn a_failed_write_is_returned_once_to_the_next_sender() {
        let writer = Writer::start(|| Ok(()));
        let path = PathBuf::from("/nonexistent/folder/lines");
        let failed = (0..10_000).find_map(|_| writer.append(path.clone(), "").err());
        let error = failed.expect("the queue is bounded").to_string();
        assert!(error.contains("/nonexistent/folder/lines: cannot write"), "{error}");
        writer.finish().unwrap();

        let writer = Writer::start(|| Ok(()));
        writer.write(path.clone(), "").unwrap();
        assert!(writer.finish().unwrap_err().to_string().contains("cannot write"));

        let writer = Writer::start(|| Ok(()));
        writer.flush().unwrap();
        writer.write(path, "").unwrap();
        assert!(writer.flush().unwrap_err().to_string().contains("cannot write"));
    }

    #[test]
    fn nothing_is_written_once_the_check_fails() {
        let folder = tempfile::tempdir().unwrap();
        let n_checks = AtomicUsize::new(0);
        let writer = Writer::start(move || match n_checks.fetch_add(1, Ordering::Relaxed) {
            // Once before the job, once before the name.
            0 | 1 => Ok(()),
            _ => Err(Error::Replaced { path: "run".into() }),
        });
        for name in ["first", "second", "third"] {
            // The second may have failed before the third is sent.
            let _ = writer.write(folder.path().join(name), "text");
        }
        drop(writer.finish());
        let names =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), ["first"]);
    }
}
