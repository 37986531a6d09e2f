//! The leading singular values of W over the epochs: what the model learns stands out of them, one after the other.

use super::chart::{Chart, EPOCH, Form, Point, Series};
use super::material::Material;
use super::ticks::Scale;

/// The singular values of the snapshots of a run; `None` if they have none.
pub fn chart(run: &Material) -> Option<Chart> {
    let of_epoch = run.snapshots.iter().map(|snapshot| {
        let arrays = &snapshot.arrays;
        let n = arrays.n_rows("singular_values").unwrap_or(0);
        (snapshot.epoch, arrays.get::<f64>("singular_values", &[n]).unwrap_or_default())
    });
    let of_epoch: Vec<_> = of_epoch.collect();
    let most = of_epoch.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let series = |place: usize| {
        let point = |(epoch, values): &(u64, &[f64])| {
            Some(Point { x: *epoch as f64, y: *values.get(place)?, range: None })
        };
        Series {
            name: (place + 1).to_string(),
            run: place,
            points: of_epoch.iter().filter_map(point).collect(),
            form: Form::Line,
        }
    };
    (most > 0).then(|| Chart {
        id: "singular_values",
        title: "largest singular values of W".to_string(),
        label: "singular values of W".to_string(),
        axis: EPOCH.to_string(),
        scale: Scale::Linear,
        level: None,
        series: (0..most).map(series).collect(),
    })
}
