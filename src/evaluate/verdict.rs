//! Whether to believe an estimate of log Z, and which estimate to quote.
//!
//! An estimate is doubtful if
//!
//! - forward AIS has less than the [least effective sample size](LEAST_ESS);
//! - reverse AIS is [not near](MOST_APART) forward AIS, or [below it](MOST_BELOW), which cannot happen if
//!   its chains start in the model's distribution;
//! - the [interval](Evidence::interval) is [wide](MOST_WIDE);
//! - the witness, a shorter run from a uniform base, finds more than the interval allows: the base does not
//!   lead to all of the mass;
//! - mean field finds [modes](MOST_UNSEEN) that no chain reached.
//!
//! If forward or reverse AIS breaks a rule, both sides run once more with twice the steps. If the given
//! chains are not in the model's distribution, reverse AIS then starts at scouts.
//!
//! An estimate by replica exchange is doubtful if
//!
//! - states made less than [one round trip](LEAST_ROUND_TRIPS) on average, or neighbours hardly ever
//!   [swap](LEAST_SWAP_RATE);
//! - the halves of the run lie [apart](MOST_HALVES_APART), or the states at the model still [drift](MOST_DRIFT);
//! - the interval is wide, or mean field finds modes that no state reached, as above.
//!
//! If one of these is broken, it sweeps on, to twice as many sweeps before those that are measured.
//!
//! A mode that neither a chain nor mean field reaches stays unseen: [`CAVEAT`]. `cargo bench --bench verdict`
//! counts how often the verdict is wrong, on models whose log Z is known; `benches/README.md` has the table.

pub use super::ais::{LEAST_ESS, MOST_APART, MOST_BELOW};
use super::annealing_schedule::MAX_STEPS;
use super::evidence::Evidence;
use super::exchange_evidence::ExchangeEvidence;
pub use super::exchange_evidence::{LEAST_ROUND_TRIPS, MOST_HALVES_APART};
use crate::gibbs::{LEAST_SWAP_RATE, MOST_DRIFT};
use crate::setting::by_name;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest width of log Z's interval that is believed, in nats.
pub const MOST_WIDE: f64 = 2.0;

/// The most mass that mean field may find in modes that no chain saw, relative to the mass that chains saw.
pub const MOST_UNSEEN: f64 = 0.1;

/// What no rule can exclude.
pub const CAVEAT: &str = "a mode that no run reached stays unseen";

/// Whether to believe a log-likelihood.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Found by enumeration.
    Exact,
    /// No rule is broken. A mode that no run reached stays unseen.
    Believable,
    /// At least one rule of this module is broken.
    Doubtful {
        /// The broken rules, with the numbers.
        reasons: Vec<String>,
        /// What to do about them.
        remedies: Vec<String>,
    },
}

/// Which estimate of log Z is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Estimate {
    /// The exact sum.
    Enumeration,
    /// Bennett's ratio, which has the least variance if both sides agree.
    Bennett,
    /// Forward AIS.
    Forward,
    /// The forward run from a uniform base.
    Witness,
    /// Bennett's ratios of neighbours on a ladder.
    Ladder,
}

by_name!(Estimate, "estimate", {
    Enumeration = "enumeration",
    Bennett = "bennett",
    Forward = "forward",
    Witness = "witness",
    Ladder = "ladder",
});

impl Estimate {
    /// Returns the estimate that the evidence supports, its log Z and its interval.
    ///
    /// If the verdict is doubtful, it is the higher of the two forward runs that have the effective
    /// sample size. Their mean w is unbiased, so each exceeds log Z by c nats with a chance of at most
    /// e^−c (Markov's inequality). Bennett's ratio would rest on reverse chains that may have started
    /// anywhere.
    pub(super) fn of(evidence: &Evidence, verdict: &Verdict) -> (Self, f64, (f64, f64)) {
        let Evidence { sides, witness, .. } = evidence;
        let forward = [(Self::Forward, &sides.forward), (Self::Witness, witness)];
        let supported = forward.into_iter().filter(|(_, side)| side.weights.ess >= LEAST_ESS.0);
        let highest = supported.map(|(estimate, side)| (estimate, side.log_z.log_z));
        let highest = highest.max_by(|(_, one), (_, other)| one.total_cmp(other));
        let bennett = (Self::Bennett, sides.bennett.log_z);
        let (estimate, log_z) = match verdict {
            Verdict::Doubtful { .. } => highest.unwrap_or(bennett),
            Verdict::Exact | Verdict::Believable => bennett,
        };
        let (low, high) = evidence.interval();
        let interval = match (estimate, witness.interval_99()) {
            (Self::Witness, (least, most)) => (low.min(least), high.max(most)),
            _ => (low, high),
        };
        (estimate, log_z, interval)
    }

    /// Why this estimate is quoted.
    pub fn reason(self, verdict: &Verdict) -> &'static str {
        match (self, verdict) {
            (Self::Enumeration, _) => "it is the exact sum",
            (Self::Bennett, Verdict::Doubtful { .. }) => {
                "no forward run has the effective sample size to be quoted alone"
            }
            (Self::Bennett, _) => "both sides agree, and it has the least variance",
            (Self::Forward, _) => {
                "a forward run rarely errs upwards, and the other figures are in doubt"
            }
            (Self::Witness, _) => {
                "a forward run rarely errs upwards, and this one is the higher of the two"
            }
            (Self::Ladder, _) => "it is the sum over the pairs of neighbours",
        }
    }
}

impl Verdict {
    /// `exact`, `believable` or `doubtful`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Believable => "believable",
            Self::Doubtful { .. } => "doubtful",
        }
    }

    /// The verdict on an estimate in words, with what speaks for it.
    pub(super) fn on(&self, estimate: Option<Estimate>) -> String {
        match (self, estimate) {
            (Self::Believable, Some(Estimate::Ladder)) => format!(
                "believable: states came around, both halves agree, and no mean drifts ({CAVEAT})"
            ),
            (Self::Believable, Some(_)) => format!(
                "believable: both sides and a run from a uniform base agree, and the effective sample \
                 size suffices ({CAVEAT})"
            ),
            _ => self.to_string(),
        }
    }

    /// The broken rules, with the numbers; empty unless it is doubtful.
    pub fn reasons(&self) -> &[String] {
        match self {
            Self::Doubtful { reasons, .. } => reasons,
            Self::Exact | Self::Believable => &[],
        }
    }

    /// What to do about them; empty unless it is doubtful.
    pub fn remedies(&self) -> &[String] {
        match self {
            Self::Doubtful { remedies, .. } => remedies,
            Self::Exact | Self::Believable => &[],
        }
    }

    pub(super) fn of(evidence: &Evidence) -> Self {
        let case = Case::of(evidence);
        Self::by(RULES.iter().filter_map(|rule| rule(&case)))
    }

    pub(super) fn of_exchange(evidence: &ExchangeEvidence) -> Self {
        Self::by(EXCHANGE_RULES.iter().filter_map(|rule| rule(evidence)))
    }

    fn by(broken: impl Iterator<Item = Broken>) -> Self {
        let (mut reasons, mut remedies) = (Vec::new(), Vec::new());
        for Broken { reason, remedy } in broken {
            reasons.push(reason);
            if !remedies.contains(&remedy) {
                remedies.push(remedy);
            }
        }
        if reasons.is_empty() { Self::Believable } else { Self::Doubtful { reasons, remedies } }
    }
}

/// A broken rule: the numbers, and what to do.
struct Broken {
    reason: String,
    remedy: String,
}

/// The figures that the rules look at.
struct Case {
    evidence: Evidence,
    /// log Z's interval.
    low: f64,
    high: f64,
    /// The largest log Z that the runs from the base allow.
    seen: f64,
}

/// The rules of this module, in the order in which they are reported.
const RULES: [fn(&Case) -> Option<Broken>; 6] = [
    Case::is_short,
    Case::is_below,
    Case::is_apart,
    Case::is_wide,
    Case::is_blind,
    Case::is_unseen,
];

const OTHER_STARTS: &str =
    "start the reverse chains elsewhere, such as at the chains of a run with algorithm pt";

const OTHER_BASE: &str = "give a base that leads to every mode (base_data), or train by parallel \
                          tempering (algorithm pt)";

impl Case {
    fn of(evidence: &Evidence) -> Self {
        let (low, high) = evidence.interval();
        let sides = &evidence.sides;
        // If the sides differ, only the forward side shows what the base leads to.
        let seen = if sides.is_apart() { sides.forward.interval_99().1 } else { high };
        Self { evidence: *evidence, low, high, seen }
    }

    /// var(log w) is proportional to 1 / steps. The remedy asks for at least twice the steps.
    fn more_steps(&self) -> String {
        let sides = &self.evidence.sides;
        let variance = sides.forward.weights.variance.max(sides.reverse.weights.variance).max(2.0);
        let n_steps = (sides.n_steps as f64 * variance / 1000.0).ceil() * 1000.0;
        format!("take more steps (schedule adaptive:{})", n_steps.min(MAX_STEPS as f64))
    }

    /// Whether the witness finds mass that the base does not lead to.
    fn is_base_blind(&self) -> bool {
        self.evidence.witness.log_z.low > self.seen
    }

    fn is_short(&self) -> Option<Broken> {
        let sides = &self.evidence.sides;
        let n_chains = sides.n_chains;
        sides.is_short().then(|| Broken {
            reason: format!(
                "the effective sample size of forward AIS is {:.1} of {n_chains} chains, but must be \
                 at least {} and {} % of them",
                sides.forward.weights.ess,
                LEAST_ESS.0,
                100.0 * LEAST_ESS.1
            ),
            remedy: match (n_chains as f64) < 2.0 * LEAST_ESS.0 {
                true => format!("raise n_chains ({n_chains}) to {} or more", 4.0 * LEAST_ESS.0),
                false => self.more_steps(),
            },
        })
    }

    fn is_below(&self) -> Option<Broken> {
        let sides = &self.evidence.sides;
        sides.is_below().then(|| Broken {
            reason: format!(
                "reverse AIS lies {:.2} nats below forward AIS, more than {MOST_BELOW} combined \
                 standard errors: its chains did not start in the model's distribution",
                -sides.gap()
            ),
            remedy: OTHER_STARTS.to_string(),
        })
    }

    fn is_apart(&self) -> Option<Broken> {
        let sides = &self.evidence.sides;
        (sides.is_apart() && !sides.is_below()).then(|| Broken {
            reason: format!(
                "reverse AIS less forward AIS is {:+.2} nats, but must be within {MOST_APART}",
                sides.gap()
            ),
            remedy: if self.is_base_blind() { OTHER_BASE.to_string() } else { self.more_steps() },
        })
    }

    fn is_wide(&self) -> Option<Broken> {
        let width = self.high - self.low;
        let is_wide = width > MOST_WIDE || self.high.is_nan();
        (is_wide && !self.evidence.sides.is_apart()).then(|| wide(width, self.more_steps()))
    }

    fn is_blind(&self) -> Option<Broken> {
        self.is_base_blind().then(|| Broken {
            reason: format!(
                "annealing from a uniform base finds log Z to be at least {:.2}, above {:.2}: the base \
                 does not lead to all of the mass",
                self.evidence.witness.log_z.low, self.seen
            ),
            remedy: OTHER_BASE.to_string(),
        })
    }

    fn is_unseen(&self) -> Option<Broken> {
        let share = self.evidence.unseen_share();
        (share > MOST_UNSEEN).then(|| unseen(share, OTHER_BASE))
    }
}

/// The rules of replica exchange, in the order in which they are reported.
const EXCHANGE_RULES: [fn(&ExchangeEvidence) -> Option<Broken>; 6] = [
    ExchangeEvidence::torn,
    ExchangeEvidence::slow,
    ExchangeEvidence::split,
    ExchangeEvidence::drifting,
    ExchangeEvidence::wide,
    ExchangeEvidence::unseen,
];

const OTHER_LADDER: &str =
    "take another method (ais, or ptt on a run that was trained with --ladder)";

impl ExchangeEvidence {
    /// The sweeps before those that are measured, for a run of twice the length.
    fn more_sweeps(&self) -> String {
        format!("raise burn_in to {} or more", self.n_sweeps)
    }

    fn torn(&self) -> Option<Broken> {
        let rates = self.passage.swap_rates.iter().enumerate();
        let (lower, rate) = rates.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        self.passage.is_torn().then(|| Broken {
            reason: format!(
                "rungs {lower} and {} of {} swap at a rate of {rate:.4}, but must at {LEAST_SWAP_RATE} or more",
                lower + 1,
                self.passage.n_rungs()
            ),
            remedy: OTHER_LADDER.to_string(),
        })
    }

    fn slow(&self) -> Option<Broken> {
        let trips = self.passage.round_trips;
        (trips < LEAST_ROUND_TRIPS && !self.passage.is_torn()).then(|| Broken {
            reason: format!(
                "a state made {trips:.2} round trips between base and model on average, but must make \
                 {LEAST_ROUND_TRIPS} or more"
            ),
            remedy: self.more_sweeps(),
        })
    }

    fn split(&self) -> Option<Broken> {
        let (apart, [first, second]) = (self.halves_apart(), &self.halves);
        (apart > MOST_HALVES_APART).then(|| Broken {
            reason: format!(
                "log Z is {:.3} in the first half and {:.3} in the second, {apart:.1} combined standard errors apart, \
                 but must be within {MOST_HALVES_APART}",
                first.log_z, second.log_z
            ),
            remedy: self.more_sweeps(),
        })
    }

    fn drifting(&self) -> Option<Broken> {
        let drift = self.passage.drift;
        (drift > MOST_DRIFT).then(|| Broken {
            reason: format!(
                "the mean of a unit at the model has moved by {drift:.1} standard errors in the second half, but must \
                 by at most {MOST_DRIFT}"
            ),
            remedy: self.more_sweeps(),
        })
    }

    fn wide(&self) -> Option<Broken> {
        let (low, high) = self.interval();
        let width = high - low;
        (width > MOST_WIDE || width.is_nan()).then(|| wide(width, self.more_sweeps()))
    }

    fn unseen(&self) -> Option<Broken> {
        let share = self.unseen_share();
        (share > MOST_UNSEEN).then(|| unseen(share, OTHER_LADDER))
    }
}

/// The interval is too wide.
fn wide(width: f64, remedy: String) -> Broken {
    let reason =
        format!("the interval of log Z is {width:.2} nats wide, but must be at most {MOST_WIDE}");
    Broken { reason, remedy }
}

/// Mean field finds modes with this share of the mass that chains saw.
fn unseen(share: f64, remedy: &str) -> Broken {
    let reason = format!(
        "mean field finds modes that no chain reached: they have {share:.2} times the mass that \
         chains saw, but must have at most {MOST_UNSEEN}"
    );
    Broken { reason, remedy: remedy.to_string() }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Believable => write!(f, "believable: no rule is broken ({CAVEAT})"),
            Self::Doubtful { reasons, remedies } => write!(
                f,
                "doubtful, do not rely on it: {}; to remedy it, {}",
                reasons.join("; "),
                remedies.join(", or ")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogMean;
    use super::super::ais::{Ais, LogZ, Side};
    use super::super::evidence::ReverseStart;
    use super::*;

    fn side(log_z: f64, standard_error: f64, ess: f64) -> Side {
        let (low, high) = (log_z - 2.0 * standard_error, log_z + 2.0 * standard_error);
        let weights = LogMean { log_mean: log_z, standard_error, variance: 0.5, n: 200, ess };
        Side { log_z: LogZ { log_z, standard_error, low, high }, weights }
    }

    /// Two sides that agree on 10, and a witness that errs low, as a short run may.
    fn evidence() -> Evidence {
        let (forward, reverse) = (side(10.0, 0.05, 120.0), side(10.02, 0.05, 120.0));
        let bennett = side(10.01, 0.04, 0.0).log_z;
        let sides = Ais { forward, reverse, bennett, n_chains: 200, n_steps: 1000 };
        Evidence {
            sides,
            witness: side(9.0, 0.3, 10.0),
            log_unseen: f64::NEG_INFINITY,
            n_rounds: 1,
            reverse_start: ReverseStart::Given,
        }
    }

    /// The reasons, the estimate and its log Z after a change.
    fn judged(change: impl Fn(&mut Evidence)) -> (Vec<String>, Estimate, f64) {
        let mut evidence = evidence();
        change(&mut evidence);
        let verdict = Verdict::of(&evidence);
        let (estimate, log_z, (low, high)) = Estimate::of(&evidence, &verdict);
        assert!(low <= log_z && log_z <= high, "{low} {log_z} {high}");
        (verdict.reasons().to_vec(), estimate, log_z)
    }

    #[test]
    fn each_rule_alone_makes_an_estimate_doubtful() {
        assert_eq!(judged(|_| ()), (Vec::new(), Estimate::Bennett, 10.01));
        type Change = fn(&mut Evidence);
        let cases: [(Change, &str, Estimate); 6] = [
            (|e| e.sides.forward = side(10.0, 0.05, 49.0), "sample size", Estimate::Bennett),
            (|e| e.sides.reverse = side(10.6, 0.3, 120.0), "must be within 0.5", Estimate::Forward),
            (|e| e.sides.reverse = side(9.75, 0.05, 120.0), "0.25 nats below", Estimate::Forward),
            (|e| e.sides.reverse = side(10.2, 0.8, 120.0), "nats wide", Estimate::Forward),
            (|e| e.witness = side(10.9, 0.1, 120.0), "uniform base", Estimate::Witness),
            (|e| e.log_unseen = 10.01 + 0.2_f64.ln(), "0.20 times the mass", Estimate::Forward),
        ];
        for (change, reason, expected) in cases {
            let (reasons, estimate, _) = judged(change);
            assert!(reasons.len() == 1 && reasons[0].contains(reason), "{reason}: {reasons:?}");
            assert_eq!(estimate, expected, "{reason}");
        }
    }

    /// The base does not lead to the heavy mode, in which the reverse chains started.
    #[test]
    fn more_steps_are_no_remedy_for_a_base_that_misses_a_mode() {
        let mut evidence = evidence();
        evidence.sides.reverse = side(144.0, 0.05, 120.0);
        evidence.witness = side(128.5, 0.1, 120.0);
        let verdict = Verdict::of(&evidence);
        let remedies = verdict.remedies().join("; ");
        assert!(verdict.reasons()[1].contains("uniform base"), "{verdict}");
        assert!(remedies.contains("base_data") && !remedies.contains("more steps"), "{remedies}");
    }
}
