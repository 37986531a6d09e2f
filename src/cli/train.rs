//! `harmonium train`.

use super::{model_path, parse_image_shape, print};
use crate::dataset::{Binarization, Source};
use crate::error::Result;
use crate::evaluate::Method;
use crate::model::ModelFile;
use crate::run::{self, RunConfig};
use crate::train::{ChainStart, Schedule, TrainConfig};
use clap::Args;
use std::path::PathBuf;
use std::sync::LazyLock;

/// The defaults that `--help` shows.
static DEFAULT: LazyLock<TrainConfig> = LazyLock::new(TrainConfig::default);

#[derive(Debug, Args)]
pub struct Train {
    /// Training data: `mnist`, or an IDX or .npy file, plain or gzipped
    #[arg(long, default_value = "mnist", value_name = "mnist|PATH")]
    data: Source,
    /// Data to report on, unless --validation sets some aside [default: the test images if --data
    /// is mnist]
    #[arg(long, value_name = "mnist|PATH")]
    test_data: Option<Source>,
    /// Set the last so many training examples aside, to choose by
    #[arg(long, default_value_t = 0, value_name = "N")]
    validation: usize,
    /// Use only the first so many training examples
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Rows and columns of the images, if the data do not say
    #[arg(long, value_parser = parse_image_shape, value_name = "28x28")]
    image_shape: Option<(usize, usize)>,

    /// Hidden units [default: 500, or as many as the model of --init has]
    #[arg(long)]
    hidden: Option<usize>,
    /// Passes over the training data
    #[arg(long, default_value_t = DEFAULT.epochs)]
    epochs: usize,
    /// Examples of a mini-batch
    #[arg(long, default_value_t = DEFAULT.batch_size)]
    batch_size: usize,
    /// Persistent chains [default: the batch size]
    #[arg(long)]
    chains: Option<usize>,
    /// Sweeps of each chain in an update: the k of PCD-k
    #[arg(long, default_value_t = DEFAULT.gibbs_steps)]
    gibbs_steps: usize,
    /// Learning rate of the first update
    #[arg(long, default_value_t = DEFAULT.learning_rate, allow_negative_numbers = true)]
    learning_rate: f64,
    /// How the learning rate goes on: `constant`, or `linear` to zero
    #[arg(long, default_value_t = DEFAULT.schedule)]
    schedule: Schedule,
    /// Share of the last step that is added to the next
    #[arg(long, default_value_t = DEFAULT.momentum, allow_negative_numbers = true)]
    momentum: f64,
    /// Share of each weight that is taken off its gradient (L2)
    #[arg(long, default_value_t = DEFAULT.weight_decay, allow_negative_numbers = true)]
    weight_decay: f64,
    /// How intensities become bits: `stochastic`, drawn anew at each visit, or `threshold:T`
    #[arg(long, default_value_t = DEFAULT.binarize)]
    binarize: Binarization,
    /// Where the chains start: `data`, or `bias` (independent pixels)
    #[arg(long, default_value_t = DEFAULT.chain_start)]
    chain_start: ChainStart,
    /// Where every random number comes from
    #[arg(long, default_value_t = DEFAULT.seed)]
    seed: u64,

    /// Evaluate the log-likelihood of held-out data (or of the training data, if there are none)
    /// after every so many epochs, and at the end [default: never]
    #[arg(long, default_value_t = 0, hide_default_value = true, value_name = "EPOCHS")]
    evaluate_every: usize,
    /// How log Z is found for that: `auto`, `exact` or, with a small budget, `ais`
    #[arg(long, default_value_t = Method::Auto)]
    evaluate: Method,
    /// Start from the parameters of this model
    #[arg(long, value_name = "MODEL")]
    init: Option<PathBuf>,
    /// Threads [default: all cores]; the result does not depend on it
    #[arg(long)]
    threads: Option<usize>,
    /// Folder for the results [default: runs/ and a name of data, sizes and time]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Show no progress
    #[arg(long)]
    quiet: bool,
}

impl Train {
    pub fn run(self) -> Result<()> {
        let init = self.init.as_deref().map(model_path);
        let hidden = match (self.hidden, &init) {
            (Some(hidden), _) => hidden,
            (None, Some(path)) => ModelFile::read(path)?.rbm.n_hidden(),
            (None, None) => DEFAULT.hidden,
        };
        let config = TrainConfig {
            hidden,
            epochs: self.epochs,
            batch_size: self.batch_size,
            chains: self.chains,
            gibbs_steps: self.gibbs_steps,
            learning_rate: self.learning_rate,
            schedule: self.schedule,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            binarize: self.binarize,
            chain_start: self.chain_start,
            seed: self.seed,
        };
        let run_config = RunConfig {
            data: self.data,
            test_data: self.test_data,
            validation: self.validation,
            limit: self.limit,
            image_shape: self.image_shape,
            evaluate_every: self.evaluate_every,
            evaluate: self.evaluate,
            init,
            threads: self.threads,
            out: self.out,
            quiet: self.quiet,
        };
        let folder = run::train(config, &run_config)?;
        print(folder.display())
    }
}
