//! Sums over the states of hidden units, for many examples at once.
//!
//! The mass of what an example has, with all values of the sites q that it lacks, is
//!
//! ```text
//! Σ_h e^{x·h} Π_q s_q(h),   s_q(h) = Σ over the values a of q of e^{b_a + W_a h}
//! ```
//!
//! where x is the input of the hidden units by what it has. ln s_q(h) is the same for all examples: it is computed
//! once, and an example adds those of its own sites.

use super::log_mean::log_sum_exp;
use crate::bits::active;
use crate::error::Result;
use crate::model::Rbm;
use crate::units::Units;
use crate::watch::Watch;
use rayon::prelude::*;
use std::ops::Range;

/// The most hidden units over whose states is summed. With 16 an example takes a millisecond or a few, less than
/// annealing takes; each further unit doubles the time.
pub(super) const MOST_HIDDEN: usize = 16;

/// The states whose terms are summed as one piece: those of this many units, the first ones.
const LOW: usize = 8;

/// The examples that share a table of ln s_q(h). Their sums over pieces take 2 KiB each.
const BLOCK: usize = 4096;

/// What an example has, and what it lacks.
pub(super) struct Known<'a> {
    /// x (H).
    pub inputs: &'a [f64],
    /// The units of each site that it lacks.
    pub lacking: &'a [Range<usize>],
}

/// ln Σ_h e^{x·h} Π_q s_q(h) of each example. It does not depend on the others.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(super) fn log_sums(rbm: &Rbm, examples: &[Known<'_>], watch: Watch<'_>) -> Result<Vec<f64>> {
    let mut found = Vec::with_capacity(examples.len());
    for block in examples.chunks(BLOCK) {
        let high = rbm.n_hidden().saturating_sub(LOW);
        let pieces: Vec<Vec<f64>> = (0..1_u64 << high)
            .into_par_iter()
            .map(|piece| {
                watch.check()?;
                Ok(Piece { rbm, high_bits: piece }.log_sums(block))
            })
            .collect::<Result<_>>()?;
        let of_all = |n| log_sum_exp(&pieces.iter().map(|sums| sums[n]).collect::<Vec<_>>());
        found.extend((0..block.len()).map(of_all));
    }
    Ok(found)
}

/// The states whose units from [`LOW`] on are `high_bits`.
struct Piece<'a> {
    rbm: &'a Rbm,
    high_bits: u64,
}

impl Piece<'_> {
    /// The logarithm of the sum over these states, for each example.
    fn log_sums(&self, examples: &[Known<'_>]) -> Vec<f64> {
        let table = self.table(examples);
        let of_example = |&Known { inputs, lacking }: &Known<'_>| {
            let mut terms = self.linear(0.0, |j| inputs[j]);
            for site in lacking {
                let of_site = table[site.start].as_ref().expect("a site that an example lacks");
                terms.iter_mut().zip(of_site).for_each(|(term, log)| *term += log);
            }
            log_sum_exp(&terms)
        };
        examples.iter().map(of_example).collect()
    }

    /// ln s_q(h) of these states, at the first unit of each site q that some example lacks.
    fn table(&self, examples: &[Known<'_>]) -> Vec<Option<Vec<f64>>> {
        let mut table = vec![None; self.rbm.n_visible()];
        for site in examples.iter().flat_map(|example| example.lacking) {
            if table[site.start].is_none() {
                table[site.start] = Some(self.log_masses(site.clone()));
            }
        }
        table
    }

    fn log_masses(&self, site: Range<usize>) -> Vec<f64> {
        let units = Units::of_sites([site.len()]).expect("a site of the model");
        let inputs: Vec<Vec<f64>> = site
            .map(|unit| {
                let weights = self.rbm.weights().row(unit);
                self.linear(f64::from(self.rbm.visible_bias()[unit]), |j| f64::from(weights[j]))
            })
            .collect();
        let of_state = |state| units.cumulant(inputs.iter().map(|of_unit| of_unit[state]));
        (0..inputs[0].len()).map(of_state).collect()
    }

    /// bias + Σⱼ hⱼ wⱼ of these states h.
    fn linear(&self, bias: f64, weight: impl Fn(usize) -> f64) -> Vec<f64> {
        let of_high = active(&[self.high_bits]).map(|bit| weight(LOW + bit)).sum::<f64>();
        let mut sums = vec![bias + of_high];
        for unit in 0..LOW.min(self.rbm.n_hidden()) {
            let w = weight(unit);
            sums.extend_from_within(..);
            let n = sums.len() / 2;
            sums[n..].iter_mut().for_each(|sum| *sum += w);
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, Array2};

    /// Every state of h and of the sites, one by one, with fewer hidden units than a piece has, as many, and more.
    #[test]
    fn sums_are_those_over_all_states() {
        let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 8.0 - 1.75;
        for n_hidden in [1, 3, 8, 10] {
            let units = Units::of_sites([3, 1, 2]).unwrap();
            let rbm = Rbm::of_sites(
                units,
                Array2::from_shape_fn((6, n_hidden), |(i, j)| value(i * 7 + j * 5)),
                Array1::from_shape_fn(6, value),
                Array1::zeros(n_hidden),
            )
            .unwrap();
            let inputs: Vec<f64> = (0..n_hidden).map(|j| f64::from(value(j + 200))).collect();
            let sites: Vec<_> = rbm.visible_units().sites().collect();
            let lacking = [&sites[..1], &sites[1..], &[]];
            let examples = lacking.map(|lacking| Known { inputs: &inputs, lacking });
            let found = log_sums(&rbm, &examples, Watch::default()).unwrap();
            // The values of a site are its units, of which one is on; a bit may be off.
            let values: [&[u64]; 3] = [&[1, 2, 4], &[16, 24, 32, 40], &[0]];
            for (found, values) in found.iter().zip(values) {
                let mut sum = 0.0;
                for (h, &v) in
                    (0..1_u64 << n_hidden).flat_map(|h| values.iter().map(move |v| (h, v)))
                {
                    let on: Vec<_> = active(&[h]).collect();
                    let mut log_mass: f64 = on.iter().map(|&j| inputs[j]).sum();
                    for i in active(&[v]) {
                        log_mass += f64::from(rbm.visible_bias()[i]);
                        log_mass +=
                            on.iter().map(|&j| f64::from(rbm.weights()[[i, j]])).sum::<f64>();
                    }
                    sum += log_mass.exp();
                }
                assert!((found - sum.ln()).abs() < 1e-9, "{n_hidden}: {found} {}", sum.ln());
            }
        }
    }

    #[test]
    fn examples_do_not_depend_on_their_neighbours() {
        let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 8.0 - 1.75;
        let weights = Array2::from_shape_fn((20, 9), |(i, j)| value(i * 7 + j * 5));
        let rbm = Rbm::new(weights, Array1::zeros(20), Array1::zeros(9)).unwrap();
        let sites: Vec<_> = rbm.visible_units().sites().collect();
        let inputs: Vec<Vec<f64>> =
            (0..BLOCK + 5).map(|n| (0..9).map(|j| f64::from(value(n * 3 + j))).collect()).collect();
        let known = |n: usize| Known { inputs: &inputs[n], lacking: &sites[n % 19..] };
        let all: Vec<_> = (0..inputs.len()).map(known).collect();
        let found = log_sums(&rbm, &all, Watch::default()).unwrap();
        for n in [0, 7, BLOCK - 1, BLOCK, BLOCK + 4] {
            assert_eq!(log_sums(&rbm, &[known(n)], Watch::default()).unwrap(), [found[n]], "{n}");
        }
    }
}
