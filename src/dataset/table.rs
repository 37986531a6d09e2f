//! Tables of numbers as text: a line is an example, a column a unit, unless it is read apart.

use super::categories::Header;
use super::column_apart::{ColumnApart, ColumnsApart};
use super::columns::{Columns, are_names, finite};
use super::holes::{Holes, MissingMask};
use super::lined::Lined;
use super::stored_array::{Number, StoredArray};
use super::text::{Cell, FirstRow, Row, Text, UNNAMED, quoted, shown};
use super::{Dataset, Encoding, LackedColumns};
use crate::error::{Error, Remedy, Result};
use crate::memory::{self, Bytes, Need};
use std::path::Path;

/// The names of columns that hold classes in common tables.
const CLASSES: [&str; 4] = ["class", "label", "labels", "target"];

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
    /// The place in a row of the column of each unit; `None` for one of a model that the table lacks.
    units: Vec<Option<usize>>,
    /// The names of the units, if a header gives them.
    names: Vec<String>,
    /// A note on the columns of a model that are lacking.
    lacked: Option<String>,
    /// The number of columns of the file.
    n_columns: usize,
    apart: ColumnsApart,
    /// The cells (examples, columns of the file) that a mask hides.
    hidden: Holes,
}

/// The units of a model by name, of a table for which it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'a> {
    pub names: &'a [String],
    pub lacked: LackedColumns,
}

impl Named<'_> {
    /// The places of the units in a table with these names, and a note on those that are lacking.
    ///
    /// # Errors
    /// As [`Header::places`].
    fn places(
        self,
        path: &Path,
        names: Vec<String>,
        apart: &[usize],
    ) -> Result<(Vec<Option<usize>>, Option<String>)> {
        let header =
            Header { data: path.display().to_string(), names, is_given: true, apart: apart.into() };
        header.places(&Columns::of_units(self.names.to_vec(), false), self.lacked)
    }
}

impl<'a> Table<'a> {
    /// Reads a table without the columns that are read apart. `remedy` is the setting that lets its cells be
    /// names, if there is one. If the table has names, and `named` the names of the units of a model, these columns
    /// are read, in their order.
    ///
    /// # Errors
    /// As [`LackedColumns`] says for a table that lacks some of `named`, with [`Error::BadCategory`];
    /// [`Error::BadCategory`] with the line and the column of a cell that is not a number;
    /// [`Error::Unsuitable`] with the line of a row of another length; [`Error::OutOfMemory`].
    pub fn parse(
        path: &'a Path,
        text: impl Into<Lined<'a>>,
        remedy: Option<Remedy>,
        mut apart: ColumnsApart,
        named: Option<Named<'_>>,
    ) -> Result<Self> {
        let text = if apart.are_none() { Text::of(text) } else { Text::of_texts(text) };
        let places_apart = apart.places();
        let refused = |from: usize, rule: String| {
            let rule = format!("{}{rule}", text.line(from));
            Error::Unsuitable { path: path.into(), rule }
        };
        let mut numbers = Numbers::Bytes(with_room(path, text.most_cells())?);
        let mut places = with_room(path, text.most_rows())?;
        let (mut holes, most_rows) = (Holes::default(), text.most_rows());
        // The place and the length of the first row, the columns that are units, and their names if it is a
        // header.
        let mut first = None;
        let (mut units, mut names, mut lacked) = (Vec::new(), Vec::new(), None);
        text.each_row(|row| {
            let Row { from, ref cells } = row;
            let (first_place, n_columns) = *first.get_or_insert((from, cells.len()));
            if first_place == from {
                let own: Vec<_> = (0..n_columns).filter(|at| !places_apart.contains(at)).collect();
                let first: Vec<_> = own.iter().map(|&at| cells[at]).collect();
                units = own.iter().copied().map(Some).collect();
                match FirstRow::of(&first) {
                    FirstRow::Example if places_apart.is_empty() => {}
                    // A name of a column apart makes the first row a header.
                    FirstRow::Example | FirstRow::Names => {
                        names = first.iter().map(|cell| text_of(cell)).collect();
                        // Numbers alone count, and name nothing.
                        let are_numbers = names.iter().all(|name| finite(name).is_some());
                        if let Some(named) = named.filter(|_| !are_numbers) {
                            let all = cells.iter().map(|cell| text_of(cell)).collect();
                            (units, lacked) = named.places(path, all, &places_apart)?;
                            names = named.names.to_vec();
                        }
                        return Ok(());
                    }
                    FirstRow::Unnamed => return Err(refused(from, UNNAMED.into())),
                }
            }
            for (unit, &place) in units.iter().enumerate() {
                let Some(at) = place else {
                    holes.note((most_rows, units.len()), places.len(), unit, || {
                        format!(
                            "{} has no column \"{}\"",
                            text.line(from),
                            shown(names[unit].as_bytes())
                        )
                    });
                    numbers.push(0.0, path)?;
                    continue;
                };
                let cell = cells.get(at).copied().unwrap_or_default();
                match Cell::of(cell) {
                    Cell::Number(number) => numbers.push(number, path)?,
                    Cell::Missing => {
                        let shape = (most_rows, units.len());
                        if at < n_columns {
                            holes.note(shape, places.len(), unit, || {
                                let (line, found) = (text.line(from), quoted(cell));
                                format!("{line}, column {} is {found}", at + 1)
                            });
                        }
                        numbers.push(0.0, path)?;
                    }
                    Cell::Text => {
                        let or = remedy
                            .map_or("", |_| "; if columns hold names of categories, declare them");
                        let rule = refusal(cell, at + 1);
                        let rule = format!("{}{rule}{or}", text.line(from));
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
            apart.push(&row);
            Ok(())
        })?;
        let n_columns = first.map_or(0, |(_, n_columns)| n_columns);
        if let Some(rule) = refused_class(&names, &units, &numbers) {
            return Err(refused(first.map_or(0, |(from, _)| from), rule));
        }
        let (number, bytes) = numbers.stored(path)?;
        let array = StoredArray {
            path,
            bytes: bytes.into(),
            name: path,
            file: None,
            more: Vec::new(),
            offset: 0,
            number,
            is_big_endian: false,
            is_column_major: false,
            shape: vec![places.len(), units.len()],
            encoding: Encoding::Undeclared,
            holes,
        };
        let hidden = Holes::default();
        Ok(Self { array, text, places, units, names, lacked, n_columns, apart, hidden })
    }

    /// The same table without the cells that a mask of all columns hides.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if the mask has another shape.
    pub fn hidden_by(mut self, mask: Option<&MissingMask>) -> Result<Self> {
        let shape = (self.places.len(), self.n_columns);
        self.hidden = Holes::hidden_by(mask, &self.array.name.display().to_string(), shape)?;
        self.array.holes = self.array.holes.and(self.hidden.of_columns(&self.units));
        Ok(self)
    }

    /// Reads the examples. An error about a value gives its line and column.
    ///
    /// # Errors
    /// As [`StoredArray::examples`].
    pub fn examples(&self, declared: Encoding) -> Result<Dataset> {
        let read = self.array.examples(declared).map_err(|error| match error {
            Error::BadValue { data, example, unit, value, rule, remedy } => {
                let line = self.text.line(self.places[example]);
                let column = self.units[unit].map_or_else(String::new, |at| (at + 1).to_string());
                let data = format!("{data}: {line}, column {column}");
                Error::BadValue { data, example, unit, value, rule, remedy }
            }
            error => error,
        })?;
        let unit_names = are_names(&self.names).then(|| self.names.clone());
        Ok(Dataset { unit_names, lacked_columns: self.lacked.clone(), ..read })
    }

    /// The columns that were asked for, if they are there.
    pub fn apart(self) -> Vec<Option<ColumnApart>> {
        self.apart.finish(&self.text, &self.hidden)
    }
}

/// What is wrong with a column of classes, which would pass for a unit. If it holds bits, it may be one.
/// `names` are those of these `units` by their places.
fn refused_class(names: &[String], units: &[Option<usize>], numbers: &Numbers) -> Option<String> {
    let is_class = |name: &String| CLASSES.contains(&&name.to_lowercase()[..]);
    let at = names.iter().position(is_class)?;
    numbers.has_others(at, names.len()).then(|| {
        let (column, name) = (units[at].map_or(0, |place| place + 1), shown(names[at].as_bytes()));
        format!(
            ", column {column} is \"{name}\": it holds classes, not values of a unit; name it by the setting \
             labels, or remove it, as by drop(columns=\"{name}\") in pandas"
        )
    })
}

fn text_of(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).into_owned()
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
        let table =
            Table::parse(Path::new("t.csv"), text.as_bytes(), None, ColumnsApart::default(), None);
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
        assert_eq!(read("0 200\n3 1\n"), Ok(Values::Bytes(array![[0, 200], [3, 1]].into())));
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
            let table = Table::parse(
                Path::new("t.csv"),
                text.as_bytes(),
                None,
                ColumnsApart::default(),
                None,
            )
            .unwrap();
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
        let names = Table::parse(
            Path::new("t.csv"),
            "a,b\n0,red\n",
            categories,
            ColumnsApart::default(),
            None,
        );
        let names = names.err().unwrap();
        assert_eq!(
            names.to_string(),
            "t.csv: line 2, column 2 is \"red\", but must be a number; if columns hold names of categories, \
             declare them by categories = auto"
        );
        // A column of this name that holds bits may be a unit.
        assert!(read("label,a\n1,0\n0,1\n").is_ok());
    }
}
