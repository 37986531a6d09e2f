//! One update of PCD-1 on MNIST, from the mini-batch to the new parameters.
//!
//! The state is that after one epoch, when hidden activity has settled; each size is first checked
//! to give the same bits on one thread as on all.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use harmonium::dataset::{Binarization, Dataset, Examples, Split};
use harmonium::train::Schedule;
use harmonium::{TrainConfig, Trainer};
use std::sync::Arc;
use std::time::Duration;

fn trainer(examples: &Arc<Examples>, hidden: usize, batch_size: usize) -> Trainer {
    let config = TrainConfig {
        hidden,
        batch_size,
        epochs: 1_000_000,
        schedule: Schedule::Constant,
        ..TrainConfig::default()
    };
    Trainer::new(config, examples.clone()).expect("valid settings")
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool")
}

/// Trains one epoch, or in test mode a few updates.
fn settle(trainer: &mut Trainer, is_test: bool) {
    let updates = if is_test { 3 } else { trainer.updates_per_epoch() };
    for _ in 0..updates {
        trainer.update().expect("no divergence");
    }
}

fn train_step(criterion: &mut Criterion) {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut group = criterion.benchmark_group("train_step");
    for (hidden, batch_size) in [(500, 128), (500, 512), (1024, 128)] {
        let mnist = Dataset::mnist(Split::Train);
        let examples = Arc::new(Examples::new(mnist, Binarization::Stochastic));
        let mut settled = trainer(&examples, hidden, batch_size);
        pool(all).install(|| settle(&mut settled, is_test));

        let after = |threads| {
            let mut trainer = settled.clone();
            pool(threads).install(|| settle(&mut trainer, true));
            trainer.rbm().sha256()
        };
        assert_eq!(after(1), after(all), "the same bits on one thread as on {all}");

        group.throughput(Throughput::Elements(batch_size as u64));
        let mut counts = vec![1, all];
        counts.dedup();
        for threads in counts {
            let name = format!("{threads}-threads/784x{hidden}-batch-{batch_size}");
            let mut trainer = settled.clone();
            let pool = pool(threads);
            group.bench_function(name, |bencher| {
                bencher.iter(|| pool.install(|| trainer.update().expect("no divergence")));
            });
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
