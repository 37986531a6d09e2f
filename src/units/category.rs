//! A site of q units of which exactly one is on: p(unit a is on) = e^xₐ / Σ_b e^x_b for the inputs x
//! (softmax; a Potts spin).
//!
//! | | in double precision | by a kernel |
//! | --- | --- | --- |
//! | mean | [`softmax`] | in fixed point `shares`, `means` |
//! | draw | `draw_independent` | `draw` |
//! | cumulant | [`log_sum_exp`] | |
//! | start | [`start`] | |
//!
//! A site of two units is a bit with the input x₁ − x₀. A number that is added to all inputs of a site
//! changes no mean: what counts is their differences.

pub(super) use crate::kernels::categories::{MOST_UNITS, Site, draw, means, shares};

use crate::kernels::sigmoid::ONE;

/// The name of the kind in a model file.
pub(crate) const NAME: &str = "categorical";

/// The rate of each unit of a site of `n_units` whose values are equally likely.
pub(super) fn uniform(n_units: usize) -> f64 {
    1.0 / n_units as f64
}

/// Turns the inputs of a site into means, in place: e^xₐ / Σ_b e^x_b, without overflow and with the same
/// bits on every computer.
pub fn softmax(inputs: &mut [f64]) {
    let largest = largest(inputs);
    let mut sum = 0.0;
    for x in &mut *inputs {
        *x = libm::exp(*x - largest);
        sum += *x;
    }
    inputs.iter_mut().for_each(|x| *x /= sum);
}

/// The cumulant: ln Σₐ e^xₐ, without overflow and with the same bits on every computer.
pub fn log_sum_exp(inputs: &[f64]) -> f64 {
    let largest = largest(inputs);
    largest + libm::log(inputs.iter().map(|x| libm::exp(x - largest)).sum())
}

fn largest(inputs: &[f64]) -> f64 {
    inputs.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// The term of a unit in the entropy of its site: −p ln p.
pub(super) fn entropy(p: f64) -> f64 {
    if p > 0.0 { -p * libm::log(p) } else { 0.0 }
}

/// ln p of the value that a site has, given all others, if −F rises by `rises[a]` when it takes value a
/// instead, and by 0 for its own value: −ln Σₐ e^rise.
pub(super) fn log_conditional(rises: &[f64]) -> f64 {
    -log_sum_exp(rises)
}

/// The terms of a unit, off and on, in the log-probability of its site: 0 and ln p. The unit that is on
/// accounts for the site.
pub(super) fn log_probabilities(p: f64) -> [f64; 2] {
    [0.0, libm::log(p)]
}

/// The start: the biases at which a site without weights has these rates, each above 0. Of all such
/// biases they are those with the sum 0: ln pₐ less its mean over the units.
pub fn start(rates: &[f64]) -> impl Iterator<Item = f32> {
    let mean = rates.iter().map(|&p| libm::log(p)).sum::<f64>() / rates.len() as f64;
    rates.iter().map(move |&p| (libm::log(p) - mean) as f32)
}

/// Turns the means of a site over n examples into rates, in place, by Laplace's rule: (n · mean + 1) /
/// (n + q). No rate is 0, and they add up to 1. If the site has a value in some examples only, so that
/// its means add up to less than 1, n counts these.
pub fn laplace_rates(means: &mut [f64], n_examples: usize) {
    let n = n_examples as f64;
    let total = n * means.iter().sum::<f64>() + means.len() as f64;
    means.iter_mut().for_each(|mean| *mean = (n * *mean + 1.0) / total);
}

/// Turns the means of a site into its rates in the base of annealing, in place: (mean + 0.05/q) / 1.05.
///
/// This mixes the means with equal rates, which have a weight of 0.05 against 1 in all, whatever q: as
/// [`bit::smoothed_rate`](super::bit::smoothed_rate), it leaves no value at a rate of 0, from which
/// annealing could not reach the states of the model that have it. Means that add up to less than 1, as
/// those of [`laplace_rates`], are divided by their sum and the weight.
pub fn smoothed_rates(means: &mut [f64]) {
    const WEIGHT: f64 = 0.05;
    let total = means.iter().sum::<f64>() + WEIGHT;
    let of_each = WEIGHT * uniform(means.len());
    means.iter_mut().for_each(|mean| *mean = (*mean + of_each) / total);
}

/// Draws the value of a site with these rates from one word, by the rule of [`draw`] for the shares
/// `round(2^24 · rate / largest rate)`.
pub(super) fn draw_independent(rates: &[f64], word: u32) -> usize {
    let largest = largest(rates);
    let share = |rate: &f64| (rate / largest * f64::from(ONE)).round() as u64;
    let total: u64 = rates.iter().map(share).sum();
    let u = (u64::from(word) * total) >> 32;
    let sums = rates.iter().scan(0, |sum, rate| {
        *sum += share(rate);
        Some(*sum)
    });
    sums.take_while(|&sum| sum <= u).count()
}

#[cfg(test)]
mod tests {
    use super::super::bit;
    use super::*;

    const SITES: [&[f64]; 5] = [
        &[0.0, 0.0],
        &[-1.5, 2.0],
        &[0.3, -0.7, 4.0],
        &[-30.0, 1e-3, 30.0, 2.0, 2.0],
        &[700.0, 710.0, 705.0, -700.0],
    ];

    /// Σₐ e^(xₐ − x₀) and its terms.
    fn enumerated(x: &[f64]) -> (f64, Vec<f64>) {
        let terms: Vec<f64> = x.iter().map(|y| (y - x[0]).exp()).collect();
        (terms.iter().sum(), terms)
    }

    fn rises(x: &[f64], value: usize) -> Vec<f64> {
        x.iter().map(|y| y - x[value]).collect()
    }

    fn softmax_of(x: &[f64]) -> Vec<f64> {
        let mut means = x.to_vec();
        softmax(&mut means);
        means
    }

    #[test]
    fn means_and_cumulant_equal_sums_over_all_values() {
        for x in SITES {
            let (sum, terms) = enumerated(x);
            for (mean, term) in softmax_of(x).iter().zip(terms) {
                assert!((mean - term / sum).abs() < 1e-14, "{x:?}");
            }
            let expected = x[0] + sum.ln();
            assert!((log_sum_exp(x) - expected).abs() < 1e-15 * expected.abs().max(10.0), "{x:?}");
        }
        assert_eq!(log_sum_exp(&[1e300, 1e300, -1e300]), 1e300);
        assert_eq!(softmax_of(&[-1e300, 1e300]), [0.0, 1.0]);
    }

    #[test]
    fn the_slope_of_the_cumulant_is_the_mean() {
        const STEP: f64 = 1e-5;
        for x in SITES {
            for (at, mean) in softmax_of(x).into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut x = x.to_vec();
                    x[at] += by;
                    log_sum_exp(&x)
                };
                let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                // The third derivative is at most 1; a cumulant of 700 is rounded by 6e-14.
                assert!((slope - mean).abs() < STEP * STEP + 6e-14 * 2.0 / STEP, "{x:?}");
            }
        }
    }

    #[test]
    fn log_probabilities_and_entropy_equal_sums_over_all_values() {
        for x in SITES {
            let means = softmax_of(x);
            let cumulant = log_sum_exp(x);
            let entropy: f64 = means.iter().map(|&p| entropy(p)).sum();
            // −Σ p ln p with ln p = x − cumulant.
            let expected: f64 = x.iter().zip(&means).map(|(x, p)| -p * (x - cumulant)).sum();
            assert!((entropy - expected).abs() < 1e-11, "{x:?}: {entropy} {expected}");
            for (value, (&x_of_value, &p)) in x.iter().zip(&means).enumerate() {
                // The unit that is on adds ln p, all others nothing.
                let terms = means.iter().enumerate();
                let sum: f64 =
                    terms.map(|(a, &p)| log_probabilities(p)[usize::from(a == value)]).sum();
                let expected = x_of_value - cumulant;
                assert!(p == 0.0 || (sum - expected).abs() < 1e-11, "{x:?}");
                let found = log_conditional(&rises(x, value));
                assert!((found - expected).abs() < 1e-11, "{x:?}");
            }
        }
        assert_eq!([entropy(0.0), entropy(1.0)], [0.0; 2]);
    }

    #[test]
    fn two_units_are_a_bit() {
        for x in [[0.0, 0.0], [1.0, -2.5], [-3.0, 0.25], [20.0, -15.0]] {
            let of_bit = x[1] - x[0];
            let means = softmax_of(&x);
            assert!((means[1] - bit::sigmoid(of_bit)).abs() < 1e-15, "{x:?}");
            assert!((log_sum_exp(&x) - x[0] - bit::softplus(of_bit)).abs() < 1e-14, "{x:?}");
            let entropies = entropy(means[0]) + entropy(means[1]);
            assert!((entropies - bit::entropy(means[1])).abs() < 1e-14, "{x:?}");
            let [off, on] = bit::log_probabilities(bit::sigmoid(of_bit));
            assert!((log_probabilities(means[1])[1] - on).abs() < 1e-9, "{x:?}");
            assert!((log_probabilities(means[0])[1] - off).abs() < 1e-9, "{x:?}");
            // If the bit is off, flipping it raises −F by x₁ − x₀.
            let found = [0, 1].map(|value| log_conditional(&rises(&x, value)));
            assert!((found[0] - bit::log_conditional(of_bit)).abs() < 1e-14);
            assert!((found[1] - bit::log_conditional(-of_bit)).abs() < 1e-14);
        }
        for p in [0.0, 0.2, 0.5, 1.0] {
            let mut rates = [1.0 - p, p];
            laplace_rates(&mut rates, 10);
            assert!((rates[1] - bit::laplace_rate(p, 10)).abs() < 1e-15);
        }
        let biases: Vec<f32> = start(&[0.2, 0.8]).collect();
        assert!((biases[1] - biases[0] - bit::log_odds(0.8)).abs() < 1e-6);
        assert_eq!(uniform(2), bit::UNIFORM);
    }

    #[test]
    fn a_site_at_its_start_has_the_given_rates_and_biases_that_add_up_to_nothing() {
        for rates in [&[0.5, 0.5][..], &[0.1, 0.2, 0.7], &[1e-6, 0.25, 0.25, 0.5 - 1e-6]] {
            let biases: Vec<f64> = start(rates).map(f64::from).collect();
            // Biases of at most 12 are rounded to f32, by 5e-7, and dp is at most p dx.
            assert!(biases.iter().sum::<f64>().abs() < 2e-6, "{biases:?}");
            for (found, rate) in softmax_of(&biases).iter().zip(rates) {
                assert!((found / rate - 1.0).abs() < 2e-6, "{found} {rate}");
            }
        }
    }

    #[test]
    fn rates_are_never_certain_and_add_up_to_one() {
        let rates = |means: &[f64], rule: &dyn Fn(&mut [f64])| {
            let mut rates = means.to_vec();
            rule(&mut rates);
            assert!(rates.iter().all(|&rate| rate > 0.0 && rate < 1.0), "{rates:?}");
            assert!((rates.iter().sum::<f64>() - 1.0).abs() < 1e-15, "{rates:?}");
            rates
        };
        let laplace = |means: &mut [f64]| laplace_rates(means, 96);
        let near = |found: Vec<f64>, expected: &[f64]| {
            let mut pairs = found.iter().zip(expected);
            assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-15), "{found:?} {expected:?}");
        };
        let means = [0.25, 0.75, 0.0, 0.0];
        near(rates(&means, &laplace), &[0.25, 0.73, 0.01, 0.01]);
        near(rates(&means, &smoothed_rates), &[0.2625, 0.7625, 0.0125, 0.0125].map(|x| x / 1.05));
        // A value in half of the examples: 48 count. No value at all: all are equally likely.
        near(rates(&[0.5, 0.0], &laplace), &[0.98, 0.02]);
        for rule in [&laplace as &dyn Fn(&mut [f64]), &smoothed_rates] {
            near(rates(&[0.0; 4], rule), &[uniform(4); 4]);
            rates(&[0.0, 1.0, 0.0], rule);
        }
    }

    /// Over a grid of words, each value comes as often as its rate says, to within one word.
    #[test]
    fn independent_draws_have_their_rates() {
        const GRID: u32 = 1 << 12;
        for rates in [&[0.5, 0.5][..], &[0.1, 0.2, 0.7], &[0.0, 0.25, 0.0, 0.75, 0.0], &[0.9, 0.1]]
        {
            let mut counts = vec![0; rates.len()];
            for word in 0..GRID {
                counts[draw_independent(rates, word << 20)] += 1;
            }
            for (count, rate) in counts.iter().zip(rates) {
                let expected = rate * f64::from(GRID);
                assert!((f64::from(*count) - expected).abs() <= 1.001, "{rates:?}: {counts:?}");
            }
            let last = rates.iter().rposition(|&rate| rate > 0.0);
            assert_eq!(Some(draw_independent(rates, u32::MAX)), last);
        }
    }

    /// The kernel draws the same values, if its inputs are the logarithms of the rates.
    #[test]
    fn independent_draws_are_those_of_the_kernel() {
        use crate::kernels::Isa;
        // With rates of powers of 2, whose shares are exact on both ways.
        let rates = [0.125, 0.5, 0.25, 0.125];
        let offsets = [std::array::from_fn(|a| match rates.get(a) {
            Some(rate) => libm::log(*rate) as f32,
            None => 0.0,
        })];
        let sites = [Site { first: 0, n_units: 4 }];
        let words: Vec<u32> = (0..1000_u32).map(|n| n.wrapping_mul(2_654_435_761)).collect();
        let mut rows = vec![[0; 64]; words.len()];
        shares(Isa::BASELINE, &sites, &mut rows, 1.0, Some(&offsets));
        let mut bits = vec![0; words.len()];
        draw(Isa::BASELINE, &sites, &rows, &words, 1, &mut bits);
        for (bits, &word) in bits.iter().zip(&words) {
            assert_eq!(*bits, 1 << draw_independent(&rates, word), "{word}");
        }
    }
}
