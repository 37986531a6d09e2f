//! The ladder of a run: models that its training passed through, as rungs of parallel trajectory tempering.
//!
//! Rung 0 is the model without weights, whose units are independent. From there on a model is kept as soon as it would
//! swap states with the one that was kept last at a rate below the setting `ladder` (Béreux, Decelle, Furtlehner,
//! Rosset and Seoane, 2025), with the weights that move chains.
//!
//! What may become a rung is a running mean of the parameters, and looked at now and then ([`Trail`]).
//!
//! The chains of training lag behind the model where it moves fast, and would swap more often than states of the model.
//! So a rung has states of its own: copies of the chains that have made some sweeps more. The rate is estimated from
//! these alone ([`reweighted_swap_rate`]).
//!
//! A file `ladder/update-000000938.safetensors` has
//!
//! | tensor | shape | |
//! | --- | --- | --- |
//! | `weights` | (V, H, 2) u8 | W in units of `resolution`, 16 bits, the low byte first; or (V, H) f32 |
//! | `resolution` | (1) f32 | the value of the integer 1 in `weights` |
//! | `visible_bias`, `hidden_bias` | (V), (H) f32 | b and c |
//! | `states` | (C, ⌈V/64⌉) u64 | visible states, packed |

use super::own_data::folder_of;
use crate::bits::BitPanels;
use crate::checkpoint::{LADDER, list, name, updates_of};
use crate::error::{Error, Result};
use crate::gibbs::{Chains, FixedWeights, Rung, reweighted_swap_rate};
use crate::kernels::Isa;
use crate::layout::Layout;
use crate::memory::Bytes;
use crate::model::{ModelFile, Rbm};
use crate::monitor::Writer;
use crate::rng::{Purpose, Stream};
use crate::state::State;
use crate::train::{Trail, Trainer, without_weights};
use crate::units::Units;
use crate::watch::Watch;
use crate::whole_file;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// The key of the metadata, which are the SHA-256 of the arrays.
const KEY: &str = "harmonium.ladder";

/// The beginning of the names of the mean in a checkpoint.
const PREFIX: &str = "ladder.";

/// States of each rung.
const STATES: usize = 256;

/// Sweeps by which they leave the chains of training.
const SWEEPS: usize = 30;

/// A model that training passed through.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    weights: FixedWeights,
    /// States of the model.
    states: BitPanels,
    /// Their log-masses.
    masses: Vec<i64>,
}

/// Keeps the ladder of a run in its folder.
pub struct Recorder<'a> {
    folder: PathBuf,
    writer: &'a Writer,
    rate: f64,
    trail: Trail,
    kept: Kept,
}

impl<'a> Recorder<'a> {
    /// The memory of the mean of models (V, H) and its copies, of the last rung, and of the mean in two checkpoints.
    pub fn bytes(visible: &Layout, n_hidden: usize) -> Bytes {
        Rbm::bytes(visible.n_units(), n_hidden) * 5
            + FixedWeights::bytes::<i16>(visible, n_hidden) * 2
    }

    /// Begins the ladder in the folder of a run, or goes on with it from the [state](Self::state) of a checkpoint.
    /// Rungs that the run has yet to reach again are removed.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Unsuitable`] if the rungs before the checkpoint are gone; [`Error::BadState`].
    pub fn new(
        run: &Path,
        rate: f64,
        trainer: &Trainer,
        state: &State,
        writer: &'a Writer,
    ) -> Result<Self> {
        let folder = run.join(LADDER);
        let io = |path: &Path, action| {
            let path = path.to_path_buf();
            move |cause| Error::Io { path, action, cause }
        };
        fs::create_dir_all(&folder).map_err(io(&folder, "create"))?;
        let mut last = None;
        for (updates, path) in list(&folder) {
            match updates <= trainer.updates() {
                true => last = Some(path),
                false => fs::remove_file(&path).map_err(io(&path, "remove"))?,
            }
        }
        let (parameters, updates) = (trainer.parameters(), trainer.updates());
        if updates == 0 {
            let (trail, kept) = (Trail::new(parameters.exact()), Kept::base(trainer));
            let recorder = Self { folder, writer, rate, trail, kept };
            recorder.write(0)?;
            return Ok(recorder);
        }
        let path = last.ok_or_else(|| {
            let rule = "has no rungs of the ladder, which the settings of the run ask for";
            Error::Unsuitable { path: folder.clone(), rule: rule.to_string() }
        })?;
        let fixed = parameters.fixed();
        let kept = Kept::read(&path, [&fixed.visible_units, &fixed.hidden_units], fixed.isa())?;
        let mut trail = Trail::new(parameters.exact());
        trail.restore(PREFIX, state)?;
        Ok(Self { folder, writer, rate, trail, kept })
    }

    /// What a checkpoint keeps besides the rungs.
    pub fn state(&self) -> State {
        let mut state = State::default();
        self.trail.save(PREFIX, &mut state);
        state
    }

    /// Keeps the mean of the trainer's models if it has come far enough from the last rung.
    ///
    /// # Errors
    /// Errors of earlier files.
    pub fn after_update(&mut self, trainer: &Trainer) -> Result<()> {
        let updates = trainer.updates();
        if !self.trail.follow(trainer.parameters().exact(), updates) {
            return Ok(());
        }
        let weights = self.trail.weights(trainer.parameters().fixed().isa());
        if self.kept.swap_rate(&weights) >= self.rate {
            return Ok(());
        }
        self.kept = Kept::of(weights, trainer);
        self.write(updates)
    }

    fn write(&self, updates: u64) -> Result<()> {
        let (path, bytes) = (self.folder.join(name(updates)), self.kept.to_bytes());
        self.writer.send(move || whole_file::write(&path, &bytes))
    }
}

/// The log-masses of states of a model.
fn log_masses(weights: &FixedWeights, states: &BitPanels) -> Vec<i64> {
    let masses = Rung::of_model(weights).log_masses(states, Watch::default());
    masses.expect("nobody interrupts it")
}

/// Where the random numbers of a rung are.
#[derive(Clone, Copy)]
struct Address {
    seed: u64,
    updates: u64,
}

impl Address {
    /// A stream for each state of the rung.
    fn streams(self) -> Vec<Stream> {
        let first = self.updates * STATES as u64;
        let stream = |state| Stream::new(self.seed, Purpose::LadderState, first + state);
        (0..STATES as u64).map(stream).collect()
    }
}

impl Kept {
    fn new(weights: FixedWeights, states: BitPanels) -> Self {
        let masses = log_masses(&weights, &states);
        Self { weights, states, masses }
    }

    /// The model without weights at the start of a run.
    fn base(trainer: &Trainer) -> Self {
        let start = trainer.current();
        let (units, bias) = (start.visible_units(), start.visible_bias());
        let biases = bias.iter().map(|&bias| f64::from(bias));
        let address = Address { seed: trainer.config().seed, updates: 0 };
        let states = units.draw_independent(biases, &mut address.streams());
        Self::new(
            without_weights(&start, trainer.parameters().fixed().isa()),
            BitPanels::in_layout(&states, units.layout()),
        )
    }

    /// A mean of the models of a trainer.
    fn of(weights: FixedWeights, trainer: &Trainer) -> Self {
        let address = Address { seed: trainer.config().seed, updates: trainer.updates() };
        let start = trainer.chains().visible().cycled(STATES);
        let mut chains = Chains::from_visible(&weights, &start, address.streams());
        (0..SWEEPS).for_each(|_| chains.sweep(&weights));
        Self::new(weights, chains.visible)
    }

    /// The estimated rate at which the model would swap states with another.
    fn swap_rate(&self, other: &FixedWeights) -> f64 {
        let there = log_masses(other, &self.states);
        let rises = there.iter().zip(&self.masses).map(|(there, here)| there - here);
        reweighted_swap_rate(&rises.collect::<Vec<_>>())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut state = State::default();
        self.weights.save("", &mut state);
        state.put_bits("states", &self.states);
        let sha256 = state.sha256();
        state.to_safetensors(KEY, sha256)
    }

    fn read(path: &Path, units: [&Units; 2], isa: Isa) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::reading(path))?;
        let unsuitable = |rule| Error::Unsuitable { path: path.to_path_buf(), rule };
        let (state, sha256) = State::from_safetensors(KEY, &bytes).map_err(unsuitable)?;
        if sha256 != state.sha256() {
            return Err(unsuitable("is damaged: its SHA-256 is another".to_string()));
        }
        let weights = FixedWeights::restored("", &state, units, isa)?;
        let mut states = BitPanels::zeros(STATES, units[0].layout());
        state.restore_bits("states", &mut states)?;
        Ok(Self::new(weights, states))
    }
}

/// The rungs that a run kept on the way to the model in the file `path`, from the base on, as they move chains. The
/// model may be a checkpoint, or the best of the run: later rungs are then left out.
///
/// # Errors
/// [`Error::Unsuitable`] if there are none; [`Error::Io`]; [`Error::BadState`] for rungs of another model.
pub fn rungs(path: &Path, model: &ModelFile, isa: Isa) -> Result<Vec<FixedWeights>> {
    let ModelFile { rbm, provenance, .. } = model;
    let units = [rbm.visible_units(), rbm.hidden_units()];
    let folder = folder_of(path).map(|run| run.join(LADDER));
    let mut kept = folder.as_deref().map(list).unwrap_or_default();
    if kept.is_empty() {
        let rule = "is no run with a ladder: train it with --ladder 0.25, or take the method pt";
        return Err(Error::Unsuitable { path: path.into(), rule: rule.to_string() });
    }
    if let Some(last) = updates_of(path) {
        kept.retain(|(updates, _)| *updates <= last);
    }
    let number = |facts: &Map<String, Value>, name| facts.get(name).and_then(Value::as_u64);
    let n_examples = number(&provenance.data, "n_examples");
    let batch_size = number(&provenance.settings, "batch_size");
    if let (Some(epoch), Some(n), Some(batch)) = (provenance.best_epoch, n_examples, batch_size) {
        kept.retain(|(updates, _)| *updates <= epoch * n.div_ceil(batch));
    }
    kept.iter().map(|(_, path)| Ok(Kept::read(path, units, isa)?.weights)).collect()
}
