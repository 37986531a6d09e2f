//! A health check in plain words: what looks wrong with a run, how that was judged, what to try.
//!
//! Every finding asks for [`Advice`]; what is said of it knows the settings of the run, and nothing is
//! advised whose opposite is.

use super::advice::{Advice, is_opposed};
use crate::monitor::{EpochRecord, Metric};
use crate::run::{Settings, Summary};
use Advice::{
    Centering, FewerUnits, Keep as KeepBest, LargerRate, LessDecay, LessSparsity, MoreData,
    MoreDecay, MoreEpochs, MoreSweeps, MoreUnits, SmallerRate, Tempering, WarmUp,
};

/// Something that looks wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// One word for it, for programs: `dead_units`, `overfitting`, …
    pub name: &'static str,
    /// What is wrong.
    pub what: String,
    /// How it was judged: the figure and its bound.
    pub judged: String,
    /// What to try.
    pub remedy: String,
}

/// Share of the hidden units that may be dead, or saturated.
const MOST_IDLE: f64 = 0.1;

/// Free-energy gap that is overfitting, as a share of the pseudo-likelihood's size.
const MOST_GAP: f64 = 0.1;

/// Least share of visible bits that a sweep changes; 3 to 20 % was healthy on MNIST.
const LEAST_FLIPS: f64 = 0.01;

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

/// What was found, with the advice that it asks for.
struct Findings(Vec<(Finding, &'static [Advice])>);

impl Findings {
    /// Takes in a finding, unless it is there for another reason.
    fn find(
        &mut self,
        name: &'static str,
        is_wrong: bool,
        what: &str,
        judged: String,
        advice: &'static [Advice],
    ) {
        if is_wrong && !self.0.iter().any(|(finding, _)| finding.name == name) {
            let what = what.to_string();
            self.0.push((Finding { name, what, judged, remedy: String::new() }, advice));
        }
    }

    /// With their remedies. What only asks for more training, or larger steps, is no finding where
    /// others ask for the opposite.
    fn advised(self, settings: &Settings) -> Vec<Finding> {
        let all: Vec<Advice> =
            self.0.iter().flat_map(|(_, advice)| advice.iter().copied()).collect();
        let with_remedy = |(finding, advice): (Finding, &[Advice])| {
            let left = advice.iter().filter(|advice| !is_opposed(**advice, &all));
            let texts: Vec<_> = left.filter_map(|advice| advice.text(settings)).collect();
            let is_of_course = advice.iter().all(|one| matches!(one, LargerRate | MoreEpochs));
            let remedy = match &texts[..] {
                [] if is_of_course => return None,
                [] => "what the other findings ask for".to_string(),
                [one] => one.clone(),
                [others @ .., last] => format!("{}, or {last}", others.join(", ")),
            };
            Some(Finding { remedy, ..finding })
        };
        self.0.into_iter().filter_map(with_remedy).collect()
    }
}

/// Looks at what is known of a run.
pub fn check(run: &Summary) -> Vec<Finding> {
    let records = &run.records[..];
    let mut found = Findings(Vec::new());
    if let Some(failure) = run.failure.as_ref().filter(|failure| failure.starts_with("diverged")) {
        found.find(
            "diverged",
            true,
            "the parameters left the range in which they can be trained",
            failure.clone(),
            &[SmallerRate, Centering, WarmUp],
        );
    }
    if let (Some(first), Some(last)) = (records.first(), records.last()) {
        check_gain(&mut found, run, last);
        check_units(&mut found, last);
        check_overfitting(&mut found, records, last);
        check_chains(&mut found, records, last);
        check_rate(&mut found, records, (first, last));
        check_course(&mut found, run, last);
        found.find(
            "not_finite",
            last.pseudo_likelihood.is_none() || last.weight_norm.is_none(),
            "some figures are not finite",
            "pseudo-likelihood and norm of the last record".to_string(),
            &[SmallerRate],
        );
    }
    found.advised(&run.file.settings)
}

/// Hidden units that tell nothing.
fn check_units(found: &mut Findings, last: &EpochRecord) {
    if let Some(dead) = last.dead_hidden {
        found.find(
            "dead_units",
            dead > MOST_IDLE,
            &format!("{} of the hidden units are dead: no example switches them on", percent(dead)),
            format!(
                "mean activity below 0.1 % on the training subset; bound {}",
                percent(MOST_IDLE)
            ),
            &[SmallerRate, LessSparsity, Centering, FewerUnits],
        );
    }
    if let Some(saturated) = last.saturated_hidden {
        found.find(
            "saturated_units",
            saturated > MOST_IDLE,
            &format!("{} of the hidden units are saturated: always on", percent(saturated)),
            format!(
                "mean activity above 99.9 % on the training subset; bound {}",
                percent(MOST_IDLE)
            ),
            &[SmallerRate, Centering, MoreDecay],
        );
    }
}

/// Training data that the machine knows better than others.
fn check_overfitting(found: &mut Findings, records: &[EpochRecord], last: &EpochRecord) {
    let (Some(gap), Some(pseudo)) = (last.free_energy_gap, last.pseudo_likelihood) else { return };
    let at_first = records.iter().find_map(|record| record.free_energy_gap).unwrap_or(gap);
    let most = MOST_GAP * pseudo.abs();
    found.find(
        "overfitting",
        gap > most && gap > at_first,
        &format!("the machine is overfitted: held-out data have {gap:.1} nats more free energy"),
        format!(
            "free energy of held-out data less that of training data, {gap:.1}; bound {most:.1}, a \
             tenth of the pseudo-likelihood"
        ),
        &[MoreData, FewerUnits, MoreDecay, KeepBest(Metric::FreeEnergyGap)],
    );
}

/// Chains that do not move, or are not where the data are.
fn check_chains(found: &mut Findings, records: &[EpochRecord], last: &EpochRecord) {
    // States that come by swaps need not change in a sweep.
    if let (Some(flips), None) = (last.flip_rate, &last.swap_rates) {
        found.find(
            "stuck_chains",
            flips < LEAST_FLIPS,
            "the chains hardly move: the negative phase sees the same states again and again",
            format!(
                "a sweep changes {} of the visible bits; bound {}",
                percent(flips),
                percent(LEAST_FLIPS)
            ),
            &[Tempering, MoreSweeps, SmallerRate],
        );
    }
    // For a moment, chains may be anywhere: it counts what both of the last two records say.
    let latest = records.iter().rev().take(2).filter_map(|record| record.chain_moment_gap);
    let gap = latest.fold(f64::INFINITY, f64::min);
    found.find(
        "chains_elsewhere",
        last.updates >= EARLY && gap.is_finite() && gap > MOST_MOMENT_GAP,
        "the chains are not where the data are: the machine has modes that the data have not, or the \
         chains miss modes of the data",
        format!(
            "the means of the visible units over the chains lie {gap:.1} deviations of as many draws \
             from those of the data; bound {MOST_MOMENT_GAP}"
        ),
        &[Tempering, MoreSweeps, SmallerRate],
    );
}

/// Steps that are too large or too small.
fn check_rate(
    found: &mut Findings,
    records: &[EpochRecord],
    (first, last): (&EpochRecord, &EpochRecord),
) {
    let name = "learning_rate_too_high";
    let what = "the learning rate looks too high";
    let advice = &[SmallerRate, LessSparsity, WarmUp];
    let idle = Option::zip(first.dead_hidden, first.saturated_hidden).map(|(a, b)| a + b);
    if let Some(idle) = idle {
        let judged = format!(
            "{} of the hidden units were idle at the first record; bound 50 %",
            percent(idle)
        );
        found.find(name, idle > 0.5, what, judged, advice);
    }
    let Some(share) = update_share(records) else { return };
    let judged = format!(
        "an update changes the weights by {share:.1e} of their norm (median of the first half of the \
         run)"
    );
    let is_early = last.updates < EARLY;
    let is_wrong = !is_early && share > MOST_UPDATE_SHARE;
    found.find(name, is_wrong, what, format!("{judged}; bound {MOST_UPDATE_SHARE}"), advice);
    let change = share * last.updates as f64;
    found.find(
        "learning_rate_too_low",
        !is_early && change < LEAST_CHANGE && idle.is_some_and(|x| x < 0.5),
        "the learning rate looks too low: the weights hardly move",
        format!(
            "{judged}, all {} together by {change:.2} at most; bound {LEAST_CHANGE}",
            last.updates
        ),
        &[LargerRate],
    );
}

/// A machine that is no better than none: by its log-likelihood, where it is known.
fn check_gain(found: &mut Findings, run: &Summary, last: &EpochRecord) {
    // A log-likelihood that is known is judged to the nat: below is below. A doubtful one tells only
    // whether it is far below.
    let known = run.likelihood().and_then(|known| {
        let report = known.report;
        let (score, independent) = (report.log_likelihood?, report.log_likelihood_independent?);
        let is_far_below = score < independent - LEAST_GAIN * independent.abs();
        match report.is_doubtful() {
            true if is_far_below => {
                Some(("log-likelihood (doubtful)", (LEAST_GAIN, LEAST_GAIN), score, independent))
            }
            true => None,
            false => Some(("log-likelihood", (0.0, LEAST_GAIN), score, independent)),
        }
    });
    let pseudo = Option::zip(last.pseudo_likelihood, last.pseudo_likelihood_independent);
    let pseudo = pseudo.map(|(score, independent)| {
        ("pseudo-likelihood", (LEAST_PSEUDO_GAIN, LEAST_PSEUDO_GAIN), score, independent)
    });
    let Some((name, (most, least), score, independent)) = known.or(pseudo) else { return };
    // What a short run ends with is what it has learned.
    let is_judged = last.updates >= EARLY || run.share_done() >= AT_END;
    let judged = |share: f64, bound: &str| {
        format!(
            "its {name} is {score:.2}, that of units that know nothing of each other {independent:.2}; \
             bound: {} {bound}",
            percent(share)
        )
    };
    let gain = (score - independent) / independent.abs();
    found.find(
        "worse_than_no_model",
        is_judged && gain < -most,
        "the machine is worse than no model",
        judged(most, "below"),
        &[Tempering, MoreSweeps, SmallerRate, Centering],
    );
    found.find(
        "nothing_learned",
        is_judged && (-most..least).contains(&gain),
        "the machine has learned next to nothing, or there is nothing to learn: the units may be \
         independent",
        judged(least, "better"),
        &[MoreEpochs, LargerRate, LessDecay, LessSparsity, MoreUnits],
    );
}

/// A run that went downhill, or is not at its end.
fn check_course(found: &mut Findings, run: &Summary, last: &EpochRecord) {
    let records = &run.records[..];
    let mut pseudo = records.iter().filter_map(|record| record.pseudo_likelihood);
    let best = pseudo.clone().fold(f64::NEG_INFINITY, f64::max);
    if let Some(now) = pseudo.next_back() {
        // Near 0 any change is many times the figure.
        let independent = last.pseudo_likelihood_independent.unwrap_or(0.0);
        let size = best.abs().max(LEAST_PSEUDO_GAIN * independent.abs());
        found.find(
            "getting_worse",
            now < best - MOST_FALL * size,
            "training has made the machine worse than it was",
            format!(
                "pseudo-likelihood {now:.1}, at best {best:.1}; bound {:.1} less",
                MOST_FALL * size
            ),
            &[SmallerRate, MoreSweeps, KeepBest(Metric::PseudoLikelihood)],
        );
    }
    let tenth = records.len() - 1 - records.len().div_ceil(10).min(records.len() - 1);
    if let (Some(before), Some(now)) = (records[tenth].weight_norm, last.weight_norm) {
        let growth = now / before.max(f64::MIN_POSITIVE) - 1.0;
        found.find(
            "still_growing",
            records.len() >= 10 && run.share_done() >= AT_END && growth > MOST_GROWTH,
            "the weights are still growing: training is not at its end",
            format!(
                "their norm grew by {} in the last tenth; bound {}",
                percent(growth),
                percent(MOST_GROWTH)
            ),
            &[MoreEpochs],
        );
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// The median change of the weights in an update, as a share of them, over the first half of a run
/// without its first record, when the weights are small.
fn update_share(records: &[EpochRecord]) -> Option<f64> {
    let half = &records[..records.len().div_ceil(2)];
    let half = if half.len() > 1 { &half[1..] } else { half };
    let mut shares: Vec<f64> =
        half.iter().filter_map(|record| Some(record.update_norm? / record.weight_norm?)).collect();
    shares.sort_by(f64::total_cmp);
    shares.get(shares.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Keep, RunState};
    use crate::train::Algorithm;
    use serde_json::json;

    /// A run as 784-500 on MNIST was at its defaults, with some fields changed in all records.
    fn run(n: usize, change: impl Fn(usize, &mut EpochRecord)) -> Summary {
        let record = |at: usize| {
            let mut record = EpochRecord {
                epoch: at + 1,
                updates: 469 * (at as u64 + 1),
                pseudo_likelihood: Some(-78.4 - 30.0 / (at + 1) as f64),
                pseudo_likelihood_independent: Some(-206.0),
                free_energy_gap: Some(-0.1),
                mean_hidden_activity: Some(0.25),
                dead_hidden: Some(0.0),
                saturated_hidden: Some(0.014),
                weight_norm: Some(73.7),
                update_norm: Some(0.8),
                flip_rate: Some(0.061),
                chain_moment_gap: Some(1.7),
                ..EpochRecord::default()
            };
            change(at, &mut record);
            record
        };
        Summary {
            folder: "run".into(),
            state: RunState::Done,
            file: Default::default(),
            place: None,
            records: (0..n).map(record).collect(),
            failure: None,
            evaluation: None,
        }
    }

    fn names_of(run: &Summary) -> Vec<&'static str> {
        check(run).iter().map(|finding| finding.name).collect()
    }

    fn names(n: usize, change: impl Fn(usize, &mut EpochRecord)) -> Vec<&'static str> {
        names_of(&run(n, change))
    }

    #[test]
    fn a_healthy_run_has_no_findings_and_each_illness_its_own() {
        assert!(names(10, |_, _| ()).is_empty());
        assert!(names(1, |_, _| ()).is_empty());
        assert_eq!(names(10, |_, r| r.dead_hidden = Some(0.3)), ["dead_units"]);
        assert_eq!(names(10, |_, r| r.saturated_hidden = Some(0.3)), ["saturated_units"]);
        let died = |_, r: &mut EpochRecord| r.dead_hidden = Some(1.0);
        assert_eq!(names(10, died), ["dead_units", "learning_rate_too_high"]);
        let overfitted = |at, r: &mut EpochRecord| r.free_energy_gap = Some(10.0 + at as f64);
        assert_eq!(names(10, overfitted), ["overfitting"]);
        assert_eq!(names(10, |_, r| r.flip_rate = Some(0.001)), ["stuck_chains"]);
        assert_eq!(names(10, |_, r| r.chain_moment_gap = Some(8.0)), ["chains_elsewhere"]);
        assert_eq!(names(10, |_, r| r.update_norm = Some(1e-3)), ["learning_rate_too_low"]);
        assert_eq!(names(10, |_, r| r.update_norm = Some(40.0)), ["learning_rate_too_high"]);
        let worse = |at, r: &mut EpochRecord| r.pseudo_likelihood = Some(-80.0 - 3.0 * at as f64);
        assert_eq!(names(10, worse), ["getting_worse"]);
        let idle = |_, r: &mut EpochRecord| r.pseudo_likelihood = Some(-205.0);
        assert_eq!(names(10, idle), ["nothing_learned"]);
        let bad = |_, r: &mut EpochRecord| r.pseudo_likelihood = Some(-230.0);
        assert_eq!(names(10, bad), ["worse_than_no_model"]);
        let grows = |at, r: &mut EpochRecord| r.weight_norm = Some(70.0 + 5.0 * at as f64);
        assert_eq!(names(10, grows), ["still_growing"]);
        assert_eq!(names(10, |_, r| r.pseudo_likelihood = None), ["not_finite"]);
    }

    #[test]
    fn near_zero_no_run_is_getting_worse() {
        let memorised =
            |at, r: &mut EpochRecord| r.pseudo_likelihood = Some(-0.01 * (1 + at) as f64);
        assert!(names(10, memorised).is_empty());
    }

    #[test]
    fn chains_that_change_places_need_not_flip() {
        let swapped = |_, r: &mut EpochRecord| {
            (r.flip_rate, r.swap_rates) = (Some(0.0006), Some(vec![Some(0.4)]));
        };
        assert!(names(10, swapped).is_empty());
    }

    #[test]
    fn the_log_likelihood_is_judged_before_the_pseudo_likelihood() {
        let scored = |log_likelihood: f64| {
            move |_, r: &mut EpochRecord| {
                r.log_likelihood = Some(log_likelihood);
                r.log_likelihood_independent = Some(-206.3);
                r.verdict = Some("exact".to_string());
            }
        };
        assert!(names(10, scored(-90.0)).is_empty());
        assert_eq!(names(10, scored(-206.4)), ["worse_than_no_model"]);
        assert_eq!(names(10, scored(-203.0)), ["nothing_learned"]);
        // An evaluation is of the model as it is now.
        let mut evaluated = run(10, scored(-90.0));
        evaluated.evaluation = Some(json!({
            "log_likelihood": -250.0, "log_likelihood_independent": -206.3, "verdict": "doubtful",
        }));
        let found = check(&evaluated);
        assert_eq!(found[0].name, "worse_than_no_model");
        assert!(found[0].judged.contains("(doubtful) is -250.00"), "{found:?}");
        // A doubtful one that is near tells nothing; the pseudo-likelihood does.
        evaluated.evaluation = Some(json!({
            "log_likelihood": -207.0, "log_likelihood_independent": -206.3, "verdict": "doubtful",
        }));
        assert!(check(&evaluated).is_empty());
    }

    #[test]
    fn a_run_is_judged_by_what_it_has_become_once_it_is_at_its_end() {
        let short = |at, r: &mut EpochRecord| {
            (r.updates, r.pseudo_likelihood) = (8 * (at as u64 + 1), Some(-205.0));
            r.weight_norm = Some(1.0 + at as f64);
        };
        let mut ended = run(20, short);
        assert_eq!(names_of(&ended), ["nothing_learned", "still_growing"]);
        // The same after 20 of 40 epochs, and of 21.
        ended.state = RunState::Running;
        ended.file.settings.train.epochs = Some(40);
        assert!(names_of(&ended).is_empty());
        ended.file.settings.train.epochs = Some(21);
        assert_eq!(names_of(&ended), ["nothing_learned", "still_growing"]);
    }

    #[test]
    fn advice_knows_the_settings() {
        let mut stuck = run(10, |_, r| r.flip_rate = Some(0.001));
        let remedy = |run: &Summary| check(run)[0].remedy.clone();
        assert!(remedy(&stuck).starts_with("--algorithm pt"), "{}", remedy(&stuck));
        stuck.file.settings.train.algorithm = Algorithm::Pt;
        assert!(
            remedy(&stuck).starts_with("more temperatures (they are 10)"),
            "{}",
            remedy(&stuck)
        );
        let mut saturated = run(10, |_, r| r.saturated_hidden = Some(0.3));
        saturated.file.settings.train.centering = false;
        assert!(remedy(&saturated).ends_with(", --centering, or some weight_decay"));
        saturated.file.settings.train.centering = true;
        saturated.file.settings.train.weight_decay = 0.001;
        let expected = "a learning_rate that is 3 to 10 times smaller (it is 0.2), or more \
                        weight_decay (it is 0.001)";
        assert_eq!(remedy(&saturated), expected);
        let mut worse = run(10, |at, r| r.pseudo_likelihood = Some(-80.0 - 3.0 * at as f64));
        assert!(remedy(&worse).ends_with("--keep best:pseudo_likelihood"));
        worse.file.settings.run.keep = Keep::Best(Metric::PseudoLikelihood);
        assert!(!remedy(&worse).contains("--keep"));
    }

    /// Every set of illnesses at once.
    #[test]
    fn advice_never_contradicts_itself() {
        let illnesses: [fn(usize, &mut EpochRecord); 10] = [
            |_, r| r.dead_hidden = Some(0.3),
            |_, r| r.saturated_hidden = Some(0.3),
            |at, r| r.free_energy_gap = Some(30.0 + at as f64),
            |_, r| r.flip_rate = Some(0.001),
            |_, r| r.chain_moment_gap = Some(8.0),
            |_, r| r.update_norm = Some(1e-3),
            |_, r| r.update_norm = Some(400.0),
            |_, r| r.pseudo_likelihood = Some(-205.0),
            |at, r| r.pseudo_likelihood = Some(-80.0 - 20.0 * at as f64),
            |at, r| r.weight_norm = Some(70.0 + 5.0 * at as f64),
        ];
        for set in 0..1_usize << illnesses.len() {
            let all = (0..illnesses.len()).filter(|at| set >> at & 1 == 1);
            let all: Vec<_> = all.map(|at| illnesses[at]).collect();
            let mut ill = run(10, |at, r| all.iter().for_each(|illness| illness(at, r)));
            ill.file.settings.train.weight_decay = 0.1;
            let found = check(&ill);
            assert_eq!(found.is_empty(), all.is_empty(), "{set:b}");
            let text: String = found.iter().map(|finding| finding.remedy.clone() + "; ").collect();
            for (one, other) in [
                ("times smaller", "times larger"),
                ("times smaller", "more epochs"),
                ("fewer hidden units", "more hidden units"),
                ("fewer hidden units", "more epochs"),
                ("more weight_decay", "less weight_decay"),
            ] {
                assert!(!(text.contains(one) && text.contains(other)), "{set:b}: {text}");
            }
        }
    }

    #[test]
    fn a_run_that_diverged_before_its_first_record_is_ill() {
        let failed = |text: &str| Summary { failure: Some(text.to_string()), ..run(0, |_, _| ()) };
        assert_eq!(names_of(&failed("diverged in epoch 1, at update 3: …")), ["diverged"]);
        assert!(names_of(&failed("disk full")).is_empty());
    }
}
