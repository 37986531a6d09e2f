//! Gibbs chains, each with its own random stream.

use super::conditional::{Weighed, with_sums};
use super::words::Words;
use super::{Conditional, FixedWeights, RealConditional};
use crate::bits::{BitMatrix, BitPanels, Block};
use crate::error::Result;
use crate::kernels::sigmoid::ONE;
use crate::kernels::tile::{Row, SIDE};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::reals::RealRows;
use crate::rng::Stream;
use crate::setting::check;
use crate::state::State;
use crate::states::States;
use crate::threads::as_a_worker;
use crate::watch::Watch;
use ndarray::ArrayView2;
use rayon::prelude::*;

/// The most sweeps of a chain that a command or a call makes.
pub const MAX_SWEEPS: usize = 1_000_000_000;

/// Checks a number of sweeps, which `setting` gives.
///
/// # Errors
/// [`Error::InvalidSetting`](crate::Error::InvalidSetting) if it is above [`MAX_SWEEPS`].
pub fn check_sweeps(setting: &'static str, sweeps: usize) -> Result<()> {
    check(setting, sweeps, sweeps <= MAX_SWEEPS, || format!("at most {MAX_SWEEPS}"))
}

/// Chains are made by each rank for itself.
const ALONE: &str = "there are no other ranks";

/// Without a watch nothing is interrupted.
pub(super) const UNWATCHED: &str = "nobody interrupts it";

/// Gibbs chains of a model: their states and streams.
///
/// The state of a chain is its h. A *sweep* draws v given h, then h given the new v, with words from
/// the chain's own stream: ⌈V/16⌉ steps for v, then ⌈H/16⌉ for h.
#[derive(Clone, Debug)]
pub struct Chains {
    pub(crate) visible: BitPanels,
    pub(crate) hidden: BitPanels,
    pub(crate) streams: Vec<Stream>,
    /// The random words of the current sweep.
    pub(crate) words: Words,
}

impl Chains {
    /// The memory of C chains of a model (V, H), and of the states from which they start.
    pub fn bytes(n_chains: usize, visible: impl Into<Layout>, n_hidden: usize) -> Bytes {
        let of_layer = |layer: &Layout| {
            BitPanels::bytes(n_chains, layer) + BitMatrix::bytes(n_chains, layer.n_units())
        };
        let (visible, hidden) = (visible.into(), n_hidden.into());
        of_layer(&visible)
            + of_layer(&hidden)
            + Bytes::of::<Stream>(&[n_chains])
            + Words::bytes(n_chains, visible, hidden)
    }

    /// Chains that start at the given visible states (C, V). h is drawn from p(h | v) with the first
    /// words of each stream.
    ///
    /// # Panics
    /// If the numbers of streams and rows differ, or the rows are not V wide.
    pub fn from_visible(weights: &FixedWeights, visible: &BitMatrix, streams: Vec<Stream>) -> Self {
        let mut chains = Self::without_hidden(weights, visible, streams);
        chains.draw_first_hidden(weights).expect(ALONE);
        chains
    }

    /// Chains whose h is drawn from given probabilities p(h | v) (C, H), with the first words of each
    /// stream. Chains start at real-valued data in this way, with the probabilities of
    /// [`Rbm::mean_hidden`](crate::Rbm::mean_hidden). `visible` (C, V) has the visible states until the
    /// first sweep.
    ///
    /// # Panics
    /// If the numbers of rows and streams differ, or the rows are not V and H wide.
    pub fn from_means(
        weights: &FixedWeights,
        visible: &BitMatrix,
        means: ArrayView2<'_, f32>,
        streams: Vec<Stream>,
    ) -> Self {
        assert_eq!(means.dim(), (visible.n_rows(), weights.n_hidden()), "shape of the means");
        let mut chains = Self::without_hidden(weights, visible, streams);
        let drawn = chains.draw_first_hidden_by(weights, |panel, thresholds| {
            for (n, thresholds) in thresholds.iter_mut().enumerate() {
                let means = means.row(n);
                let means = means.iter().skip(panel * SIDE);
                // Means have 24 binary places.
                let units = thresholds.iter_mut().zip(means);
                units.for_each(|(threshold, mean)| *threshold = (mean * ONE as f32) as i32);
            }
        });
        drawn.expect(ALONE);
        chains
    }

    /// Restarts at the given visible states, with the next words of each stream and one chain for each
    /// state (at most C). For numbers (C, places), `reals` gives p(h | v), and the visible bits are the rounded
    /// numbers until the first sweep.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub(crate) fn restart(
        &mut self,
        weights: &FixedWeights,
        reals: RealConditional<'_>,
        visible: States<&BitPanels, &RealRows>,
    ) -> Result<()> {
        match visible {
            States::Bits(bits) => {
                self.hidden.set_n_rows(bits.n_rows());
                self.visible.set_n_rows(bits.n_rows());
                self.visible.copy_from(bits);
                self.draw_first_hidden(weights)
            }
            States::Reals(rows) => {
                self.hidden.set_n_rows(rows.n_rows());
                // Clears all bits.
                self.visible.set_n_rows(0);
                self.visible.set_n_rows(rows.n_rows());
                for (n, row) in rows.rows().enumerate() {
                    row.rounded().for_each(|place| self.visible.switch_on(n, place));
                }
                self.draw_first_hidden_by(weights, |panel, thresholds| {
                    reals.thresholds(panel, rows, 0, thresholds);
                })
            }
        }
    }

    fn draw_first_hidden(&mut self, weights: &FixedWeights) -> Result<()> {
        self.words.fill_hidden(weights.isa, &mut self.streams);
        self.draw_hidden(weights.hidden_given_visible(), Watch::default())
    }

    /// Draws h from thresholds that `write_thresholds` writes for each panel, one row for each chain.
    fn draw_first_hidden_by(
        &mut self,
        weights: &FixedWeights,
        write_thresholds: impl Fn(usize, &mut [Row<i32>]) + Sync,
    ) -> Result<()> {
        let Self { hidden, streams, words, .. } = self;
        words.fill_hidden(weights.isa, streams);
        let (words, conditional) = (&*words, weights.hidden_given_visible());
        let (n_rows, own) = (hidden.n_rows(), conditional.own_panels());
        let capacity = hidden.row_capacity();
        hidden.par_blocks_mut(own, capacity).for_each(|Block { panel, words: bits, .. }| {
            with_sums(n_rows, |thresholds| {
                write_thresholds(panel, thresholds);
                conditional.draw_panel(panel, thresholds, words, 0, bits);
            });
        });
        conditional.share(&mut [hidden.words_mut()])
    }

    /// Chains at these visible states (C, V), without hidden ones.
    fn without_hidden(weights: &FixedWeights, visible: &BitMatrix, streams: Vec<Stream>) -> Self {
        let FixedWeights { visible_units, hidden_units, .. } = weights;
        assert_eq!(visible.n_columns(), weights.n_visible(), "width of the states");
        assert_eq!(visible.n_rows(), streams.len(), "a stream for each chain");
        Self {
            visible: BitPanels::in_layout(visible, visible_units.layout()),
            hidden: BitPanels::zeros(visible.n_rows(), hidden_units.layout()),
            words: Words::new(streams.len(), visible_units, hidden_units),
            streams,
        }
    }

    /// Puts states and streams under names that begin with `name`, for [`restore`](Self::restore).
    pub(crate) fn save(&self, name: &str, state: &mut State) {
        state.put_bits(format!("{name}.visible"), &self.visible);
        state.put_bits(format!("{name}.hidden"), &self.hidden);
        state.put_streams(format!("{name}.streams"), &self.streams);
    }

    /// Continues from saved states and streams of the same number of chains.
    pub(crate) fn restore(&mut self, name: &str, state: &State) -> Result<()> {
        state.restore_bits(&format!("{name}.visible"), &mut self.visible)?;
        state.restore_bits(&format!("{name}.hidden"), &mut self.hidden)?;
        state.restore_streams(&format!("{name}.streams"), &mut self.streams)
    }

    /// Number of chains, C.
    pub fn n_chains(&self) -> usize {
        self.visible.n_rows()
    }

    /// The visible states (C, V).
    pub fn visible(&self) -> BitMatrix {
        self.visible.to_matrix()
    }

    /// The hidden states (C, H).
    pub fn hidden(&self) -> BitMatrix {
        self.hidden.to_matrix()
    }

    /// The streams, one for each of the largest number of chains.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// Does one sweep of every chain.
    pub fn sweep(&mut self, weights: &FixedWeights) {
        self.sweep_watched(weights, Watch::default()).expect(UNWATCHED);
    }

    /// [`sweep`](Self::sweep) under a watch.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted). The chains are then of no use.
    pub fn sweep_watched(&mut self, weights: &FixedWeights, watch: Watch<'_>) -> Result<()> {
        as_a_worker(|| {
            self.draw_visible(weights.visible_given_hidden(), watch)?;
            self.draw_hidden(weights.hidden_given_visible(), watch)
        })
    }

    /// Does the first half of a sweep: makes the words for both halves and draws v given h.
    pub(crate) fn draw_visible(
        &mut self,
        conditional: Conditional<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        self.draw_own_visible(conditional, watch)?;
        conditional.share(&mut [self.visible.words_mut()])
    }

    /// [`draw_visible`](Self::draw_visible) of the panels of this rank, which the caller must share.
    pub(super) fn draw_own_visible(
        &mut self,
        conditional: Conditional<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let Self { visible, hidden, streams, words } = self;
        words.fill_sweep(conditional.isa, streams);
        conditional.draw(hidden, words, visible, watch)
    }

    /// Does the second half of a sweep: draws h given v.
    pub(crate) fn draw_hidden(
        &mut self,
        conditional: Conditional<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        self.draw_own_hidden(conditional, watch)?;
        conditional.share(&mut [self.hidden.words_mut()])
    }

    /// [`draw_hidden`](Self::draw_hidden) of the panels of this rank, which the caller must share.
    pub(super) fn draw_own_hidden(
        &mut self,
        conditional: Conditional<'_>,
        watch: Watch<'_>,
    ) -> Result<()> {
        let Self { visible, hidden, words, .. } = self;
        conditional.draw(visible, words, hidden, watch)
    }

    /// [`draw_visible`](Self::draw_visible) of the panels of this rank, which the caller must share. It also writes
    /// Σ (input − `base`) over the units of each panel that are then on to `energies` (panels, row capacity).
    pub(super) fn draw_own_visible_and_weigh(
        &mut self,
        conditional: Conditional<'_>,
        base: &[Row<i32>],
        energies: &mut [i64],
        watch: Watch<'_>,
    ) -> Result<()> {
        let Self { visible, hidden, streams, words } = self;
        words.fill_sweep(conditional.isa, streams);
        let weighed = Weighed { base, energies };
        conditional.draw_and_weigh(hidden, words, visible, weighed, watch)
    }
}
