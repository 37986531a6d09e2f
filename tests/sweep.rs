//! Sweeps: the bits of their runs, what is refused, who goes on, and what kills and signals leave.
//!
//! One test makes 4 kills, or the number in the environment variable `HARMONIUM_KILLS`.

#![cfg(all(unix, feature = "cli"))]

mod folder;

use folder::Folder;
use harmonium::TrainConfig;
use harmonium::rng::{Purpose, Stream};
use harmonium::run::{DataConfig, Session, Settings};
use harmonium::sweep::{News, PointState, SweepConfig, sweep};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Settings of runs of 12 epochs of 4 updates, scored exactly.
const RUNS: &str = "--data greys.idx --validation 40 --hidden 8 --epochs 12 --batch-size 40";

/// The rows of a sweep's table: each a list of cells, the header first.
fn table(folder: &Folder, sweep: &str) -> Vec<Vec<String>> {
    let text = folder.read(&format!("{sweep}/table.csv"));
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&text[..]);
    let row = |row: csv::StringRecord| row.iter().map(str::to_string).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// A column of a table, without its header.
fn column(table: &[Vec<String>], name: &str) -> Vec<String> {
    let at = table[0].iter().position(|cell| cell == name).unwrap_or_else(|| panic!("{name}"));
    table[1..].iter().map(|row| row[at].clone()).collect()
}

#[test]
fn a_run_of_a_sweep_has_the_bits_that_it_has_alone() {
    let folder = Folder::new();
    let vary = "--vary learning_rate=0.05,0.3 --vary centering=true,false --seeds 2 --quiet";
    folder.succeed(&format!("sweep {RUNS} {vary} --threads 3 --out all"));
    folder.succeed(&format!(
        "train {RUNS} --learning-rate 0.3 --centering false --seed 1 --quiet --out alone"
    ));
    // The last setting changes first, and the seeds of a point are neighbours.
    assert_eq!(folder.state("all/runs/007"), folder.state("alone"));
    assert_eq!(folder.untimed_metrics("all/runs/007"), folder.untimed_metrics("alone"));
    let model = |run: &str| folder.read(&format!("{run}/model.safetensors"));
    assert!(model("all/runs/007") == model("alone"));
    folder.succeed("train --config all/runs/007 --quiet --out again");
    assert_eq!(folder.state("again"), folder.state("alone"));
    // One that is paused at rungs has them, too.
    let vary = "--vary learning_rate=0.05,0.3,1e-6 --search halving --quiet";
    folder.succeed(&format!("sweep {RUNS} {vary} --out halved"));
    let best = &column(&table(&folder, "halved"), "runs")[0];
    let rate = &column(&table(&folder, "halved"), "learning_rate")[0];
    folder.succeed(&format!("train {RUNS} --learning-rate {rate} --quiet --out whole"));
    assert_eq!(folder.state(&format!("halved/runs/{best}")), folder.state("whole"));
    assert!(model(&format!("halved/runs/{best}")) == model("whole"));
}

#[test]
fn the_table_does_not_depend_on_threads_and_commands_read_its_runs() {
    let folder = Folder::new();
    let vary = "--vary learning_rate=0.05,0.3,0.1 --seeds 2";
    let text = folder.succeed(&format!("sweep {RUNS} {vary} --threads 1 --quiet --out one"));
    let (code, _, stderr) = folder.run(&format!("sweep {RUNS} {vary} --threads 4 --out four"));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(folder.read("one/table.csv") == folder.read("four/table.csv"));
    // A line for each run that is scored, and what all runs say once.
    assert_eq!(stderr.lines().filter(|line| line.starts_with("run 00")).count(), 6, "{stderr}");
    assert!(stderr.contains("(6 of 6 runs done, best -"), "{stderr}");
    let page = folder.read("one/report.html");
    folder.succeed("report one");
    assert!(folder.read("one/report.html") == page);
    let printed = folder.succeed("report one --figures one.figures");
    let files: Vec<_> = printed.lines().filter(|line| line.contains("score_against_")).collect();
    let expected =
        ["svg", "pdf"].map(|end| format!("one.figures/score_against_learning_rate.{end}"));
    assert_eq!(files, expected, "{printed}");
    let svg = folder.read(files[0]);
    roxmltree::Document::parse(std::str::from_utf8(&svg).unwrap()).unwrap();
    assert!(folder.read(files[1]).starts_with(b"%PDF-"), "{files:?}");
    let rows = table(&folder, "one");
    let header =
        "rank,learning_rate,log_likelihood,standard_error,doubtful,seeds,updates,state,runs";
    assert_eq!(rows[0].join(","), header);
    let scores: Vec<f64> =
        column(&rows, "log_likelihood").iter().map(|score| score.parse().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert_eq!(column(&rows, "state"), ["done"; 3]);
    assert_eq!(column(&rows, "updates"), ["48"; 3]);
    assert!(column(&rows, "standard_error").iter().all(|e| e.parse::<f64>().unwrap() > 0.0));
    // The score is that of `evaluate` on the validation examples: log Z is exact, and the bits are those of the seed.
    let runs = column(&rows, "runs");
    let of_run = |run: &str| -> f64 {
        let line = format!("evaluate one/runs/{run} --split validation --json");
        let found: serde_json::Value = serde_json::from_str(&folder.succeed(&line)).unwrap();
        found["log_likelihood"].as_f64().unwrap()
    };
    let of_seeds: Vec<f64> = runs[0].split(' ').map(of_run).collect();
    assert!((scores[0] - (of_seeds[0] + of_seeds[1]) / 2.0).abs() < 1e-9, "{of_seeds:?}");
    let first = runs[0].split(' ').next().unwrap();
    assert!(text.ends_with(&format!("harmonium train --config one/runs/{first}\n")), "{text}");
    folder.succeed(&format!("sample one/runs/{first} --number 3 --out samples.npy"));
    assert_eq!(folder.succeed("runs one/runs").lines().count(), 7);
    let listed = folder.succeed("runs one");
    assert_eq!(listed.lines().count(), 7);
    assert!(listed.contains("score=-") && listed.contains("learning_rate=0.05"), "{listed}");
    // The folder of a sweep is no run, and its best run is named.
    let names_best =
        format!("one: holds a sweep; its best run is one/runs/{first}: give that folder");
    for command in
        ["evaluate one", "sample one --out s.npy", "export one --out m.onnx", "inspect one"]
    {
        folder.refuse(command, 1, &names_best);
    }
    let page = String::from_utf8(page).unwrap();
    for part in [
        "Score against each setting",
        "The best is ",
        "A point is one choice of values",
        "score (log_likelihood)",
        "id=\"chart-learning_rate\"",
        "id=\"ranking\"",
        "id=\"chart-pseudo_likelihood\"",
        "id=\"differences\"",
        "To train it again",
    ] {
        assert!(page.contains(part), "the page lacks {part}");
    }
    assert!(page.matches("class=\"point\"").count() > 3);
}

#[test]
fn halving_finds_the_rate_that_learns() {
    let folder = Folder::new();
    let runs = "--data greys.idx --validation 40 --hidden 12 --epochs 100 --batch-size 10";
    let vary = "--vary learning_rate=1e-7,1e-6,0.1,0.01 --search halving:2";
    let (code, _, stderr) = folder.run(&format!("sweep {runs} {vary} --out rates"));
    assert_eq!(code, Some(0), "{stderr}");
    // Two are left behind, then one.
    let after = ["0 of 4", "2 of 4", "4 of 4"].map(|n| stderr.find(&format!("({n} runs done")));
    assert!(after.is_sorted() && after[0].is_some(), "{stderr}");
    let rows = table(&folder, "rates");
    // Rungs after 400, 800 and 1,600 updates with 4, 2 and 1 points.
    assert_eq!(column(&rows, "learning_rate")[..2], ["0.1", "0.01"]);
    assert_eq!(column(&rows, "updates"), ["1600", "800", "400", "400"]);
    assert_eq!(column(&rows, "state"), ["done", "stopped", "stopped", "stopped"]);
    let steps = |run: &str| {
        let summary = folder.summary(&format!("rates/runs/{run}"));
        summary["place"]["updates"].as_u64().unwrap()
    };
    assert_eq!(["000", "001", "002", "003"].map(steps), [400, 400, 1600, 800]);
}

#[test]
fn equal_scores_go_to_the_lower_number() {
    let folder = Folder::new();
    // A setting that changes no bit of the model.
    let vary = "--vary keep_checkpoints=4,3,2,1 --search halving:2 --quiet";
    folder.succeed(&format!("sweep {RUNS} {vary} --out ties"));
    let rows = table(&folder, "ties");
    assert_eq!(column(&rows, "runs"), ["000", "001", "002", "003"]);
    assert_eq!(column(&rows, "updates"), ["48", "24", "12", "12"]);
}

#[test]
fn a_random_search_is_the_same_again_and_another_with_another_seed() {
    let folder = Folder::new();
    let vary = "--vary learning_rate=0.01..1:log --vary gibbs_steps=1,2 --search random:3 --quiet";
    for (name, seed) in [("a", 5), ("b", 5), ("c", 6)] {
        folder.succeed(&format!("sweep {RUNS} {vary} --seed {seed} --out {name}"));
    }
    assert!(folder.read("a/table.csv") == folder.read("b/table.csv"));
    let rates = |name: &str| column(&table(&folder, name), "learning_rate");
    assert!(rates("a") != rates("c"), "{:?}", rates("a"));
}

#[test]
fn what_cannot_run_is_refused_before_anything_runs() {
    let folder = Folder::new();
    for (flags, message) in [
        ("--vary hiden=3,4", "did you mean hidden?"),
        ("--vary limit=50,60", "scores on other data do not compare"),
        ("--vary learning_rate=0.1,-1", "learning_rate is -1, but must be above 0"),
        ("--vary hidden=0..9:lin:3", "hidden is 0, but must be at least 1"),
        (
            "--vary swap_rate=0.2,0.3 --algorithm pcd",
            "swap_rate is 0.2, but must be left out without --algorithm pt",
        ),
        ("--vary hidden=3..9:lin", "hidden=3..9:lin:4"),
        ("--vary seed=1,2", "`seeds` gives the number of seeds"),
        ("--vary hidden=3 --vary hidden=4", "must be given once for hidden"),
        ("--score pseudo_likelihood", "measured on the training data"),
        ("--score error_test", "another metric, or have labels and held-out data"),
        ("--search gird", "search is gird, but must be `grid`"),
        (
            "--score log_likelihood_online --online-log-z 10 --vary hidden=3,4,5 --search halving:8 --epochs 1",
            "the first rung is update 1, and log_likelihood_online is first measured after update 4",
        ),
        ("--stop-after 3epochs", "stop_after is 3epochs, but must be a time"),
    ] {
        let runs =
            if flags.contains("epochs 1") { RUNS.replace("--epochs 12", "") } else { RUNS.into() };
        folder.refuse(&format!("sweep {runs} {flags} --quiet --out out"), 2, message);
    }
    // Eight runs side by side need more than one.
    let many = "--vary weight_decay=0..0.1:lin:8 --hidden 100000 --threads 8 --quiet --out out";
    let runs = RUNS.replace("--hidden 8 ", "");
    let mut shell = Command::new("sh");
    let line = format!("sweep {runs} {many}");
    let limited = format!("ulimit -v 1500000; exec {} {line}", env!("CARGO_BIN_EXE_harmonium"));
    let output = shell.arg("-c").arg(limited).current_dir(folder.path(".")).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("training 8 runs side by side needs"), "{stderr}");
    assert!(stderr.contains("lower --threads"), "{stderr}");
    folder.write("study.toml", b"[sweep]\nvary = [\"hiden=3\"]\n");
    folder.refuse(
        "sweep study.toml",
        2,
        "[sweep] vary is hiden, but must be the name of a setting",
    );
}

#[test]
fn a_sweep_of_nothing_and_a_search_of_all_say_so() {
    let folder = Folder::new();
    let (_, _, stderr) = folder.run(&format!("sweep {RUNS} --quiet --out one"));
    assert!(stderr.contains("nothing varies; give settings with their values"), "{stderr}");
    let vary = "--vary gibbs_steps=1,2 --search random:5";
    let (_, _, stderr) = folder.run(&format!("sweep {RUNS} {vary} --quiet --out two"));
    assert!(stderr.contains("the search has 2 points, not 5"), "{stderr}");
}

#[test]
fn a_study_is_a_file_and_flags_go_over_it() {
    let folder = Folder::new();
    folder.write(
        "study.toml",
        b"[data]\ndata = \"greys.idx\"\n[train]\nhidden = 8\nepochs = 3\nbatch_size = 40\n\
          [sweep]\nvary = [\"learning_rate=0.1,0.2\", \"momentum=0,0.5\"]\nseeds = 3\n",
    );
    folder.succeed("sweep study.toml --seeds 1 --epochs 2 --quiet --out out");
    let rows = table(&folder, "out");
    assert_eq!(rows[0][..3], ["rank", "learning_rate", "momentum"]);
    assert_eq!(column(&rows, "seeds"), ["1"; 4]);
    let settings = &folder.summary("out/runs/000")["settings"];
    // A tenth of the 200 examples are set aside by themselves.
    assert_eq!((settings["epochs"].as_u64(), settings["validation"].as_u64()), (Some(2), Some(20)));
    folder.succeed("sweep out/sweep.toml --quiet --out again");
    assert!(folder.read("again/table.csv") == folder.read("out/table.csv"));
    folder.refuse(
        "sweep study.toml --out out",
        1,
        "already holds a sweep (sweep.toml); continue it",
    );
    folder.refuse("resume out --hidden 9", 1, "has a sweep, whose settings stay as they are");
    // A sweep that is over stays as it is.
    let models = folder.files("out/runs");
    folder.succeed("resume out --quiet");
    assert!(folder.files("out/runs") == models);
    assert!(folder.read("again/table.csv") == folder.read("out/table.csv"));
}

#[test]
fn a_run_that_diverges_is_the_last_and_ends_nothing() {
    let folder = Folder::new();
    let vary = "--vary learning_rate=1000000,0.1 --optimizer adam --schedule constant --quiet";
    let text = folder.succeed(&format!("sweep {RUNS} {vary} --out out"));
    let rows = table(&folder, "out");
    assert_eq!(column(&rows, "state"), ["done", "failed"]);
    assert_eq!(column(&rows, "runs"), ["001", "000"]);
    assert!(text.contains("\n000: diverged in epoch"), "{text}");
}

/// A sweep that takes some seconds: of three points two and then one go on.
const LONG: &str = "sweep --data greys.idx --validation 40 --hidden 12 --epochs 200 --batch-size 10 \
                    --vary learning_rate=0.01,0.03,0.1 --seeds 2 --search halving:2 --quiet \
                    --checkpoint-every 40updates";

#[test]
fn no_kill_changes_the_table() {
    let n_kills = std::env::var("HARMONIUM_KILLS").map_or(4, |n| n.parse().unwrap());
    let folder = Folder::new();
    // Long enough for all kills.
    let long = LONG.replace("--epochs 200", &format!("--epochs {}", 50 * n_kills));
    folder.succeed(&format!("{long} --out whole"));
    let mut n_killed = 0;
    for kill in 0..n_kills {
        let begun = folder.path("killed/sweep.toml").exists();
        let line =
            if begun { "resume killed --quiet".into() } else { format!("{long} --out killed") };
        let mut child = folder.command(&line).stdout(Stdio::null()).spawn().unwrap();
        let word = Stream::new(2, Purpose::Sample, kill).step()[0];
        std::thread::sleep(
            Duration::from_millis(300).mul_f64(f64::from(word) / f64::from(u32::MAX)),
        );
        n_killed += u64::from(child.try_wait().unwrap().is_none());
        // A process that has ended cannot be killed.
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(2 * n_killed >= n_kills, "only {n_killed} of {n_kills} kills came in time");
    folder.succeed_with_notes("resume killed --quiet");
    assert_same(&folder, "killed", "whole");
}

/// Two sweeps have the same table, and their runs the same bits.
fn assert_same(folder: &Folder, one: &str, other: &str) {
    let table =
        |sweep: &str| String::from_utf8(folder.read(&format!("{sweep}/table.csv"))).unwrap();
    assert_eq!(table(one), table(other));
    for run in folder.names_in(&format!("{other}/runs")) {
        let [one, other] = [one, other].map(|sweep| format!("{sweep}/runs/{run}"));
        assert_eq!(folder.state(&one), folder.state(&other), "{run}");
        assert_eq!(folder.untimed_metrics(&one), folder.untimed_metrics(&other), "{run}");
        let scores = |run: &str| folder.read(&format!("{run}/scores.json"));
        assert!(scores(&one) == scores(&other), "{run}");
    }
}

#[test]
fn a_signal_stops_all_runs_and_a_half_made_run_begins_again() {
    let folder = Folder::new();
    folder.succeed(&format!("{LONG} --out whole"));
    let mut child =
        folder.command(&format!("{LONG} --out out")).stderr(Stdio::piped()).spawn().unwrap();
    let begun = || folder.path("out/runs/001/metrics.jsonl").exists();
    while !begun() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(2));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("runs done; continue with: harmonium resume out"), "{stderr}");
    // Killed before its settings were written, a run has an empty folder.
    std::fs::remove_dir_all(folder.path("out/runs/001")).unwrap();
    std::fs::create_dir_all(folder.path("out/runs/001/checkpoints")).unwrap();
    folder.write("out/runs/001/.lock", b"");
    // A session may end by itself.
    let (code, _, stderr) = folder.run("resume out --quiet --stop-after 0.05s");
    assert_eq!(code, Some(0), "{stderr}");
    folder.succeed("resume out --quiet");
    assert_same(&folder, "out", "whole");
    // Killed between its model and its only checkpoint.
    std::fs::remove_dir_all(folder.path("out/runs/001/checkpoints")).unwrap();
    std::fs::remove_file(folder.path("out/runs/001/scores.json")).unwrap();
    folder.succeed_with_notes("resume out --quiet");
    assert_same(&folder, "out", "whole");
}

#[test]
fn a_program_hears_of_the_sweep() {
    let folder = tempfile::tempdir().unwrap();
    let data = DataConfig {
        data: "bars-and-stripes:3".parse().unwrap(),
        validation: 4,
        ..DataConfig::default()
    };
    let train = TrainConfig { hidden: Some(4), epochs: Some(20), ..TrainConfig::default() };
    let settings = Settings { data, train, ..Settings::default() };
    let vary = vec!["learning_rate=0.01,0.1,0.3".parse().unwrap()];
    let config = SweepConfig { vary, seeds: 2, ..SweepConfig::default() };
    let session =
        Session { out: Some(folder.path().join("out")), threads: Some(2), ..Session::default() };
    let mut heard = Vec::new();
    let mut tell = |news: News| {
        if let News::Scored { number, progress, .. } = news {
            heard.push((number, progress));
        }
    };
    let found = sweep(&settings, &config, &session, &mut tell).unwrap();
    assert_eq!(heard.len(), 6);
    let last = heard[5].1;
    assert_eq!((last.n_done, last.n_runs), (6, 6));
    assert!((last.share - 1.0).abs() < 1e-9 && heard[0].1.share < 0.5, "{heard:?}");
    assert!(found.table.rows.iter().all(|row| row.state == PointState::Done));
    let best = found.table.rows[0].score.unwrap();
    assert!(last.best.unwrap() >= best);
    assert!(found.best_run().unwrap().join("config.toml").exists());
}
