//! Curves and pictures of runs as files of their own, SVG and PDF, for papers.

use super::chart::{COLUMN, Chart, number};
use super::drawing::{Anchor, Drawing, Piece};
use super::histogram::histograms;
use super::images::{self, Order};
use super::material::Material;
use super::site_weights::SiteWeights;
use super::ticks::{Scale, ticks};
use super::{couplings, curves, heat_map, logo, pdf, scatter, spectrum};
use crate::error::{Error, Result};
use crate::whole_file;
use std::path::{Path, PathBuf};

/// The figures of these runs by name: curves, and of a run alone the pictures of its newest snapshot. `scores` are the
/// charts of a sweep.
fn figures(runs: &[Material], scores: &[Chart], is_log: bool) -> Vec<(String, Drawing)> {
    let of_score = |chart: &Chart| (format!("score_against_{}", chart.id), chart.for_file(false));
    let of_curve = |chart: &Chart| (chart.id.to_string(), chart.for_file(is_log));
    let mut all: Vec<(String, Drawing)> = scores.iter().map(of_score).collect();
    all.extend(curves::charts(runs).iter().map(of_curve));
    let ([run], []) = (runs, scores) else { return all };
    let Some(last) = run.last_snapshot() else { return all };
    all.extend(spectrum::chart(run).iter().map(of_curve));
    if let Some(weights) = SiteWeights::of(last) {
        let (name, drawings) = match weights.columns.alphabet() {
            Some(alphabet) => ("logo", logo::drawings(&weights, alphabet)),
            None => ("heat_map", heat_map::drawings(&weights)),
        };
        let named = |(unit, drawing)| (format!("{name}_of_unit_{unit}"), drawing);
        all.extend(drawings.into_iter().map(named));
    }
    if let Some(found) = &run.couplings {
        let (png, limit) = couplings::picture(found);
        let what = couplings::quantity(found);
        let caption = format!("sites by number: {what}; white is {}", number(limit));
        let drawing = picture(&caption, png, Some(found.scores.nrows()));
        all.push(("couplings".to_string(), drawing));
    }
    all.extend(
        histograms(last)
            .iter()
            .map(|chart| (format!("histogram_{}", chart.id), chart.for_file(false))),
    );
    all.extend(scatter::drawings(last).into_iter().map(|(id, drawing)| (id.to_string(), drawing)));
    let after = format!("after epoch {}", last.epoch);
    let (drawn, means) = images::samples(last, run.summary.file.settings.train.seed)
        .map(|samples| (samples.drawn, samples.means))
        .unzip();
    for (name, caption, png) in [
        (
            "filters",
            "weights of hidden units; grey is 0, white positive",
            images::filters(last, Order::Norm),
        ),
        (
            "weight_map",
            "W: hidden units down, the strongest first; units of examples across",
            images::weight_map(last).map(|map| map.png),
        ),
        ("samples", "p(v | h) of chains; black is 0, white 1", means),
        ("samples_drawn", "v drawn from p(v | h) of chains", drawn),
        ("reconstructions", "examples, each above its p(v | h)", images::reconstructions(last)),
        (
            "hidden_means",
            "p(h | v): examples down, hidden units across",
            images::hidden_means(last),
        ),
    ] {
        let picture =
            png.map(|png| (name.to_string(), picture(&format!("{caption}, {after}"), png, None)));
        all.extend(picture);
    }
    all
}

/// A picture as wide as a column, with lines of text below. If its rows and columns are `n_sites` sites, their numbers
/// from 1 stand beside it.
fn picture(caption: &str, png: Vec<u8>, n_sites: Option<usize>) -> Drawing {
    let [across, down] = pdf::size_of(&png);
    let font = 7.5;
    let (left, top) = (if n_sites.is_some() { 20.0 } else { 4.0 }, 4.0);
    let width = COLUMN - 4.0 - left;
    let height = width * f64::from(down) / f64::from(across);
    let text = |place, anchor, text: String| Piece::Text { place, anchor, text, is_upright: false };
    let mut pieces = vec![Piece::Picture { corner: [left, top], size: [width, height], png }];
    let mut foot = top + height + 2.0;
    if let Some(n_sites) = n_sites {
        let middle = |number: f64| (number - 0.5) / n_sites as f64;
        for (number, name) in ticks(Scale::Linear, [1.0, n_sites as f64], 8, true) {
            let down = top + middle(number) * height + 0.35 * font;
            pieces.push(text([left - 3.0, down], Anchor::End, name.clone()));
            let across = left + middle(number) * width;
            pieces.push(text([across, foot + font], Anchor::Middle, name));
        }
        foot += 1.4 * font;
    }
    let lines = lines(caption, (COLUMN - 8.0) / font);
    for (at, line) in (1..).zip(&lines) {
        let place = [0.5 * COLUMN, foot + 1.2 * font * f64::from(at)];
        pieces.push(text(place, Anchor::Middle, line.clone()));
    }
    let size = [COLUMN, foot + (1.2 * lines.len() as f64 + 0.8) * font];
    Drawing { size, font, pieces }
}

/// A text in lines that are at most so wide, in heights of letters, unless a word is wider.
fn lines(text: &str, widest: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if pdf::width(line) + pdf::width(word) + 0.3 <= widest => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

/// Writes an SVG and a PDF of each figure to a folder, which is made if it is missing, and returns their paths. `check`
/// sees all paths before the first file is written.
///
/// # Errors
/// [`Error::Io`], and those of `check`.
pub fn write(
    runs: &[Material],
    scores: &[Chart],
    folder: &Path,
    is_log: bool,
    check: &dyn Fn(&Path) -> Result<()>,
) -> Result<Vec<PathBuf>> {
    let file = |name: &str, extension: &str| folder.join(format!("{name}.{extension}"));
    let files: Vec<_> = figures(runs, scores, is_log)
        .into_iter()
        .flat_map(|(name, drawing)| {
            [
                (file(&name, "svg"), drawing.svg().into_bytes()),
                (file(&name, "pdf"), pdf::pdf(&drawing)),
            ]
        })
        .collect();
    files.iter().try_for_each(|(path, _)| check(path))?;
    let failed = |cause| Error::Io { action: "create", path: folder.into(), cause };
    std::fs::create_dir_all(folder).map_err(failed)?;
    files.iter().try_for_each(|(path, bytes)| whole_file::write(path, bytes))?;
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_breaks_between_words_before_it_is_wider_than_its_picture() {
        // The letters of "aaaa bb" are 0.556 wide each, and a space 0.278.
        assert_eq!(lines("aaaa bb", 3.65), ["aaaa bb"]);
        assert_eq!(lines("aaaa bb", 3.60), ["aaaa", "bb"]);
        assert_eq!(lines("aaaa bb c", 1.0), ["aaaa", "bb", "c"]);
        assert_eq!(lines("a bb cc", 2.6), ["a bb", "cc"]);
    }
}
