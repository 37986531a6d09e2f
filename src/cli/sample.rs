//! `harmonium sample`.

use super::input::{in_pool, model_path, read_data, say_data};
use super::output::{Output, Overwrite, npy, npz};
use crate::bits::BitMatrix;
use crate::dataset::{Beside, Binarization, Classes, Columns, Encoding, Examples, Mask, Source};
use crate::error::{Error, Remedy, Result};
use crate::evaluate::free_energy::free_energies;
use crate::evaluate::{Base, EvaluationReport, tempered_ladder};
use crate::gibbs::{
    self, Chains, Doubt, FixedModel, FixedWeights, Inpainting, ReplicaExchange, Rung, Sampler,
    SamplingMethod, check_sweeps,
};
use crate::kernels::Isa;
use crate::memory::{self, Bytes, Need};
use crate::model::ModelFile;
use crate::monitor::LogFormat;
use crate::monitor::progress_bar::ProgressBar;
use crate::monitor::terminal::note;
use crate::pictures::{self, Grey};
use crate::rng::{Purpose, Stream, check_seed};
use crate::run::{DataChoice, EVALUATION, OtherReading, Part, chains_of, rungs, states_in};
use crate::setting::{self, check, invalid};
use crate::watch::Watch;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use ndarray::Array2;
use ndarray_npy::WritableElement;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// The largest number of samples, which are held in memory.
const MAX_NUMBER: usize = 100_000;

/// The default number of samples.
const USUAL_NUMBER: usize = 100;

/// The default number of completed examples.
const USUAL_COMPLETED: usize = 20;

/// The sweeps of a chain from a random start, in autocorrelation times.
const SWEEPS_OF_MEMORY: f64 = 10.0;

/// The settings without which data have no effect.
const USES_OF_DATA: [Remedy; 2] = [Remedy::with("start", "data"), Remedy::of("clamp")];

/// The method without which other starts have no effect.
const GIBBS: [Remedy; 1] = [Remedy::with("method", "gibbs")];

/// The first states of the chains.
#[derive(Clone, Debug, PartialEq)]
enum Start {
    /// Independent units drawn from the visible bias.
    Random,
    /// The first examples of the data.
    Data,
    /// The chains of the run's newest checkpoint.
    Chains,
    /// The chains of a checkpoint, or states in a file.
    States(PathBuf),
}

impl FromStr for Start {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "random" => Self::Random,
            "data" => Self::Data,
            "chains" => Self::Chains,
            path if Path::new(path).is_file() => Self::States(path.into()),
            _ => {
                let rule = "random, data, chains, a checkpoint or a file of states";
                return Err(invalid("start", text, rule));
            }
        })
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random"),
            Self::Data => f.write_str("data"),
            Self::Chains => f.write_str("chains"),
            Self::States(path) => path.display().fmt(f),
        }
    }
}

#[derive(Debug, Args)]
pub struct Sample {
    /// A model, or the folder of a run
    model: PathBuf,
    /// Number of samples, one from each chain [default: 100, with --clamp 20, or all examples if
    /// there are fewer]
    #[arg(short, long, value_name = "N")]
    number: Option<usize>,
    /// Sweeps of each chain
    #[arg(long, default_value_t = 1000, value_name = "N")]
    gibbs_steps: usize,
    /// How the chains move: `gibbs`, each by itself; `pt`, by parallel tempering, for a model with
    /// several modes; `ptt`, by parallel trajectory tempering, along the ladder of a run that was trained with
    /// --ladder
    #[arg(long, default_value_t = SamplingMethod::Gibbs)]
    method: SamplingMethod,
    /// Write the states after every K sweeps, not just the last: an array (records, number, columns). An .npz then has
    /// the `free_energies` (records, number) of the states as well
    #[arg(long, value_name = "K")]
    every: Option<usize>,
    /// The first states of the chains: `random`, independent units drawn from the visible bias; `data`, the first
    /// examples; `chains`, those of the run's newest checkpoint; or a checkpoint, or a file of states
    #[arg(long, default_value_t = Start::Random, value_name = "random|data|chains|PATH")]
    start: Start,
    /// Complete the first examples of the data, given these pixels: the half `left`, `right`, `top` or
    /// `bottom`, or a file: white pixels of a PNG, or values other than 0 of an array (V) or (rows, columns)
    #[arg(long, conflicts_with = "start", value_name = "left|right|top|bottom|FILE")]
    clamp: Option<Mask>,
    /// Draw from p(v | label) for this class, by a model that was trained with --labels
    #[arg(long, conflicts_with_all = ["start", "clamp"], value_name = "CLASS")]
    label: Option<String>,
    /// Data to start from, or to complete [default: the run's test data; else its validation
    /// examples; else its training data]
    #[arg(long, value_name = "mnist|PATH")]
    data: Option<Source>,
    /// The part of the run's data: `train`, `test` or `validation`. For --data: `train` or `test` of
    /// MNIST [default: test], or the `validation` examples that training set aside
    #[arg(long)]
    split: Option<Part>,
    /// The file for the samples. A .png shows p(v | h) after the last sweep, with --clamp below the
    /// examples and their given pixels. A .npy, .npz, .csv or .tsv (number, V) holds bits, u8, or spins -1
    /// and 1, i8; of columns (number, columns) it holds the values as the data have them. The label of a model that
    /// was trained with labels is one more column, the last. A .fasta or
    /// .fasta.gz holds sequences. `-` is .npy on standard output [default: samples.png of images, .fasta of sequences,
    /// .csv of other columns, .npy of other bits; with --every .npz]
    #[arg(long, value_name = "FILE|-", value_parser = PathBufValueParser::new().try_map(Output::samples))]
    out: Option<Output>,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Rows and columns of the images, if the model file does not give them
    #[arg(long, value_parser = image_shape, value_name = "28x28")]
    image_shape: Option<(usize, usize)>,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Sample {
    pub fn run(mut self, isa: Isa) -> Result<()> {
        let path = model_path(&self.model)?;
        let model = ModelFile::read(&path)?;
        let encoding = Encoding::recorded(&model.provenance.data)?;
        if self.out.is_none() {
            self.out = Some(self.usual_out(&model, &encoding)?);
        }
        in_pool(self.threads, || self.run_in_pool(path, &model, &encoding, isa))
    }

    /// The file in the form of the data of the model.
    fn usual_out(&self, model: &ModelFile, encoding: &Encoding) -> Result<Output> {
        let is_image = self.image_shape.or(model.provenance.image_shape).is_some();
        let name = match encoding.columns() {
            _ if self.every.is_some() => "samples.npz",
            _ if is_image => "samples.png",
            Some(columns) if columns.alphabet().is_some() => "samples.fasta",
            Some(_) => "samples.csv",
            None => "samples.npy",
        };
        Output::samples(name.into())
    }

    /// The file for the samples.
    fn out(&self) -> &Output {
        self.out.as_ref().expect("chosen as soon as the model is known")
    }

    fn run_in_pool(
        &self,
        path: PathBuf,
        model: &ModelFile,
        encoding: &Encoding,
        isa: Isa,
    ) -> Result<()> {
        let n_visible = model.rbm.n_visible();
        let label = Label::of(model, self.label.as_deref(), &path)?;
        let n_pixels = label.as_ref().map_or(n_visible, |label| label.first);
        let is_png = self.out().is_picture();
        let shape = self.image_shape.or(model.provenance.image_shape);
        if let (Some((rows, columns)), true) = (shape, is_png || self.clamp.is_some()) {
            let is_valid = rows.checked_mul(columns) == Some(n_pixels);
            check("image_shape", format!("{rows}x{columns}"), is_valid, || {
                format!("a shape of the model's {n_pixels} visible units")
            })?;
        }
        let columns = encoding.columns();
        if self.out().is_fasta() && columns.and_then(Columns::alphabet).is_none() {
            let rule = "is not a model of sequences; give a .csv or a .npy file for --out";
            return Err(Error::Unsuitable { path, rule: rule.to_string() });
        }
        if shape.is_none() && is_png && columns.is_some() {
            let rule =
                "is not a model of images; give a .csv file for --out, or a .fasta for sequences";
            return Err(Error::Unsuitable { path, rule: rule.to_string() });
        }
        if shape.is_none() && is_png {
            let rule = "does not hold the shape of its images; give --image-shape or a .npy \
                        file for --out";
            return Err(Error::Unsuitable { path, rule: rule.to_string() });
        }
        if let Some(number) = self.number {
            check("number", number, (1..=MAX_NUMBER).contains(&number), || {
                format!("at least 1 and at most {MAX_NUMBER}")
            })?;
        }
        check_seed(self.seed)?;
        check_sweeps("gibbs_steps", self.gibbs_steps)?;
        self.check_moves(label.as_ref())?;
        self.out().check(&self.overwrite)?;
        let unused = self.data.as_ref().map(|data| ("data", data.to_string()));
        let unused = unused.or(self.split.map(|split| ("split", split.to_string())));
        if let (Some((setting, value)), None) = (unused, &self.clamp)
            && self.start != Start::Data
        {
            return Err(Error::NoEffect { setting, value, needs: &USES_OF_DATA });
        }

        let weights = FixedWeights::of(&model.rbm, isa);
        let shown = shape.filter(|_| is_png);
        let bytes = match (&self.clamp, label.as_ref().and_then(|label| label.state)) {
            (None, None) => self.sample(&path, model, &weights, label.as_ref(), shown)?,
            (None, Some(state)) => {
                let label = label.as_ref().expect("a state of the label");
                self.sample_class(model, &weights, label, state, shown)?
            }
            (Some(mask), _) => {
                // A label is not given.
                let given = mask.read(n_pixels, shape)?.wider(n_visible);
                self.complete(model, &weights, &given, label.as_ref(), shown)?
            }
        };
        self.out().write(&bytes)?;
        if self.method == SamplingMethod::Gibbs && self.start == Start::Random {
            self.say_memory(model);
        }
        self.out().say()
    }

    /// Says so if the run's evaluation found that chains remember their start for too long for this many sweeps.
    fn say_memory(&self, model: &ModelFile) {
        let Ok(json) = std::fs::read_to_string(self.model.join(EVALUATION)) else { return };
        let Ok(report) = serde_json::from_str::<EvaluationReport>(&json) else { return };
        let of_model = report.subject.map(|subject| subject.parameters_sha256);
        let Some(mixing) = report.mixing.filter(|_| of_model == Some(model.rbm.sha256())) else {
            return;
        };
        let n_sweeps = mixing.n_sweeps as f64;
        let (time, about) = match mixing.n_independent {
            Some(n) => (mixing.n_chains as f64 * n_sweeps / n, "about"),
            None => (n_sweeps, "longer than"),
        };
        if (self.gibbs_steps as f64) < SWEEPS_OF_MEMORY * time {
            let steps = self.gibbs_steps;
            note(
                LogFormat::Text,
                &format!(
                    "by the run's evaluation a chain remembers its start for {about} {time:.0} sweeps, so that {steps} may be too few for \
                     modes to have their shares: raise --gibbs-steps, or take --method pt"
                ),
            );
        }
    }

    /// Checks the settings of how the chains move.
    fn check_moves(&self, label: Option<&Label>) -> Result<()> {
        let has_value = self.clamp.is_some() || label.is_some_and(|label| label.state.is_some());
        if self.method != SamplingMethod::Gibbs {
            let method = self.method.to_string();
            check("method", method, !has_value, || "gibbs with given values".to_string())?;
            if self.start != Start::Random {
                let value = self.start.to_string();
                return Err(Error::NoEffect { setting: "start", value, needs: &GIBBS });
            }
        }
        let Some(every) = self.every else { return Ok(()) };
        check("every", every, (1..=self.gibbs_steps).contains(&every), || {
            format!("at least 1 and at most the number of sweeps, {}", self.gibbs_steps)
        })?;
        check("every", every, !has_value, || "left out with given values".to_string())?;
        if self.out().is_array() {
            return Ok(());
        }
        let rule =
            "must end in .npy or .npz with --every, which gives an array of three dimensions";
        Err(Error::Unsuitable { path: self.out().path().into(), rule: rule.to_string() })
    }

    /// The states at which the chains start; none if these are random.
    fn first_states(&self, model: &ModelFile) -> Result<Option<BitMatrix>> {
        let units = model.rbm.visible_units();
        Ok(match &self.start {
            Start::Random => None,
            Start::Data => Some(self.first_examples(model, USUAL_NUMBER)?),
            Start::Chains => Some(chains_of(&self.model, units).ok_or_else(|| {
                let rule = "has no checkpoint with chains; give another --start".to_string();
                Error::Unsuitable { path: self.model.clone(), rule }
            })?),
            Start::States(path) => {
                let source = Source::Path(path.clone());
                Some(states_in(&source, units, &model.provenance.data)?)
            }
        })
    }

    /// Samples of the model, which was read from `path`: a picture if `shape` is given, else an array.
    fn sample(
        &self,
        path: &Path,
        model: &ModelFile,
        weights: &FixedWeights,
        label: Option<&Label>,
        shape: Option<(usize, usize)>,
    ) -> Result<Vec<u8>> {
        let bar = ProgressBar::new();
        let show = |what, done, total| bar.show(what, done, total);
        let watch = Watch::default().reporting_to(&show);
        let start = self.first_states(model)?;
        let usual = start.as_ref().map_or(USUAL_NUMBER, BitMatrix::n_rows);
        let n = self.number.unwrap_or(usual);
        let fixed = FixedModel { rbm: &model.rbm, weights };
        let base = Base::for_samples(&model.rbm, model.data_mean.as_ref());
        let annealing = gibbs::Path::new(fixed, &base.rates)?;
        let passed = match self.method {
            SamplingMethod::Ptt => rungs(path, model, weights.isa())?,
            _ => Vec::new(),
        };
        let mut sampler = match self.method {
            SamplingMethod::Gibbs => Sampler::Gibbs {
                chains: Chains::for_samples(fixed, n, start.as_ref(), self.seed)?,
                weights,
            },
            SamplingMethod::Pt => {
                let rungs = tempered_ladder(&annealing, self.seed, watch)?;
                Sampler::Exchange(ReplicaExchange::new(rungs, n, self.seed, watch)?)
            }
            SamplingMethod::Ptt => {
                let rungs = passed.iter().chain([weights]).map(Rung::of_model).collect();
                Sampler::Exchange(ReplicaExchange::new(rungs, n, self.seed, watch)?)
            }
        };
        let every = self.every.unwrap_or(self.gibbs_steps).max(1);
        let (mut records, n_records) = (Vec::new(), self.gibbs_steps / every);
        if self.every.is_some() {
            // Packed, twice while they are put together, and as numbers.
            let (n, n_visible) = (n.saturating_mul(n_records), weights.n_visible());
            let need = BitMatrix::bytes(n, n_visible) * 2 + Bytes::of::<[f64; 2]>(&[n, n_visible]);
            let what = || format!("{n_records} records of {} chains", n / n_records);
            memory::check(what, &[Need::new(need, &["every", "number"])])?;
        }
        for _ in 0..n_records {
            sampler.sweep(every, watch)?;
            if self.every.is_some() {
                records.push(sampler.visible()?);
            }
        }
        bar.finish();
        if let Sampler::Exchange(exchange) = &sampler {
            let other = match self.method {
                SamplingMethod::Pt => "ptt (a run that was trained with --ladder 0.25)",
                _ => "pt",
            };
            let passage = exchange.passage()?;
            let doubt = passage.doubt().map(|Doubt { reason, is_torn, .. }| match is_torn {
                true => format!("; {reason}: two rungs hardly ever swap, so try --method {other}"),
                false => format!("; {reason}: raise --gibbs-steps"),
            });
            note(LogFormat::Text, &format!("{passage}{}", doubt.unwrap_or_default()));
        }
        if let Some(shape) = shape {
            let means = weights.visible_given_hidden().means(&sampler.hidden()?)?;
            return Ok(pictures::grid(means.view(), shape, Grey::Unit));
        }
        match self.every {
            None => self.array(&sampler.visible()?, model, label),
            Some(_) => self.trajectories(&BitMatrix::concatenate(&records), n, model, label),
        }
    }

    /// Samples of p(v | label) for a class: a picture if `shape` is given, else an array.
    fn sample_class(
        &self,
        model: &ModelFile,
        weights: &FixedWeights,
        label: &Label,
        state: usize,
        shape: Option<(usize, usize)>,
    ) -> Result<Vec<u8>> {
        let (n, n_visible) = (self.number.unwrap_or(USUAL_NUMBER), weights.n_visible());
        Chains::check_memory(weights, n, &["number"])?;
        let of_class = BitMatrix::from_fn(n, n_visible, |_, unit| unit == label.first + state);
        let given = BitMatrix::from_fn(1, n_visible, |_, unit| unit >= label.first);
        let streams = Stream::first(n, self.seed, Purpose::Inpainting);
        let mut chains = Inpainting::new(weights, &of_class, &given, streams)?;
        for _ in 0..self.gibbs_steps {
            chains.sweep(weights);
        }
        Ok(match shape {
            Some(shape) => pictures::grid(chains.mean_visible(weights).view(), shape, Grey::Unit),
            None => self.array(&chains.visible(), model, Some(label))?,
        })
    }

    /// Examples completed from their given units (1, V): a picture if `shape` is given, else an array.
    fn complete(
        &self,
        model: &ModelFile,
        weights: &FixedWeights,
        given: &BitMatrix,
        label: Option<&Label>,
        shape: Option<(usize, usize)>,
    ) -> Result<Vec<u8>> {
        let examples = self.first_examples(model, USUAL_COMPLETED)?;
        Chains::check_memory(weights, examples.n_rows(), &["number"])?;
        let streams = Stream::first(examples.n_rows(), self.seed, Purpose::Inpainting);
        let mut inpainting = Inpainting::new(weights, &examples, given, streams)?;
        for _ in 0..self.gibbs_steps {
            inpainting.sweep(weights);
        }
        Ok(match shape {
            Some(shape) => {
                let completed = inpainting.mean_visible(weights);
                pictures::completions(&examples, given, completed.view(), shape)
            }
            None => self.array(&inpainting.visible(), model, label)?,
        })
    }

    /// The first examples of the data as bits: `number`, or at most `usual`.
    fn first_examples(&self, model: &ModelFile, usual: usize) -> Result<BitMatrix> {
        let choice = DataChoice {
            data: self.data.as_ref(),
            split: self.split,
            usual: Part::Test,
            beside: Beside::default(),
            reading: OtherReading::default(),
        };
        let chosen = read_data(choice, &self.model, &model.provenance)?;
        say_data(&chosen);
        let dataset = chosen.dataset.first(self.number.unwrap_or(usual))?;
        dataset.check_width(model.rbm.n_visible(), "the model")?;
        dataset.refuse_missing("`harmonium sample` (`harmonium predict --fill` completes them)")?;
        let n = dataset.n_examples();
        if let Some(number) = self.number {
            check("number", number, number <= n, || {
                format!("at most the number of examples, {n}")
            })?;
        }
        let binarization = Binarization::recorded(&model.provenance.settings)?;
        Ok(Examples::new(dataset, binarization).fixed_bits(self.seed, 0..n))
    }

    /// The file of bits (N, V) as u8, for a model of spins as -1 and 1, i8, or for a model of columns in the
    /// form of its data. The class of a label is one more column, the last: its name in text, else its number.
    fn array(&self, bits: &BitMatrix, model: &ModelFile, label: Option<&Label>) -> Result<Vec<u8>> {
        let encoding = Encoding::recorded(&model.provenance.data)?;
        if let (Some(label), true) = (label, self.out().is_fasta()) {
            let columns = encoding.columns().expect("the letters of sequences");
            let features = bits.first_columns(label.first);
            return Ok(self.out().encode_columns("samples", columns, &features));
        }
        // A table has the names of the data, so that it can be read as they are.
        let named = Columns::units_recorded(&model.provenance.data, encoding.is_spins());
        let named = named.filter(|_| self.out().is_table());
        let columns = match (&named, label) {
            (Some(named), Some(label)) => Some(named.and_label(&label.classes)),
            (Some(_), None) => named,
            (None, _) => columns_of(&encoding, label),
        };
        Ok(match columns {
            Some(columns) => self.out().encode_columns("samples", &columns, bits),
            None if encoding.is_spins() => {
                self.out().encode("samples", &bits.to_array(Encoding::spin))
            }
            None => self.out().encode("samples", &bits.to_array(u8::from)),
        })
    }

    /// The file of records of `n` chains, bits (records · n, V): an array (records, n, columns) of the numbers that
    /// [`array`](Self::array) gives. An archive has F of each state, (records, n), as well.
    fn trajectories(
        &self,
        bits: &BitMatrix,
        n: usize,
        model: &ModelFile,
        label: Option<&Label>,
    ) -> Result<Vec<u8>> {
        let encoding = Encoding::recorded(&model.provenance.data)?;
        let shape = [bits.n_rows() / n, n];
        let samples = match columns_of(&encoding, label) {
            Some(columns) => {
                let numbers = columns.to_numbers(bits);
                match numbers.iter().all(|&x| f64::from(x as u8) == x) {
                    true => in_shape(&numbers.mapv(|x| x as u8), shape),
                    false => in_shape(&numbers, shape),
                }
            }
            None if encoding.is_spins() => in_shape(&bits.to_array(Encoding::spin), shape),
            None => in_shape(&bits.to_array(u8::from), shape),
        };
        if !self.out().is_archive() {
            return Ok(samples);
        }
        let energies = free_energies(&model.rbm, bits, Isa::fastest(), Watch::default())?;
        let energies = Array2::from_shape_vec(shape, energies).expect("one for each row");
        Ok(npz(&[("samples", samples), ("free_energies", npy(&energies))]))
    }
}

/// The .npy file of an array (rows, columns) whose rows are in two dimensions.
fn in_shape<T: WritableElement + Clone>(array: &Array2<T>, [n, m]: [usize; 2]) -> Vec<u8> {
    npy(&array.to_shape((n, m, array.ncols())).expect("as many elements").to_owned())
}

/// The columns of the data of a model, with its label, if the data are columns or have a label.
fn columns_of(encoding: &Encoding, label: Option<&Label>) -> Option<Columns> {
    let Some(Label { classes, first, .. }) = label else { return encoding.columns().cloned() };
    Some(match encoding.columns() {
        Some(columns) => columns.and_label(classes),
        None => Columns::of_bits(*first, encoding.is_spins()).and_label(classes),
    })
}

/// The label of a model that has one.
struct Label {
    classes: Arc<Classes>,
    /// The first unit of its site, the last one.
    first: usize,
    /// The class that is asked for.
    state: Option<usize>,
}

impl Label {
    fn of(model: &ModelFile, class: Option<&str>, path: &Path) -> Result<Option<Self>> {
        let Some(classes) = Classes::recorded(&model.provenance.data)? else {
            let Some(_) = class else { return Ok(None) };
            let rule = "was trained without labels, so it has no --label".to_string();
            return Err(Error::Unsuitable { path: path.into(), rule });
        };
        let first = model.rbm.n_visible() - classes.n();
        let state = class.map(|class| classes.state(class)).transpose()?;
        Ok(Some(Self { classes, first, state }))
    }
}

/// `28x28` as rows and columns.
fn image_shape(text: &str) -> Result<(usize, usize)> {
    setting::Value::parse("image_shape", text)
}
