//! The course of a sweep: what is checked before anything runs, rung after rung, and the table at the end.

use super::config::SweepConfig;
use super::file::{RUNS, SWEEP, SweepFile, TABLE, is_sweep};
use super::plan::{self, Point, Rung};
use super::score::{Scored, Scorer};
use super::table::{Table, run_folder, runs_of, scores, standing};
use super::work::{Crew, Event, Job, side_by_side};
use crate::dataset::Source;
use crate::error::{Error, Result};
use crate::monitor::Metric;
use crate::rng::{STREAM_VERSION, check_seed};
use crate::run::{
    End, Folder, Given, Interval, Session, Settings, SettingsFile, Shelf, prepare, resume_command,
    section_of,
};
use crate::setting::{check, invalid};
use crate::threads::{in_pool, wanted};
use crate::whole_file;
use serde_json::Map;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Of the training examples, one in so many is set aside for validation, if the settings do not say how many.
const VALIDATION_SHARE: usize = 10;

/// The most examples that are set aside by themselves: as many as are scored.
const MOST_VALIDATION: usize = 10_000;

/// The outcome of a session of a sweep.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SweepOutcome {
    /// The folder of the sweep.
    pub folder: PathBuf,
    /// How the session ended.
    pub end: End,
    /// The points, best first, as far as they are scored.
    pub table: Table,
}

impl SweepOutcome {
    /// The folder of the best point's first run; `None` if no point has a score.
    pub fn best_run(&self) -> Option<PathBuf> {
        let number = *self.table.best()?.runs.first()?;
        Some(run_folder(&self.folder, number))
    }
}

/// What a sweep tells while it goes on.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum News {
    /// A message for people. What several runs say alike is told once.
    Note(String),
    /// Where the sweep is, several times a second.
    Progress(Progress),
    /// A run has been scored.
    Scored {
        /// Its number.
        number: usize,
        /// The values of the settings that vary.
        values: Map<String, serde_json::Value>,
        /// Its score; `None` if it failed.
        score: Option<f64>,
        /// Where the sweep is.
        progress: Progress,
    },
}

/// Where a sweep is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Runs that are over: at their end, failed, or left behind at a rung.
    pub n_done: usize,
    /// All runs.
    pub n_runs: usize,
    /// The share of the updates that is done, from 0 to 1.
    pub share: f64,
    /// The best score of a run so far, of those that got furthest.
    pub best: Option<f64>,
}

/// Trains runs that differ in the settings that vary, side by side, and ranks them by their score. `settings` are
/// those of all runs. The folder, `session.out` or a new one in `runs/`, then holds `sweep.toml`, the runs and
/// `table.csv`. `tell` hears what happens.
///
/// ```
/// use harmonium::TrainConfig;
/// use harmonium::run::{DataConfig, Session, Settings};
/// use harmonium::sweep::{SweepConfig, sweep};
///
/// let data = DataConfig { data: "bars-and-stripes:3".parse()?, validation: 4, ..DataConfig::default() };
/// let train = TrainConfig { hidden: Some(4), epochs: Some(20), ..TrainConfig::default() };
/// let settings = Settings { data, train, ..Settings::default() };
/// let config = SweepConfig { vary: vec!["learning_rate=0.01,0.3".parse()?], ..SweepConfig::default() };
/// # let folder = tempfile::tempdir().unwrap();
/// let out = Some(folder.path().join("rates"));
/// let found = sweep(&settings, &config, &Session { out, ..Session::default() }, &mut |_| {})?;
/// println!("{}", found.table);
/// assert_eq!(found.table.rows.len(), 2);
/// assert!(found.best_run().unwrap().join("model.safetensors").exists());
/// # Ok::<(), harmonium::Error>(())
/// ```
///
/// # Errors
/// Errors of data and settings of any of the runs, before anything is written; [`Error::Io`] later. A run that
/// diverges does not end the sweep.
pub fn sweep(
    settings: &Settings,
    config: &SweepConfig,
    session: &Session,
    tell: &mut dyn FnMut(News),
) -> Result<SweepOutcome> {
    check_session(session)?;
    config.validate()?;
    let shelf = Shelf::default();
    let plan = in_pool(session.threads, || {
        let settings = with_validation(settings, session)?;
        Plan::new(settings, config, &shelf, session)
    })?;
    let name = format!("{}-sweep", plan.settings.data.data.short_name());
    let folder = Folder::create_for_runs(session.out.as_deref(), &name, check_holds_no_sweep)?;
    let file = SweepFile {
        runs: SettingsFile {
            settings: plan.settings.clone(),
            command: session.command.clone(),
            stream_version: Some(STREAM_VERSION),
        },
        sweep: config.clone(),
    };
    file.write(&folder.join(SWEEP))?;
    plan.work(&folder, &shelf, session, tell)
}

/// Goes on with the sweep in a folder, after any stop, to the table that it would have had without.
///
/// # Errors
/// [`Error::Unsuitable`] if the folder holds no sweep, or one of another stream version; otherwise as [`sweep()`].
pub fn resume(
    folder: &Path,
    session: &Session,
    tell: &mut dyn FnMut(News),
) -> Result<SweepOutcome> {
    check_session(session)?;
    if !is_sweep(folder) {
        let rule = format!("does not hold a sweep ({SWEEP}); `harmonium sweep` begins one");
        return Err(Error::Unsuitable { path: folder.into(), rule });
    }
    let folder = Folder::open_for_runs(folder)?;
    let path = folder.join(SWEEP);
    let SweepFile { runs, sweep } = SweepFile::read(&path)?;
    if let Some(version) = runs.stream_version.filter(|version| *version != STREAM_VERSION) {
        let rule = format!(
            "has stream version {version}, but this program has {STREAM_VERSION} and would not end in \
             the same bits; use the version of harmonium that wrote it"
        );
        return Err(Error::Unsuitable { path, rule });
    }
    let shelf = Shelf::default();
    let plan = in_pool(session.threads, || Plan::new(runs.settings, &sweep, &shelf, session))?;
    let session = Session { command: runs.command, ..session.clone() };
    plan.work(&folder, &shelf, &session, tell)
}

/// Refuses what a sweep cannot do with a session.
fn check_session(session: &Session) -> Result<()> {
    let Session { stop_after, time_budget, ranks, .. } = session;
    if let Some(interval) = stop_after.filter(|it| !matches!(it, Interval::Time(_))) {
        return Err(invalid("stop_after", interval, "a time such as 30m: runs of a sweep differ"));
    }
    if let Some(time) = time_budget {
        let rule = "left out: the time of a run depends on the others; give epochs or updates";
        return Err(invalid("time_budget", format!("{} s", time.as_secs_f64()), rule));
    }
    check("mpi", true, !ranks.are_several(), || {
        "false: the runs of a sweep work on one computer".to_string()
    })
}

/// Refuses a folder that holds a sweep.
fn check_holds_no_sweep(path: &Path) -> Result<()> {
    if !is_sweep(path) {
        return Ok(());
    }
    let rule = format!(
        "already holds a sweep ({SWEEP}); continue it with `{}`, or choose another folder with --out",
        resume_command(path)
    );
    Err(Error::Unsuitable { path: path.into(), rule })
}

/// The settings with validation examples, which a sweep needs.
fn with_validation(settings: &Settings, session: &Session) -> Result<Settings> {
    let mut settings = settings.clone();
    check("data", "-", settings.data.data != Source::Stdin, || {
        "a file: a sweep reads its data for each run".to_string()
    })?;
    if settings.data.validation == 0 {
        let watch = session.interrupt.watch();
        // Not kept: those of the runs are divided otherwise.
        let all = Shelf::default().read(&settings.data, settings.train.binarize, watch)?;
        let share = all.training.n_examples() / VALIDATION_SHARE;
        settings.data.validation = share.clamp(1, MOST_VALIDATION);
    }
    Ok(settings)
}

/// A sweep whose runs could all begin.
struct Plan {
    /// The settings of all runs.
    settings: Settings,
    config: SweepConfig,
    points: Vec<Point>,
    /// The settings of each point's runs, as their `config.toml` will have them, and their number of updates.
    runs: Vec<(Settings, u64)>,
    rungs: Vec<Rung>,
    scorer: Scorer,
}

impl Plan {
    /// Plans a sweep, and refuses what any of its runs would refuse.
    fn new(
        mut settings: Settings,
        config: &SweepConfig,
        shelf: &Shelf,
        session: &Session,
    ) -> Result<Self> {
        config.validate()?;
        let seed = settings.train.seed;
        check_seed(seed)?;
        check_seed(seed.saturating_add(config.seeds - 1))?;
        let points = plan::points(config, seed)?;
        let (mut runs, mut epochs, mut scorer) = (Vec::new(), Vec::new(), None);
        for point in &points {
            let prepared = prepare(shelf, at(&settings, point), session)?;
            Scorer::check(config.score, &prepared)?;
            if scorer.is_none() {
                scorer = Some(Scorer::new(config.score, &prepared, session.isa)?);
                // From here on all runs read the same files, by their SHA-256.
                settings.data = prepared.settings.data.clone();
                shelf.keep(&settings.data, settings.train.binarize, &prepared.data);
            }
            let (epoch, total) = (prepared.updates_per_epoch, prepared.total_updates);
            epochs.push(epoch.min(total));
            runs.push((prepared.settings, total));
        }
        let total = runs.iter().map(|(_, total)| *total).max().expect("a point");
        let rungs = plan::rungs(config.search, points.len(), total);
        epochs.into_iter().try_for_each(|epoch| check_first_rung(config, rungs[0], epoch))?;
        let (config, scorer) = (config.clone(), scorer.expect("a point"));
        Ok(Self { settings, config, points, runs, rungs, scorer })
    }

    /// Trains the runs, rung after rung, and writes the table.
    fn work(
        &self,
        folder: &Folder,
        shelf: &Shelf,
        session: &Session,
        tell: &mut dyn FnMut(News),
    ) -> Result<SweepOutcome> {
        let runs = folder.join(RUNS);
        std::fs::create_dir_all(&runs).map_err(|cause| Error::Io {
            path: runs,
            action: "create",
            cause,
        })?;
        let n_runs = self.points.len() * self.config.seeds as usize;
        let mut course = Course {
            plan: self,
            folder,
            scores: scores(folder.path(), n_runs)?,
            updates: 0,
            told: BTreeSet::new(),
        };
        let threads = wanted(session.threads)?;
        let end = session.stop_after.and_then(|interval| match interval {
            Interval::Time(time) => Instant::now().checked_add(time),
            _ => None,
        });
        let crew = Crew { shelf, scorer: &self.scorer, session, threads, end };
        let trained = course.train(&crew, tell);
        let table = Table::new(&self.config, &self.points, &course.scores);
        // Also of a sweep that failed or was stopped: what is scored is scored.
        let written =
            whole_file::write_if(&folder.join(TABLE), table.to_csv().as_bytes(), || folder.check());
        let end = trained?;
        written?;
        folder.release();
        Ok(SweepOutcome { folder: folder.path().to_path_buf(), end, table })
    }
}

/// The settings of a point's runs.
fn at(settings: &Settings, point: &Point) -> Settings {
    let of = |section: &str| -> Map<_, _> {
        let own = |name: &String| section_of(name).is_some_and(|(its, _)| its == section);
        point.iter().filter(|(name, _)| own(name)).map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let (data, train, run) = (Map::new(), of("train"), of("run"));
    settings.clone().overridden(Given { data: &data, train: &train, run: &run })
}

/// Refuses a rung before the first record of a run, after so many updates, if runs are scored by their records.
fn check_first_rung(config: &SweepConfig, Rung { updates, .. }: Rung, record: u64) -> Result<()> {
    let is_measured = config.score == Metric::LogLikelihood || updates >= record;
    check("search", config.search, is_measured, || {
        format!(
            "grid or random:N, or have more epochs: the first rung is update {updates}, and {} is \
             first measured after update {record}",
            config.score
        )
    })
}

/// A sweep in one session.
struct Course<'a> {
    plan: &'a Plan,
    folder: &'a Folder,
    /// The scores of each run.
    scores: Vec<Vec<Scored>>,
    /// Updates of the rungs before this one.
    updates: u64,
    /// The notes that were told.
    told: BTreeSet<String>,
}

impl Course<'_> {
    fn train(&mut self, crew: &Crew<'_>, tell: &mut dyn FnMut(News)) -> Result<End> {
        let plan = self.plan;
        let mut active: Vec<usize> = (0..plan.points.len()).collect();
        let mut from = 0;
        for (at, rung) in plan.rungs.iter().enumerate() {
            let is_last = at + 1 == plan.rungs.len();
            let jobs = self.jobs(&active, at, from);
            let already =
                self.n_updates(&active, from, rung.updates) - jobs.iter().map(length).sum::<u64>();
            let planned = self.n_planned(active.len(), at);
            let place = Place { active: active.clone(), already, planned };
            if let Some(end) =
                side_by_side(jobs, crew, &mut |event| self.hear(event, &place, tell))?
            {
                return Ok(end);
            }
            self.updates += self.n_updates(&active, from, rung.updates);
            from = rung.updates;
            if !is_last {
                let standings: Vec<_> = (0..plan.points.len())
                    .map(|point| {
                        let scores = self.scores_of(point);
                        let rung = active.contains(&point).then_some(at);
                        standing(plan.config.score, rung, &scores)
                    })
                    .collect();
                active = plan::kept(&standings, &active, rung.n_kept);
            }
        }
        Ok(End::Done)
    }

    fn scores_of(&self, point: usize) -> Vec<&[Scored]> {
        runs_of(point, &self.plan.config).into_iter().map(|run| &self.scores[run][..]).collect()
    }

    /// The work that is left at a rung.
    fn jobs(&self, active: &[usize], at: usize, from: u64) -> Vec<Job> {
        let Plan { config, runs, rungs, .. } = self.plan;
        let job = |point: usize, number: usize| {
            let (settings, total) = &runs[point];
            let mut settings = settings.clone();
            settings.train.seed += (number % config.seeds as usize) as u64;
            Job {
                number,
                folder: run_folder(self.folder.path(), number),
                settings,
                from: from.min(*total),
                until: rungs[at].updates.min(*total),
                rung: rungs[at].updates,
                total: *total,
                is_last: at + 1 == rungs.len(),
            }
        };
        let all = active.iter().flat_map(|&point| {
            runs_of(point, config).into_iter().map(move |number| (point, number))
        });
        let left = all.filter(|(_, number)| self.scores[*number].len() <= at);
        left.map(|(point, number)| job(point, number)).collect()
    }

    /// The updates of these points' runs from one rung to another.
    fn n_updates(&self, points: &[usize], from: u64, until: u64) -> u64 {
        let of = |&point: &usize| {
            let total = self.plan.runs[point].1;
            until.min(total).saturating_sub(from.min(total))
        };
        self.plan.config.seeds * points.iter().map(of).sum::<u64>()
    }

    /// The updates of the whole sweep, with `n` points at a rung: those that were made, and about those to come.
    fn n_planned(&self, n: usize, at: usize) -> u64 {
        let Plan { config, rungs, .. } = self.plan;
        let (mut n, mut from, mut sum) = (n as u64, 0, self.updates);
        for (number, rung) in rungs.iter().enumerate() {
            if number >= at {
                sum += config.seeds * n * (rung.updates - from);
                n = rung.n_kept as u64;
            }
            from = rung.updates;
        }
        sum
    }

    fn hear(&mut self, event: Event, place: &Place, tell: &mut dyn FnMut(News)) {
        match event {
            Event::Note(text) => {
                if self.told.insert(text.clone()) {
                    tell(News::Note(text));
                }
            }
            Event::Updates(updates) => tell(News::Progress(self.progress(place, updates))),
            Event::Scored { number, scored, updates } => {
                let score = scored.score;
                self.scores[number].push(scored);
                let values = self.plan.points[number / self.plan.config.seeds as usize].clone();
                tell(News::Scored {
                    number,
                    values,
                    score,
                    progress: self.progress(place, updates),
                });
            }
        }
    }

    fn progress(&self, place: &Place, updates: u64) -> Progress {
        let Place { active, already, planned } = place;
        let n_runs = self.scores.len();
        let n_active = active.len() * self.plan.config.seeds as usize;
        let is_over = |scores: &&Vec<Scored>| {
            scores.last().is_some_and(|last| last.is_last || last.failure.is_some())
        };
        let of_active = active.iter().flat_map(|&point| runs_of(point, &self.plan.config));
        let n_over = of_active.map(|run| &self.scores[run]).filter(is_over).count();
        let metric = self.plan.config.score;
        let most = self.scores.iter().map(Vec::len).max().unwrap_or(0);
        let furthest = self.scores.iter().filter(|scores| scores.len() == most);
        let scores = furthest.filter_map(|scores| scores.last()?.score);
        let best = scores.max_by(|a, b| metric.signed(*a).total_cmp(&metric.signed(*b)));
        Progress {
            n_done: n_runs - n_active + n_over,
            n_runs,
            share: ((self.updates + already + updates) as f64 / *planned as f64).min(1.0),
            best,
        }
    }
}

/// The place of a rung in the whole sweep.
struct Place {
    /// The points at it.
    active: Vec<usize>,
    /// Updates of its runs that were scored by an earlier session.
    already: u64,
    /// Updates of the whole sweep.
    planned: u64,
}

fn length(job: &Job) -> u64 {
    job.until - job.from
}
