//! Ranks that are the processes of an MPI job, on one computer or on many.

use super::watchdog::Watchdog;
use super::{Ranks, Transport, launcher};
use crate::error::{Error, Result};
use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::datatype::{Equivalence, PartitionMut};
use mpi::environment::Universe;
use mpi::request::multiple_scope;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{
    Buffer, BufferMut, Communicator, CommunicatorCollectives, Destination, Root, Source,
};
use std::fmt;
use std::iter::repeat;
use std::marker::PhantomData;
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// The most bytes of a call of MPI, which counts in 32 bits with a sign.
const LARGEST_PIECE: usize = 1 << 30;

/// The exit code of a job that ends because a rank did not answer: `EX_TEMPFAIL`, try again.
pub const NO_ANSWER: i32 = 75;

/// How long the end of a job may take before a rank leaves it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The part of this process in an MPI job. MPI can begin only once in a process, and must end on the thread that began
/// it: when the job is dropped, which waits until all ranks do so. A rank that cannot go on while others can must
/// [`abort`]; a panic does.
pub struct Job {
    watchdog: Arc<Watchdog>,
    one_at_a_time: Arc<Mutex<()>>,
    _universe: Universe,
    stays_on_its_thread: PhantomData<*const ()>,
}

impl Job {
    /// Begins MPI. If a call between ranks has not returned for `timeout` inside an update, the whole job ends with a
    /// message and the exit code [`NO_ANSWER`]. Between updates rank 0 may take as long as it needs.
    ///
    /// # Errors
    /// [`Error::Ranks`] if MPI has begun before, or if it cannot be called from more than one thread; those of
    /// [`launcher::check`].
    pub fn begin(timeout: Duration) -> Result<(Self, Ranks)> {
        let Some((universe, level)) = mpi::initialize_with_threading(Threading::Serialized) else {
            return Err(Error::Ranks { what: "MPI has already begun in this process".into() });
        };
        if level < Threading::Serialized {
            let what = format!(
                "this MPI can be called from {level:?} threads only, but must allow calls from any thread, one at a \
                 time; use an MPI that is built with threads"
            );
            return Err(Error::Ranks { what });
        }
        launcher::check(true, Some(world().size() as usize))?;
        let rank = world().rank();
        let watchdog = Watchdog::new(timeout, move || give_up(rank, timeout));
        let job = Self {
            watchdog: Arc::new(watchdog),
            one_at_a_time: Arc::default(),
            _universe: universe,
            stays_on_its_thread: PhantomData,
        };
        let ranks = job.ranks(LARGEST_PIECE);
        Ok((job, ranks))
    }

    /// The ranks of the job, which send at most so many bytes at once. All ranks must give the same number.
    #[doc(hidden)]
    pub fn ranks(&self, largest_piece: usize) -> Ranks {
        Ranks::new(Mpi {
            rank: world().rank() as usize,
            size: world().size() as usize,
            largest_piece,
            watchdog: self.watchdog.clone(),
            one_at_a_time: self.one_at_a_time.clone(),
        })
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if thread::panicking() {
            // The end of MPI would wait for the others, and they for this rank.
            abort(101);
        }
    }
}

/// Ends all processes of the job at once, with an exit code.
pub fn abort(code: i32) -> ! {
    thread::spawn(move || {
        thread::sleep(PATIENCE);
        process::exit(code);
    });
    world().abort(code)
}

/// Ends the job because a call of this rank has not returned for so long.
fn give_up(rank: i32, timeout: Duration) {
    eprintln!(
        "error: rank {rank}: the other ranks have not answered for {} s: one of them, or the network between them, is \
         lost; the job ends here, and `harmonium resume` continues the run from its last checkpoint",
        timeout.as_secs_f64()
    );
    abort(NO_ANSWER)
}

/// All processes of the job. The value cannot be sent to other threads, so each call makes its own.
fn world() -> SimpleCommunicator {
    SimpleCommunicator::world()
}

/// A process of an MPI job.
#[derive(Debug)]
struct Mpi {
    rank: usize,
    size: usize,
    largest_piece: usize,
    watchdog: Arc<Watchdog>,
    /// Held during a call: the threads of this process may call in turns, as was agreed with MPI.
    one_at_a_time: Arc<Mutex<()>>,
}

impl Mpi {
    /// Makes a call that may take as long as it needs.
    fn alone<T>(&self, call: impl FnOnce(SimpleCommunicator) -> T) -> T {
        let _turn = self.one_at_a_time.lock().unwrap_or_else(PoisonError::into_inner);
        call(world())
    }

    /// Makes a call that must return in time.
    fn in_time<T>(&self, call: impl FnOnce(SimpleCommunicator) -> T) -> T {
        self.alone(|world| self.watchdog.watch(|| call(world)))
    }
}

/// Joins the numbers of all ranks.
fn reduce<T: Equivalence + Copy>(
    world: &SimpleCommunicator,
    values: &mut [T],
    operation: SystemOperation,
) where
    [T]: Buffer + BufferMut,
{
    let own = values.to_vec();
    world.all_reduce_into(&own[..], values, operation);
}

/// The parts of all ranks, and whose they are, in pieces of at most so many bytes.
fn pieces<'a>(
    all: &'a [u8],
    lengths: &[usize],
    largest: usize,
) -> impl Iterator<Item = (i32, &'a [u8])> {
    let mut rest = all;
    let parts = lengths.iter().map(move |&n| rest.split_off(..n).expect("as many bytes"));
    (0..).zip(parts).flat_map(move |(rank, part)| repeat(rank).zip(part.chunks(largest)))
}

/// [`pieces`] to write to.
fn pieces_mut<'a>(
    all: &'a mut [u8],
    lengths: &[usize],
    largest: usize,
) -> impl Iterator<Item = (i32, &'a mut [u8])> {
    let mut rest = all;
    let parts = lengths.iter().map(move |&n| rest.split_off_mut(..n).expect("as many bytes"));
    (0..).zip(parts).flat_map(move |(rank, part)| repeat(rank).zip(part.chunks_mut(largest)))
}

impl Transport for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&self, own: &[u8], all: &mut [u8], lengths: &[usize]) -> Result<()> {
        let before: usize = lengths[..self.rank].iter().sum();
        self.in_time(|world| {
            if all.len() <= self.largest_piece {
                let counts: Vec<_> = lengths.iter().map(|&n| n as i32).collect();
                let starts = counts.iter().scan(0, |at, n| Some(std::mem::replace(at, *at + n)));
                let starts: Vec<_> = starts.collect();
                world.all_gather_varcount_into(own, &mut PartitionMut::new(all, counts, starts));
            } else {
                all[before..before + own.len()].copy_from_slice(own);
                for (rank, piece) in pieces_mut(all, lengths, self.largest_piece) {
                    world.process_at_rank(rank).broadcast_into(piece);
                }
            }
        });
        Ok(())
    }

    /// Sends to each rank apart, as `MPI_Alltoallv` does: its places in the bytes would have to fit 32 bits, too.
    fn exchange(
        &self,
        sent: &[u8],
        sent_lengths: &[usize],
        received: &mut [u8],
        received_lengths: &[usize],
    ) -> Result<()> {
        let largest = self.largest_piece;
        self.in_time(|world| {
            multiple_scope(2 * self.size, |scope, requests| {
                for (rank, piece) in pieces_mut(received, received_lengths, largest) {
                    let from = world.process_at_rank(rank);
                    requests.add(from.immediate_receive_into(scope, piece));
                }
                for (rank, piece) in pieces(sent, sent_lengths, largest) {
                    requests.add(world.process_at_rank(rank).immediate_send(scope, piece));
                }
                requests.wait_all(&mut Vec::new());
            });
        });
        Ok(())
    }

    fn sum(&self, values: &mut [i64]) -> Result<()> {
        self.in_time(|world| {
            for piece in values.chunks_mut((self.largest_piece / size_of::<i64>()).max(1)) {
                reduce(&world, piece, SystemOperation::sum());
            }
        });
        Ok(())
    }

    fn max(&self, values: &mut [u32]) -> Result<()> {
        self.in_time(|world| reduce(&world, values, SystemOperation::max()));
        Ok(())
    }

    fn wait_for_max(&self, values: &mut [u32]) -> Result<()> {
        self.alone(|world| reduce(&world, values, SystemOperation::max()));
        Ok(())
    }
}
