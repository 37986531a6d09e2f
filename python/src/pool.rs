//! Thread pools, one for each number of threads.

use crate::errors::to_py;
use crossbeam_channel::{RecvTimeoutError, bounded};
use harmonium::evaluate::Progress;
use harmonium::threads::crowd;
use pyo3::exceptions::PyRuntimeWarning;
use pyo3::prelude::*;
use rayon::ThreadPool;
use std::ffi::CString;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time between two checks for Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// The process and the given number of threads of a pool. After a fork a child has the pools
/// of its parent in memory, but not their threads.
#[derive(Clone, Copy, PartialEq)]
struct Key {
    process: u32,
    threads: Option<usize>,
}

/// The pools, the last used last.
static POOLS: Mutex<Vec<(Key, Arc<ThreadPool>)>> = Mutex::new(Vec::new());

/// The number of pools that are kept for later calls.
const MOST_POOLS: usize = 4;

/// The pool with this number of threads; None: one thread per core. A new pool of far more threads than
/// cores brings a warning.
fn pool(py: Python<'_>, threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    let (pool, is_new) = kept_or_new(threads)?;
    // Only here: while a warning is shown, other threads may ask for a pool.
    if let Some(crowd) = crowd(threads).filter(|_| is_new) {
        let text = CString::new(crowd).expect("plain text");
        PyErr::warn(py, &py.get_type::<PyRuntimeWarning>(), &text, 1)?;
    }
    Ok(pool)
}

/// The pool, and whether it is new.
fn kept_or_new(threads: Option<usize>) -> PyResult<(Arc<ThreadPool>, bool)> {
    let key = Key { process: std::process::id(), threads };
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let (pool, is_new) = match pools.iter().position(|(other, _)| *other == key) {
        Some(at) => (pools.remove(at).1, false),
        None => (Arc::new(harmonium::threads::pool(threads).map_err(to_py)?), true),
    };
    if pools.len() == MOST_POOLS {
        let (other, oldest) = pools.remove(0);
        if other.process != key.process {
            // Its threads exist in the parent alone: dropping it would wait for them forever.
            std::mem::forget(oldest);
        }
    }
    pools.push((key, pool.clone()));
    Ok((pool, is_new))
}

/// Calls `compute` in a pool, without the interpreter's lock.
pub fn without_lock<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    compute: impl FnOnce() -> harmonium::Result<T> + Send,
) -> PyResult<T> {
    let pool = pool(py, threads)?;
    py.detach(|| pool.install(compute)).map_err(to_py)
}

/// Calls `step` in a pool, without the interpreter's lock, until it breaks. Ctrl-C stops it between two
/// steps.
pub fn in_steps(
    py: Python<'_>,
    threads: Option<usize>,
    mut step: impl FnMut() -> harmonium::Result<ControlFlow<()>> + Send,
) -> PyResult<()> {
    loop {
        let slice = without_lock(py, threads, || {
            let start = Instant::now();
            while start.elapsed() < SLICE {
                if step()?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        py.check_signals()?;
        if slice.is_break() {
            return Ok(());
        }
    }
}

/// Calls `compute` in a pool, without the interpreter's lock. Ctrl-C stops it when it next reports its
/// progress.
pub fn interruptible<T: Send + 'static>(
    py: Python<'_>,
    threads: Option<usize>,
    compute: impl FnOnce(Progress<'_>) -> harmonium::Result<T> + Send + 'static,
) -> PyResult<T> {
    let (sender, receiver) = bounded(1);
    let is_over = Arc::new(AtomicBool::new(false));
    let asked = is_over.clone();
    pool(py, threads)?.spawn(move || {
        let progress = move |_: &'static str, _: u64, _: u64| {
            if asked.load(Ordering::Relaxed) {
                // Unwinds the computation without a message: the caller has returned.
                resume_unwind(Box::new("interrupted"));
            }
        };
        // Unwind-safe: nobody uses what a computation leaves half done.
        let result = catch_unwind(AssertUnwindSafe(|| compute(&progress)));
        // After Ctrl-C the receiver is gone.
        drop(sender.send(result));
    });
    loop {
        match py.detach(|| receiver.recv_timeout(SLICE)) {
            Ok(Ok(result)) => return result.map_err(to_py),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Disconnected) => unreachable!("a result is always sent"),
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals().inspect_err(|_| is_over.store(true, Ordering::Relaxed))?;
            }
        }
    }
}
