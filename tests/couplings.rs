//! Effective couplings are those of enumeration, in every gauge.

mod site_models;

use harmonium::dataset::{Binarization, Columns, Dataset, Examples};
use harmonium::evaluate::couplings::{Couplings, CouplingsConfig, Gaps, Gauge};
use harmonium::kernels::Isa;
use harmonium::model::Spins;
use harmonium::rng::{Purpose, Stream};
use harmonium::threads;
use harmonium::train::Schedule;
use harmonium::{BitMatrix, Error, Rbm, TrainConfig, Trainer, Watch};
use ndarray::{Array1, Array2, array};
use serde_json::json;
use site_models::model;
use std::ops::Range;
use std::sync::atomic::AtomicBool;

fn couplings(rbm: &Rbm, gauge: Gauge) -> Couplings {
    let config = CouplingsConfig { gauge, triples: true };
    Couplings::of(rbm, config, Isa::fastest(), Watch::default()).unwrap()
}

/// −F of all states of a model, by definition, and the units that are on in each.
fn all_states(rbm: &Rbm) -> Vec<(u64, f64)> {
    let mut states = vec![0_u64];
    for site in rbm.visible_units().sites() {
        let with = |state: u64, unit: usize| state | 1 << unit;
        let values = |state: u64| -> Vec<u64> {
            let on = site.clone().map(|unit| with(state, unit));
            (site.len() == 1).then_some(state).into_iter().chain(on).collect()
        };
        states = states.into_iter().flat_map(values).collect();
    }
    states.into_iter().map(|state| (state, -rbm.free_energy(&[state]))).collect()
}

/// The sum over the subsets of some units, each of sign (−1)^(number of units that are left out).
fn by_inclusion<const N: usize>(units: [usize; N], term: impl Fn(u64) -> f64) -> f64 {
    let of_subset = |subset: usize| {
        let on = |at: &usize| subset >> at & 1 == 1;
        let marks = (0..N).filter(on).fold(0, |marks, at| marks | 1 << units[at]);
        let sign = if (N - subset.count_ones() as usize).is_multiple_of(2) { 1.0 } else { -1.0 };
        sign * term(marks)
    };
    (0..1 << N).map(of_subset).sum()
}

/// Compares fields, pairs and triples with the terms of −F by subsets of units.
fn compare(rbm: &Rbm, found: &Couplings, term: impl Fn(u64) -> f64) {
    let sites: Vec<Range<usize>> = rbm.visible_units().sites().collect();
    let site = |unit: usize| sites.iter().position(|site| site.contains(&unit)).unwrap();
    let n = rbm.n_visible();
    let near = |found: f64, expected: f64, of: &[usize]| {
        let sizes = rbm.visible_units().sizes();
        assert!((found - expected).abs() < 1e-11, "{sizes:?} {of:?}: {found} {expected}");
    };
    let triples = found.triples.as_ref().unwrap();
    for a in 0..n {
        near(found.fields[a], by_inclusion([a], &term), &[a]);
        for b in 0..n {
            let is_pair = site(a) != site(b);
            let expected = if is_pair { by_inclusion([a, b], &term) } else { 0.0 };
            near(found.pairs[[a, b]], expected, &[a, b]);
            for c in b..n {
                let is_triple = is_pair && site(a) != site(c) && site(b) != site(c);
                let expected = if is_triple { by_inclusion([a, b, c], &term) } else { 0.0 };
                near(triples[[a, b, c]], expected, &[a, b, c]);
            }
        }
    }
}

/// The mean of −F over the states in which some units are on.
fn mean_with(states: &[(u64, f64)]) -> impl Fn(u64) -> f64 {
    |marks| {
        let with = states.iter().filter(|(state, _)| state & marks == marks);
        let (n, sum) = with.fold((0, 0.0), |(n, sum), (_, f)| (n + 1, sum + f));
        sum / f64::from(n)
    }
}

#[test]
fn zero_sum_couplings_are_the_terms_of_minus_f_by_enumeration() {
    for (sites, n_hidden, strength) in [
        (&[1; 5][..], 3, 2.0),
        (&[1; 5], 3, 40.0),
        (&[1; 10], 6, 1.0),
        (&[3, 1, 2, 1, 4], 4, 1.5),
        (&[2, 5, 3], 3, 6.0),
        (&[1], 2, 1.0),
        (&[4], 2, 1.0),
    ] {
        let rbm = model(sites, n_hidden, strength);
        compare(&rbm, &couplings(&rbm, Gauge::ZeroSum), mean_with(&all_states(&rbm)));
    }
    // χ of the first site is 0 for some waves, and that of the second one always 1.
    let w = array![[0.0_f32], [1.0], [2.0], [3.0], [2.0], [2.0], [1.0]];
    let units = harmonium::units::Units::of_sites([4, 2, 1]).unwrap();
    let rbm = Rbm::of_sites(units, w, Array1::zeros(7), array![-3.0]).unwrap();
    compare(&rbm, &couplings(&rbm, Gauge::ZeroSum), mean_with(&all_states(&rbm)));
}

/// The expansion in products of spins, up to V = 16.
#[test]
fn the_ising_gauge_is_the_parity_expansion() {
    let rbm = model(&[1; 16], 5, 1.2);
    let found = couplings(&rbm, Gauge::Ising);
    let states = all_states(&rbm);
    let parity = |units: &[usize]| {
        let terms = states.iter().map(|(state, f)| {
            let n_down = units.iter().filter(|&unit| state >> unit & 1 == 0).count();
            if n_down % 2 == 0 { *f } else { -f }
        });
        terms.sum::<f64>() / states.len() as f64
    };
    let triples = found.triples.as_ref().unwrap();
    for a in 0..16 {
        assert!((found.fields[a] - parity(&[a])).abs() < 1e-11, "{a}");
        for b in 0..a {
            assert!((found.pairs[[a, b]] - parity(&[a, b])).abs() < 1e-11, "{a} {b}");
            for c in 0..b {
                assert!((triples[[a, b, c]] - parity(&[a, b, c])).abs() < 1e-11, "{a} {b} {c}");
            }
        }
    }
    assert_eq!(Couplings { gauge: Gauge::Ising, ..couplings(&rbm, Gauge::ZeroSum) }, found);
}

#[test]
fn lattice_gas_couplings_are_the_terms_of_minus_f_by_inclusion() {
    for (n, n_hidden, strength) in [(5, 3, 2.0), (12, 70, 1.0), (4, 2, 40.0)] {
        let rbm = model(&vec![1; n], n_hidden, strength);
        let found = couplings(&rbm, Gauge::LatticeGas);
        compare(&rbm, &found, |marks| -rbm.free_energy(&[marks]));
    }
}

/// All terms of three sites are known, so that they add up to ln p.
#[test]
fn every_gauge_reproduces_ln_p_of_three_sites() {
    for (sites, gauge) in [
        (&[1, 1, 1][..], Gauge::Ising),
        (&[1, 1, 1], Gauge::LatticeGas),
        (&[3, 1, 4], Gauge::ZeroSum),
    ] {
        let rbm = model(sites, 4, 2.0);
        let found = couplings(&rbm, gauge);
        let sizes: Vec<usize> =
            rbm.visible_units().sites().flat_map(|site| vec![site.len(); site.len()]).collect();
        let ln_p = |state: u64| {
            let x = |unit: usize| match (state >> unit & 1 == 1, sizes[unit], gauge) {
                (true, ..) => 1.0,
                (false, 1, Gauge::Ising | Gauge::ZeroSum) => -1.0,
                _ => 0.0,
            };
            let (mut sum, n) = (0.0, sizes.len());
            for a in 0..n {
                sum += found.fields[a] * x(a);
                for b in a + 1..n {
                    sum += found.pairs[[a, b]] * x(a) * x(b);
                    for c in b + 1..n {
                        sum += found.triples.as_ref().unwrap()[[a, b, c]] * x(a) * x(b) * x(c);
                    }
                }
            }
            sum
        };
        let states = all_states(&rbm);
        let (first, f) = states[0];
        for (state, other) in &states {
            let expected = other - f;
            let sum = ln_p(*state) - ln_p(first);
            assert!((sum - expected).abs() < 1e-11, "{gauge} {state:b}: {sum} {expected}");
        }
    }
}

/// A hidden spin that is tied to two spins with w joins them with J = ½ ln cosh 2w.
#[test]
fn the_bonds_of_an_ising_ring_are_found() {
    let n = 12;
    let w = |bond: usize| 0.2 + 0.1 * bond as f64;
    let sign = |bond: usize| if bond.is_multiple_of(3) { -1.0 } else { 1.0 };
    let spins = Spins {
        couplings: Array2::from_shape_fn((n, n), |(i, bond)| match (i + n - bond) % n {
            0 => w(bond),
            1 => sign(bond) * w(bond),
            _ => 0.0,
        }),
        visible_field: Array1::from_shape_fn(n, |i| 0.1 * i as f64 - 0.5),
        hidden_field: Array1::zeros(n),
    };
    let found = couplings(&Rbm::from_spins(&spins).unwrap(), Gauge::Ising);
    for i in 0..n {
        // The model is rounded to f32.
        assert!((found.fields[i] - spins.visible_field[i]).abs() < 1e-6, "{i}");
        for k in i + 1..n {
            let bond = match k - i {
                1 => Some(i),
                11 => Some(k),
                _ => None,
            };
            let expected = bond.map_or(0.0, |b| sign(b) * (2.0 * w(b)).cosh().ln() / 2.0);
            let found = found.pairs[[i, k]];
            assert!((found - expected).abs() < 1e-6, "{i} {k}: {found} {expected}");
        }
    }
    assert!(found.triples.unwrap().iter().all(|coupling| coupling.abs() < 1e-6));
}

/// A chain of 8 spins with J = 0.6, whose neighbours are alike with probability σ(2J).
#[test]
fn the_couplings_of_a_trained_chain_are_near_those_of_its_data() {
    const J: f64 = 0.6;
    let mut stream = Stream::new(7, Purpose::Sample, 0);
    let mut unit = || f64::from(stream.below(1 << 30)) / f64::from(1 << 30);
    let alike = 1.0 / (1.0 + (-2.0 * J).exp());
    let mut words = Vec::new();
    for _ in 0..5000 {
        let mut spin = unit() < 0.5;
        let mut word = u64::from(spin);
        for i in 1..8 {
            spin ^= unit() > alike;
            word |= u64::from(spin) << i;
        }
        words.push(word);
    }
    let data = Dataset::from_bits("chain", BitMatrix::from_words(5000, 8, words).unwrap());
    let config = TrainConfig {
        hidden: Some(12),
        epochs: Some(400),
        batch_size: 250,
        chains: Some(250),
        learning_rate: 1.0,
        schedule: Schedule::Linear,
        ..TrainConfig::default()
    };
    let mut trainer = Trainer::new(config, Examples::new(data, Binarization::Stochastic)).unwrap();
    trainer.run(&mut []).unwrap();
    let found = couplings(&trainer.model(), Gauge::Ising);
    // J of 5,000 states errs by some (1/5000)^½ / (1 − tanh² J) = 0.02.
    for i in 0..8 {
        assert!(found.fields[i].abs() < 0.12, "{i}: {}", found.fields);
        for k in i + 1..8 {
            let expected = if k == i + 1 { J } else { 0.0 };
            let error = found.pairs[[i, k]] - expected;
            assert!(error.abs() < 0.12, "{i} {k}: {:.3}", found.pairs);
        }
    }
}

/// The approximation of the paper: the sum of the other spins is normal.
#[test]
fn of_many_units_the_normal_approximation_is_near() {
    let rbm = model(&[1; 150], 3, 0.8);
    let found = couplings(&rbm, Gauge::Ising);
    let spins = rbm.to_spins().unwrap();
    let ln_cosh = |x: f64| x.abs() + (-2.0 * x.abs()).exp().ln_1p();
    for (a, b) in [(0, 1), (3, 140), (77, 20)] {
        let mut expected = 0.0;
        for (w, d) in spins.couplings.columns().into_iter().zip(&spins.hidden_field) {
            let others = w.iter().enumerate().filter(|(i, _)| *i != a && *i != b);
            let deviation = others.map(|(_, w)| w * w).sum::<f64>().sqrt();
            // Σ over ±, and over x in steps of a tenth of the standard deviation.
            for (x, y) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)] {
                for step in -80..=80 {
                    let z = 0.1 * f64::from(step);
                    let density = 0.1 * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
                    let input = d + w[a] * x + w[b] * y + deviation * z;
                    expected += x * y / 4.0 * density * ln_cosh(input);
                }
            }
        }
        let found = found.pairs[[a, b]];
        // The fourth cumulant of a sum of n spins is of the order of 1/n.
        assert!((found - expected).abs() < 0.02 * expected.abs().max(0.005), "{found} {expected}");
    }
}

#[test]
fn couplings_do_not_depend_on_threads_or_instructions() {
    for (sites, gauge) in [
        (vec![1; 40], Gauge::Ising),
        (vec![1; 40], Gauge::LatticeGas),
        ([3, 1, 7, 2].repeat(4), Gauge::ZeroSum),
    ] {
        let rbm = model(&sites, 20, 1.0);
        let config = CouplingsConfig { gauge, triples: true };
        let expected = couplings(&rbm, gauge);
        for (n_threads, isa) in Isa::available().into_iter().enumerate() {
            let found = threads::in_pool(Some(n_threads + 1), || {
                Couplings::of(&rbm, config, isa, Watch::default())
            });
            assert_eq!(found.unwrap(), expected, "{gauge}, {n_threads} threads, {}", isa.name());
        }
        let stop = AtomicBool::new(true);
        let stopped = Couplings::of(&rbm, config, Isa::fastest(), Watch::until(&stop));
        assert!(matches!(stopped, Err(Error::Interrupted)), "{gauge}");
    }
}

/// The columns of sequences.
fn sequences(alphabet: &str, length: usize) -> Columns {
    let form = json!({"alphabet": alphabet, "length": length, "unknown_letters": "refuse"});
    serde_json::from_value(json!({ "sequences": form })).unwrap()
}

/// Three sites of the letters `A-C`, and a label of two classes.
#[test]
fn norms_without_gaps_are_those_of_enumeration_over_the_other_letters() {
    let rbm = model(&[3, 3, 3, 2], 4, 2.0);
    let counted = couplings(&rbm, Gauge::ZeroSum);
    let found = counted.clone().with_gaps(Gaps::LeaveOut, Some(&sequences("A-C", 3)));
    assert_eq!((&found.left_out[..], &found.pairs), (&[1, 4, 7][..], &counted.pairs));
    let states = all_states(&rbm);
    let term = mean_with(&states);
    let letters: [&[usize]; 4] = [&[0, 2], &[3, 5], &[6, 8], &[9, 10]];
    for (a, first) in letters.iter().enumerate() {
        for (b, second) in letters.iter().enumerate().filter(|(b, _)| *b != a) {
            let pairs = first.iter().flat_map(|&u| second.iter().map(move |&t| [u, t]));
            let squares: f64 = pairs.map(|pair| by_inclusion(pair, &term).powi(2)).sum();
            let norm = found.norms()[[a, b]];
            assert!((norm - squares.sqrt()).abs() < 1e-11, "{a} {b}: {norm} {}", squares.sqrt());
            assert!(norm < counted.norms()[[a, b]] - 1e-3, "{a} {b}");
        }
    }
    // Where gaps count, or there are none, or the columns are those of another model.
    let table = Columns::of_sites(&[3, 3, 3]);
    for (gaps, columns) in [
        (Gaps::Count, Some(sequences("A-C", 3))),
        (Gaps::LeaveOut, Some(sequences("ABC", 3))),
        (Gaps::LeaveOut, Some(sequences("A-C", 5))),
        (Gaps::LeaveOut, Some(sequences("A-CG", 3))),
        (Gaps::LeaveOut, Some(table)),
        (Gaps::LeaveOut, None),
    ] {
        assert_eq!(found.clone().with_gaps(gaps, columns.as_ref()), counted, "{gaps} {columns:?}");
    }
}

#[test]
fn what_has_no_couplings_is_refused_with_the_rule() {
    let refused = |rbm: &Rbm, gauge| {
        let config = CouplingsConfig { gauge, triples: false };
        Couplings::of(rbm, config, Isa::fastest(), Watch::default()).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&model(&[3, 1], 2, 1.0), Gauge::LatticeGas),
        "gauge is lattice-gas, but must be zero-sum, as the model has sites of several values"
    );
    let rule = "must be below 100000; hidden unit 0 has weights beyond all measure";
    let error = refused(&model(&[1; 8], 1, 1e7), Gauge::Ising);
    assert!(error.ends_with(rule), "{error}");
    let wide = model(&[1; 20_000], 1, 0.1);
    let config = CouplingsConfig { gauge: Gauge::Ising, triples: true };
    let error = Couplings::of(&wide, config, Isa::fastest(), Watch::default()).unwrap_err();
    let expected = "the couplings of 20000 visible units needs 64.0 TB of memory";
    assert!(error.to_string().starts_with(expected), "{error}");
}
