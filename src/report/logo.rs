//! Logos of the weights of hidden units on sequences: each letter is as high as its weight.

use super::chart::{COLUMN, number};
use super::drawing::{Anchor, Drawing, Ink, Piece};
use super::palette::LETTERS;
use super::pdf::width;
use super::site_weights::{Site, SiteWeights, UnitWeights, Value};
use maud::{Markup, PreEscaped, html};

/// The sizes of a logo.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// The width of a site.
    site: f64,
    /// The height of a logo without the numbers of its sites.
    height: f64,
    /// The height of letters before they are stretched.
    font: f64,
}

/// In pixels of a page.
const ON_PAGE: Size = Size { site: 16.0, height: 130.0, font: 10.0 };

/// In points of a file.
const IN_FILE: Size = Size { site: 8.0, height: 70.0, font: 7.5 };

/// The narrowest site of a file, in points: up to 36 sites are as wide as a column of a paper.
const NARROWEST: f64 = 6.0;

/// The place on the right, in heights of letters.
const RIGHT: f64 = 0.5;

/// Letters below this share of their height before they are stretched are left out.
const LEAST: f64 = 0.25;

/// The share of the height of letters that a capital fills.
const CAPITAL: f64 = 0.72;

/// The width of a W, as a share of its site.
const WIDEST: f64 = 0.89;
const W: f64 = 0.944;

/// The colours of the letters of some alphabets.
struct Palette {
    letters: &'static str,
    /// Letters and their ink.
    colours: &'static [(&'static str, Ink)],
    key: &'static str,
}

/// Those of WebLogo: bases, and amino acids by their chemistry.
const PALETTES: [Palette; 2] = [
    Palette {
        letters: "-ACGTU",
        colours: &[
            ("A", Ink::Letter(2)),
            ("C", Ink::Letter(0)),
            ("G", Ink::Letter(1)),
            ("TU", Ink::Letter(7)),
            ("-", Ink::Letter(5)),
        ],
        key: "Each base has its colour.",
    },
    Palette {
        letters: "-ACDEFGHIKLMNPQRSTVWY",
        colours: &[
            ("GSTYC", Ink::Letter(2)),
            ("NQ", Ink::Letter(4)),
            ("KRH", Ink::Letter(0)),
            ("DE", Ink::Letter(7)),
            ("AVLIPWFM", Ink::Text),
            ("-", Ink::Letter(5)),
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
                "The weights of the " (weights.units.len()) " hidden units with the largest norm, of "
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
            div.scroll {
                (PreEscaped(draw(weights, unit, palette, ON_PAGE).for_page_as_drawn(&format!("weights of hidden unit {}", unit.unit))))
            }
        }
    }
}

/// A logo of each hidden unit for a file, by the number of the unit.
pub fn drawings(weights: &SiteWeights<'_>, alphabet: &str) -> Vec<(usize, Drawing)> {
    let palette = Palette::of(alphabet);
    let draw = |unit: &UnitWeights<'_>| {
        let beside = (scale(unit).left + RIGHT) * IN_FILE.font;
        let site =
            ((COLUMN - beside) / unit.sites.len() as f64).clamp(NARROWEST, 2.0 * IN_FILE.site);
        (unit.unit, draw(weights, unit, palette, Size { site, ..IN_FILE }))
    };
    weights.units.iter().map(draw).collect()
}

/// The scale of a logo.
struct LogoScale {
    /// The heights of the highest and of the lowest stack, as sums of weights.
    ends: [f64; 2],
    /// Their numbers, and the place for these on the left, in heights of letters.
    numbers: [String; 2],
    left: f64,
}

fn scale(unit: &UnitWeights<'_>) -> LogoScale {
    let most = unit.sites.iter().map(extent);
    let ends = most.fold([0.0_f64; 2], |most, now| std::array::from_fn(|at| most[at].max(now[at])));
    let numbers = [number(ends[0]), number(-ends[1])];
    let widest = numbers.iter().map(|text| width(text)).fold(0.0, f64::max);
    LogoScale { ends, numbers, left: widest + 0.9 }
}

/// The sums of the positive and of the negative weights of a site.
fn extent(site: &Site<'_>) -> [f64; 2] {
    let sum = |sign: f64| site.values.iter().map(|value| (sign * value.weight).max(0.0)).sum();
    [sum(1.0), sum(-1.0)]
}

fn draw(
    weights: &SiteWeights<'_>,
    unit: &UnitWeights<'_>,
    palette: Option<&Palette>,
    size: Size,
) -> Drawing {
    let Size { site: site_width, height, font, .. } = size;
    let LogoScale { ends: [up, down], numbers: [highest, lowest], left } = scale(unit);
    // The height of a weight of 1.
    let zoom = height / (up + down).max(f64::MIN_POSITIVE);
    let (line, left) = (font + up * zoom, left * font);
    let (width, bottom) =
        (left + unit.sites.len() as f64 * site_width, line + down * zoom + 1.6 * font);
    let text = |place, anchor, text: String| Piece::Text { place, anchor, text, is_upright: false };
    let mut pieces = vec![
        text([left - 0.4 * font, font], Anchor::End, highest),
        text([left - 0.4 * font, line + down * zoom], Anchor::End, lowest),
    ];
    for (at, site) in unit.sites.iter().enumerate() {
        let middle = left + (at as f64 + 0.5) * site_width;
        stack(site, middle, line, zoom, palette, size, &mut pieces);
        // All numbers are shown where sites are left out.
        if !unit.are_all_sites || at == 0 || (site.column + 1).is_multiple_of(5) {
            let name = weights.columns.name(site.column).into_owned();
            pieces.push(text([middle, bottom], Anchor::Middle, name));
        }
    }
    pieces.push(Piece::Line {
        points: vec![[left, line], [width, line]],
        ink: Ink::Text,
        width: 0.07 * font,
        is_dashed: false,
    });
    Drawing { size: [width + RIGHT * font, bottom + 0.3 * font], font, pieces }
}

/// The letters of a site: the larger a weight, the farther it is from the line.
fn stack(
    site: &Site<'_>,
    middle: f64,
    line: f64,
    zoom: f64,
    palette: Option<&Palette>,
    Size { site: width, font, .. }: Size,
    pieces: &mut Vec<Piece>,
) {
    let mut values: Vec<&Value<'_>> = site.values.iter().collect();
    values.sort_by(|a, b| a.weight.abs().total_cmp(&b.weight.abs()));
    let (mut above, mut below) = (line, line);
    for value in values {
        let height = value.weight.abs() * zoom;
        let foot = if value.weight > 0.0 {
            above -= height;
            above + height
        } else {
            below += height;
            below
        };
        if height >= LEAST * font {
            pieces.push(Piece::Letter {
                place: [middle, foot],
                stretch: [WIDEST * width / (W * font), height / (CAPITAL * font)],
                text: value.name.to_string(),
                ink: colour(value, palette),
            });
        }
    }
}

/// The ink of a letter.
fn colour(value: &Value<'_>, palette: Option<&Palette>) -> Ink {
    let known = palette.and_then(|palette| {
        palette.colours.iter().find(|(letters, _)| letters.contains(value.name))
    });
    known.map_or(Ink::Letter(value.state % LETTERS.len()), |(_, ink)| *ink)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &'static str, state: usize, weight: f64) -> Value<'static> {
        Value { state, name, weight }
    }

    #[test]
    fn letters_stand_on_each_other_and_the_largest_is_farthest_from_the_line() {
        let values =
            [value("A", 0, 1.0), value("C", 1, 3.0), value("G", 2, -4.0), value("T", 3, 0.01)];
        let site = Site { column: 0, values: values.to_vec() };
        let mut pieces = Vec::new();
        stack(&site, 8.0, 100.0, 10.0, Palette::of("ACGT"), ON_PAGE, &mut pieces);
        let found: Vec<_> = pieces
            .iter()
            .filter_map(|piece| match piece {
                Piece::Letter { place, stretch, text, .. } => {
                    Some((&text[..], place[1], stretch[1] * CAPITAL * ON_PAGE.font))
                }
                _ => None,
            })
            .collect();
        let expected = [("A", 99.9, 10.0), ("C", 89.9, 30.0), ("G", 140.0, 40.0)];
        assert_eq!(found.len(), expected.len(), "T is too low to be read: {found:?}");
        for ((name, foot, height), expected) in found.iter().zip(expected) {
            assert_eq!(*name, expected.0);
            assert!(
                (foot - expected.1).abs() < 1e-9 && (height - expected.2).abs() < 1e-9,
                "{found:?}"
            );
        }
    }

    #[test]
    fn the_numbers_of_the_scale_have_room() {
        for weight in [0.08898, 4.5, 1.3e-7] {
            let values = vec![value("A", 0, weight), value("C", 1, -weight)];
            let sites = vec![Site { column: 0, values }];
            let unit =
                UnitWeights { unit: 0, norm: 1.0, activity: 0.5, sites, are_all_sites: true };
            let LogoScale { numbers, left, .. } = scale(&unit);
            let free = numbers.map(|text| left - 0.4 - width(&text));
            assert!(free.iter().all(|free| *free > 0.3), "{free:?}");
        }
    }

    #[test]
    fn letters_of_known_alphabets_have_colours_by_their_meaning() {
        let of = |name, alphabet| colour(&value(name, 12, 1.0), Palette::of(alphabet));
        assert_eq!(
            [of("A", "ACGT"), of("A", "-ACDEFGHIKLMNPQRSTVWY")],
            [Ink::Letter(2), Ink::Text]
        );
        assert_eq!(of("B", "ABX"), Ink::Letter(2));
        assert!(PALETTES.iter().all(|palette| palette.letters.chars().all(|letter| {
            palette.colours.iter().filter(|(letters, _)| letters.contains(letter)).count() == 1
        })));
    }
}
