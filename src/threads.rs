//! The threads of a command or a call.

use crate::error::Result;
use crate::setting::{check, invalid};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::ops::RangeInclusive;

/// The numbers of threads that can be asked for.
pub const THREADS: RangeInclusive<usize> = 1..=1024;

/// From this many threads for each core on, threads mostly wait for each other.
const CROWD: usize = 4;

/// The environment variable for the number of threads, as rayon names it; 0 means one for each core.
const VARIABLE: &str = "RAYON_NUM_THREADS";

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The number of threads: as given, or as the environment says, or one for each core.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for 0 given threads, more than 1,024, or a
/// variable that is not such a number.
fn number(given: Option<usize>, variable: Option<&str>) -> Result<usize> {
    let check_number = |setting, n| {
        check(setting, n, THREADS.contains(&n), || format!("from 1 to {}", THREADS.end()))
    };
    if let Some(n) = given {
        check_number("threads", n)?;
        return Ok(n);
    }
    match variable {
        None | Some("" | "0") => Ok(cores()),
        Some(text) => {
            let rule = format!("from 1 to {}, or 0 for one thread for each core", THREADS.end());
            let n = text.parse().map_err(|_| invalid(VARIABLE, text, rule))?;
            check_number(VARIABLE, n)?;
            Ok(n)
        }
    }
}

/// The number of threads that a pool of `given` threads has.
///
/// # Errors
/// As [`pool`].
pub fn wanted(given: Option<usize>) -> Result<usize> {
    let variable = std::env::var_os(VARIABLE);
    number(given, variable.as_ref().map(|text| text.to_string_lossy()).as_deref())
}

/// A pool of `threads` threads; `None` leaves their number to the environment variable
/// `RAYON_NUM_THREADS`, or else to the number of cores.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for 0 threads, more than 1,024, or more than
/// the system allows.
pub fn pool(threads: Option<usize>) -> Result<ThreadPool> {
    let n = wanted(threads)?;
    let pool = ThreadPoolBuilder::new().num_threads(n).build();
    let rule = |cause| format!("a number that the system allows ({cause})");
    pool.map_err(|cause| invalid("threads", n, rule(cause)))
}

/// Runs `work` in such a pool.
///
/// # Errors
/// As [`pool`], and the errors of `work`.
pub fn in_pool<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    pool(threads)?.install(work)
}

/// Runs work of many short stages on a thread of the present pool. From a thread outside, each stage would
/// wake a worker and wait until that wakes the caller again.
pub(crate) fn as_a_worker<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}

/// A note for the user if there are far more threads than cores.
pub fn crowd(threads: Option<usize>) -> Option<String> {
    let (n, cores) = (wanted(threads).ok()?, cores());
    (n > CROWD * cores).then(|| {
        format!("{n} threads share {cores} cores and mostly wait; the usual number is {cores}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_has_the_rule_of_the_setting() {
        let number = |given, variable| {
            number(given, variable).map_or_else(|error| error.to_string(), |n| n.to_string())
        };
        assert_eq!(number(Some(3), Some("100000")), "3");
        assert_eq!(number(None, Some("1024")), "1024");
        for unset in [None, Some(""), Some("0")] {
            assert_eq!(number(None, unset), cores().to_string());
        }
        assert_eq!(number(Some(0), None), "threads is 0, but must be from 1 to 1024");
        let rule = "RAYON_NUM_THREADS is 100000, but must be from 1 to 1024";
        assert_eq!(number(None, Some("100000")), rule);
        assert!(
            number(None, Some("all")).starts_with("RAYON_NUM_THREADS is all, but must be from")
        );
    }

    #[test]
    fn a_crowd_of_threads_is_noted() {
        assert!(crowd(Some(CROWD * cores())).is_none());
        let n = CROWD * cores() + 1;
        assert!(
            !THREADS.contains(&n) || crowd(Some(n)).unwrap().starts_with(&format!("{n} threads"))
        );
    }
}
