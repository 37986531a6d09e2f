//! A whole run of training: data in, epochs, monitors, and a folder with what came out.

use crate::dataset::{Dataset, Examples, Source, Split};
use crate::error::{Error, Result};
use crate::evaluate::{Method, exact};
use crate::gibbs::Image;
use crate::model::{ModelFile, Provenance};
use crate::monitor::metrics_file::MetricsFile;
use crate::monitor::pictures::{self, Grey};
use crate::monitor::terminal::Terminal;
use crate::monitor::{Likelihood, Monitor, Probe, Writer};
use crate::train::{Algorithm, TrainConfig, Trainer};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How a run is carried out: nothing here decides a bit but the choice of the data.
#[derive(Clone, Debug, Default)]
pub struct RunConfig {
    /// Training data.
    pub data: Source,
    /// Whether every intensity x becomes 1 − x, of these data and of those to report on.
    pub invert: bool,
    /// Data to report on; none: the test images if `data` is MNIST.
    pub test_data: Option<Source>,
    /// How many of the last training examples are set aside; 0: none.
    pub validation: usize,
    /// The first so many training examples are used, those set aside included; none: all.
    pub limit: Option<usize>,
    /// Rows and columns of the images; none: as the data say.
    pub image_shape: Option<(usize, usize)>,
    /// The log-likelihood is evaluated after every so many epochs, and at the end; 0: never.
    pub evaluate_every: usize,
    /// How log Z is found for it.
    pub evaluate: Method,
    /// A model whose parameters to start from.
    pub init: Option<PathBuf>,
    /// Threads, at least 1; none: as many as the machine has.
    pub threads: Option<usize>,
    /// The folder; none: `runs/` and a name of data, sizes and time.
    pub out: Option<PathBuf>,
    /// No progress.
    pub quiet: bool,
}

/// The model of a finished run, in its folder.
pub const MODEL: &str = "model.safetensors";
/// The last parameters of a run whose model is their average, in its folder.
pub const LAST_MODEL: &str = "model-last.safetensors";
/// The records of a run, in its folder.
pub const METRICS: &str = "metrics.jsonl";

/// Most threads of a pool: far more only wait for each other.
const MAX_THREADS: usize = 1024;

/// Most images of a picture.
const MOST_IMAGES: usize = 150;

/// Sweeps from the data to the pictures of samples that contrastive divergence leaves.
const CD_SWEEPS: usize = 1000;

/// Trains by these settings and returns the folder that holds the results: `model.safetensors`,
/// `metrics.jsonl`, with averaging `model-last.safetensors`, and, for images, `filters.png` and
/// `samples.png`.
///
/// # Errors
/// Whatever is wrong with data, settings or the folder, before anything is written;
/// [`Error::Diverged`] and [`Error::Io`] later.
pub fn train(config: TrainConfig, run: &RunConfig) -> Result<PathBuf> {
    in_pool(run.threads, || train_in_pool(config, run))
}

/// Runs `work` on a pool of so many threads.
///
/// # Errors
/// [`Error::InvalidSetting`] for no threads, more than 1,024, or more than the system gives.
pub fn in_pool<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let invalid = |value: usize, rule: String| Error::InvalidSetting {
        setting: "threads",
        value: value.to_string(),
        rule,
    };
    if let Some(n) = threads.filter(|n| !(1..=MAX_THREADS).contains(n)) {
        return Err(invalid(n, format!("from 1 to {MAX_THREADS}")));
    }
    let n = threads.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build();
    pool.map_err(|cause| invalid(n, format!("a number that the system allows ({cause})")))?
        .install(work)
}

fn train_in_pool(config: TrainConfig, run: &RunConfig) -> Result<PathBuf> {
    let mut data = Data::read(&config, run)?;
    let mut trainer = match &run.init {
        None => Trainer::new(config, data.training)?,
        Some(path) => {
            let initial = ModelFile::read(path)?.rbm;
            data.provenance.insert("init_sha256".to_string(), initial.sha256().into());
            Trainer::from_model(config, data.training, &initial)?
        }
    };
    check_evaluation(run, trainer.examples(), trainer.config().hidden)?;
    let folder = new_folder(run, trainer.examples(), trainer.config().hidden)?;

    let probe = Probe::new(trainer.examples(), data.held_out.as_ref(), trainer.config().seed);
    let likelihood = (run.evaluate_every > 0).then(|| {
        let examples = data.held_out.as_ref().unwrap_or(trainer.examples());
        Likelihood::new(examples, run.evaluate, run.evaluate_every, trainer.config().seed)
    });
    let mut writer = Writer::start();
    let trained = {
        let mut metrics = MetricsFile { path: folder.join(METRICS), writer: &mut writer };
        let mut terminal = (!run.quiet).then(|| Terminal::new(&trainer));
        let mut monitors: Vec<&mut dyn Monitor> = vec![&mut metrics];
        monitors.extend(terminal.as_mut().map(|terminal| terminal as &mut dyn Monitor));
        all_epochs(&mut trainer, (&probe, likelihood.as_ref()), &mut monitors)
    };
    let written = trained.and_then(|()| {
        write_results(&folder, &trainer, data.provenance, data.image_shape, &mut writer)
    });
    // What the writer met with came first, so it is told first.
    writer.finish().and(written)?;
    Ok(folder)
}

/// Most epochs of a run that are all recorded; a longer one has a record every so many.
const MOST_RECORDS: usize = 1000;

/// Epoch after epoch to the end of the run.
fn all_epochs(
    trainer: &mut Trainer,
    (probe, likelihood): (&Probe, Option<&Likelihood>),
    monitors: &mut [&mut dyn Monitor],
) -> Result<()> {
    let start = Instant::now();
    let recorded_every = trainer.config().epochs.div_ceil(MOST_RECORDS);
    while !trainer.is_done() {
        let epoch_start = Instant::now();
        let (first_update, n_examples) = (trainer.updates(), trainer.examples().n_examples());
        let told_every = (trainer.updates_per_epoch() / 20).max(1);
        loop {
            trainer.update()?;
            if trainer.updates().is_multiple_of(told_every) {
                let share =
                    (trainer.updates() - first_update) as f64 / trainer.updates_per_epoch() as f64;
                let rate = share * n_examples as f64 / epoch_start.elapsed().as_secs_f64();
                monitors.iter_mut().for_each(|monitor| monitor.after_updates(trainer, rate));
            }
            if trainer.is_first_of_epoch() {
                break;
            }
        }
        let is_evaluated = likelihood.is_some_and(|likelihood| likelihood.is_due(trainer));
        if !trainer.epoch().is_multiple_of(recorded_every) && !trainer.is_done() && !is_evaluated {
            continue;
        }
        let seconds = epoch_start.elapsed().as_secs_f64();
        let mut record = probe.measure(trainer, seconds, start.elapsed().as_secs_f64())?;
        if let Some(likelihood) = likelihood.filter(|_| is_evaluated) {
            record.set_likelihood(&likelihood.measure(trainer)?);
        }
        for monitor in monitors.iter_mut() {
            monitor.after_epoch(trainer, &record)?;
        }
    }
    Ok(())
}

/// Refuses, before anything is trained, to enumerate what is too large for it.
fn check_evaluation(run: &RunConfig, examples: &Examples, hidden: usize) -> Result<()> {
    let smaller = examples.n_visible().min(hidden);
    if run.evaluate_every == 0 || run.evaluate != Method::Exact || smaller <= exact::MAX_UNITS {
        return Ok(());
    }
    Err(Error::InvalidSetting {
        setting: "evaluate",
        value: run.evaluate.to_string(),
        rule: format!(
            "ais or auto: the smaller layer has {smaller} units, and at most {} can be enumerated",
            exact::MAX_UNITS
        ),
    })
}

/// The examples of a run.
struct Data {
    training: Examples,
    held_out: Option<Examples>,
    image_shape: Option<(usize, usize)>,
    provenance: Map<String, Value>,
}

impl Data {
    fn read(config: &TrainConfig, run: &RunConfig) -> Result<Self> {
        let prepared = |dataset: Dataset| {
            let dataset = if run.invert { dataset.inverted() } else { dataset };
            match run.image_shape {
                Some((rows, columns)) => dataset.with_image_shape(rows, columns),
                None => Ok(dataset),
            }
        };
        let mut training = prepared(run.data.read()?)?;
        let test = match &run.test_data {
            Some(source) => Some((source, Split::Test)),
            None => run.data.has_test_split().then_some((&run.data, Split::Test)),
        };
        let test =
            test.map(|(source, split)| source.read_split(split).and_then(prepared)).transpose()?;
        if let Some(test) = &test
            && test.n_visible() != training.n_visible()
        {
            return Err(Error::WidthMismatch {
                what: test.name().to_string(),
                found: test.n_visible(),
                other: "the training data",
                expected: training.n_visible(),
            });
        }
        if let Some(limit) = run.limit {
            training = training.first(limit)?;
        }
        let mut held_out = test;
        if run.validation > 0 {
            let (rest, validation) = training.split_validation(run.validation)?;
            (training, held_out) = (rest, Some(validation));
        }
        let provenance = json!({
            "sha256": training.sha256(),
            "n_examples": training.n_examples(),
            "inverted": run.invert,
            "limit": run.limit,
            "validation": run.validation,
        });
        let Value::Object(provenance) = provenance else { unreachable!("an object, as written") };
        let image_shape = training.image_shape();
        let binarized = |dataset| Examples::new(dataset, config.binarize);
        let (training, held_out) = (binarized(training), held_out.map(binarized));
        Ok(Self { training, held_out, image_shape, provenance })
    }
}

/// The folder of the run, made if it is not there, and empty of runs.
fn new_folder(run: &RunConfig, examples: &Examples, hidden: usize) -> Result<PathBuf> {
    let Some(folder) = &run.out else { return new_default_folder(run, examples, hidden) };
    for file in [MODEL, METRICS] {
        if folder.join(file).exists() {
            let rule = format!("already holds a run ({file}); give another folder with --out");
            return Err(Error::Unsuitable { path: folder.clone(), rule });
        }
    }
    let io = |cause| Error::Io { path: folder.clone(), action: "create files in", cause };
    std::fs::create_dir_all(folder).map_err(io)?;
    // A folder that cannot be written to is better found now than after an hour.
    let probe = folder.join(format!(".writable.{}.tmp", std::process::id()));
    std::fs::File::create_new(&probe).and_then(|_| std::fs::remove_file(&probe)).map_err(io)?;
    Ok(folder.clone())
}

/// A fresh folder in `runs/`, named after data, sizes and time; runs that start in the same second
/// get a number as well.
fn new_default_folder(run: &RunConfig, examples: &Examples, hidden: usize) -> Result<PathBuf> {
    let runs = Path::new("runs");
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    let name = format!("{}-{}x{hidden}-{now}", run.data.short_name(), examples.n_visible());
    std::fs::create_dir_all(runs).map_err(|cause| Error::Io {
        path: runs.into(),
        action: "create",
        cause,
    })?;
    for attempt in 1.. {
        let folder = match attempt {
            1 => runs.join(&name),
            _ => runs.join(format!("{name}-{attempt}")),
        };
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(Error::Io { path: folder, action: "create", cause }),
        }
    }
    unreachable!("the numbers do not end")
}

/// The model and, for images, pictures of its filters and of its chains.
fn write_results(
    folder: &Path,
    trainer: &Trainer,
    data: Map<String, Value>,
    image_shape: Option<(usize, usize)>,
    writer: &mut Writer,
) -> Result<()> {
    let rbm = trainer.model();
    if let Some(shape) = image_shape {
        writer.write(folder.join("filters.png"), pictures::filters(&rbm, shape, MOST_IMAGES))?;
        let mut chains = trainer.chains().clone();
        if trainer.config().algorithm == Algorithm::Cd {
            // They are near the last mini-batch: lead them to the model.
            let image = Image::new(&rbm)?;
            (0..CD_SWEEPS).for_each(|_| chains.sweep(&image));
        }
        let chains = chains.hidden();
        let shown = rbm.mean_visible(&chains.rows(0..chains.n_rows().min(MOST_IMAGES)))?;
        let samples = pictures::grid(shown.view(), shape, Grey::Unit);
        writer.write(folder.join("samples.png"), samples)?;
    }
    let Value::Object(settings) = serde_json::to_value(trainer.config()).expect("plain data")
    else {
        unreachable!("settings are a struct")
    };
    let provenance = Provenance { data, image_shape, settings, ..Provenance::default() };
    if trainer.average().is_some() {
        let last = ModelFile { rbm: trainer.rbm(), provenance: provenance.clone() };
        writer.write(folder.join(LAST_MODEL), last.to_bytes())?;
    }
    let model = ModelFile { rbm, provenance };
    writer.write(folder.join(MODEL), model.to_bytes())
}
