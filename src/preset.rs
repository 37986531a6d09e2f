//! Settings that were found to be good, by name.

use crate::dataset::{Binarization, Source};
use crate::error::Result;
use crate::setting::invalid;
use crate::train::{Algorithm, Averaging, TrainConfig};

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
            learning_rate: 0.2,
            weight_decay: 5e-5,
            averaging: Averaging::Exponential(10.0),
            ..TrainConfig::default()
        };
        let tempered = TrainConfig {
            algorithm: Algorithm::Pt,
            temperatures: 5,
            centering: true,
            averaging: Averaging::Tail(0.1),
            ..TrainConfig::default()
        };
        vec![
            Self {
                name: "quick",
                purpose: "a first look: 100 hidden units",
                time: "TODO",
                result: "TODO",
                data: Source::Mnist,
                config: TrainConfig {
                    hidden: 100,
                    epochs: 5,
                    averaging: Averaging::Exponential(1.0),
                    ..mnist.clone()
                },
            },
            Self {
                name: "mnist-500",
                purpose: "a good generative model of MNIST with 500 hidden units",
                time: "TODO",
                result: "TODO",
                data: Source::Mnist,
                config: TrainConfig { epochs: 1300, ..mnist.clone() },
            },
            Self {
                name: "mnist-500-threshold",
                purpose: "the same of MNIST in black and white",
                time: "TODO",
                result: "TODO",
                data: Source::Mnist,
                config: TrainConfig {
                    epochs: 400,
                    learning_rate: 0.1,
                    weight_decay: 3e-4,
                    binarize: Binarization::Threshold(0.5),
                    ..mnist.clone()
                },
            },
            Self {
                name: "mnist-16-exact",
                purpose: "16 hidden units, whose log-likelihood is exact, of MNIST in black and white",
                time: "TODO",
                result: "TODO",
                data: Source::Mnist,
                config: TrainConfig {
                    hidden: 16,
                    epochs: 200,
                    learning_rate: 0.6,
                    weight_decay: 0.0,
                    binarize: Binarization::Threshold(0.5),
                    ..mnist.clone()
                },
            },
            Self {
                name: "bars-and-stripes",
                purpose: "isolated modes of 4 x 4 pixels, reached by parallel tempering",
                time: "TODO",
                result: "TODO",
                data: Source::BarsAndStripes(4),
                config: TrainConfig {
                    hidden: 16,
                    batch_size: 32,
                    chains: Some(100),
                    epochs: 20_000,
                    learning_rate: 0.3,
                    ..tempered.clone()
                },
            },
            Self {
                name: "shifter",
                purpose: "the labeled shifter ensemble, 768 modes of 19 units",
                time: "TODO",
                result: "TODO",
                data: Source::Shifter,
                config: TrainConfig { hidden: 32, epochs: 20_000, learning_rate: 0.5, ..tempered },
            },
            Self {
                name: "features",
                purpose: "1,000 features of MNIST for a classifier",
                time: "TODO",
                result: "TODO",
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
