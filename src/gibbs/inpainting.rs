//! Chains that complete examples: they draw the pixels that are not given.

use super::chains::UNWATCHED;
use super::{Chains, FixedWeights};
use crate::bits::{BitMatrix, BitPanels};
use crate::error::Result;
use crate::rng::Stream;
use crate::watch::Watch;
use ndarray::Array2;

/// One chain for each of N examples. After each draw of v, before h is drawn, the given units are set to
/// their values in the example. The chain thus samples p(v, h | the given units).
///
/// ```
/// use harmonium::gibbs::{FixedWeights, Inpainting};
/// use harmonium::Isa;
/// use harmonium::rng::{Purpose, Stream};
/// use harmonium::{BitMatrix, Rbm};
/// use ndarray::{arr1, arr2};
///
/// // Two pixels that agree: both are tied to the one hidden unit.
/// let rbm = Rbm::new(arr2(&[[20.0], [20.0]]), arr1(&[-10.0, -10.0]), arr1(&[-20.0]))?;
/// let weights = FixedWeights::of(&rbm, Isa::fastest());
/// let examples = BitMatrix::from_fn(2, 2, |n, _| n == 1); // 00 and 11
/// let left = BitMatrix::from_fn(1, 2, |_, i| i == 0);
/// let streams = (0..2).map(|n| Stream::new(0, Purpose::Inpainting, n)).collect();
/// let mut inpainting = Inpainting::new(&weights, &examples, &left, streams)?;
/// for _ in 0..20 {
///     inpainting.sweep(&weights);
/// }
/// assert_eq!(inpainting.visible(), examples);
/// assert!(inpainting.mean_visible(&weights)[[1, 1]] > 0.99);
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inpainting {
    chains: Chains,
    /// The examples.
    truth: BitPanels,
    /// The units that are not given (N, V).
    free: BitPanels,
}

impl Inpainting {
    /// Chains for `examples` (N, V), with given units where `given` is on, (1, V) for all or (N, V). The others start
    /// at independent draws of rates σ(bᵢ), as in `harmonium sample`: the first ⌈V/16⌉ steps of each
    /// stream. The next ⌈H/16⌉ steps draw h.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if only some units of a site are given.
    ///
    /// # Panics
    /// If there are no examples, the numbers of streams and examples differ, `given` has neither one row nor
    /// N, or rows are not V wide.
    pub fn new(
        weights: &FixedWeights,
        examples: &BitMatrix,
        given: &BitMatrix,
        mut streams: Vec<Stream>,
    ) -> Result<Self> {
        assert!(examples.n_rows() > 0, "no examples to complete");
        assert_eq!(examples.n_rows(), streams.len(), "a stream for each example");
        assert_eq!(examples.n_columns(), weights.n_visible(), "width of the examples");
        assert_eq!(given.n_columns(), weights.n_visible(), "width of the mask");
        assert!([1, examples.n_rows()].contains(&given.n_rows()), "rows of the mask");
        weights.visible_units.check_mask(given)?;
        let resolution = f64::from(weights.scale.resolution());
        let FixedWeights { visible_units: units, visible_bias, .. } = weights;
        let biases = units.in_columns(visible_bias).into_iter();
        let biases = biases.map(|bias| f64::from(bias) * resolution);
        let start = units.draw_independent(biases, &mut streams);
        let truth = BitPanels::in_layout(examples, units.layout());
        let free = BitMatrix::ones(examples.n_rows(), examples.n_columns());
        let free = free.without(&given.cycled(examples.n_rows()));
        let free = BitPanels::in_layout(&free, units.layout());
        let mut start = BitPanels::in_layout(&start, units.layout());
        start.take_others(&free, &truth);
        let chains = Chains::from_visible(weights, &start.to_matrix(), streams);
        Ok(Self { chains, truth, free })
    }

    /// Does one sweep of every chain: draws v given h, sets the given units, draws h given v.
    pub fn sweep(&mut self, weights: &FixedWeights) {
        self.sweep_watched(weights, Watch::default()).expect(UNWATCHED);
    }

    /// [`sweep`](Self::sweep) under a watch. A sweep that is stopped leaves states that are of no use.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn sweep_watched(&mut self, weights: &FixedWeights, watch: Watch<'_>) -> Result<()> {
        self.chains.draw_visible(weights.visible_given_hidden(), watch)?;
        self.chains.visible.take_others(&self.free, &self.truth);
        self.chains.draw_hidden(weights.hidden_given_visible(), watch)
    }

    /// The completed examples (N, V): the given units and the draws of the last sweep.
    pub fn visible(&self) -> BitMatrix {
        self.chains.visible()
    }

    /// p(vᵢ = 1 | h) for the h of each chain (N, V). Given units have their values, 0 or 1.
    ///
    /// # Panics
    /// If the number of hidden units differs from that in [`new`](Self::new).
    pub fn mean_visible(&self, weights: &FixedWeights) -> Array2<f32> {
        let means = weights.visible_given_hidden().means(&self.chains.hidden());
        let mut means = means.expect("weights of the model of the chains");
        for ((n, i), mean) in means.indexed_iter_mut() {
            if !self.free.get(n, i) {
                *mean = f32::from(self.truth.get(n, i));
            }
        }
        means
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::model;
    use super::*;
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use crate::rng::Purpose;

    fn streams(n: u64) -> Vec<Stream> {
        (0..n).map(|example| Stream::new(6, Purpose::Inpainting, example)).collect()
    }

    #[test]
    fn given_units_never_change_and_the_others_do() {
        let weights = FixedWeights::of(&model(130, 70), Isa::fastest());
        let examples = BitMatrix::from_fn(67, 130, |n, i| (i * i + 3 * n) % 5 < 2);
        let given = BitMatrix::from_fn(1, 130, |_, i| i % 3 != 0);
        let mut inpainting = Inpainting::new(&weights, &examples, &given, streams(67)).unwrap();
        for sweep in 0..5 {
            let (drawn, means) = (inpainting.visible(), inpainting.mean_visible(&weights));
            let mut changed = 0;
            for ((n, i), &mean) in means.indexed_iter() {
                let (found, truth) = (drawn.get(n, i), examples.get(n, i));
                if given.get(0, i) {
                    assert_eq!(found, truth, "sweep {sweep}, example {n}, unit {i}");
                    assert_eq!(mean, f32::from(u8::from(truth)), "example {n}, unit {i}");
                } else {
                    changed += u32::from(found != truth);
                }
            }
            // 67 · 44 units are drawn. Fair coins would change half of them.
            assert!(changed > 67 * 44 / 4, "sweep {sweep}: {changed} units are not the example's");
            inpainting.sweep(&weights);
        }
    }

    /// Each of the 16 states of the four drawn bits has an expected count of at least 5. The bounds are
    /// exceeded with probability below 1e-6: 57.1 for χ² with 15 degrees of freedom, and ±4.9 for a
    /// normal number.
    #[test]
    fn drawn_units_have_their_distribution_given_the_others() {
        const CHAINS: usize = 20_000;
        let rbm = model(6, 4);
        let doubled = rbm.weights() * 2.0;
        let rbm = Rbm::new(doubled, rbm.visible_bias().clone(), rbm.hidden_bias().clone()).unwrap();
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let mask = 0b010010;
        let given = BitMatrix::from_fn(1, 6, |_, i| mask >> i & 1 == 1);
        for truth in [0b000000, 0b010000, 0b000010, 0b010010_u64] {
            let examples = BitMatrix::from_fn(CHAINS, 6, |_, i| truth >> i & 1 == 1);
            let mut inpainting =
                Inpainting::new(&weights, &examples, &given, streams(CHAINS as u64)).unwrap();
            (0..50).for_each(|_| inpainting.sweep(&weights));

            let states: Vec<u64> = (0..64).filter(|v| v & mask == truth).collect();
            let masses: Vec<f64> = states.iter().map(|&v| (-rbm.free_energy(&[v])).exp()).collect();
            let total: f64 = masses.iter().sum();
            let visible = inpainting.visible();
            let (mut statistic, mut rates) = (0.0, [0.0; 6]);
            for (state, mass) in states.iter().zip(masses) {
                let expected = CHAINS as f64 * mass / total;
                assert!(expected >= 5.0, "state {state:06b} is too rare: {expected}");
                let count = (0..CHAINS).filter(|&n| visible.row(n) == [*state]).count() as f64;
                statistic += (count - expected).powi(2) / expected;
                let on = (0..6).filter(|i| state >> i & 1 == 1);
                on.for_each(|i| rates[i] += mass / total);
            }
            assert!(statistic < 57.1, "given {truth:06b}: χ² = {statistic}");

            // Numbers from 0 to 1 have at most the variance of bits with the same mean.
            let means = inpainting.mean_visible(&weights);
            for (i, rate) in rates.iter().enumerate() {
                let mean = means.column(i).iter().map(|&x| f64::from(x)).sum::<f64>();
                let (mean, variance) = (mean / CHAINS as f64, rate * (1.0 - rate) / CHAINS as f64);
                let bound = 4.9 * variance.max(0.0).sqrt() + 1e-6;
                assert!((mean - rate).abs() < bound, "given {truth:06b}, unit {i}: {mean} {rate}");
            }
        }
    }
}
