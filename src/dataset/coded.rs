//! Tables of other programs, such as frames of Python: the different values of each column, and a code for each
//! cell.

use super::categories::{Distinct, Header, Lookup, must, no_states};
use super::columns::Columns;
use super::encoding::Encoding;
use crate::bits::BitMatrix;
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
/// let (columns, bits) = table.encode("people", &encoding)?;
/// assert_eq!(columns.states(1), ["blue", "green", "red"]);
/// assert_eq!(bits.row(0), [0b1001]); // True, and the last colour
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
    /// The columns, bits and categories, and the one-hot bits (N, units) of the table, as a file of it would be
    /// read: see [`Dataset::read_as`](super::Dataset::read_as). Texts of numbers are numbers.
    ///
    /// # Errors
    /// [`Error::BadCategory`](crate::Error::BadCategory) for a column of values that are not categories, or with
    /// the first cell that has no value or an unknown one;
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for an ignored column that does not exist;
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    ///
    /// # Panics
    /// If a code is not one of a value, or the encoding has no columns.
    pub fn encode(&self, name: &str, encoding: &Encoding) -> Result<(Columns, BitMatrix)> {
        let origin = encoding.origin()?.expect("an encoding of columns");
        let (n, width) = self.codes.dim();
        assert_eq!(self.values.len(), width, "values of each column");
        let mut header = Header::numbered(name, width);
        if let Some(names) = &self.names {
            header = Header { names: names.clone(), is_given: true, ..header };
        }
        let chosen = header.chosen(origin)?;
        let refused = |example: usize, column: usize, value: &str, rule: String| {
            header.unknown(&format!("example {example}"), column, value, rule)
        };
        for (example, codes) in self.codes.outer_iter().enumerate() {
            if let Some(&column) = chosen.iter().find(|&&column| codes[column] == NO_VALUE) {
                let rule = "a state; remove examples with missing values, or fill them";
                return Err(refused(example, column, "empty", rule.into()));
            }
        }
        let columns = match header.declared(origin, &chosen) {
            Some(columns) => columns,
            None => {
                let kinds =
                    chosen.iter().map(|&column| header.kind_of(column, &self.distinct(column), n));
                header.columns(&chosen, kinds.collect::<Result<_>>()?)
            }
        };
        let mut states = no_states(name, n, &columns)?;
        for (site, &column) in chosen.iter().enumerate() {
            let lookup = Lookup::of(&columns, site);
            let state = |text: &String| lookup.of_text(text, super::columns::finite(text));
            let of_values: Vec<_> = self.values[column].iter().map(state).collect();
            for (example, &code) in self.codes.column(column).iter().enumerate() {
                states[[example, site]] = of_values[code as usize].ok_or_else(|| {
                    let value = format!("\"{}\"", self.values[column][code as usize]);
                    refused(example, column, &value, must(origin, &columns, site))
                })?;
            }
        }
        let bits = columns.encode(name, states.view())?;
        Ok((columns, bits))
    }

    /// The values of a column that occur.
    fn distinct(&self, column: usize) -> Distinct {
        let mut occurs = vec![false; self.values[column].len()];
        self.codes.column(column).iter().for_each(|&code| occurs[code as usize] = true);
        let mut distinct = Distinct::Texts(Vec::new());
        let values = self.values[column].iter().zip(occurs);
        values.filter(|(_, occurs)| *occurs).for_each(|(text, _)| distinct.note_text(text));
        distinct
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Categories, Dataset};
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
        let (columns, bits) = coded.encode("x", &AUTO).unwrap();
        assert_eq!(Some(&columns), read.columns());
        let units = (0..3).flat_map(|n| (0..columns.n_units()).map(move |unit| (n, unit)));
        units.for_each(|(n, unit)| {
            assert_eq!(
                f64::from(u8::from(bits.get(n, unit))),
                read.intensity(n, unit),
                "{n} {unit}"
            );
        });
        // By the columns of a model, in whatever order they are.
        let other = Coded {
            names: Some(["letter", "more", "count", "flag"].map(String::from).to_vec()),
            ..table(&[&["a"], &["?"], &["9"], &["1"]], array![[0, 0, 0, 0]])
        };
        let (by_model, found) = other.encode("new", &read.encoding()).unwrap();
        assert_eq!((by_model, found), (columns, bits.rows(0..1)));
    }

    #[test]
    fn cells_without_a_known_value_are_refused_by_their_place() {
        let good = table(&[&["a", "b"]], array![[0], [1]]);
        let good = Encoding::Columns(good.encode("x", &AUTO).unwrap().0.into());
        for (texts, codes, encoding, message) in [
            (
                ["a", "b"],
                array![[0], [-1]],
                &AUTO,
                "X: example 1, column 1 is empty, but must be a state; remove examples",
            ),
            (
                ["a", "c"],
                array![[0], [1]],
                &good,
                "X: example 1, column 1 is \"c\", but must be one of a, b: the training data of",
            ),
            (
                ["a", "b"],
                array![[1], [1]],
                &AUTO,
                "X: column 1 holds only the value b, so there is nothing to learn in it",
            ),
        ] {
            let found = table(&[&texts], codes).encode("X", encoding);
            let error = found.unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
