//! The rules of the health check: when each is broken, in its words, and the advice that it asks for.

use super::advice::Advice::{
    self, Centering, FewerUnits, Keep as KeepBest, LargerRate, LessDecay, LessSparsity, MoreData,
    MoreDecay, MoreEpochs, MoreSweeps, MoreUnits, SmallerRate, Tempering, WarmUp,
};
use crate::monitor::{EpochRecord, Metric};
use crate::run::Summary;

/// What a rule found.
pub struct Symptom {
    /// One word for it; two rules may share it.
    pub name: &'static str,
    /// What is wrong.
    pub what: String,
    /// The figure and its bound.
    pub judged: String,
    /// What may help.
    pub advice: &'static [Advice],
}

/// A rule; it finds nothing where its figures are not known.
type Rule = fn(&Summary) -> Option<Symptom>;

/// All rules, in the order in which findings are told.
pub const RULES: [Rule; 14] = [
    diverged,
    worse_than_no_model,
    nothing_learned,
    dead_units,
    saturated_units,
    overfitting,
    stuck_chains,
    chains_elsewhere,
    idle_from_the_start,
    large_updates,
    small_updates,
    getting_worse,
    still_growing,
    not_finite,
];

/// Share of the hidden units that may be dead, or saturated.
const MOST_IDLE: f64 = 0.1;

/// Share of the hidden units that may be idle at the first record.
const MOST_IDLE_AT_FIRST: f64 = 0.5;

/// Free-energy gap that is overfitting, as a share of the pseudo-likelihood's size.
const MOST_GAP: f64 = 0.1;

/// Least share of visible bits that a sweep changes; 3 to 20 % was healthy on MNIST.
const LEAST_FLIPS: f64 = 0.01;

/// The same as a share of what independent draws at the rates of the data change: bits that hardly vary
/// in the data need not in the chains.
const LEAST_FLIPS_OF_DATA: f64 = 0.1;

/// Largest change of the weights in one update, as a share of them; 0.001 is a rule of thumb (Hinton,
/// 2012, section 7), and ten times as much was healthy on MNIST.
const MOST_UPDATE_SHARE: f64 = 0.3;

/// What all updates together must be able to change at least, as a share of the weights.
const LEAST_CHANGE: f64 = 1.0;

/// What a machine's log-likelihood must be better than that of units that know nothing of each other, as
/// a share of it; as much below it is worse than no model.
const LEAST_GAIN: f64 = 0.05;

/// The same of the pseudo-likelihood, which counts what two units know of each other twice.
const LEAST_PSEUDO_GAIN: f64 = 2.0 * LEAST_GAIN;

/// How far the chains' means may lie from the data's, in deviations of as many draws; 0.5 to 1.1 was usual at
/// the end of runs on MNIST, up to 2.5 at their start.
const MOST_MOMENT_GAP: f64 = 4.0;

/// Updates before which weights are still near their start, and their changes say little.
const EARLY: u64 = 300;

/// Share of its planned course from which on a run is at its end, and judged by what it has become.
const AT_END: f64 = 0.9;

/// Growth of the weights' norm in the last tenth of a run that means that it is not at its end.
const MOST_GROWTH: f64 = 0.03;

/// How far the pseudo-likelihood may fall from its best, as a share of its size.
const MOST_FALL: f64 = 0.15;

fn diverged(run: &Summary) -> Option<Symptom> {
    let failure = run.failure.as_ref().filter(|failure| failure.starts_with("diverged"))?;
    Some(Symptom {
        name: "diverged",
        what: "the parameters left the range in which they can be trained".to_string(),
        judged: failure.clone(),
        advice: &[SmallerRate, Centering, WarmUp],
    })
}

fn not_finite(run: &Summary) -> Option<Symptom> {
    let last = run.last()?;
    (last.pseudo_likelihood.is_none() || last.weight_norm.is_none()).then(|| Symptom {
        name: "not_finite",
        what: "some figures are not finite".to_string(),
        judged: "pseudo-likelihood and norm of the last record".to_string(),
        advice: &[SmallerRate],
    })
}

fn dead_units(run: &Summary) -> Option<Symptom> {
    let dead = run.last()?.dead_hidden.filter(|dead| *dead > MOST_IDLE)?;
    Some(Symptom {
        name: "dead_units",
        what: format!(
            "{} of the hidden units are dead: no example switches them on",
            percent(dead)
        ),
        judged: format!(
            "mean activity below 0.1 % on the training subset; bound {}",
            percent(MOST_IDLE)
        ),
        advice: &[SmallerRate, LessSparsity, Centering, FewerUnits],
    })
}

fn saturated_units(run: &Summary) -> Option<Symptom> {
    let saturated = run.last()?.saturated_hidden.filter(|saturated| *saturated > MOST_IDLE)?;
    Some(Symptom {
        name: "saturated_units",
        what: format!("{} of the hidden units are saturated: always on", percent(saturated)),
        judged: format!(
            "mean activity above 99.9 % on the training subset; bound {}",
            percent(MOST_IDLE)
        ),
        advice: &[SmallerRate, Centering, MoreDecay],
    })
}

/// Training data that the machine knows better than others.
fn overfitting(run: &Summary) -> Option<Symptom> {
    let last = run.last()?;
    let (gap, pseudo) = (last.free_energy_gap?, last.pseudo_likelihood?);
    let at_first = run.records.iter().find_map(|record| record.free_energy_gap).unwrap_or(gap);
    let most = MOST_GAP * pseudo.abs();
    (gap > most && gap > at_first).then(|| Symptom {
        name: "overfitting",
        what: format!(
            "the machine is overfitted: held-out data have {gap:.1} nats more free energy"
        ),
        judged: format!(
            "free energy of held-out data less that of training data, {gap:.1}; bound {most:.1}, a \
             tenth of the pseudo-likelihood"
        ),
        advice: &[MoreData, FewerUnits, MoreDecay, KeepBest(Metric::FreeEnergyGap)],
    })
}

/// Chains that do not move.
fn stuck_chains(run: &Summary) -> Option<Symptom> {
    let last = run.last()?;
    let flips = last.flip_rate?;
    let of_data = last.flip_rate_independent.map(|rate| LEAST_FLIPS_OF_DATA * rate);
    let least = of_data.map_or(LEAST_FLIPS, |least| least.min(LEAST_FLIPS));
    // States that come by swaps need not change in a sweep.
    (flips < least && last.swap_rates.is_none()).then(|| Symptom {
        name: "stuck_chains",
        what: "the chains hardly move: the negative phase sees the same states again and again"
            .to_string(),
        judged: format!(
            "a sweep changes {} of the visible bits; bound {}",
            percent(flips),
            percent(least)
        ),
        advice: &[Tempering, MoreSweeps, SmallerRate],
    })
}

/// Chains that are not where the data are.
fn chains_elsewhere(run: &Summary) -> Option<Symptom> {
    // For a moment, chains may be anywhere: it counts what both of the last two records say.
    let latest = run.records.iter().rev().take(2).filter_map(|record| record.chain_moment_gap);
    let gap = latest.fold(f64::INFINITY, f64::min);
    let is_wrong = !is_early(run.last()?) && gap.is_finite() && gap > MOST_MOMENT_GAP;
    is_wrong.then(|| Symptom {
        name: "chains_elsewhere",
        what: "the chains are not where the data are: the machine has modes that the data have not, \
               or the chains miss modes of the data"
            .to_string(),
        judged: format!(
            "the means of the visible units over the chains lie {gap:.1} deviations of as many draws \
             from those of the data; bound {MOST_MOMENT_GAP}"
        ),
        advice: &[Tempering, MoreSweeps, SmallerRate],
    })
}

fn rate_too_high(judged: String) -> Symptom {
    Symptom {
        name: "learning_rate_too_high",
        what: "the learning rate looks too high".to_string(),
        judged,
        advice: &[SmallerRate, LessSparsity, WarmUp],
    }
}

/// The share of hidden units that tell nothing at the first record.
fn idle_at_first(run: &Summary) -> Option<f64> {
    let first = run.records.first()?;
    Some(first.dead_hidden? + first.saturated_hidden?)
}

fn idle_from_the_start(run: &Summary) -> Option<Symptom> {
    let idle = idle_at_first(run).filter(|idle| *idle > MOST_IDLE_AT_FIRST)?;
    Some(rate_too_high(format!(
        "{} of the hidden units were idle at the first record; bound {}",
        percent(idle),
        percent(MOST_IDLE_AT_FIRST)
    )))
}

fn large_updates(run: &Summary) -> Option<Symptom> {
    let share = update_share(run)?;
    let is_wrong = !is_early(run.last()?) && share > MOST_UPDATE_SHARE;
    is_wrong.then(|| rate_too_high(format!("{}; bound {MOST_UPDATE_SHARE}", in_words(share))))
}

fn small_updates(run: &Summary) -> Option<Symptom> {
    let (last, share) = (run.last()?, update_share(run)?);
    let change = share * last.updates as f64;
    // Where nothing but the means can be learned, as of a few rows that are alike, the biases do it.
    let has_learned = pseudo_gain(last).is_some_and(|gain| gain >= LEAST_PSEUDO_GAIN);
    let is_wrong = !is_early(last)
        && change < LEAST_CHANGE
        && idle_at_first(run)? < MOST_IDLE_AT_FIRST
        && !has_learned;
    is_wrong.then(|| Symptom {
        name: "learning_rate_too_low",
        what: "the learning rate looks too low: the weights hardly move".to_string(),
        judged: format!(
            "{}, all {} together by {change:.2} at most; bound {LEAST_CHANGE}",
            in_words(share),
            last.updates
        ),
        advice: &[LargerRate],
    })
}

fn in_words(update_share: f64) -> String {
    format!(
        "an update changes the weights by {update_share:.1e} of their norm (median of the first half \
         of the run)"
    )
}

/// What a model gives, beside units that know nothing of each other.
struct Gain {
    /// By which figure.
    by: &'static str,
    score: f64,
    independent: f64,
    /// The share of the latter by which it must lie below to be worse than no model.
    worse: f64,
    /// The share by which it must lie above to have learned something.
    learned: f64,
}

impl Gain {
    /// By the log-likelihood, where it is known; else by the pseudo-likelihood. None as long as it says
    /// little.
    fn of(run: &Summary) -> Option<Self> {
        let last = run.last()?;
        // What a short run ends with is what it has learned.
        let is_judged = !is_early(last) || run.share_done() >= AT_END;
        Self::by_likelihood(run).or_else(|| Self::by_pseudo(last)).filter(|_| is_judged)
    }

    /// A log-likelihood that is known is judged to the nat: below is below. A doubtful one tells only
    /// whether it is far below.
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

    /// As a share of what independent units give.
    fn share(&self) -> f64 {
        (self.score - self.independent) / self.independent.abs()
    }

    fn judged(&self, share: f64, bound: &str) -> String {
        let Self { by, score, independent, .. } = self;
        format!(
            "its {by} is {score:.2}, that of units that know nothing of each other {independent:.2}; \
             bound: {} {bound}",
            percent(share)
        )
    }
}

fn pseudo_gain(last: &EpochRecord) -> Option<f64> {
    Gain::by_pseudo(last).map(|gain| gain.share())
}

fn worse_than_no_model(run: &Summary) -> Option<Symptom> {
    let gain = Gain::of(run).filter(|gain| gain.share() < -gain.worse)?;
    Some(Symptom {
        name: "worse_than_no_model",
        what: "the machine is worse than no model".to_string(),
        judged: gain.judged(gain.worse, "below"),
        advice: &[Tempering, MoreSweeps, SmallerRate, Centering],
    })
}

fn nothing_learned(run: &Summary) -> Option<Symptom> {
    let is_little = |gain: &Gain| (-gain.worse..gain.learned).contains(&gain.share());
    let gain = Gain::of(run).filter(is_little)?;
    Some(Symptom {
        name: "nothing_learned",
        what:
            "the machine has learned next to nothing, or there is nothing to learn: the units may \
               be independent"
                .to_string(),
        judged: gain.judged(gain.learned, "better"),
        advice: &[MoreEpochs, LargerRate, LessDecay, LessSparsity, MoreUnits],
    })
}

/// A run that went downhill.
fn getting_worse(run: &Summary) -> Option<Symptom> {
    let pseudo: Vec<f64> =
        run.records.iter().filter_map(|record| record.pseudo_likelihood).collect();
    let (now, best) = (*pseudo.last()?, pseudo.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    // Near 0 any change is many times the figure.
    let independent = run.last()?.pseudo_likelihood_independent.unwrap_or(0.0);
    let most = MOST_FALL * best.abs().max(LEAST_PSEUDO_GAIN * independent.abs());
    (now < best - most).then(|| Symptom {
        name: "getting_worse",
        what: "training has made the machine worse than it was".to_string(),
        judged: format!("pseudo-likelihood {now:.1}, at best {best:.1}; bound {most:.1} less"),
        advice: &[SmallerRate, MoreSweeps, KeepBest(Metric::PseudoLikelihood)],
    })
}

/// A run that is not at its end, though its plan is.
fn still_growing(run: &Summary) -> Option<Symptom> {
    let records = &run.records;
    let last = records.len().checked_sub(1)?;
    let tenth = last - records.len().div_ceil(10).min(last);
    let (before, now) = (records[tenth].weight_norm?, records[last].weight_norm?);
    let growth = now / before.max(f64::MIN_POSITIVE) - 1.0;
    let is_wrong = records.len() >= 10 && run.share_done() >= AT_END && growth > MOST_GROWTH;
    is_wrong.then(|| Symptom {
        name: "still_growing",
        what: "the weights are still growing: training is not at its end".to_string(),
        judged: format!(
            "their norm grew by {} in the last tenth; bound {}",
            percent(growth),
            percent(MOST_GROWTH)
        ),
        advice: &[MoreEpochs],
    })
}

/// Whether weights are still near their start.
fn is_early(last: &EpochRecord) -> bool {
    last.updates < EARLY
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// The median change of the weights in an update, as a share of them, over the first half of a run
/// without its first record, when the weights are small.
fn update_share(run: &Summary) -> Option<f64> {
    let half = &run.records[..run.records.len().div_ceil(2)];
    let half = if half.len() > 1 { &half[1..] } else { half };
    let mut shares: Vec<f64> =
        half.iter().filter_map(|record| Some(record.update_norm? / record.weight_norm?)).collect();
    shares.sort_by(f64::total_cmp);
    shares.get(shares.len() / 2).copied()
}
