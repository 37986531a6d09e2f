//! A thread that writes files, behind a bounded channel: training never waits for the disk, and
//! never races ahead of it without bound.

use crate::error::{Error, Result};
use crate::whole_file;
use crossbeam::channel::{Sender, bounded};
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::thread::JoinHandle;

/// Writes that may wait.
const QUEUE: usize = 64;

enum Job {
    Append { path: PathBuf, line: String },
    Write { path: PathBuf, contents: Vec<u8> },
}

/// The thread's near end.
#[derive(Debug)]
pub struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Writer {
    /// Starts the thread.
    pub fn start() -> Self {
        let (jobs, queue) = bounded(QUEUE);
        let thread = std::thread::spawn(move || queue.into_iter().try_for_each(Job::run));
        Self { jobs: Some(jobs), thread: Some(thread) }
    }

    /// Appends a line to a file, made if need be, and hands it to the operating system.
    ///
    /// # Errors
    /// What an earlier write met with.
    pub fn append(&mut self, path: PathBuf, line: String) -> Result<()> {
        self.send(Job::Append { path, line })
    }

    /// Writes a whole file: under a temporary name, then renamed.
    ///
    /// # Errors
    /// What an earlier write met with.
    pub fn write(&mut self, path: PathBuf, contents: Vec<u8>) -> Result<()> {
        self.send(Job::Write { path, contents })
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// What the first write that failed met with.
    pub fn finish(mut self) -> Result<()> {
        self.close()
    }

    fn send(&mut self, job: Job) -> Result<()> {
        match &self.jobs {
            // The thread takes no more jobs once one has failed.
            Some(jobs) if jobs.send(job).is_err() => self.close(),
            _ => Ok(()),
        }
    }

    fn close(&mut self) -> Result<()> {
        self.jobs = None;
        let thread = self.thread.take();
        thread.map_or(Ok(()), |thread| thread.join().expect("the writer thread does not panic"))
    }
}

impl Job {
    fn run(self) -> Result<()> {
        match self {
            Self::Append { path, line } => {
                let appended = File::options()
                    .append(true)
                    .create(true)
                    .open(&path)
                    .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
                appended.map_err(|cause| Error::Io { path, action: "write", cause })
            }
            Self::Write { path, contents } => whole_file::write(&path, &contents),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_written_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut writer = Writer::start();
        for line in 0..200 {
            writer.append(path.clone(), line.to_string()).unwrap();
        }
        writer.finish().unwrap();
        let expected: String = (0..200).map(|line| format!("{line}\n")).collect();
        assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
    }

    #[test]
    fn a_write_that_fails_is_told_to_who_sends_next() {
        let mut writer = Writer::start();
        let path = PathBuf::from("/nonexistent/folder/lines");
        let failed = (0..10_000).find_map(|_| writer.append(path.clone(), String::new()).err());
        let error = failed.expect("the queue is bounded").to_string();
        assert!(error.contains("/nonexistent/folder/lines: cannot write"), "{error}");
    }
}
