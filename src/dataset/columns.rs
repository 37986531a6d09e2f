//! The columns of data: bits and categories, with the names of their values.
//!
//! ```text
//!  texts, numbers, letters ──► states (N, columns) ──encode──► one-hot bits (N, units)
//!  FASTA, CSV, arrays      ◄── states              ◄─decode──  samples
//! ```

use super::alphabet::{Alphabet, MAX_STATES, UnknownLetters};
use crate::bits::{BitMatrix, WORD};
use crate::error::Result;
use crate::memory::{self, Bytes, Need};
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// The fact of a model file that names the units, if they are columns of a table of bits or numbers with a header.
pub const UNIT_NAMES: &str = "unit_names";

/// The names of the units that the facts of a model file or of packed data record, if they record any.
pub fn recorded_unit_names(facts: &Map<String, Value>) -> Option<Vec<String>> {
    facts.get(UNIT_NAMES)?.as_array().map(|names| texts(names))
}

/// Names as they are recorded.
pub(super) fn texts(names: &[Value]) -> Vec<String> {
    names.iter().map(|name| name.as_str().unwrap_or_default().to_string()).collect()
}

/// Whether these are the names of columns: they differ, and do not only count.
pub(super) fn are_names(names: &[String]) -> bool {
    let differ = names.iter().collect::<HashSet<_>>().len() == names.len();
    differ && names.iter().any(|name| finite(name).is_none())
}

/// The state of a site without a value.
pub(super) const MISSING: u8 = u8::MAX;

/// The values that a column can have, by their names as the data write them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// One unit, off for the first name and on for the second.
    Bit([String; 2]),
    /// One unit for each state, 2 to 255 of them, exactly one of which is on.
    Category(Vec<String>),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name in the header, or its number from 1.
    pub name: String,
    /// Its values.
    #[serde(flatten)]
    pub kind: ColumnKind,
}

impl Column {
    /// The names of its values, by state.
    pub fn states(&self) -> &[String] {
        match &self.kind {
            ColumnKind::Bit(names) => names,
            ColumnKind::Category(names) => names,
        }
    }

    fn is_bit(&self) -> bool {
        matches!(self.kind, ColumnKind::Bit(_))
    }
}

/// The columns of data in their order, each a bit or a category: what the units of an example stand for.
/// The model keeps them, and other data for the model are read by them.
///
/// ```
/// use harmonium::dataset::{Column, ColumnKind, Columns};
/// use ndarray::array;
/// let of = |name: &str, kind| Column { name: name.into(), kind };
/// let columns = Columns::table(vec![
///     of("smokes", ColumnKind::Bit(["no".into(), "yes".into()])),
///     of("colour", ColumnKind::Category(["blue", "green", "red"].map(String::from).to_vec())),
/// ]);
/// assert_eq!((columns.sites(), columns.n_units()), (vec![1, 3], 4));
/// let bits = columns.encode("people", array![[1, 2]].view())?;
/// assert_eq!(bits.to_array(u8::from), array![[1, 0, 0, 1]]);
/// assert_eq!(columns.rows(&bits).next(), Some(vec!["yes", "red"]));
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Columns(pub(super) Form);

/// The form of the data, as model files record it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    /// Sequences: each site has a letter of the alphabet.
    Sequences {
        /// The letters by state.
        alphabet: String,
        /// Number of sites.
        length: usize,
        /// What is done with other letters.
        unknown_letters: UnknownLetters,
    },
    /// Columns with a header.
    Table(Vec<Column>),
    /// Columns without a header.
    Array {
        /// Number of columns, with those that are ignored.
        width: usize,
        /// The others.
        columns: Vec<Column>,
    },
}

impl Columns {
    /// The columns of a table with a header.
    ///
    /// # Panics
    /// If there are none, two have one name, or one does not have 2 to 255 different states.
    pub fn table(columns: Vec<Column>) -> Self {
        Self::try_from(Form::Table(columns)).expect("columns")
    }

    /// Columns of bits without a header, of 0 and 1 or of spins.
    #[cfg(feature = "cli")]
    pub(crate) fn of_bits(n: usize, are_spins: bool) -> Self {
        let names = if are_spins { ["-1", "1"] } else { ["0", "1"] };
        let column = |at: usize| Column {
            name: (at + 1).to_string(),
            kind: ColumnKind::Bit(names.map(String::from)),
        };
        Self(Form::Array { width: n, columns: (0..n).map(column).collect() })
    }

    /// Columns without a header of these numbers of units: 1 for a bit, else q for the states 0 to q − 1.
    ///
    /// # Panics
    /// If there are none, or one has more than 255 states.
    pub fn of_sites(sites: &[usize]) -> Self {
        let names = |n: usize| (0..n).map(|state| state.to_string()).collect();
        let kind = |&n_units: &usize| match n_units {
            1 => ColumnKind::Bit(["0".into(), "1".into()]),
            q => ColumnKind::Category(names(q)),
        };
        let columns = (1..).zip(sites.iter().map(kind));
        let columns =
            columns.map(|(at, kind): (usize, _)| Column { name: at.to_string(), kind }).collect();
        Self::try_from(Form::Array { width: sites.len(), columns }).expect("columns")
    }

    /// The sites of sequences of this length, of these letters.
    ///
    /// # Panics
    /// If the length is 0, or there are not 2 to 255 different letters.
    pub(super) fn sequences(alphabet: String, length: usize, unknown: UnknownLetters) -> Self {
        let form = Form::Sequences { alphabet, length, unknown_letters: unknown };
        Self::try_from(form).expect("sequences")
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        match &self.0 {
            Form::Sequences { length, .. } => *length,
            Form::Table(columns) | Form::Array { columns, .. } => columns.len(),
        }
    }

    /// The units of each column: 1 for a bit, else the number of states.
    pub fn sites(&self) -> Vec<usize> {
        match &self.0 {
            Form::Sequences { alphabet, length, .. } => vec![alphabet.len(); *length],
            Form::Table(columns) | Form::Array { columns, .. } => {
                let site = |column: &Column| match &column.kind {
                    ColumnKind::Bit(_) => 1,
                    ColumnKind::Category(names) => names.len(),
                };
                columns.iter().map(site).collect()
            }
        }
    }

    /// V: the sum of [`sites`](Self::sites).
    pub fn n_units(&self) -> usize {
        self.sites().iter().sum()
    }

    /// Whether a column is a category.
    pub fn has_categories(&self) -> bool {
        self.sites().iter().any(|&n_units| n_units > 1)
    }

    /// The letters by state, if the data are sequences.
    pub fn alphabet(&self) -> Option<&str> {
        match &self.0 {
            Form::Sequences { alphabet, .. } => Some(alphabet),
            Form::Table(_) | Form::Array { .. } => None,
        }
    }

    /// The names of the columns, if the data have a header.
    pub fn header(&self) -> Option<Vec<&str>> {
        match &self.0 {
            Form::Table(columns) => Some(columns.iter().map(|column| &column.name[..]).collect()),
            Form::Sequences { .. } | Form::Array { .. } => None,
        }
    }

    /// A column of bits or spins of each of these names.
    pub(super) fn of_units(names: Vec<String>, are_spins: bool) -> Self {
        let states = if are_spins { ["-1", "1"] } else { ["0", "1"] };
        let bit = |name| Column { name, kind: ColumnKind::Bit(states.map(String::from)) };
        Self::table(names.into_iter().map(bit).collect())
    }

    /// The name of a column: its name in the header, or its number from 1.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn name(&self, column: usize) -> Cow<'_, str> {
        match &self.0 {
            Form::Sequences { length, .. } => {
                assert!(column < *length, "column {column} of {length}");
                (column + 1).to_string().into()
            }
            Form::Table(columns) | Form::Array { columns, .. } => columns[column].name[..].into(),
        }
    }

    /// The name of a value.
    ///
    /// # Panics
    /// If there is no such column or state.
    pub fn state(&self, column: usize, state: usize) -> &str {
        match &self.0 {
            Form::Sequences { alphabet, .. } => &alphabet[state..=state],
            Form::Table(columns) | Form::Array { columns, .. } => &columns[column].states()[state],
        }
    }

    /// The names of all states of a column, in order.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn states(&self, column: usize) -> Vec<&str> {
        let n = match &self.0 {
            Form::Sequences { alphabet, .. } => alphabet.len(),
            Form::Table(columns) | Form::Array { columns, .. } => columns[column].states().len(),
        };
        (0..n).map(|state| self.state(column, state)).collect()
    }

    /// The names of the units (V), such as `colour=red`: of a bit that of its second value.
    pub fn unit_names(&self) -> Vec<String> {
        let of_column = |(column, n_units): (usize, usize)| {
            let states = if n_units == 1 { 1..2 } else { 0..n_units };
            let name = self.name(column);
            states.map(move |state| format!("{name}={}", self.state(column, state)))
        };
        self.sites().into_iter().enumerate().flat_map(of_column).collect()
    }

    /// The numbers of the values of a column, by state: their names, if all are numbers, else 0, 1, 2, ….
    ///
    /// # Panics
    /// If there is no such column.
    pub fn numbers(&self, column: usize) -> Vec<f64> {
        let (Form::Table(columns) | Form::Array { columns, .. }) = &self.0 else {
            return (0..self.alphabet().map_or(0, str::len)).map(|state| state as f64).collect();
        };
        let states = columns[column].states();
        let named: Option<Vec<f64>> = states.iter().map(|name| finite(name)).collect();
        named.unwrap_or_else(|| (0..states.len()).map(|state| state as f64).collect())
    }

    /// The same sequences, with other letters read in this way; `None` for tables.
    pub(super) fn reading(&self, unknown_letters: UnknownLetters) -> Option<Self> {
        let Form::Sequences { alphabet, length, .. } = &self.0 else { return None };
        Some(Self::sequences(alphabet.clone(), *length, unknown_letters))
    }

    /// Whether a column is a bit.
    ///
    /// # Panics
    /// If there is no such column.
    pub(super) fn is_bit(&self, column: usize) -> bool {
        match &self.0 {
            Form::Sequences { .. } => false,
            Form::Table(columns) | Form::Array { columns, .. } => {
                matches!(columns[column].kind, ColumnKind::Bit(_))
            }
        }
    }

    /// One-hot bits (N, units) of the states (N, columns) of some examples. A site of state 255 has no value:
    /// its units are off. The error for too many examples calls them `data`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    ///
    /// # Panics
    /// If there is another number of columns, or no such state.
    pub fn encode(&self, data: &str, states: ArrayView2<'_, u8>) -> Result<BitMatrix> {
        let (places, n_units) = self.places();
        assert_eq!(states.ncols(), places.len(), "columns");
        let bytes = BitMatrix::bytes(states.nrows(), n_units);
        let what = || format!("{data}: {} examples of {n_units} units", states.nrows());
        memory::check(what, &[Need::new(bytes, &[])])?;
        let mut bits = BitMatrix::zeros(states.nrows(), n_units);
        for (n, states) in states.outer_iter().enumerate() {
            let row = bits.row_mut(n);
            for (place, &state) in places.iter().zip(states).filter(|(_, state)| **state != MISSING)
            {
                let state = usize::from(state);
                assert!(state < place.n_states, "state {state} of {}", place.n_states);
                match place.is_bit {
                    true => row[place.first / WORD] |= (state as u64) << (place.first % WORD),
                    false => {
                        let unit = place.first + state;
                        row[unit / WORD] |= 1 << (unit % WORD);
                    }
                }
            }
        }
        Ok(bits)
    }

    /// The states (N, columns) of one-hot bits (N, units).
    ///
    /// # Panics
    /// If there is another number of units, or not exactly one unit of a category is on.
    pub fn decode(&self, bits: &BitMatrix) -> Array2<u8> {
        let (places, n_units) = self.places();
        assert_eq!(bits.n_columns(), n_units, "units");
        Array2::from_shape_fn((bits.n_rows(), places.len()), |(n, column)| {
            let place = &places[column];
            if place.is_bit {
                return u8::from(bits.get(n, place.first));
            }
            let mut on = (0..place.n_states).filter(|state| bits.get(n, place.first + state));
            let (state, others) = (on.next(), on.count());
            assert!(state.is_some() && others == 0, "example {n}, column {column} is not one-hot");
            state.expect("one is on") as u8
        })
    }

    /// The [numbers](Self::numbers) (N, columns) of the values of each example, from its one-hot bits (N, units).
    ///
    /// # Panics
    /// As [`decode`](Self::decode).
    pub fn to_numbers(&self, bits: &BitMatrix) -> Array2<f64> {
        let numbers: Vec<_> = (0..self.n_columns()).map(|column| self.numbers(column)).collect();
        let states = self.decode(bits);
        let number = |(n, column)| numbers[column][usize::from(states[[n, column]])];
        Array2::from_shape_fn(states.dim(), number)
    }

    /// The names of the values of each example, from its one-hot bits (N, units).
    ///
    /// # Panics
    /// As [`decode`](Self::decode).
    pub fn rows(&self, bits: &BitMatrix) -> impl Iterator<Item = Vec<&str>> {
        let states = self.decode(bits);
        (0..states.nrows()).map(move |n| {
            let states = states.row(n).into_iter().enumerate();
            states.map(|(column, &state)| self.state(column, usize::from(state))).collect()
        })
    }

    /// The units of each column, and their number in all.
    fn places(&self) -> (Vec<Place>, usize) {
        let mut next = 0;
        let places = self.sites().into_iter().map(|n_units| {
            let first = next;
            next += n_units;
            Place { first, n_states: n_units.max(2), is_bit: n_units == 1 }
        });
        let places = places.collect();
        (places, next)
    }

    /// The memory of the states of `n` examples.
    pub(super) fn bytes_of_states(&self, n: usize) -> Bytes {
        Bytes::of::<u8>(&[n, self.n_columns()])
    }
}

/// Where the units of a column are.
struct Place {
    first: usize,
    n_states: usize,
    is_bit: bool,
}

/// The number that a text writes, unless it is infinite or NaN.
pub(super) fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|x: &f64| x.is_finite())
}

/// Columns in a few words, such as `27 sites of the letters ACGT`.
impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Form::Sequences { alphabet, length, .. } => {
                write!(f, "{length} sites of the {} letters {alphabet}", alphabet.len())
            }
            Form::Table(columns) | Form::Array { columns, .. } => {
                let n_bits = columns.iter().filter(|column| column.is_bit()).count();
                write!(f, "{n_bits} bits and {} categories", columns.len() - n_bits)
            }
        }
    }
}

impl TryFrom<Form> for Columns {
    type Error = String;

    /// Checks columns that a file records.
    fn try_from(form: Form) -> Result<Self, String> {
        let are_distinct = |names: &[&String]| {
            let mut seen = BTreeSet::new();
            names.iter().all(|name| seen.insert(*name))
        };
        match &form {
            Form::Sequences { alphabet, length, .. } => {
                if *length == 0 {
                    return Err("sequences of length 0".into());
                }
                let letters: Result<Alphabet> = alphabet.parse();
                if !matches!(&letters, Ok(Alphabet::Letters(letters)) if letters == alphabet) {
                    return Err(format!("`{alphabet}` is not a list of different letters"));
                }
            }
            Form::Table(columns) | Form::Array { columns, .. } => {
                let names: Vec<_> = columns.iter().map(|column| &column.name).collect();
                if names.is_empty() || !are_distinct(&names) {
                    return Err("columns without different names".into());
                }
                for column in columns {
                    let states: Vec<_> = column.states().iter().collect();
                    if !(2..=MAX_STATES).contains(&states.len()) || !are_distinct(&states) {
                        let rule = format!("2 to {MAX_STATES} different states");
                        return Err(format!("column {} does not have {rule}", column.name));
                    }
                }
            }
        }
        Ok(Self(form))
    }
}

impl From<Columns> for Form {
    fn from(columns: Columns) -> Self {
        columns.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use serde_json::json;

    fn category(name: &str, states: &[&str]) -> Column {
        let states = states.iter().map(|state| state.to_string()).collect();
        Column { name: name.into(), kind: ColumnKind::Category(states) }
    }

    fn bit(name: &str, states: [&str; 2]) -> Column {
        Column { name: name.into(), kind: ColumnKind::Bit(states.map(String::from)) }
    }

    #[test]
    fn states_of_all_sizes_read_back_from_their_bits() {
        let many: Vec<_> = (0..255).map(|state| format!("s{state}")).collect();
        let many: Vec<_> = many.iter().map(|state| &state[..]).collect();
        let columns = Columns::table(vec![
            category("two", &["a", "b"]),
            bit("bit", ["0", "1"]),
            category("many", &many),
            category("three", &["x", "y", "z"]),
            bit("last", ["no", "yes"]),
        ]);
        assert_eq!((columns.sites(), columns.n_units()), (vec![2, 1, 255, 3, 1], 262));
        let sizes = [2, 2, 255, 3, 2];
        let states = Array2::from_shape_fn((300, 5), |(n, column)| (n % sizes[column]) as u8);
        let bits = columns.encode("table", states.view()).unwrap();
        let on = |n: usize| (0..262).filter(|&unit| bits.get(n, unit)).collect::<Vec<_>>();
        assert_eq!((on(0), on(1)), (vec![0, 3, 258], vec![1, 2, 4, 259, 261]));
        assert_eq!(columns.decode(&bits), states);
        let names = columns.unit_names();
        assert_eq!(
            (&names[..4], names.len()),
            (&["two=a", "two=b", "bit=1", "many=s0"].map(String::from)[..], 262)
        );
        let row = columns.rows(&bits).nth(256).unwrap();
        assert_eq!(row, ["a", "0", "s1", "y", "no"]);
    }

    #[test]
    fn a_letter_is_a_state_of_a_sequence() {
        let columns = Columns::sequences("-ACGT".into(), 3, UnknownLetters::Gap);
        assert_eq!((columns.sites(), columns.alphabet()), (vec![5; 3], Some("-ACGT")));
        assert_eq!((columns.name(2).into_owned(), columns.state(2, 4)), ("3".into(), "T"));
        let bits = columns.encode("dna", array![[0, 4, 2]].view()).unwrap();
        assert_eq!(columns.rows(&bits).next().unwrap().concat(), "-TC");
        assert_eq!(columns.to_string(), "3 sites of the 5 letters -ACGT");
    }

    #[test]
    #[should_panic(expected = "example 1, column 0 is not one-hot")]
    fn bits_that_are_not_one_hot_are_refused() {
        let columns = Columns::table(vec![category("c", &["a", "b"])]);
        columns.decode(&BitMatrix::from_fn(2, 2, |n, unit| n == 1 || unit == 0));
    }

    #[test]
    fn columns_read_back_from_json_and_others_are_refused() {
        let table = Columns::table(vec![category("c", &["a", "b"]), bit("b", ["0", "1"])]);
        let text = json!({"table": [
            {"name": "c", "category": ["a", "b"]}, {"name": "b", "bit": ["0", "1"]},
        ]});
        assert_eq!(serde_json::to_value(&table).unwrap(), text);
        assert_eq!(serde_json::from_value::<Columns>(text).unwrap(), table);
        let dna = Columns::sequences("ACGT".into(), 9, UnknownLetters::Refuse);
        let text =
            json!({"sequences": {"alphabet": "ACGT", "length": 9, "unknown_letters": "refuse"}});
        assert_eq!(serde_json::to_value(&dna).unwrap(), text);
        assert_eq!(serde_json::from_value::<Columns>(text).unwrap(), dna);
        let sequences = |alphabet: &str, length: usize| json!({"sequences": {"alphabet": alphabet, "length": length, "unknown_letters": "gap"}});
        let many: Vec<_> = (0..256).map(|state| state.to_string()).collect();
        for (text, message) in [
            (sequences("ACGT", 0), "sequences of length 0"),
            (sequences("AAC", 3), "`AAC` is not a list of different letters"),
            (sequences("protein", 3), "`protein` is not a list of different letters"),
            (json!({"table": []}), "columns without different names"),
            (
                json!({"array": {"width": 1, "columns": [{"name": "c", "category": ["a"]}]}}),
                "column c does not have 2 to 255 different states",
            ),
            (json!({"table": [{"name": "c", "category": many}]}), "column c does not have 2 to"),
            (json!({"table": [{"name": "c", "bit": ["a", "a"]}]}), "column c does not have 2 to"),
            (json!({"table": [{"name": "c", "wave": []}]}), "no variant"),
        ] {
            let error = serde_json::from_value::<Columns>(text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
        }
    }
}
