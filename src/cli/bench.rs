//! `harmonium bench`.

use super::output::print;
use crate::bench::{self, Plan, STAGES, Timing};
use crate::dataset::{Binarization, Examples, Source};
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::train::TrainConfig;
use clap::Args;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, Args)]
pub struct Bench {
    /// Training data: `mnist`, a file (IDX, .npy, .npz, text or PNG), a folder of PNGs, `-` for
    /// standard input, `bars-and-stripes:SIDE`, `shifter` or `populations:SEED`
    #[arg(long, default_value = "mnist", value_name = "mnist|PATH")]
    data: Source,
    /// Numbers of hidden units
    #[arg(long, value_delimiter = ',', default_value = "500", value_name = "N,…")]
    hidden: Vec<usize>,
    /// Batch sizes; the number of chains is the same
    #[arg(long, value_delimiter = ',', default_value = "128,512", value_name = "N,…")]
    batch_size: Vec<usize>,
    /// Numbers of threads [default: 1 and all cores]
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    threads: Vec<usize>,
    /// Sweeps of each chain in an update: the k of PCD-k
    #[arg(long, default_value_t = 1, value_name = "N")]
    gibbs_steps: usize,
    /// How intensities become bits: `stochastic`, `none` or `threshold:T`
    #[arg(long, default_value_t = TrainConfig::default().binarize)]
    binarize: Binarization,
    /// Updates before timing begins
    #[arg(long, default_value_t = 500, value_name = "N")]
    warm_up: usize,
    /// Seconds of timing for each size
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
    seconds: f64,
    /// Print JSON, one line per size and number of threads
    #[arg(long)]
    json: bool,
}

impl Bench {
    pub fn run(self, isa: Isa) -> Result<()> {
        let threads = if self.threads.is_empty() {
            let all = std::thread::available_parallelism().map_or(1, usize::from);
            if all > 1 { vec![1, all] } else { vec![1] }
        } else {
            self.threads
        };
        let plan = Plan {
            config: TrainConfig {
                gibbs_steps: self.gibbs_steps,
                binarize: self.binarize,
                ..TrainConfig::plain()
            },
            hidden: self.hidden,
            batch_sizes: self.batch_size,
            isa,
            threads,
            warm_up: self.warm_up,
            time: Duration::try_from_secs_f64(self.seconds).map_err(|_| Error::InvalidSetting {
                setting: "seconds",
                value: self.seconds.to_string(),
                rule: "at least 0 and finite".to_string(),
            })?,
        };
        let examples = Arc::new(Examples::new(self.data.read()?, self.binarize));
        let mut header = (!self.json).then_some(HEADER);
        let mut printed = Ok(());
        bench::run(&plan, &examples, |timing| {
            let text = if self.json {
                serde_json::to_string(timing).expect("plain numbers")
            } else {
                row(timing)
            };
            if printed.is_ok() {
                printed = header.take().map_or(Ok(()), print).and_then(|()| print(text));
            }
        })?;
        printed
    }
}

/// The widths of the columns add up to 80. The shares of the stages stand in a line of their own.
const HEADER: &str =
    "hidden  batch  threads  samples/s  sweeps/s  speed-up  update ms: min median max";

fn row(timing: &Timing) -> String {
    let [least, median, most] = timing.update_ms;
    let shares = STAGES.iter().zip(timing.stage_shares);
    let shares: Vec<_> =
        shares.map(|(stage, share)| format!("{stage} {:.0} %", 100.0 * share)).collect();
    format!(
        "{:>6}  {:>5}  {:>7}  {:>9.0}  {:>8.0}  {:>8.2}  {:>10.3} {:>6.3} {:>7.3}\n        {}",
        timing.hidden,
        timing.batch_size,
        timing.threads,
        timing.samples_per_second,
        timing.chain_sweeps_per_second,
        timing.speed_up,
        least,
        median,
        most,
        shares.join(", "),
    )
}
