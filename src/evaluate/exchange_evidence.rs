//! log Z by replica exchange: from the base of a ladder, where it is known, rung by rung to the model.
//!
//! ```text
//!  rungs ──► sweeps with swaps ──► rises of neighbours ──► Bennett's ratio of each pair ──► log Z
//!            n to settle, then n measured; if a rule is broken, 2 n more
//! ```
//!
//! The rises x of the log-mass from a lower to an upper rung, at states of the lower, and y, at states of the upper,
//! give the ratio of their Z for any constant C (Bennett, 1976, equation 7):
//!
//! ```text
//! ln Z_t+1/Z_t = C + ln ⟨σ(x − C)⟩_t − ln ⟨σ(C − y)⟩_t+1
//! ```
//!
//! with the least variance where C is the ratio itself. C comes from the sweeps before those that are measured, so that
//! the two means are plain sums and no rise has to be kept.
//!
//! States swap only with those of the same chain of another rung. So the chains number c of all rungs form a *column*
//! that depends on no other, and the differences of columns give the standard error of the whole sum over pairs,
//! whatever the correlations in time and between pairs.

use super::ais::{LogZ, NORMAL_95, NORMAL_99, bennett, student};
use super::evidence::room;
use super::log_mean::log_sum_exp;
use super::mean_field::log_unseen;
use super::{EvaluationConfig, tempered_ladder};
use crate::bits::BitMatrix;
use crate::error::{Error, Result};
use crate::gibbs::{FixedWeights, MOST_DRIFT, Passage, Path, ReplicaExchange, Rises, Rung};
use crate::units::sigmoid;
use crate::watch::Watch;

/// The most rounds. The second has as many sweeps before it as the first has in all, and twice as many measured.
const MOST_ROUNDS: u32 = 2;

/// The fewest round trips of a state, on average, of a run that is believed.
pub const LEAST_ROUND_TRIPS: f64 = 1.0;

/// The most that log Z of both halves may differ, in combined standard errors.
pub const MOST_HALVES_APART: f64 = 3.0;

/// Pairs of sweeps whose rises are kept to find C at first.
const KEPT: u64 = 32;

/// What replica exchange finds out about log Z.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExchangeEvidence {
    /// From all sweeps that were measured.
    pub log_z: LogZ,
    /// From the first and the second half of them.
    pub halves: [LogZ; 2],
    /// Chains of each rung.
    pub n_chains: usize,
    /// Sweeps, with those before the measured ones.
    pub n_sweeps: u64,
    /// How well the states moved.
    pub passage: Passage,
    /// A lower bound on the logarithm of the mass of modes that mean field finds and no state at the model saw; −∞ if
    /// it finds none.
    pub log_unseen: f64,
    /// Rounds, 1 or 2.
    pub n_rounds: u32,
}

impl ExchangeEvidence {
    /// log Z's interval: one of 99 %, with room above for modes that no state saw, for
    /// [`UNSEEN_SHARE`](super::evidence::UNSEEN_SHARE) of the mass and for the mass that mean field finds.
    pub fn interval(&self) -> (f64, f64) {
        let LogZ { log_z, standard_error, .. } = self.log_z;
        let reach = student(self.n_chains - 1, NORMAL_99) * standard_error;
        (log_z - reach, log_z + reach + room(self.unseen_share()))
    }

    /// At least the mass of modes that mean field finds and no state saw, relative to all the mass that states saw.
    pub fn unseen_share(&self) -> f64 {
        libm::exp(self.log_unseen - self.log_z.log_z)
    }

    /// How far the halves lie apart, in combined standard errors.
    pub fn halves_apart(&self) -> f64 {
        let [first, second] = &self.halves;
        let error = first.standard_error.hypot(second.standard_error);
        (second.log_z - first.log_z).abs() / error
    }

    /// Whether states came around, both halves agree, and no mean drifts, so that no second round is needed.
    pub fn is_enough(&self) -> bool {
        !self.passage.is_torn()
            && self.passage.round_trips >= LEAST_ROUND_TRIPS
            && self.halves_apart() <= MOST_HALVES_APART
            && self.passage.drift <= MOST_DRIFT
    }
}

/// log Z of the first of the models on a ladder, which has no weights.
///
/// # Errors
/// [`Error::InvalidSetting`] if it has.
fn log_z_of_first(rungs: &[FixedWeights]) -> Result<f64> {
    let Some(first) = rungs.first().map(FixedWeights::rounded) else {
        return Err(Error::InvalidSetting {
            setting: "method",
            value: "ptt".to_string(),
            rule: "pt without the models that training passed through (train --ladder 0.25)"
                .to_string(),
        });
    };
    crate::setting::check(
        "ladder",
        "a first model with weights",
        first.weights().iter().all(|&weight| weight == 0.0),
        || "one that begins at a model without weights".to_string(),
    )?;
    let of = |biases: &ndarray::Array1<f32>| biases.mapv(f64::from);
    let visible = first.visible_units().cumulant(of(first.visible_bias()));
    Ok(visible + first.hidden_units().cumulant(of(first.hidden_bias())))
}

/// Gathers the evidence along a ladder: the models `passed`, of which the first has no weights, with the model of
/// `path` at the top; or temperatures of `path` if there are no such models. Also returns the last states at the model
/// (C, V).
///
/// # Errors
/// [`Error::InvalidSetting`] for models that begin with one that has weights;
/// [`Error::OutOfMemory`]; [`Error::Interrupted`].
pub(super) fn exchange(
    path: &Path<'_>,
    passed: Option<&[FixedWeights]>,
    config: &EvaluationConfig,
    watch: Watch<'_>,
) -> Result<(ExchangeEvidence, BitMatrix)> {
    let EvaluationConfig { n_chains, burn_in, seed, .. } = *config;
    let (rungs, log_z_of_base) = match passed {
        Some(passed) => {
            let models = passed.iter().chain([path.weights()]);
            let rungs: Vec<_> = models.map(Rung::of_model).collect();
            (rungs, log_z_of_first(passed)?)
        }
        None => (tempered_ladder(path, seed, watch)?, path.log_z_of_base()),
    };
    ReplicaExchange::check_memory(&rungs, n_chains, &["n_chains"])?;
    let mut chains = ReplicaExchange::new(rungs, n_chains, seed, watch)?;
    // Each pair is tried in every second sweep, so that two are the least.
    let mut n = (burn_in as u64).max(2);
    let course = Course { path, log_z_of_base, seed, watch };
    let mut constants = course.settle(&mut chains, n)?;
    for round in 1.. {
        let halves = [n / 2, n - n / 2].map(|n| n.max(2));
        let first = course.measure(&mut chains, halves[0], &constants)?;
        let second = course.measure(&mut chains, halves[1], &constants)?;
        let evidence = course.evidence(&chains, [first, second], &mut constants, round)?;
        if round == MOST_ROUNDS || evidence.is_enough() {
            return Ok((evidence, chains.visible()?));
        }
        n *= 2;
    }
    unreachable!("the last round returns")
}

/// What does not change from round to round.
struct Course<'a> {
    path: &'a Path<'a>,
    log_z_of_base: f64,
    seed: u64,
    watch: Watch<'a>,
}

/// Sums over some sweeps.
struct Sums {
    /// Of each pair and column: Σ σ(x − C) at the lower rung and Σ σ(C − y) at the upper.
    pairs: Vec<Vec<[f64; 2]>>,
    /// States at the model after the last sweep (C, V).
    ends: BitMatrix,
}

impl Course<'_> {
    /// Sweeps `n` times, and finds C of each pair from the second half.
    fn settle(&self, chains: &mut ReplicaExchange<'_>, n: u64) -> Result<Vec<f64>> {
        let mut rises = vec![[Vec::new(), Vec::new()]; chains.n_rungs() - 1];
        let first = (n / 2).saturating_sub(n % 2);
        let every = ((n - first) / 2 / KEPT).max(1);
        for sweep in 0..n {
            chains.sweep(self.watch)?;
            self.watch.report("settling", sweep + 1, n)?;
            if sweep >= first && ((sweep - first) / 2).is_multiple_of(every) {
                for Rises { lower, from_lower, from_upper } in chains.rises() {
                    rises[lower][0].extend(chains.gather(&from_lower)?);
                    rises[lower][1].extend(chains.gather(&from_upper)?.iter().map(|rise| -rise));
                }
            }
        }
        Ok(rises.iter().map(|[forward, reverse]| bennett(forward, reverse).0).collect())
    }

    fn measure(&self, chains: &mut ReplicaExchange<'_>, n: u64, constants: &[f64]) -> Result<Sums> {
        let mut pairs = vec![vec![[0.0; 2]; chains.n_own()]; constants.len()];
        for sweep in 0..n {
            chains.sweep(self.watch)?;
            self.watch.report("replica exchange", sweep + 1, n)?;
            for Rises { lower, from_lower, from_upper } in chains.rises() {
                let constant = constants[lower];
                for (sums, (x, y)) in
                    pairs[lower].iter_mut().zip(from_lower.iter().zip(&from_upper))
                {
                    sums[0] += sigmoid(x - constant);
                    sums[1] += sigmoid(constant - y);
                }
            }
        }
        let pairs = pairs.iter().map(|own| chains.gather(own)).collect::<Result<_>>()?;
        Ok(Sums { pairs, ends: chains.visible()? })
    }

    /// The evidence of two halves, and the ratios of neighbours as the next constants.
    fn evidence(
        &self,
        chains: &ReplicaExchange<'_>,
        halves: [Sums; 2],
        constants: &mut [f64],
        n_rounds: u32,
    ) -> Result<ExchangeEvidence> {
        let ends = BitMatrix::concatenate(&[halves[0].ends.clone(), halves[1].ends.clone()]);
        // The chains moved by W̃, but log Z is that of W.
        let beyond = self.path.beyond_fixed_point(&ends);
        let beyond = log_sum_exp(&beyond) - libm::log(beyond.len() as f64);
        let of = |sums: &[Vec<[f64; 2]>]| estimate(self.log_z_of_base + beyond, sums, constants);
        let all: Vec<Vec<[f64; 2]>> = halves[0]
            .pairs
            .iter()
            .zip(&halves[1].pairs)
            .map(|(one, other)| join(one, other))
            .collect();
        let log_z = of(&all);
        let halves = halves.each_ref().map(|half| of(&half.pairs));
        let rbm = self.path.model().rbm;
        let ranks = &self.path.weights().ranks_of_chains;
        let evidence = ExchangeEvidence {
            log_z,
            halves,
            n_chains: chains.n_chains(),
            n_sweeps: chains.n_sweeps(),
            passage: chains.passage()?,
            log_unseen: log_unseen(rbm, &ends, self.seed, ranks, self.watch)?,
            n_rounds,
        };
        for (constant, sums) in constants.iter_mut().zip(&all) {
            *constant += log_ratio(sums);
        }
        Ok(evidence)
    }
}

fn join(one: &[[f64; 2]], other: &[[f64; 2]]) -> Vec<[f64; 2]> {
    one.iter().zip(other).map(|(a, b)| [a[0] + b[0], a[1] + b[1]]).collect()
}

/// The sums over columns.
fn totals(sums: &[[f64; 2]]) -> [f64; 2] {
    sums.iter().fold([0.0; 2], |total, sums| [total[0] + sums[0], total[1] + sums[1]])
}

/// ln Σ σ(x − C) − ln Σ σ(C − y) of a pair.
fn log_ratio(sums: &[[f64; 2]]) -> f64 {
    let [lower, upper] = totals(sums);
    libm::log(lower) - libm::log(upper)
}

/// log Z at the top of the ladder. A column c moves it by Σ_t (A_ct/A_t − B_ct/B_t) to first order, where A and B are
/// the two sums of a pair t.
fn estimate(log_z_of_base: f64, pairs: &[Vec<[f64; 2]>], constants: &[f64]) -> LogZ {
    let n_columns = pairs.first().map_or(0, Vec::len);
    let mut log_z = log_z_of_base;
    let mut moves = vec![0.0; n_columns];
    for (sums, constant) in pairs.iter().zip(constants) {
        log_z += constant + log_ratio(sums);
        let [lower, upper] = totals(sums);
        for (moved, column) in moves.iter_mut().zip(sums) {
            *moved += column[0] / lower - column[1] / upper;
        }
    }
    let n = n_columns as f64;
    let squares: f64 = moves.iter().map(|moved| moved * moved).sum();
    let standard_error = (squares * n / (n - 1.0)).sqrt();
    LogZ::new(log_z, standard_error, student(n_columns - 1, NORMAL_95))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns of a pair, by hand.
    #[test]
    fn a_ratio_is_that_of_the_sums_and_its_error_that_of_the_columns() {
        let pairs = [vec![[0.6, 0.2], [0.4, 0.3]]];
        let found = estimate(10.0, &pairs, &[2.0]);
        assert!((found.log_z - (12.0 + 2.0_f64.ln())).abs() < 1e-12, "{found:?}");
        // The first column moves it by 0.6/1 − 0.2/0.5, the second by as much down.
        let expected = (2.0 * 0.2_f64.powi(2) * 2.0).sqrt();
        assert!((found.standard_error - expected).abs() < 1e-12, "{found:?}");
        // Columns that agree leave no error, however many pairs there are.
        let pairs = [vec![[0.5, 0.2]; 3], vec![[0.1, 0.2]; 3]];
        assert!(estimate(0.0, &pairs, &[0.0; 2]).standard_error < 1e-12);
    }
}
