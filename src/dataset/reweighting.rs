//! Weights against redundancy: examples that are nearly equal share the weight of one.

use super::values::Values;
use super::{Dataset, ExampleWeights};
use crate::bits::{BitMatrix, BitPanels};
use crate::error::{Error, Remedy, Result};
use crate::kernels::Isa;
use crate::kernels::agreement::{count_agreeing, count_near};
use crate::units::Units;
use crate::watch::Watch;
use rayon::prelude::*;

/// The number of rows in a piece of work.
const ROWS: usize = 64;

/// What a share of sites may miss a whole number by, as 0.07 · 100 does.
const ROUNDING: f64 = 1e-9;

impl Dataset {
    /// The same examples of bits, each with the weight 1 / the number of examples, itself included, that agree with it
    /// in at least this share of the sites that have a value in both. Examples without a common site do not agree. The
    /// work grows with the square of their number. The sum of these weights is M_eff of Morcos et al. (PNAS 108, E1293,
    /// 2011), the number of examples in standard errors.
    ///
    /// ```
    /// use harmonium::dataset::Dataset;
    /// use ndarray::array;
    /// let rows = array![[0_u8, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 0]];
    /// let dataset = Dataset::from_bytes("three", rows)?.reweighted(0.75)?;
    /// assert_eq!(dataset.weights().unwrap().values(), [0.5, 0.5, 1.0]);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if the examples are not bits.
    pub fn reweighted(self, share: f64) -> Result<Self> {
        self.reweighted_under(share, Watch::default())
    }

    /// As [`reweighted`](Self::reweighted), under a watch.
    ///
    /// # Errors
    /// As [`reweighted`](Self::reweighted); [`Error::Interrupted`].
    pub fn reweighted_under(self, share: f64, watch: Watch<'_>) -> Result<Self> {
        // A label does not count as a site.
        let unlabelled = self.labels.is_some().then(|| self.clone().without_labels());
        let features = unlabelled.as_ref().unwrap_or(&self);
        let Values::Bits(bits) = &features.values else {
            let rule = format!(
                "has values other than 0 and 1, of which no share agrees; leave out {}, or give weights",
                Remedy::of("reweight")
            );
            return Err(Error::Unsuitable { path: self.name.into(), rule });
        };
        let (units, most) = (features.units(), |n| most_apart(n, share));
        let near = match &features.missing {
            Some(missing) => n_agreeing(bits, missing, &units, share, watch)?,
            None if units.are_bits() => n_near(bits, most(units.n_sites()), watch)?,
            None => n_near(&one_hot(bits, &units), 2 * most(units.n_sites()), watch)?,
        };
        let weights: Vec<_> = near.into_iter().map(|n| 1.0 / f64::from(n)).collect();
        Ok(Self { weights: ExampleWeights::shares(weights), ..self })
    }
}

/// The most of `n_sites` sites in which rows differ that agree in at least this share of them.
fn most_apart(n_sites: usize, share: f64) -> usize {
    n_sites - (share * n_sites as f64 - ROUNDING).ceil() as usize
}

/// The units of one-hot sites, two for each bit: the unit of the data, and whether it is on.
fn one_hot_units(units: &Units) -> Vec<(usize, bool)> {
    let columns = units.sites().flat_map(|site| match site.len() {
        1 => vec![(site.start, false), (site.start, true)],
        _ => site.map(|unit| (unit, true)).collect(),
    });
    columns.collect()
}

/// The states (N, units) with two units for each bit, of which one is on, as in other sites: rows differ in two
/// units for each site in which they differ.
pub(crate) fn one_hot(states: &BitMatrix, units: &Units) -> BitMatrix {
    let columns = one_hot_units(units);
    BitMatrix::from_fn(states.n_rows(), columns.len(), |row, column| {
        let (unit, is_on) = columns[column];
        states.get(row, unit) == is_on
    })
}

/// How many examples, itself included, agree with each in at least this share of the sites that have a value in both.
fn n_agreeing(
    bits: &BitMatrix,
    missing: &BitMatrix,
    units: &Units,
    share: f64,
    watch: Watch<'_>,
) -> Result<Vec<u32>> {
    let (n, columns) = (bits.n_rows(), one_hot_units(units));
    let holes =
        BitMatrix::from_fn(n, columns.len(), |row, column| missing.get(row, columns[column].0));
    let states = one_hot(bits, units).without(&holes);
    let firsts: Vec<_> = units.sites().map(|site| site.start).collect();
    let given = BitMatrix::from_fn(n, firsts.len(), |row, site| !missing.get(row, firsts[site]));
    let least = |in_both| match in_both {
        0 => u64::MAX,
        _ => (in_both - most_apart(in_both, share)) as u64,
    };
    let least: Vec<_> = (0..=firsts.len()).map(least).collect();
    let [states, given] = [&states, &given].map(BitPanels::from_matrix);
    let mut counts = vec![0; n];
    let count = watch.counter("reweighting", n as u64);
    counts.par_chunks_mut(ROWS).enumerate().try_for_each(|(piece, counts)| {
        let rows = piece * ROWS..piece * ROWS + counts.len();
        count_agreeing(Isa::fastest(), &states, &given, rows, &least, counts);
        // An example without any value agrees with none, not even itself.
        counts.iter_mut().for_each(|count| *count = (*count).max(1));
        count(counts.len())
    })?;
    Ok(counts)
}

/// How many rows, itself included, differ from each row in at most `most` bits. (Two rows of one-hot sites
/// differ in two bits for each site that differs.)
fn n_near(bits: &BitMatrix, most: usize, watch: Watch<'_>) -> Result<Vec<u32>> {
    let states = BitPanels::from_matrix(bits);
    let mut counts = vec![0; bits.n_rows()];
    let count = watch.counter("reweighting", counts.len() as u64);
    counts.par_chunks_mut(ROWS).enumerate().try_for_each(|(piece, counts)| {
        let rows = piece * ROWS..piece * ROWS + counts.len();
        count_near(Isa::fastest(), &states, rows, most as u64, counts);
        count(counts.len())
    })?;
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_sites_is_exact() {
        for n in 1..300_usize {
            for percent in 1..=100 {
                let agree = (n * percent).div_ceil(100);
                assert_eq!(most_apart(n, percent as f64 / 100.0), n - agree, "{percent} % of {n}");
            }
        }
    }

    #[test]
    fn bits_and_categories_count_as_one_site_each() {
        let units = Units::of_sites([1, 3, 1, 4]).unwrap();
        let rows = [[0, 0, 0, 0], [1, 0, 0, 0], [1, 2, 0, 0], [1, 2, 1, 3]];
        let is_on = |n: usize, unit: usize| match unit {
            0 => rows[n][0] == 1,
            1..4 => rows[n][1] == unit - 1,
            4 => rows[n][2] == 1,
            _ => rows[n][3] == unit - 5,
        };
        let states = BitMatrix::from_fn(4, 9, is_on);
        for (share, expected) in [(0.75, [2.0, 3.0, 2.0, 1.0]), (0.5, [3.0, 3.0, 4.0, 2.0])] {
            let dataset = Dataset::from_sites("four", units.clone(), states.clone()).unwrap();
            let found = dataset.reweighted(share).unwrap();
            assert_eq!(found.weights().unwrap().values(), expected.map(|n| 1.0 / n), "{share}");
        }
    }

    /// Rows of 27 one-hot sites of 20 values, of which many are nearly equal.
    #[test]
    fn one_hot_sites_are_compared_by_their_values() {
        const SITES: usize = 27;
        let value =
            |n: usize, site: usize| if site < n % 9 { n * site % 20 } else { n % 3 + site % 17 };
        let bits = BitMatrix::from_fn(150, SITES * 20, |n, i| value(n, i / 20) == i % 20);
        let found = n_near(&bits, 2 * most_apart(SITES, 0.8), Watch::default()).unwrap();
        let agree = |a: usize, b: usize| {
            (0..SITES).filter(|&site| value(a, site) == value(b, site)).count()
        };
        for (a, &found) in found.iter().enumerate() {
            let near = (0..150).filter(|&b| agree(a, b) * 10 >= SITES * 8).count();
            assert_eq!(found as usize, near);
        }
        assert!(found.iter().any(|&n| n > 20) && found.iter().any(|&n| n < 5), "{found:?}");
    }

    /// Sites of bits and of five values, of which a third lack a value; the last example has none.
    #[test]
    fn sites_that_both_have_are_compared() {
        const N: usize = 150;
        let units = Units::of_sites((0..30).map(|site| if site % 3 == 0 { 1 } else { 5 })).unwrap();
        let lacks = |n: usize, site: usize| n + 1 == N || (n * 7 + site * site + n * site) % 9 < 3;
        let value = |n: usize, site: usize| match site % 3 {
            0 => n / 20 % 2,
            _ => (n / 20 + usize::from(site < n % 6) * n) % 5,
        };
        let firsts: Vec<_> = units.sites().collect();
        let site_of = |unit: usize| firsts.iter().position(|site| site.contains(&unit)).unwrap();
        let is_on = |n: usize, unit: usize| {
            let site = site_of(unit);
            let on = if site % 3 == 0 { 1 } else { unit - firsts[site].start };
            value(n, site) == on
        };
        let bits = BitMatrix::from_fn(N, units.n_units(), is_on);
        let missing = BitMatrix::from_fn(N, units.n_units(), |n, unit| lacks(n, site_of(unit)));
        let dataset = Dataset::from_sites("holes", units, bits).unwrap();
        let dataset = dataset.with_missing(missing).unwrap();
        for percent in [50, 80, 100] {
            let agree = |a: usize, b: usize| {
                let both = || (0..30).filter(|&site| !lacks(a, site) && !lacks(b, site));
                let equal = both().filter(|&site| value(a, site) == value(b, site)).count();
                both().count() > 0 && 100 * equal >= percent * both().count()
            };
            let near = |a| (0..N).filter(|&b| agree(a, b)).count().max(1);
            let expected: Vec<_> = (0..N).map(|a| 1.0 / near(a) as f64).collect();
            let found = dataset.clone().reweighted(percent as f64 / 100.0).unwrap();
            assert_eq!(found.weights().unwrap().values(), expected, "{percent} %");
            assert!(expected.iter().any(|&w| w < 0.2) && expected[N - 1] == 1.0);
        }
    }

    #[test]
    fn other_values_are_refused_with_a_remedy() {
        let greys = Dataset::from_bytes("greys", ndarray::array![[200_u8, 0], [0, 1]]).unwrap();
        let error = greys.reweighted(0.8).unwrap_err().to_string();
        assert_eq!(
            error,
            "greys: has values other than 0 and 1, of which no share agrees; leave out reweight, or give \
             weights"
        );
    }

    #[test]
    fn a_watch_stops_it() {
        let stop = std::sync::atomic::AtomicBool::new(true);
        let dataset = Dataset::from_bits("bits", BitMatrix::zeros(100, 3));
        let stopped = dataset.reweighted_under(0.8, Watch::until(&stop));
        assert!(matches!(stopped, Err(Error::Interrupted)));
    }
}
