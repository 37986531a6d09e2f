//! Logos of the weights of hidden units on sequences: each letter is as high as its weight.

use super::chart::number;
use super::site_weights::{Site, SiteWeights, UnitWeights, Value};
use maud::{Markup, html};

/// The width of a site, in pixels.
const WIDTH: f64 = 16.0;

/// The height of a logo without the numbers of its sites, in pixels.
const HEIGHT: f64 = 130.0;

/// The place for the scale on the left, in pixels.
const LEFT: f64 = 40.0;

/// The place for the numbers of the sites, in pixels.
const BOTTOM: f64 = 16.0;

/// Letters below this height are left out, in pixels.
const LEAST: f64 = 2.5;

/// The size of the letters before they are stretched, and the share of it that a capital fills.
const FONT: f64 = 10.0;
const CAPITAL: f64 = 0.72;

/// Letters are stretched by this to the sides, so that a W fills its site.
const WIDEN: f64 = 1.5;

/// The colours of the letters of some alphabets.
struct Palette {
    letters: &'static str,
    /// Letters and the name of their colour in the style.
    colours: &'static [(&'static str, &'static str)],
    key: &'static str,
}

/// Those of WebLogo: bases, and amino acids by their chemistry.
const PALETTES: [Palette; 2] = [
    Palette {
        letters: "-ACGTU",
        colours: &[
            ("A", "letter-2"),
            ("C", "letter-0"),
            ("G", "letter-1"),
            ("TU", "letter-7"),
            ("-", "letter-5"),
        ],
        key: "Each base has its colour.",
    },
    Palette {
        letters: "-ACDEFGHIKLMNPQRSTVWY",
        colours: &[
            ("GSTYC", "letter-2"),
            ("NQ", "letter-4"),
            ("KRH", "letter-0"),
            ("DE", "letter-7"),
            ("AVLIPWFM", "ink"),
            ("-", "letter-5"),
        ],
        key: "Colours tell amino acids that are hydrophobic (as the text), polar (green, N and Q violet), \
              basic (blue) and acidic (red).",
    },
];

impl Palette {
    fn of(alphabet: &str) -> Option<&'static Self> {
        PALETTES
            .iter()
            .find(|palette| alphabet.chars().all(|letter| palette.letters.contains(letter)))
    }
}

/// A logo of each hidden unit.
pub fn section(weights: &SiteWeights<'_>, alphabet: &str) -> Markup {
    let palette = Palette::of(alphabet);
    html! {
        section #logos {
            h2 { "Logos of hidden units" }
            p.note {
                "The weights of the " (weights.units.len()) " hidden units with the largest norm, of the first "
                (weights.n_units) ". A letter is as high as its weight less the mean over its site; what the \
                 unit favours is above the line, and what it is against is below. Each logo has its own scale. \
                 " @match palette { Some(palette) => (palette.key), None => "Each letter has its colour." }
            }
            div.weights { @for unit in &weights.units { (figure(weights, unit, palette)) } }
        }
    }
}

fn figure(weights: &SiteWeights<'_>, unit: &UnitWeights<'_>, palette: Option<&Palette>) -> Markup {
    html! {
        figure.logo {
            figcaption {
                "hidden unit " (unit.unit) ": norm " (number(unit.norm)) ", mean activity "
                (format!("{:.1} %", 100.0 * unit.activity))
                @if !unit.are_all_sites { "; the " (unit.sites.len()) " sites with the largest weights" }
            }
            div.scroll { (draw(weights, unit, palette)) }
        }
    }
}

/// The sums of the positive and of the negative weights of a site.
fn extent(site: &Site<'_>) -> [f64; 2] {
    let sum = |sign: f64| site.values.iter().map(|value| (sign * value.weight).max(0.0)).sum();
    [sum(1.0), sum(-1.0)]
}

fn draw(weights: &SiteWeights<'_>, unit: &UnitWeights<'_>, palette: Option<&Palette>) -> Markup {
    let most = unit.sites.iter().map(extent);
    let [up, down] =
        most.fold([0.0_f64; 2], |most, now| std::array::from_fn(|at| most[at].max(now[at])));
    // Pixels for a weight of 1.
    let zoom = HEIGHT / (up + down).max(f64::MIN_POSITIVE);
    let line = FONT + up * zoom;
    let (width, bottom) = (LEFT + unit.sites.len() as f64 * WIDTH, line + down * zoom + BOTTOM);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(bottom + 2.0)
            viewBox={ "0 0 " (width) " " (bottom + 2.0) } role="img"
            aria-label={ "weights of hidden unit " (unit.unit) } {
            text.scale x=(LEFT - 4.0) y=(FONT) { (number(up)) }
            text.scale x=(LEFT - 4.0) y=(line + down * zoom) { (number(-down)) }
            @for (at, site) in unit.sites.iter().enumerate() {
                (stacks(site, LEFT + at as f64 * WIDTH, line, zoom, palette))
                @let name = weights.columns.name(site.column);
                // All numbers are shown where sites are left out.
                @if !unit.are_all_sites || at == 0 || (site.column + 1).is_multiple_of(5) {
                    text.place x=(LEFT + (at as f64 + 0.5) * WIDTH) y=(bottom) { (name) }
                }
            }
            path.axis d={ "M" (LEFT) " " (line) "H" (width) } {}
        }
    }
}

/// The letters of a site: the larger a weight, the farther it is from the line.
fn stacks(site: &Site<'_>, x: f64, line: f64, zoom: f64, palette: Option<&Palette>) -> Markup {
    let mut values: Vec<&Value<'_>> = site.values.iter().collect();
    values.sort_by(|a, b| a.weight.abs().total_cmp(&b.weight.abs()));
    let (mut above, mut below) = (line, line);
    let mut letter = |value: &Value<'_>| {
        let height = value.weight.abs() * zoom;
        let foot = if value.weight > 0.0 {
            above -= height;
            above + height
        } else {
            below += height;
            below
        };
        (height >= LEAST).then(|| {
            let stretch = format!("{:.3}", height / (CAPITAL * FONT));
            html! {
                text transform={ "translate(" (x + 0.5 * WIDTH) " " (format!("{foot:.1}")) ") scale(" (WIDEN) " " (stretch) ")" }
                    fill={ "var(--" (colour(value, palette)) ")" } { (value.name) }
            }
        })
    };
    html! { @for value in values { @if let Some(letter) = letter(value) { (letter) } } }
}

/// The name of the colour of a letter in the style.
fn colour(value: &Value<'_>, palette: Option<&Palette>) -> String {
    let known = palette.and_then(|palette| {
        palette.colours.iter().find(|(letters, _)| letters.contains(value.name))
    });
    known.map_or_else(|| format!("letter-{}", value.state % 10), |(_, colour)| colour.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &'static str, state: usize, weight: f64) -> Value<'static> {
        Value { state, name, weight }
    }

    /// The letters of a drawing, with the y of their feet and their heights in pixels.
    fn letters(svg: &str) -> Vec<(String, f64, f64)> {
        let of = |part: &str| {
            let between = |from: &str, to: &str| {
                let rest = &part[part.find(from).unwrap() + from.len()..];
                rest[..rest.find(to).unwrap()].to_string()
            };
            let foot = between("translate(", ")").split(' ').nth(1).unwrap().parse().unwrap();
            let stretch: f64 = between("scale(1.5 ", ")").parse().unwrap();
            (between(">", "<"), foot, stretch * CAPITAL * FONT)
        };
        svg.split("<text transform=").skip(1).map(of).collect()
    }

    #[test]
    fn letters_stand_on_each_other_and_the_largest_is_farthest_from_the_line() {
        let values =
            [value("A", 0, 1.0), value("C", 1, 3.0), value("G", 2, -4.0), value("T", 3, 0.01)];
        let site = Site { column: 0, values: values.to_vec() };
        let svg = stacks(&site, 0.0, 100.0, 10.0, Palette::of("ACGT")).into_string();
        let found = letters(&svg);
        let expected = [("A", 99.9, 10.0), ("C", 89.9, 30.0), ("G", 140.0, 40.0)];
        assert_eq!(found.len(), expected.len(), "T is too low to be read: {svg}");
        for ((name, foot, height), expected) in found.iter().zip(expected) {
            assert_eq!(name, expected.0);
            assert!(
                (foot - expected.1).abs() < 0.06 && (height - expected.2).abs() < 0.06,
                "{svg}"
            );
        }
    }

    #[test]
    fn letters_of_known_alphabets_have_colours_by_their_meaning() {
        let of = |name, alphabet| colour(&value(name, 12, 1.0), Palette::of(alphabet));
        assert_eq!([of("A", "ACGT"), of("A", "-ACDEFGHIKLMNPQRSTVWY")], ["letter-2", "ink"]);
        assert_eq!(of("B", "ABX"), "letter-2");
        assert!(PALETTES.iter().all(|palette| palette.letters.chars().all(|letter| {
            palette.colours.iter().filter(|(letters, _)| letters.contains(letter)).count() == 1
        })));
    }
}
