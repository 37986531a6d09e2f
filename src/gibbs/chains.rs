//! Gibbs chains, each with its own random stream.

use super::Image;
use super::words::Words;
use crate::bits::{BitMatrix, BitPanels};
use crate::kernels::tile::{Row, SIDE};
use crate::rng::Stream;

/// Chains of a machine: their states and streams, side by side.
///
/// The state of a chain is its h. A *sweep* draws v given h, then h given the new v, with words
/// from the chain's own stream: ⌈V/16⌉ steps, then ⌈H/16⌉.
#[derive(Clone, Debug)]
pub struct Chains {
    pub(crate) visible: BitPanels,
    pub(crate) hidden: BitPanels,
    pub(crate) streams: Vec<Stream>,
    /// The random words of this sweep.
    pub(crate) words: Words,
    /// Thresholds of one draw of a layer, (panels, row capacity).
    thresholds: Vec<Row<i32>>,
}

impl Chains {
    /// Chains that start at the given visible states (C, V): h is drawn from p(h | v), with the
    /// first words of each stream.
    ///
    /// # Panics
    /// If there is not one stream a row, or the rows are not V wide.
    pub fn from_visible(image: &Image, visible: &BitMatrix, streams: Vec<Stream>) -> Self {
        assert_eq!(visible.n_columns(), image.n_visible(), "width of the states");
        let hidden = BitMatrix::zeros(visible.n_rows(), image.n_hidden());
        let mut chains = Self::from_states(visible, &hidden, streams);
        chains.words.fill_hidden(image.isa, &mut chains.streams);
        chains.draw_hidden(image);
        chains
    }

    /// Chains that go on from saved states (C, V) and (C, H).
    ///
    /// # Panics
    /// If the numbers of rows and streams differ.
    pub fn from_states(visible: &BitMatrix, hidden: &BitMatrix, streams: Vec<Stream>) -> Self {
        assert_eq!(visible.n_rows(), streams.len(), "a stream for each chain");
        assert_eq!(hidden.n_rows(), streams.len(), "a stream for each chain");
        let visible = BitPanels::from_matrix(visible);
        let hidden = BitPanels::from_matrix(hidden);
        let n_panels = visible.n_panels().max(hidden.n_panels());
        let words = Words::new(streams.len(), visible.n_columns(), hidden.n_columns());
        let thresholds = vec![[0; SIDE]; n_panels * visible.row_capacity()];
        Self { visible, hidden, streams, words, thresholds }
    }

    /// C.
    pub fn n_chains(&self) -> usize {
        self.streams.len()
    }

    /// The visible states (C, V).
    pub fn visible(&self) -> BitMatrix {
        self.visible.to_matrix()
    }

    /// The hidden states (C, H).
    pub fn hidden(&self) -> BitMatrix {
        self.hidden.to_matrix()
    }

    /// The streams, a chain each.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// One sweep of every chain.
    pub fn sweep(&mut self, image: &Image) {
        self.half_sweep(image);
        self.draw_hidden(image);
    }

    /// The first half of a sweep, v given h, with the words for both halves.
    pub(crate) fn half_sweep(&mut self, image: &Image) {
        let Self { visible, hidden, streams, words, thresholds } = self;
        words.fill_sweep(image.isa, streams);
        image.visible_given_hidden().draw(hidden, words, thresholds, visible);
    }

    /// The second half: h given v.
    fn draw_hidden(&mut self, image: &Image) {
        let Self { visible, hidden, words, thresholds, .. } = self;
        image.hidden_given_visible().draw(visible, words, thresholds, hidden);
    }
}
