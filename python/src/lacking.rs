//! Rows that lack values, of models that were trained on such rows.

use crate::arrays::{dataset_with_missing, rows};
use crate::columns::check_rows_for_model;
use crate::errors::to_py;
use harmonium::dataset::{Binarization, Dataset, Encoding, Examples, WeightedBits};
use harmonium::reals::RealRows;
use harmonium::train::Missing;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Rows for a model.
pub enum Rows {
    /// Each has all values. Where sites without values are no part of a row's model, their units are off.
    Whole(RealRows),
    /// Some lack values, which are summed out.
    Lacking(Box<Dataset>),
}

/// The rows of an array-like or of a sparse matrix for a model of which `missing` says what a missing value is. A model
/// of whole rows takes no others.
pub fn rows_or_lacking(
    object: &Bound<'_, PyAny>,
    encoding: Encoding,
    missing: Option<Missing>,
    threads: Option<usize>,
) -> PyResult<Rows> {
    let error = match rows(object, encoding.clone(), threads) {
        Ok(rows) => return Ok(Rows::Whole(rows)),
        Err(error) => error,
    };
    let Some(missing) = missing else { return Err(error) };
    let Ok(data) = dataset_with_missing(object, encoding.clone(), threads, true) else {
        return Err(error);
    };
    if data.missing().is_none() {
        return Err(error);
    }
    check_rows_for_model(&data, &encoding)?;
    match (missing, data.bits()) {
        (Missing::Absent, Some(bits)) => Ok(Rows::Whole(RealRows::from(bits))),
        (Missing::Marginal, _) => Ok(Rows::Lacking(Box::new(data))),
        _ => Err(error),
    }
}

/// The bits of rows that lack values, which are summed out.
pub fn summed_out(data: Dataset) -> PyResult<WeightedBits> {
    if data.bits().is_none() {
        return Err(PyValueError::new_err(
            "X lacks values, and others are neither 0 nor 1: such rows have no sum over what they lack; fill them first \
             by Rbm.impute",
        ));
    }
    let examples = Examples::new(data, Binarization::Stochastic);
    Ok(examples.weighted_bits(0, 0..examples.n_examples()))
}

/// Refuses rows that lack values, of which `what` is not known.
pub fn refuse(data: &Dataset, what: &'static str) -> PyErr {
    match data.refuse_missing(what) {
        Err(error) => to_py(error),
        Ok(()) => unreachable!("rows that lack values"),
    }
}
