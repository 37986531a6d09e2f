//! Thread pools, one for each number of threads.

use crossbeam_channel::{RecvTimeoutError, bounded};
use harmonium::Watch;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The time between two checks for Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

/// The process and the number of threads (0: all cores) of a pool. After a fork a child has the pools
/// of its parent in memory, but not their threads.
#[derive(Clone, Copy, PartialEq)]
struct Key {
    process: u32,
    threads: usize,
}

/// The pools, the last used last.
static POOLS: Mutex<Vec<(Key, Arc<ThreadPool>)>> = Mutex::new(Vec::new());

/// The number of pools that are kept for later calls.
const MOST_POOLS: usize = 4;

/// The most threads of a pool.
const MOST_THREADS: usize = 1024;

/// The pool with this number of threads; None: one thread per core.
fn pool(threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    if threads.is_some_and(|threads| !(1..=MOST_THREADS).contains(&threads)) {
        return Err(PyValueError::new_err(format!(
            "threads is {}, but must be from 1 to {MOST_THREADS}",
            threads.unwrap_or(0)
        )));
    }
    let key = Key { process: std::process::id(), threads: threads.unwrap_or(0) };
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = match pools.iter().position(|(other, _)| *other == key) {
        Some(at) => pools.remove(at).1,
        None => {
            let pool = ThreadPoolBuilder::new().num_threads(key.threads).build();
            Arc::new(pool.map_err(|cause| PyRuntimeError::new_err(cause.to_string()))?)
        }
    };
    if pools.len() == MOST_POOLS {
        let (other, oldest) = pools.remove(0);
        if other.process != key.process {
            // Its threads exist in the parent alone: dropping it would wait for them forever.
            std::mem::forget(oldest);
        }
    }
    pools.push((key, pool.clone()));
    Ok(pool)
}

/// Calls `compute` in a pool, without the interpreter's lock.
pub fn without_lock<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    compute: impl FnOnce() -> harmonium::Result<T> + Send,
) -> PyResult<T> {
    let pool = pool(threads)?;
    py.detach(|| pool.install(compute)).map_err(crate::errors::to_py)
}

/// Calls `compute` in a pool, without the interpreter's lock, under a watch that Ctrl-C stops.
pub fn interruptible<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    compute: impl FnOnce(Watch<'_>) -> harmonium::Result<T> + Send,
) -> PyResult<T> {
    let (sender, receiver) = bounded(1);
    let stop = AtomicBool::new(false);
    let watch = Watch::until(&stop);
    pool(threads)?.in_place_scope(|scope| {
        scope.spawn(move |_| sender.send(compute(watch)).expect("a receiver"));
        let mut interrupted = Ok(());
        loop {
            match py.detach(|| receiver.recv_timeout(SLICE)) {
                Ok(result) => return interrupted.and(result.map_err(crate::errors::to_py)),
                // The computation has panicked, and the scope goes on with its panic.
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(PyRuntimeError::new_err("panic"));
                }
                Err(RecvTimeoutError::Timeout) if interrupted.is_ok() => {
                    interrupted = py.check_signals();
                    stop.store(interrupted.is_err(), Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    })
}
