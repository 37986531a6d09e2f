//! `harmonium._harmonium`: the library's model and trainer for Python. This crate only converts types;
//! the package that users see is under `python/harmonium/`.
//!
//! ```text
//!  numpy, scipy ──► arrays: rows, bits ──► rbm, trainer: calls without the interpreter's lock ──► numpy
//!                                              └── pool: threads ──┘
//! ```

mod arrays;
mod best;
mod columns;
mod entries;
mod errors;
mod files;
mod interchange;
mod json;
mod labels;
mod lacking;
mod packing;
mod pool;
mod ranks;
mod rbm;
mod runs;
mod sparse;
mod sweeps;
mod trainer;

use harmonium::kernels::Isa;
use pyo3::prelude::*;

/// The instruction set of a call, chosen here and handed down: the one that the environment variable
/// `HARMONIUM_ISA` names, else the fastest.
fn isa() -> harmonium::Result<Isa> {
    Isa::from_environment()
}

/// The library in Rust.
#[pymodule]
mod _harmonium {
    #[pymodule_export]
    use super::arrays::{decoded, read, refuse_masked, rounds_to};
    #[pymodule_export]
    use super::best::BestScore;
    #[pymodule_export]
    use super::columns::{numbers_of, refuse_zeros, states_of};
    #[pymodule_export]
    use super::errors::{DivergedError, SettingError};
    #[pymodule_export]
    use super::files::write_whole;
    #[pymodule_export]
    use super::interchange::{read_foreign, write_foreign};
    #[pymodule_export]
    use super::packing::pack;
    #[pymodule_export]
    use super::rbm::{Rbm, filters_png};
    #[pymodule_export]
    use super::runs::{
        command, held_run, list_runs, read_run, resume_run, train_run, write_report,
    };
    #[pymodule_export]
    use super::sweeps::{begin_sweep, read_sweep, resume_sweep};
    #[pymodule_export]
    use super::trainer::{
        Trainer, check_keywords, default_settings, did_you_mean, run_setting_table, setting_table,
    };

    /// Version of the package.
    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
