//! Data that lie in the folder of a run, and move with it.

use super::config::DataConfig;
use crate::dataset::{ColumnSource, Source, absolute};
use std::path::{Path, PathBuf};

/// The folder, within that of a run, of data that a program gave as values.
const OWN_DATA: &str = "data";

impl DataConfig {
    /// Looks in the folder of the run for files that lay in its `data/` and are no longer there, as the run has moved.
    /// Their SHA-256 is checked when they are read.
    pub(super) fn look_in(&mut self, folder: &Path) {
        let sources = [Some(&mut self.data), self.test_data.as_mut()].into_iter().flatten();
        let columns = [&mut self.labels, &mut self.test_labels, &mut self.weights];
        let of_source = |source| match source {
            &mut Source::Path(ref mut path) => Some(path),
            _ => None,
        };
        let of_column = |column| match column {
            &mut ColumnSource::File(ref mut path) => Some(path),
            ColumnSource::Column(_) => None,
        };
        let columns = columns.into_iter().flatten().filter_map(of_column);
        for path in sources.filter_map(of_source).chain(columns) {
            if let Some(moved) = moved(path, folder) {
                *path = moved;
            }
        }
    }
}

/// The present place of a file that has moved with the folder of a run.
fn moved(path: &Path, folder: &Path) -> Option<PathBuf> {
    let was_inside = path.parent()?.file_name()? == OWN_DATA;
    let here = folder.join(OWN_DATA).join(path.file_name()?);
    (was_inside && !path.exists() && here.is_file()).then(|| absolute(&here))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_are_found_where_the_run_is_now_unless_they_are_where_they_were() {
        let parent = tempfile::tempdir().unwrap();
        let [there, here] = ["there", "here"].map(|name| parent.path().join(name));
        fs::create_dir_all(here.join(OWN_DATA)).unwrap();
        for name in ["train.packed", "labels.tsv", "rows.npy"] {
            fs::write(here.join(OWN_DATA).join(name), "").unwrap();
        }
        let place = |folder: &Path, name: &str| folder.join(OWN_DATA).join(name);
        let mut config = DataConfig {
            data: Source::Path(place(&there, "train.packed")),
            test_data: Some(Source::Path(place(&there, "test.packed"))),
            labels: Some(ColumnSource::File(place(&there, "labels.tsv"))),
            weights: Some(ColumnSource::File(there.join("rows.npy"))),
            ..DataConfig::default()
        };
        let before = config.clone();
        config.look_in(&here);
        assert_eq!(config.data, Source::Path(place(&here, "train.packed")));
        assert_eq!(config.labels, Some(ColumnSource::File(place(&here, "labels.tsv"))));
        // It is not here, and it was not in the folder of data.
        assert_eq!((config.test_data, config.weights), (before.test_data, before.weights));

        fs::create_dir_all(there.join(OWN_DATA)).unwrap();
        fs::write(place(&there, "train.packed"), "").unwrap();
        let mut copy = DataConfig { data: before.data.clone(), ..DataConfig::default() };
        copy.look_in(&here);
        assert_eq!(copy.data, before.data);
    }
}
