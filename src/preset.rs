//! Settings that were found to be good, by name.

use crate::dataset::{Binarization, Source};
use crate::error::Result;
use crate::setting::invalid;
use crate::train::{Algorithm, Averaging, Schedule, TrainConfig};

/// Data and settings for a purpose.
#[derive(Clone, Debug)]
pub struct Preset {
    /// What it is called.
    pub name: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    /// How long it takes on two cores.
    pub time: &'static str,
    /// What comes out.
    pub result: &'static str,
    /// The data.
    pub data: Source,
    /// The settings.
    pub config: TrainConfig,
}

impl Preset {
    /// All of them.
    pub fn all() -> Vec<Self> {
        let mnist = TrainConfig {
            centering: true,
            averaging: Averaging::Exponential(5.0),
            ..TrainConfig::default()
        };
        vec![
            Self {
                name: "quick",
                purpose: "a first look: strokes appear in the filters of 100 hidden units",
                time: "",
                result: "",
                data: Source::Mnist,
                config: TrainConfig { hidden: 100, epochs: 5, ..mnist.clone() },
            },
            Self {
                name: "mnist-500",
                purpose: "the best generative model of MNIST with 500 hidden units",
                time: "",
                result: "",
                data: Source::Mnist,
                config: TrainConfig { epochs: 500, learning_rate: 0.15, ..mnist.clone() },
            },
            Self {
                name: "mnist-16-exact",
                purpose: "a model of black and white MNIST whose log-likelihood is exact",
                time: "",
                result: "",
                data: Source::Mnist,
                config: TrainConfig {
                    hidden: 16,
                    epochs: 200,
                    binarize: Binarization::Threshold(0.5),
                    ..mnist.clone()
                },
            },
            Self {
                name: "bars-and-stripes",
                purpose: "a distribution of isolated modes, reached by parallel tempering",
                time: "",
                result: "",
                data: Source::BarsAndStripes(4),
                config: TrainConfig {
                    hidden: 16,
                    batch_size: 32,
                    chains: Some(500),
                    epochs: 20_000,
                    algorithm: Algorithm::Pt,
                    schedule: Schedule::Linear,
                    averaging: Averaging::Tail(0.1),
                    ..mnist.clone()
                },
            },
            Self {
                name: "features",
                purpose: "1,000 features of MNIST for a classifier",
                time: "",
                result: "",
                data: Source::Mnist,
                config: TrainConfig { hidden: 1000, epochs: 50, ..mnist },
            },
        ]
    }

    /// The one of this name.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting) that lists all names.
    pub fn find(name: &str) -> Result<Self> {
        let all = Self::all();
        let names: Vec<_> = all.iter().map(|preset| preset.name).collect();
        let rule = format!("one of {}", names.join(", "));
        all.into_iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| invalid("preset", name, rule))
    }
}
