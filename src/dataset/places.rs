//! The rows of data as read, where some of them are no examples.

use super::Dataset;
use std::sync::Arc;

/// Where examples are in the data as read, of which some are left out: sequences with unknown letters, examples of
/// weight 0, or without a label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Places {
    /// The row of each example (N), from 0, ascending.
    pub rows: Vec<usize>,
    /// Number of rows.
    pub n_rows: usize,
    /// The title of each row, if they are sequences of a file.
    pub titles: Option<Arc<[String]>>,
}

impl Dataset {
    /// The number of rows of the data as read, those that are left out included: sequences with unknown letters,
    /// examples of weight 0, and those without a label where it is needed.
    pub fn n_rows(&self) -> usize {
        self.places.as_ref().map_or(self.n_examples(), |places| places.n_rows)
    }

    /// The row of each example (N) in the data as read, from 0.
    ///
    /// ```
    /// use harmonium::dataset::Dataset;
    /// use ndarray::array;
    /// let three = Dataset::from_bytes("three", array![[0_u8], [1], [1]])?.weighted("w", &[1.0, 0.0, 2.0])?;
    /// assert_eq!((three.n_rows(), three.rows_of_examples()), (3, vec![0, 2]));
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    pub fn rows_of_examples(&self) -> Vec<usize> {
        let all = || (0..self.n_examples()).collect();
        self.places.as_ref().map_or_else(all, |places| places.rows.clone())
    }

    /// The title of each row of the data as read, if they are sequences of a file.
    pub fn titles_of_rows(&self) -> Option<&[String]> {
        match &self.places {
            Some(places) => places.titles.as_deref(),
            None => self.titles(),
        }
    }

    /// The places of some of the examples; `None` for all of them.
    pub(super) fn places_of(&self, examples: &[usize]) -> Option<Places> {
        if examples.len() == self.n_examples() {
            return self.places.clone();
        }
        let all = self.rows_of_examples();
        Some(Places {
            rows: examples.iter().map(|&example| all[example]).collect(),
            n_rows: self.n_rows(),
            titles: self.titles_of_rows().map(|titles| titles.to_vec().into()),
        })
    }

    /// The same examples as a part of the data, whose rows begin at `start` and end before `end`.
    pub(super) fn part_of_rows(self, start: usize, end: usize) -> Self {
        let Some(places) = self.places else { return self };
        if places.rows.len() == end - start {
            return Self { places: None, ..self };
        }
        let places = Places {
            rows: places.rows.iter().map(|row| row - start).collect(),
            n_rows: end - start,
            titles: places.titles.map(|titles| titles[start..end].into()),
        };
        Self { places: Some(places), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Alphabet, Encoding, UnknownLetters};

    #[test]
    fn rows_are_those_of_the_data_as_read() {
        let letters = Encoding::Letters {
            alphabet: Some(Alphabet::Dna),
            unknown_letters: UnknownLetters::Drop,
        };
        let text = ">a\nAC\n>b\nAN\n>c\nTC\n>d\nNN\n>e\nGG\n>f\nGC\n";
        let all = Dataset::read_from("x", text.as_bytes(), letters).unwrap();
        let found = |data: &Dataset| {
            (data.n_rows(), data.rows_of_examples(), data.titles_of_rows().unwrap().join(""))
        };
        assert_eq!(found(&all), (6, vec![0, 2, 4, 5], "abcdef".into()));
        let weighted = all.clone().weighted("w", &[1.0, 0.0, 3.0, 2.0]).unwrap();
        assert_eq!(found(&weighted), (6, vec![0, 4, 5], "abcdef".into()));
        let (training, validation) = all.clone().split_validation(2).unwrap();
        assert_eq!(found(&training), (3, vec![0, 2], "abc".into()));
        assert_eq!(found(&validation), (3, vec![1, 2], "def".into()));
        assert_eq!(found(&all.first(1).unwrap()), (1, vec![0], "a".into()));
    }
}
