//! A session of a sweep: what is written, and how several ranks come to the same plan.

use super::config::SweepConfig;
use super::course::{News, Plan};
use super::file::{RUNS, SWEEP, SweepFile, TABLE, check_is_sweep, is_sweep};
use super::score::Scored;
use super::table::{Table, run_folder};
use crate::dataset::{Source, absolute};
use crate::error::{Error, Result};
use crate::ranks::Ranks;
use crate::rng::STREAM_VERSION;
use crate::run::{End, Folder, Interval, Session, Settings, SettingsFile, Shelf, resume_command};
use crate::setting::{check, invalid};
use crate::threads::in_pool;
use crate::whole_file;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    let begun = session.ranks.all(Begun::new(settings, config, session))?;
    begun.work(session, tell)
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
    let begun = session.ranks.all(Begun::again(folder, session))?;
    begun.work(session, tell)
}

/// The work of a rank above 0: it trains the runs that it is dealt until the session is over. The folder of the sweep
/// must be at the same path for all ranks, on a file system that they share.
///
/// # Errors
/// Errors of its runs, of reading the data and of the folder; [`Error::Ranks`] if another rank fails.
pub fn follow(session: &Session) -> Result<()> {
    let ranks = &session.ranks;
    if ranks.all(Ok(())).is_err() {
        // Rank 0 could not begin, and says why.
        return Ok(());
    }
    let [file, folder, scores] =
        [ranks.tell(Vec::new())?, ranks.tell(Vec::new())?, ranks.tell(Vec::new())?];
    let shelf = Shelf::default();
    let begun = || {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|cause| garbled(&cause));
        let (file, folder) = (text(file)?, PathBuf::from(text(folder)?));
        let path = folder.join(SWEEP);
        check_is_shared(&path, &file, ranks.rank())?;
        let SweepFile { runs, sweep } = SweepFile::parse(&path, &file)?;
        let scores = serde_json::from_slice(&scores).map_err(|cause| garbled(&cause))?;
        let plan = in_pool(session.threads, || Plan::new(runs.settings, &sweep, &shelf, session))?;
        Ok((plan, folder, scores, runs.command))
    };
    let (plan, folder, mut scores, command) = ranks.all(begun())?;
    let session = Session { command, stop_after: None, ..session.clone() };
    plan.train(&folder, &mut scores, &shelf, &session, &mut |_| ()).map(drop)
}

fn garbled(cause: &dyn std::fmt::Display) -> Error {
    Error::Ranks { what: format!("rank 0 has sent no sweep: {cause}") }
}

/// How often a rank looks for a file that another has written, and the pause between.
const LOOKS: usize = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// Refuses a file that is not what rank 0 has written there.
fn check_is_shared(path: &Path, text: &str, rank: usize) -> Result<()> {
    let is_there = |look: usize| {
        std::thread::sleep(if look == 0 { Duration::ZERO } else { PAUSE });
        std::fs::read_to_string(path).is_ok_and(|found| found == text)
    };
    if (0..LOOKS).any(is_there) {
        return Ok(());
    }
    let rule = format!(
        "rank {rank} does not see what rank 0 has written there; the folder of a sweep must be on a file system that \
         all ranks share"
    );
    Err(Error::Unsuitable { path: path.into(), rule })
}

/// A sweep that can begin, or go on, in its folder.
struct Begun {
    plan: Plan,
    folder: Folder,
    /// What `sweep.toml` holds.
    file: SweepFile,
    scores: Vec<Vec<Scored>>,
    shelf: Shelf,
}

impl Begun {
    /// Plans a sweep, and makes its folder.
    fn new(settings: &Settings, config: &SweepConfig, session: &Session) -> Result<Self> {
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
        Self::in_folder(plan, folder, file, shelf)
    }

    /// Plans the sweep in a folder again.
    fn again(folder: &Path, session: &Session) -> Result<Self> {
        check_session(session)?;
        check_is_sweep(folder)?;
        let folder = Folder::open_for_runs(folder)?;
        let path = folder.join(SWEEP);
        let file = SweepFile::read(&path)?;
        if let Some(version) = file.runs.stream_version.filter(|it| *it != STREAM_VERSION) {
            let rule = format!(
                "has stream version {version}, but this program has {STREAM_VERSION} and would not end in \
                 the same bits; use the version of harmonium that wrote it"
            );
            return Err(Error::Unsuitable { path, rule });
        }
        let shelf = Shelf::default();
        let settings = file.runs.settings.clone();
        let plan = in_pool(session.threads, || Plan::new(settings, &file.sweep, &shelf, session))?;
        Self::in_folder(plan, folder, file, shelf)
    }

    fn in_folder(plan: Plan, folder: Folder, file: SweepFile, shelf: Shelf) -> Result<Self> {
        let runs = folder.join(RUNS);
        std::fs::create_dir_all(&runs).map_err(|cause| Error::Io {
            path: runs,
            action: "create",
            cause,
        })?;
        let scores = plan.scores(folder.path())?;
        Ok(Self { plan, folder, file, scores, shelf })
    }

    /// Trains the runs together with the other ranks, and writes the table.
    fn work(self, session: &Session, tell: &mut dyn FnMut(News)) -> Result<SweepOutcome> {
        let Self { plan, folder, file, mut scores, shelf } = self;
        plan.notes.iter().for_each(|note| tell(News::Note(note.clone())));
        let session = Session { command: file.runs.command.clone(), ..session.clone() };
        let trained = lead(&file, &folder, &scores, &session.ranks, tell)
            .and_then(|()| plan.train(folder.path(), &mut scores, &shelf, &session, tell));
        let table = plan.table(&scores);
        // Also of a sweep that failed or was stopped: what is scored is scored.
        let written =
            whole_file::write_if(&folder.join(TABLE), table.to_csv().as_bytes(), || folder.check());
        let end = trained?;
        written?;
        folder.release();
        Ok(SweepOutcome { folder: folder.path().to_path_buf(), end, table })
    }
}

/// Sends the other ranks what they need to make the same plan.
fn lead(
    file: &SweepFile,
    folder: &Folder,
    scores: &[Vec<Scored>],
    ranks: &Ranks,
    tell: &mut dyn FnMut(News),
) -> Result<()> {
    if !ranks.are_several() {
        return Ok(());
    }
    tell(News::Note(format!("{} ranks share the runs", ranks.size())));
    let path = absolute(folder.path());
    ranks.tell(file.to_toml().into_bytes())?;
    ranks.tell(path.to_string_lossy().into_owned().into_bytes())?;
    ranks.tell(serde_json::to_vec(scores).expect("plain numbers"))?;
    ranks.all(Ok(()))
}

/// Refuses what a sweep cannot do with a session.
fn check_session(session: &Session) -> Result<()> {
    let Session { stop_after, time_budget, .. } = session;
    if let Some(interval) = stop_after.filter(|it| !matches!(it, Interval::Time(_))) {
        return Err(invalid("stop_after", interval, "a time such as 30m: runs of a sweep differ"));
    }
    if let Some(time) = time_budget {
        let rule = "left out: the time of a run depends on the others; give epochs or updates";
        return Err(invalid("time_budget", format!("{} s", time.as_secs_f64()), rule));
    }
    Ok(())
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
