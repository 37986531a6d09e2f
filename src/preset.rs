//! Presets: good settings by name. `benches/README.md` lists the trials that led to them and to the
//! defaults of training.

use crate::dataset::{Binarization, Source};
use crate::error::Result;
use crate::setting::{did_you_mean, invalid};
use crate::train::{Algorithm, Averaging, Schedule, TrainConfig};

/// Data and settings that serve a purpose.
#[derive(Clone, Debug)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// The purpose.
    pub purpose: &'static str,
    /// The training time on two cores.
    pub time: &'static str,
    /// The quality of the model.
    pub result: &'static str,
    /// The data.
    pub data: Source,
    /// The settings.
    pub config: TrainConfig,
}

impl Preset {
    /// All presets.
    pub fn all() -> Vec<Self> {
        let plain = TrainConfig { schedule: Schedule::Linear, ..TrainConfig::plain() };
        let mnist = TrainConfig {
            // This gains most.
            centering: true,
            // 0.1 and 0.4 give less.
            learning_rate: 0.2,
            // Long runs overfit without it, and 4e-4 is too much.
            weight_decay: 5e-5,
            // Even at the end, mini-batches make the parameters noisy.
            averaging: Averaging::Exponential(10.0),
            ..plain.clone()
        };
        let tempered = TrainConfig {
            // The modes are far apart: plain chains never leave theirs.
            algorithm: Algorithm::Pt,
            temperatures: 5,
            centering: true,
            averaging: Averaging::Tail(0.1),
            ..plain
        };
        vec![
            Self {
                name: "quick",
                purpose: "a first look: 100 hidden units",
                time: "3 seconds",
                result: "test log-likelihood -104.4 nats an image by AIS from both sides",
                data: Source::Mnist,
                config: TrainConfig {
                    hidden: Some(100),
                    epochs: Some(10),
                    // A short run has little to average over.
                    averaging: Averaging::Exponential(1.0),
                    ..mnist.clone()
                },
            },
            Self {
                name: "mnist-500",
                purpose: "a good generative model of MNIST with 500 hidden units",
                time: "10 minutes",
                result: "test log-likelihood -83.08 nats an image by AIS from both sides; -83.36 with --epochs 450, in 5 minutes",
                data: Source::Mnist,
                config: TrainConfig { epochs: Some(1300), ..mnist.clone() },
            },
            Self {
                name: "mnist-500-threshold",
                purpose: "a good generative model of MNIST in black and white",
                time: "2 to 3 minutes",
                result: "test log-likelihood -65.75 nats an image by AIS from both sides",
                data: Source::Mnist,
                config: TrainConfig {
                    epochs: Some(400),
                    // 0.05 and 0.2 give less.
                    learning_rate: 0.1,
                    // The black and white images are few enough to overfit to; 1e-3 is too much.
                    weight_decay: 3e-4,
                    binarize: Binarization::Threshold(0.5),
                    ..mnist.clone()
                },
            },
            Self {
                name: "mnist-16-exact",
                purpose: "16 hidden units, few enough for an exact log-likelihood, on MNIST in black and white",
                time: "half a minute",
                result: "test log-likelihood -134.56 nats an image, exact",
                data: Source::Mnist,
                config: TrainConfig {
                    hidden: Some(16),
                    epochs: Some(200),
                    // Few hidden units need a much higher rate; 1 is too high.
                    learning_rate: 0.6,
                    weight_decay: 0.0,
                    binarize: Binarization::Threshold(0.5),
                    ..mnist.clone()
                },
            },
            Self {
                name: "bars-and-stripes",
                purpose: "isolated modes of 4 x 4 pixels, reached by parallel tempering",
                time: "10 seconds",
                result: "log-likelihood -3.393 nats an image, exact, of at most -3.379",
                data: Source::BarsAndStripes(4),
                config: TrainConfig {
                    hidden: Some(16),
                    // All examples, so that an epoch is one update.
                    batch_size: 32,
                    // 500 give no more than 0.002 nats.
                    chains: Some(100),
                    epochs: Some(20_000),
                    // 0.1 gives less.
                    learning_rate: 0.3,
                    ..tempered.clone()
                },
            },
            Self {
                name: "shifter",
                purpose: "the labeled shifter ensemble, 768 modes of 19 units",
                time: "half a minute",
                result: "log-likelihood -6.659 nats an example, exact, of at most -6.644",
                data: Source::Shifter,
                config: TrainConfig {
                    hidden: Some(32),
                    // These make 120,000 updates; 30,000 end 0.09 nats lower.
                    epochs: Some(20_000),
                    learning_rate: 0.5,
                    ..tempered
                },
            },
            Self {
                name: "clusters",
                purpose: "data with several clusters, such as families, phases or populations; for your own, give --data",
                time: "10 seconds",
                result: "the shares of five simulated populations; 0.7 nats below their truth with 16 hidden units",
                data: Source::Populations(0),
                config: TrainConfig {
                    // 500 fit the noise of some thousand examples: 1.8 nats less on the test data.
                    hidden: Some(100),
                    // Plain chains never leave their cluster, and then the shares of the model are wrong.
                    algorithm: Algorithm::Pt,
                    // 0.4 takes more temperatures for no better models; with 3 or 5 of them more models miss a share.
                    swap_rate: 0.2,
                    // The shares of single models scatter: a shorter average has them wrong more often.
                    averaging: Averaging::Tail(0.5),
                    epochs: Some(55),
                    ..TrainConfig::default()
                },
            },
            Self {
                name: "features",
                purpose: "1,000 features of MNIST for a classifier",
                time: "2 to 3 minutes",
                result: "1.58 % test error of a logistic regression (benches/features/classify.py)",
                data: Source::Mnist,
                config: TrainConfig {
                    hidden: Some(1000),
                    epochs: Some(120),
                    // Centering gives a better model, but worse features.
                    centering: false,
                    // 0.4 gives more errors.
                    learning_rate: 0.1,
                    weight_decay: 0.0,
                    // Every trial without a sparsity target gave more errors.
                    sparsity_target: 0.05,
                    sparsity_cost: 0.02,
                    averaging: Averaging::Exponential(5.0),
                    ..mnist
                },
            },
        ]
    }

    /// The preset of this name.
    ///
    /// # Errors
    /// [`Error::InvalidSetting`](crate::Error::InvalidSetting), which lists all names, if there is no such
    /// preset.
    pub fn find(name: &str) -> Result<Self> {
        let all = Self::all();
        let names: Vec<_> = all.iter().map(|preset| preset.name).collect();
        let meant = did_you_mean(name, names.iter().copied());
        let rule = format!("one of {}{meant}", names.join(", "));
        all.into_iter()
            .find(|preset| preset.name == name)
            .ok_or_else(|| invalid("preset", name, rule))
    }
}
