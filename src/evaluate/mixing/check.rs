//! The check from examples to findings.

use super::clusters::Clusters;
use super::components::{BLOCK, Components, MOST_COMPONENTS, halves, normalised};
use super::courses::{Extent, from_examples, from_random};
use super::distances::{Places, distance};
use super::found::{ComponentMixing, Mixing};
use super::moments::{MomentRows, moment_fits};
use super::samples::{ClusterShares, DRAWS, ModelSamples};
use crate::bits::BitMatrix;
use crate::dataset::{WeightedBits, WeightedRows};
use crate::error::Result;
use crate::gibbs::{Chains, FixedModel, Inpainting};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;
use ndarray::{Array1, Array2};

/// The most examples that are compared. The distances of all pairs take 10 ms or so.
const MOST_EXAMPLES: usize = 2000;

/// The fewest. Of 100 examples a cluster of 0.2 has 20.
const LEAST_EXAMPLES: usize = 100;

/// The largest share of values that may be missing. Of what is drawn by the model, the model is no judge.
const MOST_MISSING: f64 = 0.5;

/// Sweeps that draw what an example lacks, given what it has.
const FILLING_SWEEPS: usize = 200;

/// The chains of an evaluation. 256 of each start see a cluster of 0.05 with 4 standard errors, and 200 sweeps take a
/// few per cent of the steps of annealing.
pub const EVALUATION: Extent = Extent { n_chains: 256, n_sweeps: 200 };

/// What a check is made with.
#[derive(Clone, Copy)]
pub struct Check<'a> {
    /// The model.
    pub model: FixedModel<'a>,
    /// The rates (V) at which chains start at random.
    pub rates: &'a Array1<f64>,
    /// The chains.
    pub extent: Extent,
    /// The seed of all random numbers.
    pub seed: u64,
    /// Hears of the progress.
    pub watch: Watch<'a>,
}

impl Check<'_> {
    /// The memory of a check on rows of a model (V, H) with the chains of an evaluation.
    pub fn bytes(n_examples: usize, visible: &Layout, n_hidden: usize) -> Bytes {
        let (n, n_visible) = (n_examples.min(MOST_EXAMPLES), visible.n_units());
        let Extent { n_chains, n_sweeps } = EVALUATION;
        let rows = BitMatrix::bytes(n, n_visible) * 5 + Bytes::of::<[f64; 4 * BLOCK]>(&[n]);
        let samples = BitMatrix::bytes(DRAWS.max(n_chains), n_visible) * 4;
        let followed = Bytes::of::<[f64; MOST_COMPONENTS + 1]>(&[n_chains, n_sweeps]);
        let directions = Bytes::of::<[f64; 4 * BLOCK]>(&[n_visible]);
        rows + samples + followed + directions + Chains::bytes(n_chains, visible.clone(), n_hidden)
    }

    /// Compares a model, by its samples if there are any, and its chains with rows (N, V). None if these lack more than
    /// half of their values, are too few, or do not vary. What a row lacks is drawn from the model given what it has,
    /// which says where the row belongs.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn run(
        self,
        rows: WeightedRows<'_>,
        samples: Option<&ModelSamples>,
    ) -> Result<Option<Mixing>> {
        let Self { model, rates, extent, seed, watch } = self;
        let n = rows.bits.n_rows();
        let missing_share = missing_share(rows);
        if missing_share > MOST_MISSING || n < LEAST_EXAMPLES {
            return Ok(None);
        }
        let rows = self.filled(rows.spread(n.min(MOST_EXAMPLES)))?;
        let Some(components) = Components::common(&rows) else { return Ok(None) };
        let clusters = Clusters::of(&rows, &components);
        watch.check()?;
        let of_chains = |visible: &BitMatrix| {
            let (points, n) = (components.project(visible), visible.n_rows());
            ClusterShares::of(&clusters, &points, &vec![1.0 / n as f64; n], n as f64)
        };
        let shares = normalised(&rows);
        let n_effective = WeightedRows::from(&rows).n_effective();
        let random = from_random(model, rates, extent, seed, watch)?;
        let (ends, memory) = from_examples(model, &rows, &components, extent, seed, watch)?;

        let points = &clusters.examples;
        let of_model = samples.map(|samples| (samples, components.project(&samples.visible)));
        let along = |k: usize| {
            of_model.as_ref().map(|(samples, of_model)| {
                let places = |points: &'_ Array2<f64>| points.column(k).to_owned();
                let (data, model) = (places(points), places(of_model));
                let data = Places { along: data.view(), shares: &shares, n_effective };
                let shares = &samples.shares;
                let n_effective = samples.n_effective;
                distance(&data, &Places { along: model.view(), shares, n_effective })
            })
        };
        let component = |k: usize| ComponentMixing {
            variance_share: components.variances[k] / components.total_variance,
            autocorrelation_time: memory.components[k],
            distance: along(k).map(|(distance, _)| distance),
            noise: along(k).map(|(_, noise)| noise),
        };
        let times = memory.components.iter().copied().chain([memory.free_energy]);
        let slowest = times.reduce(|one, other| Some(f64::max(one?, other?))).flatten();
        let n_sweeps_of_all = (extent.n_chains * extent.n_sweeps) as f64;
        let moments = samples.map(|samples| {
            let of_halves = halves(&rows);
            let shares_of_halves = of_halves.each_ref().map(normalised);
            let half = |at: usize| MomentRows {
                visible: of_halves[at].bits(),
                shares: &shares_of_halves[at],
            };
            let data = MomentRows { visible: rows.bits(), shares: &shares };
            let samples = MomentRows { visible: &samples.visible, shares: &samples.shares };
            moment_fits(model.rbm.visible_units(), seed, data, [half(0), half(1)], samples)
        });
        let mut found = Mixing {
            warnings: Vec::new(),
            examples: ClusterShares::of(&clusters, points, &shares, n_effective),
            model: of_model.as_ref().map(|(samples, points)| {
                ClusterShares::of(&clusters, points, &samples.shares, samples.n_effective)
            }),
            model_samples: samples.map(|samples| samples.origin.to_string()),
            from_random: of_chains(&random),
            from_examples: of_chains(&ends),
            n_examples: rows.bits().n_rows(),
            missing_share,
            n_chains: extent.n_chains,
            n_sweeps: extent.n_sweeps,
            components: (0..components.n()).map(component).collect(),
            free_energy_time: memory.free_energy,
            n_independent: slowest.map(|time| n_sweeps_of_all / time),
            moments,
        };
        found.warnings = found.judged();
        Ok(Some(found))
    }

    /// The rows with draws in place of what they lack.
    fn filled(self, rows: WeightedBits) -> Result<WeightedBits> {
        let Some(missing) = rows.missing() else { return Ok(rows) };
        let Self { model: FixedModel { weights, .. }, seed, watch, .. } = self;
        let (n_rows, n_units) = (missing.n_rows(), missing.n_columns());
        let given = BitMatrix::ones(n_rows, n_units).without(missing);
        let streams = Stream::first(n_rows, seed, Purpose::MixingMissing);
        let mut chains = Inpainting::new(weights, rows.bits(), &given, streams)?;
        for _ in 0..FILLING_SWEEPS {
            chains.sweep_watched(weights, watch)?;
        }
        Ok(WeightedBits::new(chains.visible(), rows.weights().map(<[f64]>::to_vec)))
    }
}

/// The cluster of each row (N), from 0, as a check of these rows numbers them; none for a row that lies where few
/// others do. None of all if the rows are not checked, or lack values.
pub fn clusters_of(rows: WeightedRows<'_>) -> Option<Vec<Option<usize>>> {
    let n = rows.bits.n_rows();
    if rows.missing.is_some() || n < LEAST_EXAMPLES {
        return None;
    }
    let some = rows.spread(n.min(MOST_EXAMPLES));
    let components = Components::common(&some)?;
    let clusters = Clusters::of(&some, &components);
    Some(clusters.of_points(&components.project(rows.bits)))
}

/// Why rows that lack values have no check, in words; none if they lack none, or that is not the reason.
pub(crate) fn unchecked(rows: WeightedRows<'_>) -> Option<String> {
    let share = missing_share(rows);
    (share > MOST_MISSING).then(|| {
        format!(
            "{:.0} % of the values are missing, but at most {:.0} % may be; evaluate on examples that lack fewer",
            100.0 * share,
            100.0 * MOST_MISSING
        )
    })
}

/// The share of the units of rows that have no value.
fn missing_share(rows: WeightedRows<'_>) -> f64 {
    let n_units = (rows.bits.n_rows() * rows.bits.n_columns()).max(1);
    rows.missing.map_or(0.0, |missing| missing.count_ones() as f64 / n_units as f64)
}

#[cfg(test)]
mod tests {
    use super::super::populations::Populations;
    use super::*;
    use crate::gibbs::FixedWeights;
    use crate::kernels::Isa;

    /// A model with nearly all of its mass in one of the populations is found out by rows that lack 5 % of their
    /// values, and a right one is not accused; what lacks most values is not checked, and that is said.
    #[test]
    fn rows_that_lack_values_show_wrong_masses() {
        let (bits, _) = Populations::new(100, &[0.5, 0.2]).draw(600, 1);
        let lacking = |of_20: usize| {
            let place = |n: usize, unit: usize| ((n * 100 + unit) as u32).wrapping_mul(0x9E37_79B1);
            let missing =
                BitMatrix::from_fn(600, 100, |n, unit| (place(n, unit) >> 8) as usize % 20 < of_20);
            WeightedBits::new(bits.clone().without(&missing), None).lacking(Some(missing))
        };
        let found = |chances: &[f64], of_20: usize| {
            let rbm = Populations::new(100, chances).model();
            let weights = FixedWeights::of(&rbm, Isa::fastest());
            let check = Check {
                model: FixedModel { rbm: &rbm, weights: &weights },
                rates: &Array1::from_elem(100, 0.5),
                extent: Extent { n_chains: 8, n_sweeps: 4 },
                seed: 0,
                watch: Watch::default(),
            };
            let samples = Populations::new(100, chances).draw(600, 2).0;
            let samples = ModelSamples::equal(samples, "draws");
            check.run((&lacking(of_20)).into(), Some(&samples)).unwrap()
        };
        let is_accused = |found: &Mixing| found.warnings.iter().any(|it| it.name == "wrong_masses");
        let (wrong, right) = (found(&[0.5, 1e-3], 1).unwrap(), found(&[0.5, 0.2], 1).unwrap());
        assert!(is_accused(&wrong) && !is_accused(&right), "{wrong:?} {right:?}");
        assert!((wrong.missing_share - 0.05).abs() < 0.02, "{wrong:?}");
        // Which cluster such an example is in is not known.
        assert!(wrong.warnings.iter().all(|it| !it.remedy.contains("--clusters")), "{wrong:?}");
        assert_eq!(wrong.examples.clusters.len(), 4, "{wrong:?}");
        assert!(found(&[0.5, 0.2], 11).is_none());
        let (few, many) = (lacking(1), lacking(11));
        assert_eq!(unchecked((&few).into()), None);
        assert!(
            unchecked((&many).into())
                .unwrap()
                .ends_with("but at most 50 % may be; evaluate on examples that lack fewer")
        );
    }

    /// The rows of a population have one number, and shares are those of the check.
    #[test]
    fn each_row_has_the_number_of_its_cluster() {
        let (bits, of_row) = Populations::new(100, &[0.5, 0.2]).draw(600, 1);
        let rows = WeightedBits::new(bits.clone(), None);
        let found = clusters_of((&rows).into()).unwrap();
        let n_of = |cluster, population| {
            let both = (0..600).filter(|&n| found[n] == Some(cluster) && of_row[n] == population);
            both.count()
        };
        for population in 0..4 {
            let most = (0..4).map(|cluster| n_of(cluster, population)).max().unwrap();
            let all = of_row.iter().filter(|of| **of == population).count();
            assert!(most * 10 > all * 9, "{population}: {most} of {all}");
        }
        let few = WeightedBits::new(bits.rows(0..50), None);
        assert_eq!(clusters_of((&few).into()), None);
    }

    /// Whatever the model, samples that are the examples themselves are those of a right one.
    #[test]
    fn copies_of_the_data_are_right() {
        let (rows, _) = Populations::new(100, &[0.5, 0.2]).draw(600, 1);
        let rbm = Populations::new(100, &[0.5, 1e-3]).model();
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let check = Check {
            model: FixedModel { rbm: &rbm, weights: &weights },
            rates: &Array1::from_elem(100, 0.5),
            extent: Extent { n_chains: 8, n_sweeps: 4 },
            seed: 0,
            watch: Watch::default(),
        };
        let run = |samples: &BitMatrix| {
            let samples = ModelSamples::equal(samples.clone(), "copies");
            check.run((&rows).into(), Some(&samples)).unwrap().unwrap()
        };
        let found = run(&rows);
        assert!(
            found.warnings.iter().all(|warning| warning.name == "chains_do_not_mix"),
            "{found:?}"
        );
        assert_eq!(found.model.as_ref().unwrap().clusters, found.examples.clusters);
        assert!(found.components.iter().all(|component| component.distance == Some(0.0)));
        let moments = found.moments.unwrap();
        assert!((moments.triples.slope.unwrap() - 1.0).abs() < 1e-9, "{moments:?}");
        // Rows of one cluster alone are not.
        let one = Populations::new(100, &[0.5, 1e-3]).draw(600, 2).0;
        let warning = &run(&one).warnings[0];
        assert_eq!(warning.name, "wrong_masses");
        assert!(warning.remedy.contains("--clusters FILE"), "{warning:?}");
    }
}
