//! Columns of bits and categories: how they are declared, and tables whose cells are values.

use crate::arrays::{NAME, dataset_with_missing};
use crate::errors::to_py;
use crate::json::from_json;
use crate::pool::without_lock;
use harmonium::BitMatrix;
use harmonium::dataset::{Categories, Coded, Columns, Dataset, Encoding};
use harmonium::setting::Value as _;
use numpy::{IntoPyArray as _, PyArrayDescrMethods as _, PyReadonlyArray2};
use numpy::{PyUntypedArray, PyUntypedArrayMethods as _};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use serde_json::{Map, Value, json};

/// What values of data mean, by the keywords of a call. `categories` is `"auto"`, a number of states, or columns
/// as [`recorded`] gives them; `ignore` names columns that are left out.
pub fn declared(
    grey_levels: Option<u32>,
    spins: bool,
    categories: Option<&Bound<'_, PyAny>>,
    ignore: Vec<String>,
) -> PyResult<Encoding> {
    let encoding = Encoding::declared(grey_levels, spins).map_err(to_py)?;
    let with = |setting: &str| {
        let rule = "must be left out with categories, which say what values mean";
        Err(PyValueError::new_err(format!("{setting} is given, but {rule}")))
    };
    let Some(categories) = categories else {
        if !ignore.is_empty() {
            let message = "ignore is given, but has no effect without categories";
            return Err(PyValueError::new_err(message));
        }
        return Ok(encoding);
    };
    match encoding {
        Encoding::GreyLevels(_) => return with("grey_levels"),
        Encoding::Spins => return with("spins"),
        _ => {}
    }
    if let Ok(columns) = categories.cast::<PyDict>() {
        if !ignore.is_empty() {
            return with("ignore");
        }
        return of_columns(columns);
    }
    let value = match categories.cast::<PyString>() {
        Ok(text) => Value::from(text.to_cow()?.as_ref()),
        Err(_) => json!(categories.extract::<i64>().map_err(|_| {
            let rule = "\"auto\", a number of states, or columns as a model has them";
            PyTypeError::new_err(format!("categories is {categories}, but must be {rule}"))
        })?),
    };
    let categories = Categories::read("categories", &value).map_err(to_py)?;
    Ok(Encoding::Categories { categories, ignore })
}

/// The encoding of columns as [`recorded`] gives them.
pub fn of_columns(columns: &Bound<'_, PyDict>) -> PyResult<Encoding> {
    let text: String = columns.py().import("json")?.call_method1("dumps", (columns,))?.extract()?;
    let columns = serde_json::from_str(&text).expect("JSON, as Python writes it");
    Encoding::recorded(&Map::from_iter([("columns".to_string(), columns)])).map_err(to_py)
}

/// Columns as a dictionary, in the form that model files have.
pub fn recorded<'py>(py: Python<'py>, columns: &Columns) -> PyResult<Bound<'py, PyAny>> {
    from_json(py, &json!(columns).to_string())
}

/// The values of a frame or a list, or of an array of texts; `None` for an array of numbers or a sparse matrix.
fn coded(object: &Bound<'_, PyAny>, encoding: &Encoding) -> PyResult<Option<Coded>> {
    let py = object.py();
    if let Ok(array) = object.cast::<PyUntypedArray>()
        && b"biuf".contains(&array.dtype().kind())
    {
        return Ok(None);
    }
    if object.hasattr(intern!(py, "tocsr"))? {
        return Ok(None);
    }
    let are_letters = encoding.columns().is_some_and(|columns| columns.alphabet().is_some());
    let module = py.import(intern!(py, "harmonium._columns"))?;
    let parts = module.call_method1(intern!(py, "coded"), (object, are_letters))?;
    if parts.is_none() {
        return Ok(None);
    }
    type Parts<'py> = (Option<Vec<String>>, Vec<Vec<String>>, PyReadonlyArray2<'py, i32>);
    let (names, values, codes): Parts<'_> = parts.extract()?;
    Ok(Some(Coded { names, values, codes: codes.as_array().to_owned() }))
}

/// The examples of a frame, a list or an array of texts whose columns an encoding reads; `None` for numbers,
/// and for an encoding of units. Cells without a value are missing.
pub fn examples(
    object: &Bound<'_, PyAny>,
    encoding: &Encoding,
    threads: Option<usize>,
) -> PyResult<Option<Dataset>> {
    if !encoding.reads_columns() {
        return Ok(None);
    }
    let Some(table) = coded(object, encoding)? else { return Ok(None) };
    without_lock(object.py(), threads, || table.dataset(NAME, encoding)).map(Some)
}

/// Visible states (N, columns) as the numbers of their values: bytes, if all are whole and fit.
pub fn numbers<'py>(py: Python<'py>, columns: &Columns, bits: &BitMatrix) -> Bound<'py, PyAny> {
    let numbers = columns.to_numbers(bits);
    match numbers.iter().all(|&x| f64::from(x as u8) == x) {
        true => numbers.mapv(|x| x as u8).into_pyarray(py).into_any(),
        false => numbers.into_pyarray(py).into_any(),
    }
}

/// The state of a missing value.
const MISSING: u8 = u8::MAX;

/// The columns of data, as `Rbm.columns` has them, and the number of each value's state, uint8 (n, columns), 255
/// for one that is missing.
/// `categories` is "auto", a number of states, or the columns of a model.
#[pyfunction]
#[pyo3(signature = (data, categories, *, threads = None))]
pub fn states_of<'py>(
    data: &Bound<'py, PyAny>,
    categories: &Bound<'py, PyAny>,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (py, encoding) = (data.py(), declared(None, false, Some(categories), Vec::new())?);
    let dataset = dataset_with_missing(data, encoding, threads, true)?;
    let columns = dataset.columns().expect("data with columns");
    // What is missing is any state for a moment.
    let (units, missing) = (dataset.units(), dataset.missing());
    let is_missing = |n, unit| missing.is_some_and(|missing| missing.get(n, unit));
    let firsts: Vec<_> = units.sites().map(|site| site.start).collect();
    let mut bits = dataset.bits().expect("columns are bits").clone();
    for (n, &unit) in (0..bits.n_rows()).flat_map(|n| firsts.iter().map(move |unit| (n, unit))) {
        if is_missing(n, unit) {
            bits.set(n, unit, true);
        }
    }
    let mut states = columns.decode(&bits);
    states.indexed_iter_mut().for_each(|((n, column), state)| {
        if is_missing(n, firsts[column]) {
            *state = MISSING;
        }
    });
    Ok((recorded(py, columns)?, states.into_pyarray(py).into_any()))
}

/// Numbers (n, columns) that mean these states to a model of the columns; NaN for those that are missing.
#[pyfunction]
pub fn numbers_of<'py>(
    columns: &Bound<'py, PyDict>,
    states: PyReadonlyArray2<'py, u8>,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, encoding) = (columns.py(), of_columns(columns)?);
    let columns = encoding.columns().expect("columns");
    let states = states.as_array();
    let given = states.mapv(|state| if state == MISSING { 0 } else { state });
    let bits = columns.encode(NAME, given.view()).map_err(to_py)?;
    if given == states {
        return Ok(numbers(py, columns, &bits));
    }
    let mut numbers = columns.to_numbers(&bits);
    numbers.zip_mut_with(&states, |number, &state| {
        if state == MISSING {
            *number = f64::NAN;
        }
    });
    Ok(numbers.into_pyarray(py).into_any())
}
