//! The runs of a rung side by side: as many at a time as there are threads, and more threads for each once they
//! are fewer. Several ranks share them.
//!
//! Each rank keeps the same list of runs that wait. Some times a second all ranks tell each other what has happened and
//! how many threads they have free, and deal the next runs by that: a rank that is free takes the next one, however
//! long the others take. A run stays on its rank up to the rung.

use super::job::{Crew, Ended, Job, Message, Pace, advanced, place};
use super::score::Scored;
use crate::error::{Error, Result};
use crate::run::{End, Interrupt};
use serde::{Deserialize, Serialize};
use signal_hook::consts::SIGINT;
use std::collections::VecDeque;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// The time between two looks at requests from outside.
const LOOK: Duration = Duration::from_millis(50);

/// The time between two meetings of several ranks: they wait for the slowest of them with a busy core.
const MEETING: Duration = Duration::from_millis(100);

/// A run that has more than this time left may be paused, to go on with threads that are free.
const WORTH_A_PAUSE: Duration = Duration::from_secs(10);

/// What happens while runs train, on any rank.
pub enum Event {
    /// A message for the user.
    Note(String),
    /// Updates done since the rung before, of all runs that are at work or have ended.
    Updates(u64),
    /// A run has reached the rung.
    Scored {
        /// Its number.
        number: usize,
        /// Its score.
        scored: Scored,
        /// As in `Updates`.
        updates: u64,
    },
}

/// A run at work.
struct Running {
    job: Arc<Job>,
    threads: usize,
    interrupt: Interrupt,
    updates: Arc<AtomicU64>,
    begun: Instant,
    /// Its updates when it began.
    first: u64,
    /// Whether it is to be paused, to go on with more threads.
    is_called: bool,
}

/// What a rank tells the others.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Report {
    /// The signal that asks to stop, and whether the time of the session is over.
    signal: Option<i32>,
    is_time_over: bool,
    /// Whether a run has failed, other than by diverging.
    has_failed: bool,
    /// Threads without a run, the number of runs at work, and of those that are to begin.
    free: usize,
    running: usize,
    dealt: usize,
    /// Updates done since the rung before, of runs that are at work or have ended.
    updates: u64,
    /// Runs that have ended since the last report, and what they said.
    scored: Vec<(usize, Scored)>,
    notes: Vec<String>,
}

/// The threads of the next run, where `free` of `all` threads are free, `waiting` runs wait (it included) and
/// `running` are at work.
fn share(all: usize, free: usize, waiting: usize, running: usize) -> usize {
    (free / waiting).min(all.div_ceil(waiting + running)).max(1)
}

/// The threads that a run would have in place of its own if it was paused now, as no other waits.
fn wider(all: usize, free: usize, running: usize, own: usize) -> Option<usize> {
    let n = share(all, free + own, 1, running - 1);
    (n > own).then_some(n)
}

/// Deals so many runs: each goes to the rank with the most free threads, the first of equals. Returns the rank of each,
/// fewer if no thread is left.
fn dealt(mut free: Vec<usize>, n: usize) -> Vec<usize> {
    let mut ranks = Vec::new();
    while ranks.len() < n
        && let Some(most) = free.iter().copied().max().filter(|most| *most > 0)
    {
        let rank = free.iter().position(|n| *n == most).expect("the largest");
        free[rank] -= 1;
        ranks.push(rank);
    }
    ranks
}

/// Trains and scores all these runs, on all ranks of the session, which must all be given the same. Returns how the
/// session ended if it ended before them. All ranks hear of the scores in the same order.
///
/// # Errors
/// The first error of a run, other than [`Error::Diverged`], once the others are paused; [`Error::Ranks`].
pub fn side_by_side(
    jobs: Vec<Job>,
    crew: &Crew<'_>,
    tell: &mut dyn FnMut(Event),
) -> Result<Option<End>> {
    let done = thread::scope(|scope| {
        let (sender, receiver) = channel();
        let n_left = jobs.len();
        let waiting = jobs.into_iter().map(Arc::new).collect();
        let mut work = Work {
            crew,
            waiting,
            n_left,
            dealt: VecDeque::new(),
            running: Vec::new(),
            done: 0,
            own: Report::default(),
            over: None,
            has_failed: false,
            error: None,
        };
        let done = work.run(scope, &sender, &receiver, tell);
        if done.is_err() {
            // The other ranks are lost, and the scope waits for these runs.
            work.call_all();
        }
        done.and_then(|()| match work.error {
            Some(error) => Err(error),
            // A signal that came with the end of the last run stops nothing.
            None => Ok(work.over.filter(|_| work.n_left > 0)),
        })
    });
    crew.session.ranks.all(done)
}

/// The state of the work, as a rank sees it.
struct Work<'a> {
    crew: &'a Crew<'a>,
    /// Runs that no rank has.
    waiting: VecDeque<Arc<Job>>,
    /// The number of runs that have no score, on any rank.
    n_left: usize,
    /// Runs that this rank is to begin.
    dealt: VecDeque<Arc<Job>>,
    running: Vec<Running>,
    /// Updates of its runs that have ended.
    done: u64,
    /// What it will tell next.
    own: Report,
    /// How the session ends, once that is asked for on any rank.
    over: Option<End>,
    /// Whether a run of any rank has failed.
    has_failed: bool,
    error: Option<Error>,
}

impl<'a> Work<'a> {
    fn run<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        sender: &Sender<Message>,
        receiver: &Receiver<Message>,
        tell: &mut dyn FnMut(Event),
    ) -> Result<()>
    where
        'a: 'scope,
    {
        while self.meet(tell)? {
            while !self.is_stopping()
                && self.free() > 0
                && let Some(job) = self.dealt.pop_front()
            {
                self.begin(scope, job, sender.clone());
            }
            self.widen();
            self.listen(receiver);
        }
        // What runs have said last.
        for message in receiver.try_iter() {
            if let Message::Note(text) = message {
                tell(Event::Note(text));
            }
        }
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.over.is_some() || self.has_failed
    }

    fn free(&self) -> usize {
        let taken: usize = self.running.iter().map(|running| running.threads).sum();
        self.crew.threads.saturating_sub(taken)
    }

    /// Hears what has happened on all ranks, and deals runs that wait. Returns whether there is work left.
    fn meet(&mut self, tell: &mut dyn FnMut(Event)) -> Result<bool> {
        let reports = self.exchanged()?;
        let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
        let (running, dealt) = (sum(|it| it.running), sum(|it| it.dealt));
        let updates = reports.iter().map(|it| it.updates).sum();
        let free: Vec<_> = reports.iter().map(|it| it.free.saturating_sub(it.dealt)).collect();
        let signal = reports.iter().filter_map(|it| it.signal).max();
        let is_time_over = reports.iter().any(|it| it.is_time_over);
        let asked = signal.map(End::Interrupted).or(is_time_over.then_some(End::Stopped));
        self.over = self.over.or(asked);
        self.has_failed |= reports.iter().any(|it| it.has_failed);
        for Report { notes, scored, .. } in reports {
            notes.into_iter().for_each(|text| tell(Event::Note(text)));
            for (number, scored) in scored {
                self.n_left -= 1;
                tell(Event::Scored { number, scored, updates });
            }
        }
        tell(Event::Updates(updates));
        if self.is_stopping() {
            self.call_all();
            return Ok(running > 0);
        }
        let is_done = running == 0 && dealt == 0 && self.waiting.is_empty();
        let own = self.crew.session.ranks.rank();
        for rank in self::dealt(free, self.waiting.len()) {
            let job = self.waiting.pop_front();
            self.dealt.extend(job.filter(|_| rank == own));
        }
        Ok(!is_done)
    }

    /// The reports of all ranks.
    fn exchanged(&mut self) -> Result<Vec<Report>> {
        let Crew { session, end, .. } = self.crew;
        if session.interrupt.take_checkpoint_request() {
            self.running.iter().for_each(|running| running.interrupt.request_checkpoint());
        }
        let own = Report {
            signal: session.interrupt.signal(),
            is_time_over: end.is_some_and(|end| Instant::now() >= end),
            has_failed: self.error.is_some(),
            free: self.free(),
            running: self.running.len(),
            dealt: self.dealt.len(),
            updates: self.updates(),
            ..take(&mut self.own)
        };
        if !session.ranks.are_several() {
            return Ok(vec![own]);
        }
        let text = serde_json::to_vec(&own).expect("plain data");
        let parsed = |text: Vec<u8>| {
            serde_json::from_slice(&text).map_err(|cause| Error::Ranks {
                what: format!("another rank has sent no report: {cause}"),
            })
        };
        session.ranks.collect(text)?.into_iter().map(parsed).collect()
    }

    fn begin<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        job: Arc<Job>,
        sender: Sender<Message>,
    ) where
        'a: 'scope,
    {
        let n_running = self.running.len();
        let threads = share(self.crew.threads, self.free(), self.dealt.len() + 1, n_running);
        let first = place(&job).map_or(0, |place| place.updates);
        let (interrupt, updates) = (Interrupt::default(), Arc::new(AtomicU64::new(first)));
        self.running.push(Running {
            job: job.clone(),
            threads,
            interrupt: interrupt.clone(),
            updates: updates.clone(),
            begun: Instant::now(),
            first,
            is_called: false,
        });
        let crew = self.crew;
        scope.spawn(move || {
            let mut pace = Pace { updates, sender: sender.clone() };
            let work = || advanced(&job, crew, threads, &interrupt, &mut pace);
            let ended = catch_unwind(AssertUnwindSafe(work));
            // If nobody listens, the sweep has ended.
            drop(sender.send(Message::Ended { number: job.number, ended }));
        });
    }

    /// Hears of the runs of this rank: of one message, or of those until the next meeting if there are others.
    fn listen(&mut self, receiver: &Receiver<Message>) {
        let are_several = self.crew.session.ranks.are_several();
        let until = Instant::now() + if are_several { MEETING } else { LOOK };
        loop {
            match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Message::Note(text)) => self.own.notes.push(text),
                Ok(Message::Ended { number, ended }) => self.end(number, ended),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is here"),
            }
            if !are_several {
                return;
            }
        }
    }

    fn end(&mut self, number: usize, ended: thread::Result<Result<Ended>>) {
        let at = self.running.iter().position(|running| running.job.number == number);
        let Running { job, .. } = self.running.swap_remove(at.expect("a run at work"));
        match ended {
            Err(panic) => {
                // The others are waited for.
                self.call_all();
                resume_unwind(panic)
            }
            Ok(Ok(Ended::Scored(scored))) => {
                self.done += scored.updates.saturating_sub(job.from);
                self.own.scored.push((number, scored));
            }
            Ok(Ok(Ended::Paused)) => self.dealt.push_front(job),
            Ok(Err(error)) => {
                self.error.get_or_insert(error);
                self.call_all();
            }
        }
    }

    fn call_all(&self) {
        self.running.iter().for_each(|running| running.interrupt.raise(SIGINT));
    }

    /// Pauses a run that has far to go, if it can have more threads.
    fn widen(&mut self) {
        let (all, free, n) = (self.crew.threads, self.free(), self.running.len());
        let is_spare = free > 0 && self.waiting.is_empty() && self.dealt.is_empty();
        if !is_spare || self.running.iter().any(|run| run.is_called) {
            return;
        }
        let may = |run: &&mut Running| {
            wider(all, free, n, run.threads).is_some() && run.left() > WORTH_A_PAUSE
        };
        let narrowest = self.running.iter_mut().filter(may).min_by_key(|run| run.threads);
        if let Some(run) = narrowest {
            run.is_called = true;
            run.interrupt.raise(SIGINT);
        }
    }

    fn updates(&self) -> u64 {
        let of = |run: &Running| {
            run.updates.load(Ordering::Relaxed).min(run.job.until).saturating_sub(run.job.from)
        };
        self.done + self.running.iter().map(of).sum::<u64>()
    }
}

impl Running {
    /// The time that it needs at its pace; none before its first report.
    fn left(&self) -> Duration {
        let updates = self.updates.load(Ordering::Relaxed);
        let (done, left) =
            (updates.saturating_sub(self.first), self.job.until.saturating_sub(updates));
        match done {
            0 => Duration::ZERO,
            _ => self.begun.elapsed().mul_f64(left as f64 / done as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The threads of runs that begin one after the other and do not end.
    fn shares(all: usize, n: usize) -> Vec<usize> {
        let mut shares: Vec<usize> = Vec::new();
        while shares.len() < n && shares.iter().sum::<usize>() < all {
            let free = all - shares.iter().sum::<usize>();
            shares.push(share(all, free, n - shares.len(), shares.len()));
        }
        shares
    }

    #[test]
    fn as_many_runs_as_threads_and_more_threads_for_the_last() {
        for (all, n, expected) in [
            (2, 8, &[1, 1][..]),
            (4, 2, &[2, 2]),
            (3, 2, &[1, 2]),
            (4, 3, &[1, 1, 2]),
            (4, 1, &[4]),
            (1, 3, &[1]),
        ] {
            assert_eq!(shares(all, n), expected, "{n} runs, {all} threads");
        }
        // The last of many begins while others are at work.
        assert_eq!(share(4, 1, 1, 3), 1);
        assert_eq!(share(4, 3, 1, 1), 2);
    }

    #[test]
    fn runs_go_to_ranks_that_are_free() {
        assert_eq!(dealt(vec![2, 2], 3), [0, 1, 0]);
        assert_eq!(dealt(vec![1, 3, 0], 5), [1, 1, 0, 1]);
        assert!(dealt(vec![0, 0], 5).is_empty());
        assert_eq!(dealt(vec![4], 2), [0, 0]);
    }

    #[test]
    fn a_run_is_wider_once_others_have_ended() {
        assert_eq!(wider(2, 1, 1, 1), Some(2));
        assert_eq!(wider(4, 2, 2, 1), Some(2));
        assert_eq!(wider(4, 1, 2, 2), None);
        assert_eq!(wider(3, 1, 2, 1), Some(2));
        assert_eq!(wider(2, 0, 2, 1), None);
    }
}
