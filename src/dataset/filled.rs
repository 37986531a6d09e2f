//! Data with predictions in place of the values that are missing.

use super::values::{Values, WHITE};
use super::{Columns, Dataset};
use crate::bits::{BitMatrix, active};
use crate::error::{Error, Result};
use crate::reals::RealRows;
use ndarray::{Array2, ArrayView2};

impl Dataset {
    /// The same examples with the values of these states (N, V) where one is missing, and no value missing.
    ///
    /// ```
    /// use harmonium::{BitMatrix, Dataset};
    /// use ndarray::array;
    /// let data = Dataset::from_bytes("X", array![[1_u8, 0], [0, 1]])?;
    /// let data = data.with_missing(BitMatrix::from_fn(2, 2, |n, unit| (n, unit) == (0, 1)))?;
    /// let filled = data.filled(&BitMatrix::from_fn(2, 2, |_, _| true));
    /// assert_eq!(filled.numbers(), array![[1.0, 1.0], [0.0, 1.0]]);
    /// assert_eq!(data.expected(array![[0.0, 0.7], [0.0, 0.0]].view())?, array![[1.0, 0.7], [0.0, 1.0]]);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the states have another shape.
    pub fn filled(&self, states: &BitMatrix) -> Self {
        let shape = (self.n_examples(), self.n_visible());
        assert_eq!((states.n_rows(), states.n_columns()), shape, "states");
        let Some(missing) = self.missing() else { return self.clone() };
        let given = BitMatrix::ones(shape.0, shape.1).without(missing);
        let on = states.clone().without(&given);
        Self { values: self.values.with(&on), missing: None, first_missing: None, ..self.clone() }
    }

    /// The states (N, V), if all data are 0 and 1.
    pub fn bits(&self) -> Option<&BitMatrix> {
        match &self.values {
            Values::Bits(bits) => Some(bits),
            Values::Bytes(_) | Values::Reals(_) => None,
        }
    }

    /// The values (N, columns) as numbers, as the data write them: intensities, grey levels, spins, or the
    /// [numbers](Columns::numbers) of the states of columns. A value that is missing is NaN.
    pub fn numbers(&self) -> Array2<f64> {
        self.numbers_with(|_, _| f64::NAN)
    }

    /// [`numbers`](Self::numbers) with their expected values where they are missing, by the probabilities
    /// p(vᵢ = 1) of the units (N, V), which count only there.
    ///
    /// # Errors
    /// As [`check_means`](Self::check_means).
    ///
    /// # Panics
    /// If the probabilities have another shape.
    pub fn expected(&self, probabilities: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
        assert_eq!(probabilities.dim(), (self.n_examples(), self.n_visible()), "probabilities");
        self.check_means()?;
        Ok(self.numbers_with(|n, unit| probabilities[[n, unit]]))
    }

    /// Checks that the values that are missing are numbers, which have a mean.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for a column with missing values whose states are names.
    pub fn check_means(&self) -> Result<()> {
        if let (Some(columns), Some(missing)) = (self.columns(), self.missing()) {
            let has_hole = |unit| (0..missing.n_rows()).any(|n| missing.get(n, unit));
            let units = self.units();
            // The label, if there is one, is no column.
            let mut sites = units.sites().map(|site| site.start).zip(0..columns.n_columns());
            let named =
                sites.find(|&(unit, column)| !columns.has_numbers(column) && has_hole(unit));
            if let Some((_, column)) = named {
                let rule = format!(
                    "column \"{}\" holds names, which have no mean; ask for the most likely values",
                    columns.name(column)
                );
                return Err(Error::Unsuitable { path: self.name().into(), rule });
            }
        }
        Ok(())
    }

    /// The numbers of the values. That of one that is missing is the mean over its values at these
    /// probabilities of its units.
    fn numbers_with(&self, probability: impl Fn(usize, usize) -> f64) -> Array2<f64> {
        let missing = self.missing();
        let x = |n: usize, unit: usize| match missing.is_some_and(|missing| missing.get(n, unit)) {
            true => probability(n, unit),
            false => self.intensity(n, unit),
        };
        let Some(columns) = self.columns() else {
            let [off, on] = match (self.encoding.is_spins(), self.encoding.grey_levels()) {
                (true, _) => [-1.0, 1.0],
                (_, Some(most)) if !self.is_binary() => [0.0, f64::from(most)],
                _ => [0.0, 1.0],
            };
            let is_whole = self.encoding.grey_levels().is_some();
            return Array2::from_shape_fn((self.n_examples(), self.n_visible()), |(n, unit)| {
                let number = off + (on - off) * x(n, unit);
                let is_given = missing.is_none_or(|missing| !missing.get(n, unit));
                if is_whole && is_given { number.round() } else { number }
            });
        };
        let sites: Vec<_> = self.units().sites().collect();
        let numbers: Vec<_> = (0..sites.len()).map(|column| columns.numbers(column)).collect();
        Array2::from_shape_fn((self.n_examples(), sites.len()), |(n, column)| {
            let (site, numbers) = (&sites[column], &numbers[column]);
            match (site.len(), &numbers[..]) {
                (1, [off, on]) => off + (on - off) * x(n, site.start),
                _ => site.clone().zip(numbers).map(|(unit, number)| number * x(n, unit)).sum(),
            }
        })
    }
}

impl Values {
    /// The values, with 1 where a mask of the same shape is on.
    fn with(&self, on: &BitMatrix) -> Self {
        match self {
            Self::Bits(bits) => {
                let mut bits = bits.clone();
                let words = bits.words_mut().iter_mut().zip(on.words());
                words.for_each(|(word, on)| *word |= on);
                Self::Bits(bits)
            }
            Self::Bytes(bytes) => {
                let mut bytes = bytes.view().into_owned();
                for (n, mut row) in bytes.outer_iter_mut().enumerate() {
                    active(on.row(n)).for_each(|unit| row[unit] = WHITE as u8);
                }
                Self::Bytes(bytes.into())
            }
            Self::Reals(reals) => {
                let mut filled = RealRows::new(reals.n_columns());
                for (n, row) in reals.rows().enumerate() {
                    let value = |unit| if on.get(n, unit) { 1.0 } else { row.value(unit) };
                    filled.push((0..reals.n_columns()).map(value));
                }
                Self::Reals(filled)
            }
        }
    }
}

impl Columns {
    /// Whether the states of a column are numbers. Letters are none.
    ///
    /// # Panics
    /// If there is no such column.
    pub fn has_numbers(&self, column: usize) -> bool {
        self.alphabet().is_none()
            && self.states(column).iter().all(|name| super::columns::finite(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Column, ColumnKind, Encoding, Labels};
    use super::*;
    use ndarray::array;

    fn lacking(dataset: Dataset, units: &[(usize, usize)]) -> Dataset {
        let (n_rows, n_units) = (dataset.n_examples(), dataset.n_visible());
        let missing = BitMatrix::from_fn(n_rows, n_units, |n, unit| units.contains(&(n, unit)));
        dataset.with_missing(missing).unwrap()
    }

    #[test]
    fn numbers_are_those_of_the_data() {
        let p = array![[0.0, 0.25], [0.0, 0.0]];
        let hole = |dataset| lacking(dataset, &[(0, 1)]);
        let on = BitMatrix::from_fn(2, 2, |_, _| true);
        let rows = |numbers: ndarray::Array2<f32>| RealRows::from(numbers.view());
        let greys = Dataset::from_numbers_as(
            "g",
            rows(array![[1., 2.], [3., 4.]]),
            Encoding::GreyLevels(4),
        );
        let greys = hole(greys.unwrap());
        assert_eq!(greys.expected(p.view()).unwrap(), array![[1., 1.], [3., 4.]]);
        assert_eq!(greys.filled(&on).numbers(), array![[1., 4.], [3., 4.]]);
        assert!(greys.numbers()[[0, 1]].is_nan());
        let spins =
            Dataset::from_numbers_as("s", rows(array![[1., -1.], [-1., 1.]]), Encoding::Spins);
        let spins = hole(spins.unwrap());
        assert_eq!(spins.expected(p.view()).unwrap(), array![[1., -0.5], [-1., 1.]]);
        assert_eq!(spins.filled(&on).numbers(), array![[1., 1.], [-1., 1.]]);
        let reals = hole(Dataset::from_intensities("r", array![[0.5, 1.0], [0.0, 0.25]]).unwrap());
        assert_eq!(reals.expected(p.view()).unwrap(), array![[0.5, 0.25], [0.0, 0.25]]);
        assert_eq!(reals.filled(&on).numbers(), array![[0.5, 1.0], [0.0, 0.25]]);
        assert_eq!(reals.filled(&on).n_missing(), 0);
    }

    #[test]
    fn a_column_of_numbers_has_a_mean_and_one_of_names_has_none() {
        let column = |name: &str, states: [&str; 3]| {
            let kind = ColumnKind::Category(states.map(String::from).to_vec());
            Column { name: name.into(), kind }
        };
        let columns = Columns::table(vec![
            column("stars", ["0.5", "1", "5"]),
            column("colour", ["blue", "green", "red"]),
        ]);
        let bits = columns.encode("t", array![[2, 0], [1, 1]].view()).unwrap();
        let of_table = Dataset::from_columns("t", columns, bits);
        let p = array![[0.5, 0.25, 0.25, 0.0, 0.0, 1.0], [0.0; 6]];
        let stars = lacking(of_table.clone(), &[(0, 0), (0, 1), (0, 2)]);
        assert_eq!(stars.expected(p.view()).unwrap(), array![[1.75, 0.0], [1.0, 1.0]]);
        let colour = lacking(of_table, &[(0, 3), (0, 4), (0, 5)]);
        let error = colour.expected(p.view()).unwrap_err().to_string();
        assert!(
            error.starts_with("t: column \"colour\" holds names, which have no mean"),
            "{error}"
        );
        let labels = Labels::of_names("kind", &["a", "b"], None).unwrap();
        let labelled = stars.clone().labelled(labels).unwrap();
        labelled.check_means().unwrap();
        let red = BitMatrix::from_fn(2, 6, |_, unit| unit == 5);
        assert_eq!(colour.filled(&red).numbers(), array![[5.0, 2.0], [1.0, 1.0]]);
    }
}
