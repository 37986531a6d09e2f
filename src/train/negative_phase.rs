//! The second expectation of the gradient: the model's own distribution, reached by Gibbs chains
//! that persist from update to update.

use crate::bits::BitPanels;
use crate::gibbs::{Chains, Image};

/// The persistent chains.
#[derive(Clone, Debug)]
pub struct NegativePhase {
    pub(super) chains: Chains,
    /// v before the last sweep.
    previous: BitPanels,
}

impl NegativePhase {
    /// The phase of chains that have their start.
    pub fn new(chains: Chains) -> Self {
        Self { previous: chains.visible.clone(), chains }
    }

    /// Moves every chain `gibbs_steps` sweeps, up to the h of the last: that is drawn together
    /// with the means, in [`mean_hidden`](super::mean_hidden::mean_hidden).
    pub fn sweep(&mut self, image: &Image, gibbs_steps: usize) {
        for _ in 1..gibbs_steps {
            self.chains.sweep(image);
        }
        self.previous.copy_from(&self.chains.visible);
        self.chains.half_sweep(image);
    }

    /// The chains.
    pub fn chains(&self) -> &Chains {
        &self.chains
    }

    /// Share of the visible bits that the last sweep changed.
    pub fn flip_rate(&self) -> f64 {
        let (now, before) = (&self.chains.visible, &self.previous);
        let words = (0..now.n_panels()).flat_map(|at| now.panel(at).iter().zip(before.panel(at)));
        let flipped: u64 = words.map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
        flipped as f64 / (now.n_rows() * now.n_columns()) as f64
    }
}
