//! The running mean of data in chunks.

use super::Examples;
use ndarray::Array1;

/// The mean (V) and the number of the examples so far.
///
/// ```
/// use harmonium::BitMatrix;
/// use harmonium::dataset::{Binarization, Dataset, Examples, RunningMean};
/// let chunk = |n| {
///     let ones = BitMatrix::from_fn(n, 1, |_, _| n > 1);
///     Examples::new(Dataset::from_bits("chunk", ones), Binarization::None)
/// };
/// let mut mean = RunningMean::nothing(1);
/// assert_eq!(mean.to_f32(), None);
/// mean.add(&chunk(1));
/// mean.add(&chunk(3));
/// assert_eq!(mean.to_f32().unwrap()[0], 0.75);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RunningMean {
    /// The mean; zeros before the first examples.
    pub mean: Vec<f64>,
    /// The number of examples.
    pub n_examples: usize,
}

impl RunningMean {
    /// The mean before the first examples.
    pub fn nothing(n_visible: usize) -> Self {
        Self { mean: vec![0.0; n_visible], n_examples: 0 }
    }

    /// The mean in f32, as in model files; none before the first examples.
    pub fn to_f32(&self) -> Option<Array1<f32>> {
        (self.n_examples > 0).then(|| self.mean.iter().map(|&x| x as f32).collect())
    }

    /// Adds a chunk of examples.
    ///
    /// # Panics
    /// If its number of units is not V.
    pub fn add(&mut self, examples: &Examples) {
        assert_eq!(examples.n_visible(), self.mean.len(), "units of a chunk");
        self.n_examples += examples.n_examples();
        let share = examples.n_examples() as f64 / self.n_examples as f64;
        for (mean, x) in self.mean.iter_mut().zip(examples.mean()) {
            *mean += share * (x - *mean);
        }
    }
}
