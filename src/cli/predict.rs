//! `harmonium predict`.

use super::input::{ReadingFlags, in_pool, limited, model_path, read_data, say_data};
use super::output::{Output, Overwrite, print_beside, print_text};
use super::rows::Rows;
use crate::dataset::{Beside, Binarization, Classes, ColumnSource, Examples, MissingMask, Source};
use crate::error::{Error, Result};
use crate::evaluate::classifier::{ClassScore, Classifier, most_likely};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::rng::check_seed;
use crate::run::{DataChoice, Part};
use crate::train::Missing;
use crate::watch::Watch;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Predict {
    /// A model, or the folder of a run. If it was trained with --labels, the classes of examples are predicted;
    /// with --fill or --top the values that examples lack
    pub(super) model: PathBuf,
    /// `mnist`, a file or a folder, as for `train`, with or without the column of labels, or `-` for standard
    /// input [default: the run's test data; else its validation examples; else its training data]
    #[arg(value_name = "mnist|PATH")]
    pub(super) data: Option<Source>,
    /// The part of the run's data: `train`, `test` or `validation`. For given data: `train` or `test`
    /// of MNIST [default: test], or the `validation` examples that training set aside
    #[arg(long)]
    pub(super) split: Option<Part>,
    /// The labels of the given data, to which predictions are compared: a file of one label for each example, or
    /// the name of a column [default: the column that has the name of that in training, if there is one]
    #[arg(long, value_name = "COLUMN|FILE", requires = "data", conflicts_with = "fill")]
    labels: Option<ColumnSource>,
    #[command(flatten)]
    pub(super) reading: ReadingFlags,
    /// Use only the first N examples
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<usize>,
    /// How intensities become bits, or `none` to use them as they are [default: as in training, but `none`
    /// for `stochastic`]
    #[arg(long)]
    binarize: Option<Binarization>,
    /// Seed of stochastic bits
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(super) seed: u64,
    /// Write the data with a value in place of each that is missing: the most likely one, or, if all columns are
    /// numbers and the model was trained with missing = absent, as of ratings, the expected number. Columns of labels
    /// and weights are not written, nor rows of a run's own data without any value or of weight 0: training left them
    /// out. Given data keep such rows. A model that was trained with labels fills by the label of a row, too, if it is
    /// known
    #[arg(long)]
    pub(super) fill: bool,
    /// Fill with the mean of the numbers that a value may be, which has the smallest squared error
    #[arg(long, requires = "fill")]
    pub(super) expected: bool,
    /// Fill with the value that is most likely
    #[arg(long, requires = "fill", conflicts_with = "expected")]
    pub(super) most_likely: bool,
    /// Write, for each example, the N columns of the highest expected numbers among those that it lacks, best first, as
    /// `example,column,score`: what to recommend, for a model whose columns all stand for numbers
    #[arg(long, value_name = "N", conflicts_with_all = ["fill", "labels"])]
    pub(super) top: Option<usize>,
    /// Values of the given data that are missing, besides those that they mark: a file of the same shape that
    /// is 1 where a value is missing (.npy, .npz or text)
    #[arg(long, value_name = "PATH", requires = "data")]
    pub(super) missing_mask: Option<PathBuf>,
    /// With --fill also write p(v = 1 | the given values) of each unit (N, V), f64, to this file: .npy, .npz, .csv or
    /// .tsv, where columns have the header `column=value`, after the names of the rows if a column has them. Units that
    /// are given have their values
    #[arg(long, value_name = "FILE", requires = "fill",
        value_parser = PathBufValueParser::new().try_map(Output::array))]
    pub(super) probabilities: Option<Output>,
    /// Write the result to this file, or `-` for .npy on standard output. Classes: the predicted one and
    /// p(class | v) as .csv or .tsv, or only the probabilities (N, K), f64, as .npy or .npz. Filled data: .npy,
    /// .npz, .csv or .tsv, for sequences also .fasta or .fasta.gz [default: predictions.csv, filled.csv, top.csv]
    #[arg(long, value_name = "FILE|-",
        value_parser = PathBufValueParser::new().try_map(Output::data))]
    out: Option<Output>,
    #[command(flatten)]
    pub(super) overwrite: Overwrite,
    /// Sweeps of the chain of each example that --fill completes by chains: more are more certain
    #[arg(long, default_value_t = 1000, value_name = "N", requires = "fill")]
    pub(super) gibbs_steps: usize,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Predict {
    pub fn run(self, isa: Isa) -> Result<()> {
        in_pool(self.threads, || match self.fill || self.top.is_some() {
            true => self.fill(isa),
            false => self.classify(isa),
        })
    }

    /// The file of the result.
    pub(super) fn out(&self, usual: &str) -> Result<Output> {
        self.out.clone().map_or_else(|| Output::data(usual.into()), Ok)
    }

    /// Writes p(class | v).
    fn classify(&self, isa: Isa) -> Result<()> {
        let out = self.out("predictions.csv")?;
        let path = model_path(&self.model)?;
        let ModelFile { rbm, provenance, .. } = ModelFile::read(&path)?;
        let Some(classes) = Classes::recorded(&provenance.data)? else {
            let rule = "was trained without labels, so that there is nothing to predict; train with --labels, or \
                        give --fill to predict values that are missing"
                .to_string();
            return Err(Error::Unsuitable { path, rule });
        };
        check_seed(self.seed)?;
        out.check(&self.overwrite)?;
        if out.is_fasta() {
            let rule = "is for sequences; give a .csv or a .npy file for --out";
            return Err(Error::Unsuitable { path: out.path().into(), rule: rule.to_string() });
        }
        let mask = self.missing_mask.as_deref().map(MissingMask::read).transpose()?;
        let choice = DataChoice {
            data: self.data.as_ref(),
            split: self.split,
            usual: Part::Test,
            beside: Beside {
                labels: self.labels.as_ref(),
                mask: mask.as_ref(),
                ..self.reading.beside()
            },
            reading: self.reading.reading(),
        };
        let chosen = read_data(choice, &self.model, &provenance)?;
        say_data(&chosen);
        let weights_note = chosen.weights_note;
        let dataset = limited(chosen.dataset, self.limit, &rbm)?;
        let recorded = Binarization::recorded(&provenance.settings);
        let binarization = self.binarize.map_or(recorded.map(Binarization::for_prediction), Ok)?;
        // A model of whole examples has no other way.
        let way = Missing::recorded(&provenance.settings)?.unwrap_or(Missing::Marginal);
        let rows_as_read = Rows::of(&dataset);
        let is_summed_out = way == Missing::Marginal && dataset.n_missing() > 0;
        // A sum over what is missing is one over bits.
        let binarization = match is_summed_out {
            true => Binarization::recorded(&provenance.settings)?,
            false => binarization,
        };
        let examples = Examples::new(dataset, binarization);
        let (classifier, watch) = (Classifier::new(&rbm)?, Watch::default());
        let log_p = if is_summed_out {
            let rows = examples.weighted_bits(self.seed, 0..examples.n_examples());
            let (log_p, n_annealed) =
                classifier.log_probabilities_given(&rows, self.seed, isa, watch)?;
            if n_annealed > 0 {
                let all = examples.n_examples();
                let what = format!(
                    "p(class) of {n_annealed} of {all} examples is estimated: what they lack is summed out by annealing"
                );
                note(LogFormat::Text, &what);
            }
            log_p
        } else {
            let visible = examples.visible(self.seed);
            classifier.log_probabilities(visible.as_ref(), isa, watch)?
        };
        let p = rows_as_read.spread(log_p.mapv(libm::exp).view(), f64::NAN);
        let bytes = match out.is_table() {
            false => out.encode("probabilities", &p),
            true => {
                let mut table = out.table_writer();
                let names = classes.names();
                let of_classes = names.iter().map(|name| format!("p({name})"));
                let mut rows = vec![[classes.column()].into_iter().chain(of_classes).collect()];
                for row in p.rows() {
                    if row.iter().any(|p| p.is_nan()) {
                        // A row that is left out.
                        rows.push(vec![String::new(); 1 + names.len()]);
                        continue;
                    }
                    let class = names[most_likely(row.iter().copied())].to_string();
                    let shares = row.iter().map(|p| format!("{p:.6}"));
                    rows.push([class].into_iter().chain(shares).collect::<Vec<_>>());
                }
                let written = rows.into_iter().try_for_each(|row| table.write_record(row));
                written.expect("writing to memory does not fail");
                let bytes = table.into_inner().expect("writing to memory does not fail");
                rows_as_read.with_names(&out, bytes)
            }
        };
        out.write(&bytes)?;
        let labels = examples.labels().expect("data for a model with classes").of_examples();
        let weights = examples.weights().map(|weights| weights.values());
        if let Some(score) = ClassScore::of(&log_p, labels, weights) {
            if let Some(text) = weights_note {
                note(LogFormat::Text, &text);
            }
            let text = score.to_string();
            match out.is_stdout() {
                true => print_beside(text),
                false => print_text(&text, 0)?,
            }
        }
        out.say()
    }
}
