//! What ranks train together in tests, and how.

use harmonium::dataset::{Binarization, Classes, Dataset, Examples, Labels};
use harmonium::kernels::Isa;
use harmonium::ranks::Ranks;
use harmonium::state::State;
use harmonium::train::{Algorithm, Averaging, Missing, Objective, UpdateRule};
use harmonium::units::Units;
use harmonium::{BitMatrix, Rbm, Result, TrainConfig, Trainer};
use ndarray::{Array1, Array2};
use std::sync::Arc;

const N: usize = 150;
/// Five panels of visible units, the last with 14.
const V: usize = 270;
/// Four panels of hidden units, the last with 8.
const H: usize = 200;

pub fn on(n: usize, i: usize) -> bool {
    (n * n + 3 * i * n + i * i) % 7 < 3
}

fn bits() -> BitMatrix {
    BitMatrix::from_fn(N, V, on)
}

fn examples(dataset: Dataset, binarization: Binarization) -> Arc<Examples> {
    Arc::new(Examples::new(dataset, binarization))
}

/// Sequences of 60 sites of 5 values: the sites straddle no panel.
fn sequences(lacks: fn(usize, usize) -> bool) -> Arc<Examples> {
    let value = |n: usize, site: usize| (n * n + site * n + 2 * site) % 5;
    let bits = BitMatrix::from_fn(N, 300, |n, i| value(n, i / 5) == i % 5);
    let dataset =
        Dataset::from_sites("sequences", Units::of_sites([5; 60]).unwrap(), bits).unwrap();
    let holes = BitMatrix::from_fn(N, 300, |n, i| lacks(n, i / 5));
    let dataset = dataset.with_missing(holes).unwrap();
    examples(dataset, Binarization::Stochastic)
}

fn plain() -> TrainConfig {
    TrainConfig {
        hidden: Some(H),
        epochs: Some(3),
        batch_size: 40,
        chains: Some(50),
        learning_rate: 0.05,
        seed: 7,
        ..TrainConfig::plain()
    }
}

/// What is trained: settings and data.
pub fn cases() -> Vec<(&'static str, TrainConfig, Arc<Examples>)> {
    let of_bits = examples(Dataset::from_bits("bits", bits()), Binarization::Stochastic);
    let greys = Array2::from_shape_fn((N, V), |(n, i)| ((n * 7 + i * n) % 256) as u8);
    let greys = Dataset::from_bytes("greys", greys).unwrap();
    let grey = |binarization| examples(greys.clone(), binarization);
    let weights: Vec<_> = (0..N).map(|n| 0.5 + (n % 5) as f64).collect();
    let weighted = Dataset::from_bits("weighted", bits()).weighted("w", &weights).unwrap();
    let classes = Classes::new("y", ["a", "b", "c"].map(String::from).to_vec()).unwrap();
    let label = |n: usize| (n % 4 != 3).then_some((n * n % 3) as u8);
    let labels = Labels::of_states(classes, (0..N).map(label).collect());
    let labelled = Dataset::from_bits("labelled", bits()).labelled(labels).unwrap();
    let labelled = examples(labelled, Binarization::Stochastic);
    let centred = TrainConfig { centering: true, ..plain() };
    vec![
        ("PCD, N and C differ", plain(), of_bits.clone()),
        (
            "PCD-3 with momentum, as many chains as examples",
            TrainConfig { gibbs_steps: 3, momentum: 0.5, chains: Some(40), ..plain() },
            of_bits.clone(),
        ),
        (
            "CD with Adam and a short last batch",
            TrainConfig {
                algorithm: Algorithm::Cd,
                chains: None,
                optimizer: UpdateRule::Adam,
                learning_rate: 0.01,
                ..plain()
            },
            of_bits.clone(),
        ),
        (
            "tempering",
            TrainConfig { algorithm: Algorithm::Pt, temperatures: 4, ..centred.clone() },
            of_bits.clone(),
        ),
        (
            "trajectory",
            TrainConfig {
                algorithm: Algorithm::Ptt,
                swap_rate: 0.9,
                epochs: Some(6),
                ..centred.clone()
            },
            of_bits.clone(),
        ),
        (
            "chain reset, fast steps that change the format",
            TrainConfig { chain_reset: 0.2, learning_rate: 3.0, ..plain() },
            of_bits.clone(),
        ),
        ("centred, grey levels", centred.clone(), grey(Binarization::Stochastic)),
        (
            "centred, sparse, averaged",
            TrainConfig {
                sparsity_target: 0.1,
                sparsity_cost: 0.1,
                averaging: Averaging::Exponential(0.5),
                ..centred.clone()
            },
            of_bits,
        ),
        ("reals", plain(), grey(Binarization::None)),
        (
            "reals, centred, CD",
            TrainConfig { algorithm: Algorithm::Cd, chains: None, ..centred.clone() },
            grey(Binarization::None),
        ),
        ("weights", centred.clone(), examples(weighted, Binarization::Stochastic)),
        ("sequences", centred.clone(), sequences(|_, _| false)),
        (
            "sequences that lack values",
            TrainConfig { missing: Some(Missing::Marginal), ..centred.clone() },
            sequences(|n, site| (n + site) % 9 == 0),
        ),
        (
            "labels, some unknown",
            TrainConfig { objective: Objective::Hybrid(0.1), ..centred.clone() },
            labelled.clone(),
        ),
        (
            "labels, discriminative, tail",
            TrainConfig {
                objective: Objective::Discriminative,
                algorithm: Algorithm::Auto,
                chains: None,
                averaging: Averaging::Tail(0.5),
                ..centred
            },
            labelled,
        ),
    ]
}

/// The trainer of a case before its first update.
pub fn begun(name: &str, config: &TrainConfig, examples: &Arc<Examples>) -> Result<Trainer> {
    // Up to 12, weights have 11 binary places.
    let nearly_wide = name.contains("format").then(|| {
        let weights = Array2::from_shape_fn((V, H), |at| if at.0 == at.1 { 12.05 } else { 0.0 });
        Rbm::new(weights, Array1::zeros(V), Array1::zeros(H)).unwrap()
    });
    Trainer::with_isa(config.clone(), examples.clone(), nearly_wide.as_ref(), Isa::fastest())
}

/// Leads the others until update `until`.
fn lead(mut trainer: Trainer, until: u64) -> Result<State> {
    while trainer.updates() < until {
        if trainer.updates() + 1 == until {
            trainer.ranks().wish(1);
        }
        trainer.update()?;
    }
    trainer.gather()?;
    trainer.dismiss()?;
    Ok(trainer.state())
}

/// Trains until an update as one of the ranks, with two threads. Rank 0 has the state.
pub fn train(
    ranks: Ranks,
    until: u64,
    start: impl Fn() -> Result<Trainer> + Sync,
) -> Result<Option<State>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        let trainer = start()?.spread(ranks);
        if trainer.ranks().rank() > 0 {
            trainer.follow(&|| 0).map(|()| None)
        } else {
            lead(trainer, until).map(Some)
        }
    })
}
