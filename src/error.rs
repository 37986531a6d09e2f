//! Everything that can go wrong for a user, one variant a rule.

use std::path::PathBuf;

/// A result whose error is, unless said otherwise, [`enum@Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: the place, the value, the rule and, where there is one, the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{}: cannot {action}: {cause}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried: "open", "read", "write", "create".
        action: &'static str,
        /// What the operating system answered.
        cause: std::io::Error,
    },

    /// A file is not what its format says.
    #[error("{}: byte {offset}: expected {expected}, found {found}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in the (unpacked) file.
        offset: u64,
        /// What the format asks for there.
        expected: String,
        /// What stands there.
        found: String,
    },

    /// A file is whole, but its contents are of no use here.
    #[error("{}: {rule}", path.display())]
    Unsuitable {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do about it.
        rule: String,
    },

    /// A checkpoint is not as it was written.
    #[error("{}: {rule}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// How that was found out.
        rule: String,
    },

    /// An example holds a value that is no intensity.
    #[error("{data}: example {example}, unit {unit} is {value}, but must be {rule}")]
    BadValue {
        /// The data set.
        data: String,
        /// Which example, from 0.
        example: usize,
        /// Which visible unit, from 0.
        unit: usize,
        /// The value found.
        value: f64,
        /// The rule, and a remedy.
        rule: String,
    },

    /// Two things that must have the same width have not.
    #[error("{what} has {found} visible units an example, but {other} has {expected}")]
    WidthMismatch {
        /// The newcomer.
        what: String,
        /// Its width.
        found: usize,
        /// What it has to fit.
        other: &'static str,
        /// The width it must have.
        expected: usize,
    },

    /// A model lies in the folder of no run whose data could be taken.
    #[error("{}: lies in no run's folder, so its data are not known; give some by {flag}", path.display())]
    NoData {
        /// The model.
        path: PathBuf,
        /// How data are given.
        flag: &'static str,
    },

    /// A setting is out of its range.
    #[error("{setting} is {value}, but must be {rule}")]
    InvalidSetting {
        /// The setting, by the name of its field.
        setting: &'static str,
        /// Its value.
        value: String,
        /// The rule.
        rule: String,
    },

    /// A saved state does not fit the trainer that it is to go on in.
    #[error("the state to go on from, array `{array}`, {rule}")]
    BadState {
        /// The array.
        array: String,
        /// What is wrong with it.
        rule: String,
    },

    /// The parameters left the range in which they can be trained.
    #[error(
        "diverged in epoch {epoch}, at update {update}: {what} {found:.4e}, but must stay below \
         {limit}; try a smaller learning_rate"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// Updates done since the start of the training.
        update: u64,
        /// What is too large, with its verb.
        what: &'static str,
        /// How large it is; NaN if not finite.
        found: f64,
        /// The bound.
        limit: f64,
    },
}
