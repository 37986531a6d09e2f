//! The score of a run at a rung: on its validation examples, never on test data.

use crate::error::{Error, Result};
use crate::gibbs::{FixedModel, FixedWeights};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::monitor::{Likelihood, Metric};
use crate::run::{Keep, Prepared, RunConfig, Settings, Summary, chains_of, likelihood};
use crate::setting::invalid;
use crate::watch::Watch;
use crate::whole_file;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::Path;

/// The file of a run's scores, in its folder.
const SCORES: &str = "scores.json";

/// A run at a rung.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The updates of the rung.
    pub rung: u64,
    /// Whether it is the last rung, at which all runs end.
    pub is_last: bool,
    /// Updates of the run: fewer than those of the rung if its plan is shorter.
    pub updates: u64,
    /// The score, as the metric has it; `None` if it is not finite, or the run failed.
    pub score: Option<f64>,
    /// Whether the estimate is not to be believed.
    pub is_doubtful: bool,
    /// Why the run failed, if it did.
    pub failure: Option<String>,
}

/// The scores of the run in a folder, in the order of the rungs; none before the first.
///
/// # Errors
/// [`Error::Io`]; [`Error::Unsuitable`] if the file does not hold scores.
pub fn read(folder: &Path) -> Result<Vec<Scored>> {
    let path = folder.join(SCORES);
    let text = match std::fs::read(&path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.map_err(Error::reading(&path))?,
    };
    serde_json::from_slice(&text).map_err(|cause| {
        let rule = format!("does not hold the scores of a run: {cause}; remove the folder of the run, and it begins again");
        Error::Unsuitable { path, rule }
    })
}

/// The last score of the run in a folder, if it is one of a sweep and has one.
pub fn last_score(run: &Path) -> Option<f64> {
    read(run).ok()?.last()?.score
}

/// Writes the scores of the run in a folder, in the order of the rungs.
///
/// # Errors
/// [`Error::Io`].
pub fn write(folder: &Path, scores: &[Scored]) -> Result<()> {
    let text = serde_json::to_string_pretty(scores).expect("plain numbers");
    whole_file::write(&folder.join(SCORES), text.as_bytes())
}

/// What scores the runs of a sweep: all on the same bits.
pub struct Scorer {
    metric: Metric,
    isa: Isa,
    /// The log-likelihood of the validation examples, if that decides.
    likelihood: Option<Likelihood>,
}

/// The run's settings, with those without which it would not measure a metric by itself.
fn measuring(settings: &Settings) -> Settings {
    let run =
        RunConfig { evaluate_every: settings.run.evaluate_every.max(1), ..settings.run.clone() };
    Settings { run, ..settings.clone() }
}

impl Scorer {
    /// Scores runs like this one, whose seed draws the bits and the chains of all evaluations.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn new(metric: Metric, run: &Prepared, isa: Isa) -> Result<Self> {
        let settings = measuring(&run.settings);
        let likelihood = match metric {
            Metric::LogLikelihood => Some(likelihood(&settings, &run.data).ok_or_else(|| {
                let rule = "another metric: the validation examples have no label that is known";
                invalid("score", metric, rule)
            })?),
            _ => None,
        };
        Ok(Self { metric, isa, likelihood })
    }

    /// Checks that a run has this score on its validation examples.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`].
    pub fn check(metric: Metric, run: &Prepared) -> Result<()> {
        let settings = measuring(&run.settings);
        let config = RunConfig { keep: Keep::Best(metric), ..settings.run };
        let held_out = run.data.held_out.as_deref();
        config.validate(&settings.train, &run.data.training, held_out).map_err(
            |error| match error {
                Error::InvalidSetting { setting: "keep", rule, .. } => {
                    invalid("score", metric, rule)
                }
                error => error,
            },
        )
    }

    /// The score of the run in a folder, as it is now, and whether it is doubtful.
    ///
    /// # Errors
    /// Errors of reading its files, and those of [`Likelihood::of_model`].
    pub fn score(
        &self,
        folder: &Path,
        settings: &Settings,
        watch: Watch<'_>,
    ) -> Result<(Option<f64>, bool)> {
        let Some(likelihood) = &self.likelihood else {
            let summary = Summary::read(folder)?;
            return Ok((summary.of_model().and_then(|record| self.metric.of(record)), false));
        };
        let rbm = ModelFile::load(folder)?.rbm;
        let weights = FixedWeights::of(&rbm, self.isa);
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let are_samples = settings.train.algorithm.chains_are_samples();
        let chains = are_samples.then(|| chains_of(folder, rbm.visible_units())).flatten();
        let found = likelihood.of_model(model, chains.as_ref(), watch)?;
        Ok((found.log_likelihood, found.is_doubtful()))
    }
}
