//! Arrays of Python: numpy arrays of any type and order, read in place, and sparse matrices of scipy,
//! which never become dense numbers (those of only 0 and 1 become bits).
//!
//! Whoever changes an array while it is read has what he made of it: each number is checked as it is
//! taken.

use crate::errors::to_py;
use crate::pool::without_lock;
use harmonium::reals::RealRows;
use harmonium::{BitMatrix, Dataset, Error};
use ndarray::{Array2, ArrayView2, Axis};
use numpy::{Element, PyArrayDescrMethods as _, PyUntypedArray};
use numpy::{PyArray2, PyArrayMethods as _, PyReadonlyArray1, PyUntypedArrayMethods as _};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use rayon::prelude::*;

/// Rows that a piece of work has.
const BLOCK: usize = 256;

/// Rows that one thread takes alone.
const FEW: usize = 32;

/// What messages call an array.
const NAME: &str = "X";

/// A number of an array.
trait Number: Element + Copy + Send + Sync {
    fn to_f32(self) -> f32;
}

macro_rules! numbers {
    ($($type:ty),*) => { $(
        impl Number for $type {
            #[inline(always)]
            fn to_f32(self) -> f32 {
                self as f32
            }
        }
    )* };
}

numbers!(f32, f64, u8, i8, u16, i16, u32, i32, u64, i64);

impl Number for bool {
    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from(self)
    }
}

/// Calls `$body` with `$view` as the view of an array of whatever numbers.
macro_rules! with_view {
    ($array:expr, $view:ident => $body:expr) => {{
        let array = $array;
        with_view!(@each array, $view => $body; f32 f64 bool u8 i64 i32 u16 i16 u32 u64 i8)
    }};
    (@each $array:ident, $view:ident => $body:expr; $($type:ty)*) => {{
        $(
            if let Ok(array) = $array.cast::<PyArray2<$type>>() {
                let array = array.try_readonly()?;
                let $view: ArrayView2<'_, $type> = array.as_array();
                return $body;
            }
        )*
        Err(PyTypeError::new_err(format!(
            "{NAME} has the type {}, but must be of booleans, whole or floating-point numbers",
            $array.cast::<PyUntypedArray>().map(|array| array.dtype().to_string()).unwrap_or_default()
        )))
    }};
}

/// An object as a numpy array of two dimensions.
fn as_array<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    let array = if object.cast::<PyUntypedArray>().is_ok() {
        object.clone()
    } else {
        py.import(intern!(py, "numpy"))?.call_method1(intern!(py, "asarray"), (object,))?
    };
    let untyped = array.cast::<PyUntypedArray>()?;
    if untyped.ndim() != 2 {
        return Err(PyValueError::new_err(format!(
            "{NAME} has {} dimensions, but must have 2: (rows, units); reshape(1, -1) makes a row \
             of a vector",
            untyped.ndim()
        )));
    }
    // Another byte order, or half precision, is copied to what this machine has.
    let dtype = untyped.dtype();
    let is_odd =
        dtype.is_native_byteorder() == Some(false) || dtype.kind() == b'f' && dtype.itemsize() == 2;
    if is_odd {
        let name = if dtype.kind() == b'f' { "float64" } else { "int64" };
        return array.call_method1(intern!(py, "astype"), (name,));
    }
    Ok(array)
}

/// The rows of an array-like or of a sparse matrix as numbers; NaN and infinity are refused.
pub fn rows(object: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<RealRows> {
    if object.hasattr(intern!(object.py(), "tocsr"))? {
        return sparse_rows(object, threads);
    }
    let (py, array) = (object.py(), as_array(object)?);
    with_view!(&array, view => {
        if view.nrows() <= FEW {
            // Not worth another thread.
            block_of_rows(view, 0).map_err(to_py)
        } else {
            without_lock(py, threads, || dense_rows(view))
        }
    })
}

/// The rows of an array-like or of a sparse matrix as examples to train on: bits if all are 0 and 1;
/// with `grey_levels`, bytes as levels from 0 to 255; else numbers.
pub fn dataset(
    object: &Bound<'_, PyAny>,
    grey_levels: bool,
    threads: Option<usize>,
) -> PyResult<Dataset> {
    let py = object.py();
    if object.hasattr(intern!(py, "tocsr"))? {
        let rows = sparse_rows(object, threads)?;
        check_rows(rows.n_rows(), rows.n_columns())?;
        return Ok(Dataset::from_rows(NAME, rows));
    }
    let array = as_array(object)?;
    let shape = array.cast::<PyUntypedArray>()?.shape().to_vec();
    check_rows(shape[0], shape[1])?;
    if let (true, Ok(bytes)) = (grey_levels, array.cast::<PyArray2<u8>>()) {
        let bytes: Array2<u8> = bytes.try_readonly()?.as_array().to_owned();
        return Ok(Dataset::from_bytes(NAME, bytes));
    }
    with_view!(&array, view => without_lock(py, threads, || {
        Ok(match dense_bits(view) {
            Some(bits) => Dataset::from_bits(NAME, bits),
            None => Dataset::from_rows(NAME, dense_rows(view)?),
        })
    }))
}

/// Refuses data without examples or units.
fn check_rows(n_rows: usize, n_columns: usize) -> PyResult<()> {
    if n_rows > 0 && n_columns > 0 {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "{NAME} has the shape ({n_rows}, {n_columns}), but must have at least one row and one unit"
    )))
}

/// The bits of an array of only 0 and 1.
fn dense_bits<T: Number>(view: ArrayView2<'_, T>) -> Option<BitMatrix> {
    let (n_rows, n_columns) = view.dim();
    if n_rows == 0 || n_columns == 0 {
        return Some(BitMatrix::zeros(n_rows, n_columns));
    }
    let words_per_row = n_columns.div_ceil(64);
    let mut words = vec![0u64; n_rows * words_per_row];
    let blocks = view.axis_chunks_iter(Axis(0), BLOCK).into_par_iter();
    let are_bits = words.par_chunks_mut(BLOCK * words_per_row).zip(blocks).all(|(words, rows)| {
        words.chunks_exact_mut(words_per_row).zip(rows.outer_iter()).all(|(words, row)| {
            let mut is_bit = true;
            let mut numbers = row.iter();
            for word in words {
                for (bit, number) in numbers.by_ref().take(64).enumerate() {
                    let x = number.to_f32();
                    is_bit &= x == 0.0 || x == 1.0;
                    *word |= u64::from(x == 1.0) << bit;
                }
            }
            is_bit
        })
    });
    are_bits
        .then(|| BitMatrix::from_words(n_rows, n_columns, words).expect("no bits past the last"))
}

/// The numbers of an array.
fn dense_rows<T: Number>(view: ArrayView2<'_, T>) -> harmonium::Result<RealRows> {
    let n_columns = view.ncols();
    let blocks = view.axis_chunks_iter(Axis(0), BLOCK).into_par_iter().enumerate();
    let blocks = blocks.map(|(block, rows)| block_of_rows(rows, block * BLOCK));
    let blocks: Vec<_> = blocks.collect::<harmonium::Result<_>>()?;
    Ok(blocks.iter().fold(RealRows::new(n_columns), |mut rows, block| {
        rows.append(block);
        rows
    }))
}

/// The numbers of some rows, the first of which is that of example `first`.
fn block_of_rows<T: Number>(view: ArrayView2<'_, T>, first: usize) -> harmonium::Result<RealRows> {
    let mut numbers = RealRows::new(view.ncols());
    for (n, row) in view.outer_iter().enumerate() {
        numbers.push(row.iter().map(|number| number.to_f32()));
        check_finite(&numbers, first + n)?;
    }
    Ok(numbers)
}

/// Refuses NaN and infinity in the last row, which is that of an example.
fn check_finite(rows: &RealRows, example: usize) -> harmonium::Result<()> {
    let row = rows.row(rows.n_rows() - 1);
    match row.iter().find(|(_, x)| !x.is_finite()) {
        None => Ok(()),
        Some((unit, value)) => {
            let (data, rule) = (NAME.to_string(), "finite, also as a float32");
            Err(Error::BadValue { data, example, unit, value: f64::from(value), rule })
        }
    }
}

/// The numbers of a sparse matrix, by its rows.
fn sparse_rows(matrix: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<RealRows> {
    let py = matrix.py();
    let mut csr = matrix.call_method0(intern!(py, "tocsr"))?;
    let kind: String = csr.getattr("dtype")?.getattr("kind")?.extract()?;
    if !"fiub".contains(&kind) {
        return Err(PyTypeError::new_err(format!(
            "{NAME} has the type {}, but must be of booleans, whole or floating-point numbers",
            csr.getattr("dtype")?
        )));
    }
    if !csr.getattr(intern!(py, "has_canonical_format"))?.extract::<bool>()? {
        csr = csr.call_method0(intern!(py, "copy"))?;
        csr.call_method0(intern!(py, "sum_duplicates"))?;
    }
    let vector = |name: &str, dtype: &str| csr.getattr(name)?.call_method1("astype", (dtype,));
    let starts: PyReadonlyArray1<'_, i64> = vector("indptr", "int64")?.extract()?;
    let units: PyReadonlyArray1<'_, i64> = vector("indices", "int64")?.extract()?;
    let values: PyReadonlyArray1<'_, f32> = vector("data", "float32")?.extract()?;
    let (_, n_columns): (usize, usize) = csr.getattr(intern!(py, "shape"))?.extract()?;
    let (starts, units, values) = (starts.as_array(), units.as_array(), values.as_array());
    let n_entries = units.len().min(values.len()) as i64;
    let is_whole = u32::try_from(n_columns).is_ok()
        && starts.iter().all(|start| (0..=n_entries).contains(start))
        && starts.windows(2).into_iter().all(|ends| {
            let units = (ends[0]..ends[1]).map(|at| units[at as usize]);
            let mut least = 0;
            ends[0] <= ends[1]
                && units.into_iter().all(|unit| {
                    let is_next = unit >= least && unit < n_columns as i64;
                    least = unit + 1;
                    is_next
                })
        });
    if !is_whole {
        return Err(PyValueError::new_err(format!(
            "{NAME} is a sparse matrix whose indices do not rise, or pass its {n_columns} columns (of \
             which there may be 2^32 - 1); its check_format() may say more"
        )));
    }
    without_lock(py, threads, || {
        let mut rows = RealRows::new(n_columns);
        for (n, ends) in starts.windows(2).into_iter().enumerate() {
            let entries = ends[0] as usize..ends[1] as usize;
            rows.push_entries(entries.map(|at| (units[at] as usize, values[at])));
            check_finite(&rows, n)?;
        }
        Ok(rows)
    })
}

/// The rows of an array-like of hidden or visible states as bits.
pub fn bits(
    object: &Bound<'_, PyAny>,
    what: &'static str,
    threads: Option<usize>,
) -> PyResult<BitMatrix> {
    let (py, array) = (object.py(), as_array(object)?);
    let bits: PyResult<Option<BitMatrix>> =
        (|| with_view!(&array, view => without_lock(py, threads, || Ok(dense_bits(view)))))();
    bits?.ok_or_else(|| {
        PyValueError::new_err(format!("{what} has other values than 0 and 1, but must be of bits"))
    })
}

/// W (V, H) turned to (H, V), in another precision.
pub fn turned<T: Copy + Default + Send + Sync>(
    weights: ArrayView2<'_, f32>,
    number: impl Fn(f32) -> T + Sync,
) -> Array2<T> {
    /// Units of either layer that are turned at a time: their lines stay in the first cache.
    const SIDE: usize = 32;
    let (n_visible, n_hidden) = weights.dim();
    let mut turned = Array2::from_elem((n_hidden, n_visible), T::default());
    let blocks = turned.axis_chunks_iter_mut(Axis(0), SIDE).into_par_iter().enumerate();
    blocks.for_each(|(block, mut rows)| {
        for first in (0..n_visible).step_by(SIDE) {
            for i in first..(first + SIDE).min(n_visible) {
                let weights = weights.row(i);
                for j in 0..rows.nrows() {
                    rows[[j, i]] = number(weights[block * SIDE + j]);
                }
            }
        }
    });
    turned
}

/// Bits as an array of booleans.
pub fn booleans(bits: &BitMatrix) -> Array2<bool> {
    Array2::from_shape_fn((bits.n_rows(), bits.n_columns()), |(n, i)| bits.get(n, i))
}
