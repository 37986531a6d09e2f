//! Errors of the library as exceptions.

use harmonium::Error;
use pyo3::create_exception;
use pyo3::exceptions::{PyArithmeticError, PyOSError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    harmonium,
    DivergedError,
    PyArithmeticError,
    "The parameters left the range in which they can be trained; a smaller learning rate may help."
);

/// The exception for an error: `OSError` for files that cannot be read or written, `DivergedError`,
/// or `ValueError`.
pub fn to_py(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Io { path, action, cause } => match cause.raw_os_error() {
            // With a number the exception is the subclass that users catch, `FileNotFoundError`.
            Some(number) => {
                let text = format!("cannot {action}: {}", cause.kind());
                PyOSError::new_err((number, text, path.display().to_string()))
            }
            None => PyOSError::new_err(message),
        },
        Error::Diverged { .. } => DivergedError::new_err(message),
        _ => PyValueError::new_err(message),
    }
}
