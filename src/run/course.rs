//! The course of a run: updates, records, checkpoints, and the reasons to stop.

use super::checkpoints::Checkpoints;
use super::config::{End, Keep, Replan, RunConfig, Session};
use super::data::Data;
use super::files::CHECKPOINTS;
use super::folder::Folder;
use super::interval::Interval;
use super::ladder::Recorder;
use super::results;
use super::settings::{Settings, SettingsFile};
use crate::checkpoint::{Checkpoint, Place};
use crate::error::{Error, Result};
use crate::gibbs::FixedModel;
use crate::model::{ModelFile, Provenance, Rbm};
use crate::monitor::metric::Best;
use crate::monitor::online_log_z::collapse;
use crate::monitor::training::is_reported;
use crate::monitor::{
    EpochRecord, Likelihood, Monitor, OnlineLogZ, Pace, Probe, WeightChange, Writer, metrics_file,
};
use crate::setting::{Section as _, is_on_series};
use crate::state::State;
use crate::train::{Missing, Trainer};
use crate::watch::Watch;
use ndarray::Array1;
use signal_hook::consts::SIGINT;
use std::time::{Duration, Instant};

/// Before an evaluation a new checkpoint is written if the last one is older than this: evaluations
/// take long, and a second signal ends them at once.
const BEFORE_EVALUATION: Duration = Duration::from_secs(2);

/// The time of a session's first checkpoint, if time decides. The next ones come after twice, four times, …, so that a
/// run that is killed soon loses half of its time at most.
const FIRST_CHECKPOINT: Duration = Duration::from_secs(10);

/// Whether half of a session is since its last checkpoint, or its start.
fn is_due_early(since: Duration, session: Duration) -> bool {
    since >= FIRST_CHECKPOINT && since * 2 >= session
}

/// The results of a run so far.
#[derive(Debug, Default)]
pub struct Journal {
    /// The records of its epochs.
    pub records: Vec<EpochRecord>,
    /// The record of the epoch that has just ended, while its scores are missing.
    pub unscored: Option<EpochRecord>,
    /// The chains that estimate log Z along training, if the settings ask for them.
    pub log_z: Option<OnlineLogZ>,
    /// The state of the ladder of models in the checkpoint from which the session goes on.
    pub ladder: State,
    /// The parameters of its best epoch, if they are kept.
    pub best: Option<Rbm>,
    /// The wall time of earlier sessions.
    pub seconds: f64,
    /// Whether the run is done.
    pub is_done: bool,
}

/// A run in one session.
pub struct Course<'a> {
    trainer: Trainer,
    settings: &'a Settings,
    folder: &'a Folder,
    writer: &'a Writer,
    command: Option<&'a str>,
    data: &'a Data,
    /// The mean of the training examples (V), for the model file.
    data_mean: Array1<f32>,
    probe: Probe,
    change: WeightChange,
    likelihood: Option<Likelihood>,
    /// The ladder of models, if one is kept.
    ladder: Option<Recorder<'a>>,
    journal: Journal,
    /// The best value of the metric whose best model is kept.
    best: Option<Best>,
    /// The best value of the metric that may stop the run.
    early_stop: Option<Best>,
    clock: Clock,
}

/// The times at which things last happened.
struct Clock {
    /// The start of the session.
    session: Instant,
    /// The updates done at the start of the session.
    first_update: u64,
    /// The end of the last epoch, or the start of this session.
    epoch: Pace,
    /// The last checkpoint.
    checkpoint: Instant,
}

impl<'a> Course<'a> {
    /// Prepares the rest of a run, whose settings file is `file`.
    pub fn new(
        trainer: Trainer,
        file: &'a SettingsFile,
        data: &'a Data,
        folder: &'a Folder,
        writer: &'a Writer,
        journal: Journal,
    ) -> Self {
        let SettingsFile { settings, command, .. } = file;
        let config = &settings.run;
        let best = match config.keep {
            Keep::Last => None,
            Keep::Best(metric) => Some(Best::new(metric)),
        };
        let mut course = Self {
            probe: Probe::new(trainer.examples(), data.held_out.as_deref(), trainer.config()),
            change: WeightChange::new(&trainer),
            likelihood: likelihood(settings, data),
            ladder: None,
            best,
            early_stop: config.early_stop.map(Best::new),
            clock: Clock {
                session: Instant::now(),
                first_update: trainer.updates(),
                epoch: Pace::since(&trainer, journal.seconds),
                checkpoint: Instant::now(),
            },
            trainer,
            settings,
            folder,
            writer,
            command: command.as_deref(),
            data,
            data_mean: data.training.mean().mapv(|x| x as f32),
            journal,
        };
        let mut plans = settings.run.replanned.iter().peekable();
        for record in &course.journal.records {
            while plans.next_if(|plan| plan.update < record.updates).is_some() {
                course.early_stop.as_mut().map(Best::forgive);
            }
            course.best.as_mut().map(|best| best.observe(record));
            course.early_stop.as_mut().map(|best| best.observe(record));
        }
        course
    }

    /// The provenance that the model file records.
    fn provenance(&self) -> Provenance {
        let mut settings = self.trainer.config().fields();
        let updates = self.trainer.updates();
        let plans = self.settings.run.replanned.iter().filter(|plan| plan.update <= updates);
        let plans: Vec<_> = plans.collect();
        if !plans.is_empty() {
            // A new run with this number of epochs would end in other parameters.
            settings.insert("replanned".to_string(), serde_json::json!(plans));
        }
        Provenance {
            data: self.data.provenance.clone(),
            image_shape: self.trainer.examples().image_shape(),
            settings,
            best_epoch: self.best.as_ref().and_then(|best| Some(best.epoch()? as u64)),
            ..Provenance::default()
        }
    }

    /// The contents of the model file.
    fn model(&self) -> ModelFile {
        ModelFile {
            rbm: self.journal.best.clone().unwrap_or_else(|| self.trainer.model()),
            provenance: self.provenance(),
            data_mean: Some(self.data_mean.clone()),
        }
    }

    /// The subsets of the data on which records are measured.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// Trains until the run or the session ends. Returns how it ended, and the number of updates done.
    ///
    /// # Errors
    /// [`Error::Diverged`](crate::Error::Diverged), and the errors of monitors and of the writer.
    pub fn run(
        mut self,
        session: &Session,
        monitors: &mut [&mut dyn Monitor],
    ) -> Result<(End, u64)> {
        for monitor in monitors.iter_mut() {
            monitor.open(self.folder.path())?;
            monitor.begin(&self.trainer, &self.journal.records)?;
        }
        if let Some(rate) = self.settings.run.ladder {
            let folder = self.folder.path();
            self.ladder = Some(Recorder::new(
                folder,
                rate,
                &self.trainer,
                &self.journal.ladder,
                self.writer,
            )?);
        }
        let end = match self.journal.is_done {
            true => End::Done,
            false => match self.train(session, monitors) {
                // The trainer is as it was before the update, or the epoch is still without its scores.
                Err(Error::Interrupted) => {
                    End::Interrupted(session.interrupt.signal().unwrap_or(SIGINT))
                }
                end => end?,
            },
        };
        self.journal.is_done = matches!(end, End::Done | End::StoppedEarly);
        if self.journal.is_done {
            for monitor in monitors.iter_mut() {
                monitor.finish(&self.trainer)?;
            }
        } else {
            // The checkpoint comes first: a user in a hurry may send a second signal.
            self.write_checkpoint()?;
        }
        let watch = session.interrupt.watch();
        results::write(self.folder, &self.trainer, self.model(), self.writer, watch)?;
        if self.journal.is_done {
            // The checkpoint comes last: a run that is done must have its results.
            self.write_checkpoint()?;
        }
        self.trainer.dismiss()?;
        Ok((end, self.trainer.updates()))
    }

    fn train(&mut self, session: &Session, monitors: &mut [&mut dyn Monitor]) -> Result<End> {
        let watch = session.interrupt.watch();
        // An earlier session may have been interrupted here.
        if self.score(monitors, watch)? {
            return Ok(End::StoppedEarly);
        }
        // The time that monitors take to begin does not count as training.
        self.clock.epoch = Pace::since(&self.trainer, self.seconds());
        loop {
            self.replan()?;
            if self.trainer.is_done() {
                return Ok(End::Done);
            }
            self.change.before_update(&self.trainer);
            if self.must_pause_after(self.trainer.updates() + 1, session) {
                self.trainer.ranks().wish(1);
            }
            self.trainer.update_watched(watch)?;
            session.interrupt.grant(self.trainer.ranks().heard());
            if let Some(log_z) = &mut self.journal.log_z {
                log_z.after_update(&self.trainer);
            }
            if let Some(ladder) = &mut self.ladder {
                ladder.after_update(&self.trainer)?;
            }
            self.report_progress(monitors);
            if self.trainer.is_at_end_of_epoch() {
                self.journal.unscored = self.record();
                let is_recorded = self.journal.unscored.is_some();
                if self.score(monitors, watch)? {
                    return Ok(End::StoppedEarly);
                }
                if is_recorded
                    && !self.trainer.is_done()
                    && monitors.iter().any(|monitor| monitor.asks_to_stop())
                {
                    session.interrupt.raise(SIGINT);
                }
                self.clock.epoch = Pace::since(&self.trainer, self.seconds());
            }
            if self.trainer.is_done() || !self.trainer.others_listen() {
                continue;
            }
            if let Some(signal) = session.interrupt.signal() {
                return Ok(End::Interrupted(signal));
            }
            if session.interrupt.take_checkpoint_request() {
                self.write_checkpoint()?;
                self.writer.flush()?;
                let note = format!("wrote a checkpoint after update {}", self.trainer.updates());
                monitors.iter_mut().for_each(|monitor| monitor.note(&note));
            }
            let updates = self.trainer.updates();
            if self.is_over_after(updates, session) {
                return Ok(End::Stopped);
            }
            if self.is_saved_after(updates) {
                self.write_checkpoint()?;
            }
        }
    }

    /// Whether the session is over after this update.
    fn is_over_after(&self, updates: u64, session: &Session) -> bool {
        session.stop_after.is_some_and(|interval| {
            let done = updates - self.clock.first_update;
            let per_epoch = self.trainer.updates_per_epoch();
            interval.has_passed(self.clock.session.elapsed(), done, per_epoch)
        })
    }

    /// Whether a checkpoint is due after this update.
    fn is_saved_after(&self, updates: u64) -> bool {
        let since = self.clock.checkpoint.elapsed();
        let config = &self.settings.run;
        let is_timed = matches!(config.checkpoint_every, Interval::Time(_));
        config.checkpoint_every.is_due(since, updates, self.trainer.updates_per_epoch())
            || (is_timed && is_due_early(since, self.clock.session.elapsed()))
            || (config.keep_series && is_on_series(updates))
            || (since > BEFORE_EVALUATION && self.is_evaluated_after(updates + 1))
    }

    /// Whether something is to be done after this update for which all ranks must pause. (Time that passes during the
    /// update makes it due after the next one.)
    fn must_pause_after(&self, updates: u64, session: &Session) -> bool {
        session.interrupt.is_asked()
            || self.is_over_after(updates, session)
            || self.is_saved_after(updates)
            || self.settings.run.replanned.iter().any(|plan| plan.update == updates)
    }

    /// Whether the log-likelihood is due after an update.
    fn is_evaluated_after(&self, updates: u64) -> bool {
        self.likelihood.as_ref().is_some_and(|likelihood| likelihood.is_due(&self.trainer, updates))
    }

    /// Changes the number of epochs, if a change is planned at this update.
    fn replan(&mut self) -> Result<()> {
        match self.plan_due() {
            None => Ok(()),
            Some(plan) => {
                self.early_stop.as_mut().map(Best::forgive);
                self.trainer.replan(plan.epochs)
            }
        }
    }

    /// The change of plan at this update.
    fn plan_due(&self) -> Option<Replan> {
        let updates = self.trainer.updates();
        self.settings.run.replanned.iter().rfind(|plan| plan.update == updates).copied()
    }

    /// Reports progress to the monitors, 20 times an epoch.
    fn report_progress(&self, monitors: &mut [&mut dyn Monitor]) {
        if is_reported(&self.trainer) {
            let rate = self.clock.epoch.samples_per_second(&self.trainer, self.seconds());
            monitors.iter_mut().for_each(|monitor| monitor.after_updates(&self.trainer, rate));
        }
    }

    /// The log-likelihood, if it is due after the last update.
    fn likelihood_due(&self) -> Option<&Likelihood> {
        let updates = self.trainer.updates();
        self.likelihood.as_ref().filter(|likelihood| likelihood.is_due(&self.trainer, updates))
    }

    /// The record of the epoch that has just ended, without its scores; none if the run skips it.
    fn record(&self) -> Option<EpochRecord> {
        let samples_per_second = self.clock.epoch.samples_per_second(&self.trainer, self.seconds());
        let trainer = &self.trainer;
        let is_recorded = trainer.is_recorded() || self.likelihood_due().is_some();
        is_recorded.then(|| {
            let record = self.probe.record(trainer, &self.change);
            EpochRecord { samples_per_second, seconds: self.seconds(), ..record }
        })
    }

    /// Scores the epoch that has ended and records it, unless that is done. Returns whether the run must
    /// stop early.
    fn score(&mut self, monitors: &mut [&mut dyn Monitor], watch: Watch<'_>) -> Result<bool> {
        let Some(mut record) = self.journal.unscored.clone() else { return Ok(false) };
        let trainer = &self.trainer;
        let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        self.probe.score(trainer, &mut record, model, watch)?;
        if let Some(log_z) = &self.journal.log_z {
            log_z.score(&mut record, model, watch)?;
        }
        if let Some(likelihood) = self.likelihood_due() {
            record.likelihood = likelihood.measure(trainer, model, watch)?;
        }
        let mut early_stop = self.early_stop.clone();
        early_stop.as_mut().map(|best| best.observe(&record));
        let patience = self.settings.run.patience;
        let stops = early_stop.as_ref().is_some_and(|best| best.has_stalled(patience));
        if let Some(likelihood) = self.likelihood.as_ref().filter(|_| stops) {
            // This is the end of the run, where `evaluate_every` promises an evaluation.
            if record.likelihood.log_likelihood.is_none() {
                record.likelihood = likelihood.measure(trainer, model, watch)?;
            }
        }
        // From here on nothing is interrupted.
        record.seconds = self.seconds();
        self.early_stop = early_stop;
        if self.best.as_mut().is_some_and(|best| best.observe(&record)) {
            self.journal.best = Some(rbm.clone());
        }
        for monitor in monitors.iter_mut() {
            monitor.after_epoch(&self.trainer, model, &record)?;
        }
        self.warn_of_collapse(&record, monitors);
        self.journal.unscored = None;
        self.journal.records.push(record);
        Ok(stops && self.plan_due().is_none())
    }

    /// Says once that the estimate of log Z along training has collapsed, if it has.
    fn warn_of_collapse(&self, record: &EpochRecord, monitors: &mut [&mut dyn Monitor]) {
        let RunConfig { online_log_z: Some(n_chains), .. } = self.settings.run else { return };
        let has_collapsed = |record: &EpochRecord| collapse(record, n_chains).is_some();
        let Some(judged) = collapse(record, n_chains) else { return };
        if self.journal.records.iter().any(has_collapsed) {
            return;
        }
        let note = format!(
            "log_z_online and log_likelihood_online are not known in epoch {}, as {judged}; try a smaller \
             learning_rate, a larger batch_size or more chains of online_log_z",
            record.epoch
        );
        monitors.iter_mut().for_each(|monitor| monitor.note(&note));
    }

    /// Wall time of all sessions until now.
    fn seconds(&self) -> f64 {
        self.journal.seconds + self.clock.session.elapsed().as_secs_f64()
    }

    /// Copies the state now; the writer's thread writes it while training goes on.
    fn write_checkpoint(&mut self) -> Result<()> {
        self.trainer.gather()?;
        let config = &self.settings.run;
        let checkpoints = Checkpoints {
            folder: self.folder.join(CHECKPOINTS),
            keep: config.keep_checkpoints,
            keep_series: config.keep_series,
        };
        let checkpoint = Checkpoint {
            state: self.trainer.state(),
            log_z: self.journal.log_z.as_ref().map(OnlineLogZ::state).unwrap_or_default(),
            ladder: self.ladder.as_ref().map(Recorder::state).unwrap_or_default(),
            visible_units: self.trainer.examples().units(),
            // Read as a model, a checkpoint has the parameters of this update, not the best ones.
            provenance: Provenance { best_epoch: None, ..self.provenance() },
            place: Place {
                epoch: self.trainer.n_epochs_begun(),
                n_epochs: self.trainer.n_epochs(),
                updates: self.trainer.updates(),
                total_updates: self.trainer.total_updates(),
                seconds: self.seconds(),
                is_done: self.journal.is_done,
            },
            settings_file: self.settings.to_toml(self.command),
            records: metrics_file::lines(&self.journal.records),
            unscored: self
                .journal
                .unscored
                .as_ref()
                .map(|record| metrics_file::lines(std::slice::from_ref(record))),
            best: self.journal.best.clone(),
            data_mean: Some(self.data_mean.clone()),
        };
        self.clock.checkpoint = Instant::now();
        let folder = self.folder.clone();
        self.writer.send(move || checkpoints.write(checkpoint, || folder.check()))
    }
}

/// The measurement of the log-likelihood, if the settings ask for it.
pub fn likelihood(settings: &Settings, data: &Data) -> Option<Likelihood> {
    let (config, seed) = (&settings.run, settings.train.seed);
    // Each example has a Z of its own.
    let held_out = data.held_out.as_deref().and_then(|examples| examples.missing());
    let some_lack = data.training.missing().or(held_out).is_some();
    let is_absent = settings.train.missing == Some(Missing::Absent) && some_lack;
    let examples = data.held_out.as_deref().unwrap_or(&data.training);
    // The discriminative objective trains no p(v), and p(v, label) needs labels.
    let has_density = settings.train.objective.needs_chains() && examples.n_labelled() > 0;
    (config.evaluate_every > 0 && !is_absent && has_density).then(|| {
        let (method, every) = (config.evaluate, config.evaluate_every);
        Likelihood::new(examples, &data.training, method, every, seed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn early_checkpoints_come_at_ten_twenty_and_forty_seconds() {
        let mut made = Vec::new();
        for second in 1..=100 {
            let since = second - made.last().unwrap_or(&0);
            if is_due_early(Duration::from_secs(since), Duration::from_secs(second)) {
                made.push(second);
            }
        }
        assert_eq!(made, [10, 20, 40, 80]);
    }
}
