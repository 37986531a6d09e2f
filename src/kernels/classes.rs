//! Sums over 64 hidden units for each class of a label.
//!
//! With x, the inputs of the hidden units from all sites but the label, and u_k, the weights of class k,
//! the inputs are x + u_k if the label is k. Both kernels are for one panel; padding has x = [`PADDING`] and
//! u = 0, so that it adds nothing. Floats are added in one fixed order, so all instruction sets give the same
//! bits.

use super::isa::dispatch;
use super::sigmoid::two_to_the;
use super::tile::{Row, SIDE};

/// The input of a unit that does not exist: its σ is 0.
pub const PADDING: f32 = -1e4;

/// The number of sums that are taken side by side.
const LANES: usize = 16;

/// Inputs beyond this have σ at 0 or 1 within the last place of an f32.
const STEEP: f32 = 80.0;

/// e^−|x|.
#[inline(always)]
fn decay(x: f32) -> f32 {
    let size = x.abs();
    let size = if size < STEEP { size } else { STEEP };
    two_to_the(size * -std::f32::consts::LOG2_E)
}

/// σ(x), by +, ×, ÷ in one fixed order.
#[inline(always)]
fn sigma(x: f32) -> f32 {
    let e = decay(x);
    let small = e / (1.0 + e);
    if x > 0.0 { 1.0 - small } else { small }
}

dispatch! {
    /// Writes Σⱼ softplus(xₙⱼ + uₖⱼ) for every row n of `inputs` and every class k of `weights`: (N, K).
    ///
    /// softplus(x) = max(x, 0) + ln(1 + e^−|x|), and one logarithm of the product of the factors
    /// 1 + e^−|x|, which is at most 2^64, serves all 64 units.
    ///
    /// # Panics
    /// If `sums` does not have N · K places.
    pub fn cumulants(isa, inputs: &[Row<f32>], weights: &[Row<f32>], sums: &mut [f64])
        = cumulants_body
}

#[inline(always)]
fn cumulants_body(inputs: &[Row<f32>], weights: &[Row<f32>], sums: &mut [f64]) {
    assert_eq!(sums.len(), inputs.len() * weights.len(), "a sum for each row and class");
    for (row, sums) in inputs.iter().zip(sums.chunks_mut(weights.len())) {
        for (weights, sum) in weights.iter().zip(sums) {
            let (mut positive, mut products) = ([0.0_f32; LANES], [1.0_f32; LANES]);
            for at in (0..SIDE).step_by(LANES) {
                for lane in 0..LANES {
                    let x = row[at + lane] + weights[at + lane];
                    positive[lane] += if x > 0.0 { x } else { 0.0 };
                    products[lane] *= 1.0 + decay(x);
                }
            }
            let product: f64 = products.iter().map(|&x| f64::from(x)).product();
            *sum = positive.iter().map(|&x| f64::from(x)).sum::<f64>() + libm::log(product);
        }
    }
}

/// What the classes of one row count for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassShare {
    /// In the gradient.
    pub gradient: f32,
    /// In the mean of h: p(y = k | v), or 1 for a label that is known.
    pub mean: f32,
}

/// Sums over rows and classes of σ, for one panel.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassSums {
    /// Σₙ wₙ aₙₖ σ(xₙⱼ + uₖⱼ), a row for each class, with a the shares in the gradient.
    pub of_classes: Vec<Row<f32>>,
    /// Σₙ wₙ Σₖ πₙₖ σ(xₙⱼ + uₖⱼ), with π the shares in the mean.
    pub mean: Row<f32>,
}

impl ClassSums {
    /// Sums of 0 for K classes.
    pub fn new(n_classes: usize) -> Self {
        Self { of_classes: vec![[0.0; SIDE]; n_classes], mean: [0.0; SIDE] }
    }

    /// Sets all sums to 0.
    pub fn clear(&mut self) {
        self.of_classes.fill([0.0; SIDE]);
        self.mean = [0.0; SIDE];
    }

    /// Adds other sums.
    ///
    /// # Panics
    /// If they are of another number of classes.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(self.of_classes.len(), other.of_classes.len(), "classes");
        let rows = self.of_classes.iter_mut().zip(&other.of_classes);
        for (to, row) in rows.chain([(&mut self.mean, &other.mean)]) {
            to.iter_mut().zip(row).for_each(|(to, x)| *to += x);
        }
    }
}

dispatch! {
    /// Turns the inputs x of N rows, in place, into rₙⱼ = Σₖ aₙₖ σ(xₙⱼ + uₖⱼ) with the shares a (N, K), and
    /// adds to `sums`, row after row. `row_weights` are wₙ; none if all are 1.
    ///
    /// # Panics
    /// If there are not N · K shares.
    pub fn weigh_classes(isa, inputs: &mut [Row<f32>], weights: &[Row<f32>], shares: &[ClassShare],
        row_weights: Option<&[f32]>, sums: &mut ClassSums) = weigh_classes_body
}

#[inline(always)]
fn weigh_classes_body(
    inputs: &mut [Row<f32>],
    weights: &[Row<f32>],
    shares: &[ClassShare],
    row_weights: Option<&[f32]>,
    sums: &mut ClassSums,
) {
    assert_eq!(shares.len(), inputs.len() * weights.len(), "a share for each row and class");
    for (n, (row, shares)) in inputs.iter_mut().zip(shares.chunks(weights.len())).enumerate() {
        let weight = row_weights.map_or(1.0, |all| all[n]);
        let mut r = [0.0; SIDE];
        for (k, share) in shares.iter().enumerate().filter(|(_, s)| **s != ClassShare::default()) {
            let of_class = &mut sums.of_classes[k];
            let (a, heavy_a, heavy_mean) =
                (share.gradient, weight * share.gradient, weight * share.mean);
            for j in 0..SIDE {
                let sigma = sigma(row[j] + weights[k][j]);
                r[j] += a * sigma;
                of_class[j] += heavy_a * sigma;
                sums.mean[j] += heavy_mean * sigma;
            }
        }
        *row = r;
    }
}

dispatch! {
    /// Writes `⌊r · scale + d⌋` of numbers r in rows from `first` on, where r · scale is from −255 to 255 and
    /// d is the dither of [`sigmoid::means`](super::sigmoid::means).
    ///
    /// # Panics
    /// If the numbers of rows differ.
    pub fn dithered(isa, numbers: &[Row<f32>], scale: f32, first: usize, shifts: &Row<u32>,
        dithered: &mut [Row<i16>]) = dithered_body
}

#[inline(always)]
fn dithered_body(
    numbers: &[Row<f32>],
    scale: f32,
    first: usize,
    shifts: &Row<u32>,
    dithered: &mut [Row<i16>],
) {
    use super::sigmoid::{DITHER_STEP, MEAN_ONE, ONE};
    const LIFT: f32 = 256.0;
    assert_eq!(numbers.len(), dithered.len(), "a place for each row");
    for (n, (numbers, dithered)) in numbers.iter().zip(dithered).enumerate() {
        let of_row = ((first + n) as u32).wrapping_mul(DITHER_STEP);
        for j in 0..SIDE {
            let dither = (shifts[j].wrapping_add(of_row) >> 8) as f32 / ONE as f32;
            let x = numbers[j] * scale + dither;
            // The first comparison is false for NaN, which becomes the least.
            let x = if x > -f32::from(MEAN_ONE) { x } else { -f32::from(MEAN_ONE) };
            let x = if x < f32::from(MEAN_ONE) { x } else { f32::from(MEAN_ONE) };
            // SAFETY: x + 256 is from 1 to 511, which fits an i32.
            let floor: i32 = unsafe { (x + LIFT).to_int_unchecked() };
            dithered[j] = (floor - LIFT as i32) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::*;
    use crate::units;

    const K: usize = 5;

    fn value(at: usize) -> f32 {
        ((at * 7919 + 13) % 1000) as f32 / 40.0 - 12.5
    }

    fn rows(n: usize, first: usize) -> Vec<Row<f32>> {
        (0..n).map(|n| std::array::from_fn(|j| value(first + n * SIDE + j))).collect()
    }

    #[test]
    fn sums_and_means_are_those_of_the_formulas_on_every_instruction_set() {
        const N: usize = 9;
        let (mut inputs, mut weights) = (rows(N, 0), rows(K, 7000));
        inputs.iter_mut().for_each(|row| row[60..].fill(PADDING));
        weights.iter_mut().for_each(|row| row[60..].fill(0.0));
        let x = |n: usize, k: usize, j: usize| f64::from(inputs[n][j] + weights[k][j]);
        let share = |at: usize| ClassShare {
            gradient: value(at) / 13.0,
            mean: f32::from(u8::from(at.is_multiple_of(K))),
        };
        let mut shares: Vec<_> = (0..N * K).map(share).collect();
        shares[3] = ClassShare::default();
        let row_weights: Vec<_> = (0..N).map(|n| n as f32).collect();
        let mut recorded = None;
        for isa in Isa::available() {
            let mut sums = vec![f64::NAN; N * K];
            cumulants(isa, &inputs, &weights, &mut sums);
            for (at, sum) in sums.iter().enumerate() {
                let exact: f64 = (0..60).map(|j| units::softplus(x(at / K, at % K, j))).sum();
                assert!((sum - exact).abs() < 1e-6 * exact, "{sum} {exact}");
            }
            let mut r = inputs.clone();
            let none = ClassSums::new(K);
            let mut found = none.clone();
            weigh_classes(isa, &mut r, &weights, &shares, Some(&row_weights), &mut found);
            for j in 0..SIDE {
                let sigma = |n, k| if j < 60 { units::sigmoid(x(n, k, j)) } else { 0.0 };
                let (mut mean, mut of_classes) = (0.0, [0.0; K]);
                for (n, r) in r.iter().enumerate() {
                    let mut exact = 0.0;
                    for (k, of_class) in of_classes.iter_mut().enumerate() {
                        let ClassShare { gradient, mean: share } = shares[n * K + k];
                        exact += f64::from(gradient) * sigma(n, k);
                        *of_class += n as f64 * f64::from(gradient) * sigma(n, k);
                        mean += n as f64 * f64::from(share) * sigma(n, k);
                    }
                    assert!((f64::from(r[j]) - exact).abs() < 1e-6, "{n} {j}");
                }
                assert!((f64::from(found.mean[j]) - mean).abs() < 1e-5);
                for (found, of_class) in found.of_classes.iter().zip(of_classes) {
                    assert!((f64::from(found[j]) - of_class).abs() < 1e-5, "{j}");
                }
            }
            let mut integers = vec![[7; SIDE]; N];
            dithered(isa, &r, 30.0, 5, &[1 << 31; SIDE], &mut integers);
            let all = (sums, r, found, integers);
            assert_eq!(*recorded.get_or_insert(all.clone()), all, "{}", isa.name());
        }
    }

    /// The mean over the shifts is the number itself, below 0 as above.
    #[test]
    fn dithered_numbers_are_right_on_average() {
        for r in [-1.0_f32, -0.3721, -1e-4, 0.0, 2e-5, 0.5, 0.99] {
            const SHIFTS: u32 = 4096;
            let mut sum = 0.0;
            for at in 0..SHIFTS {
                let mut found = [[0; SIDE]];
                dithered(Isa::BASELINE, &[[r; SIDE]], 255.0, 3, &[at << 20; SIDE], &mut found);
                sum += f64::from(found[0][0]);
            }
            let mean = sum / f64::from(SHIFTS) / 255.0;
            assert!((mean - f64::from(r)).abs() < 1e-6, "{r}: {mean}");
        }
    }
}
