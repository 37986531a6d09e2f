//! Thread pools, one for each number of threads.

use crossbeam_channel::{RecvTimeoutError, bounded};
use harmonium::evaluate::Progress;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::OnceCell;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

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

/// Whether a pool can have this number of threads.
fn is_valid(threads: Option<usize>) -> bool {
    threads.is_none_or(|threads| (1..=MOST_THREADS).contains(&threads))
}

/// The pool with this number of threads; None: one thread per core.
fn pool(threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    if !is_valid(threads) {
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
        if n_products <= Self::FEW && is_valid(threads) { Self::Here } else { Self::Pool(threads) }
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
    let in_pool =
        |pool: &ThreadPool| py.detach(|| pool.install(compute)).map_err(crate::errors::to_py);
    match place.into() {
        Place::Pool(threads) => in_pool(&*pool(threads)?),
        Place::Here => with_own_pool(|own| match own {
            Some(own) => in_pool(own),
            None => in_pool(&*pool(None)?),
        }),
    }
}

/// Calls `step` in a pool, without the interpreter's lock, until it breaks. Ctrl-C stops it between two
/// steps.
pub fn in_steps(
    py: Python<'_>,
    place: impl Into<Place>,
    mut step: impl FnMut() -> harmonium::Result<ControlFlow<()>> + Send,
) -> PyResult<()> {
    let place = place.into();
    loop {
        let slice = without_lock(py, place, || {
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
    pool(threads)?.spawn(move || {
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
            Ok(Ok(result)) => return result.map_err(crate::errors::to_py),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Disconnected) => unreachable!("a result is always sent"),
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals().inspect_err(|_| is_over.store(true, Ordering::Relaxed))?;
            }
        }
    }
}
