//! The evidence on log Z that an evaluation by AIS gathers.
//!
//! ```text
//!  base ────► scouts ──┐                     ┌──► forward side ──┐
//!  uniform ─► scouts ──┴─► model states ─────┼──► reverse side ──┼─► enough? else with twice the steps
//!  (or chains of the training) ──────────────┘                   │
//!  uniform ─► witness ───────────────────────────────────────────┼─► Evidence ──► Verdict
//!  ends of all chains ─► mean field: modes that they did not see ┘
//! ```

use super::ais::{Ais, Side, forward, reverse};
use super::evaluation_config::EvaluationConfig;
use super::mean_field::log_unseen;
use super::model_states::ModelStates;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::gibbs::{AnnealedChains, Chains, Path};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::rng::{Purpose, Stream};
use crate::watch::Watch;

/// The most rounds of both sides. The second has twice the steps and replaces the first. This raises a
/// short effective sample size more than twice the chains would: the logarithm of its share is about
/// −var(log w), which is proportional to 1 / steps.
const MOST_ROUNDS: u64 = 2;

/// The steps of the forward side for each step of the witness.
const WITNESS_SHARE: usize = 4;
/// The steps of the forward side for each step of the scouts of a base.
const SCOUT_SHARE: usize = 8;
/// The fewest steps of the witness and the scouts, unless the forward side has fewer.
const LEAST_STEPS: usize = 1000;

/// The share of Z that may lie in modes that nothing has seen. The interval leaves room for it.
pub const UNSEEN_SHARE: f64 = 0.1;

/// What annealed importance sampling and mean field find out about log Z.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Evidence {
    /// Both sides on the path from the base.
    pub sides: Ais,
    /// A shorter forward run from a uniform base, which does not depend on the base of the path.
    pub witness: Side,
    /// A lower bound on the logarithm of the mass of modes that mean field finds and no chain saw; −∞
    /// if it finds none.
    pub log_unseen: f64,
    /// Rounds of both sides, 1 or 2. The second has twice the requested steps.
    pub n_rounds: u64,
    /// Where the chains of the reverse side started.
    pub reverse_start: ReverseStart,
}

/// Where the forward side ended in the last round.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ends {
    /// v (C, V).
    pub visible: BitMatrix,
    /// The log-weights (C).
    pub log_weights: Vec<f64>,
}

/// The room above log Z for modes that nothing has seen, and for those that mean field finds: with a share s of the
/// seen mass they would raise it by log(1 + s).
pub(super) fn room(unseen_share: f64) -> f64 {
    libm::log1p(UNSEEN_SHARE + unseen_share)
}

/// Where the chains of the reverse side started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReverseStart {
    /// At the given states.
    Given,
    /// At ends of separate forward runs, the scouts.
    Scouts,
    /// At scouts in the last round, because the given states turned out not to be in the model's
    /// distribution.
    ScoutsInstead,
}

impl Evidence {
    /// log Z's interval. It spans the 99 % intervals of both sides, and has room above for modes that no
    /// chain saw: for [`UNSEEN_SHARE`] of the mass, and for the mass that mean field finds. If the
    /// verdict is `believable`, it is meant to hold for 99 % of models.
    pub fn interval(&self) -> (f64, f64) {
        let (forward, reverse) = (&self.sides.forward, &self.sides.reverse);
        let [(low, high), (other_low, other_high)] = [forward, reverse].map(Side::interval_99);
        (low.min(other_low), high.max(other_high) + room(self.unseen_share()))
    }

    /// At least the mass of modes that mean field finds and no chain saw, relative to the mass that chains saw.
    pub fn unseen_share(&self) -> f64 {
        libm::exp(self.log_unseen - self.sides.bennett.log_z)
    }
}

/// The memory of [`gather`] with C chains on each side of a model (V, H).
pub(super) fn bytes(n_chains: usize, visible: &Layout, n_hidden: usize) -> Bytes {
    // Chains are annealed and led to the model in turn. The states that they visited stay: two a round,
    // copied once, and those from which they start.
    let states = BitMatrix::bytes(n_chains, visible.n_units()) * (4 * MOST_ROUNDS as usize + 2);
    let chains = AnnealedChains::bytes(n_chains, visible, n_hidden)
        .max(Chains::bytes(n_chains, visible, n_hidden));
    let each = Bytes::of::<Stream>(&[n_chains]) + Bytes::of::<[f64; 8]>(&[n_chains]);
    chains + states + each
}

/// Anneals both sides along `path`, a step for each of `betas`, and gathers the rest of the evidence. Returns it with
/// the ends of the forward side.
///
/// # Errors
/// As [`Path::new`], and [`Error::Interrupted`](crate::Error::Interrupted).
pub(super) fn gather(
    path: &Path<'_>,
    betas: &[f64],
    model_states: Option<&BitMatrix>,
    config: &EvaluationConfig,
    watch: Watch<'_>,
) -> Result<(Evidence, Ends)> {
    let EvaluationConfig { n_chains, schedule, burn_in, seed, .. } = *config;
    let streams = |purpose, first: u64| -> Vec<Stream> {
        (first..first + n_chains as u64).map(|chain| Stream::new(seed, purpose, chain)).collect()
    };
    let (model, n_steps) = (path.model(), betas.len());
    let rbm = model.rbm;
    let uniform = Path::new(model, &rbm.visible_units().uniform_rates())?;
    let of_witness = schedule.of_witness(&uniform, share(n_steps, WITNESS_SHARE), seed, watch)?;
    let own = streams(Purpose::Witness, 0);
    let (log_weights, _) = forward(&uniform, &of_witness, own, "witness", watch)?;
    let witness = Side::forward(&uniform, &log_weights);

    let scouted = || {
        let n = share(n_steps, SCOUT_SHARE);
        let [from_base, from_uniform] = [thinned(betas, n), thinned(&of_witness, n)];
        let paths = [(path, &from_base[..]), (&uniform, &from_uniform[..])];
        ModelStates::scouted(&paths, n_chains, seed, watch)
    };
    let (mut model_states, mut reverse_start) = match model_states {
        Some(given) => (ModelStates::given(given, n_chains), ReverseStart::Given),
        None => (scouted()?, ReverseStart::Scouts),
    };
    let (mut betas, mut visited) = (betas.to_vec(), Vec::new());
    for round in 0.. {
        let first = round * n_chains as u64;
        let own = streams(Purpose::ForwardAnnealing, first);
        let (rising, ends) = forward(path, &betas, own, "annealing", watch)?;
        let own = streams(Purpose::ReverseAnnealing, first);
        let model = model_states.led_to_model(path, burn_in, own, watch)?;
        let falling = reverse(path, &betas, &model, watch)?;
        visited.extend([ends.clone(), model.visible]);

        let (log_z_of_base, families) = (path.log_z_of_base(), &model_states.families);
        let sides = Ais::of_weights(log_z_of_base, &rising, &falling, families, betas.len());
        if round + 1 == MOST_ROUNDS || sides.is_enough() {
            let (states, ranks) =
                (BitMatrix::concatenate(&visited), &path.weights().ranks_of_chains);
            let log_unseen = log_unseen(rbm, &states, seed, ranks, watch)?;
            let n_rounds = round + 1;
            let evidence = Evidence { sides, witness, log_unseen, n_rounds, reverse_start };
            return Ok((evidence, Ends { visible: ends, log_weights: rising }));
        }
        betas = doubled(&betas);
        if reverse_start == ReverseStart::Given && sides.is_below() {
            // The given states are not in the model's distribution; scouts may be.
            (model_states, reverse_start) = (scouted()?, ReverseStart::ScoutsInstead);
        }
    }
    unreachable!("the last round returns")
}

/// The steps of a run that has one step for each `share` of `n_steps`, but at least [`LEAST_STEPS`].
fn share(n_steps: usize, share: usize) -> usize {
    n_steps.div_ceil(share).max(n_steps.min(LEAST_STEPS))
}

/// Every k-th step of a schedule, with the last one: `n` steps, or somewhat more.
fn thinned(betas: &[f64], n: usize) -> Vec<f64> {
    let mut some: Vec<f64> =
        betas.iter().rev().step_by((betas.len() / n).max(1)).copied().collect();
    some.reverse();
    some
}

/// Splits every step into two halves.
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
