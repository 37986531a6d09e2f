//! The order of the examples in an epoch.

use super::config::TrainConfig;
use crate::rng::{Purpose, Stream, permute, shuffle};

/// The blocks of neighbouring examples that a window mixes.
const BLOCKS: usize = 32;

/// Puts examples in the order of an epoch.
pub(super) fn order(config: &TrainConfig, epoch: u64, order: &mut [u32]) {
    if !config.shuffle {
        return;
    }
    let mut stream = Stream::new(config.seed, Purpose::DataOrder, epoch);
    match config.shuffle_window.filter(|&window| window < order.len()) {
        None => shuffle(order, &mut stream),
        Some(window) => shuffle_in_windows(order, window, &mut stream),
    }
}

/// Writes the examples block by block, the blocks in random order, and then shuffles each `window` of them. What an
/// epoch reads at a time are thus a few runs of neighbours, and not examples from everywhere.
fn shuffle_in_windows(order: &mut [u32], window: usize, stream: &mut Stream) {
    let (n_examples, n_of_block) = (order.len(), (window / BLOCKS).max(1));
    let mut blocks = vec![0; n_examples.div_ceil(n_of_block)];
    shuffle(&mut blocks, stream);
    let examples = blocks.into_iter().flat_map(|block| {
        let first = block as usize * n_of_block;
        first..(first + n_of_block).min(n_examples)
    });
    for (slot, example) in order.iter_mut().zip(examples) {
        *slot = example as u32;
    }
    order.chunks_mut(window).for_each(|examples| permute(examples, stream));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_epoch(shuffle_window: Option<usize>, n: usize, epoch: u64) -> Vec<u32> {
        let config = TrainConfig { shuffle_window, seed: 5, ..TrainConfig::default() };
        let mut found: Vec<_> = (0..n as u32).collect();
        order(&config, epoch, &mut found);
        found
    }

    #[test]
    fn a_window_of_all_examples_is_no_window() {
        for window in [1000, 1001, usize::MAX] {
            assert_eq!(of_epoch(Some(window), 1000, 3), of_epoch(None, 1000, 3), "{window}");
        }
        assert_ne!(of_epoch(Some(999), 1000, 3), of_epoch(None, 1000, 3));
    }

    #[test]
    fn every_example_comes_once_and_each_epoch_has_an_order_of_its_own() {
        for (n, window) in [(1, 1), (10, 3), (1000, 1), (1000, 64), (1000, 130), (1000, 999)] {
            let mut found = of_epoch(Some(window), n, 1);
            assert!(n == 1 || found != of_epoch(Some(window), n, 2), "{n} {window}");
            found.sort_unstable();
            assert!(found.into_iter().eq(0..n as u32), "{n} {window}");
        }
    }

    #[test]
    fn a_window_mixes_examples_of_a_few_blocks_from_everywhere() {
        let (n, window) = (64_000, 1600);
        let found = of_epoch(Some(window), n, 0);
        let n_of_block = window / BLOCKS;
        for examples in found.chunks(window) {
            let mut blocks: Vec<_> = examples.iter().map(|&x| x as usize / n_of_block).collect();
            // 1,600 examples in random order have about 50 neighbours from the same one of 32 blocks.
            let n_together = blocks.windows(2).filter(|pair| pair[0] == pair[1]).count();
            assert!((20..90).contains(&n_together), "{n_together}");
            blocks.sort_unstable();
            blocks.dedup();
            assert_eq!(blocks.len(), BLOCKS);
            assert!(blocks[0] < 400 && blocks[BLOCKS - 1] > n / n_of_block - 400, "{blocks:?}");
        }
    }

    /// Recorded: another order would be other bits of a run with the same seed.
    #[test]
    fn the_order_of_a_seed_stays() {
        assert_eq!(of_epoch(Some(4), 10, 1), [6, 0, 9, 2, 4, 8, 7, 1, 3, 5]);
    }
}
