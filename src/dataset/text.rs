//! Tables as text: rows of cells, and what a cell and a first row hold.
//!
//! Commas, semicolons, tabs or blanks separate the cells; lines of only 0 and 1 without a separator are
//! rows of bits. Blank lines and lines that begin with # are passed over. A first line of names is a
//! header; so is one that counts 0, 1, 2, …, as pandas writes it for an array.

use super::lined::{Files, Lined, Place};
use crate::error::{Error, Result};
use csv::{ByteRecord, ReaderBuilder, Trim};
use std::path::Path;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The lines from which the separator is found.
const N_FIRST: usize = 10;

/// A header that counts has at least so many columns: `0,1` may be an example.
pub(super) const LEAST_COUNT: usize = 3;

/// A text without the mark of UTF-8 at its start.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes)
}

/// What lies between the cells of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Character(u8),
    /// One or more blanks or tabs.
    Blanks,
    /// Nothing: each character is a cell.
    Nothing,
}

/// The text of a table.
pub(super) struct Text<'a> {
    bytes: &'a [u8],
    files: &'a Files,
    separator: Separator,
}

/// A row, before its cells are read.
pub(super) struct Row<'r> {
    /// A byte before the row, with nothing between but blank lines and comments.
    pub from: usize,
    pub cells: Vec<&'r [u8]>,
}

impl<'a> Text<'a> {
    pub fn of(text: impl Into<Lined<'a>>) -> Self {
        let Lined { bytes, files } = text.into();
        let bytes = without_mark(bytes);
        let first: Vec<_> = lines(bytes).map(|(_, line)| line).take(N_FIRST).collect();
        // A title or a header may look otherwise.
        let typical = &first[usize::from(first.len() > 1)..];
        let all_have = |c: u8| typical.iter().all(|line| line.contains(&c));
        let are_bits = |line: &&[u8]| line.len() > 1 && line.iter().all(|c| b"01".contains(c));
        let separator = match b"\t;,".iter().find(|c| all_have(**c)) {
            Some(&c) => Separator::Character(c),
            None if typical.iter().all(are_bits) => Separator::Nothing,
            None => Separator::Blanks,
        };
        Self { bytes, files, separator }
    }

    /// A table of texts. Its first line, which may be a header, decides what separates cells: the others may
    /// hold any characters.
    pub fn of_texts(text: impl Into<Lined<'a>>) -> Self {
        let Lined { bytes, files } = text.into();
        let bytes = without_mark(bytes);
        let first = lines(bytes).next().map_or(&[][..], |(_, line)| line);
        let found = b"\t;,".iter().find(|c| first.contains(c));
        let separator = found.map_or(Separator::Blanks, |&c| Separator::Character(c));
        Self { bytes, files, separator }
    }

    /// Refuses text in another encoding than UTF-8, in which names that differ could become one. Comments do not count.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] with the first such line.
    pub fn check_utf8(&self, path: &Path) -> Result<()> {
        let is_other = |bytes: &[u8]| std::str::from_utf8(bytes).is_err();
        if !is_other(self.bytes) {
            return Ok(());
        }
        lines(self.bytes).find(|(_, line)| is_other(line)).map_or(Ok(()), |(at, _)| {
            let rule = format!(
                "{} is no text in UTF-8; save the file as UTF-8 (Excel calls it CSV UTF-8), or convert it by \
                 `iconv -f latin1 -t utf-8 FILE`",
                self.line(at)
            );
            Err(Error::Unsuitable { path: path.into(), rule })
        })
    }

    /// The most rows that there can be.
    pub fn most_rows(&self) -> usize {
        1 + self.bytes.iter().filter(|&&c| c == b'\n').count()
    }

    /// The most cells that there can be.
    pub fn most_cells(&self) -> usize {
        let ends_cell = |c: &u8| match self.separator {
            Separator::Nothing => true,
            Separator::Blanks => c.is_ascii_whitespace(),
            Separator::Character(separator) => *c == separator || *c == b'\n',
        };
        1 + self.bytes.iter().filter(|c| ends_cell(c)).count()
    }

    /// Visits the rows in order, until an error.
    pub fn each_row(&self, mut visit: impl FnMut(Row<'_>) -> Result<()>) -> Result<()> {
        let Separator::Character(delimiter) = self.separator else {
            return lines(self.bytes).try_for_each(|(from, line)| {
                let cells = match self.separator {
                    Separator::Nothing => line.chunks(1).collect(),
                    _ => line.split(u8::is_ascii_whitespace).filter(|c| !c.is_empty()).collect(),
                };
                visit(Row { from, cells })
            });
        };
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .comment(Some(b'#'))
            .flexible(true)
            .has_headers(false)
            .trim(Trim::All)
            .from_reader(self.bytes);
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).expect("reading from memory does not fail") {
            if record.len() == 1 && record[0].is_empty() {
                continue;
            }
            let from = record.position().map_or(0, |position| position.byte() as usize);
            visit(Row { from, cells: record.iter().collect() })?;
        }
        Ok(())
    }

    /// The cells of the first row, if there is one.
    pub fn first_row(&self) -> Option<Vec<Vec<u8>>> {
        let mut first = None;
        // An error ends the visit.
        let _ = self.each_row(|row| {
            first = Some(row.cells.iter().map(|cell| cell.to_vec()).collect());
            Err(Error::Interrupted)
        });
        first
    }

    /// Where the first line of a row is.
    pub fn line(&self, from: usize) -> Place<'a> {
        self.files.place(self.lines(&[from])[0])
    }

    /// The files in which lines have their places.
    pub fn files(&self) -> &'a Files {
        self.files
    }

    /// The number of the first line of each of these rows, which are in order, from 1 in the whole text.
    pub fn lines(&self, rows: &[usize]) -> Vec<usize> {
        let (mut counted, mut line) = (0, 1);
        let line_of = |&from: &usize| {
            let start = lines(&self.bytes[from..]).next().map_or(from, |(at, _)| from + at);
            line += self.bytes[counted..start].iter().filter(|&&c| c == b'\n').count();
            counted = start;
            line
        };
        rows.iter().map(line_of).collect()
    }

    /// What is wrong with a row that has another length than the first, which begins at `first`.
    pub fn other_length(&self, row: &Row<'_>, first: usize, n_columns: usize) -> String {
        let cells = |n| if n == 1 { "1 cell".into() } else { format!("{n} cells") };
        let (line, first) = (self.line(row.from), self.line(first));
        let (found, expected) = (cells(row.cells.len()), cells(n_columns));
        format!("{line} has {found}, but {first} has {expected}")
    }
}

/// The lines with their first bytes, without blanks at their ends; blank lines and comments are left out.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = bytes.split(|&c| c == b'\n').scan(0, |next, line| {
        let at = *next;
        *next += line.len() + 1;
        Some((at, line.trim_ascii()))
    });
    lines.filter(|(_, line)| !line.is_empty() && line[0] != b'#')
}

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    Number(f64),
    Missing,
    Text,
}

impl Cell {
    pub fn of(cell: &[u8]) -> Self {
        match cell {
            [digit @ b'0'..=b'9'] => return Self::Number(f64::from(digit - b'0')),
            b"True" | b"TRUE" | b"true" => return Self::Number(1.0),
            b"False" | b"FALSE" | b"false" => return Self::Number(0.0),
            b"" | b"?" | b"-" | b"." => return Self::Missing,
            _ => {}
        }
        let is_missing = |name: &str| cell.eq_ignore_ascii_case(name.as_bytes());
        if ["na", "n/a", "nan", "null", "none", "<na>", "#n/a"].into_iter().any(is_missing) {
            return Self::Missing;
        }
        let number = std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok());
        match number {
            Some(number) if number.is_nan() => Self::Missing,
            Some(number) => Self::Number(number),
            None => Self::Text,
        }
    }
}

/// What the first row of a table holds.
pub(super) enum FirstRow {
    Example,
    Names,
    /// As written with names of the rows: the column of these has no name.
    Unnamed,
}

impl FirstRow {
    /// Cells that are all names are a header; so are cells that count.
    pub fn of(cells: &[&[u8]]) -> Self {
        let kinds: Vec<_> = cells.iter().map(|cell| Cell::of(cell)).collect();
        let is_header = |kinds: &[Cell]| {
            let counts = |(i, kind): (usize, &Cell)| *kind == Cell::Number(i as f64);
            let are_names = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Cell::Text);
            are_names || kinds.len() >= LEAST_COUNT && kinds.iter().enumerate().all(counts)
        };
        match kinds.split_first() {
            Some((Cell::Missing, named)) if is_header(named) => Self::Unnamed,
            _ if is_header(&kinds) => Self::Names,
            _ => Self::Example,
        }
    }
}

/// The remedy for names of the rows.
pub(super) const UNNAMED: &str = ", column 1 is empty: below it are names of the rows, which are not data; write the \
                       table without them (index=False in pandas, row.names=FALSE in R)";

/// A cell in messages.
pub(super) fn shown(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).chars().take(20).collect()
}

/// A cell in messages, after `is`.
pub(super) fn quoted(cell: &[u8]) -> String {
    if cell.is_empty() { "empty".into() } else { format!("\"{}\"", shown(cell)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_in_another_encoding_is_refused_by_its_line() {
        let found = |bytes: &'static [u8]| {
            let checked = Text::of_texts(bytes).check_utf8(Path::new("t.csv"));
            checked.map_err(|error| error.to_string())
        };
        let error = found(b"a,b\n\nx,M\xfcll\nx,M\xf6ll\n").unwrap_err();
        assert!(
            error.starts_with("t.csv: line 3 is no text in UTF-8; save the file as UTF-8"),
            "{error}"
        );
        assert_eq!(found(b"# 20 \xb0C\na,b\n0,1\n"), Ok(()));
        assert_eq!(found("a,b\nx,Müll\n".as_bytes()), Ok(()));
    }
}
