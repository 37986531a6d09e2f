//! `harmonium sample`.

use super::{model_path, parse_image_shape, print};
use crate::bits::BitMatrix;
use crate::dataset::{Encoding, Examples, Mask, Source};
use crate::error::{Error, Result};
use crate::gibbs::{Chains, FixedWeights, Inpainting, draw_independent};
use crate::kernels::Isa;
use crate::model::{ModelFile, sigmoid};
use crate::monitor::pictures::{self, Grey};
use crate::rng::{Purpose, Stream};
use crate::run::{DataChoice, Part, in_pool};
use crate::setting::check;
use crate::whole_file;
use clap::{Args, ValueEnum};
use ndarray::Array2;
use std::path::{Path, PathBuf};

/// Most samples of a call: they are held in memory.
const MAX_NUMBER: usize = 100_000;

/// Samples unless another number is asked for.
const USUAL_NUMBER: usize = 100;

/// Completed examples unless another number is asked for.
const USUAL_COMPLETED: usize = 20;

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
    /// Samples, one of each chain [default: 100; with --clamp 20; of fewer examples all]
    #[arg(short, long)]
    number: Option<usize>,
    /// Sweeps of each chain
    #[arg(long, default_value_t = 1000)]
    gibbs_steps: usize,
    /// Where the chains start
    #[arg(long, value_enum, default_value_t = Start::Random)]
    start: Start,
    /// Complete the first examples of the data, given these pixels: the half `left`, `right`, `top` or
    /// `bottom`, or a file, white in a .png, not 0 in a .npy of V values or of rows x columns
    #[arg(long, conflicts_with = "start", value_name = "left|right|top|bottom|FILE")]
    clamp: Option<Mask>,
    /// Data to start from, or to complete [default: the run's test data; else its validation
    /// examples; else its training data]
    #[arg(long, value_name = "mnist|PATH")]
    data: Option<Source>,
    /// Which part of the run's data: `train`, `test` or `validation`. Of --data: of MNIST the images for
    /// `train` or `test` [default: test], of any the examples that training set aside
    #[arg(long)]
    split: Option<Part>,
    /// A .png shows p(v | h) after the last sweep, with --clamp below the truth and what is given of
    /// it; a .npy (number, V) holds the bits drawn, u8, or of a model of spins -1 and 1, i8
    #[arg(long, default_value = "samples.png", value_name = "FILE")]
    out: PathBuf,
    /// Rows and columns of the images, if the model does not say
    #[arg(long, value_parser = parse_image_shape, value_name = "28x28")]
    image_shape: Option<(usize, usize)>,
    /// Where every random number comes from
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long)]
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
        let is_png = has_extension(&self.out, "png");
        if !is_png && !has_extension(&self.out, "npy") {
            let rule = "must end in .png or .npy".to_string();
            return Err(Error::Unsuitable { path: self.out.clone(), rule });
        }
        let shape = self.image_shape.or(model.provenance.image_shape);
        if let (Some((rows, columns)), true) = (shape, is_png || self.clamp.is_some()) {
            let is_valid = rows.checked_mul(columns) == Some(n_visible);
            check("image_shape", format!("{rows}x{columns}"), is_valid, || {
                format!("a shape of the model's {n_visible} visible units")
            })?;
        }
        if shape.is_none() && is_png {
            let rule = "does not say the shape of its images; give --image-shape or a .npy \
                        file for --out";
            return Err(Error::Unsuitable { path, rule: rule.to_string() });
        }
        if let Some(number) = self.number {
            check("number", number, (1..=MAX_NUMBER).contains(&number), || {
                format!("at least 1 and at most {MAX_NUMBER}")
            })?;
        }
        super::check_seed(self.seed)?;

        let weights = FixedWeights::of(&model.rbm, isa);
        let bytes = match &self.clamp {
            None => self.sample(&model, &weights, shape.filter(|_| is_png))?,
            Some(mask) => {
                let given = mask.read(n_visible, shape)?;
                self.complete(&model, &weights, &given, shape.filter(|_| is_png))?
            }
        };
        whole_file::write(&self.out, &bytes)?;
        print(self.out.display())
    }

    /// Samples of the model, as a picture of images of a shape or an array.
    fn sample(
        &self,
        model: &ModelFile,
        weights: &FixedWeights,
        shape: Option<(usize, usize)>,
    ) -> Result<Vec<u8>> {
        let (start, streams) = match self.start {
            Start::Random => {
                let n = self.number.unwrap_or(USUAL_NUMBER);
                let mut streams = self.streams(Purpose::Sample, n);
                let rates = model.rbm.visible_bias().mapv(|bias| sigmoid(f64::from(bias)));
                (draw_independent(&rates.to_vec(), &mut streams), streams)
            }
            Start::Data => {
                let start = self.first_examples(model, USUAL_NUMBER)?;
                let streams = self.streams(Purpose::Sample, start.n_rows());
                (start, streams)
            }
        };
        let mut chains = Chains::from_visible(weights, &start, streams);
        for _ in 0..self.gibbs_steps {
            chains.sweep(weights);
        }
        Ok(match shape {
            Some(shape) => {
                let means = weights.visible_given_hidden().means(&chains.hidden())?;
                pictures::grid(means.view(), shape, Grey::Unit)
            }
            None => npy(&chains.visible(), model)?,
        })
    }

    /// Examples completed from their given units (1, V), as a picture of images of a shape or an
    /// array.
    fn complete(
        &self,
        model: &ModelFile,
        weights: &FixedWeights,
        given: &BitMatrix,
        shape: Option<(usize, usize)>,
    ) -> Result<Vec<u8>> {
        let examples = self.first_examples(model, USUAL_COMPLETED)?;
        let streams = self.streams(Purpose::Inpainting, examples.n_rows());
        let mut inpainting = Inpainting::new(weights, &examples, given, streams);
        for _ in 0..self.gibbs_steps {
            inpainting.sweep(weights);
        }
        Ok(match shape {
            Some(shape) => {
                let completed = inpainting.mean_visible(weights);
                pictures::completions(&examples, given, completed.view(), shape)
            }
            None => npy(&inpainting.visible(), model)?,
        })
    }

    /// The first examples of the data as bits: as many as asked for, or at most `usual`.
    fn first_examples(&self, model: &ModelFile, usual: usize) -> Result<BitMatrix> {
        let choice = DataChoice {
            data: self.data.as_ref(),
            split: self.split,
            usual: Part::Test,
            flag: "--data",
        };
        let chosen = super::read_data(choice, &self.model, &model.provenance)?;
        super::say_data(&chosen);
        let dataset = chosen.dataset.first(self.number.unwrap_or(usual))?;
        super::check_width(&dataset, &model.rbm)?;
        let n = dataset.n_examples();
        if let Some(number) = self.number {
            check("number", number, number <= n, || {
                format!("at most the number of examples, {n}")
            })?;
        }
        let binarization = super::binarization(None, &model.provenance)?;
        Ok(Examples::new(dataset, binarization).fixed_bits(self.seed, 0..n))
    }

    fn streams(&self, purpose: Purpose, n: usize) -> Vec<Stream> {
        (0..n as u64).map(|chain| Stream::new(self.seed, purpose, chain)).collect()
    }
}

/// Bits (N, V) as an array of u8, or of a model of spins as -1 and 1, i8.
fn npy(bits: &BitMatrix, model: &ModelFile) -> Result<Vec<u8>> {
    let shape = (bits.n_rows(), bits.n_columns());
    Ok(if Encoding::recorded(&model.provenance.data)?.is_spins() {
        let spin = |(n, i)| if bits.get(n, i) { 1_i8 } else { -1 };
        super::npy(&Array2::from_shape_fn(shape, spin))
    } else {
        super::npy(&Array2::from_shape_fn(shape, |(n, i)| u8::from(bits.get(n, i))))
    })
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
