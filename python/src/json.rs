//! Dictionaries of settings and metrics, by way of Python's own `json`.

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// A dictionary as JSON.
pub fn to_json(object: &Bound<'_, PyDict>) -> PyResult<String> {
    object.py().import("json")?.call_method1("dumps", (object,))?.extract()
}

/// A dictionary from JSON.
pub fn from_json<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (text,))
}
