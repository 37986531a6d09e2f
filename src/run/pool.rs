//! The threads of a run.

use crate::error::{Error, Result};

/// The largest number of threads; more would only wait for each other.
const MAX_THREADS: usize = 1024;

/// Runs `work` on a pool of `threads` threads, by default one for each core.
///
/// # Errors
/// [`Error::InvalidSetting`] for 0 threads, more than 1,024, or more than the system allows.
pub fn in_pool<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let invalid = |value: usize, rule: String| Error::InvalidSetting {
        setting: "threads",
        value: value.to_string(),
        rule,
    };
    if let Some(n) = threads.filter(|n| !(1..=MAX_THREADS).contains(n)) {
        return Err(invalid(n, format!("from 1 to {MAX_THREADS}")));
    }
    let n = threads.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
    pool.map_err(|cause| invalid(n, format!("a number that the system allows ({cause})")))?
        .install(work)
}
