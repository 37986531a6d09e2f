//! The checkpoints of a run: writing, deleting old ones, and setting damaged ones aside.

use crate::checkpoint::{Checkpoint, Search, list, name, search};
use crate::error::{Error, Result};
use crate::setting::is_on_series;
use crate::whole_file;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the checkpoints, `update-000000938.safetensors` and so on.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// Its path.
    pub folder: PathBuf,
    /// The number of newest checkpoints that are kept.
    pub keep: usize,
    /// Whether checkpoints on the series are kept as well.
    pub keep_series: bool,
}

impl Checkpoints {
    /// Writes a checkpoint, whole or not at all; then removes the checkpoints that are not kept. `check`
    /// is called at the last moment before either: the folder may have been replaced.
    ///
    /// # Errors
    /// [`Error::Io`], and the error of `check`.
    pub fn write(&self, checkpoint: Checkpoint, check: impl Fn() -> Result<()>) -> Result<()> {
        let path = self.folder.join(name(checkpoint.place.updates));
        whole_file::write_if(&path, &checkpoint.into_bytes(), &check)?;
        let mut all = list(&self.folder);
        all.truncate(all.len().saturating_sub(self.keep));
        check()?;
        for (updates, path) in all {
            if !(self.keep_series && is_on_series(updates)) {
                fs::remove_file(&path).map_err(|cause| Error::Io {
                    path,
                    action: "remove",
                    cause,
                })?;
            }
        }
        Ok(())
    }
}

/// The newest whole checkpoint in a folder, if there is one, and the errors of newer ones. Those are
/// set aside: they are renamed to `damaged-…`.
///
/// # Errors
/// As [`Checkpoint::read`], except for a damaged checkpoint, or an unreadable one after a whole one;
/// [`Error::Io`] if one cannot be renamed.
pub fn newest_whole(folder: &Path) -> Result<(Option<Checkpoint>, Vec<Error>)> {
    let Search { found, mut passed } = search(folder);
    let checkpoint = found.map(|(_, read)| read).transpose()?;
    let is_unreadable = |(_, error): &(PathBuf, Error)| matches!(error, Error::Io { .. });
    if let (None, Some(at)) = (&checkpoint, passed.iter().position(is_unreadable)) {
        // The unreadable file may be whole: the run must not start again and overwrite it.
        return Err(passed.swap_remove(at).1);
    }
    for (path, _) in &passed {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let aside = path.with_file_name(format!("damaged-{name}"));
        let renamed = fs::rename(path, aside);
        renamed.map_err(|cause| Error::Io { path: path.clone(), action: "rename", cause })?;
    }
    Ok((checkpoint, passed.into_iter().map(|(_, error)| error).collect()))
}

/// Whether a folder holds checkpoints.
pub fn has_any(folder: &Path) -> bool {
    !list(folder).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Place;
    use crate::model::Provenance;
    use crate::state::State;
    use crate::units::Units;

    fn checkpoint(updates: u64) -> Checkpoint {
        let mut state = State::default();
        state.put("visible_bias", &[1], vec![1.0_f32]);
        state.put("hidden_bias", &[1], vec![updates as f32]);
        Checkpoint {
            state,
            log_z: State::default(),
            ladder: State::default(),
            visible_units: Units::bits(1),
            provenance: Provenance::default(),
            place: Place {
                epoch: 0,
                n_epochs: 1,
                updates,
                total_updates: updates,
                seconds: 0.0,
                is_done: false,
            },
            settings_file: String::new(),
            records: String::new(),
            unscored: None,
            best: None,
            data_mean: None,
        }
    }

    fn updates_of(folder: &Path) -> Vec<u64> {
        list(folder).into_iter().map(|(updates, _)| updates).collect()
    }

    #[test]
    fn the_newest_checkpoints_and_the_series_are_kept() {
        for (keep_series, expected) in
            [(false, &[9_u64, 1_000_000_000][..]), (true, &[1, 2, 4, 5, 8, 9, 1_000_000_000])]
        {
            let folder = tempfile::tempdir().unwrap();
            let checkpoints =
                Checkpoints { folder: folder.path().to_path_buf(), keep: 2, keep_series };
            for updates in [1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000_000_000] {
                checkpoints.write(checkpoint(updates), || Ok(())).unwrap();
            }
            assert_eq!(updates_of(folder.path()), expected);
            let (newest, damaged) = newest_whole(folder.path()).unwrap();
            assert_eq!((newest.unwrap(), damaged.len()), (checkpoint(1_000_000_000), 0));
        }
    }

    /// The folder may be another run's by the time the old checkpoints are removed.
    #[test]
    fn no_checkpoint_is_removed_once_the_check_fails() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints =
            Checkpoints { folder: folder.path().to_path_buf(), keep: 1, keep_series: false };
        checkpoints.write(checkpoint(10), || Ok(())).unwrap();
        for n_passed in [0, 1] {
            let n_checks = std::cell::Cell::new(0);
            let check = || match n_checks.replace(n_checks.get() + 1) {
                n if n < n_passed => Ok(()),
                _ => Err(Error::Replaced { path: "run".into() }),
            };
            let error = checkpoints.write(checkpoint(20), check).unwrap_err();
            assert!(matches!(error, Error::Replaced { .. }), "{error}");
            let expected: &[u64] = if n_passed == 0 { &[10] } else { &[10, 20] };
            assert_eq!(updates_of(folder.path()), expected);
        }
    }

    #[test]
    fn a_damaged_checkpoint_is_reported_and_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints =
            Checkpoints { folder: folder.path().to_path_buf(), keep: 3, keep_series: false };
        for updates in [10, 20, 30] {
            checkpoints.write(checkpoint(updates), || Ok(())).unwrap();
        }
        for name in ["update-000000020.safetensors", "update-000000030.safetensors"] {
            let path = folder.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            fs::write(path, bytes).unwrap();
        }
        let (newest, damaged) = newest_whole(folder.path()).unwrap();
        assert_eq!(newest.unwrap(), checkpoint(10));
        let damaged: Vec<_> = damaged.iter().map(ToString::to_string).collect();
        assert!(damaged[0].contains("update-000000030.safetensors: is damaged"), "{damaged:?}");
        assert!(damaged[1].contains("update-000000020.safetensors: is damaged"), "{damaged:?}");
        assert_eq!(updates_of(folder.path()), [10]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing is lost");
        assert_eq!(crate::checkpoint::newest(folder.path()).unwrap().1.updates, 10);
    }

    /// The unreadable file may be whole, and the run must not start again and overwrite it.
    #[test]
    fn an_unreadable_checkpoint_is_passed_over_only_for_a_whole_one() {
        let folder = tempfile::tempdir().unwrap();
        let unreadable = folder.path().join("update-000000030.safetensors");
        fs::create_dir(&unreadable).unwrap();
        let Search { found, passed } = search(folder.path());
        assert_eq!((found.is_none(), passed.len()), (true, 1));
        let error = newest_whole(folder.path()).unwrap_err();
        assert!(error.to_string().contains("000030.safetensors: cannot read"), "{error}");
        assert!(unreadable.exists());
        let checkpoints =
            Checkpoints { folder: folder.path().to_path_buf(), keep: 3, keep_series: false };
        checkpoints.write(checkpoint(20), || Ok(())).unwrap();
        let (newest, passed) = newest_whole(folder.path()).unwrap();
        assert_eq!((newest.unwrap(), passed.len()), (checkpoint(20), 1));
        assert!(
            !unreadable.exists()
                && folder.path().join("damaged-update-000000030.safetensors").exists()
        );
    }
}
