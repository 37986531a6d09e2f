//! The pseudo-likelihood Σᵢ ln p(vᵢ | the other units) (Besag, 1975): exact over all units, or estimated
//! from one unit of each example.

use super::Score;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::kernels::Isa;
use crate::model::Rbm;
use crate::reals::{RealRow, RealRows};
use crate::rng::{Purpose, Stream};
use crate::states::{States, VisibleStates};
use rayon::prelude::*;

/// The number of factors that are multiplied side by side.
const LANES: usize = 8;

/// The largest norm of a unit for which a product of all its factors stays a normal number.
const MAX_NORM: f64 = 600.0;

/// The mean over the rows of `visible` (N, V) of Σᵢ ln p(vᵢ | the rest), in nats an example.
///
/// A flip of unit i multiplies e^−F by e^(±bᵢ) Πⱼ (1 − sⱼ + sⱼ e^(±Wᵢⱼ)) with sⱼ = p(hⱼ = 1 | v). The
/// exponentials of the weights are taken once, so that each unit costs H multiplications.
pub fn pseudo_likelihood(rbm: &Rbm, visible: &BitMatrix) -> Score {
    Score::of(&of_bits(rbm, visible))
}

fn of_bits(rbm: &Rbm, visible: &BitMatrix) -> Vec<f64> {
    let rows = (0..visible.n_rows()).into_par_iter();
    if rbm.norm() > MAX_NORM {
        rows.map(|n| by_free_energies(rbm, visible.row(n))).collect()
    } else {
        let factors = Factors::new(rbm);
        rows.map(|n| factors.log_pseudo_likelihood(rbm, visible.row(n))).collect()
    }
}

/// The proxy that scikit-learn's `BernoulliRBM.score_samples` computes: V ln p(vᵢ | the rest) of
/// one unit of each example, drawn by (seed, example). It has the mean of [`pseudo_likelihood`], and far
/// more noise.
pub fn stochastic_pseudo_likelihood(rbm: &Rbm, visible: &BitMatrix, seed: u64) -> Score {
    let (units, n_sites) = (rbm.visible_units(), rbm.visible_units().n_sites());
    let of_example = |n: usize| {
        let mut stream = Stream::new(seed, Purpose::PseudoLikelihoodUnit, n as u64);
        let unit = stream.below(u32::try_from(n_sites).expect("fewer than 2^32 units")) as usize;
        let mut flipped = visible.row(n).to_vec();
        let here = rbm.free_energy(&flipped);
        flipped[unit / 64] ^= 1 << (unit % 64);
        n_sites as f64 * units.log_conditional(here - rbm.free_energy(&flipped))
    };
    Score::of(&(0..visible.n_rows()).into_par_iter().map(of_example).collect::<Vec<_>>())
}

/// Σᵢ ln p(vᵢ | the rest) of every row of `visible` (N, V), in nats. With v' = v except that vᵢ' = 1 − vᵢ,
/// p(vᵢ | the rest) = e^−F(v) / (e^−F(v) + e^−F(v')). As in scikit-learn's `BernoulliRBM.score_samples`, this
/// holds for real numbers, too.
///
/// # Errors
/// As [`Rbm::mean_hidden`].
pub fn pseudo_likelihoods<'a>(
    rbm: &Rbm,
    visible: impl Into<VisibleStates<'a>>,
    isa: Isa,
) -> Result<Vec<f64>> {
    let visible = visible.into();
    rbm.check_width(visible)?;
    match visible {
        States::Bits(bits) => Ok(of_bits(rbm, bits)),
        States::Reals(rows) => Ok(of_reals(rbm, rows, isa)),
    }
}

fn of_reals(rbm: &Rbm, visible: &RealRows, isa: Isa) -> Vec<f64> {
    /// The number of rows from which on it pays to take all exponentials first.
    const MANY: usize = 8;
    let factors = (visible.n_rows() >= MANY && rbm.norm() <= MAX_NORM).then(|| Factors::new(rbm));
    let of_row = |n| {
        let v = visible.row(n);
        let flipped = Flipped::new(rbm, isa, v);
        let odds = factors.as_ref().map(|factors| factors.odds(rbm, &flipped.inputs));
        let (mut sum, mut entries, mut buffer) = (0.0, v.iter().peekable(), Vec::new());
        for i in 0..rbm.n_visible() {
            let value = entries.next_if(|&(unit, _)| unit == i).map_or(0.0, |(_, value)| value);
            // The exponentials of a bit are known.
            let rise = match (&factors, &odds, value) {
                (Some(factors), Some(odds), 0.0 | 1.0) => factors.rise(rbm, odds, i, value == 1.0),
                _ => flipped.rise(i, value, &mut buffer),
            };
            sum += rbm.visible_units().log_conditional(rise);
        }
        sum
    };
    (0..visible.n_rows()).into_par_iter().map(of_row).collect()
}

/// V ln p(vᵢ | the rest) of one unit i of every row of `visible` (N, V), which `units` (N) names. scikit-learn
/// computes this for units that it draws.
///
/// # Errors
/// As [`Rbm::mean_hidden`].
///
/// # Panics
/// If `units` does not have a unit below V for each row.
pub fn pseudo_likelihoods_of_units(
    rbm: &Rbm,
    visible: &RealRows,
    units: &[usize],
    isa: Isa,
) -> Result<Vec<f64>> {
    rbm.check_width(visible.into())?;
    assert_eq!(units.len(), visible.n_rows(), "a unit for each row");
    let of_row = |(n, &unit): (usize, &usize)| {
        let flipped = Flipped::new(rbm, isa, visible.row(n));
        let rise = flipped.rise(unit, visible.row(n).value(unit), &mut Vec::new());
        let units = rbm.visible_units();
        units.n_sites() as f64 * units.log_conditional(rise)
    };
    Ok(units.par_iter().enumerate().map(of_row).collect())
}

/// A row of real numbers whose units are to be flipped.
struct Flipped<'a> {
    rbm: &'a Rbm,
    isa: Isa,
    inputs: Vec<f64>,
    cumulant: f64,
}

impl<'a> Flipped<'a> {
    fn new(rbm: &'a Rbm, isa: Isa, v: RealRow<'_>) -> Self {
        let inputs = rbm.hidden_inputs_of_reals(isa, v).to_vec();
        let cumulant = rbm.hidden_units().cumulant_by(isa, &inputs);
        Self { rbm, isa, inputs, cumulant }
    }

    /// The rise of −F if unit `i` changes from `value` to 1 − `value`; `inputs` is a buffer.
    fn rise(&self, i: usize, value: f32, inputs: &mut Vec<f64>) -> f64 {
        let change = 1.0 - 2.0 * f64::from(value);
        inputs.clear();
        let pairs = self.inputs.iter().zip(self.rbm.weights().row(i));
        inputs.extend(pairs.map(|(x, &w)| x + change * f64::from(w)));
        let of_bias = change * f64::from(self.rbm.visible_bias()[i]);
        of_bias + self.rbm.hidden_units().cumulant_by(self.isa, inputs) - self.cumulant
    }
}

/// Σᵢ ln p(vᵢ | the rest) by its definition, from the free energy with each unit flipped.
fn by_free_energies(rbm: &Rbm, v: &[u64]) -> f64 {
    let here = rbm.free_energy(v);
    let mut flipped = v.to_vec();
    let mut sum = 0.0;
    for i in 0..rbm.n_visible() {
        flipped[i / 64] ^= 1 << (i % 64);
        sum += rbm.visible_units().log_conditional(here - rbm.free_energy(&flipped));
        flipped[i / 64] ^= 1 << (i % 64);
    }
    sum
}

/// e^W and e^−W, a row for each visible unit, padded with 1 to whole lanes.
struct Factors {
    width: usize,
    on: Vec<f64>,
    off: Vec<f64>,
}

impl Factors {
    fn new(rbm: &Rbm) -> Self {
        let width = rbm.n_hidden().next_multiple_of(LANES);
        let (mut on, mut off) =
            (vec![1.0; rbm.n_visible() * width], vec![1.0; rbm.n_visible() * width]);
        let rows = on.par_chunks_mut(width).zip(off.par_chunks_mut(width)).enumerate();
        rows.for_each(|(i, (on, off))| {
            for (j, &weight) in rbm.weights().row(i).iter().enumerate() {
                on[j] = libm::exp(f64::from(weight));
                off[j] = libm::exp(f64::from(-weight));
            }
        });
        Self { width, on, off }
    }

    fn log_pseudo_likelihood(&self, rbm: &Rbm, v: &[u64]) -> f64 {
        let inputs = rbm.hidden_inputs(v);
        let odds = self.odds(rbm, inputs.as_slice().expect("standard layout"));
        let mut sum = 0.0;
        for i in 0..rbm.n_visible() {
            let rise = self.rise(rbm, &odds, i, v[i / 64] >> (i % 64) & 1 == 1);
            sum += rbm.visible_units().log_conditional(rise);
        }
        sum
    }

    /// p(hⱼ = 1 | v) and p(hⱼ = 0 | v) from the inputs of the hidden units, padded with 0 and 1.
    fn odds(&self, rbm: &Rbm, inputs: &[f64]) -> [Vec<f64>; 2] {
        [(1.0, 0.0), (-1.0, 1.0)].map(|(sign, filling)| {
            let mut chances = rbm.hidden_units().means(inputs.iter().map(|x| sign * x));
            chances.resize(self.width, filling);
            chances
        })
    }

    /// The rise of −F if unit `i`, which is on or off, is flipped.
    fn rise(&self, rbm: &Rbm, [is_on, is_off]: &[Vec<f64>; 2], i: usize, on: bool) -> f64 {
        let bias = f64::from(rbm.visible_bias()[i]);
        let (factors, bias) = if on { (&self.off, -bias) } else { (&self.on, bias) };
        let factors = &factors[i * self.width..(i + 1) * self.width];
        bias + libm::log(product(factors, is_on, is_off))
    }
}

/// Πⱼ (is_offⱼ + is_onⱼ · factorⱼ).
fn product(factors: &[f64], is_on: &[f64], is_off: &[f64]) -> f64 {
    let mut products = [1.0; LANES];
    let chunks = factors.as_chunks::<LANES>().0.iter();
    let weights = is_on.as_chunks::<LANES>().0.iter().zip(is_off.as_chunks::<LANES>().0);
    for (factors, (is_on, is_off)) in chunks.zip(weights) {
        for lane in 0..LANES {
            products[lane] *= is_off[lane] + is_on[lane] * factors[lane];
        }
    }
    products.iter().product()
}

#[cfg(test)]
mod tests {
    use super::super::free_energy::free_energies;
    use super::*;
    use crate::units::softplus;
    use ndarray::{Array1, Array2};

    fn model(strength: f32) -> Rbm {
        let value = |at: usize| strength * ((at % 19) as f32 / 9.0 - 1.0);
        Rbm::new(
            Array2::from_shape_fn((70, 37), |(i, j)| value(i * 7 + j * 3)),
            Array1::from_shape_fn(70, value),
            Array1::from_shape_fn(37, |j| value(j * 5)),
        )
        .unwrap()
    }

    #[test]
    fn products_give_what_free_energies_do() {
        let visible = BitMatrix::from_fn(4, 70, |n, i| (i * i + 3 * n) % 4 == 0);
        for strength in [0.1, 1.0, 8.0] {
            let rbm = model(strength);
            let expected: Vec<f64> =
                (0..4).map(|n| by_free_energies(&rbm, visible.row(n))).collect();
            let found = pseudo_likelihood(&rbm, &visible);
            assert!((found.mean / Score::of(&expected).mean - 1.0).abs() < 1e-9, "{strength}");
        }
    }

    #[test]
    fn real_numbers_are_scored_by_the_free_energies_of_their_flips() {
        let value = |n: usize, i: usize| [0.0, 0.0, 1.0, 0.25, -0.5, 1.5][(n * 5 + i * i) % 6];
        let numbers = Array2::from_shape_fn((9, 70), |(n, i)| value(n, i));
        let rows = RealRows::from(numbers.view());
        for strength in [0.1, 1.0, 8.0] {
            let rbm = model(strength);
            let here = free_energies(&rbm, &rows, Isa::fastest()).unwrap();
            let mut expected = [0.0; 9];
            for i in 0..70 {
                let mut flipped = numbers.clone();
                flipped.column_mut(i).mapv_inplace(|v| 1.0 - v);
                let there =
                    free_energies(&rbm, &RealRows::from(flipped.view()), Isa::fastest()).unwrap();
                let terms: Vec<_> = (0..9).map(|n| -softplus(here[n] - there[n])).collect();
                let one =
                    pseudo_likelihoods_of_units(&rbm, &rows, &[i; 9], Isa::fastest()).unwrap();
                for n in 0..9 {
                    expected[n] += terms[n];
                    let bound = 1e-9 * terms[n].abs().max(1e-3);
                    assert!((one[n] / 70.0 - terms[n]).abs() < bound, "{strength}");
                }
            }
            let found = pseudo_likelihoods(&rbm, &rows, Isa::fastest()).unwrap();
            for (x, y) in found.iter().zip(expected) {
                assert!((x / y - 1.0).abs() < 1e-9, "{strength}: {x} {y}");
            }
            let few = RealRows::from(numbers.slice(ndarray::s![..2, ..]));
            for (x, y) in pseudo_likelihoods(&rbm, &few, Isa::fastest()).unwrap().iter().zip(&found)
            {
                assert!((x / y - 1.0).abs() < 1e-12, "{strength}: {x} {y}");
            }
        }
        let bits = BitMatrix::from_fn(4, 70, |n, i| (i * i + 3 * n) % 4 == 0);
        let found =
            pseudo_likelihoods(&model(1.0), &RealRows::from(&bits), Isa::fastest()).unwrap();
        let expected = pseudo_likelihood(&model(1.0), &bits);
        assert!((Score::of(&found).mean / expected.mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn independent_units_have_their_likelihood_as_pseudo_likelihood() {
        let rbm =
            Rbm::new(Array2::zeros((3, 2)), Array1::from(vec![0.5, -1.0, 2.0]), Array1::zeros(2));
        let found = pseudo_likelihood(&rbm.unwrap(), &BitMatrix::from_fn(1, 3, |_, i| i != 1));
        let expected = -softplus(-0.5) - softplus(-1.0) - softplus(-2.0);
        assert!((found.mean - expected).abs() < 1e-12);
    }

    #[test]
    fn one_unit_of_each_example_has_the_exact_mean() {
        let rbm = model(1.0);
        let one = BitMatrix::from_fn(1, 70, |_, i| i % 4 == 0);
        let exact = pseudo_likelihood(&rbm, &one).mean;
        let found = stochastic_pseudo_likelihood(&rbm, &one.spread(20_000), 3);
        assert!((found.mean - exact).abs() < 4.0 * found.standard_error, "{found:?} {exact}");
    }

    #[test]
    fn huge_weights_do_not_overflow() {
        let found = pseudo_likelihood(&model(60.0), &BitMatrix::zeros(2, 70));
        assert!(found.mean.is_finite() && found.mean < 0.0, "{found:?}");
    }
}
