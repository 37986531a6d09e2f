//! The names of what lies in the folder of a run.

/// The settings of a run.
pub const SETTINGS: &str = "config.toml";
/// The records of a run.
pub const METRICS: &str = "metrics.jsonl";
/// The model of a run.
pub const MODEL: &str = "model.safetensors";
/// The last parameters of a run whose model is their average.
pub const LAST_MODEL: &str = "model-last.safetensors";
/// The filters of the model, where the data are images.
pub const FILTERS: &str = "filters.png";
/// p(v | h) of the chains, where the data are images.
pub const SAMPLES: &str = "samples.png";
/// The folder of its checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";
/// The folder of its snapshots.
pub const SNAPSHOTS: &str = "snapshots";
/// What `harmonium evaluate` found of the run on the data that it is judged by.
pub const EVALUATION: &str = "evaluation.json";
/// The report of the run.
pub const REPORT: &str = "report.html";
/// The curves of the run, as one picture.
pub const CURVES: &str = "curves.svg";
/// Examples beside their reconstructions, where the data are images.
pub const RECONSTRUCTIONS: &str = "reconstructions.png";
/// The error that ended a session, until another session goes on.
pub const FAILURE: &str = "failure.txt";
/// The file that is locked as long as a process works on the run.
pub(super) const LOCK: &str = ".lock";
