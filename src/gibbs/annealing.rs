//! Chains that are led along a path of distributions, and what that tells of the ratio of their
//! normalisers.

use super::Path;
use super::path::Tempered;
use super::words::Words;
use crate::bits::{BitMatrix, BitPanels};
use crate::kernels::rows::Target;
use crate::kernels::softplus;
use crate::kernels::tile::{Row, SIDE};
use crate::rng::Stream;
use rayon::prelude::*;

/// The fewest chains that are worth a thread.
const LEAST: usize = 8;

/// Chains on a [`Path`], each with its own stream and its log-weight.
///
/// A *step* from β to β' adds log p*_β'(v) − log p*_β(v) to the log-weight of a chain, where
/// p*_β(v) = exp(((1 − β) a + β b)·v) Πⱼ (1 + e^(β xⱼ)) and xⱼ = cⱼ + Σᵢ vᵢ Wᵢⱼ; then it moves the
/// chain by a sweep at β', first h given v, then v given h (Neal, 2001; Salakhutdinov and Murray,
/// 2008, section 3). Both need the same xⱼ, so that a step costs little more than a sweep. The
/// machine at β = 1 is the one in fixed point.
#[derive(Clone, Debug)]
pub struct AnnealedChains<'a> {
    path: &'a Path<'a>,
    beta: f64,
    /// The chains, some for each thread: they know nothing of each other.
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
struct Block {
    visible: BitPanels,
    hidden: BitPanels,
    streams: Vec<Stream>,
    words: Words,
    log_weights: Vec<f64>,
    /// Inputs, then thresholds of one panel.
    sums: Vec<Row<i32>>,
    /// What one panel adds to the log-weights.
    differences: Vec<f64>,
}

impl<'a> AnnealedChains<'a> {
    /// Chains at `beta` with v at the rows of `visible` (C, V) and log-weights of 0.
    ///
    /// # Panics
    /// If there is not one stream a row, or the rows are not V wide.
    pub fn new(path: &'a Path<'a>, beta: f64, visible: &BitMatrix, streams: &[Stream]) -> Self {
        let (n_visible, n_hidden) = (path.image().n_visible(), path.image().n_hidden());
        assert_eq!(visible.n_columns(), n_visible, "width of the states");
        assert_eq!(visible.n_rows(), streams.len(), "a stream for each chain");
        let size = streams.len().div_ceil(rayon::current_num_threads()).max(LEAST);
        let blocks = streams.chunks(size).enumerate().map(|(block, streams)| {
            let (first, n) = (block * size, streams.len());
            Block {
                visible: BitPanels::from_matrix(&visible.rows(first..first + n)),
                hidden: BitPanels::zeros(n, n_hidden),
                streams: streams.to_vec(),
                words: Words::new(n, n_visible, n_hidden),
                log_weights: vec![0.0; n],
                sums: vec![[0; SIDE]; n],
                differences: vec![0.0; n],
            }
        });
        Self { path, beta, blocks: blocks.collect() }
    }

    /// Steps to each of `betas` in turn; one that stays at its β is a sweep alone. `after_step` is
    /// called with the number of chains that have made one.
    pub fn advance(&mut self, betas: &[f64], after_step: &(dyn Fn(usize) + Sync)) {
        let (path, first) = (self.path, self.beta);
        self.blocks.par_iter_mut().for_each(|block| {
            let mut from = first;
            for &to in betas {
                block.step(path, from, to);
                after_step(block.streams.len());
                from = to;
            }
        });
        self.beta = betas.last().copied().unwrap_or(first);
    }

    /// The first half of a step: the log-weights, without the sweep.
    pub fn weigh(&mut self, beta: f64) {
        let (path, from) = (self.path, self.beta);
        self.blocks.par_iter_mut().for_each(|block| {
            block.weigh_and_draw_hidden(path, &path.at(beta), (from, beta), false);
        });
        self.beta = beta;
    }

    /// The log-weights (C).
    pub fn log_weights(&self) -> Vec<f64> {
        self.blocks.iter().flat_map(|block| block.log_weights.iter().copied()).collect()
    }

    /// The visible states (C, V).
    pub fn visible(&self) -> BitMatrix {
        let blocks: Vec<_> = self.blocks.iter().map(|block| block.visible.to_matrix()).collect();
        BitMatrix::concatenate(&blocks)
    }
}

impl Block {
    fn step(&mut self, path: &Path<'_>, from: f64, to: f64) {
        let tempered = path.at(to);
        self.words.fill_sweep(path.image().isa, &mut self.streams);
        self.weigh_and_draw_hidden(path, &tempered, (from, to), true);
        self.draw_visible(&tempered);
    }

    /// From the same inputs: what is added to the log-weights and, if `draws`, h at β' = `to`.
    fn weigh_and_draw_hidden(
        &mut self,
        path: &Path<'_>,
        tempered: &Tempered<'_>,
        (from, to): (f64, f64),
        draws: bool,
    ) {
        let image = path.image();
        let resolution = f64::from(image.scale.resolution());
        let conditional = tempered.hidden_given_visible();
        let Self { visible, hidden, words, log_weights, sums, differences, .. } = self;
        if from != to {
            for (row, log_weight) in log_weights.iter_mut().enumerate() {
                *log_weight += (to - from) * path.visible_slope(visible, row);
            }
        }
        let capacity = hidden.row_capacity();
        for (panel, bits) in hidden.words_mut().chunks_exact_mut(capacity).enumerate() {
            let states = &*visible;
            conditional.inputs(panel, &mut [Target { states, first_panel: 0, first: 0, sums }]);
            if from != to {
                let (from, to) = (from * resolution, to * resolution);
                softplus::differences(image.isa, sums, from, to, differences);
                let chains = log_weights.iter_mut().zip(differences.iter());
                chains.for_each(|(log_weight, difference)| *log_weight += difference);
            }
            if draws {
                conditional.to_thresholds(panel, sums);
                conditional.draw_panel(panel, sums, (words, 0), &mut bits[..sums.len()]);
            }
        }
    }

    fn draw_visible(&mut self, tempered: &Tempered<'_>) {
        let conditional = tempered.visible_given_hidden();
        let Self { visible, hidden, words, sums, .. } = self;
        let capacity = visible.row_capacity();
        for (panel, bits) in visible.words_mut().chunks_exact_mut(capacity).enumerate() {
            let states = &*hidden;
            conditional.thresholds(panel, &mut [Target { states, first_panel: 0, first: 0, sums }]);
            conditional.draw_panel(panel, sums, (words, 0), &mut bits[..sums.len()]);
        }
    }
}
