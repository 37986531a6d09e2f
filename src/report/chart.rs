//! A chart: curves, points or bars over two axes, for a page and for files.

use super::drawing::{Anchor, Drawing, Ink, Piece};
use super::palette;
use super::pdf::width;
use super::ticks::{Scale, ticks};

/// A point of a curve and its interval, if it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The epoch, or another quantity on the horizontal axis.
    pub x: f64,
    /// The value.
    pub y: f64,
    /// The ends of the interval.
    pub range: Option<(f64, f64)>,
}

/// How the points of a series are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line joins them.
    Line,
    /// A dashed line joins them: held-out data, or the second of two quantities of a run.
    Dashed,
    Points,
    /// A bar from 0 for each, as wide as their distance.
    Bars,
}

/// A curve.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// The number of its run on the page, which sets its colour and its mark.
    pub run: usize,
    /// Its points in the order of x.
    pub points: Vec<Point>,
    pub form: Form,
}

/// Curves over the same axes.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Its name for programs.
    pub id: &'static str,
    /// The quantity and its unit.
    pub title: String,
    /// The vertical axis: the quantity, and its unit in brackets.
    pub label: String,
    /// The quantity on the horizontal axis.
    pub axis: String,
    pub scale: Scale,
    /// The value of independent units: a horizontal line, drawn if it lies among the curves.
    pub level: Option<f64>,
    /// The curves.
    pub series: Vec<Series>,
}

/// The horizontal axis of curves of training, which pages can show in its logarithm.
pub const EPOCH: &str = "epoch";

/// The most points of a chart, and its most curves, that have texts of their own on a page. More would make a page of
/// many runs too large; each curve then tells its last value.
const MOST_TOLD: usize = 1_200;
const MOST_TOLD_CURVES: usize = 16;

/// The most marks of a curve that has many points.
const MOST_MARKS: usize = 6;

/// The width of a figure in points: a column of a paper, 3.4 inch.
pub const COLUMN: f64 = 244.8;

/// The height of a line of the legend below a figure, in heights of letters.
const LINE: f64 = 1.45;

/// A range of values in the window from `from` to `to`.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    pub scale: Scale,
    pub ends: [f64; 2],
    pub window: [f64; 2],
}

impl Axis {
    pub fn place(&self, x: f64) -> f64 {
        let warp = |x: f64| if self.scale == Scale::Log { libm::log10(x) } else { x };
        let [low, high] = self.ends.map(warp);
        self.window[0] + (warp(x) - low) / (high - low) * (self.window[1] - self.window[0])
    }
}

/// The least range around these values, with some room.
fn range(values: impl Iterator<Item = f64>, scale: Scale) -> [f64; 2] {
    let warp = |x: f64| if scale == Scale::Log { libm::log10(x) } else { x };
    let (low, high) = values
        .map(warp)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let is_flat = high - low <= 1e-9 * high.abs();
    let room = if is_flat { 0.05 * high.abs().max(1.0) } else { 0.04 * (high - low) };
    let ends = [low - room, high + room];
    if scale == Scale::Log { ends.map(|x| 10_f64.powf(x)) } else { ends }
}

/// The axes of a drawing, with ticks and labels, and the drawing so far.
pub fn axes(
    size: [f64; 2],
    font: f64,
    ends: [([f64; 2], Scale); 2],
    names: [&str; 2],
) -> (Drawing, [Axis; 2]) {
    let [x_name, y_name] = names;
    let [width_of, height] = size;
    let is_whole = x_name == EPOCH;
    let y_ticks = ticks(ends[1].1, ends[1].0, 5, false);
    let widest = y_ticks.iter().map(|(_, text)| width(text)).fold(0.0, f64::max);
    let is_upright = width(y_name) * font < height - 3.5 * font;
    let has_name = !y_name.is_empty();
    let left = font * (widest + 0.9 + if has_name && is_upright { 1.3 } else { 0.0 });
    let top = font * if has_name && !is_upright { 1.8 } else { 0.7 };
    let bottom = height - font * if x_name.is_empty() { 1.8 } else { 3.0 };
    let right = width_of - 0.9 * font;
    let axis = |at: usize, window| Axis { scale: ends[at].1, ends: ends[at].0, window };
    let [x, y] = [axis(0, [left, right]), axis(1, [bottom, top])];
    let mut pieces = Vec::new();
    let line = |from, to| Piece::Line {
        points: vec![from, to],
        ink: Ink::Grid,
        width: 0.07 * font,
        is_dashed: false,
    };
    let text = |place, anchor, text: &str, is_upright| Piece::Text {
        place,
        anchor,
        text: text.to_string(),
        is_upright,
    };
    for (value, name) in &y_ticks {
        let at = y.place(*value);
        pieces.push(line([left, at], [right, at]));
        pieces.push(text([left - 0.4 * font, at + 0.35 * font], Anchor::End, name, false));
    }
    pieces.push(line([left, bottom], [right, bottom]));
    pieces.push(line([left, bottom], [left, top]));
    for (value, name) in ticks(ends[0].1, ends[0].0, 6, is_whole) {
        let at = x.place(value);
        pieces.push(line([at, bottom], [at, bottom + 0.3 * font]));
        pieces.push(text([at, bottom + 1.35 * font], Anchor::Middle, &name, false));
    }
    pieces.push(text([0.5 * (left + right), bottom + 2.7 * font], Anchor::Middle, x_name, false));
    if has_name && is_upright {
        pieces.push(text([font, 0.5 * (top + bottom)], Anchor::Middle, y_name, true));
    } else if has_name {
        pieces.push(text([0.2 * font, font], Anchor::Start, y_name, false));
    }
    (Drawing { size, font, pieces }, [x, y])
}

impl Chart {
    /// The SVG for a page, and for curves of training a second one with a log axis, of which the page shows one.
    pub fn for_page(&self) -> String {
        let size = [440.0, 250.0];
        let linear = self.draw(size, 14.0, self.scale, "", true).for_page("linear");
        if self.axis != EPOCH {
            return linear;
        }
        linear + "\n" + &self.draw(size, 14.0, Scale::Log, "", true).for_page("log")
    }

    /// The drawing for a file: as wide as a column of a paper, with the names of its axes and a legend.
    pub fn for_file(&self, is_log: bool) -> Drawing {
        let is_log = is_log && self.axis == EPOCH;
        let scale = if is_log { Scale::Log } else { self.scale };
        let mut drawing = self.draw([COLUMN, 160.0], 7.5, scale, &self.label, false);
        self.add_legend(&mut drawing);
        drawing
    }

    fn add_legend(&self, drawing: &mut Drawing) {
        let named: Vec<_> = self.series.iter().filter(|series| !series.name.is_empty()).collect();
        if named.len() < 2 {
            return;
        }
        let font = drawing.font;
        let widest = named.iter().map(|series| width(&series.name)).fold(0.0, f64::max) + 3.5;
        let across = ((COLUMN / font / widest) as usize).clamp(1, named.len());
        let [top, column] = [drawing.size[1] + 0.8 * font, COLUMN / across as f64];
        for (at, series) in named.iter().enumerate() {
            let (x, y) = (
                column * (at % across) as f64 + 0.5 * font,
                top + LINE * font * (at / across) as f64,
            );
            let text = Piece::Text {
                place: [x + 2.5 * font, y + 0.35 * font],
                anchor: Anchor::Start,
                text: series.name.clone(),
                is_upright: false,
            };
            let ink = Ink::Series(palette::colour(series.run));
            let middle = [x + font, y];
            match series.form {
                Form::Line | Form::Dashed => drawing.pieces.push(Piece::Line {
                    points: vec![[x, y], [x + 2.0 * font, y]],
                    ink,
                    width: 0.13 * font,
                    is_dashed: series.form == Form::Dashed,
                }),
                Form::Points | Form::Bars => {}
            }
            drawing.pieces.push(Piece::Mark {
                place: middle,
                size: 0.3 * font,
                mark: palette::mark(series.run),
                ink,
            });
            drawing.pieces.push(text);
        }
        drawing.size[1] = top + LINE * font * (named.len().div_ceil(across) as f64 - 0.3);
    }

    fn draw(&self, size: [f64; 2], font: f64, scale: Scale, label: &str, is_page: bool) -> Drawing {
        let is_shown = |point: &&Point| scale == Scale::Linear || point.x > 0.0;
        let points = || self.series.iter().flat_map(|series| &series.points).filter(is_shown);
        let is_bars = self.series.iter().any(|series| series.form == Form::Bars);
        let half = if is_bars { 0.5 * self.bar_width() } else { 0.0 };
        let xs = range(points().flat_map(|point| [point.x - half, point.x + half]), scale);
        let ys = points().flat_map(|point| {
            let (low, high) = point.range.unwrap_or((point.y, point.y));
            [low, point.y, high]
        });
        let mut ys = range(ys.chain(is_bars.then_some(0.0)), Scale::Linear);
        if is_bars {
            ys[0] = ys[0].max(0.0);
        }
        if !xs.iter().chain(&ys).all(|x| x.is_finite()) {
            return Drawing { size, font, pieces: Vec::new() };
        }
        let (mut drawing, [x, y]) = axes(
            size,
            font,
            [(xs, scale), (ys, Scale::Linear)],
            [if is_page { "" } else { &self.axis }, label],
        );
        let out = &mut drawing.pieces;
        if let Some(level) = self.level.filter(|level| (ys[0]..ys[1]).contains(level)) {
            let ends = xs.map(|end| [x.place(end), y.place(level)]);
            out.push(Piece::Line {
                points: ends.to_vec(),
                ink: Ink::Text,
                width: 0.07 * font,
                is_dashed: false,
            });
            if !is_page {
                let place = [ends[1][0], ends[1][1] - 0.3 * font];
                let text = "independent units".to_string();
                out.push(Piece::Text { place, anchor: Anchor::End, text, is_upright: false });
            }
        }
        let is_told = points().count() <= MOST_TOLD && self.series.len() <= MOST_TOLD_CURVES;
        for series in &self.series {
            let ink = Ink::Series(palette::colour(series.run));
            let mark = palette::mark(series.run);
            let last = series.points.last().map_or(String::new(), |point| self.text(series, point));
            out.push(Piece::Run(Some((series.run, last))));
            let shown: Vec<&Point> = series.points.iter().filter(is_shown).collect();
            let place = |point: &Point| [x.place(point.x), y.place(point.y)];
            for (point, (low, high)) in shown.iter().filter_map(|point| Some((point, point.range?)))
            {
                let points = [low, high].map(|end| [x.place(point.x), y.place(end)]).to_vec();
                out.push(Piece::Line { points, ink, width: 0.13 * font, is_dashed: false });
            }
            match series.form {
                Form::Bars => {
                    for point in &shown {
                        let [left, right] = [point.x - half, point.x + half].map(|at| x.place(at));
                        let [top, foot] = [point.y, ys[0]].map(|at| y.place(at));
                        let width = 0.92 * (right - left);
                        out.push(Piece::Bar {
                            corner: [left, top],
                            size: [width, foot - top],
                            ink,
                        });
                    }
                }
                Form::Line | Form::Dashed if shown.len() > 1 => out.push(Piece::Line {
                    points: shown.iter().map(|point| place(point)).collect(),
                    ink,
                    width: 0.13 * font,
                    is_dashed: series.form == Form::Dashed,
                }),
                _ => {}
            }
            let every = match series.form {
                Form::Bars => usize::MAX,
                Form::Points => 1,
                Form::Line | Form::Dashed => shown.len().div_ceil(MOST_MARKS).max(1),
            };
            // Marks of other runs stand elsewhere on their curves.
            let first = if every == usize::MAX { every } else { (series.run * 3) % every };
            for point in shown.iter().skip(first).step_by(every) {
                out.push(Piece::Mark { place: place(point), size: 0.26 * font, mark, ink });
            }
            let radius = if shown.len() > 100 { 1.5 } else { 3.0 };
            for point in shown.iter().filter(|_| is_told) {
                let text = self.text(series, point);
                out.push(Piece::Point { place: place(point), radius, ink, text });
            }
        }
        out.push(Piece::Run(None));
        drawing
    }

    fn bar_width(&self) -> f64 {
        let points = self.series.first().map_or(&[][..], |series| &series.points);
        points.windows(2).map(|pair| pair[1].x - pair[0].x).next().unwrap_or(1.0)
    }

    fn text(&self, series: &Series, point: &Point) -> String {
        let range = point
            .range
            .map_or(String::new(), |(low, high)| format!(" ({} to {})", number(low), number(high)));
        let name =
            if series.name.is_empty() { String::new() } else { format!("{}: ", series.name) };
        format!("{name}{}{range} at {} {}", number(point.y), self.axis, number(point.x))
    }
}

/// A number with few digits.
pub fn number(x: f64) -> String {
    match x.abs() {
        0.0 => "0".to_string(),
        size if !(1e-3..1e7).contains(&size) => format!("{x:.2e}"),
        size => {
            let digits = (3 - size.log10().floor() as i32).clamp(0, 5) as usize;
            let text = format!("{x:.digits$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
                false => text,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(ys: &[f64]) -> Chart {
        let point =
            |(x, &y): (usize, &f64)| Point { x: x as f64, y, range: Some((y - 1.0, y + 1.0)) };
        let points = ys.iter().enumerate().map(point).collect();
        let series =
            vec![Series { name: "<a & \"b\">".to_string(), run: 9, points, form: Form::Line }];
        Chart {
            id: "test",
            title: "test, nats".to_string(),
            label: "test (nats)".to_string(),
            axis: EPOCH.to_string(),
            scale: Scale::Linear,
            level: None,
            series,
        }
    }

    #[test]
    fn every_point_is_a_circle_with_its_value_on_either_axis() {
        for n in [2, 5, 150] {
            let svg = chart(&vec![2.5; n]).for_page();
            // Epoch 0 has no place on a log axis.
            assert_eq!(svg.matches("class=\"point\"").count(), 2 * n - 1);
            assert!(svg.contains("2.5 (1.5 to 3.5) at epoch 0"), "{svg}");
            assert!(
                svg.contains("&lt;a &amp; &quot;b&quot;&gt;") && !svg.contains("<a &"),
                "{svg}"
            );
            assert!(svg.contains("var(--series-1)") && !svg.contains('#'), "{svg}");
        }
    }

    #[test]
    fn a_level_is_drawn_if_it_lies_among_the_curves() {
        let lines = |level| {
            let svg = Chart { level, ..chart(&[1.0, 2.0]) }.for_file(false).svg();
            svg.matches("<polyline").count()
        };
        assert_eq!(lines(Some(1.5)), lines(None) + 1);
        assert_eq!(lines(Some(-50.0)), lines(None));
    }

    #[test]
    fn a_log_axis_spaces_equal_factors_equally() {
        let axis = Axis { scale: Scale::Log, ends: [1.0, 100.0], window: [0.0, 200.0] };
        assert_eq!([1.0, 10.0, 100.0].map(|x| axis.place(x)), [0.0, 100.0, 200.0]);
        let linear = Axis { scale: Scale::Linear, ..axis };
        assert!((linear.place(50.5) - 100.0).abs() < 1e-12);
    }

    /// A file is read by a parser of its own, has no colour or class of the page, and is the same when made again.
    #[test]
    fn a_figure_stands_alone_as_svg_and_as_pdf() {
        let mut two = chart(&[1.0, 3.0, 2.0]);
        two.series.push(Series { form: Form::Dashed, ..two.series[0].clone() });
        let drawing = two.for_file(true);
        let svg = drawing.svg();
        let read = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<_> = read
            .descendants()
            .filter(|node| node.has_tag_name("text"))
            .filter_map(|node| node.text())
            .collect();
        assert!(texts.contains(&"test (nats)") && texts.contains(&"epoch"), "{texts:?}");
        // The legend has both curves.
        assert_eq!(texts.iter().filter(|text| **text == "<a & \"b\">").count(), 2);
        assert!(
            !svg.contains("var(") && !svg.contains("class=") && svg.contains("font-family"),
            "{svg}"
        );
        assert!(svg.contains("width=\"244.8pt\"") && svg.contains("#ff5e02"), "{svg}");
        let pdf = super::super::pdf::pdf(&drawing);
        assert_eq!(pdf, super::super::pdf::pdf(&drawing));
        assert!(pdf.starts_with(b"%PDF-") && pdf.ends_with(b"%%EOF"));
        let has = |text: &[u8]| pdf.windows(text.len()).any(|part| part == text);
        assert!(has(b"epoch") && has(b"/Helvetica") && !has(b"Date"));
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 1.0, -92.9312, 0.0123456, 123_456_789.0, 1e-9, 20.0, 1500.0, 100.0];
        let texts = ["0", "1", "-92.93", "0.01235", "1.23e8", "1.00e-9", "20", "1500", "100"];
        assert_eq!(numbers.map(number), texts);
    }
}
