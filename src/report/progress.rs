//! Rules on the course of a run's scores: it overfits, or it ended while they still rose.

use super::advice::Advice::{self, FewerUnits, MoreData, MoreDecay, MoreEpochs, StopEarly};
use super::gain::LEAST_PSEUDO_GAIN;
use super::symptom::{AT_END, Symptom, percent};
use crate::monitor::EpochRecord;
use crate::run::Summary;

/// The share of the gain over independent units from which on a free-energy gap is overfitting even while the
/// pseudo-likelihood of held-out examples rises, which sees only what neighbours say.
const FAR_GAP: f64 = 0.5;

/// The largest free-energy gap without overfitting, as a share of the gain over independent units.
const MOST_GAP: f64 = 0.1;

/// The largest fall of a score, and the largest free-energy gap, in standard errors.
const MOST_ERRORS: f64 = 3.0;

/// The model knows the training data by heart: the score of held-out examples has fallen, or they have far more free
/// energy.
pub fn overfitting(run: &Summary) -> Option<Symptom> {
    let last = run.last()?;
    last.pseudo_likelihood_test.or(last.free_energy_test).or(last.free_energy_gap)?;
    let likelihood: Vec<_> = run.records.iter().filter_map(likelihood_of).collect();
    if likelihood.len() > 1 {
        return fallen(run, LIKELIHOOD, &likelihood, likelihood_of);
    }
    let pseudo: Vec<_> = run.records.iter().filter_map(pseudo_of).collect();
    let by_pseudo = fallen(run, PSEUDO, &pseudo, pseudo_of);
    by_pseudo.or_else(|| too_large_a_gap(run, &pseudo))
}

/// The largest rise of the pseudo-likelihood with a doubling of the epochs in a run that is long enough, as a share of
/// the gain over independent units. In runs of 784-500 on MNIST of 2, 3, 5, 10, 20 and 60 epochs it was 3.7, 4.4, 4.2,
/// 3.4, 3.0 and 2.4 %; with 6,000 of the examples and 100 hidden units, in runs of 5, 20, 60 and 400 epochs, 12.9, 6.7,
/// 3.4 and 1.6 %.
const MOST_RISE: f64 = 0.035;

/// The least rise with a doubling that is worth more epochs, in nats an example.
const LEAST_RISE: f64 = 0.1;

/// A rise that counts is beyond the standard errors, and so many times the largest fall on the way.
const FALLS: f64 = 2.0;

/// The names of scores of held-out data.
const LIKELIHOOD: &str = "log-likelihood of held-out data";
const PSEUDO: &str = "pseudo-likelihood of held-out data";

/// The score of an epoch and its standard error.
#[derive(Clone, Copy)]
struct Scored {
    epoch: usize,
    updates: u64,
    score: f64,
    error: f64,
}

/// The score of a record, if it was measured.
type ScoreOf = fn(&EpochRecord) -> Option<Scored>;

fn likelihood_of(record: &EpochRecord) -> Option<Scored> {
    let report = Some(&record.likelihood).filter(|report| !report.is_doubtful())?;
    let (score, error) = (report.log_likelihood?, report.log_likelihood_error?);
    Some(Scored { epoch: record.epoch, updates: record.updates, score, error })
}

fn pseudo_of(record: &EpochRecord) -> Option<Scored> {
    let (score, error) = (record.pseudo_likelihood_test?, record.pseudo_likelihood_test_error?);
    Some(Scored { epoch: record.epoch, updates: record.updates, score, error })
}

const OVERFITTING: &[Advice] = &[StopEarly, MoreData, FewerUnits, MoreDecay];

/// The score of the model is far below the best one of the run.
fn fallen(run: &Summary, name: &str, scores: &[Scored], score_of: ScoreOf) -> Option<Symptom> {
    let best = scores.iter().copied().max_by(|a, b| a.score.total_cmp(&b.score))?;
    let now = run.of_model().and_then(score_of).or(scores.last().copied())?;
    let (fall, most) = (best.score - now.score, MOST_ERRORS * best.error.max(now.error));
    (fall > most).then(|| Symptom {
        name: "overfitting",
        what: format!(
            "the model overfits: the {name} was best in epoch {} and has fallen by {fall:.2} nats",
            best.epoch
        ),
        judged: format!(
            "{:.2} in epoch {}, and {:.2} in epoch {}; bound {MOST_ERRORS} standard errors, {most:.2}",
            best.score, best.epoch, now.score, now.epoch
        ),
        advice: OVERFITTING,
    })
}

/// Held-out examples have far more free energy than training examples, by what independent units do not explain.
fn too_large_a_gap(run: &Summary, pseudo: &[Scored]) -> Option<Symptom> {
    let last = run.last()?;
    let gap = last.free_energy_gap?;
    // Runs of earlier versions know neither.
    let at_first = run.records.iter().find_map(|record| record.free_energy_gap);
    let excess = gap - last.free_energy_gap_independent.or(at_first)?;
    // The pseudo-likelihood counts the dependence of two units twice.
    let gain = (last.pseudo_likelihood? - last.pseudo_likelihood_independent?) / 2.0;
    let error = last.free_energy_gap_error.unwrap_or(0.0);
    let most = (MOST_GAP * gain).max(MOST_ERRORS * error);
    let is_far = excess > most.max(FAR_GAP * gain);
    (is_far || (excess > most && !still_rises(pseudo))).then(|| Symptom {
        name: "overfitting",
        what: format!("the model overfits: held-out data have {excess:.1} nats more free energy"),
        judged: format!(
            "free energy of held-out data minus free energy of training data, less that gap of \
             independent units, {excess:.2} ± {error:.2}; bound {most:.2}, a tenth of the gain over independent \
             units and {MOST_ERRORS} standard errors"
        ),
        advice: OVERFITTING,
    })
}

/// Whether the mean of the last third of the scores is above that of the third before.
fn still_rises(scores: &[Scored]) -> bool {
    let third = scores.len() / 3;
    let mut latest = scores.iter().rev().map(|scored| scored.score);
    let mut sum = || latest.by_ref().take(third).sum::<f64>();
    let (late, before) = (sum(), sum());
    third > 0 && late > before
}

/// The pseudo-likelihood of held-out examples still rises much with each doubling of the epochs; that of training
/// examples rises for as long as they are learnt by heart. A rate that falls to zero flattens the end of every run, so
/// the whole of its last three quarters is looked at. The log-likelihood would not do: of 784-500 on MNIST it is -192
/// in epoch 5 of 20, while the rate is high, and -86 at the end, with the pseudo-likelihood at -77 and -69.
pub fn too_short(run: &Summary) -> Option<Symptom> {
    if run.share_done() < AT_END {
        return None;
    }
    let scores: Vec<_> = run.records.iter().filter_map(pseudo_of).collect();
    let independent = run.records.iter().rev().find_map(|r| r.pseudo_likelihood_independent)?;
    let end = *scores.last()?;
    let doublings = |from: &Scored| libm::log2(end.updates as f64 / from.updates as f64);
    // The record next to a quarter of the run, two doublings before its end.
    let distance = |(_, scored): &(usize, &Scored)| (doublings(scored) - 2.0).abs();
    let before = scores.iter().enumerate().filter(|(_, scored)| 2 * scored.updates <= end.updates);
    let (at, start) = before.min_by(|one, other| distance(one).total_cmp(&distance(other)))?;
    let (rise, gain) = (end.score - start.score, end.score - independent);
    let each = rise / doublings(start);
    let falls = scores[at..].windows(2).map(|pair| pair[0].score - pair[1].score);
    let noise = FALLS * falls.fold(0.0, f64::max);
    let is_wrong = gain >= LEAST_PSEUDO_GAIN * independent.abs()
        && each > LEAST_RISE.max(MOST_RISE * gain)
        && rise > noise.max(start.error).max(end.error);
    is_wrong.then(|| Symptom {
        name: "too_short",
        what: format!(
            "the training looks too short: each doubling of its epochs still raised the {PSEUDO} by {each:.2} nats"
        ),
        judged: format!(
            "{:.2} in epoch {}, and {:.2} in epoch {}; a doubling adds {} of the gain over independent units \
             ({independent:.2}); bound {}",
            start.score,
            start.epoch,
            end.score,
            end.epoch,
            percent(each / gain),
            percent(MOST_RISE)
        ),
        advice: &[MoreEpochs],
    })
}
