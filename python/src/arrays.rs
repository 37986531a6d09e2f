//! Arrays of Python: numpy arrays of any type and order, read in place, and sparse matrices of scipy,
//! which never become dense numbers (0 and 1 become bits, grey levels of 255 become bytes). The
//! library's [`Encoding`] says what integers mean.
//!
//! If another thread changes an array while it is read, old and new numbers may mix; each number is
//! checked as it is read.

use crate::columns::{
    check_has_columns, check_rows_for_model, examples, numbers, of_texts, recorded, text_array,
    texts,
};
use crate::errors::to_py;
use crate::pool::{Place, without_lock};
use crate::sparse::{SparseRows, sparse_rows};
use harmonium::dataset::{Encoding, LackedColumns};
use harmonium::memory::{self, Bytes, Need};
use harmonium::reals::RealRows;
use harmonium::{BitMatrix, Dataset};
use ndarray::{Array, Array2, ArrayView1, ArrayView2, ArrayViewD, Axis, Dimension};
use numpy::{
    AllowTypeChange, PyArray2, PyArrayDyn, PyArrayLike, PyReadonlyArray1, PyReadonlyArrayDyn,
    PyUntypedArray,
};
use numpy::{Element, IntoPyArray as _, PyArrayDescrMethods as _};
use numpy::{PyArrayMethods as _, PyUntypedArrayMethods as _};
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyMemoryError, PyTypeError, PyUserWarning, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use rayon::prelude::*;
use std::path::PathBuf;

/// Weights that a user gives, one for each of n examples. `name` is the argument.
pub fn one_each(given: &Bound<'_, PyAny>, name: &str, n_examples: usize) -> PyResult<Vec<f64>> {
    let weights = given.py().import("harmonium._weights")?;
    let found = weights.call_method1("one_each", (given, name, n_examples))?;
    Ok(found.extract::<PyReadonlyArray1<'_, f64>>()?.as_array().to_vec())
}

/// The number of rows in a piece of work.
const BLOCK: usize = 256;

/// The most numbers that the thread that calls reads itself.
const FEW: usize = 1 << 15;

/// The name of an array in messages.
pub const NAME: &str = "X";

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

/// Runs `$body` with `$view` as the view of an array, whatever the type of its numbers.
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
            "{NAME} has the type {}, but must hold booleans, whole or floating-point numbers",
            $array.cast::<PyUntypedArray>().map(|array| array.dtype().to_string()).unwrap_or_default()
        )))
    }};
}

/// Whether an object is a masked array.
fn is_masked(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = object.py();
    let class = py.import(intern!(py, "numpy.ma"))?.getattr(intern!(py, "MaskedArray"))?;
    object.is_instance(&class)
}

/// Refuses a masked array: without its mask it would be other data.
#[pyfunction]
pub fn refuse_masked(object: &Bound<'_, PyAny>) -> PyResult<()> {
    if is_masked(object)? {
        return Err(PyValueError::new_err(format!(
            "{NAME} is a masked array, but missing values cannot be used here: leave rows with such values \
             out, fill them by X.filled(...), or train on them with missing=\"absent\" (such a value is no \
             part of its row's model) or missing=\"marginal\" (it is summed out)"
        )));
    }
    Ok(())
}

/// Whether an array of numbers, rounded to single precision, is `copy` (in C order) to the bit.
#[pyfunction]
pub fn rounds_to(array: &Bound<'_, PyAny>, copy: PyReadonlyArrayDyn<'_, f32>) -> PyResult<bool> {
    let (py, copy) = (array.py(), copy.as_array());
    if let Ok(array) = array.cast::<PyArrayDyn<f64>>()
        && is_aligned(array)?
    {
        return Ok(are_rounded(array.try_readonly()?.as_array(), copy, |x| x as f32));
    }
    if let Ok(array) = array.cast::<PyArrayDyn<f32>>()
        && is_aligned(array)?
    {
        return Ok(are_rounded(array.try_readonly()?.as_array(), copy, |x| x));
    }
    let numpy = py.import(intern!(py, "numpy"))?;
    let array = numpy.call_method1(intern!(py, "array"), (array, intern!(py, "float32")))?;
    let array = array.cast::<PyArrayDyn<f32>>()?.try_readonly()?;
    Ok(are_rounded(array.as_array(), copy, |x| x))
}

/// Whether numbers, rounded, are those of a copy in C order.
fn are_rounded<T: Copy>(
    numbers: ArrayViewD<'_, T>,
    copy: ArrayViewD<'_, f32>,
    round: impl Fn(T) -> f32,
) -> bool {
    /// Numbers between two looks for a difference.
    const BLOCK: usize = 1024;
    if numbers.shape() != copy.shape() {
        return false;
    }
    let numbers = numbers.as_standard_layout();
    let (Some(numbers), Some(copy)) = (numbers.as_slice(), copy.as_slice()) else { return false };
    numbers.chunks(BLOCK).zip(copy.chunks(BLOCK)).all(|(numbers, copy)| {
        let pairs = numbers.iter().zip(copy);
        pairs.fold(0, |other, (&x, y)| other | (round(x).to_bits() ^ y.to_bits())) == 0
    })
}

/// Warns with a text, if there is one: what integers were taken for, if it was not declared.
pub fn warn(py: Python<'_>, text: Option<String>) -> PyResult<()> {
    match text {
        Some(text) => warn_as::<PyUserWarning>(py, &text),
        None => Ok(()),
    }
}

/// Warns of this kind, at the line that called the package.
pub fn warn_as<T: PyTypeInfo>(py: Python<'_>, text: &str) -> PyResult<()> {
    let module = py.import("harmonium._warnings")?;
    module.call_method1("warn", (text, py.get_type::<T>())).map(drop)
}

/// Whether an encoding applies to these numbers of this kind (NumPy's letter).
fn are_encoded(kind: u8, encoding: &Encoding, rows: &RealRows) -> bool {
    let numbers = rows.rows().flat_map(|row| row.values).map(|&x| f64::from(x));
    kind != b'f' || encoding.reads_reals(numbers)
}

/// Rows and columns of the images in an array (n, rows, columns).
fn image_shape(array: &Bound<'_, PyUntypedArray>) -> Option<(usize, usize)> {
    match array.shape() {
        &[_, rows, columns] => Some((rows, columns)),
        _ => None,
    }
}

/// An object as a numpy array.
fn as_numpy<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    refuse_masked(object)?;
    if let Ok(array) = object.cast::<PyUntypedArray>() {
        return Ok(array.clone());
    }
    let numpy = object.py().import(intern!(object.py(), "numpy"))?;
    Ok(numpy.call_method1(intern!(object.py(), "asarray"), (object,))?.cast_into()?)
}

/// Whether the numbers of an array of numpy lie on their boundaries; those of a packed record do not.
fn is_aligned(array: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = array.py();
    array.getattr(intern!(py, "flags"))?.getattr(intern!(py, "aligned"))?.is_truthy()
}

/// An array-like, or a copy of an array whose numbers are not on their boundaries.
pub fn aligned<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if object.cast::<PyUntypedArray>().is_ok() && !is_aligned(object)? {
        return object.call_method0(intern!(object.py(), "copy"));
    }
    Ok(object.clone())
}

/// An array-like of numbers in single precision.
pub fn floats<D: Dimension>(object: &Bound<'_, PyAny>) -> PyResult<Array<f32, D>> {
    let object = aligned(object)?;
    let array: PyArrayLike<'_, f32, D, AllowTypeChange> = object.extract()?;
    Ok(array.as_array().to_owned())
}

/// An array-like of numbers in double precision.
pub fn doubles<D: Dimension>(object: &Bound<'_, PyAny>) -> PyResult<Array<f64, D>> {
    let object = aligned(object)?;
    let array: PyArrayLike<'_, f64, D, AllowTypeChange> = object.extract()?;
    Ok(array.as_array().to_owned())
}

/// An object as a two-dimensional numpy array; images become rows.
fn as_array<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let (py, mut untyped) = (object.py(), as_numpy(object)?);
    if let Some((rows, columns)) = image_shape(&untyped) {
        let shape = (untyped.shape()[0], rows * columns);
        untyped = untyped.call_method1(intern!(py, "reshape"), (shape,))?.cast_into()?;
    }
    if untyped.ndim() != 2 {
        return Err(PyValueError::new_err(format!(
            "{NAME} has {} dimensions, but must have 2, (rows, units), or 3, (images, rows, columns); \
             reshape(1, -1) makes a row of a vector",
            untyped.ndim()
        )));
    }
    let array = untyped.clone().into_any();
    // Another byte order, half precision, or numbers off their boundaries, as in a packed record, become
    // numbers of this CPU.
    let dtype = untyped.dtype();
    let is_odd = dtype.is_native_byteorder() == Some(false)
        || dtype.kind() == b'f' && dtype.itemsize() == 2
        || b"fiu".contains(&dtype.kind()) && dtype.itemsize() <= 8 && !is_aligned(&array)?;
    if is_odd {
        let name = if dtype.kind() == b'f' { "float64" } else { "int64" };
        return array.call_method1(intern!(py, "astype"), (name,));
    }
    Ok(array)
}

/// The rows of an array-like or of a sparse matrix as numbers: integers decoded, others as they are. NaN
/// and infinity are refused.
pub fn rows(
    object: &Bound<'_, PyAny>,
    encoding: Encoding,
    threads: Option<usize>,
) -> PyResult<RealRows> {
    let py = object.py();
    if let Some(dataset) = examples(object, &encoding, LackedColumns::Refuse, threads)? {
        dataset.refuse_missing("this call").map_err(to_py)?;
        check_rows_for_model(&dataset, &encoding)?;
        return Ok(match dataset.bits() {
            Some(bits) => RealRows::from(bits),
            // Of a file.
            None => {
                let shape = (dataset.n_examples(), dataset.n_visible());
                let number = |(n, unit)| dataset.intensity(n, unit) as f32;
                RealRows::from(Array2::from_shape_fn(shape, number).view())
            }
        });
    }
    let (rows, kind) = if object.hasattr(intern!(py, "tocsr"))? {
        let SparseRows { rows, kind, .. } = sparse_rows(object, threads)?;
        (rows, kind)
    } else {
        let array = as_array(object)?;
        let untyped = array.cast::<PyUntypedArray>()?;
        let kind = untyped.dtype().kind();
        check_width(untyped.shape()[1])?;
        let rows: PyResult<RealRows> = (|| {
            with_view!(&array, view => {
                let place = if view.len() <= FEW { Place::Here } else { Place::Pool(threads) };
                without_lock(py, place, || dense_rows(view))
            })
        })();
        (rows?, kind)
    };
    let encoding = if kind == b'b' { encoding.marked(None) } else { encoding };
    if !are_encoded(kind, &encoding, &rows) {
        if let Some(mark) = encoding.missing_value() {
            let marked = Dataset::from_numbers_marked(NAME, rows.clone(), mark).map_err(to_py)?;
            marked.refuse_missing("this call").map_err(to_py)?;
        }
        return Ok(rows);
    }
    let (intensities, found) = encoding.clone().decode(NAME, rows).map_err(to_py)?;
    warn(py, found.inferred(&encoding, NAME).filter(|_| found != encoding))?;
    Ok(intensities)
}

/// The rows of an array-like or of a sparse matrix as examples: bits if all are 0 and 1, decoded
/// integers, or numbers as they are. Each must have all values.
pub fn dataset(
    object: &Bound<'_, PyAny>,
    encoding: Encoding,
    threads: Option<usize>,
) -> PyResult<Dataset> {
    let found = with_holes(object, &encoding, LackedColumns::Refuse, threads)?;
    found.refuse_missing("this call").map_err(to_py)?;
    // A mean does not need all rows.
    check_has_columns(&found, &encoding)?;
    Ok(found)
}

/// The rows of an array-like or of a sparse matrix as examples, as [`dataset`] reads them, some without values.
fn with_holes(
    object: &Bound<'_, PyAny>,
    encoding: &Encoding,
    lacked: LackedColumns,
    threads: Option<usize>,
) -> PyResult<Dataset> {
    match examples(object, encoding, lacked, threads)? {
        Some(found) => Ok(found),
        None => of_numbers(object, encoding.clone(), threads),
    }
}

/// The rows of an array of numbers or of a sparse matrix as examples, as [`dataset`] reads them. Numbers that the
/// encoding says stand for missing values are missing; booleans never are.
fn of_numbers(
    object: &Bound<'_, PyAny>,
    encoding: Encoding,
    threads: Option<usize>,
) -> PyResult<Dataset> {
    let py = object.py();
    let of_rows = |rows, kind, encoding: Encoding| {
        if are_encoded(kind, &encoding, &rows) {
            return Dataset::from_numbers_as(NAME, rows, encoding);
        }
        match encoding.missing_value() {
            Some(mark) => Dataset::from_numbers_marked(NAME, rows, mark),
            None => Ok(Dataset::from_numbers(NAME, rows)),
        }
    };
    let mut images = None;
    let dataset = if object.hasattr(intern!(py, "tocsr"))? {
        sparse_dataset(object, encoding, threads)?
    } else {
        let object = as_numpy(object)?;
        images = image_shape(&object).filter(|_| !encoding.reads_columns());
        let array = as_array(&object)?;
        let untyped = array.cast::<PyUntypedArray>()?;
        let (shape, kind) = (untyped.shape().to_vec(), untyped.dtype().kind());
        check_rows(shape[0], shape[1])?;
        let bits: PyResult<Option<BitMatrix>> =
            (|| with_view!(&array, view => without_lock(py, threads, || dense_bits(view))))();
        let dataset: PyResult<Dataset> = (|| {
            let encoding = if kind == b'b' { encoding.marked(None) } else { encoding };
            let is_plain = !encoding.reads_columns() && encoding.missing_value().is_none();
            if let Some(bits) = bits?.filter(|_| is_plain) {
                return Ok(Dataset::from_bits(NAME, bits));
            }
            if let Ok(bytes) = array.cast::<PyArray2<u8>>() {
                let bytes: Array2<u8> = bytes.try_readonly()?.as_array().to_owned();
                return Dataset::from_bytes_as(NAME, bytes, encoding).map_err(to_py);
            }
            with_view!(&array, view => without_lock(py, threads, || {
                of_rows(dense_rows(view)?, kind, encoding)
            }))
        })();
        dataset?
    };
    warn(py, dataset.inferred())?;
    match images {
        Some((rows, columns)) => dataset.with_image_shape(rows, columns).map_err(to_py),
        None => Ok(dataset),
    }
}

/// The rows of a sparse matrix as examples. In columns without a state 0, what it does not store is missing.
fn sparse_dataset(
    object: &Bound<'_, PyAny>,
    encoding: Encoding,
    threads: Option<usize>,
) -> PyResult<Dataset> {
    let SparseRows { rows, kind, stores_zeros } = sparse_rows(object, threads)?;
    check_rows(rows.n_rows(), rows.n_columns())?;
    if !are_encoded(kind, &encoding, &rows) {
        return match encoding.missing_value() {
            Some(mark) => Dataset::from_numbers_marked(NAME, rows, mark).map_err(to_py),
            None => Ok(Dataset::from_numbers(NAME, rows)),
        };
    }
    let is_marked = encoding.missing_value().is_some();
    let dataset = Dataset::from_sparse_as(NAME, rows, encoding).map_err(to_py)?;
    if !is_marked && stores_zeros && dataset.missing().is_some() {
        return Err(PyValueError::new_err(format!(
            "{NAME} is a sparse matrix that stores zeros, which are no values of its columns, though what it does not \
             store is missing; if these are missing, too, drop them by X.eliminate_zeros()"
        )));
    }
    Ok(dataset)
}

/// The rows of an array-like as examples, as [`dataset`] reads them. NaN is a missing value; so is a masked
/// number, if masked arrays are allowed.
pub fn dataset_with_missing(
    object: &Bound<'_, PyAny>,
    encoding: Encoding,
    threads: Option<usize>,
    allows_masked: bool,
) -> PyResult<Dataset> {
    if !allows_masked {
        refuse_masked(object)?;
    }
    if let Some(dataset) = of_texts(object, &encoding, threads)? {
        return Ok(dataset);
    }
    let lacked = if allows_masked { LackedColumns::Missing } else { LackedColumns::Refuse };
    let module = object.py().import(intern!(object.py(), "harmonium._missing"))?;
    if encoding.reads_columns() {
        if object.hasattr(intern!(object.py(), "tocsr"))? {
            return sparse_dataset(object, encoding, threads);
        }
        let columns =
            encoding.columns().map(|columns| recorded(object.py(), columns)).transpose()?;
        let cells = module.call_method1(intern!(object.py(), "cells"), (object, columns))?;
        return with_holes(&cells, &encoding, lacked, threads);
    }
    let error = match with_holes(object, &encoding, lacked, threads) {
        Ok(dataset) => return Ok(dataset),
        Err(error) => error,
    };
    // An array that repeats its memory may be larger than any mask of it.
    let size = object.getattr(intern!(object.py(), "size")).and_then(|n| n.extract::<u64>());
    if size.is_ok_and(|n| n > u64::from(u32::MAX))
        || error.is_instance_of::<PyMemoryError>(object.py())
    {
        return Err(error);
    }
    let split = module.getattr(intern!(object.py(), "split"))?;
    let Ok(parts) = split.call1((object, encoding.is_spins())) else { return Err(error) };
    let Some((values, missing)) =
        parts.extract::<Option<(Bound<'_, PyAny>, Bound<'_, PyAny>)>>()?
    else {
        return Err(error);
    };
    let missing = bits(&missing, "the mask of missing values", threads)?;
    let found = with_holes(&values, &encoding, lacked, threads)?;
    let is_either =
        |n, unit| missing.get(n, unit) || found.missing().is_some_and(|m| m.get(n, unit));
    let all = BitMatrix::from_fn(missing.n_rows(), missing.n_columns(), is_either);
    found.with_missing(all).map_err(to_py)
}

/// Refuses more columns than rows of numbers can have.
fn check_width(n_columns: usize) -> PyResult<()> {
    if u32::try_from(n_columns).is_ok() {
        return Ok(());
    }
    Err(PyValueError::new_err(format!(
        "{NAME} has {n_columns} columns, but at most 2^32 - 1 can be used"
    )))
}

/// Refuses data without examples or units, or of which not even the bits and the mean fit in memory.
fn check_rows(n_rows: usize, n_columns: usize) -> PyResult<()> {
    if n_rows > 0 && n_columns > 0 {
        check_width(n_columns)?;
        let mean = Bytes::of::<[f64; 2]>(&[n_columns]);
        let need = Need::new(BitMatrix::bytes(n_rows, n_columns) + mean, &[]);
        return memory::check(|| of_shape(n_rows, n_columns), &[need]).map_err(to_py);
    }
    Err(PyValueError::new_err(format!(
        "{NAME} has the shape ({n_rows}, {n_columns}), but must have at least one row and one unit"
    )))
}

/// Work on data of this shape, for messages.
fn of_shape(n_rows: usize, n_columns: usize) -> String {
    format!("{NAME} of shape ({n_rows}, {n_columns})")
}

/// The bits of an array, if all its numbers are 0 and 1.
fn dense_bits<T: Number>(view: ArrayView2<'_, T>) -> harmonium::Result<Option<BitMatrix>> {
    let (n_rows, n_columns) = view.dim();
    if n_rows == 0 || n_columns == 0 {
        return Ok(Some(BitMatrix::zeros(n_rows, n_columns)));
    }
    // The shape may be larger than memory, as strides may be 0.
    let need = Need::new(BitMatrix::bytes(n_rows, n_columns), &[]);
    memory::check(|| of_shape(n_rows, n_columns), &[need])?;
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
    Ok(are_bits
        .then(|| BitMatrix::from_words(n_rows, n_columns, words).expect("no bits past the last")))
}

/// Checks that there is memory for the numbers of an array, twice: in blocks, and joined.
fn check_numbers<T: Number>(view: ArrayView2<'_, T>) -> harmonium::Result<()> {
    let (n_rows, n_columns) = view.dim();
    let check = |n_entries| {
        let need = Need::new(RealRows::bytes(n_rows, n_entries) * 2, &[]);
        memory::check(|| of_shape(n_rows, n_columns), &[need])
    };
    // Zeros are counted only if the array may exist and would be too large without them: an array with a
    // stride of 0 may have any shape.
    let most = n_rows.saturating_mul(n_columns);
    check(most).or_else(|error| {
        if memory::limit().is_none_or(|limit| Bytes::of::<T>(&[most]) > limit.bytes) {
            return Err(error);
        }
        let rows = view.axis_iter(Axis(0)).into_par_iter();
        let n_entries = |row: ArrayView1<'_, T>| row.iter().filter(|x| x.to_f32() != 0.0).count();
        check(rows.map(n_entries).sum())
    })
}

/// The numbers of an array.
fn dense_rows<T: Number>(view: ArrayView2<'_, T>) -> harmonium::Result<RealRows> {
    check_numbers(view)?;
    let blocks = view.axis_chunks_iter(Axis(0), BLOCK).into_par_iter();
    let blocks: Vec<_> = blocks.map(block_of_rows).collect();
    let mut rows = RealRows::new(view.ncols());
    blocks.iter().for_each(|block| rows.append(block));
    rows.check_finite(NAME)?;
    Ok(rows)
}

/// The numbers of a block of rows.
fn block_of_rows<T: Number>(view: ArrayView2<'_, T>) -> RealRows {
    let mut numbers = RealRows::new(view.ncols());
    view.outer_iter().for_each(|row| numbers.push(row.iter().map(|number| number.to_f32())));
    numbers
}

/// The rows of an array-like of visible states, 0 and 1 or spins, as bits.
pub fn visible_bits(
    object: &Bound<'_, PyAny>,
    what: &'static str,
    encoding: Encoding,
    threads: Option<usize>,
) -> PyResult<BitMatrix> {
    if !encoding.is_spins() && !encoding.reads_columns() {
        return bits(object, what, threads);
    }
    let rows = rows(object, encoding, threads)?;
    Ok(rows.to_bits().expect("spins and columns are bits"))
}

/// The rows of an array-like of hidden or visible states as bits.
pub fn bits(
    object: &Bound<'_, PyAny>,
    what: &'static str,
    threads: Option<usize>,
) -> PyResult<BitMatrix> {
    let (py, array) = (object.py(), as_array(object)?);
    let bits: PyResult<Option<BitMatrix>> =
        (|| with_view!(&array, view => without_lock(py, threads, || dense_bits(view))))();
    bits?.ok_or_else(|| {
        PyValueError::new_err(format!("{what} has other values than 0 and 1, but must hold bits"))
    })
}

/// W (V, H) transposed to (H, V), in another precision.
pub fn transposed<T: Copy + Default + Send + Sync>(
    weights: ArrayView2<'_, f32>,
    number: impl Fn(f32) -> T + Sync,
) -> Array2<T> {
    /// The side of a block in units: its cache lines fit the first-level cache.
    const SIDE: usize = 32;
    let (n_visible, n_hidden) = weights.dim();
    let mut transposed = Array2::from_elem((n_hidden, n_visible), T::default());
    let blocks = transposed.axis_chunks_iter_mut(Axis(0), SIDE).into_par_iter().enumerate();
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
    transposed
}

/// Visible states (N, V) as in the data: booleans, spins -1 and 1 as int8, or the numbers of columns.
pub fn states<'py>(py: Python<'py>, bits: &BitMatrix, encoding: Encoding) -> Bound<'py, PyAny> {
    if let Some(columns) = encoding.columns() {
        return numbers(py, columns, bits);
    }
    if encoding.is_spins() {
        return bits.to_array(Encoding::spin).into_pyarray(py).into_any();
    }
    bits.to_array(|is_on| is_on).into_pyarray(py).into_any()
}

/// Decodes samples for `harmonium.io` to bits (uint8) or intensities (float32).
#[pyfunction]
#[pyo3(signature = (samples, *, grey_levels = None, spins = false))]
pub fn decoded<'py>(
    samples: &Bound<'py, PyAny>,
    grey_levels: Option<u32>,
    spins: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let (py, encoding) = (samples.py(), Encoding::declared(grey_levels, spins).map_err(to_py)?);
    let dataset = dataset(samples, encoding, None)?;
    dataset.check_intensities().map_err(to_py)?;
    samples_of(py, &dataset)
}

/// Reads data as `--data` of the command line does: IDX, .npy, .npz, a table of numbers as text or a PNG, each
/// gzipped or not, a folder of PNG images, or a file of `pack`. `FILE.npz:NAME` names one of several arrays. A pattern
/// such as "part-*.npy" reads these files of a folder one after the other, in the order of their numbers.
///
/// The content of a file decides its format. The result (N, V) is uint8 if all numbers are 0 or 1, otherwise
/// float32, intensities from 0 to 1; a row of an image has its rows end to end. Integers are read by
/// `grey_levels` and `spins`, as in `train`.
///
/// Sequences in FASTA are texts (N), with all their letters but inserts; `train` and models take such texts, and parts
/// of them. Columns of categories that were packed are the values (N, columns), for `train(..., categories="auto")`.
///
/// >>> import harmonium, pathlib, tempfile
/// >>> with tempfile.TemporaryDirectory() as folder:
/// ...     table = pathlib.Path(folder, "table.csv")
/// ...     _ = table.write_text("left,right\n0,1\n1,0\n")
/// ...     harmonium.read(table).tolist()
/// [[0, 1], [1, 0]]
#[pyfunction]
#[pyo3(signature = (path, *, grey_levels = None, spins = false))]
pub fn read(
    py: Python<'_>,
    path: PathBuf,
    grey_levels: Option<u32>,
    spins: bool,
) -> PyResult<Bound<'_, PyAny>> {
    let encoding = Encoding::declared(grey_levels, spins).map_err(to_py)?;
    if encoding == Encoding::Undeclared
        && let Some(sequences) = without_lock(py, None, || Dataset::read_sequences(&path))?
    {
        return text_array(py, sequences);
    }
    let dataset = without_lock(py, None, || Dataset::read_as(&path, encoding))?;
    warn(py, dataset.inferred())?;
    match (dataset.columns(), dataset.bits()) {
        (Some(columns), Some(bits)) => {
            dataset.refuse_missing("an array of values").map_err(to_py)?;
            texts(py, Some(columns), bits)
        }
        _ => samples_of(py, &dataset),
    }
}

/// The examples (N, V) as bits (uint8), or else as intensities (float32).
fn samples_of<'py>(py: Python<'py>, dataset: &Dataset) -> PyResult<Bound<'py, PyAny>> {
    let shape = (dataset.n_examples(), dataset.n_visible());
    let need = Need::new(Bytes::of::<f32>(&[shape.0, shape.1]), &[]);
    memory::check(|| of_shape(shape.0, shape.1), &[need]).map_err(to_py)?;
    if dataset.is_binary() {
        let bit = |(n, i)| u8::from(dataset.intensity(n, i) == 1.0);
        return Ok(Array2::from_shape_fn(shape, bit).into_pyarray(py).into_any());
    }
    let intensity = |(n, i)| dataset.intensity(n, i) as f32;
    Ok(Array2::from_shape_fn(shape, intensity).into_pyarray(py).into_any())
}
