//! A health check in plain words: what looks wrong with a run, how that was judged, what to try.

use crate::monitor::EpochRecord;

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
    pub remedy: &'static str,
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

/// What a machine must be better than independent pixels, as a share of their log-likelihood.
const LEAST_GAIN: f64 = 0.05;

/// Updates before which weights are still near their start, and their changes say little.
const EARLY: u64 = 300;

/// Growth of the weights' norm in the last tenth of a run that means that it is not at its end.
const MOST_GROWTH: f64 = 0.03;

/// How far the pseudo-likelihood may fall from its best, as a share of its size.
const MOST_FALL: f64 = 0.15;

/// Looks at the records of a run, at what it failed of, if it did, and at the log-likelihood that
/// independent pixels would have, if that is known.
pub fn check(
    records: &[EpochRecord],
    failure: Option<&str>,
    independent_pixels: Option<f64>,
) -> Vec<Finding> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut findings = Vec::new();
    if let Some(failure) = failure.filter(|failure| failure.starts_with("diverged")) {
        findings.push(Finding {
            name: "diverged",
            what: "the parameters left the range in which they can be trained".to_string(),
            judged: failure.to_string(),
            remedy: "a learning_rate that is 3 to 10 times smaller, --centering, or a warm_up",
        });
    }
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return findings };
    let mut find = |name, is_wrong: bool, what: String, judged: String, remedy| {
        if is_wrong {
            findings.push(Finding { name, what, judged, remedy });
        }
    };

    if let Some(dead) = last.dead_hidden {
        find(
            "dead_units",
            dead > MOST_IDLE,
            format!("{} of the hidden units are dead: no example switches them on", percent(dead)),
            format!(
                "mean activity below 0.1 % on the training subset; bound {}",
                percent(MOST_IDLE)
            ),
            "a smaller learning_rate (or sparsity_cost, if there is one), --centering, or fewer units",
        );
    }
    if let Some(saturated) = last.saturated_hidden {
        find(
            "saturated_units",
            saturated > MOST_IDLE,
            format!("{} of the hidden units are saturated: always on", percent(saturated)),
            format!(
                "mean activity above 99.9 % on the training subset; bound {}",
                percent(MOST_IDLE)
            ),
            "a smaller learning_rate, --centering, or some weight_decay",
        );
    }
    if let (Some(gap), Some(pseudo)) = (last.free_energy_gap, last.pseudo_likelihood) {
        let at_first = records.iter().find_map(|record| record.free_energy_gap).unwrap_or(gap);
        let most = MOST_GAP * pseudo.abs();
        find(
            "overfitting",
            gap > most && gap > at_first,
            format!("the machine is overfitted: held-out data have {gap:.1} nats more free energy"),
            format!(
                "free energy of held-out data less that of training data, {gap:.1}; bound {most:.1}, \
                     a tenth of the pseudo-likelihood"
            ),
            "more data, fewer hidden units, weight_decay, or --keep best:free_energy_gap",
        );
    }
    // States that come by swaps need not change in a sweep.
    if let (Some(flips), None) = (last.flip_rate, &last.swap_rates) {
        find(
            "stuck_chains",
            flips < LEAST_FLIPS,
            "the chains hardly move: the negative phase sees the same states again and again"
                .into(),
            format!(
                "a sweep changes {} of the visible bits; bound {}",
                percent(flips),
                percent(LEAST_FLIPS)
            ),
            "a smaller learning_rate, more gibbs_steps, or --algorithm pt",
        );
    }
    let idle = |record: &EpochRecord| Some(record.dead_hidden? + record.saturated_hidden?);
    let share = update_share(records);
    let too_high = "the learning rate looks too high";
    let remedy = "a learning_rate (or sparsity_cost, if there is one) that is 3 to 10 times smaller, or \
                  a warm_up";
    if let Some(idle) = idle(first) {
        let judged = format!(
            "{} of the hidden units were idle at the first record; bound 50 %",
            percent(idle)
        );
        find("learning_rate_too_high", idle > 0.5, too_high.to_string(), judged, remedy);
    }
    if let Some(share) = share {
        let is_wrong = share > MOST_UPDATE_SHARE && last.updates >= EARLY;
        let judged = format!(
            "an update changes the weights by {share:.1e} of their norm (median of the first half of \
             the run); bound {MOST_UPDATE_SHARE}"
        );
        find("learning_rate_too_high", is_wrong, too_high.to_string(), judged, remedy);
    }
    if let (Some(pseudo), Some(independent)) = (last.pseudo_likelihood, independent_pixels) {
        find(
            "nothing_learned",
            last.updates >= EARLY && pseudo < independent + LEAST_GAIN * independent.abs(),
            "the machine has learned next to nothing".to_string(),
            format!(
                "its pseudo-likelihood is {pseudo:.2}, that of pixels that know nothing of each other \
                 {independent:.2}; bound: {} better",
                percent(LEAST_GAIN)
            ),
            "another learning_rate, less weight_decay, more epochs or hidden units",
        );
    }
    if let Some(share) = share {
        let change = share * last.updates as f64;
        find(
            "learning_rate_too_low",
            last.updates >= EARLY && change < LEAST_CHANGE && idle(first).is_some_and(|x| x < 0.5),
            "the learning rate looks too low: the weights hardly move".to_string(),
            format!(
                "an update changes the weights by {share:.1e} of their norm (median of the first half \
                 of the run), all {} together by {change:.2} at most; bound {LEAST_CHANGE}",
                last.updates
            ),
            "a learning_rate that is 3 to 10 times larger",
        );
    }
    let mut pseudo = records.iter().filter_map(|record| record.pseudo_likelihood);
    let best = pseudo.clone().fold(f64::NEG_INFINITY, f64::max);
    if let Some(now) = pseudo.next_back() {
        find(
            "getting_worse",
            now < best - MOST_FALL * best.abs(),
            "training has made the machine worse than it was".to_string(),
            format!("pseudo-likelihood {now:.1}, at best {best:.1}; bound {}", percent(MOST_FALL)),
            "a smaller learning_rate, more gibbs_steps, or --keep best:pseudo_likelihood",
        );
    }
    let tenth = records.len() - 1 - records.len().div_ceil(10).min(records.len() - 1);
    if let (Some(before), Some(now)) = (records[tenth].weight_norm, last.weight_norm) {
        let growth = now / before.max(f64::MIN_POSITIVE) - 1.0;
        find(
            "still_growing",
            records.len() >= 10 && growth > MOST_GROWTH,
            "the weights are still growing: training is not at its end".to_string(),
            format!(
                "their norm grew by {} in the last tenth; bound {}",
                percent(growth),
                percent(MOST_GROWTH)
            ),
            "more epochs (`harmonium resume RUN --epochs N`)",
        );
    }
    find(
        "not_finite",
        last.pseudo_likelihood.is_none() || last.weight_norm.is_none(),
        "some figures are not finite".to_string(),
        "pseudo-likelihood and norm of the last record".to_string(),
        "a smaller learning_rate",
    );
    findings
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

    /// A run as 784-500 on MNIST was at its defaults, with some fields changed in all records.
    fn names(n: usize, change: impl Fn(usize, &mut EpochRecord)) -> Vec<&'static str> {
        let record = |at: usize| {
            let mut record = EpochRecord {
                epoch: at + 1,
                updates: 469 * (at as u64 + 1),
                pseudo_likelihood: Some(-78.4 - 30.0 / (at + 1) as f64),
                free_energy_gap: Some(-0.1),
                mean_hidden_activity: Some(0.25),
                dead_hidden: Some(0.0),
                saturated_hidden: Some(0.014),
                weight_norm: Some(73.7),
                update_norm: Some(0.8),
                flip_rate: Some(0.061),
                ..EpochRecord::default()
            };
            change(at, &mut record);
            record
        };
        let records: Vec<_> = (0..n).map(record).collect();
        check(&records, None, Some(-206.0)).iter().map(|finding| finding.name).collect()
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
        assert_eq!(names(10, |_, r| r.update_norm = Some(1e-3)), ["learning_rate_too_low"]);
        assert_eq!(names(10, |_, r| r.update_norm = Some(40.0)), ["learning_rate_too_high"]);
        let worse = |at, r: &mut EpochRecord| r.pseudo_likelihood = Some(-80.0 - 3.0 * at as f64);
        assert_eq!(names(10, worse), ["getting_worse"]);
        let idle = |_, r: &mut EpochRecord| r.pseudo_likelihood = Some(-205.0);
        assert_eq!(names(10, idle), ["nothing_learned"]);
        let grows = |at, r: &mut EpochRecord| r.weight_norm = Some(70.0 + 5.0 * at as f64);
        assert_eq!(names(10, grows), ["still_growing"]);
        assert_eq!(names(10, |_, r| r.pseudo_likelihood = None), ["not_finite"]);
    }

    #[test]
    fn chains_that_change_places_need_not_flip() {
        let swapped = |_, r: &mut EpochRecord| {
            (r.flip_rate, r.swap_rates) = (Some(0.0006), Some(vec![Some(0.4)]));
        };
        assert!(names(10, swapped).is_empty());
    }

    #[test]
    fn a_run_that_diverged_before_its_first_record_is_ill() {
        let found = check(&[], Some("diverged in epoch 1, at update 3: …"), None);
        assert_eq!(found[0].name, "diverged");
        assert!(check(&[], Some("disk full"), None).is_empty());
    }
}
