//! The second expectation of the gradient: the model's own distribution, reached by Gibbs chains
//! that persist from update to update.

use super::positive_phase::PositivePhase;
use super::statistics::Statistics;
use crate::bits::BitPanels;
use crate::gibbs::{Chains, Image, block_rows};
use crate::kernels::rows::Target;
use crate::kernels::sigmoid;
use rayon::prelude::*;

/// The persistent chains.
#[derive(Clone, Debug)]
pub struct NegativePhase {
    pub(super) chains: Chains,
    statistics: Statistics,
    /// v before the last sweep.
    previous: BitPanels,
}

impl NegativePhase {
    /// The phase of chains that have their start.
    pub fn new(chains: Chains) -> Self {
        let statistics = Statistics::new(&chains.visible, chains.hidden.n_columns());
        Self { statistics, previous: chains.visible.clone(), chains }
    }

    /// Moves every chain `gibbs_steps` sweeps, up to the h of the last: that is drawn together
    /// with the means, in [`mean_hidden`].
    pub fn sweep(&mut self, image: &Image, gibbs_steps: usize) {
        for _ in 1..gibbs_steps {
            self.chains.sweep(image);
        }
        self.previous.clone_from(&self.chains.visible);
        self.chains.draw_visible(image);
        self.statistics.set_visible(&self.chains.visible);
        let Chains { streams, words, .. } = &mut self.chains;
        image.hidden_given_visible().fill_words(streams, words);
    }

    /// The chains.
    pub fn chains(&self) -> &Chains {
        &self.chains
    }

    /// The statistics of the chains.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Share of the visible bits that the last sweep changed.
    pub fn flip_rate(&self) -> f64 {
        let (now, before) = (&self.chains.visible, &self.previous);
        let words = (0..now.n_panels()).flat_map(|at| now.panel(at).iter().zip(before.panel(at)));
        let flipped: u64 = words.map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
        flipped as f64 / (now.n_rows() * now.n_columns()) as f64
    }
}

/// p(h | v) of both phases, and the next h of every chain. One σ serves the draw (24 bits) and the
/// statistics (its top 16); the examples and the chains share the tables of a panel of weights.
pub fn mean_hidden(image: &Image, positive: &mut PositivePhase, negative: &mut NegativePhase) {
    let conditional = image.hidden_given_visible();
    let PositivePhase { visible: data, statistics: of_data, .. } = positive;
    let NegativePhase { chains, statistics: of_chains, .. } = negative;
    let (n_data, n_chains) = (data.n_rows(), chains.n_chains());
    let Chains { visible, hidden, words, .. } = chains;

    let pieces = |capacity: usize| capacity / block_rows(capacity, conditional.n_panels());
    let pieces = pieces(data.row_capacity()).min(pieces(visible.row_capacity()));
    let data_block = data.row_capacity() / pieces;
    let chain_block = visible.row_capacity() / pieces;

    let data_means = of_data.mean_hidden.par_chunks_mut(data_block);
    let chain_means = of_chains.mean_hidden.par_chunks_mut(chain_block);
    let drawn = hidden.words_mut().par_chunks_mut(chain_block);
    let work = data_means.zip(chain_means).zip(drawn).enumerate();
    work.for_each(|(piece, ((data_means, chain_means), drawn))| {
        let (panel, at) = (piece / pieces, piece % pieces);
        let (first_data, first_chain) = (at * data_block, at * chain_block);
        let data_means = &mut data_means[..n_data.saturating_sub(first_data).min(data_block)];
        let n = n_chains.saturating_sub(first_chain).min(chain_block);
        let chain_means = &mut chain_means[..n];
        conditional.thresholds(
            panel,
            &mut [
                Target { states: data, first: first_data, sums: data_means },
                Target { states: visible, first: first_chain, sums: chain_means },
            ],
        );
        if n > 0 {
            let words = &words[first_chain * conditional.n_panels()..];
            conditional.draw_panel(panel, chain_means, words, &mut drawn[..n]);
        }
        sigmoid::means(image.isa, data_means);
        sigmoid::means(image.isa, chain_means);
    });
}
