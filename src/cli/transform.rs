//! `harmonium transform`.

use super::input::{ReadingFlags, in_pool, limited, model_path, read_data, say_data};
use super::output::{Output, Overwrite};
use super::rows::Rows;
use crate::dataset::{Binarization, Examples, Source};
use crate::error::Result;
use crate::evaluate::Classifier;
use crate::gibbs::FixedWeights;
use crate::kernels::Isa;
use crate::memory::{self, Bytes, Need};
use crate::model::ModelFile;
use crate::rng::check_seed;
use crate::run::{DataChoice, Part};
use crate::setting::check;
use crate::train::Missing;
use crate::watch::Watch;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use ndarray::Array2;
use std::path::PathBuf;

/// The largest number of draws.
const MAX_DRAWS: u64 = 10_000;

#[derive(Debug, Args)]
pub struct Transform {
    /// A model, or the folder of a run
    model: PathBuf,
    /// `mnist`, a file (IDX, .npy, .npz, text or PNG), a folder of PNGs, `-` for
    /// standard input, `bars-and-stripes:SIDE`, `shifter` or `populations:SEED`
    /// [default: the run's test data; else its validation examples; else its training data]
    #[arg(value_name = "mnist|PATH")]
    data: Option<Source>,
    /// The part of the run's data: `train`, `test` or `validation`. For given data: `train` or `test`
    /// of MNIST [default: train], or the `validation` examples that training set aside
    #[arg(long)]
    split: Option<Part>,
    #[command(flatten)]
    reading: ReadingFlags,
    /// Use only the first N examples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How intensities become bits, or `none` for p(h | v) of the intensities themselves [default: as
    /// in training]
    #[arg(long)]
    binarize: Option<Binarization>,
    /// Seed of stochastic bits; equal seeds give equal bits
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Take the mean of p(h | v) over N draws of stochastic bits, 1 to 10000: smoother features of
    /// grey levels
    #[arg(long, default_value_t = 1, value_name = "N")]
    draws: u64,
    /// Write p(h | v) to this file: an array (examples, H) of f32 as .npy, .npz, .csv or .tsv, or `-` for
    /// .npy on standard output. Text has the header h0, h1, …, after the names of sequences, or of rows if a column has
    /// them. A row that is left out has NaN
    #[arg(long, default_value = "features.npy", value_name = "FILE|-",
        value_parser = PathBufValueParser::new().try_map(Output::array))]
    out: Output,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Transform {
    pub fn run(self, isa: Isa) -> Result<()> {
        in_pool(self.threads, || {
            let ModelFile { rbm, provenance, .. } = ModelFile::read(&model_path(&self.model)?)?;
            let choice = DataChoice {
                data: self.data.as_ref(),
                split: self.split,
                usual: Part::Train,
                beside: self.reading.beside(),
                reading: self.reading.reading(),
            };
            let chosen = read_data(choice, &self.model, &provenance)?;
            say_data(&chosen);
            let dataset = limited(chosen.dataset, self.limit, &rbm)?;
            // A site that is absent adds nothing to the inputs of h, as one that is off.
            if Missing::recorded(&provenance.settings)? != Some(Missing::Absent) {
                let user = "p(h | v) (`harmonium predict --fill` completes them)";
                dataset.refuse_missing(user)?;
            }
            check_seed(self.seed)?;
            let recorded = Binarization::recorded(&provenance.settings);
            let binarization = self.binarize.map_or(recorded, Ok)?;
            let most = 1..=MAX_DRAWS;
            check("draws", self.draws, most.contains(&self.draws), || {
                format!("at least 1 and at most {MAX_DRAWS}")
            })?;
            self.out.check(&self.overwrite)?;
            let n_examples = dataset.n_examples();
            // The features, those of another draw, and the bytes of the file.
            let n_hidden = rbm.n_hidden();
            let need = Need::new(Bytes::of::<[f32; 3]>(&[n_examples, n_hidden]), &[]);
            memory::check(|| format!("{n_examples} rows of {n_hidden} features"), &[need])?;
            let rows = Rows::of(&dataset);
            let examples = Examples::new(dataset, binarization);
            // Features must not know the label.
            let classifier = examples.labels().map(|_| Classifier::new(&rbm)).transpose()?;
            let watch = Watch::default();
            if let Some(reals) = examples.reals() {
                return self.write(
                    &rows,
                    &match &classifier {
                        None => rbm.mean_hidden_on(isa, reals.into())?,
                        Some(classifier) => classifier.mean_hidden(reals, isa, watch)?,
                    },
                );
            }
            let weights = FixedWeights::of(&rbm, isa);
            let means = |draw: u64| {
                let bits = examples.fixed_draw(self.seed, draw, 0..n_examples);
                match &classifier {
                    None => weights.hidden_given_visible().means(&bits),
                    Some(classifier) => classifier.mean_hidden(&bits, isa, watch),
                }
            };
            let mut features = means(0)?;
            for draw in 1..self.draws {
                features += &means(draw)?;
            }
            features /= self.draws as f32;
            self.write(&rows, &features)
        })
    }

    /// Writes the features of all rows of the data. In text, unit j is the column `hj`, from 0, after the names of rows or
    /// sequences.
    fn write(&self, rows: &Rows, features: &Array2<f32>) -> Result<()> {
        let features = rows.spread(features.view(), f32::NAN);
        let header = (0..features.ncols()).map(|unit| format!("h{unit}"));
        let bytes = self.out.encode_named("features", header, &features);
        self.out.write(&rows.with_titles(&self.out, bytes))?;
        self.out.say()
    }
}
