//! The contents of a run's files, from which a report is made.

use super::site_couplings::SiteCouplings;
use crate::dataset::Columns;
use crate::error::{Error, Result};
use crate::monitor::snapshots;
use crate::run::{SNAPSHOTS, Summary};
use crate::state::State;
use crate::sweep::last_score;
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// The contents of a run.
#[derive(Clone, Debug)]
pub struct Material {
    /// Its name in the report: the name of its folder.
    pub name: String,
    /// Settings, state and records.
    pub summary: Summary,
    /// Its snapshots in the order of their epochs.
    pub snapshots: Vec<Snapshot>,
    /// The errors of snapshots that cannot be read.
    pub unreadable: Vec<String>,
    /// The couplings of its model, if they are shown.
    pub couplings: Option<SiteCouplings>,
    /// Its last score, if it is a run of a sweep.
    pub sweep_score: Option<f64>,
}

/// Filters, samples and histograms of one epoch.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The number of epochs begun.
    pub epoch: u64,
    /// Its arrays; see [`Snapshots`](crate::monitor::snapshots::Snapshots).
    pub arrays: State,
    /// Rows and columns of the images, if the data are images.
    pub image_shape: Option<(usize, usize)>,
    /// What the units of an example stand for, if they are categories or named bits.
    pub columns: Option<Columns>,
}

#[derive(Deserialize)]
struct Metadata {
    image_shape: Option<(usize, usize)>,
    columns: Option<Columns>,
}

impl Material {
    /// Reads the snapshots of a run.
    pub fn read(summary: Summary) -> Self {
        let folder = summary.folder.join(SNAPSHOTS);
        let read = |epoch| read_snapshot(&snapshots::file(&folder, epoch), epoch);
        let (mut snapshots, mut unreadable) = (Vec::new(), Vec::new());
        for snapshot in snapshots::epochs(&folder).into_iter().map(read) {
            match snapshot {
                Ok(snapshot) => snapshots.push(snapshot),
                Err(error) => unreadable.push(error.to_string()),
            }
        }
        let folder = summary.folder.canonicalize().unwrap_or(summary.folder.clone());
        let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
        let sweep_score = last_score(&folder);
        Self { name, summary, snapshots, unreadable, couplings: None, sweep_score }
    }

    /// The newest snapshot.
    pub fn last_snapshot(&self) -> Option<&Snapshot> {
        self.snapshots.last()
    }
}

fn read_snapshot(path: &Path, epoch: u64) -> Result<Snapshot> {
    let bytes = fs::read(path).map_err(Error::reading(path))?;
    let snapshot = || -> Result<Snapshot, String> {
        let (arrays, metadata) = State::from_safetensors("harmonium", &bytes)?;
        let Metadata { image_shape, columns } =
            serde_json::from_str(&metadata).map_err(|cause| format!("metadata: {cause}"))?;
        let n_visible = arrays.side("samples", 1);
        if let Some((rows, columns)) = image_shape
            // Behind the pixels may be the units of a label.
            && rows.checked_mul(columns).is_none_or(|pixels| n_visible < Some(pixels))
        {
            return Err(format!("images of {rows} x {columns} do not fit its samples"));
        }
        if columns.as_ref().is_some_and(|columns| Some(columns.n_units()) != n_visible) {
            return Err("its columns do not fit its samples".to_string());
        }
        Ok(Snapshot { epoch, arrays, image_shape, columns })
    };
    snapshot().map_err(|rule| Error::Unsuitable { path: path.into(), rule })
}

impl Snapshot {
    /// The number of hidden units of which it holds those with the largest norm.
    pub fn n_candidates(&self) -> usize {
        let of_all = if self.arrays.has("filter_units") { "hidden_activity" } else { "filters" };
        self.arrays.n_rows(of_all).unwrap_or(0)
    }

    /// The numbers of the hidden units whose weights it holds.
    pub fn filter_units(&self) -> Vec<usize> {
        let n = self.arrays.n_rows("filters").unwrap_or(0);
        match self.arrays.get::<u64>("filter_units", &[n]) {
            Ok(units) => units.iter().map(|&unit| unit as usize).collect(),
            // Earlier versions kept the first ones.
            Err(_) => (0..n).collect(),
        }
    }
}
