//! The pseudo-likelihood Σᵢ ln p(vᵢ | the other units) (Besag, 1975): exact, over all units, and by
//! one unit an example.

use super::Score;
use crate::bits::BitMatrix;
use crate::model::{Rbm, sigmoid, softplus};
use crate::rng::{Purpose, Stream};
use rayon::prelude::*;

/// Factors that are multiplied side by side.
const LANES: usize = 8;

/// The largest norm of a unit for which a product of all its factors stays a normal number.
const MAX_NORM: f64 = 600.0;

/// The mean over the rows of `visible` (N, V) of Σᵢ ln p(vᵢ | the rest), in nats an example.
///
/// Turning unit i changes e^−F by the factor e^(±bᵢ) Πⱼ (1 − sⱼ + sⱼ e^(±Wᵢⱼ)) with sⱼ = p(hⱼ | v),
/// so that, beside exponentials of the weights taken once, a unit costs H multiplications.
pub fn pseudo_likelihood(rbm: &Rbm, visible: &BitMatrix) -> Score {
    let rows = (0..visible.n_rows()).into_par_iter();
    let figures: Vec<f64> = if rbm.norm() > MAX_NORM {
        rows.map(|n| by_free_energies(rbm, visible.row(n))).collect()
    } else {
        let factors = Factors::new(rbm);
        rows.map(|n| factors.log_pseudo_likelihood(rbm, visible.row(n))).collect()
    };
    Score::of(&figures)
}

/// The proxy that scikit-learn's `BernoulliRBM.score_samples` computes: V ln p(vᵢ | the rest) of
/// one unit of each example, drawn by (seed, example). Its mean is that of [`pseudo_likelihood`],
/// its noise far larger.
pub fn stochastic_pseudo_likelihood(rbm: &Rbm, visible: &BitMatrix, seed: u64) -> Score {
    let n_visible = rbm.n_visible();
    let of_example = |n: usize| {
        let mut stream = Stream::new(seed, Purpose::PseudoLikelihoodUnit, n as u64);
        let unit = stream.below(u32::try_from(n_visible).expect("fewer than 2^32 units")) as usize;
        let mut turned = visible.row(n).to_vec();
        let here = rbm.free_energy(&turned);
        turned[unit / 64] ^= 1 << (unit % 64);
        -(n_visible as f64) * softplus(here - rbm.free_energy(&turned))
    };
    Score::of(&(0..visible.n_rows()).into_par_iter().map(of_example).collect::<Vec<_>>())
}

/// By its definition: the free energy with each unit turned.
fn by_free_energies(rbm: &Rbm, v: &[u64]) -> f64 {
    let here = rbm.free_energy(v);
    let mut turned = v.to_vec();
    let mut sum = 0.0;
    for i in 0..rbm.n_visible() {
        turned[i / 64] ^= 1 << (i % 64);
        sum -= softplus(here - rbm.free_energy(&turned));
        turned[i / 64] ^= 1 << (i % 64);
    }
    sum
}

/// e^W and e^−W, a row for each visible unit, filled up to whole lanes with 1.
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
        let (mut is_on, mut is_off) = (vec![0.0; self.width], vec![1.0; self.width]);
        for (j, &x) in inputs.iter().enumerate() {
            is_on[j] = sigmoid(x);
            is_off[j] = sigmoid(-x);
        }
        let mut sum = 0.0;
        for (i, &bias) in rbm.visible_bias().iter().enumerate() {
            let on = v[i / 64] >> (i % 64) & 1 == 1;
            let (factors, bias) =
                if on { (&self.off, -f64::from(bias)) } else { (&self.on, f64::from(bias)) };
            let factors = &factors[i * self.width..(i + 1) * self.width];
            sum -= softplus(bias + libm::log(product(factors, &is_on, &is_off)));
        }
        sum
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
    use super::*;
    use ndarray::{Array1, Array2};

    fn machine(strength: f32) -> Rbm {
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
            let rbm = machine(strength);
            let expected: Vec<f64> =
                (0..4).map(|n| by_free_energies(&rbm, visible.row(n))).collect();
            let found = pseudo_likelihood(&rbm, &visible);
            assert!((found.mean / Score::of(&expected).mean - 1.0).abs() < 1e-9, "{strength}");
        }
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
    fn one_unit_an_example_has_the_exact_mean() {
        let rbm = machine(1.0);
        let one = BitMatrix::from_fn(1, 70, |_, i| i % 4 == 0);
        let exact = pseudo_likelihood(&rbm, &one).mean;
        let found = stochastic_pseudo_likelihood(&rbm, &one.spread(20_000), 3);
        assert!((found.mean - exact).abs() < 4.0 * found.standard_error, "{found:?} {exact}");
    }

    #[test]
    fn huge_weights_do_not_overflow() {
        let found = pseudo_likelihood(&machine(60.0), &BitMatrix::zeros(2, 70));
        assert!(found.mean.is_finite() && found.mean < 0.0, "{found:?}");
    }
}
