//! `harmonium train`.

use super::settings::Given;
use super::{model_path, parse_image_shape, print};
use crate::dataset::Source;
use crate::error::Result;
use crate::evaluate::Method;
use crate::model::ModelFile;
use crate::preset::Preset;
use crate::run::{self, RunConfig};
use crate::train::{Algorithm, TrainConfig};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Train {
    /// Good settings by name, such as `mnist-500` (`harmonium presets` lists them); other flags go
    /// over it
    #[arg(long, value_name = "NAME")]
    preset: Option<String>,
    /// Training data: `mnist`, an IDX or .npy file (plain or gzipped), `bars-and-stripes:SIDE` or
    /// `shifter` [default: mnist, or the preset's]
    #[arg(long, value_name = "NAME|PATH")]
    data: Option<Source>,
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
    /// Turn every intensity x to 1 − x
    #[arg(long)]
    invert: bool,
    /// Rows and columns of the images, if the data do not say
    #[arg(long, value_parser = parse_image_shape, value_name = "28x28")]
    image_shape: Option<(usize, usize)>,

    #[command(flatten)]
    given: Given,

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
        let (data, mut base) = match self.preset {
            None => (Source::Mnist, TrainConfig::default()),
            Some(name) => {
                let preset = Preset::find(&name)?;
                (preset.data, preset.config)
            }
        };
        if let Some(path) = &init {
            base.hidden = ModelFile::read(path)?.rbm.n_hidden();
        }
        let has_chains = self.given.has("chains");
        let mut config = self.given.over(&base)?;
        if config.algorithm == Algorithm::Cd && !has_chains {
            // The preset's number is one for chains that persist.
            config.chains = None;
        }
        let run_config = RunConfig {
            data: self.data.unwrap_or(data),
            invert: self.invert,
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
