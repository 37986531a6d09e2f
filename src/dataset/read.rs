//! Reading data from files and streams.

use super::file::{self, Reading, Unpacked};
use super::{Dataset, Encoding, MissingMask, shards};
use crate::error::Result;
use std::io::Read;
use std::path::Path;

/// Data in files.
impl Dataset {
    /// Reads a file as [`read_as`](Self::read_as) does, with nothing declared.
    ///
    /// # Errors
    /// As [`read_as`](Self::read_as).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        Self::read_as(path, Encoding::Undeclared)
    }

    /// Reads a file or a folder of data. The bytes of a file decide its format, not its name:
    ///
    /// | format | examples |
    /// | --- | --- |
    /// | packed | data that [`pack`](Self::pack) or `harmonium pack` wrote, as they were packed |
    /// | IDX, .npy | two dimensions are (examples, units), three (examples, rows, columns) |
    /// | .npz | as .npy; the path `FILE.npz:NAME` names one of several arrays |
    /// | text | a line is an example; between numbers are commas, semicolons, tabs or blanks |
    /// | FASTA | a sequence is an example; its sites are categories, whose states are letters |
    /// | PNG, 8 or 16 bits, grey | one example, an image |
    /// | a folder of such PNG images | all in the natural order of their names |
    /// | a pattern, `part-*.npy` | those of each such file of a folder (but PNG), one file after the other |
    ///
    /// In a pattern `*` stands for any text in the name of a file, and `?` for one character. The files follow in the
    /// natural order of their names; they must have one format, one type of numbers, equal units, and in text the same
    /// header or none. They are read as the one file that they make. If that holds bits or numbers that are packed, it
    /// is made in memory.
    ///
    /// Each file may be gzipped. In text, a first line of names (or of 0, 1, 2, …, at least three) is a
    /// header; blank lines and lines that begin with `#` are passed over; lines of only 0 and 1 without
    /// anything between are rows of bits. In FASTA, lower-case letters and full stops are inserts, which are
    /// left out, as in A3M; a gap is a state if a sequence has one.
    ///
    /// Integers that are not all 0 and 1 are read by `encoding`; if it is undeclared, unsigned bytes of IDX
    /// are grey levels of 255, and levels of PNG of 255 or 65,535. In text, a table without fractions holds
    /// integers. Floating-point numbers are intensities from 0 to 1.
    ///
    /// NaN, empty cells and the marks NA, nan, null, none and ? are [missing](Self::missing) values, and in tables of
    /// numbers also - and a full stop.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io); [`Error::Malformed`](crate::Error::Malformed) if the file is damaged or of an
    /// unknown format; [`Error::Unsuitable`](crate::Error::Unsuitable) if it holds no examples, or is of a format that
    /// cannot be read; [`Error::BadValue`](crate::Error::BadValue).
    pub fn read_as(path: impl AsRef<Path>, encoding: Encoding) -> Result<Self> {
        Self::read_masked(path, encoding, None)
    }

    /// As [`read_as`](Self::read_as), without the values that a mask hides, whatever they are.
    ///
    /// # Errors
    /// As [`read_as`](Self::read_as); [`Error::Unsuitable`](crate::Error::Unsuitable) if the mask has another shape
    /// than the data; as [`with_missing`](Self::with_missing).
    pub fn read_masked(
        path: impl AsRef<Path>,
        encoding: Encoding,
        mask: Option<&MissingMask>,
    ) -> Result<Self> {
        let reading = Reading { encoding, mask, ..Reading::default() };
        Ok(shards::at(path.as_ref(), reading)?.0)
    }

    /// Reads a stream to its end, as [`read_as`](Self::read_as) reads a file; `name` is its name in
    /// messages.
    ///
    /// ```
    /// use harmonium::dataset::{Dataset, Encoding};
    /// let table = "0 1 1\n1 0 0\n";
    /// let dataset = Dataset::read_from("a table", table.as_bytes(), Encoding::Undeclared)?;
    /// assert_eq!((dataset.n_examples(), dataset.n_visible()), (2, 3));
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`read_as`](Self::read_as).
    pub fn read_from(name: &str, stream: impl Read, encoding: Encoding) -> Result<Self> {
        let path = Path::new(name);
        let file = Unpacked::read_from(path, stream)?;
        Ok(file::examples(path, file, Reading { encoding, ..Reading::default() })?.0)
    }
}
