//! How to cite a run: the software, the command, and the fingerprints that others can compare.

use super::material::Material;
use crate::checkpoint::model_of;
use crate::model::ModelFile;
use crate::run::quoted;
use maud::{Markup, html};

/// The facts of the software's citation; its version is that of the crate.
const FACTS: &str = include_str!("../../CITATION.cff");

/// The value of a key of the citation file, on one line.
fn fact(key: &str) -> Option<&'static str> {
    let value = |line: &'static str| {
        Some(
            line.trim_start_matches(['-', ' '])
                .strip_prefix(key)?
                .strip_prefix(": ")?
                .trim_matches('"'),
        )
    };
    FACTS.lines().find_map(value)
}

/// The software as an entry for BibTeX.
pub fn bibtex() -> String {
    let [title, authors] = ["title", "name"].map(|key| fact(key).unwrap_or("harmonium"));
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "@software{{harmonium,\n  title = {{{title}}},\n  author = {{{{{authors}}}}},\n  version = {{{version}}},\n}}"
    )
}

/// The section at the foot of a run's page.
pub fn section(run: &Material) -> Markup {
    let summary = &run.summary;
    let data = &summary.file.settings.data;
    let model = model_of(&summary.folder).and_then(|(path, _)| ModelFile::read(&path)).ok();
    let model = model.map(|file| file.rbm.sha256());
    let again = format!("harmonium train --config {}", quoted(summary.folder.as_os_str()));
    html! {
        section #cite {
            h2 { "Cite this run" }
            div.scroll { pre { (bibtex()) } }
            p { "The command that repeats it: " code { (summary.file.command.as_deref().unwrap_or(&again)) } }
            @if let Some(sha256) = &data.sha256 { p { "SHA-256 of the file of the data: " code { (sha256) } } }
            @if let Some(sha256) = &data.test_sha256 { p { "SHA-256 of the file of the test data: " code { (sha256) } } }
            @if let Some(sha256) = &model { p { "SHA-256 of the parameters of the model: " code { (sha256) } } }
            p.note {
                "The same version, data and settings give the same parameters, bit by bit, on any CPU, with any number \
                 of threads, and after any stop and resume."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_citation_has_the_facts_of_the_file() {
        let entry = bibtex();
        assert!(entry.contains("title = {harmonium: restricted Boltzmann machines"), "{entry}");
        assert!(entry.contains("author = {{The harmonium authors}}"), "{entry}");
        assert_eq!(fact("version"), Some(env!("CARGO_PKG_VERSION")));
    }
}
