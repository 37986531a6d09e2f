//! Requests to stop a run from outside.

use crate::error::{Error, Result};
use crate::watch::Watch;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// The time a run has to stop before the user sees a note.
const PATIENCE: Duration = Duration::from_millis(400);

/// The interval at which a second signal is looked for.
const PAUSE: Duration = Duration::from_millis(20);

/// A request to stop. Clones share one request.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Request>);

#[derive(Debug, Default)]
struct Request {
    /// The signal; 0 before it comes.
    signal: AtomicI32,
    is_raised: AtomicBool,
}

impl Interrupt {
    /// Returns a request that Ctrl-C (SIGINT) or SIGTERM raises. A second signal ends the program at
    /// once, with exit code 128 + signal. If stopping takes a while, `note` is called with a text for
    /// the user.
    ///
    /// # Errors
    /// [`Error::Io`] if the signal handler cannot be installed.
    pub fn on_signals(note: impl Fn(&str) + Send + 'static) -> Result<Self> {
        let interrupt = Self::default();
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(|cause| Error::Io {
            path: PathBuf::from("signals"),
            action: "wait for",
            cause,
        })?;
        let raised = interrupt.clone();
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                raised.raise(signal);
            }
            let start = Instant::now();
            let mut has_noted = false;
            loop {
                if let Some(signal) = signals.pending().next() {
                    std::process::exit(128 + signal);
                }
                if !has_noted && start.elapsed() > PATIENCE {
                    note("stopping; a second signal stops at once");
                    has_noted = true;
                }
                std::thread::sleep(PAUSE);
            }
        });
        Ok(interrupt)
    }

    /// Raises the request, as this signal would.
    pub fn raise(&self, signal: i32) {
        self.0.signal.store(signal, Ordering::SeqCst);
        self.0.is_raised.store(true, Ordering::SeqCst);
    }

    /// The watch under which updates and evaluations run.
    pub fn watch(&self) -> Watch<'_> {
        Watch::until(&self.0.is_raised)
    }

    /// The signal that raised the request, if any.
    pub fn signal(&self) -> Option<i32> {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => None,
            signal => Some(signal),
        }
    }
}
