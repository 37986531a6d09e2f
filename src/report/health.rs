//! A health check in plain words: what looks wrong with a run, how it was judged, and what to try.
//!
//! Every finding has [`Advice`], which is phrased for the run's settings. Findings never give opposite
//! advice.

use super::advice::Advice::{self, LargerRate, MoreEpochs};
use super::advice::is_opposed;
use super::rules::RULES;
use super::symptom::Symptom;
use crate::run::{Settings, Summary};

/// Something that looks wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its name for programs: `dead_units`, `overfitting`, …
    pub name: &'static str,
    /// What is wrong.
    pub what: String,
    /// How it was judged: the value and its bound.
    pub judged: String,
    /// What to try.
    pub remedy: String,
}

/// The names of what is wrong with a run that is no better than independent units.
pub const GAIN: [&str; 2] = ["worse_than_no_model", "nothing_learned"];

/// Checks a run. A symptom that only asks for more training or larger steps is dropped if others ask for
/// the opposite.
pub fn check(run: &Summary) -> Vec<Finding> {
    let mut found: Vec<Symptom> = Vec::new();
    for symptom in RULES.iter().filter_map(|rule| rule(run)) {
        // Another rule may have found the same problem.
        if found.iter().all(|other| other.name != symptom.name) {
            found.push(symptom);
        }
    }
    // A model that knows its training data by heart has little for others: larger steps would not help.
    let overfitting = found.iter().find(|symptom| symptom.name == "overfitting");
    if let Some(advice) = overfitting.map(|symptom| symptom.advice) {
        for symptom in found.iter_mut().filter(|symptom| GAIN.contains(&symptom.name)) {
            if symptom.name == "nothing_learned" {
                // It has learned something, though not what other data have.
                symptom.what = "the model is hardly better than independent units".to_string();
            }
            symptom.advice = advice;
        }
    }
    let all: Vec<Advice> = found.iter().flat_map(|symptom| symptom.advice).copied().collect();
    let finding = |Symptom { name, what, judged, advice }: Symptom| {
        let remedy = remedy(advice, &all, &run.file.settings)?;
        Some(Finding { name, what, judged, remedy })
    };
    found.into_iter().filter_map(finding).collect()
}

/// The remedy of a symptom: its advice without what other advice opposes. `None` if it only asked for
/// more training or larger steps, and all of that is opposed.
fn remedy(advice: &[Advice], all: &[Advice], settings: &Settings) -> Option<String> {
    let left = advice.iter().filter(|advice| !is_opposed(**advice, all));
    let texts: Vec<_> = left.filter_map(|advice| advice.text(settings)).collect();
    let only_goes_further = advice.iter().all(|one| matches!(one, LargerRate | MoreEpochs));
    match &texts[..] {
        [] if only_goes_further => None,
        [] => Some("what the other findings ask for".to_string()),
        [one] => Some(one.clone()),
        [others @ .., last] => Some(format!("{}, or {last}", others.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::{LikelihoodReport, Mixing};
    use crate::monitor::{EpochRecord, Metric};
    use crate::run::{Keep, RunState};
    use crate::train::Algorithm;
    use serde_json::json;

    /// A run with values of 784-500 on MNIST with default settings; `change` edits its records.
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
    fn a_healthy_run_has_no_findings_and_each_illness_has_one() {
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
        let slow = |_, r: &mut EpochRecord| {
            (r.update_norm, r.pseudo_likelihood) = (Some(1e-3), Some(-205.0));
        };
        assert_eq!(names(10, slow), ["nothing_learned", "learning_rate_too_low"]);
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
        let mut followed = run(10, |at, r| r.log_z_step_ess = Some(70.0 - 7.0 * at as f64));
        assert!(names_of(&followed).is_empty());
        followed.file.settings.run.online_log_z = Some(100);
        assert_eq!(names_of(&followed), ["log_z_collapsed"]);
    }

    /// Training rows improve throughout.
    #[test]
    fn a_model_overfits_once_held_out_examples_say_so() {
        let overfits = |score: fn(f64) -> f64, error: f64| {
            names(20, move |at, r| {
                (r.pseudo_likelihood_test, r.pseudo_likelihood_test_error) =
                    (Some(score(at as f64)), Some(error));
            })
        };
        assert!(overfits(|at| -90.0 + 0.3 * at, 0.5).is_empty());
        assert_eq!(overfits(|at| -90.0 - (at - 5.0).abs(), 0.5), ["overfitting"]);
        assert!(overfits(|at| -90.0 - (at - 5.0).abs(), 5.0).is_empty());
        // The log-likelihood is asked first, both ways.
        let likely = |score: fn(f64) -> f64| {
            run(20, move |at, r| {
                r.likelihood.log_likelihood = Some(score(at as f64));
                r.likelihood.log_likelihood_independent = Some(-206.0);
                r.likelihood.log_likelihood_error = Some(0.2);
                r.likelihood.verdict = Some("exact".to_string());
                (r.pseudo_likelihood_test, r.pseudo_likelihood_test_error) =
                    (Some(-80.0 - at as f64), Some(0.1));
            })
        };
        assert!(names_of(&likely(|at| -100.0 + at)).is_empty());
        let mut fallen = likely(|at| -100.0 - (at - 8.0).abs());
        let found = &check(&fallen)[0];
        let what =
            "the log-likelihood of held-out data was best in epoch 9 and has fallen by 11.00 nats";
        assert!(found.what.ends_with(what), "{}", found.what);
        let advice = "--evaluate-every 1 --early-stop log_likelihood --keep best:log_likelihood";
        assert!(found.remedy.starts_with(advice), "{}", found.remedy);
        // The best model was kept.
        fallen.file.settings.run.keep = Keep::Best(Metric::LogLikelihood);
        assert!(names_of(&fallen).is_empty());
        // A gap beyond its error and a tenth of the gain of 64 nats, while nothing rises.
        let gap = |excess: f64, error: f64, rise: f64| {
            names(20, move |at, r| {
                r.free_energy_gap = Some(3.0 + excess);
                r.free_energy_gap_independent = Some(3.0);
                r.free_energy_gap_error = Some(error);
                (r.pseudo_likelihood_test, r.pseudo_likelihood_test_error) =
                    (Some(-90.0 + rise * at as f64), Some(0.5));
            })
        };
        assert_eq!(gap(8.0, 1.0, 0.0), ["overfitting"]);
        assert!(gap(8.0, 4.0, 0.0).is_empty() && gap(5.0, 1.0, 0.0).is_empty());
        assert!(gap(8.0, 1.0, 0.1).is_empty());
    }

    /// The scores are of runs of 784-500 on MNIST, of 5 and of 20 epochs.
    #[test]
    fn a_run_that_still_rises_is_too_short_and_one_that_bends_is_not() {
        let of = |scores: &'static [f64], error: f64| {
            run(scores.len(), move |at, r| {
                r.pseudo_likelihood = Some(scores[at]);
                (r.pseudo_likelihood_test, r.pseudo_likelihood_test_error) =
                    (Some(scores[at]), Some(error));
            })
        };
        let five = &[-87.62, -80.97, -77.4, -75.33, -74.84];
        let found = &check(&of(five, 2.54))[0];
        assert_eq!(found.name, "too_short");
        let what = "each doubling of its epochs still raised the pseudo-likelihood of held-out data by 5.50 nats";
        assert!(found.what.ends_with(what), "{}", found.what);
        let judged = "-87.62 in epoch 1, and -74.84 in epoch 5; a doubling adds 4.2 % of the gain";
        assert!(found.judged.starts_with(judged), "{}", found.judged);
        assert_eq!(found.remedy, "more epochs (`harmonium resume RUN --epochs N`)");
        let twenty = &[
            -88.53, -83.2, -80.6, -78.7, -77.4, -76.4, -75.5, -74.7, -73.9, -73.19, -72.5, -72.0,
            -71.4, -70.9, -70.36, -70.0, -69.7, -69.42, -69.3, -69.28,
        ];
        assert!(names_of(&of(twenty, 2.57)).is_empty());
        // Within its error, and on a course that falls on its way, a rise is none.
        assert!(names_of(&of(five, 13.0)).is_empty());
        assert!(names_of(&of(&[-87.62, -74.0, -84.0, -79.0, -74.84], 2.54)).is_empty());
        // Rows of zeros: next to nothing rises.
        let zeros = |at, r: &mut EpochRecord| {
            r.pseudo_likelihood_independent = Some(-0.1);
            r.pseudo_likelihood = Some(-0.04 / (at + 1) as f64);
        };
        assert!(names(10, zeros).is_empty());
        // A run that is not at its end may go on, and one that is told to take smaller steps is not told to go on.
        let mut running = of(five, 2.54);
        running.state = RunState::Running;
        running.file.settings.train.epochs = Some(20);
        assert!(names_of(&running).is_empty());
        let mut steep = of(five, 2.54);
        steep.records.iter_mut().for_each(|record| record.saturated_hidden = Some(0.3));
        assert_eq!(names_of(&steep), ["saturated_units"]);
        // Two epochs are enough to see it; the norm, which says the same, is then not named.
        assert_eq!(names_of(&of(&[-87.64, -83.08], 2.55)), ["too_short"]);
        let rising = |at, r: &mut EpochRecord| {
            r.pseudo_likelihood = Some(-140.0 + 5.0 * at as f64);
            r.weight_norm = Some(70.0 + 5.0 * at as f64);
        };
        // Training examples may be learnt by heart for as long as one likes.
        assert_eq!(names(10, rising), ["still_growing"]);
        // Ratings want large steps.
        let steep = |_, r: &mut EpochRecord| r.update_norm = Some(40.0);
        assert_eq!(names(10, steep), ["learning_rate_too_high"]);
        let mut ratings = run(10, steep);
        ratings.file.settings.train.missing = Some(crate::train::Missing::Absent);
        assert!(names_of(&ratings).is_empty());
        // What overfitting explains gets its advice.
        let mut by_heart = of(&[-100.0, -150.0, -190.0, -199.0, -205.9], 2.0);
        by_heart.records.iter_mut().for_each(|r| r.pseudo_likelihood = Some(-205.0));
        let found = check(&by_heart);
        let remedy = |name| found.iter().find(|one| one.name == name).map(|one| &one.remedy);
        assert!(
            remedy("overfitting").is_some() && remedy("overfitting") == remedy("nothing_learned"),
            "{found:?}"
        );
        let what = |name| found.iter().find(|one| one.name == name).map(|one| &one.what[..]);
        let hardly = Some("the model is hardly better than independent units");
        assert_eq!(what("nothing_learned"), hardly, "it has learned too much, not too little");
    }

    #[test]
    fn small_changes_near_zero_are_not_getting_worse() {
        let memorised =
            |at, r: &mut EpochRecord| r.pseudo_likelihood = Some(-0.01 * (1 + at) as f64);
        assert!(names(10, memorised).is_empty());
    }

    /// Examples are rows of zeros, or a few rows that are alike.
    #[test]
    fn data_that_hardly_vary_are_not_an_illness() {
        let still = |independent: f64| {
            move |_, r: &mut EpochRecord| {
                (r.flip_rate, r.flip_rate_independent) = (Some(0.004), Some(independent));
            }
        };
        assert!(names(10, still(0.0)).is_empty());
        assert!(names(10, still(0.03)).is_empty());
        assert_eq!(names(10, still(0.15)), ["stuck_chains"]);
        // The biases have learned the data, though the weights hardly move.
        assert!(names(10, |_, r| r.update_norm = Some(1e-3)).is_empty());
    }

    #[test]
    fn chains_that_change_places_need_not_flip() {
        let swapped = |_, r: &mut EpochRecord| {
            (r.flip_rate, r.swap_rates) = (Some(0.0006), Some(vec![Some(0.4)]));
        };
        assert!(names(10, swapped).is_empty());
    }

    #[test]
    fn a_ladder_of_models_must_not_be_torn() {
        let with = |rate: f64| {
            move |_, r: &mut EpochRecord| {
                (r.round_trips, r.swap_rates) =
                    (Some(1.0), Some(vec![Some(0.4), Some(rate), None]));
            }
        };
        assert!(names(10, with(0.02)).is_empty());
        assert_eq!(names(10, with(0.005)), ["torn_ladder"]);
    }

    #[test]
    fn the_log_likelihood_is_judged_before_the_pseudo_likelihood() {
        let scored = |log_likelihood: f64| {
            move |_, r: &mut EpochRecord| {
                r.likelihood = LikelihoodReport {
                    log_likelihood: Some(log_likelihood),
                    log_likelihood_independent: Some(-206.3),
                    verdict: Some("exact".to_string()),
                    ..LikelihoodReport::default()
                };
            }
        };
        assert!(names(10, scored(-90.0)).is_empty());
        assert_eq!(names(10, scored(-206.4)), ["worse_than_no_model"]);
        assert_eq!(names(10, scored(-203.0)), ["nothing_learned"]);
        // An evaluation is newer than the records.
        let mut evaluated = run(10, scored(-90.0));
        let doubtful = |log_likelihood: f64| {
            let evaluation = json!({
                "log_likelihood": log_likelihood, "log_likelihood_independent": -206.3,
                "verdict": "doubtful", "method": "ais", "parameters_sha256": "", "data": "t.npy",
                "data_role": "test", "n_examples": 9, "binarization": "", "data_sha256": "", "seed": 0,
            });
            serde_json::from_value(evaluation).unwrap()
        };
        evaluated.evaluation = Some(doubtful(-250.0));
        let found = check(&evaluated);
        assert_eq!(found[0].name, "worse_than_no_model");
        assert!(found[0].judged.contains("(doubtful) is -250.00"), "{found:?}");
        // A doubtful value near the bound decides nothing; the pseudo-likelihood decides.
        evaluated.evaluation = Some(doubtful(-207.0));
        assert!(check(&evaluated).is_empty());
    }

    /// The record has what the check found in training, an evaluation what it found later.
    #[test]
    fn warnings_of_the_mixing_check_are_findings_with_advice_for_the_run() {
        let mixing = |names: &[&str]| -> Mixing {
            let warning =
                |name: &&str| json!({"name": name, "what": format!("{name}!"), "remedy": "r"});
            let warnings: Vec<_> = names.iter().map(warning).collect();
            serde_json::from_value(json!({"warnings": warnings, "n_examples": 500})).unwrap()
        };
        let wrong = |_, r: &mut EpochRecord| r.mixing = Some(mixing(&["wrong_masses"]));
        let mut ill = run(10, wrong);
        ill.file.settings.train.centering = false;
        let [found] = &check(&ill)[..] else { panic!("one finding: {:?}", check(&ill)) };
        assert_eq!((found.name, &found.what[..]), ("wrong_masses", "wrong_masses!"));
        assert!(found.remedy.contains("--algorithm pt") && found.remedy.ends_with("--centering"));
        let evaluation = json!({"method": "exact", "mixing": mixing(&["chains_do_not_mix"])});
        ill.evaluation = Some(serde_json::from_value(evaluation).unwrap());
        assert_eq!(names_of(&ill), ["chains_do_not_mix"]);
        assert!(check(&ill)[0].remedy.contains("sample RUN --method pt"));
        assert!(names(10, |_, r| r.mixing = Some(mixing(&[]))).is_empty());
        let evaluation =
            json!({"method": "exact", "mixing_unchecked": "60 % of the values are missing"});
        let evaluation = serde_json::from_value(evaluation).unwrap();
        let unchecked = Summary { evaluation: Some(evaluation), ..run(10, |_, _| ()) };
        assert_eq!(names_of(&unchecked), ["modes_not_checked"]);
    }

    #[test]
    fn a_short_run_is_judged_at_its_end() {
        let short = |at, r: &mut EpochRecord| {
            (r.updates, r.pseudo_likelihood) = (8 * (at as u64 + 1), Some(-205.0));
            r.weight_norm = Some(1.0 + at as f64);
        };
        let mut ended = run(20, short);
        assert_eq!(names_of(&ended), ["nothing_learned", "still_growing"]);
        // The same records after 20 of 40 epochs, and after 20 of 21.
        ended.state = RunState::Running;
        ended.file.settings.train.epochs = Some(40);
        assert!(names_of(&ended).is_empty());
        ended.file.settings.train.epochs = Some(21);
        assert_eq!(names_of(&ended), ["nothing_learned", "still_growing"]);
    }

    #[test]
    fn advice_depends_on_the_settings() {
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
        assert!(remedy(&worse).ends_with("--keep best:pseudo_likelihood_test"));
        worse.file.settings.run.keep = Keep::Best(Metric::PseudoLikelihoodTest);
        assert!(!remedy(&worse).contains("--keep"));
    }

    /// The test takes every set of illnesses.
    #[test]
    fn advice_never_contradicts_itself() {
        let illnesses: [fn(usize, &mut EpochRecord); 10] = [
            |_, r| r.dead_hidden = Some(0.3),
            |_, r| r.saturated_hidden = Some(0.3),
            |at, r| r.free_energy_gap = Some(30.0 + at as f64),
            |_, r| r.flip_rate = Some(0.001),
            |_, r| r.chain_moment_gap = Some(8.0),
            |_, r| (r.update_norm, r.pseudo_likelihood) = (Some(1e-3), Some(-205.0)),
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
