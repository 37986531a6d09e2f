//! A site of one unit, which is off or on: p(on) = e^x / (1 + e^x) for the input x.
//!
//! | | in double precision | by a kernel |
//! | --- | --- | --- |
//! | mean | [`sigmoid`] | `sigmoids`; in fixed point `thresholds`, `offset_thresholds` |
//! | draw | `draw_independent` | `draw` |
//! | cumulant | [`softplus`] | `sum`; in fixed point `differences` |
//! | start | [`log_odds`] | |

pub(super) use crate::kernels::sampling::draw;
pub(super) use crate::kernels::sigmoid::{offset_thresholds, thresholds};
pub(super) use crate::kernels::softplus::{differences, sigmoids, sum};

use crate::bits::BitMatrix;
use crate::kernels::sigmoid::ONE;
use crate::rng::{STEP, Stream};

/// The name of the kind in a model file.
pub(crate) const NAME: &str = "bernoulli";

/// The rate of a bit that is on as often as off.
pub(super) const UNIFORM: f64 = 0.5;

/// The mean: σ(x) = 1 / (1 + e^−x), with the same bits on every computer.
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

/// The cumulant: softplus(x) = ln(1 + e^x), without overflow and with the same bits on every
/// computer.
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + libm::log1p(libm::exp(-x.abs()))
}

/// The entropy: −p ln p − (1 − p) ln(1 − p).
pub(super) fn entropy(p: f64) -> f64 {
    let term = |p: f64| if p > 0.0 { -p * libm::log(p) } else { 0.0 };
    term(p) + term(1.0 - p)
}

/// ln p of the value of a bit, given all others, if −F rises by `rise` when the bit is flipped:
/// −ln(1 + e^rise).
pub(super) fn log_conditional(rise: f64) -> f64 {
    -softplus(rise)
}

/// The log-probabilities of off and on: ln(1 − p) and ln p.
pub(super) fn log_probabilities(p: f64) -> [f64; 2] {
    [libm::log(1.0 - p), libm::log(p)]
}

/// The start: the bias ln(p / (1 − p)) at which a bit without weights is on with probability p.
pub fn log_odds(p: f64) -> f32 {
    libm::log(p / (1.0 - p)) as f32
}

/// The rate of a bit whose mean over n examples is known, by Laplace's rule: (n · mean + 1) / (n + 2).
/// The result is above 0 and below 1 even for a bit that is always off or always on. Means are first
/// clamped to 0 to 1.
pub fn laplace_rate(mean: f64, n_examples: usize) -> f64 {
    let n = n_examples as f64;
    (n * mean.clamp(0.0, 1.0) + 1.0) / (n + 2.0)
}

/// The rate of a bit in the base of annealing: (mean + 0.05) / 1.05, as in the code of Salakhutdinov
/// and Murray (2008), but at most 1 / 1.05, so that no bit is certain to be on.
pub fn smoothed_rate(mean: f64) -> f64 {
    ((mean.max(0.0) + 0.05) / 1.05).min(1.0 / 1.05)
}

/// Draws a row of independent bits with the given rates from each stream: ⌈bits/16⌉ steps. A bit is
/// on if the top 24 bits of its word are below its rate times 2^24.
pub(super) fn draw_independent(rates: &[f64], streams: &mut [Stream]) -> BitMatrix {
    let mut bits = BitMatrix::zeros(streams.len(), rates.len());
    for (row, stream) in streams.iter_mut().enumerate() {
        for (at, rates) in rates.chunks(STEP).enumerate() {
            for (unit, (rate, word)) in rates.iter().zip(stream.step()).enumerate() {
                bits.set(row, at * STEP + unit, is_on(*rate, word));
            }
        }
    }
    bits
}

/// Whether a bit with this rate is on by a random word.
pub(super) fn is_on(rate: f64, word: u32) -> bool {
    f64::from(word >> 8) / f64::from(1 << 24) < rate
}

/// The mean that belongs to a threshold.
pub(super) fn mean_of(threshold: i32) -> f32 {
    threshold as f32 / ONE as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const INPUTS: [f64; 9] = [-30.0, -4.5, -1.0, -1e-3, 0.0, 0.7, 2.0, 11.0, 30.0];

    /// Σ over both values of e^(value · x), and the term of the value 1.
    fn enumerated(x: f64) -> (f64, f64) {
        let weights = [0.0, 1.0].map(|value: f64| (value * x).exp());
        (weights[0] + weights[1], weights[1])
    }

    #[test]
    fn mean_and_cumulant_equal_sums_over_both_values() {
        for x in INPUTS {
            let (sum, of_on) = enumerated(x);
            assert!((sigmoid(x) / (of_on / sum) - 1.0).abs() < 1e-14, "{x}");
            assert!((softplus(x) - sum.ln()).abs() < 1e-14 * sum.ln().max(1.0), "{x}");
        }
    }

    #[test]
    fn softplus_is_exact_at_both_ends() {
        assert_eq!(softplus(1000.0), 1000.0);
        assert_eq!(softplus(-1000.0), 0.0);
        assert!((softplus(0.0) - 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn a_bit_at_its_start_has_the_given_rate() {
        for p in [1e-6, 0.1, UNIFORM, 0.75, 1.0 - 1e-4] {
            let (sum, of_on) = enumerated(f64::from(log_odds(p)));
            // The bias x is rounded to f32, and dp = p (1 − p) dx.
            let bound = p * (1.0 - p) * 2f64.powi(-24) * f64::from(log_odds(p)).abs() + 1e-16;
            assert!((of_on / sum - p).abs() <= 1.01 * bound, "{p}");
        }
        assert_eq!(log_odds(UNIFORM), 0.0);
    }

    #[test]
    fn log_probabilities_and_entropy_equal_sums_over_both_values() {
        for x in INPUTS {
            let (sum, of_on) = enumerated(x);
            let p = of_on / sum;
            let [off, on] = log_probabilities(p);
            assert!((on - p.ln()).abs() < 1e-12 && (off - (1.0 - p).ln()).abs() < 1e-12, "{x}");
            let expected = -p * on - (1.0 - p) * off;
            assert!((entropy(p) - expected).abs() < 1e-12, "{x}");
            // If the bit is off, flipping it raises −F by x; if it is on, by −x.
            assert!((log_conditional(x) - (1.0 / sum).ln()).abs() < 1e-12 * sum.ln().max(1.0));
            assert!((log_conditional(-x) - p.ln()).abs() < 1e-12, "{x}");
        }
        assert_eq!([entropy(0.0), entropy(1.0)], [0.0; 2]);
    }

    #[test]
    fn rates_are_never_certain() {
        assert_eq!(laplace_rate(0.25, 98), 25.5 / 100.0);
        assert_eq!(smoothed_rate(0.475), 0.5);
        for mean in [-3.0, 0.0, 1.0, 7.5] {
            for rate in [laplace_rate(mean, 1000), smoothed_rate(mean)] {
                assert!(rate > 0.0 && rate < 1.0, "{mean}: {rate}");
            }
        }
    }

    #[test]
    fn independent_draws_have_their_rates() {
        const ROWS: u64 = 10_000;
        let rates: Vec<f64> = (0..70).map(|i| f64::from(i) / 69.0).collect();
        let mut streams: Vec<_> = (0..ROWS).map(|n| Stream::new(5, Purpose::Sample, n)).collect();
        let bits = draw_independent(&rates, &mut streams);
        for (i, rate) in rates.iter().enumerate() {
            let on = (0..ROWS as usize).filter(|&n| bits.get(n, i)).count() as f64;
            let deviation = (rate * (1.0 - rate) / ROWS as f64).sqrt();
            // 70 normal numbers exceed five standard deviations with probability 4e-5.
            assert!((on / ROWS as f64 - rate).abs() <= 5.0 * deviation, "{i}: {on}");
        }
    }
}
