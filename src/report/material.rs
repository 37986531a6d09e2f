//! What a report is made of: the files of a run, read.

use crate::error::{Error, Result};
use crate::run::{SNAPSHOTS, Summary};
use crate::state::State;
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What `harmonium evaluate` found of a run, in its folder.
pub const EVALUATION: &str = "evaluation.json";

/// A run, as a report shows it.
#[derive(Clone, Debug)]
pub struct Material {
    /// Settings, state and records.
    pub summary: Summary,
    /// Its snapshots by rising epoch.
    pub snapshots: Vec<Snapshot>,
    /// What `harmonium evaluate` found, if it was asked.
    pub evaluation: Option<Value>,
}

/// Filters, samples and histograms of one epoch.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Epochs done or begun.
    pub epoch: u64,
    /// Its arrays; see [`Snapshots`](crate::monitor::snapshots::Snapshots).
    pub arrays: State,
    /// Rows and columns of the images, if the data are images.
    pub image_shape: Option<(usize, usize)>,
}

#[derive(Deserialize)]
struct Metadata {
    image_shape: Option<(usize, usize)>,
}

impl Material {
    /// Reads what there is of a run.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Unsuitable`] for a snapshot that is none.
    pub fn read(summary: Summary) -> Result<Self> {
        let mut snapshots = Vec::new();
        let entries = fs::read_dir(summary.folder.join(SNAPSHOTS)).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let epoch =
                name.strip_prefix("epoch-").and_then(|name| name.strip_suffix(".safetensors"));
            if let Some(epoch) = epoch.and_then(|epoch| epoch.parse().ok()) {
                snapshots.push(read_snapshot(&path, epoch)?);
            }
        }
        snapshots.sort_by_key(|snapshot| snapshot.epoch);
        let evaluation = fs::read(summary.folder.join(EVALUATION)).ok();
        let evaluation = evaluation.and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Self { summary, snapshots, evaluation })
    }

    /// How the report calls the run: the name of its folder.
    pub fn name(&self) -> String {
        let folder = &self.summary.folder;
        let folder = folder.canonicalize().unwrap_or(folder.clone());
        folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned()
    }

    /// The newest snapshot.
    pub fn last_snapshot(&self) -> Option<&Snapshot> {
        self.snapshots.last()
    }
}

fn read_snapshot(path: &Path, epoch: u64) -> Result<Snapshot> {
    let bytes =
        fs::read(path).map_err(|cause| Error::Io { path: path.into(), action: "read", cause })?;
    let snapshot = || -> Result<Snapshot, String> {
        let (arrays, metadata) = State::from_safetensors("harmonium", &bytes)?;
        let Metadata { image_shape } =
            serde_json::from_str(&metadata).map_err(|cause| format!("metadata: {cause}"))?;
        Ok(Snapshot { epoch, arrays, image_shape })
    };
    snapshot().map_err(|rule| Error::Unsuitable { path: path.into(), rule })
}
