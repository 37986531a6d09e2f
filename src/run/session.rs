//! The commands that work on a run: `train` begins it, `resume` continues it.

use super::config::{DataConfig, End, Replan, RunConfig, Session};
use super::course::{self, Course, Journal};
use super::data::Data;
use super::files::{CHECKPOINTS, FAILURE, METRICS, MODEL, SETTINGS, SNAPSHOTS};
use super::folder::Folder;
use super::ladder::Recorder;
use super::settings::{Settings, SettingsFile};
use super::shelf::Shelf;
use super::{checkpoints, followers, time_budget};
use crate::checkpoint::Checkpoint;
use crate::dataset::{ColumnSource, Examples, Source, absolute};
use crate::error::{Error, Remedy, Result};
use crate::evaluate::{Method, exact};
use crate::kernels::Isa;
use crate::memory::{self, Bytes, Need};
use crate::model::{ModelFile, Rbm};
use crate::monitor::metrics_file::{self, MetricsFile};
use crate::monitor::snapshots::Snapshots;
use crate::monitor::tensorboard::TensorBoard;
use crate::monitor::{Monitor, OnlineLogZ, Probe, Writer};
use crate::rng::STREAM_VERSION;
use crate::setting::{Section as _, check};
use crate::threads::in_pool;
use crate::train::completion::Completion;
use crate::train::label_phase::LabelPhase;
use crate::train::timetable::Timetable;
use crate::train::{Ascent, Missing, TrainConfig, Trainer};
use crate::watch::Watch;
use crate::whole_file;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The outcome of a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The folder of the run.
    pub folder: PathBuf,
    /// How the session ended.
    pub end: End,
    /// Updates done.
    pub updates: u64,
    /// The folder, released, for what is written after the session.
    pub(crate) released: Folder,
}

/// Begins a run and trains until the run or the session ends. The folder then holds `config.toml`,
/// `metrics.jsonl`, `model.safetensors` (with averaging also `model-last.safetensors`),
/// `checkpoints/`, `snapshots/` and, for images, `filters.png` and `samples.png`.
///
/// ```no_run
/// use harmonium::TrainConfig;
/// use harmonium::run::{Session, Settings, train};
/// let train_config = TrainConfig { hidden: Some(64), epochs: Some(3), ..TrainConfig::default() };
/// let settings = Settings { train: train_config, ..Settings::default() };
/// let outcome = train(settings, &Session::default(), &mut [])?;
/// println!("{}", outcome.folder.display());
/// # Ok::<(), harmonium::Error>(())
/// ```
///
/// A run reads its data from a file, so that later commands find them; [`Dataset::pack`](crate::Dataset::pack) writes
/// data in memory to one.
///
/// # Errors
/// Errors of data, settings or the folder, before anything is written; [`Error::Diverged`] and
/// [`Error::Io`] later.
pub fn train(
    settings: Settings,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<Outcome> {
    train_on(&Shelf::default(), settings, session, monitors)
}

/// As [`train`], with data from a shelf.
pub(crate) fn train_on(
    shelf: &Shelf,
    settings: Settings,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<Outcome> {
    in_pool(session.threads, || {
        // Where it cannot begin, the other ranks go home.
        let (run, folder) = session.ranks.all(begun(shelf, settings, session, monitors))?;
        run.train(&folder, session, monitors)
    })
}

/// A run as it would begin; nothing is written.
pub(crate) struct Prepared {
    /// Its settings, as its `config.toml` will have them.
    pub settings: Settings,
    /// Its data.
    pub data: Data,
    /// Updates of an epoch, and of the whole run.
    pub updates_per_epoch: u64,
    pub total_updates: u64,
    /// The memory of its training, without that of the data.
    pub bytes: Bytes,
}

/// Prepares a run, and refuses what [`train`] would refuse before its first update. Nothing of the size of its model is
/// made, so weights of `init` that are out of the range of training are found later.
///
/// # Errors
/// As [`train`].
pub(crate) fn prepare(
    shelf: &Shelf,
    mut settings: Settings,
    session: &Session,
) -> Result<Prepared> {
    let (config, binarize) = (&settings.data, settings.train.binarize);
    let data = shelf.read(config, binarize, session.interrupt.watch())?;
    let initial = checked(&mut settings, &data)?;
    let train = settings.train.clone();
    let Timetable { config, updates_per_epoch, total_updates } =
        Trainer::planned(train, &data.training, initial.as_ref())?;
    record(&mut settings, &data, &config, updates_per_epoch)?;
    let needs = needs(&settings, &data);
    let bytes = needs.into_iter().filter(|need| !need.is_held()).map(|need| need.bytes).sum();
    Ok(Prepared { settings, data, updates_per_epoch, total_updates, bytes })
}

/// A run before its first update, in its folder.
fn begun(
    shelf: &Shelf,
    mut settings: Settings,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<(Run, Folder)> {
    let start = Instant::now();
    followers::check_settings(&settings, session)?;
    let (config, binarize) = (&settings.data, settings.train.binarize);
    let data = shelf.read(config, binarize, session.interrupt.watch())?;
    let cut = settings.train.cut_batch(data.training.n_examples());
    let uncentred = settings.train.uncentred();
    let mut trainer = begin(&mut settings, &data, session.isa)?;
    let all = [Some(&data.training), data.held_out.as_ref()];
    let are_absent = settings.train.missing == Some(Missing::Absent)
        && all.into_iter().flatten().any(|examples| examples.missing().is_some());
    let judged = settings.run.check_judges(data.held_out.is_some(), are_absent)?;
    let lack_none = settings.train.missing.and_then(|_| data.training.none_missing_note());
    for note in data.notes.iter().chain(&lack_none).chain(&cut).chain(&uncentred).chain(&judged) {
        monitors.iter_mut().for_each(|monitor| monitor.note(note));
    }
    if let Some(budget) = session.time_budget {
        let probe = Probe::new(&data.training, data.held_out.as_deref(), &settings.train);
        let likelihood = course::likelihood(&settings, &data);
        let evaluation = likelihood.as_ref().map(|all| (all, settings.run.evaluate_every));
        let left = budget.saturating_sub(start.elapsed());
        settings.train.epochs = None;
        let config = settings.train.clone();
        let begin_for_it = |train| {
            let mut settings = Settings { train, ..settings.clone() };
            let trainer = begin(&mut settings, &data, session.isa)?;
            let log_z = log_z_from_start(&mut settings, &trainer, session.interrupt.watch())?;
            Ok((followers::lead_trial(trainer, &settings, session)?, log_z))
        };
        let updates = time_budget::updates(
            begin_for_it,
            &config,
            &probe,
            evaluation,
            left,
            session.interrupt.watch(),
        )?;
        settings.train.updates = Some(updates);
        trainer = begin(&mut settings, &data, session.isa)?;
    }
    let sizes = format!("{}x{}", data.training.n_visible(), settings.train.n_hidden());
    let name = format!("{}-{sizes}", settings.data.data.short_name());
    let log_z = log_z_from_start(&mut settings, &trainer, session.interrupt.watch())?;
    let folder = Folder::create(session, &name)?;
    settings.write(&folder.join(SETTINGS), session.command.as_deref())?;
    let file = SettingsFile { settings, command: session.command.clone(), stream_version: None };
    let journal = Journal { log_z, ..Journal::default() };
    Ok((Run { trainer, file, data, journal }, folder))
}

/// What may change in a run that is resumed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The new number of epochs, including those already done.
    pub epochs: Option<usize>,
    /// The new place of the training data's file, which must have the same SHA-256.
    pub data: Option<Source>,
    /// The new place of the test data's file, which must have the same SHA-256.
    pub test_data: Option<Source>,
    /// The new place of the file of labels, which must have the same SHA-256.
    pub labels: Option<ColumnSource>,
    /// The new place of the file of the labels of the test data, which must have the same SHA-256.
    pub test_labels: Option<ColumnSource>,
    /// The new place of the file of weights, which must have the same SHA-256.
    pub weights: Option<ColumnSource>,
    /// The new place of the mask of missing values, which must have the same SHA-256.
    pub missing_mask: Option<PathBuf>,
    /// The new place of the mask of the test data, which must have the same SHA-256.
    pub test_missing_mask: Option<PathBuf>,
}

/// Continues the run in a folder from its newest whole checkpoint, or from its beginning if it has no
/// checkpoint yet.
///
/// # Errors
/// [`Error::Unsuitable`] if the folder holds no run, or a run of another stream version;
/// [`Error::InvalidSetting`] if its settings or data have changed; otherwise as [`train`].
pub fn resume(
    folder: &Path,
    changes: &Changes,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<Outcome> {
    resume_on(&Shelf::default(), folder, changes, session, monitors)
}

/// As [`resume`], with data from a shelf.
pub(crate) fn resume_on(
    shelf: &Shelf,
    folder: &Path,
    changes: &Changes,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<Outcome> {
    in_pool(session.threads, || {
        let continued = continued(shelf, folder, changes, session, monitors);
        let (run, folder) = session.ranks.all(continued)?;
        run.train(&folder, session, monitors)
    })
}

/// The run in a folder, as it goes on.
fn continued(
    shelf: &Shelf,
    folder: &Path,
    changes: &Changes,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<(Run, Folder)> {
    let folder = Folder::open(folder)?;
    let mut note = |text: String| monitors.iter_mut().for_each(|monitor| monitor.note(&text));
    let (checkpoint, damaged) = checkpoints::newest_whole(&folder.join(CHECKPOINTS))?;
    damaged.iter().for_each(|error| note(format!("{error}; it is set aside")));
    let mut run = match checkpoint {
        Some(checkpoint) => {
            if !damaged.is_empty() {
                note(format!("resuming from update {}", checkpoint.place.updates));
            }
            Run::at(shelf, &folder, checkpoint, changes, session)?
        }
        None => {
            if damaged.is_empty() && folder.join(MODEL).exists() {
                let rule = "has a model but no checkpoint to resume from; start a new run in \
                            another folder with `harmonium train --config`";
                let path = folder.path().to_path_buf();
                return Err(Error::Unsuitable { path, rule: rule.to_string() });
            }
            note("no whole checkpoint was found: the run starts again from its settings".into());
            let mut file = SettingsFile::read(&folder.join(SETTINGS))?;
            check_stream_version(&folder.join(SETTINGS), file.stream_version)?;
            changes.move_data(&mut file.settings)?;
            let (config, binarize) = (&file.settings.data, file.settings.train.binarize);
            let data = shelf.read(config, binarize, session.interrupt.watch())?;
            let trainer = begin(&mut file.settings, &data, session.isa)?;
            let watch = session.interrupt.watch();
            let log_z = log_z_from_start(&mut file.settings, &trainer, watch)?;
            let journal = Journal { log_z, ..Journal::default() };
            Run { trainer, file, data, journal }
        }
    };
    if let Some(epochs) = changes.epochs {
        run.replan(epochs)?.into_iter().for_each(&mut note);
    }
    if run.journal.is_done {
        note("the run is done; give it more epochs to continue".to_string());
    }
    followers::check_settings(&run.file.settings, session)?;
    run.file.settings.write(&folder.join(SETTINGS), run.file.command.as_deref())?;
    Ok((run, folder))
}

/// A run in memory: its trainer and what belongs to it.
struct Run {
    trainer: Trainer,
    file: SettingsFile,
    data: Data,
    journal: Journal,
}

impl Changes {
    /// Writes the new places of the data into the settings.
    fn move_data(&self, settings: &mut Settings) -> Result<()> {
        let DataConfig { data, sha256, test_data, test_sha256, .. } = &mut settings.data;
        let no_file =
            |what| move || format!("left out: the {what} of this run are not a file that can move");
        if let Some(moved) = &self.data {
            check("data", moved, sha256.is_some() || data == moved, || {
                format!("{data}: the data of this run are not a file that can move")
            })?;
            *data = moved.absolute();
        }
        if let Some(moved) = &self.test_data {
            let is_same = test_sha256.is_some() || test_data.as_ref() == Some(moved);
            check("test_data", moved, is_same, no_file("test data"))?;
            *test_data = Some(moved.absolute());
        }
        let run = &mut settings.data;
        for (setting, what, moved, at, sha256) in [
            ("labels", "labels", &self.labels, &mut run.labels, &run.labels_sha256),
            (
                "test_labels",
                "labels of the test data",
                &self.test_labels,
                &mut run.test_labels,
                &run.test_labels_sha256,
            ),
            ("weights", "weights", &self.weights, &mut run.weights, &run.weights_sha256),
        ] {
            let is_own = |moved: &&ColumnSource| at.as_ref().is_some_and(|at| moved.means(at));
            if let Some(moved) = moved.as_ref().filter(|moved| !is_own(moved)) {
                check(setting, moved, sha256.is_some(), no_file(what))?;
                *at = Some(moved.absolute());
            }
        }
        for (setting, moved, at, sha256) in [
            ("missing_mask", &self.missing_mask, &mut run.missing_mask, &run.missing_mask_sha256),
            (
                "test_missing_mask",
                &self.test_missing_mask,
                &mut run.test_missing_mask,
                &run.test_missing_mask_sha256,
            ),
        ] {
            if let Some(moved) = moved {
                check(setting, moved.display(), sha256.is_some(), no_file("missing values"))?;
                *at = Some(absolute(moved));
            }
        }
        Ok(())
    }
}

/// Begins a run. The settings get the SHA-256 of their files and the meaning of integers.
fn begin(settings: &mut Settings, data: &Data, isa: Isa) -> Result<Trainer> {
    let initial = checked(settings, data)?;
    let (train, examples) = (settings.train.clone(), data.training.clone());
    let trainer = Trainer::with_isa(train, examples, initial.as_ref(), isa)?;
    record(settings, data, trainer.config(), trainer.updates_per_epoch())?;
    Ok(trainer)
}

/// Checks the settings of a run, and reads the model from which it starts, if there is one.
fn checked(settings: &mut Settings, data: &Data) -> Result<Option<Rbm>> {
    check_settings(settings, data)?;
    data.held_out.iter().try_for_each(|examples| settings.train.check_missing(examples))?;
    // Those of training are checked by its start.
    settings.data.check_effect()?;
    settings.run.check_effect()?;
    let initial = match &settings.data.init {
        None => None,
        Some(path) => {
            let initial = ModelFile::read(path)?.rbm;
            let sha256 = initial.sha256();
            if let Some(expected) = settings.data.init_sha256.as_ref().filter(|e| **e != sha256) {
                let rule = format!(
                    "its parameters have the SHA-256 {sha256}, but the settings of the run ask for \
                     {expected}"
                );
                let (path, remedy) = (path.clone(), Remedy::of("init"));
                return Err(Error::Elsewhere { path, rule, remedy });
            }
            settings.data.init_sha256 = Some(sha256);
            Some(initial)
        }
    };
    if let Some((n_chains, rbm)) = settings.run.online_log_z.zip(initial.as_ref()) {
        OnlineLogZ::check_model(n_chains, rbm)?;
    }
    let hidden = settings.train.hidden.or(initial.as_ref().map(Rbm::n_hidden));
    let train = TrainConfig { hidden, ..settings.train.clone() };
    check_memory(&Settings { train, ..settings.clone() }, data)?;
    Ok(initial)
}

/// Records in the settings of a run what its data and its plan have made of them.
fn record(
    settings: &mut Settings,
    data: &Data,
    train: &TrainConfig,
    updates_per_epoch: u64,
) -> Result<()> {
    // Settings that depend on the data have their numbers from here on.
    settings.train = train.clone();
    for plan in &settings.run.replanned {
        let planned = plan.epochs as u64 * updates_per_epoch;
        check("replanned", plan, plan.update <= planned, || {
            "for at least the epochs that are done by then; train with other epochs to drop the plans"
                .into()
        })?;
    }
    let run = &mut settings.data;
    run.data = run.data.absolute();
    run.test_data = run.test_data.as_ref().map(Source::absolute);
    run.init = run.init.as_deref().map(absolute);
    // Names of columns and files are told apart from here on.
    for (at, sha256, found) in [
        (&mut run.labels, &mut run.labels_sha256, &data.files.labels),
        (&mut run.test_labels, &mut run.test_labels_sha256, &data.test_files.labels),
        (&mut run.weights, &mut run.weights_sha256, &data.files.weights),
    ] {
        *sha256 = found.as_ref().and_then(|found| found.sha256.clone());
        if let (Some(at), Some(found)) = (at, found) {
            *at = if sha256.is_some() { found.source.absolute() } else { found.source.clone() };
        }
    }
    for (at, sha256, found) in [
        (&mut run.missing_mask, &mut run.missing_mask_sha256, &data.files),
        (&mut run.test_missing_mask, &mut run.test_missing_mask_sha256, &data.test_files),
    ] {
        *at = at.as_deref().map(absolute);
        sha256.clone_from(&found.missing_mask_sha256);
    }
    run.sha256.clone_from(&data.files.sha256);
    run.test_sha256.clone_from(&data.test_files.sha256);
    settings.data.grey_levels = data.encoding.grey_levels();
    Ok(())
}

/// The chains that estimate log Z from the start of a run, if its settings ask for them; these get the number of
/// updates between two steps.
fn log_z_from_start(
    settings: &mut Settings,
    trainer: &Trainer,
    watch: Watch<'_>,
) -> Result<Option<OnlineLogZ>> {
    let Settings { data, run, .. } = settings;
    let Some(n_chains) = run.online_log_z else { return Ok(None) };
    let log_z = match data.init {
        None => OnlineLogZ::new(trainer, n_chains, run.online_log_z_every)?,
        Some(_) => OnlineLogZ::from_model(trainer, n_chains, run.online_log_z_every, watch)?,
    };
    run.online_log_z_every = Some(log_z.every());
    Ok(Some(log_z))
}

/// Checks that there is memory for a run: for its data, its training and its records, and for a checkpoint
/// that is taken while the last one is written.
fn check_memory(settings: &Settings, data: &Data) -> Result<()> {
    let n_visible = data.training.n_visible();
    let config = settings.train.for_data(data.training.n_examples(), n_visible);
    let (n_hidden, n_chains) = (config.n_hidden(), config.n_chains());
    let what = || format!("training {n_visible} x {n_hidden} units with {n_chains} chains");
    memory::check(what, &needs(settings, data))
}

/// The memory of a run.
fn needs(settings: &Settings, data: &Data) -> Vec<Need> {
    let (training, held_out) = (&data.training, data.held_out.as_deref());
    let visible = training.units();
    let config = settings.train.for_data(training.n_examples(), visible.n_units());
    let examples = training.bytes() + held_out.map_or(Bytes(0), Examples::bytes);
    let n_hidden = config.n_hidden();
    let record = Probe::bytes(training.n_examples(), &visible, n_hidden);
    let of_completion = Completion::bytes_of_state(&config, training);
    let checkpoints = (Ascent::bytes_of_state(&config, visible.layout()) + of_completion) * 2;
    let ladder =
        settings.run.ladder.map_or(Bytes(0), |_| Recorder::bytes(visible.layout(), n_hidden));
    let following = settings.run.online_log_z.map_or(Bytes(0), |n_chains| {
        OnlineLogZ::bytes(n_chains, visible.layout(), n_hidden)
            + Rbm::bytes(visible.n_units(), n_hidden) * 2
    });
    let others = [
        Need::held(examples, &["limit"]),
        Need::new(record, &["hidden"]),
        Need::new(checkpoints, &["hidden"]),
        Need::new(following, &["online_log_z"]),
        Need::new(ladder, &["ladder"]),
        Completion::need(&config, training),
        LabelPhase::need(&config, training),
    ];
    let ascent = Ascent::needs(&config, config.batch_size, visible.layout());
    ascent.into_iter().chain(others).collect()
}

impl Run {
    /// Restores a run from a checkpoint, whose settings must agree with the settings file.
    fn at(
        shelf: &Shelf,
        folder: &Folder,
        checkpoint: Checkpoint,
        changes: &Changes,
        session: &Session,
    ) -> Result<Self> {
        let Checkpoint { state, provenance, place, settings_file, best, .. } = checkpoint;
        let Checkpoint { records, unscored, log_z, ladder, .. } = checkpoint;
        let path = folder.join(SETTINGS);
        check_stream_version(&folder.join(CHECKPOINTS), Some(provenance.stream_version))?;
        let own = SettingsFile::parse(&folder.join(CHECKPOINTS), &settings_file)?;
        let mut file = if path.exists() { SettingsFile::read(&path)? } else { own.clone() };
        let plans = |settings: &Settings| -> Vec<Replan> {
            let plans = settings.run.replanned.iter().filter(|plan| plan.update < place.updates);
            plans.copied().collect()
        };
        let plans = [plans(&file.settings), plans(&own.settings)];
        let difference = file.settings.difference(&own.settings).or_else(|| {
            let text = |plans: &Vec<Replan>| {
                let plans: Vec<_> = plans.iter().map(ToString::to_string).collect();
                format!("[{}]", plans.join(", "))
            };
            let [here, there] = [&plans[0], &plans[1]].map(text);
            (here != there).then(|| ("replanned".to_string(), here, there))
        });
        if let Some((key, here, there)) = difference {
            let instead = match &key[..] {
                "epochs" | "updates" => "restore it, and use `harmonium resume --epochs` instead",
                _ => "restore it, or start a new run with `harmonium train --config`",
            };
            let rule = format!(
                "{key} is {here}, but the run was trained with {there}, and a run cannot change it; \
             {instead}"
            );
            return Err(Error::Unsuitable { path, rule });
        }
        changes.move_data(&mut file.settings)?;
        let (config, binarize) = (&file.settings.data, file.settings.train.binarize);
        let data = shelf.read(config, binarize, session.interrupt.watch())?;
        check_settings(&file.settings, &data)?;
        check_memory(&file.settings, &data)?;
        let train = match plans[1].last() {
            None => file.settings.train.clone(),
            Some(Replan { epochs, .. }) => {
                TrainConfig { epochs: Some(*epochs), updates: None, ..file.settings.train.clone() }
            }
        };
        let trainer = Trainer::restore(train, data.training.clone(), &state, session.isa)?;
        let parse = |lines: &str| {
            metrics_file::parse(lines)
                .map_err(|rule| Error::Unsuitable { path: folder.join(CHECKPOINTS), rule })
        };
        let records = parse(&records)?;
        let unscored = parse(&unscored.unwrap_or_default())?.pop();
        // A change of plan may have been made at this update, and its session killed before the next
        // checkpoint.
        let is_planned =
            file.settings.run.replanned.iter().any(|plan| plan.update == place.updates);
        let is_done = place.is_done && !is_planned;
        let RunConfig { online_log_z, online_log_z_every, .. } = file.settings.run;
        let log_z = online_log_z
            .map(|n| OnlineLogZ::restore(&trainer, n, online_log_z_every, &log_z))
            .transpose()?;
        let seconds = place.seconds;
        let journal = Journal { records, unscored, log_z, ladder, best, seconds, is_done };
        Ok(Self { trainer, file, data, journal })
    }

    /// Plans the run for another number of epochs from here on. Returns a note if that changes its
    /// length.
    fn replan(&mut self, epochs: usize) -> Result<Option<String>> {
        let (update, before) = (self.trainer.updates(), self.trainer.total_updates());
        let after = self.trainer.plan(epochs)?.total_updates(self.data.training.n_examples());
        // This plan replaces earlier ones from here on.
        let replanned = &mut self.file.settings.run.replanned;
        replanned.retain(|plan| plan.update < update);
        if before == after {
            return Ok(None);
        }
        replanned.push(Replan { update, epochs });
        self.journal.is_done = false;
        Ok(Some(format!(
            "from update {update} on, the run is planned for {after} updates instead of {before}: it \
             will not end as a new run of {epochs} epochs would"
        )))
    }

    /// Trains in a folder until the run or the session ends.
    fn train(
        self,
        folder: &Folder,
        session: &Session,
        others: &mut [&mut dyn Monitor],
    ) -> Result<Outcome> {
        let trainer = followers::lead(self.trainer, &self.file.settings, session, others)?;
        whole_file::remove(&folder.join(FAILURE))?;
        let writer = Writer::start({
            let folder = folder.clone();
            move || folder.check()
        });
        let trained = {
            let Self { file, data, journal, .. } = self;
            let settings = &file.settings;
            let course = Course::new(trainer, &file, &data, folder, &writer, journal);
            let mut metrics = MetricsFile { path: folder.join(METRICS), writer: &writer };
            let training = course.probe().training().clone();
            let mut snapshots = Snapshots::new(folder.join(SNAPSHOTS), &writer, training);
            let mut tensorboard =
                settings.run.tensorboard.then(|| TensorBoard::new(folder.path(), &writer));
            let mut monitors: Vec<&mut dyn Monitor> = vec![&mut metrics, &mut snapshots];
            monitors
                .extend(tensorboard.as_mut().map(|tensorboard| tensorboard as &mut dyn Monitor));
            monitors.extend(others.iter_mut().map(|monitor| &mut **monitor as &mut dyn Monitor));
            course.run(session, &mut monitors)
        };
        // An error of the writer came first, so it is reported first.
        let (end, updates) = writer.finish().and(trained).or_else(|error| {
            folder.check()?;
            // If this cannot be written either, the error is still returned.
            drop(whole_file::write(&folder.join(FAILURE), error.to_string().as_bytes()));
            Err(error)
        })?;
        folder.release();
        let (folder, released) = (folder.path().to_path_buf(), folder.clone());
        Ok(Outcome { folder, end, updates, released })
    }
}

/// Refuses, before training, settings that the run cannot satisfy.
fn check_settings(settings: &Settings, data: &Data) -> Result<()> {
    let Settings { data: source, run, train } = settings;
    source.check_ranges()?;
    run.validate(train, &data.training, data.held_out.as_deref())?;
    train.validate()?;
    if let (Some(rate), Some(_)) = (run.ladder, &source.init) {
        check("ladder", rate, false, || {
            "left out with init: a ladder begins at a model without weights".to_string()
        })?;
    }
    run.online_log_z.map_or(Ok(()), |n_chains| OnlineLogZ::check(n_chains, train))?;
    let n_hidden = train.for_data(1, data.training.n_visible()).n_hidden();
    let smaller = exact::n_enumerated(&data.training.units(), n_hidden);
    let is_feasible = smaller <= exact::MAX_UNITS;
    check("evaluate", run.evaluate, run.evaluate != Method::Ptt, || {
        "auto, exact, ais or pt: a ladder leads to the model at the end of the run".to_string()
    })?;
    let is_exact = run.evaluate_every > 0 && run.evaluate == Method::Exact;
    check("evaluate", run.evaluate, !is_exact || is_feasible, || {
        format!(
            "ais or auto: the smaller layer has {smaller} units, and at most {} can be enumerated",
            exact::MAX_UNITS
        )
    })
}

/// Refuses a run of another stream version: this program would draw other random numbers.
fn check_stream_version(path: &Path, version: Option<u32>) -> Result<()> {
    match version {
        Some(version) if version != STREAM_VERSION => {
            let rule = format!(
                "has stream version {version}, but this program has {STREAM_VERSION} and would not \
                 continue to the same bits; use the version of harmonium that wrote it"
            );
            Err(Error::Unsuitable { path: path.into(), rule })
        }
        _ => Ok(()),
    }
}
