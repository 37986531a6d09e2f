//! How long chains remember: the integrated autocorrelation time.

use ndarray::Array2;

/// The window of the sum, in integrated times (Sokal, 1997, Monte Carlo methods in statistical mechanics, section 3): a
/// longer one adds noise, a shorter one cuts off the tail.
const WINDOW: f64 = 5.0;

/// The integrated autocorrelation time τ = 1 + 2 Σ ρ(t) of chains (T, C) that take a step a row, in steps: τ steps of a
/// chain are worth one independent draw. The sum ends at the first t ≥ 5 τ. None if there is no such t: τ is longer
/// than the run can tell. ρ is about the mean over all chains, so chains that stay apart have a long τ.
///
/// A series that does not vary has 1.
pub fn integrated_time(series: &Array2<f64>) -> Option<f64> {
    let (n, n_chains) = series.dim();
    let mean = series.iter().sum::<f64>() / (n * n_chains) as f64;
    // A row for each chain.
    let chains = series.t().mapv(|x| x - mean).as_standard_layout().into_owned();
    let covariance = |lag: usize| {
        let of_chain = |chain: ndarray::ArrayView1<'_, f64>| {
            let later = chain.iter().skip(lag);
            chain.iter().zip(later).map(|(x, y)| x * y).sum::<f64>()
        };
        let sum: f64 = chains.rows().into_iter().map(of_chain).sum();
        sum / ((n - lag) * n_chains) as f64
    };
    let variance = covariance(0);
    // The rest of a rounding is no variance.
    if variance <= 1e-18 * mean * mean {
        return Some(1.0);
    }
    let mut time = 1.0;
    for lag in 1..n {
        time += 2.0 * covariance(lag) / variance;
        if lag as f64 >= WINDOW * time {
            // Draws that alternate are worth more than independent ones, but not without end.
            return Some(f64::max(time, 1.0));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Stream};

    /// x ← r x + noise from its own distribution, whose τ is (1 + r) / (1 − r).
    fn autoregressive(r: f64, n: usize, n_chains: usize) -> Array2<f64> {
        let mut streams = Stream::first(n_chains, 3, Purpose::Sample);
        // The sum of twelve uniform numbers, less 6, has the variance 1.
        let mut noise = |chain: usize| {
            let words = streams[chain].step();
            words[..12].iter().map(|word| f64::from(*word) / 2f64.powi(32)).sum::<f64>() - 6.0
        };
        let mut series = Array2::zeros((n, n_chains));
        for chain in 0..n_chains {
            series[[0, chain]] = noise(chain);
            for at in 1..n {
                series[[at, chain]] =
                    r * series[[at - 1, chain]] + (1.0 - r * r).sqrt() * noise(chain);
            }
        }
        series
    }

    #[test]
    fn an_autoregressive_series_has_its_known_time() {
        for (r, n) in [(0.0, 200), (0.5, 200), (0.9, 400)] {
            let found = integrated_time(&autoregressive(r, n, 256)).unwrap();
            // The relative error is about √(2 (2 · 5 + 1) τ / steps) = 0.06 at most, and the window cuts off 1 %.
            let expected = (1.0 + r) / (1.0 - r);
            assert!((found / expected - 1.0).abs() < 0.1, "{r}: {found}, expected {expected}");
        }
    }

    #[test]
    fn a_time_longer_than_the_run_is_unknown() {
        assert_eq!(integrated_time(&autoregressive(0.99, 200, 256)), None);
        // Chains that move freely about places that stay apart.
        let mut apart = autoregressive(0.0, 200, 64);
        apart
            .indexed_iter_mut()
            .for_each(|((_, chain), x)| *x += if chain < 20 { 9.0 } else { 0.0 });
        assert_eq!(integrated_time(&apart), None);
        assert_eq!(integrated_time(&Array2::from_elem((200, 4), 0.3)), Some(1.0));
    }
}
