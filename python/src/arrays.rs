//! Arrays of Python: numpy arrays of any type and order, read in place, and sparse matrices of scipy,
//! which never become dense numbers (0 and 1 become bits, grey levels of 255 become bytes). The
//! library's [`Encoding`] says what integers mean.
//!
//! If another thread changes an array while it is read, old and new numbers may mix; each number is
//! checked as it is read.

use crate::errors::to_py;
use crate::pool::without_lock;
use harmonium::dataset::Encoding;
use harmonium::reals::RealRows;
use harmonium::{BitMatrix, Dataset};
use ndarray::{Array2, ArrayView2, Axis};
use numpy::{Element, IntoPyArray as _, PyArrayDescrMethods as _, PyUntypedArray};
use numpy::{PyArray2, PyArrayMethods as _, PyReadonlyArray1, PyUntypedArrayMethods as _};
use pyo3::exceptions::{PyTypeError, PyUserWarning, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use rayon::prelude::*;
use std::path::PathBuf;

/// The number of rows in a piece of work.
const BLOCK: usize = 256;

/// The number of rows that one thread reads alone.
const FEW: usize = 32;

/// The name of an array in messages.
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

/// Refuses a masked array: without its mask it would be other data.
#[pyfunction]
pub fn refuse_masked(object: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = object.py();
    let class = py.import(intern!(py, "numpy.ma"))?.getattr(intern!(py, "MaskedArray"))?;
    if object.is_instance(&class)? {
        return Err(PyValueError::new_err(format!(
            "{NAME} is a masked array, but missing values cannot be learned from: leave rows with \
             such values out, or fill them by X.filled(...)"
        )));
    }
    Ok(())
}

/// Warns what integers were taken for, if it was not declared.
fn warn(py: Python<'_>, inferred: Option<String>) -> PyResult<()> {
    let Some(text) = inferred else { return Ok(()) };
    let text = std::ffi::CString::new(text).expect("text without a NUL");
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 1)
}

/// Whether an encoding applies to numbers of this kind (NumPy's letter).
fn are_encoded(kind: u8, encoding: Encoding) -> bool {
    kind != b'f' || encoding.is_spins()
}

/// An object as a two-dimensional numpy array.
fn as_array<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = object.py();
    refuse_masked(object)?;
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
    // Another byte order, or half precision, is converted to a type of this CPU.
    let dtype = untyped.dtype();
    let is_odd =
        dtype.is_native_byteorder() == Some(false) || dtype.kind() == b'f' && dtype.itemsize() == 2;
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
    let (rows, kind) = if object.hasattr(intern!(py, "tocsr"))? {
        sparse_rows(object, threads)?
    } else {
        let array = as_array(object)?;
        let kind = array.cast::<PyUntypedArray>()?.dtype().kind();
        let rows: PyResult<RealRows> = (|| {
            with_view!(&array, view => {
                if view.nrows() <= FEW {
                    // Too few for another thread.
                    let rows = block_of_rows(view);
                    rows.check_finite(NAME).map_err(to_py)?;
                    Ok(rows)
                } else {
                    without_lock(py, threads, || dense_rows(view))
                }
            })
        })();
        (rows?, kind)
    };
    if !are_encoded(kind, encoding) {
        return Ok(rows);
    }
    let (intensities, found) = encoding.decode(NAME, rows).map_err(to_py)?;
    warn(py, found.inferred(encoding, NAME))?;
    Ok(intensities)
}

/// The rows of an array-like or of a sparse matrix as examples: bits if all are 0 and 1, decoded
/// integers, or numbers as they are.
pub fn dataset(
    object: &Bound<'_, PyAny>,
    encoding: Encoding,
    threads: Option<usize>,
) -> PyResult<Dataset> {
    let py = object.py();
    let dataset = if object.hasattr(intern!(py, "tocsr"))? {
        let (rows, kind) = sparse_rows(object, threads)?;
        check_rows(rows.n_rows(), rows.n_columns())?;
        if are_encoded(kind, encoding) {
            Dataset::from_numbers_as(NAME, rows, encoding).map_err(to_py)?
        } else {
            Dataset::from_numbers(NAME, rows)
        }
    } else {
        let array = as_array(object)?;
        let untyped = array.cast::<PyUntypedArray>()?;
        let (shape, kind) = (untyped.shape().to_vec(), untyped.dtype().kind());
        check_rows(shape[0], shape[1])?;
        let bits: PyResult<Option<BitMatrix>> =
            (|| with_view!(&array, view => without_lock(py, threads, || Ok(dense_bits(view)))))();
        let dataset: PyResult<Dataset> = (|| {
            if let Some(bits) = bits? {
                return Ok(Dataset::from_bits(NAME, bits));
            }
            if let Ok(bytes) = array.cast::<PyArray2<u8>>() {
                let bytes: Array2<u8> = bytes.try_readonly()?.as_array().to_owned();
                return Dataset::from_bytes_as(NAME, bytes, encoding).map_err(to_py);
            }
            with_view!(&array, view => without_lock(py, threads, || {
                let rows = dense_rows(view)?;
                if are_encoded(kind, encoding) {
                    return Dataset::from_numbers_as(NAME, rows, encoding);
                }
                Ok(Dataset::from_numbers(NAME, rows))
            }))
        })();
        dataset?
    };
    warn(py, dataset.inferred())?;
    Ok(dataset)
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

/// The bits of an array, if all its numbers are 0 and 1.
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

/// The rows of a sparse matrix, and the kind of its numbers (NumPy's letter).
fn sparse_rows(matrix: &Bound<'_, PyAny>, threads: Option<usize>) -> PyResult<(RealRows, u8)> {
    let py = matrix.py();
    let mut csr = matrix.call_method0(intern!(py, "tocsr"))?;
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
    }
    let vector = |name: &str, dtype: &str| csr.getattr(name)?.call_method1("astype", (dtype,));
    let starts: PyReadonlyArray1<'_, i64> = vector("indptr", "int64")?.extract()?;
    let units: PyReadonlyArray1<'_, i64> = vector("indices", "int64")?.extract()?;
    let values: PyReadonlyArray1<'_, f32> = vector("data", "float32")?.extract()?;
    let (_, n_columns): (usize, usize) = csr.getattr(intern!(py, "shape"))?.extract()?;
    let (starts, units, values) = (starts.as_slice()?, units.as_slice()?, values.as_slice()?);
    let rows = without_lock(py, threads, || {
        let rows = RealRows::from_csr(n_columns, starts, units, values);
        rows.as_ref().map_or(Ok(()), |rows| rows.check_finite(NAME))?;
        Ok(rows)
    })?;
    let rows = rows.ok_or_else(|| {
        PyValueError::new_err(format!(
            "{NAME} is a sparse matrix whose indices do not rise, or exceed its {n_columns} columns (at \
             most 2^32 - 1); its check_format() may say more"
        ))
    })?;
    Ok((rows, kind.as_bytes()[0]))
}

/// The rows of an array-like of visible states, 0 and 1 or spins, as bits.
pub fn visible_bits(
    object: &Bound<'_, PyAny>,
    what: &'static str,
    encoding: Encoding,
    threads: Option<usize>,
) -> PyResult<BitMatrix> {
    if !encoding.is_spins() {
        return bits(object, what, threads);
    }
    let rows = rows(object, encoding, threads)?;
    Ok(rows.to_bits().expect("spins are bits"))
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

/// Visible states (N, V) as in the data: booleans, or spins -1 and 1 as int8.
pub fn states<'py>(py: Python<'py>, bits: &BitMatrix, encoding: Encoding) -> Bound<'py, PyAny> {
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
    Ok(samples_of(py, &dataset))
}

/// Reads data as `--data` of the command line does: IDX, .npy, .npz, a table of numbers as text or a PNG, each
/// gzipped or not, or a folder of PNG images. `FILE.npz:NAME` names one of several arrays.
///
/// The content of a file decides its format. The result (N, V) is uint8 if all numbers are 0 or 1, otherwise
/// float32, intensities from 0 to 1; a row of an image has its rows end to end. Integers are read by
/// `grey_levels` and `spins`, as in `train`.
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
    let dataset = without_lock(py, None, || Dataset::read_as(&path, encoding))?;
    warn(py, dataset.inferred())?;
    Ok(samples_of(py, &dataset))
}

/// The examples (N, V) as bits (uint8), or else as intensities (float32).
fn samples_of<'py>(py: Python<'py>, dataset: &Dataset) -> Bound<'py, PyAny> {
    let shape = (dataset.n_examples(), dataset.n_visible());
    if dataset.is_binary() {
        let bit = |(n, i)| u8::from(dataset.intensity(n, i) == 1.0);
        return Array2::from_shape_fn(shape, bit).into_pyarray(py).into_any();
    }
    let intensity = |(n, i)| dataset.intensity(n, i) as f32;
    Array2::from_shape_fn(shape, intensity).into_pyarray(py).into_any()
}
