//! Simulated populations: data with five clusters, on which chains that do not mix show.

use super::Dataset;
use crate::bits::{BitMatrix, active};
use crate::rng::{Purpose, STEP, Stream};
use ndarray::Array2;
use std::ops::Range;

/// The shares of the populations.
const SHARES: [f64; 5] = [0.35, 0.25, 0.20, 0.15, 0.05];

/// Sites of an example.
const SITES: usize = 805;

/// The difference of populations, Wright's F_ST.
const DIFFERENCE: f64 = 0.2;

/// The parameters of the rates of ancestors.
const ANCESTRAL: [f64; 2] = [0.4, 0.8];

const N_TRAINING: u64 = 4500;
const N_TEST: u64 = 508;

/// Five populations of haploid genomes of 805 sites, each 0 or 1 (ancestral or derived), by the law of Balding and
/// Nichols (1995): a site has the rate p ~ Beta(0.4, 0.8) in the ancestors, and in each population a rate of its own,
/// Beta(p (1 − F)/F, (1 − p)(1 − F)/F) with F = 0.2. Given its population, the sites of a genome are independent. So
/// log p(v) is known.
#[derive(Clone, Debug)]
pub struct Populations {
    seed: u64,
    /// p(site = 1) in each population (5, V).
    rates: Array2<f64>,
    /// Their log-odds (5, V).
    log_odds: Array2<f64>,
    /// ln (share of k · p(v = 0 | k)) of each population k.
    at_zero: [f64; SHARES.len()],
}

impl Populations {
    /// The populations of a seed.
    pub fn new(seed: u64) -> Self {
        let mut rates = Array2::zeros((SHARES.len(), SITES));
        for (site, mut rates) in rates.columns_mut().into_iter().enumerate() {
            let mut numbers = Numbers::new(seed, Purpose::PopulationRates, site as u64);
            let ancestral = numbers.beta(ANCESTRAL).clamp(0.02, 0.98);
            let spread = (1.0 - DIFFERENCE) / DIFFERENCE;
            let of_population = [ancestral * spread, (1.0 - ancestral) * spread];
            rates.map_inplace(|rate| *rate = numbers.beta(of_population).clamp(0.01, 0.99));
        }
        let log_odds = rates.mapv(|rate: f64| libm::log(rate) - libm::log1p(-rate));
        let at_zero = std::array::from_fn(|k| {
            libm::log(SHARES[k]) + rates.row(k).iter().map(|rate| libm::log1p(-rate)).sum::<f64>()
        });
        Self { seed, rates, log_odds, at_zero }
    }

    /// The shares of the populations, which sum to 1.
    pub fn shares(&self) -> [f64; 5] {
        SHARES
    }

    /// 4,500 examples to train on.
    pub fn training(&self) -> Dataset {
        self.examples(0..N_TRAINING)
    }

    /// 508 others.
    pub fn test(&self) -> Dataset {
        self.examples(N_TRAINING..N_TRAINING + N_TEST)
    }

    fn examples(&self, indices: Range<u64>) -> Dataset {
        let rows: Vec<Vec<bool>> = indices.map(|index| self.example(index)).collect();
        let bits = BitMatrix::from_fn(rows.len(), SITES, |n, site| rows[n][site]);
        Dataset::from_bits(format!("populations:{}", self.seed), bits)
    }

    fn example(&self, index: u64) -> Vec<bool> {
        let mut numbers = Numbers::new(self.seed, Purpose::PopulationExample, index);
        let mut rest = numbers.uniform();
        let population = SHARES.iter().position(|share| {
            rest -= share;
            rest < 0.0
        });
        let rates = self.rates.row(population.unwrap_or(SHARES.len() - 1));
        rates.iter().map(|rate| numbers.uniform() < *rate).collect()
    }

    /// ln (share of k · p(v | k)) of each population k, for a row of bits.
    fn log_masses(&self, v: &[u64]) -> [f64; SHARES.len()] {
        let of_active = |k: usize| active(v).map(|site| self.log_odds[[k, site]]).sum::<f64>();
        std::array::from_fn(|k| self.at_zero[k] + of_active(k))
    }

    /// ln p(v) of a row of bits, in nats.
    pub fn log_probability(&self, v: &[u64]) -> f64 {
        let masses = self.log_masses(v);
        let largest = masses.into_iter().fold(f64::NEG_INFINITY, f64::max);
        largest + libm::log(masses.iter().map(|mass| libm::exp(mass - largest)).sum())
    }

    /// The most likely population of a row of bits.
    pub fn of_row(&self, v: &[u64]) -> usize {
        let masses = self.log_masses(v);
        (0..masses.len())
            .max_by(|&a, &b| masses[a].total_cmp(&masses[b]))
            .expect("five populations")
    }
}

/// Random numbers from a stream.
struct Numbers {
    stream: Stream,
    words: [u32; STEP],
    used: usize,
}

impl Numbers {
    fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        Self { stream: Stream::new(seed, purpose, index), words: [0; STEP], used: STEP }
    }

    /// Above 0 and below 1.
    fn uniform(&mut self) -> f64 {
        if self.used == STEP {
            (self.words, self.used) = (self.stream.step(), 0);
        }
        self.used += 1;
        (f64::from(self.words[self.used - 1]) + 0.5) / (1u64 << 32) as f64
    }

    /// Of the standard normal distribution (Box and Muller, 1958).
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// The logarithm of a number of Gamma(shape, 1), by rejection (Marsaglia and Tsang, 2000, A simple method for
    /// generating gamma variables). Below a shape of 1 it is one of Gamma(shape + 1) times u^(1/shape).
    fn log_gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.log_gamma(shape + 1.0) + libm::log(self.uniform()) / shape;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            let u = self.uniform();
            if root > 0.0 {
                let v = root * root * root;
                if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                    return libm::log(d * v);
                }
            }
        }
    }

    /// Of Beta(a, b).
    fn beta(&mut self, [a, b]: [f64; 2]) -> f64 {
        let (x, y) = (self.log_gamma(a), self.log_gamma(b));
        1.0 / (1.0 + libm::exp(y - x))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Binarization, Examples};
    use super::*;
    use crate::units::Units;

    /// Mean a/(a + b) and variance ab/((a + b)² (a + b + 1)), for shapes below and above 1.
    #[test]
    fn numbers_have_the_moments_of_their_distribution() {
        const N: usize = 20_000;
        for (at, shapes) in [[0.4, 0.8], [3.0, 1.5], [0.2, 6.0]].into_iter().enumerate() {
            let mut numbers = Numbers::new(7, Purpose::PopulationRates, at as u64);
            let drawn: Vec<f64> = (0..N).map(|_| numbers.beta(shapes)).collect();
            let [a, b] = shapes;
            let (mean, variance) = (a / (a + b), a * b / (a + b).powi(2) / (a + b + 1.0));
            let found = drawn.iter().sum::<f64>() / N as f64;
            let spread = drawn.iter().map(|x| (x - found).powi(2)).sum::<f64>() / N as f64;
            assert!(
                (found - mean).abs() < 4.0 * (variance / N as f64).sqrt(),
                "{shapes:?} {found}"
            );
            assert!((spread / variance - 1.0).abs() < 0.05, "{shapes:?} {spread} {variance}");
        }
    }

    /// The populations have their shares, and their law is worth some 45 nats more than independent sites, as in the
    /// data of the same law by other programs.
    #[test]
    fn examples_have_the_shares_of_the_populations() {
        let populations = Populations::new(2026);
        let test = populations.test();
        let training = populations.training();
        assert_eq!((training.n_examples(), training.n_visible()), (4500, 805));
        let training = Examples::new(training, Binarization::Stochastic);
        let (bits, means) = (training.fixed_bits(0, 0..4500), training.mean());
        let mut counts = [0.0; 5];
        (0..4500).for_each(|n| counts[populations.of_row(bits.row(n))] += 1.0);
        for (count, share) in counts.into_iter().zip(SHARES) {
            let error = (share * (1.0 - share) / 4500.0).sqrt();
            assert!((count / 4500.0 - share).abs() < 4.0 * error, "{counts:?}");
        }
        assert_eq!(test.n_examples(), 508);
        let mean = |score: &dyn Fn(&[u64]) -> f64| {
            (0..4500).map(|n| score(bits.row(n))).sum::<f64>() / 4500.0
        };
        let independent = Units::bits(805).log_odds(&Units::bits(805).smoothed_rates(&means));
        let at_zero = Units::bits(805).cumulant(independent.iter().map(|&x| f64::from(x)));
        let of_independent =
            mean(&|v| active(v).map(|site| f64::from(independent[site])).sum::<f64>() - at_zero);
        let gain = mean(&|v| populations.log_probability(v)) - of_independent;
        assert!((35.0..55.0).contains(&gain), "{gain}");
        // Another seed has other populations.
        assert!(Populations::new(1).rates != populations.rates);
    }
}
