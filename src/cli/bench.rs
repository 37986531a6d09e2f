//! `harmonium bench`.

use super::job::{self, RankFlags};
use super::output::print;
use crate::bench::{self, Plan, STAGES, Timing};
use crate::dataset::{Binarization, Examples, Source};
use crate::error::{Error, Result};
use crate::kernels::Isa;
use crate::ranks::Ranks;
use crate::setting::invalid;
use crate::threads::THREADS;
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
    /// Numbers of threads, or `A..B` for A, 2 A, 4 A, … up to B [default: 1 and all cores]
    #[arg(long, value_delimiter = ',', value_name = "N,…|A..B", value_parser = Threads::parse)]
    threads: Vec<Threads>,
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
    #[command(flatten)]
    ranks: RankFlags,
}

/// A number of threads, or several.
#[derive(Clone, Debug)]
struct Threads(Vec<usize>);

impl Threads {
    fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            invalid("threads", text, format!("from 1 to {}, or A..B, such as 1..8", THREADS.end()))
        };
        let number = |text: &str| text.parse().ok().filter(|n| THREADS.contains(n));
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let (first, last) = number(first).zip(number(last)).ok_or_else(wrong)?;
        let doubled = std::iter::successors(Some(first), |n| Some(2 * n));
        let mut all: Vec<usize> = doubled.take_while(|n| *n < last).collect();
        all.extend((first <= last).then_some(last));
        if all.is_empty() { Err(wrong()) } else { Ok(Self(all)) }
    }
}

impl Bench {
    pub fn run(self, isa: Isa) -> Result<()> {
        job::on_ranks(&self.ranks, "bench", |ranks| self.time(isa, ranks))
    }

    fn time(&self, isa: Isa, ranks: Ranks) -> Result<()> {
        let threads = if self.threads.is_empty() {
            let all = std::thread::available_parallelism().map_or(1, usize::from);
            if all > 1 { vec![1, all] } else { vec![1] }
        } else {
            self.threads.iter().flat_map(|threads| threads.0.clone()).collect()
        };
        let plan = Plan {
            config: TrainConfig {
                gibbs_steps: self.gibbs_steps,
                binarize: self.binarize,
                ..TrainConfig::plain()
            },
            hidden: self.hidden.clone(),
            batch_sizes: self.batch_size.clone(),
            isa,
            ranks,
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
    let mut below = vec![shares.join(", ")];
    if let Some(stage) = timing.limit {
        below.push(format!("efficiency {:.2}, limited by {stage}", timing.efficiency));
    }
    if timing.ranks > 1 {
        let kilobytes = timing.bytes / 1e3;
        below.push(format!("{} ranks, {kilobytes:.1} kB an update to the first", timing.ranks));
    }
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
        below.join("\n        "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_threads_doubles() {
        let threads = |text| Threads::parse(text).map(|Threads(all)| all);
        assert_eq!(threads("3").unwrap(), [3]);
        assert_eq!(threads("1..8").unwrap(), [1, 2, 4, 8]);
        assert_eq!(threads("2..7").unwrap(), [2, 4, 7]);
        assert_eq!(threads("4..4").unwrap(), [4]);
        for wrong in ["0", "4..2", "1..2000", "1..", "all"] {
            let error = threads(wrong).unwrap_err().to_string();
            assert!(error.contains("from 1 to 1024, or A..B"), "{error}");
        }
    }
}
