//! How a run is asked to stop from outside.

use crate::error::{Error, Result};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A request to stop after the update that is going on; clones are the same request.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// A request that Ctrl-C (SIGINT) and SIGTERM make. A second of these signals ends the program
    /// at once, with exit code 128 + signal.
    ///
    /// # Errors
    /// [`Error::Io`] if the system gives no handler.
    pub fn on_signals() -> Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;
        let interrupt = Self::default();
        let is_second = Arc::new(AtomicBool::new(false));
        let register = |signal: i32| -> std::io::Result<()> {
            // In this order: the first signal finds no flag, then sets it.
            flag::register_conditional_shutdown(signal, 128 + signal, is_second.clone())?;
            flag::register(signal, is_second.clone())?;
            flag::register_usize(signal, interrupt.0.clone(), signal as usize)?;
            Ok(())
        };
        for signal in [SIGINT, SIGTERM] {
            register(signal).map_err(|cause| Error::Io {
                path: PathBuf::from("signals"),
                action: "wait for",
                cause,
            })?;
        }
        Ok(interrupt)
    }

    /// Makes the request, as this signal would.
    pub fn raise(&self, signal: i32) {
        self.0.store(signal as usize, Ordering::Relaxed);
    }

    /// The signal that made the request; none before.
    pub fn signal(&self) -> Option<i32> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(signal as i32),
        }
    }
}
