//! Units without couplings: where chains may start.

use crate::bits::BitMatrix;
use crate::rng::{STEP, Stream};

/// A row for each stream, of units that are on with the given chances, independently: ⌈units/16⌉
/// steps, the top 24 bits of each word against its chance.
pub fn draw_independent(rates: &[f64], streams: &mut [Stream]) -> BitMatrix {
    let mut bits = BitMatrix::zeros(streams.len(), rates.len());
    for (row, stream) in streams.iter_mut().enumerate() {
        for (at, rates) in rates.chunks(STEP).enumerate() {
            for (unit, (rate, word)) in rates.iter().zip(stream.step()).enumerate() {
                let uniform = f64::from(word >> 8) / f64::from(1 << 24);
                bits.set(row, at * STEP + unit, uniform < *rate);
            }
        }
    }
    bits
}
