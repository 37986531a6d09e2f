//! Numbers that are predicted by means, without a model: what a model has to beat, and what stands in for it where
//! it knows nothing.
//!
//! ```text
//! μ               the mean of all training values
//! mean of q       the mean of the training values of the column
//! μ + d + r       r the deviation of the example from μ + d, d that of the column from μ, both damped:
//!                 the sum of n deviations is divided by n + 5
//! ```
//!
//! A column that training lacks is predicted by μ + r, and an example without values by μ + d.

use crate::bits::BitMatrix;
use crate::dataset::{Columns, Dataset, Examples};
use crate::units::Units;
use ndarray::{Array1, Array2};
use serde_json::{Map, Value};
use std::ops::Range;

/// What is added to the number of deviations whose mean is a damped one.
const DAMPING: f64 = 5.0;

/// The key of the numbers of values in the facts of a model.
pub const N_GIVEN: &str = "n_given";

/// The numbers of the values of all columns, by state, if every column stands for numbers and one has more than
/// two.
pub fn numbers(columns: &Columns) -> Option<Vec<Vec<f64>>> {
    let all = 0..columns.n_columns();
    let are_numbers = all.clone().all(|column| columns.has_numbers(column));
    let numbers: Vec<_> = all.map(|column| columns.numbers(column)).collect();
    (are_numbers && numbers.iter().any(|states| states.len() > 2)).then_some(numbers)
}

/// How many examples (that count alike, if they have weights) have a value of each column, which a model records if its
/// columns stand for [`numbers`] and some examples lack some.
pub fn n_given(examples: &Examples) -> Option<Vec<usize>> {
    examples.missing()?;
    numbers(examples.columns()?).map(|numbers| examples.n_given_alike()[..numbers.len()].to_vec())
}

/// Columns of numbers, and the means of their training values.
///
/// ```
/// use harmonium::dataset::{Column, ColumnKind, Columns};
/// use harmonium::evaluate::NumberMeans;
/// use ndarray::array;
/// let stars = || ColumnKind::Category(["1", "2", "3"].map(String::from).to_vec());
/// let film = |name: &str| Column { name: name.into(), kind: stars() };
/// let columns = Columns::table(vec![film("a"), film("b")]);
/// // Ten have rated film a, by 2 stars on average, and nobody film b.
/// let means = NumberMeans::new(&columns, &array![0.3, 0.4, 0.3, 0.3, 0.3, 0.4], &[10, 0]).unwrap();
/// assert_eq!(means.predict(&[None, None], 1), 2.0);
/// // Somebody who gives a star more than the mean to one film would give 1 / (1 + 5) more to another.
/// assert!((means.predict(&[Some(2), None], 1) - 2.1667).abs() < 1e-4);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NumberMeans {
    /// By state, for each column.
    numbers: Vec<Vec<f64>>,
    /// μ.
    mean: f64,
    /// None for one that training lacks.
    columns: Vec<Option<ColumnMean>>,
}

/// The mean of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ColumnMean {
    mean: f64,
    /// d.
    deviation: f64,
}

impl NumberMeans {
    /// Of columns that stand for [`numbers`], by ⟨v⟩ of the training data (V) and how many of these examples have a
    /// value of each column. None if the columns stand for other things, or training has no values. A label may
    /// follow the columns.
    ///
    /// # Panics
    /// If there are fewer units, or columns.
    pub fn new(columns: &Columns, data_mean: &Array1<f64>, n_given: &[usize]) -> Option<Self> {
        let numbers = numbers(columns)?;
        assert!(n_given.len() >= numbers.len(), "columns");
        assert!(data_mean.len() >= columns.n_units(), "units of the columns");
        let units = Units::of_sites(columns.sites()).expect("sites of columns");
        let means: Vec<f64> = units
            .sites()
            .zip(&numbers)
            .map(|(site, numbers)| {
                let rates = data_mean.slice(ndarray::s![site]).to_vec();
                expected(numbers, &states(&rates))
            })
            .collect();
        let n_given = &n_given[..numbers.len()];
        let n_of_all: usize = n_given.iter().sum();
        let sum: f64 = means.iter().zip(n_given).map(|(mean, &n)| mean * n as f64).sum();
        let mean = sum / n_of_all as f64;
        let column = |(&of_column, &n): (&f64, &usize)| {
            let n_given = n as f64;
            let deviation = n_given * (of_column - mean) / (n_given + DAMPING);
            (n > 0).then_some(ColumnMean { mean: of_column, deviation })
        };
        let columns = means.iter().zip(n_given).map(column).collect();
        (n_of_all > 0).then_some(Self { numbers, mean, columns })
    }

    /// Those that a model's file records, if it does.
    pub fn recorded(
        columns: &Columns,
        data_mean: Option<&Array1<f32>>,
        facts: &Map<String, Value>,
    ) -> Option<Self> {
        let n_given: Vec<usize> = serde_json::from_value(facts.get(N_GIVEN)?.clone()).ok()?;
        let data_mean = data_mean?.mapv(f64::from);
        let fits = n_given.len() == columns.n_columns() && data_mean.len() >= columns.n_units();
        fits.then(|| Self::new(columns, &data_mean, &n_given)).flatten()
    }

    /// Whether training has values of a column.
    pub fn is_known(&self, column: usize) -> bool {
        self.columns[column].is_some()
    }

    /// μ, and the mean of a column, which is μ if training lacks it.
    pub(super) fn means(&self, column: usize) -> (f64, f64) {
        (self.mean, self.columns[column].map_or(self.mean, |known| known.mean))
    }

    /// μ + d + r of a column, from the other states that an example has (columns), within the numbers of the
    /// column.
    pub fn predict(&self, given: &[Option<usize>], column: usize) -> f64 {
        let deviation = |column: usize| self.columns[column].map_or(0.0, |known| known.deviation);
        let (mut n, mut sum) = (0.0, 0.0);
        let others = given.iter().zip(&self.numbers).enumerate();
        for (other, (state, numbers)) in others.filter(|(other, _)| *other != column) {
            if let Some(state) = *state {
                n += 1.0;
                sum += numbers[state] - self.mean - deviation(other);
            }
        }
        let numbers = || self.numbers[column].iter().copied();
        let (least, most) =
            (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max));
        (self.mean + deviation(column) + sum / (n + DAMPING)).clamp(least, most)
    }

    /// A note for the user on `n` numbers that [`replace_unknown`](Self::replace_unknown) replaced.
    pub fn note(n: usize) -> String {
        format!(
            "{n} predictions are not of the model but by means, as they are of columns that the training data lack, \
             or of rows without any value"
        )
    }

    /// Puts μ + d + r in place of the expected numbers (N, columns) of values that a model cannot predict: of those
    /// that are asked for (N, V), and that examples lack, the values of a column that training lacks, too, and
    /// all of an example without values. Returns how many these are.
    ///
    /// # Panics
    /// If the data have other columns than the numbers.
    pub fn replace_unknown(
        &self,
        data: &Dataset,
        asked: &BitMatrix,
        numbers: &mut Array2<f64>,
    ) -> usize {
        let Some(missing) = data.missing() else { return 0 };
        let (units, bits) = (data.units(), data.bits().expect("columns are bits"));
        let states = SiteStates { units: &units, bits, missing: Some(missing) };
        let firsts: Vec<_> = units.sites().map(|site| site.start).collect();
        let mut n_replaced = 0;
        for (row, mut numbers) in numbers.outer_iter_mut().enumerate() {
            let given = &states.of(row)[..self.numbers.len()];
            let is_empty = given.iter().all(Option::is_none);
            for (column, number) in numbers.iter_mut().enumerate() {
                let is_asked = given[column].is_none() && asked.get(row, firsts[column]);
                if is_asked && (is_empty || !self.is_known(column)) {
                    *number = self.predict(given, column);
                    n_replaced += 1;
                }
            }
        }
        n_replaced
    }
}

/// Examples by site.
pub(super) struct SiteStates<'a> {
    pub units: &'a Units,
    pub bits: &'a BitMatrix,
    pub missing: Option<&'a BitMatrix>,
}

impl SiteStates<'_> {
    /// The state of each site that an example has: its unit, or 0 and 1 for a bit.
    pub fn of(&self, row: usize) -> Vec<Option<usize>> {
        let state = |site: Range<usize>| {
            if self.missing.is_some_and(|missing| missing.get(row, site.start)) {
                return None;
            }
            match site.len() {
                1 => Some(usize::from(self.bits.get(row, site.start))),
                _ => site.clone().position(|unit| self.bits.get(row, unit)),
            }
        };
        self.units.sites().map(state).collect()
    }
}

/// p of each state of a site, from p of its units.
pub(super) fn states(probabilities: &[f64]) -> Vec<f64> {
    match probabilities {
        [on] => vec![1.0 - on, *on],
        of_values => of_values.to_vec(),
    }
}

/// Σ number · p over the states of a site.
pub(super) fn expected(numbers: &[f64], states: &[f64]) -> f64 {
    numbers.iter().zip(states).map(|(x, p)| x * p).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Column, ColumnKind};
    use ndarray::array;
    use serde_json::json;

    /// Three films of 1 to 3 stars; nobody has rated the last.
    fn films() -> Columns {
        let film = |name: &str| {
            let stars = ["1", "2", "3"].map(String::from).to_vec();
            Column { name: name.into(), kind: ColumnKind::Category(stars) }
        };
        Columns::table(["a", "b", "c"].map(film).to_vec())
    }

    /// Film a has 10 ratings of 2.5 on average, film b 5 of 1.
    fn data_mean() -> Array1<f64> {
        array![0.0, 0.5, 0.5, 1.0, 0.0, 0.0, 0.2, 0.3, 0.5]
    }

    const MU: f64 = 2.0;
    const OF_A: f64 = 10.0 * 0.5 / 15.0;
    const OF_B: f64 = -5.0 / 10.0;

    #[test]
    fn only_what_the_model_cannot_know_is_replaced() {
        let means = NumberMeans::new(&films(), &data_mean(), &[10, 5, 0]).unwrap();
        // Somebody who has rated film a, somebody who has rated none, and somebody who has rated all.
        let bits = films().encode("t", array![[2, 0, 0], [0, 0, 0], [0, 1, 2]].view()).unwrap();
        let missing = BitMatrix::from_fn(3, 9, |n, unit| n == 1 || n == 0 && unit >= 3);
        let data = Dataset::from_columns("t", films(), bits).with_missing(missing.clone()).unwrap();
        let of_model = array![[3.0, 2.9, 2.9], [2.9, 2.9, 2.9], [1.0, 2.0, 3.0]];
        let mut numbers = of_model.clone();
        assert_eq!(means.replace_unknown(&data, &missing, &mut numbers), 4);
        let of_c = MU + (3.0 - MU - OF_A) / 6.0;
        let expected = array![[3.0, 2.9, of_c], [MU + OF_A, MU + OF_B, MU], [1.0, 2.0, 3.0]];
        assert!((&numbers - &expected).iter().all(|x| x.abs() < 1e-12), "{numbers}");
        // Only where it is asked for.
        let mut numbers = of_model.clone();
        let asked = BitMatrix::from_fn(3, 9, |n, unit| n == 1 && unit < 3);
        assert_eq!(means.replace_unknown(&data, &asked, &mut numbers), 1);
        assert_eq!(numbers[[0, 2]], 2.9);
        assert!((numbers[[1, 0]] - MU - OF_A).abs() < 1e-12);
    }

    #[test]
    fn predictions_are_within_the_numbers_of_their_column() {
        let bit = ColumnKind::Bit(["0", "1"].map(String::from));
        let stars = ColumnKind::Category(["1", "2", "3"].map(String::from).to_vec());
        let columns = Columns::table(vec![
            Column { name: "a".into(), kind: stars },
            Column { name: "seen".into(), kind: bit },
        ]);
        let means = NumberMeans::new(&columns, &array![0.5, 0.0, 0.5, 0.3], &[8, 0]).unwrap();
        assert_eq!(means.predict(&[Some(2), None], 1), 1.0);
        assert_eq!(means.predict(&[Some(2), None], 0), 2.0);
    }

    #[test]
    fn a_model_records_its_counts_or_nothing_is_replaced() {
        let mean = data_mean().mapv(|x| x as f32);
        let recorded = |facts: Value| {
            let facts = facts.as_object().unwrap().clone();
            NumberMeans::recorded(&films(), Some(&mean), &facts)
        };
        let found = recorded(json!({ N_GIVEN: [10, 5, 0] })).unwrap();
        assert!((found.means(0).0 - MU).abs() < 1e-6 && !found.is_known(2));
        for other in [json!({}), json!({ N_GIVEN: [10, 5] }), json!({ N_GIVEN: "many" })] {
            assert_eq!(recorded(other), None);
        }
        let letters = ["x", "y", "z"].map(String::from).to_vec();
        let named = Column { name: "d".into(), kind: ColumnKind::Category(letters) };
        assert_eq!(numbers(&Columns::table(vec![named])), None);
    }
}
