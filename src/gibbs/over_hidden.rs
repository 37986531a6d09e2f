//! Sums over the states of hidden units, for many examples at once.
//!
//! The mass of what an example has, with all values of the sites q that it lacks, is
//!
//! ```text
//! Σ_h e^{x·h} Π_q s_q(h),   s_q(h) = Σ over the values a of q of e^{b_a + W_a h}
//! ```
//!
//! where x is the input of the hidden units by what it has. ln s_q(h) is the same for all examples: it is computed
//! once, and an example adds those of its own sites. Each term over the sum is p(h | what it has), by which
//! p(v | h), again the same for all, has the mean p(v | what it has).

use crate::bits::active;
use crate::error::Result;
use crate::model::Rbm;
use crate::units::{Units, log_sum_exp};
use crate::watch::Watch;
use rayon::prelude::*;
use std::ops::Range;

/// The most hidden units over whose states is summed. With 16 an example takes a millisecond or a few, less than
/// annealing takes; each further unit doubles the time.
pub(crate) const MOST_HIDDEN: usize = 16;

/// The states whose terms are summed as one piece: those of this many units, the first ones.
const LOW: usize = 8;

/// What is known of each site, or unit, in the states of a piece, by the number of its first unit.
type Table = Vec<Option<Vec<f64>>>;

/// The sums of a product that are computed side by side.
const LANES: usize = 8;

/// The examples that share a table of ln s_q(h). Their sums over pieces take 2 KiB each.
const BLOCK: usize = 4096;

/// What an example has, and what it lacks.
pub(crate) struct Known<'a> {
    /// x (H).
    pub inputs: &'a [f64],
    /// The units of each site that it lacks.
    pub lacking: &'a [Range<usize>],
}

/// ln Σ_h e^{x·h} Π_q s_q(h) of each example. It does not depend on the others.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn log_sums(rbm: &Rbm, examples: &[Known<'_>], watch: Watch<'_>) -> Result<Vec<f64>> {
    let mut found = Vec::with_capacity(examples.len());
    let n_pieces = pieces(rbm).count() * examples.len().div_ceil(BLOCK);
    let count = watch.counter("sums over hidden units", n_pieces as u64);
    for block in examples.chunks(BLOCK) {
        let of_piece = |high_bits: u64| {
            watch.check()?;
            let sums = Piece { rbm, high_bits }.log_sums(block);
            count(1)?;
            Ok(sums)
        };
        let pieces: Vec<Vec<f64>> =
            pieces(rbm).into_par_iter().map(of_piece).collect::<Result<_>>()?;
        let of_all = |n| log_sum_exp(&pieces.iter().map(|sums| sums[n]).collect::<Vec<_>>());
        found.extend((0..block.len()).map(of_all));
    }
    Ok(found)
}

/// p(v = 1 | what an example has) of each unit that it lacks, in the order of `lacking`. They do not depend on the other
/// examples.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted).
pub(crate) fn means(rbm: &Rbm, examples: &[Known<'_>], watch: Watch<'_>) -> Result<Vec<Vec<f64>>> {
    let log_sums = log_sums(rbm, examples, watch)?;
    let n_units = |example: &Known<'_>| example.lacking.iter().map(ExactSizeIterator::len).sum();
    let mut means: Vec<_> = examples.iter().map(|known| vec![0.0; n_units(known)]).collect();
    let count = watch.counter("means over hidden units", pieces(rbm).count() as u64);
    // One piece after the other, so that the order of the sums is that of the pieces.
    for high_bits in pieces(rbm) {
        watch.check()?;
        let piece = Piece { rbm, high_bits };
        let masses = piece.table(examples, Piece::log_masses);
        let rates = piece.table(examples, Piece::rates);
        let examples = examples.par_iter().zip(&log_sums);
        means.par_iter_mut().zip(examples).for_each(|(means, (known, log_sum))| {
            let terms = piece.terms(known, &masses);
            let shares: Vec<f64> = terms.iter().map(|term| libm::exp(term - log_sum)).collect();
            let mut means = means.iter_mut();
            for site in known.lacking {
                let rates = rates[site.start].as_ref().expect("a site that an example lacks");
                for (of_unit, mean) in rates.chunks(shares.len()).zip(means.by_ref()) {
                    *mean += dot(of_unit, &shares);
                }
            }
        });
        count(1)?;
    }
    Ok(means)
}

/// Σ a b, in eight sums side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        (0..LANES).for_each(|lane| sums[lane] += a[lane] * b[lane]);
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

/// The high bits of all pieces.
fn pieces(rbm: &Rbm) -> Range<u64> {
    0..1 << rbm.n_hidden().saturating_sub(LOW)
}

/// The states whose units from [`LOW`] on are `high_bits`.
struct Piece<'a> {
    rbm: &'a Rbm,
    high_bits: u64,
}

impl Piece<'_> {
    /// The logarithm of the sum over these states, for each example.
    fn log_sums(&self, examples: &[Known<'_>]) -> Vec<f64> {
        let masses = self.table(examples, Self::log_masses);
        examples.iter().map(|known| log_sum_exp(&self.terms(known, &masses))).collect()
    }

    /// x·h + Σ_q ln s_q(h) of these states.
    fn terms(&self, &Known { inputs, lacking }: &Known<'_>, log_masses: &Table) -> Vec<f64> {
        let mut terms = self.linear(0.0, |j| inputs[j]);
        for site in lacking {
            let of_site = log_masses[site.start].as_ref().expect("a site that an example lacks");
            terms.iter_mut().zip(of_site).for_each(|(term, log)| *term += log);
        }
        terms
    }

    /// What `of_site` says of each site that some example lacks.
    fn table(
        &self,
        examples: &[Known<'_>],
        of_site: impl Fn(&Self, Range<usize>) -> Vec<f64> + Sync,
    ) -> Table {
        let mut is_lacking = vec![false; self.rbm.n_visible()];
        let all = examples.iter().flat_map(|example| example.lacking);
        all.for_each(|site| is_lacking[site.start] = true);
        let sites: Vec<_> = self.rbm.visible_units().sites().collect();
        let lacking = sites.into_par_iter().filter(|site| is_lacking[site.start]);
        let found: Vec<_> = lacking.map(|site| (site.start, of_site(self, site))).collect();
        let mut table = vec![None; self.rbm.n_visible()];
        found.into_iter().for_each(|(first, of_site)| table[first] = Some(of_site));
        table
    }

    /// ln s_q(h) of these states.
    fn log_masses(&self, site: Range<usize>) -> Vec<f64> {
        let (units, inputs) = self.inputs(site);
        let of_state = |state| units.cumulant(inputs.iter().map(|of_unit| of_unit[state]));
        (0..inputs[0].len()).map(of_state).collect()
    }

    /// p(v = 1 | h) of these states, for one unit of the site after the other.
    fn rates(&self, site: Range<usize>) -> Vec<f64> {
        let (units, inputs) = self.inputs(site);
        let n = inputs[0].len();
        let mut rates = vec![0.0; inputs.len() * n];
        for state in 0..n {
            let of_state = units.means(inputs.iter().map(|of_unit| of_unit[state]));
            of_state.into_iter().enumerate().for_each(|(unit, p)| rates[unit * n + state] = p);
        }
        rates
    }

    /// A site by itself, and b + W h of these states for each of its units.
    fn inputs(&self, site: Range<usize>) -> (Units, Vec<Vec<f64>>) {
        let units = Units::of_sites([site.len()]).expect("a site of the model");
        let of_unit = |unit: usize| {
            let weights = self.rbm.weights().row(unit);
            self.linear(f64::from(self.rbm.visible_bias()[unit]), |j| f64::from(weights[j]))
        };
        (units, site.map(of_unit).collect())
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
            let means = means(&rbm, &examples, Watch::default()).unwrap();
            // The values of a site are its units, of which one is on; a bit may be off.
            let values: [&[u64]; 3] = [&[1, 2, 4], &[16, 24, 32, 40], &[0]];
            for ((found, values), (means, lacking)) in
                found.iter().zip(values).zip(means.iter().zip(lacking))
            {
                let (mut sum, mut on_sums) = (0.0, [0.0; 6]);
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
                    active(&[v]).for_each(|i| on_sums[i] += log_mass.exp());
                }
                assert!((found - sum.ln()).abs() < 1e-9, "{n_hidden}: {found} {}", sum.ln());
                let units: Vec<usize> = lacking.iter().flat_map(Clone::clone).collect();
                assert_eq!(means.len(), units.len());
                for (mean, unit) in means.iter().zip(units) {
                    let expected = on_sums[unit] / sum;
                    assert!(
                        (mean - expected).abs() < 1e-9,
                        "{n_hidden}, {unit}: {mean} {expected}"
                    );
                }
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
        let few: Vec<_> = (0..7).map(known).collect();
        let found = means(&rbm, &few, Watch::default()).unwrap();
        for (n, found) in found.into_iter().enumerate() {
            assert_eq!(means(&rbm, &[known(n)], Watch::default()).unwrap(), [found], "{n}");
        }
    }
}
