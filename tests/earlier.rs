//! What an earlier version wrote goes on under this one, to the same bits.
//!
//! `tests/earlier` has run folders of commit 7314e83 (26 November 2026), stopped half way; the fingerprints
//! below are what that version itself ended with.

#![cfg(feature = "cli")]

mod folder;

use folder::Folder;
use std::fs;
use std::path::{Path, PathBuf};

/// A run folder, the parameters it was stopped with and those it ends with.
const RUNS: [[&str; 3]; 3] = [
    [
        "cd",
        "859086477f8fd67e286ed19628d23a24b345ca3cfe2be1b4242fab1d2f8956e4",
        "6b6b9975d45831e874569adffc15ae417716c2e3e5beb7325b5f7bde6a26177b",
    ],
    [
        "pcd",
        "1190b815fd37a353c3ffa1cc0470fa7819cf34484eddd5b9347dbba84a0efad7",
        "6bf85a325c7382511da9583e31b0982ff4bd65d06778931f8c1fa8bd525c643e",
    ],
    [
        "pt",
        "10d278b45b2fafdf9f4adcf1855a2e286215b64e5b547e679017fb6e802ad879",
        "6884c012f2e4407b08bcc3b49795c07a0bb56a8dad3488e1148074c300efff50",
    ],
];

fn earlier() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/earlier")
}

/// A folder with the runs and their data, which have moved since.
fn with_runs() -> Folder {
    let folder = Folder::new();
    folder.write("numbers.npy", &fs::read(earlier().join("numbers.npy")).unwrap());
    for [run, ..] in RUNS {
        fs::create_dir_all(folder.path(run).join("checkpoints")).unwrap();
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
fn a_run_of_an_earlier_version_is_resumed_to_the_bits_it_would_have_had() {
    let folder = with_runs();
    for [run, stopped, done] in RUNS {
        assert_eq!(folder.fingerprint(run), stopped, "{run}: its model");
        let n_records = folder.metrics(run).len();
        folder.succeed(&format!("resume {run} --quiet"));
        assert_eq!(folder.fingerprint(run), done, "{run}");
        assert!(folder.metrics(run).len() > n_records, "{run}: the records go on");
        assert_eq!(folder.summary(run)["state"], "done");
    }
}

#[test]
fn settings_of_an_earlier_version_train_to_the_same_bits() {
    let folder = with_runs();
    for [run, _, done] in RUNS {
        folder.succeed(&format!("train --config {run} --out again-{run} --quiet"));
        assert_eq!(folder.fingerprint(&format!("again-{run}")), done, "{run}");
    }
}
