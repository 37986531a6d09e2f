//! One update on MNIST, from the mini-batch to the new parameters: PCD-1 of several sizes, and the cost of
//! each algorithm, rule and correction at 784-500.
//!
//! Timing starts after one epoch of PCD-1, when hidden activity has settled. Each variant is first checked
//! to give the same bits on one thread and on all.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use harmonium::dataset::{Binarization, Dataset, Examples, Split};
use harmonium::rng::{Purpose, Stream};
use harmonium::train::{Algorithm, Averaging, UpdateRule};
use harmonium::units::Units;
use harmonium::{BitMatrix, TrainConfig, Trainer};
use std::sync::Arc;
use std::time::Duration;

fn config(hidden: usize, batch_size: usize) -> TrainConfig {
    TrainConfig {
        hidden: Some(hidden),
        batch_size,
        epochs: Some(1_000_000),
        chains: Some(batch_size),
        ..TrainConfig::plain()
    }
}

/// A variant for each algorithm, rule and correction.
fn variants() -> Vec<(&'static str, TrainConfig)> {
    let plain = || config(500, 128);
    vec![
        ("cd-1", TrainConfig { algorithm: Algorithm::Cd, chains: None, ..plain() }),
        ("pt-10", TrainConfig { algorithm: Algorithm::Pt, temperatures: 10, ..plain() }),
        ("centred", TrainConfig { centering: true, ..plain() }),
        ("sparse", TrainConfig { sparsity_cost: 0.01, ..plain() }),
        ("averaged", TrainConfig { averaging: Averaging::Exponential(5.0), ..plain() }),
        ("momentum", TrainConfig { momentum: 0.5, learning_rate: 0.05, ..plain() }),
        ("adam", TrainConfig { optimizer: UpdateRule::Adam, learning_rate: 1e-4, ..plain() }),
    ]
}

/// Variants on weighted examples; each has its counterpart without weights.
fn weighted_variants() -> Vec<(&'static str, TrainConfig)> {
    let plain = || config(500, 128);
    vec![
        ("weighted", plain()),
        ("weighted-centred", TrainConfig { centering: true, ..plain() }),
        ("weighted-cd-1", TrainConfig { algorithm: Algorithm::Cd, chains: None, ..plain() }),
    ]
}

/// Examples of 27 sites of 20 values, as proteins on a lattice have, in ten families: as sites, and as
/// 540 bits of which the same are on.
fn examples_of_sites() -> [(&'static str, Arc<Examples>); 2] {
    const SITES: usize = 27;
    const VALUES: usize = 20;
    let mut states = BitMatrix::zeros(20_000, SITES * VALUES);
    for n in 0..states.n_rows() {
        let [words, more] =
            [0, 1].map(|at| Stream::new(1, Purpose::Sample, 2 * n as u64 + at).step());
        for site in 0..SITES {
            let word = if site < words.len() { words[site] } else { more[site - words.len()] };
            let is_own = word % 4 > 0;
            let value = if is_own { (n % 10 * 7 + site * 3) as u32 } else { word >> 8 };
            states.set(n, site * VALUES + value as usize % VALUES, true);
        }
    }
    let units = Units::of_sites([VALUES; SITES]).expect("20 values");
    let sites = Dataset::from_sites("sites", units, states.clone()).expect("one value a site");
    [("540-in-27-sites", sites), ("540-bits", Dataset::from_bits("bits", states))]
        .map(|(name, data)| (name, Arc::new(Examples::new(data, Binarization::Stochastic))))
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool")
}

fn update(trainer: &mut Trainer, n: u64) {
    (0..n).for_each(|_| trainer.update().expect("no divergence"));
}

/// Trains one epoch, or in test mode a few updates.
fn settled(config: TrainConfig, examples: &Arc<Examples>, is_test: bool) -> Trainer {
    let mut trainer = Trainer::new(config, examples.clone()).expect("valid settings");
    let n = if is_test { 3 } else { trainer.updates_per_epoch() };
    pool(threads()).install(|| update(&mut trainer, n));
    trainer
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn time(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, trainer: &Trainer) {
    let after = |threads| {
        let mut trainer = trainer.clone();
        pool(threads).install(|| update(&mut trainer, 3));
        trainer.current().sha256()
    };
    assert_eq!(after(1), after(threads()), "the same bits on one thread as on all");

    group.throughput(Throughput::Elements(trainer.config().batch_size as u64));
    let mut counts = vec![1, threads()];
    counts.dedup();
    for threads in counts {
        let (mut trainer, pool) = (trainer.clone(), pool(threads));
        group.bench_function(format!("{threads}-threads/{name}"), |bencher| {
            bencher.iter(|| pool.install(|| update(&mut trainer, 1)));
        });
    }
}

fn train_step(criterion: &mut Criterion) {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let mut group = criterion.benchmark_group("train_step");
    let mnist = Dataset::mnist(Split::Train);
    let weights: Vec<_> = (0..mnist.n_examples()).map(|n| 1.0 / (1 + n % 17) as f64).collect();
    let weighted = mnist.clone().weighted("weights", &weights).expect("one for each");
    let weighted = Arc::new(Examples::new(weighted, Binarization::Stochastic));
    let examples = Arc::new(Examples::new(mnist, Binarization::Stochastic));
    for (hidden, batch_size) in [(500, 128), (500, 512), (1024, 128)] {
        let trainer = settled(config(hidden, batch_size), &examples, is_test);
        time(&mut group, &format!("784x{hidden}-batch-{batch_size}"), &trainer);
        if (hidden, batch_size) == (500, 128) {
            let variants = variants().into_iter().map(|variant| (variant, &examples));
            let weighted = weighted_variants().into_iter().map(|variant| (variant, &weighted));
            for ((name, config), examples) in variants.chain(weighted) {
                let rbm = trainer.current();
                let mut variant =
                    Trainer::from_model(config, examples.clone(), &rbm).expect("the same sizes");
                pool(threads()).install(|| update(&mut variant, 3));
                time(&mut group, &format!("784x{hidden}-batch-{batch_size}-{name}"), &variant);
            }
        }
    }
    for hidden in [100, 200] {
        for (name, examples) in examples_of_sites() {
            let trainer = settled(config(hidden, 128), &examples, is_test);
            time(&mut group, &format!("{name}x{hidden}-batch-128"), &trainer);
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).measurement_time(Duration::from_secs(5));
    targets = train_step
}
criterion_main!(benches);
