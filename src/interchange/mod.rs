//! Models of other programs, and models for them: three arrays in a safetensors or .npz file, and p(h | v) as
//! a graph of ONNX.
//!
//! ```text
//!  .safetensors ──► plain ──┐
//!  .npz ──────────► npz  ───┴─► names: which arrays ──► parameters: which axes, f32 ──► Rbm
//!
//!  Rbm ──► arrays by name ──► plain, npz, sites
//!     └──► onnx: hidden = Sigmoid(Gemm(visible, W, c))
//! ```
//!
//! | format | read | written | what it holds |
//! | --- | --- | --- | --- |
//! | `.safetensors` | yes | yes | three tensors: a state dict of PyTorch, or of others |
//! | `.npz` | yes | yes | three arrays of NumPy: scikit-learn's, or of others |
//! | `.onnx` | no | yes | p(h \| v), for programs that compute features |
//!
//! Three arrays do not say that several units are one site, so that only models of bits are read; a model of categories
//! is written as .npz, with what each unit stands for ([`encode_columns`]). Python also reads HDF5
//! (`harmonium.import_model`). The numbers of a file may be float16, bfloat16, float32 or float64; a model has float32.

mod naming;

mod names;

mod parameters;

mod plain;

mod npz;

mod sites;

mod onnx;

pub use naming::{Layout, Naming};
pub(crate) use npz::{npy, npz};
pub use parameters::Imported;

use crate::dataset::{Classes, Columns};
use crate::error::{Error, Result};
use crate::model::Rbm;
use crate::setting::check;
use std::path::Path;

/// A format in which a model is written for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Three tensors.
    Safetensors,
    /// Three arrays of NumPy.
    Npz,
    /// p(h | v) as a graph.
    Onnx,
}

/// Reads a model of bits that another program wrote, from a safetensors or .npz file.
///
/// ```
/// use harmonium::interchange::{Format, Layout, Naming, encode, read};
/// use harmonium::Rbm;
/// use ndarray::{arr1, arr2};
/// let rbm = Rbm::new(arr2(&[[1.0], [2.0], [3.0]]), arr1(&[0.0, 0.5, 1.0]), arr1(&[-1.0]))?;
/// // As scikit-learn's `BernoulliRBM` names them, weights as (hidden, visible).
/// let names = Naming { weights: Some("components_".into()), ..Naming::default() };
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("theirs.npz");
/// std::fs::write(&path, encode(&rbm, Format::Npz, &names)?).unwrap();
/// let found = read(&path, &Naming::default())?;
/// assert_eq!(found.rbm, rbm);
/// # Ok::<(), harmonium::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`]; [`Error::UnknownArrays`] if the names or shapes do not say which arrays are the parameters;
/// [`Error::Unsuitable`] for another format, a model that is not one of bits, or numbers that are not finite;
/// [`Error::Malformed`] for a damaged archive.
pub fn read(path: &Path, naming: &Naming) -> Result<Imported> {
    let bytes = std::fs::read(path).map_err(|cause| {
        let path = path.into();
        Error::Io { path, action: "read", cause }
    })?;
    let arrays = match Kind::of(&bytes) {
        Kind::Zip => npz::arrays(path, &bytes)?,
        Kind::Tensors => plain::arrays(path, &bytes)?,
        Kind::Refused(rule) => {
            let path = path.into();
            return Err(Error::Unsuitable { path, rule: rule.to_string() });
        }
    };
    let chosen = names::choose(path, &arrays, naming)?;
    parameters::model(path, &arrays, &chosen)
}

/// The bytes of a file with a model of bits, its arrays named and laid out as `naming` says; by default as the
/// fields of [`Rbm`] are.
///
/// # Errors
/// [`Error::InvalidSetting`] for a model with sites of several values, two arrays of one name, or a naming for
/// a graph.
pub fn encode(rbm: &Rbm, format: Format, naming: &Naming) -> Result<Vec<u8>> {
    let n_most = rbm.visible_units().sites().map(|site| site.len()).max().unwrap_or(1);
    check("the number of units of a visible site", n_most, n_most == 1, || {
        "1 in this file, which does not say which units are one site; a .npz file of a model that was trained with categories \
         or sequences does"
            .to_string()
    })?;
    match format {
        Format::Onnx => {
            naming.refuse("a file with named arrays: a .onnx file holds a graph")?;
            Ok(onnx::encode(rbm))
        }
        Format::Safetensors => Ok(plain::encode(rbm, &names::written(naming)?)),
        Format::Npz => Ok(npz::encode(rbm, &names::written(naming)?)),
    }
}

/// The bytes of a .npz file with a model of these columns, and of a label with these classes: the arrays of [`encode`],
/// and `site` (V), the number of the site of each unit, `number` (V) for which the unit stands, NaN for a name, `state`
/// (V), the same as text, and `column` (L), the names of the sites. A bit has the unit of its second value.
///
/// # Errors
/// As [`encode`] for the naming; [`Error::InvalidSetting`] for a name that such an array has.
///
/// # Panics
/// If the model has other sites than the columns and the label.
pub fn encode_columns(
    rbm: &Rbm,
    columns: &Columns,
    classes: Option<&Classes>,
    naming: &Naming,
) -> Result<Vec<u8>> {
    let written = names::written(naming)?;
    let given = [
        ("weights", &written.weights),
        ("visible_bias", &written.visible_bias),
        ("hidden_bias", &written.hidden_bias),
    ];
    for (setting, name) in given {
        check(setting, name, !sites::NAMES.contains(&&name[..]), || {
            format!("another name than {}", sites::NAMES.join(", "))
        })?;
    }
    Ok(sites::encode(rbm, columns, classes, &written))
}

/// What the first bytes of a file say.
enum Kind {
    Zip,
    /// A safetensors file, or nothing that is known.
    Tensors,
    /// A format that is not read, and how its model is got.
    Refused(&'static str),
}

impl Kind {
    fn of(bytes: &[u8]) -> Self {
        let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        match bytes {
            // The length of a header of JSON, and the header.
            _ if bytes.get(6..9) == Some(b"\0\0{") => Self::Tensors,
            [b'P', b'K', 3, 4, ..] if has(b"/data.pkl") => Self::Refused(PICKLED),
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            [0x80, 2..=5, ..] => Self::Refused(PICKLED),
            [0x89, b'H', b'D', b'F', ..] => Self::Refused(
                "is an HDF5 file, which the Python package reads: \
                 harmonium.import_model(FILE).save(\"model.safetensors\")",
            ),
            [8, 3..=20, 0x12 | 0x1A | 0x22 | 0x3A | 0x42, ..] => Self::Refused(
                "is an ONNX graph, which is written but not read; give the file of the parameters",
            ),
            _ => Self::Tensors,
        }
    }
}

const PICKLED: &str = "is a pickle of Python or PyTorch, which may run programs when it is read; in Python: \
                       safetensors.torch.save_file(torch.load(FILE, weights_only=True), \"theirs.safetensors\")";
