//! An evaluation as text for people.

use super::entries::{EntryScore, NumberBaselines};
use super::mixing::{ClusterShares, Mixing, MixingWarning, MomentFit};
use super::report::{
    AnnealingReport, ExchangeReport, ObservedReport, ScoreReport, SideReport, SubjectReport,
};
use super::two_sample::{AdversarialAccuracy, TwoSample};
use super::{EntryReport, Estimate, Evaluation, EvaluationReport, Method, Verdict};
use std::fmt;

/// The column at which the texts begin.
pub const VALUES: usize = 18;

/// The standard errors by which training examples have to lie above others, so that the difference is no chance.
const SURE: f64 = 3.0;

/// The share of the gain over independent units above which this difference is called far. (Below it, less training or
/// fewer units often do no better: of 200 units on lattice proteins, which were best for validation examples, it is
/// 0.11.)
const OVERFITTED: f64 = 0.2;

/// Lines of a name and a text.
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, name: &str, what: impl AsRef<str>) {
        self.0.push(format!("{name:<VALUES$}{}", what.as_ref()));
    }
}

/// The results and the verdict, a line each.
impl fmt::Display for EvaluationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_examples = self.subject.as_ref().map(|subject| subject.n_examples);
        f.write_str(&text(self, n_examples))
    }
}

/// The results and the verdict, a line each.
impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n_examples = Some(self.log_likelihood.n_examples);
        f.write_str(&text(&EvaluationReport::new(self, None), n_examples))
    }
}

fn text(report: &EvaluationReport, n_examples: Option<usize>) -> String {
    let mut lines = Lines(Vec::new());
    let verdict = report.likelihood.to_verdict();
    // The level of the interval holds only for a believable estimate.
    let n_annealed = report.observed.map_or(0, |observed| observed.n_annealed);
    let interval = match verdict {
        Some(Verdict::Believable) => "99 % interval",
        _ => "interval",
    };
    let n_scored = report.observed.map(|observed| observed.n_examples);
    say_likelihood(&mut lines, report, n_scored.or(n_examples), interval);
    if let Some(observed) = report.observed {
        let how = match n_annealed {
            0 => "exactly".to_string(),
            n => annealed_in_words(n, &observed, report),
        };
        lines.add(
            "  missing",
            format!("ln p of what the examples have; what they lack is summed out, {how}"),
        );
    }
    say_log_z(&mut lines, report, interval);
    if let Some(annealing) = &report.annealing {
        say_annealing(&mut lines, annealing, &report.base);
    }
    if let Some(ladder) = &report.ladder {
        say_exchange(&mut lines, ladder, report);
    }
    if let Some(raise) = &report.raise {
        let n_examples = counted(raise.n_examples.unwrap_or_default(), "example");
        lines.add("RAISE", format!("{} over {n_examples}", plus_minus(raise, 2)));
    }
    if let Some(verdict) = verdict {
        let of_log_z = verdict.on(report.estimate);
        let what = match n_annealed {
            0 => of_log_z,
            _ => format!("log Z {of_log_z}; ln p of what examples have is by annealing"),
        };
        lines.add("verdict", what);
    }
    say_scores(&mut lines, report);
    if let Some(mixing) = &report.mixing {
        say_mixing(&mut lines, mixing);
    }
    if let Some(reason) = &report.mixing_unchecked {
        lines.add("mixing", format!("not checked: {reason}"));
    }
    say_subject(&mut lines, report.subject.as_ref());
    lines.0.join("\n")
}

/// How the sums over what examples lack are taken, if `n` of them are annealed.
fn annealed_in_words(n: usize, observed: &ObservedReport, report: &EvaluationReport) -> String {
    let ObservedReport { n_examples, n_given, .. } = *observed;
    let [low, high] = [report.log_likelihood_low, report.log_likelihood_high].map(|x| figure(x, 3));
    let some = match n_given {
        Some(n_given) if n_given > n_examples => format!(
            "; {n_examples} of {n_given} examples are scored, as annealing takes time (all with --log-probabilities)"
        ),
        _ => String::new(),
    };
    format!(
        "for {n} of {n_examples} examples by annealing, which errs low on average ({low} to {high} by its 99 % \
         interval){some}"
    )
}

fn say_subject(lines: &mut Lines, subject: Option<&SubjectReport>) {
    let Some(subject) = subject else { return };
    let data = subject.title();
    let mut n_examples = counted(subject.n_examples, "example");
    if let Some(n_effective) = subject.n_effective {
        n_examples += &format!(" with weights (N_eff {n_effective:.1})");
    }
    lines.add("data", format!("{data}, {n_examples}, bits: {}", subject.binarization));
    lines.add("  SHA-256 of bits", &subject.data_sha256);
}

/// Single values as they were predicted, a line for each score.
impl fmt::Display for EntryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { given_others: model, column_rates: rates, numbers, .. } = self;
        let beside = |of_rates: &dyn Fn(&EntryScore) -> String| {
            rates.as_ref().map_or(String::new(), |rates| {
                format!(" ({} by the rates of the column)", of_rates(rates))
            })
        };
        let mut lines = Lines(Vec::new());
        let values = counted(self.n_values, "value");
        lines.add(
            "predicted",
            match &self.truth {
                None => format!("{values}, each from the others of its example"),
                Some(truth) => format!("{values} of {truth}, from what the examples have"),
            },
        );
        let percent = |score: &EntryScore| format!("{:.2} %", 100.0 * score.error_rate);
        lines.add("error rate", percent(model) + &beside(&percent));
        let loss = |score: &EntryScore| format!("{:.4}", score.log_loss);
        lines.add("log-loss", loss(model) + " nats a value" + &beside(&loss));
        if let Some(rmse) = model.rmse {
            let NumberBaselines { global_mean, column_mean, column_and_example } =
                numbers.unwrap_or_default();
            let of_means = format!(
                " ({global_mean:.4} by the mean of all, {column_mean:.4} by that of the column, \
                 {column_and_example:.4} by column and example)"
            );
            let error = model.rmse_standard_error.map_or(String::new(), |x| format!(" ± {x:.4}"));
            lines.add("RMSE", format!("{rmse:.4}{error}") + numbers.map_or("", |_| &of_means));
            let mae = |score: &EntryScore| format!("{:.4}", score.mae.unwrap_or(f64::NAN));
            lines.add("MAE", mae(model) + &beside(&mae));
        }
        say_classes(&mut lines, self.error.zip(self.log_loss));
        if self.n_of_unknown_columns > 0 {
            let by = if model.rmse.is_some() {
                ", whose numbers are those of the example's mean"
            } else {
                ""
            };
            let n = counted(self.n_of_unknown_columns, "value");
            lines.add("  unknown", format!("{n} of columns that the training data lack{by}"));
        }
        let reason = "examples that lack values have models of their own (missing = absent), each with its Z";
        lines.add("log Z", format!("none: {reason}"));
        lines.add("mixing", "not checked, for the same reason");
        say_subject(&mut lines, self.subject.as_ref());
        f.write_str(&lines.0.join("\n"))
    }
}

fn say_likelihood(
    lines: &mut Lines,
    report: &EvaluationReport,
    n_examples: Option<usize>,
    interval: &str,
) {
    let likelihood = &report.likelihood;
    let is_exact = report.annealing.is_none() && report.ladder.is_none();
    let digits = if is_exact { 3 } else { 2 };
    let over = n_examples.map_or(String::new(), |n| format!(" over {n}"));
    let mut what = format!(
        "{} nats an example (± {}{over})",
        figure(likelihood.log_likelihood, digits),
        figure(report.standard_error, digits)
    );
    if !is_exact {
        let [low, high] =
            [report.log_likelihood_low, report.log_likelihood_high].map(|end| figure(end, 2));
        what += &format!(", {low} to {high} by the {interval} of log Z");
    }
    lines.add("log-likelihood", what);
    let n_sites = report.subject.as_ref().and_then(|subject| subject.n_sites);
    if let (Some(of_site), Some(n_sites)) = (report.log_likelihood_per_site, n_sites) {
        lines.add(
            "  per site",
            format!("{} nats a site, of {n_sites} sites", figure(Some(of_site), 4)),
        );
    }
    if likelihood.log_likelihood_independent.is_some() {
        let score = ScoreReport {
            mean: likelihood.log_likelihood_independent,
            standard_error: report.standard_error_independent,
            n_examples: None,
        };
        let what = "independent units with the mean of the training data";
        let errors = [report.standard_error, score.standard_error].map(Option::unwrap_or_default);
        let is_worse = report
            .log_likelihood_high
            .zip(score.mean)
            .is_some_and(|(high, mean)| high < mean - SURE * errors[0].hypot(errors[1]));
        let verdict = if is_worse { ": the model is worse" } else { "" };
        lines.add("  independent", format!("{} ({what}){verdict}", plus_minus(&score, 2)));
    }
    say_training(lines, report);
}

/// The log-likelihood of training examples, and whether the model knows them much better than others.
fn say_training(lines: &mut Lines, report: &EvaluationReport) {
    let Some(gap) = report.scores.and_then(|scores| scores.training_gap) else { return };
    let likelihood = &report.likelihood;
    let (Some(of_examples), Some(mean), Some(n)) =
        (likelihood.log_likelihood, gap.mean, gap.n_examples)
    else {
        return;
    };
    let gain = likelihood.log_likelihood_independent.map(|independent| of_examples - independent);
    let is_sure = gap.standard_error.is_some_and(|error| mean > SURE * error);
    let is_far = is_sure && gain.is_some_and(|gain| mean > OVERFITTED * gain.max(0.0));
    let verdict = match is_far {
        true => ": far; fewer epochs or hidden units, or more --weight-decay, may do better",
        false => "",
    };
    let (far, side) = (
        plus_minus(&ScoreReport { mean: Some(mean.abs()), ..gap }, 2),
        if mean < 0.0 { "below" } else { "above" },
    );
    let of_training = figure(Some(of_examples + mean), 2);
    let what = counted(n, "training example");
    lines.add("  training", format!("{of_training} over {what}, {far} {side}{verdict}"));
}

fn say_log_z(lines: &mut Lines, report: &EvaluationReport, interval: &str) {
    let likelihood = &report.likelihood;
    let by = match report.estimate {
        None | Some(Estimate::Enumeration) => {
            lines.add("log Z", figure(likelihood.log_z, 6));
            lines.add("method", "exact, by enumeration of the smaller layer");
            return;
        }
        Some(Estimate::Bennett) => "Bennett's ratio",
        Some(Estimate::Forward) => "the forward side",
        Some(Estimate::Witness) => "the run from a uniform base",
        Some(Estimate::Ladder) => "Bennett's ratios along the ladder",
    };
    let [log_z, low, high] =
        [likelihood.log_z, likelihood.log_z_low, likelihood.log_z_high].map(|x| figure(x, 3));
    let reason = &report.estimate_reason;
    lines.add("log Z", format!("{log_z} ({interval} {low} to {high}), by {by}: {reason}"));
}

fn say_annealing(lines: &mut Lines, annealing: &AnnealingReport, base: &str) {
    let AnnealingReport { n_chains, n_steps, burn_in, .. } = annealing;
    let first = match annealing.n_rounds {
        Some(2) => format!(" in a second round, as {} steps did not suffice", n_steps / 2),
        _ => String::new(),
    };
    let steps = counted(*n_steps, "step");
    lines.add("method", format!("AIS from both sides, {n_chains} chains, {steps}{first}"));
    lines.add("  base", base);
    if let Some(start) = &annealing.reverse_start {
        lines.add("  back from", format!("{start}; {burn_in} sweeps lead them to the model"));
    }
    let side = |side: &SideReport| {
        let [log_z, low, high] = [side.log_z, side.low, side.high].map(|x| figure(x, 3));
        format!(
            "{log_z} (95 % interval {low} to {high}), var(log w) {}, effective sample size {}",
            figure(side.variance_of_log_w, 2),
            figure(side.ess, 1)
        )
    };
    lines.add("  forward", side(&annealing.forward));
    lines.add("  reverse", side(&annealing.reverse));
    lines.add("  Bennett", figure(annealing.bennett.log_z, 3));
    lines.add("  from uniform", side(&annealing.witness));
}

fn say_exchange(lines: &mut Lines, ladder: &ExchangeReport, report: &EvaluationReport) {
    let ExchangeReport { n_chains, n_sweeps, swap_rates, round_trips, drift, .. } = ladder;
    let (name, rungs) = match report.method {
        Method::Ptt => ("parallel trajectory tempering", "models of the training"),
        _ => ("parallel tempering", "temperatures"),
    };
    let n_rungs = swap_rates.len() + 1;
    let method =
        format!("{name}, {n_chains} chains at each of {n_rungs} {rungs}, {n_sweeps} sweeps");
    lines.add("method", method);
    if report.method == Method::Pt {
        lines.add("  base", &report.base);
    }
    let least = swap_rates.iter().flatten().copied().reduce(f64::min);
    let moves = format!(
        "swaps at rates of {} and more, {round_trips:.1} round trips a state, drift {drift:.1} standard errors",
        figure(least, 2)
    );
    lines.add("  moves", moves);
    let half = |at: usize| {
        format!("{} ± {}", figure(ladder.halves[at], 3), figure(ladder.standard_errors[at], 3))
    };
    lines.add("  halves", format!("{}, {}", half(0), half(1)));
}

fn say_scores(lines: &mut Lines, report: &EvaluationReport) {
    if let Some(scores) = &report.scores {
        lines.add("pseudo-likelihood", plus_minus(&scores.pseudo_likelihood, 2));
        lines.add("  by one unit", plus_minus(&scores.stochastic_pseudo_likelihood, 2));
        lines.add("reconstruction", plus_minus(&scores.reconstruction_error, 5));
    }
    lines.add("free energy", plus_minus(&report.free_energy, 2));
    say_classes(lines, report.scores.and_then(|scores| scores.error.zip(scores.log_loss)));
    if let Some(gap) = report.scores.and_then(|scores| scores.free_energy_gap) {
        lines.add("free-energy gap", plus_minus(&gap, 2));
    }
    if let Some(two_sample) = report.scores.and_then(|scores| scores.two_sample) {
        say_two_sample(lines, &two_sample);
    }
}

fn say_two_sample(lines: &mut Lines, scores: &TwoSample) {
    let in_words = |accuracy: AdversarialAccuracy| {
        let AdversarialAccuracy { n_rows, truth, samples, mean, standard_error, .. } = accuracy;
        format!(
            "{mean:.3} ± {standard_error:.3} over {n_rows} of each (data {truth:.3}, samples {samples:.3})"
        )
    };
    let what =
        "adversarial accuracy of nearest neighbours; 1/2 if samples are like data, 0 for copies";
    lines.add("samples", format!("{}: {what}", in_words(scores.accuracy)));
    if let (Some(training), Some(loss)) = (scores.accuracy_training, scores.privacy_loss) {
        lines.add("  training", format!("{}, privacy loss {loss:.3}", in_words(training)));
    }
}

fn say_mixing(lines: &mut Lines, mixing: &Mixing) {
    let Mixing { n_examples, n_chains, n_sweeps, .. } = *mixing;
    let shares = |shares: &ClusterShares| {
        let each: Vec<_> = shares.clusters.iter().map(|share| format!("{share:.2}")).collect();
        format!("{}, {:.2} where no example lies", each.join(" "), shares.outside)
    };
    let clusters = counted(mixing.examples.clusters.len(), "cluster");
    let of_examples = shares(&mixing.examples);
    let drawn = match mixing.missing_share {
        0.0 => String::new(),
        share => {
            format!(" (the {:.1} % of values that they lack are draws of the model)", 100.0 * share)
        }
    };
    lines.add("mixing", format!("{clusters} of {n_examples} examples{drawn}: {of_examples}"));
    if let (Some(model), Some(origin)) = (&mixing.model, &mixing.model_samples) {
        lines.add("  model", format!("{} ({origin})", shares(model)));
    }
    let chains = format!("{n_chains} Gibbs chains of {n_sweeps} sweeps");
    lines.add("  from random", format!("{} ({chains})", shares(&mixing.from_random)));
    lines.add("  from examples", format!("{} ({chains})", shares(&mixing.from_examples)));
    let n_components = counted(mixing.components.len(), "component");
    let memory = match mixing.n_independent {
        None => format!("longer than {n_sweeps} sweeps"),
        Some(n) => {
            let time = (n_chains * n_sweeps) as f64 / n;
            format!("{time:.1} sweeps, so that these are worth {n:.0} independent samples")
        }
    };
    lines.add("  memory", format!("{memory} (the slowest of {n_components} and F(v))"));
    if let Some(moments) = mixing.moments {
        let fit = |name: &str, fit: MomentFit| {
            let [slope, r, of_halves] =
                [fit.slope, fit.correlation, fit.correlation_of_halves].map(|x| figure(x, 2));
            format!("{name} slope {slope}, r {r} (halves of the examples {of_halves})")
        };
        let all = [fit("units", moments.units), fit("pairs", moments.pairs)];
        lines.add("  moments", all.join("; "));
    }
    for MixingWarning { what, remedy, .. } in &mixing.warnings {
        lines.add("  looks wrong", format!("{what}: {remedy}"));
    }
}

/// Classes as they were predicted: the error and the log-loss.
fn say_classes(lines: &mut Lines, classes: Option<(ScoreReport, ScoreReport)>) {
    let Some((error, log_loss)) = classes else { return };
    let percent = |share: Option<f64>| figure(share.map(|share| 100.0 * share), 2);
    let scatter = match error.mean {
        Some(0.0) => " (of no example)".to_string(),
        Some(1.0) => " (of every example)".to_string(),
        _ => format!(" ± {}", percent(error.standard_error)),
    };
    lines.add("class error", format!("{} %{scatter}", percent(error.mean)));
    lines.add("class log-loss", plus_minus(&log_loss, 4));
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn plus_minus(score: &ScoreReport, digits: usize) -> String {
    format!("{} ± {}", figure(score.mean, digits), figure(score.standard_error, digits))
}

/// A number, or `?` if it is not known, as the standard error of one example.
fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or("?".to_string(), |value| format!("{value:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The lines of the likelihood, of the independent units and of the training examples.
    fn said(log_likelihood: f64, independent: f64, gap: f64) -> String {
        let score = json!({"mean": 0.0, "standard_error": 0.1});
        let report: EvaluationReport = serde_json::from_value(json!({
            "method": "exact", "verdict": "exact", "log_likelihood": log_likelihood,
            "log_likelihood_independent": independent, "standard_error": 0.1, "standard_error_independent": 0.1,
            "log_likelihood_low": log_likelihood, "log_likelihood_high": log_likelihood, "log_z": 9.0,
            "free_energy": score, "pseudo_likelihood": score, "stochastic_pseudo_likelihood": score,
            "reconstruction_error": score,
            "training_gap": {"mean": gap, "standard_error": 0.1, "n_examples": 50},
        }))
        .unwrap();
        report.to_string().lines().take(3).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_model_that_is_worse_than_independent_units_is_named() {
        assert!(said(-40.0, -20.0, 0.0).contains("training data): the model is worse"));
        // By no more than chance.
        assert!(!said(-20.2, -20.0, 0.0).contains("worse"));
        assert!(!said(-10.0, -20.0, 0.0).contains("worse"));
    }

    #[test]
    fn training_examples_are_set_beside_the_others() {
        let line = "training        -9.50 over 50 training examples, 0.50 ± 0.10 above";
        assert!(said(-10.0, -20.0, 0.5).ends_with(line), "{}", said(-10.0, -20.0, 0.5));
        assert!(said(-10.0, -20.0, -0.5).ends_with("0.50 ± 0.10 below"));
        // More than a fifth of the gain over independent units.
        assert!(said(-10.0, -20.0, 2.1).contains("above: far; fewer epochs"));
        // That may be chance.
        assert!(said(-19.9, -20.0, 0.2).ends_with("above"));
    }
}
