//! Random streams with an address: the same address gives the same numbers on every thread.
//!
//! A [`Stream`] is eight generators xoshiro256++ (Blackman and Vigna, 2021) that step together, so
//! that the compiler can use vector instructions. Their states are a hash of the address (seed,
//! purpose, index). There is no shared generator.

use crate::error::Result;
use crate::setting::{Range, Value as _};
use std::ops::RangeInclusive;

/// Version of the rules that turn a seed into draws: addresses, lanes, the order in which units take words, σ and the
/// thresholds, and the rounding of weights and statistics. Files that depend on these rules contain it.
pub const STREAM_VERSION: u32 = 2;

/// Number of generators that step together.
pub const LANES: usize = 8;

/// Number of random words (u32) in one step.
pub const STEP: usize = 2 * LANES;

/// The seeds: up to 2^63 − 1, the largest integer that a settings file (TOML) holds.
pub const SEEDS: RangeInclusive<u64> = 0..=i64::MAX as u64;

/// Refuses a seed that does not fit in a settings file.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if it is not one of [`SEEDS`].
pub fn check_seed(seed: u64) -> Result<()> {
    seed.check("seed", &Range::Whole(SEEDS))
}

/// What a stream is used for. Streams of different purposes never share an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
#[non_exhaustive]
pub enum Purpose {
    /// Weights before the first update; index 0.
    InitialWeights = 1,
    /// Order of the examples; index: the epoch.
    DataOrder = 2,
    /// Stochastic bits of training examples; index: epoch · number of examples + example, or
    /// 2³² · update + example for mini-batches that the caller supplies.
    Binarize = 3,
    /// A persistent chain, from its start to its end; index: the chain.
    Chain = 4,
    /// Fixed bits of the examples that monitors and scores use; index: draw · number of examples +
    /// example. Only features use draws other than 0.
    EvaluationBits = 5,
    /// The choice of examples for the monitors; index 0. That of pairs of units; index 1.
    MonitorSubset = 6,
    /// A chain of the `sample` command or of Python; index: the chain.
    Sample = 7,
    /// The hidden states of a reconstruction; index: the example.
    Reconstruction = 8,
    /// A chain of a pilot run of annealing; index: the chain, where the second run continues the
    /// count of the first.
    PilotAnnealing = 9,
    /// A chain that is annealed from the base to the model; index: the chain.
    ForwardAnnealing = 10,
    /// A chain that is annealed from the model to the base, including its burn-in; index: the chain.
    ReverseAnnealing = 11,
    /// A chain of RAISE; index: example · chains an example + chain.
    Raise = 12,
    /// The unit of an example that the stochastic pseudo-likelihood flips; index: the example.
    PseudoLikelihoodUnit = 13,
    /// A replica of a persistent chain at another temperature; index: level · number of chains +
    /// chain, with levels from 1.
    TemperedChain = 14,
    /// The swaps of temperatures; index: the sweep.
    TemperatureSwap = 15,
    /// The choice of chains that restart at data, and their states; index: the update.
    ChainReset = 16,
    /// A chain of `sample --clamp`, which completes an example; index: the example.
    Inpainting = 17,
    /// A chain of a pilot run on the path from a uniform base; index: as for
    /// [`Self::PilotAnnealing`].
    WitnessPilot = 18,
    /// A chain that is annealed from a uniform base to the model; index: the chain.
    Witness = 19,
    /// A chain that is annealed to a starting point for reverse chains; index: base · number of
    /// chains + chain, where base is 0, or 1 for the uniform base.
    Scout = 20,
    /// The choice among the scouts; index 0.
    ScoutChoice = 21,
    /// A starting point of the mean-field search for modes; index: the start.
    MeanFieldStart = 22,
    /// The shifts of the dither of p(h | v) in the statistics, one for each hidden unit; index: the update.
    Dither = 23,
    /// The first values of what an example lacks, with `missing = marginal`; index: the example.
    FirstMissingValues = 24,
    /// A visit of the chain that draws what an example lacks; index: epoch · number of examples + example.
    MissingValues = 25,
    /// A chain that is annealed to what an example lacks; index: example · chains an example + chain.
    ObservedAnnealing = 26,
    /// A chain of a ladder whose rungs swap states; index: rung · number of chains + chain.
    Replica = 27,
    /// The swaps of two rungs; index: sweep · number of pairs + pair.
    ReplicaSwap = 28,
    /// A chain of the run that chooses the temperatures of a ladder; index: the chain.
    LadderPilot = 29,
    /// A state of a rung of a run's ladder; index: 256 · update + state.
    LadderState = 30,
    /// A chain that follows the model in training, for its log Z; index: the chain.
    OnlineLogZ = 31,
    /// The choice of those of these chains that go on; index: the number of earlier choices.
    OnlineResampling = 32,
    /// The rates of a site in simulated populations; index: the site.
    PopulationRates = 33,
    /// A simulated example; index: the example, test examples after those to train on.
    PopulationExample = 34,
    /// A chain at a model that training passed through, with `ptt`; index: number of the model · number of chains +
    /// chain.
    TrajectoryChain = 35,
    /// The swaps of these models; index: the sweep.
    TrajectorySwap = 36,
    /// The directions at which the search for principal components starts; index: the unit.
    MixingDirections = 40,
    /// An exact draw of the mixing check; index: the draw.
    MixingDraw = 41,
    /// A chain of the mixing check that starts at independent units; index: the chain.
    MixingFromRandom = 42,
    /// A chain of the mixing check that starts at an example; index: the chain.
    MixingFromExamples = 43,
    /// The triples of units whose moments the mixing check compares; index 0.
    MixingTriples = 44,
    /// The chain that draws what an example of the mixing check lacks; index: the example.
    MixingMissing = 45,
    /// The values of a point of a sweep; index: the draw.
    SweepPoint = 50,
    /// The vector from which the search for singular values of W starts; index: the unit.
    SpectrumStart = 55,
    /// The bits of a sample that a report shows beside its p(v | h); index: the chain.
    ReportSample = 56,
}

/// A stream of random words with an address.
///
/// ```
/// use harmonium::rng::{Purpose, Stream};
/// let mut one = Stream::new(42, Purpose::Sample, 7);
/// let mut same = Stream::new(42, Purpose::Sample, 7);
/// assert_eq!(one.step(), same.step());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// `state[k][lane]` is word k of the state of a lane.
    state: [[u64; LANES]; 4],
}

impl Stream {
    /// The stream at this address.
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let key = key(seed, purpose, index);
        let mut state = [[0; LANES]; 4];
        for lane in 0..LANES {
            // Fills the state as `seed_from_u64` of rand_xoshiro does from a 64-bit seed.
            let mut counter = mix(key ^ lane as u64);
            for word in &mut state {
                counter = counter.wrapping_add(GOLDEN_GAMMA);
                word[lane] = mix(counter);
            }
        }
        Self { state }
    }

    /// The streams 0 to n − 1 of a purpose.
    pub fn first(n: usize, seed: u64, purpose: Purpose) -> Vec<Self> {
        (0..n as u64).map(|index| Self::new(seed, purpose, index)).collect()
    }

    /// The next 16 random words: the low halves of lanes 0 to 7, then their high halves.
    #[inline(always)]
    pub fn step(&mut self) -> [u32; STEP] {
        let [s0, s1, s2, s3] = &mut self.state;
        let mut words = [0; STEP];
        for lane in 0..LANES {
            let sum = s0[lane].wrapping_add(s3[lane]);
            let output = sum.rotate_left(23).wrapping_add(s0[lane]);
            let shifted = s1[lane] << 17;
            s2[lane] ^= s0[lane];
            s3[lane] ^= s1[lane];
            s1[lane] ^= s2[lane];
            s0[lane] ^= s3[lane];
            s2[lane] ^= shifted;
            words[lane] = output as u32;
            words[LANES + lane] = (output >> 32) as u32;
        }
        // A separate loop: inside the other one the compiler does not vectorise this rotation.
        for word in s3 {
            *word = word.rotate_left(45);
        }
        words
    }

    /// A uniform number from 0 to `bound` − 1. To avoid bias, steps are repeated until word 0 is
    /// below the largest multiple of `bound`.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        assert!(bound > 0, "no number is below 0");
        let end = u32::MAX - (u32::MAX % bound + 1) % bound;
        loop {
            let word = self.step()[0];
            if word <= end {
                return word % bound;
            }
        }
    }

    /// The stream that continues from a [`state`](Self::state).
    pub fn from_state(state: [[u64; LANES]; 4]) -> Self {
        Self { state }
    }

    /// The state: words 0 to 3 of each lane.
    pub fn state(&self) -> &[[u64; LANES]; 4] {
        &self.state
    }
}

/// A 64-bit hash of an address.
pub(crate) fn key(seed: u64, purpose: Purpose, index: u64) -> u64 {
    [seed, purpose as u64, index]
        .iter()
        .fold(0, |hash, part| mix(hash.wrapping_add(GOLDEN_GAMMA) ^ mix(*part)))
}

/// Writes a random permutation of 0, 1, 2, … to `order`.
///
/// # Panics
/// If there are more than 2^32 − 1 numbers.
pub fn shuffle(order: &mut [u32], stream: &mut Stream) {
    for (at, slot) in (0..).zip(order.iter_mut()) {
        *slot = at;
    }
    permute(order, stream);
}

/// Puts numbers in random order (Fisher and Yates, from the end).
///
/// # Panics
/// As [`shuffle`].
pub(crate) fn permute(order: &mut [u32], stream: &mut Stream) {
    let length = u32::try_from(order.len()).expect("at most 2^32 - 1 examples");
    for last in (1..length).rev() {
        order.swap(last as usize, stream.below(last + 1) as usize);
    }
}

/// 2^64 divided by the golden ratio: the increment of SplitMix64.
const GOLDEN_GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

/// The output function of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_xoshiro::Xoshiro256PlusPlus;
    use rand_xoshiro::rand_core::{RngCore, SeedableRng};
    use std::array;

    #[test]
    fn each_lane_equals_the_reference_generator() {
        for index in 0..4 {
            let mut stream = Stream::new(9, Purpose::Chain, index);
            let key = key(9, Purpose::Chain, index);
            let mut lanes: [_; LANES] =
                array::from_fn(|lane| Xoshiro256PlusPlus::seed_from_u64(mix(key ^ lane as u64)));
            for _ in 0..100 {
                let expected = lanes.each_mut().map(|lane| lane.next_u64());
                let words = stream.step();
                let found =
                    array::from_fn(|at| u64::from(words[at]) | u64::from(words[LANES + at]) << 32);
                assert_eq!(expected, found);
            }
        }
    }

    #[test]
    fn addresses_that_differ_in_one_part_give_other_streams() {
        let streams = [
            Stream::new(0, Purpose::Chain, 0),
            Stream::new(1, Purpose::Chain, 0),
            Stream::new(0, Purpose::Sample, 0),
            Stream::new(0, Purpose::Chain, 1),
            Stream::new(1, Purpose::Chain, 1),
            Stream::new(Purpose::Chain as u64, Purpose::InitialWeights, 0),
        ];
        for (at, stream) in streams.iter().enumerate() {
            assert!(streams[..at].iter().all(|other| other != stream), "{at}");
        }
    }

    #[test]
    fn a_shuffled_order_holds_every_example_once() {
        let mut order = [0; 1000];
        shuffle(&mut order, &mut Stream::new(3, Purpose::DataOrder, 0));
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert!((0..1000).eq(order));
    }

    #[test]
    fn orders_of_three_are_equally_frequent() {
        let mut counts = std::collections::BTreeMap::new();
        for index in 0..6000 {
            let mut order = [0; 3];
            shuffle(&mut order, &mut Stream::new(1, Purpose::DataOrder, index));
            *counts.entry(order).or_insert(0) += 1;
        }
        // Binomial(6000, 1/6): the standard deviation is 28.9, and six of them are 173.
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|&n: &i32| (n - 1000).abs() < 173), "{counts:?}");
    }
}
