//! Formats that are recognised but not read: each is refused with a way to convert it.

use crate::error::{Error, Result};
use std::path::Path;

/// What can be read, for messages.
const READABLE: &str = "IDX, .npy, .npz, tables as text (commas, semicolons, tabs or blanks), FASTA and PNG, \
                        each gzipped or not, folders of PNG images, and packed data";

/// The first bytes of a format, its name, and a line that converts a file of it.
type Foreign = (&'static [u8], &'static str, &'static str);

const PICTURE: &str = "convert it to PNG, as by `magick FILE -colorspace Gray FILE.png`";
const EXCEL: &str =
    "save it as CSV, or in Python: pandas.read_excel(FILE).to_csv(\"data.csv\", index=False)";
const PICKLE: &str = "in Python: numpy.save(\"data.npy\", pandas.read_pickle(FILE))";

const FOREIGN: [Foreign; 21] = [
    (b"PAR1", "a Parquet file", "in Python: numpy.save(\"data.npy\", pandas.read_parquet(FILE))"),
    (b"ARROW1", "an Arrow file", "in Python: numpy.save(\"data.npy\", pandas.read_feather(FILE))"),
    (b"\x89HDF", "an HDF5 file", "in Python: numpy.save(\"data.npy\", h5py.File(FILE)[\"NAME\"])"),
    (
        b"MATLAB 5",
        "a MATLAB file",
        "in Python: numpy.save(\"data.npy\", scipy.io.loadmat(FILE)[\"NAME\"])",
    ),
    (
        b"SQLite format",
        "a database of SQLite",
        "export a table as CSV: sqlite3 -csv FILE \"SELECT …\"",
    ),
    (b"\xFF\xD8\xFF", "a JPEG image", PICTURE),
    (b"GIF8", "a GIF image", PICTURE),
    (b"II*\0", "a TIFF image", PICTURE),
    (b"MM\0*", "a TIFF image", PICTURE),
    (b"RIFF", "a WebP image or another RIFF file", PICTURE),
    (b"\xD0\xCF\x11\xE0", "an Excel file", EXCEL),
    (b"\x80\x02", "a pickle of Python", PICKLE),
    (b"\x80\x03", "a pickle of Python", PICKLE),
    (b"\x80\x04", "a pickle of Python", PICKLE),
    (b"\x80\x05", "a pickle of Python", PICKLE),
    (b"\x28\xB5\x2F\xFD", "packed by Zstandard", "unpack it by `zstd -d FILE`"),
    (b"\xFD7zXZ", "packed by xz", "unpack it by `xz -d FILE`"),
    (b"BZh", "packed by bzip2", "unpack it by `bzip2 -d FILE`"),
    (b"7z\xBC\xAF", "a 7z archive", "unpack it by `7z x FILE`"),
    (b"\xFF\xFE", "text in UTF-16", "save it as UTF-8"),
    (b"\xFE\xFF", "text in UTF-16", "save it as UTF-8"),
];

/// Whether these bytes are text: not empty, and without control characters.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let is_character = |byte: &u8| *byte >= b' ' && *byte != 0x7F || b"\t\n\r\x0C".contains(byte);
    !bytes.is_empty() && bytes.iter().take(4096).all(is_character)
}

/// What these bytes are, and how to convert them, if they have a known format that cannot be read.
pub(super) fn kind(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    if bytes.get(257..262) == Some(b"ustar") {
        return Some(("a tar archive", "unpack it by `tar -xf FILE`"));
    }
    // As a table it would begin with a comment.
    if bytes.starts_with(b"# STOCKHOLM") {
        return Some(("an alignment in Stockholm format", "convert it by `esl-reformat a2m FILE`"));
    }
    // A model of this program, or another: the length of a JSON header, and the header.
    if bytes.get(8..10) == Some(b"{\"") && bytes[6..8] == [0, 0] {
        return Some(("a safetensors file: a model, not data", "give a file of examples"));
    }
    // A table may begin with the same letters, but it has no other bytes.
    let is_table = |magic: &[u8]| magic.is_ascii() && is_text(bytes);
    let is_of = |magic: &[u8]| bytes.starts_with(magic) && !is_table(magic);
    let found = FOREIGN.iter().find(|(magic, ..)| is_of(magic));
    found.map(|&(_, name, remedy)| (name, remedy))
}

/// The error for a file of a known format that cannot be read.
pub(super) fn refused(path: &Path, name: &str, remedy: &str) -> Error {
    let rule = format!("is {name}, which cannot be read; {remedy}. What can be read: {READABLE}");
    Error::Unsuitable { path: path.into(), rule }
}

/// The error for an unpacked file of no format that can be read.
pub(super) fn refusal(path: &Path, bytes: &[u8]) -> Error {
    if let Some((name, remedy)) = kind(bytes) {
        return refused(path, name, remedy);
    }
    let start: Vec<_> = bytes.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    Error::Malformed {
        path: path.into(),
        offset: 0,
        expected: format!("data in a format that can be read ({READABLE})"),
        found: if start.is_empty() { "an empty file".into() } else { start.join(" ") },
    }
}

/// Refuses a .zip without arrays.
pub(super) fn refused_zip<T>(path: &Path, names: &[String]) -> Result<T> {
    let has = |part: &str| names.iter().any(|name| name.contains(part));
    let (name, remedy) = if has("[Content_Types].xml") {
        ("an Excel file or another document", EXCEL)
    } else if has("data.pkl") {
        ("a file of PyTorch", "in Python: numpy.save(\"data.npy\", torch.load(FILE))")
    } else {
        ("a .zip archive without arrays", "unpack it by `unzip FILE`")
    };
    Err(refused(path, name, remedy))
}
