//! `harmonium predict`.

use super::input::{in_pool, limited, model_path, read_data, say_data};
use super::output::{Output, Overwrite};
use crate::bits::BitMatrix;
use crate::dataset::{Binarization, Columns, Dataset, Examples, MissingMask, Source};
use crate::error::{Error, Result};
use crate::evaluate::Imputation;
use crate::evaluate::imputation::most_likely;
use crate::gibbs::{FixedModel, FixedWeights};
use crate::kernels::Isa;
use crate::model::{ModelFile, Rbm};
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::rng::check_seed;
use crate::run::{DataChoice, Part};
use crate::setting::check;
use crate::train::Missing;
use crate::watch::Watch;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use ndarray::Array2;
use serde_json::{Map, Value};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Predict {
    /// A model, or the folder of a run
    model: PathBuf,
    /// `mnist`, a file (IDX, .npy, .npz, text, FASTA or PNG), a folder of PNGs, `-` for standard input,
    /// `bars-and-stripes:SIDE` or `shifter`
    /// [default: the run's test data; else its validation examples; else its training data]
    #[arg(value_name = "mnist|PATH")]
    data: Option<Source>,
    /// The part of the run's data: `train`, `test` or `validation`. For given data: `train` or `test`
    /// of MNIST [default: train], or the `validation` examples that training set aside
    #[arg(long)]
    split: Option<Part>,
    /// Use only the first N examples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Write the data with a value in place of each that is missing: the most likely one
    #[arg(long)]
    fill: bool,
    /// Fill with the mean of the numbers that a value may be, not with the most likely one
    #[arg(long, requires = "fill")]
    expected: bool,
    /// Values of the given data that are missing, besides those that they mark: a file of the same shape that
    /// is 1 where a value is missing (.npy, .npz or text)
    #[arg(long, value_name = "PATH", requires = "data")]
    missing_mask: Option<PathBuf>,
    /// Also write p(v = 1 | the given values) of each unit (N, V), f64, to this file: .npy, .npz, .csv or .tsv.
    /// Units that are given have their values
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(Output::array))]
    probabilities: Option<Output>,
    /// Write the result to this file: .npy, .npz, .csv or .tsv, for sequences also .fasta or .fasta.gz, or `-`
    /// for .npy on standard output
    #[arg(long, default_value = "filled.csv", value_name = "FILE|-",
        value_parser = PathBufValueParser::new().try_map(Output::data))]
    out: Output,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Sweeps of the chain of each example, for a model trained with `--missing marginal`: more are more
    /// certain
    #[arg(long, default_value_t = 1000, value_name = "N")]
    gibbs_steps: usize,
    /// Seed of all random numbers, including stochastic bits
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Predict {
    pub fn run(self, isa: Isa) -> Result<()> {
        check("fill", self.fill, self.fill, || {
            "given: the model has no labels, so it can only fill values that are missing"
                .to_string()
        })?;
        in_pool(self.threads, || self.fill(isa))
    }

    /// Writes the data with their missing values filled.
    fn fill(&self, isa: Isa) -> Result<()> {
        let path = model_path(&self.model);
        let ModelFile { rbm, provenance, .. } = ModelFile::read(&path)?;
        check_seed(self.seed)?;
        self.out.check(&self.overwrite)?;
        self.probabilities.iter().try_for_each(|out| out.check(&self.overwrite))?;
        let mask = self.missing_mask.as_deref().map(MissingMask::read).transpose()?;
        let choice = DataChoice {
            data: self.data.as_ref(),
            split: self.split,
            usual: Part::Train,
            missing: mask.as_ref(),
        };
        let chosen = read_data(choice, &self.model, &provenance)?;
        say_data(&chosen);
        let data = limited(chosen.dataset, self.limit, &rbm)?;
        self.check_form(&data)?;
        match data.missing_note() {
            Some(text) => note(LogFormat::Text, &text),
            None => note(LogFormat::Text, &format!("{}: no value is missing", data.name())),
        }
        let probabilities = self.probabilities_of(&data, &rbm, &provenance.settings, isa)?;
        if let Some(out) = &self.probabilities {
            out.write(&out.encode("probabilities", &probabilities))?;
        }
        // What is written has the form of the data as they are stored.
        let is_inverted = provenance.data.get("inverted").is_some_and(|inverted| inverted == true);
        let (data, probabilities) = match is_inverted {
            true => (data.inverted(), probabilities.mapv(|p| 1.0 - p)),
            false => (data, probabilities),
        };
        self.out.write(&self.filled(&data, &probabilities)?)?;
        self.out.say()
    }

    /// p(v = 1 | what each example has) of its units (N, V).
    fn probabilities_of(
        &self,
        data: &Dataset,
        rbm: &Rbm,
        settings: &Map<String, Value>,
        isa: Isa,
    ) -> Result<Array2<f64>> {
        let examples = Examples::new(data.clone(), Binarization::recorded(settings)?.of_bits());
        let visible = examples.fixed_bits(self.seed, 0..examples.n_examples());
        let none = || BitMatrix::zeros(visible.n_rows(), visible.n_columns());
        let missing = data.missing().cloned().unwrap_or_else(none);
        let weights = FixedWeights::of(rbm, isa);
        let imputation = Imputation {
            model: FixedModel { rbm, weights: &weights },
            // A model of whole examples has no other way.
            missing: Missing::recorded(settings)?.unwrap_or(Missing::Marginal),
            sweeps: self.gibbs_steps,
            seed: self.seed,
        };
        imputation.probabilities(&visible, &missing, Watch::default())
    }

    /// The bytes of the data, filled.
    fn filled(&self, data: &Dataset, probabilities: &Array2<f64>) -> Result<Vec<u8>> {
        let filled = data.filled(&most_likely(&data.units(), probabilities));
        let most_likely = || filled.bits().expect("columns are bits");
        let numbers = match self.expected {
            true => data.expected(probabilities.view())?,
            false => filled.numbers(),
        };
        Ok(match data.columns() {
            Some(columns) if self.expected => {
                let starts: Vec<_> = data.units().sites().map(|site| site.start).collect();
                let missing = data.missing();
                let number = |n: usize, column: usize| {
                    let is_missing = missing.is_some_and(|missing| missing.get(n, starts[column]));
                    is_missing.then(|| numbers[[n, column]])
                };
                self.out.encode_means("filled", columns, most_likely(), number)
            }
            Some(columns) => self.out.encode_columns("filled", columns, most_likely()),
            None => self.out.encode_numbers("filled", &numbers),
        })
    }

    /// Refuses a format that the data do not have.
    fn check_form(&self, data: &Dataset) -> Result<()> {
        let are_letters = data.columns().and_then(Columns::alphabet).is_some();
        if self.out.is_fasta() && !are_letters {
            let rule = "does not hold sequences; give a .csv or a .npy file for --out";
            return Err(Error::Unsuitable { path: data.name().into(), rule: rule.to_string() });
        }
        if self.expected { data.check_means() } else { Ok(()) }
    }
}
