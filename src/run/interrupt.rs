//! How a run is asked to stop from outside.

use crate::error::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

/// How long a run has to stop before its user is told that it has heard.
const PATIENCE: Duration = Duration::from_millis(400);

/// How often a second signal is looked for.
const PAUSE: Duration = Duration::from_millis(20);

/// A request to stop after the update that is going on; clones are the same request.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicI32>);

impl Interrupt {
    /// A request that Ctrl-C (SIGINT) and SIGTERM make. A second of these signals ends the program
    /// at once, with exit code 128 + signal. If the first takes a while, `tell` is called with a
    /// text for the user.
    ///
    /// # Errors
    /// [`Error::Io`] if the system gives no handler.
    pub fn on_signals(tell: impl Fn(&str) + Send + 'static) -> Result<Self> {
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
            let mut has_told = false;
            loop {
                if let Some(signal) = signals.pending().next() {
                    std::process::exit(128 + signal);
                }
                if !has_told && start.elapsed() > PATIENCE {
                    tell(
                        "stopping after the update or evaluation that is going on; a second signal \
                          stops at once",
                    );
                    has_told = true;
                }
                std::thread::sleep(PAUSE);
            }
        });
        Ok(interrupt)
    }

    /// Makes the request, as this signal would.
    pub fn raise(&self, signal: i32) {
        self.0.store(signal, Ordering::Relaxed);
    }

    /// The signal that made the request; none before.
    pub fn signal(&self) -> Option<i32> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(signal),
        }
    }
}
