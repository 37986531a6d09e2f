//! Rules on the gain of a model over independent units.

use super::advice::Advice::{
    Centering, LargerRate, LessDecay, LessSparsity, MoreEpochs, MoreSweeps, MoreUnits, SmallerRate,
    Tempering,
};
use super::symptom::{AT_END, Symptom, is_early, percent};
use crate::monitor::EpochRecord;
use crate::run::Summary;

/// The least gain in log-likelihood over independent units, as a share of theirs. A doubtful value this
/// far below them is worse than no model.
pub const LEAST_GAIN: f64 = 0.05;

/// The same for the pseudo-likelihood, which counts the dependence of two units twice.
pub const LEAST_PSEUDO_GAIN: f64 = 2.0 * LEAST_GAIN;

/// The score of a model compared with independent units.
struct Gain {
    /// The name of the score.
    by: &'static str,
    score: f64,
    independent: f64,
    /// The model is worse than no model if its score is this share below `independent`.
    worse: f64,
    /// The model has learned something if its score is this share above `independent`.
    learned: f64,
}

impl Gain {
    /// The gain by the log-likelihood if it is known, else by the pseudo-likelihood; `None` while
    /// training is too short to judge.
    fn of(run: &Summary) -> Option<Self> {
        let last = run.last()?;
        // A short run is judged at its end.
        let is_judged = !is_early(last) || run.share_done() >= AT_END;
        Self::by_likelihood(run).or_else(|| Self::by_pseudo(last)).filter(|_| is_judged)
    }

    /// The gain by the log-likelihood. A trusted value below independent units is worse than no model; a
    /// doubtful value counts only if it is far below them.
    fn by_likelihood(run: &Summary) -> Option<Self> {
        let report = run.likelihood()?.report;
        let (score, independent) = (report.log_likelihood?, report.log_likelihood_independent?);
        if !report.is_doubtful() {
            let (by, worse, learned) = ("log-likelihood", 0.0, LEAST_GAIN);
            return Some(Self { by, score, independent, worse, learned });
        }
        let is_far_below = score < independent - LEAST_GAIN * independent.abs();
        let (by, worse, learned) = ("log-likelihood (doubtful)", LEAST_GAIN, LEAST_GAIN);
        is_far_below.then_some(Self { by, score, independent, worse, learned })
    }

    fn by_pseudo(last: &EpochRecord) -> Option<Self> {
        let (score, independent) = (last.pseudo_likelihood?, last.pseudo_likelihood_independent?);
        let (by, worse, learned) = ("pseudo-likelihood", LEAST_PSEUDO_GAIN, LEAST_PSEUDO_GAIN);
        Some(Self { by, score, independent, worse, learned })
    }

    /// The gain as a share of |score of independent units|.
    fn share(&self) -> f64 {
        (self.score - self.independent) / self.independent.abs()
    }

    fn judged(&self, share: f64, bound: &str) -> String {
        let Self { by, score, independent, .. } = self;
        format!(
            "its {by} is {score:.2}, and independent units have {independent:.2}; bound: {} {bound}",
            percent(share)
        )
    }
}

/// The gain by the pseudo-likelihood as a share of that of independent units.
pub fn pseudo_gain(last: &EpochRecord) -> Option<f64> {
    Gain::by_pseudo(last).map(|gain| gain.share())
}

/// The model is worse than independent units.
pub fn worse_than_no_model(run: &Summary) -> Option<Symptom> {
    let gain = Gain::of(run).filter(|gain| gain.share() < -gain.worse)?;
    Some(Symptom {
        name: "worse_than_no_model",
        what: "the model is worse than independent units".to_string(),
        judged: gain.judged(gain.worse, "below"),
        advice: &[Tempering, MoreSweeps, SmallerRate, Centering],
    })
}

/// The model is hardly better than independent units.
pub fn nothing_learned(run: &Summary) -> Option<Symptom> {
    let is_little = |gain: &Gain| (-gain.worse..gain.learned).contains(&gain.share());
    let gain = Gain::of(run).filter(is_little)?;
    Some(Symptom {
        name: "nothing_learned",
        what:
            "the model has learned almost nothing, or there is nothing to learn: the units may be \
             independent"
                .to_string(),
        judged: gain.judged(gain.learned, "better"),
        advice: &[MoreEpochs, LargerRate, LessDecay, LessSparsity, MoreUnits],
    })
}
