//! `harmonium predict --fill`: the data with a value in place of each that is missing.

use super::input::{limited, model_path, read_data, say_data};
use super::output::Output;
use super::predict::Predict;
use crate::dataset::{Beside, Binarization, Columns, Dataset, Examples, MissingMask};
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
use crate::train::Missing;
use crate::watch::Watch;
use ndarray::{Array2, s};
use serde_json::{Map, Value};

/// The file for the filled data, if none is given.
const FILLED: &str = "filled.csv";

impl Predict {
    /// Writes the data with their missing values filled.
    pub(super) fn fill(&self, isa: Isa) -> Result<()> {
        let out = self.out(FILLED)?;
        let path = model_path(&self.model);
        let ModelFile { rbm, provenance, .. } = ModelFile::read(&path)?;
        check_seed(self.seed)?;
        out.check(&self.overwrite)?;
        self.probabilities.iter().try_for_each(|out| out.check(&self.overwrite))?;
        let mask = self.missing_mask.as_deref().map(MissingMask::read).transpose()?;
        let choice = DataChoice {
            data: self.data.as_ref(),
            split: self.split,
            usual: Part::Test,
            beside: Beside { mask: mask.as_ref(), ..Beside::default() },
        };
        let chosen = read_data(choice, &self.model, &provenance)?;
        say_data(&chosen);
        let data = limited(chosen.dataset, self.limit, &rbm)?;
        self.check_form(&data, &out)?;
        match data.missing_note() {
            Some(text) => note(LogFormat::Text, &text),
            None => note(LogFormat::Text, &format!("{}: no value is missing", data.name())),
        }
        let probabilities = self.probabilities_of(&data, &rbm, &provenance.settings, isa)?;
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
        out.write(&self.filled(&data, &probabilities, &out)?)?;
        out.say()
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
        let missing = data.lacking();
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
    fn filled(&self, data: &Dataset, probabilities: &Array2<f64>, out: &Output) -> Result<Vec<u8>> {
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
                out.encode_means("filled", columns, most_likely(), number)
            }
            Some(columns) if out.is_fasta() => {
                out.encode_sequences(columns, most_likely(), data.titles())
            }
            Some(columns) => out.encode_columns("filled", columns, most_likely()),
            None => out.encode_numbers("filled", &numbers),
        })
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
