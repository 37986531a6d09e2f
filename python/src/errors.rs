//! Errors of the library as exceptions.

use harmonium::error::{Error, Remedy};
use pyo3::create_exception;
use pyo3::exceptions::{PyArithmeticError, PyMemoryError, PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;

create_exception!(
    harmonium,
    DivergedError,
    PyArithmeticError,
    "The parameters left the range in which they can be trained; a smaller learning rate may help."
);

create_exception!(
    harmonium,
    SettingError,
    PyValueError,
    "A setting breaks a rule: `setting` is its name, `value` what was given, `rule` what it must be."
);

/// The exception for an error: `OSError` for files that cannot be read or written, `DivergedError`,
/// `SettingError`, `MemoryError`, `TypeError` for settings of the wrong kind or name, or `ValueError`.
pub fn to_py(error: Error) -> PyErr {
    let message = error.message(&spell);
    let exception = match &error {
        Error::Io { path, action, cause } => match cause.raw_os_error() {
            // From the number Python picks the subclass that users catch, such as `FileNotFoundError`.
            Some(number) => {
                let text = format!("cannot {action}: {}", cause.kind());
                PyOSError::new_err((number, text, path.display().to_string()))
            }
            None => PyOSError::new_err(message),
        },
        Error::Diverged { .. } => DivergedError::new_err(message),
        Error::OutOfMemory { .. } => PyMemoryError::new_err(message),
        Error::WrongKind { .. } | Error::UnknownSetting { .. } => PyTypeError::new_err(message),
        _ if error.broken(&spell).is_some() => SettingError::new_err(message),
        _ => PyValueError::new_err(message),
    };
    let Some(broken) = error.broken(&spell) else { return exception };
    Python::attach(|py| {
        let value = exception.value(py);
        let parts = [("setting", broken.setting), ("value", broken.value), ("rule", &broken.rule)];
        let set = parts.iter().try_for_each(|(name, part)| value.setattr(*name, *part));
        set.map_or_else(|error| error, |()| exception)
    })
}

/// A setting as a Python keyword.
fn spell(Remedy { setting, value }: Remedy) -> String {
    // A placeholder such as N is no word; a range is a text.
    let is_word =
        |value: &str| value.chars().all(|c| c.is_ascii_lowercase()) || value.contains("..");
    match value {
        None => setting.to_string(),
        Some("true") => format!("{setting}=True"),
        Some(value) if is_word(value) => format!("{setting}=\"{value}\""),
        Some(value) => format!("{setting}={value}"),
    }
}
