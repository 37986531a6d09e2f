//! Curves of a run's records as SVG, for the page and for files.

use super::material::Material;
use crate::monitor::EpochRecord;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::ops::Range;

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

/// A curve.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its points in the order of x.
    pub points: Vec<Point>,
    /// Whether a line joins them.
    pub is_joined: bool,
}

/// Curves over the same axes.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Its name for programs.
    pub id: &'static str,
    /// The quantity and its unit.
    pub title: String,
    /// The quantity on the horizontal axis.
    pub axis: String,
    /// The value of independent units: a horizontal line, drawn if it lies among the curves.
    pub level: Option<f64>,
    /// The curves.
    pub series: Vec<Series>,
}

/// The chart of log-likelihoods.
const LOG_LIKELIHOOD: &str = "log_likelihood";
/// The charts of what is estimated along training.
const LOG_LIKELIHOOD_ONLINE: &str = "log_likelihood_online";
const LOG_Z_ONLINE: &str = "log_z_online";
/// The chart of pseudo-likelihoods.
const PSEUDO_LIKELIHOOD: &str = "pseudo_likelihood";

/// The name of a curve of held-out data, which is dashed.
const HELD_OUT: &str = "held out";

/// The largest number of points of a curve.
const MOST_POINTS: usize = 300;

/// Placeholders for colours that differ between pages and files.
pub(super) const INK: RGBColor = RGBColor(1, 2, 3);
const GRID: RGBColor = RGBColor(4, 5, 6);

/// The colours of curves in files; pages have their own, `--series-0` to `--series-9`.
const SERIES: [&str; 10] = [
    "#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#64748b", "#0891b2", "#b91c1c",
    "#65a30d", "#a16207",
];

/// The size of a chart in pixels.
const SIZE: [u32; 2] = [440, 250];

/// The value of a record that is drawn.
type Value = fn(&EpochRecord) -> Option<f64>;

/// A chart of records: its id, title, and curves by name.
type Shown = (&'static str, &'static str, &'static [(&'static str, Value)]);

/// All charts of records.
const CHARTS: [Shown; 18] = [
    (LOG_LIKELIHOOD, "log-likelihood, nats an example", &[("", |r| r.likelihood.log_likelihood)]),
    (
        LOG_LIKELIHOOD_ONLINE,
        "log-likelihood of held-out data by the online log Z, nats an example",
        &[("", |r| r.log_likelihood_online)],
    ),
    (LOG_Z_ONLINE, "log Z, estimated along training", &[("", |r| r.log_z_online)]),
    (
        "log_z_ess",
        "effective chains of the online log Z",
        &[("all weights", |r| r.log_z_ess), ("least of one step", |r| r.log_z_step_ess)],
    ),
    (
        PSEUDO_LIKELIHOOD,
        "pseudo-likelihood, nats an example",
        &[("training", |r| r.pseudo_likelihood), (HELD_OUT, |r| r.pseudo_likelihood_test)],
    ),
    (
        "free_energy",
        "free energy, nats",
        &[("training", |r| r.free_energy_train), (HELD_OUT, |r| r.free_energy_test)],
    ),
    (
        "free_energy_gap",
        "free-energy gap, held out minus training, nats",
        &[("", |r| r.free_energy_gap)],
    ),
    (
        "error",
        "share of wrong classes",
        &[("training", |r| r.error_train), (HELD_OUT, |r| r.error_test)],
    ),
    (
        "log_loss",
        "log-loss, nats an example",
        &[("training", |r| r.log_loss_train), (HELD_OUT, |r| r.log_loss_test)],
    ),
    (
        "log_loss_values",
        "log-loss of a value given the others of its example, nats",
        &[(HELD_OUT, |r| r.log_loss_values_test)],
    ),
    ("rmse", "root mean squared error of a value given the others", &[(HELD_OUT, |r| r.rmse_test)]),
    (
        "reconstruction_error",
        "reconstruction error per unit",
        &[("training", |r| r.reconstruction_error), (HELD_OUT, |r| r.reconstruction_error_test)],
    ),
    ("hidden_activity", "mean hidden activity", &[("", |r| r.mean_hidden_activity)]),
    (
        "idle_units",
        "share of idle hidden units",
        &[("dead", |r| r.dead_hidden), ("saturated", |r| r.saturated_hidden)],
    ),
    ("flip_rate", "share of visible bits that a sweep changes", &[("", |r| r.flip_rate)]),
    ("weight_norm", "norm of the weights", &[("", |r| r.weight_norm)]),
    ("update_norm", "norm of the last update of the weights", &[("", |r| r.update_norm)]),
    ("samples_per_second", "training examples per second", &[("", |r| Some(r.samples_per_second))]),
];

/// The charts of these runs, without empty ones.
pub fn charts(runs: &[Material]) -> Vec<Chart> {
    let mut charts: Vec<Chart> = CHARTS
        .iter()
        .map(|(id, title, curves)| {
            let series = runs.iter().flat_map(|run| {
                curves
                    .iter()
                    .map(move |(name, value)| series(run, runs.len() > 1, id, name, *value))
            });
            let series = series.filter(|series| !series.points.is_empty()).collect();
            let level = level(id, runs);
            let of_level = level
                .map_or(String::new(), |level| format!("; independent units: {}", number(level)));
            Chart {
                id,
                title: format!("{title}{of_level}"),
                axis: "epoch".to_string(),
                level,
                series,
            }
        })
        .collect();
    charts.push(swap_rates(runs));
    charts.retain(|chart| !chart.series.is_empty());
    charts
}

/// The value of independent units in a chart, if it is the same for all runs.
fn level(id: &str, runs: &[Material]) -> Option<f64> {
    let value: Value = match id {
        LOG_LIKELIHOOD => |record| record.likelihood.log_likelihood_independent,
        PSEUDO_LIKELIHOOD => |record| record.pseudo_likelihood_independent,
        _ => return None,
    };
    let mut levels = runs.iter().map(|run| run.summary.records.iter().rev().find_map(value));
    let first = levels.next()??;
    levels.all(|level| level == Some(first)).then_some(first)
}

/// The curve named `curve` in the chart `id`. With several runs its name includes the run.
fn series(run: &Material, has_others: bool, id: &str, curve: &str, value: Value) -> Series {
    let name = match (has_others, curve) {
        (true, "") => run.name.clone(),
        (true, _) => format!("{}, {curve}", run.name),
        (false, _) => curve.to_string(),
    };
    let point = |record: &EpochRecord| {
        let y = value(record).filter(|y| y.is_finite())?;
        let range = match id {
            LOG_LIKELIHOOD => record.likelihood.interval(),
            LOG_LIKELIHOOD_ONLINE | LOG_Z_ONLINE => {
                record.log_z_error.map(|e| (y - 2.0 * e, y + 2.0 * e))
            }
            _ => None,
        };
        Some(Point { x: record.epoch as f64, y, range })
    };
    let points = thinned(run.summary.records.iter().filter_map(point).collect());
    Series { name, points, is_joined: true }
}

/// At most `MOST_POINTS` points, spread evenly over the curve, including the last.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    let n = points.len();
    if n <= MOST_POINTS {
        return points;
    }
    (1..=MOST_POINTS).map(|at| points[at * n / MOST_POINTS - 1]).collect()
}

/// Rates of swaps between neighbouring temperatures.
fn swap_rates(runs: &[Material]) -> Chart {
    let of_run = |run: &Material| {
        let records = &run.summary.records;
        let n_levels = records.iter().filter_map(|r| Some(r.swap_rates.as_ref()?.len())).max();
        let level = |level: usize| {
            let point = |record: &EpochRecord| {
                let y = *record.swap_rates.as_ref()?.get(level)?;
                Some(Point { x: record.epoch as f64, y: y?, range: None })
            };
            Series {
                name: format!("{} – {}", level + 1, level + 2),
                points: thinned(records.iter().filter_map(point).collect()),
                is_joined: true,
            }
        };
        (0..n_levels.unwrap_or(0)).map(level).collect::<Vec<_>>()
    };
    let series = match runs {
        [run] => of_run(run),
        // The swap rates of several runs would not fit into one chart.
        _ => Vec::new(),
    };
    let title = "swaps between temperatures, rate".to_string();
    Chart { id: "swap_rates", title, axis: "epoch".to_string(), level: None, series }
}

impl Chart {
    /// The SVG for a page: its style sets the colours, and each point is a circle with a text.
    pub fn for_page(&self) -> String {
        in_style(self.draw())
    }

    /// The SVG for a file.
    fn for_file(&self) -> String {
        let mut svg = self.draw();
        for (colour, code_of) in [(INK, "#374151"), (GRID, "#e5e7eb")] {
            svg = svg.replace(&code(colour), code_of);
        }
        for (at, colour) in SERIES.iter().enumerate() {
            svg = svg.replace(&code(series_colour(at)), colour);
        }
        svg
    }

    /// The lowest and highest x and y, with some room around them.
    fn bounds(&self) -> [(f64, f64); 2] {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let range = |values: &mut dyn Iterator<Item = f64>| {
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
                (low.min(x), high.max(x))
            });
            let is_flat = high - low <= 1e-9 * high.abs();
            let room = if is_flat { 0.05 * high.abs().max(1.0) } else { 0.04 * (high - low) };
            (low - room, high + room)
        };
        let ends = |point: &Point| {
            let (low, high) = point.range.unwrap_or((point.y, point.y));
            [low, point.y, high]
        };
        [range(&mut points().map(|point| point.x)), range(&mut points().flat_map(ends))]
    }

    fn draw(&self) -> String {
        let [(left, right), (low, high)] = self.bounds();
        on_axes(SIZE, [left..right, low..high], |chart| {
            let level = self.level.filter(|level| (low..high).contains(level));
            let line = level.map(|level| PathElement::new([(left, level), (right, level)], INK));
            chart.draw_series(line).expect("drawing to a string does not fail");
            let mut circles = String::new();
            for (at, series) in self.series.iter().enumerate() {
                let colour = series_colour(at % SERIES.len());
                let points = || series.points.iter();
                let ranges = points().filter_map(|point| Some((point.x, point.range?)));
                let bars = ranges.map(|(x, (low, high))| {
                    PathElement::new([(x, low), (x, high)], colour.stroke_width(2))
                });
                let joined = points().filter(|_| series.is_joined).map(|p| (p.x, p.y));
                chart.draw_series(bars).expect("drawing to a string does not fail");
                let style = colour.stroke_width(2);
                let drawn = match series.name.ends_with(HELD_OUT) {
                    true => chart.draw_series(DashedLineSeries::new(joined, 6, 4, style)).map(drop),
                    false => chart.draw_series(LineSeries::new(joined, style)).map(drop),
                };
                drawn.expect("drawing to a string does not fail");
                let radius = if series.points.len() > 100 { 1.5 } else { 3.0 };
                for point in points() {
                    let place = chart.backend_coord(&(point.x, point.y));
                    circles +=
                        &circle(place.into(), radius, colour, &label(&self.axis, series, point));
                }
            }
            circles
        })
    }
}

/// A chart while it is drawn.
pub(super) type Axes<'a> =
    ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// An SVG of this size with axes over these ranges of x and y. `draw` draws on them and returns what comes on
/// top, as SVG.
pub(super) fn on_axes(
    size: [u32; 2],
    [x, y]: [Range<f64>; 2],
    draw: impl FnOnce(&mut Axes<'_>) -> String,
) -> String {
    let [width, height] = [&x, &y].map(|range| range.end - range.start);
    let mut svg = String::new();
    let on_top;
    {
        let area = SVGBackend::with_string(&mut svg, size.into()).into_drawing_area();
        let drawn = ChartBuilder::on(&area)
            .margin(8)
            .margin_right(16)
            .x_label_area_size(28)
            .y_label_area_size(64)
            .build_cartesian_2d(x, y);
        let mut chart = drawn.expect("drawing to a string does not fail");
        let text = ("sans-serif", 15).into_font().color(&INK);
        let mesh = chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID)
            .axis_style(GRID)
            .label_style(text)
            .x_labels(5)
            .y_labels(5)
            .x_label_formatter(&|x| tick(*x, width))
            .y_label_formatter(&|y| tick(*y, height))
            .draw();
        mesh.expect("drawing to a string does not fail");
        on_top = draw(&mut chart);
        area.present().expect("drawing to a string does not fail");
    }
    svg.replace("</svg>", &format!("{on_top}</svg>"))
}

/// A point whose text the page shows. The text is escaped for an attribute.
pub(super) fn circle([x, y]: [i32; 2], radius: f64, colour: RGBColor, text: &str) -> String {
    format!(
        "<circle class=\"point\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{}\" \
         data-text=\"{text}\"/>\n",
        code(colour)
    )
}

/// An SVG whose colours are those of the page's style.
pub(super) fn in_style(mut svg: String) -> String {
    for (colour, name) in [(INK, "--ink"), (GRID, "--grid")] {
        svg = svg.replace(&code(colour), &format!("var({name})"));
    }
    for at in 0..SERIES.len() {
        svg = svg.replace(&code(series_colour(at)), &format!("var(--series-{at})"));
    }
    svg
}

/// The text of a point, escaped for an attribute.
fn label(axis: &str, series: &Series, point: &Point) -> String {
    let range = point
        .range
        .map_or(String::new(), |(low, high)| format!(" ({} to {})", number(low), number(high)));
    let name = if series.name.is_empty() { String::new() } else { format!("{}: ", series.name) };
    let text = format!("{name}{}{range} at {axis} {}", number(point.y), number(point.x));
    maud::html! { (text) }.into_string()
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

/// The label of a tick on an axis of this length: neighbours differ, and 0 is 0.
fn tick(x: f64, length: f64) -> String {
    let x = if x.abs() < 1e-9 * length { 0.0 } else { x };
    match length.log10().floor() as i32 {
        power @ -5..=4 => {
            let text = format!("{x:.*}", (1 - power).clamp(0, 6) as usize);
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
                false => text,
            }
        }
        _ => number(x),
    }
}

pub(super) fn series_colour(at: usize) -> RGBColor {
    RGBColor(7, 8, at as u8)
}

fn code(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// All charts in one SVG file, two in a row.
pub fn sheet(runs: &[Material]) -> String {
    let charts = charts(runs);
    let (width, height, title) = (SIZE[0], SIZE[1] + 28, 22);
    let rows = charts.len().div_ceil(2) as u32;
    let mut sheet = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" \
         viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\">\n<rect width=\"100%\" height=\"100%\" \
         fill=\"white\"/>\n",
        2 * width,
        rows * height
    );
    for (at, chart) in charts.iter().enumerate() {
        let (x, y) = (at as u32 % 2 * width, at as u32 / 2 * height);
        let names: Vec<_> = chart.series.iter().map(|series| &series.name[..]).collect();
        let names = names.join(", ");
        let name = if names.is_empty() {
            chart.title.clone()
        } else {
            format!("{} ({names})", chart.title)
        };
        sheet += &format!(
            "<g transform=\"translate({x} {y})\"><text x=\"64\" y=\"{title}\" font-size=\"14\" \
             fill=\"#111827\">{}</text><g transform=\"translate(0 28)\">{}</g></g>\n",
            maud::html! { (name) }.into_string(),
            chart.for_file()
        );
    }
    sheet + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(ys: &[f64]) -> Chart {
        let point =
            |(x, &y): (usize, &f64)| Point { x: x as f64, y, range: Some((y - 1.0, y + 1.0)) };
        let points = ys.iter().enumerate().map(point).collect();
        let series = vec![Series { name: "<a & \"b\">".to_string(), points, is_joined: true }];
        Chart {
            id: "test",
            title: "test".to_string(),
            axis: "epoch".to_string(),
            level: None,
            series,
        }
    }

    #[test]
    fn every_point_is_a_circle_with_its_value() {
        for n in [1, 2, 150] {
            let svg = chart(&vec![2.5; n]).for_page();
            assert_eq!(svg.matches("class=\"point\"").count(), n);
            assert!(svg.contains("2.5 (1.5 to 3.5) at epoch 0"), "{svg}");
            assert!(
                svg.contains("&lt;a &amp; &quot;b&quot;&gt;") && !svg.contains("<a &"),
                "{svg}"
            );
            assert!(svg.contains("var(--ink)") && svg.contains("var(--series-0)"), "{svg}");
            assert!(!svg.contains("#0"), "a colour that no style sets: {svg}");
        }
    }

    #[test]
    fn a_level_is_drawn_if_it_lies_among_the_curves() {
        let lines = |level| {
            let svg = Chart { level, ..chart(&[1.0, 2.0]) }.for_page();
            svg.matches("<polyline").count()
        };
        assert_eq!(lines(Some(1.5)), lines(None) + 1);
        assert_eq!(lines(Some(-50.0)), lines(None));
    }

    #[test]
    fn ticks_differ_from_their_neighbours() {
        assert_eq!(
            [-11.0925, -11.092, -11.0915].map(|x| tick(x, 0.002)),
            ["-11.0925", "-11.092", "-11.0915"]
        );
        assert_eq!([6.9e-18, 0.005, 0.01].map(|x| tick(x, 0.014)), ["0", "0.005", "0.01"]);
        assert_eq!([5.0, 10.0].map(|x| tick(x, 19.0)), ["5", "10"]);
        assert_eq!(tick(120_000.0, 30_000.0), "120000");
    }

    #[test]
    fn numbers_are_short() {
        let numbers = [0.0, 1.0, -92.9312, 0.0123456, 123_456_789.0, 1e-9, 20.0, 1500.0, 100.0];
        let texts = ["0", "1", "-92.93", "0.01235", "1.23e8", "1.00e-9", "20", "1500", "100"];
        assert_eq!(numbers.map(number), texts);
    }
}
