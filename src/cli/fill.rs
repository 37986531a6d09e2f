//! `harmonium predict --fill`: the data with a value in place of each that is missing.

use super::input::{limited, model_path, read_data, say_data};
use super::output::Output;
use super::predict::Predict;
use super::rows::Rows;
use crate::dataset::{Beside, Binarization, Columns, Dataset, Examples, MissingMask};
use crate::error::{Error, Result};
use crate::evaluate::imputation::most_likely;
use crate::evaluate::{Imputation, NumberMeans};
use crate::gibbs::{FixedModel, FixedWeights};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::rng::check_seed;
use crate::run::{DataChoice, Part};
use crate::train::Missing;
use crate::watch::Watch;
use ndarray::{Array2, s};

/// The file for the filled data, if none is given.
const FILLED: &str = "filled.csv";

impl Predict {
    /// Writes the data with their missing values filled.
    pub(super) fn fill(&self, isa: Isa) -> Result<()> {
        let out = self.out(FILLED)?;
        let path = model_path(&self.model)?;
        let ModelFile { rbm, provenance, data_mean } = ModelFile::read(&path)?;
        check_seed(self.seed)?;
        out.check(&self.overwrite)?;
        self.probabilities.iter().try_for_each(|out| out.check(&self.overwrite))?;
        let mask = self.missing_mask.as_deref().map(MissingMask::read).transpose()?;
        let choice = DataChoice {
            data: self.data.as_ref(),
            split: self.split,
            usual: Part::Test,
            beside: Beside {
                mask: mask.as_ref(),
                id: self.reading.id.as_deref(),
                ..Beside::default()
            },
            reading: self.reading.reading(),
        };
        let chosen = read_data(choice, &self.model, &provenance)?;
        say_data(&chosen);
        let data = limited(chosen.dataset, self.limit, &rbm)?;
        self.check_form(&data, &out)?;
        match data.missing_note() {
            Some(text) => note(LogFormat::Text, &text),
            None => note(LogFormat::Text, &format!("{}: no value is missing", data.name())),
        }
        // A model of whole examples has no other way.
        let rule = Missing::recorded(&provenance.settings)?.unwrap_or(Missing::Marginal);
        let examples =
            Examples::new(data.clone(), Binarization::recorded(&provenance.settings)?.of_bits());
        let weights = FixedWeights::of(&rbm, isa);
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let (sweeps, seed) = (self.gibbs_steps, self.seed);
        let imputation = Imputation { model, missing: rule, sweeps, seed };
        let visible = examples.fixed_bits(seed, 0..examples.n_examples());
        let probabilities =
            imputation.probabilities(&visible, &data.lacking(), Watch::default())?;
        // Labels are not among what is written.
        let probabilities = probabilities.slice_move(s![.., ..data.n_features()]);
        let data = data.without_labels();
        if let Some(out) = &self.probabilities {
            out.write(&out.encode("probabilities", &probabilities))?;
        }
        // What is written has the form of the data as they are stored.
        let is_inverted = provenance.data.get("inverted").is_some_and(|inverted| inverted == true);
        let (data, probabilities) = match is_inverted {
            true => (data.inverted(), probabilities.mapv(|p| 1.0 - p)),
            false => (data, probabilities),
        };
        let means = data.columns().filter(|_| rule == Missing::Absent).and_then(|columns| {
            NumberMeans::recorded(columns, data_mean.as_ref(), &provenance.data)
        });
        let bytes = self.filled(&data, &probabilities, means.as_ref(), &out)?;
        out.write(&Rows::of_examples(&data).with_names(&out, bytes))?;
        out.say()
    }

    /// The bytes of the data, filled.
    fn filled(
        &self,
        data: &Dataset,
        probabilities: &Array2<f64>,
        means: Option<&NumberMeans>,
        out: &Output,
    ) -> Result<Vec<u8>> {
        let filled = data.filled(&most_likely(&data.units(), probabilities));
        let most_likely = || filled.bits().expect("columns are bits");
        let numbers = match self.expected {
            true => self.expected(data, probabilities, means)?,
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
                out.encode_means("filled", columns, most_likely(), number)
            }
            Some(columns) if out.is_fasta() => {
                out.encode_sequences(columns, most_likely(), data.titles())
            }
            Some(columns) => out.encode_columns("filled", columns, most_likely()),
            None => out.encode_numbers("filled", &numbers),
        })
    }

    /// The numbers of the data, with their expected values where they are missing.
    fn expected(
        &self,
        data: &Dataset,
        probabilities: &Array2<f64>,
        means: Option<&NumberMeans>,
    ) -> Result<Array2<f64>> {
        let mut numbers = data.expected(probabilities.view())?;
        let lacking = data.lacking();
        match means.map_or(0, |means| means.replace_unknown(data, &lacking, &mut numbers)) {
            0 => {}
            n => note(LogFormat::Text, &format!("{}: {}", data.name(), NumberMeans::note(n))),
        }
        Ok(numbers)
    }

    /// Refuses a format that the data do not have.
    fn check_form(&self, data: &Dataset, out: &Output) -> Result<()> {
        let are_letters = data.columns().and_then(Columns::alphabet).is_some();
        if out.is_fasta() && !are_letters {
            let rule = "does not hold sequences; give a .csv or a .npy file for --out";
            return Err(Error::Unsuitable { path: data.name().into(), rule: rule.to_string() });
        }
        if self.expected { data.check_means() } else { Ok(()) }
    }
}
