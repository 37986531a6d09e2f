//! Inputs, means and updates are compared with plain loops in double precision, for sizes below and
//! above the kernels' panels of 64.

mod dither;

use dither::dithered;
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::rng::{Purpose, Stream, shuffle};
use harmonium::train::Schedule;
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::{Array1, Array2};

/// A repeatable number from -1 to 1 without structure.
fn noise(at: usize) -> f32 {
    let word = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((word ^ word >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 40) as f32 / (1 << 23) as f32 - 1.0
}

fn model(n_visible: usize, n_hidden: usize) -> Rbm {
    Rbm::new(
        Array2::from_shape_fn((n_visible, n_hidden), |(i, j)| noise(i * n_hidden + j) / 4.0),
        Array1::from_shape_fn(n_visible, |i| noise(i + 7_000_000)),
        Array1::from_shape_fn(n_hidden, |j| noise(j + 9_000_000)),
    )
    .unwrap()
}

/// The number of examples; a batch takes some of them.
const N_EXAMPLES: usize = 5;

/// The cost of the sparsity target.
const COST: f64 = 0.5;

fn sigma(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Weights are rounded to 2^-20, and a mean to 2^-24 after that.
fn tolerance(n_given: usize) -> f64 {
    0.25 * (n_given + 2) as f64 * 2f64.powi(-21) + 2f64.powi(-22)
}

/// The model that the chains of training sample: parameters have 11 binary places.
fn rounded(rbm: &Rbm) -> Rbm {
    let round = |x: f32| (x * 2048.0).round_ties_even() / 2048.0;
    let [b, c] = [rbm.visible_bias(), rbm.hidden_bias()].map(|bias| bias.mapv(round));
    Rbm::new(rbm.weights().mapv(round), b, c).unwrap()
}

/// Compares an update with its definition: plain, or centred with a target activity of 0.2.
fn check(n_visible: usize, n_hidden: usize, centering: bool) {
    let rbm = model(n_visible, n_hidden);
    let density = (n_visible * 31 + n_hidden * 17) % 11;
    let on = |n: usize, i: usize| ((noise(n * 1000 + i + 77) + 1.0) * 5.0) < density as f32;
    let (n_data, n_chains) = (3, 2 + n_visible % 2);

    let hidden = BitMatrix::from_fn(n_data, n_hidden, on);
    let means = rbm.mean_visible(&hidden).unwrap();
    for n in 0..n_data {
        for i in 0..n_visible {
            let weights = (0..n_hidden).filter(|&j| hidden.get(n, j));
            let input: f64 = weights.map(|j| f64::from(rbm.weights()[[i, j]])).sum();
            let expected = sigma(input + f64::from(rbm.visible_bias()[i]));
            let found = f64::from(means[[n, i]]);
            assert!((found - expected).abs() < tolerance(n_hidden), "{n_visible} {n_hidden}");
        }
    }

    // The first mini-batch is three of five examples.
    let all = BitMatrix::from_fn(N_EXAMPLES, n_visible, on);
    let mut order = [0; N_EXAMPLES];
    shuffle(&mut order, &mut Stream::new(0, Purpose::DataOrder, 0));
    let data = BitMatrix::from_fn(n_data, n_visible, |n, i| all.get(order[n] as usize, i));
    let examples =
        Examples::new(Dataset::from_bits("noise", all.clone()), Binarization::Stochastic);
    let config = TrainConfig {
        hidden: Some(n_hidden),
        epochs: Some(1),
        batch_size: n_data,
        chains: Some(n_chains),
        learning_rate: 1.0,
        schedule: Schedule::Constant,
        centering,
        ..TrainConfig::default()
    };
    let config = match centering {
        true => TrainConfig { sparsity_target: 0.2, sparsity_cost: COST, ..config },
        false => config,
    };
    let mut trainer = Trainer::from_model(config, examples, &rbm).unwrap();
    trainer.update().unwrap();
    let (after, chains) = (trainer.current(), trainer.chains().visible());

    let sampled = rounded(&rbm);
    let of_phase = |states: &BitMatrix| {
        let inputs = (0..states.n_rows()).flat_map(|n| sampled.hidden_inputs(states.row(n)));
        let means = inputs.map(sigma).collect();
        let means = Array2::from_shape_vec((states.n_rows(), n_hidden), means).unwrap();
        dithered(0, &means, 4.0)
    };
    let [of_data, of_chains] = [&data, &chains].map(of_phase);
    let is_doubtful: Vec<bool> = of_data.1.iter().zip(&of_chains.1).map(|(a, b)| a | b).collect();
    let phases = [(&data, of_data.0, 1.0), (&chains, of_chains.0, -1.0)];
    let gradient = |i: Option<usize>, j: Option<usize>| -> f64 {
        let of_phase = |(states, means, sign): &(&BitMatrix, Array2<f64>, f64)| {
            let rows = (0..states.n_rows()).filter(|&n| i.is_none_or(|i| states.get(n, i)));
            let sum: f64 = rows.map(|n| j.map_or(1.0, |j| means[[n, j]])).sum();
            sign * sum / states.n_rows() as f64
        };
        phases.iter().map(of_phase).sum()
    };
    // Gradients and parameters of size 1 are rounded to 2^-24.
    let bound = 2f64.powi(-21);
    let moved = |before: f32, after: f32, gradient: f64, bound: f64| {
        let error = f64::from(after) - f64::from(before) - gradient;
        assert!(error.abs() < bound, "{n_visible} x {n_hidden}: {error}");
    };
    // μ is the mean of v over all examples, λ is the mean of h over the first batch.
    let mean = |i: Option<usize>, j: Option<usize>| -> f64 {
        let rows = (0..n_data).filter(|&n| i.is_none_or(|i| data.get(n, i)));
        rows.map(|n| j.map_or(1.0, |j| phases[0].1[[n, j]])).sum::<f64>() / n_data as f64
    };
    let offset = f64::from(u8::from(centering));
    let mu = Array1::from_shape_fn(n_visible, |i| {
        let n_on = (0..N_EXAMPLES).filter(|&n| all.get(n, i)).count();
        offset * n_on as f64 / N_EXAMPLES as f64
    });
    let lambda = Array1::from_shape_fn(n_hidden, |j| offset * mean(None, Some(j)));
    // ⟨(vᵢ − μᵢ)(hⱼ − λⱼ)⟩_data − ⟨(vᵢ − μᵢ)(hⱼ − λⱼ)⟩_model, with cost · (p − q) added to h in the data.
    let push = Array1::from_shape_fn(n_hidden, |j| offset * COST * (0.2 - lambda[j]));
    let of_weights = Array2::from_shape_fn((n_visible, n_hidden), |(i, j)| {
        gradient(Some(i), Some(j))
            - mu[i] * gradient(None, Some(j))
            - lambda[j] * gradient(Some(i), None)
            + (mean(Some(i), None) - mu[i]) * push[j]
    });
    // Offsets have 16 binary places and err by 2^-17, as does every product with them in a bias.
    let bound = bound + offset * 4.0 * 2f64.powi(-16);
    let of_biases = |n: usize| bound * (1.0 + 2.0 * offset * n as f64);
    for i in 0..n_visible {
        for j in (0..n_hidden).filter(|&j| !is_doubtful[j]) {
            moved(rbm.weights()[[i, j]], after.weights()[[i, j]], of_weights[[i, j]], bound);
        }
        if is_doubtful.contains(&true) {
            continue;
        }
        let expected = gradient(Some(i), None) - of_weights.row(i).dot(&lambda);
        moved(rbm.visible_bias()[i], after.visible_bias()[i], expected, of_biases(n_hidden));
    }
    for j in (0..n_hidden).filter(|&j| !is_doubtful[j]) {
        let expected = gradient(None, Some(j)) + push[j] - of_weights.column(j).dot(&mu);
        moved(rbm.hidden_bias()[j], after.hidden_bias()[j], expected, of_biases(n_visible));
    }
}

#[test]
fn every_size_up_to_70_equals_plain_loops() {
    for n_visible in 1..=70 {
        for n_hidden in 1..=70 {
            check(n_visible, n_hidden, false);
            check(n_visible, n_hidden, true);
        }
    }
}

#[test]
fn sizes_of_several_panels_equal_plain_loops() {
    for (n_visible, n_hidden) in [(64, 128), (130, 200), (200, 65), (784, 100)] {
        check(n_visible, n_hidden, false);
        check(n_visible, n_hidden, true);
    }
}
