//! `harmonium evaluate`.

use super::input::{ReadingFlags, in_pool, limited, model_path, read_data, say_inferred};
use super::job::{self, RankFlags};
use super::output::{Output, Overwrite, print, print_beside, print_text};
use super::rows::Rows;
use crate::bits::BitMatrix;
use crate::dataset::{
    Beside, Binarization, Classes, ColumnSource, Columns, Dataset, ExampleWeights, Examples,
    Labels, Source, WeightedBits, WeightedRows,
};
use crate::error::{Error, Remedy, Result};
use crate::evaluate::classifier::{ClassScore, Classifier};
use crate::evaluate::free_energy::{free_energies, free_energy_gap, mean_free_energy};
use crate::evaluate::mixing::clusters_of;
use crate::evaluate::pseudo_likelihood::{pseudo_likelihood_among, stochastic_pseudo_likelihood};
use crate::evaluate::reconstruction::reconstruction_error;
use crate::evaluate::report::{ScoreReport, ScoresReport, SubjectReport, finite};
use crate::evaluate::two_sample::TwoSample;
use crate::evaluate::{
    AnnealingSchedule, Base, Evaluation, EvaluationConfig, EvaluationReport, Evaluator, Method,
    Score, VALUES,
};
use crate::gibbs::{Chains, FixedModel, FixedWeights, check_sweeps};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::monitor::LogFormat;
use crate::monitor::progress_bar::ProgressBar;
use crate::monitor::terminal::note;
use crate::ranks::Ranks;
use crate::report::write_to_folder;
use crate::rng::check_seed;
use crate::run::{
    DataChoice, EVALUATION, Part, REPORT, TrainingMean, chains_of, rungs, states_in,
    training_examples,
};
use crate::setting::check;
use crate::train::{Algorithm, Missing, Objective};
use crate::watch::Watch;
use crate::whole_file;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _, UnknownArgumentValueParser};
use ndarray::Array1;
use serde_json::Value;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::LazyLock;

/// The numbers of samples that are compared.
const SAMPLES: RangeInclusive<usize> = 2..=100_000;

/// The defaults that `--help` shows.
static DEFAULT: LazyLock<EvaluationConfig> = LazyLock::new(EvaluationConfig::default);

#[derive(Debug, Args)]
pub struct Evaluate {
    /// A model, or the folder of a run
    pub(super) model: PathBuf,
    /// Examples: `mnist`, a file (IDX, .npy, .npz, text or PNG), a folder of PNGs, `-` for
    /// standard input, `bars-and-stripes:SIDE`, `shifter` or `populations:SEED`
    /// [default: the run's test data; else its validation examples; else its training data]
    #[arg(long, value_name = "mnist|PATH")]
    data: Option<Source>,
    /// The true values of what the examples of --data lack: data of the same rows and columns, for a model that was
    /// trained with missing = absent. The values that only these data have are predicted and scored
    #[arg(long, value_name = "PATH", requires = "data")]
    pub(super) truth: Option<Source>,
    /// The part of the run's data: `train`, `test` or `validation`. For --data: `train` or `test` of
    /// MNIST [default: test], or the `validation` examples that training set aside
    #[arg(long)]
    split: Option<Part>,
    /// Weights of the examples of --data: a file of one number for each (.npy, .npz or text), the name of a column of
    /// the table, or `none` [default: the column that held those of training, if there is one]
    #[arg(long, value_name = "PATH|COLUMN|none", requires = "data")]
    weights: Option<GivenWeights>,
    /// The labels of the examples of --data, for a model that was trained with labels: a file of one label for each
    /// example, or the name of a column [default: the column that has the name of that in training]
    #[arg(long, value_name = "COLUMN|FILE", requires = "data")]
    labels: Option<ColumnSource>,
    #[command(flatten)]
    pub(super) reading: ReadingFlags,
    /// Use only the first N examples
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// How intensities become bits [default: as in training]
    #[arg(long)]
    binarize: Option<Binarization>,
    /// The method for log Z: `auto` (`exact` if the smaller layer has at most 20 units, else `ais`), `exact` (at
    /// most 28), `ais` (annealed importance sampling), or, for a model with several modes, `pt` (parallel tempering)
    /// or `ptt` (parallel trajectory tempering, along the ladder of a run that was trained with --ladder)
    #[arg(long, default_value_t = DEFAULT.method)]
    method: Method,
    /// Annealed chains on each side, or chains of each rung of a ladder
    #[arg(long, default_value_t = DEFAULT.n_chains, value_name = "N")]
    n_chains: usize,
    /// Inverse temperatures of annealing: `adaptive`, `adaptive:N` or `linear:N` with N steps, or `sm2008`
    #[arg(long, default_value_t = DEFAULT.schedule)]
    schedule: AnnealingSchedule,
    /// Sweeps that lead the chains to the model's distribution before they are annealed back, or before those that
    /// `pt` and `ptt` measure; these sweep on if that did not suffice
    #[arg(long, default_value_t = DEFAULT.burn_in, value_name = "N")]
    burn_in: usize,
    /// States from which reverse AIS starts: the chains of a checkpoint, or a file such as `harmonium
    /// sample` writes [default: the chains of the run, unless it is one of `cd`; else ends of separate
    /// forward runs]
    #[arg(long, value_name = "CHECKPOINT|PATH")]
    start: Option<Source>,
    /// The earlier name of --start
    #[arg(long = "chains", hide = true, value_parser = UnknownArgumentValueParser::suggest_arg("--start"))]
    _chains: Option<String>,
    /// Data whose mean defines the base distribution of annealing, or `uniform` [default: the model's
    /// training data]
    #[arg(long, value_name = "mnist|PATH|uniform")]
    base_data: Option<String>,
    /// Also bound the log-likelihood from below (usually) by RAISE, on the first N examples
    #[arg(long, default_value_t = DEFAULT.raise, value_name = "N")]
    raise: usize,
    /// Also compare N samples of the model, 2 to 100000, with the examples and with the training examples of its
    /// run, by nearest neighbours: whether samples are told from data, and whether they repeat the training data
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
    /// Sweeps of the chain of each of --samples, which starts at independent units
    #[arg(long, default_value_t = 1000, value_name = "N", requires = "samples")]
    gibbs_steps: usize,
    /// Other data, such as the training data, to compare free energies with
    #[arg(long, value_name = "mnist|PATH")]
    compare_data: Option<Source>,
    /// The part of --compare-data: `train`, `test` or `validation`
    #[arg(long, default_value_t = Part::Train, requires = "compare_data")]
    compare_split: Part,
    /// Write log p(v) of each row of the data (N), f64, to this file: .npy, .npz, .csv or .tsv, or `-` for .npy
    /// on standard output; the results then go to standard error. Text has a header and the name of each sequence or
    /// row (--id), or the number of each example from 0. A row that is left out has NaN, or nothing in text
    #[arg(long, value_name = "FILE|-", value_parser = PathBufValueParser::new().try_map(Output::array))]
    log_probabilities: Option<Output>,
    /// Write the cluster of each row of the data, from 1 as in the line `mixing`, to this file: .npy, .npz, .csv or
    /// .tsv. A row that lies where few others do, or is left out, has NaN, or nothing in text
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(Output::array))]
    clusters: Option<Output>,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Seed of all random numbers, including stochastic bits
    #[arg(long, default_value_t = DEFAULT.seed, value_name = "N")]
    pub(super) seed: u64,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    ranks: RankFlags,
}

/// The training examples with which those that are scored are compared.
const MOST_TRAINING_EXAMPLES: usize = 10_000;

/// The values of training data that are read for this comparison.
const MOST_TRAINING_VALUES: u64 = 1_000_000_000;

/// The examples that are scored.
pub(super) struct Scored {
    /// (N, V)
    pub visible: WeightedBits,
    /// Where they are in the data.
    pub rows: Rows,
    pub subject: SubjectReport,
    /// The same examples to predict the classes of, if they have labels.
    pub to_classify: Option<Examples>,
    /// Whether the result is written into the folder of the run.
    is_of_run: bool,
}

/// Weights of given examples, or that they count alike.
#[derive(Clone, Debug)]
enum GivenWeights {
    None,
    In(ColumnSource),
}

impl GivenWeights {
    fn source(&self) -> Option<&ColumnSource> {
        match self {
            Self::None => None,
            Self::In(source) => Some(source),
        }
    }
}

impl FromStr for GivenWeights {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "none" => Ok(Self::None),
            _ => text.parse().map(Self::In),
        }
    }
}

/// States from which chains are annealed back.
struct ModelStates {
    /// (C, V)
    visible: BitMatrix,
    /// Their origin, for the reader.
    origin: String,
}

impl Evaluate {
    pub fn run(self, isa: Isa) -> Result<()> {
        job::on_ranks(&self.ranks, "evaluate", |ranks| {
            in_pool(self.threads, || self.run_in_pool(isa, ranks))
        })
    }

    /// All ranks make the same evaluation, in which each anneals its own chains. The first has the results.
    fn run_in_pool(&self, isa: Isa, ranks: Ranks) -> Result<()> {
        let is_first = ranks.rank() == 0;
        check_seed(self.seed)?;
        let config = self.config();
        config.check_effect()?;
        if let Some(start) = &self.start {
            config.check_anneals("start", start)?;
        }
        if let Some(base) = &self.base_data {
            config.check_has_path("base_data", base)?;
        }
        if let Some(samples) = self.samples {
            check("samples", samples, SAMPLES.contains(&samples), || {
                format!("at least {} and at most {}", SAMPLES.start(), SAMPLES.end())
            })?;
            check_sweeps("gibbs_steps", self.gibbs_steps)?;
        }
        let outputs = self.log_probabilities.iter().chain(&self.clusters);
        outputs.into_iter().try_for_each(|out| out.check(&self.overwrite))?;
        let path = model_path(&self.model)?;
        let file = ModelFile::read(&path)?;
        check_objective(&self.model, &file)?;
        let Scored { visible, rows, subject, to_classify, is_of_run } = self.scored(&file)?;
        if let Some(samples) = self.samples {
            check("samples", samples, visible.weights().is_none(), || {
                "left out for examples with weights, as neighbours count alike; with --data and --weights none they have none"
                    .to_string()
            })?;
        }
        let are_absent = Missing::recorded(&file.provenance.settings)? == Some(Missing::Absent);
        self.truth.iter().try_for_each(|truth| {
            check("truth", truth, are_absent && visible.missing().is_some(), || {
                "left out but for examples that lack values and a model that was trained with missing = absent"
                    .to_string()
            })
        })?;
        if visible.missing().is_some() {
            self.check_flags_for_missing()?;
            if are_absent {
                let out = &self.log_probabilities;
                out.iter().try_for_each(|out| {
                    check("log_probabilities", out, false, || {
                        "left out for examples that lack values and a model that was trained with missing = absent, \
                         which has no common log Z for them"
                            .to_string()
                    })
                })?;
                let scored = Scored { visible, rows, subject, to_classify, is_of_run };
                return self.predict_values(&file, scored, isa);
            }
        }
        if let Some(out) = self.clusters.as_ref().filter(|_| is_first) {
            let found = clusters_of((&visible).into());
            check("clusters", out.path().display(), found.is_some(), || {
                "left out for fewer than 100 examples, and where nothing varies".into()
            })?;
            let of_row = |cluster: Option<usize>| cluster.map_or(f64::NAN, |at| (at + 1) as f64);
            let found: Array1<f64> = found.into_iter().flatten().map(of_row).collect();
            out.write(&rows.encode(out, "cluster", &found))?;
        }
        let compared = self.compared(&file)?;
        let training = TrainingMean::of(&self.model, &file)?;
        let base = self.base(&file, training.as_ref())?;
        let model_states = self.model_states(&file)?;

        let bar = ProgressBar::new();
        let weights = FixedWeights::of(&file.rbm, isa).among(ranks);
        let model = FixedModel { rbm: &file.rbm, weights: &weights };
        let show = |what, done, total| bar.show(what, done, total);
        let watch = Watch::default().reporting_to(&show);
        let mut evaluator = Evaluator::new(model).config(self.config()).base(base).watch(watch);
        if let Some(ModelStates { visible, origin }) = &model_states {
            evaluator = evaluator.model_states(visible, origin);
        }
        if self.log_probabilities.is_some() {
            evaluator = evaluator.scoring_all();
        }
        let ladder = match self.method {
            Method::Ptt => Some(rungs(&path, &file, isa)?),
            _ => None,
        };
        if let Some(ladder) = &ladder {
            evaluator = evaluator.ladder(ladder);
        }
        if !is_first {
            evaluator.without_mixing().evaluate(&visible)?;
            return match visible.missing() {
                None => self.pseudo_likelihood(model, &visible).map(drop),
                Some(_) => Ok(()),
            };
        }
        let evaluation = evaluator.evaluate(&visible)?;
        let training_data = self.other_training_data(&file, &subject)?;
        let two_sample = self.two_sample(model, &visible, training_data.as_ref(), watch)?;
        bar.show("pseudo-likelihood", 0, 1);
        let independent =
            training.and_then(|training| training.independent(file.rbm.visible_units()));
        // On the examples that the model was scored on.
        let n_scored = evaluation.free_energy.n_examples;
        let some = (n_scored < visible.bits().n_rows())
            .then(|| WeightedRows::from(&visible).spread(n_scored));
        let independent =
            independent.map(|units| units.log_likelihood(some.as_ref().unwrap_or(&visible)));
        let to_classify = to_classify.filter(|_| visible.missing().is_none());
        let classes = to_classify.map(|examples| class_score(model, &examples, self.seed));
        let classes = classes.transpose()?.flatten();
        // What examples lack would bias them.
        let has_scores = visible.missing().is_none();
        let scores = has_scores
            .then(|| self.scores(model, &visible, &evaluation, compared.as_ref()))
            .transpose()?;
        let training_gap = training_data
            .filter(|_| has_scores)
            .map(|data| self.some(&data, MOST_TRAINING_EXAMPLES))
            .filter(|training| visible.compares_with(training))
            .map(|training| self.training_gap(model, &evaluation.free_energy, &training))
            .transpose()?;
        let scores = scores.map(|scores| ScoresReport {
            training_gap,
            error: classes.as_ref().map(|score| score.error.into()),
            log_loss: classes.as_ref().map(|score| score.log_loss.into()),
            two_sample,
            ..scores
        });
        bar.finish();

        if let Some(out) = &self.log_probabilities {
            let free_energies = match &evaluation.observed {
                Some(observed) => {
                    if observed.n_annealed > 0 {
                        let (n, all) = (observed.n_annealed, observed.n_given);
                        let what = format!(
                            "log p of {n} of {all} examples is by annealing, which errs low on average"
                        );
                        note(LogFormat::Text, &what);
                    }
                    observed.free_energies.clone()
                }
                None => free_energies(&file.rbm, visible.bits(), isa, watch)?,
            };
            let free_energies = Array1::from(free_energies);
            let log_p = free_energies.mapv(|f| -f - evaluation.log_z);
            let name = if out.is_table() { "log_p" } else { "log_probabilities" };
            out.write(&rows.encode(out, name, &log_p))?;
        }
        let report = EvaluationReport::new(&evaluation, independent);
        // Where letters are missing, sequences have other numbers of sites.
        let n_sites = subject.n_sites.filter(|_| visible.missing().is_none());
        let of_site = |nats| n_sites.map(|n_sites| nats / n_sites as f64);
        let report = EvaluationReport {
            log_likelihood_per_site: report.likelihood.log_likelihood.and_then(of_site),
            scores,
            subject: Some(subject),
            ..report
        };
        let is_taken = self.log_probabilities.as_ref().is_some_and(Output::is_stdout);
        match (self.json, is_taken) {
            (true, true) => print_beside(report.to_json()),
            (false, true) => print_beside(&report),
            (true, false) => print(report.to_json())?,
            (false, false) => print_text(&report.to_string(), VALUES)?,
        }
        if is_of_run && let Err(error) = self.store(&report) {
            // The folder may be read-only: that of a colleague, or of an archive.
            note(
                LogFormat::Text,
                &format!("the result is not kept in the folder of the run: {error}"),
            );
        }
        Ok(())
    }

    /// Refuses what examples that lack values do not have.
    fn check_flags_for_missing(&self) -> Result<()> {
        let rule = || "left out for examples that lack values".to_string();
        check("raise", self.raise, self.raise == 0, rule)?;
        self.samples.iter().try_for_each(|samples| check("samples", samples, false, rule))?;
        let clusters = self.clusters.as_ref().map(|out| out.path().display());
        clusters.iter().try_for_each(|out| check("clusters", out, false, rule))?;
        self.compare_data.iter().try_for_each(|data| check("compare_data", data, false, rule))
    }

    /// Writes the result into the folder of the run, and renews its report.
    fn store(&self, report: &EvaluationReport) -> Result<()> {
        whole_file::write(&self.model.join(EVALUATION), report.to_json().as_bytes())?;
        if self.model.join(REPORT).exists() { write_to_folder(&self.model) } else { Ok(()) }
    }

    fn config(&self) -> EvaluationConfig {
        EvaluationConfig {
            method: self.method,
            n_chains: self.n_chains,
            schedule: self.schedule,
            burn_in: self.burn_in,
            raise: self.raise,
            seed: self.seed,
        }
    }

    /// How intensities become bits. A likelihood needs bits, so `none` becomes `stochastic`.
    fn binarization(&self, file: &ModelFile) -> Result<Binarization> {
        let recorded = || Binarization::recorded(&file.provenance.settings);
        Ok(self.binarize.map_or_else(recorded, Ok)?.of_bits())
    }

    fn scored(&self, file: &ModelFile) -> Result<Scored> {
        let choice = DataChoice {
            data: self.data.as_ref(),
            split: self.split,
            usual: Part::Test,
            beside: Beside {
                labels: self.labels.as_ref(),
                weights: self.weights.as_ref().and_then(GivenWeights::source),
                weighs_as_training: self.weights.is_none(),
                ..self.reading.beside()
            },
            reading: self.reading.reading(),
        };
        if let Some(labels) = &self.labels
            && Classes::recorded(&file.provenance.data)?.is_none()
        {
            let rule = || "left out: the model was trained without labels".to_string();
            check("labels", labels, false, rule)?;
        }
        let chosen = read_data(choice, &self.model, &file.provenance)?;
        if let Some(text) = chosen.weights_note.as_ref().filter(|_| self.weights.is_none()) {
            note(LogFormat::Text, text);
        }
        // Results on fewer examples, other weights or other bits are not kept in the run's folder.
        let is_of_run = chosen.is_default
            && self.limit.is_none()
            && self.weights.is_none()
            && self.labels.is_none()
            && self.binarize.is_none()
            && self.model.is_dir();
        let (data_role, data_warning) = (chosen.role().to_string(), chosen.warning);
        let dataset = limited(chosen.dataset, self.limit, &file.rbm)?;
        let dataset = with_labels(dataset, Some(Remedy::of("labels")))?;
        let (dataset, empty) = match self.truth {
            None => dataset.with_values()?,
            // A person who has rated nothing can be predicted, too.
            Some(_) => (dataset, None),
        };
        empty.iter().for_each(|text| note(LogFormat::Text, text));
        let binarization = self.binarization(file)?;
        let to_classify =
            dataset.labels().map(|_| Examples::new(dataset.clone(), binarization.for_prediction()));
        let has_categories = dataset.columns().is_some_and(Columns::has_categories);
        let in_words = match dataset.is_binary() {
            true if has_categories => "one for each value of a column".to_string(),
            true => "none (binary data)".to_string(),
            false => binarization.to_string(),
        };
        let rows = Rows::of(&dataset);
        let examples = Examples::new(dataset, binarization);
        let visible = examples.weighted_bits(self.seed, 0..examples.n_examples());
        let subject = SubjectReport {
            parameters_sha256: file.rbm.sha256(),
            data: examples.name().to_string(),
            data_role,
            data_warning: data_warning.map(str::to_string),
            n_examples: examples.n_examples(),
            n_sites: examples
                .columns()
                .filter(|all| all.alphabet().is_some())
                .map(Columns::n_columns),
            n_effective: examples.weights().map(ExampleWeights::n_effective),
            binarization: in_words,
            data_sha256: visible.bits().sha256(),
            file_sha256: examples.sha256().map(str::to_string),
            seed: self.seed,
        };
        Ok(Scored { visible, rows, subject, to_classify, is_of_run })
    }

    /// The bits (N, V) of the data whose free energy is compared.
    fn compared(&self, file: &ModelFile) -> Result<Option<WeightedBits>> {
        let Some(source) = &self.compare_data else { return Ok(None) };
        let dataset = self.compare_split.read(source, &file.provenance)?;
        let dataset = with_labels(limited(dataset, self.limit, &file.rbm)?, None)?;
        dataset.refuse_missing("a comparison of free energies")?;
        say_inferred(&dataset);
        let examples = Examples::new(dataset, self.binarization(file)?);
        Ok(Some(examples.weighted_bits(self.seed, 0..examples.n_examples())))
    }

    fn scores(
        &self,
        model: FixedModel<'_>,
        visible: &WeightedBits,
        evaluation: &Evaluation,
        compared: Option<&WeightedBits>,
    ) -> Result<ScoresReport> {
        let (rbm, seed) = (model.rbm, self.seed);
        let (isa, watch) = (model.weights.isa(), Watch::default());
        let gap = |other| {
            let other = mean_free_energy(rbm, other, isa, watch)?;
            let (gap, standard_error) = free_energy_gap(&evaluation.free_energy, &other);
            let (mean, standard_error) = (finite(gap), finite(standard_error));
            Ok(ScoreReport { mean, standard_error, n_examples: None })
        };
        let of_one_unit = stochastic_pseudo_likelihood(rbm, visible, seed, isa, watch)?;
        Ok(ScoresReport {
            pseudo_likelihood: self.pseudo_likelihood(model, visible)?.into(),
            stochastic_pseudo_likelihood: of_one_unit.into(),
            reconstruction_error: reconstruction_error(model, visible, seed, watch)?.into(),
            free_energy_gap: compared.map(gap).transpose()?,
            training_gap: None,
            error: None,
            log_loss: None,
            two_sample: None,
        })
    }

    /// A call of all ranks.
    fn pseudo_likelihood(&self, model: FixedModel<'_>, visible: &WeightedBits) -> Result<Score> {
        let FixedModel { rbm, weights } = model;
        pseudo_likelihood_among(
            &weights.ranks_of_chains,
            rbm,
            visible,
            weights.isa(),
            Watch::default(),
        )
    }

    /// Samples of the model against the examples and those of training, if they are asked for.
    fn two_sample(
        &self,
        model: FixedModel<'_>,
        visible: &WeightedBits,
        training: Option<&Examples>,
        watch: Watch<'_>,
    ) -> Result<Option<TwoSample>> {
        let Some(n) = self.samples else { return Ok(None) };
        Chains::check_memory(model.weights, n, &["samples"])?;
        let mut chains = Chains::for_samples(model, n, None, self.seed)?;
        let count = watch.counter("samples", self.gibbs_steps as u64);
        for _ in 0..self.gibbs_steps {
            chains.sweep(model.weights);
            count(1)?;
        }
        let training = training.map(|data| self.some(data, n));
        let (units, isa) = (model.rbm.visible_units(), model.weights.isa());
        let (samples, examples) = (chains.visible(), visible.bits());
        TwoSample::of(
            units,
            &samples,
            examples,
            training.as_ref().map(WeightedBits::bits),
            isa,
            watch,
        )
        .map(Some)
    }

    /// The training examples of the run, if all their values are known and they are not the examples that are scored.
    /// Data that would take long to read are left out, unless samples are compared with them.
    fn other_training_data(
        &self,
        file: &ModelFile,
        subject: &SubjectReport,
    ) -> Result<Option<Examples>> {
        let fact = |name| file.provenance.data.get(name).and_then(Value::as_u64);
        let n_values = fact("n_examples").unwrap_or(0).saturating_mul(file.rbm.n_visible() as u64);
        let is_large = n_values > MOST_TRAINING_VALUES && self.samples.is_none();
        if is_large || subject.data_role == Part::Train.role() {
            return Ok(None);
        }
        let is_complete = |data: &Examples| {
            let has_label = |labels: &Labels| labels.of_examples().iter().all(Option::is_some);
            data.missing().is_none()
                && data.labels().is_none_or(has_label)
                && data.units() == *file.rbm.visible_units()
        };
        Ok(training_examples(&self.model, file)?.filter(is_complete))
    }

    /// At most `most` of these examples, spread evenly.
    fn some(&self, data: &Examples, most: usize) -> WeightedBits {
        let n = most.min(data.n_examples());
        data.weighted_bits(self.seed, (0..n).map(|at| at * data.n_examples() / n))
    }

    /// How far ln p(v) of training examples lies above that of the examples, whose mean free energy is `scored`.
    fn training_gap(
        &self,
        model: FixedModel<'_>,
        scored: &Score,
        training: &WeightedBits,
    ) -> Result<ScoreReport> {
        let (isa, watch) = (model.weights.isa(), Watch::default());
        let of_training = mean_free_energy(model.rbm, training, isa, watch)?;
        let (gap, standard_error) = free_energy_gap(scored, &of_training);
        let [mean, standard_error] = [gap, standard_error].map(finite);
        Ok(ScoreReport { mean, standard_error, n_examples: Some(training.bits().n_rows()) })
    }

    /// The base distribution: from `base_data`, or from the mean of the training data.
    fn base(&self, file: &ModelFile, training: Option<&TrainingMean>) -> Result<Base> {
        let ModelFile { rbm, provenance, data_mean } = file;
        match (self.base_data.as_deref(), training) {
            (Some("uniform"), _) => Ok(Base::uniform(rbm.visible_units())),
            (Some(source), _) => {
                let dataset = Part::Train.read(&source.parse()?, provenance)?;
                say_inferred(&dataset);
                dataset.check_width(rbm.n_visible(), "the model")?;
                let origin = format!("mean of {}", dataset.name());
                let binarization = Binarization::recorded(&provenance.settings)?;
                let mean = Examples::new(dataset, binarization).mean();
                Ok(Base::of_mean(rbm.visible_units(), &mean, origin))
            }
            (None, Some(TrainingMean { mean, .. })) if data_mean.is_none() => {
                Ok(Base::of_mean(rbm.visible_units(), mean, "mean of the run's training data"))
            }
            (None, _) => Ok(Base::of_method(self.method, rbm, data_mean.as_ref())),
        }
    }

    /// The states from which chains are annealed back: the given states, or the chains of the run. The
    /// chains of contrastive divergence are not used: they are near the last mini-batch, not the model.
    fn model_states(&self, file: &ModelFile) -> Result<Option<ModelStates>> {
        let units = file.rbm.visible_units();
        let algorithm = file.provenance.settings.get("algorithm").and_then(Value::as_str);
        let are_samples =
            algorithm.and_then(|name| name.parse().ok()).is_none_or(Algorithm::chains_are_samples);
        match &self.start {
            Some(source) => {
                let visible = states_in(source, units, &file.provenance.data)?;
                Ok(Some(ModelStates { visible, origin: format!("states in {source}") }))
            }
            None if !are_samples || !self.config().may_anneal() => Ok(None),
            None => Ok(chains_of(&self.model, units)
                .map(|visible| ModelStates { visible, origin: "the chains of the run".into() })),
        }
    }
}

/// Refuses a model that was not trained on p(v).
fn check_objective(path: &Path, file: &ModelFile) -> Result<()> {
    let objective = file.provenance.settings.get("objective").and_then(Value::as_str);
    if objective.and_then(|name| name.parse().ok()) != Some(Objective::Discriminative) {
        return Ok(());
    }
    let rule = "was trained on p(label | v) alone, so its p(v, label) means nothing; `harmonium predict` gives \
                its error";
    Err(Error::Unsuitable { path: path.into(), rule: rule.to_string() })
}

/// The examples whose labels are known, if the model has labels: the log-likelihood is that of v and label.
fn with_labels(dataset: Dataset, remedy: Option<Remedy>) -> Result<Dataset> {
    let n = dataset.n_examples();
    let dataset = dataset.with_known_labels(remedy)?;
    match n - dataset.n_examples() {
        0 => {}
        1 => note(LogFormat::Text, "1 example without a label is left out"),
        n => note(LogFormat::Text, &format!("{n} examples without a label are left out")),
    }
    Ok(dataset)
}

pub(super) fn class_score(
    model: FixedModel<'_>,
    examples: &Examples,
    seed: u64,
) -> Result<Option<ClassScore>> {
    let (visible, watch) = (examples.visible(seed), Watch::default());
    let classifier = Classifier::new(model.rbm)?;
    let log_p = classifier.log_probabilities(visible.as_ref(), model.weights.isa(), watch)?;
    let labels = examples.labels().expect("examples with labels").of_examples();
    Ok(ClassScore::of(&log_p, labels, examples.weights().map(ExampleWeights::values)))
}
