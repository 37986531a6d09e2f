//! `harmonium inspect`.

use super::input::model_path;
use super::output::print;
use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::model::{FORMAT_VERSION, ModelFile};
use crate::pictures;
use crate::whole_file;
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Inspect {
    /// A model, a checkpoint, or the folder of a run
    model: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Draw the filters, the weights of each hidden unit as an image, to this file
    #[arg(long, value_name = "FILE.png")]
    filters: Option<PathBuf>,
}

impl Inspect {
    pub fn run(self) -> Result<()> {
        let path = model_path(&self.model);
        let ModelFile { rbm, provenance, data_mean } = ModelFile::read(&path)?;
        let largest = rbm.weights().iter().fold(0.0, |largest: f32, w| largest.max(w.abs()));
        let norm = rbm.weights().iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>().sqrt();
        let checkpoint = match Checkpoint::read_place(&path) {
            Ok(place) => {
                json!({ "place": place, "state_sha256": Checkpoint::read(&path)?.state.sha256() })
            }
            Err(_) => Value::Null,
        };
        let is_verified = ModelFile::is_verified(&path)?;
        let facts = json!({
            "checkpoint": checkpoint,
            "n_visible": rbm.n_visible(),
            "n_hidden": rbm.n_hidden(),
            "image_shape": provenance.image_shape,
            "parameters_sha256": rbm.sha256(),
            "verified": is_verified,
            "weight_norm": norm,
            "largest_weight": largest,
            "unit_norm": rbm.norm(),
            "mean_visible_bias": rbm.visible_bias().mean(),
            "mean_hidden_bias": rbm.hidden_bias().mean(),
            "mean_data_mean": data_mean.and_then(|mean| mean.mean()),
            "format_version": FORMAT_VERSION,
            "stream_version": provenance.stream_version,
            "crate_version": provenance.crate_version,
            "best_epoch": provenance.best_epoch,
            "settings": provenance.settings,
            "data": provenance.data,
        });
        if let Some(file) = &self.filters {
            let Some(shape) = provenance.image_shape else {
                let rule = "does not say the shape of its images, so it has no filters to draw";
                return Err(Error::Unsuitable { path, rule: rule.to_string() });
            };
            whole_file::write(file, &pictures::filters(&rbm, shape, rbm.n_hidden()))?;
        }
        if self.json {
            return print(facts);
        }
        let Value::Object(facts) = facts else { unreachable!("an object, as written") };
        let mut lines = Vec::new();
        for (name, value) in facts {
            match value {
                Value::Object(parts) => {
                    lines.extend(
                        parts.iter().map(|(part, value)| format!("{name}.{part}: {value}")),
                    );
                }
                value => lines.push(format!("{name}: {value}")),
            }
        }
        if !is_verified {
            lines.push(
                "not verified: the file has no checksum, as those of the first versions of harmonium"
                    .to_string(),
            );
        }
        print(lines.join("\n"))
    }
}
