//! NumPy's .npz: a zip archive of .npy files.

use super::foreign::{refused, refused_zip};
use super::unpack::read_packed;
use crate::error::{Error, Result};
use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, ZipArchive, ZipArchiveEntryWayfinder, ZipSliceArchive};
use std::path::{Path, PathBuf};

/// Whether a file with these first bytes is a zip archive, which may be empty.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// An array in the archive.
struct Member {
    name: String,
    method: CompressionMethod,
    place: ZipArchiveEntryWayfinder,
}

/// An archive with its arrays, and the names of its other files.
struct Archive<'a> {
    path: &'a Path,
    zip: ZipSliceArchive<&'a [u8]>,
    members: Vec<Member>,
    others: Vec<String>,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        let damaged = |cause| damaged(path, &cause);
        let zip = ZipArchive::from_slice(bytes).map_err(damaged)?;
        let (mut members, mut others) = (Vec::new(), Vec::new());
        let mut entries = zip.entries();
        while let Some(entry) = entries.next_entry().map_err(damaged)? {
            let name = String::from_utf8_lossy(entry.file_path().as_bytes()).into_owned();
            match name.strip_suffix(".npy") {
                Some(name) => members.push(Member {
                    name: name.into(),
                    method: entry.compression_method(),
                    place: entry.wayfinder(),
                }),
                None => others.push(name),
            }
        }
        Ok(Self { path, zip, members, others })
    }

    /// The .npy of an array.
    fn unpacked(&self, member: &Member) -> Result<Vec<u8>> {
        let path = self.path;
        let entry = self.zip.get_entry(member.place).map_err(|cause| damaged(path, &cause))?;
        let (data, n_stored) = (entry.data(), entry.data().len());
        match member.method {
            CompressionMethod::STORE => {
                read_packed(path, "zip", n_stored, entry.verifying_reader(data))
            }
            CompressionMethod::DEFLATE => {
                let unpacking = DeflateDecoder::new(data);
                read_packed(path, "zip", n_stored, entry.verifying_reader(unpacking))
            }
            method => {
                let rule = format!(
                    "{} is compressed by {method:?}; save it with numpy.savez or numpy.savez_compressed",
                    member.name
                );
                Err(Error::Unsuitable { path: path.into(), rule })
            }
        }
    }
}

fn damaged(path: &Path, cause: &rawzip::Error) -> Error {
    Error::Malformed {
        path: path.into(),
        offset: 0,
        expected: "a whole .npz archive".into(),
        found: format!("a damaged one ({cause})"),
    }
}

/// The file and the name of the array in `FILE.npz:NAME`, if the file exists.
pub(super) fn split(path: &Path) -> Option<(PathBuf, String)> {
    let (file, name) = path.to_str()?.rsplit_once(':')?;
    Path::new(file).is_file().then(|| (file.into(), name.into()))
}

/// The .npy of an array in an archive: of the array `chosen`, or of the only one.
///
/// # Errors
/// [`Error::Malformed`] if the archive is damaged; [`Error::Unsuitable`] if it has no such array, or
/// several and none is chosen.
pub(super) fn array(path: &Path, bytes: &[u8], chosen: Option<&str>) -> Result<Vec<u8>> {
    let archive = Archive::open(path, bytes)?;
    let members = &archive.members;
    let names: Vec<_> = members.iter().map(|member| &member.name[..]).collect();
    if names.is_empty() {
        return refused_zip(path, &archive.others);
    }
    let unsuitable = |rule| Error::Unsuitable { path: path.into(), rule };
    let member = match chosen {
        Some(chosen) => members.iter().find(|member| member.name == chosen).ok_or_else(|| {
            unsuitable(format!("holds no array of this name, only {}", names.join(", ")))
        })?,
        None if names.contains(&"indptr") && names.contains(&"format") => {
            let remedy =
                "in Python: numpy.save(\"data.npy\", scipy.sparse.load_npz(FILE).toarray())";
            return Err(refused(path, "a sparse matrix of SciPy", remedy));
        }
        None if names.len() > 1 => {
            let rule = format!(
                "holds {} arrays, {}; choose one, such as {}:{}",
                names.len(),
                names.join(", "),
                path.display(),
                names[0]
            );
            return Err(unsuitable(rule));
        }
        None => &members[0],
    };
    archive.unpacked(member)
}

/// All arrays of an archive: their names and their .npy.
///
/// # Errors
/// [`Error::Malformed`] if the archive is damaged; [`Error::Unsuitable`] for a compression that is not
/// NumPy's.
#[cfg(feature = "cli")]
pub(super) fn arrays(path: &Path, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>> {
    let archive = Archive::open(path, bytes)?;
    let members = archive.members.iter();
    members.map(|member| Ok((member.name.clone(), archive.unpacked(member)?))).collect()
}
