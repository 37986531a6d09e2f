//! The settings of a sweep besides those of its runs.

use super::values::Vary;
use crate::error::{Error, Result};
use crate::monitor::Metric;
use crate::setting::{Section as _, by_text, check, invalid, settings};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The most points of a random search.
const MOST_POINTS: usize = 10_000;

/// The factor of halving, if none is given.
const FACTOR: usize = 3;

settings! {
    /// What varies in a sweep, how it is searched, and what decides.
    ///
    /// ```
    /// use harmonium::sweep::{Search, SweepConfig};
    /// let vary = vec!["learning_rate=0.05,0.2".parse()?, "hidden=4,8".parse()?];
    /// let config = SweepConfig { vary, seeds: 2, ..SweepConfig::default() };
    /// assert_eq!(config.search, Search::Grid); // eight runs
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    pub struct SweepConfig in "sweep" {
        /// A setting that varies, NAME=VALUES: values such as `learning_rate=0.02,0.05,0.1`, or a range such as
        /// `hidden=100..1000:log:4` or `weight_decay=0..0.001:lin:3`; may be given several times.
        vary: Vec<Vary> = Vec::new(), { placeholder("NAME=VALUES"), unset("nothing") }
        /// Runs of each choice of values, with the seeds *seed*, *seed* + 1 and so on; its score is their mean.
        seeds: u64 = 1, { whole(1..=1000), usual("1 to 10") }
        /// The choices of values: all (`grid`), N at random (`random:N`), or all of which few are trained to the end
        /// (`halving`, or `halving:FACTOR`): of the choices that reach a rung, a third (one in FACTOR) go on. Before
        /// its end a run is judged by its average so far: an exponential one, as the tail is still to come.
        search: Search = Search::Grid, { placeholder("grid|random:N|halving") }
        /// What decides, measured on the *validation* examples (without that setting a tenth of the training examples,
        /// at most 10,000): `log_likelihood` (as `harmonium evaluate`, with a small budget), or what the runs measure
        /// of them: `log_likelihood_online`, `pseudo_likelihood_test`, `error_test` or `log_loss_test`, or where values
        /// are absent `log_loss_values_test` or `rmse_test`.
        score: Metric = Metric::LogLikelihood, { placeholder("METRIC") }
    }
}

/// How a sweep chooses points; as text `grid`, `random:N`, `halving` or `halving:FACTOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Search {
    /// Every combination of values; the last setting changes first.
    Grid,
    /// This many points that differ, drawn by (seed, purpose, number).
    Random(usize),
    /// Every combination, by synchronous successive halving with this factor (Jamieson and Talwalkar, 2016,
    /// Non-stochastic best arm identification and hyperparameter optimization): a rung is decided once all its
    /// runs have reached it, counted in updates, and one point in `factor` goes on to a rung `factor` times as far. The
    /// first is not before a ninth of the updates, unless the factor is larger.
    Halving(usize),
}

by_text!(Search);

impl FromStr for Search {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.parse::<usize>().ok();
        match text.split_once(':') {
            None if text == "grid" => return Ok(Self::Grid),
            None if text == "halving" => return Ok(Self::Halving(FACTOR)),
            Some(("random", n)) => {
                if let Some(n) = number(n).filter(|n| (1..=MOST_POINTS).contains(n)) {
                    return Ok(Self::Random(n));
                }
            }
            Some(("halving", factor)) => {
                if let Some(factor) = number(factor).filter(|factor| (2..=1000).contains(factor)) {
                    return Ok(Self::Halving(factor));
                }
            }
            _ => {}
        }
        let rule = format!(
            "`grid`, `random:N` with N from 1 to {MOST_POINTS}, `halving` or `halving:FACTOR` with a factor from 2 to 1000"
        );
        Err(invalid("search", text, rule))
    }
}

impl fmt::Display for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grid => f.write_str("grid"),
            Self::Random(n) => write!(f, "random:{n}"),
            Self::Halving(FACTOR) => f.write_str("halving"),
            Self::Halving(factor) => write!(f, "halving:{factor}"),
        }
    }
}

impl SweepConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`] for the first that breaks a rule.
    pub fn validate(&self) -> Result<()> {
        self.check_ranges()?;
        let rule = match self.score {
            Metric::LogLikelihood
            | Metric::LogLikelihoodOnline
            | Metric::PseudoLikelihoodTest
            | Metric::ErrorTest
            | Metric::LogLossTest
            | Metric::LogLossValuesTest
            | Metric::RmseTest => None,
            Metric::FreeEnergyGap => Some("an untrained model has the best free_energy_gap"),
            Metric::ReconstructionErrorTest => {
                Some("reconstruction_error_test is also good where the chains freeze")
            }
            _ => Some("this one is measured on the training data"),
        };
        check("score", self.score, rule.is_none(), || {
            let why = rule.unwrap_or_default();
            format!(
                "log_likelihood, log_likelihood_online, pseudo_likelihood_test, error_test, log_loss_test, log_loss_values_test or rmse_test; {why}"
            )
        })?;
        let open = self.vary.iter().find(|vary| vary.values().is_none());
        match (open, self.search) {
            (Some(vary), search) if !matches!(search, Search::Random(_)) => {
                let rule = format!(
                    "a range with its number of values, such as {vary}:4, or have the search random:N"
                );
                Err(invalid("vary", vary, rule))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_round_trips_and_others_are_refused() {
        for text in ["grid", "random:7", "halving", "halving:2"] {
            assert_eq!(text.parse::<Search>().unwrap().to_string(), text);
        }
        assert_eq!("halving".parse::<Search>().unwrap(), Search::Halving(3));
        for text in ["random", "random:0", "halving:1", "gird", "grid:2"] {
            let error = text.parse::<Search>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("search is {text}, but must be `grid`")), "{error}");
        }
    }

    #[test]
    fn only_held_out_scores_decide_and_only_a_random_search_draws() {
        let wrong = |config: SweepConfig| config.validate().unwrap_err().to_string();
        let score = |score| SweepConfig { score, ..SweepConfig::default() };
        assert!(wrong(score(Metric::PseudoLikelihood)).ends_with("measured on the training data"));
        assert!(wrong(score(Metric::FreeEnergyGap)).contains("an untrained model has the best"));
        assert!(wrong(score(Metric::ReconstructionErrorTest)).contains("where the chains freeze"));
        assert!(score(Metric::ErrorTest).validate().is_ok());
        assert!(score(Metric::PseudoLikelihoodTest).validate().is_ok());
        let vary = vec!["hidden=5..50:log".parse().unwrap()];
        let grid = SweepConfig { vary, ..SweepConfig::default() };
        assert!(wrong(grid.clone()).contains("such as hidden=5..50:log:4, or have the search"));
        SweepConfig { search: Search::Random(3), ..grid }.validate().unwrap();
    }
}
