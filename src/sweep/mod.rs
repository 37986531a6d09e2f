//! Many runs that differ in some settings, side by side, and which of them is best. (A sweep of chains is another
//! thing.)
//!
//! ```text
//!  SweepConfig ──► Vary, Search ──► plan: points, rungs ──┐
//!  Settings ──────────────────────────────────────────────┴─► Course ──► work: runs/000, runs/001, …
//!                                                               ▲            │ run::train, run::resume
//!                                                               └── Scored ◄─┘ score
//!                                                               └──► Table ──► table.csv
//! ```
//!
//! A *point* is one choice of values for the settings that vary. It has a run for each seed, and its score is
//! their mean. A run of a sweep is an ordinary run in a folder of its own: it has the bits that it would have
//! alone. [`sweep()`] begins a sweep, [`resume`] goes on with it after any stop, to the same table.
//!
//! The folder of a sweep:
//!
//! | file | holds |
//! | --- | --- |
//! | `sweep.toml` | all that is needed to go on: the settings, what varies, the search |
//! | `runs/NNN/` | the run of this number, an ordinary run; `scores.json` has its scores |
//! | `table.csv` | the points, best first |
//! | `report.html` | the page, which the command line writes |

mod values;

mod config;

mod file;

mod plan;

mod score;

mod job;

mod work;

mod table;

mod course;

mod session;

pub use config::{Search, SweepConfig};
pub use course::{News, Progress};
pub(crate) use file::is_sweep;
pub use file::{RUNS, SWEEP, SweepFile, TABLE};
pub(crate) use score::last_score;
pub use session::{SweepOutcome, follow, resume, sweep};
pub use table::{PointState, Row, Table, run_name};
pub(crate) use table::{run_folder, value_text};
pub use values::Vary;
