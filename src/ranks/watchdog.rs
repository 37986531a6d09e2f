//! Notices that a call has not returned for too long, as when another rank or the network is gone.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The calls that are watched. They come one at a time.
#[derive(Debug)]
pub struct Watchdog {
    /// When the present call began.
    since: Arc<Mutex<Option<Instant>>>,
}

impl Watchdog {
    /// Calls `bark` on a thread of its own once a call has not returned for `limit`. The thread ends with the watchdog.
    pub fn new(limit: Duration, bark: impl FnOnce() + Send + 'static) -> Self {
        let since = Arc::new(Mutex::new(None));
        let watched = Arc::downgrade(&since);
        let pause = (limit / 10).min(Duration::from_secs(1));
        thread::spawn(move || {
            while let Some(since) = watched.upgrade() {
                let since = *since.lock().unwrap_or_else(PoisonError::into_inner);
                if since.is_some_and(|since: Instant| since.elapsed() > limit) {
                    return bark();
                }
                thread::sleep(pause);
            }
        });
        Self { since }
    }

    /// Makes a call under watch.
    pub fn watch<T>(&self, call: impl FnOnce() -> T) -> T {
        self.set(Some(Instant::now()));
        let value = call();
        self.set(None);
        value
    }

    fn set(&self, since: Option<Instant>) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn it_barks_at_a_call_that_does_not_return_and_at_no_other() {
        let (bark, barked) = channel();
        let dog = Watchdog::new(Duration::from_millis(100), move || bark.send(()).unwrap());
        for _ in 0..6 {
            dog.watch(|| thread::sleep(Duration::from_millis(30)));
        }
        thread::sleep(Duration::from_millis(200));
        assert!(barked.try_recv().is_err());
        dog.watch(|| barked.recv_timeout(Duration::from_secs(10))).unwrap();
    }
}
