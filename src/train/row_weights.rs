//! The weights of the examples of a mini-batch.
//!
//! With weights, ⟨f⟩_data is an estimate of Σ w f / Σ w over the data set by the n examples of a
//! mini-batch:
//!
//! ```text
//! ⟨f⟩_data = Σ w̃ f / (n w̄),   w̄ the mean of w̃ over the data set
//! ```
//!
//! Every example is in one mini-batch of an epoch, so that the mean of this over mini-batches is Σ w f / Σ w:
//! the gradient is unbiased. (Were Σ w̃ of the mini-batch the divisor, an example would count for less
//! where others of great weight are in its mini-batch.) The price is that ⟨1⟩_data is 1 only on average. The
//! centred gradient does not mind: all it has are means of products with v − μ and h − λ.

use super::positive_phase::Batch;
use crate::kernels::sigmoid::MEAN_ONE;
use crate::kernels::tile::SIDE;
use std::ops::Range;

/// The largest sum of weights w̃ for which Σ w̃ p̃ fits an i32.
const LARGEST_SUM: i64 = i32::MAX as i64 / MEAN_ONE as i64;

/// The weights w̃ of the examples of a mini-batch, and how sums over them are taken.
#[derive(Clone, Debug)]
pub struct RowWeights {
    rows: Vec<i64>,
    total: i64,
    divisor: f64,
    runs: Vec<Range<usize>>,
    weigh_chains: bool,
}

impl RowWeights {
    /// The weights of a mini-batch; none if all examples of the data set have the same. `weigh_chains` says
    /// whether chain n starts at example n, and counts as much.
    pub fn of(batch: Batch<'_>, weigh_chains: bool) -> Option<Self> {
        let weights = batch.examples.weights()?;
        let whole = weights.whole();
        let rows: Vec<_> = batch.rows.iter().map(|&row| i64::from(whole[row as usize])).collect();
        let share = rows.len() as f64 * weights.total() as f64;
        Some(Self {
            total: rows.iter().sum(),
            divisor: share / whole.len() as f64,
            runs: runs(&rows),
            weigh_chains,
            rows,
        })
    }

    /// w̃ of each example (N), from 1 to 2¹⁶.
    pub fn rows(&self) -> &[i64] {
        &self.rows
    }

    /// Σ w̃ over the mini-batch.
    pub fn total(&self) -> f64 {
        self.total as f64
    }

    /// n w̄, by which a sum over the mini-batch becomes a mean over the data.
    pub fn divisor(&self) -> f64 {
        self.divisor
    }

    /// Ranges of blocks of 64 examples, each of which has sums Σ w̃ p̃ that fit an i32.
    pub fn runs(&self) -> &[Range<usize>] {
        &self.runs
    }

    /// Whether chain n has the weight of example n.
    pub fn weigh_chains(&self) -> bool {
        self.weigh_chains
    }

    /// An example, each in proportion to its weight, by a word of random bits.
    pub fn pick(&self, word: u32) -> usize {
        let mut rest = ((u64::from(word) * self.total as u64) >> 32) as i64;
        let passes = |&weight: &i64| {
            rest -= weight;
            rest < 0
        };
        self.rows.iter().position(passes).expect("a number below the total")
    }
}

/// The longest ranges of blocks of 64 rows, from the first on, whose weights sum to at most
/// [`LARGEST_SUM`]. 64 weights do.
fn runs(rows: &[i64]) -> Vec<Range<usize>> {
    let (mut runs, mut total) = (Vec::new(), i64::MAX);
    for (block, rows) in rows.chunks(SIDE).enumerate() {
        let sum: i64 = rows.iter().sum();
        match runs.last_mut() {
            Some(Range { end, .. }) if total + sum <= LARGEST_SUM => {
                *end = block + 1;
                total += sum;
            }
            _ => {
                runs.push(block..block + 1);
                total = sum;
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_of_a_run_fit() {
        assert_eq!(runs(&[1; 700]), vec![0..11; 1]);
        // 64 · 2¹⁶ is 2²², of which two are below 2³¹ / 255.
        assert_eq!(runs(&[1 << 16; 300]), [0..2, 2..4, 4..5]);
        assert_eq!(runs(&[1 << 16; 64]), vec![0..1; 1]);
        let mixed: Vec<_> = (0..400).map(|n| if n < 100 { 1 << 16 } else { 1000 }).collect();
        for run in runs(&mixed) {
            let sum: i64 = mixed[run.start * 64..(run.end * 64).min(400)].iter().sum();
            assert!(sum * i64::from(MEAN_ONE) <= i64::from(i32::MAX));
        }
    }

    #[test]
    fn examples_are_picked_by_their_weights() {
        let rows = vec![1, 5, 2];
        let weights =
            RowWeights { total: 8, divisor: 8.0, runs: runs(&rows), weigh_chains: false, rows };
        let mut counts = [0; 3];
        (0..8_u32).for_each(|at| counts[weights.pick((at << 29) + 5)] += 1);
        assert_eq!(counts, [1, 5, 2]);
        assert_eq!((weights.pick(0), weights.pick(u32::MAX)), (0, 2));
    }
}
