//! The sections of a page on the snapshots of one run: what its weights look like, its samples and its units.

use super::chart::number;
use super::figure::figure;
use super::histogram::histograms;
use super::images::{self, Order};
use super::material::{Material, Snapshot};
use super::site_weights::SiteWeights;
use super::{couplings, heat_map, logo, scatter, spectrum};
use maud::{Markup, html};

/// The sections on the snapshots of one run.
pub fn sections(run: &Material) -> Markup {
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
        (weight_map(last))
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
        @if let Some(chart) = spectrum::chart(run) {
            section #singular-values {
                h2 { "Singular values of W" }
                p.note {
                    "The largest " (chart.series.len()) " of each snapshot. What a model learns makes values stand out of \
                     the others, one after the other." @if last.columns.is_some() { " W is less its mean over each site." }
                }
                div.charts { (figure(&chart)) }
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
                "The weights of the " (last.arrays.side("filters", 0).unwrap_or(0)) " hidden units with the largest norm, of "
                (last.n_candidates())
                ", as images, after epoch " (last.epoch)
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

/// W as a picture; empty if the data are images.
fn weight_map(last: &Snapshot) -> Markup {
    let Some(map) = images::weight_map(last) else { return html! {} };
    let n_visible = last.arrays.side("filters", 1).unwrap_or(0);
    let (rows, columns) = map.shape;
    html! {
        section #weight-map {
            h2 { "Weights, after epoch " (last.epoch) }
            p.note {
                "W: a row for each of the " (rows) " hidden units with the largest norm, of " (last.n_candidates())
                ", the largest first; across are the "
                @if last.columns.is_some() { "values of all columns of the data" } @else { "units of the examples" }
                ", in order"
                @if columns < n_visible { " (the first " (columns) " of " (n_visible) ")" }
                ". Grey is 0, white is positive and black is negative, from " (number(f64::from(map.limit))) " on."
                @if last.columns.is_some() { " A weight is less the mean over its site, but for a bit." }
            }
            div.picture { (images::embedded(&map.png, "weights of hidden units")) }
        }
    }
}

/// The samples of all epochs; empty if the data are not images.
fn samples(run: &Material) -> Markup {
    let seed = run.summary.file.settings.train.seed;
    let samples: Vec<_> = run
        .snapshots
        .iter()
        .filter_map(|snapshot| Some((snapshot.epoch, images::samples(snapshot, seed)?)))
        .collect();
    let (Some((epoch, _)), all) = (samples.last(), samples.len()) else { return html! {} };
    html! {
        section #samples {
            h2 { "Samples" }
            p.note {
                "The chains of the negative phase: v, drawn from p(v | h) of each chain, and in the same places that \
                 p(v | h). Only v is a sample; black is 0, white is 1."
            }
            div.controls {
                label {
                    "epoch " input #epoch type="range" min="0" max=(all - 1) step="1" value=(all - 1);
                    output #epoch-value { (epoch) }
                }
            }
            @for (at, (epoch, samples)) in samples.iter().enumerate() {
                div.pair.samples data-epoch=(epoch) hidden[at + 1 < all] {
                    @for (png, what) in [(&samples.drawn, "v, drawn"), (&samples.means, "p(v | h)")] {
                        figure {
                            figcaption { (what) }
                            div.picture { (images::embedded(png, &format!("{what}: samples after epoch {epoch}"))) }
                        }
                    }
                }
            }
        }
    }
}
