//! Files that are mapped: their bytes are read in place, from the pages that the system keeps of them, and are no
//! memory of this process.
//!
//! A file that another program shortens while it is mapped ends the process (SIGBUS) at the first byte that is no
//! longer there, as does a disk that cannot be read. So a file is mapped only while it is read, unless it is
//! written whole and never changed in place.

#![allow(unsafe_code)]

use memmap2::Mmap;
use std::fs::File;
use std::ops::Deref;

/// Smaller files are read: a map is rounded up to pages, and costs a few faults.
const LEAST: u64 = 1 << 20;

/// The bytes of a file, read in place.
#[derive(Debug)]
pub struct Mapped(Mmap);

impl Mapped {
    /// Maps a file of at least 1 MiB; `None` for others, for pipes and devices, and where the system cannot.
    pub fn of(file: &File) -> Option<Self> {
        let found = file.metadata().ok().filter(|found| found.is_file() && found.len() >= LEAST)?;
        let length = usize::try_from(found.len()).ok()?;
        // SAFETY: the map is only read, and all that reads it takes any bytes: that others do not change the
        // file meanwhile is the promise of whoever names it, as for every file that is read twice.
        unsafe { memmap2::MmapOptions::new().len(length).map(file) }.ok().map(Self)
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_mapped_file_has_the_bytes_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..LEAST + 5).map(|at| (at % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        assert!(Mapped::of(&File::open(&path).unwrap()).unwrap()[..] == bytes);
        fs::write(&path, &bytes[..LEAST as usize - 1]).unwrap();
        assert!(Mapped::of(&File::open(&path).unwrap()).is_none(), "a small file");
        assert!(Mapped::of(&File::open(folder.path()).unwrap()).is_none(), "a folder");
    }
}
