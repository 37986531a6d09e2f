//! What ranks gain: the model of the time of an update on clusters, and updates on two ranks of this computer.
//!
//! The model, for p nodes with one rank each:
//!
//! ```text
//! T(p) = T(1) ⌈panels/p⌉/panels + k [2 g + C (V + H)/8 /B] + g + 16 H/B + x + 2 VH/p /B + g
//! ```
//!
//! with g = α ⌈log₂ p⌉, the latency of a call in which each rank gets something of all (k sweeps have two of them, the
//! sums of p̃ and the longest step one each), x = α (p − 1), that of the exchange of weights, α the latency of the
//! network and B its bytes a second. T(1) is the time of an update on one thread of this computer, divided by 64 cores
//! of which half is lost; the panels are those of the smaller layer. What is not in it: ranks that wait for the
//! slowest, and copies.
//!
//! `cargo bench --bench ranks` prints the table of the model, then times of updates on two ranks of one thread each, in
//! this process, beside two threads. `mpirun -n 2 harmonium bench --mpi --threads 1` takes the same by MPI.

use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::ranks::{Ranks, in_process};
use harmonium::threads::in_pool;
use harmonium::{BitMatrix, TrainConfig, Trainer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The latency of the network of the model, in seconds, and its bytes a second: 100 Gbit/s.
const LATENCY: f64 = 2e-6;
const BANDWIDTH: f64 = 12.5e9;

/// The cores of a node, and the share of them that an update uses well.
const CORES: f64 = 64.0;
const EFFICIENCY: f64 = 0.5;

/// A size of model and batch.
#[derive(Clone, Copy)]
struct Size {
    visible: usize,
    hidden: usize,
    batch: usize,
    sweeps: usize,
}

const SIZES: [Size; 3] = [
    Size { visible: 784, hidden: 500, batch: 128, sweeps: 1 },
    Size { visible: 784, hidden: 500, batch: 1024, sweeps: 10 },
    Size { visible: 10_000, hidden: 4096, batch: 4096, sweeps: 1 },
];

const SMALL: [Size; 2] = [
    Size { visible: 70, hidden: 130, batch: 64, sweeps: 1 },
    Size { visible: 130, hidden: 70, batch: 64, sweeps: 2 },
];

impl Size {
    /// The seconds of an update on `nodes` nodes, where one takes `alone`.
    fn time(self, alone: f64, nodes: usize) -> f64 {
        if nodes == 1 {
            return alone;
        }
        let Self { visible, hidden, batch, sweeps } = self;
        let panels = visible.min(hidden).div_ceil(64);
        let gather = LATENCY * (nodes as f64).log2().ceil();
        let travel = |bytes: f64| bytes / BANDWIDTH;
        let sweep = 2.0 * gather + travel((batch * (visible + hidden)) as f64 / 8.0);
        let weights =
            LATENCY * (nodes - 1) as f64 + travel(2.0 * (visible * hidden) as f64 / nodes as f64);
        alone * panels.div_ceil(nodes) as f64 / panels as f64
            + sweeps as f64 * sweep
            + 2.0 * gather
            + travel(16.0 * hidden as f64)
            + weights
    }

    fn name(self) -> String {
        let Self { visible, hidden, batch, sweeps } = self;
        format!("{visible}-{hidden}, batch {batch}, PCD-{sweeps}")
    }

    /// A trainer with bits of which a seventh is on, and as many chains as examples.
    fn trainer(self) -> Trainer {
        let bits =
            BitMatrix::from_fn(self.batch, self.visible, |n, i| (n * n + 3 * i + n * i) % 7 == 0);
        let examples = Examples::new(Dataset::from_bits("bits", bits), Binarization::Stochastic);
        let config = TrainConfig {
            hidden: Some(self.hidden),
            batch_size: self.batch,
            chains: Some(self.batch),
            gibbs_steps: self.sweeps,
            epochs: Some(1_000_000),
            ..TrainConfig::plain()
        };
        Trainer::new(config, Arc::new(examples)).unwrap()
    }
}

/// The median seconds of an update, of at least five in so much time.
fn seconds(trainer: &mut Trainer, time: Duration) -> f64 {
    trainer.update().unwrap();
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || start.elapsed() < time {
        let start = Instant::now();
        trainer.update().unwrap();
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// The same on two ranks of one thread each.
fn seconds_on_ranks(size: Size, time: Duration) -> f64 {
    let on_rank = |ranks: Ranks| {
        in_pool(Some(1), || {
            let mut trainer = size.trainer().spread(ranks);
            if trainer.ranks().rank() > 0 {
                return trainer.follow(&|| 0).map(|()| None);
            }
            let found = seconds(&mut trainer, time);
            // The others listen after an epoch, and an epoch is one update here.
            trainer.dismiss()?;
            Ok(Some(found))
        })
    };
    std::thread::scope(|scope| {
        let ranks = in_process::ranks(2).into_iter();
        let ranks: Vec<_> = ranks.map(|ranks| scope.spawn(|| on_rank(ranks))).collect();
        ranks.into_iter().filter_map(|rank| rank.join().unwrap().unwrap()).next().unwrap()
    })
}

fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let time = Duration::from_secs(if is_test { 0 } else { 3 });
    let sizes = if is_test { &SMALL[..] } else { &SIZES };
    println!("speed-ups by the model on nodes of 64 cores\n");
    println!(
        "| size | T(1), ms | 2 | 4 | 8 | 16 | 64 |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
    for size in sizes {
        let own = in_pool(Some(1), || Ok(seconds(&mut size.trainer(), time))).unwrap();
        let alone = own / (CORES * EFFICIENCY);
        let speed_ups = [2, 4, 8, 16, 64].map(|nodes| {
            let speed_up = alone / size.time(alone, nodes);
            format!("{speed_up:.2}")
        });
        println!("| {} | {:.3} | {} |", size.name(), 1e3 * alone, speed_ups.join(" | "));
    }
    println!("\ntwo threads, and two ranks of one thread each in this process, ms an update\n");
    println!("| size | threads | ranks | ranks / threads |\n| --- | --- | --- | --- |");
    for size in &sizes[..2] {
        let rounds = if is_test { 1 } else { 5 };
        let pairs = (0..rounds).map(|_| {
            let threads = in_pool(Some(2), || Ok(seconds(&mut size.trainer(), time))).unwrap();
            [threads, seconds_on_ranks(*size, time)]
        });
        let pairs: Vec<_> = pairs.collect();
        let median = |number: fn(&[f64; 2]) -> f64| {
            let mut all: Vec<_> = pairs.iter().map(number).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let (threads, ranks) = (median(|pair| 1e3 * pair[0]), median(|pair| 1e3 * pair[1]));
        let ratio = median(|pair| pair[1] / pair[0]);
        println!("| {} | {threads:.3} | {ranks:.3} | {ratio:.2} |", size.name());
    }
}
