//! Runs side by side: as many at once as there are threads, and more threads for each where runs are fewer.

use super::score::{self, Scored, Scorer};
use crate::checkpoint::{Place, list, newest};
use crate::error::{Error, Result};
use crate::gibbs::FixedModel;
use crate::monitor::{EpochRecord, Monitor};
use crate::run::{
    CHECKPOINTS, Changes, End, Interrupt, Interval, MODEL, SETTINGS, Session, Settings, Shelf,
    resume_on, train_on,
};
use crate::threads::in_pool;
use crate::train::Trainer;
use crate::whole_file;
use signal_hook::consts::SIGINT;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// The time between two looks at requests from outside.
const LOOK: Duration = Duration::from_millis(50);

/// A run that has more than this time left may be paused, to go on with threads that are free.
const WORTH_A_PAUSE: Duration = Duration::from_secs(10);

/// The work on a run up to a rung.
#[derive(Clone, Debug)]
pub struct Job {
    /// The number of the run.
    pub number: usize,
    /// Its folder.
    pub folder: PathBuf,
    /// Its settings.
    pub settings: Settings,
    /// Where it stands at the rung before, where it is to stop, and where its plan ends, in updates.
    pub from: u64,
    pub until: u64,
    pub total: u64,
    /// The updates of the rung, more than `until` if the plan is shorter.
    pub rung: u64,
    /// Whether the rung is the last.
    pub is_last: bool,
}

/// What all runs of a sweep share.
pub struct Crew<'a> {
    /// Their data.
    pub shelf: &'a Shelf,
    /// What scores them.
    pub scorer: &'a Scorer,
    /// The session of the sweep.
    pub session: &'a Session,
    /// The threads of all together.
    pub threads: usize,
    /// The time at which the session is over.
    pub end: Option<Instant>,
}

/// What happens while runs train.
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

/// How the work on a run ended.
enum Ended {
    Scored(Scored),
    Paused,
}

enum Message {
    Note(String),
    Ended { number: usize, ended: thread::Result<Result<Ended>> },
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

/// Trains and scores all these runs. Returns how the session ended if it ended before them.
///
/// # Errors
/// The first error of a run, other than [`Error::Diverged`], once the others are paused.
pub fn side_by_side(
    jobs: Vec<Job>,
    crew: &Crew<'_>,
    tell: &mut dyn FnMut(Event),
) -> Result<Option<End>> {
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        let waiting = jobs.into_iter().map(Arc::new).collect();
        let work = Work { crew, waiting, running: Vec::new(), done: 0, over: None, error: None };
        work.run(scope, &sender, &receiver, tell)
    })
}

/// The state of the work.
struct Work<'a> {
    crew: &'a Crew<'a>,
    waiting: VecDeque<Arc<Job>>,
    running: Vec<Running>,
    /// Updates of the runs that have ended.
    done: u64,
    /// How the session ends, once that is asked for.
    over: Option<End>,
    error: Option<Error>,
}

impl<'a> Work<'a> {
    fn run<'scope>(
        mut self,
        scope: &'scope Scope<'scope, '_>,
        sender: &Sender<Message>,
        receiver: &Receiver<Message>,
        tell: &mut dyn FnMut(Event),
    ) -> Result<Option<End>>
    where
        'a: 'scope,
    {
        loop {
            self.look();
            while self.over.is_none() && self.error.is_none() && self.free() > 0 {
                let Some(job) = self.waiting.pop_front() else { break };
                self.begin(scope, job, sender.clone());
            }
            if self.running.is_empty() {
                break;
            }
            match receiver.recv_timeout(LOOK) {
                Ok(Message::Note(text)) => tell(Event::Note(text)),
                Ok(Message::Ended { number, ended }) => self.end(number, ended, tell),
                Err(RecvTimeoutError::Timeout) => {
                    self.widen();
                    tell(Event::Updates(self.updates()));
                }
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is here"),
            }
        }
        // What runs have said last.
        for message in receiver.try_iter() {
            if let Message::Note(text) = message {
                tell(Event::Note(text));
            }
        }
        match self.error {
            Some(error) => Err(error),
            // A signal that came with the end of the last run stops nothing.
            None => Ok(self.over.filter(|_| !self.waiting.is_empty())),
        }
    }

    fn free(&self) -> usize {
        let taken: usize = self.running.iter().map(|running| running.threads).sum();
        self.crew.threads.saturating_sub(taken)
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
        let threads = share(self.crew.threads, self.free(), self.waiting.len() + 1, n_running);
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

    fn end(
        &mut self,
        number: usize,
        ended: thread::Result<Result<Ended>>,
        tell: &mut dyn FnMut(Event),
    ) {
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
                tell(Event::Scored { number, scored, updates: self.updates() });
            }
            Ok(Ok(Ended::Paused)) => self.waiting.push_front(job),
            Ok(Err(error)) => {
                self.error.get_or_insert(error);
                self.call_all();
            }
        }
    }

    /// Hands down the requests from outside.
    fn look(&mut self) {
        let requests = &self.crew.session.interrupt;
        if requests.take_checkpoint_request() {
            self.running.iter().for_each(|running| running.interrupt.request_checkpoint());
        }
        if self.over.is_some() {
            return;
        }
        self.over = match requests.signal() {
            Some(signal) => Some(End::Interrupted(signal)),
            None => self.crew.end.is_some_and(|end| Instant::now() >= end).then_some(End::Stopped),
        };
        if self.over.is_some() {
            self.call_all();
        }
    }

    fn call_all(&self) {
        self.running.iter().for_each(|running| running.interrupt.raise(SIGINT));
    }

    /// Pauses a run that has far to go, if it can have more threads.
    fn widen(&mut self) {
        let (all, free, n) = (self.crew.threads, self.free(), self.running.len());
        if free == 0 || !self.waiting.is_empty() || self.running.iter().any(|run| run.is_called) {
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

/// The place of a run's newest checkpoint.
fn place(job: &Job) -> Option<Place> {
    newest(&job.folder.join(CHECKPOINTS)).map(|(_, place)| place)
}

/// Trains a run up to its rung, and scores it there.
fn advanced(
    job: &Job,
    crew: &Crew<'_>,
    threads: usize,
    interrupt: &Interrupt,
    pace: &mut Pace,
) -> Result<Ended> {
    let mut scored =
        Scored { rung: job.rung, is_last: job.is_last, updates: job.until, ..Scored::default() };
    loop {
        let place = place(job);
        let updates = place.as_ref().map_or(0, |place| place.updates);
        if place.is_some_and(|place| place.is_done || place.updates >= job.until) {
            scored.updates = updates;
            break;
        }
        let session = Session {
            threads: Some(threads),
            isa: crew.session.isa,
            out: Some(job.folder.clone()),
            stop_after: (job.until < job.total).then(|| Interval::Updates(job.until - updates)),
            command: crew.session.command.clone(),
            interrupt: interrupt.clone(),
            ..Session::default()
        };
        if list(&job.folder.join(CHECKPOINTS)).is_empty() {
            // A run that is killed between its model and its only checkpoint begins again.
            whole_file::remove(&job.folder.join(MODEL))?;
        }
        // A folder without settings holds nothing else: its run begins, too.
        let trained = match job.folder.join(SETTINGS).exists() {
            true => resume_on(crew.shelf, &job.folder, &Changes::default(), &session, &mut [pace]),
            false => train_on(crew.shelf, job.settings.clone(), &session, &mut [pace]),
        };
        match trained {
            Ok(outcome) if matches!(outcome.end, End::Interrupted(_)) => return Ok(Ended::Paused),
            Err(Error::Interrupted) => return Ok(Ended::Paused),
            Ok(_) => {}
            Err(Error::Diverged { epoch, update, what, found, limit }) => {
                scored.updates = update;
                let error = Error::Diverged { epoch, update, what, found, limit };
                scored.failure = Some(error.to_string());
                break;
            }
            Err(error) => return Err(error),
        }
    }
    if scored.failure.is_none() {
        let watch = interrupt.watch();
        let found = in_pool(Some(threads), || crew.scorer.score(&job.folder, &job.settings, watch));
        (scored.score, scored.is_doubtful) = match found {
            Err(Error::Interrupted) => return Ok(Ended::Paused),
            found => found?,
        };
    }
    // Of a process that was killed while it wrote the scores.
    whole_file::remove_leftovers(&job.folder)?;
    score::add(&job.folder, &scored)?;
    Ok(Ended::Scored(scored))
}

/// Tells the sweep where a run is.
struct Pace {
    updates: Arc<AtomicU64>,
    sender: Sender<Message>,
}

impl Monitor for Pace {
    fn begin(&mut self, trainer: &Trainer, _: &[EpochRecord]) -> Result<()> {
        self.updates.store(trainer.updates(), Ordering::Relaxed);
        Ok(())
    }

    fn note(&mut self, text: &str) {
        // If nobody listens, the sweep has ended.
        drop(self.sender.send(Message::Note(text.to_string())));
    }

    fn after_updates(&mut self, trainer: &Trainer, _: f64) {
        self.updates.store(trainer.updates(), Ordering::Relaxed);
    }

    fn after_epoch(&mut self, _: &Trainer, _: FixedModel<'_>, _: &EpochRecord) -> Result<()> {
        Ok(())
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
    fn a_run_is_wider_once_others_have_ended() {
        assert_eq!(wider(2, 1, 1, 1), Some(2));
        assert_eq!(wider(4, 2, 2, 1), Some(2));
        assert_eq!(wider(4, 1, 2, 2), None);
        assert_eq!(wider(3, 1, 2, 1), Some(2));
        assert_eq!(wider(2, 0, 2, 1), None);
    }
}
