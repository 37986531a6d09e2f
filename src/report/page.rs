//! The page of a report.

use super::chart::{Chart, number};
use super::drawing::look;
use super::figure::figure_among;
use super::health::{self, Finding};
use super::material::Material;
use super::ranking::{self, Score};
use super::{cite, curves, mixing, snapshot_page};
use crate::evaluate::LikelihoodReport;
use crate::monitor::EpochRecord;
use crate::run::{RunState, Summary, differing};
use crate::train::Missing;
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
            [run] => { (health_of(run)) (curves_of(runs, &charts)) (mixing::section(run.summary.mixing())) (snapshot_page::sections(run)) },
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
        None if run.summary.file.settings.train.missing == Some(Missing::Absent) => html! {
            "Where values are absent, examples have no common log-likelihood; " code { "harmonium evaluate" }
            " scores single values."
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
