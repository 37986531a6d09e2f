//! A site of q units, of which exactly one is on: p(a) = e^{x_a} / Σ_b e^{x_b} for the inputs x (softmax; a
//! Potts variable in physics).
//!
//! | | in double precision | by a kernel |
//! | --- | --- | --- |
//! | mean | [`softmax`] | in fixed point `shares`, `means` |
//! | draw | `draw_independent` | `draw` |
//! | cumulant | [`log_sum_exp`] | |
//! | start | `zero_sum_logs` | |
//!
//! With q = 2 the difference x₁ − x₀ is the input of a bit. Adding the same number to all inputs of a site
//! changes nothing; the *zero-sum* gauge chooses the biases whose sum over the site is 0 (Tubiana, Cocco and
//! Monasson, 2019, Learning protein constitutive motifs from sequence data).

pub(super) use crate::kernels::categories::{draw, means, shares};

use crate::kernels::sigmoid::ONE;

/// The name of the kind in a model file.
pub(crate) const NAME: &str = "categorical";

/// The sizes of categorical sites.
pub const SIZES: std::ops::RangeInclusive<usize> = 2..=255;

/// The cumulant: ln Σ_a e^{x_a}, without overflow and with the same bits on every computer.
pub fn log_sum_exp(inputs: &[f64]) -> f64 {
    let most = inputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + libm::log(inputs.iter().map(|&x| libm::exp(x - most)).sum::<f64>())
}

/// The means: turns the inputs of a site into p(a), in place.
pub fn softmax(inputs: &mut [f64]) {
    let most = inputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    inputs.iter_mut().for_each(|x| *x = libm::exp(*x - most));
    let sum: f64 = inputs.iter().sum();
    inputs.iter_mut().for_each(|x| *x /= sum);
}

/// The terms of the entropy −Σ_a p_a ln p_a.
pub(super) fn entropy(p: f64) -> f64 {
    if p > 0.0 { -p * libm::log(p) } else { 0.0 }
}

/// ln p of the unit that is on, given the changes of −F when the site takes each of its values (0 for the one
/// that it has).
pub(super) fn log_conditional(rises: &[f64]) -> f64 {
    -log_sum_exp(rises)
}

/// The rate of one of q values whose mean over n examples is known, by Laplace's rule:
/// (n · mean + 1) / (n + q).
pub fn laplace_rate(mean: f64, n_examples: usize, q: usize) -> f64 {
    let n = n_examples as f64;
    (n * mean.clamp(0.0, 1.0) + 1.0) / (n + q as f64)
}

/// The rate of one of q values in the base of annealing: a mixture of the data, 1/1.1, and of the uniform
/// distribution, 0.1/1.1, so that no value is impossible. (For bits, [`bit::smoothed_rate`](super::bit::smoothed_rate)
/// keeps the rule of an earlier program, which favours the value 1.)
pub fn smoothed_rate(mean: f64, q: usize) -> f64 {
    (mean.clamp(0.0, 1.0) + 0.1 / q as f64) / 1.1
}

/// The start: biases ln(rate), less their mean over the site.
pub(super) fn zero_sum_logs(rates: &[f64]) -> Vec<f32> {
    let logs: Vec<f64> = rates.iter().map(|&rate| libm::log(rate)).collect();
    let mean = logs.iter().sum::<f64>() / logs.len() as f64;
    logs.into_iter().map(|log| (log - mean) as f32).collect()
}

/// The value of a site with these rates by one word: the first unit whose cumulated share, out of Σ_a
/// round(2²⁴ · p_a), is above word · Σ / 2³².
pub(super) fn draw_one(rates: &[f64], word: u32) -> usize {
    let share = |rate: &f64| (rate * f64::from(ONE)).round() as u64;
    let total: u64 = rates.iter().map(share).sum();
    let place = (u64::from(word) * total) >> 32;
    let mut cumulated = 0;
    let is_above = |rate: &f64| {
        cumulated += share(rate);
        cumulated > place
    };
    rates.iter().position(is_above).expect("a place below the sum")
}

#[cfg(test)]
mod tests {
    use super::super::bit;
    use super::*;

    fn inputs(q: usize) -> Vec<f64> {
        (0..q).map(|a| (a * a % 7) as f64 - 2.5 + a as f64 / 8.0).collect()
    }

    #[test]
    fn mean_and_cumulant_equal_sums_over_the_values() {
        for q in [2, 3, 21, 255] {
            let x = inputs(q);
            let sum: f64 = x.iter().map(|x| x.exp()).sum();
            assert!((log_sum_exp(&x) - sum.ln()).abs() < 1e-12);
            let mut means = x.clone();
            softmax(&mut means);
            assert!(means.iter().zip(&x).all(|(p, x)| (p - x.exp() / sum).abs() < 1e-14));
            let entropy: f64 = means.iter().map(|&p| entropy(p)).sum();
            let expected = log_sum_exp(&x) - means.iter().zip(&x).map(|(p, x)| p * x).sum::<f64>();
            assert!((entropy - expected).abs() < 1e-12);
        }
        assert_eq!(log_sum_exp(&[-1000.0, 1000.0]), 1000.0);
    }

    #[test]
    fn two_values_are_a_bit() {
        for [x0, x1] in [[0.0, 0.0], [-1.0, 2.5], [30.0, -3.0]] {
            let mut means = [x0, x1];
            softmax(&mut means);
            assert!((means[1] - bit::sigmoid(x1 - x0)).abs() < 1e-15);
            assert!((log_sum_exp(&[x0, x1]) - x0 - bit::softplus(x1 - x0)).abs() < 1e-13);
        }
        for mean in [0.0, 0.2, 1.0] {
            assert!((laplace_rate(mean, 40, 2) - bit::laplace_rate(mean, 40)).abs() < 1e-15);
            let logs = zero_sum_logs(&[1.0 - smoothed_rate(mean, 2), smoothed_rate(mean, 2)]);
            let bias = bit::log_odds(smoothed_rate(mean, 2));
            assert!((logs[1] - logs[0] - bias).abs() < 1e-6);
        }
    }

    #[test]
    fn rates_add_up_and_biases_give_them_back() {
        for q in [2, 5, 21] {
            let mut means = inputs(q);
            softmax(&mut means);
            for rates in [
                means.iter().map(|&mean| laplace_rate(mean, 7, q)).collect::<Vec<_>>(),
                means.iter().map(|&mean| smoothed_rate(mean, q)).collect(),
            ] {
                assert!((rates.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                let biases = zero_sum_logs(&rates);
                assert!(biases.iter().sum::<f32>().abs() < 1e-5);
                let mut found: Vec<f64> = biases.into_iter().map(f64::from).collect();
                softmax(&mut found);
                assert!(found.iter().zip(&rates).all(|(a, b)| (a - b).abs() < 1e-6));
            }
        }
    }

    #[test]
    fn every_value_is_drawn_as_often_as_its_rate_says() {
        let rates = [0.1, 0.0, 0.6, 0.3];
        let mut counts = [0.0; 4];
        const N: u32 = 10_000;
        for step in 0..N {
            counts[draw_one(&rates, step * (u32::MAX / N))] += 1.0;
        }
        for (count, rate) in counts.into_iter().zip(rates) {
            assert!((count - rate * f64::from(N)).abs() <= 2.0, "{counts:?}");
        }
        assert_eq!((draw_one(&rates, 0), draw_one(&rates, u32::MAX)), (0, 3));
    }
}
