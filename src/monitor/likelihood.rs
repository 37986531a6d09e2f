//! The log-likelihood during training, with a small budget.

use crate::bits::BitMatrix;
use crate::dataset::{Examples, WeightedBits};
use crate::error::Result;
use crate::evaluate::report::finite;
use crate::evaluate::{
    AnnealingSchedule, Base, EvaluationConfig, Evaluator, Independent, LikelihoodReport, Method,
};
use crate::gibbs::FixedModel;
use crate::train::Trainer;
use crate::watch::Watch;

/// The most examples that are scored.
const MOST: usize = 10_000;

/// Chains of each side of AIS. With the steps below, AIS takes some seconds for 784-500 on two cores.
const CHAINS: usize = 100;
/// Steps of each chain.
const STEPS: usize = 2000;
/// Sweeps of the persistent chains before they are annealed back. The chains are near the model already.
const BURN_IN: usize = 100;

/// The examples that are scored, with the same bits every time, and how they are scored.
#[derive(Clone, Debug)]
pub struct Likelihood {
    visible: WeightedBits,
    base: Base,
    config: EvaluationConfig,
    every: usize,
    /// The log-likelihood of independent units on the same bits.
    independent: f64,
}

impl Likelihood {
    /// Scores `examples` (up to 10,000, spread evenly, without those of an unknown label) under models that are trained
    /// on `training`, every
    /// `every` epochs and at the end of the run.
    pub fn new(
        examples: &Examples,
        training: &Examples,
        method: Method,
        every: usize,
        seed: u64,
    ) -> Self {
        let labelled = examples.labelled();
        let n = labelled.len().min(MOST);
        let spread = (0..n).map(|at| labelled[at * labelled.len() / n]);
        let visible = examples.weighted_bits(seed, spread);
        let config = EvaluationConfig {
            method,
            n_chains: CHAINS,
            schedule: AnnealingSchedule::AdaptiveSteps(STEPS),
            burn_in: BURN_IN,
            raise: 0,
            seed,
        };
        let independent = Independent::of(training).log_likelihood(&visible).mean;
        let base = Base::of_mean(&training.units(), &training.mean(), "mean of the training data");
        Self { visible, base, config, every, independent }
    }

    /// Whether a measurement is due after update `updates` of a run.
    pub fn is_due(&self, trainer: &Trainer, updates: u64) -> bool {
        let every = (self.every as u64).saturating_mul(trainer.updates_per_epoch());
        updates.is_multiple_of(every) || updates == trainer.total_updates()
    }

    /// The log-likelihood under `model`, which the trainer has, and under independent units. Reverse AIS
    /// starts at the trainer's chains if they are samples of the model; they do not change.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    pub fn measure(
        &self,
        trainer: &Trainer,
        model: FixedModel<'_>,
        watch: Watch<'_>,
    ) -> Result<LikelihoodReport> {
        let are_samples = trainer.config().algorithm.chains_are_samples();
        let chains = are_samples.then(|| trainer.chains().visible());
        self.of_model(model, chains.as_ref(), watch)
    }

    /// The log-likelihood under `model` and under independent units. Reverse AIS starts at `chains` (C, V), if they
    /// are known as samples of the model.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate`].
    pub fn of_model(
        &self,
        model: FixedModel<'_>,
        chains: Option<&BitMatrix>,
        watch: Watch<'_>,
    ) -> Result<LikelihoodReport> {
        let mut config = self.config.clone();
        if chains.is_none() {
            // Scouts are not as near to the model as persistent chains.
            config.burn_in = EvaluationConfig::default().burn_in;
        }
        let evaluator = Evaluator::new(model).config(config).base(self.base.clone());
        let mut evaluator = evaluator.without_mixing().watch(watch);
        if let Some(chains) = chains {
            evaluator = evaluator.model_states(chains, "the chains of the run");
        }
        let found = evaluator.evaluate(&self.visible)?;
        let report = LikelihoodReport::new(&found, Some(self.independent));
        let error = finite(found.log_likelihood.standard_error);
        Ok(LikelihoodReport { log_likelihood_error: error, ..report })
    }
}
