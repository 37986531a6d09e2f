//! Several runs side by side: their list, their order, the best of them, and their metrics in one table.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use serde_json::Value;

/// A run of 2 epochs of 4 updates.
const LINE: &str =
    "train --data greys.idx --hidden 9 --epochs 2 --batch-size 50 --evaluate-every 1 --quiet";

/// A folder with four runs in `runs/`.
fn folder_with_runs() -> Folder {
    let folder = Folder::new();
    for (name, flags) in [
        ("run-1", "--learning-rate 0.3"),
        ("run-2", "--learning-rate 1e-9"),
        ("run-10", "--learning-rate 0.1 --hidden 5"),
        ("run-20", "--stop-after 1epochs"),
    ] {
        let line =
            LINE.replace("--hidden 9", if flags.contains("hidden") { "" } else { "--hidden 9" });
        folder.succeed_with_notes(&format!("{line} {flags} --out runs/{name}"));
    }
    folder
}

/// The first column of the table without its header.
fn listed(folder: &Folder, flags: &str) -> Vec<String> {
    let table = folder.succeed(&format!("runs {flags}"));
    table.lines().skip(1).map(|row| row.split(' ').next().unwrap().to_string()).collect()
}

#[test]
fn runs_are_listed_in_the_order_and_choice_that_the_user_asks_for() {
    let folder = folder_with_runs();
    let names = |numbers: &[u32]| -> Vec<String> {
        numbers.iter().map(|number| format!("runs/run-{number}")).collect()
    };
    for (flags, expected) in [
        ("", &[1, 2, 10, 20][..]),
        ("--reverse", &[20, 10, 2, 1]),
        ("--sort hidden", &[10, 1, 2, 20]),
        ("--sort learning_rate", &[2, 10, 20, 1]),
        ("--sort learning_rate -r", &[1, 20, 10, 2]),
        ("--sort state -r", &[20, 1, 2, 10]),
        ("--filter hidden=9", &[1, 2, 20]),
        ("--filter hidden=9 --filter learning_rate<0.25", &[2, 20]),
        ("--filter hidden!=9", &[10]),
        ("--filter state=stopped", &[20]),
        ("--filter data=greys.idx --filter epoch>1", &[1, 2, 10]),
        ("--filter run=run-10", &[10]),
        ("--filter hidden>100", &[]),
    ] {
        assert_eq!(listed(&folder, flags), names(expected), "{flags}");
    }
    let json = folder.succeed("runs --filter hidden=5 --json");
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["settings"]["hidden"], 5);
    for (flags, message) in [
        ("--sort hiden", "did you mean hidden?"),
        ("--sort log_likelyhood", "did you mean log_likelihood?"),
        ("--filter hiden=5", "did you mean hidden?"),
        ("--filter hidden", "KEY=VALUE"),
        ("--best free_energy_gap", "the gap is smallest before anything is learned"),
        ("--best hidden", "`log_likelihood`, `log_likelihood_online`"),
        ("--best log_likelihood --sort hidden", "cannot be used with"),
    ] {
        folder.refuse(&format!("runs {flags}"), 2, message);
    }
}

#[test]
fn the_best_run_can_be_handed_to_another_command() {
    let folder = folder_with_runs();
    let score = |number: u32| {
        let run = folder.metrics(&format!("runs/run-{number}"));
        run.last().unwrap()["log_likelihood"].as_f64().unwrap()
    };
    let best = [1, 2, 10, 20].into_iter().max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap();
    let found = folder.succeed("runs --best log_likelihood");
    assert_eq!(found, format!("runs/run-{best}\n"));
    folder.succeed(&format!("sample {} --number 3 --out samples.npy", found.trim_end()));
    let of_two =
        folder.succeed("runs --best log_likelihood --filter learning_rate<0.25 --filter hidden=9");
    assert_eq!(of_two, format!("runs/run-{}\n", if score(2) > score(20) { 2 } else { 20 }));
    // Less is better.
    let error = |number: u32| {
        let run = folder.metrics(&format!("runs/run-{number}"));
        run.last().unwrap()["reconstruction_error"].as_f64().unwrap()
    };
    let best = [1, 2, 10, 20].into_iter().min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap();
    assert_eq!(folder.succeed("runs --best reconstruction_error"), format!("runs/run-{best}\n"));
    let message = "runs: holds no run with a log_likelihood_online that is known and not doubtful";
    folder.fail("runs --best log_likelihood_online", message);
    folder.fail(
        "runs --best log_likelihood --filter hidden>9",
        "`harmonium evaluate RUN` estimates it",
    );
}

/// From the working folder they can be pasted; elsewhere they are names in the folder that is listed.
#[test]
fn the_paths_of_runs_are_short() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out runs/a"));
    let absolute = folder.path("runs").canonicalize().unwrap();
    for line in
        ["runs".to_string(), "runs ./runs/".to_string(), format!("runs {}", absolute.display())]
    {
        assert!(folder.succeed(&line).lines().nth(1).unwrap().starts_with("runs/a  "), "{line}");
    }
    let elsewhere = |line: &str| {
        let output = folder.command(line).current_dir("/").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let table = elsewhere(&format!("runs {}", absolute.display()));
    let from_root = absolute.strip_prefix("/").unwrap().join("a");
    assert!(
        table.lines().nth(1).unwrap().starts_with(&format!("{}  ", from_root.display())),
        "{table}"
    );
    let other = tempfile::tempdir().unwrap();
    let output =
        folder.command(&format!("runs {}", absolute.display())).current_dir(&other).output();
    let table = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(table.lines().nth(1).unwrap().starts_with("a  "), "{table}");
    let inside = folder.command("runs .").current_dir(folder.path("runs/a")).output().unwrap();
    let table = String::from_utf8(inside.stdout).unwrap();
    assert!(table.lines().nth(1).unwrap().starts_with(".  "), "{table}");
}

#[test]
fn the_planned_epochs_are_those_of_the_newest_plan() {
    let folder = Folder::new();
    for (name, n) in [("a", 2), ("b", 3)] {
        folder.succeed(&format!("{LINE} --out runs/{name}"));
        folder.succeed_with_notes(&format!("resume runs/{name} --epochs {n} --quiet"));
    }
    let table = folder.succeed("runs");
    let rows: Vec<_> = table.lines().skip(1).collect();
    assert!(rows[0].contains("  2/2  ") && rows[0].contains("epochs=2"), "{table}");
    assert!(rows[1].contains("  3/3  ") && rows[1].contains("epochs=3"), "{table}");
    assert_eq!(listed(&folder, "--filter epochs=3"), ["runs/b"]);
    assert_eq!(folder.summary("runs/b")["settings"]["epochs"], 3);
    // A run that was planned in updates is now planned in epochs.
    let line = LINE.replace("--epochs 2", "--updates 4");
    folder.succeed(&format!("{line} --out runs/c"));
    folder.succeed_with_notes("resume runs/c --epochs 2 --quiet");
    assert!(folder.succeed("runs").contains("runs/c  done   2/2  "));
    assert!(folder.summary("runs/c")["settings"]["updates"].is_null());
}

#[test]
fn the_metrics_of_several_runs_are_one_table() {
    let folder = Folder::new();
    folder.succeed(&format!("{LINE} --out a"));
    folder.succeed(&format!("{LINE} --algorithm pt --temperatures 4 --out b"));
    let one = folder.succeed("metrics a");
    assert!(one.starts_with("epoch,seconds,updates,"), "{one}");
    let both = folder.succeed("metrics a b/metrics.jsonl");
    let mut reader = csv::Reader::from_reader(both.as_bytes());
    let columns = reader.headers().unwrap().clone();
    assert_eq!(columns.iter().take(4).collect::<Vec<_>>(), ["run", "epoch", "seconds", "updates"]);
    let rates = columns.iter().position(|name| name == "swap_rates").unwrap();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let found: Vec<_> = rows.iter().map(|row| (&row[0], &row[1], row[rates].is_empty())).collect();
    let b = "b/metrics.jsonl";
    assert_eq!(found, [("a", "1", true), ("a", "2", true), (b, "1", false), (b, "2", false)]);
    folder.succeed("metrics a b/metrics.jsonl --out both.csv");
    assert_eq!(folder.read("both.csv"), both.as_bytes());
}
