//! Weights of examples: what they change, and what they do not.

use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::kernels::Isa;
use harmonium::state::State;
use harmonium::train::{Algorithm, ChainStart};
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::Array2;
use std::sync::Arc;

const N: usize = 150;

/// Weights from nearly 0 to 3, none of them 0.
fn uneven(n: usize) -> f64 {
    (n * n % 13) as f64 / 4.0 + 1e-3
}

fn bits(weight: impl Fn(usize) -> f64) -> Arc<Examples> {
    let bits = BitMatrix::from_fn(N, 37, |n, i| (n * n + 3 * n * i + i * i) % 7 < 3);
    weighted(Dataset::from_bits("odd", bits), Binarization::Stochastic, weight)
}

fn reals(weight: impl Fn(usize) -> f64) -> Arc<Examples> {
    let value = |(n, i): (usize, usize)| ((n * 31 + i * i * 7) % 11) as f32 / 10.0;
    let rows = Array2::from_shape_fn((N, 37), value);
    weighted(Dataset::from_intensities("greys", rows).unwrap(), Binarization::None, weight)
}

fn weighted(
    dataset: Dataset,
    binarization: Binarization,
    weight: impl Fn(usize) -> f64,
) -> Arc<Examples> {
    let weights: Vec<_> = (0..dataset.n_examples()).map(weight).collect();
    Arc::new(Examples::new(dataset.weighted("w", &weights).unwrap(), binarization))
}

/// Batches have 70 examples, the last one 10.
fn config() -> TrainConfig {
    TrainConfig {
        hidden: Some(19),
        epochs: Some(3),
        batch_size: 70,
        chains: Some(17),
        algorithm: Algorithm::Pcd,
        seed: 11,
        ..TrainConfig::default()
    }
}

fn configs() -> [(&'static str, TrainConfig); 5] {
    let cd = TrainConfig { algorithm: Algorithm::Cd, chains: None, ..config() };
    [
        ("pcd", config()),
        ("plain", TrainConfig { centering: false, chains: Some(70), ..config() }),
        ("cd", cd),
        ("pt", TrainConfig { algorithm: Algorithm::Pt, temperatures: 3, ..config() }),
        (
            "sparse",
            TrainConfig {
                sparsity_cost: 0.1,
                sparsity_target: 0.2,
                chain_reset: 0.3,
                chain_start: ChainStart::Data,
                ..config()
            },
        ),
    ]
}

fn trained(config: &TrainConfig, examples: &Arc<Examples>, threads: usize, isa: Isa) -> State {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut trainer = Trainer::with_isa(config.clone(), examples.clone(), None, isa).unwrap();
        while !trainer.is_done() {
            trainer.update().unwrap();
        }
        trainer.state()
    })
}

#[test]
fn equal_weights_change_no_bit_and_others_do() {
    for (name, config) in configs() {
        for of in [bits as fn(fn(usize) -> f64) -> _, reals] {
            let state = |weight: fn(usize) -> f64| trained(&config, &of(weight), 2, Isa::fastest());
            assert_eq!(state(|_| 0.3).difference(&state(|_| 7.0)), None, "{name}");
            assert!(state(|_| 1.0).difference(&state(uneven)).is_some(), "{name}");
        }
    }
}

#[test]
fn weighted_runs_have_the_same_bits_on_any_threads_and_instruction_set() {
    for (name, config) in configs() {
        for examples in [bits(uneven), reals(uneven)] {
            let expected = trained(&config, &examples, 1, Isa::BASELINE);
            for (threads, isa) in [1, 2, 8]
                .into_iter()
                .flat_map(|n| Isa::available().into_iter().map(move |isa| (n, isa)))
            {
                let found = trained(&config, &examples, threads, isa);
                assert_eq!(found.difference(&expected), None, "{name}, {threads}, {}", isa.name());
            }
        }
    }
}

#[test]
fn a_resumed_run_has_the_same_bits() {
    for (name, config) in configs() {
        for examples in [bits(uneven), reals(uneven)] {
            let mut whole = Trainer::new(config.clone(), examples.clone()).unwrap();
            let mut parts = whole.clone();
            while !whole.is_done() {
                whole.update().unwrap();
                parts.update().unwrap();
                let settings = parts.config().clone();
                parts = Trainer::restore(settings, examples.clone(), &parts.state(), Isa::BASELINE)
                    .unwrap();
            }
            assert_eq!(whole.state().difference(&parts.state()), None, "{name}");
        }
    }
}

/// The start and the offsets are those of the weighted mean.
#[test]
fn a_run_starts_at_the_weighted_mean() {
    let weight = |n: usize| [1.0, 0.0, 3.0][n % 3];
    let weighted = bits(weight);
    let all = bits(|_| 1.0);
    let mut mean = ndarray::Array1::<f64>::zeros(37);
    let whole = all.fixed_bits(0, 0..N);
    for n in 0..N {
        (0..37).filter(|&i| whole.get(n, i)).for_each(|i| mean[i] += weight(n) / 200.0);
    }
    assert_eq!(weighted.n_examples(), 100);
    assert!((weighted.n_effective() - 80.0).abs() < 1e-9);
    assert!((weighted.mean() - &mean).iter().all(|x| x.abs() < 1e-12));
    let rbm = Rbm::initial(19, &weighted.mean(), 80, 11).unwrap();
    let trainer = Trainer::new(config(), weighted).unwrap();
    assert_eq!(trainer.current().sha256(), rbm.sha256());
}

/// Two patterns of which one weighs three times as much are learned with its odds.
#[test]
fn a_model_learns_the_weighted_distribution() {
    let rows = BitMatrix::from_fn(40, 4, |n, _| n % 2 == 1);
    for algorithm in [Algorithm::Pcd, Algorithm::Pt] {
        let data = Dataset::from_bits("two", rows.clone());
        let examples = weighted(data, Binarization::None, |n| if n % 2 == 1 { 3.0 } else { 1.0 });
        let config = TrainConfig {
            hidden: Some(4),
            batch_size: 10,
            epochs: Some(500),
            chains: Some(200),
            algorithm,
            gibbs_steps: 5,
            ..TrainConfig::default()
        };
        let mut trainer = Trainer::new(config, examples).unwrap();
        trainer.run(&mut []).unwrap();
        let exact = harmonium::evaluate::Exact::new(&trainer.model()).unwrap();
        let p = [0b0000, 0b1111].map(|v: u64| exact.log_probability(&[v]).exp());
        // Mini-batches, chains and the smoothed start leave some hundredths.
        assert!((p[0] - 0.25).abs() < 0.05 && (p[1] - 0.75).abs() < 0.05, "{algorithm}: {p:?}");
    }
}
