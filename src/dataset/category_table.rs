//! Tables of categories as text: a line is an example, a cell the name of a state.
//!
//! Lines and headers are those of [tables of numbers](super::table). A first line of which each cell is a
//! text is a header, even if all other cells are texts.

use super::Dataset;
use super::categories::{Header, Must, Origin, no_states};
use super::column_apart::{ColumnApart, ColumnsApart};
use super::columns::{Columns, MISSING};
use super::distinct::{Distinct, Lookup};
use super::holes::{Holes, MissingMask};
use super::lacked_columns::LackedColumns;
use super::lined::Lined;
use super::text::{Cell, FirstRow, Row, Text, UNNAMED, quoted};
use crate::error::{Error, Result};
use std::path::Path;

/// Reads a table whose columns are bits and categories, and the columns that were asked for apart, if they are
/// there. A table for a model may lack columns as `lacked` says. A mask hides values of all columns, ignored ones and
/// those that are read apart included.
///
/// # Errors
/// [`Error::Unsuitable`] with the line of a row of another length, or if there are no examples;
/// [`Error::BadCategory`] with the column of values that are not categories, or the line and column of an
/// unknown value; [`Error::InvalidSetting`] for an ignored column that does not exist;
/// [`Error::OutOfMemory`].
pub(super) fn read(
    path: &Path,
    text: Lined<'_>,
    origin: Origin<'_>,
    Hidden { mask, mark, lacked }: Hidden<'_>,
    apart: ColumnsApart,
) -> Result<(Dataset, Vec<Option<ColumnApart>>)> {
    let name = path.display().to_string();
    let mut table = Table { mark, ..Table::of(path, &name, text, apart)? };
    let shape = (table.n_rows, table.header.names.len());
    table.hidden = Holes::hidden_by(mask, &name, shape)?;
    let (columns, places, left_out, lacked_columns) = match origin {
        Origin::Model(columns) => {
            let (places, note) = table.header.places(columns, lacked)?;
            (columns.clone(), places, None, note)
        }
        Origin::Data { .. } => {
            let mut chosen = table.header.chosen(origin)?;
            let (columns, left_out) = match table.header.declared(origin, &chosen) {
                Some(columns) => (columns, None),
                None => table.found(&mut chosen)?,
            };
            (columns, chosen.into_iter().map(Some).collect(), left_out, None)
        }
    };
    let lookups: Vec<_> = (0..columns.n_columns()).map(|site| Lookup::of(&columns, site)).collect();
    let mut states = no_states(&name, table.n_rows, &columns)?;
    let mut holes = Holes::default();
    table.each_example(|example, row| {
        for (site, place) in places.iter().enumerate() {
            let Some(column) = *place else {
                let line = || table.text.line(row.from);
                let what = || format!("{} has no column \"{}\"", line(), columns.name(site));
                holes.note(states.dim(), example, site, what);
                states[[example, site]] = MISSING;
                continue;
            };
            let cell = row.cells[column];
            if table.is_missing(example, column, cell) {
                holes.note(states.dim(), example, site, || table.found_at(row, column));
                states[[example, site]] = MISSING;
                continue;
            }
            let text = String::from_utf8_lossy(cell);
            let number = match Cell::of(cell) {
                Cell::Number(x) => Some(x),
                Cell::Missing | Cell::Text => None,
            };
            states[[example, site]] = lookups[site].of_text(&text, number).ok_or_else(|| {
                let (line, value) = (table.text.line(row.from), quoted(cell));
                let must = Must::of(origin, &columns, site, &text);
                table.header.unknown(&line.to_string(), column, &value.to_string(), must)
            })?;
        }
        Ok(())
    })?;
    let bits = columns.encode(&name, states.view())?;
    let dataset = holes.missing_from(Dataset::from_columns(name, columns, bits))?;
    let encoding = dataset.encoding().marked(mark);
    let dataset = dataset.with_encoding(encoding);
    let dataset = Dataset { left_out_columns: left_out, lacked_columns, ..dataset };
    Ok((dataset, table.apart.finish(&table.text, &table.hidden)))
}

/// Cells that have no value, whatever they hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hidden<'a> {
    /// Those that a mask hides.
    pub mask: Option<&'a MissingMask>,
    /// Those of this number.
    pub mark: Option<f64>,
    /// Those of columns of a model that the table lacks.
    pub lacked: LackedColumns,
}

/// A table whose rows have one length.
struct Table<'a> {
    text: Text<'a>,
    header: Header,
    /// Whether the first row is a header.
    has_names: bool,
    n_rows: usize,
    /// The cells (examples, columns) that a mask hides.
    hidden: Holes,
    /// The number that stands for a missing value.
    mark: Option<f64>,
    apart: ColumnsApart,
}

impl<'a> Table<'a> {
    fn of(path: &Path, name: &str, text: Lined<'a>, mut apart: ColumnsApart) -> Result<Self> {
        let text = Text::of_texts(text);
        let unsuitable = |rule| Error::Unsuitable { path: path.into(), rule };
        let (mut header, mut first, mut n_rows) = (None, 0, 0);
        text.each_row(|row| {
            let n = row.cells.len();
            let Some(Header { names, .. }) = &header else {
                first = row.from;
                let numbered = Header { apart: apart.places(), ..Header::numbered(name, n) };
                let sites = row.cells.iter().enumerate();
                let sites = sites.filter(|(column, _)| !numbered.apart.contains(column));
                let sites: Vec<_> = sites.map(|(_, cell)| *cell).collect();
                header = Some(match FirstRow::of(&sites) {
                    FirstRow::Example if apart.are_none() => {
                        n_rows += 1;
                        numbered
                    }
                    // A name of a column apart makes the first row a header.
                    FirstRow::Example | FirstRow::Names => {
                        let names = row.cells.iter().map(|cell| String::from_utf8_lossy(cell));
                        let names = names.map(|name| name.into_owned()).collect();
                        Header { names, is_given: true, ..numbered }
                    }
                    FirstRow::Unnamed => {
                        let line = text.line(row.from);
                        return Err(unsuitable(format!("{line}{UNNAMED}")));
                    }
                });
                return Ok(());
            };
            if n != names.len() {
                return Err(unsuitable(text.other_length(&row, first, names.len())));
            }
            n_rows += 1;
            apart.push(&row);
            Ok(())
        })?;
        let header = header.filter(|_| n_rows > 0);
        let header = header.ok_or_else(|| unsuitable("holds no examples".into()))?;
        let (has_names, hidden) = (header.is_given, Holes::default());
        Ok(Self { text, has_names, header, n_rows, hidden, mark: None, apart })
    }

    /// Visits the rows of the examples, with their numbers.
    fn each_example(&self, mut visit: impl FnMut(usize, &Row<'_>) -> Result<()>) -> Result<()> {
        let mut next = 0;
        let mut is_header = self.has_names;
        self.text.each_row(|row| {
            if std::mem::take(&mut is_header) {
                return Ok(());
            }
            next += 1;
            visit(next - 1, &row)
        })
    }

    /// The chosen columns, as their values are.
    fn found(&self, chosen: &mut Vec<usize>) -> Result<(Columns, Option<String>)> {
        // The values of each column, and the number of examples that have one.
        let mut found = vec![(Distinct::Texts(Vec::new()), 0); chosen.len()];
        self.each_example(|example, row| {
            for ((values, n_given), &column) in found.iter_mut().zip(&*chosen) {
                let cell = row.cells[column];
                if !self.is_missing(example, column, cell) {
                    values.note_text(&String::from_utf8_lossy(cell));
                    *n_given += 1;
                }
            }
            Ok(())
        })?;
        let kinds = found.iter().map(|(values, n)| values.kind(*n)).collect();
        self.header.found(chosen, kinds)
    }

    /// Whether a cell has no value. A `-` or a `.` may be a state, such as a gap.
    fn is_missing(&self, example: usize, column: usize, cell: &[u8]) -> bool {
        let is_mark = match Cell::of(cell) {
            Cell::Missing => !matches!(cell, b"-" | b"."),
            Cell::Number(x) => self.mark == Some(x),
            Cell::Text => false,
        };
        is_mark || self.hidden.has(example, column)
    }

    /// Where a cell is, and what it holds.
    fn found_at(&self, row: &Row<'_>, column: usize) -> String {
        let (line, column_name) = (self.text.line(row.from), self.header.label(column));
        format!("{line}, {column_name} is {}", quoted(row.cells[column]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Categories;
    use super::*;
    use ndarray::{Array2, array};

    const AUTO: Origin<'_> = Origin::Data { categories: Categories::Auto, ignore: &[] };

    const PEOPLE: &str = "colour,smokes,age,member\nred,0,10,yes\nblue,1,9,no\nred,0,9.0,no\n";

    fn read_plain(text: &str, origin: Origin<'_>) -> Result<Dataset> {
        let none = ColumnsApart::default();
        let hidden = Hidden::default();
        Ok(super::read(Path::new("t.csv"), text.into(), origin, hidden, none)?.0)
    }

    fn read(text: &str, origin: Origin<'_>) -> Result<(Columns, Array2<u8>), String> {
        let dataset = read_plain(text, origin).map_err(|error| error.to_string())?;
        let columns = dataset.columns().expect("columns").clone();
        let n = dataset.n_examples();
        let bits = crate::BitMatrix::from_fn(n, dataset.n_visible(), |n, unit| {
            dataset.intensity(n, unit) == 1.0
        });
        let states = columns.decode(&bits);
        Ok((columns, states))
    }

    #[test]
    fn columns_have_their_names_and_their_values_in_order() {
        let (columns, states) = read(PEOPLE, AUTO).unwrap();
        assert_eq!(columns.header().unwrap(), ["colour", "smokes", "age", "member"]);
        assert_eq!(columns.sites(), [2, 1, 2, 2]);
        assert_eq!(columns.states(0), ["blue", "red"]);
        assert_eq!(columns.states(2), ["9", "10"], "by number, not by text");
        assert_eq!(states, array![[1, 0, 1, 1], [0, 1, 0, 0], [1, 0, 0, 0]]);

        let (columns, states) = read("a\tb\nx y\tTrue\nz\tFalse\n", AUTO).unwrap();
        assert_eq!(
            (columns.states(0), columns.states(1)),
            (vec!["x y", "z"], vec!["False", "True"])
        );
        assert_eq!((columns.sites(), states), (vec![2, 1], array![[0, 1], [1, 0]]));

        let (columns, states) = read("1;-\n2;A\n3;-\n", AUTO).unwrap();
        assert_eq!((columns.header(), columns.name(1).into_owned()), (None, "2".into()));
        assert_eq!(states, array![[0, 0], [1, 1], [2, 0]]);
    }

    #[test]
    fn other_data_are_read_by_the_names_of_the_columns() {
        let (columns, _) = read(PEOPLE, AUTO).unwrap();
        let model = Origin::Model(&columns);
        let other = "id,age,member,colour,smokes\n7,09,no,red,1.0\n8,10,yes,blue,false\n";
        assert_eq!(read(other, model).unwrap().1, array![[1, 1, 0, 0], [0, 0, 1, 1]]);
        // Without a header, the order decides.
        assert_eq!(read("red,1,10,no\n", model).unwrap().1, array![[1, 1, 1, 0]]);
        let ignore = ["age".to_string(), "colour".to_string()];
        let (columns, _) =
            read(PEOPLE, Origin::Data { categories: Categories::Auto, ignore: &ignore }).unwrap();
        assert_eq!(columns.header().unwrap(), ["smokes", "member"]);
    }

    #[test]
    fn cells_without_a_state_are_missing() {
        let missing = |text: &str, origin| {
            let dataset = read_plain(text, origin).unwrap();
            let units = dataset.missing().map(|missing| missing.to_array(u8::from));
            let on = dataset.columns().unwrap().n_units();
            let on = (0..on).filter(|&unit| dataset.intensity(1, unit) == 1.0).collect::<Vec<_>>();
            (units, on, dataset.first_missing())
        };
        let (units, on, first) = missing("a,b\nx,1\n,0\ny,1\n", AUTO);
        assert_eq!((units, on), (Some(array![[0, 0, 0], [1, 1, 0], [0, 0, 0]]), vec![]));
        assert_eq!(first.unwrap(), "line 3, column 1 (\"a\") is empty");
        let (columns, _) = read(PEOPLE, AUTO).unwrap();
        let other = "colour,smokes,age,member\nred,0,9,no\nred,NA,9,?\n";
        let (units, on, first) = missing(other, Origin::Model(&columns));
        assert_eq!(units.unwrap().row(1).to_vec(), [0, 0, 1, 0, 0, 1, 1]);
        assert_eq!(
            (on, first.unwrap()),
            (vec![1, 3], "line 3, column 2 (\"smokes\") is \"NA\"".into())
        );
        // A dash is a state.
        assert_eq!(missing("1;-\n2;A\n3;-\n", AUTO).0, None);
        let (units, ..) = missing("a,b\nx,\ny,0\nx,1\n", AUTO);
        assert_eq!(units.unwrap().row(0).to_vec(), [0, 0, 1]);
    }

    #[test]
    fn each_error_says_the_line_the_column_and_the_remedy() {
        let (columns, _) = read(PEOPLE, AUTO).unwrap();
        let model = Origin::Model(&columns);
        let ids: String = (0..300).map(|n| format!("id{n},{}\n", n % 2)).collect();
        let four = Origin::Data { categories: Categories::Count(4), ignore: &[] };
        let ignore = ["colours".to_string()];
        let misspelt = Origin::Data { categories: Categories::Auto, ignore: &ignore };
        for (found, message) in [
            (
                read("colour,smokes,age,member\n\n# c\ngreen,0,9,no\n", model),
                "t.csv: line 4, column 1 (\"colour\") is \"green\", but must be one of blue, red: the \
                 training data of the model have no others",
            ),
            (
                read("colour,smokes,age,member\nred,2,9,no\n", model),
                "t.csv: line 2, column 2 (\"smokes\") is \"2\", but must be one of 0, 1: the training",
            ),
            (
                read("colour,smokes,member\nred,0,no\n", model),
                "t.csv: has no column \"age\", which the model needs; its columns are colour, smokes, member",
            ),
            (read("red,1\n", model), "t.csv: has 2 columns, but the model has 4"),
            (
                read(&format!("id,bit\n{ids}"), AUTO),
                "t.csv: column 1 (\"id\") holds more than 255 different values, but must be a bit or a \
                 category; leave it out by ignore = NAME",
            ),
            (
                read("a,b\n,1\nNA,1.0\n", AUTO),
                "t.csv: has no column with two different values: column 1 (\"a\") holds no value, column 2 (\"b\") \
                 holds only the value 1",
            ),
            (
                read("a,b\n0,3\n4,0\n", four),
                "t.csv: line 3, column 1 (\"a\") is \"4\", but must be one of 0, 1, 2, 3, as declared by",
            ),
            (
                read(PEOPLE, misspelt),
                "ignore is colours, but must be names of columns, of which t.csv has colour, smokes, age",
            ),
            (
                read("a,a\nx,1\ny,0\n", AUTO),
                "t.csv: column 2 (\"a\") has the name of another; rename it",
            ),
            (read("a,b\nx,1\ny\n", AUTO), "t.csv: line 3 has 1 cell, but line 1 has 2 cells"),
            (
                read(",b\n1,1\n2,0\n", AUTO),
                "t.csv: line 1, column 1 is empty: below it are names of the",
            ),
            (read("a,b\n", AUTO), "t.csv: holds no examples"),
            (read("# nothing\n", AUTO), "t.csv: holds no examples"),
        ] {
            let error = found.unwrap_err();
            assert!(error.starts_with(message), "{error}\ndoes not say: {message}");
        }
    }

    #[test]
    fn columns_of_one_value_are_left_out_with_a_note() {
        let note = |text: &str| read_plain(text, AUTO).unwrap().inferred();
        let one = "t.csv: column 1 (\"a\") holds only the value x and is left out: there is nothing to learn in it";
        assert_eq!(note("a,b\nx,1\nNA,0\n").unwrap(), one);
        let none = note("a,b,c\n,1,y\nNA,0,y\n").unwrap();
        let both = "column 1 (\"a\") holds no value, column 3 (\"c\") holds only the value y";
        assert!(none.ends_with(&format!(
            "2 columns in which there is nothing to learn are left out: {both}"
        )));
        let model = read_plain("a,b\nx,1\nx,0\n", AUTO).unwrap();
        assert_eq!(model.columns().unwrap().header().unwrap(), ["b"]);
        // Other data for the model have the column, or lack it.
        for text in ["a,b\ny,1\n", "b\n1\n"] {
            let found = read_plain(text, Origin::Model(model.columns().unwrap())).unwrap();
            assert_eq!((found.n_visible(), found.inferred()), (1, None));
        }
        let unfit: String = (0..30).map(|n| format!("{n},{n},{}\n", n % 2)).collect();
        let error = read(&format!("id,key,c\n{unfit}"), AUTO).unwrap_err();
        assert!(
            error.contains("column 1 (\"id\") holds another value in each of the 30 examples"),
            "{error}"
        );
        let others = "(column 2 (\"key\") is no category either); leave it out by ignore = NAME";
        assert!(error.ends_with(others), "{error}");
    }
}
