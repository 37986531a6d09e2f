//! Small data sets with a known entropy, for comparing samplers and gradients.

use super::Dataset;
use crate::bits::BitMatrix;

/// The most rows and columns of [`Dataset::bars_and_stripes`]: 2^17 images.
pub const MAX_SIDE: usize = 16;

impl Dataset {
    /// Bars and stripes (MacKay, 2003, Information theory, inference and learning algorithms,
    /// section 43): the n = 2^(side + 1) images of side x side in which every row, or every column, is
    /// all on or all off. The empty and the full image occur twice, so the best mean log-likelihood is
    /// −((n − 4) ln n + 4 ln(n/2))/n, which is −3.3791 at 4 x 4.
    ///
    /// # Panics
    /// If the side is 0 or above 16.
    pub fn bars_and_stripes(side: usize) -> Self {
        assert!(
            (1..=MAX_SIDE).contains(&side),
            "the side must be from 1 to {MAX_SIDE}, not {side}"
        );
        let bits = BitMatrix::from_fn(2 << side, side * side, |n, pixel| {
            let (pattern, by_rows) = (n >> 1, n & 1 == 1);
            let line = if by_rows { pixel / side } else { pixel % side };
            pattern >> line & 1 == 1
        });
        let dataset = Self::from_bits(format!("bars-and-stripes:{side}"), bits);
        Self { image_shape: Some((side, side)), ..dataset }
    }

    /// The labeled shifter ensemble (after Hinton and Sejnowski, 1986, Learning and relearning in
    /// Boltzmann machines): a pattern of 8 bits, three bits of which one marks a shift (left, none or
    /// right), and the pattern shifted cyclically. There are 768 different examples of 19 units, so the
    /// best mean log-likelihood is −ln 768 = −6.6438.
    pub fn shifter() -> Self {
        let bits = BitMatrix::from_fn(3 << 8, 19, |n, unit| {
            let (pattern, shift) = (n / 3, n % 3);
            match unit {
                0..8 => pattern >> unit & 1 == 1,
                8..11 => unit - 8 == shift,
                // Unit 11 + i shows bit i + 1, i or i − 1.
                _ => pattern >> ((unit - 11 + 9 - shift) % 8) & 1 == 1,
            }
        });
        Self::from_bits("shifter", bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn counts(dataset: &Dataset) -> HashMap<Vec<bool>, usize> {
        let mut counts = HashMap::new();
        for n in 0..dataset.n_examples() {
            let example = (0..dataset.n_visible()).map(|i| dataset.intensity(n, i) == 1.0);
            *counts.entry(example.collect()).or_insert(0) += 1;
        }
        counts
    }

    #[test]
    fn bars_and_stripes_are_complete() {
        let dataset = Dataset::bars_and_stripes(4);
        let counts = counts(&dataset);
        assert_eq!((dataset.n_examples(), counts.len()), (32, 30));
        for (image, count) in counts {
            let is_uniform = image.iter().all(|&x| x == image[0]);
            assert_eq!(count, if is_uniform { 2 } else { 1 });
            let by_rows = (0..16).all(|at| image[at] == image[at / 4 * 4]);
            let by_columns = (0..16).all(|at| image[at] == image[at % 4]);
            assert!(by_rows || by_columns);
        }
    }

    #[test]
    fn every_shift_of_every_pattern_occurs_once() {
        let counts = counts(&Dataset::shifter());
        assert_eq!(counts.len(), 768);
        for example in counts.keys() {
            let shift = (8..11).find(|&unit| example[unit]).unwrap();
            assert_eq!(example[8..11].iter().filter(|&&on| on).count(), 1);
            for i in 0..8 {
                assert_eq!(example[11 + (i + shift + 7) % 8], example[i], "{example:?}");
            }
        }
    }
}
