//! Sources of data, as users name them.

use super::column_apart::{ColumnApart, Wanted};
use super::file::{self, Reading, Unpacked};
use super::synthetic::MAX_SIDE;
use super::{Dataset, Encoding, MissingMask, Populations, pattern, shards};
use crate::error::{Error, Result};
use crate::rng::check_seed;
use crate::setting::{by_name, by_text, did_you_mean, invalid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A source of data. As text: `mnist`, which is compiled in, `bars-and-stripes:SIDE`, `shifter` and
/// `populations:SEED`, which are generated, the path of a file or
/// folder, a pattern of the names of files in a folder (`part-*.npy`), or `-` for standard input.
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
    /// [`Populations`] of this seed.
    Populations(u64),
    /// A file, a folder or a pattern of files that [`Dataset::read`] reads.
    Path(PathBuf),
    /// Standard input, which can be read once.
    Stdin,
}

/// A part of data that come with test data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Split {
    /// The examples to train on: the 60,000 images of MNIST.
    #[default]
    Train,
    /// The test examples: the 10,000 images of MNIST.
    Test,
}

by_name!(Split, "split", { Train = "train", Test = "test" });

impl Source {
    /// Reads the data with no encoding declared; those to train on.
    ///
    /// # Errors
    /// As [`read_split`](Self::read_split).
    pub fn read(&self) -> Result<Dataset> {
        self.read_split(Split::Train, Encoding::Undeclared)
    }

    /// Reads the data, integers by `encoding`; of MNIST and populations one split. Other data have no
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
        Ok(self.read_by(split, Reading { encoding, mask, ..Reading::default() })?.0)
    }

    /// Reads the data, and the columns of a table that are read apart, if they are there.
    pub(super) fn read_by(
        &self,
        split: Split,
        reading: Reading<'_>,
    ) -> Result<(Dataset, Vec<Option<ColumnApart>>)> {
        let Reading { mask, apart, .. } = reading;
        let encoding = || reading.encoding.clone();
        let (path, file) = match self {
            Self::Path(path) => {
                return shards::at(path, reading).map_err(|error| misspelt(path, error));
            }
            Self::Stdin => {
                let path = Path::new(STDIN);
                (path, Unpacked::read_from(path, io::stdin().lock())?)
            }
            Self::Mnist | Self::BarsAndStripes(_) | Self::Shifter | Self::Populations(_) => {
                Wanted::refuse_any(apart, Path::new(&self.to_string()))?;
                let made = MissingMask::hide(mask, self.made(split, encoding())?)?;
                return Ok((made, Vec::new()));
            }
        };
        file::examples(path, file, reading)
    }

    /// The data that are compiled in or generated.
    fn made(&self, split: Split, encoding: Encoding) -> Result<Dataset> {
        if let Some(mark) = encoding.missing_value() {
            return Err(invalid(
                "missing_value",
                mark,
                "left out for these data, which lack no value",
            ));
        }
        if encoding.origin()?.is_some() {
            return Err(invalid(
                "data",
                self,
                "a file, as the columns of these data are categories",
            ));
        }
        Ok(match self {
            Self::Path(_) | Self::Stdin => unreachable!("a file"),
            Self::BarsAndStripes(side) => Dataset::bars_and_stripes(*side).with_encoding(encoding),
            Self::Shifter => Dataset::shifter().with_encoding(encoding),
            Self::Populations(seed) => {
                let populations = Populations::new(*seed);
                let examples = match split {
                    Split::Train => populations.training(),
                    Split::Test => populations.test(),
                };
                examples.with_encoding(encoding)
            }
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
        })
    }

    /// Whether the data come with test data: MNIST and populations do.
    pub fn has_test_split(&self) -> bool {
        matches!(self, Self::Mnist | Self::Populations(_))
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
            Self::Populations(seed) => format!("populations-{seed}"),
            Self::Path(path) => {
                let short = |path: &Path| {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    name.split('.').next().unwrap_or_default().to_string()
                };
                let name = short(path);
                if !pattern::is_pattern(&name) {
                    return name;
                }
                // The name of a folder should need no quotes in a shell.
                let name = name.replace(['*', '?'], "");
                match name.trim_matches(['-', '_']) {
                    "" => {
                        path.parent().map(short).filter(|n| !n.is_empty()).unwrap_or("data".into())
                    }
                    name => name.to_string(),
                }
            }
            Self::Stdin => "stdin".to_string(),
        }
    }
}

/// The absolute path, unless it is not UTF-8: settings files and model files hold text. Such a folder can
/// still be worked in.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).ok().filter(|path| path.to_str().is_some());
    absolute.unwrap_or_else(|| path.to_path_buf())
}

/// The name of standard input in messages.
const STDIN: &str = "standard input";

/// The data that are compiled in or made, as users name them.
const NAMES: [&str; 4] = ["mnist", "bars-and-stripes:SIDE", "shifter", "populations:SEED"];

/// The error for a file that does not exist, if its name is like that of other data.
fn misspelt(path: &Path, error: Error) -> Error {
    let meant = did_you_mean(&path.to_string_lossy(), NAMES);
    match &error {
        Error::Io { path: missing, cause, .. }
            if missing == path && cause.kind() == ErrorKind::NotFound && !meant.is_empty() =>
        {
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
                ("populations", seed) => {
                    let seed = seed.parse().ok().filter(|&seed| check_seed(seed).is_ok());
                    Self::Populations(seed.ok_or_else(|| {
                        invalid("data", text, "populations:SEED with a seed from 0 to 2^63 - 1")
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
            Self::Populations(seed) => write!(f, "populations:{seed}"),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Stdin => f.write_str("-"),
        }
    }
}

by_text!(Source);
