//! Sweeps of persistent chains: v given h, then h given the new v.
//!
//! The model is trained on MNIST for some updates, so its hidden activity is typical of training. Each size
//! is first checked to give the same states on one thread and on all.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harmonium::dataset::{Binarization, Dataset, Examples, Split};
use harmonium::gibbs::{Chains, FixedWeights};
use harmonium::kernels::Isa;
use harmonium::rng::{Purpose, Stream};
use harmonium::{Rbm, TrainConfig, Trainer};
use std::sync::Arc;
use std::time::Duration;

fn trained(examples: &Arc<Examples>, hidden: usize, n_updates: usize) -> Rbm {
    let config = TrainConfig { hidden: Some(hidden), ..TrainConfig::plain() };
    let mut trainer = Trainer::new(config, examples.clone()).expect("valid settings");
    (0..n_updates).for_each(|_| trainer.update().expect("no divergence"));
    trainer.current()
}

fn chains(weights: &FixedWeights, examples: &Examples, n_chains: usize) -> Chains {
    let start = examples.fixed_bits(0, 0..n_chains);
    let streams = (0..n_chains as u64).map(|chain| Stream::new(0, Purpose::Sample, chain));
    Chains::from_visible(weights, &start, streams.collect())
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool")
}

fn gibbs_sweep(criterion: &mut Criterion) {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mnist = Examples::new(Dataset::mnist(Split::Train), Binarization::Stochastic);
    let examples = Arc::new(mnist);
    let mut group = criterion.benchmark_group("gibbs_sweep");
    for (hidden, n_chains) in [(500, 128), (500, 512), (1024, 128)] {
        let rbm = trained(&examples, hidden, if is_test { 3 } else { 500 });
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let after_three = |threads| {
            let mut chains = chains(&weights, &examples, n_chains);
            pool(threads).install(|| (0..3).for_each(|_| chains.sweep(&weights)));
            (chains.visible(), chains.hidden())
        };
        assert!(after_three(1) == after_three(all), "the same states on one thread as on {all}");

        group.throughput(Throughput::Elements(n_chains as u64));
        let mut counts = vec![1, all];
        counts.dedup();
        for threads in counts {
            let mut chains = chains(&weights, &examples, n_chains);
            let pool = pool(threads);
            group.bench_function(
                format!("{threads}-threads/784x{hidden}-{n_chains}-chains"),
                |bencher| bencher.iter(|| pool.install(|| chains.sweep(&weights))),
            );
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(3));
    targets = gibbs_sweep
}
criterion_main!(benches);
