//! Tables of other programs, such as frames of Python: the different values of each column, and a code for each
//! cell.

use super::Dataset;
use super::categories::{Header, Must, Origin, no_states};
use super::columns::MISSING;
use super::distinct::{Distinct, Lookup};
use super::encoding::Encoding;
use super::holes::Holes;
use super::lacked_columns::LackedColumns;
use crate::error::Result;
use ndarray::Array2;

/// The code of a cell without a value.
pub const NO_VALUE: i32 = -1;

/// A table of texts, each of which is kept once.
///
/// ```
/// use harmonium::dataset::{Categories, Coded, Encoding};
/// use ndarray::array;
/// let text = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
/// let table = Coded {
///     names: Some(text(&["smokes", "colour"])),
///     values: vec![text(&["True", "False"]), text(&["red", "blue", "green"])],
///     codes: array![[0, 1], [1, 0], [0, 2]],
/// };
/// let encoding = Encoding::Categories { categories: Categories::Auto, ignore: vec![] };
/// let people = table.dataset("people", &encoding)?;
/// assert_eq!(people.columns().unwrap().states(1), ["blue", "green", "red"]);
/// assert_eq!((people.intensity(0, 0), people.intensity(0, 1)), (1.0, 1.0)); // True, and the first colour
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Coded {
    /// The names of the columns, if they have any.
    pub names: Option<Vec<String>>,
    /// The different values of each column, in any order. A value need not occur.
    pub values: Vec<Vec<String>>,
    /// The place (N, columns) of each value in those of its column, or [`NO_VALUE`].
    pub codes: Array2<i32>,
}

impl Coded {
    /// The table as examples of columns, bits and categories, as a file of it would be read: see
    /// [`Dataset::read_as`]. Texts of numbers are numbers. A cell without a value is [missing](Dataset::missing).
    ///
    /// # Errors
    /// [`Error::BadCategory`](crate::Error::BadCategory) for a column of values that are not categories, or with
    /// the first cell that has an unknown value;
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for an ignored column that does not exist;
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory); as [`Dataset::with_missing`].
    ///
    /// # Panics
    /// If there are no examples, a code is not one of a value, or the encoding has no columns.
    pub fn dataset(&self, name: &str, encoding: &Encoding) -> Result<Dataset> {
        self.dataset_for(name, encoding, LackedColumns::Refuse)
    }

    /// As [`dataset`](Self::dataset), where a table for a model may lack columns of it as `lacked` says.
    ///
    /// # Errors
    /// As [`dataset`](Self::dataset), and [`Error::BadCategory`](crate::Error::BadCategory) as [`LackedColumns`] says.
    ///
    /// # Panics
    /// As [`dataset`](Self::dataset).
    pub fn dataset_for(
        &self,
        name: &str,
        encoding: &Encoding,
        lacked: LackedColumns,
    ) -> Result<Dataset> {
        let origin = encoding.origin()?.expect("an encoding of columns");
        let (n, width) = self.codes.dim();
        assert_eq!(self.values.len(), width, "values of each column");
        let mut header = Header::numbered(name, width);
        if let Some(names) = &self.names {
            header = Header { names: names.clone(), is_given: true, ..header };
        }
        let mark = encoding.missing_value();
        let is_mark = |text: &String| mark.is_some() && super::columns::finite(text) == mark;
        let (columns, places, left_out, lacked_columns) = match origin {
            Origin::Model(columns) => {
                let (places, note) = header.places(columns, lacked)?;
                (columns.clone(), places, None, note)
            }
            Origin::Data { .. } => {
                let mut chosen = header.chosen(origin)?;
                let (columns, left_out) = match header.declared(origin, &chosen) {
                    Some(columns) => (columns, None),
                    None => {
                        let kinds = chosen.iter().map(|&column| {
                            let (distinct, n_given) = self.distinct(column, is_mark);
                            distinct.kind(n_given)
                        });
                        let kinds = kinds.collect();
                        header.found(&mut chosen, kinds)?
                    }
                };
                (columns, chosen.into_iter().map(Some).collect(), left_out, None)
            }
        };
        let (mut states, mut holes) = (no_states(name, n, &columns)?, Holes::default());
        let shape = states.dim();
        for (site, place) in places.into_iter().enumerate() {
            let Some(column) = place else {
                for example in 0..n {
                    let what =
                        || format!("example {example} has no column \"{}\"", columns.name(site));
                    holes.note(shape, example, site, what);
                    states[[example, site]] = MISSING;
                }
                continue;
            };
            let lookup = Lookup::of(&columns, site);
            let state = |text: &String| lookup.of_text(text, super::columns::finite(text));
            let of_values: Vec<_> = self.values[column].iter().map(state).collect();
            for (example, &code) in self.codes.column(column).iter().enumerate() {
                let has_mark = code != NO_VALUE && is_mark(&self.values[column][code as usize]);
                states[[example, site]] = match if has_mark { NO_VALUE } else { code } {
                    NO_VALUE => {
                        let label = header.label(column);
                        let what = || format!("example {example}, {label} has no value");
                        holes.note(shape, example, site, what);
                        MISSING
                    }
                    _ => of_values[code as usize].ok_or_else(|| {
                        let text = &self.values[column][code as usize];
                        let (place, value) = (format!("example {example}"), format!("\"{text}\""));
                        header.unknown(
                            &place,
                            column,
                            &value,
                            Must::of(origin, &columns, site, text),
                        )
                    })?,
                };
            }
        }
        let bits = columns.encode(name, states.view())?;
        let dataset = holes.missing_from(Dataset::from_columns(name, columns, bits))?;
        let encoding = dataset.encoding().marked(mark);
        let dataset = dataset.with_encoding(encoding);
        Ok(Dataset { left_out_columns: left_out, lacked_columns, ..dataset })
    }

    /// The values of a column that occur, and the number of cells that have one; those that are marks are none.
    fn distinct(&self, column: usize, is_mark: impl Fn(&String) -> bool) -> (Distinct, usize) {
        let mut occurs = vec![false; self.values[column].len()];
        let codes = self.codes.column(column);
        let is_none: Vec<_> = self.values[column].iter().map(is_mark).collect();
        let given = codes.iter().filter(|&&code| code != NO_VALUE && !is_none[code as usize]);
        let n_given = given.map(|&code| occurs[code as usize] = true).count();
        let mut distinct = Distinct::Texts(Vec::new());
        let values = self.values[column].iter().zip(occurs);
        values.filter(|(_, occurs)| *occurs).for_each(|(text, _)| distinct.note_text(text));
        (distinct, n_given)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Categories;
    use super::*;
    use ndarray::array;

    const AUTO: Encoding =
        Encoding::Categories { categories: Categories::Auto, ignore: Vec::new() };

    fn table(columns: &[&[&str]], codes: Array2<i32>) -> Coded {
        let texts = |texts: &&[&str]| texts.iter().map(|text| text.to_string()).collect();
        Coded { names: None, values: columns.iter().map(texts).collect(), codes }
    }

    /// A table of codes and the same table as a file have the same columns and bits.
    #[test]
    fn a_table_means_what_a_file_of_it_means() {
        let codes = array![[0, 1, 1], [1, 0, 0], [1, 2, 0]];
        let mut coded = table(&[&["1.0", "0"], &["11", "9", "10"], &["b", "a", "unused"]], codes);
        coded.names = Some(["flag", "count", "letter"].map(String::from).to_vec());
        let file = "flag,count,letter\n1.0,9,a\n0,11,b\n0,10,b\n";
        let read = Dataset::read_from("x", file.as_bytes(), AUTO).unwrap();
        let found = coded.dataset("x", &AUTO).unwrap();
        assert_eq!((found.columns(), found.bits()), (read.columns(), read.bits()));
        // By the columns of a model, in whatever order they are.
        let other = Coded {
            names: Some(["letter", "more", "count", "flag"].map(String::from).to_vec()),
            ..table(&[&["a"], &["?"], &["9"], &["1"]], array![[0, 0, 0, 0]])
        };
        let by_model = other.dataset("x", &read.encoding()).unwrap();
        assert_eq!(by_model.bits(), read.clone().first(1).unwrap().bits());
        // A column that is lacking is missing as it is for a file.
        let other = Coded {
            names: Some(["letter", "flag"].map(String::from).to_vec()),
            ..table(&[&["a"], &["1"]], array![[0, 0]])
        };
        let found = other.dataset_for("x", &read.encoding(), LackedColumns::Missing).unwrap();
        let file = Dataset::read_from("x", &b"flag,count,letter\n1,,a\n"[..], read.encoding());
        let expected = file.unwrap();
        assert_eq!((found.bits(), found.missing()), (expected.bits(), expected.missing()));
        let note = "the table lacks 1 of 3 columns, which counts as missing: count";
        assert_eq!(found.lacked_columns(), Some(note));
        other.dataset("x", &read.encoding()).unwrap_err();
        // A cell without a value is missing as it is in a file.
        coded.codes[[1, 2]] = NO_VALUE;
        let file = "flag,count,letter\n1.0,9,a\n0,11,\n0,10,b\n";
        let read = Dataset::read_from("x", file.as_bytes(), read.encoding()).unwrap();
        let found = coded.dataset("x", &read.encoding()).unwrap();
        assert_eq!((found.bits(), found.missing()), (read.bits(), read.missing()));
        let first = "example 1, column 3 (\"letter\") has no value";
        assert_eq!(found.first_missing().unwrap(), first);
    }

    #[test]
    fn cells_of_unknown_values_are_refused_by_their_place() {
        let good = table(&[&["a", "b"]], array![[0], [1]]).dataset("x", &AUTO).unwrap();
        for (texts, codes, encoding, message) in [
            (
                ["a", "c"],
                array![[0], [1]],
                &good.encoding(),
                "X: example 1, column 1 is \"c\", but must be one of a, b: the training data of",
            ),
            (
                ["a", "b"],
                array![[1], [NO_VALUE]],
                &AUTO,
                "X: has no column with two different values: column 1 holds only the value b",
            ),
        ] {
            let found = table(&[&texts], codes).dataset("X", encoding);
            let error = found.unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
