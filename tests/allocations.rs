//! An update allocates no heap memory once its buffers exist.

mod counting;

use counting::allocations;
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::train::{Algorithm, Averaging, UpdateRule};
use harmonium::{TrainConfig, Trainer};
use ndarray::Array2;

/// The updates include ends of epochs, short batches and range checks. The thread pool allocates one
/// block for every few dozen jobs in its queue; nothing else is allocated.
#[test]
fn an_update_allocates_nothing_of_its_own() {
    let greys = Array2::from_shape_fn((1000, 300), |(n, i)| (n * i) as u8);
    let bits = Array2::from_shape_fn((1000, 300), |(n, i)| ((n * i) % 7 < 3) as u8);
    let plain = TrainConfig {
        hidden: Some(200),
        batch_size: 128,
        gibbs_steps: 2,
        epochs: Some(1000),
        learning_rate: 0.01,
        ..TrainConfig::default()
    };
    let pt = TrainConfig { algorithm: Algorithm::Pt, temperatures: 3, ..plain.clone() };
    let cd = TrainConfig { algorithm: Algorithm::Cd, optimizer: UpdateRule::Adam, ..plain.clone() };
    let centred = TrainConfig {
        centering: true,
        sparsity_cost: 0.1,
        averaging: Averaging::Exponential(1.0),
        chain_reset: 0.1,
        ..plain.clone()
    };
    for (data, config) in [
        (&greys, plain.clone()),
        (&bits, TrainConfig { chains: Some(100), ..plain.clone() }),
        (&greys, TrainConfig { chains: Some(200), momentum: 0.5, ..plain }),
        (&greys, pt),
        (&greys, TrainConfig { binarize: Binarization::None, ..cd.clone() }),
        (&greys, cd),
        (&greys, TrainConfig { binarize: Binarization::None, ..centred.clone() }),
        (&bits, centred),
    ] {
        let examples = Examples::new(Dataset::from_bytes("noise", data.clone()), config.binarize);
        let allocated = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut trainer = Trainer::new(config.clone(), examples.clone()).unwrap();
            pool.install(|| {
                (0..20).for_each(|_| trainer.update().unwrap());
                let before = allocations();
                (0..100).for_each(|_| trainer.update().unwrap());
                allocations() - before
            })
        };
        assert_eq!(allocated(1), 0, "on one thread: {config:?}");
        let on_two = allocated(2);
        assert!(on_two < 400, "{on_two} allocations in 100 updates on two threads: {config:?}");
    }
}
