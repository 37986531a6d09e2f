//! What sweeps gain.
//!
//! `cargo bench --bench sweep` runs eight runs of 784-100 on MNIST, as a sweep on all cores, and one after the other with all
//! cores each, and prints a line for each of three rounds, in alternation. Both end in the same bits, which is checked.
//! Scores, reports and pictures are made in both.
//!
//! `cargo bench --bench sweep -- halving` asks on three tasks whether halving finds the best point of the full grid, and at
//! which share of its updates.

use harmonium::TrainConfig;
use harmonium::model::ModelFile;
use harmonium::run::{DataConfig, Session, Settings};
use harmonium::sweep::{Row, Search, SweepConfig, Table, sweep};
use std::time::Instant;

/// Learning rates; each is a run.
const RATES: &str = "learning_rate=0.02..0.3:log:8";

fn main() {
    let has = |word: &str| std::env::args().any(|other| other == word);
    if !has("halving") {
        side_by_side(has("--test"));
    }
    if has("halving") || has("--test") {
        halving(has("--test"));
    }
}

/// Runs as a sweep, and one after the other.
fn side_by_side(is_test: bool) {
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

/// The point of a row for people.
fn point(row: &Row) -> String {
    let score = row.score.map_or("–".into(), |score| format!("{score:.3}"));
    let error = row.standard_error.map_or(String::new(), |error| format!(" ± {error:.3}"));
    let values = row.values.iter().map(|(name, value)| format!("{name} {value}"));
    format!("{} ({score}{error})", values.collect::<Vec<_>>().join(", "))
}

/// Updates of all runs.
fn updates(table: &Table) -> u64 {
    table.rows.iter().map(|row| row.updates * row.runs.len() as u64).sum()
}

/// The full grid and halving on three tasks.
fn halving(is_test: bool) {
    let folder = tempfile::tempdir().unwrap();
    let of = |data: &str, limit: Option<usize>, validation: usize, hidden, epochs| {
        let data = data.parse().unwrap();
        let data = DataConfig { data, limit, validation, ..DataConfig::default() };
        let train = TrainConfig {
            hidden,
            epochs: Some(if is_test { 1 } else { epochs }),
            averaging: "exponential:3".parse().unwrap(),
            ..TrainConfig::default()
        };
        Settings { data, train, ..Settings::default() }
    };
    let tasks = [
        (
            "shifter",
            of("shifter", None, 150, Some(24), 200),
            ["learning_rate=0.1..10:log:7", "gibbs_steps=1,4"],
        ),
        (
            "populations:0",
            of("populations:0", None, 400, None, 30),
            ["learning_rate=0.005..0.5:log:6", "hidden=8,16"],
        ),
        (
            "MNIST, 5,000 images",
            of("mnist", Some(5000), 1000, None, 12),
            ["learning_rate=0.01..1:log:6", "hidden=16,64"],
        ),
    ];
    for (name, settings, vary) in tasks {
        let made = |search: &str| {
            let vary = vary.map(|text| text.parse().unwrap()).into();
            let search: Search = search.parse().unwrap();
            let config = SweepConfig { vary, seeds: 2, search, ..SweepConfig::default() };
            let out = Some(folder.path().join(format!("{name}-{search}")));
            let start = Instant::now();
            let session = Session { out, ..Session::default() };
            let table = sweep(&settings, &config, &session, &mut |_| {}).unwrap().table;
            (table, start.elapsed().as_secs_f64())
        };
        let (grid, seconds) = made("grid");
        let best = &grid.rows[0];
        println!("{name}: the grid of {} points in {seconds:.0} s", grid.rows.len());
        println!("  best   {}\n  second {}", point(best), point(&grid.rows[1]));
        for search in ["halving", "halving:2"] {
            let (table, seconds) = made(search);
            let at = grid.rows.iter().position(|row| row.values == table.rows[0].values).unwrap();
            let chosen = &grid.rows[at];
            let error = |row: &Row| row.standard_error.unwrap_or(0.0);
            println!(
                "  {search:9} rank {} of the grid: {}, {:.3} below its best (error of the difference {:.3}), {:.0} % of \
                 its updates in {seconds:.0} s",
                at + 1,
                point(chosen),
                best.score.unwrap() - chosen.score.unwrap(),
                error(best).hypot(error(chosen)),
                100.0 * updates(&table) as f64 / updates(&grid) as f64
            );
        }
    }
}
