//! All that an evaluation by AIS gathers on log Z, and when it gathers more.
//!
//! ```text
//!  base ────► scouts ──┐                     ┌──► forward side ──┐
//!  uniform ─► scouts ──┴─► model states ─────┼──► reverse side ──┼─► enough? else with twice the steps
//!  (or chains of the training) ──────────────┘                   │
//!  uniform ─► witness ───────────────────────────────────────────┼─► Evidence ──► Verdict
//!  ends of all chains ─► mean field: modes that they did not see ┘
//! ```

use super::Progress;
use super::ais::{Ais, Side, forward, reverse};
use super::evaluation_config::EvaluationConfig;
use super::mean_field::log_unseen;
use super::model_states::ModelStates;

use crate::bits::BitMatrix;
use crate::error::Result;
use crate::gibbs::Path;
use crate::rng::{Purpose, Stream};

/// Rounds of both sides at most. The second has twice the steps and takes the place of the first:
/// where the effective sample size is short, that raises it by more than twice the chains would, as
/// the logarithm of its share is about −var(log w), which falls as one over the steps.
const MOST_ROUNDS: u64 = 2;

/// The witness has one step for so many of the forward side,
const WITNESS_SHARE: usize = 4;
/// and so have the scouts of each base;
const SCOUT_SHARE: usize = 8;
/// but neither has fewer than these, if that has as many.
const LEAST_STEPS: usize = 1000;

/// The share of log Z's mass that may lie in modes that nothing has seen: the interval leaves room for
/// it.
pub const UNSEEN_SHARE: f64 = 0.1;

/// What is known of log Z by annealed importance sampling.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evidence {
    /// Both sides on the path from the base.
    pub sides: Ais,
    /// A shorter forward run from a uniform base: it knows nothing of what led to the base.
    pub witness: Side,
    /// A lower bound on the logarithm of the mass of modes that mean field finds and no chain saw; −∞
    /// where it finds none.
    pub log_unseen: f64,
    /// Rounds of both sides, 1 or 2: the second has twice the steps that were asked for.
    pub n_rounds: u64,
    /// Where the chains of the reverse side came from.
    pub reverse_start: ReverseStart,
}

/// Where chains started that were led to the model and annealed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReverseStart {
    /// At the states that were given.
    Given,
    /// At ends of forward runs made for that.
    Scouts,
    /// At such ends in the last round, as the states that were given turned out not to be in the
    /// model's distribution.
    ScoutsInstead,
}

impl Evidence {
    /// log Z's interval: from the lowest to the highest end of the 99 % intervals of forward and
    /// reverse side, and above that room for modes that no chain saw: of [`UNSEEN_SHARE`] of the
    /// mass, and of what mean field finds. Where the verdict is `believable`, it is meant to hold for
    /// 99 % of models.
    pub fn interval(&self) -> (f64, f64) {
        let (forward, reverse) = (&self.sides.forward, &self.sides.reverse);
        let [(low, high), (other_low, other_high)] = [forward, reverse].map(Side::interval_99);
        let room = libm::log1p(UNSEEN_SHARE + self.unseen_share());
        (low.min(other_low), high.max(other_high) + room)
    }

    /// The mass of modes that mean field finds and no chain saw, at least, over what the chains saw.
    pub fn unseen_share(&self) -> f64 {
        libm::exp(self.log_unseen - self.sides.bennett.log_z)
    }
}

/// Anneals along `path`, a step for each of `betas`, and gathers the rest.
///
/// # Errors
/// As [`Path::new`].
pub(super) fn gather(
    path: &Path<'_>,
    betas: &[f64],
    model_states: Option<&BitMatrix>,
    config: &EvaluationConfig,
    progress: Progress<'_>,
) -> Result<Evidence> {
    let EvaluationConfig { n_chains, schedule, burn_in, seed, .. } = *config;
    let streams = |purpose, first: u64| -> Vec<Stream> {
        (first..first + n_chains as u64).map(|chain| Stream::new(seed, purpose, chain)).collect()
    };
    let (model, n_steps) = (path.model(), betas.len());
    let rbm = model.rbm;
    let uniform = Path::new(model, &rbm.visible_units().uniform_rates())?;
    let of_witness = schedule.of_witness(&uniform, share(n_steps, WITNESS_SHARE), seed, progress);
    let own = streams(Purpose::Witness, 0);
    let (log_weights, _) = forward(&uniform, &of_witness, own, ("witness", progress));
    let witness = Side::forward(&uniform, &log_weights);

    let scouted = || {
        let n = share(n_steps, SCOUT_SHARE);
        let [from_base, from_uniform] = [thinned(betas, n), thinned(&of_witness, n)];
        let paths = [(path, &from_base[..]), (&uniform, &from_uniform[..])];
        ModelStates::scouted(&paths, n_chains, seed, progress)
    };
    let (mut model_states, mut reverse_start) = match model_states {
        Some(given) => (ModelStates::given(given, n_chains), ReverseStart::Given),
        None => (scouted(), ReverseStart::Scouts),
    };
    let (mut betas, mut visited) = (betas.to_vec(), Vec::new());
    for round in 0.. {
        let first = round * n_chains as u64;
        let own = streams(Purpose::ForwardAnnealing, first);
        let (rising, ends) = forward(path, &betas, own, ("annealing", progress));
        let (model, own) = model_states.led_to_model(path, burn_in, (seed, first), progress);
        let falling = reverse(path, &betas, (&model, &own), progress);
        visited.extend([ends, model]);

        let falling = (&falling[..], &model_states.families[..]);
        let sides = Ais::of_weights(path.log_z_of_base(), &rising, falling, betas.len());
        if round + 1 == MOST_ROUNDS || sides.is_enough() {
            let log_unseen = log_unseen(rbm, &BitMatrix::concatenate(&visited), seed);
            return Ok(Evidence { sides, witness, log_unseen, n_rounds: round + 1, reverse_start });
        }
        betas = doubled(&betas);
        if reverse_start == ReverseStart::Given && sides.is_below() {
            // The given chains are not in the model's distribution: scouts may be.
            (model_states, reverse_start) = (scouted(), ReverseStart::ScoutsInstead);
        }
    }
    unreachable!("the rounds end")
}

/// The steps of a run that has its share of them.
fn share(n_steps: usize, share: usize) -> usize {
    n_steps.div_ceil(share).max(n_steps.min(LEAST_STEPS))
}

/// Every so many of the steps of a schedule, the last among them: `n`, or somewhat more.
fn thinned(betas: &[f64], n: usize) -> Vec<f64> {
    let mut some: Vec<f64> =
        betas.iter().rev().step_by((betas.len() / n).max(1)).copied().collect();
    some.reverse();
    some
}

/// Every step in two halves.
fn doubled(betas: &[f64]) -> Vec<f64> {
    let from = std::iter::once(&0.0).chain(betas);
    from.zip(betas).flat_map(|(from, to)| [f64::midpoint(*from, *to), *to]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinned_schedules_end_at_the_model() {
        let betas: Vec<f64> = (1..=10).map(|step| f64::from(step) / 10.0).collect();
        assert_eq!(thinned(&betas, 3), [0.1, 0.4, 0.7, 1.0]);
        assert_eq!(thinned(&betas, 10), betas);
        assert_eq!(doubled(&[0.5, 0.5, 1.0]), [0.25, 0.5, 0.5, 0.5, 0.75, 1.0]);
        assert_eq!([share(36_000, 4), share(2000, 4), share(500, 4)], [9000, 1000, 500]);
    }
}
