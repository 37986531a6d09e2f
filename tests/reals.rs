//! Real-valued data: the gradient of the formula, and the same bits on every computer.

mod dither;

use dither::dithered;
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::kernels::Isa;
use harmonium::reals::RealRows;
use harmonium::train::{Algorithm, Averaging, ChainStart, Schedule};
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::{Array1, Array2, Axis};
use std::sync::Arc;

/// Many zeros, some ones, and numbers between 0 and 1 and above.
fn numbers(n_examples: usize, n_visible: usize) -> Array2<f32> {
    let levels = [0.0, 0.0, 0.0, 1.0, 0.25, 0.6, -0.5, 1.75];
    Array2::from_shape_fn((n_examples, n_visible), |(n, i)| levels[(n * 5 + i * i + n * i) % 8])
}

fn real(numbers: &Array2<f32>) -> Arc<Examples> {
    let dataset = Dataset::from_numbers("numbers", RealRows::from(numbers.view()));
    Arc::new(Examples::new(dataset, Binarization::None))
}

fn config() -> TrainConfig {
    TrainConfig {
        hidden: Some(70),
        epochs: Some(3),
        batch_size: 33,
        chains: Some(20),
        gibbs_steps: 2,
        binarize: Binarization::None,
        algorithm: Algorithm::Pcd,
        learning_rate: 0.1,
        schedule: Schedule::Constant,
        centering: false,
        averaging: Averaging::None,
        ..TrainConfig::default()
    }
}

fn variants() -> [(&'static str, TrainConfig); 5] {
    let centred =
        TrainConfig { centering: true, averaging: Averaging::Exponential(1.0), ..config() };
    [
        ("pcd", config()),
        ("as many chains", TrainConfig { chains: Some(33), shuffle: false, ..config() }),
        ("centred", centred.clone()),
        ("sparse", TrainConfig { sparsity_cost: 0.1, chain_reset: 0.2, ..centred }),
        ("cd", TrainConfig { algorithm: Algorithm::Cd, chains: None, ..config() }),
    ]
}

fn trained(config: &TrainConfig, examples: &Arc<Examples>, threads: usize, isa: Isa) -> Trainer {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let n = examples.n_examples();
        let rbm = Rbm::initial(config.n_hidden(), &examples.mean(), n, config.seed).unwrap();
        let mut trainer =
            Trainer::with_isa(config.clone(), examples.clone(), Some(&rbm), isa).unwrap();
        while !trainer.is_done() {
            trainer.update().unwrap();
        }
        trainer
    })
}

#[test]
fn the_bits_do_not_depend_on_threads_or_instruction_set() {
    let examples = real(&numbers(101, 150));
    for (name, config) in variants() {
        let expected = trained(&config, &examples, 1, Isa::BASELINE);
        for isa in Isa::available() {
            for threads in [1, 2, 3, 8] {
                let found = trained(&config, &examples, threads, isa);
                let place = format!("{name}, {threads} threads, {}", isa.name());
                assert_eq!(found.current(), expected.current(), "{place}");
                assert_eq!(found.average(), expected.average(), "{place}");
                assert_eq!(found.chains().hidden(), expected.chains().hidden(), "{place}");
            }
        }
    }
}

/// The recorded bits are those of the first version that trains on numbers. If this fails, every such run
/// has changed, which must be deliberate and recorded in CHANGELOG.md.
#[test]
fn a_short_run_ends_in_the_recorded_bits() {
    let recorded = [
        "34c8202935b11e9301236381f09660dd8de4bd4b7086ba9a2a93e0a3f0a9c692",
        "26aaafd289e17300b9675061d47447d7e8745f616fa821fc18f2b1c6e1f8284d",
        "23b1e9e42a2c8516cdb3a1c82a920737732dd2463030dff58a698f6344da314e",
        "dccb5964e98eaaf3797c1486f966f29d997862ed42610d41a2e74da1a380bd8c",
        "7297892e2e0dac48ecd21cdb8d257d5d19f20a30d249ba51866ccdde918e4899",
    ];
    let examples = real(&numbers(101, 150));
    let found = variants()
        .map(|(_, config)| trained(&config, &examples, 2, Isa::BASELINE).model().sha256());
    assert_eq!(found, recorded);
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Compares one update with the same update in double precision, on the same chains.
#[test]
fn an_update_follows_the_gradient_of_the_formula() {
    let data = numbers(33, 150);
    let examples = real(&data);
    let start = Rbm::initial(70, &examples.mean(), 33, 4).unwrap();
    let wide = |x: &f32| f64::from(*x);
    let (w, b, c) =
        (start.weights().map(wide), start.visible_bias().map(wide), start.hidden_bias().map(wide));
    for centering in [false, true] {
        let config =
            TrainConfig { centering, shuffle: false, learning_rate: 1.0, seed: 5, ..config() };
        let mut trainer = Trainer::from_model(config, examples.clone(), &start).unwrap();
        trainer.update().unwrap();

        let bits = trainer.chains().visible();
        let model = Array2::from_shape_fn((20, 150), |(n, i)| f64::from(u8::from(bits.get(n, i))));
        let data = data.map(wide);
        let mean = |rows: &Array2<f64>| rows.mean_axis(Axis(0)).unwrap();
        let hidden = |v: &Array2<f64>| (v.dot(&w) + &c).mapv(sigmoid);
        // The chains sample the model with parameters of 11 binary places.
        let round = |x: &f64| (x * 2048.0).round_ties_even() / 2048.0;
        let sampled = (model.dot(&w.map(round)) + &c.map(round)).mapv(sigmoid);
        let [of_data, of_model] = [hidden(&data), sampled].map(|means| dithered(5, &means, 8.0));
        assert!(!of_data.1.contains(&true) && !of_model.1.contains(&true), "take another seed");
        let (h_data, h_model) = (of_data.0, of_model.0);
        let (mu, lambda) = if centering {
            (mean(&data).mapv(|x| x.clamp(0.0, 1.0)), mean(&h_data))
        } else {
            (Array1::zeros(150), Array1::zeros(70))
        };
        let product =
            |v: &Array2<f64>, h: &Array2<f64>| (v - &mu).t().dot(&(h - &lambda)) / v.nrows() as f64;
        let of_weights = product(&data, &h_data) - product(&model, &h_model);
        let of_visible = mean(&data) - mean(&model) - of_weights.dot(&lambda);
        let of_hidden = mean(&h_data) - mean(&h_model) - of_weights.t().dot(&mu);
        let found = trainer.current();
        // Offsets have 16 binary places; a bias sums 150 corrections, whose errors add up.
        let bound = 2e-3 / 16.0;
        let pairs = (&w + &of_weights).into_iter().zip(found.weights());
        let pairs = pairs.chain((&b + &of_visible).into_iter().zip(found.visible_bias()));
        let pairs = pairs.chain((&c + &of_hidden).into_iter().zip(found.hidden_bias()));
        for (at, (expected, &found)) in pairs.enumerate() {
            let found = f64::from(found);
            assert!((found - expected).abs() < bound, "{at}, {centering}: {found}, not {expected}");
        }
        let largest = of_weights.iter().fold(0.0, |most, x| x.abs().max(most));
        assert!(largest > 100.0 * bound, "{largest}: the update changes nothing");
    }
}

/// Zeros and ones are bits, whatever their type: they take the integer kernels.
#[test]
fn numbers_that_are_bits_train_as_bits() {
    let bits = BitMatrix::from_fn(101, 150, |n, i| (n * 5 + i * i) % 3 == 0);
    let numbers = real(&Array2::from_shape_fn((101, 150), |(n, i)| bits.get(n, i).into()));
    let packed = Arc::new(Examples::new(Dataset::from_bits("bits", bits), Binarization::None));
    let [one, two] =
        [numbers, packed].map(|data| trained(&config(), &data, 2, Isa::fastest()).current());
    assert_eq!(one, two);
}

/// Without shuffling, an epoch takes the data in their order.
#[test]
fn the_order_of_the_data_can_be_kept() {
    let data = numbers(66, 150);
    // Only the second half differs, and only the second update sees it.
    let mut other = data.clone();
    other.slice_mut(ndarray::s![33.., ..]).fill(0.25);
    let start = Rbm::initial(70, &real(&data).mean(), 66, 0).unwrap();
    let after = |data: &Array2<f32>, updates: usize, shuffle| {
        let config = TrainConfig { shuffle, chain_start: ChainStart::Bias, ..config() };
        let mut trainer = Trainer::from_model(config, real(data), &start).unwrap();
        (0..updates).for_each(|_| trainer.update().unwrap());
        trainer.current()
    };
    assert_eq!(after(&data, 1, false), after(&other, 1, false));
    assert_ne!(after(&data, 2, false), after(&other, 2, false));
    assert_ne!(after(&data, 1, true), after(&other, 1, true));
}
