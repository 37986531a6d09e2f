//! Histograms of a snapshot's parameters and activities.

use super::chart::{Chart, Form, Point, Series};
use super::material::Snapshot;
use super::ticks::Scale;

/// Histograms of parameters and of mean activities.
pub fn histograms(snapshot: &Snapshot) -> Vec<Chart> {
    let chart = |id, title: &str, axis: &str, points: Vec<Point>| Chart {
        id,
        title: title.to_string(),
        label: title.to_string(),
        axis: axis.to_string(),
        scale: Scale::Linear,
        level: None,
        series: vec![Series { name: String::new(), run: 0, points, form: Form::Bars }],
    };
    let mut charts = Vec::new();
    for (name, title, axis) in [
        ("weights", "number of weights", "weight"),
        ("visible_bias", "number of visible biases", "bias"),
        ("hidden_bias", "number of hidden biases", "bias"),
    ] {
        let n_bins = snapshot.arrays.n_rows(&format!("{name}.counts")).unwrap_or(0);
        let counts = snapshot.arrays.get::<u64>(&format!("{name}.counts"), &[n_bins]);
        let range = snapshot.arrays.get::<f64>(&format!("{name}.range"), &[2]);
        if let (Ok(counts), Ok(&[low, high])) = (counts, range) {
            charts.push(chart(name, title, axis, bins(counts, low, high)));
        }
    }
    let n_hidden = snapshot.arrays.n_rows("hidden_activity").unwrap_or(0);
    if let Ok(activity) = snapshot.arrays.get::<f64>("hidden_activity", &[n_hidden]) {
        let mut counts = [0; 20];
        activity.iter().for_each(|mean| counts[((mean * 20.0) as usize).min(19)] += 1);
        let title = "number of hidden units by mean activity";
        charts.push(chart("activities", title, "mean activity", bins(&counts, 0.0, 1.0)));
    }
    charts
}

/// Points of a histogram, at the middle of the bins.
fn bins(counts: &[u64], low: f64, high: f64) -> Vec<Point> {
    let width = (high - low) / counts.len() as f64;
    let point = |(at, &count): (usize, &u64)| Point {
        x: low + (at as f64 + 0.5) * width,
        y: count as f64,
        range: None,
    };
    counts.iter().enumerate().map(point).collect()
}
