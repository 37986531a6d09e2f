//! The output of results: standard output, and files whose ending is their format.

use crate::bits::BitMatrix;
use crate::dataset::Columns;
use crate::error::{Error, Result};
use crate::interchange;
pub(super) use crate::interchange::{npy, npz};
use crate::monitor::LogFormat;
use crate::monitor::terminal::note;
use crate::whole_file;
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use ndarray::{Array, Array2, Dimension};
use ndarray_npy::WritableElement;
use std::fmt::{self, Display};
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Prints a result. A reader that closes the pipe early (`| head`) is not an error.
pub fn print(result: impl Display) -> Result<()> {
    write_stdout(format!("{result}\n").as_bytes())
}

/// Prints a path as it is, even if it is not UTF-8, so that other commands find it.
pub fn print_path(path: &Path) -> Result<()> {
    write_stdout(&[path.as_os_str().as_encoded_bytes(), b"\n"].concat())
}

/// Prints a result to stderr, where stdout holds another. If nothing reads it, the other still counts.
pub fn print_beside(result: impl Display) {
    let _ = writeln!(std::io::stderr(), "{result}");
}

fn write_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => {
            Err(Error::Io { path: PathBuf::from("standard output"), action: "write", cause })
        }
        _ => Ok(()),
    }
}

/// The rule for all files that a command writes where the user says: a file that exists is not replaced
/// unless the user asks for it. Results that belong into the folder of a run are renewed there.
#[derive(Debug, Args)]
pub struct Overwrite {
    /// Replace the output file if it exists
    #[arg(long)]
    overwrite: bool,
}

impl Overwrite {
    /// Refuses, before the work begins, a file that would be replaced.
    ///
    /// # Errors
    /// [`Error::Unsuitable`].
    pub fn check(&self, path: &Path) -> Result<()> {
        let Some(old) = whole_file::replaced_by(path) else { return Ok(()) };
        if !self.overwrite {
            let rule =
                "exists already; give another path, or replace it with --overwrite".to_string();
            return Err(Error::Unsuitable { path: path.into(), rule });
        }
        if old.nlink() > 1 {
            let text = "has several names (hard links); the others keep the old contents";
            note(LogFormat::Text, &format!("{}: {text}", path.display()));
        }
        Ok(())
    }
}

/// Prints a result for people. Where a terminal is too narrow for a line, the line goes on below, from the
/// column `indent` on.
pub fn print_text(text: &str, indent: usize) -> Result<()> {
    match stdout_width() {
        Some(columns) => print(wrapped(text, indent, columns)),
        None => print(text),
    }
}

/// The width of the terminal in columns; `None` if stdout is not a terminal.
pub fn stdout_width() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| columns.into())
}

fn wrapped(text: &str, indent: usize, columns: usize) -> String {
    let indent = " ".repeat(indent.min(columns / 2));
    // A fingerprint that does not fit is not broken, so that it can be copied.
    let options = textwrap::Options::new(columns).subsequent_indent(&indent).break_words(false);
    let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
    let lines = text.lines().flat_map(|line| textwrap::wrap(line, &options));
    lines.collect::<Vec<_>>().join("\n")
}

/// The format of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Npy,
    Npz,
    Csv,
    Tsv,
    Png,
    Fasta,
    /// FASTA, gzipped.
    FastaGz,
    /// A model, or tensors.
    Safetensors,
    /// A graph.
    Onnx,
}

impl Format {
    /// The ending of its files.
    fn ending(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Png => "png",
            Self::Fasta => "fasta",
            Self::FastaGz => "fasta.gz",
            Self::Safetensors => "safetensors",
            Self::Onnx => "onnx",
        }
    }
}

/// The file for a result, or `-` for standard output. An ending of another format is refused when the
/// command line is read, before any work.
#[derive(Clone, Debug)]
pub struct Output {
    path: PathBuf,
    format: Format,
}

impl Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Output {
    /// A file for an array.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for another ending, or a terminal.
    pub fn array(path: PathBuf) -> Result<Self> {
        Self::of(path, &[Format::Npy, Format::Npz, Format::Csv, Format::Tsv])
    }

    /// A file for samples: for an array, a picture of it, or sequences.
    ///
    /// # Errors
    /// As [`array`](Self::array).
    pub fn samples(path: PathBuf) -> Result<Self> {
        use Format::{Csv, Fasta, FastaGz, Npy, Npz, Png, Tsv};
        Self::of(path, &[Npy, Npz, Csv, Tsv, Png, Fasta, FastaGz])
    }

    /// A file for data: for an array, or for sequences.
    ///
    /// # Errors
    /// As [`array`](Self::array).
    pub fn data(path: PathBuf) -> Result<Self> {
        use Format::{Csv, Fasta, FastaGz, Npy, Npz, Tsv};
        Self::of(path, &[Npy, Npz, Csv, Tsv, Fasta, FastaGz])
    }

    /// A file for a table of numbers and words.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for another ending.
    pub fn table(path: PathBuf) -> Result<Self> {
        Self::of(path, &[Format::Csv, Format::Tsv])
    }

    /// A file for parameters: arrays, or a model.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for another ending.
    pub fn parameters(path: PathBuf) -> Result<Self> {
        Self::of(path, &[Format::Npz, Format::Safetensors])
    }

    /// A file for a model of this program.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for another ending.
    pub fn model(path: PathBuf) -> Result<Self> {
        Self::of(path, &[Format::Safetensors])
    }

    /// A file for a model of another program.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for another ending.
    pub fn foreign_model(path: PathBuf) -> Result<Self> {
        Self::of(path, &[Format::Safetensors, Format::Npz, Format::Onnx])
    }

    /// A file for a picture.
    ///
    /// # Errors
    /// [`Error::Unsuitable`] for another ending.
    pub fn picture(path: PathBuf) -> Result<Self> {
        Self::of(path, &[Format::Png])
    }

    /// The first of the formats goes to devices and pipes and, unless it is a picture, to standard output.
    fn of(path: PathBuf, formats: &[Format]) -> Result<Self> {
        let unsuitable = |path, rule| Err(Error::Unsuitable { path, rule });
        let format = formats[0];
        if is_stdout(&path) && format != Format::Png {
            if format == Format::Npy && std::io::stdout().is_terminal() {
                let rule = "is a terminal, which cannot show an array; redirect it, or give a file";
                return unsuitable("standard output".into(), rule.into());
            }
            return Ok(Self { path, format });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let name = Self::usual_name(name);
        let has_ending = |format: &&Format| name.ends_with(&format!(".{}", format.ending()));
        let found = formats.iter().find(has_ending);
        // A device or a pipe, such as `>(gzip > f.gz)` of a shell, has no ending.
        let usual = || (!is_stdout(&path) && whole_file::is_stream(&path)).then_some(&format);
        if let Some(&format) = found.or_else(usual) {
            return Ok(Self { path, format });
        }
        let endings: Vec<_> =
            formats.iter().map(|format| format!(".{}", format.ending())).collect();
        let rule = match &endings[..] {
            [only] => format!("must end in {only}"),
            [others @ .., last] => {
                format!("must end in {} or {last}, or be - for standard output", others.join(", "))
            }
            [] => unreachable!("a result has a format"),
        };
        unsuitable(path, rule)
    }

    /// A name of a file with the usual ending of FASTA in place of .fa, .faa (amino acids) or .fna (nucleotides).
    fn usual_name(name: String) -> String {
        let (start, gz) = name.strip_suffix(".gz").map_or((&name[..], ""), |start| (start, ".gz"));
        let endings = [".fa", ".faa", ".fna"];
        let start = endings.iter().find_map(|ending| start.strip_suffix(ending));
        start.map_or(name.clone(), |start| format!("{start}.fasta{gz}"))
    }

    /// Whether the result goes to standard output.
    pub fn is_stdout(&self) -> bool {
        is_stdout(&self.path)
    }

    /// Refuses, before the work begins, a file that would be replaced.
    ///
    /// # Errors
    /// As [`Overwrite::check`].
    pub fn check(&self, overwrite: &Overwrite) -> Result<()> {
        if self.is_stdout() { Ok(()) } else { overwrite.check(&self.path) }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the result is a picture.
    pub fn is_picture(&self) -> bool {
        self.format == Format::Png
    }

    /// Whether the result is an array, alone or in an archive.
    pub fn is_array(&self) -> bool {
        matches!(self.format, Format::Npy | Format::Npz)
    }

    /// Whether the result may hold several arrays.
    pub fn is_archive(&self) -> bool {
        self.format == Format::Npz
    }

    /// Whether the result is a model.
    pub fn is_model(&self) -> bool {
        self.format == Format::Safetensors
    }

    /// The format of a model for another program.
    ///
    /// # Panics
    /// If it is another result.
    pub fn foreign(&self) -> interchange::Format {
        match self.format {
            Format::Safetensors => interchange::Format::Safetensors,
            Format::Npz => interchange::Format::Npz,
            Format::Onnx => interchange::Format::Onnx,
            other => panic!("{other:?} holds no model"),
        }
    }

    /// Whether the result is sequences.
    pub fn is_fasta(&self) -> bool {
        matches!(self.format, Format::Fasta | Format::FastaGz)
    }

    /// The bytes of one-hot bits (N, units) as the data of these columns write them: names of states in text,
    /// sequences in FASTA, and in arrays (N, columns) the numbers of the states.
    ///
    /// # Panics
    /// If the format is a picture, or FASTA for columns that are not letters.
    pub fn encode_columns(&self, name: &str, columns: &Columns, bits: &BitMatrix) -> Vec<u8> {
        self.encode_means(name, columns, bits, |_, _| None)
    }

    /// As [`encode_columns`](Self::encode_columns), with `mean(example, column)` in place of values.
    ///
    /// # Panics
    /// As [`encode_columns`](Self::encode_columns).
    pub fn encode_means(
        &self,
        name: &str,
        columns: &Columns,
        bits: &BitMatrix,
        mean: impl Fn(usize, usize) -> Option<f64>,
    ) -> Vec<u8> {
        match self.format {
            Format::Npy | Format::Npz => {
                let mut array = columns.to_numbers(bits);
                array.indexed_iter_mut().for_each(|((n, column), number)| {
                    *number = mean(n, column).unwrap_or(*number);
                });
                match array.iter().all(|&x| f64::from(x as u8) == x) {
                    true => self.encode(name, &array.mapv(|x| x as u8)),
                    false => self.encode(name, &array),
                }
            }
            Format::Csv | Format::Tsv => {
                let mut table = self.table_writer();
                let header =
                    columns.header().map(|names| names.iter().map(ToString::to_string).collect());
                // Letters in the first line would pass for a header.
                let sites =
                    || (1..=columns.n_columns()).map(|site| format!("site{site}")).collect();
                let header: Option<Vec<_>> = header.or(columns.alphabet().map(|_| sites()));
                let cell = |n, (column, name): (usize, &str)| match mean(n, column) {
                    Some(mean) => (mean as f32).to_string(),
                    None => name.to_string(),
                };
                let rows = columns.rows(bits).enumerate();
                let mut rows = rows.map(|(n, row)| {
                    row.into_iter().enumerate().map(|name| cell(n, name)).collect::<Vec<_>>()
                });
                header
                    .map(|header| table.write_record(header))
                    .transpose()
                    .and_then(|_| rows.try_for_each(|row| table.write_record(row)))
                    .expect("writing to memory does not fail");
                table.into_inner().expect("writing to memory does not fail")
            }
            Format::Fasta | Format::FastaGz => self.encode_sequences(columns, bits, None),
            Format::Png | Format::Safetensors | Format::Onnx => {
                panic!("{name}: columns are no picture or model")
            }
        }
    }

    /// The bytes of sequences as FASTA, from their one-hot bits (N, units), with these titles (N).
    ///
    /// # Panics
    /// If the columns are not letters.
    pub fn encode_sequences(
        &self,
        columns: &Columns,
        bits: &BitMatrix,
        titles: Option<&[String]>,
    ) -> Vec<u8> {
        let text = columns.to_fasta(bits, titles).expect("letters").into_bytes();
        if self.format != Format::FastaGz {
            return text;
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        let written = packed.write_all(&text).and_then(|()| packed.finish());
        written.expect("writing to memory does not fail")
    }

    /// The bytes of an array (N) or (N, units) in the format of the file; `name` is its name in an .npz.
    /// As text, an example is a line.
    ///
    /// # Panics
    /// If the format is a picture.
    pub fn encode<T, D>(&self, name: &str, array: &Array<T, D>) -> Vec<u8>
    where
        T: WritableElement + Display,
        D: Dimension,
    {
        match self.format {
            Format::Npy => npy(array),
            Format::Npz => npz(&[(name, npy(array))]),
            Format::Csv | Format::Tsv => {
                let mut table = self.table_writer();
                for row in array.view().into_dyn().outer_iter() {
                    let cells = row.iter().map(|number| number.to_string());
                    table.write_record(cells).expect("writing to memory does not fail");
                }
                table.into_inner().expect("writing to memory does not fail")
            }
            Format::Png | Format::Fasta | Format::FastaGz | Format::Safetensors | Format::Onnx => {
                panic!("{name}: an array of numbers is not in this format")
            }
        }
    }

    /// As [`encode`](Self::encode), with these names of the columns (K) of an array (N, K) as the header of text.
    ///
    /// # Panics
    /// As [`encode`](Self::encode).
    pub fn encode_named<T: WritableElement + Display>(
        &self,
        name: &str,
        header: impl IntoIterator<Item = String>,
        array: &Array2<T>,
    ) -> Vec<u8> {
        self.below(header, self.encode(name, array))
    }

    /// The bytes of rows below a header, if they are those of a table.
    fn below(&self, header: impl IntoIterator<Item = String>, rows: Vec<u8>) -> Vec<u8> {
        if !self.is_table() {
            return rows;
        }
        let mut table = self.table_writer();
        table.write_record(header).expect("writing to memory does not fail");
        let header = table.into_inner().expect("writing to memory does not fail");
        [header, rows].concat()
    }

    /// Whether the result is a table of text.
    pub fn is_table(&self) -> bool {
        matches!(self.format, Format::Csv | Format::Tsv)
    }

    /// The bytes of an array of numbers, as whole numbers of one byte if all are such, in text below these names.
    ///
    /// # Panics
    /// As [`encode`](Self::encode).
    pub fn encode_numbers(
        &self,
        name: &str,
        header: Option<&[String]>,
        array: &Array2<f64>,
    ) -> Vec<u8> {
        let all = |is: fn(f64) -> bool| array.iter().all(|&x| is(x));
        let rows = if all(|x| f64::from(x as u8) == x) {
            self.encode(name, &array.mapv(|x| x as u8))
        } else if all(|x| f64::from(x as i8) == x) {
            self.encode(name, &array.mapv(|x| x as i8))
        } else {
            self.encode(name, &array.mapv(|x| x as f32))
        };
        match header {
            Some(header) => self.below(header.iter().cloned(), rows),
            None => rows,
        }
    }

    /// A writer to memory for a table in the format of the file.
    pub fn table_writer(&self) -> csv::Writer<Vec<u8>> {
        let delimiter = if self.format == Format::Tsv { b'\t' } else { b',' };
        csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new())
    }

    /// A reader of such a table, whose header is one of its records.
    pub fn table_reader<'a>(&self, table: &'a [u8]) -> csv::Reader<&'a [u8]> {
        let delimiter = if self.format == Format::Tsv { b'\t' } else { b',' };
        csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(table)
    }

    /// Writes the whole result.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        if self.is_stdout() { write_stdout(bytes) } else { whole_file::write(&self.path, bytes) }
    }

    /// Prints the path of the file, unless the result itself went to standard output.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn say(&self) -> Result<()> {
        if self.is_stdout() { Ok(()) } else { print_path(&self.path) }
    }
}

fn is_stdout(path: &Path) -> bool {
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.iter().any(|name| path == Path::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Column, ColumnKind, Dataset, Encoding};

    #[test]
    fn samples_of_columns_have_the_form_of_the_data() {
        let column = |name: &str, kind| Column { name: name.into(), kind };
        let names = |names: [&str; 3]| names.map(String::from).to_vec();
        let columns = Columns::table(vec![
            column("smokes", ColumnKind::Bit(["no".into(), "yes".into()])),
            column("colour, of hair", ColumnKind::Category(names(["blue", "green", "red"]))),
            column("rating", ColumnKind::Category(names(["0.5", "1", "3"]))),
        ]);
        let bits = columns.encode("X", ndarray::arr2(&[[1, 2, 0], [0, 0, 2]]).view()).unwrap();
        let written = |path: &str| {
            let out = Output::samples(path.into()).unwrap();
            out.encode_columns("samples", &columns, &bits)
        };
        let text = |path: &str| String::from_utf8(written(path)).unwrap();
        let csv = "smokes,\"colour, of hair\",rating\nyes,red,0.5\nno,blue,3\n";
        assert_eq!(text("a.csv"), csv);
        assert!(text("a.TSV").starts_with("smokes\tcolour, of hair\trating\n"));
        let numbers = ndarray_npy::ReadNpyExt::read_npy(&written("a.npy")[..]);
        let numbers: Array2<f64> = numbers.unwrap();
        assert_eq!(numbers, ndarray::arr2(&[[1.0, 2.0, 0.5], [0.0, 0.0, 3.0]]));
    }

    #[test]
    fn samples_of_sequences_are_fasta_gzipped_or_not() {
        let read = |bytes: &[u8]| Dataset::read_from("x", bytes, Encoding::Undeclared).unwrap();
        let text = ">sample1\nAC-T\n>sample2\nTTTT\n";
        let encoding = read(text.as_bytes()).encoding();
        let columns = encoding.columns().unwrap();
        let states = ndarray::arr2(&[[1, 2, 0, 4], [4, 4, 4, 4]]);
        let bits = columns.encode("X", states.view()).unwrap();
        let written = |path: &str| {
            let out = Output::samples(path.into()).unwrap();
            out.encode_columns("samples", columns, &bits)
        };
        for name in ["a.fasta", "a.fa", "a.FAA", "a.b.fna"] {
            assert_eq!(written(name), text.as_bytes(), "{name}");
        }
        assert_eq!(&written("a.fa.gz")[..2], [0x1F, 0x8B]);
        let packed = written("a.b.FASTA.gz");
        assert_eq!(&packed[..2], [0x1F, 0x8B]);
        assert_eq!(read(&packed).columns(), Some(columns));
        assert_eq!(written("a.csv"), b"site1,site2,site3,site4\nA,C,-,T\nT,T,T,T\n");
        let numbers = ndarray_npy::ReadNpyExt::read_npy(&written("a.npy")[..]);
        let numbers: Array2<u8> = numbers.unwrap();
        assert_eq!(numbers, states);
        assert!(Output::samples("a.gz".into()).unwrap_err().to_string().ends_with(
            "must end in .npy, .npz, .csv, .tsv, .png, .fasta or .fasta.gz, or be - for standard output"
        ));
    }

    #[test]
    fn a_line_that_is_too_long_goes_on_below() {
        let text =
            "verdict           exact\nlog-likelihood    -13.8 nats an example\n  SHA  9912d1ebba";
        assert_eq!(wrapped(text, 18, 80), text);
        assert_eq!(
            wrapped(text, 12, 30),
            "verdict           exact\nlog-likelihood    -13.8 nats\n            an example\n  SHA  \
             9912d1ebba"
        );
    }
}
