//! Chains for samples of the model: their starts and random numbers.

use super::chains::check_sweeps;
use super::{Chains, FixedModel, FixedWeights};
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::kernels::Isa;
use crate::memory::{self, Bytes, Need};
use crate::model::Rbm;
use crate::rng::{Purpose, Stream};

impl Chains {
    /// Checks that there is memory for `n` chains of a model, and for their visible states as an array and
    /// as the bytes of a file. `settings` decide `n`.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if there is not.
    pub fn check_memory(
        weights: &FixedWeights,
        n: usize,
        settings: &'static [&'static str],
    ) -> Result<()> {
        let (n_visible, n_hidden) = (weights.n_visible(), weights.n_hidden());
        let states = Bytes::of::<[u8; 2]>(&[n, n_visible]);
        let need =
            Need::new(Self::bytes(n, weights.visible_units.layout(), n_hidden) + states, settings);
        memory::check(|| format!("work on {n} chains of {n_visible} x {n_hidden} units"), &[need])
    }

    /// `n` chains, each of which gives a sample of the model after enough sweeps. They start at the rows
    /// of `start`, repeated if there are more chains than rows, or without `start` at independent units
    /// of rates σ(bᵢ).
    ///
    /// ```
    /// use harmonium::Rbm;
    /// use harmonium::gibbs::{Chains, FixedModel, FixedWeights};
    /// use harmonium::Isa;
    /// use ndarray::{arr1, arr2};
    /// // Two pixels that agree: both are tied to the one hidden unit.
    /// let rbm = Rbm::new(arr2(&[[20.0], [20.0]]), arr1(&[-10.0, -10.0]), arr1(&[-20.0]))?;
    /// let weights = FixedWeights::of(&rbm, Isa::fastest());
    /// let model = FixedModel { rbm: &rbm, weights: &weights };
    /// let mut chains = Chains::for_samples(model, 100, None, 0)?;
    /// for _ in 0..20 {
    ///     chains.sweep(&weights);
    /// }
    /// let samples = chains.visible();
    /// assert!((0..100).all(|n| samples.get(n, 0) == samples.get(n, 1)));
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    ///
    /// # Panics
    /// If `start` has no rows, or they are not V wide.
    pub fn for_samples(
        FixedModel { rbm, weights }: FixedModel<'_>,
        n: usize,
        start: Option<&BitMatrix>,
        seed: u64,
    ) -> Result<Self> {
        Self::check_memory(weights, n, &["number"])?;
        let mut streams = Stream::first(n, seed, Purpose::Sample);
        let start = match start {
            Some(start) => start.cycled(n),
            None => {
                let biases = rbm.visible_bias().iter().map(|&bias| f64::from(bias));
                rbm.visible_units().draw_independent(biases, &mut streams)
            }
        };
        Ok(Self::from_visible(weights, &start, streams))
    }
}

impl Rbm {
    /// `n` samples of the model (n, V): the last states of separate chains of `sweeps` sweeps, usually
    /// 1,000 to 100,000, as `harmonium sample` draws them. [`Chains::for_samples`] takes other starts.
    ///
    /// ```
    /// use harmonium::Rbm;
    /// use ndarray::{arr1, arr2};
    /// // Two pixels that agree: both are tied to the one hidden unit.
    /// let rbm = Rbm::new(arr2(&[[20.0], [20.0]]), arr1(&[-10.0, -10.0]), arr1(&[-20.0]))?;
    /// let samples = rbm.sample(100, 20, 0)?;
    /// assert!((0..100).all(|n| samples.get(n, 0) == samples.get(n, 1)));
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) for more than 10⁹ sweeps;
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub fn sample(&self, n: usize, sweeps: usize, seed: u64) -> Result<BitMatrix> {
        check_sweeps("sweeps", sweeps)?;
        if n == 0 {
            return Ok(BitMatrix::zeros(0, self.n_visible()));
        }
        let weights = FixedWeights::of(self, Isa::fastest());
        let model = FixedModel { rbm: self, weights: &weights };
        let mut chains = Chains::for_samples(model, n, None, seed)?;
        (0..sweeps).for_each(|_| chains.sweep(&weights));
        Ok(chains.visible())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::model;
    use super::*;

    #[test]
    fn chains_start_at_the_given_rows_in_turn() {
        let rbm = model(70, 20);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let start = BitMatrix::from_fn(3, 70, |n, i| (n + i) % 3 == 0);
        let chains = Chains::for_samples(model, 8, Some(&start), 4).unwrap();
        for n in 0..8 {
            assert_eq!(chains.visible().row(n), start.row(n % 3), "chain {n}");
        }
    }

    /// 4.9 standard errors are exceeded with probability below 1e-6.
    #[test]
    fn without_a_start_units_have_the_rates_of_their_biases() {
        const CHAINS: usize = 10_000;
        let rbm = model(70, 20);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let visible = Chains::for_samples(model, CHAINS, None, 4).unwrap().visible();
        for (i, &bias) in rbm.visible_bias().iter().enumerate() {
            let rate = 1.0 / (1.0 + f64::exp(-f64::from(bias)));
            let found = (0..CHAINS).filter(|&n| visible.get(n, i)).count() as f64 / CHAINS as f64;
            let error = (rate * (1.0 - rate) / CHAINS as f64).sqrt();
            assert!((found - rate).abs() < 4.9 * error, "unit {i}: {found}, not {rate}");
        }
    }

    #[test]
    fn the_seed_determines_the_samples() {
        let rbm = model(70, 20);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let sample = |seed| {
            let mut chains = Chains::for_samples(model, 10, None, seed).unwrap();
            chains.sweep(&weights);
            chains.visible()
        };
        assert_eq!(sample(1), sample(1));
        assert_ne!(sample(1), sample(2));
    }
}
