//! log Z of a model while it is trained, with an uncertainty: annealed importance sampling along the trajectory of
//! the parameters (Béreux, Decelle, Furtlehner, Rosset and Seoane, 2025, Fast training and sampling of restricted
//! Boltzmann machines).
//!
//! Chains start in a distribution whose Z is known, θ₀. They follow the parameters through θ₁, θ₂, …: at each, the
//! weight of a chain changes, and a sweep moves it.
//!
//! ```text
//! ln w ← ln w + F_θ(v) − F_θ'(v)        then a sweep of (v, h) at θ'
//! ```
//!
//! A sweep leaves p_θ' as it is, so E\[w\] = Z_θ' / Z_θ₀, however far the chains are from equilibrium and however many
//! updates lie between two steps (Jarzynski, 1997, Nonequilibrium equality for free energy differences; Neal, 2001).
//! What suffers is the variance. Once the effective number of chains is below 0.3 of all, they are resampled: the mean
//! weight joins log Z, and chains go on in proportion to their weights.
//!
//! F is that of the parameters in fixed point, which move the chains. One last term leads from there to the stored
//! parameters, or to any other model near by.

use super::log_mean::{LogMean, effective_number, log_sum_exp};
use super::{Exact, free_energy::free_energies};
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::gibbs::{FixedModel, FixedWeights, FollowingChains};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::Rbm;
use crate::rng::{Purpose, Stream};
use crate::state::{State, bad};
use crate::watch::Watch;
use ndarray::Array2;

/// The chains are resampled once their effective number is below this share of all.
const LEAST_SHARE: f64 = 0.3;

/// The name of the state, and the beginning of its arrays' names.
pub(crate) const NAME: &str = "online_log_z";

/// Chains that follow a model in training, and the log Z that their weights give.
///
/// ```
/// use harmonium::evaluate::{Exact, TrajectoryAis};
/// use harmonium::gibbs::{FixedModel, FixedWeights};
/// use harmonium::{Isa, Rbm, Watch};
/// use ndarray::{Array1, Array2};
/// let model = |weight| Rbm::new(Array2::from_elem((9, 4), weight), Array1::zeros(9), Array1::zeros(4)).unwrap();
/// let fixed = |weight| FixedWeights::of_training(&model(weight), Isa::fastest());
/// let mut ais = TrajectoryAis::from_independent(&model(0.0), &fixed(0.0), 1000, 0);
/// (1..=10).for_each(|step| ais.step(&fixed(0.05 * step as f32)));
/// let (rbm, weights) = (model(0.5), fixed(0.5));
/// let found = ais.estimate(FixedModel { rbm: &rbm, weights: &weights }, Watch::default())?;
/// let exact = Exact::new(&rbm)?.log_z();
/// assert!((found.log_z - exact).abs() < 4.0 * found.standard_error, "{found:?} {exact}");
/// # Ok::<(), harmonium::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TrajectoryAis {
    chains: FollowingChains,
    /// ln w since the last resampling (M).
    log_weights: Vec<f64>,
    /// What the last step added to them (M).
    falls: Vec<f64>,
    /// The chain of the start from which each comes, by way of the resamplings (M).
    ancestors: Vec<usize>,
    seed: u64,
    sums: Sums,
}

/// What is known of the trajectory so far.
#[derive(Clone, Copy, Debug)]
struct Sums {
    /// log Z of the start, plus the logarithm of the mean weight at each resampling.
    log_z: f64,
    n_resamplings: u64,
    /// The least effective number of chains by the weights of one step.
    least_of_a_step: f64,
}

/// log Z of a model in training.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TrajectoryEstimate {
    /// log Z.
    pub log_z: f64,
    /// Its standard error. Chains that come from one chain of the start count as one (Chan and Lai, A general theory of
    /// particle filters in hidden Markov models and some applications, Ann. Statist. 41, 2013), as they may share its
    /// luck however long ago it was.
    pub standard_error: f64,
    /// The effective number of chains of the start, 1 to M: (Σw)² / ΣW², where W is the sum of the weights w of the
    /// chains that come from one. If few are left, the standard error is not to be believed, either.
    pub ess: f64,
}

impl TrajectoryAis {
    /// The memory of M chains of a model (V, H).
    pub fn bytes(n_chains: usize, visible: impl Into<Layout>, n_hidden: usize) -> Bytes {
        FollowingChains::bytes(n_chains, visible, n_hidden) + Bytes::of::<[f64; 2]>(&[n_chains])
    }

    /// M chains, at least 2, drawn exactly from the units of a model without its weights, where
    /// log Z is a sum over sites. Their first step leads to `weights`, the parameters before the first update.
    pub fn from_independent(rbm: &Rbm, weights: &FixedWeights, n_chains: usize, seed: u64) -> Self {
        let (units, no_weights) = (rbm.visible_units(), Array2::zeros(rbm.weights().dim()));
        let [of_visible, of_hidden] = [rbm.visible_bias(), rbm.hidden_bias()];
        let base = Rbm::of_sites(units.clone(), no_weights, of_visible.clone(), of_hidden.clone());
        let base = base.expect("the biases of a model");
        let [of_visible, of_hidden] = [of_visible, of_hidden].map(|biases| biases.mapv(f64::from));
        let log_z = units.cumulant(of_visible.clone()) + rbm.hidden_units().cumulant(of_hidden);
        let mut streams = Stream::first(n_chains, seed, Purpose::OnlineLogZ);
        let visible = units.draw_independent(of_visible, &mut streams);
        let start = Start { rbm: &base, log_z, visible, streams };
        Self::new(start, weights, seed, Watch::default()).expect("nobody interrupts it")
    }

    /// M chains, at least 2, drawn exactly from a model whose log Z is found by enumeration. Their first step leads
    /// to `weights`, its parameters as training has them before the first update.
    ///
    /// # Errors
    /// As [`Exact::watched`].
    pub fn from_exact(
        rbm: &Rbm,
        weights: &FixedWeights,
        n_chains: usize,
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Self> {
        let exact = Exact::watched(rbm, weights.isa(), watch)?;
        let mut streams = Stream::first(n_chains, seed, Purpose::OnlineLogZ);
        let visible = exact.draw(&mut streams, watch)?;
        Self::new(Start { rbm, log_z: exact.log_z(), visible, streams }, weights, seed, watch)
    }

    fn new(start: Start<'_>, weights: &FixedWeights, seed: u64, watch: Watch<'_>) -> Result<Self> {
        let Start { rbm, log_z, visible, streams } = start;
        let n_chains = visible.n_rows();
        assert!(n_chains >= 2, "at least two chains");
        let energies = free_energies(rbm, &visible, weights.isa(), watch)?;
        let mut ais = Self {
            chains: FollowingChains::new(weights, &visible, &energies, &streams),
            log_weights: vec![0.0; n_chains],
            falls: vec![0.0; n_chains],
            seed,
            ancestors: (0..n_chains).collect(),
            sums: Sums { log_z, n_resamplings: 0, least_of_a_step: n_chains as f64 },
        };
        ais.step(weights);
        Ok(ais)
    }

    /// M.
    pub fn n_chains(&self) -> usize {
        self.log_weights.len()
    }

    /// Steps to new parameters of the model.
    pub fn step(&mut self, weights: &FixedWeights) {
        let Self { chains, log_weights, falls, sums, .. } = self;
        chains.step(weights, falls);
        sums.least_of_a_step = sums.least_of_a_step.min(effective_number(falls));
        log_weights.iter_mut().zip(&*falls).for_each(|(log_weight, fall)| *log_weight += fall);
        if effective_number(log_weights) < LEAST_SHARE * log_weights.len() as f64 {
            self.resample();
        }
    }

    /// Chains go on in proportion to their weights, which are equal again.
    fn resample(&mut self) {
        let Self { chains, log_weights, ancestors, seed, sums, .. } = self;
        let LogMean { log_mean, .. } = LogMean::of(log_weights);
        let mut stream = Stream::new(*seed, Purpose::OnlineResampling, sums.n_resamplings);
        let uniform = f64::from(stream.step()[0]) / (1u64 << 32) as f64;
        let parents = systematic(log_weights, uniform);
        chains.choose(&parents);
        *ancestors = parents.iter().map(|&parent| ancestors[parent]).collect();
        log_weights.fill(0.0);
        sums.log_z += log_mean;
        sums.n_resamplings += 1;
    }

    /// log Z of a model near the parameters of the last step. One more term of the weights leads there; the chains do
    /// not change.
    ///
    /// # Errors
    /// [`Error::WidthMismatch`](crate::Error::WidthMismatch) for a model of another width;
    /// [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn estimate(&self, model: FixedModel<'_>, watch: Watch<'_>) -> Result<TrajectoryEstimate> {
        let FixedModel { rbm, weights } = model;
        let there = free_energies(rbm, &self.chains.visible(), weights.isa(), watch)?;
        let here = self.log_weights.iter().zip(self.chains.free_energies());
        let log_weights =
            here.zip(there).map(|((log_weight, here), there)| log_weight + (here - there));
        let log_weights: Vec<f64> = log_weights.collect();
        let mut of_ancestors = vec![f64::NEG_INFINITY; log_weights.len()];
        for (&ancestor, &log_weight) in self.ancestors.iter().zip(&log_weights) {
            of_ancestors[ancestor] = log_sum_exp(&[of_ancestors[ancestor], log_weight]);
        }
        // The squared standard error is M/(M − 1) Σ (W − 1/M)² over the chains of the start, for W that sum to 1.
        let (n, ess) = (log_weights.len() as f64, effective_number(&of_ancestors));
        Ok(TrajectoryEstimate {
            log_z: self.sums.log_z + LogMean::of(&log_weights).log_mean,
            standard_error: ((n / ess - 1.0).max(0.0) / (n - 1.0)).sqrt(),
            ess,
        })
    }

    /// The least effective number of chains by the weights of any one step: what no resampling makes good.
    pub fn least_of_a_step(&self) -> f64 {
        self.sums.least_of_a_step
    }

    /// Everything on which the next steps depend, apart from the seed.
    pub(crate) fn state(&self) -> State {
        let mut state = State::default();
        let Sums { log_z, n_resamplings, least_of_a_step } = self.sums;
        self.chains.save(NAME, &mut state);
        let n_chains = self.log_weights.len();
        state.put(format!("{NAME}.log_weights"), &[n_chains], self.log_weights.clone());
        let ancestors = self.ancestors.iter().map(|&ancestor| ancestor as u64).collect();
        state.put::<u64>(format!("{NAME}.ancestors"), &[n_chains], ancestors);
        state.put(format!("{NAME}.sums"), &[2], vec![log_z, least_of_a_step]);
        state.put(format!("{NAME}.n_resamplings"), &[1], vec![n_resamplings]);
        state
    }

    /// Continues from the [`state`](Self::state) of M chains of a model of the units of `weights`.
    ///
    /// # Errors
    /// As [`State::get`].
    pub(crate) fn restore(
        weights: &FixedWeights,
        n_chains: usize,
        seed: u64,
        state: &State,
    ) -> Result<Self> {
        let log_weights: &[f64] = state.get(&format!("{NAME}.log_weights"), &[n_chains])?;
        let ancestors: &[u64] = state.get(&format!("{NAME}.ancestors"), &[n_chains])?;
        if ancestors.iter().any(|&ancestor| ancestor >= n_chains as u64) {
            let rule = format!("must have numbers below {n_chains}");
            return Err(bad(&format!("{NAME}.ancestors"), rule));
        }
        let [log_z, least_of_a_step] = *state.get(&format!("{NAME}.sums"), &[2])? else {
            unreachable!("two numbers")
        };
        let n_resamplings = state.get_one(&format!("{NAME}.n_resamplings"))?;
        Ok(Self {
            chains: FollowingChains::restored(weights, n_chains, NAME, state)?,
            log_weights: log_weights.to_vec(),
            falls: vec![0.0; n_chains],
            ancestors: ancestors.iter().map(|&ancestor| ancestor as usize).collect(),
            seed,
            sums: Sums { log_z, n_resamplings, least_of_a_step },
        })
    }
}

/// States that are drawn exactly from a model of known log Z.
struct Start<'a> {
    rbm: &'a Rbm,
    log_z: f64,
    /// (M, V).
    visible: BitMatrix,
    streams: Vec<Stream>,
}

/// Systematic resampling: number n of the result is the chain in whose share of the weights (n + `uniform`) / M lies.
/// A chain of share s is chosen ⌊M s⌋ or ⌈M s⌉ times.
fn systematic(log_weights: &[f64], uniform: f64) -> Vec<usize> {
    let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = log_weights.iter().map(|&x| libm::exp(x - largest)).collect();
    let (n, total) = (weights.len(), weights.iter().sum::<f64>());
    let (mut chain, mut end) = (0, weights[0]);
    let choose = |at: usize| {
        while end <= (at as f64 + uniform) / n as f64 * total && chain + 1 < n {
            chain += 1;
            end += weights[chain];
        }
        chain
    };
    (0..n).map(choose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_chosen_in_proportion_to_their_weights() {
        let log_weights = [0.5_f64, 0.01, 0.2, 0.19, 0.1].map(|share| share.ln() - 700.0);
        for uniform in [0.0, 0.3, 0.5, 0.999_999_999] {
            let parents = systematic(&log_weights, uniform);
            assert!(parents.len() == 5 && parents.is_sorted());
            for (chain, share) in [0.5_f64, 0.01, 0.2, 0.19, 0.1].into_iter().enumerate() {
                let n = parents.iter().filter(|&&parent| parent == chain).count() as f64;
                let mean = 5.0 * share;
                assert!(n >= (mean - 1e-9).floor() && n <= (mean + 1e-9).ceil(), "{parents:?}");
            }
        }
        assert_eq!(systematic(&[1.0; 4], 0.7), [0, 1, 2, 3]);
        assert_eq!(systematic(&[f64::NEG_INFINITY, 3.0, f64::NEG_INFINITY], 0.9), [1, 1, 1]);
    }

    /// The estimate before a resampling is the mean of the weights. After it, the mean has moved to log Z.
    #[test]
    fn a_resampling_keeps_the_estimate_and_its_error() {
        let model = |weight: f32| {
            let weights = Array2::from_shape_fn((9, 4), |(i, j)| weight * ((i * 4 + j) % 5) as f32);
            Rbm::new(weights, vec![-1.0; 9].into(), vec![0.5; 4].into()).unwrap()
        };
        let fixed =
            |weight: f32| FixedWeights::of_training(&model(weight), crate::kernels::Isa::fastest());
        let mut ais = TrajectoryAis::from_independent(&model(0.0), &fixed(0.0), 300, 1);
        ais.step(&fixed(0.1));
        let image = fixed(0.1);
        let rbm = image.rounded();
        let model = FixedModel { rbm: &rbm, weights: &image };
        let before = ais.estimate(model, Watch::default()).unwrap();
        assert_eq!(ais.sums.n_resamplings, 0);
        assert!(before.ess < 290.0 && before.standard_error > 0.0, "{before:?}");
        ais.resample();
        let after = ais.estimate(model, Watch::default()).unwrap();
        assert!((after.log_z - before.log_z).abs() < 1e-9);
        // The chains of the start weigh as before, but for the rounding to whole chains.
        assert!((after.ess - before.ess).abs() < 0.1 * before.ess, "{after:?} {before:?}");
        let change = after.standard_error / before.standard_error;
        assert!((change - 1.0).abs() < 0.3, "{after:?} {before:?}");
        assert_eq!(ais.sums.n_resamplings, 1);
        let least = ais.least_of_a_step();
        ais.step(&image);
        assert!(ais.least_of_a_step() == least && least < 290.0, "{least}");
    }
}
