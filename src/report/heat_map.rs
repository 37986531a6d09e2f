//! Heat maps of the weights of hidden units on tables: a row for each site, a cell for each of its values.

use super::chart::number;
use super::drawing::{Anchor, Drawing, Piece};
use super::site_weights::{SiteWeights, UnitWeights};
use maud::{Markup, PreEscaped, html};

/// The sizes of a heat map.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// The width and the height of a cell.
    cell: [f64; 2],
    /// The place for the names of the sites.
    left: f64,
    font: f64,
}

/// In pixels of a page.
const ON_PAGE: Size = Size { cell: [64.0, 18.0], left: 116.0, font: 10.0 };

/// In points of a file.
const IN_FILE: Size = Size { cell: [44.0, 11.0], left: 68.0, font: 6.5 };

/// The opacity of the largest weight, under which the text can still be read.
const DARKEST: f64 = 0.65;

/// The share of the height of letters that a capital fills.
const CAPITAL: f64 = 0.72;

/// The most characters of the names of sites and of values. Cells tell their whole names.
const LONGEST_SITE: usize = 15;
const LONGEST_VALUE: usize = 9;

/// A heat map of each hidden unit.
pub fn section(weights: &SiteWeights<'_>) -> Markup {
    let limit = limit(weights);
    html! {
        section #heat-maps {
            h2 { "Weights of hidden units" }
            p.note {
                "The weights of the " (weights.units.len()) " hidden units with the largest norm, of "
                (weights.n_units) ". A value is blue if the unit favours it, orange if the unit is against it, and \
                 full at a weight of " (number(limit)) ". A weight is less the mean over its site, but for a bit, \
                 which has one cell. Point at a cell for its weight."
            }
            div.weights { @for unit in &weights.units { (figure(weights, unit, limit)) } }
        }
    }
}

/// A heat map of each hidden unit for a file, by the number of the unit.
pub fn drawings(weights: &SiteWeights<'_>) -> Vec<(usize, Drawing)> {
    let limit = limit(weights);
    weights.units.iter().map(|unit| (unit.unit, draw(weights, unit, limit, IN_FILE))).collect()
}

/// The largest weight.
fn limit(weights: &SiteWeights<'_>) -> f64 {
    let sites = weights.units.iter().flat_map(|unit| &unit.sites);
    sites.flat_map(|site| &site.values).map(|value| value.weight.abs()).fold(0.0, f64::max)
}

fn figure(weights: &SiteWeights<'_>, unit: &UnitWeights<'_>, limit: f64) -> Markup {
    let name = format!("weights of hidden unit {}", unit.unit);
    html! {
        figure.heat-map {
            figcaption {
                "hidden unit " (unit.unit) ": norm " (number(unit.norm)) ", mean activity "
                (format!("{:.1} %", 100.0 * unit.activity))
                @if !unit.are_all_sites { "; the " (unit.sites.len()) " sites with the largest weights" }
            }
            div.scroll { (PreEscaped(draw(weights, unit, limit, ON_PAGE).for_page_as_drawn(&name))) }
        }
    }
}

fn draw(weights: &SiteWeights<'_>, unit: &UnitWeights<'_>, limit: f64, size: Size) -> Drawing {
    let Size { cell: [width, height], left, font } = size;
    let most = unit.sites.iter().map(|site| site.values.len()).max().unwrap_or(0);
    let mut pieces = Vec::new();
    let text = |place, anchor, text: String| Piece::Text { place, anchor, text, is_upright: false };
    for (at, site) in unit.sites.iter().enumerate() {
        let (name, y) = (weights.columns.name(site.column), at as f64 * height);
        let foot = y + 0.5 * (height + CAPITAL * font);
        pieces.push(text([left - 0.5 * font, foot], Anchor::End, short(&name, LONGEST_SITE)));
        for (at, value) in site.values.iter().enumerate() {
            let x = left + at as f64 * width;
            pieces.push(Piece::Cell {
                corner: [x, y],
                size: [0.98 * width, 0.95 * height],
                // Blue for the unit's favour, orange against it.
                series: usize::from(value.weight < 0.0),
                share: DARKEST * value.weight.abs() / limit.max(f64::MIN_POSITIVE),
                text: format!("{name} = {}: {}", value.name, number(value.weight)),
            });
            let name = short(value.name, LONGEST_VALUE);
            pieces.push(text([x + 0.49 * width, foot], Anchor::Middle, name));
        }
    }
    let size = [left + most as f64 * width, unit.sites.len() as f64 * height];
    Drawing { size, font, pieces }
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
