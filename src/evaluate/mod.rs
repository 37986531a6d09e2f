//! How good a model is: scores of examples under it, each with its uncertainty.
//!
//! ```text
//!  exact ─────────────────────────────────────────────────┐
//!  path ──► annealing_schedule ─┬─► ais ──┐               │
//!           model_states ───────┼─► ais   ├─► evidence ───┼─► evaluation: log-likelihood,
//!           mean_field ─────────┼─────────┘   └► verdict ─┤   interval, verdict
//!                               └─► raise ────────────────┤       │
//!  tempered_ladder, ladder of a run ─► exchange_evidence ─┤
//!  base, free_energy ─────────────────────────────────────┘       └──► report: records, JSON, pages, text
//!  trajectory_ais: log Z along training
//!  hidden_activity, pseudo_likelihood, reconstruction: without log Z
//!  classifier: p(label | v); imputation: what examples lack; observed: ln p of what they have
//!  couplings: the model as fields and couplings of its sites; two_sample: samples against data
//!  independent: the score to beat; chain_moments: whether the chains lie where the data do
//!  spectrum: the leading singular values of W
//!  mixing: whether the model and its chains visit the modes of the data
//! ```
//!
//! Everything here is computed in double precision, in a fixed order, with the same bits on any
//! number of threads.

mod score;

mod log_mean;

pub mod exact;

pub mod annealing_schedule;

mod tempered_ladder;

mod evaluation_config;

pub mod ais;

pub mod base;

mod model_states;

mod mean_field;

pub mod evidence;

pub mod exchange_evidence;

pub mod verdict;

pub mod raise;

pub mod free_energy;

pub mod trajectory_ais;

pub mod hidden_activity;

pub mod pseudo_likelihood;

pub mod reconstruction;

pub mod imputation;

pub mod observed;

pub mod independent;

pub mod chain_moments;

mod eigen;

#[cfg(feature = "cli")]
pub(crate) mod spectrum;

pub mod classifier;

pub mod couplings;

pub mod two_sample;

pub(crate) mod site_moments;

pub mod mixing;

pub mod evaluation;

pub mod report;

pub mod number_means;

pub mod entries;

mod text;

pub use ais::Ais;
pub use annealing_schedule::AnnealingSchedule;
pub use base::Base;
pub use classifier::{ClassScore, Classifier};
pub use entries::{Entries, EntryReport};
pub use evaluation::{Evaluation, Evaluator};
pub use evaluation_config::{EXACT_BY_ITSELF, EvaluationConfig, MAX_CHAINS, Method};
pub use evidence::Evidence;
pub use exact::Exact;
pub use exchange_evidence::ExchangeEvidence;
pub use hidden_activity::HiddenActivity;
pub use imputation::Imputation;
pub use independent::Independent;
pub use log_mean::LogMean;
pub use mixing::Mixing;
pub use number_means::NumberMeans;
pub use observed::Observed;
pub use report::{EvaluationReport, LikelihoodReport};
pub use score::Score;
pub use tempered_ladder::tempered_ladder;
#[cfg(feature = "cli")]
pub(crate) use text::VALUES;
pub use trajectory_ais::{TrajectoryAis, TrajectoryEstimate};
pub use verdict::{Estimate, Verdict};
