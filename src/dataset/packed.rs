//! Packed data: a file of this program that is read in place.
//!
//! ```text
//! byte 0   "\x93harmonium data\n", 16 bytes
//!     16   the length of the header, u64
//!     24   the header: JSON, filled up with blanks to a multiple of 64 bytes from the start
//!          the sections, each filled up with zeros to such a multiple
//!   last   SHA-256 of all bytes before, 32 bytes
//! ```
//!
//! All numbers have their least significant byte first. The sections, in this order:
//!
//! | `values` in the header | sections |
//! | --- | --- |
//! | `bits` | the words (examples, ⌈units/64⌉), u64: unit i is bit i mod 64 of word ⌊i/64⌋ |
//! | `grey_levels` | the levels (examples, units), u8, of which 255 is white |
//! | `numbers` | where each example begins and the last ends (u64), the units (u32) and the numbers (f32) of all that are not 0 |
//! | any, with `has_missing` | the words of the mask, as those of bits: on where a value is missing |
//! | any, with `titles` | the titles of the examples, a line each |
//! | any, with `labels` | the state of the label of each example, u8, or 255 if it is unknown |
//! | any, with `weights` | the weight of each example, f64 |
//!
//! Files with labels or weights are of version 2, others of version 1.

use super::column_apart::{ColumnApart, Wanted};
use super::columns::{Column, UNIT_NAMES, recorded_unit_names};
use super::file_bytes::FileBytes;
use super::levels::Levels;
use super::packed_encoding::{Kind, agreed};
use super::values::Values;
use super::{Dataset, Encoding, MissingMask};
use crate::bits::{BitMatrix, WORD, hexadecimal};
use crate::error::{Error, Result};
use crate::mapped::{Numbers, Plain};
use crate::reals::RealRows;
use crate::whole_file;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};
use std::path::Path;

/// The first bytes of a file in this format.
pub(super) const MAGIC: &[u8] = b"\x93harmonium data\n";

/// The last version of the format.
const FORMAT_VERSION: u32 = 2;

/// The version without labels and weights.
const WITHOUT_COLUMNS: u32 = 1;

/// The state of a label that is unknown.
const UNKNOWN: u8 = u8::MAX;

/// Where the text of the header begins.
const TEXT: usize = 24;

/// Sections begin at multiples of this.
const ALIGNMENT: usize = 64;

/// The bytes of a SHA-256.
const SUM: usize = 32;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format_version: u32,
    n_examples: usize,
    n_units: usize,
    values: Kind,
    has_missing: bool,
    /// The bytes of the titles, if there are any.
    titles: Option<usize>,
    image_shape: Option<(usize, usize)>,
    encoding: Map<String, Value>,
    /// The SHA-256 of the data that were packed, which are the same data.
    source_sha256: Option<String>,
    /// The column of the labels, with the names of their states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labels: Option<Column>,
    /// The column of the weights, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weights: Option<String>,
}

/// The version alone, which is read first, as another may have other fields.
#[derive(Deserialize)]
struct Version {
    format_version: u32,
}

/// A column that is packed beside the examples: its name, and the cell of each example.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PackedColumn {
    Labels { column: Column, states: Vec<Option<u8>> },
    Weights { name: String, weights: Vec<f64> },
}

impl PackedColumn {
    pub fn name(&self) -> &str {
        match self {
            Self::Labels { column, .. } => &column.name,
            Self::Weights { name, .. } => name,
        }
    }

    /// Those of these columns that are asked for, if they are there.
    ///
    /// # Errors
    /// As [`Wanted::among`].
    pub fn wanted(
        columns: &[Self],
        wanted: &[Wanted],
        path: &Path,
    ) -> Result<Vec<Option<ColumnApart>>> {
        let names: Vec<_> = columns.iter().map(Self::name).collect();
        Wanted::among(wanted, path, &names, |at| columns[at].cells())
    }

    /// The cells as text.
    fn cells(&self) -> Vec<String> {
        match self {
            Self::Labels { column, states } => {
                let names = column.states();
                let name = |state: &Option<u8>| {
                    state.map_or(String::new(), |state| names[usize::from(state)].clone())
                };
                states.iter().map(name).collect()
            }
            // The shortest text that gives the number back.
            Self::Weights { weights, .. } => weights.iter().map(f64::to_string).collect(),
        }
    }
}

/// Writes examples without labels and weights, and these columns beside them.
///
/// # Errors
/// [`Error::Io`].
pub(super) fn write(data: &Dataset, columns: &[PackedColumn], path: &Path) -> Result<()> {
    let (mut labels, mut weights) = (None, None);
    for column in columns {
        match column {
            PackedColumn::Labels { column, states } => labels = Some((column, states)),
            PackedColumn::Weights { name, weights: all } => weights = Some((name, all)),
        }
    }
    let values = match &data.values {
        Values::Bits(_) => Kind::Bits,
        Values::Bytes(_) => Kind::GreyLevels,
        Values::Reals(reals) => Kind::Numbers { n_entries: reals.n_entries() },
    };
    let titles = data.titles().map(|titles| titles.join("\n"));
    let mut encoding = data.encoding().facts();
    if let Some(names) = data.unit_names() {
        encoding.insert(UNIT_NAMES.into(), names.into());
    }
    let header = Header {
        format_version: if columns.is_empty() { WITHOUT_COLUMNS } else { FORMAT_VERSION },
        n_examples: data.n_examples(),
        n_units: data.n_visible(),
        values,
        has_missing: data.missing().is_some(),
        titles: titles.as_ref().map(String::len),
        image_shape: data.image_shape(),
        encoding,
        source_sha256: data.sha256().map(str::to_string),
        labels: labels.map(|(column, _)| column.clone()),
        weights: weights.map(|(name, _)| name.clone()),
    };
    whole_file::write_by(path, |file| {
        let mut file = Summed { file, sum: Sha256::new(), n: 0 };
        // The objects of a `Value` are sorted.
        let text = serde_json::to_value(&header)?.to_string();
        let length = (TEXT + text.len()).next_multiple_of(ALIGNMENT) - TEXT;
        file.write_all(MAGIC)?;
        file.write_all(&(length as u64).to_le_bytes())?;
        file.write_all(format!("{text:length$}").as_bytes())?;
        match &data.values {
            Values::Bits(bits) => file.section(bits.words())?,
            Values::Bytes(levels) => file.section_of(levels.parts())?,
            Values::Reals(reals) => {
                let (starts, units, numbers) = reals.parts();
                file.section(starts)?;
                file.section(units)?;
                file.section(numbers)?;
            }
        }
        data.missing().map_or(Ok(()), |missing| file.section(missing.words()))?;
        titles.map_or(Ok(()), |titles| file.section(titles.as_bytes()))?;
        if let Some((_, states)) = labels {
            let states = states.iter().map(|state| state.unwrap_or(UNKNOWN));
            file.section(&states.collect::<Vec<_>>())?;
        }
        weights.map_or(Ok(()), |(_, weights)| file.section(weights))?;
        file.end()
    })
}

/// A file that is written, and the SHA-256 of what is.
struct Summed<'a> {
    file: &'a mut dyn Write,
    sum: Sha256,
    n: usize,
}

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.sum.update(&bytes[..n]);
        self.n += n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Summed<'_> {
    /// Writes a section.
    fn section<T: Plain>(&mut self, numbers: &[T]) -> io::Result<()> {
        self.section_of([numbers].into_iter())
    }

    /// Writes a section of numbers that are in several places.
    fn section_of<'n, T: Plain>(&mut self, parts: impl Iterator<Item = &'n [T]>) -> io::Result<()> {
        let mut bytes = Vec::new();
        for some in parts.flat_map(|numbers| numbers.chunks(1 << 15)) {
            bytes.clear();
            some.iter().for_each(|number| number.add_bytes(&mut bytes));
            self.write_all(&bytes)?;
        }
        let n_blank = self.n.next_multiple_of(ALIGNMENT) - self.n;
        self.write_all(&[0; ALIGNMENT][..n_blank])
    }

    /// Writes the SHA-256 of all before.
    fn end(self) -> io::Result<()> {
        self.file.write_all(&self.sum.finalize())
    }
}

/// The error for a file that is not as it was written.
fn damaged(path: &Path, offset: usize, found: impl Into<String>) -> Error {
    Error::Malformed {
        path: path.into(),
        offset: offset as u64,
        expected: "whole packed data; pack them anew".to_string(),
        found: found.into(),
    }
}

/// Checks that a file is whole, and returns the SHA-256 of the data that were packed in it, or else its own.
///
/// # Errors
/// [`Error::Malformed`].
pub(super) fn verified(path: &Path, bytes: &[u8]) -> Result<String> {
    let Some((contents, sum)) = bytes.split_last_chunk::<SUM>() else {
        return Err(damaged(path, bytes.len(), "the end of the file"));
    };
    if Sha256::digest(contents)[..] != sum[..] {
        let found = "another checksum than that of its contents";
        return Err(damaged(path, contents.len(), found));
    }
    let (header, _) = header(path, contents)?;
    Ok(header.source_sha256.unwrap_or_else(|| hexadecimal(sum)))
}

/// The header of a whole file, and the byte at which it ends.
fn header(path: &Path, bytes: &[u8]) -> Result<(Header, usize)> {
    let length = bytes
        .get(MAGIC.len()..TEXT)
        .map(|length| u64::from_le_bytes(length.try_into().expect("8 bytes")));
    let end = length.and_then(|length| TEXT.checked_add(usize::try_from(length).ok()?));
    let Some(text) = end.and_then(|end| bytes.get(TEXT..end)) else {
        return Err(damaged(path, MAGIC.len(), "no header"));
    };
    let unread = |cause: serde_json::Error| damaged(path, TEXT, format!("a header with {cause}"));
    let Version { format_version } = serde_json::from_slice(text).map_err(unread)?;
    if !(WITHOUT_COLUMNS..=FORMAT_VERSION).contains(&format_version) {
        let rule = format!(
            "has format version {format_version}, but this program reads {WITHOUT_COLUMNS} to {FORMAT_VERSION}; pack \
             the data anew"
        );
        return Err(Error::Unsuitable { path: path.into(), rule });
    }
    Ok((serde_json::from_slice(text).map_err(unread)?, TEXT + text.len()))
}

/// The sections of a file that are not read yet.
struct Sections<'a> {
    path: &'a Path,
    file: &'a FileBytes,
    next: usize,
}

impl Sections<'_> {
    /// The next section, of `sides` numbers.
    fn next<T: Plain>(&mut self, sides: [usize; 2]) -> Result<Numbers<T>> {
        let start = self.next;
        let length = sides[0].checked_mul(sides[1]).and_then(|n| n.checked_mul(size_of::<T>()));
        let end = length.and_then(|length| start.checked_add(length));
        let contents = self.file.len() - SUM;
        match end.filter(|&end| end <= contents) {
            Some(end) => {
                self.next = end.next_multiple_of(ALIGNMENT);
                Ok(self.file.numbers(start..end))
            }
            None => Err(damaged(self.path, start, format!("no section of {sides:?} numbers"))),
        }
    }

    fn damaged(&self, found: &str) -> Error {
        damaged(self.path, self.next, found)
    }

    /// The next sections, those of the labels and weights of `n` examples.
    fn columns(
        &mut self,
        n: usize,
        labels: Option<Column>,
        weights: Option<String>,
    ) -> Result<Vec<PackedColumn>> {
        let mut columns = Vec::new();
        if let Some(column) = labels {
            let n_states = column.states().len();
            let states = self.next::<u8>([n, 1])?;
            let states = states.iter().map(|&state| Some(state).filter(|&state| state != UNKNOWN));
            let states: Vec<_> = states.collect();
            if states.iter().flatten().any(|&state| usize::from(state) >= n_states) {
                return Err(self.damaged("labels of other classes"));
            }
            columns.push(PackedColumn::Labels { column, states });
        }
        if let Some(name) = weights {
            let weights = self.next::<f64>([n, 1])?.to_vec();
            columns.push(PackedColumn::Weights { name, weights });
        }
        Ok(columns)
    }

    /// The next section, a matrix of bits.
    fn bits(&mut self, (n_rows, n_columns): (usize, usize)) -> Result<BitMatrix> {
        let words = self.next([n_rows, n_columns.div_ceil(WORD)])?;
        BitMatrix::of_words(n_rows, n_columns, words)
            .ok_or_else(|| self.damaged("bits past the last unit"))
    }
}

/// Reads the data of a file that is [whole](verified), and what is packed beside them. They stay where they are.
///
/// # Errors
/// [`Error::Malformed`] for data that [`Dataset::pack`] never writes; [`Error::Unsuitable`] if they have another
/// encoding than is asked for, or units of other names than `named`; as [`Dataset::read_masked`].
pub(super) fn read(
    path: &Path,
    file: &FileBytes,
    declared: Encoding,
    mask: Option<&MissingMask>,
    named: Option<&[String]>,
) -> Result<(Dataset, Vec<PackedColumn>)> {
    let (header, next) = header(path, file)?;
    let shape = (header.n_examples, header.n_units);
    if shape.0 == 0 || shape.1 == 0 {
        return Err(damaged(path, TEXT, format!("data of the shape {shape:?}")));
    }
    let encoding = agreed(path, declared, Encoding::recorded(&header.encoding)?, header.values)?;
    let unit_names = recorded_unit_names(&header.encoding).filter(|names| names.len() == shape.1);
    if let (Some(own), Some(named)) = (&unit_names, named)
        && own != named
    {
        let rule = "was packed with other columns than those of the model or of the training data, or in another order; \
                    give the file that was packed";
        return Err(Error::Unsuitable { path: path.into(), rule: rule.to_string() });
    }
    let mut sections = Sections { path, file, next };
    let values = match header.values {
        Kind::Bits => Values::Bits(sections.bits(shape)?),
        Kind::GreyLevels => Values::Bytes(Levels::new(shape, sections.next([shape.0, shape.1])?)),
        Kind::Numbers { n_entries } => {
            let n_starts = shape.0.saturating_add(1);
            let (starts, units) = (sections.next([n_starts, 1])?, sections.next([n_entries, 1])?);
            let numbers =
                RealRows::of_parts(shape.1, starts, units, sections.next([n_entries, 1])?);
            Values::Reals(numbers.ok_or_else(|| sections.damaged("numbers out of order"))?)
        }
    };
    let missing = header.has_missing.then(|| sections.bits(shape)).transpose()?;
    let titles = header.titles.map(|n| {
        let text = sections.next::<u8>([n, 1])?;
        let lines: Vec<_> = String::from_utf8_lossy(&text).split('\n').map(String::from).collect();
        if lines.len() == shape.0 { Ok(lines) } else { Err(sections.damaged("other titles")) }
    });
    let titles = titles.transpose()?;
    let columns = sections.columns(shape.0, header.labels, header.weights)?;

    let name = path.display().to_string();
    let dataset = match (encoding.columns(), values) {
        (Some(columns), Values::Bits(bits)) if columns.n_units() == shape.1 => {
            let dataset = Dataset::from_columns(name, columns.clone(), bits);
            let dataset = dataset.with_encoding(encoding.clone());
            let Values::Bits(bits) = &dataset.values else { unreachable!("bits are bits") };
            dataset.units().check_given(&dataset.name, bits, missing.as_ref())?;
            dataset
        }
        (None, values) => Dataset::from_values(name, values).with_encoding(encoding),
        _ => return Err(sections.damaged("columns of other units")),
    };
    missing.as_ref().map_or(Ok(()), |missing| dataset.units().check_mask(missing))?;
    let dataset = Dataset { image_shape: header.image_shape, titles, unit_names, ..dataset };
    let hidden = MissingMask::hide(mask, dataset)?;
    let missing = match (missing, &hidden.missing) {
        (Some(own), Some(hidden)) => Some(own.with(hidden)),
        (own, hidden) => own.or_else(|| hidden.clone()),
    };
    Ok((Dataset { missing, ..hidden }, columns))
}

#[cfg(test)]
mod tests {
    use super::super::{Categories, UnknownLetters};
    use super::*;
    use ndarray::{Array2, array};
    use std::fs;

    /// The data after they are packed and read again.
    fn packed(data: &Dataset) -> (Dataset, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packed");
        data.pack(&path).unwrap();
        (Dataset::read(&path).unwrap(), fs::read(&path).unwrap())
    }

    fn kinds() -> Vec<Dataset> {
        let read =
            |text: &str, encoding| Dataset::read_from("t", text.as_bytes(), encoding).unwrap();
        let categories =
            Encoding::Categories { categories: Categories::Auto, ignore: vec!["age".to_string()] };
        let bits = BitMatrix::from_fn(5, 70, |n, i| (n * n + i) % 3 == 0);
        let greys = Array2::from_shape_fn((3, 6), |(n, i)| (n * 50 + i * 20) as u8);
        let numbers = array![[0.0_f32, -3.5, 1e9], [0.0, 0.0, 0.0], [0.25, 1.0, 2.0]];
        vec![
            Dataset::from_bits("bits", bits),
            Dataset::from_bytes("greys", greys).unwrap().with_image_shape(2, 3).unwrap(),
            Dataset::from_numbers("numbers", RealRows::from(numbers.view())),
            read("0.5 nan\n1 0.25\n", Encoding::Undeclared),
            read("-1 1\n1 1\n", Encoding::Spins),
            read("0 3\n2 1\n", Encoding::GreyLevels(3)),
            read("age,smokes,colour\n31,no,red\n7,yes,\n9,no,blue\n8,yes,green\n", categories),
            read(
                "1,2\n0,5\n2,4\n",
                Encoding::Categories { categories: Categories::Auto, ignore: vec![] }
                    .marked(Some(0.0)),
            ),
            read(">a first\nACDE\n>b\nAC-E\n>c\nACDD\n", Encoding::Undeclared),
        ]
    }

    #[test]
    fn data_come_back_as_they_were_packed() {
        for data in kinds() {
            let (back, bytes) = packed(&data);
            let (name, sha256) = (data.name.clone(), back.sha256.clone());
            let first_missing = back.first_missing.clone();
            let expected = Dataset {
                name: back.name.clone(),
                is_inferred: false,
                first_missing,
                sha256,
                ..data.clone()
            };
            assert_eq!(back, expected, "{name}");
            assert!(data.sha256.is_none() || data.sha256 == back.sha256, "{name}");
            // Equal data are equal files.
            assert_eq!(packed(&data).1, bytes, "{name}");
            let (_, header) = header(Path::new("f"), &bytes).unwrap();
            assert_eq!((header % ALIGNMENT, bytes.len() % ALIGNMENT), (0, SUM), "{name}");
        }
    }

    /// Masks are files of the command line.
    #[cfg(feature = "cli")]
    #[test]
    fn a_mask_hides_more_of_packed_data() {
        let data = &kinds()[3];
        let folder = tempfile::tempdir().unwrap();
        let [path, mask] = ["packed", "mask.txt"].map(|name| folder.path().join(name));
        data.pack(&path).unwrap();
        fs::write(&mask, "0 0\n1 0\n").unwrap();
        let mask = MissingMask::read(&mask).unwrap();
        let found = Dataset::read_masked(&path, Encoding::Undeclared, Some(&mask)).unwrap();
        let expected = array![[0, 1], [1, 0]];
        assert_eq!(found.missing().unwrap().to_array(u8::from), expected);
        assert_eq!((found.intensity(1, 0), found.intensity(1, 1)), (0.0, 0.25));
    }

    #[test]
    fn a_damaged_file_is_refused_at_every_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packed");
        for data in &kinds()[..3] {
            data.pack(&path).unwrap();
            let whole = fs::read(&path).unwrap();
            for at in MAGIC.len()..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 4;
                let error = verified(Path::new("f"), &bytes).unwrap_err().to_string();
                assert!(
                    error.ends_with("found another checksum than that of its contents"),
                    "{error}"
                );
                verified(Path::new("f"), &whole[..at]).unwrap_err();
            }
        }
        fs::write(&path, &fs::read(&path).unwrap()[..40]).unwrap();
        let error = Dataset::read(&path).unwrap_err().to_string();
        assert!(error.contains("expected whole packed data; pack them anew, found"), "{error}");
    }

    /// A file that another program wrote, with a right checksum, is refused for what it holds.
    #[test]
    fn what_pack_never_writes_is_refused() {
        let refused = |data: &Dataset, from: &str, to: &str| {
            let (_, bytes) = packed(data);
            let mut contents = bytes[..bytes.len() - SUM].to_vec();
            let at = contents.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
            contents[at..at + from.len()].copy_from_slice(to.as_bytes());
            let sum = Sha256::digest(&contents);
            let all = [&contents[..], &sum[..]].concat();
            Dataset::read_from("f", &all[..], Encoding::Undeclared).unwrap_err().to_string()
        };
        let kinds = kinds();
        let [width, wider] =
            [0, 1].map(|more| format!("\"n_units\":{}", kinds[6].n_visible() + more));
        for (data, from, to, message) in [
            (&kinds[0], "\"n_units\":70", "\"n_units\":66", "found bits past the last unit"),
            (&kinds[0], "\"n_units\":70", "\"n_units\": 0", "found data of the shape (5, 0)"),
            (
                &kinds[0],
                "\"n_examples\":5",
                "\"n_examples\":9",
                "found no section of [9, 2] numbers",
            ),
            (&kinds[0], "format_version\":1", "format_version\":3", "has format version 3"),
            (&kinds[0], "has_missing", "has_nothing", "found a header with unknown field"),
            (&kinds[2], "\"n_units\":3", "\"n_units\":2", "found numbers out of order"),
            (&kinds[6], &width[..], &wider[..], "found columns of other units"),
        ] {
            let error = refused(data, from, to);
            assert!(error.contains(message), "{to}: {error}");
        }
    }

    #[test]
    fn what_values_mean_is_settled_when_they_are_packed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packed");
        let read = |data: &Dataset, encoding| {
            data.pack(&path).unwrap();
            Dataset::read_as(&path, encoding).map(|data| data.encoding())
        };
        let [bits, greys, table] = [0, 1, 6].map(|n| kinds()[n].clone());
        assert_eq!(read(&bits, Encoding::Spins).unwrap(), Encoding::Spins);
        assert_eq!(read(&greys, Encoding::GreyLevels(255)).unwrap(), Encoding::GreyLevels(255));
        let error = read(&greys, Encoding::GreyLevels(100)).unwrap_err().to_string();
        assert!(error.contains("is packed, and what its values mean was settled then"), "{error}");
        assert_eq!(read(&table, table.encoding()).unwrap(), table.encoding());
        let categories = |categories, ignore: &str| Encoding::Categories {
            categories,
            ignore: vec![ignore.to_string()],
        };
        let auto = categories(Categories::Auto, "age");
        assert_eq!(read(&table, auto).unwrap(), table.encoding());
        read(&table, categories(Categories::Auto, "colour")).unwrap_err();
        read(&table, categories(Categories::Count(2), "age")).unwrap_err();
        let letters = |alphabet: &str, unknown_letters| Encoding::Letters {
            alphabet: Some(alphabet.parse().unwrap()),
            unknown_letters,
        };
        let sequences = &kinds()[8];
        let found = read(sequences, letters("protein", UnknownLetters::Refuse)).unwrap();
        assert_eq!(found, sequences.encoding());
        read(sequences, letters("dna", UnknownLetters::Refuse)).unwrap_err();
        read(sequences, letters("protein", UnknownLetters::Gap)).unwrap_err();
        let error = read(&bits, table.encoding()).unwrap_err().to_string();
        assert!(error.contains("was packed with other columns than those of the model"), "{error}");
    }
}
