//! The names of the files in the folder of a run.

/// The settings of a run.
pub const SETTINGS: &str = "config.toml";
/// The records of its epochs.
pub const METRICS: &str = "metrics.jsonl";
/// Its model.
pub const MODEL: &str = crate::checkpoint::MODEL;
/// The last parameters, where the model is an average.
pub const LAST_MODEL: &str = "model-last.safetensors";
/// The filters of the model, where the data are images.
pub const FILTERS: &str = "filters.png";
/// p(v | h) of the chains, where the data are images.
pub const SAMPLES: &str = "samples.png";
/// The folder of the checkpoints.
pub const CHECKPOINTS: &str = crate::checkpoint::CHECKPOINTS;
/// The folder of the snapshots.
pub const SNAPSHOTS: &str = "snapshots";
/// The folder of the models that training passed through.
pub const LADDER: &str = crate::checkpoint::LADDER;
/// The result of `harmonium evaluate` on the run's own data.
pub const EVALUATION: &str = "evaluation.json";
/// The report of the run.
pub const REPORT: &str = "report.html";
/// The curves of the run in one picture.
pub const CURVES: &str = "curves.svg";
/// Examples beside their reconstructions, where the data are images.
pub const RECONSTRUCTIONS: &str = "reconstructions.png";
/// The error that ended the last session; the next session removes it.
pub const FAILURE: &str = "failure.txt";
/// The file that is locked while a process works on the run.
pub(super) const LOCK: &str = ".lock";
