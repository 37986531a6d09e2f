//! Moments of sites over data against those over samples: points that lie on the diagonal if the model is good.

use super::chart::{COLUMN, axes, number};
use super::drawing::{Drawing, Ink, Piece};
use super::material::Snapshot;
use super::palette::Mark;
use super::ticks::Scale;
use crate::dataset::Columns;
use maud::{Markup, PreEscaped, html};

/// The most points of a plot.
const MOST_POINTS: usize = 1_500;

/// The size of a plot in pixels.
const SIZE: [f64; 2] = [440.0, 400.0];

/// A quantity over data (x) and over samples (y).
#[derive(Clone, Debug)]
struct Scatter {
    id: &'static str,
    title: &'static str,
    points: Vec<Point>,
}

/// Pearson's correlation coefficient, and the slope of the line through the points (by least squares).
/// Samples may go along with the data at a slope far below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fit {
    r: f64,
    slope: f64,
}

#[derive(Clone, Debug)]
struct Point {
    name: String,
    data: f64,
    samples: f64,
}

/// The section on the moments of a snapshot; empty if it has none.
pub fn section(snapshot: &Snapshot) -> Markup {
    let Some((plots, [n_examples, n_chains])) = plots(snapshot) else { return html! {} };
    html! {
        section #moments {
            h2 { "Data and samples, after epoch " (snapshot.epoch) }
            p.note {
                "Each point is a mean over " (n_examples) " training examples (horizontal) and over p(v | h) of "
                (n_chains) " chains (vertical). A good model has its points at the diagonal, as far as the \
                 means of so few rows can tell: both the correlation coefficient r and the slope are near 1."
            }
            div.charts { @for plot in &plots { (figure(plot)) } }
        }
    }
}

fn figure(plot: &Scatter) -> Markup {
    let shown = plot.points.len().min(MOST_POINTS);
    let fit = plot.fit().map(|Fit { r, slope }| format!(": r = {r:.3}, slope {slope:.2}"));
    html! {
        figure.chart id={ "chart-" (plot.id) } {
            figcaption {
                (plot.title) (fit.unwrap_or_default())
                @if shown < plot.points.len() { " over " (plot.points.len()) ", of which " (shown) " are shown" }
            }
            (PreEscaped(plot.for_page()))
        }
    }
}

/// The plots of a snapshot, and its numbers of examples and of chains.
fn plots(snapshot: &Snapshot) -> Option<([Scatter; 2], [u64; 2])> {
    let (columns, arrays) = (snapshot.columns.as_ref()?, &snapshot.arrays);
    let (n_units, n_pairs) = (columns.n_units(), arrays.n_rows("pairs").ok()?);
    let frequencies = arrays.get::<f64>("frequencies", &[2, n_units]).ok()?;
    let correlations = arrays.get::<f64>("correlations", &[2, n_pairs]).ok()?;
    let pairs = arrays.get::<u64>("pairs", &[n_pairs, 2]).ok()?.as_chunks::<2>().0;
    let n_rows = arrays.get::<u64>("moment_rows", &[2]).ok()?;
    let names = unit_names(columns);
    let points = |names: &mut dyn Iterator<Item = String>, values: &[f64]| {
        let (data, samples) = values.split_at(values.len() / 2);
        let values = data.iter().zip(samples);
        names.zip(values).map(|(name, (&data, &samples))| Point { name, data, samples }).collect()
    };
    let name_of_pair = |pair: &[u64; 2]| {
        let [first, second] = pair.map(|unit| names.get(unit as usize).map_or("?", |name| name));
        format!("{first} and {second}")
    };
    let of_sites = Scatter {
        id: "frequencies",
        title: "frequencies of values",
        points: points(&mut names.iter().cloned(), frequencies),
    };
    let of_pairs = Scatter {
        id: "correlations",
        title: "connected correlations of pairs of values",
        points: points(&mut pairs.iter().map(name_of_pair), correlations),
    };
    Some(([of_sites, of_pairs], [n_rows[0], n_rows[1]]))
}

/// The value for which each unit stands, such as `colour = red`.
fn unit_names(columns: &Columns) -> Vec<String> {
    let name = |column: usize, state: &str| match columns.alphabet() {
        Some(_) => format!("{state} at {}", columns.name(column)),
        None => format!("{} = {state}", columns.name(column)),
    };
    let of_column = |(column, n_units): (usize, usize)| {
        let states = columns.states(column);
        // The unit of a bit stands for the second state.
        let states = states[states.len() - n_units..].to_vec();
        states.into_iter().map(move |state| name(column, state))
    };
    columns.sites().into_iter().enumerate().flat_map(of_column).collect()
}

impl Scatter {
    /// How the samples follow the data; `None` if one side does not vary.
    fn fit(&self) -> Option<Fit> {
        let n = self.points.len() as f64;
        let mean = |value: fn(&Point) -> f64| self.points.iter().map(value).sum::<f64>() / n;
        let (x, y) = (mean(|point| point.data), mean(|point| point.samples));
        let sum = |term: &dyn Fn(f64, f64) -> f64| {
            self.points.iter().map(|point| term(point.data - x, point.samples - y)).sum::<f64>()
        };
        let [xx, xy, yy] = [sum(&|x, _| x * x), sum(&|x, y| x * y), sum(&|_, y| y * y)];
        let fit = Fit { r: xy / (xx * yy).sqrt(), slope: xy / xx };
        fit.r.is_finite().then_some(fit)
    }

    /// The plot in a page.
    fn for_page(&self) -> String {
        self.draw(SIZE, 14.0, [""; 2]).for_page("linear")
    }

    /// The plot in a file, as wide as a column of a paper.
    fn for_file(&self) -> Drawing {
        let quantity = self.title;
        self.draw(
            [COLUMN, 230.0],
            7.5,
            [&format!("{quantity}, data"), &format!("{quantity}, samples")],
        )
    }

    fn draw(&self, size: [f64; 2], font: f64, names: [&str; 2]) -> Drawing {
        let step = self.points.len().div_ceil(MOST_POINTS).max(1);
        let shown = || self.points.iter().step_by(step);
        let values = shown().flat_map(|point| [point.data, point.samples]);
        let (low, high) =
            values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let room = 0.04 * (high - low).max(1e-3);
        let ends = [low - room, high + room];
        let (mut drawing, [x, y]) = axes(size, font, [(ends, Scale::Linear); 2], names);
        let diagonal = ends.map(|end| [x.place(end), y.place(end)]).to_vec();
        let ink = Ink::Series(0);
        drawing.pieces.push(Piece::Line {
            points: diagonal,
            ink: Ink::Text,
            width: 0.07 * font,
            is_dashed: false,
        });
        for point in shown() {
            let place = [x.place(point.data), y.place(point.samples)];
            let [data, samples] = [point.data, point.samples].map(number);
            let text = format!("{}: {data} in the data, {samples} in samples", point.name);
            // Files have marks, pages points with texts.
            if names == [""; 2] {
                drawing.pieces.push(Piece::Point { place, radius: 2.0, ink, text });
            } else {
                drawing.pieces.push(Piece::Mark {
                    place,
                    size: 0.13 * font,
                    mark: Mark::Circle,
                    ink,
                });
            }
        }
        drawing
    }
}

/// The plots of a snapshot for files, by name.
pub fn drawings(snapshot: &Snapshot) -> Vec<(&'static str, Drawing)> {
    let plots = plots(snapshot).into_iter().flat_map(|(plots, _)| plots);
    plots.map(|plot| (plot.id, plot.for_file())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(pairs: &[[f64; 2]]) -> Scatter {
        let point = |&[data, samples]: &[f64; 2]| Point { name: "<x>".to_string(), data, samples };
        Scatter { id: "test", title: "test", points: pairs.iter().map(point).collect() }
    }

    #[test]
    fn a_line_has_coefficient_one_at_any_slope_and_a_constant_has_none() {
        let is = |pairs: &[[f64; 2]], r: f64, slope: f64| {
            let fit = plot(pairs).fit().unwrap();
            assert!((fit.r - r).abs() < 1e-15 && (fit.slope - slope).abs() < 1e-15, "{fit:?}");
        };
        is(&[[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]], 1.0, 2.0);
        is(&[[0.0, 1.0], [1.0, 0.75], [2.0, 0.5]], -1.0, -0.25);
        // About the means, Σxx = 2, Σxy = 1, Σyy = 2.
        is(&[[-1.0, 0.0], [0.0, -1.0], [1.0, 1.0]], 0.5, 0.5);
        assert_eq!([&[[1.0, 2.0], [1.0, 3.0]][..], &[]].map(|pairs| plot(pairs).fit()), [None; 2]);
    }

    #[test]
    fn every_point_that_is_shown_has_its_text_and_a_colour_of_the_style() {
        for (n, shown) in [(1, 1), (700, 700), (10_000, 1_429)] {
            let svg = plot(&vec![[0.25, 0.5]; n]).for_page();
            assert_eq!(svg.matches("class=\"point\"").count(), shown);
            assert!(svg.contains("&lt;x&gt;: 0.25 in the data, 0.5 in samples"), "{svg:.3000}");
            assert!(!svg.contains('#'), "a colour that no style sets: {svg:.3000}");
        }
    }

    #[test]
    fn units_have_the_names_of_their_values() {
        let table = serde_json::json!({"table": [
            {"name": "c", "category": ["a", "b"]}, {"name": "b", "bit": ["no", "yes"]},
        ]});
        let columns: Columns = serde_json::from_value(table).unwrap();
        assert_eq!(unit_names(&columns), ["c = a", "c = b", "b = yes"]);
    }
}
