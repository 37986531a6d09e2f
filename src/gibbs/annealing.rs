//! Chains that move along a path of distributions, and their weights, which estimate the ratio of the
//! normalisers.

use super::Path;
use super::path::Tempered;
use super::piece::Piece;
use crate::bits::BitMatrix;
use crate::error::Result;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::ranks::Ranks;
use crate::rng::Stream;
use rayon::prelude::*;

/// Chains on a [`Path`], each with its own stream and log-weight.
///
/// A *step* from β to β' adds log p*_β'(v) − log p*_β(v) to the log-weight of a chain, where
/// p*_β(v) = exp(((1 − β) a + β b)·v) Πⱼ (1 + e^(β xⱼ)) and xⱼ = cⱼ + Σᵢ vᵢ Wᵢⱼ. It then moves the chain by
/// a sweep at β', first h given v, then v given h (Neal, 2001; Salakhutdinov and Murray, 2008). Both
/// need the same xⱼ, so a step costs little more than a sweep. The model at β = 1 is in fixed point.
#[derive(Clone, Debug)]
pub struct AnnealedChains<'a> {
    path: &'a Path<'a>,
    beta: f64,
    /// C.
    n_chains: usize,
    /// The chains that this rank moves.
    blocks: Vec<Block>,
}

/// A step of the inverse temperature, from β to β'.
#[derive(Clone, Copy)]
struct Step {
    from: f64,
    to: f64,
}

/// Chains that one thread moves.
#[derive(Clone, Debug)]
struct Block {
    chains: Piece,
    log_weights: Vec<f64>,
    /// The terms of one panel in the log-weights.
    differences: Vec<f64>,
}

impl<'a> AnnealedChains<'a> {
    /// The memory of C chains of a model (V, H), and of the states at which they start and end.
    pub fn bytes(n_chains: usize, visible: impl Into<Layout>, n_hidden: usize) -> Bytes {
        let visible = visible.into();
        Piece::bytes(n_chains, &visible, n_hidden)
            + BitMatrix::bytes(n_chains, visible.n_units()) * 2
            // Each chain has a stream with the caller, too.
            + Bytes::of::<Stream>(&[n_chains])
            + Bytes::of::<[f64; 3]>(&[n_chains])
    }

    /// Chains at `beta` with v at the rows of `visible` (C, V) and log-weights of 0.
    ///
    /// # Panics
    /// If the numbers of streams and rows differ, or the rows are not V wide.
    pub fn new(path: &'a Path<'a>, beta: f64, visible: &BitMatrix, streams: &[Stream]) -> Self {
        let n_chains = visible.n_rows();
        assert_eq!(n_chains, streams.len(), "a stream for each chain");
        let own = path.weights().ranks_of_chains.own(n_chains);
        let (rows, streams) = (visible.rows(own.clone()), &streams[own]);
        let pieces = Piece::split(path.weights(), &rows, streams).into_iter();
        let blocks = pieces.map(|chains| {
            let zeros = vec![0.0; chains.n_chains()];
            Block { chains, log_weights: zeros.clone(), differences: zeros }
        });
        Self { path, beta, n_chains, blocks: blocks.collect() }
    }

    /// Steps to each of `betas` in turn. A step that does not change β is only a sweep. Calls
    /// `after_step` with the number of chains that have made a step, or, of several ranks, about as many.
    ///
    /// # Errors
    /// The first error of `after_step`. The chains are then of no use.
    pub fn advance(
        &mut self,
        betas: &[f64],
        after_step: &(dyn Fn(usize) -> Result<()> + Sync),
    ) -> Result<()> {
        let (path, first) = (self.path, self.beta);
        let n_ranks = path.weights().ranks_of_chains.size();
        self.blocks.par_iter_mut().try_for_each(|block| {
            let mut from = first;
            for &to in betas {
                block.step(path, Step { from, to });
                after_step(block.chains.n_chains() * n_ranks)?;
                from = to;
            }
            Ok(())
        })?;
        self.beta = betas.last().copied().unwrap_or(first);
        Ok(())
    }

    /// The first half of a step: the log-weights, without the sweep.
    pub fn weigh(&mut self, beta: f64) {
        let (path, from) = (self.path, self.beta);
        self.blocks.par_iter_mut().for_each(|block| {
            block.weigh_and_draw_hidden(path, &path.at(beta), Step { from, to: beta }, false);
        });
        self.beta = beta;
    }

    /// The log-weights (C).
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn log_weights(&self) -> Result<Vec<f64>> {
        let own = self.blocks.iter().flat_map(|block| block.log_weights.iter().copied());
        let mut all = vec![0.0; self.n_chains];
        let ranks = &self.path.weights().ranks_of_chains;
        all[ranks.own(self.n_chains)].iter_mut().zip(own).for_each(|(to, x)| *to = x);
        ranks.meet()?;
        ranks.share(&mut [&mut all], self.n_chains, |rank| ranks.part(rank, self.n_chains))?;
        Ok(all)
    }

    /// The visible states (C, V).
    ///
    /// # Errors
    /// As [`log_weights`](Self::log_weights).
    pub fn visible(&self) -> Result<BitMatrix> {
        let n_visible = self.path.weights().n_visible();
        let none = BitMatrix::zeros(0, n_visible);
        let own = self.blocks.iter().map(|block| block.chains.visible.to_matrix());
        // Of more ranks than chains, some have none.
        let own = BitMatrix::concatenate(&[none].into_iter().chain(own).collect::<Vec<_>>());
        gather_rows(&self.path.weights().ranks_of_chains, own, self.n_chains, n_visible)
    }
}

/// All rows (n, V) of a matrix of which each rank has its own part.
///
/// # Errors
/// [`Error::Ranks`](crate::Error::Ranks).
pub(crate) fn gather_rows(
    ranks: &Ranks,
    own: BitMatrix,
    n: usize,
    n_visible: usize,
) -> Result<BitMatrix> {
    if !ranks.are_several() {
        return Ok(own);
    }
    let mut all = BitMatrix::zeros(n, n_visible);
    for (row, at) in ranks.own(n).enumerate() {
        all.row_mut(at).copy_from_slice(own.row(row));
    }
    ranks.meet()?;
    ranks.share(&mut [all.words_mut()], n, |rank| ranks.part(rank, n))?;
    Ok(all)
}

impl Block {
    fn step(&mut self, path: &Path<'_>, step: Step) {
        let tempered = path.at(step.to);
        self.chains.draw_words(path.weights().isa);
        self.weigh_and_draw_hidden(path, &tempered, step, true);
        self.chains.draw_visible(tempered.visible_given_hidden(path.weights()));
    }

    /// Updates the log-weights and, if `draws`, draws h at β' = `to`, from the same inputs.
    fn weigh_and_draw_hidden(
        &mut self,
        path: &Path<'_>,
        tempered: &Tempered,
        Step { from, to }: Step,
        draws: bool,
    ) {
        let weights = path.weights();
        let resolution = f64::from(weights.scale.resolution());
        let Self { chains, log_weights, differences } = self;
        if from != to {
            // (β' − β) (b − a)·v
            for (row, log_weight) in log_weights.iter_mut().enumerate() {
                *log_weight += (to - from) * path.visible_slope(&chains.visible, row);
            }
        }
        chains.hidden_inputs(tempered.hidden_given_visible(weights), draws, |inputs| {
            if from != to {
                // Σⱼ softplus(β' xⱼ) − softplus(β xⱼ) over one panel; x is an integer.
                let (from, to) = (from * resolution, to * resolution);
                let units = &weights.hidden_units;
                units.cumulant_differences(weights.isa, inputs, from, to, differences);
                let chains = log_weights.iter_mut().zip(differences.iter());
                chains.for_each(|(log_weight, difference)| *log_weight += difference);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::model;
    use super::super::words::Words;
    use super::super::{FixedModel, FixedWeights};
    use super::*;
    use crate::bits::BitPanels;
    use crate::kernels::Isa;
    use crate::model::{Rbm, TiledParameters};
    use crate::rng::Purpose;
    use crate::units::Units;
    use crate::units::softplus;
    use crate::watch::Watch;
    use ndarray::Array1;

    fn streams(n: u64) -> Vec<Stream> {
        (0..n).map(|chain| Stream::new(2, Purpose::Chain, chain)).collect()
    }

    /// log p*_β(v) in double precision.
    fn log_p(rbm: &Rbm, rates: &Array1<f64>, beta: f64, v: &[u64]) -> f64 {
        let mut sum = 0.0;
        for i in crate::bits::active(v) {
            let base = (rates[i] / (1.0 - rates[i])).ln();
            sum += (1.0 - beta) * base + beta * f64::from(rbm.visible_bias()[i]);
        }
        sum + rbm.hidden_inputs(v).iter().map(|&x| softplus(beta * x)).sum::<f64>()
    }

    #[test]
    fn log_weights_are_ratios_of_the_two_distributions() {
        let rbm = model(70, 130);
        let rates = Array1::from_shape_fn(70, |i| 0.1 + 0.01 * i as f64);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &rates).unwrap();
        let states = BitMatrix::from_fn(21, 70, |n, i| (i * i + 3 * n) % 5 < 2);
        let mut chains = AnnealedChains::new(&path, 0.2, &states, &streams(21));
        let mut expected = vec![0.0; 21];
        let mut from = 0.2;
        for to in [0.7, 0.7, 0.3, 1.0] {
            let before = chains.visible().unwrap();
            for (n, expected) in expected.iter_mut().enumerate() {
                let v = before.row(n);
                *expected += log_p(&rbm, &rates, to, v) - log_p(&rbm, &rates, from, v);
            }
            chains.advance(&[to], &|_| Ok(())).unwrap();
            from = to;
        }
        for (found, expected) in chains.log_weights().unwrap().iter().zip(&expected) {
            // Four steps of 130 inputs, each with the rounding errors of about 30 weights and a bias.
            assert!((found - expected).abs() < 4.0 * 130.0 * 31.0 * 0.5e-6, "{found} {expected}");
        }
    }

    /// At β = 0 a chain forgets its start and has the rates of the base.
    #[test]
    fn the_base_is_at_the_start_of_the_path() {
        const CHAINS: usize = 4000;
        let rbm = model(70, 130);
        let rates = Array1::from_shape_fn(70, |i| 0.1 + 0.01 * i as f64);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let path = Path::new(FixedModel { rbm: &rbm, weights: &weights }, &rates).unwrap();
        let all_on = BitMatrix::from_fn(CHAINS, 70, |_, _| true);
        let mut chains = AnnealedChains::new(&path, 0.0, &all_on, &streams(CHAINS as u64));
        chains.advance(&[0.0], &|_| Ok(())).unwrap();
        let visible = chains.visible().unwrap();
        for i in 0..70 {
            let on = (0..CHAINS).filter(|&n| visible.get(n, i)).count() as f64 / CHAINS as f64;
            let deviation = (rates[i] * (1.0 - rates[i]) / CHAINS as f64).sqrt();
            assert!((on - rates[i]).abs() < 5.0 * deviation, "{i}: {on} {}", rates[i]);
        }
    }

    /// At β = 1 a step is a sweep of the model. With the same words, it draws the same h as a plain
    /// chain, and v from it.
    #[test]
    fn the_model_is_at_the_end_of_the_path() {
        let rbm = model(70, 130);
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let path =
            Path::new(FixedModel { rbm: &rbm, weights: &weights }, &Array1::from_elem(70, 0.4))
                .unwrap();
        let states = BitMatrix::from_fn(9, 70, |n, i| (i * i + 3 * n) % 5 < 2);
        let mut annealed = AnnealedChains::new(&path, 1.0, &states, &streams(9));
        annealed.advance(&[1.0], &|_| Ok(())).unwrap();
        let mut words = Words::new(9, &Units::bits(70), &Units::bits(130));
        words.fill_sweep(weights.isa, &mut streams(9));
        let draw = |conditional: super::super::Conditional<'_>, given: &BitMatrix, n_units| {
            let given = BitPanels::from_matrix(given);
            let mut drawn = BitPanels::zeros(9, n_units);
            conditional.draw(&given, &words, &mut drawn, Watch::default()).unwrap();
            drawn.to_matrix()
        };
        let hidden = draw(weights.hidden_given_visible(), &states, 130);
        assert_eq!(annealed.visible().unwrap(), draw(weights.visible_given_hidden(), &hidden, 70));
    }

    #[test]
    fn the_effect_of_rounding_is_corrected() {
        let rbm = model(70, 130);
        let mut heavy = rbm.weights().mapv(|w| 61.7 * w);
        heavy[[3, 3]] += 1e-3;
        let rbm = Rbm::new(heavy, rbm.visible_bias().clone(), rbm.hidden_bias().clone()).unwrap();
        let weights = FixedWeights::of(&rbm, Isa::fastest());
        let path =
            Path::new(FixedModel { rbm: &rbm, weights: &weights }, &Array1::from_elem(70, 0.4))
                .unwrap();
        let states = BitMatrix::from_fn(9, 70, |n, i| (i * i + 3 * n) % 5 < 2);
        let rounded = path.rounded();
        assert_eq!(
            FixedWeights::new(&TiledParameters::from(&rounded), weights.format(), weights.isa),
            weights
        );
        let half = 0.5 * weights.scale.resolution();
        let pairs = rounded.weights().iter().zip(rbm.weights());
        assert!(pairs.clone().any(|(a, b)| a != b));
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() <= half));
        let beyond = path.beyond_fixed_point(&states);
        assert!(
            beyond.iter().any(|x| *x != 0.0),
            "the scale rounds nothing, so this tests nothing"
        );
        for (n, beyond) in beyond.iter().enumerate() {
            let (v, rounded) = (states.row(n), path.rounded());
            assert_eq!(*beyond, rounded.free_energy(v) - rbm.free_energy(v));
            assert!(beyond.abs() < 130.0 * 31.0 * f64::from(weights.scale.resolution()));
        }
    }
}
