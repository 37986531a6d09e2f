//! The rounding of p(h | v) in the statistics, from its definition.

use harmonium::rng::{Purpose, Stream};
use ndarray::Array2;

/// The units of σ's error, in which the distance of a mean from the next step is measured: 2^-24.
const UNIT: f64 = 1.0 / (1 << 24) as f64;

/// p̃/255 for probabilities p (N, H) in the first update of a run with this seed, and for each unit whether a
/// mean is so near to a step that an error of p by `margin` units of 2^-24 could change it.
pub fn dithered(seed: u64, means: &Array2<f64>, margin: f64) -> (Array2<f64>, Vec<bool>) {
    let mut stream = Stream::new(seed, Purpose::Dither, 0);
    let shifts: Vec<u32> = (0..means.ncols().div_ceil(16)).flat_map(|_| stream.step()).collect();
    let mut is_doubtful = vec![false; means.ncols()];
    let dithered = Array2::from_shape_fn(means.dim(), |(n, j)| {
        let shift = shifts[j].wrapping_add((n as u32).wrapping_mul(0x9E37_79B9));
        let exact = 255.0 * means[[n, j]] + f64::from(shift >> 8) * UNIT;
        is_doubtful[j] |= (exact - exact.round()).abs() < 255.0 * margin * UNIT;
        exact.floor() / 255.0
    });
    (dithered, is_doubtful)
}
