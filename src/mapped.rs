//! Files that are mapped: their bytes are read in place, from the pages that the system keeps of them, and are no
//! memory of this process.
//!
//! A file that another program shortens while it is mapped ends the process (SIGBUS) at the first byte that is no
//! longer there, as does a disk that cannot be read. So a file is mapped only while it is read, unless it is
//! written whole and never changed in place.

#![allow(unsafe_code)]

use memmap2::Mmap;
use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::sync::Arc;

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

/// A number of which a file holds many, least significant byte first. All bytes are a number.
pub trait Plain: Copy + PartialEq + fmt::Debug + 'static {
    /// Reads one number from its bytes.
    fn of_bytes(bytes: &[u8]) -> Self;
    /// Adds its bytes to others.
    fn add_bytes(self, bytes: &mut Vec<u8>);
}

macro_rules! plain {
    ($($number:ty),*) => { $(
        impl Plain for $number {
            fn of_bytes(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("the bytes of a number"))
            }

            fn add_bytes(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
        }
    )* };
}

plain!(u8, u32, u64, f32, f64);

/// Numbers that this process holds, or that stand in a mapped file. Those of a file are copied when they are to be
/// changed.
#[derive(Clone)]
pub enum Numbers<T> {
    /// In memory of this process.
    Held(Vec<T>),
    /// In a file.
    Mapped(InFile<T>),
}

/// Numbers in a mapped file.
#[derive(Clone)]
pub struct InFile<T> {
    file: Arc<Mapped>,
    /// The bytes of the numbers, which begin where a number of this type may, and lie inside the file.
    bytes: Range<usize>,
    number: PhantomData<T>,
}

impl<T> InFile<T> {
    #[inline(always)]
    fn numbers(&self) -> &[T] {
        let Range { start, end } = self.bytes;
        // SAFETY: `Numbers::in_file`, the only maker, has checked the place and the range; the file stays
        // mapped as long as `self`; and all bytes are a number of type `T`, which is `Plain`.
        unsafe {
            std::slice::from_raw_parts(
                self.file.as_ptr().add(start).cast::<T>(),
                (end - start) / size_of::<T>(),
            )
        }
    }
}

impl<T: Plain> Numbers<T> {
    /// The numbers in these bytes, copied.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::Held(bytes.chunks_exact(size_of::<T>()).map(T::of_bytes).collect())
    }

    /// The numbers in these bytes of a file. They are copied only where numbers have another order of bytes in
    /// memory, or must begin elsewhere.
    ///
    /// # Panics
    /// If the file has fewer bytes.
    pub fn in_file(file: &Arc<Mapped>, bytes: Range<usize>) -> Self {
        let place = &file[bytes.clone()];
        let is_aligned = place.as_ptr().addr().is_multiple_of(align_of::<T>());
        if cfg!(target_endian = "little") && is_aligned {
            return Self::Mapped(InFile { file: file.clone(), bytes, number: PhantomData });
        }
        Self::of_bytes(place)
    }
}

impl<T: Clone> Numbers<T> {
    /// The numbers in memory of this process, to change them.
    pub fn to_mut(&mut self) -> &mut Vec<T> {
        if let Self::Mapped(numbers) = self {
            *self = Self::Held(numbers.numbers().to_vec());
        }
        match self {
            Self::Held(numbers) => numbers,
            Self::Mapped(_) => unreachable!("they were copied"),
        }
    }

    /// The first `n` numbers, in the same memory.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn truncated(mut self, n: usize) -> Self {
        assert!(n <= self.len(), "{n} of {} numbers", self.len());
        match &mut self {
            Self::Held(numbers) => numbers.truncate(n),
            Self::Mapped(numbers) => numbers.bytes.end = numbers.bytes.start + n * size_of::<T>(),
        }
        self
    }
}

impl<T> Deref for Numbers<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        match self {
            Self::Held(numbers) => numbers,
            Self::Mapped(numbers) => numbers.numbers(),
        }
    }
}

impl<T> From<Vec<T>> for Numbers<T> {
    fn from(numbers: Vec<T>) -> Self {
        Self::Held(numbers)
    }
}

impl<T: PartialEq> PartialEq for Numbers<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Numbers<T> {}

impl<T: fmt::Debug> fmt::Debug for Numbers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn numbers_in_a_file_are_those_that_were_written_and_are_copied_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let written: Vec<u64> = (0..LEAST / 8 + 2).map(|n| n * 0x0102_0304_0506_0708).collect();
        let mut bytes = Vec::new();
        written.iter().for_each(|number| number.add_bytes(&mut bytes));
        fs::write(&path, &bytes).unwrap();
        let file = Arc::new(Mapped::of(&File::open(&path).unwrap()).unwrap());
        let mut numbers = Numbers::<u64>::in_file(&file, 8..bytes.len());
        assert!(matches!(numbers, Numbers::Mapped(_)));
        assert!(numbers[..] == written[1..]);
        assert_eq!(numbers, Numbers::of_bytes(&bytes[8..]));
        assert!(numbers.clone().truncated(3)[..] == written[1..4]);
        // These do not begin where a number may.
        assert!(matches!(Numbers::<u64>::in_file(&file, 4..bytes.len() - 4), Numbers::Held(_)));
        numbers.to_mut()[0] = 7;
        assert!(numbers[0] == 7 && numbers[1..] == written[2..]);
        assert!(file[..] == bytes, "the file is as it was");
    }

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
