//! p(h | v) of both phases: it gives the hidden statistics and the next h of every chain.

use super::negative_phase::NegativePhase;
use super::parameters::Parameters;
use super::positive_phase::PositivePhase;
use super::statistics::Statistics;
use crate::error::Result;
use crate::gibbs::{Chains, block_rows};
use crate::kernels::rows::Target;
use crate::kernels::sigmoid;
use crate::kernels::tile::SIDE;
use crate::states::States;
use crate::watch::Watch;
use rayon::prelude::*;

/// Fills the statistics and draws the next h of every chain. The draw uses 24 bits of σ and the
/// statistics its top 16, so σ is computed once. Examples and chains share the tables of a panel of
/// weights.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted). The chains are then of no use.
pub fn mean_hidden(
    parameters: &Parameters,
    positive: &PositivePhase,
    negative: &mut NegativePhase,
    statistics: &mut Statistics,
    watch: Watch<'_>,
) -> Result<()> {
    let weights = parameters.fixed();
    let conditional = weights.hidden_given_visible();
    let Chains { visible, hidden, words, .. } = &mut negative.chains;
    let (data, words, visible) = (positive.visible(), &*words, &*visible);
    statistics.set_visible(data, visible);
    let n_data = statistics.n_data();

    let (data_capacity, chain_capacity) = statistics.capacities();
    let pieces = |capacity: usize| capacity / block_rows(capacity, conditional.n_panels());
    let pieces = pieces(data_capacity).min(pieces(chain_capacity));
    let (data_block, chain_block) = (data_capacity / pieces, chain_capacity / pieces);

    let panels = statistics.mean_hidden.par_chunks_mut(data_capacity + chain_capacity);
    let panels = panels.zip(hidden.par_panels_mut()).enumerate();
    panels.try_for_each(|(panel, (means, drawn))| {
        let (data_means, chain_means) = means.split_at_mut(data_capacity);
        let blocks = data_means.par_chunks_mut(data_block);
        let blocks = blocks.zip(chain_means.par_chunks_mut(chain_block));
        let blocks = blocks.zip(drawn.par_chunks_mut(chain_block)).enumerate();
        blocks.try_for_each(|(at, ((data_means, chain_means), drawn))| {
            watch.check()?;
            let (first, first_chain) = (at * data_block, at * chain_block);
            let rows = |n: usize, first: usize, block: usize| n.saturating_sub(first).min(block);
            let data_means = &mut data_means[..rows(n_data, first, data_block)];
            let n_chains = rows(visible.n_rows(), first_chain, chain_block);
            let chain_means = &mut chain_means[..n_chains];
            let target = |states, first, sums| Target { states, first_panel: 0, first, sums };
            match data {
                States::Bits(data) => {
                    let data = target(data, first, data_means);
                    let chains = target(visible, first_chain, chain_means);
                    conditional.thresholds(panel, &mut [data, chains]);
                }
                States::Reals(data) => {
                    let of_reals = parameters.hidden_given_reals();
                    of_reals.thresholds(panel, data, first, data_means);
                    conditional.thresholds(panel, &mut [target(visible, first_chain, chain_means)]);
                }
            }
            let drawn = &mut drawn[..n_chains];
            conditional.draw_panel(panel, chain_means, words, first_chain, drawn);
            sigmoid::means(weights.isa, data_means, 1);
            sigmoid::means(weights.isa, chain_means, -1);
            // Padding units get mean 0, so that their weights stay 0.
            let n_units = conditional.mask(panel).count_ones() as usize;
            if n_units < SIDE {
                let means = data_means.iter_mut().chain(chain_means);
                means.for_each(|means| means[n_units..].fill(0));
            }
            Ok(())
        })
    })
}
