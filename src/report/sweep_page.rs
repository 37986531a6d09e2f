//! The page of a sweep: its points, score against each setting that varies, and the curves of the best.

use super::chart::{Chart, Form, Point, Series};
use super::curves;
use super::figure::figure;
use super::material::Material;
use super::page::{curves_of, differences, file};
use super::ticks::Scale;
use crate::run::quoted;
use crate::sweep::{PointState, Row, Table, value_text};
use maud::{Markup, html};
use serde_json::Value;
use std::path::Path;

/// The most runs whose curves are shown: the first of each of the best points.
pub const MOST_CURVES: usize = 5;

/// A difference of scores is clear from so many standard errors on.
const CLEAR: f64 = 2.0;

/// From this ratio of the largest to the smallest value on, values lie evenly in their logarithm.
const WIDE: f64 = 20.0;

/// An HTML file on the sweep in a folder. `best` are the first runs of its points with a score, the best first.
pub fn sweep_page(folder: &Path, table: &Table, mut best: Vec<Material>) -> String {
    for (run, row) in best.iter_mut().zip(&table.rows) {
        if !table.names.is_empty() {
            run.name = format!("{}: {}", run.name, settings(table, row));
        }
    }
    let scores: Vec<String> = table.rows.iter().map(Row::score_text).collect();
    let title = format!("score ({})", table.metric);
    let name = folder.canonicalize().unwrap_or(folder.to_path_buf());
    let name = name.file_name().unwrap_or(folder.as_os_str()).to_string_lossy().into_owned();
    let charts = charts(table);
    let header = html! {
        h1 { (name) }
        div.summary { (summary(table, best.first())) }
    };
    let main = html! {
        (ranking(table))
        @if !charts.is_empty() {
            section #settings-and-scores {
                h2 { "Score against each setting" }
                p.note {
                    "A circle for each choice of values that was trained to its end, or all if there is none; a \
                     line joins the best at each number. Bars are two standard errors over seeds."
                }
                div.charts { @for chart in &charts { (figure(chart)) } }
            }
        }
        (curves_of(&best, &curves::charts(&best)))
        @if best.len() > 1 { (differences(&best, None, Some((&title, &scores)))) }
    };
    file(&format!("harmonium: {name}"), None, &header, &main)
}

/// The scores of a sweep against each of its settings.
pub fn charts(table: &Table) -> Vec<Chart> {
    table.names.iter().filter_map(|name| against(table, name)).collect()
}

/// The best point, and how to train it again.
fn summary(table: &Table, best: Option<&Material>) -> Markup {
    let n_in = |state| table.rows.iter().filter(|row| row.state == state).count();
    let all = table.rows.len();
    let (done, failed) = (n_in(PointState::Done), n_in(PointState::Failed));
    html! {
        p { "Of " (all) " choices of values, " (done) " were trained to the end, and " (failed) " failed." }
        @if let Some(row) = table.best() {
            p.verdict {
                "Best: " strong { (settings(table, row)) } ", " (table.metric) " " (row.score_text())
                " on validation examples, by which it was chosen: on other data expect less. "
                code { "harmonium evaluate" } " with test data says how much."
            }
            p { (clearness(table)) }
        }
        @if let Some(run) = best {
            p { "To train it again: "
                code { "harmonium train --config " (quoted(run.summary.folder.as_os_str())) } }
        }
    }
}

/// Whether the best is clear, and among what it is the best.
fn clearness(table: &Table) -> String {
    let mut text = match &table.rows[..] {
        [best, second, ..]
            if let (Some(one), Some(other)) = (best.score, second.score)
                && best.state == second.state =>
        {
            let behind = (one - other).abs();
            match best.standard_error.zip(second.standard_error) {
                None => format!(
                    "The second is {behind:.3} away. With one seed each nobody knows how much of that is chance: give \
                     two or more seeds (--seeds)."
                ),
                Some((one, other)) => {
                    let error = one.hypot(other);
                    let verdict = match behind > CLEAR * error {
                        true => "The best is clear",
                        false => "The best is not clear: others may be as good",
                    };
                    format!(
                        "{verdict}: the second is {behind:.3} away, with a standard error of {error:.3}."
                    )
                }
            }
        }
        _ => String::new(),
    };
    if table.rows.iter().any(|row| row.state == PointState::Stopped) {
        text += " It is the best of those that were trained to the end; the others were left before, by the scores that \
                 they had there.";
    }
    text.trim().to_string()
}

fn settings(table: &Table, row: &Row) -> String {
    let one = |name: &&str| format!("{name} = {}", value_text(&row.values[*name]));
    table.names.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The points, best first.
fn ranking(table: &Table) -> Markup {
    html! {
        section #ranking {
            h2 { "Ranking" }
            p.note {
                "A point is one choice of values; it has a run for each seed. Points that got further come first, then higher scores; doubtful ones come after those that are \
                 believed. ± is the standard error over seeds."
            }
            div.scroll {
                table {
                    thead { tr { th { "rank" } @for name in &table.names { th { (name) } }
                        th { (table.metric) } th { "state" } th { "updates" } th { "runs" } } }
                    tbody {
                        @for (rank, row) in (1..).zip(&table.rows) {
                            tr {
                                th { (rank) }
                                @for name in &table.names { td { (value_text(&row.values[*name])) } }
                                td { (row.score_text()) }
                                td { (row.state) @if let Some(failure) = &row.failure { ": " (failure) } }
                                td { (row.updates) }
                                td { (row.run_names()) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The scores against one setting; `None` without scores.
fn against(table: &Table, name: &'static str) -> Option<Chart> {
    let scored = |row: &&Row| row.score.is_some_and(f64::is_finite);
    let done = |row: &&Row| row.state == PointState::Done;
    let rows: Vec<&Row> = match table.rows.iter().filter(scored).any(|row| done(&row)) {
        true => table.rows.iter().filter(scored).filter(done).collect(),
        false => table.rows.iter().filter(scored).collect(),
    };
    let values: Vec<&Value> = rows.iter().map(|row| &row.values[name]).collect();
    let axis = Axis::of(name, &values);
    // Rows are ordered: the first at a value is the best there.
    let mut points: Vec<(bool, Point)> = Vec::new();
    for row in &rows {
        let (x, y) = (axis.place(&row.values[name])?, row.score?);
        let range = row.standard_error.map(|error| (y - 2.0 * error, y + 2.0 * error));
        let is_best = points.iter().all(|(_, other)| other.x != x);
        points.push((is_best, Point { x, y, range }));
    }
    points.sort_by(|(_, one), (_, other)| one.x.total_cmp(&other.x));
    let part = |of_best: bool| -> Vec<Point> {
        points.iter().filter(|(is_best, _)| *is_best == of_best).map(|(_, point)| *point).collect()
    };
    let series = [("best at this value", true, 0), ("others", false, 1)];
    let series = series.map(|(name, is_joined, look)| Series {
        name: name.to_string(),
        points: part(is_joined),
        // There is nothing between two names.
        run: look,
        form: if is_joined && axis.names.is_empty() { Form::Line } else { Form::Points },
    });
    let series: Vec<_> = series.into_iter().filter(|series| !series.points.is_empty()).collect();
    (!series.is_empty()).then_some(Chart {
        id: name,
        title: table.metric.to_string(),
        label: table.metric.to_string(),
        axis: axis.title,
        scale: if axis.is_log { Scale::Log } else { Scale::Linear },
        level: None,
        series,
    })
}

/// Where values stand on the horizontal axis.
struct Axis {
    title: String,
    is_log: bool,
    /// The values that are no numbers, in their order.
    names: Vec<String>,
}

impl Axis {
    fn of(name: &str, values: &[&Value]) -> Self {
        let numbers: Option<Vec<f64>> = values.iter().map(|value| value.as_f64()).collect();
        let Some(numbers) = numbers else {
            let mut names: Vec<String> = values.iter().map(|value| value_text(value)).collect();
            names.sort();
            names.dedup();
            let list: Vec<_> =
                names.iter().enumerate().map(|(at, name)| format!("{at}: {name}")).collect();
            return Self { title: format!("{name} ({})", list.join(", ")), is_log: false, names };
        };
        let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let is_log = low > 0.0 && high >= WIDE * low;
        Self { title: name.to_string(), is_log, names: Vec::new() }
    }

    fn place(&self, value: &Value) -> Option<f64> {
        match value.as_f64() {
            Some(x) if self.names.is_empty() => Some(x),
            _ => {
                let text = value_text(value);
                self.names.iter().position(|name| *name == text).map(|at| at as f64)
            }
        }
    }
}
