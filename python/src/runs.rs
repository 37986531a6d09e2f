//! Runs in folders: `harmonium.runs` starts, resumes, lists and reports them as the command line does.

use crate::errors::to_py;
use crate::isa;
use crate::json::from_json;
use crate::pool::polled;
use crate::trainer::{given, names, or_meant};
use harmonium::gibbs::FixedModel;
use harmonium::monitor::{EpochRecord, Monitor};
use harmonium::ranks::Ranks;
use harmonium::report::Notebook;
use harmonium::run::{self, Changes, DataConfig, Interrupt, Outcome, REPORT, RunConfig};
use harmonium::run::{Session, Settings, Summary};
use harmonium::setting::invalid;
use harmonium::{TrainConfig, Trainer, report, whole_file};
use pyo3::exceptions::PyFileExistsError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::json;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The signal that a session which Python stops seems to get.
pub const SIGINT: i32 = 2;

/// The keywords of `harmonium.runs.train` that are not settings.
const KEYWORDS: [&str; 8] =
    ["out", "stop_after", "time_budget", "report", "callback", "progress", "live", "threads"];

/// A run as Python takes it: its folder, whose name may be of any bytes, and what is in it.
type Described<'py> = (PathBuf, Bound<'py, PyAny>);

/// Runs a command line, whose first word is the name of the program, and ends the process with its exit
/// code.
#[pyfunction]
pub fn command(py: Python<'_>, words: Vec<OsString>) {
    py.detach(|| std::process::exit(harmonium::cli::main(words).into()))
}

/// The runs in a folder, and the errors of those that cannot be read.
#[pyfunction]
pub fn list_runs(py: Python<'_>, folder: PathBuf) -> PyResult<(Vec<Described<'_>>, Vec<String>)> {
    let (runs, unreadable) = py.detach(|| run::list(&folder)).map_err(to_py)?;
    let runs = runs.into_iter().map(|run| described(py, run)).collect::<PyResult<_>>()?;
    Ok((runs, unreadable.iter().map(ToString::to_string).collect()))
}

/// The run in a folder.
#[pyfunction]
pub fn read_run(py: Python<'_>, folder: PathBuf) -> PyResult<Described<'_>> {
    described(py, py.detach(|| Summary::read(&folder)).map_err(to_py)?)
}

/// The file that shows that a folder holds a run; None if it holds none.
#[pyfunction]
pub fn held_run(folder: PathBuf) -> Option<&'static str> {
    run::held_run(&folder)
}

/// What Python knows of a run.
fn described(py: Python<'_>, run: Summary) -> PyResult<Described<'_>> {
    let facts = json!({
        "state": run.state,
        "settings": run.settings(),
        "records": run.records,
        "n_epochs": run.n_epochs(),
        "failure": run.failure,
        "evaluation": run.evaluation,
    });
    Ok((run.folder, from_json(py, &facts.to_string())?))
}

/// Starts a run with these settings, and returns its folder.
#[pyfunction]
#[pyo3(signature = (settings, session, monitor))]
pub fn train_run(
    py: Python<'_>,
    settings: &Bound<'_, PyDict>,
    session: Options,
    monitor: Py<PyAny>,
) -> PyResult<PathBuf> {
    let settings = read_settings(settings, &KEYWORDS)?;
    work(py, session, monitor, move |session, monitors| run::train(settings, session, monitors))
}

/// The settings of runs. A name that is not known may mean one of the other `keywords` of the call, too.
pub fn read_settings(
    settings: &Bound<'_, PyDict>,
    keywords: &[&'static str],
) -> PyResult<Settings> {
    Settings::read(&given(Some(settings))?).map_err(|error| {
        let known = [names::<TrainConfig>(), names::<DataConfig>(), names::<RunConfig>()].concat();
        to_py(or_meant(error, known.into_iter().chain(keywords.iter().copied())))
    })
}

/// Continues the run in a folder, and returns the folder.
#[pyfunction]
#[pyo3(signature = (folder, epochs, session, monitor))]
pub fn resume_run(
    py: Python<'_>,
    folder: PathBuf,
    epochs: Option<usize>,
    session: Options,
    monitor: Py<PyAny>,
) -> PyResult<PathBuf> {
    work(py, session, monitor, move |session, monitors| {
        let changes = Changes { epochs, ..Changes::default() };
        run::resume(&folder, &changes, session, monitors)
    })
}

/// Writes the page on runs, into the folder of one run or to a file, and returns its path.
#[pyfunction]
#[pyo3(signature = (folders, out, overwrite))]
pub fn write_report(
    py: Python<'_>,
    folders: Vec<PathBuf>,
    out: Option<PathBuf>,
    overwrite: bool,
) -> PyResult<PathBuf> {
    if let (None, [folder]) = (&out, &folders[..]) {
        py.detach(|| report::write_to_folder(folder)).map_err(to_py)?;
        return Ok(folder.join(REPORT));
    }
    let out = out.unwrap_or_else(|| REPORT.into());
    report::check(&folders, &out).map_err(to_py)?;
    if !overwrite && whole_file::replaced_by(&out).is_some() {
        return Err(PyFileExistsError::new_err(format!(
            "{} exists already; give another path, or replace it with overwrite=True",
            out.display()
        )));
    }
    py.detach(|| report::write(&folders, &out)).map_err(to_py)?;
    Ok(out)
}

/// How a session works on a run.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Options {
    out: Option<PathBuf>,
    threads: Option<usize>,
    stop_after: Option<String>,
    /// In seconds.
    time_budget: Option<f64>,
    command: String,
}

impl Options {
    /// The session of these options, stopped by this interrupt.
    pub fn session(self, interrupt: Interrupt) -> harmonium::Result<Session> {
        let Self { out, threads, stop_after, time_budget, command } = self;
        Ok(Session {
            threads,
            isa: isa()?,
            out,
            stop_after: stop_after.map(|text| text.parse()).transpose()?,
            time_budget: time_budget.map(time).transpose()?,
            command: Some(command),
            interrupt,
            ranks: Ranks::default(),
        })
    }
}

/// A time in seconds, above 0.
fn time(seconds: f64) -> harmonium::Result<Duration> {
    let time = Duration::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
    time.ok_or_else(|| invalid("time_budget", seconds, "above 0, in seconds"))
}

/// Works on a run in another thread, so that Ctrl-C can ask it to stop; it then writes a checkpoint.
fn work(
    py: Python<'_>,
    options: Options,
    monitor: Py<PyAny>,
    work: impl FnOnce(&Session, &mut [&mut dyn Monitor]) -> harmonium::Result<Outcome> + Send + 'static,
) -> PyResult<PathBuf> {
    let interrupt = Interrupt::default();
    let session = options.session(interrupt.clone()).map_err(to_py)?;
    let mut caller = Caller::new(monitor, interrupt.clone());
    let stop = move || interrupt.raise(SIGINT);
    let (outcome, error) = polled(py, stop, move || {
        let outcome = work(&session, &mut [&mut caller]);
        caller.close(&outcome);
        (outcome, caller.error)
    })?;
    // An error of the callback stopped the run.
    if let Some(error) = error {
        return Err(error);
    }
    Ok(outcome.map_err(to_py)?.folder)
}

/// A monitor in Python, with the methods `begin(n_epochs, n_done)`, `note(text)` and `record(metrics)`. The
/// run stops if the last returns true. Where `is_due(is_last)` is true, it is shown a picture of the run, by
/// `show(line, html)`.
pub struct Caller {
    monitor: Py<PyAny>,
    interrupt: Interrupt,
    /// The first error of a call.
    pub error: Option<PyErr>,
    view: View,
}

/// What a picture of a run shows.
#[derive(Default)]
struct View {
    /// The planned number of epochs, once the run has begun.
    n_epochs: Option<u64>,
    records: Vec<EpochRecord>,
    /// The samples of the last picture.
    samples: Option<Vec<u8>>,
    is_done: bool,
}

impl Caller {
    /// A caller of this object, which stops a session by its interrupt.
    pub fn new(monitor: Py<PyAny>, interrupt: Interrupt) -> Self {
        Self { monitor, interrupt, error: None, view: View::default() }
    }

    /// Calls the monitor, and returns whether the result is true.
    fn ask(
        &mut self,
        call: impl for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>,
    ) -> bool {
        let answer = Python::attach(|py| call(self.monitor.bind(py))?.is_truthy());
        answer.unwrap_or_else(|error| {
            self.interrupt.raise(SIGINT);
            self.error.get_or_insert(error);
            false
        })
    }

    /// Calls the monitor. The session stops after a true result or an error.
    pub fn call(
        &mut self,
        call: impl for<'py> FnOnce(&Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>,
    ) {
        if self.ask(call) {
            self.interrupt.raise(SIGINT);
        }
    }

    /// Shows a picture of the run as it is, if one is due.
    fn draw(
        &mut self,
        trainer: &Trainer,
        model: FixedModel<'_>,
        is_last: bool,
    ) -> harmonium::Result<()> {
        self.view.n_epochs = Some(trainer.n_epochs());
        if self.ask(|monitor| monitor.call_method1("is_due", (is_last,))) {
            self.view.samples = Notebook::samples(trainer, model)?;
            self.show(None);
        }
        Ok(())
    }

    /// As [`draw`](Self::draw), where the model is not at hand.
    fn draw_now(&mut self, trainer: &Trainer, is_last: bool) -> harmonium::Result<()> {
        let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
        self.draw(trainer, FixedModel { rbm: &rbm, weights: &weights }, is_last)
    }

    fn show(&mut self, note: Option<&str>) {
        let View { n_epochs, records, samples, .. } = &self.view;
        let n_epochs = n_epochs.unwrap_or(0);
        let picture = Notebook { n_epochs, records, samples: samples.as_deref(), note };
        let parts = (picture.line(), picture.html());
        self.ask(|monitor| monitor.call_method1("show", parts));
    }

    /// Shows the last picture of a run that was stopped or has failed, with the reason.
    fn close(&mut self, outcome: &harmonium::Result<Outcome>) {
        let is_open = self.view.n_epochs.is_some() && !self.view.is_done;
        if is_open && self.ask(|monitor| monitor.call_method1("is_due", (true,))) {
            let note = match outcome {
                Ok(Outcome { updates, folder, .. }) => format!(
                    "stopped after {updates} updates; harmonium.runs.resume({folder:?}) goes on"
                ),
                Err(error) => error.to_string(),
            };
            self.show(Some(&note));
        }
    }
}

impl Monitor for Caller {
    fn begin(&mut self, trainer: &Trainer, past: &[EpochRecord]) -> harmonium::Result<()> {
        let epochs = (trainer.n_epochs(), trainer.epoch());
        self.call(|monitor| monitor.call_method1("begin", epochs));
        self.view.records = past.to_vec();
        self.draw_now(trainer, false)
    }

    fn note(&mut self, text: &str) {
        self.call(|monitor| monitor.call_method1("note", (text,)));
    }

    fn after_epoch(
        &mut self,
        trainer: &Trainer,
        model: FixedModel<'_>,
        record: &EpochRecord,
    ) -> harmonium::Result<()> {
        let text = serde_json::to_string(record).expect("plain data");
        self.call(|monitor| monitor.call_method1("record", (from_json(monitor.py(), &text)?,)));
        self.view.records.push(record.clone());
        self.draw(trainer, model, false)
    }

    fn finish(&mut self, trainer: &Trainer) -> harmonium::Result<()> {
        self.view.is_done = true;
        self.draw_now(trainer, true)
    }
}
