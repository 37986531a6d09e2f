//! The rules of the health check: when each finds a symptom, its text and its advice.

use super::advice::Advice::{
    self, Centering, FewerMissing, FewerUnits, Keep as KeepBest, LargerRate, LessSparsity,
    MoreDecay, MoreEpochs, MoreFollowing, MoreSweeps, SampleByTempering, SmallerRate, Tempering,
    WarmUp,
};
use super::gain::{LEAST_PSEUDO_GAIN, nothing_learned, pseudo_gain, worse_than_no_model};
use super::progress::{overfitting, too_short};
use super::symptom::{AT_END, Symptom, is_early, percent};
use crate::evaluate::Mixing;
use crate::evaluate::mixing::{LEAST_ERRORS, LEAST_OUTSIDE, LEAST_RATIO};
use crate::gibbs::LEAST_SWAP_RATE;
use crate::monitor::Metric;
use crate::monitor::online_log_z::collapse;
use crate::run::Summary;
use crate::train::{Missing, Objective};

/// A rule; it finds nothing if its values are not known.
type Rule = fn(&Summary) -> Option<Symptom>;

/// All rules, in the order of their findings.
pub const RULES: [Rule; 21] = [
    diverged,
    worse_than_no_model,
    nothing_learned,
    dead_units,
    saturated_units,
    overfitting,
    too_short,
    stuck_chains,
    torn_ladder,
    chains_elsewhere,
    wrong_masses,
    spurious_modes,
    chains_do_not_mix,
    modes_not_checked,
    idle_from_the_start,
    large_updates,
    small_updates,
    getting_worse,
    still_growing,
    log_z_collapsed,
    not_finite,
];

/// The share of the hidden units that may be dead, or saturated.
const MOST_IDLE: f64 = 0.1;

/// The share of the hidden units that may be idle at the first record.
const MOST_IDLE_AT_FIRST: f64 = 0.5;

/// The least share of visible bits that a sweep changes; 3 to 20 % was healthy on MNIST.
const LEAST_FLIPS: f64 = 0.01;

/// The same bound as a share of the flip rate of independent draws with the mean of the data: bits that
/// hardly vary in the data need not vary in the chains.
const LEAST_FLIPS_OF_DATA: f64 = 0.1;

/// The largest change of the weights in one update, as a share of their norm. A rule of thumb is 0.001
/// (Hinton, 2012, section 7); ten times as much was healthy on MNIST.
const MOST_UPDATE_SHARE: f64 = 0.3;

/// The least change of the weights by all updates together, as a share of their norm.
const LEAST_CHANGE: f64 = 1.0;

/// The largest distance between the means of the chains and of the data, in standard errors. At the end
/// of runs on MNIST it was 0.5 to 1.1, at their start up to 2.5.
const MOST_MOMENT_GAP: f64 = 4.0;

/// The largest growth of the weights' norm in the last tenth of a run that has converged.
const MOST_GROWTH: f64 = 0.03;

/// The largest fall of the pseudo-likelihood from its best value, as a share of its size.
const MOST_FALL: f64 = 0.15;

fn diverged(run: &Summary) -> Option<Symptom> {
    let failure = run.failure.as_ref().filter(|failure| failure.starts_with("diverged"))?;
    Some(Symptom {
        name: "diverged",
        what: "the parameters left the range that training can represent".to_string(),
        judged: failure.clone(),
        advice: &[SmallerRate, Centering, WarmUp],
    })
}

fn not_finite(run: &Summary) -> Option<Symptom> {
    let last = run.last()?;
    // Without p(v), or where missing values are summed out, there may be no pseudo-likelihood.
    let train = &run.file.settings.train;
    let is_scored =
        train.objective != Objective::Discriminative && train.missing != Some(Missing::Marginal);
    let has_score = last.pseudo_likelihood.is_some() || !is_scored;
    (!has_score || last.weight_norm.is_none()).then(|| Symptom {
        name: "not_finite",
        what: "some values are not finite".to_string(),
        judged: "pseudo-likelihood and weight norm of the last record".to_string(),
        advice: &[SmallerRate],
    })
}

fn dead_units(run: &Summary) -> Option<Symptom> {
    let dead = run.last()?.dead_hidden.filter(|dead| *dead > MOST_IDLE)?;
    Some(Symptom {
        name: "dead_units",
        what: format!("{} of the hidden units are dead: no example turns them on", percent(dead)),
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

/// The weights that estimate log Z along training have collapsed.
fn log_z_collapsed(run: &Summary) -> Option<Symptom> {
    let n_chains = run.file.settings.run.online_log_z?;
    let judged = collapse(run.last()?, n_chains)?;
    Some(Symptom {
        name: "log_z_collapsed",
        what: "log Z along training is not known: its weights have collapsed".to_string(),
        judged,
        advice: &[SmallerRate, MoreFollowing],
    })
}

/// The chains hardly move.
fn stuck_chains(run: &Summary) -> Option<Symptom> {
    let last = run.last()?;
    let flips = last.flip_rate?;
    let of_data = last.flip_rate_independent.map(|rate| LEAST_FLIPS_OF_DATA * rate);
    let least = of_data.map_or(LEAST_FLIPS, |least| least.min(LEAST_FLIPS));
    // With tempering, swaps bring new states, so sweeps need not change them.
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

/// Two neighbours on the ladder of models hardly ever swap states.
fn torn_ladder(run: &Summary) -> Option<Symptom> {
    let last = run.last()?;
    last.round_trips?;
    let rates = last.swap_rates.iter().flatten().enumerate();
    let rates = rates.filter_map(|(at, rate)| Some((at, (*rate)?)));
    let (at, rate) = rates.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (rate < LEAST_SWAP_RATE).then(|| Symptom {
        name: "torn_ladder",
        what:
            "two neighbours on the ladder of models hardly ever swap: no new states reach the model"
                .to_string(),
        judged: format!(
            "rungs {at} and {} swap at a rate of {rate:.4}; bound {LEAST_SWAP_RATE}",
            at + 1
        ),
        advice: &[Tempering, SmallerRate],
    })
}

/// The chains are far from the data.
fn chains_elsewhere(run: &Summary) -> Option<Symptom> {
    // Chains may be far away for a moment, so both of the last two records must agree.
    let latest = run.records.iter().rev().take(2).filter_map(|record| record.chain_moment_gap);
    let gap = latest.fold(f64::INFINITY, f64::min);
    let is_wrong = !is_early(run.last()?) && gap.is_finite() && gap > MOST_MOMENT_GAP;
    is_wrong.then(|| Symptom {
        name: "chains_elsewhere",
        what:
            "the chains are far from the data: the model has modes that the data do not have, or \
               the chains miss modes of the data"
                .to_string(),
        judged: format!(
            "the means of the visible units over the chains lie {gap:.1} standard errors from the \
             means of the data; bound {MOST_MOMENT_GAP}"
        ),
        advice: &[Tempering, MoreSweeps, SmallerRate],
    })
}

/// The model gives modes of the data the wrong mass.
fn wrong_masses(run: &Summary) -> Option<Symptom> {
    of_mixing(run, "wrong_masses", &[Tempering, Centering])
}

/// The model has modes that the data do not have.
fn spurious_modes(run: &Summary) -> Option<Symptom> {
    of_mixing(run, "spurious_modes", &[Tempering, Centering])
}

/// Plain chains do not reach all modes.
fn chains_do_not_mix(run: &Summary) -> Option<Symptom> {
    of_mixing(run, "chains_do_not_mix", &[SampleByTempering])
}

/// Too many values are missing to see modes.
fn modes_not_checked(run: &Summary) -> Option<Symptom> {
    let judged = run.evaluation.as_ref()?.mixing_unchecked.clone()?;
    Some(Symptom {
        name: "modes_not_checked",
        what: "whether the model gives the modes of the data the right mass was not checked"
            .to_string(),
        judged,
        advice: &[FewerMissing],
    })
}

/// The warning of this name by the mixing check, if there is one.
fn of_mixing(run: &Summary, name: &'static str, advice: &'static [Advice]) -> Option<Symptom> {
    let mixing = run.mixing()?;
    let warning = mixing.warnings.iter().find(|warning| warning.name == name)?;
    let Mixing { n_examples, n_chains, .. } = mixing;
    let judged = match (&mixing.model_samples, name) {
        (Some(origin), "wrong_masses" | "spurious_modes") => {
            format!("clusters of {n_examples} examples, and the model's samples ({origin})")
        }
        _ => format!("clusters of {n_examples} examples, and {n_chains} chains"),
    };
    let judged = format!(
        "{judged}; bound a factor of {LEAST_RATIO} and {LEAST_ERRORS} standard errors, or {} outside of all clusters",
        percent(LEAST_OUTSIDE)
    );
    Some(Symptom { name, what: warning.what.clone(), judged, advice })
}

fn rate_too_high(judged: String) -> Symptom {
    Symptom {
        name: "learning_rate_too_high",
        what: "the learning rate looks too high".to_string(),
        judged,
        advice: &[SmallerRate, LessSparsity, WarmUp],
    }
}

/// The share of idle hidden units at the first record.
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
    // Where most values are absent, as ratings are, an update is of few units, and large ones were best.
    if run.file.settings.train.missing == Some(Missing::Absent) {
        return None;
    }
    let share = update_share(run)?;
    let is_wrong = !is_early(run.last()?) && share > MOST_UPDATE_SHARE;
    is_wrong.then(|| rate_too_high(format!("{}; bound {MOST_UPDATE_SHARE}", in_words(share))))
}

fn small_updates(run: &Summary) -> Option<Symptom> {
    let (last, share) = (run.last()?, update_share(run)?);
    let change = share * last.updates as f64;
    // If only the means can be learned, as from a few rows that are alike, the biases suffice.
    let has_learned = pseudo_gain(last).is_some_and(|gain| gain >= LEAST_PSEUDO_GAIN);
    let is_wrong = !is_early(last)
        && change < LEAST_CHANGE
        && idle_at_first(run)? < MOST_IDLE_AT_FIRST
        && !has_learned;
    is_wrong.then(|| Symptom {
        name: "learning_rate_too_low",
        what: "the learning rate looks too low: the weights hardly move".to_string(),
        judged: format!(
            "{}, and all {} updates by at most {change:.2}; bound {LEAST_CHANGE}",
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

/// The pseudo-likelihood fell far from its best value.
fn getting_worse(run: &Summary) -> Option<Symptom> {
    let pseudo: Vec<f64> =
        run.records.iter().filter_map(|record| record.pseudo_likelihood).collect();
    let (now, best) = (*pseudo.last()?, pseudo.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    // Near 0 any change is a large share of the value.
    let independent = run.last()?.pseudo_likelihood_independent.unwrap_or(0.0);
    let most = MOST_FALL * best.abs().max(LEAST_PSEUDO_GAIN * independent.abs());
    (now < best - most).then(|| Symptom {
        name: "getting_worse",
        what: "training has made the model worse than it was".to_string(),
        judged: format!(
            "the pseudo-likelihood is {now:.1}, and at best it was {best:.1}; bound {most:.1} less"
        ),
        advice: &[SmallerRate, MoreSweeps, KeepBest(Metric::PseudoLikelihood)],
    })
}

/// The weights still grow at the end of the planned training.
fn still_growing(run: &Summary) -> Option<Symptom> {
    let records = &run.records;
    let last = records.len().checked_sub(1)?;
    let tenth = last - records.len().div_ceil(10).min(last);
    let (before, now) = (records[tenth].weight_norm?, records[last].weight_norm?);
    let growth = now / before.max(f64::MIN_POSITIVE) - 1.0;
    let is_wrong = records.len() >= 10
        && run.share_done() >= AT_END
        && growth > MOST_GROWTH
        // Which says the same of the score.
        && too_short(run).is_none();
    is_wrong.then(|| Symptom {
        name: "still_growing",
        what: "the weights are still growing: training has not converged".to_string(),
        judged: format!(
            "their norm grew by {} in the last tenth; bound {}",
            percent(growth),
            percent(MOST_GROWTH)
        ),
        advice: &[MoreEpochs],
    })
}

/// The median change of the weights in an update, as a share of their norm, over the first half of the
/// run. The first record is left out, as the weights are small then.
fn update_share(run: &Summary) -> Option<f64> {
    let half = &run.records[..run.records.len().div_ceil(2)];
    let half = if half.len() > 1 { &half[1..] } else { half };
    let mut shares: Vec<f64> =
        half.iter().filter_map(|record| Some(record.update_norm? / record.weight_norm?)).collect();
    shares.sort_by(f64::total_cmp);
    shares.get(shares.len() / 2).copied()
}
