//! How well single values are predicted from the others that an example has.
//!
//! With `missing = absent` each example has a model of its own, of the sites that it has, and a Z of its own: there is
//! no log Z to find. What such a model is for, the prediction of values that are not known, can be scored: of each
//! value x_q the probability given all others that the example has, in closed form
//! ([`imputation`](super::imputation)).
//!
//! The columns of ratings stand for numbers. Then the expected number Σ value · p(value) is compared with the true one,
//! beside three predictions that need no model:
//!
//! ```text
//! μ               the mean of all training values
//! mean of q       the mean of the training values of the column
//! μ + d + r       r the deviation of the example from μ + d, d that of the column from μ, both damped:
//!                 the sum of n deviations is divided by n + 5
//! ```
//!
//! A column that training lacks is predicted by μ + r.

use super::imputation::SiteGivenOthers;
use super::report::{ScoreReport, SubjectReport};
use crate::bits::BitMatrix;
use crate::dataset::{Columns, Examples, WeightedRows};
use crate::error::Result;
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::setting::check;
use crate::units::Units;
use crate::watch::Watch;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What is added to the number of deviations whose mean is a damped one.
const DAMPING: f64 = 5.0;

/// Values as they were predicted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EntryScore {
    /// The share of values that are not the most likely one.
    pub error_rate: f64,
    /// The mean of −ln p(value), in nats.
    pub log_loss: f64,
    /// The root of the mean squared error of the expected number, if the columns stand for numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse: Option<f64>,
}

/// Root mean squared errors without a model, if the columns stand for numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct NumberBaselines {
    /// Of the mean of all training values.
    pub global_mean: f64,
    /// Of the mean of the column.
    pub column_mean: f64,
    /// Of the mean with the deviations of the column and of the example.
    pub column_and_example: f64,
}

/// The scores of single values, and what they have to beat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct EntryReport {
    /// The number of values that were predicted.
    pub n_values: usize,
    /// Those of columns that training lacks.
    pub n_of_unknown_columns: usize,
    /// Given the others of the example.
    pub given_others: EntryScore,
    /// By the rates of the column in the training data, if these are known.
    pub column_rates: Option<EntryScore>,
    /// By means, if the columns stand for numbers and the training data are known.
    pub numbers: Option<NumberBaselines>,
    /// The share of examples whose most likely class is not their label, if they have labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ScoreReport>,
    /// Mean −ln p(label | v).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<ScoreReport>,
    /// Model and examples, if they are known by name.
    #[serde(flatten)]
    pub subject: Option<SubjectReport>,
}

impl EntryReport {
    /// Returns the report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("figures and texts have a JSON form")
    }
}

/// Sums over the values of an example.
#[derive(Clone, Copy, Default)]
struct Sums {
    n: usize,
    n_unknown: usize,
    /// Errors, −ln p and squared errors of the model and of the rates.
    predictions: [[f64; 3]; 2],
    /// Squared errors of the three baselines.
    squares: [f64; 3],
}

/// The numbers of the values of all columns, by state, if every column stands for numbers and one has more than
/// two.
pub fn numbers(columns: &Columns) -> Option<Vec<Vec<f64>>> {
    let is_number = |name: &str| name.parse::<f64>().is_ok_and(f64::is_finite);
    let all = 0..columns.n_columns();
    let are_numbers = columns.alphabet().is_none()
        && all.clone().all(|column| columns.states(column).iter().all(|name| is_number(name)));
    let numbers: Vec<_> = all.map(|column| columns.numbers(column)).collect();
    (are_numbers && numbers.iter().any(|states| states.len() > 2)).then_some(numbers)
}

/// What is known of the columns from the training data.
struct Known {
    /// The rates of the units (V).
    rates: Vec<f64>,
    /// The mean of all numbers.
    mean: f64,
    /// Of each column the mean and the damped deviation; none if training lacks it.
    columns: Vec<Option<(f64, f64)>>,
}

impl Known {
    fn of(training: &Examples, units: &Units, numbers: Option<&[Vec<f64>]>) -> Self {
        let rates = training.rates().to_vec();
        let n = training.n_examples();
        let (bits, missing) = (training.fixed_bits(0, 0..n), training.missing());
        let mut of_columns = vec![(0.0, 0.0); units.n_sites()];
        let values = Values { units, bits: &bits, missing };
        for row in 0..n {
            for (site, value) in values.of(row).into_iter().enumerate() {
                let Some(value) = value else { continue };
                of_columns[site].0 += 1.0;
                of_columns[site].1 += numbers.map_or(0.0, |numbers| numbers[site][value]);
            }
        }
        let (n, sum) =
            of_columns.iter().fold((0.0, 0.0), |all, one| (all.0 + one.0, all.1 + one.1));
        let mean = sum / n;
        let column =
            |&(n, sum): &(f64, f64)| (n > 0.0).then(|| (sum / n, (sum - n * mean) / (n + DAMPING)));
        Self { rates, mean, columns: of_columns.iter().map(column).collect() }
    }
}

/// Examples by site.
struct Values<'a> {
    units: &'a Units,
    bits: &'a BitMatrix,
    missing: Option<&'a BitMatrix>,
}

impl Values<'_> {
    /// The state of each site that an example has: its unit, or 0 and 1 for a bit.
    fn of(&self, row: usize) -> Vec<Option<usize>> {
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
fn states(probabilities: &[f64]) -> Vec<f64> {
    match probabilities {
        [on] => vec![1.0 - on, *on],
        of_values => of_values.to_vec(),
    }
}

/// Predictions of single values: a model, and what is known about its data.
///
/// ```
/// use harmonium::evaluate::Entries;
/// use harmonium::kernels::Isa;
/// use harmonium::{BitMatrix, Rbm, Watch};
/// use ndarray::{arr1, arr2};
/// // Two films that the same people like: both are tied to the one hidden unit.
/// let rbm = Rbm::new(arr2(&[[8.0], [8.0]]), arr1(&[-4.0, -4.0]), arr1(&[-8.0]))?;
/// let likes = BitMatrix::from_fn(4, 2, |n, _| n % 2 == 0);
/// let found = Entries::new(&rbm, Isa::fastest()).score(&likes, &likes, Watch::default())?;
/// assert_eq!((found.n_values, found.given_others.error_rate), (8, 0.0));
/// # Ok::<(), harmonium::Error>(())
/// ```
pub struct Entries<'a> {
    rbm: &'a Rbm,
    isa: Isa,
    numbers: Option<Vec<Vec<f64>>>,
    known: Option<Known>,
}

impl<'a> Entries<'a> {
    /// Predictions of a model, without any baseline.
    pub fn new(rbm: &'a Rbm, isa: Isa) -> Self {
        Self { rbm, isa, numbers: None, known: None }
    }

    /// Sets the columns of the data, which may stand for [`numbers`].
    pub fn columns(self, columns: Option<&Columns>) -> Self {
        Self { numbers: columns.and_then(numbers), ..self }
    }

    /// Sets the training data, from which the baselines are.
    ///
    /// # Panics
    /// If they have other units than the model.
    pub fn training(self, training: &Examples) -> Self {
        let units = self.rbm.visible_units();
        assert_eq!(training.units(), *units, "sites of the training data");
        Self { known: Some(Known::of(training, units, self.numbers.as_deref())), ..self }
    }

    /// Predicts each value of `asked` (N, V) from what the same row of `given` (N, V) has besides. If both are the
    /// same rows, every value is left out in turn. Examples count alike.
    ///
    /// # Errors
    /// As [`Rbm::mean_hidden`]; [`Error::InvalidSetting`](crate::Error::InvalidSetting) if no value is asked;
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    ///
    /// # Panics
    /// If the numbers of rows differ.
    pub fn score<'b>(
        &self,
        given: impl Into<WeightedRows<'b>>,
        asked: impl Into<WeightedRows<'b>>,
        watch: Watch<'_>,
    ) -> Result<EntryReport> {
        let (given, asked) = (given.into(), asked.into());
        assert_eq!(given.bits.n_rows(), asked.bits.n_rows(), "rows of the same examples");
        for rows in [given, asked] {
            self.rbm.check_given(rows.bits, rows.missing)?;
        }
        let units = self.rbm.visible_units();
        let values =
            |rows: WeightedRows<'b>| Values { units, bits: rows.bits, missing: rows.missing };
        let (of_given, of_asked) = (values(given), values(asked));
        let of_row = |row: usize| {
            watch.check()?;
            Ok(self.sums(given.bits.row(row), &of_given.of(row), &of_asked.of(row)))
        };
        let rows: Vec<Sums> =
            (0..given.bits.n_rows()).into_par_iter().map(of_row).collect::<Result<_>>()?;
        let n_values: usize = rows.iter().map(|sums| sums.n).sum();
        check("the number of values to predict", n_values, n_values > 0, || "at least 1".into())?;
        Ok(self.report(&rows))
    }

    /// The sums over the values of an example that are asked. v has what is given.
    fn sums(&self, v: &[u64], given: &[Option<usize>], asked: &[Option<usize>]) -> Sums {
        let mut conditional = SiteGivenOthers::new(self.rbm, self.isa, v);
        let mut sums = Sums::default();
        for (site, columns) in self.rbm.visible_units().sites().enumerate() {
            let Some(value) = asked[site] else { continue };
            let own = given[site].and_then(|own| match columns.len() {
                1 => (own == 1).then_some(columns.start),
                _ => Some(columns.start + own),
            });
            let mut probabilities = vec![0.0; columns.len()];
            conditional.write(columns.clone(), own, &mut probabilities);
            sums.n += 1;
            sums.add(0, &states(&probabilities), value);
            let of_states = self.numbers.as_ref().map(|numbers| &numbers[site][..]);
            let mut expected =
                of_states.map(|numbers| expected_number(numbers, &states(&probabilities)));
            if let Some(known) = &self.known {
                sums.n_unknown += usize::from(known.columns[site].is_none());
                let rates = states(&known.rates[columns]);
                sums.add(1, &rates, value);
                if let Some(numbers) = of_states {
                    let means = self.means(known, given, site);
                    let of_means = means.map(|mean| (mean - numbers[value]).powi(2));
                    sums.squares.iter_mut().zip(of_means).for_each(|(sum, x)| *sum += x);
                    sums.predictions[1][2] +=
                        (expected_number(numbers, &rates) - numbers[value]).powi(2);
                    if known.columns[site].is_none() {
                        expected = Some(means[2]);
                    }
                }
            }
            if let (Some(expected), Some(numbers)) = (expected, of_states) {
                sums.predictions[0][2] += (expected - numbers[value]).powi(2);
            }
        }
        sums
    }

    /// The three predictions of a number without a model.
    fn means(&self, known: &Known, given: &[Option<usize>], site: usize) -> [f64; 3] {
        let numbers = self.numbers.as_ref().expect("columns of numbers");
        let deviation =
            |column: usize| known.columns[column].map_or(0.0, |(_, deviation)| deviation);
        let (mut n, mut sum) = (0.0, 0.0);
        for (other, value) in given.iter().enumerate().filter(|(other, _)| *other != site) {
            if let Some(value) = *value {
                n += 1.0;
                sum += numbers[other][value] - known.mean - deviation(other);
            }
        }
        let all = known.mean + deviation(site) + sum / (n + DAMPING);
        let least = numbers[site].iter().copied().fold(f64::INFINITY, f64::min);
        let most = numbers[site].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let of_column = known.columns[site].map_or(known.mean, |(mean, _)| mean);
        [known.mean, of_column, all.clamp(least, most)]
    }

    fn report(&self, rows: &[Sums]) -> EntryReport {
        let mut all = Sums::default();
        for row in rows {
            all.n += row.n;
            all.n_unknown += row.n_unknown;
            for (sums, row) in all.predictions.iter_mut().zip(row.predictions) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            all.squares.iter_mut().zip(row.squares).for_each(|(sum, x)| *sum += x);
        }
        let n = all.n as f64;
        let has_numbers = self.numbers.is_some();
        let score = |[errors, losses, squares]: [f64; 3]| EntryScore {
            error_rate: errors / n,
            log_loss: losses / n,
            rmse: has_numbers.then(|| (squares / n).sqrt()),
        };
        let [model, rates] = all.predictions.map(score);
        let [global_mean, column_mean, column_and_example] =
            all.squares.map(|sum| (sum / n).sqrt());
        let is_known = self.known.is_some();
        EntryReport {
            n_values: all.n,
            n_of_unknown_columns: all.n_unknown,
            given_others: model,
            column_rates: is_known.then_some(rates),
            error: None,
            log_loss: None,
            subject: None,
            numbers: (is_known && has_numbers).then_some(NumberBaselines {
                global_mean,
                column_mean,
                column_and_example,
            }),
        }
    }
}

/// Σ number · p.
fn expected_number(numbers: &[f64], states: &[f64]) -> f64 {
    numbers.iter().zip(states).map(|(x, p)| x * p).sum()
}

impl Sums {
    /// Adds the prediction of a value.
    fn add(&mut self, prediction: usize, states: &[f64], value: usize) {
        let most_likely =
            (0..states.len()).reduce(|best, at| if states[at] > states[best] { at } else { best });
        let [errors, losses, _] = &mut self.predictions[prediction];
        *errors += f64::from(u8::from(most_likely != Some(value)));
        *losses -= libm::log(states[value].max(f64::MIN_POSITIVE));
    }
}
