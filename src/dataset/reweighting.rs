//! Weights against redundancy: examples that are nearly equal share the weight of one.

use super::Dataset;
use super::values::Values;
use crate::bits::{BitMatrix, BitPanels};
use crate::error::{Error, Remedy, Result};
use crate::kernels::Isa;
use crate::kernels::agreement::count_near;
use rayon::prelude::*;

/// The number of rows in a piece of work.
const ROWS: usize = 64;

/// What a share of sites may miss a whole number by, as 0.07 · 100 does.
const ROUNDING: f64 = 1e-9;

impl Dataset {
    /// The same examples of bits, each with the weight 1 / the number of examples, itself included, that
    /// agree with it in at least this share of the units. The work grows with the square of their number.
    ///
    /// ```
    /// use harmonium::dataset::Dataset;
    /// use ndarray::array;
    /// let rows = array![[0_u8, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 0]];
    /// let dataset = Dataset::from_bytes("three", rows).reweighted(0.75)?;
    /// assert_eq!(dataset.weights().unwrap().values(), [0.5, 0.5, 1.0]);
    /// # Ok::<(), harmonium::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Unsuitable`] if the examples are not bits.
    pub fn reweighted(self, share: f64) -> Result<Self> {
        let Values::Bits(bits) = &self.values else {
            let rule = format!(
                "has values other than 0 and 1, of which no share agrees; leave out {}, or give weights",
                Remedy::of("reweight")
            );
            return Err(Error::Unsuitable { path: self.name.into(), rule });
        };
        let near = n_near(bits, most_apart(bits.n_columns(), share));
        let weights: Vec<_> = near.into_iter().map(|n| 1.0 / f64::from(n)).collect();
        self.weighted("reweight", &weights)
    }
}

/// The most of `n_sites` sites in which rows differ that agree in at least this share of them.
fn most_apart(n_sites: usize, share: f64) -> usize {
    n_sites - (share * n_sites as f64 - ROUNDING).ceil() as usize
}

/// How many rows, itself included, differ from each row in at most `most` bits. (Two rows of one-hot sites
/// differ in two bits for each site that differs.)
fn n_near(bits: &BitMatrix, most: usize) -> Vec<u32> {
    let states = BitPanels::from_matrix(bits);
    let mut counts = vec![0; bits.n_rows()];
    counts.par_chunks_mut(ROWS).enumerate().for_each(|(piece, counts)| {
        let rows = piece * ROWS..piece * ROWS + counts.len();
        count_near(Isa::fastest(), &states, rows, most as u64, counts);
    });
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_sites_is_exact() {
        for n in 1..300_usize {
            for percent in 1..=100 {
                let agree = (n * percent).div_ceil(100);
                assert_eq!(most_apart(n, percent as f64 / 100.0), n - agree, "{percent} % of {n}");
            }
        }
    }

    /// Rows of 27 one-hot sites of 20 values, of which many are nearly equal.
    #[test]
    fn one_hot_sites_are_compared_by_their_values() {
        const SITES: usize = 27;
        let value =
            |n: usize, site: usize| if site < n % 9 { n * site % 20 } else { n % 3 + site % 17 };
        let bits = BitMatrix::from_fn(150, SITES * 20, |n, i| value(n, i / 20) == i % 20);
        let found = n_near(&bits, 2 * most_apart(SITES, 0.8));
        let agree = |a: usize, b: usize| {
            (0..SITES).filter(|&site| value(a, site) == value(b, site)).count()
        };
        for (a, &found) in found.iter().enumerate() {
            let near = (0..150).filter(|&b| agree(a, b) * 10 >= SITES * 8).count();
            assert_eq!(found as usize, near);
        }
        assert!(found.iter().any(|&n| n > 20) && found.iter().any(|&n| n < 5), "{found:?}");
    }

    #[test]
    fn other_values_are_refused_with_a_remedy() {
        let greys = Dataset::from_bytes("greys", ndarray::array![[3_u8, 0], [0, 1]]);
        let error = greys.reweighted(0.8).unwrap_err().to_string();
        assert_eq!(
            error,
            "greys: has values other than 0 and 1, of which no share agrees; leave out reweight, or give \
             weights"
        );
    }
}
