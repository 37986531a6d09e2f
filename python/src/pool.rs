//! Thread pools, one for each number of threads.

use crate::arrays::warn_as;
use crate::errors::to_py;
use crossbeam_channel::{RecvTimeoutError, bounded};
use harmonium::Watch;
use harmonium::threads::{THREADS, crowd};
use pyo3::exceptions::{PyRuntimeError, PyRuntimeWarning};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::OnceCell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
        warn_as::<PyRuntimeWarning>(py, &crowd)?;
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

/// Where a call computes.
#[derive(Clone, Copy)]
pub enum Place {
    /// In the thread that calls: another thread would take longer to wake than to compute.
    Here,
    /// In a pool of this number of threads; None: one thread per core.
    Pool(Option<usize>),
}

impl From<Option<usize>> for Place {
    fn from(threads: Option<usize>) -> Self {
        Self::Pool(threads)
    }
}

impl Place {
    /// The products W v of a call that computes where it is called: some 100 µs.
    const FEW: usize = 1 << 20;

    /// The place for a number of products W v, all zeros counted.
    pub fn of(n_products: usize, threads: Option<usize>) -> Self {
        let is_valid = threads.is_none_or(|threads| THREADS.contains(&threads));
        if n_products <= Self::FEW && is_valid { Self::Here } else { Self::Pool(threads) }
    }
}

/// The most threads that are pools of their own: rayon never frees what it keeps for them.
const MOST_OWN: usize = 64;

/// Calls `use_pool` with the pool that consists of this thread, if there is one.
fn with_own_pool<T>(use_pool: impl FnOnce(Option<&ThreadPool>) -> T) -> T {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: OnceCell<Option<ThreadPool>> = const { OnceCell::new() };
    }
    OWN.with(|own| {
        let own = own.get_or_init(|| {
            let is_free = COUNT.fetch_add(1, Ordering::Relaxed) < MOST_OWN;
            let builder = ThreadPoolBuilder::new().num_threads(1).use_current_thread();
            is_free.then(|| builder.build().ok()).flatten()
        });
        use_pool(own.as_ref())
    })
}

/// Calls `compute` in its place, without the interpreter's lock.
pub fn without_lock<T: Send>(
    py: Python<'_>,
    place: impl Into<Place>,
    compute: impl FnOnce() -> harmonium::Result<T> + Send,
) -> PyResult<T> {
    let in_pool = |pool: &ThreadPool| py.detach(|| pool.install(compute)).map_err(to_py);
    match place.into() {
        Place::Pool(threads) => in_pool(&*pool(py, threads)?),
        Place::Here => with_own_pool(|own| match own {
            Some(own) => in_pool(own),
            None => in_pool(&*pool(py, None)?),
        }),
    }
}

/// Calls `compute` in its place, without the interpreter's lock. In a pool it runs under a watch that
/// Ctrl-C stops; where it is called it is over at once.
pub fn interruptible<T: Send>(
    py: Python<'_>,
    place: impl Into<Place>,
    compute: impl FnOnce(Watch<'_>) -> harmonium::Result<T> + Send,
) -> PyResult<T> {
    let threads = match place.into() {
        Place::Here => return without_lock(py, Place::Here, || compute(Watch::default())),
        Place::Pool(threads) => threads,
    };
    let (sender, receiver) = bounded(1);
    let stop = AtomicBool::new(false);
    let watch = Watch::until(&stop);
    pool(py, threads)?.in_place_scope(|scope| {
        scope.spawn(move |_| sender.send(compute(watch)).expect("a receiver"));
        let mut interrupted = Ok(());
        loop {
            match py.detach(|| receiver.recv_timeout(SLICE)) {
                Ok(result) => return interrupted.and(result.map_err(to_py)),
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

/// Calls `work` in a thread of its own, without the interpreter's lock. After Ctrl-C it calls `stop`, and
/// waits for the end of the work.
pub fn polled<T: Send + 'static>(
    py: Python<'_>,
    stop: impl Fn(),
    work: impl FnOnce() -> T + Send + 'static,
) -> PyResult<T> {
    let worker = std::thread::spawn(work);
    let mut interrupted = None;
    while !worker.is_finished() {
        py.detach(|| std::thread::sleep(SLICE / 5));
        if let Err(error) = py.check_signals() {
            stop();
            interrupted = Some(error);
        }
    }
    let result = worker.join().unwrap_or_else(|panic| resume_unwind(panic));
    interrupted.map_or(Ok(result), Err)
}
