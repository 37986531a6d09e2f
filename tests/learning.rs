//! What the trainer learns, by the exact log-likelihood.

use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::evaluate::Exact;
use harmonium::gibbs::{Chains, Image};
use harmonium::rng::{Purpose, Stream};
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::{Array1, Array2};

/// All images of side x side whose rows, or whose columns, are each all on or all off. Both empty
/// and full come twice, once of each kind: 2^(side + 1) images.
fn bars_and_stripes(side: usize) -> BitMatrix {
    BitMatrix::from_fn(2 << side, side * side, |n, pixel| {
        let (pattern, by_rows) = (n >> 1, n & 1 == 1);
        let line = if by_rows { pixel / side } else { pixel % side };
        pattern >> line & 1 == 1
    })
}

fn trained(config: TrainConfig, examples: BitMatrix) -> Rbm {
    let dataset = Dataset::from_bits("examples", examples);
    let mut trainer =
        Trainer::new(config, Examples::new(dataset, Binarization::Stochastic)).unwrap();
    while !trainer.is_done() {
        trainer.update().unwrap();
    }
    trainer.rbm()
}

/// The best a model can do is the negative entropy of the draws: two images of probability 2/n,
/// the other n − 4 of 1/n.
fn bound(side: usize) -> f64 {
    let n = (2 << side) as f64;
    -(n - 4.0) / n * n.ln() - 4.0 / n * (n / 2.0).ln()
}

#[test]
fn bars_and_stripes_are_learned_to_within_five_percent_of_the_entropy() {
    assert!((bound(2) + 1.7329).abs() < 1e-4 && (bound(3) + 2.5993).abs() < 1e-4);
    for (side, hidden, gibbs_steps, chains, updates) in
        [(2, 8, 1, 256, 20_000), (3, 12, 5, 500, 15_000)]
    {
        let data = bars_and_stripes(side);
        let config = TrainConfig {
            hidden,
            gibbs_steps,
            chains: Some(chains),
            batch_size: data.n_rows(),
            epochs: updates,
            learning_rate: 0.2,
            seed: 1,
            ..TrainConfig::default()
        };
        let rbm = trained(config, data.clone());
        let score = Exact::new(&rbm).unwrap().log_likelihood(&data).mean;
        let bound = bound(side);
        assert!(score <= bound + 1e-9, "{side} x {side}: {score} is above the bound {bound}");
        assert!(score >= 1.05 * bound, "{side} x {side}: {score}, bound {bound}");
    }
}

#[test]
fn a_student_comes_close_to_its_teacher() {
    const V: usize = 8;
    let value = |at: usize| ((at * 2_654_435_761) % 4096) as f32 / 1024.0 - 2.0;
    let teacher = Rbm::new(
        Array2::from_shape_fn((V, 4), |(i, j)| value(i * 4 + j + 1)),
        Array1::from_shape_fn(V, |i| value(i + 50) / 2.0),
        Array1::from_shape_fn(4, |j| value(j + 80) / 2.0),
    )
    .unwrap();
    let n = 50_000;
    let streams = (0..n as u64).map(|n| Stream::new(2, Purpose::Sample, n)).collect();
    let image = Image::new(&teacher).unwrap();
    let mut chains = Chains::from_visible(&image, &BitMatrix::zeros(n, V), streams);
    for _ in 0..100 {
        chains.sweep(&image);
    }
    let config = TrainConfig {
        hidden: 8,
        epochs: 20,
        batch_size: 100,
        chains: Some(500),
        learning_rate: 0.1,
        ..TrainConfig::default()
    };
    let student = trained(config, chains.visible());
    let (teacher, student) = (Exact::new(&teacher).unwrap(), Exact::new(&student).unwrap());
    let divergence: f64 = (0..1u64 << V)
        .map(|v| {
            let log_p = teacher.log_probability(&[v]);
            log_p.exp() * (log_p - student.log_probability(&[v]))
        })
        .sum();
    assert!((0.0..0.05).contains(&divergence), "KL(teacher | student) = {divergence} nats");
}

#[test]
fn divergence_is_an_error_that_tells_where() {
    let data = bars_and_stripes(3);
    let config = TrainConfig {
        hidden: 4,
        batch_size: 16,
        epochs: 100_000,
        learning_rate: 500.0,
        ..TrainConfig::default()
    };
    let dataset = Dataset::from_bits("bars", data);
    let mut trainer =
        Trainer::new(config, Examples::new(dataset, Binarization::Stochastic)).unwrap();
    let error = loop {
        if let Err(error) = trainer.update() {
            break error.to_string();
        }
    };
    assert!(error.starts_with("diverged in epoch "), "{error}");
    assert!(error.contains("try a smaller learning_rate"), "{error}");
}

#[test]
fn a_model_too_heavy_for_fixed_point_is_refused_before_training() {
    let heavy = Rbm::new(Array2::from_elem((9, 4), 300.0), Array1::zeros(9), Array1::zeros(4));
    let dataset = Dataset::from_bits("bars", bars_and_stripes(3));
    let config = TrainConfig { hidden: 4, batch_size: 16, ..TrainConfig::default() };
    let examples = Examples::new(dataset, Binarization::Stochastic);
    let error = Trainer::from_model(config, examples, &heavy.unwrap()).unwrap_err().to_string();
    assert!(error.contains("is 2700, but must be at most 1024"), "{error}");
}
