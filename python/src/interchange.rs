//! Models of other programs.

use crate::errors::to_py;
use crate::rbm::Rbm;
use harmonium::interchange::{self, Format, Layout, Naming};
use harmonium::whole_file;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::{Path, PathBuf};

/// How the arrays of a file are named and laid out.
#[derive(FromPyObject)]
pub struct ArrayNames {
    #[pyo3(item)]
    weights: Option<String>,
    #[pyo3(item)]
    visible_bias: Option<String>,
    #[pyo3(item)]
    hidden_bias: Option<String>,
    #[pyo3(item)]
    layout: Option<String>,
}

impl ArrayNames {
    fn naming(self) -> PyResult<Naming> {
        let Self { weights, visible_bias, hidden_bias, layout } = self;
        let layout = layout.map(|layout| layout.parse::<Layout>()).transpose().map_err(to_py)?;
        Ok(Naming { weights, visible_bias, hidden_bias, layout })
    }
}

/// A model of another program, and notes on what was rounded or not read.
#[pyfunction]
pub fn read_foreign(
    py: Python<'_>,
    path: PathBuf,
    names: ArrayNames,
) -> PyResult<(Rbm, Vec<String>)> {
    let naming = names.naming()?;
    let found = py.detach(|| interchange::read(&path, &naming)).map_err(to_py)?;
    Ok((found.rbm.into(), found.notes))
}

/// Writes a model for other programs, in the format that the ending of the name says.
#[pyfunction]
pub fn write_foreign(py: Python<'_>, rbm: &Rbm, path: PathBuf, names: ArrayNames) -> PyResult<()> {
    let (naming, format, origin) = (names.naming()?, format(&path)?, rbm.origin());
    let (encoding, classes, rbm) =
        (origin.encoding.clone(), origin.classes.clone(), rbm.rbm.clone());
    let bytes = || match encoding.columns() {
        Some(columns) if format == Format::Npz => {
            interchange::encode_columns(&rbm, columns, classes.as_deref(), &naming)
        }
        _ => interchange::encode(&rbm, format, &naming),
    };
    py.detach(|| whole_file::write(&path, &bytes()?)).map_err(to_py)
}

fn format(path: &Path) -> PyResult<Format> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("safetensors") => Ok(Format::Safetensors),
        Some("npz") => Ok(Format::Npz),
        Some("onnx") => Ok(Format::Onnx),
        _ => Err(PyValueError::new_err(format!(
            "{}: the name must end in .safetensors, .npz or .onnx; harmonium.io.write_model writes .h5",
            path.display()
        ))),
    }
}
