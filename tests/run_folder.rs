//! The folder of a run: the parameters that are kept, checkpoints, records, lists of runs, and a
//! program's own monitors.

#![cfg(feature = "cli")]

mod folder;

use folder::{Folder, SHORT};
use harmonium::dataset::{Binarization, Dataset, Examples};
use harmonium::gibbs::FixedModel;
use harmonium::monitor::{EpochRecord, Monitor};
use harmonium::run::{Changes, End, Interrupt, Session, Settings, resume, train};
use harmonium::{Rbm, TrainConfig, Trainer};
use serde_json::{Map, Value};
use std::fs;
use std::time::Instant;

/// A run of 6 epochs of 8 updates.
const LINE: &str = "train --data greys.idx --hidden 70 --epochs 6 --batch-size 26 --quiet";

#[test]
fn the_best_epoch_can_be_kept_and_training_can_stop_early() {
    let folder = Folder::new();
    let data = "--validation 60 --learning-rate 0.5";
    folder.succeed(&format!("{LINE} {data} --out run --keep best:pseudo_likelihood_test"));
    let value = |r: &Map<String, Value>| r["pseudo_likelihood_test"].as_f64().unwrap();
    let scores: Vec<f64> = folder.metrics("run").iter().map(value).collect();
    let best = (1..=6).max_by(|&a, &b| scores[a - 1].total_cmp(&scores[b - 1])).unwrap();
    assert!(best < 6, "{scores:?} does not show which was kept");
    let stop = format!("{LINE} {data} --stop-after {best}epochs --out upto");
    folder.run(&stop);
    // If a run is not done, its model is the newest checkpoint.
    assert_eq!(folder.fingerprint("run"), folder.fingerprint("upto"));
    assert_eq!(folder.facts("run")["best_epoch"], best);
    // A run that is stopped after its best epoch still has the best parameters.
    folder.run(&format!(
        "{LINE} {data} --out parts --keep best:pseudo_likelihood_test --stop-after 5epochs"
    ));
    folder.succeed("resume parts --quiet");
    assert_eq!(folder.fingerprint("parts"), folder.fingerprint("run"));
    assert_eq!(folder.state("parts"), folder.state("run"));

    let early =
        format!("{LINE} {data} --out early --early-stop pseudo_likelihood_test --patience 1");
    let (code, _, stderr) = folder.run(&early);
    assert_eq!(code, Some(0), "{stderr}");
    let n = (2..=6).find(|&n| scores[..n - 1].iter().any(|score| scores[n - 1] <= *score)).unwrap();
    assert_eq!(folder.metrics("early").len(), n, "{scores:?}");
    assert!(stderr.contains("note: stopped early, after update"), "{stderr}");
    assert_eq!(folder.summary("early")["state"], "done");
    let state = folder.state("early");
    assert_eq!(folder.run("resume early --quiet").0, Some(0));
    assert_eq!(folder.state("early"), state, "a run that stopped early is done");
}

/// A model first learns the rates of the units, and waits there: patience may end it before it learns more.
#[test]
fn a_run_that_stops_early_with_nothing_learned_says_so() {
    let folder = Folder::new();
    let row = |n: u64| {
        let bit = |i: u64| {
            if (n * n * 31 + n * 17 + i * i * 7 + n * i * 13) % 101 < 50 { "1" } else { "0" }
        };
        (0..9).map(bit).collect::<Vec<_>>().join("") + "\n"
    };
    folder.write("bits.txt", (0..300).map(row).collect::<String>().as_bytes());
    let line = "train --data bits.txt --validation 60 --hidden 4 --epochs 400 --quiet \
                --early-stop pseudo_likelihood_test --patience 2 --out run";
    let (code, _, said) = folder.run(line);
    assert_eq!(code, Some(0), "{said}");
    for part in ["stopped early", "the model has learned almost nothing", "more patience (it is 2)"]
    {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn a_time_budget_fixes_the_updates_once() {
    let folder = Folder::new();
    let line = "train --data greys.idx --hidden 500 --batch-size 100 --quiet";
    let start = Instant::now();
    folder.run(&format!("{line} --time-budget 3s --out run --stop-after 5updates"));
    let settings = &folder.summary("run")["settings"];
    let updates = settings["updates"].as_u64().unwrap();
    assert!(settings["epochs"].is_null(), "{settings}");
    folder.succeed("resume run --quiet");
    let took = start.elapsed().as_secs_f64();
    // The bound catches a budget without effect; it is wide, as the computer may be busy.
    assert!((0.5..30.0).contains(&took), "{took} s for 3 s");
    assert_eq!(folder.metrics("run").last().unwrap()["updates"].as_u64(), Some(updates));
    folder.succeed("train --config run --out again --quiet");
    assert_eq!(folder.state("again"), folder.state("run"));
    folder.misuse(
        &format!("{line} --time-budget 1e-9s --out new"),
        "but must be more: an update takes",
    );
    folder.refuse(&format!("{line} --time-budget 10 --out new"), 2, "such as 30s, 10m or 2h");
}

#[test]
fn a_series_of_checkpoints_can_be_kept() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out run --keep-series"));
    let expected =
        [1, 2, 4, 5, 8, 11, 16, 22, 32, 45, 48].map(|n| format!("update-{n:09}.safetensors"));
    assert_eq!(folder.names_in("run/checkpoints"), expected);
    // Each checkpoint can be used as a model, and its chains as states.
    let checkpoint = "run/checkpoints/update-000000011.safetensors";
    assert_eq!(folder.facts(checkpoint)["checkpoint"]["place"]["updates"], 11);
    let line = format!(
        "evaluate {checkpoint} --data greys.idx --method ais --schedule linear:50 --burn-in 0"
    );
    let figures = |flags: &str| {
        let found = folder.succeed(&format!("{line} --json {flags}"));
        let mut found: serde_json::Value = serde_json::from_str(&found).unwrap();
        let start = found.as_object_mut().unwrap().remove("reverse_start").unwrap();
        assert_eq!(start == "the chains of the run", flags.is_empty(), "{start}");
        found
    };
    let its_own = figures("");
    assert_eq!(figures(&format!("--start {checkpoint}")), its_own);
    let other = "run/checkpoints/update-000000048.safetensors";
    assert_ne!(figures(&format!("--start {other}")), its_own);
}

#[test]
fn progress_can_be_json() {
    let folder = Folder::new();
    let line = LINE.replace(" --quiet", "");
    let (_, _, stderr) =
        folder.run(&format!("{line} --out run --log-format json --stop-after 2epochs"));
    let lines: Vec<Value> =
        stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["updates"], 16);
    assert!(lines[2]["note"].as_str().unwrap().contains("harmonium resume run"), "{stderr}");
}

#[test]
fn runs_are_listed_with_what_differs() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out runs/a --evaluate-every 6 --evaluate ais"));
    folder.run(&format!("{LINE} --out runs/b --seed 5 --stop-after 2epochs"));
    fs::create_dir(folder.path("runs/none")).unwrap();
    let table = folder.succeed("runs");
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(lines[1].starts_with("runs/a  done     6/6"), "{table}");
    assert!(lines[2].starts_with("runs/b  stopped  2/6"), "{table}");
    assert!(lines[2].contains("seed=5") && !table.contains("hidden"), "{table}");
    let runs: Vec<Value> = folder
        .succeed("runs runs --json")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(runs[0]["metrics"]["epoch"], 6);
    assert!(runs[1]["command"].as_str().unwrap().contains("--seed 5"), "{}", runs[1]);
    folder.write("runs/b/config.toml", b"[train]\nhidden = ");
    let (code, stdout, stderr) = folder.run("runs");
    assert_eq!((code, stdout.lines().count()), (Some(0), 2));
    assert!(stderr.contains("note: runs/b/config.toml: line 2: "), "{stderr}");
    folder.fail("runs nowhere", "nowhere: is not a folder; give the folder of the runs");
}

#[test]
fn metrics_are_a_table_too() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --algorithm pt --temperatures 4 --out run"));
    let table = folder.succeed("metrics run");
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_string).collect();
    assert_eq!(columns[..3], ["epoch", "seconds", "updates"]);
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let records = folder.metrics("run");
    assert_eq!(rows.len(), 6);
    for (row, record) in rows.iter().zip(&records) {
        let norm = &record["weight_norm"];
        assert_eq!(row[column("weight_norm")].parse::<f64>().unwrap(), norm.as_f64().unwrap());
        assert_eq!(row[column("swap_rates")].split(' ').count(), 3);
        assert_eq!(&row[column("log_z")], "");
    }
    folder.succeed("metrics run/metrics.jsonl --out table.csv");
    folder.refuse("metrics run --out run/metrics.jsonl", 2, "must end in .csv or .tsv, or be -");
    folder.fail("metrics run/config.toml", "run/config.toml: line 1 is not a record: ");
    assert_eq!(String::from_utf8(folder.read("table.csv")).unwrap().trim_end(), table.trim_end());
}

/// A run of five epochs on grey levels.
fn five_epochs(folder: &Folder) -> Settings {
    let train =
        TrainConfig { hidden: Some(9), epochs: Some(5), batch_size: 50, ..TrainConfig::default() };
    let mut settings = Settings { train, ..Settings::default() };
    settings.data.data = harmonium::dataset::Source::Path(folder.path("greys.idx"));
    settings
}

/// A program's monitor sees the same as the crate's monitors, and may stop the run.
#[test]
fn a_program_can_have_its_own_monitor() {
    #[derive(Default)]
    struct Watch {
        past: usize,
        seen: Vec<EpochRecord>,
        notes: Vec<String>,
        interrupt: Interrupt,
    }
    impl Monitor for Watch {
        fn begin(&mut self, _: &Trainer, past: &[EpochRecord]) -> harmonium::Result<()> {
            self.past = past.len();
            Ok(())
        }

        fn note(&mut self, text: &str) {
            self.notes.push(text.to_string());
        }

        fn after_epoch(
            &mut self,
            trainer: &Trainer,
            _: FixedModel<'_>,
            record: &EpochRecord,
        ) -> harmonium::Result<()> {
            assert_eq!(trainer.updates(), record.updates);
            self.seen.push(record.clone());
            if self.seen.len() == 2 {
                self.interrupt.raise(2);
            }
            Ok(())
        }
    }
    let folder = Folder::new();
    let settings = five_epochs(&folder);
    let mut watch = Watch::default();
    let session = Session {
        out: Some(folder.path("run")),
        interrupt: watch.interrupt.clone(),
        ..Session::default()
    };
    let outcome = train(settings, &session, &mut [&mut watch]).unwrap();
    assert_eq!((outcome.end, outcome.updates), (End::Interrupted(2), 8));
    assert_eq!((watch.past, watch.seen.len()), (0, 2));
    let mut watch = Watch::default();
    let changes = Changes { epochs: Some(3), ..Changes::default() };
    let outcome =
        resume(&folder.path("run"), &changes, &Session::default(), &mut [&mut watch]).unwrap();
    assert_eq!((outcome.end, outcome.updates), (End::Done, 12));
    assert_eq!((watch.past, watch.seen.len(), watch.notes.len()), (2, 1, 1));
    assert_eq!(watch.seen[0].epoch, 3);
}

/// A monitor that asks to stop ends a run in memory and pauses one in a folder.
#[test]
fn a_monitor_can_end_a_run() {
    struct UntilEpoch(usize, usize);
    impl Monitor for UntilEpoch {
        fn after_epoch(
            &mut self,
            _: &Trainer,
            _: FixedModel<'_>,
            record: &EpochRecord,
        ) -> harmonium::Result<()> {
            self.1 = record.epoch;
            Ok(())
        }

        fn asks_to_stop(&self) -> bool {
            self.1 == self.0
        }
    }
    let folder = Folder::new();
    let settings = five_epochs(&folder);
    let config = settings.train.clone();
    let data = Dataset::read(folder.path("greys.idx")).unwrap();
    let examples = Examples::new(data, Binarization::Stochastic);
    let mut trainer = Trainer::new(config.clone(), examples.clone()).unwrap();
    trainer.run(&mut [&mut UntilEpoch(2, 0)]).unwrap();
    assert_eq!(trainer.epoch(), 2);

    let session = Session { out: Some(folder.path("run")), ..Session::default() };
    let outcome = train(settings, &session, &mut [&mut UntilEpoch(2, 0)]).unwrap();
    assert_eq!((outcome.end, outcome.updates), (End::Interrupted(2), trainer.updates()));
    assert_eq!(Rbm::load(folder.path("run")).unwrap(), trainer.model());
    resume(&folder.path("run"), &Changes::default(), &Session::default(), &mut []).unwrap();
    let mut whole = Trainer::new(config, examples).unwrap();
    whole.run(&mut []).unwrap();
    assert_eq!(Rbm::load(folder.path("run")).unwrap(), whole.model());
}

/// The same data, settings and monitors in memory give the same records and model, and the model is found
/// in the folder whether or not the run is done.
#[test]
fn a_run_in_memory_is_the_run_in_a_folder() {
    #[derive(Default)]
    struct Records(Vec<EpochRecord>);
    impl Monitor for Records {
        fn after_epoch(
            &mut self,
            _: &Trainer,
            _: FixedModel<'_>,
            record: &EpochRecord,
        ) -> harmonium::Result<()> {
            let mut timeless = record.clone();
            (timeless.seconds, timeless.samples_per_second) = (0.0, 0.0);
            self.0.push(timeless);
            Ok(())
        }
    }
    let folder = Folder::new();
    let settings = five_epochs(&folder);
    let config = settings.train.clone();
    let session = |name: &str| Session { out: Some(folder.path(name)), ..Session::default() };
    let mut of_folder = Records::default();
    train(settings.clone(), &session("run"), &mut [&mut of_folder]).unwrap();

    let data = Dataset::read(folder.path("greys.idx")).unwrap();
    let mut trainer = Trainer::new(config, Examples::new(data, Binarization::Stochastic)).unwrap();
    let mut in_memory = Records::default();
    trainer.run(&mut [&mut in_memory]).unwrap();
    assert_eq!(in_memory.0.len(), 5);
    assert_eq!(in_memory.0, of_folder.0);
    assert_eq!(Rbm::load(folder.path("run")).unwrap(), trainer.model());

    let stop_after = Some("2epochs".parse().unwrap());
    train(settings, &Session { stop_after, ..session("half") }, &mut []).unwrap();
    let half = Rbm::load(folder.path("half")).unwrap();
    std::fs::remove_file(folder.path("half/model.safetensors")).unwrap();
    assert_eq!(Rbm::load(folder.path("half")).unwrap(), half, "the model of the checkpoint");
    assert!(half != trainer.model());
}

#[test]
fn long_runs_have_snapshots_and_records_ever_further_apart() {
    let folder = Folder::new();
    folder.succeed(
        "train --data greys.idx --hidden 2 --epochs 1100 --batch-size 200 --out run --quiet",
    );
    let epochs: Vec<u64> =
        folder.metrics("run").iter().map(|record| record["epoch"].as_u64().unwrap()).collect();
    assert_eq!(epochs[..6], [1, 2, 4, 5, 6, 8], "every second epoch, and the series");
    assert_eq!(epochs.last(), Some(&1100));
    let series = [0, 1, 2, 4, 5, 8, 11, 16, 22, 32, 45, 64, 90, 128, 181, 256, 362, 512, 724];
    let series = series.into_iter().chain([1024, 1100]);
    let expected: Vec<_> = series.map(|epoch| format!("epoch-{epoch:06}.safetensors")).collect();
    assert_eq!(folder.names_in("run/snapshots"), expected);
}

/// The model of a run that was stopped is its last state, and nobody should take it for the end.
#[test]
fn commands_say_that_a_run_is_not_done() {
    let folder = Folder::new();
    folder.succeed_with_notes(&format!(
        "train --data greys.idx {SHORT} --out run --stop-after 1updates"
    ));
    for command in ["evaluate run", "couplings run --out c.npz", "transform run --out t.npy"] {
        let (code, _, said) = folder.run(command);
        assert_eq!(code, Some(0), "{said}");
        assert!(
            said.contains("run: the run is not done; the model is that of run/checkpoints/"),
            "{said}"
        );
    }
    folder.succeed_with_notes("resume run --quiet");
    let (_, _, said) = folder.run("evaluate run");
    assert!(!said.contains("is not done"), "{said}");
}
