//! Ten updates of a small model are compared with an independent program, bit for bit.
//!
//! `python3 tests/golden_pcd.py > tests/golden_pcd.json` made the recorded numbers. The program needs only
//! the Python standard library and was written from the contract alone (streams, chains, gradient), without
//! knowledge of this crate's code.

use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::train::{Algorithm, Averaging, Schedule};
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::{Array1, Array2};
use serde_json::Value;

const V: usize = 37;
const H: usize = 19;

/// σ errs by less than three units of 2^-24. No draw and no mean of the recorded runs is closer than this
/// to where it would come out differently.
const LEAST_MARGIN: f64 = 3.0;

#[test]
fn ten_updates_agree_with_an_independent_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden_pcd.json");
    let cases: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(cases.as_array().unwrap().len(), 3);
    for case in cases.as_array().unwrap() {
        let count = |key: &str| case[key].as_u64().unwrap() as usize;
        for margin in ["draw_margin", "mean_margin"] {
            assert!(case[margin].as_f64().unwrap() > LEAST_MARGIN, "{margin}");
        }
        let config = TrainConfig {
            hidden: Some(H),
            epochs: Some(4),
            batch_size: count("batch"),
            chains: Some(count("chains")),
            gibbs_steps: count("sweeps"),
            learning_rate: case["rate"].as_f64().unwrap(),
            schedule: Schedule::Linear,
            momentum: case["momentum"].as_f64().unwrap(),
            weight_decay: case["decay"].as_f64().unwrap(),
            algorithm: Algorithm::Pcd,
            centering: false,
            averaging: Averaging::None,
            seed: case["seed"].as_u64().unwrap(),
            ..TrainConfig::default()
        };
        let weight = |(i, j): (usize, usize)| ((i * 7 + j * 13) % 41) as f32 - 20.0;
        let rbm = Rbm::new(
            Array2::from_shape_fn((V, H), |at| weight(at) * 32.0 / 1024.0),
            Array1::from_shape_fn(V, |i| ((i % 5) as f32 - 2.0) / 8.0),
            Array1::from_shape_fn(H, |j| ((j % 3) as f32 - 1.0) / 4.0),
        );
        let bits =
            BitMatrix::from_fn(13, V, |n, i| (n * n + 3 * n * i + i * i + n * i * i) % 11 < 4);
        let examples = Examples::new(Dataset::from_bits("golden", bits), Binarization::Stochastic);
        let mut trainer = Trainer::from_model(config, examples, &rbm.unwrap()).unwrap();
        assert_eq!(trainer.total_updates(), case["planned_updates"].as_u64().unwrap());
        for _ in 0..count("updates") {
            trainer.update().unwrap();
        }

        let rbm = trainer.current();
        compare(&case["weights"], rbm.weights().outer_iter().map(|row| row.to_vec()));
        compare(&Value::from(vec![case["visible_bias"].clone()]), [rbm.visible_bias().to_vec()]);
        compare(&Value::from(vec![case["hidden_bias"].clone()]), [rbm.hidden_bias().to_vec()]);
        let hidden = trainer.chains().hidden();
        for (chain, expected) in case["chain_hidden"].as_array().unwrap().iter().enumerate() {
            for (j, bit) in expected.as_array().unwrap().iter().enumerate() {
                assert_eq!(u64::from(hidden.get(chain, j)), bit.as_u64().unwrap(), "chain {chain}");
            }
        }
    }
}

/// Compares rows of recorded numbers with the rows found.
fn compare(recorded: &Value, found: impl IntoIterator<Item = Vec<f32>>) {
    let recorded = recorded.as_array().unwrap();
    let mut n_rows = 0;
    for (row, found) in recorded.iter().zip(found) {
        let row = row.as_array().unwrap();
        assert_eq!(row.len(), found.len());
        for (expected, found) in row.iter().zip(found) {
            let expected = expected.as_f64().unwrap();
            assert_eq!(f64::from(found), expected);
        }
        n_rows += 1;
    }
    assert_eq!(n_rows, recorded.len());
}
