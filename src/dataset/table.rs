//! Tables of numbers as text: a line is an example, a column a unit.
//!
//! Commas, semicolons, tabs or blanks separate the cells; lines of only 0 and 1 without a separator are
//! rows of bits. Blank lines and lines that begin with # are passed over. A first line of names is a
//! header; so is one that counts 0, 1, 2, …, as pandas writes it for an array.

use super::holes::{Holes, MissingMask};
use super::stored_array::{Number, StoredArray};
use super::{Dataset, Encoding};
use crate::error::{Error, Remedy, Result};
use crate::memory::{self, Bytes, Need};
use csv::{ByteRecord, ReaderBuilder, Trim};
use std::path::Path;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The lines from which the separator is found.
const N_FIRST: usize = 10;

/// A header that counts has at least so many columns: `0,1` may be an example.
const LEAST_COUNT: usize = 3;

/// The names of columns that hold classes in common tables.
const CLASSES: [&str; 4] = ["class", "label", "labels", "target"];

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
    separator: Separator,
}

/// A row, before its cells are read.
pub(super) struct Row<'r> {
    /// A byte before the row, with nothing between but blank lines and comments.
    pub from: usize,
    pub cells: Vec<&'r [u8]>,
}

impl<'a> Text<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
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
        Self { bytes, separator }
    }

    /// A table of texts. Its first line, which may be a header, decides what separates cells: the others may
    /// hold any characters.
    pub fn of_texts(bytes: &'a [u8]) -> Self {
        let bytes = bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes);
        let first = lines(bytes).next().map_or(&[][..], |(_, line)| line);
        let found = b"\t;,".iter().find(|c| first.contains(c));
        let separator = found.map_or(Separator::Blanks, |&c| Separator::Character(c));
        Self { bytes, separator }
    }

    /// Whether the first row is a header with this name.
    pub fn has_column(&self, name: &str) -> bool {
        let mut has = None;
        let first = self.each_row(|row| {
            has = Some(FirstRow::place_of(&row.cells, name).is_some());
            Err(Error::Interrupted)
        });
        first.is_err() && has == Some(true)
    }

    /// The most rows that there can be.
    fn most_rows(&self) -> usize {
        1 + self.bytes.iter().filter(|&&c| c == b'\n').count()
    }

    /// The most cells that there can be.
    fn most_cells(&self) -> usize {
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

    /// The number of the first line of a row, from 1.
    pub fn line(&self, from: usize) -> usize {
        let start = lines(&self.bytes[from..]).next().map_or(from, |(at, _)| from + at);
        1 + self.bytes[..start].iter().filter(|&&c| c == b'\n').count()
    }

    /// What is wrong with a row that has another length than the first, which begins at `first`.
    pub fn other_length(&self, row: &Row<'_>, first: usize, n_columns: usize) -> String {
        let cells = |n| if n == 1 { "1 cell".into() } else { format!("{n} cells") };
        let (line, first) = (self.line(row.from), self.line(first));
        let (found, expected) = (cells(row.cells.len()), cells(n_columns));
        format!("line {line} has {found}, but line {first} has {expected}")
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

/// An empty list with room for `n` entries of the table at `path`.
///
/// # Errors
/// [`Error::OutOfMemory`].
fn with_room<T>(path: &Path, n: usize) -> Result<Vec<T>> {
    let what = || format!("the table in {}", path.display());
    memory::check(what, &[Need::new(Bytes::of::<T>(&[n]), &[])])?;
    Ok(Vec::with_capacity(n))
}

/// The numbers of a table, in bytes as long as they fit.
enum Numbers {
    Bytes(Vec<u8>),
    Reals(Vec<f64>),
}

impl Numbers {
    /// Adds a number. There is room for all numbers of the table at `path`, of whichever kind.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    fn push(&mut self, number: f64, path: &Path) -> Result<()> {
        match self {
            Self::Bytes(bytes) if f64::from(number as u8) == number => bytes.push(number as u8),
            Self::Bytes(bytes) => {
                let mut reals = with_room(path, bytes.capacity())?;
                reals.extend(bytes.iter().map(|&byte| f64::from(byte)));
                reals.push(number);
                *self = Self::Reals(reals);
            }
            Self::Reals(reals) => reals.push(number),
        }
        Ok(())
    }

    /// Whether one of the numbers of a column is neither 0 nor 1.
    fn has_others(&self, column: usize, n_columns: usize) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.iter().skip(column).step_by(n_columns).any(|&x| x > 1),
            Self::Reals(reals) => {
                reals.iter().skip(column).step_by(n_columns).any(|&x| x != 0.0 && x != 1.0)
            }
        }
    }

    /// The stored form: whole numbers are integers, however they are written.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    fn stored(self, path: &Path) -> Result<(Number, Vec<u8>)> {
        let reals = match self {
            Self::Bytes(bytes) => return Ok((Number::Unsigned(1), bytes)),
            Self::Reals(reals) => reals,
        };
        let mut bytes = with_room(path, size_of_val(&reals[..]))?;
        // f64 has all whole numbers up to 2^53.
        if reals.iter().all(|x| x.fract() == 0.0 && x.abs() < 1e15) {
            bytes.extend(reals.iter().flat_map(|&x| (x as i64).to_le_bytes()));
            return Ok((Number::Signed(8), bytes));
        }
        bytes.extend(reals.iter().flat_map(|x| x.to_le_bytes()));
        Ok((Number::Float(8), bytes))
    }
}

/// A table, and where its rows are.
pub(super) struct Table<'a> {
    pub array: StoredArray<'a>,
    text: Text<'a>,
    /// Where the row of each example is found: [`Row::from`].
    places: Vec<usize>,
}

impl<'a> Table<'a> {
    /// Reads a table. `remedy` is the setting that lets its cells be names, if there is one.
    ///
    /// # Errors
    /// [`Error::BadCategory`] with the line and the column of a cell that is not a number;
    /// [`Error::Unsuitable`] with the line of a row of another length; [`Error::OutOfMemory`].
    pub fn parse(path: &'a Path, bytes: &'a [u8], remedy: Option<Remedy>) -> Result<Self> {
        let text = Text::of(bytes);
        let refused = |from: usize, rule: String| {
            let rule = format!("line {}{rule}", text.line(from));
            Error::Unsuitable { path: path.into(), rule }
        };
        let mut numbers = Numbers::Bytes(with_room(path, text.most_cells())?);
        let mut places = with_room(path, text.most_rows())?;
        let (mut holes, most_rows) = (Holes::default(), text.most_rows());
        // The place and the length of the first row, and its names if it is a header.
        let mut first = None;
        let mut names = Vec::new();
        text.each_row(|row| {
            let Row { from, ref cells } = row;
            let (first_place, n_columns) = *first.get_or_insert((from, cells.len()));
            if first_place == from {
                match FirstRow::of(cells) {
                    FirstRow::Example => {}
                    FirstRow::Names => {
                        names = cells.iter().map(|cell| shown(cell)).collect();
                        return Ok(());
                    }
                    FirstRow::Unnamed => return Err(refused(from, UNNAMED.into())),
                }
            }
            for (at, cell) in cells.iter().enumerate() {
                match Cell::of(cell) {
                    Cell::Number(number) => numbers.push(number, path)?,
                    Cell::Missing => {
                        let shape = (most_rows, n_columns);
                        if at < n_columns {
                            holes.note(shape, places.len(), at, || {
                                let (line, found) = (text.line(from), quoted(cell));
                                format!("line {line}, column {} is {found}", at + 1)
                            });
                        }
                        numbers.push(0.0, path)?;
                    }
                    Cell::Text => {
                        let or = remedy
                            .map_or("", |_| "; if columns hold names of categories, declare them");
                        let rule = refusal(cell, at + 1);
                        let rule = format!("line {}{rule}{or}", text.line(from));
                        return Err(Error::BadCategory {
                            data: path.display().to_string(),
                            rule,
                            remedy,
                        });
                    }
                }
            }
            if cells.len() != n_columns {
                let rule = text.other_length(&row, first_place, n_columns);
                return Err(Error::Unsuitable { path: path.into(), rule });
            }
            places.push(from);
            Ok(())
        })?;
        if let Some(rule) = refused_class(&names, &numbers) {
            return Err(refused(first.map_or(0, |(from, _)| from), rule));
        }
        let (number, bytes) = numbers.stored(path)?;
        let array = StoredArray {
            path,
            bytes: bytes.into(),
            offset: 0,
            number,
            is_big_endian: false,
            is_column_major: false,
            shape: vec![places.len(), first.map_or(0, |(_, n)| n)],
            encoding: Encoding::Undeclared,
            holes,
        };
        Ok(Self { array, text, places })
    }

    /// As [`StoredArray::hidden_by`].
    pub fn hidden_by(self, mask: Option<&MissingMask>) -> Result<Self> {
        Ok(Self { array: self.array.hidden_by(mask)?, ..self })
    }

    /// Reads the examples. An error about a value gives its line and column.
    ///
    /// # Errors
    /// As [`StoredArray::examples`].
    pub fn examples(&self, declared: Encoding) -> Result<Dataset> {
        self.array.examples(declared).map_err(|error| match error {
            Error::BadValue { data, example, unit, value, rule, remedy } => {
                let (line, column) = (self.text.line(self.places[example]), unit + 1);
                let data = format!("{data}: line {line}, column {column}");
                Error::BadValue { data, example, unit, value, rule, remedy }
            }
            error => error,
        })
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
    /// The place of a column that is read apart, if the row is a header: the other cells are all names, or count.
    pub fn place_of(cells: &[&[u8]], name: &str) -> Option<usize> {
        let at = cells.iter().position(|cell| *cell == name.as_bytes())?;
        let others: Vec<_> = [&cells[..at], &cells[at + 1..]].concat();
        let is_alone = others.is_empty() && Cell::of(cells[at]) == Cell::Text;
        (is_alone || matches!(Self::of(&others), Self::Names)).then_some(at)
    }

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

/// What is wrong with a column of classes, which would pass for a unit. If it holds bits, it may be one.
fn refused_class(names: &[String], numbers: &Numbers) -> Option<String> {
    let is_class = |name: &String| CLASSES.contains(&&name.to_lowercase()[..]);
    let at = names.iter().position(is_class)?;
    numbers.has_others(at, names.len()).then(|| {
        let (column, name) = (at + 1, &names[at]);
        format!(
            ", column {column} is \"{name}\": it holds classes, not values of a unit; name it by the setting \
             labels, or remove it, as by drop(columns=\"{name}\") in pandas"
        )
    })
}

/// A cell in messages.
fn shown(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).chars().take(20).collect()
}

/// A cell in messages, after `is`.
pub(super) fn quoted(cell: &[u8]) -> String {
    if cell.is_empty() { "empty".into() } else { format!("\"{}\"", shown(cell)) }
}

/// What is wrong with a cell that holds a text, in this column from 1.
fn refusal(cell: &[u8], column: usize) -> String {
    let with_point = String::from_utf8_lossy(cell).replace(',', ".");
    let hint = if with_point.as_bytes() != cell && with_point.parse::<f64>().is_ok() {
        "; write it with a decimal point"
    } else if column == 1 {
        "; names may stand only in the first line, in all its cells (index=False in pandas and \
         row.names=FALSE in R write a table without names of its rows)"
    } else {
        ""
    };
    format!(", column {column} is {}, but must be a number{hint}", quoted(cell))
}

#[cfg(test)]
mod tests {
    use super::super::values::Values;
    use super::*;
    use crate::BitMatrix;
    use crate::reals::RealRows;
    use ndarray::{Array2, array};

    fn read_as(text: &str, encoding: Encoding) -> Result<Values, String> {
        let table = Table::parse(Path::new("t.csv"), text.as_bytes(), None);
        let dataset = table.and_then(|table| table.examples(encoding));
        dataset.map(|dataset| dataset.values).map_err(|error| error.to_string())
    }

    fn read(text: &str) -> Result<Values, String> {
        read_as(text, Encoding::Undeclared)
    }

    fn bits(bits: Array2<u8>) -> Result<Values, String> {
        Ok(Values::from_bytes(bits))
    }

    #[test]
    fn every_way_of_writing_bits_reads_as_these_bits() {
        let expected = bits(array![[0, 1, 1], [1, 0, 0]]);
        for text in [
            "0,1,1\n1,0,0\n",
            "0,1,1\n1,0,0",
            "0;1;1\r\n1;0;0\r\n",
            "0\t1\t1\n1\t0\t0\n",
            "  0 \t 1 1 \n  1 0 0 \n",
            "0, 1, 1\n1, 0, 0\n",
            "011\n100\n",
            "\u{feff}0,1,1\n1,0,0\n",
            "# a comment, with commas\n0,1,1\n\n# another\n1,0,0\n \n",
            "a,b,c\n0,1,1\n1,0,0\n",
            "\"a\",\"b, or\nc\",\"d\"\n\"0\",\"1\",\"1\"\n1,0,0\n",
            "left middle right\n0 1 1\n1 0 0\n",
            "0,1,2\n0,1,1\n1,0,0\n",
            "a,b,c\nFalse,True,True\nTRUE,FALSE,false\n",
            "0.0,1.0,1.\n1e0,0,-0.0\n",
            "0.000000000000000000e+00 1.000000000000000000e+00 1.0e+00\n1.0 0.0 0.0\n",
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert_eq!(read("0,1\n1,0\n"), bits(array![[0, 1], [1, 0]]), "two columns do not count");
        assert_eq!(read("on\n0\n1\n"), bits(array![[0], [1]]));
    }

    #[test]
    fn numbers_follow_the_rules_of_arrays() {
        let reals = |rows: Array2<f32>| Ok(Values::Reals(RealRows::from(rows.view())));
        assert_eq!(read("0,0.25\n0.1,1\n"), reals(array![[0.0, 0.25], [0.1, 1.0]]));
        assert_eq!(read("0 200\n3 1\n"), Ok(Values::Bytes(array![[0, 200], [3, 1]])));
        // Whole numbers are integers, however NumPy writes them.
        let digits = "0.0e+00,1.60e+01\n4.0e+00,8.0e+00\n";
        assert_eq!(
            read_as(digits, Encoding::GreyLevels(16)),
            reals(array![[0.0, 1.0], [0.25, 0.5]])
        );
        assert_eq!(read_as("-1;1\n1;1\n", Encoding::Spins), bits(array![[0, 1], [1, 1]]));
    }

    #[test]
    fn cells_without_a_number_are_missing() {
        for (text, first) in [
            ("a,b\n\n# c\n0,1\n1,\n", "line 5, column 2 is empty"),
            ("a b\n0 1\n1 NA\n", "line 3, column 2 is \"NA\""),
            ("0,1\n1,-nan\n", "line 2, column 2 is \"-nan\""),
            ("0;1\n1;?\n", "line 2, column 2 is \"?\""),
            ("-1;1\n1;\n", "line 2, column 2 is empty"),
        ] {
            let encoding =
                if text.starts_with('-') { Encoding::Spins } else { Encoding::Undeclared };
            let table = Table::parse(Path::new("t.csv"), text.as_bytes(), None).unwrap();
            let dataset = table.examples(encoding).unwrap();
            assert_eq!(dataset.first_missing().unwrap(), first, "{text:?}");
            assert_eq!(dataset.values, Values::from_bytes(array![[0, 1], [1, 0]]), "{text:?}");
            let missing = BitMatrix::from_fn(2, 2, |row, column| (row, column) == (1, 1));
            assert_eq!(dataset.missing(), Some(&missing), "{text:?}");
        }
    }

    #[test]
    fn each_error_says_the_line_and_the_column() {
        let names = "index=False in pandas, row.names=FALSE in R";
        for (text, message) in [
            ("0,1\n1,x\n", "t.csv: line 2, column 2 is \"x\", but must be a number".into()),
            ("# c\n0,1\n1,0,1\n", "t.csv: line 3 has 3 cells, but line 2 has 2 cells".into()),
            ("0 1\n1\n", "t.csv: line 2 has 1 cell, but line 1 has 2 cells".into()),
            (",0,1,2\n0,1,0,1\n", format!("t.csv: line 1, column 1 is empty: below it are names of the rows, which are not data; write the table without them ({names})")),
            ("\"\",V1,V2\n1,1,0\n", "t.csv: line 1, column 1 is empty: below".into()),
            ("a,b\ns1,0\n", "t.csv: line 2, column 1 is \"s1\", but must be a number; names may stand only in".into()),
            ("O,1,1\n0,1,1\n", "t.csv: line 1, column 1 is \"O\", but must be a number; names".into()),
            ("0,5;1\n0,25;0\n", "t.csv: line 1, column 1 is \"0,5\", but must be a number; write it with a decimal point".into()),
            ("label,1x1\n5,0\n3,200\n", "t.csv: line 1, column 1 is \"label\": it holds classes".into()),
            ("0,1\n\n1,2\n", "t.csv: line 3, column 2: example 1, unit 1 is 2, but must be 0 or 1, or a grey".into()),
            ("a;b\n0.5;1\n# c\n0.5;1.5\n", "t.csv: line 4, column 2: example 1, unit 1 is 1.5, but must be from 0 to 1".into()),
            ("0,1\ninf,0.5\n", "t.csv: line 2, column 1: example 1, unit 0 is inf, but must be".into()),
            ("1e300,0\n", "t.csv: line 1, column 1: example 0, unit 0 is 1".into()),
            ("a,b\n", "t.csv: holds no examples: its shape is [0, 2]".into()),
            ("a,label\n", "t.csv: holds no examples: its shape is [0, 2]".into()),
            ("a title\n0,1\n", "t.csv: line 2 has 2 cells, but line 1 has 1 cell".into()),
            ("# nothing\n", "t.csv: holds no examples: its shape is [0, 0]".into()),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(&message), "{text:?}\n{error}\ndoes not say: {message}");
        }
        let categories = Some(Remedy::with("categories", "auto"));
        let names = Table::parse(Path::new("t.csv"), b"a,b\n0,red\n", categories).err().unwrap();
        assert_eq!(
            names.to_string(),
            "t.csv: line 2, column 2 is \"red\", but must be a number; if columns hold names of categories, \
             declare them by categories = auto"
        );
        // A column of this name that holds bits may be a unit.
        assert!(read("label,a\n1,0\n0,1\n").is_ok());
    }
}
