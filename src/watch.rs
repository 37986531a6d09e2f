//! Whoever waits for a long computation: it hears how far the computation is, and can stop it.

use crate::error::{Error, Result};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Receives the name of a stage, the amount done and the total. Several threads may call it.
pub type Report<'a> = &'a (dyn Fn(&'static str, u64, u64) + Sync);

/// A watch over a computation. The default hears nothing and never stops it.
///
/// A computation that takes a watch looks at it many times a second. Once the flag is set, it returns
/// [`Error::Interrupted`] and leaves nothing half done that a caller can see.
///
/// ```
/// use harmonium::{Error, Isa, Rbm, Watch, evaluate::Exact};
/// use ndarray::{Array1, Array2};
/// use std::sync::atomic::{AtomicBool, Ordering};
/// let rbm = Rbm::new(Array2::zeros((20, 20)), Array1::zeros(20), Array1::zeros(20))?;
/// let stop = AtomicBool::new(false);
/// // A signal handler or another thread would set the flag; here the report of progress does.
/// let report = |_stage, done: u64, total| stop.store(2 * done > total, Ordering::Relaxed);
/// let watch = Watch::until(&stop).reporting_to(&report);
/// let stopped = Exact::watched(&rbm, Isa::fastest(), watch);
/// assert!(matches!(stopped, Err(Error::Interrupted)));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Default)]
pub struct Watch<'a> {
    stop: Option<&'a AtomicBool>,
    report: Option<Report<'a>>,
}

impl<'a> Watch<'a> {
    /// Stops the computation once `stop` is true.
    pub fn until(stop: &'a AtomicBool) -> Self {
        Self { stop: Some(stop), report: None }
    }

    /// The same watch, which also hears of progress.
    pub fn reporting_to(self, report: Report<'a>) -> Self {
        Self { report: Some(report), ..self }
    }

    /// # Errors
    /// [`Error::Interrupted`] if the computation is to stop.
    pub fn check(self) -> Result<()> {
        match self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => Err(Error::Interrupted),
            _ => Ok(()),
        }
    }

    /// Reports progress.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(crate) fn report(self, stage: &'static str, done: u64, total: u64) -> Result<()> {
        if let Some(report) = self.report {
            report(stage, done, total);
        }
        self.check()
    }

    /// Adds up the work of several threads and reports the sum.
    pub(crate) fn counter(
        self,
        stage: &'static str,
        total: u64,
    ) -> impl Fn(usize) -> Result<()> + Sync + 'a {
        let done = AtomicU64::new(0);
        move |n| {
            let before = done.fetch_add(n as u64, Ordering::Relaxed);
            self.report(stage, before + n as u64, total)
        }
    }
}

impl fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stop, report } = self;
        f.debug_struct("Watch").field("stop", stop).field("reports", &report.is_some()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn work_is_added_up_until_the_flag_is_set() {
        let (stop, heard) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let report = |stage, done, total| heard.lock().unwrap().push((stage, done, total));
        let count = Watch::until(&stop).reporting_to(&report).counter("pilot", 10);
        assert!(count(3).is_ok() && count(4).is_ok());
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(count(2), Err(Error::Interrupted)));
        assert_eq!(*heard.lock().unwrap(), [("pilot", 3, 10), ("pilot", 7, 10), ("pilot", 9, 10)]);
        assert!(Watch::default().check().is_ok());
    }
}
