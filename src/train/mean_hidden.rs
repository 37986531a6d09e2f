//! p(h | v) of both phases: it gives the hidden statistics and the next h of every chain.

use super::negative_phase::NegativePhase;
use super::parameters::Parameters;
use super::positive_phase::PositivePhase;
use super::statistics::Statistics;
use crate::error::Result;
use crate::gibbs::{Chains, FEW_ROWS, block_rows, with_sums};
use crate::kernels::rows::Target;
use crate::kernels::sigmoid;
use crate::kernels::tile::SIDE;
use crate::kernels::tiled::Padded;
use crate::ranks::of_panels;
use crate::states::States;
use crate::watch::Watch;
use rayon::prelude::*;

/// Fills the statistics and draws the next h of every chain, by the same σ. `shifts` (H) are those of the
/// dither of p̃ in this update. Examples and chains share the tables of a panel of weights. Each rank has the
/// statistics of its own hidden panels, and all have the next h.
///
/// # Errors
/// [`Error::Interrupted`](crate::Error::Interrupted), [`Error::Ranks`](crate::Error::Ranks). The chains are then of no
/// use.
pub fn mean_hidden(
    parameters: &Parameters,
    positive: &PositivePhase,
    negative: &mut NegativePhase,
    statistics: &mut Statistics,
    shifts: &Padded<u32>,
    watch: Watch<'_>,
) -> Result<()> {
    let weights = parameters.fixed();
    let conditional = weights.hidden_given_visible();
    let Chains { visible, hidden, words, .. } = &mut negative.chains;
    let (data, words, visible) = (positive.visible(), &*words, &*visible);
    statistics.set_visible(data, visible);
    // With the label apart, the examples have their own way to p̃.
    let n_data = if statistics.labels().is_some() { 0 } else { statistics.n_data() };

    let (data_capacity, chain_capacity) = statistics.capacities();
    let own = conditional.own_panels();
    let pieces = |capacity: usize| capacity / block_rows(capacity, own.len());
    let pieces = pieces(data_capacity).min(pieces(chain_capacity));
    let (data_block, chain_block) = (data_capacity / pieces, chain_capacity / pieces);

    let n_panels = conditional.n_panels();
    let means = of_panels(&mut statistics.mean_hidden, n_panels, &own);
    let panels = means.par_chunks_mut(data_capacity + chain_capacity);
    let drawn = of_panels(hidden.words_mut(), n_panels, &own).par_chunks_mut(chain_capacity);
    panels.zip(drawn).enumerate().try_for_each(|(at, (means, drawn))| {
        let panel = own.start + at;
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
            let (chain_means, drawn) = (&mut chain_means[..n_chains], &mut drawn[..n_chains]);
            with_sums(data_means.len() + n_chains, |sums| {
                let (of_data, of_chains) = sums.split_at_mut(data_means.len());
                let chains = Target {
                    states: visible,
                    first_panel: 0,
                    first: first_chain,
                    sums: &mut *of_chains,
                };
                match data {
                    States::Bits(data) => {
                        let sums = &mut *of_data;
                        let data = Target { states: data, first_panel: 0, first, sums };
                        conditional.inputs(panel, &mut [data, chains]);
                    }
                    States::Reals(data) => {
                        parameters.hidden_given_reals().thresholds(panel, data, first, of_data);
                        conditional.inputs(panel, &mut [chains]);
                    }
                }
                let (isa, shifts) = (weights.isa, &shifts[panel]);
                let rows = of_data.chunks_mut(FEW_ROWS).zip(data_means.chunks_mut(FEW_ROWS));
                for (at, (sums, means)) in rows.enumerate() {
                    if let States::Bits(_) = data {
                        conditional.to_thresholds(panel, sums);
                    }
                    sigmoid::means(isa, sums, first + at * FEW_ROWS, shifts, 1, means);
                }
                let rows = of_chains.chunks_mut(FEW_ROWS).zip(chain_means.chunks_mut(FEW_ROWS));
                let rows = rows.zip(drawn.chunks_mut(FEW_ROWS)).enumerate();
                for (at, ((sums, means), drawn)) in rows {
                    let first = first_chain + at * FEW_ROWS;
                    conditional.to_thresholds(panel, sums);
                    conditional.draw_panel(panel, sums, words, first, drawn);
                    sigmoid::means(isa, sums, first, shifts, -1, means);
                }
            });
            // Padding units get mean 0, so that their weights stay 0.
            let n_units = conditional.mask(panel).count_ones() as usize;
            if n_units < SIDE {
                let means = data_means.iter_mut().chain(chain_means);
                means.for_each(|means| means[n_units..].fill(0));
            }
            Ok(())
        })
    })?;
    conditional.share(&mut [hidden.words_mut()])
}
