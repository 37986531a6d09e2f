//! The speed of the project: how much faster a whole update is than its dense matrix products by a fast
//! f32 GEMM.
//!
//! The *GEMM bound* is the time of the five products of a PCD-1 update (two (N,V)·(V,H), one
//! (N,H)·(H,V), two (V,N)·(N,H); two more for each further sweep): the smaller of the time of the `gemm`
//! crate on all threads, and its time on one thread divided by the number of threads. It leaves out the
//! rest of an update: reading and drawing the bits, random numbers, σ, the update of the parameters.
//!
//! Updates and products are timed alternately, in one run, on the real training data, after hidden
//! activity has settled. `cargo bench --bench roofline -- NAME` runs only the workloads whose name
//! contains NAME; `--test` checks in seconds that all of them run.

use gemm::Parallelism;
use harmonium::dataset::{Binarization, Dataset, Examples, Split};
use harmonium::train::{Averaging, Schedule};
use harmonium::{TrainConfig, Trainer};
use ndarray::Array2;
use std::time::Instant;

/// A workload that is timed.
struct Workload {
    name: &'static str,
    hidden: usize,
    batch_size: usize,
    gibbs_steps: usize,
    binarize: Binarization,
    /// Whether the gradient is centred and the parameters are averaged, as by default.
    is_usual: bool,
    /// Each pixel becomes a square with sides of this many pixels.
    enlarge: usize,
    /// Epochs before the first timing.
    settle_epochs: u64,
}

const PLAIN: Workload = Workload {
    name: "784-500-batch-128-threshold",
    hidden: 500,
    batch_size: 128,
    gibbs_steps: 1,
    binarize: Binarization::Threshold(0.5),
    is_usual: false,
    enlarge: 1,
    settle_epochs: 5,
};

const WORKLOADS: [Workload; 8] = [
    PLAIN,
    Workload { name: "784-500-batch-128-stochastic", binarize: Binarization::Stochastic, ..PLAIN },
    Workload {
        name: "784-500-batch-128-centred-averaged",
        binarize: Binarization::Stochastic,
        is_usual: true,
        ..PLAIN
    },
    Workload { name: "784-500-batch-10", batch_size: 10, settle_epochs: 1, ..PLAIN },
    Workload { name: "784-500-batch-512", batch_size: 512, settle_epochs: 10, ..PLAIN },
    Workload { name: "784-1024-batch-128", hidden: 1024, ..PLAIN },
    Workload { name: "784-500-batch-128-PCD-10", gibbs_steps: 10, settle_epochs: 3, ..PLAIN },
    Workload {
        name: "3136-2048-batch-256",
        hidden: 2048,
        batch_size: 256,
        enlarge: 2,
        settle_epochs: 2,
        ..PLAIN
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_test = arguments.iter().any(|argument| argument == "--test");
    let wanted: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let threads = rayon::current_num_threads();
    println!("GEMM bound / whole update on {threads} threads; above 1 beats the matrix products");
    for workload in WORKLOADS {
        if wanted.is_empty() || wanted.iter().any(|name| workload.name.contains(*name)) {
            // On a worker, as `train` runs, so that neither side wakes the caller after each product or stage.
            rayon::scope(|_| workload.run(threads, is_test));
        }
    }
}

impl Workload {
    fn run(&self, threads: usize, is_test: bool) {
        let mut trainer = self.trainer(is_test);
        let n_visible = trainer.examples().n_visible();
        let settle = if is_test { 2 } else { self.settle_epochs * trainer.updates_per_epoch() };
        for _ in 0..settle {
            trainer.update().expect("no divergence");
        }
        let mut products = Products::new(self, n_visible);

        // Each timing takes about 50 ms, whatever the size.
        let rounds = if is_test { 1 } else { 21 };
        let start = Instant::now();
        products.multiply(Parallelism::Rayon(threads));
        let repeats = if is_test { 1 } else { (0.05 / start.elapsed().as_secs_f64()) as usize + 1 };
        let (mut updates, mut all, mut one) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            updates.push(seconds(repeats, || trainer.update().expect("no divergence")));
            all.push(seconds(repeats, || products.multiply(Parallelism::Rayon(threads))));
            one.push(seconds(repeats.div_ceil(2), || products.multiply(Parallelism::None)));
        }

        if is_test {
            // One round of a model that has hardly begun to learn measures nothing.
            return println!("{} runs", self.name);
        }
        let divided: Vec<f64> = one.iter().map(|seconds| seconds / threads as f64).collect();
        let bound = if median(&all) < median(&divided) { all } else { divided };
        let mut ratios: Vec<f64> = bound.iter().zip(&updates).map(|(b, u)| b / u).collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "{} ratio {:.2} ({:.2} to {:.2}), updates/s {:.0}, bound GFLOP/s {:.0}",
            self.name,
            median(&ratios),
            ratios[0],
            ratios[ratios.len() - 1],
            1.0 / median(&updates),
            2e-9 * products.multiply_adds() / median(&bound),
        );
    }

    fn trainer(&self, is_test: bool) -> Trainer {
        let mut mnist = Dataset::mnist(Split::Train);
        if is_test {
            mnist = mnist.first(2 * self.batch_size).expect("a part of the data");
        }
        let side = 28 * self.enlarge;
        let enlarged = Array2::from_shape_fn((mnist.n_examples(), side * side), |(n, pixel)| {
            let (row, column) = (pixel / side / self.enlarge, pixel % side / self.enlarge);
            (mnist.intensity(n, 28 * row + column) * 255.0).round() as u8
        });
        let dataset = Dataset::from_bytes("MNIST", enlarged).unwrap();
        let config = TrainConfig {
            hidden: Some(self.hidden),
            batch_size: self.batch_size,
            chains: Some(self.batch_size),
            gibbs_steps: self.gibbs_steps,
            binarize: self.binarize,
            epochs: Some(1_000_000),
            schedule: Schedule::Constant,
            learning_rate: 0.05,
            centering: self.is_usual,
            averaging: if self.is_usual { Averaging::Exponential(1.0) } else { Averaging::None },
            ..TrainConfig::plain()
        };
        Trainer::new(config, Examples::new(dataset, self.binarize)).expect("valid settings")
    }
}

/// The dense matrices of an update.
struct Products {
    sizes: (usize, usize, usize),
    gibbs_steps: usize,
    v: Vec<f32>,
    h: Vec<f32>,
    w: Vec<f32>,
    result: Vec<f32>,
}

impl Products {
    fn new(workload: &Workload, n_visible: usize) -> Self {
        let (n, h) = (workload.batch_size, workload.hidden);
        let largest = (n * n_visible).max(n * h).max(n_visible * h);
        Self {
            sizes: (n, n_visible, h),
            gibbs_steps: workload.gibbs_steps,
            v: vec![0.5; n * n_visible],
            h: vec![0.25; n * h],
            w: vec![0.01; n_visible * h],
            result: vec![0.0; largest],
        }
    }

    fn n_products(&self) -> usize {
        1 + 2 * self.gibbs_steps + 2
    }

    fn multiply_adds(&self) -> f64 {
        let (n, v, h) = self.sizes;
        (self.n_products() * n * v * h) as f64
    }

    fn multiply(&mut self, parallelism: Parallelism) {
        let (n, v, h) = self.sizes;
        let result = &mut self.result;
        // v → h: data and each sweep; h → v: each sweep; vᵀh: both phases. Row-major throughout.
        for _ in 0..1 + self.gibbs_steps {
            product(parallelism, (n, h, v), (&self.v, v, 1), (&self.w, h, 1), result);
        }
        for _ in 0..self.gibbs_steps {
            product(parallelism, (n, v, h), (&self.h, h, 1), (&self.w, 1, h), result);
        }
        for _ in 0..2 {
            product(parallelism, (v, h, n), (&self.v, 1, v), (&self.h, h, 1), result);
        }
    }
}

/// `result` (m, n) = left (m, k) · right (k, n); a matrix is its values, row and column stride.
fn product(
    parallelism: Parallelism,
    (m, n, k): (usize, usize, usize),
    (left, left_row, left_column): (&[f32], usize, usize),
    (right, right_row, right_column): (&[f32], usize, usize),
    result: &mut [f32],
) {
    assert!(left.len() == m * k && right.len() == k * n && result.len() >= m * n);
    // SAFETY: the lengths cover shapes and strides, as checked above.
    #[allow(unsafe_code, reason = "the interface of the yardstick")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            result.as_mut_ptr(),
            1,
            n as isize,
            false,
            left.as_ptr(),
            left_column as isize,
            left_row as isize,
            right.as_ptr(),
            right_column as isize,
            right_row as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// The mean time in seconds of `repeats` repeats.
fn seconds(repeats: usize, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..repeats).for_each(|_| work());
    start.elapsed().as_secs_f64() / repeats as f64
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
