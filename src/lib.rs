//! harmonium
pub mod error;

pub mod whole_file;

pub mod bits;

pub mod fixed;

pub mod rng;

pub mod kernels;

pub mod model;

pub mod gibbs;

pub use bits::BitMatrix;
pub use error::{Error, Result};
pub use model::Rbm;
