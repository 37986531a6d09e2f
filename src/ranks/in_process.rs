//! Ranks that are threads of one process, for tests: what travels between them is copied through a table.

use super::{Ranks, Transport};
use crate::error::{Error, Result};
use std::sync::{Arc, Condvar, Mutex};

/// Where the ranks of a process lay what they send.
#[derive(Debug, Default)]
struct Table {
    state: Mutex<Round>,
    changed: Condvar,
}

/// One call of all ranks.
#[derive(Debug, Default)]
struct Round {
    /// What each rank has laid down, and the lengths of its parts.
    laid: Vec<Option<(Vec<u8>, Vec<usize>)>>,
    /// The ranks that have taken what they need.
    n_taken: usize,
    /// Whether a rank has left.
    is_broken: bool,
}

/// A rank of a process.
#[derive(Debug)]
struct InProcess {
    rank: usize,
    size: usize,
    table: Arc<Table>,
}

/// So many ranks, one for each thread that the caller starts. Each needs a thread pool of its own, as a rank that waits
/// for the others keeps its thread. A rank that is dropped ends the calls of the others with an error.
pub fn ranks(size: usize) -> Vec<Ranks> {
    let table = Arc::new(Table::default());
    table.state.lock().expect("no rank holds it").laid = vec![None; size];
    (0..size).map(|rank| Ranks::new(InProcess { rank, size, table: table.clone() })).collect()
}

impl InProcess {
    /// Lays down parts, and calls `take` with what each rank has laid down.
    fn meet(
        &self,
        sent: &[u8],
        lengths: &[usize],
        mut take: impl FnMut(usize, &[u8], &[usize]),
    ) -> Result<()> {
        let lost = || Error::Ranks { what: "another rank has left".to_string() };
        let Table { state, changed } = &*self.table;
        let mut round = state.lock().map_err(|_| lost())?;
        round.laid[self.rank] = Some((sent.to_vec(), lengths.to_vec()));
        changed.notify_all();
        while round.laid.iter().any(Option::is_none) && !round.is_broken {
            round = changed.wait(round).map_err(|_| lost())?;
        }
        if round.laid.iter().any(Option::is_none) {
            return Err(lost());
        }
        for (rank, laid) in round.laid.iter().enumerate() {
            let (bytes, lengths) = laid.as_ref().expect("all have laid something down");
            take(rank, bytes, lengths);
        }
        round.n_taken += 1;
        if round.n_taken == self.size {
            round.laid.fill(None);
            round.n_taken = 0;
            changed.notify_all();
        }
        while round.n_taken != 0 && !round.is_broken {
            round = changed.wait(round).map_err(|_| lost())?;
        }
        Ok(())
    }

    /// [`meet`](Self::meet) for numbers, which `join` joins with those of each rank.
    fn reduce<T: bytemuck::Pod>(&self, values: &mut [T], join: impl Fn(&mut T, T)) -> Result<()> {
        let own = bytemuck::cast_slice(values).to_vec();
        self.meet(&own, &[], |rank, bytes, _| {
            let others = bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned);
            let others = values.iter_mut().zip(others).filter(|_| rank != self.rank);
            others.for_each(|(value, other)| join(value, other));
        })
    }
}

impl Transport for InProcess {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn gather(&self, own: &[u8], all: &mut [u8], lengths: &[usize]) -> Result<()> {
        let mut at = 0;
        self.meet(own, &[], |rank, bytes, _| {
            assert_eq!(bytes.len(), lengths[rank], "the bytes of rank {rank}");
            all[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        })
    }

    fn exchange(
        &self,
        sent: &[u8],
        sent_lengths: &[usize],
        received: &mut [u8],
        received_lengths: &[usize],
    ) -> Result<()> {
        let mut at = 0;
        self.meet(sent, sent_lengths, |rank, bytes, lengths| {
            let first: usize = lengths[..self.rank].iter().sum();
            let part = &bytes[first..first + lengths[self.rank]];
            assert_eq!(part.len(), received_lengths[rank], "the bytes from rank {rank}");
            received[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        })
    }

    fn sum(&self, values: &mut [i64]) -> Result<()> {
        self.reduce(values, |sum, x| *sum += x)
    }

    fn max(&self, values: &mut [u32]) -> Result<()> {
        self.reduce(values, |most, x| *most = x.max(*most))
    }
}

impl Drop for InProcess {
    fn drop(&mut self) {
        if let Ok(mut round) = self.table.state.lock() {
            round.is_broken = true;
        }
        self.table.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// Calls `work` on every rank of 1 to 5.
    fn on_ranks(work: impl Fn(Ranks) + Sync) {
        for size in 1..=5 {
            thread::scope(|scope| {
                for ranks in ranks(size) {
                    scope.spawn(|| work(ranks));
                }
            });
        }
    }

    #[test]
    fn panels_of_all_ranks_come_together() {
        on_ranks(|ranks| {
            for round in 0..20 {
                let value = |panel: usize, at: usize| (round * 1000 + panel * 10 + at) as u64;
                let own = ranks.own(7);
                let filled = |scale: u64| -> Vec<u64> {
                    let of_panel = |panel| {
                        let is_own = own.contains(&panel);
                        (0..3).map(move |at| if is_own { scale * value(panel, at) } else { 0 })
                    };
                    (0..7).flat_map(of_panel).collect()
                };
                let (mut one, mut other) = (filled(1), filled(2));
                ranks.share(&mut [&mut one, &mut other], 7, |rank| ranks.part(rank, 7)).unwrap();
                let whole: Vec<_> =
                    (0..7).flat_map(|p| (0..3).map(move |at| value(p, at))).collect();
                assert_eq!(one, whole);
                assert_eq!(other, whole.iter().map(|x| 2 * x).collect::<Vec<_>>());
            }
        });
    }

    /// Every rank has its rows of a matrix, and gets its columns.
    #[test]
    fn parts_are_exchanged() {
        on_ranks(|ranks| {
            const ROWS: usize = 6;
            const COLUMNS: usize = 4;
            let value = |at: usize| 3 * at as i16 + 1;
            let (rows, columns) = (ranks.own(ROWS), ranks.own(COLUMNS));
            let mut all: Vec<i16> = (0..ROWS * COLUMNS)
                .map(|at| if rows.contains(&(at / COLUMNS)) { value(at) } else { 0 })
                .collect();
            let pieces = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
                rows.map(move |row| row * COLUMNS + columns.start..row * COLUMNS + columns.end)
            };
            let to = |rank| pieces(rows.clone(), ranks.part(rank, COLUMNS));
            let from = |rank| pieces(ranks.part(rank, ROWS), columns.clone());
            ranks.exchange(&mut all, to, from).unwrap();
            let own = (0..ROWS * COLUMNS).filter(|at| columns.contains(&(at % COLUMNS)));
            own.for_each(|at| assert_eq!(all[at], value(at)));
        });
    }

    #[test]
    fn numbers_are_joined_and_wishes_heard() {
        on_ranks(|ranks| {
            let (rank, size) = (ranks.rank(), ranks.size());
            let mut sums = [rank as i64, -1];
            ranks.sum(&mut sums).unwrap();
            assert_eq!(sums, [(size * (size - 1) / 2) as i64, -(size as i64)]);
            assert_eq!(ranks.most(rank as u32).unwrap(), (size - 1) as u32);
            assert_eq!(ranks.heard(), 0);
            if rank == size - 1 {
                ranks.wish(7);
                ranks.wish(3);
            }
            assert_eq!(ranks.most(5).unwrap(), 5);
            assert_eq!(ranks.heard(), if size > 1 { 7 } else { 0 });
            ranks.most(5).unwrap();
            assert_eq!(ranks.heard(), 0);
            let word = if rank == 0 { b"all".to_vec() } else { b"nothing".to_vec() };
            assert_eq!(ranks.tell(word).unwrap(), b"all");
        });
    }

    #[test]
    fn a_failure_of_one_rank_is_one_of_all() {
        on_ranks(|ranks| {
            let result = if ranks.rank() == 1 { Err(Error::Interrupted) } else { Ok(()) };
            let found = ranks.all(result);
            match (ranks.rank(), ranks.size()) {
                (_, 1) => found.unwrap(),
                (1, _) => assert!(matches!(found, Err(Error::Interrupted))),
                _ => assert_eq!(found.unwrap_err().to_string(), "rank 1 failed"),
            }
            ranks.all(Ok(())).unwrap();
        });
    }

    #[test]
    fn a_rank_that_leaves_ends_the_calls_of_the_others() {
        let mut all = ranks(2);
        let leaving = all.pop().unwrap();
        let staying = all.pop().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || staying.sum(&mut [1]));
            drop(leaving);
            let error = waiting.join().unwrap().unwrap_err().to_string();
            assert!(error.contains("another rank has left"), "{error}");
        });
    }
}
