//! Dictionaries of settings and metrics, by way of Python's own `json`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat};

/// A dictionary as JSON; numbers of numpy are plain numbers there.
///
/// # Errors
/// `ValueError` for a number that is not finite, `TypeError` for what is no plain value.
pub fn to_json(settings: &Bound<'_, PyDict>) -> PyResult<String> {
    let (py, plain) = (settings.py(), PyDict::new(settings.py()));
    for (name, value) in settings {
        let is_scalar = value.hasattr("item")? && value.hasattr("dtype")?;
        let value = if is_scalar { value.call_method0("item")? } else { value };
        if let Ok(number) = value.cast::<PyFloat>()
            && !number.value().is_finite()
        {
            let message = format!("{name} is {value}, but must be a finite number");
            return Err(PyValueError::new_err(message));
        }
        plain.set_item(name, value)?;
    }
    py.import("json")?.call_method1("dumps", (plain,))?.extract()
}

/// A dictionary from JSON.
pub fn from_json<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (text,))
}
