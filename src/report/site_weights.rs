//! The weights of hidden units by sites and their values, for logos and heat maps.
//!
//! A number that is added to all weights between a hidden unit and a site leaves the model unchanged but for
//! the biases. Weights are shown less their mean over the site (the *zero-sum gauge*). The weight of a bit is
//! shown as it is.

use super::material::Snapshot;
use crate::dataset::Columns;
use ndarray::ArrayView2;

/// The most hidden units that are shown.
const MOST_UNITS: usize = 12;

/// The most sites of a hidden unit that are shown.
const MOST_SITES: usize = 60;

/// The most values of a site that are shown.
const MOST_VALUES: usize = 20;

/// The hidden units with the largest weights.
pub struct SiteWeights<'a> {
    pub columns: &'a Columns,
    /// The largest norm comes first.
    pub units: Vec<UnitWeights<'a>>,
    /// H.
    pub n_units: usize,
}

/// The weights of one hidden unit.
pub struct UnitWeights<'a> {
    /// Its number, from 0.
    pub unit: usize,
    /// Its mean p(h | v) over the data.
    pub activity: f64,
    /// The root of the sum of the squares of all its weights.
    pub norm: f64,
    /// Its sites with the largest weights, in order.
    pub sites: Vec<Site<'a>>,
    /// Whether they are all sites.
    pub are_all_sites: bool,
}

/// The weights between a hidden unit and a site.
pub struct Site<'a> {
    /// The column of the data, from 0.
    pub column: usize,
    /// The values with the largest weights, in order.
    pub values: Vec<Value<'a>>,
}

/// A value of a site.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    /// Its place among the values of the site.
    pub state: usize,
    pub name: &'a str,
    pub weight: f64,
}

impl Site<'_> {
    fn square(&self) -> f64 {
        self.values.iter().map(|value| value.weight.powi(2)).sum()
    }
}

impl<'a> SiteWeights<'a> {
    /// The weights of a snapshot; `None` if its data have no categories.
    pub fn of(snapshot: &'a Snapshot) -> Option<Self> {
        let columns = snapshot.columns.as_ref().filter(|columns| columns.has_categories())?;
        let arrays = &snapshot.arrays;
        let shape = [arrays.n_rows("filters").ok()?, columns.n_units()];
        let weights = arrays.get::<f32>("filters", &shape).ok()?;
        let weights = ArrayView2::from_shape(shape, weights).ok()?;
        let n_units = arrays.n_rows("hidden_activity").ok()?;
        let activity = arrays.get::<f64>("hidden_activity", &[n_units]).ok()?;
        let of_unit = |(row, unit): (usize, usize)| {
            let sites = sites(columns, weights.row(row).to_slice().expect("standard layout"));
            let norm = sites.iter().map(Site::square).sum::<f64>().sqrt();
            UnitWeights { unit, activity: activity[unit], norm, sites, are_all_sites: true }
        };
        let units = snapshot.filter_units().into_iter().enumerate();
        let all = units.filter(|(_, unit)| *unit < n_units).map(of_unit).collect();
        let mut units = most(all, MOST_UNITS, |unit: &UnitWeights<'_>| unit.norm);
        units.sort_by(|a, b| b.norm.total_cmp(&a.norm));
        for unit in &mut units {
            unit.are_all_sites = unit.sites.len() <= MOST_SITES;
            unit.sites = most(std::mem::take(&mut unit.sites), MOST_SITES, Site::square);
            for site in &mut unit.sites {
                site.values =
                    most(std::mem::take(&mut site.values), MOST_VALUES, |value| value.weight.abs());
            }
        }
        Some(Self { columns, units, n_units: snapshot.n_candidates() })
    }
}

/// The weights of a hidden unit (V) by sites, in the zero-sum gauge.
fn sites<'a>(columns: &'a Columns, weights: &[f32]) -> Vec<Site<'a>> {
    let mut rest = weights;
    let of_column = |(column, n_units): (usize, usize)| {
        let (weights, after) = rest.split_at(n_units);
        rest = after;
        let states = columns.states(column);
        // The unit of a bit stands for the second state.
        let first = states.len() - n_units;
        let sum: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        let mean = if n_units == 1 { 0.0 } else { sum / n_units as f64 };
        let values = weights.iter().zip(states.into_iter().enumerate().skip(first));
        let value = |(&w, (state, name))| Value { state, name, weight: f64::from(w) - mean };
        Site { column, values: values.map(value).collect() }
    };
    columns.sites().into_iter().enumerate().map(of_column).collect()
}

/// The `n` items of the largest size, in the order of `items`.
fn most<T>(items: Vec<T>, n: usize, size: impl Fn(&T) -> f64) -> Vec<T> {
    let mut ranks: Vec<usize> = (0..items.len()).collect();
    ranks.sort_by(|&a, &b| size(&items[b]).total_cmp(&size(&items[a])));
    let mut is_kept = vec![false; items.len()];
    ranks.into_iter().take(n).for_each(|at| is_kept[at] = true);
    items.into_iter().zip(is_kept).filter_map(|(item, is_kept)| is_kept.then_some(item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_a_category_add_up_to_nothing_and_a_bit_keeps_its_own() {
        let table = serde_json::json!({"table": [
            {"name": "c", "category": ["a", "b", "c"]}, {"name": "b", "bit": ["no", "yes"]},
        ]});
        let columns: Columns = serde_json::from_value(table).unwrap();
        let found = sites(&columns, &[1.0, 2.0, 6.0, 0.5]);
        let of = |site: &Site<'_>| {
            site.values.iter().map(|v| (v.name.to_string(), v.weight)).collect::<Vec<_>>()
        };
        let named = |pairs: &[(&str, f64)]| {
            pairs.iter().map(|(name, w)| (name.to_string(), *w)).collect::<Vec<_>>()
        };
        assert_eq!(of(&found[0]), named(&[("a", -2.0), ("b", -1.0), ("c", 3.0)]));
        assert_eq!(of(&found[1]), named(&[("yes", 0.5)]));
        assert_eq!(found[1].values[0].state, 1);
    }

    #[test]
    fn the_largest_are_kept_in_their_order() {
        let kept = |n| most(vec![3.0, -5.0, 1.0, 4.0_f64], n, |x| x.abs());
        assert_eq!((kept(2), kept(9)), (vec![-5.0, 4.0], vec![3.0, -5.0, 1.0, 4.0]));
    }
}
