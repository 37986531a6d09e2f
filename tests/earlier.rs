//! What an earlier version wrote is read by this one, as far as it can be.
//!
//! `tests/earlier` has run folders of commit 7314e83 (26 November 2026, stream version 1), stopped half way,
//! and with them the fingerprints below.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use std::fs;
use std::path::{Path, PathBuf};

/// A run folder, and the parameters it was stopped with.
const RUNS: [[&str; 2]; 3] = [
    ["cd", "859086477f8fd67e286ed19628d23a24b345ca3cfe2be1b4242fab1d2f8956e4"],
    ["pcd", "1190b815fd37a353c3ffa1cc0470fa7819cf34484eddd5b9347dbba84a0efad7"],
    ["pt", "10d278b45b2fafdf9f4adcf1855a2e286215b64e5b547e679017fb6e802ad879"],
];

fn earlier() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/earlier")
}

/// A folder with the runs and their data, which have moved since.
fn with_runs() -> Folder {
    let folder = Folder::new();
    folder.write("numbers.npy", &fs::read(earlier().join("numbers.npy")).unwrap());
    for [run, _] in RUNS {
        fs::create_dir_all(folder.path(run).join("checkpoints")).unwrap();
        // Each run that is open has this file; it was not kept.
        folder.write(&format!("{run}/.lock"), b"");
        for part in [run.to_string(), format!("{run}/checkpoints")] {
            for entry in fs::read_dir(earlier().join(&part)).unwrap().map(Result::unwrap) {
                if entry.path().is_file() {
                    let name = format!("{part}/{}", entry.file_name().to_str().unwrap());
                    folder.write(&name, &fs::read(entry.path()).unwrap());
                }
            }
        }
        let config = String::from_utf8(folder.read(&format!("{run}/config.toml"))).unwrap();
        let moved = config.replace("/data/", &format!("{}/", folder.path("").display()));
        folder.write(&format!("{run}/config.toml"), moved.as_bytes());
    }
    folder
}

#[test]
fn a_model_of_an_earlier_version_is_read() {
    let folder = with_runs();
    for [run, stopped] in RUNS {
        assert_eq!(folder.fingerprint(run), stopped, "{run}");
        folder.succeed(&format!("inspect {run}"));
        folder.succeed(&format!("sample {run} --number 3 --gibbs-steps 2 --out {run}.npy"));
    }
}

/// Streams and rounding are others, so the run could not go on to the bits that it would have had.
#[test]
fn a_run_of_an_earlier_version_is_not_resumed() {
    let folder = with_runs();
    for [run, stopped] in RUNS {
        let message = "has stream version 1, but this program has 2 and would not continue to the same \
                       bits; use the version of harmonium that wrote it";
        folder.fail(&format!("resume {run} --quiet"), message);
        assert_eq!(folder.fingerprint(run), stopped, "{run}: it stays as it was");
    }
}

#[test]
fn settings_of_an_earlier_version_are_read_with_a_note() {
    let folder = with_runs();
    for [run, _] in RUNS {
        let line = format!("train --config {run} --out again-{run} --quiet");
        let (code, _, stderr) = folder.run(&line);
        assert_eq!(code, Some(0), "{stderr}");
        assert!(stderr.contains("has stream version 1, but this program has 2"), "{stderr}");
        assert_eq!(folder.summary(&format!("again-{run}"))["state"], "done");
    }
}
