//! Files.

use crate::errors::to_py;
use harmonium::whole_file;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Writes a file whole or not at all, by the rules for the files of the command line.
#[pyfunction]
pub fn write_whole(py: Python<'_>, path: PathBuf, contents: &[u8]) -> PyResult<()> {
    py.detach(|| whole_file::write(&path, contents)).map_err(to_py)
}
