//! The sampler leaves the model's distribution invariant, in training as in evaluations.

use harmonium::evaluate::Exact;
use harmonium::gibbs::{Chains, FixedWeights};
use harmonium::kernels::Isa;
use harmonium::rng::{Purpose, Stream};
use harmonium::{BitMatrix, Rbm};
use ndarray::{Array1, Array2};

const V: usize = 6;
const H: usize = 5;
const CHAINS: usize = 200_000;
const BLOCK: usize = 10_000;

/// The value that χ² with `degrees` degrees of freedom exceeds with probability 1e-6 (Wilson and
/// Hilferty, 1931; 4.7534 is this quantile of a standard normal variable).
fn chi_squared_bound(degrees: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    degrees * (1.0 - spread + 4.7534 * spread.sqrt()).powi(3)
}

/// A model with parameters of about N(0, `deviation`²), from sums of uniform numbers.
fn model(deviation: f32) -> Rbm {
    let mut stream = Stream::new(12, Purpose::InitialWeights, 0);
    let mut normal = || {
        let words = stream.step();
        let sum: f64 = words[..12].iter().map(|&word| f64::from(word) / 2f64.powi(32)).sum();
        deviation * (sum - 6.0) as f32
    };
    Rbm::new(
        Array2::from_shape_simple_fn((V, H), &mut normal),
        Array1::from_shape_simple_fn(V, &mut normal),
        Array1::from_shape_simple_fn(H, &mut normal),
    )
    .unwrap()
}

/// Draws v of each chain from the table of p(v), moves the chains, and counts each (v, h).
fn counts_after(rbm: &Rbm, weights: &FixedWeights, sweeps: usize) -> Vec<f64> {
    let exact = Exact::new(rbm).unwrap();
    let probabilities: Vec<f64> = (0..1 << V).map(|v| exact.log_probability(&[v]).exp()).collect();
    let mut counts = vec![0.0; 1 << (V + H)];
    for block in 0..CHAINS / BLOCK {
        let mut start = BitMatrix::zeros(BLOCK, V);
        let mut streams = Vec::new();
        for chain in 0..BLOCK {
            let index = (block * BLOCK + chain) as u64;
            let word = Stream::new(7, Purpose::Sample, index).step()[0];
            let mut rest = f64::from(word) / 2f64.powi(32);
            let state = probabilities.iter().position(|p| {
                rest -= p;
                rest < 0.0
            });
            start.row_mut(chain)[0] = state.unwrap_or((1 << V) - 1) as u64;
            streams.push(Stream::new(7, Purpose::Chain, index));
        }
        let mut chains = Chains::from_visible(weights, &start, streams);
        for _ in 0..sweeps {
            chains.sweep(weights);
        }
        let (visible, hidden) = (chains.visible(), chains.hidden());
        for chain in 0..BLOCK {
            let state = visible.row(chain)[0] | hidden.row(chain)[0] << V;
            counts[state as usize] += 1.0;
        }
    }
    counts
}

#[test]
fn chains_that_start_in_the_models_distribution_stay_there() {
    // Weights of N(0, 1), and smaller ones as after training on images.
    for rbm in [model(1.0), model(0.3)] {
        check(&rbm, &FixedWeights::of(&rbm, Isa::fastest()));
        check(&rbm, &FixedWeights::of_training(&rbm, Isa::fastest()));
    }
}

/// Pearson's χ² against p(v, h). States with less than 5 expected counts are pooled into one.
fn check(rbm: &Rbm, weights: &FixedWeights) {
    let log_z = Exact::new(rbm).unwrap().log_z();
    let expected: Vec<f64> = (0..1u64 << (V + H))
        .map(|state| {
            let (v, h) = (state & ((1 << V) - 1), state >> V);
            CHAINS as f64 * (-rbm.energy(&[v], &[h]) - log_z).exp()
        })
        .collect();
    for sweeps in [1, 4, 16] {
        let counts = counts_after(rbm, weights, sweeps);
        let (mut statistic, mut degrees, mut rest) = (0.0, 0.0, (0.0, 0.0));
        for (count, expected) in counts.iter().zip(&expected) {
            if *expected >= 5.0 {
                statistic += (count - expected).powi(2) / expected;
                degrees += 1.0;
            } else {
                rest = (rest.0 + count, rest.1 + expected);
            }
        }
        if rest.1 >= 5.0 {
            statistic += (rest.0 - rest.1).powi(2) / rest.1;
        } else {
            degrees -= 1.0;
        }
        assert!(degrees > 100.0, "only {degrees} states are frequent");
        let bound = chi_squared_bound(degrees);
        assert!(statistic < bound, "{sweeps} sweeps: χ² = {statistic}, at most {bound}");
    }
}

/// If all units are independent and fair, the bits of one sweep are independent of the bits of the next.
#[test]
fn a_stream_is_not_used_twice() {
    let rbm = Rbm::new(Array2::zeros((64, 64)), Array1::zeros(64), Array1::zeros(64)).unwrap();
    let weights = FixedWeights::of(&rbm, Isa::fastest());
    let streams = (0..500).map(|chain| Stream::new(3, Purpose::Chain, chain)).collect();
    let mut chains = Chains::from_visible(&weights, &BitMatrix::zeros(500, 64), streams);
    let mut states = vec![chains.hidden()];
    for _ in 0..3 {
        chains.sweep(&weights);
        states.extend([chains.visible(), chains.hidden()]);
    }
    for (at, one) in states.iter().enumerate() {
        for other in &states[..at] {
            let words = one.words().iter().zip(other.words());
            let equal: u32 = words.map(|(a, b)| (a ^ b).count_zeros()).sum();
            // 32,000 fair bits have a standard deviation of 89; six of them are allowed.
            assert!((f64::from(equal) - 16_000.0).abs() < 540.0, "{equal} of 32,000 agree");
        }
    }
}
