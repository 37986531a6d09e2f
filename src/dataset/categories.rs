//! Finding the columns of tables and arrays: which are bits, which are categories, and of which states.

use super::alphabet::MAX_STATES;
use super::columns::{Column, ColumnKind, Columns, Form, MISSING};
use super::distinct::{Distinct, Flaw, Lookup};
use super::holes::Holes;
use super::number_range::NumberRange;
use crate::bits::BitMatrix;
use crate::error::{Error, Remedy, Result};
use crate::memory::{self, Need};
use crate::setting::{Kind, Range, Value, check, invalid};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The states that a message lists.
const MOST_LISTED: usize = 12;

/// How the states of columns are found; as text `auto`, a range such as `1..5`, or the number of states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Categories {
    /// Each column by its values: those of 0 and 1 are bits, others categories.
    Auto,
    /// All columns hold the whole numbers from 0 up to this number, itself excluded: 2 to 255.
    Count(u8),
    /// All columns hold numbers of one range, such as 1 to 5 stars, whether or not the data show all of them.
    Range(NumberRange),
}

impl FromStr for Categories {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let count = text.parse().ok().filter(|&q: &u8| q >= 2);
        match (text, count) {
            ("auto", _) => Ok(Self::Auto),
            (_, Some(q)) => Ok(Self::Count(q)),
            _ if text.contains("..") => text.parse().map(Self::Range),
            _ => {
                let rule = format!(
                    "`auto`, a range of numbers such as 1..5, or a number of states from 2 to {MAX_STATES}"
                );
                Err(invalid("categories", text, rule))
            }
        }
    }
}

impl fmt::Display for Categories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Count(q) => write!(f, "{q}"),
            Self::Range(range) => range.fmt(f),
        }
    }
}

impl From<Categories> for String {
    fn from(categories: Categories) -> Self {
        categories.to_string()
    }
}

impl TryFrom<String> for Categories {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

/// Files and Python may give the number of states as a number, and a range as its ends, with the step if it is not 1.
impl Value for Categories {
    const KIND: Kind = Kind::Text;

    fn parse(_: &'static str, text: &str) -> Result<Self> {
        text.parse()
    }

    fn read(name: &'static str, json: &Json) -> Result<Self> {
        match json {
            Json::String(text) => text.parse(),
            Json::Number(n) => n.to_string().parse(),
            Json::Array(parts) => {
                let numbers: Option<Vec<f64>> = parts.iter().map(Json::as_f64).collect();
                let range = match numbers.as_deref() {
                    Some(&[first, last]) => NumberRange::new(first, last, 1.0),
                    Some(&[first, last, step]) => NumberRange::new(first, last, step),
                    _ => Err(Self::wrong_kind(name, json)),
                };
                range.map(Self::Range)
            }
            _ => Err(Self::wrong_kind(name, json)),
        }
    }

    fn check(&self, name: &'static str, _: &Range) -> Result<()> {
        let is_valid = !matches!(self, Self::Count(0 | 1));
        check(name, self, is_valid, || format!("a number of states from 2 to {MAX_STATES}"))
    }
}

/// Where columns come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin<'a> {
    /// They are found in the data, without the columns of these names.
    Data { categories: Categories, ignore: &'a [String] },
    /// A model records them.
    Model(&'a Columns),
}

/// The columns that data have, before their states are known.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// The name of the data in messages.
    pub data: String,
    /// The names, or the numbers from 1.
    pub names: Vec<String>,
    /// Whether these are names that the data give.
    pub is_given: bool,
    /// The places of the columns that are read apart, and are no sites.
    pub apart: Vec<usize>,
}

impl Header {
    /// The header of data without names.
    pub fn numbered(data: &str, n_columns: usize) -> Self {
        let names = (1..=n_columns).map(|column| column.to_string()).collect();
        Self { data: data.into(), names, is_given: false, apart: Vec::new() }
    }

    /// A column in messages.
    pub fn label(&self, column: usize) -> String {
        match self.is_given {
            true => format!("column {} (\"{}\")", column + 1, self.names[column]),
            false => format!("column {}", column + 1),
        }
    }

    /// The columns of the data that are read, in the order in which they become sites.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for an ignored column that does not exist; [`Error::BadCategory`] if two
    /// columns have one name, all are ignored, or a column of the model is not in the data, or is read apart.
    pub fn chosen(&self, origin: Origin<'_>) -> Result<Vec<usize>> {
        let n = self.names.len();
        let mut places = HashMap::new();
        let mut is_again =
            |&column: &usize| *places.entry(&self.names[column]).or_insert(column) != column;
        let again = (0..n).find(&mut is_again);
        let place = |name: &String| places.get(name).copied();
        if let Some(column) = again {
            let rule = format!("{} has the name of another; rename it", self.label(column));
            return Err(self.refused(rule, None));
        }
        let columns = match origin {
            Origin::Data { ignore, .. } => {
                if let Some(name) = ignore.iter().find(|name| place(name).is_none()) {
                    let rule = format!(
                        "names of columns, of which {} has {}",
                        self.data,
                        listed(&self.names)
                    );
                    return Err(invalid("ignore", name, rule));
                }
                let is_site = |column: &usize| {
                    !self.apart.contains(column) && !ignore.contains(&self.names[*column])
                };
                let chosen: Vec<_> = (0..n).filter(is_site).collect();
                check("ignore", ignore.join(","), !chosen.is_empty(), || {
                    "fewer than all columns".to_string()
                })?;
                return Ok(chosen);
            }
            Origin::Model(columns) => columns,
        };
        let needed: Vec<_> =
            (0..columns.n_columns()).map(|column| columns.name(column).into_owned()).collect();
        if self.is_given && columns.header().is_some() {
            let site = |name: &String| match place(name) {
                Some(column) if self.apart.contains(&column) => {
                    let rule = "is read apart, as labels, weights and names are, but the model needs it as a \
                                site; take another";
                    Err(self.refused(format!("{} {rule}", self.label(column)), None))
                }
                Some(column) => Ok(column),
                None => {
                    let rule = "which the model needs; its columns are";
                    let rule = format!("has no column \"{name}\", {rule} {}", listed(&self.names));
                    Err(self.refused(rule, None))
                }
            };
            return needed.iter().map(site).collect();
        }
        // Without names the order decides.
        let sites: Vec<_> = (0..n).filter(|column| !self.apart.contains(column)).collect();
        let n = sites.len();
        if n == needed.len() {
            return Ok(sites);
        }
        match &columns.0 {
            // The columns that training ignored are in these data, too.
            Form::Array { width, .. } if *width == n => {
                let site = |name: &String| sites[name.parse::<usize>().expect("a number") - 1];
                Ok(needed.iter().map(site).collect())
            }
            _ => {
                let columns = |n| if n == 1 { "1 column".into() } else { format!("{n} columns") };
                let rule = format!("has {}, but the model has {}", columns(n), needed.len());
                Err(self.refused(rule, None))
            }
        }
    }

    /// The columns of the numbers that are declared; `None` if the data decide.
    pub fn declared(&self, origin: Origin<'_>, chosen: &[usize]) -> Option<Columns> {
        match origin {
            Origin::Model(columns) => Some(columns.clone()),
            Origin::Data { categories, .. } => {
                let names: Vec<_> = match categories {
                    Categories::Auto => return None,
                    Categories::Count(q) => (0..q).map(|state| state.to_string()).collect(),
                    Categories::Range(range) => range.names(),
                };
                let kinds = chosen.iter().map(|_| ColumnKind::Category(names.clone()));
                Some(self.columns(chosen, kinds.collect()))
            }
        }
    }

    /// Columns of these kinds, one for each that is `chosen`.
    pub fn columns(&self, chosen: &[usize], kinds: Vec<ColumnKind>) -> Columns {
        let names = chosen.iter().map(|&column| self.names[column].clone());
        let columns = names.zip(kinds).map(|(name, kind)| Column { name, kind }).collect();
        Columns(match self.is_given {
            true => Form::Table(columns),
            false => Form::Array { width: self.names.len(), columns },
        })
    }

    /// The columns of `chosen` as the data have them, given the kind of each by its values. Those in which there is
    /// nothing to learn are taken out of `chosen`, with a note on them.
    ///
    /// # Errors
    /// [`Error::BadCategory`] if the values of a column are no categories, or no column has two.
    pub fn found(
        &self,
        chosen: &mut Vec<usize>,
        kinds: Vec<Result<ColumnKind, Flaw>>,
    ) -> Result<(Columns, Option<String>)> {
        let (mut kept, mut idle, mut unfit) = (Vec::new(), Vec::new(), Vec::new());
        for (&column, kind) in chosen.iter().zip(kinds) {
            let label = self.label(column);
            match kind {
                Ok(kind) => kept.push((column, kind)),
                Err(Flaw::Idle(what)) => idle.push(format!("{label} {what}")),
                Err(Flaw::Unfit(what)) => unfit.push((label, what)),
                Err(Flaw::TooMany(what)) => {
                    unfit.push((label, what + long_form(self.names.len())));
                }
            }
        }
        let remedy = Some(Remedy::with("ignore", "NAME"));
        if let Some(((label, what), others)) = unfit.split_first() {
            let others: Vec<_> = others.iter().map(|(label, _)| label.clone()).collect();
            let others = match others.len() {
                0 => String::new(),
                1 => format!(" ({} is no category either)", others[0]),
                n => {
                    format!(" ({n} other columns are no categories either: {})", first_of(&others))
                }
            };
            return Err(self.refused(format!("{label} {what}{others}; leave it out"), remedy));
        }
        if kept.is_empty() {
            let rule = format!("has no column with two different values: {}", first_of(&idle));
            return Err(self.refused(rule, None));
        }
        let (columns, kinds): (Vec<_>, _) = kept.into_iter().unzip();
        *chosen = columns;
        let left_out = match idle.len() {
            0 => None,
            1 => Some(format!("{} and is left out: there is nothing to learn in it", idle[0])),
            n => Some(format!(
                "{n} columns in which there is nothing to learn are left out: {}",
                first_of(&idle)
            )),
        };
        Ok((self.columns(chosen, kinds), left_out))
    }

    /// The error for a value that breaks the rule of the column at `column`, at a place such as `line 3`.
    pub fn unknown(&self, place: &str, column: usize, value: &str, must: Must) -> Error {
        let (label, Must { rule, remedy }) = (self.label(column), must);
        self.refused(format!("{place}, {label} is {value}, but must be {rule}"), remedy)
    }

    /// The error for data that do not have the columns or values that they must have.
    pub fn refused(&self, rule: String, remedy: Option<Remedy>) -> Error {
        Error::BadCategory { data: self.data.clone(), rule, remedy }
    }
}

/// The columns of a table that may have a row for each rating: user, item, rating, and perhaps a time.
const LONG: RangeInclusive<usize> = 3..=4;

/// What to do about a table of so many columns, if it has a row for each rating.
fn long_form(n_columns: usize) -> &'static str {
    match LONG.contains(&n_columns) {
        true => {
            "; if a row is a user, an item and a rating, `harmonium pivot` or pandas' pivot makes a table"
        }
        false => "",
    }
}

/// A rule for values, and the setting by which a value would follow it.
pub(super) struct Must {
    pub rule: String,
    pub remedy: Option<Remedy>,
}

impl Must {
    /// That for the values of a column, which `value` is not one of.
    pub fn of(origin: Origin<'_>, columns: &Columns, column: usize, value: &str) -> Self {
        let states = listed(&columns.states(column));
        let (rule, more) = match origin {
            Origin::Model(_) => (
                format!("one of {states}: the training data of the model have no others"),
                "; if all columns share one scale, as ratings do, train with its range",
            ),
            Origin::Data { .. } => (
                format!(
                    "one of {states}, as declared by categories{}",
                    long_form(columns.n_columns())
                ),
                "; if the scale is another, declare its range",
            ),
        };
        let given = super::columns::finite(value).filter(|_| columns.has_numbers(column));
        let between = match (&origin, given) {
            (Origin::Model(_), Some(given)) if lies_between(given, &columns.states(column)) => {
                "; numbers between them are expected ones if `harmonium predict --fill` wrote them (with --most-likely it \
                 writes values)"
            }
            _ => "",
        };
        if given.is_some() {
            let remedy = Some(Remedy::with("categories", "FIRST..LAST"));
            return Self { rule: rule + between + more, remedy };
        }
        Self { rule, remedy: None }
    }
}

/// Whether a number lies between those that these texts are.
fn lies_between(number: f64, states: &[&str]) -> bool {
    let all = || states.iter().filter_map(|state| super::columns::finite(state));
    all().any(|other| other < number) && all().any(|other| other > number)
}

/// The first ten of these texts in a message.
pub(super) fn first_of(texts: &[String]) -> String {
    const MOST: usize = 10;
    let more = if texts.len() > MOST { ", …" } else { "" };
    texts[..texts.len().min(MOST)].join(", ") + more
}

/// Names in a message: the first and the last of many.
pub(super) fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<_> = names.iter().map(AsRef::as_ref).collect();
    match names[..] {
        [ref first @ .., last] if names.len() > MOST_LISTED => {
            format!("{}, …, {last}", first[..MOST_LISTED - 2].join(", "))
        }
        _ => names.join(", "),
    }
}

/// States (N, columns), all 0, if there is memory for them.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(super) fn no_states(data: &str, n: usize, columns: &Columns) -> Result<Array2<u8>> {
    let need = Need::new(columns.bytes_of_states(n), &[]);
    memory::check(|| format!("{data}: {n} examples of {columns}"), &[need])?;
    Ok(Array2::zeros((n, columns.n_columns())))
}

/// Data of numbers (examples, columns) as one-hot bits.
pub(super) struct Encoded {
    pub columns: Columns,
    /// (examples, units)
    pub bits: BitMatrix,
    /// The cells without a value.
    pub holes: Holes,
    /// A note on the columns that are left out.
    pub left_out: Option<String>,
}

/// The numbers that stand for a value that is missing, besides NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mark {
    None,
    /// This number.
    Always(f64),
    /// 0 in columns that have no such state: a sparse matrix does not store it.
    NotStored,
}

impl Mark {
    pub fn of(missing_value: Option<f64>) -> Self {
        missing_value.map_or(Self::None, Self::Always)
    }
}

/// The columns of data of numbers (examples, columns). Cells that are NaN or the mark are holes. In a column whose
/// states are not all numbers, a number counts the states from 0, and no state is a mark.
///
/// # Errors
/// [`Error::BadCategory`]; [`Error::InvalidSetting`] for an ignored column that does not exist;
/// [`Error::OutOfMemory`].
pub(super) fn encode_numbers(
    data: &str,
    shape: (usize, usize),
    origin: Origin<'_>,
    mark: Mark,
    number: impl Fn(usize, usize) -> f64,
) -> Result<Encoded> {
    let (n, header) = (shape.0, Header::numbered(data, shape.1));
    let mut chosen = header.chosen(origin)?;
    let (columns, left_out) = match header.declared(origin, &chosen) {
        Some(columns) => (columns, None),
        None => {
            let kind = |&column: &usize| {
                let (mut values, mut n_given) = (Distinct::Numbers(Vec::new()), 0);
                for example in 0..n {
                    let x = number(example, column);
                    if x.is_infinite() {
                        let place = format!("example {example}");
                        let rule = "a finite number, or NaN where a value is missing".into();
                        let must = Must { rule, remedy: None };
                        return Err(header.unknown(&place, column, &x.to_string(), must));
                    }
                    if !x.is_nan() && mark != Mark::Always(x) {
                        values.note_number(x);
                        n_given += 1;
                    }
                }
                Ok(values.kind(n_given))
            };
            let kinds = chosen.iter().map(kind).collect::<Result<_>>()?;
            header.found(&mut chosen, kinds)?
        }
    };
    let mut states = no_states(data, n, &columns)?;
    let mut holes = Holes::default();
    for (site, &column) in chosen.iter().enumerate() {
        let lookup = Lookup::of(&columns, site);
        for example in 0..n {
            let x = number(example, column);
            let is_mark = match mark {
                Mark::None => false,
                Mark::Always(number) => {
                    x == number && !(lookup.counts() && lookup.of_number(x).is_some())
                }
                Mark::NotStored => x == 0.0 && lookup.of_number(x).is_none(),
            };
            if x.is_nan() || is_mark {
                let what = || {
                    let found = if is_mark { format!("is {x}") } else { "has no value".into() };
                    format!("example {example}, {} {found}", header.label(column))
                };
                holes.note(states.dim(), example, site, what);
                states[[example, site]] = MISSING;
                continue;
            }
            states[[example, site]] = lookup.of_number(x).ok_or_else(|| {
                let (place, value) = (format!("example {example}"), x.to_string());
                header.unknown(&place, column, &value, Must::of(origin, &columns, site, &value))
            })?;
        }
    }
    let bits = columns.encode(data, states.view())?;
    Ok(Encoded { columns, bits, holes, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, array};
    use serde_json::json;

    const AUTO: Origin<'_> = Origin::Data { categories: Categories::Auto, ignore: &[] };

    fn encode(numbers: &Array2<f64>, origin: Origin<'_>) -> Result<(Columns, Array2<u8>), String> {
        let found = encode_numbers("X", numbers.dim(), origin, Mark::None, |n, column| {
            numbers[[n, column]]
        });
        let Encoded { columns, bits, .. } = found.map_err(|error| error.to_string())?;
        let states = columns.decode(&bits);
        Ok((columns, states))
    }

    #[test]
    fn each_column_of_numbers_is_a_bit_or_a_category() {
        let numbers = array![[0.0, 10.0, -1.0, 0.5], [1.0, 9.0, 1.0, 4.0], [-0.0, 11.0, -1.0, 2.5]];
        let (columns, found) = encode(&numbers, AUTO).unwrap();
        assert_eq!(columns.sites(), [1, 3, 2, 3]);
        // Numbers are in their own order, not in that of texts.
        assert_eq!(columns.states(1), ["9", "10", "11"]);
        assert_eq!(columns.states(2), ["-1", "1"]);
        assert_eq!(columns.states(3), ["0.5", "2.5", "4"]);
        assert_eq!(found, array![[0, 1, 0, 0], [1, 0, 1, 2], [0, 2, 0, 1]]);
        assert_eq!(columns.header(), None);

        let few = array![[1.0, 9.0, 1.0, 4.0]];
        assert_eq!(encode(&few, Origin::Model(&columns)).unwrap().1, array![[1, 0, 1, 2]]);
    }

    #[test]
    fn declared_categories_are_the_numbers_below() {
        let origin = Origin::Data { categories: Categories::Count(3), ignore: &[] };
        let (columns, found) = encode(&array![[0.0, 2.0], [0.0, 1.0]], origin).unwrap();
        assert_eq!((columns.sites(), columns.states(0)), (vec![3, 3], vec!["0", "1", "2"]));
        assert_eq!(found, array![[0, 2], [0, 1]]);
        let remedy = "; if the scale is another, declare its range by categories = FIRST..LAST";
        for (x, text, more) in [
            (3.0, "3", remedy),
            (-1.0, "-1", remedy),
            (0.5, "0.5", remedy),
            (f64::INFINITY, "inf", ""),
        ] {
            assert_eq!(
                encode(&array![[0.0, 2.0], [x, 1.0]], origin).unwrap_err(),
                format!(
                    "X: example 1, column 1 is {text}, but must be one of 0, 1, 2, as declared by categories{more}"
                )
            );
        }
    }

    #[test]
    fn a_declared_range_is_the_scale_of_all_columns() {
        let origin = Origin::Data { categories: "1..3".parse().unwrap(), ignore: &[] };
        // Nobody gave the second column a 1, and nobody a 3.
        let (columns, found) = encode(&array![[1.0, 2.0], [3.0, 2.0]], origin).unwrap();
        assert_eq!((columns.sites(), columns.states(1)), (vec![3, 3], vec!["1", "2", "3"]));
        assert_eq!(found, array![[0, 1], [2, 1]]);
        assert_eq!(encode(&array![[2.0, 1.0]], Origin::Model(&columns)).unwrap().1, array![[1, 0]]);
        let error = encode(&array![[0.0, 2.0]], origin).unwrap_err();
        assert!(
            error.contains("column 1 is 0, but must be one of 1, 2, 3, as declared"),
            "{error}"
        );
    }

    #[test]
    fn ignored_columns_keep_the_places_of_the_others() {
        let ignore = ["2".to_string()];
        let origin = Origin::Data { categories: Categories::Auto, ignore: &ignore };
        let numbers = array![[0.0, 7.0, 5.0], [1.0, 7.0, 6.0]];
        let (columns, found) = encode(&numbers, origin).unwrap();
        assert_eq!((columns.name(0).as_ref(), columns.name(1).as_ref()), ("1", "3"));
        assert_eq!(found, array![[0, 0], [1, 1]]);
        // Other data for the model may have the ignored column, or lack it.
        let model = Origin::Model(&columns);
        assert_eq!(encode(&numbers, model).unwrap().1, found);
        assert_eq!(encode(&array![[0.0, 5.0], [1.0, 6.0]], model).unwrap().1, found);
    }

    #[test]
    fn a_column_of_names_of_the_examples_is_refused() {
        let own = |n: u32| {
            let numbers = (0..n).flat_map(|n| [f64::from(n), f64::from(n % 3)]).collect();
            Array2::from_shape_vec((n as usize, 2), numbers).unwrap()
        };
        assert!(encode(&own(20), AUTO).is_ok());
        assert_eq!(
            encode(&own(21), AUTO).unwrap_err(),
            "X: column 1 holds another value in each of the 21 examples, as names do, so there is nothing to \
             learn in it; leave it out by ignore = NAME"
        );
    }

    #[test]
    fn each_error_says_the_column_and_the_remedy() {
        let many = Array2::from_shape_fn((300, 2), |(n, column)| match column {
            0 => f64::from(n as u32 % 2),
            _ => f64::from(n as u32),
        });
        let measured = many.mapv(|x| if x > 1.0 { x / 7.0 } else { x });
        let ignore = ["4".to_string()];
        let other = Origin::Data { categories: Categories::Auto, ignore: &ignore };
        let (columns, _) = encode(&array![[0.0, 5.0], [1.0, 6.0]], AUTO).unwrap();
        let model = Origin::Model(&columns);
        for (found, message) in [
            (
                encode(&array![[2.0, 3.0], [2.0, 3.0]], AUTO),
                "X: has no column with two different values: column 1 holds only the value 2, column 2 holds \
                 only the value 3",
            ),
            (
                encode(&many, AUTO),
                "X: column 2 holds more than 255 different values, but must be a bit or a category; leave \
                 it out by ignore = NAME",
            ),
            (
                encode(&measured, AUTO),
                "X: column 2 holds more than 20 different numbers with fractions, so it holds measurements \
                 (sort them into classes, as by pandas.cut), but must be a bit or a category; leave it out by \
                 ignore = NAME",
            ),
            (
                encode(&array![[0.0, 3.0], [f64::INFINITY, 4.0]], AUTO),
                "X: example 1, column 1 is inf, but must be a finite number, or NaN where a value is missing",
            ),
            (
                encode(&array![[0.0, 3.0]], other),
                "ignore is 4, but must be names of columns, of which X has 1, 2",
            ),
            (
                encode(&array![[0.0, 7.0]], model),
                "X: example 0, column 2 is 7, but must be one of 5, 6: the training data of the model have \
                 no others; if all columns share one scale, as ratings do, train with its range by categories = \
                 FIRST..LAST",
            ),
            (encode(&array![[0.0, 5.0, 1.0]], model), "X: has 3 columns, but the model has 2"),
            (encode(&array![[0.0]], model), "X: has 1 column, but the model has 2"),
        ] {
            assert_eq!(found.unwrap_err(), message);
        }
    }

    #[test]
    fn the_setting_reads_as_text_and_as_a_number() {
        assert_eq!("auto".parse::<Categories>().unwrap(), Categories::Auto);
        assert_eq!(Categories::read("categories", &21.into()).unwrap(), Categories::Count(21));
        assert_eq!(Categories::Count(21).to_string(), "21");
        let stars: Categories = "1..5".parse().unwrap();
        assert_eq!(Categories::read("categories", &json!([1, 5])).unwrap(), stars);
        assert_eq!(
            Categories::read("categories", &json!([1, 5, 0.5])).unwrap().to_string(),
            "1..5:0.5"
        );
        assert!(Categories::read("categories", &json!([1, "5"])).is_err());
        for text in ["1", "256", "-3", "many"] {
            let error = text.parse::<Categories>().unwrap_err().to_string();
            let rule = "but must be `auto`, a range of numbers such as 1..5, or a number of states from 2 to 255";
            assert_eq!(error, format!("categories is {text}, {rule}"));
        }
    }
}
