//! Columns of bits and categories: how they are declared, and tables whose cells are values.

use crate::arrays::{NAME, dataset_with_missing, warn};
use crate::errors::to_py;
use crate::json::from_json;
use crate::pool::without_lock;
use crate::sparse::check_lacks;
use harmonium::BitMatrix;
use harmonium::dataset::{Categories, Coded, Columns, Dataset, Encoding, LackedColumns};
use harmonium::setting::Value as _;
use harmonium::train::Missing;
use numpy::{IntoPyArray as _, PyArrayDescrMethods as _, PyReadonlyArray2};
use numpy::{PyUntypedArray, PyUntypedArrayMethods as _};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::path::PathBuf;

/// How letters of sequences are read, by the keywords of a call.
#[derive(Default)]
pub struct Letters {
    pub alphabet: Option<String>,
    pub unknown_letters: Option<String>,
}

/// What values of data mean, by the keywords of a call. `categories` is `"auto"`, a number of states, or columns
/// as [`recorded`] gives them; `ignore` names columns that are left out.
pub fn declared(
    grey_levels: Option<u32>,
    spins: bool,
    categories: Option<&Bound<'_, PyAny>>,
    ignore: Vec<String>,
    letters: Letters,
) -> PyResult<Encoding> {
    let encoding = Encoding::declared(grey_levels, spins).map_err(to_py)?;
    let Letters { alphabet, unknown_letters } = letters;
    if alphabet.is_some() || unknown_letters.is_some() {
        if encoding != Encoding::Undeclared || categories.is_some() || !ignore.is_empty() {
            return Err(PyValueError::new_err(
                "alphabet or unknown_letters is given, which say what sequences are: leave out grey_levels, spins, \
                 categories and ignore",
            ));
        }
        let alphabet = alphabet.map(|text| text.parse()).transpose().map_err(to_py)?;
        let unknown_letters = unknown_letters.map(|text| text.parse()).transpose();
        let unknown_letters = unknown_letters.map_err(to_py)?.unwrap_or_default();
        return Ok(Encoding::Letters { alphabet, unknown_letters });
    }
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
    let value = if let Ok(text) = categories.cast::<PyString>() {
        Value::from(text.to_cow()?.as_ref())
    } else if categories.is_instance_of::<PyTuple>() {
        json!(categories.extract::<Vec<f64>>()?)
    } else {
        json!(categories.extract::<i64>().map_err(|_| {
            let rule = "\"auto\", a range such as (1, 5), a number of states, or columns as a model has them";
            PyTypeError::new_err(format!("categories is {categories}, but must be {rule}"))
        })?)
    };
    let categories = Categories::read("categories", &value).map_err(to_py)?;
    Ok(Encoding::Categories { categories, ignore })
}

/// An encoding in which this number, if there is one, stands for a missing value.
pub fn marked(encoding: Encoding, missing_value: Option<f64>) -> PyResult<Encoding> {
    match missing_value {
        Some(x) if !x.is_finite() => Err(PyValueError::new_err(format!(
            "missing_value is {x}, but must be a finite number; NaN is a missing value without it"
        ))),
        missing_value => Ok(encoding.marked(missing_value)),
    }
}

/// The encoding of columns as [`recorded`] gives them.
pub fn of_columns(columns: &Bound<'_, PyDict>) -> PyResult<Encoding> {
    let text: String = columns.py().import("json")?.call_method1("dumps", (columns,))?.extract()?;
    let columns = serde_json::from_str(&text).expect("JSON, as Python writes it");
    Encoding::recorded(&Map::from_iter([("columns".to_string(), columns)])).map_err(to_py)
}

/// The names of the units of a frame of bits or numbers; `None` for other data.
pub fn unit_names(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    let module = object.py().import("harmonium._columns")?;
    module.call_method1("unit_names", (object,))?.extract()
}

/// A frame with the columns of these units, in their order; other data as they are.
pub fn in_order_of<'py>(
    object: &Bound<'py, PyAny>,
    names: Option<&[String]>,
) -> PyResult<Bound<'py, PyAny>> {
    match names {
        None => Ok(object.clone()),
        Some(names) => {
            let module = object.py().import("harmonium._columns")?;
            module.call_method1("in_order", (object, names))
        }
    }
}

/// The places of the columns of these names in a frame that has them in another order; `None` for other data.
pub fn own_order(object: &Bound<'_, PyAny>, columns: &[String]) -> PyResult<Option<Vec<usize>>> {
    let names = object.py().import(intern!(object.py(), "harmonium._columns"))?;
    let names = names.call_method1(intern!(object.py(), "names_of"), (object,))?;
    let Some(names) = names.extract::<Option<Vec<String>>>()? else { return Ok(None) };
    let places: HashMap<_, _> = columns.iter().zip(0..).collect();
    let order: Vec<_> = names.iter().filter_map(|name| places.get(name).copied()).collect();
    let is_other = order.len() == columns.len() && !order.is_sorted();
    Ok(is_other.then_some(order))
}

/// Columns as a dictionary, in the form that model files have.
pub fn recorded<'py>(py: Python<'py>, columns: &Columns) -> PyResult<Bound<'py, PyAny>> {
    from_json(py, &json!(columns).to_string())
}

/// The values of a frame or a list, or of an array of texts; `None` for an array of numbers or a sparse matrix.
fn coded(object: &Bound<'_, PyAny>) -> PyResult<Option<Coded>> {
    let py = object.py();
    if let Ok(array) = object.cast::<PyUntypedArray>()
        && b"biuf".contains(&array.dtype().kind())
    {
        return Ok(None);
    }
    if object.hasattr(intern!(py, "tocsr"))? {
        return Ok(None);
    }
    let module = py.import(intern!(py, "harmonium._columns"))?;
    let parts = module.call_method1(intern!(py, "coded"), (object,))?;
    if parts.is_none() {
        return Ok(None);
    }
    type Parts<'py> = (Option<Vec<String>>, Vec<Vec<String>>, PyReadonlyArray2<'py, i32>);
    let (names, values, codes): Parts<'_> = parts.extract()?;
    Ok(Some(Coded { names, values, codes: codes.as_array().to_owned() }))
}

/// The examples of a file at a path, as the command line reads it.
fn of_file(
    object: &Bound<'_, PyAny>,
    encoding: &Encoding,
    threads: Option<usize>,
) -> PyResult<Option<Dataset>> {
    let Ok(path) = object.extract::<PathBuf>() else { return Ok(None) };
    without_lock(object.py(), threads, || Dataset::read_as(&path, encoding.clone())).map(Some)
}

/// The examples of texts, or of rows of single letters, if an encoding reads them as sequences.
fn of_sequences(
    object: &Bound<'_, PyAny>,
    encoding: &Encoding,
    threads: Option<usize>,
) -> PyResult<Option<Dataset>> {
    let are_sites = match encoding.of_values() {
        Encoding::Categories { .. } => false,
        Encoding::Columns(columns) if columns.alphabet().is_none() => return Ok(None),
        _ => true,
    };
    let module = object.py().import(intern!(object.py(), "harmonium._columns"))?;
    let found = module.call_method1(intern!(object.py(), "sequences"), (object, are_sites))?;
    let Some(sequences) = found.extract::<Option<Vec<String>>>()? else { return Ok(None) };
    let read = || Dataset::from_sequences(NAME, &sequences, encoding);
    without_lock(object.py(), threads, read).map(Some)
}

/// The examples of a file at a path, or of sequences; `None` for other data.
pub fn of_texts(
    object: &Bound<'_, PyAny>,
    encoding: &Encoding,
    threads: Option<usize>,
) -> PyResult<Option<Dataset>> {
    let found = match of_file(object, encoding, threads)? {
        Some(found) => Some(found),
        None => of_sequences(object, encoding, threads)?,
    };
    warn(object.py(), found.as_ref().and_then(Dataset::inferred))?;
    Ok(found)
}

/// Refuses data with columns for a model of units.
pub fn check_has_columns(dataset: &Dataset, encoding: &Encoding) -> PyResult<()> {
    if dataset.columns().is_none() || encoding.reads_columns() {
        return Ok(());
    }
    let rule = "the data are sequences or columns, but the model was trained on numbers";
    Err(PyValueError::new_err(format!("{}: {rule}", dataset.name())))
}

/// Checks that a model of this encoding has a result for each row of data that were read as examples.
pub fn check_rows_for_model(dataset: &Dataset, encoding: &Encoding) -> PyResult<()> {
    check_has_columns(dataset, encoding)?;
    let name = dataset.name();
    match dataset.n_rows() - dataset.n_examples() {
        0 => Ok(()),
        n => Err(PyValueError::new_err(format!(
            "{name}: sequences with letters that the model does not know: {n}; training left out such sequences, so \
             leave them out here"
        ))),
    }
}

/// The examples of a file, of sequences, or of a frame, a list or an array of texts whose columns an encoding reads;
/// `None` for numbers, and for other data with an encoding of units. Cells without a value are missing; a frame for a model
/// may lack columns of it as `lacked` says.
pub fn examples(
    object: &Bound<'_, PyAny>,
    encoding: &Encoding,
    lacked: LackedColumns,
    threads: Option<usize>,
) -> PyResult<Option<Dataset>> {
    if let Some(found) = of_texts(object, encoding, threads)? {
        return Ok(Some(found));
    }
    if let Encoding::Letters { .. } = encoding {
        return Err(PyValueError::new_err(
            "alphabet or unknown_letters is given, but the data are no sequences: give texts of one length, rows of \
             single letters, or the path of a file in FASTA",
        ));
    }
    if !encoding.reads_columns() {
        return Ok(None);
    }
    let Some(table) = coded(object)? else { return Ok(None) };
    let found = without_lock(object.py(), threads, || table.dataset_for(NAME, encoding, lacked))?;
    warn(object.py(), found.inferred())?;
    Ok(Some(found))
}

/// Visible states (N, columns) as the numbers of their values: bytes, if all are whole and fit.
pub fn numbers<'py>(py: Python<'py>, columns: &Columns, bits: &BitMatrix) -> Bound<'py, PyAny> {
    let numbers = columns.to_numbers(bits);
    match numbers.iter().all(|&x| f64::from(x as u8) == x) {
        true => numbers.mapv(|x| x as u8).into_pyarray(py).into_any(),
        false => numbers.into_pyarray(py).into_any(),
    }
}

/// Visible states (N, columns) as texts: sequences (N), or the names of the values (N, columns).
///
/// # Errors
/// `ValueError` for a model of bits or numbers.
pub fn texts<'py>(
    py: Python<'py>,
    columns: Option<&Columns>,
    bits: &BitMatrix,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(columns) = columns else {
        let message = "as_texts is True, but the model has no columns, whose values are texts";
        return Err(PyValueError::new_err(message));
    };
    let rows = columns.rows(bits);
    match columns.alphabet() {
        Some(_) => text_array(py, rows.map(|row| row.concat()).collect::<Vec<_>>()),
        None => text_array(py, rows.collect::<Vec<_>>()),
    }
}

/// Texts as an array of numpy.
pub fn text_array<'py, T: IntoPyObject<'py>>(
    py: Python<'py>,
    texts: T,
) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "numpy"))?.call_method1(intern!(py, "array"), (texts, "U"))
}

/// The state of a missing value.
const MISSING: u8 = u8::MAX;

/// The columns of data, as `Rbm.columns` has them, and the number of each value's state, uint8 (n, columns), 255
/// for one that is missing.
/// `categories` is "auto", a number of states, a range, or the columns of a model. With `keeps_all`, data of which a column
/// would be left out are refused.
///
/// # Errors
/// As [`refuse_zeros`], where `missing` is "absent".
#[pyfunction]
#[pyo3(signature = (data, categories, *, ignore = Vec::new(), missing_value = None, missing = None,
    keeps_all = false, threads = None))]
pub fn states_of<'py>(
    data: &Bound<'py, PyAny>,
    categories: &Bound<'py, PyAny>,
    ignore: Vec<String>,
    missing_value: Option<f64>,
    missing: Option<&str>,
    keeps_all: bool,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let py = data.py();
    let encoding = declared(None, false, Some(categories), ignore, Letters::default())?;
    let encoding = marked(encoding, missing_value)?;
    let dataset = dataset_with_missing(data, encoding, threads, true)?;
    check_lacks(data, &dataset, missing.map(str::parse).transpose().map_err(to_py)?)?;
    // Runs look for marks themselves.
    warn(py, dataset.marks_note().filter(|_| keeps_all))?;
    if let Some(left_out) = dataset.left_out_columns().filter(|_| keeps_all) {
        let message = format!("{NAME}: {left_out}; leave it out of {NAME}");
        return Err(PyValueError::new_err(message));
    }
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

/// Refuses a sparse matrix of ratings in whose columns 0 is a value, as `train` does with `missing="absent"`.
#[pyfunction]
#[pyo3(signature = (data, categories, *, ignore = Vec::new(), missing_value = None))]
pub fn refuse_zeros(
    data: &Bound<'_, PyAny>,
    categories: &Bound<'_, PyAny>,
    ignore: Vec<String>,
    missing_value: Option<f64>,
) -> PyResult<()> {
    let encoding = declared(None, false, Some(categories), ignore, Letters::default())?;
    let dataset = dataset_with_missing(data, marked(encoding, missing_value)?, None, true)?;
    check_lacks(data, &dataset, Some(Missing::Absent))
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
