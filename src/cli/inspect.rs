//! `harmonium inspect`.

use super::input::model_path;
use super::output::{Output, Overwrite, npy, npz, print};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::model::{FORMAT_VERSION, ModelFile, Rbm};
use crate::pictures;
use crate::setting::check;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use ndarray::{Array1, arr0};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A way to write the parameters of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// As they are
    Trained,
    /// In the zero-sum gauge: at each categorical site they sum to 0 over the values
    ZeroSum,
    /// Couplings J and fields a, d of spins -1 and 1 in both layers
    Spins,
}

#[derive(Debug, Args)]
pub struct Inspect {
    /// A model, a checkpoint, or the folder of a run
    model: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Draw the weights of each hidden unit as an image to this file
    #[arg(long, value_name = "FILE.png",
        value_parser = PathBufValueParser::new().try_map(Output::picture))]
    filters: Option<Output>,
    /// Write the parameters to this file: a .safetensors is a model for all commands; a .npz holds the arrays
    /// `weights`, `visible_bias`, `hidden_bias` and, if there are categories, `sites`, the number of units of
    /// each
    #[arg(long, value_name = "FILE.npz|FILE.safetensors",
        value_parser = PathBufValueParser::new().try_map(Output::parameters))]
    parameters: Option<Output>,
    /// The form of these parameters. A .npz of `spins` holds `couplings` (J), `visible_field` (a),
    /// `hidden_field` (d) and `log_z_shift`, ln Z of the spins less that of the bits
    #[arg(long = "as", value_enum, default_value_t = Form::Trained, requires = "parameters")]
    form: Form,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Inspect {
    pub fn run(self) -> Result<()> {
        let path = model_path(&self.model)?;
        let file = ModelFile::read(&path)?;
        let facts = facts(&path, &file)?;
        if let Some(out) = &self.filters {
            let Some(shape) = file.provenance.image_shape else {
                let rule = "does not hold the shape of its images, so filters cannot be drawn";
                return Err(Error::Unsuitable { path, rule: rule.to_string() });
            };
            out.check(&self.overwrite)?;
            let filters = pictures::filters(&file.rbm, shape, file.rbm.n_hidden());
            out.write(&filters)?;
        }
        if let Some(out) = &self.parameters {
            out.check(&self.overwrite)?;
            out.write(&self.form.written(&file, out)?)?;
            if out.is_stdout() {
                return Ok(());
            }
        }
        print(if self.json { facts.to_string() } else { text(&facts) })
    }
}

impl Form {
    /// The bytes of the parameters of a model in this form.
    fn written(self, file: &ModelFile, out: &Output) -> Result<Vec<u8>> {
        let rbm = match self {
            Self::Trained => file.rbm.clone(),
            Self::ZeroSum => file.rbm.zero_sum_gauge(),
            Self::Spins => {
                check("as", "spins", !out.is_model(), || {
                    "trained or zero-sum for a .safetensors file, or go to a .npz file".to_string()
                })?;
                let spins = file.rbm.to_spins()?;
                return Ok(npz(&[
                    ("couplings", npy(&spins.couplings)),
                    ("visible_field", npy(&spins.visible_field)),
                    ("hidden_field", npy(&spins.hidden_field)),
                    ("log_z_shift", npy(&arr0(spins.log_z_shift()))),
                ]));
            }
        };
        if out.is_model() {
            return Ok(ModelFile { rbm, ..file.clone() }.to_bytes());
        }
        Ok(npz(&arrays(&rbm)))
    }
}

/// The parameters as arrays by name.
fn arrays(rbm: &Rbm) -> Vec<(&'static str, Vec<u8>)> {
    let mut arrays = vec![
        ("weights", npy(rbm.weights())),
        ("visible_bias", npy(rbm.visible_bias())),
        ("hidden_bias", npy(rbm.hidden_bias())),
    ];
    if let Some(sizes) = rbm.visible_units().sizes() {
        let sizes: Array1<i64> = sizes.iter().map(|&size| size as i64).collect();
        arrays.push(("sites", npy(&sizes)));
    }
    arrays
}

fn facts(path: &Path, file: &ModelFile) -> Result<Value> {
    let ModelFile { rbm, provenance, data_mean } = file;
    let largest = rbm.weights().iter().fold(0.0, |largest: f32, w| largest.max(w.abs()));
    let norm = rbm.weights().iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>().sqrt();
    let checkpoint = match Checkpoint::read_place(path) {
        Ok(place) => {
            json!({ "place": place, "state_sha256": Checkpoint::read(path)?.state.sha256() })
        }
        Err(_) => Value::Null,
    };
    Ok(json!({
        "checkpoint": checkpoint,
        "n_visible": rbm.n_visible(),
        "n_hidden": rbm.n_hidden(),
        "n_sites": rbm.visible_units().n_sites(),
        "image_shape": provenance.image_shape,
        "parameters_sha256": rbm.sha256(),
        "verified": ModelFile::is_verified(path)?,
        "weight_norm": norm,
        "largest_weight": largest,
        "unit_norm": rbm.norm(),
        "mean_visible_bias": rbm.visible_bias().mean(),
        "mean_hidden_bias": rbm.hidden_bias().mean(),
        "mean_data_mean": data_mean.as_ref().and_then(|mean| mean.mean()),
        "format_version": FORMAT_VERSION,
        "stream_version": provenance.stream_version,
        "crate_version": provenance.crate_version,
        "best_epoch": provenance.best_epoch,
        "settings": provenance.settings,
        "data": provenance.data,
    }))
}

/// A line for each fact.
fn text(facts: &Value) -> String {
    let mut lines = Vec::new();
    for (name, value) in facts.as_object().into_iter().flatten() {
        match value {
            Value::Object(parts) => {
                lines.extend(parts.iter().map(|(part, value)| format!("{name}.{part}: {value}")));
            }
            value => lines.push(format!("{name}: {value}")),
        }
    }
    if facts["verified"] == false {
        lines.push(
            "not verified: the file has no checksum, as in the first versions of harmonium"
                .to_string(),
        );
    }
    lines.join("\n")
}
