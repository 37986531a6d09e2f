//! Single values of data, by row and column.

use crate::arrays::NAME;
use harmonium::dataset::Dataset;
use harmonium::{BitMatrix, Result};
use ndarray::{Array1, Array2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Values at these rows and columns.
pub struct Entries {
    /// Places in `distinct`.
    rows: Vec<usize>,
    columns: Vec<usize>,
    /// The different rows, by number.
    distinct: Vec<usize>,
}

impl Entries {
    /// Two vectors of places, each of which the data must have. Where the caller's columns are in another `order`,
    /// theirs count.
    pub fn of(given: &Bound<'_, PyAny>, data: &Dataset, order: Option<&[usize]>) -> PyResult<Self> {
        let (rows, columns): (Vec<i64>, Vec<i64>) = given.extract().map_err(|cause| {
            let message = "entries must be two vectors of whole numbers, (rows, columns)";
            PyValueError::new_err(format!("{message} ({cause})"))
        })?;
        if rows.len() != columns.len() {
            return Err(PyValueError::new_err(format!(
                "entries have {} rows and {} columns, but must have as many of both",
                rows.len(),
                columns.len()
            )));
        }
        let rows = places("row", rows, data.n_examples())?;
        let columns = places("column", columns, data.units().n_sites())?;
        let columns = match order {
            Some(order) => columns.into_iter().map(|column| order[column]).collect(),
            None => columns,
        };
        let mut distinct = rows.clone();
        distinct.sort_unstable();
        distinct.dedup();
        let place = |row: usize| distinct.binary_search(&row).expect("one of the rows");
        Ok(Self { rows: rows.into_iter().map(place).collect(), columns, distinct })
    }

    /// Whether there are none.
    pub fn are_none(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows of these values, which are hidden, and where they are (rows, V).
    pub fn hidden_in(&self, data: &Dataset) -> Result<(Dataset, BitMatrix)> {
        let (columns, bits) =
            (data.columns().expect("columns"), data.bits().expect("columns are bits"));
        let sites: Vec<_> = data.units().sites().collect();
        let mut asked = BitMatrix::zeros(self.distinct.len(), data.n_visible());
        let mut missing = match data.missing() {
            Some(missing) => missing.chosen(&self.distinct),
            None => asked.clone(),
        };
        for (&row, &column) in self.rows.iter().zip(&self.columns) {
            for unit in sites[column].clone() {
                asked.set(row, unit, true);
                missing.set(row, unit, true);
            }
        }
        let bits = bits.chosen(&self.distinct);
        Ok((Dataset::from_columns(NAME, columns.clone(), bits).with_missing(missing)?, asked))
    }

    /// The numbers (rows, columns) at these places.
    pub fn pick(&self, numbers: &Array2<f64>) -> Array1<f64> {
        self.rows.iter().zip(&self.columns).map(|(&row, &column)| numbers[[row, column]]).collect()
    }
}

/// Whole numbers from 0 to below `n`.
fn places(what: &str, given: Vec<i64>, n: usize) -> PyResult<Vec<usize>> {
    let place = |x: i64| usize::try_from(x).ok().filter(|&x| x < n);
    let found = given.into_iter().map(|x| {
        place(x).ok_or_else(|| {
            let message =
                format!("entries have the {what} {x}, but must have those from 0 to {}", n - 1);
            PyValueError::new_err(message)
        })
    });
    found.collect()
}
