//! Equal seeds give equal bits, for any number of threads and every instruction set.

use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::kernels::Isa;
use harmonium::train::{Algorithm, Averaging, ChainStart, Schedule, UpdateRule};
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::Array1;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// The SHA-256 of parameters, chains and streams after a whole run.
fn fingerprint(config: &TrainConfig, examples: &Arc<Examples>, threads: usize, isa: Isa) -> String {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let trainer = pool.install(|| {
        let mean = examples.mean();
        let rbm =
            Rbm::initial(config.n_hidden(), &mean, examples.n_examples(), config.seed).unwrap();
        let mut trainer =
            Trainer::with_isa(config.clone(), examples.clone(), Some(&rbm), isa).unwrap();
        while !trainer.is_done() {
            trainer.update().unwrap();
        }
        trainer
    });
    assert!(trainer.parameters().fixed().is_consistent(), "a stale transpose");
    let mut hasher = Sha256::new();
    hasher.update(trainer.current().sha256());
    if let Some(average) = trainer.average() {
        hasher.update(average.sha256());
    }
    let states = [trainer.chains().visible(), trainer.chains().hidden()];
    for word in states.iter().flat_map(|states| states.words()) {
        hasher.update(word.to_le_bytes());
    }
    for word in trainer.chains().streams().iter().flat_map(|stream| stream.state().as_flattened()) {
        hasher.update(word.to_le_bytes());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn odd_examples() -> Arc<Examples> {
    let bits = BitMatrix::from_fn(101, 37, |n, i| (n * n + 3 * n * i + i * i) % 7 < 3);
    Arc::new(Examples::new(Dataset::from_bits("odd", bits), Binarization::Stochastic))
}

/// Batches have 13 examples, the last one 10; the 17 chains equal neither.
fn odd_config() -> TrainConfig {
    TrainConfig {
        hidden: Some(19),
        epochs: Some(3),
        batch_size: 13,
        chains: Some(17),
        gibbs_steps: 2,
        algorithm: Algorithm::Pcd,
        learning_rate: 0.1,
        schedule: Schedule::Linear,
        centering: false,
        averaging: Averaging::None,
        seed: 11,
        ..TrainConfig::default()
    }
}

/// Settings that cover each algorithm, rule and correction, by name.
fn algorithms() -> [(&'static str, TrainConfig); 8] {
    let odd = odd_config;
    [
        ("pcd", odd()),
        (
            "momentum",
            TrainConfig {
                momentum: 0.9,
                weight_decay: 0.001,
                schedule: Schedule::Constant,
                ..odd()
            },
        ),
        ("cd", TrainConfig { algorithm: Algorithm::Cd, chains: None, ..odd() }),
        ("pt", TrainConfig { algorithm: Algorithm::Pt, temperatures: 4, ..odd() }),
        ("adam", TrainConfig { optimizer: UpdateRule::Adam, learning_rate: 0.01, ..odd() }),
        (
            "centred",
            TrainConfig { centering: true, averaging: Averaging::Exponential(1.0), ..odd() },
        ),
        (
            "sparse",
            TrainConfig {
                centering: true,
                sparsity_cost: 0.1,
                schedule: Schedule::Cosine,
                ..odd()
            },
        ),
        (
            "reset",
            TrainConfig {
                chain_reset: 0.2,
                gibbs_steps_last: Some(4),
                warm_up: 1.0,
                schedule: Schedule::Inverse(10.0),
                averaging: Averaging::Tail(0.5),
                ..odd()
            },
        ),
    ]
}

#[test]
fn a_model_of_odd_sizes_does_not_depend_on_threads_or_instruction_set() {
    let bias = TrainConfig { chain_start: ChainStart::Bias, chains: None, ..odd_config() };
    // Some rungs are kept on the way.
    let ptt = TrainConfig { algorithm: Algorithm::Ptt, swap_rate: 0.9, ..odd_config() };
    for (_, config) in algorithms().into_iter().chain([("bias", bias), ("ptt", ptt)]) {
        let expected = fingerprint(&config, &odd_examples(), 1, Isa::BASELINE);
        for isa in Isa::available() {
            for threads in [1, 2, 3, 5, 8] {
                let found = fingerprint(&config, &odd_examples(), threads, isa);
                assert_eq!(found, expected, "{threads} threads, {}: {config:?}", isa.name());
            }
        }
    }
}

/// With more threads than panels of hidden units, work is also split within a panel.
#[test]
fn several_panels_and_more_threads_than_panels_give_the_same_bits() {
    let bits = BitMatrix::from_fn(300, 200, |n, i| (n * n + 3 * n * i + i * i) % 7 < 3);
    let dataset = Dataset::from_bits("panels", bits);
    let examples = Arc::new(Examples::new(dataset, Binarization::Stochastic));
    let config = TrainConfig {
        hidden: Some(70),
        epochs: Some(2),
        batch_size: 130,
        chains: Some(70),
        ..TrainConfig::default()
    };
    for config in [TrainConfig { chains: None, ..config.clone() }, config] {
        let expected = fingerprint(&config, &examples, 1, Isa::BASELINE);
        for isa in Isa::available() {
            for threads in [1, 2, 3, 5, 8, 33] {
                let found = fingerprint(&config, &examples, threads, isa);
                assert_eq!(found, expected, "{threads} threads, {}", isa.name());
            }
        }
    }
}

#[cfg(feature = "mnist")]
#[test]
fn mnist_does_not_depend_on_threads_or_instruction_set() {
    use harmonium::dataset::Split;
    for binarize in [Binarization::Stochastic, Binarization::Threshold(0.5)] {
        let mnist = Dataset::mnist(Split::Train).first(2000).unwrap();
        let examples = Arc::new(Examples::new(mnist, binarize));
        let config = TrainConfig {
            hidden: Some(500),
            epochs: Some(3),
            binarize,
            seed: 5,
            ..TrainConfig::default()
        };
        let expected = fingerprint(&config, &examples, 1, Isa::BASELINE);
        for isa in Isa::available() {
            for threads in [1, 2, 3, 5, 8] {
                let found = fingerprint(&config, &examples, threads, isa);
                assert_eq!(found, expected, "{threads} threads, {}", isa.name());
            }
        }
    }
}

/// The fingerprints of short runs; all are of stream version 2. If this fails,
/// every run has changed, which must be deliberate and recorded in CHANGELOG.md.
#[test]
fn a_short_run_ends_in_the_recorded_bits() {
    let recorded = [
        "fe89771d1228c7dfddff503e5fa32067d1b5b3eedf4be86d00e6847e128cc9e4",
        "2bdbd21706679cdf1e39d8ceff0de64dc08f1c3dfe5d3ba3ad8c8c86f6db727c",
        "0452c3332844c63b5f9a599d692c3c9d18da69592f61d4dea647585b9efc329f",
        "98b7af6f13af913892d3f8ffd16c5e4057410774128a828cb33f5869e293bb41",
        "534f6599fc458f9d3b27e0da5d87e1a68a0d4671f88054ef0cc0124f322b7190",
        "b002f2e5a13550079574998f68e3db71751c446dbda079e056f6192dcc4aaf93",
        "4b8ee4fac92b557e7ba46c0500331ce895f3e073446457470f5406a5af52e9b0",
        "971fa76e632d44b98d09caeb799a79fe8d7bef1b09263b9877b8a75ed7d9e06b",
    ];
    let (names, configs): (Vec<_>, Vec<_>) = algorithms().into_iter().unzip();
    let found = configs.iter().map(|config| fingerprint(config, &odd_examples(), 2, Isa::BASELINE));
    assert_eq!(found.collect::<Vec<_>>(), recorded, "{names:?}");
}

#[test]
fn different_seeds_give_different_bits() {
    let other = TrainConfig { seed: 12, ..odd_config() };
    assert_ne!(
        fingerprint(&odd_config(), &odd_examples(), 2, Isa::BASELINE),
        fingerprint(&other, &odd_examples(), 2, Isa::BASELINE)
    );
}

/// The test looks after every update, not only at the end.
#[test]
fn the_transposed_weights_are_never_stale() {
    let mut trainer = Trainer::new(odd_config(), odd_examples()).unwrap();
    let mut before = trainer.current();
    while !trainer.is_done() {
        trainer.update().unwrap();
        assert!(trainer.parameters().fixed().is_consistent());
        let after = trainer.current();
        assert_ne!(before, after, "the update changes nothing");
        before = after;
    }
}

#[test]
fn chains_start_at_the_data_or_at_independent_pixels() {
    let data = Trainer::new(TrainConfig { chains: Some(300), ..odd_config() }, odd_examples());
    let starts = data.unwrap().chains().visible();
    let examples = odd_examples();
    let all: Vec<Vec<u64>> =
        (0..101).map(|n| examples.fixed_bits(0, std::iter::once(n)).row(0).to_vec()).collect();
    assert!((0..300).all(|chain| all.iter().any(|example| example == starts.row(chain))));

    let config =
        TrainConfig { chain_start: ChainStart::Bias, chains: Some(20_000), ..odd_config() };
    let starts = Trainer::new(config, odd_examples()).unwrap().chains().visible();
    let on = Array1::from_shape_fn(37, |i| (0..20_000).filter(|&n| starts.get(n, i)).count());
    for (i, mean) in examples.mean().iter().enumerate() {
        let rate = (101.0 * mean + 1.0) / 103.0;
        let deviation = (rate * (1.0 - rate) / 20_000.0).sqrt();
        assert!((on[i] as f64 / 20_000.0 - rate).abs() < 6.0 * deviation, "unit {i}");
    }
}

/// The program runs on every instruction set by name, and refuses one that no CPU has.
#[cfg(feature = "cli")]
#[test]
fn the_instruction_set_can_be_forced() {
    use std::process::Command;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bits.npy");
    let bits = ndarray::Array2::from_shape_fn((60, 37), |(n, i)| ((n * n + i * i) % 7 < 3) as u8);
    ndarray_npy::write_npy(&data, &bits).unwrap();
    let mut n_runs = 0;
    let mut model = |isa: &str| {
        let out = folder.path().join(format!("{isa}-{n_runs}"));
        n_runs += 1;
        let output = Command::new(env!("CARGO_BIN_EXE_harmonium"))
            .args(["train", "--quiet", "--hidden", "19", "--batch-size", "13", "--epochs", "2"])
            .arg("--data")
            .arg(&data)
            .arg("--out")
            .arg(&out)
            .env("HARMONIUM_ISA", isa)
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        if output.status.success() {
            Ok(std::fs::read(out.join("model.safetensors")).unwrap())
        } else {
            Err(message)
        }
    };
    let expected = model("baseline").unwrap();
    for isa in Isa::available() {
        assert!(model(isa.name()).unwrap() == expected, "{}", isa.name());
    }
    let error = model("avx1024").unwrap_err();
    let rule = "HARMONIUM_ISA is avx1024, but must be an instruction set of this CPU: baseline";
    assert!(error.contains(rule), "{error}");
}
