//! The page of a report.

use super::curves::{self, Chart, Point, Series, number};
use super::health::{self, Finding};
use super::images::{self, Order};
use super::material::{Material, Snapshot};
use super::site_weights::SiteWeights;
use super::{couplings, heat_map, logo, mixing, scatter};
use crate::evaluate::LikelihoodReport;
use crate::monitor::EpochRecord;
use crate::run::{RunState, Summary, differing};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Map, Value};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// What a live page has besides.
const LIVE: &str = include_str!("live.js");

/// An HTML file on one run, or on several side by side. A live page has a version, and follows its
/// server to newer ones.
pub fn page(runs: &[Material], version: Option<&str>) -> String {
    let names: Vec<_> = runs.iter().map(|run| &run.name[..]).collect();
    let title = format!("harmonium: {}", names.join(", "));
    let charts = curves::charts(runs);
    let header = html! {
        h1 { @if let [name] = &names[..] { (name) } @else { (names.len()) " runs" } }
        @if version.is_some() { p #live role="status" { "live" } }
        @for run in runs { (summary(run, runs.len() > 1)) }
    };
    let main = html! {
        @for run in runs { (health_of(run, runs.len() > 1)) }
        (curves_of(&charts))
        @match runs {
            [run] => { (mixing::section(run.summary.mixing())) (pictures(run)) },
            _ => (differences(runs)),
        }
        @for run in runs { (settings(run, runs.len() > 1)) }
    };
    file(&title, version, &header, &main)
}

/// The curves, if there are any.
pub(super) fn curves_of(charts: &[Chart]) -> Markup {
    html! {
        @if !charts.is_empty() {
            section #curves {
                h2 { "Curves" }
                p.note { "Point at a curve for its values." }
                div.charts { @for chart in charts { (figure(chart)) } }
            }
        }
    }
}

/// The file of a page with this header and these sections.
pub(super) fn file(title: &str, version: Option<&str>, header: &Markup, main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                // An empty icon keeps the browser from asking for one.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body data-version=[version] {
                header { (header) }
                main { (main) }
                div #tip hidden {}
                script { (PreEscaped(SCRIPT)) @if version.is_some() { (PreEscaped(LIVE)) } }
            }
        }
    };
    page.into_string()
}

/// The state of a run, its verdict and its failure.
fn summary(run: &Material, is_named: bool) -> Markup {
    let summary = &run.summary;
    let epoch = summary.last().map_or(0, |record| record.epoch);
    let state = match summary.state {
        RunState::Running => "is being trained",
        RunState::Done => "is done",
        RunState::Stopped if summary.failure.is_some() => "was ended by an error",
        RunState::Stopped => "was stopped; `harmonium resume` continues it",
    };
    html! {
        div.summary data-state=(summary.state) {
            p {
                @if is_named { strong { (run.name) } " " } @else { "The run " }
                (state) ", after epoch " (epoch) "."
                @if let Some(n) = summary.last().and_then(|record| record.n_effective) {
                    " Its training examples have weights and are worth " (format!("{n:.1}"))
                    " of equal weight."
                }
            }
            @if let Some(failure) = &summary.failure { p.failure { "It failed: " (failure) } }
            @for unreadable in &run.unreadable { p.failure { (unreadable) } }
            p.verdict { (verdict(run)) }
        }
    }
}

/// The evaluation, or the last recorded log-likelihood.
fn verdict(run: &Material) -> Markup {
    let Summary { evaluation, records, file, .. } = &run.summary;
    if let Some((found, subject)) = evaluation.as_ref().and_then(|e| Some((e, e.subject.as_ref()?)))
    {
        let figure = |value: Option<f64>| value.map_or("?".to_string(), |x| format!("{x:.2}"));
        let likelihood = &found.likelihood;
        return html! {
            "Log-likelihood " strong { (figure(likelihood.log_likelihood)) }
            " nats an example" (beside(likelihood)) ", "
            (figure(found.log_likelihood_low)) " to " (figure(found.log_likelihood_high)) ", by "
            (found.method) " on " (subject.n_examples) " examples"
            @if let Some(n) = subject.n_effective { " (with weights, N_eff " (format!("{n:.1}")) ")" } " of "
            (subject.title()) ": "
            (trust(likelihood))
            @if let Some(warning) = &subject.data_warning { " But " (warning) "." }
            @if !likelihood.remedies.is_empty() { " What to do: " (likelihood.remedies.join("; ")) "." }
        };
    }
    let known = |record: &&EpochRecord| record.likelihood.log_likelihood.is_some();
    match records.iter().rev().find(known) {
        Some(EpochRecord { epoch, likelihood, .. }) => html! {
            "Log-likelihood " strong { (number(likelihood.log_likelihood.unwrap_or(f64::NAN))) }
            " nats an example" (beside(likelihood)) " of its "
            (file.settings.data.watched_by().role()) " data after epoch " (epoch) ": "
            (trust(likelihood))
        },
        None => html! {
            "The log-likelihood is not known yet; run " code { "harmonium evaluate" }
            " to see it here."
        },
    }
}

/// How far to trust a log-likelihood.
fn trust(likelihood: &LikelihoodReport) -> Markup {
    html! {
        strong { (likelihood.verdict.as_deref().unwrap_or("?")) }
        @if !likelihood.reasons.is_empty() { ", as " (likelihood.reasons.join("; ")) }
        @else if let Some(caveat) = &likelihood.caveat { " (" (caveat) ")" }
        "."
    }
}

/// The log-likelihood of independent units, which a model must beat.
fn beside(likelihood: &LikelihoodReport) -> Markup {
    html! {
        @if let Some(independent) = likelihood.log_likelihood_independent {
            " (independent units: " (format!("{independent:.2}")) ")"
        }
    }
}

fn health_of(run: &Material, is_named: bool) -> Markup {
    let findings = health::check(&run.summary);
    html! {
        section.health {
            h2 { "Health" @if is_named { " of " (run.name) } }
            @if run.summary.records.is_empty() {
                p { "The run has no record yet." }
            } @else if findings.is_empty() {
                p.healthy { "Nothing looks wrong." }
            }
            @for Finding { name, what, judged, remedy } in &findings {
                div.finding data-name=(name) {
                    p { strong { (what) } "." }
                    p { "How it was judged: " (judged) "." }
                    p { "What to try: " (remedy) "." }
                }
            }
        }
    }
}

/// A chart with its title and, for several curves, its legend.
pub(super) fn figure(chart: &Chart) -> Markup {
    html! {
        figure.chart id={ "chart-" (chart.id) } {
            figcaption { (chart.title) }
            @if chart.series.iter().any(|series| !series.name.is_empty()) {
                ul.legend {
                    @for (at, series) in chart.series.iter().enumerate() {
                        li { span.swatch style={ "background: var(--series-" (at % 10) ")" } {} (series.name) }
                    }
                }
            }
            (PreEscaped(chart.for_page()))
        }
    }
}

/// The pictures of one run's snapshots.
fn pictures(run: &Material) -> Markup {
    let Some(last) = run.last_snapshot() else { return html! {} };
    let histograms = histograms(last);
    html! {
        (filters(last))
        @if let Some(weights) = SiteWeights::of(last) {
            @match weights.columns.alphabet() {
                Some(alphabet) => (logo::section(&weights, alphabet)),
                None => (heat_map::section(&weights)),
            }
        }
        (scatter::section(last))
        @if let Some(found) = &run.couplings { (couplings::section(found)) }
        @if last.image_shape.is_none() && last.columns.is_none() {
            section #no-images {
                p.note {
                    "The examples have no shape of images. If they are images, give " code { "--image-shape" }
                    " in training to see filters and samples here."
                }
            }
        }
        (samples(run))
        @if let Some(png) = images::reconstructions(last) {
            section #reconstructions {
                h2 { "Reconstructions" }
                p.note { "Each training example is above its p(v | h), where h is drawn from p(h | v)." }
                div.picture { (images::embedded(&png, "examples and their reconstructions")) }
            }
        }
        @if let Some(png) = images::hidden_means(last) {
            section #activity {
                h2 { "Hidden activity" }
                p.note {
                    "p(h | v): a row for each training example of a subset, a column for each of at most \
                     1,000 hidden units. Black columns are dead units; white columns are saturated units."
                }
                div.picture { (images::embedded(&png, "activity of hidden units")) }
            }
        }
        @if !histograms.is_empty() {
            section #histograms {
                h2 { "Histograms, after epoch " (last.epoch) }
                div.charts { @for chart in &histograms { (figure(chart)) } }
            }
        }
    }
}

/// The filters in each order; empty if the data are not images.
fn filters(last: &Snapshot) -> Markup {
    let filters: Vec<_> = [("norm", Order::Norm), ("activity", Order::Activity)]
        .into_iter()
        .filter_map(|(name, order)| Some((name, images::filters(last, order)?)))
        .collect();
    if filters.is_empty() {
        return html! {};
    }
    html! {
        section #filters {
            h2 { "Filters" }
            p.note {
                "The weights of " (last.arrays.side("filters", 0).unwrap_or(0)) " of "
                (last.arrays.side("hidden_activity", 0).unwrap_or(0))
                " hidden units as images, after epoch " (last.epoch)
                ": grey is 0, white is positive, black is negative. At contrast 1, 99.5 % of the weights \
                 lie between black and white."
            }
            div.controls {
                label { "contrast " input #contrast type="range" min="0.25" max="4" step="0.05" value="1"; output #contrast-value { "1" } }
                label { "sorted by " select #order { @for (name, _) in &filters { option value=(name) { (name) } } } }
            }
            @for (at, (name, png)) in filters.iter().enumerate() {
                div.picture.filters data-order=(name) hidden[at > 0] {
                    (images::embedded(png, "filters of hidden units"))
                }
            }
        }
    }
}

/// The samples of all epochs; empty if the data are not images.
fn samples(run: &Material) -> Markup {
    let samples: Vec<_> = run
        .snapshots
        .iter()
        .filter_map(|snapshot| Some((snapshot.epoch, images::samples(snapshot)?)))
        .collect();
    let Some((epoch, _)) = samples.last() else { return html! {} };
    html! {
        section #samples {
            h2 { "Samples" }
            p.note { "p(v | h) of the chains of the negative phase; black is 0, white is 1." }
            div.controls {
                label {
                    "epoch " input #epoch type="range" min="0" max=(samples.len() - 1) step="1" value=(samples.len() - 1);
                    output #epoch-value { (epoch) }
                }
            }
            @for (at, (epoch, png)) in samples.iter().enumerate() {
                div.picture.samples data-epoch=(epoch) hidden[at + 1 < samples.len()] {
                    (images::embedded(png, &format!("samples after epoch {epoch}")))
                }
            }
        }
    }
}

/// Histograms of parameters and of mean activities.
fn histograms(snapshot: &Snapshot) -> Vec<Chart> {
    let chart = |id, title: &str, axis: &str, points: Vec<Point>| Chart {
        id,
        title: title.to_string(),
        axis: axis.to_string(),
        level: None,
        series: vec![Series { name: String::new(), points, is_joined: true }],
    };
    let mut charts = Vec::new();
    for (name, title) in [
        ("weights", "number of weights"),
        ("visible_bias", "number of visible biases"),
        ("hidden_bias", "number of hidden biases"),
    ] {
        let n_bins = snapshot.arrays.n_rows(&format!("{name}.counts")).unwrap_or(0);
        let counts = snapshot.arrays.get::<u64>(&format!("{name}.counts"), &[n_bins]);
        let range = snapshot.arrays.get::<f64>(&format!("{name}.range"), &[2]);
        if let (Ok(counts), Ok(&[low, high])) = (counts, range) {
            charts.push(chart(name, title, "value", bins(counts, low, high)));
        }
    }
    let n_hidden = snapshot.arrays.n_rows("hidden_activity").unwrap_or(0);
    if let Ok(activity) = snapshot.arrays.get::<f64>("hidden_activity", &[n_hidden]) {
        let mut counts = [0; 20];
        activity.iter().for_each(|mean| counts[((mean * 20.0) as usize).min(19)] += 1);
        let title = "number of hidden units by mean activity";
        charts.push(chart("activities", title, "activity", bins(&counts, 0.0, 1.0)));
    }
    charts
}

/// Points of a histogram, at the middle of the bins.
fn bins(counts: &[u64], low: f64, high: f64) -> Vec<Point> {
    let width = (high - low) / counts.len() as f64;
    let point = |(at, &count): (usize, &u64)| Point {
        x: low + (at as f64 + 0.5) * width,
        y: count as f64,
        range: None,
    };
    counts.iter().enumerate().map(point).collect()
}

/// The settings in which several runs differ, and their results.
pub(super) fn differences(runs: &[Material]) -> Markup {
    let summaries: Vec<_> = runs.iter().map(|run| run.summary.clone()).collect();
    let mut names = differing(&summaries);
    // The SHA-256 of a file adds nothing to its name.
    names.retain(|name| !name.ends_with("sha256"));
    let figure = |value: Option<f64>| value.map_or("–".to_string(), number);
    let last = |run: &Material, value: fn(&EpochRecord) -> Option<f64>| {
        figure(run.summary.records.iter().rev().find_map(value))
    };
    html! {
        section #differences {
            h2 { "Differences" }
            div.scroll {
                table {
                    thead { tr { th { "run" } @for name in &names { th { (name) } }
                        th { "log-likelihood" } th { "independent units" } th { "data" } th { "pseudo-likelihood" } th { "seconds" } } }
                    tbody {
                        @for run in runs {
                            @let settings = run.summary.settings();
                            @let known = run.summary.likelihood();
                            tr {
                                th { (run.name) }
                                @for name in &names { td { (text(&settings[name])) } }
                                td { (figure(known.and_then(|known| known.report.log_likelihood))) }
                                td { (figure(known.and_then(|known| known.report.log_likelihood_independent))) }
                                td { (known.map_or("–", |known| known.role)) }
                                td { (last(run, |r| r.pseudo_likelihood)) }
                                td { (last(run, |r| Some(r.seconds))) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn settings(run: &Material, is_named: bool) -> Markup {
    let file = &run.summary.file;
    let settings: Map<String, Value> = run.summary.settings();
    html! {
        section.settings {
            h2 { "Settings" @if is_named { " of " (run.name) } }
            @if let Some(command) = &file.command { p { code { (command) } } }
            details {
                summary { "all " (settings.len()) " settings, and the folder of the run" }
                div.scroll {
                    table {
                        tbody {
                            tr { th { "folder" } td { (run.summary.folder.display()) } }
                            @if let Some(version) = file.stream_version { tr { th { "stream version" } td { (version) } } }
                            @for (name, value) in &settings {
                                tr { th { (name) } td { (text(value)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The text of a setting's value.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_string(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}
