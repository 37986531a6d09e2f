//! `harmonium sample`.

use super::input::{in_pool, model_path, read_data, say_data};
use super::output::{Output, Overwrite};
use crate::bits::BitMatrix;
use crate::dataset::{Beside, Binarization, Classes, Columns, Encoding, Examples, Mask, Source};
use crate::error::{Error, Remedy, Result};
use crate::gibbs::{Chains, FixedModel, FixedWeights, Inpainting, check_sweeps};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::pictures::{self, Grey};
use crate::rng::{Purpose, Stream, check_seed};
use crate::run::{DataChoice, Part};
use crate::setting::{self, check};
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest number of samples, which are held in memory.
const MAX_NUMBER: usize = 100_000;

/// The default number of samples.
const USUAL_NUMBER: usize = 100;

/// The default number of completed examples.
const USUAL_COMPLETED: usize = 20;

/// The settings without which data have no effect.
const USES_OF_DATA: [Remedy; 2] = [Remedy::with("start", "data"), Remedy::of("clamp")];

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Start {
    /// Independent pixels drawn from the visible bias
    Random,
    /// The first examples of the data
    Data,
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
    /// The first states of the chains
    #[arg(long, value_enum, default_value_t = Start::Random)]
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
    /// and 1, i8; of columns (number, columns) it holds the values as the data have them. A .fasta or
    /// .fasta.gz holds sequences. `-` is .npy on standard output
    #[arg(long, default_value = "samples.png", value_name = "FILE|-",
        value_parser = PathBufValueParser::new().try_map(Output::samples))]
    out: Output,
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
    pub fn run(self, isa: Isa) -> Result<()> {
        in_pool(self.threads, || self.run_in_pool(isa))
    }

    fn run_in_pool(&self, isa: Isa) -> Result<()> {
        let path = model_path(&self.model);
        let model = ModelFile::read(&path)?;
        let n_visible = model.rbm.n_visible();
        let label = Label::of(&model, self.label.as_deref(), &path)?;
        let n_pixels = label.as_ref().map_or(n_visible, |label| label.first);
        let is_png = self.out.is_picture();
        let shape = self.image_shape.or(model.provenance.image_shape);
        if let (Some((rows, columns)), true) = (shape, is_png || self.clamp.is_some()) {
            let is_valid = rows.checked_mul(columns) == Some(n_pixels);
            check("image_shape", format!("{rows}x{columns}"), is_valid, || {
                format!("a shape of the model's {n_pixels} visible units")
            })?;
        }
        let encoding = Encoding::recorded(&model.provenance.data)?;
        let columns = encoding.columns();
        if self.out.is_fasta() && columns.and_then(Columns::alphabet).is_none() {
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
        self.out.check(&self.overwrite)?;
        let unused = self.data.as_ref().map(|data| ("data", data.to_string()));
        let unused = unused.or(self.split.map(|split| ("split", split.to_string())));
        if let (Some((setting, value)), None, Start::Random) = (unused, &self.clamp, self.start) {
            return Err(Error::NoEffect { setting, value, needs: &USES_OF_DATA });
        }

        let weights = FixedWeights::of(&model.rbm, isa);
        let shown = shape.filter(|_| is_png);
        let bytes = match (&self.clamp, label.as_ref().and_then(|label| label.state)) {
            (None, None) => self.sample(&model, &weights, label.as_ref(), shown)?,
            (None, Some(state)) => {
                let label = label.as_ref().expect("a state of the label");
                self.sample_class(&model, &weights, label, state, shown)?
            }
            (Some(mask), _) => {
                // A label is not given.
                let given = mask.read(n_pixels, shape)?.wider(n_visible);
                self.complete(&model, &weights, &given, label.as_ref(), shown)?
            }
        };
        self.out.write(&bytes)?;
        self.out.say()
    }

    /// Samples of the model: a picture if `shape` is given, else an array.
    fn sample(
        &self,
        model: &ModelFile,
        weights: &FixedWeights,
        label: Option<&Label>,
        shape: Option<(usize, usize)>,
    ) -> Result<Vec<u8>> {
        let start = match self.start {
            Start::Random => None,
            Start::Data => Some(self.first_examples(model, USUAL_NUMBER)?),
        };
        let usual = start.as_ref().map_or(USUAL_NUMBER, BitMatrix::n_rows);
        let n = self.number.unwrap_or(usual);
        let fixed = FixedModel { rbm: &model.rbm, weights };
        let mut chains = Chains::for_samples(fixed, n, start.as_ref(), self.seed)?;
        for _ in 0..self.gibbs_steps {
            chains.sweep(weights);
        }
        Ok(match shape {
            Some(shape) => {
                let means = weights.visible_given_hidden().means(&chains.hidden())?;
                pictures::grid(means.view(), shape, Grey::Unit)
            }
            None => self.array(&chains.visible(), model, label)?,
        })
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
        if let Some(Label { classes, first, .. }) = label {
            let features = bits.first_columns(*first);
            if self.out.is_fasta() {
                let columns = encoding.columns().expect("the letters of sequences");
                return Ok(self.out.encode_columns("samples", columns, &features));
            }
            let columns = match encoding.columns() {
                Some(columns) => columns.and_label(classes),
                None => Columns::of_bits(*first, encoding.is_spins()).and_label(classes),
            };
            return Ok(self.out.encode_columns("samples", &columns, bits));
        }
        Ok(match encoding.columns() {
            Some(columns) => self.out.encode_columns("samples", columns, bits),
            None if encoding.is_spins() => {
                self.out.encode("samples", &bits.to_array(Encoding::spin))
            }
            None => self.out.encode("samples", &bits.to_array(u8::from)),
        })
    }
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
