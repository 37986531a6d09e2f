//! How far a long computation has come.

use std::sync::atomic::{AtomicU64, Ordering};

/// Is told, from several threads: what is being done, how much of it is done, how much there is.
pub type Progress<'a> = &'a (dyn Fn(&'static str, u64, u64) + Sync);

/// Adds up what several threads have done, and tells.
pub(super) fn counter<'a>(
    what: &'static str,
    total: u64,
    progress: Progress<'a>,
) -> impl Fn(usize) + Sync + 'a {
    let done = AtomicU64::new(0);
    move |n| progress(what, done.fetch_add(n as u64, Ordering::Relaxed) + n as u64, total)
}
