//! Columns of a table that are read apart from the others, such as labels and weights.
//!
//! They are found in the header. The readers of tables take their cells in the pass in which they take the others.

use super::categories::listed;
use super::holes::Holes;
use super::lined::Files;
use super::text::{Cell, FirstRow, LEAST_COUNT, Row, Text, quoted};
use crate::error::{Error, Result};
use std::io::{self, ErrorKind};
use std::path::Path;

/// A column that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Its name.
    pub name: String,
    /// What it holds: `labels` or `weights`.
    pub role: &'static str,
    /// What is said if there is no such column.
    pub otherwise: Otherwise,
}

/// What is said if data have no such column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// Nothing.
    Optional,
    /// They have no such column.
    NoColumn,
    /// There is neither a file nor a column of this name.
    NoFile,
}

impl Wanted {
    /// The error for data without this column, which have what `found` says.
    fn refused(&self, path: &Path, found: &str) -> Error {
        let (name, data) = (&self.name, path.display());
        match self.otherwise {
            Otherwise::NoFile => {
                let cause = format!("there is no such file, and no such column: {data} {found}");
                let cause = io::Error::new(ErrorKind::NotFound, cause);
                Error::Io { path: name.into(), action: "read", cause }
            }
            Otherwise::NoColumn | Otherwise::Optional => {
                let role = self.role;
                let rule = format!("{found}, but must have a column \"{name}\" of {role}");
                Error::Unsuitable { path: path.into(), rule }
            }
        }
    }

    /// The columns that are asked for among those of data that are no table, if they are there. `columns` are the
    /// names, and `cells` gives the cells of one.
    ///
    /// # Errors
    /// As [`refuse_any`](Self::refuse_any).
    pub fn among(
        wanted: &[Self],
        path: &Path,
        columns: &[&str],
        cells: impl Fn(usize) -> Vec<String>,
    ) -> Result<Vec<Option<ColumnApart>>> {
        let found = match columns {
            [] => "is no table with a header, and has no labels or weights".to_string(),
            _ => format!("has the columns {}", columns.join(", ")),
        };
        let of = |wanted: &Self| match columns.iter().position(|name| *name == wanted.name) {
            None if wanted.otherwise == Otherwise::Optional => Ok(None),
            None => Err(wanted.refused(path, &found)),
            Some(place) => Ok(Some(ColumnApart {
                data: path.display().to_string(),
                name: wanted.name.clone(),
                place,
                cells: cells(place),
                lines: Vec::new(),
                files: Files::default(),
            })),
        };
        wanted.iter().map(of).collect()
    }

    /// Refuses data that are no table, unless all these columns are optional.
    ///
    /// # Errors
    /// [`Error::Unsuitable`], or [`Error::Io`] for what could be the name of a file.
    pub fn refuse_any(wanted: &[Self], path: &Path) -> Result<()> {
        match wanted.iter().find(|wanted| wanted.otherwise != Otherwise::Optional) {
            Some(wanted) => Err(wanted.refused(path, "is no table with a header")),
            None => Ok(()),
        }
    }
}

/// A column that is read apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnApart {
    /// The name of the data in messages.
    pub data: String,
    /// Its name.
    pub name: String,
    /// Its place in a row, from 0.
    place: usize,
    /// The cells, one for each example.
    pub cells: Vec<String>,
    /// The line of each, from 1 in the whole text; none if the data are no text.
    lines: Vec<usize>,
    /// The files that have the lines.
    files: Files,
}

impl ColumnApart {
    /// The column in messages.
    pub fn label(&self) -> String {
        format!("column {} (\"{}\")", self.place + 1, self.name)
    }

    /// This column, with the cells of another below its own.
    pub fn followed_by(mut self, other: Self) -> Self {
        self.cells.extend(other.cells);
        self
    }

    /// The error for the cell of an example: its place, what it holds, and the rule.
    pub fn refused(&self, example: usize, rule: &str) -> Error {
        let found = quoted(self.cells[example].as_bytes());
        let place = match self.lines.get(example) {
            Some(&line) => self.files.place(line).to_string(),
            None => format!("example {example}"),
        };
        let rule = format!("{place}, {} is {found}, but must be {rule}", self.label());
        Error::BadCategory { data: self.data.clone(), rule, remedy: None }
    }
}

/// The columns of a table that are read apart, as far as they are read.
#[derive(Clone, Debug, Default)]
pub(super) struct ColumnsApart {
    /// Those that are asked for, if they are there.
    columns: Vec<Option<ColumnApart>>,
    /// Where the row of each example is found: [`Row::from`].
    rows: Vec<usize>,
}

impl ColumnsApart {
    /// Finds the columns in the header of a table. Without them, its other columns have names or count.
    ///
    /// # Errors
    /// For a column that is not there, as [`Wanted::refuse_any`]; [`Error::Unsuitable`] if two columns have its
    /// name, it would hold both labels and weights, or there are no others.
    pub fn of(path: &Path, text: &Text<'_>, wanted: &[Wanted]) -> Result<Self> {
        let Some(first) = text.first_row().filter(|_| !wanted.is_empty()) else {
            return Wanted::refuse_any(wanted, path).map(|()| Self::default());
        };
        let unsuitable = |rule| Err(Error::Unsuitable { path: path.into(), rule });
        let cells: Vec<_> = first.iter().map(|cell| &cell[..]).collect();
        let place = |name: &str| cells.iter().position(|cell| *cell == name.as_bytes());
        let others = besides(&cells, wanted);
        let is_header = is_header(&cells, wanted);
        let mut columns: Vec<Option<ColumnApart>> = Vec::new();
        for wanted in wanted {
            let (name, role) = (&wanted.name, wanted.role);
            let Some(place) = place(name).filter(|_| is_header) else {
                if wanted.otherwise != Otherwise::Optional {
                    return Err(wanted.refused(path, &shown_header(&cells)));
                }
                columns.push(None);
                continue;
            };
            let column = ColumnApart {
                data: path.display().to_string(),
                name: name.clone(),
                place,
                cells: Vec::new(),
                lines: Vec::new(),
                files: text.files().clone(),
            };
            if columns.iter().flatten().any(|other| other.place == place) {
                let label = column.label();
                return unsuitable(format!("{label} cannot be {role}, as it holds others as well"));
            }
            let last = cells.iter().rposition(|cell| *cell == name.as_bytes());
            if let Some(place) = last.filter(|last| *last != place) {
                let label = ColumnApart { place, ..column }.label();
                return unsuitable(format!("{label} has the name of another; rename it"));
            }
            columns.push(Some(column));
        }
        if others.is_empty() && is_header {
            let names: Vec<_> = columns.iter().flatten().map(|column| &column.name[..]).collect();
            return unsuitable(format!("has no column besides {}", names.join(", ")));
        }
        Ok(Self { columns, rows: Vec::new() })
    }

    /// Whether no column is read apart.
    pub fn are_none(&self) -> bool {
        self.columns.iter().all(Option::is_none)
    }

    /// The places of the columns in a row.
    pub fn places(&self) -> Vec<usize> {
        self.columns.iter().flatten().map(|column| column.place).collect()
    }

    /// Takes the cells of the next example, whose row has the length of the header.
    pub fn push(&mut self, row: &Row<'_>) {
        for column in self.columns.iter_mut().flatten() {
            column.cells.push(String::from_utf8_lossy(row.cells[column.place]).into_owned());
        }
        if !self.are_none() {
            self.rows.push(row.from);
        }
    }

    /// The columns that were asked for, if they are there. Cells (examples, places) that are `hidden` are empty.
    pub fn finish(mut self, text: &Text<'_>, hidden: &Holes) -> Vec<Option<ColumnApart>> {
        let lines = text.lines(&self.rows);
        for column in self.columns.iter_mut().flatten() {
            column.lines.clone_from(&lines);
            let cells = column.cells.iter_mut().enumerate();
            cells.filter(|(at, _)| hidden.has(*at, column.place)).for_each(|(_, c)| c.clear());
        }
        self.columns
    }
}

/// The cells of a first row that are not asked for.
fn besides<'a>(cells: &[&'a [u8]], wanted: &[Wanted]) -> Vec<&'a [u8]> {
    let is_apart = |cell: &[u8]| wanted.iter().any(|wanted| wanted.name.as_bytes() == cell);
    cells.iter().copied().filter(|cell| !is_apart(cell)).collect()
}

/// Whether a first row has names of columns: its cells besides those that are asked for are names, or one of these is
/// there. Other names may then be numbers, such as those of films; but a name that may be missing is no proof beside
/// few.
pub(super) fn is_header(cells: &[&[u8]], wanted: &[Wanted]) -> bool {
    let is_name = |cell: &[u8]| Cell::of(cell) == Cell::Text;
    let others = besides(cells, wanted);
    let is_proof = |wanted: &Wanted| {
        let (name, are_many) = (wanted.name.as_bytes(), others.len() >= LEAST_COUNT);
        let is_sure = wanted.otherwise != Otherwise::Optional || are_many;
        is_sure && is_name(name) && cells.contains(&name)
    };
    match others[..] {
        [] => cells.iter().all(|cell| is_name(cell)),
        _ => wanted.iter().any(is_proof) || !matches!(FirstRow::of(&others), FirstRow::Example),
    }
}

/// The columns of a table with this first row, in messages.
fn shown_header(cells: &[&[u8]]) -> String {
    let names: Vec<_> = cells.iter().map(|cell| String::from_utf8_lossy(cell)).collect();
    match FirstRow::of(cells) {
        FirstRow::Example => "has no names of columns in its first line".to_string(),
        FirstRow::Names | FirstRow::Unnamed => format!("has the columns {}", listed(&names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, role: &'static str, otherwise: Otherwise) -> Wanted {
        Wanted { name: name.into(), role, otherwise }
    }

    fn apart(text: &str, wanted: &[Wanted]) -> Result<Vec<Option<ColumnApart>>, String> {
        let text = Text::of_texts(text.as_bytes());
        let mut apart = ColumnsApart::of(Path::new("t.csv"), &text, wanted)
            .map_err(|error| error.to_string())?;
        let mut is_header = true;
        text.each_row(|row| {
            if !std::mem::take(&mut is_header) {
                apart.push(&row);
            }
            Ok(())
        })
        .unwrap();
        Ok(apart.finish(&text, &Holes::default()))
    }

    #[test]
    fn cells_keep_their_lines_and_columns_their_numbers() {
        let text = "# a comment\na;class;b;w\n\n1;cat;\"x;\ny\";2\n# more\n2;;z;0.5\n";
        let labels = wanted("class", "labels", Otherwise::NoColumn);
        let other = wanted("none", "labels", Otherwise::Optional);
        let weights = wanted("w", "weights", Otherwise::NoFile);
        let found = apart(text, &[labels, other, weights]).unwrap();
        let [Some(labels), None, Some(weights)] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (&labels.cells[..], &labels.lines[..]),
            (&["cat".into(), String::new()][..], &[4, 7][..])
        );
        assert_eq!(weights.cells, ["2", "0.5"]);
        assert_eq!(
            weights.refused(1, "even").to_string(),
            "t.csv: line 7, column 4 (\"w\") is \"0.5\", but must be even"
        );
    }

    #[test]
    fn a_header_may_count_without_them() {
        let kind = || wanted("kind", "labels", Otherwise::Optional);
        let found =
            |text: &str| apart(text, &[kind()]).unwrap()[0].clone().map(|found| found.cells);
        assert_eq!(found("0,1,2,kind\n1,0,1,a\n").unwrap(), ["a"]);
        assert_eq!(found("kind,colour\nx,#a\n").unwrap(), ["x"]);
        assert_eq!(found("colour,size\nx,1\n"), None);
        assert_eq!(found("1,kind\n0,kind\n"), None, "a table without a header");
        assert_eq!(found("kind,10,17,1984\na,1,,2\n").unwrap(), ["a"], "names that are numbers");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let class = |otherwise| wanted("class", "labels", otherwise);
        let weights = wanted("class", "weights", Otherwise::NoColumn);
        for (text, wanted, message) in [
            (
                "a,b\n1,2\n",
                vec![class(Otherwise::NoColumn)],
                "t.csv: has the columns a, b, but must have a column \"class\" of labels",
            ),
            (
                "a,b\n1,2\n",
                vec![class(Otherwise::NoFile)],
                "class: cannot read: there is no such file, and no such column: t.csv has the columns a, b",
            ),
            (
                "1,2\n3,4\n",
                vec![class(Otherwise::NoColumn)],
                "t.csv: has no names of columns in its first line, but must have a column \"class\" of labels",
            ),
            ("class\n1\n", vec![class(Otherwise::Optional)], "t.csv: has no column besides class"),
            (
                "class,a,class\nx,1,y\n",
                vec![class(Otherwise::Optional)],
                "t.csv: column 3 (\"class\") has the name of another; rename it",
            ),
            (
                "class,a\nx,1\n",
                vec![class(Otherwise::Optional), weights],
                "t.csv: column 1 (\"class\") cannot be weights, as it holds others as well",
            ),
        ] {
            assert_eq!(apart(text, &wanted).unwrap_err(), message);
        }
    }
}
