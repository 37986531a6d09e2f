//! An update allocates no heap memory once its buffers exist.

mod counting;

use counting::allocations;
use harmonium::dataset::{Binarization, Classes, Dataset, Examples, Labels};
use harmonium::train::{Algorithm, Averaging, Missing, Objective, UpdateRule};
use harmonium::{BitMatrix, TrainConfig, Trainer};
use ndarray::Array2;

/// The lists of pieces that a draw of these sites makes.
const LISTS_OF_A_DRAW: u64 = 8;

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
    let of_pixels = |data: &Array2<u8>| Dataset::from_bytes("noise", data.clone()).unwrap();
    let labelled = |known: fn(usize) -> bool| {
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        let states = (0..1000).map(|n| known(n).then_some((n % 3) as u8)).collect();
        let labels = Labels::of_states(Classes::new("y", classes).unwrap(), states);
        of_pixels(&bits).labelled(labels).unwrap()
    };
    let lacking = || {
        let missing = BitMatrix::from_fn(1000, 300, |n, i| n % 3 == 0 && (n + i) % 4 == 0);
        of_pixels(&bits).with_missing(missing).unwrap()
    };
    let discriminative = TrainConfig {
        objective: Objective::Discriminative,
        algorithm: Algorithm::Auto,
        ..plain.clone()
    };
    let hybrid = TrainConfig { objective: Objective::Hybrid(0.1), ..plain.clone() };
    let absent = TrainConfig { missing: Some(Missing::Absent), ..cd.clone() };
    let marginal = TrainConfig { missing: Some(Missing::Marginal), ..plain.clone() };
    for (data, config) in [
        (of_pixels(&greys), plain.clone()),
        (of_pixels(&bits), TrainConfig { chains: Some(100), ..plain.clone() }),
        (of_pixels(&greys), TrainConfig { chains: Some(200), momentum: 0.5, ..plain.clone() }),
        (of_pixels(&greys), pt),
        (of_pixels(&greys), TrainConfig { binarize: Binarization::None, ..cd.clone() }),
        (of_pixels(&greys), cd),
        (of_pixels(&greys), TrainConfig { binarize: Binarization::None, ..centred.clone() }),
        (of_pixels(&bits), centred),
        (labelled(|_| true), plain.clone()),
        (labelled(|_| true), hybrid),
        (labelled(|n| n % 4 > 0), TrainConfig { centering: false, ..plain }),
        (labelled(|_| true), discriminative),
        (lacking(), absent),
        (lacking(), marginal),
    ] {
        let examples = Examples::new(data, config.binarize);
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
        // Chains draw sites of several values in pieces, whose lists are made in each of the 2 sweeps.
        let has_chains = examples.labels().is_some() && config.objective.needs_chains();
        let of_lists = if has_chains { 100 * 2 * LISTS_OF_A_DRAW } else { 0 };
        assert_eq!(allocated(1), of_lists, "on one thread: {config:?}");
        let on_two = allocated(2);
        assert!(
            on_two < of_lists + 400,
            "{on_two} allocations in 100 updates on two threads: {config:?}"
        );
    }
}
