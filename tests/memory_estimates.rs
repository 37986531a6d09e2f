//! What work is estimated to need is what it allocates.

mod counting;

use counting::most_bytes;
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::evaluate::{
    AnnealingSchedule, Base, Evaluation, EvaluationConfig, Evaluator, Method,
};
use harmonium::gibbs::{Chains, FixedModel, FixedWeights};
use harmonium::kernels::Isa;
use harmonium::memory::Bytes;
use harmonium::reals::RealRows;
use harmonium::train::{Algorithm, Ascent, Averaging, UpdateRule};
use harmonium::units::Units;
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::{Array1, Array2};
use std::sync::Arc;

// Needs are so small that the system is not asked whether it grants them, which the allocator would count.
const V: usize = 500;
const H: usize = 300;

/// Checks that an estimate is right to a fifth.
fn check(what: &str, estimate: Bytes, work: impl FnOnce()) {
    let (estimate, found) = (estimate.0 as f64, most_bytes(work) as f64);
    let ratio = estimate / found;
    println!("{what}: {:.1} MB, estimated {:.1} MB", found / 1e6, estimate / 1e6);
    assert!((0.8..1.2).contains(&ratio), "{what}: {found:.0} bytes, estimated {estimate:.0}");
}

fn trainings() {
    let bits = BitMatrix::from_fn(2000, V, |n, i| (n * i) % 7 < 3);
    let examples = Examples::new(Dataset::from_bits("noise", bits), Binarization::Stochastic);
    let examples = Arc::new(examples);
    let plain = TrainConfig { hidden: Some(H), ..TrainConfig::plain() };
    let pt = TrainConfig { algorithm: Algorithm::Pt, temperatures: 12, ..plain.clone() };
    let cd = TrainConfig { algorithm: Algorithm::Cd, batch_size: 1500, ..plain.clone() };
    let adam = TrainConfig {
        optimizer: UpdateRule::Adam,
        averaging: Averaging::Exponential(1.0),
        ..plain.clone()
    };
    let centred = TrainConfig {
        centering: true,
        momentum: 0.5,
        chains: Some(1000),
        batch_size: 700,
        ..plain.clone()
    };
    let narrow = TrainConfig { hidden: Some(5), chains: Some(2000), ..plain.clone() };
    for (what, config) in [
        ("plain", plain),
        ("pt", pt),
        ("cd", cd),
        ("adam and an average", adam),
        ("centred", centred),
        ("narrow", narrow),
    ] {
        let config = config.for_data(2000, V);
        let needs = Ascent::needs(&config, config.batch_size, V);
        check(what, needs.iter().map(|need| need.bytes).sum(), || {
            let mut trainer = Trainer::new(config, examples.clone()).unwrap();
            (0..3).for_each(|_| trainer.update().unwrap());
        });
    }
}

/// Sites of 33 values stand one in a panel, so that a layer takes twice the places of its units.
fn sites() {
    const SITES: usize = 40;
    let units = Units::of_sites([33; SITES]).unwrap();
    let n = units.n_units();
    let one_hot = |n: usize, i: usize| i % 33 == (n * (i / 33 + 1)) % 33;
    let rows = BitMatrix::from_fn(2000, n, one_hot);
    let data = Dataset::from_sites("sites", units.clone(), rows.clone()).unwrap();
    let examples = Arc::new(Examples::new(data, Binarization::Stochastic));
    let plain = TrainConfig { hidden: Some(H), ..TrainConfig::plain() };
    let pt = TrainConfig { algorithm: Algorithm::Pt, temperatures: 12, ..plain.clone() };
    let centred = TrainConfig {
        centering: true,
        momentum: 0.5,
        averaging: Averaging::Exponential(1.0),
        chains: Some(1000),
        batch_size: 700,
        ..plain.clone()
    };
    for (what, config) in [("plain", plain), ("pt", pt), ("centred", centred)] {
        let config = config.for_data(2000, n);
        let needs = Ascent::needs(&config, config.batch_size, units.layout());
        check(&format!("{what}, sites"), needs.iter().map(|need| need.bytes).sum(), || {
            let mut trainer = Trainer::new(config, examples.clone()).unwrap();
            (0..3).for_each(|_| trainer.update().unwrap());
        });
    }

    let [zeros, hidden] = [n, H].map(Array1::zeros);
    let rbm = Rbm::of_sites(units.clone(), Array2::zeros((n, H)), zeros, hidden).unwrap();
    let of_fixed = FixedWeights::bytes::<i32>(units.layout(), H) + Rbm::bytes(n, H);
    check("fixed point, sites", of_fixed, || drop(FixedWeights::of(&rbm, Isa::fastest())));
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let model = FixedModel { rbm: &rbm, weights: &weights };
    check("chains, sites", Chains::bytes(2000, units.layout(), H), || {
        let mut chains = Chains::for_samples(model, 2000, None, 0).unwrap();
        chains.sweep(&weights);
    });
    let ais = EvaluationConfig {
        method: Method::Ais,
        n_chains: 1500,
        schedule: AnnealingSchedule::Linear(4),
        burn_in: 2,
        ..EvaluationConfig::default()
    };
    let stages = Evaluation::needs(&rbm, 500, &ais).map(|need| need.bytes);
    check("ais, sites", stages.into_iter().max().unwrap(), || {
        Evaluator::new(model).config(ais).evaluate(&rows.rows(0..500)).unwrap();
    });
}

#[test]
fn estimates_agree_with_what_is_allocated() {
    let mean = Array1::from_elem(V, 0.3);
    let initial = || Rbm::initial(H, &mean, 100, 0).unwrap();
    check("a model", Rbm::bytes(V, H), || drop(initial()));
    check("bits", BitMatrix::bytes(5000, V), || drop(BitMatrix::zeros(5000, V)));
    trainings();
    sites();

    let rbm = initial();
    // The parameters in f32 are dropped once they are in fixed point.
    let of_fixed = FixedWeights::bytes::<i32>(V, H) + Rbm::bytes(V, H);
    check("fixed point", of_fixed, || drop(FixedWeights::of(&rbm, Isa::fastest())));
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let model = FixedModel { rbm: &rbm, weights: &weights };
    check("chains", Chains::bytes(2000, V, H), || {
        let mut chains = Chains::for_samples(model, 2000, None, 0).unwrap();
        chains.sweep(&weights);
    });

    let visible = BitMatrix::from_fn(500, V, |n, i| (n * i) % 5 < 2);
    let base = Base { rates: mean, origin: String::new() };
    let ais = EvaluationConfig {
        method: Method::Ais,
        n_chains: 1500,
        schedule: AnnealingSchedule::Linear(4),
        burn_in: 2,
        ..EvaluationConfig::default()
    };
    let raise = EvaluationConfig { n_chains: 2, raise: 500, ..ais.clone() };
    for (what, config) in [("ais", ais), ("raise", raise)] {
        let stages = Evaluation::needs(&rbm, 500, &config).map(|need| need.bytes);
        check(what, stages.into_iter().max().unwrap(), || {
            let evaluator = Evaluator::new(model).config(config).base(base.clone());
            evaluator.evaluate(&visible).unwrap();
        });
    }

    let numbers = || (0..V).map(|i| (i % 3) as f32);
    check("numbers", RealRows::bytes(5000, 5000 * 333), || {
        let mut rows = RealRows::with_capacity(V, 5000, 5000 * 333);
        (0..5000).for_each(|_| rows.push(numbers()));
    });
}
