//! Heat maps of the weights of hidden units on tables: a row for each site, a cell for each of its values.

use super::chart::number;
use super::site_weights::{Site, SiteWeights, UnitWeights, Value};
use maud::{Markup, html};

/// The width and the height of a cell, in pixels.
const WIDTH: usize = 64;
const HEIGHT: usize = 18;

/// The place for the names of the sites, in pixels.
const LEFT: usize = 116;

/// The opacity of the largest weight, under which the text can still be read.
const DARKEST: f64 = 0.65;

/// The most characters of the names of sites and of values. Cells tell their whole names.
const LONGEST_SITE: usize = 15;
const LONGEST_VALUE: usize = 9;

/// A heat map of each hidden unit.
pub fn section(weights: &SiteWeights<'_>) -> Markup {
    let sites = || weights.units.iter().flat_map(|unit| &unit.sites);
    let sizes = sites().flat_map(|site| &site.values).map(|value| value.weight.abs());
    let limit = sizes.fold(0.0, f64::max);
    html! {
        section #heat-maps {
            h2 { "Weights of hidden units" }
            p.note {
                "The weights of the " (weights.units.len()) " hidden units with the largest norm, of the first "
                (weights.n_units) ". A value is blue if the unit favours it, orange if the unit is against it, and \
                 full at a weight of " (number(limit)) ". A weight is less the mean over its site, but for a bit, \
                 which has one cell. Point at a cell for its weight."
            }
            div.weights { @for unit in &weights.units { (figure(weights, unit, limit)) } }
        }
    }
}

fn figure(weights: &SiteWeights<'_>, unit: &UnitWeights<'_>, limit: f64) -> Markup {
    html! {
        figure.heat-map {
            figcaption {
                "hidden unit " (unit.unit) ": norm " (number(unit.norm)) ", mean activity "
                (format!("{:.1} %", 100.0 * unit.activity))
                @if !unit.are_all_sites { "; the " (unit.sites.len()) " sites with the largest weights" }
            }
            div.scroll { (draw(weights, unit, limit)) }
        }
    }
}

fn draw(weights: &SiteWeights<'_>, unit: &UnitWeights<'_>, limit: f64) -> Markup {
    let most = unit.sites.iter().map(|site| site.values.len()).max().unwrap_or(0);
    let (width, height) = (LEFT + most * WIDTH, unit.sites.len() * HEIGHT);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
            viewBox={ "0 0 " (width) " " (height) } role="img"
            aria-label={ "weights of hidden unit " (unit.unit) } {
            @for (at, site) in unit.sites.iter().enumerate() { (row(weights, site, at * HEIGHT, limit)) }
        }
    }
}

fn row(weights: &SiteWeights<'_>, site: &Site<'_>, y: usize, limit: f64) -> Markup {
    let name = weights.columns.name(site.column);
    let foot = y + HEIGHT - 5;
    html! {
        text.site x=(LEFT - 6) y=(foot) { (short(&name, LONGEST_SITE)) title { (name) } }
        @for (at, value) in site.values.iter().enumerate() {
            @let x = LEFT + at * WIDTH;
            g {
                title { (name) " = " (value.name) ": " (number(value.weight)) }
                rect x=(x) y=(y) width=(WIDTH - 1) height=(HEIGHT - 1) fill={ "var(--" (colour(value)) ")" }
                    fill-opacity=(format!("{:.2}", DARKEST * value.weight.abs() / limit.max(f64::MIN_POSITIVE))) {}
                text.value x=(x + WIDTH / 2) y=(foot) { (short(value.name, LONGEST_VALUE)) }
            }
        }
    }
}

/// The name of a colour of the style.
fn colour(value: &Value<'_>) -> &'static str {
    if value.weight < 0.0 { "series-1" } else { "series-0" }
}

/// A name of at most `n` characters, cut if it has more.
fn short(name: &str, n: usize) -> String {
    match name.chars().count() > n {
        true => name.chars().take(n - 1).chain(['…']).collect(),
        false => name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!([short("größer", 6), short("größer", 4)], ["größer", "grö…"]);
    }
}
