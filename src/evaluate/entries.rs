//! How well single values are predicted from the others that an example has.
//!
//! With `missing = absent` each example has a model of its own, of the sites that it has, and a Z of its own: there is
//! no log Z to find. What such a model is for, the prediction of values that are not known, can be scored: of each
//! value x_q the probability given all others that the example has, in closed form
//! ([`imputation`](super::imputation)).
//!
//! The columns of ratings stand for numbers. Then the expected number Σ value · p(value) is compared with the true one,
//! beside three predictions that need no model ([`NumberMeans`]). A column that training lacks is predicted by them.

use super::imputation::SiteGivenOthers;
use super::number_means::{NumberMeans, SiteStates, expected, numbers, states};
use super::report::{ScoreReport, SubjectReport};
use crate::dataset::{Columns, Examples, WeightedRows};
use crate::error::Result;
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::setting::check;
use crate::watch::Watch;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

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
    /// Its standard error over the examples, whose values go together; None if the values are of a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rmse_standard_error: Option<f64>,
    /// The mean absolute error of the expected number, if the columns stand for numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mae: Option<f64>,
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
    /// The data that hold these values, if they were not left out of the examples themselves in turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<String>,
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
    /// The weight of these values: `n` times that of the example.
    weight: f64,
    /// Errors, −ln p, squared and absolute errors of the model and of the rates.
    predictions: [[f64; 4]; 2],
    /// Squared errors of the three baselines.
    squares: [f64; 3],
}

/// What is known of the columns from the training data.
struct Known {
    /// The rates of the units (V).
    rates: Vec<f64>,
    /// The number of examples with a value of each site.
    n_given: Vec<usize>,
    /// None if the columns do not stand for numbers.
    means: Option<NumberMeans>,
}

/// Predictions of single values: a model, and what is known about its data.
///
/// ```
/// use harmonium::evaluate::Entries;
/// use harmonium::Isa;
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
    columns: Option<&'a Columns>,
    known: Option<Known>,
}

impl<'a> Entries<'a> {
    /// Predictions of a model, without any baseline.
    pub fn new(rbm: &'a Rbm, isa: Isa) -> Self {
        Self { rbm, isa, columns: None, known: None }
    }

    /// Sets the columns of the data, which may stand for [`numbers`].
    pub fn columns(self, columns: Option<&'a Columns>) -> Self {
        Self { columns, ..self }
    }

    /// Sets the training data, from which the baselines are.
    ///
    /// # Panics
    /// If they have other units than the model.
    pub fn training(self, training: &Examples) -> Self {
        let units = self.rbm.visible_units();
        assert_eq!(training.units(), *units, "sites of the training data");
        let n_given = training.n_given_alike();
        let mean = training.mean();
        let means = self.columns.and_then(|columns| NumberMeans::new(columns, &mean, &n_given));
        Self { known: Some(Known { rates: training.rates().to_vec(), n_given, means }), ..self }
    }

    /// Predicts each value of `asked` (N, V) from what the same row of `given` (N, V) has besides. If both are the
    /// same rows, every value is left out in turn. Each value counts by the weight of its row in `given`.
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
            |rows: WeightedRows<'b>| SiteStates { units, bits: rows.bits, missing: rows.missing };
        let (of_given, of_asked) = (values(given), values(asked));
        let numbers = self.columns.and_then(numbers);
        let of_row = |row: usize| {
            watch.check()?;
            let weight = given.weights.map_or(1.0, |weights| weights[row]);
            let (v, given, asked) = (given.bits.row(row), of_given.of(row), of_asked.of(row));
            Ok(self.sums(v, &given, &asked, numbers.as_deref()).weighted(weight))
        };
        let rows: Vec<Sums> =
            (0..given.bits.n_rows()).into_par_iter().map(of_row).collect::<Result<_>>()?;
        let n_values: usize = rows.iter().map(|sums| sums.n).sum();
        check("the number of values to predict", n_values, n_values > 0, || "at least 1".into())?;
        Ok(self.report(&rows, numbers.is_some()))
    }

    /// The sums over the values of an example that are asked. v has what is given.
    fn sums(
        &self,
        v: &[u64],
        given: &[Option<usize>],
        asked: &[Option<usize>],
        numbers: Option<&[Vec<f64>]>,
    ) -> Sums {
        let mut conditional = SiteGivenOthers::new(self.rbm, self.isa, v);
        let mut sums = Sums::default();
        let n_given = given.iter().flatten().count();
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
            let of_states = numbers.and_then(|numbers| numbers.get(site)).map(|all| &all[..]);
            let mut predicted = of_states.map(|numbers| expected(numbers, &states(&probabilities)));
            if let Some(known) = &self.known {
                sums.n_unknown += usize::from(known.n_given[site] == 0);
                let rates = states(&known.rates[columns]);
                sums.add(1, &rates, value);
                if let Some(numbers) = of_states {
                    sums.add_number(1, expected(numbers, &rates) - numbers[value]);
                }
                if let (Some(numbers), Some(means)) = (of_states, &known.means) {
                    let ((of_all, of_column), both) =
                        (means.means(site), means.predict(given, site));
                    let squares =
                        [of_all, of_column, both].map(|mean| (mean - numbers[value]).powi(2));
                    sums.squares.iter_mut().zip(squares).for_each(|(sum, x)| *sum += x);
                    // As predictions are filled in ([`NumberMeans::replace_unknown`]).
                    let n_others = n_given - usize::from(given[site].is_some());
                    if n_others == 0 || !means.is_known(site) {
                        predicted = Some(both);
                    }
                }
            }
            if let (Some(predicted), Some(numbers)) = (predicted, of_states) {
                sums.add_number(0, predicted - numbers[value]);
            }
        }
        sums
    }

    fn report(&self, rows: &[Sums], has_numbers: bool) -> EntryReport {
        let mut all = Sums::default();
        for row in rows {
            all.n += row.n;
            all.n_unknown += row.n_unknown;
            all.weight += row.weight;
            for (sums, row) in all.predictions.iter_mut().zip(row.predictions) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            all.squares.iter_mut().zip(row.squares).for_each(|(sum, x)| *sum += x);
        }
        let weight = all.weight;
        let n_rows = rows.iter().filter(|row| row.n > 0).count();
        let score = |prediction: usize| {
            let [errors, losses, squares, magnitudes] = all.predictions[prediction];
            let mean_square = squares / weight;
            // The scatter of the examples' sums about their weight times the mean, and the slope of the root.
            let scatter =
                |row: &Sums| (row.predictions[prediction][2] - row.weight * mean_square).powi(2);
            let error_of_mean = rows.iter().map(scatter).sum::<f64>().sqrt() / weight;
            let has_error = has_numbers && n_rows > 1 && mean_square > 0.0;
            EntryScore {
                error_rate: errors / weight,
                log_loss: losses / weight,
                rmse: has_numbers.then(|| mean_square.sqrt()),
                rmse_standard_error: has_error.then(|| error_of_mean / (2.0 * mean_square.sqrt())),
                mae: has_numbers.then(|| magnitudes / weight),
            }
        };
        let [model, rates] = [0, 1].map(score);
        let [global_mean, column_mean, column_and_example] =
            all.squares.map(|sum| (sum / weight).sqrt());
        let is_known = self.known.is_some();
        EntryReport {
            n_values: all.n,
            truth: None,
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

impl Sums {
    /// The same sums of an example of this weight.
    fn weighted(self, weight: f64) -> Self {
        Self {
            weight: weight * self.n as f64,
            predictions: self.predictions.map(|sums| sums.map(|sum| weight * sum)),
            squares: self.squares.map(|sum| weight * sum),
            ..self
        }
    }

    /// Adds the prediction of a value.
    fn add(&mut self, prediction: usize, states: &[f64], value: usize) {
        let most_likely =
            (0..states.len()).reduce(|best, at| if states[at] > states[best] { at } else { best });
        let [errors, losses, ..] = &mut self.predictions[prediction];
        *errors += f64::from(u8::from(most_likely != Some(value)));
        *losses -= libm::log(states[value].max(f64::MIN_POSITIVE));
    }

    /// Adds the error of an expected number.
    fn add_number(&mut self, prediction: usize, error: f64) {
        let [.., squares, magnitudes] = &mut self.predictions[prediction];
        *squares += error * error;
        *magnitudes += error.abs();
    }
}
