//! The cost of checkpoints for a run on MNIST: the same run with and without them, in turn.
//!
//! A checkpoint takes milliseconds, which cannot be measured in ten seconds on a shared computer. So they
//! are written every half second here; every ten seconds they cost a twentieth as much.

use harmonium::TrainConfig;
use harmonium::run::{Interval, Session, Settings, train};
use harmonium::train::{Averaging, UpdateRule};
use std::fs;
use std::time::Duration;

/// The time between two checkpoints here.
const INTERVAL: Duration = Duration::from_millis(500);
/// The time in seconds between two checkpoints for which the cost is printed.
const USUAL: f64 = 10.0;
/// The number of pairs of runs, with and without checkpoints.
const ROUNDS: usize = 9;

fn main() {
    // `cargo bench` passes `--bench`, `cargo bench -- --test` also `--test`.
    let is_test = std::env::args().any(|arg| arg == "--test");
    let plain = TrainConfig { epochs: Some(if is_test { 1 } else { 12 }), ..TrainConfig::plain() };
    let adam = TrainConfig {
        optimizer: UpdateRule::Adam,
        learning_rate: 1e-3,
        averaging: Averaging::Exponential(5.0),
        ..plain.clone()
    };
    println!("784-500, batch 128; median (least to most) of {ROUNDS} rounds");
    for (name, config) in [("PCD-1", plain), ("Adam, average", adam)] {
        let rounds: Vec<f64> = (0..if is_test { 1 } else { ROUNDS })
            .map(|round| {
                // The order alternates, as the first run of a pair has an advantage.
                let [first, second] =
                    [round % 2 == 0, round % 2 == 1].map(|is| timed(&config, is, is_test));
                let (with, without) =
                    if round % 2 == 0 { (first, second) } else { (second, first) };
                assert_eq!(with.1, without.1, "checkpoints change the bits");
                with.0 / without.0 - 1.0
            })
            .collect();
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let percent = |share: f64| 100.0 * share;
        let share = INTERVAL.as_secs_f64() / USUAL;
        println!(
            "{name}: {:+.2} % ({:+.2} to {:+.2}) every {INTERVAL:?}, so {:+.3} % every {USUAL} s",
            percent(sorted[sorted.len() / 2]),
            percent(sorted[0]),
            percent(sorted[sorted.len() - 1]),
            percent(sorted[sorted.len() / 2]) * share,
        );
    }
}

/// Seconds of training by the run's own clock up to its last record, and the model's bytes.
fn timed(config: &TrainConfig, has_checkpoints: bool, is_test: bool) -> (f64, Vec<u8>) {
    // The folder is not in /tmp, which may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let mut settings = Settings { train: config.clone(), ..Settings::default() };
    settings.data.limit = is_test.then_some(2000);
    let interval = if is_test { Duration::from_millis(5) } else { INTERVAL };
    let never = Duration::from_secs(1_000_000);
    settings.run.checkpoint_every = Interval::Time(if has_checkpoints { interval } else { never });
    let session = Session { out: Some(folder.path().join("run")), ..Session::default() };
    let run = train(settings, &session, &mut []).expect("a run").folder;
    let records = fs::read_to_string(run.join("metrics.jsonl")).expect("records");
    let last: serde_json::Value =
        serde_json::from_str(records.lines().last().expect("a record")).expect("JSON");
    let model = fs::read(run.join("model.safetensors")).expect("a model");
    (last["seconds"].as_f64().expect("a number"), model)
}
