//! What charts are made of, before it is SVG or PDF.

use super::palette::{self, COLOURS, LETTERS, Mark};
use maud::{Markup, PreEscaped, html};
use std::fmt::Write as _;

/// A colour by its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Text,
    Grid,
    /// One of [`COLOURS`].
    Series(usize),
    /// One of [`LETTERS`].
    Letter(usize),
}

/// Where a text stands about its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// A piece of a drawing. Places are in units of its size, from the upper left corner.
#[derive(Clone, Debug)]
pub enum Piece {
    Line {
        points: Vec<[f64; 2]>,
        ink: Ink,
        width: f64,
        is_dashed: bool,
    },
    Mark {
        place: [f64; 2],
        size: f64,
        mark: Mark,
        ink: Ink,
    },
    Bar {
        corner: [f64; 2],
        size: [f64; 2],
        ink: Ink,
    },
    Text {
        place: [f64; 2],
        anchor: Anchor,
        text: String,
        is_upright: bool,
    },
    /// A bold letter on the middle of its foot, stretched to the sides and upward.
    Letter {
        place: [f64; 2],
        stretch: [f64; 2],
        text: String,
        ink: Ink,
    },
    /// A cell of a heat map: a share of one of [`COLOURS`]; the page shows its text.
    Cell {
        corner: [f64; 2],
        size: [f64; 2],
        series: usize,
        share: f64,
        text: String,
    },
    /// A grey picture, as a PNG.
    Picture {
        corner: [f64; 2],
        size: [f64; 2],
        png: Vec<u8>,
    },
    /// A point whose text the page shows; nothing in files.
    Point {
        place: [f64; 2],
        radius: f64,
        ink: Ink,
        text: String,
    },
    /// What follows belongs to a run, until the next of these; with a text for the pointer.
    Run(Option<(usize, String)>),
}

/// Pieces, the first below the others.
#[derive(Clone, Debug)]
pub struct Drawing {
    pub size: [f64; 2],
    /// The height of letters.
    pub font: f64,
    pub pieces: Vec<Piece>,
}

/// The inks of files.
pub fn on_paper(ink: Ink) -> &'static str {
    match ink {
        Ink::Text => "#111827",
        Ink::Grid => "#d1d5db",
        Ink::Series(at) => COLOURS[at % COLOURS.len()],
        Ink::Letter(at) => LETTERS[at % LETTERS.len()],
    }
}

fn on_page(ink: Ink) -> String {
    match ink {
        Ink::Text => "var(--ink)".to_string(),
        Ink::Grid => "var(--grid)".to_string(),
        Ink::Series(at) => format!("var(--series-{})", at % COLOURS.len()),
        Ink::Letter(at) => format!("var(--letter-{})", at % LETTERS.len()),
    }
}

/// A coordinate with at most two digits behind the point.
fn short(x: f64) -> String {
    let text = format!("{x:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

fn pairs(points: &[[f64; 2]]) -> String {
    points.iter().map(|[x, y]| format!("{},{}", short(*x), short(*y))).collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    html! { (text) }.into_string()
}

impl Drawing {
    /// The SVG in a page, whose style sets the colours.
    pub fn for_page(&self, class: &str) -> String {
        let [width, height] = self.size;
        let size = self.font;
        let open = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" viewBox=\"0 0 {width} {height}\" \
             font-size=\"{size}\">\n"
        );
        open + &self.body(on_page, true) + "</svg>"
    }

    /// As [`for_page`](Self::for_page), but as large as it is drawn, in pixels, and with a name for readers who cannot
    /// see it.
    pub fn for_page_as_drawn(&self, name: &str) -> String {
        let [width, height] = self.size.map(short);
        let size = self.font;
        let open = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-size=\"{size}\" role=\"img\" aria-label=\"{}\">\n",
            escaped(name)
        );
        open + &self.body(on_page, true) + "</svg>"
    }

    /// An SVG that stands alone on white paper, in points of 1/72 inch.
    pub fn svg(&self) -> String {
        let [width, height] = self.size.map(short);
        let size = self.font;
        let open = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}pt\" height=\"{height}pt\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, 'Liberation Sans', \
             sans-serif\" font-size=\"{size}\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n"
        );
        open + &self.body(|ink| on_paper(ink).to_string(), false) + "</svg>\n"
    }

    fn body(&self, colour: impl Fn(Ink) -> String, is_page: bool) -> String {
        let mut svg = String::new();
        let mut is_open = false;
        for piece in &self.pieces {
            let line = match piece {
                Piece::Line { points, ink, width, is_dashed } => format!(
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\"{}/>",
                    pairs(points),
                    colour(*ink),
                    if *is_dashed {
                        format!(" stroke-dasharray=\"{} {}\"", 4.0 * width, 2.0 * width)
                    } else {
                        String::new()
                    }
                ),
                Piece::Mark { place: [x, y], size, mark: Mark::Circle, ink } => format!(
                    "<circle cx=\"{}\" cy=\"{}\" r=\"{size}\" fill=\"{}\"/>",
                    short(*x),
                    short(*y),
                    colour(*ink)
                ),
                Piece::Mark { place: [x, y], size, mark, ink } => {
                    let corners: Vec<_> = mark
                        .corners()
                        .iter()
                        .map(|[dx, dy]| [x + size * dx, y + size * dy])
                        .collect();
                    format!("<polygon points=\"{}\" fill=\"{}\"/>", pairs(&corners), colour(*ink))
                }
                Piece::Bar { corner: [x, y], size: [width, height], ink } => format!(
                    "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>",
                    short(*x),
                    short(*y),
                    short(*width),
                    short(*height),
                    colour(*ink)
                ),
                Piece::Text { place: [x, y], anchor, text, is_upright } => {
                    let anchor = match anchor {
                        Anchor::Start => "start",
                        Anchor::Middle => "middle",
                        Anchor::End => "end",
                    };
                    let [x, y] = [short(*x), short(*y)];
                    let turn = if *is_upright {
                        format!(" transform=\"rotate(-90 {x} {y})\"")
                    } else {
                        String::new()
                    };
                    format!(
                        "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"{}\"{turn}>{}</text>",
                        colour(Ink::Text),
                        escaped(text)
                    )
                }
                Piece::Letter { place: [x, y], stretch: [across, up], text, ink } => format!(
                    "<text transform=\"translate({} {}) scale({across:.3} {up:.3})\" text-anchor=\"middle\" \
                     font-weight=\"bold\" fill=\"{}\">{}</text>",
                    short(*x),
                    short(*y),
                    colour(*ink),
                    escaped(text)
                ),
                Piece::Cell { corner: [x, y], size: [width, height], series, share, text } => {
                    let title = match is_page {
                        true => format!("<title>{}</title>", escaped(text)),
                        false => String::new(),
                    };
                    format!(
                        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" \
                         fill-opacity=\"{share:.2}\">{title}</rect>",
                        short(*x),
                        short(*y),
                        short(*width),
                        short(*height),
                        colour(Ink::Series(*series))
                    )
                }
                Piece::Picture { corner: [x, y], size: [width, height], png } => format!(
                    "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" image-rendering=\"pixelated\" \
                     href=\"{}\"/>",
                    short(*x),
                    short(*y),
                    short(*width),
                    short(*height),
                    super::images::address(png)
                ),
                Piece::Point { place: [x, y], radius, ink, text } if is_page => format!(
                    "<circle class=\"point\" cx=\"{}\" cy=\"{}\" r=\"{radius}\" fill=\"{}\" data-text=\"{}\"/>",
                    short(*x),
                    short(*y),
                    colour(*ink),
                    escaped(text)
                ),
                Piece::Run(run) if is_page => {
                    let mut line = if is_open { "</g>" } else { "" }.to_string();
                    is_open = run.is_some();
                    if let Some((run, text)) = run {
                        write!(
                            line,
                            "<g class=\"series\" data-run=\"{run}\"><title>{}</title>",
                            escaped(text)
                        )
                        .expect("memory");
                    }
                    line
                }
                Piece::Point { .. } | Piece::Run(_) => continue,
            };
            svg.push_str(&line);
            svg.push('\n');
        }
        if is_open { svg + "</g>" } else { svg }
    }
}

/// The look of a run, beside its name.
pub fn look(run: usize) -> Markup {
    line(run, false)
}

/// The line of a curve, beside its name.
pub fn line(run: usize, is_dashed: bool) -> Markup {
    let ink = Ink::Series(palette::colour(run));
    let line = Piece::Line { points: vec![[1.0, 6.0], [25.0, 6.0]], ink, width: 2.0, is_dashed };
    let mark = Piece::Mark { place: [13.0, 6.0], size: 4.0, mark: palette::mark(run), ink };
    PreEscaped(
        Drawing { size: [26.0, 12.0], font: 12.0, pieces: vec![line, mark] }.for_page("look"),
    )
}
