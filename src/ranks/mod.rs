//! The ranks of a run: processes that train one model together, on one computer or on many.
//!
//! Ranks split the work as threads do, by panels of 64 units. Each rank holds all states and all biases, draws its own
//! panels of both layers, and moves the weights of its own panels of hidden units. What travels in an update:
//!
//! | what | bytes to each rank | call |
//! | --- | --- | --- |
//! | the bits of the panels that were drawn, after each draw | C (V + H) / 8 a sweep | [`Ranks::share`] |
//! | sums of p̃ of each hidden unit | 16 H | [`Ranks::share`] |
//! | W̃ᵀ of a rank's visible panels, from those who moved it | 2 VH / ranks in 16 bits, 4 VH / ranks in 32 | [`Ranks::exchange`] |
//! | the longest step of a weight, and whether a rank wishes to be heard | 8 | [`Ranks::most`] |
//!
//! (The centred gradient adds 8 (N + C) and 40 H, temperatures their states and energies.) Nothing is summed in
//! floats, and integers are the same in any order, so the bits of a run do not depend on the number of ranks.
//!
//! [`Transport`] is what carries the bytes: [`in_process`] for threads of one process, MPI for a cluster. Every rank
//! must make the same calls in the same order.
//!
//! # How it is started
//!
//! The program is built by `cargo build --release --features mpi`, which takes Open MPI, MPICH or another MPI by its
//! `mpicc` (`MPICC` names another one; a build for a second MPI needs a second target folder), and libclang. A rank needs
//! several cores for its threads. As a rule there is one rank on a computer, or one on a socket; two hosts of 32 cores:
//!
//! | launcher | command |
//! | --- | --- |
//! | Open MPI | `mpirun -n 2 -host a,b --bind-to none harmonium train --mpi …` |
//! | Open MPI, a rank on each socket of 16 cores | `mpirun -n 4 -host a:2,b:2 --map-by ppr:1:socket:PE=16 --bind-to core harmonium train --mpi …` |
//! | MPICH, Intel MPI | `mpiexec -n 2 -ppn 1 -hosts a,b harmonium train --mpi …` |
//! | Slurm | `srun -N 2 --ntasks-per-node=1 --cpus-per-task=32 --cpu-bind=cores --kill-on-bad-exit harmonium train --mpi …` |
//!
//! - A rank takes as many threads as it has cores, unless `--threads` says otherwise. Open MPI binds each process to one
//!   core if there are at most two, and to a socket otherwise, so its command should say what is meant
//!   (`--report-bindings` shows it). Ranks that share cores without being bound must share them by `--threads`.
//! - `srun` must be given `--cpus-per-task` itself, as since version 22.05 it does not take it from `sbatch`. Which
//!   interface a program of this MPI speaks is named by `srun --mpi=…`, such as `pmix` for Open MPI and `pmi2` for MPICH.
//!   With another one, each process believes to be alone, which [`launcher::check`] notices.
//! - All ranks must run the same program, on processors of any kind. Only rank 0 needs the folder of a run; the
//!   data must be at the same path for all.
//!
//! - A rank that does not answer within an update ends the job. Between two updates the others wait for rank 0 without
//!   limit, as it may evaluate or write: if the network is cut there, what runs on the other side is left to the launcher.
//!
//! # Sweeps
//!
//! `sweep --mpi` and `resume SWEEP --mpi` do not split runs: each run is on one rank, with its threads. Ten times a second the
//! ranks tell each other how many threads they have free, which runs have ended with which scores, and whether a signal
//! came; all deal the next runs by that, so a rank that is free takes the next one. Rank 0 writes `sweep.toml`, the
//! table and the page. The folder must be on a file system that all ranks share, as any rank may go on with a run at
//! the next rung. A signal to any rank stops all, with checkpoints. There is nothing that must be waited for within a
//! run, so a sweep gains by ranks whatever the size of its models.
//!
//! # What gains by it
//!
//! Ranks wait for each other a few times in an update: twice a sweep, and three times at its end. So an update must
//! take far longer than these waits, and than the bytes above take on the network. With a latency of α and B bytes a
//! second, p ranks take
//!
//! ```text
//! T(p) = T(1) ⌈panels/p⌉/panels + k [2 g + C (V + H)/8 /B] + 2 g + 16 H/B + α (p − 1) + 2 VH/p /B,   g = α ⌈log₂ p⌉
//! ```
//!
//! if no rank waits for a slower one. On nodes that use 32 cores well, at 2 µs and 100 Gbit/s, that is a speed-up of
//!
//! | size | 2 nodes | 8 | 64 |
//! | --- | --- | --- | --- |
//! | 784-500, batch 128, PCD-1 | 0.58 | 0.68 | 0.20 |
//! | 784-500, batch 1024, PCD-10 | 1.48 | 2.73 | 1.76 |
//! | 10,000-4096, batch 4096, PCD-1 | 1.70 | 6.36 | 28.7 |
//!
//! So 784-500 with 128 chains do not gain: two nodes are slower than one. Large layers do, as do many chains: the work
//! grows with C V H, and the bytes with C (V + H) and V H. So do evaluations, whose chains need nothing of each other
//! until their end. `cargo bench --bench ranks` makes this table, `benches/README.md` has what was measured.

pub mod in_process;

pub mod launcher;

#[cfg(feature = "mpi")]
mod watchdog;

#[cfg(feature = "mpi")]
pub mod mpi;

use crate::error::{Error, Result};
use bytemuck::Pod;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Carries bytes between ranks. A call returns when this rank has what it asked for; the others may be behind.
pub trait Transport: fmt::Debug + Send + Sync {
    /// The number of this rank, from 0.
    fn rank(&self) -> usize;

    /// The number of ranks.
    fn size(&self) -> usize;

    /// Gives every rank the bytes of all. `all` gets those of rank 0, then those of rank 1, …, which are so many by
    /// `lengths`.
    ///
    /// # Errors
    /// [`Error::Ranks`] if another rank cannot be reached.
    fn gather(&self, own: &[u8], all: &mut [u8], lengths: &[usize]) -> Result<()>;

    /// Gives every rank other bytes: `sent` has those for rank 0, then those for rank 1, …; `received` gets those from
    /// rank 0, then those from rank 1, ….
    ///
    /// # Errors
    /// As [`gather`](Self::gather).
    fn exchange(
        &self,
        sent: &[u8],
        sent_lengths: &[usize],
        received: &mut [u8],
        received_lengths: &[usize],
    ) -> Result<()>;

    /// Replaces each value by its sum over the ranks.
    ///
    /// # Errors
    /// As [`gather`](Self::gather).
    fn sum(&self, values: &mut [i64]) -> Result<()>;

    /// Replaces each value by the largest of all ranks.
    ///
    /// # Errors
    /// As [`gather`](Self::gather).
    fn max(&self, values: &mut [u32]) -> Result<()>;

    /// [`max`](Self::max) between two updates, where the others may take as long as they need: rank 0 evaluates, or
    /// writes.
    ///
    /// # Errors
    /// As [`gather`](Self::gather).
    fn wait_for_max(&self, values: &mut [u32]) -> Result<()> {
        self.max(values)
    }
}

/// The items of some panels, where each of `n_panels` has as many.
pub(crate) fn of_panels<'a, T>(
    all: &'a mut [T],
    n_panels: usize,
    panels: &Range<usize>,
) -> &'a mut [T] {
    let of_panel = all.len() / n_panels.max(1);
    &mut all[panels.start * of_panel..panels.end * of_panel]
}

/// The ranks of a run, as one of them sees them. The default is alone.
#[derive(Clone, Debug, Default)]
pub struct Ranks(Option<Arc<Seat>>);

/// The place of a rank among the others.
#[derive(Debug)]
struct Seat {
    transport: Box<dyn Transport>,
    /// What this rank wishes in the next update; 0 if nothing.
    wish: AtomicU32,
    /// The largest wish of all ranks in the last update.
    heard: AtomicU32,
    /// The bytes that this rank has got from others.
    bytes: AtomicU64,
}

/// How work is split never tells two models apart.
impl PartialEq for Ranks {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Ranks {
    /// The ranks that a transport joins.
    pub fn new(transport: impl Transport + 'static) -> Self {
        let transport = Box::new(transport);
        Self(Some(Arc::new(Seat { transport, wish: 0.into(), heard: 0.into(), bytes: 0.into() })))
    }

    /// The number of this rank, from 0.
    pub fn rank(&self) -> usize {
        self.0.as_ref().map_or(0, |seat| seat.transport.rank())
    }

    /// The number of ranks.
    pub fn size(&self) -> usize {
        self.0.as_ref().map_or(1, |seat| seat.transport.size())
    }

    /// Whether there are others.
    pub fn are_several(&self) -> bool {
        self.size() > 1
    }

    /// The part of `n` things that belongs to a rank: neighbours, as many as others have, give or take one.
    pub fn part(&self, rank: usize, n: usize) -> Range<usize> {
        n * rank / self.size()..n * (rank + 1) / self.size()
    }

    /// The part of `n` things that belongs to this rank.
    pub fn own(&self, n: usize) -> Range<usize> {
        self.part(self.rank(), n)
    }

    /// Gives every rank the panels of the others. Each array has as many panels, one after the other, and `panels_of`
    /// says which belong to a rank.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    ///
    /// # Panics
    /// If the panels of the ranks do not follow each other.
    pub fn share<T: Pod>(
        &self,
        arrays: &mut [&mut [T]],
        n_panels: usize,
        panels_of: impl Fn(usize) -> Range<usize>,
    ) -> Result<()> {
        let Some(Seat { transport, bytes, .. }) = self.several() else { return Ok(()) };
        let bytes_of = |array: &[T]| size_of_val(array) / n_panels.max(1);
        let of_panel: usize = arrays.iter().map(|array| bytes_of(array)).sum();
        let lengths: Vec<_> =
            (0..transport.size()).map(|rank| panels_of(rank).len() * of_panel).collect();
        let own = panels_of(transport.rank());
        let mut sent = Vec::with_capacity(own.len() * of_panel);
        for array in arrays.iter() {
            let of_panel = bytes_of(array);
            let bytes: &[u8] = bytemuck::cast_slice(array);
            sent.extend_from_slice(&bytes[own.start * of_panel..own.end * of_panel]);
        }
        let mut all = vec![0; lengths.iter().sum()];
        bytes.fetch_add((all.len() - sent.len()) as u64, Ordering::Relaxed);
        transport.gather(&sent, &mut all, &lengths)?;
        let mut rest = &all[..];
        for rank in 0..transport.size() {
            let panels = panels_of(rank);
            for array in arrays.iter_mut() {
                let of_panel = bytes_of(array);
                let bytes: &mut [u8] = bytemuck::cast_slice_mut(array);
                let to = &mut bytes[panels.start * of_panel..panels.end * of_panel];
                let (from, others) = rest.split_at(to.len());
                to.copy_from_slice(from);
                rest = others;
            }
        }
        Ok(())
    }

    /// Gives every rank other items: `pieces_to` are the pieces of `all` that a rank gets from this one, `pieces_from`
    /// those that this one gets from a rank. Both ranks must name them in the same order.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    pub fn exchange<T: Pod, P: Iterator<Item = Range<usize>>>(
        &self,
        all: &mut [T],
        pieces_to: impl Fn(usize) -> P,
        pieces_from: impl Fn(usize) -> P,
    ) -> Result<()> {
        let Some(Seat { transport, bytes, .. }) = self.several() else { return Ok(()) };
        let (ranks, own) = (0..transport.size(), transport.rank());
        let others = |rank: usize| rank != own;
        let (mut sent, mut sent_lengths) = (Vec::new(), Vec::new());
        let mut received_lengths = Vec::new();
        for rank in ranks.clone() {
            let before = sent.len();
            for piece in pieces_to(rank).filter(|_| others(rank)) {
                sent.extend_from_slice(bytemuck::cast_slice(&all[piece]));
            }
            sent_lengths.push(sent.len() - before);
            let pieces = pieces_from(rank).filter(|_| others(rank));
            received_lengths.push(pieces.map(|piece| piece.len() * size_of::<T>()).sum());
        }
        let mut received = vec![0; received_lengths.iter().sum()];
        bytes.fetch_add(received.len() as u64, Ordering::Relaxed);
        transport.exchange(&sent, &sent_lengths, &mut received, &received_lengths)?;
        let mut rest = &received[..];
        for rank in ranks.filter(|&rank| others(rank)) {
            for piece in pieces_from(rank) {
                let to: &mut [u8] = bytemuck::cast_slice_mut(&mut all[piece]);
                let (from, others) = rest.split_at(to.len());
                to.copy_from_slice(from);
                rest = others;
            }
        }
        Ok(())
    }

    /// Replaces each value by its sum over the ranks.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    pub fn sum(&self, values: &mut [i64]) -> Result<()> {
        let Some(Seat { transport, bytes, .. }) = self.several() else { return Ok(()) };
        bytes.fetch_add(size_of_val(values) as u64, Ordering::Relaxed);
        transport.sum(values)
    }

    /// The largest of a number of all ranks. Wishes travel with it.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    pub fn most(&self, number: u32) -> Result<u32> {
        let Some(seat) = self.several() else { return Ok(number) };
        let mut values = [number, seat.wish.swap(0, Ordering::Relaxed)];
        seat.bytes.fetch_add(size_of_val(&values) as u64, Ordering::Relaxed);
        seat.transport.max(&mut values)?;
        seat.heard.store(values[1], Ordering::Relaxed);
        Ok(values[0])
    }

    /// The largest of a number of all ranks, between two updates: there is no limit to the wait for the others.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    pub fn largest(&self, number: u32) -> Result<u32> {
        let Some(seat) = self.several() else { return Ok(number) };
        let mut values = [number];
        seat.transport.wait_for_max(&mut values)?;
        Ok(values[0])
    }

    /// Waits for all ranks, as long as they need. What is shared outside of updates, where ranks may be far apart,
    /// begins with it.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    pub fn meet(&self) -> Result<()> {
        self.largest(0).map(drop)
    }

    /// Wishes that all ranks stop after the next update to hear what rank 0 wants. Of several wishes the largest is
    /// heard; 0 is none.
    pub fn wish(&self, wish: u32) {
        if let Some(seat) = self.several() {
            seat.wish.fetch_max(wish, Ordering::Relaxed);
        }
    }

    /// The largest wish of all ranks in the last update.
    pub fn heard(&self) -> u32 {
        self.several().map_or(0, |seat| seat.heard.load(Ordering::Relaxed))
    }

    /// Gives every rank the bytes of rank 0, for which they wait as long as it needs; those of others are not looked
    /// at.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    pub fn tell(&self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let Some(Seat { transport, .. }) = self.several() else { return Ok(bytes) };
        let own = if transport.rank() == 0 { &bytes[..] } else { &[] };
        let n = own.len() as u64;
        let mut length = [(n >> u32::BITS) as u32, n as u32];
        transport.wait_for_max(&mut length)?;
        let n = (length[0] as usize) << u32::BITS | length[1] as usize;
        let (mut all, mut lengths) = (vec![0; n], vec![0; transport.size()]);
        lengths[0] = n;
        transport.gather(own, &mut all, &lengths)?;
        Ok(all)
    }

    /// Gives every rank the bytes of all, by the numbers of the ranks; they may differ in length. As in an update, no
    /// rank may take long.
    ///
    /// # Errors
    /// [`Error::Ranks`].
    ///
    /// # Panics
    /// If there are 4 GiB or more.
    pub fn collect(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>> {
        let Some(Seat { transport, .. }) = self.several() else { return Ok(vec![own]) };
        let mut lengths = vec![0; transport.size()];
        lengths[transport.rank()] = u32::try_from(own.len()).expect("fewer than 2^32 bytes");
        transport.max(&mut lengths)?;
        let lengths: Vec<usize> = lengths.into_iter().map(|n| n as usize).collect();
        let mut all = vec![0; lengths.iter().sum()];
        transport.gather(&own, &mut all, &lengths)?;
        let mut rest = &all[..];
        let parts = lengths.iter().map(|&n| rest.split_off(..n).expect("as many bytes").to_vec());
        Ok(parts.collect())
    }

    /// The result of this rank, unless another one has failed at the same place.
    ///
    /// # Errors
    /// Its own error; else [`Error::Ranks`] if another rank has one.
    pub fn all<T>(&self, result: Result<T>) -> Result<T> {
        // Rank 0 tells the user, so its failure comes first.
        let failed = result.is_err().then(|| (self.size() - self.rank()) as u32);
        match (self.largest(failed.unwrap_or(0)), result) {
            (_, Err(error)) | (Err(error), _) => Err(error),
            (Ok(0), value) => value,
            (Ok(place), Ok(_)) => {
                Err(Error::Ranks { what: format!("rank {} failed", self.size() - place as usize) })
            }
        }
    }

    /// The bytes that this rank has got from others in its updates, or whatever [`share`](Self::share),
    /// [`exchange`](Self::exchange), [`sum`](Self::sum) and [`most`](Self::most) were called for.
    pub fn bytes(&self) -> u64 {
        self.several().map_or(0, |seat| seat.bytes.load(Ordering::Relaxed))
    }

    fn several(&self) -> Option<&Seat> {
        self.0.as_deref().filter(|seat| seat.transport.size() > 1)
    }
}
