//! The different values of a column: the kind that they make it, and the state of each.

use super::alphabet::MAX_STATES;
use super::columns::{ColumnKind, Columns, finite};
use std::collections::BTreeMap;

/// A column of more different numbers with fractions holds measurements, not categories.
const MOST_REALS: usize = 20;

/// In more examples than this, a column in which no value occurs twice holds names of the examples.
const MOST_OWN: usize = 20;

/// Why a column that is found in data is no site.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Flaw {
    /// It holds one value, or none.
    Idle(String),
    /// Its values are no categories.
    Unfit(String),
    /// They are too many for categories.
    TooMany(String),
}

/// The different values of a column, as far as a category can have them.
#[derive(Clone, Debug)]
pub(super) enum Distinct {
    /// Numbers in order.
    Numbers(Vec<f64>),
    /// Texts in order.
    Texts(Vec<String>),
}

impl Distinct {
    /// Notes a number of a column of numbers.
    pub fn note_number(&mut self, x: f64) {
        let Self::Numbers(numbers) = self else { unreachable!("a column of numbers") };
        // -0 is 0.
        let x = x + 0.0;
        if numbers.len() <= MAX_STATES
            && let Err(at) = numbers.binary_search_by(|y| y.total_cmp(&x))
        {
            numbers.insert(at, x);
        }
    }

    /// Notes a text of a column of texts.
    pub fn note_text(&mut self, text: &str) {
        let Self::Texts(texts) = self else { unreachable!("a column of texts") };
        if texts.len() <= MAX_STATES
            && let Err(at) = texts.binary_search_by(|other| other[..].cmp(text))
        {
            texts.insert(at, text.to_string());
        }
    }

    /// The names of the values, in order: numbers by size if all are numbers, else by the alphabet.
    pub fn names(&self) -> Vec<String> {
        match (self, self.texts_as_numbers()) {
            (Self::Numbers(numbers), _) => numbers.iter().map(f64::to_string).collect(),
            (_, Some(numbers)) => numbers.names(),
            (Self::Texts(texts), None) => texts.clone(),
        }
    }

    /// The kind of a column with these values in the `n` examples that have one, or what is wrong with it.
    pub fn kind(&self, n: usize) -> Result<ColumnKind, Flaw> {
        if n == 0 {
            return Err(Flaw::Idle("holds no value".to_string()));
        }
        let kind = self.kind_of_any()?;
        let ColumnKind::Category(states) = &kind else { return Ok(kind) };
        if n > MOST_OWN && states.len() == n {
            return Err(Flaw::Unfit(format!(
                "holds another value in each of the {n} examples, as names do, so there is nothing to learn \
                 in it"
            )));
        }
        Ok(kind)
    }

    /// Texts that are all numbers, as numbers: 1 and 1.0 are one.
    fn texts_as_numbers(&self) -> Option<Self> {
        let Self::Texts(texts) = self else { return None };
        let numbers: Option<Vec<f64>> = texts.iter().map(|text| finite(text)).collect();
        let mut distinct = Self::Numbers(Vec::new());
        numbers?.into_iter().for_each(|x| distinct.note_number(x));
        Some(distinct)
    }

    fn kind_of_any(&self) -> Result<ColumnKind, Flaw> {
        let texts = match self {
            Self::Numbers(numbers) => return kind_of_numbers(numbers),
            Self::Texts(texts) => texts,
        };
        if let Some(numbers) = self.texts_as_numbers() {
            return numbers.kind_of_any();
        }
        let is = |text: &String, name| text.eq_ignore_ascii_case(name);
        match &texts[..] {
            [off, on] if is(off, "false") && is(on, "true") => {
                Ok(ColumnKind::Bit([off.clone(), on.clone()]))
            }
            [only] => Err(one_value(only)),
            _ if texts.len() > MAX_STATES => {
                Err(Flaw::TooMany(too_many("different values", MAX_STATES)))
            }
            _ => Ok(ColumnKind::Category(texts.clone())),
        }
    }
}

fn kind_of_numbers(numbers: &[f64]) -> Result<ColumnKind, Flaw> {
    let has_fractions = numbers.iter().any(|x| x.fract() != 0.0);
    match numbers {
        [only] => Err(one_value(&only.to_string())),
        [0.0, 1.0] => Ok(ColumnKind::Bit(["0".into(), "1".into()])),
        _ if has_fractions && numbers.len() > MOST_REALS => {
            let what = "different numbers with fractions, so it holds measurements (sort them into \
                        classes, as by pandas.cut)";
            Err(Flaw::Unfit(too_many(what, MOST_REALS)))
        }
        _ if numbers.len() > MAX_STATES => {
            Err(Flaw::TooMany(too_many("different values", MAX_STATES)))
        }
        _ => Ok(ColumnKind::Category(numbers.iter().map(f64::to_string).collect())),
    }
}

fn one_value(value: &str) -> Flaw {
    Flaw::Idle(format!("holds only the value {value}"))
}

fn too_many(what: &str, most: usize) -> String {
    format!("holds more than {most} {what}, but must be a bit or a category")
}

/// Finds the states of the values of one column.
pub(super) struct Lookup<'a> {
    texts: BTreeMap<&'a str, u8>,
    /// Numbers in order, with their states.
    numbers: Vec<(f64, u8)>,
    /// Whether a text may be written as another text of the same number.
    are_numbers: bool,
}

impl<'a> Lookup<'a> {
    pub fn of(columns: &'a Columns, column: usize) -> Self {
        let numbers = columns.numbers(column);
        let names: Vec<_> = (0..numbers.len()).map(|state| columns.state(column, state)).collect();
        let is_bit = columns.is_bit(column);
        let are_numbers = is_bit || names.iter().all(|name| finite(name).is_some());
        let texts = (0..).zip(names).map(|(state, name)| (name, state)).collect();
        let mut numbers: Vec<_> = numbers.into_iter().zip(0..).collect();
        numbers.sort_by(|(x, _), (y, _)| x.total_cmp(y));
        Self { texts, numbers, are_numbers }
    }

    /// Whether numbers count the states, as these have other names.
    pub fn counts(&self) -> bool {
        !self.are_numbers
    }

    pub fn of_number(&self, x: f64) -> Option<u8> {
        let x = x + 0.0;
        let at = self.numbers.binary_search_by(|(y, _)| y.total_cmp(&x)).ok()?;
        Some(self.numbers[at].1)
    }

    /// The state of a text, which may write this number.
    pub fn of_text(&self, text: &str, number: Option<f64>) -> Option<u8> {
        let by_number = || self.of_number(number.filter(|_| self.are_numbers)?);
        self.texts.get(text).copied().or_else(by_number)
    }
}
