//! `harmonium export`.

use super::input::model_path;
use super::naming::NamingFlags;
use super::output::{Output, Overwrite};
use crate::dataset::{Classes, Encoding};
use crate::error::Result;
use crate::interchange::{self, Format};
use crate::model::ModelFile;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Export {
    /// A model of bits, or for a .npz of categories, a checkpoint, or the folder of a run
    model: PathBuf,
    /// Write the model to this file for other programs: a .safetensors or .npz holds the weights and two biases as
    /// float32, for categories a .npz also what each unit stands for (`site`, `number`, `state`, `column`); a .onnx is
    /// a graph that computes `hidden` (N, H), p(h | v), from `visible` (N, V)
    #[arg(long, value_name = "FILE",
        value_parser = PathBufValueParser::new().try_map(Output::foreign_model))]
    out: Output,
    #[command(flatten)]
    naming: NamingFlags,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Export {
    pub fn run(self) -> Result<()> {
        self.out.check(&self.overwrite)?;
        let file = ModelFile::read(&model_path(&self.model)?)?;
        let (format, naming) = (self.out.foreign(), self.naming.naming());
        let encoding = Encoding::recorded(&file.provenance.data)?;
        self.out.write(&match encoding.columns() {
            Some(columns) if format == Format::Npz => {
                let classes = Classes::recorded(&file.provenance.data)?;
                interchange::encode_columns(&file.rbm, columns, classes.as_deref(), &naming)?
            }
            _ => interchange::encode(&file.rbm, format, &naming)?,
        })?;
        self.out.say()
    }
}
