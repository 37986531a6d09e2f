//! `harmonium pack`.

use super::flags::Given;
use super::input::say_inferred;
use super::output::{Overwrite, print_path};
use crate::dataset::{Beside, DataBeside, Source, Split};
use crate::error::Result;
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::run::DataConfig;
use crate::setting::Section as _;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Pack {
    /// A file (IDX, .npy, .npz, text, FASTA or PNG), a folder of PNGs, a pattern of files ('part-*.npy'), `-` for
    /// standard input, or data by name
    #[arg(value_name = "PATH|NAME")]
    data: Source,
    /// Write the packed data to this file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
    /// The part of data that come with test data: `train` or `test`
    #[arg(long, default_value_t = Split::Train)]
    split: Split,
    #[command(flatten)]
    meaning: Meaning,
}

/// The settings that say what the values of data mean, and what belongs to them. All others are settings of a run.
#[derive(Debug)]
struct Meaning(Given<DataConfig>);

const NAMES: [&str; 10] = [
    "grey_levels",
    "spins",
    "categories",
    "ignore",
    "alphabet",
    "unknown_letters",
    "missing_value",
    "weights",
    "labels",
    "image_shape",
];

impl Args for Meaning {
    fn augment_args(command: Command) -> Command {
        Given::<DataConfig>::augment(command, |name| NAMES.contains(&name))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Meaning {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(Given::of(matches, |name| NAMES.contains(&name))))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Pack {
    pub fn run(self) -> Result<()> {
        let config = self.meaning.0.over(&DataConfig::default());
        config.check_effect()?;
        self.overwrite.check(&self.out)?;
        let (labels, weights) = (config.labels.as_ref(), config.weights.as_ref());
        let beside = Beside { labels, weights, ..config.beside() };
        let found = self.data.read_in_place(self.split, config.encoding()?, beside)?;
        let dataset = match config.image_shape {
            Some((rows, columns)) => found.dataset.with_image_shape(rows, columns)?,
            None => found.dataset,
        };
        say_inferred(&dataset);
        if let Some(missing) = dataset.missing_note() {
            note(LogFormat::Text, &missing);
        }
        DataBeside { dataset, ..found }.pack(&self.out)?;
        print_path(&self.out)
    }
}
