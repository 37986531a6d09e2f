//! Sources of data, as users name them.

use super::file::{self, ColumnBy, Unpacked};
use super::npz;
use super::synthetic::MAX_SIDE;
use super::{Classes, Dataset, Encoding, Labels, MissingMask};
use crate::error::{Error, Result};
use crate::setting::{by_name, by_text, did_you_mean, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// A source of data. As text: `mnist`, which is compiled in, `bars-and-stripes:SIDE` and `shifter`, which
/// are generated, the path of a file or folder, or `-` for standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Source {
    /// MNIST, compiled in.
    #[default]
    Mnist,
    /// [`Dataset::bars_and_stripes`] with this side.
    BarsAndStripes(usize),
    /// [`Dataset::shifter`].
    Shifter,
    /// A file or folder that [`Dataset::read`] reads.
    Path(PathBuf),
    /// Standard input, which can be read once.
    Stdin,
}

/// How labels are read.
#[derive(Clone, Debug)]
pub struct LabelsBy<'a> {
    /// `mnist` for the digits of MNIST, a file of one label for each example, or else the name of a column of
    /// the table.
    pub name: &'a str,
    /// The classes of a model, by which the labels are read.
    pub classes: Option<Arc<Classes>>,
    /// Where the data have no values, whatever is stored there.
    pub mask: Option<&'a MissingMask>,
}

/// A part of MNIST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// The 60,000 training images.
    #[default]
    Train,
    /// The 10,000 test images.
    Test,
}

by_name!(Split, "split", { Train = "train", Test = "test" });

impl Source {
    /// Reads the data with no encoding declared; for MNIST, the training images.
    ///
    /// # Errors
    /// As [`read_split`](Self::read_split).
    pub fn read(&self) -> Result<Dataset> {
        self.read_split(Split::Train, Encoding::Undeclared)
    }

    /// Reads the data, integers by `encoding`; for MNIST, the images of one split. Other data have no
    /// splits and are read whole.
    ///
    /// # Errors
    /// As [`Dataset::read_as`]; [`Error::InvalidSetting`] if the program was built without MNIST.
    pub fn read_split(&self, split: Split, encoding: Encoding) -> Result<Dataset> {
        self.read_masked(split, encoding, None)
    }

    /// As [`read_split`](Self::read_split), without the values that a mask hides.
    ///
    /// # Errors
    /// As [`read_split`](Self::read_split) and [`Dataset::read_masked`].
    pub fn read_masked(
        &self,
        split: Split,
        encoding: Encoding,
        mask: Option<&MissingMask>,
    ) -> Result<Dataset> {
        if !matches!(self, Self::Path(_) | Self::Stdin) && encoding.origin()?.is_some() {
            return Err(invalid(
                "data",
                self,
                "a file, as the columns of these data are categories",
            ));
        }
        let made = match self {
            Self::Path(path) => {
                let dataset = Dataset::read_masked(path, encoding, mask);
                return dataset.map_err(|e| misspelt(path, e));
            }
            Self::Stdin => {
                let stdin = io::stdin().lock();
                return Dataset::read_masked_from("standard input", stdin, encoding, mask);
            }
            Self::BarsAndStripes(side) => Dataset::bars_and_stripes(*side).with_encoding(encoding),
            Self::Shifter => Dataset::shifter().with_encoding(encoding),
            #[cfg(feature = "mnist")]
            Self::Mnist => Dataset::mnist_as(split, encoding)?,
            #[cfg(not(feature = "mnist"))]
            Self::Mnist => {
                return Err(Error::InvalidSetting {
                    setting: "data",
                    value: format!("mnist ({split})"),
                    rule: "the path of a file: this program was built without the `mnist` feature"
                        .to_string(),
                });
            }
        };
        MissingMask::hide(mask, made)
    }

    /// Reads the data with labels. The third result is the SHA-256 of the file of labels, if they are in one.
    ///
    /// # Errors
    /// As [`read_split`](Self::read_split) and [`Labels::read`].
    pub fn read_labelled(
        &self,
        split: Split,
        encoding: Encoding,
        by: LabelsBy<'_>,
    ) -> Result<(Dataset, Labels, Option<String>)> {
        let LabelsBy { name: labels, classes, mask } = by;
        #[cfg(feature = "mnist")]
        if (self, labels) == (&Self::Mnist, "mnist") {
            let dataset = self.read_masked(split, encoding, mask)?;
            return Ok((dataset, digits(split, classes)?, None));
        }
        let path = Path::new(labels);
        // FILE.npz:NAME names an array in a file.
        let is_in_file = npz::split(path).is_some_and(|(file, _)| file.is_file());
        if path.is_file() || is_in_file {
            let (labels, sha256) = Labels::read(path, classes)?;
            return Ok((self.read_masked(split, encoding, mask)?, labels, Some(sha256)));
        }
        let what = format!("{self}, column {labels}");
        match self.read_with_column(encoding, labels, false, mask)? {
            Some((dataset, Some(cells))) => {
                let labels = Labels::of_names(labels, &cells, classes);
                Ok((dataset, labels.map_err(|error| error.in_data(&what))?, None))
            }
            _ => {
                let rule = "a file of labels; `mnist` for data that are mnist; or the name of a column, if \
                            the data are a table";
                Err(invalid("labels", labels, rule))
            }
        }
    }

    /// Reads data for a model with these classes, and the labels that the data have themselves: the digits of
    /// MNIST, or the column of the table that has the name of that in training. Others are unknown.
    ///
    /// # Errors
    /// As [`read_labelled`](Self::read_labelled).
    pub fn read_for(
        &self,
        split: Split,
        encoding: Encoding,
        classes: &Arc<Classes>,
        mask: Option<&MissingMask>,
    ) -> Result<(Dataset, Labels)> {
        #[cfg(feature = "mnist")]
        if *self == Self::Mnist && classes.names().iter().all(|name| name.parse::<u8>().is_ok()) {
            let dataset = self.read_masked(split, encoding, mask)?;
            return Ok((dataset, digits(split, Some(classes.clone()))?));
        }
        let column = classes.column();
        let (dataset, cells) = match self.read_with_column(encoding.clone(), &column, true, mask)? {
            Some(found) => found,
            None => (self.read_masked(split, encoding, mask)?, None),
        };
        let none = vec![""; dataset.n_examples()];
        let labels = match &cells {
            Some(cells) => {
                let what = format!("{self}, column {column}");
                let labels = Labels::of_names(&column, cells, Some(classes.clone()));
                labels.map_err(|error| error.in_data(&what))
            }
            None => Labels::of_names(&column, &none, Some(classes.clone())),
        };
        Ok((dataset, labels?))
    }

    /// Reads a table and the cells of one of its columns; `None` for data that are made or compiled in.
    fn read_with_column(
        &self,
        encoding: Encoding,
        column: &str,
        is_optional: bool,
        mask: Option<&MissingMask>,
    ) -> Result<Option<(Dataset, Option<Vec<String>>)>> {
        let (path, file) = match self {
            Self::Path(path) if path.is_dir() => return Ok(None),
            Self::Path(path) => {
                (path.as_path(), Unpacked::read(path).map_err(|e| misspelt(path, e))?)
            }
            Self::Stdin => {
                let path = Path::new("standard input");
                (path, Unpacked::of(path, file::read_stream(path, io::stdin().lock())?, None)?)
            }
            Self::Mnist | Self::BarsAndStripes(_) | Self::Shifter => return Ok(None),
        };
        let by = ColumnBy { name: column, is_optional, mask };
        file::examples_and_column(path, file, encoding, by).map(Some)
    }

    /// Whether the data come with test data: MNIST does.
    pub fn has_test_split(&self) -> bool {
        *self == Self::Mnist
    }

    /// The same source with an absolute path, which does not depend on the working folder.
    pub fn absolute(&self) -> Self {
        match self {
            Self::Path(path) => Self::Path(absolute(path)),
            made => made.clone(),
        }
    }

    /// A name for folders: `mnist`, or the file's name up to its first dot.
    pub fn short_name(&self) -> String {
        match self {
            Self::Mnist => "mnist".to_string(),
            Self::BarsAndStripes(side) => format!("bars-and-stripes-{side}"),
            Self::Shifter => "shifter".to_string(),
            Self::Path(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.split('.').next().unwrap_or_default().to_string()
            }
            Self::Stdin => "stdin".to_string(),
        }
    }
}

/// The labels of MNIST.
#[cfg(feature = "mnist")]
fn digits(split: Split, classes: Option<Arc<Classes>>) -> Result<Labels> {
    let names: Vec<_> = Dataset::mnist_labels(split).iter().map(u8::to_string).collect();
    Labels::of_names("digit", &names, classes)
}

/// The absolute path, unless it is not UTF-8: settings files and model files hold text. Such a folder can
/// still be worked in.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).ok().filter(|path| path.to_str().is_some());
    absolute.unwrap_or_else(|| path.to_path_buf())
}

/// The data that are compiled in or made, as users name them.
const NAMES: [&str; 3] = ["mnist", "bars-and-stripes:SIDE", "shifter"];

/// The error for a file that does not exist, if its name is like that of other data.
fn misspelt(path: &Path, error: Error) -> Error {
    let meant = did_you_mean(&path.to_string_lossy(), NAMES);
    match &error {
        Error::Io { cause, .. } if cause.kind() == ErrorKind::NotFound && !meant.is_empty() => {
            let rule = format!("a file that exists, or one of {}{meant}", NAMES.join(", "));
            invalid("data", path.display(), rule)
        }
        _ => error,
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "mnist" => Self::Mnist,
            "shifter" => Self::Shifter,
            "-" => Self::Stdin,
            _ => match text.split_once(':').unwrap_or((text, "")) {
                ("bars-and-stripes", side) => {
                    let side = side.parse().ok().filter(|side| (1..=MAX_SIDE).contains(side));
                    Self::BarsAndStripes(side.ok_or_else(|| {
                        let rule =
                            format!("bars-and-stripes:SIDE with a side from 1 to {MAX_SIDE}");
                        invalid("data", text, rule)
                    })?)
                }
                _ => Self::Path(text.into()),
            },
        })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mnist => f.write_str("mnist"),
            Self::BarsAndStripes(side) => write!(f, "bars-and-stripes:{side}"),
            Self::Shifter => f.write_str("shifter"),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("-"),
        }
    }
}

by_text!(Source);
