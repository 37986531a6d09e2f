//! The negative phase: Gibbs chains sample the model's distribution for ⟨·⟩_model.
//!
//! | algorithm | where the chains of an update start | |
//! | --- | --- | --- |
//! | CD-k | at the mini-batch | Hinton, 2002 |
//! | PCD-k | where the last update left them | Tieleman, 2008 |
//! | PT | where the last update left them, after swaps with replicas at other temperatures | Desjardins et al., 2010 |
//! | PTT | where the last update left them, after swaps with replicas at models of the training | Béreux et al., 2025 |
//!
//! The ladder of PTT begins with the model without weights at the visible biases of the start. After an update the
//! running mean of the models ([`Trail`]) becomes a rung if states of the last rung would swap with it at a rate below
//! `swap_rate`. All replicas make as many sweeps as the chains.

use super::config::{Algorithm, Missing, TrainConfig};
use super::outset::Outset;
use super::parameters::Parameters;
use super::positive_phase::PositivePhase;
use super::statistics::Statistics;
use super::trail::{Trail, without_weights};
use crate::bits::BitPanels;
use crate::error::Result;
use crate::gibbs::{Chains, FixedWeights, LEAST_SWAP_RATE, Ladder, Tempering, Trajectory};
use crate::kernels::sigmoid::{MEAN_ONE, ONE};
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::TiledParameters;
use crate::rng::{Purpose, STEP, Stream};
use crate::setting::check;
use crate::state::State;
use crate::units::Units;
use crate::watch::Watch;

/// The chains of the negative phase, and where they start in each update.
#[derive(Clone, Debug)]
pub struct NegativePhase {
    pub(super) chains: Chains,
    start: Start,
    /// v before the last sweep.
    previous: BitPanels,
}

/// Chains and replicas between two updates.
pub struct SavedChains {
    state: State,
    previous: BitPanels,
}

/// Where the chains of an update start.
#[derive(Clone, Debug)]
enum Start {
    /// At the mini-batch. Each chain then samples the model of its example.
    Batch {
        /// A site that the example lacks is no part of that model.
        lacks_missing: bool,
    },
    /// Nowhere: the gradient needs no chains.
    Nowhere,
    /// Where the last update left them.
    Persistent,
    /// Where the last update left them, with replicas at other temperatures.
    Tempered(Box<Tempering>),
    /// Where the last update left them, with replicas at models of the training.
    Trajectory(Box<Trajectory>, Box<Trail>),
}

/// The beginning of the names of the running mean in a state.
const TRAIL: &str = "trajectory.mean.";

impl NegativePhase {
    /// The memory of the chains of these settings, without replicas, for this visible layer.
    pub fn bytes(config: &TrainConfig, visible: &Layout) -> Bytes {
        let n_chains = config.n_chains();
        Chains::bytes(n_chains, visible, config.n_hidden()) + BitPanels::bytes(n_chains, visible)
    }

    /// The memory of the replicas of these settings, if they ask for any.
    pub fn bytes_of_replicas(config: &TrainConfig, visible: &Layout) -> Bytes {
        match config.algorithm {
            Algorithm::Cd | Algorithm::Pcd | Algorithm::Auto => Bytes(0),
            Algorithm::Pt => {
                Tempering::bytes(config.temperatures, config.n_chains(), visible, config.n_hidden())
            }
            Algorithm::Ptt => {
                Trajectory::bytes(config.n_chains(), visible, config.n_hidden())
                    + Trail::bytes(visible, config.n_hidden())
            }
        }
    }

    /// The negative phase before the first update.
    pub fn start(config: &TrainConfig, outset: &Outset, parameters: &Parameters) -> Self {
        let mut chains = start_chains(config, outset, parameters);
        let start = match config.algorithm {
            Algorithm::Cd if !config.objective.needs_chains() => {
                chains.visible.set_n_rows(0);
                chains.hidden.set_n_rows(0);
                Start::Nowhere
            }
            Algorithm::Cd => {
                Start::Batch { lacks_missing: config.missing == Some(Missing::Absent) }
            }
            Algorithm::Pcd | Algorithm::Auto => Start::Persistent,
            Algorithm::Pt => {
                let rates = parameters.exact.visible_units.smoothed_rates(&outset.mean);
                let ladder = Ladder {
                    rates: &rates,
                    n_temperatures: config.temperatures,
                    swap_rate: config.swap_rate,
                };
                let (weights, visible) = (parameters.fixed(), chains.visible());
                Start::Tempered(Box::new(Tempering::new(weights, &visible, ladder, config.seed)))
            }
            Algorithm::Ptt => {
                let base = without_weights(&parameters.to_rbm(), parameters.fixed().isa());
                let trail = Trail::new(parameters.exact());
                let trajectory = Trajectory::new(base, &chains, config.seed);
                Start::Trajectory(Box::new(trajectory), Box::new(trail))
            }
        };
        Self { previous: chains.visible.clone(), chains, start }
    }

    /// Saves the chains and replicas.
    pub(super) fn save(&self, state: &mut State) {
        self.chains.save("chains", state);
        match &self.start {
            Start::Tempered(tempering) => tempering.save(state),
            Start::Trajectory(trajectory, trail) => {
                trajectory.save(state);
                trail.save(TRAIL, state);
            }
            Start::Batch { .. } | Start::Nowhere | Start::Persistent => {}
        }
    }

    /// Restores what was saved under the same settings.
    pub(super) fn restore(&mut self, weights: &FixedWeights, state: &State) -> Result<()> {
        self.chains.restore("chains", state)?;
        self.previous = self.chains.visible.clone();
        match &mut self.start {
            Start::Tempered(tempering) => tempering.restore(weights, state),
            Start::Trajectory(trajectory, trail) => {
                trail.restore(TRAIL, state)?;
                trajectory.restore(state, weights.isa())
            }
            Start::Batch { .. } | Start::Nowhere | Start::Persistent => Ok(()),
        }
    }

    /// The chains and replicas as they are, to go back to.
    pub fn saved(&self) -> SavedChains {
        let mut state = State::default();
        match &self.start {
            Start::Trajectory(trajectory, _) => {
                self.chains.save("chains", &mut state);
                trajectory.save_chains(&mut state);
            }
            _ => self.save(&mut state),
        }
        SavedChains { state, previous: self.previous.clone() }
    }

    /// Goes back to saved chains and replicas.
    pub fn go_back(&mut self, weights: &FixedWeights, saved: SavedChains) {
        let restored = match &mut self.start {
            Start::Trajectory(trajectory, _) => {
                let chains = self.chains.restore("chains", &saved.state);
                chains.and_then(|()| trajectory.restore_chains(&saved.state))
            }
            _ => self.restore(weights, &saved.state),
        };
        restored.expect("chains of the same settings");
        self.previous = saved.previous;
    }

    /// Moves every chain by `gibbs_steps` sweeps, except for the last h, which
    /// [`mean_hidden`](super::mean_hidden::mean_hidden) draws together with the means.
    ///
    /// # Errors
    /// [`Error::Interrupted`](crate::Error::Interrupted). The chains are then of no use.
    pub fn sweep(
        &mut self,
        parameters: &Parameters,
        positive: &PositivePhase,
        gibbs_steps: usize,
        watch: Watch<'_>,
    ) -> Result<()> {
        let weights = parameters.fixed();
        let Self { chains, start, previous } = self;
        if let Start::Nowhere = start {
            return Ok(());
        }
        if let Start::Batch { .. } = start {
            chains.restart(weights, parameters.hidden_given_reals(), positive.visible())?;
            previous.set_n_rows(chains.n_chains());
        }
        for step in 1..=gibbs_steps {
            if step == gibbs_steps {
                previous.copy_from(&chains.visible);
            }
            match start {
                Start::Tempered(tempering) => tempering.half_sweep(weights, chains, watch)?,
                Start::Trajectory(trajectory, _) => {
                    trajectory.half_sweep(weights, chains, watch)?
                }
                Start::Batch { .. } | Start::Nowhere | Start::Persistent => {
                    chains.draw_visible(weights.visible_given_hidden(), watch)?;
                }
            }
            if let (Start::Batch { lacks_missing: true }, Some(missing)) =
                (&*start, positive.missing())
            {
                chains.visible.switch_off(missing);
            }
            if step < gibbs_steps {
                chains.draw_hidden(weights.hidden_given_visible(), watch)?;
            }
        }
        Ok(())
    }

    /// Restarts each chain with probability `share`: its h is drawn from p(h | v) of an example of the mini-batch,
    /// which is picked in proportion to its weight. One step of the stream decides (word 0) and picks the example (word
    /// 1); ⌈H/16⌉ more steps draw h.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub fn reset(
        &mut self,
        weights: &FixedWeights,
        statistics: &Statistics,
        share: f64,
        mut stream: Stream,
    ) -> Result<()> {
        let conditional = weights.hidden_given_visible();
        let own = conditional.own_panels();
        let (n_data, hidden) = (statistics.n_data(), Units::bits(statistics.n_hidden()));
        for chain in 0..self.chains.n_chains() {
            let [chance, pick, ..] = stream.step();
            if f64::from(chance >> 8) >= share * f64::from(ONE) {
                continue;
            }
            let example = match statistics.weights() {
                None => ((u64::from(pick) * n_data as u64) >> 32) as usize,
                Some(weights) => weights.pick(pick),
            };
            for (panel, words) in self.chains.hidden.panels_mut().enumerate() {
                let means = &statistics.mean_panel(panel)[example];
                let n_units = hidden.columns(panel).len();
                let mut state = 0;
                for (step, means) in means[..n_units].chunks(STEP).enumerate() {
                    for (j, (&mean, word)) in means.iter().zip(stream.step()).enumerate() {
                        // A number from 0 to 254 is below p̃ with probability p̃/255, on average p.
                        let number = (u64::from(word) * MEAN_ONE as u64) >> 32;
                        state |= u64::from((number as i16) < mean) << (step * STEP + j);
                    }
                }
                if own.contains(&panel) {
                    words[chain] = state;
                }
            }
        }
        conditional.share(&mut [self.chains.hidden.words_mut()])
    }

    /// The chains.
    pub fn chains(&self) -> &Chains {
        &self.chains
    }

    /// The replicas of parallel tempering, if there are any.
    pub fn tempering(&self) -> Option<&Tempering> {
        match &self.start {
            Start::Tempered(tempering) => Some(tempering),
            _ => None,
        }
    }

    /// The replicas of parallel trajectory tempering, if there are any.
    pub fn trajectory(&self) -> Option<&Trajectory> {
        match &self.start {
            Start::Trajectory(trajectory, _) => Some(trajectory),
            _ => None,
        }
    }

    /// Refuses a model to start from that is too far from the first rung of a trajectory for any swap.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting).
    pub(super) fn check_start(&self, weights: &FixedWeights) -> Result<()> {
        let Some(trajectory) = self.trajectory() else { return Ok(()) };
        let rate = trajectory.swap_rate_with(weights);
        check("algorithm", Algorithm::Ptt, rate >= LEAST_SWAP_RATE, || {
            format!(
                "pt or pcd with this model to start from: the ladder of ptt begins without weights, and its states \
                 would swap with those of the model at a rate of {rate:.3}"
            )
        })
    }

    /// Follows the parameters after `updates` updates, and keeps a rung of the trajectory if they have come so far that
    /// the last one would swap states with the next at a rate below `swap_rate`.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub(super) fn follow(
        &mut self,
        parameters: &Parameters,
        updates: u64,
        swap_rate: f64,
    ) -> Result<()> {
        let Start::Trajectory(trajectory, trail) = &mut self.start else { return Ok(()) };
        if !trail.follow(parameters.exact(), updates) {
            return Ok(());
        }
        trail.gather(parameters.ranks())?;
        let mean = trail.weights(parameters.fixed().isa());
        if trajectory.swap_rate_with(&mean) < swap_rate {
            trajectory.keep(mean, &self.chains);
        }
        Ok(())
    }

    /// Gives every rank what the others remember of the models.
    ///
    /// # Errors
    /// [`Error::Ranks`](crate::Error::Ranks).
    pub(super) fn gather(&mut self, parameters: &Parameters) -> Result<()> {
        match &mut self.start {
            Start::Trajectory(_, trail) => trail.gather(parameters.ranks()),
            _ => Ok(()),
        }
    }

    /// The fraction of the visible bits that the last sweep changed, without those that the model of an example of
    /// the mini-batch lacks. For a chain that was reset, the change includes the reset.
    pub fn flip_rate(&self, positive: &PositivePhase) -> f64 {
        let (now, before) = (&self.chains.visible, &self.previous);
        let words = (0..now.n_panels()).flat_map(|at| now.panel(at).iter().zip(before.panel(at)));
        let flipped: u64 = words.map(|(a, b)| u64::from((a ^ b).count_ones())).sum();
        let lacking = match self.start {
            Start::Batch { lacks_missing: true } => {
                positive.missing().map_or(0, BitPanels::count_ones)
            }
            _ => 0,
        };
        let n = (now.n_rows() * now.n_columns()) as u64 - lacking;
        flipped as f64 / n.max(1) as f64
    }
}

/// The chains before the first update: v by the settings, then h from p(h | v).
fn start_chains(config: &TrainConfig, outset: &Outset, parameters: &Parameters) -> Chains {
    let weights = parameters.fixed();
    let mut streams: Vec<_> = (0..config.n_chains())
        .map(|chain| Stream::new(config.seed, Purpose::Chain, chain as u64))
        .collect();
    if let Some(visible) = &outset.chains {
        return Chains::from_visible(weights, visible, streams);
    }
    let TiledParameters { visible_units: units, visible_bias, .. } = &parameters.exact;
    let biases = units.in_columns(visible_bias).into_iter().map(f64::from);
    let visible = units.draw_independent(biases, &mut streams);
    Chains::from_visible(weights, &visible, streams)
}
