//! The newest checkpoint of a run, and the model in its folder. Nothing here changes a folder.

use super::{Checkpoint, Place};
use crate::error::{Error, Result};
use crate::model::{ModelFile, Rbm};
use std::fs;
use std::path::{Path, PathBuf};

/// The model in the folder of a run.
pub(crate) const MODEL: &str = "model.safetensors";
/// The folder of its checkpoints.
pub(crate) const CHECKPOINTS: &str = "checkpoints";

/// The file from which a sweep goes on, the folder of its runs, and its points, best first.
pub(crate) const SWEEP: &str = "sweep.toml";
pub(crate) const RUNS: &str = "runs";
pub(crate) const TABLE: &str = "table.csv";

const PREFIX: &str = "update-";
const SUFFIX: &str = ".safetensors";

/// The name of the checkpoint after `updates` updates.
#[cfg(feature = "cli")]
pub(crate) fn name(updates: u64) -> String {
    format!("{PREFIX}{updates:09}{SUFFIX}")
}

/// The updates after which a checkpoint was written, by its name.
pub(crate) fn updates_of(path: &Path) -> Option<u64> {
    let number = path.file_name()?.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    number.parse().ok()
}

/// The checkpoints in a folder in the order of their updates.
pub(crate) fn list(folder: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut all: Vec<_> = paths.filter_map(|path| Some((updates_of(&path)?, path))).collect();
    all.sort();
    all
}

/// The result of a search for the newest whole checkpoint.
#[derive(Debug)]
pub(crate) struct Search {
    /// The newest checkpoint that is neither damaged nor unreadable, and its contents.
    pub(crate) found: Option<(PathBuf, Result<Checkpoint>)>,
    /// The newer checkpoints that were passed over, the newest first, each with its error.
    pub(crate) passed: Vec<(PathBuf, Error)>,
}

/// Searches a folder for the newest whole checkpoint.
pub(crate) fn search(folder: &Path) -> Search {
    let mut passed = Vec::new();
    for (_, path) in list(folder).into_iter().rev() {
        match Checkpoint::read(&path) {
            Err(error @ (Error::Damaged { .. } | Error::Io { .. })) => passed.push((path, error)),
            read => return Search { found: Some((path, read)), passed },
        }
    }
    Search { found: None, passed }
}

/// The path and place of the newest checkpoint in a folder whose header can be read.
pub(crate) fn newest(folder: &Path) -> Option<(PathBuf, Place)> {
    let all = list(folder).into_iter().rev();
    all.map(|(_, path)| path).find_map(|path| {
        let place = Checkpoint::read_place(&path).ok()?;
        Some((path, place))
    })
}

/// Refuses the folder of a sweep where a run is asked for, and names its best run.
///
/// # Errors
/// [`Error::Unsuitable`].
pub(crate) fn refuse_sweep(folder: &Path) -> Result<()> {
    if !folder.join(SWEEP).exists() {
        return Ok(());
    }
    let table = fs::read_to_string(folder.join(TABLE)).unwrap_or_default();
    // The last cell of the best row: its runs.
    let runs = table.lines().nth(1).and_then(|row| row.rsplit(',').next());
    let best = runs.and_then(|runs| runs.split(' ').next()).map(|run| folder.join(RUNS).join(run));
    let rule = match best {
        Some(best) => {
            format!("holds a sweep; its best run is {}: give that folder", best.display())
        }
        None => {
            let runs = folder.join(RUNS);
            format!(
                "holds a sweep that has no best run yet; give the folder of a run in {}",
                runs.display()
            )
        }
    };
    Err(Error::Unsuitable { path: folder.into(), rule })
}

/// The file with the model of a run, and the errors of damaged checkpoints. If the run is not done, this
/// is its newest whole checkpoint: the model file may be missing, or come from an earlier session.
///
/// # Errors
/// [`Error::Unsuitable`] for the folder of a sweep.
pub(crate) fn model_of(folder: &Path) -> Result<(PathBuf, Vec<Error>)> {
    refuse_sweep(folder)?;
    let checkpoints = folder.join(CHECKPOINTS);
    if newest(&checkpoints).is_some_and(|(_, place)| place.is_done) {
        return Ok((folder.join(MODEL), Vec::new()));
    }
    let Search { found, passed } = search(&checkpoints);
    let file = found.map_or_else(|| folder.join(MODEL), |(checkpoint, _)| checkpoint);
    Ok((file, passed.into_iter().map(|(_, error)| error).collect()))
}

impl ModelFile {
    /// Reads a model file, the model of a checkpoint, or the model in the folder of a run. If the run is
    /// not done, that is the model of its newest whole checkpoint.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`Error::Unsuitable`] for the folder of a sweep.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.is_dir() { Self::read(&model_of(path)?.0) } else { Self::read(path) }
    }
}

impl Rbm {
    /// Reads the model in a file or in the folder of a run, as [`ModelFile::load`] does, without where it
    /// comes from.
    ///
    /// ```
    /// use harmonium::Rbm;
    /// use ndarray::{Array1, Array2};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("model.safetensors");
    /// let rbm = Rbm::new(Array2::zeros((2, 3)), Array1::zeros(2), Array1::zeros(3))?;
    /// rbm.write(&path)?;
    /// assert_eq!(Rbm::load(&path)?, rbm);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`ModelFile::read`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Ok(ModelFile::load(path)?.rbm)
    }
}
