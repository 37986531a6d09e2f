//! Measures a trainer at the end of an epoch, on the same examples and bits every time.

use super::{EpochRecord, WeightChange, mixing};
use crate::dataset::{Columns, ExampleWeights, Examples, WeightedBits, WeightedRows};
use crate::error::{Error, Result};
use crate::evaluate::chain_moments::chain_moment_gap;
use crate::evaluate::free_energy::free_energies;
use crate::evaluate::pseudo_likelihood::{self, pseudo_likelihood, pseudo_likelihoods_given};
use crate::evaluate::reconstruction::reconstruction_error;
use crate::evaluate::report::finite;
use crate::evaluate::{ClassScore, Classifier, Entries, HiddenActivity, Independent, Score};
use crate::gibbs::{Chains, FixedModel, FixedWeights, Tempering, Trajectory};
use crate::kernels::tiled::Tiled;
use crate::memory::Bytes;
use crate::model::Rbm;
use crate::rng::{Purpose, Stream, shuffle};
use crate::train::{Missing, Objective, TrainConfig, Trainer};
use crate::units::Units;
use crate::watch::Watch;
use ndarray::Array1;

/// The most examples of each subset.
pub const SUBSET: usize = 1000;

/// The most examples whose pseudo-likelihood is computed, because it costs the most.
pub const PSEUDO_LIKELIHOOD_SUBSET: usize = 200;

/// Fixed subsets of the data, on which a trainer is measured.
#[derive(Clone, Debug)]
pub struct Probe {
    training: WeightedBits,
    held_out: Option<WeightedBits>,
    /// The first examples of the training subset, for the pseudo-likelihood.
    few: WeightedBits,
    /// Those of the held-out subset.
    few_held_out: Option<WeightedBits>,
    /// The columns of the data, which may stand for numbers.
    columns: Option<Columns>,
    independent: Independent,
    /// ⟨vᵢ⟩ of the training data, limited to 0 to 1 (V).
    mean: Array1<f64>,
    /// The labels of both subsets, if the examples have labels.
    labels: [Option<Vec<Option<u8>>>; 2],
    objective: Objective,
    seed: u64,
    /// What a site without a value is.
    missing: Option<Missing>,
}

impl Probe {
    /// The memory of a measurement on data of this size: the model (V, H) in both forms, the weights of
    /// [`WeightChange`], and the larger of two scores, the reconstructions and the pseudo-likelihood.
    pub fn bytes(n_examples: usize, visible: &Units, n_hidden: usize) -> Bytes {
        let (n, layout, n_visible) = (n_examples.min(SUBSET), visible.layout(), visible.n_units());
        let reconstruction = Chains::bytes(n, layout, n_hidden) + Bytes::of::<f32>(&[n, n_visible]);
        let few = n.min(PSEUDO_LIKELIHOOD_SUBSET);
        let pseudo_likelihood = pseudo_likelihood::bytes(few, visible, n_hidden);
        Rbm::bytes(n_visible, n_hidden)
            + FixedWeights::bytes::<i32>(layout, n_hidden)
            + Tiled::<f32>::bytes(layout, n_hidden)
            + reconstruction.max(pseudo_likelihood)
    }

    /// Draws subsets of the training data and of held-out data, if any, by the seed. Examples without a label
    /// are not among them, if others have one.
    pub fn new(training: &Examples, held_out: Option<&Examples>, config: &TrainConfig) -> Self {
        let TrainConfig { seed, objective, .. } = *config;
        let held_out = held_out.filter(|examples| examples.n_labelled() > 0);
        let labels = [Some(training), held_out].map(|examples| labels_of_subset(examples?, seed));
        let independent = Independent::of(training);
        let mean = training.mean().mapv(|mean| mean.clamp(0.0, 1.0));
        let columns = training.columns().cloned();
        let training = subset(training, seed);
        let held_out = held_out.map(|examples| subset(examples, seed));
        Self {
            few: first_of(&training),
            few_held_out: held_out.as_ref().map(first_of),
            training,
            columns,
            independent,
            mean,
            held_out,
            labels,
            objective,
            seed,
            missing: config.missing,
        }
    }

    /// The subset of the training data (N, V).
    pub fn training(&self) -> &WeightedBits {
        &self.training
    }

    /// The record at the end of an epoch, without times and [scores](Self::score): the place in the run, and
    /// what tells how the parameters and the chains move. `change` is the change by the last update.
    pub fn record(&self, trainer: &Trainer, change: &WeightChange) -> EpochRecord {
        let (weight_norm, update_norm) = change.norms(trainer);
        let are_samples = trainer.config().algorithm.chains_are_samples();
        let gap = are_samples.then(|| chain_moment_gap(&trainer.chains().visible(), &self.mean));
        let (tempering, trajectory) = (trainer.tempering(), trainer.trajectory());
        let swap_rates =
            tempering.map(Tempering::swap_rates).or(trajectory.map(Trajectory::swap_rates));
        EpochRecord {
            epoch: trainer.n_epochs_begun() as usize,
            updates: trainer.updates(),
            weight_norm: finite(weight_norm),
            update_norm: finite(update_norm),
            // The discriminative objective has no chains.
            flip_rate: finite(trainer.flip_rate()).filter(|_| trainer.chains().n_chains() > 0),
            flip_rate_independent: self.mean.mapv(|p| 2.0 * p * (1.0 - p)).mean(),
            chain_moment_gap: gap.and_then(finite),
            n_effective: trainer.examples().weights().map(ExampleWeights::n_effective),
            inverse_temperatures: tempering.map(|tempering| tempering.betas()),
            swap_rates: swap_rates.map(|rates| rates.into_iter().map(finite).collect()),
            round_trips: trajectory.map(Trajectory::round_trips),
            ..EpochRecord::default()
        }
    }

    /// Scores the model of a trainer on the subsets, for its record. If examples lack values, free energies stay
    /// unknown: each is of other units. So do all scores if the values are summed out, as they would be biased. The
    /// check of mixing is made in records after 1, 2, 4, 8, … epochs and at the end.
    ///
    /// # Errors
    /// [`Error::WidthMismatch`](crate::Error::WidthMismatch) if the model has another number of visible
    /// units than the data; [`Error::Interrupted`](crate::Error::Interrupted). The record is then as it
    /// was.
    pub fn score(
        &self,
        trainer: &Trainer,
        record: &mut EpochRecord,
        model: FixedModel<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let mixing = mixing::is_due(trainer)
            .then(|| mixing::measure(trainer, model, &self.training, watch))
            .transpose()?;
        self.score_subsets(record, model, watch)?;
        record.mixing = mixing.flatten();
        Ok(())
    }

    fn score_subsets(
        &self,
        record: &mut EpochRecord,
        model: FixedModel<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let FixedModel { rbm, weights } = model;
        let lacks = |rows: &WeightedBits| rows.missing().is_some();
        let some_lack = lacks(&self.training) || self.held_out.as_ref().is_some_and(lacks);
        if some_lack && self.missing != Some(Missing::Absent) {
            return Ok(());
        }
        self.score_classes(record, model, watch)?;
        if self.objective == Objective::Discriminative {
            // p(v) is not trained.
            return Ok(());
        }
        let free_energy = |rows: &WeightedBits| {
            let of_rows = free_energies(rbm, rows.bits(), weights.isa(), watch)?;
            let independent = self.independent.log_likelihoods(rows.into());
            let scores = [
                of_rows.iter().zip(&independent).map(|(energy, ln_p)| energy + ln_p).collect(),
                of_rows,
                independent,
            ];
            Ok(scores.map(|all: Vec<f64>| Score::of_rows(&all, rows)))
        };
        let activity = HiddenActivity::new(weights, &self.training, watch)?;
        let error = reconstruction_error(model, &self.training, self.seed, watch)?.mean;
        let training = (!some_lack).then(|| free_energy(&self.training)).transpose()?;
        let free_held_out = self.held_out.as_ref().filter(|_| !some_lack);
        let held_out = free_held_out.map(free_energy).transpose()?;
        // Means over different weights say nothing of each other.
        let are_alike =
            self.held_out.as_ref().is_some_and(|rows| rows.compares_with(&self.training));
        let [gap_error, gap, gap_independent] = match (held_out.filter(|_| are_alike), training) {
            (Some(held_out), Some(training)) => {
                let [above, energy, ln_p] = std::array::from_fn(|at| (held_out[at], training[at]));
                [
                    Some(above.0.standard_error.hypot(above.1.standard_error)),
                    Some(energy.0.mean - energy.1.mean),
                    Some(ln_p.1.mean - ln_p.0.mean),
                ]
            }
            _ => [None; 3],
        };
        let likelihood = pseudo_likelihood(rbm, &self.few, weights.isa(), watch)?.mean;
        let independent = self.independent.log_likelihood(&self.few).mean;
        let error_of = |rows| Ok(reconstruction_error(model, rows, self.seed, watch)?.mean);
        let error_test = self.held_out.as_ref().map(error_of).transpose()?;
        let few = self.few_held_out.as_ref().map(WeightedRows::from);
        let scores = few.map(|few| pseudo_likelihoods_given(rbm, few, weights.isa(), watch));
        let likelihood_test = few.zip(scores.transpose()?).map(|(few, scores)| {
            // How hard an example is to predict without a model says nothing of the model.
            let above = scores.iter().zip(self.independent.log_likelihoods(few));
            let above: Vec<f64> = above.map(|(score, independent)| score - independent).collect();
            let mean = Score::of_rows(&scores, few).mean;
            (mean, Score::of_rows(&above, few).standard_error)
        });
        // Each example has a Z of its own, so what it has is scored value by value, as `evaluate` does.
        let values = self.few_held_out.as_ref().filter(|_| some_lack).map(|few| {
            let entries = Entries::new(rbm, weights.isa()).columns(self.columns.as_ref());
            Ok::<_, Error>(entries.score(few, few, watch)?.given_others)
        });
        let values = values.transpose()?;
        *record = EpochRecord {
            log_loss_values_test: values.and_then(|score| finite(score.log_loss)),
            rmse_test: values.and_then(|score| score.rmse).and_then(finite),
            reconstruction_error: finite(error),
            reconstruction_error_test: error_test.and_then(finite),
            pseudo_likelihood: finite(likelihood),
            pseudo_likelihood_test: likelihood_test.and_then(|(mean, _)| finite(mean)),
            pseudo_likelihood_test_error: likelihood_test.and_then(|(_, error)| finite(error)),
            pseudo_likelihood_independent: finite(independent),
            free_energy_train: training.and_then(|[_, energy, _]| finite(energy.mean)),
            free_energy_test: held_out.and_then(|[_, energy, _]| finite(energy.mean)),
            free_energy_gap: gap.and_then(finite),
            free_energy_gap_error: gap_error.and_then(finite),
            free_energy_gap_independent: gap_independent.and_then(finite),
            mean_hidden_activity: finite(activity.mean()),
            dead_hidden: finite(activity.dead()),
            saturated_hidden: finite(activity.saturated()),
            ..std::mem::take(record)
        };
        Ok(())
    }

    /// Scores the classes of the subsets, if they have labels.
    fn score_classes(
        &self,
        record: &mut EpochRecord,
        FixedModel { rbm, weights }: FixedModel<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let score = |subset: Option<&WeightedBits>, labels: &Option<Vec<Option<u8>>>| {
            let (Some(subset), Some(labels)) = (subset, labels) else { return Ok(None) };
            let classifier = Classifier::new(rbm)?;
            let log_p = classifier.log_probabilities(subset.bits(), weights.isa(), watch)?;
            Ok(ClassScore::of(&log_p, labels, subset.weights()))
        };
        let [of_training, of_held_out] = &self.labels;
        let training = score(Some(&self.training), of_training)?;
        let held_out = score(self.held_out.as_ref(), of_held_out)?;
        let [error, loss]: [fn(&ClassScore) -> f64; 2] = [|s| s.error.mean, |s| s.log_loss.mean];
        record.error_train = training.as_ref().map(error).and_then(finite);
        record.error_test = held_out.as_ref().map(error).and_then(finite);
        record.log_loss_train = training.as_ref().map(loss).and_then(finite);
        record.log_loss_test = held_out.as_ref().map(loss).and_then(finite);
        Ok(())
    }
}

/// The first rows of a subset, up to [`PSEUDO_LIKELIHOOD_SUBSET`].
fn first_of(subset: &WeightedBits) -> WeightedBits {
    subset.rows(0..subset.bits().n_rows().min(PSEUDO_LIKELIHOOD_SUBSET))
}

/// Up to [`SUBSET`] examples in an order drawn by the seed, with bits that never change.
fn subset(examples: &Examples, seed: u64) -> WeightedBits {
    examples.weighted_bits(seed, numbers_of_subset(examples, seed).into_iter())
}

/// The numbers of these examples. Those without a label are left out, if others have one.
fn numbers_of_subset(examples: &Examples, seed: u64) -> Vec<usize> {
    let mut order = vec![0; examples.n_examples()];
    shuffle(&mut order, &mut Stream::new(seed, Purpose::MonitorSubset, 0));
    let labels = examples.labels().filter(|_| examples.n_labelled() > 0);
    let has_label =
        |example: &usize| labels.is_none_or(|all| all.of_examples()[*example].is_some());
    order.into_iter().map(|example| example as usize).filter(has_label).take(SUBSET).collect()
}

/// The labels of the subset.
fn labels_of_subset(examples: &Examples, seed: u64) -> Option<Vec<Option<u8>>> {
    let labels = examples.labels()?.of_examples();
    Some(numbers_of_subset(examples, seed).into_iter().map(|example| labels[example]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::dataset::{Binarization, Dataset};
    use std::sync::atomic::AtomicBool;

    /// The held-out subset is scored as the training subset is; training rows as if nothing were held out.
    #[test]
    fn held_out_examples_have_the_scores_that_they_would_have_as_training_examples() {
        let examples = |first: usize| {
            let bits = BitMatrix::from_fn(40, 9, |n, i| (first + n * n + i) % 5 < 2 + i % 2);
            Examples::new(Dataset::from_bits("few", bits), Binarization::Stochastic)
        };
        let [training, other] = [0, 7].map(examples);
        let config = TrainConfig { updates: Some(30), batch_size: 8, ..TrainConfig::default() };
        let mut trainer = Trainer::new(config, training).unwrap();
        (0..30).for_each(|_| trainer.update().unwrap());
        let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let scored = |training: &Examples, held_out: Option<&Examples>| {
            let probe = Probe::new(training, held_out, trainer.config());
            let mut record = EpochRecord::default();
            probe.score(&trainer, &mut record, model, Watch::default()).unwrap();
            record
        };
        let alone = scored(trainer.examples(), None);
        let both = scored(trainer.examples(), Some(&other));
        let swapped = scored(&other, None);
        assert_eq!(alone.pseudo_likelihood_test, None);
        assert_eq!(alone.reconstruction_error_test, None);
        let of_training = |r: &EpochRecord| (r.pseudo_likelihood, r.reconstruction_error);
        let of_test = |r: &EpochRecord| (r.pseudo_likelihood_test, r.reconstruction_error_test);
        assert_eq!(of_training(&both), of_training(&alone));
        assert_eq!(of_test(&both), of_training(&swapped));
        assert_ne!(of_test(&both), of_training(&both));
        assert!(both.pseudo_likelihood_test_error.is_some_and(|error| error > 0.0));
    }

    #[test]
    fn a_record_that_is_not_scored_to_the_end_stays_as_it_was() {
        let bits = BitMatrix::from_fn(40, 9, |n, i| (n + i) % 3 == 0);
        let examples = Examples::new(Dataset::from_bits("few", bits), Binarization::Stochastic);
        let config = TrainConfig { epochs: Some(1), batch_size: 40, ..TrainConfig::default() };
        let mut trainer = Trainer::new(config, examples).unwrap();
        let mut change = WeightChange::new(&trainer);
        change.before_update(&trainer);
        trainer.update().unwrap();
        let probe = Probe::new(trainer.examples(), None, trainer.config());
        let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let unscored = probe.record(&trainer, &change);
        let (mut record, stop) = (unscored.clone(), AtomicBool::new(true));
        let stopped = probe.score(&trainer, &mut record, model, Watch::until(&stop));
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!(record, unscored);
        probe.score(&trainer, &mut record, model, Watch::default()).unwrap();
        assert!(record.pseudo_likelihood.is_some() && record.update_norm.is_some());
    }
}
