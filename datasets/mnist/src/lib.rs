//! The four files of MNIST, the handwritten digits of LeCun, Cortes and Burges, compiled in.
//!
//! ```
//! let labels = harmonium_mnist::TEST_LABELS.unpack();
//! // Eight bytes of IDX header, then a digit for each of the 10,000 images.
//! assert_eq!((labels.len(), labels[8]), (10_008, 7));
//! ```
//!
//! The data are under CC-BY-SA-3.0, the code under MIT or Apache-2.0.

use ruzstd::decoding::StreamingDecoder;
use std::io::Read as _;

/// An IDX file of MNIST.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// The name, without `.gz`.
    pub name: &'static str,
    /// The SHA-256 of the gzipped file as the authors distribute it.
    pub sha256_of_gz: &'static str,
    /// The file, packed by `zstd --ultra -22 --no-check`.
    packed: &'static [u8],
}

impl File {
    /// Unpacks the bytes of the file.
    pub fn unpack(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut decoder = StreamingDecoder::new(self.packed).expect("a whole file is compiled in");
        decoder.read_to_end(&mut bytes).expect("a whole file is compiled in");
        bytes
    }
}

macro_rules! file {
    ($name:literal, $sha256_of_gz:literal) => {
        File {
            name: $name,
            sha256_of_gz: $sha256_of_gz,
            packed: include_bytes!(concat!("../", $name, ".zst")),
        }
    };
}

/// The 60,000 training images, of 28 x 28 grey levels.
pub const TRAIN_IMAGES: File = file!(
    "train-images-idx3-ubyte",
    "0b367032e93c5d0cea0925647cfdb18614af8ee15f83e6f2fc2ad904a6835971"
);

/// The digits in [`TRAIN_IMAGES`].
pub const TRAIN_LABELS: File = file!(
    "train-labels-idx1-ubyte",
    "1787548bbe0bff1ec2ecdc0ef292b02df999e2d1a6002d27500982c652b17203"
);

/// The 10,000 test images, of 28 x 28 grey levels, by other writers.
pub const TEST_IMAGES: File = file!(
    "t10k-images-idx3-ubyte",
    "1a1a05eab793c14bb050b398624a11b0ffd1a2953baed553b1b9bd079e2a20be"
);

/// The digits in [`TEST_IMAGES`].
pub const TEST_LABELS: File = file!(
    "t10k-labels-idx1-ubyte",
    "b91679a0acfe4ba0e50a2437a903084cba1f5f92592b016a25a7dfd00455798b"
);

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};

    #[test]
    fn the_files_match_the_readme() {
        let readme = include_str!("../README.md");
        for file in [TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS] {
            let bytes = file.unpack();
            let digest = Sha256::digest(&bytes);
            let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            for cell in [&digits, file.sha256_of_gz] {
                let line = readme.lines().find(|line| line.contains(cell));
                let line = line.unwrap_or_else(|| panic!("{}: {cell}", file.name));
                assert!(line.starts_with(&format!("| `{}` | {} |", file.name, bytes.len())));
            }
        }
    }
}
