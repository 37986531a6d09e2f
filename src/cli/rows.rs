//! Results for each row of the data as read, in their order, so that a row that is left out moves no other.

use super::output::Output;
use crate::dataset::Dataset;
use csv::StringRecord;
use ndarray::{Array1, Array2, ArrayView2};

/// The rows of the data as read.
pub struct Rows {
    /// The row of each example (N).
    of_examples: Vec<usize>,
    /// Number of rows.
    n: usize,
    /// The name of each row, if it has one: of a sequence of a file, the first word of its title.
    names: Option<Vec<String>>,
    /// The column of the data that holds the names, if one does.
    column: Option<String>,
}

impl Rows {
    pub fn of(data: &Dataset) -> Self {
        let column = data.titles_column().map(String::from);
        let name = |title: &String| match &column {
            None => title.split_whitespace().next().unwrap_or_default().to_string(),
            Some(_) => title.clone(),
        };
        let names = data.titles_of_rows().map(|titles| titles.iter().map(name).collect());
        let of_examples = data.rows_of_examples();
        Self { of_examples, n: data.n_rows(), names, column }
    }

    /// The examples alone, without the rows that are left out.
    pub fn of_examples(data: &Dataset) -> Self {
        let (n, names) = (data.n_examples(), data.titles().map(<[String]>::to_vec));
        let column = data.titles_column().map(String::from);
        Self { of_examples: (0..n).collect(), n, names, column }
    }

    /// The bytes of a table with a line for each row, and perhaps a header. If a column of the data holds names, it
    /// comes first, under its own name: other commands find it there. The others are then `column1`, `column2`, … if
    /// they have no names.
    pub fn with_names(&self, out: &Output, table: Vec<u8>) -> Vec<u8> {
        match &self.column {
            Some(_) => self.with_titles(out, table),
            None => table,
        }
    }

    /// The same, also for the names of sequences, whose column is `name`.
    pub fn with_titles(&self, out: &Output, table: Vec<u8>) -> Vec<u8> {
        let Some(names) = self.names.as_ref().filter(|_| out.is_table()) else { return table };
        let mut reader = out.table_reader(&table);
        let mut lines =
            reader.records().collect::<Result<Vec<_>, _>>().expect("a table as written");
        if lines.len() == names.len() {
            let n_columns = lines.first().map_or(0, StringRecord::len);
            lines.insert(0, (1..=n_columns).map(|column| format!("column{column}")).collect());
        }
        let mut written = out.table_writer();
        let names = names.iter().map(String::as_str);
        for (name, line) in [self.heading()].into_iter().chain(names).zip(&lines) {
            let cells = [name].into_iter().chain(line);
            written.write_record(cells).expect("writing to memory does not fail");
        }
        written.into_inner().expect("writing to memory does not fail")
    }

    /// Figures of the examples (N, K) as those of all rows: `nothing` for a row that is left out.
    pub fn spread<T: Copy>(&self, figures: ArrayView2<'_, T>, nothing: T) -> Array2<T> {
        let mut all = Array2::from_elem((self.n, figures.ncols()), nothing);
        for (figures, &row) in figures.rows().into_iter().zip(&self.of_examples) {
            all.row_mut(row).assign(&figures);
        }
        all
    }

    /// The row of each example (N), if the data as read have this number of rows.
    pub fn if_of(&self, n_rows: usize) -> Option<&[usize]> {
        (self.n == n_rows).then_some(&self.of_examples)
    }

    /// The name of the column that names the rows: that of the data, `name` for names of sequences, or `example` for
    /// numbers from 0.
    pub fn heading(&self) -> &str {
        let usual = if self.names.is_some() { "name" } else { "example" };
        self.column.as_deref().unwrap_or(usual)
    }

    /// The name of a row, or its number from 0.
    fn name(&self, row: usize) -> String {
        self.names.as_ref().map_or_else(|| row.to_string(), |names| names[row].clone())
    }

    /// The names of the examples, if a column of the data holds them.
    pub fn names_of_examples(&self) -> Option<Vec<&str>> {
        let names = self.names.as_ref().filter(|_| self.column.is_some())?;
        Some(self.of_examples.iter().map(|&row| &names[row][..]).collect())
    }

    /// The names of all rows, if they have any.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The name of the row of an example.
    pub fn name_of_example(&self, example: usize) -> String {
        self.name(self.of_examples[example])
    }

    /// The bytes of a figure (N) of each example, NaN for a row that is left out. A table has a line for each row: its
    /// name, or its number from 0 as `example`, and the figure, or nothing.
    ///
    /// # Panics
    /// If the format holds no array.
    pub fn encode(&self, out: &Output, name: &str, figures: &Array1<f64>) -> Vec<u8> {
        let all = self.spread(figures.view().insert_axis(ndarray::Axis(1)), f64::NAN);
        if !out.is_table() {
            return out.encode(name, &all.column(0).to_owned());
        }
        let text = |x: f64| if x.is_nan() { String::new() } else { x.to_string() };
        let rows = (0..self.n).map(|row| [self.name(row), text(all[[row, 0]])]);
        let mut table = out.table_writer();
        [[self.heading().to_string(), name.to_string()]]
            .into_iter()
            .chain(rows)
            .try_for_each(|row| table.write_record(row))
            .expect("writing to memory does not fail");
        table.into_inner().expect("writing to memory does not fail")
    }
}
