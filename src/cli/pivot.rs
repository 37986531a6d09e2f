//! `harmonium pivot`.

use super::output::{Output, Overwrite};
use crate::dataset::Wide;
use crate::error::{Error, Result};
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Pivot {
    /// A table as text with a row for each value, such as `user,item,rating`, with or without a header. Rows without
    /// a value are left out; two values of one user and item are refused. `-` is standard input
    data: PathBuf,
    /// The columns of examples, of columns and of values [default: the first three]
    #[arg(long, value_name = "USER,ITEM,RATING", value_delimiter = ',', num_args = 1)]
    columns: Option<Vec<String>>,
    /// Write the table with a row for each example to this file: .csv or .tsv. Its first column has the names of the
    /// examples: name it in training by --id. A column of the number 31 is called `item:31`, as a header of numbers
    /// would pass for an example. Rows are in the order in which examples come first; train's --validation takes the
    /// last ones
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(Output::data))]
    out: Output,
    /// Of several values of one user and item take the last in the file, as in a log in the order of time
    #[arg(long)]
    keep_last: bool,
    #[command(flatten)]
    overwrite: Overwrite,
}

impl Pivot {
    pub fn run(self) -> Result<()> {
        self.out.check(&self.overwrite)?;
        if !self.out.is_table() {
            let rule = "is no table; the name must end in .csv or .tsv".to_string();
            return Err(Error::Unsuitable { path: self.out.path().into(), rule });
        }
        let parts = self.columns.map(<[String; 3]>::try_from).transpose().map_err(|given| {
            let rule = "three names, those of examples, columns and values".to_string();
            Error::InvalidSetting { setting: "columns", value: given.join(","), rule }
        })?;
        let Wide { header, numbered, n_replaced, n_rows, rows } =
            Wide::read(&self.data, parts.as_ref(), self.keep_last)?;
        let told = format!(
            "{}: {} examples of {} columns; train on them with --id {}",
            self.data.display(),
            n_rows,
            header.len() - 1,
            header[0]
        );
        let told = match n_replaced {
            0 => told,
            1 => {
                format!("{told}; 1 value is left out, as a later one of its user and item follows")
            }
            n => format!(
                "{told}; {n} values are left out, as later ones of their user and item follow"
            ),
        };
        let told = match numbered {
            Some(column) => format!(
                "{told}; columns of numbers have names such as {}, as a header of numbers would pass for an example",
                header[column]
            ),
            None => told,
        };
        let mut table = self.out.table_writer();
        let written = [header].into_iter().chain(rows).try_for_each(|row| table.write_record(row));
        written.expect("writing to memory does not fail");
        self.out.write(&table.into_inner().expect("writing to memory does not fail"))?;
        note(LogFormat::Text, &told);
        self.out.say()
    }
}
