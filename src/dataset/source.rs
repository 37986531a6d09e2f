//! Where data come from, as a user names it.

use super::Dataset;
use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Data by name: `mnist`, which the program holds, or the path of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// The MNIST images in the program itself.
    #[default]
    Mnist,
    /// An IDX or .npy file, plain or gzipped.
    Path(PathBuf),
}

/// Which images of MNIST.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// The 60,000 training images.
    #[default]
    Train,
    /// The 10,000 test images.
    Test,
}

impl Source {
    /// Reads the data; of MNIST the training images.
    ///
    /// # Errors
    /// As [`Dataset::read`]; [`Error::InvalidSetting`] if the program was built without MNIST.
    pub fn read(&self) -> Result<Dataset> {
        self.read_split(Split::Train)
    }

    /// Reads the data; of MNIST the images of one split. A file is read whole for either.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_split(&self, split: Split) -> Result<Dataset> {
        match self {
            Self::Path(path) => Dataset::read(path),
            #[cfg(feature = "mnist")]
            Self::Mnist => Ok(Dataset::mnist(split)),
            #[cfg(not(feature = "mnist"))]
            Self::Mnist => Err(Error::InvalidSetting {
                setting: "data",
                value: format!("mnist ({split})"),
                rule: "the path of a file: this program was built without the `mnist` feature"
                    .to_string(),
            }),
        }
    }

    /// The data that are reported on when nothing else is asked for: MNIST has its test images.
    pub fn has_test_split(&self) -> bool {
        *self == Self::Mnist
    }

    /// A name for folders: `mnist`, or the file's name up to its first dot.
    pub fn short_name(&self) -> String {
        match self {
            Self::Mnist => "mnist".to_string(),
            Self::Path(path) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                name.split('.').next().unwrap_or_default().to_string()
            }
        }
    }
}

impl FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == "mnist" { Self::Mnist } else { Self::Path(text.into()) })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mnist => f.write_str("mnist"),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "train" => Ok(Self::Train),
            "test" => Ok(Self::Test),
            _ => Err(Error::InvalidSetting {
                setting: "split",
                value: text.to_string(),
                rule: "`train` or `test`".to_string(),
            }),
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "train",
            Self::Test => "test",
        })
    }
}
