//! Patterns of file names, such as `part-*.npy`, and the names in a folder.

use super::npz;
use crate::error::{Error, Result};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Whether a text has a mark that stands for others.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The files that a path names as a pattern, in the natural order of their names; `None` if it is no pattern, or a file
/// has this very name. In the name of a file `*` stands for any text, and `?` for one character. As `FILE.npz:NAME`
/// names an array, `*.npz:NAME` names one in each file.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read, or no file in it has such a name; [`Error::Unsuitable`] for a pattern of
/// folders.
pub(super) fn files(path: &Path) -> Result<Option<Vec<PathBuf>>> {
    let Some(text) = path.to_str().filter(|text| is_pattern(text) && !path.exists()) else {
        return Ok(None);
    };
    if npz::split(path).is_some() {
        return Ok(None);
    }
    let (pattern, array) = match text.rsplit_once(':') {
        Some((pattern, array)) if pattern.ends_with(".npz") => (Path::new(pattern), Some(array)),
        _ => (path, None),
    };
    let folder = match pattern.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.exists() && folder.to_str().is_some_and(is_pattern) {
        let rule = "is a pattern of folders, but only the name of the file may have * and ?; put the files into one \
                    folder"
            .to_string();
        return Err(Error::Unsuitable { path: path.into(), rule });
    }
    let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut names = names_that(folder, |found| matches(name, found))?;
    names.retain(|found| !folder.join(found).is_dir());
    if names.is_empty() {
        let cause = format!("no file in the folder {} has such a name", folder.display());
        let cause = io::Error::new(ErrorKind::NotFound, cause);
        return Err(Error::reading(path)(cause));
    }
    let of_name = |name: String| match array {
        Some(array) => pattern.with_file_name(format!("{name}:{array}")),
        None => pattern.with_file_name(name),
    };
    Ok(Some(names.into_iter().map(of_name).collect()))
}

/// Whether a name is one that a pattern stands for.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<_>, Vec<_>) = (pattern.chars().collect(), name.chars().collect());
    // Where the last `*` is, and how much of the name it stands for so far.
    let (mut at, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, n));
                at += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (at, n) = (at + 1, n + 1),
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, n) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|&c| c == '*')
}

/// The names in a folder that are `wanted`, except hidden ones, in natural order. Those that are not Unicode are not
/// wanted by any pattern.
fn names_that(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let failed = Error::reading(folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string()
            && !name.starts_with('.')
            && wanted(&name)
        {
            names.push(name);
        }
    }
    // Only `2` and `02` could be equal.
    names.sort_by(|a, b| alphanumeric_sort::compare_str(a, b).then_with(|| a.cmp(b)));
    Ok(names)
}

/// All names in a folder, except hidden ones, in natural order.
///
/// # Errors
/// [`Error::Io`]; [`Error::Unsuitable`] for a name that is not Unicode.
pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = Error::reading(folder);
    for entry in fs::read_dir(folder).map_err(failed)? {
        if let Err(name) = entry.map_err(failed)?.file_name().into_string() {
            let rule = "has a name that is not Unicode; rename it".to_string();
            return Err(Error::Unsuitable { path: folder.join(name), rule });
        }
    }
    names_that(folder, |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_stands_for_names() {
        for (pattern, name, is_match) in [
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyybz", false),
            ("*.npy", ".npy", true),
            ("part-?.csv", "part-3.csv", true),
            ("part-?.csv", "part-13.csv", false),
            ("part-?.csv", "part-é.csv", true),
            ("**", "", true),
            ("a", "ab", false),
            ("ab", "a", false),
        ] {
            assert_eq!(matches(pattern, name), is_match, "{pattern} {name}");
        }
    }

    #[test]
    fn files_are_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a10.npy", "a9.npy", "a9.csv", ".a1.npy", "b.npy", "x*.npy"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("a11.npy")).unwrap();
        let found = |pattern: &str| files(&folder.path().join(pattern)).map_err(|e| e.to_string());
        let paths = |names: &[&str]| Some(names.iter().map(|n| folder.path().join(n)).collect());
        assert_eq!(found("a*.npy").unwrap(), paths(&["a9.npy", "a10.npy"]));
        assert_eq!(found("*.npy").unwrap(), paths(&["a9.npy", "a10.npy", "b.npy", "x*.npy"]));
        assert_eq!(found("x*.npy").unwrap(), None, "a file of this name");
        assert_eq!(found("b.npy").unwrap(), None);
        let folder = folder.path().display();
        let none =
            format!("{folder}/c*: cannot read: no file in the folder {folder} has such a name");
        assert_eq!(found("c*").unwrap_err(), none);
        assert!(found("no?/a").unwrap_err().contains("only the name of the file may have * and ?"));
        assert!(found("no/a*").unwrap_err().contains("no: cannot read: "));
    }
}
