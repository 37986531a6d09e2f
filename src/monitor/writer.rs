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

/// The sending end of the thread.
#[derive(Debug)]
pub struct Writer {
    jobs: Sender<Job>,
    /// The error of the first job that failed. The thread takes no job after it.
    failure: Arc<Mutex<Option<Error>>>,
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts the thread.
    pub fn start() -> Self {
        let (jobs, queue) = bounded::<Job>(QUEUE);
        let failure = Arc::new(Mutex::new(None));
        let of_thread = failure.clone();
        let thread = std::thread::spawn(move || {
            if let Err(error) = queue.into_iter().try_for_each(|job| job()) {
                *of_thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        Self { jobs, failure, thread }
    }

    /// Runs a job after all that were sent before.
    ///
    /// # Errors
    /// The error of an earlier job.
    pub fn send(&self, job: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
        if self.jobs.send(Box::new(job)).is_ok() {
            return Ok(());
        }
        // The thread drops the queue only after a failure, which is returned once.
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
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
        self.send(move || whole_file::write(&path, &contents))
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// The error of the first job that failed, unless it was returned before.
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
    fn lines_are_written_in_the_order_in_which_they_were_sent() {
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
    fn a_failed_write_is_returned_once_to_the_next_sender() {
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
