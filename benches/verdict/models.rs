//! Seven families of models whose log Z is known, with the data mean and the chains that an evaluation uses.
//! Most have few hidden units, and log Z by enumeration. If all weights are equal, log Z is a sum over the
//! number of hidden units that are on.

use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::evaluate::{Base, Evaluation, EvaluationConfig, Evaluator, Exact, Method};
use harmonium::gibbs::{Chains, FixedModel, FixedWeights};
use harmonium::kernels::Isa;
use harmonium::rng::{Purpose, Stream};
use harmonium::train::Algorithm;
use harmonium::units::{sigmoid, softplus};
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::{Array1, Array2};

/// The families, in the order of [`Model::of`].
pub const FAMILIES: [&str; 7] = [
    "independent",
    "random",
    "blocks",
    "two modes",
    "ferromagnetic",
    "trained on clusters",
    "trained, one group",
];

/// A model, its log Z, and the inputs of an evaluation.
pub struct Model {
    pub rbm: Rbm,
    pub log_z: f64,
    /// The mean of the training data (V), if it is known.
    pub data_mean: Option<Array1<f32>>,
    /// The states of the chains of training, if there are any.
    pub chains: Option<BitMatrix>,
    /// A description, for messages.
    pub note: String,
}

impl Model {
    /// The model with this number; families alternate.
    pub fn of(number: u64) -> Self {
        let mut draw = Numbers::new(number);
        let draw = &mut draw;
        match number % FAMILIES.len() as u64 {
            0 => independent(draw),
            1 => random(draw),
            2 => blocks(draw),
            3 => two_modes(draw),
            4 => ferromagnet(draw),
            5 => trained(draw, false),
            _ => trained(draw, true),
        }
    }

    /// Evaluates `visible` by a method, as the command does with a model and its run.
    pub fn evaluate(&self, method: Method, visible: &BitMatrix, seed: u64) -> Evaluation {
        let base = Base::of_method(method, &self.rbm, self.data_mean.as_ref());
        let config = EvaluationConfig { method, seed, ..EvaluationConfig::default() };
        let weights = FixedWeights::of(&self.rbm, Isa::fastest());
        let model = FixedModel { rbm: &self.rbm, weights: &weights };
        let mut evaluator = Evaluator::new(model).config(config).base(base).without_mixing();
        if let Some(chains) = &self.chains {
            evaluator = evaluator.model_states(chains, "the chains of the run");
        }
        evaluator.evaluate(visible).unwrap()
    }

    /// A model with few hidden units and the training data `data`.
    pub fn with_data(rbm: Rbm, data: &BitMatrix, has_chains: bool, note: String) -> Self {
        let log_z = Exact::new(&rbm).unwrap().log_z();
        let chains = has_chains.then(|| data.spread(128));
        Self { rbm, log_z, data_mean: Some(mean(data)), chains, note }
    }

    /// A model without a data mean.
    pub fn without_data(rbm: Rbm, note: String) -> Self {
        let log_z = Exact::new(&rbm).unwrap().log_z();
        Self { rbm, log_z, data_mean: None, chains: None, note }
    }
}

/// Repeatable random numbers for a model.
pub struct Numbers {
    stream: Stream,
    words: Vec<u32>,
}

impl Numbers {
    pub fn new(index: u64) -> Self {
        Self { stream: Stream::new(2026, Purpose::Sample, index), words: Vec::new() }
    }

    pub fn uniform(&mut self) -> f64 {
        if self.words.is_empty() {
            self.words = self.stream.step().to_vec();
        }
        (f64::from(self.words.pop().unwrap()) + 0.5) / 2f64.powi(32)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    fn log_between(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    /// A whole number from `low` to `high`.
    fn whole(&mut self, low: usize, high: usize) -> usize {
        low + (self.uniform() * (high - low + 1) as f64) as usize
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

pub fn model(weights: &Array2<f64>, visible: &Array1<f64>, hidden: &Array1<f64>) -> Rbm {
    let narrow = |x: &f64| *x as f32;
    Rbm::new(weights.map(narrow), visible.map(narrow), hidden.map(narrow)).unwrap()
}

fn mean(bits: &BitMatrix) -> Array1<f32> {
    let on = |i| (0..bits.n_rows()).filter(|&n| bits.get(n, i)).count();
    Array1::from_shape_fn(bits.n_columns(), |i| on(i) as f32 / bits.n_rows() as f32)
}

/// A draw of v given a state of the hidden units.
fn draw_visible(rbm: &Rbm, hidden: u64, draw: &mut Numbers) -> Vec<bool> {
    let on: Vec<usize> = (0..rbm.n_hidden()).filter(|j| hidden >> j & 1 == 1).collect();
    let input = |i: usize| {
        let weights: f64 = on.iter().map(|&j| f64::from(rbm.weights()[[i, j]])).sum();
        weights + f64::from(rbm.visible_bias()[i])
    };
    (0..rbm.n_visible()).map(|i| draw.uniform() < sigmoid(input(i))).collect()
}

fn rows(n: usize, n_visible: usize, mut row: impl FnMut() -> Vec<bool>) -> BitMatrix {
    let mut bits = BitMatrix::zeros(n, n_visible);
    for n in 0..n {
        row().into_iter().enumerate().for_each(|(i, is_on)| bits.set(n, i, is_on));
    }
    bits
}

/// Exact samples, by enumeration of the hidden units.
fn samples(rbm: &Rbm, n: usize, draw: &mut Numbers) -> BitMatrix {
    let turned = Exact::from_arrays(
        rbm.weights().t().mapv(f64::from).as_standard_layout().into_owned(),
        rbm.hidden_bias().mapv(f64::from),
        rbm.visible_bias().mapv(f64::from),
    )
    .unwrap();
    let mut sum = 0.0;
    let sums = (0..1u64 << rbm.n_hidden()).map(|hidden| {
        sum += turned.log_probability(&[hidden]).exp();
        sum
    });
    let sums: Vec<f64> = sums.collect();
    rows(n, rbm.n_visible(), || {
        let at = draw.uniform();
        let hidden = sums.partition_point(|&sum| sum < at).min(sums.len() - 1);
        draw_visible(rbm, hidden as u64, draw)
    })
}

/// The states of chains that start at one random state, after 200 sweeps.
fn one_mode(rbm: &Rbm, draw: &mut Numbers) -> BitMatrix {
    let weights = FixedWeights::of(rbm, Isa::fastest());
    let start = BitMatrix::from_fn(1, rbm.n_visible(), |_, _| draw.uniform() < 0.5).spread(100);
    let seed = draw.whole(0, 1 << 20) as u64;
    let streams = (0..100).map(|chain| Stream::new(seed, Purpose::Chain, chain)).collect();
    let mut chains = Chains::from_visible(&weights, &start, streams);
    (0..200).for_each(|_| chains.sweep(&weights));
    chains.visible()
}

/// A model whose data are exact samples of it (with or without chains), samples of one mode, or unknown.
fn with_some_data(rbm: Rbm, note: String, draw: &mut Numbers) -> Model {
    let kind = draw.whole(0, 3);
    let note = format!("{note}, data {kind}");
    let data = match kind {
        0 | 1 => samples(&rbm, 500, draw),
        2 => one_mode(&rbm, draw),
        _ => return Model::without_data(rbm, note),
    };
    Model::with_data(rbm, &data, kind == 1, note)
}

/// A model with very small weights.
fn independent(draw: &mut Numbers) -> Model {
    let (v, h) = (draw.whole(10, 300), draw.whole(1, 12));
    let scale = draw.log_between(0.001, 0.1);
    let weights = Array2::from_shape_fn((v, h), |_| scale * draw.normal());
    let visible = Array1::from_shape_fn(v, |_| 2.0 * draw.normal());
    let hidden = Array1::from_shape_fn(h, |_| draw.normal());
    with_some_data(model(&weights, &visible, &hidden), format!("{v}-{h}"), draw)
}

/// Normal weights of standard deviation scale / √V. Half of the models are balanced, so that units are on
/// half of the time.
fn random(draw: &mut Numbers) -> Model {
    let (v, h) = (draw.whole(15, 200), draw.whole(3, 13));
    let scale = draw.log_between(0.1, 16.0);
    let balance = if v % 2 == 0 { 0.5 } else { 0.0 };
    let deviation = scale / (v as f64).sqrt();
    let weights = Array2::from_shape_fn((v, h), |_| deviation * draw.normal());
    let visible =
        Array1::from_shape_fn(v, |i| 0.5 * draw.normal() - balance * weights.row(i).sum());
    let hidden =
        Array1::from_shape_fn(h, |j| 0.5 * draw.normal() - balance * weights.column(j).sum());
    let note = format!("{v}-{h}, scale {scale:.2}");
    with_some_data(model(&weights, &visible, &hidden), note, draw)
}

/// Groups of units that turn on and off together, each with its own shift.
fn blocks(draw: &mut Numbers) -> Model {
    let (n_blocks, size, hidden_each) = (draw.whole(2, 6), draw.whole(8, 25), draw.whole(1, 2));
    let (v, h) = (n_blocks * size, n_blocks * hidden_each);
    let (strength, shift) = (draw.log_between(0.2, 4.0), draw.between(0.0, 1.5));
    let signs: Vec<f64> = (0..v).map(|_| if draw.uniform() < 0.5 { 1.0 } else { -1.0 }).collect();
    let weights = Array2::from_shape_fn((v, h), |(i, j)| match i / size == j / hidden_each {
        true => signs[i] * strength,
        false => 0.05 * draw.normal(),
    });
    let visible = Array1::from_shape_fn(v, |i| -0.5 * weights.row(i).sum());
    let hidden =
        Array1::from_shape_fn(h, |j| shift * draw.normal() - 0.5 * weights.column(j).sum());
    let note = format!("{v}-{h}, strength {strength:.2}");
    with_some_data(model(&weights, &visible, &hidden), note, draw)
}

/// One hidden unit switches between two modes, which are far apart or near, broad or narrow; up to eight
/// other hidden units have weak weights. The data are from both modes, or from the heavy or the light one.
fn two_modes(draw: &mut Numbers) -> Model {
    let (v, others) = (draw.whole(20, 200), draw.whole(0, 8));
    let share = [0.5_f64, 0.3, 0.1, 0.03, 0.01, 0.001][draw.whole(0, 5)];
    let (spread, shift) = (draw.log_between(0.3, 3.0), draw.between(-1.5, 1.5));
    let second = if draw.uniform() < 0.5 { spread } else { draw.log_between(0.3, 3.0) };
    let off = Array1::from_shape_fn(v, |_| shift + spread * draw.normal());
    let on = Array1::from_shape_fn(v, |i| {
        (if i % 3 == 0 { -shift } else { shift }) + second * draw.normal()
    });
    let weak = draw.between(0.0, 0.2);
    let weights = Array2::from_shape_fn((v, 1 + others), |(i, j)| match j {
        0 => on[i] - off[i],
        _ => weak * draw.normal(),
    });
    let log_mass = |log_odds: &Array1<f64>| log_odds.iter().map(|&x| softplus(x)).sum::<f64>();
    let mut hidden = Array1::zeros(1 + others);
    hidden[0] = (share / (1.0 - share)).ln() + log_mass(&off) - log_mass(&on);
    let rbm = model(&weights, &off, &hidden);
    let kind = draw.whole(0, 4);
    let mut of_mode = |log_odds: &Array1<f64>| {
        rows(200, v, || log_odds.iter().map(|&x| draw.uniform() < sigmoid(x)).collect())
    };
    let data = match kind {
        2 => of_mode(&off),
        3 | 4 => of_mode(&on),
        _ => samples(&rbm, 500, draw),
    };
    let note = format!(
        "{v}-{}, spread {spread:.2} and {second:.2}, share {share}, data {kind}",
        1 + others
    );
    Model::with_data(rbm, &data, matches!(kind, 1 | 2 | 4), note)
}

/// All weights w, visible bias b, hidden bias c: log Z = ln Σₖ C(H, k) e^(ck) (1 + e^(b + wk))^V.
pub fn equal_weights((v, h): (usize, usize), weight: f64, visible: f64, hidden: f64) -> (Rbm, f64) {
    let rbm = model(
        &Array2::from_elem((v, h), weight),
        &Array1::from_elem(v, visible),
        &Array1::from_elem(h, hidden),
    );
    // These are the model's values, rounded to f32.
    let [w, b, c] = [weight, visible, hidden].map(|x| f64::from(x as f32));
    let log_factorial = |n: usize| (1..=n).map(|x| (x as f64).ln()).sum::<f64>();
    let term = |k: usize| {
        let states = log_factorial(h) - log_factorial(k) - log_factorial(h - k);
        states + c * k as f64 + v as f64 * softplus(b + w * k as f64)
    };
    let terms: Vec<f64> = (0..=h).map(term).collect();
    let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (rbm, largest + terms.iter().map(|x| (x - largest).exp()).sum::<f64>().ln())
}

/// Equal weights near the transition between all units off and all on. The transition is of second order
/// if both phases are alike, else of first order.
fn ferromagnet(draw: &mut Numbers) -> Model {
    let (v, h) = (draw.whole(20, 250), draw.whole(2, 40));
    let weight = draw.log_between(0.5, 8.0) / ((v * h) as f64).sqrt();
    let on = weight * h as f64;
    let is_first_order = draw.uniform() < 0.5;
    let (visible, hidden) = if is_first_order {
        let visible = draw.between(-3.0, 0.0);
        let balance = (softplus(visible + on) - softplus(visible)) * v as f64 / h as f64;
        (visible, -balance * (1.0 - draw.between(-0.1, 0.2)))
    } else {
        (-0.5 * on + 0.01 * draw.normal(), -0.5 * weight * v as f64 + 0.1 * draw.normal())
    };
    let (rbm, log_z) = equal_weights((v, h), weight, visible, hidden);
    let rate = match draw.whole(0, 3) {
        0 => Some(sigmoid(visible + 0.5 * on)),
        1 => Some(sigmoid(visible)),
        2 => Some(sigmoid(visible + on)),
        _ => None,
    };
    let data_mean = rate.map(|rate| Array1::from_elem(v, rate as f32));
    let note = format!("{v}-{h}, weight {weight:.3}, b {visible:.2}, first order {is_first_order}");
    Model { rbm, log_z, data_mean, chains: None, note }
}

/// A model trained for some epochs, well or badly, on a mixture of groups with unequal weights. It is
/// evaluated with the data mean of its run, or (`one_group`) with the mean of one group, or without one.
fn trained(draw: &mut Numbers, one_group: bool) -> Model {
    const N: usize = 600;
    let (v, h, n_groups) = (draw.whole(30, 150), draw.whole(4, 12), draw.whole(2, 6));
    let spread = draw.between(0.8, 3.0);
    let rates = Array2::from_shape_fn((n_groups, v), |_| sigmoid(spread * draw.normal() - 0.7));
    let shares: Vec<f64> = (0..n_groups).map(|_| draw.between(0.05, 1.0)).collect();
    let total: f64 = shares.iter().sum();
    let groups: Vec<usize> = (0..N)
        .map(|_| {
            let mut left = total * draw.uniform();
            let is_there = |share: &f64| {
                left -= share;
                left < 0.0
            };
            shares.iter().position(is_there).unwrap_or(n_groups - 1)
        })
        .collect();
    let data = BitMatrix::from_fn(N, v, |n, i| draw.uniform() < rates[[groups[n], i]]);
    let algorithm =
        [Algorithm::Pcd, Algorithm::Pcd, Algorithm::Pt, Algorithm::Cd][draw.whole(0, 3)];
    let plain = TrainConfig::plain();
    let config = TrainConfig {
        hidden: Some(h),
        epochs: Some(draw.whole(5, 60)),
        batch_size: 60,
        chains: (algorithm != Algorithm::Cd).then_some(60),
        algorithm,
        temperatures: if algorithm == Algorithm::Pt { 5 } else { plain.temperatures },
        learning_rate: draw.log_between(0.05, 0.5),
        centering: draw.uniform() < 0.6,
        seed: draw.whole(0, 1 << 20) as u64,
        ..plain
    };
    let dataset = Dataset::from_bits("groups", data.clone());
    let mut trainer =
        Trainer::new(config, Examples::new(dataset, Binarization::Stochastic)).unwrap();
    while !trainer.is_done() {
        trainer.update().unwrap();
    }
    let (rbm, kind) = (trainer.current(), draw.whole(0, 2));
    let note = format!("{v}-{h}, {n_groups} groups, {algorithm}, data {kind}");
    let first: Vec<_> = (0..N).filter(|&n| groups[n] == 0).map(|n| data.rows(n..n + 1)).collect();
    match (one_group, kind) {
        (true, 0) if !first.is_empty() => {
            Model::with_data(rbm, &BitMatrix::concatenate(&first), false, note)
        }
        (true, _) => Model::without_data(rbm, note),
        (false, _) => {
            let chains =
                (kind > 0 && algorithm.chains_are_samples()).then(|| trainer.chains().visible());
            Model { chains, ..Model::with_data(rbm, &data, false, note) }
        }
    }
}
