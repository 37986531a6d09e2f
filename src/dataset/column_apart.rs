//! A column of a table that is read apart from the others, such as labels.

use super::table::{FirstRow, Text};
use crate::error::{Error, Result};
use std::path::Path;

/// The cells of one column of a table, and the table without it.
pub(super) struct ColumnApart {
    /// The cells, one for each example.
    pub cells: Vec<String>,
    /// The text without the column, in which every row keeps its line.
    pub rest: Vec<u8>,
}

impl ColumnApart {
    /// Takes the column of this name out of a table with a header. `text` says what separates its cells.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if the table has no header, no such column or no other, or with the line of
    /// a row of another length.
    pub fn of(path: &Path, bytes: &[u8], text: &Text<'_>, name: &str) -> Result<Self> {
        let refused = |rule: String| Error::Unsuitable { path: path.into(), rule };
        let (mut cells, mut lines) = (Vec::new(), Lines::of(bytes));
        let mut header: Option<(usize, usize, usize)> = None;
        text.each_row(|row| {
            let n = row.cells.len();
            let Some((column, n_columns, first)) = header else {
                let column = FirstRow::place_of(&row.cells, name).ok_or_else(|| {
                    let names: Vec<_> =
                        row.cells.iter().map(|cell| String::from_utf8_lossy(cell)).collect();
                    let found = match FirstRow::of(&row.cells) {
                        FirstRow::Names => format!("its columns are {}", names.join(", ")),
                        _ => "its first line has no names of columns".to_string(),
                    };
                    refused(format!("has no column \"{name}\": {found}"))
                })?;
                if n == 1 {
                    return Err(refused(format!("has no column besides \"{name}\"")));
                }
                header = Some((column, n, row.from));
                lines.push(row.from, &row.cells, column);
                return Ok(());
            };
            if n != n_columns {
                return Err(refused(text.other_length(&row, first, n_columns)));
            }
            cells.push(String::from_utf8_lossy(row.cells[column]).into_owned());
            lines.push(row.from, &row.cells, column);
            Ok(())
        })?;
        Ok(Self { cells, rest: lines.written })
    }
}

/// Writes rows to the lines that they have in a text.
struct Lines<'a> {
    bytes: &'a [u8],
    /// The bytes before this one are counted.
    next: usize,
    /// Ends of lines before it, and those that are written.
    n_before: usize,
    n_written: usize,
    written: Vec<u8>,
}

impl<'a> Lines<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, next: 0, n_before: 0, n_written: 0, written: Vec::new() }
    }

    /// Writes a row without one of its cells. It begins after the byte `from`, blank lines and comments.
    fn push(&mut self, from: usize, cells: &[&[u8]], without: usize) {
        let ends = |bytes: &[u8]| bytes.iter().filter(|&&c| c == b'\n').count();
        let mut start = from.min(self.bytes.len());
        for line in self.bytes[start..].split_inclusive(|&c| c == b'\n') {
            let text = line.trim_ascii();
            if !text.is_empty() && text[0] != b'#' {
                break;
            }
            start += line.len();
        }
        self.n_before += ends(&self.bytes[self.next..start]);
        self.next = start;
        while self.n_written < self.n_before {
            self.written.push(b'\n');
            self.n_written += 1;
        }
        let at = self.written.len();
        let mut writer =
            csv::WriterBuilder::new().comment(Some(b'#')).from_writer(&mut self.written);
        let others = cells.iter().enumerate().filter(|(column, _)| *column != without);
        writer.write_record(others.map(|(_, cell)| cell)).expect("writing to memory");
        drop(writer);
        self.n_written += ends(&self.written[at..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(text: &str, name: &str) -> Result<(Vec<String>, String), String> {
        let bytes = text.as_bytes();
        let apart = ColumnApart::of(Path::new("t.csv"), bytes, &Text::of_texts(bytes), name);
        let apart = apart.map_err(|error| error.to_string())?;
        Ok((apart.cells, String::from_utf8(apart.rest).unwrap()))
    }

    #[test]
    fn rows_keep_their_lines() {
        let text = "# a comment\na;class;b\n\n1;cat;\"x;y\"\n# more\n2;;z\n";
        let (cells, rest) = apart(text, "class").unwrap();
        assert_eq!(cells, ["cat", ""]);
        assert_eq!(rest, "\na,b\n\n1,x;y\n\n2,z\n");
    }

    #[test]
    fn a_cell_may_begin_like_a_comment_and_a_header_may_count() {
        let (cells, rest) = apart("kind,colour\nx,#a\n", "kind").unwrap();
        assert_eq!((&cells[..], &rest[..]), (&["x".to_string()][..], "colour\n\"#a\"\n"));
        let (cells, rest) = apart("0,1,2,kind\n1,0,1,a\n", "kind").unwrap();
        assert_eq!((&cells[..], &rest[..]), (&["a".to_string()][..], "0,1,2\n1,0,1\n"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = |text, name| apart(text, name).unwrap_err();
        let other = error("a,b\n1,2\n", "class");
        assert_eq!(other, "t.csv: has no column \"class\": its columns are a, b");
        let none = error("1,2\n3,4\n", "class");
        assert_eq!(none, "t.csv: has no column \"class\": its first line has no names of columns");
        assert_eq!(error("a\n1\n", "a"), "t.csv: has no column besides \"a\"");
        assert_eq!(error("a,b\n1\n", "a"), "t.csv: line 2 has 1 cell, but line 1 has 2 cells");
    }
}
