//! `harmonium predict --fill` and `--top`: the data with a value in place of each that is missing, and the best of these.

use super::input::{limited, model_path, read_data, say_data};
use super::output::Output;
use super::predict::Predict;
use super::rows::Rows;
use crate::dataset::{Beside, Binarization, Columns, Dataset, Examples, MissingMask};
use crate::error::{Error, Result};
use crate::evaluate::imputation::most_likely;
use crate::evaluate::number_means::numbers;
use crate::evaluate::{Imputation, NumberMeans};
use crate::gibbs::{FixedModel, FixedWeights};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::monitor::LogFormat;
use crate::monitor::progress_bar::ProgressBar;
use crate::monitor::terminal::note;
use crate::rng::check_seed;
use crate::run::{DataChoice, Part};
use crate::setting::check;
use crate::train::Missing;
use crate::watch::Watch;
use ndarray::{Array2, ArrayView1, s};

/// The file for the filled data, if none is given.
const FILLED: &str = "filled.csv";

/// The file for the best columns, if none is given.
const TOP: &str = "top.csv";

impl Predict {
    /// Writes the data with their missing values filled.
    pub(super) fn fill(&self, isa: Isa) -> Result<()> {
        let out = self.out(if self.top.is_some() { TOP } else { FILLED })?;
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
            beside: Beside { mask: mask.as_ref(), ..self.reading.beside() },
            reading: self.reading.reading(),
        };
        let chosen = read_data(choice, &self.model, &provenance)?;
        say_data(&chosen);
        let is_given = chosen.is_given;
        let data = limited(chosen.dataset, self.limit, &rbm)?;
        // A model of whole examples has no other way.
        let rule = Missing::recorded(&provenance.settings)?.unwrap_or(Missing::Marginal);
        let are_ratings = rule == Missing::Absent && data.columns().and_then(numbers).is_some();
        let is_expected = self.expected || are_ratings && !self.most_likely;
        match self.top {
            Some(n) => check_top(n, &data, &out)?,
            None => check_form(&data, &out, is_expected)?,
        }
        match data.missing_note() {
            Some(text) => note(LogFormat::Text, &text),
            None => note(LogFormat::Text, &format!("{}: no value is missing", data.name())),
        }
        let examples =
            Examples::new(data.clone(), Binarization::recorded(&provenance.settings)?.of_bits());
        let weights = FixedWeights::of(&rbm, isa);
        let model = FixedModel { rbm: &rbm, weights: &weights };
        let (sweeps, seed) = (self.gibbs_steps, self.seed);
        let imputation = Imputation { model, missing: rule, sweeps, seed };
        let visible = examples.fixed_bits(seed, 0..examples.n_examples());
        let lacking = data.lacking();
        if let n @ 1.. = imputation.n_averaged(&lacking) {
            note(LogFormat::Text, &averaged_note(n, examples.n_examples(), sweeps));
        }
        let bar = ProgressBar::new();
        let show = |what, done, total| bar.show(what, done, total);
        let watch = Watch::default().reporting_to(&show);
        let probabilities = imputation.probabilities(&visible, &lacking, watch)?;
        bar.finish();
        // Labels are not among what is written.
        let probabilities = probabilities.slice_move(s![.., ..data.n_features()]);
        let (rows, data) = (Rows::of(&data), data.without_labels());
        let names = Rows::of_examples(&data);
        if let Some(text) = left_out_note(&data).filter(|_| !is_given) {
            note(LogFormat::Text, &text);
        }
        if let Some(out) = &self.probabilities {
            let units = data.columns().map(Columns::unit_names);
            let units = units.or(data.unit_names().map(<[String]>::to_vec));
            let bytes = match units {
                Some(units) => out.encode_named("probabilities", units, &probabilities),
                None => out.encode("probabilities", &probabilities),
            };
            out.write(&names.with_names(out, bytes))?;
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
        if let Some(n) = self.top {
            let numbers = expected(&data, &probabilities, means.as_ref())?;
            out.write(&best(n, &data, &rows, &numbers, &out))?;
            return out.say();
        }
        let bytes = match is_expected {
            true => {
                let numbers = expected(&data, &probabilities, means.as_ref())?;
                with_expected(&data, &probabilities, &numbers, &out)
            }
            false => with_most_likely(&data, &probabilities, &out),
        };
        if are_ratings && !self.expected && !self.most_likely {
            note(LogFormat::Text, "filled with expected numbers; --most-likely fills with values");
        }
        out.write(&names.with_names(&out, bytes))?;
        out.say()
    }
}

/// Says that rows of the data have no line of the result.
fn left_out_note(data: &Dataset) -> Option<String> {
    let n = data.n_rows() - data.n_examples();
    let rows = if n == 1 { "1 row is" } else { &format!("{n} rows are") };
    (n > 0).then(|| {
        format!(
            "{}: {rows} not written, as training left such out: without any value, or of weight 0; given data keep them",
            data.name()
        )
    })
}

/// Says that the probabilities of `n` of `n_examples` examples are not exact.
fn averaged_note(n: usize, n_examples: usize, sweeps: usize) -> String {
    format!(
        "what {n} of {n_examples} examples lack is averaged over chains of {sweeps} sweeps, as they lack more than 12 \
         units and the model has more than 16 hidden units; where chains do not mix (`harmonium evaluate` looks) they \
         may miss values: compare with more --gibbs-steps"
    )
}

/// Refuses a number of columns of data that do not stand for numbers, or a file that is no table.
fn check_top(n: usize, data: &Dataset, out: &Output) -> Result<()> {
    let are_numbers = data.columns().and_then(numbers).is_some();
    check("top", n, n > 0, || "at least 1".to_string())?;
    check("top", n, are_numbers, || {
        "left out for a model whose columns do not all stand for numbers".to_string()
    })?;
    check("out", out.path().display(), out.is_table(), || {
        "a .csv or .tsv file with top".to_string()
    })
}

/// The bytes of a table of the `n` columns of the highest numbers (N, columns) that each example lacks, best first;
/// of equal numbers the first.
fn best(n: usize, data: &Dataset, rows: &Rows, numbers: &Array2<f64>, out: &Output) -> Vec<u8> {
    let columns = data.columns().expect("columns of numbers");
    let starts: Vec<_> = data.units().sites().map(|site| site.start).collect();
    let lacking = data.lacking();
    let mut table = out.table_writer();
    let header = [rows.heading(), "column", "score"].map(String::from);
    let of_example = |(example, numbers): (usize, ArrayView1<'_, f64>)| {
        let lacks = |column: &usize| lacking.get(example, starts[*column]);
        let mut lacked: Vec<_> = (0..columns.n_columns()).filter(lacks).collect();
        lacked.sort_by(|&a, &b| numbers[b].total_cmp(&numbers[a]).then(a.cmp(&b)));
        lacked.truncate(n);
        let line = |column: usize| {
            let name = rows.name_of_example(example);
            [name, columns.name(column).into_owned(), numbers[column].to_string()]
        };
        lacked.into_iter().map(line).collect::<Vec<_>>()
    };
    let lines = numbers.outer_iter().enumerate().flat_map(of_example);
    let written = [header].into_iter().chain(lines).try_for_each(|line| table.write_record(line));
    written.expect("writing to memory does not fail");
    table.into_inner().expect("writing to memory does not fail")
}

/// The bytes of the data, filled with the most likely values.
fn with_most_likely(data: &Dataset, probabilities: &Array2<f64>, out: &Output) -> Vec<u8> {
    let filled = data.filled(&most_likely(&data.units(), probabilities));
    let bits = || filled.bits().expect("columns are bits");
    match data.columns() {
        Some(columns) if out.is_fasta() => out.encode_sequences(columns, bits(), data.titles()),
        Some(columns) => out.encode_columns("filled", columns, bits()),
        None => out.encode_numbers("filled", data.unit_names(), &filled.numbers()),
    }
}

/// The bytes of the data, filled with expected numbers (N, columns).
fn with_expected(
    data: &Dataset,
    probabilities: &Array2<f64>,
    numbers: &Array2<f64>,
    out: &Output,
) -> Vec<u8> {
    let Some(columns) = data.columns() else {
        return out.encode_numbers("filled", data.unit_names(), numbers);
    };
    let filled = data.filled(&most_likely(&data.units(), probabilities));
    let starts: Vec<_> = data.units().sites().map(|site| site.start).collect();
    let missing = data.missing();
    let number = |n: usize, column: usize| {
        let is_missing = missing.is_some_and(|missing| missing.get(n, starts[column]));
        is_missing.then(|| numbers[[n, column]])
    };
    out.encode_means("filled", columns, filled.bits().expect("columns are bits"), number)
}

/// The numbers of the data, with their expected values where they are missing.
fn expected(
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

/// Refuses a format that the data do not have, or means of names.
fn check_form(data: &Dataset, out: &Output, is_expected: bool) -> Result<()> {
    let are_letters = data.columns().and_then(Columns::alphabet).is_some();
    if out.is_fasta() && !are_letters {
        let rule = "does not hold sequences; give a .csv or a .npy file for --out";
        return Err(Error::Unsuitable { path: data.name().into(), rule: rule.to_string() });
    }
    if is_expected { data.check_means() } else { Ok(()) }
}
