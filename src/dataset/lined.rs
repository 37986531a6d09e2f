//! Text of one file, or of several that follow each other: where each line is.

use std::fmt;

/// The files of a text: the name of each, and the number of lines before it. None if the text is of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Files(Vec<(String, usize)>);

/// The files of a text of one.
static ONE: Files = Files(Vec::new());

impl Files {
    /// Notes the file that begins after `n_lines` lines.
    pub fn push(&mut self, name: String, n_lines: usize) {
        self.0.push((name, n_lines));
    }

    /// Where a line is, which has this number (from 1) in the whole text.
    pub fn place(&self, line: usize) -> Place<'_> {
        let at = self.0.partition_point(|(_, n_before)| *n_before < line);
        match at.checked_sub(1).map(|at| &self.0[at]) {
            Some((file, n_before)) => Place { line: line - n_before, file: Some(file) },
            None => Place { line, file: None },
        }
    }
}

/// Where a line is: `line 4`, or `line 4 of b.csv` if there are several files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    line: usize,
    /// The file, if there are several.
    pub file: Option<&'a str>,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        self.file.map_or(Ok(()), |file| write!(f, " of {file}"))
    }
}

/// Bytes of text, and the files in which they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lined<'a> {
    pub bytes: &'a [u8],
    pub files: &'a Files,
}

impl<'a> From<&'a [u8]> for Lined<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { bytes, files: &ONE }
    }
}

impl<'a> From<&'a str> for Lined<'a> {
    fn from(text: &'a str) -> Self {
        text.as_bytes().into()
    }
}
