//! `harmonium predict`.

use super::input::{in_pool, limited, model_path, read_data, say_data};
use super::output::{Output, Overwrite, print_beside, print_text};
use crate::dataset::{Binarization, Classes, Examples, Source};
use crate::error::{Error, Result};
use crate::evaluate::classifier::{ClassScore, Classifier, most_likely};
use crate::kernels::Isa;
use crate::model::ModelFile;
use crate::rng::check_seed;
use crate::run::{DataChoice, Part};
use crate::watch::Watch;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Predict {
    /// A model that was trained with --labels, or the folder of its run
    model: PathBuf,
    /// `mnist`, a file or a folder, as for `train`, with or without the column of labels, or `-` for standard
    /// input [default: the run's test data; else its validation examples; else its training data]
    #[arg(value_name = "mnist|PATH")]
    data: Option<Source>,
    /// The part of the run's data: `train`, `test` or `validation`. For given data: `train` or `test`
    /// of MNIST [default: test], or the `validation` examples that training set aside
    #[arg(long)]
    split: Option<Part>,
    /// Use only the first N examples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How intensities become bits, or `none` to use them as they are [default: as in training, but `none`
    /// for `stochastic`]
    #[arg(long)]
    binarize: Option<Binarization>,
    /// Seed of stochastic bits
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Write the predicted class and p(class | v) of each example to this file: a table as .csv or .tsv, or
    /// only the probabilities (N, K), f64, as .npy or .npz, or `-` for .npy on standard output
    #[arg(long, default_value = "predictions.csv", value_name = "FILE|-",
        value_parser = PathBufValueParser::new().try_map(Output::array))]
    out: Output,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

impl Predict {
    pub fn run(self, isa: Isa) -> Result<()> {
        in_pool(self.threads, || self.run_in_pool(isa))
    }

    fn run_in_pool(&self, isa: Isa) -> Result<()> {
        let path = model_path(&self.model);
        let ModelFile { rbm, provenance, .. } = ModelFile::read(&path)?;
        let Some(classes) = Classes::recorded(&provenance.data)? else {
            let rule = "was trained without labels; train one with --labels".to_string();
            return Err(Error::Unsuitable { path, rule });
        };
        check_seed(self.seed)?;
        self.out.check(&self.overwrite)?;
        let choice = DataChoice { data: self.data.as_ref(), split: self.split, usual: Part::Test };
        let chosen = read_data(choice, &self.model, &provenance)?;
        say_data(&chosen);
        let dataset = limited(chosen.dataset, self.limit, &rbm)?;
        let recorded = Binarization::recorded(&provenance.settings);
        let binarization = self.binarize.map_or(recorded.map(Binarization::for_prediction), Ok)?;
        let examples = Examples::new(dataset, binarization);
        let visible = examples.visible(self.seed);
        let watch = Watch::default();
        let log_p = Classifier::new(&rbm)?.log_probabilities(visible.as_ref(), isa, watch)?;
        let p = log_p.mapv(libm::exp);
        let bytes = match self.out.is_table() {
            false => self.out.encode("probabilities", &p),
            true => {
                let mut table = self.out.table_writer();
                let names = classes.names();
                let of_classes = names.iter().map(|name| format!("p({name})"));
                let mut rows = vec![[classes.column()].into_iter().chain(of_classes).collect()];
                for row in p.rows() {
                    let class = names[most_likely(row.iter().copied())].to_string();
                    let shares = row.iter().map(|p| format!("{p:.6}"));
                    rows.push([class].into_iter().chain(shares).collect::<Vec<_>>());
                }
                let written = rows.into_iter().try_for_each(|row| table.write_record(row));
                written.expect("writing to memory does not fail");
                table.into_inner().expect("writing to memory does not fail")
            }
        };
        self.out.write(&bytes)?;
        let labels = examples.labels().expect("data for a model with classes").of_examples();
        let weights = examples.weights().map(|weights| weights.values());
        if let Some(score) = ClassScore::of(&log_p, labels, weights) {
            let text = score.to_string();
            match self.out.is_stdout() {
                true => print_beside(text),
                false => print_text(&text, 0)?,
            }
        }
        self.out.say()
    }
}
