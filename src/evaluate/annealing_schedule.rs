//! The inverse temperatures of annealing.

use crate::error::{Error, Result};
use crate::gibbs::{AnnealedChains, Path};
use crate::rng::{Purpose, Stream};
use crate::setting::did_you_mean;
use crate::watch::Watch;
use std::fmt;
use std::str::FromStr;

/// The inverse temperatures that chains pass from β = 0 to 1. As text: `adaptive`, `adaptive:30000`,
/// `linear:10000` or `sm2008`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnnealingSchedule {
    /// Steps that each add the same to var(log w), by the covariance with log w that a pilot run
    /// measures. The pilot sets their number, too.
    #[default]
    Adaptive,
    /// Adaptive steps of a given number.
    AdaptiveSteps(usize),
    /// Equal steps of a given number.
    Linear(usize),
    /// 1,000 equal steps per unit up to 0.5, 10,000 to 0.9 and 100,000 to 1: 14,500 in all
    /// (Salakhutdinov and Murray, 2008).
    Sm2008,
}

/// The largest number of steps.
pub const MAX_STEPS: usize = 10_000_000;

/// Steps of the two pilot runs: equal steps first, then steps that the first run suggests.
const PILOTS: [usize; 2] = [1000, 3000];

/// Chains of a pilot run.
const PILOT_CHAINS: u64 = 100;

/// Segments of the path whose share of the variance a pilot measures.
const SEGMENTS: usize = 50;

/// The var(log w) for which [`AnnealingSchedule::Adaptive`] chooses its number of steps.
const AIM: f64 = 0.5;

/// The fewest and the most steps of [`AnnealingSchedule::Adaptive`].
const ADAPTIVE_STEPS: (usize, usize) = (1000, 30_000);

/// Steps of an adapted schedule at one β. The first weighs and sweeps, the others only sweep. This
/// costs less and, with many temperatures, loses nothing.
const SWEEPS: usize = 3;

/// The fewest temperatures of an adapted schedule that makes several sweeps at each.
const LEAST_TEMPERATURES: usize = 2000;

impl AnnealingSchedule {
    /// Returns β after each step, rising to 1, without the start at 0. Pilot runs draw from `seed`.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] if the number of steps is 0 or above [`MAX_STEPS`];
    /// [`Error::Interrupted`].
    pub fn betas(self, path: &Path<'_>, seed: u64, watch: Watch<'_>) -> Result<Vec<f64>> {
        match self {
            Self::Adaptive => adapted(path, None, seed, Purpose::PilotAnnealing, watch),
            Self::AdaptiveSteps(n) => {
                self.check(n)?;
                adapted(path, Some(n), seed, Purpose::PilotAnnealing, watch)
            }
            Self::Linear(n) => {
                self.check(n)?;
                Ok(linear(n))
            }
            Self::Sm2008 => {
                let parts = [(0.0, 0.5, 500), (0.5, 0.9, 4000), (0.9, 1.0, 10_000)];
                let of_part = |(from, to, n): (f64, f64, usize)| {
                    linear(n).into_iter().map(move |share| from + (to - from) * share)
                };
                Ok(parts.into_iter().flat_map(of_part).collect())
            }
        }
    }

    /// Returns β after each of `n_steps` steps of the witness, whose `path` starts from a uniform base.
    /// The steps are adapted to the path if this schedule is adaptive, else equal.
    pub(super) fn of_witness(
        self,
        path: &Path<'_>,
        n_steps: usize,
        seed: u64,
        watch: Watch<'_>,
    ) -> Result<Vec<f64>> {
        match self {
            Self::Adaptive | Self::AdaptiveSteps(_) => {
                adapted(path, Some(n_steps), seed, Purpose::WitnessPilot, watch)
            }
            Self::Linear(_) | Self::Sm2008 => Ok(linear(n_steps)),
        }
    }

    fn check(self, n_steps: usize) -> Result<()> {
        if (1..=MAX_STEPS).contains(&n_steps) { Ok(()) } else { Err(invalid(&self.to_string())) }
    }
}

fn linear(n: usize) -> Vec<f64> {
    (1..=n).map(|step| step as f64 / n as f64).collect()
}

/// Makes two pilot runs, the second with the steps that the first suggests.
fn adapted(
    path: &Path<'_>,
    n_steps: Option<usize>,
    seed: u64,
    purpose: Purpose,
    watch: Watch<'_>,
) -> Result<Vec<f64>> {
    let total: usize = PILOTS.iter().sum();
    let count = watch.counter("pilot", total as u64 * PILOT_CHAINS);
    let streams = |first: u64| -> Vec<Stream> {
        (first..first + PILOT_CHAINS).map(|index| Stream::new(seed, purpose, index)).collect()
    };
    let mut betas = linear(PILOTS[0]);
    let mut segments = Segments::measure(path, &betas, streams(0), &count)?;
    betas = segments.spread(PILOTS[1]);
    segments = Segments::measure(path, &betas, streams(PILOT_CHAINS), &count)?;
    let n_steps = n_steps.unwrap_or_else(|| {
        // var(log w) is proportional to 1 / steps.
        let wanted = segments.variance / AIM * PILOTS[1] as f64;
        (wanted as usize).clamp(ADAPTIVE_STEPS.0, ADAPTIVE_STEPS.1)
    });
    if n_steps < SWEEPS * LEAST_TEMPERATURES {
        return Ok(segments.spread(n_steps));
    }
    let temperatures = segments.spread(n_steps.div_ceil(SWEEPS));
    Ok((0..n_steps).map(|step| temperatures[step / SWEEPS]).collect())
}

/// The result of a pilot run.
struct Segments {
    /// β at the ends of the segments, from 0 to 1.
    ends: Vec<f64>,
    /// The number of steps that each segment should have, up to a common factor.
    density: Vec<f64>,
    /// var(log w).
    variance: f64,
}

impl Segments {
    /// Runs chains along `betas`, one for each stream.
    ///
    /// log w = Σ_s x_s over the segments s, so var(log w) = Σ_s cov(x_s, log w). If segment s has n_s
    /// steps in place of m_s, its term becomes m_s/n_s times as large. For a fixed Σ n_s, the sum is
    /// least at n_s ∝ √(m_s cov(x_s, log w)). (Sivak and Crooks, 2012, find the same by way of the
    /// friction along the path.) The covariance takes the place of the variance of x_s, because chains
    /// that stay in one mode for long add alike in many segments.
    fn measure(
        path: &Path<'_>,
        betas: &[f64],
        mut streams: Vec<Stream>,
        count: &(dyn Fn(usize) -> Result<()> + Sync),
    ) -> Result<Self> {
        /// Segments on either side over which covariances are averaged, because a pilot is noisy.
        const REACH: usize = 2;
        /// The least density of a segment, as a share of the mean density.
        const LEAST: f64 = 0.05;
        let start = path.draw_base(&mut streams);
        let mut chains = AnnealedChains::new(path, 0.0, &start, &streams);
        let (mut ends, mut n_steps, mut added) = (vec![0.0], Vec::new(), Vec::new());
        let mut before = chains.log_weights()?;
        for betas in betas.chunks(betas.len().div_ceil(SEGMENTS)) {
            chains.advance(betas, count)?;
            let after = chains.log_weights()?;
            added.push(after.iter().zip(&before).map(|(a, b)| a - b).collect::<Vec<_>>());
            ends.push(betas[betas.len() - 1]);
            n_steps.push(betas.len() as f64);
            before = after;
        }
        let own: Vec<f64> = added.iter().map(|added| covariance(added, added)).collect();
        let shares: Vec<f64> = added.iter().map(|added| covariance(added, &before)).collect();
        let smooth = |at: usize| {
            let near = &shares[at.saturating_sub(REACH)..(at + REACH + 1).min(shares.len())];
            near.iter().sum::<f64>() / near.len() as f64
        };
        let mut density: Vec<f64> =
            (0..own.len()).map(|at| (n_steps[at] * smooth(at).max(own[at])).sqrt()).collect();
        let least = LEAST * density.iter().sum::<f64>() / density.len() as f64;
        // If the model is the base itself, no segment has a variance.
        density.iter_mut().for_each(|density| *density = density.max(least).max(1e-300));
        Ok(Self { ends, density, variance: covariance(&before, &before) })
    }

    /// Spreads `n` steps from 0 to 1 by the densities; steps within a segment are equal.
    fn spread(&self, n: usize) -> Vec<f64> {
        let total: f64 = self.density.iter().sum();
        let (mut segment, mut passed) = (0, 0.0);
        let mut betas: Vec<f64> = (1..=n)
            .map(|step| {
                let target = total * step as f64 / n as f64;
                while segment + 1 < self.density.len() && passed + self.density[segment] < target {
                    passed += self.density[segment];
                    segment += 1;
                }
                let share = ((target - passed) / self.density[segment]).min(1.0);
                self.ends[segment] + (self.ends[segment + 1] - self.ends[segment]) * share
            })
            .collect();
        betas[n - 1] = 1.0;
        betas
    }
}

fn covariance(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum::<f64>() / (n - 1.0)
}

fn invalid(value: &str) -> Error {
    let meant = did_you_mean(value, ["adaptive", "linear:N", "sm2008"]);
    Error::InvalidSetting {
        setting: "schedule",
        value: value.to_string(),
        rule: format!(
            "adaptive, adaptive:N, linear:N or sm2008, with N at least 1 and at most {MAX_STEPS}{meant}"
        ),
    }
}

impl FromStr for AnnealingSchedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, steps) = match text.split_once(':') {
            None => (text, None),
            Some((name, steps)) => (name, Some(steps.parse().map_err(|_| invalid(text))?)),
        };
        let schedule = match (name, steps) {
            ("adaptive", None) => Self::Adaptive,
            ("adaptive", Some(n)) => Self::AdaptiveSteps(n),
            ("linear", Some(n)) => Self::Linear(n),
            ("sm2008", None) => Self::Sm2008,
            _ => return Err(invalid(text)),
        };
        if let Self::AdaptiveSteps(n) | Self::Linear(n) = schedule {
            schedule.check(n)?;
        }
        Ok(schedule)
    }
}

impl fmt::Display for AnnealingSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adaptive => f.write_str("adaptive"),
            Self::AdaptiveSteps(n) => write!(f, "adaptive:{n}"),
            Self::Linear(n) => write!(f, "linear:{n}"),
            Self::Sm2008 => f.write_str("sm2008"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gibbs::{FixedModel, FixedWeights};
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use ndarray::{Array1, Array2};

    fn betas(schedule: AnnealingSchedule, weight: f32) -> Vec<f64> {
        let weights = Array2::from_shape_fn((20, 10), |(i, j)| weight * ((i + j) % 3) as f32);
        let rbm = Rbm::new(weights, Array1::from_elem(20, -1.0), Array1::zeros(10)).unwrap();
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let path =
            Path::new(FixedModel { rbm: &rbm, weights: &weights }, &Array1::from_elem(20, 0.3))
                .unwrap();
        schedule.betas(&path, 1, Watch::default()).unwrap()
    }

    #[test]
    fn every_schedule_rises_to_one() {
        for (text, n_steps) in [
            ("linear:7", Some(7)),
            ("sm2008", Some(14_500)),
            ("adaptive:500", Some(500)),
            ("adaptive:10000", Some(10_000)),
            ("adaptive:1", Some(1)),
            ("adaptive", None),
        ] {
            let schedule: AnnealingSchedule = text.parse().unwrap();
            assert_eq!(schedule.to_string(), text);
            for weight in [0.0, 0.5] {
                let betas = betas(schedule, weight);
                assert!(betas.is_sorted() && betas[0] > 0.0, "{text}");
                assert_eq!(betas.last(), Some(&1.0), "{text}");
                assert!(n_steps.is_none_or(|n| n == betas.len()), "{text}: {}", betas.len());
            }
        }
    }

    #[test]
    fn the_published_schedule_has_its_parts() {
        let betas = betas(AnnealingSchedule::Sm2008, 0.5);
        for (at, step) in [(100, 1e-3), (499, 1e-3), (500, 1e-4), (4499, 1e-4), (4500, 1e-5)] {
            assert!((betas[at] - betas[at - 1] - step).abs() < 1e-12, "{at}");
        }
    }

    #[test]
    fn steps_are_dense_where_the_variance_is() {
        let segments =
            Segments { ends: vec![0.0, 0.5, 1.0], density: vec![1.0, 3.0], variance: 1. };
        let expected = [0.25, 0.5, 0.5 + 0.5 / 6.0, 0.5 + 1.0 / 6.0];
        let betas = segments.spread(8);
        for (found, expected) in betas.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{betas:?}");
        }
    }

    #[test]
    fn other_text_is_an_error() {
        for text in ["", "linear", "linear:0", "adaptive:x", "sm2008:3", "linear:-1", "log:5"] {
            let error = text.parse::<AnnealingSchedule>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("schedule is {text}, but must be")), "{error}");
        }
    }
}
