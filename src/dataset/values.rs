//! The values of a data set: bits, grey levels or real numbers, and the rules for each.

use super::levels::Levels;
use crate::bits::{BitMatrix, active};
use crate::error::{Error, Remedy, Result};
use crate::memory::{self, Bytes, Need};
use crate::reals::RealRows;
use ndarray::{Array2, s};

/// The largest grey level: an intensity of 1.
pub(super) const WHITE: f64 = 255.0;

/// Examples (examples, units) in the smallest form that keeps them exactly.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// Only 0 and 1.
    Bits(BitMatrix),
    /// Grey levels; x is the intensity x / 255.
    Bytes(Levels),
    /// Intensities, or any finite numbers.
    Reals(RealRows),
}

impl Values {
    /// No values.
    pub fn none() -> Self {
        Self::Bits(BitMatrix::zeros(0, 0))
    }

    /// Grey levels, or bits if all are 0 or 1.
    pub fn from_bytes(bytes: impl Into<Levels>) -> Self {
        let levels: Levels = bytes.into();
        let (n_examples, n_units) = levels.shape();
        BitMatrix::of_bytes((n_examples, n_units), levels.rows())
            .map_or(Self::Bytes(levels), Self::Bits)
    }

    /// Finite numbers, or bits if all are 0 or 1.
    pub fn from_numbers(reals: RealRows) -> Self {
        reals.to_bits().map_or(Self::Reals(reals), Self::Bits)
    }

    /// The intensities of grey levels up to this maximum, even if all are 0 and 1.
    pub fn of_levels(intensities: RealRows, largest: u32) -> Self {
        // Bits are drawn fastest from bytes.
        if f64::from(largest) != WHITE {
            return Self::Reals(intensities);
        }
        let mut bytes = Array2::zeros((intensities.n_rows(), intensities.n_columns()));
        for (n, row) in intensities.rows().enumerate() {
            let level = |x: f32| (f64::from(x) * WHITE).round() as u8;
            row.iter().for_each(|(unit, x)| bytes[[n, unit]] = level(x));
        }
        Self::Bytes(bytes.into())
    }

    /// What they are, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bits(_) => "bits",
            Self::Bytes(_) => "grey levels",
            Self::Reals(_) => "numbers",
        }
    }

    /// The values of all, one below the other. Bits and numbers are copied into memory of this process.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    ///
    /// # Panics
    /// If they are of several kinds or widths, or there are none.
    pub fn stacked(data: &str, all: Vec<Self>) -> Result<Self> {
        let of_grey = |values| match values {
            Self::Bytes(levels) => Ok(levels),
            other => Err(other),
        };
        if matches!(all[0], Self::Bytes(_)) {
            let levels: Result<Vec<_>, _> = all.into_iter().map(of_grey).collect();
            return Ok(Self::Bytes(Levels::stacked(levels.expect("grey levels"))));
        }
        let bytes = all.iter().map(Self::bytes).fold(Bytes(0), |sum, bytes| sum + bytes);
        let what = || format!("the files of {data}; packed into one, they stay in it");
        memory::check(what, &[Need::new(bytes, &[])])?;
        let bits: Option<Vec<_>> = all
            .iter()
            .map(|values| match values {
                Self::Bits(bits) => Some(bits),
                _ => None,
            })
            .collect();
        if let Some(bits) = bits {
            return Ok(Self::Bits(BitMatrix::stacked(&bits)));
        }
        let n_rows = all.iter().map(|values| values.shape().0).sum();
        let n_entries = |values: &Self| match values {
            Self::Reals(reals) => reals.n_entries(),
            _ => 0,
        };
        let n_entries = all.iter().map(n_entries).sum();
        let mut reals = RealRows::with_capacity(all[0].shape().1, n_rows, n_entries);
        all.iter().for_each(|values| match values {
            Self::Reals(more) => reals.append(more),
            _ => panic!("values of several kinds"),
        });
        Ok(Self::Reals(reals))
    }

    /// (examples, units).
    pub fn shape(&self) -> (usize, usize) {
        match self {
            Self::Bits(bits) => (bits.n_rows(), bits.n_columns()),
            Self::Bytes(bytes) => bytes.shape(),
            Self::Reals(reals) => (reals.n_rows(), reals.n_columns()),
        }
    }

    /// Their memory.
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Bits(bits) => BitMatrix::bytes(bits.n_rows(), bits.n_columns()),
            Self::Bytes(bytes) => Bytes::of::<u8>(&<[usize; 2]>::from(bytes.shape())),
            Self::Reals(reals) => RealRows::bytes(reals.n_rows(), reals.n_entries()),
        }
    }

    /// The intensity of one unit.
    pub fn intensity(&self, example: usize, unit: usize) -> f64 {
        match self {
            Self::Bits(bits) => f64::from(u8::from(bits.get(example, unit))),
            Self::Bytes(bytes) => f64::from(bytes.row(example)[unit]) / WHITE,
            Self::Reals(reals) => f64::from(reals.row(example).value(unit)),
        }
    }

    /// The values with 1 − x for every intensity x.
    pub fn inverted(self) -> Self {
        match self {
            Self::Bits(bits) => {
                Self::Bits(BitMatrix::from_fn(bits.n_rows(), bits.n_columns(), |row, column| {
                    !bits.get(row, column)
                }))
            }
            Self::Bytes(bytes) => Self::Bytes(bytes.view().mapv(|x| 255 - x).into()),
            Self::Reals(reals) => {
                let mut inverted = RealRows::new(reals.n_columns());
                for row in reals.rows() {
                    inverted.push((0..reals.n_columns()).map(|unit| 1.0 - row.value(unit)));
                }
                Self::Reals(inverted)
            }
        }
    }

    /// The values, with 0 where a mask of the same shape is on.
    pub fn without(self, missing: &BitMatrix) -> Self {
        match self {
            Self::Bits(bits) => Self::Bits(bits.without(missing)),
            Self::Bytes(bytes) => {
                let mut bytes = bytes.into_array();
                for (example, mut row) in bytes.outer_iter_mut().enumerate() {
                    active(missing.row(example)).for_each(|unit| row[unit] = 0);
                }
                Self::Bytes(bytes.into())
            }
            Self::Reals(reals) => {
                let mut given = RealRows::new(reals.n_columns());
                for (example, row) in reals.rows().enumerate() {
                    let value =
                        |unit| if missing.get(example, unit) { 0.0 } else { row.value(unit) };
                    given.push((0..reals.n_columns()).map(value));
                }
                Self::Reals(given)
            }
        }
    }

    /// The values with one more site of `n` units, of which one is on: that of the example's state, if it
    /// has one.
    pub fn with_states(&self, n: usize, states: &[Option<u8>]) -> Self {
        let (n_examples, n_units) = self.shape();
        let on = |state: &Option<u8>| state.map(|state| n_units + usize::from(state));
        match self {
            Self::Bits(bits) => {
                let mut wider = BitMatrix::zeros(n_examples, n_units + n);
                for (row, state) in states.iter().enumerate() {
                    let words = bits.row(row);
                    wider.row_mut(row)[..words.len()].copy_from_slice(words);
                    on(state).into_iter().for_each(|unit| wider.set(row, unit, true));
                }
                Self::Bits(wider)
            }
            Self::Bytes(bytes) => {
                let mut wider = Array2::zeros((n_examples, n_units + n));
                wider.slice_mut(s![.., ..n_units]).assign(&bytes.view());
                for (row, state) in states.iter().enumerate() {
                    on(state).into_iter().for_each(|unit| wider[[row, unit]] = WHITE as u8);
                }
                Self::Bytes(wider.into())
            }
            Self::Reals(reals) => {
                let mut wider = RealRows::new(n_units + n);
                for (row, state) in reals.rows().zip(states) {
                    wider.push_entries(row.iter().chain(on(state).map(|unit| (unit, 1.0))));
                }
                Self::Reals(wider)
            }
        }
    }

    /// The first `n` units, in the same form.
    pub fn first_columns(&self, n: usize) -> Self {
        match self {
            Self::Bits(bits) => Self::Bits(bits.first_columns(n)),
            Self::Bytes(bytes) => Self::Bytes(bytes.view().slice(s![.., ..n]).to_owned().into()),
            Self::Reals(reals) => Self::Reals(reals.first_columns(n)),
        }
    }

    /// The first `n` examples, in the same form; the others are freed where that needs no copy.
    pub fn first(self, n: usize) -> Self {
        match self {
            Self::Bits(bits) => Self::Bits(bits.first_rows(n)),
            Self::Bytes(bytes) => Self::Bytes(bytes.first(n)),
            Self::Reals(reals) => Self::Reals(reals.rows_of(0..n)),
        }
    }

    /// A copy of the examples of these numbers, in the same form.
    pub fn chosen(&self, examples: &[usize]) -> Self {
        match self {
            Self::Bits(bits) => Self::Bits(bits.chosen(examples)),
            Self::Bytes(bytes) => {
                let rows = examples.iter().flat_map(|&example| bytes.row(example));
                let shape = (examples.len(), bytes.shape().1);
                Self::Bytes(Levels::new(shape, rows.copied().collect::<Vec<_>>().into()))
            }
            Self::Reals(reals) => {
                let mut some = RealRows::new(reals.n_columns());
                examples.iter().for_each(|&row| some.push_row(reals.row(row)));
                Self::Reals(some)
            }
        }
    }
}

/// A rule that the values of data must follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule<'a> {
    /// The rule in words.
    pub text: &'a str,
    /// A setting that would allow the values.
    pub remedy: Option<Remedy>,
}

impl<'a> From<&'a str> for Rule<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, remedy: None }
    }
}

/// The rule for numbers that are all -1 and 1.
pub(super) const SPINS: Rule<'_> = Rule {
    text: "0 or 1; if these are spins, declare them",
    remedy: Some(Remedy::with("spins", "true")),
};

/// The numbers that often stand for a missing value, as settings write them.
const MARKS: [(f64, &str); 3] = [(-9.0, "-9"), (-99.0, "-99"), (-999.0, "-999")];

/// The rule for bits and intensities among which this number stands, if it may stand for a missing value.
pub(super) fn of_mark(number: f64) -> Option<Rule<'static>> {
    let (_, name) = MARKS.into_iter().find(|(mark, _)| *mark == number)?;
    Some(Rule {
        text: "from 0 to 1; if this number stands for a missing value, name it",
        remedy: Some(Remedy::with("missing_value", name)),
    })
}

/// Checks that every `number(example, unit)` of data with this shape (examples, units) is an intensity.
///
/// # Errors
/// [`Error::BadValue`] for the first number outside 0 to 1.
pub(super) fn check_intensities(
    data: &str,
    shape: (usize, usize),
    number: impl Fn(usize, usize) -> f64,
) -> Result<()> {
    let is_intensity = |x| (0.0..=1.0).contains(&x);
    let rule = "from 0 to 1; divide grey levels by their maximum, or give them as integers";
    check(data, shape, rule, is_intensity, &number).or_else(|error| {
        if let Error::BadValue { value, .. } = error
            && let Some(rule) = of_mark(value)
            && check(data, shape, "", |x| is_intensity(x) || x == value, &number).is_ok()
        {
            return check(data, shape, rule, is_intensity, &number);
        }
        // If all numbers are -1 and 1, they may be spins.
        check(data, shape, "", |x| x.abs() == 1.0, &number)
            .map_or(Err(error), |()| check(data, shape, SPINS, is_intensity, &number))
    })
}

/// Checks every `number(example, unit)` of data with this shape (examples, units).
///
/// # Errors
/// [`Error::BadValue`] with the rule, for the first number that is not right.
pub(super) fn check<'a>(
    data: &str,
    (n_examples, n_units): (usize, usize),
    rule: impl Into<Rule<'a>>,
    is_right: impl Fn(f64) -> bool,
    number: impl Fn(usize, usize) -> f64,
) -> Result<()> {
    let Rule { text, remedy } = rule.into();
    for example in 0..n_examples {
        for unit in 0..n_units {
            let value = number(example, unit);
            if !is_right(value) {
                let (data, rule) = (data.to_string(), text.to_string());
                return Err(Error::BadValue { data, example, unit, value, rule, remedy });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn data_of_only_0_and_1_become_bits() {
        let bits = BitMatrix::from_fn(2, 2, |row, column| row == column);
        let packed = Values::Bits(bits);
        assert_eq!(Values::from_bytes(array![[1, 0], [0, 1]]), packed);
        assert_eq!(Values::from_numbers(reals(&[[1.0, -0.0], [0.0, 1.0]])), packed);
        assert!(matches!(Values::from_bytes(array![[1, 0], [0, 2]]), Values::Bytes(_)));
        assert!(matches!(Values::from_numbers(reals(&[[1.0, 0.5]])), Values::Reals(_)));
    }

    fn reals(numbers: &[[f32; 2]]) -> RealRows {
        RealRows::from(ndarray::ArrayView2::from(numbers))
    }

    #[test]
    fn reals_invert_and_split_as_grey_levels_do() {
        let values = Values::from_numbers(reals(&[[0.0, 0.25], [1.0, 0.5], [0.75, 0.0]]));
        let inverted = Values::from_numbers(reals(&[[1.0, 0.75], [0.0, 0.5], [0.25, 1.0]]));
        assert_eq!(values.clone().inverted(), inverted);
        assert_eq!(values.chosen(&[1, 2]), Values::from_numbers(reals(&[[1.0, 0.5], [0.75, 0.0]])));
    }

    #[test]
    fn some_examples_keep_the_form_of_all() {
        let values = Values::from_bytes(array![[1, 0], [0, 255]]);
        assert_eq!(values.chosen(&[0]), Values::Bytes(array![[1, 0]].into()));
        assert_eq!(values.chosen(&[0]).intensity(0, 0), 1.0 / 255.0);
        assert_eq!(
            values.chosen(&[1, 0, 1]),
            Values::Bytes(array![[0, 255], [1, 0], [0, 255]].into())
        );
        let bits = Values::from_bytes(array![[1, 0], [0, 1], [1, 1]]);
        assert_eq!(bits.chosen(&[2, 0]), Values::from_bytes(array![[1, 1], [1, 0]]));
    }

    #[test]
    fn a_transposed_array_keeps_its_meaning() {
        let values = Values::from_bytes(array![[10, 20], [30, 40]].reversed_axes());
        let Values::Bytes(bytes) = &values else { panic!("bytes") };
        assert_eq!((bytes.row(0), bytes.row(1)), (&[10, 30][..], &[20, 40][..]));
    }
}
