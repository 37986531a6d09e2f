//! `harmonium inspect`.

use super::input::model_path;
use super::output::{Output, Overwrite, print};
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::model::{FORMAT_VERSION, ModelFile};
use crate::pictures;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

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
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Inspect {
    pub fn run(self) -> Result<()> {
        let path = model_path(&self.model);
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
        print(if self.json { facts.to_string() } else { text(&facts) })
    }
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
