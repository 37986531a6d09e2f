//! Files of masks: which values of data are missing.

use super::file::{self, Unpacked};
use super::{Encoding, MissingMask, Values};
use crate::error::{Error, Result};
use std::path::Path;

/// The rule for the numbers of a mask.
const RULE: &str = "0, or 1 where a value is missing";

impl MissingMask {
    /// Reads a file with 0 and 1 for each value of the data: .npy, .npz, IDX, PNG or text.
    ///
    /// # Errors
    /// As [`Dataset::read`](super::Dataset::read); [`Error::Unsuitable`] for other numbers than 0 and 1.
    pub fn read(path: &Path) -> Result<Self> {
        let Unpacked { bytes, sha256, .. } = Unpacked::read(path)?;
        let unsuitable = |rule| Error::Unsuitable { path: path.into(), rule };
        let other = |example, unit, value| {
            unsuitable(format!(
                "example {example}, column {} is {value}, but must be {RULE}",
                unit + 1
            ))
        };
        let read = file::array(path, &bytes)?.examples(Encoding::Undeclared);
        let mask = read.map_err(|error| match error {
            Error::BadValue { example, unit, value, .. } => other(example, unit, value.to_string()),
            error => error,
        })?;
        if let Some(found) = mask.first_missing() {
            return Err(unsuitable(format!("{found}, but must be {RULE}")));
        }
        match mask.values {
            Values::Bits(cells) => Ok(Self { name: path.display().to_string(), cells, sha256 }),
            _ => Err(unsuitable(format!("holds other numbers, but each must be {RULE}"))),
        }
    }
}
