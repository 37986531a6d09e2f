//! Free energies of examples that lack values: what they lack is summed out.
//!
//! Let v be what an example has and u what it lacks. Then p(v) = e^{−F(v)} / Z with
//!
//! ```text
//! F(v) = −b·v − ln Σ_{u, h} exp(b·u + x·h + uᵀW h),   x = c + Σᵢ vᵢ Wᵢ over what it has
//! ```
//!
//! The sum is the Z of a smaller model, of u and h with hidden bias x. It is taken
//!
//! - over the values of u, if there are at most 4,096,
//! - else over h, of at most 16 units,
//! - else by annealed importance sampling from p(u | E\[h | v\]). Its mean is unbiased, so that ln p(v) errs low on
//!   average (Jensen): it is never flattered.

use super::ais::{LogZ, Side, forward};
use super::log_mean::log_sum_exp;
use super::{AnnealingSchedule, Score};
use crate::bits::{BitMatrix, WORD, active};
use crate::dataset::WeightedRows;
use crate::error::Result;
use crate::gibbs::over_hidden::{self, Known, MOST_HIDDEN};
use crate::gibbs::{FixedModel, FixedWeights, Path};
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::rng::{Purpose, Stream};
use crate::units::Units;
use crate::watch::Watch;
use ndarray::{Array1, Array2, Axis};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// The most values of u over which is summed.
const MOST_VALUES: usize = 4096;

/// Chains and steps of annealing for each example.
const CHAINS: usize = 32;
const STEPS: usize = 500;

/// The most examples that an evaluation scores if some are annealed, each of which takes some hundredths of a second.
pub(super) const MOST_ANNEALED: usize = 200;

/// The free energies of what examples have.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// The mean of F(v), in nats. Each annealed sum draws from streams of its own, so that the scatter of the
    /// examples, and with it the standard error, has the errors of annealing in it.
    pub free_energy: Score,
    /// The number of examples whose sum is annealed, and not exact.
    pub n_annealed: usize,
    /// The number of examples that were given, of which `free_energies` are scored.
    pub n_given: usize,
    /// F(v) of each example that is scored, in nats.
    pub free_energies: Vec<f64>,
    /// The standard error of the mean that comes from annealing, in nats.
    pub annealing_error: f64,
}

impl Observed {
    /// Scores the rows of `visible`, or at most `most` of them, spread evenly, if some have to be annealed. Row n draws
    /// from the streams of `seed`.
    ///
    /// # Errors
    /// As [`Rbm::mean_hidden`]; [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn of<'a>(
        rbm: &Rbm,
        visible: impl Into<WeightedRows<'a>>,
        most: usize,
        seed: u64,
        isa: Isa,
        watch: Watch<'_>,
    ) -> Result<Self> {
        let rows = visible.into();
        rbm.check_given(rows.bits, rows.missing)?;
        let is_annealed = |n| Way::of(rbm, &lacking(rbm, rows.missing, n)) == Way::Annealed;
        let n_given = rows.bits.n_rows();
        let some = (n_given > most && (0..n_given).any(is_annealed)).then(|| rows.spread(most));
        let rows = some.as_ref().map_or(rows, WeightedRows::from);
        let n_rows = rows.bits.n_rows();
        let lacking: Vec<_> = (0..n_rows).map(|n| lacking(rbm, rows.missing, n)).collect();
        let part = |n: usize| Part::new(rbm, isa, rows.bits.row(n), &lacking[n]);
        let parts: Vec<_> = (0..n_rows).into_par_iter().map(part).collect();
        let found = estimates(rbm, &parts, seed, watch)?;
        let free_energies: Vec<f64> = found.iter().map(|estimate| estimate.value).collect();
        let free_energy = Score::of_rows(&free_energies, rows);
        let n_annealed = found.iter().filter(|estimate| estimate.is_annealed).count();
        let weight = |n: usize| rows.weights.map_or(1.0, |weights| weights[n]);
        let (mut total, mut variance) = (0.0, 0.0);
        for (n, estimate) in found.iter().enumerate() {
            total += weight(n);
            variance += (weight(n) * estimate.standard_error).powi(2);
        }
        let annealing_error = variance.sqrt() / total;
        Ok(Self { free_energy, n_annealed, n_given, free_energies, annealing_error })
    }
}

/// ln p(label | what an example has) of each value of a label (N, K), in nats, and the number of examples of which some
/// sum is annealed, and not exact.
///
/// The examples are the rows of `visible`, V wide or without the units of the label, `label`, which are not looked at.
/// The values where `missing`, as wide, is on are summed out for each label, as in [`Observed`].
///
/// # Errors
/// As [`Rbm::mean_hidden`]; [`Error::Interrupted`](crate::Error::Interrupted).
pub fn class_log_probabilities(
    rbm: &Rbm,
    visible: &BitMatrix,
    missing: &BitMatrix,
    label: Range<usize>,
    seed: u64,
    isa: Isa,
    watch: Watch<'_>,
) -> Result<(Array2<f64>, usize)> {
    let features = |rows: &BitMatrix, of_label: bool| {
        BitMatrix::from_fn(rows.n_rows(), rbm.n_visible(), |n, unit| match label.contains(&unit) {
            true => of_label,
            false => unit < rows.n_columns() && rows.get(n, unit),
        })
    };
    let (visible, missing) = (features(visible, false), features(missing, true));
    rbm.check_given(&visible, Some(&missing))?;
    let (n_rows, n_labels) = (visible.n_rows(), label.len());
    let mut of_rows: Vec<_> = (0..n_rows).map(|n| lacking(rbm, Some(&missing), n)).collect();
    of_rows.iter_mut().for_each(|lacking| lacking.retain(|site| *site != label));
    let part = |at: usize| {
        let (n, unit) = (at / n_labels, label.start + at % n_labels);
        let mut v = visible.row(n).to_vec();
        v[unit / WORD] |= 1 << (unit % WORD);
        Part::new(rbm, isa, &v, &of_rows[n])
    };
    let parts: Vec<_> = (0..n_rows * n_labels).into_par_iter().map(part).collect();
    let found = estimates(rbm, &parts, seed, watch)?;
    let of_row = |estimates: &[Estimate]| {
        let mut logs: Vec<_> = estimates.iter().map(|estimate| -estimate.value).collect();
        let all = log_sum_exp(&logs);
        logs.iter_mut().for_each(|log| *log -= all);
        (logs, estimates.iter().any(|estimate| estimate.is_annealed))
    };
    let found: Vec<_> = found.chunks(n_labels).map(of_row).collect();
    let n_annealed = found.iter().filter(|(_, is_annealed)| *is_annealed).count();
    let log_p = Array2::from_shape_fn((found.len(), n_labels), |(n, y)| found[n].0[y]);
    Ok((log_p, n_annealed))
}

/// The sites that row `n` lacks.
fn lacking(rbm: &Rbm, missing: Option<&BitMatrix>, n: usize) -> Vec<Range<usize>> {
    let is_missing = |site: &Range<usize>| missing.is_some_and(|all| all.get(n, site.start));
    rbm.visible_units().sites().filter(is_missing).collect()
}

/// How a sum over u and h is taken.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    OverValues,
    OverHidden,
    Annealed,
}

impl Way {
    fn of(rbm: &Rbm, lacking: &[Range<usize>]) -> Self {
        let values = lacking.iter().map(|site| site.len().max(2));
        if values.fold(1, usize::saturating_mul) <= MOST_VALUES {
            return Self::OverValues;
        }
        if rbm.n_hidden() <= MOST_HIDDEN { Self::OverHidden } else { Self::Annealed }
    }
}

/// F of an example.
struct Estimate {
    value: f64,
    is_annealed: bool,
    /// 0 if it is exact.
    standard_error: f64,
}

/// F of each part; number n draws from the n-th streams of `seed`.
fn estimates(rbm: &Rbm, parts: &[Part<'_>], seed: u64, watch: Watch<'_>) -> Result<Vec<Estimate>> {
    let is_over_hidden = |part: &Part<'_>| part.way() == Way::OverHidden;
    let (places, known): (Vec<_>, Vec<_>) = (0..parts.len())
        .filter(|&n| is_over_hidden(&parts[n]))
        .map(|n| (n, parts[n].known()))
        .unzip();
    let of_hidden: BTreeMap<_, _> =
        places.into_iter().zip(over_hidden::log_sums(rbm, &known, watch)?).collect();
    let count = watch.counter("summing over what examples lack", parts.len() as u64);
    let of_part = |(n, part): (usize, &Part<'_>)| {
        watch.check()?;
        let found = match part.way() {
            Way::OverValues => part.exact(part.log_sum_over_values()),
            Way::OverHidden => part.exact(of_hidden[&n]),
            Way::Annealed => part.annealed(seed, n, watch)?,
        };
        count(1)?;
        Ok(found)
    };
    parts.par_iter().enumerate().map(of_part).collect()
}

/// The model of what an example lacks, given what it has.
struct Part<'a> {
    rbm: &'a Rbm,
    isa: Isa,
    /// b·v.
    of_bias: f64,
    /// x (H).
    inputs: Array1<f64>,
    /// The sites of u.
    lacking: &'a [Range<usize>],
}

impl<'a> Part<'a> {
    fn new(rbm: &'a Rbm, isa: Isa, v: &[u64], lacking: &'a [Range<usize>]) -> Self {
        let of_bias = active(v).map(|i| f64::from(rbm.visible_bias()[i])).sum();
        Self { rbm, isa, of_bias, inputs: rbm.hidden_inputs(v), lacking }
    }

    fn way(&self) -> Way {
        Way::of(self.rbm, self.lacking)
    }

    fn known(&self) -> Known<'_> {
        let inputs = self.inputs.as_slice().expect("standard layout");
        Known { inputs, lacking: self.lacking }
    }

    /// F, by the logarithm of the sum over u and h.
    fn exact(&self, log_sum: f64) -> Estimate {
        Estimate { value: -self.of_bias - log_sum, is_annealed: false, standard_error: 0.0 }
    }

    fn log_sum_over_values(&self) -> f64 {
        let mut logs = Vec::new();
        self.add_values(0, 0.0, self.inputs.to_vec(), &mut logs);
        log_sum_exp(&logs)
    }

    /// Adds the logarithm of the mass of each value of the sites of u from `site` on, given x with those before it.
    fn add_values(&self, site: usize, of_bias: f64, inputs: Vec<f64>, logs: &mut Vec<f64>) {
        let Some(units) = self.lacking.get(site) else {
            logs.push(of_bias + self.rbm.hidden_units().cumulant_by(self.isa, &inputs));
            return;
        };
        for unit in units.clone() {
            let weights = self.rbm.weights().row(unit);
            let inputs = inputs.iter().zip(weights).map(|(x, &w)| x + f64::from(w)).collect();
            let bias = f64::from(self.rbm.visible_bias()[unit]);
            self.add_values(site + 1, of_bias + bias, inputs, logs);
        }
        if units.len() == 1 {
            self.add_values(site + 1, of_bias, inputs, logs);
        }
    }

    /// The units of u.
    fn units(&self) -> Units {
        Units::of_sites(self.lacking.iter().map(ExactSizeIterator::len))
            .expect("sites of the model")
    }

    /// F, by an estimate of the logarithm of the sum over u and h.
    fn annealed(&self, seed: u64, row: usize, watch: Watch<'_>) -> Result<Estimate> {
        let Self { rbm, isa, .. } = *self;
        let units: Vec<usize> = self.lacking.iter().flat_map(Clone::clone).collect();
        let weights = rbm.weights().select(Axis(0), &units);
        let bias = rbm.visible_bias().select(Axis(0), &units);
        let part = Rbm::of_sites(self.units(), weights, bias, self.inputs.mapv(|x| x as f32))?;
        let fixed = FixedWeights::of(&part, isa);
        let model = FixedModel { rbm: &part, weights: &fixed };
        // The base: u given the mean of h.
        let mut activity = self.inputs.to_vec();
        rbm.hidden_units().means_by(isa, &mut activity);
        let of_unit = |unit: usize| {
            let pairs = part.weights().row(unit).into_iter().zip(&activity);
            let of_weights = pairs.map(|(&w, mean)| f64::from(w) * mean).sum::<f64>();
            f64::from(part.visible_bias()[unit]) + of_weights
        };
        let means = part.visible_units().means((0..units.len()).map(of_unit));
        let rates = part.visible_units().smoothed_rates(&means.into());
        let path = Path::new(model, &rates)?;
        let betas = AnnealingSchedule::Linear(STEPS).betas(&path, seed, watch)?;
        let first = (row * CHAINS) as u64;
        let stream = |chain| Stream::new(seed, Purpose::ObservedAnnealing, first + chain);
        let streams = (0..CHAINS as u64).map(stream).collect();
        let (log_weights, _) =
            forward(&path, &betas, streams, "annealing what examples lack", watch)?;
        let LogZ { log_z, standard_error, .. } = Side::forward(&path, &log_weights).log_z;
        Ok(Estimate { is_annealed: true, standard_error, ..self.exact(log_z) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::WeightedBits;

    fn model(sites: &[usize], n_hidden: usize) -> Rbm {
        let value = |at: usize| ((at * 37 + 11) % 29) as f32 / 16.0 - 0.875;
        let units = Units::of_sites(sites.iter().copied()).unwrap();
        let n = units.n_units();
        Rbm::of_sites(
            units,
            Array2::from_shape_fn((n, n_hidden), |(i, j)| value(i * 7 + j * 5)),
            Array1::from_shape_fn(n, value),
            Array1::from_shape_fn(n_hidden, |j| value(j + 200)),
        )
        .unwrap()
    }

    /// Two ways to sum give the same, and annealing comes near.
    #[test]
    fn all_ways_give_the_same_sum() {
        let rbm = model(&[3, 1, 4, 1, 5], 12);
        let v = [0b1_u64];
        for n_lacking in 1..4 {
            let sites: Vec<_> = rbm.visible_units().sites().skip(1).take(n_lacking).collect();
            let rest: Vec<_> = rbm.visible_units().sites().skip(1 + n_lacking).collect();
            let v = rest.iter().fold(v[0], |v, site| v | 1 << site.start);
            let part = Part::new(&rbm, Isa::fastest(), &[v], &sites);
            let over_values = part.log_sum_over_values();
            let of_hidden = over_hidden::log_sums(&rbm, &[part.known()], Watch::default()).unwrap();
            assert!((over_values - of_hidden[0]).abs() < 1e-9);
            let annealed = part.annealed(3, 0, Watch::default()).unwrap();
            let difference = part.exact(over_values).value - annealed.value;
            let bound = 4.0 * annealed.standard_error + 1e-4;
            assert!(difference.abs() < bound, "{difference} {}", annealed.standard_error);
        }
    }

    #[test]
    fn examples_that_lack_nothing_have_their_free_energies() {
        let rbm = model(&[3, 1, 1], 4);
        let bits = BitMatrix::from_fn(2, 5, |n, unit| unit == n || (unit == 4 && n == 1));
        let hole = BitMatrix::from_fn(2, 5, |n, unit| n == 1 && unit == 3);
        let rows = WeightedBits::new(bits.clone(), None).lacking(Some(hole));
        let found = Observed::of(&rbm, &rows, 9, 0, Isa::fastest(), Watch::default()).unwrap();
        let f = |v: u64| rbm.free_energy(&[v]);
        let (off, on) = (f(0b10010), f(0b11010));
        let of_second = -((-off).exp() + (-on).exp()).ln();
        let mean = (f(0b00001) + of_second) / 2.0;
        assert!((found.free_energy.mean - mean).abs() < 1e-9, "{found:?} {mean}");
        assert!((found.free_energies[0] - f(0b00001)).abs() < 1e-9);
        assert_eq!(found.annealing_error, 0.0);
    }

    /// 13 bits have more values than are summed; sixteen hidden units have few enough states.
    #[test]
    fn many_missing_bits_are_summed_exactly_over_few_hidden_units() {
        let rbm = model(&[1; 14], MOST_HIDDEN);
        let bits = BitMatrix::from_fn(2, 14, |n, unit| unit == 0 && n == 0);
        let hole = BitMatrix::from_fn(2, 14, |_, unit| unit > 0);
        let rows = WeightedBits::new(bits, None).lacking(Some(hole));
        let found = Observed::of(&rbm, &rows, 1, 0, Isa::fastest(), Watch::default()).unwrap();
        assert_eq!((found.n_annealed, found.free_energies.len()), (0, 2));
        for (found, own) in found.free_energies.iter().zip([1, 0]) {
            let masses = (0..1_u64 << 13).map(|rest| (-rbm.free_energy(&[rest << 1 | own])).exp());
            let expected = -masses.sum::<f64>().ln();
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    /// p(label | what is given) is that of a sum over all values of the missing bit.
    #[test]
    fn labels_are_predicted_from_what_examples_have() {
        let rbm = model(&[1, 1, 3], 4);
        let bits = BitMatrix::from_fn(1, 5, |_, unit| unit == 0 || unit == 3);
        let hole = BitMatrix::from_fn(1, 5, |_, unit| unit == 1);
        let (found, n_annealed) =
            class_log_probabilities(&rbm, &bits, &hole, 2..5, 0, Isa::fastest(), Watch::default())
                .unwrap();
        let mass = |y: usize| [0b01, 0b11].map(|v: u64| (-rbm.free_energy(&[v | 4 << y])).exp());
        let mass = |y: usize| mass(y).iter().sum::<f64>();
        let all = (0..3).map(mass).sum::<f64>();
        for y in 0..3 {
            assert!((found[[0, y]].exp() - mass(y) / all).abs() < 1e-9, "{found}");
        }
        assert_eq!(n_annealed, 0);
    }
}
