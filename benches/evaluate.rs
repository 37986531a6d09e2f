//! The cost of an evaluation: annealing is compared with the same number of plain Gibbs sweeps, in
//! alternating rounds on the same model; the monitors of an epoch are compared with its updates; the
//! pseudo-likelihood of sites is compared with that of as many bits; enumeration is timed as well.
//!
//! Run `cargo bench --bench evaluate`; with `-- --test` it makes one short round of each, as a test.

use harmonium::dataset::{Binarization, Dataset, Examples, Split};
use harmonium::evaluate::pseudo_likelihood::pseudo_likelihoods;
use harmonium::evaluate::{AnnealingSchedule, Exact};
use harmonium::gibbs::{AnnealedChains, Chains, FixedModel, FixedWeights, Path};
use harmonium::kernels::Isa;
use harmonium::monitor::{Probe, WeightChange};
use harmonium::rng::{Purpose, Stream};
use harmonium::units::Units;
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer, Watch};
use ndarray::{Array1, Array2};
use std::time::Instant;

/// A model trained on MNIST for one epoch.
fn trained(hidden: usize, is_test: bool) -> (Rbm, Examples) {
    let digits = Dataset::mnist(Split::Train);
    let digits = if is_test { digits.first(1000).unwrap() } else { digits };
    let examples = Examples::new(digits, Binarization::Stochastic);
    let config = TrainConfig { hidden: Some(hidden), epochs: Some(1), ..TrainConfig::plain() };
    let mut trainer = Trainer::new(config, examples.clone()).unwrap();
    while !trainer.is_done() {
        trainer.update().unwrap();
    }
    (trainer.current(), examples)
}

/// Times the figures of a record against the updates of an epoch, in alternation.
fn monitors(is_test: bool) {
    let (epochs, training) = if is_test { (1, 1000) } else { (9, usize::MAX) };
    let digits = |split| Dataset::mnist(split).first(training.min(10_000)).unwrap();
    let training = if is_test { digits(Split::Train) } else { Dataset::mnist(Split::Train) };
    let training = Examples::new(training, Binarization::Stochastic);
    let held_out = Examples::new(digits(Split::Test), Binarization::Stochastic);
    let config =
        TrainConfig { hidden: Some(500), epochs: Some(epochs + 1), ..TrainConfig::plain() };
    let mut trainer = Trainer::new(config, training).unwrap();
    let probe = Probe::new(trainer.examples(), Some(&held_out), trainer.config());
    let mut change = WeightChange::new(&trainer);
    let mut shares = Vec::new();
    let (mut least_epoch, mut least_record) = (f64::INFINITY, f64::INFINITY);
    for epoch in 0..=epochs {
        let clock = Instant::now();
        loop {
            change.before_update(&trainer);
            trainer.update().unwrap();
            if trainer.is_at_end_of_epoch() {
                break;
            }
        }
        let updates = clock.elapsed().as_secs_f64();
        let clock = Instant::now();
        let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let mut record = probe.record(&trainer, &change);
        probe.score(&trainer, &mut record, model, Watch::default()).unwrap();
        let measuring = clock.elapsed().as_secs_f64();
        assert!(record.pseudo_likelihood.is_some());
        // The first epoch warms up.
        if epoch > 0 {
            shares.push(measuring / updates);
            least_epoch = least_epoch.min(updates);
            least_record = least_record.min(measuring);
        }
    }
    shares.sort_by(f64::total_cmp);
    println!(
        "monitors/784x500: {:.1} % of an epoch ({:.1} to {:.1}, {epochs} rounds); at least {:.1} ms, \
         {:.0} ms an epoch",
        100.0 * shares[epochs / 2],
        100.0 * shares[0],
        100.0 * shares[epochs - 1],
        1e3 * least_record,
        1e3 * least_epoch,
    );
}

/// Times the pseudo-likelihood of sites of 20 values against that of as many columns of bits, in alternation.
fn pseudo_likelihood_of_sites(is_test: bool) {
    const VALUES: usize = 20;
    let (n_sites, n_hidden) = (27, 200);
    let (n_rows, rounds) = if is_test { (100, 1) } else { (1024, 9) };
    let n = n_sites * VALUES;
    let weights = Array2::from_shape_fn((n, n_hidden), |(i, j)| {
        ((i * 31 + j * 17) % 101) as f32 / 100.0 - 0.5
    });
    let model = |units| {
        Rbm::of_sites(units, weights.clone(), Array1::zeros(n), Array1::zeros(n_hidden)).unwrap()
    };
    let sites = model(Units::of_sites(vec![VALUES; n_sites]).unwrap());
    let bits = model(Units::bits(n));
    let rows =
        BitMatrix::from_fn(n_rows, n, |row, i| i % VALUES == (row * 7 + i / VALUES * row) % VALUES);
    let (mut ratios, mut least) = (Vec::new(), [f64::INFINITY; 2]);
    for _ in 0..rounds {
        let mut seconds = [0.0; 2];
        for (model, seconds) in [&sites, &bits].into_iter().zip(&mut seconds) {
            let clock = Instant::now();
            let scores = pseudo_likelihoods(model, &rows, Isa::fastest(), Watch::default());
            assert!(scores.unwrap().iter().all(|score| score.is_finite()));
            *seconds = clock.elapsed().as_secs_f64();
        }
        ratios.push(seconds[0] / seconds[1]);
        least = std::array::from_fn(|at| least[at].min(seconds[at]));
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "pseudo-likelihood/27 sites of 20x200/{n_rows}: {:.2} times that of bits ({:.2} to {:.2}, {rounds} \
         rounds); at least {:.1} ms, {:.1} ms for bits",
        ratios[rounds / 2],
        ratios[0],
        ratios[rounds - 1],
        1e3 * least[0],
        1e3 * least[1],
    );
}

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let (steps, rounds) = if is_test { (30, 1) } else { (1000, 9) };
    println!("{} threads", rayon::current_num_threads());
    pseudo_likelihood_of_sites(is_test);
    monitors(is_test);

    let (rbm, examples) = trained(500, is_test);
    let rates = examples.units().smoothed_rates(&examples.mean());
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &rates).unwrap();
    let betas = AnnealingSchedule::AdaptiveSteps(steps).betas(&path, 0, Watch::default()).unwrap();
    for n_chains in [128_usize, 200] {
        let streams: Vec<_> =
            (0..n_chains as u64).map(|chain| Stream::new(0, Purpose::Chain, chain)).collect();
        let start = examples.fixed_bits(0, 0..n_chains);
        let mut ratios = Vec::new();
        let (mut least_annealing, mut least_sweeps) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..rounds {
            let mut chains = Chains::from_visible(&weights, &start, streams.clone());
            let clock = Instant::now();
            for _ in 0..steps {
                chains.sweep(&weights);
            }
            let sweeps = clock.elapsed().as_secs_f64() / steps as f64;

            let mut streams = streams.clone();
            let base = path.draw_base(&mut streams);
            let mut chains = AnnealedChains::new(&path, 0.0, &base, &streams);
            let clock = Instant::now();
            chains.advance(&betas, &|_| Ok(())).unwrap();
            let annealing = clock.elapsed().as_secs_f64() / steps as f64;
            assert!(chains.log_weights().unwrap().iter().all(|x| x.is_finite()));

            ratios.push(annealing / sweeps);
            least_annealing = least_annealing.min(annealing);
            least_sweeps = least_sweeps.min(sweeps);
        }
        ratios.sort_by(f64::total_cmp);
        println!(
            "annealing/784x500/{n_chains}: {:.2} times a sweep ({:.2} to {:.2}, {rounds} rounds); \
             at least {:.3} ms a step, {:.3} ms a sweep",
            ratios[rounds / 2],
            ratios[0],
            ratios[rounds - 1],
            1e3 * least_annealing,
            1e3 * least_sweeps,
        );
    }

    let hidden = if is_test { 10 } else { 20 };
    let (rbm, _) = trained(hidden, is_test);
    let clock = Instant::now();
    let log_z = Exact::new(&rbm).unwrap().log_z();
    println!("exact/784x{hidden}: {:.2} s, log Z {log_z:.6}", clock.elapsed().as_secs_f64());
}
