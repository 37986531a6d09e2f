//! Columns of bits and categories: how they are declared, and tables whose cells are values.

use crate::arrays::{NAME, dataset};
use crate::errors::to_py;
use crate::json::from_json;
use crate::pool::without_lock;
use harmonium::BitMatrix;
use harmonium::dataset::{Categories, Coded, Columns, Encoding};
use harmonium::setting::Value as _;
use ndarray::Array2;
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
pub fn coded(object: &Bound<'_, PyAny>, encoding: &Encoding) -> PyResult<Option<Coded>> {
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

/// The columns of data and their one-hot bits.
pub fn encode(
    py: Python<'_>,
    table: &Coded,
    encoding: &Encoding,
    threads: Option<usize>,
) -> PyResult<(Columns, BitMatrix)> {
    without_lock(py, threads, || table.encode(NAME, encoding))
}

/// Visible states (N, columns) as the numbers of their values: bytes, if all are whole and fit.
pub fn numbers<'py>(py: Python<'py>, columns: &Columns, bits: &BitMatrix) -> Bound<'py, PyAny> {
    let numbers = columns.to_numbers(bits);
    match numbers.iter().all(|&x| f64::from(x as u8) == x) {
        true => numbers.mapv(|x| x as u8).into_pyarray(py).into_any(),
        false => numbers.into_pyarray(py).into_any(),
    }
}

/// The columns of data, as `Rbm.columns` has them, and the number of each value's state, uint8 (n, columns).
/// `categories` is "auto", a number of states, or the columns of a model.
#[pyfunction]
#[pyo3(signature = (data, categories, *, threads = None))]
pub fn states_of<'py>(
    data: &Bound<'py, PyAny>,
    categories: &Bound<'py, PyAny>,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let (py, encoding) = (data.py(), declared(None, false, Some(categories), Vec::new())?);
    let dataset = dataset(data, encoding, threads)?;
    let columns = dataset.columns().expect("data with columns");
    let bits = BitMatrix::from_fn(dataset.n_examples(), dataset.n_visible(), |n, unit| {
        dataset.intensity(n, unit) == 1.0
    });
    let states: Array2<u8> = columns.decode(&bits);
    Ok((recorded(py, columns)?, states.into_pyarray(py).into_any()))
}

/// Numbers (n, columns) that mean these states to a model of the columns.
#[pyfunction]
pub fn numbers_of<'py>(
    columns: &Bound<'py, PyDict>,
    states: PyReadonlyArray2<'py, u8>,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, encoding) = (columns.py(), of_columns(columns)?);
    let columns = encoding.columns().expect("columns");
    let bits = columns.encode(NAME, states.as_array()).map_err(to_py)?;
    Ok(numbers(py, columns, &bits))
}
