//! One line of `metrics.jsonl`.

use crate::evaluate::{LikelihoodReport, Mixing};
use serde::{Deserialize, Serialize};
#[cfg(feature = "cli")]
use serde_json::{Map, Value};

/// The state of a run at the end of an epoch. A figure that does not apply, or is not finite, is null.
/// Figures on temperatures and swaps are left out without tempering.
///
/// With averaging, scores are of the average once it has begun (with `tail` they jump there). Norms and
/// flip rate are of the current parameters and chains.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochRecord {
    /// Epochs done. The last epoch of a run may be cut short.
    pub epoch: usize,
    /// Updates done.
    pub updates: u64,
    /// Wall time since the start of training, with monitors, without interruptions.
    pub seconds: f64,
    /// Training examples a second in this epoch, without monitors.
    pub samples_per_second: f64,
    /// Mean squared error, per unit, of one step to the hidden units and back, on the training subset.
    pub reconstruction_error: Option<f64>,
    /// Σᵢ ln p(vᵢ | the rest), in nats an example, on the training subset.
    pub pseudo_likelihood: Option<f64>,
    /// The same on a subset of the held-out data, of as many examples at most: what a model has to say of examples
    /// that it has not seen. This and the next two are left out without held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudo_likelihood_test: Option<f64>,
    /// The standard error over these examples of their pseudo-likelihood less that of independent units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudo_likelihood_test_error: Option<f64>,
    /// The reconstruction error on a subset of the held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconstruction_error_test: Option<f64>,
    /// The pseudo-likelihood of independent units at the rates of the training data, which a model has to
    /// beat.
    pub pseudo_likelihood_independent: Option<f64>,
    /// Mean F(v) of the training subset, in nats.
    pub free_energy_train: Option<f64>,
    /// Mean F(v) of a subset of held-out data, in nats: of the validation set if it exists, else of the
    /// test set.
    pub free_energy_test: Option<f64>,
    /// `free_energy_test` − `free_energy_train`. It rises when the model begins to overfit.
    pub free_energy_gap: Option<f64>,
    /// The standard error of this gap, of which each example's ln p by independent units is taken off first. This and
    /// the next are left out without held-out data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_energy_gap_error: Option<f64>,
    /// The gap of independent units: how much harder the held-out subset is without a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_energy_gap_independent: Option<f64>,
    /// Share of the training subset whose most likely class is not its label; left out without labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_train: Option<f64>,
    /// The same of the held-out subset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_test: Option<f64>,
    /// Mean −ln p(label | v) of the training subset, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss_train: Option<f64>,
    /// The same of the held-out subset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss_test: Option<f64>,
    /// With `missing = absent` where examples lack values: the mean of −ln p of a value given the others of its
    /// example, over the values of as many held-out examples as the pseudo-likelihood has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss_values_test: Option<f64>,
    /// The root of the mean squared error of the expected numbers of these values, if the columns stand for numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rmse_test: Option<f64>,
    /// Mean p(hⱼ = 1 | v) over the units and the training subset, 0 to 1.
    pub mean_hidden_activity: Option<f64>,
    /// Share of hidden units whose mean activity is below 0.1 %.
    pub dead_hidden: Option<f64>,
    /// Share of hidden units whose mean activity is above 99.9 %.
    pub saturated_hidden: Option<f64>,
    /// √ΣW².
    pub weight_norm: Option<f64>,
    /// √ΣΔW² of the last update.
    pub update_norm: Option<f64>,
    /// Share of the chains' visible bits that the last sweep changed.
    pub flip_rate: Option<f64>,
    /// The flip rate between independent draws at the rates of the training data, 2 ⟨p (1 − p)⟩: how much
    /// the bits of the data vary.
    pub flip_rate_independent: Option<f64>,
    /// How far the means of the visible units over the chains lie from the means over the training data,
    /// in standard deviations of C independent draws: 1 is right
    /// ([`chain_moment_gap`](crate::evaluate::chain_moments::chain_moment_gap)). Null with CD, whose
    /// chains start at the data in every update.
    pub chain_moment_gap: Option<f64>,
    /// Inverse temperatures of parallel tempering below 1, falling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inverse_temperatures: Option<Vec<f64>>,
    /// Rate at which chains at each of these change places with chains at the inverse temperature above, over the last
    /// few hundred sweeps; null before the first swap. With `ptt` the rate of each model of the ladder with the next,
    /// from the one without weights to the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap_rates: Option<Vec<Option<f64>>>,
    /// With `ptt`, how many states have come from the model without weights to each chain so far, on average; else left
    /// out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trips: Option<f64>,
    /// The number of training examples of equal weight that are worth as much as those with weights; left
    /// out without weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_effective: Option<f64>,
    /// log Z of the model, estimated along its training; this and the next four are left out without `online_log_z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_z_online: Option<f64>,
    /// The standard error of `log_z_online`; too small where chains do not pass from mode to mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_z_error: Option<f64>,
    /// The effective number of the chains of the start from which those come that estimate it: (Σw)² / ΣW², where W is
    /// the weight of all that come from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_z_ess: Option<f64>,
    /// The least such number by the weights of any one of their steps so far. If either number is below a tenth
    /// of the chains, the weights have collapsed, and `log_z_online` and what comes of it are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_z_step_ess: Option<f64>,
    /// Mean ln p(v) = −F(v) − log Z of the held-out subset by `log_z_online`, in nats an example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_likelihood_online: Option<f64>,
    /// Whether the model and its chains visit the modes of the training subset, after 1, 2, 4, 8, … epochs and at the
    /// end of the run; left out in other records, and where it cannot be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixing: Option<Mixing>,
    /// The log-likelihood of the held-out data, else of the training data, in epochs in which it is
    /// evaluated.
    #[serde(flatten)]
    pub likelihood: LikelihoodReport,
}

#[cfg(feature = "cli")]
impl EpochRecord {
    /// Its figures by the names of their keys. Of the mixing check they have what looks wrong, as text.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        let Ok(Value::Object(mut fields)) = serde_json::to_value(self) else {
            unreachable!("a record is a plain struct")
        };
        if let Some(mixing) = &self.mixing {
            let wrong: Vec<_> = mixing.warnings.iter().map(|warning| &warning.what[..]).collect();
            fields.insert("mixing".to_string(), wrong.join("; ").into());
        }
        fields
    }
}
