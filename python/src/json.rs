//! Dictionaries of settings and metrics, through Python's own `json`.

use crate::errors::to_py;
use harmonium::setting::{Section as _, invalid};
use harmonium::train::TrainConfig;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat};

/// A dictionary as JSON. NumPy's scalars become plain numbers.
///
/// # Errors
/// `SettingError` or `ValueError` for a number that is not finite, `TypeError` for a value that JSON
/// cannot hold.
pub fn to_json(settings: &Bound<'_, PyDict>) -> PyResult<String> {
    let (py, plain) = (settings.py(), PyDict::new(settings.py()));
    for (name, value) in settings {
        let is_scalar = value.hasattr("item")? && value.hasattr("dtype")?;
        let value = if is_scalar { value.call_method0("item")? } else { value };
        if let Ok(number) = value.cast::<PyFloat>()
            && !number.value().is_finite()
        {
            let rule = "a finite number";
            return Err(match TrainConfig::row(&name.to_string()) {
                Ok(row) => to_py(invalid(row.name, value, rule)),
                Err(_) => PyValueError::new_err(format!("{name} is {value}, but must be {rule}")),
            });
        }
        plain.set_item(name, value)?;
    }
    py.import("json")?.call_method1("dumps", (plain,))?.extract()
}

/// A dictionary from JSON.
pub fn from_json<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (text,))
}
