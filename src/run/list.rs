//! The runs in a folder.

use super::config::Keep;
use super::files::{CHECKPOINTS, EVALUATION, FAILURE, METRICS, SETTINGS};
use super::folder::is_locked;
use super::settings::{Settings, SettingsFile};
use crate::checkpoint::{Place, RUNS, SWEEP, model_of, newest, refuse_sweep};
use crate::error::{Error, Result};
use crate::evaluate::{EvaluationReport, LikelihoodReport, Mixing};
use crate::model::ModelFile;
use crate::monitor::{Best, EpochRecord, metrics_file};
use crate::setting::{Section as _, by_name};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum RunState {
    /// A process works on it.
    Running,
    /// It has ended.
    Done,
    /// It can be continued.
    Stopped,
}

by_name!(RunState, "state", { Running = "running", Done = "done", Stopped = "stopped" });

/// A summary of a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Its folder.
    pub folder: PathBuf,
    /// Its state.
    pub state: RunState,
    /// Its settings file.
    pub file: SettingsFile,
    /// The place of its newest checkpoint; `None` before the first.
    pub place: Option<Place>,
    /// The records of its epochs.
    pub records: Vec<EpochRecord>,
    /// The error that ended its last session, if one did.
    pub failure: Option<String>,
    /// The result of `harmonium evaluate` for its present parameters on its own data, if it was run.
    pub evaluation: Option<EvaluationReport>,
}

/// A log-likelihood of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunLikelihood<'a> {
    /// The log-likelihood and its verdict.
    pub report: &'a LikelihoodReport,
    /// The data it was measured on: `test`, `validation` or `training`.
    pub role: &'a str,
}

impl Summary {
    /// Reads the run in a folder.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if the folder does not hold a run, and as [`of`](Self::of).
    pub fn read(folder: &Path) -> Result<Self> {
        if let Some(run) = Self::of(folder)? {
            return Ok(run);
        }
        refuse_sweep(folder)?;
        let rule = "does not hold a run; `harmonium runs` lists the runs".to_string();
        Err(Error::Unsuitable { path: folder.into(), rule })
    }

    /// Reads the run in a folder; `None` if the folder does not hold a run.
    ///
    /// # Errors
    /// As [`SettingsFile::read`].
    pub fn of(folder: &Path) -> Result<Option<Self>> {
        let settings = folder.join(SETTINGS);
        if !settings.exists() {
            return Ok(None);
        }
        let place = newest(&folder.join(CHECKPOINTS)).map(|(_, place)| place);
        let file = SettingsFile::read(&settings)?;
        // A change of plan after the checkpoint is not in it.
        let is_planned = |updates| file.settings.run.replanned.iter().any(|p| p.update == updates);
        let is_done = |place: &Place| place.is_done && !is_planned(place.updates);
        let is_done = place.as_ref().is_some_and(is_done);
        let state = match (is_locked(folder), is_done) {
            (true, _) => RunState::Running,
            (false, true) => RunState::Done,
            (false, false) => RunState::Stopped,
        };
        let metrics = folder.join(METRICS);
        let records = if metrics.exists() { metrics_file::read(&metrics)? } else { Vec::new() };
        Ok(Some(Self {
            folder: folder.to_path_buf(),
            state,
            file,
            place,
            records,
            failure: std::fs::read_to_string(folder.join(FAILURE)).ok(),
            evaluation: read_evaluation(folder),
        }))
    }

    /// The record of the parameters that are its model: of the best epoch of a run that is done and keeps
    /// it, else the last.
    pub fn of_model(&self) -> Option<&EpochRecord> {
        match (self.state, self.file.settings.run.keep) {
            (RunState::Done, Keep::Best(metric)) => {
                let mut best = Best::new(metric);
                self.records.iter().filter(|record| best.observe(record)).last()
            }
            _ => self.last(),
        }
    }

    /// Its log-likelihood, if known: the result of `harmonium evaluate`, else that of its model's record,
    /// else the newest value in its records.
    pub fn likelihood(&self) -> Option<RunLikelihood<'_>> {
        let is_known = |report: &&LikelihoodReport| report.log_likelihood.is_some();
        let evaluated = self.evaluation.as_ref().and_then(|found| {
            let report = Some(&found.likelihood).filter(is_known)?;
            Some(RunLikelihood { report, role: &found.subject.as_ref()?.data_role })
        });
        evaluated.or_else(|| {
            let newest = self.of_model().into_iter().chain(self.records.iter().rev());
            let report = newest.map(|record| &record.likelihood).find(is_known)?;
            Some(RunLikelihood { report, role: self.file.settings.data.watched_by().role() })
        })
    }

    /// Whether its model and chains visit the modes of the data: by the evaluation, else by the record of its model, or
    /// the newest that knows.
    pub fn mixing(&self) -> Option<&Mixing> {
        let evaluated = self.evaluation.as_ref().and_then(|found| found.mixing.as_ref());
        evaluated.or_else(|| {
            let newest = self.of_model().into_iter().chain(self.records.iter().rev());
            newest.filter_map(|record| record.mixing.as_ref()).next()
        })
    }

    /// Its last record.
    pub fn last(&self) -> Option<&EpochRecord> {
        self.records.last()
    }

    /// The planned number of epochs; `None` before the first checkpoint of a run that is planned in
    /// updates.
    pub fn n_epochs(&self) -> Option<u64> {
        let Settings { train, run, .. } = &self.file.settings;
        match (run.replanned.last(), &self.place, train.updates) {
            (Some(plan), ..) => Some(plan.epochs as u64),
            (None, Some(place), _) => Some(place.n_epochs),
            (None, None, Some(_)) => None,
            (None, None, None) => train.epochs.map(|n| n as u64),
        }
    }

    /// The share of its planned training that is done, from 0 to 1.
    pub fn share_done(&self) -> f64 {
        let Some(last) = self.last() else { return 0.0 };
        match (self.state, self.n_epochs(), self.file.settings.train.updates) {
            (RunState::Done, ..) => 1.0,
            (_, Some(n_epochs), _) => (last.epoch as f64 / n_epochs as f64).min(1.0),
            (_, None, Some(updates)) => (last.updates as f64 / updates as f64).min(1.0),
            (_, None, None) => 0.0,
        }
    }

    /// All settings by name, with the number of epochs as it is planned now.
    pub fn settings(&self) -> Map<String, Value> {
        let Settings { data, train, run } = &self.file.settings;
        let mut settings: Map<_, _> =
            [data.fields(), train.fields(), run.fields()].into_iter().flatten().collect();
        if let Some(plan) = run.replanned.last() {
            settings["epochs"] = plan.epochs.into();
            settings["updates"] = Value::Null;
        }
        settings
    }
}

/// The evaluation of the run's present parameters. Evaluations of earlier parameters, or of data that do
/// not belong to the run, are ignored.
fn read_evaluation(folder: &Path) -> Option<EvaluationReport> {
    let text = std::fs::read(folder.join(EVALUATION)).ok()?;
    let evaluation: EvaluationReport = serde_json::from_slice(&text).ok()?;
    let subject = evaluation.subject.as_ref().filter(|subject| subject.data_role != "given")?;
    let model = ModelFile::read(&model_of(folder).ok()?.0).ok()?;
    (subject.parameters_sha256 == model.rbm.sha256()).then_some(evaluation)
}

/// The runs in a folder, or in itself, or of the sweep in it, sorted by name (run-2 before run-10), and the errors of
/// runs that cannot be read.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read.
pub fn list(folder: &Path) -> Result<(Vec<Summary>, Vec<Error>)> {
    let runs_of_sweep = folder.join(RUNS);
    let is_sweep = folder.join(SWEEP).exists() && runs_of_sweep.is_dir();
    let folder = if is_sweep { &runs_of_sweep } else { folder };
    let entries = std::fs::read_dir(folder).map_err(Error::reading(folder))?;
    let mut folders: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    folders.push(folder.to_path_buf());
    alphanumeric_sort::sort_path_slice(&mut folders);
    let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
    for folder in folders {
        match Summary::of(&folder) {
            Ok(run) => runs.extend(run),
            Err(error) => unreadable.push(error),
        }
    }
    Ok((runs, unreadable))
}

/// The names of the settings in which runs differ.
pub fn differing(runs: &[Summary]) -> BTreeSet<String> {
    let all: Vec<_> = runs.iter().map(Summary::settings).collect();
    let names = all.first().into_iter().flat_map(Map::keys);
    let differs = |name: &&String| all.iter().any(|other| other.get(*name) != all[0].get(*name));
    names.filter(differs).cloned().collect()
}
