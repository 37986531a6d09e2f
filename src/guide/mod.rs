//! The guide: from the first run to how the numbers are made.
//!
//! | page | for |
//! | --- | --- |
//! | [`mnist`] | a first model, from nothing to samples, a log-likelihood and a report |
//! | [`own_data`] | files of your own: what is inferred, what you must say, missing values |
//! | [`clusters`] | data with several modes, such as families, phases or populations |
//! | [`sequences`] | FASTA: weights of the sequences, couplings, scores of variants |
//! | [`ratings`] | tables with holes, and how to fill them |
//! | [`classifier`] | labels, and p(label \| example) |
//! | [`python`] | Python, scikit-learn, pandas |
//! | [`numbers`] | what a log-likelihood, its interval and its verdict are, and how they are made |
//! | [`settings`] | which settings to change, and in which order |
//! | [`troubleshooting`] | what the program says, why, and what to do |
//! | [`derivation`] | the formulas on one page, with the papers |
//! | [`others`] | other packages, and what each does better |
//!
//! The commands are those of a shell in an empty folder. The gate of the project types all but those that a page marks
//! otherwise, and compares what they print with what the pages show, where `…` stands for anything. Times are those of
//! two cores.

#[doc = include_str!("mnist.md")]
pub mod mnist {}

#[doc = include_str!("own_data.md")]
pub mod own_data {}

#[doc = include_str!("clusters.md")]
pub mod clusters {}

#[doc = include_str!("sequences.md")]
pub mod sequences {}

#[doc = include_str!("ratings.md")]
pub mod ratings {}

#[doc = include_str!("classifier.md")]
pub mod classifier {}

#[doc = include_str!("python.md")]
pub mod python {}

#[doc = include_str!("numbers.md")]
pub mod numbers {}

#[doc = include_str!("settings.md")]
pub mod settings {}

#[doc = include_str!("troubleshooting.md")]
pub mod troubleshooting {}

#[doc = include_str!("derivation.md")]
pub mod derivation {}

#[doc = include_str!("others.md")]
pub mod others {}
