//! The derivation on the crate page is checked by enumeration and finite differences.

use harmonium::evaluate::Exact;
use harmonium::rng::{Purpose, Stream};
use harmonium::{BitMatrix, Rbm};
use ndarray::{Array1, Array2};

const V: usize = 5;
const H: usize = 4;

/// A model in double precision.
#[derive(Clone)]
struct Model {
    w: Array2<f64>,
    b: Array1<f64>,
    c: Array1<f64>,
}

/// A gradient, or any other triple shaped like the parameters.
type Triple = (Array2<f64>, Array1<f64>, Array1<f64>);

impl Model {
    fn new() -> Self {
        let value = |at: usize| ((at * 37 + 11) % 29) as f64 / 16.0 - 0.9;
        Self {
            w: Array2::from_shape_fn((V, H), |(i, j)| value(i * H + j)),
            b: Array1::from_shape_fn(V, |i| value(i + 100)),
            c: Array1::from_shape_fn(H, |j| value(j + 200)),
        }
    }

    fn exact(&self) -> Exact {
        Exact::from_arrays(self.w.clone(), self.b.clone(), self.c.clone()).unwrap()
    }

    fn mean_hidden(&self, v: u64) -> Array1<f64> {
        Array1::from_shape_fn(H, |j| {
            let input: f64 = (0..V).map(|i| bit(v, i) * self.w[[i, j]]).sum();
            1.0 / (1.0 + (-(self.c[j] + input)).exp())
        })
    }

    /// ⟨vᵢhⱼ⟩, ⟨vᵢ⟩, ⟨hⱼ⟩ under a distribution over visible states, with E[h | v] in closed form.
    fn statistics(&self, weights: impl Iterator<Item = (u64, f64)>) -> Triple {
        let mut sums = (Array2::zeros((V, H)), Array1::zeros(V), Array1::zeros(H));
        for (v, weight) in weights {
            let h = self.mean_hidden(v);
            for i in 0..V {
                sums.1[i] += weight * bit(v, i);
                for j in 0..H {
                    sums.0[[i, j]] += weight * bit(v, i) * h[j];
                }
            }
            sums.2 += &(h * weight);
        }
        sums
    }

    fn model_statistics(&self) -> Triple {
        let exact = self.exact();
        self.statistics((0..1 << V).map(|v| (v, exact.log_probability(&[v]).exp())))
    }

    /// The gradient of the mean log-likelihood: ⟨·⟩_data − ⟨·⟩_model.
    fn gradient(&self) -> Triple {
        let n = DATA.len() as f64;
        let data = self.statistics(DATA.iter().map(|&v| (v, 1.0 / n)));
        let model = self.model_statistics();
        (data.0 - model.0, data.1 - model.1, data.2 - model.2)
    }

    fn log_likelihood(&self) -> f64 {
        let exact = self.exact();
        DATA.iter().map(|&v| exact.log_probability(&[v])).sum::<f64>() / DATA.len() as f64
    }

    /// A parameter by number: W row after row, then b, then c.
    fn parameter(&mut self, at: usize) -> &mut f64 {
        match at {
            _ if at < V * H => &mut self.w[[at / H, at % H]],
            _ if at < V * H + V => &mut self.b[at - V * H],
            _ => &mut self.c[at - V * H - V],
        }
    }
}

const DATA: [u64; 6] = [0b00000, 0b10101, 0b11111, 0b01110, 0b10001, 0b10101];

fn bit(state: u64, at: usize) -> f64 {
    (state >> at & 1) as f64
}

fn flat((w, b, c): &Triple) -> Vec<f64> {
    w.iter().chain(b).chain(c).copied().collect()
}

/// The derivative of `f` by every parameter, by central differences of fourth order.
fn finite_differences(model: &Model, f: impl Fn(&Model) -> f64) -> Vec<f64> {
    let step = 1e-3;
    (0..V * H + V + H)
        .map(|at| {
            let moved = |by: f64| {
                let mut model = model.clone();
                *model.parameter(at) += by * step;
                f(&model)
            };
            (8.0 * (moved(1.0) - moved(-1.0)) - (moved(2.0) - moved(-2.0))) / (12.0 * step)
        })
        .collect()
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    for (at, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() <= tolerance * y.abs().max(1e-3), "parameter {at}: {x}, not {y}");
    }
}

#[test]
fn the_gradient_is_the_derivative_of_the_log_likelihood() {
    let model = Model::new();
    let derivative = finite_differences(&model, Model::log_likelihood);
    assert_close(&flat(&model.gradient()), &derivative, 1e-6);
}

/// E_p[E] depends on θ through E and through p. Its derivative is the expectation of ∂E/∂θ only if p is
/// held fixed.
#[test]
fn expectation_and_derivative_exchange_only_while_the_distribution_is_held_fixed() {
    let model = Model::new();
    let (w, b, c) = model.model_statistics();
    let expected_derivative: Vec<f64> = flat(&(-w, -b, -c));

    let mean_energy = |model: &Model, distribution: &Model| {
        let exact = distribution.exact();
        let mut sum = 0.0;
        for v in 0..1u64 << V {
            let p = exact.log_probability(&[v]).exp();
            let h = distribution.mean_hidden(v);
            let energy = -(0..V).map(|i| bit(v, i) * model.b[i]).sum::<f64>()
                - (0..H)
                    .map(|j| {
                        let input: f64 = (0..V).map(|i| bit(v, i) * model.w[[i, j]]).sum();
                        h[j] * (model.c[j] + input)
                    })
                    .sum::<f64>();
            sum += p * energy;
        }
        sum
    };
    let held = finite_differences(&model, |moved| mean_energy(moved, &model));
    assert_close(&held, &expected_derivative, 1e-6);

    let moving = finite_differences(&model, |moved| mean_energy(moved, moved));
    let apart = moving.iter().zip(&expected_derivative).map(|(x, y)| (x - y).abs());
    assert!(apart.fold(0.0, f64::max) > 0.1, "the second term of the product rule is not 0");
}

/// If h is drawn, the positive statistics have the same mean but more variance.
#[test]
fn drawing_h_in_the_positive_phase_only_adds_noise() {
    let model = Model::new();
    let known = model.statistics([(DATA[1], 1.0)].into_iter());
    let h = model.mean_hidden(DATA[1]);
    let mut stream = Stream::new(1, Purpose::Sample, 0);
    let n = 40_000;
    let mut sums = Array1::<f64>::zeros(H);
    for _ in 0..n {
        let words = stream.step();
        for j in 0..H {
            sums[j] += f64::from(u8::from(f64::from(words[j]) / 2f64.powi(32) < h[j]));
        }
    }
    for j in 0..H {
        let deviation = (h[j] * (1.0 - h[j]) / f64::from(n)).sqrt();
        assert!(deviation > 0.0, "a draw has variance, the closed form has none");
        assert!((sums[j] / f64::from(n) - known.2[j]).abs() < 5.0 * deviation);
    }
}

#[test]
fn a_small_step_up_the_gradient_raises_the_log_likelihood() {
    let model = Model::new();
    let gradient = flat(&model.gradient());
    let squared: f64 = gradient.iter().map(|g| g * g).sum();
    for (rate, raises) in [(1e-3, true), (-1e-3, false)] {
        let mut moved = model.clone();
        for (at, g) in gradient.iter().enumerate() {
            *moved.parameter(at) += rate * g;
        }
        let rise = moved.log_likelihood() - model.log_likelihood();
        assert_eq!(rise > 0.0, raises);
        assert!((rise / (rate * squared) - 1.0).abs() < 0.01, "to first order ε·|g|²");
    }
}

/// With M samples from the table of probabilities, the error of ⟨·⟩_model falls as 1/√M.
#[test]
fn the_monte_carlo_estimate_converges_to_the_gradient_at_the_root_rate() {
    let model = Model::new();
    let exact = model.exact();
    let probabilities: Vec<f64> = (0..1 << V).map(|v| exact.log_probability(&[v]).exp()).collect();
    let expected = flat(&model.model_statistics());
    let error = |n_samples: u32, index: u64| {
        let mut stream = Stream::new(4, Purpose::Sample, index);
        let mut counts = vec![0.0; 1 << V];
        for _ in 0..n_samples / 16 {
            for word in stream.step() {
                let mut rest = f64::from(word) / 2f64.powi(32);
                let state = probabilities.iter().position(|p| {
                    rest -= p;
                    rest < 0.0
                });
                counts[state.unwrap_or((1 << V) - 1)] += 1.0 / f64::from(n_samples);
            }
        }
        let weights = counts.iter().enumerate().map(|(v, &weight)| (v as u64, weight));
        let found = flat(&model.statistics(weights));
        found.iter().zip(&expected).map(|(x, y)| (x - y).powi(2)).sum::<f64>()
    };
    let mean_error = |n_samples: u32| {
        let repeats = 40;
        (0..repeats).map(|index| error(n_samples, index)).sum::<f64>() / repeats as f64
    };
    // Squared errors fall as 1/M, so 64 times as many samples give 1/64 of the error. A mean of 40
    // repeats is uncertain by about a quarter.
    let ratio = mean_error(1024) / mean_error(65_536);
    assert!((32.0..128.0).contains(&ratio), "{ratio}");
}

/// The double-precision model above and the crate's have equal free energies and means.
#[test]
fn the_crate_computes_the_same_model() {
    let model = Model::new();
    let narrow = |x: &f64| *x as f32;
    let rbm = Rbm::new(model.w.map(narrow), model.b.map(narrow), model.c.map(narrow)).unwrap();
    let exact = model.exact();
    for v in 0..1 << V {
        let expected = exact.log_probability(&[v]) + exact.log_z();
        assert!((rbm.free_energy(&[v]) + expected).abs() < 1e-5);
    }
    let means = rbm.mean_hidden(&BitMatrix::from_fn(1, V, |_, i| i % 2 == 0)).unwrap();
    let expected = model.mean_hidden(0b10101);
    assert!(expected.iter().zip(&means).all(|(x, &y)| (x - f64::from(y)).abs() < 1e-5));
}
