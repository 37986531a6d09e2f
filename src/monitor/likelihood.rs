//! The log-likelihood in the course of training, with a small budget.

use crate::bits::BitMatrix;
use crate::dataset::Examples;
use crate::error::Result;
use crate::evaluate::evaluation::Starts;
use crate::evaluate::{
    AnnealingSchedule, Evaluation, EvaluationConfig, Independent, LikelihoodReport, Method,
};
use crate::gibbs::FixedModel;
use crate::train::Trainer;
use ndarray::Array1;

/// Examples that are scored, at most.
const MOST: usize = 10_000;

/// The budget of AIS: some seconds for 784-500 on two cores.
const CHAINS: usize = 100;
/// Steps of each chain.
const STEPS: usize = 2000;
/// Sweeps of the persistent chains before they are annealed back: they are near the model already.
const BURN_IN: usize = 100;

/// What is scored, the same bits every time, and how.
#[derive(Clone, Debug)]
pub struct Likelihood {
    visible: BitMatrix,
    base_rates: Array1<f64>,
    config: EvaluationConfig,
    every: usize,
    /// What independent units give on the same bits.
    independent: f64,
}

impl Likelihood {
    /// Of examples (up to 10,000, spread evenly) under machines that are trained on others, every so many
    /// epochs and at the end of the run; beside that of independent units.
    pub fn new(
        (examples, training): (&Examples, &Examples),
        method: Method,
        every: usize,
        seed: u64,
    ) -> Self {
        let (n, n_examples) = (examples.n_examples().min(MOST), examples.n_examples());
        let visible = examples.fixed_bits(seed, (0..n).map(|at| at * n_examples / n));
        let config = EvaluationConfig {
            method,
            n_chains: CHAINS,
            schedule: AnnealingSchedule::AdaptiveSteps(STEPS),
            burn_in: BURN_IN,
            raise: 0,
            seed,
        };
        let independent = Independent::of(training).log_likelihood(&visible).mean;
        let base_rates = training.units().smoothed_rates(&training.mean());
        Self { visible, base_rates, config, every, independent }
    }

    /// Whether it is time for it after update `updates` of a run.
    pub fn is_due(&self, trainer: &Trainer, updates: u64) -> bool {
        let every = (self.every as u64).saturating_mul(trainer.updates_per_epoch());
        updates.is_multiple_of(every) || updates == trainer.total_updates()
    }

    /// The log-likelihood under the model that the trainer has, beside that of independent units. Chains that are annealed back start at the
    /// persistent ones, which it does not change.
    ///
    /// # Errors
    /// As [`Evaluation::new`].
    pub fn measure(&self, trainer: &Trainer, model: FixedModel<'_>) -> Result<LikelihoodReport> {
        let mut config = self.config.clone();
        let are_samples = trainer.config().algorithm.chains_are_samples();
        if !are_samples {
            config.burn_in = EvaluationConfig::default().burn_in;
        }
        let model_states = are_samples.then(|| trainer.chains().visible());
        let model_states = model_states.as_ref();
        let starts = Starts { base_rates: &self.base_rates, model_states };
        let found = Evaluation::new(model, &self.visible, starts, &config, &|_, _, _| ())?;
        Ok(LikelihoodReport::new(&found, Some(self.independent)))
    }
}
