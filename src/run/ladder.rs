//! The ladder of a run: models that its training passed through, as rungs of parallel trajectory tempering.
//!
//! Rung 0 is the model without weights, whose units are independent. From there on a model is kept as soon as it would
//! swap states with the one that was kept last at a rate below the setting `ladder` (Béreux, Decelle, Furtlehner,
//! Rosset and Seoane, 2025), with the weights that move chains.
//!
//! The parameters of single updates jump about their course, by so much at a usual learning rate that a few updates
//! would make a rung. So rungs are means over the latest eighth of the updates, or so: after u updates
//!
//! ```text
//! m ← m + (1 − (u′/u)⁸) (θ − m)
//! ```
//!
//! where u′ is the last u at which this was done. It is done after each update up to 128, each second one up to 256, and
//! so on. The rate is looked at each time up to 128, where models move fast, and every fourth time from there on. A ladder
//! thus depends on nothing but the run.
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
use crate::model::{ModelFile, Rbm, TiledParameters};
use crate::monitor::Writer;
use crate::rng::{Purpose, Stream};
use crate::state::State;
use crate::train::Trainer;
use crate::units::Units;
use crate::watch::Watch;
use crate::whole_file;
use ndarray::{Array1, Array2};
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// The key of the metadata, which are the SHA-256 of the arrays.
const KEY: &str = "harmonium.ladder";

/// The beginning of the names of the mean in a checkpoint, and the name of the updates at which it was renewed.
const PREFIX: &str = "ladder.";
const RENEWED: &str = "ladder.renewed";

/// States of each rung.
const STATES: usize = 256;

/// Updates in which the rate is looked at each time.
const FAST: u64 = 128;

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
    /// The running mean of the parameters.
    mean: TiledParameters<f32>,
    /// The updates after which it was last renewed.
    renewed: u64,
    kept: Kept,
}

impl<'a> Recorder<'a> {
    /// The memory of the mean of models (V, H) and its copies, of the last rung, and of the mean in two checkpoints.
    pub fn bytes(visible: &Layout, n_hidden: usize) -> Bytes {
        Rbm::bytes(visible.n_units(), n_hidden) * 5
            + FixedWeights::bytes::<i16>(visible, n_hidden) * 2
    }

    /// Begins the ladder in the folder of a run, or goes on with it from the [state](Self::state) of a checkpoint. Rungs
    /// that the run has yet to reach again are removed.
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
            let (mean, kept) = (parameters.exact().clone(), Kept::base(trainer));
            let recorder = Self { folder, writer, rate, mean, renewed: 0, kept };
            recorder.write(0)?;
            return Ok(recorder);
        }
        let path = last.ok_or_else(|| {
            let rule = "has no rungs of the ladder, which the settings of the run ask for";
            Error::Unsuitable { path: folder.clone(), rule: rule.to_string() }
        })?;
        let fixed = parameters.fixed();
        let kept = Kept::read(&path, [&fixed.visible_units, &fixed.hidden_units], fixed.isa())?;
        let mean = parameters.exact().restored(PREFIX, state)?;
        let renewed = state.get_one(RENEWED)?;
        Ok(Self { folder, writer, rate, mean, renewed, kept })
    }

    /// What a checkpoint keeps besides the rungs.
    pub fn state(&self) -> State {
        let mut state = State::default();
        self.mean.save(PREFIX, &mut state);
        state.put(RENEWED, &[1], vec![self.renewed]);
        state
    }

    /// Keeps the mean of the trainer's models if it has come far enough from the last rung.
    ///
    /// # Errors
    /// Errors of earlier files.
    pub fn after_update(&mut self, trainer: &Trainer) -> Result<()> {
        let updates = trainer.updates();
        if !is_one_of(updates, 6) {
            return Ok(());
        }
        let parameters = trainer.parameters();
        let share = 1.0 - libm::pow(self.renewed as f64 / updates as f64, 8.0);
        let towards = |mean: &mut f32, x: &f32| *mean += share as f32 * (x - *mean);
        self.mean.zip(parameters.exact(), towards);
        self.renewed = updates;
        if updates > FAST && !is_one_of(updates, 4) {
            return Ok(());
        }
        let weights = FixedWeights::narrow(&self.mean, parameters.fixed().isa());
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

/// Whether a number of updates is one of about 2ᵏ between powers of two.
fn is_one_of(updates: u64, k: u32) -> bool {
    updates > 0 && updates.is_multiple_of(1 << updates.ilog2().saturating_sub(k))
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
        let weights = Array2::zeros((start.n_visible(), start.n_hidden()));
        let hidden_bias = Array1::zeros(start.n_hidden());
        let rbm = Rbm::of_sites(units.clone(), weights, bias.clone(), hidden_bias)
            .expect("finite parameters");
        let biases = bias.iter().map(|&bias| f64::from(bias));
        let address = Address { seed: trainer.config().seed, updates: 0 };
        let states = units.draw_independent(biases, &mut address.streams());
        Self::new(
            FixedWeights::of_training(&rbm, trainer.parameters().fixed().isa()),
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
        let rbm = self.weights.rounded();
        let (n_visible, n_hidden) = (rbm.n_visible(), rbm.n_hidden());
        let mut state = State::default();
        let resolution = self.weights.scale.resolution();
        let places: Vec<f32> = rbm.weights().iter().map(|w| w / resolution).collect();
        match places.iter().all(|&x| f32::from(x as i16) == x) {
            true => {
                let bytes = places.iter().flat_map(|&x| (x as i16).to_le_bytes()).collect();
                state.put::<u8>("weights", &[n_visible, n_hidden, 2], bytes);
            }
            false => {
                let weights = rbm.weights().iter().copied().collect();
                state.put::<f32>("weights", &[n_visible, n_hidden], weights);
            }
        }
        state.put("resolution", &[1], vec![resolution]);
        state.put("visible_bias", &[n_visible], rbm.visible_bias().to_vec());
        state.put("hidden_bias", &[n_hidden], rbm.hidden_bias().to_vec());
        state.put_bits("states", &self.states);
        let sha256 = state.sha256();
        state.to_safetensors(KEY, sha256)
    }

    fn read(path: &Path, [visible, hidden]: [&Units; 2], isa: Isa) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::reading(path))?;
        let unsuitable = |rule| Error::Unsuitable { path: path.to_path_buf(), rule };
        let (state, sha256) = State::from_safetensors(KEY, &bytes).map_err(unsuitable)?;
        if sha256 != state.sha256() {
            return Err(unsuitable("is damaged: its SHA-256 is another".to_string()));
        }
        let (n_visible, n_hidden) = (visible.n_units(), hidden.n_units());
        let resolution: f32 = state.get_one("resolution")?;
        let weights = match state.get::<u8>("weights", &[n_visible, n_hidden, 2]) {
            Ok(bytes) => {
                let pairs = bytes.as_chunks::<2>().0;
                pairs.iter().map(|&pair| f32::from(i16::from_le_bytes(pair)) * resolution).collect()
            }
            Err(_) => state.get::<f32>("weights", &[n_visible, n_hidden])?.to_vec(),
        };
        let bias = |name, n: usize| Ok(Array1::from(state.get::<f32>(name, &[n])?.to_vec()));
        let weights = Array2::from_shape_vec((n_visible, n_hidden), weights).expect("V H weights");
        let (b, c) = (bias("visible_bias", n_visible)?, bias("hidden_bias", n_hidden)?);
        let rbm = Rbm::of_sites(visible.clone(), weights, b, c)?;
        let mut states = BitPanels::zeros(STATES, visible.layout());
        state.restore_bits("states", &mut states)?;
        Ok(Self::new(FixedWeights::of_training(&rbm, isa), states))
    }
}

/// The rungs that a run kept on the way to the model in the file `path`, from the base on, as they move chains. The model
/// may be a checkpoint, or the best of the run: later rungs are then left out.
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
