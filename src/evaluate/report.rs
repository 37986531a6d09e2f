//! The results of an evaluation, as they leave the library.
//!
//! `harmonium evaluate --json`, the `evaluation.json` of a run, the run's page and Python's `LogLikelihood`
//! share this form. A record of a run holds its first part, [`LikelihoodReport`]. A figure that is not
//! finite, or not known, is null.

use super::ais::Side;
use super::evidence::ReverseStart;
use super::mixing::Mixing;
use super::two_sample::TwoSample;
use super::verdict::CAVEAT;
use super::{Estimate, Evaluation, Evidence, ExchangeEvidence, Method, Score, Verdict};
use serde::{Deserialize, Serialize};

/// A figure as it is reported: `None` unless it is finite.
pub fn finite(figure: f64) -> Option<f64> {
    figure.is_finite().then_some(figure)
}

/// A log-likelihood, the score that it has to beat, and the verdict on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LikelihoodReport {
    /// Mean log p(v), in nats an example.
    pub log_likelihood: Option<f64>,
    /// Mean log p(v) of independent units at the rates of the training data.
    pub log_likelihood_independent: Option<f64>,
    /// The standard error over the examples, in records of a run; evaluations have it as `standard_error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_likelihood_error: Option<f64>,
    /// The log Z with which it was computed.
    pub log_z: Option<f64>,
    /// The lower end of log Z's interval.
    pub log_z_low: Option<f64>,
    /// The upper end of log Z's interval.
    pub log_z_high: Option<f64>,
    /// Whether to believe it: `exact`, `believable` or `doubtful`.
    pub verdict: Option<String>,
    /// The broken rules, with the numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// What to do about them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<String>,
    /// What no estimate of log Z can exclude; `None` if log Z is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caveat: Option<String>,
}

impl LikelihoodReport {
    /// Reports an evaluation and the log-likelihood of independent units on the same examples.
    pub fn new(evaluation: &Evaluation, independent: Option<f64>) -> Self {
        Self {
            log_likelihood: finite(evaluation.log_likelihood.mean),
            log_likelihood_independent: independent.and_then(finite),
            log_likelihood_error: None,
            log_z: finite(evaluation.log_z),
            log_z_low: finite(evaluation.log_z_low),
            log_z_high: finite(evaluation.log_z_high),
            verdict: Some(evaluation.verdict.name().to_string()),
            reasons: evaluation.verdict.reasons().to_vec(),
            remedies: evaluation.verdict.remedies().to_vec(),
            caveat: (evaluation.verdict != Verdict::Exact).then(|| CAVEAT.to_string()),
        }
    }

    /// The verdict; `None` if there is none, or one that this version does not know.
    pub fn to_verdict(&self) -> Option<Verdict> {
        match self.verdict.as_deref()? {
            "exact" => Some(Verdict::Exact),
            "believable" => Some(Verdict::Believable),
            "doubtful" => {
                let (reasons, remedies) = (self.reasons.clone(), self.remedies.clone());
                Some(Verdict::Doubtful { reasons, remedies })
            }
            _ => None,
        }
    }

    /// Whether the verdict is `doubtful`.
    pub fn is_doubtful(&self) -> bool {
        self.verdict.as_deref() == Some("doubtful")
    }

    /// The log-likelihood at the upper and the lower end of log Z's interval: (low, high). `None` if log Z
    /// is exact, or an end is not known.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let (low, high) = (self.log_z_low?, self.log_z_high?);
        let numerator = self.log_likelihood? + self.log_z?;
        (low < high).then_some((numerator - high, numerator - low))
    }
}

/// A mean over examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreReport {
    /// The mean.
    pub mean: Option<f64>,
    /// Its standard error over examples; `None` for a single example.
    pub standard_error: Option<f64>,
    /// The number of examples, if not all that were evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_examples: Option<usize>,
}

impl From<Score> for ScoreReport {
    fn from(score: Score) -> Self {
        let Score { mean, standard_error, .. } = score;
        Self { mean: finite(mean), standard_error: finite(standard_error), n_examples: None }
    }
}

/// log Z from one side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideReport {
    /// log Z.
    pub log_z: Option<f64>,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// The lower end of its 95 % interval.
    pub low: Option<f64>,
    /// The upper end of its 95 % interval.
    pub high: Option<f64>,
    /// var(log w) over the chains.
    pub variance_of_log_w: Option<f64>,
    /// The effective sample size.
    pub ess: Option<f64>,
}

impl From<&Side> for SideReport {
    fn from(Side { log_z, weights }: &Side) -> Self {
        Self {
            log_z: finite(log_z.log_z),
            standard_error: finite(log_z.standard_error),
            low: finite(log_z.low),
            high: finite(log_z.high),
            variance_of_log_w: finite(weights.variance),
            ess: finite(weights.ess),
        }
    }
}

/// log Z by Bennett's ratio, from both sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BennettReport {
    /// log Z.
    pub log_z: Option<f64>,
}

/// The course of AIS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnnealingReport {
    /// From the base to the model.
    pub forward: SideReport,
    /// From the model to the base.
    pub reverse: SideReport,
    /// From a uniform base to the model, with fewer steps.
    pub witness: SideReport,
    /// From both sides, by Bennett's ratio.
    pub bennett: BennettReport,
    /// At least the mass of modes that mean field finds and no chain saw, relative to the mass that chains saw.
    pub unseen_share: Option<f64>,
    /// Chains of each side.
    pub n_chains: usize,
    /// Steps of each chain in the last round.
    pub n_steps: usize,
    /// Rounds of both sides: the second has twice the steps of the first. Earlier versions do not write
    /// it.
    pub n_rounds: Option<u64>,
    /// The schedule of inverse temperatures, as requested.
    pub schedule: String,
    /// Sweeps that brought the chains of reverse AIS into the model's distribution.
    pub burn_in: usize,
    /// Where those chains started, in words. Earlier versions do not write it.
    pub reverse_start: Option<String>,
}

impl AnnealingReport {
    fn new(evaluation: &Evaluation, evidence: &Evidence) -> Self {
        let Evaluation { config, model_states: given, .. } = evaluation;
        let sides = &evidence.sides;
        let scouts = "ends of separate forward runs";
        let reverse_start = match evidence.reverse_start {
            ReverseStart::Given => given.clone(),
            ReverseStart::Scouts => scouts.to_string(),
            ReverseStart::ScoutsInstead => {
                format!("{scouts}, as {given} are not in the model's distribution")
            }
        };
        Self {
            forward: SideReport::from(&sides.forward),
            reverse: SideReport::from(&sides.reverse),
            witness: SideReport::from(&evidence.witness),
            bennett: BennettReport { log_z: finite(sides.bennett.log_z) },
            unseen_share: finite(evidence.unseen_share()),
            n_chains: sides.n_chains,
            n_steps: sides.n_steps,
            n_rounds: Some(evidence.n_rounds),
            schedule: config.schedule.to_string(),
            burn_in: config.burn_in,
            reverse_start: Some(reverse_start),
        }
    }
}

/// The course of replica exchange.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExchangeReport {
    /// log Z.
    pub log_z: Option<f64>,
    /// Its standard error.
    pub standard_error: Option<f64>,
    /// log Z from the first and the second half.
    pub halves: [Option<f64>; 2],
    /// The standard errors of the halves.
    pub standard_errors: [Option<f64>; 2],
    /// At least the mass of modes that mean field finds and no state saw, relative to the mass that states saw.
    pub unseen_share: Option<f64>,
    /// Chains of each rung.
    pub n_chains: usize,
    /// Sweeps in all.
    pub n_sweeps: u64,
    /// The share of swaps that were made, of each rung with the next, from the base on.
    pub swap_rates: Vec<Option<f64>>,
    /// The mean number of round trips of a state, from the base to the model and back.
    pub round_trips: f64,
    /// How far the mean of a unit moved in the second half, in standard errors.
    pub drift: f64,
}

impl From<&ExchangeEvidence> for ExchangeReport {
    fn from(found: &ExchangeEvidence) -> Self {
        Self {
            log_z: finite(found.log_z.log_z),
            standard_error: finite(found.log_z.standard_error),
            halves: found.halves.map(|half| finite(half.log_z)),
            standard_errors: found.halves.map(|half| finite(half.standard_error)),
            unseen_share: finite(found.unseen_share()),
            n_chains: found.n_chains,
            n_sweeps: found.n_sweeps,
            swap_rates: found.passage.swap_rates.iter().copied().map(finite).collect(),
            round_trips: found.passage.round_trips,
            drift: found.passage.drift,
        }
    }
}

/// Scores that need no log Z.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoresReport {
    /// Σᵢ ln p(vᵢ | the rest).
    pub pseudo_likelihood: ScoreReport,
    /// Σᵢ ln p(vᵢ | the rest), estimated from one unit of each example.
    pub stochastic_pseudo_likelihood: ScoreReport,
    /// Mean squared error of a step to the hidden units and back.
    pub reconstruction_error: ScoreReport,
    /// The share of examples whose most likely class is not their label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ScoreReport>,
    /// Mean −ln p(label | v).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<ScoreReport>,
    /// Mean F(v) of the examples less mean F(v) of the data that they are compared with, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_energy_gap: Option<ScoreReport>,
    /// Mean ln p(v) of examples of the training data, at most 10,000 spread evenly, less that of the examples, if the
    /// run's training data are there and others were scored. log Z cancels, so it is known better than either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_gap: Option<ScoreReport>,
    /// Samples of the model against data by nearest neighbours, if requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_sample: Option<TwoSample>,
}

/// Which model was evaluated on which examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubjectReport {
    /// The fingerprint of the parameters.
    pub parameters_sha256: String,
    /// The name of the data.
    pub data: String,
    /// Their role in the run of the model: `test`, `validation`, `training` or `given`.
    pub data_role: String,
    /// A warning about the data, for readers of the figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_warning: Option<String>,
    /// The number of examples.
    pub n_examples: usize,
    /// The number of sites of an example, if the examples are sequences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_sites: Option<usize>,
    /// The number of examples of equal weight that are worth as much, if they have weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_effective: Option<f64>,
    /// How their intensities became bits.
    pub binarization: String,
    /// The fingerprint of the bits.
    pub data_sha256: String,
    /// The fingerprint of the data's file, if they come from a file.
    pub file_sha256: Option<String>,
    /// The seed of all random numbers.
    pub seed: u64,
}

impl SubjectReport {
    /// The data with their role: `the run's test data, t.npy`.
    pub fn title(&self) -> String {
        title(&self.data_role, &self.data)
    }
}

/// Data of this role and name: `the run's test data, t.npy`.
pub fn title(role: &str, name: &str) -> String {
    match role {
        "given" => name.to_string(),
        role => format!("the run's {role} data, {name}"),
    }
}

/// Sums over what examples lack.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObservedReport {
    /// The number of examples that are scored.
    pub n_examples: usize,
    /// The number of those whose sum is estimated by annealing. The others are exact.
    pub n_annealed: usize,
    /// The number of examples that were given. Earlier versions do not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_given: Option<usize>,
    /// The standard error that annealing adds to the log-likelihood. Earlier versions do not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annealing_error: Option<f64>,
}

/// All results of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// The log-likelihood.
    #[serde(flatten)]
    pub likelihood: LikelihoodReport,
    /// The log-likelihood at the upper end of log Z's interval.
    pub log_likelihood_low: Option<f64>,
    /// The log-likelihood at the lower end of log Z's interval.
    pub log_likelihood_high: Option<f64>,
    /// The standard error of the log-likelihood over examples. It takes log Z as known.
    pub standard_error: Option<f64>,
    /// The standard error of the log-likelihood of independent units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error_independent: Option<f64>,
    /// The log-likelihood in nats a site, of sequences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_likelihood_per_site: Option<f64>,
    /// Mean F(v), in nats.
    #[serde(default)]
    pub free_energy: ScoreReport,
    /// How log Z was found: `exact`, `ais`, `pt` or `ptt`.
    pub method: Method,
    /// The estimate of log Z that is quoted.
    pub estimate: Option<Estimate>,
    /// Why it is quoted.
    #[serde(default)]
    pub estimate_reason: String,
    /// The effective sample size of forward AIS; `None` if log Z is by another method.
    pub ess: Option<f64>,
    /// Where the base of annealing comes from, in words.
    #[serde(default)]
    pub base: String,
    /// The course of AIS; `None` if log Z is by another method.
    #[serde(flatten)]
    pub annealing: Option<AnnealingReport>,
    /// The course of replica exchange; `None` if log Z is by another method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ladder: Option<ExchangeReport>,
    /// RAISE, if requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise: Option<ScoreReport>,
    /// How what examples lack was summed out, if any lacks values: the log-likelihood is that of what they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<ObservedReport>,
    /// Whether the model and its chains visit the modes of the examples, if that can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixing: Option<Mixing>,
    /// Why that was not looked at, if it is as too many values are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixing_unchecked: Option<String>,
    /// Other scores, if requested.
    #[serde(flatten)]
    pub scores: Option<ScoresReport>,
    /// Model and examples, if they are known by name.
    #[serde(flatten)]
    pub subject: Option<SubjectReport>,
}

impl EvaluationReport {
    /// Reports an evaluation and the log-likelihood of independent units on the same examples.
    pub fn new(evaluation: &Evaluation, independent: Option<Score>) -> Self {
        let (low, high) = evaluation.log_likelihood_interval();
        let annealing = evaluation.evidence.as_ref();
        let annealing = annealing.map(|evidence| AnnealingReport::new(evaluation, evidence));
        let of_raise =
            |raise: Score| ScoreReport { n_examples: Some(raise.n_examples), ..raise.into() };
        Self {
            likelihood: LikelihoodReport::new(evaluation, independent.map(|score| score.mean)),
            log_likelihood_low: finite(low),
            log_likelihood_high: finite(high),
            standard_error: finite(evaluation.log_likelihood.standard_error),
            standard_error_independent: independent.and_then(|score| finite(score.standard_error)),
            log_likelihood_per_site: None,
            free_energy: evaluation.free_energy.into(),
            method: match (&annealing, &evaluation.exchange) {
                (Some(_), _) => Method::Ais,
                (None, Some(_)) => evaluation.config.method,
                (None, None) => Method::Exact,
            },
            estimate: Some(evaluation.estimate),
            estimate_reason: evaluation.estimate.reason(&evaluation.verdict).to_string(),
            ess: evaluation.ess().and_then(finite),
            base: evaluation.base.clone(),
            annealing,
            ladder: evaluation.exchange.as_ref().map(ExchangeReport::from),
            raise: evaluation.raise.map(of_raise),
            observed: evaluation.observed.as_ref().map(|observed| ObservedReport {
                n_examples: observed.free_energy.n_examples,
                n_annealed: observed.n_annealed,
                n_given: Some(observed.n_given),
                annealing_error: finite(observed.annealing_error),
            }),
            mixing: evaluation.mixing.clone(),
            mixing_unchecked: evaluation.mixing_unchecked.clone(),
            scores: None,
            subject: None,
        }
    }

    /// Returns the report as JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("figures and texts have a JSON form")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitMatrix;
    use crate::evaluate::{Base, EvaluationConfig, Evaluator};
    use crate::gibbs::{FixedModel, FixedWeights};
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use ndarray::Array1;
    use serde_json::{Value, json};

    /// The report on one example, by a method, with reverse chains from some states.
    fn report(method: Method, states: Option<&BitMatrix>) -> EvaluationReport {
        let weights = ndarray::Array2::from_shape_fn((6, 3), |(i, j)| (i + j) as f32 / 9.0 - 0.4);
        let rbm = Rbm::new(weights, Array1::zeros(6), Array1::zeros(3)).unwrap();
        let schedule = "linear:1".parse().unwrap();
        let config = EvaluationConfig { method, schedule, burn_in: 10, ..Default::default() };
        let visible = BitMatrix::from_fn(1, 6, |_, i| i < 2);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let base = Base { rates: Array1::from_elem(6, 0.4), origin: "a base".into() };
        let evaluator = Evaluator::new(model).config(config).base(base);
        let evaluator = match states {
            Some(states) => evaluator.model_states(states, "some states"),
            None => evaluator,
        };
        EvaluationReport::new(&evaluator.evaluate(&visible).unwrap(), None)
    }

    #[test]
    fn a_report_reads_back_and_unknown_figures_are_null() {
        for method in [Method::Exact, Method::Ais, Method::Pt] {
            let report = report(method, None);
            let json: Value = serde_json::from_str(&report.to_json()).unwrap();
            assert_eq!(serde_json::from_value::<EvaluationReport>(json.clone()).unwrap(), report);
            assert_eq!(json["method"], method.to_string());
            // One example has no standard error.
            assert_eq!((&json["standard_error"], report.standard_error), (&Value::Null, None));
            assert!(json.get("pseudo_likelihood").is_none() && json.get("data").is_none());
            assert_eq!(json.get("forward").is_some(), method == Method::Ais);
            assert_eq!(json.get("ladder").is_some(), method == Method::Pt);
        }
        assert_eq!([f64::NAN, f64::NEG_INFINITY, 0.5].map(finite), [None, None, Some(0.5)]);
    }

    #[test]
    fn a_report_says_where_chains_started_and_in_how_many_rounds() {
        let start = |states| {
            let annealing = report(Method::Ais, states).annealing.unwrap();
            assert_eq!(annealing.n_steps as u64, annealing.n_rounds.unwrap());
            annealing.reverse_start.unwrap()
        };
        assert_eq!(start(None), "ends of separate forward runs");
        assert_eq!(start(Some(&BitMatrix::from_fn(9, 6, |n, i| (n + i) % 2 == 0))), "some states");
    }

    /// An early version 0.1 did not write which estimate is quoted.
    #[test]
    fn an_earlier_evaluation_is_read() {
        let side =
            json!({"log_z": 9.0, "standard_error": 0.1, "low": 8.8, "high": 9.2, "ess": 60.0});
        let earlier = json!({
            "method": "ais", "log_likelihood": -7.5, "log_likelihood_low": -7.9,
            "log_likelihood_high": -7.0, "standard_error": 0.2, "log_z": 9.0, "log_z_low": 8.5,
            "log_z_high": 9.4, "ess": 60.0, "verdict": "doubtful", "reasons": ["it is"],
            "forward": side, "reverse": side, "parameters_sha256": "ab", "data": "t.npy",
            "data_role": "test", "n_examples": 60, "binarization": "stochastic", "data_sha256": "cd",
            "file_sha256": null, "seed": 0,
        });
        let report: EvaluationReport = serde_json::from_value(earlier).unwrap();
        let LikelihoodReport { log_likelihood, reasons, .. } = &report.likelihood;
        assert_eq!((*log_likelihood, &reasons[..]), (Some(-7.5), &["it is".to_string()][..]));
        assert!(report.likelihood.is_doubtful());
        let (low, high) = report.likelihood.interval().unwrap();
        assert!((low + 7.9).abs() < 1e-9 && (high + 7.0).abs() < 1e-9, "{low} {high}");
        assert_eq!(report.subject.unwrap().data_role, "test");
    }
}
