//! The number of updates that fit into a time budget.

use super::results::CD_SWEEPS;
use crate::error::{Error, Result};
use crate::gibbs::FixedModel;
use crate::monitor::training::MOST_RECORDS;
use crate::monitor::{Likelihood, OnlineLogZ, Probe, WeightChange};
use crate::setting::check;
use crate::train::{TrainConfig, Trainer};
use crate::watch::Watch;
use std::time::{Duration, Instant};

/// The share of the budget in which the speed is measured.
const MEASURED_SHARE: f64 = 0.05;

/// The longest time for this measurement.
const LONGEST: Duration = Duration::from_secs(3);

/// The first updates warm up and are not timed.
const WARM_UP: u64 = 5;

/// The share of the budget that is reserved for results, and for errors of the measurement.
const RESERVE: f64 = 0.03;

/// The mean time of an update, in updates at least `until` then.
fn seconds_of_update(
    trainer: &mut Trainer,
    mut log_z: Option<&mut OnlineLogZ>,
    until: Instant,
    watch: Watch<'_>,
) -> Result<f64> {
    let mut first = Instant::now();
    while Instant::now() < until || trainer.updates() <= 2 * WARM_UP || !trainer.others_listen() {
        if Instant::now() >= until {
            // The last one: the others listen after it.
            trainer.ranks().wish(1);
        }
        trainer.update_watched(watch)?;
        log_z.iter_mut().for_each(|log_z| log_z.after_update(trainer));
        if trainer.updates() == WARM_UP {
            first = Instant::now();
        }
    }
    Ok(first.elapsed().as_secs_f64() / (trainer.updates() - WARM_UP) as f64)
}

/// The number of updates that fit into the time `left` on this computer. `begin` makes a trainer whose
/// speed is measured, and the chains that follow it, if any do. The time includes a record after each epoch,
/// and `evaluation`, if any, with the number of epochs between two evaluations.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if no update fits; errors of
/// [`Trainer::update_watched`] and [`Likelihood::measure`].
pub fn updates(
    begin: impl FnOnce(TrainConfig) -> Result<(Trainer, Option<OnlineLogZ>)>,
    config: &TrainConfig,
    probe: &Probe,
    evaluation: Option<(&Likelihood, usize)>,
    left: Duration,
    watch: Watch<'_>,
) -> Result<u64> {
    let start = Instant::now();
    let last = config.gibbs_steps_last.unwrap_or(config.gibbs_steps);
    let (mut trainer, mut log_z) = begin(TrainConfig {
        // A run without end; its number of sweeps is the mean over the planned run.
        updates: Some(u64::MAX >> 16),
        gibbs_steps: config.gibbs_steps.midpoint(last),
        gibbs_steps_last: None,
        ..config.clone()
    })?;
    let measured = left.mul_f64(MEASURED_SHARE).min(LONGEST);
    let update = seconds_of_update(&mut trainer, log_z.as_mut(), start + measured, watch);
    if !matches!(update, Err(Error::Diverged { .. })) {
        // Of a training that diverges all ranks know.
        trainer.dismiss()?;
    }
    let update = update?;
    let seconds = |work: &dyn Fn() -> Result<()>| {
        let start = Instant::now();
        work().map(|()| start.elapsed().as_secs_f64())
    };
    let change = WeightChange::new(&trainer);
    let (rbm, weights) = (trainer.model(), trainer.fixed_weights());
    let model = FixedModel { rbm: &rbm, weights: &weights };
    let record =
        seconds(&|| probe.score(&trainer, &mut probe.record(&trainer, &change), model, watch))?;
    let (evaluation, every) = match evaluation {
        None => (0.0, 1),
        Some((likelihood, every)) => {
            (seconds(&|| likelihood.measure(&trainer, model, watch).map(drop))?, every)
        }
    };
    // The last epoch may be cut short but still has a record and an evaluation; after contrastive
    // divergence, sweeps lead the samples to the model.
    let are_samples = config.algorithm.chains_are_samples();
    let end = record + evaluation + if are_samples { 0.0 } else { update * CD_SWEEPS as f64 };
    let left = left.as_secs_f64() * (1.0 - RESERVE) - start.elapsed().as_secs_f64() - end;
    let per_epoch = update * trainer.updates_per_epoch() as f64 + evaluation / every as f64;
    // epochs · per_epoch + min(epochs, MOST_RECORDS) · record ≤ left
    let most_records = record * MOST_RECORDS as f64;
    let epochs = (left / (per_epoch + record)).max((left - most_records) / per_epoch);
    let updates = (epochs * trainer.updates_per_epoch() as f64).floor();
    check("time_budget", format!("{:.1} s", left + end), updates >= 1.0, || {
        format!(
            "more: an update takes {update:.3} s, a record {record:.2} s, an evaluation of \
             evaluate_every {evaluation:.1} s"
        )
    })?;
    Ok(updates as u64)
}
