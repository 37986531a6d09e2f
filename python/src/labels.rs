//! Labels of examples, and their classes.

use crate::errors::to_py;
use crate::json::from_json;
use harmonium::dataset::{Classes, Dataset, Labels};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use serde_json::{Map, json};
use std::sync::Arc;

/// Labels as `harmonium._labels` writes them: the different values as texts, and the place of each label in
/// these, or a negative number if it is unknown.
#[derive(FromPyObject)]
struct Coded<'py> {
    name: String,
    values: Vec<String>,
    places: PyReadonlyArray1<'py, i32>,
}

/// The labels of examples. `classes` are those of a model; without, they are the different labels.
pub fn labels(given: &Bound<'_, PyAny>, classes: Option<Arc<Classes>>) -> PyResult<Labels> {
    let module = given.py().import("harmonium._labels")?;
    let Coded { name, values, places } = module.call_method1("coded", (given,))?.extract()?;
    let of_place = |&place: &i32| usize::try_from(place).map_or("", |place| &values[place][..]);
    let names: Vec<&str> = places.as_array().iter().map(of_place).collect();
    Labels::of_names(&name, &names, classes).map_err(to_py)
}

/// Classes as a user lists them, or as [`recorded`] gives them.
pub fn classes(given: &Bound<'_, PyAny>) -> PyResult<Arc<Classes>> {
    let py = given.py();
    let column = py.import("harmonium._labels")?.call_method1("column", (given,))?;
    let text: String = py.import("json")?.call_method1("dumps", (column,))?.extract()?;
    let column = serde_json::from_str(&text).expect("JSON, as Python writes it");
    let facts = Map::from_iter([("labels".to_string(), column)]);
    let classes = Classes::recorded(&facts).map_err(to_py)?;
    classes.ok_or_else(|| PyValueError::new_err("classes must be a list of labels"))
}

/// Classes as a dictionary, in the form that model files have.
pub fn recorded<'py>(py: Python<'py>, classes: &Classes) -> PyResult<Bound<'py, PyAny>> {
    from_json(py, &json!(classes).to_string())
}

/// Classes as a list of labels: numbers or booleans, if all are.
pub fn own_values<'py>(py: Python<'py>, classes: &Classes) -> PyResult<Bound<'py, PyAny>> {
    py.import("harmonium._labels")?.call_method1("own_values", (classes.names(),))
}

/// The data with their labels, which are needed, and all known, if there are classes, and refused if not.
pub fn labelled(
    data: Dataset,
    given: Option<&Bound<'_, PyAny>>,
    classes: Option<&Arc<Classes>>,
) -> PyResult<Dataset> {
    let message = match (given, classes) {
        (None, None) => return Ok(data),
        (None, Some(_)) => "labels are missing, but the model has classes: p(v, label) needs both",
        (Some(_), None) => "labels are given, but the model has no classes",
        (Some(given), Some(classes)) => {
            let labels = labels(given, Some(classes.clone()))?;
            match labels.of_examples().iter().all(Option::is_some) {
                true => return data.labelled(labels).map_err(to_py),
                false => "labels must be known, but some are not: leave these rows out",
            }
        }
    };
    Err(PyValueError::new_err(message))
}

/// The state of one label.
pub fn state(label: &Bound<'_, PyAny>, classes: Option<&Arc<Classes>>) -> PyResult<usize> {
    let Some(classes) = classes else {
        return Err(PyValueError::new_err("label is given, but the model has no classes"));
    };
    let one = PyList::new(label.py(), [label])?;
    let found = labels(one.as_any(), Some(classes.clone()))?.of_examples()[0];
    found
        .map(usize::from)
        .ok_or_else(|| PyValueError::new_err("label must be a class, not unknown"))
}
