//! Settings that were found to be good, by name.
//!
//! # What was tried
//!
//! Every choice was made by the last 10,000 training images of MNIST, the model being trained on the
//! other 50,000; the test images were scored once, for the README. Figures are nats an example; those
//! of 784-500 are by Bennett's ratio of annealing from both sides with 100 chains and 6,000 steps,
//! good to about 0.1. "Time" is in units of the first row's, where a run had the same company on the two
//! cores.
//!
//! 784-500, `stochastic`, 100 epochs, batch 128, PCD-1, linear rate, average `exponential:5`:
//!
//! | rate | what else | validation | time |
//! | --- | --- | --- | --- |
//! | 0.2 | centred | -85.27 | 1 |
//! | 0.1 | centred | -85.94 | |
//! | 0.4 | centred | -85.44 | |
//! | 0.1 | not centred | -86.71 | |
//! | 0.2 | not centred | -86.72 | |
//! | 0.2 | centred, cosine schedule | -85.17 | |
//! | 0.2 | centred, offset rate 0.001 | -85.39 | 1 |
//! | 0.2 | centred, 512 chains | -84.95 | |
//! | 0.2 | centred, 3 sweeps | -84.98 | 1.8 |
//! | 0.2 | centred, batch 64 with 128 chains | -84.82 | 1.7 |
//! | 0.3 | centred, batch and chains 256 | -85.51 | 0.8 |
//! | 0.2 | centred, weight decay 2e-5 | -85.45 | 1 |
//! | 0.2 | centred, weight decay 1e-4 | -85.24 | 1 |
//! | 0.001 | centred, Adam | -117.8 | |
//! | 0.2 | centred, 300 epochs, average `exponential:10` | -84.44 | |
//! | 0.3 | the same | -84.61 | |
//! | 0.2 | the same, weight decay 1e-4 | -84.33 | |
//! | 0.2 | the same, weight decay 4e-4 | -85.85 | |
//!
//! So centring gains most; more sweeps and smaller batches gain about as much as the same time spent
//! on more epochs. What remains is a matter of time and, it seems, of overfitting: at 300 epochs the
//! free energy of validation images lies 1.1 nats above that of training images (0.8 at 100), and a
//! little weight decay takes some of that away.
//!
//! 784-500, `threshold:0.5`, centred, otherwise as above: black and white images are few enough to
//! overfit to, and weight decay counts for more.
//!
//! | rate | epochs | weight decay | validation |
//! | --- | --- | --- | --- |
//! | 0.2 | 100 | 0 | -69.68 |
//! | 0.1 | 100 | 0 | -68.42 |
//! | 0.05 | 100 | 0 | -69.17 |
//! | 0.1 | 100 | 3e-4 | -67.86 |
//! | 0.1 | 100 | 1e-3 | -69.49 |
//! | 0.05 | 100 | 3e-4 | -69.33 |
//! | 0.1 | 200 | 3e-4 | -66.93 |
//!
//! Few hidden units, centred, average `exponential:10`, exact: they want much higher rates.
//!
//! | sizes | data | rate | epochs | validation |
//! | --- | --- | --- | --- | --- |
//! | 784-16 | `threshold:0.5` | 0.02, 0.1, 0.3 | 100 | -140.24, -137.00, -135.54 |
//! | 784-16 | `threshold:0.5` | 0.1, 1,000 chains | 100 | -136.69 |
//! | 784-16 | `threshold:0.5` | 0.6, 1 | 200 | -134.42, -135.14 |
//! | 784-16 | `threshold:0.5` | 0.3 | 300 | -135.32 |
//! | 784-25 | `stochastic` | 0.3, 0.6 | 150 | -127.43, -126.80 |
//!
//! Small, exact data sets, average `tail:0.1`; here the examples are all there are, and the bound is
//! their entropy:
//!
//! | data | machine | settings | log-likelihood | bound |
//! | --- | --- | --- | --- | --- |
//! | bars and stripes 4 x 4 | 16 hidden | PT-5, 100 chains, rate 0.1, 20,000 updates, 3 seeds | -3.416, -3.418, -3.414 | -3.379 |
//! | | | the same, rate 0.3 | -3.392, -3.393, -3.392 | |
//! | | | the same, not centred | -3.394, -3.396, -3.396 | |
//! | | | the same, 500 chains | -3.391, -3.391, -3.391 | |
//! | shifter | 32 hidden | PT-5, batch 128, rate 0.2, 12,000 updates | -7.63 | -6.644 |
//! | | | rate 0.5, 30,000 and 120,000 updates | -6.754, -6.666 | |
//! | | | batch 64, rate 0.5, 120,000 updates | -6.663 | |
//! | | | PCD-5 in place of PT-5, rate 1, 60,000 updates | -13.37 | |
//!
//! 784-1000 for a classifier: errors of a logistic regression on p(h \| v) of the validation images,
//! bits by `threshold:0.5` but where draws are named.
//!
//! | settings | epochs | validation error |
//! | --- | --- | --- |
//! | PCD-1, rate 0.1 | 20 | 2.28 % |
//! | the same, centred | 20 | 3.25 % |
//! | centred, weight decay 5e-5 | 60 | 2.76 % |
//! | sparsity 0.05 at cost 0.02 | 60 | 2.21 % |
//! | the same, mean of 8 stochastic draws | 60 | 1.95 % |
//! | the same, rate 0.4, cost 0.1 | 40 | 2.40 % |
//! | sparsity 0.05 at cost 0.02, CD-1 | 40 | 2.75 % |
//! | the preset: sparsity 0.05 at cost 0.02, mean of 16 draws, all 60,000 images in training | 120 | 1.75 % |
//!
//! The defaults of `train`: 784-500, `stochastic`, 20 epochs, centred, at most 1.5 times the time of what was
//! the default before (the first row, 8.9 s on two cores of a Zen 4), by the means of above:
//!
//! | rate | schedule | batch, chains | average | what else | validation | time |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | 0.1 | linear | 128, 128 | none | not centred | -93.77 | 1 |
//! | 0.1 | linear | 128, 128 | `exponential:1` | | -91.59 | |
//! | 0.2 | linear | 128, 128 | `exponential:1` | | -89.03 | |
//! | 0.3 | linear | 128, 128 | `exponential:1` | | -88.14 | |
//! | 0.2 | cosine | 128, 128 | `exponential:1` | | -88.82 | |
//! | 0.3 | cosine | 128, 128 | `exponential:1` | | -87.94 | 1.2 |
//! | 0.3 | cosine | 128, 128 | `exponential:2` | | -87.83 | 1.2 |
//! | 0.45 | cosine | 128, 128 | `exponential:1` | | -88.02 | |
//! | 0.3 | constant | 128, 128 | `tail:0.2` | | -92.19 | |
//! | 0.3 | cosine | 128, 128 | `exponential:1` | momentum 0.5 | -89.59 | |
//! | 0.3 | cosine | 128, 128 | `exponential:2` | weight decay 1e-4 | -87.94 | |
//! | 0.3 | cosine | 128, 256 | `exponential:1` | | -87.38 | |
//! | 0.35 | cosine | 128, 128 | `exponential:2` | 2 sweeps at the end | -87.37 | 1.3 |
//! | 0.3 | cosine | 100, 128 | `exponential:2` | | -87.51 | 1.5 |
//! | 0.25, 0.35, 0.45 | cosine | 96, 128 | `exponential:2` | | -87.32, -87.41, -87.66 | 1.4 |
//! | 0.2, 0.25, 0.3 | cosine | 96, 128 | `tail:0.1` | | -88.03, -87.53, -87.47 | 1.4 |
//! | 0.25 | cosine | 80, 128 | `exponential:2` | | -86.91 | 1.7 |
//! | 0.3 | cosine | 64, 128 | `exponential:1` | | -86.86 | |
//!
//! The default must suit a stranger's table, too, whose epochs may be single updates: so the average is
//! `tail:0.1`, the rate 0.2. With 500 hidden units on few visible ones even that is far too much: 5,000
//! updates on data of known entropy, cosine, centred, `tail:0.1` (exact log-likelihood; the bound in
//! brackets):
//!
//! | data | hidden | rate 0.1 | 0.2 | 0.3 |
//! | --- | --- | --- | --- | --- |
//! | 4 bits, all 0 or all 1 (-0.69) | 500 | -1.64 | -4.10 | -161.5 |
//! | | 16 | -0.70 | -0.73 | -0.74 |
//! | bars and stripes 4 x 4 (-3.38) | 500 | -6.93 | -29.80 | -34.66 |
//! | | 16 | -3.65 | -3.90 | -5.93 |
//! | shifter (-6.64) | 500 | -11.05 | -9.79 | -8.87 |
//! | | 16 | -11.73 | -10.77 | -10.03 |
//!
//! hence as many hidden units as visible ones, 16 to 500.
//!
//! The presets go on from there without another look: weight decay 5e-5 lies between what was tried
//! for 784-500, and epochs are as many as the time allows.

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
        let plain = TrainConfig { schedule: Schedule::Linear, ..TrainConfig::plain() };
        let mnist = TrainConfig {
            centering: true,
            learning_rate: 0.2,
            weight_decay: 5e-5,
            averaging: Averaging::Exponential(10.0),
            ..plain.clone()
        };
        let tempered = TrainConfig {
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
                result: "test log-likelihood -104.2 nats an image by AIS from both sides",
                data: Source::Mnist,
                config: TrainConfig {
                    hidden: Some(100),
                    epochs: Some(10),
                    averaging: Averaging::Exponential(1.0),
                    ..mnist.clone()
                },
            },
            Self {
                name: "mnist-500",
                purpose: "a good generative model of MNIST with 500 hidden units",
                time: "14 minutes",
                result: "test log-likelihood -83.09 nats an image by AIS from both sides; -83.35 with --epochs 450, in 5 minutes",
                data: Source::Mnist,
                config: TrainConfig { epochs: Some(1300), ..mnist.clone() },
            },
            Self {
                name: "mnist-500-threshold",
                purpose: "the same of MNIST in black and white",
                time: "5 minutes",
                result: "test log-likelihood -65.59 nats an image by AIS from both sides",
                data: Source::Mnist,
                config: TrainConfig {
                    epochs: Some(400),
                    learning_rate: 0.1,
                    weight_decay: 3e-4,
                    binarize: Binarization::Threshold(0.5),
                    ..mnist.clone()
                },
            },
            Self {
                name: "mnist-16-exact",
                purpose: "16 hidden units, whose log-likelihood is exact, of MNIST in black and white",
                time: "half a minute",
                result: "test log-likelihood -134.93 nats an image, exact",
                data: Source::Mnist,
                config: TrainConfig {
                    hidden: Some(16),
                    epochs: Some(200),
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
                    batch_size: 32,
                    chains: Some(100),
                    epochs: Some(20_000),
                    learning_rate: 0.3,
                    ..tempered.clone()
                },
            },
            Self {
                name: "shifter",
                purpose: "the labeled shifter ensemble, 768 modes of 19 units",
                time: "half a minute",
                result: "log-likelihood -6.666 nats an example, exact, of at most -6.644",
                data: Source::Shifter,
                config: TrainConfig {
                    hidden: Some(32),
                    epochs: Some(20_000),
                    learning_rate: 0.5,
                    ..tempered
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
                    centering: false,
                    learning_rate: 0.1,
                    weight_decay: 0.0,
                    sparsity_target: 0.05,
                    sparsity_cost: 0.02,
                    averaging: Averaging::Exponential(5.0),
                    ..mnist
                },
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
