//! Chains that follow a model while its parameters change, and by how much each change lowers their F.

use super::FixedWeights;
use super::piece::Piece;
use crate::bits::{BitMatrix, BitPanels};
use crate::error::Result;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::rng::{Purpose, Stream};
use crate::state::State;
use rayon::prelude::*;
use std::f64::consts::LN_2;

/// Chains that follow a model, each with its own stream and with F(v) under the parameters that moved it last.
///
/// A *step* to new parameters θ' gives F_θ(v) − F_θ'(v) for each chain. It then moves the chain by a sweep at θ',
/// first h given v, then v given h, and keeps F_θ'(v) for the next step. So the old parameters need not be kept.
/// All F are of the parameters in fixed point, which move the chains.
#[derive(Clone, Debug)]
pub struct FollowingChains {
    followers: Vec<Follower>,
}

/// Chains that one thread moves.
#[derive(Clone, Debug)]
struct Follower {
    chains: Piece,
    /// F(v) of each chain.
    free_energies: Vec<f64>,
    /// The terms of one panel in F.
    terms: Vec<f64>,
}

impl FollowingChains {
    /// The memory of C chains of a model (V, H), and of the states at which they start.
    pub fn bytes(n_chains: usize, visible: impl Into<Layout>, n_hidden: usize) -> Bytes {
        let visible = visible.into();
        Piece::bytes(n_chains, &visible, n_hidden)
            + BitMatrix::bytes(n_chains, visible.n_units())
            + Bytes::of::<Stream>(&[n_chains])
            + Bytes::of::<[f64; 3]>(&[n_chains])
    }

    /// Chains with v at the rows of `visible` (C, V) and with their F there, under any model of the units of
    /// `weights`.
    ///
    /// # Panics
    /// If the numbers of rows, streams and energies differ, or the rows are not V wide.
    pub fn new(
        weights: &FixedWeights,
        visible: &BitMatrix,
        free_energies: &[f64],
        streams: &[Stream],
    ) -> Self {
        assert_eq!(free_energies.len(), visible.n_rows(), "F of each chain");
        let mut left = free_energies;
        let followers = Piece::split(weights, visible, streams).into_iter().map(|chains| {
            let (own, others) = left.split_at(chains.n_chains());
            left = others;
            Follower { free_energies: own.to_vec(), terms: own.to_vec(), chains }
        });
        Self { followers: followers.collect() }
    }

    /// Steps to new parameters. Writes by how much they lower F of each chain to `falls` (C).
    ///
    /// # Panics
    /// If there is not one fall for each chain.
    pub fn step(&mut self, weights: &FixedWeights, falls: &mut [f64]) {
        assert_eq!(falls.len(), self.n_chains(), "a fall for each chain");
        let mut left = falls;
        let mut work = Vec::with_capacity(self.followers.len());
        for follower in &mut self.followers {
            let (own, others) = left.split_at_mut(follower.chains.n_chains());
            left = others;
            work.push((follower, own));
        }
        work.into_par_iter().for_each(|(follower, falls)| {
            falls.copy_from_slice(&follower.free_energies);
            follower.chains.draw_words(weights.isa);
            follower.take_free_energies(weights, true);
            let energies = falls.iter_mut().zip(&follower.free_energies);
            energies.for_each(|(fall, now)| *fall -= now);
            follower.chains.draw_visible(weights.visible_given_hidden());
            follower.take_free_energies(weights, false);
        });
    }

    /// Puts the state of the chain of number `parents[n]` in place of that of chain n. Streams stay.
    ///
    /// # Panics
    /// If there is not one parent for each chain.
    pub fn choose(&mut self, parents: &[usize]) {
        assert_eq!(parents.len(), self.n_chains(), "a parent for each chain");
        let (visible, energies) = (self.visible(), self.free_energies());
        let mut parents = parents.iter();
        for Follower { chains, free_energies, .. } in &mut self.followers {
            for ((row, energy), &parent) in free_energies.iter_mut().enumerate().zip(&mut parents) {
                chains.visible.set_row(row, visible.row(parent));
                *energy = energies[parent];
            }
        }
    }

    /// Number of chains, C.
    pub fn n_chains(&self) -> usize {
        self.followers.iter().map(|follower| follower.chains.n_chains()).sum()
    }

    /// The visible states (C, V).
    pub fn visible(&self) -> BitMatrix {
        let pieces = self.followers.iter().map(|follower| follower.chains.visible.to_matrix());
        BitMatrix::concatenate(&pieces.collect::<Vec<_>>())
    }

    /// F(v) of each chain (C) under the parameters of its last step, in nats.
    pub fn free_energies(&self) -> Vec<f64> {
        self.followers.iter().flat_map(|follower| &follower.free_energies).copied().collect()
    }

    /// Puts the chains under names that begin with `name`, for [`restored`](Self::restored).
    pub(crate) fn save(&self, name: &str, state: &mut State) {
        let streams = self.followers.iter().flat_map(|follower| &follower.chains.streams);
        let streams: Vec<_> = streams.cloned().collect();
        state.put_bits(format!("{name}.visible"), &BitPanels::from_matrix(&self.visible()));
        state.put_streams(format!("{name}.streams"), &streams);
        state.put(format!("{name}.free_energies"), &[streams.len()], self.free_energies());
    }

    /// C chains as they were [saved](Self::save), of a model of the units of `weights`.
    ///
    /// # Errors
    /// As [`State::get`].
    pub(crate) fn restored(
        weights: &FixedWeights,
        n_chains: usize,
        name: &str,
        state: &State,
    ) -> Result<Self> {
        let mut visible = BitPanels::zeros(n_chains, weights.n_visible());
        state.restore_bits(&format!("{name}.visible"), &mut visible)?;
        let mut streams = Stream::first(n_chains, 0, Purpose::OnlineLogZ);
        state.restore_streams(&format!("{name}.streams"), &mut streams)?;
        let energies = state.get(&format!("{name}.free_energies"), &[visible.n_rows()])?;
        Ok(Self::new(weights, &visible.to_matrix(), energies, &streams))
    }
}

impl Follower {
    /// Takes F(v) = −b·v − Σⱼ softplus(xⱼ) of every chain and, if `draws`, draws h from the same xⱼ.
    fn take_free_energies(&mut self, weights: &FixedWeights, draws: bool) {
        let Self { chains, free_energies, terms } = self;
        let resolution = f64::from(weights.scale.resolution());
        let bias = weights.visible_bias.as_flattened();
        // Every softplus below is taken less that of 0, as the kernel gives the change from β = 0.
        let of_zeros = weights.n_hidden() as f64 * LN_2;
        for (row, energy) in free_energies.iter_mut().enumerate() {
            let on = chains.visible.active(row).map(|place| i64::from(bias[place]));
            *energy = -resolution * on.sum::<i64>() as f64 - of_zeros;
        }
        chains.hidden_inputs(weights.hidden_given_visible(), draws, |inputs| {
            let units = &weights.hidden_units;
            units.cumulant_differences(weights.isa, inputs, 0.0, resolution, terms);
            free_energies.iter_mut().zip(&*terms).for_each(|(energy, term)| *energy -= term);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_model::model;
    use super::*;
    use crate::kernels::Isa;
    use crate::model::Rbm;
    use crate::units::Units;

    /// F of a model in fixed point, in double precision.
    fn energies(weights: &FixedWeights, visible: &BitMatrix) -> Vec<f64> {
        let rounded = weights.rounded();
        (0..visible.n_rows()).map(|n| rounded.free_energy(visible.row(n))).collect()
    }

    fn is_near(found: &[f64], expected: impl Iterator<Item = f64>) -> bool {
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9)
    }

    #[test]
    fn each_step_gives_the_fall_of_the_free_energy_of_the_states_before_its_sweep() {
        for of in [FixedWeights::of, FixedWeights::of_training] {
            let weights = of(&model(70, 130), Isa::fastest());
            let visible = BitMatrix::from_fn(21, 70, |n, i| (n * n + 3 * i) % 5 < 2);
            let streams = Stream::first(21, 3, Purpose::OnlineLogZ);
            let before: Vec<f64> = (0..21).map(f64::from).collect();
            let mut chains = FollowingChains::new(&weights, &visible, &before, &streams);
            let mut falls = vec![0.0; 21];
            chains.step(&weights, &mut falls);
            let now = energies(&weights, &visible);
            assert!(is_near(&falls, before.iter().zip(&now).map(|(a, b)| a - b)), "{falls:?}");
            assert_ne!(chains.visible(), visible);
            let moved = energies(&weights, &chains.visible());
            assert!(is_near(&chains.free_energies(), moved.into_iter()));
            // At the same parameters nothing falls.
            chains.step(&weights, &mut falls);
            assert_eq!(falls, [0.0; 21]);
        }
    }

    #[test]
    fn steps_are_the_same_on_every_level_and_after_a_restart_in_other_pieces() {
        let sites = Units::of_sites([3, 1, 21, 70, 2]).unwrap();
        let visible_bias: Vec<f32> = (0..97).map(|i| (i % 7) as f32 / 5.0 - 0.5).collect();
        let potts = Rbm::of_sites(
            sites,
            model(97, 19).weights().clone(),
            visible_bias.into(),
            model(97, 19).hidden_bias().clone(),
        );
        for rbm in [model(97, 19), potts.unwrap()] {
            let run = |isa: Isa, threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    let weights = FixedWeights::of_training(&rbm, isa);
                    let mut streams = Stream::first(50, 3, Purpose::OnlineLogZ);
                    let visible = rbm.visible_units().draw_independent(vec![0.0; 97], &mut streams);
                    let zeros = [0.0; 50];
                    let mut chains = FollowingChains::new(&weights, &visible, &zeros, &streams);
                    let mut falls = vec![0.0; 50];
                    (0..5).for_each(|_| chains.step(&weights, &mut falls));
                    let mut state = State::default();
                    chains.save("chains", &mut state);
                    let parents: Vec<_> = (0..50).map(|n| n * 7 % 50).collect();
                    let restored = FollowingChains::restored(&weights, 50, "chains", &state);
                    let mut restored = restored.unwrap();
                    restored.choose(&parents);
                    let chosen = chains.visible().chosen(&parents);
                    assert_eq!(restored.visible(), chosen);
                    assert!(is_near(
                        &restored.free_energies(),
                        energies(&weights, &chosen).into_iter()
                    ));
                    restored.step(&weights, &mut falls);
                    rbm.visible_units().check_states("the chains", &restored.visible()).unwrap();
                    let mut state = State::default();
                    restored.save("chains", &mut state);
                    state.put("falls", &[50], falls);
                    state
                })
            };
            let expected = run(Isa::BASELINE, 1);
            for isa in Isa::available() {
                assert_eq!(run(isa, 1), expected, "{}", isa.name());
                assert_eq!(run(isa, 3), expected, "{} on 3 threads", isa.name());
            }
        }
    }
}
