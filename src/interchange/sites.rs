//! A model of categories for other programs: its three arrays, and what each unit stands for.
//!
//! ```text
//! weights (V, H), visible_bias (V), hidden_bias (H)   float32
//! site (V)      the number of the site of each unit, from 0      int64
//! number (V)    the number for which the unit stands             float64, NaN for a name
//! state (V)     the same as text; of a bit that of its second value
//! column (L)    the name of each site; a label is the last
//! ```

use super::names::Written;
use super::npz::{npy, npz, parameters, texts};
use crate::dataset::{Classes, Columns};
use crate::model::Rbm;
use ndarray::Array1;

/// The arrays beside the parameters.
pub(super) const NAMES: [&str; 4] = ["site", "number", "state", "column"];

/// A site and the values for which its units stand.
struct Site {
    name: String,
    states: Vec<String>,
    numbers: Vec<f64>,
}

impl Site {
    fn of(columns: &Columns, column: usize, n_units: usize) -> Self {
        let last = |n: usize| n.saturating_sub(n_units);
        let states = columns.states(column);
        let numbers = match columns.has_numbers(column) {
            true => columns.numbers(column),
            false => vec![f64::NAN; states.len()],
        };
        Self {
            name: columns.name(column).into_owned(),
            states: states[last(states.len())..].iter().map(ToString::to_string).collect(),
            numbers: numbers[last(numbers.len())..].to_vec(),
        }
    }
}

/// The bytes of an .npz archive with a model of these columns, and of a label with these classes.
///
/// # Panics
/// If the model has other sites than the columns and the label.
pub(super) fn encode(
    rbm: &Rbm,
    columns: &Columns,
    classes: Option<&Classes>,
    written: &Written,
) -> Vec<u8> {
    let mut sites: Vec<_> =
        (0..).zip(columns.sites()).map(|(at, n)| Site::of(columns, at, n)).collect();
    sites.extend(classes.map(|classes| {
        let states: Vec<_> = classes.names().into_iter().map(String::from).collect();
        Site { name: classes.column(), numbers: vec![f64::NAN; states.len()], states }
    }));
    let sizes: Vec<_> = rbm.visible_units().sites().map(|site| site.len()).collect();
    let found: Vec<_> = sites.iter().map(|site| site.states.len()).collect();
    assert_eq!(found, sizes, "units of the sites");
    let of_units: Array1<i64> =
        (0..).zip(&sizes).flat_map(|(site, &n)| std::iter::repeat_n(site, n)).collect();
    let numbers: Array1<f64> = sites.iter().flat_map(|site| site.numbers.clone()).collect();
    let states: Vec<_> =
        sites.iter().flat_map(|site| site.states.iter().map(|state| &state[..])).collect();
    let names: Vec<_> = sites.iter().map(|site| &site.name[..]).collect();
    let mut arrays = parameters(rbm, written).to_vec();
    let files = [npy(&of_units), npy(&numbers), texts(&states), texts(&names)];
    arrays.extend(NAMES.into_iter().zip(files));
    npz(&arrays)
}
