//! The report of a run as a page: curves, filters, samples, and a health check.
//!
//! ```text
//!  run folder ──► Material ──┬──► health ──┐
//!  (settings, metrics,       ├──► curves ──┼──► page (one HTML file) ──► report.html, Live
//!   snapshots, evaluation)   └──► images ──┘
//!  model ──► SiteCouplings ──► couplings ───┘
//!  records, samples ──► curves ──► Notebook (HTML)
//! ```
//!
//! The page is self-contained: it loads no picture, script or font.

mod site_couplings;

mod material;

mod advice;

mod symptom;

mod gain;

mod progress;

mod rules;

mod health;

mod palette;

mod ticks;

mod images;

mod drawing;

mod pdf;

mod chart;

mod curves;

mod histogram;

mod spectrum;

mod ranking;

mod cite;

mod figure;

mod scatter;

mod site_weights;

mod logo;

mod heat_map;

mod couplings;

mod figures;

mod notebook;

mod mixing;

mod snapshot_page;

mod page;

mod sweep_page;

mod events;

mod live;

pub(crate) use live::Live;
pub(crate) use material::Material;
pub use notebook::Notebook;
pub(crate) use page::page;

use site_couplings::SiteCouplings;

use crate::error::Result;
use crate::run::{CURVES, Folder, RECONSTRUCTIONS, REPORT, Summary};
use crate::setting::invalid;
use crate::sweep::{Table, is_sweep, run_folder};
use crate::whole_file;
use health::{Finding, GAIN};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Reads the runs in these folders.
///
/// # Errors
/// As [`Summary::read`].
pub(crate) fn read(folders: &[PathBuf]) -> Result<Vec<Material>> {
    let read = |folder: &PathBuf| Ok(Material::read(Summary::read(folder)?));
    let mut seen = BTreeSet::new();
    // A run that is given twice is shown once.
    let is_new =
        |folder: &&PathBuf| seen.insert(folder.canonicalize().unwrap_or((*folder).clone()));
    let mut runs = folders.iter().filter(is_new).map(read).collect::<Result<Vec<_>>>()?;
    let names: Vec<_> = runs.iter().map(|run| run.name.clone()).collect();
    for run in &mut runs {
        if names.iter().filter(|name| **name == run.name).count() > 1 {
            run.name = run.summary.folder.display().to_string();
        }
    }
    Ok(runs)
}

/// What is wrong with a run that is no better than independent units, and what to try; `None` if it is better, or too short
/// to be judged.
///
/// # Errors
/// As [`Summary::read`].
pub(crate) fn nothing_learned(folder: &Path) -> Result<Option<String>> {
    let found = health::check(&Summary::read(folder)?);
    let is_nothing = |finding: &&Finding| GAIN.contains(&finding.name);
    Ok(found
        .iter()
        .find(is_nothing)
        .map(|Finding { what, judged, remedy, .. }| format!("{what} ({judged}); try {remedy}")))
}

/// Checks that there is a run for a page, and that its file ends in `.html`.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting).
pub fn check(folders: &[PathBuf], out: &Path) -> Result<()> {
    if folders.is_empty() {
        return Err(invalid("runs", "empty", "at least one run"));
    }
    if out.extension().is_none_or(|extension| extension != "html") {
        return Err(invalid("out", out.display(), "a file that ends in .html"));
    }
    Ok(())
}

/// Writes the page on these runs to a file.
///
/// # Errors
/// As [`check`] and [`Summary::read`], and [`Error::Io`](crate::Error::Io).
pub fn write(folders: &[PathBuf], out: &Path) -> Result<()> {
    check(folders, out)?;
    if let [sweep] = folders
        && is_sweep(sweep)
    {
        return write_sweep(sweep, out);
    }
    let mut runs = read(folders)?;
    ranking::sort(&mut runs);
    add_couplings(&mut runs);
    whole_file::write(out, page(&runs, None).as_bytes())
}

/// Writes each curve and picture of these runs as an SVG and a PDF to a folder; of a sweep its scores against each
/// setting that varies, and the curves of its best runs.
/// The paths of the files are returned; `check` sees them before the first is written. With `is_log` the axis of
/// epochs is logarithmic.
///
/// # Errors
/// As [`write()`], and those of `check`.
pub fn write_figures(
    folders: &[PathBuf],
    out: &Path,
    is_log: bool,
    check: &dyn Fn(&Path) -> Result<()>,
) -> Result<Vec<PathBuf>> {
    if let [sweep] = folders
        && is_sweep(sweep)
    {
        let table = Table::read(sweep)?;
        let scores = sweep_page::charts(&table);
        return figures::write(&best_of(sweep, &table)?, &scores, out, is_log, check);
    }
    let mut runs = read(folders)?;
    ranking::sort(&mut runs);
    add_couplings(&mut runs);
    figures::write(&runs, &[], out, is_log, check)
}

/// Writes the report of a run, its curves and, for images, its reconstructions into its folder; or the report of a
/// sweep into its folder.
///
/// # Errors
/// As [`write()`].
pub fn write_to_folder(folder: &Path) -> Result<()> {
    if is_sweep(folder) {
        return write_sweep(folder, &folder.join(REPORT));
    }
    write_parts(folder, || Ok(()))
}

/// As [`write_to_folder`], but not into another folder that has taken the place of this one.
///
/// # Errors
/// As [`write()`], and [`Error::Replaced`](crate::Error::Replaced).
pub(crate) fn write_to_own(folder: &Folder) -> Result<()> {
    write_parts(folder.path(), || folder.check())
}

fn write_sweep(folder: &Path, out: &Path) -> Result<()> {
    let table = Table::read(folder)?;
    let page = sweep_page::sweep_page(folder, &table, best_of(folder, &table)?);
    whole_file::write(out, page.as_bytes())
}

/// The first runs of the best points of a sweep.
fn best_of(sweep: &Path, table: &Table) -> Result<Vec<Material>> {
    let scored = table.rows.iter().filter(|row| row.score.is_some()).take(sweep_page::MOST_CURVES);
    let runs: Vec<_> =
        scored.filter_map(|row| Some(run_folder(sweep, *row.runs.first()?))).collect();
    read(&runs)
}

fn write_parts(folder: &Path, check: impl Fn() -> Result<()>) -> Result<()> {
    let mut runs = read(&[folder.to_path_buf()])?;
    add_couplings(&mut runs);
    let write =
        |name: &str, contents: &[u8]| whole_file::write_if(&folder.join(name), contents, &check);
    write(CURVES, curves::sheet(&runs).as_bytes())?;
    if let Some(picture) = runs[0].last_snapshot().and_then(images::reconstructions) {
        write(RECONSTRUCTIONS, &picture)?;
    }
    write(REPORT, page(&runs, None).as_bytes())
}

/// Computes the couplings of a run that is alone on its page. A live page, which is made ever again, has none.
fn add_couplings(runs: &mut [Material]) {
    if let [run] = runs {
        run.couplings = SiteCouplings::of_run(&run.summary.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::run::{SETTINGS, Session};
    use std::fs;

    #[test]
    fn a_run_whose_folder_was_replaced_leaves_the_other_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let session = Session { out: Some(path.clone()), ..Session::default() };
        let begin = || {
            let folder = Folder::create(&session, "name").unwrap();
            fs::write(folder.join(SETTINGS), "").unwrap();
            folder.release();
            folder
        };
        let folder = begin();
        write_to_own(&folder).unwrap();
        assert!(folder.join(REPORT).exists());
        fs::rename(&path, parent.path().join("elsewhere")).unwrap();
        begin();
        assert!(matches!(write_to_own(&folder), Err(Error::Replaced { .. })));
        assert!(!path.join(REPORT).exists() && !path.join(CURVES).exists());
    }
}
