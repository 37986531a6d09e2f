//! A folder of PNG images: each is an example, in the order of their names.

use super::file::{Format, Unpacked};
use super::picture::Picture;
use super::{Dataset, Encoding, pattern};
use crate::bits::hexadecimal;
use crate::error::{Error, Result};
use crate::memory::{self, Bytes, Need};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// Reads the images of a folder. Hidden files are passed over.
///
/// # Errors
/// [`Error::Io`]; [`Error::OutOfMemory`]; [`Error::Unsuitable`] for a file that is not a grey PNG or has another size
/// than the first, for a folder inside, and for no images.
pub(super) fn read(path: &Path, encoding: Encoding) -> Result<Dataset> {
    let names = pattern::names(path)?;
    let unsuitable = |path: PathBuf, rule: String| Err(Error::Unsuitable { path, rule });
    let mut sum = Sha256::new();
    let mut all: Option<Picture> = None;
    for name in &names {
        let file = path.join(name);
        if file.is_dir() {
            let rule = "is a folder, but a folder of data holds only PNG images; give one of these \
                        folders, or move its images up";
            return unsuitable(file, rule.into());
        }
        let Unpacked { bytes, sha256, .. } = Unpacked::read(&file)?;
        if Format::of(&bytes) != Some(Format::Png) {
            let rule = "is not a PNG image, but a folder of data holds only these; move it away";
            return unsuitable(file, rule.into());
        }
        sum.update(format!("{name}\0{sha256}\n"));
        let picture = Picture::read(&file, &bytes)?;
        let Some(all) = &mut all else {
            let (n_bytes, what) =
                (picture.levels.len(), || format!("images of {}", path.display()));
            memory::check(what, &[Need::new(Bytes::of::<u8>(&[names.len(), n_bytes]), &[])])?;
            let all = all.insert(picture);
            all.levels.reserve_exact(n_bytes * (names.len() - 1));
            continue;
        };
        if (picture.shape, picture.size) != (all.shape, all.size) {
            let words = |Picture { shape: (rows, columns), size, .. }: &Picture| {
                format!("{columns} x {rows} pixels of {} bits", 8 * size)
            };
            let (found, expected) = (words(&picture), words(all));
            let rule = format!("has {found}, but {} has {expected}; make them equal", names[0]);
            return unsuitable(file, rule);
        }
        all.levels.extend(picture.levels);
    }
    let Some(all) = all else {
        return unsuitable(path.into(), "is a folder without PNG images".into());
    };
    let dataset = all.into_array(path).examples(encoding)?;
    Ok(Dataset { sha256: Some(hexadecimal(&sum.finalize())), ..dataset })
}
