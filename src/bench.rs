//! Times the stages of an update on the user's computer.

use crate::dataset::Examples;
use crate::error::Result;
use crate::kernels::Isa;
use crate::ranks::Ranks;
use crate::threads::in_pool;
use crate::train::{Ascent, Schedule, TrainConfig, Trainer};
use crate::watch::Watch;
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The four stages, in the order of an update.
pub const STAGES: [&str; 4] = ["data", "h to v", "v to h", "statistics+update"];

/// The times of one size of model and batch on one number of threads.
#[derive(Clone, Debug, Serialize)]
pub struct Timing {
    /// H.
    pub hidden: usize,
    /// N and C, which are equal.
    pub batch_size: usize,
    /// Ranks.
    pub ranks: usize,
    /// Threads of each.
    pub threads: usize,
    /// Updates that were timed.
    pub n_updates: usize,
    /// Training examples a second, by the median update.
    pub samples_per_second: f64,
    /// Sweeps a second, all chains together, by the median update.
    pub chain_sweeps_per_second: f64,
    /// The rate relative to the first number of threads in the list.
    pub speed_up: f64,
    /// The speed-up for each additional thread: 1 if twice as many are twice as fast.
    pub efficiency: f64,
    /// The one of [`STAGES`] that loses most time to its ideal; none for the first number of threads.
    pub limit: Option<&'static str>,
    /// Bytes that the first rank gets from others in an update.
    pub bytes: f64,
    /// Milliseconds of an update: least, median, most.
    pub update_ms: [f64; 3],
    /// Share of the time that each of [`STAGES`] takes, 0 to 1.
    pub stage_shares: [f64; 4],
    /// Milliseconds of each stage: least, median, most.
    pub stage_ms: [[f64; 3]; 4],
}

/// The sizes and numbers of threads to time.
#[derive(Clone, Debug)]
pub struct Plan {
    /// All settings that the lists below do not vary.
    pub config: TrainConfig,
    /// Numbers of hidden units.
    pub hidden: Vec<usize>,
    /// Batch sizes, which are also the numbers of chains.
    pub batch_sizes: Vec<usize>,
    /// The instruction set.
    pub isa: Isa,
    /// Those who make each update together.
    pub ranks: Ranks,
    /// Numbers of threads. Speed-ups are relative to the first.
    pub threads: Vec<usize>,
    /// Updates before those that are timed, in which hidden activity settles.
    pub warm_up: usize,
    /// The least time of each measurement, which has at least 20 updates.
    pub time: Duration,
}

/// Times every combination of the plan, and reports each result as it comes.
///
/// # Errors
/// As [`Trainer::with_isa`] and [`Trainer::update`].
pub fn run(plan: &Plan, examples: &Arc<Examples>, mut report: impl FnMut(&Timing)) -> Result<()> {
    for &hidden in &plan.hidden {
        for &batch_size in &plan.batch_sizes {
            let config = TrainConfig {
                hidden: Some(hidden),
                batch_size,
                chains: Some(batch_size),
                epochs: Some(usize::MAX >> 24),
                schedule: Schedule::Constant,
                ..plan.config.clone()
            };
            // A trainer that has settled, and a copy of it for each number of threads in turn.
            let (n_examples, n_visible) = (examples.n_examples(), examples.n_visible());
            let for_data = TrainConfig { batch_size, ..config.for_data(n_examples, n_visible) };
            let copy = Ascent::needs(&for_data, batch_size, examples.units().layout());
            Ascent::check_memory(&for_data, batch_size, examples.units().layout(), &copy)?;
            let most = plan.threads.iter().copied().max();
            let settled = in_pool(most, || {
                let mut trainer = Trainer::with_isa(config, examples.clone(), None, plan.isa)?;
                (0..plan.warm_up).try_for_each(|_| trainer.update())?;
                Ok(trainer)
            })?;
            let mut first = None;
            for &threads in &plan.threads {
                let trainer = settled.clone().spread(plan.ranks.clone());
                if plan.ranks.rank() > 0 {
                    in_pool(Some(threads), || trainer.follow(&|| 0))?;
                    continue;
                }
                let timing = in_pool(Some(threads), || time(trainer, threads, plan.time))?;
                let first = first.get_or_insert_with(|| timing.clone());
                report(&timing.clone().beside(first));
            }
        }
    }
    Ok(())
}

impl Timing {
    /// The same times, compared with those on the first number of threads.
    fn beside(self, first: &Self) -> Self {
        let speed_up = self.samples_per_second / first.samples_per_second;
        let more = self.threads as f64 / first.threads as f64;
        let losses = self.stage_ms.iter().zip(&first.stage_ms);
        let losses = losses.map(|([_, own, _], [_, first, _])| own - first / more);
        let limit = STAGES.into_iter().zip(losses).max_by(|(_, a), (_, b)| a.total_cmp(b));
        let limit = limit.map(|(stage, _)| stage).filter(|_| self.threads != first.threads);
        Self { speed_up, efficiency: speed_up / more, limit, ..self }
    }
}

/// Times one trainer in the present thread pool.
fn time(mut trainer: Trainer, threads: usize, least_time: Duration) -> Result<Timing> {
    /// Updates that only warm up caches and threads.
    const WARM: usize = 10;
    let mut times: [Vec<f64>; 4] = Default::default();
    let mut updates = Vec::new();
    let (start, bytes) = (Instant::now(), trainer.ranks().bytes());
    while updates.len() < 20 + WARM || start.elapsed() < least_time {
        let mut marks = vec![Instant::now()];
        trainer.update_in_stages(Watch::default(), || marks.push(Instant::now()))?;
        for (stage, times) in times.iter_mut().enumerate() {
            times.push(milliseconds(marks[stage], marks[stage + 1]));
        }
        updates.push(milliseconds(marks[0], marks[4]));
    }
    let bytes = (trainer.ranks().bytes() - bytes) as f64 / updates.len() as f64;
    // After one more update the other ranks listen.
    trainer.ranks().wish(1);
    trainer.update()?;
    trainer.dismiss()?;
    let stage_ms = times.map(|times| spread(&times[WARM..]));
    let update_ms = spread(&updates[WARM..]);
    let total: f64 = stage_ms.iter().map(|[_, median, _]| median).sum();
    let per_second = |n: usize| n as f64 * 1000.0 / update_ms[1];
    let config = trainer.config();
    Ok(Timing {
        hidden: config.n_hidden(),
        batch_size: config.batch_size,
        ranks: trainer.ranks().size(),
        threads,
        n_updates: updates.len() - WARM,
        samples_per_second: per_second(config.batch_size),
        chain_sweeps_per_second: per_second(config.n_chains() * config.gibbs_steps),
        speed_up: 1.0,
        efficiency: 1.0,
        limit: None,
        bytes,
        update_ms,
        stage_shares: stage_ms.map(|[_, median, _]| median / total),
        stage_ms,
    })
}

fn milliseconds(from: Instant, to: Instant) -> f64 {
    (to - from).as_secs_f64() * 1000.0
}

/// The least, the median and the most.
fn spread(times: &[f64]) -> [f64; 3] {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}
