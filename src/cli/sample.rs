//! `harmonium sample`.

use super::{Part, model_path, parse_image_shape, print};
use crate::dataset::{Examples, Source};
use crate::error::{Error, Result};
use crate::gibbs::{Chains, Image, draw_independent};
use crate::model::{ModelFile, sigmoid};
use crate::monitor::pictures::{self, Grey};
use crate::rng::{Purpose, Stream};
use crate::run::in_pool;
use crate::whole_file;
use clap::{Args, ValueEnum};
use ndarray::Array2;
use std::path::PathBuf;

/// Most samples of a call: they are held in memory.
const MAX_NUMBER: usize = 100_000;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Start {
    /// Independent pixels drawn from the visible bias
    Random,
    /// The first examples of --data
    Data,
}

#[derive(Debug, Args)]
pub struct Sample {
    /// A model, or the folder of a run
    model: PathBuf,
    /// Samples: one of each chain
    #[arg(short, long, default_value_t = 100)]
    number: usize,
    /// Sweeps of each chain
    #[arg(long, default_value_t = 1000)]
    gibbs_steps: usize,
    /// Where the chains start
    #[arg(long, value_enum, default_value_t = Start::Random)]
    start: Start,
    /// Data to start from
    #[arg(long, default_value = "mnist", value_name = "mnist|PATH")]
    data: Source,
    /// Which of the data to start from: `train`, `test` or `validation`
    #[arg(long, default_value_t = Part::Test)]
    split: Part,
    /// A .png shows p(v | h) after the last sweep; a .npy (number, V) holds the bits drawn, u8
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
    pub fn run(self) -> Result<()> {
        in_pool(self.threads, || self.run_in_pool())
    }

    fn run_in_pool(&self) -> Result<()> {
        let path = model_path(&self.model);
        let ModelFile { rbm, provenance } = ModelFile::read(&path)?;
        let is_png = has_extension(&self.out, "png");
        if !is_png && !has_extension(&self.out, "npy") {
            let rule = "must end in .png or .npy".to_string();
            return Err(Error::Unsuitable { path: self.out.clone(), rule });
        }
        let shape = self.image_shape.or(provenance.image_shape);
        let shape = match shape {
            Some((rows, columns))
                if is_png && rows.checked_mul(columns) != Some(rbm.n_visible()) =>
            {
                return Err(Error::InvalidSetting {
                    setting: "image_shape",
                    value: format!("{rows}x{columns}"),
                    rule: format!("a shape of the model's {} visible units", rbm.n_visible()),
                });
            }
            None if is_png => {
                let rule = "does not say the shape of its images; give --image-shape or a .npy \
                            file for --out";
                return Err(Error::Unsuitable { path, rule: rule.to_string() });
            }
            shape => shape,
        };
        if !(1..=MAX_NUMBER).contains(&self.number) {
            let (value, rule) =
                (self.number.to_string(), format!("at least 1 and at most {MAX_NUMBER}"));
            return Err(Error::InvalidSetting { setting: "number", value, rule });
        }
        super::check_seed(self.seed)?;

        let image = Image::new(&rbm)?;
        let mut streams: Vec<_> = (0..self.number as u64)
            .map(|chain| Stream::new(self.seed, Purpose::Sample, chain))
            .collect();
        let start = match self.start {
            Start::Random => {
                let rates = rbm.visible_bias().mapv(|bias| sigmoid(f64::from(bias)));
                draw_independent(&rates.to_vec(), &mut streams)
            }
            Start::Data => {
                let dataset = self.split.read(&self.data, &provenance)?.first(self.number)?;
                super::check_width(&dataset, &rbm)?;
                if dataset.n_examples() < self.number {
                    return Err(Error::InvalidSetting {
                        setting: "number",
                        value: self.number.to_string(),
                        rule: format!(
                            "at most the number of examples, {}, to start at them",
                            dataset.n_examples()
                        ),
                    });
                }
                let binarization = super::binarization(None, &provenance)?;
                let examples = Examples::new(dataset, binarization);
                examples.fixed_bits(self.seed, 0..self.number)
            }
        };
        let mut chains = Chains::from_visible(&image, &start, streams);
        for _ in 0..self.gibbs_steps {
            chains.sweep(&image);
        }
        let bytes = if let (true, Some(shape)) = (is_png, shape) {
            pictures::grid(rbm.mean_visible(&chains.hidden())?.view(), shape, Grey::Unit)
        } else {
            let bits = chains.visible();
            let (n, width) = (bits.n_rows(), bits.n_columns());
            super::npy(&Array2::from_shape_fn((n, width), |(n, i)| u8::from(bits.get(n, i))))
        };
        whole_file::write(&self.out, &bytes)?;
        print(self.out.display())
    }
}

fn has_extension(path: &std::path::Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
