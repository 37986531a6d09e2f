//! How often a verdict of `believable` is wrong.
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::evaluate::evaluation::Starts;
use harmonium::evaluate::{Evaluation, EvaluationConfig, Exact, Method};
use harmonium::gibbs::{Chains, Image, smoothed_rates};
use harmonium::model::{sigmoid, softplus};
use harmonium::rng::{Purpose, Stream};
use harmonium::train::{Algorithm, Averaging, Schedule};
use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer};
use ndarray::{Array1, Array2};
use std::time::Instant;

/// Random numbers of the generator.
struct Numbers {
    stream: Stream,
    words: Vec<u32>,
}

impl Numbers {
    fn new(index: u64) -> Self {
        Self { stream: Stream::new(99, Purpose::Sample, index), words: Vec::new() }
    }
    fn uniform(&mut self) -> f64 {
        if self.words.is_empty() {
            self.words = self.stream.step().to_vec();
        }
        (f64::from(self.words.pop().unwrap()) + 0.5) / 2f64.powi(32)
    }
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }
    fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }
    fn whole(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
    fn log_between(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }
}

/// A machine with what is known of it.
struct Case {
    family: &'static str,
    rbm: Rbm,
    log_z: f64,
    /// What its training data look like, if the model says.
    mean: Option<Array1<f64>>,
    /// States of the chains of its training.
    chains: Option<BitMatrix>,
    note: String,
}

fn rbm(w: &Array2<f64>, b: &Array1<f64>, c: &Array1<f64>) -> Rbm {
    Rbm::new(w.mapv(|x| x as f32), b.mapv(|x| x as f32), c.mapv(|x| x as f32)).unwrap()
}

fn log_z(rbm: &Rbm) -> f64 {
    Exact::new(rbm).unwrap().log_z()
}

/// Exact samples, by enumeration of the hidden units.
fn sample(rbm: &Rbm, n: usize, numbers: &mut Numbers) -> BitMatrix {
    let (v, h) = (rbm.n_visible(), rbm.n_hidden());
    let turned = Exact::from_arrays(
        rbm.weights().t().mapv(f64::from).as_standard_layout().into_owned(),
        rbm.hidden_bias().mapv(f64::from),
        rbm.visible_bias().mapv(f64::from),
    )
    .unwrap();
    let mut sum = 0.0;
    let cumulative: Vec<f64> = (0..1u64 << h)
        .map(|h| {
            sum += turned.log_probability(&[h]).exp();
            sum
        })
        .collect();
    let mut bits = BitMatrix::zeros(n, v);
    for row in 0..n {
        let u = numbers.uniform();
        let h_state = cumulative.partition_point(|&s| s < u).min(cumulative.len() - 1);
        for i in 0..v {
            let x: f64 = f64::from(rbm.visible_bias()[i])
                + (0..h)
                    .filter(|j| h_state >> j & 1 == 1)
                    .map(|j| f64::from(rbm.weights()[[i, j]]))
                    .sum::<f64>();
            bits.set(row, i, numbers.uniform() < sigmoid(x));
        }
    }
    bits
}

fn means(bits: &BitMatrix) -> Array1<f64> {
    let on = |i| (0..bits.n_rows()).filter(|&n| bits.get(n, i)).count();
    Array1::from_shape_fn(bits.n_columns(), |i| on(i) as f64 / bits.n_rows() as f64)
}

/// States after some sweeps from one random state.
fn one_mode(rbm: &Rbm, n: usize, sweeps: usize, numbers: &mut Numbers) -> BitMatrix {
    let image = Image::new(rbm).unwrap();
    let start = BitMatrix::from_fn(1, rbm.n_visible(), |_, _| numbers.uniform() < 0.5);
    let start = start.spread(n);
    let key = numbers.below(1 << 20) as u64;
    let streams = (0..n as u64).map(|k| Stream::new(key, Purpose::Chain, k)).collect();
    let mut chains = Chains::from_visible(&image, &start, streams);
    (0..sweeps).for_each(|_| chains.sweep(&image));
    chains.visible()
}

fn with_data(family: &'static str, rbm: Rbm, note: String, numbers: &mut Numbers) -> Case {
    let log_z = log_z(&rbm);
    let kind = numbers.below(4);
    let (mean, chains) = match kind {
        0 => (Some(means(&sample(&rbm, 500, numbers))), None),
        1 => {
            let data = sample(&rbm, 500, numbers);
            (Some(means(&data)), Some(data.rows(0..128)))
        }
        2 => (Some(means(&one_mode(&rbm, 100, 200, numbers))), None),
        _ => (None, None),
    };
    Case { family, rbm, log_z, mean, chains, note: format!("{note}, data {kind}") }
}

fn independent(numbers: &mut Numbers) -> Case {
    let (v, h) = (numbers.whole(10, 300), numbers.whole(1, 12));
    let scale = numbers.log_between(0.001, 0.1);
    let w = Array2::from_shape_fn((v, h), |_| scale * numbers.normal());
    let b = Array1::from_shape_fn(v, |_| 2.0 * numbers.normal());
    let c = Array1::from_shape_fn(h, |_| numbers.normal());
    with_data("independent", rbm(&w, &b, &c), format!("{v}-{h}"), numbers)
}

fn random(numbers: &mut Numbers) -> Case {
    let (v, h) = (numbers.whole(15, 200), numbers.whole(3, 13));
    let scale = numbers.log_between(0.1, 16.0);
    let deviation = scale / (v as f64).sqrt();
    let w = Array2::from_shape_fn((v, h), |_| deviation * numbers.normal());
    let b = Array1::from_shape_fn(v, |i| {
        0.5 * numbers.normal() - 0.5 * w.row(i).sum() * f64::from(v % 2 == 0)
    });
    let c = Array1::from_shape_fn(h, |j| {
        0.5 * numbers.normal() - 0.5 * w.column(j).sum() * f64::from(v % 2 == 0)
    });
    with_data("random", rbm(&w, &b, &c), format!("{v}-{h} scale {scale:.2}"), numbers)
}

fn blocks(numbers: &mut Numbers) -> Case {
    let k = numbers.whole(2, 6);
    let per = numbers.whole(1, 2);
    let size = numbers.whole(8, 25);
    let (v, h) = (k * size, k * per);
    let j0 = numbers.log_between(0.2, 4.0);
    let sign: Vec<f64> = (0..v).map(|_| if numbers.uniform() < 0.5 { 1.0 } else { -1.0 }).collect();
    let w = Array2::from_shape_fn((v, h), |(i, j)| {
        if i / size == j / per { sign[i] * j0 } else { 0.05 * numbers.normal() }
    });
    let tilt = numbers.between(0.0, 1.5);
    let b = Array1::from_shape_fn(v, |i| -0.5 * w.row(i).sum());
    let c = Array1::from_shape_fn(h, |j| -0.5 * w.column(j).sum() + tilt * numbers.normal());
    with_data("blocks", rbm(&w, &b, &c), format!("{v}-{h} J {j0:.2}"), numbers)
}

/// One hidden unit joins two products of rates; p is the weight of the one with it on.
fn two_modes(numbers: &mut Numbers) -> Case {
    let (v, extra) = (numbers.whole(20, 200), numbers.whole(0, 8));
    let spread = numbers.log_between(0.3, 3.0);
    let shift = numbers.between(-1.5, 1.5);
    let one = Array1::from_shape_fn(v, |_| shift + spread * numbers.normal());
    let second = if numbers.uniform() < 0.5 { spread } else { numbers.log_between(0.3, 3.0) };
    let other = Array1::from_shape_fn(v, |_| {
        (if v % 3 == 0 { -shift } else { shift }) + second * numbers.normal()
    });
    let p = [0.5_f64, 0.3, 0.1, 0.03, 0.01, 0.001][numbers.below(6)];
    let mut w = Array2::zeros((v, 1 + extra));
    let small = numbers.between(0.0, 0.2);
    for i in 0..v {
        w[[i, 0]] = other[i] - one[i];
        for j in 1..=extra {
            w[[i, j]] = small * numbers.normal();
        }
    }
    let mut c = Array1::zeros(1 + extra);
    let odds = |numbers: &Array1<f64>| numbers.iter().map(|&x| softplus(x)).sum::<f64>();
    c[0] = (p / (1.0 - p)).ln() + odds(&one) - odds(&other);
    let rbm = rbm(&w, &one, &c);
    let draw = |x: &Array1<f64>, n: usize, numbers: &mut Numbers| {
        BitMatrix::from_fn(n, v, |_, i| numbers.uniform() < sigmoid(x[i]))
    };
    let kind = numbers.below(5);
    let (heavy, light) = if p < 0.5 { (&one, &other) } else { (&other, &one) };
    let (data, with_chains) = match kind {
        0 | 1 => (sample(&rbm, 500, numbers), kind == 1),
        2 => (draw(heavy, 200, numbers), true),
        3 => (draw(light, 200, numbers), false),
        _ => (draw(light, 200, numbers), true),
    };
    let chains = with_chains.then(|| data.rows(0..128));
    Case {
        family: "two modes",
        log_z: log_z(&rbm),
        rbm,
        mean: Some(means(&data)),
        chains,
        note: format!("{v}-{} spread {spread:.2} {second:.2} p {p}, data {kind}", 1 + extra),
    }
}

fn ln_choose(n: usize, k: usize) -> f64 {
    let f = |m: usize| (1..=m).map(|x| (x as f64).ln()).sum::<f64>();
    f(n) - f(k) - f(n - k)
}

/// All weights equal: log Z is a sum over the number of hidden units that are on.
fn ferromagnet(numbers: &mut Numbers) -> Case {
    let (v, h) = (numbers.whole(20, 250), numbers.whole(2, 40));
    let w = numbers.log_between(0.5, 8.0) / ((v * h) as f64).sqrt();
    let is_first_order = numbers.uniform() < 0.5;
    let (b, c) = if is_first_order {
        let b = numbers.between(-3.0, 0.0);
        // Such that both modes weigh about as much, and a tilt.
        let tilt = numbers.between(-0.5, 1.0);
        let cost = (softplus(b + w * h as f64) - softplus(b)) * v as f64 / h as f64;
        (b, -cost * (1.0 - 0.2 * tilt))
    } else {
        (-0.5 * w * h as f64 + 0.01 * numbers.normal(), -0.5 * w * v as f64 + 0.1 * numbers.normal())
    };
    let (b, c, w) = (f64::from(b as f32), f64::from(c as f32), f64::from(w as f32));
    let terms: Vec<f64> = (0..=h)
        .map(|k| ln_choose(h, k) + c * k as f64 + v as f64 * softplus(b + w * k as f64))
        .collect();
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_z = most + terms.iter().map(|x| (x - most).exp()).sum::<f64>().ln();
    let rbm = rbm(
        &Array2::from_elem((v, h), w),
        &Array1::from_elem(v, b),
        &Array1::from_elem(h, c),
    );
    let kind = numbers.below(4);
    let exact_mean = {
        let p: f64 = (0..=h).map(|k| (terms[k] - log_z).exp() * sigmoid(b + w * k as f64)).sum();
        Array1::from_elem(v, p)
    };
    let (mean, chains) = match kind {
        0 => (Some(exact_mean), None),
        1 => (Some(Array1::from_elem(v, sigmoid(b))), None),
        2 => (Some(Array1::from_elem(v, sigmoid(b + w * h as f64))), None),
        _ => (None, None),
    };
    Case { family: "ferromagnetic", rbm, log_z, mean, chains, note: format!("{v}-{h} w {w:.3} b {b:.2} first {is_first_order}, data {kind}") }
}

/// Trained on clusters: products of rates with unequal weights.
fn clusters(numbers: &mut Numbers, family: &'static str) -> Case {
    let (v, h, k) = (numbers.whole(30, 150), numbers.whole(4, 12), numbers.whole(2, 6));
    let spread = numbers.between(0.8, 3.0);
    let rates = Array2::from_shape_fn((k, v), |_| sigmoid(spread * numbers.normal() - 0.7));
    let mut weights: Vec<f64> = (0..k).map(|_| numbers.between(0.05, 1.0)).collect();
    let total: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|w| *w /= total);
    let group: Vec<usize> = (0..600)
        .map(|_| {
            let u = numbers.uniform();
            let mut sum = 0.0;
            weights.iter().position(|w| { sum += w; u < sum }).unwrap_or(k - 1)
        })
        .collect();
    let data = BitMatrix::from_fn(600, v, |n, i| numbers.uniform() < rates[[group[n], i]]);
    let algorithm = [Algorithm::Pcd, Algorithm::Pcd, Algorithm::Pt, Algorithm::Cd][numbers.below(4)];
    let config = TrainConfig {
        hidden: h,
        epochs: numbers.whole(5, 60),
        batch_size: 60,
        algorithm,
        temperatures: 5,
        learning_rate: numbers.log_between(0.05, 0.5),
        schedule: Schedule::Constant,
        centering: numbers.uniform() < 0.6,
        averaging: Averaging::None,
        seed: numbers.below(1 << 20) as u64,
        ..TrainConfig::default()
    };
    let examples = Examples::new(Dataset::from_bits("clusters", data.clone()), Binarization::Stochastic);
    let mut trainer = Trainer::new(config, examples).unwrap();
    while !trainer.is_done() {
        trainer.update().unwrap();
    }
    let rbm = trainer.rbm();
    let kind = numbers.below(3);
    let first: Vec<usize> = (0..600).filter(|&n| group[n] == 0).collect();
    let mean = if family == "one group" {
        match kind {
            0 if !first.is_empty() => {
                let rows: Vec<_> = first.iter().map(|&n| data.rows(n..n + 1)).collect();
                Some(means(&BitMatrix::concatenate(&rows)))
            }
            _ => None,
        }
    } else {
        Some(means(&data))
    };
    let has_chains = family != "one group" && kind > 0 && algorithm != Algorithm::Cd;
    let chains = has_chains.then(|| trainer.chains().visible());
    Case {
        family,
        log_z: log_z(&rbm),
        rbm,
        mean,
        chains,
        note: format!("{v}-{h} {k} clusters {algorithm}, kind {kind}"),
    }
}

fn case(index: u64) -> Case {
    let numbers = &mut Numbers::new(index);
    match index % 7 {
        0 => independent(numbers),
        1 => random(numbers),
        2 => blocks(numbers),
        3 => two_modes(numbers),
        4 => ferromagnet(numbers),
        5 => clusters(numbers, "clusters"),
        _ => clusters(numbers, "one group"),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let number = |at: usize| args.get(at).and_then(|x| x.parse().ok());
    let (from, to): (u64, u64) = (number(1).unwrap_or(0), number(2).unwrap_or(14));
    let only: Option<u64> = number(3);
    for index in (from..to).filter(|index| only.is_none_or(|only| index % 7 == only)) {
        let case = case(index);
        let base = match &case.mean {
            Some(mean) => smoothed_rates(mean),
            None => case.rbm.visible_bias().mapv(|b| sigmoid(f64::from(b)).clamp(0.05/1.05, 1.0/1.05)),
        };
        let starts = Starts { base_rates: &base, model_states: case.chains.as_ref() };
        let config = EvaluationConfig { method: Method::Ais, seed: index, ..Default::default() };
        let clock = Instant::now();
        let visible = BitMatrix::zeros(1, case.rbm.n_visible());
        let e = Evaluation::new(&case.rbm, &visible, starts, &config, &|_, _, _| ()).unwrap();
        let seconds = clock.elapsed().as_secs_f64();
        let (a, w) = (e.evidence.unwrap().sides, e.evidence.unwrap().witness);
        let unseen = e.evidence.unwrap().unseen_share().ln();
        let z = case.log_z;
        println!(
            "{index},{},{:.6},{:.5},{:.5},{:.1},{:.5},{:.5},{:.1},{:.5},{:.5},{:.5},{:.1},{},{},{},{:.2},\"{} U{:.2}\",\"{}\"",
            case.family, z,
            a.forward.log_z.log_z - z, a.forward.log_z.standard_error, a.forward.weights.ess,
            a.reverse.log_z.log_z - z, a.reverse.log_z.standard_error, a.reverse.weights.ess,
            a.bennett.log_z - z,
            w.log_z.log_z - z, w.log_z.standard_error, w.weights.ess,
            a.n_chains, a.n_steps, e.verdict.name(), seconds, case.note, unseen,
            match &e.verdict { harmonium::evaluate::Verdict::Doubtful { reasons, .. } => reasons.join("; "), _ => String::new() }
        );
    }
}
