//! Data packed into files that are read in place.

use crate::arrays::{dataset_with_missing, one_each, warn};
use crate::columns::{Letters, declared, marked, unit_names};
use crate::errors::to_py;
use crate::labels;
use crate::pool::without_lock;

use harmonium::dataset::{Beside, ColumnSource, DataBeside, Found, Source, Split};
use pyo3::prelude::*;
use std::path::PathBuf;

/// Packs data into a file that is read in place: `--data PATH` of the command line and `harmonium.runs` take it, to the
/// same bits. Its bits, grey levels and numbers are then no memory of the process.
///
/// `data` are rows or images, as for `train`, or what `read` reads: the path of a file or a folder, or a pattern such
/// as "part-*.npy", whose files are packed one after the other. Integers and columns are read by `grey_levels`,
/// `spins`, `categories`, `ignore`, `alphabet`, `unknown_letters` and `missing_value`, as in `train`; NaN is a missing
/// value.
///
/// `labels` and `weights`, one for each row, are columns of the file: the labels that of their name (of a series) or
/// `label`, the weights likewise or `weight`. A run takes them by `--labels label --weights weight`, or leaves them out.
/// A file that is there is replaced.
///
/// >>> import harmonium, tempfile
/// >>> with tempfile.TemporaryDirectory() as folder:
/// ...     packed = f"{folder}/bars.packed"
/// ...     harmonium.pack([[0, 1], [1, 0]], packed, labels=["right", "left"])
/// ...     harmonium.read(packed).tolist()
/// [[0, 1], [1, 0]]
#[pyfunction]
#[pyo3(signature = (
    data, path, *, weights = None, labels = None, grey_levels = None, spins = false, categories = None, ignore = Vec::new(),
    alphabet = None, unknown_letters = None, missing_value = None
))]
#[allow(clippy::too_many_arguments, reason = "Python's keywords")]
pub fn pack(
    data: &Bound<'_, PyAny>,
    path: PathBuf,
    weights: Option<&Bound<'_, PyAny>>,
    labels: Option<&Bound<'_, PyAny>>,
    grey_levels: Option<u32>,
    spins: bool,
    categories: Option<&Bound<'_, PyAny>>,
    ignore: Vec<String>,
    alphabet: Option<String>,
    unknown_letters: Option<String>,
    missing_value: Option<f64>,
) -> PyResult<()> {
    let py = data.py();
    let encoding =
        declared(grey_levels, spins, categories, ignore, Letters { alphabet, unknown_letters })?;
    let encoding = marked(encoding, missing_value)?;
    let dataset = match data.extract::<PathBuf>() {
        Ok(path) => {
            let (source, beside) = (Source::Path(path), Beside::default());
            let read = || source.read_in_place(Split::Train, encoding, beside);
            let read = without_lock(py, None, read)?.dataset;
            warn(py, read.inferred())?;
            read
        }
        Err(_) => {
            let dataset = dataset_with_missing(data, encoding, None, true)?;
            let names = unit_names(data)?.filter(|names| names.len() == dataset.n_visible());
            match names.filter(|_| dataset.columns().is_none()) {
                Some(names) => dataset.with_unit_names(names),
                None => dataset,
            }
        }
    };
    dataset.check_intensities().map_err(to_py)?;
    let labels = labels.map(|given| labels::labels(given, None)).transpose()?;
    let labels = labels.map(|values| {
        let source = ColumnSource::Column(values.classes().column());
        Found { values, source, sha256: None }
    });
    // The name of a series.
    let name = weights.and_then(|given| given.getattr("name").ok()?.extract::<String>().ok());
    let weights = weights.map(|given| one_each(given, "weights", dataset.n_examples()));
    let weights = weights.transpose()?.map(|values| {
        let source = name.map_or(ColumnSource::File("weights".into()), ColumnSource::Column);
        Found { values, source, sha256: None }
    });
    let all = DataBeside { dataset, labels, weights, unused_weights: None };
    without_lock(py, None, || all.pack(&path))
}
