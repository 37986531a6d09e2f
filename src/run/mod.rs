//! A whole run: data, epochs, monitors, checkpoints, and a folder with the results.
//!
//! ```text
//!  Settings (config.toml) ──► Data ──► Trainer ──► Course ──┬──► monitors ──► metrics.jsonl, snapshots/
//!  Session ───────────────────────────────────────────┘  ▲  ├──► Recorder ──► ladder/
//!                                                         │  ├──► Checkpoints ──► checkpoints/
//!                                                         │  └──► results ──► model.safetensors, pictures
//!                                          newest whole checkpoint
//! ```
//!
//! A run is defined by its [`Settings`]; a [`Session`] is one command that works on it. [`train`] begins
//! a run, [`resume`] continues it, and it ends in the same bits after any number of sessions. Later
//! commands find its data through its folder (`DataChoice`).

mod interval;

mod interrupt;

mod config;

mod moved;

mod settings;

mod data;

mod shelf;

mod checkpoints;

mod files;

mod shell;

mod folder;

mod own_data;

mod annealing_start;

mod ladder;

mod results;

mod followers;

mod course;

mod time_budget;

mod session;

mod list;

mod selection;

pub use annealing_start::{TrainingMean, chains_of, states_in, training_examples};
pub use config::{DataConfig, End, Keep, Replan, RunConfig, Session};
pub(crate) use course::likelihood;
pub(crate) use data::Part;
pub use files::{
    CHECKPOINTS, CURVES, EVALUATION, FAILURE, FILTERS, LADDER, LAST_MODEL, METRICS, MODEL,
    RECONSTRUCTIONS, REPORT, SAMPLES, SETTINGS, SNAPSHOTS,
};
pub(crate) use folder::Folder;
pub use folder::held_run;
pub use followers::follow;
pub use interrupt::Interrupt;
pub use interval::Interval;
pub(crate) use interval::parse_time;
pub use ladder::rungs;
pub(crate) use list::differing;
pub use list::{RunLikelihood, RunState, Summary, list};
pub(crate) use own_data::{ChosenData, DataChoice, GivenData, OtherReading};
pub(crate) use selection::{BestRun, Condition, Key, best, sort};
pub use session::{Changes, Outcome, resume, train};
pub(crate) use session::{Prepared, prepare, resume_on, train_on};
pub(crate) use settings::{Given, section_of, setting_names};
pub use settings::{Settings, SettingsFile};
pub(crate) use shelf::Shelf;
pub(crate) use shell::{quoted, resume_command};
