//! A thread that writes files, behind a bounded channel: training never waits for the disk, and
//! never races ahead of it without bound.

use crate::error::{Error, Result};
use crate::whole_file;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Jobs that may wait; some hold a whole checkpoint.
const QUEUE: usize = 4;

type Job = Box<dyn FnOnce() -> Result<()> + Send>;

/// The thread's near end.
#[derive(Debug)]
pub struct Writer {
    jobs: SyncSender<Job>,
    /// What the first job that failed met with; the thread takes no more after it.
    failure: Arc<Mutex<Option<Error>>>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread.
    pub fn start() -> Self {
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let failure = Arc::new(Mutex::new(None));
        let met = failure.clone();
        let thread = std::thread::spawn(move || {
            if let Err(error) = queue.into_iter().try_for_each(|job| job()) {
                *met.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        Self { jobs, failure, thread }
    }

    /// Does something after all that was sent before.
    ///
    /// # Errors
    /// What an earlier job met with.
    pub fn send(&self, job: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        if self.jobs.send(Box::new(job)).is_ok() {
            return Ok(());
        }
        // The thread has let go of the queue, which it does only after a failure. That is told once.
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }

    /// Appends text to a file, made if need be, and hands it to the operating system.
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
        self.send(move || whole_file::write(&path, &contents))
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// What the first job that failed met with, unless that was told before.
    pub fn finish(self) -> Result<()> {
        drop(self.jobs);
        self.thread.join().expect("the writer thread does not panic");
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_written_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let writer = Writer::start();
        for line in 0..200 {
            writer.append(path.clone(), format!("{line}\n")).unwrap();
        }
        writer.finish().unwrap();
        let expected: String = (0..200).map(|line| format!("{line}\n")).collect();
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn a_write_that_fails_is_told_to_who_sends_next_and_once() {
        let writer = Writer::start();
        let path = PathBuf::from("/nonexistent/folder/lines");
        let failed = (0..10_000).find_map(|_| writer.append(path.clone(), "").err());
        let error = failed.expect("the queue is bounded").to_string();
        assert!(error.contains("/nonexistent/folder/lines: cannot write"), "{error}");
        writer.finish().unwrap();

        let writer = Writer::start();
        writer.write(path, "").unwrap();
        assert!(writer.finish().unwrap_err().to_string().contains("cannot write"));
    }
}
