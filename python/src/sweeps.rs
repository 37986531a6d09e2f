//! Sweeps: `harmonium.sweep` and `harmonium.Sweep` begin, resume and read them as the command line does.

use crate::errors::to_py;
use crate::json::from_json;
use crate::pool::polled;
use crate::runs::{Caller, Options, SIGINT, read_settings};
use crate::trainer::{given, names, or_meant};
use harmonium::run::{Interrupt, Session, Settings};
use harmonium::setting::Section as _;
use harmonium::sweep::{self, News, SweepConfig, SweepFile, SweepOutcome, Table};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// The keywords of `harmonium.sweep` that are not settings of its runs.
const KEYWORDS: [&str; 11] = [
    "folder",
    "data",
    "vary",
    "seeds",
    "search",
    "score",
    "stop_after",
    "report",
    "callback",
    "progress",
    "threads",
];

/// A sweep as Python takes it: its folder, and what is in it.
type Described<'py> = (PathBuf, Bound<'py, PyAny>);

/// Begins a sweep of runs with these settings, and returns its folder.
#[pyfunction]
#[pyo3(signature = (settings, sweep, session, listener))]
pub fn begin_sweep(
    py: Python<'_>,
    settings: &Bound<'_, PyDict>,
    sweep: &Bound<'_, PyDict>,
    session: Options,
    listener: Py<PyAny>,
) -> PyResult<PathBuf> {
    let settings = read_settings(settings, &KEYWORDS)?;
    let config = SweepConfig::read(&given(Some(sweep))?)
        .map_err(|error| to_py(or_meant(error, names::<SweepConfig>())))?;
    work(py, session, listener, move |session, tell| {
        sweep::sweep(&settings, &config, session, tell)
    })
}

/// Goes on with the sweep in a folder, and returns the folder.
#[pyfunction]
#[pyo3(signature = (folder, session, listener))]
pub fn resume_sweep(
    py: Python<'_>,
    folder: PathBuf,
    session: Options,
    listener: Py<PyAny>,
) -> PyResult<PathBuf> {
    work(py, session, listener, move |session, tell| sweep::resume(&folder, session, tell))
}

/// The sweep in a folder.
#[pyfunction]
pub fn read_sweep(py: Python<'_>, folder: PathBuf) -> PyResult<Described<'_>> {
    let read = || Ok((Table::read(&folder)?, SweepFile::read(&folder.join(sweep::SWEEP))?));
    let (table, file) = py.detach(read).map_err(to_py)?;
    let Settings { data, train, run } = &file.runs.settings;
    let settings = [data.fields(), train.fields(), run.fields()].into_iter().flatten();
    let is_same = |name: &String| !table.names.contains(&name.as_str());
    let facts = json!({
        "metric": table.metric,
        "names": table.names,
        "settings": settings.filter(|(name, _)| is_same(name)).collect::<Map<_, _>>(),
        "table": rows(&table),
    });
    Ok((folder, from_json(py, &facts.to_string())?))
}

/// The points, best first, with the columns of `table.csv`.
fn rows(table: &Table) -> Vec<Value> {
    let row = |(rank, row): (usize, &sweep::Row)| {
        let mut cells = Map::from_iter([("rank".to_string(), rank.into())]);
        cells.extend(row.values.clone());
        let rest = json!({
            table.metric.to_string(): row.score,
            "standard_error": row.standard_error,
            "doubtful": row.is_doubtful,
            "seeds": row.runs.len(),
            "updates": row.updates,
            "state": row.state,
            "runs": row.runs.iter().map(|run| sweep::run_name(*run)).collect::<Vec<_>>(),
            "failure": row.failure,
        });
        let Value::Object(rest) = rest else { unreachable!("an object") };
        cells.extend(rest);
        Value::Object(cells)
    };
    (1..).zip(&table.rows).map(row).collect()
}

/// Works on a sweep in another thread, so that Ctrl-C can ask it to stop; its runs then write checkpoints.
fn work(
    py: Python<'_>,
    options: Options,
    listener: Py<PyAny>,
    work: impl FnOnce(&Session, &mut dyn FnMut(News)) -> harmonium::Result<SweepOutcome>
    + Send
    + 'static,
) -> PyResult<PathBuf> {
    let interrupt = Interrupt::default();
    let session = options.session(interrupt.clone()).map_err(to_py)?;
    let mut caller = Caller::new(listener, interrupt.clone());
    let stop = move || interrupt.raise(SIGINT);
    let (outcome, error) = polled(py, stop, move || {
        let outcome = work(&session, &mut |news| hear(&mut caller, news));
        (outcome, caller.error)
    })?;
    // An error of the callback stopped the sweep.
    if let Some(error) = error {
        return Err(error);
    }
    Ok(outcome.map_err(to_py)?.folder)
}

/// Calls the listener's `note(text)`, `progress(share, n_done, n_runs, best)` or `scored(run)`.
fn hear(caller: &mut Caller, news: News) {
    match news {
        News::Note(text) => caller.call(|listener| listener.call_method1("note", (text,))),
        News::Progress(now) => caller.call(|listener| {
            listener.call_method1("progress", (now.share, now.n_done, now.n_runs, now.best))
        }),
        News::Scored { number, values, score, progress } => {
            let run = json!({
                "run": sweep::run_name(number),
                "values": values,
                "score": score,
                "runs_done": progress.n_done,
                "runs": progress.n_runs,
                "best": progress.best,
            });
            caller.call(|listener| {
                listener.call_method1("scored", (from_json(listener.py(), &run.to_string())?,))
            });
        }
        _ => {}
    }
}
