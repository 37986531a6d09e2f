//! The progress of a long computation.

use std::sync::atomic::{AtomicU64, Ordering};

/// Receives the name of a stage, the amount done and the total. Several threads may call it.
pub type Progress<'a> = &'a (dyn Fn(&'static str, u64, u64) + Sync);

/// Adds up the work of several threads and reports the sum.
pub(super) fn counter<'a>(
    stage: &'static str,
    total: u64,
    progress: Progress<'a>,
) -> impl Fn(usize) + Sync + 'a {
    let done = AtomicU64::new(0);
    move |n| progress(stage, done.fetch_add(n as u64, Ordering::Relaxed) + n as u64, total)
}
