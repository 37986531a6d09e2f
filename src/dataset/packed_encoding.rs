//! What the values of packed data are, and what they mean where another meaning is declared.

use super::Encoding;
use super::alphabet::Alphabet;
use super::categories::Categories;
use super::columns::{Columns, Form};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the sections hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Bits,
    GreyLevels,
    Numbers { n_entries: usize },
}

/// The encoding of data that were packed with the encoding `packed`, where `declared` is asked for.
pub(super) fn agreed(
    path: &Path,
    declared: Encoding,
    packed: Encoding,
    kind: Kind,
) -> Result<Encoding> {
    let (mark, packed_mark) = (declared.missing_value(), packed.missing_value());
    let may_hold = |number| match (packed.columns(), kind) {
        (Some(columns), _) => {
            (0..columns.n_columns()).any(|column| columns.numbers(column).contains(&number))
        }
        (None, Kind::Bits) => [-1.0, 0.0, 1.0].contains(&number),
        (None, Kind::GreyLevels) => number >= 0.0,
        (None, Kind::Numbers { .. }) => true,
    };
    if let Some(number) = mark
        && mark != packed_mark
        && (packed_mark.is_some() || may_hold(number))
    {
        let rule = format!(
            "is packed, and other values were missing then; pack the source again with missing_value = {number}"
        );
        return Err(Error::Unsuitable { path: path.into(), rule });
    }
    let agreed = agreed_values(path, declared.marked(None), packed.marked(None), kind)?;
    Ok(agreed.marked(packed_mark.or(mark)))
}

/// [`agreed`] on the values that are not missing.
fn agreed_values(
    path: &Path,
    declared: Encoding,
    packed: Encoding,
    kind: Kind,
) -> Result<Encoding> {
    let is_plain = |encoding: &Encoding| {
        matches!(encoding, Encoding::Undeclared | Encoding::GreyLevels(_) | Encoding::Spins)
    };
    let are_as_declared = packed.columns().is_some_and(|columns| may_be_of(columns, &declared));
    if declared == Encoding::Undeclared || declared == packed || are_as_declared {
        return Ok(packed);
    }
    // As in files of numbers: 0 and 1 are bits under each of these, and a maximum is for integers alone.
    let is_free = match kind {
        Kind::Bits => is_plain(&packed) && is_plain(&declared),
        Kind::Numbers { .. } => packed == Encoding::Undeclared && declared.grey_levels().is_some(),
        Kind::GreyLevels => false,
    };
    if is_free {
        return Ok(declared);
    }
    let rule = match &declared {
        Encoding::Columns(_) => {
            "was packed with other columns than those of the model or of the training data; give the file that was \
             packed"
        }
        _ => {
            "is packed, and what its values mean was settled then; leave out the settings of their encoding, or \
             give the file that was packed"
        }
    };
    Err(Error::Unsuitable { path: path.into(), rule: rule.to_string() })
}

/// Whether a reader with this encoding could have found these columns.
fn may_be_of(columns: &Columns, declared: &Encoding) -> bool {
    match (declared, &columns.0) {
        (
            Encoding::Letters { alphabet, unknown_letters },
            Form::Sequences { alphabet: letters, unknown_letters: found, .. },
        ) => {
            let is_of =
                |all: &Alphabet| [false, true].iter().any(|&gaps| all.letters(gaps) == *letters);
            found == unknown_letters && alphabet.as_ref().is_none_or(is_of)
        }
        (Encoding::Categories { categories, ignore }, Form::Table(_) | Form::Array { .. }) => {
            (0..columns.n_columns()).all(|column| {
                let states = columns.states(column);
                let are_all = match categories {
                    Categories::Auto => true,
                    Categories::Count(q) => states.len() == usize::from(*q),
                    Categories::Range(range) => states == range.names(),
                };
                are_all && ignore.iter().all(|name| *name != columns.name(column))
            })
        }
        _ => false,
    }
}
