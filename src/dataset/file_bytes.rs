//! The bytes of a file: in memory, or where they are.

use crate::error::{Error, Result};
use crate::mapped::{Mapped, Numbers, Plain};
use crate::memory;
use std::fs::File;
use std::io::Read;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

/// The bytes of a file.
pub(super) enum FileBytes {
    Read(Vec<u8>),
    /// Those of a large file, which need not fit in memory.
    Mapped(Arc<Mapped>),
}

impl Deref for FileBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Read(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}

impl FileBytes {
    /// Maps a large file if `is_plain` says that its bytes can be used as they are; reads others.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn of(path: &Path, file: File, is_plain: impl Fn(&[u8]) -> bool) -> Result<Self> {
        match Mapped::of(&file).filter(|bytes| is_plain(bytes)) {
            Some(bytes) => Ok(Self::Mapped(Arc::new(bytes))),
            None => Self::read(path, file),
        }
    }

    /// Reads a stream to its end.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::OutOfMemory`].
    pub fn read(path: &Path, stream: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        let what = || format!("reading {}", path.display());
        let read = memory::read_to_end(what, stream, &mut bytes)?;
        read.map_err(Error::reading(path))?;
        Ok(Self::Read(bytes))
    }

    /// The numbers in these bytes, where they are if that can be.
    ///
    /// # Panics
    /// If there are fewer bytes.
    pub fn numbers<T: Plain>(&self, bytes: Range<usize>) -> Numbers<T> {
        match self {
            Self::Read(all) => Numbers::of_bytes(&all[bytes]),
            Self::Mapped(file) => Numbers::in_file(file, bytes),
        }
    }
}
