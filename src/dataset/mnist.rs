//! MNIST, the handwritten digits of LeCun, Cortes and Burges, compiled in.

use super::{Dataset, Encoding, Split, file};
use crate::error::Result;
use harmonium_mnist::{TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS};
use std::path::Path;

impl Dataset {
    /// The images of MNIST, 28 x 28 grey levels each.
    ///
    /// ```
    /// use harmonium::dataset::{Dataset, Split};
    /// let test = Dataset::mnist(Split::Test);
    /// assert_eq!((test.n_examples(), test.image_shape()), (10_000, Some((28, 28))));
    /// ```
    pub fn mnist(split: Split) -> Self {
        Self::mnist_as(split, Encoding::Undeclared).expect("the embedded images are whole")
    }

    /// As [`mnist`](Self::mnist), with a declared encoding. It must fit the format of the images.
    ///
    /// # Errors
    /// As [`Dataset::read_as`].
    pub(super) fn mnist_as(split: Split, encoding: Encoding) -> Result<Self> {
        let (name, images) = match split {
            Split::Train => ("mnist train", TRAIN_IMAGES),
            Split::Test => ("mnist test", TEST_IMAGES),
        };
        let dataset = file::array(Path::new(name), &images.unpack())?.examples(encoding)?;
        // A user may also give the authors' file as a path; the fingerprint is the same.
        Ok(Self { sha256: Some(images.sha256_of_gz.into()), ..dataset })
    }

    /// The digit, 0 to 9, that each image of MNIST shows.
    pub fn mnist_labels(split: Split) -> Vec<u8> {
        const HEADER: usize = 8;
        let labels = match split {
            Split::Train => TRAIN_LABELS,
            Split::Test => TEST_LABELS,
        };
        labels.unpack().split_off(HEADER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_are_the_known_ones() {
        let sum = |data: &Dataset, example| -> f64 {
            (0..784).map(|unit| data.intensity(example, unit) * 255.0).sum()
        };
        let train = Dataset::mnist(Split::Train);
        assert_eq!((train.n_examples(), train.n_visible()), (60_000, 784));
        assert_eq!((train.name(), train.image_shape()), ("mnist train", Some((28, 28))));
        assert!(!train.is_binary());
        // The first image is a 5. These are the first pixels of its sixth row, and its sum.
        let pixels: Vec<_> =
            (152..160).map(|unit| (train.intensity(0, unit) * 255.0).round()).collect();
        assert_eq!(pixels, [3.0, 18.0, 18.0, 18.0, 126.0, 136.0, 175.0, 26.0]);
        assert_eq!(sum(&train, 0).round(), 27_525.0);
        assert_eq!(sum(&Dataset::mnist(Split::Test), 9_999).round(), 41_833.0);
    }

    #[test]
    fn the_labels_are_the_known_ones() {
        let train = Dataset::mnist_labels(Split::Train);
        assert_eq!((train.len(), &train[..5]), (60_000, &[5, 0, 4, 1, 9][..]));
        let test = Dataset::mnist_labels(Split::Test);
        assert_eq!((test.len(), &test[..5]), (10_000, &[7, 2, 1, 0, 4][..]));
        let ones = |labels: &[u8]| labels.iter().filter(|&&digit| digit == 1).count();
        assert_eq!((ones(&train), ones(&test)), (6_742, 1_135));
    }
}
