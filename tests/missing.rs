//! Data that lack values: what each of the two models of them changes, and what it does not.

mod site_models;

use harmonium::bits::active;
use harmonium::dataset::{Binarization, Column, ColumnKind, Columns, Dataset, Examples, Labels};
use harmonium::evaluate::pseudo_likelihood::pseudo_likelihood;
use harmonium::evaluate::{
    Entries, EvaluationConfig, EvaluationReport, Evaluator, Imputation, Independent,
};
use harmonium::gibbs::{FixedModel, FixedWeights};
use harmonium::kernels::Isa;
use harmonium::monitor::{Probe, WeightChange};

use harmonium::train::{Algorithm, Averaging, Missing, Schedule};
use harmonium::units::Units;
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer, Watch};
use ndarray::{Array1, Array2};
use site_models::model;
use std::sync::Arc;

/// A mask of whole sites (N, V), on where `lacks(example, site)`.
fn mask(units: &Units, n: usize, lacks: impl Fn(usize, usize) -> bool) -> BitMatrix {
    let mut mask = BitMatrix::zeros(n, units.n_units());
    for row in 0..n {
        let lacking = units.sites().enumerate().filter(|(site, _)| lacks(row, *site));
        lacking.flat_map(|(_, columns)| columns).for_each(|unit| mask.set(row, unit, true));
    }
    mask
}

/// Examples of sites whose values have no pattern, without those that `lacks(example, site)`.
fn examples(sites: &[usize], n: usize, lacks: impl Fn(usize, usize) -> bool) -> Arc<Examples> {
    let units = Units::of_sites(sites.iter().copied()).unwrap();
    let mut states = BitMatrix::zeros(n, units.n_units());
    for row in 0..n {
        for (site, columns) in units.sites().enumerate() {
            let value = (row * row + 5 * site * row + site) % 7 + row % 3;
            match columns.len() {
                1 => states.set(row, columns.start, value.is_multiple_of(2)),
                size => states.set(row, columns.start + value % size, true),
            }
        }
    }
    let missing = mask(&units, n, lacks);
    let data = Dataset::from_sites("holes", units, states).unwrap();
    Arc::new(Examples::new(data.with_missing(missing).unwrap(), Binarization::Stochastic))
}

const SITES: [usize; 9] = [21, 1, 1, 5, 1, 70, 1, 3, 255];

fn some(row: usize, site: usize) -> bool {
    (row * 5 + site * 3).is_multiple_of(4)
}

fn config(missing: Option<Missing>, algorithm: Algorithm) -> TrainConfig {
    TrainConfig {
        hidden: Some(19),
        epochs: Some(3),
        batch_size: 70,
        algorithm,
        missing,
        seed: 11,
        ..TrainConfig::default()
    }
}

fn trained(config: &TrainConfig, examples: &Arc<Examples>) -> Trainer {
    let mut trainer = Trainer::new(config.clone(), examples.clone()).unwrap();
    while !trainer.is_done() {
        trainer.update().unwrap();
    }
    trainer
}

#[test]
fn a_mask_without_holes_changes_no_bit() {
    let whole = examples(&SITES, 150, |_, _| false);
    assert!(whole.missing().is_none());
    let cd = TrainConfig { centering: false, ..config(None, Algorithm::Cd) };
    for (missing, algorithm, plain) in [
        (Missing::Absent, Algorithm::Auto, cd.clone()),
        (Missing::Marginal, Algorithm::Auto, config(None, Algorithm::Pcd)),
        (Missing::Marginal, Algorithm::Pt, config(None, Algorithm::Pt)),
    ] {
        let found = trained(&config(Some(missing), algorithm), &whole).state();
        assert_eq!(found.difference(&trained(&plain, &whole).state()), None, "{missing}");
    }
    // Examples with holes do not change how those without are treated: here they are in other mini-batches.
    let first = TrainConfig { shuffle: false, updates: Some(1), epochs: None, ..cd };
    let absent = TrainConfig { missing: Some(Missing::Absent), ..first.clone() };
    let holes = examples(&SITES, 150, |row, site| row >= 70 && some(row, site));
    let rbm = model(&SITES, 19, 0.5);
    let model_of = |config: TrainConfig, examples: &Arc<Examples>| {
        let mut trainer = Trainer::from_model(config, examples.clone(), &rbm).unwrap();
        trainer.update().unwrap();
        trainer.model().sha256()
    };
    assert_eq!(model_of(absent, &holes), model_of(first, &whole));
}

#[test]
fn what_nobody_rated_has_gradient_0() {
    // Sites 1 and 5, a bit and a category.
    let units = Units::of_sites(SITES).unwrap();
    let nobody: Vec<usize> =
        [1, 5].iter().flat_map(|&site| units.sites().nth(site).unwrap()).collect();
    let holes = examples(&SITES, 150, |row, site| [1, 5].contains(&site) || some(row, site));
    let config = TrainConfig {
        averaging: Averaging::None,
        ..config(Some(Missing::Absent), Algorithm::Auto)
    };
    let start = Trainer::new(config.clone(), holes.clone()).unwrap().model();
    let end = trained(&config, &holes).model();
    for &unit in &nobody {
        assert_eq!(end.visible_bias()[unit], start.visible_bias()[unit]);
        assert_eq!(end.weights().row(unit), start.weights().row(unit), "unit {unit}");
    }
    let of_site = |site: usize| units.sites().nth(site).unwrap().start;
    assert_ne!(end.weights().row(of_site(2)), start.weights().row(of_site(2)));
}

#[test]
fn threads_instruction_sets_and_a_stop_do_not_change_a_bit() {
    let holes = examples(&SITES, 150, some);
    for (missing, algorithm) in [
        (Missing::Absent, Algorithm::Auto),
        (Missing::Marginal, Algorithm::Pcd),
        (Missing::Marginal, Algorithm::Cd),
        (Missing::Marginal, Algorithm::Pt),
    ] {
        let settings =
            TrainConfig { gibbs_steps_last: Some(3), ..config(Some(missing), algorithm) };
        let run = |threads, isa, stops: bool| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut trainer =
                    Trainer::with_isa(settings.clone(), holes.clone(), None, isa).unwrap();
                while !trainer.is_done() {
                    trainer.update().unwrap();
                    if stops && trainer.updates().is_multiple_of(4) {
                        let state = trainer.state();
                        trainer =
                            Trainer::restore(settings.clone(), holes.clone(), &state, isa).unwrap();
                    }
                }
                trainer.model().sha256()
            })
        };
        let expected = run(1, Isa::BASELINE, false);
        for isa in Isa::available() {
            for threads in [1, 3, 8] {
                assert_eq!(run(threads, isa, threads == 3), expected, "{threads} {}", isa.name());
            }
        }
    }
}

/// Parameters in double precision: W row after row, then b, then c.
struct Parameters<'a> {
    units: &'a Units,
    n_hidden: usize,
    values: Vec<f64>,
}

impl<'a> Parameters<'a> {
    fn of(rbm: &'a Rbm) -> Self {
        let values = rbm.weights().iter().chain(rbm.visible_bias()).chain(rbm.hidden_bias());
        let (units, n_hidden) = (rbm.visible_units(), rbm.n_hidden());
        Self { units, n_hidden, values: values.map(|&x| f64::from(x)).collect() }
    }

    /// ln Σ_h e^{−E(v, h)}, for v in which some sites may have no unit on.
    fn log_weight(&self, v: &[usize]) -> f64 {
        let (h, n_visible) = (self.n_hidden, self.units.n_units());
        let bias: f64 = v.iter().map(|i| self.values[n_visible * h + i]).sum();
        let of_unit = |j: usize| {
            let input: f64 = v.iter().map(|i| self.values[i * h + j]).sum();
            (1.0 + (self.values[n_visible * (h + 1) + j] + input).exp()).ln()
        };
        bias + (0..h).map(of_unit).sum::<f64>()
    }

    /// ln Σ e^{−F} over the values of some sites, beside given units that are on.
    fn log_sum(&self, given: &[usize], free: &[usize]) -> f64 {
        let Some((&site, rest)) = free.split_first() else { return self.log_weight(given) };
        let columns = self.units.sites().nth(site).unwrap();
        let mut values: Vec<Option<usize>> = columns.clone().map(Some).collect();
        if columns.len() == 1 {
            values.push(None);
        }
        let with = |value: Option<usize>| {
            let given: Vec<usize> = given.iter().copied().chain(value).collect();
            self.log_sum(&given, rest).exp()
        };
        values.into_iter().map(with).sum::<f64>().ln()
    }

    /// The mean over the examples of ln p of what they have.
    fn log_likelihood(&self, examples: &Examples, model: Missing) -> f64 {
        let (n, missing) = (examples.n_examples(), examples.missing().unwrap());
        let rows = examples.fixed_bits(0, 0..n);
        let of_row = |row: usize| {
            let on: Vec<usize> = active(rows.row(row)).collect();
            let sites = self.units.sites().map(|columns| missing.get(row, columns.start));
            let lacks: Vec<bool> = sites.collect();
            let all = |lacking: bool| -> Vec<usize> {
                (0..lacks.len()).filter(|&site| lacks[site] == lacking).collect()
            };
            match model {
                Missing::Absent => self.log_weight(&on) - self.log_sum(&[], &all(false)),
                _ => {
                    let every: Vec<usize> = (0..lacks.len()).collect();
                    self.log_sum(&on, &all(true)) - self.log_sum(&[], &every)
                }
            }
        };
        (0..n).map(of_row).sum::<f64>() / n as f64
    }

    /// Its derivatives by finite differences.
    fn gradient(mut self, examples: &Examples, model: Missing) -> Vec<f64> {
        const STEP: f64 = 1e-4;
        let n = self.values.len();
        let mut derivative = |at: usize| {
            let before = self.values[at];
            let mut at_step = |step: f64| {
                self.values[at] = before + step;
                self.log_likelihood(examples, model)
            };
            let difference = at_step(STEP) - at_step(-STEP);
            self.values[at] = before;
            difference / (2.0 * STEP)
        };
        (0..n).map(&mut derivative).collect()
    }
}

/// Chains draw the gradient of an update. With N examples and chains, none of its errors has a standard
/// deviation above √(½/N), and the fixed point of the weights adds some 10⁻³.
#[test]
fn the_mean_update_follows_the_likelihood_of_what_examples_have() {
    const N: usize = 32_000;
    let sites = [3, 1, 1, 4];
    let kinds = examples(&sites, 16, |row, site| (row * 3 + site) % 5 < 2);
    let (bits, missing) =
        (kinds.fixed_bits(0, 0..16).cycled(N), kinds.missing().unwrap().cycled(N));
    let whole = {
        // Any values stand where there are none.
        let mut bits = bits.clone();
        for row in 0..N {
            for columns in kinds.units().sites().filter(|columns| missing.get(row, columns.start)) {
                bits.set(row, columns.start, true);
            }
        }
        bits
    };
    let data = Dataset::from_sites("holes", kinds.units(), whole).unwrap();
    let data = Arc::new(Examples::new(data.with_missing(missing).unwrap(), Binarization::None));
    assert_eq!(data.fixed_bits(0, 0..N), bits);
    let start = model(&sites, 10, 1.5);
    for (model, algorithm, centering, k, n_before) in [
        (Missing::Absent, Algorithm::Auto, false, 25, 0),
        (Missing::Marginal, Algorithm::Pcd, false, 25, 0),
        (Missing::Marginal, Algorithm::Pcd, false, 1, 40),
        (Missing::Marginal, Algorithm::Pt, false, 1, 40),
    ] {
        let rate = 1e-3;
        let config = TrainConfig {
            hidden: None,
            epochs: None,
            updates: Some(100),
            batch_size: N,
            gibbs_steps: k,
            learning_rate: rate,
            schedule: Schedule::Constant,
            averaging: Averaging::None,
            centering,
            temperatures: if algorithm == Algorithm::Pt { 3 } else { 10 },
            ..config(Some(model), algorithm)
        };
        let mut trainer = Trainer::from_model(config, data.clone(), &start).unwrap();
        (0..n_before).for_each(|_| trainer.update().unwrap());
        let before = trainer.current();
        trainer.update().unwrap();
        let after = Parameters::of(&trainer.current()).values;
        let parameters = Parameters::of(&before);
        let moved: Vec<f64> = after
            .iter()
            .zip(&parameters.values)
            .map(|(after, before)| (after - before) / rate)
            .collect();
        let expected = parameters.gradient(&kinds, model);
        let bound = 5.0 * (0.5 / N as f64).sqrt() + 2e-3;
        for (at, (found, expected)) in moved.iter().zip(&expected).enumerate() {
            assert!(
                (found - expected).abs() < bound,
                "{model}, {k} sweeps, parameter {at}: {found}, but {expected}"
            );
        }
        assert!(expected.iter().any(|x| x.abs() > 5.0 * bound), "{expected:?}");
    }
}

#[test]
fn each_refusal_says_what_to_do() {
    let holes = examples(&SITES, 20, some);
    let message = |config: TrainConfig, examples: &Arc<Examples>| {
        Trainer::new(config, examples.clone()).unwrap_err().to_string()
    };
    let error = message(config(None, Algorithm::Auto), &holes);
    for part in [
        "holes: example 0, unit 0 is missing",
        "missing = absent, which",
        "missing = marginal, which",
    ] {
        assert!(error.contains(part), "{error}");
    }
    for algorithm in [Algorithm::Pcd, Algorithm::Pt] {
        let error = message(config(Some(Missing::Absent), algorithm), &holes);
        assert!(error.starts_with(&format!("algorithm is {algorithm}, but must be cd")), "{error}");
    }
    let greys = Array2::from_shape_fn((4, 3), |(n, i)| (n + i) as f32 / 8.0);
    let greys = Dataset::from_intensities("greys", greys).unwrap();
    let one = BitMatrix::from_fn(4, 3, |n, i| (n, i) == (1, 2));
    let reals =
        Arc::new(Examples::new(greys.clone().with_missing(one).unwrap(), Binarization::None));
    let error = message(config(Some(Missing::Absent), Algorithm::Auto), &reals);
    assert!(
        error.starts_with("binarize is none, but must be stochastic or a threshold"),
        "{error}"
    );
    for (missing, expected) in [
        (
            BitMatrix::zeros(4, 2),
            "the mask of missing values has 2 visible units an example, but the data has 3",
        ),
        (
            BitMatrix::zeros(3, 3),
            "greys: has 4 examples, but the mask of missing values has 3 rows",
        ),
    ] {
        let error = greys.clone().with_missing(missing).unwrap_err().to_string();
        assert_eq!(error, expected);
    }
    // Others may be asked about an example without values, but nothing can be learned from it.
    let empty = BitMatrix::from_fn(4, 3, |n, _| n == 2);
    let empty = greys.clone().with_missing(empty).unwrap();
    let empty = Arc::new(Examples::new(empty, Binarization::Stochastic));
    let error = message(config(Some(Missing::Absent), Algorithm::Auto), &empty);
    assert_eq!(error, "greys: example 2 has no value at all; leave it out");
    let sites = Units::of_sites([3, 1]).unwrap();
    let states = BitMatrix::from_fn(2, 4, |_, unit| unit == 0);
    let data = Dataset::from_sites("few", sites, states).unwrap();
    let cut = BitMatrix::from_fn(2, 4, |n, unit| n == 1 && unit == 1);
    let error = data.clone().with_missing(cut).unwrap_err().to_string();
    assert!(
        error.contains("units of a site is 1, but must be 0 or all 3, in site 0 of row 1"),
        "{error}"
    );
}

#[test]
fn masks_go_along_and_means_run_over_given_values() {
    let rows = ndarray::array![[255_u8, 51], [0, 255], [255, 0], [0, 102]];
    let data = Dataset::from_bytes("four", rows).unwrap();
    let missing = BitMatrix::from_fn(4, 2, |n, i| (n, i) == (0, 1) || (n, i) == (3, 0));
    let data = data.with_missing(missing.clone()).unwrap();
    let labels = Labels::of_names("kind", &["a", "b", "?", "a"], None).unwrap();
    assert_eq!(
        data.clone().labelled(labels).unwrap().missing_note().unwrap(),
        "four: 2 of 8 values are missing (25.00 %), in 2 of 4 examples and 2 of 2 columns"
    );
    assert_eq!(data.intensity(0, 1), 0.0, "a missing grey level is off");
    let mean = |data: &Dataset| Examples::new(data.clone(), Binarization::Stochastic).mean();
    let near = |found: Array1<f64>, expected: [f64; 2]| {
        found.iter().zip(expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-12, "{found}"));
    };
    near(mean(&data), [2.0 / 3.0, (1.0 + 0.0 + 0.4) / 3.0]);
    let weighted = data.clone().weighted("w", &[1.0, 0.0, 3.0, 2.0]).unwrap();
    assert_eq!(weighted.missing().unwrap(), &missing.chosen(&[0, 2, 3]));
    near(mean(&weighted), [1.0, (3.0 * 0.0 + 2.0 * 0.4) / 5.0]);
    let (training, validation) = data.clone().split_validation(1).unwrap();
    assert_eq!(training.missing(), Some(&missing.rows(0..3)));
    assert_eq!(validation.missing(), Some(&missing.rows(3..4)));
    near(mean(&validation), [0.5, 0.4]);
    assert_eq!(data.clone().first(3).unwrap(), training);
    assert!(data.clone().split_validation(2).unwrap().0.first(1).unwrap().missing().is_some());
    assert_eq!(data.inverted().intensity(0, 1), 0.0);
}

/// p of the units of one site (a bit: p of on), given others that are on, by its definition.
fn site_given(
    parameters: &Parameters<'_>,
    site: usize,
    given: &[usize],
    free: &[usize],
) -> Vec<f64> {
    let columns = parameters.units.sites().nth(site).unwrap();
    let log = |unit: Option<usize>| {
        let given: Vec<usize> = given.iter().copied().chain(unit).collect();
        parameters.log_sum(&given, free)
    };
    let logs: Vec<f64> = columns.clone().map(|unit| log(Some(unit))).collect();
    let off = if columns.len() == 1 { log(None).exp() } else { 0.0 };
    let total = off + logs.iter().map(|log| log.exp()).sum::<f64>();
    logs.iter().map(|log| log.exp() / total).collect()
}

#[test]
fn what_examples_lack_is_predicted_as_by_enumeration() {
    let sites = [3, 1, 1, 4, 1];
    let rbm = model(&sites, 6, 1.5);
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let fixed = FixedModel { rbm: &rbm, weights: &weights };
    let kinds = examples(&sites, 24, |row, site| (row * 3 + site) % 5 < 2);
    let (bits, missing) = (kinds.fixed_bits(0, 0..24), kinds.missing().unwrap());
    let parameters = Parameters::of(&rbm);
    for model in [Missing::Absent, Missing::Marginal] {
        let imputation = Imputation { model: fixed, missing: model, sweeps: 0, seed: 1 };
        let found = imputation.probabilities(&bits, missing, Watch::default()).unwrap();
        let completed = imputation.completed(&bits, missing, Watch::default()).unwrap();
        rbm.visible_units().check_states("completed", &completed).unwrap();
        for row in 0..24 {
            let on: Vec<usize> = active(bits.row(row)).collect();
            for (site, columns) in rbm.visible_units().sites().enumerate() {
                if !missing.get(row, columns.start) {
                    columns.for_each(|unit| {
                        assert_eq!(completed.get(row, unit), bits.get(row, unit));
                        assert_eq!(found[[row, unit]], f64::from(u8::from(bits.get(row, unit))));
                    });
                    continue;
                }
                let others = rbm.visible_units().sites().enumerate();
                let others: Vec<usize> = match model {
                    Missing::Absent => Vec::new(),
                    _ => others
                        .filter(|(other, columns)| {
                            *other != site && missing.get(row, columns.start)
                        })
                        .map(|(other, _)| other)
                        .collect(),
                };
                let expected = site_given(&parameters, site, &on, &others);
                for (unit, expected) in columns.zip(expected) {
                    let found = found[[row, unit]];
                    assert!(
                        (found - expected).abs() < 1e-9,
                        "{model} {row} {unit} {found} {expected}"
                    );
                    assert!(expected <= 0.5 || completed.get(row, unit));
                }
            }
        }
    }
}

/// Each row has a mask of its own, and many free units: its chain has the mean of the sum over all states.
#[test]
fn chains_with_masks_of_their_own_have_their_means() {
    const N: usize = 900;
    let sites = [3, 5, 4, 1, 6];
    let rbm = model(&sites, 5, 1.0);
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let fixed = FixedModel { rbm: &rbm, weights: &weights };
    // Three masks in turn, two of which are too large to enumerate.
    let lacks = |row: usize, site: usize| match row % 3 {
        0 => site != 1,
        1 => site != 3,
        _ => site == 2,
    };
    let kinds = examples(&sites, 3, lacks);
    let (bits, missing) = (kinds.fixed_bits(0, 0..3).cycled(N), kinds.missing().unwrap().cycled(N));
    let imputation = Imputation { model: fixed, missing: Missing::Marginal, sweeps: 60, seed: 1 };
    let found = imputation.probabilities(&bits, &missing, Watch::default()).unwrap();
    let parameters = Parameters::of(&rbm);
    for row in 0..3 {
        let on: Vec<usize> = active(bits.row(row)).collect();
        for (site, columns) in
            rbm.visible_units().sites().enumerate().filter(|(site, _)| lacks(row, *site))
        {
            let others: Vec<usize> =
                (0..5).filter(|&other| other != site && lacks(row, other)).collect();
            let expected = site_given(&parameters, site, &on, &others);
            for (unit, expected) in columns.zip(expected) {
                let of_row: Array1<f64> = (row..N).step_by(3).map(|n| found[[n, unit]]).collect();
                let error = of_row.std(1.0) / (N as f64 / 3.0).sqrt();
                let mean = of_row.mean().unwrap();
                assert!(
                    (mean - expected).abs() <= 4.9 * error + 1e-5,
                    "{row} {unit}: {mean} {expected}"
                );
            }
        }
    }
}

#[test]
fn the_likelihood_of_what_examples_have_is_that_of_the_enumeration() {
    let sites = [3, 1, 1, 4, 1];
    let rbm = model(&sites, 6, 1.5);
    let kinds = examples(&sites, 24, |row, site| (row * 3 + site) % 5 < 2);
    let rows = kinds.weighted_bits(0, 0..24);
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let fixed = FixedModel { rbm: &rbm, weights: &weights };
    let found = Evaluator::new(fixed).evaluate(&rows).unwrap();
    let expected = Parameters::of(&rbm).log_likelihood(&kinds, Missing::Marginal);
    assert!((found.log_likelihood.mean - expected).abs() < 1e-9, "{found} {expected}");
    assert_eq!(found.observed.as_ref().unwrap().n_annealed, 0);
    let report = EvaluationReport::new(&found, None).to_string();
    assert!(report.contains("what they lack is summed out, exactly"), "{report}");
    let config = EvaluationConfig { raise: 5, ..EvaluationConfig::default() };
    let error = Evaluator::new(fixed).config(config).evaluate(&rows).unwrap_err().to_string();
    assert_eq!(error, "raise is 5, but must be 0 for examples that lack values");
}

/// −ln p of each value given the others of its example, which sum to the pseudo-likelihood.
#[test]
fn every_value_is_predicted_from_the_others_of_its_example() {
    let sites = [3, 1, 1, 4, 1];
    let rbm = model(&sites, 6, 1.5);
    let kinds = examples(&sites, 24, |row, site| (row * 3 + site) % 5 < 2);
    let rows = kinds.weighted_bits(0, 0..24);
    let parameters = Parameters::of(&rbm);
    let (mut losses, mut errors, mut n) = (0.0, 0.0, 0.0);
    for row in 0..24 {
        let on: Vec<usize> = active(rows.bits().row(row)).collect();
        for (site, columns) in rbm.visible_units().sites().enumerate() {
            if rows.missing().unwrap().get(row, columns.start) {
                continue;
            }
            let others: Vec<usize> =
                on.iter().copied().filter(|unit| !columns.contains(unit)).collect();
            let p = site_given(&parameters, site, &others, &[]);
            let own = columns.clone().position(|unit| on.contains(&unit));
            let of_value = own.map_or(1.0 - p[0], |own| p[own]);
            let most =
                p.iter().copied().fold(if p.len() == 1 { 1.0 - p[0] } else { 0.0 }, f64::max);
            errors += f64::from(u8::from(of_value < most));
            losses -= of_value.ln();
            n += 1.0;
        }
    }
    let found = Entries::new(&rbm, Isa::fastest())
        .training(&kinds)
        .score(&rows, &rows, Watch::default())
        .unwrap();
    assert_eq!(found.n_values as f64, n);
    assert!((found.given_others.log_loss - losses / n).abs() < 1e-9, "{found:?}");
    assert!((found.given_others.error_rate - errors / n).abs() < 1e-12, "{found:?}");
    let likelihood = pseudo_likelihood(&rbm, &rows, Isa::fastest(), Watch::default()).unwrap();
    assert!((likelihood.mean + losses / 24.0).abs() < 1e-9, "{likelihood:?}");
    // The rates are those of the values that there are.
    let rates = Independent::of(&kinds).log_likelihood(&rows).mean;
    assert!((found.column_rates.unwrap().log_loss + rates * 24.0 / n).abs() < 1e-9);
}

/// Four people rate three films with 1 to 5, one of which nobody rated in training.
#[test]
fn numbers_are_compared_with_means() {
    let stars: Vec<String> = (1..=5).map(|stars| stars.to_string()).collect();
    let film = |name: &str| Column { name: name.into(), kind: ColumnKind::Category(stars.clone()) };
    let columns = Columns::table(["a", "b", "c"].map(film).to_vec());
    let table = |rows: [[Option<u8>; 3]; 4]| {
        let state = |(n, film): (usize, usize)| rows[n][film].map_or(0, |stars| stars - 1);
        let bits = columns.encode("t", Array2::from_shape_fn((4, 3), state).view()).unwrap();
        let missing = BitMatrix::from_fn(4, 15, |n, unit| rows[n][unit / 5].is_none());
        let data = Dataset::from_columns("t", columns.clone(), bits).with_missing(missing).unwrap();
        Examples::new(data, Binarization::None)
    };
    let training = table([
        [Some(5), Some(4), None],
        [Some(1), Some(2), None],
        [Some(3), None, None],
        [None, Some(4), None],
    ]);
    let asked = table([
        [None, None, Some(5)],
        [None, None, Some(1)],
        [None, Some(4), None],
        [Some(3), None, None],
    ]);
    let rbm = Rbm::of_sites(
        training.units(),
        Array2::zeros((15, 2)),
        Array1::zeros(15),
        Array1::zeros(2),
    )
    .unwrap();
    let rows = [&training, &asked].map(|examples| examples.weighted_bits(0, 0..4));
    let found = Entries::new(&rbm, Isa::fastest())
        .columns(Some(&columns))
        .training(&training)
        .score(&rows[0], &rows[1], Watch::default())
        .unwrap();
    assert_eq!((found.n_values, found.n_of_unknown_columns), (4, 2));
    let truth = [5.0, 1.0, 4.0, 3.0];
    let rmse = |predicted: [f64; 4]| {
        (truth.iter().zip(predicted).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / 4.0).sqrt()
    };
    let mean = 19.0 / 6.0;
    let deviation = |sum: f64, n: f64| (sum - n * mean) / (n + 5.0);
    let (a, b) = (deviation(9.0, 3.0), deviation(10.0, 3.0));
    let example = |pairs: &[(f64, f64)]| {
        let sum: f64 = pairs.iter().map(|(stars, of_film)| stars - mean - of_film).sum();
        sum / (pairs.len() as f64 + 5.0)
    };
    let unknown = [mean + example(&[(5.0, a), (4.0, b)]), mean + example(&[(1.0, a), (2.0, b)])];
    let both =
        [unknown[0], unknown[1], mean + b + example(&[(3.0, a)]), mean + a + example(&[(4.0, b)])];
    let numbers = found.numbers.unwrap();
    for (found, expected) in [
        (numbers.global_mean, rmse([mean; 4])),
        (numbers.column_mean, rmse([mean, mean, 10.0 / 3.0, 3.0])),
        (numbers.column_and_example, rmse(both)),
        // The model knows nothing: 3 stars, but for the film that training lacks.
        (found.given_others.rmse.unwrap(), rmse([unknown[0], unknown[1], 3.0, 3.0])),
    ] {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    let text = found.to_string();
    for part in ["4 values", "RMSE", "2 values of columns that the training data lack", "log Z"] {
        assert!(text.contains(part), "{text}");
    }
    // Of the last two examples the only value is asked: nothing is left from which the model could predict it.
    let entries = Entries::new(&rbm, Isa::fastest()).columns(Some(&columns)).training(&training);
    let single = training.weighted_bits(0, 2..4);
    let found = entries.score(&single, &single, Watch::default()).unwrap().given_others;
    let errors = [3.0 - mean - a, 4.0 - mean - b];
    let mean_square = errors.map(|error: f64| error * error).iter().sum::<f64>() / 2.0;
    assert!((found.rmse.unwrap() - mean_square.sqrt()).abs() < 1e-6, "{found:?}");
    assert!(found.rmse_standard_error.is_some_and(|error| error > 0.0), "{found:?}");
    // Values of one example say nothing of the scatter over examples.
    let one = table([[None, None, Some(5)], [None; 3], [None; 3], [None; 3]]);
    let found = entries.score(&rows[0], &one.weighted_bits(0, 0..4), Watch::default()).unwrap();
    assert_eq!((found.n_values, found.given_others.rmse_standard_error), (1, None));
}

/// A row of weight 2 counts as two rows in every mean over values.
#[test]
fn values_count_by_the_weights_of_their_rows() {
    let stars: Vec<String> = (1..=3).map(|stars| stars.to_string()).collect();
    let film = |name: &str| Column { name: name.into(), kind: ColumnKind::Category(stars.clone()) };
    let columns = Columns::table(["a", "b"].map(film).to_vec());
    let rows = [[0, 1], [2, 2], [1, 0], [2, 0]];
    let table = |of: &[usize]| {
        let states = Array2::from_shape_fn((of.len(), 2), |(n, film)| rows[of[n]][film]);
        let bits = columns.encode("t", states.view()).unwrap();
        let missing = BitMatrix::from_fn(of.len(), 6, |n, unit| of[n] == 0 && unit < 3);
        Dataset::from_columns("t", columns.clone(), bits).with_missing(missing).unwrap()
    };
    let copies = table(&[0, 1, 1, 2, 2, 2, 3]);
    let weighted = table(&[0, 1, 2, 3]).weighted("w", &[1.0, 2.0, 3.0, 1.0]).unwrap();
    let training = Examples::new(copies.clone(), Binarization::None);
    let weights = Array2::from_shape_fn((6, 2), |(i, j)| 0.1 * (i * 2 + j) as f32 - 0.3);
    let (visible, hidden) = (Array1::from_elem(6, 0.2), Array1::from_elem(2, -0.1));
    let rbm = Rbm::of_sites(training.units(), weights, visible, hidden).unwrap();
    let entries = Entries::new(&rbm, Isa::fastest()).columns(Some(&columns)).training(&training);
    let [copies, weighted] = [copies, weighted].map(|data| {
        let examples = Examples::new(data, Binarization::None);
        let rows = examples.weighted_bits(0, 0..examples.n_examples());
        entries.score(&rows, &rows, Watch::default()).unwrap()
    });
    assert_eq!((copies.n_values, weighted.n_values), (13, 7));
    let figures = |found: &harmonium::evaluate::EntryReport| {
        let of = [found.given_others, found.column_rates.unwrap()].map(|score| {
            [Some(score.error_rate), Some(score.log_loss), score.rmse, score.mae]
                .map(Option::unwrap)
        });
        let means = found.numbers.unwrap();
        [&of.concat()[..], &[means.global_mean, means.column_mean, means.column_and_example]]
            .concat()
    };
    for (a, b) in figures(&copies).into_iter().zip(figures(&weighted)) {
        assert!((a - b).abs() < 1e-12, "{copies:?} {weighted:?}");
    }
}

#[test]
fn monitors_score_what_examples_have_or_nothing() {
    let holes = examples(&SITES, 150, some);
    for (missing, is_scored) in [(Missing::Absent, true), (Missing::Marginal, false)] {
        let trainer = trained(&config(Some(missing), Algorithm::Auto), &holes);
        let probe = Probe::new(&holes, Some(&holes), trainer.config());
        let change = WeightChange::new(&trainer);
        let mut record = probe.record(&trainer, &change);
        let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        probe.score(&trainer, &mut record, model, Watch::default()).unwrap();
        let scores =
            [record.pseudo_likelihood, record.reconstruction_error, record.mean_hidden_activity];
        assert!(scores.iter().all(|score| score.is_some() == is_scored), "{missing} {record:?}");
        // −ln p of a value is a term of the pseudo-likelihood.
        let n_values: usize = holes.n_given().iter().sum();
        let loss = record.pseudo_likelihood_test.map(|sum| -sum * 150.0 / n_values as f64);
        assert_eq!(record.log_loss_values_test.is_some(), is_scored);
        let difference = record.log_loss_values_test.zip(loss).map_or(0.0, |(a, b)| (a - b).abs());
        assert!(difference < 1e-9, "{record:?}");
        assert_eq!([record.free_energy_train, record.free_energy_gap], [None, None]);
        assert!(record.flip_rate.is_some_and(|rate| rate > 0.0 && rate < 1.0));
    }
}
