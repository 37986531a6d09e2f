//! How many updates a time budget is enough for.

use crate::error::Result;
use crate::monitor::{Likelihood, Probe};
use crate::setting::check;
use crate::train::Trainer;
use std::time::{Duration, Instant};

/// Share of the budget in which the speed is measured, and the longest time for it.
const MEASURED_SHARE: f64 = 0.05;
const LONGEST: Duration = Duration::from_secs(3);

/// Updates that are not counted: the first ones warm up.
const WARM_UP: u64 = 5;

/// Share of the budget that is left for results, and for what is slower than it was measured.
const RESERVE: f64 = 0.03;

/// The updates for which `left` is enough on this machine, by the speed of a copy of the trainer,
/// with a record at the end of each epoch and an evaluation of the log-likelihood, if any, every so
/// many epochs.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if that is none, and as
/// [`Trainer::update`] and [`Likelihood::measure`].
pub fn updates(
    trainer: &Trainer,
    probe: &Probe,
    evaluation: Option<(&Likelihood, usize)>,
    left: Duration,
) -> Result<u64> {
    let measured = left.mul_f64(MEASURED_SHARE).min(LONGEST);
    let start = Instant::now();
    let mut copy = trainer.clone();
    let mut first = (start, 0);
    while !copy.is_done() && (start.elapsed() < measured || copy.updates() <= 2 * WARM_UP) {
        copy.update()?;
        if copy.updates() == WARM_UP {
            first = (Instant::now(), WARM_UP);
        }
    }
    let update = first.0.elapsed().as_secs_f64() / (copy.updates() - first.1).max(1) as f64;
    let seconds = |work: &dyn Fn() -> Result<()>| {
        let start = Instant::now();
        work().map(|()| start.elapsed().as_secs_f64())
    };
    let record = seconds(&|| probe.measure(&copy, 0.0, 0.0).map(drop))?;
    let (evaluation, every) = match evaluation {
        None => (0.0, 1),
        Some((likelihood, every)) => (seconds(&|| likelihood.measure(&copy).map(drop))?, every),
    };
    let left = (left.as_secs_f64() * (1.0 - RESERVE) - start.elapsed().as_secs_f64()).max(0.0);
    let per_epoch = record + evaluation / every as f64;
    let per_update = update + per_epoch / trainer.updates_per_epoch() as f64;
    // The last epoch is cut short, and has its record and evaluation all the same.
    let updates = ((left - record - evaluation) / per_update).floor();
    check("time_budget", format!("{left:.1} s"), updates >= 1.0, || {
        format!(
            "more, or evaluate_every less often: an update takes {update:.3} s, a record \
             {record:.2} s, an evaluation {evaluation:.1} s"
        )
    })?;
    Ok(updates as u64)
}
