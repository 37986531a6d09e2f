//! The check from examples to findings.

use super::clusters::Clusters;
use super::components::{Components, halves, normalised};
use super::courses::{Extent, from_examples, from_random};
use super::distances::{Places, distance};
use super::found::{ComponentMixing, Mixing};
use super::moments::{MomentRows, moment_fits};
use super::samples::{ClusterShares, ModelSamples};
use crate::bits::BitMatrix;
use crate::dataset::WeightedRows;
use crate::error::Result;
use crate::evaluate::report::finite;
use crate::gibbs::FixedModel;
use crate::watch::Watch;
use ndarray::{Array1, Array2};

/// The most examples that are compared. The distances of all pairs take 10 ms or so.
const MOST_EXAMPLES: usize = 2000;

/// The fewest. Of 100 examples a cluster of 0.2 has 20.
const LEAST_EXAMPLES: usize = 100;

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
    /// Compares a model, by its samples if there are any, and its chains with rows (N, V). None if these lack values,
    /// are too few, or do not vary.
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
        if rows.missing.is_some() || n < LEAST_EXAMPLES {
            return Ok(None);
        }
        let rows = rows.spread(n.min(MOST_EXAMPLES));
        let Some(components) = Components::common(&rows) else { return Ok(None) };
        let clusters = Clusters::of(&rows, &components);
        watch.check()?;
        let of_rows = |visible: &BitMatrix, shares: &[f64], n_effective| {
            ClusterShares::of(&clusters, &components, visible, shares, n_effective)
        };
        let of_chains = |visible: &BitMatrix| {
            let n = visible.n_rows();
            of_rows(visible, &vec![1.0 / n as f64; n], n as f64)
        };
        let shares = normalised(&rows);
        let n_effective = shares.iter().map(|share| share * share).sum::<f64>().recip();
        let random = from_random(model, rates, extent, seed, watch)?;
        let (ends, memory) = from_examples(model, &rows, &components, extent, seed, watch)?;

        let points = components.project(rows.bits());
        let of_model = samples.map(|samples| (samples, components.project(&samples.visible)));
        let along = |k: usize| {
            of_model.as_ref().map(|(samples, of_model)| {
                let places = |points: &'_ Array2<f64>| points.column(k).to_owned();
                let (data, model) = (places(&points), places(of_model));
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
            examples: of_rows(rows.bits(), &shares, n_effective),
            model: samples.map(|all| of_rows(&all.visible, &all.shares, all.n_effective)),
            model_samples: samples.map(|samples| samples.origin.to_string()),
            from_random: of_chains(&random),
            from_examples: of_chains(&ends),
            n_examples: rows.bits().n_rows(),
            n_chains: extent.n_chains,
            n_sweeps: extent.n_sweeps,
            components: (0..components.n()).map(component).collect(),
            free_energy_time: memory.free_energy,
            n_independent: slowest.and_then(|time| finite(n_sweeps_of_all / time)),
            moments,
        };
        found.warnings = found.judged();
        Ok(Some(found))
    }
}
