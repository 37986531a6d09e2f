//! `harmonium import`.

use super::naming::NamingFlags;
use super::output::{Output, Overwrite};
use crate::error::Result;
use crate::interchange::{self, Imported};
use crate::model::{ModelFile, Provenance};
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Import {
    /// A model of bits that another program wrote: a .safetensors or .npz file with its weights and two biases
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    naming: NamingFlags,
    /// Write the model to this file
    #[arg(long, default_value = "model.safetensors", value_name = "FILE.safetensors",
        value_parser = PathBufValueParser::new().try_map(Output::model))]
    out: Output,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Import {
    pub fn run(self) -> Result<()> {
        self.out.check(&self.overwrite)?;
        let Imported { rbm, taken, notes } = interchange::read(&self.file, &self.naming.naming())?;
        for line in [taken].into_iter().chain(notes) {
            note(LogFormat::Text, &line);
        }
        let model = ModelFile { rbm, provenance: Provenance::default(), data_mean: None };
        self.out.write(&model.to_bytes())?;
        self.out.say()
    }
}
