//! The file of a sweep: `sweep.toml`, or a study that a user has written.
//!
//! ```toml
//! [data]                 # as in the config.toml of a run, like [train] and [run]
//! data = "coins.npy"
//! validation = 1000
//!
//! [sweep]                # SweepConfig
//! vary = ["learning_rate=0.02,0.05,0.1", "hidden=100..1000:log:4"]
//! seeds = 3
//! search = "halving"
//! ```

use super::config::SweepConfig;
use crate::checkpoint;
use crate::error::{Error, Result};
use crate::run::{Settings, SettingsFile};
use crate::setting::Section as _;
use crate::whole_file;
use std::path::Path;

/// The file from which a sweep goes on.
pub const SWEEP: &str = checkpoint::SWEEP;
/// The folder of its runs.
pub const RUNS: &str = checkpoint::RUNS;
/// Its points, best first.
pub const TABLE: &str = checkpoint::TABLE;

/// Whether a folder holds a sweep.
pub(crate) fn is_sweep(folder: &Path) -> bool {
    folder.join(SWEEP).exists()
}

/// Refuses a folder that holds no sweep.
///
/// # Errors
/// [`Error::Unsuitable`].
pub(super) fn check_is_sweep(folder: &Path) -> Result<()> {
    if is_sweep(folder) {
        return Ok(());
    }
    let rule = format!("does not hold a sweep ({SWEEP}); `harmonium sweep` begins one");
    Err(Error::Unsuitable { path: folder.into(), rule })
}

/// The contents of a sweep's file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepFile {
    /// The settings of its runs, the stream version, and the command.
    pub runs: SettingsFile,
    /// What varies.
    pub sweep: SweepConfig,
}

impl SweepFile {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`SettingsFile::read`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(path, &std::fs::read_to_string(path).map_err(Error::reading(path))?)
    }

    /// Reads the text of a file that is, or would be, at this path.
    pub(super) fn parse(path: &Path, text: &str) -> Result<Self> {
        let (runs, keys) = SettingsFile::parse_with(path, text, SweepConfig::NAME)?;
        let sweep = SweepConfig::read(&keys).map_err(|error| Error::BadSettings {
            path: path.into(),
            rule: format!("[{}] {error}", SweepConfig::NAME),
        })?;
        Ok(Self { runs, sweep })
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        whole_file::write(path, self.to_toml().as_bytes())
    }

    pub(super) fn to_toml(&self) -> String {
        let SettingsFile { settings, command, .. } = &self.runs;
        let sweep = toml::to_string(&self.sweep).expect("settings that a settings file holds");
        format!(
            "# A sweep: the settings of its runs, and what varies. `harmonium resume` goes on with it, \
             `harmonium sweep` with this file makes it again.\n{}\n[{}]\n{sweep}",
            Settings::tables(settings, command.as_deref()),
            SweepConfig::NAME
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Search;
    use super::*;
    use crate::monitor::Metric;

    #[test]
    fn a_file_round_trips_and_mistakes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SWEEP);
        let mut file = SweepFile::default();
        file.runs.settings.data.validation = 7;
        file.runs.command = Some("harmonium sweep --seeds 4".to_string());
        file.sweep = SweepConfig {
            vary: ["keep=last,best:log_likelihood", "hidden=5..9:lin"]
                .map(|text| text.parse().unwrap())
                .into(),
            seeds: 4,
            search: Search::Random(6),
            score: Metric::LogLossTest,
        };
        file.write(&path).unwrap();
        let found = SweepFile::read(&path).unwrap();
        assert!(found.runs.stream_version.is_some());
        let runs = SettingsFile { stream_version: None, ..found.runs.clone() };
        assert_eq!(SweepFile { runs, ..found }, file);
        for (text, message) in [
            (
                "[sweep]\nvary = \"hidden=3,5\"",
                "[sweep] vary is hidden=3,5, but must be a list of texts: vary = [\"hidden=3,5\"]",
            ),
            ("[sweep]\nseedz = 3", "[sweep] seedz is not known; did you mean seeds?"),
            ("[sweep]\nvary = [\"hiden=3\"]", "[sweep] vary is hiden, but must be the name of"),
            ("[sweep]\nsearch = \"grit\"", "[sweep] search is grit, but must be `grid`"),
            ("[sweep]\nseeds = \"3\"", "[sweep] seeds is \"3\", but must be a whole number"),
            ("[train]\nhiden = 3\n[sweep]\nseeds = 1", "[train] hiden is not known"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = SweepFile::read(&path).unwrap_err().to_string();
            assert!(error.contains(message), "{error}\ndoes not say: {message}");
        }
    }
}
