//! `harmonium evaluate`.

use super::{binarization, check_seed, check_width, model_path, print};
use crate::bits::BitMatrix;
use crate::checkpoint::Checkpoint;
use crate::dataset::{Binarization, Dataset, Encoding, Examples, Source};
use crate::error::{Error, Result};
use crate::evaluate::ais::{LogZ, Side};
use crate::evaluate::evaluation::Starts;
use crate::evaluate::free_energy::{free_energies, free_energy_gap, mean_free_energy};
use crate::evaluate::pseudo_likelihood::{pseudo_likelihood, stochastic_pseudo_likelihood};
use crate::evaluate::reconstruction::reconstruction_error;
use crate::evaluate::verdict::CAVEAT;
use crate::evaluate::{
    AnnealingSchedule, Base, Estimate, Evaluation, EvaluationConfig, Independent, Method, Score,
};
use crate::gibbs::{FixedModel, FixedWeights};
use crate::kernels::Isa;
use crate::model::{ModelFile, Rbm, laplace_rates};
use crate::monitor::progress_bar::ProgressBar;
use crate::report::{REPORT, write_to_folder};
use crate::run::{DataChoice, EVALUATION, Part, chains_of, data_of, in_pool, title};
use crate::train::Algorithm;
use crate::whole_file;
use clap::Args;
use ndarray::Array1;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::LazyLock;

/// The defaults that `--help` shows.
static DEFAULT: LazyLock<EvaluationConfig> = LazyLock::new(EvaluationConfig::default);

#[derive(Debug, Args)]
pub struct Evaluate {
    /// A model, or the folder of a run
    model: PathBuf,
    /// Examples: `mnist`, an IDX or .npy file (plain or gzipped), `bars-and-stripes:SIDE` or `shifter`
    /// [default: the run's test data; else its validation examples; else its training data]
    #[arg(long, value_name = "mnist|PATH")]
    data: Option<Source>,
    /// Which part of the run's data: `train`, `test` or `validation`. Of --data: of MNIST the images for
    /// `train` or `test` [default: test], of any the examples that training set aside
    #[arg(long)]
    split: Option<Part>,
    /// Use only the first so many examples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How intensities become bits [default: as in training]
    #[arg(long)]
    binarize: Option<Binarization>,
    /// How log Z is found: `auto` (`exact` if the smaller layer has at most 20 units), `exact` (at
    /// most 28) or `ais`
    #[arg(long, default_value_t = DEFAULT.method)]
    method: Method,
    /// Annealed chains on each side
    #[arg(long, default_value_t = DEFAULT.n_chains)]
    n_chains: usize,
    /// Inverse temperatures of annealing: `adaptive`, `adaptive:N` steps, `linear:N` or `sm2008`
    #[arg(long, default_value_t = DEFAULT.schedule)]
    schedule: AnnealingSchedule,
    /// Sweeps from where chains start to the model's distribution, before they are annealed back
    #[arg(long, default_value_t = DEFAULT.burn_in)]
    burn_in: usize,
    /// States from which chains start that are annealed back: those of a checkpoint, or a file such
    /// as `harmonium sample` writes [default: the chains of the run, unless it is one of `cd`; else ends
    /// of forward runs made for that]
    #[arg(long, value_name = "CHECKPOINT|FILE.npy")]
    chains: Option<PathBuf>,
    /// Data whose mean the base distribution of annealing has, or `uniform` [default: the data that the
    /// model was trained on]
    #[arg(long, value_name = "mnist|PATH|uniform")]
    base_data: Option<String>,
    /// Also bound the log-likelihood from below (usually) by RAISE, on so many of the examples
    #[arg(long, default_value_t = DEFAULT.raise, value_name = "N")]
    raise: usize,
    /// Other data whose free energy is compared, such as the training data
    #[arg(long, value_name = "mnist|PATH")]
    compare_data: Option<Source>,
    /// Which of them: `train`, `test` or `validation`
    #[arg(long, default_value_t = Part::Train)]
    compare_split: Part,
    /// Write log p(v) of each example (N) to this file, f64
    #[arg(long, value_name = "FILE.npy")]
    log_probabilities: Option<PathBuf>,
    /// Where every random number comes from, stochastic bits included
    #[arg(long, default_value_t = DEFAULT.seed)]
    seed: u64,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long)]
    threads: Option<usize>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is computed beside the log-likelihood.
struct Scores {
    /// Of independent units at the rates of the training data, if those are known.
    independent: Option<Score>,
    pseudo_likelihood: Score,
    stochastic_pseudo_likelihood: Score,
    reconstruction_error: Score,
    free_energy_gap: Option<(f64, f64)>,
}

/// What is known of the examples that a model was trained on.
struct TrainingMean {
    mean: Array1<f64>,
    n_examples: Option<usize>,
}

impl Evaluate {
    pub fn run(self, isa: Isa) -> Result<()> {
        in_pool(self.threads, || self.run_in_pool(isa))
    }

    fn run_in_pool(&self, isa: Isa) -> Result<()> {
        check_seed(self.seed)?;
        let file = ModelFile::read(&model_path(&self.model))?;
        let ModelFile { rbm, provenance, .. } = &file;
        let binarization = match binarization(self.binarize, provenance)? {
            // A likelihood is one of bits.
            Binarization::None => Binarization::Stochastic,
            binarization => binarization,
        };
        let read = |dataset: Dataset| -> Result<Dataset> {
            check_width(&dataset, rbm)?;
            match self.limit {
                Some(limit) => dataset.first(limit),
                None => Ok(dataset),
            }
        };
        let choice = DataChoice {
            data: self.data.as_ref(),
            split: self.split,
            usual: Part::Test,
            flag: "--data",
        };
        let chosen = super::read_data(choice, &self.model, provenance)?;
        let (role, warning) = (chosen.role(), chosen.warning);
        // What a run is shown with: a quick look, or one at other bits, is not worth that.
        let is_of_run = chosen.is_default
            && self.limit.is_none()
            && self.binarize.is_none()
            && self.model.is_dir();
        let dataset = read(chosen.dataset)?;
        let is_binary = dataset.is_binary();
        let examples = Examples::new(dataset, binarization);
        let bits_of =
            |examples: &Examples| examples.fixed_bits(self.seed, 0..examples.n_examples());
        let visible = bits_of(&examples);
        let compared = match &self.compare_data {
            Some(source) => {
                let dataset = read(self.compare_split.read(source, provenance)?)?;
                super::say_inferred(&dataset);
                Some(bits_of(&Examples::new(dataset, binarization)))
            }
            None => None,
        };
        let training = self.training_mean(&file)?;
        let base = self.base(&file, training.as_ref())?;
        let model_states = self.model_states(&file)?;
        let starts = Starts { base_rates: &base.rates, model_states: model_states.as_ref() };
        let config = EvaluationConfig {
            method: self.method,
            n_chains: self.n_chains,
            schedule: self.schedule,
            burn_in: self.burn_in,
            raise: self.raise,
            seed: self.seed,
        };

        let bar = ProgressBar::new();
        let weights = FixedWeights::of(rbm, isa);
        let model = FixedModel { rbm, weights: &weights };
        let evaluation =
            Evaluation::new(model, &visible, starts, &config, &|what, done, total| {
                bar.show(what, done, total);
            })?;
        bar.show("pseudo-likelihood", 0, 1);
        let rates = training
            .and_then(|TrainingMean { mean, n_examples }| Some(laplace_rates(&mean, n_examples?)));
        let independent = rates.map(Independent::new);
        let scores = Scores {
            independent: independent.map(|units| units.log_likelihood(&visible)),
            pseudo_likelihood: pseudo_likelihood(rbm, &visible),
            stochastic_pseudo_likelihood: stochastic_pseudo_likelihood(rbm, &visible, self.seed),
            reconstruction_error: reconstruction_error(&weights, &visible, self.seed)?,
            free_energy_gap: compared.map(|other| {
                free_energy_gap(&evaluation.free_energy, &mean_free_energy(rbm, &other))
            }),
        };
        bar.finish();

        if let Some(path) = &self.log_probabilities {
            let log_p = Array1::from(free_energies(rbm, &visible)).mapv(|f| -f - evaluation.log_z);
            whole_file::write(path, &super::npy(&log_p))?;
        }
        let binarization =
            if is_binary { "none (binary data)".to_string() } else { binarization.to_string() };
        let mut facts = json!({
            "parameters_sha256": rbm.sha256(),
            "data": examples.name(),
            "data_role": role,
            "n_examples": visible.n_rows(),
            "binarization": binarization,
            "data_sha256": visible.sha256(),
            "file_sha256": examples.sha256(),
            "seed": self.seed,
            "base": base.origin,
        });
        if let Some(warning) = warning {
            facts["data_warning"] = warning.into();
        }
        let report = report(&evaluation, &scores, &config, facts);
        let to_file = report.to_string();
        if self.json {
            print(report)?
        } else {
            print(text(&evaluation, &scores, &report))?
        }
        if is_of_run {
            whole_file::write(&self.model.join(EVALUATION), to_file.as_bytes())?;
            if self.model.join(REPORT).exists() {
                write_to_folder(&self.model)?;
            }
        }
        Ok(())
    }

    /// The mean (V) of the examples that the model was trained on, as its file says, or else the data of
    /// its run; none if neither does.
    fn training_mean(&self, file: &ModelFile) -> Result<Option<TrainingMean>> {
        let ModelFile { provenance, data_mean, .. } = file;
        if let Some(mean) = data_mean {
            let n_examples = provenance.data.get("n_examples").and_then(Value::as_u64);
            let n_examples = n_examples.map(|n| n as usize);
            return Ok(Some(TrainingMean { mean: mean.mapv(f64::from), n_examples }));
        }
        let Some(config) = data_of(&self.model)? else { return Ok(None) };
        // They may have moved; then it is not known.
        let Ok(Some(training)) = config.read_part(Part::Train, "--data") else { return Ok(None) };
        let examples = Examples::new(training, binarization(None, provenance)?);
        let n_examples = Some(examples.n_examples());
        Ok(Some(TrainingMean { mean: examples.mean(), n_examples }))
    }

    /// The base: what is given, or the rates of the data that the model was trained on.
    fn base(&self, file: &ModelFile, training: Option<&TrainingMean>) -> Result<Base> {
        let ModelFile { rbm, provenance, data_mean } = file;
        match (self.base_data.as_deref(), training) {
            (Some("uniform"), _) => Ok(Base::uniform(rbm.n_visible())),
            (Some(source), _) => {
                let dataset = Part::Train.read(&source.parse()?, provenance)?;
                super::say_inferred(&dataset);
                check_width(&dataset, rbm)?;
                let origin = format!("mean of {}", dataset.name());
                let examples = Examples::new(dataset, binarization(None, provenance)?);
                Ok(Base::of_mean(&examples.mean(), origin))
            }
            (None, Some(TrainingMean { mean, .. })) if data_mean.is_none() => {
                Ok(Base::of_mean(mean, "mean of the run's training data"))
            }
            (None, _) => Ok(Base::of_model(rbm, data_mean.as_ref())),
        }
    }

    /// Where chains start that are annealed back: at what is given, or at the chains of the run. Those
    /// of contrastive divergence are near its last mini-batch, not near the model.
    fn model_states(&self, file: &ModelFile) -> Result<Option<BitMatrix>> {
        let algorithm = &file.provenance.settings.get("algorithm");
        let is_cd = algorithm.is_some_and(|name| *name == Algorithm::Cd.to_string());
        match &self.chains {
            Some(path) => {
                let encoding = Encoding::recorded(&file.provenance.data)?;
                states(path, &file.rbm, encoding).map(Some)
            }
            None if is_cd || self.method == Method::Exact => Ok(None),
            None => Ok(chains_of(&self.model, file.rbm.n_visible())),
        }
    }
}

/// The states of a checkpoint's chains, or those in a file of 0 and 1, or of spins.
fn states(path: &std::path::Path, rbm: &Rbm, encoding: Encoding) -> Result<BitMatrix> {
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        return Checkpoint::read(path)?.chains(rbm.n_visible());
    }
    let dataset = Dataset::read_as(path, encoding)?;
    check_width(&dataset, rbm)?;
    if !dataset.is_binary() {
        let rule = "holds other values than 0 and 1, so they are no states of chains".to_string();
        return Err(Error::Unsuitable { path: path.into(), rule });
    }
    let n = dataset.n_examples();
    Ok(Examples::new(dataset, Binarization::Stochastic).fixed_bits(0, 0..n))
}

/// Everything, for machines. Numbers that are not finite become null.
fn report(
    evaluation: &Evaluation,
    scores: &Scores,
    config: &EvaluationConfig,
    facts: Value,
) -> Value {
    let log_z = |estimate: &LogZ| {
        json!({
            "log_z": estimate.log_z,
            "standard_error": estimate.standard_error,
            "low": estimate.low,
            "high": estimate.high,
        })
    };
    let side = |side: &Side| {
        let mut value = log_z(&side.log_z);
        value["variance_of_log_w"] = side.weights.variance.into();
        value["ess"] = side.weights.ess.into();
        value
    };
    let score = |score: &Score| json!({"mean": score.mean, "standard_error": score.standard_error});
    let (low, high) = evaluation.log_likelihood_interval();
    let mut report = json!({
        "method": if evaluation.evidence.is_some() { "ais" } else { "exact" },
        "estimate": evaluation.estimate,
        "estimate_reason": evaluation.estimate.reason(&evaluation.verdict),
        "log_likelihood": evaluation.log_likelihood.mean,
        "log_likelihood_low": low,
        "log_likelihood_high": high,
        "standard_error": evaluation.log_likelihood.standard_error,
        "log_likelihood_independent": scores.independent.as_ref().map(|score| score.mean),
        "log_z": evaluation.log_z,
        "log_z_low": evaluation.log_z_low,
        "log_z_high": evaluation.log_z_high,
        "ess": evaluation.ess(),
        "verdict": evaluation.verdict.name(),
        "pseudo_likelihood": score(&scores.pseudo_likelihood),
        "stochastic_pseudo_likelihood": score(&scores.stochastic_pseudo_likelihood),
        "reconstruction_error": score(&scores.reconstruction_error),
        "free_energy": score(&evaluation.free_energy),
    });
    if evaluation.verdict.name() == "doubtful" {
        report["reasons"] = json!(evaluation.verdict.reasons());
        report["remedies"] = json!(evaluation.verdict.remedies());
    }
    if let Some((gap, standard_error)) = scores.free_energy_gap {
        report["free_energy_gap"] = json!({"mean": gap, "standard_error": standard_error});
    }
    if let Some(evidence) = &evaluation.evidence {
        let sides = &evidence.sides;
        report["forward"] = side(&sides.forward);
        report["reverse"] = side(&sides.reverse);
        report["witness"] = side(&evidence.witness);
        report["bennett"] = json!({ "log_z": sides.bennett.log_z });
        report["unseen_share"] = evidence.unseen_share().into();
        report["caveat"] = CAVEAT.into();
        report["n_chains"] = sides.n_chains.into();
        report["n_steps"] = sides.n_steps.into();
        report["schedule"] = config.schedule.to_string().into();
        report["burn_in"] = config.burn_in.into();
    }
    if let Some(raise) = &evaluation.raise {
        report["raise"] = score(raise);
        report["raise"]["n_examples"] = raise.n_examples.into();
    }
    let Value::Object(facts) = facts else { unreachable!("an object, as written") };
    facts.into_iter().for_each(|(key, value)| report[key] = value);
    report
}

/// The same for people.
fn text(evaluation: &Evaluation, scores: &Scores, report: &Value) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, what: String| lines.push(format!("{name:<18}{what}"));
    let Score { mean, standard_error, n_examples } = evaluation.log_likelihood;
    let (low, high) = evaluation.log_likelihood_interval();
    // Only where it is believed is it meant to hold so often.
    let interval_of = match evaluation.verdict.name() {
        "believable" => "99 % interval",
        _ => "interval",
    };
    line(
        "log-likelihood",
        match evaluation.estimate {
            Estimate::Enumeration => format!(
                "{mean:.3} nats an example (± {} over {n_examples})",
                error(standard_error, 3)
            ),
            _ => format!(
                "{mean:.2} nats an example (± {} over {n_examples}), {low:.2} to {high:.2} by the \
                 {interval_of} of log Z",
                error(standard_error, 2)
            ),
        },
    );
    if let Some(independent) = &scores.independent {
        let what = "units that know nothing of each other, at the rates of the training data";
        line("  independent", format!("{} ({what})", plus_minus(independent, 2)));
    }
    match &evaluation.evidence {
        None => {
            line("log Z", format!("{:.6}", evaluation.log_z));
            line("method", "exact, by enumeration of the smaller layer".to_string());
        }
        Some(evidence) => {
            let sides = &evidence.sides;
            let side = |side: &Side| {
                let LogZ { log_z, low, high, .. } = side.log_z;
                format!(
                    "{log_z:.3} ({low:.3} to {high:.3}), var(log w) {:.2}, effective sample size {:.1}",
                    side.weights.variance, side.weights.ess
                )
            };
            let (low, high) = (evaluation.log_z_low, evaluation.log_z_high);
            line(
                "log Z",
                format!(
                    "{:.3} ({low:.3} to {high:.3}), by {}: {}",
                    evaluation.log_z,
                    match evaluation.estimate {
                        Estimate::Bennett => "Bennett's ratio",
                        Estimate::Forward => "the forward side",
                        Estimate::Witness => "the run from a uniform base",
                        Estimate::Enumeration => "enumeration",
                    },
                    evaluation.estimate.reason(&evaluation.verdict)
                ),
            );
            line(
                "method",
                format!("AIS from both sides, {} chains, {} steps", sides.n_chains, sides.n_steps),
            );
            line("  base", report["base"].as_str().unwrap_or_default().to_string());
            line("  forward", side(&sides.forward));
            line("  reverse", side(&sides.reverse));
            line("  Bennett", format!("{:.3}", sides.bennett.log_z));
            line("  from uniform", side(&evidence.witness));
        }
    }
    if let Some(raise) = &evaluation.raise {
        line("RAISE", format!("{} over {} examples", plus_minus(raise, 2), raise.n_examples));
    }
    line("verdict", evaluation.verdict.to_string());
    line("pseudo-likelihood", plus_minus(&scores.pseudo_likelihood, 2));
    line("  by one unit", plus_minus(&scores.stochastic_pseudo_likelihood, 2));
    line("reconstruction", plus_minus(&scores.reconstruction_error, 5));
    line("free energy", plus_minus(&evaluation.free_energy, 2));
    if let Some((gap, standard_error)) = scores.free_energy_gap {
        line("free-energy gap", format!("{gap:.2} ± {}", error(standard_error, 2)));
    }
    let text = |key: &str| report[key].as_str().unwrap_or_default().to_string();
    line(
        "data",
        format!(
            "{}, {n_examples} examples, bits: {}",
            title(&text("data_role"), &text("data")),
            text("binarization")
        ),
    );
    line("  SHA-256 of bits", text("data_sha256"));
    lines.join("\n")
}

fn plus_minus(score: &Score, digits: usize) -> String {
    format!("{:.digits$} ± {}", score.mean, error(score.standard_error, digits))
}

/// A standard error; one example has none.
fn error(standard_error: f64, digits: usize) -> String {
    if standard_error.is_nan() { "?".to_string() } else { format!("{standard_error:.digits$}") }
}
