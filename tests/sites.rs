//! Visible sites of several values, beside bits: every formula against sums over all states, chains against
//! exact frequencies, and the same bits on every computer.

mod site_models;

use harmonium::bits::active;
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::evaluate::pseudo_likelihood::{pseudo_likelihoods, pseudo_likelihoods_of_units};
use harmonium::evaluate::{EvaluationConfig, Evaluator, Exact, Method, Verdict};
use harmonium::gibbs::{Chains, FixedModel, FixedWeights};
use harmonium::kernels::Isa;
use harmonium::rng::{Purpose, Stream};
use harmonium::train::{Algorithm, Averaging};
use harmonium::units::Units;
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer, Watch};
use ndarray::{Array1, Array2};
use site_models::model;
use std::collections::BTreeMap;

/// All states of the sites, a row each.
fn all_states(units: &Units) -> BitMatrix {
    let sites: Vec<_> = units.sites().collect();
    let n_values = |columns: &std::ops::Range<usize>| columns.len().max(2);
    let n: usize = sites.iter().map(n_values).product();
    let mut states = BitMatrix::zeros(n, units.n_units());
    for row in 0..n {
        let mut rest = row;
        for columns in &sites {
            let value = rest % n_values(columns);
            rest /= n_values(columns);
            match columns.len() {
                1 => states.set(row, columns.start, value == 1),
                _ => states.set(row, columns.start + value, true),
            }
        }
    }
    states
}

/// −F of each state, by its definition in double precision.
fn log_weights(rbm: &Rbm, states: &BitMatrix) -> Vec<f64> {
    let of_state = |row| {
        let on: Vec<usize> = active(states.row(row)).collect();
        let bias: f64 = on.iter().map(|&i| f64::from(rbm.visible_bias()[i])).sum();
        let of_unit = |j: usize| {
            let of_weights: f64 = on.iter().map(|&i| f64::from(rbm.weights()[[i, j]])).sum();
            (1.0 + (f64::from(rbm.hidden_bias()[j]) + of_weights).exp()).ln()
        };
        bias + (0..rbm.n_hidden()).map(of_unit).sum::<f64>()
    };
    (0..states.n_rows()).map(of_state).collect()
}

fn probabilities(rbm: &Rbm, states: &BitMatrix) -> (Vec<f64>, f64) {
    let logs = log_weights(rbm, states);
    let z: f64 = logs.iter().map(|log| log.exp()).sum();
    (logs.iter().map(|log| log.exp() / z).collect(), z.ln())
}

#[test]
fn sums_over_all_states_give_log_z_free_energies_and_scores() {
    for sites in [&[4, 4, 4, 4][..], &[3, 1, 1, 5, 2]] {
        let rbm = model(sites, 3, 1.5);
        let units = rbm.visible_units();
        let states = all_states(units);
        let (p, log_z) = probabilities(&rbm, &states);
        let exact = Exact::new(&rbm).unwrap();
        assert!((exact.log_z() - log_z).abs() < 1e-9, "{} {log_z}", exact.log_z());
        for (row, p) in p.iter().enumerate() {
            assert!((exact.log_probability(states.row(row)) - p.ln()).abs() < 1e-9);
        }
        // Σ over sites of ln p(value | the rest), by the probabilities of all states that differ there.
        let index: BTreeMap<_, _> =
            (0..states.n_rows()).map(|row| (states.row(row).to_vec(), row)).collect();
        let of_site = |row: usize, columns: &std::ops::Range<usize>| {
            let mut others = Vec::new();
            for unit in columns.clone() {
                let mut other = states.rows(row..row + 1);
                match columns.len() {
                    1 => other.set(0, unit, !other.get(0, unit)),
                    _ => columns.clone().for_each(|i| other.set(0, i, i == unit)),
                }
                others.push(p[index[other.row(0)]]);
            }
            if columns.len() == 1 {
                others.push(p[row]);
            }
            (p[row] / others.iter().sum::<f64>()).ln()
        };
        let found = pseudo_likelihoods(&rbm, &states, Isa::fastest(), Watch::default()).unwrap();
        let columns: Vec<_> = units.sites().collect();
        for (row, found) in found.iter().enumerate() {
            let expected: f64 = columns.iter().map(|columns| of_site(row, columns)).sum();
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        let chosen: Vec<usize> = (0..states.n_rows()).map(|row| row % columns.len()).collect();
        let isa = Isa::fastest();
        let of_one =
            pseudo_likelihoods_of_units(&rbm, &states, &chosen, isa, Watch::default()).unwrap();
        for (row, found) in of_one.iter().enumerate() {
            let expected = columns.len() as f64 * of_site(row, &columns[chosen[row]]);
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }
}

/// W, b and c of a model.
struct Parameters {
    w: Array2<f32>,
    b: Array1<f32>,
    c: Array1<f32>,
}

/// ∂ ln p(data)/∂W is ⟨v h⟩_data − ⟨v h⟩_model for the units of sites as for bits, and likewise for both biases.
#[test]
fn the_gradient_of_the_log_likelihood_is_a_difference_of_means() {
    const STEP: f32 = 1.0 / 128.0;
    let rbm = model(&[3, 1, 4], 3, 1.0);
    let states = all_states(rbm.visible_units());
    let data = states.spread(5);
    let (p, _) = probabilities(&rbm, &states);
    let of_states = rbm.mean_hidden(&states).unwrap().mapv(f64::from);
    let of_data = rbm.mean_hidden(&data).unwrap().mapv(f64::from);
    // Means over the data less those of the model of a function of the row and of p(h | v).
    let difference = |f: &dyn Fn(&BitMatrix, usize, &Array2<f64>) -> f64| {
        let data_mean = (0..5).map(|n| f(&data, n, &of_data)).sum::<f64>() / 5.0;
        data_mean - (0..states.n_rows()).map(|n| p[n] * f(&states, n, &of_states)).sum::<f64>()
    };
    let slope = |change: &dyn Fn(&mut Parameters, f32)| {
        let moved = |step: f32| {
            let mut moved = Parameters {
                w: rbm.weights().clone(),
                b: rbm.visible_bias().clone(),
                c: rbm.hidden_bias().clone(),
            };
            change(&mut moved, step);
            let Parameters { w, b, c } = moved;
            let moved = Rbm::of_sites(rbm.visible_units().clone(), w, b, c).unwrap();
            Exact::new(&moved).unwrap().log_likelihood(&data).mean
        };
        (moved(STEP) - moved(-STEP)) / f64::from(2.0 * STEP)
    };
    let is_on = |rows: &BitMatrix, n: usize, i: usize| f64::from(u8::from(rows.get(n, i)));
    // The error of a difference is of order STEP², and that of means 24 binary places.
    let check =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-4, "{found} {expected}");
    for i in 0..8 {
        check(slope(&|at, step| at.b[i] += step), difference(&|rows, n, _| is_on(rows, n, i)));
        for j in 0..3 {
            let expected = difference(&|rows, n, means| is_on(rows, n, i) * means[[n, j]]);
            check(slope(&|at, step| at.w[[i, j]] += step), expected);
        }
    }
    for j in 0..3 {
        check(slope(&|at, step| at.c[j] += step), difference(&|_, n, means| means[[n, j]]));
    }
}

#[test]
fn p_of_v_given_h_is_a_softmax_over_the_values_of_each_site() {
    for sites in [&[3, 1, 21, 21, 21, 70, 2, 255, 1][..], &[64, 64], &[200]] {
        let rbm = model(sites, 70, 0.3);
        let hidden = BitMatrix::from_fn(37, 70, |n, j| (n * n + 3 * j) % 5 < 2);
        let means = rbm.mean_visible(&hidden).unwrap();
        for n in 0..37 {
            let input = |i: usize| {
                let of_weights = active(hidden.row(n)).map(|j| f64::from(rbm.weights()[[i, j]]));
                f64::from(rbm.visible_bias()[i]) + of_weights.sum::<f64>()
            };
            for columns in rbm.visible_units().sites() {
                let weights: Vec<f64> = columns.clone().map(|i| input(i).exp()).collect();
                let z = weights.iter().sum::<f64>() + f64::from(u8::from(columns.len() == 1));
                for (i, weight) in columns.zip(weights) {
                    assert!((f64::from(means[[n, i]]) - weight / z).abs() < 3e-5, "unit {i}");
                }
            }
        }
    }
}

/// A site of two values is a bit with W₁ − W₀ and b₁ − b₀, hidden biases c + Σ W₀ and log Z − Σ b₀.
#[test]
fn a_site_of_two_values_is_a_bit() {
    let pairs = model(&[2; 5], 4, 1.0);
    let (w, b) = (pairs.weights(), pairs.visible_bias());
    let difference = |i: usize, j: usize| w[[2 * i + 1, j]] - w[[2 * i, j]];
    let bits = Rbm::new(
        Array2::from_shape_fn((5, 4), |(i, j)| difference(i, j)),
        Array1::from_shape_fn(5, |i| b[2 * i + 1] - b[2 * i]),
        Array1::from_shape_fn(4, |j| {
            pairs.hidden_bias()[j] + (0..5).map(|i| w[[2 * i, j]]).sum::<f32>()
        }),
    )
    .unwrap();
    let (pairs, bits) = (Exact::new(&pairs).unwrap(), Exact::new(&bits).unwrap());
    for state in 0..32_u64 {
        let of_pair = |i: u64| if state >> i & 1 == 1 { 0b10 } else { 0b01 };
        let pair = (0..5).fold(0_u64, |word, i| word | of_pair(i) << (2 * i));
        let (found, expected) = (pairs.log_probability(&[pair]), bits.log_probability(&[state]));
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

/// The parameters differ, but not the model: free energies by one number, which is that of log Z.
#[test]
fn the_zero_sum_gauge_is_the_same_model() {
    for sites in [&[4, 4, 4, 4][..], &[3, 1, 1, 5, 2], &[1, 1, 1]] {
        let rbm = model(sites, 3, 1.5);
        let (gauged, shift) = (rbm.zero_sum_gauge(), rbm.zero_sum_shift());
        for units in rbm.visible_units().sites() {
            let of = |rbm: &Rbm| -> Vec<f32> {
                let unit = |i| [rbm.visible_bias()[i], rbm.weights()[[i, 0]]];
                units.clone().flat_map(unit).collect()
            };
            if units.len() == 1 {
                assert_eq!(of(&gauged), of(&rbm), "bits stay as they are");
                continue;
            }
            for part in 0..2 {
                let sum: f64 =
                    of(&gauged).iter().skip(part).step_by(2).map(|&x| f64::from(x)).sum();
                assert!(sum.abs() < 1e-6, "{sum}");
            }
        }
        let states = all_states(rbm.visible_units());
        let exact = [&rbm, &gauged].map(|rbm| Exact::new(rbm).unwrap());
        assert!((exact[0].log_z() - shift - exact[1].log_z()).abs() < 1e-6);
        let conditionals = |rbm: &Rbm| rbm.mean_hidden(&states).unwrap();
        let difference = (conditionals(&rbm) - conditionals(&gauged)).mapv(f32::abs);
        assert!(difference.iter().all(|&x| x < 1e-6));
        let hidden = BitMatrix::from_fn(8, 3, |n, j| n >> j & 1 == 1);
        let conditionals = |rbm: &Rbm| rbm.mean_visible(&hidden).unwrap();
        // p(v | h) is drawn from weights of 20 binary places.
        let difference = (conditionals(&rbm) - conditionals(&gauged)).mapv(f32::abs);
        assert!(difference.iter().all(|&x| x < 1e-5));
        for row in 0..states.n_rows() {
            let free_energy = |rbm: &Rbm| rbm.free_energy(states.row(row));
            // F rises by what log Z falls: p = exp(−F) / Z.
            assert!((free_energy(&gauged) - free_energy(&rbm) - shift).abs() < 1e-5);
            let log_p = exact.each_ref().map(|exact| exact.log_probability(states.row(row)));
            assert!((log_p[0] - log_p[1]).abs() < 1e-5);
        }
        // Once in the gauge, nothing moves.
        assert!(gauged.zero_sum_shift().abs() < 1e-6);
    }
}

/// Chains that start from exact draws stay distributed as the model says; h → v of each kind of site.
#[test]
fn chains_keep_the_exact_distribution() {
    const CHAINS: usize = 20_000;
    for (sites, strength) in [(&[3, 1, 5, 1][..], 1.0), (&[21, 2, 1], 1.0), (&[70, 1], 0.7)] {
        let rbm = model(sites, 3, strength);
        let states = all_states(rbm.visible_units());
        let (p, _) = probabilities(&rbm, &states);
        // Systematic draws: chain n takes the state in which the cumulated probability passes (n + ½)/N.
        let mut rows = Vec::new();
        let mut cumulated = 0.0;
        for (row, p) in p.iter().enumerate() {
            cumulated += p;
            while rows.len() < CHAINS && (rows.len() as f64 + 0.5) / CHAINS as f64 <= cumulated {
                rows.push(row);
            }
        }
        rows.resize(CHAINS, p.len() - 1);
        let start = BitMatrix::from_fn(CHAINS, states.n_columns(), |n, i| states.get(rows[n], i));
        let streams = Stream::first(CHAINS, 5, Purpose::Sample);
        for weights in [
            FixedWeights::of(&rbm, Isa::fastest()),
            FixedWeights::of_training(&rbm, Isa::fastest()),
        ] {
            let mut chains = Chains::from_visible(&weights, &start, streams.clone());
            (0..5).for_each(|_| chains.sweep(&weights));
            let visible = chains.visible();
            rbm.visible_units().check_states("chains", &visible).expect("one value a site");
            check_counts(&visible, &states, &p, &format!("{sites:?}"));
        }
    }
}

/// Chains of `sample` start at independent sites and reach the model's distribution.
#[test]
fn samples_of_mixed_sites_have_the_exact_distribution() {
    for sites in [&[3, 1, 5, 1][..], &[21, 2, 1], &[1, 70]] {
        let rbm = model(sites, 3, 1.0);
        let states = all_states(rbm.visible_units());
        let (p, _) = probabilities(&rbm, &states);
        let samples = rbm.sample(20_000, 30, 7).unwrap();
        check_counts(&samples, &states, &p, &format!("{sites:?}"));
    }
}

/// Holds how often each of `states` is among the rows of `visible` to its probability, by χ². Rare states are
/// pooled.
fn check_counts(visible: &BitMatrix, states: &BitMatrix, p: &[f64], what: &str) {
    let mut counts = BTreeMap::<Vec<u64>, f64>::new();
    for n in 0..visible.n_rows() {
        *counts.entry(visible.row(n).to_vec()).or_default() += 1.0;
    }
    let (mut chi_square, mut cells) = (0.0_f64, 0.0_f64);
    let (mut rare, mut of_rare) = (0.0, 0.0);
    for (row, p) in p.iter().enumerate() {
        let found = counts.get(states.row(row)).copied().unwrap_or(0.0);
        let expected = p * visible.n_rows() as f64;
        if expected < 10.0 {
            (rare, of_rare) = (rare + expected, of_rare + found);
            continue;
        }
        chi_square += (found - expected) * (found - expected) / expected;
        cells += 1.0;
    }
    if rare > 10.0 {
        chi_square += (of_rare - rare) * (of_rare - rare) / rare;
        cells += 1.0;
    }
    // χ² has a mean of cells − 1 and a deviation of √(2 (cells − 1)); five of them.
    let limit = cells - 1.0 + 5.0 * (2.0 * (cells - 1.0)).sqrt();
    assert!(chi_square < limit, "{what}: {chi_square} of {cells} cells");
}

fn examples(sites: &[usize], n: usize) -> Examples {
    let units = Units::of_sites(sites.iter().copied()).unwrap();
    let columns: Vec<_> = units.sites().collect();
    let mut states = BitMatrix::zeros(n, units.n_units());
    for row in 0..n {
        // Two groups of examples, each with its own usual value of every site.
        let group = row % 2;
        for (site, columns) in columns.iter().enumerate() {
            let is_usual = (row * 31 + site * 17) % 7 < 5;
            let value = if is_usual { 3 * group + site } else { row * 13 + site * 5 };
            match columns.len() {
                1 => states.set(row, columns.start, value % 2 == 1),
                q => states.set(row, columns.start + value % q, true),
            }
        }
    }
    let data = Dataset::from_sites("sites", units, states).unwrap();
    Examples::new(data, Binarization::Stochastic)
}

fn config(algorithm: Algorithm) -> TrainConfig {
    TrainConfig {
        hidden: Some(8),
        epochs: Some(30),
        batch_size: 20,
        chains: (algorithm != Algorithm::Cd).then_some(40),
        learning_rate: 0.05,
        algorithm,
        ..TrainConfig::default()
    }
}

#[test]
fn training_learns_what_belongs_together_and_leaves_padding_alone() {
    for algorithm in [Algorithm::Pcd, Algorithm::Cd, Algorithm::Pt] {
        let examples = examples(&[21, 21, 21, 5, 1, 70, 1], 200);
        let settings = TrainConfig { epochs: Some(300), ..config(algorithm) };
        let mut trainer = Trainer::new(settings, examples.clone()).unwrap();
        let rows = examples.fixed_bits(0, 0..200);
        let score = |rbm: &Rbm| Exact::new(rbm).unwrap().log_likelihood(&rows).mean;
        let before = score(&trainer.model());
        while !trainer.is_done() {
            trainer.update().unwrap();
        }
        let after = score(&trainer.model());
        assert!(after > before + 1.0, "{algorithm:?}: {before} to {after}");
        trainer.examples().units().check_states("chains", &trainer.chains().visible()).unwrap();
    }
}

#[test]
fn threads_instruction_sets_and_a_stop_do_not_change_a_bit() {
    let sites = [21, 21, 21, 5, 1, 70, 1, 255, 3];
    for algorithm in [Algorithm::Pcd, Algorithm::Pt] {
        let settings = TrainConfig {
            epochs: Some(3),
            averaging: Averaging::Exponential(1.0),
            ..config(algorithm)
        };
        let run = |threads, isa, stops: bool| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let examples = std::sync::Arc::new(examples(&sites, 150));
                let mut trainer =
                    Trainer::with_isa(settings.clone(), examples.clone(), None, isa).unwrap();
                while !trainer.is_done() {
                    trainer.update().unwrap();
                    if stops && trainer.updates().is_multiple_of(4) {
                        let state = trainer.state();
                        trainer = Trainer::restore(settings.clone(), examples.clone(), &state, isa)
                            .unwrap();
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

#[test]
fn annealing_from_both_sides_finds_log_z() {
    let rbm = model(&[4, 1, 6, 3, 1, 5], 6, 1.2);
    let exact = Exact::new(&rbm).unwrap().log_z();
    let config =
        EvaluationConfig { method: Method::Ais, n_chains: 400, ..EvaluationConfig::default() };
    let states = all_states(rbm.visible_units());
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let fixed = FixedModel { rbm: &rbm, weights: &weights };
    let found = Evaluator::new(fixed).config(config).evaluate(&states).unwrap();
    assert!((found.log_z - exact).abs() < 0.05, "{} {exact}", found.log_z);
    assert!(matches!(found.verdict, Verdict::Believable), "{:?}", found.verdict);
}

#[test]
fn a_model_of_sites_comes_back_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let rbm = model(&[21, 1, 3, 70], 5, 1.0);
    rbm.write(&path).unwrap();
    assert_eq!(Rbm::load(&path).unwrap(), rbm);
}

/// Free sites are completed by their values given the rest, by enumeration and by chains.
#[test]
fn free_sites_are_completed_by_their_values_given_the_others() {
    let rbm = model(&[3, 1, 4, 2, 1], 4, 1.5);
    let units = rbm.visible_units();
    let states = all_states(units);
    let (p, _) = probabilities(&rbm, &states);
    let examples = states.spread(6);
    // Sites 0, 2 and 4 are free; then all but the first, 9 units.
    for free in [&[0, 2, 4][..], &[1, 2, 3, 4]] {
        let columns: Vec<_> = units.sites().collect();
        let is_free = |unit: usize| free.iter().any(|&site| columns[site].contains(&unit));
        let given = BitMatrix::from_fn(1, units.n_units(), |_, unit| !is_free(unit));
        let exact = rbm.conditional_mean(&examples, &given, 0, 3).unwrap();
        for n in 0..6 {
            let agrees = |row: &usize| {
                (0..units.n_units())
                    .all(|i| is_free(i) || states.get(*row, i) == examples.get(n, i))
            };
            let rows: Vec<usize> = (0..states.n_rows()).filter(agrees).collect();
            let total: f64 = rows.iter().map(|&row| p[row]).sum();
            for unit in 0..units.n_units() {
                let on = rows.iter().filter(|row| states.get(**row, unit)).map(|&row| p[row]);
                let expected = on.sum::<f64>() / total;
                assert!((exact[[n, unit]] - expected).abs() < 1e-9, "{n} {unit}");
            }
        }
    }
    let halves = BitMatrix::from_fn(1, units.n_units(), |_, unit| unit != 1);
    let error = rbm.conditional_mean(&examples, &halves, 10, 3).unwrap_err().to_string();
    assert!(
        error.contains("given units of a site is 2, but must be 0 or all 3, in site 0"),
        "{error}"
    );
    // A site of 20 values is too large to enumerate, and is completed by chains.
    let rbm = model(&[20, 3], 3, 1.0);
    let states = all_states(rbm.visible_units());
    let (p, _) = probabilities(&rbm, &states);
    let given = BitMatrix::from_fn(1, 23, |_, unit| unit >= 20);
    let examples = states.rows(0..1);
    let found = rbm.conditional_mean(&examples, &given, 40_000, 3).unwrap();
    let total: f64 = p[..20].iter().sum();
    for unit in 0..20 {
        assert!((found[[0, unit]] - p[unit] / total).abs() < 0.01, "{unit}");
    }
}

#[test]
fn states_and_data_of_other_sites_are_refused() {
    let rbm = model(&[3, 1], 2, 1.0);
    let two_values = BitMatrix::from_fn(1, 4, |_, unit| unit < 2);
    let error = rbm.mean_hidden(&two_values).unwrap_err().to_string();
    assert!(error.contains("is 2, but must be 1"), "{error}");
    let units = Units::of_sites([2, 2]).unwrap();
    let states = BitMatrix::from_fn(4, 4, |n, unit| unit % 2 == n % 2);
    let others = Dataset::from_sites("pairs", units, states).unwrap();
    let others = Examples::new(others, Binarization::Stochastic);
    let config = TrainConfig { hidden: None, ..config(Algorithm::Pcd) };
    let error = Trainer::from_model(config, others, &rbm).unwrap_err().to_string();
    assert!(error.contains("pairs: has other sites than the model"), "{error}");
}

#[test]
fn a_site_without_one_value_is_refused() {
    let units = Units::of_sites([3, 1]).unwrap();
    for (on, n_on) in [(&[0, 1][..], 2), (&[3], 0)] {
        let states = BitMatrix::from_fn(2, 4, |n, i| if n == 0 { i == 2 } else { on.contains(&i) });
        let error = Dataset::from_sites("few", units.clone(), states).unwrap_err().to_string();
        let expected = format!(
            "is {n_on}, but must be 1 in each categorical site; it is in row 1, site 0, of few"
        );
        assert!(error.contains(&expected), "{error}");
    }
    for size in [0, 256] {
        let error = Units::of_sites([3, size]).unwrap_err().to_string();
        assert!(error.contains(&size.to_string()) && error.contains("from 2 to 255"), "{error}");
    }
}
