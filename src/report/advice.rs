//! The advice of the health check, phrased for a run's settings.

use crate::monitor::Metric;
use crate::run::{Keep, Part, Settings};
use crate::train::{Algorithm, Missing};
use Advice::{
    Centering, FewerMissing, FewerUnits, Keep as KeepBest, LargerRate, LessDecay, LessSparsity,
    MoreData, MoreDecay, MoreEpochs, MoreFollowing, MoreSweeps, MoreUnits, SampleByTempering,
    SmallerRate, StopEarly, Tempering, WarmUp,
};

/// A change that may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    SmallerRate,
    LargerRate,
    MoreEpochs,
    MoreSweeps,
    Tempering,
    SampleByTempering,
    FewerMissing,
    Centering,
    WarmUp,
    MoreDecay,
    LessDecay,
    LessSparsity,
    FewerUnits,
    MoreUnits,
    MoreData,
    MoreFollowing,
    Keep(Metric),
    StopEarly,
}

impl Advice {
    /// The advice for a run with these settings; `None` if the run follows it already or cannot use it.
    pub fn text(self, settings: &Settings) -> Option<String> {
        let Settings { train, run, .. } = settings;
        let (decay, sparsity) = (train.weight_decay, train.sparsity_cost);
        let text = |text: &str| Some(text.to_string());
        match self {
            SmallerRate => Some(format!(
                "a learning_rate that is 3 to 10 times smaller (it is {})",
                train.learning_rate
            )),
            LargerRate => Some(format!(
                "a learning_rate that is 3 to 10 times larger (it is {})",
                train.learning_rate
            )),
            MoreEpochs if run.early_stop.is_some() => {
                Some(format!("more epochs, with more patience (it is {})", run.patience))
            }
            MoreEpochs => text("more epochs (`harmonium resume RUN --epochs N`)"),
            MoreSweeps => Some(format!("more gibbs_steps (they are {})", train.gibbs_steps)),
            Tempering if train.algorithm == Algorithm::Pt => {
                Some(format!("more temperatures (they are {})", train.temperatures))
            }
            Tempering if train.algorithm == Algorithm::Ptt => {
                Some(format!("a swap_rate that is nearer to 1 (it is {})", train.swap_rate))
            }
            Tempering => text("--algorithm pt, whose chains move between modes"),
            SampleByTempering => text(
                "`harmonium sample RUN --method pt` for samples; this says nothing against the model",
            ),
            FewerMissing => {
                text("`harmonium evaluate RUN --data FILE` with examples that lack fewer values")
            }
            Centering if train.centering => None,
            Centering => text("--centering"),
            WarmUp if train.warm_up > 0.0 => None,
            WarmUp => text("a warm_up of some epochs"),
            MoreDecay if decay > 0.0 => Some(format!("more weight_decay (it is {decay})")),
            MoreDecay => text("some weight_decay"),
            LessDecay if decay > 0.0 => Some(format!("less weight_decay (it is {decay})")),
            LessSparsity if sparsity > 0.0 => {
                Some(format!("a smaller sparsity_cost (it is {sparsity})"))
            }
            LessDecay | LessSparsity => None,
            FewerUnits => train.hidden.map(|n| format!("fewer hidden units (they are {n})")),
            MoreUnits => train.hidden.map(|n| format!("more hidden units (they are {n})")),
            MoreData => text("more data"),
            MoreFollowing => {
                run.online_log_z.map(|n| format!("more chains of online_log_z (they are {n})"))
            }
            KeepBest(metric) if metric.held_out().is_some() && holds_out(settings) => {
                metric.held_out().and_then(|held_out| KeepBest(held_out).text(settings))
            }
            StopEarly => {
                let metric = match train.missing {
                    None => Metric::LogLikelihood,
                    // There may be no common log-likelihood.
                    Some(Missing::Marginal) => Metric::PseudoLikelihoodTest,
                    Some(Missing::Absent) => Metric::LogLossValuesTest,
                };
                let is_followed = run.keep == Keep::Best(metric) && run.early_stop == Some(metric);
                let is_measured = metric != Metric::LogLikelihood || run.evaluate_every > 0;
                let first = if is_measured { "" } else { "--evaluate-every 1 " };
                (!is_followed).then(|| format!("{first}--early-stop {metric} --keep best:{metric}"))
            }
            KeepBest(metric) if run.keep == Keep::Best(metric) => None,
            KeepBest(metric) => Some(format!("--keep best:{metric}")),
        }
    }
}

/// Whether records measure a run on examples that it is not trained on.
fn holds_out(settings: &Settings) -> bool {
    settings.data.watched_by() != Part::Train
}

/// Advice, and the advice that would contradict it.
const OPPOSITES: [(Advice, &[Advice]); 3] = [
    (SmallerRate, &[LargerRate, MoreEpochs]),
    (FewerUnits, &[MoreUnits, MoreEpochs]),
    (MoreDecay, &[LessDecay]),
];

/// Whether `all` contains an opposite of `advice`.
pub(super) fn is_opposed(advice: Advice, all: &[Advice]) -> bool {
    OPPOSITES.iter().any(|(one, others)| all.contains(one) && others.contains(&advice))
}
