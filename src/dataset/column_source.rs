//! Labels or weights of examples: a file of their own, or a column of the data.

use super::npz;
use super::source::absolute;
use crate::error::{Error, Result};
use crate::setting::by_text;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The text before the name of a column.
const COLUMN: &str = "column:";

/// Where labels or weights of examples are. As text: the path of a file, or `column:NAME`. A text without `column:`
/// is a path if there is such a file, else the name of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ColumnSource {
    /// A file with one value for each example.
    File(PathBuf),
    /// The column of this name in the data, which are a table with a header.
    Column(String),
}

impl ColumnSource {
    /// The same source with an absolute path.
    pub fn absolute(&self) -> Self {
        match self {
            Self::File(path) => Self::File(absolute(path)),
            Self::Column(name) => Self::Column(name.clone()),
        }
    }

    /// The file, or the array in a file, if it is there.
    pub(super) fn file(&self) -> Option<&Path> {
        let Self::File(path) = self else { return None };
        let is_in_file = || npz::split(path).is_some_and(|(file, _)| file.is_file());
        // A pipe is no regular file, but can be read.
        let is_there = path.exists() && !path.is_dir();
        (is_there || is_in_file()).then_some(path)
    }

    /// Whether a user who gives this means that source: itself, or a column by its name alone.
    #[cfg(feature = "cli")]
    pub(crate) fn means(&self, other: &Self) -> bool {
        let is_column = |name: &str| self.file().is_none() && self.column() == name;
        self == other || matches!(other, Self::Column(name) if is_column(name))
    }

    /// The name of the column, if there is no file.
    pub(super) fn column(&self) -> Cow<'_, str> {
        match self {
            Self::File(path) => path.to_string_lossy(),
            Self::Column(name) => name.into(),
        }
    }
}

impl FromStr for ColumnSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.strip_prefix(COLUMN) {
            Some(name) => Self::Column(name.to_string()),
            None => Self::File(text.into()),
        })
    }
}

impl fmt::Display for ColumnSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Column(name) => write!(f, "{COLUMN}{name}"),
        }
    }
}

by_text!(ColumnSource);

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> ColumnSource {
        text.parse().unwrap()
    }

    #[test]
    #[cfg(unix)]
    fn what_can_be_read_is_a_file_and_a_folder_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(source(folder.path().to_str().unwrap()).file(), None);
        assert_eq!(source("no such file").file(), None);
        // As a pipe, it exists but is no regular file.
        assert_eq!(source("/dev/null").file(), Some(Path::new("/dev/null")));
    }

    #[test]
    #[cfg(feature = "cli")]
    fn a_name_means_the_column_unless_there_is_a_file() {
        let column = source("column:kind");
        assert!(source("kind").means(&column) && column.means(&column));
        assert!(!source("sort").means(&column) && !source("column:sort").means(&column));
        let file = tempfile::NamedTempFile::new().unwrap();
        let name = file.path().to_str().unwrap();
        assert!(!source(name).means(&source(&format!("column:{name}"))));
        assert!(source("mnist").means(&source("mnist")));
    }
}
