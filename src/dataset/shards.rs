//! Several files as one data set: the examples of each follow those of the file before.
//!
//! What a value means is found in all files together, as it would be in the one file that they make.

use super::categories::listed;
use super::column_apart::{ColumnApart, Wanted, is_header};
use super::file::{self, Format, Reading, Unpacked};
use super::file_bytes::FileBytes;
use super::lined::Files;
use super::packed::PackedColumn;
use super::stored_array::StoredArray;
use super::text::{Text, without_mark};
use super::{Dataset, MissingMask, folder, foreign, packed, pattern};
use crate::bits::hexadecimal;
use crate::error::{Error, Result};
use crate::memory::{self, Bytes, Need};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};

/// The examples at a path: of a file, of a folder of images, or of all files that have names of a pattern; and the
/// columns that are read apart, if they are there.
///
/// # Errors
/// As [`Dataset::read_masked`].
pub(super) fn at(path: &Path, reading: Reading<'_>) -> Result<(Dataset, Vec<Option<ColumnApart>>)> {
    if path.is_dir() {
        Wanted::refuse_any(reading.apart, path)?;
        let dataset = folder::read(path, reading.encoding)?;
        return Ok((MissingMask::hide(reading.mask, dataset)?, Vec::new()));
    }
    match pattern::files(path)?.as_deref() {
        None => file::examples(path, Unpacked::read(path)?, reading),
        Some([only]) => file::examples(only, Unpacked::read(only)?, reading),
        Some(paths) => joined(path, paths, reading),
    }
}

/// The examples of these files, under the name of their pattern.
fn joined(
    name: &Path,
    paths: &[PathBuf],
    reading: Reading<'_>,
) -> Result<(Dataset, Vec<Option<ColumnApart>>)> {
    let read = |path: &PathBuf| Ok((path.clone(), Unpacked::read(path)?));
    let shards: Vec<_> = paths.iter().map(read).collect::<Result<_>>()?;
    let mut expected = None;
    for (path, file) in &shards {
        let Some(found) = Format::of(&file.bytes) else {
            return Err(foreign::refusal(path, &file.bytes));
        };
        if found == Format::Png {
            let rule = "is an image, and images are read from a folder of them; give the folder";
            return Err(Error::Unsuitable { path: path.into(), rule: rule.to_string() });
        }
        agree(path, &found, &paths[0], expected.get_or_insert(found), "is in the format")?;
    }
    let mut sum = Sha256::new();
    shards.iter().for_each(|(_, file)| sum.update(format!("{}\n", file.sha256)));
    let sha256 = hexadecimal(&sum.finalize());
    let (dataset, apart) = match expected {
        Some(Format::Table | Format::Fasta) => {
            let (bytes, files) = text(shards, &reading)?;
            let bytes = FileBytes::Read(bytes);
            file::examples(name, Unpacked { bytes, sha256: String::new(), files }, reading)?
        }
        Some(Format::Packed) => packed(name, &shards, reading)?,
        _ => {
            Wanted::refuse_any(reading.apart, name)?;
            (array(name, &shards, reading)?, Vec::new())
        }
    };
    Ok((Dataset { sha256: Some(sha256), ..dataset }, apart))
}

/// Checks that what was `found` in a file is what is `expected` as in the first.
fn agree<T: PartialEq + fmt::Display>(
    path: &Path,
    found: &T,
    first: &Path,
    expected: &T,
    what: &str,
) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let first = first.display();
    let rule = format!(
        "{what} {found}, but {first} {what} {expected}; the files of a pattern must agree in this"
    );
    Err(Error::Unsuitable { path: path.into(), rule })
}

/// The examples of arrays. They are read where they are, as those of one file.
fn array(
    name: &Path,
    shards: &[(PathBuf, Unpacked)],
    Reading { encoding, mask, in_place, .. }: Reading<'_>,
) -> Result<Dataset> {
    let (first, file) = &shards[0];
    let mut all = file::array(first, &file.bytes)?;
    for (path, file) in &shards[1..] {
        let array = file::array(path, &file.bytes)?;
        agree(path, &array.number, first, &all.number, "holds")?;
        agree(path, &Shape(&array.shape), first, &Shape(&all.shape), "holds examples of")?;
        all.more.push(StoredArray { file: in_place.then_some(&file.bytes), ..array });
    }
    let all = StoredArray { name, file: in_place.then_some(&file.bytes), ..all };
    all.hidden_by(mask)?.examples(encoding)
}

/// The shape of an array, of which the number of examples does not count.
struct Shape<'a>(&'a [usize]);

impl PartialEq for Shape<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.get(1..) == other.0.get(1..)
    }
}

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [_, n] => write!(f, "{n} units"),
            [_, sides @ ..] => write!(f, "the shape {sides:?}"),
            [] => f.write_str("no shape"),
        }
    }
}

/// The texts of all files, with the header of the first alone, and where each file begins. Empty lines stand for the
/// headers of the others, so that all lines keep their numbers.
fn text(shards: Vec<(PathBuf, Unpacked)>, reading: &Reading<'_>) -> Result<(Vec<u8>, Files)> {
    let n_bytes: usize = shards.iter().map(|(_, file)| file.bytes.len() + 1).sum();
    let name = || format!("the texts of {} files", shards.len());
    memory::check(name, &[Need::new(Bytes::of::<u8>(&[n_bytes]), &[])])?;
    let (mut all, mut files) = (Vec::with_capacity(n_bytes), Files::default());
    let (mut n_lines, mut first) = (0, None);
    for (path, Unpacked { bytes, .. }) in shards {
        files.push(path.display().to_string(), n_lines);
        let start = all.len();
        if Format::of(&bytes) == Some(Format::Fasta) {
            all.extend_from_slice(bytes.trim_ascii_start());
        } else {
            let bytes = without_mark(&bytes);
            let (header, end) = header(bytes, reading.apart);
            let (first_path, first) = first.get_or_insert_with(|| (path.clone(), header.clone()));
            agree(&path, &header, first_path, first, "begins with")?;
            let end = if start == 0 { 0 } else { end };
            all.extend(bytes[..end].iter().filter(|&&c| c == b'\n'));
            all.extend_from_slice(&bytes[end..]);
        }
        if all.last().is_some_and(|&c| c != b'\n') {
            all.push(b'\n');
        }
        n_lines += all[start..].iter().filter(|&&c| c == b'\n').count();
    }
    Ok((all, files))
}

/// The header of a table.
#[derive(Clone, Debug, PartialEq)]
struct Header(Option<Vec<String>>);

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(names) => write!(f, "the names of columns {}", listed(names)),
            None => f.write_str("an example"),
        }
    }
}

/// The header of a table, and where it ends. A table without a header has none, which ends at 0.
fn header(bytes: &[u8], apart: &[Wanted]) -> (Header, usize) {
    let text = Text::of_texts(bytes);
    let (mut names, mut end) = (None, bytes.len());
    // An error ends the visit.
    let _ = text.each_row(|row| match names {
        Some(_) => {
            end = row.from;
            Err(Error::Interrupted)
        }
        None => {
            let is_header = is_header(&row.cells, apart);
            let cells = row.cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned());
            names = Some(is_header.then(|| cells.collect()));
            Ok(())
        }
    });
    let names = names.flatten();
    let end = if names.is_some() { end } else { 0 };
    (Header(names), end)
}

/// The examples of packed data, one file after the other.
fn packed(
    name: &Path,
    shards: &[(PathBuf, Unpacked)],
    reading: Reading<'_>,
) -> Result<(Dataset, Vec<Option<ColumnApart>>)> {
    let Reading { encoding, mask, apart, unit_names, .. } = reading;
    let mut all: Vec<Dataset> = Vec::new();
    let mut columns: Vec<Option<ColumnApart>> = Vec::new();
    for (path, file) in shards {
        let (data, beside) = packed::read(path, &file.bytes, encoding.clone(), None, unit_names)?;
        let beside = PackedColumn::wanted(&beside, apart, path)?;
        if let Some(first) = all.first() {
            let first_path = &shards[0].0;
            let units = |data: &Dataset| format!("{} units", data.n_visible());
            agree(path, &units(&data), first_path, &units(first), "holds examples of")?;
            agree(path, &data.values.kind(), first_path, &first.values.kind(), "holds")?;
            let image = |data: &Dataset| match data.image_shape {
                Some((rows, columns)) => format!("images of {rows} x {columns} pixels"),
                None => "no images".to_string(),
            };
            agree(path, &image(&data), first_path, &image(first), "holds")?;
            if data.encoding != first.encoding || data.unit_names != first.unit_names {
                let first = first_path.display();
                let rule = format!(
                    "was packed with another encoding or other columns than {first}; pack the sources together, by \
                     a pattern"
                );
                return Err(Error::Unsuitable { path: path.into(), rule });
            }
            for ((wanted, column), more) in apart.iter().zip(&mut columns).zip(beside) {
                let has = |column: &Option<_>| if column.is_some() { "a" } else { "no" };
                let what = format!("column \"{}\"", wanted.name);
                let found = format!("{} {what}", has(&more));
                agree(path, &found, first_path, &format!("{} {what}", has(column)), "has")?;
                *column = column.take().zip(more).map(|(column, more)| column.followed_by(more));
            }
        } else {
            columns = beside;
        }
        all.push(data);
    }
    let data = Dataset::stacked(name.display().to_string(), all)?;
    Ok((MissingMask::hide(mask, data)?, columns))
}
