//! The mixing check names the modes that a model lost, and those that plain chains do not reach.

use harmonium::evaluate::{
    AnnealingSchedule, Base, Evaluation, EvaluationConfig, Evaluator, Method, Mixing,
};
use harmonium::gibbs::{FixedModel, FixedWeights};
use harmonium::kernels::Isa;
use harmonium::rng::{Purpose, Stream};
use harmonium::{BitMatrix, Rbm};
use ndarray::{Array1, Array2};

/// The log-odds of a unit whose block is on, or off with the other sign: a rate of 0.9.
const LOG_ODDS: f32 = 2.2;

const UNITS: usize = 200;

fn uniform(stream: &mut Stream) -> f64 {
    (f64::from(stream.step()[0]) + 0.5) / 2f64.powi(32)
}

/// Two blocks of units, each on with its chance: four populations of independent units.
fn populations(n: usize, chances: [f64; 2], seed: u64) -> BitMatrix {
    let rate = f64::from(1.0 / (1.0 + (-LOG_ODDS).exp()));
    let mut bits = BitMatrix::zeros(n, UNITS);
    for row in 0..n {
        let mut stream = Stream::new(seed, Purpose::Binarize, row as u64);
        let on = chances.map(|chance| uniform(&mut stream) < chance);
        for unit in 0..UNITS {
            bits.set(row, unit, (uniform(&mut stream) < rate) == on[unit % 2]);
        }
    }
    bits
}

/// The model of which these are the populations: a hidden unit for each block.
fn model(chances: [f64; 2]) -> Rbm {
    let weight = |(i, j): (usize, usize)| if i % 2 == j { 2.0 * LOG_ODDS } else { 0.0 };
    let hidden = chances.map(|p| (p / (1.0 - p)).ln() as f32 - (UNITS / 2) as f32 * LOG_ODDS);
    let visible = Array1::from_elem(UNITS, -LOG_ODDS);
    Rbm::new(Array2::from_shape_fn((UNITS, 2), weight), visible, hidden.to_vec().into()).unwrap()
}

fn evaluation(rbm: &Rbm, rows: &BitMatrix, isa: Isa) -> Evaluation {
    let weights = FixedWeights::of(rbm, isa);
    Evaluator::new(FixedModel { rbm, weights: &weights }).evaluate(rows).unwrap()
}

fn mixing(rbm: &Rbm, rows: &BitMatrix) -> Mixing {
    evaluation(rbm, rows, Isa::fastest()).mixing.unwrap()
}

fn names(found: &Mixing) -> Vec<&str> {
    found.warnings.iter().map(|warning| &warning.name[..]).collect()
}

#[test]
fn the_right_model_has_the_right_shares_though_plain_chains_do_not_find_them() {
    let (rows, chances) = (populations(1500, [0.4, 0.3], 1), [0.4, 0.3]);
    let found = mixing(&model(chances), &rows);
    let [p, q] = chances;
    let expected = [(1.0 - p) * (1.0 - q), p * (1.0 - q), (1.0 - p) * q, p * q];
    for shares in [&found.examples, found.model.as_ref().unwrap()] {
        for (share, expected) in shares.clusters.iter().zip(expected) {
            let error = (expected * (1.0 - expected) / shares.n_effective).sqrt();
            assert!((share - expected).abs() < 5.0 * error, "{shares:?}");
        }
        assert!(shares.clusters.len() == 4 && shares.outside < 0.01, "{shares:?}");
    }
    // Of rates σ(b), all chains start in the population where both blocks are off, and stay there.
    assert!(found.from_random.clusters[0] > 0.99, "{:?}", found.from_random);
    assert_eq!(found.n_independent, None);
    assert_eq!(names(&found), ["chains_do_not_mix"]);
    let warning = &found.warnings[0];
    for part in ["cluster 2 (", "cluster 3 (", "cluster 4 (", "200 sweeps"] {
        assert!(warning.what.contains(part), "{warning:?}");
    }
    assert!(!warning.what.contains("cluster 1 (") && warning.remedy.contains("--method pt"));
    // All components and moments agree with the examples, as far as noise lets them.
    for component in &found.components {
        assert!(component.distance.unwrap() < 2.5 * component.noise.unwrap(), "{component:?}");
    }
    let moments = found.moments.unwrap();
    for fit in [moments.units, moments.pairs] {
        assert!((fit.slope.unwrap() - 1.0).abs() < 0.1, "{moments:?}");
        assert!(fit.correlation.unwrap() > 0.9, "{moments:?}");
    }
}

#[test]
fn a_model_that_lost_modes_is_told_which() {
    let rows = populations(1500, [0.4, 0.3], 2);
    let found = mixing(&model([0.4, 1e-4]), &rows);
    assert_eq!(names(&found)[0], "wrong_masses");
    let warning = &found.warnings[0];
    for part in ["cluster 3 (0.1", "cluster 4 (0.1", "of its mass"] {
        assert!(warning.what.contains(part), "{warning:?}");
    }
    assert!(!warning.what.contains("cluster 1 ("), "{warning:?}");
    assert!(warning.remedy.contains("--preset clusters"), "{warning:?}");
    assert!(found.moments.unwrap().pairs.slope.unwrap() < 0.9);
    // The text has it, too.
    let text = evaluation(&model([0.4, 1e-4]), &rows, Isa::fastest()).to_string();
    assert!(text.contains(&warning.what) && text.contains("4 clusters of 1500 examples"), "{text}");
}

#[test]
fn mass_where_no_example_lies_is_spurious() {
    // Both blocks are off or on together in the data, but not in the model.
    let all = populations(3000, [0.5, 0.5], 3);
    let block =
        |row: usize, j: usize| (j..UNITS).step_by(2).filter(|&i| all.get(row, i)).count() > 50;
    let same: Vec<_> = (0..3000).filter(|&row| block(row, 0) == block(row, 1)).collect();
    let found = mixing(&model([0.5, 0.5]), &all.chosen(&same));
    assert_eq!(found.examples.clusters.len(), 2);
    assert!((found.model.as_ref().unwrap().outside - 0.5).abs() < 0.08, "{found:?}");
    assert_eq!(names(&found)[0], "spurious_modes");
    assert!(found.warnings[0].what.contains("% of the model's mass lies where no example does"));
}

/// From a base in the middle of all modes, annealing gives samples of a model that is too large to enumerate. From one
/// that leads to a single mode, all weights are alike, and yet nothing is said of the model unless it is believed.
#[test]
fn ends_of_annealing_have_the_shares_of_the_model_if_they_are_believed() {
    let (rows, rbm) = (populations(1000, [0.4, 0.3], 4), model([0.4, 0.3]));
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let schedule = AnnealingSchedule::Linear(1000);
    let config =
        EvaluationConfig { method: Method::Ais, schedule, burn_in: 10, ..Default::default() };
    for (base, is_believed) in
        [(Base::uniform(rbm.visible_units()), true), (Base::of_model(&rbm, None), false)]
    {
        let evaluator = Evaluator::new(FixedModel { rbm: &rbm, weights: &weights });
        let found = evaluator.config(config.clone()).base(base).evaluate(&rows).unwrap();
        assert_eq!(found.verdict.name() == "believable", is_believed, "{found}");
        let mixing = found.mixing.unwrap();
        assert_eq!(mixing.model.is_some(), is_believed);
        let Some(shares) = mixing.model else { continue };
        for (share, expected) in shares.clusters.iter().zip([0.42, 0.28, 0.18, 0.12]) {
            let error = (expected * (1.0 - expected) / shares.n_effective).sqrt();
            assert!((share - expected).abs() < 5.0 * error, "{shares:?}");
        }
        assert!(shares.n_effective < 200.0);
    }
}

/// Four spins in a ring with the coupling at which a lattice is critical, exactly: a hidden unit a bond.
#[test]
fn a_small_ising_model_and_independent_units_are_silent() {
    // cosh(w/2) = e^(2J)
    let w = 2.0 * (2.0 * 0.44_f32).exp().acosh();
    let ring =
        Array2::from_shape_fn((4, 4), |(i, j)| if i == j || i == (j + 1) % 4 { w } else { 0.0 });
    let rbm = Rbm::new(ring, Array1::from_elem(4, -w), Array1::from_elem(4, -w)).unwrap();
    let p = |v: u64| (-rbm.free_energy(&[v])).exp();
    let total: f64 = (0..16).map(p).sum();
    assert!((p(0) / p(15) - 1.0).abs() < 1e-4, "no field");
    let draw = |row: usize| {
        let mut left = total * uniform(&mut Stream::new(5, Purpose::Binarize, row as u64));
        let passes = |v: &u64| {
            left -= p(*v);
            left < 0.0
        };
        (0..16).find(passes).unwrap_or(15)
    };
    let states: Vec<u64> = (0..2000).map(draw).collect();
    let rows = BitMatrix::from_fn(2000, 4, |n, i| states[n] >> i & 1 == 1);
    let found = mixing(&rbm, &rows);
    assert!(found.warnings.is_empty(), "{found:?}");
    assert!(found.n_independent.unwrap() > 1000.0, "{found:?}");

    let coins = Rbm::new(Array2::zeros((60, 3)), Array1::zeros(60), Array1::zeros(3)).unwrap();
    let rows = coins.sample(500, 1, 9).unwrap();
    let found = mixing(&coins, &rows);
    assert!(found.warnings.is_empty() && found.examples.clusters.len() == 1, "{found:?}");
}

#[test]
fn a_check_has_the_same_bits_on_any_threads_and_instruction_set() {
    let (rows, rbm) = (populations(400, [0.4, 0.3], 6), model([0.4, 0.05]));
    let found = |threads, isa| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| evaluation(&rbm, &rows, isa)).mixing.unwrap()
    };
    let one = found(1, Isa::fastest());
    assert_eq!(found(3, Isa::fastest()), one);
    for isa in Isa::available() {
        assert_eq!(found(2, isa), one, "{isa:?}");
    }
}

#[test]
fn nothing_is_said_on_few_or_constant_examples() {
    let rbm = model([0.4, 0.3]);
    let of = |rows: &BitMatrix| evaluation(&rbm, rows, Isa::fastest()).mixing;
    assert_eq!(of(&populations(99, [0.4, 0.3], 1)), None);
    assert_eq!(of(&BitMatrix::ones(300, UNITS)), None);
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let evaluator = Evaluator::new(FixedModel { rbm: &rbm, weights: &weights }).without_mixing();
    assert_eq!(evaluator.evaluate(&populations(200, [0.4, 0.3], 1)).unwrap().mixing, None);
}
