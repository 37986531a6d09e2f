//! The page of a report.

use super::chart::{Chart, EPOCH, Form, number};
use super::cite;
use super::curves;
use super::drawing::{line, look};
use super::health::{self, Finding};
use super::histogram::histograms;
use super::images::{self, Order};
use super::material::{Material, Snapshot};
use super::ranking::{self, Score};
use super::site_weights::SiteWeights;
use super::{couplings, heat_map, logo, mixing, scatter};
use crate::evaluate::LikelihoodReport;
use crate::monitor::EpochRecord;
use crate::run::{RunState, Summary, differing};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Map, Value};

const STYLE: &str = concat!(include_str!("page.css"), include_str!("charts.css"));
const SCRIPT: &str = concat!(include_str!("page.js"), include_str!("charts.js"));
/// What a live page has besides.
const LIVE: &str = include_str!("live.js");

/// An HTML file on one run, or on several side by side. A live page has a version, and follows its
/// server to newer ones.
pub fn page(runs: &[Material], version: Option<&str>) -> String {
    let names: Vec<_> = runs.iter().map(|run| &run.name[..]).collect();
    let title = format!("harmonium: {}", names.join(", "));
    let charts = curves::charts(runs);
    let score = ranking::score(runs);
    let header = html! {
        h1 { @if let [name] = &names[..] { (name) } @else { (names.len()) " runs" } }
        @if version.is_some() { p #live role="status" { "live" } }
        @match runs {
            [run] => (summary(run)),
            _ => (summary_of_many(runs, score.as_ref())),
        }
    };
    let main = html! {
        @match runs {
            [run] => { (health_of(run)) (curves_of(runs, &charts)) (mixing::section(run.summary.mixing())) (pictures(run)) },
            _ => { (differences(runs, score.as_ref(), None)) (health_of_many(runs)) (curves_of(runs, &charts)) },
        }
        @match runs {
            [run] => { (settings(run, false)) (cite::section(run)) },
            _ => section #runs { h2 { "Each run" } @for run in runs {
                details.run { summary { (run.name) } (summary(run)) (settings(run, true)) }
            } },
        }
    };
    file(&title, version, &header, &main)
}

/// How many runs are in which state, and the best.
fn summary_of_many(runs: &[Material], score: Option<&Score>) -> Markup {
    let n_in = |state| runs.iter().filter(|run| run.summary.state == state).count();
    let states =
        [RunState::Done, RunState::Running, RunState::Stopped].map(|state| (n_in(state), state));
    let states: Vec<_> = states
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, state)| format!("{n} {state}"))
        .collect();
    html! {
        div.summary {
            p { (states.join(", ")) "." }
            @if let (Some(score), Some((at, run))) = (score, runs.iter().enumerate().next()) {
                @if let Some(value) = score.of(run) {
                    p.verdict { "Best by " (score.name()) ": " (look(at)) strong { (run.name) } ", " (number(value)) " nats an example"
                        @if *score == Score::LogLikelihood { ", of " (ranking::data_of(run)) } "." }
                }
            }
            @for run in runs {
                @if let Some(failure) = &run.summary.failure { p.failure { (run.name) " failed: " (failure) } }
                @for unreadable in &run.unreadable { p.failure { (unreadable) } }
            }
        }
    }
}

/// What looks wrong with several runs, and with how many nothing does.
fn health_of_many(runs: &[Material]) -> Markup {
    let checked: Vec<_> = runs.iter().map(|run| (run, health::check(&run.summary))).collect();
    let is_well = |(run, found): &&(&Material, Vec<Finding>)| {
        found.is_empty() && !run.summary.records.is_empty()
    };
    let n_well = checked.iter().filter(is_well).count();
    html! {
        section.health {
            h2 { "Health" }
            @if n_well > 0 {
                p.healthy { (n_well) @if n_well == 1 { " run: " } @else { " runs: " } "nothing looks wrong." }
            }
            @for (at, (run, found)) in checked.iter().enumerate() {
                @if run.summary.records.is_empty() { p { (look(at)) (run.name) " does not have a record yet." } }
                @if !found.is_empty() {
                    details.finding {
                        summary { (look(at)) (run.name) ": "
                            (found.iter().map(|one| &one.what[..]).collect::<Vec<_>>().join("; ")) }
                        @for one in found { (finding(one)) }
                    }
                }
            }
        }
    }
}

fn finding(Finding { name, what, judged, remedy }: &Finding) -> Markup {
    html! {
        div.finding data-name=(name) {
            p { strong { (what) } "." }
            p { "How it was judged: " (judged) "." }
            p { "What to try: " (remedy) "." }
        }
    }
}

/// The curves, if there are any.
pub(super) fn curves_of(runs: &[Material], charts: &[Chart]) -> Markup {
    html! {
        @if !charts.is_empty() {
            section #curves {
                h2 { "Curves" }
                p.note { "Point at a curve for its values." }
                div.controls { label { input #log-epochs type="checkbox"; " log axis of epochs" } }
                @if runs.len() > 1 {
                    ul.runs {
                        @for (at, run) in runs.iter().enumerate() {
                            li { button type="button" data-run=(at) { (look(at)) (run.name) } }
                        }
                    }
                }
                div.charts { @for chart in charts { (figure_among(chart, runs.len())) } }
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
fn summary(run: &Material) -> Markup {
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
                "The run " (state) ", after epoch " (epoch) "."
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
    let Summary { evaluation, records, .. } = &run.summary;
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
            " nats an example" (beside(likelihood)) " of "
            (ranking::data_of(run)) " after epoch " (epoch) ": "
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

fn health_of(run: &Material) -> Markup {
    let findings = health::check(&run.summary);
    html! {
        section.health {
            h2 { "Health" }
            @if run.summary.records.is_empty() {
                p { "The run has no record yet." }
            } @else if findings.is_empty() {
                p.healthy { "Nothing looks wrong." }
            }
            @for one in &findings { (finding(one)) }
        }
    }
}

/// A chart with its title and, for several curves, its legend.
pub(super) fn figure(chart: &Chart) -> Markup {
    figure_among(chart, 1)
}

/// A chart of so many runs, which have one legend for all charts if they are several.
fn figure_among(chart: &Chart, n_runs: usize) -> Markup {
    let has_legend = n_runs == 1 && chart.series.iter().any(|series| !series.name.is_empty());
    html! {
        figure.chart id={ "chart-" (chart.id) } {
            figcaption { (chart.title) @if chart.axis != EPOCH { " (against " (chart.axis) ")" } }
            @if has_legend {
                ul.legend {
                    @for series in &chart.series {
                        li { (line(series.run, series.form == Form::Dashed)) (series.name) }
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

/// The settings in which several runs differ, and their results.
pub(super) fn differences(
    runs: &[Material],
    score: Option<&Score>,
    scores: Option<(&str, &[String])>,
) -> Markup {
    let summaries: Vec<_> = runs.iter().map(|run| run.summary.clone()).collect();
    let mut names = differing(&summaries);
    // The SHA-256 of a file adds nothing to its name.
    names.retain(|name| !name.ends_with("sha256"));
    let has_scores = runs.iter().any(|run| run.sweep_score.is_some());
    let figure = |value: Option<f64>| value.map_or("–".to_string(), number);
    let last = |run: &Material, value: fn(&EpochRecord) -> Option<f64>| {
        figure(run.summary.records.iter().rev().find_map(value))
    };
    html! {
        section #differences {
            h2 { "Differences" }
            @if let Some(score) = score { p.note { "Sorted by the " (score.name()) ", the best first." } }
            div.scroll {
                table {
                    thead { tr { th { "run" } @for name in &names { th { (name) } }
                        @if let Some((title, _)) = scores { th { (title) } } @else if has_scores { th { "score in the sweep" } }
                        th { "log-likelihood" } th { "independent units" } th { "data" } th { "pseudo-likelihood" } th { "seconds" } } }
                    tbody {
                        @for (at, run) in runs.iter().enumerate() {
                            @let settings = run.summary.settings();
                            @let known = run.summary.likelihood();
                            tr {
                                th { (look(at)) (run.name) }
                                @for name in &names { td { (text(&settings[name])) } }
                                @if let Some((_, scores)) = scores { td { (scores[at]) } } @else if has_scores { td { (figure(run.sweep_score)) } }
                                td { (figure(known.and_then(|known| known.report.log_likelihood))) }
                                td { (figure(known.and_then(|known| known.report.log_likelihood_independent))) }
                                td { (ranking::data_of(run)) }
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
            @if !is_named { h2 { "Settings" } }
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
