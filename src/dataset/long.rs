//! Tables in long form, a row for each value, and the wide tables that they mean.
//!
//! ```text
//!  user,item,rating                 user,Alien,Up
//!  ann,Up,4                         ann,5,4
//!  ann,Alien,5           ──►        bob,,2
//!  bob,Up,2
//! ```

use super::columns::finite;
use super::file::{Format, Unpacked};
use super::text::{Cell, FirstRow, Row, Text, quoted};
use crate::error::{Error, Result};
use crate::memory::{self, Bytes, Need};
use crate::setting::invalid;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::Path;

/// The parts of a row, by place: the example, the column and the value.
const N_PARTS: usize = 3;

/// A wide table: a row for each example, whose name is the first cell.
pub(crate) struct Wide {
    pub header: Vec<String>,
    /// The first column whose name was a number, and now has that of its part before it.
    pub numbered: Option<usize>,
    /// How many values are left out, as the same example and column have a later one.
    pub n_replaced: usize,
    pub n_rows: usize,
    pub rows: Box<dyn Iterator<Item = Vec<String>>>,
}

impl Wide {
    /// Reads a table in long form. `parts` are the names of its columns of examples, columns and values; by default its
    /// first three. Other columns, such as a time, are passed over, and so are rows without a value. Examples are in
    /// the order in which they come first, columns by number if all their names are numbers, else by the alphabet. A
    /// column whose name is the number 31 is called `item:31`, as a header of numbers would pass for an example unless
    /// another column is asked for, and so is one of the name of the first; `item` is the name of its part. Of several
    /// values of one cell the last counts if `keeps_last`; the path `-` is standard input.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Unsuitable`] for a file that is no table, and with the line of a row without an
    /// example or a column, or of a second value of one cell unless `keeps_last`; [`Error::InvalidSetting`] for a part
    /// that is not there; [`Error::OutOfMemory`].
    pub fn read(path: &Path, parts: Option<&[String; N_PARTS]>, keeps_last: bool) -> Result<Self> {
        let (path, file) = match path.as_os_str() == "-" {
            false => (path, Unpacked::read(path)?),
            true => {
                let path = Path::new("stdin");
                (path, Unpacked::read_from(path, io::stdin().lock())?)
            }
        };
        let unsuitable = |rule| Error::Unsuitable { path: path.into(), rule };
        if Format::of(&file.bytes) != Some(Format::Table) {
            return Err(unsuitable("is not a table as text".to_string()));
        }
        let text = Text::of_texts(&file.bytes[..]);
        text.check_utf8(path)?;
        let mut long = Long { keeps_last, ..Long::default() };
        let mut first: Option<(usize, Vec<String>, [usize; N_PARTS])> = None;
        text.each_row(|row| {
            let Some((from, names, places)) = &first else {
                let is_header = matches!(FirstRow::of(&row.cells), FirstRow::Names);
                let names = names(&row, is_header);
                let places = places(path, &names, parts)?;
                if !is_header {
                    long.push(&text, &row, &places).map_err(unsuitable)?;
                }
                first = Some((row.from, names, places));
                return Ok(());
            };
            if row.cells.len() != names.len() {
                return Err(unsuitable(text.other_length(&row, *from, names.len())));
            }
            long.push(&text, &row, places).map_err(unsuitable)
        })?;
        let Some((_, names, [example, column, _])) = first.filter(|_| !long.values.is_empty())
        else {
            return Err(unsuitable("holds no values".to_string()));
        };
        // Without a header these are numbers, too.
        let or =
            |name: &str, other: &str| if finite(name).is_some() { other } else { name }.to_string();
        long.wide(&or(&names[example], "user"), &or(&names[column], "item"), path)
    }
}

/// The names of the columns: those of a header, or numbers from 1.
fn names(row: &Row<'_>, is_header: bool) -> Vec<String> {
    let name = |(at, cell): (usize, &&[u8])| match is_header {
        true => String::from_utf8_lossy(cell).into_owned(),
        false => (at + 1).to_string(),
    };
    row.cells.iter().enumerate().map(name).collect()
}

/// The places of the parts among the columns.
fn places(
    path: &Path,
    names: &[String],
    parts: Option<&[String; N_PARTS]>,
) -> Result<[usize; N_PARTS]> {
    let Some(parts) = parts else {
        if names.len() < N_PARTS {
            let rule = format!(
                "has {} columns, but must have those of examples, columns and values",
                names.len()
            );
            return Err(Error::Unsuitable { path: path.into(), rule });
        }
        return Ok([0, 1, 2]);
    };
    let mut places = [0; N_PARTS];
    for (place, part) in places.iter_mut().zip(parts) {
        let found = names.iter().position(|name| name == part);
        let rule =
            || format!("three columns of {}, which are {}", path.display(), names.join(", "));
        *place = found.ok_or_else(|| invalid("columns", part, rule()))?;
    }
    Ok(places)
}

/// The values of a table in long form.
#[derive(Default)]
struct Long {
    /// The number of each example and of each column, in the order in which they come first.
    examples: BTreeMap<String, usize>,
    columns: BTreeMap<String, usize>,
    /// The value of an example and a column, and where its row begins.
    values: BTreeMap<(usize, usize), (String, usize)>,
    /// Whether a value may take the place of an earlier one, and how many have.
    keeps_last: bool,
    n_replaced: usize,
}

impl Long {
    /// Takes in a row, or says what is wrong with it.
    fn push(
        &mut self,
        text: &Text<'_>,
        row: &Row<'_>,
        places: &[usize; N_PARTS],
    ) -> Result<(), String> {
        let [example, column, value] = places.map(|place| row.cells[place]);
        if Cell::of(value) == Cell::Missing {
            return Ok(());
        }
        for (what, cell) in [("example", example), ("column", column)] {
            if cell.is_empty() {
                return Err(format!("{} has a value, but no {what}", text.line(row.from)));
            }
        }
        let [example_name, column_name, value] =
            [example, column, value].map(|cell| String::from_utf8_lossy(cell).into_owned());
        let place =
            (number(&mut self.examples, example_name), number(&mut self.columns, column_name));
        let Some((_, other)) = self.values.insert(place, (value, row.from)) else { return Ok(()) };
        if self.keeps_last {
            self.n_replaced += 1;
            return Ok(());
        }
        Err(format!(
            "{} and {} both have a value of {} and {}; leave one of them out, or give --keep-last",
            text.line(other),
            text.line(row.from),
            quoted(example),
            quoted(column)
        ))
    }

    /// The wide table. `of_examples` and `of_columns` are the names of the parts.
    fn wide(self, of_examples: &str, of_columns: &str, path: &Path) -> Result<Wide> {
        let (n_examples, n_columns) = (self.examples.len(), self.columns.len());
        let what = || format!("{}: a table of {n_examples} x {n_columns} values", path.display());
        // A row is made at a time; its text has at least a byte a cell.
        memory::check(what, &[Need::new(Bytes::of::<u8>(&[n_examples, n_columns + 1]), &[])])?;
        let mut columns: Vec<_> = self.columns.into_iter().collect();
        if columns.iter().all(|(name, _)| finite(name).is_some()) {
            let number = |name: &str| finite(name).unwrap_or_default();
            columns.sort_by(|(a, _), (b, _)| number(a).total_cmp(&number(b)));
        }
        let mut place_of = vec![0; n_columns];
        for (place, (_, number)) in (1..).zip(&columns) {
            place_of[*number] = place;
        }
        let mut names = vec![String::new(); n_examples];
        for (name, number) in self.examples {
            names[number] = name;
        }
        let mut values = self.values.into_iter().peekable();
        let rows = names.into_iter().enumerate().map(move |(example, name)| {
            let mut row = vec![String::new(); n_columns + 1];
            row[0] = name;
            while let Some(((_, column), (value, _))) =
                values.next_if(|((of, _), _)| *of == example)
            {
                row[place_of[column]] = value;
            }
            row
        });
        let numbered = columns.iter().position(|(name, _)| finite(name).is_some());
        let column =
            |(name, _): (String, usize)| match finite(&name).is_some() || name == of_examples {
                true => format!("{of_columns}:{name}"),
                false => name,
            };
        let first = [of_examples.to_string()].into_iter();
        let header: Vec<String> = first.chain(columns.into_iter().map(column)).collect();
        let mut seen = HashSet::new();
        if let Some(name) = header.iter().find(|name| !seen.insert(name.as_str())) {
            let rule = format!(
                "has columns {} and {}, which would both be called so in the table; rename one",
                quoted(name.as_bytes()),
                quoted(name.trim_start_matches(&format!("{of_columns}:")).as_bytes())
            );
            return Err(Error::Unsuitable { path: path.into(), rule });
        }
        let numbered = numbered.map(|at| at + 1);
        let n_replaced = self.n_replaced;
        Ok(Wide { header, numbered, n_replaced, n_rows: n_examples, rows: Box::new(rows) })
    }
}

/// The number of a name, which may be new.
fn number(numbers: &mut BTreeMap<String, usize>, name: String) -> usize {
    let next = numbers.len();
    *numbers.entry(name).or_insert(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The wide table as text, or the error.
    fn wide(text: &str, parts: Option<[&str; 3]>) -> String {
        wide_of(text, parts, false)
    }

    fn wide_of(text: &str, parts: Option<[&str; 3]>, keeps_last: bool) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.csv");
        std::fs::write(&path, text).unwrap();
        let parts = parts.map(|parts| parts.map(String::from));
        let error = |error: Error| {
            let folder = folder.path().display().to_string() + "/";
            error.to_string().replace(&folder, "")
        };
        Wide::read(&path, parts.as_ref(), keeps_last).map_or_else(
            error,
            |Wide { header, rows, .. }| {
                let rows = [header].into_iter().chain(rows);
                rows.map(|row| row.join(",")).collect::<Vec<_>>().join("\n")
            },
        )
    }

    #[test]
    fn a_row_for_each_value_becomes_a_row_for_each_example() {
        let films = "user,item,rating\nann,Up,4\nann,Alien,5\nbob,Up,2\n";
        assert_eq!(wide(films, None), "user,Alien,Up\nann,5,4\nbob,,2");
        // Without a header, by number, a time passed over, an empty value left out.
        assert_eq!(
            wide("7\t10\t3\t881\n5\t9\t1\t882\n5\t10\t\t883\n", None),
            "user,item:9,item:10\n7,,3\n5,1,"
        );
        assert_eq!(wide("user,item,rating\na,user,1\na,Up,2\n", None), "user,Up,item:user\na,2,1");
        let other = "rating,time,film,who\n4,1,Up,ann\n2,2,Heat,\"b, c\"\n";
        assert_eq!(wide(other, Some(["who", "film", "rating"])), "who,Heat,Up\nann,,4\nb, c,2,");
    }

    #[test]
    fn the_last_of_several_values_counts_if_it_is_asked_for() {
        let films = "user,item,rating\nann,Up,4\nbob,Up,2\nann,Up,1\nann,Heat,3\nann,Up,\n";
        assert_eq!(wide_of(films, None, true), "user,Heat,Up\nann,3,1\nbob,,2");
    }

    #[test]
    fn each_error_says_the_line_or_the_columns() {
        for (text, parts, message) in [
            (
                "user,item,rating\na,x,1\nb,x,2\na,x,3\n",
                None,
                "long.csv: line 2 and line 4 both have a value of \"a\" and \"x\"; leave one of them out, or give --keep-last",
            ),
            ("user,item,rating\na,,1\n", None, "long.csv: line 2 has a value, but no column"),
            (
                "user,item,rating\na,x\n",
                None,
                "long.csv: line 2 has 2 cells, but line 1 has 3 cells",
            ),
            ("user,item,rating\na,x,\n", None, "long.csv: holds no values"),
            (
                "a,b\nx,1\n",
                None,
                "long.csv: has 2 columns, but must have those of examples, columns and",
            ),
            (
                "user,item,rating\na,x,1\n",
                Some(["user", "film", "rating"]),
                "columns is film, but must be three columns of long.csv, which are user, item, rating",
            ),
        ] {
            let found = wide(text, parts);
            assert!(found.starts_with(message), "{found}\ndoes not say: {message}");
        }
    }
}
