//! The data that a run needs before the first update.

use super::completion::Completion;
use super::config::{ChainStart, Missing, TrainConfig};
use super::order::order;
use crate::bits::BitMatrix;
use crate::dataset::Examples;
use crate::fixed::Scale;
use crate::kernels::{Isa, sampling};
use crate::reals::RealRows;
use crate::rng::{Purpose, Stream};
use crate::units::Units;
use ndarray::Array1;

/// What is known of the data of an [`OnlineTrainer`](super::OnlineTrainer) before its first update.
#[derive(Clone, Debug, PartialEq)]
pub struct DataOutline {
    /// The mean (V), from which chains, offsets and temperatures start.
    pub mean: Vec<f32>,
    /// The visible units.
    pub units: Units,
    /// Whether the last site is a label.
    pub has_labels: bool,
}

impl DataOutline {
    /// Of bits or numbers with this mean (V).
    pub fn of_bits(mean: Vec<f32>) -> Self {
        Self { units: Units::bits(mean.len()), mean, has_labels: false }
    }

    /// Of data like these examples.
    pub fn of(examples: &Examples) -> Self {
        Self {
            mean: examples.mean().iter().map(|&x| x as f32).collect(),
            units: examples.units(),
            has_labels: examples.labels().is_some(),
        }
    }

    /// The label, all of which are known.
    fn label(&self) -> Option<LabelSite> {
        let n_classes = self.units.sites().last().filter(|_| self.has_labels)?.len();
        Some(LabelSite { n_classes, are_known: true })
    }
}

impl LabelSite {
    /// What the labels of these examples are; `None` if they have none.
    pub fn of(examples: &Examples) -> Option<Self> {
        examples.labels().map(|labels| Self {
            n_classes: labels.classes().n(),
            are_known: labels.of_examples().iter().all(Option::is_some),
        })
    }
}

/// The start of a run.
#[derive(Clone, Debug)]
pub struct Outset {
    /// The visible units.
    pub units: Units,
    /// ⟨vᵢ⟩ of the data (V), from which the offsets and the rates of the highest temperature start.
    pub mean: Array1<f64>,
    /// The largest magnitude in the data, at least 1. It decides the fixed-point format.
    pub largest: f64,
    /// The labels of the examples, if they have any.
    pub labels: Option<LabelSite>,
    /// The visible states (C, V) of chains that start at data; none if they start at the visible bias.
    pub chains: Option<BitMatrix>,
    /// With `missing = marginal`, the first values of what examples lack (examples, V), if any lacks some.
    pub completion: Option<BitMatrix>,
}

/// What the labels of examples are.
#[derive(Clone, Copy, Debug)]
pub struct LabelSite {
    /// K.
    pub n_classes: usize,
    /// Whether every example has a label.
    pub are_known: bool,
}

impl Outset {
    /// The start of a run on examples. Its chains start at the first examples of the first epoch.
    pub fn of_examples(config: &TrainConfig, examples: &Examples, isa: Isa) -> Self {
        let completion = (config.missing == Some(Missing::Marginal))
            .then(|| Completion::first(examples, config.seed))
            .flatten();
        let write = |example: u32, stream: Stream, row: &mut [u64]| {
            examples.write_bits(isa, example as usize, || stream, row);
            if let Some(drawn) = &completion {
                let drawn = drawn.row(example as usize);
                row.iter_mut().zip(drawn).for_each(|(word, drawn)| *word |= drawn);
            }
        };
        Self {
            chains: chains(config, (examples.n_examples(), examples.n_visible()), write),
            units: examples.units(),
            labels: LabelSite::of(examples),
            mean: examples.mean(),
            largest: examples.largest(),
            completion,
        }
    }

    /// The start of a run that knows only the outline of its data. Its chains start at states drawn from the
    /// mean, as if it were `n_draws` examples.
    pub fn of_outline(config: &TrainConfig, data: &DataOutline, n_draws: usize, isa: Isa) -> Self {
        let DataOutline { mean, units, .. } = data;
        let magnitudes = mean.iter().map(|x| f64::from(x.abs()));
        let largest = magnitudes.fold(1.0, f64::max);
        let mut rows = RealRows::new(mean.len());
        rows.push(mean.iter().copied());
        let mean: Array1<f64> = mean.iter().map(|&x| f64::from(x)).collect();
        // One value of each site is drawn.
        let biases = (!units.are_bits())
            .then(|| units.log_odds(&units.laplace_rates(&mean, n_draws)).mapv(f64::from));
        let write = |_: u32, stream: Stream, row: &mut [u64]| match &biases {
            None => sampling::draw_intensities(isa, rows.row(0), mean.len(), stream, row),
            Some(biases) => {
                let drawn = units.draw_independent(biases.iter().copied(), &mut [stream]);
                row.copy_from_slice(drawn.row(0));
            }
        };
        Self {
            chains: chains(config, (n_draws, mean.len()), write),
            units: units.clone(),
            labels: data.label(),
            largest,
            completion: None,
            mean,
        }
    }

    /// The fixed-point format of a run with H hidden units.
    pub fn scale(&self, n_hidden: usize) -> Scale {
        Scale::for_training(self.largest, self.mean.len().max(n_hidden))
    }
}

/// The states (C, V) of chains that start at examples, if the settings say so. `write` writes the bits
/// of an example, drawn from the stream of its number.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Binarization, Dataset};

    fn config(chain_start: ChainStart, shuffle: bool) -> TrainConfig {
        TrainConfig { chain_start, shuffle, chains: Some(130), ..TrainConfig::default() }
    }

    #[test]
    fn chains_start_at_the_first_examples() {
        let bits = BitMatrix::from_fn(7, 70, |n, i| n == i % 7);
        let examples = Examples::new(Dataset::from_bits("few", bits.clone()), Binarization::None);
        let config = config(ChainStart::Data, true);
        let outset = Outset::of_examples(&config, &examples, Isa::BASELINE);
        let mut first: Vec<_> = (0..7).collect();
        order(&config, 0, &mut first);
        assert_ne!(first, [0, 1, 2, 3, 4, 5, 6]);
        let chains = outset.chains.unwrap();
        assert!((0..130).all(|n| chains.row(n) == bits.row(first[n % 7] as usize)));
        assert_eq!((outset.mean, outset.largest), (examples.mean(), 1.0));
    }

    #[test]
    fn a_mean_gives_the_same_start_as_examples_that_all_equal_it() {
        for largest in [1.0, 7.5] {
            let mean: Vec<f32> = (0..70).map(|i| largest * (i % 9) as f32 / 8.0).collect();
            let mut rows = RealRows::new(70);
            (0..100).for_each(|_| rows.push(mean.iter().copied()));
            let equal = Examples::new(Dataset::from_numbers("equal", rows), Binarization::None);
            for (chain_start, shuffle) in
                [(ChainStart::Data, true), (ChainStart::Data, false), (ChainStart::Bias, true)]
            {
                let config = config(chain_start, shuffle);
                let outline = DataOutline::of_bits(mean.clone());
                let found = Outset::of_outline(&config, &outline, 100, Isa::fastest());
                let expected = Outset::of_examples(&config, &equal, Isa::fastest());
                assert_eq!(found.mean, expected.mean);
                assert_eq!(found.largest, f64::from(largest));
                assert_eq!(expected.largest, f64::from(largest));
                assert_eq!(found.chains, expected.chains);
                assert_eq!(found.chains.is_some(), chain_start == ChainStart::Data);
            }
        }
    }
}
