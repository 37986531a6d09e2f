//! Maximum-likelihood training of restricted Boltzmann machines, on every core of a CPU, to the
//! same bits each time. The [`guide`] begins with a first model; this page is about the library.
//!
//! # Four programs
//!
//! Train on data of one's own, and keep the model:
//!
//! ```
//! use harmonium::dataset::{Binarization, Dataset, Examples};
//! use harmonium::{BitMatrix, Rbm, TrainConfig, Trainer, evaluate::Exact};
//!
//! // Four examples of two pixels that always agree.
//! let pairs = BitMatrix::from_fn(4, 2, |example, _| example % 2 == 0);
//! let dataset = Dataset::from_bits("pairs", pairs.clone());
//! let examples = Examples::new(dataset, Binarization::Stochastic);
//! let config = TrainConfig {
//!     hidden: Some(4),
//!     epochs: Some(2000),
//!     gibbs_steps: 5,
//!     batch_size: 4,
//!     chains: Some(100),
//!     learning_rate: 0.3,
//!     ..TrainConfig::default()
//! };
//! let mut trainer = Trainer::new(config, examples)?;
//! trainer.run(&mut [])?;
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("pairs.safetensors");
//! trainer.model().write(&path)?;
//! // A fair coin costs ln 2 = 0.693 nats an example; nothing can do better.
//! let score = Exact::new(&Rbm::load(&path)?)?.log_likelihood(&pairs);
//! assert!(score.mean > -0.75, "{score:?}");
//! # Ok::<(), harmonium::Error>(())
//! ```
//!
//! Watch a run with a monitor of one's own:
//!
//! ```
//! use harmonium::dataset::{Binarization, Dataset, Examples};
//! use harmonium::gibbs::FixedModel;
//! use harmonium::monitor::{EpochRecord, Monitor};
//! use harmonium::{BitMatrix, Result, TrainConfig, Trainer};
//!
//! struct Print;
//!
//! impl Monitor for Print {
//!     fn after_epoch(&mut self, _: &Trainer, model: FixedModel<'_>, record: &EpochRecord) -> Result<()> {
//!         let EpochRecord { epoch, pseudo_likelihood, .. } = record;
//!         println!("{epoch}: {pseudo_likelihood:?}, norm {:.2}", model.rbm.norm());
//!         Ok(())
//!     }
//! }
//!
//! let bars = BitMatrix::from_fn(4, 2, |example, pixel| example >> pixel & 1 == 1);
//! let examples = Examples::new(Dataset::from_bits("bars", bars), Binarization::Stochastic);
//! let config = TrainConfig { hidden: Some(3), epochs: Some(5), ..TrainConfig::default() };
//! Trainer::new(config, examples)?.run(&mut [&mut Print])?;
//! # Ok::<(), harmonium::Error>(())
//! ```
//!
//! Ask for a log-likelihood, and whether to believe it:
//!
//! ```
//! use harmonium::evaluate::{EvaluationConfig, Method};
//! use harmonium::{BitMatrix, Rbm};
//! use ndarray::{Array1, Array2};
//!
//! let coins = Rbm::new(Array2::zeros((8, 3)), Array1::zeros(8), Array1::zeros(3))?;
//! let budget = EvaluationConfig { method: Method::Ais, n_chains: 100, ..EvaluationConfig::default() };
//! let found = coins.log_likelihood(&BitMatrix::zeros(100, 8), budget)?;
//! // log-likelihood    -5.55 nats an example (± 0.00 over 100), -5.64 to -5.55 by the 99 % …
//! println!("{found}");
//! assert!((found.log_likelihood.mean + 8.0 * 2_f64.ln()).abs() < 0.1);
//! assert_eq!(found.verdict.name(), "believable");
//! # Ok::<(), harmonium::Error>(())
//! ```
//!
//! Draw samples, and complete an example of which some pixels are given:
//!
//! ```
//! use harmonium::{BitMatrix, Rbm};
//! use ndarray::{arr1, arr2};
//!
//! // Two pixels that agree: both are tied to the one hidden unit.
//! let rbm = Rbm::new(arr2(&[[20.0], [20.0]]), arr1(&[-10.0, -10.0]), arr1(&[-20.0]))?;
//! let samples = rbm.sample(100, 1000, 0)?;
//! assert!((0..100).all(|n| samples.get(n, 0) == samples.get(n, 1)));
//! // The left pixel is on; what is the right one?
//! let (example, left) = (BitMatrix::from_fn(1, 2, |_, i| i == 0), BitMatrix::from_fn(1, 2, |_, i| i == 0));
//! let means = rbm.conditional_mean(&example, &left, 1000, 0)?;
//! assert!(means[[0, 1]] > 0.99);
//! # Ok::<(), harmonium::Error>(())
//! ```
//!
//! # Symbols
//!
//! | symbol | meaning | shape |
//! | --- | --- | --- |
//! | V, H | number of visible, hidden units | |
//! | N, C | examples in a mini-batch, persistent chains | |
//! | W | weights, `weights[[i, j]]` joins visible i and hidden j | (V, H) |
//! | b, c | visible bias, hidden bias | (V), (H) |
//! | v, h | states, 0 or 1 | (N or C, V), (N or C, H) |
//! | k | sweeps of a chain in an update | |
//! | ε, μ, λ | learning rate, momentum, weight decay | |
//! | W̃ | W in fixed point, an i16 of 11 binary places in training, else an i32 of 20, kept in both orders: [`gibbs::FixedWeights`] | (V, H) |
//! | β | inverse temperature on the path of annealing, 0 to 1 | |
//! | a | log-odds of the pixels at its start | (V) |
//! | p̃ | 255 p(h \| v), dithered to an integer: [`kernels::sigmoid::means`] | (N or C, H) |
//! | μ, λ | offsets of the centred gradient (elsewhere μ is the momentum, λ the weight decay) | (V), (H) |
//! | D, f, g | ⟨vᵢhⱼ⟩, ⟨vᵢ⟩, ⟨hⱼ⟩ of the data less those of the model | (V, H), (V), (H) |
//!
//! A *sweep* draws v given h, then h given the new v. An *update* changes the parameters once. An
//! *epoch* is one pass over the data. A *site* takes one value; its units are columns of v ([`units`]).
//!
//! # The model
//!
//! Energy E(v, h) = −b·v − c·h − vᵀW h, and p(v, h) = e^(−E(v, h)) / Z with Z = Σ_{v,h} e^(−E)
//! (Smolensky, 1986, who named it harmonium). Given one layer, the units of the other are
//! independent:
//!
//! ```text
//! p(hⱼ = 1 | v) = σ(cⱼ + Σᵢ vᵢ Wᵢⱼ)        p(vᵢ = 1 | h) = σ(bᵢ + Σⱼ Wᵢⱼ hⱼ)
//! ```
//!
//! so the hidden units can be summed out: p(v) = e^(−F(v)) / Z with the free energy
//! F(v) = −b·v − Σⱼ softplus(cⱼ + Σᵢ vᵢ Wᵢⱼ) ([`Rbm::free_energy`]).
//!
//! # From ln p(v) to the update
//!
//! Take θ to be any of the parameters.
//!
//! 1. ln p(v) = ln Σ_h e^(−E(v,h)) − ln Z.
//! 2. The derivative of the first term: Σ_h e^(−E) (−∂E/∂θ) / Σ_h e^(−E). The quotient
//!    e^(−E(v,h)) / Σ_h e^(−E(v,h)) is p(h | v), so the term is −E_{p(h|v)}[∂E/∂θ].
//! 3. The derivative of −ln Z is, in the same way, +E_{p(v,h)}[∂E/∂θ]: the quotient is now
//!    p(v, h).
//! 4. Together
//!
//!    ```text
//!    ∂ ln p(v)/∂θ = −E_{p(h|v)}[∂E/∂θ] + E_{p(v,h)}[∂E/∂θ]
//!    ```
//!
//!    and with ∂E/∂Wᵢⱼ = −vᵢhⱼ, ∂E/∂bᵢ = −vᵢ, ∂E/∂cⱼ = −hⱼ, averaged over the data:
//!
//!    ```text
//!    ∂/∂Wᵢⱼ = ⟨vᵢhⱼ⟩_data − ⟨vᵢhⱼ⟩_model
//!    ∂/∂bᵢ  = ⟨vᵢ⟩_data   − ⟨vᵢ⟩_model        ∂/∂cⱼ = ⟨hⱼ⟩_data − ⟨hⱼ⟩_model
//!    ```
//!
//!    Examples may have weights w ([`Dataset::weighted`]): ⟨f⟩_data is then Σ w f / Σ w, here and in the
//!    start, the offsets and all scores. Mini-batches estimate it without bias (`train::row_weights`).
//!
//! Three points where people go wrong, each held by a test in `tests/gradient.rs`:
//!
//! - **When may an expectation and ∂/∂θ be exchanged?** Only while the distribution under the
//!   expectation is held fixed. In step 2 it is not the expectation that is differentiated but the
//!   sum; p(h | v) comes out of the quotient. In general ∂/∂θ E_p\[E\] = E_p\[∂E/∂θ\] + Σ E ∂p/∂θ, and
//!   the second term is not 0, as p depends on θ. Programs that let automatic differentiation run
//!   through a mean of F(data) − F(samples) are right only because the samples are held constant
//!   (a stop-gradient); let the derivative into the samples' distribution, and the result is
//!   another vector.
//! - **What has to be sampled?** Not h in the positive phase: E[hⱼ | v] = p(hⱼ = 1 | v) is known in
//!   closed form, so ⟨vᵢhⱼ⟩_data = mean of vᵢ p(hⱼ = 1 | v). A draw of h would have the same mean
//!   and only add noise. The negative phase does need samples of the model, as Z is out of reach;
//!   of these only v: each v again brings p(h | v) in closed form.
//! - **Why upward?** ln p(data) is to be made large, so θ ← θ + ε · gradient: data raise the
//!   correlations that they show, samples of the model lower their own. (Programs that minimise a
//!   loss step down the gradient of −ln p, which is the same.)
//!
//! The model's samples are C Gibbs chains that go on from update to update (persistent contrastive
//! divergence, PCD; Tieleman, 2008): the parameters move slowly, so chains that were near the
//! model's distribution stay near it. Each update moves every chain k sweeps. Two other ways lie
//! behind the same seam, [`train::Algorithm`]: chains that start at the mini-batch in every
//! update (CD), and chains that change places with replicas at higher temperatures
//! ([`gibbs::Tempering`]), for models whose modes are far apart.
//!
//! # Sites
//!
//! A visible *site* is a bit, or takes one of q values and has q units, of which one is on
//! ([`units::Units::of_sites`]). All of the above holds for units; what differs is that p(v | h) draws one value a
//! site, p(a | h) = e^{x_a} / Σ_b e^{x_b} with the inputs x = b + W h of its units ([`units::category`]). Sequences of
//! letters and tables of categories are read as such sites ([`dataset::Columns`]). Their parameters have a gauge
//! ([`Rbm::zero_sum_gauge`]); a model of bits is one of spins, too ([`Rbm::to_spins`]).
//!
//! A *label* is one more site, the last ([`dataset::Labels`]), so that the model is p(v, y). p(y | v) then has a
//! closed form, in which b·v and Z cancel ([`evaluate::Classifier`]):
//!
//! ```text
//! p(y | v) ∝ exp(d_y + Σⱼ softplus(cⱼ + U_yj + Σᵢ vᵢ Wᵢⱼ))
//! ```
//!
//! and so has the gradient of ln p(y | v), which needs no chains. [`train::Objective`] says whether training
//! climbs ln p(v, y), ln p(y | v) or both. Labels that are unknown are summed out.
//!
//! Examples may lack values ([`Dataset::with_missing`]), in one of two ways ([`train::Missing`]). *Absent*: a site
//! without a value is no part of the model of its example, in both phases (Salakhutdinov, Mnih and Hinton, 2007).
//! *Marginal*: it is summed out, by a chain of the example that is clamped to the values it has; this is right
//! for values that are missing at random. [`evaluate::Imputation`] predicts what is missing.
//!
//! # From the gradient to a good model
//!
//! The gradient may be *centred* ([`TrainConfig::centering`]): it is then the gradient of the same model
//! written in v − μ and h − λ, whose weights need not carry the means. Of all settings this one helps
//! most. It also makes training blind to which pixels are white and which black. Near the end of a run
//! the noise of the mini-batches still shakes the parameters; it hardly moves their average
//! ([`train::Averaging`]). [`preset`] has the best settings that were found, `benches/README.md` all that
//! were tried.
//!
//! # From samples to log Z
//!
//! A likelihood needs Z. If the smaller layer has at most 28 units, Z is summed ([`evaluate::exact`]).
//! Beyond that, chains move along p_β(v, h) ∝ exp((1 − β) a·v + β (b·v + c·h + vᵀWh)), from independent
//! pixels at the rates of the data (β = 0, Z known) to the model (β = 1), by steps β → β' with a
//! sweep at each ([`gibbs::Path`], [`gibbs::AnnealedChains`]). A chain gathers
//!
//! ```text
//! log w = Σ_steps (β' − β) (b − a)·v + Σⱼ [softplus(β' xⱼ) − softplus(β xⱼ)],   xⱼ = cⱼ + Σᵢ vᵢ Wᵢⱼ
//! ```
//!
//! and the mean of w is Z over that of the base (annealed importance sampling, AIS; Neal, 2001;
//! Salakhutdinov and Murray, 2008). Forward chains err low on average. Reverse chains, which go back
//! from samples of the model, err high if they start in its distribution. [`evaluate::ais`] says which
//! estimate errs to which side. [`evaluate::evidence`] says where the base and the reverse chains come
//! from, [`evaluate::verdict`] when an estimate is believed.
//!
//! Chains of a whole ladder that swap states pass between modes that annealing may miss. Bennett's ratios of neighbours
//! then lead from Z of the base to that of the model ([`evaluate::exchange_evidence`]). Whether the model gives the
//! modes of its data the right mass, and whether plain chains reach them, is looked at by [`evaluate::mixing`].
//!
//! Training is a path, too. Chains that start where Z is known and follow the parameters give log Z in every
//! epoch ([`evaluate::TrajectoryAis`]).
//!
//! # The flow of data
//!
//! ```text
//!              ┌──────────── train ────────────────────────────────────────────────┐
//!  dataset ──► │ mini-batch v ──► p(h|v) ──► Σ v p̃ ─┐                              │
//!  (bits)      │                                    ├─► gradient ──► W, b, c ──► W̃ │──► model ──► file
//!  rng ──────► │ chains  h ──► v ──► p(h|v) ──► Σ v p̃ ─┘                     │       │
//!              │         ▲        next h │                                  │       │
//!              │         └───────────────┴────────── gibbs, kernels ◄───────┘       │
//!              └──────────────────────────────────┬─────────────────────────────────┘
//!                                                 └──► evaluate ──► monitor ──► run folder
//! ```
//!
//! One mini-batch, on its way through an update ([`train::Ascent`]):
//!
//! ```text
//!  Trainer: order, epoch ──┐
//!  OnlineTrainer ──────────┴─► Ascent::update
//!                               clamp        v of the data                   positive_phase
//!                               sweep        h ► v ► h … of the chains       negative_phase, gibbs
//!                               mean_hidden  p(h | v) of both, statistics    label_phase, mean_hidden, statistics
//!                               ascend       gradient, rule, range           gradient, optimizer, step
//! ```
//!
//! | what | where it lives | who reads it |
//! | --- | --- | --- |
//! | W, b, c | `exact` in `train::parameters`, in tiles | the rule, which also writes W̃ and W̃ᵀ, a tile at a time |
//! | W̃, W̃ᵀ in training | `fixed` in `train::parameters` | the chains |
//! | W̃, W̃ᵀ as fine as they fit | [`gibbs::FixedModel`], made once a record | all scores and the snapshot of the record |
//! | a setting | one row of a table in [`setting`] | flags, TOML, Python's keywords and their help; then `TrainConfig`, checked once |
//! | the plan of a run | `train::timetable` | the update: its sweeps, its rate, the end of its epoch |
//! | a result | [`evaluate::EvaluationReport`] | JSON, the page, records, Python |
//! | a run folder | `run::files` names its files, `run::folder` opens it | `run`, `report`, `cli` |
//!
//! A new kind of unit is a file in [`units`]; a way to reach the model's distribution is an arm in
//! `train::negative_phase`; an update rule is one in `train::optimizer`; a setting is a row; a score is a
//! file in [`evaluate`]; an instruction set is a level in [`kernels::isa`], which the compiler then asks
//! for wherever it matters. A program chooses the instruction set once, at its top, and hands it down.
//!
//! Modules import only from those above them in this list:
//!
//! | module | holds |
//! | --- | --- |
//! | [`error`] | what can go wrong |
//! | [`memory`] | how much memory there is, and whether the work fits |
//! | [`watch`] | progress of a long computation, and the wish to stop it |
//! | [`setting`] | the table of settings: rules, defaults, sentences; values as text |
//! | [`threads`] | how many threads a command or a call has |
//! | [`ranks`] | processes that train one model together |
//! | [`whole_file`] | files that are whole or not there |
//! | `mapped` | files whose bytes are read in place |
//! | [`layout`] | where the units of a layer stand in panels of 64 |
//! | [`bits`] | rows of packed 0/1 |
//! | [`reals`] | rows of real numbers, zeros left out |
//! | [`states`] | rows of visible states: bits or real numbers |
//! | [`rng`] | random streams with an address |
//! | [`state`] | named arrays, which checkpoints hold |
//! | [`fixed`] | fixed point: scale, rounding, range |
//! | [`kernels`] | sums over active rows, σ, softplus, draws, transposes, tiled matrices, the update of a tile |
//! | [`units`] | what a layer is made of: mean, draw, cumulant, start of a site |
//! | [`model`] | [`Rbm`]: W, b, c; energies; its file; its parameters in tiles |
//! | [`gibbs`] | one layer given the other; chains, on their own, annealed or with given pixels |
//! | [`dataset`] | data, readers, what integers stand for, bits; labels, weights, holes; which pixels are given |
//! | [`train`] | settings, both phases, update, [`Trainer`] |
//! | [`preset`] | good settings by name |
//! | [`evaluate`] | log-likelihood and other scores, with their uncertainty; p(label \| v), what is missing; modes; couplings |
//! | [`checkpoint`] | a trainer's whole state as a file |
//! | [`interchange`] | models of other programs, and for them |
//! | `pictures` | grids of images as PNG |
//! | [`monitor`] | records of a run and where they go |
//! | [`run`] | a whole run |
//! | [`sweep`] | many runs side by side, and the best of them |
//! | [`report`] | a page on runs: curves, pictures, what looks wrong |
//! | `bench` | times of an update by stage |
//! | [`cli`] | the command line |
//! | [`guide`] | pages for readers, whose snippets are tests |
//!
//! # Why the same bits
//!
//! Binary states turn matrix products into sums of the rows that are on. All sums of the hot loop
//! are integers ([`fixed`], [`kernels::rows`]), which are exact in any order: neither the number of
//! threads, nor the instruction set, nor the split of the work, among [`ranks`] of a cluster too, can change the
//! result. The floats that
//! remain use +, ×, ÷, √ in one fixed order, our own polynomial for σ ([`kernels::sigmoid`]), or the
//! `libm` crate. Random numbers have an address (seed, purpose,
//! index) and are never drawn from a shared generator ([`rng`]).
//!
//! Data that are taken as real numbers cannot be summed as integers. Each of their inputs and statistics
//! is one f32 sum in the order of the units or of the examples, zeros skipped
//! ([`kernels::scaled_rows`]). No split changes that order. Numbers beyond 1 make longer steps, so W̃ then
//! has a wider range ([`fixed::Scale::for_numbers`]).
//!
//! *What the integers leave out.* W and all it is moved by stay in f32. The chains of training and the
//! statistics read W̃, which has 11 binary places while no weight is above 12 (then 10, 9 and 8, and 32 bits
//! from 96 on; it changes when the range is checked, at the end of an epoch or when a weight could pass the
//! limit). It errs by up to 2.4e-4, an input by some 1.4e-4 times the root of the number of units that are on,
//! 1.4e-3 on MNIST: the chains sample a model that is about 1e-4 nats from the one that is stored. p̃ has
//! 255 steps. It is rounded up or down by a dither that is spread evenly over the rows and drawn anew for
//! each unit and update, so that its mean is exactly 255 p, for a single row as for many. Evaluations,
//! samples, features and monitors use W̃ with 20 places, which err by 5e-7, less than sums in f32.
//!
//! # Exit codes
//!
//! The program ends with 0 if it did what it was asked. It ends with 2 if the command line, a settings file or the
//! environment is wrong, wherever that is found ([`Error::is_misuse`]), and with 1 if anything else failed: a file,
//! data that do not fit the model, a training that diverged. A run, or a sweep of runs, that a signal stopped ends with
//! 128 plus the number of the signal, and can be resumed. So can a run on several ranks that ends with 75, as one of
//! them did not answer.
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | `cli`, on by default | the command line and what it needs: run folders, reports, pictures, progress |
//! | `mnist`, on by default | MNIST, compiled in |
//! | `mpi` | `ranks::mpi`, `train --mpi`: one run, or the runs of a sweep, on the processes of an MPI job; it needs an MPI and libclang |
//!
//! Without them the library needs 71 packages at most, and still trains, evaluates and saves.
//!
//! # What may change
//!
//! Versions are 0.MINOR.PATCH. A new PATCH breaks nothing: public items, flags and keys mean what they meant, and
//! a seed gives the same numbers, unless a figure was wrong. A new MINOR may change them, and the defaults, too.
//! `CHANGELOG.md` names every such change. Draws or roundings of training that change raise
//! [`rng::STREAM_VERSION`], and so MINOR. Models and settings files of every earlier version are read. A
//! checkpoint goes on only with the stream version that wrote it, and a file with parts that this version does
//! not know is refused, never read in part. Only a new MINOR may need a newer Rust.
//!
//! The modules `memory`, `setting`, `threads`, `whole_file`, `fixed`, `state`, `kernels`, `pictures` and `cli`
//! serve the benches, the tests and the program of this project. The documentation hides them, and any
//! version may change them.
//! Results, errors and choices are `#[non_exhaustive]`: they may grow. Settings may grow, too, but
//! `#[non_exhaustive]` would forbid `TrainConfig { hidden: Some(4), ..TrainConfig::default() }`; written
//! in this way, they do not break when a field is added.

#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod error;

#[doc(hidden)]
pub mod memory;

pub mod watch;

#[doc(hidden)]
pub mod setting;

#[doc(hidden)]
pub mod threads;

pub mod ranks;

#[doc(hidden)]
pub mod whole_file;

mod mapped;

pub mod layout;

pub mod bits;

pub mod reals;

pub mod states;

pub mod rng;

#[doc(hidden)]
pub mod state;

#[doc(hidden)]
pub mod fixed;

#[doc(hidden)]
pub mod kernels;

pub mod units;

pub mod model;

pub mod gibbs;

pub mod dataset;

pub mod train;

pub mod preset;

pub mod evaluate;

pub mod checkpoint;

#[cfg(feature = "cli")]
pub mod interchange;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod pictures;

pub mod monitor;

#[cfg(feature = "cli")]
pub mod run;

#[cfg(feature = "cli")]
pub mod sweep;

#[cfg(feature = "cli")]
pub mod report;

#[cfg(feature = "cli")]
mod bench;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

// Its pages do not make the crate anew when they change.
#[cfg(any(doc, doctest))]
pub mod guide;

pub use bits::BitMatrix;
pub use dataset::{Dataset, Examples};
pub use error::{Error, Result};
pub use kernels::Isa;
pub use model::Rbm;
pub use train::{TrainConfig, Trainer};
pub use watch::Watch;
