//! The cost of an evaluation: annealing is compared with the same number of plain Gibbs sweeps, in
//! alternating rounds on the same model; enumeration is timed as well.
//!
//! Run `cargo bench --bench evaluate`; with `-- --test` it makes one short round of each, as a test.

use harmonium::dataset::{Binarization, Dataset, Examples, Split};
use harmonium::evaluate::{AnnealingSchedule, Exact};
use harmonium::gibbs::{AnnealedChains, Chains, FixedModel, FixedWeights, Path};
use harmonium::kernels::Isa;
use harmonium::rng::{Purpose, Stream};
use harmonium::{Rbm, TrainConfig, Trainer};
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

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let (steps, rounds) = if is_test { (30, 1) } else { (1000, 9) };
    println!("{} threads", rayon::current_num_threads());

    let (rbm, examples) = trained(500, is_test);
    let rates = examples.units().smoothed_rates(&examples.mean());
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &rates).unwrap();
    let betas = AnnealingSchedule::AdaptiveSteps(steps).betas(&path, 0, &|_, _, _| ()).unwrap();
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
            chains.advance(&betas, &|_| ());
            let annealing = clock.elapsed().as_secs_f64() / steps as f64;
            assert!(chains.log_weights().iter().all(|x| x.is_finite()));

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
