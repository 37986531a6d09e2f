//! Sequences as texts: those of an array, and those of a file.

use super::fasta::{self, Record, Sequences, is_fasta};
use super::file::Unpacked;
use super::lined::Lined;
use super::{Dataset, Encoding, pattern};
use crate::error::{Error, Result};
use std::path::Path;

/// Data of sequences.
impl Dataset {
    /// Sequences, read as those of a [file](Self::read_as) in FASTA; `name` is the name of the data in messages.
    ///
    /// ```
    /// use harmonium::dataset::{Dataset, Encoding};
    /// let sequences = ["AC-T", "TTTT"].map(String::from);
    /// let dataset = Dataset::from_sequences("two", &sequences, &Encoding::Undeclared)?;
    /// assert_eq!(dataset.columns().unwrap().alphabet(), Some("-ACGT"));
    /// assert_eq!(dataset.units().n_sites(), 4);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::BadCategory`] for sequences of several lengths or with letters outside the alphabet, or an encoding of
    /// other data; [`Error::Unsuitable`] if there are none; [`Error::OutOfMemory`].
    pub fn from_sequences(name: &str, sequences: &[String], encoding: &Encoding) -> Result<Self> {
        if sequences.is_empty() {
            let rule = "holds no sequences".to_string();
            return Err(Error::Unsuitable { path: name.into(), rule });
        }
        let records = (1..).zip(sequences).map(|(number, letters)| Record {
            number,
            title: None,
            lines: letters.as_bytes(),
            file: None,
        });
        let sequences = Sequences::new(name.to_string(), records.collect())?;
        fasta::examples(sequences, encoding, None)
    }

    /// The sequences of a file in FASTA, or of the files of a [pattern](Self::read_as), with all their letters but
    /// inserts; `None` for other data.
    ///
    /// # Errors
    /// [`Error::BadCategory`] for sequences of several lengths; [`Error::Io`]; [`Error::Malformed`].
    pub fn read_sequences(path: &Path) -> Result<Option<Vec<String>>> {
        if path.is_dir() {
            return Ok(None);
        }
        let files = pattern::files(path)?.unwrap_or_else(|| vec![path.to_path_buf()]);
        let mut all: Vec<String> = Vec::new();
        for path in &files {
            let file = Unpacked::read(path)?;
            if !is_fasta(&file.bytes) {
                return Ok(None);
            }
            let sequences = Sequences::of(path, Lined { bytes: &file.bytes, files: &file.files })?;
            all.extend(
                sequences
                    .records
                    .iter()
                    .map(|record| -> String { record.letters().map(char::from).collect() }),
            );
        }
        if files.len() > 1 {
            Self::from_sequences(&path.display().to_string(), &all, &Encoding::Undeclared)?;
        }
        Ok(Some(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_of_an_array_are_those_of_a_file() {
        let sequences = ["AC-Tg", "TT.aTT"].map(String::from);
        let found = Dataset::from_sequences("x", &sequences, &Encoding::Undeclared).unwrap();
        let text = ">a\nAC-Tg\n>b\nTT.aTT\n";
        let read = Dataset::read_from("x", text.as_bytes(), Encoding::Undeclared).unwrap();
        assert_eq!((found.columns(), found.bits()), (read.columns(), read.bits()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.fasta");
        std::fs::write(&path, text).unwrap();
        let kept = ["AC-T", "TTTT"].map(String::from).to_vec();
        assert_eq!(Dataset::read_sequences(&path).unwrap(), Some(kept));
        std::fs::write(&path, "1,0\n").unwrap();
        assert_eq!(Dataset::read_sequences(&path).unwrap(), None);
    }

    #[test]
    fn messages_count_the_sequences_of_an_array_from_0() {
        let sequences = ["ACT", "ANT"].map(String::from);
        let error = Dataset::from_sequences("X", &sequences, &Encoding::Undeclared).unwrap_err();
        let message =
            "X: has letters outside the alphabet -ACGT: N once, first at site 2 of example 1; make";
        assert!(error.to_string().starts_with(message), "{error}");
    }
}
