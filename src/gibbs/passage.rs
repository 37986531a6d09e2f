//! How well states pass along a ladder, and what their samples are then worth.

use std::fmt;

/// The round trips of a state after which samples may be trusted. (On two modes of a model of 40 bits, between which
/// the path of temperatures has a bottleneck, samples had shares of 0.15 after 2 round trips, 0.32 after 9 and 0.38
/// after 26, where 0.37 was right; along a ladder of models 0.35 after 5.)
const ENOUGH_ROUND_TRIPS: f64 = 10.0;

/// The largest [drift](Passage::drift) of samples that may be trusted. Of 1,000 units that do not drift, one
/// exceeds it in 1 of 150 cases.
pub const MOST_DRIFT: f64 = 4.5;

/// The least rate of swaps between neighbours that lets states pass in reasonable time.
pub const LEAST_SWAP_RATE: f64 = 0.01;

/// How well the states of [`ReplicaExchange`](super::ReplicaExchange) have moved between the base and the model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Passage {
    /// The share of the swaps of each rung with the next that were made; NaN before the first was tried.
    pub swap_rates: Vec<f64>,
    /// The mean number of round trips of a state, from the base to the model and back.
    pub round_trips: f64,
    /// How much the mean of a visible unit has moved since some sweep in the second quarter of all, of the unit where
    /// it is most, in standard errors: of n₊ chains in which it has been switched on since and n₋ in which off,
    /// |n₊ − n₋| / √(n₊ + n₋) (McNemar, 1947). 0 before the second sweep.
    pub drift: f64,
}

/// Why samples along a ladder are not to be trusted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Doubt {
    /// The reason, with its numbers.
    pub reason: String,
    /// Whether two neighbours hardly ever swap, so that more sweeps are no remedy but another ladder is.
    pub is_torn: bool,
}

impl Passage {
    /// The number of rungs, with the base and the model.
    pub fn n_rungs(&self) -> usize {
        self.swap_rates.len() + 1
    }

    /// Whether two neighbours hardly ever swap.
    pub fn is_torn(&self) -> bool {
        self.swap_rates.iter().any(|&rate| rate < LEAST_SWAP_RATE)
    }

    /// Why the shares of the modes in the samples are not to be trusted yet, if they are not.
    pub fn doubt(&self) -> Option<Doubt> {
        let drift = self.drift;
        let reason = if self.round_trips < ENOUGH_ROUND_TRIPS {
            format!(
                "too few round trips to trust the shares of the modes, which takes {ENOUGH_ROUND_TRIPS}"
            )
        } else if drift > MOST_DRIFT {
            format!(
                "the mean of a unit has moved by {drift:.1} standard errors in the second half: the shares of the \
                 modes still change"
            )
        } else {
            return None;
        };
        Some(Doubt { reason, is_torn: self.is_torn() })
    }
}

/// The number of rungs, the least rate of swaps, and the round trips of a state.
impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = self.swap_rates.iter().copied().fold(f64::INFINITY, f64::min);
        let (n, trips) = (self.n_rungs(), self.round_trips);
        write!(f, "{n} rungs swap at rates of {least:.2} and more; {trips:.1} round trips a state")
    }
}
