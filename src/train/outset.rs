//! What a run takes from its data before the first update.

use super::config::{ChainStart, TrainConfig};
use crate::bits::BitMatrix;
use crate::dataset::Examples;
use crate::fixed::Scale;
use crate::kernels::{Isa, sampling};
use crate::reals::RealRows;
use crate::rng::{Purpose, Stream, shuffle};
use ndarray::Array1;

/// Where a run sets out from.
#[derive(Clone, Debug)]
pub struct Outset {
    /// ⟨vᵢ⟩ of the data (V): what offsets and the rates of the highest temperature start from.
    pub mean: Array1<f64>,
    /// The largest magnitude of a number of the data, at least 1: it decides the fixed point.
    pub largest: f64,
    /// The visible states (C, V) of chains that start at data; none: they start at the visible bias.
    pub chains: Option<BitMatrix>,
}

/// Puts examples in the order of an epoch.
pub(super) fn order(config: &TrainConfig, epoch: u64, order: &mut [u32]) {
    if config.shuffle {
        shuffle(order, &mut Stream::new(config.seed, Purpose::DataOrder, epoch));
    }
}

impl Outset {
    /// Of a run on examples, whose chains start at those that come first in the first epoch.
    pub fn of_examples(config: &TrainConfig, examples: &Examples, isa: Isa) -> Self {
        let write = |example: u32, stream: Stream, row: &mut [u64]| {
            examples.write_bits(isa, example as usize, || stream, row);
        };
        Self {
            chains: chains(config, (examples.n_examples(), examples.n_visible()), write),
            mean: examples.mean(),
            largest: examples.largest(),
        }
    }

    /// Of a run of whose data no more is known than their mean (V): chains start at bits that are
    /// drawn from it, as from `n_draws` examples.
    pub fn of_mean(config: &TrainConfig, mean: &[f32], n_draws: usize, isa: Isa) -> Self {
        let mut rows = RealRows::new(mean.len());
        rows.push(mean.iter().copied());
        let write = |_: u32, stream: Stream, row: &mut [u64]| {
            sampling::draw_intensities(isa, rows.row(0), mean.len(), stream, row);
        };
        let magnitudes = mean.iter().map(|x| f64::from(x.abs()));
        Self {
            chains: chains(config, (n_draws, mean.len()), write),
            mean: mean.iter().map(|&x| f64::from(x)).collect(),
            largest: magnitudes.fold(1.0, f64::max),
        }
    }

    /// The fixed point of a run with H hidden units.
    pub fn scale(&self, n_hidden: usize) -> Scale {
        Scale::for_training(self.largest, self.mean.len().max(n_hidden))
    }
}

/// States (C, V) at examples, if the settings ask for that: `write` has the bits of an example by
/// the stream of its number.
fn chains(
    config: &TrainConfig,
    (n_examples, n_visible): (usize, usize),
    write: impl Fn(u32, Stream, &mut [u64]),
) -> Option<BitMatrix> {
    let mut examples: Vec<_> = (0..n_examples as u32).collect();
    match config.chain_start {
        ChainStart::Bias => return None,
        ChainStart::Data => order(config, 0, &mut examples),
    }
    let mut visible = BitMatrix::zeros(config.n_chains(), n_visible);
    for (chain, &example) in (0..config.n_chains()).zip(examples.iter().cycle()) {
        let stream = Stream::new(config.seed, Purpose::Binarize, u64::from(example));
        write(example, stream, visible.row_mut(chain));
    }
    Some(visible)
}
