//! The names that programs give to the arrays of a model, and which arrays of a file have them.

use super::naming::{Layout, Naming};
use crate::dataset::NamedArray;
use crate::error::{Error, Remedy, Result};
use crate::setting::check;
use std::path::Path;

/// Names of the weights, without regard to capitals, and their axes if all files with the name agree.
const WEIGHTS: [(&str, Option<Layout>); 7] = [
    ("weights", None),
    ("weight", None),
    ("w", None),
    ("components_", Some(Layout::Hv)),   // scikit-learn
    ("weight_matrix", Some(Layout::Vh)), // rbms
    ("rbm_w", None),
    ("vishid", None), // Hinton and Salakhutdinov, MATLAB
];

/// Names of the visible and of the hidden bias that go together, without regard to capitals.
const BIASES: [(&str, &str); 20] = [
    ("visible_bias", "hidden_bias"),
    ("visible_biases", "hidden_biases"),
    ("bias_visible", "bias_hidden"),
    ("intercept_visible_", "intercept_hidden_"), // scikit-learn
    ("vbias", "hbias"),                          // rbms
    ("v_bias", "h_bias"),
    ("bias_v", "bias_h"),
    ("b_v", "b_h"),
    ("bv", "bh"),
    ("vb", "hb"),
    ("b_visible", "b_hidden"),
    ("visbiases", "hidbiases"), // Hinton and Salakhutdinov, MATLAB
    ("visible_b", "hidden_b"),
    ("bvis", "bhid"), // pylearn2
    ("rbm_vb", "rbm_hb"),
    ("vbias", "bias"), // Boltzmann.jl, and modules that extend a linear one
    ("v_bias", "bias"),
    ("visible_bias", "bias"),
    ("a", "b"), // Hinton's guide
    ("b", "c"), // Bengio, Fischer and Igel
];

/// Names of arrays that a model of bits does not have, and what they are.
const NOT_OF_BITS: [(&str, &str); 14] = [
    ("site", "the sites of the units of a model of categories"),
    ("sites", "the sizes of sites of several values"),
    ("label_matrix", "the weights of labels"),
    ("lbias", "the bias of labels"),
    ("sigma", "standard deviations, of Gaussian units"),
    ("sigmas", "standard deviations, of Gaussian units"),
    ("log_sigma", "standard deviations, of Gaussian units"),
    ("sigma_v", "standard deviations, of Gaussian units"),
    ("v_sigma", "standard deviations, of Gaussian units"),
    ("log_var", "variances, of Gaussian units"),
    ("logvar", "variances, of Gaussian units"),
    ("couplings", "couplings of spins (in Python, Rbm.from_spins takes them)"),
    ("visible_field", "fields of spins (in Python, Rbm.from_spins takes them)"),
    ("hidden_field", "fields of spins (in Python, Rbm.from_spins takes them)"),
];

/// The settings that name arrays.
const BY_NAME: &[Remedy] = &[
    Remedy::with("weights", "NAME"),
    Remedy::with("visible_bias", "NAME"),
    Remedy::with("hidden_bias", "NAME"),
];

/// The arrays of a file that are the parameters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chosen<'a> {
    pub weights: &'a NamedArray,
    pub visible_bias: &'a NamedArray,
    pub hidden_bias: &'a NamedArray,
    /// The axes of the weights, if they are known before their shape.
    pub layout: Option<Layout>,
}

impl Chosen<'_> {
    /// Whether this array is one of the parameters.
    pub fn has(&self, array: &NamedArray) -> bool {
        let arrays = [self.weights, self.visible_bias, self.hidden_bias];
        arrays.iter().any(|chosen| chosen.name == array.name)
    }
}

/// Finds the parameters among the arrays of a file.
///
/// # Errors
/// [`Error::UnknownArrays`] with all arrays if the names do not tell; [`Error::Unsuitable`] if the file has an
/// array that a model of bits does not have.
pub(super) fn choose<'a>(
    path: &Path,
    arrays: &'a [NamedArray],
    naming: &Naming,
) -> Result<Chosen<'a>> {
    if let Some((array, what)) = not_of_bits(arrays, naming) {
        let path = path.into();
        let rule = format!("holds `{}`, {what}, but only models of bits are imported", array.name);
        return Err(Error::Unsuitable { path, rule });
    }
    let unknown = |rule: String| {
        let (path, rule) = (path.into(), format!("{rule}; it holds {}", listed(arrays)));
        Error::UnknownArrays { path, rule, remedies: BY_NAME }
    };
    let given = |name: &Option<String>| match name {
        None => Ok(None),
        Some(name) => match arrays.iter().find(|array| array.name == *name) {
            None => Err(unknown(format!("has no array `{name}`"))),
            found => Ok(found),
        },
    };
    let weights = match given(&naming.weights)? {
        Some(weights) => weights,
        None => only(WEIGHTS.iter().flat_map(|(name, _)| named(arrays, name)).collect()).map_err(
            |n| unknown(format!("has {n} with a known name of weights, but must have one")),
        )?,
    };
    let (visible, hidden) = (given(&naming.visible_bias)?, given(&naming.hidden_bias)?);
    let pairs = match (visible, hidden) {
        (Some(visible), Some(hidden)) => vec![[visible, hidden]],
        _ => pairs(arrays, visible, hidden),
    };
    let [visible_bias, hidden_bias] = only(pairs).map_err(|n| {
        unknown(format!(
            "has {n} with known names of a visible and a hidden bias, but must have one"
        ))
    })?;
    for (one, other) in
        [(weights, visible_bias), (weights, hidden_bias), (visible_bias, hidden_bias)]
    {
        if one.name == other.name {
            return Err(unknown(format!("has one array `{}`, which is named twice", one.name)));
        }
    }
    let layout = naming.layout.or(layout_of(&weights.name));
    Ok(Chosen { weights, visible_bias, hidden_bias, layout })
}

/// The visible and hidden biases whose names go together, one of which may be given.
fn pairs<'a>(
    arrays: &'a [NamedArray],
    visible: Option<&'a NamedArray>,
    hidden: Option<&'a NamedArray>,
) -> Vec<[&'a NamedArray; 2]> {
    let mut found: Vec<[&NamedArray; 2]> = Vec::new();
    for (visible_name, hidden_name) in BIASES {
        let visible = visible.map_or_else(|| named(arrays, visible_name), |given| vec![given]);
        let hidden = hidden.map_or_else(|| named(arrays, hidden_name), |given| vec![given]);
        for pair in visible.iter().flat_map(|&v| hidden.iter().map(move |&h| [v, h])) {
            if pair[0].name != pair[1].name && !found.contains(&pair) {
                found.push(pair);
            }
        }
    }
    found
}

/// The only element, or how many there are, as a word or two.
fn only<T>(mut found: Vec<T>) -> Result<T, String> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err("no arrays".to_string()),
        n => Err(format!("{n} choices of arrays")),
    }
}

/// The name of an array without the names of the modules in which PyTorch has it.
fn last_part(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn named<'a>(arrays: &'a [NamedArray], name: &str) -> Vec<&'a NamedArray> {
    arrays.iter().filter(|array| last_part(&array.name).eq_ignore_ascii_case(name)).collect()
}

/// The axes of weights of this name, if they are known.
fn layout_of(name: &str) -> Option<Layout> {
    let found = WEIGHTS.iter().find(|(known, _)| last_part(name).eq_ignore_ascii_case(known));
    found.and_then(|&(_, layout)| layout)
}

/// The first array that a model of bits does not have.
fn not_of_bits<'a>(
    arrays: &'a [NamedArray],
    naming: &Naming,
) -> Option<(&'a NamedArray, &'static str)> {
    let given = [&naming.weights, &naming.visible_bias, &naming.hidden_bias];
    let is_given = |name: &str| given.iter().any(|given| given.as_deref() == Some(name));
    let found = NOT_OF_BITS
        .iter()
        .flat_map(|&(name, what)| named(arrays, name).into_iter().map(move |array| (array, what)));
    found.into_iter().find(|(array, _)| !is_given(&array.name))
}

/// All arrays with their types and shapes.
fn listed(arrays: &[NamedArray]) -> String {
    let text = |array: &NamedArray| {
        let NamedArray { name, kind, shape, .. } = array;
        format!("`{name}` ({kind}, {shape:?})")
    };
    let texts: Vec<_> = arrays.iter().map(text).collect();
    if texts.is_empty() { "no arrays".to_string() } else { texts.join(", ") }
}

/// The names and axes of a file that is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Written {
    pub weights: String,
    pub visible_bias: String,
    pub hidden_bias: String,
    pub layout: Layout,
}

/// The names and axes of a file that is written, those that are not given by default.
///
/// # Errors
/// [`Error::InvalidSetting`] for two arrays of one name, or axes that the name of the weights excludes.
pub(super) fn written(naming: &Naming) -> Result<Written> {
    let weights = naming.weights.clone().unwrap_or("weights".to_string());
    let known = layout_of(&weights);
    if let (Some(given), Some(known)) = (naming.layout, known) {
        check("layout", given, given == known, || format!("{known}, as `{weights}` has it"))?;
    }
    // The biases of scikit-learn go with its weights.
    let [visible, hidden] = match &weights[..] {
        "components_" => ["intercept_visible_", "intercept_hidden_"],
        _ => ["visible_bias", "hidden_bias"],
    };
    let written = Written {
        layout: naming.layout.or(known).unwrap_or(Layout::Vh),
        visible_bias: naming.visible_bias.clone().unwrap_or(visible.to_string()),
        hidden_bias: naming.hidden_bias.clone().unwrap_or(hidden.to_string()),
        weights,
    };
    let Written { weights, visible_bias, hidden_bias, .. } = &written;
    let other = || "another name than each of the others".to_string();
    check("visible_bias", visible_bias, visible_bias != weights, other)?;
    check("hidden_bias", hidden_bias, ![weights, visible_bias].contains(&hidden_bias), other)?;
    Ok(written)
}
