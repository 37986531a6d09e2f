//! Modes of a model that its chains have not seen, found by mean field.

use super::log_mean::log_sum_exp;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::memory::Bytes;
use crate::model::Rbm;
use crate::ranks::{Ranks, of_panels};
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;
use ndarray::{Array1, Array2};
use rayon::prelude::*;

/// Random starts of the ascent, which do not depend on the chains.
const STARTS: u64 = 64;

/// The most states of chains from which the ascent starts.
const MOST_STATES: usize = 200;

/// The most rounds of the ascent.
const ROUNDS: usize = 200;

/// The ascent ends if a round gains less than this, in nats.
const LEAST_GAIN: f64 = 1e-7;

/// Two ends of the ascent are the same mode if no mean of a visible unit differs by more than this.
const SAME: f64 = 0.1;

/// An end of the ascent.
struct Mode {
    /// m (V).
    means: Vec<f64>,
    /// L, a lower bound on log Z in nats.
    bound: f64,
}

/// An RBM in double precision, with W in both orders.
struct MeanField<'a> {
    rbm: &'a Rbm,
    weights: Array2<f64>,
    transposed: Array2<f64>,
    visible_bias: Array1<f64>,
    hidden_bias: Array1<f64>,
}

impl<'a> MeanField<'a> {
    fn new(rbm: &'a Rbm) -> Self {
        let weights = rbm.weights().mapv(f64::from);
        Self {
            rbm,
            transposed: weights.t().as_standard_layout().into_owned(),
            weights,
            visible_bias: rbm.visible_bias().mapv(f64::from),
            hidden_bias: rbm.hidden_bias().mapv(f64::from),
        }
    }

    /// Climbs from means μ (H) of the hidden units to a mode. Independent units with means m and μ
    /// bound log Z from below by
    ///
    /// ```text
    /// L = b·m + c·μ + mᵀW μ + H(m) + H(μ),   H the entropy
    /// ```
    ///
    /// (the variational inequality; Peterson and Anderson, 1987). For a given μ, L is largest at the
    /// means m of the inputs b + Wμ; for a given m, at the means μ of the inputs c + mᵀW. The ascent
    /// alternates between the two.
    fn climb(&self, mut hidden: Vec<f64>, watch: Watch<'_>) -> Result<Mode> {
        let (visible_units, hidden_units) = (self.rbm.visible_units(), self.rbm.hidden_units());
        let mut mode = Mode { means: Vec::new(), bound: f64::NEG_INFINITY };
        for _ in 0..ROUNDS {
            watch.check()?;
            let inputs = inputs(&self.visible_bias, &self.transposed, &hidden);
            let own = hidden.iter().zip(&self.hidden_bias).zip(hidden_units.entropies(&hidden));
            let own: f64 = own.map(|((p, c), entropy)| c * p + entropy).sum();
            // At the best m, L = c·μ + H(μ) + the cumulant of the visible units at b + Wμ.
            let bound = own + visible_units.cumulant(inputs.iter().copied());
            let gain = bound - mode.bound;
            mode = Mode { means: visible_units.means(inputs), bound };
            if gain < LEAST_GAIN {
                break;
            }
            let inputs = self::inputs(&self.hidden_bias, &self.weights, &mode.means);
            hidden = hidden_units.means(inputs);
        }
        Ok(mode)
    }
}

/// Climbs from the means that `start` gives for 0 to n − 1.
fn climb_all(
    mean_field: &MeanField<'_>,
    n: usize,
    ranks: &Ranks,
    watch: Watch<'_>,
    start: impl Fn(usize) -> Vec<f64> + Sync,
) -> Result<Vec<Mode>> {
    let own = ranks.own(n);
    let climbed = own.clone().into_par_iter().map(|at| mean_field.climb(start(at), watch));
    let climbed = climbed.collect::<Result<Vec<Mode>>>();
    if !ranks.are_several() {
        return climbed;
    }
    // The bound of each mode, then its means.
    let width = 1 + mean_field.rbm.n_visible();
    let mut all = vec![0.0; n * width];
    let rows = of_panels(&mut all, n, &own).chunks_mut(width).zip(climbed?);
    rows.for_each(|(row, mode)| {
        row[0] = mode.bound;
        row[1..].copy_from_slice(&mode.means);
    });
    ranks.meet()?;
    ranks.share(&mut [&mut all], n, |rank| ranks.part(rank, n))?;
    let rows = all.chunks(width);
    Ok(rows.map(|row| Mode { bound: row[0], means: row[1..].to_vec() }).collect())
}

/// The inputs of one layer: its biases plus the sum of the rows of `weights` times the means of the others.
fn inputs(bias: &Array1<f64>, weights: &Array2<f64>, others: &[f64]) -> Vec<f64> {
    let mut inputs = bias.to_vec();
    for (row, &mean) in weights.outer_iter().zip(others) {
        inputs.iter_mut().zip(row).for_each(|(input, w)| *input += mean * w);
    }
    inputs
}

/// The memory of [`log_unseen`] for a model (V, H): its weights in both orders, and the modes.
pub(super) fn bytes(n_visible: usize, n_hidden: usize) -> Bytes {
    Bytes::of::<[f64; 2]>(&[n_visible, n_hidden])
        + Bytes::of::<f64>(&[MOST_STATES + STARTS as usize, n_visible])
}

/// A lower bound on the logarithm of the mass of modes that mean field finds from random starts, but not
/// from the states (any number, V) of chains; −∞ if it finds none. (The bound of one mode is rigorous;
/// their sum takes the modes as disjoint.) Each rank climbs from its own starts.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted), [`Error::Ranks`](crate::Error::Ranks).
pub(super) fn log_unseen(
    rbm: &Rbm,
    states: &BitMatrix,
    seed: u64,
    ranks: &Ranks,
    watch: Watch<'_>,
) -> Result<f64> {
    let mean_field = MeanField::new(rbm);
    let states = states.spread(states.n_rows().min(MOST_STATES));
    let of_state = |row| rbm.hidden_units().means(rbm.hidden_inputs(states.row(row)));
    let anywhere = |start: u64| {
        // The starts range from hardly any unit on to nearly all.
        let rate = (start as f64 + 0.5) / STARTS as f64;
        let mut stream = Stream::new(seed, Purpose::MeanFieldStart, start);
        let words = std::iter::repeat_with(|| stream.step()).flatten();
        let is_on = |word: u32| f64::from(u8::from(f64::from(word) < rate * 2f64.powi(32)));
        words.take(rbm.n_hidden()).map(is_on).collect()
    };
    let n_states = states.n_rows();
    let modes = climb_all(&mean_field, n_states + STARTS as usize, ranks, watch, |start| {
        if start < n_states { of_state(start) } else { anywhere((start - n_states) as u64) }
    })?;
    let (seen, from_anywhere) = modes.split_at(n_states);
    let is_same = |one: &Mode, other: &Mode| {
        one.means.iter().zip(&other.means).all(|(x, y)| (x - y).abs() <= SAME)
    };
    let mut unseen: Vec<&Mode> = Vec::new();
    for mode in from_anywhere {
        if !seen.iter().chain(unseen.iter().copied()).any(|other| is_same(mode, other)) {
            unseen.push(mode);
        }
    }
    Ok(log_sum_exp(&unseen.iter().map(|mode| mode.bound).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::Exact;

    /// One hidden unit turns all of v on or off; its bias makes all on the heavier mode.
    fn two_modes(bias: f32) -> Rbm {
        let (weights, visible) = (Array2::from_elem((30, 1), 8.0), Array1::from_elem(30, -4.0));
        Rbm::new(weights, visible, Array1::from_elem(1, -120.0 + bias)).unwrap()
    }

    #[test]
    fn a_mode_that_no_chain_saw_is_found_with_its_mass() {
        let rbm = two_modes(1.5);
        let log_z = Exact::new(&rbm).unwrap().log_z();
        let all = |is_on| BitMatrix::from_fn(5, 30, |_, _| is_on);
        // The masses of the modes are as exp(1.5) to 1.
        let of_on = log_z - (1.0 + (-1.5_f64).exp()).ln();
        let log_unseen = |states: &BitMatrix| {
            log_unseen(&rbm, states, 3, &Ranks::default(), Watch::default()).unwrap()
        };
        assert!((log_unseen(&all(false)) - of_on).abs() < 1e-6);
        assert!((log_unseen(&all(true)) - (of_on - 1.5)).abs() < 1e-6);
        let both = BitMatrix::concatenate(&[all(false), all(true)]);
        assert_eq!(log_unseen(&both), f64::NEG_INFINITY);
    }

    #[test]
    fn the_bound_of_a_mode_lies_below_log_z() {
        let value = |at: usize| ((at * 7919) % 401) as f32 / 100.0 - 2.0;
        for scale in [0.1, 0.5, 2.0] {
            let weights = Array2::from_shape_fn((9, 6), |(i, j)| scale * value(i * 6 + j));
            let rbm = Rbm::new(
                weights,
                Array1::from_shape_fn(9, value),
                Array1::from_shape_fn(6, |j| value(j + 99)),
            )
            .unwrap();
            let log_z = Exact::new(&rbm).unwrap().log_z();
            let mean_field = MeanField::new(&rbm);
            for start in 0..64_u32 {
                let start = (0..6).map(|j| f64::from(start >> j & 1)).collect();
                let bound = mean_field.climb(start, Watch::default()).unwrap().bound;
                assert!(bound <= log_z + 1e-9, "{scale}: {bound} {log_z}");
                // With small weights, it is close to log Z.
                assert!(scale > 0.1 || log_z - bound < 1.0, "{bound} {log_z}");
            }
        }
    }
}
