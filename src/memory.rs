//! How much memory this process may have, and whether the work that is asked for fits.
//!
//! Linux promises memory that it does not have, and kills the process that uses it; where it refuses,
//! Rust aborts. So the size of work that a user's number decides is added up beforehand: each type has
//! a function `bytes` beside its constructor, and [`check`] refuses the sum if it exceeds the limit.
//!
//! The [`limit`] is what the process may ever have, not what happens to be free, so that the answer is
//! the same each time. It is read on Linux. On other systems no limit is known, and only work that the
//! system refuses is refused here.

use crate::error::{Error, Remedy, Result};
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::iter::Sum;
use std::ops::{Add, Mul};
use std::path::Path;
use std::sync::LazyLock;

/// A number of bytes. Sums and products beyond 2^64 − 1 stay there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// The bytes of an array of `T` with these sides.
    pub fn of<T>(sides: &[usize]) -> Self {
        sides.iter().fold(Self(size_of::<T>() as u64), |bytes, &side| bytes * side)
    }
}

impl Add for Bytes {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Mul<usize> for Bytes {
    type Output = Self;

    fn mul(self, n: usize) -> Self {
        Self(self.0.saturating_mul(n as u64))
    }
}

impl Sum for Bytes {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self(0), Self::add)
    }
}

/// In the largest decimal unit of which there is one.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units =
            [(1e18, "EB"), (1e15, "PB"), (1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
        let bytes = self.0 as f64;
        match units.iter().find(|(unit, _)| bytes >= *unit) {
            Some((unit, name)) => write!(f, "{:.1} {name}", bytes / unit),
            None => write!(f, "{bytes} bytes"),
        }
    }
}

/// What sets a [`Limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Computer,
    Cgroup,
    AddressSpace,
    DataSegment,
}

/// The most memory that this process may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The amount.
    pub bytes: Bytes,
    owner: Owner,
}

/// The limit as the second half of a sentence.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, owner } = self;
        match owner {
            Owner::Computer => write!(f, "this computer has {bytes} with its swap"),
            Owner::Cgroup => write!(f, "the cgroup of this process may use {bytes}"),
            Owner::AddressSpace => write!(f, "this process may use {bytes} (ulimit -v)"),
            Owner::DataSegment => write!(f, "this process may use {bytes} (ulimit -d)"),
        }
    }
}

impl Limit {
    /// The least limit that the files under `root` name, which is `/` but for tests.
    fn read(root: &Path) -> Option<Self> {
        let read = |path: &str| fs::read_to_string(root.join(path)).ok();
        let meminfo = read("proc/meminfo").unwrap_or_default();
        let in_meminfo =
            |name| number_after(&meminfo, name).map(|kilobytes| Bytes(kilobytes) * 1024);
        let swap = in_meminfo("SwapTotal:").unwrap_or_default();
        let computer = in_meminfo("MemTotal:").map(|memory| memory + swap);

        let limits = read("proc/self/limits").unwrap_or_default();
        let of_process = |name| number_after(&limits, name).map(Bytes);
        let cgroups = read("proc/self/cgroup").unwrap_or_default();
        let cgroups = cgroups.lines().filter_map(|line| of_cgroup(root, line, swap));

        let all = [
            (Owner::Computer, computer),
            (Owner::Cgroup, cgroups.min()),
            (Owner::AddressSpace, of_process("Max address space")),
            (Owner::DataSegment, of_process("Max data size")),
        ];
        let all = all.into_iter().filter_map(|(owner, bytes)| Some(Self { bytes: bytes?, owner }));
        all.min_by_key(|limit| limit.bytes)
    }
}

/// The number after a name at the start of a line.
fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The least limit of a cgroup and the ones above it, from its line `id:controllers:path` in
/// /proc/self/cgroup. A cgroup that may swap has its part of the computer's swap as well.
fn of_cgroup(root: &Path, line: &str, swap: Bytes) -> Option<Bytes> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?.strip_prefix('/')?);
    let (folder, memory, of_swap) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max", "memory.swap.max"),
        _ if controllers.split(',').any(|controller| controller == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "")
        }
        _ => return None,
    };
    // In a container the files of its cgroup are at the top, whatever its path outside.
    let levels = Path::new(path).ancestors().filter_map(|level| {
        let number = |name: &str| {
            fs::read_to_string(root.join(folder).join(level).join(name)).ok()?.trim().parse().ok()
        };
        let swap = number(of_swap).map_or(swap, |own: u64| swap.min(Bytes(own)));
        Some(Bytes(number(memory)?) + swap)
    });
    levels.min()
}

static LIMIT: LazyLock<Option<Limit>> = LazyLock::new(|| Limit::read(Path::new("/")));

/// The most memory that this process may have: the least of the computer's memory and swap, the limits
/// of its cgroups and its own limits, as they were when first asked for. `None` if no limit is known.
pub fn limit() -> Option<Limit> {
    *LIMIT
}

/// Memory that a part of some work needs.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Its size.
    pub bytes: Bytes,
    /// The settings that would make it smaller.
    pub settings: &'static [&'static str],
    is_held: bool,
}

impl Need {
    /// Memory of this size, which these settings decide.
    pub fn new(bytes: Bytes, settings: &'static [&'static str]) -> Self {
        Self { bytes, settings, is_held: false }
    }

    /// Whether the process has it already.
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// Memory that the process has already.
    pub fn held(bytes: Bytes, settings: &'static [&'static str]) -> Self {
        Self { is_held: true, ..Self::new(bytes, settings) }
    }
}

/// The system is not asked for less than this beforehand.
const LEAST_ASKED: Bytes = Bytes(16 << 20);

/// Whether the system grants this much address space. Nothing is used of it.
fn is_granted(bytes: Bytes) -> bool {
    let mut asked = Vec::<u8>::new();
    let is_granted = usize::try_from(bytes.0).is_ok_and(|n| asked.try_reserve_exact(n).is_ok());
    // Otherwise the compiler may leave out an allocation that nobody uses.
    std::hint::black_box(&asked);
    is_granted
}

/// Checks that there is memory for all needs of some work at once. The error calls the work `what()`, and
/// names the settings of the largest need.
///
/// # Errors
/// [`Error::OutOfMemory`] if there is not.
pub fn check(what: impl FnOnce() -> String, needs: &[Need]) -> Result<()> {
    let sum = |needs: &mut dyn Iterator<Item = &Need>| needs.map(|need| need.bytes).sum::<Bytes>();
    let needed = sum(&mut needs.iter());
    let missing = sum(&mut needs.iter().filter(|need| !need.is_held));
    let rule = match limit() {
        Some(limit) if needed > limit.bytes => limit.to_string(),
        _ if missing < LEAST_ASKED || is_granted(missing) => return Ok(()),
        _ => "the system does not grant this process as much".to_string(),
    };
    let largest = needs.iter().max_by_key(|need| need.bytes);
    let settings = largest.map_or(&[][..], |need| need.settings);
    let lower = settings.iter().map(|setting| Remedy::of(setting)).collect();
    Err(Error::OutOfMemory { what: what(), needed: needed.to_string(), rule, lower })
}

/// The first piece of a stream that is read at once.
const FIRST: usize = 1 << 16;

/// Reads the rest of a stream to the end of `bytes`, as far as there is memory for it. The error calls the
/// work `what()`.
///
/// # Errors
/// [`Error::OutOfMemory`]; the inner error is the stream's.
pub fn read_to_end(
    what: impl Fn() -> String,
    mut stream: impl Read,
    bytes: &mut Vec<u8>,
) -> Result<io::Result<()>> {
    loop {
        if bytes.len() == bytes.capacity() {
            // Twice the room, and for a moment the old as well.
            let (held, more) = (bytes.len(), bytes.len().max(FIRST));
            check(
                &what,
                &[Need::held(Bytes(held as u64), &[]), Need::new(Bytes((held + more) as u64), &[])],
            )?;
            bytes.reserve_exact(more);
        }
        let room = bytes.capacity() - bytes.len();
        match stream.by_ref().take(room as u64).read_to_end(bytes) {
            Ok(n) if n == room => {}
            done => return Ok(done.map(drop)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files with their texts.
    type Files<'a> = &'a [(&'a str, &'a str)];

    /// A folder that stands for `/`, with these files.
    fn root(files: Files<'_>) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) =
        ("proc/meminfo", "MemTotal:        4000 kB\nMemFree:  7 kB\nSwapTotal:    1000 kB\n");
    const LIMITS: &str = "Limit                     Soft Limit           Hard Limit           Units     \n\
                          Max data size             unlimited            unlimited            bytes     \n";

    #[test]
    fn the_limit_is_the_least_of_all() {
        let limits = |line: &str| format!("{LIMITS}{line}\n");
        let [none, small] = ["unlimited", "3000000"]
            .map(|n| limits(&format!("Max address space         {n}  unlimited  bytes")));
        let data = LIMITS.replacen("unlimited", "2000000", 1);
        let v2 = ("proc/self/cgroup", "0::/a/b\n");
        let v1 = ("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/docker/x\n");
        let computer = "this computer has 5.1 MB with its swap";
        let cases: [(Files<'_>, Option<&str>); 9] = [
            (&[], None),
            (&[MEMINFO], Some(computer)),
            (&[MEMINFO, ("proc/self/limits", &none)], Some(computer)),
            (
                &[MEMINFO, ("proc/self/limits", &small)],
                Some("this process may use 3.0 MB (ulimit -v)"),
            ),
            (
                &[MEMINFO, ("proc/self/limits", &data)],
                Some("this process may use 2.0 MB (ulimit -d)"),
            ),
            // A cgroup above it is stricter; the cgroup may use the computer's swap.
            (
                &[
                    MEMINFO,
                    v2,
                    ("sys/fs/cgroup/a/b/memory.max", "max\n"),
                    ("sys/fs/cgroup/a/memory.max", "1000000\n"),
                ],
                Some("the cgroup of this process may use 2.0 MB"),
            ),
            (
                &[
                    MEMINFO,
                    v2,
                    ("sys/fs/cgroup/a/b/memory.max", "1000000\n"),
                    ("sys/fs/cgroup/a/b/memory.swap.max", "0\n"),
                ],
                Some("the cgroup of this process may use 1.0 MB"),
            ),
            // In a container its cgroup is the top.
            (
                &[MEMINFO, v1, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "500000\n")],
                Some("the cgroup of this process may use 1.5 MB"),
            ),
            (
                &[
                    MEMINFO,
                    v1,
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
                ],
                Some(computer),
            ),
        ];
        for (files, expected) in cases {
            let limit = Limit::read(root(files).path());
            assert_eq!(limit.map(|limit| limit.to_string()).as_deref(), expected, "{files:?}");
        }
    }

    #[test]
    fn no_sum_overflows() {
        let most = usize::MAX;
        assert_eq!(Bytes::of::<u64>(&[most, most, most]), Bytes(u64::MAX));
        assert_eq!(Bytes::of::<u64>(&[most, 0]), Bytes(0));
        assert_eq!(Bytes(u64::MAX) + Bytes(1), Bytes(u64::MAX));
        let of_model = crate::Rbm::bytes(most, most);
        assert_eq!(of_model, Bytes(u64::MAX));
    }

    #[test]
    fn impossible_work_is_refused_with_the_settings_of_its_largest_need() {
        let needs = [
            Need::new(Bytes(1 << 50), &["chains"]),
            Need::held(Bytes(3 << 50), &["hidden", "batch_size"]),
        ];
        let error = check(|| "it all".to_string(), &needs).unwrap_err().to_string();
        assert!(error.starts_with("it all needs 4.5 PB of memory, but "), "{error}");
        assert!(error.ends_with("; lower hidden or batch_size"), "{error}");
        check(|| unreachable!(), &[Need::new(Bytes(1 << 20), &["chains"])]).unwrap();
    }

    #[test]
    fn a_stream_is_read_to_its_end_and_no_more_room_is_asked_for() {
        for n in [0, 1, FIRST - 1, FIRST, FIRST + 1, 5 * FIRST] {
            let stream: Vec<u8> = (0..n).map(|at| at as u8).collect();
            let mut bytes = Vec::new();
            read_to_end(|| unreachable!(), &stream[..], &mut bytes).unwrap().unwrap();
            assert!(bytes == stream && bytes.capacity() <= FIRST.max(2 * n), "{n}");
        }
    }

    #[test]
    fn sizes_are_readable() {
        for (bytes, text) in
            [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (40_300_000_000, "40.3 GB")]
        {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
    }
}
