//! Curves of a run's records.

use super::chart::{Chart, EPOCH, Form, Point, Series, number};
use super::material::Material;
use super::ticks::Scale;
use crate::monitor::EpochRecord;
use maud::html;

/// The chart of log-likelihoods.
const LOG_LIKELIHOOD: &str = "log_likelihood";
/// The charts of what is estimated along training.
const LOG_LIKELIHOOD_ONLINE: &str = "log_likelihood_online";
const LOG_Z_ONLINE: &str = "log_z_online";
/// The chart of pseudo-likelihoods.
const PSEUDO_LIKELIHOOD: &str = "pseudo_likelihood";

/// The name of a curve of held-out data.
const HELD_OUT: &str = "held out";

/// The most points of a curve, and of all curves of a chart.
const MOST_POINTS: usize = 300;
const MOST_IN_CHART: usize = 4_000;

/// A unit of SVG, a pixel, in points.
const PIXEL: f64 = 0.75;

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

/// The records of a run, and its name.
#[derive(Clone, Copy, Debug)]
pub struct Records<'a> {
    pub name: &'a str,
    pub records: &'a [EpochRecord],
}

/// The charts of these runs, without empty ones. The number of a run is its place among them.
pub fn charts<'a>(runs: &'a [Material]) -> Vec<Chart> {
    let of_run = |run: &'a Material| Records { name: &run.name, records: &run.summary.records };
    charts_of(&runs.iter().map(of_run).collect::<Vec<_>>())
}

/// As [`charts`], of records alone.
pub fn charts_of(runs: &[Records<'_>]) -> Vec<Chart> {
    let mut charts: Vec<Chart> = CHARTS
        .iter()
        .map(|(id, title, curves)| {
            let series = runs.iter().enumerate().flat_map(|(at, &run)| {
                let of_curve = move |(nth, (name, value)): (usize, &(&str, Value))| Series {
                    name: named(run, runs.len() > 1, name),
                    run: at,
                    points: points(run, id, *value),
                    form: if nth == 0 { Form::Line } else { Form::Dashed },
                };
                curves.iter().enumerate().map(of_curve)
            });
            let series = series.filter(|series| !series.points.is_empty()).collect();
            let level = level(id, runs);
            let of_level = level
                .map_or(String::new(), |level| format!("; independent units: {}", number(level)));
            let of_lines = match curves {
                [(first, _), (second, _)] if runs.len() > 1 => {
                    format!("; {first} solid, {second} dashed")
                }
                _ => String::new(),
            };
            let label = title
                .rsplit_once(", nats")
                .map_or(title.to_string(), |(quantity, unit)| format!("{quantity} (nats{unit})"));
            let title = format!("{title}{of_level}{of_lines}");
            let (axis, scale) = (EPOCH.to_string(), Scale::Linear);
            Chart { id, title, label, axis, scale, level, series }
        })
        .collect();
    charts.push(swap_rates(runs));
    charts.retain(|chart| !chart.series.is_empty());
    for chart in &mut charts {
        let most = MOST_POINTS.min(MOST_IN_CHART / chart.series.len()).max(2);
        for series in &mut chart.series {
            series.points = thinned(std::mem::take(&mut series.points), most);
        }
    }
    charts
}

/// The value of independent units in a chart, if it is the same for all runs.
fn level(id: &str, runs: &[Records<'_>]) -> Option<f64> {
    let value: Value = match id {
        LOG_LIKELIHOOD => |record| record.likelihood.log_likelihood_independent,
        PSEUDO_LIKELIHOOD => |record| record.pseudo_likelihood_independent,
        _ => return None,
    };
    let mut levels = runs.iter().map(|run| run.records.iter().rev().find_map(value));
    let first = levels.next()??;
    levels.all(|level| level == Some(first)).then_some(first)
}

/// The name of a curve. With several runs it includes the run.
fn named(run: Records<'_>, has_others: bool, curve: &str) -> String {
    match (has_others, curve) {
        (true, "") => run.name.to_string(),
        (true, _) => format!("{}, {curve}", run.name),
        (false, _) => curve.to_string(),
    }
}

fn points(run: Records<'_>, id: &str, value: Value) -> Vec<Point> {
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
    run.records.iter().filter_map(point).collect()
}

/// At most `most` points, spread evenly over the curve, including the last.
fn thinned(points: Vec<Point>, most: usize) -> Vec<Point> {
    let n = points.len();
    if n <= most {
        return points;
    }
    (1..=most).map(|at| points[at * n / most - 1]).collect()
}

/// Rates of swaps between neighbouring temperatures. Each pair has the look of a run of its own.
fn swap_rates(runs: &[Records<'_>]) -> Chart {
    let of_run = |run: &Records<'_>| {
        let records = run.records;
        let n_levels = records.iter().filter_map(|r| Some(r.swap_rates.as_ref()?.len())).max();
        let level = |level: usize| {
            let point = |record: &EpochRecord| {
                let y = *record.swap_rates.as_ref()?.get(level)?;
                Some(Point { x: record.epoch as f64, y: y?, range: None })
            };
            Series {
                name: format!("{} – {}", level + 1, level + 2),
                run: level,
                points: records.iter().filter_map(point).collect(),
                form: Form::Line,
            }
        };
        (0..n_levels.unwrap_or(0)).map(level).collect::<Vec<_>>()
    };
    let series = match runs {
        [run] => of_run(run),
        // The swap rates of several runs would not fit into one chart.
        _ => Vec::new(),
    };
    Chart {
        id: "swap_rates",
        title: "swaps between neighbours, rate".to_string(),
        label: "rate of swaps between neighbours".to_string(),
        axis: EPOCH.to_string(),
        scale: Scale::Linear,
        level: None,
        series,
    }
}

/// All charts in one SVG file, two in a row.
pub fn sheet(runs: &[Material]) -> String {
    sheet_of(&charts(runs)).0
}

/// Charts in one SVG file, two in a row, and its width and height in points.
pub fn sheet_of(charts: &[Chart]) -> (String, [f64; 2]) {
    let drawings: Vec<_> = charts.iter().map(|chart| chart.for_file(false)).collect();
    let cell =
        |at: usize| drawings.iter().map(|drawing| drawing.size[at]).fold(0.0, f64::max) + 10.0;
    let [width, height] = [cell(0), cell(1)];
    let size = [2.0 * width, height * drawings.len().div_ceil(2) as f64];
    // Drawings have sizes in points, which are pixels within another SVG.
    let [across, down] = size.map(|side| side / PIXEL);
    let place = |at: usize| [width * (at % 2) as f64, height * (at / 2) as f64].map(|x| x / PIXEL);
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(format!("{}pt", size[0])) height=(format!("{}pt", size[1]))
            viewBox={ "0 0 " (across) " " (down) } {
            rect width="100%" height="100%" fill="#ffffff" {}
            @for (at, drawing) in drawings.iter().enumerate() {
                @let [x, y] = place(at);
                g transform={ "translate(" (x) " " (y) ")" } { (maud::PreEscaped(drawing.svg())) }
            }
        }
    };
    (svg.into_string() + "\n", size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_of_a_sheet_lie_side_by_side() {
        let record = |epoch| EpochRecord {
            epoch,
            pseudo_likelihood: Some(-2.0),
            weight_norm: Some(1.0),
            ..EpochRecord::default()
        };
        let records = [record(1), record(2)];
        let charts = charts_of(&[Records { name: "run", records: &records }]);
        let (sheet, size) = sheet_of(&charts);
        let read = roxmltree::Document::parse(&sheet).unwrap();
        let points = |text: &str| -> f64 { text.trim_end_matches("pt").parse().unwrap() };
        // The unit of the sheet in points, and the places of its charts in it.
        let root = read.root_element();
        let view: Vec<f64> =
            root.attribute("viewBox").unwrap().split(' ').map(|x| x.parse().unwrap()).collect();
        let unit = points(root.attribute("width").unwrap()) / view[2];
        assert_eq!(points(root.attribute("height").unwrap()), size[1]);
        // A unit in which lengths with `pt` are larger by 4/3.
        assert!((unit - 0.75).abs() < 1e-9, "{unit}");
        let places: Vec<f64> = read
            .descendants()
            .filter_map(|node| node.attribute("transform")?.strip_prefix("translate("))
            .map(|text| text.split(' ').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(places.len(), charts.len());
        let widest = charts.iter().map(|chart| chart.for_file(false).size[0]).fold(0.0, f64::max);
        assert!((places[1] - places[0]) * unit >= widest, "{places:?}");
    }
}
