//! The mixing check during training, with a small budget.

use crate::dataset::WeightedBits;
use crate::error::Result;
use crate::evaluate::exact::n_enumerated;
use crate::evaluate::mixing::{Check, Extent, ModelSamples};
use crate::evaluate::{Base, Exact, Mixing};
use crate::gibbs::FixedModel;
use crate::train::{Missing, Objective, Trainer};
use crate::watch::Watch;

/// Chains of each start, and their sweeps.
const EXTENT: Extent = Extent { n_chains: 128, n_sweeps: 50 };

/// The sweeps of training, for each sweep of a check: checks take a few per cent of its time.
const PRICE: u64 = 30;

/// States that are enumerated in the time of a sweep of a chain, or less.
const STATES_A_SWEEP: u64 = 4;

/// Whether a check is due after the last update of a trainer: after 1, 2, 4, 8, … epochs, if training so far is worth
/// it, and at the end of the run.
pub fn is_due(trainer: &Trainer) -> bool {
    let (updates, chains) = (trainer.updates(), 2 * EXTENT.n_chains * EXTENT.n_sweeps);
    let is_power = updates.is_multiple_of(trainer.updates_per_epoch())
        && (updates / trainer.updates_per_epoch()).is_power_of_two();
    let has_chains = trainer.config().objective != Objective::Discriminative;
    let is_worth_it = chains as u64 * PRICE <= sweeps(trainer);
    has_chains && (updates == trainer.total_updates() || is_power && is_worth_it)
}

/// Sweeps that training has done, where an example counts as one.
fn sweeps(trainer: &Trainer) -> u64 {
    let config = trainer.config();
    let n_chains = trainer.chains().n_chains() * config.gibbs_steps;
    trainer.updates() * (config.batch_size + n_chains) as u64
}

/// Checks the model of a trainer on rows (N, V). Its own samples are drawn only if it can be enumerated at the
/// price of a check.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub fn measure(
    trainer: &Trainer,
    model: FixedModel<'_>,
    rows: &WeightedBits,
    watch: Watch<'_>,
) -> Result<Option<Mixing>> {
    // Examples whose sites are absent have models of their own.
    if rows.missing().is_some() && trainer.config().missing == Some(Missing::Absent) {
        return Ok(None);
    }
    let FixedModel { rbm, weights } = model;
    let seed = trainer.config().seed;
    let n_units = n_enumerated(rbm.visible_units(), rbm.n_hidden()) as u32;
    let price = 1_u64.checked_shl(n_units).map(|states| states / STATES_A_SWEEP * PRICE);
    let exact = price.filter(|price| *price <= sweeps(trainer));
    let samples = exact.map(|_| {
        let exact = Exact::watched(rbm, weights.isa(), watch)?;
        ModelSamples::exact(&exact, seed, watch)
    });
    let samples = samples.transpose()?;
    let mean = trainer.examples().mean();
    let base = Base::of_mean(rbm.visible_units(), &mean, "mean of the training data");
    let check = Check { model, rates: &base.rates, extent: EXTENT, seed, watch };
    check.run(rows.into(), samples.as_ref())
}
