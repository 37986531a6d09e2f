//! Sparse matrices of scipy. Their parts are checked before anybody follows an index: scipy itself does
//! not check them, and a wrong one leads it out of an array.

use crate::arrays::NAME;
use crate::pool::without_lock;
use harmonium::dataset::Dataset;
use harmonium::reals::RealRows;
use harmonium::train::Missing;
use numpy::{
    PyArrayDescrMethods as _, PyReadonlyArray1, PyUntypedArray, PyUntypedArrayMethods as _,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;

/// The rows of a sparse matrix.
pub struct SparseRows {
    pub rows: RealRows,
    /// The kind of its numbers (NumPy's letter).
    pub kind: u8,
    /// Whether it stores a 0.
    pub stores_zeros: bool,
}

/// The rows of a sparse matrix.
pub fn sparse_rows(matrix: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<SparseRows> {
    let py = matrix.py();
    let format = matrix.getattr(intern!(py, "format"));
    match format.and_then(|format| format.extract::<String>()).unwrap_or_default().as_str() {
        "csc" | "bsr" => Compressed::of(matrix).map(drop)?,
        "coo" => check_coordinates(matrix)?,
        "dia" => check_diagonals(matrix)?,
        // Python alone reads the others.
        _ => {}
    }
    let mut csr = matrix.call_method0(intern!(py, "tocsr"))?;
    let mut parts = Compressed::of(&csr)?;
    let kind: String = csr.getattr("dtype")?.getattr("kind")?.extract()?;
    if !"fiub".contains(&kind) {
        return Err(PyTypeError::new_err(format!(
            "{NAME} has the type {}, but must hold booleans, whole or floating-point numbers",
            csr.getattr("dtype")?
        )));
    }
    if !csr.getattr(intern!(py, "has_canonical_format"))?.extract::<bool>()? {
        csr = csr.call_method0(intern!(py, "copy"))?;
        csr.call_method0(intern!(py, "sum_duplicates"))?;
        parts = Compressed::of(&csr)?;
    }
    let values: PyReadonlyArray1<'_, f32> =
        csr.getattr("data")?.call_method1("astype", ("float32",))?.extract()?;
    let (starts, units, values) =
        (parts.starts.as_slice()?, parts.units.as_slice()?, values.as_slice()?);
    let n_columns = parts.shape.1;
    let rows = without_lock(py, threads, || {
        let rows = RealRows::from_csr(n_columns, starts, units, values);
        rows.as_ref().map_or(Ok(()), |rows| rows.check_finite(NAME))?;
        Ok(rows)
    })?;
    let rows = rows.ok_or_else(|| {
        PyValueError::new_err(format!(
            "{NAME} is a sparse matrix whose indices do not rise within a row, or that has more than \
             2^32 - 1 columns"
        ))
    })?;
    let stores_zeros = values.contains(&0.0);
    Ok(SparseRows { rows, kind: kind.as_bytes()[0], stores_zeros })
}

/// Refuses a sparse matrix of columns in which 0 is a value, if what it lacks is to be absent: what it does not store
/// would be known to be 0.
pub fn check_lacks(
    object: &Bound<'_, PyAny>,
    dataset: &Dataset,
    missing: Option<Missing>,
) -> PyResult<()> {
    // What is not stored is missing if 0 stands for that.
    let may_be_known = dataset.encoding().missing_value() != Some(0.0);
    let is_checked = may_be_known && missing == Some(Missing::Absent);
    let Some(columns) = dataset.columns().filter(|_| is_checked) else { return Ok(()) };
    let has_zero = |column| columns.numbers(column).contains(&0.0);
    if !object.hasattr(intern!(object.py(), "tocsr"))? || !(0..columns.n_columns()).any(has_zero) {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "{NAME} is a sparse matrix in whose columns 0 is a value, so that all that it does not store would be known \
         to be 0, and nothing missing: train with a range without 0, such as categories=(1, 5), by which it is \
         missing, or give a dense array with NaN where a value is missing"
    )))
}

/// The parts of a matrix in compressed rows, columns or rows of blocks, with every index inside.
struct Compressed<'py> {
    shape: (usize, usize),
    starts: PyReadonlyArray1<'py, i64>,
    units: PyReadonlyArray1<'py, i64>,
}

impl<'py> Compressed<'py> {
    fn of(matrix: &Bound<'py, PyAny>) -> PyResult<Self> {
        let format: String = matrix.getattr("format")?.extract()?;
        let shape: (usize, usize) = matrix.getattr("shape")?.extract()?;
        let data = lengths(matrix, "data")?;
        let (n_lines, n_across, n_values) = match (&format[..], &data[..]) {
            ("csr", &[n]) => (shape.0, shape.1, n),
            ("csc", &[n]) => (shape.1, shape.0, n),
            ("bsr", &[n, rows, columns])
                if rows * columns > 0
                    && shape.0.is_multiple_of(rows)
                    && shape.1.is_multiple_of(columns) =>
            {
                (shape.0 / rows, shape.1 / columns, n)
            }
            _ => {
                let rule = format!("has the shape {data:?}, which does not fit a {format} matrix");
                return Err(wrong("data", rule));
            }
        };
        let (starts, units) = (whole_numbers(matrix, "indptr")?, whole_numbers(matrix, "indices")?);
        check_starts(starts.as_slice()?, n_lines, units.len().min(n_values))?;
        check_inside("indices", units.as_slice()?, n_across)?;
        Ok(Self { shape, starts, units })
    }
}

/// Checks where each row begins and the last one ends.
fn check_starts(starts: &[i64], n_lines: usize, n_entries: usize) -> PyResult<()> {
    if starts.len() != n_lines + 1 {
        let rule = format!("has {} numbers, but must have {}", starts.len(), n_lines + 1);
        return Err(wrong("indptr", rule));
    }
    let mut least = 0;
    for (at, &start) in starts.iter().enumerate() {
        let is_right = if at == 0 { start == 0 } else { start >= least };
        if !is_right {
            let rule = match at {
                0 => format!("begins with {start}, but must begin with 0"),
                _ => format!("has {start} after {least}, but must not fall"),
            };
            return Err(wrong("indptr", rule));
        }
        least = start;
    }
    if least as u64 > n_entries as u64 {
        let rule = format!("ends with {least}, but indices and data have {n_entries} entries");
        return Err(wrong("indptr", rule));
    }
    Ok(())
}

/// Checks that indices are from 0 to `n` − 1.
fn check_inside(part: &str, indices: &[i64], n: usize) -> PyResult<()> {
    match indices.iter().find(|&&index| index < 0 || index as u64 >= n as u64) {
        None => Ok(()),
        Some(index) => {
            let rule = format!("has {index}, but must hold numbers of at least 0 and below {n}");
            Err(wrong(part, rule))
        }
    }
}

/// Checks a matrix of triples (row, column, number).
fn check_coordinates(matrix: &Bound<'_, PyAny>) -> PyResult<()> {
    let shape: Vec<usize> = matrix.getattr("shape")?.extract()?;
    let data = lengths(matrix, "data")?;
    for (part, &n) in ["row", "col"].into_iter().zip(&shape) {
        let indices = whole_numbers(matrix, part)?;
        if data != [indices.len()] {
            let rule = format!("has {} numbers, but data has the shape {data:?}", indices.len());
            return Err(wrong(part, rule));
        }
        check_inside(part, indices.as_slice()?, n)?;
    }
    Ok(())
}

/// Checks a matrix of diagonals.
fn check_diagonals(matrix: &Bound<'_, PyAny>) -> PyResult<()> {
    let (data, offsets) = (lengths(matrix, "data")?, whole_numbers(matrix, "offsets")?);
    if data.len() == 2 && data[0] == offsets.len() {
        return Ok(());
    }
    let n = offsets.len();
    Err(wrong("data", format!("has the shape {data:?}, but must have {n} rows, one an offset")))
}

/// The lengths of the sides of a part.
fn lengths(matrix: &Bound<'_, PyAny>, part: &str) -> PyResult<Vec<usize>> {
    let array = matrix.getattr(part)?;
    let array =
        array.cast::<PyUntypedArray>().map_err(|_| wrong(part, "is not an array".into()))?;
    Ok(array.shape().to_vec())
}

/// A part that is a vector of whole numbers.
fn whole_numbers<'py>(
    matrix: &Bound<'py, PyAny>,
    part: &str,
) -> PyResult<PyReadonlyArray1<'py, i64>> {
    let shape = lengths(matrix, part)?;
    let array = matrix.getattr(part)?;
    let dtype = array.cast::<PyUntypedArray>()?.dtype();
    if shape.len() != 1 || !b"iu".contains(&dtype.kind()) {
        let rule = format!(
            "has the shape {shape:?} and the type {dtype}, but must be a vector of integers"
        );
        return Err(wrong(part, rule));
    }
    array.call_method1("astype", ("int64",))?.extract()
}

/// The exception for a part that is not as it must be.
fn wrong(part: &str, rule: String) -> PyErr {
    PyValueError::new_err(format!("{NAME} is a damaged sparse matrix: its {part} {rule}"))
}
