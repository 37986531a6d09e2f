//! What it gains to train the runs of a sweep side by side: eight runs of 784-100 on MNIST, as a sweep on all cores, and one
//! after the other with all cores each. Both end in the same bits, which is checked.
//!
//! `cargo bench --bench sweep` prints a line for each of three rounds, in alternation. Scores, reports and pictures are made in
//! both.

use harmonium::TrainConfig;
use harmonium::model::ModelFile;
use harmonium::run::{DataConfig, Session, Settings};
use harmonium::sweep::{SweepConfig, sweep};
use std::time::Instant;

/// Learning rates; each is a run.
const RATES: &str = "learning_rate=0.02..0.3:log:8";

fn main() {
    let is_test = std::env::args().any(|word| word == "--test");
    let (limit, updates, n_rounds) = if is_test { (600, 5, 1) } else { (10_000, 1000, 3) };
    let data = DataConfig { limit: Some(limit), validation: limit / 10, ..DataConfig::default() };
    let train_config =
        TrainConfig { hidden: Some(100), updates: Some(updates), ..TrainConfig::default() };
    let settings = Settings { data, train: train_config, ..Settings::default() };
    let config = SweepConfig { vary: vec![RATES.parse().unwrap()], ..SweepConfig::default() };
    for round in 1..=n_rounds {
        let folder = tempfile::tempdir().unwrap();
        let session =
            |name: &str| Session { out: Some(folder.path().join(name)), ..Session::default() };
        let start = Instant::now();
        sweep(&settings, &config, &session("sweep"), &mut |_| {}).unwrap();
        let side_by_side = start.elapsed();
        // A sweep of one run reads data and scores as the other, with all cores.
        let rates = config.vary[0].values().unwrap();
        let start = Instant::now();
        for (number, rate) in rates.iter().enumerate() {
            let mut settings = settings.clone();
            settings.train.learning_rate = rate.as_f64().unwrap();
            let one = session(&format!("{number}"));
            sweep(&settings, &SweepConfig::default(), &one, &mut |_| {}).unwrap();
        }
        let in_turn = start.elapsed();
        for number in 0..rates.len() {
            let model = |run: String| ModelFile::load(folder.path().join(run)).unwrap().rbm;
            let [one, other] = [format!("sweep/runs/{number:03}"), format!("{number}/runs/000")];
            assert!(model(one) == model(other), "run {number}");
        }
        println!(
            "round {round}: eight runs side by side {:.2} s, one after the other {:.2} s, ratio {:.2}",
            side_by_side.as_secs_f64(),
            in_turn.as_secs_f64(),
            in_turn.as_secs_f64() / side_by_side.as_secs_f64()
        );
    }
}
