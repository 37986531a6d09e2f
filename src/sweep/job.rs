//! The work on one run of a sweep: training up to a rung, and the score there.

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
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Instant;

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
    /// Its scores at the rungs before.
    pub before: Vec<Scored>,
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

/// How the work on a run ended.
pub enum Ended {
    Scored(Scored),
    /// It was asked to, and goes on from its last checkpoint.
    Paused,
}

/// What a run at work tells.
pub enum Message {
    Note(String),
    Ended { number: usize, ended: thread::Result<Result<Ended>> },
}

/// The place of a run's newest checkpoint.
pub fn place(job: &Job) -> Option<Place> {
    newest(&job.folder.join(CHECKPOINTS)).map(|(_, place)| place)
}

/// Trains a run up to its rung, and scores it there.
///
/// # Errors
/// Those of training and of the score, other than [`Error::Diverged`]: such a run has no score.
pub fn advanced(
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
    score::write(&job.folder, &[&job.before[..], &[scored.clone()]].concat())?;
    Ok(Ended::Scored(scored))
}

/// Tells the sweep where a run is.
pub struct Pace {
    /// Its updates.
    pub updates: Arc<AtomicU64>,
    /// Where its notes go.
    pub sender: Sender<Message>,
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
