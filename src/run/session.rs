//! A command that works on a run: it begins one, or goes on with one.

use super::config::{DataConfig, End, Replan, Session};
use super::course::{self, Course, Journal};
use super::data::Data;
use super::files::{CHECKPOINTS, FAILURE, METRICS, MODEL, SETTINGS, SNAPSHOTS};
use super::folder::Folder;
use super::settings::{Settings, SettingsFile};
use super::{checkpoints, in_pool, time_budget};
use crate::checkpoint::Checkpoint;
use crate::dataset::Source;
use crate::error::{Error, Remedy, Result};
use crate::evaluate::{Method, exact};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::monitor::metrics_file::{self, MetricsFile};
use crate::monitor::snapshots::Snapshots;
use crate::monitor::tensorboard::TensorBoard;
use crate::monitor::{Monitor, Probe, Writer};
use crate::rng::STREAM_VERSION;
use crate::setting::check;
use crate::train::{TrainConfig, Trainer};
use crate::whole_file;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What a session leaves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The folder of the run.
    pub folder: PathBuf,
    /// How the session ended.
    pub end: End,
    /// Updates done.
    pub updates: u64,
}

/// Begins a run and trains it to its end, or that of the session. Its folder then holds
/// `config.toml`, `metrics.jsonl`, `model.safetensors` (with averaging also
/// `model-last.safetensors`), `checkpoints/`, `snapshots/` and, for images, `filters.png` and
/// `samples.png`.
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
/// # Errors
/// Whatever is wrong with data, settings or the folder, before anything is written;
/// [`Error::Diverged`] and [`Error::Io`] later.
pub fn train(
    settings: Settings,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<Outcome> {
    in_pool(session.threads, || {
        let start = Instant::now();
        let mut settings = settings;
        let data = Data::read(&settings.data, settings.train.binarize)?;
        let (batch_size, n_examples) = (settings.train.batch_size, data.training.n_examples());
        let cut = (batch_size > n_examples).then(|| {
            format!(
                "a mini-batch is all {n_examples} training examples: batch_size is {batch_size}"
            )
        });
        let mut trainer = begin(&mut settings, &data, session.isa)?;
        settings.check_effect(&session.given)?;
        for note in data.inferred.iter().chain(&cut) {
            monitors.iter_mut().for_each(|monitor| monitor.note(note));
        }
        if let Some(budget) = session.time_budget {
            let probe = Probe::new(&data.training, data.held_out.as_ref(), settings.train.seed);
            let likelihood = course::likelihood(&settings, &data);
            let evaluation = likelihood.as_ref().map(|all| (all, settings.run.evaluate_every));
            let left = budget.saturating_sub(start.elapsed());
            settings.train.epochs = None;
            let config = settings.train.clone();
            let begin_for_it =
                |train| begin(&mut Settings { train, ..settings.clone() }, &data, session.isa);
            let updates = time_budget::updates(begin_for_it, &config, &probe, evaluation, left)?;
            settings.train.updates = Some(updates);
            trainer = begin(&mut settings, &data, session.isa)?;
        }
        let sizes = format!("{}x{}", data.training.n_visible(), settings.train.n_hidden());
        let name = format!("{}-{sizes}", settings.data.data.short_name());
        let folder = Folder::create(session, &name)?;
        settings.write(&folder.join(SETTINGS), session.command.as_deref())?;
        let file =
            SettingsFile { settings, command: session.command.clone(), stream_version: None };
        go_on(trainer, (&file, &data), &folder, Journal::default(), session, monitors)
    })
}

/// What may change in a run that goes on.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Epochs for which the rest of it is planned anew.
    pub epochs: Option<usize>,
    /// Where the file of the training data is now: the same one, by its fingerprint.
    pub data: Option<Source>,
    /// Where that of the test data is now.
    pub test_data: Option<Source>,
}

/// Goes on with the run in a folder from its newest whole checkpoint, or from its beginning if it has
/// none yet.
///
/// # Errors
/// [`Error::Unsuitable`] if the folder holds no run, or one of another stream version;
/// [`Error::InvalidSetting`] if its settings or data have changed; else as [`train`].
pub fn resume(
    folder: &Path,
    changes: &Changes,
    session: &Session,
    monitors: &mut [&mut dyn Monitor],
) -> Result<Outcome> {
    in_pool(session.threads, || {
        let folder = Folder::open(folder)?;
        let mut note = |text: String| monitors.iter_mut().for_each(|monitor| monitor.note(&text));
        let (checkpoint, damaged) = checkpoints::newest_whole(&folder.join(CHECKPOINTS))?;
        damaged.iter().for_each(|error| note(format!("{error}; it is set aside")));
        let (mut file, data, trainer, mut journal) = match checkpoint {
            Some(checkpoint) => {
                if !damaged.is_empty() {
                    note(format!("going on from update {}", checkpoint.place.updates));
                }
                take_up(&folder, checkpoint, changes, session.isa)?
            }
            None => {
                if damaged.is_empty() && folder.join(MODEL).exists() {
                    let rule = "has a model but no checkpoint to go on from; train anew, in another \
                                folder, by `harmonium train --config`";
                    let path = folder.path().to_path_buf();
                    return Err(Error::Unsuitable { path, rule: rule.to_string() });
                }
                note("there is no whole checkpoint: the run starts again from its settings".into());
                let mut file = SettingsFile::read(&folder.join(SETTINGS))?;
                check_stream_version(&folder.join(SETTINGS), file.stream_version)?;
                changes.move_data(&mut file.settings)?;
                let data = Data::read(&file.settings.data, file.settings.train.binarize)?;
                let trainer = begin(&mut file.settings, &data, session.isa)?;
                (file, data, trainer, Journal::default())
            }
        };
        if let Some(epochs) = changes.epochs {
            let (update, before) = (trainer.updates(), trainer.total_updates());
            let after = trainer.plan(epochs)?.total_updates(data.training.n_examples());
            // What was planned from here on before is planned no more.
            file.settings.run.replanned.retain(|plan| plan.update < update);
            if before != after {
                note(format!(
                    "from update {update} on, the run is planned for {after} updates in place of \
                     {before}: it will not end as a fresh run of {epochs} epochs would"
                ));
                file.settings.run.replanned.push(Replan { update, epochs });
                journal.is_done = false;
            }
        }
        if journal.is_done {
            note("the run is done; more epochs make it longer".to_string());
        }
        file.settings.write(&folder.join(SETTINGS), file.command.as_deref())?;
        go_on(trainer, (&file, &data), &folder, journal, session, monitors)
    })
}

impl Changes {
    /// Takes over where the data are now.
    fn move_data(&self, settings: &mut Settings) -> Result<()> {
        let DataConfig { data, sha256, test_data, test_sha256, .. } = &mut settings.data;
        if let Some(moved) = &self.data {
            check("data", moved, sha256.is_some() || data == moved, || {
                format!("{data}: the data of this run are no file that could be elsewhere")
            })?;
            *data = moved.absolute();
        }
        if let Some(moved) = &self.test_data {
            let is_same = test_sha256.is_some() || test_data.as_ref() == Some(moved);
            check("test_data", moved, is_same, || {
                "left out: the test data of this run are no file that could be elsewhere"
                    .to_string()
            })?;
            *test_data = Some(moved.absolute());
        }
        Ok(())
    }
}

/// A run at its start; the settings get the fingerprints of the files that they name, and what their
/// integers stand for.
fn begin(settings: &mut Settings, data: &Data, isa: Isa) -> Result<Trainer> {
    let examples = data.training.clone();
    check_settings(settings, data)?;
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
    let trainer = Trainer::with_isa(settings.train.clone(), examples, initial.as_ref(), isa)?;
    // What they left to the data is a number from here on.
    settings.train = trainer.config().clone();
    for plan in &settings.run.replanned {
        let planned = plan.epochs as u64 * trainer.updates_per_epoch();
        check("replanned", plan, plan.update <= planned, || {
            "for as many epochs as are done by then; train with other epochs to drop the plans"
                .into()
        })?;
    }
    let DataConfig { data: source, test_data, init, .. } = &mut settings.data;
    *source = source.absolute();
    *test_data = test_data.as_ref().map(Source::absolute);
    *init = init.as_ref().map(|path| std::path::absolute(path).unwrap_or(path.clone()));
    [settings.data.sha256, settings.data.test_sha256] = data.sha256.clone();
    settings.data.grey_levels = data.encoding.grey_levels();
    Ok(trainer)
}

/// A run at a checkpoint, whose settings must be those of its settings file.
fn take_up(
    folder: &Folder,
    checkpoint: Checkpoint,
    changes: &Changes,
    isa: Isa,
) -> Result<(SettingsFile, Data, Trainer, Journal)> {
    let Checkpoint { state, provenance, place, settings_file, records, best, .. } = checkpoint;
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
            "epochs" | "updates" => "put it back, and plan anew by `harmonium resume --epochs`",
            _ => "put it back, or train anew by `harmonium train --config`",
        };
        let rule = format!(
            "{key} is {here}, but the run was trained with {there}, which cannot change while it \
             goes on; {instead}"
        );
        return Err(Error::Unsuitable { path, rule });
    }
    changes.move_data(&mut file.settings)?;
    let data = Data::read(&file.settings.data, file.settings.train.binarize)?;
    check_settings(&file.settings, &data)?;
    let train = match plans[1].last() {
        None => file.settings.train.clone(),
        Some(Replan { epochs, .. }) => {
            TrainConfig { epochs: Some(*epochs), updates: None, ..file.settings.train.clone() }
        }
    };
    let trainer = Trainer::restore(train, data.training.clone(), &state, isa)?;
    let records = metrics_file::parse(&records)
        .map_err(|rule| Error::Unsuitable { path: folder.join(CHECKPOINTS), rule })?;
    // A plan may have been made there, and its session killed before the next checkpoint.
    let is_planned = file.settings.run.replanned.iter().any(|plan| plan.update == place.updates);
    let is_done = place.is_done && !is_planned;
    let journal = Journal { records, best, seconds: place.seconds, is_done };
    Ok((file, data, trainer, journal))
}

/// Trains in a folder.
fn go_on(
    trainer: Trainer,
    (file, data): (&SettingsFile, &Data),
    folder: &Folder,
    journal: Journal,
    session: &Session,
    others: &mut [&mut dyn Monitor],
) -> Result<Outcome> {
    whole_file::remove(&folder.join(FAILURE))?;
    let writer = Writer::start();
    let trained = {
        let SettingsFile { settings, command, .. } = file;
        let command = command.clone();
        let course = Course::new(trainer, (settings, data), (folder, &writer), journal, command);
        let mut metrics = MetricsFile { path: folder.join(METRICS), writer: &writer };
        let training = course.probe().training().clone();
        let mut snapshots = Snapshots::new(folder.join(SNAPSHOTS), &writer, training);
        let mut tensorboard =
            settings.run.tensorboard.then(|| TensorBoard::new(folder.path(), &writer));
        let mut monitors: Vec<&mut dyn Monitor> = vec![&mut metrics, &mut snapshots];
        monitors.extend(tensorboard.as_mut().map(|tensorboard| tensorboard as &mut dyn Monitor));
        monitors.extend(others.iter_mut().map(|monitor| &mut **monitor as &mut dyn Monitor));
        course.run(session, &mut monitors)
    };
    // What the writer met with came first, so it is told first.
    let (end, updates) = writer.finish().and(trained).inspect_err(|error| {
        // The same trouble may keep it from being written: then it has been told all the same.
        drop(whole_file::write(&folder.join(FAILURE), error.to_string().as_bytes()));
    })?;
    Ok(Outcome { folder: folder.path().to_path_buf(), end, updates })
}

/// Refuses, before anything is trained, what a run could not do.
fn check_settings(settings: &Settings, data: &Data) -> Result<()> {
    let Settings { run, train, .. } = settings;
    run.validate(data.held_out.is_some())?;
    train.validate()?;
    let smaller =
        data.training.n_visible().min(train.for_data(1, data.training.n_visible()).n_hidden());
    let is_feasible = smaller <= exact::MAX_UNITS;
    let is_exact = run.evaluate_every > 0 && run.evaluate == Method::Exact;
    check("evaluate", run.evaluate, !is_exact || is_feasible, || {
        format!(
            "ais or auto: the smaller layer has {smaller} units, and at most {} can be enumerated",
            exact::MAX_UNITS
        )
    })
}

/// Refuses a run whose random numbers this program would draw in another way.
fn check_stream_version(path: &Path, version: Option<u32>) -> Result<()> {
    match version {
        Some(version) if version != STREAM_VERSION => {
            let rule = format!(
                "comes from stream version {version}, but this program has {STREAM_VERSION}: it \
                 would not go on to the same bits; use the version of harmonium that wrote it"
            );
            Err(Error::Unsuitable { path: path.into(), rule })
        }
        _ => Ok(()),
    }
}
