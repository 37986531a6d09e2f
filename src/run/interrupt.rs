//! Requests from outside to stop a run, or to write a checkpoint.

use crate::error::{Error, Result};
use crate::watch::Watch;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

/// The time a run has to stop before the user sees a note.
const PATIENCE: Duration = Duration::from_millis(400);

/// The wish of a rank that was asked for a checkpoint. That of one with a signal is larger by its number.
const FIRST_SIGNAL: u32 = 256;

/// A request to stop, or to write a checkpoint after the current update. Clones share their requests.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    /// The signal that asked to stop; 0 before it comes.
    signal: AtomicI32,
    is_raised: AtomicBool,
    checkpoint: AtomicBool,
}

impl Interrupt {
    /// Returns the requests that signals raise:
    ///
    /// | signal | request |
    /// | --- | --- |
    /// | SIGINT (Ctrl-C), SIGTERM | to stop; a second one ends the program at once, with exit code 128 + signal |
    /// | SIGHUP (the terminal is closed) | to stop, unless it was ignored when the program began, as under `nohup` |
    /// | SIGUSR1 | to write a checkpoint and go on |
    ///
    /// If stopping takes a while, `note` is called with a text for the user.
    ///
    /// # Errors
    /// [`Error::Io`] if the signal handler cannot be installed.
    pub fn on_signals(note: impl FnOnce(&str) + Send + 'static) -> Result<Self> {
        let interrupt = Self::default();
        let hangup = is_hangup_heeded().then_some(SIGHUP);
        let signals = [SIGINT, SIGTERM, SIGUSR1].into_iter().chain(hangup);
        let mut signals = Signals::new(signals).map_err(|cause| Error::Io {
            path: PathBuf::from("signals"),
            action: "wait for",
            cause,
        })?;
        let requests = interrupt.clone();
        let mut note = Some(note);
        std::thread::spawn(move || {
            for signal in signals.forever() {
                match (signal, requests.signal()) {
                    (SIGUSR1, _) => requests.request_checkpoint(),
                    (signal, None) => requests.raise(signal),
                    // A terminal that is closed may say so twice: as the system and as the shell.
                    (SIGHUP, Some(_)) => {}
                    (signal, Some(_)) => std::process::exit(128 + signal),
                }
                if requests.signal().is_some()
                    && let Some(note) = note.take()
                {
                    std::thread::spawn(move || {
                        std::thread::sleep(PATIENCE);
                        note("stopping; a second signal stops at once");
                    });
                }
            }
        });
        Ok(interrupt)
    }

    /// Raises the request to stop, as this signal would.
    pub fn raise(&self, signal: i32) {
        self.0.signal.store(signal, Ordering::SeqCst);
        self.0.is_raised.store(true, Ordering::SeqCst);
    }

    /// The watch under which updates and evaluations run.
    pub fn watch(&self) -> Watch<'_> {
        Watch::until(&self.0.is_raised)
    }

    /// The signal that raised the request to stop, if any.
    pub fn signal(&self) -> Option<i32> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }

    /// What a rank wishes because of its signals, for the one that [leads](Self::grant); 0 if none came.
    pub(super) fn wish(&self) -> u32 {
        match self.signal() {
            Some(signal) => FIRST_SIGNAL + signal.unsigned_abs(),
            None if self.take_checkpoint_request() => FIRST_SIGNAL,
            None => 0,
        }
    }

    /// Takes a signal of another rank for its own.
    pub(super) fn grant(&self, wish: u32) {
        match wish.checked_sub(FIRST_SIGNAL) {
            None => {}
            Some(0) => self.request_checkpoint(),
            Some(_) if self.signal().is_some() => {}
            Some(signal) => self.raise(signal as i32),
        }
    }

    /// Asks for a checkpoint after the current update.
    pub fn request_checkpoint(&self) {
        self.0.checkpoint.store(true, Ordering::Relaxed);
    }

    /// Whether anything is asked for.
    pub(super) fn is_asked(&self) -> bool {
        self.signal().is_some() || self.0.checkpoint.load(Ordering::Relaxed)
    }

    /// Whether a checkpoint was asked for since the last call.
    pub fn take_checkpoint_request(&self) -> bool {
        self.0.checkpoint.swap(false, Ordering::Relaxed)
    }
}

/// Whether SIGHUP is to be taken: a program that was started with it ignored, as by `nohup`, goes on
/// ignoring it. Where the system does not tell, nothing is changed: SIGHUP then has the effect with which
/// the program was started.
fn is_hangup_heeded() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (SIGHUP - 1) & 1 == 0)
}
