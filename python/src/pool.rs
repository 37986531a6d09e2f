//! Thread pools, one for each number of threads that was asked for.

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Pools by process and number of threads. After a fork a child has the pools of its parent in
/// memory, but none of their threads.
type Pools = HashMap<(u32, usize), Arc<ThreadPool>>;

static POOLS: Mutex<Option<Pools>> = Mutex::new(None);

/// The pool of so many threads; of all cores if none is given.
pub fn pool(threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    if threads == Some(0) {
        return Err(PyValueError::new_err("threads is 0, but must be at least 1"));
    }
    let key = (std::process::id(), threads.unwrap_or(0));
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let pools = pools.get_or_insert_default();
    if let Some(pool) = pools.get(&key) {
        return Ok(pool.clone());
    }
    let pool = ThreadPoolBuilder::new().num_threads(key.1).build();
    let pool = Arc::new(pool.map_err(|cause| PyRuntimeError::new_err(cause.to_string()))?);
    pools.insert(key, pool.clone());
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
